"""What people answer to notices: who has heard, by whose word; and what follows when nobody has."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from support.journals import FIRST, SECOND, a_book, open_pause
from support.providers import Provider, provider
from support.signers import a_key, needs_openssh
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities import api
from activities.answering import Answering
from activities.telling import Teller, Telling
from stopline.approving import SEND_AGAIN, TELL_OUTSIDE, Approvers, statement_of
from stopline.journal.book import Book
from stopline.journal.glass import BROKEN, REVIEWED, broken
from stopline.journal.outbox import ACKNOWLEDGED, AGAIN, ESCALATED, NOWHERE, Draft, NoticeState
from stopline.journal.pauses import PauseStatus
from stopline.notices.drafting import OVERDUE
from stopline.notices.tokens import proof_of, read, token_of
from stopline.signing import sign

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
FILE = """\
contact: "+1 555 0100"
channels:
  room: {{kind: webhook, secret: NOTICES_ROOM, url: "{url}/room"}}
  next: {{kind: webhook, secret: NOTICES_ROOM, url: "{url}/next"}}
  out: {{kind: webhook, secret: NOTICES_ROOM, url: "{url}/out"}}
audiences:
  responders: [{{channel: room}}]
escalation:
  minutes: 15
  levels: [[{{channel: next}}], [{{channel: room}}]]
  secret: NOTICES_ACK
vendors:
  mercor:
    vendor: [{{channel: out}}]
    payees: [{{channel: out}}]
"""
ROLES = "approvers: [riley]\nresponders: [ada, '*@lab.example']\nsignatures: optional\n"
ROOM = Draft("responders", "room", "", "mercor is being stopped", "what happened\n")


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    """A journal in which a pause of mercor is open, and the room was told."""
    made = a_book(f"sqlite:///{tmp_path}/journal.db")
    open_pause(made)
    made.pauses.note(FIRST, "audited", {}, event="drift", drafts=(ROOM,))
    yield made
    made.close()


@pytest.fixture
def there() -> Iterator[Provider]:
    """A provider at work."""
    with provider() as made:
        yield made


@pytest.fixture
def folder(tmp_path: Path, there: Provider) -> Path:
    """A folder of configuration with notices and roles."""
    made = tmp_path / "config"
    made.mkdir()
    (made / "notices.yaml").write_text(FILE.format(url=there.url))
    (made / "roles.yaml").write_text(ROLES)
    return made


def secret_of(name: str) -> str:
    """The worker's environment."""
    return {"NOTICES_ROOM": SECRET, "NOTICES_ACK": "a key that signs"}[name]


def hear(book: Book, folder: Path, order: api.TellOrder) -> api.Told:
    """Have the worker hear one word."""
    bodies = Answering(book, Teller(folder), Approvers(folder), secret_of)
    told: api.Told = ActivityEnvironment().run(bodies.hear, order)
    return told


def escalate(book: Book, folder: Path, level: int) -> api.Due:
    """Have the next level told of the first event, unless somebody has heard."""
    bodies = Answering(book, Teller(folder), Approvers(folder), secret_of)
    seq = book.outbox.of(FIRST)[0].seq
    due: api.Due = ActivityEnvironment().run(
        bodies.escalate, api.TellOrder(FIRST, book.id, seq=seq, level=level)
    )
    return due


def word(book: Book, by: str = "ada", **more: str) -> api.TellOrder:
    """Somebody's word that they have heard."""
    return api.TellOrder(FIRST, book.id, word="ack", by=by, **more)


# --- acknowledging -------------------------------------------------------------------------------


def test_the_first_word_counts_and_is_written_down_with_who_and_when(
    book: Book, folder: Path
) -> None:
    """A second one adds nothing to the chain, which stays whole."""
    assert hear(book, folder, word(book, reason="on it")).heard == 1
    assert hear(book, folder, word(book, by="bob@lab.example")).heard == 0
    (event,) = book.pauses.events(FIRST, ACKNOWLEDGED)
    assert (event.actor, event.data["reason"], event.data["by_token"]) == ("ada", "on it", False)
    (heard,) = book.outbox.heard(FIRST).values()
    assert (heard.by, heard.at) == ("ada", event.at)
    assert book.store.verify()[1] == ""


