"""The laws of effects: what a termination removes for good, and what it never touches."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.examples import laws
from support.nights import KEPT, VENDOR, Mishap, Night, crash, lose_reply, throttle

from stopline import planner, terminating
from stopline.connectors.memory import NAME, Principal
from stopline.engine import Errand, apply
from stopline.journal.pauses import PauseStatus
from stopline.model import Address, Direction, Effect, Plan, Scope, Skip
from stopline.receipts import Cause, Hold, Outcome, Receipt

FIRST, SECOND = "0000000a", "0000000b"
KEY = Address(NAME, "r1", "switch", "v0/one")
FEW = laws()
pytestmark = pytest.mark.law

moments = st.sampled_from(["read", "sending", "sent"])
accidents = st.builds(
    Mishap, moments, st.integers(1, 8), st.sampled_from([crash, lose_reply, throttle])
).filter(lambda m: m.act is not throttle or m.moment != "sent")
nights = st.lists(accidents, max_size=5)


def contained(mishaps: list[Mishap] | None = None) -> Night:
    """A night in which the vendor is contained; the mishaps come after that."""
    night = Night()
    night.contain(FIRST)
    night.mishaps, night.seen = list(mishaps or ()), {}
    return night


def switches(night: Night) -> dict[str, dict[str, str]]:
    """Every switch that is left, by principal."""
    return {name: dict(p.switches) for name, p in night.world.principals.items() if p.switches}


def marks(night: Night) -> list[str]:
    """Every intent to remove something, in order."""
    intents = night.book.store.events(FIRST, "intent")
    return [
        change["address"]
        for event in intents
        if event.data["direction"] == Direction.TERMINATE
        for change in event.data["changes"]
    ]


@FEW
@given(nights)
def test_only_what_this_pause_contained_is_removed(mishaps: list[Mishap]) -> None:
    """Keys of others, protected ones, and one that somebody else had switched off are all there."""
    night = contained(mishaps)
    before = switches(night)
    night.terminate(FIRST)
    assert switches(night) == {"v0": {"two": "off"}, KEPT: before[KEPT], "other": before["other"]}


@FEW
@given(nights)
def test_a_termination_opens_nothing(mishaps: list[Mishap]) -> None:
    """Every deny and every door that was shut stands as it did, byte for byte."""
    night = contained(mishaps)
    before = night.world.picture()
    night.terminate(FIRST)
    after = night.world.picture()
    for kind in ("foundations", "targets", "doors", "cuts"):
        assert after[kind] == before[kind]
    assert [p[1] for p in after["principals"].values()] == [
        p[1] for p in before["principals"].values()
    ]


@FEW
@given(nights)
def test_killed_at_any_moment_it_comes_to_the_same_end(mishaps: list[Mishap]) -> None:
    """Crashes, lost replies and throttles: the same is gone, the same is held, nothing is due."""
    quiet, night = contained(), contained(mishaps)
    quiet.terminate(FIRST)
    night.terminate(FIRST)
    assert switches(night) == switches(quiet)
    held = [hold.address.kind for hold in night.book.writes.holds()]
    assert held == [hold.address.kind for hold in quiet.book.writes.holds()]
    assert not night.plan_termination(FIRST).work
    removed = [one.address for one in night.book.pauses.removed(FIRST)]
    assert removed == [one.address for one in quiet.book.pauses.removed(FIRST)]
    assert night.book.store.verify()[1] == ""


@FEW
@given(nights)
def test_each_hold_is_closed_once_and_nothing_is_removed_unannounced(
    mishaps: list[Mishap],
) -> None:
    """What is gone had its intent in the journal first, and no receipt keeps a hold on it."""
    night = contained(mishaps)
    due = {c.address for c in night.plan_termination(FIRST).work}
    unannounced = []

    def look(at: Night) -> None:
        told = marks(at)
        unannounced.extend(a for a in due if str(a) not in told and gone(at, a))

    night.mishaps += [Mishap("sending", n, look) for n in range(1, 9)]
    night.terminate(FIRST)
    assert not unannounced
    assert due
    assert not due & {hold.address for hold in night.book.writes.holds()}


def gone(night: Night, address: Address) -> bool:
    """Whether a switch is not there any more."""
    owner, _, key = address.id.partition("/")
    return key not in night.world.principals[owner].switches


@FEW
@given(nights)
def test_what_another_pause_holds_too_stays(mishaps: list[Mishap]) -> None:
    """Nothing of it is removed while the other holds it, also where that came after the plan."""
    night = contained(mishaps)
    plan = night.plan_termination(FIRST)
    night.contain(SECOND, Scope(principals=("v0",)))
    night.book.pauses.mark(FIRST, PauseStatus.TERMINATING)
    receipts = night.carry_out(plan)
    assert night.world.principals["v0"].switches["one"] == "off"
    late = next(r for r in receipts if r.change.address == KEY)
    assert (late.outcome, late.held) == (Outcome.FAILED, True)
    assert mishaps or late.cause is Cause.HELD
    holders = {h.pause for h in night.book.writes.holds() if h.address == KEY}
    assert holders == {FIRST, SECOND}
    again = night.plan_termination(FIRST)
    assert KEY not in {c.address for c in again.work}
    assert any(s.address == KEY and SECOND in s.reason for s in again.skips)


def test_once_the_other_pause_has_let_go_it_is_removed() -> None:
    """A rollback of the other pause writes nothing there, and then nothing keeps the key."""
    night = contained()
    night.contain(SECOND, Scope(principals=("v0",)))
    night.restore(SECOND)
    assert night.world.principals["v0"].switches["one"] == "off"
    night.terminate(FIRST)
    assert "one" not in night.world.principals["v0"].switches


@FEW
@given(nights, st.sampled_from(["on", "limited", "expired"]))
def test_what_a_stranger_has_changed_is_not_removed(mishaps: list[Mishap], status: str) -> None:
    """A key that somebody has set since is a conflict with its hold kept, and stays as it is."""
    night = contained(mishaps)
    plan = night.plan_termination(FIRST)
    night.world.principals["v0"].switches["one"] = status
    night.book.pauses.mark(FIRST, PauseStatus.TERMINATING)
    receipts = night.carry_out(plan)
    refused = next(r for r in receipts if r.change.address == KEY)
    assert (refused.held, night.world.principals["v0"].switches["one"]) == (True, status)
    assert refused.outcome in (Outcome.CONFLICT, Outcome.FAILED)
    assert KEY in {hold.address for hold in night.book.writes.holds(FIRST)}


def test_a_principal_made_again_under_the_name_keeps_its_key() -> None:
    """Another immutable id is somebody else, whose key we never contained."""
    night = contained()
    night.world.principals["v0"] = Principal("u9", "mercor", switches={"one": "off"})
    receipts = night.terminate(FIRST)
    refused = next(r for r in receipts if r.change.address == KEY)
    assert (refused.outcome, refused.cause) == (Outcome.CONFLICT, Cause.RECREATED)
    assert night.world.principals["v0"].switches == {"one": "off"}


def test_what_goes_while_the_removal_is_under_way_closes_its_hold() -> None:
    """Somebody else is faster, or a request is sent twice: it is gone, and nothing is due."""
    night = contained()

    def delete(at: Night) -> None:
        del at.world.principals["v0"].switches["one"]

    night.mishaps.append(Mishap("sending", 2, delete))  # the first is another's key
    plan = night.plan_termination(FIRST)
    night.book.pauses.mark(FIRST, PauseStatus.TERMINATING)
    receipts = night.carry_out(plan)
    late = next(r for r in receipts if r.change.address == KEY)
    assert (late.outcome, late.cause, late.held) == (Outcome.ALREADY, Cause.GONE, False)
    assert not night.plan_termination(FIRST).work
    how = {one.address: one.how for one in night.book.pauses.removed(FIRST)}
    assert how[KEY] is terminating.How.BEGUN


def test_what_was_gone_before_we_came_is_not_called_ours() -> None:
    """Its hold is closed, and the certificate says that somebody else removed it."""
    night = contained()
    del night.world.principals["v0"].switches["one"]
    night.terminate(FIRST)
    how = {one.address: one.how for one in night.book.pauses.removed(FIRST)}
    assert how[KEY] is terminating.How.GONE
    assert set(how.values()) == {terminating.How.GONE, terminating.How.REMOVED}


def test_what_is_unproven_is_not_removed() -> None:
    """A write whose reply was lost may have been another's: a person decides, no termination."""
    night = Night(mishaps=[Mishap("sent", 1, lose_reply)])
    night.open(FIRST)
    change = next(c for c in night.plan(FIRST).work if c.address == KEY)
    night.attempt(night.plan(FIRST), [change])
    assert [hold.unproven for hold in night.book.writes.holds()] == [True]
    plan = night.plan_termination(FIRST)
    assert not plan.work
    assert "nothing shows" in plan.skips[0].reason
    night.terminate(FIRST)
    assert night.world.principals["v0"].switches["one"] == "off"


