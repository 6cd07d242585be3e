"""What S3 itself sends to the vendor's accounts: replicas, inventories, events.

It runs as a role of ours or as a service, so no deny of the vendor stops it, and giving such a
configuration back is not exact: what was not sent meanwhile is not sent later. So it is found,
named and left to a person. A rule need not name the account that it sends to: then its bucket is
the vendor's where the vendor's file names it, nobody's where an account of the estate has it, and
else a gap, one for each account. Access logs go to a bucket of the same account alone.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-how-setup.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, NamedTuple

from stopline.connectors.aws import policy, reading
from stopline.connectors.aws.clients import Clients
from stopline.connectors.aws.faults import translated
from stopline.connectors.aws.levers import NAME
from stopline.connectors.aws.selection import Reach
from stopline.connectors.aws.storage import READERS_AT_ONCE
from stopline.errors import ConnectorError
from stopline.model import Address, Found, Gap, Grant, State

KIND, RESOURCE = "bucket-destination", "bucket-destinations"
ACTIONS = frozenset(
    {
        "s3:GetBucketNotification",
        "s3:GetInventoryConfiguration",
        "s3:GetReplicationConfiguration",
    }
)
"""What nobody needs where the estate's file leaves them out."""
MOST = 5
"""How many are named in a gap."""
_NONE = "ReplicationConfigurationNotFoundError"
_TARGETS = {
    "TopicConfigurations": "TopicArn",
    "QueueConfigurations": "QueueArn",
    "LambdaFunctionConfigurations": "LambdaFunctionArn",
}


class Sent(NamedTuple):
    """What is sent, the id of the rule that says so, and the account and bucket that it names."""

    what: str
    rule: str
    account: str
    bucket: str = ""


class _Unclear(NamedTuple):
    """What is sent, from where, to a bucket that may be anybody's."""

    origin: str
    sent: Sent


_Ask = Callable[..., Any]


def discover(clients: Clients, numbers: Sequence[str], reach: Reach) -> Iterator[Found]:
    """Yield what buckets send to the vendor's accounts; what cannot be read is a gap."""
    if RESOURCE not in clients.estate.resources:
        return
    if not (reach.vendors.accounts or reach.selectors.own_buckets):
        return
    ours = cache(lambda: _ours(clients))
    for number in numbers:
        try:
            names = sorted(reading.bucket_names(clients, number))
        except ConnectorError:
            continue  # told as a gap where the buckets themselves are looked at
        unclear: list[_Unclear] = []
        with ThreadPoolExecutor(READERS_AT_ONCE) as pool:
            for found in pool.map(lambda n, a=number: list(_bucket(clients, a, n, reach)), names):
                yield from (one for one in found if not isinstance(one, _Unclear))
                unclear += [one for one in found if isinstance(one, _Unclear)]
        if unclear:
            yield from _elsewhere(number, unclear, *ours())


def _ours(clients: Clients) -> tuple[frozenset[str], tuple[str, ...]]:
    """All buckets of the estate's accounts, whatever is looked at; and accounts not listed."""
    names, unread = set[str](), list[str]()
    for number in sorted(clients.estate.accounts):
        try:
            names |= {*reading.bucket_names(clients, number)}
        except ConnectorError:
            unread.append(number)
    return frozenset(names), tuple(unread)


def _elsewhere(
    number: str, unclear: Sequence[_Unclear], ours: frozenset[str], unread: Sequence[str]
) -> Iterator[Gap]:
    """One gap for all of an account that goes to buckets of nobody knows whom."""
    told = [
        f"{sent.what} of {origin} ({sent.rule}) to {sent.bucket}"
        for origin, sent in unclear
        if sent.bucket not in ours
    ]
    if told:
        more = f" and {len(told) - MOST} more" if len(told) > MOST else ""
        but = f" (those of {', '.join(unread)} could not be listed)" if unread else ""
        why = f"{'; '.join(told[:MOST])}{more}: no account of the estate has that bucket{but}. If "
        why += "it is the vendor's, name it in the vendor's file (`own_buckets`); else have the "
        why += "rule name the account that it sends to"
        yield Gap(
            NAME, number, "what buckets send to buckets of an account that no rule names", why
        )


