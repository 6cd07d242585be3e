"""The outbox: written with its event, quiet until contained, on a journal of any age."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import sqlalchemy as sa
from alembic import command
from support.journals import FIRST, SECOND, open_pause, tamper

from stopline.journal import database, store, tables
from stopline.journal.book import Book
from stopline.journal.outbox import LIFTED, QUIET, Draft, NoticeState, post
from stopline.journal.pauses import PauseStatus

ROOM = Draft("responders", "room", "", "subject", "what happened")
THEIRS = Draft("vendor", "mail", "security@mercor.example", "s", "t", outside=True)


def contained(book: Book) -> None:
    """Say that the pause is contained, which tells the room and the vendor."""
    drafts = (ROOM, THEIRS)
    book.pauses.mark(FIRST, PauseStatus.CONTAINED, event="contained", drafts=drafts)


def test_a_notice_is_written_with_its_event_and_named_in_the_chain(book: Book) -> None:
    """State, key and the digest of the text; the same status again tells nobody again."""
    open_pause(book)
    contained(book)
    contained(book)
    room, theirs = sorted(book.outbox.of(FIRST), key=lambda n: n.channel, reverse=True)
    assert (room.state, theirs.state) == (NoticeState.PENDING, NoticeState.PENDING)
    (event,) = book.pauses.events(FIRST, "notices")
    assert {n["key"]: n["body"] for n in event.data["notices"]} == {
        room.key: room.body,
        theirs.key: theirs.body,
    }
    assert book.outbox.text(room) == "what happened"
    assert book.store.verify()[1] == ""


def test_a_route_that_is_configured_twice_is_told_once_and_undoes_no_event(book: Book) -> None:
    """The same channel twice in notices.yaml must not keep a pause from being written down."""
    open_pause(book)
    book.pauses.mark(FIRST, PauseStatus.CONTAINED, event="contained", drafts=(ROOM, ROOM))
    assert book.pauses.get(FIRST).status is PauseStatus.CONTAINED
    assert len(book.outbox.due(FIRST)) == 1


def test_when_the_event_is_not_written_nor_is_its_notice(book: Book) -> None:
    """One transaction: what fails in it leaves neither."""
    open_pause(book)
    with pytest.raises(ValueError, match="cut"):
        write_and_die(book)
    assert book.outbox.of(FIRST) == ()
    assert book.pauses.events(FIRST, "audited") == ()


def write_and_die(book: Book) -> None:
    """Write an event and its notice, and fail before the transaction ends."""
    with book.store.write() as connection:
        book.store.append(connection, FIRST, "audited", {})
        post(book.store, connection, FIRST, "drift", [ROOM])
        raise ValueError("cut")


@pytest.mark.parametrize("status", [s for s in PauseStatus if s is not PauseStatus.CONTAINED])
def test_those_outside_hear_nothing_before_containment_is_verified(
    book: Book, status: PauseStatus
) -> None:
    """Whatever else the pause is: their notice is withheld with the reason, and is never due."""
    open_pause(book)
    book.pauses.mark(FIRST, PauseStatus.STOPPED)
    book.pauses.note(FIRST, "audited", {}, event="drift", drafts=(THEIRS,))
    if status is not PauseStatus.STOPPED:
        book.pauses.mark(FIRST, status, event="x", drafts=(THEIRS, ROOM))
    outside = [n for n in book.outbox.of(FIRST) if n.audience == "vendor"]
    why = QUIET.format("this pause")
    assert {(n.state, n.why) for n in outside} == {(NoticeState.WITHHELD, why)}
    assert all(n.audience != "vendor" for n in book.outbox.due(FIRST))


def test_one_pause_of_a_vendor_that_is_contained_tells_nobody_outside_while_another_is_not(
    book: Book,
) -> None:
    """Payouts are held, and its access is still open: who hears of the one hurries with the other.

    A pause of another vendor keeps nobody quiet.
    """
    open_pause(book)
    open_pause(book, SECOND)
    open_pause(book, "0000000c", "another")
    book.pauses.mark(SECOND, PauseStatus.CONTAINED, event="contained", drafts=(ROOM, THEIRS))
    (theirs,) = [n for n in book.outbox.of(SECOND) if n.audience == "vendor"]
    assert (theirs.state, theirs.why) == (
        NoticeState.WITHHELD, QUIET.format(f"the pause {FIRST}"),
    )  # fmt: skip
    assert [n.audience for n in book.outbox.due(SECOND)] == ["responders"]
    assert book.outbox.quiet_by(SECOND) == (FIRST,)
    contained(book)
    assert {n.audience for n in book.outbox.due(FIRST)} == {"responders", "vendor"}
    assert book.outbox.quiet_by(SECOND) == ()


def test_the_second_persons_word_about_the_other_pause_lets_those_outside_hear(book: Book) -> None:
    """And so does its end: what is over keeps nobody quiet."""
    open_pause(book)
    open_pause(book, SECOND)
    open_pause(book, "0000000c")
    book.pauses.note(FIRST, LIFTED, {"reason": "they must know"}, "riley")
    assert book.outbox.quiet_by(SECOND) == (SECOND, "0000000c")
    book.pauses.mark("0000000c", PauseStatus.CLOSED)
    book.pauses.mark(SECOND, PauseStatus.CONTAINED, event="contained", drafts=(THEIRS,))
    assert [n.state for n in book.outbox.of(SECOND)] == [NoticeState.PENDING]


def test_after_containment_those_outside_are_told_of_the_end_too(book: Book) -> None:
    """The chain remembers that it was contained once."""
    open_pause(book)
    contained(book)
    book.pauses.mark(FIRST, PauseStatus.CLOSED, event="restored", drafts=(THEIRS,))
    assert [n.event for n in book.outbox.due(FIRST, "mail")] == ["contained", "restored"]
    assert len({n.key for n in book.outbox.of(FIRST)}) == 3


@pytest.mark.parametrize("between", [PauseStatus.PARTIAL, PauseStatus.TERMINATED])
def test_those_outside_hear_once_that_it_is_contained(book: Book, between: PauseStatus) -> None:
    """New access that an audit had contained, or a part that ended, is news inside alone."""
    open_pause(book)
    contained(book)
    book.pauses.mark(FIRST, between)
    contained(book)
    told = [n.audience for n in book.outbox.of(FIRST)]
    assert (told.count("responders"), told.count("vendor")) == (2, 1)


def test_who_was_told_that_it_is_given_back_hears_when_it_is_contained_again(book: Book) -> None:
    """After the last word that they heard, this is another."""
    open_pause(book)
    contained(book)
    book.pauses.mark(FIRST, PauseStatus.CLOSED, event="restored", drafts=(THEIRS,))
    contained(book)
    assert [n.event for n in book.outbox.due(FIRST, "mail")] == [
        "contained", "restored", "contained",
    ]  # fmt: skip


@pytest.mark.parametrize("state", [NoticeState.WITHDRAWN, NoticeState.FAILED])
def test_who_never_got_the_word_that_it_is_contained_is_told_the_next_time(
    book: Book, state: NoticeState
) -> None:
    """What was withdrawn, or failed, has told them nothing; nor has what another address got."""
    open_pause(book)
    other = replace(THEIRS, recipient="ceo@mercor.example")
    book.pauses.mark(FIRST, PauseStatus.CONTAINED, event="contained", drafts=(THEIRS, other))
    for notice in book.outbox.due(FIRST):
        mine = notice.recipient == THEIRS.recipient
        book.outbox.ended(notice, state if mine else NoticeState.SENT, "why")
    book.pauses.mark(FIRST, PauseStatus.PARTIAL)
    book.pauses.mark(FIRST, PauseStatus.CONTAINED, event="contained", drafts=(THEIRS, other))
    assert [n.recipient for n in book.outbox.due(FIRST)] == [THEIRS.recipient]


def test_a_channel_that_fails_is_amber_until_it_is_sent_and_ends_once(book: Book) -> None:
    """Tried and not sent is amber, and so is failed; what has ended stays as it ended."""
    open_pause(book)
    contained(book)
    notice = book.outbox.due(FIRST, "room")[0]
    assert not notice.amber
    book.outbox.tried(notice, "Slack asks to wait")
    (tried,) = book.outbox.due(FIRST, "room")
    assert tried.amber
    assert (tried.attempts, tried.why) == (1, "Slack asks to wait")
    book.outbox.ended(notice, NoticeState.SENT)
    book.outbox.ended(notice, NoticeState.FAILED, "too late")
    sent = next(n for n in book.outbox.of(FIRST) if n.key == notice.key)
    assert (sent.state, sent.amber, bool(sent.sent_at)) == (NoticeState.SENT, False, True)
    assert len(book.pauses.events(FIRST, "notice-sent")) == 1
    assert book.pauses.events(FIRST, "notice-failed") == ()


def test_what_can_never_be_sent_is_failed_at_once(book: Book) -> None:
    """A broken file of configuration is seen as a notice that failed, with the reason."""
    open_pause(book)
    drafts = (replace(ROOM, wrong="notices.yaml:3: no"),)
    book.pauses.mark(FIRST, PauseStatus.PARTIAL, event="partial", drafts=drafts)
    (notice,) = book.outbox.of(FIRST)
    assert (notice.state, notice.why, notice.amber) == ("failed", "notices.yaml:3: no", True)


def test_a_text_that_is_missing_breaks_the_chain(book: Book) -> None:
    """What was sent is journalled with its digest: nobody can take it out afterwards."""
    open_pause(book)
    contained(book)
    digest = book.outbox.of(FIRST)[0].body
    tamper(book, sa.delete(tables.bodies).where(tables.bodies.c.digest == digest))
    assert digest[:12] in book.store.verify()[1]


def test_a_journal_of_the_first_release_is_brought_up_to_date(
    journal_url: str, opened: Callable[..., Book]
) -> None:
    """Its events stay as they are, under the same hashes, and it can hold notices from then on."""
    engine = database.engine_of(journal_url)
    with database.writing(engine) as connection:
        command.upgrade(store._migrations(connection), "0001")
        row = {
            "seq": 1, "at": "2026-11-01T00:00:00.000Z", "pause": FIRST, "kind": "note",
            "actor": "alice", "data": "{}", "previous": store.GENESIS,
        }  # fmt: skip
        connection.execute(sa.insert(tables.events).values(**row, hash=store.link(row)))
        connection.execute(sa.insert(tables.meta).values(name="journal", value="cafe0001"))
        assert "notices" not in sa.inspect(connection).get_table_names()
    engine.dispose()
    book = opened(journal_url)
    assert (book.id, book.store.verify()) == ("cafe0001", (1, ""))
    open_pause(book)
    contained(book)
    assert len(book.outbox.due(FIRST)) == 2
    assert book.store.verify()[1] == ""
