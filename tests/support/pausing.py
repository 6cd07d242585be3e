"""A pause from outside: real Temporal, a real worker, a real journal, and a world in memory."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

from support.journals import a_book
from support.temporal import the_server
from temporalio.client import Client, WorkflowExecutionAsyncIterator, WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy

from activities import api
from activities.bodies import Activities
from activities.telling import NOBODY, Teller
from stopline.approving import Approvers
from stopline.configuration import Frozen
from stopline.connectors.memory import MemoryConnector, Principal, World
from stopline.entrypoints.embedded import Server, free_port
from stopline.entrypoints.temporal import CONVERTER
from stopline.entrypoints.worker import build_worker
from stopline.journal.book import Book
from stopline.model import Scope
from stopline.recovery.places import Folder, Place
from workflows import messages as m

VENDOR = "vendor: mercor\naws: {paths: [/vendors/mercor/]}\n"
PLAYBOOK = """
playbook: default
phases:
  - name: identities
    rules:
      - {name: principals, connector: memory, contains: principals, how: deny-all}
      - {name: switches, connector: memory, contains: switches, how: "off"}
  - name: storage
    rules:
      - {name: targets, connector: memory, contains: targets, how: deny}
limits: {changes: 5000, share: 1.0}
"""
FROZEN = Frozen(VENDOR, PLAYBOOK, "{}")
PAUSE = "0000abcd"


def a_world(principals: int = 4) -> World:
    """A vendor with principals and switches beside somebody else, and two targets."""
    vendor = {
        f"v{i}": Principal(f"uid-{i}", "mercor", switches={"one": "on", "two": "off"})
        for i in range(principals)
    }
    other = {"mercer": Principal("uid-x", "mercer", switches={"one": "on"})}
    return World(vendor | other, targets={"data": '{ "Statement": [] }', "empty": ""})


@dataclass
class Line:
    """Everything that a test talks to."""

    client: Client
    book: Book
    world: World
    connector: MemoryConnector
    frozen: str = ""
    queue: str = ""
    refs: list[api.PlanRef] = field(default_factory=list)
    sheets: Path = Path()
    server: Server | None = None
    activities: Activities | None = None

    @property
    def address(self) -> str:
        """Where the server is."""
        assert self.server is not None
        return self.server.address

    @asynccontextmanager
    async def working(self, threads: int = 8) -> AsyncIterator[None]:
        """Have a worker for as long as this lasts."""
        assert self.activities is not None
        async with build_worker(self.client, self.activities, threads=threads):
            yield

    @asynccontextmanager
    async def bare(self) -> AsyncIterator[None]:
        """A worker that was started again without the connector; the old one is back afterwards."""
        assert self.activities is not None
        whole = self.activities
        self.activities = replace(whole, connectors_of=lambda _estate: {})
        try:
            async with self.working():
                yield
        finally:
            self.activities = whole

    def listed(self, query: str = "") -> WorkflowExecutionAsyncIterator:
        """The workflows of this line's queue on the server, which other tests share."""
        mine = f"TaskQueue = '{self.queue}'"
        return self.client.list_workflows(f"{mine} AND {query}" if query else mine)

    async def plan(self, order: api.PauseOrder) -> api.PauseOrder:
        """Plan, and return the order that a person would confirm."""
        number = len(self.refs)
        ref = await self.client.execute_workflow(
            m.PLAN_VENDOR,
            order,
            id=f"plan/{order.pause}/{number}/{self.book.id}",
            task_queue=self.queue,
            result_type=api.PlanRef,
        )
        self.refs.append(ref)
        return replace(order, plan=ref.ref, digest=ref.digest)

    def order(
        self, pause: str = PAUSE, scope: Scope | None = None, **options: int
    ) -> api.PauseOrder:
        """An order of alice's for one pause."""
        scope = scope or Scope()
        return api.PauseOrder(
            pause=pause,
            journal=self.book.id,
            vendor="mercor",
            scope=scope,
            requester="alice",
            reason="breach",
            frozen=self.frozen,
            workflow=f"pause/mercor/{scope.key}/{self.book.id}",
            options=api.Options(**{"sweep_again_seconds": 3600, **options}),
        )

    async def start(self, order: api.PauseOrder) -> WorkflowHandle:
        """Start or join the pause, as the command line does."""
        return await self.client.start_workflow(
            m.PAUSE_VENDOR,
            m.PauseState(order=order),
            id=order.workflow,
            task_queue=self.queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        )

    async def pause(self, order: api.PauseOrder | None = None) -> WorkflowHandle:
        """Plan, start, and wait until the pause rests."""
        handle = await self.start(await self.plan(order or self.order()))
        await self.rests(handle)
        return handle

    async def status(self, handle: WorkflowHandle) -> m.Status:
        """Where the pause is."""
        return await handle.query(m.STATUS, result_type=m.Status)

    async def rests(self, handle: WorkflowHandle) -> m.Status:
        """Wait until it is paused and something was concluded."""
        return await self.until(handle, lambda s: s.phase is m.Phase.PAUSED and s.summary.result)

    async def until(
        self, handle: WorkflowHandle, true: Callable[[m.Status], object], seconds: float = 60
    ) -> m.Status:
        """Wait until the status says so."""
        for _ in range(int(seconds / 0.1)):
            status = await self.status(handle)
            if true(status):
                return status
            await asyncio.sleep(0.1)
        raise TimeoutError(f"still {status}")

    async def rollback(self, handle: WorkflowHandle, **order: object) -> api.PlanRef:
        """Ask for a rollback as alice."""
        asked = api.RestoreOrder(by="alice", reason="reassessed", **order)
        return await handle.execute_update(m.ROLLBACK, asked, result_type=api.PlanRef)

    async def approve(
        self, handle: WorkflowHandle, digest: str, by: str = "bob", signature: str = ""
    ) -> str:
        """Approve what waits."""
        yes = m.Approve(by, digest, signature=signature)
        return await handle.execute_update(m.APPROVE, yes, result_type=str)

    async def restored(self, handle: WorkflowHandle) -> api.Summary:
        """Roll the whole pause back and return its end."""
        waiting = await self.rollback(handle)
        await self.approve(handle, waiting.digest)
        return await self.client.get_workflow_handle(handle.id, result_type=api.Summary).result()


