"""The lab's ledger under a soak: what is owed in each life, who pays it, and what nobody may."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import cycle, islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from stopline.connectors.payouts import ledger as l
from stopline.drill.payday import CONTRACTORS, OTHERS, TAX, VENDOR
from stopline.drill.payrun import Paid, pay_run

MINE = (VENDOR, *CONTRACTORS)
EACH = 36
"""How many payables are owed anew in each life: three of four are mercor's or its contractors'."""
Sums = Counter[tuple[str, str]]
"""Minor units by payee and currency."""


@dataclass
class Till:
    """One ledger. `url` may hold a password; `paid` is everything that ever left."""

    url: str = field(repr=False)
    paid: list[Paid] = field(default_factory=list)
    lives: int = 0
    engine: Engine = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Open it; whatever was owed before is paid, but for what the tax team holds."""
        self.engine = l.engine_of(self.url)
        self.pay("before all lives")

    def owe(self) -> None:
        """Owe for another life."""
        self.lives += 1
        whose, mine, theirs = cycle((True, True, True, False)), cycle(MINE), cycle(OTHERS)
        currencies = cycle(("USD", "EUR", "JPY", "KWD"))
        rows = [
            {
                "id": f"life-{self.lives:03}-{number:02}",
                "uid": f"u-{self.lives:03}-{number:02}",
                "payee": next(mine if next(whose) else theirs),
                "currency": currency,
                "amount": 9_001 + 137 * number + self.lives,
            }
            for number, currency in enumerate(islice(currencies, EACH))
        ]
        with self.engine.begin() as connection:
            connection.execute(sa.insert(l.PAYABLES), rows)

    def pay(self, run: str, most: int = 1000) -> tuple[Paid, ...]:
        """One pay run; what it paid."""
        sent = pay_run(self.engine, run, most=most)
        self.paid += sent
        return sent

    def rows(self) -> dict[str, dict[str, Any]]:
        """Every payable by its id."""
        with self.engine.connect() as connection:
            rows = connection.execute(sa.select(l.PAYABLES)).mappings()
            return {row["id"]: dict(row) for row in rows}

    def owed(self) -> dict[str, dict[str, Any]]:
        """What is owed to mercor and to its contractors."""
        return {
            id_: row
            for id_, row in self.rows().items()
            if row["payee"] in MINE and row["status"] == l.OPEN
        }

    def marks(self) -> set[tuple[str, str]]:
        """Who holds what: a payable and a mark."""
        with self.engine.connect() as connection:
            return {(h.payable, h.mark) for h in connection.execute(sa.select(l.HOLDS))}

    def ours(self) -> set[tuple[str, str]]:
        """The holds that are ours."""
        return {(payable, mark) for payable, mark in self.marks() if mark != TAX["mark"]}

    def number(self) -> int:
        """How many payables are held by us."""
        return len(self.ours())

    def close(self) -> None:
        """Let go of it."""
        self.engine.dispose()


def sums(rows: Iterable[dict[str, Any]]) -> Sums:
    """What rows of payables come to."""
    total: Sums = Counter()
    for row in rows:
        total[row["payee"], row["currency"]] += row["amount"]
    return total


def of_paid(sent: Iterable[Paid]) -> Sums:
    """What pay runs sent."""
    return sums(one._asdict() for one in sent)
