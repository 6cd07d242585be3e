"""A pause in small, for the laws: planner, engine and journal over the world in memory.

A `Night` runs what the workflows run, one batch after the other, with a schedule of mishaps: a
crash, a lost reply or a stranger's edit at the n-th time that the connector is at some moment.
After a crash the same batch is asked again by another attempt once its lease has run out.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby

from support.journals import a_book

from stopline import planner
from stopline.climbing import Breach, breaches, removed
from stopline.connectors.memory import CONTAINS, NAME, MemoryConnector, Principal, World
from stopline.engine import Errand, apply
from stopline.errors import ConnectorError
from stopline.journal.book import Book
from stopline.journal.pauses import Pause, PauseStatus
from stopline.journal.removals import removals
from stopline.model import Address, Change, Document, Plan, Scope, stage
from stopline.playbook import Phase, Playbook, Rule
from stopline.port import Mark, Terms
from stopline.receipts import Cause, Hold, Outcome, Receipt
from stopline.terminating import plan_termination
from stopline.text import Json
from stopline.vendors import Vendor

PASSES = 12
KEPT = "arn:aws:iam::111122223333:kept"
"""A principal of the vendor's that its file protects."""
VENDOR = Vendor(vendor="mercor", protected=(KEPT,))
PLAYBOOK = Playbook(
    playbook="default",
    phases=tuple(
        Phase(name=word, rules=(Rule(name=word, connector=NAME, contains=word, how=how),))
        for word, hows in CONTAINS.items()
        for how in hows
    ),
)


class Crash(BaseException):
    """The process died here."""


@dataclass
class Mishap:
    """What happens at the n-th time of a moment (`read`, `sending`, `sent`)."""

    moment: str
    number: int
    act: Callable[["Night"], None]


def crash(_night: "Night") -> None:
    """Die."""
    raise Crash


def lose_reply(_night: "Night") -> None:
    """Cut the connection: nobody can say what happened."""
    raise ConnectorError(Cause.UNREACHABLE, "the connection was cut", landed=None)


def throttle(_night: "Night") -> None:
    """Ask us to slow down."""
    raise ConnectorError(Cause.THROTTLED, "slow down")


def a_world() -> World:
    """A vendor beside somebody else; keys on and off; texts that must come back verbatim."""
    return World(
        {
            "v0": Principal("u0", "mercor", switches={"one": "on", "two": "off"}),
            "v1": Principal("u1", "mercor", switches={"one": "on"}),
            KEPT: Principal("u2", "mercor", switches={"one": "on"}),
            "shared": Principal("u3", "mercor", shared_with=("mercer",)),
            "other": Principal("u4", "mercer", switches={"one": "on"}),
        },
        targets={"data": '{ "Statement": [ {"Sid": "Lab"} ] }', "empty": ""},
    )


