"""What Glue and S3 access points have that the emulator does not: against AWS's own models."""

import json
from functools import partial

import pytest
from botocore.stub import Stubber
from support import aws_stubs
from support.aws import DATA, MERCER, MERCOR
from support.aws_stubs import REACH
from support.grants import a_grant, opinions

from stopline.connectors.aws import AwsConnector, reached
from stopline.errors import StaleError
from stopline.model import Change, Counted, Document, Gap, Grant

CATALOG = Document("aws", DATA, "data-catalog-policy-statement", "us-east-1/catalog")
ALLOW = {
    "Sid": "Work", "Effect": "Allow", "Action": "glue:GetTable",
    "Resource": f"arn:aws:glue:us-east-1:{DATA}:table/labels/*",
    "Principal": {"AWS": [f"arn:aws:iam::{number}:root" for number in (MERCOR, MERCER)]},
}  # fmt: skip
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [ALLOW]}, indent=1)
HYBRID = {"EnableHybrid": "TRUE"}
glue = partial(aws_stubs.answering, "glue")
points = partial(aws_stubs.answering, "s3control")


@pytest.fixture
def connector() -> AwsConnector:
    """A connector that looks at catalogs, and that nobody answers yet."""
    return aws_stubs.looking_at("data-catalogs")


def get(stub: Stubber, text: str, tag: str = "") -> None:
    """The one policy of the account, or the error that AWS has for none."""
    if text:
        stub.add_response("get_resource_policy", {"PolicyInJson": text, "PolicyHash": tag}, {})
    else:
        stub.add_client_error("get_resource_policy", "EntityNotFoundException")


def changes(connector: AwsConnector) -> list[Change]:
    """What would be done about the catalog."""
    grant = a_grant("data-catalog", "us-east-1/catalog")
    return [o for o in opinions(connector, grant) if isinstance(o, Change)]


def with_ours(ours: list[Change]) -> str:
    """The policy with our deny in it."""
    kept = [c.after.value for c in ours if c.after]
    return json.dumps({**json.loads(POLICY), "Statement": [ALLOW, *kept]}, separators=(",", ":"))


def test_the_one_catalog_of_a_region_is_found_where_it_lets_the_vendor_in(
    connector: AwsConnector,
) -> None:
    """No listing is asked; where there is no policy there is nothing to tell."""
    for text, vias in ((POLICY, [f"data-catalog policy: account {MERCOR}"]), ("", [])):
        with glue("reading", connector) as stub:
            get(stub, text, "h1")
            found = list(reached.discover(connector.clients, [DATA], {}, REACH))
        assert [f.via for f in found if isinstance(f, Grant)] == vias
        assert not [f for f in found if isinstance(f, Gap)]


def test_a_catalog_is_denied_under_its_hash_and_given_back_verbatim(
    connector: AwsConnector,
) -> None:
    """The hash that was read goes with each write: what a stranger wrote since is not lost."""
    ours = changes(connector)
    wanted = with_ours(ours)
    assert MERCER not in json.dumps([c.after.value for c in ours if c.after])
    with glue("reading", connector) as reads, glue("writing", connector) as writes:
        get(reads, POLICY, "h1")
        put = {"PolicyInJson": wanted, "PolicyHashCondition": "h1", **HYBRID}
        writes.add_response("put_resource_policy", {"PolicyHash": "h2"}, put)
        get(reads, wanted, "h2")
        connector.write(connector.read(CATALOG), ours, POLICY, "t")
        get(reads, wanted, "h2")
        back = {"PolicyInJson": POLICY, "PolicyHashCondition": "h2", **HYBRID}
        writes.add_response("put_resource_policy", {"PolicyHash": "h3"}, back)
        get(reads, POLICY, "h3")
        connector.write(connector.read(CATALOG), [c.inverse() for c in ours], POLICY, "t")


def test_a_policy_that_a_stranger_took_away_is_made_only_where_none_is(
    connector: AwsConnector,
) -> None:
    """And ours alone is deleted again, under its hash."""
    ours = changes(connector)
    with glue("reading", connector) as reads, glue("writing", connector) as writes:
        get(reads, "")
        writes.add_client_error("put_resource_policy", "ConditionCheckFailureException")
        with pytest.raises(StaleError):
            connector.write(connector.read(CATALOG), ours, "", "t")
        (call,) = (json.loads(with_ours(ours)),)
        only = json.dumps({**call, "Statement": call["Statement"][1:]})
        get(reads, only, "h9")
        writes.add_response("delete_resource_policy", {}, {"PolicyHashCondition": "h9"})
        get(reads, "")
        connector.write(connector.read(CATALOG), [c.inverse() for c in ours], "", "t")


def test_access_points_are_read_to_the_last_page() -> None:
    """The SDK's models do not say how this list goes on; its answers do."""
    connector = aws_stubs.looking_at("access-points")
    with points("reading", connector) as stub:
        for name, words in (("first", {}), ("second", {"NextToken": "on"})):
            one = {"Name": name, "NetworkOrigin": "Internet", "Bucket": "labels"}
            page = {"AccessPointList": [one], **({} if words else {"NextToken": "on"})}
            stub.add_response("list_access_points", page, {"AccountId": DATA, **words})
        for name in ("first", "second"):
            asked = {"AccountId": DATA, "Name": name}
            stub.add_client_error(
                "get_access_point_policy", "NoSuchAccessPointPolicy", expected_params=asked
            )
        found = list(reached.discover(connector.clients, [DATA], {}, REACH))
    assert found == [Counted("aws", DATA, "access-point", 2)]
