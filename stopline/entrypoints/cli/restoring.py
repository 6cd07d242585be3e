"""`stopline rollback`: ask for a pause to be given back, whole or in part. Another approves."""

import secrets
from typing import Annotated

import typer

from activities.api import PlanRef, RestoreOrder
from stopline.entrypoints.cli import options as o
from stopline.entrypoints.cli.asking import confirm, open_pause
from stopline.entrypoints.cli.choosing import chosen_and_said
from stopline.entrypoints.cli.ending import (
    end,
    end_of_rollback,
    end_of_termination,
    standing_now,
)
from stopline.entrypoints.cli.following import follow
from stopline.entrypoints.cli.planning import has_project, page_of
from stopline.entrypoints.cli.program import Program
from stopline.entrypoints.cli.reading import approve_command
from stopline.entrypoints.temporal import Temporal
from stopline.journal.pauses import Pause, Planned
from stopline.model import Direction, Scope
from stopline.render.documents import pause_document
from stopline.render.plan import stale_page
from stopline.render.standing import PARTIAL, WAITING
from workflows import messages as m


def rollback(
    context: typer.Context,
    case: o.Case,
    *,
    reason: o.Reason = "",
    project: o.Project = "",
    connector: o.Connectors = None,
    address: o.Addresses = None,
    principal: o.Principals = None,
    realm: o.Realms = None,
    unproven: Annotated[
        bool,
        typer.Option(
            "--include-unproven", help="Also what nothing shows that we changed it ourselves."
        ),
    ] = False,
    choose: o.Choose = None,
    choices: o.Choices = None,
    by: o.As = "",
    confirm_: o.Confirm = "",
    wait: Annotated[bool, typer.Option("--wait", help="Stay until it is done.")] = False,
    output: o.OutputOption = None,
) -> None:
    """Ask for what a pause took away to be given back; another person must approve it.

    Shows exactly what would be given back. Exits with 5 while it waits for approval; with --wait
    as `stopline approve` does: 0 restored, 7 conflicts are left, 6 something else is.
    """
    program = o.program_of(context, output)
    wanted = o.require_reason(reason)
    scope = o.scope_of(project, connector, realm, principal, address)
    pause = open_pause(program, case)
    has_project(program, pause, project)
    chosen = chosen_and_said(program, pause, choose or (), choices, wanted)
    temporal = program.at_work()
    confirm(program, pause.vendor, confirm_, f"ask for the rollback of {pause.vendor}")
    asker = o.identity(program, by)
    order = RestoreOrder(asker, wanted, scope, unproven, secrets.token_hex(8), choices=chosen)
    program.going = pause.id
    ref = program.wait(temporal.say(pause.workflow, m.ROLLBACK, order, PlanRef))
    raise typer.Exit(asked_back(program, temporal, pause, order, ref, wait=wait))


def asked_back(
    program: Program,
    temporal: Temporal,
    pause: Pause,
    order: RestoreOrder,
    ref: PlanRef,
    *,
    wait: bool = False,
) -> int:
    """Show the plan that was asked for, of a rollback or a termination, and who must approve it."""
    planned = program.book.pauses.plan(ref.ref)
    program.tell(page_of(program, planned))
    if not ref.work and order.direction is Direction.RESTORE:
        return _nothing_to_give_back(program, temporal, pause, planned)
    program.announce(
        f"Another person than {order.by} must approve it: {approve_command(pause, ref.digest)}"
    )
    if not wait:
        if program.json:
            stands = standing_now(program, temporal, pause.id)
            program.emit((), pause_document(stands))
        return WAITING
    return followed(program, temporal, pause, planned.plan.scope, planned)


def _nothing_to_give_back(
    program: Program, temporal: Temporal, pause: Pause, planned: Planned
) -> int:
    program.announce("There is nothing to give back in this scope.")
    stands = standing_now(program, temporal, pause.id)
    if program.json:
        program.emit((), pause_document(stands))
    return PARTIAL if planned.plan.skips else 0


def followed(
    program: Program, temporal: Temporal, pause: Pause, scope: Scope, read: Planned
) -> int:
    """Follow what was approved until it is done, or its plan went stale; show how it ended."""
    way = read.plan.direction
    status = follow(program, temporal, pause.workflow, lambda s: _over(s, read))
    program.going = ""
    if status.asked_by and status.pending is not None:
        fresh = program.book.pauses.plan(status.pending.ref)
        program.tell(stale_page(read.plan, fresh.plan))
        program.announce(
            f"What is there moved since the plan was read; nothing was {_DONE[way]}. Read it "
            f"again: {approve_command(pause, fresh.plan.digest)}"
        )
        return end(program, temporal, pause.id)
    if way is Direction.TERMINATE:
        return end_of_termination(program, temporal, pause.id)
    return end_of_rollback(program, temporal, pause.id, scope)


_DONE = {Direction.RESTORE: "given back", Direction.TERMINATE: "removed"}


def _over(status: m.Status, read: Planned) -> bool:
    """Whether the rollback is done with, or another plan waits than the one that was read."""
    if status.phase is m.Phase.CLOSED:
        return True
    if status.phase is not m.Phase.PAUSED:
        return False
    if status.by_hand:
        return True
    waits = status.pending is not None and status.pending.digest != read.plan.digest
    return not status.asked_by or (status.stale and waits)
