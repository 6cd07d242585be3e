"""The policies of what lies below the projects: found by a search, or listed service by service."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial

from stopline.connectors.gcp import inventory
from stopline.connectors.gcp.clients import Clients
from stopline.connectors.gcp.dialects import known, policy_of
from stopline.connectors.gcp.inventory import LISTINGS, LOCATIONS, Listing
from stopline.connectors.gcp.reading import NAME, THREADS, Realm, point_of
from stopline.errors import ConnectorError
from stopline.model import Gap
from stopline.receipts import Cause
from stopline.text import Json

Meant = Callable[[Realm, frozenset[str]], Collection[str]]
"""Told all members of all policies of a realm, says which of them policies are read for."""
SEARCH = "cloudasset/v1/v1.searchAllIamPolicies"
_READ = re.compile(
    r"cloudresourcemanager\.googleapis\.com/(organizations|folders|projects)/.+"
    r"|iam\.googleapis\.com/projects/[^/]+/serviceAccounts/.+"
    r"|storage\.googleapis\.com/.+"
)
"""What is read by itself, since a search may be minutes behind."""


def read_below(clients: Clients, read: Realm, meant: Meant) -> None:
    """Add the policies below the projects of a realm; what could not be read is in its gaps.

    After a search, those that name somebody who is `meant`. Where there is no search, all that the
    table of listings finds: a gap says so, and why.
    """
    with ThreadPoolExecutor(THREADS) as pool:
        for names in pool.map(partial(_names, clients, read, inventory.DATASETS), _projects(read)):
            read.datasets += names
        _all(clients, read, pool, read.datasets)
        try:
            found = _search(clients, read)
        except ConnectorError as error:
            found = []
            _all(clients, read, pool, _listed(clients, read, pool))
            read.gaps.append(Gap(NAME, read.id, "policies below projects", _told(error)))
        _all(clients, read, pool, _wanted(clients, read, meant, found))


def _all(clients: Clients, read: Realm, pool: Executor, resources: Iterable[str]) -> None:
    list(pool.map(partial(_policy, clients, read), resources))


def _policy(clients: Clients, read: Realm, resource: str) -> None:
    """What was found and is there no more is nothing that could be missed."""

    def call() -> Json | None:
        try:
            return policy_of(clients, resource)
        except ConnectorError as error:
            if error.cause is not Cause.GONE:
                raise
            return None

    policy = read.tried(f"policy of {resource}", call)
    if policy is not None:
        read.policies[resource] = policy


# --- by a search -------------------------------------------------------------------------------


def _search(clients: Clients, read: Realm) -> list[Json]:
    """https://docs.cloud.google.com/asset-inventory/docs/reference/rest/v1/TopLevel/searchAllIamPolicies"""
    return clients.pages(SEARCH, "results", scope=point_of(read.id), pageSize=500)


def _wanted(clients: Clients, read: Realm, meant: Meant, found: Collection[Json]) -> list[str]:
    """Resources whose policies name somebody who is meant, to be read anew.

    What a search shows is never written back. A policy that nothing here reads is kept as it was
    shown: what is in it can be denied, and is told.
    """
    only = set(clients.estate.projects)
    policies = [*read.policies.values(), *(one.get("policy", {}) for one in found)]
    theirs = meant(read, frozenset(m for policy in policies for m in _members(policy)))
    wanted, already = [], set(read.datasets)
    for one in found:
        name, policy = one["resource"].removeprefix("//"), one.get("policy", {})
        there = read.numbers.get(one.get("project", "").partition("/")[2], "")
        if _READ.fullmatch(name) or name in already or (only and there not in only):
            continue
        if any(member in theirs for member in _members(policy)):
            wanted.append(name)
            read.policies |= {} if known(name) else {name: policy}
    return [name for name in wanted if known(name)]


def _members(policy: Json) -> Iterator[str]:
    for binding in policy.get("bindings", ()):
        yield from binding.get("members", ())


# --- service by service ------------------------------------------------------------------------


def _told(error: ConnectorError) -> str:
    services = sorted({one.service.partition("/")[0] for one in LISTINGS})
    how = f"listed one by one instead: what we know of {', '.join(services)}"
    return f"{error.detail}; {how}; no other service was looked at"


def _projects(read: Realm) -> list[str]:
    return [f"projects/{project}" for project in read.projects]


def _listed(clients: Clients, read: Realm, pool: Executor) -> list[str]:
    """All that the table finds, but for datasets, which are known by now."""
    found = {inventory.PROJECTS: _projects(read), "datasets": read.datasets}
    whole = point_of(read.id).startswith("organizations/") and not clients.estate.projects
    if whole:  # else the estate means single projects of it, and nothing above them
        found[inventory.ORGANIZATIONS] = [point_of(read.id)]
    names = []
    for one in (one for one in LISTINGS if one is not inventory.DATASETS):
        if LOCATIONS in one.under and (places := f"{one.service} {LOCATIONS}") not in found:
            of = partial(_names, clients, read, inventory.locations(one.service))
            found[places] = [n for some in pool.map(of, _projects(read)) for n in some]
        parents = [p for u in one.under for p in found.get(_key(one, u), ())]
        listed = pool.map(partial(_names, clients, read, one), parents)
        found[one.items] = [name for some in listed for name in some]
        names += found[one.items]
    return names


def _key(one: Listing, under: str) -> str:
    return f"{one.service} {LOCATIONS}" if under == LOCATIONS else under


def _names(clients: Clients, read: Realm, one: Listing, parent: str) -> list[str]:
    """All of one list, up to the estate's bound. Where it fails, what came until then."""
    what, most = f"{one.items} of {parent}", clients.estate.resources_per_list
    names: list[str] = []

    def call() -> None:
        for page in clients.paged(one.method, one.items, **one.words(parent)):
            names.extend(one.named(item) for item in page)
            if len(names) > most:
                why = f"there are more than {most}; the rest was not looked at"
                read.gaps.append(Gap(NAME, read.id, what, why))
                return

    read.tried(what, call, _project_of(parent))
    return names[:most]


def _project_of(parent: str) -> str:
    found = re.search(r"(?:^|/)projects/([^/]+)", parent)
    return found[1] if found else ""
