"""The laws of what is decided: plans, their digests, scopes and guards."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.nights import PLAYBOOK, VENDOR, Night

from stopline import guards, planner
from stopline.connectors.memory import NAME, Principal
from stopline.estate import Estate, Protected
from stopline.model import (
    Address,
    Breadth,
    Change,
    Counted,
    Direction,
    Finding,
    Gap,
    Grant,
    Plan,
    Residual,
    Scope,
    Severity,
    Skip,
    Snapshot,
    State,
)
from stopline.playbook import Limits
from stopline.port import Mark, Terms
from stopline.receipts import Hold
from stopline.text import Json

FIRST, SECOND = "0000000a", "0000000b"
SELF = "arn:aws:iam::111122223333:role/stopline/stopline-worker"
MANY = settings(max_examples=200, deadline=None, derandomize=True)

states = st.none() | st.builds(State, st.sampled_from(['"on"', '"off"', '"limited"']))
some = st.lists(st.sampled_from(["a", "b", "c"]), unique=True, max_size=2).map(tuple)
scopes = st.builds(Scope, st.sampled_from(["", "a", "b"]), some, some, some)
places = st.builds(
    Address,
    st.sampled_from(["a", "b", "c"]),
    st.sampled_from(["a", "b", "c"]),
    st.just("switch"),
    st.sampled_from(["one", "two"]),
)


def where(kind: str, id_: str) -> Address:
    """An address of the world in memory."""
    return Address(NAME, "r1", kind, id_)


# --- changes and scopes --------------------------------------------------------------------------


@MANY
@given(places, states, states)
def test_the_inverse_swaps_before_and_after(
    address: Address, before: State | None, after: State | None
) -> None:
    """The way back of a change is the same change with its two states swapped, and back again."""
    change = Change(address, before, after, "rule", Breadth.NARROW)
    inverse = change.inverse()
    assert (inverse.before, inverse.after) == (after, before)
    assert inverse.inverse() == change


@MANY
@given(scopes, places, st.sampled_from(["a", "b", "c"]))
def test_a_scope_admits_only_what_it_names(scope: Scope, address: Address, who: str) -> None:
    """A field that is given narrows to what it lists; one that is empty does not narrow."""
    named = (
        (scope.connectors, address.connector),
        (scope.realms, address.realm),
        (scope.principals, who),
    )
    assert scope.admits(address, who) == all(not texts or text in texts for texts, text in named)


@MANY
@given(scopes, scopes, places, st.sampled_from(["a", "b", "c"]))
def test_a_scope_covers_only_what_it_admits(
    wide: Scope, narrow: Scope, address: Address, who: str
) -> None:
    """What a covered scope admits, the covering one admits; so a wider trigger never joins."""
    if wide.covers(narrow) and narrow.admits(address, who):
        assert wide.admits(address, who)


# --- digests -------------------------------------------------------------------------------------


def test_the_digest_is_the_same_for_another_pause() -> None:
    """A person approves what is done, whatever the pause's id, and whatever outlives it."""
    night = Night()
    one, two = night.plan(FIRST), night.plan(SECOND)
    assert one.pause != two.pause
    assert one.digest == two.digest
    later = Residual(where("switch", "v0/one"), "a session", "PT1H")
    assert replace(one, residuals=(later,), taken_from="another").digest == one.digest


@pytest.mark.parametrize(
    "other",
    [
        {"changes": ()},
        {"claims": (Change(where("switch", "x/y"), None, None, "r", Breadth.NARROW),)},
        {"skips": (Skip(where("switch", "x/y"), "x", "a person decides", leaves_access=True),)},
        {"gaps": (Gap(NAME, "r2", "everything", "it does not answer"),)},
        {"scope": Scope(principals=("v0",))},
        {"direction": Direction.RESTORE},
    ],
    ids=lambda other: next(iter(other)),
)
def test_the_digest_is_another_for_another_plan(other: Json) -> None:
    """Whatever is done, claimed, left or not read is in what a person approves."""
    plan = Night().plan(FIRST)
    assert replace(plan, **other).digest != plan.digest


