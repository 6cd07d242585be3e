"""Who a document admits, as data: every way in which aws.md saw a vendor named."""

from dataclasses import replace
from typing import Any

import pytest
from support.aws import CANONICAL, EXTERNAL, MERCER, MERCOR, RESEARCH, VENDOR, allow

from stopline.connectors.aws import policy
from stopline.connectors.aws.selection import ASSUME, vendors_of
from stopline.text import Json

ANNOTATOR = f"arn:aws:iam::{RESEARCH}:user/vendors/mercor/annotator"
INTAKE = f"arn:aws:iam::{RESEARCH}:role/intake"
LAB = "333344445555"
VENDORS = replace(vendors_of(VENDOR.aws), reachable=frozenset({ANNOTATOR, INTAKE}))


def said(principal: Json, condition: Json = None, **more: Json) -> policy.Admitted:
    """What is made of one trust statement."""
    statement: dict[str, Any] = {"Effect": "Allow", "Principal": principal, "Action": ASSUME}
    if condition:
        statement["Condition"] = condition
    return policy.admitted({"Statement": {**statement, **more}}, ASSUME, VENDORS)


VENDOR_ALONE = {
    "a bare account id": ({"AWS": MERCOR}, None),
    "the root of its account": ({"AWS": f"arn:aws:iam::{MERCOR}:root"}, None),
    "a role in its account, in a list": ({"AWS": [f"arn:aws:iam::{MERCOR}:role/pipeline"]}, None),
    "a session in its account": ({"AWS": f"arn:aws:sts::{MERCOR}:assumed-role/x/y"}, None),
    "everybody of its account": (
        {"AWS": "*"},
        {"StringEquals": {"aws:PrincipalAccount": [MERCOR]}},
    ),
    "everybody of its account, keys in other letters": (
        "*",
        {"stringequals": {"AWS:principalACCOUNT": MERCOR}},
    ),
    "everybody whose ARN is in its account": (
        "*",
        {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{MERCOR}:role/*"}},
    ),
    "an external id": ({"AWS": "*"}, {"StringEquals": {"sts:ExternalId": EXTERNAL}}),
    "an external id on somebody else's account": (
        {"AWS": MERCER},
        {"StringEquals": {"sts:ExternalId": [EXTERNAL]}},
    ),
    "a service on its behalf": (
        {"Service": "s3.amazonaws.com", "AWS": "*"},
        {"StringEquals": {"aws:SourceAccount": MERCOR}},
    ),
    "its identity provider": (
        {"Federated": f"arn:aws:iam::{RESEARCH}:saml-provider/mercor-idp"},
        None,
    ),
    "a user of ours that it has": ({"AWS": ANNOTATOR}, None),
    "a role of ours that it can take": ({"AWS": INTAKE}, None),
    "a session of a role of ours that it can take": (
        {"AWS": f"arn:aws:sts::{RESEARCH}:assumed-role/intake/anything"},
        None,
    ),
    "its canonical id": ({"CanonicalUser": CANONICAL}, None),
}
OTHERS_ALONE = {
    "another account": ({"AWS": MERCER}, None),
    "an account whose number is longer": ({"AWS": f"{MERCOR}9"}, None),
    "another external id": ({"AWS": "*"}, {"StringEquals": {"sts:ExternalId": "mercer-1"}}),
    "a user whose path looks alike": (
        {"AWS": ANNOTATOR.replace("/mercor/", "/mercor-2/")},
        None,
    ),
    "another provider": (
        {"Federated": f"arn:aws:iam::{RESEARCH}:saml-provider/mercor-idp-2"},
        None,
    ),
    "a deleted principal": ({"AWS": "AROAEXAMPLEDELETED12"}, None),
    "another canonical id": ({"CanonicalUser": CANONICAL.replace("7", "8")}, None),
}
EVERYBODY = {
    "a star": ("*", None),
    "a star of accounts": ({"AWS": "*"}, None),
    "an organisation, which cannot be decided": (
        "*",
        {"StringEquals": {"aws:PrincipalOrgID": "o-1"}},
    ),
    "a network, which cannot be decided": ("*", {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}),
    "an exclusion, which names who does not": (
        "*",
        {"StringNotEquals": {"aws:PrincipalAccount": MERCER}},
    ),
    "a source account that need not be there": (
        "*",
        {"StringEqualsIfExists": {"aws:SourceAccount": MERCER}},
    ),
    "an external id that need not be there": (
        {"AWS": "*"},
        {"StringEqualsIfExists": {"sts:ExternalId": "mercer-1"}},
    ),
}


@pytest.mark.parametrize("name", VENDOR_ALONE)
def test_the_vendor_alone_is_let_in(name: str) -> None:
    """Named in any of these ways, it is the vendor, and nobody else is."""
    admitted = said(*VENDOR_ALONE[name])
    assert admitted.vendor
    assert not admitted.others


@pytest.mark.parametrize("name", OTHERS_ALONE)
def test_others_alone_are_let_in(name: str) -> None:
    """Somebody else, however alike the name: the vendor does not get in."""
    admitted = said(*OTHERS_ALONE[name])
    assert not admitted.vendor
    assert admitted.others


@pytest.mark.parametrize("name", EVERYBODY)
def test_everybody_is_the_vendor_too(name: str) -> None:
    """What cannot be decided admits: a reach is rather shown too often than missed."""
    admitted = said(*EVERYBODY[name])
    assert admitted.vendor
    assert admitted.others


def test_everybody_but_a_few_is_the_vendor_too() -> None:
    """NotPrincipal names who is not meant."""
    statement = {"Effect": "Allow", "NotPrincipal": {"AWS": MERCER}, "Action": "sts:*"}
    admitted = policy.admitted({"Statement": [statement]}, ASSUME, VENDORS)
    assert admitted.vendor
    assert admitted.others


@pytest.mark.parametrize(
    ("pattern", "shared"),
    [
        (f"arn:aws:iam::{RESEARCH}:user/vendors/*", True),
        ("arn:aws:iam::*:role/intake", True),
        ("arn:aws:iam::*:role/pipeline", True),
        (f"arn:aws:iam::{MERCOR}:*", False),
    ],
)
def test_a_pattern_that_takes_in_the_vendor_lets_it_in(pattern: str, *, shared: bool) -> None:
    """A condition's pattern may match what the vendor has, or what it could make in its account."""
    admitted = said("*", {"ArnLike": {"aws:PrincipalArn": pattern}})
    assert admitted.vendor
    assert bool(admitted.others) is shared


def test_a_pattern_beside_the_vendor_does_not() -> None:
    """Only what a pattern matches is let in."""
    admitted = said("*", {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{RESEARCH}:user/lab/*"}})
    assert not admitted.vendor


def test_both_are_named_where_both_are_let_in() -> None:
    """A role shared by two vendors says so, in one statement or in two."""
    one = said({"AWS": [MERCOR, f"arn:aws:iam::{MERCER}:root"]})
    assert one.vendor == (f"account {MERCOR}",)
    assert one.others == (f"account {MERCER}",)
    first = {"Effect": "Allow", "Principal": {"AWS": MERCOR}, "Action": "sts:*"}
    second = {"Effect": "Allow", "Principal": {"AWS": MERCER}, "Action": "sts:AssumeRole"}
    two = policy.admitted({"Statement": [first, second]}, ASSUME, VENDORS)
    assert two == one


def test_a_service_alone_lets_nobody_in() -> None:
    """A role that EC2 assumes is nobody's of ours to name."""
    admitted = said({"Service": "ec2.amazonaws.com"})
    assert admitted == policy.Admitted()


def test_the_root_of_an_account_of_ours_is_named_as_a_root() -> None:
    """Whoever that account's own policies allow gets in: the closure looks there."""
    assert said({"AWS": f"arn:aws:iam::{LAB}:root"}).roots == (LAB,)
    assert said({"AWS": LAB}).roots == (LAB,)


@pytest.mark.parametrize(
    "action", ["sts:AssumeRole", "sts:assumerole", "sts:*", "*", "STS:AssumeRoleWithSAML", "sts:A*"]
)
def test_an_action_counts_in_any_letters_and_as_a_pattern(action: str) -> None:
    """AWS compares actions without case."""
    assert said({"AWS": MERCOR}, Action=[action]).vendor


@pytest.mark.parametrize("action", ["sts:TagSession", "s3:*", "stsx:*"])
def test_another_action_lets_nobody_assume(action: str) -> None:
    """A trust that only lets somebody tag a session is no way in."""
    assert not said({"AWS": MERCOR}, Action=action).vendor


def test_a_deny_and_an_empty_document_admit_nobody() -> None:
    """Only what allows lets in; what is not there admits nobody."""
    assert said({"AWS": MERCOR}, Effect="Deny") == policy.Admitted()
    assert policy.admitted(None, ASSUME, VENDORS) == policy.Admitted()
    assert policy.admitted({"Version": "2012-10-17"}, ASSUME, VENDORS) == policy.Admitted()


def test_not_action_is_taken_as_speaking_of_it() -> None:
    """Everything but a few actions: rather shown than missed."""
    statement = {"Effect": "Allow", "Principal": {"AWS": MERCOR}, "NotAction": "s3:GetObject"}
    assert policy.admitted({"Statement": statement}, "s3:*", VENDORS).vendor


BUCKET, ROLE = "arn:aws:s3:::data", f"arn:aws:iam::{RESEARCH}:role/intake"
ALLOWED = {
    "everything": (allow("*", "*"), "s3:*", BUCKET),
    "one action on one key": (allow("s3:GetObject", f"{BUCKET}/in/a.csv"), "s3:*", BUCKET),
    "the bucket itself": (allow(["s3:ListBucket"], [BUCKET]), "s3:*", BUCKET),
    "a pattern of buckets": (allow("s3:*", "arn:aws:s3:::d*"), "s3:*", BUCKET),
    "a pattern of keys": (allow("s3:*", "arn:aws:s3:::*/in/*"), "s3:*", BUCKET),
    "a prefix of its own": (allow("s3:*", BUCKET + "/${aws:username}/*"), "s3:*", BUCKET),
    "a bucket of its own name": (
        allow("s3:*", "arn:aws:s3:::${aws:PrincipalTag/team}*"),
        "s3:*",
        BUCKET,
    ),
    "everything but another bucket": (
        {"Statement": {"Effect": "Allow", "Action": "s3:*", "NotResource": "arn:aws:s3:::x"}},
        "s3:*",
        BUCKET,
    ),
    "all but some actions": (
        {"Statement": {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}},
        "s3:*",
        BUCKET,
    ),
    "a role by pattern": (allow("sts:*", f"arn:aws:iam::{RESEARCH}:role/int*"), ASSUME, ROLE),
    "on a condition": (
        allow("s3:*", "*", Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}}),
        "s3:*",
        BUCKET,
    ),
}
NOT_ALLOWED = {
    "another service": (allow("sqs:*", "*"), "s3:*", BUCKET),
    "a bucket whose name is longer": (allow("s3:*", f"{BUCKET}-2/*"), "s3:*", BUCKET),
    "a bracket, which is a letter to IAM": (
        allow("s3:*", "arn:aws:s3:::[d]ata"), "s3:*", BUCKET,
    ),
    "another role": (allow("sts:AssumeRole", f"{ROLE}-2"), ASSUME, ROLE),
    "everything but this": (
        {"Statement": {"Effect": "Allow", "Action": "*", "NotResource": [BUCKET, f"{BUCKET}/*"]}},
        "s3:*",
        BUCKET,
    ),
    "nothing": ({}, "s3:*", BUCKET),
}  # fmt: skip


@pytest.mark.parametrize("name", ALLOWED)
def test_an_identity_policy_can_allow(name: str) -> None:
    """Patterns count both ways, and variables as anything."""
    document, action, resource = ALLOWED[name]
    assert policy.allows([document], action, resource)


@pytest.mark.parametrize("name", NOT_ALLOWED)
def test_an_identity_policy_does_not_allow(name: str) -> None:
    """What names something else is no reach."""
    document, action, resource = NOT_ALLOWED[name]
    assert not policy.allows([document], action, resource)


def test_only_an_unconditional_deny_of_everything_takes_a_reach_away() -> None:
    """A narrower deny, or one with a condition, leaves something; the reach is shown."""
    everything = allow("*", "*")
    deny = {"Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}
    narrow = {"Statement": {"Effect": "Deny", "Action": "s3:*", "Resource": f"{BUCKET}/x/*"}}
    unless = {"Bool": {"aws:MultiFactorAuthPresent": "false"}}
    if_not = {"Statement": {**deny["Statement"][0], "Condition": unless}}
    assert not policy.allows([everything, deny], "s3:*", BUCKET)
    assert policy.allows([everything, narrow], "s3:*", BUCKET)
    assert policy.allows([everything, if_not], "s3:*", BUCKET)
