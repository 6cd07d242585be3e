"""What the lab's own services send to the vendor, which no deny of it stops: rows of the table of
shares. Pure.

What is not sent meanwhile is not sent later, by any of them.
"""

import json
from collections.abc import Iterable, Iterator
from urllib.parse import quote, unquote, urlsplit

from stopline.connectors.aws.kinds import Call, Edit, Entry, Share, Theirs, Where, by_arn
from stopline.connectors.aws.policy import account_of
from stopline.connectors.aws.selection import Reach
from stopline.text import Json, canonical

TARGET_ACTIONS = frozenset({"events:DescribeRule", "events:ListRules", "events:ListTargetsByRule"})
SUBSCRIPTION_ACTIONS = frozenset({"sns:GetSubscriptionAttributes", "sns:ListSubscriptionsByTopic"})
"""What reading them needs besides what buses and topics do."""
LOST = ("given back, it sends what comes then: what came meanwhile is not sent later", "for ever")


# --- targets of rules of EventBridge -------------------------------------------------------------

_SECRETS = "HttpParameters"
"""Headers and keys for who answers: they are nobody's to keep but EventBridge's."""
_MANAGED = (
    "{} made this rule and manages it, and EventBridge gives nobody a target of such a rule back: "
    "end it there"
)
_DEAD_LETTERS = (
    "what this rule could not deliver goes to a queue of the vendor's, while its target is the "
    "lab's own: give the target another dead-letter queue by hand"
)


def _rule(where: Where) -> dict[str, Json]:
    return {"Rule": where.last, "EventBusName": where.outer}


def _targets(page: Json) -> Iterator[Entry]:
    """Each target whole. What would not be given back whole is never held: neither are secrets.

    A queue for what could not be delivered may be another account's, too.
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
    """
    for target in page.get("Targets") or ():
        id_, arn = str(target["Id"]), str(target["Arn"])
        said = {k: v for k, v in target.items() if k not in ("Unknown", _SECRETS)}
        more = [*target.get("Unknown", ()), *([_SECRETS] if target.get(_SECRETS) else ())]
        yield Entry(id_, arn, {**said, "more": ", ".join(more)} if more else said)
        queue = str((target.get("DeadLetterConfig") or {}).get("Arn", ""))
        if queue and account_of(queue) != account_of(arn):
            yield Entry(f"{id_}/dead-letters", queue, {"by_hand": _DEAD_LETTERS})


def _managed(rule: Json) -> str:
    return _MANAGED.format(rule["ManagedBy"]) if rule.get("ManagedBy") else ""


EVENT_TARGETS = Share(
    # A rule with a role is given its target back by whoever may pass that role on.
    # https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutTargets.html
    kind="event-target",
    contains="event-targets",
    what="rule of EventBridge",
    service="events",
    listing="list_event_buses",
    items="EventBuses",
    asked=lambda _, reach: ({},) if reach.vendors.accounts else (),
    name=lambda item: str(item["Name"]),
    inner=(Call("list_rules", lambda w, _: {"EventBusName": w.name}), "Rules", "Name"),
    get=Call("list_targets_by_rule", lambda w, _: _rule(w)),
    entries=_targets,
    sends=True,
    # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rules-managed.html
    barred=(
        Call("describe_rule", lambda w, _: {"Name": w.last, "EventBusName": w.outer}),
        _managed,
    ),
    give=Edit("put_targets", lambda w, entry: {**_rule(w), "Targets": [entry]}),
    take=Edit("remove_targets", lambda w, entry: {**_rule(w), "Ids": [entry["Id"]]}),
    arn="arn:aws:events:{region}:{account}:rule/{outer}/{last}",
    outlives=(
        ("events that the rule still sends, until EventBridge has heard of it", "for a short time"),
        ("what the vendor was sent already", "for ever"),
        LOST,
    ),
)


# --- subscriptions to topics of SNS --------------------------------------------------------------

