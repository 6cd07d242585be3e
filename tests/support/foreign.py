"""Ledgers that are not stopline's, each with tables, names, units and a lever of its own.

Their pay runs take no lock of ours: they choose what is due in one transaction, and pay it in a
later one without looking again, as many do.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from stopline.connectors.payouts import PayoutsConnector
from stopline.drill.payrun import Paid
from stopline.estate import Estate, parse_estate
from stopline.mapping import LedgerMapping
from stopline.money import EXPONENTS

ESTATE = """\
payouts:
  ledgers:
    bills:
      url_from: LEDGER_URL
      mapping:
        payables:
          {table: Bill, id: "No", uid: Row, payee: Supplier, amount: Open, digits: 0, currency: Cur,
           pay_by: Due, run: Run, status: State, open: [open], paid: [paid], void: [cancelled]}
        payees: {table: Supplier, id: "No", engaged_through: Broker, person: Natural}
        hold_table: {table: Stop, payable: Bill, mark: Why, values: {Team: security}}
        run_seconds: 0
    invoices:
      url_from: LEDGER_URL
      mapping:
        payables:
          {table: invoices, id: number, payee: payee, engaged_through: agency, amount: minor,
           currency: currency, pay_by: due, run: batch, status: stage, open: ["1", "2"],
           paid: ["3"], void: ["9"]}
        hold_flag: {column: on_hold, held: "true", free: ["false"]}
        run_seconds: 0
    orders:
      url_from: LEDGER_URL
      mapping:
        payables:
          {table: orders, id: ref, payee: creditor, engaged_through: broker, amount: amount,
           digits: 4, currency: currency, status: state, open: [N, A], queued: [B], paid: [P],
           void: [V]}
        hold_status: H
        run_seconds: 0
