"""Rules of the house that a parse tree can show."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.tree import PACKAGES, name_of, python

SETTINGS = "stopline/settings.py"
READS_ENVIRONMENT = {
    SETTINGS: "the only reader of ours",
    "stopline/drill/": "hands the environment on to the children it starts",
    "stopline/entrypoints/cli/program.py": "COLUMNS, which is the terminal's",
}
BACKWARDS = ("undo_", "revert_", "restore_state", "unapply", "rollback_change")


def calls(path: Path) -> Iterator[ast.AST]:
    """All nodes of a file."""
    yield from ast.walk(ast.parse(path.read_text("utf-8")))


def test_settings_is_the_only_reader_of_the_environment() -> None:
    """os.environ and os.getenv stand in no other module, but for the exceptions with a reason."""
    found = {
        name_of(path)
        for path in python(*PACKAGES)
        for node in calls(path)
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv")
    }
    strangers = {f for f in found if not any(f.startswith(known) for known in READS_ENVIRONMENT)}
    assert not strangers, strangers


def test_no_way_back_is_written_by_hand() -> None:
    """No function undoes another: the way back is the inverse of a change."""
    found = [
        f"{name_of(path)}:{node.name}"
        for path in python(*PACKAGES)
        for node in calls(path)
        if isinstance(node, ast.FunctionDef) and node.name.lstrip("_").startswith(BACKWARDS)
    ]
    assert not found, found


@pytest.mark.parametrize("path", python("workflows"), ids=name_of)
def test_workflows_read_no_clock_and_no_chance(path: Path) -> None:
    """A workflow that is replayed must come to the same: time and chance are Temporal's."""
    modules = {"time", "random", "uuid", "secrets", "os", "socket"}
    imported = {
        alias.name.partition(".")[0]
        for node in calls(path)
        if isinstance(node, ast.Import)
        for alias in node.names
    } | {
        (node.module or "").partition(".")[0]
        for node in calls(path)
        if isinstance(node, ast.ImportFrom)
    }
    assert not imported & modules


@pytest.mark.parametrize("path", python("tests"), ids=name_of)
def test_tests_say_what_they_show(path: Path) -> None:
    """Every test has a line that says its behaviour."""
    silent = [
        node.name
        for node in calls(path)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not ast.get_docstring(node)
    ]
    assert not silent, silent
