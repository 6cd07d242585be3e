"""Lifecycle rules of buckets: toggles. No bucket policy stops an expiry, so a freeze must.

The whole configuration is one document; an address is one rule, by its id. Only `Status` of our
rules is changed; rules that a stranger adds meanwhile are kept, and so is the order. S3 may show an
older configuration for a while; the sweep and the reading back at the end come after that.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/how-to-set-lifecycle-configuration-intro.html
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from stopline.connectors.aws.clients import Clients
from stopline.connectors.aws.documents import address, gone
from stopline.errors import ConnectorError
from stopline.model import Change, Document, State
from stopline.port import Observed
from stopline.text import Json, canonical, sha256

KIND = "bucket-lifecycle"
_SMALLEST = "TransitionDefaultMinimumObjectSize"


def part_of(rule: Json) -> str:
    """What names a rule: its id; for one without, all that it says but its status."""
    said = {key: value for key, value in rule.items() if key != "Status"}
    return str(rule.get("ID") or f"~{sha256(canonical(said))[:12]}")


def read(clients: Clients, document: Document) -> Observed:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLifecycleConfiguration.html"""
    words = {"Bucket": document.id, "ExpectedBucketOwner": document.realm}
    try:
        found = clients.ask(document.realm, "s3", "get_bucket_lifecycle_configuration", **words)
    except ConnectorError as error:
        if "NoSuchLifecycleConfiguration" in error.detail:
            return Observed(document)
        if gone(error):
            return Observed(document, exists=False)
        raise
    whole = {key: _plain(found[key]) for key in ("Rules", _SMALLEST) if key in found}
    states = {address(document, part_of(rule)): State.of(rule) for rule in whole["Rules"]}
    return Observed(document, states, raw=canonical(whole))


def _plain(value: Any) -> Json:
    """Provider data as JSON: a rule may name a date."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value


def write(clients: Clients, observed: Observed, changes: Sequence[Change]) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLifecycleConfiguration.html"""
    document = observed.document
    wanted = {c.address.part: c.after.value for c in changes if c.after is not None}
    whole = json.loads(observed.raw or '{"Rules":[]}')
    rules = [wanted.get(part_of(rule), rule) for rule in whole["Rules"]]
    words: dict[str, Any] = {"Bucket": document.id, "ExpectedBucketOwner": document.realm}
    if _SMALLEST in whole:  # left out, AWS would put its own default in its place
        words[_SMALLEST] = whole[_SMALLEST]
    configuration = {"Rules": rules}
    clients.do(
        document.realm,
        "s3",
        "put_bucket_lifecycle_configuration",
        LifecycleConfiguration=configuration,
        **words,
    )
