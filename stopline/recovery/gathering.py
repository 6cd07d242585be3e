"""What the journal knows of one pause, put together as a recovery sheet. Reads only."""

from collections.abc import Iterable, Iterator

from stopline.journal.book import Book
from stopline.journal.pauses import Pause
from stopline.journal.store import Event
from stopline.model import Direction, Plan
from stopline.recovery.sheet import Sheet
from stopline.text import Json

EVENT = "sheet"
"""The event of a sheet that was written, or that could not be: where, plan, wrong."""

STATES = ("before", "after", "found")
_SAID = (
    "opened",
    "contain-again",
    "approved",
    "stop",
    "acknowledged",
    "restoring",
    "terminating",
    "terminated",
    "adopted",
    "reassessed",
)


def gathered(book: Book, pause: Pause, order: dict[str, Json], plan: str = "") -> Sheet:
    """Make the sheet of a pause as it stands now. `plan` is about to be carried out."""
    events = book.pauses.events(pause.id)
    holds = book.writes.holds()
    mine = {hold.address for hold in holds if hold.pause == pause.id}
    return Sheet(
        journal=book.id,
        pause=pause.id,
        vendor=pause.vendor,
        scope=pause.scope,
        requester=pause.requester,
        reason=pause.reason,
        opened_at=pause.opened_at,
        status=str(pause.status),
        written_at=book.store.now(),
        order=order,
        frozen=book.store.body(pause.frozen),
        plans=_plans(book, events, plan),
        holds=tuple(hold for hold in holds if hold.address in mine),
        originals=_originals(book, pause.id),
        receipts=tuple(_receipts(book, pause.id)),
        said=tuple(_said(event) for event in events if event.kind in _SAID),
    )


def _plans(book: Book, events: Iterable[Event], plan: str) -> tuple[Plan, ...]:
    """The containment plans that were approved or carried out, in the order of that."""
    listed = [e.data for e in events if e.kind in ("approved", EVENT)]
    refs = [data.get("ref") or data.get("plan") or "" for data in listed]
    plans = (book.pauses.plan(ref).plan for ref in dict.fromkeys((*refs, plan)) if ref)
    return tuple(p for p in plans if p.direction is Direction.CONTAIN)


def _originals(book: Book, pause: str) -> tuple[tuple[str, str], ...]:
    documents = {hold.address.document for hold in book.writes.holds(pause)}
    found = book.writes.originals()
    return tuple((str(d), found[d]) for d in sorted(documents & set(found)))


def _receipts(book: Book, pause: str) -> Iterator[dict[str, Json]]:
    latest = [receipt for _, receipt in sorted(book.pauses.latest(pause).items())]
    texts = book.store.bodies(r[name] for r in latest for name in STATES if r[name])
    for receipt in latest:
        yield receipt | {name: texts.get(receipt[name], "") for name in STATES}


def _said(event: Event) -> tuple[str, str, str, str, str]:
    data = event.data if isinstance(event.data, dict) else {}
    words = data.get("words") or data
    return (
        event.at,
        event.kind,
        data.get("requester", event.actor) if event.kind == "opened" else event.actor,
        str(words.get("reason", "")),
        str(words.get("digest", "")),
    )
