"""Who removes again and again what a pause contains: asked of the journal, by the pause's playbook."""

from collections.abc import Iterable

from stopline.climbing import Breach, breaches, removed
from stopline.configuration import Frozen
from stopline.journal.book import Book
from stopline.journal.removals import CLIMBED, climbs, removals
from stopline.model import Address
from stopline.playbook import Audits
from stopline.receipts import Hold


def watched(book: Book, pause: str) -> tuple[tuple[Breach, ...], Audits]:
    """What of a pause is breached now, and how its playbook has it watched."""
    audits = _audits(book, pause)
    return breaches(book.writes.holds(pause), removals(book.store, pause), audits), audits


def to_climb(book: Book, pause: str, holds: Iterable[Hold], audits: Audits) -> frozenset[Address]:
    """The levers of a pause above which the next one is wanted."""
    mine = [hold for hold in holds if hold.pause == pause]
    return removed(mine, removals(book.store, pause), audits) if mine else frozenset()


def note_climbs(book: Book, pause: str, holds: Iterable[Hold]) -> None:
    """Write down once which levers were taken above which, when they stand."""
    known = {lever for _, lever in climbs(book.pauses.events(pause, CLIMBED))}
    levers = [
        {"lever": str(h.address), "over": str(h.change.over), "principal": h.change.principal}
        for h in holds
        if h.change.over is not None and str(h.address) not in known
    ]
    if levers:
        book.pauses.note(pause, CLIMBED, {"levers": levers})


def _audits(book: Book, pause: str) -> Audits:
    return Frozen.load(book.store.body(book.pauses.opened_with(pause))).parse()[1].audits
