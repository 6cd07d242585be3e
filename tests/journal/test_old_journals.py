"""A journal that an older release wrote, with pauses open in it, is carried on by this one.

`recorded/0001.sql` was written by the release before there were notices: a pause of a whole vendor,
another of one principal in it, and one principal given back of the first. Beside it is the world.
"""

import json
import sqlite3
from pathlib import Path

import pytest
from support.nights import KEPT, Night, a_world

from stopline.connectors.memory import World
from stopline.journal.pauses import PauseStatus
from stopline.model import Scope

RECORDED = Path(__file__).parent / "recorded"
WHOLE, ONE = "0000000a", "0000000b"


def world() -> World:
    """The world as the older release left it."""
    made, was = a_world(), json.loads((RECORDED / "0001-world.json").read_text("utf-8"))
    for name, (uid, attached, switches) in was["principals"].items():
        assert made.principals[name].uid == uid
        made.principals[name].attached = set(attached)
        made.principals[name].switches = switches
    made.foundations, made.cuts = was["foundations"], was["cuts"]
    made.doors = {name: set(denies) for name, denies in was["doors"].items()}
    for name, text in was["targets"].items():
        made.put_target(name, text)
    return made


@pytest.fixture
def night(tmp_path: Path) -> Night:
    """Today's release, over that journal and that world."""
    file = tmp_path / "journal.db"
    database = sqlite3.connect(file)
    database.executescript((RECORDED / "0001.sql").read_text("utf-8"))
    database.close()
    return Night(world(), url=f"sqlite:///{file}", now=1_800_001_000.0)


def test_its_chain_holds_and_its_pauses_and_holds_are_there(night: Night) -> None:
    """Brought up to date, nothing of what was written down is another."""
    book = night.book
    assert book.store.verify()[1] == ""
    assert {(p.id, p.vendor) for p in book.pauses.list()} == {(WHOLE, "mercor"), (ONE, "mercor")}
    held = {(h.pause, str(h.address)) for h in book.writes.holds() if "switch" in str(h.address)}
    assert held == {(pause, "memory:r1:switch:v0/one") for pause in (WHOLE, ONE)}
    assert book.outbox.of(WHOLE) == ()


def test_what_it_held_is_contained_again_when_it_is_opened(night: Night) -> None:
    """A sweep plans from holds of before; what was given back by name stays so."""
    night.world.principals["v0"].switches["one"] = "on"
    night.released = night.book.pauses.released(WHOLE)
    night.carry_out(night.plan(WHOLE, sweep=night.plan(WHOLE)))
    assert night.world.principals["v0"].switches["one"] == "off"
    assert night.world.principals["v1"].switches["one"] == "on"
    assert night.world.principals[KEPT].switches["one"] == "on"


def test_all_of_it_is_given_back_exactly(night: Night) -> None:
    """The whole first: what the other holds waits for its own end; verbatim texts come back."""
    before = a_world().picture()
    night.restore(WHOLE)
    assert night.world.principals["v0"].switches["one"] == "off"
    night.restore(ONE)
    assert night.world.picture() == before
    assert night.book.writes.holds() == ()
    assert night.book.store.verify()[1] == ""


def test_it_is_reassessed_and_audited_as_one_of_today(night: Night) -> None:
    """Words that it did not know are written after what it wrote."""
    pauses = night.book.pauses
    pauses.note(WHOLE, "reassessed", {"decision": "keep", "reason": "known"}, "ada")
    pauses.mark(WHOLE, PauseStatus.PARTIAL)
    night.restore(WHOLE, Scope(principals=("v0",)))
    assert night.book.store.verify()[1] == ""
    assert night.world.principals["v0"].switches["one"] == "off", "the other pause holds it"
