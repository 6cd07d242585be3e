"""A pause whose workflow is gone goes on, from the journal or from its sheet. Real Temporal."""

import asyncio
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from support.journals import a_book
from support.pausing import FROZEN, PAUSE, Line, a_line
from support.temporal import House
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import Client, WorkflowHandle
from temporalio.testing import ActivityEnvironment

from activities import api
from activities.bodies import Activities
from stopline.connectors.memory import CONTAINS, NAME, MemoryConnector, World
from stopline.entrypoints import embedded
from stopline.entrypoints.adoption import adopted_state
from stopline.entrypoints.cli.main import main
from stopline.entrypoints.cli.program import Program
from stopline.entrypoints.temporal import CONVERTER, Temporal, connect
from stopline.entrypoints.worker import build_worker
from stopline.journal.book import Book
from stopline.journal.pauses import PauseStatus
from stopline.model import Direction, Plan, Scope
from stopline.recovery.places import Folder
from stopline.recovery.sheet import FILE, Sheet, sheet_document
from stopline.settings import Settings, settings
from workflows import messages as m

pytestmark = pytest.mark.night


async def gone(line: Line, handle: WorkflowHandle[Any, Any]) -> None:
    """Terminate the workflow, as somebody might in Temporal's UI."""
    await handle.terminate("by hand")


async def details(handle: WorkflowHandle[Any, Any]) -> str:
    """What Temporal's own UI shows of a workflow as its current details."""
    told = await handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    return str(told.current_details)


async def cut_off(line: Line, handle: WorkflowHandle[Any, Any]) -> None:
    """Let one write land, and then terminate the workflow and its shards."""
    landed, go = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def hold(moment: str, _document: object) -> None:
        if moment == "sent" and not go.is_set():
            loop.call_soon_threadsafe(landed.set)
            asyncio.run_coroutine_threadsafe(go.wait(), loop).result(30)

    line.connector.hook = hold
    await landed.wait()
    await gone(line, handle)
    running = 'WorkflowType = "Shard" AND ExecutionStatus = "Running"'
    async for child in line.listed(running):
        await line.client.get_workflow_handle(child.id).terminate("by hand")
    go.set()
    line.connector.hook = lambda _moment, _document: None


async def adopted(line: Line) -> m.PauseState:
    """Adopt the one open pause as the command line does; the state that it goes on from."""
    temporal = Temporal(line.client, line.queue)
    pauses = await temporal.orphans(line.book.pauses.list())
    assert [pause.id for pause in pauses] == [PAUSE]
    state = adopted_state(line.book, pauses[0], api.Options())
    assert await temporal.adopt(state)
    assert not await temporal.adopt(state), "once is enough"
    return state


def test_a_terminated_pause_is_adopted_and_rolled_back_exactly() -> None:
    """It rests as it did, answers, takes a rollback and gives everything back."""

    async def scenario() -> None:
        async with a_line() as line:
            before = line.world.picture()
            handle = await line.pause()
            was, details_before = await line.status(handle), await details(handle)
            assert "**paused**" in details_before
            await gone(line, handle)
            state = await adopted(line)
            assert (state.phase, state.queued) == (m.Phase.PAUSED, [])
            assert state.summary == was.summary
            handle = line.client.get_workflow_handle(handle.id)
            now = await line.status(handle)
            assert (now.phase, now.summary, now.order) == (was.phase, was.summary, was.order)
            assert await details(handle) == details_before
            described = await handle.describe()
            assert await described.static_summary() == "pause mercor (all)"
            assert "asked for by alice: breach" in (await described.static_details() or "")
            assert (await line.restored(handle)).result == "restored"
            assert line.world.picture() == before
            assert line.book.store.verify()[1] == ""

    asyncio.run(scenario())


def test_a_pause_that_was_containing_goes_on_with_a_sweep() -> None:
    """Cut off after the first write, the adopted pause contains the rest."""

    async def scenario() -> None:
        async with a_line() as line:
            before = line.world.picture()
            handle = await line.start(await line.plan(line.order()))
            await cut_off(line, handle)
            assert line.book.pauses.get(PAUSE).status is PauseStatus.CONTAINING
            state = await adopted(line)
            assert [order.plan for order in state.queued] == [""]
            handle = line.client.get_workflow_handle(handle.id)
            assert (await line.rests(handle)).summary.result == "contained"
            assert line.world.principals["v3"].switches["one"] == "off"
            assert (await line.restored(handle)).result == "restored"
            assert line.world.picture() == before

    asyncio.run(scenario())


