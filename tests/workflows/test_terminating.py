"""A pause is terminated: asked for, approved by another, removed for good, and held on."""

import asyncio
from functools import partial
from pathlib import Path

import pytest
from support.pausing import PAUSE, PLAYBOOK, Line, a_line
from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError

from activities import api, vouching
from activities.telling import Teller
from stopline.approving import Approvers
from stopline.entrypoints.adoption import adopted_state
from stopline.errors import ConnectorError, RefusedError
from stopline.journal.outbox import Draft, NoticeState
from stopline.journal.pauses import PauseStatus
from stopline.model import Direction, Document, Scope
from stopline.notices.drafting import Facts
from stopline.receipts import Cause
from stopline.terminating import How
from workflows import messages as m

NOTICES = """\
contact: "+1 555 0100"
channels:
  room: {kind: webhook, secret: NOTICES_ROOM, url: "https://127.0.0.1:9/room"}
  out: {kind: webhook, secret: NOTICES_ROOM, url: "https://127.0.0.1:9/out"}
audiences:
  responders: [{channel: room}]
vendors:
  mercor:
    vendor: [{channel: out}]
"""


async def terminate(
    handle: WorkflowHandle, request: str = "first", by: str = "alice", scope: Scope | None = None
) -> api.PlanRef:
    """Ask for the permanent end, as alice."""
    reason = "the contract has ended"
    asked = api.RestoreOrder(by=by, reason=reason, request=request, scope=scope or Scope())
    return await handle.execute_update(m.TERMINATE, asked, result_type=api.PlanRef)


async def terminated(line: Line, handle: WorkflowHandle) -> m.Status:
    """Ask, approve as bob, and wait until it is done."""
    ref = await terminate(handle)
    await line.approve(handle, ref.digest, "bob")
    return await line.until(handle, lambda s: s.summary.result == "terminated")


def keys(line: Line) -> dict[str, str]:
    """The key `one` of each principal that still has it."""
    found = line.world.principals.items()
    return {name: p.switches["one"] for name, p in found if "one" in p.switches}


def test_a_termination_removes_what_was_contained_and_holds_the_rest() -> None:
    """The keys are gone, the denies stand, the pause is terminated, and audits still look at it."""

    async def scenario() -> None:
        async with a_line() as line:
            handle = await line.pause()
            denies = {n: set(p.attached) for n, p in line.world.principals.items()}
            status = await terminated(line, handle)
            assert keys(line) == {"mercer": "on"}
            assert {n: set(p.attached) for n, p in line.world.principals.items()} == denies
            assert status.summary.held == len(line.book.writes.holds(PAUSE)) > 0
            pause = line.book.pauses.get(PAUSE)
            assert pause.status is PauseStatus.TERMINATED
            removed = line.book.pauses.removed(PAUSE)
            assert {one.how for one in removed} == {How.REMOVED}
            assert len(removed) == len(denies) - 1
            await line.rests(handle)
            found = await handle.execute_update(m.AUDIT, m.Audit("carol"), result_type=api.Audited)
            assert found.clean
            assert line.book.pauses.get(PAUSE).status is PauseStatus.TERMINATED
            state = adopted_state(line.book, pause, api.Options())
            assert (state.phase, state.summary.result) == (m.Phase.PAUSED, "terminated")
            assert line.book.store.verify()[1] == ""

    asyncio.run(scenario())


@pytest.mark.parametrize(("who", "gone"), [("v0", 1), ("nobody", 0)])
def test_the_end_of_a_part_is_not_the_end_of_the_pause(tmp_path: Path, who: str, gone: int) -> None:
    """What was named is gone; the rest is held as before, under a pause that is not terminated.

    Those inside hear that it is contained still; to those outside that is no news.
    """
    (tmp_path / "notices.yaml").write_text(NOTICES)

    async def scenario() -> None:
        async with a_line(teller=Teller(tmp_path)) as line:
            handle = await line.pause()
            ref = await terminate(handle, scope=Scope(principals=(who,)))
            await line.approve(handle, ref.digest, "bob")
            await line.until(handle, lambda s: s.phase is m.Phase.PAUSED and not s.pending)
            assert len(line.book.pauses.removed(PAUSE)) == gone
            assert line.book.pauses.get(PAUSE).status is PauseStatus.CONTAINED
            assert not line.book.pauses.is_terminated(PAUSE)
            # Where the first word was not out yet when the end began, it was withdrawn.
            out = [
                n
                for n in line.book.outbox.of(PAUSE)
                if n.state in (NoticeState.PENDING, NoticeState.SENT)
            ]
            told = [(n.audience, n.event) for n in out]
            assert told.count(("responders", "contained")) == 2
            assert [one for one in told if one[0] == "vendor"] == [("vendor", "contained")]

    asyncio.run(scenario())


