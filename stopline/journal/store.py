"""The database under the journal: connections, transactions, migrations, the hash chain.

SQLite by default (write-ahead log, full synchronisation: an acknowledged intent survives a power
cut), PostgreSQL in production; the same tables and migrations.
"""

import json
import secrets
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
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

from stopline.errors import SetupError
from stopline.journal import tables as t
from stopline.text import Json, canonical, sha256

GENESIS = "0" * 64
_CHAIN_LOCK = 0x570B
_AT_ONCE = 500
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


class JournalError(SetupError):
    """The database did not take what was to be written down, so nothing else was done."""


@dataclass(frozen=True, slots=True)
class Store:
    """One open journal database. Threads may share it."""

    engine: Engine
    clock: Callable[[], float]
    id: str = field(default="")

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction that may write. Raises JournalError when the database refuses."""
        with _reported(self.engine), self.engine.begin() as connection:
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
        last = connection.execute(
            sa.select(t.events.c.seq, t.events.c.hash).order_by(t.events.c.seq.desc()).limit(1)
        ).first()
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
        connection.execute(sa.insert(t.events).values(**row, hash=_link(row)))

    def keep(self, connection: Connection, kind: str, body: str) -> str:
        """Store a document apart from the chain; return its digest, which the chain may name."""
        digest = sha256(body)
        there = sa.select(t.bodies.c.digest).where(t.bodies.c.digest == digest)
        if connection.execute(there).first() is None:
            packed = zlib.compress(body.encode())
            connection.execute(sa.insert(t.bodies).values(digest=digest, kind=kind, body=packed))
        return digest

    def body(self, digest: str) -> str:
        """Return a stored document. Raises JournalError when it is missing or was altered."""
        with self.read() as connection:
            packed = connection.execute(
                sa.select(t.bodies.c.body).where(t.bodies.c.digest == digest)
            ).scalar()
        return _whole(digest, zlib.decompress(packed).decode() if packed is not None else None)

    def bodies(self, digests: Iterable[str]) -> Mapping[str, str]:
        """Return stored documents by digest. Raises JournalError as `body` does."""
        wanted, found = sorted({*digests}), dict[str, str]()
        with self.read() as connection:
            for start in range(0, len(wanted), _AT_ONCE):
                some = t.bodies.c.digest.in_(wanted[start : start + _AT_ONCE])
                for row in connection.execute(sa.select(t.bodies).where(some)):
                    found[row.digest] = zlib.decompress(row.body).decode()
        for digest in wanted:
            _whole(digest, found.get(digest))
        return found

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


def _whole(digest: str, text: str | None) -> str:
    if text is None or sha256(text) != digest:
        what = "is missing from" if text is None else "was altered in"
        raise JournalError(
            f"The document {digest[:12]} {what} the journal.",
            "Restore the journal's database from a backup that holds it.",
        )
    return text


def _event(row: Any) -> Event:
    return Event(row.seq, row.at, row.pause, row.kind, row.actor, json.loads(row.data), row.hash)


def _link(row: Mapping[str, Any]) -> str:
    return sha256(canonical({name: row[name] for name in sorted(row)}))


def open_store(url: str, clock: Callable[[], float], journal: str = "") -> Store:
    """Open the journal, bring its tables up to date, and give it an id when it is new.

    `journal` is the id of a lost one, which a journal without a single event takes over. Raises
    JournalError naming the database when it cannot be opened, is newer than we are, or is not
    empty and has another id.
    """
    engine = _engine(url)
    with _reported(engine), engine.begin() as connection:
        _migrate(connection)
        id_ = _identified(connection, journal)
    if journal and id_ != journal:
        where = engine.url.render_as_string(hide_password=True)
        raise JournalError(
            f"The journal {where} is {id_}, and it is not empty: it cannot become {journal}.",
            "Let STOPLINE_JOURNAL_URL name a database that is not there yet, then try again.",
        )
    return Store(engine, clock, id_)


def _identified(connection: Connection, wanted: str) -> str:
    """The id that the database has; a new one, or the wanted one where nothing is written yet."""
    chosen = sa.select(t.meta.c.value).where(t.meta.c.name == "journal")
    there: str | None = connection.execute(chosen).scalar()
    if there is None:
        there = wanted or secrets.token_hex(4)
        connection.execute(sa.insert(t.meta).values(name="journal", value=there))
    elif wanted and not connection.execute(sa.select(t.events.c.seq).limit(1)).first():
        there = wanted
        connection.execute(sa.update(t.meta).where(t.meta.c.name == "journal").values(value=wanted))
    return there


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
    reading = connection.get_execution_options().get("stopline_reading")
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


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
