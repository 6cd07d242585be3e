"""`stopline up`, `worker` and `drill`: thin calls of what runs for long, imported when asked."""

from typing import Annotated

import typer

from stopline.entrypoints.cli import options as o


def up(
    context: typer.Context,
    *,
    ui: Annotated[bool, typer.Option(help="Serve Temporal's own UI beside it.")] = True,
) -> None:
    """Run the embedded default: the Temporal server and a worker. Resumes what was open."""
    from stopline.entrypoints import embedded  # noqa: PLC0415 - brings the worker with it

    raise typer.Exit(embedded.up(o.program_of(context).settings, ui=ui))


def worker(
    context: typer.Context,
    *,
    read_only: Annotated[
        bool,
        typer.Option("--read-only", help="Serve `stopline assess` alone; no way to write."),
    ] = False,
) -> None:
    """Run a worker: the only process that holds credentials of the systems of record."""
    from stopline.entrypoints import worker as working  # noqa: PLC0415 - brings all connectors

    settings = o.program_of(context).settings
    wishes = {"read_only": read_only or settings.read_only}
    raise typer.Exit(working.work(settings.model_copy(update=wishes)))


def drill(
    context: typer.Context,
    *,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave it all up, and print the addresses.")
    ] = False,
    size: Annotated[int, typer.Option(min=1, help="Scale the estate.")] = 1,
    journal: Annotated[str, typer.Option(help="Which database: sqlite, postgresql.")] = "sqlite",
    output: o.OutputOption = None,
) -> None:
    """Cut a vendor off from an emulated estate, and give it back. Touches nothing of yours."""
    from stopline.drill.command import drill as run  # noqa: PLC0415 - brings the emulator

    program = o.program_of(context, output)
    code = run(program.settings, keep=keep, size=size, output=program.output, journal=journal)
    raise typer.Exit(code)
