"""Files and functions stay short enough to be read at one sitting. Exceptions may only shrink."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from support.tree import PACKAGES, name_of, python

LINES_OF_A_FILE = 450
LINES_OF_A_FUNCTION = 45

LONG_FILES: dict[str, int] = {}
LONG_FUNCTIONS = {
    "stopline/journal/migrations/versions/0001_first.py:upgrade": 70,  # all tables, as data
}
FILES = python(*PACKAGES, "tests", "bench")


def lengths(path: Path) -> Iterator[tuple[str, int]]:
    """Every function of a file by name, with its number of lines, docstring included."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{name_of(path)}:{node.name}", (node.end_lineno or 0) - node.lineno + 1


@cache
def functions() -> dict[str, int]:
    """Every function of the project, with its number of lines: read once."""
    return {name: number for path in FILES for name, number in lengths(path)}


def test_files_are_short() -> None:
    """No file is longer than its budget."""
    long = {name_of(p): len(p.read_text("utf-8").splitlines()) for p in FILES}
    over = {f: n for f, n in long.items() if n > LONG_FILES.get(f, LINES_OF_A_FILE)}
    assert not over, over


def test_functions_are_short() -> None:
    """No function is longer than its budget."""
    found = functions()
    over = {f: n for f, n in found.items() if n > LONG_FUNCTIONS.get(f, LINES_OF_A_FUNCTION)}
    assert not over, over


def test_every_exception_is_still_needed() -> None:
    """An exception for what is short by now, or gone, is taken out."""
    files = {name_of(p): len(p.read_text("utf-8").splitlines()) for p in FILES}
    stale = [f for f in LONG_FILES if files.get(f, 0) <= LINES_OF_A_FILE]
    stale += [f for f in LONG_FUNCTIONS if functions().get(f, 0) <= LINES_OF_A_FUNCTION]
    assert not stale, stale
