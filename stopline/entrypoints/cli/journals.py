"""`stopline journal encrypt`: what the journal still has in the clear, or under an earlier key."""

from contextlib import nullcontext

import typer
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from stopline.entrypoints.cli import options as o
from stopline.entrypoints.cli.program import Program
from stopline.errors import UserError
from stopline.journal.encrypting import VARIABLE, keys_of
from stopline.journal.rekeying import Told, encrypt, not_current
from stopline.preflight import Check
from stopline.render.documents import diagnosis_document
from stopline.render.place import diagnosis_page

app = typer.Typer(no_args_is_help=True, help="The journal itself.")


@app.callback()
def journal() -> None:
    """Say that what follows is a command of its own, however few there are."""


@app.command("encrypt")
def encrypt_all(context: typer.Context, *, output: o.OutputOption = None) -> None:
    """Encrypt by the first key of STOPLINE_JOURNAL_KEY what is not yet; workers may go on.

    Run it once after a key was configured, and after another one was made the first. It can be
    interrupted, and run again.
    """
    program = o.program_of(context, output)
    keys = keys_of(program.settings.journal_key)
    if not keys:
        raise UserError(
            f"{VARIABLE} is not set, so there is no key to encrypt by. Nothing was written.",
            "See docs/how-to/run-in-production.md.",
        )
    store = program.book.store
    with _progress(program) as progress:
        number = encrypt(store, keys, _told(program, progress))
    checks = [_told_of(store.id, number, not_current(store, keys))]
    program.emit(diagnosis_page(checks), diagnosis_document(checks))
    raise typer.Exit(0 if checks[0].ok else 1)


def _told_of(journal_: str, number: int, left: int) -> Check:
    """What was done; a worker that has the keys as they were goes on as it did, meanwhile."""
    found, name = f"{number} documents were encrypted by the first key", f"journal {journal_}"
    if not left:
        return Check(name, ok=True, found=f"{found}; no other is needed any more")
    found = f"{found}; {left} that were written meanwhile are not: an earlier key is still needed"
    step = f"Start every worker again with this {VARIABLE}, then run this again."
    return Check(name, ok=False, found=found, next_step=step)


def _progress(program: Program) -> "Progress | nullcontext[None]":
    if not program.err.is_terminal or program.err.is_dumb_terminal:
        return nullcontext()
    columns = (TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=program.err, transient=True)


def _told(program: Program, progress: Progress | None) -> Told:
    if progress is None:
        shown = [0]

        def line(seen: int, total: int) -> None:
            tenth = seen * 10 // total
            if tenth > shown[0]:
                shown[0] = tenth
                program.say(f"encrypting: {seen} of {total}")

        return line
    task = progress.add_task("encrypting", total=None)
    return lambda seen, total: progress.update(task, completed=seen, total=total)
