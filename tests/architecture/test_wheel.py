"""The built wheel: three import names, the migrations, the entry points, and nothing else."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from support.tree import PACKAGES, ROOT, python


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel as `hatchling` builds it from this checkout."""
    folder: Path = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def test_the_wheel_has_three_import_names(wheel: zipfile.ZipFile) -> None:
    """No tests, no configuration, no other top-level name is shipped."""
    tops = {name.partition("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(PACKAGES)


def test_the_wheel_has_every_module_and_the_migrations(wheel: zipfile.ZipFile) -> None:
    """What is in the checkout is in the wheel, and what a migration needs besides."""
    wanted = {path.relative_to(ROOT).as_posix() for path in python(*PACKAGES)}
    wanted |= {"stopline/py.typed", "stopline/journal/migrations/script.py.mako"}
    assert wanted <= set(wheel.namelist())
    versions = [
        n for n in wheel.namelist() if n.startswith("stopline/journal/migrations/versions/")
    ]
    assert any(name.endswith("0001_first.py") for name in versions)


def test_the_wheel_registers_program_and_connectors(wheel: zipfile.ZipFile) -> None:
    """The entry points travel with it, and it cannot be uploaded by accident."""
    info = next(n for n in wheel.namelist() if n.endswith("entry_points.txt")).partition("/")[0]
    entries = wheel.read(f"{info}/entry_points.txt").decode()
    assert "stopline = stopline.entrypoints.cli.main:run" in entries
    assert "[stopline.connectors]" in entries
    assert "Private :: Do Not Upload" in wheel.read(f"{info}/METADATA").decode()
    assert any(name.startswith(f"{info}/licenses/LICENSE") for name in wheel.namelist())
