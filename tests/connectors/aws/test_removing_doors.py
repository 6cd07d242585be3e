"""What hands out roles counts when a pause is terminated, as it did when the pause was planned."""

import json

import pytest
from support.aws import DATA, MERCOR, VENDOR, Cloud, allow, answer, owners_client, trust
from support.aws_anywhere import LABS, THEIRS, Anywhere, anchor, refused
from support.aws_nights import AwsNight
from support.aws_shares import playbook

from stopline.connectors.aws.policy import ANCHORS, POOLS
from stopline.estate import AwsAccount
from stopline.model import Plan
from stopline.vendors import Vendor

PLAYBOOK = playbook(
    (
        ("users", "deny-all"),
        ("roles", "deny-all"),
        ("shared-roles", "trust-deny"),
        ("buckets", "vendor"),
    )
)
WEB = "sts:AssumeRoleWithWebIdentity"
ANCHOR = anchor(THEIRS)["trustAnchorArn"]


def naming(provider: str) -> Vendor:
    """The vendor, whose file names what hands out roles to it."""
    selectors = VENDOR.aws.model_copy(update={"identity_providers": (provider,)})
    return VENDOR.model_copy(update={"aws": selectors})


def a_bucket(cloud: Cloud) -> None:
    """The vendor's account is let in by its policy, and no access list is on."""
    said = {
        "Effect": "Allow",
        "Principal": {"AWS": MERCOR},
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::training/*",
    }
    cloud.bucket("training", json.dumps({"Version": "2012-10-17", "Statement": [said]}))
    rules = [{"ObjectOwnership": "BucketOwnerEnforced"}]
    cloud.s3().put_bucket_ownership_controls(Bucket="training", OwnershipControls={"Rules": rules})


def may_read(cloud: Cloud, role: str) -> None:
    """A role reaches the bucket by its own policy."""
    text = json.dumps(allow("s3:*", "*"))
    cloud.iam(DATA).put_role_policy(RoleName=role, PolicyName="work", PolicyDocument=text)


def a_night(cloud: Cloud, vendor: Vendor, looks: str) -> AwsNight:
    """A pause that looks at what hands out roles, contained and being terminated."""
    aws = cloud.connector(accounts={DATA: AwsAccount(name="data")}, resources=(looks,))
    night = AwsNight(aws, vendor, playbook=PLAYBOOK)
    night.contain()
    night.ending()
    return night


def left(plan: Plan) -> dict[str, str]:
    """What a termination leaves, and why."""
    return {s.address.id.partition("#")[0].partition("/")[0]: s.reason for s in plan.skips}


@pytest.fixture
def there(cloud: Cloud) -> Anywhere:
    """Roles Anywhere, with an anchor of the vendor's and one of the lab's."""
    made = Anywhere()
    cloud.interfere = made.interfere
    made.put(anchor(THEIRS), anchor(LABS))
    return made


def test_a_role_that_anchors_hand_out_keeps_our_deny_in_the_bucket_that_it_reaches(
    cloud: Cloud, there: Anywhere
) -> None:
    """It names no anchor, so it is shared with the lab's, and stays."""
    del there
    a_bucket(cloud)
    cloud.role("open", trust({"Service": ANCHORS}), account=DATA)
    may_read(cloud, "open")
    plan = a_night(cloud, naming(ANCHOR), "trust-anchors").plan_termination()
    assert "bucket-policy-statement" not in {c.address.kind for c in plan.work}
    assert "of the role open, which stays, let it in" in left(plan)["training"]


def test_a_role_that_a_pool_of_the_labs_came_to_hand_out_is_not_removed(cloud: Cloud) -> None:
    """Nobody else came in by the vendor's pool when the pause began, and somebody does now."""
    idp = f"arn:aws:iam::{DATA}:saml-provider/mercor"
    client = owners_client(cloud.url, DATA, "cognito-identity")
    words = {"IdentityPoolName": "labelling", "AllowUnauthenticatedIdentities": False}
    pool = client.create_identity_pool(**words, SamlProviderARNs=[idp])["IdentityPoolId"]
    condition = {"StringEquals": {f"{POOLS}:aud": pool}}
    cloud.role("alone", trust({"Federated": POOLS}, condition, WEB), account=DATA)
    night = a_night(cloud, naming(idp), "identity-pools")
    assert "role-attachment" in {c.address.kind for c in night.plan_termination().work}
    both = [idp, f"arn:aws:iam::{DATA}:saml-provider/lab"]
    client.update_identity_pool(**words, IdentityPoolId=pool, SamlProviderARNs=both)
    plan = night.plan_termination()
    assert plan.work == ()
    assert "does not select it" in left(plan)["alone"]


def test_where_nobody_can_say_what_hands_out_roles_they_stay_denied(
    cloud: Cloud, there: Anywhere
) -> None:
    """And so does the bucket: one of them may reach it."""
    a_bucket(cloud)
    cloud.role("intake", trust({"AWS": MERCOR}), account=DATA)
    night = a_night(cloud, naming(ANCHOR), "trust-anchors")
    assert {"role-attachment", "bucket-policy-statement"} <= {
        c.address.kind for c in night.plan_termination().work
    }
    there.instead = lambda asked: refused(403, "AccessDenied") if "Anchors" in asked else None
    plan = night.plan_termination()
    assert plan.work == ()
    assert "handed out could not be read (trust-anchors in us-east-1" in left(plan)["intake"]
    assert "the vendor's in" in left(plan)["training"]


def test_pools_that_may_not_be_read_leave_roles_of_every_account_denied(cloud: Cloud) -> None:
    """A pool hands out roles of any account; users go all the same."""
    cloud.role("intake", trust({"AWS": MERCOR}), account=DATA)
    cloud.user("annotator", keys="", account=DATA)
    night = a_night(cloud, VENDOR, "identity-pools")
    made = answer(400, json.dumps({"__type": "NotAuthorizedException", "message": "x"}))
    made.headers["Content-Type"] = "application/x-amz-json-1.1"
    asks = "ListIdentityPools"
    cloud.interfere = lambda r: made if asks in str(r.headers.get("X-Amz-Target")) else None
    plan = night.plan_termination()
    assert [c.address.kind for c in plan.work] == ["user-attachment"]
    assert "identity-pools in us-east-1 of" in left(plan)["intake"]
