"""`doctor --supply-chain`: what is installed is what was installed, or it says what is not."""

import json
from pathlib import Path

import pytest

from stopline import installation as installed
from stopline.connectors.memory import CONTAINS, NAME
from stopline.entrypoints.cli.main import main
from stopline.entrypoints.cli.program import Program
from stopline.text import Json


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of packages in the place of this environment's."""
    folder = tmp_path / "packages"
    folder.mkdir()
    monkeypatch.setattr(installed, "folder", lambda: folder)
    return folder


def checks(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Json]:
    """What doctor found, by the name of each check."""
    main(("doctor", "--output", "json", *words), Program({NAME: CONTAINS}))
    return {c["name"]: c for c in json.loads(capsys.readouterr().out)["checks"]}


@pytest.mark.usefixtures("installation")
def test_the_files_are_hashed_only_when_asked(
    packages: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Reading every installed file takes a while, and is not part of a plain doctor."""
    assert "files" not in checks(capsys)
    found = checks(capsys, "--supply-chain")
    assert found["startup"]["ok"]
    assert found["files"]["ok"]


@pytest.mark.usefixtures("installation")
def test_code_at_each_start_and_strange_files_fail(
    packages: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each is named, some of many by number, and the next step is not to pause from here."""
    (packages / "litellm_init.pth").write_text("import base64, subprocess\n")
    for number in range(7):
        (packages / f"stray{number}.py").write_text("")
    found = checks(capsys, "--supply-chain")
    assert not found["startup"]["ok"]
    assert "litellm_init.pth runs at each start" in found["startup"]["found"]
    assert not found["files"]["ok"]
    assert "stray0.py: belongs to no distribution" in found["files"]["found"]
    assert "and 3 more" in found["files"]["found"]
    assert "Do not pause from here" in found["files"]["next_step"]
