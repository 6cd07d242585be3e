"""Which resources have a policy of their own, and how each is read and written: a table. Pure.

One row says all that one service does differently; what is done with it stands once, in
`reached` (discovery), `resourcing` (opinion) and `whole` (reading and writing).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from stopline.model import Document
from stopline.text import Json

STATEMENT = "-policy-statement"
"""What follows a resource's kind in the kind of an address of one statement in its policy."""


@dataclass(frozen=True, slots=True)
class Where:
    """One resource: its account, its region, and its name there."""

    account: str
    region: str
    name: str

    @property
    def id(self) -> str:
        """What an address calls it."""
        return f"{self.region}/{self.name}"


@dataclass(frozen=True, slots=True)
class Call:
    """A call of the service by its name, and what it takes for one resource and a policy's text."""

    operation: str
    words: Callable[[Where, str], Json]


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind of resource.

    `items` and `name`: where a page of `listing`, asked with `paged`, has them. `locate`: a call
    whose answer the other calls take as well. `absent`: errors of `get` that mean that there is no
    policy. `drop` takes a policy away. `on` is what a statement's `Resource` says; nothing where it
    may not say any. `longest` is in bytes. `outlives`: what containing it leaves, and until when.
    `tag` is the key of the concurrency tag in the answer of `get`, `unless_moved` the words that
    make a write hang on it (it is nothing where there was no policy), `moved` the errors that say
    that it moved. A row without `put` is not written by us, and `left_open` says what a person
    can do.
    """

    kind: str
    contains: str
    service: str
    listing: str
    items: str
    name: Callable[[Any], str]
    get: Call
    text: Callable[[Any], str]
    arn: str
    on: tuple[str, ...]
    actions: tuple[str, ...]
    longest: int
    outlives: tuple[str, str]
    put: Call | None = None
    drop: Call | None = None
    locate: Call | None = None
    absent: tuple[str, ...] = ()
    paged: Mapping[str, int] = field(default_factory=dict)
    tag: str = ""
    unless_moved: Callable[[str], Json] | None = None
    moved: tuple[str, ...] = ()
    left_open: str = ""

    @property
    def statement(self) -> str:
        """The kind of the address of one statement in its policy."""
        return f"{self.kind}{STATEMENT}"

    def arn_of(self, where: Where) -> str:
        """The resource's ARN."""
        return self.arn.format(region=where.region, account=where.account, name=where.name)

    def on_of(self, where: Where) -> Json:
        """The `Resource` of a statement about it; nothing where it may not say any."""
        said = [each.format(arn=self.arn_of(where)) for each in self.on]
        return said if len(said) > 1 else next(iter(said), "")

    def placed(self, region: str) -> str:
        """The service in a region, as `Clients` takes it."""
        return f"{self.service}/{region}"


def where_of(document: Document) -> Where:
    """The resource of an address's document."""
    region, _, name = document.id.partition("/")
    return Where(document.realm, region, name)


def _named(key: str, text: str = "") -> Callable[[Where, str], Json]:
    """Words of a call: the name, and the policy's text where it takes one."""
    return lambda where, raw: {key: where.name, **({text: raw} if text else {})}


def _by_arn(arn: str, key: str, text: str = "") -> Callable[[Where, str], Json]:
    def words(where: Where, raw: str) -> Json:
        made = arn.format(region=where.region, account=where.account, name=where.name)
        return {key: made, **({text: raw} if text else {})}

    return words


_TOPIC = "arn:aws:sns:{region}:{account}:{name}"
_SECRET = "arn:aws:secretsmanager:{region}:{account}:secret:{name}"  # noqa: S105 - an ARN
_TABLE = "arn:aws:dynamodb:{region}:{account}:table/{name}"

