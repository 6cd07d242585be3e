"""A choice for a conflict that cannot be meant is refused where it is said, and nothing hangs."""

import asyncio
from dataclasses import replace

import pytest
from support.pausing import a_line
from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError

from activities import api
from stopline.choosing import Choice, Chosen, answers
from stopline.errors import UserError
from workflows import messages as m

JUNK = (Chosen("junk", Choice.KEEP_NOW, "typed by hand"),)
FINE = (Chosen("memory:r1:switch:v0/one", Choice.SKIP, "not now"),)
ASK = api.RestoreOrder(by="alice", reason="over", request="r1")


async def refusal(handle: WorkflowHandle, name: str, word: object) -> str:
    """Ask for what cannot be meant; return the answer, which must come soon."""
    with pytest.raises(WorkflowUpdateFailedError) as caught:
        await asyncio.wait_for(handle.execute_update(name, word), 20)
    return str(caught.value.cause)


def test_a_choice_that_is_none_is_refused_and_the_pause_rests_on() -> None:
    """No address, or a choice for a termination: refused, also as a reassessment's decision."""

    async def scenario() -> None:
        async with a_line() as line:
            handle = await line.pause()
            junk, fine = replace(ASK, choices=JUNK), replace(ASK, choices=FINE)
            back, end = m.Reassess("alice", m.BACK, "over"), m.Reassess("alice", m.END, "over")
            for name, word, why in (
                (m.ROLLBACK, junk, "'junk'"),
                (m.REASSESS, replace(back, restore=junk), "'junk'"),
                (m.TERMINATE, fine, "choices are for a rollback"),
                (m.REASSESS, replace(end, restore=fine), "choices are for a rollback"),
            ):
                assert why in await refusal(handle, name, word)
                assert (await line.status(handle)).phase is m.Phase.PAUSED
            asked = await handle.execute_update(m.ROLLBACK, fine, result_type=api.PlanRef)
            assert asked.work

    asyncio.run(scenario())


def test_the_planner_itself_calls_a_junk_choice_the_callers_fault() -> None:
    """What came by another way than the pause's own words is not tried for ever."""
    with pytest.raises(UserError, match="'junk'"):
        answers(JUNK, {})
