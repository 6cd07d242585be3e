"""The emulated AWS: a moto server as a child process on a free loopback port."""

import os
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Self

from stopline.entrypoints.embedded import free_port
from stopline.entrypoints.spawned import Spawned
from stopline.errors import SetupError

START_SECONDS = 60
_SETTINGS = {
    # Without this every account may read every bucket by its name, and a forgotten assumed role
    # would go unnoticed.
    "MOTO_S3_ALLOW_CROSSACCOUNT_ACCESS": "false",
    "MOTO_IAM_LOAD_MANAGED_POLICIES": "false",
    "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",
}


@dataclass
class Emulator(Spawned):
    """One moto server. Its log holds a line for each call."""

    folder: Path
    port: int = field(default_factory=free_port)

    @property
    def url(self) -> str:
        """What AWS_ENDPOINT_URL must be."""
        return f"http://127.0.0.1:{self.port}"

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
        command = [
            sys.executable,
            "-m",
            "stopline.drill.iam",
            "-H",
            "127.0.0.1",
            "-p",
            str(self.port),
        ]
        self.spawn(command, self.log, {**os.environ, **_SETTINGS})
        if not self.comes_up(self._answers, START_SECONDS):
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
