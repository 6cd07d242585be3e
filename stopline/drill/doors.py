"""The estate's other doors: keys, topics, queues, secrets, repositories, tables, buses and more.

Each has a policy of its own, or a list of those with whom it is shared, that lets the vendor in
beside a look-alike. Seeded, and read back,
with plain boto3: nothing here is made by the code that the drill tests.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from stopline.drill import manifest as m
from stopline.drill import sent, shared
from stopline.drill.access import REGION, Access
from stopline.drill.manifest import DATA, Door
from stopline.text import Json

_TABLE = f"arn:aws:dynamodb:{REGION}:{{{{}}}}:table/{{}}"
_STREAM = f"arn:aws:kinesis:{REGION}:{{{{}}}}:stream/{{}}"
"""Of a name, and then of an account."""
NONE = ("PolicyNotFound", "RepositoryPolicyNotFound")


@dataclass(frozen=True, slots=True)
class _Kind:
    """How one service's resources are listed, and how a policy is read. `act` is a sample."""

    service: str
    act: str
    names: Callable[[Any], list[str]]
    policy: Callable[[Any, str], str]


def _queue_policy(sqs: Any, name: str) -> str:
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])
    return str(found.get("Attributes", {}).get("Policy", ""))


def _pools(idp: Any) -> list[str]:
    return [p["Id"] for p in idp.list_user_pools(MaxResults=60)["UserPools"]]


