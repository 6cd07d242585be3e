"""`stopline plan`: what a pause would do, without a single write. And the plan of every pause."""

import json
import secrets
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated

import typer

from activities.api import Options, PauseOrder, PlanRef
from stopline.configuration import Frozen, blind_spots
from stopline.entrypoints.cli import options as o
from stopline.entrypoints.cli.byhand import FormatOption, wants_commands, write_commands
from stopline.entrypoints.cli.following import waiting_for
from stopline.entrypoints.cli.program import Program
from stopline.entrypoints.temporal import Temporal
from stopline.errors import UserError
from stopline.journal.pauses import OPEN, Pause, Planned
from stopline.model import Counted, Direction, Scope
from stopline.render.documents import plan_document
from stopline.render.page import Page
from stopline.render.plan import Shown, plan_page
from stopline.text import Json
from stopline.vendors import Vendor

CHANGES = 3
"""The exit code of `stopline plan` when there is something to do."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asked for, before anything is frozen or planned."""

    vendor: str
    scope: Scope
    by: str
    reason: str = ""
    playbook: str = "default"


def new_id() -> str:
    """A new pause's id: eight hex digits, which our marks carry."""
    return secrets.token_hex(4)


def known_vendor(program: Program, asked: Asked) -> Vendor:
    """The vendor by its name or another of its names. Raises UserError suggesting the nearest."""
    return with_project(program.configuration.vendor(asked.vendor), asked.scope.project)


def with_project(vendor: Vendor, project: str) -> Vendor:
    """The vendor, if it has this project or none is named. Raises UserError with the nearest."""
    if project and project not in vendor.projects:
        near = get_close_matches(project, sorted(vendor.projects), 1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        listed = ", ".join(sorted(vendor.projects)) or "none"
        raise UserError(
            f"{vendor.vendor} has no project {project!r}{hint}. Nothing was planned.",
            f"Its projects: {listed}.",
        )
    return vendor


def has_project(program: Program, pause: Pause, project: str) -> None:
    """Look a project up in the vendor's file as the pause was opened with. Raises UserError."""
    if project:
        opened = program.book.pauses.opened_with(pause.id)
        with_project(Frozen.load(program.book.store.body(opened)).parse()[0], project)


def order_of(program: Program, vendor: Vendor, asked: Asked) -> PauseOrder:
    """Freeze the configuration into the journal, and make the order of a new pause."""
    settings = program.settings
    frozen = program.configuration.freeze(vendor.vendor, asked.playbook)
    return PauseOrder(
        pause=new_id(),
        journal=program.book.id,
        vendor=vendor.vendor,
        scope=asked.scope,
        requester=asked.by,
        reason=asked.reason,
        frozen=program.book.pauses.keep("frozen", frozen.dump()),
        workflow=f"pause/{vendor.vendor}/{asked.scope.key}/{program.book.id}",
        options=Options(batch=settings.batch, window=settings.window),
    )


def covering(program: Program, vendor: str, scope: Scope) -> Pause | None:
    """The open pause with all of this in its scope, which a trigger joins; an equal one first."""
    found = [p for p in program.book.pauses.list(vendor, OPEN) if p.scope.covers(scope)]
    equal = [p for p in found if p.scope == scope]
    return next(iter((*equal, *found)), None)


def joined(program: Program, there: Pause, order: PauseOrder) -> PauseOrder:
    """The order, as the open pause carries it out: by the configuration that it was opened with."""
    if order.frozen != there.frozen:
        program.say(
            f"The files differ from those that the pause {there.id} was opened with, and it goes "
            "on with those. To contain by the files as they are now, open another: --apart."
        )
    return replace(
        order, pause=there.id, workflow=there.workflow, frozen=there.frozen, overrides={}
    )


def plan_for(program: Program, temporal: Temporal, order: PauseOrder) -> tuple[PlanRef, Planned]:
    """Have the worker read and plan; fetch the plan from the journal."""
    with waiting_for(program, f"reading what {order.vendor} holds"):
        ref = program.wait(temporal.plan(order))
    return ref, program.book.pauses.plan(ref.ref)


def with_plan(order: PauseOrder, ref: PlanRef) -> PauseOrder:
    """The order with the plan that was just read."""
    return replace(order, plan=ref.ref, digest=ref.digest)


def page_of(program: Program, planned: Planned, frozen: str = "") -> Page:
    """The plan as a page, with the phases' names of the playbook that it was made with."""
    phases: tuple[str, ...] = ()
    if frozen:
        _, playbook, _ = Frozen.load(program.book.store.body(frozen)).parse()
        phases = tuple(phase.name for phase in playbook.phases)
    blind = _blind(program, planned, frozen)
    shown = Shown(phases, _counted(program, planned), most=program.most, blind=blind)
    return plan_page(planned.plan, planned.findings, shown)


def document_of(program: Program, planned: Planned, frozen: str = "") -> Json:
    """The plan as a JSON document."""
    counted, blind = _counted(program, planned), _blind(program, planned, frozen)
    return plan_document(planned.plan, planned.findings, counted, ref=planned.ref, blind=blind)


def _blind(program: Program, planned: Planned, frozen: str) -> tuple[str, ...]:
    """What nobody looked at for a plan that cuts off; what is given back is known."""
    if not frozen or planned.plan.direction is not Direction.CONTAIN:
        return ()
    _, _, estate = Frozen.load(program.book.store.body(frozen)).parse()
    return blind_spots(estate, planned.plan.scope)


def _counted(program: Program, planned: Planned) -> tuple[Counted, ...]:
    """How much was looked at for a plan. A restore is planned from the journal, without a look."""
    ref = planned.plan.taken_from
    return program.book.pauses.snapshot(ref).counted if ref else ()


def plan(
    context: typer.Context,
    vendor: o.VendorName,
    *,
    project: o.Project = "",
    connector: o.Connectors = None,
    realm: o.Realms = None,
    principal: o.Principals = None,
    address: o.Addresses = None,
    playbook: o.PlaybookName = "default",
    apart: o.Apart = False,
    file: Annotated[
        Path | None, typer.Option("-o", "--out", help="Write the plan to this file, as JSON.")
    ] = None,
    format_: FormatOption = o.Format.PAGE,
    output: o.OutputOption = None,
) -> None:
    """Show what a pause would take away. Writes to no system.

    Inside the scope of an open pause: what would be added to it. Exits with 0 when there is
    nothing to do, with 3 when there is.
    """
    program = o.program_of(context, output)
    scope = o.scope_of(project, connector, realm, principal, address)
    commands = wants_commands(program, format_)
    asked = Asked(vendor, scope, o.identity(program, ""), "plan", playbook)
    order = order_of(program, known_vendor(program, asked), asked)
    there = None if apart else covering(program, order.vendor, scope)
    if there is not None:
        program.say(f"A pause of this would join the open pause {there.id}.")
        order = joined(program, there, order)
    ref, planned = plan_for(program, program.at_work(), order)
    document = document_of(program, planned, order.frozen)
    if file is not None:
        _write(file, document)
        program.say(f"The plan is in {file}.")
    if commands:
        write_commands(program, planned.plan, order.frozen)
    else:
        program.emit(page_of(program, planned, order.frozen), document)
    raise typer.Exit(CHANGES if ref.work else 0)


def _write(file: Path, document: Json) -> None:
    try:
        file.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", "utf-8")
    except OSError as error:
        raise UserError(
            f"The plan could not be written to {file}: {error.strerror}.", "Choose another file."
        ) from error
