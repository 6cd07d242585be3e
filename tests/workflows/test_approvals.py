"""Whose yes counts: signatures, several people, a no, a yes that comes too late, and forgeries."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from support.pausing import PAUSE, PLAYBOOK, VENDOR, Line, a_line, a_world
from support.signers import a_key, needs_openssh, signers, statement
from temporalio.client import WorkflowFailureError, WorkflowHandle, WorkflowUpdateFailedError

from activities import api, vouching
from stopline.approving import GAPS, Approvers, statement_of
from stopline.configuration import Frozen
from stopline.connectors.memory import Principal
from stopline.errors import RefusedError
from stopline.evidence.certificate import certificate
from stopline.model import Direction, Scope
from stopline.signing import Statement, sign
from workflows import messages as m
from workflows.calls import reason_of

PAUSED = m.Phase.PAUSED
pytestmark = needs_openssh


def test_where_approvals_are_signed_so_is_a_yes_to_what_stays_open(tmp_path: Path) -> None:
    """Unsigned, over another plan, by the requester: refused, and the pause stays partial."""

    async def scenario() -> None:
        approvers = signers(tmp_path, "bob", "alice")
        world = a_world()
        world.principals["shared"] = Principal("uid-s", "mercor", shared_with=("mercer",))
        async with a_line(world, approvers=approvers) as line:
            handle = await line.pause()
            assert (await line.status(handle)).summary.result == "partial"
            pause = line.book.pauses.get(PAUSE)
            digest = line.book.pauses.last_containment(PAUSE)
            signed = statement_of(GAPS, line.book.id, pause, "bob", "known", digest)
            key, other = tmp_path / "bob", replace(signed, digest="0" * 64)
            for by, about, signature in (
                ("bob", digest, ""),
                ("bob", digest, sign(other, key)),
                ("bob", other.digest, sign(other, key)),
                ("alice", digest, sign(replace(signed, by="alice"), tmp_path / "alice")),
            ):
                with pytest.raises(WorkflowUpdateFailedError):
                    await accept(handle, api.Acknowledgement(by, "known", about, signature))
            assert (await line.status(handle)).summary.result == "partial"
            yes = api.Acknowledgement("bob", "known", digest, sign(signed, key))
            assert (await accept(handle, yes)).result == "contained"

    asyncio.run(scenario())


async def accept(handle: WorkflowHandle, yes: api.Acknowledgement) -> api.Summary:
    """Say that the gaps and what was left open are known."""
    summary: api.Summary = await handle.execute_update(m.ACKNOWLEDGE, yes, result_type=api.Summary)
    return summary


def test_where_approvals_are_signed_only_the_approvers_key_counts(tmp_path: Path) -> None:
    """Unsigned, by a stranger, under another name, over another request: refused. Signed: done."""

    async def scenario() -> None:
        approvers = signers(tmp_path, "bob")
        stranger = a_key(tmp_path, "mallory")
        async with a_line(approvers=approvers) as line:
            before = line.world.picture()
            handle = await line.pause()
            waiting = await line.rollback(handle, request="first")
            right = await statement(line, handle, "bob")
            for by, signature in (
                ("bob", ""),
                ("bob", sign(right, stranger)),
                ("mallory", sign(replace(right, by="mallory"), stranger)),
                ("bob", sign(replace(right, request="another"), tmp_path / "bob")),
                ("bob", sign(replace(right, direction="contain"), tmp_path / "bob")),
                ("bob", sign(replace(right, pause="0000beef"), tmp_path / "bob")),
            ):
                with pytest.raises(WorkflowUpdateFailedError):
                    await line.approve(handle, waiting.digest, by, signature)
            assert line.world.picture() != before
            await line.approve(handle, waiting.digest, "bob", sign(right, tmp_path / "bob"))
            await line.client.get_workflow_handle(handle.id).result()
            assert line.world.picture() == before
            (yes,) = [
                e for e in line.book.pauses.events("0000abcd", "approved") if e.actor == "bob"
            ]
            assert approvers.stands(Statement(**yes.data["signed"]), yes.data["signature"])

    asyncio.run(scenario())


def test_a_forged_workflow_gives_nothing_back_without_a_signature(tmp_path: Path) -> None:
    """Who may start workflows, and says in one that it is approved, moves no batch."""

    async def scenario() -> None:
        async with a_line(approvers=signers(tmp_path, "bob")) as line:
            handle = await line.pause()
            contained = line.world.picture()
            waiting = await line.rollback(handle)
            status = await line.status(handle)
            await handle.terminate()
            other = await line.client.start_workflow(
                m.PAUSE_VENDOR,
                forged(status, waiting),
                id=f"forged/{line.book.id}",
                task_queue=line.queue,
            )
            ended = await line.until(other, lambda s: s.summary.result)
            assert "Too few have signed" in ended.summary.why
            assert line.world.picture() == contained

    asyncio.run(scenario())


def forged(status: m.Status, plan: api.PlanRef, request: str = "") -> m.PauseState:
    """What somebody starts who speaks to Temporal: a pause in which all of it was approved."""
    return m.PauseState(
        order=replace(status.order, workflow=f"forged/{status.order.journal}"),
        opened=True,
        phase=m.Phase.PAUSED,
        restore=api.RestoreOrder("alice", "reassessed", request=request),
        pending=plan,
        approved=m.Approve("bob", plan.digest),
    )


async def shards(line: Line, order: m.ShardOrder) -> None:
    """Start a plan's shard by hand; it fails, or does nothing that is not allowed."""
    handle = await line.client.start_workflow(
        m.SHARD,
        order,
        id=f"shard-by-hand/{line.book.id}",
        task_queue=line.queue,
        result_type=api.Tally,
    )
    with suppress(WorkflowFailureError):
        await handle.result()


