"""What tests about money share: what is owed, what holds it, and what a journal has of it."""

from collections import Counter
from collections.abc import Iterable

from support.ledgers import ESTATE, PLAYBOOK, VENDOR

from stopline.connectors.payouts import PayoutsConnector
from stopline.engine import Errand, apply
from stopline.journal.book import Book
from stopline.model import Change, Direction, Grant, Scope
from stopline.port import Mark, Terms
from stopline.receipts import Receipt

MARK = Mark("0a1b2c3d", "00000001")
Sums = Counter[tuple[str, str]]
"""Minor units by payee and currency."""


def grants(connector: PayoutsConnector) -> list[Grant]:
    """What is owed to the vendor and its contractors."""
    return [f for f in connector.discover(VENDOR, Scope()) if isinstance(f, Grant)]


def changes(connector: PayoutsConnector, found: Iterable[Grant]) -> list[Change]:
    """The holds that the playbook asks for."""
    terms = Terms(VENDOR, PLAYBOOK, MARK, estate=ESTATE)
    return [c for g in found for c in connector.contained(g, terms) if isinstance(c, Change)]


def carried_out(
    connector: PayoutsConnector, work: Iterable[Change], direction: Direction, book: Book
) -> list[Receipt]:
    """Receipts of the engine's own write path over a journal."""
    errand = Errand(MARK.pause, direction, f"a-{direction}", "t")
    done = apply(connector, book.writes, errand, list(work))
    return [receipt for receipts in done for receipt in receipts]


def sums(found: Iterable[Grant]) -> Sums:
    """What grants say is owed."""
    total: Sums = Counter()
    for grant in found:
        owed = grant.state.value
        total[owed["payee"], owed["currency"]] += owed["amount"]
    return total
