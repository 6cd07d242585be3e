"""A paused vendor is watched: what was opened again is found, and contained or only reported."""

import asyncio
import threading
from collections.abc import Mapping
from dataclasses import replace

import pytest
from support.pausing import PAUSE, PLAYBOOK, Line, a_line
from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError

from activities import api
from stopline.connectors.memory import Principal
from stopline.recovery.places import Kept
from workflows import messages as m

SOON = f"{PLAYBOOK}audits: {{hours: 0.0003, jitter_minutes: 0}}\n"
REPORT = f"{PLAYBOOK}audits: {{act: report}}\n"


class Nowhere:
    """A place where no sheet can be kept."""

    def keep(self, name: str, files: Mapping[str, str]) -> Kept:
        """Fail, as a fault of ours would."""
        raise RuntimeError(f"{name}: {len(files)} files, and no place")


def reopen(line: Line) -> None:
    """An attacker detaches our deny, switches a key on again and mints another."""
    with line.world.lock:
        principal = line.world.principals["v0"]
        principal.attached.clear()
        principal.switches["one"] = "on"
        principal.switches["minted"] = "on"


async def audit(handle: WorkflowHandle) -> api.Audited:
    """Audit now."""
    return await handle.execute_update(m.AUDIT, m.Audit("carol"), result_type=api.Audited)


def test_an_untouched_pause_is_clean_and_says_so_in_the_journal() -> None:
    """Everything is as we left it; the audit is kept all the same."""

    async def scenario() -> None:
        async with a_line() as line:
            handle = await line.pause()
            found = await audit(handle)
            assert found.clean
            assert found.held == (await line.status(handle)).summary.held
            (event,) = line.book.pauses.events(PAUSE, "audited")
            assert (event.actor, event.data["drift"]) == ("carol", [])

    asyncio.run(scenario())


def test_what_an_attacker_opened_again_is_found_by_the_schedule_and_contained() -> None:
    """Nobody asks: the audit finds the removal, the switch and the new key, and a sweep acts."""

    async def scenario() -> None:
        async with a_line(playbook=SOON) as line:
            before = line.world.picture()
            handle = await line.pause()
            contained = line.world.picture()
            reopen(line)
            await line.until(handle, lambda s: s.audited.drifted and s.audited.fresh)
            await line.until(
                handle,
                lambda s: (
                    s.phase is m.Phase.PAUSED
                    and line.world.principals["v0"].switches["minted"] == "off"
                ),
            )
            del line.world.principals["v0"].switches["minted"]
            assert line.world.picture() == contained
            kinds = {
                one["kind"]
                for event in line.book.pauses.events(PAUSE, "audited")
                for one in event.data["drift"]
            }
            assert kinds == {"removed", "regranted"}
            waiting = await line.rollback(handle)
            await line.approve(handle, waiting.digest)
            await line.client.get_workflow_handle(handle.id).result()
            assert line.world.picture() == before

    asyncio.run(scenario())


def test_an_audit_that_only_reports_writes_nothing() -> None:
    """The playbook says report: it is found and counted, and left for a person."""

    async def scenario() -> None:
        async with a_line(playbook=REPORT) as line:
            handle = await line.pause()
            reopen(line)
            opened = line.world.picture()
            found = await audit(handle)
            assert (found.drifted, found.fresh, found.to_contain) == (2, 1, False)
            assert (await audit(handle)).again == 1
            assert line.world.picture() == opened

    asyncio.run(scenario())


def test_a_stop_that_is_said_during_an_audit_is_heard() -> None:
    """The audit reads for a while; what it finds opened again is left for a person then."""

    async def scenario() -> None:
        async with a_line() as line:
            handle = await line.pause()
            reopen(line)
            opened = line.world.picture()
            reading, go_on = threading.Event(), threading.Event()

            def wait(moment: str, _document: object) -> None:
                if moment == "read" and not reading.is_set():
                    reading.set()
                    assert go_on.wait(60)

            line.connector.hook = wait
            asked = asyncio.create_task(audit(handle))
            assert await asyncio.to_thread(reading.wait, 60)
            await handle.execute_update(m.STOP, m.Stop("alice", "leave it"), result_type=str)
            go_on.set()
            assert (await asked).drifted == 2
            assert not (await audit(handle)).contains
            status = await line.status(handle)
            assert (status.summary.result, status.audit_due) == ("stopped", False)
            assert line.world.picture() == opened

    asyncio.run(scenario())


