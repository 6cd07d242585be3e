"""`stopline review`: another person has looked at what one person approved alone."""

import typer

from activities.answering import REVIEW
from activities.api import TellOrder
from stopline.approving import review_of
from stopline.entrypoints.cli import options as o
from stopline.entrypoints.cli.approving import signature_of
from stopline.entrypoints.cli.asking import nearest, pauses_named
from stopline.entrypoints.cli.program import Program
from stopline.entrypoints.cli.reading import standing
from stopline.errors import RefusedError, UserError
from stopline.journal.glass import Broken, unreviewed
from stopline.render.documents import pause_document
from stopline.render.standing import standing_page


def review(
    context: typer.Context,
    case: o.Case,
    *,
    reason: o.Reason = "",
    by: o.As = "",
    key: o.Sign = None,
    output: o.OutputOption = None,
) -> None:
    """Say that you have reviewed what another person approved alone (--break-glass), and how.

    The oldest one that waits for it; the pause may be closed by now. You must be an approver and
    not the one who broke the glass; where approvals are signed, this is. Shows the pause then.
    """
    program = o.program_of(context, output)
    person, why = o.identity(program, by), o.require_reason(reason)
    broken = _oldest(program, case, person)
    pause = program.book.pauses.get(broken.pause)
    said = review_of(program.book.id, pause, broken, person, why)
    temporal = program.at_work()
    order = TellOrder(
        pause.id, program.book.id, word=REVIEW, by=person, reason=why, seq=broken.seq,
        signature=signature_of(program, said, key),
    )  # fmt: skip
    what = f"{person} has reviewed the break-glass of {broken.by}"
    program.wait(temporal.about_notices(order, REVIEW, what))
    program.say(f"Reviewed by {person}: {broken.direction} {broken.digest[:12]} by {broken.by}.")
    stands = standing(program.book, pause)
    program.emit(standing_page(stands, program.most), pause_document(stands))


def _oldest(program: Program, case: str, person: str) -> Broken:
    """The oldest that waits for another person's review, not this one's own. Raises."""
    named = pauses_named(program, case)
    if not named:
        raise UserError(
            f"There is no pause of {case!r}{nearest(program, case)}. Nothing was reviewed.",
            "See `stopline status --all`.",
        )
    waiting = [one for pause in named for one in unreviewed(program.book.store, pause.id)]
    others = [one for one in waiting if one.by != person]
    if waiting and not others:
        raise RefusedError(
            f"{person} broke the glass; another person must review it. Nothing was reviewed.",
            "Have somebody else who may approve run `stopline review`.",
        )
    if not others:
        raise RefusedError(
            f"No break-glass approval of {case!r} waits for its review. Nothing was reviewed."
        )
    return min(others, key=lambda one: one.seq)
