"""Which principals of an account are the vendor's, and by which path. Pure.

A user is selected by path, ARN or glob, or tag; never by a fragment of its name. A role besides by
who may assume it, through the closure of trusts: a text search found 33 of 43
(a role that trusts a role that the vendor can assume is the vendor's to use).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from stopline.connectors.aws import policy
from stopline.connectors.aws.policy import Admitted, Door, Vendors
from stopline.text import Json
from stopline.vendors import AwsSelectors

ASSUME = "sts:AssumeRole"


@dataclass(frozen=True, slots=True)
class Identity:
    """One user or role as an account's details show it.

    `documents` are its identity policies without ours, `inline` its own ones by name, ours too;
    `boundary` is the ARN of its permissions boundary.
    """

    kind: str
    account: str
    name: str
    arn: str
    path: str
    uid: str
    tags: Mapping[str, str]
    attached: tuple[str, ...] = ()
    documents: tuple[Json, ...] = ()
    trust: Json = None
    inline: Mapping[str, Json] = field(default_factory=dict)
    boundary: str = ""


@dataclass(frozen=True, slots=True)
class Selected:
    """A principal that is the vendor's, or that the vendor can act as.

    `named`: the vendor's file selects it itself; else it was reached through a trust.
    """

    identity: Identity
    via: str
    vouched: bool = True
    shared_with: tuple[str, ...] = ()
    named: bool = False


@dataclass(frozen=True, slots=True)
class Reach:
    """How the vendor comes to buckets, and how a deny names its own principals."""

    vendors: Vendors
    selectors: AwsSelectors
    selected: Sequence[Selected]
    own: tuple[str, ...]
    members: Callable[[], frozenset[str] | None] = lambda: None
    """The vendor's accounts that are in the lab's organization; None where nobody can say."""


@dataclass(slots=True)
class _Closure:
    selectors: AwsSelectors
    vendors: Vendors
    chosen: dict[str, Selected] = field(default_factory=dict)


def vendors_of(selectors: AwsSelectors) -> Vendors:
    """What makes a principal the vendor's, before any closure."""
    return Vendors(
        frozenset(selectors.accounts),
        frozenset(selectors.external_ids),
        (*selectors.principals, *path_globs(selectors)),
        selectors.identity_providers,
        canonical_ids=frozenset(selectors.canonical_ids),
    )


def path_globs(selectors: AwsSelectors) -> tuple[str, ...]:
    """The vendor's paths as patterns of ARNs, in whatever account."""
    kinds = ("user", "role")
    return tuple(f"arn:aws:iam::*:{kind}{path}*" for path in selectors.paths for kind in kinds)


def select(
    identities: Sequence[Identity], selectors: AwsSelectors, doors: Sequence[Door] = ()
) -> tuple[Selected, ...]:
    """Return the vendor's users, and every role that it can come to act as.

    `doors` are what hands out roles in the accounts of these identities, the vendor's or not.
    """
    closure = _Closure(selectors, replace(vendors_of(selectors), doors=tuple(doors)))
    for identity in identities:
        via, vouched = direct(identity, selectors)
        if via:
            closure.chosen[identity.arn] = Selected(identity, via, vouched, named=True)
    roles = [i for i in identities if i.kind == "role"]
    for vouched in (True, False):
        while _grow(closure, roles, vouched=vouched):
            pass
    others = _others(closure)
    final = [replace(s, shared_with=others.get(arn, ())) for arn, s in closure.chosen.items()]
    return tuple(sorted(final, key=lambda s: s.identity.arn))


def direct(identity: Identity, selectors: AwsSelectors) -> tuple[str, bool]:
    """How the vendor's file selects a principal, and whether that can be relied on."""
    for path in selectors.paths:
        if identity.path.startswith(path):
            return f"path {path}", True
    for pattern in selectors.principals:
        if policy.matches([pattern], identity.arn):
            return f"principal {pattern}", True
    for key, value in selectors.tagged:
        if identity.tags.get(key) == value:
            return f"tag {key}={value}", False
    return "", False


def _from(closure: _Closure, *, vouched: bool) -> list[Selected]:
    """Where the vendor is: what can be relied on, or also what only a tag says."""
    return [s for s in closure.chosen.values() if s.vouched or not vouched]


def _reachable(
    closure: _Closure, *, vouched: bool, without: Iterable[str] = frozenset()
) -> Vendors:
    arns: set[str] = set()
    for selected in _from(closure, vouched=vouched):
        if selected.identity.arn not in without:
            arns |= {selected.identity.arn, _pathless(selected.identity)}
    principals, doors = closure.vendors.principals, closure.vendors.doors
    wide = {p for p in principals if any(policy.matches([p], arn) for arn in without)}
    kept = tuple(p for p in principals if p not in wide)
    return replace(
        closure.vendors,
        reachable=frozenset(arns),
        principals=kept,
        doors=tuple(d._replace(theirs=d.theirs and d.vouched >= vouched) for d in doors),
    )


def admitted(role: Identity, vendors: Vendors) -> Admitted:
    """Who can assume a role: of what hands out roles, that of its own account."""
    doors = tuple(d for d in vendors.doors if d.account in ("", role.account))
    return policy.admitted(role.trust, ASSUME, replace(vendors, doors=doors))


def _pathless(identity: Identity) -> str:
    """The ARN without its path: what an assumed-role session's ARN can be traced to."""
    return f"{identity.arn.rpartition(':')[0]}:{identity.kind}/{identity.name}"


def _grow(closure: _Closure, roles: Iterable[Identity], *, vouched: bool) -> bool:
    """Add what the vendor can assume from where it is now; True when something was added.

    A role that is reached through what only a tag selects is itself no more than a tag's word.
    """
    vendors = _reachable(closure, vouched=vouched)
    added = False
    for role in roles:
        known = closure.chosen.get(role.arn)
        if known is not None and known.vouched >= vouched:
            continue
        if way := _way_in(role, vendors, _from(closure, vouched=vouched)):
            closure.chosen[role.arn] = Selected(role, way, vouched)
            added = True
    return added


def _way_in(role: Identity, vendors: Vendors, sources: Iterable[Selected]) -> str:
    let_in = admitted(role, vendors)
    if let_in.vendor:
        return f"trust: {let_in.vendor[0]}"
    for account in let_in.roots:
        for one in (s.identity for s in sources):
            if one.account == account and policy.allows(one.documents, ASSUME, role.arn):
                return f"chain: {one.kind} {one.name}, through the root of {account}"
    return ""


def _others(closure: _Closure) -> dict[str, tuple[str, ...]]:
    """Name who else can assume a role. Whom only a tag calls the vendor's is somebody else.

    So is a role that others share: whoever holds it comes to the roles behind it as well. What
    bears a mark of stopline's hides nobody: an attacker may have forged it. A role that the file
    itself calls the vendor's is so whichever machine comes to it by an anchor, as by any service.
    """
    roles = [s for s in closure.chosen.values() if s.identity.kind == "role"]
    shared: dict[str, tuple[str, ...]] = {}
    while True:
        vendors = {v: _reachable(closure, vouched=v, without=shared) for v in (True, False)}
        found = {
            s.identity.arn: others
            for s in roles
            if (others := admitted(s.identity, _less(vendors[s.vouched], s)).others)
        }
        if found.keys() == shared.keys():
            return found
        shared = found


def _less(vendors: Vendors, one: Selected) -> Vendors:
    return replace(vendors, apart=frozenset({policy.ANCHORS})) if one.named else vendors
