"""Resource policies: where they are looked for, what lets the vendor in, what is left and why."""

import json
from dataclasses import replace
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.stub import Stubber
from support.aws import DATA, MERCER, MERCOR, VENDOR, Cloud, answer, body_of
from support.aws_resources import ARNS, Owner
from support.grants import TERMS, a_grant, held, opinions

from stopline.connectors.aws import AwsConnector, policy, reached, whole
from stopline.connectors.aws.kinds import Where, where_of
from stopline.connectors.aws.resources import DYNAMODB, KMS, SQS, TABLE
from stopline.connectors.aws.selection import Reach
from stopline.errors import ConfigError, ConnectorError
from stopline.estate import parse_estate
from stopline.model import Address, Change, Counted, Document, Gap, Grant, Scope, Skip, State
from stopline.port import Observed
from stopline.receipts import Cause

VENDORS = policy.Vendors(accounts=frozenset({MERCOR}))
REACH = Reach(VENDORS, VENDOR.aws, (), ())
ESTATE = 'aws:\n  accounts: {"111122223333": {}}\n'


@pytest.fixture
def connector(cloud: Cloud) -> AwsConnector:
    """A connector that looks at queues, keys, tables and event buses in two regions."""
    kinds = ("kms-keys", "sqs-queues", "dynamodb-tables", "event-buses")
    return cloud.connector(resources=kinds, regions=("us-east-1", "eu-west-1"))


def test_each_region_is_looked_at_and_is_in_the_id(cloud: Cloud, connector: AwsConnector) -> None:
    """Two queues of one name in two regions are two resources."""
    for region in ("us-east-1", "eu-west-1", "eu-west-3"):
        Owner(cloud, region=region).make("sqs-queue", "labels")
    found = {g.address.id for g in held(connector)}
    assert found == {"eu-west-1/labels", "us-east-1/labels"}
    counted = [f for f in connector.discover(VENDOR, Scope()) if isinstance(f, Counted)]
    assert [c.number for c in counted if (c.kind, c.realm) == ("sqs-queue", DATA)] == [2]


def test_only_the_kinds_that_the_estate_names_are_looked_at(cloud: Cloud) -> None:
    """A kind that is not named costs no call."""
    Owner(cloud).make("sqs-queue", "labels")
    assert not held(cloud.connector(resources=("kms-keys",)))
    assert not any(action.startswith("sqs:") for action in cloud.used)


def test_an_id_leads_back_to_its_resource() -> None:
    """A name may have slashes; the region ends at the first."""
    where = Where(DATA, "eu-west-1", "labels/api-x1")
    assert where_of(Document("aws", DATA, "secret", where.id)) == where
    assert TABLE["secret"].arn_of(where) == (
        f"arn:aws:secretsmanager:eu-west-1:{DATA}:secret:labels/api-x1"
    )


def test_a_grant_of_a_key_to_the_vendor_is_shown(cloud: Cloud, connector: AwsConnector) -> None:
    """No policy shows it: found where the key's policy names nobody but ourselves."""
    owner = Owner(cloud)
    mine = {"AWS": f"arn:aws:iam::{DATA}:root"}
    keys = [owner.make("kms-key", name, mine) for name in ("granted", "else")]
    for key, arn in zip(keys, ARNS, strict=True):
        owner.client("kms").create_grant(KeyId=key, GranteePrincipal=arn, Operations=["Decrypt"])
    also = owner.make("kms-key", "retiring", mine)
    owner.client("kms").create_grant(
        KeyId=also, GranteePrincipal=ARNS[1], RetiringPrincipal=ARNS[0], Operations=["Decrypt"]
    )
    grants = held(connector)
    assert {g.address.id for g in grants} == {f"us-east-1/{key}" for key in (keys[0], also)}
    grant = grants[0]
    assert f"account {MERCOR}" in grant.via
    assert grant.via.startswith("grant ")


