"""The drill's pay day judges by the ledger: what went wrong there is a fault of the drill."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from stopline.connectors.payouts import ledger as l
from stopline.drill.payday import OTHERS, TAX, PayDay
from stopline.drill.payrun import pay_run


@pytest.fixture
def day(tmp_path: Path) -> Iterator[PayDay]:
    """A seeded ledger in which mercor's payables are held by hand, and all others are paid."""
    made = PayDay(tmp_path, f"sqlite:///{tmp_path}/l.db", ("a", "b"))
    made.seed()
    with made._engine.begin() as connection:
        for id_ in mine(made):
            connection.execute(sa.insert(l.HOLDS).values(payable=id_, mark="ours", code="x"))
    pay_run(made._engine, "all that it can")
    yield made
    made.stop()


def mine(day: PayDay) -> set[str]:
    """The payables of mercor's and its contractors'."""
    return {id_ for id_, row in day._payables().items() if row["payee"] not in OTHERS}


def test_all_held_and_all_others_paid_is_no_fault(day: PayDay) -> None:
    """Half of the payables each."""
    day._judge(mine(day), mine(day))
    assert day.faults == []
    f = day.figures
    assert (f.targets, f.contained, f.refused, f.bystanders_unharmed) == (60, 60, 60, 60)


@pytest.mark.parametrize(
    ("sql", "fault"),
    [
        ("UPDATE payables SET status = 'paid' WHERE id = 'inv-002'", "inv-002 is held and was"),
        ("UPDATE payables SET status = 'open' WHERE id = 'inv-003'", "inv-003 was not paid"),
    ],
)
def test_what_is_paid_or_unpaid_and_must_not_be_is_a_fault(
    day: PayDay, sql: str, fault: str
) -> None:
    """A held payable that left, and a bystander's that did not."""
    with day._engine.begin() as connection:
        connection.exec_driver_sql(sql)
    day._judge(mine(day), mine(day))
    assert [f for f in day.faults if fault in f] == day.faults != []


def test_an_amount_or_a_hold_that_differs_after_the_release_is_a_fault(day: PayDay) -> None:
    """One minor unit, a row of ours that stays, another team's that went."""
    was, held = day._payables(), mine(day)
    theirs = [tuple(row) for row in day._rows(l.HOLDS) if row[1] == TAX["mark"]]
    with day._engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM payable_holds WHERE mark = 'ours'")
        connection.exec_driver_sql("UPDATE payables SET amount = amount - 1 WHERE id = 'inv-002'")
        connection.exec_driver_sql("DELETE FROM payable_holds")
    day._compare(was, theirs, held)
    assert day.figures.restored_identical is False
    told = " ".join(day.faults)
    assert "inv-002 differs" in told
    assert "holds are not those from before" in told
    assert "did not pay exactly" in told
