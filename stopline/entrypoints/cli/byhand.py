"""Plans as plain commands, from the journal alone: what a person runs when stopline is down."""

from typing import Annotated

import typer

from stopline import planner
from stopline.configuration import Frozen
from stopline.entrypoints.cli.options import Format, PauseFormat
from stopline.entrypoints.cli.program import Program
from stopline.errors import UserError
from stopline.journal.pauses import Pause
from stopline.model import Plan, Scope
from stopline.render.script import Words, script

FormatOption = Annotated[
    Format,
    typer.Option(
        "--format", help="page, or commands: a bash script of the providers' own commands."
    ),
]


PauseFormatOption = Annotated[
    PauseFormat,
    typer.Option(
        "--format",
        help="page; commands: a bash script that gives it back; choices: a file for its conflicts.",
    ),
]


def wants_commands(program: Program, wanted: Format) -> bool:
    """Whether a script is asked for. Raises UserError when JSON is asked for as well."""
    alone(program, wanted)
    return wanted is Format.COMMANDS


def alone(program: Program, wanted: Format | PauseFormat) -> None:
    """Refuse a file of ours and a document in one. Raises UserError."""
    if wanted not in {Format.PAGE, PauseFormat.PAGE} and program.json:
        raise UserError(
            f"--format {wanted} writes a file, and --output json a document. Nothing was done.",
            "Choose one of the two.",
        )


def write_commands(program: Program, plan: Plan, frozen: str, head: tuple[str, ...] = ()) -> None:
    """Write a plan as a script to stdout. No connector is asked for more than words."""
    _, _, estate = Frozen.load(program.book.store.body(frozen)).parse()
    say = {name: each.commands for name, each in program.connectors(estate).items()}
    print(script(plan, Words(say, program.book.writes.originals()), head))  # noqa: T201 - the data


def write_way_back(program: Program, pause: Pause) -> None:
    """Write what gives everything of an open pause back, by what it holds now."""
    holds = program.book.writes.holds()
    plan = planner.plan_restore(pause.vendor, pause.id, holds, Scope())
    asked = f"asked for by {pause.requester} at {pause.opened_at}: {pause.reason}"
    write_commands(program, plan, pause.frozen, (f"the pause is {pause.status}", asked))
