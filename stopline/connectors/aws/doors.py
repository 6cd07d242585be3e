"""What hands out roles in an account, the vendor's or not: looked at before the closure of trusts.

What cannot be read is told as a gap where the same things are looked at as such (`reached`).
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import product

from stopline.connectors.aws import handed
from stopline.connectors.aws.anchors import ANCHOR_SWITCHES
from stopline.connectors.aws.clients import Clients
from stopline.connectors.aws.kinds import Where
from stopline.connectors.aws.policy import ANCHORS, Door
from stopline.connectors.aws.selection import Reach, vendors_of
from stopline.connectors.aws.storage import READERS_AT_ONCE
from stopline.errors import ConnectorError
from stopline.vendors import AwsSelectors


def doors(clients: Clients, numbers: Sequence[str], selectors: AwsSelectors) -> tuple[Door, ...]:
    """Every trust anchor of some accounts, switched on or not: it can be switched on again."""
    if ANCHOR_SWITCHES.contains not in clients.estate.resources:
        return ()
    reach = Reach(vendors_of(selectors), selectors, (), ())
    places = list(product(numbers, clients.regions))
    with ThreadPoolExecutor(READERS_AT_ONCE) as pool:
        looked = pool.map(lambda p: _looked(clients, p[0], p[1], reach), places)
        return tuple(door for found in looked for door in found)


def _looked(clients: Clients, account: str, region: str, reach: Reach) -> list[Door]:
    try:
        return list(_anchors(clients, account, region, reach))
    except (ConnectorError, LookupError):
        return []


def _anchors(clients: Clients, account: str, region: str, reach: Reach) -> Iterator[Door]:
    """https://docs.aws.amazon.com/rolesanywhere/latest/APIReference/API_ListTrustAnchors.html"""
    row = ANCHOR_SWITCHES
    for page in clients.pages(account, row.placed(region), row.listing):
        for item in page.get(row.items) or ():
            where = Where(account, region, row.name(item))
            theirs = handed.whose(clients, row, where, reach, {"trustAnchor": item})
            name = f"trust anchor {item.get('name') or where.name}"
            vouched = theirs is None or theirs.vouched
            yield Door(ANCHORS, row.arn_of(where), name, account, theirs is not None, vouched)
