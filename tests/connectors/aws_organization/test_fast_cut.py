"""The fast cut: whom it names, whom it can never hit, what it leaves as it was, and its proof."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from connectors.contract import MARK, OTHER, back, carry_out, plan, terms
from hypothesis import given
from hypothesis import strategies as st
from support.aws import DATA, MERCER, MERCOR, PATH, RESEARCH, Cloud, answer, trust
from support.organization import (
    BREAK_GLASS,
    MANAGEMENT,
    PROTECTED,
    RCP,
    SCP,
    STRANGER,
    OrganizationGround,
    playbook,
)

from stopline import planner
from stopline.connectors.aws import lockout, marks
from stopline.connectors.aws.fastcut import fast_cut
from stopline.connectors.aws.organization import PRINCIPALS, RESOURCES
from stopline.errors import ConnectorError
from stopline.estate import AwsAccount, AwsEstate, AwsOrganization, Estate
from stopline.model import (
    Address,
    Breadth,
    Change,
    Gap,
    Grant,
    Plan,
    Scope,
    State,
)
from stopline.port import Terms
from stopline.receipts import Cause
from stopline.text import Json, canonical
from stopline.vendors import Vendor

SCP_NAME = marks.control_name("Scp", MARK.journal, MARK.pause)
RCP_NAME = marks.control_name("Rcp", MARK.journal, MARK.pause)
MEMBERS = marks.control_name("Member", MARK.journal, MARK.pause)


@pytest.fixture
def ground(cloud: Cloud) -> OrganizationGround:
    """The organization, made anew."""
    return OrganizationGround.of(cloud)


def statement(made: Plan, name: str) -> Json:
    """The one statement of a policy that a plan makes."""
    (change,) = (c for c in made.changes if c.address.id == name)
    assert change.after is not None
    (said,) = change.after.value["document"]["Statement"]
    return said


def reasons(made: Plan, part: str = "") -> list[str]:
    """Why what is about the organization is left."""
    return [s.reason for s in made.skips if part in s.reason and s.address.realm.startswith("o-")]


# --- whom it names -------------------------------------------------------------------------------


def test_it_denies_the_vendors_principals_in_the_accounts_that_were_read(
    ground: OrganizationGround,
) -> None:
    """Neither what others share, nor what a tag alone selects; nobody in an account unread."""
    shared = ground.cloud.role("both", trust({"AWS": [MERCOR, MERCER]}), path=PATH)
    ground.cloud.user("tagged", "/staff/", Tags=[{"Key": "vendor", "Value": "mercor"}])
    said = statement(plan(ground), SCP_NAME)
    named = said["Condition"]["ArnLike"]["aws:PrincipalArn"]
    assert said["Action"] == said["Resource"] == "*"
    assert f"arn:aws:iam::{RESEARCH}:role/intake" in named
    assert f"arn:aws:iam::*:user{PATH}*" in named
    assert f"arn:aws:iam::*:role{PATH}*" not in named  # it would hit the shared one
    assert not any(arn in named for arn in (shared, f"arn:aws:iam::{RESEARCH}:user/staff/tagged"))
    assert said["Condition"]["StringEquals"] == {"aws:PrincipalAccount": [RESEARCH, DATA]}
    ground.cloud.closed.add(DATA)
    ground.connector = ground.cloud.connector(
        resources=(), organization=ground.owner.estate().organization
    )
    unread = statement(plan(ground), SCP_NAME)
    assert unread["Condition"]["StringEquals"] == {"aws:PrincipalAccount": [RESEARCH]}


def test_it_denies_the_vendors_accounts_what_lies_in_the_organization(
    ground: OrganizationGround,
) -> None:
    """Nobody of the organization itself is meant, and no service that such a policy leaves out."""
    said = statement(plan(ground), RCP_NAME)
    assert said["Condition"] == {
        "StringEquals": {"aws:PrincipalAccount": sorted([MERCOR, ground.owner.member])},
        "StringNotEquals": {"aws:PrincipalOrgID": ground.owner.id},
    }
    assert {"s3:*", "kms:*", "sts:*"} <= set(said["Action"])
    assert not any(action.startswith(("sns:", "lambda:")) for action in said["Action"])


def test_an_account_of_the_vendors_in_the_organization_is_denied_everything(
    ground: OrganizationGround,
) -> None:
    """Its policy is attached to it and to nothing else; an account of the lab's never gets it."""
    made = plan(ground)
    assert statement(made, MEMBERS) == {
        "Sid": marks.sid(MARK.journal, MARK.pause, "Acct"),
        "Effect": "Deny",
        "Action": "*",
        "Resource": "*",
    }
    placed = [c.address.id for c in made.changes if c.stands_on and c.stands_on.id == MEMBERS]
    assert placed == [f"{ground.owner.member}#{MEMBERS}"]
    mine = ground.vendor.aws.model_copy(update={"accounts": (ground.owner.member,)})
    lab = {ground.owner.member: AwsAccount(name="ours")}
    assert ground.estate.aws is not None
    accounts = {**ground.estate.aws.accounts, **lab}
    ground.vendor = ground.vendor.model_copy(update={"aws": mine})
    ground.estate = Estate(aws=ground.estate.aws.model_copy(update={"accounts": accounts}))
    assert reasons(plan(ground), "as the lab's own")


