"""A worker that only reads: it assesses, and there is no way by which it could write."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.journals import a_book
from support.temporal import House, small_world
from temporalio.client import Client, WorkflowFailureError
from temporalio.exceptions import ActivityError, ApplicationError
from temporalio.worker import Worker

from activities import api
from activities.bodies import Activities
from activities.readonly import reading
from stopline.connectors.memory import MemoryConnector
from stopline.entrypoints.embedded import Server
from stopline.entrypoints.temporal import CONVERTER, connect, polled
from stopline.entrypoints.worker import serve
from stopline.errors import RefusedError
from stopline.model import Document
from stopline.port import Observed
from stopline.readonly import read_only
from stopline.settings import Settings
from workflows import messages as m
from workflows.shard import Shard


@pytest.fixture
def reading_house(
    installation: Settings, temporal_server: Server, monkeypatch: pytest.MonkeyPatch
) -> Iterator[House]:
    """An installation whose only worker is read-only."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", temporal_server.address)
    world = small_world()
    book = a_book(installation.journal_url)
    house = House(installation, book, world, MemoryConnector(world), read_only=True)
    house.start_worker()
    yield house
    house.stop_worker()
    house.book.store.engine.dispose()


def test_a_read_only_worker_assesses_and_pauses_nobody(
    reading_house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is reached is shown; a pause finds nobody to do it, and nothing is changed."""
    before = reading_house.world.picture()
    assert reading_house.run("assess", "mercor") == 3
    assert "annotator: everything, 2 x switch" in capsys.readouterr().out
    pause = ("pause", "mercor", "--reason", "breach", "--confirm", "mercor")
    assert reading_house.run(*pause) == 1
    assert "No worker is polling the queue stopline/" in capsys.readouterr().err
    assert reading_house.world.picture() == before


def test_a_full_worker_assesses_too(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    """Every worker serves what only reads, on the queue of that and by the same bodies."""
    assert house.run("assess", "mercor", "--principal", "reviewer") == 3
    out = capsys.readouterr().out
    assert "reviewer: everything, switch" in out
    assert "annotator" not in out


def test_a_write_that_reaches_a_read_only_worker_is_refused(temporal_server: Server) -> None:
    """A shard that is led there by mistake ends at once, with the reason, and is not retried."""

    async def scenario() -> None:
        client = await Client.connect(temporal_server.address, data_converter=CONVERTER)
        book, world = a_book("sqlite://"), small_world()
        before, connector = world.picture(), MemoryConnector(world)
        bodies = reading(Activities(book, lambda _: {"memory": connector}))
        outline = api.Outline("memory", "all", (((0, 1),),), 1)
        order = m.ShardOrder(api.PauseOrder(journal=book.id), "", outline=outline)
        queue = api.read_queue(book.id)
        threads = ThreadPoolExecutor(2)
        async with Worker(
            client,
            task_queue=queue,
            workflows=[Shard],
            activities=bodies,
            activity_executor=threads,
            max_concurrent_activities=2,
        ):
            with pytest.raises(WorkflowFailureError) as failed:
                await client.execute_workflow(m.SHARD, order, id=queue, task_queue=queue)
        told = failed.value.cause
        assert isinstance(told, ActivityError)
        assert isinstance(told.cause, ApplicationError)
        assert f"read-only; {api.APPLY} was not done" in told.cause.message
        assert world.picture() == before

    asyncio.run(scenario())


def test_a_worker_that_is_told_to_only_read_polls_nothing_else(
    installation: Settings, temporal_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STOPLINE_READ_ONLY, or --read-only: no pause of this journal ever reaches the process."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", temporal_server.address)

    async def scenario() -> None:
        stop = asyncio.Event()
        told = installation.model_copy(update={"read_only": True})
        serving = asyncio.create_task(serve(told, stop))
        client = await connect(installation)
        journal = a_book(installation.journal_url).id
        while not await polled(client, api.read_queue(journal)):
            assert not serving.done()
            await asyncio.sleep(0.1)
        assert not await polled(client, api.task_queue(journal))
        stop.set()
        await serving

    asyncio.run(scenario())


def test_a_connector_that_only_reads_has_no_way_to_write() -> None:
    """It reads as the other one does; a write is refused, and changes nothing."""
    world = small_world()
    bare = read_only({"memory": MemoryConnector(world)})["memory"]
    before, document = world.picture(), Document("memory", "all", "switch", "annotator/k1")
    assert set(bare.permissions) == {"read"}
    with pytest.raises(RefusedError, match="read-only"):
        bare.write(Observed(document), (), None, "token")
    assert world.picture() == before