def test_what_a_person_has_read_in_a_second_plan_is_approved_for_sweeps() -> None:
    """`pause` said again names what only a tag selects; a sheet that fails approves nothing."""

    async def scenario() -> None:
        async with a_line(place=Nowhere()) as line:
            handle = await line.pause()
            with line.world.lock:
                line.world.principals["tagged"] = Principal(
                    "t", "mercor", vouched=False, switches={"one": "on"}
                )
            assert (await audit(handle)).beyond
            again = await line.plan(replace(line.order(), requester="dana"))
            await handle.execute_update(m.CONTAIN, again, result_type=str)
            await line.until(handle, lambda s: s.phase is m.Phase.PAUSED and s.summary.result)
            assert line.world.principals["tagged"].switches["one"] == "off"
            assert not (await audit(handle)).beyond
            said = line.book.pauses.events(PAUSE, "approved")
            assert [(e.actor, e.data["ref"]) for e in said][1:] == [("dana", again.plan)]
            assert line.book.pauses.events(PAUSE, "sheet")

    asyncio.run(scenario())


def test_an_audit_never_fights_a_rollback() -> None:
    """While a rollback waits, an audit only reports."""

    async def scenario() -> None:
        async with a_line() as line:
            handle = await line.pause()
            await line.rollback(handle)
            reopen(line)
            opened = line.world.picture()
            found = await audit(handle)
            assert (found.drifted, found.contains) == (2, False)
            assert line.world.picture() == opened
            assert (await line.status(handle)).pending is not None

    asyncio.run(scenario())


def test_what_was_deleted_is_no_open_door_and_what_cannot_be_read_is_said() -> None:
    """A principal that is gone is no drift to contain; a realm that does not answer is a gap."""

    async def scenario() -> None:
        async with a_line() as line:
            handle = await line.pause()
            with line.world.lock:
                del line.world.principals["v1"]
            found = await audit(handle)
            assert (found.drifted, found.unread) == (0, 0)
            (event,) = line.book.pauses.events(PAUSE, "audited")
            assert {one["kind"] for one in event.data["drift"]} == {"gone"}
            line.world.closed.add(line.connector.realm)
            found = await audit(handle)
            assert found.gaps == 1
            assert found.unread == found.held

    asyncio.run(scenario())


def test_new_access_beyond_what_was_approved_waits_for_a_person() -> None:
    """What only a tag selects is left open by an audit too, and counted."""

    async def scenario() -> None:
        async with a_line() as line:
            handle = await line.pause()
            with line.world.lock:
                line.world.principals["tagged"] = Principal(
                    "t", "mercor", vouched=False, switches={"one": "on"}
                )
            found = await audit(handle)
            assert found.beyond
            assert line.world.principals["tagged"].switches["one"] == "on"

    asyncio.run(scenario())


def test_a_pause_that_is_not_at_rest_is_not_audited() -> None:
    """While it is contained the sweeps look; an audit is refused with the reason."""

    async def scenario() -> None:
        async with a_line() as line:
            reached, go_on = threading.Event(), threading.Event()

            def wait(moment: str, _document: object) -> None:
                if moment == "sending":
                    reached.set()
                    assert go_on.wait(60)

            line.connector.hook = wait
            handle = await line.start(await line.plan(line.order()))
            assert await asyncio.to_thread(reached.wait, 60)
            with pytest.raises(WorkflowUpdateFailedError):
                await audit(handle)
            go_on.set()
            await line.rests(handle)

    asyncio.run(scenario())
