"""`stopline terminate` and its certificate: two people, what is gone, what remains and why."""

from support.asking import CONFIRM, Answer, Asking

from stopline.journal.pauses import PauseStatus

ADA, BOB = "ada@lab.example", "riley@lab.example"
WHY = ("--reason", "the contract has ended")


def terminate(asking: Asking, *words: str) -> Answer:
    """Ask for mercor's permanent end as ada, confirmed."""
    return asking.ask("terminate", "mercor", *WHY, "--as", ADA, *CONFIRM, *words)


OURS = {"k1", "k3"}
"""The switches that a pause sets: `k2` was off before it."""


def keys(asking: Asking) -> set[str]:
    """The switches that are left of those that a pause sets."""
    return OURS & {key for p in asking.house.world.principals.values() for key in p.switches}


def test_another_persons_yes_removes_for_good_and_is_certified(asking: Asking) -> None:
    """5 with the plan; the requester is refused; another's word removes; the denies stand."""
    asking.pause()
    before = asking.house.world.picture()
    asked = terminate(asking)
    assert asked.code == 5
    assert "Plan: terminate mercor" in asked.out
    assert "cannot be given back by anybody" in asked.said
    assert "Remains contained, and is not removed" in asked.out
    waiting = asking.ask("status", "mercor", "--output", "json").document["waiting"]
    assert (waiting["direction"], waiting["asked_by"]) == ("terminate", ADA)
    assert asking.approve(by=ADA).code == 1
    assert asking.house.world.picture() == before
    done = asking.approve("--output", "json")
    assert (done.code, done.document["status"]) == (0, "terminated")
    gone = {one["principal"] for one in done.document["certificate"]["removed"]}
    assert gone == {"annotator", "reviewer"}
    assert keys(asking) == set()
    assert asking.house.world.principals["annotator"].switches == {"k2": "off"}
    after = asking.house.world.picture()
    assert after["foundations"] == before["foundations"]
    assert after["targets"] == before["targets"]


def test_the_certificate_says_who_what_and_why(asking: Asking) -> None:
    """From the journal alone: the request, the yes, each thing that is gone, each that remains."""
    asking.pause()
    terminate(asking)
    asking.approve()
    shown = asking.ask("evidence", "certificate", "mercor")
    assert shown.code == 0
    assert f"asked for by {ADA}" in shown.said
    assert f"approved by {BOB}" in shown.said
    assert "the deny stays" in shown.said
    made = asking.ask("evidence", "certificate", "mercor", "--output", "json").document
    assert made["complete"]
    assert {one["how"] for one in made["removed"]} == {"removed"}
    held = {str(hold.address) for hold in asking.house.book.writes.holds()}
    assert {one["address"] for one in made["remains"]} == held != set()
    assert not any(one["due"] for one in made["remains"])
    last = asking.house.book.store.events(made["pause"])[-1]
    assert (made["event"], made["hash"]) == (last.seq, last.hash)
    assert [word["kind"] for word in made["words"]] == ["request", "approval"]


def test_what_was_not_terminated_has_no_certificate(asking: Asking) -> None:
    """2, with the command that asks for it; also while the plan still waits."""
    asking.pause()
    assert asking.ask("evidence", "certificate", "mercor").code == 2
    terminate(asking)
    none = asking.ask("evidence", "certificate", "mercor")
    assert (none.code, "was not terminated" in none.err) == (2, True)


def test_nothing_is_removed_without_the_name_or_the_reason(asking: Asking) -> None:
    """Both are wanted of whoever asks, and the name again of whoever approves."""
    asking.pause()
    before = asking.house.world.picture()
    assert asking.ask("terminate", "mercor", *WHY, typed="mercer\n").code == 2
    assert asking.ask("terminate", "mercor", *CONFIRM).code == 2
    assert asking.ask("status", "mercor", "--output", "json").document["waiting"] is None
    terminate(asking)
    assert asking.ask("approve", "mercor", "--as", BOB, typed="y\n").code == 2
    assert asking.house.world.picture() == before


def test_a_no_withdraws_it(asking: Asking) -> None:
    """Nothing is removed, nothing waits, and the pause is contained as before."""
    asking.pause()
    before = asking.house.world.picture()
    terminate(asking)
    words = ("reject", "mercor", "--as", BOB, "--reason", "there is a dispute")
    assert asking.ask(*words).code == 0
    shown = asking.ask("status", "mercor", "--output", "json").document
    assert (shown["status"], shown["waiting"]) == ("contained", None)
    assert asking.house.world.picture() == before


def test_what_somebody_has_changed_is_left_and_named(asking: Asking) -> None:
    """7, and 6 from the certificate: the key is listed as due, with the reason; it still works."""
    asking.pause()
    terminate(asking)
    asking.house.world.principals["annotator"].switches["k1"] = "on"
    done = asking.approve("--output", "json")
    assert done.code == 7
    (left,) = [one for one in done.document["left"] if one["direction"] == "terminate"]
    assert (left["kind"], left["columns"]["now"]) == ("conflict", '{"Status":"on"}')
    assert "stopline terminate mercor --address" in left["command"]
    assert asking.house.world.principals["annotator"].switches["k1"] == "on"
    made = asking.ask("evidence", "certificate", "mercor", "--output", "json")
    (due,) = [one for one in made.document["remains"] if one["due"]]
    assert (made.code, "changed by somebody else" in due["reason"]) == (6, True)


def test_a_reassessment_asks_for_the_same(asking: Asking) -> None:
    """The decision is kept with its reason, and its plan waits for another person."""
    asking.pause()
    words = ("reassess", "mercor", "--decision", "terminate", *WHY, "--as", ADA, *CONFIRM)
    assert asking.ask(*words).code == 5
    assert asking.approve().code == 0
    said = asking.ask("status", "mercor", "--output", "json").document["said"]
    assert {"reassess", "terminate", "termination begins", "terminated"} <= {
        s["kind"] for s in said
    }


def test_a_rollback_afterwards_lists_what_is_lost(asking: Asking) -> None:
    """It gives back what is held, names what it cannot, and closes the pause."""
    asking.pause()
    terminate(asking)
    asking.approve()
    asked = asking.rollback()
    assert (asked.code, "cannot be given back" in asked.said) == (5, True)
    assert asking.approve().code == 0
    (pause,) = asking.house.book.pauses.list("mercor")
    assert pause.status is PauseStatus.CLOSED
    assert keys(asking) == set()
    assert asking.ask("evidence", "certificate", pause.id).code == 0


def test_only_a_part_is_terminated(asking: Asking) -> None:
    """One principal's key is gone; the other's is held as before, and can still be given back."""
    asking.pause()
    terminate(asking, "--principal", "annotator")
    assert asking.approve().code == 0
    assert keys(asking) == {"k3"}
    assert asking.house.world.principals["reviewer"].switches == {"k3": "off"}
