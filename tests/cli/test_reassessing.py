"""`stopline reassess`: what a person decides, is told, and finds in the journal."""

from support.asking import Asking
from support.temporal import PLAYBOOK

SOON = f"{PLAYBOOK}review_days: 0.000001\n"
WHY = ("--reason", "looked at it")


def test_a_pause_is_kept_until_a_date(asking: Asking) -> None:
    """The status has the date, and who decided it when and why."""
    assert asking.pause().code == 0
    kept = asking.ask("reassess", "mercor", "--decision", "keep", *WHY, "--review-by", "2199-01-31")
    assert kept.code == 0
    assert "by 2199-01-31" in kept.said
    shown = asking.ask("status", "mercor", "--output", "json").document
    assert (shown["review_by"], shown["overdue"]) == ("2199-01-31T00:00:00Z", False)
    (said,) = [one for one in shown["said"] if one["kind"] == "reassess"]
    assert said["reason"] == "keep: looked at it"


def test_what_is_overdue_is_shown_wherever_one_looks(asking: Asking) -> None:
    """status, the list, watch, audits and doctor say so; the pause stays contained."""
    folder = asking.house.settings.config_dir / "playbooks"
    (folder / "default.yaml").write_text(SOON)
    assert asking.pause().code == 0
    for words in (("status",), ("status", "mercor"), ("watch", "mercor"), ("audits", "mercor")):
        assert "overdue" in asking.ask(*words).said.lower(), words
    looked = asking.ask("doctor", "--output", "json").document["checks"]
    (check,) = [one for one in looked if one["name"] == "reassessments"]
    assert (check["ok"], check["warn"]) == (True, True)
    assert "--decision" in check["next_step"]
    assert asking.ask("status", "mercor", "--output", "json").document["status"] == "contained"


def test_a_decision_to_roll_back_is_a_rollback_request(asking: Asking) -> None:
    """It exits with 5 until another person approves; then all is given back."""
    before = asking.house.world.picture()
    assert asking.pause().code == 0
    words = ("reassess", "mercor", "--decision", "rollback", *WHY, "--confirm", "mercor")
    assert asking.ask(*words, "--as", "ada@lab.example").code == 5
    assert asking.approve().code == 0
    assert asking.house.world.picture() == before


def test_a_decision_to_roll_back_takes_choices_for_conflicts(asking: Asking) -> None:
    """As a rollback does: bound to what was shown, with the decision's reason."""
    asking.pause()
    switches = asking.house.world.principals["annotator"].switches
    switches["k1"] = "expired"
    asking.rollback()
    assert asking.approve().code == 7
    choice = ("--choose", "memory:r1:switch:annotator/k1=keep-now")
    words = ("reassess", "mercor", "--decision", "rollback", *WHY, *choice)
    asked = asking.ask(*words, "--as", "ada@lab.example", "--confirm", "mercor")
    assert (asked.code, "(looked at it)" in asked.said) == (5, True)
    assert asking.approve().code == 0
    assert switches["k1"] == "expired"


def test_bad_words_are_named(asking: Asking) -> None:
    """2 for what is not a decision that can be written down."""
    assert asking.pause().code == 0
    for words in (
        ("--decision", "keep"),
        ("--decision", "keep", *WHY, "--review-by", "soon"),
        ("--decision", "keep", *WHY, "--review-by", "2020-01-01"),
        ("--decision", "keep", *WHY, "--principal", "annotator"),
        ("--decision", "rollback", *WHY, "--review-by", "2199-01-31"),
        ("--decision", "terminate", *WHY, "--review-by", "2199-01-31"),
        ("--decision", "terminate", *WHY, "--confirm", "mercer"),
        ("--decision", "keep", *WHY, "--project", "chordus"),
        ("--decision", "terminate", *WHY, "--choose", "memory:r1:switch:annotator/k1=keep-now"),
        ("--decision", "rollback", *WHY, "--project", "nothing"),
    ):
        assert asking.ask("reassess", "mercor", *words).code == 2, words
