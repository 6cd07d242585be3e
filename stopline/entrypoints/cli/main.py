"""The program `stopline`: its commands, and the one place where it ends.

`main` turns every outcome into an exit code; `run` leaves the process with it. A process that has
used Temporal's SDK may hang at its ordinary end, so it leaves by `os._exit` after flushing.
"""

import functools
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Annotated

import typer

import stopline
from stopline.entrypoints.cli import (
    acking,
    adopting,
    approving,
    assessing,
    auditing,
    cases,
    doctor,
    evidence,
    journals,
    manual,
    noticing,
    pausing,
    paying,
    planning,
    reassessing,
    restoring,
    reviewing,
    serving,
    terminating,
    vendors,
)
from stopline.entrypoints.cli import options as o
from stopline.entrypoints.cli.program import Program
from stopline.errors import StoplineError
from stopline.logs import configure

INTERRUPTED = 130
LOGGED = ("up", "worker", "drill")
"""Commands whose log lines are what one wants to see; elsewhere they would stand in the way."""

app = typer.Typer(
    name="stopline",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Stops a vendor: cuts every access it holds, and gives everything back exactly.",
    epilog="Exit codes: 0 done, 1 failed, 2 usage, 3 the plan has changes, 4 not let in, "
    "5 waiting for approval, 6 partial, 7 conflicts left by a rollback or a termination, "
    "8 not verified, 130 interrupted (the work goes on).",
)
app.add_typer(vendors.app, name="vendor")
app.add_typer(evidence.app, name="evidence")
app.add_typer(journals.app, name="journal")
app.add_typer(manual.app, name="manual")
for command in (
    planning.plan,
    assessing.assess,
    pausing.pause,
    cases.status,
    cases.watch,
    cases.stop,
    auditing.audit,
    auditing.audits,
    noticing.notices,
    paying.payouts,
    acking.ack,
    approving.approve,
    approving.reject,
    reviewing.review,
    restoring.rollback,
    reassessing.reassess,
    terminating.terminate,
    adopting.adopt,
    doctor.doctor,
    serving.up,
    serving.worker,
    serving.drill,
):
    app.command()(command)


def _version(asked: bool) -> None:  # noqa: FBT001 - typer's way
    if asked:
        print(f"stopline {stopline.__version__}")  # noqa: T201 - the data
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    *,
    output: o.OutputOption = None,
    verbose: Annotated[
        bool, typer.Option("-v", "--verbose", help="Show all of long lists, and more log lines.")
    ] = False,
    _: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Read the options that come before the command."""
    program = o.program_of(context, output)
    program.verbose = verbose
    quiet = context.invoked_subcommand not in LOGGED and not verbose
    wishes = program.settings.model_copy(update={"log_level": "WARNING"} if quiet else {})
    configure(wishes)


@functools.cache
def _command() -> Callable[..., object]:
    """All commands with their options; made once, however often this process runs one."""
    return typer.main.get_command(app)


def main(arguments: Sequence[str], program: Program | None = None) -> int:
    """Run one command and return its exit code. Bad input never ends in a traceback."""
    program = program or Program()
    try:
        _command()(arguments, prog_name="stopline", obj=program)
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 1
    except StoplineError as error:
        code = _say(program, error)
    except KeyboardInterrupt:
        code = INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last line of defence, and it says so
        code = _fault(program, error)
    else:
        code = 0
    if code == INTERRUPTED:
        _interrupted(program)
    program.close()
    return code


def _say(program: Program, error: StoplineError) -> int:
    program.err.print("error: ", style="bold red", end="")
    program.say(error.what)
    if error.next_step:
        program.say(f"  next: {error.next_step}")
    return error.exit_code


def _fault(program: Program, error: Exception) -> int:
    if program.verbose:
        traceback.print_exception(error, file=sys.stderr)
    program.say(f"error: a fault of stopline itself: {type(error).__name__}: {error}")
    program.say("  next: Run it again with `stopline -v ...` and report what it shows.")
    return 1


def _interrupted(program: Program) -> None:
    program.say("")
    if program.going:
        program.say(
            "You left; what was started goes on. Follow it with "
            f"`stopline watch {program.going}`, end it with `stopline stop {program.going}`."
        )
    else:
        program.say("Interrupted. Nothing was started.")


def run() -> None:
    """The entry point: leave with the exit code, at once."""
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
