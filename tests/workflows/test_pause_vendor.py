"""The life of a pause on a real Temporal server, over the world in memory."""

import asyncio
import threading
from dataclasses import replace
from itertools import count

import pytest
from pydantic import TypeAdapter
from support.pausing import PAUSE, a_line, a_world
from temporalio.client import WorkflowFailureError, WorkflowUpdateFailedError
from temporalio.worker import Replayer

from activities import api
from stopline.connectors.memory import Principal
from stopline.entrypoints.temporal import CONVERTER
from stopline.journal.pauses import PauseStatus
from stopline.model import Scope
from workflows import messages as m
from workflows.pause_vendor import PauseVendor
from workflows.plan_vendor import PlanVendor
from workflows.shard import Shard

PAUSED = m.Phase.PAUSED


def test_a_pause_is_contained_and_rolled_back_to_the_byte() -> None:
    """Contain, then restore with a second person's approval, is the identity."""

    async def scenario() -> None:
        async with a_line() as line:
            before = line.world.picture()
            handle = await line.pause()
            assert (await line.status(handle)).summary.result == "contained"
            assert line.world.principals["v0"].switches["one"] == "off"
            assert line.world.principals["mercer"].attached == set()
            end = await line.restored(handle)
            assert (end.result, end.held) == ("restored", 0)
            assert line.world.picture() == before
            assert line.book.store.verify()[1] == ""
            assert line.book.pauses.get(PAUSE).status is PauseStatus.CLOSED

    asyncio.run(scenario())


def test_a_second_equal_trigger_joins_the_first() -> None:
    """Six triggers of one vendor and scope are one pause, and each can tell whose it is."""

    async def scenario() -> None:
        async with a_line() as line:
            orders = [await line.plan(line.order(f"0000000{i}")) for i in range(6)]
            handles = await asyncio.gather(*(line.start(order) for order in orders))
            statuses = [await line.rests(handle) for handle in handles]
            assert len({status.order.pause for status in statuses}) == 1
            assert len(line.book.pauses.list("mercor")) == 1

    asyncio.run(scenario())


def test_the_requester_cannot_approve_nor_can_another_digest() -> None:
    """A rollback needs another person, and the plan that this person has read."""

    async def scenario() -> None:
        async with a_line() as line:
            handle = await line.pause()
            waiting = await line.rollback(handle)
            with pytest.raises(WorkflowUpdateFailedError) as own:
                await line.approve(handle, waiting.digest, by="alice")
            assert "must be another person's" in str(own.value.cause)
            with pytest.raises(WorkflowUpdateFailedError) as other:
                await line.approve(handle, "0" * 64)
            assert "read it again" in str(other.value.cause)
            assert line.world.principals["v0"].switches["one"] == "off"

    asyncio.run(scenario())


def test_a_key_minted_during_containment_is_contained_without_asking() -> None:
    """An attacker who mints a key neither stops the containment nor escapes it."""

    async def scenario() -> None:
        async with a_line() as line:

            def mint(moment: str, _document: object) -> None:
                if moment == "sent":
                    line.world.principals["v1"].switches.setdefault("minted", "on")

            line.connector.hook = mint
            handle = await line.pause()
            assert (await line.status(handle)).summary.result == "contained"
            assert line.world.principals["v1"].switches["minted"] == "off"

    asyncio.run(scenario())


def test_a_tag_that_the_vendor_can_write_widens_nothing_without_a_word() -> None:
    """A principal that appears by a tag alone is left for a person, and the pause is partial."""

    async def scenario() -> None:
        async with a_line() as line:

            def tag(moment: str, _document: object) -> None:
                if moment == "sent":
                    stranger = Principal("uid-s", "mercor", vouched=False, switches={"one": "on"})
                    line.world.principals.setdefault("stranger", stranger)

            line.connector.hook = tag
            handle = await line.pause()
            summary = (await line.status(handle)).summary
            assert summary.result == "partial"
            assert summary.open_skips
            assert line.world.principals["stranger"].switches["one"] == "on"

    asyncio.run(scenario())


def test_a_stale_rollback_plan_is_shown_and_not_carried_out() -> None:
    """What changed between the request and the approval is approved anew, or not at all."""

    async def scenario() -> None:
        async with a_line() as line:
            handle = await line.pause()
            waiting = await line.rollback(handle)
            other = line.order("0000beef", Scope(principals=("v0",)))
            await line.pause(other)
            await line.approve(handle, waiting.digest)
            status = await line.until(handle, lambda s: s.stale)
            assert status.pending is not None
            assert status.pending.digest != waiting.digest
            assert line.world.principals["v1"].switches["one"] == "off"

    asyncio.run(scenario())


def test_two_pauses_of_one_vendor_lift_independently() -> None:
    """Lifting one of two pauses changes nothing where both hold; the last one restores."""

    async def scenario() -> None:
        async with a_line() as line:
            before = line.world.picture()
            first = await line.pause()
            second = await line.pause(line.order("0000beef", Scope(principals=("v0",))))
            assert (await line.restored(first)).result == "restored"
            assert line.world.principals["v0"].switches["one"] == "off"
            assert line.world.principals["v1"].switches["one"] == "on"
            assert (await line.restored(second)).result == "restored"
            assert line.world.picture() == before

    asyncio.run(scenario())


