"""Clients of an estate of accounts: a role assumed in each, one client per service for all threads.

Retries do not multiply: a read is retried by botocore, a write is sent once, because the engine
reads again and asks anew. A bucket of tokens bounds us per account and service, since IAM is one
control plane per account with limits that nobody publishes.
https://docs.aws.amazon.com/boto3/latest/guide/clients.html#multithreading-or-multiprocessing
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property, partial
from ipaddress import ip_address
from math import inf
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.credentials import (
    AssumeRoleCredentialFetcher,
    DeferredRefreshableCredentials,
)
from botocore.exceptions import NoCredentialsError
from botocore.handlers import json_decode_policies
from botocore.session import Session as CoreSession
from botocore.session import get_session

from stopline.connectors.aws.faults import translated, undone
from stopline.errors import ConnectorError
from stopline.estate import AwsEstate, AwsOrganization
from stopline.pacing import WAIT_SECONDS, Rate, late

SESSION_NAME = "stopline"
REGION = "us-east-1"
CONNECT_SECONDS = 3
READ_SECONDS = 10
POOL = 16
_READING = Config(
    connect_timeout=CONNECT_SECONDS,
    read_timeout=READ_SECONDS,
    max_pool_connections=POOL,
    retries={"mode": "standard", "total_max_attempts": 5},
)
_ASSUMING = _READING.merge(Config(retries={"mode": "standard", "total_max_attempts": 3}))
_WRITING = _READING.merge(Config(retries={"mode": "standard", "total_max_attempts": 1}))
_SLOWER = {"logs": 5.0}
"""Services that answer fewer calls in a second than an estate may name: the filters of log groups.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html"""
_CONFIGS = {"reading": _READING, "writing": _WRITING, "once": _WRITING}


@dataclass
class Clients:
    """All clients of one estate. Threads share them.

    `patience` is for how many seconds a write may wait and read before it is sent, by default
    `WAIT_SECONDS`.
    """

    estate: AwsEstate
    session: Callable[[], CoreSession] = get_session
    calls: int = 0
    on_call: Callable[[str, str], None] = lambda _service, _operation: None
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False)
    _clients: dict[tuple[str, str, str], Any] = field(default_factory=dict, repr=False)
    _sessions: dict[tuple[str, str], boto3.Session] = field(default_factory=dict, repr=False)
    _rates: dict[tuple[str, str], Rate] = field(default_factory=dict, repr=False)
    _models: Any = field(default=None, repr=False)
    _begun: threading.local = field(default_factory=threading.local, repr=False)
    patience: float | None = None

    @cached_property
    def regions(self) -> tuple[str, ...]:
        """Where regional services are looked at: what the estate names, or the session's region.

        Asked once: to make a session of botocore's takes longer than many a call.
        """
        return self.estate.regions or (self.session().get_config_variable("region") or REGION,)

    def reading(self, account: str, service: str) -> Any:
        """A client that retries by itself. A service may name its region: `kms/eu-west-1`."""
        return self._client(account, service, "reading")

    def writing(self, account: str, service: str) -> Any:
        """A client that sends once."""
        return self._client(account, service, "writing")

    def ask(self, account: str, service: str, operation: str, **words: Any) -> Any:
        """Make one reading call. Raises ConnectorError with a typed cause."""
        return self._call(self.reading, False, account, service, operation, words)

    def ask_once(self, account: str, service: str, operation: str, **words: Any) -> Any:
        """The same, sent once: for what may be missing where we ask, which no retry brings."""
        return self._call(self._once, False, account, service, operation, words)

    def _once(self, account: str, service: str) -> Any:
        return self._client(account, service, "once")

    def listed(self, account: str, operation: str, items: str, **words: Any) -> list[Any]:
        """Ask IAM for a list to its last page: it may give fewer than there are on each.

        https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListAccessKeys.html
        """
        found: list[Any] = []
        more: dict[str, Any] = {}
        while True:
            page = self.ask(account, "iam", operation, **words, **more)
            found += page[items]
            if not page.get("IsTruncated"):
                return found
            more = {"Marker": page["Marker"]}

    def pages(self, account: str, service: str, operation: str, **words: Any) -> list[Any]:
        """Ask for a list, page by page as the SDK's own models know it. Raises ConnectorError.

        https://docs.aws.amazon.com/boto3/latest/guide/paginators.html
        """
        try:
            client = self.reading(account, service)
            if client.can_paginate(operation):
                return list(client.get_paginator(operation).paginate(**words))
        except Exception as error:
            raise translated(error, f"{service}.{operation}", writing=False) from error
        return list(self._further(account, service, operation, words))

    def _further(
        self, account: str, service: str, operation: str, words: dict[str, Any]
    ) -> Iterator[Any]:
        """Page by page, where the models do not say how: as long as an answer has a token.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_ListAccessPoints.html
        https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_ListKeyGroups.html
        https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListDelegationRequests.html
        https://docs.aws.amazon.com/signer/latest/api/API_ListProfilePermissions.html
        https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_ListStreams.html
        https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeAccountPolicies.html
        """
        more: dict[str, Any] = {}
        while True:
            page = self.ask(account, service, operation, **words, **more)
            yield page
            more = _after(page)
            if not more:
                return

    def do(self, account: str, service: str, operation: str, **words: Any) -> Any:
        """Make one writing call. Raises ConnectorError; `landed` is None where nobody can say."""
        answer = self._call(self.writing, True, account, service, operation, words)
        undone(answer, f"{service}.{operation}")
        self._begun.taken = True
        return answer

    @contextmanager
    def one_write(self) -> Iterator[None]:
        """Calls of this thread that are one write: after one that AWS took, none says that nothing
        landed, whatever becomes of the next. The first is sent soon after the write began, which
        is when the lease was checked, however long it took to read what it needs.
        """
        self._begun.taken, self._begun.since = False, time.monotonic()
        try:
            yield
        except ConnectorError as error:
            if self._begun.taken and error.landed is False:
                raise ConnectorError(error.cause, error.detail, landed=None) from error
            raise
        finally:
            self._begun.since = None

    def _call(
        self,
        client: Callable[[str, str], Any],
        writing: bool,  # noqa: FBT001 - private, and named at both calls
        account: str,
        service: str,
        operation: str,
        words: dict[str, Any],
    ) -> Any:
        named = next((str(v) for k, v in words.items() if k in _NAMED), "")
        what = f"{service}.{operation} {named}".strip()
        try:
            made = client(account, service)
        except Exception as error:
            raise translated(error, what, writing=False) from error
        self._begun.at = time.monotonic()
        try:
            return getattr(made, operation)(**words)
        except ConnectorError:
            raise
        except Exception as error:
            raise translated(error, what, writing=writing) from error

    def _client(self, account: str, service: str, mode: str) -> Any:
        key = (account, service, mode)
        with self._lock:
            if key not in self._clients:
                config = _CONFIGS[mode]
                role = self.role(account) if mode == "writing" else self.read_role(account)
                session: Any = self._session(account, role)  # the stubs want a literal name
                plain, _, region = service.partition("/")
                sdk = BY_SDK.get(plain, plain)
                made = session.client(sdk, config=config, region_name=region or None)
                each_second = min(self.estate.calls_per_second, _SLOWER.get(plain, inf))
                rate = self._rates.setdefault((account, service), Rate(each_second))
                at_most = WAIT_SECONDS if mode == "writing" else inf
                made.meta.events.register("before-call.*.*", self._before(plain, rate, at_most))
                if mode == "writing":
                    made.meta.events.register("before-send.*.*", self._in_time)
                for shown, key_ in _WRITTEN_BACK.get(plain, {}).items():
                    made.meta.events.register(f"after-call.{shown}", partial(_unknown, key_))
                if plain == "s3control":
                    made.meta.events.register("before-sign.s3-control.*", _at_an_address)
                if service == "iam":  # it would parse policies, and their verbatim text be lost
                    made.meta.events.unregister("after-call.iam", json_decode_policies)
                self._clients[key] = made
            return self._clients[key]

    def _in_time(self, **_: Any) -> None:
        """Right before a write leaves, signed: is it still early enough?"""
        since: float | None = getattr(self._begun, "since", None)
        if since is None or self._begun.taken:
            since = self._begun.at
        most = WAIT_SECONDS if self.patience is None else self.patience
        if time.monotonic() - since > most:
            raise late("the credentials, or what is read before, took so long")

    def _before(self, service: str, rate: Rate, at_most: float) -> Callable[..., None]:
        def before(model: Any, **_: Any) -> None:
            rate.take(at_most)
            with self._lock:
                self.calls += 1
            self.on_call(service, model.name)

        return before

    def _session(self, account: str, role: str) -> boto3.Session:
        if (account, role) not in self._sessions:
            self._sessions[account, role] = self._assumed(role)
        return self._sessions[account, role]

    def _assumed(self, role: str) -> boto3.Session:
        core = self._core()
        region = core.get_config_variable("region") or REGION
        if not role:
            return boto3.Session(botocore_session=core, region_name=region)
        source = core.get_credentials()
        if source is None:
            raise NoCredentialsError
        extra: dict[str, Any] = {"RoleSessionName": SESSION_NAME}
        if self.estate.external_id:
            extra["ExternalId"] = self.estate.external_id
        fetcher = AssumeRoleCredentialFetcher(
            client_creator=partial(core.create_client, region_name=region, config=_ASSUMING),
            source_credentials=source,
            role_arn=role,
            extra_args=extra,
        )
        inner: Any = self._core()
        inner._credentials = DeferredRefreshableCredentials(  # noqa: SLF001 - botocore's own way
            method="assume-role", refresh_using=fetcher.fetch_credentials
        )
        return boto3.Session(botocore_session=inner, region_name=region)

    def _core(self) -> CoreSession:
        """A session that shares AWS's models of its services with the others: EC2's is large."""
        session = self.session()
        if self._models is None:
            self._models = session.get_component("data_loader")
        session.register_component("data_loader", self._models)
        return session

    def role(self, account: str) -> str:
        """The ARN of the role that writes in an account; nothing means our own credentials.

        The organization's is in the account that may write its policies.
        """
        if (own := self.organization(account)) is not None:
            return f"arn:aws:iam::{own.account}:role/{own.role}"
        name = self.estate.accounts[account].role or self.estate.role
        return f"arn:aws:iam::{account}:role/{name}" if name else ""

    def read_role(self, account: str) -> str:
        """The ARN of the role that reads in an account: its own where there is one."""
        if (own := self.organization(account)) is not None and own.read_role:
            return f"arn:aws:iam::{own.account}:role/{own.read_role}"
        if own is not None:
            return self.role(account)
        name = self.estate.accounts[account].read_role or self.estate.read_role
        return f"arn:aws:iam::{account}:role/{name}" if name else self.role(account)

    def organization(self, realm: str) -> AwsOrganization | None:
        """The estate's organization, if this is its id and not an account's."""
        own = self.estate.organization
        return own if own is not None and own.id == realm else None

    def identity(self, account: str) -> str:
        """Who we are in an account, as `aws:PrincipalArn` has it. Raises ConnectorError.

        https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
        """
        if role := self.role(account):
            return role
        arn = str(self.ask(account, "sts", "get_caller_identity")["Arn"])
        if ":assumed-role/" not in arn:
            return arn
        name = arn.split("/")[1]  # a session's ARN has lost its role's path
        return str(self.ask(account, "iam", "get_role", RoleName=name)["Role"]["Arn"])


BY_SDK = {"s3express": "s3"}
"""The SDK's client for a service that it has within another one: its actions are its own."""
_WRITTEN_BACK = {
    "cognito-idp": {"cognito-identity-provider.DescribeUserPoolClient": "UserPoolClient"},
    "events": {"eventbridge.ListTargetsByRule": "Targets"},
    "logs": {
        "cloudwatch-logs.DescribeAccountPolicies": "accountPolicies",
        "cloudwatch-logs.DescribeSubscriptionFilters": "subscriptionFilters",
    },
}
"""What shows something that is written back as it was shown, and where its answer has it."""