def test_a_rollback_sent_as_a_containment_gives_nothing_back(tmp_path: Path) -> None:
    """Nobody signs for a containment: the plan's own direction is what counts."""

    async def scenario() -> None:
        async with a_line(approvers=signers(tmp_path, "bob")) as line:
            handle = await line.pause()
            contained = line.world.picture()
            waiting = await line.rollback(handle)
            order = (await line.status(handle)).order
            await handle.execute_update(m.REJECT, m.Reject("bob", "no"), result_type=str)
            plan = line.book.pauses.plan(waiting.ref).plan
            for connector, realm in {(c.address.connector, c.address.realm) for c in plan.work}:
                outline = api.Outline(connector, realm, (((0, len(plan.work)),),), len(plan.work))
                await shards(line, m.ShardOrder(order, waiting.ref, Direction.CONTAIN, outline))
            assert line.world.picture() == contained

    asyncio.run(scenario())


def test_whoever_sends_other_configuration_needs_no_fewer_people(tmp_path: Path) -> None:
    """How many must sign is what the pause was opened with, not what a caller names."""

    async def scenario() -> None:
        two = f"{PLAYBOOK}approvals: {{people: 2}}\n"
        async with a_line(approvers=signers(tmp_path, "bob", "carol"), playbook=two) as line:
            handle = await line.pause()
            contained = line.world.picture()
            waiting = await line.rollback(handle, request="first")
            said = await statement(line, handle, "bob")
            await line.approve(handle, waiting.digest, "bob", sign(said, tmp_path / "bob"))
            state = forged(await line.status(handle), waiting, "first")
            one = line.book.pauses.keep("frozen", Frozen(VENDOR, PLAYBOOK, "{}").dump())
            state.order = replace(state.order, frozen=one)
            other = await line.client.start_workflow(
                m.PAUSE_VENDOR, state, id=f"forged/{line.book.id}", task_queue=line.queue
            )
            await line.until(other, lambda s: s.summary.result)
            assert line.world.picture() == contained

    asyncio.run(scenario())


def test_what_was_signed_before_a_no_counts_no_more(tmp_path: Path) -> None:
    """One of two has signed, and another rejects it: the worker takes that yes for nothing."""

    async def scenario() -> None:
        approvers, two = signers(tmp_path, "bob"), f"{PLAYBOOK}approvals: {{people: 2}}\n"
        async with a_line(approvers=approvers, playbook=two) as line:
            handle = await line.pause()
            waiting = await line.rollback(handle, request="first")
            said = await statement(line, handle, "bob")
            await line.approve(handle, waiting.digest, "bob", sign(said, tmp_path / "bob"))
            order, work = (await line.status(handle)).order, line.book.pauses.plan(waiting.ref)
            batch = api.BatchOrder(order, waiting.ref, Direction.RESTORE)
            vouching.require(line.book, approvers, batch, work.plan.work, 1)
            await handle.execute_update(m.REJECT, m.Reject("carol", "no"), result_type=str)
            with pytest.raises(RefusedError, match="Too few have signed"):
                vouching.require(line.book, approvers, batch, work.plan.work, 1)

    asyncio.run(scenario())


