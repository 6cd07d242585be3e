"""The policy of an ECR registry, in which the emulator takes no deny: against AWS's own model."""

import json
import shlex
from functools import partial

import boto3
import pytest
from botocore import xform_name
from botocore.stub import Stubber
from support import aws_stubs
from support.aws import DATA, MERCER, MERCOR
from support.aws_cli import parsed
from support.aws_stubs import REACH
from support.grants import a_grant, opinions

from stopline.connectors.aws import AwsConnector, reached
from stopline.model import Change, Document, Gap, Grant

ID = "us-east-1/registry"
DOCUMENT = Document("aws", DATA, "ecr-registry-policy-statement", ID)
ALL = f"arn:aws:ecr:us-east-1:{DATA}:repository/*"
ALLOW = {
    "Sid": "Work", "Effect": "Allow", "Action": ["ecr:CreateRepository", "ecr:ReplicateImage"],
    "Resource": ALL,
    "Principal": {"AWS": [f"arn:aws:iam::{number}:root" for number in (MERCOR, MERCER)]},
}  # fmt: skip
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [ALLOW]}, indent=1)
NONE = "RegistryPolicyNotFoundException"
answering = partial(aws_stubs.answering, "ecr")


@pytest.fixture
def connector() -> AwsConnector:
    """A connector that looks at registries, and that nobody answers yet."""
    return aws_stubs.looking_at("ecr-registries")


def get(stub: Stubber, text: str) -> None:
    """The one policy of the registry, or the error that AWS has for none."""
    if text:
        answer = {"registryId": DATA, "policyText": text}
        stub.add_response("get_registry_policy", answer, {})
    else:
        stub.add_client_error("get_registry_policy", NONE, expected_params={})


def changes(connector: AwsConnector) -> list[Change]:
    """What would be done about the registry."""
    return [o for o in opinions(connector, a_grant("ecr-registry", ID)) if isinstance(o, Change)]


@pytest.mark.parametrize(
    ("text", "vias"),
    [
        (POLICY, [f"ecr-registry policy: account {MERCOR}"]),
        (POLICY.replace(MERCOR, MERCER), []),
        ("", []),
    ],
)
def test_a_registry_that_lets_the_vendor_in_is_found(
    connector: AwsConnector, text: str, vias: list[str]
) -> None:
    """Each account has one in a region, which no listing shows; a look-alike is nobody of ours."""
    with answering("reading", connector) as stub:
        get(stub, text)
        found = list(reached.discover(connector.clients, [DATA], {}, REACH))
    assert [f.via for f in found if isinstance(f, Grant)] == vias
    assert not [f for f in found if isinstance(f, Gap)]


def test_a_registry_is_denied_and_given_back_verbatim(connector: AwsConnector) -> None:
    """Every action on every repository, to the vendor alone."""
    ours = changes(connector)
    kept = [c.after.value for c in ours if c.after]
    assert {(said["Action"], said["Resource"]) for said in kept} == {("ecr:*", ALL)}
    assert MERCER not in json.dumps(kept)
    wanted = json.dumps({**json.loads(POLICY), "Statement": [ALLOW, *kept]}, separators=(",", ":"))
    with answering("reading", connector) as reads, answering("writing", connector) as writes:
        for now, then in ((POLICY, wanted), (wanted, POLICY)):
            get(reads, now)
            writes.add_response("put_registry_policy", {}, {"policyText": then})
            get(reads, then)
        connector.write(connector.read(DOCUMENT), ours, POLICY, "t")
        connector.write(connector.read(DOCUMENT), [c.inverse() for c in ours], POLICY, "t")


def test_where_a_stranger_took_the_policy_away_ours_alone_is_dropped(
    connector: AwsConnector,
) -> None:
    """What is given back is nothing, by the call for that."""
    ours = changes(connector)
    alone = json.dumps(
        {"Version": "2012-10-17", "Statement": [c.after.value for c in ours if c.after]}
    )
    with answering("reading", connector) as reads, answering("writing", connector) as writes:
        get(reads, alone)
        observed = connector.read(DOCUMENT)
        writes.add_response("delete_registry_policy", {}, {})
        get(reads, "")
        connector.write(observed, [c.inverse() for c in ours], "", "t")


def test_by_hand_the_same_calls_are_made(connector: AwsConnector) -> None:
    """Read, written, and dropped where nothing would be left: as the model names them."""
    (ours, *_) = changes(connector)
    *_, line = connector.commands(DOCUMENT, [ours.inverse()], None).lines
    client = boto3.client("ecr", region_name="us-east-1")
    for verb in ("Get", "Put", "Delete"):
        name = f"{verb}RegistryPolicy"
        words = line.partition(f"aws ecr {xform_name(name, '-')}")[2]
        words = words.partition(" > ")[0].partition(" &&")[0].replace("file://$D/new", "new text")
        given, _, _ = parsed(client, name, shlex.split(words))
        assert given == ({"policyText": "new text"} if verb == "Put" else {})