def test_who_is_protected_in_an_account_of_the_vendors_is_spared_there(
    ground: OrganizationGround,
) -> None:
    """By its number; by a pattern for any account the vendor could spare a role that it makes."""
    ours = f"arn:aws:iam::{ground.owner.member}:role/break-glass/ir"
    protected = PROTECTED.model_copy(update={"break_glass": (BREAK_GLASS, ours)})
    ground.estate = ground.estate.model_copy(update={"protected": protected})
    said = statement(plan(ground), MEMBERS)
    assert said["Condition"] == {"ArnNotLike": {"aws:PrincipalArn": [ours]}}


def test_the_account_that_manages_the_organization_is_never_a_vendors(
    ground: OrganizationGround,
) -> None:
    """Denied everything there, nobody could take the deny away again: nor is it ever attached."""
    assert ground.estate.aws is not None
    assert ground.estate.aws.organization is not None
    own = ground.estate.aws.organization.model_copy(update={"account": ground.owner.member})
    aws = ground.estate.aws.model_copy(update={"organization": own})
    assert aws.own == {*aws.accounts, ground.owner.member}
    ground.estate = ground.estate.model_copy(update={"aws": aws})
    assert reasons(plan(ground), "as the lab's own")


@pytest.mark.parametrize("place", [RESEARCH, MANAGEMENT, "r-ab12", "ou-ab12-abcdefgh"])
def test_the_policy_for_members_is_attached_to_nothing_else(
    ground: OrganizationGround, place: str
) -> None:
    """Whatever a plan says: an account of the lab's, a unit and the root are refused."""
    made = plan(ground)
    (proto,) = (c for c in made.changes if c.address.part == MEMBERS)
    carry_out(ground, [c for c in made.changes if c.address.id == MEMBERS])
    where = replace(proto.address, id=f"{place}#{MEMBERS}")
    seen = replace(ground.connector.read(proto.address.document), document=where.document)
    with pytest.raises(ConnectorError, match="no such one") as refused:
        ground.connector.write(seen, [replace(proto, address=where)], None, "token")
    assert refused.value.cause is Cause.REFUSED


# --- whom it never hits --------------------------------------------------------------------------

NUMBERS = st.from_regex(r"[0-9]{12}", fullmatch=True)
WORDS = st.from_regex(r"[a-z]{1,8}", fullmatch=True)
PATTERNS = st.one_of(
    st.builds("arn:aws:iam::{}:role/{}".format, NUMBERS, WORDS),
    st.builds("arn:aws:iam::*:role/{}/*".format, WORDS),
    st.sampled_from(["arn:aws:iam::*:role/*", "arn:aws:iam::*:role/break*", "arn:aws:iam::*:*"]),
)