KINDS: Mapping[str, _Kind] = {
    "key": _Kind(
        "kms",
        "kms:Decrypt",
        lambda c: [k["KeyArn"] for k in c.list_keys()["Keys"]],
        lambda c, n: str(c.get_key_policy(KeyId=n, PolicyName="default")["Policy"]),
    ),
    "topic": _Kind(
        "sns",
        "SNS:Publish",
        lambda c: [t["TopicArn"] for t in c.list_topics()["Topics"]],
        lambda c, n: str(c.get_topic_attributes(TopicArn=n)["Attributes"].get("Policy", "")),
    ),
    "queue": _Kind(
        "sqs",
        "sqs:SendMessage",
        lambda c: [u.rpartition("/")[2] for u in c.list_queues().get("QueueUrls", ())],
        _queue_policy,
    ),
    "secret": _Kind(
        "secretsmanager",
        "secretsmanager:GetSecretValue",
        lambda c: [s["ARN"] for s in c.list_secrets()["SecretList"]],
        lambda c, n: str(c.get_resource_policy(SecretId=n).get("ResourcePolicy") or ""),
    ),
    "repository": _Kind(
        "ecr",
        "ecr:BatchGetImage",
        lambda c: [r["repositoryName"] for r in c.describe_repositories()["repositories"]],
        lambda c, n: str(c.get_repository_policy(repositoryName=n)["policyText"]),
    ),
    "table": _Kind(
        "dynamodb",
        "dynamodb:GetItem",
        lambda c: [_TABLE.format(t) for t in c.list_tables()["TableNames"]],
        lambda c, n: str(c.get_resource_policy(ResourceArn=n).get("Policy") or ""),
    ),
    "bus": _Kind(
        "events",
        "events:PutEvents",
        lambda c: [b["Name"] for b in c.list_event_buses()["EventBuses"]],
        lambda c, n: str(c.describe_event_bus(Name=n).get("Policy") or ""),
    ),
    "files": _Kind(
        "efs",
        "elasticfilesystem:ClientWrite",
        lambda c: [f["FileSystemId"] for f in c.describe_file_systems()["FileSystems"]],
        lambda c, n: str(c.describe_file_system_policy(FileSystemId=n).get("Policy") or ""),
    ),
    "domain": _Kind(
        "opensearch",
        "es:ESHttpGet",
        lambda c: [d["DomainName"] for d in c.list_domain_names()["DomainNames"]],
        lambda c, n: str(
            c.describe_domain_config(DomainName=n)["DomainConfig"]["AccessPolicies"]["Options"]
        ),
    ),
    "stream": _Kind(
        "kinesis",
        "kinesis:PutRecord",
        lambda c: [_STREAM.format(s) for s in c.list_streams()["StreamNames"]],
        lambda c, n: str(c.get_resource_policy(ResourceARN=n)["Policy"]).replace("{}", ""),
    ),
    "catalog": _Kind(
        "glue",
        "glue:GetTable",
        lambda _: ["catalog"],
        lambda c, _: str(c.get_resource_policy().get("PolicyInJson") or ""),
    ),
    "point": _Kind(
        "s3control",
        "s3:GetObject",
        lambda c: [p["Name"] for p in c.list_access_points()["AccessPointList"]],
        lambda c, n: str(c.get_access_point_policy(Name=n)["Policy"]),
    ),
    "points": _Kind(  # of many regions
        "s3control",
        "s3:GetObject",
        lambda c: [p["Name"] for p in c.list_multi_region_access_points()["AccessPoints"]],
        lambda c, n: str(
            c.get_multi_region_access_point_policy(Name=n)["Policy"]["Established"]["Policy"]
        ),
    ),
    "lattice": _Kind(
        "vpc-lattice",
        "vpc-lattice-svcs:Invoke",
        lambda c: [s["id"] for s in c.list_services()["items"]],
        lambda c, n: str(c.get_auth_policy(resourceIdentifier=n)["policy"]),
    ),
    "vectors": _Kind(
        "s3vectors",
        "s3vectors:QueryVectors",
        lambda c: [b["vectorBucketName"] for b in c.list_vector_buckets()["vectorBuckets"]],
        lambda c, n: str(c.get_vector_bucket_policy(vectorBucketName=n)["policy"]),
    ),
    "rule": _Kind("events", sent.EVENT, sent.rules, sent.rule),
    "sending-topic": _Kind("sns", sent.DELIVER, sent.topics, sent.topic),
    "log-group": _Kind("logs", sent.FORWARD, sent.groups, sent.group),
    "document": _Kind("ssm", sent.RUN, sent.documents, sent.document),
    "lake": _Kind("lakeformation", sent.READ, lambda _: ["lake"], sent.lake),
    "keys": _Kind("apigateway", shared.CALL, lambda _: ["keys"], shared.api_keys),
    "layer": _Kind("lambda", shared.LAYER, shared.layers, shared.layer),
    "pool": _Kind(
        "cognito-idp",
        shared.SIGN_IN,
        _pools,
        shared.pool,
    ),
    "clients": _Kind("cognito-idp", shared.OAUTH, _pools, shared.app_clients),
    "image": _Kind(
        "ec2",
        shared.LAUNCH,
        lambda c: [i["ImageId"] for i in c.describe_images(Owners=["self"])["Images"]],
        shared.image,
    ),
    "snapshot": _Kind(
        "ec2",
        shared.VOLUME,
        lambda c: [s["SnapshotId"] for s in c.describe_snapshots(OwnerIds=["self"])["Snapshots"]],
        shared.snapshot,
    ),
    "db-snapshot": _Kind(
        "rds",
        shared.RESTORE,
        lambda c: [s["DBSnapshotIdentifier"] for s in c.describe_db_snapshots()["DBSnapshots"]],
        shared.db_snapshot,
    ),
    "db-cluster-snapshot": _Kind(
        "rds",
        shared.CLUSTER,
        lambda c: [
            s["DBClusterSnapshotIdentifier"]
            for s in c.describe_db_cluster_snapshots()["DBClusterSnapshots"]
        ],
        shared.db_cluster_snapshot,
    ),
}


def policies(access: Access, account: str) -> dict[tuple[str, str], str]:
    """Every policy of every such resource of an account, verbatim, by its kind and its name."""
    found = {}
    for kind, how in KINDS.items():
        client = access.client(account, how.service)
        for name in (n.format(account) for n in how.names(client)):
            try:
                found[kind, name] = how.policy(client, name)
            except client.exceptions.ClientError as error:
                if not error.response["Error"]["Code"].startswith(NONE):
                    raise
                found[kind, name] = ""
    return found


