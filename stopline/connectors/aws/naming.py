"""Ways in that are found and named, and left to a person: a table. Nothing of them is edited.

Each row says all that one service does differently; it is looked at like all other kinds
(`reached`). What cannot be given back exactly is a person's to end.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from stopline.connectors.aws.clients import Clients
from stopline.connectors.aws.edited import GLOBAL
from stopline.connectors.aws.gateways import APIS
from stopline.connectors.aws.kinds import Call, Left, Theirs, Way, Where, by_tag
from stopline.connectors.aws.levers import NAME
from stopline.connectors.aws.networks import NETWORKS
from stopline.connectors.aws.policy import matches, names
from stopline.connectors.aws.selection import Reach
from stopline.model import Address, Grant, State
from stopline.text import Json

# --- distributions of CloudFront ---------------------------------------------------------------


def _signers(where: Where, item: Json, reach: Reach) -> Iterator[Way]:
    behaviors = (
        item.get("DefaultCacheBehavior") or {},
        *((item.get("CacheBehaviors") or {}).get("Items") or ()),
    )
    what = f"distribution/{item['Id']}"
    trusted = {s for b in behaviors for s in _trusted(b)}
    for who in sorted(trusted & reach.vendors.accounts):
        arn = f"arn:aws:cloudfront::{where.account}:{what}"
        via = f"{what} takes what account {who} has signed"
        yield Way(f"{what}/{who}", who, {"in": what, "who": who}, arn, via)


def _trusted(behavior: Json) -> list[str]:
    signers = behavior.get("TrustedSigners") or {}
    return [str(s) for s in signers.get("Items") or ()] if signers.get("Enabled") else []


SIGNERS = Left(
    # A distribution is one large configuration, and what is signed lives until it expires. A key of
    # the vendor's is taken out of its group (`edited`).
    # https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_ListDistributions.html
    # https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-trusted-signers.html
    kind="url-signer",
    contains="url-signers",
    service="cloudfront",
    only_in=GLOBAL,
    listing="list_distributions",
    items="DistributionList.Items",
    name=lambda item: str(item["Id"]),
    ways=_signers,
    reason=(
        "CloudFront's {in} takes URLs and cookies that account {who} of the vendor's has signed: "
        "take the account out of its cache behaviors' trusted signers by hand. What is signed "
        "already lives until it expires"
    ),
    actions=("cloudfront:ListDistributions",),
)


# --- temporary delegation in IAM ---------------------------------------------------------------

_OVER = frozenset({"EXPIRED", "REJECTED"})


def _delegated(where: Where, item: Json, reach: Reach) -> Iterator[Way]:
    who, state = str(item.get("RequestorId", "")), str(item["State"])
    if who not in reach.vendors.accounts or state in _OVER:
        return
    id_ = str(item["DelegationRequestId"])
    said = {"id": id_, "who": who, "state": state, "seconds": item.get("SessionDuration", "?")}
    owner = str(item.get("OwnerId") or f"arn:aws:iam::{where.account}:root")
    yield Way(id_, who, said, owner, f"delegation request of account {who}: {state}")


DELEGATIONS = Left(
    # To reject or to revoke one cannot be undone, and IAM shows none that has no owner yet. One
    # that is finalized stays in the list for seven days; its session lives twelve hours at most.
    # https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListDelegationRequests.html
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/temporary-delegation-building-integration.html
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/temporary-delegation-revoke-access.html
    kind="delegation-request",
    contains="delegation-requests",
    service="iam",
    only_in=GLOBAL,
    listing="list_delegation_requests",
    items="DelegationRequests",
    name=lambda item: str(item["DelegationRequestId"]),
    ways=_delegated,
    reason=(
        "account {who} of the vendor's asks for access by the delegation request {id}, which is "
        "{state}: reject it, or revoke the access where it is FINALIZED, in IAM's console under "
        "`Temporary delegation requests`. That cannot be undone, so nothing here does it. Its "
        "session lives {seconds} seconds from then on; look for roles that it has made"
    ),
    actions=("iam:ListDelegationRequests",),
)


# --- access entries of EKS clusters ------------------------------------------------------------


def _entered(where: Where, arn: Any, reach: Reach) -> Iterator[Way]:
    way = names(str(arn), reach.vendors)
    if not way:
        return
    cluster = where.name.partition(":")[0]
    yield Way(
        f"{where.region}/{cluster}/{arn}",
        str(arn),
        {"cluster": cluster, "who": str(arn)},
        f"arn:aws:eks:{where.region}:{where.account}:cluster/{cluster}",
        f"access entry of the EKS cluster {cluster}: {way}",
        vouched=next((s.vouched for s in reach.selected if s.identity.arn == arn), True),
    )


ENTRIES = Left(
    # A cluster knows somebody by a signed GetCallerIdentity, which AWS answers whatever is denied:
    # our deny ends nothing here. One that is deleted comes back as another one.
    # https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
    # https://docs.aws.amazon.com/eks/latest/APIReference/API_ListAccessEntries.html
    kind="cluster-entry",
    contains="cluster-entries",
    service="eks",
    listing="list_clusters",
    items="clusters",
    name=str,
    inner=(Call("list_access_entries", lambda w, _: {"clusterName": w.name}), "accessEntries", ""),
    asked=lambda _, _reach: ({},),
    ways=_entered,
    reason=(
        "an access entry lets {who} in to Kubernetes in the EKS cluster {cluster}, and no deny of "
        "IAM ends that, since AWS tells the cluster who it is whatever is denied: take the entry's "
        "groups and access policies away by hand, and note them"
    ),
)


# --- users of Transfer Family ------------------------------------------------------------------


def _transferring(where: Where, page: Json, reach: Reach) -> Iterator[Way]:
    """Whose role is the vendor's alone is denied what it would reach, and so is left out."""
    user = page["User"]
    theirs, role = _whose(user, reach), str(user["Role"])
    alone = {s.identity.arn for s in reach.selected if not s.shared_with}
    if theirs is None or role in alone:
        return
    server, name = where.name.partition(":")[0], str(user["UserName"])
    said = {"server": server, "user": name, "role": role}
    via = f"user {name} of the Transfer server {server}: {theirs.via}"
    id_ = f"{where.region}/{server}/{name}"
    yield Way(id_, str(user["Arn"]), said, str(user["Arn"]), via, theirs.vouched)


