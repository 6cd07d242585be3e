"""A payout that can be cancelled, as people see it: marked, cancelled by two, owed all along."""

from pathlib import Path

import pytest
import yaml
from cli.test_payouts_in_flight import ESTATE, VENDOR
from cli.test_payouts_in_flight import PLAYBOOK as PROCEEDS
from support.asking import Asking
from support.platforms import connector_at, platform
from support.temporal import House

from stopline.connectors.payouts.words import CONTAINS
from stopline.drill.stripe_double import StripeDouble
from stopline.drill.stripe_http import Fault
from stopline.journal.pauses import PauseStatus
from stopline.text import Json

__all__ = ["platform"]  # a fixture
PLAYBOOK = PROCEEDS.replace("let-proceed", "cancel")
BALANCE = 120_000
CANCEL = "POST /v1/payouts/{id}/cancel"
END = ("--reason", "over", "--as", "ada@lab.example", "--confirm", "mercor")


@pytest.fixture
def payout(platform: StripeDouble) -> str:
    """A payout of 12.50 USD that somebody asked for, and that Stripe has not sent yet."""
    return platform.add_payout("acct_mercor", "usd", 1_250, "pending", automatic=False)


@pytest.fixture
def house(house: House, platform: StripeDouble, payout: str) -> House:
    """A house whose only system of record is that platform, and whose playbook cancels."""
    assert payout
    connector = connector_at(platform)
    return house.anew(
        lambda _: {"payouts": connector},
        {"payouts": CONTAINS},
        vendor=VENDOR,
        playbook=PLAYBOOK,
        estate=ESTATE,
    )


def paused(asking: Asking) -> None:
    """Two people pause it; what is marked still leaves, so the pause is partial."""
    assert asking.pause().code == 5
    assert asking.approve().code == 6


def terminated(asking: Asking) -> None:
    """Two people end it."""
    assert asking.ask("terminate", "mercor", *END).code == 5
    asking.approve()


def report(asking: Asking) -> Json:
    """The report, whose totals account for all."""
    told = asking.ask("payouts", "mercor", "--output", "json").document
    assert told["balanced"]
    return told


def total(told: Json) -> Json:
    """The control totals of the account, in the currency of its payout."""
    return next(t for t in told["totals"] if (t["payee"], t["currency"]) == ("acct_mercor", "USD"))


def line(told: Json, payout: str) -> Json:
    """The payout in the report."""
    return next(p for p in told["payables"] if p["payable"] == payout)


def test_a_marked_payout_is_told_as_not_held_until_it_is_cancelled(
    asking: Asking, platform: StripeDouble, payout: str
) -> None:
    """Then it is owed in its balance, which is held: once, and to the minor unit."""
    paused(asking)
    told = report(asking)
    assert (total(told)["held"], total(told)["not_held"]) == (BALANCE - 1_250, 1_250)
    assert line(told, payout)["state"] == "not held"
    assert "a termination of this pause does" in line(told, payout)["why"]
    asked = asking.ask("terminate", "mercor", *END)
    assert f"cancel the payout {payout} at Stripe for good" in asked.said
    assert platform.payouts[payout]["status"] == "pending"
    asking.approve()
    assert platform.payouts[payout]["status"] == "canceled"
    for _ in range(2):
        told = report(asking)
        mine = total(told)
        assert (mine["owed_before"], mine["held"], mine["not_held"]) == (BALANCE, BALANCE, 0)
        assert (line(told, payout)["state"], line(told, payout)["amount"]) == ("held", 0)
        assert "its 12.50 USD are in the balance acct_mercor/usd again" in line(told, payout)["why"]
        asking.ask("audit", "mercor")
    asking.rollback()
    asking.approve()
    platform.pay_out("acct_mercor")
    told = report(asking)
    assert (total(told)["owed_before"], total(told)["released"]) == (BALANCE, BALANCE)
    assert sum(platform.day("2026-12-31", {"acct_mercor"}).values()) >= BALANCE


@pytest.mark.night
def test_the_journal_alone_knows_what_was_cancelled(asking: Asking, payout: str) -> None:
    """Nobody has read the balance since: the payout stands for itself, held."""
    paused(asking)
    terminated(asking)
    asking.monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    told = report(asking)
    assert (line(told, payout)["state"], line(told, payout)["amount"]) == ("held", 1_250)
    assert (total(told)["owed_before"], total(told)["held"]) == (BALANCE, BALANCE)


