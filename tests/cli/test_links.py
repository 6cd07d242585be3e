"""`stopline ack --serve`: a process of its own, between the company's proxy and the worker."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests
from support.asking import Asking
from support.providers import Provider, provider

RUN = "from stopline.entrypoints.cli.main import run; run()"
FILE = """\
contact: "+1 555 0100"
channels:
  room: {{kind: webhook, secret: NOTICES_ROOM, url: "{url}/room"}}
audiences:
  responders: [{{channel: room}}]
escalation:
  levels: [[{{channel: room}}]]
  secret: NOTICES_ACK
  link: "https://ops.lab.example/stopline"
"""


@pytest.fixture
def there(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    """A house whose responders are sent links."""
    monkeypatch.setenv("NOTICES_ROOM", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    monkeypatch.setenv("NOTICES_ACK", "a key that signs")
    with provider() as made:
        file = asking.house.settings.config_dir / "notices.yaml"
        file.write_text(FILE.format(url=made.url))
        yield made


@contextmanager
def serving(*words: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """The process, and where it says that it listens."""
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, "ack", *words], stderr=subprocess.PIPE, text=True,
        env={**os.environ},
    )  # fmt: skip
    assert process.stderr is not None
    try:
        line = process.stderr.readline()
        found = re.search(r"http://127\.0\.0\.1:[0-9]+", line)
        assert found, line + process.stderr.read()
        yield found[0], process
    finally:
        process.kill()
        process.wait(20)
        process.stderr.close()


def sent(asking: Asking, there: Provider) -> str:
    """The token of the first notice of a pause."""
    assert asking.pause().code == 0
    for _ in range(200):
        asking.ask("notices", "mercor")
        if there.asked:
            break
    return str(there.asked[0].json["data"]["text"].split("/ack/")[1].split()[0])


def test_who_was_sent_a_link_acknowledges_by_it_and_the_command_line_shows_who(
    asking: Asking, there: Provider
) -> None:
    """On loopback, for a proxy that keeps the path or not; it ends when it is told to."""
    token = sent(asking, there)
    with serving("--serve", "0") as (base, process):
        assert "<button>" in requests.get(f"{base}/stopline/ack/{token}", timeout=20).text
        done = requests.post(f"{base}/ack/{token}", data={"name": "ada"}, timeout=30)
        assert "By ada" in done.text
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        assert process.stderr is not None
        assert token[-8:] not in process.stderr.read()
    shown = asking.ask("notices", "mercor", "--output", "json").document["notices"]
    assert {n["event"]: n["acknowledged_by"] for n in shown}["opened"] == "ada"


def test_the_same_token_does_from_the_command_line(asking: Asking, there: Provider) -> None:
    """Whoever has no browser at hand."""
    done = asking.ask("ack", "--token", sent(asking, there), "--as", "guest")
    assert "Acknowledged by guest." in done.said


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (("--serve", "no:port"), "is not HOST:PORT"),
        (("--serve", "70000"), "is not HOST:PORT"),
        (("mercor", "--serve", "0"), "give it alone"),
        (("--serve", "192.0.2.1:0"), "cannot be listened on"),
    ],
)
def test_what_cannot_be_served_is_said(
    asking: Asking, there: Provider, words: tuple[str, ...], fault: str
) -> None:
    """Before anything is listened on."""
    assert there.url
    refused = asking.ask("ack", *words)
    assert refused.code != 0
    assert fault in refused.said


@pytest.mark.parametrize("taken", ["  link:", "  secret:"])
def test_without_a_link_or_its_key_nothing_is_served(
    asking: Asking, there: Provider, taken: str
) -> None:
    """What is lacking is named."""
    assert there.url
    file = asking.house.settings.config_dir / "notices.yaml"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(one for one in lines if not one.startswith(taken)))
    refused = asking.ask("ack", "--serve", "0")
    assert refused.code == 2
    assert taken.strip(" :") in refused.said


def test_a_key_that_is_too_short_serves_nothing(
    asking: Asking, there: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It could be found by trying."""
    assert there.url
    monkeypatch.setenv("NOTICES_ACK", "swordfish")
    refused = asking.ask("ack", "--serve", "0")
    assert "too short to sign" in refused.said
    assert "swordfish" not in refused.said
