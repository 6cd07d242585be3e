"""The database under the journal: connections, transactions, and what it says when it refuses.

SQLite is one file on one machine. PostgreSQL is for several machines. On both, what was
acknowledged survives a power cut, and one transaction writes at a time: SQLite begins each with
`BEGIN IMMEDIATE`, PostgreSQL takes one advisory lock first and reads at `READ COMMITTED`, so that
every statement after it sees what the writer before had committed. So what is read in a writing
transaction is true until it ends, and no two of them ever race. Every write adds to the chain,
which has one end: they could not run side by side for long anyway.
"""

import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import StaticPool

from stopline.errors import ConfigError, SetupError

POSTGRESQL = "postgresql"
WAIT_SECONDS = 30
"""The longest wait for another writer, and the longest that a frozen one can make it."""

_WRITERS = 0x570B
_DRIVERS = {
    "sqlite": "sqlite",
    "sqlite+pysqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}
_LIBPQ: Mapping[str, Any] = {
    # https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
    "application_name": "stopline",
    "connect_timeout": 10,
    # A machine that is gone is noticed within a minute, not within hours.
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
_SESSION = (
    f"SET lock_timeout = '{WAIT_SECONDS}s'",
    # A worker that is frozen in the middle of a write must not stop all others.
    f"SET idle_in_transaction_session_timeout = '{WAIT_SECONDS}s'",
    # An intent that was acknowledged is on disk. Any other value than `off` promises as much.
    """SELECT set_config('synchronous_commit', 'on', false)
       WHERE current_setting('synchronous_commit') = 'off'""",
)


class JournalError(SetupError):
    """The database did not take what was to be written down, so nothing else was done."""


def engine_of(url: str) -> Engine:
    """Return the engine of a database URL, without connecting.

    `postgresql://` is taken for `postgresql+psycopg://`. Raises ConfigError for what is no URL of
    a database that we know, SetupError when psycopg is not installed.
    """
    parsed = _parsed(url)
    try:
        return _postgresql(parsed) if _on_server(parsed) else _sqlite(parsed)
    except ImportError as error:
        raise SetupError(
            f"psycopg, which PostgreSQL needs, is not installed ({error}); nothing was started.",
            "Install it with `pip install 'stopline[postgresql]'`.",
        ) from error


def _parsed(url: str) -> URL:
    try:
        parsed = sa.make_url(url)
        return parsed.set(drivername=_DRIVERS[parsed.drivername])
    except (ArgumentError, ValueError, KeyError):  # their messages would show the password
        raise ConfigError(
            "STOPLINE_JOURNAL_URL is no database URL that we know; nothing was started.",
            "Use sqlite:////path/journal.db or postgresql://user:password@host:5432/database.",
        ) from None


def _on_server(parsed: URL) -> bool:
    return parsed.get_backend_name() == POSTGRESQL


def _postgresql(parsed: URL) -> Engine:
    engine = sa.create_engine(
        parsed,
        connect_args={k: v for k, v in _LIBPQ.items() if k not in parsed.query},
        isolation_level="READ COMMITTED",  # said aloud: a role's default may be another
        pool_size=4,
        max_overflow=12,
        pool_timeout=WAIT_SECONDS,
        pool_pre_ping=True,  # the server may have been started anew while a connection was idle
    )
    sa.event.listen(engine, "connect", _postgresql_connect)
    return engine


def _postgresql_connect(connection: Any, _record: object) -> None:
    connection.autocommit = True
    for statement in _SESSION:
        connection.execute(statement)
    connection.autocommit = False


def _sqlite(parsed: URL) -> Engine:
    memory = parsed.database in (None, "", ":memory:")
    connect = {"check_same_thread": False, "timeout": WAIT_SECONDS}
    engine = (
        sa.create_engine(parsed, connect_args=connect, poolclass=StaticPool)
        if memory
        else sa.create_engine(parsed, connect_args=connect, pool_size=8, max_overflow=24)
    )
    sa.event.listen(engine, "connect", _sqlite_connect)
    sa.event.listen(engine, "begin", _sqlite_begin)
    return engine


def _sqlite_connect(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # transactions are begun below, and only there
    for pragma in (f"busy_timeout={WAIT_SECONDS * 1000}", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")
    _to_wal(connection)


def _to_wal(connection: Any) -> None:
    """Switch a new file to the write-ahead log, which takes it whole for a moment.

    SQLite does not wait when two switch at once, as it does for everything else: one is told that
    the file is locked. https://www.sqlite.org/wal.html#sometimes_queries_return_sqlite_busy_in_wal_mode
    """
    for _ in range(WAIT_SECONDS * 50):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            time.sleep(0.02)
        else:
            return


def _sqlite_begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    if options.get("stopline_reading"):
        connection.exec_driver_sql("BEGIN")
        return
    # A soft commit is written to the same log, and the next full one takes it to the disk with it:
    # https://www.sqlite.org/pragma.html#pragma_synchronous
    wanted = "NORMAL" if options.get("stopline_soft") else "FULL"
    if connection.info.get("synchronous", "FULL") != wanted:
        connection.exec_driver_sql(f"PRAGMA synchronous={wanted}")
        connection.info["synchronous"] = wanted
    connection.exec_driver_sql("BEGIN IMMEDIATE")


@contextmanager
def writing(engine: Engine, *, soft: bool = False) -> Iterator[Connection]:
    """One transaction that may write, and the only one. Raises JournalError.

    A soft one may be lost in a power cut, as long as it is lost before all later ones.
    """
    with reported(engine), engine.connect() as plain:
        connection = plain.execution_options(stopline_soft=soft)
        with connection.begin():
            if on_server(connection):
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_WRITERS)))
            yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One consistent reading; waits for no writer. Raises JournalError."""
    options: dict[str, Any] = {"stopline_reading": True}
    if _on_server(engine.url):
        options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with reported(engine), engine.connect() as plain:
        yield plain.execution_options(**options)


def forget(engine: Engine) -> None:
    """Let nothing that was overwritten stand in an SQLite file any more; waits for readers.

    https://www.sqlite.org/lang_vacuum.html ; raises JournalError.
    """
    if _on_server(engine.url):
        return
    connection = engine.raw_connection()  # SQLAlchemy would begin a transaction first
    try:
        cursor = connection.cursor()
        cursor.execute("VACUUM")
        # It raises nothing where a reader keeps it from being carried out, and says so.
        # https://www.sqlite.org/pragma.html#pragma_wal_checkpoint
        busy = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy is not None and busy[0]:
            raise sqlite3.OperationalError("somebody reads it")
    except sqlite3.Error as error:
        raise JournalError(
            f"The journal {shown(engine)} could not be written anew ({error}): what is encrypted "
            "now may stand in the clear in free pages of its file.",
            "Give it space, end who reads it for long, and run `stopline journal encrypt` again.",
        ) from error
    finally:
        connection.close()


def on_server(connection: Connection) -> bool:
    """Whether the database is a server that several machines may share."""
    return connection.dialect.name == POSTGRESQL


def moment(connection: Connection) -> float:
    """The database server's own clock, in seconds since 1970: the same for all who ask it."""
    now = sa.func.extract("epoch", sa.func.clock_timestamp())
    return float(connection.execute(sa.select(now)).scalar_one())


def shown(engine: Engine) -> str:
    """The journal's database as it may be shown: without its password, and without its query."""
    return engine.url.set(query={}).render_as_string(hide_password=True)


@contextmanager
def reported(engine: Engine) -> Iterator[None]:
    """Turn what the database raises into JournalError, with its name and without its password."""
    try:
        yield
    except (DBAPIError, PoolTimeoutError) as error:
        said = error.orig if isinstance(error, DBAPIError) else "no connection was free in time"
        raise JournalError(
            f"The journal {shown(engine)} refused: {' '.join(str(said).split())}. "
            "Nothing is written to any system without it.",
            "Give it space, or correct STOPLINE_JOURNAL_URL; work goes on by itself after that.",
        ) from error
