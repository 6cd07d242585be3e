"""One tree of errors. Each names who is at fault, what was not done, and the next step.

    StoplineError
    ├── UserError          the caller: bad input, a name that does not exist       exit code 2
    │   └── ConfigError    a file: with path and line                              exit code 2
    ├── RefusedError       a guard or a rule said no                               exit code 1
    ├── SetupError         something that we need is not there (server, database)  exit code 1
    ├── WrongJournalError  a worker was handed another journal's pause             exit code 1
    └── ConnectorError     a system of record, with a typed cause                  (a receipt)
        └── StaleError     the document moved between our read and our write       (read again)

A `ConnectorError` never ends a run: the engine turns it into a receipt with its `cause`.
"""

from stopline.model import Address
from stopline.receipts import Cause


class StoplineError(Exception):
    """Base. `what` is what was not done and why; `next_step` is what to do about it."""

    exit_code = 1

    def __init__(self, what: str, next_step: str = "") -> None:
        """Keep both sentences; `str` gives them one after the other."""
        super().__init__(f"{what} {next_step}".strip())
        self.what = what
        self.next_step = next_step


class UserError(StoplineError):
    """The caller asked for something that cannot be."""

    exit_code = 2


class ConfigError(UserError):
    """A file does not say what it must. `what` holds one line per fault: file:line: fault."""


class RefusedError(StoplineError):
    """A guard or a rule of the process said no; nothing was written."""


class SetupError(StoplineError):
    """Temporal, the journal or a credential that we need is not there."""


class WrongJournalError(StoplineError):
    """The pause belongs to another journal; this worker must not write for it."""


class ConnectorError(StoplineError):
    """A system of record did not do what was asked.

    `cause` is typed because what happens next hangs on it. `landed` is None where the answer
    leaves open whether the write happened (a lost reply), False where it surely did not, True where
    it surely did and what goes with it (a sign-out) did not: `detail` says what a person does then.
    `parts` are those of a document's addresses that stood in the way, where the rest may be
    written.
    """

    def __init__(
        self,
        cause: Cause,
        detail: str,
        *,
        landed: bool | None = False,
        parts: frozenset[Address] = frozenset(),
    ) -> None:
        """Keep the typed cause beside the sentence."""
        super().__init__(detail)
        self.cause = cause
        self.detail = detail
        self.landed = landed
        self.parts = parts


class StaleError(ConnectorError):
    """The provider's concurrency tag did not match: nothing was written, read again."""

    def __init__(self, detail: str) -> None:
        """The cause is a stranger's edit; the engine decides what it means."""
        super().__init__(Cause.FOREIGN, detail, landed=False)


ALONE = "The playbook wants a second person for a containment; nothing was added to the open pause."
APART = (
    "Pause it apart with `stopline pause --apart`, which waits for that person; or have the open "
    "pause rolled back first."
)
"""Why nothing is contained again there, and what to do instead."""