def test_stop_ends_between_documents_and_a_new_word_goes_on() -> None:
    """After `stop` nothing new is begun; `contain` with a fresh plan finishes the same pause."""

    async def scenario() -> None:
        async with a_line(a_world(20), threads=2) as line:
            reached, go_on = threading.Event(), threading.Event()
            sending = count()

            def wait_at_the_sixth(moment: str, _document: object) -> None:
                if moment == "sending" and next(sending) == 5:
                    reached.set()
                    assert go_on.wait(60)

            line.connector.hook = wait_at_the_sixth
            order = await line.plan(line.order(batch=2, window=1))
            handle = await line.start(order)
            assert await asyncio.to_thread(reached.wait, 60)
            await handle.execute_update(m.STOP, m.Stop("alice", "production"), result_type=str)
            go_on.set()
            status = await line.rests(handle)
            assert status.summary.result == "stopped"
            assert 0 < status.summary.held < line.refs[0].work
            again = await line.plan(replace(order, plan="", digest=""))
            await handle.execute_update(m.CONTAIN, again, result_type=str)
            done = await line.until(handle, lambda s: s.summary.result == "contained")
            assert done.summary.held == line.refs[0].work

    asyncio.run(scenario())


def test_a_stop_that_is_said_at_once_is_never_lost() -> None:
    """A stop said while the pause is opened, or its shards are started, stops all the same."""

    async def scenario() -> None:
        async with a_line(a_world(20), threads=2) as line:
            order = await line.plan(line.order(batch=2, window=1))
            handle = await line.start(order)
            await handle.execute_update(m.STOP, m.Stop("alice", "a mistake"), result_type=str)
            status = await line.rests(handle)
            assert status.summary.result == "stopped"
            assert status.summary.held < line.refs[0].work
            assert not status.stopping

    asyncio.run(scenario())


def test_a_stop_withdraws_a_rollback_and_ends_the_sweeps_of_a_partial_pause() -> None:
    """A pause at rest stays as it is: nothing is given back, and nothing swept, until a word."""

    async def scenario() -> None:
        async with a_line() as line:
            line.world.principals["shared"] = Principal("s", "mercor", shared_with=("mercer",))
            order = await line.plan(line.order(sweep_again_seconds=1))
            handle = await line.start(order)
            assert (await line.rests(handle)).summary.result == "partial"
            waiting = await line.rollback(handle)
            await handle.execute_update(m.STOP, m.Stop("alice", "leave it"), result_type=str)
            with pytest.raises(WorkflowUpdateFailedError):
                await line.approve(handle, waiting.digest)
            status = await line.status(handle)
            assert status.summary.result == "stopped"
            assert status.summary.held == line.refs[0].work
            assert not status.stopping

    asyncio.run(scenario())


def test_no_other_word_lifts_a_stop() -> None:
    """An acknowledgement, a rollback of nothing or of a part: it stays stopped."""

    async def scenario() -> None:
        async with a_line() as line:
            line.world.principals["shared"] = Principal("s", "mercor", shared_with=("mercer",))
            handle = await line.start(await line.plan(line.order()))
            assert (await line.rests(handle)).summary.result == "partial"
            await handle.execute_update(m.STOP, m.Stop("alice", "leave it"), result_type=str)
            known = api.Acknowledgement("alice", "it is known")
            said = await handle.execute_update(m.ACKNOWLEDGE, known, result_type=api.Summary)
            assert said.result == "stopped"
            nothing = await line.rollback(handle, scope=Scope(principals=("nobody",)))
            assert nothing.work == 0
            assert (await line.status(handle)).summary.result == "stopped"
            part = await line.rollback(handle, scope=Scope(principals=("v0",)))
            await line.approve(handle, part.digest)
            status = await line.until(handle, lambda s: not s.pending and s.phase is PAUSED)
            assert status.summary.result == "stopped"
            assert 0 < status.summary.held < line.refs[0].work
            assert line.book.pauses.get(PAUSE).status is PauseStatus.STOPPED

    asyncio.run(scenario())


def test_a_closed_realm_is_a_gap_and_a_person_can_acknowledge_it() -> None:
    """What cannot be read makes the pause partial until somebody says that it is known."""

    async def scenario() -> None:
        async with a_line() as line:

            def close(moment: str, _document: object) -> None:
                if moment == "sent" and line.world.principals["v3"].switches["one"] == "off":
                    line.world.closed.add("r1")

            line.connector.hook = close
            handle = await line.pause()
            summary = (await line.status(handle)).summary
            assert (summary.result, summary.gaps) == ("partial", 1)
            line.connector.hook = lambda _moment, _document: None
            line.world.closed.clear()
            again = await line.plan(line.order())
            await handle.execute_update(m.CONTAIN, again, result_type=str)
            done = await line.until(handle, lambda s: s.summary.result == "contained")
            assert done.summary.gaps == 0

    asyncio.run(scenario())


