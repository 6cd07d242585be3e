"""What the planner decides: changes, claims, skips; restores from holds; drift. All of it pure."""

from dataclasses import replace

import pytest
from support.plans import (
    OFF,
    ON,
    OTHER,
    PAUSE,
    TERMS,
    VENDOR,
    foundation,
    grant,
    hold,
    ids,
    overlay,
    planned,
    seen,
    toggle,
)

from stopline.model import Change, Direction, Gap, Plan, Scope, Skip, State
from stopline.money import ESCAPED, PAY, let_go, target_of
from stopline.planner import (
    DriftKind,
    Look,
    Opinion,
    Opinions,
    Standing,
    drift,
    plan_containment,
    plan_restore,
    protects,
    snapshot_of,
)
from stopline.receipts import Hold

SWITCH, USER, BUCKET = grant("switch", "v0/one"), grant("user", "v0"), grant("target", "data")
OURS = toggle(SWITCH)
OPEN = replace(OURS, before=State.of({"Status": "on"}))
DENY, BASE = overlay(USER), foundation(USER)


# --- containment -------------------------------------------------------------------------------


def test_what_is_found_becomes_before() -> None:
    """A toggle remembers how it was; an overlay that is not there yet replaces nothing."""
    plan = planned(SWITCH, USER)
    before = {c.address: c.before for c in plan.changes}
    assert before == {OURS.address: ON, DENY.address: None, BASE.address: None}
    assert not plan.claims
    assert not plan.skips


def test_what_stands_at_our_address_becomes_before() -> None:
    """An altered overlay is planned to be mended, from what it is now."""
    altered = replace(next(iter(seen(DENY))), state=State.of({"on": "nothing"}))
    (change,) = (c for c in planned(USER, altered).changes if c.address == DENY.address)
    assert change.before == State.of({"on": "nothing"})


def test_what_this_pause_has_contained_is_not_planned_again() -> None:
    """A second look at what we hold finds nothing to do."""
    off = grant("switch", "v0/one", OFF)
    standing = Standing((hold(replace(OURS, before=ON)), hold(DENY), hold(BASE)))
    plan = planned(off, USER, *seen(DENY, BASE), standing=standing)
    assert not plan.work
    assert not plan.skips


def test_an_unproven_toggle_of_this_pause_is_not_planned_again() -> None:
    """A person decides about it when it is given back; it is off, and nothing is to be done."""
    off = grant("switch", "v0/one", OFF)
    unproven = hold(replace(OURS, before=ON), written=False, unproven=True)
    assert not planned(off, standing=Standing((unproven,))).work


TAKEN = replace(toggle(grant("member", "data#v0")), before=ON, after=None)


def test_what_another_pause_took_away_is_claimed_although_no_reading_shows_it() -> None:
    """Or lifting the other pause would give the vendor back what this one should keep away."""
    theirs = hold(TAKEN, OTHER)
    standing = Standing((theirs,), taken=(theirs,))
    plan = planned(USER, standing=standing)
    assert [(c.address, c.before, c.after) for c in plan.claims] == [(TAKEN.address, ON, None)]
    mine = replace(theirs, pause=PAUSE)
    assert not planned(USER, standing=Standing((theirs, mine), taken=(theirs,))).claims
    released = replace(standing, released=frozenset({TAKEN.address}))
    assert not planned(USER, standing=released).claims


def test_what_was_taken_away_and_is_there_again_is_taken_again() -> None:
    """Somebody gave it back: that is a change, and no claim."""
    theirs = hold(TAKEN, OTHER)
    back = replace(grant("member", "data#v0"), state=ON)
    assert not planned(back, standing=Standing((theirs,), taken=(theirs,))).claims


def test_what_another_pause_holds_is_claimed_with_what_was_before_it() -> None:
    """Planned as if its hold were lifted: no write, and the same prior state to give back."""
    off = grant("switch", "v0/one", OFF)
    theirs = hold(replace(OURS, before=ON), OTHER)
    plan = planned(off, standing=Standing((theirs,)))
    assert not plan.changes
    assert [(c.address, c.before, c.after) for c in plan.claims] == [(OURS.address, ON, OFF)]


def test_an_overlay_of_ours_that_nothing_holds_is_claimed() -> None:
    """It bears our mark, so it is ours, though its receipt was lost."""
    plan = planned(USER, *seen(DENY, BASE))
    assert not plan.changes
    assert {c.address for c in plan.claims} == {DENY.address, BASE.address}


def test_what_somebody_had_done_before_us_is_a_skip() -> None:
    """A key that was off is left off, and never given back: it was not our doing."""
    (skip,) = planned(grant("switch", "v0/one", OFF)).skips
    assert "before us" in skip.reason
    assert not skip.leaves_access