@pytest.mark.night
@pytest.mark.parametrize(
    "call", ["GET /v1/balance", pytest.param("GET /v1/accounts", marks=pytest.mark.night)]
)
def test_a_plan_that_could_not_read_the_balance_loses_nothing_that_is_back_in_it(
    asking: Asking, platform: StripeDouble, payout: str, call: str
) -> None:
    """Stripe was away when an audit looked: the payout stands for itself until it is read."""
    paused(asking)
    terminated(asking)
    platform.fail(call, "429", 99)
    asking.ask("audit", "mercor")
    for _ in range(2):
        told = report(asking)
        assert (line(told, payout)["state"], line(told, payout)["amount"]) == ("held", 1_250)
        assert (total(told)["owed_before"], total(told)["held"]) == (BALANCE, BALANCE)
        asking.monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")


@pytest.mark.night
def test_a_gap_elsewhere_counts_nothing_twice(
    asking: Asking, platform: StripeDouble, payout: str
) -> None:
    """The balance was read: what is back in it is told there, whatever else was not read."""
    paused(asking)
    terminated(asking)
    platform.fail("GET /v2/money_management/outbound_payments", "429", 99)
    for _ in range(2):
        told = report(asking)
        assert (line(told, payout)["state"], line(told, payout)["amount"]) == ("held", 0)
        assert (total(told)["owed_before"], total(told)["held"]) == (BALANCE, BALANCE)
        asking.ask("audit", "mercor")


@pytest.mark.parametrize(
    "fault",
    ["lost", *(pytest.param(f, marks=pytest.mark.night) for f in ("500-after", "twice", "429"))],
)
def test_a_lost_answer_cancels_once_and_the_totals_stay(
    asking: Asking, platform: StripeDouble, payout: str, fault: Fault
) -> None:
    """What Stripe did is read again; nothing is cancelled twice, or told as missing."""
    paused(asking)
    platform.fail(CANCEL, fault)
    terminated(asking)
    if platform.payouts[payout]["status"] == "pending":  # slowed down: people ask once more
        terminated(asking)
    assert platform.payouts[payout]["status"] == "canceled"
    assert platform.balances["acct_mercor"]["usd"] == BALANCE
    mine = total(report(asking))
    assert (mine["owed_before"], mine["held"], mine["not_held"]) == (BALANCE, BALANCE, 0)


@pytest.mark.night
def test_what_stripe_sent_before_the_termination_has_escaped(
    asking: Asking, platform: StripeDouble, payout: str
) -> None:
    """Nothing is told as cancelled: the mark is there, and the payout has left."""
    paused(asking)
    platform.payouts[payout]["status"] = "paid"
    terminated(asking)
    assert CANCEL not in platform.calls
    told = report(asking)
    assert line(told, payout)["state"] == "escaped"
    assert (total(told)["held"], total(told)["escaped"]) == (BALANCE - 1_250, 1_250)


@pytest.mark.night
@pytest.mark.parametrize("how", ["in_transit", pytest.param("paid", marks=pytest.mark.night)])
def test_what_stripe_simply_sends_is_told_once_and_the_pause_is_contained(
    asking: Asking, platform: StripeDouble, payout: str, how: str
) -> None:
    """It kept nothing back: no audit calls it drift or pages for it, and nothing is open by it."""
    paused(asking)
    platform.payouts[payout]["status"] = how
    for _ in range(2):
        audit = asking.ask("audit", "mercor")
        assert audit.code == 0, audit.said
        (pause,) = asking.house.book.pauses.list("mercor")
        told = asking.house.book.pauses.events(pause.id, "audited")[-1].data
        assert (told["opened"], told["drift"]) == ([], [])
    platform.add_intent("acct_r1", "usd", 100, "2027-01-02")
    asking.ask("audit", "mercor")  # it contains what is new: all is verified, and nothing is open
    (pause,) = asking.house.book.pauses.list("mercor")
    assert pause.status is PauseStatus.CONTAINED
    assert line(report(asking), payout)["state"] == "escaped"
    asking.rollback()
    assert asking.approve().code == 0
    assert not platform.payouts[payout]["metadata"]


