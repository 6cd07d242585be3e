"""A pause from the command line: planned, confirmed, contained, joined, stopped, interrupted."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from support.temporal import PLAYBOOK, House, write_configuration

from stopline.connectors.memory import Principal
from stopline.journal.pauses import PauseStatus
from stopline.model import Document
from stopline.settings import settings
from stopline.text import Json

PROGRAM = Path(sys.executable).with_name("stopline")
NOW = ("--reason", "keys were found in a public repository", "--confirm", "mercor")


def document(capsys: pytest.CaptureFixture[str]) -> Json:
    """The one JSON document on stdout."""
    return json.loads(capsys.readouterr().out)


class Gate:
    """A hook that holds every write back until it is opened."""

    def __init__(self) -> None:
        """Begin shut."""
        self.arrived, self.open = threading.Event(), threading.Event()

    def __call__(self, moment: str, document: Document) -> None:
        """Wait before a write is sent."""
        if moment == "sending":
            self.arrived.set()
            self.open.wait(60)


def test_a_plan_shows_everything_and_writes_nothing(
    house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 3 with changes; the file is the document on stdout; the estate is as it was."""
    before = house.world.picture()
    file = tmp_path / "plan.json"
    assert house.run("plan", "mercor", "-o", str(file), "--output", "json") == 3
    plan = document(capsys)
    assert json.loads(file.read_text()) == plan
    assert {c["principal"] for c in plan["changes"]} >= {"annotator", "reviewer", "training-data"}
    assert house.world.picture() == before
    assert house.run("plan", "mercor") == 3
    out = capsys.readouterr().out
    assert "phase 1, fast-cut" in out
    assert "~ annotator: Status: on -> off" in out
    assert f"digest    {plan['digest']}" in out


