"""`stopline adopt`: open pauses whose workflow is gone are given one again, from the journal."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from activities.api import Options
from stopline.entrypoints.adoption import ADOPTED, adopted_state
from stopline.entrypoints.cli import options as o
from stopline.entrypoints.cli.asking import open_pause
from stopline.entrypoints.cli.program import Program
from stopline.entrypoints.cli.reading import standing
from stopline.entrypoints.opening import open_settings_book
from stopline.entrypoints.temporal import polled
from stopline.errors import RefusedError, UserError
from stopline.journal.pauses import OPEN, Pause, PauseStatus
from stopline.journal.rebuilding import Lost, known, rebuild
from stopline.recovery.sheet import FILE, Sheet, parse
from stopline.render.documents import pauses_document
from stopline.render.plan import scope_text
from stopline.render.standing import pauses_page
from workflows.messages import PauseState, Phase


def adopt(
    context: typer.Context,
    case: Annotated[
        str, typer.Argument(metavar="[VENDOR|PAUSE]", help="Which; all open pauses if left out.")
    ] = "",
    *,
    from_: Annotated[
        Path | None,
        typer.Option("--from", help="A recovery sheet's folder: the journal is lost as well."),
    ] = None,
    by: o.As = "",
    output: o.OutputOption = None,
) -> None:
    """Rebuild pauses whose workflow is gone, from the journal. Changes nothing in any system.

    One that rests goes on resting, one that was containing sweeps, one that was being given back
    rests until its rollback is asked for again. A pause whose workflow runs is refused by name,
    and passed over otherwise.
    """
    program = o.program_of(context, output)
    person = o.identity(program, by)
    if from_ is not None:
        pauses: tuple[Pause, ...] = (_rebuilt(program, from_, person),)
    elif case:
        pauses = (open_pause(program, case),)
    else:
        pauses = program.book.pauses.list(statuses=OPEN)
    if not pauses:
        program.announce("No pause is open: there is nothing to adopt.")
    for pause in pauses:
        _adopt(program, pause, person, named=bool(case))
    if pauses and not program.wait(polled(program.temporal.client, program.temporal.queue)):
        program.say(
            f"No worker is polling the queue {program.temporal.queue}: they go on when one runs "
            "(`stopline worker`, or `stopline up`)."
        )
    found = [standing(program.book, program.book.pauses.get(pause.id)) for pause in pauses]
    program.emit(pauses_page(found), pauses_document(found))


def _adopt(program: Program, pause: Pause, person: str, *, named: bool) -> None:
    temporal = program.temporal
    settings = program.settings
    usual = Options(batch=settings.batch, window=settings.window)
    state = adopted_state(program.book, pause, usual)
    if program.wait(temporal.adopt(state)):
        what = {"workflow": pause.workflow, "status": pause.status}
        program.book.pauses.note(pause.id, ADOPTED, what, person)
        program.announce(f"pause {pause.id}: adopted. {_goes_on(state)}")
        return
    whose = program.wait(temporal.whose(pause.workflow))
    refused = RefusedError(
        f"The workflow of the pause {pause.id} is running: nothing to adopt.",
        f"See `stopline status {pause.id}`.",
    )
    if whose not in ("", None, pause.id):
        refused = RefusedError(
            f"The workflow {pause.workflow} is of the pause {whose}; {pause.id} was not adopted.",
            f"End that one first: `stopline rollback {whose} --reason '...'`.",
        )
    if named:
        raise refused
    program.announce(str(refused))


def _goes_on(state: PauseState) -> str:
    if not state.opened:
        return "It waits for the approval of its plan again."
    if state.phase is Phase.RESTORING:
        return "It was being given back: ask for the rollback again for what it still holds."
    if state.phase is Phase.TERMINATING:
        return "It was being terminated: ask for the termination again for what is left to remove."
    return "It sweeps." if state.queued else "It rests as it did."


# --- the journal is lost as well -----------------------------------------------------------------


def _rebuilt(program: Program, where: Path, person: str) -> Pause:
    """Make the sheet's pause known to an empty journal, which takes the lost one's id."""
    sheet = _read(where)
    if sheet.status not in OPEN:
        status = sheet.status or "without a status"
        raise UserError(f"The pause {sheet.pause} is {status}. Nothing was rebuilt.")
    lost = _lost(sheet)
    book = open_settings_book(program.settings, sheet.journal)
    program.open(book)
    if known(book, sheet.pause):
        program.announce(f"pause {sheet.pause}: the journal {book.id} has it already.")
        return book.pauses.get(sheet.pause)
    pause = rebuild(book, lost, sheet.frozen, person)
    program.announce(
        f"pause {pause.id}: {sheet.vendor} ({scope_text(sheet.scope)}) is in the journal {book.id} "
        f"again, as it stood at {sheet.written_at}: {len(sheet.mine)} held, "
        f"{len(sheet.unanswered())} of which nobody knows whether they were made."
    )
    others = sorted({hold.pause for hold in sheet.holds} - {pause.id})
    for other in (found for found in others if not known(book, found)):
        program.say(
            f"The pause {other} holds some of the same addresses. Rebuild its sheet too: until "
            "then they are not given back."
        )
    return pause


def _read(where: Path) -> Sheet:
    file = where / FILE if where.is_dir() else where
    try:
        return parse(json.loads(file.read_text("utf-8")), str(file))
    except OSError as error:
        raise UserError(
            f"{file} cannot be read: {error.strerror}. Nothing was rebuilt.",
            f"Give the folder of a pause's recovery sheet, which holds {FILE}.",
        ) from error
    except ValueError as error:
        raise UserError(f"{file} is not JSON: {error}. Nothing was rebuilt.") from error


@dataclass(frozen=True, slots=True)
class _Approvals:
    """Who approved which plan, by its digest."""

    sheet: Sheet

    def of(self, digest: str) -> tuple[str, ...]:
        """The names, in the order in which they said so."""
        said = ((kind, by, plan) for _, kind, by, _, plan in self.sheet.said)
        return tuple(by for kind, by, plan in said if kind == "approved" and plan == digest)


_ORDER = ("workflow", "reason", "overrides", "digest", "options")


def _lost(sheet: Sheet) -> Lost:
    order = sheet.order
    if missing := [name for name in _ORDER if name not in order]:
        raise UserError(
            f"The sheet's order lacks {', '.join(missing)}. Nothing was rebuilt.",
            "It may be of another release, or was edited: take another version of it.",
        )
    approvals = _Approvals(sheet)
    pause = Pause(
        id=sheet.pause,
        vendor=sheet.vendor,
        scope=sheet.scope,
        workflow=order["workflow"],
        requester=sheet.requester,
        reason=sheet.reason,
        opened_at=sheet.opened_at,
        status=PauseStatus(sheet.status),
        closed_at="",
        frozen="",
        plan="",
    )
    words = {name: order[name] for name in _ORDER[1:]}
    return Lost(
        pause,
        words | {"sheet": sheet.written_at},
        tuple((plan, approvals.of(plan.digest)) for plan in sheet.plans),
        sheet.holds,
        sheet.originals,
        sheet.receipts,
        sheet.unanswered(),
    )
