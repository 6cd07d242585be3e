"""The list of planted bugs cannot rot, and what runs it tells the four fates apart."""

import ast
import re
from pathlib import Path

import pytest
from mutants import run
from mutants.run import Bug, Edit, Fate, plant, read, report, stale
from support.tree import ROOT

BUGS = read()
LAWS = sorted(
    node.name
    for path in (ROOT / "tests" / "laws").glob("test_*.py")
    for node in ast.walk(ast.parse(path.read_text("utf-8")))
    if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
)


# --- the list ------------------------------------------------------------------------------------


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_bug_can_be_planted(bug: Bug) -> None:
    """Its text is found exactly once, what comes in its place is Python, and differs."""
    assert not stale(bug)
    for edit in bug.edits:
        text = (ROOT / edit.file).read_text("utf-8")
        planted = text.replace(edit.old, edit.new)
        assert planted != text
        ast.parse(planted)


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_bug_names_laws_that_there_are(bug: Bug) -> None:
    """Each word is in the name of a test in tests/laws."""
    assert bug.laws
    assert all(any(law in name for name in LAWS) for law in bug.laws), bug.laws


def test_no_two_bugs_have_one_name() -> None:
    """The table tells them apart."""
    names = [bug.name for bug in BUGS]
    assert len(set(names)) == len(names)


def test_every_law_catches_a_bug() -> None:
    """No law of the ten is there for show."""
    for number in range(1, 11):
        assert any(re.match(rf"law_{number}(_|$)", law) for bug in BUGS for law in bug.laws), number


# --- what runs it --------------------------------------------------------------------------------


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A project of one function and one law, beside what makes pytest run it."""
    files = {
        "stopline/__init__.py": "",
        "stopline/sums.py": "def double(number):\n    return number + number\n",
        "tests/laws/test_sums.py": (
            "from stopline.sums import double\n\n\n"
            "def test_law_1_a_double_is_twice():\n    assert double(3) == 6\n"
        ),
        "tests/laws/conftest.py": (ROOT / "tests" / "laws" / "conftest.py").read_text("utf-8"),
        "pyproject.toml": "",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("old", "new", "fate"),
    [
        ("number + number", "number + 1", Fate.CAUGHT),
        ("number + number", "2 * number", Fate.SURVIVED),
        ("number - number", "number", Fate.STALE),
        ("number", "count", Fate.STALE),
        ("def double", "def treble", Fate.BROKEN),
    ],
)
def test_a_bugs_fate_is_told(old: str, new: str, fate: Fate, small: Path) -> None:
    """Caught by a law; survived; not found once; or the law could not be run at all."""
    bug = Bug("a bug", (Edit("stopline/sums.py", old, new),), ("law_1",))
    verdict = plant(bug, small)
    assert verdict.fate is fate
    assert (small / "stopline" / "sums.py").read_text().count("number + number") == 1


def test_every_law_that_is_named_must_catch(small: Path) -> None:
    """One that lets the bug pass is named, whatever the others say."""
    edit = Edit("stopline/sums.py", "number + number", "number + 1")
    law = small / "tests" / "laws" / "test_sums.py"
    law.write_text(f"{law.read_text()}\n\ndef test_law_2_is_blind():\n    assert double\n")
    verdict = plant(Bug("a bug", (edit,), ("law_1", "law_2")), small)
    assert verdict.fate is Fate.SURVIVED
    assert verdict.said.startswith("law_2: ")
    page = report([verdict])
    assert "SURVIVED: a bug" in page
    assert "0 of 1 planted bugs" in page


def test_nothing_is_planted_while_the_laws_do_not_pass(small: Path) -> None:
    """A bug that was there before would make every planted one look caught."""
    assert not run.sound(small)
    sums = small / "stopline" / "sums.py"
    sums.write_text(sums.read_text().replace("+", "-"))
    assert "test_law_1" in run.sound(small)


def test_a_name_that_is_not_in_the_list_is_a_usage_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Nothing is run, and the text is named."""
    assert run.main(["--only", "no such law"]) == 2
    assert "'no such law'" in capsys.readouterr().err
