"""Who a document admits, as far as that can be said without asking AWS. Pure.

Not an evaluator of requests: it answers whether a statement *can* let the vendor in, and who else
it lets in. What cannot be decided (a condition on an organisation, a tag, a network) is taken as
admitting, so that a reach is rather shown too often than missed.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import NamedTuple

from stopline.text import Json

EVERYBODY = "*"
_ACCOUNT_KEYS = (
    "aws:principalaccount", "aws:sourceaccount", "aws:sourceowner", "kms:calleraccount",
)  # fmt: skip
_ARN_KEYS = ("aws:principalarn", "aws:sourcearn")
_EXTERNAL = "sts:externalid"
ANCHORS = "rolesanywhere.amazonaws.com"
POOLS = "cognito-identity.amazonaws.com"
HANDED_OUT_BY = {ANCHORS: "aws:sourcearn", POOLS: f"{POOLS}:aud"}
"""Services that hand out roles to whom they vouch for, as trusts name them, and the condition key
that tells by which of their things: https://docs.aws.amazon.com/rolesanywhere/latest/userguide/trust-model.html
and https://docs.aws.amazon.com/cognito/latest/developerguide/iam-roles.html
"""
_ALWAYS_THERE = ("aws:principalaccount", "aws:principalarn")
_WILD = {"*", "?"}
_VARIABLE = re.compile(r"\$\{[^}]*\}")
_POSITIVE = ("stringequals", "stringlike", "arnlike", "arnequals", "stringequalsignorecase")


def listed(value: Json) -> list[Json]:
    """A list, also where AWS allows a single value in its place."""
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]


def statements(document: Json) -> list[Json]:
    """The statements of a document; a single one may stand without a list."""
    return [s for s in listed((document or {}).get("Statement")) if isinstance(s, dict)]


def matches(patterns: Iterable[str], text: str) -> bool:
    """Whether any IAM pattern matches: `*` and `?` are all it knows, a bracket is a letter."""
    return any(fnmatchcase(text, pattern.replace("[", "[[]")) for pattern in patterns)


class Door(NamedTuple):
    """A thing of a service that hands out roles (an anchor, an identity pool), the vendor's or not.

    `value` is what the service's condition key says of it. `account` is where its roles are;
    nothing means anywhere. `vouched` is false where only a tag calls it the vendor's. `mixed` is
    a provider of the vendor's by which it lets in the vendor beside others.
    """

    token: str
    value: str
    name: str
    account: str = ""
    theirs: bool = False
    vouched: bool = True
    mixed: str = ""


@dataclass(frozen=True, slots=True)
class Vendors:
    """What makes a principal the vendor's. `reachable` are ARNs of ours that it can act as, `doors`
    all things known that hand out roles. What is handed out by a service `apart` counts for nobody.
    """

    accounts: frozenset[str] = frozenset()
    external_ids: frozenset[str] = frozenset()
    principals: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    reachable: frozenset[str] = frozenset()
    canonical_ids: frozenset[str] = frozenset()
    doors: tuple[Door, ...] = ()
    apart: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Admitted:
    """Who a document lets in: how the vendor gets in, and who else does (services apart).

    `doors` are the vendor's own among `HANDED_OUT_BY`: the service, and what its key says.
    """

    vendor: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    roots: tuple[str, ...] = ()
    doors: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class _Found:
    vendor: set[str] = field(default_factory=set)
    others: set[str] = field(default_factory=set)
    roots: set[str] = field(default_factory=set)
    doors: set[tuple[str, str]] = field(default_factory=set)


def admitted(document: Json, action: str, vendors: Vendors) -> Admitted:
    """Say who a trust or resource policy lets in for actions that begin like `action`.

    `roots` are accounts whose root is named: whoever that account's own policies allow gets in.
    """
    found = _Found()
    for statement in statements(document):
        if statement.get("Effect") == "Allow" and _speaks_of(statement, action):
            _admit(statement, vendors, found)
    return Admitted(
        tuple(sorted(found.vendor)),
        tuple(sorted(found.others)),
        tuple(sorted(found.roots)),
        tuple(sorted(found.doors)),
    )


def _speaks_of(statement: Json, action: str) -> bool:
    if "NotAction" in statement:
        return True
    service = action.partition(":")[0].lower()
    wanted = action.lower()
    for text in (str(a).lower() for a in listed(statement.get("Action"))):
        if text == "*" or fnmatchcase(wanted, text) or text.startswith(wanted):
            return True
        if wanted == f"{service}:*" and text.startswith(f"{service}:"):
            return True
    return False


def _admit(statement: Json, vendors: Vendors, found: _Found) -> None:
    if "NotPrincipal" in statement:
        found.vendor.add("NotPrincipal: everybody but a few")
        found.others.add(EVERYBODY)
        return
    principal = statement.get("Principal")
    by_kind = principal if isinstance(principal, dict) else {"AWS": principal}
    conditions = dict(_conditions(statement))
    for token in (str(t) for t in listed(by_kind.get("AWS"))):
        if token == EVERYBODY:
            _admit_everybody(conditions, vendors, found)
        else:
            _admit_token(token, conditions, vendors, found)
    handing = [str(t) for kind in ("Service", "Federated") for t in listed(by_kind.get(kind))]
    for token in sorted(HANDED_OUT_BY.keys() & {*handing} - vendors.apart):
        _admit_handed(token, conditions.get(HANDED_OUT_BY[token]), vendors, found)
    federated = (str(t) for t in listed(by_kind.get("Federated")))
    for token in (t for t in federated if t not in HANDED_OUT_BY):
        ours = matches(vendors.providers, token)
        name = f"identity provider {token.rpartition(':')[2]}" if ours else token
        (found.vendor if ours else found.others).add(name)
    for token in (str(t) for t in listed(by_kind.get("CanonicalUser"))):
        ours = token in vendors.canonical_ids
        (found.vendor if ours else found.others).add(f"canonical id {token[:12]}")


def _conditions(statement: Json) -> Iterator[tuple[str, list[str]]]:
    for operator, pairs in (statement.get("Condition") or {}).items():
        plain = operator.lower().rpartition(":")[2]
        need_not_be = plain.endswith("ifexists")
        if plain.removesuffix("ifexists") in _POSITIVE:
            for key, value in pairs.items():
                if not need_not_be or key.lower() in _ALWAYS_THERE:
                    yield key.lower(), [str(v) for v in listed(value)]


def _admit_everybody(conditions: dict[str, list[str]], vendors: Vendors, found: _Found) -> None:
    """`*` is whoever the conditions leave: accounts, ARNs, an external id; else everybody."""
    named = [v for key in (*_ACCOUNT_KEYS, *_ARN_KEYS) for v in conditions.get(key, ())]
    for token in named:
        if "*" in token or "?" in token:
            _admit_pattern(token, vendors, found)
        else:
            _admit_token(token, conditions, vendors, found)
    if named:
        return
    external = conditions.get(_EXTERNAL, [])
    if external:
        for value in external:
            ours = value in vendors.external_ids
            (found.vendor if ours else found.others).add(f"external id {value}")
        return
    found.vendor.add("everybody")
    found.others.add(EVERYBODY)


def _admit_pattern(pattern: str, vendors: Vendors, found: _Found) -> None:
    """A condition's pattern: what the vendor has, or could make in its account, may match it."""
    if matches(vendors.principals, pattern):  # all that it means is the vendor's
        found.vendor.add(f"principal {pattern}")
        return
    account = account_of(pattern) if pattern.startswith("arn:") else pattern
    for number in vendors.accounts:
        if matches([account], number):
            found.vendor.add(f"account {number}")
    for arn in vendors.reachable:
        if matches([pattern], arn):
            found.vendor.add(f"chain: {arn.rpartition(':')[2]}")
    if account not in vendors.accounts:
        found.others.add(pattern)


