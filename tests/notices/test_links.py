"""Links to acknowledge, over a real server: looking changes nothing, a person's button does."""

import re
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from structlog.testing import capture_logs
from support.journals import FIRST, Clock, a_book, open_pause
from support.links import KEY, served
from support.providers import provider
from temporalio.testing import ActivityEnvironment

from activities import api
from activities.answering import Answering
from activities.telling import Teller, Telling
from stopline.approving import Approvers
from stopline.entrypoints import listening
from stopline.errors import RefusedError, SetupError
from stopline.journal.book import Book
from stopline.journal.outbox import ACKNOWLEDGED, Draft
from stopline.journal.pauses import PauseStatus
from stopline.notices.tokens import link_of, token_of

FILE = """\
contact: "+1 555 0100"
channels:
  room: {kind: webhook, secret: NOTICES_ROOM, url: "http://127.0.0.1:1/room"}
audiences:
  responders: [{channel: room}]
escalation:
  levels: [[{channel: room}]]
  secret: NOTICES_ACK
  link: "https://ops.lab.example"
"""
ROOM = Draft("responders", "room", "", f"[stopline {FIRST}] mercor", "what happened\n")
THEIRS = Draft("vendor", "out", "", "s", "t", outside=True)


@pytest.fixture
def clock() -> Clock:
    """The time of the test."""
    return Clock()


@pytest.fixture
def book(tmp_path: Path, clock: Clock) -> Iterator[Book]:
    """A journal in which the room was told of a pause of mercor, and the vendor of its end."""
    made = a_book(f"sqlite:///{tmp_path}/journal.db", clock=clock)
    open_pause(made)
    made.pauses.note(FIRST, "audited", {}, event="drift", drafts=(ROOM,))
    made.pauses.mark(FIRST, PauseStatus.CONTAINED, event="contained", drafts=(THEIRS,))
    (tmp_path / "notices.yaml").write_text(FILE)
    yield made
    made.close()


def hearing(book: Book, folder: Path) -> listening.Hear:
    """The worker's own body, without Temporal between."""
    bodies = Answering(book, Teller(folder), Approvers(folder), lambda _: KEY)

    def hear(order: api.TellOrder) -> api.Told:
        told: api.Told = ActivityEnvironment().run(bodies.hear, order)
        return told

    return hear


@pytest.fixture
def base(book: Book, tmp_path: Path) -> Iterator[str]:
    """A server over the journal."""
    with served(book, hearing(book, tmp_path)) as made:
        yield made


def token(book: Book, number: int = 0, until: float = 60, key: str = KEY) -> str:
    """What stood in one of the notices."""
    return token_of(key, book.id, book.outbox.of(FIRST)[number].key, book.store.clock() + until)


def get(url: str) -> requests.Response:
    """Look, as a person, a scanner or a preview does."""
    return requests.get(url, timeout=10, allow_redirects=False)


def press(url: str, **fields: str) -> requests.Response:
    """Press the button."""
    sent = {"name": "", **fields}
    return requests.post(url, data=sent, timeout=10, allow_redirects=False)


def test_to_look_changes_nothing_and_shows_a_button(book: Book, base: str) -> None:
    """However often, and by whatever method but the button's; nothing is loaded by the page."""
    before = book.store.chain()
    for method in ("GET", "HEAD", "GET", "OPTIONS", "PUT"):
        requests.request(method, link_of(base, token(book)), timeout=10)
    shown = get(link_of(base, token(book)))
    assert book.store.chain() == before
    assert shown.status_code == 200
    assert "an audit of mercor found changes" in shown.text
    assert "<button>" in shown.text
    assert not re.search(r"<script|src=|href=|<img", shown.text)


def test_the_button_acknowledges_once_and_the_second_person_sees_who_did(
    book: Book, base: str
) -> None:
    """By the name that was given; the first word counts."""
    url = link_of(base, token(book))
    done = press(url, name="  Ada   Lovelace ")
    assert (done.status_code, "<h1>Acknowledged</h1>" in done.text) == (200, True)
    assert "By Ada Lovelace, at 2027-01-15 08:00Z." in done.text
    for again in (press(url, name="bob"), get(url)):
        assert "<h1>Acknowledged already</h1>" in again.text
        assert "By Ada Lovelace" in again.text
        assert "<button>" not in again.text
    (event,) = book.pauses.events(FIRST, ACKNOWLEDGED)
    assert (event.actor, event.data["by_token"]) == ("Ada Lovelace", True)
    assert book.store.verify()[1] == ""


def test_who_gives_no_name_is_whoever_was_told(book: Book, base: str) -> None:
    """Of a channel: no address of anybody is shown."""
    assert "By whoever was told over room" in press(link_of(base, token(book))).text


