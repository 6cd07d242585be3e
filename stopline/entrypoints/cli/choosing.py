"""`stopline rollback --choose` and `--choices`: what a person chose, checked before the asking."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from stopline.choosing import Choice, Chosen, digest_of
from stopline.entrypoints.cli.choices import ABSENT, read_choices
from stopline.entrypoints.cli.program import Program
from stopline.errors import UserError
from stopline.journal.book import Book
from stopline.journal.pauses import Pause
from stopline.model import State
from stopline.render.choices import ShownChoice
from stopline.text import canonical, load


def chosen_and_said(
    program: Program, pause: Pause, words: Sequence[str], file: Path | None, usual: str
) -> tuple[Chosen, ...]:
    """Read the choices, and show each with its three columns. Raises UserError as `chosen`."""
    choices = chosen(program, pause, words, file, usual)
    for one in shown(program.book, pause.id, choices):
        program.announce(one.line)
    return choices


def chosen(
    program: Program, pause: Pause, words: Sequence[str], file: Path | None, usual: str
) -> tuple[Chosen, ...]:
    """Read `ADDRESS=CHOICE` or `ADDRESS=CHOICE: REASON`, each for a conflict that stands.

    What a file chooses comes to it. `usual` is the reason where none is said. Raises UserError on
    an unknown address or choice, and on two for one address.
    """
    found = {str(a): now for a, now in program.book.pauses.conflicts(pause.id).items()}
    parsed = [_parsed(word, usual, found) for word in words]
    parsed += read_choices(file, found, usual) if file else []
    addresses = [one.address for one in parsed]
    if twice := sorted({a for a in addresses if addresses.count(a) > 1}):
        raise UserError(f"Two choices are for {twice[0]}. Nothing was asked for, nothing done.")
    return tuple(sorted(parsed, key=lambda one: one.address))


def _parsed(word: str, usual: str, found: dict[str, State | None]) -> Chosen:
    for choice in Choice:
        address, equals, rest = word.rpartition(f"={choice}")
        if equals and (not rest.strip() or rest.startswith(":")):
            if address not in found:
                raise UserError(
                    f"{address!r} is no conflict of this pause. Nothing was asked for.",
                    f"Conflicts that stand: {_listed(found)}. A rollback that was carried out "
                    "finds them; `stopline status` shows them.",
                )
            why = rest.removeprefix(":").strip() or usual
            return Chosen(address, choice, why, digest_of(found[address]))
    raise UserError(
        f"--choose {word!r} names no choice. Nothing was asked for, nothing was done.",
        f"Write ADDRESS=CHOICE, the choice one of {', '.join(Choice)}.",
    )


def _listed(found: Iterable[str]) -> str:
    return ", ".join(sorted(found)) or "none"


def shown(book: Book, pause: str, choices: Iterable[Chosen]) -> Iterator[ShownChoice]:
    """Each choice whose conflict stands as it was when it was chosen, with its three columns."""
    found = book.pauses.conflicts(pause)
    holds = {str(hold.address): hold for hold in book.writes.holds(pause)}
    for one in choices:
        hold = holds.get(one.address)
        if hold is None or hold.address not in found:
            continue
        now = found[hold.address]
        if digest_of(now) == one.now:
            three = (_text(hold.prior), _text(hold.ours), _text(now))
            yield ShownChoice(one.address, str(one.choice), one.reason, *three)


def waiting_choices(book: Book, pause: str) -> tuple[ShownChoice, ...]:
    """The choices of the rollback that was asked for last, as whoever approves it reads them."""
    asked = book.pauses.events(pause, "rollback")
    said = asked[-1].data.get("choices", ()) if asked else ()
    return tuple(shown(book, pause, load(tuple[Chosen, ...], canonical(said))))


def _text(state: State | None) -> str:
    return state.body if state else ABSENT
