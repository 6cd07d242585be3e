"""How a role that the vendor shares with others is contained. Pure.

First the trust policy denies the vendor, so that no new session of its begins; then what was issued
before ends, for everybody: nothing in a session says who took it. The others take the role again.
The time of that cut moves on, once, to when the trust was seen everywhere (docs/adr).
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from stopline.connectors.aws import lockout, marks
from stopline.connectors.aws.levers import INLINE, NAME, left, length, orphaned, strangers, taken
from stopline.connectors.aws.policy import ANCHORS, HANDED_OUT_BY, POOLS, account_of
from stopline.model import Address, Breadth, Change, Grant, Skip, State
from stopline.port import Terms
from stopline.text import Json

TRUST = (2_048, 4_096, 8_192)
"""Characters of a trust policy: the default, and what an account can be given."""
ASSUME = "sts:AssumeRole"
SAML, WEB_IDENTITY = "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity"


def shared(grant: Grant, terms: Terms, proto: Change) -> Iterator[Change | Skip]:
    """Deny the vendor in the trust policy, then end older sessions; or say why it is left."""
    trust = grant.state.value["trust"]
    yield from strangers(grant, terms)
    if reason := orphaned(trust["orphans"]):
        yield left(grant, f"{_with(grant)}, and its trust policy {reason}")
        return
    denies = _first_that_fits(grant, terms, proto)
    if not denies:
        yield left(
            grant, f"{_with(grant)}, and its trust policy has no room for a deny, or AWS refused it"
        )
        return
    hit = lockout.hit([c.after.value for c in denies if c.after], map(_arn, grant.shared_with))
    if hit:
        yield left(grant, f"{_with(grant)}, and a deny of the vendor there would hit {hit}")
        return
    yield from denies
    yield from _cut(grant, terms, proto)
    yield from _outsiders(grant, terms)


def _with(grant: Grant) -> str:
    return f"shared with {_names(grant.shared_with)}"


def _names(others: Sequence[str], most: int = 3) -> str:
    more = f" and {len(others) - most} more" if len(others) > most else ""
    return ", ".join(others[:most]) + more


def _arn(other: str) -> str:
    """An ARN for what a trust names; an account stands for its root."""
    number = other.removeprefix("account ")
    return f"arn:aws:iam::{number}:root" if number.isdigit() else other


def _outsiders(grant: Grant, terms: Terms) -> Iterator[Skip]:
    """A role made for the vendor that lets in whom the estate does not know.

    Somebody with the vendor's keys may have added itself, to look like one of the others.
    """
    ours = terms.estate.aws.accounts if terms.estate.aws else {}
    outside = [o for o in grant.shared_with if account_of(_arn(o)) not in ours]
    if grant.state.value["named"] and outside:
        reason = f"made for the vendor, and open to {_names(outside)} as well, who keep it"
        yield left(grant, reason)


# --- the trust policy --------------------------------------------------------------------------


def _first_that_fits(grant: Grant, terms: Terms, proto: Change) -> list[Change]:
    size = grant.state.value["trust"]["size"]
    most = next((limit for limit in TRUST if size <= limit), TRUST[-1])
    for form in (_apart, _merged):
        changes = [_statement(grant, terms, proto, *each) for each in form(grant)]
        added = sum(length(c.after.value) + 1 for c in changes if c.after)
        if changes and size + added <= most and taken(changes, terms):
            return changes
    return []


_Deny = tuple[str, Json]
"""Which part of our marks, and what tells the vendor."""


def _apart(grant: Grant) -> Iterator[_Deny]:
    trust = grant.state.value["trust"]
    if trust["accounts"]:
        yield "Acct", {"Condition": {"StringEquals": {"aws:PrincipalAccount": trust["accounts"]}}}
    if trust["own"]:
        yield "Own", {"Condition": {"ArnLike": {"aws:PrincipalArn": trust["own"]}}}
    yield from _besides(trust)


def _merged(grant: Grant) -> Iterator[_Deny]:
    """Accounts and principals in one statement, which is shorter."""
    trust = grant.state.value["trust"]
    arns = [*(f"arn:aws:*::{account}:*" for account in trust["accounts"]), *trust["own"]]
    if arns:
        yield "All", {"Condition": {"ArnLike": {"aws:PrincipalArn": arns}}}
    yield from _besides(trust)


def _besides(trust: Json) -> Iterator[_Deny]:
    if trust["external_ids"]:
        yield "Ext", {"Condition": {"StringEquals": {"sts:ExternalId": trust["external_ids"]}}}
    if trust["federated"]:
        actions = {SAML if ":saml-provider/" in p else WEB_IDENTITY for p in trust["federated"]}
        who = {"Federated": trust["federated"]}
        yield "Fed", {"Principal": who, "Action": sorted(actions)}
    if anchors := trust.get("doors", {}).get(ANCHORS):
        by = {"ArnEquals": {"aws:SourceArn": anchors}}
        yield "Anchor", {"Principal": {"Service": ANCHORS}, "Condition": by}
    if pools := trust.get("doors", {}).get(POOLS):
        by = {"StringEquals": {HANDED_OUT_BY[POOLS]: pools}}
        yield "Pool", {"Principal": {"Federated": POOLS}, "Action": WEB_IDENTITY, "Condition": by}


def _statement(grant: Grant, terms: Terms, proto: Change, part: str, tells: Json) -> Change:
    """`{"AWS": "*"}` with a condition: needs no existing principal, and covers sessions too."""
    sid = marks.sid(terms.mark.journal, terms.mark.pause, part)
    body = {"Sid": sid, "Effect": "Deny", "Principal": {"AWS": "*"}, "Action": ASSUME, **tells}
    role, whom = grant.address.id, _WHOM[part]
    return replace(
        proto,
        address=Address(NAME, grant.address.realm, "trust-policy-statement", f"{role}#{sid}"),
        after=State.of(body),
        breadth=Breadth.TARGET,
        marked=True,
        summary=f"deny {whom} in the trust policy of the role {role}",
    )


_WHOM = {
    "Acct": "the vendor's accounts",
    "Own": "the vendor's principals here",
    "All": "the vendor's accounts and its principals here",
    "Ext": "the vendor's external ids",
    "Fed": "the vendor's identity providers",
    "Anchor": "the vendor's trust anchors",
    "Pool": "the vendor's identity pools",
}


# --- sessions issued before ----------------------------------------------------------------------


def _felt(grant: Grant) -> str:
    """Who signs in again. A machine renews its credentials by itself, but only by and by."""
    felt = f"{_with(grant)} ({len(grant.shared_with)}), who keep it and must sign in again: its "
    felt += "sessions end, whoever took them"
    services = grant.state.value["trust"]["services"]
    if not services:
        return felt
    felt += f"; {_names(services)} runs as it too, and may be refused for hours, until it renews "
    return f"{felt}its credentials"


def _cut(grant: Grant, terms: Terms, proto: Change) -> Iterator[Change | Skip]:
    """End what was issued before; narrower than the deny, so that it comes after it."""
    realm, role, mark = grant.address.realm, grant.address.id, terms.mark
    trust = Address(NAME, realm, "trust-policy-statement", role).document
    moment = terms.cut_after(trust)
    document = marks.cut_document(mark.journal, mark.pause, moment)
    name = marks.cut_name(mark.journal, mark.pause)
    cut = replace(
        proto,
        address=Address(NAME, realm, "role-inline-policy", f"{role}/{name}"),
        after=State.of({"document": document}),
        breadth=Breadth.NARROW,
        marked=True,
        moment=moment,
        summary=f"end the sessions of the role {role} that were issued before",
        felt=_felt(grant),
    )
    room = grant.state.value["inline"] + length(document) <= INLINE["role"]
    if moment and room and taken([cut], terms):
        yield cut
        return
    reason = "no new session of the vendor's begins, and those issued before live on: there is no "
    yield left(grant, f"{_with(grant)}; {reason}room in it for the policy that ends them")