@given(
    named=st.lists(PATTERNS, min_size=1, max_size=5),
    outside=st.lists(NUMBERS, min_size=1, max_size=4, unique=True),
    protected=st.lists(PATTERNS, max_size=3),
    roles=st.tuples(WORDS, WORDS),
)
def test_no_policy_ever_denies_what_we_run_as_or_break_glass(
    named: list[str], outside: list[str], protected: list[str], roles: tuple[str, str]
) -> None:
    """Whatever the vendor's file names: our roles in each account, and all that is protected."""
    estate = Estate(
        aws=AwsEstate(
            accounts={RESEARCH: AwsAccount(), DATA: AwsAccount(role=roles[1])},
            role=f"stopline/{roles[0]}",
            organization=AwsOrganization(id="o-abcdefghij", account=MANAGEMENT, role="cut"),
        ),
        protected=PROTECTED.model_copy(update={"break_glass": (BREAK_GLASS, *protected)}),
    )
    said = Terms(Vendor(vendor="mercor"), playbook(), MARK, estate=estate)
    ours = [
        f"arn:aws:iam::{RESEARCH}:role/stopline/{roles[0]}",
        f"arn:aws:iam::{DATA}:role/{roles[1]}",
        f"arn:aws:iam::{DATA}:role/break-glass/anybody",
        *(p.replace("::*:", f"::{RESEARCH}:").replace("*", "some") for p in protected),
    ]
    for denies in _documents(said, named, [n for n in outside if n not in (RESEARCH, DATA)]):
        assert lockout.hit(denies, ours) in ("", *(o for o in ours if _theirs(o, outside)))


def _theirs(arn: str, outside: Sequence[str]) -> bool:
    """Somebody protected in an account of the vendor's, which a policy of the lab's spares."""
    return any(f"::{number}:" in arn for number in outside)


def _documents(said: Terms, named: list[str], outside: list[str]) -> Iterator[list[Json]]:
    base = {"enabled": True, "root": "r-ab12", "attached": 0, "marks": []}
    for kind, more in (
        (PRINCIPALS, {"own": named, "within": [RESEARCH, DATA]}),
        (RESOURCES, {"accounts": outside}),
    ):
        where = Address("aws", "o-abcdefghij", kind, "o-abcdefghij")
        grant = Grant(where, State.of({**base, **more}), "organization", kind, "o", "via")
        proto = Change(where, None, None, "rule", Breadth.NARROW)
        for made in fast_cut(grant, said, proto):
            if isinstance(made, Change) and made.address.kind.endswith("-policy") and made.after:
                yield made.after.value["document"]["Statement"]


def test_a_policy_that_would_hit_us_is_not_sent(ground: OrganizationGround) -> None:
    """Even where it was approved: what is sent is looked at once more."""
    made = plan(ground)
    (change,) = (c for c in made.changes if c.address.id == SCP_NAME)
    deny = {"Effect": "Deny", "Action": "*", "Resource": "*"}
    worse = replace(change, after=State.of({"document": {"Statement": [deny]}}))
    before = ground.picture()
    with pytest.raises(ConnectorError, match="would lock out") as refused:
        carry_out(ground, [worse])
    assert refused.value.landed is False
    assert ground.picture() == before


# --- what it cannot be, and when ---------------------------------------------------------------


def test_a_type_that_is_not_enabled_is_left_and_the_other_is_made(
    ground: OrganizationGround,
) -> None:
    """It says how it is enabled, which a person decides."""
    ground.owner.api.disable_policy_type(RootId=ground.owner.root, PolicyType=RCP)
    made = plan(ground)
    assert reasons(made, "enable-policy-type --policy-type RESOURCE_CONTROL_POLICY")
    assert [c.address.id for c in made.changes if c.breadth is Breadth.FOUNDATION] == [
        MEMBERS,
        SCP_NAME,
    ]


