"""Which roles of ours the vendor may hand to a service of AWS. Pure.

What runs as such a role is not the vendor's principal: a function or a machine that the vendor left
behind goes on when the vendor itself is denied everything.
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from stopline.connectors.aws import policy
from stopline.connectors.aws.evaluating import Answer, Policies, Request, evaluate
from stopline.connectors.aws.levers import NAME
from stopline.connectors.aws.selection import Identity, Selected
from stopline.model import Address, Grant, State

KIND = "passing"
PASS, SERVICE = "iam:PassRole", "iam:PassedToService"
LINKED = "/aws-service-role/"
"""Where roles are that a service makes for itself: nobody hands them over."""
_SHOWN = 3


def passing(identities: Sequence[Identity], selected: Sequence[Selected]) -> Iterator[Grant]:
    """Yield, for each of the vendor's principals, the roles that it may hand to a service."""
    chosen = {s.identity.arn for s in selected}
    roles = [(r, services) for r in identities if (services := _services(r, chosen))]
    for one in selected:
        who = one.identity
        if not policy.speaks(who.documents, PASS):
            continue  # most may hand over nothing at all, and need no closer look
        handed = {
            role.name: to
            for role, services in roles
            if role.account == who.account and (to := _to(who, role, services))
        }
        if handed:
            yield Grant(
                Address(NAME, who.account, KIND, f"{who.kind}/{who.name}"),
                State.of({"roles": handed}),
                who.arn,
                KIND,
                who.arn,
                one.via,
                who.uid,
                one.vouched,
            )


def _services(role: Identity, chosen: Iterable[str]) -> list[str]:
    """Who of AWS takes a role; nobody where it is the vendor's already, and contained as that."""
    if role.kind != "role" or role.arn in chosen or role.path.startswith(LINKED):
        return []
    return policy.named(role.trust, "Service")


def _to(who: Identity, role: Identity, services: Iterable[str]) -> list[str]:
    return [service for service in services if _may(who, role, service)]


def _may(who: Identity, role: Identity, service: str) -> bool:
    """Whether it may, or nobody can tell. A boundary, which could only refuse more, is not read."""
    request = Request(
        who.arn,
        who.account,
        PASS,
        role.arn,
        role.account,
        {SERVICE.lower(): (service,)},
    )
    return evaluate(request, Policies(identity=who.documents)) is not Answer.REFUSED


def reason(grant: Grant) -> str:
    """What is left open, and what a person must look for."""
    handed: Mapping[str, Sequence[str]] = grant.state.value["roles"]
    named = [f"{role} ({', '.join(to)})" for role, to in sorted(handed.items())[:_SHOWN]]
    more = f" and {len(handed) - _SHOWN} more" if len(handed) > _SHOWN else ""
    return (
        f"may hand roles of ours to services: {'; '.join(named)}{more}. What it left running as "
        "one of them is not its own principal, and goes on: look for what it made, and stop it"
    )
