"""A journal from outside, as the engine, a workflow and a thief would handle it."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from stopline.engine import Errand
from stopline.journal.book import Book, open_book
from stopline.journal.pauses import Pause, PauseStatus
from stopline.model import Address, Breadth, Change, Direction, Document, Scope, State
from stopline.port import Observed
from stopline.receipts import Outcome, Receipt

FIRST, SECOND = "0000000a", "0000000b"
ON, OFF = State.of({"Status": "on"}), State.of({"Status": "off"})
OURS = State.of({"Effect": "Deny", "Sid": "StoplineJ1"})
KEY = Address("memory", "r1", "switch", "v0/one")
STATEMENT = Address("memory", "r1", "target", "data#StoplineJ1")
NEIGHBOUR = Address("memory", "r1", "target", "data#StoplineJ2")


def a_book(url: str = "sqlite://", **words: Any) -> Book:
    """Open a journal as `open_book` does; a new SQLite one gets its tables from one made before.

    The steps of the tables take longer than most tests: they are gone through once in a process.
    """
    with _filled():
        return open_book(url, **words)


@cache
def _made() -> sqlite3.Connection:
    """A journal as new as can be, and not named yet."""
    engine = open_book("sqlite://").store.engine
    made: Any = engine.raw_connection().driver_connection
    made.execute("DELETE FROM meta WHERE name = 'journal'")
    return made


@contextmanager
def _filled() -> Iterator[None]:
    made = _made()

    def fill(connection: Any, _record: object) -> None:
        if isinstance(connection, sqlite3.Connection) and not _tables(connection):
            made.backup(connection)

    sa.event.listen(Engine, "connect", fill)
    try:
        yield
    finally:
        sa.event.remove(Engine, "connect", fill)


def _tables(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])


@dataclass
class Clock:
    """A clock that stands still until a test moves it."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        """Seconds since 1970."""
        return self.now


def toggle(address: Address = KEY, uid: str = "u0") -> Change:
    """A switch turned from on to off: bears no mark."""
    return Change(address, ON, OFF, "switch-off", Breadth.NARROW, uid=uid, principal="v0")


def overlay(address: Address = STATEMENT) -> Change:
    """A statement of ours added to a document that others edit too."""
    return Change(address, None, OURS, "deny-targets", Breadth.TARGET, marked=True)


@dataclass
class Hand:
    """One attempt of one pause, doing what the engine does around a write."""

    book: Book
    pause: str = FIRST
    attempt: str = "attempt-1"
    direction: Direction = Direction.CONTAIN
    found: dict[Address, State] = field(default_factory=dict)

    @property
    def errand(self) -> Errand:
        """What is carried out, and by whom."""
        return Errand(self.pause, self.direction, self.attempt, "token")

    def lease(self, address: Address) -> bool:
        """Take or renew the document's lease."""
        return self.book.writes.lease(address.document, self.attempt)

    def intend(self, *changes: Change, raw: str = "") -> str | None:
        """Write the intent down; the states found are `found`, or what was planned from."""
        states = {c.address: c.before for c in changes if c.before} | self.found
        observed = Observed(changes[0].address.document, states, raw)
        return self.book.writes.intend(self.errand, observed, changes)

    def settle(
        self, *changes: Change, outcome: Outcome = Outcome.APPLIED, held: bool | None = None
    ) -> None:
        """Write the receipts down."""
        if held is None:
            held = self.direction is Direction.CONTAIN
        receipts = [Receipt(c, self.direction, outcome, c.before, held=held) for c in changes]
        self.book.writes.settle(self.errand, receipts)

    def unlease(self, address: Address) -> None:
        """Give the lease back."""
        self.book.writes.unlease(address.document, self.attempt)

    def contain(self, *changes: Change, raw: str = "") -> None:
        """Lease, intent, receipt, and the lease back, for changes of one document."""
        assert self.lease(changes[0].address)
        self.intend(*changes, raw=raw)
        self.settle(*changes)
        self.unlease(changes[0].address)

    def restore(self, *changes: Change) -> None:
        """The same the other way."""
        back = Hand(self.book, self.pause, f"{self.attempt}-back", Direction.RESTORE)
        assert back.lease(changes[0].address)
        back.intend(*(c.inverse() for c in changes))
        back.settle(*(c.inverse() for c in changes))
        back.unlease(changes[0].address)


def open_pause(
    book: Book,
    pause: str = FIRST,
    vendor: str = "mercor",
    *,
    scope: Scope | None = None,
    frozen: str = "",
) -> Pause:
    """Open a pause of a vendor's, of all of it or of a scope."""
    ordered = Pause(
        id=pause,
        vendor=vendor,
        scope=scope or Scope(),
        workflow=f"pause/{vendor}/all",
        requester="alice",
        reason="breach",
        opened_at="",
        status=PauseStatus.CONTAINING,
        closed_at="",
        frozen=frozen,
        plan="",
    )
    return book.pauses.open(ordered, {"reason": "breach"})


def tamper(book: Book, *statements: sa.Executable) -> None:
    """Do what somebody who owns the database can do: put the triggers aside, and edit."""
    with book.store.engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.text("SET LOCAL session_replication_role = replica"))
        else:
            for verb in ("update", "delete"):
                connection.execute(sa.text(f"DROP TRIGGER IF EXISTS events_no_{verb}"))
        for statement in statements:
            connection.execute(statement)


def document(number: int) -> Document:
    """One of many documents."""
    return Document("memory", "r1", "switch", f"v{number}/one")
