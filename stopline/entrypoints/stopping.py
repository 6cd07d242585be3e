"""How what serves for long is told to stop."""

import asyncio
import os
import signal

import structlog

log = structlog.get_logger()


def stop_on_signals(stop: asyncio.Event) -> None:
    """First SIGTERM or SIGINT: stop between documents. The second: leave at once."""

    def asked() -> None:
        if stop.is_set():
            os._exit(1)  # a person who asks twice means it
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        try:
            loop.add_signal_handler(number, asked)
        except NotImplementedError:  # an event loop of Windows
            log.warning(
                "a stop is not heard here: writes in flight end with their lease",
                signal=number.name,
            )
