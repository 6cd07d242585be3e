"""Imports run one way, what decides touches nothing, and the rules would catch a breach."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.tree import PACKAGES, ROOT

LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"


def kept(folder: Path) -> tuple[bool, str]:
    """Whether the contracts of a copy of the project are kept, and what import-linter says."""
    done = subprocess.run(
        [sys.executable, "-c", LINT, "--no-cache"],
        cwd=folder,
        env={"PYTHONPATH": str(folder), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the project's packages, with its contracts."""
    for name in PACKAGES:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_contracts_are_kept(copy: Path) -> None:
    """import-linter finds nothing in the project as it stands."""
    ok, said = kept(copy)
    assert ok, said


@pytest.mark.parametrize(
    ("file", "line", "contract"),
    [
        ("stopline/planner.py", "import time", "What decides touches nothing"),
        ("stopline/engine.py", "import stopline.journal.store", "Imports run one way"),
        ("workflows/shard.py", "import activities.bodies", "Workflows reach no activity body"),
        ("activities/api.py", "import stopline.connectors.memory", "Workflows reach no activity"),
        (
            "stopline/connectors/aws/words.py",
            "import stopline.connectors.memory",
            "Connectors do not know each other",
        ),
    ],
)
def test_a_breach_would_be_caught(copy: Path, file: str, line: str, contract: str) -> None:
    """One forbidden import, planted in a copy, breaks the contract that forbids it."""
    planted = copy / file
    planted.write_text(f"{planted.read_text('utf-8')}\n{line}\n", "utf-8")
    ok, said = kept(copy)
    assert not ok
    flat = " ".join(said.split())
    assert re.search(rf"{contract}((?!KEPT|BROKEN).)*BROKEN", flat), said