# --- containment ---------------------------------------------------------------------------------


def test_a_gap_stands_in_the_plan() -> None:
    """What could not be read is in the plan that a person reads, and nothing is made up for it."""
    night = Night()
    night.world.closed.add("r1")
    plan = night.plan(FIRST)
    assert [gap.what for gap in plan.gaps] == ["everything"]
    assert not plan.work


def test_what_was_so_before_us_is_left() -> None:
    """A key that was off already is neither changed nor claimed, and is shown as left."""
    night = Night()
    plan = night.plan(FIRST)
    address = where("switch", "v0/two")
    assert address not in {c.address for c in plan.work}
    assert any(s.address == address and "before us" in s.reason for s in plan.skips)


def test_what_a_rollback_released_is_not_taken_again_by_a_sweep() -> None:
    """A sweep that runs after a partial rollback leaves what the rollback gave back."""
    night = Night()
    approved = night.contain(FIRST)
    night.restore(FIRST, Scope(principals=("v0",)))
    assert night.world.principals["v0"].switches["one"] == "on"
    night.released = frozenset(c.address for c in approved.work if c.principal == "v0")
    assert not night.plan(FIRST, sweep=approved).changes
    night.released = frozenset()
    assert night.plan(FIRST, sweep=approved).changes


def test_law_5_what_the_estate_protects_is_never_widened_to_by_a_tag() -> None:
    """What only a tag selects is left where the estate protects it, in the first plan too."""
    night = Night(protected=("stranger", "v1"))
    night.world.principals["stranger"] = Principal(
        "ux", "mercor", vouched=False, switches={"one": "on"}
    )
    plan = night.plan(FIRST)
    assert "stranger" not in {c.principal for c in plan.work}
    assert any(s.principal == "stranger" and s.leaves_access for s in plan.skips)
    assert "v1" in {c.principal for c in plan.work}, "the lab's own selector: a guard refuses it"
    sweep = night.plan(FIRST, sweep=replace(plan, changes=(), claims=()))
    assert "v1" not in {c.principal for c in sweep.work}


def test_law_5_a_protected_target_is_not_reached_through_whoever_leads_there() -> None:
    """A target is not selected, a policy leads to it: the estate's protection holds at once."""
    night = Night(protected=("data",))
    plan = night.plan(FIRST)
    denied = {c.address.document.id for c in plan.work if c.address.kind == "statement"}
    assert denied == {"empty"}
    assert any(s.principal == "data" and s.leaves_access for s in plan.skips)


def test_law_8_an_opinion_is_asked_about_the_state_from_before_all_holds() -> None:
    """A connector that contains only what is on is shown `on` for what another pause put off."""
    night = Night()
    night.contain(SECOND)
    snapshot = planner.snapshot_of("mercor", night.connector.discover(VENDOR, Scope()), "")
    asked: dict[Address, State] = {}

    def opinion(grant: Grant, _: Terms) -> tuple[Change, ...]:
        asked[grant.address] = grant.state
        return ()

    terms = Terms(VENDOR, PLAYBOOK, Mark(night.book.id, FIRST))
    holds = planner.Standing(night.book.writes.holds())
    opinions = planner.Opinions({NAME: opinion}, {})
    planner.plan_containment(snapshot, terms, Scope(), holds, opinions)
    assert asked[where("switch", "v0/one")].value == {"Status": "on"}
    assert asked[where("switch", "v0/two")].value == {"Status": "off"}


def test_what_several_ask_for_is_vouched_when_one_of_them_is() -> None:
    """The foundation is the lab's own choice, though a merely tagged principal asks first."""
    night = Night()
    night.world.principals["a0"] = Principal("ux", "mercor", vouched=False)
    plan = night.plan(FIRST)
    foundation = next(c for c in plan.changes if c.breadth is Breadth.FOUNDATION)
    assert foundation.vouched
    assert not next(c for c in plan.changes if c.principal == "a0" and c.stands_on).vouched


