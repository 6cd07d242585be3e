"""A night over a ledger that is not stopline's: planned, held, looked at and lifted for real."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlalchemy.pool import StaticPool
from support.foreign import Foreign, connector_of, estate, filled
from support.journals import a_book
from support.ledgers import PLAYBOOK, VENDOR
from support.money import MARK, Sums, carried_out, grants

from stopline import planner
from stopline.connectors.payouts import PayoutsConnector
from stopline.drill.payrun import Paid
from stopline.journal.book import Book
from stopline.model import Change, Direction, Scope, Skip
from stopline.planner import DriftKind, Look, drift
from stopline.playbook import Playbook
from stopline.port import Terms
from stopline.receipts import Receipt

TERMS = Terms(VENDOR, PLAYBOOK, MARK, estate=estate())


@dataclass
class Night:
    """One ledger, the connector over it, and the journal that tells the connector what is held."""

    ledger: Foreign
    connector: PayoutsConnector
    book: Book

    @classmethod
    def over(cls, engine: Engine, name: str, owed: list[tuple[str, str, int]]) -> "Night":
        """A ledger in which so much is owed."""
        book, ledger = a_book("sqlite://"), filled(engine, name, owed)
        made = connector_of(engine, name).attended(lambda _: (), book.writes.addresses)
        return cls(ledger, made, book)

    def plan(self) -> list[Change]:
        """What the planner would change now."""
        found = self.connector.discover(VENDOR, Scope())
        told = planner.plan_containment(
            planner.snapshot_of("mercor", found, ""),
            TERMS,
            Scope(),
            planner.Standing(self.book.writes.holds()),
            planner.Opinions({"payouts": self.connector.contained}, {"payouts": lambda _: ()}),
        )
        return list(told.changes)

    def hold(self, work: list[Change]) -> list[Receipt]:
        """Place them, as the engine does."""
        return carried_out(self.connector, work, Direction.CONTAIN, self.book)

    def lift(self, work: list[Change]) -> list[Receipt]:
        """Lift what the journal holds of them."""
        wanted, holds = {change.address for change in work}, self.book.writes.holds()
        told = planner.plan_restore("mercor", MARK.pause, holds, Scope())
        back = [change for change in told.changes if change.address in wanted]
        return carried_out(self.connector, back, Direction.RESTORE, self.book)

    def skips(self, playbook: Playbook = PLAYBOOK) -> list[Skip]:
        """What a plan says of what it leaves."""
        terms = Terms(VENDOR, playbook, MARK, estate=estate())
        told = [o for g in grants(self.connector) for o in self.connector.contained(g, terms)]
        return [one for one in told if isinstance(one, Skip)]

    def looked(self) -> dict[DriftKind | None, int]:
        """How what is held differs from what we left, and how often."""
        holds = self.book.writes.holds()
        seen = {h.address: self.connector.read(h.address.document) for h in holds}
        looks = {a: Look(o.states.get(a), exists=o.exists) for a, o in seen.items()}
        kinds = [one.kind for one in drift(holds, looks)]
        return {kind: kinds.count(kind) for kind in set(kinds)}

    def unproved(self) -> list[str]:
        """What verification says of what is held."""
        held = [h.change for h in self.book.writes.holds()]
        seen = {c.address.document: self.connector.read(c.address.document) for c in held}
        return [one.why for one in self.connector.unproved(VENDOR, held, seen)]

    def close(self) -> None:
        """Give back both databases."""
        self.book.close()
        self.ledger.engine.dispose()


def in_memory() -> Engine:
    """An SQLite database that lives as long as its engine."""
    return sa.create_engine(
        "sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False}
    )


def paid(items: tuple[Paid, ...]) -> Sums:
    """What a pay run paid."""
    total: Sums = Sums()
    for item in items:
        total[item.payee, item.currency] += item.amount
    return total