KMS = Resource(
    # https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html
    kind="kms-key",
    contains="kms-keys",
    service="kms",
    listing="list_keys",
    items="Keys",
    name=lambda item: str(item["KeyId"]),
    get=Call("get_key_policy", lambda w, _: {"KeyId": w.name, "PolicyName": "default"}),
    text=lambda answer: str(answer["Policy"]),
    put=Call(
        "put_key_policy",
        lambda w, raw: {"KeyId": w.name, "PolicyName": "default", "Policy": raw},
    ),
    arn="arn:aws:kms:{region}:{account}:key/{name}",
    on=("*",),
    actions=("kms:*",),
    longest=32_768,
    outlives=("data keys that the vendor has unwrapped already", "for ever: encrypt anew"),
)
SNS = Resource(
    # https://docs.aws.amazon.com/sns/latest/api/API_SetTopicAttributes.html
    kind="sns-topic",
    contains="sns-topics",
    service="sns",
    listing="list_topics",
    items="Topics",
    name=lambda item: str(item["TopicArn"]).rpartition(":")[2],
    get=Call("get_topic_attributes", _by_arn(_TOPIC, "TopicArn")),
    text=lambda answer: str(answer["Attributes"].get("Policy", "")),
    put=Call(
        "set_topic_attributes",
        lambda w, raw: {
            **_by_arn(_TOPIC, "TopicArn", "AttributeValue")(w, raw),
            "AttributeName": "Policy",
        },
    ),
    arn=_TOPIC,
    on=("{arn}",),
    # A topic's policy takes only what is about topics, and no wildcard for it.
    # https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-language-api-permissions-reference.html
    actions=(
        "SNS:AddPermission",
        "SNS:DeleteTopic",
        "SNS:GetTopicAttributes",
        "SNS:ListSubscriptionsByTopic",
        "SNS:Publish",
        "SNS:RemovePermission",
        "SNS:SetTopicAttributes",
        "SNS:Subscribe",
    ),
    longest=30_720,
    outlives=("deliveries to endpoints that the vendor has subscribed", "until they are removed"),
)
SQS = Resource(
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
    kind="sqs-queue",
    contains="sqs-queues",
    service="sqs",
    listing="list_queues",
    items="QueueUrls",
    # Without a size of the page there is no second page, and no word of what is missing.
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ListQueues.html
    paged={"MaxResults": 1000},
    name=lambda item: str(item).rpartition("/")[2],
    locate=Call("get_queue_url", _named("QueueName")),
    get=Call("get_queue_attributes", lambda _w, _: {"AttributeNames": ["Policy"]}),
    text=lambda answer: str(answer.get("Attributes", {}).get("Policy", "")),
    put=Call("set_queue_attributes", lambda _w, raw: {"Attributes": {"Policy": raw}}),
    drop=Call("set_queue_attributes", lambda _w, _: {"Attributes": {"Policy": ""}}),
    arn="arn:aws:sqs:{region}:{account}:{name}",
    on=("{arn}",),
    actions=("sqs:*",),
    longest=8_192,
    outlives=("messages that the vendor has received already", "for ever"),
)
SECRETS = Resource(
    # https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutResourcePolicy.html
    kind="secret",
    contains="secrets",
    service="secretsmanager",
    listing="list_secrets",
    items="SecretList",
    name=lambda item: str(item["ARN"]).partition(":secret:")[2],
    get=Call("get_resource_policy", _by_arn(_SECRET, "SecretId")),
    text=lambda answer: str(answer.get("ResourcePolicy") or ""),
    put=Call("put_resource_policy", _by_arn(_SECRET, "SecretId", "ResourcePolicy")),
    drop=Call("delete_resource_policy", _by_arn(_SECRET, "SecretId")),
    arn=_SECRET,
    on=("*",),
    actions=("secretsmanager:*",),
    longest=20_480,
    outlives=("values that the vendor has read already", "until the secret is rotated"),
)
ECR = Resource(
    # https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_SetRepositoryPolicy.html
    kind="ecr-repository",
    contains="ecr-repositories",
    service="ecr",
    listing="describe_repositories",
    items="repositories",
    name=lambda item: str(item["repositoryName"]),
    get=Call("get_repository_policy", _named("repositoryName")),
    text=lambda answer: str(answer["policyText"]),
    absent=("RepositoryPolicyNotFoundException",),
    put=Call("set_repository_policy", _named("repositoryName", "policyText")),
    drop=Call("delete_repository_policy", _named("repositoryName")),
    arn="arn:aws:ecr:{region}:{account}:repository/{name}",
    on=(),  # its policies take no `Resource`
    actions=("ecr:*",),
    longest=10_240,
    outlives=("images that the vendor has pulled already", "for ever"),
)
DYNAMODB = Resource(
    # https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutResourcePolicy.html
    kind="dynamodb-table",
    contains="dynamodb-tables",
    service="dynamodb",
    listing="list_tables",
    items="TableNames",
    name=str,
    get=Call("get_resource_policy", _by_arn(_TABLE, "ResourceArn")),
    text=lambda answer: str(answer.get("Policy") or ""),
    absent=("PolicyNotFoundException",),
    put=Call("put_resource_policy", _by_arn(_TABLE, "ResourceArn", "Policy")),
    drop=Call("delete_resource_policy", _by_arn(_TABLE, "ResourceArn")),
    tag="RevisionId",
    unless_moved=lambda tag: {"ExpectedRevisionId": tag or "NO_POLICY"},
    moved=("PolicyNotFoundException",),
    arn=_TABLE,
    # An index is reached by an ARN of its own, and a table's policy can let somebody in to it.
    # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/rbac-examples.html
    on=("{arn}", "{arn}/index/*"),
    actions=("dynamodb:*",),
    longest=20_480,
    outlives=("items that the vendor has read already", "for ever"),
)
EVENTS = Resource(
    # https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DescribeEventBus.html
    kind="event-bus",
    contains="event-buses",
    service="events",
    listing="list_event_buses",
    items="EventBuses",
    name=lambda item: str(item["Name"]),
    get=Call("describe_event_bus", _named("Name")),
    text=lambda answer: str(answer.get("Policy") or ""),
    arn="arn:aws:events:{region}:{account}:event-bus/{name}",
    on=("{arn}",),
    actions=("events:*",),
    longest=10_240,
    outlives=("rules of ours that send to buses of the vendor's", "until they are disabled"),
    left_open=(
        "stopline does not write the policy of an event bus. Decide, keep what "
        "`aws events describe-event-bus` says, and take it out with `aws events remove-permission "
        "--event-bus-name {name} --region {region} --statement-id SID`"
    ),
)

TABLE: Mapping[str, Resource] = {
    row.kind: row for row in (KMS, SNS, SQS, SECRETS, ECR, DYNAMODB, EVENTS)
}
"""By kind of resource."""
BY_STATEMENT: Mapping[str, Resource] = {row.statement: row for row in TABLE.values() if row.put}
"""By kind of the address of a statement, where we write one."""
