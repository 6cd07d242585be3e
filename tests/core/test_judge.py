"""`judge` as a table: the whole safety argument of a write, case by case."""

from dataclasses import dataclass, field, replace

import pytest

from stopline.judging import NOTHING, Known, judge
from stopline.model import Address, Breadth, Change, Direction, State
from stopline.port import Observed
from stopline.receipts import Cause, Outcome

CONTAIN, RESTORE = Direction.CONTAIN, Direction.RESTORE
ON, OFF, ODD, MINE = (State.of({"Status": s}) for s in ("on", "off", "expired", "ours"))
WHERE = Address("memory", "r1", "switch", "v0/one")
TOGGLE = Change(WHERE, ON, OFF, "rule", Breadth.NARROW, uid="u0")
OVERLAY = Change(WHERE, None, MINE, "rule", Breadth.PRINCIPAL, marked=True, uid="u0")
WRITTEN = Known(prior=ON, ours=OFF, written=True, intended=True, uid="u0")
INTENDED = Known(prior=ON, ours=OFF, intended=True, uid="u0")
PUT = Known(prior=None, ours=MINE, written=True, intended=True, uid="u0")
OTHERS = replace(PUT, others=("0000000b",))
BACK, LIFT = TOGGLE.inverse(), OVERLAY.inverse()
WRITE = None


@dataclass(frozen=True)
class Case:
    """One row: what is asked, what is found and known, and what is to be said."""

    change: Change
    direction: Direction
    found: State | None
    known: Known
    outcome: Outcome | None
    held: bool
    cause: Cause = Cause.NONE
    exists: bool = True
    uid: str = field(default="u0")