def _policy(act: str, resource: str, principals: tuple[str, ...]) -> Json:
    """The account's own, as AWS writes it by default, then those who are let in."""
    on = {"Resource": resource} if resource else {}
    own = {
        "Sid": "Own",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{DATA}:root"},
        "Action": act if act.startswith("SNS") else f"{act.partition(':')[0]}:*",
        **on,
    }
    let = {
        "Sid": "Work",
        "Effect": "Allow",
        "Principal": {"AWS": list(principals)},
        "Action": act,
        **on,
    }
    return {"Version": "2012-10-17", "Id": "kept", "Statement": [own, let]}


def seed(access: Access) -> tuple[tuple[Door, ...], tuple[Door, ...], str]:
    """Make one of each kind in one account; returns the vendor's doors, and the others'.

    And the id of the vendor's app client, by which alone it is told.
    """
    one = f"arn:aws:iam::{m.VENDOR_ACCOUNTS[0]}:root"
    mercer = f"arn:aws:iam::{m.LOOKALIKE_ACCOUNT}:root"
    for account in (m.VENDOR_ACCOUNTS[0], m.LOOKALIKE_ACCOUNT):
        sent.receive(access.client(account, "logs"))
    vendor, others = list[Door](), list[Door]()
    for kind, how in KINDS.items():
        client = access.client(DATA, how.service)
        if kind in _SHARE:
            name = _SHARE[kind](client, [m.VENDOR_ACCOUNTS[0], m.LOOKALIKE_ACCOUNT])
        else:
            name = _MAKE[kind](client, partial(_policy, how.act, principals=(one, mercer)))
        vendor.append(Door(DATA, kind, name, how.act, one))
        others.append(Door(DATA, kind, name, how.act, mercer))
    pool = next(door.name for door in vendor if door.kind == "clients")
    named = shared.app_client(access.client(DATA, "cognito-idp"), pool, m.VENDOR_ACCOUNTS[0])
    return tuple(vendor), tuple(others), named


_Text = Callable[[str], Json]


def _key(kms: Any, made: _Text) -> str:
    text = json.dumps(made("*"), indent=2)
    return str(kms.create_key(Policy=text, Description="labels")["KeyMetadata"]["Arn"])


def _topic(sns: Any, made: _Text) -> str:
    arn = str(sns.create_topic(Name="labels")["TopicArn"])
    text = json.dumps(made(arn), indent=1)
    sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=text)
    return arn


def _queue(sqs: Any, made: _Text) -> str:
    text = json.dumps(made(f"arn:aws:sqs:{REGION}:{DATA}:labels"))
    sqs.create_queue(QueueName="labels", Attributes={"Policy": text})
    return "labels"


def _secret(secrets: Any, made: _Text) -> str:
    arn = str(secrets.create_secret(Name="labels/api", SecretString="drill")["ARN"])
    secrets.put_resource_policy(SecretId=arn, ResourcePolicy=json.dumps(made("*"), indent=3))
    return arn


def _repository(ecr: Any, made: _Text) -> str:
    ecr.create_repository(repositoryName="labels/tool")
    ecr.set_repository_policy(repositoryName="labels/tool", policyText=json.dumps(made("")))
    return "labels/tool"


def _table(dynamodb: Any, made: _Text) -> str:
    key = {"AttributeName": "id", "KeyType": "HASH"}
    arn = str(
        dynamodb.create_table(
            TableName="labels",
            KeySchema=[key],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )["TableDescription"]["TableArn"]
    )
    dynamodb.put_resource_policy(ResourceArn=arn, Policy=json.dumps(made(arn)))
    return arn


