"""`stopline pause`: plan, show, have it confirmed, start, follow; or join what is open already."""

from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Annotated

import typer

from activities.api import PauseOrder
from stopline import guards
from stopline.configuration import Frozen
from stopline.entrypoints.cli import options as o
from stopline.entrypoints.cli.asking import confirm
from stopline.entrypoints.cli.ending import end, standing_now
from stopline.entrypoints.cli.following import at_rest, first_answer, follow
from stopline.entrypoints.cli.planning import (
    Asked,
    covering,
    document_of,
    joined,
    known_vendor,
    order_of,
    page_of,
    plan_for,
    with_plan,
)
from stopline.entrypoints.cli.program import Program
from stopline.entrypoints.temporal import Temporal
from stopline.errors import ALONE, APART, RefusedError, UserError
from stopline.journal.pauses import Pause, PauseStatus, Planned
from stopline.render.documents import pause_document
from stopline.render.plan import recap, scope_text
from stopline.render.standing import FAILED
from workflows import messages as m


@dataclass(frozen=True, slots=True)
class Terms:
    """How the person wants it done."""

    confirm: str
    overrides: dict[str, str]
    detach: bool


def pause(
    context: typer.Context,
    vendor: o.VendorName,
    *,
    reason: o.Reason = "",
    project: o.Project = "",
    connector: o.Connectors = None,
    realm: o.Realms = None,
    principal: o.Principals = None,
    address: o.Addresses = None,
    playbook: o.PlaybookName = "default",
    apart: o.Apart = False,
    override: Annotated[
        list[str] | None,
        typer.Option(metavar="GUARD=REASON", help="Answer a guard's limit. Repeatable."),
    ] = None,
    by: o.As = "",
    confirm_: o.Confirm = "",
    detach: Annotated[
        bool, typer.Option("--detach", help="Start it and leave; `stopline watch` follows.")
    ] = False,
    output: o.OutputOption = None,
) -> None:
    """Take away every access that a vendor holds, in an order that can be explained.

    Shows the plan and asks for the vendor's name first. Ctrl-C leaves; the work goes on.
    Exits with 0 contained, 6 partial, 5 waiting for approval, 1 refused or stopped.
    """
    program = o.program_of(context, output)
    scope = o.scope_of(project, connector, realm, principal, address)
    terms = Terms(confirm_, o.overrides_of(override), detach)
    wanted = o.require_reason(reason)
    asked = Asked(vendor, scope, o.identity(program, by), wanted, playbook)
    order = order_of(program, known_vendor(program, asked), asked)
    if apart:
        order = replace(order, workflow=f"{order.workflow}/{order.pause}")
    there = None if apart else covering(program, order.vendor, scope)
    temporal = program.at_work()
    code = (
        _join(program, temporal, there, order, terms)
        if there
        else _open(program, temporal, order, terms)
    )
    raise typer.Exit(code)


# --- a new pause ---------------------------------------------------------------------------------


def _open(program: Program, temporal: Temporal, order: PauseOrder, terms: Terms) -> int:
    program.announce(f"pause {order.pause}: {order.vendor} ({scope_text(order.scope)})")
    ref, planned = plan_for(program, temporal, order)
    order = replace(with_plan(order, ref), overrides=terms.overrides)
    program.tell(page_of(program, planned, order.frozen))
    _check(planned, terms.overrides)
    if _nothing(planned, terms):
        program.announce("There is nothing to contain; no pause was opened.")
        if program.json:
            program.emit((), document_of(program, planned, order.frozen))
        return 0
    what = f"pause {order.vendor}"
    confirm(program, order.vendor, terms.confirm, what, recap(planned.plan))
    program.going = order.vendor
    program.wait(temporal.start(order))
    status = first_answer(program, temporal, order.workflow)
    if status.order.pause != order.pause:
        program.say(
            f"Somebody else started the same pause a moment before: joined {status.order.pause}, "
            f"asked for by {status.order.requester}. The pause {order.pause} was not opened."
        )
    return _follow_to_end(program, temporal, status.order, terms)


