"""A platform at Stripe for tests: the vendor's account, its contractors', somebody else's."""

from collections.abc import Iterator
from datetime import date

import pytest

from stopline.connectors.payouts import PayoutsConnector, build
from stopline.connectors.payouts.stripe_rail import StripeRail
from stopline.drill.stripe_double import PLATFORM, StripeDouble
from stopline.drill.stripe_http import KEY
from stopline.estate import Estate, Ledger, PayoutsEstate
from stopline.playbook import Approvals, Phase, Playbook, Rule
from stopline.vendors import Vendor, VendorPayouts

LEDGER = "stripe"
VARIABLE = "STRIPE_KEY_OF_TESTS"
TODAY = date(2026, 11, 24)
VENDOR = Vendor(
    vendor="mercor",
    payouts=VendorPayouts(
        vendors=("V-MERCOR",), payees=("acct_mercor", "acct_r1"), legal_basis="court order 7"
    ),
)
HOW = {
    "payout-schedules": "manual",
    "payout-intents": "reschedule",
    "in-flight": "let-proceed",
}
RULES = tuple(
    Rule(name=f"hold-{contains}", connector="payouts", contains=contains, how=how)
    for contains, how in HOW.items()
)
PLAYBOOK = Playbook(
    playbook="p",
    phases=(Phase(name="payouts", rules=RULES),),
    approvals=Approvals(contain="second-person"),
)


def in_flight(how: str) -> Playbook:
    """The same playbook with another word about payouts in flight."""
    rules = (*RULES[:-1], RULES[-1].model_copy(update={"how": how}))
    return PLAYBOOK.model_copy(update={"phases": (Phase(name="payouts", rules=rules),)})


THROUGH = {"engaged_through": "V-MERCOR"}
WEEKLY = {"interval": "weekly", "weekly_payout_days": ["monday", "thursday"]}
RULE = {"payout_method": "fa_1", "type": "transfer_up_to_amount", "transfer_up_to_amount": 500}


def estate_at(url: str, **more: bool) -> Estate:
    """An estate with one ledger at Stripe, where the double is."""
    told = {"key_from": VARIABLE, "platform": PLATFORM, "live": False, "api_url": url}
    ledger = Ledger.model_validate({"rail": "stripe", **told, **more})
    return Estate(payouts=PayoutsEstate(ledgers={LEDGER: ledger}))


def connector_at(double: StripeDouble, **more: bool) -> PayoutsConnector:
    """The connector over the double, on a fixed day."""
    made = build(estate_at(double.url, **more))
    rail = made.stripe[LEDGER]
    fixed = StripeRail(
        rail.name, rail.api, rail.platform, rail.live, rail.global_payouts, lambda: TODAY
    )
    return PayoutsConnector(made.urls, {LEDGER: fixed})


def filled(double: StripeDouble) -> StripeDouble:
    """Fill a platform with one of each that matters."""
    double.add_account("acct_mercor", {"usd": 120_000, "jpy": 5_000}, rules={"usd": [RULE]})
    double.accounts["acct_mercor"]["business_type"] = "company"
    double.add_account("acct_c1", {"eur": 901}, metadata=THROUGH, schedule=WEEKLY, country="DE")
    double.add_account("acct_mercer", {"usd": 7})
    double.recipients["acct_r1"] = {
        "id": "acct_r1",
        "object": "v2.core.account",
        "identity": {"entity_type": "company"},
        "metadata": {},
    }
    double.recipients["acct_r2"] = {"id": "acct_r2", "metadata": THROUGH}
    double.recipients["acct_other"] = {"id": "acct_other", "metadata": {}}
    double.add_intent("acct_r1", "usd", 4_200, "2026-12-01", metadata={"invoice": "i-1"})
    double.add_intent("acct_r2", "jpy", 33, "2027-12-01", status="requires_action")
    double.add_intent("acct_other", "usd", 5, "2026-12-01")
    return double


@pytest.fixture
def platform(monkeypatch: pytest.MonkeyPatch) -> Iterator[StripeDouble]:
    """An emulated platform that is filled and running, and its key in the environment."""
    monkeypatch.setenv(VARIABLE, KEY)
    with StripeDouble() as double:
        yield filled(double)