CASES = {
    # a toggle, forward
    "a key that is on is switched off": Case(TOGGLE, CONTAIN, ON, NOTHING, WRITE, True),
    "a key that was off is not ours": Case(TOGGLE, CONTAIN, OFF, NOTHING, Outcome.ALREADY, False),
    "a key that we switched off is ours": Case(
        TOGGLE, CONTAIN, OFF, WRITTEN, Outcome.ALREADY, True
    ),
    "a key of which only our intent is known is unproven": Case(
        TOGGLE, CONTAIN, OFF, INTENDED, Outcome.UNPROVEN, True
    ),
    "a key that was switched on again is switched off again": Case(
        TOGGLE, CONTAIN, ON, WRITTEN, WRITE, True
    ),
    "a key in a third state is a conflict": Case(
        TOGGLE, CONTAIN, ODD, NOTHING, Outcome.CONFLICT, False, Cause.FOREIGN
    ),
    "a key in a third state that we hold stays held": Case(
        TOGGLE, CONTAIN, ODD, WRITTEN, Outcome.CONFLICT, True, Cause.FOREIGN
    ),
    "a key that is gone is contained": Case(
        TOGGLE, CONTAIN, None, NOTHING, Outcome.ALREADY, False, Cause.GONE, exists=False
    ),
    "a key of somebody else under the name is a conflict": Case(
        TOGGLE, CONTAIN, ON, NOTHING, Outcome.CONFLICT, False, Cause.RECREATED, uid="u9"
    ),
    "what we did to a former holder of the name proves nothing": Case(
        TOGGLE, CONTAIN, OFF, replace(WRITTEN, uid="u8"), Outcome.ALREADY, False
    ),
    # a toggle, back
    "a key that we switched off is switched on": Case(BACK, RESTORE, OFF, WRITTEN, WRITE, False),
    "an unproven key is given back when asked": Case(BACK, RESTORE, OFF, INTENDED, WRITE, False),
    "a key that is on again already": Case(BACK, RESTORE, ON, WRITTEN, Outcome.ALREADY, False),
    "a key that we never held is not given back": Case(
        BACK, RESTORE, OFF, NOTHING, Outcome.ALREADY, False
    ),
    "a key in a third state is not given back": Case(
        BACK, RESTORE, ODD, WRITTEN, Outcome.CONFLICT, True, Cause.FOREIGN
    ),
    "a key that another pause holds stays off": Case(
        BACK, RESTORE, OFF, replace(WRITTEN, others=("0000000b",)), Outcome.ALREADY, False
    ),
    "a restore planned for another prior state waits": Case(
        BACK, RESTORE, OFF, replace(WRITTEN, prior=ODD), Outcome.FAILED, True, Cause.BUSY
    ),
    "a key that is gone cannot be given back": Case(
        BACK, RESTORE, None, WRITTEN, Outcome.CONFLICT, False, Cause.GONE, exists=False
    ),
    "what ended while it was held cannot be given back, and is told as found": Case(
        BACK, RESTORE, ODD, WRITTEN, Outcome.CONFLICT, False, Cause.GONE, exists=False
    ),
    "what ended before it was held is gone": Case(
        TOGGLE, CONTAIN, ODD, NOTHING, Outcome.ALREADY, False, Cause.GONE, exists=False
    ),
    "nothing is given back to somebody else under the name": Case(
        BACK, RESTORE, OFF, WRITTEN, Outcome.CONFLICT, False, Cause.RECREATED, uid="u9"
    ),
    # an overlay, forward
    "an overlay that is not there is put": Case(OVERLAY, CONTAIN, None, NOTHING, WRITE, True),
    "an overlay of ours without a receipt is ours": Case(
        OVERLAY, CONTAIN, MINE, NOTHING, Outcome.APPLIED, True
    ),
    "an overlay of ours with a receipt is ours already": Case(
        OVERLAY, CONTAIN, MINE, PUT, Outcome.ALREADY, True
    ),
    "an altered overlay is mended": Case(OVERLAY, CONTAIN, ODD, PUT, WRITE, True),
    "an altered overlay is mended without a record too": Case(
        OVERLAY, CONTAIN, ODD, NOTHING, WRITE, True
    ),
    # an overlay, back
    "an overlay is lifted": Case(LIFT, RESTORE, MINE, PUT, WRITE, False),
    "an altered overlay is lifted": Case(LIFT, RESTORE, ODD, PUT, WRITE, False),
    "an overlay that somebody took out is lifted already": Case(
        LIFT, RESTORE, None, PUT, Outcome.ALREADY, False
    ),
    "an overlay that another pause holds stays": Case(
        LIFT, RESTORE, MINE, OTHERS, Outcome.ALREADY, False
    ),
    "an overlay whose owner is gone is lifted": Case(
        LIFT, RESTORE, None, PUT, Outcome.ALREADY, False, Cause.GONE, exists=False
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_judge(name: str) -> None:
    """Each case has one answer: write, or why not, and whether it is held."""
    case = CASES[name]
    states = {} if case.found is None else {WHERE: case.found}
    observed = Observed(WHERE.document, states, uid=case.uid, exists=case.exists)
    verdict = judge(case.change, case.direction, observed, case.known)
    assert (verdict.outcome, verdict.held, verdict.cause) == (case.outcome, case.held, case.cause)
    if verdict.cause is not Cause.NONE:
        assert verdict.detail


@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize("known", [NOTHING, WRITTEN, INTENDED, PUT, OTHERS])
@pytest.mark.parametrize("found", [None, ON, OFF, ODD, MINE])
@pytest.mark.parametrize("change", [TOGGLE, OVERLAY])
def test_judge_never_writes_over_a_stranger(
    change: Change, found: State | None, known: Known, direction: Direction
) -> None:
    """Over all cases: a write means that `before`, or something of ours, is what stands there."""
    asked = change if direction is CONTAIN else change.inverse()
    states = {} if found is None else {WHERE: found}
    observed = Observed(WHERE.document, states, uid="u0")
    verdict = judge(asked, direction, observed, known)
    if verdict.outcome is None:
        bears_mark = change.marked and found is not None
        left_by_us = direction is not CONTAIN and found == known.ours
        assert found == change.before or bears_mark or left_by_us
        assert not (direction is not CONTAIN and known.others)
        assert known.written or direction is not Direction.TERMINATE
        assert verdict.held is (direction is CONTAIN)


def test_who_is_half_removed_for_good_is_not_said_to_be_given_back() -> None:
    """Our deny is gone, and what ends them denies them still: neither restored nor let go."""
    there = Observed(WHERE.document, {}, uid="u0", ending=True)
    verdict = judge(LIFT, RESTORE, there, PUT)
    assert (verdict.outcome, verdict.held, verdict.cause) == (Outcome.FAILED, True, Cause.BUSY)
    whole = replace(there, ending=False)
    assert judge(LIFT, RESTORE, whole, PUT).outcome is Outcome.ALREADY
