"""What a change of ours claims, as requests that AWS must refuse by the documents there now. Pure.

A sample: whom our statement names, in whatever shape the policy beside it lets them in, for what
that policy allows. Where `*` stands something is put that it means.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice, product

from stopline.connectors.aws.conditions import arn_like
from stopline.connectors.aws.evaluating import Answer, Policies, Request, evaluate
from stopline.connectors.aws.marks import unmarked
from stopline.connectors.aws.policy import (
    EVERYBODY,
    HANDED_OUT_BY,
    POOLS,
    account_of,
    is_root,
    listed,
    matches,
    role_of_session,
    statements,
)
from stopline.text import Json

MOST = 200
"""Requests that are tried for one change: a sample, where a policy is long."""
OPEN: Json = {"Statement": {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}}
"""A target that lets everybody in: what is refused there, the principal's own documents refuse."""
USUAL = (("s3:ListAllMyBuckets", "*"), ("iam:CreateAccessKey", "*"), ("sts:AssumeRole", "*"))
_ANY = "any"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a statement of ours stands: its account, and the ARN of what it is about.

    `acts` are the actions that such a policy can speak of.
    """

    account: str
    arn: str
    acts: tuple[str, ...] = ("*",)


@dataclass(frozen=True, slots=True)
class Standing:
    """A principal with all documents that it holds now, ours among them."""

    arn: str
    documents: tuple[Json, ...]


def let_past(requests: Iterable[Request], policies: Policies) -> str:
    """The first act that is not surely refused, as a sentence; nothing where all are."""
    for request in islice(requests, MOST):
        answer = evaluate(request, policies)
        if answer is not Answer.REFUSED:
            who = request.principal or request.provider
            how = "can still" if answer is Answer.ALLOWED else "is not shown to be refused to"
            return f"{who} {how} {request.action} on {request.resource}"
    return ""


# --- statements of ours in the policy of a target --------------------------------------------


def of_statement(ours: Json, document: Json, place: Place) -> Iterator[Request]:
    """Whom one deny of ours names, with what the rest of the policy allows."""
    trusts = [a for a in _named(ours, "Action") if a.startswith("sts:")]
    allowed = [s for s in statements(unmarked(document)) if s.get("Effect") == "Allow"]
    for caller in _callers(ours, allowed, place):
        for statement in allowed:
            acts = trusts or [act for a in _named(statement, "Action") for act in _acts(a, place)]
            targets = [_target(r, place) for r in _named(statement, "Resource")]
            for act, target in product(acts, targets):
                yield replace(caller, action=act, resource=target)


def of_accounts(accounts: Sequence[str], document: Json, place: Place) -> Iterator[Request]:
    """The same for the accounts of the vendor's file, since ours may name somebody else."""
    whom = {"StringEquals": {"aws:PrincipalAccount": list(accounts)}}
    wanted = {"Principal": EVERYBODY, "Action": list(place.acts), "Condition": whom}
    return of_statement(wanted, document, place)


def _named(statement: Json, key: str) -> list[str]:
    """What a statement names; where it names nothing, or what it does not mean, anything."""
    return [str(v) for v in listed(statement.get(key))] or ["*"]


def _acts(action: str, place: Place) -> list[str]:
    """Actions that a pattern means: each, where a service knows but few in its policies."""
    if "*" not in action or any("*" in act for act in place.acts):
        return [_concrete(action, place)]
    return [act for act in place.acts if matches([action.lower()], act.lower())]


def _concrete(action: str, place: Place) -> str:
    """One action that a pattern means: of the service of its policies, which is not always that of
    its ARN (VPC Lattice).
    """
    service = next((a.partition(":")[0] for a in place.acts if a != "*"), place.arn.split(":")[2])
    return (f"{service}:{_ANY}" if action == "*" else action).replace("*", _ANY).replace("?", "x")


def _target(resource: str, place: Place) -> str:
    if resource == "*":
        return place.arn
    return resource.replace("*", _ANY).replace("?", "x")


def _callers(ours: Json, allowed: Sequence[Json], place: Place) -> Iterator[Request]:
    condition = ours.get("Condition") or {}
    exempt = listed(condition.get("ArnNotLike", {}).get("aws:PrincipalArn"))
    if exempt:
        yield from _everybody_but([str(e) for e in exempt], place)
    for account in listed(condition.get("StringEquals", {}).get("aws:PrincipalAccount")):
        yield from _of_account(str(account), allowed, place)
    for pattern in listed(condition.get("ArnLike", {}).get("aws:PrincipalArn")):
        yield from _of_pattern(str(pattern), allowed, place)
    for external in listed(condition.get("StringEquals", {}).get("sts:ExternalId")):
        for arn in _tokens(allowed):
            caller = _caller(_somebody(arn), place)
            yield replace(caller, context={**caller.context, "sts:externalid": (str(external),)})
    yield from _vouched_for(ours.get("Principal"), condition, place)


def _vouched_for(principal: Json, condition: Json, place: Place) -> Iterator[Request]:
    """Whom a provider, or a service by one of its things that ours names, vouches for."""
    by_kind = principal if isinstance(principal, dict) else {}
    for provider in listed(by_kind.get("Federated")):
        caller, key = replace(_caller("", place), provider=str(provider)), HANDED_OUT_BY[POOLS]
        by = [str(v) for v in listed(condition.get("StringEquals", {}).get(key))]
        yield from [replace(caller, context={**caller.context, key: (v,)}) for v in by] or [caller]
    arns = listed(condition.get("ArnEquals", {}).get("aws:SourceArn"))
    for service, arn in product(listed(by_kind.get("Service")), arns):
        caller = replace(_caller("", place), provider=str(service))
        known = {"aws:sourcearn": (str(arn),), "aws:sourceaccount": (place.account,)}
        yield replace(caller, context={**caller.context, **known})