def _nothing(planned: Planned, terms: Terms) -> bool:
    plan = planned.plan
    left = plan.work or plan.gaps or any(skip.leaves_access for skip in plan.skips)
    return not left and not terms.overrides


def _check(planned: Planned, overrides: dict[str, str]) -> None:
    """Refuse what a guard refuses, and limits that nobody answered. Raises RefusedError."""
    if refused := guards.refused(planned.findings):
        raise RefusedError(
            f"Refused by {', '.join(f.guard for f in refused)}. Nothing was done.",
            refused[0].way_out,
        )
    limits = [f.guard for f in guards.limits(planned.findings)]
    if unknown := sorted(set(overrides) - set(limits)):
        near = get_close_matches(unknown[0], limits, 1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        asked = ", ".join(limits) or "no guard"
        raise UserError(
            f"--override {unknown[0]!r} answers nothing{hint}: {asked} asks for an override. "
            "Nothing was done."
        )
    if open_ := guards.unanswered(planned.findings, overrides):
        said = " ".join(f"--override {f.guard}='...'" for f in open_)
        raise RefusedError(
            f"{', '.join(f.guard for f in open_)}: over a limit, and nobody gave a reason. "
            "Nothing was done.",
            f"Read the findings. If it is right all the same, add {said}",
        )


# --- an open one ---------------------------------------------------------------------------------


def _join(
    program: Program, temporal: Temporal, there: Pause, order: PauseOrder, terms: Terms
) -> int:
    """Join a pause that is open: say so, show what is new, contain it under that pause."""
    program.announce(
        f"pause {there.id}: joins the open pause of {there.vendor} ({scope_text(there.scope)}), "
        f"{there.status}, asked for by {there.requester}"
    )
    if there.status in (PauseStatus.RESTORING, PauseStatus.TERMINATING):
        what = "rollback" if there.status is PauseStatus.RESTORING else "termination"
        raise RefusedError(
            f"A {what} of the pause {there.id} is under way. Nothing was done.",
            f"Follow it with `stopline watch {there.id}`, then ask again.",
        )
    order = joined(program, there, order)
    if there.status is PauseStatus.CONTAINING:
        return _follow_to_end(program, temporal, order, terms)
    ref, planned = plan_for(program, temporal, order)
    if not ref.work:
        program.announce("It holds all of this already; nothing new was found.")
        return end(program, temporal, there.id)
    program.tell(page_of(program, planned, order.frozen))
    _check(planned, terms.overrides)
    _may_add(program, there)
    what = f"add this to the pause {there.id}"
    confirm(program, there.vendor, terms.confirm, what, recap(planned.plan))
    program.going = there.id
    again = replace(with_plan(order, ref), overrides=terms.overrides)
    program.wait(temporal.say(there.workflow, m.CONTAIN, again, str))
    return _follow_to_end(program, temporal, again, terms)


def _may_add(program: Program, there: Pause) -> None:
    """Refuse what the pause itself would refuse, before anybody is asked to confirm it."""
    _, playbook, _ = Frozen.load(program.book.store.body(there.frozen)).parse()
    if playbook.approvals.contain == "second-person":
        raise RefusedError(ALONE, APART)


def _follow_to_end(program: Program, temporal: Temporal, order: PauseOrder, terms: Terms) -> int:
    program.going = order.pause
    enough = _opened if terms.detach else at_rest
    status = follow(program, temporal, order.workflow, enough)
    program.going = ""
    if status.summary.result == "refused":
        program.say(f"Refused: {status.summary.why}. Nothing was contained.")
        return FAILED
    if not terms.detach:
        return end(program, temporal, order.pause)
    program.say(f"It runs. Follow it with `stopline watch {order.pause}`.")
    if program.json:
        program.emit((), pause_document(standing_now(program, temporal, order.pause)))
    return 0


def _opened(status: m.Status) -> bool:
    return status.phase is not m.Phase.OPENING
