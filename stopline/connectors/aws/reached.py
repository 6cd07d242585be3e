"""Which resources let the vendor in, by a policy, as a share, or in a way that is only named; and
our own marks in them.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import chain

from stopline.connectors.aws import beneath, handed, naming, policy, whole
from stopline.connectors.aws.clients import Clients
from stopline.connectors.aws.documents import our_statements
from stopline.connectors.aws.kinds import Left, Resource, Share, Where, listed_in
from stopline.connectors.aws.levers import NAME
from stopline.connectors.aws.resources import KMS
from stopline.connectors.aws.selection import Reach
from stopline.connectors.aws.shares import ROWS
from stopline.connectors.aws.storage import READERS_AT_ONCE, state_of
from stopline.errors import ConnectorError
from stopline.model import Address, Counted, Document, Found, Gap, Grant, Seen, State
from stopline.receipts import Cause
from stopline.text import Json

Row = Resource | Share | Left


@dataclass(frozen=True, slots=True)
class _Errand:
    """One kind of resource in one region of one account."""

    account: str
    region: str
    row: Row


def discover(
    clients: Clients, numbers: Sequence[str], unread: Mapping[str, str], reach: Reach
) -> Iterator[Found]:
    """Yield what is found in some accounts. An account that was `unread` is one gap."""
    rows = [
        row for row in (*ROWS, *naming.TABLE.values()) if row.contains in clients.estate.resources
    ]
    if not rows:
        return
    for number, cause in sorted(unread.items()):
        yield Gap(NAME, number, "policies and shares of resources", cause)
    for number in numbers:
        yield from _counted(clients, [r for r in rows if number not in unread], number, reach)


def _counted(clients: Clients, rows: Sequence[Row], number: str, reach: Reach) -> Iterator[Found]:
    """The kinds and regions of one account side by side."""
    errands = [
        _Errand(number, region, row)
        for row in rows
        for region in ((row.only_in,) if row.only_in else clients.regions)
    ]
    found: dict[str, int] = {}
    with ThreadPoolExecutor(READERS_AT_ONCE) as pool:
        for errand, items in zip(
            errands, pool.map(lambda e: _looked(clients, e, reach), errands), strict=True
        ):
            looked_at, things = items
            if errand.row.looked:
                found[errand.row.kind] = found.get(errand.row.kind, 0) + looked_at
            yield from things
    for kind, count in sorted(found.items()):
        yield Counted(NAME, number, kind, count)


def _looked(clients: Clients, errand: _Errand, reach: Reach) -> tuple[int, list[Found]]:
    """How many were looked at that count, and what was found."""
    row = errand.row
    found: list[Found] = []
    try:
        things = [(row.alone, None)] if row.alone else _named(clients, errand, reach, found)
    except (ConnectorError, LookupError) as error:
        return 0, [_gap(errand, f"{row.contains} in {errand.region}", error)]
    number = 0
    for name, item in things:
        where = Where(errand.account, errand.region, name)
        number += not isinstance(row, Share) or row.counts(where, reach)
        try:
            if isinstance(row, Share):
                if row.picked(where, item, reach):
                    page = row.page(item) if row.page else None
                    found += handed.found(clients, row, where, reach, page)
            elif isinstance(row, Left):
                found += naming.found(clients, row, where, reach, item)
            else:
                found += _resource(clients, row, where, reach)
        except (ConnectorError, LookupError, ValueError) as error:
            found.append(_gap(errand, f"{row.kind} {where.id}", error))
    return number, found


def _gap(errand: _Errand, what: str, error: Exception) -> Gap:
    """What could not be read: AWS refused, or said no JSON, or nothing that it documents."""
    return Gap(NAME, errand.account, what, beneath.detail(error, what))


def _named(
    clients: Clients, errand: _Errand, reach: Reach, gaps: list[Found]
) -> list[tuple[str, Json]]:
    """The names of all that are looked at, with what they have inside (an alias of a function).

    Beside each what lists it. One without a name, or with something inside that could not be read,
    is one of the `gaps`, and hides no other.
    """
    row = errand.row
    place = (row.listed if isinstance(row, Resource) else row.placed)(errand.region)
    asked = row.asked(errand.account, reach)
    pages = [p for w in asked for p in clients.pages(errand.account, place, row.listing, **w)]
    at = Where(errand.account, errand.region, "")
    items = _items(errand, (i for page in pages for i in listed_in(page, row.items)), gaps)
    inner: list[tuple[str, Json]] = []
    for where in (replace(at, name=name) for name in sorted(items)):
        try:
            inner += _inside(clients, row, where, reach)
        except (ConnectorError, LookupError) as error:
            gaps.append(_gap(errand, f"{row.contains} in {where.id}", error))
    if isinstance(row, Resource):
        outer = () if row.apart else sorted(items)
        things = [(name, None) for name in (*outer, *(name for name, _ in inner))]
    else:
        things = inner if row.inner else sorted(items.items(), key=lambda each: each[0])
    if row.most and len(things) > row.most:
        detail = f"{len(things)} of them, of which none was read: each costs a call, and more "
        raise ConnectorError(Cause.QUOTA, f"{detail}than {row.most} are left to a person")
    return things


def _items(errand: _Errand, listed: Iterable[Json], gaps: list[Found]) -> dict[str, Json]:
    """What a list has of the account's own, by its name; one without a name is one of the gaps."""
    row, items = errand.row, dict[str, Json]()
    for item in listed:
        try:
            if not isinstance(row, Resource) or row.ours(item, errand.account):
                items[row.name(item)] = item
        except LookupError as error:
            gaps.append(_gap(errand, f"one of the {row.contains} in {errand.region}", error))
    return items


def _inside(clients: Clients, row: Row, where: Where, reach: Reach) -> Iterator[tuple[str, Json]]:
    asked = row.asked_in(where, reach) if isinstance(row, Share) else ({},)
    return handed.inside(clients, row, where, asked)


def _resource(clients: Clients, row: Resource, where: Where, reach: Reach) -> Iterator[Found]:
    found = whole.text_of(clients, row, where)
    raw, document = found.text, json.loads(found.text or "{}")
    if raw:
        policy_ = Document(NAME, where.account, row.statement, where.id)
        for address, state in our_statements(policy_, raw).items():
            yield Seen(address, state)
    held = json.loads(found.in_force or "{}")
    admitted = (policy.admitted(d, row.speaks, reach.vendors).vendor for d in (document, held))
    ways = [f"{row.kind} policy: {way}" for way in dict.fromkeys(chain(*admitted))]
    if row is KMS:
        ways += sorted(set(_granted(clients, row, where, reach)))
    for way in beneath.ways(clients, row, where, reach.vendors):
        if isinstance(way, Gap):
            yield way
        else:
            ways.append(way)
    if ways:
        arn = row.arn_of(where)
        address = Address(NAME, where.account, row.kind, where.id)
        state = State.of(state_of(raw, document, ways, reach))
        yield Grant(address, state, arn, row.kind, arn, "; ".join(ways))


def _granted(clients: Clients, row: Resource, where: Where, reach: Reach) -> Iterable[str]:
    """Grants of a key to the vendor: no policy shows them, and a deny in it stops their use.

    https://docs.aws.amazon.com/kms/latest/APIReference/API_ListGrants.html
    """
    place = row.placed(where.region)
    for page in clients.pages(where.account, place, "list_grants", KeyId=where.name):
        for grant in page["Grants"]:
            for key in ("GranteePrincipal", "RetiringPrincipal"):
                if way := policy.names(str(grant.get(key, "")), reach.vendors):
                    yield f"grant {str(grant['GrantId'])[:8]}: {way}"
