"""`stopline approve`: a second person's yes to the plan that waits, or to what stays open."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from activities.api import Acknowledgement, Summary
from stopline.approving import GAPS, statement_of
from stopline.entrypoints.cli import options as o
from stopline.entrypoints.cli.asking import confirm, open_pause
from stopline.entrypoints.cli.ending import end, standing_now
from stopline.entrypoints.cli.following import at_rest, follow
from stopline.entrypoints.cli.planning import page_of
from stopline.entrypoints.cli.program import Program
from stopline.entrypoints.cli.restoring import followed
from stopline.entrypoints.temporal import Temporal
from stopline.errors import RefusedError, UserError
from stopline.journal.pauses import Pause, Planned
from stopline.model import Direction, Plan
from stopline.render.choices import choices_page
from stopline.render.page import shown
from stopline.render.plan import SHORT, recap, stale_page
from stopline.render.standing import Standing, Waiting, result_page
from stopline.signing import Statement, sign
from workflows import messages as m

DIGITS = 8
"""The fewest digits of a digest that name a plan."""


def approve(
    context: typer.Context,
    case: o.Case,
    *,
    digest: Annotated[
        str, typer.Option(help="The plan that was read; at least its first 8 digits.")
    ] = "",
    gaps: Annotated[
        bool, typer.Option("--gaps", help="Accept the gaps and what was left open instead.")
    ] = False,
    glass: Annotated[
        bool,
        typer.Option(
            "--break-glass", help="Approve alone, also what you asked for; others are told."
        ),
    ] = False,
    reason: o.Reason = "",
    by: o.As = "",
    key: o.Sign = None,
    confirm_: o.Confirm = "",
    output: o.OutputOption = None,
) -> None:
    """Say yes to the plan that waits, and follow what it does.

    The yes must be another person's than the one who asked; where approvals are signed it is
    signed with your OpenSSH key. Exits with 5 while more people must say yes; after a rollback with
    0 restored, 7 conflicts are left, 6 something else is. With --break-glass one person's yes is
    all that is needed, for a containment or a rollback, where the worker's roles let them: it wants
    a reason, and another person's review within 24 hours.
    """
    program = o.program_of(context, output)
    person = o.identity(program, by)
    if gaps and glass:
        raise UserError("--gaps is never said with --break-glass. Nothing was approved.")
    reason = o.require_reason(reason) if gaps or glass else reason
    pause, temporal = open_pause(program, case), program.at_work()
    if gaps:
        known = Acknowledgement(person, reason)
        raise typer.Exit(_acknowledge(program, temporal, pause, known, key, confirm_))
    yes = m.Approve(person, digest, reason.strip(), break_glass=glass)
    raise typer.Exit(_approve(program, temporal, pause, yes, key, confirm_))


def _approve(
    program: Program,
    temporal: Temporal,
    pause: Pause,
    yes: m.Approve,
    key: Path | None,
    given: str,
) -> int:
    """Show the plan that waits, and say yes to it; `yes.digest` is as much as the person gave."""
    waiting = _waiting(standing_now(program, temporal, pause.id))
    planned = program.book.pauses.plan(waiting.ref)
    page = page_of(program, planned, pause.frozen)
    program.tell((*page, *choices_page(waiting.choices)))
    _is_the_one(program, pause, planned, yes.digest)
    if waiting.stale and not yes.digest:
        program.say("The estate moved after an earlier approval: this plan is a new one.")
    what, told = f"approve the {waiting.direction} plan", recap(planned.plan)
    what = f"break the glass: {what} alone" if yes.break_glass else what
    confirm(program, pause.vendor, given, what, told)
    whole = replace(yes, digest=planned.plan.digest)
    word = replace(whole, signature=_signature(program, pause, waiting, whole, key))
    program.wait(temporal.say(pause.workflow, m.APPROVE, word, str))
    if waiting.more > 1 and not yes.break_glass:
        program.announce(f"{waiting.more - 1} more must approve it: {waiting.command}")
        return end(program, temporal, pause.id)
    program.going = pause.id
    return _after(program, temporal, pause, planned)


def reject(
    context: typer.Context,
    case: o.Case,
    *,
    reason: o.Reason = "",
    by: o.As = "",
    output: o.OutputOption = None,
) -> None:
    """Say no to the plan that waits: nothing of it is carried out, and the reason is kept."""
    program = o.program_of(context, output)
    person, why = o.identity(program, by), o.require_reason(reason)
    pause = open_pause(program, case)
    temporal = program.at_work()
    waiting = _waiting(standing_now(program, temporal, pause.id))
    program.wait(temporal.say(pause.workflow, m.REJECT, m.Reject(person, why), str))
    program.announce(f"Rejected: the {waiting.direction} plan {waiting.digest[:SHORT]}.")
    follow(program, temporal, pause.workflow, lambda s: at_rest(s) and s.pending is None)
    raise typer.Exit(end(program, temporal, pause.id))


def _signature(
    program: Program, pause: Pause, waiting: Waiting, word: m.Approve, named: Path | None
) -> str:
    """OpenSSH's signature with the key that was named, if one was."""
    signed = Statement(
        journal=program.book.id,
        pause=pause.id,
        vendor=pause.vendor,
        direction=waiting.direction,
        digest=word.digest,
        request=waiting.request,
        asked_by=waiting.asked_by,
        by=word.by,
        reason=word.reason,
        break_glass=word.break_glass,
    )
    return signature_of(program, signed, named)


