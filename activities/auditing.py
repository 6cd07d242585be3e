"""An audit: read everything that a pause holds, search for new access, write down what differs.

Nothing is written to any system here. What is contained again is a sweep's work.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime

from activities import api
from activities.breaching import breaches_of
from activities.deadlines import say_near
from activities.facts import auditing
from activities.telling import NOBODY, Teller
from stopline.deadlines import Deadline
from stopline.errors import ConnectorError
from stopline.journal.book import Book
from stopline.journal.pauses import Planned
from stopline.model import Address, Direction, Document
from stopline.planner import Drift, DriftKind, Look, drift
from stopline.playbook import Audits
from stopline.port import Connector, Observed
from stopline.receipts import Hold
from stopline.residuals import Residuals, summed
from stopline.terminating import Removed
from stopline.text import Json, jsonable

READERS = 8
KIND = "audited"
OPENS = (DriftKind.REMOVED, DriftKind.REGRANTED, DriftKind.EDITED)
"""Through these the vendor may have access again."""


def drifted(book: Book, connectors: Mapping[str, Connector], pause: str) -> tuple[Drift, ...]:
    """Compare what a pause holds with what is there."""
    holds = book.writes.holds(pause)
    return drift(holds, looks(observed(connectors, holds), holds))


def opened(found: Iterable[Drift]) -> dict[str, Json]:
    """What differs, as the journal keeps it; and through what of it the vendor may be in again."""
    listed = tuple(found)
    return {
        "drift": [_told(one) for one in listed],
        "opened": sorted(str(one.address) for one in listed if one.kind in OPENS),
    }


def residuals_of(
    book: Book, connectors: Mapping[str, Connector], pause: str
) -> tuple[Residuals, ...]:
    """What outlives what a pause holds, by when each was written, and what of it is over."""
    latest = book.pauses.latest(pause)
    written = {
        address: datetime.fromisoformat(receipt["at"]).timestamp()
        for address, receipt in latest.items()
        if receipt["direction"] == Direction.CONTAIN and receipt["held"]
    }
    residuals = (
        residual
        for hold in book.writes.holds(pause)
        if hold.address.connector in connectors
        for residual in connectors[hold.address.connector].residuals(hold.change)
    )
    return summed(residuals, written, book.store.clock())


def audited(
    book: Book,
    asked: api.AuditOrder,
    found: Sequence[Drift],
    planned: Planned,
    audits: Audits,
    teller: Teller = NOBODY,
    due: Sequence[Deadline] = (),
    residuals: Sequence[Residuals] = (),
) -> api.Audited:
    """Journal what an audit found, and what is new: `planned` is a sweep's, made after it.

    `due` are the deadlines that are near, which are told as well; `residuals` are what may go on
    for a while, or has ended by now.
    """
    pause = asked.order.pause
    holds = book.writes.holds(pause)
    earlier = book.store.events(pause, KIND)
    before = Counter(address for event in earlier for address in event.data["opened"])
    data = opened(found) | _new(asked, planned, holds)
    broken = breaches_of(book, pause, audits, data) if asked.contains else ()
    met = {str(change.over) for change in planned.plan.changes}
    data["due"] = [str(one) for one in due]
    data["residuals"] = [jsonable(one) for one in residuals]
    data["breached"] = [str(b.address) for b in broken if str(b.address) not in met]
    result = api.Audited(
        number=len(earlier) + 1,
        at=book.store.now(),
        by=asked.by,
        held=len(holds),
        drifted=len(data["opened"]),
        fresh=len(data["fresh"]),
        beyond=len(data["beyond"]),
        unread=sum(one.kind is DriftKind.UNREAD for one in found),
        gaps=len(planned.plan.gaps),
        again=max((before[address] for address in data["opened"]), default=0),
        contains=asked.contains,
        breached=len(data["breached"]),
        climbs=len(data["climbs"]),
    )
    last = earlier[-1].data if earlier else {}
    drafts = teller.drafts(auditing(book, asked.order, result)) if _news(data, last) else ()
    book.pauses.note(pause, KIND, data, asked.by, event="drift", drafts=drafts)
    say_near(book, pause, due, teller)
    return replace(result, notices=len(book.outbox.due(pause)))


def _new(asked: api.AuditOrder, planned: Planned, holds: Iterable[Hold]) -> dict[str, Json]:
    """What the vendor holds besides, as the journal keeps it."""
    plan, held = planned.plan, {hold.address for hold in holds}
    new = [change for change in plan.work if change.address not in held]
    return {
        "plan": planned.ref,
        "contains": asked.contains,
        "fresh": sorted(str(c.address) for c in new if c.over is None),
        "climbs": sorted(str(c.address) for c in new if c.over is not None),
        "beyond": sorted({str(s.address) for s in plan.skips if s.leaves_access}),
        "gaps": [f"{g.connector} {g.realm}: {g.what}: {g.cause}" for g in plan.gaps],
        "held": len(held),
    }


def _news(data: Json, last: Json) -> bool:
    """Whether somebody must hear of it: what lets the vendor in, each time; the rest, once."""
    rest = ("beyond", "gaps", "drift")
    return bool(data["opened"] or data["fresh"]) or any(
        data[name] != last.get(name, []) and data[name] for name in rest
    )


def _told(one: Drift) -> Json:
    return {
        "address": str(one.address),
        "principal": one.principal,
        "kind": str(one.kind),
        "ours": one.ours.digest if one.ours else "",
        "now": one.now.digest if one.now else "",
    }


def observed(
    connectors: Mapping[str, Connector], holds: Iterable[Hold | Removed]
) -> Mapping[Document, Observed]:
    """Read every document that these lie in; one that cannot be read is left out."""
    documents = sorted({hold.address.document for hold in holds})
    with ThreadPoolExecutor(READERS) as pool:
        answers = zip(documents, pool.map(lambda d: _read(connectors, d), documents), strict=True)
        return {document: answer for document, answer in answers if answer is not None}


def looks(
    found: Mapping[Document, Observed], holds: Iterable[Hold | Removed]
) -> Mapping[Address, Look]:
    """What stands at each address that is held; of what could not be read nothing is said."""
    return {
        hold.address: Look(one.states.get(hold.address), exists=one.exists)
        for hold in holds
        if (one := found.get(hold.address.document)) is not None
    }


def _read(connectors: Mapping[str, Connector], document: Document) -> Observed | None:
    try:
        return connectors[document.connector].read(document)
    except (ConnectorError, KeyError):
        return None
