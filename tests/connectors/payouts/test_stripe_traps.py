"""Each trap of Stripe's by name: what it does that a hold must not be taken in by."""

import logging
import sys
import time
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta

import pytest
from connectors.contract import MARK, back, carry_out, plan
from connectors.payouts.stripe_ground import (
    INTENT,
    SETTINGS,
    StripeGround,
    change_of,
    engine_run,
    ground,
    interval,
)
from support.journals import a_book
from support.platforms import (
    LEDGER,
    PLAYBOOK,
    THROUGH,
    TODAY,
    VARIABLE,
    VENDOR,
    WEEKLY,
    connector_at,
    estate_at,
    in_flight,
    platform,
)

from stopline.connectors.payouts import build
from stopline.connectors.payouts.currencies import minor_units
from stopline.connectors.payouts.stripe_api import StripeApi
from stopline.drill.stripe_double import PLATFORM, StripeDouble
from stopline.drill.stripe_http import KEY
from stopline.engine import Errand, apply
from stopline.errors import ConnectorError, StaleError, UserError
from stopline.model import Change, Direction, Gap, Grant, Scope
from stopline.receipts import Cause, Outcome
from stopline.settings import settings as load

__all__ = ["ground", "platform"]

# --- what has left, and what can leave ---------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "automatic", "words"),
    [
        ("pending", True, "cancels no automatic payout"),
        ("pending", False, "a person can cancel it, one-way"),
        ("in_transit", True, "on its way to the bank"),
    ],
)
def test_a_payout_that_was_made_before_is_named_as_escaped(
    ground: StripeGround, status: str, *, automatic: bool, words: str
) -> None:
    """With its amount and why; nobody cancels it, and the hold is no less complete."""
    id_ = ground.double.add_payout("acct_mercor", "usd", 2_500, status, automatic=automatic)
    skips = [s for s in plan(ground).skips if s.address.id == id_]
    assert len(skips) == 1
    assert skips[0].reason.startswith("escaped: 25.00 USD left before us")
    assert words in skips[0].reason
    assert not skips[0].leaves_access
    carry_out(ground, plan(ground).changes)
    assert ground.double.payouts[id_]["status"] == status


@pytest.mark.parametrize(
    ("status", "automatic", "open_"),
    [("pending", False, True), ("pending", True, False), ("in_transit", False, False)],
)
def test_a_payout_that_a_person_could_cancel_stays_open_where_it_cannot_be_put_off(
    ground: StripeGround, status: str, *, automatic: bool, open_: bool
) -> None:
    """Stripe puts no payout off. What nobody can stop leaves nothing to do."""
    id_ = ground.double.add_payout("acct_mercor", "usd", 2_500, status, automatic=automatic)
    ground.playbook = in_flight("reschedule")
    (skip,) = [s for s in plan(ground).skips if s.address.id == id_]
    assert (skip.leaves_access, skip.reason.startswith("escaped: 25.00 USD")) == (open_, True)


def test_an_intent_that_is_being_sent_is_named_as_escaped(ground: StripeGround) -> None:
    """It is not put off, and it is not missing."""
    id_ = ground.double.add_intent("acct_r1", "usd", 77, None, status="processing")
    planned = plan(ground)
    assert id_ not in {c.address.document.id for c in planned.changes}
    assert any(s.address.id == id_ and "escaped: 0.77 USD" in s.reason for s in planned.skips)


def test_a_hold_also_takes_out_the_rules_that_move_money_on(ground: StripeGround) -> None:
    """The second exit: manual alone would go on filling a financial account."""
    payouts = ground.double.settings["acct_mercor"]["payments"]["payouts"]
    before = payouts["automatic_transfer_rules_by_currency"]
    changes = plan(ground).changes
    carry_out(ground, changes)
    assert payouts["automatic_transfer_rules_by_currency"] is None
    carry_out(ground, back(changes))
    assert payouts["automatic_transfer_rules_by_currency"] == before


def test_the_days_of_a_weekly_schedule_come_back(ground: StripeGround) -> None:
    """Manual has none; what is given back has those that were there."""
    changes = plan(ground).changes
    carry_out(ground, changes)
    assert interval(ground, "acct_c1") == "manual"
    carry_out(ground, back(changes))
    assert ground.double.settings["acct_c1"]["payments"]["payouts"]["schedule"] == WEEKLY


