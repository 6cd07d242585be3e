"""Giving back from the command line: asked for by one, approved by another, whole or in part."""

import json
import re
import threading

import pytest
from support.temporal import House

from stopline.connectors.memory import Principal
from stopline.journal.pauses import PauseStatus

CONFIRM = ("--confirm", "mercor")
PAUSE = ("pause", "mercor", "--reason", "breach", *CONFIRM)
BACK = ("rollback", "mercor", "--reason", "reassessed", *CONFIRM)
APPROVE = ("approve", "mercor", "--as", "bob@lab.example", *CONFIRM)


def test_a_rollback_wants_another_person_and_gives_all_back(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 5 with the command; not by the asker; then 0, and the estate is what it was."""
    before = house.world.picture()
    assert house.run(*PAUSE) == 0
    capsys.readouterr()
    assert house.run(*BACK) == 5
    out = capsys.readouterr().out
    assert "Plan: restore mercor" in out
    assert re.search(r"Another person than ada@lab.example must approve it: stopline approve", out)
    assert house.run("approve", "mercor", *CONFIRM) == 1
    assert "must be another person's" in capsys.readouterr().err
    assert house.run("status", "mercor", "--output", "json") == 0
    assert json.loads(capsys.readouterr().out)["waiting"]["asked_by"] == "ada@lab.example"
    assert house.run(*APPROVE) == 0
    assert house.world.picture() == before
    assert "closed: nothing is held any more" in capsys.readouterr().out
    assert house.run("status", "mercor") == 0
    assert "bob@lab.example" in capsys.readouterr().out


def test_a_conflict_is_left_and_shown_in_three_columns(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 7: what a stranger changed since is not overwritten; before, ours and now are shown."""
    assert house.run(*PAUSE) == 0
    house.world.principals["reviewer"].switches["k3"] = "expired"
    assert house.run(*BACK) == 5
    capsys.readouterr()
    assert house.run(*APPROVE, "--output", "json") == 7
    pause = json.loads(capsys.readouterr().out)
    assert pause["status"] == "partial"
    conflict = next(left for left in pause["left"] if left["kind"] == "conflict")
    assert conflict["where"] == "memory:r1:switch:reviewer/k3"
    assert conflict["columns"] == {
        "before": '{"Status":"on"}',
        "ours": '{"Status":"off"}',
        "now": '{"Status":"expired"}',
    }
    assert conflict["command"].startswith("stopline rollback mercor --address memory:r1:switch")
    assert house.world.principals["reviewer"].switches["k3"] == "expired"


def test_a_target_that_was_deleted_is_a_named_remainder(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 7: a key that is gone cannot be given back; the pause is closed and says so."""
    assert house.run(*PAUSE) == 0
    del house.world.principals["reviewer"].switches["k3"]
    assert house.run(*BACK) == 5
    assert house.run(*APPROVE) == 7
    out = capsys.readouterr().out
    assert "it was deleted by somebody else and cannot be given back" in out
    assert house.book.pauses.list("mercor")[0].status is PauseStatus.CLOSED


def test_a_part_can_be_given_back_while_the_rest_stays(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    """One principal works again; the other one and the targets stay contained."""
    assert house.run(*PAUSE) == 0
    assert house.run(*BACK, "--principal", "reviewer") == 5
    capsys.readouterr()
    assert house.run(*APPROVE) == 0
    assert house.world.principals["reviewer"].switches == {"k3": "on"}
    assert house.world.principals["reviewer"].attached == set()
    assert house.world.principals["annotator"].attached != set()
    assert house.book.pauses.list("mercor")[0].status is PauseStatus.CONTAINED


def test_nothing_in_the_scope_is_said(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    """A scope that holds nothing: exit 0, and nothing waits."""
    assert house.run(*PAUSE) == 0
    assert house.run(*BACK, "--principal", "nobody") == 0
    assert "There is nothing to give back in this scope." in capsys.readouterr().out
    assert house.run(*APPROVE) == 1
    assert "waits for an approval" in capsys.readouterr().err


def test_a_plan_that_nobody_waits_for_is_not_approved(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    """The digest of an older plan: exit 1, and what differs is shown."""
    assert house.run(*PAUSE) == 0
    assert house.run(*BACK, "--principal", "reviewer") == 5
    old = re.findall(r"--digest ([0-9a-f]{12})", capsys.readouterr().out)[0]
    assert house.run(*BACK) == 5
    capsys.readouterr()
    assert house.run(*APPROVE, "--digest", old) == 1
    said = capsys.readouterr().err
    assert f"it was {old}" in said
    assert "memory:r1:switch:annotator/k1 is in it now, and was not" in said
    assert "Nothing was approved." in said
    assert house.run(*APPROVE, "--digest", "abc") == 2


def test_the_asker_can_wait_for_the_end(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    """With --wait the rollback is followed through another's approval to its end."""
    before = house.world.picture()
    house.world.principals["late"] = Principal("U9", "lab")
    before = house.world.picture()
    assert house.run(*PAUSE) == 0
    pause = house.book.pauses.list("mercor")[0]
    codes: list[int] = []
    waiting = threading.Thread(target=lambda: codes.append(house.run(*BACK, "--wait")))
    waiting.start()
    for _ in range(200):
        if any(
            e.data["direction"] == "restore" for e in house.book.pauses.events(pause.id, "planned")
        ):
            break
        threading.Event().wait(0.1)
    threading.Event().wait(1)
    assert house.run(*APPROVE) == 0
    waiting.join(60)
    assert codes == [0]
    assert house.world.picture() == before