def _unknown(key: str, http_response: Any, parsed: Any, **_: Any) -> None:
    """Name what an answer says of such a thing and the SDK's model does not know: it drops that.

    Written back without it, it would be set to its default.
    https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_UpdateUserPoolClient.html
    """
    if http_response.raw is not None and key in parsed:
        said, kept = json.loads(http_response.content)[key], parsed[key]
        several = isinstance(kept, list)
        for one, shown in zip(said, kept, strict=True) if several else [(said, kept)]:
            shown["Unknown"] = sorted(_dropped(one, shown))


def _after(page: Any) -> dict[str, Any]:
    """What asks for the page after this one; nothing where it is the last."""
    inside = (p["NextMarker"] for p in page.values() if isinstance(p, dict) and p.get("NextMarker"))
    said = [("Marker", next(inside, "")), *((to, page.get(key)) for key, to in _TOKENS.items())]
    return next(({key: token} for key, token in said if token), {})


def _dropped(said: Any, kept: Any) -> Iterator[str]:
    """Names of what is said and was not kept, at any depth."""
    if isinstance(said, dict) and isinstance(kept, dict):
        for name, value in said.items():
            if name in kept:
                yield from (f"{name}.{inner}" for inner in _dropped(value, kept[name]))
            elif value is not None:  # `null` says nothing, and the SDK drops that too
                yield name


