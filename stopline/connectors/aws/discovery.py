"""What a vendor holds in an estate of accounts: users, keys, roles, buckets; and our own marks."""

import json
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from stopline.connectors.aws import marks, policy, reading
from stopline.connectors.aws.clients import Clients
from stopline.connectors.aws.faults import translated
from stopline.connectors.aws.selection import Selected, select, vendors_of
from stopline.errors import ConnectorError
from stopline.model import (
    Address,
    Counted,
    Found,
    Gap,
    Grant,
    Quota,
    Scope,
    Seen,
    State,
)
from stopline.text import Json
from stopline.vendors import AwsSelectors, Vendor

NAME = "aws"
ATTACHED = 10
"""Policies that can be attached to one principal, by default.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""

PUBLIC = (
    "http://acs.amazonaws.com/groups/global/AllUsers",
    "http://acs.amazonaws.com/groups/global/AuthenticatedUsers",
)


def selectors_of(vendor: Vendor, scope: Scope) -> AwsSelectors:
    """The vendor's selectors, or those of the project that the scope names."""
    if not scope.project:
        return vendor.aws
    project = vendor.projects.get(scope.project)
    return project.aws if project is not None else AwsSelectors()


def discover(clients: Clients, vendor: Vendor, scope: Scope) -> Iterator[Found]:
    """Yield what the vendor holds. An account that cannot be read is a gap; the others go on."""
    selectors = selectors_of(vendor, scope)
    numbers = [n for n in sorted(clients.estate.accounts) if not scope.realms or n in scope.realms]
    accounts: list[reading.Account] = []
    with ThreadPoolExecutor(max(1, len(numbers))) as pool:
        for number, read in zip(
            numbers, pool.map(lambda n: _read(clients, n), numbers), strict=True
        ):
            if isinstance(read, ConnectorError):
                yield Gap(NAME, number, "users, roles and policies", read.detail)
            else:
                accounts.append(read)
    identities = [i for a in accounts for i in a.identities]
    selected = select(identities, selectors)
    for each in accounts:
        yield from _principals(clients, each, selected)
    with ThreadPoolExecutor(max(1, len(numbers))) as pool:
        for found in pool.map(lambda n: list(_storage(clients, n, selected, selectors)), numbers):
            yield from found


def _read(clients: Clients, number: str) -> reading.Account | ConnectorError:
    try:
        return reading.account(clients, number)
    except ConnectorError as error:
        return error
    except (KeyError, ValueError) as error:  # not as IAM documents it: no other account stops
        return translated(error, "the details of the account", writing=False)


# --- principals --------------------------------------------------------------------------------


def _principals(
    clients: Clients, account: reading.Account, selected: Sequence[Selected]
) -> Iterator[Found]:
    number = account.id
    yield from _our_marks(account)
    for kind in ("user", "role"):
        yield Counted(NAME, number, kind, sum(i.kind == kind for i in account.identities))
    for one in selected:
        if one.identity.account == number:
            yield from _principal(one)
            if one.identity.kind == "user":
                yield from _keys(clients, one)


def _our_marks(account: reading.Account) -> Iterator[Seen]:
    """Every deny-all policy of a stopline journal, and whatever it is attached to."""
    for name, state in sorted(account.our_policies.items()):
        yield Seen(Address(NAME, account.id, "deny-policy", name), state)
    for identity in account.identities:
        for arn in filter(marks.journal_of_policy, identity.attached):
            id_ = f"{identity.name}#{arn}"
            where = Address(NAME, account.id, f"{identity.kind}-attachment", id_)
            yield Seen(where, State.of({"PolicyArn": arn}))


def _principal(one: Selected) -> Iterator[Found]:
    identity = one.identity
    address = Address(NAME, identity.account, identity.kind, identity.name)
    state = {
        "arn": identity.arn,
        "path": identity.path,
        "tags": dict(sorted(identity.tags.items())),
        "attached": sorted(a for a in identity.attached if not marks.journal_of_policy(a)),
        "marks": sorted(filter(None, map(marks.journal_of_policy, identity.attached))),
    }
    yield Grant(
        address,
        State.of(state),
        identity.arn,
        identity.kind,
        identity.arn,
        one.via,
        identity.uid,
        one.vouched,
        one.shared_with,
    )
    yield Quota(address, "attached-policies", len(identity.attached), ATTACHED)


