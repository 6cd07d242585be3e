"""The chain is append-only, and what was altered in it or beside it is found."""

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from support.journals import FIRST, KEY, STATEMENT, Hand, open_pause, overlay, tamper, toggle

from stopline.journal import tables as t
from stopline.journal.book import Book
from stopline.journal.database import JournalError
from stopline.model import Direction, Plan, Scope
from stopline.text import sha256

SECRET = '{"Statement": [], "Comment": "hunter2"}'


@pytest.fixture
def told(book: Book) -> Book:
    """A journal with a pause, a plan, and two documents contained."""
    open_pause(book)
    plan = Plan("mercor", Direction.CONTAIN, Scope(), (overlay(), toggle()), pause=FIRST)
    planned = book.pauses.keep_plan(plan)
    book.pauses.approve(FIRST, planned.ref, plan.digest, "bob", "unsigned")
    Hand(book).contain(overlay(), raw=SECRET)
    Hand(book, attempt="attempt-2").contain(toggle())
    return book


def test_the_chain_of_a_pause_is_whole(told: Book) -> None:
    """Events are numbered without a hole, each holds the hash of the one before it."""
    events = told.store.events()
    assert [e.seq for e in events] == list(range(1, len(events) + 1))
    assert told.store.verify() == (len(events), "")


@pytest.mark.parametrize(
    "statement",
    ["UPDATE events SET actor = 'mallory' WHERE seq = 2", "DELETE FROM events WHERE seq = 2"],
)
def test_events_are_never_edited(told: Book, statement: str) -> None:
    """The database itself refuses to alter or drop an event."""
    with pytest.raises(DBAPIError, match="append-only"), told.store.engine.begin() as connection:
        connection.exec_driver_sql(statement)
    assert told.store.verify()[1] == ""


def test_events_are_not_emptied_either(told: Book) -> None:
    """PostgreSQL's TRUNCATE, which knows no rows, is refused as well."""
    if told.store.engine.dialect.name == "sqlite":
        statement = "DELETE FROM events"  # SQLite has no other way to empty a table
    else:
        statement = "TRUNCATE events"
    with pytest.raises(DBAPIError, match="append-only"), told.store.engine.begin() as connection:
        connection.exec_driver_sql(statement)


@pytest.mark.parametrize(
    ("statements", "found"),
    [
        pytest.param(
            ("UPDATE events SET data = replace(data, 'breach', 'breech') WHERE seq = 1",),
            "event 1 does not match",
            id="one letter",
        ),
        pytest.param(
            ("UPDATE events SET actor = 'mallory' WHERE seq = 3",),
            "event 3 does not match",
            id="another name",
        ),
        pytest.param(("DELETE FROM events WHERE seq = 2",), "event 2 is missing", id="dropped"),
        pytest.param(("DELETE FROM events WHERE seq = 1",), "event 1 is missing", id="the first"),
        pytest.param(
            (
                "UPDATE events SET seq = 900 WHERE seq = 2",
                "UPDATE events SET seq = 2 WHERE seq = 3",
                "UPDATE events SET seq = 3 WHERE seq = 900",
            ),
            "event 2 does not match",
            id="two exchanged",
        ),
    ],
)
def test_an_edit_behind_our_back_is_found(
    told: Book, statements: tuple[str, ...], found: str
) -> None:
    """Whoever puts the triggers aside and edits a row breaks the chain, and where is said."""
    tamper(told, *map(sa.text, statements))
    assert found in told.store.verify()[1]


def test_a_document_that_was_altered_is_found_and_not_handed_out(told: Book) -> None:
    """A stored text is checked against its digest, by the reader and by the walk."""
    digest = sha256(SECRET)
    other = sa.select(t.bodies.c.body).where(t.bodies.c.kind == "plan").scalar_subquery()
    tamper(told, sa.update(t.bodies).where(t.bodies.c.digest == digest).values(body=other))
    with pytest.raises(JournalError, match="was altered"):
        told.store.body(digest)
    assert told.store.verify()[1] == f"the document {digest[:12]} was altered"


def test_a_document_with_flipped_bits_is_found(told: Book) -> None:
    """What cannot even be unpacked is an altered document, not a fault of the program."""
    digest = sha256(SECRET)
    broken = {"body": b"\x00broken"}
    tamper(told, sa.update(t.bodies).where(t.bodies.c.digest == digest).values(broken))
    with pytest.raises(JournalError, match="was altered"):
        told.store.body(digest)
    assert "was altered" in told.store.verify()[1]


def test_each_document_that_the_chain_names_is_missed(told: Book) -> None:
    """Plan, raw text, states before and after: whichever is gone, the event that names it is."""
    with told.store.read() as connection:
        kept = connection.execute(sa.select(t.bodies.c.digest, t.bodies.c.body)).all()
    assert len(kept) == 5  # the plan, the raw text, on, off, and our statement
    for digest, body in kept:
        tamper(told, sa.delete(t.bodies).where(t.bodies.c.digest == digest))
        with pytest.raises(JournalError, match="is missing"):
            told.store.body(digest)
        said = told.store.verify()[1]
        assert f"the document {digest[:12]} that event" in said
        assert said.endswith("names is missing")
        tamper(told, sa.insert(t.bodies).values(digest=digest, kind="x", body=body))
    assert told.store.verify()[1] == ""


def test_the_chain_holds_digests_and_no_documents(told: Book) -> None:
    """What an auditor is handed names documents; their texts are kept apart from it."""
    with told.store.read() as connection:
        chain = "".join(connection.execute(sa.select(t.events.c.data)).scalars())
    assert "hunter2" not in chain
    assert "Statement" not in chain
    assert sha256(SECRET) in chain
    assert told.store.body(sha256(SECRET)) == SECRET


def test_the_same_document_is_kept_once(book: Book) -> None:
    """A text has one digest and one row, however often it is kept."""
    refs = {book.pauses.keep("state", "{}") for _ in range(3)}
    assert refs == {sha256("{}")}


@pytest.mark.parametrize("text", ["", "ü\u2028\U0001f9ea", "x" * 1_000_000])
def test_any_text_comes_back_as_it_was(book: Book, text: str) -> None:
    """Empty, beyond the basic plane, a megabyte long: a document is kept to the letter."""
    assert book.store.body(book.pauses.keep("document", text)) == text


def test_events_are_found_by_pause_and_kind(told: Book) -> None:
    """What is asked for is told, in order, and nothing else."""
    assert [e.kind for e in told.store.events(FIRST, "intent")] == ["intent", "intent"]
    assert told.store.events("ffffffff") == ()
    documents = [e.data["document"] for e in told.store.events(kind="intent")]
    assert documents == [str(STATEMENT.document), str(KEY.document)]
