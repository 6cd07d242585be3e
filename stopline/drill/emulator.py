"""The emulated AWS: a moto server as a child process on a free loopback port."""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Self

from stopline.entrypoints.embedded import free_port
from stopline.errors import SetupError

START_SECONDS = 60
_SETTINGS = {
    # Without this every account may read every bucket by its name, and a forgotten assumed role
    # would go unnoticed.
    "MOTO_S3_ALLOW_CROSSACCOUNT_ACCESS": "false",
    "MOTO_IAM_LOAD_MANAGED_POLICIES": "false",
}


@dataclass
class Emulator:
    """One moto server. Its log holds a line for each call."""

    folder: Path
    port: int = field(default_factory=free_port)
    _process: subprocess.Popen[bytes] | None = None
    _log: IO[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """What AWS_ENDPOINT_URL must be."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The process id; 0 when it was not started."""
        return self._process.pid if self._process else 0

    @property
    def log(self) -> Path:
        """Where its log is."""
        return self.folder / "emulator.log"

    def calls(self) -> int:
        """How many calls it has answered so far."""
        return self.log.read_bytes().count(b'HTTP/1.1" ')

    def __enter__(self) -> Self:
        """Start it and wait until it answers."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self.stop()

    def start(self) -> None:
        """Start it and wait until it answers. Raises SetupError with where its log is."""
        if find_spec("moto") is None or find_spec("flask") is None:
            raise SetupError(
                "The emulated AWS is not installed; nothing was started.",
                "Install it with `pip install 'stopline[drill]'`.",
            )
        self.folder.mkdir(parents=True, exist_ok=True)
        self._log = self.log.open("ab")
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)],
            env={**os.environ, **_SETTINGS},
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )
        for _ in range(START_SECONDS * 10):
            if self._answers():
                return
            if self._process.poll() is not None:
                break
            time.sleep(0.1)
        self.stop()
        raise SetupError(f"The emulated AWS did not start; see {self.log}.")

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/moto-api/", timeout=2):  # noqa: S310 - loopback
                return True
        except (urllib.error.URLError, OSError):
            return False

    def enforce(self, *, on: bool) -> None:
        """Switch moto's own enforcement of IAM policies on or off."""
        request = urllib.request.Request(  # noqa: S310 - loopback, http only
            f"{self.url}/moto-api/reset-auth",
            data=b"0" if on else b"inf",
            headers={"Content-Type": "application/octet-stream"},
            method="POST",
        )
        with urllib.request.urlopen(request, timeout=10):  # noqa: S310 - as above
            return

    def stop(self) -> None:
        """End it; once is enough."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(10)
        if self._log is not None:
            self._log.close()
