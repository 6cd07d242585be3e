"""Giving back from the command line: two people, a plan that is still true, and only a part."""

from pathlib import Path

import pytest
from support.asking import CONFIRM, Asking

from stopline.connectors.memory import Principal
from stopline.journal.pauses import PauseStatus

BOB = "riley@lab.example"
ANNOTATORS = "memory:r1:switch:annotator/k1"
REVIEWERS = "memory:r1:switch:reviewer/k3"


def test_another_persons_yes_gives_everything_back(asking: Asking) -> None:
    """5 with the plan and the command; the requester alone is refused; another's word restores."""
    before = asking.house.world.picture()
    asking.pause()
    held = asking.house.world.picture()
    asked = asking.rollback()
    assert asked.code == 5
    assert "Plan: restore mercor" in asked.out
    assert "Another person than ada@lab.example must approve it: stopline approve" in asked.said
    own = asking.approve(by="ada@lab.example")
    assert (own.code, "must be another person's" in own.err) == (1, True)
    assert asking.house.world.picture() == held
    other = asking.approve("--output", "json")
    assert (other.code, other.document["status"]) == (0, "closed")
    assert asking.house.world.picture() == before
    said = {(s["kind"], s["by"]) for s in other.document["said"]}
    assert {("pause", "ada@lab.example"), ("rollback", "ada@lab.example"), ("approve", BOB)} <= said
    (request,) = asking.house.book.store.events(kind="rollback")
    assert (request.actor, request.data["reason"]) == ("ada@lab.example", "over")
    assert asking.house.book.store.verify()[1] == ""


def test_nothing_is_given_back_without_the_vendors_name(asking: Asking) -> None:
    """Both the request and the yes ask for it."""
    asking.pause()
    asked = asking.ask("rollback", "mercor", "--reason", "over", typed="mercer\n")
    assert (asked.code, "Nothing was done" in asked.err) == (2, True)
    assert asking.ask("status", "mercor", "--output", "json").document["waiting"] is None
    asking.rollback()
    yes = asking.ask("approve", "mercor", "--as", BOB, typed="y\n")
    assert (yes.code, "Nothing was done" in yes.err) == (2, True)
    assert asking.house.book.writes.holds() != ()


def test_a_digest_that_is_not_the_waiting_one_is_refused(asking: Asking) -> None:
    """Another plan's digest is 1, too few digits are 2; the right digits are enough."""
    asking.pause()
    digest = asking.rollback("--output", "json").document["waiting"]["digest"]
    other = asking.approve("--digest", "0" * 12)
    assert (other.code, "Nothing was approved" in other.err) == (1, True)
    few = asking.approve("--digest", digest[:7])
    assert (few.code, "shorter than 8 digits" in few.err) == (2, True)
    assert asking.approve("--digest", digest[:8]).code == 0


def test_a_stale_plan_is_shown_with_what_differs_and_not_carried_out(asking: Asking) -> None:
    """A second pause takes a share meanwhile: 5, the difference; the new plan's yes gives back."""
    asking.pause()
    (whole,) = asking.house.book.pauses.list("mercor")
    asking.rollback("--output", "json")
    narrow = asking.ask(
        "pause", "mercor", "--reason", "again", "--principal", "annotator", "--apart", *CONFIRM
    )
    assert narrow.code == 0
    held = asking.house.world.picture()
    stale = asking.ask("approve", whole.id, "--as", BOB, *CONFIRM)
    assert stale.code == 5
    assert "The plan changed since it was read" in stale.said
    assert "memory:r1:attachment:annotator#" in stale.out
    assert "nothing was given back" in stale.said
    assert asking.house.world.picture() == held
    again = asking.ask("approve", whole.id, "--as", BOB, *CONFIRM)
    assert again.code == 0
    principals = asking.house.world.principals
    assert principals["reviewer"].switches["k3"] == "on"
    assert principals["annotator"].switches["k1"] == "off"