def test_a_rollback_of_the_rest_is_no_giving_back_of_all() -> None:
    """The pause closes; what is told of it is that it was terminated, and to nobody outside."""

    async def scenario() -> None:
        told: list[str] = []

        class Listening(Teller):
            def drafts(self, facts: Facts) -> tuple[Draft, ...]:
                told.append(facts.event)
                return ()

        async with a_line(teller=Listening()) as line:
            handle = await line.pause()
            await terminated(line, handle)
            await line.rests(handle)
            assert (await line.restored(handle)).result == "restored"
            assert line.book.pauses.get(PAUSE).status is PauseStatus.CLOSED
            assert "restored" not in told
            assert told[-1] == "terminated"

    asyncio.run(scenario())


def test_nobody_approves_what_they_asked_for_themselves() -> None:
    """The plan waits, nothing is gone; a rejection withdraws it, and the pause stays as it was."""

    async def scenario() -> None:
        async with a_line() as line:
            handle = await line.pause()
            contained = line.world.picture()
            ref = await terminate(handle)
            status = await line.status(handle)
            assert (status.direction, status.phase) == (Direction.TERMINATE, m.Phase.PAUSED)
            with pytest.raises(WorkflowUpdateFailedError):
                await line.approve(handle, ref.digest, "alice")
            await handle.execute_update(m.REJECT, m.Reject("bob", "not yet"), result_type=str)
            assert line.world.picture() == contained
            assert line.book.pauses.get(PAUSE).status is PauseStatus.CONTAINED

    asyncio.run(scenario())


def test_the_worker_removes_nothing_that_nobody_approved() -> None:
    """Sent past the workflow, also where nothing is signed: the journal has no yes."""

    async def scenario() -> None:
        async with a_line() as line:
            handle = await line.pause()
            ref = await terminate(handle)
            order, plan = (await line.status(handle)).order, line.book.pauses.plan(ref.ref).plan
            batch = api.BatchOrder(order, ref.ref, Direction.TERMINATE)
            with pytest.raises(RefusedError, match="Too few have approved the removal"):
                vouching.require(line.book, Approvers(), batch, plan.work, 1)
            back = api.BatchOrder(order, ref.ref, Direction.RESTORE)
            with pytest.raises(RefusedError, match="was sent as a restore"):
                vouching.require_own(plan, back)

    asyncio.run(scenario())


def test_a_yes_to_a_rollback_is_none_to_a_termination() -> None:
    """What was said to one request covers nothing of the other; the latest request counts."""

    async def scenario() -> None:
        async with a_line() as line:
            handle = await line.pause()
            ref = await terminate(handle)
            order, plan = (await line.status(handle)).order, line.book.pauses.plan(ref.ref).plan
            word = api.Vouching(
                order, "bob", "yes", ref.ref, ref.digest, Direction.TERMINATE, "first", "alice"
            )
            vouching.write_down(line.book, Approvers(), word)
            batch = api.BatchOrder(order, ref.ref, Direction.TERMINATE)
            vouching.require(line.book, Approvers(), batch, plan.work, 1)
            with pytest.raises(RefusedError):
                vouching.require(line.book, Approvers(), batch, plan.work, 2)
            await handle.execute_update(m.REJECT, m.Reject("bob", "no"), result_type=str)
            with pytest.raises(RefusedError):
                vouching.require(line.book, Approvers(), batch, plan.work, 1)
            await line.rollback(handle, request="second")
            with pytest.raises(RefusedError):
                vouching.require(line.book, Approvers(), batch, plan.work, 1)

    asyncio.run(scenario())


def test_a_reassessment_can_terminate() -> None:
    """The decision is dated and kept, and asks for the same plan as the command does."""

    async def scenario() -> None:
        async with a_line() as line:
            handle = await line.pause()
            ask = api.RestoreOrder(by="alice", reason="over", request="first")
            word = m.Reassess("alice", m.END, "over", restore=ask)
            ref = await handle.execute_update(m.REASSESS, word, result_type=api.PlanRef)
            assert line.book.pauses.plan(ref.ref).plan.direction is Direction.TERMINATE
            (said,) = line.book.pauses.events(PAUSE, "reassessed")
            assert said.data["decision"] == "terminate"
            await line.approve(handle, ref.digest, "bob")
            await line.until(handle, lambda s: s.summary.result == "terminated")
            assert keys(line) == {"mercer": "on"}

    asyncio.run(scenario())


