"""The statements over a mapped ledger: names are quoted, and every value is a parameter.

What they find is told in the words of a ledger with our own tables.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from stopline.connectors.payouts.catalogue import Tables, Type, to_text, to_value
from stopline.connectors.payouts.in_flight import Row
from stopline.connectors.payouts.ledger import OPEN, PAID, QUEUED, VOID
from stopline.connectors.payouts.marks import CODE
from stopline.errors import ConnectorError
from stopline.mapping import LedgerMapping
from stopline.model import Change
from stopline.money import EXPONENTS
from stopline.port import Observed
from stopline.receipts import Cause
from stopline.text import Json
from stopline.vendors import PayoutsSelectors

_MEANS = {"open": OPEN, "queued": QUEUED, "paid": PAID, "void": VOID}
_OURS = "StoplineJ%"
_MANY = 500
"""Ids that are asked for at once."""


def minor_units(amount: str, currency: str, digits: int | None) -> int:
    """Return an amount of a ledger in the minor units of ISO 4217, exactly.

    `digits` as in the mapping. Raises ValueError where it is none, or no whole number of them.
    """
    try:
        told = Decimal(amount)
    except InvalidOperation:
        message = f"its amount {amount!r} is no number"
        raise ValueError(message) from None
    exponent = EXPONENTS.get(currency)
    if digits is not None and exponent is None:
        message = f"{currency!r} is no currency of ISO 4217, so its minor unit is not known"
        raise ValueError(message)
    minor = told if digits is None else told.scaleb((exponent or 0) - digits)
    if not minor.is_finite() or minor != minor.to_integral_value():
        message = f"its amount {amount} is no whole number of minor units of {currency}"
        raise ValueError(message)
    return int(minor)


@dataclass(frozen=True)
class Sql:
    """The statements of one mapped ledger: names are quoted, every value is a parameter."""

    tables: Tables
    mapping: LedgerMapping

    def _column(self, name: str) -> sa.Column[Any]:
        found: sa.Column[Any] = self.tables.payables.c[getattr(self.mapping.payables, name)]
        return found

    def _who(self, name: str) -> Any:
        """A column of whoever is paid, or nothing."""
        column = getattr(self.mapping.selecting, name)
        table = self.tables.payables if self.tables.payees is None else self.tables.payees
        return table.c[column] if column else sa.null()

    @property
    def _lever(self) -> sa.Column[Any]:
        flag = self.mapping.hold_flag
        return self.tables.payables.c[flag.column] if flag else self._column("status")

    def _select(self) -> sa.Select[Any]:
        told, one = self.mapping.payables, self._column
        chosen = sa.select(
            one("id").label("id"),
            one("uid" if told.uid else "id").label("uid"),
            one("payee").label("payee"),
            sa.cast(one("amount"), sa.Text).label("amount"),
            (one("currency") if told.currency else sa.literal(told.currency_is)).label("currency"),
            (one("pay_by") if told.pay_by else sa.null()).label("pay_by"),
            (one("run") if told.run else sa.null()).label("run"),
            one("status").label("state"),
            self._lever.label("lever"),
            self._who("engaged_through").label("engaged_through"),
            self._who("person").label("person"),
        )
        if self.mapping.payees is None or self.tables.payees is None:
            return chosen.select_from(self.tables.payables)
        payee = self.tables.payees.c[self.mapping.payees.id]
        joined = self.tables.payables.outerjoin(self.tables.payees, payee == one("payee"))
        return chosen.select_from(joined)

    def counted(self) -> sa.Select[Any]:
        """How many rows the ledger has."""
        return sa.select(sa.func.count()).select_from(self.tables.payables)

    def wanted(self, selectors: Sequence[PayoutsSelectors]) -> sa.ColumnElement[bool]:
        """The rows of the vendor's; an id that a column cannot hold is nobody's."""
        payees = {p for one in selectors for p in (*one.payees, *one.vendors)}
        through = {v for one in selectors for v in one.vendors}
        payee = self._column("payee")
        wanted = payee.in_(_values(payee.type, payees))
        engaged = self._who("engaged_through")
        if self.mapping.selecting.engaged_through:
            wanted |= engaged.in_(_values(engaged.type, through))
        return wanted

    def rows(
        self, connection: Connection, wanted: sa.ColumnElement[bool], ids: Sequence[str]
    ) -> Iterator[Row]:
        """The vendor's rows that are owed, in a state that is not known, or named by `ids`."""
        told, id_, status = self.mapping.payables, self._column("id"), self._column("status")
        ended = status.in_(_values(status.type, {*told.paid, *told.void}))
        several = (ids[start : start + _MANY] for start in range(0, len(ids), _MANY))
        named = (ended & id_.in_(_values(id_.type, some)) for some in several)
        wants = [~ended | status.is_(None), *named]
        for want in wants:
            for row in connection.execute(self._select().where(wanted, want)).mappings():
                yield self._row(dict(row))

    def one(self, connection: Connection, id_: str) -> Row | None:
        """One row. Raises ConnectorError where its id is not one row's alone."""
        column = self._column("id")
        query = self._select().where(column.in_(_values(column.type, [id_])))
        rows = connection.execute(query).mappings().all()
        if len(rows) > 1:
            detail = f"the id {id_} stands in {len(rows)} rows: nothing is written there"
            raise ConnectorError(Cause.REFUSED, detail, landed=False)
        return self._row(dict(rows[0])) if rows else None

    def _row(self, found: dict[str, Any]) -> Row:
        """A row in the words of our own tables. `status` is None where its state is not known."""
        told, one = self.mapping.payables, self._column
        state = to_text(one("status").type, found["state"])
        status = "open" if state == self.mapping.hold_status else told.means(state or "")
        day: date | None = found["pay_by"]
        through = found["engaged_through"]
        return {
            "id": str(to_text(one("id").type, found["id"])),
            "uid": str(found["uid"]),
            "payee": str(to_text(one("payee").type, found["payee"])),
            "amount": found["amount"] or "0",
            "currency": str(found["currency"] or "").strip().upper(),
            "pay_by": day.date() if isinstance(day, datetime) else day,
            "run": "" if found["run"] is None else str(found["run"]),
            "send_on": None,
            "state": state,
            "status": None if state is None or status is None else _MEANS[status],
            "lever": to_text(self._lever.type, found["lever"]),
            "engaged_through": "" if through is None else str(through).strip(),
            "person": None if found["person"] is None else bool(found["person"]),
        }

    # --- the levers --------------------------------------------------------------------------

    def marks(self, connection: Connection) -> dict[str, list[tuple[str, str]]]:
        """The marks of the hold table, by payable; none where the lever is another one."""
        found: dict[str, list[tuple[str, str]]] = {}
        if self.mapping.hold_table and self.tables.holds is not None:
            table, told = self.tables.holds, self.mapping.hold_table
            payable, mark = table.c[told.payable], table.c[told.mark]
            code = table.c[told.code] if told.code else sa.literal(CODE)
            for row in connection.execute(sa.select(payable, mark, code).where(mark.like(_OURS))):
                id_ = str(to_text(payable.type, row[0]))
                found.setdefault(id_, []).append((str(row[1]), str(row[2])))
        return found

    def marks_of(self, connection: Connection, id_: str) -> list[tuple[str, str]]:
        """The holds of one payable that bear a mark of stopline's."""
        if self.mapping.hold_table is None or self.tables.holds is None:
            return []
        table, told = self.tables.holds, self.mapping.hold_table
        payable, mark = table.c[told.payable], table.c[told.mark]
        code = table.c[told.code] if told.code else sa.literal(CODE)
        query = sa.select(mark, code).where(
            payable.in_(_values(payable.type, [id_])), mark.like(_OURS)
        )
        return [(str(row[0]), str(row[1])) for row in connection.execute(query)]

    def hold(self, connection: Connection, id_: str, change: Change) -> None:
        """Write or delete our one row in the hold table, and no other."""
        told, table = self.mapping.hold_table, self.tables.holds
        if told is None or table is None:
            return
        mark, payable = change.address.part, table.c[told.payable]
        this = payable.in_(_values(payable.type, [id_])) & (table.c[told.mark] == mark)
        connection.execute(sa.delete(table).where(this))
        if change.after is None:
            return
        values: dict[str, Json] = {
            name: to_value(table.c[name].type, value) for name, value in told.values.items()
        }
        values |= {told.payable: to_value(payable.type, id_), told.mark: mark}
        if told.code:
            values[told.code] = change.after.value["code"]
        connection.execute(sa.insert(table).values(values))

    def switch(self, connection: Connection, was: Observed, change: Change) -> int:
        """Set a flag or a state where it stands as it was read; how many rows that were."""
        state = was.states.get(change.address)
        if change.after is None or state is None:
            return 0
        column, id_ = self._lever, self._column("id")
        before, after = (_value(column.type, s.value["value"]) for s in (state, change.after))
        this = [id_.in_(_values(id_.type, [was.document.id])), column.is_not_distinct_from(before)]
        if self.mapping.payables.uid:
            uid = self._column("uid")
            this.append(uid.in_(_values(uid.type, [was.uid])))
        if self.mapping.hold_flag and after == _value(column.type, self.mapping.holding):
            owed = {*self.mapping.payables.open, *self.mapping.payables.queued}
            status = self._column("status")
            this.append(status.in_(_values(status.type, owed)))
        done = connection.execute(
            sa.update(self.tables.payables).where(*this).values({column: after})
        )
        return done.rowcount


def _value(kind: Type, text: str | None) -> Any:
    return None if text is None else to_value(kind, text)


def _values(kind: Type, texts: Iterable[str]) -> list[Any]:
    """Those of some texts that a column can hold; no row has the others."""
    found = []
    for text in sorted(texts):
        try:
            found.append(to_value(kind, text))
        except ValueError:
            continue
    return found
