"""The laws of a removal of many calls: denied until it is gone, whatever dies in between."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.examples import laws
from support.nights import KEPT, PASSES, VENDOR, Mishap, Night, crash, lose_reply, throttle

from stopline import terminating
from stopline.connectors.memory import NAME, Principal, World
from stopline.journal.pauses import PauseStatus
from stopline.judging import Known, Verdict, judge
from stopline.model import Address, Breadth, Change, Direction, Effect, Plan, Scope, State
from stopline.port import Observed
from stopline.receipts import Cause, Hold, Outcome
from stopline.terminating import How

PAUSE, OTHER = "0000000a", "0000000b"
FEW = laws(40)
pytestmark = pytest.mark.law
moments = st.sampled_from(["read", "sending", "sent", "removing"])
accidents = st.builds(
    Mishap, moments, st.integers(1, 14), st.sampled_from([crash, lose_reply, throttle])
).filter(lambda m: m.act is not throttle or m.moment not in ("sent", "sending"))
nights = st.lists(accidents, max_size=6)


def a_world() -> World:
    """Two principals that are the vendor's alone, one that is not to be removed, and others."""
    return World(
        {
            "v0": Principal("u0", "mercor", switches={"one": "on", "two": "off"}, owned=True),
            "v1": Principal("u1", "mercor", switches={"one": "on"}, owned=True),
            "v2": Principal("u2", "mercor", switches={"one": "on"}),
            KEPT: Principal("u3", "mercor", switches={"one": "on"}),
            "other": Principal("u4", "mercer", switches={"one": "on"}),
        },
        targets={"data": '{ "Statement": [ {"Sid": "Lab"} ] }'},
    )


def can_act(world: World, name: str) -> bool:
    """Whether a principal is there, and nothing denies it everything."""
    found = world.principals.get(name)
    denied = found and (found.leaving or any(f in world.foundations for f in found.attached))
    return bool(found and not denied)


def reach(world: World) -> set[str]:
    """The vendor's effective access: who can act, switches that are on, targets that are open."""
    vendors = [name for name, p in world.principals.items() if p.vendor == "mercor"]
    open_ = {name for name in vendors if can_act(world, name)}
    open_ |= {
        f"{name}/{key}"
        for name in vendors
        for key, status in world.principals[name].switches.items()
        if status == "on"
    }
    return open_ | {name for name, raw in world.targets.items() if '"Deny"' not in raw}


def contained(mishaps: list[Mishap] | None = None) -> Night:
    """A night in which the vendor is contained; the mishaps come after that."""
    night = Night(a_world())
    night.contain(PAUSE)
    night.mishaps, night.seen = list(mishaps or ()), {}
    return night


def plan(night: Night) -> Plan:
    """What is removed for good, once the connector has looked."""
    holds = night.book.writes.holds()
    wanted = terminating.wanted(holds, PAUSE, Scope())
    found = night.connector.removable(VENDOR, wanted, holds)
    opinions = {NAME: terminating.looked(night.connector.ended, found)}
    return terminating.plan_termination("mercor", PAUSE, holds, Scope(), opinions)


def terminate(night: Night) -> None:
    """Remove for good until nothing is planned, or nothing moves any more."""
    night.book.pauses.mark(PAUSE, PauseStatus.TERMINATING)
    for _ in range(PASSES):
        ahead = len(night.mishaps)
        receipts = night.carry_out(plan(night))
        night.now += 60
        moved = any(r.outcome in (Outcome.APPLIED, Outcome.ALREADY) for r in receipts)
        if not moved and ahead == len(night.mishaps):
            return


@FEW
@given(nights)
def test_at_no_moment_of_a_termination_does_the_vendors_access_grow(mishaps: list[Mishap]) -> None:
    """Looked at before and after every call, whatever was killed, lost or slowed down so far."""
    night = contained(mishaps)
    least = reach(night.world)
    grown: list[set[str]] = []

    def look(moment: str, document: object) -> None:
        nonlocal least
        now = reach(night.world)
        grown.extend([now - least] if now - least else [])
        least = now
        night._hook(moment, document)  # type: ignore[arg-type]

    night.connector.hook = look
    terminate(night)
    assert grown == []
    assert reach(night.world) == {KEPT, f"{KEPT}/one"}