def _admit_token(
    token: str, conditions: dict[str, list[str]], vendors: Vendors, found: _Found
) -> None:
    account = account_of(token)
    arn = role_of_session(token)
    if account in vendors.accounts:
        found.vendor.add(f"account {account}")
    elif set(conditions.get(_EXTERNAL, ())) & vendors.external_ids:
        found.vendor.add(f"external id {min(conditions[_EXTERNAL])}")
    elif arn in vendors.reachable:
        found.vendor.add(f"chain: {arn.rpartition(':')[2]}")
    elif matches(vendors.principals, arn):
        found.vendor.add(f"principal {arn}")
    elif is_root(token):
        found.roots.add(account)
        found.others.add(f"account {account}")
    else:
        found.others.add(token)


def _admit_handed(token: str, said: list[str] | None, vendors: Vendors, found: _Found) -> None:
    """Whoever a service hands the role to: by the things that its key names, or by any.

    What is named and not known was not looked at, or is gone: whose it is, its ARN alone tells.
    Who names no identity pool, or some by a pattern, lets in the world's, whoever made them.
    """
    if token == POOLS and (said is None or any(_WILD & {*value} for value in said)):
        found.others.add(EVERYBODY)
    known = {door.value for door in vendors.doors}
    by = [d for d in vendors.doors if d.token == token and (said is None or matches(said, d.value))]
    by += [
        Door(token, value, value.rpartition(":")[2], theirs=_named_by(value, vendors.providers))
        for value in said or ()
        if value not in known and "*" not in value
    ]
    for door in by:
        (found.vendor if door.theirs else found.others).add(door.name)
        if door.theirs:
            found.doors.add((token, door.value))


