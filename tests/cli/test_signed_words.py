"""Where approvals are signed, so is every other word that lets something happen."""

from support.asking import CONFIRM, Asking, words_proven
from support.signers import a_key, needs_openssh, signers

from stopline.connectors.memory import Principal

pytestmark = needs_openssh
ROLES = "approvers: [riley@lab.example]\nsignatures: required\n"


def test_a_yes_to_what_stays_open_is_signed_with_the_approvers_key(asking: Asking) -> None:
    """Refused without one, and the pause stays partial; with it, it is contained."""
    folder = asking.house.settings.config_dir
    key = a_key(folder.parent, "riley")
    public = key.with_suffix(".pub").read_text()
    (folder / "allowed_signers").write_text(f"riley@lab.example {public}")
    (folder / "roles.yaml").write_text(ROLES)
    asking.house.world.principals["shared"] = Principal("U9", "mercor", shared_with=("mercer",))
    assert asking.pause().code == 6
    known = ("approve", "mercor", "--gaps", "--reason", "known", *CONFIRM)
    unsigned = asking.ask(*known, "--as", "riley@lab.example")
    assert unsigned.code != 0
    assert "Approvals are signed here" in unsigned.said
    own = asking.ask(*known, "--as", "ada@lab.example", "--sign", str(key))
    assert own.code != 0
    signed = asking.ask(*known, "--as", "riley@lab.example", "--sign", str(key))
    assert (signed.code, "contained: everything" in signed.said) == (0, True)
    assert words_proven(asking, folder)["accepted as open"] == "1 signed (verified), 0 unsigned"


def test_what_two_people_and_one_alone_signed_is_proven_in_the_evidence(asking: Asking) -> None:
    """A rollback of a part by another person, the rest by one alone, reviewed."""
    folder = asking.house.settings.config_dir
    signers(folder, "riley", "sam", "ada")
    (folder / "roles.yaml").write_text("approvers: ['*']\nbreak_glass: [ada]\n")
    riley, sam, ada = (("--sign", str(folder / name)) for name in ("riley", "sam", "ada"))
    assert asking.pause(by="ada").code == 0
    part = ("rollback", "mercor", "--principal", "annotator", "--reason", "cleared", "--as", "ada")
    assert asking.ask(*part, *CONFIRM).code == 5
    assert asking.ask("approve", "mercor", "--as", "riley", *riley, *CONFIRM).code == 0
    rest = ("rollback", "mercor", "--reason", "all of it", "--as", "ada")
    assert asking.ask(*rest, *CONFIRM).code == 5
    alone = ("approve", "mercor", "--break-glass", "--reason", "nobody answers", "--as", "ada")
    assert asking.ask(*alone, *ada, *CONFIRM).code == 0
    looked = ("review", "mercor", "--reason", "looked at it", "--as", "sam")
    assert asking.ask(*looked, *sam).code == 0
    found = words_proven(asking, folder)
    assert found["approvals"] == "2 signed (verified), 1 unsigned; 1 by break-glass"
    assert found["reviews"] == "1 signed (verified), 0 unsigned"