def test_a_pause_that_was_being_given_back_rests_and_takes_a_new_rollback() -> None:
    """Nothing more is given back without a new request and a second person's yes."""

    async def scenario() -> None:
        async with a_line() as line:
            before = line.world.picture()
            handle = await line.pause()
            waiting = await line.rollback(handle)
            cutting = asyncio.create_task(cut_off(line, handle))
            await line.approve(handle, waiting.digest)
            await cutting
            assert line.book.pauses.get(PAUSE).status is PauseStatus.RESTORING
            state = await adopted(line)
            assert (state.phase, state.queued, state.restore) == (m.Phase.RESTORING, [], None)
            handle = line.client.get_workflow_handle(handle.id)
            status = await line.rests(handle)
            assert (status.pending, status.asked_by) == (None, "")
            assert line.book.pauses.get(PAUSE).status is not PauseStatus.RESTORING
            assert (await line.restored(handle)).result == "restored"
            assert line.world.picture() == before

    asyncio.run(scenario())


def test_a_server_that_lost_its_database_is_given_its_pauses_again() -> None:
    """The new server has never heard of the pause; the journal has, and that is enough."""

    async def scenario() -> None:
        async with a_line(working=False, alone=True) as line:
            before = line.world.picture()
            async with line.working():
                handle = await line.pause()
            assert line.server is not None
            line.server.stop()
            for file in line.server.folder.glob("temporal.db*"):
                file.unlink()
            line.server.start()
            line.client = await Client.connect(line.address, data_converter=CONVERTER)
            await adopted(line)
            handle = line.client.get_workflow_handle(handle.id)
            async with line.working():
                assert (await line.rests(handle)).summary.result == "contained"
                assert (await line.restored(handle)).result == "restored"
            assert line.world.picture() == before

    asyncio.run(scenario())


@pytest.fixture
def book() -> Book:
    """A journal with one open pause, whose plan is empty."""
    book = a_book("sqlite://")
    frozen = book.pauses.keep("frozen", FROZEN.dump())
    order = api.PauseOrder(PAUSE, book.id, "mercor", frozen=frozen, workflow="w", requester="alice")
    plan = Plan("mercor", Direction.CONTAIN, Scope(), (), pause=PAUSE)
    activities = Activities(book, lambda _: {NAME: MemoryConnector(World())})
    kept = book.pauses.keep_plan(plan)
    options = api.Options(batch=3, approval_seconds=5)
    given = {"plan": kept.ref, "digest": plan.digest, "options": options, "overrides": {"a": "b"}}
    ActivityEnvironment().run(activities.open, replace(order, **given))
    return book


def state_now(book: Book) -> m.PauseState:
    """The state in which the pause would be adopted."""
    return adopted_state(book, book.pauses.get(PAUSE), api.Options())


def test_a_stopped_pause_stays_stopped(book: Book) -> None:
    """What a person stopped is not swept by an adoption."""
    book.pauses.mark(PAUSE, PauseStatus.STOPPED, {"held": 3, "why": ""})
    state = state_now(book)
    assert (state.summary.result, state.summary.held, state.queued) == ("stopped", 3, [])


@pytest.mark.parametrize(
    ("told", "phase"),
    [
        (["stop"], m.Phase.CONTAINING),
        (["restoring", "stop"], m.Phase.RESTORING),
        (["stopped", "restoring"], m.Phase.RESTORING),
    ],
)
def test_a_stop_before_the_workflow_was_lost_is_heard(
    book: Book, told: list[str], phase: m.Phase
) -> None:
    """Said to what was under way, or concluded before a rollback began: nothing is swept."""
    for word in told:
        if word == "stop":
            book.pauses.note(PAUSE, "stop", {"reason": "enough"}, "alice")
        else:
            book.pauses.mark(PAUSE, PauseStatus(word), {"held": 3})
    state = state_now(book)
    assert (state.phase, state.summary.result, state.queued) == (phase, "stopped", [])


def test_a_stop_of_a_waiting_rollback_does_not_stop_a_later_one(book: Book) -> None:
    """It withdrew what waited then; a rollback that was begun after it ends as it ends."""
    book.pauses.mark(PAUSE, PauseStatus.CONTAINED, {"held": 3})
    book.pauses.note(PAUSE, "stop", {"reason": "not this one"}, "alice")
    book.pauses.mark(PAUSE, PauseStatus.RESTORING)
    assert (state_now(book).phase, state_now(book).summary.result) == (m.Phase.RESTORING, "")


def test_a_second_person_is_still_wanted_after_an_adoption(book: Book) -> None:
    """What waited for its first approval waits again; with a yes in the journal it sweeps."""
    second = FROZEN.playbook_text + "approvals: {contain: second-person}\n"
    pause = book.pauses.get(PAUSE)
    frozen = book.pauses.keep("frozen", replace(FROZEN, playbook_text=second).dump())
    waiting = adopted_state(book, replace(pause, frozen=frozen), api.Options())
    assert (waiting.opened, waiting.queued) == (False, [])
    book.pauses.approve(PAUSE, pause.plan, "digest", "riley", "unsigned")
    begun = adopted_state(book, replace(pause, frozen=frozen), api.Options())
    assert (begun.opened, [order.plan for order in begun.queued]) == (True, [""])


