"""What a person chose for the conflicts of a rollback: what another one reads before approving."""

import json
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


LONGEST_COLUMN = 400
"""Characters of a column in a file; `stopline status` shows all of it."""


def choices_file(vendor: str, pause: str, entries: Iterable[tuple[ShownChoice, str]]) -> str:
    """Conflicts as a YAML file to be answered, each with the digest of what was found.

    The columns are comments, so that nothing that somebody wrote into a system can be read as an
    answer.
    """
    lines = [
        f"# Conflicts of {vendor}'s pause {pause}: somebody changed these while they were held.",
        "# For each say keep-now (it stays as it is now), restore-before (it becomes what it was",
        "# before us) or skip (nothing is done, it stays held); reasons are read by who approves.",
        f"# Then: stopline rollback {pause} --reason WHY --choices FILE",
        "choices:",
    ]
    for one, now in entries:
        for name, text in (("before", one.before), ("ours", one.ours), ("now", one.now)):
            lines.append(f"  # {name}: {_one_line(text)}")
        lines.append(f"  - address: {json.dumps(one.address)}")
        lines.append(f"    now: {json.dumps(now)}")
        lines.append(f"    choice: {one.choice}")
        lines.append(f"    reason: {json.dumps(one.reason)}")
    return "\n".join(lines) + "\n"


def _one_line(text: str) -> str:
    """What was found, so that it stays in its comment whatever it holds."""
    shown = text if text.isprintable() else json.dumps(text)
    return shown if len(shown) <= LONGEST_COLUMN else f"{shown[:LONGEST_COLUMN]} ..."


def choices_page(choices: Iterable[ShownChoice]) -> Page:
    """What was chosen, each with its three columns; nothing where nothing was."""
    lines = tuple(Line(one.line, "!", Tone.WARN) for one in choices)
    title = "Chosen for conflicts: what is there now is kept, or written over"
    return (Section(title, lines, Tone.WARN),) if lines else ()
