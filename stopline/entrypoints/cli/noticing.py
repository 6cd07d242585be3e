"""`stopline notices`: what stakeholders were told by a pause; `notices test` tries the channels.

With --tell-outside a second person lets those outside hear before containment is verified; with
--send-again what failed is sent once more, after a person has mended why.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from activities.api import TellOrder
from stopline.approving import SEND_AGAIN, TELL_OUTSIDE, statement_of
from stopline.entrypoints.cli import options as o
from stopline.entrypoints.cli.approving import signature_of
from stopline.entrypoints.cli.asking import confirm, nearest, open_pause, pauses_named
from stopline.entrypoints.cli.program import Program
from stopline.errors import SetupError, UserError
from stopline.journal.outbox import Heard, Notice
from stopline.journal.pauses import OPEN, Pause
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
    outside: Annotated[
        bool,
        typer.Option(
            "--tell-outside", help="Let vendor and payees hear before containment is verified."
        ),
    ] = False,
    again: Annotated[
        bool,
        typer.Option("--send-again", help="Send what failed once more, now that it is mended."),
    ] = False,
    reason: o.Reason = "",
    by: o.As = "",
    key: o.Sign = None,
    confirm_: o.Confirm = "",
    output: o.OutputOption = None,
) -> None:
    """Show what stakeholders were told by a pause: each notice with its state, and who heard it.

    Exits with 6 when one could not be sent. `stopline notices test` sends a marked test over every
    channel, and exits with 1 when one did not take it. With --tell-outside an approver who is not
    the requester lets those outside hear now; it wants a reason, and is signed as approvals are.
    With --send-again a responder has what failed sent once more, if it is still true.
    """
    program = o.program_of(context, output)
    if case == TEST:
        raise typer.Exit(_test(program, o.identity(program, by)))
    if outside:
        _tell_outside(
            program, case, o.require_reason(reason), o.identity(program, by), key, confirm_
        )
    if again:
        _send_again(program, case, o.require_reason(reason), o.identity(program, by))
    raise typer.Exit(_show(program, case))


def _send_again(program: Program, case: str, reason: str, by: str) -> None:
    pause = _chosen(program, case)
    order = TellOrder(pause.id, program.book.id, word=SEND_AGAIN, by=by, reason=reason)
    temporal = program.at_work()
    told = program.wait(
        temporal.about_notices(order, SEND_AGAIN, f"{by}: send again what failed of {pause.id}")
    )
    program.say(f"Being sent again: {told.again} that had failed. What is no longer true is not.")


def _tell_outside(
    program: Program, case: str, reason: str, by: str, key: Path | None, given: str
) -> None:
    pause = open_pause(program, case)
    temporal = program.at_work()
    what = f"tell {pause.vendor} and its payees before containment is verified"
    confirm(program, pause.vendor, given, what)
    said = statement_of(TELL_OUTSIDE, program.book.id, pause, by, reason)
    order = TellOrder(
        pause.id, program.book.id, word=TELL_OUTSIDE, by=by, reason=reason,
        signature=signature_of(program, said, key),
    )  # fmt: skip
    program.wait(temporal.about_notices(order, TELL_OUTSIDE, f"{by}: {what}"))
    if others := program.book.outbox.quiet_by(pause.id):
        program.say(
            f"It is written down. {pause.vendor} and its payees hear nothing yet, for the sake of "
            f"{', '.join(others)}: no containment of it was verified. Say the same of it, or wait."
        )
    else:
        program.say(f"{pause.vendor} and its payees are told now, and of what follows.")


def _show(program: Program, case: str) -> int:
    return show(program, _chosen(program, case))


def _chosen(program: Program, case: str) -> Pause:
    """The pause that is meant: the open one, or the last that there was. Raises UserError."""
    named = pauses_named(program, case)
    chosen = [p for p in named if p.status in OPEN] or [*named[-1:]]
    if len(chosen) != 1:
        ids = ", ".join(p.id for p in chosen) or f"none{nearest(program, case)}"
        raise UserError(
            f"{case!r} names {len(chosen)} pauses: {ids}.",
            "Name one by its id; `stopline status --all` lists them.",
        )
    return chosen[0]


def show(program: Program, pause: Pause) -> int:
    """Show every notice of a pause; the exit code is 6 when one could not be sent."""
    shown = told_of(program, pause)
    document = notices_document(shown, pause.id, pause.vendor)
    program.emit(notices_page(shown, pause.id, pause.vendor), document)
    return PARTIAL if any(notice.amber for notice in shown) else 0


def told_of(program: Program, pause: Pause) -> list[NoticeShown]:
    """Every notice of a pause, oldest first, with who has heard it."""
    outbox = program.book.outbox
    heard, levels = outbox.heard(pause.id), outbox.escalations(pause.id)
    return [_shown(notice, heard, levels) for notice in outbox.of(pause.id)]


def _shown(notice: Notice, heard: Mapping[int, Heard], levels: Mapping[int, int]) -> NoticeShown:
    who = heard.get(notice.seq, Heard("", ""))
    return NoticeShown(
        notice.at, notice.event, notice.audience, notice.channel, notice.recipient,
        str(notice.state), notice.attempts, notice.why, notice.sent_at, notice.key, notice.body,
        notice.amber, who.by, who.at, levels.get(notice.seq, 0),
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