def test_a_deny_that_hits_ourselves_is_never_written(cloud: Cloud, connector: AwsConnector) -> None:
    """A key that nobody can manage stays so for ever: refused, and its policy is as it was."""
    owner = Owner(cloud)
    document = Document("aws", DATA, KMS.statement, f"us-east-1/{owner.make('kms-key', 'k')}")
    (grant,) = held(connector)
    change = next(o for o in opinions(connector, grant) if isinstance(o, Change))
    assert change.after is not None
    everybody = {k: v for k, v in change.after.value.items() if k != "Condition"}
    before = owner.text(document)
    with pytest.raises(ConnectorError, match="would lock out") as caught:
        connector.write(
            connector.read(document), [replace(change, after=State.of(everybody))], before, "t"
        )
    assert caught.value.cause is Cause.REFUSED
    assert owner.text(document) == before


def test_a_policy_that_names_a_deleted_principal_is_left(connector: AwsConnector) -> None:
    """AWS would take no edit of it, so it says who, and that access is left."""
    (skip,) = opinions(connector, a_grant(orphans=["AIDAEXAMPLEEXAMPLE00"]))
    assert isinstance(skip, Skip)
    assert skip.leaves_access
    assert "AIDAEXAMPLEEXAMPLE00" in skip.reason


def test_a_form_that_was_refused_gives_way_to_the_other(connector: AwsConnector) -> None:
    """Two statements, then one that says the same; and when that was refused too, it is left."""
    grant = a_grant(own=[f"arn:aws:iam::{DATA}:role/annotator"])
    refused, forms = frozenset[Address](), list[int]()
    for _ in range(2):
        terms = replace(TERMS, refusals=refused)
        changes = [o for o in connector.contained(grant, terms) if isinstance(o, Change)]
        forms.append(len(changes))
        refused |= {change.address for change in changes}
    assert forms == [2, 1]
    (skip,) = connector.contained(grant, replace(TERMS, refusals=refused))
    assert isinstance(skip, Skip)
    assert (skip.leaves_access, skip.reason) == (True, "AWS refused the writes")


def test_a_vendor_whom_no_deny_could_name_is_left(connector: AwsConnector) -> None:
    """Let in as everybody is, by a file without accounts and principals: said."""
    (skip,) = opinions(connector, a_grant(accounts=[], own=[]))
    assert isinstance(skip, Skip)
    assert skip.leaves_access
    assert "no account or principal" in skip.reason


def test_an_orphan_is_read_from_the_policy(cloud: Cloud, connector: AwsConnector) -> None:
    """The id that AWS puts where a principal was deleted."""
    Owner(cloud).make("sqs-queue", "q", {"AWS": [*ARNS, "AROAEXAMPLEEXAMPLE00"]})
    (grant,) = held(connector)
    assert grant.state.value["orphans"] == ["AROAEXAMPLEEXAMPLE00"]


def test_a_policy_that_would_be_too_long_is_left(connector: AwsConnector) -> None:
    """With the limit in the reason; a policy that just fits takes the shorter form."""
    (skip,) = opinions(connector, a_grant(policy_bytes=SQS.longest))
    assert isinstance(skip, Skip)
    assert skip.leaves_access
    assert f"of {SQS.longest} bytes" in skip.reason
    own = {"own": [f"arn:aws:iam::{DATA}:role/annotator"]}
    plain = opinions(connector, a_grant(**own))
    size = sum(len(o.after.body) + 1 for o in plain if isinstance(o, Change) and o.after)
    short = opinions(connector, a_grant(policy_bytes=SQS.longest - size + 1, **own))
    assert (len(plain), len(short)) == (2, 1)
    assert isinstance(short[0], Change)
    assert short[0].address.id.endswith("All")


