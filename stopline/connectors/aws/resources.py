"""Which resources have a policy of their own, and how each is read and written: a table. Pure.

One row says all that one service does differently; what is done with it stands once, in
`reached` (discovery), `resourcing` (opinion) and `whole` (reading and writing).
"""

from collections.abc import Mapping

from stopline.connectors.aws.further import (
    ACCESS_GRANTS,
    ACCESS_POINTS,
    BACKUP,
    EFS,
    EVENTS,
    GLUE,
    KINESIS,
    LAMBDA,
    MULTI_REGION,
    OPENSEARCH,
)
from stopline.connectors.aws.kinds import Call, Resource, by_arn, named
from stopline.connectors.aws.longtail import (
    CONSUMERS,
    DIRECTORY_BUCKETS,
    LAMBDA_VERSIONS,
    LATTICE_NETWORKS,
    LATTICE_SERVICES,
    OBJECT_LAMBDA,
    PACKAGE_DOMAINS,
    PACKAGE_REPOSITORIES,
    TABLE_BUCKETS,
    TABLE_STREAMS,
    VECTOR_BUCKETS,
)

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
    text="Policy",
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
    get=Call("get_topic_attributes", by_arn(_TOPIC, "TopicArn")),
    text="Attributes.Policy",
    put=Call(
        "set_topic_attributes",
        lambda w, raw: {
            **by_arn(_TOPIC, "TopicArn", "AttributeValue")(w, raw),
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
    outlives=(
        "deliveries to what an account of the vendor's has subscribed itself",
        "until it is unsubscribed by hand",
    ),
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
    asked=lambda _, _reach: ({"MaxResults": 1000},),
    name=lambda item: str(item).rpartition("/")[2],
    locate=Call("get_queue_url", named("QueueName")),
    get=Call("get_queue_attributes", lambda _w, _: {"AttributeNames": ["Policy"]}),
    text="Attributes.Policy",
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
    get=Call("get_resource_policy", by_arn(_SECRET, "SecretId")),
    text="ResourcePolicy",
    put=Call("put_resource_policy", by_arn(_SECRET, "SecretId", "ResourcePolicy")),
    drop=Call("delete_resource_policy", by_arn(_SECRET, "SecretId")),
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
    get=Call("get_repository_policy", named("repositoryName")),
    text="policyText",
    absent=("RepositoryPolicyNotFoundException",),
    put=Call("set_repository_policy", named("repositoryName", "policyText")),
    drop=Call("delete_repository_policy", named("repositoryName")),
    arn="arn:aws:ecr:{region}:{account}:repository/{name}",
    on=(),  # its policies take no `Resource`
    actions=("ecr:*",),
    longest=10_240,
    outlives=("images that the vendor has pulled already", "for ever"),
)
ECR_REGISTRY = Resource(
    # One policy for all repositories of an account in a region, made ones and those to come.
    # https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_PutRegistryPolicy.html
    kind="ecr-registry",
    contains="ecr-registries",
    service="ecr",
    alone="registry",
    listing="",
    items="",
    name=str,
    get=Call("get_registry_policy", lambda _w, _: {}),
    text="policyText",
    absent=("RegistryPolicyNotFoundException",),
    put=Call("put_registry_policy", lambda _w, raw: {"policyText": raw}),
    drop=Call("delete_registry_policy", lambda _w, _: {}),
    arn="arn:aws:ecr:{region}:{account}:repository/*",
    on=("{arn}",),
    # https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry-permissions.html
    actions=("ecr:*",),
    longest=10_240,
    outlives=("images that the vendor has pulled or sent already", "for ever"),
)
DYNAMODB = Resource(
    # https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutResourcePolicy.html
    kind="dynamodb-table",
    contains="dynamodb-tables",
    service="dynamodb",
    listing="list_tables",
    items="TableNames",
    name=str,
    get=Call("get_resource_policy", by_arn(_TABLE, "ResourceArn")),
    text="Policy",
    absent=("PolicyNotFoundException",),
    put=Call("put_resource_policy", by_arn(_TABLE, "ResourceArn", "Policy")),
    drop=Call("delete_resource_policy", by_arn(_TABLE, "ResourceArn")),
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

TABLE: Mapping[str, Resource] = {
    row.kind: row
    for row in (
        KMS,
        SNS,
        SQS,
        SECRETS,
        ECR,
        ECR_REGISTRY,
        DYNAMODB,
        EVENTS,
        LAMBDA,
        EFS,
        OPENSEARCH,
        KINESIS,
        BACKUP,
        ACCESS_POINTS,
        MULTI_REGION,
        ACCESS_GRANTS,
        GLUE,
        CONSUMERS,
        TABLE_STREAMS,
        LAMBDA_VERSIONS,
        PACKAGE_DOMAINS,
        PACKAGE_REPOSITORIES,
        TABLE_BUCKETS,
        VECTOR_BUCKETS,
        DIRECTORY_BUCKETS,
        OBJECT_LAMBDA,
        LATTICE_SERVICES,
        LATTICE_NETWORKS,
    )
}
"""By kind of resource."""
BY_STATEMENT: Mapping[str, Resource] = {row.statement: row for row in TABLE.values()}
"""By kind of the address of a statement."""
