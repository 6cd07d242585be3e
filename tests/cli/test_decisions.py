"""A file of decisions about held money: written, answered by people, approved, carried out."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
import yaml
from cli.test_payouts import held, house, ledger, states
from sqlalchemy.engine import Engine
from support.asking import Asking

from stopline.connectors.payouts import ledger as l
from stopline.text import Json

__all__ = ["house", "ledger"]  # fixtures
WORDS = ("terminate", "mercor", "--reason", "over", "--as", "ada@lab.example")
CONFIRMED = (*WORDS, "--confirm", "mercor")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the file of decisions is."""
    return tmp_path / "decisions.yaml"


def written(asking: Asking, file: Path) -> list[Json]:
    """The entries of the file that the command writes, which is kept."""
    held(asking)
    told = asking.ask("payouts", "mercor", "--format", "decisions")
    assert told.code == 0
    file.write_text(told.out, "utf-8")
    return list(yaml.safe_load(told.out)["decisions"])


def answered(file: Path, entries: list[Json]) -> tuple[str, str]:
    """The file with these entries, as options of a command."""
    file.write_text(yaml.safe_dump({"decisions": entries}), "utf-8")
    return "--decisions", str(file)


def rows(ledger: Engine) -> list[str]:
    """The payables that are held."""
    with ledger.connect() as connection:
        return sorted(connection.execute(sa.select(l.HOLDS.c.payable)).scalars())


def test_each_payable_is_decided_for_itself_with_its_reason(
    asking: Asking, ledger: Engine, file: Path
) -> None:
    """Two of one payee go different ways; what nobody decided about stays held."""
    first, second, third, fourth = written(asking, file)
    assert [(e["payee"], e["decision"]) for e in (first, second, third, fourth)] == [
        ("V-MERCOR", "undecided"), ("c1", "undecided"), ("c1", "undecided"), ("=c3", "undecided"),
    ]  # fmt: skip
    second |= {"decision": "settle", "reason": "timesheet 41 is accepted"}
    third |= {"decision": "dispute", "reason": "hours in doubt", "review_by": "2027-03-01"}
    file_ = answered(file, [first, second, third])
    asked = asking.ask(*CONFIRMED, *file_)
    assert asked.code == 5
    assert "timesheet 41 is accepted" in asked.said
    assert len(rows(ledger)) == 4  # one person's word is none
    asking.approve()
    assert rows(ledger) == ["p0", "p2", "p3"]
    told = asking.ask("payouts", "mercor", "--output", "json").document
    assert told["balanced"]
    assert states(told) == {"p0": "held", "p1": "released", "p2": "held", "p3": "held"}
    said = asking.ask("evidence", "certificate", "mercor").said
    assert "to be looked at again by 2027-03-01: hours in doubt; it stays held" in said
    assert "lift, to be settled by a pay run: hold 5000 JPY, still owed: timesheet 41" in said


def test_the_file_as_it_is_written_decides_nothing(asking: Asking, file: Path) -> None:
    """Undecided is no decision: it is read, and what is held stays."""
    written(asking, file)
    asked = asking.ask(*CONFIRMED, "--decisions", str(file))
    assert "people pay it out, or dispute it" in asked.said


def faults() -> Iterator[tuple[str, Json, str]]:
    """What is wrong with an entry, and what is said about it."""
    yield "address", {"address": "payouts:accounts:payable-hold:p9"}, "is nothing of money that"
    yield "amount", {"holds": "hold 1 JPY, still owed"}, "hold 5000 JPY, still owed; look again"
    yield "payee", {"payee": "c9"}, "is owed to c1"
    yield "no day", {"decision": "dispute"}, "give the day, as 2027-03-01"
    yield "bad day", {"decision": "dispute", "review_by": "soon"}, "give the day, as 2027-03-01"
    yield "settled until", {"decision": "settle", "review_by": "2027-03-01"}, "is disputed"
    yield "word", {"decision": "pay"}, "decision"
    yield "extra", {"pay": 1}, "pay"


@pytest.mark.night
@pytest.mark.parametrize(
    ("change", "words"), [f[1:] for f in faults()], ids=[f[0] for f in faults()]
)
def test_what_is_no_decision_about_what_is_held_asks_for_nothing(
    asking: Asking, ledger: Engine, file: Path, change: Json, words: str
) -> None:
    """With the file and the line, and what is held as it is now."""
    entries = written(asking, file)
    file_ = answered(file, [entries[0], {**entries[1], **change}])
    told = asking.ask(*CONFIRMED, *file_)
    assert told.code == 2
    assert words in told.said
    assert f"{file}:" in told.said.replace("\n", "")
    assert "Nothing was asked for" in told.said
    assert len(rows(ledger)) == 4


def test_what_is_said_twice_and_differently_asks_for_nothing(asking: Asking, file: Path) -> None:
    """In the file, or in the file and by name; the same word twice is one."""
    entries = written(asking, file)
    settle = [{**e, "decision": "settle"} for e in entries if e["payee"] == "c1"]
    twice = asking.ask(*CONFIRMED, *answered(file, [*settle, settle[0]]))
    assert "is decided already, entry 1" in twice.said
    file_ = answered(file, settle)
    until = ("--dispute", "c1", "--review-by", "2027-03-01")
    both = asking.ask(*CONFIRMED, *file_, *until)
    assert both.code == 2
    assert "is named for two decisions" in both.said
    missing = asking.ask(*CONFIRMED, "--decisions", str(file.parent / "none.yaml"))
    assert (missing.code, "cannot be read" in missing.said) == (2, True)


def test_a_pause_that_holds_no_money_has_no_such_file(asking: Asking) -> None:
    """It says so, and writes nothing."""
    assert asking.pause().code == 5
    told = asking.ask("payouts", "mercor", "--format", "decisions")
    assert (told.code, told.out) == (2, "")
    assert "holds no money" in told.said
