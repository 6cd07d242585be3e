"""What a database's own catalogue says of a mapped ledger: whether the mapping fits, and the types.

Nothing of a ledger is read or written before every column that its mapping names is there and of a
type that can be what it is for. Amounts are never of a floating type.
https://docs.sqlalchemy.org/en/20/core/reflection.html#fine-grained-reflection-with-inspector
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Engine, Inspector
from sqlalchemy.types import TypeEngine

from stopline.mapping import Key, LedgerMapping, columns_of

Type = TypeEngine[Any]
Fault = tuple[Key, str]
"""What does not fit, and the key below `mapping` that says so."""
MARK_LENGTH = len("StoplineJ00000000P00000000") + 1
_BOOLS: Mapping[str, bool] = {"true": True, "false": False}


@dataclass(frozen=True)
class Tables:
    """The tables of a mapped ledger with their columns and types, all names quoted.

    `serials` are columns of the hold table that number themselves from a sequence.
    """

    payables: sa.Table
    payees: sa.Table | None
    holds: sa.Table | None
    serials: tuple[str, ...] = ()


def split(name: str) -> tuple[str | None, str]:
    """A table's schema, where it is given, and its name."""
    schema, _, table = name.rpartition(".")
    return schema or None, table


def tables_of(engine: Engine, mapping: LedgerMapping) -> tuple[Tables | None, tuple[Fault, ...]]:
    """Look a mapping up in the catalogue: its tables, or else all that does not fit.

    Raises SQLAlchemyError where the database cannot be asked.
    """
    inspector, known = sa.inspect(engine), _Known({})
    faults = list(known.learn(inspector, mapping))
    if not faults:
        faults += _types(mapping, known)
        faults += _values(mapping, known)
        faults += _unique(inspector, mapping)
        faults += _must_have(mapping, known)
    if faults:
        return None, tuple(faults)
    told, payees, holds = mapping.payables, mapping.payees, mapping.hold_table
    made = Tables(
        known.table(told.table),
        known.table(payees.table) if payees else None,
        known.table(holds.table) if holds else None,
        tuple(known.serials(holds.table)) if holds else (),
    )
    return made, ()


def to_text(kind: Type, value: Any) -> str | None:
    """A cell as text, in which the file's values are written; None for nothing.

    A type of fixed length is filled up with spaces, which mean nothing.
    """
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).rstrip() if isinstance(kind, sa.CHAR) else str(value)


def to_value(kind: Type, text: str) -> Any:
    """A text of the file as a value of a column's type. Raises ValueError where it is none."""
    if isinstance(kind, sa.Boolean):
        if text not in _BOOLS:
            message = f"{text!r} is not 'true' or 'false'"
            raise ValueError(message)
        return _BOOLS[text]
    if isinstance(kind, sa.Integer):
        return int(text)
    if isinstance(kind, sa.Uuid):
        return UUID(text)
    if isinstance(kind, sa.Enum) and text not in kind.enums:
        message = f"{text!r} is none of {', '.join(kind.enums)}"
        raise ValueError(message)
    if isinstance(kind, sa.String) and kind.length is not None and len(text) > kind.length:
        message = f"{text!r} is longer than the column's {kind.length} characters"
        raise ValueError(message)
    return text


# --- what is there -------------------------------------------------------------------------------


@dataclass
class _Known:
    """The columns of each table, as the catalogue has them."""

    columns: dict[str, dict[str, Mapping[str, Any]]]

    def learn(self, inspector: Inspector, mapping: LedgerMapping) -> Iterator[Fault]:
        """Read the columns of every table; yield what is not there."""
        for table, name, key in columns_of(mapping):
            if table not in self.columns:
                schema, bare = split(table)
                there = inspector.has_table(bare, schema=schema)
                found = inspector.get_columns(bare, schema=schema) if there else []
                self.columns[table] = {str(one["name"]): dict(one) for one in found}
                if not there:
                    named = (*inspector.get_table_names(schema), *inspector.get_view_names(schema))
                    yield (key[0], "table"), _no("table", table, named)
            if self.columns[table] and name not in self.columns[table]:
                yield key, f"the table {table!r} has " + _no("column", name, self.columns[table])

    def type_of(self, table: str, name: str) -> Type:
        """The type of a column; of a domain, the one below it."""
        kind: Type = self.columns[table][name]["type"]
        while isinstance(kind, postgresql.DOMAIN):
            kind = kind.data_type
        return kind

    def serials(self, table: str) -> Iterator[str]:
        """The columns whose default takes the next number of a sequence."""
        for name, column in self.columns[table].items():
            if str(column.get("default") or "").startswith("nextval("):
                yield name

    def table(self, name: str) -> sa.Table:
        """The table with all of its columns; every name is quoted."""
        schema, bare = split(name)
        columns = (_quoted(one) for one in self.columns[name])
        return sa.Table(
            _quoted(bare),
            sa.MetaData(),
            *(sa.Column(one, self.type_of(name, str(one))) for one in columns),
            schema=_quoted(schema) if schema else None,
        )


def _quoted(name: str) -> sa.quoted_name:
    return sa.quoted_name(name, quote=True)


