"""Break-glass in the journal: what one person approved alone, and who has reviewed it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from stopline.journal.store import Event, Store
from stopline.text import Json

BROKEN = "break-glass"
REVIEWED = "break-glass-reviewed"
"""The events of the yes that one person gave alone, and of another person's review of it."""
REVIEW_WITHIN = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Broken:
    """One yes that a person gave alone. `seq` is its event; `at` and `review_by` ISO 8601, UTC.

    `reviewed_by` is empty until another person has reviewed it.
    """

    seq: int
    pause: str
    at: str
    by: str
    direction: str
    digest: str
    reason: str
    review_by: str
    reviewed_by: str = ""

    def overdue(self, now: float) -> bool:
        """Whether it should have been reviewed before `now`, in seconds since 1970."""
        return not self.reviewed_by and datetime.fromisoformat(self.review_by).timestamp() < now


def due(at: str) -> str:
    """By when what was broken at a time must have been reviewed, in whole seconds."""
    late = datetime.fromisoformat(at).astimezone(UTC) + REVIEW_WITHIN
    return late.strftime("%Y-%m-%dT%H:%M:%SZ")


def broken(store: Store, pause: str = "") -> tuple[Broken, ...]:
    """Every break-glass approval of one pause or of all, oldest first, with who reviewed it."""
    reviews = store.events(pause, REVIEWED)
    return tuple(_broken(event, reviews) for event in store.events(pause, BROKEN))


def unreviewed(store: Store, pause: str = "") -> tuple[Broken, ...]:
    """Those that nobody else has reviewed yet, oldest first; of closed pauses too."""
    return tuple(one for one in broken(store, pause) if not one.reviewed_by)


def _broken(event: Event, reviews: Iterable[Event]) -> Broken:
    """A word of whoever broke it is no review, whatever wrote it down."""
    data: Json = event.data
    others = (r.actor for r in reviews if r.data["of"] == event.seq and r.actor != event.actor)
    return Broken(
        event.seq, event.pause, event.at, event.actor, data["direction"], data["digest"],
        data["reason"], data["review_by"], next(others, ""),
    )  # fmt: skip
