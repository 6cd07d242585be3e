"""Policies count some time after they are written: what is read is new, what is enforced is old.

https://cloud.google.com/iam/docs/access-change-propagation
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from stopline.text import Json


@dataclass
class Delays:
    """What was in force before each write that does not count yet."""

    seconds: float = 0.0
    """How long a write takes to count, in emulated time; Google says 2 to 7 minutes."""

    _before: dict[str, list[tuple[datetime, Json]]] = field(default_factory=dict)
    _gone: dict[str, set[str]] = field(default_factory=dict)

    def note(self, name: str, before: Json, now: datetime) -> None:
        """Say what was there right before a write to a policy."""
        if self.seconds:
            until = now + timedelta(seconds=self.seconds)
            self._before.setdefault(name, []).append((until, before))

    def note_gone(self, name: str, before: Json, parent: str, now: datetime) -> None:
        """Say that a policy which hung on `parent` was deleted."""
        if self.seconds:
            self.note(name, before, now)
            self._gone.setdefault(parent, set()).add(name)

    def in_force(self, name: str, written: Json, now: datetime) -> Json:
        """What counts of a policy now: what is written, or what was there before it."""
        pending = (before for until, before in self._before.get(name, ()) if until > now)
        return next(pending, written)

    def gone(self, parent: str) -> list[str]:
        """The policies that were deleted from `parent`, and may still count."""
        return sorted(self._gone.get(parent, ()))
