"""What those outside a pause can be told of it, read from the journal. Decides nothing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from activities.api import PauseOrder
from activities.facts import facts_of
from stopline.audiences import OUTSIDE, Audience
from stopline.journal.book import Book
from stopline.journal.outbox import LIFTED, Draft, Notice, quiet_words
from stopline.journal.pauses import OPEN, Pause, PauseStatus
from stopline.model import Address, Direction
from stopline.money import PAY, keeps
from stopline.notices.drafting import Facts
from stopline.notices.outside import (
    ACCESS,
    PAUSING,
    PAYMENTS,
    Held,
    Since,
    Standing,
    Theirs,
    at_end,
    caught_up,
    covers_access,
    held_by,
)
from stopline.receipts import Outcome

_SETTLED = (PauseStatus.CONTAINED, PauseStatus.TERMINATED)
_ENDED = (PauseStatus.TERMINATING, PauseStatus.TERMINATED)
_DONE = (Outcome.APPLIED, Outcome.ALREADY)
NO_MORE = "no longer true"
MISSED = "told-outside-later"
"""The event that those outside are told what they could not be told when it happened."""


class Drafting(Protocol):
    """What makes the notices of an event."""

    def drafts(self, facts: Facts) -> Sequence[Draft]:
        """The notices; a fault becomes one that failed."""
        ...


def held_of(book: Book, vendor: str, to_be: Mapping[str, PauseStatus] | None = None) -> Held:
    """What all open pauses of a vendor hold together.

    `to_be` has the status that a pause is about to have, in the same transaction as a notice.
    """
    known = to_be or {}
    found = [(pause, known.get(pause.id, pause.status)) for pause in book.pauses.list(vendor)]
    return held_by(
        Standing(
            pause.scope,
            _connectors(held),
            _connectors(book.pauses.released(pause.id)),
            settled=status in _SETTLED,
            ended=status in _ENDED,
            marks=PAY in {address.connector for address in held},
        )
        for pause, status in found
        if status in OPEN
        for held in (book.writes.held(pause.id),)
    )


def when_ended(book: Book, pause: Pause, status: PauseStatus, result: str) -> tuple[Theirs, ...]:
    """What those outside can be told when a run has ended and the pause is about to have a status.

    Of what was removed for good nobody is told that it is given back.
    """
    held = held_of(book, pause.vendor, {pause.id: status})
    way = _WAYS.get(pause.status)
    back = _given_back(book, pause, way) if way else frozenset[str]()
    since = Since() if result == "terminated" else since_of(book, pause.vendor)
    ever = back | _ever_back(book, pause)
    return at_end(result, held, back, ever, since, over=status not in OPEN)


def _ever_back(book: Book, pause: Pause) -> frozenset[str]:
    """The connectors in which a pause has given anything back.

    Where there was nothing to take, those outside may have been told of it as if there had been.
    """
    released = _connectors(book.pauses.released(pause.id))
    told = any(e.data["status"] == "contained" for e in book.pauses.events(pause.id, "status"))
    if not told and not book.pauses.events(pause.id, LIFTED):
        return released
    return released | {ACCESS if covers_access(pause.scope) else PAY}


def tell_what_was_missed(book: Book, order: PauseOrder, teller: Drafting) -> None:
    """Tell those outside what they should know by now and do not, if nothing keeps them quiet.

    Two pauses that end at the same moment each see the other as it was. Says nothing twice.
    """
    theirs = caught_up(held_of(book, order.vendor), since_of(book, order.vendor))
    if theirs:
        drafts = teller.drafts(replace(facts_of(book, order, MISSED), theirs=theirs))
        if book.outbox.wanted(order.pause, drafts):
            book.pauses.note(order.pause, MISSED, {}, event=MISSED, drafts=drafts)


def since_of(book: Book, vendor: str) -> Since:
    """When a pause that is over last gave everything back, and nothing was ended for good since."""
    back, gone = {ACCESS: 0, PAYMENTS: 0}, {ACCESS: 0, PAYMENTS: 0}
    for pause in book.pauses.list(vendor, (PauseStatus.CLOSED,)):
        told = [(e.seq, e.data["status"]) for e in book.pauses.events(pause.id, "status")]
        (seq, _), before = told[-1], [status for _, status in told[:-1]]
        ended = PauseStatus.TERMINATING in before
        if not ended and before[-1:] != [PauseStatus.RESTORING]:
            continue  # it was refused: it had taken nothing
        removed = _connectors(r.address for r in book.pauses.removed(pause.id) if ended)
        for what, is_gone in ((ACCESS, ended), (PAYMENTS, PAY in removed)):
            into = gone if is_gone else back
            if is_gone or what in _kinds(_ever_back(book, pause)):
                into[what] = max(into[what], seq)
    since = {what: seq if seq > gone[what] else 0 for what, seq in back.items()}
    return Since(since[ACCESS], since[PAYMENTS])


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
    if misplaced := book.outbox.out_of_place(notice):
        return f"{NO_MORE}: they have not heard that {' and '.join(misplaced)} was off or held"
    if said := book.outbox.said(notice):
        now = str(held_of(book, pause.vendor))
        return "" if now == said else f"{NO_MORE}: it says {said}; by now: {now}"
    return _unfit(book, notice, pause)


def _unfit(book: Book, notice: Notice, pause: Pause) -> str:
    """The same of what claims nothing of what is held: by where its pause stands."""
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


def _kinds(connectors: Iterable[str]) -> frozenset[str]:
    return frozenset(PAYMENTS if name == PAY else ACCESS for name in connectors)


def _connectors(addresses: Iterable[Address]) -> frozenset[str]:
    """The connectors that something is kept from the vendor in: a mark on pay keeps none of it."""
    return frozenset(a.connector for a in addresses if a.connector != PAY or keeps(a))
