"""The worker: the only process that holds credentials of the systems of record."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from importlib.metadata import entry_points

import structlog
from temporalio.client import Client
from temporalio.worker import Worker

from activities.api import task_queue
from activities.bodies import Activities
from stopline.engine import Connector
from stopline.entrypoints.temporal import connect
from stopline.estate import Estate
from stopline.journal.book import Book, open_book
from stopline.recovery.places import place_of
from stopline.settings import Settings
from workflows.pause_vendor import PauseVendor
from workflows.plan_vendor import PlanVendor
from workflows.shard import Shard

GROUP = "stopline.connectors"
GRACE = timedelta(seconds=20)
STICKY = timedelta(seconds=3)
"""After a worker's death a task waits this long for its cache; Temporal's default is 10 s."""

log = structlog.get_logger()


def connectors_of(estate: Estate) -> Mapping[str, Connector]:
    """Build the installed connectors for which the estate has a section."""
    return {
        found.name: found.load()(estate)
        for found in entry_points(group=GROUP)
        if getattr(estate, found.name, None) is not None
    }


def build_worker(client: Client, activities: Activities, *, threads: int) -> Worker:
    """Make a worker of one journal's queue. As many slots as threads, so none waits for one."""
    return Worker(
        client,
        task_queue=task_queue(activities.book.id),
        workflows=[PauseVendor, PlanVendor, Shard],
        activities=activities.all(),
        activity_executor=ThreadPoolExecutor(threads, thread_name_prefix="activity"),
        max_concurrent_activities=threads,
        graceful_shutdown_timeout=GRACE,
        sticky_queue_schedule_to_start_timeout=STICKY,
    )


def open_settings_book(settings: Settings) -> Book:
    """Open the journal that the settings name."""
    return open_book(
        settings.journal_url,
        lease_seconds=settings.lease_seconds,
        request_seconds=settings.request_seconds,
    )


async def serve(settings: Settings, stop: asyncio.Event) -> None:
    """Work until told to stop; batches in flight end between two documents."""
    book = open_settings_book(settings)
    client = await connect(settings)
    activities = Activities(book, connectors_of, place_of(settings.recovery))
    worker = build_worker(client, activities, threads=settings.threads)
    log.info("worker started", journal=book.id, queue=task_queue(book.id))
    async with worker:
        await stop.wait()
        log.info("worker stopping", grace_seconds=GRACE.total_seconds())
    log.info("worker stopped")


def stop_on_signals(stop: asyncio.Event) -> None:
    """First SIGTERM or SIGINT: stop between documents. The second: leave at once."""

    def asked() -> None:
        if stop.is_set():
            os._exit(1)  # a person who asks twice means it
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):  # Windows has no such handlers
            loop.add_signal_handler(number, asked)


def work(settings: Settings) -> int:
    """Run a worker until it is told to stop; the exit code."""

    async def run() -> None:
        stop = asyncio.Event()
        stop_on_signals(stop)
        await serve(settings, stop)

    asyncio.run(run())
    return 0
