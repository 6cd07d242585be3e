"""What the opinions share: how a grant is left, and which lever is taken. Pure.

Levers are tried in their order: the first that fits by the snapshot's arithmetic, and that AWS has
not refused before, is taken. When none is left, the grant is left, with the reason.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from stopline.connectors.aws import marks
from stopline.model import Address, Breadth, Change, Grant, Skip, State
from stopline.port import Terms
from stopline.text import Json, canonical

NAME = "aws"
ATTACHED = 10
"""Policies that can be attached to one principal, by default."""
INLINE = {"user": 2_048, "role": 10_240}
"""Characters of all inline policies of one principal; whitespace is not counted."""


def left(grant: Grant, reason: str) -> Skip:
    """A grant that stays open."""
    return Skip(grant.address, grant.principal, reason, leaves_access=True)


NOBODY = "the vendor's file names no account or principal that could be denied"


def orphaned(orphans: Sequence[str]) -> str:
    """Why a policy takes no statement of ours; nothing where it names nobody who is deleted."""
    who = ", ".join(orphans[:2])
    return f"names a deleted principal ({who}), so AWS takes no edit" if who else ""


def strangers(grant: Grant, terms: Terms) -> Iterator[Skip]:
    """Name other journals that hold it: their marks are not touched."""
    for journal in grant.state.value["marks"]:
        if journal != terms.mark.journal:
            reason = f"held by another stopline journal, {journal}; not touched"
            yield Skip(grant.address, grant.principal, reason)


def taken(changes: Iterable[Change], terms: Terms) -> bool:
    """Whether AWS has refused none of them before."""
    return not any(change.address in terms.refusals for change in changes)


Part = tuple[str, Json]
"""Which part of our marks, and what a statement says besides its id and its principal."""
WHOM = {
    "Acct": "the vendor's accounts",
    "Own": "the vendor's principals here",
    "All": "the vendor's accounts and its principals here",
}


def denied(what: Json, state: Json, *, merged: bool) -> Iterator[Part]:
    """Deny the vendor what a resource's policy speaks of: two statements, or one, shorter.

    For `Principal: *` with a condition: needs no existing principal, and covers sessions too.
    """
    accounts, own = state["accounts"], state["own"]
    if merged:
        arns = [*(f"arn:aws:*::{account}:*" for account in accounts), *own]
        if arns:
            yield "All", {**what, "Condition": {"ArnLike": {"aws:PrincipalArn": arns}}}
        return
    if accounts:
        condition = {"StringEquals": {"aws:PrincipalAccount": accounts}}
        yield "Acct", {**what, "Condition": condition}
    if own:
        yield "Own", {**what, "Condition": {"ArnLike": {"aws:PrincipalArn": own}}}


def size_with(state: Json, changes: Iterable[Change]) -> int:
    """Bytes of a resource's policy with our statements in it."""
    added = sum(len(canonical(c.after.value).encode()) + 1 for c in changes if c.after)
    return int(state["policy_bytes"]) + added


def length(document: Json) -> int:
    """Characters as IAM counts them: without whitespace."""
    return len(canonical(document))


def deny_all(grant: Grant, terms: Terms, proto: Change) -> tuple[Change, ...]:
    """The first lever with room that denies a principal everything; none when there is none.

    Above one that somebody took away again and again, the next besides: who may detach a policy
    may not delete an inline one, or a boundary. Each is another permission.
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
    """
    ladder: list[Change] = []
    for lever in (_attached, _inlined, _bounded):
        changes = lever(grant, terms, proto)
        if not changes or not taken(changes, terms):
            continue
        *base, rung = changes
        ladder += [*base, climbed(rung, ladder[-1]) if ladder else rung]
        if rung.address not in terms.removed:
            break
    return tuple(ladder)


def climbed(rung: Change, below: Change) -> Change:
    """A lever that is taken since the one below it was removed again and again."""
    what = rung.summary.partition(":")[0].partition(",")[0]
    summary = f"{what}: the deny in {below.address.kind} was removed again and again"
    return replace(rung, over=below.address, summary=summary)


def _foundation(grant: Grant, terms: Terms, proto: Change) -> Change:
    realm, journal = grant.address.realm, terms.mark.journal
    return replace(
        proto,
        address=Address(NAME, realm, "deny-policy", marks.policy_name(journal)),
        after=State.of({"document": marks.policy_document(journal)}),
        breadth=Breadth.FOUNDATION,
        marked=True,
        uid="",
        principal=marks.policy_arn(realm, journal),
        summary="create the deny-all policy that others stand on",
    )


def _attached(grant: Grant, terms: Terms, proto: Change) -> Sequence[Change]:
    state = grant.state.value
    theirs = [j for j in state["marks"] if j != terms.mark.journal]  # they take room too
    if len(state["attached"]) + len(theirs) >= ATTACHED:
        return ()
    kind, base = grant.address.kind, _foundation(grant, terms, proto)
    arn, id_ = base.principal, grant.address.id
    attachment = replace(
        proto,
        address=Address(NAME, grant.address.realm, f"{kind}-attachment", f"{id_}#{arn}"),
        after=State.of({"PolicyArn": arn}),
        breadth=Breadth.PRINCIPAL,
        marked=True,
        stands_on=base.address,
        summary=f"attach deny-all to the {kind} {id_}",
    )
    return base, attachment


def _inlined(grant: Grant, terms: Terms, proto: Change) -> Sequence[Change]:
    kind, id_ = grant.address.kind, grant.address.id
    document = marks.policy_document(terms.mark.journal)
    if grant.state.value["inline"] + length(document) > INLINE[kind]:
        return ()
    name = marks.policy_name(terms.mark.journal)
    inline = replace(
        proto,
        address=Address(NAME, grant.address.realm, f"{kind}-inline-policy", f"{id_}/{name}"),
        after=State.of({"document": document}),
        breadth=Breadth.PRINCIPAL,
        marked=True,
        summary=f"deny all in an inline policy of the {kind} {id_}: no policy more can be attached",
    )
    return (inline,)


def _bounded(grant: Grant, terms: Terms, proto: Change) -> Sequence[Change]:
    """A boundary that denies explicitly: no resource policy gets past it, unlike an implicit one.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
    """
    if grant.state.value["boundary"]:
        return ()
    kind, base = grant.address.kind, _foundation(grant, terms, proto)
    boundary = replace(
        proto,
        address=Address(NAME, grant.address.realm, f"{kind}-boundary", grant.address.id),
        after=State.of({"PermissionsBoundary": base.principal}),
        breadth=Breadth.PRINCIPAL,
        stands_on=base.address,
        summary=f"make deny-all the boundary of the {kind} {grant.address.id}, which has none",
    )
    return base, boundary
