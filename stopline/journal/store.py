"""The database under the journal: connections, transactions, migrations, the hash chain.

SQLite by default (write-ahead log, full synchronisation: an acknowledged intent survives a power
cut), PostgreSQL in production; the same tables and migrations.
"""

import json
import secrets
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

from stopline.journal import statements as q
from stopline.journal import tables as t
from stopline.journal.commits import Commits, JournalError
from stopline.text import Json, canonical, sha256

GENESIS = "0" * 64
_CHAIN_LOCK = 0x570B
_LINKED = tuple(c.name for c in t.events.c if c.name != "hash")


@dataclass(frozen=True, slots=True)
class Event:
    """One row of the chain. `data` is JSON; documents in it stand as digests."""

    seq: int
    at: str
    pause: str
    kind: str
    actor: str
    data: Json
    hash: str


@dataclass(frozen=True, slots=True)
class Store:
    """One open journal database. Threads may share it."""

    engine: Engine
    clock: Callable[[], float]
    id: str = field(default="")
    _commits: Commits = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Threads that write at the same time share their commits."""
        object.__setattr__(self, "_commits", Commits(self.engine.begin, self._begin_soft))

    @contextmanager
    def _begin_soft(self) -> Iterator[Connection]:
        with self.engine.connect() as plain:
            connection = plain.execution_options(stopline_soft=True)
            with connection.begin():
                yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction that may write, on disk when this is left; commits may be shared.

        Raises JournalError when the database refuses: then nothing of it is there.
        """
        with _reported(self.engine), self._commits.join() as connection:
            yield connection

    @contextmanager
    def slip_in(self) -> Iterator[Connection]:
        """As `write`, without waiting for the disk: for what a later `write` checks again."""
        with _reported(self.engine), self._commits.slip_in() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One consistent reading."""
        with _reported(self.engine), self.engine.connect() as plain:
            yield plain.execution_options(stopline_reading=True)

    def now(self) -> str:
        """UTC, ISO 8601, to the millisecond."""
        moment = datetime.fromtimestamp(self.clock(), UTC)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def append(
        self, connection: Connection, pause: str, kind: str, data: Json, actor: str = "stopline"
    ) -> None:
        """Add one event to the chain, in the caller's transaction."""
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_CHAIN_LOCK)))
        last = connection.execute(q.LAST_EVENT).first()
        seq, previous = (last.seq + 1, last.hash) if last else (1, GENESIS)
        row = {
            "seq": seq,
            "at": self.now(),
            "pause": pause,
            "kind": kind,
            "actor": actor,
            "data": canonical(data),
            "previous": previous,
        }
        connection.execute(q.NEW_EVENT, row | {"hash": _link(row)})

    def keep(self, connection: Connection, kind: str, body: str) -> str:
        """Store a document apart from the chain; return its digest, which the chain may name."""
        (digest,) = self.keep_all(connection, kind, (body,))
        return digest

    def keep_all(self, connection: Connection, kind: str, bodies: Sequence[str]) -> list[str]:
        """As `keep`, for several of one kind; returns their digests in the same order."""
        digests = [sha256(body) for body in bodies]
        there = set(connection.execute(q.BODIES, {"digests": digests}).scalars())
        for digest, body in dict(zip(digests, bodies, strict=True)).items():
            if digest not in there:
                packed = zlib.compress(body.encode())
                connection.execute(q.NEW_BODY, {"digest": digest, "kind": kind, "body": packed})
        return digests

    def body(self, digest: str) -> str:
        """Return a stored document. Raises JournalError when it is missing or was altered."""
        with self.read() as connection:
            packed = connection.execute(
                sa.select(t.bodies.c.body).where(t.bodies.c.digest == digest)
            ).scalar()
        text = zlib.decompress(packed).decode() if packed is not None else None
        if text is None or sha256(text) != digest:
            what = "is missing from" if text is None else "was altered in"
            raise JournalError(
                f"The document {digest[:12]} {what} the journal.",
                "Restore the journal's database from a backup that holds it.",
            )
        return text

    def events(self, pause: str = "", kind: str = "") -> tuple[Event, ...]:
        """Return events in order, of one pause or kind or of all."""
        query = sa.select(t.events).order_by(t.events.c.seq)
        if pause:
            query = query.where(t.events.c.pause == pause)
        if kind:
            query = query.where(t.events.c.kind == kind)
        with self.read() as connection:
            return tuple(_event(row) for row in connection.execute(query))

    def verify(self) -> tuple[int, str]:
        """Walk the chain. Return the number of events and "", or where it is broken."""
        previous, number = GENESIS, 0
        with self.read() as connection:
            for row in connection.execute(sa.select(t.events).order_by(t.events.c.seq)):
                number += 1
                fields = {name: getattr(row, name) for name in _LINKED}
                if row.seq != number:
                    return number, f"event {number} is missing"
                if row.previous != previous or row.hash != _link(fields):
                    return number, f"event {number} does not match the hash that it was given"
                previous = row.hash
        return number, ""


def _event(row: Any) -> Event:
    return Event(row.seq, row.at, row.pause, row.kind, row.actor, json.loads(row.data), row.hash)


def _link(row: Mapping[str, Any]) -> str:
    return sha256(canonical({name: row[name] for name in sorted(row)}))


def open_store(url: str, clock: Callable[[], float]) -> Store:
    """Open the journal, bring its tables up to date, and give it an id when it is new.

    Raises JournalError naming the database when it cannot be opened or is newer than we are.
    """
    engine = _engine(url)
    with _reported(engine), engine.begin() as connection:
        _migrate(connection)
        chosen = sa.select(t.meta.c.value).where(t.meta.c.name == "journal")
        journal = connection.execute(chosen).scalar()
        if journal is None:
            journal = secrets.token_hex(4)
            connection.execute(sa.insert(t.meta).values(name="journal", value=journal))
    return Store(engine, clock, journal)


def _migrate(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _engine(url: str) -> Engine:
    parsed = sa.make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return sa.create_engine(parsed, pool_size=8, max_overflow=24, pool_pre_ping=True)
    memory = parsed.database in (None, "", ":memory:")
    connect = {"check_same_thread": False, "timeout": 30}
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
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000"):
        connection.execute(f"PRAGMA {pragma}")


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
def _reported(engine: Engine) -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        where = engine.url.render_as_string(hide_password=True)
        raise JournalError(
            f"The journal {where} refused: {error.orig}. Nothing was written to any system.",
            "Give it space, or correct STOPLINE_JOURNAL_URL; work goes on by itself after that.",
        ) from error
