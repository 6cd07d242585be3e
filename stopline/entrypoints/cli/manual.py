"""`stopline manual list|done|confirm|refuse`: what people do by hand, with proof, and two of them.

The file stays with the people: its name and its SHA-256 go into the journal.
"""

import hashlib
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from stopline.approving import deed_statement
from stopline.attesting import (
    CONFIRM,
    DONE,
    REFUSE,
    Amount,
    Attestation,
    Attesting,
    Became,
    Deed,
    Step,
    amount_of,
    held_by,
    standing,
)
from stopline.configuration import Frozen
from stopline.entrypoints.cli import options as o
from stopline.entrypoints.cli.approving import signature_of
from stopline.entrypoints.cli.asking import nearest, open_pause, pauses_named
from stopline.entrypoints.cli.program import Program
from stopline.errors import RefusedError, UserError
from stopline.journal.attested import Task, attested, tasks
from stopline.journal.pauses import OPEN, Pause
from stopline.money import shown
from stopline.render.documents import manual_document
from stopline.render.manual import TaskShown, manual_page
from stopline.render.standing import PARTIAL
from stopline.text import dump
from workflows import messages as m

app = typer.Typer(
    no_args_is_help=True, help="What people do by hand, where stopline cannot: with proof, by two."
)

Name = Annotated[str, typer.Argument(metavar="TASK", help="Which, as `manual list` shows it.")]
Proof = Annotated[
    Path, typer.Option("--proof", metavar="FILE", help="What shows it; it stays where it is.")
]
Amounts = list[str] | None
_FORM = "[PAYEE:]CUR=MINOR"
Held = Annotated[Amounts, typer.Option("--held", metavar=_FORM, help="What is held. Repeatable.")]
Left = Annotated[
    Amounts, typer.Option("--left", metavar=_FORM, help="What had left before. Repeatable.")
]
Reissued = Annotated[
    Amounts, typer.Option("--reissued", metavar=_FORM, help="Paid anew. Repeatable.")
]
WrittenOff = Annotated[
    Amounts, typer.Option("--written-off", metavar=_FORM, help="Owed no more. Repeatable.")
]
Before = Annotated[str, typer.Option("--before", help="Of a hold: how it was set there before.")]
PayBy = Annotated[
    str, typer.Option("--pay-by", metavar="DATE", help="By when what is held must be paid.")
]


@app.command("list")
def list_(context: typer.Context, case: o.Case, output: o.OutputOption = None) -> None:
    """List what people are to do by hand for a pause, and whom it waits for.

    Exits with 6 while something waits.
    """
    program = o.program_of(context, output)
    raise typer.Exit(_show(program, _named(program, case)))


@app.command()
def done(
    context: typer.Context,
    case: o.Case,
    name: Name,
    *,
    proof: Proof,
    before: Before = "",
    held: Held = None,
    left: Left = None,
    reissued: Reissued = None,
    written_off: WrittenOff = None,
    pay_by: PayBy = "",
    reason: o.Reason = "",
    by: o.As = "",
    key: o.Sign = None,
    output: o.OutputOption = None,
) -> None:
    """Attest that you have done it there, with a file that shows it; another person confirms it.

    Amounts are whole minor units of the currency. Of a release all that was held is released, but
    for what is reissued or written off. Nothing counts as contained before it is confirmed.
    """
    program = o.program_of(context, output)
    pause, task = _task(program, case, name)
    groups = {
        Became.HELD: held, Became.ESCAPED: left,
        Became.REISSUED: reissued, Became.WRITTEN_OFF: written_off,
    }  # fmt: skip
    amounts = tuple(_amounts(groups, task.address.document.id, _date(pay_by)))
    if task.step is Step.RELEASE:
        amounts = (*amounts, *_rest(held_by(attested(program.book.store, task.address)), amounts))
    deed = Deed(
        task.address, task.step, proof.name, _digest(proof), tuple(sorted(amounts)), before.strip()
    )
    ref = program.book.pauses.keep("deed", dump(deed))
    person, why = o.identity(program, by), reason.strip()
    said = deed_statement(program.book.id, pause, DONE, person, why, (ref, 0, ""))
    word = Attesting(
        word=DONE, ref=ref, by=person, reason=why, signature=signature_of(program, said, key)
    )
    program.wait(program.at_work().say(pause.workflow, m.ATTEST, word, bool))
    program.say(
        f"Attested by {person}: {task.step} of {task.name}. Another person must confirm it."
    )
    raise typer.Exit(_show(program, pause))


@app.command()
def confirm(
    context: typer.Context,
    case: o.Case,
    name: Name,
    *,
    proof: Proof,
    reason: o.Reason = "",
    by: o.As = "",
    key: o.Sign = None,
    output: o.OutputOption = None,
) -> None:
    """Confirm what another person attested: you have looked, and have the same file.

    Signed as approvals are, and never by the one who did it. Exits with 6 while something waits.
    """
    program = o.program_of(context, output)
    word = Attesting(word=CONFIRM, by=o.identity(program, by), reason=reason.strip())
    raise typer.Exit(_answer(program, case, name, word, key, _digest(proof)))


