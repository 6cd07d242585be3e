"""A year of one pause, lived on the server that skips time.

The world is in memory, Temporal and the journal are real. Time passes only while nothing is at
work, so that a year of audits takes as long as its work does. The journal's clock is the server's.

That server locks time while something is at work, and loses count where a child ends after the run
of its parent continued as new, as what sends notices does: each such child leaves time locked for
good. A parent that ends, or a child that ends first, does not. So each of them is found, and time
unlocked once for it. Temporal itself has no such lock.
"""

import asyncio
import tempfile
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from shutil import which
from sys import prefix

from support.pausing import PAUSE, PLAYBOOK, VENDOR, Line, a_line_on, a_world
from temporalio import activity
from temporalio.api.testservice.v1 import UnlockTimeSkippingRequest
from temporalio.client import WorkflowHandle
from temporalio.testing import WorkflowEnvironment

from activities import api
from activities.telling import NOBODY, Teller
from stopline.entrypoints.temporal import CONVERTER
from stopline.errors import UserError
from stopline.journal.pauses import PauseStatus

PART_DAYS = 20
"""Of how many days one call lets pass: the client gives up a call that takes half a minute."""
OTHER = "0000beef"
"""The id of the pause that overlaps."""


@dataclass
class Clock:
    """The server's time, as whoever works for it last heard: the journal goes by it."""

    now: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self) -> float:
        """Seconds since the epoch; never back."""
        with self._lock:
            if activity.in_activity():
                asked = activity.info().current_attempt_scheduled_time.timestamp()
                self.now = max(self.now, asked)
            return self.now


@dataclass
class Year:
    """A line on a server whose time can be skipped."""

    line: Line
    environment: WorkflowEnvironment
    _looked: dict[str, str] = field(default_factory=dict)
    """The run of each pause before which nothing is to be found any more."""

    async def pass_by(self, days: float) -> None:
        """Let time pass, a part at a time; the journal's clock follows."""
        await self.settled()
        while days > 0:
            part = timedelta(days=min(days, PART_DAYS))
            passing = asyncio.create_task(self.environment.sleep(part))
            while not passing.done():
                for workflow in list(self._looked):
                    await self._unlock(workflow)
                await asyncio.wait({passing}, timeout=0.25)
            await passing
            days -= PART_DAYS
        await self.settled()

    async def _unlock(self, workflow: str) -> None:
        """Undo what each child has left locked that a run of this pause did not see end."""
        while True:
            run, begun, ended = self._looked[workflow], set[str](), set[str]()
            next_run = ""
            one = self.line.client.get_workflow_handle(workflow, run_id=run)
            async for event in one.fetch_history_events():
                started = event.child_workflow_execution_started_event_attributes
                completed = event.child_workflow_execution_completed_event_attributes
                begun.add(started.workflow_execution.workflow_id)
                ended.add(completed.workflow_execution.workflow_id)
                again = event.workflow_execution_continued_as_new_event_attributes
                next_run = again.new_execution_run_id
            if not next_run:
                return
            for child in begun - ended - {""}:
                await self.line.client.get_workflow_handle(child).result()
                request = UnlockTimeSkippingRequest()
                await self.line.client.test_service.unlock_time_skipping(request)
            self._looked[workflow] = next_run

    async def pause(self, order: api.PauseOrder) -> WorkflowHandle:
        """Plan, start, and wait until it is contained."""
        handle = await self.line.start(await self.line.plan(order))
        self._looked[handle.id] = handle.first_execution_run_id or ""
        await self.until(PauseStatus.CONTAINED, order.pause)
        return handle

    async def until(self, status: PauseStatus, pause: str = PAUSE) -> None:
        """Wait until the journal says so, and all rests.

        The workflow is not asked: on this server, a question that meets a run on its way to
        continue as new is lost, and time stands still from then on.
        """
        for _ in range(600):
            with suppress(UserError):  # not opened yet
                if self.line.book.pauses.get(pause).status is status:
                    return await self.settled()
            await asyncio.sleep(0.05)
        raise TimeoutError(f"{pause} is not {status}")

    async def settled(self) -> None:
        """Until nothing more is written down."""
        before, now = -1, self._written()
        while before != now:
            await asyncio.sleep(0.5)
            before, now = now, self._written()

    def _written(self) -> int:
        return sum(len(self.line.book.pauses.events(pause)) for pause in (PAUSE, OTHER))


@asynccontextmanager
async def a_year(
    hours: float, vendor: str = VENDOR, teller: Teller = NOBODY
) -> AsyncIterator[Year]:
    """Start the server that skips time, and a line on it that is audited every so many hours."""
    path = which("temporal-test-server", path=f"{prefix}/bin")
    playbook = (
        f"{PLAYBOOK}audits: {{hours: {hours}, jitter_minutes: 10}}\n"
        "review_days: 30\napprovals: {people: 2, hours: 48}\n"
    )
    async with await WorkflowEnvironment.start_time_skipping(
        data_converter=CONVERTER, test_server_existing_path=path
    ) as environment:
        with tempfile.TemporaryDirectory() as folder:
            clock = Clock((await environment.get_current_time()).timestamp())
            line = a_line_on(
                environment.client,
                Path(folder),
                a_world(),
                playbook,
                clock=clock,
                vendor=vendor,
                teller=teller,
            )
            with environment.auto_time_skipping_disabled():  # only `pass_by` lets time pass
                yield Year(line, environment)
