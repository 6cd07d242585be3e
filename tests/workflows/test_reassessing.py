"""A pause is reassessed: kept until a next date, or rolled back; late, it is shown and stays."""

import asyncio
import time

import pytest
from support.pausing import PAUSE, PLAYBOOK, a_line
from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError

from activities import api
from stopline.entrypoints.adoption import adopted_state
from stopline.model import Scope
from workflows import messages as m

SOON = f"{PLAYBOOK}review_days: 0.000015\n"
NEVER = f"{PLAYBOOK}review_days: 0\n"


async def reassess(handle: WorkflowHandle, decision: str, **more: object) -> api.PlanRef:
    """Decide as alice."""
    word = m.Reassess("alice", decision, "looked at it", **more)
    return await handle.execute_update(m.REASSESS, word, result_type=api.PlanRef)


def test_a_date_that_passes_is_said_once_and_lifts_nothing() -> None:
    """Overdue is journalled once for each date; all stays contained, audits go on."""

    async def scenario() -> None:
        async with a_line(playbook=SOON) as line:
            handle = await line.pause()
            contained = line.world.picture()
            pauses = line.book.pauses
            await line.until(handle, lambda _: pauses.events(PAUSE, "review-overdue"))
            await handle.execute_update(m.AUDIT, m.Audit("carol"), result_type=api.Audited)
            await asyncio.sleep(2)
            assert len(pauses.events(PAUSE, "review-overdue")) == 1
            assert pauses.overdue(pauses.get(PAUSE))
            state = adopted_state(line.book, pauses.get(PAUSE), api.Options())
            assert state.escalated == state.review_by > 0
            assert line.world.picture() == contained
            await reassess(handle, "keep")
            await line.until(handle, lambda _: len(pauses.events(PAUSE, "review-overdue")) == 2)
            assert line.world.picture() == contained

    asyncio.run(scenario())


def test_keep_sets_the_next_date_with_author_and_reason() -> None:
    """The journal has the decision; nothing is overdue before the date that was named."""

    async def scenario() -> None:
        async with a_line(playbook=NEVER) as line:
            handle = await line.pause()
            assert not line.book.pauses.review_by(PAUSE)
            later = m.utc(time.time() + 86_400)
            assert await reassess(handle, "keep", review_by=later) == api.PlanRef()
            (event,) = line.book.pauses.events(PAUSE, "reassessed")
            assert event.actor == "alice"
            assert event.data == {
                "reason": "looked at it",
                "decision": "keep",
                "review_by": later,
            }
            assert line.book.pauses.review_by(PAUSE) == later
            assert not line.book.pauses.overdue(line.book.pauses.get(PAUSE))
            assert m.utc((await line.status(handle)).review_by) == later

    asyncio.run(scenario())


def test_a_decision_to_roll_back_asks_for_it_and_another_person_approves() -> None:
    """Only the part that was named is given back, and only after a second person's yes."""

    async def scenario() -> None:
        async with a_line() as line:
            handle = await line.pause()
            contained = line.world.picture()
            part = api.RestoreOrder("alice", "cleared", Scope(principals=("v0",)), request="r")
            waiting = await reassess(handle, "rollback", restore=part)
            assert line.world.picture() == contained
            with pytest.raises(WorkflowUpdateFailedError):
                await line.approve(handle, waiting.digest, "alice")
            await line.approve(handle, waiting.digest, "bob")
            await line.until(handle, lambda s: s.phase is m.Phase.PAUSED and not s.pending)
            assert line.world.principals["v0"].switches["one"] == "on"
            assert line.world.principals["v1"].switches["one"] == "off"

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("decision", "more", "why"),
    [
        ("terminate", {}, "Who asks"),
        ("forget", {}, "is no decision"),
        ("keep", {"review_by": "2020-01-01T00:00:00Z"}, "past"),
        ("rollback", {}, "Who asks"),
    ],
)
def test_what_cannot_be_decided_is_refused_with_the_reason(
    decision: str, more: dict[str, object], why: str
) -> None:
    """Nothing is written down of it."""

    async def scenario() -> None:
        async with a_line() as line:
            handle = await line.pause()
            with pytest.raises(WorkflowUpdateFailedError) as refused:
                await reassess(handle, decision, **more)
            assert why in str(refused.value.cause)
            assert not line.book.pauses.events(PAUSE, "reassessed")

    asyncio.run(scenario())
