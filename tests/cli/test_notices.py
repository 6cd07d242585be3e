"""`stopline notices`: what was told, and a test over every channel."""

from collections.abc import Iterator

import pytest
from support.asking import CONFIRM, Asking, words_proven
from support.journals import open_pause
from support.providers import Answer, Provider, provider
from support.signers import needs_openssh, signers

from stopline.errors import ConnectorError
from stopline.model import Document
from stopline.receipts import Cause

FILE = """\
contact: "+1 555 0100"
channels:
  room: {{kind: webhook, secret: NOTICES_ROOM, url: "{url}/room"}}
audiences:
  responders: [{{channel: room}}]
"""


@pytest.fixture
def there(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    """A house whose responders are told over a webhook."""
    monkeypatch.setenv("NOTICES_ROOM", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    with provider() as made:
        file = asking.house.settings.config_dir / "notices.yaml"
        file.write_text(FILE.format(url=made.url))
        yield made


def test_without_a_file_nobody_is_told_and_doctor_says_so(asking: Asking) -> None:
    """It is no fault; a test of nothing is one."""
    assert "nobody is told" in asking.ask("doctor").said
    assert asking.ask("notices", "test").code == 1


def test_a_test_says_what_each_channel_did(asking: Asking, there: Provider) -> None:
    """0 when all took it; 1 with the reason when one did not; it is marked as a test."""
    taken = asking.ask("notices", "test", "--output", "json")
    assert (taken.code, taken.document["ok"]) == (0, True)
    assert "TEST" in there.asked[0].json["data"]["subject"]
    there.answers.append(Answer(413))
    refused = asking.ask("notices", "test")
    assert refused.code == 1
    assert "HTTP 413" in refused.said


def test_a_pause_shows_each_notice_with_its_state(asking: Asking, there: Provider) -> None:
    """What could not be sent is said, with exit code 6; the pause is contained all the same."""
    there.answers += [Answer(413)] * 2
    assert asking.pause().code == 0
    for _ in range(200):
        told = asking.ask("notices", "mercor", "--output", "json")
        states = {n["event"]: n["state"] for n in told.document["notices"]}
        if "pending" not in states.values():
            break
    assert states == {"opened": "failed", "contained": "failed"}
    assert told.code == 6
    assert "tell them yourself" in asking.ask("notices", "mercor").said


def test_a_channel_that_fails_is_seen_in_the_pauses_status(asking: Asking, there: Provider) -> None:
    """A line with the reason and a command, in the JSON too; and the pause is contained."""
    there.answers += [Answer(413)] * 2
    assert asking.pause().code == 0
    ended(asking)
    left = asking.ask("status", "mercor", "--output", "json").document["left"]
    told = [(n["where"], n["reason"], n["command"]) for n in left if n["kind"] == "notice"]
    assert [where for where, _, _ in told] == ["room: responders"] * 2
    assert "HTTP 413" in told[0][1]
    assert told[0][2].startswith("stopline notices ")
    page = asking.ask("status", "mercor")
    assert page.code == 0
    assert "Not told" in page.said
    assert "contained: everything in scope" in page.said


def test_what_failed_is_sent_again_from_the_command_line(asking: Asking, there: Provider) -> None:
    """With a reason, which the status shows; where nothing failed it is refused."""
    there.answers += [Answer(413)] * 2
    assert asking.pause().code == 0
    assert {*ended(asking).values()} == {"failed"}
    assert "--send-again" in asking.ask("notices", "mercor").said
    again = ("notices", "mercor", "--send-again")
    assert "--reason" in asking.ask(*again).said
    told = asking.ask(*again, "--reason", "the receiver takes more")
    assert "Being sent again: 2 that had failed" in told.said
    assert {*ended(asking).values()} == {"sent"}
    assert (
        "send notices again ada@lab.example the receiver takes more"
        in asking.ask("status", "mercor").said
    )
    refused = asking.ask(*again, "--reason", "once more")
    assert "has failed that could be sent again" in refused.said
    assert refused.code != 0


def ended(asking: Asking) -> dict[str, str]:
    """Wait until nothing is pending any more; the states by event."""
    for _ in range(200):
        told = asking.ask("notices", "mercor", "--output", "json").document
        states = {n["event"]: n["state"] for n in told["notices"]}
        if states and "pending" not in states.values():
            return states
    raise TimeoutError(states)


def test_a_notice_is_acknowledged_from_the_command_line(asking: Asking, there: Provider) -> None:
    """By the vendor's name or a notice's key; who and when is shown, and in the pause's status."""
    assert asking.pause().code == 0
    ended(asking)
    before = asking.ask("notices", "mercor", "--output", "json").document["notices"]
    assert {n["acknowledged_by"] for n in before} == {""}
    opened = next(n for n in before if n["event"] == "opened")
    one = asking.ask("ack", opened["key"][:16], "--reason", "on it", "--output", "json")
    assert one.code == 0
    told = {n["event"]: n["acknowledged_by"] for n in one.document["notices"]}
    assert told == {"opened": "ada@lab.example", "contained": ""}
    rest = asking.ask("ack", "mercor", "--as", "bob@lab.example")
    assert "Acknowledged by bob@lab.example" in rest.said
    again = asking.ask("ack", "mercor", "--as", "carol@lab.example")
    assert (again.code, "acknowledged before" in again.said) == (0, True)
    assert "carol" not in again.out
    assert "acknowledge a notice ada@lab.example on it" in asking.ask("status", "mercor").said


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ((), "Say what is acknowledged"),
        (("mercor", "--token", "x.y"), "Say what is acknowledged"),
        (("--token", "0123456789.x"), "not one of a notice of this journal"),
        (("mercr",), "no open pause"),
    ],
)
def test_what_cannot_be_acknowledged_is_said(
    asking: Asking, words: tuple[str, ...], fault: str
) -> None:
    """Nothing is written down."""
    refused = asking.ask("ack", *words)
    assert refused.code == 2
    assert fault in refused.said