def _at_an_address(request: Any, **_: Any) -> None:
    """The SDK sets the account before the host's name: an address has no names below it.

    The account is in a header as well.
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_GetAccessPointPolicy.html
    """
    host = urlsplit(request.url).hostname or ""
    account, _dot, rest = host.partition(".")
    with suppress(ValueError):
        ip_address(rest)
        request.url = request.url.replace(f"//{account}.", "//", 1)


_TOKENS = {
    "Marker": "Marker", "NextToken": "NextToken", "nextToken": "nextToken",
    "LastEvaluatedStreamArn": "ExclusiveStartStreamArn",
}  # fmt: skip
_NAMED = (
    "UserName", "RoleName", "PolicyArn", "PolicyName", "Bucket", "KeyId", "TopicArn", "QueueName",
    "QueueUrl", "SecretId", "repositoryName", "ResourceArn", "Name", "EventBusName", "FunctionName",
    "FileSystemId", "DomainName", "PrincipalId", "UserId", "GroupId", "TargetId", "PolicyId",
    "AccountId",
    "ImageId", "SnapshotId", "DBSnapshotIdentifier", "DBClusterSnapshotIdentifier",
    "resourceShareArn", "ResourceARN", "BackupVaultName", "LayerName", "ServiceId", "UserPoolId",
    "Id", "FpgaImageId", "DataShareArn", "ClusterIdentifier", "SnapshotIdentifier", "profileName",
    "ApplicationId", "repository", "domain", "tableBucketARN", "vectorBucketName",
    "resourceIdentifier", "Rule", "SubscriptionArn", "logGroupName", "policyName",
)  # fmt: skip