def test_one_notice_alone_can_be_acknowledged(book: Book, folder: Path) -> None:
    """What happened later still waits for somebody."""
    first = book.outbox.of(FIRST)[0]
    book.pauses.note(FIRST, "audited", {"again": 1}, event="drift", drafts=(ROOM,))
    assert hear(book, folder, word(book, notice=first.key)).heard == 1
    assert [*book.outbox.heard(FIRST)] == [first.seq]
    assert hear(book, folder, word(book)).heard == 1


@pytest.mark.parametrize("by", ["riley", "ada@evil.example", ""])
def test_who_is_not_a_responder_is_refused(book: Book, folder: Path, by: str) -> None:
    """An approver is not one by that; the roles say who is."""
    with pytest.raises(ApplicationError, match="not a responder") as refused:
        hear(book, folder, word(book, by=by))
    assert refused.value.non_retryable
    assert book.outbox.heard(FIRST) == {}


def test_a_pause_of_which_nobody_was_told_cannot_be_acknowledged(book: Book, folder: Path) -> None:
    """It would look as if somebody had heard."""
    open_pause(book, SECOND)
    with pytest.raises(ApplicationError, match="Nobody inside was told"):
        hear(book, folder, replace(word(book), pause=SECOND))


def by_token(book: Book, token: str, by: str = "guest", reason: str = "") -> api.TellOrder:
    """The word of whoever has a token, as the command line sends it."""
    genuine = read(token)
    return word(book, by=by, reason=reason, proof=proof_of(genuine, by, reason) if genuine else "x")


def test_whoever_was_sent_a_notice_can_acknowledge_it_by_what_stands_in_it(
    book: Book, folder: Path, there: Provider
) -> None:
    """No role is needed; the token is in what was sent, and nowhere in the journal."""
    order = api.TellOrder(FIRST, book.id, "room")
    ActivityEnvironment().run(Telling(book, Teller(folder), secret_of).deliver, order)
    sent = there.asked[0].json["data"]["text"]
    token = sent.split("--token ")[1].strip()
    assert "what happened" in sent
    (event,) = book.pauses.events(FIRST, "notice-sent")
    assert event.data["sent"] != event.data["body"]
    assert hear(book, folder, by_token(book, token)).heard == 1
    assert book.outbox.heard(FIRST)[book.outbox.of(FIRST)[0].seq].by == "guest"
    assert token.rpartition(".")[2] not in str(book.store.chain())


def test_with_a_link_what_is_sent_can_be_opened_by_those_inside_alone(
    book: Book, folder: Path, there: Provider
) -> None:
    """The vendor's own notice has neither link nor token, though it asks the same pause."""
    file = folder / "notices.yaml"
    link = '  link: "https://ops.lab.example/stopline/"\n'
    file.write_text(
        file.read_text().replace("  secret: NOTICES_ACK\n", f"  secret: NOTICES_ACK\n{link}")
    )
    book.pauses.mark(FIRST, PauseStatus.CONTAINED)
    theirs = Draft("vendor", "out", "", "s", "t", outside=True)
    book.pauses.note(FIRST, "audited", {"n": 2}, event="drift", drafts=(theirs,))
    for channel in ("room", "out"):
        order = api.TellOrder(FIRST, book.id, channel)
        ActivityEnvironment().run(Telling(book, Teller(folder), secret_of).deliver, order)
    room, out = (a.json["data"]["text"] for a in there.asked)
    opened = room.split("open https://ops.lab.example/stopline/ack/")[1].split()[0]
    assert opened == room.split("--token ")[1].strip()
    assert out == "t"


@pytest.mark.parametrize("secret", ["another key that signs", ""])
def test_a_token_that_nobody_was_sent_is_refused(book: Book, folder: Path, secret: str) -> None:
    """Who reads the journal knows every key, and can sign none; nor with a key of yesterday."""
    token = token_of(secret, book.id, book.outbox.of(FIRST)[0].key, 2**31)
    for forged in (token, token[:-1], token.partition(".")[0], f"{'0' * 32}.x", "\u20ac.\u20ac"):
        with pytest.raises(ApplicationError, match="not one of a notice"):
            hear(book, folder, by_token(book, forged))


def test_a_proof_is_good_for_one_word_and_until_its_time(book: Book, folder: Path) -> None:
    """What a history holds of a token says nothing else, and nothing later."""
    now = book.store.clock()
    key = book.outbox.of(FIRST)[0].key
    said = by_token(book, token_of("a key that signs", book.id, key, now + 60), reason="on it")
    for other in (replace(said, by="mallory"), replace(said, reason="nothing")):
        with pytest.raises(ApplicationError, match="not one of a notice"):
            hear(book, folder, other)
    late = by_token(book, token_of("a key that signs", book.id, key, now - 2))
    with pytest.raises(ApplicationError, match="no longer good"):
        hear(book, folder, late)
    assert book.outbox.heard(FIRST) == {}
    assert hear(book, folder, said).heard == 1