def test_a_place_that_is_full_is_left_and_the_others_are_cut(ground: OrganizationGround) -> None:
    """Five policies of this type are attached to the root already; a unit below still has room."""
    for number in range(3):  # besides AWS's own and a stranger's
        id_ = ground.owner.policy(f"full-{number}", RCP)
        ground.owner.api.attach_policy(PolicyId=id_, TargetId=ground.owner.root)
    made = plan(ground)
    assert reasons(made, f"{ground.owner.root} has 5 policies already")
    assert f"{ground.owner.unit}#{RCP_NAME}" in {c.address.id for c in made.changes}
    assert f"{ground.owner.root}#{RCP_NAME}" not in {c.address.id for c in made.changes}


def test_a_quota_that_only_the_write_tells_is_a_typed_refusal(ground: OrganizationGround) -> None:
    """Organizations says so in a code of its own; the next plan takes the other places."""

    def full(request: object) -> object:
        if "AttachPolicy" not in str(getattr(request, "headers", {}).get("X-Amz-Target", "")):
            return None
        said = {"__type": "ConstraintViolationException", "Message": "MAX_POLICY_TYPE_ATTACHMENT"}
        return answer(400, json.dumps(said))

    made = plan(ground)
    ground.cloud.interfere = full  # type: ignore[assignment]
    with pytest.raises(ConnectorError) as refused:
        carry_out(ground, made.changes)
    assert (refused.value.cause, refused.value.landed) == (Cause.QUOTA, False)


def test_an_organization_that_cannot_be_reached_is_a_gap_and_the_rest_goes_on(
    ground: OrganizationGround,
) -> None:
    """The vendor's principals are found all the same."""
    ground.close()
    found = list(ground.connector.discover(ground.vendor, Scope()))
    (gap,) = (f for f in found if isinstance(f, Gap) and f.realm == ground.realm)
    assert gap.what == "the organization's policies, so no fast cut"
    assert any(isinstance(f, Grant) and f.address.kind == "user" for f in found)


def test_another_organization_than_the_estates_is_a_gap(ground: OrganizationGround) -> None:
    """A role that leads elsewhere writes nothing there."""
    own = ground.owner.estate().organization
    assert own is not None
    wrong = own.model_copy(update={"id": "o-zzzzzzzzzz"})
    connector = ground.cloud.connector(resources=(), organization=wrong)
    found = list(connector.discover(ground.vendor, Scope()))
    (gap,) = (f for f in found if isinstance(f, Gap))
    assert "correct `aws.organization`" in gap.cause
    assert not [f for f in found if isinstance(f, Grant) and f.address.realm.startswith("o-")]


def test_too_long_a_policy_is_left(ground: OrganizationGround) -> None:
    """AWS counts characters: what cannot fit is not tried."""
    many = tuple(f"arn:aws:iam::{RESEARCH}:role/a-role-of-the-vendors-{n:04}" for n in range(250))
    aws = ground.vendor.aws.model_copy(update={"principals": many, "paths": ()})
    ground.vendor = ground.vendor.model_copy(update={"aws": aws})
    assert reasons(plan(ground), "of 10240 characters")


# --- somebody else's, and ours ------------------------------------------------------------------


def test_a_strangers_policies_are_as_they_were(ground: OrganizationGround) -> None:
    """Theirs stay attached beside ours, and ours alone go."""
    before = ground.picture()
    made = plan(ground)
    carry_out(ground, made.changes)
    beside = ground.owner.attached(ground.owner.root, SCP)
    assert beside == sorted(["FullAWSAccess", SCP_NAME, f"{STRANGER}S"])
    carry_out(ground, back(made.changes))
    assert ground.picture() == before


def test_the_policy_goes_wherever_a_stranger_attached_it(ground: OrganizationGround) -> None:
    """It bears our mark: a rollback leaves none of it behind."""
    before = ground.picture()
    made = plan(ground)
    carry_out(ground, made.changes)
    (ours,) = (
        p["Id"]
        for p in ground.owner.api.list_policies(Filter=SCP)["Policies"]
        if p["Name"] == SCP_NAME
    )
    ground.owner.api.attach_policy(PolicyId=ours, TargetId=ground.owner.member)
    carry_out(ground, back(made.changes))
    assert ground.picture() == before


