"""A payout that Stripe has made already and that can be cancelled: marked by a pause, no more."""

from dataclasses import replace

import pytest
from connectors.contract import MARK, back, carry_out, plan
from connectors.ending import effects, holds
from connectors.payouts.stripe_ground import (
    CANCEL,
    MARK_PAYOUT,
    StripeGround,
    change_of,
    engine_run,
)
from support.journals import a_book
from support.platforms import LEDGER, in_flight, platform

from stopline.connectors.payouts.stripe_payouts import MARKED
from stopline.drill.stripe_double import StripeDouble
from stopline.drill.stripe_http import Fault
from stopline.errors import ConnectorError, StaleError
from stopline.model import Address, Change, Direction, Gap, Scope
from stopline.planner import DriftKind, Look, drift
from stopline.port import Observed
from stopline.receipts import Cause, Outcome
from stopline.terminating import plan_termination

__all__ = ["platform"]
ID = "acct_mercor/po_4"
FAULTS: tuple[Fault, ...] = ("429", "500-after", "lost", "twice")


@pytest.fixture
def ground(platform: StripeDouble) -> StripeGround:
    """A platform where a person asked for a payout of 25.00 USD, under a playbook that cancels."""
    assert platform.add_payout("acct_mercor", "usd", 2_500, "pending", automatic=False) == "po_4"
    made = StripeGround(platform)
    made.playbook = in_flight("cancel")
    return made


def marked(ground: StripeGround) -> Change:
    """The pause has marked it, and holds its account."""
    changes = plan(ground).changes
    carry_out(ground, changes)
    return next(c for c in effects(ground, changes) if c.address.kind == MARKED)


def status(ground: StripeGround) -> str:
    """How Stripe has the payout."""
    return str(ground.double.payouts["po_4"]["status"])


def ended(ground: StripeGround, change: Change, seen: Observed | None = None) -> None:
    """Carry out the effect once."""
    observed = seen or ground.connector.read(change.address.document)
    ground.connector.end(observed, [change], "token")


# --- the pause -----------------------------------------------------------------------------------


def test_a_pause_marks_it_and_says_that_it_leaves_all_the_same(ground: StripeGround) -> None:
    """A mark keeps nothing back: the pause stays open about it, and names who cancels."""
    planned = plan(ground)
    change = change_of(planned, ID)
    assert change.marked
    assert "mark 25.00 USD to be cancelled by a termination" in change.summary
    (skip,) = [s for s in planned.skips if s.address.id == "po_4"]
    assert skip.leaves_access
    assert "a termination of this pause does, which other people approve" in skip.reason
    (left,) = ground.connector.residuals(change)
    assert (left.what, left.until) == ("the payout itself", "until a termination cancels it")
    carry_out(ground, planned.changes)
    assert status(ground) == "pending"
    assert ground.double.payouts["po_4"]["metadata"] == {change.address.part: "VENDOR-PAUSE"}


@pytest.mark.parametrize("what", ["automatic", "in_transit"])
def test_what_nobody_can_cancel_is_not_marked(ground: StripeGround, what: str) -> None:
    """Stripe cancels no automatic payout, and none that is on its way."""
    payout = ground.double.payouts["po_4"]
    payout |= {"automatic": True} if what == "automatic" else {"status": what}
    planned = plan(ground)
    assert not [c for c in planned.changes if c.address.kind == MARKED]
    (skip,) = [s for s in planned.skips if s.address.id == "po_4"]
    assert (skip.leaves_access, skip.reason.startswith("escaped: ")) == (False, True)


def test_earned_pay_is_marked_only_where_it_may_be_held(ground: StripeGround) -> None:
    """To cancel what a person is about to get takes a ground in law and a second approver."""
    ground.double.accounts["acct_mercor"]["metadata"] = {"person": "true"}
    ground.playbook = ground.playbook.model_copy(
        update={"approvals": ground.playbook.approvals.model_copy(update={"contain": "requester"})}
    )
    (skip,) = [s for s in plan(ground).skips if s.address.id == "po_4"]
    assert skip.leaves_access
    assert "a second approver" in skip.reason