def test_a_key_that_could_be_found_by_trying_signs_nothing(
    book: Book, folder: Path, there: Provider
) -> None:
    """The notice goes out without a token: it can be acknowledged by name."""
    secrets = {"NOTICES_ROOM": SECRET, "NOTICES_ACK": "swordfish"}
    order = api.TellOrder(FIRST, book.id, "room")
    ActivityEnvironment().run(Telling(book, Teller(folder), secrets.__getitem__).deliver, order)
    assert there.asked[0].json["data"]["text"] == "what happened\n"


# --- escalating ----------------------------------------------------------------------------------


def test_the_next_level_is_told_once_and_of_what(book: Book, folder: Path) -> None:
    """A second asking, of a timer that fired twice, tells nobody again."""
    for _ in range(2):
        due = escalate(book, folder, 1)
        assert (due.channels, due.seconds, due.levels) == (("next", "room"), 900.0, 2)
    (raised,) = [n for n in book.outbox.of(FIRST) if n.event == ESCALATED]
    assert (raised.channel, raised.audience) == ("next", "responders")
    assert raised.subject == "Nobody has acknowledged: mercor is being stopped"
    text = book.outbox.text(raised)
    assert "within 15 minutes" in text
    assert "what happened" in text
    assert f"stopline ack {FIRST}" in text
    assert [*book.outbox.escalations(FIRST).values()] == [1]


def test_nobody_else_is_told_once_somebody_has_heard(book: Book, folder: Path) -> None:
    """Whoever acknowledges the notice of an escalation means what was escalated, too."""
    escalate(book, folder, 1)
    raised = next(n for n in book.outbox.of(FIRST) if n.event == ESCALATED)
    assert hear(book, folder, word(book, notice=raised.key)).heard == 2
    assert escalate(book, folder, 2) == api.Due()
    assert [*book.outbox.escalations(FIRST).values()] == [1]


def test_a_pause_that_is_over_and_a_file_that_broke_escalate_nothing(
    book: Book, folder: Path
) -> None:
    """Neither holds the workflow up."""
    (folder / "notices.yaml").write_text("channels: [\n")
    assert escalate(book, folder, 1) == api.Due()
    (folder / "notices.yaml").write_text(FILE.format(url="http://127.0.0.1:1"))
    assert escalate(book, folder, 3) == api.Due()
    book.pauses.mark(FIRST, PauseStatus.CLOSED)
    assert escalate(book, folder, 1) == api.Due()


def test_a_break_glass_that_nobody_reviewed_is_escalated_though_the_pause_is_over(
    book: Book, folder: Path
) -> None:
    """A rollback that one person approved alone ends the pause; its review ends the escalation."""
    said = {
        "ref": "r", "digest": "d", "direction": "restore", "request": "", "reason": "at night",
        "review_by": "2026-11-25T00:00:00Z",
    }  # fmt: skip
    book.pauses.note(FIRST, BROKEN, said, "ada", event=BROKEN, drafts=(ROOM,))
    book.pauses.mark(FIRST, PauseStatus.CLOSED)
    assert escalate(book, folder, 1) == api.Due(), "what else was told is over"
    (one,) = broken(book.store, FIRST)
    order = api.TellOrder(FIRST, book.id, seq=one.seq, level=1)
    bodies = Answering(book, Teller(folder), Approvers(folder), secret_of)
    assert ActivityEnvironment().run(bodies.escalate, order).levels == 2
    book.pauses.note(FIRST, REVIEWED, {"of": one.seq}, "ada")
    assert broken(book.store, FIRST)[0].reviewed_by == "", "ada's own word is no review"
    looked = replace(order, word="review", by="riley", reason="looked at it")
    hear(book, folder, looked)
    assert ActivityEnvironment().run(bodies.escalate, replace(order, level=2)) == api.Due()


# --- sending what failed once more ---------------------------------------------------------------


def again(book: Book, by: str = "ada", reason: str = "a new key") -> api.TellOrder:
    """A responder's word that what failed is to be sent again."""
    return api.TellOrder(FIRST, book.id, word=SEND_AGAIN, by=by, reason=reason)