def _no(what: str, name: str, known: Collection[str]) -> str:
    near = get_close_matches(name, sorted(known), n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"no {what} {name!r}{hint}" if what == "column" else f"there is no table {name!r}{hint}"


# --- whether it fits -----------------------------------------------------------------------------


def _is_name(kind: Type) -> bool:
    return isinstance(kind, sa.String | sa.Integer | sa.Uuid)


def _is_amount(kind: Type) -> bool:
    return isinstance(kind, sa.Integer | sa.Numeric) and not isinstance(kind, sa.Float)


def _is_state(kind: Type) -> bool:
    return isinstance(kind, sa.String | sa.Integer | sa.Boolean)


def _is_text(kind: Type) -> bool:
    return isinstance(kind, sa.String)


_FITS: Mapping[str, tuple[Callable[[Type], bool], str]] = {
    "id": (_is_name, "a text, a whole number or a UUID"),
    "uid": (_is_name, "a text, a whole number or a UUID"),
    "payee": (_is_name, "a text, a whole number or a UUID"),
    "payable": (_is_name, "a text, a whole number or a UUID"),
    "engaged_through": (_is_name, "a text, a whole number or a UUID"),
    "run": (_is_name, "a text, a whole number or a UUID"),
    "person": (lambda kind: isinstance(kind, sa.Boolean | sa.Integer), "a boolean"),
    "amount": (_is_amount, "a whole number or a decimal: a floating number is never exact"),
    "currency": (_is_text, "a text"),
    "pay_by": (lambda kind: isinstance(kind, sa.Date | sa.DateTime), "a date"),
    "status": (_is_state, "a text or a whole number"),
    "mark": (_is_text, "a text"),
    "code": (_is_text, "a text"),
    "column": (_is_state, "a boolean, a text or a whole number"),
}
"""What the type of each column must be, by the key that names it."""


def _types(mapping: LedgerMapping, known: _Known) -> Iterator[Fault]:
    for table, name, key in columns_of(mapping):
        fits, told = _FITS.get(str(key[-1]), (None, ""))
        kind = known.type_of(table, name)
        if fits is not None and not fits(kind):
            yield key, f"the column {name!r} is of the type {kind}; it must be {told}"
    if held := mapping.hold_table:
        kind = known.type_of(held.table, held.mark)
        if isinstance(kind, sa.String) and (kind.length or MARK_LENGTH) < MARK_LENGTH:
            what = f"the column {held.mark!r} holds {kind.length} characters"
            yield ("hold_table", "mark"), f"{what}; our mark has {MARK_LENGTH}"


def _values(mapping: LedgerMapping, known: _Known) -> Iterator[Fault]:
    """Whether each value that the file gives can stand in its column."""
    told = mapping.payables
    states = [(("payables", s), v) for s in ("open", "queued", "paid", "void") for v in
              getattr(told, s)]  # fmt: skip
    if mapping.hold_status is not None:
        states.append((("hold_status",), mapping.hold_status))  # type: ignore[arg-type]
    where: list[tuple[str, str, Key, str]] = [(told.table, told.status, k, v) for k, v in states]
    if flag := mapping.hold_flag:
        where += [
            (told.table, flag.column, ("hold_flag", key), value)
            for key, values in (("held", (flag.held,)), ("free", flag.free))
            for value in values
        ]
    if held := mapping.hold_table:
        where += [
            (held.table, name, ("hold_table", "values", name), value)
            for name, value in held.values.items()
        ]
    for table, column, key, value in where:
        kind = known.type_of(table, column)
        if isinstance(kind, sa.Boolean) and key == ("hold_flag", "held") and flag and not flag.free:
            yield ("hold_flag",), f"the column {column!r} is a boolean: 'free' must have its other"
        try:
            to_value(kind, value)
        except ValueError as error:
            yield key, f"{value!r} cannot stand in the column {column!r} ({kind}): {error}"


def _unique(inspector: Inspector, mapping: LedgerMapping) -> Iterator[Fault]:
    """Whether an id is one row's alone; of a view the catalogue does not say, so each read looks.

    https://www.postgresql.org/docs/current/sql-createview.html#SQL-CREATEVIEW-UPDATABLE-VIEWS
    """
    told = mapping.payables
    schema, bare = split(told.table)
    if bare in inspector.get_view_names(schema):
        return
    keys = [
        inspector.get_pk_constraint(bare, schema=schema)["constrained_columns"],
        *(one["column_names"] for one in inspector.get_unique_constraints(bare, schema=schema)),
        *(i["column_names"] for i in inspector.get_indexes(bare, schema=schema) if i["unique"]),
    ]
    if [told.id] not in keys:
        what = f"nothing in the table {told.table!r} keeps {told.id!r} from standing in two rows"
        yield ("payables", "id"), f"{what}: it must be its key, or be unique"


def _must_have(mapping: LedgerMapping, known: _Known) -> Iterator[Fault]:
    """Which columns of the hold table would be left without a value that they must have."""
    told = mapping.hold_table
    if told is None:
        return
    written = {told.payable, told.mark, told.code, *told.values}
    for name, column in known.columns[told.table].items():
        filled = column.get("default") is not None or "identity" in column or "computed" in column
        counted = column.get("autoincrement") is True or (
            bool(column.get("primary_key")) and isinstance(column["type"], sa.INTEGER)
        )
        if name not in written and not column["nullable"] and not (filled or counted):
            yield ("hold_table",), f"the column {name!r} must have a value: give one in 'values'"
