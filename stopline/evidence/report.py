"""The report for people: where the pause stands, what was approved, what was written."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from stopline.evidence import story
from stopline.journal.book import Book
from stopline.journal.store import Event
from stopline.model import Plan
from stopline.render.html import Mark, html
from stopline.render.page import Line, Page, Section, Table, Tone, reworded
from stopline.render.plan import SHORT, in_words
from stopline.signing import BREAK_GLASS


def report(book: Book, pause: str, page: Page, told: Callable[[str], str] = str) -> str:
    """Return the report of one pause as HTML. `page` says where it stands, `told` hides people."""
    events = book.pauses.events(pause)
    case = book.pauses.get(pause)
    sections = (
        *page,
        *story.sections(events),
        *_plans(book, events),
        *_written(events),
        _about(book, events),
    )
    marks = [replace(mark, text=told(mark.text)) for mark in _marks(events)]
    since = events[0].at if events else ""
    return html(f"Pause {pause} of {case.vendor}: evidence", reworded(sections, told), marks, since)


def _marks(events: tuple[Event, ...]) -> tuple[Mark, ...]:
    """Every event, row by row from the top of the timeline."""
    if not events:
        return ()
    first = datetime.fromisoformat(events[0].at)
    marks = (
        Mark(
            story.told(e).row,
            (datetime.fromisoformat(e.at) - first).total_seconds(),
            f"{e.at} {story.told(e).what} by {e.actor}",
            story.tone(e),
        )
        for e in events
    )
    return tuple(sorted(marks, key=lambda mark: story.ROWS.index(mark.row)))


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
    way = plan.direction
    rows = tuple((c.principal, in_words(c, way), str(c.address)) for c in plan.work)
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