def test_a_yes_to_what_stays_open_is_good_for_nothing_found_later() -> None:
    """One shared principal was accepted as open; five more make the pause partial again."""

    async def scenario() -> None:
        async with a_line() as line:
            world = line.world.principals
            world["shared"] = Principal("uid-s", "mercor", shared_with=("mercer",))
            handle = await line.pause()
            word = api.Acknowledgement("bob", "known", line.book.pauses.last_containment(PAUSE))
            said = await handle.execute_update(m.ACKNOWLEDGE, word, result_type=api.Summary)
            assert (said.result, said.open_skips) == ("contained", 1)
            for number in range(5):
                name, more = f"shared-{number}", ("mercer",)
                world[name] = Principal(f"uid-{name}", "mercor", shared_with=more)
            await handle.execute_update(m.AUDIT, m.Audit("carol"), result_type=api.Audited)
            order = await line.plan(line.order())
            await handle.execute_update(m.CONTAIN, order, result_type=str)
            status = await line.until(handle, lambda s: s.summary.open_skips == 6)
            assert status.summary.result == "partial"

    asyncio.run(scenario())


def test_a_rollback_of_one_principal_leaves_the_rest_and_no_sweep_takes_it_again() -> None:
    """When production was hit, one principal is given back; the pause of the others holds."""

    async def scenario() -> None:
        async with a_line() as line:
            shared = Principal("uid-s", "mercor", shared_with=("mercer",))
            line.world.principals["shared"] = shared  # left open, so the pause sweeps by and by
            handle = await line.pause(line.order(sweep_again_seconds=1))
            waiting = await line.rollback(handle, scope=Scope(principals=("v0",)))
            await line.approve(handle, waiting.digest)
            await line.until(handle, lambda s: s.pending is None and s.phase is m.Phase.PAUSED)
            late = Principal("uid-l", "mercor", switches={"one": "on"})
            line.world.principals["late"] = late
            for _ in range(200):
                if late.switches["one"] == "off":
                    break
                await asyncio.sleep(0.05)
            assert late.switches["one"] == "off"
            assert line.world.principals["v0"].switches["one"] == "on"
            assert line.world.principals["v0"].attached == set()
            assert line.world.principals["v1"].switches["one"] == "off"

    asyncio.run(scenario())


def test_a_worker_of_another_journal_refuses() -> None:
    """A pause that names another journal is neither read nor written by this worker."""

    async def scenario() -> None:
        async with a_line() as line:
            with pytest.raises(WorkflowFailureError) as refused:
                await line.plan(replace(line.order(), journal="ffffffff"))
            assert "belongs to the journal ffffffff" in str(refused.value.cause.cause)

    asyncio.run(scenario())


def test_a_native_cancel_fails_closed() -> None:
    """Cancelling the workflow by Temporal's own means leaves contained what is contained."""

    async def scenario() -> None:
        async with a_line() as line:
            handle = await line.pause()
            await handle.cancel()
            await asyncio.sleep(0.5)
            status = await line.rests(handle)
            assert status.phase is m.Phase.PAUSED
            assert line.world.principals["v0"].switches["one"] == "off"
            assert (await line.restored(handle)).result == "restored"

    asyncio.run(scenario())


def test_what_was_recorded_replays() -> None:
    """The histories of a whole pause replay under this code: nothing in it is left to chance."""

    async def scenario() -> None:
        async with a_line() as line:
            handle = await line.pause()
            await line.restored(handle)
            await asyncio.sleep(1)
            replayer = Replayer(
                workflows=[PauseVendor, PlanVendor, Shard], data_converter=CONVERTER
            )
            histories = line.listed().map_histories()
            replayed = [history async for history in histories]
            assert len(replayed) >= 4
            for history in replayed:
                await replayer.replay_workflow(history)

    asyncio.run(scenario())


def test_the_history_holds_references_and_no_documents() -> None:
    """Nothing of what was read or written travels through Temporal: digests and counts do."""

    async def scenario() -> None:
        async with a_line() as line:
            handle = await line.pause()
            async for each in line.listed():
                text = (
                    await line.client.get_workflow_handle(
                        each.id, run_id=each.run_id
                    ).fetch_history()
                ).to_json()
                assert "Statement" not in text
                assert "uid-0" not in text
            assert (await line.status(handle)).summary.held

    asyncio.run(scenario())


def test_an_order_with_no_defaults_missing_reads_back_from_an_older_state() -> None:
    """A state that an older release wrote, with fewer fields, is read with defaults."""
    old = {"order": {"pause": "1", "vendor": "mercor"}, "opened": True, "phase": "paused"}
    state = TypeAdapter(m.PauseState).validate_python(old)
    assert state.order.options == api.Options()
    assert state.phase is m.Phase.PAUSED
