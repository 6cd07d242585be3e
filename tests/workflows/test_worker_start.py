"""A worker and Temporal that start at the same time, as after a power cut."""

import asyncio
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from stopline.entrypoints import worker
from stopline.entrypoints.embedded import Server, free_port
from stopline.settings import Settings


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    """A server that nobody has started yet, where the worker will look for it."""
    built = Server(tmp_path / "temporal", free_port())
    monkeypatch.setenv("TEMPORAL_ADDRESS", built.address)
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", str(tmp_path / "none.toml"))
    return built


async def _something(said: list[MutableMapping[str, Any]]) -> None:
    """Wait until something is said."""
    for _ in range(3000):
        if said:
            return
        await asyncio.sleep(0.01)
    raise TimeoutError("nothing was said")


def test_a_worker_waits_for_a_temporal_that_is_not_there_yet(
    server: Server, tmp_path: Path
) -> None:
    """It asks again until it is let in, and says meanwhile what it waits for."""

    async def scenario() -> None:
        settings = Settings(data_dir=tmp_path, identity="ada@lab.example")
        with capture_logs() as said:
            waiting = asyncio.create_task(worker._patiently(settings, asyncio.Event()))
            await _something(said)
            assert not waiting.done()
            await asyncio.to_thread(server.start)
            client = await asyncio.wait_for(waiting, 50)
        assert client is not None
        assert server.address in said[0]["reason"]

    try:
        asyncio.run(scenario())
    finally:
        server.stop()


def test_a_worker_that_waits_can_be_told_to_stop(server: Server, tmp_path: Path) -> None:
    """Stopping does not wait for a Temporal that may never come."""
    assert not server.running

    async def scenario() -> None:
        stop = asyncio.Event()
        with capture_logs() as said:
            waiting = asyncio.create_task(
                worker._patiently(Settings(data_dir=tmp_path, identity="ada@lab.example"), stop)
            )
            await _something(said)
            stop.set()
            assert await asyncio.wait_for(waiting, 50) is None

    asyncio.run(scenario())


def test_a_worker_gives_up_in_the_end(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An address that is wrong is an error, with the address in it."""
    monkeypatch.setattr(worker, "PATIENCE_SECONDS", 0.0)
    settings = Settings(data_dir=tmp_path, identity="ada@lab.example")
    with pytest.raises(worker.UnreachableError, match=server.address):
        asyncio.run(worker._patiently(settings, asyncio.Event()))
