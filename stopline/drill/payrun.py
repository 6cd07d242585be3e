"""A pay run over a ledger, as the lab's own would be: it pays what is open and nobody holds."""

from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from stopline.connectors.payouts.ledger import HOLDS, OPEN, PAID, PAYABLES, paying


class Paid(NamedTuple):
    """One payable that left: `amount` in the currency's minor unit."""

    id: str
    payee: str
    currency: str
    amount: int


def pay_run(engine: Engine, run: str, *, most: int = 1000) -> tuple[Paid, ...]:
    """Pay at most so many open payables, in one transaction under the ledger's lock."""
    held = sa.exists().where(HOLDS.c.payable == PAYABLES.c.id)
    due = sa.select(PAYABLES.c.id).where(PAYABLES.c.status == OPEN, ~held).order_by(PAYABLES.c.id)
    due = due.limit(most).with_for_update(skip_locked=True)
    with paying(engine) as connection:
        ids = connection.scalars(due).all()
        pays = sa.update(PAYABLES).where(PAYABLES.c.id.in_(ids), PAYABLES.c.status == OPEN, ~held)
        c = PAYABLES.c
        gone = pays.values(status=PAID, run=run).returning(c.id, c.payee, c.currency, c.amount)
        return tuple(sorted(Paid(*row) for row in connection.execute(gone)))