def test_a_policy_that_grew_too_long_since_is_not_sent(
    cloud: Cloud, connector: AwsConnector
) -> None:
    """What is read just before a write decides, and nothing is written."""
    Owner(cloud).make("sqs-queue", "labels")
    change = next(o for o in opinions(connector, a_grant()) if isinstance(o, Change))
    raw = json.dumps({"Statement": [], "Id": "x" * SQS.longest})
    with pytest.raises(ConnectorError) as caught:
        connector.write(Observed(change.address.document, raw=raw), [change], raw, "t")
    assert caught.value.cause is Cause.QUOTA
    assert "sqs:SetQueueAttributes" not in cloud.used


@pytest.mark.parametrize("key", ["aws:SourceOwner", "AWS:SourceAccount", "kms:CallerAccount"])
def test_everybody_of_an_account_is_that_account(key: str) -> None:
    """Topics and keys admit `*` with a condition on the caller's account: the vendor's, or not."""
    for account, ways in ((MERCOR, (f"account {MERCOR}",)), (MERCER, ())):
        allowed = {
            "Effect": "Allow", "Principal": "*", "Action": "kms:*",
            "Condition": {"StringEquals": {key: account}},
        }  # fmt: skip
        assert policy.admitted({"Statement": [allowed]}, "kms:*", VENDORS).vendor == ways


def test_a_look_alike_in_the_same_statement_is_unharmed(
    cloud: Cloud, connector: AwsConnector
) -> None:
    """What lets both in stays as it is, and no deny of ours names the look-alike."""
    owner = Owner(cloud)
    document = Document("aws", DATA, SQS.statement, f"us-east-1/{owner.make('sqs-queue', 'q')}")
    before = json.loads(owner.text(document))["Statement"]
    (grant,) = held(connector)
    changes = [o for o in opinions(connector, grant) if isinstance(o, Change)]
    connector.write(connector.read(document), changes, owner.text(document), "t")
    after = json.loads(owner.text(document))["Statement"]
    assert after[: len(before)] == before
    added = after[len(before) :]
    assert MERCOR in json.dumps(added)
    assert MERCER not in json.dumps(added)


def test_where_there_was_no_policy_a_restore_leaves_none(
    cloud: Cloud, connector: AwsConnector
) -> None:
    """Ours was all there was, so it is taken away whole."""
    owner = Owner(cloud)
    owner.make("dynamodb-table", "labels")
    document = Document("aws", DATA, DYNAMODB.statement, "us-east-1/labels")
    arn = DYNAMODB.arn_of(where_of(document))
    owner.client("dynamodb").delete_resource_policy(ResourceArn=arn)
    changes = [o for o in opinions(connector, a_grant("dynamodb-table")) if isinstance(o, Change)]
    connector.write(connector.read(document), changes, "", "t")
    assert MERCOR in owner.text(document)
    connector.write(connector.read(document), [c.inverse() for c in changes], "", "t")
    assert owner.text(document) == ""
    assert connector.read(document).exists


def test_a_key_is_never_left_without_a_policy(cloud: Cloud, connector: AwsConnector) -> None:
    """KMS has no call that takes one away: refused, with nothing sent."""
    (ours,) = (o for o in opinions(connector, a_grant("kms-key")) if isinstance(o, Change))
    document = ours.address.document
    with pytest.raises(ConnectorError, match="nothing would be left") as caught:
        connector.write(Observed(document, raw='{"Statement":[]}'), [ours.inverse()], "", "t")
    assert caught.value.cause is Cause.REFUSED
    assert "kms:PutKeyPolicy" not in cloud.used
    assert whole.BY_STATEMENT[document.kind] is KMS


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("  regions: [europe]\n", "estate.yaml:3: 'europe' is not an AWS region (eu-west-1)"),
        ("  resources: [lambdas]\n", "estate.yaml:3: entry 1 of 'resources' must be "),
    ],
)
def test_a_bad_region_or_kind_is_told_with_its_line(line: str, fault: str) -> None:
    """In the words of the file."""
    with pytest.raises(ConfigError) as raised:
        parse_estate(ESTATE + line, "estate.yaml")
    assert raised.value.what.startswith(fault)


