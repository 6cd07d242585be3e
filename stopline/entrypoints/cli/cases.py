"""`stopline status`, `watch` and `stop`: looking at pauses, and ending a containment early."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

import typer

from stopline.entrypoints.cli import options as o
from stopline.entrypoints.cli.asking import nearest, open_pause, pauses_named
from stopline.entrypoints.cli.byhand import PauseFormatOption, alone, write_way_back
from stopline.entrypoints.cli.choices import write_choices
from stopline.entrypoints.cli.ending import asked, end
from stopline.entrypoints.cli.following import follow
from stopline.entrypoints.cli.program import Program
from stopline.entrypoints.cli.reading import standing
from stopline.entrypoints.temporal import Temporal, polled
from stopline.errors import SetupError, UserError
from stopline.journal.glass import unreviewed
from stopline.journal.pauses import OPEN, Pause
from stopline.render.documents import pause_document, pauses_document
from stopline.render.standing import Standing, exit_code, pauses_page, standing_page
from workflows import messages as m


def status(
    context: typer.Context,
    case: Annotated[
        str, typer.Argument(metavar="[VENDOR|PAUSE]", help="Which; all open pauses if left out.")
    ] = "",
    *,
    all_: Annotated[bool, typer.Option("--all", help="Closed pauses too.")] = False,
    format_: PauseFormatOption = o.PauseFormat.PAGE,
    output: o.OutputOption = None,
) -> None:
    """Show the pauses; of one vendor: what is held, what is left and why, what waits.

    A closed one is among them while a break-glass approval of it waits for its review.

    Works from the journal alone when Temporal does not answer. With --format commands it writes
    what gives the pause back by hand, when stopline itself is down; with --format choices the
    conflicts that a rollback found, as a file to be answered: `stopline rollback --choices`.
    """
    program = o.program_of(context, output)
    if format_ is not o.PauseFormat.PAGE:
        _write(program, case, format_)
        return
    pauses = program.book.pauses.list()
    if not all_:
        wanted = {one.pause for one in unreviewed(program.book.store)}
        pauses = tuple(p for p in pauses if p.status in OPEN or p.id in wanted)
    if case:
        pauses = _of(program, case, closed=all_)
    temporal = reached(program) if pauses else None
    gone = _gone(program, temporal, pauses)
    found = [_now(program, temporal, pause, gone=pause.id in gone) for pause in pauses]
    if len(found) == 1 and case:
        program.emit(standing_page(found[0], program.most), pause_document(found[0]))
    else:
        program.emit(pauses_page(found), pauses_document(found))


def _write(program: Program, case: str, format_: o.PauseFormat) -> None:
    """A file about one pause, to stdout. Raises UserError where none is named."""
    alone(program, format_)
    if not case:
        raise UserError(
            f"--format {format_} is about one pause, and none is named. Nothing was written.",
            f"Say which: `stopline status VENDOR --format {format_}`.",
        )
    pause = open_pause(program, case)
    if format_ is o.PauseFormat.CHOICES:
        write_choices(program, pause)
    else:
        write_way_back(program, pause)


def _of(program: Program, case: str, *, closed: bool) -> tuple[Pause, ...]:
    """The pauses that a name means; the last closed one where none is open. Raises UserError."""
    named = pauses_named(program, case)
    open_ = tuple(p for p in named if p.status in OPEN)
    chosen: Sequence[Pause] = named if closed else open_ or named[-1:]
    if not chosen:
        raise UserError(
            f"There is no pause of {case!r}{nearest(program, case)}.",
            "See `stopline status --all`.",
        )
    return tuple(chosen)


def reached(program: Program) -> Temporal | None:
    """Temporal with a worker, or None with a line that says what is missing."""
    try:
        temporal = program.temporal
        working = program.wait(polled(temporal.client, temporal.queue))
    except SetupError as error:
        program.say(f"{error.what} What follows is from the journal alone. {error.next_step}")
        return None
    if not working:
        program.say(
            f"No worker is polling the queue {temporal.queue}: nothing goes on until one runs "
            "(`stopline worker`). What follows is from the journal alone."
        )
        return None
    return temporal


def _gone(program: Program, temporal: Temporal | None, pauses: Sequence[Pause]) -> frozenset[str]:
    """Which open pauses have no workflow any more; none, where Temporal does not say."""
    if temporal is None:
        return frozenset()
    listed = [pause for pause in pauses if pause.status in OPEN]
    try:
        return frozenset(pause.id for pause in program.wait(temporal.orphans(listed)))
    except SetupError as error:
        program.say(f"{error.what} Whether each has its workflow is not known.")
        return frozenset()


def _now(program: Program, temporal: Temporal | None, pause: Pause, *, gone: bool) -> Standing:
    """Where a pause stands. A workflow that has ended still answers; what it says is old."""
    if gone:
        return replace(standing(program.book, pause), workflow_gone=True)
    running = temporal is not None and pause.status in OPEN
    told = asked(program, temporal, pause) if running and temporal else None
    if told is not None and told.order.pause != pause.id:
        told = None
    return standing(program.book, pause, told)


def watch(context: typer.Context, case: o.Case, output: o.OutputOption = None) -> None:
    """Follow a pause until it rests, and show how it stands. Ctrl-C leaves; the work goes on."""
    program = o.program_of(context, output)
    pause = _one(program, case)
    if pause.status not in OPEN:
        stands = standing(program.book, pause)
        program.emit(standing_page(stands, program.most), pause_document(stands))
        raise typer.Exit(exit_code(stands))
    temporal = program.at_work()
    program.going = pause.id
    follow(program, temporal, pause.workflow)
    raise typer.Exit(end(program, temporal, pause.id))


def _one(program: Program, case: str) -> Pause:
    found = _of(program, case, closed=False)
    return found[0] if len(found) == 1 else open_pause(program, case)


def stop(
    context: typer.Context,
    case: o.Case,
    *,
    reason: o.Reason = "",
    by: o.As = "",
    output: o.OutputOption = None,
) -> None:
    """Finish the writes in flight, begin no other, stay as it is then.

    What is contained stays contained; `stopline rollback` gives it back. A plan that waits for an
    approval is withdrawn.
    """
    program = o.program_of(context, output)
    pause = open_pause(program, case)
    temporal = program.at_work()
    program.going = pause.id
    now = program.wait(temporal.status(pause.workflow))
    if now.phase is m.Phase.PAUSED and not now.asked_by:
        program.say(f"Nothing is being written for {pause.id} (it is {now.phase}); it stays so.")
    else:
        word = m.Stop(o.identity(program, by), reason.strip())
        program.wait(temporal.say(pause.workflow, m.STOP, word, str))
        follow(program, temporal, pause.workflow, _stopped)
    program.going = ""
    end(program, temporal, pause.id)


def _stopped(status: m.Status) -> bool:
    return status.phase in (m.Phase.PAUSED, m.Phase.CLOSED)
