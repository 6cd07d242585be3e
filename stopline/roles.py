"""config/roles.yaml as typed data: who may approve, and whether a signature must prove it. Pure.

Who may ask for something, and who may acknowledge notices, stands there too.

Only the worker reads it, anew for each approval: what a person may do is not part of what a pause
was planned from, so a key that is taken out of the file is worth nothing from then on.
"""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from stopline import yamltext
from stopline.formats import line

Line = Annotated[str, AfterValidator(line)]


class Roles(BaseModel):
    """Who may approve. `approvers` are names or globs, as in OpenSSH's allowed signers file.

    `requesters` are those who may open a pause, have more contained, ask for a rollback or a
    termination, and reassess; `responders` those who may acknowledge notices, in the same way.
    `break_glass` are those who may approve alone, also what they asked for themselves; nobody,
    where it is left out.

    `allowed_signers` is that file's path, from the folder of `roles.yaml`:
    https://man.openbsd.org/ssh-keygen#ALLOWED_SIGNERS
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    approvers: tuple[Line, ...] = Field(default=("*",), min_length=1)
    requesters: tuple[Line, ...] = Field(default=("*",), min_length=1)
    responders: tuple[Line, ...] = Field(default=("*",), min_length=1)
    break_glass: tuple[Line, ...] = ()
    signatures: Literal["required", "optional"] = "required"
    allowed_signers: Line = "allowed_signers"

    def may_approve(self, person: str) -> bool:
        """Whether this person is one of the approvers."""
        return any(fnmatchcase(person, pattern) for pattern in self.approvers)

    def may_ask(self, person: str) -> bool:
        """Whether this person may ask for what others approve, or begin what is urgent."""
        return any(fnmatchcase(person, pattern) for pattern in self.requesters)

    def may_break_glass(self, person: str) -> bool:
        """Whether this person's yes may count as all that are needed."""
        return any(fnmatchcase(person, pattern) for pattern in self.break_glass)

    def may_acknowledge(self, person: str) -> bool:
        """Whether this person may say that a notice has been heard, which ends its escalation."""
        return any(fnmatchcase(person, pattern) for pattern in self.responders)


ANYBODY = Roles(signatures="optional")
"""What holds where there is no file: anybody but the requester, by a declared name."""


def parse_roles(text: str, file: str) -> Roles:
    """Read the file. Raises ConfigError with every fault, as `file:line: fault`."""
    read = yamltext.read(text, file, Roles)
    return read.checked(_meaning(read.value))


def _meaning(roles: Roles) -> Iterator[tuple[yamltext.Path, str]]:
    if roles.allowed_signers.startswith("/") or ".." in roles.allowed_signers.split("/"):
        yield ("allowed_signers",), "must be a path inside the folder of configuration"
