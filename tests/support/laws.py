"""The driver of the laws: pauses carried out as the workflows carry them out, and held to the laws.

Plan, apply in batches stage by stage, ask again what was busy or cut off, sweep until a pass plans
nothing; plan the restore from the holds, apply, until nothing is left to give back. The planner,
the engine and the journal (SQLite) are the real ones; the system of record is the in-memory one.
Every write that lands is held to the laws at that moment, whatever a test looks at besides.
"""

import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import groupby

import sqlalchemy as sa

from stopline.connectors.memory import MemoryConnector
from stopline.engine import Errand, Mark, Observed, Terms, apply
from stopline.journal import tables as t
from stopline.journal.book import Book, open_book
from stopline.journal.pauses import Pause, PauseStatus
from stopline.model import (
    Address,
    Breadth,
    Cause,
    Change,
    Direction,
    Hold,
    Outcome,
    Plan,
    Receipt,
    Scope,
    Snapshot,
    State,
    stage,
)
from stopline import planner
from stopline.planner import Opinions, Standing, snapshot_of
from stopline.playbook import Phase, Playbook, Rule
from stopline.text import Json
from stopline.vendors import Vendor
from support.core_faults import (
    LEASE,
    REQUEST,
    SUITS,
    Attempt,
    Clock,
    Fault,
    KilledError,
    Landing,
    Watched,
)
from support.core_world import BOSS, GLASS, VENDOR, Setting, Strangers, area_of

OFF = State.of({"Status": "off"})
ROUNDS = 6
AGAIN = frozenset({Cause.BUSY, Cause.THROTTLED, Cause.UNREACHABLE, Cause.BUG})
CLOCK = Clock()
_numbers = itertools.count(1)


def playbook(order: Sequence[str] = ("principals", "switches", "targets")) -> Playbook:
    """A playbook with one phase for each kind of grant, in this order."""
    phases = tuple(
        Phase(name=kind, rules=(Rule(name=kind, connector="memory", contains=kind),))
        for kind in order
    )
    return Playbook(playbook="laws", phases=phases)


@cache
def the_book() -> Book:
    """One journal for all examples; each begins with nothing held."""
    return open_book("sqlite://", lease_seconds=LEASE, request_seconds=REQUEST, clock=CLOCK)


def a_clean_book() -> Book:
    """The journal, with nothing held and no lease out."""
    book = the_book()
    CLOCK.reset()
    with book.store.write() as connection:
        for table in (t.holds, t.records, t.originals, t.leases):
            connection.execute(sa.delete(table))
    return book


@dataclass(eq=False)
class Side:
    """One pause: whose terms, which scope, what was approved, what it was told."""

    id: str
    scope: Scope
    terms: Terms
    approved: frozenset[Address] = frozenset()
    plan: Plan | None = None
    receipts: dict[Address, Receipt] = field(default_factory=dict)
    left: Plan | None = None
    chosen: bool = False
    running: bool = False
    steps: Iterator[None] = field(default_factory=lambda: iter(()))


