"""The fast cut: one policy of the organization denies the vendor in many accounts at once. Pure.

It is there besides the other levers and stands in for none of them: each of them is proven without
it. A service control policy stops principals of the organization's own accounts, sessions that were
issued before among them, a resource control policy those of others, in the services that it covers.
Neither limits the management account, or a role that is linked to a service.
https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html
https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from stopline.connectors.aws import lockout, marks
from stopline.connectors.aws.levers import NAME, left, strangers
from stopline.connectors.aws.organization import MEMBER, PRINCIPALS, RESOURCES
from stopline.connectors.aws.organizing import RESOURCE, SERVICE, Control
from stopline.connectors.aws.policy import account_of
from stopline.connectors.aws.storing import of_iam
from stopline.model import Address, Breadth, Change, Grant, Skip, State
from stopline.port import Terms
from stopline.text import Json, canonical

COVERED = (
    "s3", "sts", "kms", "sqs", "secretsmanager", "ecr", "dynamodb", "logs", "events",
    "cognito-identity", "codeartifact", "rolesanywhere", "transfer", "firehose",
)  # fmt: skip
"""Services in which a resource control policy of ours denies; it may name no others.

https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html
"""
CONTAINS = {PRINCIPALS: PRINCIPALS, RESOURCES: RESOURCES, MEMBER: "member-accounts"}
"""By kind of grant: what a playbook's rule for it contains."""
_KINDS = {
    PRINCIPALS: ("Scp", "service-control", SERVICE),
    RESOURCES: ("Rcp", "resource-control", RESOURCE),
    MEMBER: ("Member", "service-control", SERVICE),
}


def fast_cut(grant: Grant, terms: Terms, proto: Change) -> Iterator[Change | Skip]:
    """The policy, and each of its attachments that has room; or why there is none."""
    what, kind, control = _KINDS[grant.address.kind]
    yield from strangers(grant, terms)
    name = marks.control_name(what, terms.mark.journal, terms.mark.pause)
    body = _document(grant, terms)
    base = replace(
        proto,
        address=Address(NAME, grant.address.realm, f"{kind}-policy", name),
        after=State.of({"document": body}),
        breadth=Breadth.FOUNDATION,
        marked=True,
        spans=True,
        summary=f"create the {control.what} that {_SAYS[what]}",
    )
    if reason := _hindrance(grant, terms, base, control):
        yield left(grant, reason)
        return
    places = _places(grant, terms)
    free = [p for p in places if p not in _full(grant, terms, control)]
    for place in sorted(set(places) - set(free)):
        yield left(grant, f"{place} has {control.attached} policies already: it takes no more")
    if free:
        yield base
        yield from (_attachment(base, kind, place) for place in free)


_SAYS = {
    "Scp": "denies the vendor's principals in the organization's accounts",
    "Rcp": "denies the vendor's accounts what is in the organization's accounts",
    "Member": "denies everything in accounts of the vendor's",
}


def _attachment(base: Change, kind: str, place: str) -> Change:
    name = base.address.id
    return replace(
        base,
        address=Address(NAME, base.address.realm, f"{kind}-attachment", f"{place}#{name}"),
        after=State.of({"PolicyName": name}),
        breadth=Breadth.EVERYWHERE,
        stands_on=base.address,
        summary=f"attach {name} to {place}",
    )


def _places(grant: Grant, terms: Terms) -> Sequence[str]:
    if grant.address.kind == MEMBER:
        return (grant.address.id,)
    found = terms.playbook.rule(NAME, CONTAINS[grant.address.kind])
    return (found[1].at if found else ()) or (grant.state.value["root"],)


def _full(grant: Grant, terms: Terms, control: Control) -> tuple[str, ...]:
    """The one place of which is known how much is there; the others a refusal tells of."""
    state = grant.state.value
    theirs = sum(journal != terms.mark.journal for journal in state["marks"])  # they take room too
    known = grant.address.id if grant.address.kind == MEMBER else state["root"]
    return (known,) if state["attached"] + theirs >= control.attached else ()


