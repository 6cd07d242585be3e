"""What a layer's policy says at AWS, which the emulator words otherwise; what has no way back."""

import json
from functools import partial
from typing import Any

import pytest
from support import aws_stubs
from support.aws import DATA, MERCER, MERCOR, VENDOR
from support.aws_shares import playbook
from support.aws_stubs import REACH

from stopline.connectors.aws import AwsConnector, reached
from stopline.model import Change, Document, Found, Gap, Grant, Skip
from stopline.port import Mark, Terms

LAYER = Document("aws", DATA, "layer-version-statement", "us-east-1/labels:3")
NAMED = {"LayerName": "labels", "VersionNumber": 3}
TERMS = Terms(VENDOR, playbook(), Mark("0a1b2c3d", "00000001"))
functions = partial(aws_stubs.answering, "lambda")
machines = partial(aws_stubs.answering, "ec2")


def allow(sid: str, who: str, **more: Any) -> dict[str, Any]:
    """A statement as AWS makes it of what `AddLayerVersionPermission` is given."""
    principal = who if who == "*" else {"AWS": f"arn:aws:iam::{who}:root"}
    on = f"arn:aws:lambda:us-east-1:{DATA}:layer:labels:3"
    said = {"Sid": sid, "Effect": "Allow", "Principal": principal}
    return {**said, "Action": "lambda:GetLayerVersion", "Resource": on, **more}


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    """An answer with a layer's policy."""
    text = json.dumps({"Version": "2012-10-17", "Id": "default", "Statement": list(statements)})
    return {"Policy": text, "RevisionId": "r1"}


@pytest.fixture
def connector() -> AwsConnector:
    """A connector that looks at layers, and that nobody answers yet."""
    return aws_stubs.looking_at("lambda-layers")


def found(connector: AwsConnector, *statements: dict[str, Any]) -> list[Found]:
    """What is found of one version of a layer."""
    with functions("reading", connector) as stub:
        stub.add_response("list_layers", {"Layers": [{"LayerName": "labels"}]}, {})
        versions = {"LayerVersions": [{"Version": 3}]}
        stub.add_response("list_layer_versions", versions, {"LayerName": "labels"})
        stub.add_response("get_layer_version_policy", policy(*statements), NAMED)
        return list(reached.discover(connector.clients, [DATA], {}, REACH))


def opinions(connector: AwsConnector, things: list[Found]) -> list[Change | Skip]:
    """What would be done about what was found."""
    grants = [g for g in things if isinstance(g, Grant)]
    return [o for grant in grants for o in connector.contained(grant, TERMS)]


def test_the_statement_of_the_vendors_account_goes_and_comes_back_under_its_id(
    connector: AwsConnector,
) -> None:
    """The others' statements are not touched; what is given back is what was read."""
    statements = allow("mercer", MERCER), allow("crew", MERCOR)
    (change,) = opinions(connector, found(connector, *statements))
    assert isinstance(change, Change)
    with functions("reading", connector) as reads, functions("writing", connector) as writes:
        reads.add_response("get_layer_version_policy", policy(*statements), NAMED)
        seen = connector.read(LAYER)
        ours = Change(
            change.address, seen.states[change.address], None, change.rule, change.breadth
        )
        taken = {**NAMED, "StatementId": "crew"}
        writes.add_response("remove_layer_version_permission", {}, taken)
        connector.write(seen, [ours], None, "t")
        reads.add_response("get_layer_version_policy", policy(statements[0]), NAMED)
        given = {**taken, "Action": "lambda:GetLayerVersion", "Principal": MERCOR}
        writes.add_response("add_layer_version_permission", {}, given)
        connector.write(connector.read(LAYER), [ours.inverse()], None, "t")


def test_a_statement_that_aws_would_not_take_back_is_left_for_a_person(
    connector: AwsConnector,
) -> None:
    """It would come back as another one."""
    odd = allow("crew", MERCOR, Condition={"Bool": {"aws:SecureTransport": "true"}})
    (skip,) = opinions(connector, found(connector, odd))
    assert isinstance(skip, Skip)
    assert skip.leaves_access
    assert "take back" in skip.reason


def test_a_layer_for_an_organisation_is_a_gap_and_one_for_everybody_is_left_open(
    connector: AwsConnector,
) -> None:
    """Whether the vendor is in the organisation is not known."""
    whole = {"StringEquals": {"aws:PrincipalOrgID": "o-elsewhere01"}}
    things = found(connector, allow("org", "*", Condition=whole), allow("all", "*"))
    (gap,) = (f for f in things if isinstance(f, Gap))
    assert "o-elsewhere01" in gap.what
    (skip,) = opinions(connector, things)
    assert isinstance(skip, Skip)
    assert "everybody" in skip.reason


def test_a_principal_with_tags_of_its_own_stays_in_an_endpoint_service() -> None:
    """Given back it would be without them."""
    connector = aws_stubs.looking_at("endpoint-services")
    tagged = {
        "Principal": f"arn:aws:iam::{MERCOR}:root",
        "Tags": [{"Key": "ticket", "Value": "OPS-1"}],
    }
    with machines("reading", connector) as stub:
        services = {"ServiceConfigurations": [{"ServiceId": "vpce-svc-1"}]}
        stub.add_response("describe_vpc_endpoint_service_configurations", services, {})
        stub.add_response(
            "describe_vpc_endpoint_service_permissions",
            {"AllowedPrincipals": [tagged]},
            {"ServiceId": "vpce-svc-1"},
        )
        things = list(reached.discover(connector.clients, [DATA], {}, REACH))
    (skip,) = opinions(connector, things)
    assert isinstance(skip, Skip)
    assert "take back" in skip.reason
