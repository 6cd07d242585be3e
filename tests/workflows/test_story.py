"""Temporal's own UI reads like the story: everything that a workflow starts says what it is for."""

import ast
from collections.abc import Iterator

import pytest
from support.tree import name_of, python

WORDS = {
    "execute_activity": "summary",
    "start_activity": "summary",
    "start_child_workflow": "static_summary",
    "execute_child_workflow": "static_summary",
    "sleep": "summary",
    "wait_condition": "timeout_summary",
}
"""What each call of Temporal's is given its words by."""


def calls() -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Each call in the workflows that Temporal shows: where, what, and the words it is given."""
    for path in python("workflows"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            owner = node.func.value
            if isinstance(owner, ast.Name) and owner.id == "workflow" and node.func.attr in WORDS:
                given = tuple(str(word.arg) for word in node.keywords)
                yield f"{name_of(path)}:{node.lineno}", node.func.attr, given


@pytest.mark.parametrize(("where", "call", "given"), [*calls()], ids=str)
def test_everything_that_is_started_says_what_it_is_for(
    where: str, call: str, given: tuple[str, ...]
) -> None:
    """Activities, children and timers have a summary; a condition without a timer needs none."""
    if call == "wait_condition" and "timeout" not in given:
        return
    assert WORDS[call] in given, where


def test_the_search_would_see_them() -> None:
    """There are activities, children and timers to be looked at."""
    assert {"execute_activity", "start_child_workflow", "sleep"} <= {call for _, call, _ in calls()}
