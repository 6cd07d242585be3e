"""The emulated Stripe keeps what a hold relies on, and never says yes to what it does not know."""

from typing import Any

import pytest
import stripe
from support.platforms import platform

from stopline.connectors.payouts.stripe_api import VERSION as OURS
from stopline.drill.stripe_double import StripeDouble
from stopline.drill.stripe_http import KEY, VERSION, nested

__all__ = ["platform"]
MANUAL: Any = {"payments": {"payouts": {"schedule": {"interval": "manual"}}}}


@pytest.fixture
def client(platform: StripeDouble) -> stripe.StripeClient:
    """Stripe's own SDK, pointed at the double."""
    return client_of(platform, KEY)


def client_of(double: StripeDouble, key: str, version: str = VERSION) -> stripe.StripeClient:
    """The SDK with a key."""
    bases: Any = {"api": double.url}
    return stripe.StripeClient(
        key, base_addresses=bases, stripe_version=version, max_network_retries=0
    )


@pytest.mark.parametrize("method", ["get", "post"])
def test_what_it_does_not_know_is_never_a_success(
    platform: StripeDouble, client: stripe.StripeClient, method: str
) -> None:
    """An unknown path is answered as Stripe does, and changes nothing."""
    before = platform.snapshot()
    with pytest.raises(stripe.InvalidRequestError, match="Unrecognized request URL"):
        client.raw_request(method, "/v1/payouts/po_1/reverse")
    assert platform.snapshot() == before


def test_a_key_gives_the_first_answer_and_takes_no_other_request(
    client: stripe.StripeClient,
) -> None:
    """The repetition is marked; another request under the key is an error, for each account."""
    options: Any = {"stripe_account": "acct_c1", "idempotency_key": "k"}
    first = client.raw_request("post", "/v1/balance_settings", **MANUAL, **options)
    again = client.raw_request("post", "/v1/balance_settings", **MANUAL, **options)
    assert again.data == first.data
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    other: Any = {"payments": {"payouts": {"schedule": {"interval": "daily"}}}}
    with pytest.raises(stripe.IdempotencyError):
        client.raw_request("post", "/v1/balance_settings", **other, **options)
    elsewhere = {**options, "stripe_account": "acct_mercor"}
    answer = client.raw_request("post", "/v1/balance_settings", **other, **elsewhere)
    assert "idempotent-replayed" not in answer.headers


def test_accounts_are_apart(platform: StripeDouble, client: stripe.StripeClient) -> None:
    """A call without an account, or for one that is not connected, reaches none."""
    before = platform.snapshot()
    for account in ("", "acct_nobody"):
        options: Any = {"stripe_account": account} if account else {}
        with pytest.raises(stripe.PermissionError):
            client.raw_request("post", "/v1/balance_settings", **MANUAL, **options)
    assert platform.snapshot() == before


def test_a_wrong_key_or_version_is_refused(platform: StripeDouble) -> None:
    """The version that we pin is the one that it speaks."""
    assert OURS == VERSION
    with pytest.raises(stripe.AuthenticationError):
        client_of(platform, "sk_test_other").v1.accounts.list()
    with pytest.raises(stripe.InvalidRequestError, match="version"):
        client_of(platform, KEY, "2020-08-27").v1.accounts.list()


@pytest.mark.parametrize(
    "schedule",
    [
        {"interval": "never"},
        {"interval": "weekly"},
        {"interval": "manual", "weekly_payout_days": ["monday"]},
    ],
)
def test_a_schedule_that_makes_no_sense_is_refused(
    platform: StripeDouble, client: stripe.StripeClient, schedule: Any
) -> None:
    """Days belong to weekly and monthly, and to nothing else."""
    before = platform.snapshot()
    params: Any = {"payments": {"payouts": {"schedule": schedule}}}
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.balance_settings.update(params, {"stripe_account": "acct_c1"})
    assert platform.snapshot() == before


def test_a_day_pays_what_no_schedule_holds(platform: StripeDouble) -> None:
    """Automatic payouts and intents that are due leave; a manual account keeps its balance."""
    platform.settings["acct_c1"]["payments"]["payouts"]["schedule"] = {"interval": "manual"}
    left = platform.day("2026-12-01")
    assert left == {
        ("acct_mercer", "usd"): 7,
        ("acct_mercor", "jpy"): 5_000,
        ("acct_mercor", "usd"): 120_000,
        ("acct_other", "usd"): 5,
        ("acct_r1", "usd"): 4_200,
    }
    assert platform.balances["acct_c1"] == {"eur": 901}
    assert not platform.day("2026-12-01")


def test_a_day_of_one_payee_is_nobody_elses(platform: StripeDouble) -> None:
    """Only this account's payouts, or this recipient's intents, leave."""
    assert platform.day("2026-12-01", {"acct_c1"}) == {("acct_c1", "eur"): 901}
    assert platform.day("2026-12-01", {"acct_r1"}) == {("acct_r1", "usd"): 4_200}
    assert platform.balances["acct_mercer"] == {"usd": 7}


def test_forms_are_read_as_stripe_reads_them() -> None:
    """Nested names, lists by number, and empty texts that take something away."""
    assert nested("a[b][0]=x&a[b][1]=y&a[c]=&d=1") == {"a": {"b": ["x", "y"], "c": ""}, "d": "1"}