@pytest.mark.parametrize("by", ["principal", "address"])
def test_only_a_part_is_given_back(asking: Asking, by: str) -> None:
    """Production was hit: one principal, or one address, comes back; the pause stays open."""
    asking.pause()
    (pause,) = asking.house.book.pauses.list("mercor")
    words = {
        "principal": ("--principal", "reviewer"),
        "address": ("--address", "memory:r1:switch:reviewer/k3"),
    }[by]
    assert asking.rollback(*words).code == 5
    given = asking.approve("--output", "json")
    assert (given.code, given.document["status"]) == (0, "contained")
    reviewer = asking.house.world.principals["reviewer"]
    assert reviewer.switches == {"k3": "on"}
    assert (reviewer.attached == set()) == (by == "principal")
    assert asking.house.world.principals["annotator"].switches["k1"] == "off"
    assert asking.house.book.pauses.get(pause.id).status is not PauseStatus.CLOSED


def test_a_part_that_names_nothing_says_so(asking: Asking) -> None:
    """A misspelt principal gives back nothing, waits for nobody, and says it."""
    asking.pause()
    answer = asking.rollback("--principal", "reviewr")
    assert (answer.code, "nothing to give back in this scope" in answer.said) == (0, True)
    assert asking.ask("status", "mercor", "--output", "json").document["waiting"] is None


def test_a_strangers_edit_is_a_conflict_with_three_columns(asking: Asking) -> None:
    """Seven: before, ours and now; the rest is given back, and what is theirs stays."""
    asking.pause()
    switches = asking.house.world.principals["annotator"].switches
    switches["k1"] = "expired"
    asking.rollback()
    answer = asking.approve("--output", "json")
    assert answer.code == 7
    (left,) = answer.document["left"]
    assert left["kind"] == "conflict"
    assert left["columns"] == {
        "before": '{"Status":"on"}',
        "ours": '{"Status":"off"}',
        "now": '{"Status":"expired"}',
    }
    assert switches["k1"] == "expired"
    assert asking.house.world.principals["reviewer"].switches["k3"] == "on"
    switches["k1"] = "on"  # a person settles it, as the how-to says, and asks again
    asking.rollback()
    assert asking.approve().code == 0
    assert asking.ask("status", "mercor", "--output", "json").document["status"] == "closed"


@pytest.mark.parametrize(
    ("choice", "left", "code", "status"),
    [
        ("keep-now", "expired", 0, "closed"),
        ("restore-before", "on", 0, "closed"),
    ],
)
def test_a_person_chooses_what_becomes_of_a_conflict(
    asking: Asking, choice: str, left: str, code: int, status: str
) -> None:
    """Kept without a write, or set back as it was before us; another person approves the plan."""
    asking.pause()
    switches = asking.house.world.principals["annotator"].switches
    switches["k1"] = "expired"
    asking.rollback()
    assert asking.approve().code == 7
    asked = asking.rollback("--choose", f"{ANNOTATORS}={choice}: it is theirs")
    assert (asked.code, switches["k1"]) == (5, "expired")
    columns = 'before {"Status":"on"}, ours {"Status":"off"}, now {"Status":"expired"}'
    assert f"{columns} (it is theirs)" in " ".join(asked.said.split())
    (told,) = asking.ask("status", "mercor", "--output", "json").document["waiting"]["choices"]
    assert told == {
        "address": ANNOTATORS,
        "choice": choice,
        "reason": "it is theirs",
        "before": '{"Status":"on"}',
        "ours": '{"Status":"off"}',
        "now": '{"Status":"expired"}',
    }
    for read in (asking.ask("status", "mercor"), asking.approve(by="ada@lab.example")):
        said = " ".join(f"{read.out} {read.said}".split())
        assert f"{choice} {ANNOTATORS}: {columns} (it is theirs)" in said
    answer = asking.approve("--output", "json")
    assert (answer.code, answer.document["status"], switches["k1"]) == (code, status, left)
    said = asking.house.book.store.events(kind="rollback")[-1].data["choices"]
    assert [(one["choice"], one["reason"]) for one in said] == [(choice, "it is theirs")]


@pytest.mark.parametrize("choice", ["keep-now", "restore-before"])
def test_what_moves_after_the_choice_is_a_conflict_again(asking: Asking, choice: str) -> None:
    """The choice was about what was shown: nothing else is written over, nor let go."""
    asking.pause()
    switches = asking.house.world.principals["annotator"].switches
    switches["k1"] = "expired"
    asking.rollback()
    asking.approve()
    asking.rollback("--choose", f"{ANNOTATORS}={choice}")
    switches["k1"] = "stolen"
    assert asking.approve().code == 7
    assert switches["k1"] == "stolen"
    (held,) = asking.house.book.writes.holds()
    assert str(held.address) == ANNOTATORS


