"""An emulated AWS in this process, seeded behind the connector's back, and what was asked of it."""

import io
import json
import logging
import os
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import pytest
import urllib3
from botocore.awsrequest import AWSResponse, HeadersDict
from botocore.config import Config
from botocore.loaders import Loader
from botocore.session import Session as CoreSession

from stopline.connectors.aws import AwsConnector
from stopline.connectors.aws.clients import Clients
from stopline.connectors.aws.permissions import permission_of
from stopline.estate import AwsAccount, AwsEstate
from stopline.playbook import Playbook, parse_playbook
from stopline.text import Json
from stopline.vendors import AwsSelectors, Vendor

RESEARCH, DATA = "111122223333", "222233334444"
MERCOR, MERCER = "444455556666", "777788889999"
CANONICAL = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"
EXTERNAL = "mercor-prod-7c1d"
PATH = "/vendors/mercor/"
ROLE = "stopline/stopline-worker"
VENDOR = Vendor(
    vendor="mercor",
    aws=AwsSelectors(
        accounts=(MERCOR,),
        external_ids=(EXTERNAL,),
        paths=(PATH,),
        tags={"vendor": "mercor"},
        principals=(f"arn:aws:iam::{RESEARCH}:user/svc-annotation-*",),
        canonical_ids=(CANONICAL,),
        identity_providers=("arn:aws:iam::*:saml-provider/mercor-idp",),
    ),
)
RULES = (
    ("users", "deny-all"), ("roles", "deny-all"), ("access-keys", "inactive"),
    ("ssh-keys", "inactive"), ("signing-certificates", "inactive"), ("buckets", "vendor"),
    ("shared-roles", "trust-deny"),
)  # fmt: skip
PLAYBOOK: Playbook = parse_playbook(
    "playbook: default\nphases:\n  - name: all\n    rules:\n"
    + "\n".join(
        f"      - {{name: {contains}, connector: aws, contains: {contains}, how: {how}}}"
        for contains, how in RULES
    ),
    "default.yaml",
)
LOADER = Loader(include_default_search_paths=True)
"""Shared: reading the service models anew for each session is most of what a test would take."""

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "AKIAWORKER0000000000",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "MOTO_S3_ALLOW_CROSSACCOUNT_ACCESS": "false",
    "MOTO_IAM_LOAD_MANAGED_POLICIES": "false",
    "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",
}


def a_session() -> CoreSession:
    """A session as `botocore.session.get_session` gives it, with the service models shared."""
    session = CoreSession()
    session.register_component("data_loader", LOADER)
    return session


def estate(**words: Any) -> AwsEstate:
    """Two accounts, with a role to assume in each, as fast as the emulator can.

    Nothing but principals and buckets is looked at where no `resources` are named: a client of each
    service would be most of what a test takes.
    """
    accounts = {RESEARCH: AwsAccount(name="research"), DATA: AwsAccount(name="data")}
    said = {"accounts": accounts, "role": ROLE, "calls_per_second": 1e6, "resources": ()}
    return AwsEstate(**said | words)


def error_text(code: str, message: str = "as the test wants it") -> str:
    """AWS's own shape of an error, as IAM, STS and S3 understand it."""
    error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
    return f"<ErrorResponse>{error}<RequestId>r</RequestId></ErrorResponse>"


def body_of(request: Any) -> str:
    """A request's text, as the query protocol has it."""
    return request.body.decode() if isinstance(request.body, bytes) else str(request.body or "")


def answer(status: int, text: str) -> AWSResponse:
    """An answer that never came over the wire."""
    raw: Any = urllib3.HTTPResponse(io.BytesIO(text.encode()), preload_content=False)
    return AWSResponse("http://127.0.0.1/", status, HeadersDict({"Content-Type": "text/xml"}), raw)


def allow(action: Json, resource: Json, **more: Json) -> Json:
    """A policy of one statement, without a list around it."""
    statement = {"Effect": "Allow", "Action": action, "Resource": resource, **more}
    return {"Version": "2012-10-17", "Statement": statement}


def trust(principal: Json, condition: Json = None, action: str = "sts:AssumeRole") -> Json:
    """A trust policy of one statement."""
    statement = {"Effect": "Allow", "Principal": principal, "Action": action}
    if condition:
        statement["Condition"] = condition
    return {"Version": "2012-10-17", "Statement": [statement]}


def bucket_policy(bucket: str, principal: Json, **more: Json) -> Json:
    """A bucket policy of one statement."""
    resources = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    return allow(["s3:GetObject", "s3:ListBucket"], resources, Principal=principal, **more)


