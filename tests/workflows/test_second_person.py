"""Where the playbook wants a second person for a containment, nobody contains more alone."""

import asyncio
from dataclasses import replace

import pytest
from support.pausing import PAUSE, PLAYBOOK, Line, a_line
from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError

from activities import api
from stopline.connectors.memory import Principal
from stopline.entrypoints.adoption import adopted_state
from stopline.model import Scope
from workflows import messages as m
from workflows.calls import reason_of

SECOND = PLAYBOOK + "approvals: {contain: second-person}\n"
AWAITING = m.Phase.AWAITING_APPROVAL


async def narrow(line: Line) -> tuple[WorkflowHandle, api.PauseOrder]:
    """A pause of one principal, as it waits for its second person."""
    order = replace(
        await line.plan(line.order(scope=Scope(principals=("v0",)))), workflow=f"p/x/{line.book.id}"
    )
    handle = await line.start(order)
    await line.until(handle, lambda s: s.phase is AWAITING)
    return handle, order


async def refused(line: Line, handle: WorkflowHandle) -> str:
    """Have more contained, of everything that the vendor has; return why that is refused."""
    wider = replace(await line.plan(line.order()), workflow=f"p/x/{line.book.id}")
    with pytest.raises(WorkflowUpdateFailedError) as caught:
        await handle.execute_update(m.CONTAIN, wider, result_type=str)
    assert caught.value.cause is not None
    return reason_of(caught.value.cause)


def kinds(line: Line) -> list[str]:
    """What the chain says of the pause."""
    return [event.kind for event in line.book.pauses.events(PAUSE)]


def test_nothing_is_added_to_what_waits_for_its_second_person() -> None:
    """It is refused, the chain has no word of it, and the yes contains what it was given to."""

    async def scenario() -> None:
        async with a_line(playbook=SECOND) as line:
            handle, order = await narrow(line)
            assert "approved or rejected" in await refused(line, handle)
            assert "contain-again" not in kinds(line)
            await line.approve(handle, order.digest)
            await line.rests(handle)
            held = {h.change.principal for h in line.book.writes.holds(PAUSE)}
            assert ("v0" in held, held & {"v1", "v2", "v3"}) == (True, set())

    asyncio.run(scenario())


def test_nobody_adds_to_an_open_pause_without_its_second_person() -> None:
    """Once contained, too: refused with the way that asks that person, after a renewal as well."""

    async def scenario() -> None:
        async with a_line(playbook=SECOND) as line:
            handle, order = await narrow(line)
            await line.approve(handle, order.digest)
            await line.rests(handle)
            held = len(line.book.writes.holds(PAUSE))
            assert "--apart" in await refused(line, handle)
            assert len(line.book.writes.holds(PAUSE)) == held
            assert "contain-again" not in kinds(line)
            state = adopted_state(line.book, line.book.pauses.get(PAUSE), api.Options())
            assert (state.opened, state.second_person) == (True, True)

    asyncio.run(scenario())


def test_an_adoption_counts_only_who_approved_the_plan_that_waits() -> None:
    """A word that added to it is not the second person's, nor is a yes to another plan."""

    async def scenario() -> None:
        async with a_line(playbook=SECOND) as line:
            handle, order = await narrow(line)
            wider = await line.plan(line.order())
            await handle.terminate()
            pauses = line.book.pauses
            for by, plan in (("mallory", wider), ("eve", order)):
                read = {"reason": "more", "plan": plan.plan, "digest": plan.digest}
                pauses.note(PAUSE, "contain-again", read, by)
                pauses.approve(PAUSE, plan.plan, plan.digest, by, "unsigned", "more")
            waiting = adopted_state(line.book, pauses.get(PAUSE), api.Options())
            assert (waiting.opened, waiting.queued) == (False, [])
            pauses.approve(PAUSE, order.plan, order.digest, "bob", "unsigned")
            assert adopted_state(line.book, pauses.get(PAUSE), api.Options()).opened

    asyncio.run(scenario())


def test_a_pause_that_an_older_release_began_takes_no_word_for_more_either() -> None:
    """Its state does not say what the playbook wants; the worker reads it, and refuses."""

    async def scenario() -> None:
        async with a_line(playbook=SECOND) as line:
            handle, order = await narrow(line)
            await line.approve(handle, order.digest)
            await line.rests(handle)
            await handle.terminate()
            state = adopted_state(line.book, line.book.pauses.get(PAUSE), api.Options())
            handle = await line.client.start_workflow(
                m.PAUSE_VENDOR,
                replace(state, second_person=False),
                id=order.workflow,
                task_queue=line.queue,
            )
            held = len(line.book.writes.holds(PAUSE))
            assert "--apart" in await refused(line, handle)
            assert len(line.book.writes.holds(PAUSE)) == held
            assert "contain-again" not in kinds(line)

    asyncio.run(scenario())


def test_what_one_person_added_in_an_old_journal_widens_no_sweep() -> None:
    """What only a tag selects, and one of two has read, waits for a person; an audit leaves it."""

    async def scenario() -> None:
        async with a_line(playbook=SECOND) as line:
            order = await line.plan(line.order())
            handle = await line.start(order)
            await line.until(handle, lambda s: s.phase is AWAITING)
            await line.approve(handle, order.digest)
            await line.rests(handle)
            tagged = Principal("t", "mercor", vouched=False, switches={"one": "on"})
            with line.world.lock:
                line.world.principals["tagged"] = tagged
            wider = await line.plan(line.order())
            read = {"reason": "more", "plan": wider.plan, "digest": wider.digest}
            line.book.pauses.note(PAUSE, "contain-again", read, "mallory")
            line.book.pauses.approve(PAUSE, wider.plan, wider.digest, "mallory", "unsigned", "more")
            found = await handle.execute_update(m.AUDIT, m.Audit("carol"), result_type=api.Audited)
            assert found.beyond > 0
            await line.rests(handle)
            assert tagged.switches["one"] == "on"

    asyncio.run(scenario())


@pytest.mark.parametrize("yes", ["", "ada@lab.example", "bob"])
def test_a_workflow_that_was_started_past_the_waiting_contains_nothing(yes: str) -> None:
    """Who only speaks to Temporal can start one so; the worker wants the yes in the journal."""

    async def scenario() -> None:
        async with a_line(playbook=SECOND) as line:
            handle, order = await narrow(line)
            await handle.terminate()
            if yes:
                requester = line.book.pauses.get(PAUSE).requester
                by = requester if yes != "bob" else yes
                line.book.pauses.approve(PAUSE, order.plan, order.digest, by, "unsigned")
            state = replace(
                adopted_state(line.book, line.book.pauses.get(PAUSE), api.Options()),
                opened=True, queued=[order], phase=m.Phase.PAUSED, pending=None,
            )  # fmt: skip
            forged = await line.client.start_workflow(
                m.PAUSE_VENDOR, state, id=order.workflow, task_queue=line.queue
            )
            await line.rests(forged)
            assert bool(line.book.writes.holds(PAUSE)) is (yes == "bob")

    asyncio.run(scenario())
