"""Resources with a policy of their own in an emulated AWS, as their owner makes and reads them."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from support.aws import DATA, ENVIRONMENT, MERCER, MERCOR, PLAYBOOK, Cloud, owners_client

from stopline.connectors.aws.kinds import Resource, where_of
from stopline.connectors.aws.resources import TABLE
from stopline.model import Document
from stopline.playbook import Playbook, Rule
from stopline.text import Json

REGION = "us-east-1"
STRANGER = "StrangersOwn"
ARNS = tuple(f"arn:aws:iam::{number}:root" for number in (MERCOR, MERCER))
ACTS = {
    "kms-key": "kms:Decrypt",
    "sns-topic": "SNS:Publish",
    "sqs-queue": "sqs:SendMessage",
    "secret": "secretsmanager:GetSecretValue",
    "ecr-repository": "ecr:BatchGetImage",
    "dynamodb-table": "dynamodb:GetItem",
    "event-bus": "events:PutEvents",
    "file-system": "elasticfilesystem:ClientWrite",
    "search-domain": "es:ESHttpGet",
    "stream": "kinesis:PutRecord",
    "access-point": "s3:GetObject",
    "multi-region-access-point": "s3:GetObject",
    "data-catalog": "glue:GetTable",
}
"""One action of each kind that a vendor is let in for."""


def playbook(*contains: str) -> Playbook:
    """A playbook with a rule for some of the resources; for all where none is named."""
    names = contains or tuple(row.contains for row in TABLE.values())
    rules = [
        Rule.model_validate({"name": n, "connector": "aws", "contains": n, "how": "vendor"})
        for n in names
    ]
    phase = PLAYBOOK.phases[0].model_copy(update={"rules": tuple(rules)})
    return PLAYBOOK.model_copy(update={"phases": (phase,)})


def statement(kind: str, principal: Json, arn: str = "*", **more: Json) -> Json:
    """An allow of one action to a principal, as this kind of policy is written."""
    on = {} if kind == "ecr-repository" else {"Resource": arn}
    allowed = {"Sid": "Work", "Effect": "Allow", "Principal": principal, "Action": ACTS[kind]}
    return {**allowed, **on, **more}


def policy_of(kind: str, principal: Json, arn: str = "*", **more: Json) -> str:
    """A policy's text, laid out as no program of ours would."""
    own = statement(kind, {"AWS": f"arn:aws:iam::{DATA}:root"}, arn, Sid="Own")
    said = [own, statement(kind, principal, arn, **more)]
    return json.dumps({"Version": "2012-10-17", "Id": "kept", "Statement": said}, indent=3)


@dataclass(frozen=True)
class Owner:
    """The owner's own view of one account of the emulator."""

    cloud: Cloud
    account: str = DATA
    region: str = REGION

    def client(self, service: str) -> Any:
        """The owner's client of one service."""
        return owners_client(self.cloud.url, self.account, service, self.region)

    def make(self, kind: str, name: str, principal: Json = None, **more: Json) -> str:
        """Make one resource, with a policy that lets a principal in; returns what ids call it."""
        return _MAKE[kind](self, name, principal or {"AWS": list(ARNS)}, more)

    def text(self, document: Document) -> str:
        """The policy as the provider has it; nothing where there is none."""
        row, where = TABLE[document.kind.removesuffix("-policy-statement")], where_of(document)
        client = self.client(row.service)
        words: dict[str, Any] = {**row.get.words(where, "")}
        if row is TABLE["sqs-queue"]:
            words["QueueUrl"] = client.get_queue_url(QueueName=where.name)["QueueUrl"]
        try:
            return row.text_in(getattr(client, row.get.operation)(**words))
        except client.exceptions.ClientError as error:
            if error.response["Error"]["Code"] in row.absent:
                return ""
            raise

    def put(self, document: Document, text: str) -> None:
        """Write a policy as its owner does."""
        row, where = TABLE[document.kind.removesuffix("-policy-statement")], where_of(document)
        client = self.client(row.service)
        assert row.put is not None
        words: dict[str, Any] = {**row.put.words(where, text)}
        if row is TABLE["sqs-queue"]:
            words["QueueUrl"] = client.get_queue_url(QueueName=where.name)["QueueUrl"]
        getattr(client, row.put.operation)(**words)

    def remove(self, document: Document) -> bool:
        """Delete the resource; a key can only be scheduled for it, which leaves it readable.

        The emulator breaks where it is asked for a file system or a domain that is not there, and
        takes a policy for a stream that is not.
        """
        row, where = TABLE[document.kind.removesuffix("-policy-statement")], where_of(document)
        client = self.client(row.service)
        if row.kind in ("kms-key", "file-system", "search-domain", "stream", "data-catalog"):
            return False
        _REMOVE[row.kind](client, row, where.name, row.arn_of(where))
        return True


def _key(owner: Owner, name: str, principal: Json, more: Json) -> str:
    text = policy_of("kms-key", principal, **more)
    made = owner.client("kms").create_key(Policy=text, Description=name)
    return str(made["KeyMetadata"]["KeyId"])


def _topic(owner: Owner, name: str, principal: Json, more: Json) -> str:
    sns = owner.client("sns")
    arn = sns.create_topic(Name=name)["TopicArn"]
    text = policy_of("sns-topic", principal, arn, **more)
    sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=text)
    return name


def _queue(owner: Owner, name: str, principal: Json, more: Json) -> str:
    arn = f"arn:aws:sqs:{owner.region}:{owner.account}:{name}"
    text = policy_of("sqs-queue", principal, arn, **more)
    owner.client("sqs").create_queue(QueueName=name, Attributes={"Policy": text})
    return name