def test_a_hold_on_somebody_else_under_the_name_counts_for_nothing() -> None:
    """The former user's hold does not make the new user's overlay ours already."""
    anew = grant("user", "v0", uid="u9")
    former = hold(overlay(grant("user", "v0", uid="u0")))
    plan = planned(anew, *seen(DENY, BASE), standing=Standing((former,)))
    assert DENY.address in {c.address for c in plan.claims}


def test_a_scope_of_one_address_brings_what_it_stands_on() -> None:
    """Without the policy there would be nothing to attach."""
    mine, other = grant("user", "annotator"), grant("user", "reviewer")
    scope = Scope(addresses=(str(overlay(mine).address),))
    made = planned(mine, other, scope=scope)
    assert [c.address for c in made.changes] == [foundation(mine).address, overlay(mine).address]


def test_what_is_out_of_scope_is_not_in_the_plan_at_all() -> None:
    """Not as a change, nor as a claim, nor as a skip."""
    plan = planned(SWITCH, USER, grant("user", "v1"), scope=Scope(principals=("v1",)))
    assert ids(plan.changes) == ["ours", "v1#ours"]
    assert not plan.skips


@pytest.mark.parametrize("pattern", ["v0", "v*", "d*ta"])
def test_what_the_vendors_file_protects_is_a_skip(pattern: str) -> None:
    """By principal or by target, exactly or as a glob; it says which line of the file it was."""
    protected = VENDOR.model_copy(update={"protected": (pattern,)})
    plan = planned(SWITCH, BUCKET, terms=replace(TERMS, vendor=protected))
    left = [s for s in plan.skips if pattern in s.reason]
    assert left
    assert not {s.address for s in left} & {c.address for c in plan.changes}


def test_what_the_estate_protects_is_planned_when_the_lab_selected_it() -> None:
    """So that a guard refuses the plan aloud, rather than a skip hiding the mistake."""
    plan = planned(SWITCH, standing=Standing(protected=("v0",)))
    assert ids(plan.changes) == ["v0/one"]


def test_what_the_estate_protects_is_left_when_a_sweep_or_a_tag_leads_there() -> None:
    """An attacker who tags the break-glass role as the vendor's must not stop the pause."""
    tagged = grant("switch", "v0/one", vouched=False)
    for plan in (
        planned(tagged, standing=Standing(protected=("v0",))),
        planned(SWITCH, standing=Standing(protected=("v0",), approved=frozenset())),
        planned(BUCKET, standing=Standing(protected=("data",))),
    ):
        assert not plan.changes
        (skip,) = plan.skips
        assert "estate" in skip.reason
        assert skip.leaves_access


def test_a_tag_alone_is_planned_for_a_person_to_read() -> None:
    """The first plan shows it; whoever approves it has seen it."""
    tagged = grant("switch", "v0/one", vouched=False)
    (change,) = planned(tagged).changes
    assert change.vouched is False


def test_a_sweep_takes_nothing_on_a_tags_word_that_nobody_approved() -> None:
    """What was approved is taken, what is vouched for is taken, the rest waits for a person."""
    tagged, known = (grant("switch", f"v{n}/one", vouched=False) for n in (1, 2))
    approved = frozenset({known.address})
    plan = planned(SWITCH, tagged, known, standing=Standing(approved=approved))
    assert ids(plan.changes) == ["v0/one", "v2/one"]
    (skip,) = plan.skips
    assert skip.address == tagged.address
    assert skip.leaves_access


def test_a_sweep_takes_what_is_new_within_the_envelope() -> None:
    """A key that was minted meanwhile is contained without asking again."""
    minted = grant("switch", "v0/two")
    plan = planned(SWITCH, minted, standing=Standing(approved=frozenset({SWITCH.address})))
    assert ids(plan.changes) == ["v0/one", "v0/two"]


def test_what_a_rollback_gave_back_is_not_taken_again() -> None:
    """Released is released: the pause goes on for the rest."""
    plan = planned(SWITCH, grant("switch", "v1/one"), standing=Standing(
        approved=frozenset(), released=frozenset({SWITCH.address})
    ))  # fmt: skip
    assert ids(plan.changes) == ["v1/one"]
    (skip,) = plan.skips
    assert "given back" in skip.reason
    assert not skip.leaves_access


def of_one_payable() -> tuple[Change, Change]:
    """Two levers of what is owed: a row beside it, and its place in a pay run."""
    place = grant("payable-place", "p0", principal="c1")
    place = replace(place, address=replace(place.address, connector=PAY))
    beside = replace(place.address, kind="payable-hold", id="p0#ours")
    return toggle(place), replace(toggle(place), address=beside)


