"""Two pauses on one payee whom people pay: who is waited for, and to which pause it is said."""

import time
from pathlib import Path

import pytest
from cli.test_manual import ADDRESS, HELD, RILEY, SAM, TASK, contained, house, proof
from support.asking import Asking

from stopline.journal.attested import tasks

pytestmark = pytest.mark.night

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


def test_the_second_pause_names_the_other_and_who_must_answer_it(
    asking: Asking, proof: Path
) -> None:
    """Sam held it for the first one, which goes on; the second lists that, and takes no answer."""
    first, second = two_on_one(asking, proof)
    (task,) = [t for t in tasks(asking.house.book.store, second) if str(t.address) == ADDRESS]
    assert task.elsewhere == first
    listed = asking.ask("manual", "list", second)
    assert listed.code == 6
    assert f"said to the pause {first}" in listed.said
    assert f"stopline manual confirm {first} {TASK}" in listed.said
    told = asking.ask("manual", "list", second, "--output", "json").document
    assert [(t["attested_to"], t["answered_to"]) for t in told["tasks"]] == [(first, first)]
    here = asking.ask("manual", "confirm", second, TASK, "--proof", str(proof), "--as", RILEY)
    assert here.code == 1
    assert f"stopline manual confirm {first} {TASK}" in here.said


def test_once_it_is_answered_there_the_second_pause_waits_for_no_other(
    asking: Asking, proof: Path
) -> None:
    """Riley has looked: it is not held. Nothing waits for the first one's people any more."""
    first, second = two_on_one(asking, proof)
    word = ("--reason", "they are paid still", "--as", RILEY)
    assert asking.ask("manual", "refuse", first, TASK, *word).code in (0, 6)
    assert not [t for t in tasks(asking.house.book.store, second) if t.elsewhere or t.told]


@pytest.fixture
def left(asking: Asking, proof: Path) -> tuple[str, str]:
    """The first pause ended before anybody confirmed what sam had held for it; the second holds."""
    first, second = two_on_one(asking, proof)
    ended(asking, "rollback", first)
    becomes(asking, first, "closed")
    assert [h.pause for h in asking.house.book.writes.holds()] == [second]
    return first, second


def two_on_one(asking: Asking, proof: Path) -> tuple[str, str]:
    """Sam held it for the first pause, nobody has confirmed it; the second one holds it too."""
    assert asking.pause().code == 5
    assert asking.approve().code == 6
    (first,) = (p.id for p in asking.house.book.pauses.list("mercor"))
    words = ("--proof", str(proof), "--before", "weekly, by ops", *HELD, "--as", SAM)
    assert asking.ask("manual", "done", first, TASK, *words).code == 6
    again = ("--apart", "--connector", "payouts", "--reason", "again", "--confirm", "mercor")
    assert asking.ask("pause", "mercor", *again, "--as", NOVA).code == 5
    second = asking.house.book.pauses.list("mercor")[-1].id
    asking.ask("approve", second, "--as", RILEY, "--confirm", "mercor")
    return first, second


def ended(asking: Asking, how: str, pause: str) -> None:
    """Asked for by nova, approved by riley."""
    words = ("--reason", "over", "--as", NOVA, "--confirm", "mercor")
    assert asking.ask(how, pause, *words).code == 5
    asking.ask("approve", pause, "--as", RILEY, "--confirm", "mercor")


def becomes(asking: Asking, pause: str, status: str) -> None:
    """Wait until a pause has this status."""
    for _ in range(300):
        if asking.house.book.pauses.get(pause).status == status:
            return
        time.sleep(0.1)
    pytest.fail(asking.ask("status", pause).out)


