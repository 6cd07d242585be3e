"""What a journal has of documents is encrypted where it has a key, and is read by nobody else."""

import base64
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet
from hypothesis import assume, given
from hypothesis import strategies as st
from support.journals import FIRST, Hand, open_pause, overlay, toggle

from stopline.errors import ConfigError
from stopline.journal import database
from stopline.journal import tables as t
from stopline.journal.book import Book
from stopline.journal.database import JournalError
from stopline.journal.encrypting import MARK, Keys, keys_of
from stopline.journal.rekeying import encrypt, not_current
from stopline.model import Change, State

SECRET = "hunter2-external-id"
OLD, NEW = (base64.urlsafe_b64encode(bytes([n]) * 32) for n in (1, 2))
Opened = Callable[..., Book]


def keys(*each: bytes) -> Keys:
    """Keys, the first of which encrypts."""
    return Keys(tuple(map(Fernet, each)))


def changes() -> tuple[Change, Change]:
    """A switch and a statement of ours; what was there before has a secret in it."""
    switch = toggle()
    before = State.of({"Status": "on", "Secret": SECRET})
    return Change(switch.address, before, switch.after, switch.rule, switch.breadth), overlay()


def hold(book: Book) -> None:
    """Contain both, with a raw text and a document that have the secret in them as well."""
    open_pause(book)
    for change in changes():
        Hand(book).contain(change, raw=f'{{"Secret":"{SECRET}"}}')
    book.pauses.keep("frozen", SECRET * 3)


def kept(url: str) -> Iterator[bytes]:
    """Every value of the whole database as it is kept, decompressed where it was compressed."""
    engine = database.engine_of(url)
    with database.reading(engine) as connection:
        for table in (*t.metadata.sorted_tables,):
            for row in connection.execute(sa.text(f"SELECT * FROM {table.name}")):  # noqa: S608
                for value in row:
                    data = (
                        bytes(value)
                        if isinstance(value, bytes | memoryview)
                        else str(value).encode()
                    )
                    try:
                        yield zlib.decompress(data)
                    except zlib.error:
                        yield data
    engine.dispose()


def told(url: str) -> bool:
    """Whether the secret can be read by who has the database and nothing else."""
    return any([SECRET.encode() in value for value in kept(url)])  # noqa: C419 - to its end


def test_nothing_of_a_document_is_in_an_encrypted_journal(opened: Opened, journal_url: str) -> None:
    """States, changes, raw texts and documents; with the key all of it is what it was."""
    book = opened(journal_url, keys=keys(OLD))
    hold(book)
    assert not told(journal_url)
    assert not not_current(book.store, keys(OLD))
    again = opened(journal_url, keys=keys(OLD))
    found = {hold.address: hold for hold in again.writes.holds(FIRST)}
    assert {a: h.change for a, h in found.items()} == {c.address: c for c in changes()}
    prior = found[changes()[0].address].prior
    assert prior is not None
    assert SECRET in prior.body
    assert again.store.verify() == (len(again.store.events()), "")


def test_without_a_key_whoever_has_the_database_reads_it(opened: Opened, journal_url: str) -> None:
    """What the others show is shown by this: the secret is there to be found."""
    book = opened(journal_url)
    hold(book)
    assert told(journal_url)
    assert not_current(book.store, keys(OLD)) > 4


@pytest.mark.parametrize(("with_", "why"), [((), "is not set"), ((NEW,), "no key of")])
def test_without_its_key_an_encrypted_journal_is_not_opened(
    opened: Opened, journal_url: str, with_: tuple[bytes, ...], why: str
) -> None:
    """A worker that went on would write in the clear, or what the others cannot read."""
    opened(journal_url, keys=keys(OLD))
    with pytest.raises(JournalError, match=why) as refused:
        opened(journal_url, keys=keys(*with_))
    assert "nothing was written" in refused.value.what
    assert "STOPLINE_JOURNAL_KEY" in refused.value.next_step
    assert OLD.decode() not in str(refused.value)


def test_what_stood_in_the_clear_is_read_and_then_encrypted(
    opened: Opened, journal_url: str
) -> None:
    """A key can come later: what is older is read on, counted, and encrypted by a command."""
    hold(opened(journal_url))
    book = opened(journal_url, keys=keys(OLD))
    clear = not_current(book.store, keys(OLD))
    assert clear > 4
    assert len(book.writes.holds(FIRST)) == 2
    seen: list[tuple[int, int]] = []
    assert encrypt(book.store, keys(OLD), lambda *two: seen.append(two)) == clear
    assert seen[-1][0] == seen[-1][1] > 4
    assert not told(journal_url)
    assert not_current(book.store, keys(OLD)) == 0
    assert encrypt(book.store, keys(OLD), lambda *_: None) == 0
    assert book.store.verify()[1] == ""


def test_an_sqlite_file_has_nothing_in_its_free_pages(opened: Opened, tmp_path: Path) -> None:
    """The bytes of the file and of its log, not only its rows."""
    url = f"sqlite:///{tmp_path}/journal.db"
    plain = opened(url)
    open_pause(plain)
    Hand(plain).contain(changes()[0], raw=SECRET)
    plain.close()
    files = lambda: b"".join(path.read_bytes() for path in tmp_path.glob("journal.db*"))  # noqa: E731
    assert SECRET.encode() in files()
    encrypt(opened(url, keys=keys(OLD)).store, keys(OLD), lambda *_: None)
    assert SECRET.encode() not in files()


