"""The laws of a decision about money: each payable is settled, disputed or left held, once."""

from dataclasses import replace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stopline.connectors.payouts import PayoutsConnector
from stopline.connectors.payouts.stripe_rail import StripeRail
from stopline.errors import UserError
from stopline.judging import Known, judge
from stopline.model import Address, Breadth, Change, Direction, Effect, Scope, State
from stopline.port import Observed
from stopline.receipts import Hold, Outcome
from stopline.settling import Decided, Decision, decided, decisions
from stopline.terminating import plan_termination

PAUSE = "0000000a"
MARK = "StoplineJ6d00b6beP0000000a"
PAYOUTS = PayoutsConnector({"accounts": "LEDGER_URL"})
amounts = st.lists(
    st.tuples(st.sampled_from(["c1", "c2"]), st.integers(1, 10**9), st.sampled_from("sdu")),
    min_size=1,
    max_size=12,
)


def hold(number: int, payee: str, amount: int) -> Hold:
    """What is owed to a payee, held by the pause."""
    address = Address("payouts", "accounts", "payable-hold", f"p{number}#{MARK}")
    ours = State.of({"code": "LEGAL", "mark": MARK})
    change = Change(
        address,
        None,
        ours,
        "r",
        Breadth.NARROW,
        marked=True,
        principal=payee,
        summary=f"hold {amount}",
    )
    return Hold(address, PAUSE, None, ours, change, written=True)


@given(amounts)
def test_what_is_held_is_settled_disputed_or_undecided_to_the_minor_unit(
    owed: list[tuple[str, int, str]],
) -> None:
    """Nothing is in two of them, nothing in none; only what is settled is in the plan's work."""
    holds = [hold(n, payee, amount) for n, (payee, amount, _) in enumerate(owed)]
    worth = {h.address: amount for h, (_, amount, _) in zip(holds, owed, strict=True)}
    named = {
        decision: [
            str(h.address) for h, (*_, w) in zip(holds, owed, strict=True) if w == decision[0]
        ]
        for decision in (Decision.SETTLE, Decision.DISPUTE)
    }
    said = decisions(holds, named, "the contract has ended", "2027-03-01")
    opinion = decided(PAYOUTS.ended, PAYOUTS.settled, said)
    plan = plan_termination("mercor", PAUSE, holds, Scope(), {"payouts": opinion})
    settled = sum(worth[c.address] for c in plan.work)
    disputed = sum(worth[s.address] for s in plan.skips if s.reason.startswith("disputed"))
    undecided = sum(worth[s.address] for s in plan.skips if "people pay it out" in s.reason)
    assert settled == sum(a for _, a, w in owed if w == "s")
    assert disputed == sum(a for _, a, w in owed if w == "d")
    assert settled + disputed + undecided == sum(amount for _, amount, _ in owed)
    assert len(plan.work) + len(plan.skips) == len(holds)
    assert plan.direction is Direction.TERMINATE


def test_a_payee_stands_for_all_that_is_owed_to_it() -> None:
    """And an address for one; each is decided once."""
    holds = [hold(0, "c1", 5), hold(1, "c1", 7), hold(2, "c2", 9)]
    named = {Decision.SETTLE: ["c1"], Decision.DISPUTE: [str(holds[2].address)]}
    said = decisions(holds, named, "over", "2027-03-01")
    assert [(one.decision, one.review_by) for one in said] == [
        (Decision.SETTLE, ""),
        (Decision.SETTLE, ""),
        (Decision.DISPUTE, "2027-03-01"),
    ]


@pytest.mark.parametrize(
    ("settle", "dispute", "told"),
    [
        (["c9"], [], "owed to it"),
        (["c1"], [f"payouts:accounts:payable-hold:p0#{MARK}"], "two decisions"),
    ],
)
def test_a_name_that_fits_nothing_or_is_said_twice_asks_for_nothing(
    settle: list[str], dispute: list[str], told: str
) -> None:
    """No decision is guessed at."""
    with pytest.raises(UserError, match=told):
        decisions(
            [hold(0, "c1", 5)],
            {Decision.SETTLE: settle, Decision.DISPUTE: dispute},
            "over",
            "2027-03-01",
        )


