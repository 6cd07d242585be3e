"""`stopline payouts`: what a pause holds of what is owed, to the minor unit."""

import sys
from dataclasses import replace
from enum import StrEnum
from typing import Annotated

import typer

from activities.api import Options, PauseOrder
from stopline.entrypoints.cli import options as o
from stopline.entrypoints.cli.auditing import one_named
from stopline.entrypoints.cli.deciding import write_decisions
from stopline.entrypoints.cli.owing import report_of
from stopline.entrypoints.cli.planning import new_id, plan_for
from stopline.entrypoints.cli.program import Program
from stopline.errors import StoplineError, UserError
from stopline.journal.pauses import Pause
from stopline.model import Snapshot
from stopline.money import PAY
from stopline.render.documents import payouts_document
from stopline.render.payouts import Payouts, State, payouts_csv, payouts_page, totals_csv
from stopline.render.standing import PARTIAL, UNVERIFIED


class PayoutsFormat(StrEnum):
    """What is written of the report."""

    PAGE = "page"
    CSV = "csv"
    TOTALS = "totals"
    DECISIONS = "decisions"


_CSV = {PayoutsFormat.CSV: payouts_csv, PayoutsFormat.TOTALS: totals_csv}


def payouts(
    context: typer.Context,
    case: o.Case,
    *,
    format_: Annotated[
        PayoutsFormat,
        typer.Option(
            "--format",
            help="page for people, csv: one line for each payable, totals: control totals as csv, "
            "decisions: a file in which people settle and dispute it.",
        ),
    ] = PayoutsFormat.PAGE,
    output: o.OutputOption = None,
) -> None:
    """Show what a pause holds of what is owed: each payable, and control totals by payee.

    Read from the journal and, through the worker, from the ledgers as they are now; nothing is
    written there. The file of decisions is from the journal alone. Exits with 8 when something
    escaped or the totals do not balance, with 6 when a ledger could not be read.
    """
    program = o.program_of(context, output)
    if format_ is not PayoutsFormat.PAGE and program.json:
        told = f"--format {format_} and --output json are two. Nothing was read."
        raise UserError(told, "Give one.")
    pause = one_named(program, case)
    if format_ is PayoutsFormat.DECISIONS:
        sys.stdout.write(write_decisions(program.book, pause))
        return
    now, away = _read(program, pause)
    report = report_of(program.book, pause, now, away)
    if format_ in _CSV:
        sys.stdout.write(_CSV[format_](report))
    else:
        program.emit(payouts_page(report, program.most), payouts_document(report))
    raise typer.Exit(_code(report))


def _code(report: Payouts) -> int:
    if report.count(State.ESCAPED) or not report.balanced:
        return UNVERIFIED
    return PARTIAL if report.unread else 0


def _read(program: Program, pause: Pause) -> tuple[Snapshot | None, str]:
    """Have the worker read the ledgers; without one, why there is no reading."""
    scope = replace(pause.scope, connectors=(PAY,), addresses=())
    order = PauseOrder(
        pause=new_id(),  # a reading of its own: it says nothing of what the pause still has to do
        journal=program.book.id,
        vendor=pause.vendor,
        scope=scope,
        requester=o.identity(program, ""),
        reason="payouts",
        frozen=pause.frozen,
        options=Options(batch=program.settings.batch, window=program.settings.window),
    )
    try:
        _, planned = plan_for(program, program.at_work(), order)
    except StoplineError as error:
        return None, error.what
    found = program.book.pauses.snapshot(planned.plan.taken_from)
    return replace(found, taken_at=program.book.store.now()), ""
