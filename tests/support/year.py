"""A year of one pause, lived on the server that skips time.

The world is in memory, Temporal and the journal are real. Time passes only while nothing is at
work, so that a year of audits takes as long as its work does. The journal's clock is the server's.
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
from temporalio.client import WorkflowHandle
from temporalio.testing import WorkflowEnvironment

from activities import api
from stopline.entrypoints.temporal import CONVERTER
from stopline.errors import UserError
from stopline.journal.pauses import PauseStatus

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

    async def pass_by(self, days: float) -> None:
        """Let time pass; the journal's clock follows."""
        await self.environment.sleep(timedelta(days=days))
        await self.settled()

    async def pause(self, order: api.PauseOrder) -> WorkflowHandle:
        """Plan, start, and wait until it is contained."""
        handle = await self.line.start(await self.line.plan(order))
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
async def a_year(hours: float, vendor: str = VENDOR) -> AsyncIterator[Year]:
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
            )
            with environment.auto_time_skipping_disabled():  # only `pass_by` lets time pass
                yield Year(line, environment)
