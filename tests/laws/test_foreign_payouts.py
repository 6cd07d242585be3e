"""A ledger that nobody locks: to the minor unit, whatever its lever and whenever its run pays."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.foreign import LEDGERS
from support.foreign_nights import Night, in_memory, paid
from support.money import Sums, grants, sums

from stopline.drill.payrun import Paid
from stopline.errors import StaleError
from stopline.model import Change
from stopline.receipts import Cause, Outcome

OWED = st.lists(
    st.tuples(
        st.sampled_from(["V-MERCOR", "c1", "c2"]),
        st.sampled_from(["USD", "JPY", "KWD"]),
        st.integers(1, 999),
    ),
    min_size=1,
    max_size=8,
)
FEW = st.integers(0, 3)


@pytest.mark.night
@pytest.mark.parametrize("name", LEDGERS)
@given(owed=OWED, before=FEW, between=FEW, chosen=st.sets(st.integers(0, 7)), off=FEW)
@settings(max_examples=20, deadline=None)
def test_what_was_owed_is_paid_before_held_or_escaped_and_what_was_held_comes_back(
    name: str, owed: list[tuple[str, str, int]], before: int, between: int, chosen: set[int],
    off: int,
) -> None:  # fmt: skip
    """Per payee and currency, with a run that had chosen before the holds and pays after them.

    Held is then released, or written off by its owner; the next run pays exactly what is released.
    """
    night = Night.over(in_memory(), name, owed)
    at_first = sums(grants(night.connector))
    early = paid(night.ledger.pay_run("early", most=before))
    work = night.plan()
    late = paid(night.ledger.pay_run("late", most=between))
    choice = night.ledger.due()
    racing = [row for number, row in enumerate(choice) if number in chosen]
    receipts = night.hold(work)
    assert {r.outcome for r in receipts} <= {Outcome.APPLIED, Outcome.ALREADY}
    assert sum(r.cause is Cause.GONE for r in receipts) == min(between, len(work))
    assert not night.ledger.pay_run("while held")
    night.ledger.pay((row[0] for row in racing), "racing")
    found = grants(night.connector)
    left = [g for g in found if g.state.value.get("status") == "paid"]
    escaped, held = sums(left), sums(g for g in found if g not in left)
    assert at_first == early + late + held + escaped
    assert escaped == paid(
        tuple(Paid(str(i), p, c, night.ledger.minor(a, c)) for i, p, c, a in racing)
    )
    told = [skip for skip in night.skips() if skip.reason.startswith("escaped: ")]
    assert len(told) == len(racing) == len(night.unproved())
    assert all(skip.leaves_access for skip in told)
    ended(night, work, [g.address.id for g in found if g not in left][:off], held, len(racing))
    night.close()


def ended(night: Night, work: list[Change], off: list[str], held: Sums, escaped: int) -> None:
    """Some of it is written off by its owner, the rest is given back and paid."""
    for id_ in off:
        night.ledger.void(int(id_.lstrip("bo")))
    ends = {g.address.id: g for g in grants(night.connector)}
    void = sums(ends[id_] for id_ in off)
    assert all(ends[id_].state.value["status"] == "written-off" for id_ in off)
    assert all(not s.leaves_access for s in night.skips() if s.address.id in off)
    assert len(night.unproved()) == escaped
    back = night.lift(work)
    spent = [r.found.value.get("status") for r in back if r.found]
    assert spent.count("paid") == escaped
    assert not any(r.held for r in back if r.outcome is not Outcome.CONFLICT)
    released = paid(night.ledger.pay_run("after"))
    assert held == released + void


@pytest.mark.parametrize("name", ["invoices", "orders"])
def test_a_switch_that_moved_since_it_was_read_is_not_written_over(name: str) -> None:
    """What somebody else set between our look and our write stands: the write finds no such row."""
    night = Night.over(in_memory(), name, [("c1", "USD", 9)])
    (change,) = night.plan()
    stale = night.connector.read(change.address.document)
    night.ledger.set(0, **{"invoices": {"on_hold": True}, "orders": {"state": "N"}}[name])
    night.ledger.set(0, memo="theirs")
    picture = night.ledger.picture()
    with pytest.raises(StaleError):
        night.connector.write(stale, [change], None, "t")
    assert night.ledger.picture() == picture
    night.close()