@dataclass
class Night:
    """One journal and one world; any number of pauses."""

    world: World = field(default_factory=a_world)
    mishaps: list[Mishap] = field(default_factory=list)
    now: float = 1_800_000_000.0
    seen: dict[str, int] = field(default_factory=dict)
    attempts: int = 0
    protected: tuple[str, ...] = ()
    released: frozenset[Address] = frozenset()
    url: str = "sqlite://"

    def __post_init__(self) -> None:
        """Open the journal, and be called around every read and write."""
        self.book: Book = a_book(self.url, clock=lambda: self.now)
        self.connector = MemoryConnector(self.world, tags=True, hook=self._hook)

    def _hook(self, moment: str, _document: Document) -> None:
        self.seen[moment] = self.seen.get(moment, 0) + 1
        for mishap in list(self.mishaps):
            if (mishap.moment, mishap.number) == (moment, self.seen[moment]):
                self.mishaps.remove(mishap)
                mishap.act(self)

    # --- planning --------------------------------------------------------------------------------

    def plan(
        self,
        pause: str,
        scope: Scope | None = None,
        *,
        sweep: Plan | None = None,
        found: Json = None,
    ) -> Plan:
        """Plan a containment; as a sweep, within what an approved plan names."""
        scope = scope or Scope()
        snapshot = planner.snapshot_of("mercor", self.connector.discover(VENDOR, scope), "")
        approved = frozenset(c.address for c in sweep.work) if sweep else None
        return planner.plan_containment(
            snapshot,
            self.terms(pause, found),
            scope,
            planner.Standing(self.book.writes.holds(), approved, self.protected, self.released),
            planner.Opinions({NAME: self.connector.contained}, {NAME: self.connector.residuals}),
        )

    def terms(self, pause: str, found: Json = None) -> Terms:
        """What the opinion may hang on, as an activity makes it."""
        pauses = self.book.pauses
        return Terms(
            VENDOR,
            PLAYBOOK,
            Mark(self.book.id, pause),
            cut_at=pauses.cut_at(pause),
            settled=pauses.settled(pause, {NAME: self.connector.propagation}),
            removed=removed(
                self.holds(pause), removals(self.book.store, pause, found), PLAYBOOK.audits
            ),
        )

    def holds(self, pause: str) -> tuple[Hold, ...]:
        """What one pause holds."""
        return tuple(self.book.writes.holds(pause))

    def breaches(self, pause: str) -> tuple[Breach, ...]:
        """What somebody removes at will."""
        return breaches(self.holds(pause), removals(self.book.store, pause), PLAYBOOK.audits)

    def plan_restore(self, pause: str, scope: Scope | None = None) -> Plan:
        """Plan what a pause gives back, with a person's word for what is unproven."""
        holds = self.book.writes.holds()
        return planner.plan_restore("mercor", pause, holds, scope or Scope(), unproven=True)

    # --- carrying out ----------------------------------------------------------------------------

    def batches(self, plan: Plan, size: int = 3) -> Iterator[tuple[Change, ...]]:
        """Cut a plan: stages in order, some documents at a time."""
        for _, group in groupby(plan.work, key=lambda c: stage(c, plan.direction)):
            documents = [list(g) for _, g in groupby(group, key=lambda c: c.address.document)]
            for start in range(0, len(documents), size):
                yield tuple(c for d in documents[start : start + size] for c in d)

    def attempt(self, plan: Plan, batch: Iterable[Change]) -> list[Receipt]:
        """One attempt of one batch; a crash comes out."""
        self.attempts += 1
        errand = Errand(plan.pause, plan.direction, f"attempt-{self.attempts}", "token")
        receipts = apply(self.connector, self.book.writes, errand, tuple(batch))
        return [receipt for document in receipts for receipt in document]

    def deliver(self, plan: Plan, batch: tuple[Change, ...]) -> list[Receipt]:
        """Redeliver a batch until an attempt survives; the dead one's lease runs out meanwhile."""
        while True:
            try:
                return self.attempt(plan, batch)
            except Crash:
                self.now += 60

    def carry_out(self, plan: Plan) -> list[Receipt]:
        """Every batch of a plan, in order."""
        return [r for batch in self.batches(plan) for r in self.deliver(plan, batch)]

    def open(self, pause: str) -> None:
        """Open a pause in the journal, or go on with it."""
        status = PauseStatus.CONTAINING
        opened = Pause(pause, "mercor", Scope(), "w", "alice", "breach", "", status, "", "", "")
        self.book.pauses.open(opened, {})

    def contain(self, pause: str, scope: Scope | None = None) -> Plan:
        """Contain and sweep until a pass plans nothing; returns the approved plan."""
        self.open(pause)
        approved = plan = self.plan(pause, scope)
        for _ in range(PASSES):
            if not plan.work:
                break
            self.carry_out(plan)
            self.now += 60  # a lease that a lost reply left behind has run out by the next pass
            plan = self.plan(pause, scope, sweep=approved)
        return approved

    def plan_termination(self, pause: str) -> Plan:
        """Plan what of a pause is removed for good."""
        holds, opinions = self.book.writes.holds(), {NAME: self.connector.ended}
        return plan_termination("mercor", pause, holds, Scope(), opinions)

    def terminate(self, pause: str) -> list[Receipt]:
        """Remove for good until nothing is planned, or nothing moves any more."""
        self.book.pauses.mark(pause, PauseStatus.TERMINATING)
        done: list[Receipt] = []
        for _ in range(PASSES):
            plan, ahead = self.plan_termination(pause), len(self.mishaps)
            receipts = self.carry_out(plan)
            self.now += 60
            done += receipts
            moved = any(r.outcome in (Outcome.APPLIED, Outcome.ALREADY) for r in receipts)
            if not moved and ahead == len(self.mishaps):
                break
        self.book.pauses.mark(pause, PauseStatus.TERMINATED)
        return done

    def restore(self, pause: str, scope: Scope | None = None) -> list[Receipt]:
        """Give back until nothing is planned, or nothing moves any more."""
        done: list[Receipt] = []
        for _ in range(PASSES):
            plan, ahead = self.plan_restore(pause, scope), len(self.mishaps)
            receipts = self.carry_out(plan)
            self.now += 60
            done += receipts
            moved = any(r.outcome in (Outcome.APPLIED, Outcome.ALREADY) for r in receipts)
            if not moved and ahead == len(self.mishaps):
                break
        return done
