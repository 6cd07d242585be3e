"""`approve --break-glass` and `review`: what one person asks, and what everybody is shown after."""

from support.asking import CONFIRM, Asking

from stopline.journal.glass import BROKEN, REVIEWED

ROLES = "approvers: ['*']\nbreak_glass: [ada@lab.example]\nsignatures: optional\n"
ALONE = ("approve", "mercor", "--break-glass", "--reason", "nobody answers", *CONFIRM)
LOOKED = ("review", "mercor", "--reason", "looked at it")


def roles(asking: Asking) -> None:
    """Let ada break the glass."""
    (asking.house.settings.config_dir / "roles.yaml").write_text(ROLES)


def check(asking: Asking) -> dict[str, object]:
    """What doctor says of break-glass."""
    found = asking.ask("doctor", "--output", "json").document["checks"]
    (one,) = [one for one in found if one["name"] == "break-glass"]
    return dict(one)


def test_what_one_person_gave_back_alone_is_shown_until_another_has_reviewed_it(
    asking: Asking,
) -> None:
    """Closed by then, it stays in the list and in doctor; who broke it cannot review it."""
    roles(asking)
    before = asking.house.world.picture()
    assert asking.pause().code == 0
    assert "nothing waits" in str(check(asking)["found"])
    assert asking.rollback().code == 5
    assert asking.ask(*ALONE).code == 0
    assert asking.house.world.picture() == before
    for words in (("status",), ("status", "mercor"), ("doctor",)):
        assert "break-glass" in asking.ask(*words).said, words
    file = asking.house.settings.data_dir / "case.zip"
    words = ("--to", str(file), "--output", "json")
    assert asking.ask("evidence", "export", "mercor", *words).code == 0
    assert "; 1 by break-glass" in asking.ask("evidence", "verify", str(file)).said
    shown = asking.ask("status", "mercor", "--output", "json").document
    (one,) = shown["break_glass"]
    assert (shown["status"], one["by"], one["overdue"]) == ("closed", "ada@lab.example", False)
    assert (check(asking)["ok"], check(asking)["warn"]) == (True, True)
    own = asking.ask(*LOOKED)
    assert own.code != 0
    assert "another person must review it" in own.said
    done = asking.ask(*LOOKED, "--as", "riley@lab.example")
    assert (done.code, "Reviewed by riley@lab.example" in done.said) == (0, True)
    assert "No pause is open" in asking.ask("status").said
    assert "nothing waits" in str(check(asking)["found"])
    again = asking.ask(*LOOKED, "--as", "riley@lab.example")
    assert again.code != 0
    said = asking.ask("status", "mercor", "--output", "json").document
    assert said["break_glass"] == []
    kinds = {one["kind"]: one["by"] for one in said["said"]}
    assert kinds["break-glass"] == "ada@lab.example"
    assert kinds["review break-glass"] == "riley@lab.example"


def test_what_is_overdue_is_said_loudly(asking: Asking) -> None:
    """A day has passed: status, watch and doctor say OVERDUE; the list of open pauses marks it."""
    assert asking.pause().code == 0
    (pause,) = asking.house.book.pauses.list()
    data = {
        "ref": "r", "digest": "d", "direction": "restore", "request": "", "reason": "at night",
        "review_by": "2020-01-02T00:00:00Z",
    }  # fmt: skip
    asking.house.book.pauses.note(pause.id, BROKEN, data, "ada@lab.example")
    for words in (("status", "mercor"), ("watch", "mercor"), ("doctor",)):
        assert "OVERDUE since 2020-01-02" in asking.ask(*words).said, words
    assert "break-glass" in asking.ask("status").said
    assert asking.ask("status", "mercor", "--output", "json").document["break_glass"][0]["overdue"]
    assert asking.ask(*LOOKED, "--as", "riley@lab.example").code == 0
    assert "OVERDUE" not in asking.ask("status", "mercor").said
    (event,) = asking.house.book.pauses.events(pause.id, REVIEWED)
    assert (event.actor, event.data["reason"]) == ("riley@lab.example", "looked at it")


def test_who_is_not_named_and_what_cannot_be_undone_is_refused(asking: Asking) -> None:
    """Riley may approve and not break the glass; nobody does for a termination, or for gaps."""
    roles(asking)
    assert asking.pause().code == 0
    contained = asking.house.world.picture()
    assert asking.rollback().code == 5
    assert asking.ask("approve", "mercor", "--break-glass", *CONFIRM).code == 2
    assert asking.ask(*ALONE, "--gaps").code == 2
    riley = asking.ask(*ALONE, "--as", "riley@lab.example")
    assert riley.code != 0
    assert "may not break the glass" in riley.said
    assert asking.ask("reject", "mercor", "--reason", "no", "--as", "riley@lab.example").code == 0
    ended = asking.ask("terminate", "mercor", "--reason", "over", *CONFIRM)
    assert ended.code == 5
    alone = asking.ask(*ALONE)
    assert alone.code != 0
    assert "termination" in alone.said
    assert asking.house.world.picture() == contained
    assert not asking.house.book.store.events(kind=BROKEN)
