"""Settings of a bucket that decide what is lost in it: each is one state of one document.

Public access prevention, versioning, soft delete, and each lifecycle rule, named by a digest of
what it says, since Google gives rules no names. All are written in one patch, on the metageneration
at which they were read: Google takes one change of a bucket's metadata a second.
https://docs.cloud.google.com/storage/docs/json_api/v1/buckets
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from stopline.connectors.gcp.clients import Clients
from stopline.errors import ConnectorError
from stopline.model import Address, Change, Document, State
from stopline.port import Observed
from stopline.receipts import Cause
from stopline.text import Json, canonical, sha256

KIND = "bucket-setting"
PUBLIC, VERSIONS, SOFT_DELETE = "publicAccessPrevention", "versioning", "softDelete"
RULE = "lifecycle/"


def settings(bucket: Json) -> dict[str, State]:
    """What a bucket says of itself, by what names it; nothing where it does not say it."""
    access = bucket.get("iamConfiguration", {})
    kept = bucket.get("softDeletePolicy", {})
    return {
        PUBLIC: _only(access, PUBLIC),
        VERSIONS: _only(bucket.get("versioning", {}), "enabled"),
        SOFT_DELETE: _only(kept, "retentionDurationSeconds"),
        **{part: State.of(rule) for part, rule in _named(_rules(bucket))},
    }


def _only(said: Json, key: str) -> State:
    return State.of({key: said[key]} if key in said else {})


def states(document: Document, bucket: Json) -> dict[Address, State]:
    """The same by address."""
    return {
        Address(document.connector, document.realm, KIND, f"{document.id}#{part}"): state
        for part, state in settings(bucket).items()
    }


def _rules(bucket: Json) -> list[Json]:
    found: list[Json] = bucket.get("lifecycle", {}).get("rule", [])
    return found


def _named(rules: Iterable[Json]) -> Iterator[tuple[str, Json]]:
    """Each rule by its digest; one that is said twice has a number besides."""
    seen: Counter[str] = Counter()
    for rule in rules:
        digest = sha256(canonical(rule))[:12]
        seen[digest] += 1
        yield f"{RULE}{digest}{f'.{seen[digest]}' if seen[digest] > 1 else ''}", rule


def read(clients: Clients, document: Document) -> Observed:
    """https://docs.cloud.google.com/storage/docs/json_api/v1/buckets/get"""
    try:
        said = clients.ask("storage/v1/buckets.get", bucket=document.id)
    except ConnectorError as error:
        if error.cause is not Cause.GONE:
            raise
        return Observed(document, exists=False)
    raw = json.dumps({"rule": _rules(said)})
    return Observed(document, states(document, said), raw=raw, tag=str(said["metageneration"]))


def write(
    clients: Clients, observed: Observed, changes: Sequence[Change], original: str | None
) -> None:
    """Only what is to change is sent; rules go as a whole, with those that others have added.

    https://docs.cloud.google.com/storage/docs/json_api/v1/buckets/patch
    """
    bucket = observed.document.id
    if not observed.exists:
        raise ConnectorError(Cause.GONE, f"the bucket {bucket} is not there any more")
    wanted = {change.address.part: change.after for change in changes}
    body = dict(_settings(wanted))
    if any(part.startswith(RULE) for part in wanted):
        before = json.loads(original)["rule"] if original else []
        body["lifecycle"] = {"rule": _edited(json.loads(observed.raw)["rule"], wanted, before)}
    words = {"bucket": bucket, "ifMetagenerationMatch": observed.tag}
    clients.do("storage/v1/buckets.patch", **words, body=body)


_FIELDS = {VERSIONS: "versioning", SOFT_DELETE: "softDeletePolicy"}


def _settings(wanted: Mapping[str, State | None]) -> Iterator[tuple[str, Json]]:
    """A patch of each: `null` takes out what was not said before."""
    for part, state in wanted.items():
        said = state.value if state is not None else {}
        if part == PUBLIC:
            yield "iamConfiguration", {PUBLIC: said.get(PUBLIC)}
        elif part in _FIELDS:
            yield _FIELDS[part], said or None


def _edited(now: list[Json], wanted: Mapping[str, State | None], original: list[Json]) -> Json:
    """The rules as they are now, without some and with others; in the old order if all are back."""
    rules = [rule for part, rule in _named(now) if part not in wanted]
    rules += [s.value for p, s in wanted.items() if s is not None and p.startswith(RULE)]
    same = sorted(map(canonical, rules)) == sorted(map(canonical, original))
    return original if same else rules
