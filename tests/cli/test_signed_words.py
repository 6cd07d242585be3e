"""Where approvals are signed, so is every other word that lets something happen."""

from support.asking import CONFIRM, Asking
from support.signers import a_key, needs_openssh

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