def test_a_strangers_edit_of_ours_is_seen_and_mended(ground: OrganizationGround) -> None:
    """A policy that says less, and one that was detached: planned again, as it was."""
    made = plan(ground)
    carry_out(ground, made.changes)
    (ours,) = (
        p["Id"]
        for p in ground.owner.api.list_policies(Filter=SCP)["Policies"]
        if p["Name"] == SCP_NAME
    )
    whole = ground.owner.content(SCP_NAME)
    weak = {"Version": "2012-10-17", "Statement": []}
    ground.owner.api.update_policy(PolicyId=ours, Content=json.dumps(weak))
    ground.owner.api.detach_policy(PolicyId=ours, TargetId=ground.owner.root)
    again = plan(ground)
    assert [c.address.id for c in again.changes] == [
        SCP_NAME,
        f"{ground.owner.root}#{SCP_NAME}",
    ]
    carry_out(ground, again.changes)
    assert ground.owner.content(SCP_NAME) == whole
    assert canonical(json.loads(whole)) == whole  # AWS counts white space
    assert not plan(ground).changes


def test_two_journals_do_not_touch_each_other(ground: OrganizationGround) -> None:
    """The other's policy stays when ours goes, and is named in the plan."""
    theirs = plan(ground, OTHER)
    carry_out(ground, theirs.changes)
    with_theirs = ground.picture()
    made = plan(ground)
    assert reasons(made, f"held by another stopline journal, {OTHER.journal}")
    carry_out(ground, made.changes)
    carry_out(ground, back(made.changes))
    assert ground.picture() == with_theirs


# --- where, and in which order --------------------------------------------------------------------


def test_without_a_place_it_is_attached_to_the_root(ground: OrganizationGround) -> None:
    """The playbook says where; nothing means everywhere."""
    ground.playbook = playbook()
    placed = {c.address.document.id for c in plan(ground).changes if c.stands_on}
    assert placed == {ground.owner.root, ground.owner.member}


def test_a_playbook_may_ask_for_one_of_the_two(ground: OrganizationGround) -> None:
    """What it does not ask for leaves nothing open."""
    ground.playbook = playbook(without=RESOURCES)
    made = plan(ground)
    assert RCP_NAME not in {c.address.id for c in made.changes}
    (skip,) = (s for s in made.skips if "no fast cut" in s.reason)
    assert not skip.leaves_access


def test_it_is_made_before_it_is_attached_and_goes_last(ground: OrganizationGround) -> None:
    """Given back after all that the accounts themselves get back."""
    made = plan(ground)
    kinds = [c.address.kind.rpartition("-")[2] for c in made.changes]
    assert kinds == sorted(kinds, reverse=True)
    narrow = Change(
        Address("aws", "zzz", "access-key", "user/key"), None, None, "r", Breadth.NARROW
    )
    way_back = back((*made.changes, narrow))
    assert way_back[0].address.realm == "zzz"
    assert [c.address.kind.rpartition("-")[2] for c in way_back[1:]] == kinds[::-1]


def test_a_scope_of_one_account_or_principal_makes_no_fast_cut(ground: OrganizationGround) -> None:
    """It would take more than was asked for."""
    found = ground.connector.discover(ground.vendor, Scope(realms=(RESEARCH,)))
    assert not [f for f in found if isinstance(f, Grant) and f.address.realm == ground.realm]
    snapshot = planner.snapshot_of("v", ground.connector.discover(ground.vendor, Scope()), "")
    narrow = Scope(principals=(f"arn:aws:iam::{RESEARCH}:user{PATH}annotator",))
    opinions = planner.Opinions({"aws": ground.connector.contained}, {"aws": lambda _: ()})
    made = planner.plan_containment(snapshot, terms(ground), narrow, planner.Standing(), opinions)
    assert not [c for c in made.changes if c.spans]
