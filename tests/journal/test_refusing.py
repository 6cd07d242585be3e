"""When the database does not take it, nothing else is done, and the journal stays whole."""

import contextlib
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from support.journals import FIRST, KEY, Hand, open_pause, toggle
from support.postgres import Databases

from stopline.connectors.memory import MemoryConnector, Principal, World
from stopline.engine import Errand, apply
from stopline.journal.book import Book
from stopline.journal.database import JournalError
from stopline.model import Direction

FULL = "database or disk is full"


@pytest.fixture
def world() -> World:
    """One principal of the vendor's, with one key."""
    return World({"v0": Principal("u0", "mercor", switches={"one": "on"})})


def written(world: World, book: Book) -> bool:
    """Whether the engine, asked to contain the key, wrote it; raises what the journal raises."""
    errand = Errand(FIRST, Direction.CONTAIN, "attempt-1", "token")
    list(apply(MemoryConnector(world), book.writes, errand, [toggle()]))
    return world.principals["v0"].switches["one"] == "off"


def test_it_is_written_when_the_journal_takes_it(book: Book, world: World) -> None:
    """The tests below show something: without a fault the key is switched off."""
    assert written(world, book)


def test_a_full_disk_stops_before_the_write(
    opened: Callable[..., Book], tmp_path: Path, world: World
) -> None:
    """A real full database: no intent fits, so the estate is not touched; with space it goes on."""
    book = opened(f"sqlite:///{tmp_path}/journal.db")
    open_pause(book)
    before = book.store.events()
    limit(book, 1)
    with pytest.raises(JournalError, match=FULL):
        fill(book)
    with pytest.raises(JournalError, match=FULL) as refused:
        written(world, book)
    assert "Give it space" in refused.value.next_step
    assert world.principals["v0"].switches["one"] == "on"
    assert book.store.events()[: len(before)] == before
    assert book.store.verify()[1] == ""
    limit(book, 1_000_000)
    assert written(world, book)


def fill(book: Book) -> None:
    """Write until there is no room for a single event more."""
    for length in (1000, 10):
        with contextlib.suppress(JournalError):
            for _ in range(10_000):
                book.pauses.note(FIRST, "filling", {"padding": "x" * length})
    book.pauses.note(FIRST, "filling", {})


def limit(book: Book, pages: int) -> None:
    """Let SQLite's file grow to so many pages; what it has already it keeps."""
    on_checkout(book, f"PRAGMA max_page_count={pages}")


def on_checkout(book: Book, statement: str) -> None:
    """Say something to SQLite before each use of a connection."""

    def say(connection: sqlite3.Connection, _record: object, _proxy: object) -> None:
        connection.execute(statement)

    sa.event.listen(book.store.engine, "checkout", say)


