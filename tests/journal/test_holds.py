"""Holds, records and raw texts: what was there before stands until the last one lets go."""

from dataclasses import replace

import pytest
import sqlalchemy as sa
from support.journals import (
    FIRST,
    KEY,
    NEIGHBOUR,
    OFF,
    ON,
    SECOND,
    STATEMENT,
    Hand,
    open_pause,
    overlay,
    toggle,
)

from stopline.journal import tables as t
from stopline.journal.book import Book
from stopline.model import Direction, State
from stopline.receipts import Outcome

RAW = '{ "Statement": [ ] }'


def left(book: Book) -> int:
    """How many rows are left of what is true now."""
    tables = (t.holds, t.records, t.originals)
    with book.store.read() as connection:
        return sum(
            connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
            for table in tables
        )


def test_a_hold_knows_what_was_there_and_what_we_left(book: Book) -> None:
    """After the receipt the hold has the prior state, ours, and that it was written."""
    Hand(book).contain(toggle())
    (hold,) = book.writes.holds(FIRST)
    assert (hold.prior, hold.ours, hold.written, hold.unproven) == (ON, OFF, True, False)
    assert hold.change == toggle()


def test_between_intent_and_receipt_nothing_is_written_yet(book: Book) -> None:
    """The hold stands from the intent on, and says that no receipt shows it."""
    hand = Hand(book)
    hand.lease(KEY)
    hand.intend(toggle())
    (hold,) = book.writes.holds()
    assert (hold.prior, hold.written) == (ON, False)
    known = book.writes.known(FIRST, [KEY, STATEMENT])
    assert set(known) == {KEY}
    assert known[KEY].intended


def test_the_first_prior_stands(book: Book) -> None:
    """No retry that finds our own state takes it for what was there before."""
    Hand(book).contain(toggle())
    again = Hand(book, attempt="attempt-2", found={KEY: OFF})
    again.contain(toggle())
    (hold,) = book.writes.holds()
    assert hold.prior == ON


def test_what_somebody_set_anew_is_the_latest_prior(book: Book) -> None:
    """A toggle that a stranger set to something else is given back as that."""
    expired = State.of({"Status": "expired"})
    Hand(book).contain(toggle())
    again = Hand(book, attempt="attempt-2", found={KEY: expired})
    again.lease(KEY)
    again.intend(replace(toggle(), before=expired))
    (hold,) = book.writes.holds()
    assert (hold.prior, hold.written) == (expired, False)


def test_a_second_pause_claims_and_the_last_release_forgets(book: Book) -> None:
    """Two pauses hold one address; the record stays with the last of them, then goes."""
    Hand(book).contain(toggle())
    Hand(book, SECOND, "attempt-2", found={KEY: OFF}).contain(toggle())
    assert [(h.pause, h.prior) for h in book.writes.holds()] == [(FIRST, ON), (SECOND, ON)]
    assert book.writes.known(FIRST, [KEY])[KEY].others == (SECOND,)
    back = Hand(book, FIRST, "attempt-3", Direction.RESTORE)
    back.lease(KEY)
    back.settle(toggle().inverse(), outcome=Outcome.ALREADY)
    back.unlease(KEY)
    (hold,) = book.writes.holds()
    assert (hold.pause, hold.prior) == (SECOND, ON)
    Hand(book, SECOND, "attempt-4").restore(toggle())
    assert left(book) == 0


def test_an_unproven_toggle_says_so_until_it_is_proven(book: Book) -> None:
    """A write that was cut from its receipt is marked, and a later receipt unmarks it."""
    hand = Hand(book)
    hand.lease(KEY)
    hand.intend(toggle())
    hand.settle(toggle(), outcome=Outcome.UNPROVEN)
    (hold,) = book.writes.holds()
    assert (hold.unproven, hold.written) == (True, False)
    hand.settle(toggle(), outcome=Outcome.APPLIED)
    (hold,) = book.writes.holds()
    assert (hold.unproven, hold.written) == (False, True)


def test_what_failed_before_it_was_sent_is_not_held(book: Book) -> None:
    """A receipt that says that nothing of ours is there takes the hold with it."""
    hand = Hand(book)
    hand.lease(KEY)
    hand.intend(toggle())
    hand.settle(toggle(), outcome=Outcome.FAILED, held=False)
    assert left(book) == 0
    assert book.pauses.latest(FIRST)[KEY]["outcome"] == Outcome.FAILED


def test_the_first_raw_text_wins(book: Book) -> None:
    """The text from before our first overlay is what a write back is built on."""
    Hand(book).contain(overlay(), raw=RAW)
    second = Hand(book, attempt="attempt-2", found={STATEMENT: overlay().after})
    second.lease(NEIGHBOUR)
    assert second.intend(overlay(NEIGHBOUR), raw='{"Statement": [1]}') == RAW


def test_a_raw_text_that_nobody_wrote_on_is_read_again(book: Book) -> None:
    """An intent that came to nothing leaves no text behind that a stranger has changed since."""
    hand = Hand(book)
    hand.lease(STATEMENT)
    assert hand.intend(overlay(), raw=RAW) == RAW
    hand.found = {}
    assert hand.intend(overlay(), raw='{"Statement": [2]}') == '{"Statement": [2]}'


def test_the_raw_text_goes_with_the_documents_last_record(book: Book) -> None:
    """Of two overlays in one document the last that is lifted takes the text with it."""
    for number, change in enumerate((overlay(), overlay(NEIGHBOUR))):
        Hand(book, attempt=f"attempt-{number}").contain(change, raw=RAW)
    Hand(book, attempt="attempt-3").restore(overlay())
    assert left(book) == 3  # a hold, a record and the text
    Hand(book, attempt="attempt-4").restore(overlay(NEIGHBOUR))
    assert left(book) == 0


def test_a_recreated_principal_is_followed_by_every_hold(book: Book) -> None:
    """Contained anew under another id: the other pause's hold is on that one now, too."""
    Hand(book).contain(toggle())
    Hand(book, SECOND, "attempt-2").contain(toggle(uid="u9"))
    assert {h.change.uid for h in book.writes.holds()} == {"u9"}
    assert book.writes.known(FIRST, [KEY])[KEY].uid == "u9"


@pytest.mark.parametrize("length", [500, 2000])
def test_long_addresses_and_texts_are_held(book: Book, length: int) -> None:
    """An address as long as an ARN can be, and a text of any length."""
    noise = "".join(f"{n:x}" for n in range(length))[:length]
    address = replace(STATEMENT, id=f"data#{noise}")
    Hand(book).contain(overlay(address), raw="x" * 100_000)
    assert [h.address for h in book.writes.holds()] == [address]


def test_the_same_pause_is_opened_once(book: Book) -> None:
    """The same id again changes nothing, and says nothing."""
    first = open_pause(book)
    assert open_pause(book, vendor="other") == first
    assert [e.kind for e in book.store.events(FIRST)] == ["opened"]


def test_the_same_word_is_recorded_once(book: Book) -> None:
    """An approval that is sent again is one approval; another person's is another."""
    open_pause(book)
    for by in ("bob", "bob", "carol"):
        book.pauses.approve(FIRST, "ref", "digest", by, "unsigned")
    assert [e.actor for e in book.store.events(FIRST, "approved")] == ["bob", "carol"]