def test_a_decision_settles_nothing_that_is_no_hold_on_money() -> None:
    """What was pulled from a run, or is held at Stripe, is no row beside a payable of ours."""
    pulled = hold(0, "c1", 5)
    address = Address("payouts", "accounts", "payable-run", "p0")
    other = Hold(address, PAUSE, None, pulled.ours, pulled.change, written=True)
    said = [Decided(str(address), Decision.SETTLE, "over")]
    says = decided(PAYOUTS.ended, PAYOUTS.settled, said)(other)
    assert "stays held" in getattr(says, "reason", "")


@pytest.mark.parametrize(
    ("kind", "id_"),
    [
        ("payable-hold", f"p0#{MARK}"),
        ("payable-place", "p0"),
        ("payable-day", "p0"),
        ("payable-flag", "p0"),
        ("payable-status", "p0"),
        ("payout-schedule", "acct_1"),
    ],
)
def test_what_is_disputed_keeps_its_reason_and_its_day_whatever_holds_it(
    kind: str, id_: str
) -> None:
    """A lever that settling could not lift is disputed all the same; the plan says until when."""
    held = hold(0, "c1", 5)
    address = Address("payouts", "accounts", kind, id_)
    other = Hold(address, PAUSE, None, held.ours, held.change, written=True)
    said = decisions([other], {Decision.DISPUTE: ["c1"]}, "overbilled", "2027-03-01")
    opinion = decided(PAYOUTS.ended, PAYOUTS.settled, said)
    plan = plan_termination("mercor", PAUSE, [other], Scope(), {"payouts": opinion})
    assert not plan.work
    (skip,) = plan.skips
    told = "disputed, to be looked at again by 2027-03-01: overbilled; it stays held (hold 5)"
    assert (skip.address, skip.reason) == (address, told)


@pytest.mark.parametrize("decision", [Decision.SETTLE, Decision.DISPUTE])
def test_only_what_holds_money_is_settled_or_disputed(decision: Decision) -> None:
    """A name of both stands for the money; one of a key alone asks for nothing, and says why."""
    owed = hold(0, "c1", 5)
    key = Address("aws", "111122223333", "key", "c1/AKIA1")
    other = Hold(key, PAUSE, None, owed.ours, owed.change, written=True)
    both = decisions([owed, other], {decision: ["c1"]}, "over", "2027-03-01")
    assert [one.address for one in both] == [str(owed.address)]
    for name in ("c1", str(key)):
        with pytest.raises(UserError, match="is no money"):
            decisions([other], {decision: [name]}, "over", "2027-03-01")


def at_stripe() -> tuple[Hold, Hold]:
    """An account's schedule that the pause holds, and its mark on a payout out of that account."""
    mark = Address("payouts", "stripe", "payout-mark", f"acct_1/po_1#{MARK}")
    account = schedule()[0]
    change = replace(hold(0, "c1", 5).change, address=mark)
    return account, Hold(mark, PAUSE, None, change.after, change, written=True)


@pytest.mark.parametrize("mark", [None, Decision.DISPUTE, Decision.UNDECIDED])
def test_an_account_is_not_settled_beside_a_mark_that_is_not(mark: Decision | None) -> None:
    """What is cancelled would come back into a balance that nothing holds: both are named."""
    account, marked = at_stripe()
    address, day = str(marked.address), "2027-03-01" if mark is Decision.DISPUTE else ""
    told = [Decided(address, mark, "over", day)] if mark else []
    with pytest.raises(UserError, match="is settled, and") as refused:
        decisions(at_stripe(), {Decision.SETTLE: [str(account.address)]}, "over", "", told)
    assert str(account.address) in refused.value.what
    assert str(marked.address) in refused.value.what
    assert "Decide both alike" in refused.value.next_step


@pytest.mark.parametrize("words", [["c1"], ["mark"]])
def test_a_mark_is_settled_with_its_account_or_by_itself(words: list[str]) -> None:
    """A payee stands for both; and one payout may leave while the balance stays held."""
    account, marked = at_stripe()
    other = replace(account, address=replace(account.address, id="acct_2"))
    names = [str(marked.address) if word == "mark" else word for word in words]
    said = decisions([*at_stripe(), other], {Decision.SETTLE: names}, "over", "")
    assert str(marked.address) in {one.address for one in said}


