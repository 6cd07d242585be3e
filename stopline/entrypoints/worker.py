"""The worker: the only process that holds credentials of the systems of record."""

import asyncio
import contextlib
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from importlib.metadata import entry_points

import structlog
from temporalio.client import Client
from temporalio.worker import Worker

from activities.answering import Answering
from activities.api import read_queue, task_queue
from activities.bodies import Activities
from activities.checks import Checks
from activities.readonly import reading
from activities.telling import Teller, Telling
from stopline.approving import Approvers
from stopline.entrypoints.opening import open_settings_book
from stopline.entrypoints.stopping import stop_on_signals
from stopline.entrypoints.temporal import UnreachableError, connect
from stopline.estate import Estate
from stopline.port import Connector
from stopline.recovery.places import place_of
from stopline.settings import Settings
from workflows.pause_vendor import PauseVendor
from workflows.plan_vendor import PlanVendor
from workflows.preflight import Preflight
from workflows.shard import Shard
from workflows.tell import Tell

GROUP = "stopline.connectors"
GRACE = timedelta(seconds=20)
READERS = 4
"""Activities that only read, side by side; each reads an estate with threads of its own."""

STICKY = timedelta(seconds=3)
"""After a worker's death a task waits this long for its cache; Temporal's default is 10 s."""
PATIENCE_SECONDS = 120.0
"""How long a worker that starts waits for Temporal to be there."""
AGAIN_SECONDS = 1.0

log = structlog.get_logger()


def connectors_of(estate: Estate) -> Mapping[str, Connector]:
    """Build the installed connectors for which the estate has a section."""
    return {
        found.name: found.load()(estate)
        for found in entry_points(group=GROUP)
        if getattr(estate, found.name, None) is not None
    }


def _checks(activities: Activities) -> Checks:
    a = activities
    return Checks(a.book, a.connectors_of, a.approvers, a.teller)


def build_worker(client: Client, activities: Activities, *, threads: int) -> Worker:
    """Make a worker of one journal's queue. As many slots as threads, so none waits for one."""
    return Worker(
        client,
        task_queue=task_queue(activities.book.id),
        workflows=[PauseVendor, PlanVendor, Preflight, Shard, Tell],
        activities=[
            *activities.all(),
            *_checks(activities).all(),
            *Telling(activities.book, activities.teller).all(),
            *Answering(activities.book, activities.teller, activities.approvers).all(),
        ],
        activity_executor=ThreadPoolExecutor(threads, thread_name_prefix="activity"),
        max_concurrent_activities=threads,
        graceful_shutdown_timeout=GRACE,
        sticky_queue_schedule_to_start_timeout=STICKY,
    )


def build_reader(client: Client, activities: Activities) -> Worker:
    """Make a worker of what only reads, on a queue of its own: it has no way to write."""
    return Worker(
        client,
        task_queue=read_queue(activities.book.id),
        workflows=[PlanVendor],
        activities=reading(activities),
        activity_executor=ThreadPoolExecutor(READERS, thread_name_prefix="reading"),
        max_concurrent_activities=READERS,
        graceful_shutdown_timeout=GRACE,
        sticky_queue_schedule_to_start_timeout=STICKY,
    )


async def _patiently(settings: Settings, stop: asyncio.Event) -> Client | None:
    """Connect; while Temporal does not answer yet, ask again, since both may start at once.

    None when told to stop meanwhile. Raises UnreachableError after `PATIENCE_SECONDS`.
    """
    end = time.monotonic() + PATIENCE_SECONDS
    while not stop.is_set():
        try:
            return await connect(settings)
        except UnreachableError as error:
            if time.monotonic() > end:
                raise
            log.warning("temporal does not answer yet; asking again", reason=str(error))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), AGAIN_SECONDS)
    return None


async def serve(settings: Settings, stop: asyncio.Event) -> None:
    """Work until told to stop; batches in flight end between two documents.

    Every worker serves what only reads; a read-only one serves nothing else.
    """
    book = open_settings_book(settings)
    client = await _patiently(settings, stop)
    if client is None:
        return
    activities = Activities(
        book,
        connectors_of,
        Approvers(settings.config_dir),
        place_of(settings.recovery),
        Teller(settings.config_dir),
    )
    workers = [build_reader(client, activities)]
    if not settings.read_only:
        workers.append(build_worker(client, activities, threads=settings.threads))
    async with contextlib.AsyncExitStack() as stack:
        for worker in workers:
            await stack.enter_async_context(worker)
        queues = [worker.task_queue for worker in workers]
        log.info("worker started", journal=book.id, queues=queues, read_only=settings.read_only)
        await stop.wait()
        log.info("worker stopping", grace_seconds=GRACE.total_seconds())
    log.info("worker stopped")


def work(settings: Settings) -> int:
    """Run a worker until it is told to stop; the exit code."""

    async def run() -> None:
        stop = asyncio.Event()
        stop_on_signals(stop)
        await serve(settings, stop)

    asyncio.run(run())
    return 0
