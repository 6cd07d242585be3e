"""How a grant is contained in AWS: a pure opinion, and what outlives it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from stopline.connectors.aws import (
    by_person,
    destinations,
    doors,
    fastcut,
    naming,
    passing,
    people,
)
from stopline.connectors.aws.handed import share
from stopline.connectors.aws.levers import ATTACHED, NAME, deny_all, left, strangers
from stopline.connectors.aws.organization import PRINCIPALS, RESOURCES
from stopline.connectors.aws.resources import BY_STATEMENT, TABLE
from stopline.connectors.aws.resourcing import resource
from stopline.connectors.aws.shares import ROWS, SHARES
from stopline.connectors.aws.sharing import shared
from stopline.connectors.aws.storing import bucket, lifecycle
from stopline.model import Breadth, Change, Grant, Residual, Skip, State
from stopline.port import Terms
from stopline.reserve import reserved

_CONTAINS = {
    "user": "users",
    "role": "roles",
    "bucket": "buckets",
    "bucket-lifecycle": "buckets",
    "access-key": "access-keys",
    "ssh-key": "ssh-keys",
    "signing-certificate": "signing-certificates",
    people.MEMBER: "group-memberships",
    people.ASSIGNED: "account-assignments",
    people.APPLICATION: "application-assignments",
    **fastcut.CONTAINS,
    **{row.kind: row.contains for row in ROWS},
}


OPTIONAL = (PRINCIPALS, RESOURCES)
"""What is contained besides: where no rule asks for it, nothing is left open by that."""


def contained(grant: Grant, terms: Terms) -> Iterator[Change | Skip]:
    """Say how one grant is contained under these terms, or why it is left."""
    kind = grant.address.kind
    if reason := _LEFT.get(kind, _uneditable)(grant):
        yield left(grant, reason)
        return
    contains = "shared-roles" if grant.shared_with else _CONTAINS[kind]
    found = terms.playbook.rule(NAME, contains)
    if found is None:
        if kind in OPTIONAL:
            reason = f"the playbook has no rule for {contains}, so no fast cut is made"
            yield Skip(grant.address, grant.principal, reason)
            return
        yield left(grant, _no_rule(grant, contains))
        return
    phase, rule = found
    proto = Change(
        grant.address,
        before=None,
        after=None,
        rule=rule.name,
        breadth=Breadth.NARROW,
        phase=phase,
        uid=grant.uid,
        principal=grant.principal,
    )
    opinions = shared if grant.shared_with else _BY_KIND[kind]
    for opinion in reserved(opinions(grant, terms, proto), rule, grant, terms):
        refused = isinstance(opinion, Change) and opinion.address in terms.refusals
        yield left(grant, "AWS refused the write; see the receipt") if refused else opinion


def _no_rule(grant: Grant, contains: str) -> str:
    if grant.shared_with:
        who = ", ".join(grant.shared_with[:3])
        return f"shared with {who}, who would be cut off too ({grant.via})"
    return f"the playbook has no rule for {contains}"


def _uneditable(grant: Grant) -> str:
    if grant.address.kind != "role":
        return ""
    path = grant.state.value["path"]
    if grant.address.id.startswith("AWSReservedSSO_") or path.startswith("/aws-service-role/"):
        return "AWS lets nobody edit this role; contain it by an organisation policy"
    return ""


def _principal(grant: Grant, terms: Terms, proto: Change) -> Iterator[Change | Skip]:
    yield from strangers(grant, terms)
    changes = deny_all(grant, terms, proto)
    yield from changes
    if not changes:
        used = len(grant.state.value["attached"])
        yield left(
            grant,
            f"no lever is left: {used} of {ATTACHED} policies are attached, its own policies or "
            "its boundary leave no room, or AWS refused the writes",
        )


def _key(grant: Grant, _terms: Terms, proto: Change) -> Iterator[Change]:
    what = grant.address.kind.replace("-", " ")
    key = grant.address.id.partition("/")[2]
    yield replace(
        proto,
        after=State.of({"Status": "Inactive"}),
        summary=f"make the {what} {key[:4]}…{key[-4:]} inactive",
    )


_LEFT: Mapping[str, Callable[[Grant], str]] = {
    passing.KIND: passing.reason,
    destinations.KIND: destinations.reason,
    doors.KIND: doors.reason,
    **dict.fromkeys(naming.TABLE, naming.reason),
    **dict.fromkeys(by_person.LEFT, by_person.reason),
}
"""What a person must do, for all that nothing here contains."""
_Opinion = Callable[[Grant, Terms, Change], Iterable[Change | Skip]]
_BY_KIND: Mapping[str, _Opinion] = {
    "user": _principal,
    "role": _principal,
    "bucket": bucket,
    "bucket-lifecycle": lifecycle,
    "access-key": _key,
    "ssh-key": _key,
    "signing-certificate": _key,
    **dict.fromkeys(people.KINDS, people.contained),
    **dict.fromkeys(TABLE, resource),
    **dict.fromkeys(fastcut.CONTAINS, fastcut.fast_cut),
    **dict.fromkeys(SHARES, share),
}

_SIGNED_IN = (("sessions of roles that the person had taken", "PT12H"),)
_OUTLIVES = {
    people.MEMBER: _SIGNED_IN,
    people.ASSIGNED: _SIGNED_IN,
    people.APPLICATION: (
        ("sessions that the application has begun itself", "until the application ends them"),
    ),
    "user-attachment": (
        ("sessions of roles that the user had assumed, where the role itself is left open",
         "PT12H"),
        ("data connections already open (SSM, databases)", "until they are closed"),
    ),
    "role-attachment": (
        ("sessions of other roles that were reached through this one", "PT1H"),
        ("data connections already open (SSM, databases)", "until they are closed"),
    ),
    "bucket-policy-statement": (
        ("transfers already under way", "until they end"),
    ),
    **{kind: (row.outlives,) for kind, row in BY_STATEMENT.items()},
    "service-control-policy": (
        ("the management account, and roles linked to a service: no such policy limits them",
         "until the other levers end it"),
        ("principals of other organizations", "until the other levers end it"),
        ("data connections already open (SSM, databases)", "until they are closed"),
    ),
    "resource-control-policy": (
        ("SNS, Lambda, EFS, API Gateway, shares of images: no such policy covers them",
         "until the other levers end it"),
        ("what the management account has", "until the other levers end it"),
        ("keys that AWS manages, and giving up grants of keys", "until the other levers end it"),
    ),
    **{kind: row.outlives for kind, row in SHARES.items()},
}  # fmt: skip
_LIKE = {
    "user-inline-policy": "user-attachment",
    "user-boundary": "user-attachment",
    "role-inline-policy": "role-attachment",
    "role-boundary": "role-attachment",
}
"""Levers that leave what another leaves."""


def residuals(change: Change) -> Iterator[Residual]:
    """What outlives a change. A presigned URL does not: it is authorised when it is used.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_revoke-sessions.html
    """
    kind = _LIKE.get(change.address.kind, change.address.kind)
    for what, until in _OUTLIVES.get(kind, ()):
        yield Residual(change.address, what, until)
