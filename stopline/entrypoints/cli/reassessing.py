"""`stopline reassess`: a person's dated decision about a pause, with the reason."""

import secrets
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import typer

from activities.api import PlanRef, RestoreOrder
from stopline.entrypoints.cli import options as o
from stopline.entrypoints.cli.asking import confirm, open_pause
from stopline.entrypoints.cli.choosing import chosen_and_said
from stopline.entrypoints.cli.ending import end
from stopline.entrypoints.cli.planning import has_project
from stopline.entrypoints.cli.program import Program
from stopline.entrypoints.cli.restoring import asked_back
from stopline.errors import UserError
from stopline.journal.pauses import Pause
from stopline.model import Direction
from workflows import messages as m


class Decision(StrEnum):
    """What becomes of a pause."""

    KEEP = "keep"
    ROLLBACK = "rollback"
    TERMINATE = "terminate"


_ASKS = {Decision.ROLLBACK: "rollback", Decision.TERMINATE: "termination"}
"""What a decision asks for that another person must approve."""


def reassess(
    context: typer.Context,
    case: o.Case,
    *,
    decision: Annotated[Decision, typer.Option(help="What becomes of the pause.")],
    reason: o.Reason = "",
    review_by: Annotated[
        str, typer.Option("--review-by", metavar="DATE", help="With keep: when to look again.")
    ] = "",
    project: o.Project = "",
    connector: o.Connectors = None,
    address: o.Addresses = None,
    principal: o.Principals = None,
    realm: o.Realms = None,
    choose: o.Choose = None,
    choices: o.Choices = None,
    by: o.As = "",
    confirm_: o.Confirm = "",
    output: o.OutputOption = None,
) -> None:
    """Decide about a pause: keep it until a next date, or ask for its rollback or termination.

    The decision is kept with who, when and why. Whatever is decided, nothing is given back or
    removed without another person's approval, and no date does anything by itself.
    """
    program = o.program_of(context, output)
    why, person = o.require_reason(reason), o.identity(program, by)
    scope = o.scope_of(project, connector, realm, principal, address)
    way = Direction.TERMINATE if decision is Decision.TERMINATE else Direction.RESTORE
    order = RestoreOrder(person, why, scope, request=secrets.token_hex(8), direction=way)
    word = m.Reassess(person, str(decision), why, _date(program, review_by), order)
    _fitting(word, choosing=bool(choose or choices))
    pause = open_pause(program, case)
    has_project(program, pause, project)
    order = replace(order, choices=chosen_and_said(program, pause, choose or (), choices, why))
    raise typer.Exit(_said(program, pause, replace(word, restore=order), confirm_))


def _said(program: Program, pause: Pause, word: m.Reassess, confirm_: str) -> int:
    """Say it to the pause's workflow. What it asks for waits for another person. The exit code."""
    temporal = program.at_work()
    asks = _ASKS.get(Decision(word.decision), "")
    if asks:
        confirm(program, pause.vendor, confirm_, f"ask for the {asks} of {pause.vendor}")
        program.going = pause.id
    ref = program.wait(temporal.say(pause.workflow, m.REASSESS, word, PlanRef))
    if asks:
        return asked_back(program, temporal, pause, word.restore, ref)
    return end(program, temporal, pause.id)


def _fitting(word: m.Reassess, *, choosing: bool) -> None:
    """The options are those of the decision. Raises UserError."""
    if choosing and word.decision != m.BACK:
        raise UserError("--choose and --choices go with --decision rollback. Nothing was decided.")
    if word.decision == m.KEEP and word.restore.scope.key != "all":
        raise UserError(
            "A part can be rolled back or terminated, not kept: --project, --connector, --realm, "
            "--principal and --address go with --decision rollback or terminate. Nothing was "
            "decided."
        )
    if word.decision != m.KEEP and word.review_by:
        raise UserError("--review-by goes with --decision keep. Nothing was decided.")


def _date(program: Program, text: str) -> str:
    """A date or a time, UTC where it says nothing else, that lies ahead. Raises UserError."""
    if not text:
        return ""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise UserError(
            f"--review-by {text!r} is not a date. Nothing was decided.", "Write it as 2027-01-31."
        ) from error
    at = found if found.tzinfo else found.replace(tzinfo=UTC)
    if at.timestamp() <= program.book.store.clock():
        raise UserError(
            f"--review-by {text} is not ahead of us. Nothing was decided.",
            "Name the day by which somebody must look at the pause again.",
        )
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
