"""What the tests of shares have beside those of all connectors."""

import subprocess
import sys
from collections.abc import Callable

import pytest


@pytest.fixture
def run_python() -> Callable[..., str]:
    """Run a program of a recovery sheet: its text, what it reads, its words."""

    def run(program: str, shown: str, *words: str) -> str:
        command = [sys.executable, "-c", program, *words]
        return subprocess.run(
            command, input=shown, capture_output=True, text=True, check=True
        ).stdout

    return run