@pytest.mark.parametrize(
    "status",
    [s for s in PauseStatus if s is not PauseStatus.TERMINATING],
)
def test_outside_of_a_termination_nothing_is_removed(status: PauseStatus) -> None:
    """An attempt that lived on unseen, when the pause has gone another way, is refused."""
    night = contained()
    plan = night.plan_termination(FIRST)
    night.book.pauses.mark(FIRST, status)
    before = night.world.picture()
    receipts = night.attempt(plan, plan.work)
    assert {(r.outcome, r.cause) for r in receipts} == {(Outcome.FAILED, Cause.BUSY)}
    assert night.world.picture() == before


def test_while_it_is_terminated_nothing_is_given_back() -> None:
    """A rollback that lived on unseen opens nothing in the middle of a termination."""
    night = contained()
    back = night.plan_restore(FIRST)
    night.book.pauses.mark(FIRST, PauseStatus.TERMINATING)
    before = night.world.picture()
    receipts = night.attempt(back, back.work)
    assert {r.cause for r in receipts} == {Cause.BUSY}
    assert night.world.picture() == before


def test_no_containment_and_no_rollback_has_an_effect() -> None:
    """Sent the other way, a change that would remove a switch takes none out."""
    night = contained()
    effects = night.plan_termination(FIRST).work
    for direction in (Direction.CONTAIN, Direction.RESTORE):
        errand = Errand(FIRST, direction, f"sent-to-{direction}", "token")
        list(apply(night.connector, night.book.writes, errand, effects))
    assert {"one", "two"} <= set(night.world.principals["v0"].switches)


