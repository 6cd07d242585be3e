"""Asking the program as a person does: words in; an exit code, and what both streams said, out."""

import io
import json
import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.temporal import House

from stopline.text import Json

DOCS = Path(__file__).parents[2] / "docs" / "json.md"
SECTIONS = re.split(r"^## ", DOCS.read_text("utf-8"), flags=re.MULTILINE)[1:]
CONFIRM = ("--confirm", "mercor")


class Typist(io.StringIO):
    """A terminal at which somebody types these lines; the character of Ctrl-C interrupts."""

    def isatty(self) -> bool:
        """It is one."""
        return True

    def readline(self, size: int | None = -1, /) -> str:
        """One line, or what Ctrl-C does."""
        line = super().readline(-1 if size is None else size)
        if "\x03" in line:
            raise KeyboardInterrupt
        return line


@dataclass(frozen=True, slots=True)
class Answer:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """Both streams, on one line: how a terminal folds is not what is looked at."""
        return " ".join(f"{self.out} {self.err}".split())

    @property
    def document(self) -> Json:
        """The one document on stdout, which is what docs/json.md says it is."""
        found = json.loads(self.out)
        assert found["apiVersion"] == "stopline/v1"
        section = next(s for s in SECTIONS if s.startswith(f"{found['kind']}\n"))
        fields = set(found) - {"apiVersion", "kind"}
        assert fields <= set(re.findall(r"`([a-z_]+)`", section))
        return found


@dataclass
class Asking:
    """The program over one house, in this process."""

    house: House
    capsys: pytest.CaptureFixture[str]
    monkeypatch: pytest.MonkeyPatch

    def ask(self, *words: str, typed: str | None = None) -> Answer:
        """Run one command; `typed` is what a person at a terminal answers to its question."""
        with self.monkeypatch.context() as patch:
            patch.setattr("sys.stdin", Typist(typed) if typed is not None else io.StringIO())
            self.capsys.readouterr()
            code = self.house.run(*words)
        said = self.capsys.readouterr()
        assert "Traceback" not in said.err
        assert "a fault of stopline itself" not in said.err
        return Answer(code, said.out, said.err)

    def pause(self, *words: str, by: str = "ada@lab.example") -> Answer:
        """Pause mercor, confirmed."""
        return self.ask("pause", "mercor", "--reason", "breach", "--as", by, *CONFIRM, *words)

    def rollback(self, *words: str, by: str = "ada@lab.example") -> Answer:
        """Ask for mercor's rollback, confirmed."""
        return self.ask("rollback", "mercor", "--reason", "over", "--as", by, *CONFIRM, *words)

    def approve(self, *words: str, by: str = "riley@lab.example") -> Answer:
        """Approve what waits, confirmed."""
        return self.ask("approve", "mercor", "--as", by, *CONFIRM, *words)


def words_proven(asking: Asking, folder: Path) -> dict[str, str]:
    """What verifying finds of each kind of word, by the keys in a folder; nothing may be wrong."""
    file = folder / "words.zip"
    file.unlink(missing_ok=True)
    assert asking.ask("evidence", "export", "mercor", "--to", str(file)).code == 0
    keys = ("--signers", str(folder / "allowed_signers"), "--output", "json")
    told = asking.ask("evidence", "verify", str(file), *keys)
    assert told.code == 0, told.said
    return {one["name"]: one["found"] for one in told.document["checks"]}
