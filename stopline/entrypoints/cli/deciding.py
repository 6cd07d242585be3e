"""The file of decisions: written by `payouts --format decisions`, read by `terminate --decisions`.

Where a pause holds many payables, finance and legal decide in an editor, payable by payable, and
others review the file. Each entry says what it is about: a decision is about that and nothing else.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path as File

from pydantic import BaseModel, ConfigDict

from stopline.entrypoints.cli.choices import text_of
from stopline.errors import ConfigError, UserError
from stopline.journal.book import Book
from stopline.journal.pauses import Pause
from stopline.money import PAY, keeps
from stopline.receipts import Hold
from stopline.render.decisions import decisions_file
from stopline.settling import Decided, Decision
from stopline.yamltext import Path, read


class _Entry(BaseModel):
    """One decision. `payee` and `holds` are what stood there when the file was written."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    address: str
    payee: str
    holds: str
    decision: Decision
    reason: str = ""
    review_by: str | date = ""


class _Decisions(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    decisions: tuple[_Entry, ...]


def write_decisions(book: Book, pause: Pause) -> str:
    """The money that a pause holds, as a file to be answered; from the journal alone.

    Raises UserError when it holds none.
    """
    held = [h for h in sorted(book.writes.holds(pause.id)) if h.address.connector == PAY]
    if not held:
        raise UserError(f"The pause {pause.id} of {pause.vendor} holds no money. Nothing to write.")
    return decisions_file(pause.vendor, pause.id, held)


def read_decisions(file: File | None, holds: Sequence[Hold], usual: str) -> tuple[Decided, ...]:
    """Read a file of decisions about these holds. `usual` is the reason where none is given.

    What is undecided is no decision, but for a mark, which no word would cancel: it stays, also
    where the file is silent about it. Raises UserError, a line `file:line: fault` for each, on
    anything that is no decision about what is held as it was when the file was written.
    """
    if file is None:
        return ()
    try:
        reading = read(text_of(file), file.as_posix(), _Decisions)
        entries = reading.value.decisions
        reading.checked(_faults(entries, {str(h.address): h for h in holds}))
    except ConfigError as error:
        raise UserError(
            error.what + "\nNothing was asked for, nothing was done.",
            "Correct the file, or write it anew with `stopline payouts VENDOR --format decisions`.",
        ) from None
    told = {
        e.address: Decided(e.address, e.decision, e.reason.strip() or usual, str(e.review_by))
        for e in entries
        if e.decision is not Decision.UNDECIDED
    }
    marks = [str(h.address) for h in holds if h.address.connector == PAY and not keeps(h.address)]
    left = (Decided(mark, Decision.UNDECIDED) for mark in marks if mark not in told)
    return (*told.values(), *left)


def _faults(entries: Sequence[_Entry], held: dict[str, Hold]) -> Iterator[tuple[Path, str]]:
    before: dict[str, int] = {}
    for number, entry in enumerate(entries):
        where: Path = ("decisions", number)
        first, hold = before.setdefault(entry.address, number), held.get(entry.address)
        if first != number:
            yield (*where, "address"), f"{entry.address!r} is decided already, entry {first + 1}"
        elif hold is None or hold.address.connector != PAY:
            why = "is nothing of money that this pause holds in the scope that is asked for"
            yield (*where, "address"), f"{entry.address!r} {why}"
        elif (entry.payee, entry.holds) != (hold.change.principal, hold.change.summary):
            why = f"is owed to {hold.change.principal}: {hold.change.summary}; look again"
            yield (*where, "holds"), f"{entry.address!r} {why}"
        elif why := _day(entry):
            yield (*where, "review_by"), f"{entry.address!r}: {why}"


def _day(entry: _Entry) -> str:
    """What is wrong with the day of a decision; nothing where it is as it must be."""
    if entry.decision is not Decision.DISPUTE:
        return "the day is for what is disputed" if entry.review_by else ""
    try:
        date.fromisoformat(str(entry.review_by))
    except ValueError:
        return "what is disputed must be looked at again: give the day, as 2027-03-01"
    return ""
