"""What one person may approve alone; and that its signature never passes for a normal one."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.signers import a_key, needs_openssh

from stopline.approving import Approvers
from stopline.errors import RefusedError
from stopline.roles import parse_roles
from stopline.signing import Statement, sign

ALONE = Statement(
    "j", "p", "mercor", "restore", "d", "r", "ada", "ada", "nobody answers", break_glass=True
)
ROLES = "approvers: [riley]\nbreak_glass: [ada, riley, '*@oncall.example']\nsignatures: {}\n"
TEXTS = st.lists(st.text(max_size=30), min_size=9, max_size=9)


def roles(folder: Path, signatures: str = "optional") -> Approvers:
    """An installation whose roles name who may break the glass."""
    (folder / "roles.yaml").write_text(ROLES.format(signatures))
    return Approvers(folder)


@given(TEXTS, TEXTS)
def test_no_text_that_is_signed_is_that_of_the_other_kind(one: list[str], other: list[str]) -> None:
    """Whatever stands in the fields, line breaks too: a normal yes is never a break-glass one."""
    assert Statement(*one, break_glass=True).text != Statement(*other).text
    assert Statement(*one, break_glass=True).text != Statement(*one).text


@given(TEXTS, st.booleans())
def test_what_is_kept_makes_the_statement_again(told: list[str], alone: bool) -> None:  # noqa: FBT001 - Hypothesis gives it
    """Out of the journal comes what was signed."""
    said = Statement(*told, break_glass=alone)
    assert Statement(**said.kept) == said


def test_what_was_signed_before_there_was_break_glass_is_signed_byte_for_byte() -> None:
    """A signature of an older release is verified as ever, and its fields are kept as ever."""
    old = replace(ALONE, by="riley", break_glass=False)
    assert old.text == (
        "stopline approval, version 1\njournal: j\npause: p\nvendor: mercor\ndirection: restore\n"
        "digest: d\nrequest: r\nasked by: ada\nby: riley\nreason: nobody answers\n"
    )
    assert "break_glass" not in old.kept
    alone = replace(old, break_glass=True)
    assert alone.text == f"{old.text}break glass: yes\n", "one line more, and nothing else"


def test_who_is_named_approves_alone_what_they_asked_for(tmp_path: Path) -> None:
    """By name or by glob; that is what it is for."""
    approvers = roles(tmp_path)
    assert approvers.vouch(ALONE, "") == "unsigned"
    assert approvers.vouch(replace(ALONE, by="eve@oncall.example"), "") == "unsigned"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (replace(ALONE, by="mallory"), "may not break the glass"),
        (replace(ALONE, direction="terminate"), "cannot be undone"),
        (replace(ALONE, direction="accept-gaps"), "cannot be undone"),
        (replace(ALONE, direction="tell-outside"), "cannot be undone"),
        (replace(ALONE, reason=" "), "must be said"),
        (replace(ALONE, break_glass=False), "not an approver"),
        (replace(ALONE, by="riley", asked_by="riley", break_glass=False), "another person's"),
    ],
)
def test_nothing_else_is_approved_alone(tmp_path: Path, said: Statement, why: str) -> None:
    """A stranger, what cannot be undone, no reason, and a normal yes to one's own wish."""
    with pytest.raises(RefusedError, match=why):
        roles(tmp_path).vouch(said, "")


def test_nobody_breaks_the_glass_where_no_role_says_so(tmp_path: Path) -> None:
    """Neither without a file, nor where the key is left out: an approver is not enough."""
    with pytest.raises(RefusedError, match="may not break the glass"):
        Approvers().vouch(ALONE, "")
    (tmp_path / "roles.yaml").write_text("approvers: ['*']\nsignatures: optional\n")
    with pytest.raises(RefusedError, match="may not break the glass"):
        Approvers(tmp_path).vouch(ALONE, "")
    assert not parse_roles("approvers: ['*']\n", "roles.yaml").may_break_glass("ada")


@needs_openssh
def test_a_signature_of_one_kind_is_refused_as_the_other(tmp_path: Path) -> None:
    """Replayed either way it does not verify; as what it is, it does, until the role is taken."""
    key = a_key(tmp_path, "riley")
    public = key.with_suffix(".pub").read_text()
    (tmp_path / "allowed_signers").write_text(f"riley {public}")
    approvers = roles(tmp_path, "required")
    alone = replace(ALONE, by="riley")
    normal = replace(alone, break_glass=False)
    for said, other in ((alone, normal), (normal, alone)):
        signature = sign(said, key)
        assert approvers.vouch(said, signature) == signature
        with pytest.raises(RefusedError, match="is not riley's over this approval"):
            approvers.vouch(other, signature)
        assert not approvers.stands(other, signature)
    with pytest.raises(RefusedError, match="signed here"):
        approvers.vouch(alone, "")
    signature = sign(alone, key)
    (tmp_path / "roles.yaml").write_text("approvers: [riley]\n")
    assert not approvers.stands(alone, signature)
