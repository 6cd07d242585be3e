"""Making a lost pause known to a journal again, from what a recovery sheet holds of it.

What the sheet shows as written is taken as written. What it only shows as planned is taken as
intended: an overlay bears our mark, so it is found; a toggle is unproven, and a person decides.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from stopline.journal import tables as t
from stopline.journal.book import Book
from stopline.journal.pauses import TERMINATED, Pause, PauseStatus
from stopline.model import Change, Plan
from stopline.receipts import Hold
from stopline.text import Json, dump, jsonable

FROM = "as the recovery sheet says"
STATES = ("before", "after", "found")


@dataclass(frozen=True, slots=True)
class Lost:
    """A pause that the journal does not know any more.

    `plans` are containment plans with the names of those who approved each; `receipts` is the
    latest of each address with its states as text; `open` are changes that may have been made.
    """

    pause: Pause
    words: Json
    plans: tuple[tuple[Plan, tuple[str, ...]], ...] = ()
    holds: tuple[Hold, ...] = ()
    originals: tuple[tuple[str, str], ...] = ()
    receipts: tuple[dict[str, Json], ...] = ()
    open: tuple[Change, ...] = ()


def known(book: Book, pause: str) -> bool:
    """Whether the journal has this pause already."""
    return any(found.id == pause for found in book.pauses.list())


def rebuild(book: Book, lost: Lost, frozen: str, actor: str) -> Pause:
    """Write the pause down again, in one transaction but for its plans; return it.

    Its status is `containing` where something may not have been done yet, so that a sweep looks;
    what was being given back is `stopped`, so that no sweep takes it again.
    """
    # What a plan was taken from is not in the sheet, so the plan must not name it.
    refs = [book.pauses.keep_plan(replace(plan, taken_from="")).ref for plan, _ in lost.plans]
    ref = book.pauses.keep("frozen", frozen)
    status = lost.pause.status
    if status is PauseStatus.RESTORING:
        status = PauseStatus.STOPPED
    elif status is PauseStatus.TERMINATING or (lost.open and status is not PauseStatus.STOPPED):
        status = PauseStatus.CONTAINING
    pause = replace(lost.pause, status=status, frozen=ref, plan=refs[0] if refs else "")
    with book.store.write() as connection:
        row = jsonable(pause) | {"scope": dump(pause.scope)}
        connection.execute(sa.insert(t.pauses).values(**row))
        book.store.append(connection, pause.id, "opened", row | {"words": lost.words}, actor)
        _receipts(book, connection, lost)
        _holds(connection, lost)
        _originals(connection, lost.originals)
        if lost.pause.status is PauseStatus.TERMINATED:
            data = {"plan": "", "remains": len(lost.holds)}
            book.store.append(connection, pause.id, TERMINATED, data, actor)
        for kept, (plan, names) in zip(refs, lost.plans, strict=True):
            data = {"ref": kept, "digest": plan.digest, "signature": "unsigned", "reason": FROM}
            for name in names:
                book.store.append(connection, pause.id, "approved", data, name)
    return pause


def _receipts(book: Book, connection: Connection, lost: Lost) -> None:
    by_direction: dict[str, list[Json]] = {}
    for receipt in lost.receipts:
        kept = {
            name: book.store.keep(connection, "state", receipt[name]) if receipt[name] else ""
            for name in STATES
        }
        plain = {k: v for k, v in receipt.items() if k not in ("direction", "at")}
        by_direction.setdefault(receipt["direction"], []).append(plain | kept)
    for direction, receipts in sorted(by_direction.items()):
        data = {"attempt": FROM, "direction": direction, "receipts": receipts}
        book.store.append(connection, lost.pause.id, "receipts", data)


def _holds(connection: Connection, lost: Lost) -> None:
    for hold in (*lost.holds, *(_intended(lost.pause.id, change) for change in lost.open)):
        where = str(hold.address)
        record: Mapping[str, Json] = {
            "document": str(hold.address.document),
            "prior": hold.prior.body if hold.prior else None,
            "ours": hold.ours.body if hold.ours else None,
            "written": hold.written,
        }
        row = {"change": dump(hold.change), "unproven": hold.unproven}
        _absent(connection, t.records, {"address": where}, record)
        _absent(connection, t.holds, {"address": where, "pause": hold.pause}, row)


def _intended(pause: str, change: Change) -> Hold:
    prior = None if change.marked else change.before
    toggle = not change.marked
    return Hold(change.address, pause, prior, change.after, change, unproven=toggle)


def _originals(connection: Connection, originals: Iterable[tuple[str, str]]) -> None:
    for document, raw in originals:
        _absent(connection, t.originals, {"document": document}, {"raw": raw})


def _absent(
    connection: Connection, table: sa.Table, key: Mapping[str, str], rest: Mapping[str, Json]
) -> None:
    """Insert a row unless another sheet brought it already."""
    here: Sequence[sa.ColumnElement[bool]] = [table.c[name] == v for name, v in key.items()]
    if connection.execute(sa.select(table).where(*here)).first() is None:
        connection.execute(sa.insert(table).values(**key, **rest))