_SUBSCRIPTION = "arn:aws:sns:{region}:{account}:{name}"
_FILTER, _SCOPE = "FilterPolicy", "FilterPolicyScope"
_NOTHING: Json = {"stopline-off": ["nothing is sent while stopline holds this subscription"]}
"""A filter that lets nothing through, in whichever scope it stands: no message says this."""
_SUBSCRIBED = (
    "account {} subscribed it, and nobody else can filter what it gets: end it by hand, for good "
    "(`aws sns unsubscribe`)"
)


def _subscribed(page: Json) -> Iterator[Entry]:
    """A subscription that gets something, with its filter word for word; `{}` is none.

    The filter's scope is never written, so it stays; without a filter it is not shown.
    https://docs.aws.amazon.com/sns/latest/dg/sns-message-filtering-scope.html
    """
    said = page["Attributes"]
    to, owner = _endpoint(said), str(said["Owner"])
    if owner != account_of(str(said["TopicArn"])):
        yield Entry("", to, {"by_hand": _SUBSCRIBED.format(owner)})
        return
    text = str(said.get(_FILTER) or "")
    filter_ = json.loads(text or "{}")
    if filter_ != _NOTHING:
        scope = {_SCOPE: said[_SCOPE]} if filter_ and said.get(_SCOPE) else {}
        yield Entry("", to, {_FILTER: text if filter_ else "", **scope})


def _endpoint(said: Json) -> str:
    """What a subscription sends to. A URL's path may be a secret: its host alone is said."""
    to = str(said["Endpoint"])
    return f"{said['Protocol']}://{urlsplit(to).hostname}" if "://" in to else to


def of_subscription(_: Where, page: Json, reach: Reach) -> Theirs | None:
    """It sends to the vendor, or the vendor subscribed it, wherever it sends to."""
    said, accounts = page["Attributes"], reach.vendors.accounts
    to = str(said["Endpoint"])
    if to.startswith("arn:") and account_of(to) in accounts:
        return Theirs(f"sends to account {account_of(to)}")
    if said["Owner"] in accounts:
        return Theirs(f"subscribed by account {said['Owner']}")
    if _is_named(to, reach.selectors.endpoints):
        return Theirs("sends to an endpoint that the vendor's file names")
    return None


def _is_named(endpoint: str, wanted: Iterable[str]) -> bool:
    """By the whole address, the domain after `*@`, or the whole host of a URL."""
    host = (urlsplit(endpoint).hostname or "").lower() if "://" in endpoint else ""
    address = endpoint.lower()
    domain = address.rpartition("@")[2] if "@" in address and not host else ""
    said = {address, host, domain and f"*@{domain}"} - {""}
    return any(one.lower() in said for one in wanted)


def _confirmed(where: Where, item: Json, reach: Reach) -> bool:
    """Nothing is sent to one that nobody has confirmed yet, nor to one that has ended.

    https://docs.aws.amazon.com/sns/latest/api/API_ListSubscriptionsByTopic.html
    """
    there = str(item["SubscriptionArn"]).startswith("arn:")
    return there and of_subscription(where, {"Attributes": item}, reach) is not None


def _anothers(item: Json) -> Json:
    """What lists a subscription says all that can be told of another account's."""
    own = item["Owner"] == account_of(str(item["TopicArn"]))
    return None if own else {"Attributes": item}


def _filtered(where: Where, text: str) -> Json:
    named = by_arn(_SUBSCRIPTION, "SubscriptionArn", "AttributeValue")(where, text)
    return {**named, "AttributeName": _FILTER}


TOPIC_SUBSCRIPTIONS = Share(
    # To unsubscribe could not be undone: the other side would have to confirm anew.
    # https://docs.aws.amazon.com/sns/latest/api/API_SetSubscriptionAttributes.html
    kind="topic-subscription",
    contains="topic-subscriptions",
    what="subscription to a topic",
    service="sns",
    listing="list_topics",
    items="Topics",
    asked=lambda _, reach: ({},) if reach.vendors.accounts or reach.selectors.endpoints else (),
    name=lambda item: str(item["TopicArn"]).rpartition(":")[2],
    inner=(
        Call("list_subscriptions_by_topic", by_arn(_SUBSCRIPTION, "TopicArn")),
        "Subscriptions",
        lambda item: str(item["SubscriptionArn"]).rpartition(":")[2],
    ),
    picked=_confirmed,
    page=_anothers,
    get=Call("get_subscription_attributes", by_arn(_SUBSCRIPTION, "SubscriptionArn")),
    entries=_subscribed,
    whose=of_subscription,
    give=Edit("set_subscription_attributes", lambda w, e: _filtered(w, e[_FILTER] or "{}")),
    take=Edit("set_subscription_attributes", lambda w, _: _filtered(w, canonical(_NOTHING))),
    arn=_SUBSCRIPTION,
    off="let nothing through",
    # https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html
    outlives=(
        ("messages that SNS sends by the filter from before", "PT15M"),
        ("what was sent already", "for ever"),
        LOST,
    ),
)


