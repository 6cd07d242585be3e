"""`stopline payouts` over Stripe: what had left before the pause is in the totals."""

import pytest
from support.asking import Asking
from support.platforms import LEDGER, connector_at, platform
from support.temporal import House

from stopline.connectors.payouts.words import CONTAINS
from stopline.drill.stripe_double import PLATFORM, StripeDouble

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
