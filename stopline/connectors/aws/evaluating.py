"""Effective access: what AWS would say to a request, from the documents as they are. Pure.

An explicit deny wins over everything; what cannot be told (a condition on what is not known, a
`NotPrincipal`, a policy variable) is "cannot tell", and never "refused".
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from stopline.connectors.aws.conditions import Truth, all_, any_, met, not_
from stopline.connectors.aws.policy import EVERYBODY, listed, matches, statements
from stopline.text import Json

OWN_WORD = ("kms", "sts")
"""Where the account's own identity policies count only if the resource's policy says so.
https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html"""


class Answer(StrEnum):
    """What AWS would say."""

    ALLOWED = "allowed"
    REFUSED = "refused"
    UNKNOWN = "cannot tell"


@dataclass(frozen=True, slots=True)
class Request:
    """One act of one principal on one resource.

    `principal` is the ARN that `aws:PrincipalArn` has: of a user, a role or an account's root.
    `session` is the ARN of a role's session, `provider` who vouches for a caller without a
    principal of IAM: an ARN, or a service. `context` has what is known of the condition keys, in
    lower case: no value means that the key is absent. What is not in it is not known, unless it is
    `complete`.
    """

    principal: str
    account: str
    action: str
    resource: str
    owner: str
    context: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    complete: bool = False
    session: str = ""
    provider: str = ""

    def values(self, key: str) -> tuple[str, ...] | None:
        """The values of a condition key; none where it is absent, None where nobody knows."""
        return self.context.get(key, () if self.complete else None)


@dataclass(frozen=True, slots=True)
class Policies:
    """Every document that has a say. `identity` is None where it is another's, and not known.

    Such a one is taken to allow everything. `scps` are the levels from the root down, each of
    which must allow; `rcps` only deny.
    """

    identity: tuple[Json, ...] | None = None
    boundary: Json = None
    session: Json = None
    resource: Json = None
    scps: tuple[tuple[Json, ...], ...] = ()
    rcps: tuple[Json, ...] = ()


@dataclass(frozen=True, slots=True)
class _Named:
    """How a resource's policy means the caller.

    What lets in a role, unlike a user or a session, is limited by the role's boundary.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
    """

    itself: Truth = False
    role: Truth = False
    account: Truth = False

    @property
    def at_all(self) -> Truth:
        return any_((self.itself, self.role, self.account))


def evaluate(request: Request, policies: Policies) -> Answer:
    """Say what AWS would answer. Total."""
    denied = _denied(request, policies)
    if denied:
        return Answer.REFUSED
    allowed = _allowed(request, policies)
    if allowed is False:
        return Answer.REFUSED
    return Answer.ALLOWED if allowed and denied is False else Answer.UNKNOWN


def _denied(request: Request, policies: Policies) -> Truth:
    mine = (*(policies.identity or ()), policies.boundary, policies.session)
    control = (*(d for level in policies.scps for d in level), *policies.rcps)
    return any_(
        (
            any_(
                _applies(request, s)
                for document in (*mine, *control)
                for s in statements(document)
                if s.get("Effect") == "Deny"
            ),
            any_(
                all_((_applies(request, s), _named(request, s).at_all))
                for s in statements(policies.resource)
                if s.get("Effect") == "Deny"
            ),
        )
    )


def _allowed(request: Request, policies: Policies) -> Truth:
    bounded = all_(
        _allows(request, (document,))
        for document in (policies.boundary, policies.session)
        if document is not None
    )
    identity = True if policies.identity is None else _allows(request, policies.identity)
    mine = all_((identity, bounded))
    let_in = _admitted(request, policies.resource)
    if request.account == request.owner:
        own_word = request.action.partition(":")[0].lower() in OWN_WORD
        by_its_own = all_((mine, let_in.at_all if own_word else True))
        said = any_((let_in.itself, all_((let_in.role, bounded)), by_its_own))
    else:
        said = all_((mine, let_in.at_all))
    return all_((said, *(_allows(request, level) for level in policies.scps)))


def _allows(request: Request, documents: Iterable[Json]) -> Truth:
    return any_(
        _applies(request, s)
        for document in documents
        for s in statements(document)
        if s.get("Effect") == "Allow"
    )


def _admitted(request: Request, document: Json) -> _Named:
    """As whom a resource's policy lets the caller in."""
    found = [
        (_applies(request, statement), _named(request, statement))
        for statement in statements(document)
        if statement.get("Effect") == "Allow"
    ]
    return _Named(
        any_(all_((applies, named.itself)) for applies, named in found),
        any_(all_((applies, named.role)) for applies, named in found),
        any_(all_((applies, named.account)) for applies, named in found),
    )


def _applies(request: Request, statement: Json) -> Truth:
    """Whether a statement speaks of the act, the resource and the circumstances."""
    return all_(
        (
            _acts(request, statement),
            _on(request, statement),
            met(statement, request.values),
        )
    )


def _acts(request: Request, statement: Json) -> bool:
    key = "NotAction" if "NotAction" in statement else "Action"
    patterns = [str(p).lower() for p in listed(statement.get(key))]
    return matches(patterns, request.action.lower()) is not (key == "NotAction")


def _on(request: Request, statement: Json) -> Truth:
    """A trust policy, and some others, say no `Resource`: they are about theirs alone."""
    key = "NotResource" if "NotResource" in statement else "Resource"
    if key not in statement:
        return True
    truth = any_(
        None if "${" in pattern else matches([pattern], request.resource)
        for pattern in (str(p) for p in listed(statement[key]))
    )
    return not_(truth) if key == "NotResource" else truth


def _named(request: Request, statement: Json) -> _Named:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html"""
    if "NotPrincipal" in statement:
        return _Named(None, None, None)
    principal = statement.get("Principal")
    by_kind = principal if isinstance(principal, dict) else {"AWS": principal}
    if request.provider and principal != EVERYBODY:
        vouching = (*listed(by_kind.get("Federated")), *listed(by_kind.get("Service")))
        return _Named(itself=request.provider in vouching)
    tokens = {str(token) for token in listed(by_kind.get("AWS"))}
    root = f"arn:aws:iam::{request.account}:root"
    account = bool(tokens & {root, request.account})
    itself = bool(tokens & ({EVERYBODY, request.session} - {""}))
    named = request.principal in tokens or (request.principal == root and account)
    role = ":role/" in request.principal
    # Which account a canonical id is of is not known here.
    other: Truth = None if by_kind.get("CanonicalUser") else False
    return _Named(itself or (named and not role) or other, named and role, account)
