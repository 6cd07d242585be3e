"""Who removes our deny again and again meets the next lever; where there is none, it is said."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.examples import laws
from support.nights import PLAYBOOK, Crash, Mishap, Night, crash, lose_reply

from stopline.climbing import look_again
from stopline.connectors.memory import Principal
from stopline.errors import ConnectorError
from stopline.journal.removals import removals
from stopline.model import Plan, Scope
from stopline.planner import DriftKind, Look, drift
from stopline.receipts import Hold

pytestmark = pytest.mark.night

FIRST, SECOND = "0000000a", "0000000b"
FEW = laws()
pytestmark = pytest.mark.law
AUDITS = PLAYBOOK.audits
OPENS = (DriftKind.REMOVED, DriftKind.REGRANTED, DriftKind.EDITED)
ONE = Scope(principals=("v0",))

nights = st.lists(
    st.builds(
        Mishap,
        st.sampled_from(["read", "sending", "sent"]),
        st.integers(1, 16),
        st.sampled_from([crash, lose_reply]),
    ),
    max_size=4,
)
words = st.lists(st.sampled_from(["detach", "detach and unban", "audit", "sweep"]), max_size=12)


def audit(night: Night, approved: Plan, pause: str = FIRST) -> Plan:
    """Look at everything that is held, write down what differs, and plan what is to be done."""
    holds = night.holds(pause)
    looks = {hold.address: looked(night, hold) for hold in holds}
    found = drift(holds, looks)
    data = {
        "drift": [{"address": str(one.address)} for one in found],
        "opened": [str(one.address) for one in found if one.kind in OPENS],
    }
    while True:
        try:
            plan = night.plan(pause, sweep=approved, found=data)
        except Crash:  # its next attempt looks again
            night.now += 60
        else:
            night.book.pauses.note(pause, "audited", data)
            return plan


def looked(night: Night, hold: Hold) -> Look:
    """One address as it is now; after a crash it is read again."""
    while True:
        try:
            seen = night.connector.read(hold.address.document)
        except ConnectorError:
            return Look(read=False)
        except Crash:
            night.now += 60
        else:
            return Look(seen.states.get(hold.address), exists=seen.exists)


def sweep(night: Night, approved: Plan, pause: str = FIRST) -> None:
    """Contain again within what was approved, until a pass plans nothing."""
    for _ in range(12):
        plan = night.plan(pause, approved.scope, sweep=approved)
        if not plan.work:
            break
        night.carry_out(plan)
        night.now += 60


def detach(night: Night) -> None:
    """Somebody in the realm takes our deny off."""
    night.world.principals["v0"].attached.clear()


def unban(night: Night) -> None:
    """Somebody above the realm lifts the ban as well."""
    night.world.bans.clear()


def times(night: Night, pause: str = FIRST) -> int:
    """How often the most often removed was removed."""
    counted = removals(night.book.store, pause).values()
    return max((one.times for one in counted), default=0)


def lived(night: Night, said: list[str], approved: Plan) -> None:
    """What happens, one after the other."""
    for word in said:
        if word == "audit":
            audit(night, approved)
        elif word == "sweep":
            sweep(night, approved)
        else:
            detach(night)
            if word == "detach and unban":
                unban(night)


@FEW
@given(nights, words)
def test_contain_climb_then_restore_is_the_identity(mishaps: list[Mishap], said: list[str]) -> None:
    """Whatever was removed, and whatever was climbed to, all of ours is gone at the end."""
    night = Night(mishaps=mishaps)
    before = night.world.picture()
    approved = night.contain(FIRST)
    lived(night, said, approved)
    night.restore(FIRST)
    assert night.world.picture() == before
    assert not night.book.writes.holds()


@FEW
@given(nights, st.integers(0, 5), st.integers(0, 3))
def test_what_is_removed_twice_meets_a_lever_that_the_remover_cannot_edit(
    mishaps: list[Mishap], removed: int, looks: int
) -> None:
    """Once is put back; twice is climbed above, and nothing more is breached."""
    night = Night(mishaps=mishaps)
    approved = night.contain(FIRST)
    mishaps.clear()
    sweep(night, approved)
    for _ in range(removed):
        detach(night)
        for _ in range(looks):
            audit(night, approved)
        sweep(night, approved)
        assert night.world.principals["v0"].attached
    assert bool(night.world.bans.get("v0")) is (removed >= AUDITS.climb_after)
    assert "v1" not in night.world.bans
    assert times(night) == removed
    assert not night.breaches(FIRST)
    assert not night.plan(FIRST, sweep=approved).work


@FEW
@given(st.integers(1, 4), st.integers(1, 4))
def test_looking_is_not_counting(audits: int, removed: int) -> None:
    """An audit that finds what an earlier one found has found the same removal."""
    night = Night()
    approved = night.contain(FIRST)
    for number in range(1, removed + 1):
        detach(night)
        for _ in range(audits):
            audit(night, approved)
            assert times(night) == number
        sweep(night, approved)
    assert times(night) == removed


@FEW
@given(st.integers(1, 6))
def test_who_can_edit_every_lever_is_met_more_and_more_slowly(removed: int) -> None:
    """The first removal of the last lever is a breach; it ends when it held for some audits."""
    night = Night()
    approved = night.contain(FIRST)
    for _ in range(AUDITS.climb_after):
        detach(night)
        sweep(night, approved)
    waits = []
    for _ in range(removed):
        detach(night)
        unban(night)
        audit(night, approved)
        sweep(night, approved)
        assert night.world.bans["v0"]
        found = night.breaches(FIRST)
        assert {breach.principal for breach in found} == {"v0"}
        waits.append(look_again(found, AUDITS))
    longest = AUDITS.breached_hours * 3600
    assert all(b == min(2 * a, longest) for a, b in pairwise(waits))
    for _ in range(AUDITS.calm):
        assert night.breaches(FIRST)
        audit(night, approved)
    assert not night.breaches(FIRST)
    assert look_again((), AUDITS) == 0
    detach(night)
    sweep(night, approved)
    assert not night.breaches(FIRST)  # the ban has held for long enough
    unban(night)
    sweep(night, approved)
    assert night.breaches(FIRST)


@FEW
@given(nights, st.lists(st.sampled_from(["contain", "restore", "other", "lift"]), max_size=8))
def test_what_we_do_ourselves_is_no_removal(mishaps: list[Mishap], said: list[str]) -> None:
    """Containing, giving back and overlapping, with any accident, counts nobody as a remover."""
    night = Night(mishaps=mishaps)
    acts = {
        "contain": lambda: night.contain(FIRST),
        "restore": lambda: night.restore(FIRST, ONE),
        "other": lambda: night.contain(SECOND, ONE),
        "lift": lambda: night.restore(SECOND),
    }
    for word in said:
        acts[word]()
    assert times(night) == times(night, SECOND) == 0
    assert not any(night.world.bans.values())


def test_what_only_a_tag_selects_is_not_climbed_for() -> None:
    """Who can write a tag and remove a deny gets no stranger banned: it waits for a person."""
    night = Night()
    night.world.principals["tagged"] = Principal("t", "mercor", vouched=False)
    approved = night.contain(FIRST)
    assert night.world.principals["tagged"].attached
    for _ in range(3):
        night.world.principals["tagged"].attached.clear()
        sweep(night, approved)
    assert "tagged" not in night.world.bans
    left = [s for s in night.plan(FIRST, sweep=approved).skips if s.address.kind == "ban"]
    assert [(s.principal, s.leaves_access) for s in left] == [("tagged", True)]
    (climb,) = (c for c in night.plan(FIRST).changes if c.over is not None)
    assert climb.principal == "tagged"


def test_a_playbook_that_wants_a_word_proposes_the_lever() -> None:
    """`climb: ask`: a sweep leaves it as an open skip, and the plan that a person reads has it."""
    night = Night()
    usual = night.terms
    asks = PLAYBOOK.model_copy(update={"audits": AUDITS.model_copy(update={"climb": "ask"})})
    night.terms = lambda pause, found=None: replace(usual(pause, found), playbook=asks)  # type: ignore[method-assign]
    approved = night.contain(FIRST)
    for _ in range(AUDITS.climb_after):
        assert not [s for s in night.plan(FIRST, sweep=approved).skips if s.leaves_access]
        detach(night)
        sweep(night, approved)
    (left,) = (s for s in night.plan(FIRST, sweep=approved).skips if s.address.kind == "ban")
    assert left.leaves_access
    assert "removed again" in left.reason
    assert night.breaches(FIRST)
    read = night.plan(FIRST)
    assert [c.address for c in read.work] == [left.address]
    night.carry_out(read)
    assert not night.breaches(FIRST)
