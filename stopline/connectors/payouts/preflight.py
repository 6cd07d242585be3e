"""Whether the ledgers will answer and hold, asked before the night. Nothing here writes."""

from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from stopline.connectors.payouts.asking import asked
from stopline.connectors.payouts.catalogue import Tables, tables_of, to_text
from stopline.connectors.payouts.foreign import ForeignLedger
from stopline.connectors.payouts.ledger import HOLDS, PAYABLES, PAYEES
from stopline.connectors.payouts.own import OwnLedger
from stopline.connectors.payouts.rights import beyond, lacking
from stopline.errors import ConnectorError
from stopline.preflight import Check

_AWAY = "Set the variable of its URL in the worker's environment, and see that it answers there."


def of_own(ledger: OwnLedger) -> Iterator[Check]:
    """Whether a ledger with our own tables answers, and has all of its columns."""
    name = f"ledger {ledger.name}"
    try:
        wrong = ledger.wrong()
        with asked(ledger.name, writing=False), ledger.engine().connect() as connection:
            for table in () if wrong else (PAYEES, PAYABLES, HOLDS):
                connection.execute(sa.select(table).limit(0))
    except ConnectorError as error:
        yield Check(name, ok=False, found=error.detail, next_step=_AWAY)
        return
    found = wrong or "it answers, and its tables are stopline's own"
    yield Check(name, ok=not wrong, found=found, next_step="Add what it lacks.")


def of_foreign(ledger: ForeignLedger) -> Iterator[Check]:
    """Whether a mapping fits its database, which of its states it leaves out, and the rights."""
    name = f"ledger {ledger.name}"
    try:
        with asked(ledger.name, writing=False):
            engine = ledger.engine()
            tables, faults = tables_of(engine, ledger.mapping)
            checks = list(_looked(ledger, engine, tables)) if tables else []
    except ConnectorError as error:
        yield Check(name, ok=False, found=error.detail, next_step=_AWAY)
        return
    for key, message in faults:
        at = ("payouts", "ledgers", ledger.name, "mapping", *key)
        step = "Correct the mapping in the estate's file."
        yield Check(f"{name}: mapping", ok=False, found=message, next_step=step, key=at)
    yield from checks


def _looked(ledger: ForeignLedger, engine: Engine, tables: Tables) -> Iterator[Check]:
    name, told = f"ledger {ledger.name}", ledger.mapping.payables
    yield Check(f"{name}: mapping", ok=True, found="its database has every column that it names")
    yield from _rights(ledger, engine, tables)
    status = tables.payables.c[told.status]
    try:
        with asked(ledger.name, writing=False), engine.connect() as connection:
            rows = connection.execute(sa.select(status, sa.func.count()).group_by(status)).all()
    except ConnectorError as error:
        step = "Grant what is lacking."
        yield Check(f"{name}: states", ok=False, found=error.detail, next_step=step)
        return
    known = {*told.open, *told.queued, *told.paid, *told.void, ledger.mapping.hold_status}
    odd = {to_text(status.type, row[0]): row[1] for row in rows}
    listed = [f"{state!r} ({odd[state]} rows)" for state in sorted(odd, key=str)
              if state not in known]  # fmt: skip
    found = "states of which the mapping says nothing: " + ", ".join(listed)
    yield Check(
        f"{name}: states",
        ok=True,
        found=found if listed else "the mapping names the state of every row",
        next_step="Say what they mean: rows in them are gaps of every plan.",
        warn=bool(listed),
        key=("payouts", "ledgers", ledger.name, "mapping", "payables", "status") if listed else (),
    )


def _rights(ledger: ForeignLedger, engine: Engine, tables: Tables) -> Iterator[Check]:
    name = f"ledger {ledger.name}: rights"
    if engine.dialect.name == "sqlite":
        found = "SQLite knows none: whoever may write the file may write all of it"
        yield Check(name, ok=True, found=found)
        return
    with engine.connect() as connection:
        role = str(connection.scalar(sa.select(sa.func.current_user())))
        missing = [right.grant(role) for right in lacking(connection, ledger.mapping, tables)]
        more = list(beyond(connection, ledger.mapping))
    if missing:
        found = f"the role {role} may not do all that a hold takes"
        step = f"Have the ledger's owner say: {'; '.join(missing)};"
        yield Check(name, ok=False, found=found, next_step=step)
    elif more:
        found = f"the role {role} may do more than a hold takes: {', '.join(more)}"
        step = "Give stopline a role of its own that has the least."
        yield Check(name, ok=True, found=found, next_step=step, warn=True)
    else:
        yield Check(name, ok=True, found=f"the role {role} has what a hold takes, and no more")
