"""What those outside are told: access and pay apart, whole or in part, of all open pauses."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.journals import FIRST, KEY, SECOND, Hand, a_book, open_pause, toggle
from support.pausing import FROZEN

from activities import api
from activities.ends import conclusion
from activities.outside import held_of, untrue
from activities.telling import Teller
from stopline.journal.book import Book
from stopline.journal.outbox import Notice, NoticeState
from stopline.journal.pauses import Pause, PauseStatus
from stopline.model import Address, Direction, Scope
from stopline.notices.outside import Held

FILE = """\
contact: "+1 555 0100"
channels:
  out: {kind: webhook, secret: NOTICES_OUT, url: "https://hooks.lab.example/out"}
  hook: {kind: webhook, secret: NOTICES_OUT, url: "https://hooks.lab.example/in"}
audiences:
  responders: [{channel: hook}]
vendors:
  mercor:
    vendor: [{channel: out}]
    payees: [{channel: out}]
"""
OTHER = Address("memory", "r1", "switch", "v1/one")
PAY = Address("payouts", "accounts", "schedule", "acct_1")
PAY_2 = Address("payouts", "accounts", "schedule", "acct_2")
MARKED = Address("payouts", "accounts", "payout-mark", "acct_1/po_1")
PAYOUTS = Scope(connectors=("payouts",))
ONE_PAYEE = Scope(connectors=("payouts",), principals=("P-0001",))


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    """A journal in which nothing is open yet."""
    made = a_book(f"sqlite:///{tmp_path}/journal.db")
    yield made
    made.close()


@pytest.fixture
def teller(tmp_path: Path) -> Teller:
    """Who tells mercor and its payees."""
    (tmp_path / "notices.yaml").write_text(FILE)
    return Teller(tmp_path)


def opened(book: Book, *held: Address, pause: str = FIRST, scope: Scope | None = None) -> Pause:
    """A pause of a scope, which holds these by now."""
    frozen = book.pauses.keep("frozen", FROZEN.dump())
    made = open_pause(book, pause, scope=scope, frozen=frozen)
    for address in held:
        Hand(book, pause).contain(toggle(address))
    return made


def ended(book: Book, teller: Teller, pause: str = FIRST, **more: object) -> list[Notice]:
    """A run of a pause has ended; what those outside are told by it."""
    order = api.PauseOrder(pause=pause, vendor="mercor", requester="alice", reason="breach")
    known = {n.key for one in (FIRST, SECOND) for n in book.outbox.of(one)}
    conclusion(book, api.Conclusion(order, **more), teller)
    new = [n for one in (FIRST, SECOND) for n in book.outbox.of(one) if n.key not in known]
    return sorted((n for n in new if n.audience in ("vendor", "payees")), key=lambda n: n.audience)


def given_back(book: Book, teller: Teller, *back: Address, pause: str = FIRST) -> list[Notice]:
    """A rollback gives these back; what those outside are told by it."""
    book.pauses.mark(pause, PauseStatus.RESTORING)
    for address in back:
        Hand(book, pause).restore(toggle(address))
    return ended(book, teller, pause, direction=Direction.RESTORE)


def sent(book: Book, told: list[Notice]) -> list[Notice]:
    """The channel takes them."""
    for notice in told:
        book.outbox.begin(notice)
        book.outbox.ended(notice, NoticeState.SENT)
    return told


def texts(book: Book, told: list[Notice]) -> tuple[str, str]:
    """What payees and vendor are told; both are told, of the same event."""
    assert [n.audience for n in told] == ["payees", "vendor"]
    assert {n.state for n in told} == {NoticeState.PENDING}
    return book.outbox.text(told[0]), book.outbox.text(told[1])


# --- access and pay are two things ---------------------------------------------------------------


def test_a_pause_of_payouts_alone_says_that_pay_is_held_and_nothing_of_access(
    book: Book, teller: Teller
) -> None:
    """Payees hear that it is held, why it is owed all the same, when it is looked at, and whom
    to ask; the vendor is not told that its people are locked out.
    """
    opened(book, PAY, scope=PAYOUTS)
    told = ended(book, teller)
    payees, vendor = texts(book, told)
    assert {n.subject for n in told} == {"Payments through mercor are held"}
    assert "Payments for work through mercor are held" in payees
    assert "What you have earned is still owed to you: a hold keeps the amount" in payees
    assert "looked at again by then" in payees
    assert "+1 555 0100" in payees
    assert "Your access" not in payees
    assert "Start no new work" not in payees
    assert "We hold payments to mercor" in vendor
    assert "access of your organisation" not in vendor
    assert "Access to our systems: this is not about it." in vendor


def test_a_pause_of_a_part_says_that_it_is_a_part(book: Book, teller: Teller) -> None:
    """One principal's pay: some payments; one principal's access: a part of it."""
    opened(book, PAY, scope=ONE_PAYEE)
    told = ended(book, teller)
    payees, vendor = texts(book, told)
    assert {n.subject for n in told} == {"Some payments through mercor are held"}
    assert payees.startswith("Some payments for work through mercor are held")
    assert vendor.startswith("We hold some payments to mercor")
    opened(book, KEY, pause=SECOND, scope=Scope(principals=("v0",)))
    told = ended(book, teller, SECOND)
    payees, vendor = texts(book, told)
    wanted = "Access of mercor is paused in part, and some payments are held"
    assert {n.subject for n in told} == {wanted}
    assert vendor.startswith("We have paused a part of the access of mercor")
    assert "yours may be among it" in payees


def test_access_and_pay_of_two_pauses_are_told_together_and_once(
    book: Book, teller: Teller
) -> None:
    """The second is told with what the first holds; that the first is contained anew is no news."""
    opened(book, KEY)
    told = ended(book, teller)
    assert {n.subject for n in told} == {"Access of mercor is paused"}
    assert "is not held by us" in texts(book, told)[0]
    opened(book, PAY, pause=SECOND, scope=PAYOUTS)
    told = ended(book, teller, SECOND)
    assert {n.subject for n in told} == {"Access of mercor is paused, and payments are held"}
    book.pauses.mark(FIRST, PauseStatus.PARTIAL)
    assert ended(book, teller) == []


def test_a_pause_of_payouts_that_holds_nothing_tells_nobody_outside(
    book: Book, teller: Teller
) -> None:
    """Nothing was due: there is nothing that it keeps from anybody."""
    opened(book, scope=PAYOUTS)
    assert ended(book, teller) == []


# --- what is given back in part ------------------------------------------------------------------


def test_a_part_of_the_pay_that_is_released_is_told_and_what_is_still_held_too(
    book: Book, teller: Teller
) -> None:
    """Each time; and at the end that nothing is held any more."""
    opened(book, PAY, PAY_2, KEY)
    sent(book, ended(book, teller))
    told = given_back(book, teller, PAY)
    payees, vendor = texts(book, told)
    assert {n.subject for n in told} == {"Some payments through mercor are released"}
    assert payees.startswith("Some payments for work through mercor that we held are released")
    assert "Some payments for work through mercor. A payment that you expect" in payees
    assert "Do not try to sign in by another way" in vendor
    sent(book, told)
    told = sent(book, given_back(book, teller, PAY_2))
    assert {n.subject for n in told} == {"Payments through mercor are released"}
    assert "is not held by us" in book.outbox.text(told[0])
    told = given_back(book, teller, KEY)
    assert {n.subject for n in told} == {"Access of mercor is given back"}
    assert {n.event for n in told} == {"restored"}


def test_a_part_of_the_access_that_is_given_back_is_told_inside_alone(
    book: Book, teller: Teller
) -> None:
    """Those outside hear when it is all of the access."""
    opened(book, KEY, OTHER, PAY)
    sent(book, ended(book, teller))
    assert given_back(book, teller, OTHER) == []
    told = given_back(book, teller, KEY)
    assert {(n.event, n.subject) for n in told} == {("released", "Access of mercor is given back")}
    assert "Payments from us to mercor" in texts(book, told)[1]


def test_who_has_heard_nothing_yet_is_told_of_what_is_still_off_when_a_part_is_back(
    book: Book, teller: Teller
) -> None:
    """The channel was down: the first word is not true any more, and it was the only one."""
    opened(book, KEY, OTHER)
    late = ended(book, teller)
    told = given_back(book, teller, OTHER)
    assert {n.subject for n in told} == {"Access of mercor is paused in part"}
    assert all("by now: access off in part" in untrue(book, n) for n in late)
    assert [untrue(book, n) for n in told] == ["", ""]


def test_the_end_of_one_pause_says_what_another_still_holds(book: Book, teller: Teller) -> None:
    """Not that all is back; and what both held is given back by the last of them."""
    opened(book, KEY, PAY)
    sent(book, ended(book, teller))
    opened(book, PAY, pause=SECOND, scope=PAYOUTS)
    assert ended(book, teller, SECOND) == [], "both say the same"
    told = given_back(book, teller, KEY, PAY)
    assert {(n.event, n.subject) for n in told} == {("released", "Access of mercor is given back")}
    assert "Payments from us to mercor" in texts(book, told)[1]
    sent(book, told)
    told = given_back(book, teller, PAY, pause=SECOND)
    assert {(n.event, n.subject) for n in told} == {
        ("restored", "Payments through mercor are released")
    }


# --- a mark keeps nothing back --------------------------------------------------------------------


@pytest.mark.parametrize("scope", [PAYOUTS, Scope()])
def test_a_payout_that_is_only_marked_is_no_pay_that_is_held(
    book: Book, teller: Teller, scope: Scope
) -> None:
    """It leaves all the same, so nobody outside is told that anything is kept from them."""
    opened(book, MARKED, scope=scope)
    assert ended(book, teller) == []
    assert book.pauses.get(FIRST).status is PauseStatus.CONTAINED
    assert held_of(book, "mercor") == Held()


def test_pay_is_back_though_a_mark_is_left_over(book: Book, teller: Teller) -> None:
    """All that was held is released: not a part of it, because a mark is left over."""
    opened(book, PAY, MARKED, KEY)
    sent(book, ended(book, teller))
    told = given_back(book, teller, PAY)
    assert {n.subject for n in told} == {"Payments through mercor are released"}
    assert "is not held by us" in texts(book, told)[0]


def test_a_mark_that_is_taken_out_gives_no_pay_back(book: Book, teller: Teller) -> None:
    """Nothing was held by it, so nobody hears that some payments are released."""
    opened(book, PAY, MARKED)
    sent(book, ended(book, teller))
    assert given_back(book, teller, MARKED) == []
    assert held_of(book, "mercor") == Held(pay=True, all_pay=True)


# --- what was kept quiet for another's sake ------------------------------------------------------


def test_what_was_withheld_for_another_pauses_sake_is_told_when_that_is_over(
    book: Book, teller: Teller
) -> None:
    """Pay is held, and the pause of the access is given up before it ever was contained."""
    opened(book, KEY)
    opened(book, PAY, pause=SECOND, scope=PAYOUTS)
    assert {n.state for n in ended(book, teller, SECOND)} == {NoticeState.WITHHELD}
    told = given_back(book, teller, KEY)
    assert {(n.event, n.subject) for n in told} == {
        ("contained", "Payments through mercor are held")
    }
    assert [untrue(book, n) for n in told] == ["", ""]


def test_of_a_pause_that_nobody_outside_heard_of_nobody_hears_the_end(
    book: Book, teller: Teller
) -> None:
    """It was never contained, and nothing else is held."""
    opened(book, KEY)
    assert given_back(book, teller, KEY) == []


# --- what is no longer true ----------------------------------------------------------------------


def test_a_late_word_that_claims_another_state_than_that_of_all_pauses_is_withdrawn(
    book: Book, teller: Teller
) -> None:
    """Its own pause is contained still; but pay is held by now as well, or a part of it is back."""
    opened(book, KEY)
    told = ended(book, teller)
    assert [untrue(book, n) for n in told] == ["", ""]
    opened(book, PAY, PAY_2, pause=SECOND, scope=PAYOUTS)
    later = ended(book, teller, SECOND)
    assert all("pay not held; by now: access off, pay held" in untrue(book, n) for n in told)
    assert [untrue(book, n) for n in later] == ["", ""]
    released = given_back(book, teller, PAY, pause=SECOND)
    assert all("by now: access off, pay held in part" in untrue(book, n) for n in later)
    assert [untrue(book, n) for n in released] == ["", ""]
    assert held_of(book, "mercor") == Held(access=True, all_access=True, pay=True)


def test_what_was_released_and_could_not_be_told_is_told_with_the_end(
    book: Book, teller: Teller
) -> None:
    """The channel was down meanwhile: one word about both, to whoever heard of both."""
    opened(book, PAY, KEY)
    sent(book, ended(book, teller))
    given_back(book, teller, PAY)
    told = given_back(book, teller, KEY)
    assert {(n.event, n.subject) for n in told} == {
        ("restored", "Access of mercor is given back, and payments are released")
    }


def test_what_was_ended_for_good_is_never_said_to_be_given_back(book: Book, teller: Teller) -> None:
    """A later pause, of which nobody outside heard and that took nothing, changes nothing."""
    opened(book, KEY)
    sent(book, ended(book, teller))
    book.pauses.mark(FIRST, PauseStatus.TERMINATING)
    book.pauses.mark(FIRST, PauseStatus.CLOSED)
    opened(book, pause=SECOND, scope=PAYOUTS)
    assert given_back(book, teller, pause=SECOND) == []
