"""`stopline rollback --choose`: a person's choices for conflicts, checked before the asking."""

from collections.abc import Iterable, Sequence

from stopline.choosing import Choice, Chosen, digest_of
from stopline.entrypoints.cli.program import Program
from stopline.errors import UserError
from stopline.journal.pauses import Pause
from stopline.model import State

ABSENT = "(absent)"


def chosen(program: Program, pause: Pause, words: Sequence[str], usual: str) -> tuple[Chosen, ...]:
    """Read `ADDRESS=CHOICE` or `ADDRESS=CHOICE: REASON`, each for a conflict that stands.

    `usual` is the reason where none is said. Raises UserError on an unknown address or choice.
    """
    found = {str(a): now for a, now in program.book.pauses.conflicts(pause.id).items()}
    parsed = [_parsed(word, usual, found) for word in words]
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


def columns(program: Program, pause: Pause, choices: Iterable[Chosen]) -> Iterable[str]:
    """A line for each choice with its three columns: before, ours, now."""
    found = program.book.pauses.conflicts(pause.id)
    for hold in program.book.writes.holds(pause.id):
        for one in choices:
            if one.address == str(hold.address):
                now = _text(found.get(hold.address))
                yield (
                    f"{one.choice} {one.address}: before {_text(hold.prior)}, "
                    f"ours {_text(hold.ours)}, now {now} ({one.reason})"
                )


def _text(state: State | None) -> str:
    return state.body if state else ABSENT
