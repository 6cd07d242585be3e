"""`stopline journal encrypt`, and what doctor says of the documents of a journal."""

import json
from pathlib import Path

import pytest
from support.journals import FIRST, a_book, open_pause

from stopline.connectors.memory import CONTAINS, NAME
from stopline.entrypoints.cli.main import main
from stopline.entrypoints.cli.program import Program
from stopline.journal.encrypting import keys_of
from stopline.settings import Settings, settings
from stopline.text import Json

KEY = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """A file with a key."""
    file = tmp_path / "journal.key"
    file.write_text(f"# of the tests\n{KEY}\n")
    return file


def run(*words: str) -> int:
    """Run the program as another process would, with the environment as it is."""
    settings.cache_clear()
    return main(words, Program({NAME: CONTAINS}))


def journal(capsys: pytest.CaptureFixture[str]) -> Json:
    """What doctor says of the journal."""
    run("doctor", "--output", "json")
    checks: list[Json] = json.loads(capsys.readouterr().out)["checks"]
    return next(check for check in checks if check["name"] == "journal")


def test_a_key_that_comes_later_is_asked_for_by_everybody_from_then_on(
    installation: Settings,
    key: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Doctor says what is in the clear, the command encrypts it, and nobody opens it without."""
    book = a_book(installation.journal_url)
    open_pause(book, frozen=book.pauses.keep("frozen", "hunter2"))
    book.close()
    assert "documents are not encrypted" in journal(capsys)["found"]
    monkeypatch.setenv("STOPLINE_JOURNAL_KEY", str(key))
    found = journal(capsys)
    assert found["warn"]
    assert "1 documents in the clear, or under an earlier key" in found["found"]
    assert found["next_step"] == "`stopline journal encrypt`"
    assert run("journal", "encrypt") == 0
    assert "1 documents were encrypted" in capsys.readouterr().out
    assert "its documents are encrypted" in journal(capsys)["found"]
    assert run("journal", "encrypt", "--output", "json") == 0
    (check,) = json.loads(capsys.readouterr().out)["checks"]
    assert "0 documents were encrypted" in check["found"]
    again = a_book(installation.journal_url, keys=keys_of(key))
    assert again.pauses.get(FIRST).vendor == "mercor"
    again.close()
    monkeypatch.delenv("STOPLINE_JOURNAL_KEY")
    assert run("status") == 1
    assert "STOPLINE_JOURNAL_KEY is not set" in capsys.readouterr().err


@pytest.mark.usefixtures("installation")
def test_without_a_key_there_is_nothing_to_encrypt_by(
    capsys: pytest.CaptureFixture[str], key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is written, and where it is said how one is made."""
    assert run("journal", "encrypt") == 2
    told = capsys.readouterr().err
    assert "STOPLINE_JOURNAL_KEY is not set" in told
    assert "Nothing was written" in told
    key.write_text("# of the tests\nhunter2\n")
    monkeypatch.setenv("STOPLINE_JOURNAL_KEY", str(key))
    assert run("status") == 2
    told = capsys.readouterr().err
    assert f"{key}:2 is no key" in told
    assert "hunter2" not in told
