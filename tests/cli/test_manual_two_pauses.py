"""Two pauses on one payee whom people pay: who is waited for, and to which pause it is said."""

from pathlib import Path

import pytest
from cli.test_manual import ADDRESS, RILEY, SAM, TASK, contained, house, proof
from support.asking import Asking

from stopline.journal.attested import tasks

__all__ = ["house", "proof"]
NOVA = "nova@lab.example"


@pytest.fixture
def pauses(asking: Asking, proof: Path) -> tuple[str, str]:
    """One that is being rolled back, and one that was opened meanwhile and goes on."""
    contained(asking, proof)
    asking.rollback()
    asking.approve()
    (first,) = (p.id for p in asking.house.book.pauses.list("mercor"))
    words = ("--apart", "--connector", "payouts", "--reason", "again", "--confirm", "mercor")
    assert asking.ask("pause", "mercor", *words, "--as", NOVA).code == 5
    second = asking.house.book.pauses.list("mercor")[-1].id
    asking.ask("approve", second, "--as", RILEY, "--confirm", "mercor")
    return first, second


def test_the_pause_that_goes_on_names_the_other_and_who_must_answer_it(
    asking: Asking, pauses: tuple[str, str], proof: Path
) -> None:
    """Sam released it for the first one; the second lists that, and takes no answer to it."""
    first, second = pauses
    words = ("--proof", str(proof), "--as", SAM)
    assert asking.ask("manual", "done", first, TASK, *words).code == 6
    (task,) = [t for t in tasks(asking.house.book.store, second) if str(t.address) == ADDRESS]
    assert task.elsewhere == first
    listed = asking.ask("manual", "list", second)
    assert listed.code == 6
    assert f"said to the pause {first}" in listed.said
    assert f"stopline manual confirm {first} {TASK}" in listed.said
    told = asking.ask("manual", "list", second, "--output", "json").document
    assert [t["attested_to"] for t in told["tasks"]] == [first]
    here = asking.ask("manual", "confirm", second, TASK, "--proof", str(proof), "--as", RILEY)
    assert here.code == 1
    assert f"stopline manual confirm {first} {TASK}" in here.said
    asking.ask("audit", second)
    status = asking.ask("status", second)
    assert f"to the pause {first}" in status.said


def test_once_it_is_answered_there_the_other_pause_waits_for_nobody(
    asking: Asking, pauses: tuple[str, str], proof: Path
) -> None:
    """Riley has looked: it is not released. The hold stands, and the second pause says so."""
    first, second = pauses
    words = ("--proof", str(proof), "--as", SAM)
    asking.ask("manual", "done", first, TASK, *words)
    word = ("--reason", "they are held still", "--as", RILEY)
    asking.ask("manual", "refuse", first, TASK, *word)
    assert not [t for t in tasks(asking.house.book.store, second) if t.elsewhere]
