"""The laws of whose a state is, when principals come and go and writes are refused."""

import pytest
from support.nights import Crash, Mishap, Night, crash

from stopline.connectors.memory import NAME, Principal
from stopline.journal.pauses import Pause, PauseStatus
from stopline.model import Address, Change, Plan, Scope
from stopline.receipts import Cause, Outcome, Receipt

FIRST = "0000000a"
KEY = Address(NAME, "r1", "switch", "v0/one")


def key_of(plan: Plan) -> Change:
    """A plan's change of one key."""
    return next(c for c in plan.work if c.address == KEY)


def set_key(night: Night, status: str) -> None:
    """Somebody else sets the key."""
    night.world.principals["v0"].switches["one"] = status


def recreate(night: Night, status: str) -> None:
    """The principal is deleted, and another is made under its name."""
    night.world.principals["v0"] = Principal("u9", "mercor", switches={"one": status})


def held(night: Night) -> bool:
    """Whether the pause answers for the key."""
    return KEY in {hold.address for hold in night.book.writes.holds(FIRST)}


# --- recreated and gone --------------------------------------------------------------------------


def test_a_recreated_principal_that_was_contained_anew_is_given_back() -> None:
    """The hold follows: what a sweep took from the new one, the rollback gives to the new one."""
    night = Night()
    night.contain(FIRST)
    recreate(night, "on")
    night.contain(FIRST)
    assert night.world.principals["v0"].switches["one"] == "off"
    night.restore(FIRST)
    assert night.world.principals["v0"].switches["one"] == "on"
    assert not night.world.principals["v0"].attached


def test_a_recreated_principal_who_was_quicker_did_it_before_us() -> None:
    """A receipt about the one who is gone does not make the new one's own off key ours."""
    night = Night()
    approved = night.contain(FIRST)
    recreate(night, "on")
    sweep = night.plan(FIRST, sweep=approved)
    set_key(night, "off")
    (receipt,) = night.attempt(sweep, [key_of(sweep)])
    assert (receipt.outcome, receipt.held) == (Outcome.ALREADY, False)


def test_what_is_gone_is_contained() -> None:
    """A principal that was deleted meanwhile has no access left: done, and nothing is held."""
    night = Night()
    plan = night.plan(FIRST)
    del night.world.principals["v0"]
    (receipt,) = night.attempt(plan, [key_of(plan)])
    assert (receipt.outcome, receipt.cause) == (Outcome.ALREADY, Cause.GONE)
    assert not held(night)


def test_what_is_gone_cannot_be_given_back_and_is_named() -> None:
    """A rollback does not call it done: a person is told what does not come back."""
    night = Night()
    night.contain(FIRST)
    back = night.plan_restore(FIRST)
    del night.world.principals["v0"]
    (receipt,) = night.attempt(back, [key_of(back)])
    assert (receipt.outcome, receipt.cause) == (Outcome.CONFLICT, Cause.GONE)


# --- refused -------------------------------------------------------------------------------------


def refused(night: Night, plan: Plan, change: Change) -> Receipt:
    """Attempt a change while the realm closes between the reading and the write."""
    seen = night.seen.get("sending", 0)
    night.mishaps.append(Mishap("sending", seen + 1, lambda at: at.world.closed.add("r1")))
    (receipt,) = night.attempt(plan, [change])
    night.world.closed.clear()
    assert (receipt.outcome, receipt.cause) == (Outcome.FAILED, Cause.DENIED)
    return receipt


@pytest.mark.parametrize("kind", ["switch", "statement", "foundation"])
def test_a_write_that_was_surely_refused_leaves_no_hold(kind: str) -> None:
    """The intent came to nothing, so the pause does not answer for the address: toggle or ours."""
    night = Night()
    plan = night.plan(FIRST)
    change = next(c for c in plan.work if c.address.kind == kind)
    assert not refused(night, plan, change).held
    assert not night.book.writes.holds()
    assert not night.book.writes.known(FIRST, [change.address])


def test_a_key_set_anew_whose_containment_was_refused_is_not_ours() -> None:
    """What stands there is somebody's own doing; a rollback leaves it as they set it."""
    night = Night()
    approved = night.contain(FIRST)
    set_key(night, "limited")
    sweep = night.plan(FIRST, sweep=approved)
    assert not refused(night, sweep, key_of(sweep)).held
    night.restore(FIRST)
    assert night.world.principals["v0"].switches["one"] == "limited"


def test_a_conflict_of_a_sweep_keeps_what_the_pause_holds() -> None:
    """A toggle of ours that somebody keeps moving is still ours to answer for."""
    night = Night()
    approved = night.contain(FIRST)
    set_key(night, "limited")
    sweep = night.plan(FIRST, sweep=approved)
    set_key(night, "expired")
    (receipt,) = night.attempt(sweep, [key_of(sweep)])
    assert (receipt.outcome, receipt.held) == (Outcome.CONFLICT, True)
    assert held(night)


# --- attempts ------------------------------------------------------------------------------------


def test_what_was_cut_from_its_receipt_is_asked_again() -> None:
    """An intent without a receipt is not taken for contained: the next plan asks for it."""
    night = Night(mishaps=[Mishap("sent", 1, crash)])
    plan = night.plan(FIRST)
    with pytest.raises(Crash):
        night.attempt(plan, [key_of(plan)])
    assert night.world.principals["v0"].switches["one"] == "off"
    assert KEY in {c.address for c in night.plan(FIRST).work}
    night.now += 60
    night.attempt(plan, [key_of(plan)])
    assert KEY not in {c.address for c in night.plan(FIRST).work}


def test_a_late_attempt_does_not_give_back_the_lease_of_another() -> None:
    """The lease is the one's who has it; who lost it has nothing to give back."""
    night = Night()
    plan = night.plan(FIRST)

    def lose(at: Night) -> None:
        at.now += 60
        assert at.book.writes.lease(KEY.document, "another")

    night.mishaps.append(Mishap("sent", 1, lose))
    night.attempt(plan, [key_of(plan)])
    assert night.book.writes.leased(KEY.document, "another")


@pytest.mark.parametrize("status", [PauseStatus.RESTORING, PauseStatus.CLOSED])
def test_no_containment_comes_after_the_rollback_of_its_pause(status: PauseStatus) -> None:
    """An attempt that outlived its pause writes nothing, and takes no hold."""
    night = Night()
    plan = night.plan(FIRST)
    pause = Pause(FIRST, "mercor", Scope(), "w", "ada", "drill", "", status, "", "", "")
    night.book.pauses.open(pause, {})
    (receipt,) = night.attempt(plan, [key_of(plan)])
    assert receipt.cause is Cause.BUSY
    assert night.world.principals["v0"].switches["one"] == "on"
    assert not held(night)