def test_what_was_released_is_let_go_by_every_lever_of_it_and_only_where_it_is_money() -> None:
    """As long as one lever of it stands, only the address is released; elsewhere, always."""
    lever, beside = of_one_payable()
    freed = (beside.address, TAKEN.address)
    assert let_go(freed, ()) == {target_of(lever.address)}
    assert not let_go(freed, {lever.address})
    assert target_of(replace(lever.address, id="p1")) not in let_go(freed, ())


def test_nothing_that_a_rail_says_of_what_was_released_is_left_open_or_escaped() -> None:
    """Its owner freed it: the pay run that takes it does so with their word."""
    lever, beside = of_one_payable()
    paid = Skip(lever.address, "c1", f"{ESCAPED}it is in a run", leaves_access=True)
    said: dict[str, Opinion] = {PAY: lambda *_: [lever, paid]}
    owed = replace(grant("payable", "p0"), address=replace(lever.address, kind="payable"))
    snapshot = snapshot_of("mercor", [owed], "")
    opinions = Opinions(said, {PAY: lambda _: ()})

    def of(standing: Standing) -> Plan:
        return plan_containment(snapshot, TERMS, Scope(), standing, opinions)

    taken = of(Standing())
    assert (taken.changes[0].address, taken.skips) == (lever.address, (paid,))
    left = of(Standing(approved=frozenset(), released=frozenset({beside.address})))
    assert not left.work
    assert {(s.reason, s.leaves_access) for s in left.skips} == {
        ("given back by a rollback of this pause", False)
    }


def test_one_change_for_many_grants_is_planned_once() -> None:
    """Ten users stand on one foundation; whoever vouches for it is believed."""
    sure = grant("user", "v9")
    tagged = grant("user", "v1", vouched=False)
    plan = planned(tagged, sure)
    assert ids(plan.changes).count("ours") == 1
    (base,) = (c for c in plan.changes if c.address == BASE.address)
    assert base.vouched


def test_a_connectors_skip_and_the_gaps_are_in_the_plan() -> None:
    """What is left and what could not be read is shown with what is done."""
    gap = Gap("memory", "r2", "everything", "it does not answer")
    plan = planned(grant("user", "v0", shared_with=("mercer",)), gap)
    assert plan.gaps == (gap,)
    assert [s.reason for s in plan.skips] == ["shared"]


def test_residuals_are_those_of_what_is_changed() -> None:
    """What outlives a change is told; what outlives nothing is not."""
    plan = planned(SWITCH, grant("switch", "v1/one", OFF))
    assert [r.address for r in plan.residuals] == [OURS.address]


def test_a_plan_does_not_hang_on_the_order_of_what_was_found() -> None:
    """Sorted, without doubles: two readings of one estate are one plan, with one digest."""
    found = [SWITCH, USER, BUCKET, grant("switch", "v1/one"), SWITCH]
    plans = {planned(*found).digest, planned(*reversed(found)).digest}
    assert len(plans) == 1


def test_a_digest_names_what_is_done_and_not_by_which_pause() -> None:
    """Another pause's id, times and residuals change nothing; one change more does."""
    plan = planned(SWITCH, USER)
    again = replace(plan, pause=OTHER, taken_from="elsewhere", residuals=())
    assert plan.pause == PAUSE
    assert again.digest == plan.digest
    assert planned(SWITCH, USER, BUCKET).digest != plan.digest
    assert replace(plan, scope=Scope(realms=("r1",))).digest != plan.digest


# --- restore -----------------------------------------------------------------------------------


def restored(*holds: object, scope: Scope | None = None, unproven: bool = False) -> Plan:
    """What one pause gives back."""
    return plan_restore("mercor", PAUSE, holds, scope or Scope(), unproven=unproven)  # type: ignore[arg-type]


def test_a_restore_is_the_inverse_of_what_happened() -> None:
    """From the hold: what we left becomes what is expected, what was before us comes back."""
    held = hold(OURS, prior=ON, ours=OFF)
    (change,) = restored(held).changes
    assert (change.before, change.after) == (OFF, ON)
    assert restored(held).direction is Direction.RESTORE


def test_a_restore_gives_back_only_what_this_pause_holds() -> None:
    """Another pause's holds are another plan's."""
    assert not restored(hold(OURS, OTHER)).work


def test_what_other_pauses_hold_too_is_given_up_without_a_write() -> None:
    """The last one writes."""
    plan = restored(hold(OURS), hold(OURS, OTHER))
    assert not plan.changes
    assert [c.address for c in plan.claims] == [OURS.address]