# --- what CloudWatch Logs forwards ---------------------------------------------------------------

_POLICY: Json = {"policyType": "SUBSCRIPTION_FILTER_POLICY"}
_NOT_SENT = (
    "Unknown", "accountId", "creationTime", "lastUpdatedTime", "logGroupName", "policyType",
)  # fmt: skip
"""What is shown of a filter, or of an account's policy, and no write takes."""
_ALWAYS = ("filterPattern", "policyDocument")
_FORWARDED = (
    ("what CloudWatch Logs still forwards, until it has heard of it", "for a short time"),
    ("what the vendor was sent already", "for ever"),
    LOST,
)


def _as_given(shown: Json) -> Json:
    """What a write takes of what is shown; what is empty or false is not said."""
    said = {k: v for k, v in shown.items() if k not in _NOT_SENT and (v or k in _ALWAYS)}
    more = shown.get("Unknown")
    return {**said, "more": ", ".join(more)} if more else said


def _group(where: Where) -> dict[str, Json]:
    return {"logGroupName": unquote(where.name)}


def _filters(page: Json) -> Iterator[Entry]:
    for one in page.get("subscriptionFilters") or ():
        yield Entry(_quoted(one["filterName"]), str(one["destinationArn"]), _as_given(one))


def _policies(page: Json) -> Iterator[Entry]:
    for one in page.get("accountPolicies") or ():
        to = str(json.loads(one["policyDocument"])["DestinationArn"])
        yield Entry(_quoted(one["policyName"]), to, _as_given(one))


def _quoted(name: Json) -> str:
    """A name that may have `#` in it, which means something in an address."""
    return quote(str(name), safe="/@+._-")


LOG_SUBSCRIPTIONS = Share(
    # Only to a destination can it be another account's. A filter with a role is given back by
    # whoever may pass that role on, and as long as the destination takes it.
    # https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutSubscriptionFilter.html
    kind="log-subscription",
    contains="log-subscriptions",
    what="log group",
    service="logs",
    listing="describe_log_groups",
    items="logGroups",
    asked=lambda _, reach: ({},) if reach.vendors.accounts else (),
    name=lambda item: _quoted(item["logGroupName"]),
    get=Call("describe_subscription_filters", lambda w, _: _group(w)),
    entries=_filters,
    sends=True,
    give=Edit("put_subscription_filter", lambda w, entry: {**_group(w), **entry}),
    take=Edit(
        "delete_subscription_filter",
        lambda w, entry: {**_group(w), "filterName": entry["filterName"]},
    ),
    arn="arn:aws:logs:{region}:{account}:log-group:{name}",
    outlives=_FORWARDED,
    most=1_000,  # CloudWatch Logs answers five in a second: nobody may wait for ever, at night
)
LOG_ACCOUNT_POLICIES = Share(
    # https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutAccountPolicy.html
    kind="log-account-policy",
    contains="log-account-policies",
    what="policy for all log groups",
    service="logs",
    alone="account",
    listing="",
    items="",
    name=str,
    get=Call("describe_account_policies", lambda _w, _: _POLICY),
    entries=_policies,
    sends=True,
    give=Edit("put_account_policy", lambda _, entry: {**_POLICY, **entry}),
    take=Edit(
        "delete_account_policy", lambda _, entry: {**_POLICY, "policyName": entry["policyName"]}
    ),
    arn="arn:aws:logs:{region}:{account}:log-group:*",
    outlives=_FORWARDED,
    looked=False,
)
