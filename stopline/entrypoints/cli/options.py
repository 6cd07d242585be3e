"""The options that several commands share, and what is made of their texts."""

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from stopline.entrypoints.cli.program import Program
from stopline.errors import UserError
from stopline.model import Address, Scope


class Output(StrEnum):
    """How data is written on stdout."""

    TABLE = "table"
    JSON = "json"


class Format(StrEnum):
    """What is written of a plan: what it says, or how it is done by hand."""

    PAGE = "page"
    COMMANDS = "commands"


class PauseFormat(StrEnum):
    """What is written of a pause: the same, or a file of choices for its conflicts."""

    PAGE = "page"
    COMMANDS = "commands"
    CHOICES = "choices"


VendorName = Annotated[str, typer.Argument(metavar="VENDOR", help="The vendor's name.")]
Case = Annotated[
    str, typer.Argument(metavar="VENDOR|PAUSE", help="A vendor with one open pause, or a pause.")
]
OutputOption = Annotated[
    Output | None, typer.Option("--output", help="table for people, json for programs.")
]
Project = Annotated[str, typer.Option("--project", help="Only this project of the vendor.")]
Connectors = Annotated[
    list[str] | None, typer.Option("--connector", help="Only this connector. Repeatable.")
]
Realms = Annotated[
    list[str] | None, typer.Option("--realm", help="Only this account or ledger. Repeatable.")
]
Principals = Annotated[
    list[str] | None,
    typer.Option("--principal", help="Only this principal, as a plan shows it. Repeatable."),
]
Addresses = Annotated[
    list[str] | None,
    typer.Option("--address", help="Only this address, as a plan shows it. Repeatable."),
]
Settle = Annotated[
    list[str] | None,
    typer.Option(
        "--settle",
        metavar="PAYEE|ADDRESS",
        help="Lift the hold on this, so that a pay run of the lab's pays it. Repeatable.",
    ),
]
Dispute = Annotated[
    list[str] | None,
    typer.Option(
        "--dispute",
        metavar="PAYEE|ADDRESS",
        help="Keep this held as disputed, until --review-by. Repeatable.",
    ),
]
ReviewDay = Annotated[
    datetime | None,
    typer.Option(
        "--review-by",
        formats=["%Y-%m-%d"],
        help="When what is disputed is looked at again, as 2027-03-01.",
    ),
]
Decisions = Annotated[
    Path | None,
    typer.Option(
        "--decisions",
        metavar="FILE",
        help="A file of both, as `payouts --format decisions` wrote it and people answered it.",
    ),
]
Choose = Annotated[
    list[str] | None,
    typer.Option(
        "--choose",
        metavar="ADDRESS=CHOICE[: REASON]",
        help="For a conflict: keep-now, restore-before or skip. Repeatable.",
    ),
]
Choices = Annotated[
    Path | None,
    typer.Option(
        "--choices",
        metavar="FILE",
        help="A file of choices, as `status --format choices` wrote it and a person answered it.",
    ),
]
PlaybookName = Annotated[
    str, typer.Option("--playbook", help="Which playbook of config/playbooks.")
]
Apart = Annotated[
    bool,
    typer.Option(
        "--apart", help="Join no open pause: one of its own, by the files as they are now."
    ),
]
Reason = Annotated[
    str, typer.Option("--reason", help="Why, in a sentence. Written into the journal.")
]
As = Annotated[
    str,
    typer.Option("--as", metavar="NAME", help="Who says so, if not STOPLINE_IDENTITY."),
]
Sign = Annotated[
    Path | None,
    typer.Option("--sign", metavar="KEY", help="Sign with this OpenSSH key."),
]
Confirm = Annotated[
    str,
    typer.Option("--confirm", metavar="NAME", help="The vendor's name, instead of typing it."),
]


def program_of(context: typer.Context, output: Output | None = None) -> Program:
    """Return the running program, with this command's own --output."""
    program = context.obj
    if not isinstance(program, Program):  # the app was run by something other than main()
        program = context.obj = Program()
    if output is not None:
        program.output = str(output)
    return program


def scope_of(
    project: str,
    connectors: list[str] | None,
    realms: list[str] | None,
    principals: list[str] | None,
    addresses: list[str] | None,
) -> Scope:
    """Make a scope of the options. Raises UserError naming an address that is none."""
    for text in addresses or ():
        try:
            Address.parse(text)
        except ValueError as error:
            raise UserError(
                f"--address: {error}.", "Copy it from `stopline plan` or `stopline status`."
            ) from error
    kept = (
        tuple(sorted(set(texts or ()))) for texts in (connectors, realms, principals, addresses)
    )
    return Scope(project, *kept)


def overrides_of(texts: list[str] | None) -> dict[str, str]:
    """Read GUARD=REASON. Raises UserError on anything else, an empty reason included."""
    overrides = {}
    for text in texts or ():
        guard, equals, reason = text.partition("=")
        if not (equals and guard.strip() and reason.strip()):
            raise UserError(
                f"--override {text!r} is not GUARD=REASON. Nothing was done.",
                "The plan names its guards: --override too-many-changes='read it, 600 is right'.",
            )
        overrides[guard.strip()] = reason.strip()
    return overrides


def identity(program: Program, declared: str) -> str:
    """Who says it: --as, or the settings' identity."""
    return declared.strip() or program.settings.identity


def require_reason(reason: str) -> str:
    """A reason that says something. Raises UserError."""
    if not reason.strip():
        raise UserError(
            "A reason is wanted. Nothing was done.",
            "Say it with --reason 'why, in a sentence'; it is written into the journal.",
        )
    return reason.strip()
