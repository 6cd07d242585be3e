"""What a vendor holds in an estate of accounts: users, keys, roles; and our own marks."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache

from stopline.connectors.aws import (
    destinations,
    marks,
    organization,
    people,
    policy,
    reached,
    reading,
    slots,
    storage,
)
from stopline.connectors.aws.clients import Clients
from stopline.connectors.aws.documents import our_statements
from stopline.connectors.aws.doors import doors, mixed
from stopline.connectors.aws.faults import translated
from stopline.connectors.aws.levers import ATTACHED, INLINE, NAME, length
from stopline.connectors.aws.passing import passing
from stopline.connectors.aws.selection import (
    Identity,
    Reach,
    Selected,
    admitted,
    path_globs,
    select,
    vendors_of,
)
from stopline.errors import ConnectorError
from stopline.model import (
    Address,
    Counted,
    Document,
    Found,
    Gap,
    Grant,
    Quota,
    Scope,
    Seen,
    State,
)
from stopline.planner import protects
from stopline.text import Json, canonical
from stopline.vendors import AwsSelectors, Vendor


def discover(
    clients: Clients, vendor: Vendor, scope: Scope, spared: Sequence[str] = ()
) -> Iterator[Found]:
    """Yield what the vendor holds. An account that cannot be read is a gap; the others go on.

    What `spared` names (ARNs or globs), or the vendor's file protects, no deny of ours names.
    """
    selectors = vendor.aws_of(scope.project)
    numbers = [n for n in sorted(clients.estate.accounts) if not scope.realms or n in scope.realms]
    accounts: list[reading.Account] = []
    unread: dict[str, str] = {}
    with ThreadPoolExecutor(max(1, len(numbers))) as pool:
        for number, read in zip(
            numbers, pool.map(lambda n: read_account(clients, n), numbers), strict=True
        ):
            if isinstance(read, ConnectorError):
                unread[number] = read.detail
                yield Gap(NAME, number, "users, roles and policies", read.detail)
            else:
                accounts.append(read)
    identities = [i for a in accounts for i in a.identities]
    handing = doors(clients, [a.id for a in accounts], selectors)
    selected = select(identities, selectors, handing.doors)
    yield from handing.gaps
    yield from mixed(handing.doors, identities)
    own = own_patterns(selected, selectors, (*vendor.protected, *spared))
    for each in accounts:
        yield from _principals(clients, each, _Vendor(selected, selectors, own, handing.doors))
    yield from passing(identities, selected)
    reach = Reach(
        replace(vendors_of(selectors), reachable=frozenset(s.identity.arn for s in selected)),
        selectors,
        selected,
        own,
        cache(lambda: organization.members(clients, selectors)),
    )
    yield from people.discover(clients, selectors, scope)
    yield from storage.discover(clients, numbers, reach, whole=not scope.realms)
    yield from reached.discover(clients, numbers, unread, reach)
    yield from destinations.discover(clients, numbers, reach)
    own_org = clients.estate.organization
    if own_org is not None and (not scope.realms or own_org.id in scope.realms):
        whom = organization.Whom(selectors, own, tuple(account.id for account in accounts))
        yield from organization.discover(clients, whom)


def read_account(clients: Clients, number: str) -> reading.Account | ConnectorError:
    """Read one account's principals, or say what kept us from it."""
    try:
        return reading.account(clients, number)
    except ConnectorError as error:
        return error
    except (KeyError, ValueError) as error:  # not as IAM documents it: no other account stops
        return translated(error, "the details of the account", writing=False)


def own_patterns(
    selected: Iterable[Selected], selectors: AwsSelectors, spared: Sequence[str]
) -> tuple[str, ...]:
    """ARN patterns of the vendor's own principals, as few as say it all.

    What only a tag selects, what others share, or what is protected, is not in it: the deny must
    not widen. A glob that would hit such a one gives way to the ARNs that it stands for.
    """
    known = list(selected)
    left_out = [
        s.identity.arn
        for s in known
        if s.shared_with or not s.vouched or protects(spared, s.identity.arn)
    ]
    asked = (*path_globs(selectors), *selectors.principals)
    globs = {g for g in asked if not any(policy.matches([g], arn) for arn in left_out)}
    arns = {s.identity.arn for s in known} - set(left_out)
    return (*sorted(globs), *sorted(arn for arn in arns if not policy.matches(globs, arn)))


# --- principals --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Vendor:
    """The vendor's principals, what selects them, how a deny names them; what hands out roles."""

    selected: Sequence[Selected]
    selectors: AwsSelectors
    own: tuple[str, ...]
    doors: tuple[policy.Door, ...]