def reason(grant: Grant) -> str:
    """What is left open, and what a person must do."""
    said = grant.state.value
    to = f"account {said['account']}" if said["account"] else f"the bucket {said['bucket']}"
    return (
        f"S3 itself sends {said['sends']} to {to}, and no deny of the vendor stops it: switch "
        f"{said['rule']} off in the bucket's configuration by hand"
    )


def _bucket(clients: Clients, number: str, name: str, reach: Reach) -> Iterator[Found | _Unclear]:
    def ask(operation: str, **words: Any) -> Any:
        words = {"Bucket": name, "ExpectedBucketOwner": number, **words}
        return clients.ask(number, "s3", operation, **words)

    try:
        told = [*_replicas(ask), *_inventories(ask), *_events(ask)]
    except ConnectorError as error:
        yield Gap(NAME, number, f"what bucket {name} sends elsewhere", error.detail)
        return
    except (LookupError, ValueError) as error:  # not as S3 documents it
        detail = translated(error, f"what bucket {name} sends", writing=False).detail
        yield Gap(NAME, number, f"what bucket {name} sends elsewhere", detail)
        return
    for sent in told:
        if sent.account in reach.vendors.accounts:
            yield _grant(number, name, sent, f"account {sent.account}")
        elif sent.bucket in reach.selectors.own_buckets:
            yield _grant(number, name, sent, f"the bucket {sent.bucket}")
        elif sent.bucket and not sent.account:
            yield _Unclear(name, sent)


def _grant(number: str, name: str, sent: Sent, whom: str) -> Grant:
    said = {"sends": sent.what, "rule": sent.rule, "account": sent.account}
    return Grant(
        Address(NAME, number, KIND, f"{name}/{sent.what}/{sent.rule}"),
        State.of(said if sent.account else {**said, "bucket": sent.bucket}),
        sent.account or f"arn:aws:s3:::{sent.bucket}",
        KIND,
        f"arn:aws:s3:::{name}",
        f"{sent.what} of {name} are sent to {whom}",
    )


def _named(to: Any) -> str:
    """The name of a bucket by its ARN."""
    return str(to.get("Bucket", "")).rpartition(":")[2]


def _replicas(ask: _Ask) -> Iterator[Sent]:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketReplication.html"""
    try:
        rules = ask("get_bucket_replication")["ReplicationConfiguration"]["Rules"]
    except ConnectorError as error:
        if f" {_NONE}:" in error.detail:
            return
        raise
    for rule in rules:
        if rule.get("Status") == "Enabled":
            to = rule["Destination"]
            rule_id, account = str(rule.get("ID", "")), str(to.get("Account", ""))
            yield Sent("replicas", rule_id, account, _named(to))


def _inventories(ask: _Ask) -> Iterator[Sent]:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBucketInventoryConfigurations.html"""
    more: dict[str, str] = {}
    while True:
        page = ask("list_bucket_inventory_configurations", **more)
        for one in page.get("InventoryConfigurationList") or ():
            to = one["Destination"]["S3BucketDestination"]
            if one.get("IsEnabled"):
                yield Sent("inventories", str(one["Id"]), str(to.get("AccountId", "")), _named(to))
        if not page.get("NextContinuationToken"):
            return
        more = {"ContinuationToken": str(page["NextContinuationToken"])}


def _events(ask: _Ask) -> Iterator[Sent]:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketNotificationConfiguration.html"""
    found = ask("get_bucket_notification_configuration")
    for key, target in _TARGETS.items():
        for one in found.get(key) or ():
            yield Sent("events", str(one.get("Id", "")), policy.account_of(str(one[target])))
