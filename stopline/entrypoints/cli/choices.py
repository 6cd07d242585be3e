"""The file of choices: written by `status --format choices`, read by `rollback --choices FILE`.

Where a rollback left many conflicts, a person answers them in an editor, with the three columns
before their eyes, and others review the file. Each entry names the digest of what was found: an
answer is about that and nothing else.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path as File

from pydantic import BaseModel, ConfigDict

from stopline.choosing import Choice, Chosen, digest_of
from stopline.entrypoints.cli.program import Program
from stopline.errors import ConfigError, UserError
from stopline.journal.pauses import Pause
from stopline.model import State
from stopline.render.choices import ShownChoice, choices_file
from stopline.yamltext import Fault, Path, config_error, read


class _Entry(BaseModel):
    """One answer. `now` is the digest of what was found when the file was written."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    address: str
    choice: Choice
    now: str
    reason: str = ""


class _Choices(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    choices: tuple[_Entry, ...]


def write_choices(program: Program, pause: Pause) -> None:
    """Write the conflicts that stand to stdout, as a file to be answered.

    Raises UserError when there are none.
    """
    found = program.book.pauses.conflicts(pause.id)
    holds = {hold.address: hold for hold in program.book.writes.holds(pause.id)}
    lines = [
        (ShownChoice(str(a), Choice.SKIP, "", *columns), digest_of(now))
        for a, now in sorted(found.items(), key=lambda item: str(item[0]))
        if (hold := holds.get(a)) is not None
        for columns in [(_text(hold.prior), _text(hold.ours), _text(now))]
    ]
    if not lines:
        raise UserError(
            f"No conflict of {pause.vendor}'s pause {pause.id} stands. Nothing was written.",
            "A rollback that was carried out finds them; `stopline status` shows them.",
        )
    print(choices_file(pause.vendor, pause.id, lines), end="")  # noqa: T201 - the data


def read_choices(file: File, found: Mapping[str, State | None], usual: str) -> list[Chosen]:
    """Read a file of choices. `usual` is the reason of an entry that gives none.

    Raises UserError, a line `file:line: fault` for each, on anything that is no choice for a
    conflict that stands as it was when the file was written.
    """
    try:
        reading = read(text_of(file), file.as_posix(), _Choices)
        entries = reading.value.choices
        reading.checked(_faults(entries, found))
    except ConfigError as error:
        raise UserError(
            error.what + "\nNothing was asked for, nothing was done.",
            "Correct the file, or write it anew with `stopline status VENDOR --format choices`.",
        ) from None
    return [Chosen(e.address, e.choice, e.reason.strip() or usual, e.now) for e in entries]


def text_of(file: File) -> str:
    """What a file says. Raises ConfigError where it cannot be read."""
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
        raise config_error(file.as_posix(), [Fault(0, f"cannot be read: {why}")]) from None


def _faults(
    entries: tuple[_Entry, ...], found: Mapping[str, State | None]
) -> Iterator[tuple[Path, str]]:
    before: dict[str, int] = {}
    for number, entry in enumerate(entries):
        where: Path = ("choices", number, "address")
        first = before.setdefault(entry.address, number)
        if first != number:
            yield where, f"{entry.address!r} has a choice already, entry {first + 1}"
        elif entry.address not in found:
            yield where, f"{entry.address!r} is no conflict of this pause"
        elif digest_of(found[entry.address]) != entry.now:
            moved = "what is there is not what stood here when the file was written"
            yield ("choices", number, "now"), f"{entry.address!r}: {moved}; look again"


def _text(state: State | None) -> str:
    return state.body if state else ABSENT


ABSENT = "(absent)"
"""What stands in a column where there is nothing."""
