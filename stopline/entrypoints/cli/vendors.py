"""`stopline vendor list|show|check`: the vendors as the configuration knows them."""

import typer

from stopline.entrypoints.cli import options as o
from stopline.entrypoints.cli.reading import standing
from stopline.errors import ConfigError
from stopline.journal.pauses import OPEN
from stopline.render.documents import check_document, vendor_document, vendors_document
from stopline.render.place import faults_page, vendor_page, vendors_page

app = typer.Typer(no_args_is_help=True, help="The vendors, as config/vendors knows them.")


@app.command("list")
def list_(context: typer.Context, output: o.OutputOption = None) -> None:
    """List the vendors, and which of them are paused."""
    program = o.program_of(context, output)
    vendors = program.configuration.vendors()
    paused = {pause.vendor for pause in program.book.pauses.list(statuses=OPEN)}
    program.emit(vendors_page(vendors, paused), vendors_document(vendors, paused))


@app.command()
def show(context: typer.Context, vendor: o.VendorName, output: o.OutputOption = None) -> None:
    """Show one vendor: the note to read first, how it is recognised, its open pauses."""
    program = o.program_of(context, output)
    found = program.configuration.vendor(vendor)
    pauses = program.book.pauses.list(found.vendor, OPEN)
    standings = [standing(program.book, pause) for pause in pauses]
    program.emit(vendor_page(found, standings), vendor_document(found, standings))


@app.command()
def check(context: typer.Context, output: o.OutputOption = None) -> None:
    """Check every file of the configuration; list every fault with file and line.

    Exits with 2 if there is any.
    """
    program = o.program_of(context, output)
    folder = program.settings.config_dir
    faults = [line for fault in program.configuration.check() for line in fault.what.splitlines()]
    program.emit(faults_page(faults, str(folder)), check_document(faults))
    raise typer.Exit(ConfigError.exit_code if faults else 0)