def test_what_was_signed_counts_no_more_once_it_could_not_go_on(tmp_path: Path) -> None:
    """Without its connector the request is withdrawn, and the worker takes the yes for nothing."""

    async def scenario() -> None:
        approvers = signers(tmp_path, "bob")
        async with a_line(approvers=approvers, working=False) as line:
            async with line.working():
                handle = await line.pause()
                asked = api.RestoreOrder(by="alice", reason="over", request="first")
                waiting = await handle.execute_update(m.TERMINATE, asked, result_type=api.PlanRef)
            async with line.bare():
                said = await statement(line, handle, "bob", direction="terminate")
                await line.approve(handle, waiting.digest, "bob", sign(said, tmp_path / "bob"))
                status = await line.until(handle, lambda s: s.interrupted and not s.pending)
            work = line.book.pauses.plan(waiting.ref).plan.work
            batch = api.BatchOrder(status.order, waiting.ref, Direction.TERMINATE)
            with pytest.raises(RefusedError, match="Too few have approved"):
                vouching.require(line.book, approvers, batch, work, 1)

    asyncio.run(scenario())


def test_an_audit_that_cannot_go_on_keeps_what_was_signed(tmp_path: Path) -> None:
    """The rollback waits as before, and the signature under its request gives back."""

    async def scenario() -> None:
        approvers, two = signers(tmp_path, "bob", "carol"), f"{PLAYBOOK}approvals: {{people: 2}}\n"
        async with a_line(approvers=approvers, playbook=two, working=False) as line:
            before = line.world.picture()
            async with line.working():
                handle = await line.pause()
                waiting = await line.rollback(handle, request="first")
                said = await statement(line, handle, "bob")
                await line.approve(handle, waiting.digest, "bob", sign(said, tmp_path / "bob"))
            async with line.bare():
                with pytest.raises(WorkflowUpdateFailedError):
                    await handle.execute_update(m.AUDIT, m.Audit("carol"), result_type=api.Audited)
            assert line.book.pauses.events(PAUSE, "interrupted")
            async with line.working():
                said = await statement(line, handle, "carol")
                await line.approve(handle, waiting.digest, "carol", sign(said, tmp_path / "carol"))
                await handle.result()
            assert line.world.picture() == before

    asyncio.run(scenario())


def test_what_was_signed_gives_back_once(tmp_path: Path) -> None:
    """Contained again after a rollback in part, it takes another request and other signatures."""

    async def scenario() -> None:
        async with a_line(approvers=signers(tmp_path, "bob")) as line:
            handle = await line.pause()
            contained = line.world.picture()
            part = Scope(principals=("v0",))
            waiting = await line.rollback(handle, request="first", scope=part)
            said = await statement(line, handle, "bob")
            await line.approve(handle, waiting.digest, "bob", sign(said, tmp_path / "bob"))
            await line.until(handle, lambda s: s.pending is None and s.phase is PAUSED)
            assert line.world.picture() != contained
            again = await line.plan(line.order())
            await handle.execute_update(m.CONTAIN, again, result_type=str)
            await line.until(handle, lambda _: line.world.picture() == contained)
            await line.rests(handle)
            state = forged(await line.status(handle), waiting, "first")
            assert state.restore is not None
            state.restore = replace(state.restore, scope=part)
            other = await line.client.start_workflow(
                m.PAUSE_VENDOR, state, id=f"forged/{line.book.id}", task_queue=line.queue
            )
            await line.until(other, lambda s: s.summary.result)
            assert line.world.picture() == contained

    asyncio.run(scenario())


def test_two_people_must_say_yes_where_the_playbook_wants_two() -> None:
    """One yes waits for the other; the same person twice is one."""

    async def scenario() -> None:
        async with a_line(playbook=f"{PLAYBOOK}approvals: {{people: 2}}\n") as line:
            before = line.world.picture()
            handle = await line.pause()
            waiting = await line.rollback(handle)
            await line.approve(handle, waiting.digest, "bob")
            with pytest.raises(WorkflowUpdateFailedError):
                await line.approve(handle, waiting.digest, "bob")
            status = await line.status(handle)
            assert (status.approved_by, status.approvers) == (("bob",), 2)
            assert line.world.picture() != before
            await line.approve(handle, waiting.digest, "carol")
            await line.client.get_workflow_handle(handle.id).result()
            assert line.world.picture() == before

    asyncio.run(scenario())


def test_a_no_withdraws_what_waits_and_keeps_its_reason() -> None:
    """After a rejection nothing waits, a yes comes too late, and the journal has who and why."""

    async def scenario() -> None:
        async with a_line() as line:
            handle = await line.pause()
            waiting = await line.rollback(handle)
            no = m.Reject("carol", "the vendor has not rotated its keys")
            await handle.execute_update(m.REJECT, no, result_type=str)
            with pytest.raises(WorkflowUpdateFailedError):
                await line.approve(handle, waiting.digest)
            (event,) = line.book.pauses.events("0000abcd", "rejected")
            assert (event.actor, event.data["reason"]) == ("carol", no.reason)
            assert (await line.status(handle)).summary.result == "contained"

    asyncio.run(scenario())


