"""`stopline payouts` over Stripe: what had left before the pause is in the totals."""

import pytest
from support.asking import Asking
from support.platforms import LEDGER, connector_at, platform
from support.temporal import House

from stopline.connectors.payouts.words import CONTAINS
from stopline.drill.stripe_double import PLATFORM, StripeDouble
from stopline.text import Json

pytestmark = pytest.mark.night

VENDOR = (
    "vendor: mercor\npayouts:\n  vendors: [V-MERCOR]\n  payees: [acct_mercor, acct_r1]\n"
    "  legal_basis: court order 7\n"
)
PLAYBOOK = """\
playbook: default
phases:
  - name: payouts
    rules:
      - {name: hold-schedules, connector: payouts, contains: payout-schedules, how: manual}
      - {name: put-off, connector: payouts, contains: payout-intents, how: reschedule}
      - {name: let-go, connector: payouts, contains: in-flight, how: let-proceed}
approvals: {contain: second-person}
"""
__all__ = ["platform"]  # a fixture
ESTATE = (
    f"payouts:\n  ledgers:\n    {LEDGER}: {{rail: stripe, key_from: STRIPE_KEY_OF_TESTS, "
    f"platform: {PLATFORM}, live: false}}\n"
)


@pytest.fixture
def house(house: House, platform: StripeDouble) -> House:
    """A house whose only system of record is a platform at Stripe, with one payout under way."""
    platform.add_payout("acct_mercor", "usd", 1_250, "in_transit", automatic=False)
    connector = connector_at(platform)
    return house.anew(
        lambda _: {"payouts": connector},
        {"payouts": CONTAINS},
        vendor=VENDOR,
        playbook=PLAYBOOK,
        estate=ESTATE,
    )


def test_a_payout_in_flight_is_escaped_with_its_amount(asking: Asking) -> None:
    """It is neither held nor forgotten: the total of its payee has it, and the reason says why."""
    assert asking.pause().code == 5
    asking.approve()
    report = asking.ask("payouts", "mercor", "--output", "json")
    assert report.code == 8
    (left,) = [p for p in report.document["payables"] if p["state"] == "escaped"]
    assert (left["amount"], left["currency"]) == (1_250, "USD")
    assert "on its way to the bank" in left["why"]
    (total,) = [t for t in report.document["totals"] if t["escaped"]]
    assert total["escaped"] == 1_250
    assert report.document["balanced"]


def totals(asking: Asking) -> dict[str, Json]:
    """The control totals of the report, by payee and currency; all is accounted for."""
    told = asking.ask("payouts", "mercor", "--output", "json").document
    assert told["balanced"]
    return {f"{t['payee']} {t['currency']}": t for t in told["totals"]}


def test_a_payout_that_stripe_makes_between_plan_and_hold_is_counted_once(
    asking: Asking, platform: StripeDouble
) -> None:
    """It left the balance: it is owed once, and has escaped, also when it has arrived."""
    before = platform.balances["acct_mercor"]["usd"]
    assert asking.pause().code == 5
    platform.pay_out("acct_mercor")
    assert asking.approve().code == 0
    for _ in range(2):
        mine = totals(asking)["acct_mercor USD"]
        assert mine["owed_before"] == before + 1_250
        assert (mine["escaped"], mine["held"], mine["not_held"]) == (before + 1_250, 0, 0)
        platform.day("2026-11-24")
    asking.monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    alone = asking.ask("payouts", "mercor", "--output", "json").document
    (mine,) = [t for t in alone["totals"] if (t["payee"], t["currency"]) == ("acct_mercor", "USD")]
    assert (mine["owed_before"], mine["escaped"]) == (before + 1_250, before + 1_250)


def test_a_payout_that_somebody_asks_for_under_the_hold_leaves_less_held(
    asking: Asking, platform: StripeDouble
) -> None:
    """A part of the balance has left, and the rest is held: nothing is missing, or there twice."""
    before = platform.balances["acct_mercor"]["usd"]
    assert asking.pause().code == 5
    assert asking.approve().code == 0
    platform.add_payout("acct_mercor", "usd", 40, "pending", automatic=False)
    asking.ask("audit", "mercor")
    mine = totals(asking)["acct_mercor USD"]
    assert (mine["owed_before"], mine["held"]) == (before + 1_250, before - 40)
    assert mine["escaped"] == 1_250 + 40


def test_a_payout_that_a_rollback_freed_is_the_balance_that_was_released(
    asking: Asking, platform: StripeDouble
) -> None:
    """Stripe pays it out by itself again: it is released, and nothing new is owed."""
    before = platform.balances["acct_mercor"]["usd"]
    assert asking.pause().code == 5
    assert asking.approve().code == 0
    asking.rollback()
    assert asking.approve().code == 0
    platform.pay_out("acct_mercor")
    mine = totals(asking)["acct_mercor USD"]
    assert (mine["owed_before"], mine["released"]) == (before + 1_250, before)
    assert (mine["escaped"], mine["not_held"]) == (1_250, 0)
