"""The day of a payout intent, and the other days that a hold at Stripe must know."""

from dataclasses import replace

import pytest
from connectors.contract import MARK, OTHER, back, carry_out, plan
from connectors.payouts.stripe_ground import StripeGround, change_of, ground
from support.platforms import (
    LEDGER,
    THROUGH,
    TODAY,
    platform,
)

from stopline.model import (
    Residual,
)
from stopline.playbook import Approvals
from stopline.port import Limited

__all__ = ["ground", "platform"]


def test_an_intent_is_put_off_in_one_call_and_gets_its_day_back(ground: StripeGround) -> None:
    """Far enough for any audit; the day and the metadata of before are there afterwards."""
    before = ground.double.snapshot()["intents"]["poi_1"]
    work = [change_of(plan(ground), "poi_1")]
    carry_out(ground, work)
    assert ground.double.intents["poi_1"]["schedule_options"] == {"execute_on": "2027-02-22"}
    carry_out(ground, back(work))
    assert ground.double.intents["poi_1"] == before


@pytest.mark.parametrize("day", ["2026-11-01", None])
def test_a_day_that_has_passed_becomes_today(ground: StripeGround, day: str | None) -> None:
    """Stripe takes no past date; an intent without a day would have left at once."""
    id_ = ground.double.add_intent("acct_r1", "usd", 9, day)
    work = [change_of(plan(ground), id_)]
    carry_out(ground, work)
    carry_out(ground, back(work))
    intent = ground.double.intents[id_]
    assert intent["schedule_options"] == {"execute_on": str(TODAY)}
    assert intent["metadata"] == {}


def test_a_day_that_somebody_else_set_after_us_stays(ground: StripeGround) -> None:
    """Another team put the intent off further: our mark goes, their day does not."""
    work = [change_of(plan(ground), "poi_1")]
    carry_out(ground, work)
    theirs = {"execute_on": "2027-06-01"}
    ground.double.intents["poi_1"]["schedule_options"] = theirs
    carry_out(ground, back(work))
    assert ground.double.intents["poi_1"]["schedule_options"] == theirs
    assert ground.double.intents["poi_1"]["metadata"] == {"invoice": "i-1"}


@pytest.mark.parametrize("first", [MARK, OTHER])
def test_an_intent_waits_until_the_last_mark_goes(ground: StripeGround, first: object) -> None:
    """Two pauses, lifted in either order: the first to go changes no day."""
    before = ground.double.snapshot()["intents"]["poi_1"]
    ours = [change_of(plan(ground, MARK), "poi_1")]
    theirs = [change_of(plan(ground, OTHER), "poi_1")]
    carry_out(ground, ours)
    carry_out(ground, theirs)
    held = ground.double.intents["poi_1"]["schedule_options"]
    one, other = (ours, theirs) if first == MARK else (theirs, ours)
    carry_out(ground, back(one))
    assert ground.double.intents["poi_1"]["schedule_options"] == held
    carry_out(ground, back(other))
    assert ground.double.intents["poi_1"] == before


def test_a_hold_that_falls_due_is_not_what_we_left_and_is_moved_on(ground: StripeGround) -> None:
    """Two months later an audit plans the same change again, and its release still fits."""
    before = ground.double.snapshot()["intents"]["poi_1"]
    work = [change_of(plan(ground), "poi_1")]
    carry_out(ground, work)
    rail = replace(ground.connector.stripe[LEDGER], today=lambda: TODAY.replace(2027, 1, 30))
    ground.connector = replace(ground.connector, stripe={LEDGER: rail})
    again = [change_of(plan(ground), "poi_1")]
    assert again[0].after == work[0].after
    carry_out(ground, again)
    assert ground.double.intents["poi_1"]["schedule_options"] == {"execute_on": "2027-04-30"}
    assert not [c for c in plan(ground).changes if c.address.document.id == "poi_1"]
    carry_out(ground, back(work))
    after = ground.double.intents["poi_1"]
    assert after["schedule_options"] == {"execute_on": "2027-01-30"}
    assert after["metadata"] == before["metadata"]


@pytest.mark.parametrize(("country", "limit"), [("TH", "P10D"), ("US", "P2Y"), ("DE", "P90D")])
def test_stripes_limit_on_holding_is_a_dated_residual(
    ground: StripeGround, country: str, limit: str
) -> None:
    """By the account's country: nobody may believe that a balance is held for ever."""
    ground.double.add_account("acct_x", {"usd": 1}, metadata=THROUGH, country=country)
    change = change_of(plan(ground), "acct_x")
    told = list(ground.connector.residuals(change))
    assert any(r.until == limit and "limit on holding" in r.what for r in told)
    assert all(isinstance(r, Residual) for r in told)


def test_the_day_by_which_earned_pay_is_due_is_told(ground: StripeGround) -> None:
    """Where the lab's own metadata says one: in what is owed, and in the words of the change."""
    due = {**THROUGH, "pay_by": "2026-12-24"}
    ground.double.add_account("acct_x", {"usd": 1}, metadata=due)
    intent = ground.double.add_intent("acct_r1", "usd", 9, None, metadata={"pay_by": "2026-12-31"})
    ground.double.add_account("acct_y", {"usd": 1}, metadata={**THROUGH, "pay_by": "soon"})
    planned = plan(ground)
    assert change_of(planned, "acct_x").summary.endswith("still owed, by 2026-12-24")
    assert change_of(planned, intent).summary == "hold 0.09 USD, still owed, by 2026-12-31"
    assert change_of(planned, "acct_y").summary.endswith("still owed")


@pytest.mark.parametrize("missing", ["a legal basis", "a second approver"])
def test_earned_pay_of_a_person_is_not_held_without_what_it_takes(
    ground: StripeGround, missing: str
) -> None:
    """Neither a balance nor an intent of a person's; the vendor's own account is held."""
    ground.double.add_account("acct_x", {"usd": 1}, metadata={"payee": "acct_mercor"})
    ground.double.accounts["acct_x"]["business_type"] = "individual"
    if missing == "a legal basis":
        payouts = ground.vendor.payouts.model_copy(update={"legal_basis": ""})
        ground.vendor = ground.vendor.model_copy(update={"payouts": payouts})
    else:
        ground.playbook = ground.playbook.model_copy(update={"approvals": Approvals()})
    planned = plan(ground)
    assert {c.address.document.id for c in planned.changes} == {"acct_mercor", "poi_1"}
    left = {s.address.id: s for s in planned.skips if missing in s.reason}
    assert {"acct_c1", "acct_c1/eur", "acct_x", "acct_x/usd", "poi_2"} == set(left)
    assert all(skip.leaves_access for skip in left.values())


@pytest.mark.parametrize(("country", "days"), [("TH", 10), ("US", 730), ("DE", 90)])
def test_stripes_limit_on_holding_a_balance_is_a_limit_of_its_hold(
    ground: StripeGround, country: str, days: int
) -> None:
    """By the account's country; what was given back, an intent and a ledger's hold have none."""
    ground.double.accounts["acct_c1"]["country"] = country
    assert isinstance(ground.connector, Limited)
    changes = {c.address.document.id: c for c in plan(ground).changes}
    (limit,) = ground.connector.limits(changes["acct_c1"])
    assert (limit.days, country in limit.what) == (days, True)
    assert not [*ground.connector.limits(changes["poi_1"])]
    nothing = replace(changes["acct_c1"], after=None)
    assert not [*ground.connector.limits(nothing)]
