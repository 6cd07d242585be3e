"""How a command ends that followed a pause: what is shown, and the exit code that it means."""

from stopline.entrypoints.cli.program import Program
from stopline.entrypoints.cli.reading import standing
from stopline.entrypoints.temporal import Temporal
from stopline.errors import SetupError
from stopline.evidence.certificate import certificate
from stopline.journal.pauses import Pause
from stopline.model import Address, Direction, Scope
from stopline.render.certificate import certificate_page
from stopline.render.documents import pause_document
from stopline.render.standing import CONFLICT, DONE, PARTIAL, Standing, exit_code, result_page
from stopline.text import jsonable
from workflows.messages import Status


def asked(program: Program, temporal: Temporal, pause: Pause) -> Status | None:
    """Ask the pause itself; None, with a line that says so, when it cannot answer."""
    try:
        return program.wait(temporal.status(pause.workflow))
    except SetupError as error:
        program.say(f"{error.what} What follows is from the journal alone.")
    return None


def end(program: Program, temporal: Temporal, pause: str) -> int:
    """Show how a pause stands now that its run has ended; return the exit code of it."""
    stands = standing_now(program, temporal, pause)
    program.emit(result_page(stands, program.most), pause_document(stands))
    return exit_code(stands)


def standing_now(program: Program, temporal: Temporal, pause: str) -> Standing:
    """The standing of one pause, from the journal and from Temporal."""
    found = program.book.pauses.get(pause)
    status = asked(program, temporal, found)
    if status is not None and status.order.pause != pause:
        status = None  # the workflow's id is another pause's by now
    return standing(program.book, found, status)


def end_of_termination(program: Program, temporal: Temporal, pause: str) -> int:
    """Show the certificate; 0 when all effects were carried out, 7 on conflicts, 6 else."""
    stands = standing_now(program, temporal, pause)
    made = certificate(program.book, pause)
    page = (*certificate_page(made, program.most), *result_page(stands, program.most))
    program.emit(page, pause_document(stands) | {"certificate": jsonable(made)})
    kinds = {left.kind for left in stands.left if left.direction == Direction.TERMINATE}
    if "conflict" in kinds:
        return CONFLICT
    return DONE if made.complete else PARTIAL


def end_of_rollback(program: Program, temporal: Temporal, pause: str, scope: Scope) -> int:
    """Show what a rollback left; 0 when all in its scope was given back, 7 on conflicts, 6 else."""
    stands = standing_now(program, temporal, pause)
    program.emit(result_page(stands, program.most), pause_document(stands))
    kinds = {left.kind for left in stands.left if left.direction == Direction.RESTORE}
    held = [h for h in stands.held if scope.admits(Address.parse(h.address), h.principal)]
    if "conflict" in kinds:
        return CONFLICT
    return PARTIAL if held or kinds else DONE
