"""What the connector says of what it left, from one reading of the whole account and its targets.

Each is made as its owner makes it, in the emulator, and asked about as `verify` does.
"""

import json

import pytest
from support.aws import (
    DATA,
    EXTERNAL,
    MERCOR,
    RESEARCH,
    VENDOR,
    Cloud,
    answer,
    body_of,
    error_text,
    trust,
)

from activities import ends
from stopline.connectors.aws import marks
from stopline.connectors.aws.claims import let_past, of_statement
from stopline.connectors.aws.evaluating import Policies
from stopline.connectors.aws.proving import place_of
from stopline.model import Address, Breadth, Change, Document, State
from stopline.terminating import Removed
from stopline.text import Json

JOURNAL, PAUSE, MOMENT = "0a1b2c3d", "00000001", "2026-06-01T12:00:00Z"
ALLOW: Json = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
ALL: Json = {"Version": "2012-10-17", "Statement": ALLOW}


def left(kind: str, id_: str, state: Json, realm: str = RESEARCH, moment: str = "") -> Change:
    """A change of ours that stands."""
    address = Address("aws", realm, kind, id_)
    return Change(address, None, State.of(state), "r", Breadth.NARROW, marked=True, moment=moment)


def told(cloud: Cloud, change: Change, **words: bool) -> list[str]:
    """What is not shown to do what it was made for, of what is read now."""
    connector, document = cloud.connector(**words), change.address.document
    observed = {document: connector.read(document)}
    return [one.why for one in connector.unproved(VENDOR, [change], observed)]


def a_role(cloud: Cloud) -> None:
    """A role that an account of ours may assume."""
    text = json.dumps(trust({"AWS": DATA}))
    cloud.iam().create_role(RoleName="desk", AssumeRolePolicyDocument=text)


def deny_all(cloud: Cloud, text: Json) -> str:
    """Our policy, with what somebody made of it."""
    name = marks.policy_name(JOURNAL)
    words = {"PolicyName": name, "Path": marks.PATH, "PolicyDocument": json.dumps(text)}
    return str(cloud.iam().create_policy(**words)["Policy"]["Arn"])


@pytest.mark.parametrize("whole", [True, False])
def test_a_user_is_asked_about_with_what_the_attached_policy_says_now(
    cloud: Cloud, *, whole: bool
) -> None:
    """It is attached as we left it; whether it still denies is read anew."""
    cloud.user("ann", keys="")
    cloud.iam().put_user_policy(UserName="ann", PolicyName="work", PolicyDocument=json.dumps(ALL))
    arn = deny_all(cloud, marks.policy_document(JOURNAL) if whole else ALL)
    cloud.iam().attach_user_policy(UserName="ann", PolicyArn=arn)
    why = told(cloud, left("user-attachment", f"ann#{arn}", {"PolicyArn": arn}))
    assert [w.partition(" s3:")[0] for w in why] == (
        [] if whole else [f"arn:aws:iam::{RESEARCH}:user/vendors/mercor/ann can still"]
    )


SIMULATED = """<SimulatePrincipalPolicyResponse><SimulatePrincipalPolicyResult>
<IsTruncated>false</IsTruncated><EvaluationResults>{}</EvaluationResults>
</SimulatePrincipalPolicyResult></SimulatePrincipalPolicyResponse>"""
RESULT = "<member><EvalActionName>{}</EvalActionName><EvalDecision>{}</EvalDecision></member>"


@pytest.mark.parametrize(
    ("answered", "why"),
    [
        ((200, SIMULATED.format(RESULT.format("s3:GetObject", "explicitDeny"))), ""),
        ((200, SIMULATED.format(RESULT.format("s3:GetObject", "implicitDeny"))), ""),
        (
            (
                200,
                SIMULATED.format(
                    RESULT.format("iam:CreateAccessKey", "explicitDeny")
                    + RESULT.format("s3:GetObject", "allowed")
                ),
            ),
            "can still s3:GetObject",
        ),
        ((200, SIMULATED.format("")), "answered nothing"),
        ((403, error_text("AccessDenied")), "did not say"),
    ],
)
def test_awss_own_simulator_is_asked_where_the_estate_wants_it(
    cloud: Cloud, answered: tuple[int, str], why: str
) -> None:
    """Beside our own calculation, which finds nothing here; what it does not say is not proven."""
    cloud.user("ann", keys="")
    work = {**ALL, "Statement": [{**ALLOW, "Action": ["s3:GetObject", "s3:Put*"]}, ALLOW]}
    cloud.iam().put_user_policy(UserName="ann", PolicyName="work", PolicyDocument=json.dumps(work))
    arn = deny_all(cloud, marks.policy_document(JOURNAL))
    cloud.iam().attach_user_policy(UserName="ann", PolicyArn=arn)
    cloud.interfere = lambda request: (
        answer(*answered) if "SimulatePrincipalPolicy" in body_of(request) else None
    )
    change = left("user-attachment", f"ann#{arn}", {"PolicyArn": arn})
    assert not told(cloud, change)
    assert "iam:SimulatePrincipalPolicy" not in cloud.used
    found = told(cloud, change, simulate=True)
    assert [why in one for one in found] == ([True] if why else [])
    (asked,) = (body_of(r) for r in cloud.sent if "SimulatePrincipalPolicy" in body_of(r))
    assert "s3%3AGetObject" in asked
    assert "s3%3APut" not in asked  # it takes no pattern


