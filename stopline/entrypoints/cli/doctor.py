"""`stopline doctor`: is everything there that a pause needs, and is the journal whole."""

import platform
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from importlib.metadata import packages_distributions, version
from typing import Annotated

import typer

import stopline
from stopline import installation
from stopline.entrypoints import temporal as t
from stopline.entrypoints.cli import canary as canaries
from stopline.entrypoints.cli import options as o
from stopline.entrypoints.cli import preflight as flying
from stopline.entrypoints.cli.owing import pay_by, soon
from stopline.entrypoints.cli.program import Program
from stopline.errors import StoplineError, UserError
from stopline.estate import readers
from stopline.journal.encrypting import keys_of
from stopline.journal.glass import unreviewed
from stopline.journal.pauses import OPEN
from stopline.journal.rekeying import not_current
from stopline.preflight import Check
from stopline.render.documents import diagnosis_document
from stopline.render.place import diagnosis_page

THIN = ("activities", "workflows")
"""Import names of ours that other distributions like to use too."""

MOST = 5
"""Faults of the installation that are named one by one."""

Found = tuple[bool, str, str] | tuple[bool, str, str, bool]
"""Whether it is well, what was found, what to do if it is not; True last: a person should look."""


def doctor(
    context: typer.Context,
    *,
    preflight: Annotated[
        bool, typer.Option("--preflight", help="Also this machine's, Temporal's and the accounts'.")
    ] = False,
    canary: Annotated[
        str,
        typer.Option(
            metavar="ACCOUNT", help="Besides, contain and restore a canary of our own there."
        ),
    ] = "",
    supply_chain: Annotated[
        bool,
        typer.Option(
            "--supply-chain",
            help="Hash every installed file again, and look for code that runs at each start.",
        ),
    ] = False,
    output: o.OutputOption = None,
) -> None:
    """Check the installation, the configuration, the journal's chain, Temporal and the worker.

    With --preflight also whether every account can be read and written, the clock, quotas and
    limits; with --canary besides, for real, on something of our own that is made and removed.
    Exits with 1 if anything failed; each line says what to do.
    """
    program = o.program_of(context, output)
    if canary:
        _require_realm(program, canary)
    looks = {**_LOOKS, **(_SUPPLY_CHAIN if supply_chain else {}), **_DUE}
    checks = [_checked(name, look, program) for name, look in looks.items()]
    if preflight or canary:
        checks += flying.preflight(program)
    if canary:
        checks.append(_canary(program, canary, checks))
    program.emit(diagnosis_page(checks), diagnosis_document(checks))
    raise typer.Exit(0 if all(check.ok for check in checks) else 1)


def _require_realm(program: Program, realm: str) -> None:
    """Refuse a realm that the estate's file does not name, before anything. Raises UserError."""
    realms = [reader.realm for reader in readers(program.configuration.estate())]
    if realm not in realms:
        near = get_close_matches(realm, realms, 1)
        hint = f"Did you mean {near[0]!r}? " if near else ""
        raise UserError(
            f"--canary: {realm!r} is no account of the estate. Nothing was made.",
            f"{hint}Its accounts: {', '.join(realms) or 'none'}.",
        )


def _canary(program: Program, realm: str, before: Sequence[Check]) -> Check:
    """A canary, if everything before it is well: it must not be the first to find out."""
    name = f"canary {realm}"
    if failed := [check.name for check in before if not check.ok]:
        found = f"not made, since this failed: {', '.join(failed)}"
        return Check(name, ok=False, found=found, next_step="Correct that first.")
    try:
        return canaries.fly(program, realm)
    except StoplineError as error:
        return Check(name, ok=False, found=error.what, next_step=error.next_step)


def _checked(name: str, look: Callable[[Program], Found], program: Program) -> Check:
    """Look at one thing. What our own errors say is what was found."""
    try:
        return Check(name, *look(program))
    except StoplineError as error:
        return Check(name, ok=False, found=error.what, next_step=error.next_step)


def _versions(_: Program) -> Found:
    ours, sdk = stopline.__version__, version("temporalio")
    return True, f"stopline {ours}, Python {platform.python_version()}, temporalio {sdk}", ""


def _names(_: Program) -> Found:
    strangers = owners(packages_distributions())
    if not strangers:
        return True, f"{' and '.join(THIN)} are ours alone", ""
    listed = ", ".join(strangers)
    return (
        False,
        f"import names of ours belong to {listed} too",
        ("Install stopline in an environment of its own."),
    )


def owners(distributions: Mapping[str, Iterable[str]]) -> list[str]:
    """The other distributions that own one of our thin names."""
    return sorted({d for name in THIN for d in distributions.get(name, ()) if d != "stopline"})


def _settings(program: Program) -> Found:
    s = program.settings
    where = f"config {s.config_dir}, journal {s.journal_shown}, data {s.data_dir}"
    return True, f"{where}, you are {s.identity}", ""


def _configuration(program: Program) -> Found:
    faults = [fault.what for fault in program.configuration.check()]
    folder = program.settings.config_dir
    if faults:
        return False, "; ".join(faults), "Correct the files; see `stopline vendor check`."
    return True, f"{len(program.configuration.vendors())} vendors in {folder}, no fault", ""


