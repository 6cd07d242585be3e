"""Who removes again and again what a pause contains: asked of the journal, by its playbook."""

from collections.abc import Iterable

from stopline.climbing import Breach, breaches, removed
from stopline.configuration import Frozen
from stopline.journal.book import Book
from stopline.journal.removals import CLIMBED, climbs, removals
from stopline.model import Address, Breadth
from stopline.playbook import Audits
from stopline.receipts import Hold
from stopline.text import Json


def audits_of(book: Book, pause: str) -> Audits:
    """How the playbook that a pause was opened with has it watched."""
    return Frozen.load(book.store.body(book.pauses.opened_with(pause))).parse()[1].audits


def breaches_of(book: Book, pause: str, audits: Audits, found: Json = None) -> tuple[Breach, ...]:
    """What of a pause is breached now. `found`: an audit that is not written down yet."""
    return breaches(book.writes.holds(pause), removals(book.store, pause, found), audits)


def to_climb(
    book: Book, pause: str, holds: Iterable[Hold], audits: Audits, found: Json = None
) -> frozenset[Address]:
    """The levers of a pause above which the next one is wanted."""
    mine = [hold for hold in holds if hold.pause == pause]
    return removed(mine, removals(book.store, pause, found), audits) if mine else frozenset()


def note_climbs(book: Book, pause: str, holds: Iterable[Hold]) -> None:
    """Write down once which levers were taken above which, when they stand."""
    known = {lever for _, lever in climbs(book.pauses.events(pause, CLIMBED))}
    levers = [
        {"lever": str(h.address), "over": str(h.change.over), "principal": h.change.principal}
        for h in holds
        if h.change.over is not None
        and h.change.breadth is not Breadth.FOUNDATION
        and str(h.address) not in known
    ]
    if levers:
        reason = f"{', '.join(lever['over'] for lever in levers)}: removed again and again"
        book.pauses.note(pause, CLIMBED, {"reason": reason, "levers": levers})
