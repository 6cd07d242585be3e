"""More rows of the table of `resources`: what few accounts have, and what is named alone. Pure."""

from dataclasses import replace

from stopline.connectors.aws.further import ACCESS_POINTS, KINESIS, LAMBDA, point
from stopline.connectors.aws.kinds import Beneath, Call, Resource, Where, by_arn, named
from stopline.connectors.aws.policy import account_of
from stopline.text import Json

MOST = 500
"""Of how many in a region the policies are read, where each costs a call and there may be tens of
thousands: more are a gap."""

# --- streams and versions ------------------------------------------------------------------------

_STREAM = "arn:aws:kinesis:{region}:{account}:stream/{name}"
_CONSUMER = "arn:aws:kinesis:{region}:{account}:stream/{first}/consumer/{rest}"
_TABLE_STREAM = "arn:aws:dynamodb:{region}:{account}:table/{name}"

CONSUMERS = replace(
    # A consumer's ARN has the time at which it was registered: one that is registered anew under
    # the same name is another one.
    # https://docs.aws.amazon.com/kinesis/latest/APIReference/API_ListStreamConsumers.html
    KINESIS,
    kind="stream-consumer",
    contains="stream-consumers",
    inner=(
        Call("list_stream_consumers", by_arn(_STREAM, "StreamARN")),
        "Consumers",
        lambda item: str(item["ConsumerARN"]).rpartition("/")[2],
    ),
    apart=True,
    get=Call("get_resource_policy", by_arn(_CONSUMER, "ResourceARN")),
    put=Call("put_resource_policy", by_arn(_CONSUMER, "ResourceARN", "Policy")),
    drop=Call("delete_resource_policy", by_arn(_CONSUMER, "ResourceARN")),
    arn=_CONSUMER,
    # https://docs.aws.amazon.com/streams/latest/dev/resource-based-policy-examples.html
    actions=("kinesis:DescribeStreamConsumer", "kinesis:SubscribeToShard"),
    outlives=("subscriptions to shards that have begun", "PT5M"),
)
TABLE_STREAMS = Resource(
    # Neither the table's policy nor an index's speaks of its stream. One that is switched on anew
    # has another ARN; one that was switched off can be read for a day, and is listed for as long.
    # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/rbac-examples.html
    kind="table-stream",
    contains="table-streams",
    service="dynamodb",
    # https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_ListStreams.html
    listed_by="dynamodbstreams",
    listing="list_streams",
    items="Streams",
    name=lambda item: str(item["StreamArn"]).partition(":table/")[2],
    get=Call("get_resource_policy", by_arn(_TABLE_STREAM, "ResourceArn")),
    text="Policy",
    absent=("PolicyNotFoundException",),
    put=Call("put_resource_policy", by_arn(_TABLE_STREAM, "ResourceArn", "Policy")),
    drop=Call("delete_resource_policy", by_arn(_TABLE_STREAM, "ResourceArn")),
    tag="RevisionId",
    unless_moved=lambda tag: {"ExpectedRevisionId": tag or "NO_POLICY"},
    moved=("PolicyNotFoundException",),
    arn=_TABLE_STREAM,
    on=("{arn}",),
    # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/rbac-iam-actions.html
    actions=("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"),
    longest=20_480,
    outlives=("changes of items that the vendor has read already", "for ever"),
)
LAMBDA_VERSIONS = replace(
    # What a function's policy says of the function, or of an alias, does not hold for a version
    # that is asked for by its number. Nothing but each version's own policy shows who may.
    # https://docs.aws.amazon.com/lambda/latest/dg/using-aliases.html
    LAMBDA,
    kind="lambda-version",
    contains="lambda-versions",
    asked=lambda _, _reach: ({"FunctionVersion": "ALL"},),
    name=lambda item: f"{item['FunctionName']}:{item['Version']}",
    ours=lambda item, _: item["Version"] != "$LATEST",  # the function itself
    inner=None,
    most=MOST,
)

# --- packages ------------------------------------------------------------------------------------

_DOMAIN = "arn:aws:codeartifact:{region}:{account}:domain/{name}"


