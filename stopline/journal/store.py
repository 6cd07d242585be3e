"""The hash chain and the documents beside it, over one database; migrations; the journal's id.

The same tables and migrations on SQLite and PostgreSQL; `database` is what differs.
"""

import json
import secrets
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection, Engine

from stopline.journal import database, encrypting
from stopline.journal import statements as q
from stopline.journal import tables as t
from stopline.journal.commits import Commits
from stopline.journal.database import JournalError
from stopline.journal.encrypting import NO_KEYS, Keys
from stopline.text import Json, canonical, sha256

GENESIS = "0" * 64
ENCRYPTED = "encrypted"
"""The row of `meta` that only the keys of an encrypted journal open."""
_LINKED = tuple(c.name for c in t.events.c if c.name != "hash")
AT_ONCE = 200
"""Documents that are fetched by one query."""
_RECEIPTS = {"receipts": ("before", "after", "found")}
_NAMED: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "planned": {"": ("ref", "snapshot")},
    "approved": {"": ("ref",)},
    "attested": {"": ("ref",)},
    "intent": {"": ("raw",), "changes": ("found",)},
    "receipts": _RECEIPTS,
    "late-receipts": _RECEIPTS,
    "notices": {"notices": ("body",)},
}
"""Where events name documents: by kind, the list in their data ("" is the data), and its keys."""


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
    shared_time: bool = False
    """Whether leases go by the database server's clock, where there is a server."""

    _commits: Commits = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Threads that write at the same time share their commits."""
        begin = partial(database.writing, self.engine)
        object.__setattr__(self, "_commits", Commits(begin, partial(begin, soft=True)))

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction that may write, and the only one at that time; commits may be shared.

        It is on disk when this is left. Raises JournalError when the database refuses: then
        nothing of it is there.
        """
        with database.reported(self.engine), self._commits.join() as connection:
            yield connection

    @contextmanager
    def slip_in(self) -> Iterator[Connection]:
        """As `write`, without waiting for the disk: for what a later `write` checks again."""
        with database.reported(self.engine), self._commits.slip_in() as connection:
            yield connection

    def read(self) -> AbstractContextManager[Connection]:
        """One consistent reading. Raises JournalError."""
        return database.reading(self.engine)

    def moment(self, connection: Connection) -> float:
        """Now, for leases: all workers of one journal go by one clock, whatever theirs say."""
        shared = self.shared_time and database.on_server(connection)
        return database.moment(connection) if shared else self.clock()

    def now(self) -> str:
        """UTC, ISO 8601, to the millisecond."""
        moment = datetime.fromtimestamp(self.clock(), UTC)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def append(
        self, connection: Connection, pause: str, kind: str, data: Json, actor: str = "stopline"
    ) -> None:
        """Add one event to the chain, in the caller's transaction, which is one of `write`."""
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
        connection.execute(q.NEW_EVENT, row | {"hash": link(row)})

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
        return _whole(digest, _unpacked(packed) if packed is not None else None)

    def bodies(self, digests: Iterable[str]) -> Mapping[str, str]:
        """Return stored documents by digest. Raises JournalError as `body` does."""
        wanted, found = sorted({*digests}), dict[str, str]()
        with self.read() as connection:
            for start in range(0, len(wanted), AT_ONCE):
                some = t.bodies.c.digest.in_(wanted[start : start + AT_ONCE])
                for row in connection.execute(sa.select(t.bodies).where(some)):
                    found[row.digest] = _unpacked(row.body)
        for digest in wanted:
            _whole(digest, found.get(digest))
        return found

    def events(self, pause: str = "", kind: str = "") -> tuple[Event, ...]:
        """Return events in order, of one pause or kind or of all."""
        with self.read() as connection:
            return self.told(connection, pause, kind)

    def told(self, connection: Connection, pause: str = "", kind: str = "") -> tuple[Event, ...]:
        """Return events as `events` does, as the caller's transaction sees them."""
        query = sa.select(t.events).order_by(t.events.c.seq)
        if pause:
            query = query.where(t.events.c.pause == pause)
        if kind:
            query = query.where(t.events.c.kind == kind)
        return tuple(event_of(dict(row)) for row in connection.execute(query).mappings())

    def chain(self) -> tuple[dict[str, Any], ...]:
        """Return every row of the chain in order, as it is hashed, with its hash."""
        query = sa.select(t.events).order_by(t.events.c.seq)
        with self.read() as connection:
            return tuple(dict(row) for row in connection.execute(query).mappings())

    def kept(self, digests: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Yield those of these documents that are kept, as they are, with their digests."""
        for start in range(0, len(digests), AT_ONCE):
            wanted = t.bodies.c.digest.in_(digests[start : start + AT_ONCE])
            with self.read() as connection:
                rows = connection.execute(sa.select(t.bodies).where(wanted)).all()
            for row in rows:
                yield row.digest, zlib.decompress(row.body).decode()

    def verify(self) -> tuple[int, str]:
        """Walk the chain, then the documents that it names.

        Returns the number of events and "", or where it is broken. Events cut off the end leave
        a whole chain: only a copy elsewhere shows them.
        """
        with self.read() as connection:
            with _rows(connection, t.events, t.events.c.seq) as events:
                number, broken, named = _walk(events)
            with _rows(connection, t.bodies) as bodies:
                return number, broken or _bodies(bodies, named)


def _rows(connection: Connection, table: sa.Table, *order: Any) -> sa.CursorResult[Any]:
    """Every row of a table, a thousand at a time in memory."""
    query = sa.select(table).order_by(*order)
    return connection.execute(query, execution_options={"yield_per": 1000})


def _walk(rows: Iterable[Any]) -> tuple[int, str, Mapping[str, int]]:
    """Follow the chain: the number of events, where it breaks, who names which document first."""
    previous, number = GENESIS, 0
    named: dict[str, int] = {}
    for row in rows:
        number += 1
        fields = {name: getattr(row, name) for name in _LINKED}
        if row.seq != number:
            return number, f"event {number} is missing", named
        if row.previous != previous or row.hash != link(fields):
            return number, f"event {number} does not match the hash that it was given", named
        previous = row.hash
        for digest in _named(row.kind, row.data):
            named.setdefault(digest, number)
    return number, "", named


def _named(kind: str, text: str) -> Iterator[str]:
    """The digests of documents in an event's data. What an intent leaves stands in its plan."""
    places = _NAMED.get(kind, {})
    data = json.loads(text) if places else {}
    for place, keys in places.items():
        for part in data.get(place, ()) if place else (data,):
            yield from (part[key] for key in keys if part.get(key))


def _bodies(rows: Iterable[Any], named: Mapping[str, int]) -> str:
    """Check each document against its digest, and that none is missing; "" when all is well."""
    missing = dict(named)
    try:
        for row in rows:
            missing.pop(row.digest, None)
            if sha256(_unpacked(row.body)) != row.digest:
                return f"the document {row.digest[:12]} was altered"
    except JournalError as error:  # of which one, the database does not say
        return error.what
    if missing:
        digest, number = min(missing.items(), key=lambda item: item[1])
        return f"the document {digest[:12]} that event {number} names is missing"
    return ""


def _unpacked(packed: bytes) -> str:
    """The text of a stored document; of one that was altered, another text than it had."""
    try:
        return zlib.decompress(packed).decode()
    except (zlib.error, UnicodeDecodeError):
        return ""


def _whole(digest: str, text: str | None) -> str:
    if text is None or sha256(text) != digest:
        what = "is missing from" if text is None else "was altered in"
        raise JournalError(
            f"The document {digest[:12]} {what} the journal.",
            "Restore the journal's database from a backup that holds it.",
        )
    return text


def event_of(row: Mapping[str, Any]) -> Event:
    """A row of the chain, as `chain` returns them, as an event."""
    told = {name: row[name] for name in ("seq", "at", "pause", "kind", "actor", "hash")}
    return Event(**told, data=json.loads(row["data"]))


def link(row: Mapping[str, Any]) -> str:
    """The hash of an event: over all its fields, the hash of the one before it among them."""
    return sha256(canonical({name: row[name] for name in sorted(row)}))


def open_store(
    url: str,
    clock: Callable[[], float],
    journal: str = "",
    *,
    shared_time: bool = False,
    keys: Keys = NO_KEYS,
) -> Store:
    """Open the journal, bring its tables up to date, and give it an id when it is new.

    Of several that open a new one at once, one makes it. A journal that is up to date is only
    read. `journal` is the id of a lost one, which a journal without a single event takes over.
    With `keys` what is written from now on is encrypted, and nobody opens it without them again.
    Raises JournalError naming the database when it cannot be opened, is newer than we are, is not
    empty and has another id, or is encrypted by a key that is not among these.
    """
    engine = database.engine_of(url)
    try:
        encrypting.hand(engine.dialect, keys)
        id_ = _ready(engine, journal)
        _require_keys(engine, keys)
        return Store(engine, clock, id_, shared_time)
    except BaseException:
        engine.dispose()
        raise


def _ready(engine: Engine, wanted: str) -> str:
    """Bring the tables up to date where they are not; return the journal's id."""
    with database.reading(engine) as connection:
        journal = _meta(connection, "journal") if _up_to_date(engine, connection) else None
    if journal is not None and wanted in ("", journal):
        return journal
    with database.writing(engine) as connection:
        if not _up_to_date(engine, connection):
            command.upgrade(_migrations(connection), "head")
        journal = _identified(connection, wanted)
    if wanted and journal != wanted:
        raise JournalError(
            f"The journal {database.shown(engine)} is {journal}, and it is not empty: it cannot "
            f"become {wanted}.",
            "Let STOPLINE_JOURNAL_URL name a database that is not there yet, then try again.",
        )
    return journal


def _require_keys(engine: Engine, keys: Keys) -> None:
    """Hold everybody to the keys that the journal is encrypted by; the first to bring some sets it.

    Whoever went on without them would write in the clear what others encrypt.
    """
    with database.reading(engine) as connection:
        there = _meta(connection, ENCRYPTED)
    if there is not None:
        keys.plain(there.encode())
    elif keys:
        with database.writing(engine) as connection:
            if _meta(connection, ENCRYPTED) is None:
                by = keys.encrypted(ENCRYPTED.encode()).decode()
                connection.execute(sa.insert(t.meta).values(name=ENCRYPTED, value=by))


def _identified(connection: Connection, wanted: str) -> str:
    """The id that the database has; a new one, or the wanted one where nothing is written yet."""
    there = _meta(connection, "journal")
    if there is None:
        there = wanted or secrets.token_hex(4)
        connection.execute(sa.insert(t.meta).values(name="journal", value=there))
    elif wanted and not connection.execute(sa.select(t.events.c.seq).limit(1)).first():
        there = wanted
        connection.execute(sa.update(t.meta).where(t.meta.c.name == "journal").values(value=wanted))
    return there


def _meta(connection: Connection, name: str) -> str | None:
    chosen = sa.select(t.meta.c.value).where(t.meta.c.name == name)
    return connection.execute(chosen).scalar()


def _migrations(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.attributes["connection"] = connection
    return config


@cache
def _revisions() -> tuple[str, ...]:
    """The steps of the tables that this program knows, newest first; each is a file to be run."""
    script = ScriptDirectory.from_config(_migrations())
    return tuple(revision.revision for revision in script.walk_revisions())


def _up_to_date(engine: Engine, connection: Connection) -> bool:
    """Whether the tables are as we know them. Raises JournalError when a newer one made them."""
    ours = _revisions()
    theirs = MigrationContext.configure(connection).get_current_revision()
    if theirs is not None and theirs not in ours:
        raise JournalError(
            f"The journal {database.shown(engine)} was made by a newer stopline: its tables are "
            f"at {theirs}, and this one knows them up to {ours[0]}. Nothing was done.",
            "Install that version here too; never put an older copy of the journal in its place.",
        )
    return theirs == ours[0]
