"""One attempt of one batch, with everything that can befall it.

An attempt sees the real journal and the in-memory connector through windows: at each moment
(before and after every call of the journal, and at the connector's `read`, `sending` and `sent`)
a fault of the drawn schedule may strike. A killed attempt does nothing more, not even tidy up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from hypothesis import strategies as st

from stopline.connectors.memory import _WRITERS, MemoryConnector
from stopline.engine import Errand, Journal, Known, Observed
from stopline.errors import ConnectorError
from stopline.model import Address, Cause, Change, Direction, Document, Receipt
from support.core_world import Edit, edits

LEASE, REQUEST = 30.0, 15.0


class KilledError(BaseException):
    """The process is gone; nothing of ours may catch it."""


@dataclass(eq=False)
class Clock:
    """Time, which passes only when it is told to, and what happens when it does."""

    now: float = 1_700_000_000.0
    sends: list[float] = field(default_factory=list)
    late: list["Late"] = field(default_factory=list)

    def __call__(self) -> float:
        """The journal's clock."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass. A request that is under way ends before its longest time is over."""
        until = min([self.now + seconds, *(since + REQUEST for since in self.sends)])
        for late in [late for late in self.late if late.at <= until]:
            self.late.remove(late)
            self.now = max(self.now, late.at)
            late.attempt.land_late(late)
        self.now = max(self.now, until)

    def reset(self) -> None:
        """Forget what was under way."""
        self.sends.clear()
        self.late.clear()


@dataclass(frozen=True)
class Late:
    """A request that reaches the provider later than its sender waited for it."""

    at: float
    attempt: "Attempt"
    observed: Observed
    changes: Sequence[Change]
    original: str | None


@dataclass(frozen=True)
class Landing:
    """One write of ours that landed: what stood there, and what stands there now."""

    attempt: "Attempt"
    changes: Sequence[Change]
    before: Observed
    after: Observed


@dataclass(frozen=True)
class Fault:
    """Strikes at the first moment that suits it, from moment number `at` on."""

    at: int
    kind: str
    seconds: float = 1.0
    edit: Edit = Edit("mint")


SUITS: Mapping[str, frozenset[str]] = {
    "kill-late": frozenset({"sending"}),
    "slow": frozenset({"sending"}),
    "unsent": frozenset({"sending"}),
    "reset": frozenset({"sending"}),
    "quota": frozenset({"sending"}),
    "lost": frozenset({"sent"}),
    "throttle": frozenset({"sending", "read"}),
    "bug": frozenset({"read", "sending", "sent"}),
}
"""Where a fault can strike; one that is not listed can strike anywhere."""

CRASHES = ("kill", "kill-late", "lost", "unsent", "slow", "reset", "throttle", "bug")
RACES = ("stall", "overlap", "takeover")
_RAISED = {
    "lost": (Cause.UNREACHABLE, None),
    "unsent": (Cause.UNREACHABLE, None),
    "slow": (Cause.UNREACHABLE, None),
    "reset": (Cause.UNREACHABLE, False),
    "throttle": (Cause.THROTTLED, False),
    "quota": (Cause.QUOTA, False),
}


@st.composite
def schedules(
    draw: st.DrawFn, kinds: Sequence[str], attacks: Sequence[str] = (), most: int = 4
) -> list[Fault]:
    """Draw a schedule of faults: which, from which moment on."""
    chosen = st.builds(
        Fault,
        at=st.integers(0, 90),
        kind=st.sampled_from(tuple(kinds)),
        seconds=st.sampled_from((1.0, 14.0, 40.0)),
        edit=edits(*attacks),
    )
    return sorted(draw(st.lists(chosen, max_size=most)), key=lambda fault: fault.at)


class Host(Protocol):
    """What an attempt asks of the run that it is part of."""

    clock: Clock

    def due(self, attempt: "Attempt", moment: str) -> Fault | None:
        """Take the next fault that strikes at this moment."""

    def meanwhile(self, attempt: "Attempt", fault: Fault) -> None:
        """Let others act: strangers, another attempt, another pause."""

    def landed(self, landing: Landing) -> None:
        """Write down what landed, and hold it to the laws."""

    def intended(self, attempt: "Attempt", observed: Observed, changes: Sequence[Change]) -> None:
        """Write down what the journal was told before a write."""


@dataclass(eq=False)
class Watched(MemoryConnector):
    """The in-memory connector, with what is being sent kept where the hook can see it."""

    sending: tuple[Observed, Sequence[Change], str | None] | None = None

    def write(
        self, observed: Observed, changes: Sequence[Change], original: str | None, token: str
    ) -> None:
        """Keep what is sent, then send it."""
        self.sending = observed, changes, original
        super().write(observed, changes, original, token)