def test_an_unproven_toggle_is_given_back_on_a_persons_word_only() -> None:
    """Nothing shows that it was ours: it is named, with the way to choose it."""
    held = hold(OURS, written=False, unproven=True)
    (skip,) = restored(held).skips
    assert "--include-unproven" in skip.reason
    assert not restored(held).work
    assert ids(restored(held, unproven=True).changes) == [OURS.address.id]


def test_an_overlay_needs_no_proof() -> None:
    """It bears our mark."""
    assert restored(hold(DENY, written=False)).changes


def test_a_partial_restore_leaves_what_others_stand_on() -> None:
    """One of two users is given back: the policy stays, and it says for whom."""
    other = overlay(grant("user", "v1"))
    holds = (hold(BASE), hold(DENY), hold(other))
    plan = restored(*holds, scope=Scope(principals=("v0", "ours")))
    assert ids(plan.changes) == ["v0#ours"]
    (skip,) = plan.skips
    assert skip.reason == "still needed by v1"
    assert set(ids(restored(*holds).changes)) == {"v0#ours", "v1#ours", "ours"}


def test_a_foundation_stays_while_another_pause_stands_on_it() -> None:
    """Also when only that pause's overlay is left."""
    other = overlay(grant("user", "v1"))
    plan = restored(hold(BASE), hold(DENY), hold(other, OTHER))
    assert ids(plan.changes) == ["v0#ours"]


def test_a_whole_restore_ends_with_the_foundation() -> None:
    """Narrow to broad: nothing is taken from under what stands on it."""
    plan = restored(hold(BASE), hold(DENY), hold(OURS))
    assert ids(plan.changes) == ["v0/one", "v0#ours", "ours"]


# --- drift, and what protects ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made", "look", "kind"),
    [
        (OURS, Look(OURS.after), None),
        (OPEN, Look(OPEN.before), DriftKind.REGRANTED),
        (OURS, Look(State.of({"Status": "expired"})), DriftKind.EDITED),
        (OURS, Look(exists=False), DriftKind.GONE),
        (OURS, Look(State.of({"Status": "ended"}), exists=False), DriftKind.GONE),
        (OURS, Look(OURS.after, exists=False), DriftKind.GONE),
        (OURS, Look(read=False), DriftKind.UNREAD),
        (DENY, Look(DENY.after), None),
        (DENY, Look(), DriftKind.REMOVED),
        (DENY, Look(State.of({"on": "something else"})), DriftKind.EDITED),
    ],
)
def test_drift_is_where_it_is_not_as_we_left_it(
    made: Change, look: Look, kind: DriftKind | None
) -> None:
    """What was left is compared with what is there now, and what differs has a kind."""
    held = Hold(made.address, "0000beef", made.before, made.after, made, written=True)
    found = drift([held], {made.address: look})
    assert [one.kind for one in found] == ([kind] if kind else [])
    assert all(one.now == look.state for one in found)  # what ended still says how


def test_what_was_not_looked_at_is_drift_too() -> None:
    """An address that nobody read is not taken for well."""
    held = Hold(OURS.address, "0000beef", OURS.before, OURS.after, OURS, written=True)
    assert [one.kind for one in drift([held], {})] == [DriftKind.UNREAD]


def test_protection_says_by_which_pattern() -> None:
    """The first pattern that fits any of the texts; an empty text fits none."""
    assert protects(("arn:*:role/break-glass/*",), "arn:x:role/break-glass/one")
    assert protects(("*",), "") == ""
    assert protects(("a", "b"), "b", "a") == "a"
    assert protects((), "a") == ""


@pytest.mark.parametrize(
    ("pattern", "text", "meant"),
    [
        ("user:cy@lab.example", "user:Cy@Lab.example", True),
        ("user:*@Lab.example", "user:cy@lab.EXAMPLE", True),
        ("group:cy@lab.example", "user:cy@lab.example", False),
        ("serviceAccount:lab.svc.id.goog[a/b]", "serviceAccount:lab.svc.id.goog[a/b]", True),
        ("serviceAccount:lab.svc.id.goog[a/*]", "serviceAccount:lab.svc.id.goog[a/b]", True),
        ("serviceAccount:lab.svc.id.goog[ab]", "serviceAccount:lab.svc.id.googa", False),
        ("arn:aws:iam::*:role/Glass", "arn:aws:iam::111111111111:role/glass", False),
        ("arn:aws:iam::*:role/[x]", "arn:aws:iam::111111111111:role/x", False),
    ],
)
def test_a_name_is_protected_as_its_system_compares_it(
    pattern: str, text: str, *, meant: bool
) -> None:
    """Google's addresses without case, ARNs with it; a bracket is a letter in both."""
    assert bool(protects((pattern,), text)) is meant
