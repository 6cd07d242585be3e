"""IAM Roles Anywhere, which the emulator does not have: answered as AWS's own model says.

What is asked and answered is held to the SDK's model of the service: the paths and the names of
its members are read from there. One account, one region.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from botocore.awsrequest import AWSResponse
from botocore.loaders import Loader
from botocore.model import ServiceModel
from support.aws import DATA, MERCOR, answer

from stopline.text import Json

REGION = "us-east-1"
_MADE = datetime(2026, 1, 1, tzinfo=UTC).isoformat()
THEIRS, LABS = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
TAGGED = "33333333-3333-4333-8333-333333333333"
OFF = "44444444-4444-4444-8444-444444444444"
PCA = f"arn:aws:acm-pca:{REGION}:{MERCOR}:certificate-authority/ca"


@cache
def model() -> ServiceModel:
    """AWS's own model of the service."""
    loaded = Loader(include_default_search_paths=True).load_service_model(
        "rolesanywhere", "service-2"
    )
    return ServiceModel(loaded, "rolesanywhere")


@cache
def operations() -> dict[tuple[str, str], str]:
    """Each operation by its method and path, its parameter as `*`."""
    named = (model().operation_model(name) for name in model().operation_names)
    return {
        (one.http["method"], "/".join("*" if "{" in p else p for p in _path(one))): one.name
        for one in named
    }


def _path(operation: Any) -> list[str]:
    return str(operation.http["requestUri"]).split("/")


def anchor(id_: str, source: Json = None, *, enabled: bool = True) -> Json:
    """A trust anchor, as `GetTrustAnchor` shows it."""
    bundle = {"sourceType": "CERTIFICATE_BUNDLE", "sourceData": {"x509CertificateData": "PEM"}}
    return {
        "trustAnchorId": id_,
        "trustAnchorArn": f"arn:aws:rolesanywhere:{REGION}:{DATA}:trust-anchor/{id_}",
        "name": f"anchor-{id_[0]}",
        "source": source or bundle,
        "enabled": enabled,
        "createdAt": _MADE,
        "updatedAt": _MADE,
    }


def profile(id_: str, *roles: str, enabled: bool = True) -> Json:
    """A profile, as `GetProfile` shows it."""
    return {
        "profileId": id_,
        "profileArn": f"arn:aws:rolesanywhere:{REGION}:{DATA}:profile/{id_}",
        "name": f"profile-{id_[0]}",
        "roleArns": list(roles),
        "durationSeconds": 3600,
        "enabled": enabled,
        "createdAt": _MADE,
        "updatedAt": _MADE,
    }


def from_authority(arn: str = PCA) -> Json:
    """What an anchor trusts: a private authority, which may be another account's."""
    return {"sourceType": "AWS_ACM_PCA", "sourceData": {"acmPcaArn": arn}}


@dataclass
class Anywhere:
    """What one account has of it. `instead` may answer in its place; what it did is counted."""

    anchors: dict[str, Json] = field(default_factory=dict)
    profiles: dict[str, Json] = field(default_factory=dict)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    """By the end of an ARN."""
    asked: list[str] = field(default_factory=list)
    instead: Callable[[str], AWSResponse | None] = lambda _operation: None
    page: int = 1
    """How many a page of a list holds."""

    def put(self, *things: Json) -> None:
        """Have anchors and profiles."""
        for thing in things:
            if "profileId" in thing:
                self.profiles[thing["profileId"]] = thing
            else:
                self.anchors[thing["trustAnchorId"]] = thing

    def on(self) -> set[str]:
        """The ids of all that is switched on."""
        every = (*self.anchors.items(), *self.profiles.items())
        return {id_ for id_, thing in every if thing["enabled"]}

    def interfere(self, request: Any) -> AWSResponse | None:
        """Answer a request to this service, and no other; see `Cloud.interfere`."""
        said = request.headers.get("Authorization", b"")
        if b"/rolesanywhere/" not in (said if isinstance(said, bytes) else said.encode()):
            return None
        parts = urlsplit(request.url)
        path = parts.path.split("/")
        known = "/".join([*path[:2], *("*" for _ in path[2:3]), *path[3:]])
        operation = operations().get((request.method, known), "")
        self.asked.append(operation)
        return self.instead(operation) or self.answered(operation, path, parse_qs(parts.query))

    def answered(self, operation: str, path: list[str], query: dict[str, list[str]]) -> AWSResponse:
        """What AWS would say."""
        if operation == "ListTagsForResource":
            tags = self.tags.get(query["resourceArn"][0].rpartition("/")[2], {})
            return _json(200, {"tags": [{"key": k, "value": v} for k, v in tags.items()]})
        kind = "profile" if "Profile" in operation else "trustAnchor"
        held = self.profiles if kind == "profile" else self.anchors
        if operation.startswith("List"):
            at = int(query.get("nextToken", ["0"])[0])
            some = [*held.values()][at : at + self.page]
            more = {"nextToken": str(at + self.page)} if at + self.page < len(held) else {}
            return _json(200, {f"{kind}s": some, **more})
        id_ = unquote(path[2])
        if id_ not in held:
            return _json(404, {"message": "no such thing"}, "ResourceNotFoundException")
        if operation.startswith(("Enable", "Disable")):
            held[id_] = {**held[id_], "enabled": operation.startswith("Enable")}
        elif not operation.startswith("Get"):
            return _json(501, {"message": f"{operation} is not answered here"})
        return _json(200, {kind: held[id_]})


def _json(status: int, body: Json, code: str = "") -> AWSResponse:
    made = answer(status, json.dumps(body))
    made.headers["Content-Type"] = "application/json"
    if code:
        made.headers["x-amzn-ErrorType"] = code
    return made


def refused(status: int, code: str) -> AWSResponse:
    """An error as the service says it."""
    return _json(status, {"message": "as the test wants it"}, code)
