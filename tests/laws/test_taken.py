"""What a pause took out stands nowhere any more: a second pause holds it all the same."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from support.plans import OTHER, PAUSE, grant, hold, planned, toggle

from stopline.model import Change, Scope, State
from stopline.planner import Standing, plan_restore

ENTRIES = st.sets(st.sampled_from("abcdef"), min_size=1)


def taken(name: str) -> Change:
    """One member is taken out of a policy."""
    proto = toggle(grant("member", f"data#{name}"))
    return replace(proto, before=State.of({"member": name}), after=None)


@given(ENTRIES, ENTRIES)
def test_law_8_lifting_one_of_two_pauses_gives_back_nothing_that_was_taken_out(
    first: set[str], still: set[str]
) -> None:
    """The second claims it, the first gives its hold up without a write, the last gives it back."""
    holds = tuple(hold(taken(name), OTHER) for name in sorted(first))
    claims = planned(standing=Standing(holds, taken=holds)).claims
    assert {c.address.part for c in claims} == first
    mine = tuple(replace(hold(c), prior=c.before, ours=c.after) for c in claims)
    lifted = plan_restore("mercor", OTHER, (*holds, *mine), Scope())
    assert not lifted.changes
    assert {c.address.part for c in lifted.claims} == first
    last = plan_restore("mercor", PAUSE, mine, Scope())
    assert {c.after for c in last.changes} == {State.of({"member": name}) for name in first}
    back = tuple(hold(taken(name), OTHER) for name in sorted(first - still))
    assert {c.address.part for c in planned(standing=Standing(back, taken=back)).claims} == (
        first - still
    )


@given(ENTRIES)
def test_law_5_a_pause_of_less_claims_no_more(names: set[str]) -> None:
    """What another pause took out is claimed inside the scope alone."""
    holds = tuple(hold(taken(name), OTHER) for name in sorted(names))
    scope = Scope(principals=("data#a",))
    claims = planned(standing=Standing(holds, taken=holds), scope=scope).claims
    assert {c.principal for c in claims} <= {"data#a"}
    elsewhere = Scope(realms=("r2",))
    assert not planned(standing=Standing(holds, taken=holds), scope=elsewhere).claims