def test_what_was_said_to_a_pause_that_ended_is_confirmed_to_the_one_that_holds(
    asking: Asking, left: tuple[str, str], proof: Path
) -> None:
    """Nobody can answer the first one any more; the second says that it takes the answer."""
    first, second = left
    listed = asking.ask("manual", "list", second)
    assert listed.code == 6
    assert f"said to the pause {first}, which is over: it is answered here" in listed.said
    assert f"stopline manual confirm {second} {TASK}" in listed.said
    assert f"confirm {first}" not in listed.said
    told = asking.ask("manual", "list", second, "--output", "json").document
    assert [(t["attested_to"], t["answered_to"]) for t in told["tasks"]] == [(first, second)]
    anew = ("--proof", str(proof), "--before", "as ever", *HELD, "--as", SAM)
    done = asking.ask("manual", "done", second, TASK, *anew)
    assert done.code == 1
    assert f"`stopline manual refuse {second} {TASK}` first" in done.said
    word = ("--proof", str(proof), "--as", RILEY)
    assert asking.ask("manual", "confirm", second, TASK, *word).code == 0
    becomes(asking, second, "contained")
    assert asking.house.book.writes.holds()


def test_what_was_said_to_a_pause_that_ended_is_refused_to_the_one_that_holds_and_done_again(
    asking: Asking, left: tuple[str, str], proof: Path
) -> None:
    """It was not so: sam does it again for the second pause, and riley confirms it there."""
    _, second = left
    no = ("--reason", "they are paid still", "--as", RILEY)
    assert asking.ask("manual", "refuse", second, TASK, *no).code in (0, 6)
    for _ in range(100):
        if asking.ask("manual", "list", second).code == 6:
            break
    words = ("--proof", str(proof), "--before", "weekly, by ops", *HELD, "--as", SAM)
    assert asking.ask("manual", "done", second, TASK, *words).code == 6
    word = ("--proof", str(proof), "--as", RILEY)
    assert asking.ask("manual", "confirm", second, TASK, *word).code == 0
    becomes(asking, second, "contained")


def test_what_was_said_to_a_pause_that_is_terminated_is_confirmed_to_either(
    asking: Asking, proof: Path
) -> None:
    """It holds still, but nobody looks after it: the one that goes on takes the answer as well."""
    first, second = two_on_one(asking, proof)
    ended(asking, "terminate", first)
    assert asking.house.book.pauses.is_terminated(first)
    listed = asking.ask("manual", "list", second)
    assert f"stopline manual confirm {second} {TASK}" in listed.said
    assert f"stopline manual confirm {first} {TASK}" in asking.ask("manual", "list", first).said
    word = ("--proof", str(proof), "--as", RILEY)
    assert asking.ask("manual", "confirm", second, TASK, *word).code == 0
    becomes(asking, second, "contained")
    assert asking.ask("manual", "list", first).code == 0


def test_a_release_said_to_a_pause_that_ended_is_refused_to_the_one_that_holds_and_held_again(
    asking: Asking, pauses: tuple[str, str], proof: Path
) -> None:
    """The first one closes by itself, since the second holds: what sam released is held again."""
    first, second = pauses
    seen = ("--proof", str(proof))
    assert asking.ask("manual", "done", first, TASK, *seen, "--as", SAM).code in (0, 6)
    becomes(asking, first, "closed")
    asking.ask("audit", second)
    status = asking.ask("status", second)
    assert f"said to the pause {first} that it was released" in status.said
    assert "confirms or refuses it, to a pause that holds it still" in status.said
    yes = asking.ask("manual", "confirm", second, TASK, *seen, "--as", RILEY)
    assert "then hold it again in deel" in yes.said
    no = ("--reason", "the second pause holds", "--as", RILEY)
    assert asking.ask("manual", "refuse", second, TASK, *no).code in (0, 6)
    for _ in range(100):
        if asking.ask("manual", "list", second).code == 6:
            break
    words = ("--before", "weekly, by ops", *HELD, "--as", SAM)
    assert asking.ask("manual", "done", second, TASK, *seen, *words).code == 6
    assert asking.ask("manual", "confirm", second, TASK, *seen, "--as", RILEY).code == 0
    becomes(asking, second, "contained")