def test_a_connector_without_effects_removes_nothing() -> None:
    """What it holds is listed as what remains."""
    night = contained()
    holds = night.book.writes.holds()
    plan = terminating.plan_termination("mercor", FIRST, holds, Scope(), {})
    assert not plan.work
    assert {s.address for s in plan.skips} == {h.address for h in holds}
    assert {s.reason for s in plan.skips} == {terminating.NO_EFFECT}


def test_what_has_no_effect_is_listed_with_its_reason() -> None:
    """Effects and what remains are together exactly what the pause holds, and each is once."""
    night = contained()
    plan = night.plan_termination(FIRST)
    listed = [*(c.address for c in plan.work), *(s.address for s in plan.skips)]
    assert sorted(listed) == sorted(h.address for h in night.book.writes.holds(FIRST))
    assert all(s.reason and not s.leaves_access for s in plan.skips)
    assert all(c.after is None and c.before is not None and c.summary for c in plan.work)


def test_an_opinion_about_another_address_removes_nothing() -> None:
    """A connector that is wrong about where its effect is cannot lead the plan elsewhere."""
    night = contained()
    other = Address(NAME, "r1", "switch", "other/one")

    def wrong(hold: Hold) -> Effect | Skip:
        return Effect(other, f"take {hold.address} out")

    holds = night.book.writes.holds()
    plan = terminating.plan_termination("mercor", FIRST, holds, Scope(), {NAME: wrong})
    assert not plan.work


def test_a_rollback_afterwards_lists_what_cannot_be_given_back() -> None:
    """What is held still comes back; what was removed is named, with the day."""
    night = contained()
    night.terminate(FIRST)
    night.book.pauses.mark(FIRST, PauseStatus.RESTORING)
    back = terminating.with_removed(
        night.plan_restore(FIRST), night.book.pauses.removed(FIRST), (), ()
    )
    lost = [s for s in back.skips if "cannot be given back" in s.reason]
    assert KEY in {s.address for s in lost}
    assert all("2027-" in s.reason for s in lost)
    night.carry_out(back)
    assert not night.book.writes.holds()
    assert "one" not in night.world.principals["v0"].switches


def test_what_is_minted_after_a_termination_is_contained_again() -> None:
    """A sweep finds the new key; the termination's removals are not taken for a rollback's."""
    night = contained()
    approved = night.plan(SECOND)
    night.terminate(FIRST)
    night.world.principals["v0"].switches["minted"] = "on"
    again = night.plan(FIRST, sweep=approved)
    assert [c.address.id for c in again.changes] == ["v0/minted"]
    night.carry_out(again)
    assert night.world.principals["v0"].switches["minted"] == "off"


def test_the_digest_tells_a_termination_from_a_rollback() -> None:
    """The same addresses in the other direction are another question to whoever approves."""
    night = contained()
    plan = night.plan_termination(FIRST)
    other: Plan = replace(plan, direction=Direction.RESTORE)
    assert plan.digest != other.digest
    assert planner.plan_restore(VENDOR.vendor, FIRST, (), Scope()).digest != plan.digest


def outcomes(receipts: list[Receipt]) -> set[Outcome]:
    """How they ended."""
    return {receipt.outcome for receipt in receipts}


def test_a_second_termination_finds_nothing_left_to_remove() -> None:
    """Asked for again it plans nothing, and redelivered it finds that all is gone."""
    night = contained()
    plan = night.plan_termination(FIRST)
    night.terminate(FIRST)
    assert not night.plan_termination(FIRST).work
    night.book.pauses.mark(FIRST, PauseStatus.TERMINATING)
    assert outcomes(night.carry_out(plan)) == {Outcome.ALREADY}