def test_a_pause_that_needs_a_second_person_and_is_rejected_writes_nothing() -> None:
    """A no before the containment closes the pause; the estate was not touched."""

    async def scenario() -> None:
        playbook = f"{PLAYBOOK}approvals: {{contain: second-person}}\n"
        async with a_line(playbook=playbook) as line:
            before = line.world.picture()
            handle = await line.start(await line.plan(line.order()))
            await line.until(handle, lambda s: s.phase is m.Phase.AWAITING_APPROVAL)
            await handle.execute_update(m.REJECT, m.Reject("bob", "wrong one"), result_type=str)
            end = await line.client.get_workflow_handle(handle.id, result_type=api.Summary).result()
            assert end.result == "refused"
            assert line.world.picture() == before

    asyncio.run(scenario())


def test_a_request_that_nobody_answers_is_withdrawn_and_the_pause_stays() -> None:
    """A rollback that waits too long is asked for anew; it never happens by itself."""

    async def scenario() -> None:
        async with a_line(playbook=f"{PLAYBOOK}approvals: {{hours: 0.0003}}\n") as line:
            line.world.principals["shared"] = Principal("s", "mercor", shared_with=("mercer",))
            handle = await line.pause()
            held = (await line.status(handle)).summary.held
            waiting = await line.rollback(handle)
            await line.until(handle, lambda s: s.pending is None and not s.asked_by)
            with pytest.raises(WorkflowUpdateFailedError):
                await line.approve(handle, waiting.digest)
            for _ in range(100):  # it is written down once it is withdrawn
                if line.book.pauses.events("0000abcd", "expired"):
                    break
                await asyncio.sleep(0.1)
            assert line.book.pauses.events("0000abcd", "expired")
            assert (await line.status(handle)).summary.held == held

    asyncio.run(scenario())


def test_a_signature_under_a_rollback_terminates_nothing(tmp_path: Path) -> None:
    """Unsigned, or signed for the other way: refused. Signed for this: removed, certified."""

    async def scenario() -> None:
        async with a_line(approvers=signers(tmp_path, "bob")) as line:
            handle = await line.pause()
            contained = line.world.picture()
            ask = api.RestoreOrder(by="alice", reason="over", request="first")
            waiting = await handle.execute_update(m.TERMINATE, ask, result_type=api.PlanRef)
            wrong = await statement(line, handle, "bob")
            for signature in ("", sign(wrong, tmp_path / "bob")):
                with pytest.raises(WorkflowUpdateFailedError):
                    await line.approve(handle, waiting.digest, "bob", signature)
            assert line.world.picture() == contained
            said = await statement(line, handle, "bob", direction="terminate")
            await line.approve(handle, waiting.digest, "bob", sign(said, tmp_path / "bob"))
            await line.until(handle, lambda s: s.summary.result == "terminated")
            made = certificate(line.book, PAUSE)
            assert made.complete
            assert [(w.by, w.signed) for w in made.words] == [("alice", False), ("bob", True)]

    asyncio.run(scenario())


def test_who_may_not_ask_opens_nothing_and_gets_nothing_back(tmp_path: Path) -> None:
    """The worker's roles say who may; the pause stays as it is, and its requester is told."""

    async def scenario() -> None:
        roles = tmp_path / "roles.yaml"
        roles.write_text("approvers: ['*']\nrequesters: [carol]\nsignatures: optional\n")
        async with a_line(approvers=Approvers(tmp_path)) as line:
            handle = await line.start(await line.plan(line.order()))
            ended = await handle.result()
            assert (ended["result"], "alice may not ask" in ended["why"]) == ("refused", True)
            assert line.book.pauses.list() == ()
            roles.write_text("approvers: ['*']\nrequesters: [alice]\nsignatures: optional\n")
            handle = await line.pause()
            held = len(line.book.writes.holds())
            carols = api.RestoreOrder(by="carol", reason="over")
            with pytest.raises(WorkflowUpdateFailedError) as refused:
                await handle.execute_update(m.ROLLBACK, carols, result_type=api.PlanRef)
            assert "carol may not ask" in reason_of(refused.value.cause or refused.value)
            assert (await line.status(handle)).pending is None
            assert line.book.store.events(kind="rollback") == ()
            assert len(line.book.writes.holds()) == held > 0

    asyncio.run(scenario())
