"""Who of the vendor's is in the lab's groups, also in a group that is in a group.

Only groups that some policy names are looked into. Searching all groups of a person is for few
editions of Workspace, and leaves out in silence what the caller may not see; so each group is
looked into by itself, level by level.
https://docs.cloud.google.com/identity/docs/reference/rest/v1/groups.memberships/list
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from stopline.connectors.gcp import members
from stopline.connectors.gcp.clients import Clients
from stopline.connectors.gcp.members import Seat, Way
from stopline.connectors.gcp.reading import NAME, THREADS, Realm
from stopline.errors import ConnectorError
from stopline.model import Gap
from stopline.text import Json
from stopline.vendors import GcpSelectors

Inside = Mapping[str, Way]
"""For each member of the vendor's how it is in a group."""
NAMED = 3
"""How many groups that cannot be looked into are told by name."""
_KINDS = {"GROUP": "group", "SERVICE_ACCOUNT": "serviceAccount"}


def vendors_in(
    clients: Clients, selectors: GcpSelectors, read: Realm, groups: Iterable[str]
) -> dict[str, Inside]:
    """For each group that has somebody of the vendor's in it, who that is.

    Groups that cannot be looked into are one gap of the realm, which says how many and which, also
    those of other domains: whoever of the vendor's is in one has what policies give it.
    """
    if read.groupless:
        return {}
    tops = sorted({members.plain(group) for group in groups})
    held = _memberships(clients, selectors, read, tops)
    found = ((top, _inside(selectors, held, top)) for top in tops)
    return {top: inside for top, inside in found if inside}


def _memberships(
    clients: Clients, selectors: GcpSelectors, read: Realm, tops: list[str]
) -> dict[str, list[Seat]]:
    """Who is in each group and in each group in it; each is asked once."""
    held: dict[str, list[Seat]] = {}
    failed: dict[str, str] = {}

    def ask(group: str) -> None:
        held[group] = []
        try:
            held[group] = _members(clients, group)
        except ConnectorError as error:
            failed[group] = error.detail

    with ThreadPoolExecutor(THREADS) as pool:
        level = tops
        while level:
            list(pool.map(ask, level))
            seats = (seat for group in level for seat in held[group])
            inner = {seat.member for seat in seats if seat.member.startswith("group:")}
            level = sorted(inner - held.keys())
    if shut := _shut(clients, selectors, read, failed):
        cause = f"{len(shut)} could not be looked into ({_told(shut)}): {failed[shut[0]]}"
        read.gaps.append(Gap(NAME, read.id, "members of groups", cause))
    return held


def _shut(
    clients: Clients, selectors: GcpSelectors, read: Realm, failed: Iterable[str]
) -> list[str]:
    """The groups that were not shown, first those of the organisation's own domain.

    Not the vendor's own: such a group is found as a whole, whoever is in it.
    """
    if not (shut := sorted(g for g in failed if not members.via(selectors, g))):
        return []
    own = _own(clients, read)
    return sorted(shut, key=lambda group: _domain(group) != own)


def _told(shut: Sequence[str]) -> str:
    """Each group: the first by their names, the rest by how many are of which domain."""
    rest = Counter(_domain(group) for group in shut[NAMED:])
    counted = ", ".join(f"{number} of {domain}" for domain, number in sorted(rest.items()))
    return ", ".join(shut[:NAMED]) + (f", and {counted}" if counted else "")


def _domain(group: str) -> str:
    return group.rpartition("@")[2]


def _own(clients: Clients, read: Realm) -> str:
    """The domain by which Google calls an organisation; nothing where it is not told.

    A lab has groups of other domains too, so it says which are named first, and no more.
    https://docs.cloud.google.com/resource-manager/reference/rest/v3/organizations#Organization
    """
    if not read.id.isdigit():
        return ""
    get = "cloudresourcemanager/v3/organizations.get"
    try:
        said = clients.ask_once(get, name=f"organizations/{read.id}")
    except ConnectorError:
        return ""
    return str(said.get("displayName", "")).lower()


def _members(clients: Clients, group: str) -> list[Seat]:
    """Who is in one group, named as a policy would. Raises ConnectorError.

    https://docs.cloud.google.com/identity/docs/reference/rest/v1/groups/lookup
    """
    email = group.partition(":")[2]
    name = clients.ask("cloudidentity/v1/groups.lookup", groupKey_id=email)["name"]
    words = {"parent": name, "view": "FULL", "pageSize": 500}
    listed = clients.pages("cloudidentity/v1/groups.memberships.list", "memberships", **words)
    return [Seat(group, who, role_of(one), ends_of(one)) for one in listed if (who := _member(one))]


def role_of(membership: Json) -> str:
    """The highest role of a membership, as the Directory API calls it."""
    held = {role.get("name") for role in membership.get("roles", ())}
    return next((role for role in ("OWNER", "MANAGER") if role in held), "MEMBER")


def ends_of(membership: Json) -> str:
    """When a membership ends by itself; nothing where it does not.

    https://docs.cloud.google.com/identity/docs/how-to/manage-expirations
    """
    details = (role.get("expiryDetail", {}) for role in membership.get("roles", ()))
    return next((str(d["expireTime"]) for d in details if d.get("expireTime")), "")


def _member(one: Json) -> str:
    email = str(one.get("preferredMemberKey", {}).get("id", ""))
    if "@" not in email:
        return ""
    robot = email.endswith("gserviceaccount.com")
    kind = "serviceAccount" if robot else _KINDS.get(one.get("type", ""), "user")
    return members.plain(f"{kind}:{email}")


def _inside(selectors: GcpSelectors, held: Mapping[str, list[Seat]], top: str) -> Inside:
    """Who of the vendor's is in a group; a group of the vendor's is one of them, as a whole."""
    found: dict[str, Way] = {}
    ways: list[tuple[str, ...]] = [(top,)]
    seen = {top}
    while ways:
        way = ways.pop(0)
        seats = held.get(way[-1], [])
        last = not any(s.role == "OWNER" and not members.via(selectors, s.member) for s in seats)
        for seat in seats:
            member = seat.member
            if members.via(selectors, member):
                first = found.get(member, Way(way, ()))
                found[member] = Way(first.groups, (*first.seats, replace(seat, last=last)))
            elif member in held and member not in seen:
                seen.add(member)
                ways.append((*way, member))
    return found
