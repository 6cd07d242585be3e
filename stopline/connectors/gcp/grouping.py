"""Who of the vendor's is in the lab's groups, also in a group that is in a group.

Only groups that some policy names are looked into. Searching all groups of a person is for few
editions of Workspace, and leaves out in silence what the caller may not see; so each group is
looked into by itself, level by level.
https://docs.cloud.google.com/identity/docs/reference/rest/v1/groups.memberships/list
"""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

from stopline.connectors.gcp import members
from stopline.connectors.gcp.clients import Clients
from stopline.connectors.gcp.reading import NAME, THREADS, Realm
from stopline.errors import ConnectorError
from stopline.model import Gap
from stopline.text import Json
from stopline.vendors import GcpSelectors

Inside = Mapping[str, tuple[str, ...]]
"""For each member of the vendor's the groups by which it is in, the outermost first."""
_KINDS = {"GROUP": "group", "SERVICE_ACCOUNT": "serviceAccount"}


def vendors_in(
    clients: Clients, selectors: GcpSelectors, read: Realm, groups: Iterable[str]
) -> dict[str, Inside]:
    """For each group that has somebody of the vendor's in it, who that is.

    Groups that cannot be looked into are one gap of the realm, which says how many and which.
    """
    tops = sorted({members.plain(group) for group in groups})
    held = _memberships(clients, read, tops)
    found = ((top, _inside(selectors, held, top)) for top in tops)
    return {top: inside for top, inside in found if inside}


def _memberships(clients: Clients, read: Realm, tops: list[str]) -> dict[str, list[str]]:
    """The members of each group and of each group in it; each is asked once."""
    held: dict[str, list[str]] = {}
    failed: dict[str, str] = {}

    def ask(group: str) -> None:
        held[group] = []
        try:
            held[group] = _members(clients, group.partition(":")[2])
        except ConnectorError as error:
            failed[group] = error.detail

    with ThreadPoolExecutor(THREADS) as pool:
        level = tops
        while level:
            list(pool.map(ask, level))
            inner = {m for group in level for m in held[group] if m.startswith("group:")}
            level = sorted(inner - held.keys())
    if failed:
        names = ", ".join(sorted(failed)[:3]) + (" …" if len(failed) > 3 else "")  # noqa: PLR2004
        cause = f"{len(failed)} could not be looked into ({names}): {failed[min(failed)]}"
        read.gaps.append(Gap(NAME, read.id, "members of groups", cause))
    return held


def _members(clients: Clients, email: str) -> list[str]:
    """The members of one group, as a policy would name them. Raises ConnectorError.

    https://docs.cloud.google.com/identity/docs/reference/rest/v1/groups/lookup
    """
    name = clients.ask("cloudidentity/v1/groups.lookup", groupKey_id=email)["name"]
    words = {"parent": name, "view": "FULL", "pageSize": 500}
    listed = clients.pages("cloudidentity/v1/groups.memberships.list", "memberships", **words)
    return [who for one in listed if (who := _member(one))]


def _member(one: Json) -> str:
    email = str(one.get("preferredMemberKey", {}).get("id", ""))
    if "@" not in email:
        return ""
    robot = email.endswith("gserviceaccount.com")
    kind = "serviceAccount" if robot else _KINDS.get(one.get("type", ""), "user")
    return members.plain(f"{kind}:{email}")


def _inside(selectors: GcpSelectors, held: Mapping[str, list[str]], top: str) -> Inside:
    """Who of the vendor's is in a group; a group of the vendor's is one of them, as a whole."""
    found: dict[str, tuple[str, ...]] = {}
    ways: list[tuple[str, ...]] = [(top,)]
    seen = {top}
    while ways:
        way = ways.pop(0)
        for member in held.get(way[-1], ()):
            if members.via(selectors, member):
                found.setdefault(member, way)
            elif member in held and member not in seen:
                seen.add(member)
                ways.append((*way, member))
    return found
