"""What a person chooses for a conflict: over the planner and `judge` together."""

from hypothesis import given
from hypothesis import strategies as st
from support.plans import OFF, ON, OTHER, PAUSE, grant, hold, toggle

from stopline.choosing import Answer, Choice
from stopline.judging import Known, judge
from stopline.model import Direction, Scope, State
from stopline.planner import plan_restore
from stopline.port import Observed

OURS = toggle(grant("switch", "v0/one"))
ODD = State.of({"Status": "expired"})


@given(
    choice=st.sampled_from(Choice),
    now=st.sampled_from([ON, OFF, ODD, None]),
    found=st.sampled_from([ON, OFF, ODD, None]),
    shared=st.booleans(),
)
def test_a_choice_writes_over_only_what_was_shown(
    choice: Choice, now: State | None, found: State | None, *, shared: bool
) -> None:
    """Law 4 with a person's word: skip and keep never write, nor is a shared hold ever lifted."""
    mine = hold(OURS, prior=ON, ours=OFF)
    holds = (mine, hold(OURS, OTHER)) if shared else (mine,)
    chosen = {mine.address: Answer(choice, "why", now)}
    plan = plan_restore("mercor", PAUSE, holds, Scope(), answers=chosen)
    others = (OTHER,) if shared else ()
    known = Known(prior=ON, ours=OFF, written=True, intended=True, others=others)
    states = {} if found is None else {mine.address: found}
    observed = Observed(mine.address.document, states)
    assert len(plan.work) == (choice is not Choice.SKIP)
    for change in plan.work:
        verdict = judge(change, Direction.RESTORE, observed, known)
        if verdict.outcome is None:
            assert choice is Choice.RESTORE_BEFORE
            assert not shared
            assert found in (now, OFF)
        elif choice is Choice.KEEP_NOW and not shared:
            assert verdict.held is (found != now)


@given(now=st.sampled_from([OFF, ODD, None]))
def test_the_digest_covers_choice_reason_and_what_was_shown(now: State | None) -> None:
    """An approval of one choice is none of another, nor of the same over another state."""
    mine = hold(OURS, prior=ON, ours=OFF)
    digests = [
        plan_restore("mercor", PAUSE, (mine,), Scope(), answers={mine.address: answer}).digest
        for answer in (
            *(Answer(choice, "why", now) for choice in Choice),
            Answer(Choice.KEEP_NOW, "another", now),
            Answer(Choice.RESTORE_BEFORE, "why", State.of({"Status": "third"})),
        )
    ]
    assert len(set(digests)) == len(digests)


@given(
    choice=st.sampled_from([Choice.KEEP_NOW, Choice.RESTORE_BEFORE]),
    now=st.sampled_from([ODD, None]),
)
def test_a_shared_hold_is_let_go_as_without_a_choice(choice: Choice, now: State | None) -> None:
    """Law 8: the plan is the one that no choice would have made, and it has no change to write."""
    mine = hold(OURS, prior=ON, ours=OFF)
    holds = (mine, hold(OURS, OTHER))
    answered = {mine.address: Answer(choice, "why", now)}
    plan = plan_restore("mercor", PAUSE, holds, Scope(), answers=answered)
    assert plan == plan_restore("mercor", PAUSE, holds, Scope())
    assert not plan.changes