PACKAGE_DOMAINS = Resource(
    # A domain's policy goes before those of all repositories in it.
    # https://docs.aws.amazon.com/codeartifact/latest/APIReference/API_PutDomainPermissionsPolicy.html
    kind="package-domain",
    contains="package-domains",
    service="codeartifact",
    listing="list_domains",
    items="domains",
    name=lambda item: str(item["name"]),
    ours=lambda item, account: item["owner"] == account,
    get=Call("get_domain_permissions_policy", named("domain")),
    text="policy.document",
    absent=("ResourceNotFoundException",),  # also where the domain itself is not there
    there=Call("describe_domain", named("domain")),
    put=Call("put_domain_permissions_policy", named("domain", "policyDocument")),
    drop=Call("delete_domain_permissions_policy", named("domain")),
    tag="policy.revision",
    unless_moved=lambda tag: {"policyRevision": tag} if tag else {},
    moved=("ConflictException",),
    arn=_DOMAIN,
    # Of all there is in the domain: repositories and packages have ARNs of their own.
    # https://docs.aws.amazon.com/codeartifact/latest/ug/domain-policies.html
    on=("*",),
    actions=("codeartifact:*",),
    longest=7_168,
    outlives=("packages that the vendor has downloaded already", "for ever"),
)


def _repository(where: Where, _: str) -> Json:
    """A repository may lie in a domain of another account's: its name says whose, and in which."""
    owner, _colon, path = where.name.partition(":")
    _, domain, name = path.split("/")
    return {"repository": name, "domain": domain, "domainOwner": owner}


PACKAGE_REPOSITORIES = replace(
    # https://docs.aws.amazon.com/codeartifact/latest/APIReference/API_PutRepositoryPermissionsPolicy.html
    PACKAGE_DOMAINS,
    kind="package-repository",
    contains="package-repositories",
    listing="list_repositories",
    items="repositories",
    name=lambda item: str(item["arn"]).split(":", 4)[4],
    ours=lambda item, account: item["administratorAccount"] == account,
    get=Call("get_repository_permissions_policy", _repository),
    there=Call("describe_repository", _repository),
    put=Call(
        "put_repository_permissions_policy",
        lambda w, raw: {**_repository(w, raw), "policyDocument": raw},
    ),
    drop=Call("delete_repository_permissions_policy", _repository),
    arn="arn:aws:codeartifact:{region}:{name}",
)

# --- kinds of buckets ----------------------------------------------------------------------------

_TABLES = "arn:aws:s3tables:{region}:{account}:bucket/{name}"
TABLE_BUCKETS = Resource(
    # An explicit deny in the bucket's policy goes before what a table's own policy allows, so none
    # of those is written: a table can be renamed meanwhile.
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-tables-resource-based-policies.html
    kind="table-bucket",
    contains="table-buckets",
    service="s3tables",
    listing="list_table_buckets",
    items="tableBuckets",
    name=lambda item: str(item["name"]),
    ours=lambda item, account: item["ownerAccountId"] == account,
    beneath=Beneath(
        what="tables",
        listing=Call("list_tables", by_arn(_TABLES, "tableBucketARN")),
        items="tables",
        name=lambda item: f"table {item['namespace'][0]}.{item['name']}",
        get="get_table_policy",
        words=lambda w, item: {
            **by_arn(_TABLES, "tableBucketARN")(w, ""),
            "namespace": item["namespace"][0],
            "name": item["name"],
        },
        text="resourcePolicy",
        absent=("NotFoundException",),
        most=MOST,
    ),
    get=Call("get_table_bucket_policy", by_arn(_TABLES, "tableBucketARN")),
    text="resourcePolicy",
    absent=("NotFoundException",),  # also where the bucket itself is not there
    there=Call("get_table_bucket", by_arn(_TABLES, "tableBucketARN")),
    put=Call("put_table_bucket_policy", by_arn(_TABLES, "tableBucketARN", "resourcePolicy")),
    drop=Call("delete_table_bucket_policy", by_arn(_TABLES, "tableBucketARN")),
    arn=_TABLES,
    on=("{arn}", "{arn}/*"),
    actions=("s3tables:*",),
    longest=20_480,
    outlives=("what the vendor has read of tables already", "for ever"),
)
VECTOR_BUCKETS = Resource(
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-vectors-resource-based-policies.html
    kind="vector-bucket",
    contains="vector-buckets",
    service="s3vectors",
    listing="list_vector_buckets",
    items="vectorBuckets",
    name=lambda item: str(item["vectorBucketName"]),
    get=Call("get_vector_bucket_policy", named("vectorBucketName")),
    text="policy",
    absent=("NotFoundException",),  # also where the bucket itself is not there
    bare=True,
    there=Call("get_vector_bucket", named("vectorBucketName")),
    put=Call("put_vector_bucket_policy", named("vectorBucketName", "policy")),
    drop=Call("delete_vector_bucket_policy", named("vectorBucketName")),
    arn="arn:aws:s3vectors:{region}:{account}:bucket/{name}",
    on=("{arn}", "{arn}/*"),
    actions=("s3vectors:*",),
    longest=20_480,
    outlives=("vectors that the vendor has read already", "for ever"),
)
DIRECTORY_BUCKETS = Resource(
    # What is asked of objects is asked in a session, which the bucket's policy lets begin.
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-express-security-iam-example-bucket-policies.html
    kind="directory-bucket",
    contains="directory-buckets",
    service="s3express",
    listing="list_directory_buckets",
    items="Buckets",
    name=lambda item: str(item["Name"]),
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/directory-bucket-naming-rules.html
    ours=lambda item, _: str(item["Name"]).endswith("--x-s3"),
    # Unlike of other buckets, S3 takes no word on whose it is, and answers 501 to one: what is
    # listed is the account's own.
    # https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html
    get=Call("get_bucket_policy", named("Bucket")),
    text="Policy",
    absent=("NoSuchBucketPolicy",),
    put=Call("put_bucket_policy", named("Bucket", "Policy")),
    drop=Call("delete_bucket_policy", named("Bucket")),
    arn="arn:aws:s3express:{region}:{account}:bucket/{name}",
    on=("{arn}",),
    actions=("s3express:*",),
    longest=20_480,
    outlives=("sessions that have begun", "PT5M"),
)


