"""The measured side: the real workflows on a real server, a worker, a journal on disk."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client, WorkflowHandle

from activities import api
from bench.endpoint import Size
from bench.side import Figures
from stopline.configuration import Frozen
from stopline.connectors.memory import NAME
from stopline.entrypoints.temporal import CONVERTER
from stopline.journal.book import Book, open_book
from stopline.model import Direction
from stopline.receipts import Outcome
from workflows import messages as m

AnyHandle = WorkflowHandle[Any, Any]
PAUSE = "0000abcd"
VENDOR = "vendor: mercor\naws: {paths: [/vendors/mercor/]}\n"
PLAYBOOK = f"""
playbook: bench
phases:
  - name: fast-cut
    rules: [{{name: principals, connector: {NAME}, contains: principals, how: deny-all}}]
  - name: credentials
    rules: [{{name: switches, connector: {NAME}, contains: switches, how: "off"}}]
limits: {{changes: 1000000, share: 1.0}}
"""


@dataclass(frozen=True, slots=True)
class Phase:
    """One carrying-out, as Temporal's history has it: from the order to cut the plan into batches
    to the end of the last shard.
    """

    seconds: float
    calls: int


@dataclass(frozen=True, slots=True)
class Measured:
    """One pause of so many changes, from the trigger to the rollback's end."""

    changes: int
    contain: Phase
    restore: Phase
    first_cut: float
    contained: float
    calls: int
    events: int
    largest_shard: int
    rss_mb: float


