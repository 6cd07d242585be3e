"""What hands out roles in an account, the vendor's or not: looked at before the closure of trusts.

Trust anchors that cannot be read are told as a gap where they are looked at as such (`reached`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product

from stopline.connectors.aws import handed
from stopline.connectors.aws.anchors import ANCHOR_SWITCHES
from stopline.connectors.aws.clients import Clients
from stopline.connectors.aws.faults import translated
from stopline.connectors.aws.kinds import Theirs, Where, by_tag
from stopline.connectors.aws.levers import NAME
from stopline.connectors.aws.policy import ANCHORS, POOLS, Door, Vendors
from stopline.connectors.aws.pools import of_pool
from stopline.connectors.aws.selection import Identity, Reach, admitted, vendors_of
from stopline.connectors.aws.storage import READERS_AT_ONCE
from stopline.errors import ConnectorError
from stopline.model import Address, Gap, Grant, State
from stopline.vendors import AwsSelectors

KIND, RESOURCE = "identity-pool", "identity-pools"
SERVICE = "cognito-identity"


@dataclass(frozen=True, slots=True)
class Looked:
    """All that hands out roles, and what could not be looked at.

    `gaps` are of identity pools; those of trust anchors are told elsewhere, too.
    """

    doors: tuple[Door, ...] = ()
    gaps: tuple[Gap, ...] = ()
    anchors: tuple[Gap, ...] = ()

    def unread(self, numbers: Sequence[str]) -> dict[str, str]:
        """Of which of these accounts nobody can say to whom its roles are handed out, and why.

        An anchor hands out roles of its own account, a pool those of any.
        """
        said = {
            gap: f"{gap.what} of {gap.realm}: {gap.cause}" for gap in (*self.gaps, *self.anchors)
        }
        anywhere = {number: said[gap] for gap in self.gaps[:1] for number in numbers}
        return anywhere | {gap.realm: said[gap] for gap in self.anchors}


def doors(clients: Clients, numbers: Sequence[str], selectors: AwsSelectors) -> Looked:
    """Every trust anchor and identity pool of some accounts.

    Switched on or not: an anchor can be switched on again.
    """
    reach = Reach(vendors_of(selectors), selectors, (), ())
    kinds = [kind for kind in _LOOKS if kind in clients.estate.resources]
    errands = list(product(kinds, numbers, clients.regions))
    with ThreadPoolExecutor(READERS_AT_ONCE) as pool:
        looked = list(pool.map(lambda e: _looked(clients, e[0], (e[1], e[2]), reach), errands))
    return Looked(
        tuple(door for found in looked for door in found.doors),
        tuple(gap for found in looked for gap in found.gaps),
        tuple(gap for found in looked for gap in found.anchors),
    )


_Place = tuple[str, str]
"""An account and a region."""


def _looked(clients: Clients, kind: str, place: _Place, reach: Reach) -> Looked:
    try:
        return Looked(tuple(_LOOKS[kind](clients, place, reach)))
    except ConnectorError as error:
        detail = error.detail
    except LookupError as error:  # not as AWS documents it
        detail = translated(error, kind, writing=False).detail
    gap = Gap(NAME, place[0], f"{kind} in {place[1]}", detail)
    return Looked(gaps=(gap,)) if kind == RESOURCE else Looked(anchors=(gap,))


def _anchors(clients: Clients, place: _Place, reach: Reach) -> Iterator[Door]:
    """https://docs.aws.amazon.com/rolesanywhere/latest/APIReference/API_ListTrustAnchors.html"""
    row, (account, region) = ANCHOR_SWITCHES, place
    for page in clients.pages(account, row.placed(region), row.listing):
        for item in page.get(row.items) or ():
            where = Where(account, region, row.name(item))
            theirs = handed.whose(clients, row, where, reach, {"trustAnchor": item})
            name = f"trust anchor {item.get('name') or where.name}"
            yield _door(Door(ANCHORS, row.arn_of(where), name, account), theirs)


def _pools(clients: Clients, place: _Place, reach: Reach) -> Iterator[Door]:
    """https://docs.aws.amazon.com/cognitoidentity/latest/APIReference/API_ListIdentityPools.html"""
    account, region = place
    service = f"{SERVICE}/{region}"
    for page in clients.pages(account, service, "list_identity_pools", MaxResults=60):
        for item in page["IdentityPools"]:
            where = Where(account, region, str(item["IdentityPoolId"]))
            pool = clients.ask(
                account, service, "describe_identity_pool", IdentityPoolId=where.name
            )
            theirs, mixed = of_pool(where, pool, reach)
            theirs = theirs or by_tag(pool.get("IdentityPoolTags") or {}, reach.selectors)
            name = f"identity pool {pool.get('IdentityPoolName') or where.name}"
            yield _door(Door(POOLS, where.name, name, mixed=mixed), theirs)


def _door(door: Door, theirs: Theirs | None) -> Door:
    return door._replace(theirs=True, vouched=theirs.vouched) if theirs else door


_LOOKS: Mapping[str, Callable[[Clients, _Place, Reach], Iterator[Door]]] = {
    ANCHOR_SWITCHES.contains: _anchors,
    RESOURCE: _pools,
}


def mixed(found: Sequence[Door], identities: Sequence[Identity]) -> Iterator[Grant]:
    """Yield roles that a pool hands out to the vendor's people and to others alike. Pure.

    Nothing in a role's trust, nor in a session, tells the one from the other.
    """
    for door in (d for d in found if d.mixed and not d.theirs):
        alone = Vendors(doors=(door._replace(theirs=True),))
        for role in (i for i in identities if i.kind == "role"):
            if admitted(role, alone).doors:
                yield Grant(
                    Address(NAME, role.account, KIND, f"{role.name}/{door.value}"),
                    State.of({"pool": door.name, "provider": door.mixed}),
                    door.mixed,
                    KIND,
                    role.arn,
                    f"{door.name} lets in {door.mixed}",
                )


def reason(grant: Grant) -> str:
    """What is left open, and what a person must do."""
    said = grant.state.value
    return (
        f"{said['pool']} hands it out to whom {said['provider']} lets in, who is the vendor's, and "
        "to others alike: take that provider out of the pool by hand, or end its people there"
    )
