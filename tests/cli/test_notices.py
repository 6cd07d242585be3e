"""`stopline notices`: what was told, and a test over every channel."""

from collections.abc import Iterator

import pytest
from support.asking import Asking
from support.providers import Answer, Provider, provider

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
    there.answers.append(Answer(403))
    refused = asking.ask("notices", "test")
    assert refused.code == 1
    assert "HTTP 403" in refused.said


def test_a_pause_shows_each_notice_with_its_state(asking: Asking, there: Provider) -> None:
    """What could not be sent is said, with exit code 6; the pause is contained all the same."""
    there.answers += [Answer(403)] * 2
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
    there.answers += [Answer(403)] * 2
    assert asking.pause().code == 0
    ended(asking)
    left = asking.ask("status", "mercor", "--output", "json").document["left"]
    told = [(n["where"], n["reason"], n["command"]) for n in left if n["kind"] == "notice"]
    assert [where for where, _, _ in told] == ["room: responders"] * 2
    assert "HTTP 403" in told[0][1]
    assert told[0][2].startswith("stopline notices ")
    page = asking.ask("status", "mercor")
    assert page.code == 0
    assert "Not told" in page.said
    assert "contained: everything in scope" in page.said


def ended(asking: Asking) -> dict[str, str]:
    """Wait until nothing is pending any more; the states by event."""
    for _ in range(200):
        told = asking.ask("notices", "mercor", "--output", "json").document
        states = {n["event"]: n["state"] for n in told["notices"]}
        if states and "pending" not in states.values():
            return states
    raise TimeoutError(states)