@FEW
@given(nights)
def test_killed_at_any_moment_whoever_is_the_vendors_alone_is_gone(mishaps: list[Mishap]) -> None:
    """And nobody else; nothing is due, no hold is left, and only a switch may have gone with it."""
    night = contained(mishaps)
    due = {change.address for change in plan(night).work}
    terminate(night)
    assert night.world.principals.keys() == {"v2", KEPT, "other"}
    assert night.world.principals["other"].switches == {"one": "on"}
    assert not plan(night).work
    assert not due & {hold.address for hold in night.book.writes.holds()}
    removed = {one.address: one.how for one in night.book.pauses.removed(PAUSE)}
    assert removed.keys() == due
    assert {a.kind for a, how in removed.items() if how is How.GONE} <= {"switch"}
    assert night.book.store.verify()[1] == ""


@FEW
@given(st.integers(1, 4))
def test_what_was_cut_off_is_no_removal_until_it_is_gone(number: int) -> None:
    """A reply is lost after each of the calls: while the principal is there, its hold is."""
    night = contained()
    night.book.pauses.mark(PAUSE, PauseStatus.TERMINATING)
    change = next(c for c in plan(night).work if c.address.id.startswith("v0#"))
    night.mishaps = [Mishap("sent", number, lose_reply)]
    (receipt,) = night.attempt(plan(night), [change])
    there = "v0" in night.world.principals
    assert receipt.held is there
    assert receipt.outcome is (Outcome.FAILED if there else Outcome.APPLIED)
    assert not can_act(night.world, "v0")


def test_the_deny_that_others_stand_on_stays() -> None:
    """v2 is not removed, so what denies it is not either."""
    night = contained()
    terminate(night)
    assert len(night.world.foundations) == 1
    assert not can_act(night.world, "v2")


def test_the_deny_that_nobody_needs_goes_last() -> None:
    """With whoever stood on it gone, and never before."""
    night = contained()
    night.world.principals["v2"].owned = True
    terminate(night)
    assert night.world.foundations == {}
    assert {hold.address.kind for hold in night.book.writes.holds(PAUSE)} == {"statement"}


def test_whom_another_pause_holds_too_is_not_removed() -> None:
    """Its hold on the same deny keeps the principal there, denied."""
    night = contained()
    night.contain(OTHER, Scope(principals=("v0",)))
    terminate(night)
    assert "v0" in night.world.principals
    assert not can_act(night.world, "v0")
    assert "v1" not in night.world.principals


# --- what was taken out whole --------------------------------------------------------------------

ENTRY = Address(NAME, "r1", "entry", "shared/reader")
STATE = State.of({"role": "reader"})
TAKEN = Change(ENTRY, STATE, None, "r", Breadth.NARROW, principal="v0")
OUT = Known(prior=STATE, ours=None, written=True, intended=True)


def test_an_entry_that_a_receipt_shows_to_be_taken_out_ends_its_hold() -> None:
    """It has an effect; what nothing shows, and what is not known, has none."""
    hold = Hold(ENTRY, PAUSE, STATE, None, TAKEN, written=True)
    opinions = {NAME: lambda h: Effect(h.address, "stays out")}

    def planned(one: Hold) -> Plan:
        return terminating.plan_termination("mercor", PAUSE, [one], Scope(), opinions)

    (change,) = planned(hold).work
    assert (change.before, change.after) == (None, None)
    assert not planned(replace(hold, written=False)).work
    assert not planned(replace(hold, change=replace(TAKEN, after=STATE))).work
    assert not planned(replace(hold, change=replace(TAKEN, marked=True))).work


def test_what_was_given_again_meanwhile_is_a_conflict_and_stays_held() -> None:
    """Only what is out is put on record as removed, and only where we took it out."""
    change = replace(TAKEN, before=None)
    document = ENTRY.document
    out, again = Observed(document), Observed(document, {ENTRY: STATE})
    assert judge(change, Direction.TERMINATE, out, OUT) == Verdict(None, held=False)
    found = judge(change, Direction.TERMINATE, again, OUT)
    assert (found.outcome, found.held, found.cause) == (Outcome.CONFLICT, True, Cause.FOREIGN)
    unproven = judge(change, Direction.TERMINATE, out, replace(OUT, written=False))
    assert unproven.outcome is Outcome.ALREADY
    other = judge(change, Direction.TERMINATE, out, replace(OUT, others=(OTHER,)))
    assert (other.held, other.cause) == (True, Cause.HELD)
