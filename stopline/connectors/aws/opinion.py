"""How a grant is contained in AWS: a pure opinion, and what outlives it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from stopline.connectors.aws import marks
from stopline.connectors.aws.discovery import ATTACHED, NAME
from stopline.connectors.aws.documents import LONGEST_BUCKET_POLICY
from stopline.engine import Terms
from stopline.model import Address, Breadth, Change, Grant, Residual, Skip, State
from stopline.text import Json, canonical

_CONTAINS = {
    "user": "users",
    "role": "roles",
    "bucket": "buckets",
    "access-key": "access-keys",
    "ssh-key": "ssh-keys",
    "signing-certificate": "signing-certificates",
}


def contained(grant: Grant, terms: Terms) -> Iterator[Change | Skip]:
    """Say how one grant is contained under these terms, or why it is left."""
    kind = grant.address.kind
    found = terms.playbook.rule(NAME, _CONTAINS[kind])
    if found is None:
        yield left(grant, f"the playbook has no rule for {_CONTAINS[kind]}")
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
    for opinion in _BY_KIND[kind](grant, terms, proto):
        refused = isinstance(opinion, Change) and opinion.address in terms.refusals
        yield left(grant, "AWS refused the write; see the receipt") if refused else opinion


def left(grant: Grant, reason: str) -> Skip:
    """A grant that stays open."""
    return Skip(grant.address, grant.principal, reason, leaves_access=True)


def _strangers(grant: Grant, terms: Terms) -> Iterator[Skip]:
    for journal in grant.state.value["marks"]:
        if journal != terms.mark.journal:
            reason = f"held by another stopline journal, {journal}; not touched"
            yield Skip(grant.address, grant.principal, reason)


def _principal(grant: Grant, terms: Terms, proto: Change) -> Iterator[Change | Skip]:
    state, kind, realm = grant.state.value, grant.address.kind, grant.address.realm
    yield from _strangers(grant, terms)
    name = state["arn"].rpartition("/")[2]
    if grant.shared_with:
        who = ", ".join(grant.shared_with[:3])
        yield left(grant, f"shared with {who}, who would be cut off too ({grant.via})")
        return
    if name.startswith("AWSReservedSSO_") or state["path"].startswith("/aws-service-role/"):
        yield left(grant, "AWS lets nobody edit this role; contain it by an organisation policy")
        return
    strangers = [j for j in state["marks"] if j != terms.mark.journal]  # they take room too
    used = len(state["attached"]) + len(strangers)
    if used >= ATTACHED:
        yield left(grant, f"{used} of {ATTACHED} policies are attached: there is no room for ours")
        return
    journal = terms.mark.journal
    arn = marks.policy_arn(realm, journal)
    base = Address(NAME, realm, "deny-policy", marks.policy_name(journal))
    yield replace(
        proto,
        address=base,
        after=State.of({"document": marks.policy_document(journal)}),
        breadth=Breadth.FOUNDATION,
        marked=True,
        uid="",
        principal=arn,
        summary="create the deny-all policy that the attachments need",
    )
    yield replace(
        proto,
        address=Address(NAME, realm, f"{kind}-attachment", f"{grant.address.id}#{arn}"),
        after=State.of({"PolicyArn": arn}),
        breadth=Breadth.PRINCIPAL,
        marked=True,
        stands_on=base,
        summary=f"attach deny-all to the {kind} {name}",
    )


def _key(grant: Grant, _terms: Terms, proto: Change) -> Iterator[Change]:
    what = grant.address.kind.replace("-", " ")
    key = grant.address.id.partition("/")[2]
    yield replace(
        proto,
        after=State.of({"Status": "Inactive"}),
        summary=f"make the {what} {key[:4]}…{key[-4:]} inactive",
    )


def _bucket(grant: Grant, terms: Terms, proto: Change) -> Iterator[Change | Skip]:
    state, name = grant.state.value, grant.address.id
    yield from _strangers(grant, terms)
    if state["orphans"]:
        who = ", ".join(state["orphans"][:2])
        yield left(grant, f"its policy names a deleted principal ({who}), so AWS takes no edit")
        return
    changes = [_statement(grant, terms, proto, *test) for test in _tests(state)]
    added = sum(len(canonical(c.after.value)) + 1 for c in changes if c.after)
    size = state["policy_bytes"] + added
    if size > LONGEST_BUCKET_POLICY:
        yield left(grant, f"the policy of {name} would be {size} of {LONGEST_BUCKET_POLICY} bytes")
        return
    yield from changes


def _tests(state: Json) -> Iterator[tuple[str, str, str, list[str]]]:
    if state["accounts"]:
        yield "Acct", "StringEquals", "aws:PrincipalAccount", state["accounts"]
    if state["own"]:
        yield "Own", "ArnLike", "aws:PrincipalArn", state["own"]


def _statement(
    grant: Grant, terms: Terms, proto: Change, part: str, operator: str, key: str, values: list[str]
) -> Change:
    """`Principal: *` with a condition: needs no existing principal, and covers sessions too.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html
    """
    sid = marks.sid(terms.mark.journal, terms.mark.pause, part)
    bucket = grant.address.id
    body = {
        "Sid": sid,
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
        "Condition": {operator: {key: values}},
    }
    whom = "the vendor's accounts" if part == "Acct" else "the vendor's principals here"
    return replace(
        proto,
        address=Address(NAME, grant.address.realm, "bucket-policy-statement", f"{bucket}#{sid}"),
        after=State.of(body),
        breadth=Breadth.TARGET,
        marked=True,
        summary=f"deny {bucket} to {whom}",
    )


_Opinion = Callable[[Grant, Terms, Change], Iterable[Change | Skip]]
_BY_KIND: Mapping[str, _Opinion] = {
    "user": _principal,
    "role": _principal,
    "bucket": _bucket,
    "access-key": _key,
    "ssh-key": _key,
    "signing-certificate": _key,
}

_OUTLIVES = {
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
}  # fmt: skip


def residuals(change: Change) -> Iterator[Residual]:
    """What outlives a change. A presigned URL does not: it is authorised when it is used.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_revoke-sessions.html
    """
    for what, until in _OUTLIVES.get(change.address.kind, ()):
        yield Residual(change.address, what, until)
