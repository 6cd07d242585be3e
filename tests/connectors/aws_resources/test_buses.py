"""Event buses: what is ours is taken out by statement, so that nobody's edit is lost by it."""

import json
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from support.aws import DATA, MERCOR, Cloud, answer
from support.aws_resources import STRANGER, Owner, statement
from support.grants import a_grant, opinions

from stopline.connectors.aws import AwsConnector
from stopline.connectors.aws.further import EVENTS
from stopline.errors import ConnectorError
from stopline.model import Change, Document
from stopline.receipts import Cause

DOCUMENT = Document("aws", DATA, EVENTS.statement, "us-east-1/labels")


@pytest.fixture
def connector(cloud: Cloud) -> AwsConnector:
    """A connector that looks at buses."""
    return cloud.connector(resources=("event-buses",))


def changes(connector: AwsConnector) -> list[Change]:
    """What would be done about the bus."""
    grant = a_grant("event-bus")
    return [o for o in opinions(connector, grant) if isinstance(o, Change)]


def test_an_edit_between_our_read_and_our_restore_is_kept(
    cloud: Cloud, connector: AwsConnector
) -> None:
    """Nothing is written whole on the way back, but where the wording alone had changed."""
    owner, ours = Owner(cloud), changes(connector)
    owner.make("event-bus", "labels")
    before = owner.text(DOCUMENT)
    connector.write(connector.read(DOCUMENT), ours, before, "t")
    contained = connector.read(DOCUMENT)
    assert MERCOR in contained.raw
    arn = f"arn:aws:events:us-east-1:{DATA}:event-bus/labels"
    theirs = statement("event-bus", {"AWS": "arn:aws:iam::999999999999:root"}, arn, Sid=STRANGER)
    body = json.loads(owner.text(DOCUMENT))
    owner.put(DOCUMENT, json.dumps({**body, "Statement": [*body["Statement"], theirs]}))
    cloud.used.clear()
    connector.write(contained, [c.inverse() for c in ours], before, "t")
    left = json.loads(owner.text(DOCUMENT))["Statement"]
    assert left == [*json.loads(before)["Statement"], theirs]
    assert "events:PutPermission" not in cloud.used


def test_rules_on_a_bus_are_denied_too(connector: AwsConnector) -> None:
    """A bus's policy can let somebody in to the rules on it, which have ARNs of their own."""
    for change in changes(connector):
        assert change.after is not None
        assert f"arn:aws:events:us-east-1:{DATA}:rule/*" in change.after.value["Resource"]


def test_where_a_bus_had_no_policy_a_restore_leaves_none(
    cloud: Cloud, connector: AwsConnector
) -> None:
    """Ours was all there was, so all permissions are removed."""
    owner, ours = Owner(cloud), changes(connector)
    owner.client("events").create_event_bus(Name="labels")
    connector.write(connector.read(DOCUMENT), ours, "", "t")
    assert MERCOR in owner.text(DOCUMENT)
    connector.write(connector.read(DOCUMENT), [c.inverse() for c in ours], "", "t")
    assert owner.text(DOCUMENT) == ""


def test_what_somebody_took_out_before_us_is_no_fault(
    cloud: Cloud, connector: AwsConnector
) -> None:
    """Between our read and our write; a bus that is gone itself is said to be."""
    owner, ours = Owner(cloud), changes(connector)
    owner.make("event-bus", "labels")
    before = owner.text(DOCUMENT)
    connector.write(connector.read(DOCUMENT), ours, before, "t")
    contained = connector.read(DOCUMENT)
    events = owner.client("events")
    events.remove_permission(EventBusName="labels", StatementId=ours[0].address.part)
    connector.write(contained, [c.inverse() for c in ours], before, "t")
    assert owner.text(DOCUMENT) == before
    events.delete_event_bus(Name="labels")
    with pytest.raises(ConnectorError) as caught:
        connector.write(contained, [c.inverse() for c in ours], before, "t")
    assert (caught.value.cause, caught.value.landed) == (Cause.GONE, False)


@pytest.mark.parametrize("call", ["DescribeEventBus", "PutPermission"])
def test_what_fails_after_ours_was_taken_out_leaves_open_what_landed(
    cloud: Cloud, connector: AwsConnector, call: str
) -> None:
    """A statement is gone by then: nobody may say that nothing was written."""
    owner, (ours, *_) = Owner(cloud), changes(connector)
    owner.make("event-bus", "labels")
    before = json.dumps(json.loads(owner.text(DOCUMENT)), indent=7)  # to be put back verbatim
    connector.write(connector.read(DOCUMENT), [ours], before, "t")
    contained = connector.read(DOCUMENT)
    refused = answer(400, json.dumps({"__type": "AccessDeniedException"}))

    def refusing(request: Any) -> AWSResponse | None:
        target = request.headers.get("X-Amz-Target", b"")
        return refused if target.endswith(f".{call}".encode()) else None

    cloud.interfere = refusing
    with pytest.raises(ConnectorError) as caught:
        connector.write(contained, [ours.inverse()], before, "t")
    cloud.interfere = lambda _: None
    assert (caught.value.cause, caught.value.landed) == (Cause.DENIED, None)
    assert ours.address not in connector.read(DOCUMENT).states