def test_a_server_that_takes_no_writes_stops_before_the_write(
    postgresql: Databases, opened: Callable[..., Book], world: World
) -> None:
    """A standby, or a server set to read only: it answers what is asked, and no pause begins."""
    url = postgresql.new()
    book = opened(url)
    name = sa.make_url(url).database
    postgresql.ask(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    book.store.engine.dispose()
    with pytest.raises(JournalError, match="read-only transaction"):
        written(world, book)
    assert world.principals["v0"].switches["one"] == "on"
    assert book.pauses.list() == (), "it can still be read"
    postgresql.ask(f"ALTER DATABASE {name} SET default_transaction_read_only = off")
    book.store.engine.dispose()
    assert written(world, book)


def test_a_read_only_file_can_be_read_and_not_written(
    opened: Callable[..., Book], tmp_path: Path, world: World
) -> None:
    """A copy on read-only media answers `status`; a pause on it is refused."""
    path = tmp_path / "journal.db"
    open_pause(opened(f"sqlite:///{path}"))
    book = opened(f"sqlite:///file:{path}?mode=ro&uri=true")
    assert [pause.id for pause in book.pauses.list()] == [FIRST]
    with pytest.raises(JournalError, match="readonly database"):
        written(world, book)
    assert world.principals["v0"].switches["one"] == "on"


def test_a_failed_transaction_leaves_nothing(book: Book) -> None:
    """Of an intent that breaks off in the middle neither hold nor record nor document stands."""
    hand = Hand(book)
    hand.lease(KEY)
    before = book.store.events()

    def break_off(*_: object) -> None:
        raise sa.exc.OperationalError("the connection broke", None, Exception("broke"))

    sa.event.listen(book.store.engine, "commit", break_off)
    with pytest.raises(JournalError, match="broke"):
        hand.intend(toggle(), raw="a text")
    sa.event.remove(book.store.engine, "commit", break_off)
    assert book.store.events() == before
    assert book.writes.holds() == ()
    assert book.writes.known(FIRST, [KEY]) == {}
    with book.store.read() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM bodies")).scalar() == 0


def test_a_server_started_anew_is_found_again(
    postgresql: Databases, opened: Callable[..., Book]
) -> None:
    """Connections that died while nobody used them are noticed before anything is said on them."""
    url = postgresql.new()
    book = opened(url)
    open_pause(book)
    postgresql.cut(url)
    book.pauses.note(FIRST, "noted", {})
    assert book.store.verify()[1] == ""


def test_a_connection_that_dies_in_the_middle_leaves_nothing(
    postgresql: Databases, opened: Callable[..., Book]
) -> None:
    """Cut off inside a transaction: a JournalError, and the journal as it was."""
    url = postgresql.new()
    book = opened(url)

    def cut_off() -> None:
        with book.store.write() as connection:
            book.store.append(connection, FIRST, "noted", {})
            postgresql.cut(url)
            book.store.append(connection, FIRST, "noted", {})

    with pytest.raises(JournalError, match="terminating connection"):
        cut_off()
    assert book.store.events() == ()


def test_a_writer_that_waits_too_long_is_told(
    book: Book, opened: Callable[..., Book], journal_url: str
) -> None:
    """Another writer that does not end is waited for, but not for ever."""
    impatient = opened(journal_url)
    shorten(impatient)
    with book.store.write() as connection:
        book.store.append(connection, FIRST, "noted", {})
        with pytest.raises(JournalError, match="lock"):
            impatient.pauses.note(FIRST, "noted", {})
    impatient.pauses.note(FIRST, "noted", {})
    assert book.store.verify() == (2, "")


def shorten(book: Book) -> None:
    """Wait for other writers only for a moment, in this journal's sessions."""
    if book.store.engine.dialect.name == "sqlite":
        on_checkout(book, "PRAGMA busy_timeout=200")
        return

    def say(connection: sa.Connection) -> None:
        connection.exec_driver_sql("SET lock_timeout = '200ms'")

    sa.event.listen(book.store.engine, "begin", say)


def test_a_frozen_writer_is_let_go_of(postgresql: Databases, opened: Callable[..., Book]) -> None:
    """A worker that stops in the middle of a write loses its turn; the others go on."""
    url = postgresql.new()
    book, other = opened(url), opened(url)

    def soon(connection: sa.Connection) -> None:
        connection.exec_driver_sql("SET idle_in_transaction_session_timeout = '200ms'")

    sa.event.listen(book.store.engine, "begin", soon)
    in_the_middle, done = threading.Event(), threading.Event()
    refused: list[BaseException] = []

    def freeze() -> None:
        try:
            with book.store.write() as connection:
                book.store.append(connection, FIRST, "frozen", {})
                in_the_middle.set()
                done.wait(30)
        except JournalError as error:
            refused.append(error)

    frozen = threading.Thread(target=freeze)
    frozen.start()
    assert in_the_middle.wait(30)
    other.pauses.note(FIRST, "noted", {})
    done.set()
    frozen.join()
    assert refused
    assert [e.kind for e in other.store.events()] == ["noted"]