@lru_cache
def owners_client(url: str, account: str, service: str, region: str = "us-east-1") -> Any:
    """The owner's own client of one account, for seeding and for looking."""
    client = a_session().create_client(
        service,
        region_name=region,
        endpoint_url=url,
        aws_access_key_id="owner",
        aws_secret_access_key="owner",
        config=Config(retries={"total_max_attempts": 1}),
    )

    def as_account(request: Any, **_: Any) -> None:
        request.headers["x-moto-account-id"] = account

    def plain(request: Any, **_: Any) -> None:
        request.url = urlsplit(request.url)._replace(netloc=urlsplit(url).netloc).geturl()

    client.meta.events.register("before-send", as_account)
    client.meta.events.register("before-sign.s3-control.*", plain)
    return client


@dataclass
class Cloud:
    """One emulated AWS. The connectors that it makes keep the calls that they really made."""

    url: str
    used: list[str] = field(default_factory=list)
    closed: set[str] = field(default_factory=set)
    """Accounts in which nobody lets us assume our role."""
    sent: list[Any] = field(default_factory=list)
    """Every request of the connectors', as it was about to go out."""
    interfere: Callable[[Any], AWSResponse | None] = lambda _request: None
    """Called with each of them; an answer of its own takes the place of the emulator's."""
    resources: tuple[str, ...] = ()
    """What its connectors look at, where a test does not say."""

    def iam(self, account: str = RESEARCH) -> Any:
        """The owner's IAM client."""
        return owners_client(self.url, account, "iam")

    def s3(self, account: str = DATA) -> Any:
        """The owner's S3 client."""
        return owners_client(self.url, account, "s3")

    def session(self) -> CoreSession:
        """A session whose calls are written down, whoever makes them."""
        session = a_session()

        def called(model: Any, **_: Any) -> None:
            self.used.append(permission_of(model.service_model.service_name, model.name))

        session.register("before-call", called)
        session.register("before-send", self._sending)
        session.register("before-send.sts.AssumeRole", self._assuming)
        return session

    def _sending(self, request: Any, **_: Any) -> Any:
        self.sent.append(request)
        return self.interfere(request)

    def _assuming(self, request: Any, **_: Any) -> Any:
        """Answer in place of STS where an account does not know us."""
        if any(f"%3A{account}%3Arole" in body_of(request) for account in self.closed):
            return answer(403, error_text("AccessDenied", "not authorized to assume the role"))
        return None

    def connector(self, **words: Any) -> AwsConnector:
        """A connector over the estate; `words` are the estate's."""
        made = estate(**{"resources": self.resources} | words)
        # Where more tests run than there are cores, a role is assumed slowly, and not late.
        return AwsConnector(Clients(made, self.session, patience=30), 0.0)

    def user(
        self, name: str, path: str = PATH, *, account: str = RESEARCH, keys: str = "A", **words: Any
    ) -> list[str]:
        """A user with a key for each letter (Active or Inactive); returns the keys' ids."""
        iam, ids = self.iam(account), []
        iam.create_user(UserName=name, Path=path, **words)
        for letter in keys:
            ids.append(iam.create_access_key(UserName=name)["AccessKey"]["AccessKeyId"])
            if letter == "I":
                iam.update_access_key(UserName=name, AccessKeyId=ids[-1], Status="Inactive")
        return ids

    def role(self, name: str, trusted: Json, path: str = "/", account: str = RESEARCH) -> str:
        """A role; returns its ARN."""
        made = self.iam(account).create_role(
            RoleName=name, Path=path, AssumeRolePolicyDocument=json.dumps(trusted)
        )
        return str(made["Role"]["Arn"])

    def bucket(self, name: str, policy: Json | str = "", account: str = DATA) -> None:
        """A bucket, with a policy or a verbatim policy text."""
        s3 = self.s3(account)
        s3.create_bucket(Bucket=name)
        text = policy if isinstance(policy, str) else json.dumps(policy)
        if text:
            s3.put_bucket_policy(Bucket=name, Policy=text)

    def policy(self, bucket: str, account: str = DATA) -> str:
        """A bucket's policy text, verbatim; nothing where it has none."""
        s3 = self.s3(account)
        try:
            return str(s3.get_bucket_policy(Bucket=bucket)["Policy"])
        except s3.exceptions.ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchBucketPolicy", "NoSuchBucket"):
                return ""
            raise


@contextmanager
def cloud_server() -> Iterator[str]:
    """Serve the emulator in a thread of this process; yield its address."""
    from moto.server import ThreadedMotoServer  # noqa: PLC0415 - takes a second to import

    from stopline.drill import iam  # noqa: PLC0415 - as above

    iam.extend()

    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line for each call tells nothing
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()
        server._server.server_close()


def environment(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Our own credentials, and nothing that could lead anywhere else."""
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    for name, value in (ENVIRONMENT | {"AWS_ENDPOINT_URL": url}).items():
        monkeypatch.setenv(name, value)


@contextmanager
def fresh(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """An empty emulator, and an environment in which nothing else can be reached."""
    environment(monkeypatch, url)
    request = urllib.request.Request(  # noqa: S310 - loopback, http only
        f"{url}/moto-api/reset", method="POST"
    )
    with urllib.request.urlopen(request, timeout=10):  # noqa: S310 - as above
        yield Cloud(url)
