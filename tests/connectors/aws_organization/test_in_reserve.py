"""A fast cut kept in reserve: when it is taken, what it answers for, and that it goes back."""

from dataclasses import replace

import pytest
from connectors.aws_organization.test_fast_cut import SCP_NAME, statement
from connectors.contract import MARK, back, carry_out, plan
from support.aws import PATH, RESEARCH, Cloud
from support.organization import MANAGEMENT, RCP, SCP, OrganizationGround, playbook

from stopline import planner
from stopline.climbing import Removals, breaches
from stopline.estate import AwsAccount
from stopline.model import Address, Breadth, Change, Plan, State
from stopline.receipts import Hold


@pytest.fixture
def ground(cloud: Cloud) -> OrganizationGround:
    """The organization, made anew."""
    return OrganizationGround.of(cloud)


USER = f"arn:aws:iam::{RESEARCH}:user{PATH}annotator"
REMOVED = Address("aws", RESEARCH, "user-attachment", "annotator#deny")


def in_reserve(ground: OrganizationGround, *removed: Address) -> Plan:
    """The plan of a playbook that keeps the fast cut in reserve, once these were removed."""
    ground.playbook = playbook(when="removed")
    return plan(ground, removed=frozenset(removed))


def hold(change: Change) -> Hold:
    """A hold of what was written."""
    return Hold(change.address, MARK.pause, change.before, change.after, change, written=True)


def held(made: Plan) -> list[Hold]:
    """The holds of what a plan made."""
    return [hold(change) for change in made.changes]


def test_in_reserve_nothing_is_cut_and_nothing_is_said_to_be_open(
    ground: OrganizationGround,
) -> None:
    """The plan that a person approves says that it is there; what could hinder it is said too."""
    ground.owner.api.disable_policy_type(RootId=ground.owner.root, PolicyType=RCP)
    made = in_reserve(ground)
    own = [s for s in made.skips if s.address.realm == ground.realm]
    assert not [c for c in made.changes if c.address.realm == ground.realm]
    assert [s.reason.partition(":")[0] for s in own] == ["in reserve"] * 3
    assert [s for s in own if "policies of this type are not enabled" in s.reason]
    assert not any(s.leaves_access for s in own)


def test_a_lever_removed_again_and_again_in_an_account_is_answered_above_all_accounts(
    ground: OrganizationGround,
) -> None:
    """The policies name the lever that they stand above, are attached to the root, and go back."""
    before = ground.picture()
    made = in_reserve(ground, REMOVED)
    cut = [c for c in made.changes if c.spans]
    assert {c.over for c in cut} == {REMOVED}
    assert f"{ground.owner.root}#{SCP_NAME}" in {c.address.id for c in cut}
    carry_out(ground, cut)
    assert SCP_NAME in ground.owner.attached(ground.owner.root, SCP)
    carry_out(ground, back(cut))
    assert ground.picture() == before


def test_what_was_removed_of_the_cut_itself_brings_nothing_more(ground: OrganizationGround) -> None:
    """Only what stands below it counts: its own realm is the highest there is."""
    own = Address("aws", ground.realm, "service-control-attachment", f"r-x#{SCP_NAME}")
    elsewhere = Address("gcp", "organizations/1", "deny-policy", "deny")
    assert not [c for c in in_reserve(ground, own, elsewhere).changes if c.spans]


def test_whom_the_cut_names_is_breached_no_more_and_others_still_are(
    ground: OrganizationGround,
) -> None:
    """The remover may go on in the account; the vendor's user stays denied above it."""
    made = in_reserve(ground, REMOVED, replace(REMOVED, id="a-liaison#deny"))
    levers = [
        Change(replace(REMOVED, id=f"{n}#deny", realm=realm), None, State.of({"a": 1}), "r",
               Breadth.PRINCIPAL, principal=f"arn:aws:iam::{realm}:user{path}{n}")
        for n, path, realm in (
            ("annotator", PATH, RESEARCH),
            ("a-liaison", "/staff/", RESEARCH),
            ("annotator", PATH, "333344445555"),  # an account that was not read
        )
    ]  # fmt: skip
    mine = [hold(lever) for lever in levers]
    often = {lever.address: Removals(times=5) for lever in levers}
    audits = playbook().audits
    alone = {(b.address.realm, b.principal) for b in breaches(mine, often, audits)}
    assert alone == {(c.address.realm, c.principal) for c in levers}
    after = {(b.address.realm, b.principal) for b in breaches([*mine, *held(made)], often, audits)}
    assert after == alone - {(RESEARCH, USER)}
    cut = f"{ground.owner.root}#{SCP_NAME}"
    (attachment,) = (c.address for c in made.changes if c.address.id == cut)
    gone = often | {attachment: Removals(times=1)}
    both = {str(b.address) for b in breaches([*mine, *held(made)], gone, audits)}
    assert both == {str(attachment), *(str(one.address) for one in levers[1:])}


def test_a_playbook_that_asks_before_it_climbs_asks_before_the_cut(
    ground: OrganizationGround,
) -> None:
    """A sweep proposes it: neither the policy nor its attachment is made."""
    asks = playbook(when="removed")
    audits = asks.audits.model_copy(update={"climb": "ask"})
    ground.playbook = asks.model_copy(update={"audits": audits})
    swept = planner.Standing(approved=frozenset())
    made = plan(ground, removed=frozenset({REMOVED}), standing=swept)
    assert not [c for c in made.changes if c.spans]
    assert [s for s in made.skips if s.leaves_access and "wants a person's word" in s.reason]


def test_who_lives_in_the_management_account_is_named_by_no_cut(ground: OrganizationGround) -> None:
    """No such policy limits anybody there, so it is not among the accounts that are meant."""
    aws = ground.owner.estate(accounts={RESEARCH: AwsAccount(), MANAGEMENT: AwsAccount()})
    ground.connector = ground.cloud.connector(
        resources=(), organization=aws.organization, accounts=aws.accounts
    )
    within = statement(plan(ground), SCP_NAME)["Condition"]["StringEquals"]
    assert within == {"aws:PrincipalAccount": [RESEARCH]}
