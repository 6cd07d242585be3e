"""The PostgreSQL of the drill and of the tests, and the command line when there is none."""

import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from support.postgres import Databases
from support.temporal import installation

from stopline.drill import postgres
from stopline.drill.postgres import Postgres, programs
from stopline.entrypoints.cli.main import main
from stopline.entrypoints.embedded import answers
from stopline.errors import SetupError
from stopline.settings import Settings, settings

__all__ = ["installation"]


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without PostgreSQL: neither on PATH nor where distributions put it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(postgres, "PLACES", (str(tmp_path / "postgresql" / "*" / "bin"),))
    return tmp_path


def put(folder: Path, *names: str) -> Path:
    """Put programs into a folder."""
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).write_text("#!/bin/sh\nexit 3\n")
        (folder / name).chmod(0o755)
    return folder


def test_the_newest_whole_installation_is_taken(nowhere: Path) -> None:
    """By number and not by letter; one without its server is passed over."""
    assert programs() is None
    place = nowhere / "postgresql"
    put(place / "9" / "bin", *postgres.PROGRAMS)
    ten = put(place / "10" / "bin", *postgres.PROGRAMS)
    put(place / "11" / "bin", "initdb")
    assert programs() == ten


def test_without_postgresql_the_drill_says_how_to_get_it(
    nowhere: Path, installation: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """One message, what to install, nothing started, nothing left."""
    assert main(["drill", "--journal", "postgresql"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "PostgreSQL is not installed; nothing was started." in said.err
    assert "apt-get install postgresql" in said.err


def test_a_journal_that_the_drill_does_not_know_is_a_usage_error(
    installation: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, and both that there are."""
    assert main(["drill", "--journal", "oracle"]) == 2
    said = capsys.readouterr().err
    assert "--journal sqlite or --journal postgresql" in said


def test_a_server_that_does_not_answer_is_a_clear_failure_of_the_command_line(
    installation: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The database is named and its password is not."""
    monkeypatch.setenv("STOPLINE_JOURNAL_URL", "postgresql://u:hunter2@127.0.0.1:1/x")
    settings.cache_clear()
    assert main(["status"]) == 1
    said = capsys.readouterr().err
    assert "u:***@127.0.0.1:1/x refused" in said
    assert "hunter2" not in said


def test_programs_that_fail_are_quoted_and_leave_nothing(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What initdb said is shown; the folder goes with it."""
    put(nowhere / "postgresql" / "15" / "bin", *postgres.PROGRAMS)
    server = Postgres()
    with pytest.raises(SetupError, match="initdb failed"):
        server.start()
    assert not server.folder.exists()
    assert server.pid == 0


@pytest.fixture
def server(postgresql: Databases) -> Iterator[Postgres]:
    """A server of its own, where PostgreSQL is installed."""
    own = Postgres({"fsync": "off"})
    own.start()
    yield own
    own.stop()
    shutil.rmtree(own.folder, ignore_errors=True)


def test_a_server_starts_and_stops_and_lets_nobody_else_in(server: Postgres) -> None:
    """It listens on loopback, asks for its password, and is gone after `stop`, called twice."""
    with psycopg.connect(server.url()) as connection:
        listens = connection.execute("SHOW listen_addresses").fetchone()
        assert listens == ("127.0.0.1",)
    with pytest.raises(psycopg.OperationalError, match="authentication failed"):
        psycopg.connect(server.url().replace(server._password, "guessed"))
    with pytest.raises(psycopg.OperationalError, match="no password"):
        psycopg.connect(server.url().replace(f":{server._password}", ""))
    assert stat.S_IMODE(server.folder.stat().st_mode) == 0o700
    assert server._password not in "".join(
        path.read_text(errors="replace") for path in server.folder.glob("*") if path.is_file()
    )
    assert server.pid
    server.stop()
    server.stop()
    assert server.pid == 0
    assert not answers("127.0.0.1", server.port)
