"""The processes of a drill: Temporal, a worker and the command line, as a user would start them.

Everything is handed over in the environment; the worker alone gets credentials of the estate.
"""

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol

from stopline.errors import SetupError

PROGRAM = (
    sys.executable,
    "-c",
    "from stopline.entrypoints.cli.main import run; run()",
)
_DROPPED = ("AWS_", "TEMPORAL_", "STOPLINE_")
GRACE_SECONDS = 30


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    """The environment of a child: ours without anybody's AWS, Temporal or stopline settings."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(_DROPPED)}
    return {**kept, **extra}


class Child(Protocol):
    """A process of the drill's, whatever it runs."""

    @property
    def pid(self) -> int:
        """The process id; 0 when it is not running."""
        ...

    def stop(self) -> None:
        """End it; once is enough."""
        ...


@dataclass
class Worker:
    """A `stopline worker` as a child process, with its log in a file."""

    folder: Path
    env: Mapping[str, str]
    name: str = "worker"
    _process: subprocess.Popen[bytes] | None = None
    _log: IO[bytes] | None = field(default=None, repr=False)

    @property
    def pid(self) -> int:
        """The process id; 0 when it was not started."""
        return self._process.pid if self._process else 0

    @property
    def log(self) -> Path:
        """Where its log is."""
        return self.folder / f"{self.name}.log"

    def start(self) -> None:
        """Start it, without waiting."""
        self._log = self.log.open("ab")
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            [*PROGRAM, "worker"],
            env=dict(self.env),
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )

    def ready(self, seconds: float = 60) -> None:
        """Wait until its log says that it started. Raises SetupError with where to look."""
        where = self.log
        for _ in range(int(seconds / 0.1)):
            if b"worker started" in where.read_bytes():
                return
            if self._process is None or self._process.poll() is not None:
                break
            time.sleep(0.1)
        raise SetupError(f"The worker did not start; see {where}.", where.read_text()[-2000:])

    def stop(self) -> None:
        """End it between two documents; at the latest after the grace."""
        self._end("terminate")

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end("kill")

    def _end(self, how: str) -> None:
        if self._process is not None and self._process.poll() is None:
            getattr(self._process, how)()
            try:
                self._process.wait(GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(GRACE_SECONDS)
        if self._log is not None:
            self._log.close()


@dataclass(frozen=True, slots=True)
class Said:
    """What a command answered: its exit code and its data."""

    code: int
    stdout: str


def command(env: Mapping[str, str], *words: str, quiet: bool = False, live: bool = False) -> Said:
    """Run one stopline command to its end; its progress goes to our stderr.

    `live` shows its data there too, as it comes and between the progress, instead of returning it.
    """
    done = subprocess.run(  # noqa: S603 - our own program
        [*PROGRAM, *words],
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr if live else subprocess.PIPE,
        stderr=subprocess.DEVNULL if quiet else None,
        text=True,
        check=False,
    )
    return Said(done.returncode, done.stdout or "")
