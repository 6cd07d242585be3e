"""Several workers on one journal: whatever they do at once, the outcome is that of some order."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa
from support import crowd as c
from support.crowd import SIZE, Crowd
from support.journals import FIRST, KEY, Clock, Hand, open_pause, toggle

from stopline.journal import tables as t
from stopline.journal.book import Book, open_book
from stopline.journal.pauses import PauseStatus

pytestmark = pytest.mark.night

PATIENCE = 30


@pytest.fixture(scope="module", params=[c.threads, c.processes], ids=["threads", "processes"])
def crowd(request: pytest.FixtureRequest) -> Iterator[Crowd]:
    """Four who begin at the same moment."""
    with request.param() as members:
        yield members


@pytest.fixture
def seen(journal_url: str, crowd: Crowd) -> Iterator[Callable[[], Book]]:
    """The journal as somebody sees it who comes after them."""
    books: list[Book] = []

    def look() -> Book:
        books.append(open_book(journal_url))
        return books[-1]

    yield look
    if crowd.shared:
        books.append(c.book_of(journal_url))
    for book in books:
        book.close()
    c.forget()


def test_a_new_journal_that_all_open_gets_one_id(
    crowd: Crowd, journal_url: str, seen: Callable[[], Book]
) -> None:
    """One of them makes it; the others find it made."""
    ids = set(crowd.all(c.open_it, journal_url))
    assert ids == {seen().id}


def test_the_chain_has_one_end(crowd: Crowd, journal_url: str, seen: Callable[[], Book]) -> None:
    """Nobody's event is lost, nobody's number is given twice, and the hashes follow each other."""
    crowd.all(c.note, journal_url, 15)
    book = seen()
    assert book.store.verify() == (15 * SIZE, "")
    for number in range(SIZE):
        turns = [e.data["turn"] for e in book.store.events(f"{number:08x}")]
        assert turns == list(range(15))


def test_the_same_texts_are_kept_once(
    crowd: Crowd, journal_url: str, seen: Callable[[], Book]
) -> None:
    """Four who keep the same documents at once are all given the same digests."""
    texts = [f"text {n}" for n in range(10)]
    answers = crowd.all(c.keep, journal_url, texts)
    assert all(answer == answers[0] for answer in answers)
    assert [seen().store.body(ref) for ref in answers[0]] == texts


def test_the_same_pause_and_the_same_words_are_recorded_once(
    crowd: Crowd, journal_url: str, seen: Callable[[], Book]
) -> None:
    """One is opened, and all are told when; one status, one approval."""
    assert len(set(crowd.all(c.open_same_pause, journal_url))) == 1
    crowd.all(c.mark_and_approve, journal_url)
    kinds = Counter(e.kind for e in seen().store.events(FIRST))
    assert kinds == {"opened": 1, "status": 1, "approved": 1}


def test_a_lease_is_given_to_one(crowd: Crowd, journal_url: str, seen: Callable[[], Book]) -> None:
    """Of all who ask for a document at once exactly one has it."""
    got = crowd.all(c.lease, journal_url, 12)
    assert sorted(n for each in got for n in each) == list(range(12))
    with seen().store.read() as connection:
        held = Counter(connection.execute(sa.select(t.leases.c.holder)).scalars())
    assert held == {f"holder-{n}": len(each) for n, each in enumerate(got) if each}


def test_holds_of_many_pauses_come_and_go_together(
    crowd: Crowd, journal_url: str, seen: Callable[[], Book]
) -> None:
    """All hold the same keys and let go of them: nothing is left, and the chain is whole."""
    crowd.all(c.contain_and_restore, journal_url, 3)
    book = seen()
    with book.store.read() as connection:
        for table in (t.holds, t.records, t.originals, t.leases):
            assert connection.execute(sa.select(table)).all() == []
    assert book.store.verify()[1] == ""


# --- one who is in the middle of it, and one who comes ------------------------------------------


def waits(book: Book) -> bool:
    """Whether somebody waits for this journal's writer; SQLite does not tell, so: surely."""
    if book.store.engine.dialect.name == "sqlite":
        return True
    waiting = sa.text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    for _ in range(PATIENCE * 100):
        with book.store.read() as connection:
            if connection.execute(waiting).scalar():
                return True
        time.sleep(0.01)
    return False


