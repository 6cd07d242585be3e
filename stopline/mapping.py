"""A payables ledger with tables of its own, as the estate's file describes it. Pure.

Whoever keeps such a ledger names its tables and columns, what its states mean, and the one lever by
which its pay run is kept from a payable. These are identifiers and values, never SQL: a name is
letters, digits and `_`, and is quoted wherever it is used; a value is always a bound parameter.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from stopline.formats import column, line, maybe_column, maybe_currency, table
from stopline.money import EXPONENTS

Table = Annotated[str, AfterValidator(table)]
Column = Annotated[str, AfterValidator(column)]
MaybeColumn = Annotated[str, AfterValidator(maybe_column)]
MaybeCurrency = Annotated[str, AfterValidator(maybe_currency)]
Value = Annotated[str, AfterValidator(line)]
Key = tuple[str | int, ...]
"""Where something stands below `mapping` in the file."""
Status = Literal["open", "queued", "paid", "void"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class MappedPayables(_Strict):
    """The table of what is owed: its columns by what they are for, and what its states mean.

    `id` names one row and is never given to another one while the row is there; `uid`, where there
    is such a column, is never given twice. `amount` counts the currency's minor unit; with `digits`
    it counts a unit of so many digits after the point instead: 0 is the whole currency. `currency`
    is a column, `currency_is` the only currency. `engaged_through` has the vendor's id for a
    contractor of the vendor, `person` is true for a natural person, `pay_by` is the last day on
    which it must be paid, `run` the pay run that it is in or that paid it.

    A row is owed while its `status` is one of `open`, or `queued`: in the batch of a pay run, which
    it leaves with whoever holds it. `paid` has left; `void` is owed no more, by its owner's word.
    """

    table: Table
    id: Column
    uid: MaybeColumn = ""
    payee: Column
    engaged_through: MaybeColumn = ""
    person: MaybeColumn = ""
    amount: Column
    digits: Annotated[int, Field(ge=0, le=8, strict=True)] | None = None
    currency: MaybeColumn = ""
    currency_is: MaybeCurrency = ""
    pay_by: MaybeColumn = ""
    run: MaybeColumn = ""
    status: Column
    open: tuple[Value, ...] = Field(min_length=1)
    queued: tuple[Value, ...] = ()
    paid: tuple[Value, ...] = Field(min_length=1)
    void: tuple[Value, ...] = ()

    def means(self, value: str) -> Status | None:
        """What a state means; None for one of which the file says nothing."""
        for status in STATUSES:
            if value in getattr(self, status):
                return status
        return None


STATUSES: tuple[Status, ...] = ("open", "queued", "paid", "void")


class MappedPayees(_Strict):
    """The table of who is paid, where `engaged_through` and `person` stand there."""

    table: Table
    id: Column
    engaged_through: MaybeColumn = ""
    person: MaybeColumn = ""


class HoldTable(_Strict):
    """A table in which a row keeps the pay run from a payable; lifting a hold deletes its row.

    `mark` is a text of 27 characters at least, in which we write whose row it is. `code` takes our
    reason code. `values` are constants for columns that must have one.
    """

    table: Table
    payable: Column
    mark: Column
    code: MaybeColumn = ""
    values: dict[Column, Value] = {}


class HoldFlag(_Strict):
    """A column of the payables that keeps the pay run from a row while it is `held`.

    Rows with one of `free`, or with nothing (no value, or spaces), are not held; any other value is
    somebody else's hold.
    """

    column: Column
    held: Value
    free: tuple[Value, ...] = ()


class LedgerMapping(_Strict):
    """One ledger: its tables, and one lever of three.

    `hold_status` is a value of `status` which its pay run does not pay. `run_seconds` is how long a
    pay run takes from choosing what it pays to having paid it: so long after the last hold is
    looked again, since nothing locks that run out.
    """

    payables: MappedPayables
    payees: MappedPayees | None = None
    hold_table: HoldTable | None = None
    hold_flag: HoldFlag | None = None
    hold_status: Annotated[str, AfterValidator(line)] | None = None
    run_seconds: float = Field(default=60, ge=0, le=3600, strict=True)

    @property
    def holding(self) -> str | None:
        """What the flag or the state is while a payable is held; None for a table of holds."""
        return self.hold_flag.held if self.hold_flag else self.hold_status

    @property
    def selecting(self) -> MappedPayables | MappedPayees:
        """Where it says who is engaged through whom, and who is a person."""
        return self.payees or self.payables


def columns_of(mapping: LedgerMapping) -> Iterator[tuple[str, str, Key]]:
    """Yield every column that a mapping names: its table, its name, and where that is said."""
    parts: Mapping[str, BaseModel | None] = {
        "payables": mapping.payables,
        "payees": mapping.payees,
        "hold_table": mapping.hold_table,
    }
    for part, told in parts.items():
        for name in COLUMNS[part] if told is not None else ():
            if found := getattr(told, name):
                yield told.table, found, (part, name)  # type: ignore[union-attr]
    if mapping.hold_table:
        for name in mapping.hold_table.values:
            yield mapping.hold_table.table, name, ("hold_table", "values", name)
    if mapping.hold_flag:
        yield mapping.payables.table, mapping.hold_flag.column, ("hold_flag", "column")


COLUMNS: Mapping[str, tuple[str, ...]] = {
    "payables": (
        "id", "uid", "payee", "engaged_through", "person", "amount", "currency", "pay_by", "run",
        "status",
    ),
    "payees": ("id", "engaged_through", "person"),
    "hold_table": ("payable", "mark", "code"),
}  # fmt: skip
"""Which keys of each part name a column."""


def meaning(mapping: LedgerMapping) -> Iterator[tuple[Key, str]]:
    """Yield what a mapping's shape does not show to be wrong, and where."""
    yield from _levers(mapping)
    yield from _payables(mapping)
    if mapping.payees:
        for name in ("engaged_through", "person"):
            if getattr(mapping.payables, name):
                yield ("payables", name), f"{name!r} is looked for in 'payees', where that is given"
    if mapping.hold_table:
        told = mapping.hold_table
        for name in sorted({told.payable, told.mark, told.code} & set(told.values)):
            yield ("hold_table", "values", name), f"the column {name!r} is written by stopline"
    if mapping.hold_flag and mapping.hold_flag.held in mapping.hold_flag.free:
        held = mapping.hold_flag.held
        yield ("hold_flag", "free"), f"{held!r} is 'held': it cannot mean that nobody holds it"