def test_what_failed_is_sent_again_on_a_responders_word_which_is_written_down(
    book: Book, folder: Path, there: Provider
) -> None:
    """Once, however often the word is delivered; and under the same key as before."""
    (notice,) = book.outbox.of(FIRST)
    book.outbox.ended(notice, NoticeState.FAILED, "HTTP 401")
    assert hear(book, folder, again(book)).again == 1
    (event,) = book.pauses.events(FIRST, AGAIN)
    assert (event.actor, event.data["reason"], event.data["keys"]) == (
        "ada", "a new key", [notice.key],
    )  # fmt: skip
    order = api.TellOrder(FIRST, book.id, "room")
    ActivityEnvironment().run(Telling(book, Teller(folder), secret_of).deliver, order)
    assert [a.headers["webhook-id"] for a in there.asked] == [notice.key]
    assert hear(book, folder, again(book)).again == 1, "its answer was lost"
    assert [n.state for n in book.outbox.of(FIRST)] == [NoticeState.SENT]
    assert book.store.verify()[1] == ""


def test_nothing_is_sent_again_by_a_stranger_nor_where_nothing_failed(
    book: Book, folder: Path
) -> None:
    """Nor what could never be drafted: there is no text of it."""
    with pytest.raises(ApplicationError, match=f"No notice of the pause {FIRST} has failed"):
        hear(book, folder, again(book))
    nothing = Draft("responders", NOWHERE, wrong="no notice could be made")
    book.pauses.note(FIRST, "audited", {"n": 2}, event="drift", drafts=(nothing,))
    with pytest.raises(ApplicationError, match=f"No notice of the pause {FIRST} has failed"):
        hear(book, folder, again(book))
    with pytest.raises(ApplicationError, match="not a responder"):
        hear(book, folder, again(book, "guest"))
    assert book.pauses.events(FIRST, AGAIN) == ()


def test_what_failed_and_is_no_longer_true_is_withdrawn_and_not_sent_again(
    book: Book, folder: Path, there: Provider
) -> None:
    """The vendor was to hear that it is off; meanwhile the pause was rolled back."""
    theirs = Draft("vendor", "out", "", "s", "t", outside=True)
    book.pauses.mark(FIRST, PauseStatus.CONTAINED, event="contained", drafts=(theirs,))
    late = next(n for n in book.outbox.of(FIRST) if n.channel == "out")
    book.outbox.ended(late, NoticeState.FAILED, "HTTP 401")
    book.pauses.mark(FIRST, PauseStatus.CLOSED)
    assert hear(book, folder, again(book)).again == 1
    order = api.TellOrder(FIRST, book.id, "out")
    ActivityEnvironment().run(Telling(book, Teller(folder), secret_of).deliver, order)
    assert there.asked == []
    (told,) = [n for n in book.outbox.of(FIRST) if n.channel == "out"]
    assert (told.state, told.amber) == (NoticeState.WITHDRAWN, False)


def test_a_review_that_was_overdue_is_not_escalated_once_somebody_has_reassessed_it(
    book: Book, folder: Path
) -> None:
    """Nobody acknowledged the notice; somebody did what it asked for."""
    book.pauses.note(FIRST, "review-by", {"review_by": "2020-01-01T00:00:00Z"})
    book.pauses.note(FIRST, OVERDUE, {"n": 1}, event=OVERDUE, drafts=(ROOM,))
    seq = book.outbox.of(FIRST)[-1].seq
    bodies = Answering(book, Teller(folder), Approvers(folder), secret_of)
    order = api.TellOrder(FIRST, book.id, seq=seq, level=1)
    assert ActivityEnvironment().run(bodies.escalate, order).levels == 2
    book.pauses.note(FIRST, "reassessed", {"review_by": "2099-01-01T00:00:00Z"}, "ada")
    assert ActivityEnvironment().run(bodies.escalate, replace(order, level=2)) == api.Due()


# --- telling those outside before containment is verified ----------------------------------------


def lift(book: Book, by: str = "riley", reason: str = "they asked", **more: str) -> api.TellOrder:
    """A second person's word that those outside may hear."""
    return api.TellOrder(FIRST, book.id, word=TELL_OUTSIDE, by=by, reason=reason, **more)


