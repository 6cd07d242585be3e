"""`stopline ack`: a person says that a notice has reached them, so that nobody else is woken."""

from typing import Annotated

import typer

from activities.api import TellOrder
from stopline.entrypoints.cli import options as o
from stopline.entrypoints.cli.asking import open_pause, pauses_named
from stopline.entrypoints.cli.noticing import show
from stopline.entrypoints.cli.program import Program
from stopline.errors import UserError
from stopline.journal.outbox import Notice
from stopline.journal.pauses import Pause
from stopline.notices.tokens import Token, proof_of, read

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
    serve: Annotated[
        str,
        typer.Option(
            metavar="[HOST:]PORT",
            help="Serve the links in notices instead, for behind a proxy with TLS, until stopped.",
        ),
    ] = "",
    reason: Annotated[str, typer.Option("--reason", help="What you do about it.")] = "",
    by: o.As = "",
    output: o.OutputOption = None,
) -> None:
    """Acknowledge the notices of a pause: somebody has heard, and nobody else need be told.

    Who says it first is written into the journal. The worker's roles say who may; with --token
    whoever was sent the notice may, too. Shows the pause's notices then. With --serve, people
    do so by the links in their notices.
    """
    program = o.program_of(context, output)
    if serve:
        from stopline.entrypoints.cli import linking  # noqa: PLC0415 - brings a server

        linking.serve(program, serve, alone=not (case or token or reason))
    else:
        _said(program, case, token, by, reason.strip())


def _said(program: Program, case: str, token: str, by: str, reason: str) -> None:
    """Have one word written down, and show what the pause told."""
    person = o.identity(program, by)
    pause, notice, genuine = _meant(program, case, token)
    order = TellOrder(
        pause.id, program.book.id, word="ack", by=person, reason=reason, notice=notice,
        proof=proof_of(genuine, person, reason) if genuine else "",
    )  # fmt: skip
    told = program.wait(
        program.at_work().about_notices(order, "ack", f"{person} has heard of {pause.id}")
    )
    program.say(
        f"Acknowledged by {person}." if told.heard else "It was acknowledged before: see below."
    )
    show(program, pause)


def _meant(program: Program, case: str, token: str) -> tuple[Pause, str, Token | None]:
    """Which pause is meant, which notice of it (empty: all), by which token. Raises UserError."""
    if bool(case) == bool(token):
        raise UserError(
            "Say what is acknowledged: a vendor, a pause or a notice; or give --token alone. "
            "Nothing was acknowledged.",
            "`stopline notices VENDOR` lists them.",
        )
    if token:
        found = read(token)
        one = _named(program, found.key if found else "")
        if found is None or one is None:
            raise UserError(
                "The token is not one of a notice of this journal. Nothing was acknowledged.",
                "Copy it whole from the notice.",
            )
        return program.book.pauses.get(one.pause), one.key, found
    if len(case) < DIGITS or pauses_named(program, case) or not program.book.outbox.named(case):
        return open_pause(program, case), "", None
    if (one := _named(program, case)) is None:
        raise UserError(
            f"{case!r} names more than one notice of this journal. Nothing was acknowledged.",
            "Copy it whole from the notice.",
        )
    return program.book.pauses.get(one.pause), one.key, None


def _named(program: Program, key: str) -> Notice | None:
    """The one notice whose key begins so."""
    found = program.book.outbox.named(key) if key else ()
    return found[0] if len(found) == 1 else None
