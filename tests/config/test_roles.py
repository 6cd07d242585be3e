"""config/roles.yaml: who may approve, with faults by file and line."""

from pathlib import Path

import pytest

from stopline.approving import Approvers
from stopline.errors import ConfigError, RefusedError
from stopline.roles import parse_roles
from stopline.signing import Statement

YES = Statement("j", "p", "mercor", "restore", "d", "r", "alice", "bob", "cleared")


def test_a_file_that_names_approvers_wants_their_signatures() -> None:
    """Whoever takes the trouble to name people means it: signatures are wanted by default."""
    roles = parse_roles("approvers: [bob@lab.example, '*@security.lab.example']\n", "roles.yaml")
    assert roles.signatures == "required"
    assert roles.may_approve("eve@security.lab.example")
    assert not roles.may_approve("mallory@lab.example")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("aprovers: [bob]\n", "roles.yaml:1"),
        ("approvers: []\n", "roles.yaml:1"),
        ("approvers: [bob]\nsignatures: maybe\n", "roles.yaml:2"),
        ("approvers: [bob]\nallowed_signers: /etc/passwd\n", "roles.yaml:2"),
        ("approvers: [bob]\nallowed_signers: ../x\n", "roles.yaml:2"),
    ],
)
def test_a_fault_is_named_with_its_line(text: str, fault: str) -> None:
    """A misspelt key, nobody, another word, a path outside: one message, one place."""
    with pytest.raises(ConfigError) as error:
        parse_roles(text, "roles.yaml")
    assert fault in error.value.what


def test_without_a_file_anybody_but_the_requester_may_approve_by_a_declared_name() -> None:
    """What is written down then is `unsigned`."""
    assert Approvers().vouch(YES, "") == "unsigned"
    with pytest.raises(RefusedError):
        Approvers().vouch(Statement(**{**fields(YES), "by": "alice"}), "")


def test_a_broken_file_lets_nobody_approve(tmp_path: Path) -> None:
    """Fail closed: what cannot be read is not the same as what is not there."""
    (tmp_path / "roles.yaml").write_text("approvers: bob\n")
    with pytest.raises(ConfigError):
        Approvers(tmp_path).vouch(YES, "")


def test_a_signature_that_cannot_be_verified_is_never_taken(tmp_path: Path) -> None:
    """Without an allowed signers file a signature proves nothing, so it is refused."""
    (tmp_path / "roles.yaml").write_text("approvers: ['*']\nsignatures: optional\n")
    with pytest.raises(RefusedError):
        Approvers(tmp_path).vouch(YES, "-----BEGIN SSH SIGNATURE-----")


def test_what_is_signed_has_one_line_for_each_field() -> None:
    """A line break in a reason cannot forge another field."""
    said = Statement(**{**fields(YES), "reason": "ok\ndirection: contain"})
    assert said.text.count("\n") == len(fields(YES)) + 1
    assert "\ndirection: contain" not in said.text


def fields(statement: Statement) -> dict[str, str]:
    """A statement's fields by name."""
    return statement.kept


@pytest.mark.parametrize(
    ("roles", "signers", "people", "says"),
    [
        ("", None, 1, ""),
        ("approvers: ['*']\nsignatures: optional\n", None, 1, ""),
        ("approvers: [bob, eve]\n", None, 1, "no allowed signers"),
        ("approvers: [bob, eve]\n", "# nobody\n", 1, "names 0 who may approve"),
        ("approvers: [bob, eve]\n", "bob,mallory ssh-ed25519 AAAA\n", 2, "names 1 who may"),
        ("approvers: [bob, eve]\n", "bob,eve ssh-ed25519 AAAA\n", 1, ""),
        ("approvers: [bob, eve]\n", "bob,eve ssh-ed25519 AAAA\n", 3, "names 2 who may approve"),
        ("approvers: ['*@x']\n", "*@x ssh-ed25519 AAAA\nb@x ssh-ed25519 AAAA\n", 1, ""),
    ],
)
def test_whether_enough_people_could_ever_approve_is_known_before_the_night(
    tmp_path: Path, roles: str, signers: str | None, people: int, says: str
) -> None:
    """As many as the playbook wants must be approvers and have a key."""
    if roles:
        (tmp_path / "roles.yaml").write_text(roles)
    if signers is not None:
        (tmp_path / "allowed_signers").write_text(signers)
    found = Approvers(tmp_path).provable(people)
    assert (says in found) if says else found == ""


def test_who_may_ask_is_data(tmp_path: Path) -> None:
    """Without a word everybody may: the one who sees it first must be able to pull the cord."""
    Approvers(tmp_path).require_asker("anybody")
    (tmp_path / "roles.yaml").write_text("approvers: [bob]\nrequesters: ['*@lab.example']\n")
    Approvers(tmp_path).require_asker("ada@lab.example")
    with pytest.raises(RefusedError, match="may not ask for it"):
        Approvers(tmp_path).require_asker("mallory@elsewhere.example")
