"""A server of ours as a child process: started apart from the terminal, its words in a file."""

import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, ClassVar


@dataclass
class Spawned:
    """The base of what is started, awaited and ended. Once ended it can be started again."""

    grace: ClassVar[float] = 10
    """Seconds that a soft end may take before it is a hard one."""
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False, repr=False)
    _log: IO[bytes] | None = field(default=None, init=False, repr=False)

    @property
    def pid(self) -> int:
        """The process id; 0 when it is not running."""
        return self._process.pid if self._process is not None and self.running else 0

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    def spawn(
        self, command: Sequence[str], log: Path, env: Mapping[str, str] | None = None
    ) -> None:
        """Start a command, without waiting; what it says is appended to `log`."""
        log.parent.mkdir(parents=True, exist_ok=True)
        self._close_log()  # one that died under us has left it open
        self._log = log.open("ab")
        self._process = subprocess.Popen(  # noqa: S603 - our own commands, no shell
            command,
            env=None if env is None else dict(env),
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,  # Ctrl-C in the terminal is ours to pass on, or not
        )

    def comes_up(self, is_up: Callable[[], bool], seconds: float) -> bool:
        """Wait until it is up; False, and it is ended, when it died or took too long."""
        for _ in range(int(seconds / 0.1)):
            if is_up():
                return True
            if not self.running:
                break
            time.sleep(0.1)
        self.stop()
        return False

    def stop(self) -> None:
        """End it, softly first; once is enough."""
        self._end("terminate")

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end("kill")

    def _end(self, how: str) -> None:
        if self._process is not None and self.running:
            getattr(self._process, how)()
            try:
                self._process.wait(self.grace)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(self.grace)
        self._close_log()

    def _close_log(self) -> None:
        if self._log is not None:
            self._log.close()
            self._log = None
