"""Deadlines of what is held: which are near, and how far each is ahead."""

from datetime import date, timedelta

import pytest

from stopline.deadlines import AHEAD, PAY, Deadline, near, of_pay, rung
from stopline.model import Address, Grant, State
from stopline.text import Json

TODAY = date(2026, 11, 24)
DAYS = {days: str(TODAY + timedelta(days=days)) for days in AHEAD}


def due(days: int) -> Deadline:
    """A deadline so many days from today."""
    where = Address("payouts", "accounts", "payable", f"p{days}")
    return Deadline(str(TODAY + timedelta(days=days)), PAY, where)


@pytest.mark.parametrize(
    ("days", "said"), [(10, 10), (6, 10), (5, 5), (2, 5), (1, 1), (0, 0), (-40, 0)]
)
def test_a_deadline_is_said_ten_five_and_one_day_ahead_and_when_it_is_there(
    days: int, said: int
) -> None:
    """One that has passed stays said, and is not said anew each day."""
    assert rung(due(days), DAYS) == said


def test_only_what_is_at_most_ten_days_ahead_is_near() -> None:
    """The first comes first, each once."""
    found = near([due(11), due(10), due(-3), due(10)], DAYS)
    assert found == (due(-3), due(10))


def grant(target: str, **state: Json) -> Grant:
    """Something that is owed."""
    address = Address("payouts", "accounts", "payable", target)
    return Grant(address, State.of(state), "c1", "is owed", target, "")


def test_only_what_is_held_has_a_deadline() -> None:
    """What is owed and not held can be paid by itself, and what has no day needs none."""
    grants = [grant("p0", pay_by="2026-12-01"), grant("p1", pay_by="2026-12-02"), grant("p2")]
    found = list(of_pay(grants, {("payouts", "accounts", "p0"), ("payouts", "accounts", "p2")}))
    assert [(d.on, d.address.id) for d in found] == [("2026-12-01", "p0")]