@pytest.mark.parametrize("whole", [True, False])
def test_a_boundary_of_ours_is_asked_about_with_what_it_says_now(
    cloud: Cloud, *, whole: bool
) -> None:
    """Nothing else denies this role: the boundary is all there is."""
    a_role(cloud)
    cloud.iam().put_role_policy(RoleName="desk", PolicyName="work", PolicyDocument=json.dumps(ALL))
    arn = deny_all(cloud, marks.policy_document(JOURNAL) if whole else ALL)
    cloud.iam().put_role_permissions_boundary(RoleName="desk", PermissionsBoundary=arn)
    why = told(cloud, left("role-boundary", "desk", {"PermissionsBoundary": arn}))
    assert bool(why) is not whole


def test_a_cut_is_asked_about_for_sessions_from_before_it(cloud: Cloud) -> None:
    """A session from after the cut is not what it is for."""
    a_role(cloud)
    name, cut = marks.cut_name(JOURNAL, PAUSE), marks.cut_document(JOURNAL, PAUSE, MOMENT)
    cloud.iam().put_role_policy(RoleName="desk", PolicyName=name, PolicyDocument=json.dumps(cut))
    change = left("role-inline-policy", f"desk/{name}", {"document": cut}, moment=MOMENT)
    assert told(cloud, change) == []
    later = left(
        "role-inline-policy", f"desk/{name}", {"document": cut}, moment="2026-07-01T00:00:00Z"
    )
    assert told(cloud, later)


def in_bucket(cloud: Cloud, *statements: Json) -> None:
    """A bucket whose policy says this."""
    cloud.s3().create_bucket(Bucket="training")
    text = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    cloud.s3().put_bucket_policy(Bucket="training", Policy=text)


def in_policy(part: str, **words: Json) -> Json:
    """A deny of ours, as it stands in a policy."""
    sid = marks.sid(JOURNAL, PAUSE, part)
    return {"Sid": sid, "Effect": "Deny", "Principal": "*", **words}


def test_a_freeze_is_asked_about_where_the_policy_allows_nothing(cloud: Cloud) -> None:
    """It is for those whose own policies let them write: soft, it does not hold them."""
    soft = in_policy(
        "FrzObj",
        Action=["s3:PutObject*"],
        Resource="arn:aws:s3:::training/*",
        Condition={
            "ArnNotLike": {"aws:PrincipalArn": [f"arn:aws:iam::{DATA}:root"]},
            "Bool": {"aws:MultiFactorAuthPresent": "true"},
        },
    )
    in_bucket(cloud, soft)
    (why,) = told(cloud, left("bucket-policy-statement", f"training#{soft['Sid']}", soft, DATA))
    assert "is not shown to be refused to s3:PutObject" in why


def test_what_is_not_there_as_we_left_it_is_drift_and_told_as_that(cloud: Cloud) -> None:
    """A statement that somebody altered is not asked about twice."""
    whom = {"StringEquals": {"aws:PrincipalAccount": [MERCOR]}}
    ours = in_policy("Acct", Action="s3:*", Resource="arn:aws:s3:::training/*", Condition=whom)
    allow = {**ours, "Sid": "Work", "Effect": "Allow", "Condition": {}}
    in_bucket(cloud, allow, {**ours, "Action": "s3:PutObject"})
    change = left("bucket-policy-statement", f"training#{ours['Sid']}", ours, DATA)
    assert told(cloud, change) == []
    assert list(cloud.connector().unproved(VENDOR, [change], {})) == []


@pytest.mark.parametrize(
    ("part", "ours", "allowed"),
    [
        (
            "Ext",
            {
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"sts:ExternalId": [EXTERNAL]}},
            },
            {"Principal": {"AWS": f"arn:aws:iam::{DATA}:root"}, "Action": "sts:AssumeRole"},
        ),
        (
            "Fed",
            {
                "Action": "sts:AssumeRoleWithSAML",
                "Principal": {"Federated": [f"arn:aws:iam::{RESEARCH}:saml-provider/mercor-idp"]},
            },
            {
                "Principal": {"Federated": f"arn:aws:iam::{RESEARCH}:saml-provider/mercor-idp"},
                "Action": "sts:AssumeRoleWithSAML",
            },
        ),
    ],
)
def test_who_is_told_by_an_external_id_or_a_provider_is_asked_about(
    part: str, ours: Json, allowed: Json
) -> None:
    """Refused by the deny as it is made; with a condition more it is not shown."""
    place = place_of(Document("aws", RESEARCH, "trust-policy-statement", "desk"))
    assert place is not None
    deny = in_policy(part, **ours)
    weak = {
        **deny,
        "Condition": {**deny.get("Condition", {}), "Bool": {"aws:ViaAWSService": "true"}},
    }
    for said, shown in ((deny, True), (weak, False)):
        body = {"Statement": [{"Effect": "Allow", **allowed}, said]}
        why = let_past(of_statement(said, body, place), Policies(resource=body))
        assert (why == "") is shown


def test_what_was_removed_for_good_and_is_there_is_not_verified(cloud: Cloud) -> None:
    """A key that the journal says was deleted: read again, and named until it is gone."""
    (key,) = cloud.user("ann", keys="I")
    address = Address("aws", RESEARCH, "access-key", f"ann/{key}")
    removed = [Removed(address, "ann", MOMENT)]
    connectors = {"aws": cloud.connector()}
    assert ends._unproven(connectors, VENDOR, [], removed) == {address: ""}
    cloud.iam().delete_access_key(UserName="ann", AccessKeyId=key)
    assert ends._unproven(connectors, VENDOR, [], removed) == {}