def _caller(arn: str, place: Place) -> Request:
    account = account_of(arn)
    known = {
        "aws:principalarn": (arn,) if arn else (),
        "aws:principalaccount": (account,) if arn else (),
        "aws:principalisawsservice": ("false",),
        "aws:sourceowner": (account,) if arn else (),
        "kms:calleraccount": (account,) if arn else (),
        "aws:sourceaccount": (),  # of those that AWS's own services call for
        "aws:sourcearn": (),
    }
    return Request(arn, account, "", place.arn, place.account, known)


def _of_account(account: str, allowed: Sequence[Json], place: Place) -> Iterator[Request]:
    """Its root, anybody, and whomever of it the policy names."""
    shapes = ("root", f"user/{_ANY}", f"role/{_ANY}")
    known = {f"arn:aws:iam::{account}:{shape}" for shape in shapes}
    known |= {arn for arn in _tokens(allowed) if account_of(arn) == account and not is_root(arn)}
    for arn in sorted(known):
        yield _caller(arn, place)


def _of_pattern(pattern: str, allowed: Sequence[Json], place: Place) -> Iterator[Request]:
    """Somebody whom a pattern means, and whomever the policy names that it means."""
    fields = pattern.split(":", 5)
    if fields[2] == "*":  # everybody of an account
        yield from _of_account(fields[4], allowed, place)
        return
    number = fields[4] if fields[4].isdigit() else place.account
    somebody = ":".join((*fields[:4], number, fields[5].replace("*", _ANY).replace("?", "x")))
    named = {arn for arn in _tokens(allowed) if arn_like(pattern, arn)}
    for arn in sorted({somebody, *named}):
        yield _caller(arn, place)


def _tokens(allowed: Sequence[Json]) -> set[str]:
    """Whom allows name: a session by its role, an account by its root."""
    found = set[str]()
    for statement in allowed:
        principal = statement.get("Principal")
        for token in listed(principal.get("AWS") if isinstance(principal, dict) else None):
            arn = role_of_session(str(token))
            found.add(f"arn:aws:iam::{arn}:root" if arn.isdigit() else arn)
    return {arn for arn in found if arn.startswith("arn:")}


def _somebody(arn: str) -> str:
    """A principal of an account where its root is named."""
    return arn.replace(":root", f":role/{_ANY}") if is_root(arn) else arn


def _everybody_but(exempt: Sequence[str], place: Place) -> Iterator[Request]:
    """Principals of the target's own account whom a freeze does not spare."""
    for shape in (f"user/{_ANY}", f"role/{_ANY}", "user/people/any", "role/service/any"):
        arn = f"arn:aws:iam::{place.account}:{shape}"
        if not any(arn_like(pattern, arn) for pattern in exempt):
            yield _caller(arn, place)


def of_freeze(ours: Json, place: Place) -> Iterator[Request]:
    """Each action that a freeze stops, for whom it does not spare; whatever the policy allows."""
    for caller in _callers(ours, (), place):
        for action, resource in product(_named(ours, "Action"), _named(ours, "Resource")):
            act, target = _concrete(action, place), _target(resource, place)
            yield replace(caller, action=act, resource=target)


# --- a deny of ours in an organization ---------------------------------------------------------


def of_control(ours: Json, account: str) -> Iterator[Request]:
    """Whom a policy of an organization names, in one account that it binds, or upon what is there.

    Where it names nobody, it is for everybody of the account.
    """
    condition = ours.get("Condition") or {}
    place = Place(account, "arn:aws:s3:::any")
    patterns = listed(condition.get("ArnLike", {}).get("aws:PrincipalArn"))
    if "Principal" in ours:  # of a resource's account: it speaks of whoever comes from outside
        theirs = listed(condition["StringEquals"]["aws:PrincipalAccount"])
        callers = [c for number in theirs for c in _of_account(str(number), (), place)]
        callers = [replace(c, context={**c.context, "aws:principalorgid": ()}) for c in callers]
        acts = [(_concrete(a, place), place.arn) for a in _named(ours, "Action")]
    else:
        meant = (_of_pattern(str(p), (), place) for p in patterns)
        callers = [c for some in meant for c in some if c.account == account]
        callers = callers if patterns else list(_of_account(account, (), place))
        acts = list(USUAL)
    for caller, (act, target) in product(callers, acts):
        yield replace(caller, action=act, resource=target)


# --- a deny of ours on a principal -----------------------------------------------------------


def of_principal(standing: Standing, *, before: str = "") -> Iterator[Request]:
    """What a principal's own documents allow; `before`: in a session issued before that moment."""
    place = Place(account_of(standing.arn), standing.arn)
    caller = _caller(standing.arn, place)
    if before:
        issued = datetime.fromisoformat(before).astimezone(UTC) - timedelta(seconds=1)
        said = issued.strftime("%Y-%m-%dT%H:%M:%SZ")
        caller = replace(caller, context={**caller.context, "aws:tokenissuetime": (said,)})
    pairs = list[tuple[str, str]]()
    for document in standing.documents:
        for statement in statements(document):
            if statement.get("Effect") == "Allow":
                pairs += product(_named(statement, "Action"), _named(statement, "Resource"))
    for action, resource in (*USUAL, *pairs):
        act = _concrete("s3:*" if action == "*" else action, place)
        yield replace(caller, action=act, resource=_target(resource, place))
