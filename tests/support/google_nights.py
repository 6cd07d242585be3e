"""A pause over the emulated Google: planned by the planner, carried out by the engine."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from connectors.contract import MARK
from support.google import (
    ANN,
    BEYOND,
    BO,
    CRM,
    ETL,
    ORG,
    PLAYBOOK,
    PULL,
    RATERS,
    VENDOR,
    connector_of,
    estate_of,
)
from support.journals import a_book

from stopline import planner, terminating
from stopline.drill.google.oracle import can
from stopline.drill.google.server import Google
from stopline.engine import Errand, apply
from stopline.journal.book import Book
from stopline.journal.pauses import Pause, PauseStatus
from stopline.model import Address, Direction, Plan, Scope
from stopline.playbook import Playbook
from stopline.port import Mark, Terms
from stopline.receipts import Outcome, Receipt
from stopline.text import Json
from stopline.vendors import Vendor

PROJECT = f"{CRM}/projects/lab-data"


@dataclass
class Night:
    """A pause, planned by the planner and carried out by the engine over a journal."""

    google: Google
    book: Book = field(init=False)
    now: float = 1_700_000_000.0
    mark: Mark = MARK
    refusals: frozenset[Address] = frozenset()
    attempts: int = 0
    vendor: Vendor = VENDOR
    playbook: Playbook = PLAYBOOK

    def __post_init__(self) -> None:
        """One connector for the night, and a clock that moves between attempts."""
        self.book = a_book("sqlite://", clock=lambda: self.now)
        made = connector_of(self.google)
        self.connector = made.attended(lambda _: (), self.held)

    def held(self, connector: str, realm: str) -> frozenset[Address]:
        """What the journal that the night has by then knows as held."""
        return self.book.writes.addresses(connector, realm)

    def close(self) -> None:
        """Close connections and journal."""
        self.connector.clients.close()
        self.book.close()

    def picture(self) -> Json:
        """Everything as it is."""
        return self.google.state.fingerprint()

    def plan(self, scope: Scope | None = None) -> Plan:
        """What is to be contained now, by what the journal knows."""
        terms = Terms(self.vendor, self.playbook, self.mark, self.refusals, estate_of(self.google))
        holds = self.book.writes.holds()
        taken = tuple(h for h in holds if h.ours is None and h.pause != self.mark.pause)
        found = self.connector.discover(self.vendor, scope or Scope())
        return planner.plan_containment(
            planner.snapshot_of("mercor", found, ""),
            terms,
            scope or Scope(),
            planner.Standing(holds, taken=taken),
            planner.Opinions({"gcp": self.connector.contained}, {"gcp": self.connector.residuals}),
        )

    def contain(self, scope: Scope | None = None) -> list[Receipt]:
        """Carry out what is planned."""
        return self.carry_out(self.plan(scope), Direction.CONTAIN)

    def restore(self, *, unproven: bool = False) -> list[Receipt]:
        """Give back what the journal holds."""
        holds = self.book.writes.holds()
        plan = planner.plan_restore("mercor", self.mark.pause, holds, Scope(), unproven=unproven)
        return self.carry_out(plan, Direction.RESTORE)

    def ending(self) -> None:
        """Say in the journal that the pause is being terminated."""
        status, pause = PauseStatus.CONTAINED, self.mark.pause
        opened = Pause(pause, "mercor", Scope(), "w", "alice", "over", "", status, "", "", "")
        self.book.pauses.open(opened, {})
        self.book.pauses.mark(pause, PauseStatus.TERMINATING)

    def plan_termination(self, scope: Scope | None = None) -> Plan:
        """Plan what is removed for good, once the connector has looked."""
        scope, holds = scope or Scope(), self.book.writes.holds()
        wanted = terminating.wanted(holds, self.mark.pause, scope)
        found = self.connector.removable(self.vendor, wanted, holds)
        opinions = {"gcp": terminating.looked(self.connector.ended, found)}
        return terminating.plan_termination("mercor", self.mark.pause, holds, scope, opinions)

    def terminate(self, plan: Plan | None = None) -> list[Receipt]:
        """Remove for good what is planned."""
        return self.carry_out(plan or self.plan_termination(), Direction.TERMINATE)

    def carry_out(self, plan: Plan, direction: Direction) -> list[Receipt]:
        """All of it, in the planner's order."""
        self.attempts += 1
        self.now += 60  # a lease that was left to run out is over
        errand = Errand(self.mark.pause, direction, f"a{self.attempts}", "token")
        done = apply(self.connector, self.book.writes, errand, plan.work)
        return [receipt for receipts in done for receipt in receipts]


def outcomes(receipts: Sequence[Receipt]) -> set[Outcome]:
    """How it went."""
    return {receipt.outcome for receipt in receipts}


def may(google: Google, who: str, permission: str, where: str = PROJECT) -> bool:
    """Whether somebody can do something, by the emulator's own evaluation."""
    return can(google.state, who, permission, where)


def policy_of(google: Google, name: str = PROJECT) -> list[Json]:
    """The elements of a policy."""
    found: list[Json] = google.state.get(name).policy["bindings"]
    return found


def pulls(google: Google) -> bool:
    """Whether the vendor's account still has a role that allows more than our deny names."""
    return any(b["role"] == BEYOND and PULL in b["members"] for b in policy_of(google))


def reach(google: Google) -> dict[tuple[str, str, str], bool]:
    """Who can do what where, of all who are in the estate."""
    state = google.state
    people = (ANN, BO, PULL, ETL, f"user:{RATERS.partition(':')[2]}", "user:dana@lab.example")
    permissions = ("storage.objects.get", "storage.objects.create", "compute.instances.list")
    places = (PROJECT, f"{CRM}/organizations/{ORG}", "//storage.googleapis.com/labels")
    return {(w, p, n): can(state, w, p, n) for w in people for p in permissions for n in places}