def _keys(clients: Clients, one: Selected) -> Iterator[Found]:
    identity = one.identity
    try:
        for key in reading.keys(clients, identity.account, identity.name):
            address = Address(NAME, identity.account, key.kind, f"{identity.name}/{key.id}")
            state = State.of({"Status": key.status})
            yield Grant(
                address, state, identity.arn, key.kind, identity.arn, one.via, "", one.vouched
            )
    except ConnectorError as error:
        yield Gap(NAME, identity.account, f"credentials of {identity.name}", error.detail)


# --- buckets -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Reach:
    """How the vendor comes to buckets."""

    vendors: policy.Vendors
    canonical_ids: frozenset[str]
    selected: tuple[Selected, ...]
    own: tuple[str, ...]


def own_patterns(selected: Iterable[Selected], selectors: AwsSelectors) -> tuple[str, ...]:
    """ARN patterns of the vendor's own principals in our accounts, as few as say it all.

    What only a tag selects, or what others share, is not in it: the deny must not widen.
    """
    globs = [
        f"arn:aws:iam::*:{kind}{path}*" for path in selectors.paths for kind in ("user", "role")
    ]
    arns = {
        s.identity.arn
        for s in selected
        if s.vouched and not s.shared_with and not policy.matches(globs, s.identity.arn)
    }
    return (*sorted(globs), *sorted(arns))


def _storage(
    clients: Clients, number: str, selected: Sequence[Selected], selectors: AwsSelectors
) -> Iterator[Found]:
    reachable = frozenset(s.identity.arn for s in selected)
    reach = _Reach(
        replace(vendors_of(selectors), reachable=reachable),
        frozenset(selectors.canonical_ids),
        tuple(selected),
        own_patterns(selected, selectors),
    )
    count = 0
    try:
        for bucket in reading.buckets(clients, number):
            count += 1
            if isinstance(bucket, tuple):
                name, error = bucket
                yield Gap(NAME, number, f"bucket {name}", error.detail)
            else:
                yield from _bucket(bucket, reach, selectors)
    except ConnectorError as error:
        yield Gap(NAME, number, "buckets", error.detail)
        return
    yield Counted(NAME, number, "bucket", count)


def _bucket(bucket: reading.Bucket, reach: _Reach, selectors: AwsSelectors) -> Iterator[Found]:
    document = json.loads(bucket.raw) if bucket.raw else {}
    sids = [str(s.get("Sid", "")) for s in policy.statements(document)]
    for statement in policy.statements(document):
        if marks.journal_of_sid(str(statement.get("Sid", ""))):
            id_ = f"{bucket.name}#{statement['Sid']}"
            where = Address(NAME, bucket.account, "bucket-policy-statement", id_)
            yield Seen(where, State.of(statement))
    ways = tuple(_ways_in(bucket, document, reach))
    if not ways:
        return
    arn = f"arn:aws:s3:::{bucket.name}"
    state: Json = {
        "policy_bytes": len(_without_ours(document).encode()),
        "orphans": list(marks.orphans(bucket.raw)),
        "marks": sorted(set(filter(None, map(marks.journal_of_sid, sids)))),
        "accounts": sorted(selectors.accounts),
        "own": list(reach.own),
        "reached_by": list(ways),
    }
    address = Address(NAME, bucket.account, "bucket", bucket.name)
    yield Grant(address, State.of(state), arn, "bucket", arn, "; ".join(ways))


def _without_ours(document: Json) -> str:
    if not document:
        return ""
    kept = [
        s for s in policy.statements(document) if not marks.journal_of_sid(str(s.get("Sid", "")))
    ]
    return json.dumps({**document, "Statement": kept}, separators=(",", ":"))


def _ways_in(bucket: reading.Bucket, document: Json, reach: _Reach) -> Iterator[str]:
    admitted = policy.admitted(document, "s3:*", reach.vendors)
    yield from (f"bucket policy: {way}" for way in admitted.vendor)
    for grantee in bucket.grantees:
        if grantee in reach.canonical_ids:
            yield f"ACL grant to {grantee[:12]}"
        elif grantee in PUBLIC:
            yield f"ACL grant to {grantee.rpartition('/')[2]}"
    arn = f"arn:aws:s3:::{bucket.name}"
    for one in reach.selected:
        identity = one.identity
        same = identity.account == bucket.account
        if same and policy.allows(identity.documents, "s3:*", arn):
            yield f"identity policy of {identity.kind} {identity.name}"