@dataclass(eq=False)
class Run:
    """A world, its strangers, a journal, one or two pauses, and a schedule of faults."""

    setting: Setting
    faults: list[Fault] = field(default_factory=list)
    scopes: Sequence[Scope] = (Scope(),)
    order: Sequence[str] = ("principals", "switches", "targets")
    size: int = 2
    clock: Clock = CLOCK
    landings: list[Landing] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    authored: set[Address] = field(default_factory=set)
    priors: dict[Address, State | None] = field(default_factory=dict)
    moments: int = 0

    def __post_init__(self) -> None:
        """Build both worlds, and open the pauses."""
        self.book = a_clean_book()
        self.world, self.shadow = self.setting.build(), self.setting.build()
        self.strangers = Strangers(self.world, self.shadow)
        self.began = self.world.picture()
        self.faults = list(self.faults)
        self.sides = [self._open(scope) for scope in self.scopes]

    def _open(self, scope: Scope) -> Side:
        id_ = f"{next(_numbers):08x}"
        vendor = Vendor(vendor=VENDOR, protected=(BOSS,))
        text, none = "", PauseStatus.CONTAINING
        self.book.pauses.open(
            Pause(id_, VENDOR, scope, id_, "ann", "law", text, none, text, text, text), {}
        )
        return Side(id_, scope, Terms(vendor, playbook(self.order), Mark(self.book.id, id_)))

    # --- what an attempt asks of its host ----------------------------------------------------------

    def due(self, attempt: Attempt, moment: str) -> Fault | None:
        """Take the next fault that suits this moment."""
        self.moments += 1
        for fault in self.faults:
            if fault.at > self.moments:
                return None
            if moment in SUITS.get(fault.kind, (moment,)) and self._may(attempt, fault, moment):
                self.faults.remove(fault)
                return fault
        return None

    def _may(self, attempt: Attempt, fault: Fault, moment: str) -> bool:
        if fault.kind == "stranger":
            return self._unguarded(self.strangers.area(fault.edit))
        if fault.kind in ("overlap", "takeover", "opposite"):
            asleep = attempt.sent_at is None
            return not attempt.depth and (asleep or fault.kind == "overlap")
        if fault.kind == "other":
            return any(not side.running for side in self.sides)
        return True

    def _unguarded(self, area: str) -> bool:
        """Whether a stranger may edit here now: never unseen between a read and its write."""
        flying = [a.flying for a in self.attempts if a.flying and not a.dead]
        flying += [late.observed.document for late in self.clock.late]
        tagged = self.setting.tags and area.startswith("target:")
        return tagged or area not in {area_of(document) for document in flying}

    def meanwhile(self, attempt: Attempt, fault: Fault) -> None:
        """Let others act."""
        if fault.kind == "stranger":
            self.strangers.make(fault.edit)
        elif fault.kind == "other":
            self.step(next(side for side in self.sides if not side.running))
        else:
            if fault.kind != "overlap":
                self.clock.advance(LEASE + 1)
            side = next(s for s in self.sides if s.id == attempt.errand.pause)
            if fault.kind == "opposite" and attempt.containing:
                self.restore(side, depth=1)
            else:
                self.attempt(side, attempt.errand.direction, attempt.batch, depth=1)

    def intended(self, attempt: Attempt, observed: Observed, changes: Sequence[Change]) -> None:
        """What the journal was told: a toggle that stands otherwise is not of our making."""
        for change in changes:
            found = observed.states.get(change.address)
            if attempt.containing and not change.marked and found != change.after:
                self.authored.discard(change.address)
                self.priors[change.address] = found

    def landed(self, landing: Landing) -> None:
        """Hold a write that landed to the laws, at once."""
        self.landings.append(landing)
        self._law_4(landing)
        for change in landing.changes:
            if landing.attempt.containing:
                self._law_5(landing, change)
                self.authored.add(change.address)
            else:
                self._laws_6_8_9(landing, change)
                self.authored.discard(change.address)

    # --- the laws that every write keeps ---------------------------------------------------------------

    def _law_4(self, landing: Landing) -> None:
        ours = {c.address for c in landing.changes}
        before, after = landing.before, landing.after
        for address in {*before.states, *after.states} - ours:
            found, left = before.states.get(address), after.states.get(address)
            assert found == left, f"law 4: {address} is a stranger's, and was written"
        parts = {c.address.part for c in landing.changes}
        assert _foreign(before.raw, parts) == _foreign(after.raw, parts), "law 4: foreign text"
        for change in landing.changes:
            if not change.marked:
                replaced = before.states.get(change.address)
                assert replaced == change.before, f"law 4: {change.address} was not as planned"

    def _law_5(self, landing: Landing, change: Change) -> None:
        side = self._side(landing)
        kind, id_ = change.address.kind, change.address.id
        if kind in ("foundation", "statement"):
            name = id_.partition("#")[0] if kind == "statement" else ""
            assert side.scope.admits(change.address, name) or not name, "law 5: out of scope"
            return
        name = id_.partition("#")[0].partition("/")[0]
        principal = self.world.principals[name]
        assert side.scope.admits(change.address, name), f"law 5: {name} is out of scope"
        assert name not in (BOSS, GLASS), f"law 5: {name} is protected"
        assert principal.vendor == VENDOR, f"law 5: {name} is not the vendor's"
        assert not principal.shared_with, f"law 5: {name} is shared"
        approved = principal.vouched or change.address in side.approved
        assert approved, f"law 10: {name} was widened to"

    def _laws_6_8_9(self, landing: Landing, change: Change) -> None:
        holds = [h for h in self.book.writes.holds() if h.address == change.address]
        others = [h.pause for h in holds if h.pause != landing.attempt.errand.pause]
        assert not others, f"law 8: {change.address} is still held by {others}"
        assert holds, f"law 6: {change.address} is not held"
        if change.marked:
            assert change.after is None, f"law 1: {change.address} has no state to give back"
            return
        assert landing.attempt.chosen or change.address in self.authored, (
            f"law 6: {change.address} was not contained by us"
        )
        prior = self.priors.get(change.address)
        assert change.after == prior, f"law 9: {change.address} gets what was not there before"

    def _side(self, landing: Landing) -> Side:
        return next(s for s in self.sides if s.id == landing.attempt.errand.pause)

    # --- planning ----------------------------------------------------------------------------------

    def snapshot(self, side: Side) -> Snapshot:
        """Read the world, which no fault befalls here."""
        found = MemoryConnector(self.world).discover(side.terms.vendor, side.scope)
        return snapshot_of(VENDOR, found, "")

    def containment(self, side: Side, *, sweep: bool) -> Plan:
        """Plan as the activities do, from what the journal says."""
        connector = MemoryConnector(self.world)
        standing = Standing(
            holds=self.book.writes.holds(),
            approved=side.approved if sweep else None,
            protected=(GLASS,),
            released=self.book.pauses.released(side.id),
        )
        refusals = self.book.pauses.refusals(side.id)
        opinions = Opinions({"memory": connector.contained}, {"memory": connector.residuals})
        return planner.plan_containment(
            self.snapshot(side),
            replace(side.terms, refusals=refusals),
            side.scope,
            standing,
            opinions,
        )

    def restoration(self, side: Side, scope: Scope) -> Plan:
        """Plan the restore from the holds."""
        holds = self.book.writes.holds()
        return planner.plan_restore(VENDOR, side.id, holds, scope, unproven=side.chosen)

    # --- carrying out ------------------------------------------------------------------------------

    def attempt(
        self, side: Side, direction: Direction, batch: Sequence[Change], depth: int = 0
    ) -> list[Receipt]:
        """One attempt of one batch; a killed one leaves what it had."""
        watched = Watched(self.world, tags=self.setting.tags)
        errand = Errand(side.id, direction, f"attempt-{next(_numbers)}", "token")
        one = Attempt(
            self, self.book.writes, watched, errand, batch, depth=depth, chosen=side.chosen
        )
        self.attempts.append(one)
        receipts: list[Receipt] = []
        try:
            for some in apply(watched, one, errand, batch, sleep=self.clock.advance):
                receipts += some
        except KilledError:
            one.die()
        finally:
            one.flying = None
            self.attempts.remove(one)
        side.receipts |= {r.change.address: r for r in receipts}
        return receipts

    def carry_out(self, side: Side, plan: Plan, depth: int = 0) -> Iterator[int]:
        """Carry a plan out in batches, asking again; yields how much each batch achieved."""
        for batch in batches(plan, self.size):
            for round_ in range(ROUNDS):
                receipts = self.attempt(side, plan.direction, batch, depth)
                yield sum(r.outcome is Outcome.APPLIED for r in receipts)
                if len(receipts) == len(batch) and not any(r.cause in AGAIN for r in receipts):
                    break
                self.clock.advance(2 * 2**round_)

    def containing(self, side: Side) -> Iterator[None]:
        """Contain, then sweep until a pass plans nothing. A step is a batch."""
        side.plan = plan = self.containment(side, sweep=False)
        side.approved |= {c.address for c in plan.work}
        for _ in range(12 + len(self.faults)):
            for _applied in self.carry_out(side, plan):
                yield
            side.left = plan = self.containment(side, sweep=True)
            if not plan.work:
                return

    def restoring(self, side: Side, scope: Scope = Scope(), depth: int = 0) -> Iterator[None]:
        """Give back, until nothing is planned or nothing moves any more. A step is a batch."""
        self.book.pauses.mark(side.id, PauseStatus.RESTORING)
        for _ in range(12 + len(self.faults)):
            plan, held = self.restoration(side, scope), self.holds(side)
            for _applied in self.carry_out(side, plan, depth):
                yield
            if not plan.work or (self.holds(side) == held and not self.faults):
                return

    # --- what tests say --------------------------------------------------------------------------------

    def step(self, side: Side) -> bool:
        """One batch of a pause; False when it has no other."""
        side.running = True
        try:
            return next(side.steps, self) is not self
        finally:
            side.running = False

    def contain(self, side: Side, steps: int | None = None) -> None:
        """Contain to the end, or for so many batches."""
        side.steps = self.containing(side)
        self._drive(side, steps)

    def restore(
        self, side: Side, scope: Scope = Scope(), steps: int | None = None, depth: int = 0
    ) -> None:
        """Give back to the end, or for so many batches."""
        before, side.steps = side.steps, self.restoring(side, scope, depth)
        self._drive(side, steps)
        side.steps = before

    def _drive(self, side: Side, steps: int | None) -> None:
        for _ in itertools.count() if steps is None else range(steps):
            if not self.step(side):
                return

    def calm(self) -> None:
        """No fault strikes any more, and what is under way ends."""
        self.faults.clear()
        self.clock.advance(LEASE + 1)

    def holds(self, side: Side) -> tuple[Hold, ...]:
        """What the pause holds."""
        return self.book.writes.holds(side.id)

    def differences(self) -> list[str]:
        """Where the world is not as strangers alone would have left it, and nothing says so."""
        held = {str(h.address) for h in self.book.writes.holds()}
        return sorted(d for d in self._differences() if not self._explained(d, held))

    def _differences(self) -> Iterator[str]:
        world, shadow = self.world, self.shadow
        for name, there in sorted(world.principals.items()):
            alone = shadow.principals[name]
            for part in there.attached ^ alone.attached:
                yield f"memory:r1:attachment:{name}#{part}"
            for key, value in there.switches.items():
                if value != alone.switches[key]:
                    yield f"memory:r1:switch:{name}/{key}"
        for name in {*world.foundations, *shadow.foundations}:
            if world.foundations.get(name) != shadow.foundations.get(name):
                yield f"memory:r1:foundation:{name}"
        for name, raw in sorted(world.targets.items()):
            alone_raw = shadow.targets[name]
            loose = f"target:{name}" in self.strangers.touched
            if raw != alone_raw and not (loose and _body(raw) == _body(alone_raw)):
                yield f"memory:r1:statement:{name}"

    def _explained(self, difference: str, held: set[str]) -> bool:
        """A live hold says so; or a stranger set a toggle to just what we had set it to."""
        where = difference.removeprefix("memory:r1:switch:")
        if self.strangers.touched.get(where) == "off":
            return True
        statements = {h.partition("#")[0] for h in held if h.startswith("memory:r1:statement:")}
        return difference in held or difference in statements


def _body(raw: str) -> dict[str, Json]:
    body: dict[str, Json] = json.loads(raw) if raw else {"Statement": []}
    return body


def _foreign(raw: str, parts: set[str]) -> Json:
    """A document's text without some statements."""
    body = _body(raw)
    return body | {"Statement": [s for s in body["Statement"] if s.get("Sid") not in parts]}


def batches(plan: Plan, size: int) -> Iterator[tuple[Change, ...]]:
    """Cut a plan at its stages, and each stage into batches of a few whole documents."""
    for _, staged in groupby(plan.work, key=lambda c: stage(c, plan.direction)):
        documents = [tuple(group) for _, group in groupby(staged, key=lambda c: c.address.document)]
        for start in range(0, len(documents), size):
            yield tuple(itertools.chain(*documents[start : start + size]))


def leaves_nothing_open(run: Run, side: Side) -> bool:
    """Whether nothing was found that containment had to leave to a person."""
    return side.left is not None and not any(s.leaves_access for s in side.left.skips)


def is_foundation(change: Change) -> bool:
    """Whether other changes stand on this one."""
    return change.breadth is Breadth.FOUNDATION
