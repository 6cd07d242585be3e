"""Policies that take no deny of ours: what lets the vendor in is found, named, and left open.

The emulator does not have these policies: against AWS's own models of them.
"""

import json
from datetime import UTC, datetime
from typing import NamedTuple

import pytest
from support import aws_stubs
from support.aws import DATA, MERCER, MERCOR
from support.aws_longtail import Call, answering
from support.aws_stubs import REACH
from support.grants import opinions

from stopline.connectors.aws import AwsConnector, reached
from stopline.connectors.aws.by_person import LEFT
from stopline.connectors.aws.words import CONTAINS
from stopline.model import Counted, Found, Gap, Grant, Skip
from stopline.text import Json

WHEN = datetime(2026, 3, 1, tzinfo=UTC)
ID = "12345678-1234-1234-1234-123456789012"
ELSEWHERE = "888888888888"


class Case(NamedTuple):
    """One kind: what lists it, the call for its policy, and where that is; an error for none."""

    kind: str
    name: str
    act: str
    listing: Call
    get: Call
    key: tuple[str, ...]
    none: str = ""


def _arn(service: str, rest: str, account: str = DATA) -> str:
    return f"arn:aws:{service}:us-east-1:{account}:{rest}"


_CHANNEL, _STORE = (_arn("cloudtrail", f"{kind}/{ID}") for kind in ("channel", "eventdatastore"))
_AUTHORITY = _arn("acm-pca", f"certificate-authority/{ID}")
_SNAPSHOT = _arn("redshift-serverless", f"snapshot/{ID}")
_NAMESPACE = _arn("redshift", f"namespace:{ID}")
CASES = (
    Case(
        "mail-identity", "labels.example", "ses:SendEmail",
        Call("sesv2", "list_email_identities", {}, {"EmailIdentities": [
            {"IdentityName": "labels.example", "VerificationStatus": "SUCCESS"},
            {"IdentityName": "never.example", "VerificationStatus": "PENDING"}]}),
        Call("sesv2", "get_email_identity_policies", {"EmailIdentity": "labels.example"}),
        ("Policies", "desk"),
    ),
    Case(
        "audit-channel", ID, "cloudtrail-data:PutAuditEvents",
        Call("cloudtrail", "list_channels", {}, {"Channels": [{"ChannelArn": _CHANNEL}]}),
        Call("cloudtrail", "get_resource_policy", {"ResourceArn": _CHANNEL}),
        ("ResourcePolicy",), "ResourcePolicyNotFoundException",
    ),
    Case(
        "event-store", ID, "cloudtrail:StartQuery",
        Call("cloudtrail", "list_event_data_stores", {},
             {"EventDataStores": [{"EventDataStoreArn": _STORE}]}),
        Call("cloudtrail", "get_resource_policy", {"ResourceArn": _STORE}),
        ("ResourcePolicy",), "ResourcePolicyNotFoundException",
    ),
    Case(
        "private-authority", ID, "acm-pca:IssueCertificate",
        Call("acm-pca", "list_certificate_authorities", {"ResourceOwner": "SELF"},
             {"CertificateAuthorities": [
                 {"Arn": _AUTHORITY, "Status": "ACTIVE"},
                 {"Arn": _AUTHORITY[:-1] + "3", "Status": "DELETED"}]}),
        Call("acm-pca", "get_policy", {"ResourceArn": _AUTHORITY}),
        ("Policy",), "ResourceNotFoundException",
    ),
    Case(
        "warehouse-snapshot", ID, "redshift-serverless:RestoreFromSnapshot",
        Call("redshift-serverless", "list_snapshots", {}, {"snapshots": [
            {"snapshotArn": _SNAPSHOT, "ownerAccount": DATA},
            {"snapshotArn": _SNAPSHOT[:-1] + "3", "ownerAccount": ELSEWHERE}]}),
        Call("redshift-serverless", "get_resource_policy", {"resourceArn": _SNAPSHOT}),
        ("resourcePolicy", "policy"), "ResourceNotFoundException",
    ),
    Case(
        "warehouse", ID, "redshift:CreateInboundIntegration",
        Call("redshift", "describe_clusters", {}, {"Clusters": [
            {"ClusterIdentifier": "labels", "ClusterNamespaceArn": _NAMESPACE}]}),
        Call("redshift", "get_resource_policy", {"ResourceArn": _NAMESPACE}),
        ("ResourcePolicy", "Policy"), "ResourceNotFoundFault",
    ),
)  # fmt: skip
every = pytest.mark.parametrize("case", CASES, ids=[case.kind for case in CASES])