def _levers(mapping: LedgerMapping) -> Iterator[tuple[Key, str]]:
    levers = ("hold_table", "hold_flag", "hold_status")
    given = [name for name in levers if getattr(mapping, name) is not None]
    if not given:
        yield (), "give one lever: 'hold_table', 'hold_flag' or 'hold_status'"
    for name in given[1:]:
        yield (name,), f"a ledger has one lever, and {given[0]!r} is given already"


def _payables(mapping: LedgerMapping) -> Iterator[tuple[Key, str]]:
    told = mapping.payables
    if bool(told.currency) == bool(told.currency_is):
        yield ("payables",), "give one of 'currency' (a column) and 'currency_is' (a code)"
    if told.currency_is and told.currency_is not in EXPONENTS:
        yield ("payables", "currency_is"), f"{told.currency_is!r} is no currency of ISO 4217"
    named = Counter(value for status in STATUSES for value in getattr(told, status))
    for value in sorted(value for value, number in named.items() if number > 1):
        yield ("payables",), f"the state {value!r} has two meanings"
    if (held := mapping.hold_status) is not None and held in named:
        yield ("hold_status",), f"the state {held!r} means {told.means(held)!r} already"
    if mapping.hold_flag and mapping.hold_flag.column == told.status:
        yield ("hold_flag", "column"), "the column is the 'status': use 'hold_status'"