def test_law_2_a_claim_needs_no_write() -> None:
    """What another pause has contained already is held by both, and nothing is sent for it."""
    night = Night()
    night.contain(FIRST)
    held = {h.address for h in night.book.writes.holds(FIRST)}
    night.seen = {}
    plan = night.contain(SECOND, Scope(principals=("v0",)))
    assert not plan.changes
    assert {c.address for c in plan.claims} <= held
    assert {h.address for h in night.book.writes.holds(SECOND)} == {c.address for c in plan.claims}
    assert "sending" not in night.seen


# --- restore -------------------------------------------------------------------------------------


def test_law_8_what_both_hold_is_given_up_without_a_write() -> None:
    """A rollback plans no change where another pause holds; it only gives up its own hold."""
    night = Night()
    night.contain(FIRST)
    night.contain(SECOND, Scope(principals=("v0",)))
    plan = night.plan_restore(SECOND)
    assert not plan.changes
    assert {c.address for c in plan.claims} == {h.address for h in night.book.writes.holds(SECOND)}
    night.seen = {}
    night.restore(SECOND)
    assert "sending" not in night.seen


def test_a_partial_rollback_leaves_what_is_out_of_its_scope() -> None:
    """One principal is given back; the rest stays contained, and what it stands on stays."""
    night = Night()
    before = night.world.picture()
    night.contain(FIRST)
    plan = night.plan_restore(FIRST, Scope(principals=("v0", "Deny-J" + night.book.id)))
    assert any("still needed by v1" in skip.reason for skip in plan.skips)
    night.restore(FIRST, Scope(principals=("v0", "Deny-J" + night.book.id)))
    assert night.world.principals["v0"].switches["one"] == "on"
    assert not night.world.principals["v0"].attached
    assert night.world.principals["v1"].switches["one"] == "off"
    assert night.world.principals["v1"].attached
    night.restore(FIRST)
    assert night.world.picture() == before


# --- guards --------------------------------------------------------------------------------------


def findings(night: Night, estate: Estate, limits: Limits, before: int = 0) -> tuple[Finding, ...]:
    """What the guards say about the plan of a night."""
    plan = night.plan(FIRST)
    snapshot = Snapshot(plan.vendor, ())
    return guards.guard(plan, snapshot, guards.Bounds(estate, limits, before))


@pytest.mark.parametrize("kind", sorted(Protected.model_fields))
def test_a_guard_refuses_a_plan_that_touches_ourselves(kind: str) -> None:
    """Stopline's own identity, break-glass, log delivery, the journal: each is refused."""
    night = Night()
    night.world.principals[SELF] = Principal("u9", "mercor")
    estate = Estate(protected=Protected(**{kind: (SELF,)}))
    (refused,) = guards.refused(findings(night, estate, Limits()))
    assert refused.guard == kind.replace("_", "-")
    assert any(SELF in str(address) for address in refused.addresses)


def test_a_refusal_has_no_override_and_a_limit_has() -> None:
    """A typed reason answers a limit; nothing answers a refusal; a note asks for nothing."""
    found = tuple(Finding(severity, severity.value, "what", "way out") for severity in Severity)
    reasons = {severity.value: "a person read it" for severity in Severity}
    assert [f.severity for f in guards.unanswered(found, {})] == [Severity.REFUSE, Severity.LIMIT]
    assert [f.severity for f in guards.unanswered(found, reasons)] == [Severity.REFUSE]
    blank = {severity.value: "  " for severity in Severity}
    assert len(guards.unanswered(found, blank)) == 2


def test_the_limit_counts_what_the_pause_has_done_before() -> None:
    """Sweeps add up: many small plans come to the same limit as one large one."""
    night = Night()
    number = len(night.plan(FIRST).changes)
    enough = Limits(changes=number)

    def over(before: int) -> bool:
        found = guards.limits(findings(night, Estate(), enough, before))
        return "too-many-changes" in {f.guard for f in found}

    assert not over(0)
    assert over(1)


def test_a_plan_of_nothing_asks_before_it_is_taken_for_contained() -> None:
    """Nothing found is a limit: a misspelt selector looks just like a vendor without access."""
    plan = Plan("mercor", Direction.CONTAIN, Scope(), ())
    bounds = guards.Bounds(Estate(), Limits())
    found = guards.guard(plan, Snapshot("mercor", ()), bounds)
    assert [f.guard for f in guards.limits(found)] == ["nothing-found"]