def test_of_two_at_the_same_moment_one_was_the_first(book: Book, base: str) -> None:
    """Both are told the same name."""
    url, said = link_of(base, token(book)), list[requests.Response]()
    both = [
        threading.Thread(target=lambda n=n: said.append(press(url, name=n))) for n in ("a", "b")
    ]
    for one in both:
        one.start()
    for one in both:
        one.join(20)
    (event,) = book.pauses.events(FIRST, ACKNOWLEDGED)
    assert all(f"By {event.actor}," in one.text for one in said)


def bad(book: Book) -> dict[str, str]:
    """Links that are not good, by why."""
    good = token(book)
    return {
        "altered": good[:-1] + ("0" if good[-1] != "0" else "1"),
        "cut": good[:-1],
        "prolonged": good.replace(f"{int(book.store.clock()) + 60:08x}", "ffffffff"),
        "of another key": token(book, key="the key of yesterday"),
        "of nothing": token_of(KEY, book.id, "1" * 64, 2**31),
        "the vendor's": token(book, number=1),
        "nothing": "",
    }


@pytest.mark.parametrize(
    "why",
    ["altered", "cut", "prolonged", "of another key", "of nothing", "the vendor's", "nothing"],
)
def test_what_was_never_sent_is_one_page_and_changes_nothing(
    book: Book, base: str, why: str
) -> None:
    """Nobody learns whether there is a notice behind it."""
    before, url = book.store.chain(), link_of(base, bad(book)[why])
    nowhere = get(f"{base}/nowhere")
    for one in (get(url), press(url, name="mallory")):
        assert (one.status_code, one.text) == (404, nowhere.text)
    assert book.store.chain() == before


def test_a_link_whose_time_is_over_says_so_and_changes_nothing(
    book: Book, base: str, clock: Clock
) -> None:
    """It was one of ours, so its holder may know."""
    url = link_of(base, token(book))
    clock.now += 61
    for one in (get(url), press(url)):
        assert one.status_code == 410
        assert "no longer good" in one.text
    assert book.pauses.events(FIRST, ACKNOWLEDGED) == ()


def test_no_page_holds_an_id_or_lets_the_link_out(book: Book, base: str, clock: Clock) -> None:
    """Neither of the pause nor of the journal, nor the key of a notice; and none may be kept."""
    url, key = link_of(base, token(book)), book.outbox.of(FIRST)[0].key
    pages = [get(url), press(url), press(url), get(f"{base}/")]
    clock.now += 61
    pages.append(get(url))
    for one in pages:
        assert not any(secret in one.text for secret in (FIRST, book.id, key[:8], url[-8:]))
        assert one.headers["Referrer-Policy"] == "no-referrer"
        assert one.headers["Cache-Control"] == "no-store"
        assert "default-src 'none'" in one.headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in one.headers["Content-Security-Policy"]
        assert one.headers["X-Content-Type-Options"] == "nosniff"
        assert one.headers["Server"] == "stopline"


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"Content-Type": "application/json"}, b"{}", 415),
        ({"Content-Type": listening.KIND}, b"name=" + b"x" * 3000, 413),
        ({"Content-Type": listening.KIND}, b"name=" + b"x" * 101, 400),
        ({"Content-Type": listening.KIND}, b"name=\xff", 400),
        ({"Content-Type": listening.KIND}, b"name=a%00b", 400),
        ({"Content-Type": listening.KIND}, b"a=1&b=2&c=3&d=4&e=5", 400),
        ({"Content-Type": listening.KIND, "Content-Length": "9" * 5000}, b"", 413),
        ({"Content-Type": listening.KIND, "X-Long": "x" * 17_000}, b"", 431),
    ],
)
def test_what_the_button_never_sends_is_refused(
    book: Book, base: str, headers: dict[str, str], body: bytes, status: int
) -> None:
    """Too long, of another kind, no text: nothing is changed."""
    url = link_of(base, token(book))
    refused = requests.post(url, data=body, headers=headers, timeout=10)
    assert refused.status_code == status
    assert "Nothing was changed" in refused.text
    assert book.pauses.events(FIRST, ACKNOWLEDGED) == ()


def asked_raw(base: str, data: bytes) -> bytes:
    """What comes back for bytes that no client of HTTP would send."""
    with socket.create_connection(("127.0.0.1", int(base.rpartition(":")[2])), timeout=10) as one:
        one.sendall(data)
        found = b""
        while more := one.recv(4096):
            found += more
        return found


