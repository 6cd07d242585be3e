"""Who is the vendor, in the forms in which Google Cloud names anybody. Pure.

https://docs.cloud.google.com/iam/docs/principal-identifiers
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pydantic import Field

from stopline.vendors import GcpSelectors

_DENIED = {
    "user": "principal://goog/subject/",
    "group": "principalSet://goog/group/",
    "serviceAccount": "principal://iam.googleapis.com/projects/-/serviceAccounts/",
}
"""How a deny policy spells what an allow policy spells `kind:address`."""
CUSTOMER = "principalSet://goog/cloudIdentityCustomerId/"
NAMED = "its own name"
"""What selects whom the vendor's file names one by one."""
_POOLED = ("principal://iam.googleapis.com/", "principalSet://iam.googleapis.com/")
_AGENT = re.compile(r"(?:service-|p)?([0-9]{6,20})(?:-[a-z0-9-]+)?@.*gserviceaccount\.com")
_OF_PROJECT = re.compile(
    r"[^@]+@([a-z0-9-]+)\.iam\.gserviceaccount\.com"
    r"|([a-z0-9-]+)@appspot\.gserviceaccount\.com"
    r"|([a-z0-9-]+)\.svc\.id\.goog\[.+\]"
)
_NUMBERED = re.compile(
    r"principalSet://cloudresourcemanager\.googleapis\.com/projects/([0-9]+)/.*"
    r"|principal(?:Set)?://iam\.googleapis\.com/projects/([0-9]+)/locations/global"
    r"/workloadIdentityPools/.*"
)
"""Sets of a project: its service accounts, and who comes through a pool of it."""
_CONVENIENCE = ("projectOwner", "projectEditor", "projectViewer")
"""Who has a basic role in a project: https://docs.cloud.google.com/storage/docs/access-control/iam
"""


@dataclass(frozen=True, slots=True, order=True)
class Seat:
    """One direct membership: `role` is the highest, `ends` is when it ends by itself, if it does.

    `last` says that nobody but the vendor's is an owner of the group.
    """

    group: str
    member: str
    role: str = "MEMBER"
    ends: str = ""
    last: bool = False


@dataclass(frozen=True, slots=True)
class Way:
    """How somebody is in a group: by which groups, the outermost first, and by which seats."""

    groups: tuple[str, ...]
    seats: tuple[Seat, ...]


class Known(GcpSelectors):
    """Selectors, and besides them members of whom something else says that they are the vendor's.

    By the member, in small letters, what says so: the unit that somebody is in.
    """

    people: Mapping[str, str] = Field(default_factory=dict)


def via(selectors: GcpSelectors, member: str) -> str:
    """What selects a member as the vendor's, or nothing. Never a fragment of a name."""
    kind, _, rest = member.partition(":")
    if told := _named(selectors, member):
        return told
    if kind in ("user", "group") and (domain := rest.rpartition("@")[2].casefold()):
        return f"the domain {domain}" if domain in _folded(selectors.domains) else ""
    if kind == "domain":
        return f"the domain {rest}" if rest.casefold() in _folded(selectors.domains) else ""
    if kind == "serviceAccount":
        return _service_account(selectors, rest.casefold())
    if kind in _CONVENIENCE:
        return f"the project {rest}" if rest in selectors.projects else ""
    return _set(selectors, member)


def _named(selectors: GcpSelectors, member: str) -> str:
    if member.casefold() in _folded(selectors.principals):
        return NAMED
    return selectors.people.get(plain(member), "") if isinstance(selectors, Known) else ""


def _folded(names: Iterable[str]) -> set[str]:
    return {name.casefold() for name in names}


def _service_account(selectors: GcpSelectors, email: str) -> str:
    """A service account belongs to its project; a service agent bears the project's number."""
    found = _OF_PROJECT.fullmatch(email)
    project = next(filter(None, found.groups()), "") if found else ""
    if project in selectors.projects:
        return f"the project {project}"
    agent = _AGENT.fullmatch(email)
    if agent and agent[1] in selectors.project_numbers:
        return f"the project number {agent[1]}"
    return ""


def _set(selectors: GcpSelectors, member: str) -> str:
    if member.startswith(CUSTOMER) and member.removeprefix(CUSTOMER) in selectors.customers:
        return f"the directory {member.removeprefix(CUSTOMER)}"
    for pool in selectors.pools:
        if any(member.startswith(f"{start}{pool}/") for start in _POOLED):
            return f"the pool {pool}"
    found = _NUMBERED.fullmatch(member)
    number = (found[1] or found[2]) if found else ""
    return f"the project number {number}" if number in selectors.project_numbers else ""


def plain(member: str) -> str:
    """A member with its address in small letters: a deny takes no others, an allow policy does."""
    kind, _, rest = member.partition(":")
    return f"{kind}:{rest.lower()}" if kind in _DENIED else member


def spelt(member: str) -> str:
    """How a deny policy names a member of an allow policy; nothing where it cannot.

    https://docs.cloud.google.com/iam/docs/reference/rest/v2/policies#DenyRule
    """
    kind, _, rest = member.partition(":")
    if member.startswith((*_POOLED, CUSTOMER)):
        return member
    if kind in _DENIED and "[" not in rest:
        return f"{_DENIED[kind]}{rest.lower()}"
    return ""


def unspelt(denied: str) -> str:
    """The other way round; what no allow policy would say stays as it is."""
    for kind, start in _DENIED.items():
        if denied.startswith(start):
            return f"{kind}:{denied.removeprefix(start)}"
    return denied


def named(selectors: GcpSelectors, member: str, *, whole: bool = True) -> tuple[str, ...]:
    """Whom a deny names for a member: itself, and its directory where a domain selects it.

    Where only single principals are meant, the directory would be more than that.
    """
    own = (plain(member),) if spelt(member) else ()
    if not whole or not via(selectors, member).startswith("the domain"):
        return own
    return (*own, *(f"{CUSTOMER}{customer}" for customer in selectors.customers))