def policy(case: Case, *accounts: str) -> str:
    """One that lets accounts in."""
    who = {"AWS": [f"arn:aws:iam::{number}:root" for number in accounts]}
    allow = {"Effect": "Allow", "Principal": who, "Action": case.act, "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [allow]})


def shown(case: Case, text: str) -> Call:
    """The call for a policy, and its answer."""
    said: Json = text
    for key in reversed(case.key):
        said = {key: said}
    return case.get._replace(answer=said)


def looked(connector: AwsConnector) -> list[Found]:
    """What is found."""
    return list(reached.discover(connector.clients, [DATA], {}, REACH))


def connector_of(case: Case) -> AwsConnector:
    """One that looks at this kind alone."""
    return aws_stubs.looking_at(LEFT[case.kind].contains)


def test_every_kind_is_tried_and_none_is_a_playbooks() -> None:
    """No playbook has a word for what no deny is written in."""
    assert {case.kind for case in CASES} == {*LEFT}
    assert not {row.contains for row in LEFT.values()} & {*CONTAINS}


@every
def test_one_that_lets_the_vendor_in_is_named_with_what_a_person_must_do(case: Case) -> None:
    """Nothing is written; others who are let in beside it stay."""
    connector = connector_of(case)
    with answering(connector) as reads:
        reads.expect(case.listing)
        reads.expect(shown(case, policy(case, MERCOR, MERCER)))
        found = looked(connector)
    (grant,) = (f for f in found if isinstance(f, Grant))
    assert (grant.address.id, grant.via) == (
        f"us-east-1/{case.name}",
        f"{case.kind} policy: account {MERCOR}",
    )
    (left,) = opinions(connector, grant)
    assert isinstance(left, Skip)
    assert left.leaves_access
    what = f"the policy of the {case.kind.replace('-', ' ')} {case.name} lets the vendor in"
    assert left.reason.startswith(what)
    assert "by hand" in left.reason
    assert Counted("aws", DATA, case.kind, 1) in found


@every
def test_a_look_alike_and_no_policy_are_nothing_and_a_refusal_is_a_gap(case: Case) -> None:
    """What could not be read is never taken for nothing there."""
    for said, error, gaps in (
        (policy(case, MERCER), "", []),
        ("", case.none, []),
        ("", "AccessDeniedException", [f"{case.kind} us-east-1/{case.name}"]),
        ("{", "", [f"{case.kind} us-east-1/{case.name}"]),
    ):
        connector = connector_of(case)
        with answering(connector) as reads:
            reads.expect(case.listing)
            empty = case.get._replace(answer={"Policies": {}})
            reads.expect(shown(case, said) if said or error else empty, error=error)
            found = looked(connector)
        assert [f.what for f in found if isinstance(f, Gap)] == gaps
        assert not [f for f in found if isinstance(f, Grant)]


@every
def test_a_listing_that_is_refused_is_a_gap(case: Case) -> None:
    """One for the kind and region."""
    connector = connector_of(case)
    with answering(connector) as reads:
        reads.expect(case.listing, error="AccessDeniedException")
        (gap,) = (f for f in looked(connector) if isinstance(f, Gap))
    assert gap.what == f"{LEFT[case.kind].contains} in us-east-1"


def test_each_of_several_policies_of_an_address_counts() -> None:
    """SES keeps up to twenty for one; the vendor may be in any of them."""
    (case,) = (c for c in CASES if c.kind == "mail-identity")
    connector = connector_of(case)
    said = {"desk": policy(case, MERCER), "old": policy(case, MERCOR)}
    with answering(connector) as reads:
        reads.expect(case.listing)
        reads.expect(case.get._replace(answer={"Policies": said}))
        (grant,) = (f for f in looked(connector) if isinstance(f, Grant))
    assert grant.via == f"mail-identity policy: account {MERCOR}"
