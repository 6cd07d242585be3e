"""The least that a mapped ledger's role must be granted, and whether it has that and no more.

https://www.postgresql.org/docs/current/sql-grant.html
https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-INFO-ACCESS
SQLite knows no rights.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from stopline.connectors.payouts.catalogue import Tables, split
from stopline.mapping import LedgerMapping, columns_of

_CHANGES = ("INSERT", "UPDATE", "DELETE", "TRUNCATE")


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """What SQL allows on a table, a schema or a sequence; of single columns where that will do."""

    on: str
    word: str
    columns: tuple[str, ...] = ()
    kind: str = "TABLE"

    def grant(self, role: str) -> str:
        """The statement that grants it."""
        columns = f" ({', '.join(map(_quoted, self.columns))})" if self.columns else ""
        kind = "" if self.kind == "TABLE" else f"{self.kind} "
        on = self.on if self.kind == "SEQUENCE" else _name(self.on)
        return f"GRANT {self.word}{columns} ON {kind}{on} TO {_quoted(role)}"


def _quoted(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def _name(table: str) -> str:
    return ".".join(map(_quoted, table.split(".")))


def rights(mapping: LedgerMapping) -> tuple[Right, ...]:
    """Everything that reading, holding and lifting take, sorted."""
    reads: dict[str, set[str]] = {}
    for table, column, key in columns_of(mapping):
        if key[:2] != ("hold_table", "values"):
            reads.setdefault(table, set()).add(column)
    found = [Right(table, "SELECT", tuple(sorted(names))) for table, names in reads.items()]
    found += {Right(s, "USAGE", kind="SCHEMA") for t in reads if (s := split(t)[0])}
    told = mapping.payables
    if held := mapping.hold_table:
        written = {held.payable, held.mark, held.code, *held.values} - {""}
        found.append(Right(held.table, "INSERT", tuple(sorted(written))))
        found.append(Right(held.table, "DELETE"))
    else:
        column = mapping.hold_flag.column if mapping.hold_flag else told.status
        found.append(Right(told.table, "UPDATE", (column,)))
    return tuple(sorted(found))


def lacking(connection: Connection, mapping: LedgerMapping, tables: Tables) -> Iterator[Right]:
    """Which of them the session's role does not have. Raises SQLAlchemyError."""
    for right in rights(mapping):
        missing = tuple(c for c in right.columns or ("",) if not _has(connection, right, c))
        if missing:
            yield Right(right.on, right.word, tuple(filter(None, missing)), right.kind)
    if mapping.hold_table is None:
        return
    for column in tables.serials:  # what a default takes its numbers from
        asks = sa.select(sa.func.pg_get_serial_sequence(_name(mapping.hold_table.table), column))
        sequence = connection.scalar(asks)
        if sequence and not connection.scalar(
            sa.select(sa.func.has_sequence_privilege(sequence, "USAGE"))
        ):
            yield Right(str(sequence), "USAGE", kind="SEQUENCE")


def _has(connection: Connection, right: Right, column: str) -> bool:
    if right.kind == "SCHEMA":
        asks = sa.func.has_schema_privilege(right.on, right.word)
    elif column:
        asks = sa.func.has_column_privilege(_name(right.on), column, right.word)
    else:
        asks = sa.func.has_table_privilege(_name(right.on), right.word)
    return bool(connection.scalar(sa.select(asks)))


def beyond(connection: Connection, mapping: LedgerMapping) -> Iterator[str]:
    """What the role may change of what is owed besides its lever. Raises SQLAlchemyError."""
    needed = {right.word for right in rights(mapping) if right.on == mapping.payables.table}
    lever = mapping.hold_flag.column if mapping.hold_flag else mapping.payables.status
    table = mapping.payables.table
    for word in _CHANGES:
        may = sa.func.has_table_privilege(_name(table), word)
        if connection.scalar(sa.select(may)):
            yield f"{word} on all of {table}"
    others = {n for t, n, _ in columns_of(mapping) if t == table and n != lever}
    updates = "UPDATE" in needed
    if not connection.scalar(sa.select(sa.func.has_table_privilege(_name(table), "UPDATE"))):
        for column in sorted(others if updates else {*others, lever}):
            may = sa.func.has_column_privilege(_name(table), column, "UPDATE")
            if connection.scalar(sa.select(may)):
                yield f"UPDATE of {table}.{column}"