def test_a_choice_that_is_none_and_a_target_that_is_none_do_nothing(asking: Asking) -> None:
    """Two, with what may be chosen; skip waits for nobody and leaves the hold."""
    asking.pause()
    switches = asking.house.world.principals["annotator"].switches
    early = asking.rollback("--choose", f"{ANNOTATORS}=keep-now")
    assert (early.code, "no conflict of this pause" in early.said) == (2, True)
    switches["k1"] = "expired"
    asking.rollback()
    asking.approve()
    for word, says in (
        (f"{ANNOTATORS}=keep", "names no choice"),
        ("memory:r1:switch:nobody/k1=skip", "no conflict"),
    ):
        wrong = asking.rollback("--choose", word)
        assert (wrong.code, says in wrong.said) == (2, True), word
    twice = (f"{ANNOTATORS}=skip", "--choose", f"{ANNOTATORS}=keep-now")
    assert asking.rollback("--choose", *twice).code == 2
    skipped = asking.rollback("--choose", f"{ANNOTATORS}=skip: they are asked first")
    assert skipped.code == 6
    assert "they are asked first" in " ".join(skipped.said.split())
    assert len(asking.house.book.writes.holds()) == 1
    assert switches["k1"] == "expired"


def _conflicts(asking: Asking, tmp_path: Path) -> Path:
    """Two switches that somebody changed, found by a rollback; the file of choices as written."""
    asking.pause()
    people = asking.house.world.principals
    people["annotator"].switches["k1"] = people["reviewer"].switches["k3"] = "expired"
    asking.rollback()
    assert asking.approve().code == 7
    written = asking.ask("status", "mercor", "--format", "choices")
    assert written.code == 0
    file = tmp_path / "choices.yaml"
    file.write_text(written.out, "utf-8")
    return file


def test_many_conflicts_are_answered_in_a_file(asking: Asking, tmp_path: Path) -> None:
    """As written it skips them all; answered, one stays as it is now and one is set back."""
    file = _conflicts(asking, tmp_path)
    people = asking.house.world.principals
    assert '# now: {"Status":"expired"}' in file.read_text("utf-8")
    unanswered = asking.rollback("--choices", str(file))
    assert (unanswered.code, len(asking.house.book.writes.holds())) == (6, 2)
    first, second = file.read_text("utf-8").split("choice: skip", 1)
    second = second.replace("choice: skip", "choice: restore-before")
    second = second.replace('reason: ""', 'reason: "it is theirs"', 1)
    file.write_text(f"{first}choice: keep-now{second}", "utf-8")
    asked = asking.rollback("--choices", str(file), "--output", "json")
    assert asked.code == 5
    told = asked.document["waiting"]["choices"]
    assert [(c["address"], c["choice"], c["reason"]) for c in told] == [
        (ANNOTATORS, "keep-now", "it is theirs"),
        (REVIEWERS, "restore-before", "over"),
    ]
    assert asking.approve().code == 0
    assert people["annotator"].switches["k1"] == "expired"
    assert people["reviewer"].switches["k3"] == "on"
    assert asking.house.book.writes.holds() == ()


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        (
            REVIEWERS,
            "memory:r1:switch:nobody/k1",
            16,
            "'memory:r1:switch:nobody/k1' is no conflict",
        ),
        (REVIEWERS, ANNOTATORS, 16, f"'{ANNOTATORS}' has a choice already, entry 1"),
        ("choice: skip", "choice: keep", 11, "keep-now"),
        ("reason:", "because:", 12, "because"),
        ("choices:", "choices: [", 9, "not readable as YAML"),
    ],
)
def test_what_is_wrong_in_a_file_of_choices_is_named_with_its_line(
    asking: Asking, tmp_path: Path, old: str, new: str, line: int, says: str
) -> None:
    """2, file and line; nothing waits."""
    file = _conflicts(asking, tmp_path)
    file.write_text(file.read_text("utf-8").replace(old, new, 1), "utf-8")
    wrong = asking.rollback("--choices", str(file))
    said = "".join(wrong.said.split())
    assert (wrong.code, f"choices.yaml:{line}:" in said) == (2, True), wrong.said
    assert "".join(says.split()) in said
    assert "Nothing was asked for" in wrong.said
    assert asking.ask("status", "mercor", "--output", "json").document["waiting"] is None


