"""What the tests of shares have beside those of all connectors."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from support.aws_shares import Run

from stopline.text import Json

_AWS = """\
#!/bin/bash
echo "$*" >> "$D/asked"
case "$2" in (get-*|describe-*) cat "$D/../shown";; esac
"""


@pytest.fixture
def run_line(tmp_path: Path) -> Run:
    """Run a line of a recovery sheet with an `aws` that shows something, and takes everything.

    Says what it was asked, the words that were written for it, and all that is in the folder.
    """
    kept, programs = tmp_path / "kept", tmp_path / "programs"
    programs.mkdir()
    (programs / "aws").write_text(_AWS, "utf-8")
    (programs / "aws").chmod(0o755)

    def run(line: str, shown: Json) -> tuple[list[str], str, str]:
        kept.mkdir(exist_ok=True)
        (kept / "asked").unlink(missing_ok=True)
        (tmp_path / "shown").write_text(json.dumps(shown), "utf-8")
        path = f"{programs}:{os.environ['PATH']}"
        command = ["/bin/bash", "-euc", line]
        subprocess.run(command, env={**os.environ, "PATH": path, "D": str(kept)}, check=True)
        asked = (kept / "asked").read_text("utf-8").splitlines()
        all_ = "".join(file.read_text("utf-8") for file in kept.iterdir())
        return asked, (kept / "words").read_text("utf-8"), all_

    return run