def _bus(events: Any, made: _Text) -> str:
    arn = str(events.create_event_bus(Name="labels")["EventBusArn"])
    events.put_permission(EventBusName="labels", Policy=json.dumps(made(arn)))
    return "labels"


def _files(efs: Any, made: _Text) -> str:
    found = efs.create_file_system(CreationToken="labels")
    text = json.dumps(made(found["FileSystemArn"]), indent=2)
    efs.put_file_system_policy(FileSystemId=found["FileSystemId"], Policy=text)
    return str(found["FileSystemId"])


def _domain(search: Any, made: _Text) -> str:
    arn = search.create_domain(DomainName="labels")["DomainStatus"]["ARN"]
    text = json.dumps(made(f"{arn}/*"), indent=1)
    search.update_domain_config(DomainName="labels", AccessPolicies=text)
    return "labels"


def _stream(kinesis: Any, made: _Text) -> str:
    kinesis.create_stream(StreamName="labels", ShardCount=1)
    arn = _STREAM.format("labels").format(DATA)
    kinesis.put_resource_policy(ResourceARN=arn, Policy=json.dumps(made(arn), indent=2))
    return arn


def _catalog(glue: Any, made: _Text) -> str:
    text = json.dumps(made(f"arn:aws:glue:{REGION}:{DATA}:catalog"), indent=2)
    glue.put_resource_policy(PolicyInJson=text)
    return "catalog"


def _point(control: Any, made: _Text) -> str:
    control.create_access_point(Name="labels", Bucket="training-data-1")
    text = json.dumps(made(f"arn:aws:s3:{REGION}:{DATA}:accesspoint/labels/object/*"), indent=2)
    control.put_access_point_policy(Name="labels", Policy=text)
    return "labels"


def _points(control: Any, made: _Text) -> str:
    details = {"Name": "labels-near", "Regions": [{"Bucket": "training-data-1"}]}
    control.create_multi_region_access_point(Details=details)
    found = control.get_multi_region_access_point(Name="labels-near")["AccessPoint"]["Alias"]
    text = json.dumps(made(f"arn:aws:s3::{DATA}:accesspoint/{found}/object/*"), indent=2)
    control.put_multi_region_access_point_policy(Details={"Name": "labels-near", "Policy": text})
    return "labels-near"


def _lattice(lattice: Any, made: _Text) -> str:
    name = str(lattice.create_service(name="labels", authType="AWS_IAM")["id"])
    lattice.put_auth_policy(resourceIdentifier=name, policy=json.dumps(made("*"), indent=2))
    return name


def _vectors(vectors: Any, made: _Text) -> str:
    vectors.create_vector_bucket(vectorBucketName="labels")
    arn = f"arn:aws:s3vectors:{REGION}:{DATA}:bucket/labels"
    text = json.dumps(made(arn), indent=1)
    vectors.put_vector_bucket_policy(vectorBucketName="labels", policy=text)
    return "labels"


_MAKE: Mapping[str, Callable[[Any, _Text], str]] = {
    "key": _key,
    "topic": _topic,
    "queue": _queue,
    "secret": _secret,
    "repository": _repository,
    "table": _table,
    "bus": _bus,
    "files": _files,
    "domain": _domain,
    "stream": _stream,
    "catalog": _catalog,
    "point": _point,
    "points": _points,
    "lattice": _lattice,
    "vectors": _vectors,
}
_SHARE: Mapping[str, Callable[[Any, list[str]], str]] = {
    "layer": shared.make_layer,
    "pool": shared.make_pool,
    "clients": shared.make_app_clients,
    "rule": sent.make_rule,
    "sending-topic": sent.make_topic,
    "log-group": sent.make_group,
    "document": sent.make_document,
    "lake": sent.make_lake,
    "keys": shared.make_api_keys,
    "image": shared.make_image,
    "snapshot": shared.make_snapshot,
    "db-snapshot": shared.make_db_snapshot,
    "db-cluster-snapshot": shared.make_db_cluster_snapshot,
}
