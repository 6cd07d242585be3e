"""The drill's pay day at Stripe judges by Stripe's own state: what went wrong there is a fault."""

from collections import Counter
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import pytest

from stopline.drill import stripeday
from stopline.drill.stripeday import StripeDay

MANUAL = {"interval": "manual"}


@pytest.fixture
def day() -> Iterator[StripeDay]:
    """A platform on which two of mercor's were paid out before everything else was held by hand."""
    with StripeDay() as made:
        for number in range(2):
            made._pay(f"early-{number}")
        for id_ in stripeday._MINE:
            set_schedule(made, id_, MANUAL)
        for intent in mine(made):
            made.double.intents[intent]["schedule_options"] = {"execute_on": "2099-01-01"}
        yield made


def set_schedule(day: StripeDay, account: str, schedule: Any) -> None:
    """How an account is paid out, set by its owner."""
    day.double.settings[account]["payments"]["payouts"]["schedule"] = schedule


def mine(day: StripeDay) -> list[str]:
    """The intents to mercor's recipient."""
    intents = day.double.intents.values()
    return [i["id"] for i in intents if i["to"]["recipient"] == stripeday._RECIPIENT]


def everything(day: StripeDay) -> set[str]:
    """The accounts and intents that a pause of mercor holds."""
    return {*stripeday._MINE, *mine(day)}


def released(day: StripeDay) -> None:
    """Give everything back as it was."""
    for id_ in stripeday._MINE:
        day.double.settings[id_] = deepcopy(day._was["settings"][id_])
    for id_ in mine(day):
        day.double.intents[id_] = deepcopy(day._was["intents"][id_])


def test_all_held_others_paid_and_all_given_back_is_no_fault(day: StripeDay) -> None:
    """Two left before, one payout escaped; what is held is paid to the minor unit afterwards."""
    figures = day.judge(everything(day), everything(day))
    assert (figures.targets, figures.contained, figures.refused) == (11, 11, 11)
    assert figures.bystanders_unharmed == figures.bystanders == 12
    assert day.escaped() == Counter({("P-0001", "USD"): 700})
    released(day)
    assert day.compare() is True
    assert day.faults == []


def paid_out(day: StripeDay) -> None:
    """One account of mercor's is not held."""
    set_schedule(day, "acct_p2", {"interval": "daily"})


def brought_forward(day: StripeDay) -> None:
    """One intent of mercor's is sent in a month."""
    day.double.intents[mine(day)[0]]["schedule_options"] = {"execute_on": "2020-01-01"}


def bystander_held(day: StripeDay) -> None:
    """Somebody else's account is held."""
    set_schedule(day, "acct_other3", MANUAL)


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        (paid_out, "something left Stripe"),
        (brought_forward, "something left Stripe"),
        (bystander_held, "acct_other3 was not paid"),
    ],
)
def test_what_leaves_or_stays_and_must_not_is_a_fault(
    day: StripeDay, wrong: Callable[[StripeDay], None], fault: str
) -> None:
    """A held account or intent that is paid out, and a bystander's that is not."""
    wrong(day)
    day.judge(everything(day), everything(day))
    assert [f for f in day.faults if fault in f]


def test_what_is_wanted_and_not_held_is_a_fault(day: StripeDay) -> None:
    """It is named, also where Stripe did not pay it out."""
    day.judge(everything(day), everything(day) - {"acct_p4"})
    assert day.faults == ["payouts: Stripe's acct_p4 is not held"]


def test_a_day_of_the_week_that_is_not_given_back_is_a_fault(day: StripeDay) -> None:
    """All that was held is paid, and it is not as it was all the same."""
    day.judge(everything(day), everything(day))
    released(day)
    set_schedule(day, "acct_p2", {"interval": "weekly", "weekly_payout_days": ["monday"]})
    assert day.compare() is False
    assert day.faults == ["payouts: Stripe is not as it was, after the rollback"]


def test_what_was_held_and_is_not_paid_in_full_is_a_fault(day: StripeDay) -> None:
    """An account that stays held keeps what it holds from its payee."""
    day.judge(everything(day), everything(day))
    released(day)
    set_schedule(day, "acct_p3", MANUAL)
    day.compare()
    assert "payouts: Stripe did not pay exactly what was held" in day.faults
