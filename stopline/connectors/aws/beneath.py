"""What lies in a resource and has a policy of its own; the resource's own deny goes before it."""

import json
from collections.abc import Iterator

from stopline.connectors.aws import policy
from stopline.connectors.aws.clients import Clients
from stopline.connectors.aws.faults import translated
from stopline.connectors.aws.kinds import Beneath, Resource, Where, said_in
from stopline.connectors.aws.levers import NAME
from stopline.connectors.aws.policy import Vendors
from stopline.errors import ConnectorError
from stopline.model import Gap
from stopline.text import Json


def ways(clients: Clients, row: Resource, where: Where, vendors: Vendors) -> Iterator[str | Gap]:
    """How policies of what lies in a resource let the vendor in; what cannot be read is a gap.

    One that cannot be read hides no other.
    """
    inside = row.beneath
    if inside is None:
        return
    at = f"{inside.what} in the {row.kind} {where.id}"
    try:
        items = _items(clients, row, inside, where)
    except (ConnectorError, LookupError) as error:
        yield Gap(NAME, where.account, at, detail(error, at))
        return
    if len(items) > inside.most:
        why = f"{len(items)} of them, of which none was read: each costs a call, and more than "
        yield Gap(NAME, where.account, at, f"{why}{inside.most} are left to a person")
        return
    for item in items:
        what = f"{at}: {item.get('name', '?')}"
        try:
            document = json.loads(_text_of(clients, row, inside, where, item) or "{}")
            for way in policy.admitted(document, row.speaks, vendors).vendor:
                yield f"policy of the {inside.name(item)}: {way}"
        except (ConnectorError, LookupError, ValueError) as error:
            yield Gap(NAME, where.account, what, detail(error, what))


def _items(clients: Clients, row: Resource, inside: Beneath, where: Where) -> list[Json]:
    place, words = row.placed(where.region), inside.listing.words(where, "")
    pages = clients.pages(where.account, place, inside.listing.operation, **words)
    return [item for page in pages for item in page[inside.items]]


def _text_of(clients: Clients, row: Resource, inside: Beneath, where: Where, item: Json) -> str:
    """One policy; nothing where there is none."""
    place, words = row.placed(where.region), inside.words(where, item)
    try:
        return said_in(clients.ask(where.account, place, inside.get, **words), inside.text)
    except ConnectorError as error:
        if any(f" {code}:" in error.detail for code in inside.absent):
            return ""
        raise


def detail(error: Exception, what: str) -> str:
    """What a gap says of an error; of one that is no refusal, that AWS does not document it so."""
    if isinstance(error, ConnectorError):
        return error.detail
    return translated(error, what, writing=False).detail
