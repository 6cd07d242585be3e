"""Encrypting by the first key what stands in the clear or under an earlier one; workers may run.

It can be killed and begun again. On SQLite the file is written anew afterwards, since what was
overwritten stands in its free pages; PostgreSQL keeps such rows until it vacuums. Copies that were
made before hold what they held.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from stopline.journal import database
from stopline.journal import tables as t
from stopline.journal.encrypting import EncryptedBytes, EncryptedText, Keys
from stopline.journal.store import AT_ONCE, ENCRYPTED, Store

Told = Callable[[int, int], None]
"""Is told how many rows were looked at, and how many there are."""
_COLUMNS: Mapping[sa.Table, tuple[sa.Column[Any], ...]] = {
    table: found
    for table in t.metadata.sorted_tables
    if (found := tuple(c for c in table.c if isinstance(c.type, EncryptedBytes | EncryptedText)))
}


def encrypt(store: Store, keys: Keys, told: Told) -> int:
    """Encrypt everything by the first of the keys; returns how many values were written anew.

    `keys` are those that the journal was opened with. Raises JournalError.
    """
    with store.read() as connection:
        rows = {table: connection.execute(sa.select(*_key(table))).all() for table in _COLUMNS}
    total, seen, written = sum(map(len, rows.values())), 0, 0
    for table, some in _batches(rows):
        with store.write() as connection:
            written += sum(_anew(connection, table, row, keys) for row in some)
        seen += len(some)
        told(seen, total)
    with store.write() as connection:
        by = keys.encrypted(ENCRYPTED.encode()).decode()
        connection.execute(sa.update(t.meta).where(t.meta.c.name == ENCRYPTED).values(value=by))
    database.forget(store.engine)  # also of one that was killed before it came to this
    return written


def not_current(store: Store, keys: Keys) -> int:
    """How many of the journal's documents the first of these keys has not encrypted."""
    number = 0
    with store.read() as connection:
        for columns in _COLUMNS.values():
            raws = sa.select(*(_raw(column) for column in columns))
            for row in connection.execute(raws, execution_options={"yield_per": 1000}):
                number += sum(not _done(raw, keys) for raw in row)
    return number


def _batches(
    rows: Mapping[sa.Table, Sequence[Any]],
) -> Iterator[tuple[sa.Table, Sequence[Any]]]:
    for table, those in rows.items():
        for start in range(0, len(those), AT_ONCE):
            yield table, those[start : start + AT_ONCE]


def _anew(connection: Connection, table: sa.Table, row: Sequence[Any], keys: Keys) -> int:
    """Write one row's values anew where the first key has not encrypted them."""
    columns = _COLUMNS[table]
    here = sa.and_(*(column == value for column, value in zip(_key(table), row, strict=True)))
    raws = (_raw(column).label(f"raw_{column.name}") for column in columns)
    found = connection.execute(sa.select(*columns, *raws).where(here)).first()
    if found is None:
        return 0
    values = {
        column.name: getattr(found, column.name)
        for column in columns
        if not _done(getattr(found, f"raw_{column.name}"), keys)
    }
    if values:
        connection.execute(sa.update(table).where(here).values(**values))
    return len(values)


def _done(raw: str | bytes | None, keys: Keys) -> bool:
    return raw is None or keys.current(raw.encode() if isinstance(raw, str) else bytes(raw))


def _key(table: sa.Table) -> tuple[sa.Column[Any], ...]:
    return tuple(table.primary_key.columns)


def _raw(column: sa.Column[Any]) -> Any:
    """A column as it is kept."""
    text = isinstance(column.type, EncryptedText)
    return sa.type_coerce(column, sa.Text if text else sa.LargeBinary)
