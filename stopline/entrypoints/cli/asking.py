"""Asking the person: which pause is meant, and whether it is really meant."""

import sys
from contextlib import suppress
from difflib import get_close_matches

import typer

from stopline.entrypoints.cli.program import Program
from stopline.errors import ConfigError, UserError
from stopline.journal.pauses import OPEN, Pause
from stopline.render.plan import scope_text


def confirm(program: Program, vendor: str, given: str, what: str, recap: str = "") -> None:
    """Have the vendor's name typed, or given as --confirm. Raises UserError for any other answer.

    `recap` says again what is asked, where a long plan has carried its head out of sight. Never
    hangs: without a terminal and without --confirm it fails, and nothing is done.
    """
    answer = given or _typed(program, vendor, what, recap)
    if answer != vendor:
        raise UserError(
            f"{answer!r} is not the vendor's name, which is {vendor!r}. Nothing was done.",
            "Read the plan again; then type the name exactly.",
        )


def _typed(program: Program, vendor: str, what: str, recap: str) -> str:
    if not sys.stdin.isatty():
        raise UserError(
            "Nobody is there to confirm: stdin is not a terminal. Nothing was done.",
            f"Read the plan, then add --confirm {vendor}.",
        )
    program.say("")
    if recap:
        program.say(recap)
    try:
        text: str = typer.prompt(f"To {what}, type the vendor's name", err=True)
    except typer.Abort as error:
        if isinstance(error.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        raise UserError("Nobody confirmed. Nothing was done.") from None
    return text.strip()


def open_pause(program: Program, word: str) -> Pause:
    """The open pause that a vendor's name or a pause's id means. Raises UserError."""
    found = pauses_named(program, word, closed=False)
    if len(found) > 1:
        listed = "; ".join(f"{p.id} ({scope_text(p.scope)}, {p.status})" for p in found)
        raise UserError(
            f"{word} has {len(found)} open pauses: {listed}. Nothing was done.",
            f"Name one by its id: {found[0].id}.",
        )
    if not found:
        raise UserError(
            f"There is no open pause of {word!r}{nearest(program, word)}. Nothing was done.",
            "See `stopline status`.",
        )
    return found[0]


def pauses_named(program: Program, word: str, *, closed: bool = True) -> tuple[Pause, ...]:
    """Every pause that a vendor's name, one of its other names, or a pause's id means."""
    pauses = program.book.pauses.list(statuses=() if closed else OPEN)
    if by_id := tuple(p for p in pauses if p.id == word):
        return by_id
    names = {word, _canonical(program, word)}
    return tuple(p for p in pauses if p.vendor in names)


def _canonical(program: Program, word: str) -> str:
    """The name that the configuration gives a vendor; a journal is readable without it."""
    try:
        return program.configuration.vendor(word).vendor
    except UserError:
        return word


def nearest(program: Program, word: str) -> str:
    """Suggest the pause or the vendor that was probably meant."""
    pauses = program.book.pauses.list(statuses=OPEN)
    known = {name for pause in pauses for name in (pause.vendor, pause.id)}
    with suppress(ConfigError):
        known |= {vendor.vendor for vendor in program.configuration.vendors()}
    match = [name for name in get_close_matches(word, sorted(known), 1) if name != word]
    return f" (did you mean {match[0]!r}?)" if match else ""