@dataclass
class Side:
    """The worker of one estate, in a process of its own."""

    process: subprocess.Popen[str]

    @classmethod
    def start(cls, address: str, journal: str, threads: int, size: Size, log: IO[str]) -> "Side":
        """Start it and wait until it works. Raises RuntimeError when it does not."""
        words = (address, journal, str(threads), json.dumps(asdict(size)))
        process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "bench.side", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            cwd=Path(__file__).parents[1],
        )
        side = cls(process)
        if side._line() != "ready":
            raise RuntimeError(f"the bench's worker did not start; see {log.name}")
        return side

    def _line(self) -> str:
        return self.process.stdout.readline().strip() if self.process.stdout else ""

    def figures(self) -> Figures:
        """Ask for its figures."""
        if self.process.stdin is not None:
            self.process.stdin.write("?\n")
            self.process.stdin.flush()
        return Figures(**json.loads(self._line()))

    def stop(self) -> None:
        """End it."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        try:
            self.process.wait(40)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
        if self.process.stdout is not None:
            self.process.stdout.close()


@dataclass
class Product:
    """A client and a journal, with one worker over one estate."""

    client: Client
    book: Book
    side: Side
    size: Size
    frozen: str

    async def measure(self) -> Measured:
        """Plan, pause, wait, roll back with a second person; then read what it took."""
        was = self.side.figures()
        loop = asyncio.get_running_loop()
        began, order = loop.time(), await self._planned()
        zero = datetime.fromisoformat(self.book.store.now()).timestamp() - (loop.time() - began)
        handle = await self.client.start_workflow(
            m.PAUSE_VENDOR, m.PauseState(order=order), id=order.workflow, task_queue=self._queue
        )
        await self._rests(handle)
        contained, middle = loop.time() - began, self.side.figures()
        await self._roll_back(handle)
        end = self.side.figures()
        if (end.picture, middle.picture == was.picture) != (was.picture, False):
            raise RuntimeError("the pause was not contained and given back; no figures")
        # The rollback is in another run: a pause continues as new when it is contained.
        first_run = handle.first_execution_run_id
        first = await _history(self.client.get_workflow_handle(handle.id, run_id=first_run))
        last = await _history(self.client.get_workflow_handle(handle.id))
        shards = [await _history(self.client.get_workflow_handle(i)) for i in _children(first)]
        contain, restore = _phase(first), _phase(last)
        return Measured(
            changes=self.size.changes,
            contain=Phase(contain, self._calls(Direction.CONTAIN)),
            restore=Phase(restore, self._calls(Direction.RESTORE)),
            first_cut=self._first_cut(zero),
            contained=contained,
            calls=middle.calls - was.calls,
            events=len(first) + sum(map(len, shards)),
            largest_shard=max(map(len, shards)),
            rss_mb=end.rss_mb,
        )

    @property
    def _queue(self) -> str:
        return api.task_queue(self.book.id)

    async def _planned(self) -> api.PauseOrder:
        order = api.PauseOrder(
            pause=PAUSE,
            journal=self.book.id,
            vendor="mercor",
            requester="alice",
            reason="bench",
            frozen=self.frozen,
            workflow=f"pause/bench/{self.book.id}",
        )
        ref = await self.client.execute_workflow(
            m.PLAN_VENDOR,
            order,
            id=f"plan/{self.book.id}",
            task_queue=self._queue,
            result_type=api.PlanRef,
        )
        if ref.changes != self.size.changes:
            raise RuntimeError(f"{ref.changes} changes were planned, not {self.size.changes}")
        return replace(order, plan=ref.ref, digest=ref.digest)

    async def _rests(self, handle: AnyHandle) -> None:
        latest = self.client.get_workflow_handle(handle.id)
        while True:
            status = await latest.query(m.STATUS, result_type=m.Status)
            if status.phase is m.Phase.PAUSED and status.summary.result:
                break
            await asyncio.sleep(0.1)
        if status.summary.result != "contained":
            raise RuntimeError(f"the pause ended {status.summary}")

    async def _roll_back(self, handle: AnyHandle) -> None:
        latest = self.client.get_workflow_handle(handle.id, result_type=api.Summary)
        asked = api.RestoreOrder(by="alice", reason="bench")
        waiting = await latest.execute_update(m.ROLLBACK, asked, result_type=api.PlanRef)
        await latest.execute_update(m.APPROVE, m.Approve("bob", waiting.digest), result_type=str)
        end = await latest.result()
        if end.result != "restored":
            raise RuntimeError(f"the rollback ended {end}")

    def _calls(self, direction: Direction) -> int:
        """Reads and writes of one carrying-out, as its receipts show: a write follows a read."""
        receipts = [
            r
            for e in self.book.store.events(PAUSE, "receipts")
            for r in e.data["receipts"]
            if e.data["direction"] == direction
        ]
        return len(receipts) + [r["outcome"] for r in receipts].count(Outcome.APPLIED)

    def _first_cut(self, zero: float) -> float:
        """Seconds from the trigger to the first receipt of a change that takes something away."""
        for event in self.book.store.events(PAUSE, "receipts"):
            if any(":foundation:" not in r["address"] for r in event.data["receipts"]):
                return datetime.fromisoformat(event.at).timestamp() - zero
        raise RuntimeError("nothing was cut")


async def _history(handle: AnyHandle) -> list[HistoryEvent]:
    return [event async for event in handle.fetch_history_events()]


def _children(history: list[HistoryEvent]) -> list[str]:
    kind = EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED
    attributes = [
        e.start_child_workflow_execution_initiated_event_attributes
        for e in history
        if e.event_type == kind
    ]
    return [a.workflow_id for a in attributes]


def _phase(history: list[HistoryEvent]) -> float:
    """Seconds from the first outline's order to the last shard's end."""
    begun = next(
        e.event_time.ToDatetime()
        for e in history
        if e.activity_task_scheduled_event_attributes.activity_type.name == api.OUTLINE
    )
    kind = EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED
    ends = [e.event_time.ToDatetime() for e in history if e.event_type == kind]
    return (max(ends) - begun).total_seconds()


@asynccontextmanager
async def product(folder: Path, address: str, size: Size, threads: int) -> AsyncIterator[Product]:
    """A journal on disk, a client, and a worker over an estate of that size."""
    journal = f"sqlite:///{folder / 'journal.db'}"
    book = open_book(journal)
    frozen = book.pauses.keep("frozen", Frozen(VENDOR, PLAYBOOK, "{}").dump())
    client = await Client.connect(address, data_converter=CONVERTER)
    with (folder / "worker.log").open("w") as log:
        side = await asyncio.to_thread(Side.start, address, journal, threads, size, log)
        try:
            yield Product(client, book, side, size, frozen)
        finally:
            await asyncio.to_thread(side.stop)
            book.store.engine.dispose()