def test_what_was_asked_for_again_and_not_concluded_is_swept(book: Book) -> None:
    """A person had more contained and no end followed: a sweep looks. A stop is an end."""
    book.pauses.mark(PAUSE, PauseStatus.CONTAINED, {"held": 3})
    assert state_now(book).queued == []
    book.pauses.note(PAUSE, "contain-again", {"reason": "more"}, "alice")
    assert [order.plan for order in state_now(book).queued] == [""]
    book.pauses.note(PAUSE, "stop", {"reason": "enough"}, "alice")
    assert state_now(book).queued == []


def test_the_order_is_what_it_was(book: Book) -> None:
    """Options, overrides and digest come from the journal; an acceptance of gaps stays."""
    book.pauses.note(PAUSE, "acknowledged", {"reason": "known"}, "riley")
    state = state_now(book)
    assert state.order.options == api.Options(batch=3, approval_seconds=5)
    assert state.order.overrides == {"a": "b"}
    assert state.order.digest == book.pauses.plan(state.order.plan).plan.digest
    assert state.acknowledged_by == "riley"


def test_each_adoption_counts_its_runs_from_elsewhere(book: Book) -> None:
    """A shard that outlived its workflow never has the id of a new one."""
    first = state_now(book).runs
    book.pauses.note(PAUSE, "adopted", {}, "alice")
    assert 0 < first < state_now(book).runs


# --- the command ---------------------------------------------------------------------------------

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def pause(house: House, capsys: Captured) -> Iterator[str]:
    """The id of a pause that rests; its workflow is ended after the test, for the next one."""
    asked = ("--reason", "breach", "--confirm", "mercor")
    assert house.run("pause", "mercor", *asked) in (0, 6), capsys.readouterr().err
    capsys.readouterr()
    pause = house.book.pauses.list()[0].id
    yield pause
    terminate(house, pause)


def terminate(house: House, pause: str) -> None:
    """End the workflow by Temporal's own means."""

    async def end() -> None:
        client = await connect(settings())
        await client.get_workflow_handle(house.book.pauses.get(pause).workflow).terminate()

    asyncio.run(end())


def test_the_command_says_what_it_did_and_refuses_what_runs(
    house: House, pause: str, capsys: Captured
) -> None:
    """Running: refused by name. Gone: doctor points to it, and it is adopted."""
    assert house.run("adopt", pause) == 1
    assert "is running: nothing to adopt" in capsys.readouterr().err
    assert house.run("adopt") == 0
    assert "is running: nothing to adopt" in capsys.readouterr().out
    terminate(house, pause)
    with capture_logs() as logs:
        asyncio.run(embedded.look_for_orphans(house.settings))
    assert [log["pauses"] for log in logs if "stopline adopt" in log["event"]] == [[pause]]
    assert house.run("doctor") == 1
    assert "stopline adopt" in capsys.readouterr().out
    assert house.run("adopt", "--as", "riley@lab.example") == 0
    assert f"pause {pause}: adopted. It rests as it did." in capsys.readouterr().out
    assert [e.actor for e in house.book.pauses.events(pause, "adopted")] == ["riley@lab.example"]
    assert house.run("doctor") in (0, 1)
    assert "1 open, each with its workflow" in capsys.readouterr().out


def test_a_plan_is_printed_as_commands(house: House, capsys: Captured) -> None:
    """The script goes to stdout, the exit code is the plan's, and nothing is written."""
    before = house.world.picture()
    assert house.run("plan", "mercor", "--format", "commands") == 3
    script = capsys.readouterr().out
    assert script.startswith("#!/usr/bin/env bash\n")
    assert "memory set switch annotator/k1" in script
    assert house.world.picture() == before
    assert house.run("--output", "json", "plan", "mercor", "--format", "commands") == 2
    assert "Choose one of the two." in capsys.readouterr().err
    assert house.run("status", "--format", "commands") == 2
    assert "none is named" in capsys.readouterr().err


def test_the_way_back_and_the_sheet_are_shown_from_the_journal_alone(
    house: House, pause: str, capsys: Captured
) -> None:
    """Commands, where the sheet is, and what is wrong with it when it could not be written."""
    folder = house.settings.data_dir / "recovery" / f"mercor-{pause}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
        assert house.run("status", "mercor", "--format", "commands") == 0
        back = capsys.readouterr().out
        assert """memory set switch annotator/k1 '{"Status":"on"}'""" in back
        assert f"pause {pause}" in back
        assert house.run("status", pause) == 0
        assert str(folder) in capsys.readouterr().out
        house.book.pauses.note(pause, "sheet", {"where": "", "plan": "", "wrong": "no space left"})
        assert house.run("status", pause) == 0
        told = capsys.readouterr().out
    assert "no space left" in told
    assert f"stopline status {pause} --format commands" in told
    assert str(folder) in told