def test_an_account_that_another_team_holds_stays_theirs(ground: StripeGround) -> None:
    """Set to manual before us: planned as a skip, so no rollback ever sets it back."""
    ground.double.add_account(
        "acct_c2", {"usd": 10}, metadata=THROUGH, schedule={"interval": "manual"}
    )
    planned = plan(ground)
    assert "acct_c2" not in {c.address.document.id for c in planned.changes}
    assert any(s.address.id == "acct_c2" and "not ours" in s.reason for s in planned.skips)


def test_what_a_stranger_set_meanwhile_is_a_conflict_and_stays(ground: StripeGround) -> None:
    """Release is compare-and-set against what we set."""
    book, work = a_book("sqlite://"), [change_of(plan(ground), "acct_c1")]
    engine_run(ground, book, work)
    payouts = ground.double.settings["acct_c1"]["payments"]["payouts"]
    payouts["schedule"] = {"interval": "monthly", "monthly_payout_days": [1]}
    receipts = engine_run(ground, book, back(work), Direction.RESTORE)
    assert [r.outcome for r in receipts] == [Outcome.CONFLICT]
    assert interval(ground, "acct_c1") == "monthly"
    book.close()


@pytest.mark.parametrize("id_", ["acct_c1", "poi_1"])
def test_what_moved_between_our_looks_is_not_overwritten(ground: StripeGround, id_: str) -> None:
    """Stripe takes no tag, so it is looked at again right before: stale, and judged anew."""
    work = [change_of(plan(ground), id_)]
    observed = ground.connector.read(work[0].address.document)
    payouts = ground.double.settings["acct_c1"]["payments"]["payouts"]
    payouts["schedule"] = {"interval": "daily"}
    ground.double.intents["poi_1"]["metadata"]["StoplineJ9e8d7c6bP00000002"] = "VENDOR-PAUSE"
    with pytest.raises(StaleError):
        ground.connector.write(observed, work, None, "token")
    assert not {SETTINGS, INTENT} & set(ground.double.calls)


def test_calls_for_one_account_never_reach_another(ground: StripeGround) -> None:
    """Holding the vendor's leaves the namesake's schedule, balance and intents as they are."""
    before = ground.double.snapshot()
    carry_out(ground, plan(ground).changes)
    after = ground.double.snapshot()
    assert before != after
    assert before["settings"]["acct_mercer"] == after["settings"]["acct_mercer"]
    assert before["intents"]["poi_3"] == after["intents"]["poi_3"]


# --- keys, answers and faults --------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["lost", "500-after"])
def test_an_answer_that_leaves_it_open_is_settled_by_reading(
    ground: StripeGround, fault: str
) -> None:
    """A marked intent is ours; a schedule bears no mark, so nothing proves that it was us."""
    book, planned = a_book("sqlite://"), plan(ground)
    ground.double.fail(SETTINGS, fault)  # type: ignore[arg-type]
    ground.double.fail(INTENT, fault)  # type: ignore[arg-type]
    work = [change_of(planned, "acct_c1"), change_of(planned, "poi_1")]
    receipts = {r.change.address.document.id: r for r in engine_run(ground, book, work)}
    assert receipts["poi_1"].outcome is Outcome.APPLIED
    assert receipts["acct_c1"].outcome is Outcome.UNPROVEN
    assert all(r.held for r in receipts.values())
    assert ground.double.calls.count(SETTINGS) == 1
    assert interval(ground, "acct_c1") == "manual"
    book.close()


def test_too_many_requests_are_asked_again_and_written_once(ground: StripeGround) -> None:
    """A 429 is surely not written: the engine waits and reads afresh."""
    book, work = a_book("sqlite://"), [change_of(plan(ground), "acct_c1")]
    ground.double.fail(SETTINGS, "429", 2)
    assert [r.outcome for r in engine_run(ground, book, work)] == [Outcome.APPLIED]
    assert ground.double.calls.count(SETTINGS) == 3
    book.close()


def test_a_read_that_is_slowed_down_is_asked_again(ground: StripeGround) -> None:
    """One account too many in a second is no gap."""
    ground.double.fail("GET /v1/balance_settings", "429", 2)
    assert not plan(ground).gaps


