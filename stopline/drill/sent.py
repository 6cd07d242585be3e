"""What the estate's own services send to other accounts, or let them use by name, entry by entry.

Seeded, and read back, with plain boto3, like all of `doors`.
"""

from collections.abc import Mapping
from typing import Any

from stopline.drill.access import REGION
from stopline.drill.shared import said

DELIVER, FORWARD, EVENT = "sqs:SendMessage", "logs:PutLogEvents", "events:PutEvents"
RUN, READ = "ssm:StartAutomationExecution", "lakeformation:GetDataAccess"


def _account_of(arn: str) -> str:
    return arn.split(":")[4]


def rules(events: Any) -> list[str]:
    """Every rule of the default bus."""
    return [str(rule["Name"]) for rule in events.list_rules()["Rules"]]


def rule(events: Any, name: str) -> str:
    """To whom a rule sends."""
    targets = events.list_targets_by_rule(Rule=name)["Targets"]
    targets.sort(key=lambda target: target["Id"])  # AWS promises no order
    return said(EVENT, (_account_of(t["Arn"]) for t in targets), targets=targets)


def make_rule(events: Any, accounts: list[str]) -> str:
    """A rule that sends to a bus of each."""
    events.put_rule(Name="labels", EventPattern='{"source": ["labels"]}')
    targets = [
        {"Id": account, "Arn": f"arn:aws:events:{REGION}:{account}:event-bus/intake"}
        for account in accounts
    ]
    events.put_targets(Rule="labels", Targets=targets)
    return "labels"


def topics(sns: Any) -> list[str]:
    """Every topic, for what it sends to."""
    return [str(topic["TopicArn"]) for topic in sns.list_topics()["Topics"]]


def topic(sns: Any, name: str) -> str:
    """Where a topic's messages go: a filter asks for what none of them has. `{}` is no filter.

    https://docs.aws.amazon.com/sns/latest/dg/message-filtering-apply.html
    """
    listed = sns.list_subscriptions_by_topic(TopicArn=name)["Subscriptions"]
    arns = sorted(one["SubscriptionArn"] for one in listed)
    attributes = (sns.get_subscription_attributes(SubscriptionArn=a)["Attributes"] for a in arns)
    shown = [_without_an_empty_filter(one) for one in attributes]
    through = [one for one in shown if "FilterPolicy" not in one]
    return said(DELIVER, (_account_of(a["Endpoint"]) for a in through), subscriptions=shown)


def _without_an_empty_filter(shown: Mapping[str, str]) -> dict[str, str]:
    """A scope says what a filter looks at, and nothing where there is none."""
    none = ("FilterPolicy", "FilterPolicyScope") if shown.get("FilterPolicy") == "{}" else ()
    return {k: v for k, v in shown.items() if k not in none}


def make_topic(sns: Any, accounts: list[str]) -> str:
    """A topic that sends to a queue of each."""
    arn = str(sns.create_topic(Name="results")["TopicArn"])
    for account in accounts:
        queue = f"arn:aws:sqs:{REGION}:{account}:intake"
        sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue)
    return arn


def groups(logs: Any) -> list[str]:
    """Every log group."""
    return [str(group["logGroupName"]) for group in logs.describe_log_groups()["logGroups"]]


def group(logs: Any, name: str) -> str:
    """To whom a log group is forwarded; when a filter was made is new after a rollback."""
    found = logs.describe_subscription_filters(logGroupName=name)["subscriptionFilters"]
    filters = [{k: v for k, v in one.items() if k != "creationTime"} for one in found]
    filters.sort(key=lambda one: one["filterName"])
    return said(FORWARD, (_account_of(f["destinationArn"]) for f in filters), filters=filters)


def receive(logs: Any) -> None:
    """Have somebody's account take what is forwarded: the emulator asks for a group so called."""
    logs.create_log_group(logGroupName="intake")


def make_group(logs: Any, accounts: list[str]) -> str:
    """A group that is forwarded to a destination of each."""
    logs.create_log_group(logGroupName="labels")
    for account in accounts:
        logs.put_subscription_filter(
            logGroupName="labels",
            filterName=account,
            filterPattern="",
            destinationArn=f"arn:aws:logs:{REGION}:{account}:destination:intake",
        )
    return "labels"


def documents(ssm: Any) -> list[str]:
    """Every document of the account's own."""
    own = [{"Key": "Owner", "Values": ["Self"]}]
    return [str(one["Name"]) for one in ssm.list_documents(Filters=own)["DocumentIdentifiers"]]


def document(ssm: Any, name: str) -> str:
    """Who may run a document."""
    found = ssm.describe_document_permission(Name=name, PermissionType="Share")
    return said(RUN, found["AccountIds"])


def make_document(ssm: Any, accounts: list[str]) -> str:
    """A document, shared."""
    content = '{"schemaVersion": "2.2", "description": "labels", "mainSteps": []}'
    ssm.create_document(Name="labels", Content=content, DocumentType="Command")
    ssm.modify_document_permission(Name="labels", PermissionType="Share", AccountIdsToAdd=accounts)
    return "labels"


def lake(lakeformation: Any, _: str) -> str:
    """Who holds something in the data lake."""
    found = lakeformation.list_permissions()["PrincipalResourcePermissions"]
    shown = [{k: v for k, v in one.items() if k != "LastUpdated"} for one in found]
    shown.sort(key=lambda one: one["Principal"]["DataLakePrincipalIdentifier"])
    who = (one["Principal"]["DataLakePrincipalIdentifier"] for one in shown)
    return said(READ, who, permissions=shown)


def make_lake(lakeformation: Any, accounts: list[str]) -> str:
    """A database that each may describe."""
    for account in accounts:
        lakeformation.grant_permissions(
            Principal={"DataLakePrincipalIdentifier": account},
            Resource={"Database": {"Name": "labels"}},
            Permissions=["DESCRIBE"],
        )
    return "lake"
