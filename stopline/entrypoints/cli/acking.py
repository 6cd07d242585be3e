"""`stopline ack`: a person says that a notice has reached them, so that nobody else is woken."""

from typing import Annotated

import typer

from activities.api import TellOrder
from stopline.entrypoints.cli import options as o
from stopline.entrypoints.cli.asking import open_pause, pauses_named
from stopline.entrypoints.cli.noticing import show
from stopline.entrypoints.cli.program import Program
from stopline.errors import UserError
from stopline.journal.pauses import Pause
from stopline.notices.tokens import notice_of

DIGITS = 9
"""The fewest digits of a notice's key that name it; a pause's id has one less."""


def ack(
    context: typer.Context,
    case: Annotated[
        str,
        typer.Argument(
            metavar="[VENDOR|PAUSE|NOTICE]",
            help="Of which pause, or which notice by its key's first digits; none with --token.",
        ),
    ] = "",
    *,
    token: Annotated[
        str, typer.Option(help="What stood in the notice: it proves that it reached you.")
    ] = "",
    reason: Annotated[str, typer.Option("--reason", help="What you do about it.")] = "",
    by: o.As = "",
    output: o.OutputOption = None,
) -> None:
    """Acknowledge the notices of a pause: somebody has heard, and nobody else need be told.

    Who says it first is written into the journal. The worker's roles say who may; with --token
    whoever was sent the notice may, too. Shows the pause's notices then.
    """
    program = o.program_of(context, output)
    person = o.identity(program, by)
    pause, notice = _meant(program, case, token)
    order = TellOrder(
        pause.id, program.book.id, word="ack", by=person, reason=reason.strip(), notice=notice,
        token=token,
    )  # fmt: skip
    told = program.wait(
        program.at_work().about_notices(order, "ack", f"{person} has heard of {pause.id}")
    )
    program.say(
        f"Acknowledged by {person}." if told.heard else "It was acknowledged before: see below."
    )
    show(program, pause)


def _meant(program: Program, case: str, token: str) -> tuple[Pause, str]:
    """Which pause is meant, and which notice of it (empty: all). Raises UserError."""
    if bool(case) == bool(token):
        raise UserError(
            "Say what is acknowledged: a vendor, a pause or a notice; or give --token alone. "
            "Nothing was acknowledged.",
            "`stopline notices VENDOR` lists them.",
        )
    key = notice_of(token) if token else case
    if not token and (len(key) < DIGITS or pauses_named(program, case)):
        return open_pause(program, case), ""
    found = program.book.outbox.named(key) if key else ()
    if token and len(found) == 1:
        return program.book.pauses.get(found[0].pause), ""
    if len(found) == 1:
        return program.book.pauses.get(found[0].pause), found[0].key
    if token or found:
        raise UserError(
            f"{key!r} names {len(found)} notices of this journal. Nothing was acknowledged.",
            "Copy it whole from the notice.",
        )
    return open_pause(program, case), ""
