"""Sending what the outbox holds: each to each, in order, while it is true, and whatever hangs."""

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import trustme
from aiosmtpd.smtp import Envelope
from support.journals import FIRST, SECOND, Clock, a_book, open_pause
from support.providers import Answer, Mail, Provider, mail_server, provider
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities import api
from activities.outside import NO_MORE
from activities.telling import SLOWLY, Teller, Telling
from stopline.journal.book import Book
from stopline.journal.outbox import QUIET, Draft, Notice, NoticeState
from stopline.journal.pauses import PauseStatus
from stopline.notices.drafting import Facts

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
FILE = """\
contact: "+1 555 0100"
channels:
  out: {{kind: webhook, secret: NOTICES_OUT, url: "{url}/out"}}
  room: {{kind: webhook, secret: NOTICES_OUT, url: "{url}/room"}}
  mail:
    {{kind: email, secret: NOTICES_SMTP, host: localhost, port: {port}, user: stopline,
     sender: stopline@lab.example}}
audiences:
  responders: [{{channel: room}}]
vendors:
  mercor:
    vendor: [{{channel: out}}]
"""
THEIRS = Draft("vendor", "out", "", "Access is paused", "paused", outside=True)
INSIDE = Draft("responders", "room", "", "mercor is contained", "what happened")
FACTS = Facts("opened", "mercor", FIRST, "2026-11-24T18:00:00Z", "alice", "breach")


@pytest.fixture
def clock() -> Clock:
    """The time of the test."""
    return Clock()


@pytest.fixture
def book(tmp_path: Path, clock: Clock) -> Iterator[Book]:
    """A journal in which a pause of mercor is open."""
    made = a_book(f"sqlite:///{tmp_path}/journal.db", clock=clock)
    open_pause(made)
    yield made
    made.close()


@pytest.fixture
def there() -> Iterator[Provider]:
    """A provider at work."""
    with provider() as made:
        yield made


@pytest.fixture
def mail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mail]:
    """A mail server whose certificate is known."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with mail_server(authority) as made:
        yield made


def telling(book: Book, folder: Path, url: str = "http://127.0.0.1:1", port: int = 1) -> Telling:
    """The bodies over a folder whose file leads to the test's servers."""
    (folder / "notices.yaml").write_text(FILE.format(url=url, port=port))
    secrets = {"NOTICES_OUT": SECRET, "NOTICES_SMTP": "swordfish"}
    return Telling(book, Teller(folder), secrets.__getitem__)


def deliver(bodies: Telling, channel: str) -> int:
    """One attempt over one channel."""
    order = api.TellOrder(FIRST, bodies.book.id, channel)
    sent: int = ActivityEnvironment().run(bodies.deliver, order)
    return sent


def at(book: Book, recipient: str = "", event: str = "") -> Notice:
    """The one notice to somebody, or about something."""
    (found,) = [
        n for n in book.outbox.of(FIRST) if n.recipient == recipient and event in ("", n.event)
    ]
    return found


# --- those outside are told what is true -------------------------------------------------------


@pytest.mark.parametrize(
    "status", [s for s in PauseStatus if s is not PauseStatus.CONTAINED], ids=str
)
def test_a_late_word_that_is_not_true_any_more_is_withdrawn(
    book: Book, tmp_path: Path, there: Provider, status: PauseStatus
) -> None:
    """The channel was down while the pause moved on: the vendor is not told that it is off."""
    book.pauses.mark(FIRST, PauseStatus.CONTAINED, event="contained", drafts=(THEIRS,))
    book.pauses.mark(FIRST, status)
    assert deliver(telling(book, tmp_path, there.url), "out") == 0
    assert there.asked == []
    notice = at(book)
    assert (notice.state, notice.amber) == (NoticeState.WITHDRAWN, False)
    assert notice.why == f"{NO_MORE}: the pause is {status}"
    assert len(book.pauses.events(FIRST, "notice-withdrawn")) == 1


def test_what_is_true_is_sent_late_and_those_inside_hear_what_happened(
    book: Book, tmp_path: Path, there: Provider
) -> None:
    """Contained still is contained; an inside audience hears of each event, however late."""
    book.pauses.mark(FIRST, PauseStatus.CONTAINED, event="contained", drafts=(THEIRS, INSIDE))
    bodies = telling(book, tmp_path, there.url)
    assert deliver(bodies, "out") == 1
    book.pauses.mark(FIRST, PauseStatus.RESTORING)
    assert deliver(bodies, "room") == 1
    assert [a.path for a in there.asked] == ["/out", "/room"]


