"""How a grant is contained, what is left and why, and what outlives it."""

import json

import pytest
from support.aws import MERCOR, PATH, PLAYBOOK, RESEARCH, VENDOR, Cloud, allow, trust

from stopline.connectors.aws import opinion
from stopline.connectors.aws.marks import PATH as PREFIX
from stopline.connectors.aws.marks import policy_name
from stopline.connectors.aws.words import CONTAINS
from stopline.model import Address, Breadth, Change, Grant, Scope, Skip, State
from stopline.port import Mark, Terms

MARK = Mark("0a1b2c3d", "00000001")
TERMS = Terms(VENDOR, PLAYBOOK, MARK)
STRANGER = "9e8d7c6b"
WORK = json.dumps(allow("sqs:*", "*"))


def principal(
    cloud: Cloud,
    kind: str = "user",
    name: str = "annotator",
    path: str = PATH,
    *,
    attached: int = 0,
    marks: tuple[str, ...] = (),
) -> Grant:
    """A user or role of the vendor's, with so many policies and these journals' denies."""
    iam, words = cloud.iam(), {f"{kind.title()}Name": name}
    if kind == "user":
        cloud.user(name, path, keys="")
    else:
        cloud.role(name, trust({"AWS": MERCOR}), path)
    names = [("/", f"p{n}") for n in range(attached)]
    names += [(PREFIX, policy_name(journal)) for journal in marks]
    for where, policy in names:
        made = iam.create_policy(PolicyName=policy, Path=where, PolicyDocument=WORK)["Policy"]
        getattr(iam, f"attach_{kind}_policy")(**words, PolicyArn=made["Arn"])
    found = cloud.connector().discover(VENDOR, Scope(realms=(RESEARCH,)))
    (grant,) = (f for f in found if isinstance(f, Grant))
    return grant


def said(grant: Grant) -> tuple[list[Change], list[Skip]]:
    """Changes and skips apart, without a call."""
    opinions = list(opinion.contained(grant, TERMS))
    return (
        [o for o in opinions if isinstance(o, Change)],
        [o for o in opinions if isinstance(o, Skip)],
    )


@pytest.mark.parametrize("kind", ["user", "role"])
def test_a_principal_is_denied_by_an_attachment_on_a_foundation(cloud: Cloud, kind: str) -> None:
    """The policy first, and removed last; the attachment bears the immutable id of its owner."""
    grant = principal(cloud, kind)
    changes, skips = said(grant)
    base, attachment = changes
    assert not skips
    assert (base.breadth, attachment.breadth) == (Breadth.FOUNDATION, Breadth.PRINCIPAL)
    assert attachment.stands_on == base.address
    assert (base.uid, attachment.uid) == ("", grant.uid)
    assert grant.uid
    assert base.marked
    assert attachment.marked


@pytest.mark.parametrize(("attached", "strangers", "room"), [
    (9, 0, True), (10, 0, False), (9, 1, False), (8, 1, True),
])  # fmt: skip
def test_ten_policies_leave_no_room_for_an_eleventh(
    cloud: Cloud, attached: int, strangers: int, *, room: bool
) -> None:
    """The vendor's own count, and another journal's; ours does not, since it is there already."""
    marks = (MARK.journal, *[STRANGER] * strangers)
    changes, skips = said(principal(cloud, attached=attached, marks=marks))
    assert any(c.address.kind == "user-attachment" for c in changes) is room
    assert room or changes or any(s.leaves_access for s in skips)


def test_another_journals_mark_is_named(cloud: Cloud) -> None:
    """A stranger's hold: shown, and ours is planned besides."""
    changes, skips = said(principal(cloud, marks=(STRANGER,)))
    assert [s.reason for s in skips if STRANGER in s.reason]
    assert not [s for s in skips if s.leaves_access]
    assert changes


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("AWSReservedSSO_Vendor_0123456789abcdef", "/aws-reserved/sso.amazonaws.com/"),
        ("AWSServiceRoleForSupport", "/aws-service-role/support.amazonaws.com/"),
    ],
)
def test_a_role_that_aws_lets_nobody_edit_is_left(cloud: Cloud, name: str, path: str) -> None:
    """It would be refused: what can be done instead is said."""
    changes, skips = said(principal(cloud, "role", name, path))
    assert not changes
    assert any(s.leaves_access and "organisation policy" in s.reason for s in skips)


@pytest.mark.parametrize("kind", ["access-key", "ssh-key", "signing-certificate"])
def test_a_credential_is_a_toggle_that_claims_nothing(kind: str) -> None:
    """It bears no mark; what it was is the receipt's to know."""
    where = Address("aws", RESEARCH, kind, "annotator/AKIAEXAMPLE000000001")
    grant = Grant(where, State.of({"Status": "Active"}), "arn", kind, "arn", "path")
    ((change,), _) = said(grant)
    assert change.address == where
    assert change.after == State.of({"Status": "Inactive"})
    assert not change.marked
    assert change.breadth is Breadth.NARROW


OUTLIVES = {
    "user-attachment": ("PT12H", "until they are closed"),
    "role-attachment": ("PT1H", "until they are closed"),
    "bucket-policy-statement": ("until they end",),
    "access-key": (),
    "ssh-key": (),
    "deny-policy": (),
}


@pytest.mark.parametrize("kind", OUTLIVES)
def test_what_outlives_a_change_has_an_end(kind: str) -> None:
    """A deny ends sessions already issued; what it cannot end is told, with until when.

    An inactive key ends nothing that was opened with it, which is why the deny is there besides.
    """
    change = Change(Address("aws", RESEARCH, kind, "x"), None, None, "rule", Breadth.NARROW)
    told = list(opinion.residuals(change))
    assert tuple(r.until for r in told) == OUTLIVES[kind]
    assert all(r.address == change.address and r.what for r in told)


def test_every_word_of_a_playbook_is_one_that_something_is_contained_by() -> None:
    """The words that a playbook may use are the rules that these tests stand on, and more."""
    used = {rule.contains for phase in PLAYBOOK.phases for rule in phase.rules}
    assert used <= set(CONTAINS)