"""
LEDGERS = ("bills", "invoices", "orders")
THROUGH = {"V-MERCOR": None, "c1": "V-MERCOR", "c2": "V-MERCOR", "V-MERCER": None}
TABLES = sa.MetaData()
SUPPLIER = sa.Table(
    "Supplier",
    TABLES,
    sa.Column("No", sa.String(20), primary_key=True),
    sa.Column("Broker", sa.String(20)),
    sa.Column("Natural", sa.Boolean, nullable=False, server_default=sa.false()),
)
BILL = sa.Table(
    "Bill",
    TABLES,
    sa.Column("No", sa.String(20), primary_key=True),
    sa.Column("Row", sa.BigInteger, unique=True, nullable=False),
    sa.Column("Supplier", sa.String(20), sa.ForeignKey("Supplier.No"), nullable=False),
    sa.Column("Open", sa.Numeric(14, 3), nullable=False),
    sa.Column("Cur", sa.CHAR(4), nullable=False),
    sa.Column("Due", sa.Date),
    sa.Column("State", sa.String(10), nullable=False, server_default="open"),
    sa.Column("Run", sa.String(20)),
    sa.Column("Memo", sa.Text),
)
STOP = sa.Table(
    "Stop",
    TABLES,
    sa.Column("Seq", sa.Integer, primary_key=True),
    sa.Column("Bill", sa.String(20), sa.ForeignKey("Bill.No"), nullable=False),
    sa.Column("Why", sa.String(80), nullable=False),
    sa.Column("Team", sa.String(10), nullable=False),
    sa.Column("At", sa.DateTime, nullable=False, server_default=sa.func.now()),
)
INVOICES = sa.Table(
    "invoices",
    TABLES,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("payee", sa.Text, nullable=False),
    sa.Column("agency", sa.Text),
    sa.Column("minor", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("due", sa.Date),
    sa.Column("stage", sa.SmallInteger, nullable=False, server_default="1"),
    sa.Column("batch", sa.Text),
    sa.Column("on_hold", sa.Boolean),
    sa.Column("memo", sa.Text),
)
ORDERS = sa.Table(
    "orders",
    TABLES,
    sa.Column("ref", sa.String(12), primary_key=True),
    sa.Column("creditor", sa.Text, nullable=False),
    sa.Column("broker", sa.Text),
    sa.Column("amount", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.CHAR(3), nullable=False),
    sa.Column("state", sa.CHAR(1), nullable=False, server_default="A"),
    sa.Column("memo", sa.Text),
)


@cache
def estate() -> Estate:
    """The estate with all three of them, as its file says it."""
    return parse_estate(ESTATE, "estate.yaml")


def mapping_of(name: str) -> LedgerMapping:
    """How one of them is mapped."""
    payouts = estate().payouts
    assert payouts is not None
    found = payouts.ledgers[name].mapping
    assert found is not None
    return found


def connector_of(engine: Engine, *names: str) -> PayoutsConnector:
    """The connector over some of them (all by default), in one database."""
    mappings = {name: mapping_of(name) for name in names or LEDGERS}
    made = PayoutsConnector(dict.fromkeys(mappings, "LEDGER_URL"), mappings=mappings)
    made._engines.update(dict.fromkeys(mappings, engine))
    return made


@dataclass(frozen=True)
class Foreign:
    """One of the ledgers, as its own people work with it. Payables are named by a number."""

    name: str
    engine: Engine

    @property
    def table(self) -> sa.Table:
        """Where what is owed stands."""
        return {"bills": BILL, "invoices": INVOICES, "orders": ORDERS}[self.name]

    @property
    def key(self) -> sa.Column[Any]:
        """Its id."""
        return next(iter(self.table.primary_key))

    def id_of(self, number: int) -> Any:
        """How the ledger names a payable."""
        return number if self.name == "invoices" else f"{self.name[0]}{number}"

    def owe(self, number: int, payee: str, currency: str, minor: int) -> None:
        """Book what is owed to somebody."""
        units = 10 ** EXPONENTS[currency]
        through = THROUGH.get(payee)
        values: dict[str, dict[str, Any]] = {
            "bills": {
                "Row": number + 100, "Supplier": payee, "Cur": currency,
                "Open": sa.cast(str(minor), sa.Numeric(14, 3)) / units if units > 1 else minor,
            },
            "invoices": {
                "payee": payee, "agency": through, "minor": minor, "currency": currency,
                "on_hold": [None, False][number % 2], "stage": 1 + number % 2,
            },
            "orders": {
                "creditor": payee, "broker": through, "amount": minor * 10**4 // units,
                "currency": currency, "state": "AN"[number % 2],
            },
        }  # fmt: skip
        told = {self.key.name: self.id_of(number), **values[self.name]}
        with self.engine.begin() as connection:
            if self.name == "bills":
                known = connection.scalar(sa.select(SUPPLIER.c.No).where(SUPPLIER.c.No == payee))
                if known is None:
                    row = {"No": payee, "Broker": through}
                    connection.execute(sa.insert(SUPPLIER).values(row))
            connection.execute(sa.insert(self.table).values(told))

    def due(self) -> list[tuple[Any, str, str, Any]]:
        """What a pay run of the ledger would pay now: ids, payees, currencies, amounts."""
        stopped = sa.exists().where(STOP.c.Bill == BILL.c.No)
        b, i, o = BILL.c, INVOICES.c, ORDERS.c
        asks = {
            "bills": sa.select(b.No, b.Supplier, b.Cur, b.Open).where(b.State == "open", ~stopped),
            "invoices": sa.select(i.number, i.payee, i.currency, i.minor).where(
                i.stage.in_((1, 2)), i.on_hold.is_not(True)
            ),
            "orders": sa.select(o.ref, o.creditor, o.currency, o.amount).where(
                o.state.in_(("A", "N"))
            ),
        }
        with self.engine.connect() as connection:
            rows = connection.execute(asks[self.name].order_by(self.key)).all()
        return [(row[0], row[1], row[2].strip(), row[3]) for row in rows]

    def pay(self, chosen: Iterable[Any], run: str) -> None:
        """Pay what was chosen, without a look at what has become of it since."""
        values = {
            "bills": {"State": "paid", "Run": run},
            "invoices": {"stage": 3, "batch": run},
            "orders": {"state": "P"},
        }
        with self.engine.begin() as connection:
            this = self.key.in_(list(chosen))
            connection.execute(sa.update(self.table).where(this).values(values[self.name]))

    def pay_run(self, run: str, *, most: int = 1000) -> tuple[Paid, ...]:
        """Choose and pay at once."""
        due = self.due()[:most]
        self.pay((row[0] for row in due), run)
        return tuple(Paid(str(i), p, c, self.minor(a, c)) for i, p, c, a in due)

    def minor(self, amount: Any, currency: str) -> int:
        """An amount of the ledger in minor units."""
        units = 10 ** EXPONENTS[currency]
        if self.name == "bills":
            return round(amount * units)
        return int(amount if self.name == "invoices" else amount * units // 10**4)

    def set(self, number: int, **values: Any) -> None:
        """Somebody of the ledger's changes one row."""
        with self.engine.begin() as connection:
            this = self.key == self.id_of(number)
            connection.execute(sa.update(self.table).where(this).values(**values))

    def void(self, number: int) -> None:
        """The owner of a payable owes it no more."""
        values: dict[str, dict[str, Any]] = {
            "bills": {"State": "cancelled"}, "invoices": {"stage": 9}, "orders": {"state": "V"},
        }  # fmt: skip
        self.set(number, **values[self.name])

    def delete(self, number: int) -> None:
        """Take a row away, with its holds."""
        with self.engine.begin() as connection:
            if self.name == "bills":
                connection.execute(sa.delete(STOP).where(STOP.c.Bill == self.id_of(number)))
            connection.execute(sa.delete(self.table).where(self.key == self.id_of(number)))

    def hold_of_others(self, number: int) -> None:
        """The tax team holds a payable with the ledger's own lever."""
        if self.name == "bills":
            with self.engine.begin() as connection:
                values = {"Bill": self.id_of(number), "Why": "W-9", "Team": "tax"}
                connection.execute(sa.insert(STOP).values(values))
        else:
            column = {"invoices": {"on_hold": True}, "orders": {"state": "H"}}[self.name]
            self.set(number, **column)

    def picture(self) -> list[list[str]]:
        """Every row of the ledger."""
        with self.engine.connect() as connection:
            tables = (SUPPLIER, BILL, STOP) if self.name == "bills" else (self.table,)
            asks = [
                sa.select(*(c for c in t.c if c.name != "Seq")).order_by(t.c[0]) for t in tables
            ]
            return [list(map(str, row)) for ask in asks for row in connection.execute(ask)]


def foreign(engine: Engine, name: str) -> Foreign:
    """One of the ledgers, with nothing in it."""
    TABLES.create_all(engine)
    return Foreign(name, engine)


def filled(engine: Engine, name: str, owed: Iterable[tuple[str, str, int]]) -> Foreign:
    """One of them in which so much is owed: payee, currency and minor units of each payable."""
    made = foreign(engine, name)
    for number, (payee, currency, minor) in enumerate(owed):
        made.owe(number, payee, currency, minor)
    return made
