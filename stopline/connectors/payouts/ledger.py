"""An accounts-payable ledger on PostgreSQL or SQLite: its tables, and the lock of its pay runs.

Amounts are integers in the currency's minor unit (ISO 4217). A hold is a row beside a payable, one
for each who holds it, so that lifting one leaves the others. A pay run shares one lock with its
like, and placing a hold takes it alone: what is paid was paid before the hold, or is not paid.
https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS
https://www.sqlite.org/lang_transaction.html
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

OPEN = "open"
QUEUED = "queued"
"""In the batch of a pay run that is not sent yet: it leaves on its day, whoever holds it."""
PULLED = "pulled"
"""In such a batch, and left out of what is sent."""
PAID = "paid"
VOID = "written-off"
"""Owed no more, by the lab's own decision."""
NEVER = date(9999, 12, 31)
"""A day that does not come."""
LOST = "gone"
"""Not there any more beside what holds it: nothing shows how it left."""
_KEY = 0x5041594F
"""The advisory lock of a ledger. Pay runs share it."""
WAIT_SECONDS = 10
"""The longest wait for a pay run's transaction; shorter than the longest request."""

_tables = sa.MetaData()

PAYEES = sa.Table(
    "payees",
    _tables,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("engaged_through", sa.Text, nullable=False, server_default=""),
    sa.Column("person", sa.Boolean, nullable=False, server_default=sa.false()),
)
"""Who is paid. `engaged_through` is the vendor's id for a contractor of the vendor, or empty.

`person` is a natural person for sure; false, its default, says nothing. Whoever is engaged through
a vendor is taken for one, and so is everybody whom the vendor's file does not name as a company.
"""

PAYABLES = sa.Table(
    "payables",
    _tables,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("uid", sa.Text, nullable=False, unique=True),
    sa.Column("payee", sa.Text, sa.ForeignKey("payees.id"), nullable=False),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("amount", sa.BigInteger, nullable=False),
    sa.Column("status", sa.Text, nullable=False, server_default=OPEN),
    sa.Column("run", sa.Text, nullable=False, server_default=""),
    sa.Column("pay_by", sa.Date),
    sa.Column("send_on", sa.Date),
    sa.CheckConstraint("amount > 0"),
    sa.CheckConstraint("status IN ('open', 'queued', 'pulled', 'paid', 'written-off')"),
)
"""What is owed. `uid` is never given twice; `run` is the pay run that it is in, or that paid it.

`send_on` is the day on which a pay run that has it in its batch sends it; none means at once.

`pay_by` is the last day on which it must be paid, by contract or by law, where there is one.
"""

HOLDS = sa.Table(
    "payable_holds",
    _tables,
    sa.Column("payable", sa.Text, sa.ForeignKey("payables.id"), primary_key=True),
    sa.Column("mark", sa.Text, primary_key=True),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("placed_at", sa.DateTime, nullable=False, server_default=sa.func.now()),
)
"""Who holds a payable, and by which reason code. A payable with any hold is not paid."""


def engine_of(url: str) -> Engine:
    """Return the engine of a ledger's URL, without connecting. Raises SQLAlchemy's ArgumentError.

    `postgresql://` is taken for `postgresql+psycopg://`.
    """
    parsed = sa.make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return sa.create_engine(parsed, connect_args={"timeout": WAIT_SECONDS})
    return sa.create_engine(
        parsed.set(drivername="postgresql+psycopg"),
        isolation_level="READ COMMITTED",
        pool_pre_ping=True,
        connect_args={"connect_timeout": WAIT_SECONDS},
    )


def create(engine: Engine) -> None:
    """Make the tables that are not there yet."""
    _tables.create_all(engine)


def lacking(engine: Engine) -> Mapping[str, str]:
    """The columns that a ledger does not have (yet), each with the SQL that adds it.

    Raises SQLAlchemyError where the ledger cannot be asked.
    """
    found, inspector = {}, sa.inspect(engine)
    for table in (PAYEES, PAYABLES, HOLDS):
        if not inspector.has_table(table.name):
            continue
        there = {column["name"] for column in inspector.get_columns(table.name)}
        for column in table.c:
            if column.name not in there:
                told = sa.schema.CreateColumn(column).compile(engine)
                sql = f"ALTER TABLE {table.name} ADD COLUMN {told}"
                found[f"{table.name}.{column.name}"] = sql
    return found


@contextmanager
def alone(engine: Engine) -> Iterator[Connection]:
    """A transaction with no pay run beside it: after it began, every earlier one has ended."""
    with _locked(engine, "pg_advisory_xact_lock") as connection:
        yield connection


@contextmanager
def paying(engine: Engine) -> Iterator[Connection]:
    """A pay run's transaction: others pay beside it (but on SQLite), nobody places a hold."""
    with _locked(engine, "pg_advisory_xact_lock_shared") as connection:
        yield connection


@contextmanager
def _locked(engine: Engine, lock: str) -> Iterator[Connection]:
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.execute(sa.text(f"SET LOCAL lock_timeout = '{WAIT_SECONDS}s'"))
            connection.execute(sa.text(f"SELECT {lock}({_KEY})"))
        yield connection
        connection.commit()
