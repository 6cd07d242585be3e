"""Resources that few accounts have, which the emulator does not have, or not whole: how AWS's own
models name what is asked of them. Held against `stopline.connectors.aws.longtail`.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import Any, NamedTuple

from botocore.stub import Stubber
from support import aws_stubs
from support.aws import DATA, MERCER, MERCOR

from stopline.connectors.aws import AwsConnector
from stopline.text import Json

REGION = "us-east-1"
WHEN = datetime(2026, 3, 1, tzinfo=UTC)
ELSEWHERE = "888888888888"
"""An account that shares things of its own with the lab."""
OLD, NEW = (f"{n}{n}{n}{n}0000-0000-0000-0000-000000000000" for n in "12")
SVC, NET = "svc-0123456789abcdef0", "sn-0123456789abcdef0"


class Call(NamedTuple):
    """A call as it is sent, and what it answers."""

    service: str
    operation: str
    words: Json
    answer: Json = {}  # noqa: RUF012 - of a tuple


class Case(NamedTuple):
    """One kind: what lists it, and how one of it is read and written.

    `policy` makes the answer of `get` of a text and a tag, `none` is the error for none, `tagged`
    are the words by which a write hangs on a tag, `key` is what takes the text.
    """

    kind: str
    contains: str
    id: str
    arn: str
    on: Json
    act: str
    lists: tuple[Call, ...]
    get: Call
    policy: Callable[[str, str], Json]
    none: str
    put: Call
    key: str
    drop: Call
    there: Call | None = None
    tagged: Callable[[str], Json] = lambda _: {}


def _arn(service: str, rest: str, account: str = DATA) -> str:
    return f"arn:aws:{service}:{REGION}:{account}:{rest}"


def _case(
    kind: str, contains: str, name: str, arn: str, on: Json, act: str, *lists: Call, **more: Any
) -> Case:
    return Case(kind, contains, f"{REGION}/{name}", arn, on, act, lists, **more)


_STREAM = _arn("kinesis", "stream/labels")
_CONSUMER = f"{_STREAM}/consumer/app:1700000000"
_ITEM = {"ConsumerName": "app", "ConsumerARN": _CONSUMER, "ConsumerStatus": "ACTIVE",
         "ConsumerCreationTimestamp": WHEN}  # fmt: skip
_CHANGES = _arn("dynamodb", "table/labels/stream/2026-03-01T00:00:00.000")
_VERSION = _arn("lambda", "function:label:7")
_DOMAIN, _IN = _arn("codeartifact", "domain/labels"), {"domain": "labels"}
_REPOSITORY = _arn("codeartifact", "repository/far/pip", ELSEWHERE)
_AT = {"domain": "far", "domainOwner": ELSEWHERE, "repository": "pip"}
_TABLES = _arn("s3tables", "bucket/labels")
_DIRECTORY = "labels--use1-az4--x-s3"
_EXPRESS = {"Bucket": _DIRECTORY}
_VECTORS = {"vectorBucket": {
    "vectorBucketName": "labels", "vectorBucketArn": _arn("s3vectors", "bucket/labels"),
    "creationTime": WHEN}}  # fmt: skip
_LAMBDA = {"AccountId": DATA, "Name": "labels"}


def _packaged(text: str, tag: str) -> Json:
    return {"policy": {"document": text, "revision": tag}}


def _lattice(kind: str, noun: str, id_: str, listing: str) -> Case:
    arn, far = (_arn("vpc-lattice", f"{noun}/{id_}", account) for account in (DATA, ELSEWHERE))
    who = {"resourceIdentifier": id_}
    items = [{"id": id_, "arn": arn}, {"id": id_[:-1] + "1", "arn": far[:-1] + "1"}]
    key = {"service": "serviceIdentifier"}.get(noun, "serviceNetworkIdentifier")
    op = {"service": "get_service"}.get(noun, "get_service_network")
    return _case(
        kind, f"{kind}s", id_, arn, "*", "vpc-lattice-svcs:Invoke",
        Call("vpc-lattice", listing, {}, {"items": items}),
        get=Call("vpc-lattice", "get_auth_policy", who),
        policy=lambda text, _: {"policy": text, "state": "Active"},
        none="ResourceNotFoundException",
        put=Call("vpc-lattice", "put_auth_policy", who), key="policy",
        drop=Call("vpc-lattice", "delete_auth_policy", who),
        there=Call("vpc-lattice", op, {key: id_}),
    )  # fmt: skip


def _by_arn(service: str, arn: str, key: str = "ResourceArn") -> dict[str, Any]:
    named = ("get", "put", "delete")
    get, put, drop = (Call(service, f"{v}_resource_policy", {key: arn}) for v in named)
    return {"get": get, "put": put, "key": "Policy", "drop": drop}


def _table_bucket() -> dict[str, Any]:
    get, put, drop = (
        Call("s3tables", f"{verb}_table_bucket_policy", {"tableBucketARN": _TABLES})
        for verb in ("get", "put", "delete")
    )
    found = {"arn": _TABLES, "name": "labels", "ownerAccountId": DATA, "createdAt": WHEN}
    return {
        "get": get, "put": put, "key": "resourcePolicy", "drop": drop,
        "policy": lambda text, _: {"resourcePolicy": text}, "none": "NotFoundException",
        "there": Call("s3tables", "get_table_bucket", {"tableBucketARN": _TABLES}, found),
    }  # fmt: skip


CASES = (
    _case(
        "stream-consumer", "stream-consumers", "labels:app:1700000000", _CONSUMER, _CONSUMER,
        "kinesis:SubscribeToShard",
        Call("kinesis", "list_streams", {}, {"StreamNames": ["labels"], "HasMoreStreams": False}),
        Call("kinesis", "list_stream_consumers", {"StreamARN": _STREAM}, {"Consumers": [_ITEM]}),
        policy=lambda text, _: {"Policy": text or "{}"}, none="",
        **_by_arn("kinesis", _CONSUMER, "ResourceARN"),
    ),
    _case(
        "table-stream", "table-streams", "labels/stream/2026-03-01T00:00:00.000", _CHANGES,
        _CHANGES, "dynamodb:GetRecords",
        Call("dynamodbstreams", "list_streams", {}, {"LastEvaluatedStreamArn": _CHANGES}),
        Call("dynamodbstreams", "list_streams", {"ExclusiveStartStreamArn": _CHANGES},
             {"Streams": [{"StreamArn": _CHANGES, "TableName": "labels"}]}),
        policy=lambda text, tag: {"Policy": text, "RevisionId": tag},
        none="PolicyNotFoundException",
        tagged=lambda tag: {"ExpectedRevisionId": tag},
        **_by_arn("dynamodb", _CHANGES),
    ),
    _case(
        "lambda-version", "lambda-versions", "label:7", _VERSION, _VERSION,
        "lambda:InvokeFunction",
        Call("lambda", "list_functions", {"FunctionVersion": "ALL"}, {"Functions": [
            {"FunctionName": "label", "Version": v} for v in ("$LATEST", "7")]}),
        policy=lambda text, tag: {"Policy": text, "RevisionId": tag},
        none="ResourceNotFoundException",
        there=Call("lambda", "get_function_configuration", {"FunctionName": "label:7"}),
        tagged=lambda tag: {"RevisionId": tag},
        **_by_arn("lambda", _VERSION),
    ),
    _case(
        "package-domain", "package-domains", "labels", _DOMAIN, "*",
        "codeartifact:CreateRepository",
        Call("codeartifact", "list_domains", {}, {"domains": [
            {"name": "labels", "owner": DATA}, {"name": "far", "owner": ELSEWHERE}]}),
        get=Call("codeartifact", "get_domain_permissions_policy", _IN), policy=_packaged,
        none="ResourceNotFoundException",
        there=Call("codeartifact", "describe_domain", _IN),
        put=Call("codeartifact", "put_domain_permissions_policy", _IN), key="policyDocument",
        drop=Call("codeartifact", "delete_domain_permissions_policy", _IN),
        tagged=lambda tag: {"policyRevision": tag},
    ),
    _case(
        "package-repository", "package-repositories", f"{ELSEWHERE}:repository/far/pip",
        _REPOSITORY, "*", "codeartifact:ReadFromRepository",
        Call("codeartifact", "list_repositories", {}, {"repositories": [
            {"name": "pip", "arn": _REPOSITORY, "administratorAccount": DATA},
            {"name": "npm", "arn": _REPOSITORY.replace("pip", "npm"),
             "administratorAccount": ELSEWHERE}]}),
        get=Call("codeartifact", "get_repository_permissions_policy", _AT), policy=_packaged,
        none="ResourceNotFoundException",
        there=Call("codeartifact", "describe_repository", _AT),
        put=Call("codeartifact", "put_repository_permissions_policy", _AT), key="policyDocument",
        drop=Call("codeartifact", "delete_repository_permissions_policy", _AT),
        tagged=lambda tag: {"policyRevision": tag},
    ),
    _case(
        "table-bucket", "table-buckets", "labels", _TABLES, [_TABLES, f"{_TABLES}/*"],
        "s3tables:GetTableData",
        Call("s3tables", "list_table_buckets", {}, {"tableBuckets": [
            {"arn": _TABLES, "name": "labels", "ownerAccountId": DATA, "createdAt": WHEN},
            {"arn": _TABLES, "name": "far", "ownerAccountId": ELSEWHERE, "createdAt": WHEN}]}),
        **_table_bucket(),
    ),
    _case(
        "vector-bucket", "vector-buckets", "labels", _arn("s3vectors", "bucket/labels"),
        [_arn("s3vectors", "bucket/labels"), _arn("s3vectors", "bucket/labels/*")],
        "s3vectors:QueryVectors",
        Call("s3vectors", "list_vector_buckets", {}, {"vectorBuckets": [
            {"vectorBucketName": "labels", "vectorBucketArn": _arn("s3vectors", "bucket/labels"),
             "creationTime": WHEN}]}),
        get=Call("s3vectors", "get_vector_bucket_policy", {"vectorBucketName": "labels"}),
        policy=lambda text, _: {"policy": text}, none="NotFoundException",
        there=Call("s3vectors", "get_vector_bucket", {"vectorBucketName": "labels"}, _VECTORS),
        put=Call("s3vectors", "put_vector_bucket_policy", {"vectorBucketName": "labels"}),
        key="policy",
        drop=Call("s3vectors", "delete_vector_bucket_policy", {"vectorBucketName": "labels"}),
    ),
    _case(
        "directory-bucket", "directory-buckets", _DIRECTORY,
        _arn("s3express", f"bucket/{_DIRECTORY}"), _arn("s3express", f"bucket/{_DIRECTORY}"),
        "s3express:CreateSession",
        Call("s3express", "list_directory_buckets", {},
             {"Buckets": [{"Name": n} for n in (_DIRECTORY, "labels")]}),
        get=Call("s3express", "get_bucket_policy", _EXPRESS),
        policy=lambda text, _: {"Policy": text}, none="NoSuchBucketPolicy",
        put=Call("s3express", "put_bucket_policy", _EXPRESS), key="Policy",
        drop=Call("s3express", "delete_bucket_policy", _EXPRESS),
    ),
    _case(
        "object-lambda", "object-lambdas", "labels",
        _arn("s3-object-lambda", "accesspoint/labels"),
        _arn("s3-object-lambda", "accesspoint/labels"), "s3-object-lambda:GetObject",
        Call("s3control", "list_access_points_for_object_lambda", {"AccountId": DATA},
             {"ObjectLambdaAccessPointList": [{"Name": "labels"}]}),
        get=Call("s3control", "get_access_point_policy_for_object_lambda", _LAMBDA),
        policy=lambda text, _: {"Policy": text}, none="NoSuchAccessPointPolicy",
        put=Call("s3control", "put_access_point_policy_for_object_lambda", _LAMBDA),
        key="Policy",
        drop=Call("s3control", "delete_access_point_policy_for_object_lambda", _LAMBDA),
    ),
    _lattice("lattice-service", "service", SVC, "list_services"),
    _lattice("lattice-network", "servicenetwork", NET, "list_service_networks"),
)  # fmt: skip


def policy_of(case: Case) -> str:
    """A policy that lets the vendor and a look-alike in, laid out as no program of ours would; VPC
    Lattice takes no line breaks.
    """
    allow = {
        "Sid": "Work", "Effect": "Allow", "Action": case.act,
        "Principal": {"AWS": [f"arn:aws:iam::{number}:root" for number in (MERCOR, MERCER)]},
        "Resource": "*" if case.on == "*" else case.arn,
    }  # fmt: skip
    return json.dumps(
        {"Version": "2012-10-17", "Id": "kept", "Statement": [allow]},
        indent=None if case.kind.startswith("lattice") else 1,
    )


class Answering:
    """The clients of one mode, each with AWS's own model behind it."""

    def __init__(self, connector: AwsConnector, mode: str, stack: ExitStack) -> None:
        """Make the clients as they are needed."""
        self._connector, self._mode, self._stack = connector, mode, stack
        self._stubs: dict[str, Stubber] = {}

    def _stub(self, service: str) -> Stubber:
        if service not in self._stubs:
            made = aws_stubs.answering(service, self._mode, self._connector)
            self._stubs[service] = self._stack.enter_context(made)
        return self._stubs[service]

    def expect(self, call: Call, *, error: str = "", **words: Json) -> None:
        """One call, which answers as it says or by an error."""
        said = {**call.words, **words}
        if error:
            stub = self._stub(call.service)
            stub.add_client_error(call.operation, error, expected_params=said)
        else:
            self._stub(call.service).add_response(call.operation, call.answer, said)

    def listed(self, case: Case) -> None:
        """The listing, page by page."""
        for call in case.lists:
            self.expect(call)

    def policy(self, case: Case, text: str, tag: str = OLD) -> None:
        """The policy, or that there is none."""
        if text or not case.none:
            self.expect(case.get._replace(answer=case.policy(text, tag)))
        else:
            self.expect(case.get, error=case.none)

    def still(self, case: Case, *, there: bool = True) -> None:
        """What is asked where there is no policy: whether the resource is there."""
        if case.there is not None:
            self.expect(case.there, error="" if there else case.none)


@contextmanager
def answering(connector: AwsConnector, mode: str = "reading") -> Iterator[Answering]:
    """What the connector asks is answered here, and each answer is asked for."""
    with ExitStack() as stack:
        yield Answering(connector, mode, stack)