# --- the journal is lost as well -----------------------------------------------------------------


def run_over(url: str, monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """Run the program over another journal."""
    monkeypatch.setenv("STOPLINE_JOURNAL_URL", url)
    settings.cache_clear()
    return main(words, Program({NAME: CONTAINS}))


def plain(world: World) -> Any:
    """What the world says, for where no verbatim text was recorded: as data."""
    texts = {name: json.loads(raw or '{"Statement": []}') for name, raw in world.targets.items()}
    return world.picture() | {"targets": texts}


async def restored_by(line: Line, url: str, folder: Path, *, unproven: bool) -> api.Summary:
    """Work for the rebuilt journal, and roll the adopted pause back; its end."""
    book = a_book(url, lease_seconds=6, request_seconds=3)
    assert book.id == line.book.id
    activities = Activities(book, lambda _: {NAME: line.connector}, place=Folder(folder / "sheets"))
    handle = line.client.get_workflow_handle(line.order().workflow, result_type=api.Summary)
    async with build_worker(line.client, activities, threads=4):
        await line.rests(handle)
        waiting = await line.rollback(handle, unproven=unproven)
        await line.approve(handle, waiting.digest)
        end: api.Summary = await handle.result()
    assert book.store.verify()[1] == ""
    return end


@pytest.mark.parametrize("early", [False, True])
def test_a_lost_journal_is_rebuilt_from_the_sheet_and_everything_given_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured, *, early: bool
) -> None:
    """From the last sheet exactly; from the one before the first write once a person chooses."""

    async def scenario() -> None:
        async with a_line(working=False) as line:
            before, was = line.world.picture(), plain(line.world)
            where = tmp_path / "taken-away"

            def take(moment: str, _document: object) -> None:
                if moment == "sending" and early and not where.exists():
                    shutil.copytree(line.sheets, where)

            line.connector.hook = take
            async with line.working():
                handle = await line.pause()
                await gone(line, handle)
            if not early:
                shutil.copytree(line.sheets, where)
            contained = line.world.picture()
            sheet, url = str(where / f"mercor-{PAUSE}"), f"sqlite:///{tmp_path}/new.db"
            run = partial(run_over, url, monkeypatch, "adopt", "--from", sheet)
            monkeypatch.setenv("TEMPORAL_ADDRESS", line.address)
            assert await asyncio.to_thread(run) == 0, capsys.readouterr().err
            assert "is in the journal" in capsys.readouterr().out
            assert await asyncio.to_thread(run) == 0
            assert "has it already" in capsys.readouterr().out
            assert line.world.picture() == contained
            end = await restored_by(line, url, tmp_path, unproven=early)
            assert (end.result, end.held) == ("restored", 0)
            assert plain(line.world) == was if early else line.world.picture() == before

    asyncio.run(scenario())


def test_a_journal_that_is_in_use_does_not_become_another(
    installation: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    """Its own marks are in some estate: the sheet goes into an empty journal or nowhere."""
    book = a_book(installation.journal_url)
    book.pauses.note("00000001", "opened", {})
    order = dict.fromkeys(("workflow", "reason", "overrides", "digest", "options"), "")
    sheet = Sheet(journal="ffffffff", pause="1", status="contained", order=order)
    (tmp_path / FILE).write_text(json.dumps(sheet_document(sheet)))
    assert run_over(installation.journal_url, monkeypatch, "adopt", "--from", str(tmp_path)) == 1
    said = capsys.readouterr().err
    assert f"is {book.id}, and it is not empty: it cannot become ffffffff" in said
    assert "STOPLINE_JOURNAL_URL" in said


EMPTY = json.dumps(sheet_document(Sheet(journal="ffffffff", pause="1", status="contained")))


@pytest.mark.parametrize("text", [None, "{", "{}", EMPTY], ids=["absent", "cut", "other", "empty"])
def test_what_is_no_sheet_is_refused_before_a_journal_is_made(
    installation: Settings, tmp_path: Path, capsys: Captured, text: str | None
) -> None:
    """No file, no JSON, another document: a usage error, and nothing was rebuilt."""
    if text is not None:
        (tmp_path / FILE).write_text(text)
    assert main(("adopt", "--from", str(tmp_path)), Program({NAME: CONTAINS})) == 2
    assert "Nothing was rebuilt." in capsys.readouterr().err
    assert not (installation.data_dir / "journal.db").exists()
