"""The processes of a drill: Temporal, a worker and the command line, as a user would start them.

Everything is handed over in the environment; the worker alone gets credentials of the estate.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

from stopline.entrypoints.spawned import Spawned
from stopline.errors import SetupError

PROGRAM = (
    sys.executable,
    "-c",
    "from stopline.entrypoints.cli.main import run; run()",
)
_DROPPED = ("AWS_", "TEMPORAL_", "STOPLINE_")


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
class Worker(Spawned):
    """A `stopline worker` as a child process, with its log in a file."""

    folder: Path
    env: Mapping[str, str]
    name: str = "worker"
    grace: ClassVar[float] = 30

    @property
    def log(self) -> Path:
        """Where its log is."""
        return self.folder / f"{self.name}.log"

    def start(self) -> None:
        """Start it, without waiting."""
        self.spawn([*PROGRAM, "worker"], self.log, self.env)

    def ready(self, seconds: float = 60) -> None:
        """Wait until its log says that it started. Raises SetupError with where to look."""
        if not self.comes_up(lambda: b"worker started" in self.log.read_bytes(), seconds):
            raise SetupError(
                f"The worker did not start; see {self.log}.", self.log.read_text()[-2000:]
            )


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