def test_what_moved_since_the_file_was_written_is_looked_at_again(
    asking: Asking, tmp_path: Path
) -> None:
    """The answer was about what the file showed. With --choose it cannot be given twice either."""
    file = _conflicts(asking, tmp_path)
    twice = asking.rollback("--choices", str(file), "--choose", f"{ANNOTATORS}=keep-now")
    assert (twice.code, "Two choices are for" in twice.said) == (2, True)
    asking.house.world.principals["annotator"].switches["k1"] = "stolen"
    asking.rollback()
    assert asking.approve().code == 7
    late = asking.rollback("--choices", str(file))
    assert (late.code, f"'{ANNOTATORS}': what is there is not what stood here" in late.said) == (
        2,
        True,
    )


def test_a_file_of_choices_needs_a_conflict_and_a_pause(asking: Asking, tmp_path: Path) -> None:
    """2 for each, with what to do; a file that cannot be read is named."""
    asking.pause()
    for words, says in (
        (("status", "mercor", "--format", "choices"), "No conflict of mercor's pause"),
        (("status", "--format", "choices"), "is about one pause, and none is named"),
        (("status", "mercor", "--format", "choices", "--output", "json"), "Choose one of the two"),
    ):
        refused = asking.ask(*words)
        assert (refused.code, says in refused.said, refused.out) == (2, True, ""), words
    missing = asking.rollback("--choices", str(tmp_path / "none.yaml"))
    assert (missing.code, "none.yaml: cannot be read" in missing.said) == (2, True)


def test_what_was_deleted_meanwhile_is_named_and_cannot_be_given_back(asking: Asking) -> None:
    """Seven: what somebody deleted is named with its cause; the rest is back, and nothing held."""
    asking.pause()
    del asking.house.world.principals["reviewer"]
    asking.rollback()
    answer = asking.approve("--output", "json")
    assert (answer.code, answer.document["held"]) == (7, 0)
    gone = {left["where"]: left for left in answer.document["left"] if left["cause"] == "gone"}
    assert gone["memory:r1:switch:reviewer/k3"]["command"].startswith("none: it is not held")
    assert asking.house.world.principals["annotator"].switches["k1"] == "on"


def test_two_people_ask_and_two_people_approve(asking: Asking) -> None:
    """A second request replaces the first and says who asked; one yes is enough, and only once."""
    before = asking.house.world.picture()
    asking.pause()
    first = asking.rollback("--output", "json")
    second = asking.rollback("--output", "json", by="kim@lab.example")
    assert (first.code, second.code) == (5, 5)
    assert second.document["waiting"]["asked_by"] == "kim@lab.example"
    assert asking.approve(by="kim@lab.example").code == 1
    assert asking.approve().code == 0
    late = asking.approve(by="sam@lab.example")
    assert (late.code, "no open pause of 'mercor'" in late.err) == (2, True)
    assert asking.house.world.picture() == before


def test_stop_withdraws_a_rollback_that_waits(asking: Asking) -> None:
    """Nothing waits any more; a yes is refused; the holds stand."""
    asking.pause()
    asking.rollback()
    assert asking.ask("stop", "mercor").code == 0
    assert asking.ask("status", "mercor", "--output", "json").document["waiting"] is None
    asking.monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    alone = asking.ask("status", "mercor", "--output", "json")
    assert alone.document["waiting"] is None  # the journal alone says so too
    asking.monkeypatch.setenv("TEMPORAL_ADDRESS", asking.house.address)
    refused = asking.approve()
    assert (refused.code, "waits for an approval" in refused.err) == (1, True)
    assert asking.house.book.writes.holds() != ()


def test_two_pauses_share_what_both_hold(asking: Asking) -> None:
    """Giving one back changes nothing that the other holds, and the page says so."""
    before = asking.house.world.picture()
    asking.pause("--principal", "annotator")
    asking.pause()
    narrow, whole = (p.id for p in asking.house.book.pauses.list("mercor"))
    for pause, code in ((whole, 0), (narrow, 0)):
        asked = asking.ask("rollback", pause, "--reason", "over", *CONFIRM)
        assert asked.code == 5
        given = asking.ask("approve", pause, "--as", BOB, *CONFIRM)
        assert given.code == code
        if pause == whole:
            assert "another pause shares" in asked.out
            assert asking.house.world.principals["annotator"].switches["k1"] == "off"
            assert asking.house.world.principals["reviewer"].switches["k3"] == "on"
    assert asking.house.world.picture() == before


