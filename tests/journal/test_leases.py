"""A document is one attempt's to write, for a while."""

import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from support.journals import FIRST, KEY, SECOND, Clock, Hand, open_pause, toggle

from stopline.errors import ConnectorError
from stopline.journal.book import Book
from stopline.journal.pauses import PauseStatus
from stopline.model import Direction

DOCUMENT = KEY.document


def test_a_lease_is_one_holders(book: Book) -> None:
    """The second who asks is refused, until it is given back."""
    assert book.writes.lease(DOCUMENT, "one")
    assert not book.writes.lease(DOCUMENT, "two")
    book.writes.unlease(DOCUMENT, "two")  # not theirs to give
    assert not book.writes.lease(DOCUMENT, "two")
    book.writes.unlease(DOCUMENT, "one")
    assert book.writes.lease(DOCUMENT, "two")


def test_a_lease_is_renewed_by_its_holder(book: Book, clock: Clock) -> None:
    """Asking again begins it anew."""
    assert book.writes.lease(DOCUMENT, "one")
    clock.now += 20
    assert not book.writes.leased(DOCUMENT, "one"), "ten seconds are less than a request"
    assert book.writes.lease(DOCUMENT, "one")
    assert book.writes.leased(DOCUMENT, "one")
    clock.now += 20
    assert not book.writes.lease(DOCUMENT, "two")


def test_a_lease_runs_out(book: Book, clock: Clock) -> None:
    """After its time another attempt has it, and the first one has lost it."""
    assert book.writes.lease(DOCUMENT, "one")
    clock.now += 30
    assert book.writes.lease(DOCUMENT, "two")
    assert not book.writes.leased(DOCUMENT, "one")
    assert not book.writes.lease(DOCUMENT, "one")
    assert book.writes.leased(DOCUMENT, "two")


def test_leases_of_different_documents_do_not_meet(book: Book) -> None:
    """Each document has its own."""
    other = replace(DOCUMENT, id="v1/one")
    assert book.writes.lease(DOCUMENT, "one")
    assert book.writes.lease(other, "two")
    assert not book.writes.leased(replace(DOCUMENT, id="v2/one"), "one")


def test_an_intent_without_the_lease_is_refused(book: Book, clock: Clock) -> None:
    """Who was cut off and lives on unseen writes nothing down, so writes nothing."""
    open_pause(book)
    late, now = Hand(book), Hand(book, attempt="attempt-2")
    assert late.lease(KEY)
    clock.now += 60
    assert now.lease(KEY)
    before = book.store.events()
    with pytest.raises(ConnectorError, match="the lease ran out"):
        late.intend(toggle())
    assert book.store.events() == before
    assert book.writes.holds() == ()


@pytest.mark.parametrize("status", [PauseStatus.RESTORING, PauseStatus.CLOSED])
def test_an_intent_to_contain_comes_too_late_once_the_pause_is_rolled_back(
    book: Book, status: PauseStatus
) -> None:
    """The lease is still its own, and yet nothing is contained behind the rollback's back."""
    open_pause(book)
    hand = Hand(book)
    assert hand.lease(KEY)
    book.pauses.mark(FIRST, status)
    with pytest.raises(ConnectorError, match="being rolled back"):
        hand.intend(toggle())
    assert book.writes.holds() == ()
    other = Hand(book, SECOND, hand.attempt)
    other.intend(toggle())
    assert [hold.pause for hold in book.writes.holds()] == [SECOND]


def test_the_way_back_is_not_refused_while_restoring(book: Book) -> None:
    """What is refused to a containment is what a rollback is there for."""
    open_pause(book)
    Hand(book).contain(toggle())
    book.pauses.mark(FIRST, PauseStatus.RESTORING)
    Hand(book).restore(toggle())
    assert book.writes.holds() == ()


def test_late_receipts_are_kept_and_change_nothing(book: Book, clock: Clock) -> None:
    """From an attempt that has lost its lease the receipts are written down as late, no more."""
    open_pause(book)
    Hand(book).contain(toggle())
    late = Hand(book, attempt="late", direction=Direction.RESTORE)
    assert late.lease(KEY)
    clock.now += 60
    assert Hand(book, attempt="now").lease(KEY)
    late.settle(toggle().inverse())
    (hold,) = book.writes.holds()
    assert hold.written
    kinds = [e.kind for e in book.store.events(FIRST)]
    assert kinds[-1] == "late-receipts"
    assert book.pauses.latest(FIRST)[KEY]["direction"] == Direction.CONTAIN


def test_on_postgresql_a_lease_goes_by_the_servers_clock(
    opened: Callable[..., Book], postgresql_url: str
) -> None:
    """A machine whose clock is an hour ahead takes nobody's lease, and keeps its own."""
    right = opened(postgresql_url, clock=None)
    store = replace(right.store, clock=lambda: time.time() + 3600)
    ahead = replace(right.writes, store=store)
    assert right.writes.lease(DOCUMENT, "one")
    assert not ahead.lease(DOCUMENT, "two")
    assert ahead.lease(replace(DOCUMENT, id="v1/one"), "two")
    assert ahead.leased(replace(DOCUMENT, id="v1/one"), "two")
    assert not right.writes.lease(replace(DOCUMENT, id="v1/one"), "one")
