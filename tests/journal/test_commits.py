"""Threads that write at the same time share a commit, and each gets what it was promised."""

import ctypes
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from stopline.errors import ConnectorError
from stopline.journal.commits import _Line
from stopline.journal.store import JournalError, Store, open_store
from stopline.receipts import Cause

Body = Callable[[Connection], object]


@dataclass
class Desk:
    """A journal on disk, threads that write in it, and a count of its commits."""

    store: Store
    file: Path
    pool: ThreadPoolExecutor
    commits: list[int] = field(default_factory=list)
    go: threading.Event = field(default_factory=threading.Event)

    def first(self) -> "Future[None]":
        """Open a transaction and stay in it until `go`."""
        inside = threading.Event()

        def body(_connection: Connection) -> None:
            inside.set()
            assert self.go.wait(30)

        future = self.write("first", body)
        assert inside.wait(30)
        return future

    def write(self, kind: str, body: Body = lambda _: None) -> "Future[None]":
        """Append an event in a thread of its own; when it has to wait, wait until it does."""
        waiting = self.waiting

        def work() -> None:
            with self.store.write() as connection:
                self.store.append(connection, "p", kind, {})
                body(connection)

        future = self.pool.submit(work)
        if waiting or (not self.go.is_set() and kind != "first"):
            until(lambda: self.waiting > waiting)
        return future

    @property
    def waiting(self) -> int:
        """How many threads wait for their turn."""
        return len(self.store._commits._turn._tickets)

    def on_disk(self) -> list[str]:
        """The kinds of the events that another process would see."""
        with sqlite3.connect(self.file) as other:
            return [kind for (kind,) in other.execute("SELECT kind FROM events ORDER BY seq")]


def misspelt(connection: Connection) -> None:
    """Ask for what the database does not have."""
    connection.execute(sa.text("SELECT * FROM nowhere"))


def until(true: Callable[[], bool]) -> None:
    """Wait for something that will be so."""
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end
        time.sleep(0.001)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A new journal."""
    store = open_store(f"sqlite:///{tmp_path / 'journal.db'}", time.time)
    with ThreadPoolExecutor(8) as pool:
        built = Desk(store, tmp_path / "journal.db", pool)
        sa.event.listen(store.engine, "commit", lambda _: built.commits.append(1))
        yield built
        built.go.set()
    store.engine.dispose()


def test_who_waits_meanwhile_is_in_the_same_commit(desk: Desk) -> None:
    """Three threads, one commit; and the chain is as if each had had its own."""
    writing = [desk.first(), desk.write("second"), desk.write("third")]
    assert desk.on_disk() == []
    desk.go.set()
    for each in writing:
        each.result(30)
    assert len(desk.commits) == 1
    assert desk.on_disk() == ["first", "second", "third"]
    assert desk.store.verify() == (3, "")


def test_what_is_returned_from_is_on_disk(desk: Desk) -> None:
    """Nobody is let go before others can see what was written."""
    desk.go.set()
    for number in range(3):
        desk.write(f"event-{number}").result(30)
        assert len(desk.on_disk()) == number + 1


def test_a_refusal_of_ours_takes_back_its_own_part_alone(desk: Desk) -> None:
    """A lease that was lost in the middle of others' work is nobody else's matter."""

    def refuse(_connection: Connection) -> None:
        raise ConnectorError(Cause.BUSY, "the lease ran out before the intent")

    first, refused, third = desk.first(), desk.write("refused", refuse), desk.write("third")
    desk.go.set()
    first.result(30)
    third.result(30)
    with pytest.raises(ConnectorError, match="lease ran out"):
        refused.result(30)
    assert desk.on_disk() == ["first", "third"]
    assert desk.store.verify() == (2, "")


def test_a_refusal_of_the_only_part_leaves_nothing_open(desk: Desk) -> None:
    """Nothing is there of it, and the next one does not find a transaction that was left."""

    def refuse(_connection: Connection) -> None:
        raise ConnectorError(Cause.BUSY, "the lease ran out before the intent")

    desk.go.set()
    with pytest.raises(ConnectorError):
        desk.write("refused", refuse).result(30)
    desk.write("next").result(30)
    assert desk.on_disk() == ["next"]


def test_what_the_database_refuses_takes_back_all_and_all_are_told(desk: Desk) -> None:
    """SQLite may have rolled back all by then, so nobody is let believe that it is there."""
    first, failed, third = desk.first(), desk.write("failed", misspelt), desk.write("third")
    desk.go.set()
    for each in (first, failed):
        with pytest.raises(JournalError, match="no such table"):
            each.result(30)
    third.result(30)
    assert desk.on_disk() == ["third"]
    assert desk.store.verify() == (1, "")


def test_a_commit_that_the_database_refuses_is_told_to_all_in_it(desk: Desk) -> None:
    """A full disk is nobody's success."""

    def full(_connection: object) -> None:
        raise sa.exc.OperationalError("COMMIT", {}, sqlite3.OperationalError("disk is full"))

    sa.event.listen(desk.store.engine, "commit", full)
    writing = [desk.first(), desk.write("second")]
    desk.go.set()
    for each in writing:
        with pytest.raises(JournalError, match="disk is full"):
            each.result(30)
    sa.event.remove(desk.store.engine, "commit", full)
    assert desk.on_disk() == []


def test_what_slips_in_is_there_at_once(desk: Desk) -> None:
    """A lease is seen by others when it is returned, even if no disk was waited for."""
    with desk.store.slip_in() as connection:
        desk.store.append(connection, "p", "slipped", {})
    assert desk.on_disk() == ["slipped"]


def test_what_slips_into_an_open_transaction_shares_its_end(desk: Desk) -> None:
    """It goes with the transaction that it found, and the intent finds out that it is gone."""

    def slip() -> None:
        with desk.store.slip_in() as connection:
            desk.store.append(connection, "p", "slipped", {})

    first = desk.first()
    slipped = desk.pool.submit(slip)
    until(lambda: desk.waiting == 1)
    failed = desk.write("failed", misspelt)
    desk.go.set()
    slipped.result(30)
    for each in (first, failed):
        with pytest.raises(JournalError):
            each.result(30)
    assert desk.on_disk() == []


class SentError(Exception):
    """What Temporal sends into a thread to cancel it."""


def test_a_turn_given_to_a_thread_that_was_cancelled_goes_on() -> None:
    """An exception that arrives while a thread waits does not leave the line standing."""
    line, ended = _Line(), threading.Event()

    def wait() -> None:
        try:
            with line:
                pass
        except SentError:
            ended.set()

    waiter = threading.Thread(target=wait)
    with line:
        waiter.start()
        until(lambda: len(line._tickets) == 1)
        sent = ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(waiter.ident or 0), ctypes.py_object(SentError)
        )
        assert sent == 1
    waiter.join(30)
    assert ended.is_set()
    with line:
        assert not line._tickets


def test_only_what_slips_in_does_without_the_disk(desk: Desk) -> None:
    """A connection that was used for a lease writes intents with full synchronisation again."""

    def synchronous(connection: Connection) -> int:
        return int(connection.exec_driver_sql("PRAGMA synchronous").scalar_one())

    normal, full = 1, 2  # https://www.sqlite.org/pragma.html#pragma_synchronous
    for _ in range(2):
        with desk.store.slip_in() as connection:
            assert synchronous(connection) == normal
        with desk.store.write() as connection:
            assert synchronous(connection) == full