def test_a_second_person_lets_those_outside_hear_and_the_chain_says_who_and_why(
    book: Book, folder: Path
) -> None:
    """They are told what is true by then; what follows they are told as it happens."""
    theirs = Draft("vendor", "out", "", "s", "t", outside=True)
    book.pauses.note(FIRST, "audited", {}, event="contained", drafts=(theirs,))
    assert [n.state for n in book.outbox.of(FIRST) if n.channel == "out"] == [NoticeState.WITHHELD]
    hear(book, folder, lift(book))
    hear(book, folder, lift(book))  # its answer was lost: the same word is no second one
    told = [n for n in book.outbox.of(FIRST) if n.event == "pausing"]
    assert {(n.audience, n.state) for n in told} == {
        ("vendor", NoticeState.PENDING),
        ("payees", NoticeState.PENDING),
    }
    assert "is being taken away" in book.outbox.text(told[0])
    (event,) = book.pauses.events(FIRST, "quiet-lifted")
    assert (event.actor, event.data["reason"]) == ("riley", "they asked")
    book.pauses.mark(FIRST, PauseStatus.CLOSED, event="restored", drafts=(theirs,))
    assert book.outbox.of(FIRST)[-1].state is NoticeState.PENDING


@pytest.mark.parametrize(("by", "why"), [("alice", "not an approver"), ("ada", "not an approver")])
def test_who_may_not_approve_lets_nobody_hear(book: Book, folder: Path, by: str, why: str) -> None:
    """A responder is no approver."""
    with pytest.raises(ApplicationError, match=why):
        hear(book, folder, lift(book, by))
    assert book.outbox.quiet_by(FIRST) == (FIRST,)


def test_the_requester_lets_nobody_hear_alone(book: Book, folder: Path) -> None:
    """Even one who may approve: it takes a second person."""
    (folder / "roles.yaml").write_text("approvers: ['*']\nsignatures: optional\n")
    with pytest.raises(ApplicationError, match="another person's"):
        hear(book, folder, lift(book, "alice"))
    assert book.outbox.quiet_by(FIRST) == (FIRST,)


@needs_openssh
def test_where_approvals_are_signed_this_is_too(book: Book, folder: Path, tmp_path: Path) -> None:
    """Without a signature it is no word; with one over another reason neither."""
    key = a_key(tmp_path, "id")
    public = key.with_suffix(".pub").read_text()
    (folder / "allowed_signers").write_text(f"riley {public}")
    (folder / "roles.yaml").write_text("approvers: [riley]\nsignatures: required\n")
    pause = book.pauses.get(FIRST)
    with pytest.raises(ApplicationError, match="signed here"):
        hear(book, folder, lift(book))
    other = sign(statement_of(TELL_OUTSIDE, book.id, pause, "riley", "another"), key)
    with pytest.raises(ApplicationError, match="not riley's"):
        hear(book, folder, lift(book, signature=other))
    mine = sign(statement_of(TELL_OUTSIDE, book.id, pause, "riley", "they asked"), key)
    hear(book, folder, lift(book, signature=mine))
    assert book.pauses.events(FIRST, "quiet-lifted")[0].data["signature"] == mine


def test_where_there_is_nothing_to_lift_it_is_said(book: Book, folder: Path) -> None:
    """No way to those outside; or they hear already."""
    without = FILE.partition("vendors:")[0].format(url="http://127.0.0.1:1")
    (folder / "notices.yaml").write_text(without)
    with pytest.raises(ApplicationError, match="no way to mercor"):
        hear(book, folder, lift(book))
    book.pauses.mark(FIRST, PauseStatus.CONTAINED)
    with pytest.raises(ApplicationError, match="keeps nobody outside from hearing"):
        hear(book, folder, lift(book))
    open_pause(book, SECOND)
    with pytest.raises(ApplicationError, match="keeps nobody outside from hearing"):
        hear(book, folder, lift(book))


def test_a_word_about_one_pause_lets_nobody_hear_while_another_is_not_contained(
    book: Book, folder: Path
) -> None:
    """It is written down, and counts once the same is said of the other."""
    open_pause(book, SECOND)
    hear(book, folder, lift(book))
    told = [n for n in book.outbox.of(FIRST) if n.event == "pausing"]
    assert {n.state for n in told} == {NoticeState.WITHHELD}
    assert all(SECOND in n.why for n in told)
    hear(book, folder, replace(lift(book), pause=SECOND))
    told = [n for n in book.outbox.of(SECOND) if n.event == "pausing"]
    assert {n.state for n in told} == {NoticeState.PENDING}