def user(number: int) -> Change:
    """A deny on one of many users."""
    where_ = Address("aws", "r1", "user-attachment", f"u{number}#deny")
    return Change(where_, None, State("1"), "r", Breadth.PRINCIPAL, principal=f"u{number}")


@pytest.mark.parametrize(("hit", "of", "over"), [(5, 10, False), (6, 10, True), (9, 9, False)])
def test_a_share_over_the_limit_asks(hit: int, of: int, over: bool) -> None:  # noqa: FBT001
    """More than the playbook's part of all users asks for a word; among few, none is asked."""
    plan = Plan("mercor", Direction.CONTAIN, Scope(), tuple(map(user, range(hit))))
    snapshot = Snapshot("mercor", (), counted=(Counted("aws", "r1", "user", of),))
    bounds = guards.Bounds(Estate(), Limits(share=0.5, share_from=10), before=1)
    found = {f.guard for f in guards.limits(guards.guard(plan, snapshot, bounds))}
    assert ("too-large-a-share" in found) == over


def test_whoever_shares_what_would_be_cut_is_asked_about() -> None:
    """A principal that others hold too is named before it is cut off from them."""
    change = user(1)
    grant = Grant(
        change.address, State("1"), "u1", "user", "u1", "path", shared_with=("mercer", "other")
    )
    plan = Plan("mercor", Direction.CONTAIN, Scope(), (change,))
    bounds = guards.Bounds(Estate(), Limits())
    (found,) = guards.limits(guards.guard(plan, Snapshot("mercor", (grant,)), bounds))
    assert found.guard == "shared"
    assert "mercer, other" in found.what
    assert not guards.guard(replace(plan, changes=()), Snapshot("mercor", (grant,)), bounds)


def test_a_scope_that_admits_nothing_asks() -> None:
    """The vendor holds something, and none of it is in the scope: likely a misspelt one."""
    grant = Grant(user(1).address, State("1"), "u1", "user", "u1", "path")
    snapshot, bounds = Snapshot("mercor", (grant,)), guards.Bounds(Estate(), Limits())
    plan = Plan("mercor", Direction.CONTAIN, Scope(principals=("u2",)), ())
    (found,) = guards.limits(guards.guard(plan, snapshot, bounds))
    assert found.guard == "empty-scope"
    assert not guards.guard(replace(plan, scope=Scope()), snapshot, bounds)


# --- what spans other realms ---------------------------------------------------------------------


@MANY
@given(
    below=st.lists(
        st.tuples(st.sampled_from("bcd"), st.sampled_from(Breadth)), min_size=1, max_size=6
    ),
    realm=st.sampled_from(["a", "c2", "z"]),
    whole=st.booleans(),
)
def test_what_spans_other_realms_goes_last_or_is_said_to_stay(
    below: list[tuple[str, Breadth]], realm: str, *, whole: bool
) -> None:
    """Law 7 over realms: whatever its name, it is given back after all of theirs.

    Where only a part is given back it stays, and the plan says so.
    """

    def hold(where: str, id_: str, breadth: Breadth, *, spans: bool = False) -> Hold:
        after, address = State('"off"'), Address("cloud", where, "switch", id_)
        change = Change(address, None, after, "r", breadth, principal=id_, spans=spans)
        return Hold(address, FIRST, None, after, change, written=True)

    over = hold(realm, "over", Breadth.EVERYWHERE, spans=True)
    holds = [hold(where, f"{n}", breadth) for n, (where, breadth) in enumerate(below)]
    scope = Scope() if whole else Scope(realms=tuple({where for where, _ in below}))
    back = planner.plan_restore("mercor", FIRST, [over, *holds], scope)
    if whole:
        assert back.changes[-1].address == over.address
        assert not back.skips
    else:
        assert over.address not in {change.address for change in back.changes}
        assert over.address in {skip.address for skip in back.skips}
