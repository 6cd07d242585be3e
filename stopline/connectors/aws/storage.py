"""What a vendor reaches of an estate's buckets, and what is to be preserved; and our own marks."""

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from stopline.connectors.aws import lifecycle, marks, policy, reading
from stopline.connectors.aws.clients import Clients
from stopline.connectors.aws.documents import our_statements
from stopline.connectors.aws.levers import NAME
from stopline.connectors.aws.selection import Reach
from stopline.errors import ConnectorError
from stopline.model import Address, Counted, Document, Found, Gap, Grant, Seen, State
from stopline.text import Json

PUBLIC = (
    "http://acs.amazonaws.com/groups/global/AllUsers",
    "http://acs.amazonaws.com/groups/global/AuthenticatedUsers",
)


READERS_AT_ONCE = 8


def discover(
    clients: Clients, numbers: Sequence[str], reach: Reach, *, whole: bool
) -> Iterator[Found]:
    """Yield the buckets of some accounts. `whole`: they are all accounts of the estate."""
    lost = set(reach.selectors.preserve)
    unread = False
    with ThreadPoolExecutor(max(1, len(numbers))) as pool:
        for found in pool.map(lambda n: list(_account(clients, n, reach)), numbers):
            yield from found
            unread |= any(isinstance(item, Gap) for item in found)
            names = [i.address.id for i in found if isinstance(i, Grant)]
            lost = {p for p in lost if not any(policy.matches([p], name) for name in names)}
    for pattern in sorted(lost) if whole and not unread else ():
        cause = "no bucket of the estate has this name, which the vendor's file wants preserved"
        yield Gap(NAME, "*", f"bucket {pattern}", cause)


def _account(clients: Clients, number: str, reach: Reach) -> Iterator[Found]:
    reached: list[Grant] = []
    count = 0
    try:
        for bucket in reading.buckets(clients, number):
            count += 1
            if isinstance(bucket, tuple):
                name, error = bucket
                yield Gap(NAME, number, f"bucket {name}", error.detail)
                continue
            yield from _our_marks(bucket)
            reached += _bucket(bucket, reach)
    except ConnectorError as error:
        yield Gap(NAME, number, "buckets", error.detail)
        return
    yield Counted(NAME, number, "bucket", count)
    with ThreadPoolExecutor(READERS_AT_ONCE) as pool:
        for found in pool.map(lambda grant: list(_settings(clients, number, grant)), reached):
            yield from found


def _settings(clients: Clients, number: str, grant: Grant) -> Iterator[Found]:
    """The bucket with its versioning, as a record; each lifecycle rule, which deletes by itself."""
    name, versioning = grant.address.id, "unknown"
    document = Document(NAME, number, lifecycle.KIND, name)
    try:
        versioning = reading.versioning(clients, number, name)
        for address, state in sorted(lifecycle.read(clients, document).states.items()):
            via = f"lifecycle of {name}"
            yield Grant(address, state, grant.principal, "lifecycle rule", grant.target, via)
    except ConnectorError as error:
        yield Gap(NAME, number, f"lifecycle or versioning of bucket {name}", error.detail)
    yield replace(grant, state=State.of({**grant.state.value, "versioning": versioning}))


def _our_marks(bucket: reading.Bucket) -> Iterator[Seen]:
    document = Document(NAME, bucket.account, "bucket-policy-statement", bucket.name)
    if bucket.raw:
        for where, state in our_statements(document, bucket.raw).items():
            yield Seen(where, state)


def _bucket(bucket: reading.Bucket, reach: Reach) -> Iterator[Grant]:
    document = json.loads(bucket.raw) if bucket.raw else {}
    named = [p for p in reach.selectors.preserve if policy.matches([p], bucket.name)]
    ways = (*_ways_in(bucket, document, reach), *(f"preserve: {p}" for p in named))
    if not ways:
        return
    arn = f"arn:aws:s3:::{bucket.name}"
    state = state_of(bucket.raw, document, ways, reach)
    address = Address(NAME, bucket.account, "bucket", bucket.name)
    yield Grant(address, State.of(state), arn, "bucket", arn, "; ".join(ways))


def state_of(raw: str, document: Json, ways: Sequence[str], reach: Reach) -> Json:
    """What an opinion needs of a policy that lets the vendor in: the same with and without ours."""
    sids = [str(s.get("Sid", "")) for s in policy.statements(document)]
    return {
        "policy_bytes": _size(document),
        "orphans": list(marks.orphans(raw)),
        "marks": sorted(set(filter(None, map(marks.journal_of_sid, sids)))),
        "accounts": sorted(reach.selectors.accounts),
        "own": list(reach.own),
        "reached_by": list(ways),
    }


def _size(document: Json) -> int:
    """Bytes of a policy without our statements; none, where there is no policy."""
    text = json.dumps(marks.unmarked(document), separators=(",", ":"))
    return len(text.encode()) if document else 0


def _ways_in(bucket: reading.Bucket, document: Json, reach: Reach) -> Iterator[str]:
    admitted = policy.admitted(document, "s3:*", reach.vendors)
    yield from (f"bucket policy: {way}" for way in admitted.vendor)
    for grantee in bucket.grantees:
        if grantee in reach.selectors.canonical_ids:
            yield f"ACL grant to {grantee[:12]}"
        elif grantee in PUBLIC:
            yield f"ACL grant to {grantee.rpartition('/')[2]}"
    arn = f"arn:aws:s3:::{bucket.name}"
    for one in reach.selected:
        identity = one.identity
        same = identity.account == bucket.account
        if same and policy.allows(identity.documents, "s3:*", arn):
            yield f"identity policy of {identity.kind} {identity.name}"