def refusing(moment: str, document: Document) -> None:
    """A hook by which one principal is never written."""
    if moment == "sending" and "annotator" in str(document):
        raise ConnectorError(Cause.DENIED, "not ours to write")


def test_a_second_person_has_those_outside_told_early(asking: Asking, there: Provider) -> None:
    """Not the requester; with a reason, and the vendor's name typed. The status shows it."""
    file = asking.house.settings.config_dir / "notices.yaml"
    way = "vendors: {mercor: {vendor: [{channel: room}]}}\n"
    file.write_text(FILE.format(url=there.url) + way)
    asking.house.connector.hook = refusing
    assert asking.pause().code == 6
    early = ("notices", "mercor", "--tell-outside", "--confirm", "mercor")
    assert "--reason" in asking.ask(*early, "--as", "riley@lab.example").said
    mine = asking.ask(*early, "--reason", "they asked", "--as", "ada@lab.example")
    assert "another person's" in mine.said
    done = asking.ask(*early, "--reason", "they asked", "--as", "riley@lab.example")
    assert "are told now" in done.said
    assert ended(asking)["pausing"] == "sent"
    assert "Access of mercor is being paused" in [a.json["data"]["subject"] for a in there.asked]
    said = asking.ask("status", "mercor").said
    assert "tell those outside riley@lab.example they asked" in said


@needs_openssh
def test_the_word_that_lets_those_outside_hear_is_proven_in_the_evidence(
    asking: Asking, there: Provider
) -> None:
    """Signed by whoever said it; whom the notices went to is hidden in the bundle's report."""
    folder = asking.house.settings.config_dir
    signers(folder, "riley", "ada")
    way = "vendors: {mercor: {vendor: [{channel: room}]}}\n"
    (folder / "notices.yaml").write_text(FILE.format(url=there.url) + way)
    asking.house.connector.hook = refusing
    assert asking.pause(by="ada").code == 6
    early = ("notices", "mercor", "--tell-outside", *CONFIRM, "--reason", "they asked")
    key = ("--sign", str(folder / "riley"))
    assert "are told now" in asking.ask(*early, "--as", "riley", *key).said
    found = words_proven(asking, folder)
    assert found["told outside early"] == "1 signed (verified), 0 unsigned"


def test_a_word_that_lets_nobody_hear_yet_says_for_whose_sake(
    asking: Asking, there: Provider
) -> None:
    """Another pause of the vendor is under way: it is written down, and nobody outside is told."""
    file = asking.house.settings.config_dir / "notices.yaml"
    file.write_text(FILE.format(url=there.url) + "vendors: {mercor: {vendor: [{channel: room}]}}\n")
    asking.house.connector.hook = refusing
    assert asking.pause().code == 6
    (first,) = asking.house.book.pauses.list("mercor")
    open_pause(asking.house.book, "0000000f")
    early = ("notices", first.id, "--tell-outside", "--confirm", "mercor")
    done = asking.ask(*early, "--reason", "they asked", "--as", "riley@lab.example")
    assert "hear nothing yet, for the sake of 0000000f" in done.said
    states = {n.event: str(n.state) for n in asking.house.book.outbox.of(first.id)}
    assert states["pausing"] == "withheld"
    again = asking.ask(*early, "--reason", "once more", "--as", "riley@lab.example")
    assert "What keeps them quiet is the pause 0000000f: name it." in again.said
