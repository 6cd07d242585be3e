"""What lets somebody in to data besides its policies: lists, shared drives, what is public."""

from collections.abc import Iterator, Mapping, Sequence

from stopline.connectors.gcp import keeping, listing, members, openings, sharing
from stopline.connectors.gcp.bindings import Entry
from stopline.connectors.gcp.clients import Clients
from stopline.connectors.gcp.reading import Realm
from stopline.model import Found
from stopline.vendors import GcpSelectors

Held = Sequence[tuple[str, Entry]]
"""Entries of policies, each with the resource whose policy it is in."""


def discover(
    clients: Clients,
    selectors: GcpSelectors,
    read: Realm,
    entries: tuple[Held, Held],
    allowed: Mapping[str, Sequence[str] | None],
) -> Iterator[Found]:
    """Yield it. `entries`: all of the realm's, and those by which the vendor is let in.

    `allowed`: what the roles of the latter give.
    """
    held, into = entries
    accounts = {members.plain(account.member): account for account in read.accounts}
    yield from listing.Lists(clients, selectors, read, accounts).discover()
    yield from sharing.Drives(clients, selectors, read, accounts).discover()
    storing = {role for role, gives in allowed.items() if keeping.stores(gives)}
    ways = [(resource, e.role) for resource, e in into if e.role in storing]
    yield from keeping.discover(selectors, read, ways)
    yield from openings.discover(read, selectors, held, {resource for resource, _ in into})