def test_a_plan_of_an_empty_scope_says_so(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 0: there is nothing to do; and the likeliest cause is named."""
    assert house.run("plan", "mercor", "--principal", "anotator") == 0
    out = capsys.readouterr().out
    assert "limit (empty-scope)" in out
    assert "nothing is to be done" in out


def test_a_pause_contains_and_says_its_id_first(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 0 when all is contained; the first line on stdout names the pause."""
    assert house.run("pause", "mercor", *NOW) == 0
    out = capsys.readouterr().out
    pause = house.book.pauses.list("mercor")[0]
    assert out.splitlines()[0] == f"pause {pause.id}: mercor (all)"
    assert "contained: everything in scope is contained and was read back" in out
    assert pause.requester == "ada@lab.example"
    assert house.world.principals["annotator"].switches == {"k1": "off", "k2": "off"}
    assert house.world.principals["builder"].switches == {"k4": "on"}


def test_a_pause_writes_one_document_on_stdout(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    """With --output json the plan and the progress go to stderr."""
    assert house.run("pause", "mercor", *NOW, "--output", "json", "--as", "eve@lab.example") == 0
    said = capsys.readouterr()
    pause = json.loads(said.out)
    assert (pause["kind"], pause["status"], pause["held"]) == ("Pause", "contained", 9)
    assert pause["requester"] == "eve@lab.example"
    assert "Plan: contain mercor" in said.err


@pytest.mark.parametrize("answer", [("--confirm", "merco"), ()])
def test_nothing_is_done_without_the_vendors_name(
    house: House, answer: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong name, or nobody at the terminal: exit 2, no pause, no write, and it never hangs."""
    before = house.world.picture()
    assert house.run("pause", "mercor", "--reason", "x", *answer) == 2
    assert "Nothing was done." in capsys.readouterr().err
    assert house.world.picture() == before
    assert house.book.pauses.list() == ()


def test_a_second_trigger_joins_and_contains_what_is_new(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same scope joins the open pause: nothing new ends at once, a new key is contained."""
    assert house.run("pause", "mercor", *NOW) == 0
    pause = house.book.pauses.list("mercor")[0]
    capsys.readouterr()
    assert house.run("pause", "mercor", "--reason", "again") == 0
    out = capsys.readouterr().out
    assert out.startswith(f"pause {pause.id}: joins the open pause of mercor (all), contained")
    assert "It holds all of this already" in out
    house.world.principals["annotator"].switches["k9"] = "on"
    assert house.run("pause", "mercor", *NOW) == 0
    assert house.world.principals["annotator"].switches["k9"] == "off"
    assert [p.id for p in house.book.pauses.list("mercor")] == [pause.id]


def test_another_scope_opens_a_pause_of_its_own(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    """A part first, then the whole: two pauses, and a name alone no longer says which is meant."""
    assert house.run("pause", "mercor", *NOW, "--principal", "reviewer") == 0
    assert house.run("pause", "mercor", *NOW) == 0
    assert len(house.book.pauses.list("mercor")) == 2
    capsys.readouterr()
    assert house.run("rollback", "mercor", "--reason", "x", "--confirm", "mercor") == 2
    assert "mercor has 2 open pauses" in capsys.readouterr().err
    assert house.run("status", "mercor") == 0
    assert "mercor (a part)" in capsys.readouterr().out


def test_a_limit_wants_an_override_with_a_reason(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 1 naming the option; with it the pause goes on, and the reason is in the journal."""
    for number in range(25):
        house.world.principals[f"p{number}"] = Principal(
            f"U{number}x", "mercor", switches={"k": "on"}
        )
    assert house.run("pause", "mercor", *NOW) == 1
    assert "--override too-many-changes='...'" in capsys.readouterr().err
    assert house.run("pause", "mercor", *NOW, "--override", "to-many-changes=ok") == 2
    assert "(did you mean 'too-many-changes'?)" in capsys.readouterr().err
    assert house.book.pauses.list() == ()
    overrides = ("--override", "too-many-changes=read", "--override", "too-large-a-share=read")
    assert house.run("pause", "mercor", *NOW, *overrides) == 0
    opened = house.book.store.events(kind="opened")[0]
    assert opened.data["words"]["overrides"]["too-many-changes"] == "read"


def test_what_a_guard_refuses_is_refused(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    """A break-glass principal in the plan: exit 1, with the way out; an override does not help."""
    role = "arn:aws:iam::111122223333:role/break-glass"
    house.world.principals[role] = Principal("UB", "mercor")
    assert house.run("pause", "mercor", *NOW, "--override", "break-glass=x") == 1
    said = capsys.readouterr().err
    assert "Refused by break-glass. Nothing was done." in said
    assert house.world.principals[role].attached == set()


def test_what_is_left_open_makes_it_partial_until_somebody_accepts_it(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 6 with each address, the reason, and the command; accepted, it is contained."""
    house.world.principals["pair"] = Principal("US", "mercor", shared_with=("lab-ci",))
    assert house.run("pause", "mercor", *NOW, "--output", "json") == 6
    pause = document(capsys)
    assert [(w["kind"], w["principal"]) for w in pause["left"]] == [("left open", "pair")]
    assert pause["left"][0]["command"] == "stopline approve mercor --gaps --reason '...'"
    accept = ("approve", "mercor", "--gaps", "--reason", "known", "--confirm", "mercor")
    assert house.run(*accept) == 0
    assert "are acknowledged" in capsys.readouterr().out
    assert house.run(*accept[:-2], "--confirm", "x") == 2


def test_a_playbook_may_want_a_second_person(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 5 with the command; the requester's own yes is refused, another's contains."""
    playbook = f"{PLAYBOOK}approvals: {{contain: second-person}}\n"
    write_configuration(house.settings.config_dir, playbook=playbook)
    before = house.world.picture()
    assert house.run("pause", "mercor", *NOW) == 5
    out = capsys.readouterr().out
    assert re.search(r"run: stopline approve [0-9a-f]{8} --digest [0-9a-f]{12} --as NAME", out)
    assert house.world.picture() == before
    assert house.run("approve", "mercor", "--confirm", "mercor") == 1
    assert "the approval must be another person's" in capsys.readouterr().err
    assert house.run("approve", "mercor", "--confirm", "mercor", "--as", "bob@lab.example") == 0
    assert house.book.pauses.list("mercor")[0].status is PauseStatus.CONTAINED


def test_no_worker_is_said_at_once(
    house: House,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The queue that nobody polls, and how to start a worker: no waiting for a time-out."""
    monkeypatch.setenv("STOPLINE_JOURNAL_URL", f"sqlite:///{tmp_path}/other.db")
    settings.cache_clear()
    began = time.monotonic()
    assert house.run("pause", "mercor", *NOW) == 1
    assert time.monotonic() - began < 8
    said = capsys.readouterr().err
    assert "No worker is polling the queue stopline/" in said
    assert "`stopline worker`" in said


def test_status_needs_only_the_journal(
    house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without Temporal it shows what the journal knows, and says where it comes from."""
    assert house.run("pause", "mercor", *NOW) == 0
    capsys.readouterr()
    assert house.run("status", "mercor", "--output", "json") == 0
    with_temporal = document(capsys)
    assert with_temporal.pop("phase") == "paused"
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    assert house.run("status", "mercor", "--output", "json") == 0
    said = capsys.readouterr()
    alone = json.loads(said.out)
    assert alone.pop("phase") == ""
    assert alone == with_temporal
    assert "from the journal alone" in said.err


def test_stop_ends_a_containment_early(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    """What is in flight ends, nothing else begins, and the pause stays as it is then."""
    gate = Gate()
    house.connector.hook = gate
    assert house.run("pause", "mercor", *NOW, "--detach") == 0
    assert "stopline watch" in capsys.readouterr().err
    assert gate.arrived.wait(20)
    threading.Timer(1.5, gate.open.set).start()
    assert house.run("stop", "mercor", "--reason", "production was hit") == 0
    assert house.book.pauses.list("mercor")[0].status is PauseStatus.STOPPED
    assert house.world.principals["reviewer"].switches == {"k3": "on"}
    assert house.run("watch", "mercor") == 1
    assert "not asked" not in capsys.readouterr().err


def test_leaving_does_not_stop_the_work(house: House) -> None:
    """Ctrl-C ends the program with 130 and says how to watch; the pause goes on to its end."""
    gate = Gate()
    house.connector.hook = gate
    assert house.run("pause", "mercor", *NOW, "--detach") == 0
    assert gate.arrived.wait(20)
    watching = subprocess.Popen(
        [PROGRAM, "watch", "mercor"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert watching.stderr is not None
    assert watching.stderr.readline().startswith("containing")
    watching.send_signal(signal.SIGINT)
    out, err = watching.communicate(timeout=30)
    assert (watching.returncode, out) == (130, "")
    assert "the work goes on" in err
    assert "`stopline watch mercor`" in err
    gate.open.set()
    assert house.run("watch", "mercor") == 0


def test_the_name_is_typed_at_a_terminal(house: House) -> None:
    """A person types it: the wrong name does nothing, the right one goes on."""
    assert house.run("pause", "mercor", *NOW) == 0
    for typed, code, said in (("merco\n", 2, "is not the vendor's name"), ("mercor\n", 5, "")):
        master, slave = pty.openpty()
        with subprocess.Popen(
            [PROGRAM, "rollback", "mercor", "--reason", "over"],
            stdin=slave,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "NO_COLOR": "1"},
        ) as asking:
            os.write(master, typed.encode())
            _, err = asking.communicate(timeout=60)
        os.close(master)
        os.close(slave)
        assert asking.returncode == code
        assert "type the vendor's name" in err
        assert said in err
