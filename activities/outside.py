"""What those outside a pause can be told of it, read from the journal. Decides nothing."""

from collections.abc import Iterable, Mapping

from stopline.audiences import OUTSIDE, Audience
from stopline.journal.book import Book
from stopline.journal.outbox import Notice, quiet_words
from stopline.journal.pauses import OPEN, Pause, PauseStatus
from stopline.model import Address, Direction
from stopline.notices.outside import PAUSING, Held, Standing, Theirs, at_end, held_by
from stopline.receipts import Outcome

_SETTLED = (PauseStatus.CONTAINED, PauseStatus.TERMINATED)
_ENDED = (PauseStatus.TERMINATING, PauseStatus.TERMINATED)
_DONE = (Outcome.APPLIED, Outcome.ALREADY)
NO_MORE = "no longer true"


def held_of(book: Book, vendor: str, to_be: Mapping[str, PauseStatus] | None = None) -> Held:
    """What all open pauses of a vendor hold together.

    `to_be` has the status that a pause is about to have, in the same transaction as a notice.
    """
    known = to_be or {}
    found = [(pause, known.get(pause.id, pause.status)) for pause in book.pauses.list(vendor)]
    return held_by(
        Standing(
            pause.scope,
            _connectors(book.writes.held(pause.id)),
            _connectors(book.pauses.released(pause.id)),
            settled=status in _SETTLED,
            ended=status in _ENDED,
        )
        for pause, status in found
        if status in OPEN
    )


def when_ended(book: Book, pause: Pause, status: PauseStatus, result: str) -> Theirs | None:
    """What those outside are told when a run has ended and the pause is about to have a status."""
    held = held_of(book, pause.vendor, {pause.id: status})
    heard = pause.id not in book.outbox.quiet_by(pause.id)
    way = _WAYS.get(pause.status)
    back = _given_back(book, pause, way) if way else frozenset[str]()
    return at_end(result, held, back, over=status not in OPEN, heard=heard)


_TRUE_WHILE = {
    "contained": (PauseStatus.CONTAINED,),
    "restored": (PauseStatus.CLOSED,),
    PAUSING: tuple(s for s in OPEN if s is not PauseStatus.RESTORING),
}
"""Where a pause must stand for what claims nothing else to those outside."""


def untrue(book: Book, notice: Notice) -> str:
    """Why what a notice says to those outside no longer holds; empty where it does.

    It may have waited for a day. Those inside are told what happened, late too: it did happen.
    """
    if Audience(notice.audience) not in OUTSIDE:
        return ""
    pause = book.pauses.get(notice.pause)
    if by := book.outbox.quiet_by(pause.id):
        return f"{NO_MORE}: {quiet_words(pause.id, by)}"
    if said := book.outbox.said(notice):
        now = str(held_of(book, pause.vendor))
        return "" if now == said else f"{NO_MORE}: it says {said}; by now: {now}"
    if pause.status not in _TRUE_WHILE.get(notice.event, (pause.status,)):
        return f"{NO_MORE}: the pause is {pause.status}"
    others = [p.id for p in book.pauses.list(pause.vendor, OPEN) if p.id != pause.id]
    if notice.event == "restored" and others:
        return f"{NO_MORE}: the pause {others[0]} holds access of {pause.vendor} still"
    return ""


_WAYS = {
    PauseStatus.RESTORING: Direction.RESTORE,
    PauseStatus.TERMINATING: Direction.TERMINATE,
}
"""Ways by which something is given back: a termination releases what people settle."""


def _given_back(book: Book, pause: Pause, way: Direction) -> frozenset[str]:
    """The connectors in which what is under way gave back what nobody holds any more."""
    events = book.pauses.events(pause.id)
    begins = [e.seq for e in events if e.kind == "status" and e.data["status"] == pause.status]
    begun = max(begins, default=0)
    back = {
        Address.parse(receipt["address"])
        for event in events
        if event.seq > begun and event.kind == "receipts" and event.data["direction"] == way
        for receipt in event.data["receipts"]
        if receipt["outcome"] in _DONE and not receipt["held"]
    }
    if way is Direction.TERMINATE:
        back &= book.pauses.released(pause.id)
    return _connectors(back - book.writes.held())


def _connectors(addresses: Iterable[Address]) -> frozenset[str]:
    return frozenset(address.connector for address in addresses)