def _principals(clients: Clients, account: reading.Account, vendor: _Vendor) -> Iterator[Found]:
    number = account.id
    yield from _our_marks(account)
    for kind in ("user", "role"):
        yield Counted(NAME, number, kind, sum(i.kind == kind for i in account.identities))
    for one in vendor.selected:
        if one.identity.account == number:
            yield from _principal(one, vendor)
            if one.identity.kind == "user":
                yield from _keys(clients, one)


def _our_marks(account: reading.Account) -> Iterator[Seen]:
    """Every policy and statement of a stopline journal, and whatever it is attached to."""
    for name, state in sorted(account.our_policies.items()):
        yield Seen(Address(NAME, account.id, "deny-policy", name), state)
    for identity in account.identities:
        kind, name = identity.kind, identity.name
        for arn in filter(marks.journal_of_policy, identity.attached):
            where = Address(NAME, account.id, f"{kind}-attachment", f"{name}#{arn}")
            yield Seen(where, State.of({"PolicyArn": arn}))
        for policy_name in filter(marks.journal_of_inline, identity.inline):
            where = Address(NAME, account.id, f"{kind}-inline-policy", f"{name}/{policy_name}")
            yield Seen(where, slots.as_seen(identity.inline[policy_name]))
        if marks.journal_of_policy(identity.boundary):
            where = Address(NAME, account.id, f"{kind}-boundary", name)
            yield Seen(where, State.of({"PermissionsBoundary": identity.boundary}))
        if identity.trust:
            trust = Document(NAME, account.id, "trust-policy-statement", name)
            for where, state in our_statements(trust, canonical(identity.trust)).items():
                yield Seen(where, state)


def _principal(one: Selected, vendor: _Vendor) -> Iterator[Found]:
    """State holds what strangers made of it: it must be the same whether or not we hold it."""
    identity = one.identity
    address = Address(NAME, identity.account, identity.kind, identity.name)
    theirs = {n: d for n, d in identity.inline.items() if not marks.journal_of_inline(n)}
    state: dict[str, Json] = {
        "arn": identity.arn,
        "path": identity.path,
        "tags": dict(sorted(identity.tags.items())),
        "attached": sorted(a for a in identity.attached if not marks.journal_of_policy(a)),
        "inline": sum(map(length, theirs.values())),
        "boundary": "" if marks.journal_of_policy(identity.boundary) else identity.boundary,
        "marks": sorted(set(filter(None, _marked_by(identity)))),
    }
    if one.shared_with:
        state |= {"named": one.named, "trust": _trust(one, vendor)}
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
    used = sum(map(length, identity.inline.values()))
    yield Quota(address, "inline-policies", used, INLINE[identity.kind])


def _marked_by(identity: Identity) -> Iterator[str]:
    """The journals that hold something of a principal."""
    yield from map(marks.journal_of_policy, (*identity.attached, identity.boundary))
    yield from map(marks.journal_of_inline, identity.inline)
    for statement in policy.statements(identity.trust):
        yield marks.journal_of_sid(str(statement.get("Sid", "")))


def _trust(one: Selected, vendor: _Vendor) -> Json:
    """What a deny in the trust policy must name, and how much room there is for it."""
    trust, selectors = marks.unmarked(one.identity.trust), vendor.selectors
    allows = [s for s in policy.statements(one.identity.trust) if s.get("Effect") == "Allow"]
    text, admitting = canonical(allows), [s for s in allows if _admits_principals(s)]
    tagged = [s.identity.arn for s in vendor.selected if not s.vouched and not s.shared_with]
    own = (*vendor.own, *(() if one.vouched else tagged))
    vendors = replace(vendors_of(selectors), doors=vendor.doors)
    handed = admitted(one.identity, vendors).doors
    doors = {token: [v for t, v in handed if t == token] for token, _ in handed}
    return {
        **({"doors": doors} if doors else {}),
        "size": length(trust),
        "orphans": list(marks.orphans(text)),
        "accounts": sorted(selectors.accounts),
        "own": [p for p in own if admitting and _can_be_meant(p, canonical(admitting))],
        "external_ids": sorted(e for e in selectors.external_ids if canonical(e) in text),
        "federated": [
            provider
            for provider in policy.named(one.identity.trust, "Federated")
            if policy.matches(selectors.identity_providers, provider)
        ],
        "services": policy.named(trust, "Service"),
    }


def _admits_principals(statement: Json) -> bool:
    """Whether it can let a principal of IAM in: who comes by SAML or OIDC has no ARN to deny.

    A provider's own ARN holds the account, and would put everybody in it into the deny.
    """
    principal = statement.get("Principal")
    return not isinstance(principal, dict) or "AWS" in principal


def _can_be_meant(pattern: str, text: str) -> bool:
    """Whether a trust can let a principal in: by its account, by a wildcard, or by a condition."""
    account = policy.account_of(pattern)
    return not account.isdigit() or account in text or '"*"' in text or "NotPrincipal" in text


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