class Gate:
    """Stops a journal's owner right before the first statement that begins so."""

    def __init__(self, book: Book, statement: str) -> None:
        """Watch every statement."""
        self.statement = statement
        self.reached, self.opened = threading.Event(), threading.Event()
        sa.event.listen(book.store.engine, "before_cursor_execute", self._look)

    def _look(self, _connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith(self.statement) and not self.reached.is_set():
            self.reached.set()
            assert self.opened.wait(PATIENCE)


def in_the_middle(
    first: Callable[[], Any], gate: Gate, second: Callable[[], Any], watched: Book
) -> tuple[Any, Any]:
    """Stop `first` at the gate, begin `second`, let both go; their answers."""
    with ThreadPoolExecutor(2) as executor:
        one = executor.submit(first)
        assert gate.reached.wait(PATIENCE)
        two = executor.submit(second)
        waiting = waits(watched)
        gate.opened.set()
        answers = one.result(PATIENCE), two.result(PATIENCE)
    assert waiting, "the second did not wait for the first"
    return answers


@pytest.fixture
def other(opened: Callable[..., Book], journal_url: str, book: Book) -> Book:
    """The same journal, opened by somebody else."""
    return opened(journal_url)


def test_who_appends_second_sees_what_the_first_committed(book: Book, other: Book) -> None:
    """The chain's end is read after the wait, not before it."""
    gate = Gate(book, "INSERT INTO events")
    in_the_middle(
        lambda: book.pauses.note(FIRST, "one", {}),
        gate,
        lambda: other.pauses.note(FIRST, "two", {}),
        other,
    )
    assert [e.kind for e in book.store.events()] == ["one", "two"]
    assert other.store.verify() == (2, "")


def test_who_takes_a_lease_over_knows_what_the_last_holder_intended(
    book: Book, other: Book, clock: Clock
) -> None:
    """An intent in flight is committed before the lease is given on, so it is seen."""
    old, new = Hand(book), Hand(other, attempt="attempt-2")
    assert old.lease(KEY)
    gate = Gate(book, "INSERT INTO holds")
    clock.now += 60

    def take_over() -> Any:
        assert new.lease(KEY)
        return other.writes.known(FIRST, [KEY])

    _, known = in_the_middle(lambda: old.intend(toggle()), gate, take_over, other)
    assert known[KEY].intended
    assert not book.writes.leased(KEY.document, old.attempt), "so the old one does not write"


def test_what_was_intended_before_a_rollback_began_is_planned_back(book: Book, other: Book) -> None:
    """A containment in flight is either refused, or its hold is seen by the rollback's plan."""
    open_pause(book)
    hand = Hand(book)
    assert hand.lease(KEY)
    gate = Gate(book, "INSERT INTO holds")

    def begin_rollback() -> Any:
        other.pauses.mark(FIRST, PauseStatus.RESTORING)
        return other.writes.holds(FIRST)

    _, holds = in_the_middle(lambda: hand.intend(toggle()), gate, begin_rollback, other)
    assert [hold.address for hold in holds] == [KEY]


def test_a_reading_is_of_one_moment(book: Book, other: Book) -> None:
    """What is committed between two questions of one reading is not seen by the second."""
    with book.store.read() as connection:
        count = sa.select(sa.func.count()).select_from(t.events)
        before = connection.execute(count).scalar_one()
        other.pauses.note(FIRST, "noted", {})
        assert connection.execute(count).scalar_one() == before
    with book.store.read() as connection:
        assert connection.execute(count).scalar_one() == before + 1
