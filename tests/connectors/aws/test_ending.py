"""What AWS deletes for good, and why everything else stays. Pure."""

import pytest

from stopline.connectors.aws import ending, marks
from stopline.connectors.aws.classes import WRITERS
from stopline.model import Address, Breadth, Change, Effect, Skip, State
from stopline.receipts import Hold

CREDENTIALS = {"access-key", "ssh-key", "signing-certificate"}


def hold(kind: str, id_: str = "annotator/AKIAIOSFODNN7EXAMPLE") -> Hold:
    """A hold on something of this kind."""
    address = Address("aws", "111122223333", kind, id_)
    off = State.of({"Status": "Inactive"})
    change = Change(address, None, off, "r", Breadth.NARROW, principal="arn:annotator")
    return Hold(address, "0000000a", None, off, change, written=True)


@pytest.mark.parametrize("kind", sorted(WRITERS))
def test_only_credentials_are_deleted_and_everything_else_says_why_it_stays(kind: str) -> None:
    """Whatever the connector writes: an effect on a credential, a reason for all the rest."""
    says = ending.ended(hold(kind))
    assert isinstance(says, Effect if kind in CREDENTIALS | ending.TAKEN.keys() else Skip)
    if isinstance(says, Skip):
        assert says.principal == "arn:annotator"
        assert "stays" in says.reason or "stand on it" in says.reason


def test_the_whole_id_of_a_key_stands_in_the_address_alone() -> None:
    """A summary goes into notices and tickets: it has the ends of the id, and the user's name."""
    says = ending.ended(hold("access-key"))
    assert isinstance(says, Effect)
    assert says.summary == "delete the access key AKIA\u2026MPLE of annotator for good"


@pytest.mark.parametrize(
    ("kind", "owner"),
    [("user-attachment", "user"), ("role-inline-policy", "role"), ("user-boundary", "user")],
)
def test_a_deny_stays_until_people_have_deleted_what_it_is_on(kind: str, owner: str) -> None:
    """It names what is to be deleted first."""
    says = ending.ended(hold(kind))
    assert isinstance(says, Skip)
    assert f"deleted the {owner} itself" in says.reason


def test_nobody_is_told_to_delete_a_role_that_others_use() -> None:
    """The policy that ended older sessions of a shared role stays, and so does the role."""
    cut = marks.cut_name("0a1b2c3d", "0000000a")
    says = ending.ended(hold("role-inline-policy", f"desk/{cut}"))
    assert isinstance(says, Skip)
    assert "others' as well" in says.reason
    assert "have deleted" not in says.reason


@pytest.mark.parametrize("part", ["FrzObj", "FrzCfg"])
def test_a_freeze_is_no_deny_of_the_vendor(part: str) -> None:
    """It holds for everybody, so that people decide when data may change again."""
    sid = marks.sid("0a1b2c3d", "0000000a", part)
    says = ending.ended(hold("bucket-policy-statement", f"evidence#{sid}"))
    assert isinstance(says, Skip)
    assert says.reason.startswith("the freeze stays")
