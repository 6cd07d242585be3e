"""Commands and workers that are forked from a process which has imported all of stopline.

A soak starts hundreds of them, and importing costs more than most of them do. Each is a process of
its own with the environment that it is given, as one that is started from a shell.
"""

import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, cast

from stopline.drill.children import Said, Worker

_CONTEXT = get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    [
        "stopline.entrypoints.cli.main",
        "stopline.entrypoints.worker",
        "stopline.entrypoints.temporal",
    ]
)


def _be(env: Mapping[str, str], words: Sequence[str], out: str, err: str) -> None:
    """Become the command line: other than `run`, nothing of the parent's is left."""
    os.setsid()
    os.environ.clear()
    os.environ.update(env)
    for number, path, how in ((0, os.devnull, os.O_RDONLY), (1, out, _APPEND), (2, err, _APPEND)):
        os.dup2(os.open(path, how, 0o600), number)
    sys.argv = ["stopline", *words]
    from stopline.entrypoints.cli.main import run  # noqa: PLC0415 - imported by the forkserver

    run()


_APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND


def _born(env: Mapping[str, str], words: Sequence[str], out: Path, err: Path) -> BaseProcess:
    asked = (dict(env), tuple(words), str(out), str(err))
    child = _CONTEXT.Process(target=_be, args=asked, daemon=True)  # none outlives a soak
    child.start()
    return child


def command(env: Mapping[str, str], *words: str) -> Said:
    """Run one stopline command to its end; what it says to people is dropped."""
    with tempfile.TemporaryDirectory(prefix="stopline-said-") as folder:
        said = Path(folder) / "said"
        child = _born(env, words, said, Path(os.devnull))
        child.join()
        code = child.exitcode if child.exitcode is not None else 1
        child.close()
        return Said(code, said.read_text("utf-8") if said.exists() else "")


@dataclass
class _Process:
    """A child with the few methods that are asked of one of `subprocess`."""

    child: BaseProcess

    @property
    def pid(self) -> int:
        return self.child.pid or 0

    def poll(self) -> int | None:
        return self.child.exitcode

    def terminate(self) -> None:
        self.child.terminate()

    def kill(self) -> None:
        self.child.kill()

    def wait(self, seconds: float) -> int:
        self.child.join(seconds)
        if self.child.exitcode is None:
            self.child.kill()
            self.child.join(seconds)
        return self.child.exitcode or 0


@dataclass
class ForkedWorker(Worker):
    """A `stopline worker` that is forked instead of started."""

    def start(self) -> None:
        """Fork it, without waiting."""
        born = _Process(_born(self.env, ("worker",), self.log, self.log))
        self._process = cast("Any", born)