@app.command()
def refuse(
    context: typer.Context,
    case: o.Case,
    name: Name,
    *,
    reason: o.Reason = "",
    by: o.As = "",
    key: o.Sign = None,
    output: o.OutputOption = None,
) -> None:
    """Say that what another person attested is not so; it must be done, and attested, again."""
    program = o.program_of(context, output)
    person, why = o.identity(program, by), o.require_reason(reason)
    word = Attesting(word=REFUSE, by=person, reason=why)
    raise typer.Exit(_answer(program, case, name, word, key, ""))


def _answer(
    program: Program, case: str, name: str, word: Attesting, key: Path | None, sha256: str
) -> int:
    pause, task = _task(program, case, name)
    one = task.told
    if one is None:
        raise RefusedError(
            f"Nobody has attested the {task.step} of {task.name} yet. Nothing was written down.",
            f"Whoever does it there runs `stopline manual done {pause.id} {task.name}`.",
        )
    if task.elsewhere:
        raise RefusedError(
            f"{one.by} said the {task.step} of {task.name} to the pause {task.elsewhere}, and not "
            f"to {pause.id}. Nothing was written down.",
            f"Another person answers there: `stopline manual {word.word} {task.elsewhere} "
            f"{task.name}`.",
        )
    about = (one.ref, one.seq, one.by)
    said = deed_statement(program.book.id, pause, word.word, word.by, word.reason, about)
    whole = Attesting(
        word=word.word, ref=one.ref, by=word.by, reason=word.reason, seq=one.seq, sha256=sha256,
        signature=signature_of(program, said, key),
    )  # fmt: skip
    program.wait(program.at_work().say(pause.workflow, m.ATTEST, whole, bool))
    program.say(f"{word.by}: {word.word} the {task.step} of {task.name}, which {one.by} did.")
    return _show(program, pause)


# --- what waits ----------------------------------------------------------------------------------


def _named(program: Program, case: str) -> Pause:
    """The one open pause that is meant, or the last closed one. Raises UserError."""
    named = pauses_named(program, case)
    chosen = [p for p in named if p.status in OPEN] or [*named[-1:]]
    if len(chosen) != 1:
        ids = ", ".join(p.id for p in chosen) or f"none{nearest(program, case)}"
        raise UserError(f"{case!r} names {len(chosen)} pauses: {ids}.", "Name one by its id.")
    return chosen[0]


def _task(program: Program, case: str, name: str) -> tuple[Pause, Task]:
    pause = open_pause(program, case)
    waiting = tasks(program.book.store, pause.id)
    for task in waiting:
        if task.name == name:
            return pause, task
    listed = ", ".join(task.name for task in waiting) or "nothing"
    raise UserError(
        f"The pause {pause.id} does not wait for {name!r} by hand; it waits for: {listed}. Nothing "
        "was written down.",
        f"See `stopline manual list {pause.id}`.",
    )


def _show(program: Program, pause: Pause) -> int:
    waiting = tasks(program.book.store, pause.id) if pause.status in OPEN else ()
    told = [_shown(program, task) for task in waiting]
    document = manual_document(told, pause.id, pause.vendor)
    program.emit(manual_page(told, pause.id, pause.vendor), document)
    return PARTIAL if told else 0


def _shown(program: Program, task: Task) -> TaskShown:
    book = program.book
    frozen = Frozen.load(book.store.body(book.pauses.opened_with(task.pause)))
    ledger = frozen.ledger(task.address.realm)
    told = attested(book.store, task.address)
    hold: Attestation | None = standing(told)
    return TaskShown(
        name=task.name,
        step=task.step,
        system=ledger.system,
        what=ledger.release if task.step is Step.RELEASE else ledger.hold,
        since=task.waits_from(),
        late=task.late(book.store.clock(), ledger.escalate_hours),
        before=hold.deed.before if hold else "",
        held=tuple(f"held: {a.payee} {shown(a.minor, a.currency)}" for a in held_by(told)),
        told=task.told,
    )


# --- what was typed ------------------------------------------------------------------------------


def _amounts(groups: dict[Became, Amounts], who: str, pay_by: str) -> Iterable[Amount]:
    for became, texts in groups.items():
        for text in texts or ():
            due = pay_by if became is Became.HELD else ""
            try:
                yield amount_of(text, who, became, due)
            except ValueError as error:
                raise UserError(
                    f"{error}. Nothing was written down.",
                    "12.00 USD is USD=1200, 1200 JPY is JPY=1200.",
                ) from None


def _rest(held: Iterable[Amount], settled: Iterable[Amount]) -> Iterable[Amount]:
    """What of the held is released, where nothing else became of it."""
    left: dict[tuple[str, str], int] = {}
    for one in held:
        left[one.payee, one.currency] = left.get((one.payee, one.currency), 0) + one.minor
    for one in settled:
        left[one.payee, one.currency] = left.get((one.payee, one.currency), 0) - one.minor
    for (payee, currency), minor in sorted(left.items()):
        if minor > 0:
            yield Amount(payee, currency, minor, Became.RELEASED)


def _date(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat() if text else ""
    except ValueError:
        raise UserError(
            f"--pay-by {text!r} is not a date. Nothing was written down.", "Write it as 2026-12-31."
        ) from None


def _digest(path: Path) -> str:
    """The SHA-256 of a file. Raises UserError where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UserError(
            f"The file {path} cannot be read: {error.strerror}. Nothing was written down.",
            "Give the file that shows what was done with --proof.",
        ) from None