def test_a_write_that_may_still_land_stays_held(
    ground: StripeGround, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits longer than a lease; what is not there yet is failed, and not given up."""
    work = [change_of(plan(ground), "poi_1")]
    monkeypatch.setenv("STOPLINE_REQUEST_SECONDS", "1.2")
    load.cache_clear()
    connector = connector_at(ground.double)
    ground.double.fail(INTENT, "slow")
    book = a_book("sqlite://")
    errand = Errand(MARK.pause, Direction.CONTAIN, "a", "t")
    (receipt,) = next(apply(connector, book.writes, errand, work))
    load.cache_clear()
    assert (receipt.outcome, receipt.cause) == (Outcome.FAILED, Cause.UNREACHABLE)
    assert receipt.held
    assert landed(ground, work[0])
    (again,) = next(apply(connector, book.writes, errand, work))
    assert (again.outcome, again.held) == (Outcome.APPLIED, True)
    assert ground.double.calls.count(INTENT) == 1
    book.close()


def landed(ground: StripeGround, change: Change) -> bool:
    """Whether a change stands, within two seconds."""
    for _ in range(40):
        if ground.connector.read(change.address.document).states.get(change.address):
            return True
        time.sleep(0.05)
    return False


def test_a_request_that_arrives_twice_is_done_once(ground: StripeGround) -> None:
    """Its second answer is a repetition, and says so; the hold stands."""
    work = [change_of(plan(ground), "acct_c1")]
    ground.double.fail(SETTINGS, "twice")
    carry_out(ground, work)
    assert interval(ground, "acct_c1") == "manual"
    assert ground.double.calls.count(SETTINGS) == 1


@pytest.mark.parametrize("first", [None, "500-after"])
def test_an_old_answer_to_our_key_is_not_taken_for_todays(
    ground: StripeGround, first: str | None
) -> None:
    """Contained, opened by somebody, contained again by a redelivery: it is written anew."""
    work = [change_of(plan(ground), "acct_c1")]
    document = work[0].address.document
    opened = ground.double.snapshot()["settings"]["acct_c1"]
    observed = ground.connector.read(document)
    if first:
        ground.double.fail(SETTINGS, first)  # type: ignore[arg-type]
        with pytest.raises(ConnectorError) as caught:
            ground.connector.write(observed, work, None, "token")
        assert caught.value.landed is None
    else:
        ground.connector.write(observed, work, None, "token")
    ground.double.settings["acct_c1"] = opened
    ground.connector.write(observed, work, None, "token")
    assert interval(ground, "acct_c1") == "manual"


def test_keys_are_stable_over_attempts_and_apart_for_each_change(ground: StripeGround) -> None:
    """The same change under the same token is one key; another change or token is another."""
    opened = ground.double.snapshot()["settings"]
    planned = plan(ground)
    for id_ in ("acct_c1", "acct_mercor"):
        work = [change_of(planned, id_)]
        observed = ground.connector.read(work[0].address.document)
        for token in ("t", "t", "u"):
            ground.connector.write(observed, work, None, token)
            ground.double.settings[id_] = deepcopy(opened[id_])
    keys = {key for key, _ in ground.double.writes()}
    assert len(keys) == 6  # "t", its next once Stripe repeated it, and "u": of each account
    assert all(key.startswith("stopline-") for key in keys)


def test_one_key_never_carries_two_requests(ground: StripeGround) -> None:
    """Stripe refuses that; a retry on a later day, with another date, is another request."""
    work = [change_of(plan(ground), "poi_1")]
    before = ground.double.snapshot()["intents"]
    observed = ground.connector.read(work[0].address.document)
    for day in (TODAY, TODAY.replace(day=25)):
        rail = replace(ground.connector.stripe[LEDGER], today=lambda day=day: day)
        connector = replace(ground.connector, stripe={LEDGER: rail})
        connector.write(observed, work, None, "token")
        held = ground.double.intents["poi_1"]["schedule_options"]["execute_on"]
        assert held == str(day + timedelta(days=90))
        ground.double.intents = deepcopy(before)
    assert len({key for key, _ in ground.double.writes()}) == 2


def test_an_account_without_rules_is_not_asked_about_them(ground: StripeGround) -> None:
    """Only an account that moves money on has them taken out."""
    planned = plan(ground)
    carry_out(ground, [change_of(planned, "acct_c1"), change_of(planned, "acct_mercor")])
    sent = [told["payments"]["payouts"] for _, told in ground.double.writes()]
    assert sent == [
        {"schedule": {"interval": "manual"}},
        {"automatic_transfer_rules_by_currency": "", "schedule": {"interval": "manual"}},
    ]


# --- the key of the API --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("", VARIABLE),
        ("sk_live_of_somebody", "no key of test mode"),
        ("sk_test_revoked", "401"),
    ],
)
def test_a_key_that_does_not_fit_is_a_gap_that_shows_nothing_of_it(
    platform: StripeDouble, monkeypatch: pytest.MonkeyPatch, key: str, words: str
) -> None:
    """Not set, of the other mode, or revoked: nothing is found, and the gap says why."""
    monkeypatch.setenv(VARIABLE, key)
    found = list(connector_at(platform).discover(VENDOR, Scope()))
    gaps = [f for f in found if isinstance(f, Gap)]
    assert gaps
    assert not [f for f in found if isinstance(f, Grant)]
    assert all(words in gap.cause for gap in gaps)
    assert not key or all(key not in gap.cause for gap in gaps)


def test_the_key_of_another_platform_makes_no_account_look_gone(
    platform: StripeDouble, ground: StripeGround
) -> None:
    """Stripe says of another's account that it is not there: the platform is asked for first."""
    work = [change_of(plan(ground), "acct_c1")]
    rail = ground.connector.stripe[LEDGER]
    api = StripeApi(LEDGER, VARIABLE, "acct_elsewhere", platform.url, live=False)
    connector = replace(ground.connector, stripe={LEDGER: replace(rail, api=api)})
    with pytest.raises(ConnectorError, match="not a key of acct_elsewhere") as caught:
        connector.read(work[0].address.document)
    assert caught.value.cause is Cause.CREDENTIALS


def test_the_key_is_in_no_log_and_no_text(
    ground: StripeGround, caplog: pytest.LogCaptureFixture
) -> None:
    """Also where the SDK logs all that it can, and where Stripe refuses."""
    caplog.set_level(logging.DEBUG)
    ground.double.fail(SETTINGS, "429")
    work = [change_of(plan(ground), "acct_c1")]
    with pytest.raises(ConnectorError) as caught:
        carry_out(ground, work)
    carry_out(ground, work)
    assert caplog.records
    assert KEY not in caplog.text + repr(ground.connector) + caught.value.detail


def test_without_the_sdk_the_worker_says_what_to_install(
    platform: StripeDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ledger of a database needs no SDK; one at Stripe does."""
    monkeypatch.setitem(sys.modules, "stripe", None)
    with pytest.raises(UserError, match=r"stopline\[stripe\]"):
        build(estate_at(platform.url))


def test_a_platform_without_global_payouts_is_not_asked_for_them(platform: StripeDouble) -> None:
    """The estate says so; no gap, and no call of the second API."""
    found = list(connector_at(platform, global_payouts=False).discover(VENDOR, Scope()))
    assert not [f for f in found if isinstance(f, Gap)]
    assert not [call for call in platform.calls if "/v2/" in call]


# --- amounts, and what a person types ------------------------------------------------------------


@pytest.mark.parametrize(
    ("currency", "stripes", "ours"),
    [("jpy", 5_000, 5_000), ("kwd", 1_230, 1_230), ("usd", 7, 7), ("isk", 500, 5), ("mga", 3, 300)],
)
def test_amounts_are_in_the_minor_units_of_iso_4217(currency: str, stripes: int, ours: int) -> None:
    """Without a decimal, with three, and the currencies that Stripe counts in its own way."""
    assert minor_units(currency, stripes) == (currency.upper(), ours)


def test_an_amount_that_is_no_whole_unit_is_a_gap_and_not_rounded(ground: StripeGround) -> None:
    """A hundredth of an Icelandic króna does not exist; the schedule is held all the same."""
    ground.double.add_account("acct_x", {"isk": 101}, metadata=THROUGH)
    planned = plan(ground)
    assert any("acct_x/isk" in gap.what for gap in planned.gaps)
    assert change_of(planned, "acct_x")


def test_a_person_can_set_a_schedule_back_by_hand(ground: StripeGround) -> None:
    """As one command of Stripe's own tool, for the platform that it belongs to."""
    change = change_of(plan(ground), "acct_c1").inverse()
    said = ground.connector.commands(change.address.document, [change], None)
    assert len(said.lines) == 1
    assert said.lines[0].startswith("stripe post /v1/balance_settings --stripe-account acct_c1 -d")
    assert "'payments[payouts][schedule][weekly_payout_days][1]=thursday'" in said.lines[0]
    assert said.only_if == f"stripe get /v1/account | grep -qF {PLATFORM}"


def test_the_playbook_of_these_tests_says_every_word_of_the_rail() -> None:
    """So that no lever is left out of what is tested here."""
    assert {rule.contains for phase in PLAYBOOK.phases for rule in phase.rules} == {
        "payout-schedules",
        "payout-intents",
        "in-flight",
    }
