"""A worker that comes back without a connector: the pause says so, stays, and tries again."""

import asyncio

import pytest
from support.pausing import PAUSE, PLAYBOOK, Line, a_line, a_world
from temporalio.client import WorkflowExecutionStatus, WorkflowHandle, WorkflowUpdateFailedError

from activities import api
from stopline.connectors.memory import Principal, World
from stopline.entrypoints.adoption import adopted_state
from stopline.entrypoints.cli.reading import standing
from workflows import messages as m

pytestmark = pytest.mark.night

WHY = "wants the connectors memory"


def left_open() -> World:
    """A world of which a pause is partial for good: one principal is shared."""
    world = a_world()
    world.principals["shared"] = Principal("uid-s", "mercor", shared_with=("mercer",))
    return world


def reasons(line: Line) -> list[str]:
    """Why the pause could not go on, each time that it is written down."""
    return [e.data["reason"] for e in line.book.pauses.events(PAUSE, "interrupted")]


async def lives(handle: WorkflowHandle) -> None:
    """Fail unless the pause's workflow is there still."""
    assert (await handle.describe()).status is WorkflowExecutionStatus.RUNNING


async def refusal(handle: WorkflowHandle, name: str, word: object) -> str:
    """Say something that cannot be done; return the answer, which must come soon."""
    with pytest.raises(WorkflowUpdateFailedError) as caught:
        await asyncio.wait_for(handle.execute_update(name, word), 30)
    return str(caught.value.cause)


def test_an_audit_without_its_connector_is_answered_and_tried_again() -> None:
    """Who asked hears why; the pause stays contained; once it is back, the next audit is due."""

    async def scenario() -> None:
        audited = PLAYBOOK + "audits: {hours: 24, jitter_minutes: 0}\n"
        async with a_line(playbook=audited, working=False) as line:
            async with line.working():
                handle = await line.pause(line.order(sweep_again_seconds=2))
            async with line.bare():
                assert WHY in await refusal(handle, m.AUDIT, m.Audit("carol"))
                await asyncio.sleep(3)  # it has tried again, and says the same only once
                await lives(handle)
                status = await line.status(handle)
                assert (status.phase, status.summary.result) == (m.Phase.PAUSED, "contained")
                stands = standing(line.book, line.book.pauses.get(PAUSE), status)
                assert WHY in stands.why
                (reason,) = reasons(line)
                assert reason.startswith(f"The playbook {WHY}")
            async with line.working():
                done = await line.until(handle, lambda s: s.audited.number == 1)
                assert (done.audited.by, done.interrupted) == ("stopline", "")

    asyncio.run(scenario())


def test_a_sweep_without_its_connector_leaves_the_pause_partial_and_sweeps_later() -> None:
    """It fails no workflow: once the connector is back, what is new is contained."""

    async def scenario() -> None:
        async with a_line(left_open(), working=False) as line:
            async with line.working():
                handle = await line.pause(line.order(sweep_again_seconds=2))
            async with line.bare():
                status = await line.until(handle, lambda s: WHY in s.summary.why)
                assert status.summary.result == "partial"
                await line.until(handle, lambda s: s.phase is m.Phase.PAUSED)
                await asyncio.sleep(3)
                await lives(handle)
                assert len(reasons(line)) == 1
            async with line.working():
                await line.until(handle, lambda s: s.summary.result and not s.summary.why)

    asyncio.run(scenario())


def test_a_pause_adopted_while_it_waits_for_its_second_person_waits_without_its_connector() -> None:
    """Its yes is taken, nothing can be contained and it says so; later, what was approved is."""

    async def scenario() -> None:
        second = PLAYBOOK + "approvals: {contain: second-person}\n"
        async with a_line(playbook=second, working=False) as line:
            async with line.working():
                order = await line.plan(line.order(sweep_again_seconds=2))
                handle = await line.start(order)
                await line.until(handle, lambda s: s.phase is m.Phase.AWAITING_APPROVAL)
                await handle.terminate()
            before = line.world.picture()
            state = adopted_state(line.book, line.book.pauses.get(PAUSE), api.Options())
            async with line.bare():
                handle = await line.client.start_workflow(
                    m.PAUSE_VENDOR, state, id=order.workflow, task_queue=line.queue
                )
                await line.until(handle, lambda s: s.phase is m.Phase.AWAITING_APPROVAL)
                await line.approve(handle, order.digest)
                status = await line.until(handle, lambda s: WHY in s.summary.why)
                await lives(handle)
                assert (status.summary.result, status.summary.held) == ("partial", 0)
                assert len(reasons(line)) == 1
                assert line.world.picture() == before
            async with line.working():
                await line.until(handle, lambda s: s.summary.result == "contained")

    asyncio.run(scenario())


def test_the_ends_of_a_pause_without_its_connector_are_answered_and_asked_again() -> None:
    """A termination is not planned; an approved rollback gives nothing back, and is asked anew."""

    async def scenario() -> None:
        async with a_line(working=False) as line:
            before = line.world.picture()
            async with line.working():
                handle = await line.pause()
            contained = line.world.picture()
            async with line.bare():
                ask = api.RestoreOrder(by="alice", reason="over", request="r1")
                assert WHY in await refusal(handle, m.TERMINATE, ask)
                waiting = await line.rollback(handle, request="r2")
                await line.approve(handle, waiting.digest)
                await line.until(handle, lambda s: s.phase is m.Phase.PAUSED and s.summary.why)
                await lives(handle)
                assert line.world.picture() == contained
                assert line.book.pauses.get(PAUSE).status == "partial"
                assert len(reasons(line)) == 2
            async with line.working():
                assert (await line.restored(handle)).result == "restored"
                assert line.world.picture() == before

    asyncio.run(scenario())