def test_a_mark_that_came_after_its_account_was_settled_is_not_cancelled() -> None:
    """The plan is made anew with what was marked since: nobody has said a word about that."""
    account, marked = at_stripe()
    said = [Decided(str(account.address), Decision.SETTLE, "over")]
    rails = PayoutsConnector({}, {"stripe": StripeRail("stripe", cast("Any", None))})
    opinion = decided(rails.ended, rails.settled, said)
    plan = plan_termination("mercor", PAUSE, at_stripe(), Scope(), {"payouts": opinion})
    assert [work.address for work in plan.work] == [account.address]
    (skip,) = plan.skips
    assert (skip.address, "its balance is settled" in skip.reason) == (marked.address, True)


# --- what was there before us is given back ------------------------------------------------------

BEFORE, OURS, THEIRS = (State.of({"interval": how}) for how in ("daily", "manual", "weekly"))


def schedule() -> tuple[Hold, Change]:
    """A toggle that the pause holds, and the effect of settling it."""
    address = Address("payouts", "stripe", "payout-schedule", "acct_1")
    change = Change(address, BEFORE, OURS, "r", Breadth.NARROW, principal="c1", summary="hold it")
    held = Hold(address, PAUSE, BEFORE, OURS, change, written=True)
    effect = Effect(address, "pay it out again", leaves=held.prior)
    plan = plan_termination("mercor", PAUSE, [held], Scope(), {"payouts": lambda _: effect})
    (work,) = plan.work
    return held, work


@pytest.mark.parametrize(
    ("found", "known", "outcome"),
    [
        (OURS, Known(BEFORE, OURS, written=True), None),
        (BEFORE, Known(BEFORE, OURS, written=True), Outcome.ALREADY),
        (THEIRS, Known(BEFORE, OURS, written=True), Outcome.CONFLICT),
        (OURS, Known(THEIRS, OURS, written=True), Outcome.CONFLICT),
        (OURS, Known(BEFORE, OURS, intended=True), Outcome.CONFLICT),
        (OURS, Known(BEFORE, OURS, written=True, others=("0000000b",)), Outcome.FAILED),
        (OURS, Known(), Outcome.ALREADY),
        (None, Known(BEFORE, OURS, written=True), Outcome.ALREADY),
    ],
)
def test_what_is_settled_is_what_was_there_before_us_or_nothing_is_written(
    found: State | None, known: Known, outcome: Outcome | None
) -> None:
    """Never a guess, never over a stranger's word, never while another pause holds it."""
    held, work = schedule()
    assert (work.before, work.after) == (OURS, BEFORE)
    states = {held.address: found} if found else {}
    observed = Observed(held.address.document, states)
    verdict = judge(work, Direction.TERMINATE, observed, known)
    assert verdict.outcome is outcome
    assert verdict.held is (outcome in (Outcome.CONFLICT, Outcome.FAILED))


@pytest.mark.parametrize(
    ("decision", "cancels"), [(Decision.DISPUTE, True), (Decision.SETTLE, False), (None, True)]
)
def test_a_payout_that_is_marked_and_disputed_is_cancelled_and_one_that_is_settled_leaves(
    decision: Decision | None, *, cancels: bool
) -> None:
    """A mark keeps nothing back: to dispute what it is on is not to let it leave."""
    address = Address("payouts", "stripe", "payout-mark", f"acct_1/po_1#{MARK}")
    change = replace(hold(0, "c1", 5).change, address=address)
    held = Hold(address, PAUSE, None, change.after, change, written=True)
    named = {decision: ["c1"]} if decision else {}
    said = decisions([held], named, "over", "2027-03-01")
    rails = PayoutsConnector({}, {"stripe": StripeRail("stripe", cast("Any", None))})
    opinion = decided(rails.ended, rails.settled, said)
    plan = plan_termination("mercor", PAUSE, [held], Scope(), {"payouts": opinion})
    assert bool(plan.work) is cancels
    why = "; disputed, to be looked at again by 2027-03-01: over"
    assert all(c.summary.endswith(why) is (decision is not None) for c in plan.work)