def test_a_principal_made_again_is_somebody_else(asking: Asking) -> None:
    """Another immutable id under the same name: a conflict or a failure, and nothing is written."""
    asking.pause()
    again = Principal("U-NEW", "mercor", switches={"k3": "off"})
    asking.house.world.principals["reviewer"] = again
    asking.rollback()
    answer = asking.approve("--output", "json")
    assert answer.code == 7
    assert any("reviewer" in left["where"] for left in answer.document["left"])
    assert again.switches == {"k3": "off"}


def test_one_project_is_given_back_and_the_rest_of_the_vendor_stays(asking: Asking) -> None:
    """The approver reads whom it is; what is not theirs stays, and no sweep takes it again."""
    people = asking.house.world.principals
    people["annotator"].projects = ("chordus",)
    people["reviewer"].projects = ("lyra",)
    asking.pause()
    asked = asking.rollback("--project", "chordus")
    assert asked.code == 5
    assert "--project chordus --principal annotator" in asked.said
    assert asking.approve().code == 0
    assert (people["annotator"].attached, people["annotator"].switches["k1"]) == (set(), "on")
    assert (bool(people["reviewer"].attached), people["reviewer"].switches["k3"]) == (True, "off")
    assert asking.ask("status", "mercor", "--output", "json").document["status"] != "closed"
    people["annotator"].switches["new"] = "on"
    asking.ask("audit", "mercor", "--as", "kim@lab.example")
    assert (people["annotator"].switches["k1"], people["annotator"].switches["new"]) == ("on", "on")
    assert '"Deny"' in asking.house.world.targets["training-data"], "no project's alone"


def test_whom_another_project_uses_too_stays_and_is_said(asking: Asking) -> None:
    """A rollback of one project opens nothing for the other, and says why not."""
    people = asking.house.world.principals
    people["annotator"].projects = ("chordus", "lyra")
    people["reviewer"].projects = ("chordus",)
    asking.pause()
    asked = asking.rollback("--project", "chordus")
    assert "annotator: another project of the vendor uses it: it stays" in asked.said
    assert asking.approve().code == 0
    assert (bool(people["annotator"].attached), people["annotator"].switches["k1"]) == (True, "off")
    assert (people["reviewer"].attached, people["reviewer"].switches["k3"]) == (set(), "on")


def test_a_project_of_whom_nobody_is_found_gives_nothing_back(asking: Asking) -> None:
    """Nobody is not everybody; and a project that the pause's vendor has not is refused."""
    asking.pause()
    assert "There is nothing to give back" in asking.rollback("--project", "lyra").said
    assert asking.house.world.principals["annotator"].switches["k1"] == "off"
    refused = asking.rollback("--project", "lira")
    assert (refused.code, "did you mean 'lyra'?" in refused.said) == (2, True)


def test_a_realm_that_cannot_be_read_is_a_gap_of_a_projects_rollback(asking: Asking) -> None:
    """Whom nobody could find stays, and whoever approves is told."""
    asking.house.world.principals["annotator"].projects = ("chordus",)
    asking.pause()
    asking.house.world.closed.add("r1")
    asked = asking.rollback("--project", "chordus")
    assert "(nobody)" in asked.said
    asking.house.world.closed.clear()
    assert "the realm does not answer" in asked.said
    assert asking.house.world.principals["annotator"].switches["k1"] == "off"


def test_only_one_connector_is_given_back(asking: Asking) -> None:
    """A system is a scope too; of one that holds nothing there is nothing to give back."""
    asking.pause()
    assert "There is nothing to give back" in asking.rollback("--connector", "aws").said
    assert asking.rollback("--connector", "memory").code == 5


def test_nobody_is_added_to_a_project_once_its_rollback_was_asked_for(asking: Asking) -> None:
    """What is planned anew for the same request keeps to whom the approver read."""
    people = asking.house.world.principals
    people["annotator"].projects = ("chordus",)
    asking.pause()
    assert asking.rollback("--project", "chordus").code == 5
    people["reviewer"].projects = ("chordus",)
    assert asking.approve().code == 0
    assert (people["annotator"].attached, bool(people["reviewer"].attached)) == (set(), True)
