"""Whose signed URLs and cookies CloudFront takes, as accounts that a distribution trusts.

They are found and named, and left to a person: a distribution is one large configuration. What is
signed lives until it expires. A key of the vendor's is taken out of its group (`edited`).
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
    if not reach.vendors.accounts:
        return
    with ThreadPoolExecutor(READERS_AT_ONCE) as pool:
        for found in pool.map(lambda n: list(_account(clients, n, reach)), numbers):
            yield from found


def _account(clients: Clients, number: str, reach: Reach) -> Iterator[Found]:
    what = "distributions of CloudFront"
    try:
        yield from list(_distributions(clients, number, reach))
    except ConnectorError as error:
        yield Gap(NAME, number, what, error.detail)
    except LookupError as error:  # not as CloudFront documents it
        yield Gap(NAME, number, what, translated(error, what, writing=False).detail)


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
                yield _grant(number, f"distribution/{one['Id']}", account)


def _accounts(behavior: Json) -> list[str]:
    signers = behavior.get("TrustedSigners") or {}
    return [str(s) for s in signers.get("Items") or ()] if signers.get("Enabled") else []


def _grant(number: str, what: str, who: str) -> Grant:
    return Grant(
        Address(NAME, number, KIND, f"{what}/{who}"),
        State.of({"in": what, "who": who}),
        who,
        KIND,
        f"arn:aws:cloudfront::{number}:{what}",
        f"{what} takes what account {who} has signed",
    )


def reason(grant: Grant) -> str:
    """What is left open, and what a person must do."""
    said = grant.state.value
    return (
        f"CloudFront's {said['in']} takes URLs and cookies that account {said['who']} of the "
        "vendor's has signed: take the account out of its cache behaviors' trusted signers by "
        "hand. What is signed already lives until it expires"
    )
