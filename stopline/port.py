"""The Connector port: what code for one system of record promises.

It has an opinion, reads and writes; it decides nothing. `Ending`, `Removing`, `Proving` and
`Attended` are optional.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from stopline.attesting import Told
from stopline.commands import Commands
from stopline.deadlines import Limit
from stopline.estate import Estate
from stopline.model import (
    Address,
    Change,
    Document,
    Effect,
    Found,
    Grant,
    Residual,
    Scope,
    Skip,
    State,
)
from stopline.playbook import Playbook
from stopline.receipts import Hold
from stopline.vendors import Vendor


@dataclass(frozen=True, slots=True)
class Mark:
    """Whose mark our overlays bear: this journal's, and within it this pause's. 8 hex digits."""

    journal: str
    pause: str


@dataclass(frozen=True, slots=True)
class Observed:
    """One document as read: the states in it, its verbatim text, and how to write it safely.

    `exists` is false when what the document hangs on (the user, the bucket) is not there.
    `uid` is the provider's immutable id of it. `tag` is the concurrency tag, where there is one.
    `raw` is the verbatim text of the whole document, empty where it has none. `ending`: somebody
    is being removed for good, and what the document hangs on is still there without our overlay.
    """

    document: Document
    states: Mapping[Address, State] = field(default_factory=dict)
    raw: str = ""
    uid: str = ""
    tag: str = ""
    exists: bool = True
    ending: bool = False


@dataclass(frozen=True, slots=True)
class Terms:
    """What a connector's opinion may hang on, besides the grant. Times are UTC, whole seconds.

    `refusals`: what a provider did not take. `cut_at`: when the pause began. `settled`: by when
    this pause's latest write of a document was seen everywhere. `removed`: the levers of this pause
    that somebody took away so often that the next one is wanted above each.
    """

    vendor: Vendor
    playbook: Playbook
    mark: Mark
    refusals: frozenset[Address] = frozenset()
    estate: Estate = field(default_factory=Estate)
    cut_at: str = ""
    settled: Mapping[Document, str] = field(default_factory=dict)
    removed: frozenset[Address] = frozenset()

    def cut_after(self, document: Document) -> str:
        """The time before which what was issued must end, once the document shuts the door."""
        return self.settled.get(document, self.cut_at)


class Connector(Protocol):
    """The port: code for one system of record. tests/connectors/contract.py holds each to it."""

    @property
    def name(self) -> str:
        """The first field of every address."""
        ...

    @property
    def permissions(self) -> Mapping[str, frozenset[str]]:
        """The provider's permissions that we use: `read` to assess, `write` besides."""
        ...

    @property
    def propagation(self) -> float:
        """Seconds until a write is seen by every read."""
        ...

    def discover(self, vendor: Vendor, scope: Scope) -> Iterable[Found]:
        """Yield what the vendor holds. What cannot be read is a `Gap`, never an exception."""
        ...

    def contained(self, grant: Grant, terms: Terms) -> Iterable[Change | Skip]:
        """A pure opinion: how this grant is contained under these terms. `before` is ignored."""
        ...

    def read(self, document: Document) -> Observed:
        """Read one document freshly. Raises ConnectorError."""
        ...

    def write(
        self, observed: Observed, changes: Sequence[Change], original: str | None, token: str
    ) -> None:
        """Write all our changes of one document in one call, built on what was observed.

        `original` is the verbatim text from before our first overlay: when what would be written
        is canonically equal to it, it is written instead. `token` is stable over redeliveries.
        Raises StaleError when the tag moved, ConnectorError with `landed=None` when the answer
        leaves open what happened, with `landed=True` when it is written and an act of no way back
        that goes with it (to end a session) failed: the receipt says so, and nothing waits for it.
        """
        ...

    def residuals(self, change: Change) -> Iterable[Residual]:
        """What outlives this change, and until when."""
        ...

    def commands(
        self, document: Document, changes: Sequence[Change], original: str | None
    ) -> Commands:
        """Say changes of one document as commands that a person can run. Pure."""
        ...


@runtime_checkable
class Ending(Protocol):
    """What a connector has besides that can remove for good; the contract holds it to this."""

    def ended(self, hold: Hold) -> Effect | Skip:
        """A pure opinion: what is removed for good where this hold is, or why nothing is."""
        ...

    def end(self, observed: Observed, changes: Sequence[Change], token: str) -> None:
        """Remove what the addresses name, as observed; `write` never does. Raises as `write`."""
        ...


@runtime_checkable
class Removing(Ending, Protocol):
    """A connector that must look before it can say of some holds what is removed for good."""

    def removable(
        self, vendor: Vendor, wanted: Sequence[Hold], standing: Sequence[Hold]
    ) -> Iterable[Effect | Skip]:
        """Say more than `ended` does of what is wanted, from what is there now. Writes nothing.

        `wanted` are the holds that a termination is asked about, `standing` all live ones of
        whatever pause. What nothing is said of is left to `ended`. What cannot be read is a skip.
        """
        ...


@runtime_checkable
class Settling(Ending, Protocol):
    """A connector that holds money, which is settled or disputed by people."""

    def settled(self, hold: Hold) -> Effect | Skip:
        """A pure opinion: what lifting this hold lets the lab pay, or why it is not money of ours.

        `end` lifts it, and pays nothing.
        """
        ...


@dataclass(frozen=True, slots=True, order=True)
class Unproved:
    """A change that stands, and of which it is not shown that nobody gets past it; one sentence."""

    address: Address
    why: str


@runtime_checkable
class Proving(Protocol):
    """A connector that can evaluate, from what is there now, whether access is really gone."""

    def unproved(
        self, vendor: Vendor, held: Sequence[Change], observed: Mapping[Document, Observed]
    ) -> Iterable[Unproved]:
        """Name what does not do what it was made for. `observed` was read just now; no writes.

        Whom it is made against, the vendor's file says as well as the change itself. A sample of
        acts is tried, never by doing them. What nobody can tell is not proven.
        """
        ...


@runtime_checkable
class Limited(Protocol):
    """A connector whose provider lets some of its changes stand for so long and no longer."""

    def limits(self, change: Change) -> Iterable[Limit]:
        """A pure opinion: for how many days a change may stand. Nothing where there is no limit."""
        ...


Held = Callable[[str, str], frozenset[Address]]
"""Of one connector and realm: the addresses that any pause holds, as the journal knows."""


def nothing_held(connector: str, realm: str) -> frozenset[Address]:
    """Where there is no journal, nothing is known to be held."""
    del connector, realm
    return frozenset()


def documents(held: Held, connector: str, realm: str) -> frozenset[str]:
    """The ids of the documents in which something is held."""
    return frozenset(address.document.id for address in held(connector, realm))


@runtime_checkable
class Attended(Protocol):
    """A connector that cannot see all of its own work in its systems: the journal knows the rest.

    People do part of it by hand, where it cannot reach; or what it held ended without a trace.
    """

    def attended(self, told: Told, held: Held) -> Connector:
        """The same connector, told what people attest of each address, and what is held."""
        ...


def attended(
    connectors: Mapping[str, Connector], told: Told, held: Held = nothing_held
) -> Mapping[str, Connector]:
    """Tell those connectors that ask for it what the journal knows."""
    return {
        n: c.attended(told, held) if isinstance(c, Attended) else c for n, c in connectors.items()
    }
