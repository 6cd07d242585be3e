"""`stopline assess`: what a vendor reaches and by which path, through what cannot write."""

import typer

from stopline.configuration import Frozen, blind_spots
from stopline.entrypoints.cli import options as o
from stopline.entrypoints.cli.planning import CHANGES, Asked, known_vendor, order_of, plan_for
from stopline.estate import readers
from stopline.render.assessment import Assessment, assessment_document, assessment_page
from stopline.render.plan import Shown


def assess(
    context: typer.Context,
    vendor: o.VendorName,
    *,
    project: o.Project = "",
    connector: o.Connectors = None,
    realm: o.Realms = None,
    principal: o.Principals = None,
    playbook: o.PlaybookName = "default",
    output: o.OutputOption = None,
) -> None:
    """Show what a vendor reaches, by which path, and what a pause would cut and leave.

    Read on a worker that has no way to write, with the estate's `read_role` where there is one.
    Exits as `stopline plan` does: 0 when a pause would do nothing, 3 when it would.
    """
    program = o.program_of(context, output)
    scope = o.scope_of(project, connector, realm, principal, None)
    asked = Asked(vendor, scope, o.identity(program, ""), "assess", playbook)
    order = order_of(program, known_vendor(program, asked), asked)
    ref, planned = plan_for(program, program.reading(), order)
    _, _, estate = Frozen.load(program.book.store.body(order.frozen)).parse()
    found = Assessment(
        planned.plan,
        program.book.pauses.snapshot(planned.plan.taken_from),
        planned.findings,
        readers(estate),
        blind_spots(estate, scope),
        planned.ref,
    )
    page = assessment_page(found, Shown(counted=found.snapshot.counted, most=program.most))
    program.emit(page, assessment_document(found))
    raise typer.Exit(CHANGES if ref.work else 0)
