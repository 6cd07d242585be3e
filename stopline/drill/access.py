"""Plain boto3 into the emulated estate: as its owner, or as anybody whose keys we have."""

import threading
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.handlers import json_decode_policies

REGION = "us-east-1"
WORKER_ROLE = "stopline/stopline-worker"
_CONFIG = Config(retries={"mode": "standard", "total_max_attempts": 3}, max_pool_connections=16)


@dataclass(frozen=True, slots=True)
class Credentials:
    """An access key, or a session when there is a token."""

    key: str
    secret: str
    token: str = ""


@dataclass
class Access:
    """Clients of an estate as its owner sees it."""

    url: str
    accounts: tuple[str, ...]
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict, repr=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    def as_(self, who: Credentials, service: str) -> Any:
        """A client that signs with somebody's credentials."""
        sdk: Any = boto3  # the stubs want a literal service name
        client = sdk.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=who.key,
            aws_secret_access_key=who.secret,
            aws_session_token=who.token or None,
            config=_CONFIG,
        )
        if service == "s3control":  # an address has no names below it
            client.meta.events.register("before-sign.s3-control.*", self._plain)
        if service == "iam":  # policies as the texts that they are, not parsed
            client.meta.events.unregister("after-call.iam", json_decode_policies)
        return client

    def _plain(self, request: Any, **_: Any) -> None:
        request.url = urlsplit(request.url)._replace(netloc=urlsplit(self.url).netloc).geturl()

    def assume(self, who: Credentials, role: str) -> Credentials:
        """Take a role with somebody's credentials."""
        answer = self.as_(who, "sts").assume_role(RoleArn=role, RoleSessionName="drill")
        taken = answer["Credentials"]
        return Credentials(taken["AccessKeyId"], taken["SecretAccessKey"], taken["SessionToken"])

    def client(self, account: str, service: str) -> Any:
        """A client of one account, as its owner; the emulator lets anybody assume anything."""
        with self._lock:
            key = (account, service)
            if key not in self._clients:
                role = f"arn:aws:iam::{account}:role/{WORKER_ROLE}"
                made = self.as_(self.assume(Credentials("owner", "owner"), role), service)
                if service == "s3control":  # each of its calls wants to be told whose it is
                    event = "provide-client-params.s3-control.*"
                    made.meta.events.register(event, partial(_told, account))
                self._clients[key] = made
            return self._clients[key]


def _told(account: str, params: dict[str, Any], **_: Any) -> dict[str, Any]:
    return {"AccountId": account, **params}
