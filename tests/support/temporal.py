"""A real Temporal server and a real worker for tests, over the in-memory connector.

Import the fixtures in a conftest: `from support.temporal import house, temporal_server`.
The server is started once for the whole process. Each `house` has a journal, a world, a folder of
configuration and a worker of its own; the journal's id keeps them apart on the one server.
"""

import asyncio
import atexit
import functools
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from support.journals import a_book

from activities.bodies import Activities
from activities.telling import Teller
from stopline.approving import Approvers
from stopline.connectors.memory import CONTAINS, NAME, MemoryConnector, Principal, World
from stopline.entrypoints.cli.main import main
from stopline.entrypoints.cli.program import Program
from stopline.entrypoints.embedded import Server, free_port
from stopline.entrypoints.temporal import connect, polled
from stopline.entrypoints.worker import build_reader, build_worker
from stopline.estate import Estate
from stopline.journal.book import Book
from stopline.playbook import Words
from stopline.port import Connector
from stopline.recovery.places import place_of
from stopline.settings import Settings, settings

VENDOR = """\
vendor: mercor
names: [Mercor Inc]
owner: vendor-security@lab.example
note: |
  Call the vendor desk first: it knows which runs are at stake.
aws:
  paths: [/vendors/mercor/]
projects:
  chordus:
    aws:
      paths: [/vendors/mercor/chordus/]
  lyra:
    aws:
      paths: [/vendors/mercor/lyra/]
"""

PLAYBOOK = """\
playbook: default
phases:
  - name: fast-cut
    rules:
      - {name: cut-principals, connector: memory, contains: principals, how: deny-all}
  - name: credentials
    rules:
      - {name: switch-off, connector: memory, contains: switches, how: "off"}
  - name: targets
    rules:
      - {name: deny-targets, connector: memory, contains: targets, how: deny}
limits: {changes: 40}
"""

ESTATE = """\
protected:
  break_glass: ["arn:aws:iam::111122223333:role/break-glass"]
"""


@functools.cache
def the_server() -> Server:
    """The one server of this process, for every test that does not hurt its own; ends with it.

    The session ends it (`tests/conftest`): whoever has several processes may end this one before
    what is registered for its end has run.
    """
    folder = Path(tempfile.mkdtemp(prefix="stopline-temporal-"))
    server = Server(folder, free_port())
    server.start()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(server.kill)  # nobody needs it any more; a soft end takes a second
    return server


def stop_the_server() -> None:
    """End this process's server, if it was ever asked for."""
    if the_server.cache_info().currsize:
        the_server().kill()


@pytest.fixture(scope="session")
def temporal_server() -> Server:
    """The process's one server, however many conftests import this."""
    return the_server()


def small_world() -> World:
    """The vendor with two principals and three keys (one off already), a bystander, two targets."""
    world = World()
    world.principals["annotator"] = Principal("U1", "mercor", switches={"k1": "on", "k2": "off"})
    world.principals["reviewer"] = Principal("U2", "mercor", switches={"k3": "on"})
    world.principals["builder"] = Principal("U3", "lab", switches={"k4": "on"})
    world.put_target("training-data", '{"Statement": [{"Sid": "Lab", "Effect": "Allow"}]}')
    world.put_target("model-weights", "")
    return world


@dataclass
class House:
    """Everything that one test runs the program against."""

    settings: Settings
    book: Book
    world: World
    connector: MemoryConnector
    address: str = ""
    connectors_of: Callable[[Estate], Mapping[str, Connector]] | None = None
    read_only: bool = False
    words: Words = field(default_factory=dict)
    _ask_to_stop: Callable[[], object] = field(default=lambda: None, repr=False)
    _thread: threading.Thread | None = field(default=None, repr=False)

    def anew(
        self,
        connectors_of: Callable[[Estate], Mapping[str, Connector]],
        words: Words,
        **texts: str,
    ) -> "House":
        """The same house over other systems, with other configuration (`write_configuration`)."""
        self.stop_worker()
        self.connectors_of, self.words = connectors_of, words
        write_configuration(self.settings.config_dir, **texts)
        self.start_worker()
        return self

    def run(self, *arguments: str) -> int:
        """Run the program in this process; its exit code. Output goes where pytest captures it."""
        connectors_of = self.connectors_of or (lambda _: {NAME: self.connector})
        program = Program({NAME: CONTAINS, **self.words}, connectors_of)
        return main(arguments, program)

    def start_worker(self) -> None:
        """Run a worker in a thread of its own, until `stop_worker`."""
        ready: Future[None] = Future()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._work(ready)), name="worker", daemon=True
        )
        self._thread.start()
        ready.result(30)

    async def _work(self, ready: "Future[None]") -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        self._ask_to_stop = lambda: loop.call_soon_threadsafe(stop.set)
        connectors_of = self.connectors_of or (lambda _: {NAME: self.connector})
        place = place_of(self.settings.recovery)
        approvers = Approvers(self.settings.config_dir)
        teller = Teller(self.settings.config_dir)
        activities = Activities(self.book, connectors_of, approvers, place, teller)
        try:
            client = await connect(self.settings)
            workers = [build_reader(client, activities)]
            if not self.read_only:
                workers.append(build_worker(client, activities, threads=8))
        except BaseException as error:
            ready.set_exception(error)
            raise
        async with AsyncExitStack() as stack:
            for worker in workers:
                await stack.enter_async_context(worker)
                while not await polled(client, worker.task_queue):  # noqa: ASYNC110 - asked anew
                    await asyncio.sleep(0.05)
            ready.set_result(None)
            await stop.wait()

    def stop_worker(self) -> None:
        """Stop it gracefully, if it runs."""
        if self._thread is not None:
            self._ask_to_stop()
            self._thread.join(60)
            self._thread = None


def write_configuration(folder: Path, **texts: str) -> Path:
    """Write vendor, playbook and estate; a text given by name replaces the usual one."""
    chosen = {"vendor": VENDOR, "playbook": PLAYBOOK, "estate": ESTATE} | texts
    for name in ("vendors", "playbooks"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "vendors" / "mercor.yaml").write_text(chosen["vendor"])
    (folder / "playbooks" / "default.yaml").write_text(chosen["playbook"])
    (folder / "estate.yaml").write_text(chosen["estate"])
    return folder


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Settings over a fresh folder, in the environment; Temporal points to where nobody listens."""
    write_configuration(tmp_path / "config")
    for name, value in {
        "STOPLINE_CONFIG_DIR": str(tmp_path / "config"),
        "STOPLINE_DATA_DIR": str(tmp_path / "data"),
        "STOPLINE_IDENTITY": "ada@lab.example",
        "TEMPORAL_ADDRESS": "127.0.0.1:1",
        "COLUMNS": "100",
    }.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    yield settings()
    settings.cache_clear()


@pytest.fixture
def house(
    installation: Settings, temporal_server: Server, monkeypatch: pytest.MonkeyPatch
) -> Iterator[House]:
    """A whole installation at work: server, worker, journal, configuration, a small world."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", temporal_server.address)
    world = small_world()
    book = a_book(installation.journal_url, lease_seconds=6, request_seconds=3)
    built = House(installation, book, world, MemoryConnector(world), temporal_server.address)
    built.start_worker()
    yield built
    built.stop_worker()
    built.book.store.engine.dispose()
