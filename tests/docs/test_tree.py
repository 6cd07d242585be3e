"""What stands in no file of the project."""

import re
from pathlib import Path

import pytest
from support.tree import ROOT, name_of

SKIPPED = {".git", ".venv", "__pycache__", "dist", "node_modules"}
SUFFIXES = {".py", ".md", ".yaml", ".toml", ".json", ".mako", ".sh", ""}
FILES = sorted(
    path
    for path in ROOT.rglob("*")
    if path.is_file()
    and path.suffix in SUFFIXES
    and not any(part in SKIPPED or part.endswith("_cache") for part in path.parts)
    and ".hypothesis" not in path.parts
)
UNFINISHED = ("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK", "TB" + "D", "W" + "IP")
STUBS = (
    r"raise NotImplemented" + "Error",
    r"pytest\.mark\." + r"skip\b",
    r"@pytest\.mark\.x" + "fail",
)


@pytest.mark.parametrize("word", UNFINISHED)
def test_no_work_is_left_unfinished(word: str) -> None:
    """No file holds a marker of unfinished work."""
    found = [name_of(p) for p in FILES if re.search(rf"\b{word}\b", text_of(p))]
    assert not found, found


@pytest.mark.parametrize("stub", STUBS)
def test_nothing_is_stubbed_or_skipped(stub: str) -> None:
    """No Python file raises instead of working, or leaves a test out."""
    found = [name_of(p) for p in FILES if p.suffix == ".py" and re.search(stub, text_of(p))]
    assert not found, found


def test_no_file_names_a_place_of_one_machine() -> None:
    """Paths of the machine on which a file was written do not stand in it."""
    homes = re.compile(r"/(home|Users)/[a-z]+/|/(work|root)/[a-z]+")
    found = [f"{name_of(p)}: {hit[0]}" for p in FILES for hit in [homes.search(text_of(p))] if hit]
    assert not found, found


def test_the_licence_is_whole() -> None:
    """LICENSE is the Apache License 2.0, from its head to its appendix."""
    text = (ROOT / "LICENSE").read_text("utf-8")
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text
    assert 'license = "Apache-2.0"' in (ROOT / "pyproject.toml").read_text("utf-8")


def text_of(path: Path) -> str:
    """A file's text; what is not text says nothing."""
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError:
        return ""
