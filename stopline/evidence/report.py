"""The report for people: where the pause stands, what was approved, what was written."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from stopline.journal.book import Book
from stopline.journal.glass import BROKEN, REVIEWED
from stopline.journal.removals import CLIMBED
from stopline.journal.store import Event
from stopline.model import Plan
from stopline.receipts import Outcome
from stopline.render.html import Mark, html
from stopline.render.page import Line, Page, Section, Table, Tone, reworded
from stopline.render.plan import SHORT
from stopline.signing import BREAK_GLASS

_ROWS = {
    "opened": "people",
    "approved": "people",
    "rejected": "people",
    "stop": "people",
    "acknowledged": "people",
    "contain-again": "people",
    "reassessed": "people",
    "termination": "people",
    "terminated": "status",
    BROKEN: "people",
    REVIEWED: "people",
    "review-overdue": "status",
    "interrupted": "status",
    CLIMBED: "status",
    "planned": "plans",
    "intent": "intents",
    "receipts": "receipts",
    "late-receipts": "receipts",
    "verified": "read back",
    "status": "status",
}
_BAD = (Outcome.CONFLICT, Outcome.FAILED)


def report(book: Book, pause: str, page: Page, told: Callable[[str], str] = str) -> str:
    """Return the report of one pause as HTML. `page` says where it stands, `told` hides people."""
    events = book.pauses.events(pause)
    case = book.pauses.get(pause)
    sections = (*page, *_plans(book, events), *_written(events), _about(book, events))
    marks = [replace(mark, text=told(mark.text)) for mark in _marks(events)]
    return html(f"Pause {pause} of {case.vendor}: evidence", reworded(sections, told), marks)


def _marks(events: tuple[Event, ...]) -> tuple[Mark, ...]:
    if not events:
        return ()
    first = datetime.fromisoformat(events[0].at)
    return tuple(
        Mark(
            _ROWS[e.kind],
            (datetime.fromisoformat(e.at) - first).total_seconds(),
            f"{e.at} {e.kind} by {e.actor}",
            _tone(e),
        )
        for e in events
        if e.kind in _ROWS
    )


def _tone(event: Event) -> Tone:
    if event.kind == "receipts":
        bad = any(r["outcome"] in _BAD for r in event.data["receipts"])
        return Tone.WARN if bad else Tone.GOOD
    return Tone.BAD if event.kind in ("rejected", "stop", "late-receipts") else Tone.PLAIN


def _plans(book: Book, events: Iterable[Event]) -> Iterator[Section]:
    """The plans that somebody approved, with what they would do and by whose word."""
    people: dict[str, list[str]] = {}
    for event in events:
        if event.kind == "approved":
            signed = "signed" if event.data.get("signed") else "declared"
            signed = signed if event.data["signature"] != "unsigned" else "unsigned"
            if (event.data.get("signed") or {}).get(BREAK_GLASS):
                signed += ", BREAK-GLASS"
            people.setdefault(event.data["ref"], []).append(f"{event.actor} ({signed})")
    for ref, who in people.items():
        plan = book.pauses.plan(ref).plan
        title = f"The {plan.direction} plan {plan.digest[:SHORT]}, by {', '.join(who)}"
        yield Section(title, (*_left_open(plan), _changes(plan)))


def _changes(plan: Plan) -> Table:
    rows = tuple((c.principal, c.summary or c.rule, str(c.address)) for c in plan.work)
    return Table(("principal", "change", "address"), rows)


def _left_open(plan: Plan) -> tuple[Line, ...]:
    skips = [f"{s.principal}: {s.reason}" for s in plan.skips if s.leaves_access]
    gaps = [f"{g.connector} {g.realm}, {g.what}: {g.cause}" for g in plan.gaps]
    return (
        *(Line(f"left open: {text}", "!", Tone.WARN) for text in skips),
        *(Line(f"gap: {text}", "!", Tone.WARN) for text in gaps),
        *(Line(f"outlives it until {r.until}: {r.what}", "*") for r in plan.residuals),
    )


def _written(events: Iterable[Event]) -> Iterator[Section]:
    """Every receipt: when, what, what became of it, and the digests of before, after, found."""
    rows = [
        (
            event.at,
            event.data["direction"],
            receipt["address"],
            receipt["outcome"] + (f" ({receipt['cause']})" if receipt["cause"] else ""),
            " / ".join(receipt[k][:SHORT] or "absent" for k in ("before", "after", "found")),
        )
        for event in events
        if event.kind in ("receipts", "late-receipts")
        for receipt in event.data["receipts"]
    ]
    columns = ("at", "direction", "address", "outcome", "before / after / found")
    yield Section(f"Receipts ({len(rows)})", (Table(columns, tuple(rows)),))


def _about(book: Book, events: tuple[Event, ...]) -> Section:
    return Section(
        "About this report",
        (
            Line(f"Made from the journal {book.id}, which has {len(events)} events of this pause."),
            Line("A digest names a document in the folder `bodies` of the bundle."),
            Line("The frame of proof is the bundle: `stopline evidence verify FILE`."),
        ),
    )