def test_a_late_word_is_not_sent_once_another_pause_of_the_vendor_is_open_and_not_contained(
    book: Book, tmp_path: Path, there: Provider
) -> None:
    """It was true, and would tell them now that somebody is at work on what they still have."""
    book.pauses.mark(FIRST, PauseStatus.CONTAINED, event="contained", drafts=(THEIRS,))
    open_pause(book, SECOND)
    assert deliver(telling(book, tmp_path, there.url), "out") == 0
    assert there.asked == []
    assert at(book).state is NoticeState.WITHDRAWN
    assert at(book).why == f"{NO_MORE}: {QUIET.format(f'the pause {SECOND}')}"


def test_a_vendor_that_another_pause_still_holds_is_not_told_that_all_is_back(
    book: Book, tmp_path: Path, there: Provider
) -> None:
    """The end of one pause says that access is as it was; another of the vendor's denies that."""
    book.pauses.mark(FIRST, PauseStatus.CONTAINED)
    open_pause(book, SECOND)
    book.pauses.mark(FIRST, PauseStatus.CLOSED, event="restored", drafts=(THEIRS,))
    assert deliver(telling(book, tmp_path, there.url), "out") == 0
    assert SECOND in at(book).why
    assert there.asked == []


# --- one address keeps no other waiting ----------------------------------------------------------


def test_a_mailbox_that_is_not_let_in_keeps_no_other_waiting(
    book: Book, tmp_path: Path, mail: Mail
) -> None:
    """The first is asked to come again; the others have theirs by then, in order for each."""
    drafts = [Draft("legal", "mail", f"{one}@lab.example", "s", "now") for one in ("a", "b", "c")]
    book.pauses.note(FIRST, "audited", {}, event="drift", drafts=drafts)
    later = [replace(draft, text="later") for draft in drafts]
    book.pauses.note(FIRST, "audited", {}, event="drift", drafts=later)
    mail.answers += ["451 try again later"]
    bodies = telling(book, tmp_path, port=mail.port)
    with pytest.raises(ApplicationError, match="451"):
        deliver(bodies, "mail")
    asked = [n.recipient for n in book.outbox.of(FIRST) if n.event == "drift"]
    first = next(n.recipient for n in book.outbox.of(FIRST) if n.attempts)
    in_order = [one for one in asked if one != first]
    assert [*map(who, mail.taken)] == in_order
    assert deliver(bodies, "mail") == 2
    assert [*map(who, mail.taken)][4:] == [first, first]
    assert b"later" in (mail.taken[-1].original_content or b"")


def who(envelope: Envelope) -> str:
    """To whom a message went; not who in an event's notices comes first, which keys decide."""
    return envelope.rcpt_tos[0]


def test_what_a_person_can_mend_turns_amber_at_once_and_is_asked_again_slowly(
    book: Book, tmp_path: Path, there: Provider
) -> None:
    """A key that was revoked, a channel that is not in the file: mended, all of it comes."""
    book.pauses.note(FIRST, "audited", {}, event="drift", drafts=(INSIDE,))
    there.answers += [Answer(401), Answer(404)]
    bodies = telling(book, tmp_path, there.url)
    for why in ("HTTP 401", "HTTP 404", "no channel 'room'"):
        if "room" in why:
            text = (tmp_path / "notices.yaml").read_text()
            (tmp_path / "notices.yaml").write_text(text.replace("room", "other"))
        with pytest.raises(ApplicationError, match=why) as refused:
            deliver(bodies, "room")
        assert refused.value.next_retry_delay == SLOWLY
        assert (at(book).state, at(book).amber) == (NoticeState.PENDING, True)
    assert deliver(telling(book, tmp_path, there.url), "room") == 1
    assert at(book).state is NoticeState.SENT


def test_what_waits_for_a_person_does_not_slow_down_who_asks_to_come_again(
    book: Book, tmp_path: Path, mail: Mail
) -> None:
    """One address of the channel is greylisted, the other's mailbox is full."""
    drafts = [Draft("legal", "mail", f"{one}@lab.example", "s", "now") for one in ("a", "b")]
    book.pauses.note(FIRST, "audited", {}, event="drift", drafts=drafts)
    mail.at_address += ["552 5.2.2 full", "450 4.2.1 greylisted"]
    with pytest.raises(ApplicationError, match="450") as refused:
        deliver(telling(book, tmp_path, port=mail.port), "mail")
    assert refused.value.next_retry_delay is None


