"""Everything that happened in a pause is in its report: no kind of event is left out."""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.nights import Night

from stopline.evidence import story
from stopline.evidence.report import report
from stopline.journal.attested import ATTESTED, CONFIRMED, LATE
from stopline.journal.outbox import ESCALATED, NoticeState
from stopline.journal.pauses import Pause, PauseStatus
from stopline.journal.removals import CLIMBED
from stopline.model import Scope
from stopline.text import Json

ROOT = Path(__file__).parents[2]
PAUSE = "0000000a"
WRITERS = {"note": 1, "append": 2, "_record": 0, "Recording": 1}
"""The calls that write an event, and which argument is its kind."""
PASSED_ON = {
    "stopline/journal/pauses.py": {"kind"},
    "activities/bodies.py": {"kind", "said.kind"},
    "workflows/words.py": {"kind"},
    "stopline/journal/writes.py": {"kind"},
}
"""Where a kind is handed on that another call of these, or a table, has named."""


def _texts(module: str, node: ast.expr) -> Iterator[str]:
    """The kinds that an expression can mean; what is handed on is yielded as it is written."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp(body=body, orelse=orelse):
            yield from (*_texts(module, body), *_texts(module, orelse))
        case ast.JoinedStr() if "state" in ast.unparse(node):
            yield from (f"notice-{state}" for state in NoticeState if state.name in _ENDS)
        case ast.Name(id=name) if name.isupper():
            yield str(getattr(importlib.import_module(module), name))
        case _:
            yield f"?{ast.unparse(node)}"


_ENDS = ("SENT", "FAILED", "WITHDRAWN")
_VARIABLES = {
    # names that stand for one of a few kinds, where they are written
    ("workflows/pause_vendor.py", "?word"): ("restoring", "terminating"),
    ("activities/bodies.py", "?kind"): ("rollback", "termination"),
    ("stopline/journal/writes.py", "?kind"): ("receipts", "late-receipts"),
}


def written() -> set[str]:
    """Every kind of event that the program writes, found in its source."""
    found: set[str] = set()
    for folder in ("stopline/journal", "stopline/entrypoints", "activities", "workflows"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            where = path.relative_to(ROOT).as_posix()
            module = where.removesuffix(".py").replace("/", ".")
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                found |= set(_kinds(where, module, node))
    return found


def _kinds(where: str, module: str, node: ast.AST) -> Iterator[str]:
    if not isinstance(node, ast.Call):
        return
    name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    place = WRITERS.get(name)
    if place is None or len(node.args) <= place + (name in ("note", "append")):
        return
    for text in _texts(module, node.args[place]):
        if text.startswith("?"):
            known = _VARIABLES.get((where, text), ())
            assert known or text[1:] in PASSED_ON.get(where, ()), f"{where}: {text}"
            yield from known
        else:
            yield text


def test_every_kind_of_event_that_is_written_has_its_word_and_its_place() -> None:
    """A new one without a line in the table would be in the report under its bare name."""
    found = written()
    assert len(found) > 35
    assert found == set(story.KINDS)
    assert {told.row for told in story.KINDS.values()} == set(story.ROWS)


LEVER = "aws:111122223333:deny-policy:p#StoplineP0a"
EVENTS: list[tuple[str, Json, str, str]] = [
    ("rollback", {"by": "ada", "reason": "cleared", "request": "r1", "choices": [],
                  "scope": {"connectors": ["aws"]}}, "ada", "roll back connectors: aws"),
    ("expired", {"reason": "nobody approved the plan in time"}, "stopline",
     "nobody approved in time (stopline)"),
    ("termination", {"by": "riley", "reason": "over", "request": "r2", "scope": {}}, "riley",
     "terminate all"),
    ("cancelled", {"reason": "by an operator"}, "temporal", "cancelled in Temporal (temporal)"),
    (ATTESTED, {"ref": "f" * 64, "address": "payouts:deel:manual-hold:x", "step": "hold",
                "reason": "done there", "proof": "seen.png", "sha256": "e" * 64}, "sam",
     "seen.png, SHA-256 " + "e" * 64),
    (CONFIRMED, {"ref": "f" * 64, "address": "payouts:deel:manual-hold:x", "of": 17,
                 "reason": "so it is"}, "riley", "of event 17"),
    (LATE, {"address": "payouts:deel:manual-hold:y", "step": "release", "since": "x"}, "stopline",
     "waits for a person&#x27;s hand for too long release"),
    (CLIMBED, {"reason": "r", "levers": [{"lever": LEVER, "over": "lower", "principal": "p"}]},
     "stopline", f"to {LEVER}"),
    ("audited", {"drift": [], "opened": ["o"], "fresh": [], "climbs": [], "beyond": [], "gaps": [],
                 "held": 3, "contains": True, "breached": ["the-broken-one"]}, "stopline",
     "the-broken-one"),
    ("reassessed", {"decision": "keep", "reason": "keys not rotated",
                    "review_by": "2027-03-01T00:00:00Z"}, "riley",
     "reassess keep: keys not rotated"),
    ("deadline-near", {"on": "2027-02-01", "what": "earned pay", "days": 7, "addresses": ["a"]},
     "stopline", "earned pay (1), 7 days ahead"),
    (ESCALATED, {"seq": 3, "level": 1}, "stopline", "nobody acknowledged: others are told"),
    ("from-the-future", {"reason": "?"}, "zoe", "from-the-future by zoe"),
]  # fmt: skip


@pytest.fixture(scope="module")
def text() -> Iterator[str]:
    """The report of a pause in which all of that happened."""
    night = Night()
    case = Pause(
        PAUSE, "mercor", Scope(), f"pause/{PAUSE}", "alice", "breach", "",
        PauseStatus.CONTAINING, "", "", "",
    )  # fmt: skip
    night.book.pauses.open(case, {"reason": "breach"})
    for kind, data, by, _ in EVENTS:
        night.book.pauses.note(PAUSE, kind, data, by)
    night.book.pauses.mark(PAUSE, PauseStatus.BREACHED, {"held": 3, "failed": 0, "why": "again"})
    yield report(night.book, PAUSE, ())
    night.book.close()


@pytest.mark.parametrize(("kind", "said"), [(e[0], e[3]) for e in EVENTS], ids=lambda e: e[:20])
def test_what_happened_is_in_the_report_in_words(text: str, kind: str, said: str) -> None:
    """With who, what it was about, and what became of it."""
    assert said in text, kind


def test_the_timeline_has_a_mark_for_every_event_and_its_rows_from_people_to_status(
    text: str,
) -> None:
    """A breached pause is red there."""
    marks = re.findall(r'<circle[^>]*fill="([^"]+)"[^>]*><title>([^<]+)</title>', text)
    assert len(marks) == len(EVENTS) + 2
    assert [colour for colour, said in marks if " status by " in said] == ["#cf222e"]
    rows = re.findall(r'<text x="0"[^>]*>([^<]+)</text>', text)
    assert rows == [row for row in story.ROWS if row in rows]
    assert {"people", "audits", "by hand", "notices", "status"} <= set(rows)


def test_the_status_says_why_and_how_much(text: str) -> None:
    """Numbers, but for zeros."""
    assert "<td>breached</td><td>again; 3 held</td>" in text