def _named_by(value: str, providers: Iterable[str]) -> bool:
    """Whether one of the patterns of ARNs names a thing; a pool's id is the end of its ARN."""
    return matches(providers, value) or any(p.endswith(f":identitypool/{value}") for p in providers)


def names(token: str, vendors: Vendors) -> str:
    """How a principal that stands outside of a policy (in a key's grant) is the vendor's."""
    found = _Found()
    if token:
        _admit_token(token, {}, vendors, found)
    return min(found.vendor, default="")


def named(document: Json, kind: str) -> list[str]:
    """Who of one kind (`Federated`, `Service`) a policy lets in, as it names them."""
    found = {
        str(token)
        for statement in statements(document)
        if statement.get("Effect") == "Allow" and isinstance(statement.get("Principal"), dict)
        for token in listed(statement["Principal"].get(kind))
    }
    return sorted(found)


def account_of(token: str) -> str:
    """The account in a bare id or an ARN."""
    return token if token.isdigit() else (token.split(":") + [""] * 5)[4]


def is_root(token: str) -> bool:
    """Whether a token names a whole account."""
    return token.isdigit() or token.endswith(":root")


def role_of_session(token: str) -> str:
    """The role behind an assumed-role ARN; other ARNs as they are (paths are not in sessions)."""
    parts = token.split(":")
    if len(parts) == len(["arn", "p", "s", "r", "a", "x"]) and parts[5].startswith("assumed-role/"):
        return f"{parts[0]}:{parts[1]}:iam::{parts[4]}:role/{parts[5].split('/')[1]}"
    return token


def allows(documents: Sequence[Json], action: str, resource: str) -> bool:
    """Whether identity policies can allow an action on a resource (patterns count both ways).

    An unconditional deny of exactly this is honoured; any other condition is taken as met.
    """
    allowed = False
    for statement in (s for d in documents for s in statements(d)):
        if not _acts_on(statement, action, resource):
            continue
        if statement.get("Effect") == "Allow":
            allowed = True
        elif _denies_all(statement):
            return False
    return allowed


def speaks(documents: Sequence[Json], action: str) -> bool:
    """Whether identity policies allow an action on anything at all."""
    return any(
        s.get("Effect") == "Allow" and _speaks_of(s, action)
        for d in documents
        for s in statements(d)
    )


def _denies_all(statement: Json) -> bool:
    everything = (["*"], ["*"])
    said = (listed(statement.get("Action")), listed(statement.get("Resource")))
    return said == everything and not statement.get("Condition")


def _acts_on(statement: Json, action: str, resource: str) -> bool:
    if not _speaks_of(statement, action):
        return False
    if "NotResource" in statement:
        return not matches([str(r) for r in listed(statement["NotResource"])], resource)
    return any(_overlap(str(r), resource) for r in listed(statement.get("Resource")))


def _overlap(pattern: str, resource: str) -> bool:
    """Whether a pattern takes in the resource, or anything inside of it where it is a bucket."""
    pattern = _VARIABLE.sub("*", pattern)
    if len(pattern) in _positions(pattern, resource):
        return True
    return resource.startswith("arn:aws:s3:::") and bool(_positions(pattern, f"{resource}/"))


def _positions(pattern: str, text: str) -> set[int]:
    """Where in an IAM pattern one can be when a text has been read; none: it does not begin so."""
    at = _past_stars(pattern, {0})
    for letter in text:
        on = {p for p in at if p < len(pattern) and pattern[p] in ("*", "?", letter)}
        at = _past_stars(pattern, {p + (pattern[p] != "*") for p in on})
        if not at:
            break
    return at


def _past_stars(pattern: str, at: set[int]) -> set[int]:
    """A star may stand for nothing."""
    for position in sorted(at):
        while position < len(pattern) and pattern[position] == "*":
            position += 1  # noqa: PLW2901 - walks on from where it is
            at.add(position)
    return at