@dataclass(eq=False)
class Attempt:
    """One attempt of one batch: its journal and its connector, as seen through the faults."""

    host: Host
    journal: Journal
    connector: Watched
    errand: Errand
    batch: Sequence[Change]
    depth: int = 0
    chosen: bool = False
    dead: bool = False
    flying: Document | None = None
    before: Observed | None = None
    sent_at: float | None = None

    def __post_init__(self) -> None:
        """Hear of every read and write."""
        self.connector.hook = self.hook

    # --- moments -------------------------------------------------------------------------------

    def moment(self, name: str) -> None:
        """Let everything strike that is due now."""
        if self.dead:
            raise KilledError
        while fault := self.host.due(self, name):
            self._strike(fault)

    def _strike(self, fault: Fault) -> None:
        if fault.kind.startswith("kill"):
            self.die()
            if fault.kind == "kill-late":
                self._later(fault)
            raise KilledError
        if fault.kind in ("slow", "kill-late"):
            self._later(fault)
        if fault.kind == "bug":
            raise ValueError(fault.kind)
        if fault.kind in _RAISED:
            cause, landed = _RAISED[fault.kind]
            raise ConnectorError(cause, fault.kind, landed=landed)
        if fault.kind == "stall":
            self.host.clock.advance(fault.seconds)
        else:
            self.host.meanwhile(self, fault)

    def die(self) -> None:
        """Do nothing more."""
        self.dead = True
        self._answered()
        self.flying = None

    def _answered(self) -> None:
        if self.sent_at is not None:
            self.host.clock.sends.remove(self.sent_at)
            self.sent_at = None

    def _later(self, fault: Fault) -> None:
        sending, since = self.connector.sending, self.sent_at or self.host.clock.now
        if sending is not None:
            at = min(self.host.clock.now + fault.seconds, since + REQUEST)
            self.host.clock.late.append(Late(at, self, *sending))

    def land_late(self, late: Late) -> None:
        """Let a request reach the provider whose sender is gone, or has given up."""
        before = self.connector._observe(late.observed.document)
        try:
            _WRITERS[late.observed.document.kind](
                self.connector.world, late.observed, late.changes, late.original
            )
        except ConnectorError:
            return
        self._landed(late.changes, before)

    def _landed(self, changes: Sequence[Change], before: Observed) -> None:
        after = self.connector._observe(before.document)
        self.host.landed(Landing(self, changes, before, after))

    # --- the connector's ---------------------------------------------------------------------------

    def hook(self, name: str, document: Document) -> None:
        """A read or a write of the connector's."""
        if self.dead:
            raise KilledError
        if name == "read":
            self.flying = document
        if name == "sent" and self.connector.sending and self.before:
            self._answered()
            self._landed(self.connector.sending[1], self.before)
        try:
            self.moment(name)
        except BaseException:
            self._answered()
            raise
        if name == "sending":
            self.before = self.connector._observe(document)

    # --- the journal's -----------------------------------------------------------------------------

    def lease(self, document: Document, holder: str) -> bool:
        """As the journal's."""
        self.flying = None
        self.moment("before lease")
        taken = self.journal.lease(document, holder)
        self.moment("after lease")
        return taken

    def leased(self, document: Document, holder: str) -> bool:
        """As the journal's; from its yes on, the longest time of a request runs."""
        self.moment("before leased")
        long_enough = self.journal.leased(document, holder)
        if long_enough:
            self.sent_at = self.host.clock.now
            self.host.clock.sends.append(self.sent_at)
        self.moment("after leased")
        return long_enough

    def unlease(self, document: Document, holder: str) -> None:
        """As the journal's."""
        self.moment("before unlease")
        self.journal.unlease(document, holder)
        self.moment("after unlease")

    def known(self, pause: str, addresses: Sequence[Address]) -> Mapping[Address, Known]:
        """As the journal's."""
        self.flying = None
        self.moment("before known")
        known = self.journal.known(pause, addresses)
        self.moment("after known")
        return known

    def intend(self, errand: Errand, observed: Observed, changes: Sequence[Change]) -> str | None:
        """As the journal's."""
        self.moment("before intend")
        original = self.journal.intend(errand, observed, changes)
        self.host.intended(self, observed, changes)
        self.moment("after intend")
        return original

    def settle(self, errand: Errand, receipts: Sequence[Receipt]) -> None:
        """As the journal's."""
        self._answered()
        self.flying = None
        self.moment("before settle")
        self.journal.settle(errand, receipts)
        self.moment("after settle")

    @property
    def containing(self) -> bool:
        """Whether the attempt goes forward."""
        return self.errand.direction is Direction.CONTAIN
