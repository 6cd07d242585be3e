"""What `verify` proves of a fast cut, and what an organization's policies prove of other levers."""

import json
from collections.abc import Sequence

import pytest
from connectors.contract import MARK, carry_out, documents, plan
from support.aws import MERCOR, PATH, Cloud
from support.organization import MANAGEMENT, RCP, SCP, OrganizationGround

from stopline.connectors.aws import AwsConnector, marks, organization_checks
from stopline.estate import AwsAccount
from stopline.model import Address, Breadth, Change, State
from stopline.port import Observed, Unproved
from stopline.text import Json

SCP_NAME = marks.control_name("Scp", MARK.journal, MARK.pause)
RCP_NAME = marks.control_name("Rcp", MARK.journal, MARK.pause)


@pytest.fixture
def ground(cloud: Cloud) -> OrganizationGround:
    """The organization, made anew."""
    return OrganizationGround.of(cloud)


def unproved(ground: OrganizationGround, changes: Sequence[Change]) -> list[Unproved]:
    """What the connector says after a reading of its own."""
    seen = {d: ground.connector.read(d) for d, _ in documents(changes)}
    return list(ground.connector.unproved(ground.vendor, changes, seen))


def in_lab(ground: OrganizationGround, *names: str) -> list[str]:
    """Make the lab's accounts members: the emulator gives numbers of its own."""
    made = [
        ground.owner.api.create_account(Email=f"{n}@lab.example", AccountName=n)
        for n in names or ("lab",)
    ]
    accounts = {m["CreateAccountStatus"]["AccountId"]: AwsAccount(name="lab") for m in made}
    account = min(accounts)
    ground.connector = ground.cloud.connector(
        resources=(), organization=ground.owner.estate().organization, accounts=accounts
    )
    ground.cloud.user("annotator", account=account)
    ground.vendor = ground.vendor.model_copy(
        update={"aws": ground.vendor.aws.model_copy(update={"accounts": (MERCOR,)})}
    )
    return sorted(accounts)


def test_a_fast_cut_is_held_against_the_accounts_that_it_means(ground: OrganizationGround) -> None:
    """One that could not be read when it was planned is not in it, and is no fault of it."""
    _, far = in_lab(ground, "lab", "far")
    ground.cloud.closed.add(far)
    made = plan(ground)
    assert [g.realm for g in made.gaps] != []
    changes = [c for c in made.changes if c.address.realm.startswith("o-")]
    carry_out(ground, changes)
    ground.cloud.closed.discard(far)
    assert unproved(ground, changes) == []


def test_a_fast_cut_that_reaches_the_labs_accounts_is_proven(ground: OrganizationGround) -> None:
    """Evaluated as AWS evaluates it; one that is attached elsewhere is not."""
    in_lab(ground)
    made = plan(ground)
    carry_out(ground, made.changes)
    assert unproved(ground, made.changes) == []
    aside = [c for c in made.changes if not c.address.id.startswith(ground.owner.root)]
    assert {u.address.id for u in unproved(ground, aside)} == {SCP_NAME, RCP_NAME}
    assert all("attached to nothing" in u.why for u in unproved(ground, aside))


def test_what_the_organization_refuses_counts_in_the_proof_of_other_levers(
    ground: OrganizationGround,
) -> None:
    """A stranger's at the root is read, ours is not counted; unread, it could only refuse."""
    (account,) = in_lab(ground)
    arn = f"arn:aws:iam::{account}:user{PATH}annotator"
    ours = Address("aws", account, "user-attachment", "annotator#none")
    held = Change(ours, None, State.of({"PolicyArn": "none"}), "r", Breadth.PRINCIPAL, marked=True)
    found = {ours.document: Observed(ours.document, {ours: held.after} if held.after else {})}
    iam = ground.cloud.iam(account)
    allows = {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
    iam.put_user_policy(
        UserName="annotator", PolicyName="all", PolicyDocument=json.dumps(_dated(allows))
    )

    def why(connector: AwsConnector) -> list[str]:
        return [u.why for u in connector.unproved(ground.vendor, [held], found)]

    assert why(ground.connector) == [f"{arn} can still s3:ListAllMyBuckets on {arn}"]
    everything = _dated({"Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}})
    own = ground.owner.policy(SCP_NAME, SCP, everything)
    ground.owner.api.attach_policy(PolicyId=own, TargetId=ground.owner.root)
    assert why(ground.connector) == [f"{arn} can still s3:ListAllMyBuckets on {arn}"]
    theirs = ground.owner.policy("lockdown", SCP, everything)
    ground.owner.api.attach_policy(PolicyId=theirs, TargetId=ground.owner.root)
    assert why(ground.connector) == []
    ground.cloud.closed.add(MANAGEMENT)
    accounts = ground.connector.clients.estate.accounts
    blind = ground.cloud.connector(
        resources=(), organization=ground.owner.estate().organization, accounts=accounts
    )
    assert why(blind) == [f"{arn} can still s3:ListAllMyBuckets on {arn}"]


def _dated(body: Json) -> Json:
    return {"Version": "2012-10-17", **body}


# --- before the night ---------------------------------------------------------------------------


def checked(ground: OrganizationGround) -> dict[str, tuple[bool, bool, str]]:
    """What a preflight says of the organization."""
    found = organization_checks.checks(ground.connector.clients)
    return {c.name.partition(" o-")[2].partition(" ")[2]: (c.ok, c.warn, c.found) for c in found}


def test_a_preflight_says_whether_there_is_room_for_a_fast_cut(ground: OrganizationGround) -> None:
    """As whom, which types are enabled, how many policies are at the root; nothing is written."""
    before, root = ground.picture(), ground.owner.root
    said = checked(ground)
    assert said["reads as"][0]
    assert said["service control policy"] == (True, False, f"2 of 10 are attached to {root}")
    assert ground.picture() == before
    for number in range(3):
        id_ = ground.owner.policy(f"full-{number}", RCP)
        ground.owner.api.attach_policy(PolicyId=id_, TargetId=root)
    full = checked(ground)["resource control policy"]
    assert full == (True, True, f"5 of 5 are attached to {root}")
    ground.owner.api.disable_policy_type(RootId=root, PolicyType=SCP)
    gone = checked(ground)["service control policy"]
    assert gone == (True, True, "not enabled, so no fast cut by it")


def test_a_preflight_says_that_the_management_account_is_shut(ground: OrganizationGround) -> None:
    """A failure, with what its role needs."""
    ground.close()
    assert checked(ground)["reads as"][0] is False