def test_a_playbook_that_cancels_must_hold_the_account_as_well(ground: StripeGround) -> None:
    """Otherwise what comes back into the balance would be paid out by its schedule."""
    (phase,) = ground.playbook.phases
    rules = tuple(r for r in phase.rules if r.contains != "payout-schedules")
    ground.playbook = ground.playbook.model_copy(
        update={"phases": (phase.model_copy(update={"rules": rules}),)}
    )
    planned = plan(ground)
    assert not [c for c in planned.changes if c.address.kind == MARKED]
    (skip,) = [s for s in planned.skips if s.address.id == "po_4"]
    assert skip.leaves_access
    assert "takes the rule for `payout-schedules`" in skip.reason


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("way", [Direction.CONTAIN, Direction.RESTORE])
def test_a_mark_is_set_and_taken_out_once_whatever_becomes_of_the_answer(
    ground: StripeGround, fault: Fault, way: Direction
) -> None:
    """It bears our name, so that a lost answer leaves nothing open: no receipt is unproven."""
    book, change = a_book("sqlite://"), change_of(plan(ground), ID)
    if way is Direction.RESTORE:
        engine_run(ground, book, [change])
        change = change.inverse()
    ground.double.fail(MARK_PAYOUT, fault)
    outcomes = [r.outcome for r in engine_run(ground, book, [change], way)]
    if outcomes == [Outcome.FAILED]:
        outcomes = [r.outcome for r in engine_run(ground, book, [change], way)]
    assert outcomes in ([Outcome.APPLIED], [Outcome.ALREADY])
    marks = ground.double.payouts["po_4"]["metadata"]
    assert marks == ({change.address.part: "VENDOR-PAUSE"} if way is Direction.CONTAIN else {})
    assert status(ground) == "pending"
    book.close()


# --- the end -------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_cancelled_is_cancelled_once_and_back_in_its_balance(
    ground: StripeGround, fault: Fault
) -> None:
    """Whatever becomes of the answer: a second attempt finds it gone, and nothing is sent twice."""
    change = marked(ground)
    before = ground.double.balances["acct_mercor"]["usd"]
    ground.double.fail(CANCEL, fault)
    for _ in range(2):
        if status(ground) == "canceled":
            break
        try:
            ended(ground, change)
        except ConnectorError as error:
            assert error.landed is (False if fault == "429" else None)  # noqa: PT017
    assert status(ground) == "canceled"
    assert ground.double.balances["acct_mercor"]["usd"] == before + 2_500
    seen = ground.connector.read(change.address.document)
    assert not seen.exists
    with pytest.raises(ConnectorError) as gone:
        ended(ground, change, seen)
    assert (gone.value.cause, gone.value.landed) == (Cause.GONE, False)


def test_nothing_is_cancelled_whose_money_the_schedule_would_pay_out_again(
    ground: StripeGround,
) -> None:
    """Somebody took the hold on the account away: first it is held again."""
    change = marked(ground)
    payouts = ground.double.settings["acct_mercor"]["payments"]["payouts"]
    payouts["schedule"] = {"interval": "daily"}
    with pytest.raises(ConnectorError) as refused:
        ended(ground, change)
    assert (refused.value.cause, refused.value.landed) == (Cause.REFUSED, False)
    assert "what is cancelled would leave again" in refused.value.detail
    assert status(ground) == "pending"


def test_what_stripe_sent_between_two_looks_is_not_told_as_cancelled(ground: StripeGround) -> None:
    """It stands otherwise than it was left; the next plan names it, and it is no drift."""
    change = marked(ground)
    seen = ground.connector.read(change.address.document)
    ground.double.payouts["po_4"]["status"] = "in_transit"
    with pytest.raises(StaleError):
        ended(ground, change, seen)
    now = ground.connector.read(change.address.document)
    assert now.exists
    assert now.states[change.address] != change.before
    (held,) = holds((change.inverse(),))
    assert not drift([held], {change.address: Look(now.states[change.address])})
    for ended_as in ("in_transit", "paid"):
        ground.double.payouts["po_4"]["status"] = ended_as
        now = ground.connector.read(change.address.document)
        looked = {change.address.document: now}
        assert not list(ground.connector.unproved(ground.vendor, [change.inverse()], looked))


def test_a_mark_that_somebody_took_out_is_drift(ground: StripeGround) -> None:
    """A termination would not cancel the payout: an audit says so, and marks it again."""
    change = marked(ground)
    (held,) = holds((change.inverse(),))
    ground.double.payouts["po_4"]["metadata"].clear()
    now = ground.connector.read(change.address.document)
    (one,) = drift([held], {change.address: Look(now.states.get(change.address))})
    assert one.kind is DriftKind.REMOVED


def test_what_has_left_or_was_cancelled_by_somebody_is_still_told(ground: StripeGround) -> None:
    """It is in no list of what is leaving; the journal's marks say what to ask for by name."""
    marked(ground)
    rail = ground.connector.stripe[LEDGER]
    assert ground.connector.attended(
        lambda _: (),
        lambda name, realm: frozenset(
            {Address("payouts", LEDGER, "payout", ID)} if realm == LEDGER else ()
        ),
    ).stripe[LEDGER].held() == {ID}
    for ended_as, reason in (("paid", "escaped: 25.00 USD left before us; it has arrived"),
                             ("canceled", "its money is in acct_mercor/usd again")):  # fmt: skip
        ground.double.payouts["po_4"]["status"] = ended_as
        told = type(rail)(rail.name, rail.api, today=rail.today, held=lambda: frozenset({ID}))
        ground.connector = type(ground.connector)({}, {LEDGER: told})
        (skip,) = [s for s in plan(ground).skips if s.address.id == "po_4"]
        assert reason in skip.reason
        assert not skip.leaves_access


