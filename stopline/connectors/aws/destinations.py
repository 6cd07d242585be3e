"""What S3 itself sends to the vendor's accounts: replicas, inventories, events.

It runs as a role of ours or as a service, so no deny of the vendor stops it, and giving such a
configuration back is not exact: what was not sent meanwhile is not sent later. So it is found,
named and left to a person. A rule that does not name the account it sends to is not told apart.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-how-setup.html
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

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
_NONE = "ReplicationConfigurationNotFoundError"
_TARGETS = {
    "TopicConfigurations": "TopicArn",
    "QueueConfigurations": "QueueArn",
    "LambdaFunctionConfigurations": "LambdaFunctionArn",
}
Sent = tuple[str, str, str]
"""What is sent, the id of the rule that says so, and the account it goes to."""
_Ask = Callable[..., Any]


def discover(clients: Clients, numbers: Sequence[str], reach: Reach) -> Iterator[Found]:
    """Yield what buckets send to the vendor's accounts; what cannot be read is a gap."""
    if RESOURCE not in clients.estate.resources or not reach.vendors.accounts:
        return
    for number in numbers:
        try:
            names = sorted(reading.bucket_names(clients, number))
        except ConnectorError:
            continue  # told as a gap where the buckets themselves are looked at
        with ThreadPoolExecutor(READERS_AT_ONCE) as pool:
            for found in pool.map(lambda n, a=number: list(_bucket(clients, a, n, reach)), names):
                yield from found


def reason(grant: Grant) -> str:
    """What is left open, and what a person must do."""
    what, account = grant.state.value["sends"], grant.state.value["account"]
    return (
        f"S3 itself sends {what} to account {account}, and no deny of the vendor stops it: switch "
        f"{grant.state.value['rule']} off in the bucket's configuration by hand"
    )


def _bucket(clients: Clients, number: str, name: str, reach: Reach) -> Iterator[Found]:
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
    for what, rule, account in told:
        if account in reach.vendors.accounts:
            yield Grant(
                Address(NAME, number, KIND, f"{name}/{what}/{rule}"),
                State.of({"sends": what, "rule": rule, "account": account}),
                account,
                KIND,
                f"arn:aws:s3:::{name}",
                f"{what} of {name} are sent to account {account}",
            )


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
            yield "replicas", str(rule.get("ID", "")), str(rule["Destination"].get("Account", ""))


def _inventories(ask: _Ask) -> Iterator[Sent]:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBucketInventoryConfigurations.html"""
    more: dict[str, str] = {}
    while True:
        page = ask("list_bucket_inventory_configurations", **more)
        for one in page.get("InventoryConfigurationList") or ():
            to = one["Destination"]["S3BucketDestination"]
            if one.get("IsEnabled"):
                yield "inventories", str(one["Id"]), str(to.get("AccountId", ""))
        if not page.get("NextContinuationToken"):
            return
        more = {"ContinuationToken": str(page["NextContinuationToken"])}


def _events(ask: _Ask) -> Iterator[Sent]:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketNotificationConfiguration.html"""
    found = ask("get_bucket_notification_configuration")
    for key, target in _TARGETS.items():
        for one in found.get(key) or ():
            yield "events", str(one.get("Id", "")), policy.account_of(str(one[target]))