def _secret(owner: Owner, name: str, principal: Json, more: Json) -> str:
    secrets = owner.client("secretsmanager")
    arn = str(
        secrets.create_secret(Name=name, SecretString=ENVIRONMENT["AWS_SECRET_ACCESS_KEY"])["ARN"]
    )
    secrets.put_resource_policy(SecretId=arn, ResourcePolicy=policy_of("secret", principal, **more))
    return arn.partition(":secret:")[2]


def _repository(owner: Owner, name: str, principal: Json, more: Json) -> str:
    ecr = owner.client("ecr")
    ecr.create_repository(repositoryName=name)
    text = policy_of("ecr-repository", principal, **more)
    ecr.set_repository_policy(repositoryName=name, policyText=text)
    return name


def _table(owner: Owner, name: str, principal: Json, more: Json) -> str:
    dynamodb = owner.client("dynamodb")
    made = dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    arn = made["TableDescription"]["TableArn"]
    text = policy_of("dynamodb-table", principal, arn, **more)
    dynamodb.put_resource_policy(ResourceArn=arn, Policy=text)
    return name


def _bus(owner: Owner, name: str, principal: Json, more: Json) -> str:
    events = owner.client("events")
    arn = str(events.create_event_bus(Name=name)["EventBusArn"])
    text = policy_of("event-bus", principal, arn, **more)
    events.put_permission(EventBusName=name, Policy=text)
    return name


def _file_system(owner: Owner, name: str, principal: Json, more: Json) -> str:
    efs = owner.client("efs")
    made = efs.create_file_system(CreationToken=name)
    text = policy_of("file-system", principal, made["FileSystemArn"], **more)
    efs.put_file_system_policy(FileSystemId=made["FileSystemId"], Policy=text)
    return str(made["FileSystemId"])


def _domain(owner: Owner, name: str, principal: Json, more: Json) -> str:
    search = owner.client("opensearch")
    arn = str(search.create_domain(DomainName=name)["DomainStatus"]["ARN"])
    text = policy_of("search-domain", principal, f"{arn}/*", **more)
    search.update_domain_config(DomainName=name, AccessPolicies=text)
    return name


def _stream(owner: Owner, name: str, principal: Json, more: Json) -> str:
    kinesis = owner.client("kinesis")
    kinesis.create_stream(StreamName=name, ShardCount=1)
    arn = f"arn:aws:kinesis:{owner.region}:{owner.account}:stream/{name}"
    kinesis.put_resource_policy(ResourceARN=arn, Policy=policy_of("stream", principal, arn, **more))
    return name


def _point(owner: Owner, name: str, principal: Json, more: Json) -> str:
    owner.client("s3").create_bucket(Bucket=f"{name}-behind")
    control = owner.client("s3control")
    words = {"AccountId": owner.account, "Name": name}
    control.create_access_point(**words, Bucket=f"{name}-behind")
    arn = f"arn:aws:s3:{owner.region}:{owner.account}:accesspoint/{name}"
    text = policy_of("access-point", principal, f"{arn}/object/*", **more)
    control.put_access_point_policy(**words, Policy=text)
    return name


def _points(owner: Owner, name: str, principal: Json, more: Json) -> str:
    """One of many regions, which Oregon answers for."""
    owner.client("s3").create_bucket(Bucket=f"{name}-across")
    control = owner.client("s3control")
    details = {"Name": name, "Regions": [{"Bucket": f"{name}-across"}]}
    control.create_multi_region_access_point(AccountId=owner.account, Details=details)
    made = control.get_multi_region_access_point(AccountId=owner.account, Name=name)
    alias = made["AccessPoint"]["Alias"]
    arn = f"arn:aws:s3::{owner.account}:accesspoint/{alias}"
    text = policy_of("multi-region-access-point", principal, f"{arn}/object/*", **more)
    control.put_multi_region_access_point_policy(
        AccountId=owner.account, Details={"Name": name, "Policy": text}
    )
    return f"{name}:{alias}"


def _catalog(owner: Owner, _name: str, principal: Json, more: Json) -> str:
    arn = f"arn:aws:glue:{owner.region}:{owner.account}:catalog"
    text = policy_of("data-catalog", principal, arn, **more)
    owner.client("glue").put_resource_policy(PolicyInJson=text)
    return "catalog"


_MAKE: Mapping[str, Callable[[Owner, str, Json, Json], str]] = {
    "kms-key": _key,
    "sns-topic": _topic,
    "sqs-queue": _queue,
    "secret": _secret,
    "ecr-repository": _repository,
    "dynamodb-table": _table,
    "event-bus": _bus,
    "file-system": _file_system,
    "search-domain": _domain,
    "stream": _stream,
    "access-point": _point,
    "multi-region-access-point": _points,
    "data-catalog": _catalog,
}
KINDS = tuple(_MAKE)
_REMOVE: Mapping[str, Callable[[Any, Resource, str, str], Any]] = {
    "multi-region-access-point": lambda c, _r, n, arn: c.delete_multi_region_access_point(
        AccountId=arn.split(":")[4], Details={"Name": n.partition(":")[0]}
    ),
    "access-point": lambda c, _r, n, arn: c.delete_access_point(
        AccountId=arn.split(":")[4], Name=n
    ),
    "sns-topic": lambda c, _r, _n, arn: c.delete_topic(TopicArn=arn),
    "sqs-queue": lambda c, _r, n, _a: c.delete_queue(
        QueueUrl=c.get_queue_url(QueueName=n)["QueueUrl"]
    ),
    "secret": lambda c, _r, _n, arn: c.delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True),
    "ecr-repository": lambda c, _r, n, _a: c.delete_repository(repositoryName=n),
    "dynamodb-table": lambda c, _r, n, _a: c.delete_table(TableName=n),
    "event-bus": lambda c, _r, n, _a: c.delete_event_bus(Name=n),
}
