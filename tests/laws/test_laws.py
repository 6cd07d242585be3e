"""The laws of the core, over the real planner, engine and journal, and a world in memory."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.examples import laws
from support.nights import KEPT, Crash, Mishap, Night, crash, lose_reply, throttle

from stopline.connectors.memory import Principal
from stopline.model import Scope
from stopline.receipts import Cause, Outcome

FIRST, SECOND = "0000000a", "0000000b"
FEW = laws()
pytestmark = pytest.mark.law

moments = st.sampled_from(["read", "sending", "sent"])
accidents = st.builds(
    Mishap,
    moments,
    st.integers(1, 16),
    st.sampled_from([crash, lose_reply, throttle]),
).filter(lambda m: m.act is not throttle or m.moment != "sent")
nights = st.lists(accidents, max_size=5)


def edit_target(night: Night) -> None:
    """A stranger adds a statement of its own to a target."""
    raw = night.world.targets["data"]
    body = json.loads(raw)
    body["Statement"].append({"Sid": f"Stranger{night.world.versions.get('data', 0)}"})
    night.world.put_target("data", json.dumps(body))


def tamper(night: Night) -> None:
    """An attacker takes our statements out, detaches our deny and switches a key on again."""
    body = json.loads(night.world.targets["data"])
    ours = [s for s in body["Statement"] if s["Sid"].startswith("StoplineJ")]
    body["Statement"] = [s for s in body["Statement"] if s not in ours]
    night.world.put_target("data", json.dumps(body))
    night.world.principals["v0"].attached.clear()
    night.world.principals["v0"].switches["one"] = "on"


@FEW
@given(nights, nights)
def test_law_1_contain_then_restore_is_the_identity(down: list[Mishap], up: list[Mishap]) -> None:
    """Whatever crashes or is lost on the way, what strangers did not touch comes back exactly."""
    night = Night(mishaps=down)
    before = night.world.picture()
    night.contain(FIRST)
    assert night.world.principals["v0"].switches["one"] == "off"
    assert night.world.principals["v1"].attached
    night.mishaps, night.seen = up, {}
    night.restore(FIRST)
    assert night.world.picture() == before
    assert not night.book.writes.holds()
    assert night.book.store.verify()[1] == ""


@FEW
@given(nights)
def test_law_2_containing_twice_plans_nothing(mishaps: list[Mishap]) -> None:
    """A second look at a contained vendor finds nothing to do."""
    night = Night(mishaps=mishaps)
    night.contain(FIRST)
    night.mishaps.clear()
    night.contain(FIRST)
    assert not night.plan(FIRST).work


@FEW
@given(st.integers(0, 12))
def test_law_3_any_prefix_of_a_run_can_be_restored(batches: int) -> None:
    """A containment that ended after some batches is given back like a whole one."""
    night = Night()
    before = night.world.picture()
    plan = night.plan(FIRST)
    for batch in list(night.batches(plan, size=1))[:batches]:
        night.deliver(plan, batch)
    night.restore(FIRST)
    assert night.world.picture() == before


@FEW
@given(st.lists(st.builds(Mishap, moments, st.integers(1, 20), st.just(edit_target)), max_size=4))
def test_law_4_a_strangers_edit_is_never_overwritten(edits: list[Mishap]) -> None:
    """What a stranger puts into a shared document, at any moment, is there at the end."""
    night = Night(mishaps=edits)
    planned = len(edits)
    night.contain(FIRST)
    night.restore(FIRST)
    left = json.loads(night.world.targets["data"])["Statement"]
    sids = [s["Sid"] for s in left]
    assert len([s for s in sids if s.startswith("Stranger")]) == planned - len(night.mishaps)
    assert "Lab" in sids
    assert not [s for s in sids if s.startswith("StoplineJ")]


def test_law_4_a_toggle_that_somebody_moved_elsewhere_is_a_conflict() -> None:
    """Neither before nor ours: nothing is written, and the receipt shows all three."""
    night = Night()
    night.contain(FIRST)
    night.world.principals["v0"].switches["one"] = "expired"
    receipts = night.restore(FIRST)
    conflict = next(r for r in receipts if r.outcome is Outcome.CONFLICT)
    assert conflict.cause is Cause.FOREIGN
    assert conflict.found is not None
    assert conflict.found.value == {"Status": "expired"}
    assert night.world.principals["v0"].switches["one"] == "expired"


@FEW
@given(nights, st.sampled_from(["v0", "v1"]))
def test_law_5_out_of_scope_or_protected_is_never_written(mishaps: list[Mishap], name: str) -> None:
    """A pause of one principal changes nothing of another's, nor what is protected or shared."""
    night = Night(mishaps=mishaps)
    before = night.world.picture()["principals"]
    night.contain(FIRST, Scope(principals=(name,)))
    after = night.world.picture()["principals"]
    assert {n for n in after if after[n] != before[n]} <= {name}
    night.contain(SECOND)
    after = night.world.picture()["principals"]
    assert all(after[n] == before[n] for n in (KEPT, "shared", "other"))