OBJECT_LAMBDA = replace(
    # A deny in the bucket's policy holds for what it asks of the bucket, which it asks as whoever
    # asked: here it holds before a function of the lab's is called.
    # https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_PutAccessPointPolicyForObjectLambda.html
    ACCESS_POINTS,
    kind="object-lambda",
    contains="object-lambdas",
    listing="list_access_points_for_object_lambda",
    items="ObjectLambdaAccessPointList",
    get=replace(ACCESS_POINTS.get, operation="get_access_point_policy_for_object_lambda"),
    put=Call("put_access_point_policy_for_object_lambda", point("Policy")),
    drop=Call("delete_access_point_policy_for_object_lambda", point()),
    arn="arn:aws:s3-object-lambda:{region}:{account}:accesspoint/{name}",
    says="s3-object-lambda:*",
    on=("{arn}",),
    actions=("s3-object-lambda:*",),
)

# --- services on the network ---------------------------------------------------------------------

LATTICE_SERVICES = Resource(
    # Only where the service's authorisation is AWS_IAM does its policy count: elsewhere whoever
    # reaches it on the network is let in, with a policy or without. A policy has no line breaks.
    # https://docs.aws.amazon.com/vpc-lattice/latest/ug/auth-policies.html
    kind="lattice-service",
    contains="lattice-services",
    service="vpc-lattice",
    listing="list_services",
    items="items",
    name=lambda item: str(item["id"]),
    ours=lambda item, account: account_of(item["arn"]) == account,  # others share theirs
    get=Call("get_auth_policy", named("resourceIdentifier")),
    text="policy",
    absent=("ResourceNotFoundException",),  # also where the service itself is not there
    bare=True,
    there=Call("get_service", named("serviceIdentifier")),
    put=Call("put_auth_policy", named("resourceIdentifier", "policy")),
    drop=Call("delete_auth_policy", named("resourceIdentifier")),
    arn="arn:aws:vpc-lattice:{region}:{account}:service/{name}",
    says="vpc-lattice-svcs:*",
    on=("*",),
    actions=("vpc-lattice-svcs:*",),
    longest=10_240,
    outlives=(
        "requests without a signature, where the service takes them",
        "until it asks for IAM",
    ),
)
LATTICE_NETWORKS = replace(
    LATTICE_SERVICES,
    kind="lattice-network",
    contains="lattice-networks",
    listing="list_service_networks",
    there=Call("get_service_network", named("serviceNetworkIdentifier")),
    arn="arn:aws:vpc-lattice:{region}:{account}:servicenetwork/{name}",
)
