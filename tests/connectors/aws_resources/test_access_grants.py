"""Instances of S3 Access Grants, which the emulator does not have: against AWS's own model."""

import json
from datetime import UTC, datetime
from functools import partial

import pytest
from botocore.stub import Stubber
from support import aws_stubs
from support.aws import DATA, MERCER, MERCOR
from support.aws_stubs import REACH
from support.grants import a_grant, opinions

from stopline.connectors.aws import AwsConnector, reached
from stopline.model import Change, Counted, Document, Gap, Grant

KIND, ID = "access-grants-instance", "us-east-1/default"
DOCUMENT = Document("aws", DATA, f"{KIND}-policy-statement", ID)
ARN = f"arn:aws:s3:us-east-1:{DATA}:access-grants/default"
ALLOW = {
    "Sid": "Work", "Effect": "Allow", "Resource": ARN,
    "Action": ["s3:ListAccessGrants", "s3:ListAccessGrantsLocations", "s3:GetDataAccess"],
    "Principal": {"AWS": [MERCOR, MERCER]},
}  # fmt: skip
POLICY = json.dumps({"Version": "2012-10-17", "Id": "S3AccessGrantsPolicy", "Statement": [ALLOW]})
OF = {"AccountId": DATA}
NO_POLICY, GONE = (
    "AccessGrantsInstanceResourcePolicyNotExists",
    "AccessGrantsInstanceNotExistsError",
)
answering = partial(aws_stubs.answering, "s3control")


@pytest.fixture
def connector() -> AwsConnector:
    """A connector that looks at instances, and that nobody answers yet."""
    return aws_stubs.looking_at("access-grants")


def listed(stub: Stubber, *ids: str) -> None:
    """The instances of the account there: one or none."""
    items = [{"AccessGrantsInstanceId": i, "AccessGrantsInstanceArn": ARN} for i in ids]
    answer = {"AccessGrantsInstancesList": items}
    stub.add_response("list_access_grants_instances", answer, OF)


def get(stub: Stubber, text: str, error: str = NO_POLICY) -> None:
    """The policy, or an error of AWS's."""
    if text:
        answer = {"Policy": text, "CreatedAt": datetime(2026, 3, 1, tzinfo=UTC)}
        stub.add_response("get_access_grants_instance_resource_policy", answer, OF)
    else:
        stub.add_client_error("get_access_grants_instance_resource_policy", error)


def changes(connector: AwsConnector) -> list[Change]:
    """What would be done about the instance."""
    return [o for o in opinions(connector, a_grant(KIND, ID)) if isinstance(o, Change)]


@pytest.mark.parametrize(
    ("text", "vias"),
    [
        (POLICY, [f"{KIND} policy: account {MERCOR}"]),
        (POLICY.replace(MERCOR, MERCER), []),
        ("", []),
    ],
)
def test_an_instance_that_lets_the_vendor_in_is_found(
    connector: AwsConnector, text: str, vias: list[str]
) -> None:
    """One that has no policy lets nobody in from another account."""
    with answering("reading", connector) as stub:
        listed(stub, "default")
        get(stub, text)
        found = list(reached.discover(connector.clients, [DATA], {}, REACH))
    assert [f.via for f in found if isinstance(f, Grant)] == vias
    assert not [f for f in found if isinstance(f, Gap)]


def test_where_there_is_no_instance_nothing_is_asked(connector: AwsConnector) -> None:
    """Most accounts have none."""
    with answering("reading", connector) as stub:
        listed(stub)
        found = list(reached.discover(connector.clients, [DATA], {}, REACH))
    assert found == [Counted("aws", DATA, KIND, 0)]


def test_an_instance_is_denied_and_given_back_verbatim(connector: AwsConnector) -> None:
    """The vendor asks for no credentials any more; the others' part stays as it is."""
    ours = changes(connector)
    kept = [c.after.value for c in ours if c.after]
    assert {tuple(said["Resource"]) for said in kept} == {(ARN, f"{ARN}/*")}
    assert MERCER not in json.dumps(kept)
    wanted = json.dumps({**json.loads(POLICY), "Statement": [ALLOW, *kept]}, separators=(",", ":"))
    with answering("reading", connector) as reads, answering("writing", connector) as writes:
        for now, then in ((POLICY, wanted), (wanted, POLICY)):
            get(reads, now)
            put = {**OF, "Policy": then}
            writes.add_response("put_access_grants_instance_resource_policy", {}, put)
            get(reads, then)
        connector.write(connector.read(DOCUMENT), ours, POLICY, "t")
        connector.write(connector.read(DOCUMENT), [c.inverse() for c in ours], POLICY, "t")


def test_where_a_stranger_took_the_policy_away_ours_alone_is_dropped(
    connector: AwsConnector,
) -> None:
    """What is given back is nothing, by the call for that."""
    ours = changes(connector)
    said = [c.after.value for c in ours if c.after]
    with answering("reading", connector) as reads, answering("writing", connector) as writes:
        get(reads, json.dumps({"Version": "2012-10-17", "Statement": said}))
        observed = connector.read(DOCUMENT)
        writes.add_response("delete_access_grants_instance_resource_policy", {}, OF)
        get(reads, "")
        connector.write(observed, [c.inverse() for c in ours], "", "t")


def test_one_that_is_gone_is_not_one_without_a_policy(connector: AwsConnector) -> None:
    """S3 has an error for each."""
    for code, there in ((GONE, False), (NO_POLICY, True)):
        with answering("reading", connector) as reads:
            get(reads, "", code)
            assert connector.read(DOCUMENT).exists is there


def test_what_was_handed_out_already_is_told(connector: AwsConnector) -> None:
    """Such credentials are sessions of a role of the lab's own."""
    (change, *_) = changes(connector)
    assert [(r.what, r.until) for r in connector.residuals(change)] == [
        ("credentials that it has handed out already", "PT12H")
    ]
