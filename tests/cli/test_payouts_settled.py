"""Money at Stripe that people settle at the end: as it was before us, and Stripe pays it."""

import pytest
from cli.test_payouts_in_flight import ESTATE, PLAYBOOK, VENDOR
from support.asking import Asking
from support.platforms import connector_at, platform
from support.temporal import House

from stopline.connectors.payouts.words import CONTAINS
from stopline.drill.stripe_double import StripeDouble
from stopline.drill.stripe_http import Fault
from stopline.text import Json

__all__ = ["platform"]  # a fixture
END = ("terminate", "mercor", "--reason", "over", "--as", "ada@lab.example", "--confirm", "mercor")
SETTLE = ("--settle", "acct_mercor", "--settle", "acct_r1")
CALLS = ("POST /v1/balance_settings", "POST /v2/money_management/payout_intents/{id}")


@pytest.fixture
def house(house: House, platform: StripeDouble) -> House:
    """A house whose only system of record is a platform at Stripe."""
    connector = connector_at(platform)
    return house.anew(
        lambda _: {"payouts": connector},
        {"payouts": CONTAINS},
        vendor=VENDOR,
        playbook=PLAYBOOK,
        estate=ESTATE,
    )


def states(asking: Asking) -> dict[str, str]:
    """What became of each payable; the totals account for all."""
    told = asking.ask("payouts", "mercor", "--output", "json").document
    assert told["balanced"]
    return {one["payable"]: one["state"] for one in told["payables"]}


def settled(asking: Asking) -> None:
    """Two people pause it, and two end it: one account and one recipient are settled."""
    assert asking.pause().code == 5
    assert asking.approve().code == 0
    assert asking.ask(*END, *SETTLE).code == 5
    asking.approve()


@pytest.mark.parametrize(
    "fault",
    [
        None,
        *(pytest.param(f, marks=pytest.mark.night) for f in ("500-after", "lost", "twice", "429")),
    ],
)
def test_what_is_settled_is_as_it_was_and_what_is_not_stays_held(
    asking: Asking, platform: StripeDouble, fault: Fault | None
) -> None:
    """Whatever becomes of the answers; and no audit holds again what people let go of."""
    before = platform.snapshot()
    assert asking.pause().code == 5
    assert asking.approve().code == 0
    asked = asking.ask(*END, *SETTLE)
    assert "give its day back, so that Stripe sends it" in asked.said
    assert platform.snapshot()["settings"] != before["settings"]  # one person's word is none
    for call in CALLS if fault else ():
        platform.fail(call, fault or "429")
    asking.approve()
    for _ in range(2):
        after = platform.snapshot()
        assert after["settings"]["acct_mercor"] == before["settings"]["acct_mercor"]
        assert after["intents"]["poi_1"] == before["intents"]["poi_1"]
        assert after["settings"]["acct_c1"] != before["settings"]["acct_c1"]
        assert after["intents"]["poi_2"] != before["intents"]["poi_2"]
        found = states(asking)
        assert {k: v for k, v in found.items() if v == "released"}.keys() == {
            "acct_mercor/usd", "acct_mercor/jpy", "poi_1",
        }  # fmt: skip
        assert {found["acct_c1/eur"], found["poi_2"]} == {"held"}
        asking.ask("audit", "mercor")


def test_what_was_settled_and_then_paid_by_stripe_is_what_was_released(
    asking: Asking, platform: StripeDouble
) -> None:
    """It is paid once, and nothing new is owed."""
    settled(asking)
    paid = platform.day("2026-12-31")
    assert paid["acct_mercor", "usd"] == 120_000
    assert paid["acct_r1", "usd"] == 4_200
    assert ("acct_c1", "eur") not in paid
    assert states(asking)["acct_mercor/usd"] == "released"


def test_what_somebody_set_meanwhile_is_a_conflict_and_stays(
    asking: Asking, platform: StripeDouble
) -> None:
    """Nothing is written over a stranger's schedule, not even what was there before us."""
    assert asking.pause().code == 5
    assert asking.approve().code == 0
    payouts: Json = platform.settings["acct_mercor"]["payments"]["payouts"]
    payouts["schedule"] = {"interval": "weekly", "weekly_payout_days": ["friday"]}
    assert asking.ask(*END, "--settle", "acct_mercor").code == 5
    assert asking.approve().code == 7
    assert payouts["schedule"] == {"interval": "weekly", "weekly_payout_days": ["friday"]}
