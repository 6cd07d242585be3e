"""What the program says, and the code it leaves with, when it is asked for what cannot be."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.temporal import write_configuration

from stopline.connectors.memory import CONTAINS, NAME
from stopline.entrypoints.cli.doctor import owners
from stopline.entrypoints.cli.main import app, main
from stopline.entrypoints.cli.program import Program
from stopline.settings import Settings, settings

DOCS = Path(__file__).parents[2] / "docs" / "cli.md"


def run(*arguments: str) -> int:
    """Run the program in this process, over the in-memory connector's words."""
    return main(arguments, Program({NAME: CONTAINS}))


@pytest.mark.usefixtures("installation")
class TestWithoutTemporal:
    """Everything here is answered before Temporal is needed, or says that it is not there."""

    @pytest.mark.parametrize("command", ["vendor show", "plan", "pause --reason x"])
    def test_an_unknown_vendor_brings_the_nearest_name(
        self, command: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """A misspelt name is a usage error that suggests the right one."""
        assert run(*command.split(), "mercorr") == 2
        said = capsys.readouterr()
        assert "There is no vendor 'mercorr'" in said.err
        assert "'mercor'" in said.err
        assert said.out == ""

    def test_an_unknown_project_brings_the_nearest_one(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """A project is looked up in the vendor's file before anything is planned."""
        assert run("plan", "mercor", "--project", "cordus") == 2
        said = capsys.readouterr().err
        assert "mercor has no project 'cordus' (did you mean 'chordus'?)" in said

    def test_a_bad_address_is_named(self, capsys: pytest.CaptureFixture[str]) -> None:
        """An address has four fields; the text that has not is shown."""
        assert run("plan", "mercor", "--address", "training-data") == 2
        said = capsys.readouterr().err
        assert "not an address (connector:realm:kind:id): 'training-data'" in said

    @pytest.mark.parametrize("text", ["shared", "shared=", "=because", "shared= "])
    def test_an_override_wants_a_guard_and_a_reason(
        self, text: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Half an override is refused before anything is planned."""
        assert run("pause", "mercor", "--reason", "x", "--override", text) == 2
        assert "is not GUARD=REASON. Nothing was done." in capsys.readouterr().err

    @pytest.mark.parametrize(
        "command",
        ["pause mercor", "pause mercor --reason= ", "rollback mercor", "approve x --gaps"],
    )
    def test_a_reason_is_wanted(self, command: str, capsys: pytest.CaptureFixture[str]) -> None:
        """What is written into the journal has a reason, which is not blank."""
        assert run(*command.split()) == 2
        assert "reason" in capsys.readouterr().err

    @pytest.mark.parametrize("command", ["plan mercor", "pause mercor --reason x"])
    def test_temporal_that_is_not_there_says_how_to_start_it(
        self, command: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """The address that was tried, and the command that brings a server."""
        assert run(*command.split()) == 1
        said = capsys.readouterr().err
        assert "Temporal does not answer at 127.0.0.1:1. Nothing was done." in said
        assert "stopline up" in said
        assert "Traceback" not in said

    @pytest.mark.parametrize(
        "command", ["watch", "stop", "approve", "rollback --reason x", "status"]
    )
    def test_a_pause_that_is_not_there_is_named(
        self, command: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """No pause of that name is a usage error; what can be seen is said."""
        assert run(*command.split(), "mercor") == 2
        said = capsys.readouterr().err
        assert "pause of 'mercor'" in said
        assert "stopline status" in said

    def test_status_of_nothing_is_no_fault(self, capsys: pytest.CaptureFixture[str]) -> None:
        """An empty journal has an empty list, and needs no Temporal."""
        assert run("status") == 0
        assert capsys.readouterr().out == "No pause is open.\n"
        assert run("status", "--output", "json") == 0
        assert json.loads(capsys.readouterr().out)["pauses"] == []

    def test_output_can_stand_before_or_after_the_command(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Both places mean the same, and stdout is one document."""
        assert run("vendor", "list", "--output", "json") == 0
        after = capsys.readouterr().out
        assert run("--output", "json", "vendor", "list") == 0
        assert capsys.readouterr().out == after
        assert json.loads(after)["vendors"][0]["vendor"] == "mercor"

    def test_a_vendor_is_found_by_its_other_name(self, capsys: pytest.CaptureFixture[str]) -> None:
        """`vendor show` knows aliases, and shows the note for the 3am reader first."""
        assert run("vendor", "show", "mercor inc") == 0
        out = capsys.readouterr().out
        assert out.startswith("Read this first\n  Call the vendor desk first")
        assert "Vendor mercor" in out
        assert "Project chordus" in out

    @pytest.mark.parametrize(
        "line", ["bogus", "plan", "vendor", "plan mercor --bogus", "--output x status"]
    )
    def test_usage_errors_leave_with_two(self, line: str) -> None:
        """Unknown commands, options and missing arguments."""
        assert run(*line.split()) == 2

    def test_doctor_lists_every_check_and_what_to_do(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """One line each, ok or failed; what failed says the next step; the code is 1."""
        assert run("doctor", "--output", "json") == 1
        checks = {c["name"]: c for c in json.loads(capsys.readouterr().out)["checks"]}
        assert [name for name, check in checks.items() if not check["ok"]] == ["temporal", "worker"]
        assert "stopline up" in checks["temporal"]["next_step"]
        assert "chain of 0 events verified" in checks["journal"]["found"]
        assert run("doctor") == 1
        out = capsys.readouterr().out
        assert "2 of 12 checks failed" in out
        assert "failed temporal:" in out


def test_every_fault_of_the_configuration_is_listed(
    installation: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """`vendor check` names file and line of each, and leaves with 2; whole files with 0."""
    assert run("vendor", "check") == 0
    capsys.readouterr()
    write_configuration(
        installation.config_dir, vendor="vendor: mercor\nnmes: []\n", estate="x: 1\n"
    )
    assert run("vendor", "check", "--output", "json") == 2
    faults = json.loads(capsys.readouterr().out)["faults"]
    assert any(re.search(r"vendors/mercor\.yaml:2: .*nmes", fault) for fault in faults)
    assert any("estate.yaml:1:" in fault for fault in faults)


def test_a_missing_folder_of_configuration_is_named(
    installation: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The folder and the variable that names it are in the message."""
    gone = installation.config_dir / "gone"
    monkeypatch.setenv("STOPLINE_CONFIG_DIR", str(gone))
    settings.cache_clear()
    assert run("plan", "mercor") == 2
    said = capsys.readouterr().err
    assert str(gone) in said
    assert "STOPLINE_CONFIG_DIR" in said


def test_a_bad_setting_is_named(
    installation: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A variable that cannot be read is a usage error, not a traceback."""
    monkeypatch.setenv("STOPLINE_BATCH", "many")
    settings.cache_clear()
    assert run("status") == 2
    assert "STOPLINE_BATCH" in capsys.readouterr().err


def test_a_journal_that_cannot_be_opened_is_named(
    installation: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The database is in the message; nothing was written."""
    monkeypatch.setenv("STOPLINE_JOURNAL_URL", "sqlite:////proc/nowhere/journal.db")
    settings.cache_clear()
    assert run("status") == 1
    assert "/proc/nowhere/journal.db" in capsys.readouterr().err


def test_a_stranger_who_owns_our_names_is_found() -> None:
    """`doctor` refuses an environment in which another distribution has our thin names."""
    shared = {"workflows": ["stopline", "other"], "activities": ["stopline"], "x": ["y"]}
    assert owners(shared) == ["other"]
    assert owners({"workflows": ["stopline"]}) == []


def test_the_docs_list_every_command() -> None:
    """docs/cli.md names each command of the program, and each exit code."""
    text = DOCS.read_text("utf-8")
    named = {c.name or getattr(c.callback, "__name__", "") for c in app.registered_commands}
    assert {name for name in named if f"`{name}" not in text} == set()
    codes = re.findall(r"^\| (\d+) \|", text, flags=re.MULTILINE)
    assert codes == ["0", "1", "2", "3", "4", "5", "6", "7", "8", "130"]


@pytest.mark.usefixtures("installation")
def test_the_installed_program_leaves_with_its_code() -> None:
    """The real entry point, in a process of its own: data on stdout, the code at the end."""
    program = Path(sys.executable).with_name("stopline")
    version = subprocess.run(
        [program, "--version"], capture_output=True, text=True, check=False, timeout=60
    )
    assert (version.returncode, version.stderr) == (0, "")
    assert version.stdout.startswith("stopline ")
    wrong = subprocess.run(
        [program, "vendor", "show", "nobody"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "NO_COLOR": "1"},
    )
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr.startswith("error: There is no vendor 'nobody'")