def test_two_pauses_mark_one_payout_apart(ground: StripeGround) -> None:
    """Each takes out its own mark; the payout goes on as it was."""
    mine = marked(ground)
    other = MARK.__class__(MARK.journal, "00000002")
    theirs = [c for c in plan(ground, other).changes if c.address.kind == MARKED]
    carry_out(ground, theirs)
    carry_out(ground, back([mine.inverse()]))
    assert set(ground.double.payouts["po_4"]["metadata"]) == {theirs[0].address.part}
    assert status(ground) == "pending"


@pytest.mark.parametrize(
    "other", ["StoplineJ00000000P00000002", f"StoplineJ{MARK.journal}P00000002"]
)
def test_what_another_pause_or_journal_has_marked_too_is_not_cancelled(
    ground: StripeGround, other: str
) -> None:
    """It is one-way for both: whoever else marked it lets go first. A tag of others is no mark."""
    change = marked(ground)
    metadata = ground.double.payouts["po_4"]["metadata"]
    metadata |= {other: "VENDOR-PAUSE", "tax": "W-9"}
    with pytest.raises(ConnectorError) as held:
        ended(ground, change)
    assert (held.value.cause, held.value.landed) == (Cause.HELD, False)
    assert other in held.value.detail
    assert status(ground) == "pending"
    del metadata[other]
    ended(ground, change)
    assert status(ground) == "canceled"


def test_the_plan_of_a_termination_says_that_another_pause_has_marked_it_too(
    ground: StripeGround,
) -> None:
    """Two pauses have a mark each in one payout: a termination of either leaves it, and says so."""
    mine = next(c for c in plan(ground).changes if c.address.kind == MARKED)
    theirs = next(
        c
        for c in plan(ground, MARK.__class__(MARK.journal, "00000002")).changes
        if c.address.kind == MARKED
    )
    (first,), (second,) = holds((mine,)), holds((theirs,))
    held = (first, replace(second, pause="00000002"))
    opinions = {"payouts": ground.connector.ended}
    planned = plan_termination("mercor", "00000001", held, Scope(), opinions)
    assert not planned.work
    (skip,) = planned.skips
    assert (skip.address, "held by the pause 00000002 too" in skip.reason) == (mine.address, True)
    (work,) = plan_termination("mercor", "00000001", held[:1], Scope(), opinions).work
    assert work.address == mine.address


# --- Global Payouts ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "cancelable", "open_", "words"),
    [
        ("cancel", True, True, "Stripe takes no mark on it, so a person cancels it there"),
        ("cancel", False, False, "on its way to the bank"),
        ("let-proceed", True, False, "let proceed; a person can cancel it"),
    ],
)
def test_an_outbound_payment_that_no_intent_made_is_named_with_its_amount(
    ground: StripeGround, how: str, words: str, *, cancelable: bool, open_: bool
) -> None:
    """It takes no mark, so nothing is done to it; one that an intent made is its intent's."""
    ground.playbook = in_flight(how)
    id_ = ground.double.add_outbound("acct_r1", "usd", 777, cancelable=cancelable)
    ground.double.add_outbound("acct_r1", "usd", 1, cancelable=True, intent="poi_1")
    ground.double.add_outbound("acct_other", "usd", 2, cancelable=True)
    (skip,) = [s for s in plan(ground).skips if s.address.id.startswith("obp_")]
    assert (skip.address.id, skip.leaves_access) == (id_, open_)
    assert skip.reason.startswith("escaped: 7.77 USD left before us; ")
    assert words in skip.reason


def test_the_payout_methods_of_a_recipient_stay_and_the_plan_says_why(ground: StripeGround) -> None:
    """An archived one may not be usable again: no way back, so it is not archived."""
    told = [s for s in plan(ground).skips if s.address.kind == "recipient"]
    assert {s.address.id for s in told} == {"acct_r1", "acct_r2"}
    assert all("does not promise that an archived one can be used again" in s.reason for s in told)
    assert not any(s.leaves_access for s in told)


def test_a_key_that_may_not_read_outbound_payments_is_a_gap(ground: StripeGround) -> None:
    """What cannot be read is named, and none of it is taken for nothing."""
    ground.double.fail("GET /v2/money_management/outbound_payments", "429", 9)
    found = list(ground.connector.discover(ground.vendor, Scope()))
    (gap,) = [f for f in found if isinstance(f, Gap)]
    assert gap.what == "payouts of Global Payouts"
