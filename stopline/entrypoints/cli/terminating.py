"""`stopline terminate`: ask for what a pause contained to be removed for good. Another approves."""

import secrets
from typing import Annotated

import typer

from activities.api import PlanRef, RestoreOrder
from stopline.entrypoints.cli import options as o
from stopline.entrypoints.cli.asking import confirm, open_pause
from stopline.entrypoints.cli.deciding import read_decisions
from stopline.entrypoints.cli.planning import has_project
from stopline.entrypoints.cli.restoring import asked_back
from stopline.model import Direction
from stopline.settling import Decision, decisions
from stopline.terminating import wanted
from workflows import messages as m


def terminate(
    context: typer.Context,
    case: o.Case,
    *,
    reason: o.Reason = "",
    project: o.Project = "",
    connector: o.Connectors = None,
    address: o.Addresses = None,
    principal: o.Principals = None,
    realm: o.Realms = None,
    settle: o.Settle = None,
    dispute: o.Dispute = None,
    review_by: o.ReviewDay = None,
    decisions_: o.Decisions = None,
    by: o.As = "",
    confirm_: o.Confirm = "",
    wait: Annotated[bool, typer.Option("--wait", help="Stay until it is done.")] = False,
    output: o.OutputOption = None,
) -> None:
    """Ask for what a pause only contained to be removed for good; another person must approve it.

    Shows what would be removed, which nobody can give back, and what remains and why; it opens
    nothing. Exits with 5 while it waits for approval; with --wait as `stopline approve` does: 0
    terminated, 7 something was changed by somebody else and was not removed, 6 something else is
    left. Money stays held, but for what --settle or the file of --decisions names; who approves the
    plan approves that too.
    """
    program = o.program_of(context, output)
    why = o.require_reason(reason)
    scope = o.scope_of(project, connector, realm, principal, address)
    pause = open_pause(program, case)
    has_project(program, pause, project)
    said = {Decision.SETTLE: settle or (), Decision.DISPUTE: dispute or ()}
    until = f"{review_by:%Y-%m-%d}" if review_by else ""
    holds = wanted(program.book.writes.holds(), pause.id, scope)
    decided = decisions(holds, said, why, until, read_decisions(decisions_, holds, why))
    temporal = program.at_work()
    confirm(program, pause.vendor, confirm_, f"ask for the termination of {pause.vendor}")
    asker, request = o.identity(program, by), secrets.token_hex(8)
    order = RestoreOrder(asker, why, scope, False, request, Direction.TERMINATE, (), decided)
    program.going = pause.id
    ref = program.wait(temporal.say(pause.workflow, m.TERMINATE, order, PlanRef))
    raise typer.Exit(asked_back(program, temporal, pause, order, ref, wait=wait))