def test_only_what_has_waited_a_day_is_given_up(book: Book, tmp_path: Path, clock: Clock) -> None:
    """What was written down an hour ago has its own day, and whoever sends it."""
    old = Draft("responders", "room", "", "s", "old")
    book.pauses.note(FIRST, "audited", {}, event="drift", drafts=(old,))
    clock.now += api.PATIENCE_SECONDS - 3600
    new = Draft("responders", "room", "", "s", "new")
    book.pauses.note(FIRST, "audited", {}, event="partial", drafts=(new,))
    clock.now += 3600
    order = api.TellOrder(FIRST, book.id, "room")
    assert ActivityEnvironment().run(telling(book, tmp_path).give_up, order) == 1
    assert at(book, event="drift").state is NoticeState.FAILED
    assert at(book, event="partial").state is NoticeState.PENDING


def test_what_a_person_has_sent_again_has_its_own_day(
    book: Book, tmp_path: Path, clock: Clock, there: Provider
) -> None:
    """It failed days ago; whoever gives up an older one leaves it alone."""
    book.pauses.note(FIRST, "audited", {}, event="drift", drafts=(INSIDE,))
    book.outbox.ended(at(book), NoticeState.FAILED, "given up: HTTP 401")
    clock.now += 3 * api.PATIENCE_SECONDS
    assert book.outbox.send_again(FIRST, "ada", {"reason": "a new key", "request": "1"}) == 1
    bodies, order = telling(book, tmp_path, there.url), api.TellOrder(FIRST, book.id, "room")
    assert ActivityEnvironment().run(bodies.give_up, order) == 0
    assert deliver(bodies, "room") == 1
    assert at(book).state is NoticeState.SENT


# --- what hangs ----------------------------------------------------------------------------------


@pytest.fixture
def hanging(tmp_path: Path) -> Iterator[Path]:
    """A folder of configuration whose file never answers, as a dead file server's would not."""
    folder = tmp_path / "dead"
    folder.mkdir()
    os.mkfifo(folder / "notices.yaml")
    yield folder
    let_go(folder / "notices.yaml")


def let_go(file: Path) -> None:
    """Answer whoever reads a file that hangs."""
    end = os.open(file, os.O_RDWR)  # which waits for no reader
    os.write(end, b"channels: {}\n")
    os.close(end)


def test_a_folder_that_hangs_delays_no_pause_and_is_seen(hanging: Path) -> None:
    """The draft says what failed; a second event does not even wait for the first one's reading."""
    teller = Teller(hanging, 0.2)
    began = time.monotonic()
    (draft,) = teller.drafts(FACTS)
    assert "did not answer" in draft.wrong
    (again,) = teller.drafts(FACTS)
    assert again.wrong == draft.wrong
    assert time.monotonic() - began < 30, "a reading that hangs would hang for ever"


def test_what_could_not_be_read_for_a_time_is_read_again(tmp_path: Path) -> None:
    """After the file server is back, the next event is told as ever."""
    file = tmp_path / "notices.yaml"
    os.mkfifo(file)
    teller = Teller(tmp_path, 0.2)
    assert teller.drafts(FACTS)[0].wrong
    let_go(file)
    file.unlink()
    file.write_text(FILE.format(url="https://hooks.lab.example", port=25))
    for _ in range(100):
        drafts = teller.drafts(FACTS)
        if not drafts[0].wrong:
            break
        time.sleep(0.05)
    assert [d.channel for d in drafts] == ["room"]


# --- a test reaches nobody outside ---------------------------------------------------------------


def test_a_test_is_not_sent_to_a_vendors_own_channel(
    book: Book, tmp_path: Path, there: Provider
) -> None:
    """A message that says TEST, before any pause, would still tell the vendor who watches it."""
    bodies = telling(book, tmp_path, there.url)
    order = api.TellOrder(journal=book.id, test_by="ada")
    told: api.Told = ActivityEnvironment().run(bodies.try_channels, order)
    assert {a.path for a in there.asked} == {"/room"}
    assert "only the vendor" in next(t.why for t in told.tried if t.channel == "out")