def signature_of(program: Program, said: Statement, named: Path | None) -> str:
    """OpenSSH's signature with the key that was named or is set; nothing where none is."""
    key = named or program.settings.signing_key
    return sign(said, key) if key is not None else ""


def _waiting(stands: Standing) -> Waiting:
    if stands.waiting is None:
        raise RefusedError(
            f"Nothing of the pause {stands.id} waits for an approval (it is {stands.status}).",
            f"Ask for its rollback with `stopline rollback {stands.vendor} --reason '...'`.",
        )
    return stands.waiting


def _is_the_one(program: Program, pause: Pause, planned: Planned, digest: str) -> None:
    """The digest that was given is the waiting plan's. Raises RefusedError showing what differs."""
    if not digest or (len(digest) >= DIGITS and planned.plan.digest.startswith(digest)):
        return
    if len(digest) < DIGITS:
        raise UserError(
            f"--digest {digest!r} is shorter than {DIGITS} digits. Nothing was approved.",
            f"The plan that waits is {planned.plan.digest[:SHORT]}.",
        )
    program.err.print(shown(stale_page(_earlier(program, pause, digest), planned.plan)), crop=False)
    raise RefusedError(
        f"The plan that waits is {planned.plan.digest[:SHORT]}, not {digest[:SHORT]}. "
        "Nothing was approved.",
        "Read what differs above; then approve the plan that waits.",
    )


def _earlier(program: Program, pause: Pause, digest: str) -> Plan | None:
    """The plan that somebody read, if this journal made it."""
    for event in reversed(program.book.pauses.events(pause.id, "planned")):
        if event.data["digest"].startswith(digest):
            return program.book.pauses.plan(event.data["ref"]).plan
    return None


def _after(program: Program, temporal: Temporal, pause: Pause, planned: Planned) -> int:
    if planned.plan.direction is not Direction.CONTAIN:
        return followed(program, temporal, pause, planned.plan.scope, planned)
    follow(program, temporal, pause.workflow, lambda s: at_rest(s) and s.pending is None)
    return end(program, temporal, pause.id)


def _acknowledge(
    program: Program,
    temporal: Temporal,
    pause: Pause,
    word: Acknowledgement,
    key: Path | None,
    given: str,
) -> int:
    digest = program.book.pauses.last_containment(pause.id)  # before it is shown: no later one
    stands = standing_now(program, temporal, pause.id)
    if not stands.count("gap", "left open"):
        raise RefusedError(
            f"The pause {pause.id} has neither gaps nor anything left open: nothing to accept."
        )
    program.tell(result_page(stands, program.most))
    confirm(program, pause.vendor, given, "accept the gaps and what is left open")
    said = statement_of(GAPS, program.book.id, pause, word.by, word.reason, digest)
    proven = replace(word, digest=digest, signature=signature_of(program, said, key))
    program.wait(temporal.say(pause.workflow, m.ACKNOWLEDGE, proven, Summary))
    return end(program, temporal, pause.id)
