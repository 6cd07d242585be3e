"""A pay run over a ledger, as the lab's own would be: it pays what is open and nobody holds."""

from collections.abc import Iterable
from datetime import date
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from stopline.connectors.payouts.ledger import HOLDS, OPEN, PAID, PAYABLES, QUEUED, paying


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


def queue(engine: Engine, run: str, send_on: date | None, *, most: int = 1000) -> tuple[str, ...]:
    """Put open payables that nobody holds into the batch of a run, which is sent on a day."""
    held = sa.exists().where(HOLDS.c.payable == PAYABLES.c.id)
    due = sa.select(PAYABLES.c.id).where(PAYABLES.c.status == OPEN, ~held).order_by(PAYABLES.c.id)
    with paying(engine) as connection:
        ids = connection.scalars(due.limit(most).with_for_update(skip_locked=True)).all()
        told: Any = {"status": QUEUED, "run": run, "send_on": send_on}
        connection.execute(sa.update(PAYABLES).where(PAYABLES.c.id.in_(ids)).values(**told))
        return tuple(ids)


def send(engine: Engine, today: date) -> tuple[Paid, ...]:
    """Send what batches have for this day. It looks at no hold: that was when they were made."""
    c = PAYABLES.c
    due = (c.status == QUEUED, c.send_on.is_(None) | (c.send_on <= today))
    with paying(engine) as connection:
        gone = sa.update(PAYABLES).where(*due).values(status=PAID)
        sent: Iterable[Any] = connection.execute(
            gone.returning(c.id, c.payee, c.currency, c.amount)
        )
        return tuple(sorted(Paid(*row) for row in sent))
