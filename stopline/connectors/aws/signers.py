"""Whose signed URLs and cookies CloudFront takes: keys of the vendor's, and accounts of its.

Both are found and named, and left to a person: a distribution is one large configuration, and a
key group holds keys of others and must hold at least one. What is signed lives until it expires.
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-trusted-signers.html
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from stopline.connectors.aws.clients import Clients
from stopline.connectors.aws.faults import translated
from stopline.connectors.aws.levers import NAME
from stopline.connectors.aws.selection import Reach
from stopline.connectors.aws.storage import READERS_AT_ONCE
from stopline.errors import ConnectorError
from stopline.model import Address, Found, Gap, Grant, State
from stopline.text import Json

KIND, RESOURCE, SERVICE = "url-signer", "url-signers", "cloudfront"


def discover(clients: Clients, numbers: Sequence[str], reach: Reach) -> Iterator[Found]:
    """Yield what takes URLs that the vendor signs; what cannot be read is a gap."""
    if RESOURCE not in clients.estate.resources:
        return
    if not (reach.vendors.accounts or reach.selectors.public_keys):
        return
    with ThreadPoolExecutor(READERS_AT_ONCE) as pool:
        for found in pool.map(lambda n: list(_account(clients, n, reach)), numbers):
            yield from found


def _account(clients: Clients, number: str, reach: Reach) -> Iterator[Found]:
    looks = (("distributions", _distributions), ("key groups", _key_groups))
    for what, look in looks:
        try:
            yield from list(look(clients, number, reach))
        except ConnectorError as error:
            yield Gap(NAME, number, f"{what} of CloudFront", error.detail)
        except LookupError as error:  # not as CloudFront documents it
            detail = translated(error, what, writing=False).detail
            yield Gap(NAME, number, f"{what} of CloudFront", detail)


def _distributions(clients: Clients, number: str, reach: Reach) -> Iterator[Grant]:
    """https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_ListDistributions.html"""
    for page in clients.pages(number, SERVICE, "list_distributions"):
        for one in page["DistributionList"].get("Items") or ():
            behaviors = (
                one.get("DefaultCacheBehavior") or {},
                *((one.get("CacheBehaviors") or {}).get("Items") or ()),
            )
            signers = {s for b in behaviors for s in _accounts(b)}
            for account in sorted(signers & reach.vendors.accounts):
                yield _grant(number, f"distribution/{one['Id']}", account, "account", 1)


def _accounts(behavior: Json) -> list[str]:
    signers = behavior.get("TrustedSigners") or {}
    return [str(s) for s in signers.get("Items") or ()] if signers.get("Enabled") else []


def _key_groups(clients: Clients, number: str, reach: Reach) -> Iterator[Grant]:
    """https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_ListKeyGroups.html"""
    if not reach.selectors.public_keys:
        return
    more: dict[str, str] = {}
    while True:
        page = clients.ask(number, SERVICE, "list_key_groups", **more)["KeyGroupList"]
        for item in page.get("Items") or ():
            group, keys = item["KeyGroup"], item["KeyGroup"]["KeyGroupConfig"]["Items"]
            for key in sorted({*keys} & {*reach.selectors.public_keys}):
                yield _grant(number, f"key-group/{group['Id']}", key, "public key", len(keys))
        if not page.get("NextMarker"):
            return
        more = {"Marker": str(page["NextMarker"])}


def _grant(number: str, what: str, who: str, kind: str, keys: int) -> Grant:
    return Grant(
        Address(NAME, number, KIND, f"{what}/{who}"),
        State.of({"in": what, "who": who, "kind": kind, "alone": keys == 1}),
        who,
        KIND,
        f"arn:aws:cloudfront::{number}:{what}",
        f"{what} takes what {kind} {who} has signed",
    )


def reason(grant: Grant) -> str:
    """What is left open, and what a person must do."""
    said = grant.state.value
    if said["kind"] == "account":
        how = "take the account out of its cache behaviors' trusted signers by hand"
    elif said["alone"]:
        how = "it is the group's only key, and a group must have one: put another in its place"
    else:
        how = "take the key out of the group by hand"
    return (
        f"CloudFront's {said['in']} takes URLs and cookies that {said['kind']} {said['who']} of "
        f"the vendor's has signed: {how}. What is signed already lives until it expires"
    )