def _whose(user: Json, reach: Reach) -> Theirs | None:
    arn = str(user["Arn"])
    if matches(reach.selectors.principals, arn):
        return Theirs(f"principal {arn}")
    tags: Mapping[str, str] = {str(t["Key"]): str(t["Value"]) for t in user.get("Tags") or ()}
    return by_tag(tags, reach.selectors)


TRANSFERS = Left(
    # https://docs.aws.amazon.com/transfer/latest/APIReference/API_DescribeUser.html
    kind="transfer-user",
    contains="transfer-users",
    service="transfer",
    listing="list_servers",
    items="Servers",
    name=lambda item: str(item["ServerId"]),
    inner=(Call("list_users", lambda w, _: {"ServerId": w.name}), "Users", "UserName"),
    get=Call(
        "describe_user",
        lambda w, _: {"ServerId": w.name.partition(":")[0], "UserName": unquote(w.last)},
    ),
    asked=lambda _, reach: (
        ({},) if reach.selectors.tags or _named(reach.selectors.principals) else ()
    ),
    ways=_transferring,
    reason=(
        "the user {user} of the Transfer Family server {server} comes in by keys of its own, and "
        "works as {role}, which is not the vendor's alone, so that nothing denies it: take its "
        "SSH keys out by hand, and keep them"
    ),
)


def _named(patterns: tuple[str, ...]) -> bool:
    """Whether one of the ARNs can be a user's of Transfer Family."""
    services = ((pattern.split(":") + ["*"] * 3)[2] for pattern in patterns)
    return any(matches([service], "transfer") for service in services)


# --- found -------------------------------------------------------------------------------------

TABLE: Mapping[str, Left] = {
    row.kind: row for row in (SIGNERS, APIS, *NETWORKS, DELEGATIONS, ENTRIES, TRANSFERS)
}
"""By kind of the address."""


def found(clients: Clients, row: Left, where: Where, reach: Reach, item: Any) -> Iterator[Grant]:
    """The ways in of the vendor's by one thing. Raises ConnectorError, or what reading it says."""
    page = item
    if row.get is not None:
        place, words = row.placed(where.region), row.get.words(where, "")
        page = clients.ask(where.account, place, row.get.operation, **words)
    for way in row.ways(where, page, reach):
        yield Grant(
            Address(NAME, where.account, row.kind, way.id),
            State.of(way.said),
            way.who,
            row.kind,
            way.target,
            way.via,
            vouched=way.vouched,
        )


def reason(grant: Grant) -> str:
    """What is left open, and what a person must do."""
    return TABLE[grant.address.kind].reason.format(**grant.state.value)
