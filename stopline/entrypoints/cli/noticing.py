"""`stopline notices`: what stakeholders were told by a pause; `notices test` tries the channels."""

from typing import Annotated

import typer

from activities.api import TellOrder
from stopline.entrypoints.cli import options as o
from stopline.entrypoints.cli.asking import nearest, pauses_named
from stopline.entrypoints.cli.program import Program
from stopline.errors import SetupError, UserError
from stopline.journal.outbox import Notice
from stopline.journal.pauses import OPEN
from stopline.render.documents import notices_document, tried_document
from stopline.render.notices import NoticeShown, TriedShown, notices_page, tried_page
from stopline.render.standing import FAILED, PARTIAL

TEST = "test"


def notices(
    context: typer.Context,
    case: Annotated[
        str, typer.Argument(metavar="VENDOR|PAUSE|test", help="Whose; or `test`, to try all.")
    ],
    *,
    by: o.As = "",
    output: o.OutputOption = None,
) -> None:
    """Show what stakeholders were told by a pause: each notice with its state.

    Exits with 6 when one could not be sent. `stopline notices test` sends a marked test over every
    channel, and exits with 1 when one did not take it.
    """
    program = o.program_of(context, output)
    code = _test(program, o.identity(program, by)) if case == TEST else _show(program, case)
    raise typer.Exit(code)


def _show(program: Program, case: str) -> int:
    named = pauses_named(program, case)
    chosen = [p for p in named if p.status in OPEN] or [*named[-1:]]
    if len(chosen) != 1:
        ids = ", ".join(p.id for p in chosen) or f"none{nearest(program, case)}"
        raise UserError(
            f"{case!r} names {len(chosen)} pauses: {ids}.",
            "Name one by its id; `stopline status --all` lists them.",
        )
    (pause,) = chosen
    shown = [_shown(notice) for notice in program.book.outbox.of(pause.id)]
    document = notices_document(shown, pause.id, pause.vendor)
    program.emit(notices_page(shown, pause.id, pause.vendor), document)
    return PARTIAL if any(notice.amber for notice in shown) else 0


def _shown(notice: Notice) -> NoticeShown:
    return NoticeShown(
        notice.at, notice.event, notice.audience, notice.channel, notice.recipient,
        str(notice.state), notice.attempts, notice.why, notice.sent_at, notice.key, notice.body,
        notice.amber,
    )  # fmt: skip


def _test(program: Program, by: str) -> int:
    order = TellOrder(journal=program.book.id, test_by=by)
    told = program.wait(program.at_work().try_channels(order))
    if not told.configured:
        raise SetupError(
            "The worker's folder of configuration has no notices.yaml; nobody is told anything.",
            "Write one: docs/how-to/notices.md.",
        )
    shown = [TriedShown(t.channel, t.kind, t.recipient, t.ok, t.why) for t in told.tried]
    program.emit(tried_page(shown), tried_document(shown))
    return 0 if all(t.ok for t in shown) else FAILED
