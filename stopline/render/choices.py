"""What a person chose for the conflicts of a rollback: what another one reads before approving."""

from collections.abc import Iterable
from dataclasses import dataclass

from stopline.render.page import Line, Page, Section, Tone


@dataclass(frozen=True, slots=True)
class ShownChoice:
    """One choice with its reason. `before`, `ours` and `now` are the conflict's columns."""

    address: str
    choice: str
    reason: str
    before: str
    ours: str
    now: str

    @property
    def line(self) -> str:
        """All of it in one line."""
        return (
            f"{self.choice} {self.address}: before {self.before}, ours {self.ours}, "
            f"now {self.now} ({self.reason})"
        )


def choices_page(choices: Iterable[ShownChoice]) -> Page:
    """What was chosen, each with its three columns; nothing where nothing was."""
    lines = tuple(Line(one.line, "!", Tone.WARN) for one in choices)
    title = "Chosen for conflicts: what is there now is kept, or written over"
    return (Section(title, lines, Tone.WARN),) if lines else ()