def test_regions_are_the_sessions_where_the_estate_names_none(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A queue is found in the region of the worker's own settings, and only there."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    for region in ("us-east-1", "eu-west-1"):
        Owner(cloud, region=region).make("sqs-queue", "labels")
    found = held(cloud.connector(resources=("sqs-queues",)))
    assert [g.address.id for g in found] == ["eu-west-1/labels"]


UNREADABLE = {
    "ListQueues": (403, {"__type": "AccessDenied"}, "sqs-queues in us-east-1"),
    "GetQueueUrl": (403, {"__type": "AccessDenied"}, "sqs-queue us-east-1/labels"),
    "GetQueueAttributes": (200, {"Attributes": {"Policy": "{"}}, "sqs-queue us-east-1/labels"),
}


@pytest.mark.parametrize("call", UNREADABLE)
def test_what_cannot_be_read_is_a_gap_by_its_name(cloud: Cloud, call: str) -> None:
    """A list, a resource, and a policy that is no JSON: each is named, and nothing is raised."""
    Owner(cloud).make("sqs-queue", "labels")
    status, said, what = UNREADABLE[call]

    def interfere(request: Any) -> AWSResponse | None:
        target = request.headers.get("X-Amz-Target", b"")
        return answer(status, json.dumps(said)) if target.endswith(f".{call}".encode()) else None

    cloud.interfere = interfere
    connector = cloud.connector(resources=("sqs-queues",))
    found = list(reached.discover(connector.clients, [DATA], {}, REACH))
    assert [f.what for f in found if isinstance(f, Gap)] == [what]
    assert not [f for f in found if isinstance(f, Grant)]


ALONE = {
    "data-catalog": "glue/us-east-1.get_resource_policy: ",
    "ecr-registry": "ecr/us-east-1.get_registry_policy: ",
    "access-grants-instance": f"us-east-1.get_access_grants_instance_resource_policy {DATA}: ",
}
"""What there is one of in a region has no name."""
WITHIN = {"stream-consumer": "labels:app:1", "package-repository": f"{DATA}:repository/far/labels"}
"""What lies in another thing is called by both names."""


@pytest.mark.parametrize("kind", TABLE)
def test_a_refusal_names_what_it_is_about(cloud: Cloud, kind: str) -> None:
    """Whatever the service calls the name of its resource."""

    def refusing(request: Any) -> AWSResponse | None:
        return None if "Action=AssumeRole" in body_of(request) else answer(403, "{}")

    cloud.interfere = refusing
    name = WITHIN.get(kind, "labels")
    document = Document("aws", DATA, TABLE[kind].statement, f"us-east-1/{name}")
    said = {**ALONE, "stream-consumer": "labels/consumer/app:1: "}
    with pytest.raises(ConnectorError, match=said.get(kind, "labels: ")):
        cloud.connector().read(document)


def test_the_resources_of_an_account_that_cannot_be_read_are_a_gap(cloud: Cloud) -> None:
    """None of them was looked at; where the estate looks at none, there is nothing to say."""
    clients = cloud.connector(resources=("sqs-queues",)).clients
    (gap,) = reached.discover(clients, [DATA], {DATA: "no way in"}, REACH)
    assert gap == Gap("aws", DATA, "policies and shares of resources", "no way in")
    none = cloud.connector(resources=()).clients
    assert list(reached.discover(none, [DATA], {DATA: "no way in"}, REACH)) == []
    assert not cloud.sent


def test_an_answer_without_a_policy_is_not_taken_for_none(connector: AwsConnector) -> None:
    """A key is never without a policy: to write ours alone would lock its owners out."""
    document = Document("aws", DATA, "kms-key-policy-statement", "us-east-1/k-1")
    with Stubber(connector.clients.reading(DATA, "kms/us-east-1")) as stub:
        stub.add_response("get_key_policy", {})
        with pytest.raises(ConnectorError, match="an answer without a policy"):
            connector.read(document)