def _notices(program: Program) -> Found:
    found = program.configuration.notices()
    if found is None:
        return True, "no notices.yaml: nobody is told of a pause by stopline", ""
    told = len({route.channel for _, route in found.routes("")})
    return True, f"{len(found.channels)} channels, {told} to those inside; try: notices test", ""


def _journal(program: Program) -> Found:
    number, broken = program.book.store.verify()
    if broken:
        return (
            False,
            f"journal {program.book.id}: the chain is broken: {broken}",
            ("Somebody altered it. Keep a copy, restore a backup, and compare the two."),
        )
    found = f"journal {program.book.id}, chain of {number} events verified"
    if not program.settings.journal_key:
        return True, f"{found}; its documents are not encrypted", ""
    left = not_current(program.book.store, keys_of(program.settings.journal_key))
    if not left:
        return True, f"{found}; its documents are encrypted", ""
    found = f"{found}; {left} documents in the clear, or under an earlier key"
    return True, found, "`stopline journal encrypt`", True


def _temporal(program: Program) -> Found:
    client = program.temporal.client
    return True, f"{t.address()} answers, namespace {client.namespace}", ""


def _worker(program: Program) -> Found:
    temporal = program.temporal
    if program.wait(t.polled(temporal.client, temporal.queue)):
        seconds = f"{t.POLL_SECONDS:.0f} seconds"
        return True, f"one polled the queue {temporal.queue} within the last {seconds}", ""
    return (
        False,
        f"nobody polls the queue {temporal.queue}",
        ("Start one with `stopline worker`, with the same STOPLINE_JOURNAL_URL."),
    )


def _at_start(_: Program) -> Found:
    where = installation.folder()
    return _clean(installation.at_start(where), f"nothing unknown runs when Python starts, {where}")


def _files(_: Program) -> Found:
    where = installation.folder()
    return _clean(installation.altered(where), "every installed file is as its RECORD says")


def _clean(faults: list[str], well: str) -> Found:
    if not faults:
        return True, well, ""
    more = f"; and {len(faults) - MOST} more" if len(faults) > MOST else ""
    return (
        False,
        "; ".join(faults[:MOST]) + more,
        (
            "Do not pause from here. Install from requirements.lock in a new environment; keep "
            "this one for whoever looks into it."
        ),
    )


def _reassessed(program: Program) -> Found:
    """Late pauses fail nothing: what is contained stays so. But a person should look."""
    pauses = program.book.pauses
    late = [(p, by) for p in pauses.list(statuses=OPEN) if (by := pauses.overdue(p))]
    if not late:
        return True, "none is overdue", ""
    listed = ", ".join(f"{p.id} ({p.vendor}) since {by[:10]}" for p, by in late)
    step = f"Decide: `stopline reassess {late[0][0].id} --decision keep|rollback --reason '...'`."
    return True, f"overdue: {listed}", step, True


def _paid(program: Program) -> Found:
    """A date of earned pay that is near fails nothing either, and a person must decide."""
    book = program.book
    dates = [(p, pay_by(book, p)) for p in book.pauses.list(statuses=OPEN)]
    near = [(pause, date) for pause, date in dates if soon(book, date)]
    if not near:
        return True, "nothing that is held must be paid soon", ""
    listed = ", ".join(f"{p.id} ({p.vendor}) by {date}" for p, date in near)
    step = f"See `stopline payouts {near[0][0].id}`; release what is earned, keep the rest."
    return True, f"must be paid: {listed}", step, True


def _glass(program: Program) -> Found:
    """What one person approved alone; it was carried out, and another person must look at it."""
    store = program.book.store
    waiting, now = unreviewed(store), store.clock()
    if not waiting:
        return True, "nothing waits for its review", ""
    told = (
        f"{one.pause} by {one.by}, "
        + ("OVERDUE since " if one.overdue(now) else "due by ")
        + one.review_by
        for one in waiting
    )
    step = f"As another person: `stopline review {waiting[0].pause} --reason '...'`."
    return True, f"not reviewed: {'; '.join(told)}", step, True


def _pauses(program: Program) -> Found:
    pauses = program.book.pauses.list(statuses=OPEN)
    orphans = program.wait(program.temporal.orphans(pauses)) if pauses else []
    if not orphans:
        return True, f"{len(pauses)} open, each with its workflow", ""
    listed = ", ".join(f"{pause.id} ({pause.vendor})" for pause in orphans)
    return (
        False,
        f"the workflow of {listed} is gone: what is contained stays so, and nobody watches it",
        ("Is it the server on which they were started? If so: `stopline adopt`."),
    )


_LOOKS: Mapping[str, Callable[[Program], Found]] = {
    "versions": _versions,
    "names": _names,
    "settings": _settings,
    "configuration": _configuration,
    "notices": _notices,
    "journal": _journal,
    "temporal": _temporal,
    "worker": _worker,
    "pauses": _pauses,
}
_SUPPLY_CHAIN: Mapping[str, Callable[[Program], Found]] = {
    "startup": _at_start,
    "files": _files,
}
_DUE: Mapping[str, Callable[[Program], Found]] = {
    "reassessments": _reassessed,
    "payouts": _paid,
    "break-glass": _glass,
}