@FEW
@given(nights)
def test_law_6_a_change_that_we_did_not_make_is_never_undone(mishaps: list[Mishap]) -> None:
    """A key that somebody had switched off before us, or on the way, stays off."""
    night = Night(mishaps=mishaps)
    plan = night.plan(FIRST)
    night.world.principals["v1"].switches["one"] = "off"
    night.carry_out(plan)
    night.restore(FIRST)
    assert night.world.principals["v0"].switches["two"] == "off"
    assert night.world.principals["v1"].switches["one"] == "off"


def test_law_7_a_restore_runs_from_narrow_to_broad_and_backwards() -> None:
    """Keys before attachments before the policy they stand on; reversed within a breadth."""
    night = Night()
    contained = [c.address for c in night.contain(FIRST).work]
    restored = night.plan_restore(FIRST).work
    breadths = [c.breadth for c in restored]
    assert breadths == sorted(breadths)
    for breadth in set(breadths):
        back = [c.address for c in restored if c.breadth is breadth]
        there = [a for a in contained if a in back]
        assert back == there[::-1]


@FEW
@given(nights, nights, st.permutations([FIRST, SECOND]))
def test_law_8_the_last_of_two_pauses_restores_what_was_before_the_first(
    down: list[Mishap], up: list[Mishap], lifted: list[str]
) -> None:
    """Lifting one of two changes nothing where both hold; lifting the last gives all back."""
    night = Night(mishaps=down)
    before = night.world.picture()
    night.contain(FIRST)
    night.contain(SECOND, Scope(principals=("v0",)))
    night.mishaps, night.seen = up, {}
    one, two = lifted
    night.restore(one)
    assert night.world.principals["v0"].switches["one"] == "off"
    assert night.world.principals["v0"].attached
    night.restore(two)
    assert night.world.picture() == before


@FEW
@given(nights, st.integers(1, 3))
def test_law_9_no_retry_records_the_contained_state_as_prior(
    mishaps: list[Mishap], rounds: int
) -> None:
    """After any number of attackers switching back on and sweeps, `on` is what is given back."""
    night = Night(mishaps=mishaps)
    night.contain(FIRST)
    for _ in range(rounds):
        tamper(night)
        night.contain(FIRST)
    for hold in night.book.writes.holds():
        assert hold.prior != hold.ours
    night.restore(FIRST)
    assert night.world.principals["v0"].switches["one"] == "on"


@FEW
@given(st.lists(st.builds(Mishap, moments, st.integers(1, 20), st.just(tamper)), max_size=3))
def test_law_10_an_attacker_neither_stops_nor_widens_a_containment(edits: list[Mishap]) -> None:
    """Denies removed, keys switched on or minted, strangers tagged: contained, and no wider."""
    night = Night(mishaps=edits)

    def mint(at: Night) -> None:
        at.world.principals["v1"].switches["minted"] = "on"
        stranger = Principal("ux", "mercor", vouched=False, switches={"one": "on"})
        at.world.principals["stranger"] = stranger

    night.mishaps.append(Mishap("sent", 2, mint))
    night.contain(FIRST)
    approved = night.plan(FIRST, sweep=night.plan(SECOND, Scope(principals=("v0",))))
    assert night.world.principals["v1"].switches["minted"] == "off"
    assert night.world.principals["stranger"].switches["one"] == "on"
    assert any(s.principal == "stranger" and s.leaves_access for s in approved.skips)


def test_an_overlapping_attempt_is_busy_and_writes_nothing() -> None:
    """Two attempts of one batch at once: the second finds the lease taken, and harms nothing."""
    night = Night()
    before = night.world.picture()
    plan = night.plan(FIRST)
    inner = []

    def overlap(at: Night) -> None:
        inner.extend(at.attempt(plan, plan.work[:1]))

    night.mishaps.append(Mishap("sending", 1, overlap))
    night.contain(FIRST)
    assert [r.cause for r in inner] == [Cause.BUSY]
    night.restore(FIRST)
    assert night.world.picture() == before


def test_a_toggle_cut_from_its_receipt_is_unproven_until_a_person_says() -> None:
    """Killed between the write and the receipt, a key is not silently given back."""
    night = Night()
    plan = night.plan(FIRST)
    switch = next(c for c in plan.work if c.address.kind == "switch")
    night.mishaps.append(Mishap("sent", 1, crash))
    try:
        night.attempt(plan, [switch])
    except Crash:
        night.now += 60
    (receipt,) = night.attempt(plan, [switch])
    assert receipt.outcome is Outcome.UNPROVEN
    (hold,) = night.book.writes.holds()
    assert hold.unproven
