"""What there is to say of what happened to a pause, read from the journal. Writes nothing."""

from collections import Counter
from dataclasses import replace

from activities import api
from stopline.journal.book import Book
from stopline.notices.drafting import REFUSED, Facts
from stopline.notices.outside import Theirs

_LEFT = (
    ("breached", "that somebody removes at will; no lever is left that they cannot edit"),
    ("failed", "writes that failed"),
    ("by_hand", "that a person must do by hand in another system"),
    ("conflicts", "edited by somebody else meanwhile, and not overwritten"),
    ("unproven", "of which nobody can say whether the write landed"),
    ("unverified", "that a later reading does not show as we left them"),
    ("open_skips", "grants left in place on purpose, each with its reason in the plan"),
    ("gaps", "places that could not be read"),
)
_FOUND = (
    ("breached", "that somebody removes at will; no lever is left that they cannot edit"),
    ("drifted", "accesses that were opened again"),
    ("fresh", "accesses that are new, within what was approved"),
    ("beyond", "accesses that are left open and wait for a person"),
    ("unread", "that could not be read again"),
    ("gaps", "places that could not be searched"),
)


def opening(order: api.PauseOrder, at: str) -> Facts:
    """What there is to say when a pause is opened."""
    return Facts("opened", order.vendor, order.pause, at, order.requester, order.reason)


def refusing(order: api.PauseOrder, at: str, why: str, theirs: tuple[Theirs, ...]) -> Facts:
    """What there is to say when a pause ends before it began."""
    facts = Facts(REFUSED, order.vendor, order.pause, at, order.requester, order.reason)
    return replace(facts, why=why, theirs=theirs)


def concluding(
    book: Book, order: api.PauseOrder, summary: api.Summary, theirs: tuple[Theirs, ...]
) -> Facts:
    """What there is to say when a run has ended; the event is the summary's result.

    `theirs` is what those outside can be told of it.
    """
    left = tuple((what, getattr(summary, n)) for n, what in _LEFT if getattr(summary, n))
    facts = facts_of(book, order, summary.result)
    return replace(facts, left=left, why=summary.why, theirs=theirs)


def auditing(book: Book, order: api.PauseOrder, found: api.Audited) -> Facts:
    """What there is to say when an audit was not clean."""
    left = tuple((what, getattr(found, n)) for n, what in _FOUND if getattr(found, n))
    return replace(facts_of(book, order, "drift"), left=left)


def facts_of(book: Book, order: api.PauseOrder, event: str) -> Facts:
    """One event of a pause, with what it holds now."""
    held = Counter(
        f"{h.address.connector} {h.address.realm}" for h in book.writes.holds(order.pause)
    )
    at = book.store.now()
    off = tuple(sorted(held.items()))
    return Facts(event, order.vendor, order.pause, at, order.requester, order.reason, off)