def _hindrance(grant: Grant, terms: Terms, base: Change, control: Control) -> str:
    """Why there can be no such policy, or nothing."""
    state = grant.state.value
    if not state["enabled"]:
        step = f"aws organizations enable-policy-type --policy-type {control.type}"
        return f"policies of this type are not enabled at {state['root']} ({step})"
    if base.address in terms.refusals:
        return "AWS refused the policy; see the receipt"
    if grant.address.kind == MEMBER:
        return _not_a_vendors(grant, terms)
    body = base.after.value["document"] if base.after else {}
    size = len(canonical(body))
    if size > control.longest:
        return f"the policy would be {size} of {control.longest} characters"
    if who := lockout.hit(body["Statement"], _samples(terms)):
        return f"the policy would lock out {who}"
    return ""


def _not_a_vendors(grant: Grant, terms: Terms) -> str:
    aws = terms.estate.aws
    if aws and grant.address.id in aws.own:
        return "the estate's file names this account as the lab's own"
    if grant.state.value["management"]:
        return "it is the organization's management account, which no such policy limits"
    return ""


# --- what the policies say -----------------------------------------------------------------------


def _document(grant: Grant, terms: Terms) -> Json:
    mark, state = terms.mark, grant.state.value
    everything = {"Action": "*", "Resource": "*"}
    if grant.address.kind == PRINCIPALS:
        condition = {
            "ArnLike": {"aws:PrincipalArn": state["own"]},
            "ArnNotLike": {"aws:PrincipalArn": _exempt(terms)},
            "StringEquals": {"aws:PrincipalAccount": state["within"]},
        }
        said = {"Effect": "Deny", **everything, "Condition": condition}
        return _policy({"Sid": marks.sid(mark.journal, mark.pause, "Own"), **said})
    sid = {"Sid": marks.sid(mark.journal, mark.pause, "Acct")}
    if grant.address.kind == MEMBER:
        said = {**sid, "Effect": "Deny", **everything}
        named = [arn for arn in _exempt(terms) if account_of(arn) == grant.address.id]
        if named:  # by number: a pattern for any account the vendor could meet with a role it makes
            said["Condition"] = {"ArnNotLike": {"aws:PrincipalArn": named}}
        return _policy(said)
    actions = [f"{service}:*" for service in COVERED]
    said = {"Effect": "Deny", "Principal": "*", "Action": actions, "Resource": "*"}
    return _policy({**sid, **said, "Condition": _outside(state["accounts"], grant, terms)})


def _policy(statement: Json) -> Json:
    return {"Version": "2012-10-17", "Statement": [statement]}


def _outside(accounts: Sequence[str], grant: Grant, terms: Terms) -> Json:
    """Nobody of the organization is meant, whatever account the vendor's file names.

    By an ARN with `*` for the account the vendor could spare itself: it can make such a role. Who
    is protected in an account of the vendor's by its number is spared.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
    """
    said: dict[str, Json] = {
        "StringEquals": {"aws:PrincipalAccount": list(accounts)},
        "StringNotEquals": {"aws:PrincipalOrgID": grant.address.realm},
    }
    named = [arn for arn in _exempt(terms) if account_of(arn) in accounts]
    return {**said, "ArnNotLike": {"aws:PrincipalArn": named}} if named else said


def _exempt(terms: Terms) -> list[str]:
    """Whom no deny of ours may hit: what stopline runs as, and all that is protected."""
    protected, aws = terms.estate.protected, terms.estate.aws
    said = (*protected.orchestrator, *protected.break_glass, *protected.log_delivery)
    arns = {arn for arn in (*said, *protected.journal, *terms.vendor.protected) if of_iam(arn)}
    roles = [
        (n, r) for n, a in (aws.accounts if aws else {}).items() for r in (a.role, a.read_role)
    ]
    roles += [("*", role) for role in (aws.role, aws.read_role)] if aws else []
    return sorted(arns | {f"arn:aws:iam::{number}:role/{role}" for number, role in roles if role})


def _samples(terms: Terms) -> list[str]:
    """Somebody whom each of them means, in an account of the lab's."""
    aws = terms.estate.aws
    number = min(aws.accounts) if aws else ""
    return [arn.replace("::*:", f"::{number}:").replace("*", "any") for arn in _exempt(terms)]