@asynccontextmanager
async def a_line(
    world: World | None = None,
    *,
    threads: int = 8,
    approvers: Approvers | None = None,
    playbook: str = PLAYBOOK,
    place: Place | None = None,
    teller: Teller = NOBODY,
    working: bool = True,
    alone: bool = False,
) -> AsyncIterator[Line]:
    """Have a journal, a world and a worker on the process's server; `alone`: on one of its own.

    Sheets go to `Line.sheets`, or to a place.
    """
    with tempfile.TemporaryDirectory() as folder:
        server = the_server()
        if alone:
            server = Server(Path(folder) / "temporal", free_port())
            server.start()
        try:
            client = await Client.connect(server.address, data_converter=CONVERTER)
            line = a_line_on(
                client, Path(folder), world, playbook, approvers=approvers, place=place,
                teller=teller,
            )  # fmt: skip
            line.server = server
            async with line.working(threads) if working else nullcontext():
                yield line
        finally:
            if alone:
                server.kill()  # nobody needs it any more; a soft end takes a second


def a_line_on(
    client: Client,
    folder: Path,
    world: World | None = None,
    playbook: str = PLAYBOOK,
    *,
    approvers: Approvers | None = None,
    place: Place | None = None,
    teller: Teller = NOBODY,
    clock: Callable[[], float] | None = None,
    vendor: str = VENDOR,
) -> Line:
    """A journal, a world and what a worker does, on a running Temporal. `clock`: the journal's."""
    url = f"sqlite:///{folder}/journal.db"
    book = a_book(url, lease_seconds=6, request_seconds=3, clock=clock)
    connector = MemoryConnector(world or a_world())
    line = Line(client, book, connector.world, connector)
    line.queue = api.task_queue(book.id)
    line.frozen = book.pauses.keep("frozen", Frozen(vendor, playbook, "{}").dump())
    line.sheets = folder / "recovery"
    line.activities = Activities(
        book,
        lambda _estate: {"memory": connector},
        approvers or Approvers(),
        place or Folder(line.sheets),
        teller,
    )
    return line
