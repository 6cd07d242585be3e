"""A worker where the event loop knows no signals: it says that a stop is not heard."""

import asyncio
from functools import partial

import pytest
from structlog.testing import capture_logs

from stopline.entrypoints.stopping import stop_on_signals


def test_where_signals_are_not_known_the_worker_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """As an event loop of Windows answers; for each signal, and the worker goes on."""

    async def scenario() -> None:
        loop, unknown = asyncio.get_running_loop(), asyncio.AbstractEventLoop.add_signal_handler
        monkeypatch.setattr(loop, "add_signal_handler", partial(unknown, loop))
        stop_on_signals(asyncio.Event())

    with capture_logs() as logs:
        asyncio.run(scenario())
    assert [(one["log_level"], one["signal"]) for one in logs] == [
        ("warning", "SIGTERM"), ("warning", "SIGINT"),
    ]  # fmt: skip
    assert all("a stop is not heard" in one["event"] for one in logs)