def test_a_rollback_afterwards_says_what_cannot_be_given_back() -> None:
    """The denies are lifted and the pause is closed; the keys are named, and stay gone."""

    async def scenario() -> None:
        async with a_line() as line:
            handle = await line.pause()
            await terminated(line, handle)
            await line.rests(handle)
            ref = await line.rollback(handle, request="second")
            plan = line.book.pauses.plan(ref.ref).plan
            lost = [s for s in plan.skips if "cannot be given back" in s.reason]
            assert len(lost) == len(line.book.pauses.removed(PAUSE))
            await line.approve(handle, ref.digest, "bob")
            await handle.result()
            assert line.book.pauses.get(PAUSE).status is PauseStatus.CLOSED
            assert keys(line) == {"mercer": "on"}
            assert not any(p.attached for p in line.world.principals.values())

    asyncio.run(scenario())


def test_a_key_that_somebody_set_meanwhile_is_not_removed_and_contained_again() -> None:
    """The termination is partial and says so; the sweep shuts the key again, nothing is deleted."""

    async def scenario() -> None:
        async with a_line() as line:
            handle = await line.pause()
            ref = await terminate(handle)
            line.world.principals["v0"].switches["one"] = "on"
            await line.approve(handle, ref.digest, "bob")
            status = await line.until(handle, lambda s: s.summary.result == "partial")
            assert "could not be removed" in status.summary.why
            assert keys(line) == {"mercer": "on", "v0": "on"}
            assert len(line.book.pauses.removed(PAUSE)) == 3

    asyncio.run(scenario())


def test_a_termination_that_was_cut_off_is_adopted_and_asked_for_again() -> None:
    """Its workflow is gone in the middle: the new one concludes, and says that it was cut off."""

    async def scenario() -> None:
        async with a_line() as line:
            handle = await line.pause()
            line.book.pauses.mark(PAUSE, PauseStatus.TERMINATING)
            await handle.terminate()
            pause = line.book.pauses.get(PAUSE)
            state = adopted_state(line.book, pause, api.Options())
            assert state.phase is m.Phase.TERMINATING
            other = await line.client.start_workflow(
                m.PAUSE_VENDOR, state, id=f"{pause.workflow}/again", task_queue=line.queue
            )
            status = await line.rests(other)
            assert "cut off" in status.summary.why
            assert not line.book.pauses.removed(PAUSE)
            await line.until(other, lambda s: s.phase is m.Phase.PAUSED)
            await terminated(line, other)
            assert keys(line) == {"mercer": "on"}

    asyncio.run(scenario())


def test_a_new_key_makes_a_terminated_pause_a_contained_one() -> None:
    """What is found and contained afterwards is not removed: that takes another termination."""

    async def scenario() -> None:
        contains = "audits: {act: contain, hours: 1}\n"
        async with a_line(playbook=f"{PLAYBOOK}{contains}") as line:
            handle = await line.pause()
            await terminated(line, handle)
            await line.rests(handle)
            line.world.principals["v0"].switches["minted"] = "on"
            await handle.execute_update(m.AUDIT, m.Audit("carol"), result_type=api.Audited)
            await line.until(handle, lambda s: s.summary.result == "contained")
            assert line.world.principals["v0"].switches["minted"] == "off"
            assert not line.book.pauses.is_terminated(PAUSE)

    asyncio.run(scenario())


@pytest.mark.night
def test_what_settles_is_waited_for_and_not_left_to_people() -> None:
    """Keys stay busy for as long as a batch is asked at once: a plan made anew has them."""

    async def scenario() -> None:
        async with a_line() as line:
            handle = await line.pause()
            planned = partial(line.book.pauses.events, PAUSE, "planned")
            before = len(planned())

            def busy(moment: str, _document: Document) -> None:
                made_anew = len(planned()) > before + 2  # one is asked for, one looked at again
                if moment == "removing" and not made_anew:
                    raise ConnectorError(Cause.BUSY, "its entries are out; our deny goes later")

            line.connector.hook = busy
            await terminated(line, handle)
            assert keys(line) == {"mercer": "on"}

    asyncio.run(scenario())