def test_no_request_is_answered_with_what_it_said(base: str) -> None:
    """The library would repeat it."""
    said = asked_raw(base, b"SECRET-TOKEN /ack/SECRET-TOKEN HTTP/x\r\n\r\n")
    assert said.startswith(b"HTTP/1.0 400")
    assert b"SECRET-TOKEN" not in said
    chunked = b"POST /ack/x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    assert asked_raw(base, chunked).startswith(b"HTTP/1.0 411")


def test_who_says_nothing_is_cut_off_and_not_more_than_so_many_are_let_in(
    book: Book, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One byte now and then keeps no place for long; a person gets in again."""
    monkeypatch.setattr(listening, "MOST_AT_ONCE", 3)
    with served(book, hearing(book, tmp_path), seconds=0.6) as base:
        where = ("127.0.0.1", int(base.rpartition(":")[2]))
        slow = [socket.create_connection(where, timeout=10) for _ in range(3)]
        for one in slow:
            one.sendall(b"GET /ack/x HT")
        time.sleep(0.2)
        with socket.create_connection(where, timeout=10) as fourth:
            assert fourth.recv(1) == b"", "hung up at once"
        begun = time.monotonic()
        assert slow[0].recv(1) == b""
        assert time.monotonic() - begun < 5
        for one in slow:
            one.close()
        assert get(link_of(base, token(book))).status_code == 200


@pytest.mark.parametrize(
    "error", [SetupError("No worker"), RefusedError(f"secret {FIRST}"), TimeoutError()]
)
def test_when_nobody_wrote_it_down_the_page_says_so(book: Book, error: Exception) -> None:
    """It never claims what is not in the journal, and says nothing of why."""

    def hear(_: api.TellOrder) -> api.Told:
        raise error

    with served(book, hear) as base:
        said = press(link_of(base, token(book)))
    assert said.status_code == 503
    assert "Not acknowledged yet" in said.text
    assert FIRST not in said.text


def test_a_journal_that_is_away_is_a_page_too(book: Book, tmp_path: Path) -> None:
    """What the database said of it stays inside."""
    with served(book, hearing(book, tmp_path)) as base:
        url = link_of(base, token(book))
        book.store.engine.dispose()
        (tmp_path / "journal.db").rename(tmp_path / "away.db")
        (tmp_path / "journal.db").write_text("no database")
        with capture_logs() as logs:
            assert get(url).status_code == 503
    assert [one["log_level"] for one in logs] == ["warning"]
    assert url[-8:] not in str(logs)


def test_how_many_links_were_refused_is_told_and_never_which(book: Book, base: str) -> None:
    """At once, and from then on once a minute at most."""
    with capture_logs() as logs:
        forged = token(book, key="the key of yesterday")
        get(link_of(base, forged))
        time.sleep(0.3)
        for _ in range(3):
            press(link_of(base, forged))
        time.sleep(0.3)
    (told,) = logs
    assert (told["log_level"], told["unknown"]) == ("warning", 1)
    assert forged[:8] not in str(logs)


def test_what_was_refused_is_told_again_after_a_minute() -> None:
    """With how many there were since."""
    clock = Clock()
    refusals = listening.Refusals(clock)
    with capture_logs() as logs:
        for _ in range(2):
            refusals.note(listening.Link.EXPIRED)
            refusals.flush()
        clock.now += 61
        refusals.flush()
        refusals.flush()
    assert [one["expired"] for one in logs] == [1, 1]


def test_the_link_of_a_test_says_that_it_works_and_acknowledges_nothing(
    book: Book, tmp_path: Path
) -> None:
    """Sent by `notices test`; where the key is not set, the test says so and still goes out."""
    order = api.TellOrder(journal=book.id, test_by="ada")
    with provider() as there:
        file = tmp_path / "notices.yaml"
        file.write_text(FILE.replace("http://127.0.0.1:1", there.url))
        secrets = {"NOTICES_ROOM": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "NOTICES_ACK": KEY}
        bodies = Telling(book, Teller(tmp_path), lambda name: secrets[name])
        told: api.Told = ActivityEnvironment().run(bodies.try_channels, order)
        assert [one.ok for one in told.tried] == [True]
        tested = there.asked[0].json["data"]["text"].split("/ack/")[1].strip()
        secrets["NOTICES_ACK"] = "short"
        told = ActivityEnvironment().run(bodies.try_channels, order)
        assert [(one.channel, one.ok) for one in told.tried] == [
            ("escalation", False), ("room", True),
        ]  # fmt: skip
        assert "/ack/" not in there.asked[1].json["data"]["text"]
    before = book.store.chain()
    with served(book, hearing(book, tmp_path)) as base:
        for one in (get(link_of(base, tested)), press(link_of(base, tested))):
            assert (one.status_code, "The link works" in one.text) == (200, True)
    assert book.store.chain() == before
