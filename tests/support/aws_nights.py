"""A pause of an emulated AWS in small: connector, engine and journal, without Temporal."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from support.aws import PLAYBOOK, VENDOR
from support.journals import a_book

from stopline import planner, terminating
from stopline.connectors.aws import AwsConnector
from stopline.engine import Errand, apply
from stopline.journal.book import Book
from stopline.journal.pauses import Pause, PauseStatus
from stopline.model import Plan, Scope
from stopline.playbook import Playbook
from stopline.port import Mark, Terms
from stopline.receipts import Receipt
from stopline.vendors import Vendor

PAUSE = "0000000a"


@dataclass
class AwsNight:
    """One journal over one connector."""

    aws: AwsConnector
    vendor: Vendor = VENDOR
    playbook: Playbook = PLAYBOOK
    now: float = 1_800_000_000.0
    book: Book = field(init=False)

    def __post_init__(self) -> None:
        """Open a journal whose leases run out when the test says so."""
        self.book = a_book("sqlite://", clock=lambda: self.now)

    def plan(self, scope: Scope | None = None) -> Plan:
        """Plan a containment as the activities do."""
        scope = scope or Scope()
        found = self.aws.discover(self.vendor, scope)
        return planner.plan_containment(
            planner.snapshot_of(self.vendor.vendor, found, ""),
            Terms(self.vendor, self.playbook, Mark(self.book.id, PAUSE)),
            scope,
            planner.Standing(self.book.writes.holds(), ended=self._ended()),
            planner.Opinions({"aws": self.aws.contained}, {"aws": self.aws.residuals}),
        )

    def _ended(self) -> frozenset[str]:
        return frozenset(one.principal for one in self.book.pauses.removed(PAUSE))

    def carry_out(self, plan: Plan) -> tuple[Receipt, ...]:
        """Everything in a plan, in its order."""
        errand = Errand(PAUSE, plan.direction, f"attempt-{self.now}", "token")
        receipts = apply(self.aws, self.book.writes, errand, plan.work)
        done = tuple(receipt for document in receipts for receipt in document)
        self.now += 60
        return done

    def contain(self) -> tuple[Receipt, ...]:
        """Plan and carry out."""
        return self.carry_out(self.plan())

    def plan_termination(self, scope: Scope | None = None) -> Plan:
        """Plan what is removed for good, once the connector has looked."""
        scope, holds = scope or Scope(), self.book.writes.holds()
        wanted = terminating.wanted(holds, PAUSE, scope)
        found = self.aws.removable(self.vendor, wanted, holds)
        opinions = {"aws": terminating.looked(self.aws.ended, found)}
        return terminating.plan_termination(self.vendor.vendor, PAUSE, holds, scope, opinions)

    def ending(self) -> None:
        """Say in the journal that the pause is being terminated."""
        status = PauseStatus.CONTAINED
        opened = Pause(PAUSE, "mercor", Scope(), "w", "alice", "over", "", status, "", "", "")
        self.book.pauses.open(opened, {})
        self.book.pauses.mark(PAUSE, PauseStatus.TERMINATING)

    def restore(self) -> tuple[Receipt, ...]:
        """Give back what this pause holds."""
        holds: Sequence = self.book.writes.holds()
        return self.carry_out(planner.plan_restore("mercor", PAUSE, holds, Scope()))