@pytest.mark.night
def test_a_rollback_takes_the_mark_out_and_the_payout_goes_on(
    asking: Asking, platform: StripeDouble, payout: str
) -> None:
    """As it was: nobody can see that there was a pause."""
    before = platform.snapshot()["payouts"]
    paused(asking)
    assert platform.payouts[payout]["metadata"]
    asking.rollback()
    asking.approve()
    assert platform.snapshot()["payouts"] == before
    assert platform.payouts[payout]["status"] == "pending"


@pytest.mark.night
def test_what_a_person_cancelled_at_stripe_meanwhile_is_no_escape(
    asking: Asking, platform: StripeDouble, payout: str
) -> None:
    """It is in the balance again, and held there; a rollback finds nothing to take out."""
    paused(asking)
    platform.payouts[payout]["status"] = "canceled"
    platform.balances["acct_mercor"]["usd"] += 1_250
    for _ in range(2):
        told = report(asking)
        assert (line(told, payout)["state"], line(told, payout)["amount"]) == ("held", 0)
        assert (total(told)["owed_before"], total(told)["held"]) == (BALANCE, BALANCE)
        asking.ask("audit", "mercor")
    asking.rollback()
    asking.approve()
    assert total(report(asking))["released"] == BALANCE


@pytest.mark.night
def test_what_is_disputed_is_cancelled_and_what_is_settled_leaves(
    asking: Asking, platform: StripeDouble, payout: str
) -> None:
    """A decision about the payee is one about its payouts as well."""
    paused(asking)
    asked = asking.ask("terminate", "mercor", *END, "--settle", "acct_mercor")
    assert "settled: Stripe sends it" in asked.said
    assert "pay acct_mercor out again, daily" in asked.said
    asking.ask("reject", "mercor", "--reason", "no", "--as", "riley@lab.example")
    assert platform.payouts[payout]["status"] == "pending"
    until = ("--dispute", "acct_mercor", "--review-by", "2027-03-01")
    assert asking.ask("terminate", "mercor", *END, *until).code == 5
    asking.approve()
    assert platform.payouts[payout]["status"] == "canceled"


@pytest.mark.night
@pytest.mark.parametrize("silent", [True, pytest.param(False, marks=pytest.mark.night)])
def test_a_file_that_leaves_a_mark_undecided_cancels_nothing(
    asking: Asking, platform: StripeDouble, payout: str, tmp_path: Path, *, silent: bool
) -> None:
    """To cancel is one-way, so it takes a word: also where the entry was deleted from the file."""
    paused(asking)
    told = asking.ask("payouts", "mercor", "--format", "decisions").out
    for words in ("settle lets it be sent, dispute cancels it", "undecided leaves it marked"):
        assert words in told
    entries = yaml.safe_load(told)["decisions"]
    (mark,) = [e for e in entries if ":payout-mark:" in e["address"]]
    if silent:
        entries.remove(mark)
    file = tmp_path / "decisions.yaml"
    file.write_text(yaml.safe_dump({"decisions": entries}), "utf-8")
    asked = asking.ask("terminate", "mercor", *END, "--decisions", str(file))
    assert "undecided: it stays marked" in asked.said
    assert "for good" not in asked.said
    asking.approve()
    assert platform.payouts[payout]["status"] == "pending"
    assert platform.payouts[payout]["metadata"]
    mark |= {"decision": "dispute", "reason": "overbilled", "review_by": "2027-03-01"}
    file.write_text(yaml.safe_dump({"decisions": [mark]}), "utf-8")
    asked = asking.ask("terminate", "mercor", *END, "--decisions", str(file))
    assert "disputed, to be looked at again by 2027-03-01: overbilled" in asked.said
    asking.approve()
    assert platform.payouts[payout]["status"] == "canceled"


@pytest.mark.night
def test_a_name_decides_what_a_file_leaves_undecided(
    asking: Asking, platform: StripeDouble, payout: str, tmp_path: Path
) -> None:
    """The file as it is written is no word against the one that is given beside it."""
    paused(asking)
    file = tmp_path / "decisions.yaml"
    file.write_text(asking.ask("payouts", "mercor", "--format", "decisions").out, "utf-8")
    until = ("--dispute", "acct_mercor", "--review-by", "2027-03-01")
    asked = asking.ask("terminate", "mercor", *END, "--decisions", str(file), *until)
    assert f"cancel the payout {payout} at Stripe for good" in asked.said
    asking.approve()
    assert platform.payouts[payout]["status"] == "canceled"