def test_who_was_killed_before_the_file_was_written_anew_has_it_done_the_next_time(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is left to encrypt then, and the free pages still have it."""
    url = f"sqlite:///{tmp_path}/journal.db"
    hold(opened(url))
    book = opened(url, keys=keys(OLD))
    with monkeypatch.context() as dying:
        dying.setattr(database, "forget", lambda _: None)
        encrypt(book.store, keys(OLD), lambda *_: None)
    assert encrypt(book.store, keys(OLD), lambda *_: None) == 0
    written = b"".join(path.read_bytes() for path in tmp_path.glob("journal.db*"))
    assert SECRET.encode() not in written


def test_trap_a_reader_keeps_the_file_from_being_written_anew_and_that_is_said(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite raises nothing for it."""
    monkeypatch.setattr(database, "WAIT_SECONDS", 1)
    url = f"sqlite:///{tmp_path}/journal.db"
    hold(opened(url))
    book = opened(url, keys=keys(OLD))
    with database.reading(book.store.engine) as connection:
        connection.execute(sa.text("SELECT count(*) FROM bodies")).scalar_one()
        with pytest.raises(JournalError, match="somebody reads it") as refused:
            encrypt(book.store, keys(OLD), lambda *_: None)
    assert "stopline journal encrypt" in refused.value.next_step
    assert encrypt(book.store, keys(OLD), lambda *_: None) == 0


def test_what_a_worker_writes_by_the_earlier_key_meanwhile_is_counted(
    opened: Opened, journal_url: str
) -> None:
    """It has the file of keys as it was: that key is still needed."""
    old = opened(journal_url, keys=keys(OLD))
    both = opened(journal_url, keys=keys(NEW, OLD))
    encrypt(both.store, keys(NEW, OLD), lambda *_: None)
    hold(old)
    assert not_current(both.store, keys(NEW, OLD)) > 4
    encrypt(both.store, keys(NEW, OLD), lambda *_: None)
    assert not_current(both.store, keys(NEW, OLD)) == 0


def test_one_key_takes_the_place_of_another(opened: Opened, journal_url: str) -> None:
    """Both while it lasts; afterwards the old one opens nothing, and is not needed."""
    hold(opened(journal_url, keys=keys(OLD)))
    both = opened(journal_url, keys=keys(NEW, OLD))
    assert encrypt(both.store, keys(NEW, OLD), lambda *_: None) > 4
    only = opened(journal_url, keys=keys(NEW))
    assert len(only.writes.holds(FIRST)) == 2
    assert only.store.verify()[1] == ""
    with pytest.raises(JournalError, match="no key of"):
        opened(journal_url, keys=keys(OLD))


def test_who_dies_while_encrypting_has_lost_nothing(opened: Opened, journal_url: str) -> None:
    """What is done is done; the next one does the rest, under both keys until then."""
    hold(opened(journal_url, keys=keys(OLD)))
    both = opened(journal_url, keys=keys(NEW, OLD))

    def dying(seen: int, total: int) -> None:
        assert seen < total
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        encrypt(both.store, keys(NEW, OLD), dying)
    assert len(opened(journal_url, keys=keys(OLD, NEW)).writes.holds(FIRST)) == 2
    assert encrypt(both.store, keys(NEW, OLD), lambda *_: None) > 0
    assert opened(journal_url, keys=keys(NEW)).store.verify()[1] == ""


def test_a_document_that_was_altered_is_told(opened: Opened, journal_url: str) -> None:
    """Encrypted or not, it is not what was kept; a state that was altered is not read."""
    book = opened(journal_url, keys=keys(OLD))
    hold(book)
    with book.store.write() as connection:
        connection.execute(sa.text("UPDATE records SET prior = :kept"), {"kept": "\x01nothing"})
        bodies = {"kept": MARK + b"nothing"}
        connection.execute(sa.text("UPDATE bodies SET body = :kept"), bodies)
    assert "or it was altered" in book.store.verify()[1]
    with pytest.raises(JournalError, match="or it was altered"):
        book.writes.holds(FIRST)


@given(st.binary(), st.sampled_from([keys(OLD), keys(NEW, OLD), keys()]))
def test_whatever_is_encrypted_is_read_as_it_was_written(plain: bytes, by: Keys) -> None:
    """However long, an empty one too, and by whichever key."""
    kept = by.encrypted(plain)
    assume(by or not plain.startswith(MARK))
    assert by.plain(kept) == plain
    assert by.current(kept) == bool(by)
    assert plain not in kept or not by or len(plain) < 8


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f"# the first\n{OLD.decode()[:-6]}\n", ":2 is no key"),
        (f"{OLD.decode()}\nhunter2\n", ":2 is no key"),
        ("\n# none\n", "has no key"),
        ("kéy\n", "it is no text"),
        (None, "No such file"),
    ],
)
def test_a_file_of_keys_that_is_none_is_named_and_not_shown(
    tmp_path: Path, text: str | None, why: str
) -> None:
    """With its line; whatever stands there may be half a key."""
    file = tmp_path / "keys"
    if text is not None:
        file.write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=why) as refused:
        keys_of(file)
    assert str(file) in refused.value.what
    assert "hunter2" not in str(refused.value)
    assert OLD.decode()[:20] not in str(refused.value)
    assert not keys_of(None)
