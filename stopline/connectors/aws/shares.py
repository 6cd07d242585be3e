"""What is shared with other accounts entry by entry, how it is read and edited: a table. Pure.

None of these APIs has a deny, so the one entry that names the vendor is taken out and given back;
what else is shared, and with whom, stays. Each entry is added or removed by itself: no stranger's
edit can be lost.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from stopline.connectors.aws import policy
from stopline.connectors.aws.anchors import ANCHOR_SWITCHES, PROFILES
from stopline.connectors.aws.by_person import LEFT
from stopline.connectors.aws.edited import APP_CLIENTS, KEY_GROUPS
from stopline.connectors.aws.entries import ENTRIES, permitted, permitting
from stopline.connectors.aws.gateways import API_KEYS
from stopline.connectors.aws.kinds import (
    FOREVER,
    Call,
    Edit,
    Entry,
    Resource,
    Share,
    Where,
    by_arn,
    named,
)
from stopline.connectors.aws.outbound import (
    EVENT_TARGETS,
    LOG_ACCOUNT_POLICIES,
    LOG_SUBSCRIPTIONS,
    TOPIC_SUBSCRIPTIONS,
)
from stopline.connectors.aws.pools import POOL_USERS
from stopline.connectors.aws.resources import TABLE
from stopline.text import Json, canonical, sha256

EVERYBODY = ("all", "*")
"""How these services name everybody."""


# --- machine images and snapshots of volumes -----------------------------------------------------


def _launched(verb: str) -> Callable[[Where, Json], Json]:
    return lambda where, entry: {"ImageId": where.name, "LaunchPermission": {verb: [entry]}}


_VOLUMES = ("SnapshotId", "createVolumePermission", "GroupNames")
IMAGES = Share(
    # https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyImageAttribute.html
    kind="image-share",
    contains="images",
    what="machine image",
    service="ec2",
    listing="describe_images",
    items="Images",
    # `ExecutableUsers` would leave out what is shared with an organisation.
    # https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeImages.html
    asked=lambda _, _reach: ({"Owners": ["self"], "MaxResults": 1000},),
    name=lambda item: str(item["ImageId"]),
    get=Call(
        "describe_image_attribute",
        lambda w, _: {"ImageId": w.name, "Attribute": "launchPermission"},
    ),
    entries=permitted("LaunchPermissions"),
    give=Edit("modify_image_attribute", _launched("Add")),
    take=Edit("modify_image_attribute", _launched("Remove")),
    arn="arn:aws:ec2:{region}::image/{name}",
    outlives=(("copies of the image, and machines launched from it", FOREVER),),
)
SNAPSHOTS = Share(
    # https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifySnapshotAttribute.html
    kind="snapshot-share",
    contains="snapshots",
    what="EBS snapshot",
    service="ec2",
    listing="describe_snapshots",
    items="Snapshots",
    # An account can have very many: only those that are shared are asked for.
    # https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSnapshots.html
    asked=lambda _, reach: tuple(
        {"OwnerIds": ["self"], "RestorableByUserIds": [who], "MaxResults": 1000}
        for who in (*sorted(reach.vendors.accounts), "all")
    ),
    name=lambda item: str(item["SnapshotId"]),
    get=Call(
        "describe_snapshot_attribute",
        lambda w, _: {"SnapshotId": w.name, "Attribute": "createVolumePermission"},
    ),
    entries=permitted("CreateVolumePermissions"),
    give=Edit("modify_snapshot_attribute", permitting(*_VOLUMES, "add")),
    take=Edit("modify_snapshot_attribute", permitting(*_VOLUMES, "remove")),
    arn="arn:aws:ec2:{region}::snapshot/{name}",
    outlives=(("copies of the snapshot, and volumes made from it", FOREVER),),
    looked=False,
)


# --- snapshots of databases ----------------------------------------------------------------------


def _restorable(result: str, attributes: str) -> Callable[[Json], Iterator[Entry]]:
    def entries(page: Json) -> Iterator[Entry]:
        for attribute in page[result].get(attributes) or ():
            if attribute["AttributeName"] == "restore":
                for who in attribute.get("AttributeValues") or ():
                    yield Entry(str(who), str(who), {"restore": str(who)})

    return entries


def _database(cluster: str) -> dict[str, Any]:
    """What both kinds say alike, by their names. Only a snapshot made by hand can be shared.

    A snapshot's name can be used again; when it was taken tells the one from the other.
    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ShareSnapshot.html
    """
    low = f"db_{cluster.lower()}{'_' if cluster else ''}snapshot"
    id_, found = f"DB{cluster}SnapshotIdentifier", f"DB{cluster}Snapshots"
    result = f"DB{cluster}SnapshotAttributesResult"

    def edit(values: str) -> Edit:
        def words(where: Where, entry: Json) -> Json:
            return {id_: where.name, "AttributeName": "restore", values: [entry["restore"]]}

        return Edit(f"modify_{low}_attribute", words)

    return {
        "service": "rds",
        "listing": f"describe_{low}s",
        "items": found,
        "asked": lambda _, _reach: ({"SnapshotType": "manual"},),
        "name": lambda item: str(item[id_]),
        "get": Call(f"describe_{low}_attributes", named(id_)),
        "entries": _restorable(result, f"DB{cluster}SnapshotAttributes"),
        "same": Call(f"describe_{low}s", named(id_)),
        "uid": lambda answer: str(answer[found][0].get("SnapshotCreateTime", "")),
        "give": edit("ValuesToAdd"),
        "take": edit("ValuesToRemove"),
        "outlives": (("copies of the snapshot, and databases restored from it", FOREVER),),
    }


DB_SNAPSHOTS = Share(
    # https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBSnapshotAttribute.html
    kind="db-snapshot-share",
    contains="db-snapshots",
    what="RDS snapshot",
    arn="arn:aws:rds:{region}:{account}:snapshot:{name}",
    **_database(""),
)
DB_CLUSTER_SNAPSHOTS = Share(
    # https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBClusterSnapshotAttribute.html
    kind="db-cluster-snapshot-share",
    contains="db-cluster-snapshots",
    what="RDS cluster snapshot",
    arn="arn:aws:rds:{region}:{account}:cluster-snapshot:{name}",
    **_database("Cluster"),
)


# --- resource shares -----------------------------------------------------------------------------

_OPEN = ("ASSOCIATING", "ASSOCIATED", "SUSPENDING", "SUSPENDED", "RESTORING")
"""An account outside of our organisation is `ASSOCIATING` until it has accepted."""
_SHARE = "arn:aws:ram:{region}:{account}:resource-share/{name}"


def _principals(page: Json) -> Iterator[Entry]:
    for item in page["resourceShareAssociations"]:
        who, status = str(item["associatedEntity"]), str(item["status"])
        if status in _OPEN:
            yield Entry(who, who, {"principal": who})
        elif status == "FAILED":  # nobody can tell: neither what was, nor what we leave
            yield Entry(who, who, {"principal": who, "status": status})


def _under_way(page: Json) -> Iterator[tuple[str, str]]:
    for item in page["resourceShareAssociations"]:
        if item["status"] in ("DISASSOCIATING", "FAILED"):
            said = f"{item['status']} {item.get('statusMessage', '')}".strip()
            yield str(item["associatedEntity"]), said


def _associated(where: Where, entry: Json) -> Json:
    return {**by_arn(_SHARE, "resourceShareArn")(where, ""), "principals": [entry["principal"]]}


RESOURCE_SHARES = Share(
    # https://docs.aws.amazon.com/ram/latest/APIReference/API_DisassociateResourceShare.html
    kind="resource-share-principal",
    contains="resource-shares",
    what="resource share",
    service="ram",
    listing="get_resource_shares",
    items="resourceShares",
    asked=lambda _, _reach: ({"resourceOwner": "SELF", "resourceShareStatus": "ACTIVE"},),
    name=lambda item: str(item["resourceShareArn"]).rpartition("/")[2],
    get=Call(
        "get_resource_share_associations",
        lambda w, _: {
            "associationType": "PRINCIPAL",
            "resourceShareArns": [_SHARE.format(region=w.region, account=w.account, name=w.name)],
        },
    ),
    entries=_principals,
    under_way=_under_way,
    give=Edit("associate_resource_share", _associated),
    take=Edit("disassociate_resource_share", _associated),
    arn=_SHARE,
    outlives=(
        ("what the vendor has made with a shared resource (a machine in a subnet)", FOREVER),
        (
            "given back, an account outside of the organisation must accept an invitation anew",
            "until the vendor has accepted it, after the rollback",
        ),
    ),
)

# --- versions of Lambda layers -------------------------------------------------------------------

_LAYER = "arn:aws:lambda:{region}:{account}:layer:{name}"
_ORGANISATION = "arn:aws:organizations:::organization/"


def _version(where: Where) -> dict[str, Json]:
    layer, _, number = where.name.rpartition(":")
    return {"LayerName": layer, "VersionNumber": int(number)}


def _statements(page: Json) -> Iterator[Entry]:
    """Statements of a layer's policy, which takes no deny, as the call that adds one takes them.

    https://docs.aws.amazon.com/lambda/latest/dg/permissions-layer-cross-account.html
    """
    for said in policy.statements(json.loads(page["Policy"])):
        taken = {k: said.get(k) for k in ("Sid", "Effect", "Action", "Condition")}
        principal = said.get("Principal")
        token = principal.get("AWS") if isinstance(principal, dict) else principal
        who = str(token)
        state = {"StatementId": said.get("Sid"), "Action": said.get("Action")}
        state["Principal"] = policy.account_of(who) if policy.is_root(who) else who
        organisation = _among(said.get("Condition"))
        if organisation:
            who, state["OrganizationId"] = f"{_ORGANISATION}{organisation}", organisation
        if taken != _as_added(state) or not isinstance(token, str):
            state = {"more": canonical(said)}
        sid = str(said.get("Sid") or f"~{sha256(canonical(said))[:12]}")
        yield Entry(sid, who, state)


def _among(condition: Json) -> str:
    said = (condition or {}).get("StringEquals") or {}
    return str(said.get("aws:PrincipalOrgID") or "")


def _as_added(state: Json) -> Json:
    """The statement that AWS makes of what it is given."""
    organisation = state.get("OrganizationId")
    condition = {"StringEquals": {"aws:PrincipalOrgID": organisation}} if organisation else None
    said = {"Sid": state["StatementId"], "Effect": "Allow", "Action": "lambda:GetLayerVersion"}
    return {**said, "Condition": condition}


LAYERS = Share(
    # https://docs.aws.amazon.com/lambda/latest/api/API_RemoveLayerVersionPermission.html
    kind="layer-version-statement",
    contains="lambda-layers",
    what="Lambda layer",
    service="lambda",
    listing="list_layers",
    items="Layers",
    name=lambda item: str(item["LayerName"]),
    inner=(Call("list_layer_versions", named("LayerName")), "LayerVersions", "Version"),
    get=Call("get_layer_version_policy", lambda w, _: _version(w)),
    absent=("ResourceNotFoundException",),
    entries=_statements,
    give=Edit("add_layer_version_permission", lambda w, entry: {**_version(w), **entry}),
    take=Edit(
        "remove_layer_version_permission",
        lambda w, entry: {**_version(w), "StatementId": entry["StatementId"]},
    ),
    arn=_LAYER,
    outlives=(("functions of the vendor's that have the layer already", FOREVER),),
)


# --- endpoint services of VPCs -------------------------------------------------------------------


def _allowed(page: Json) -> Iterator[Entry]:
    for item in page.get("AllowedPrincipals") or ():
        who = str(item["Principal"])
        # Given back it would be without its tags.
        more = {"more": canonical(item["Tags"])} if item.get("Tags") else {}
        yield Entry(who, who, {"principal": who, **more})


def _let(verb: str) -> Callable[[Where, Json], Json]:
    return lambda where, entry: {
        "ServiceId": where.name,
        f"{verb}AllowedPrincipals": [entry["principal"]],
    }


ENDPOINT_SERVICES = Share(
    # https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyVpcEndpointServicePermissions.html
    kind="endpoint-service-principal",
    contains="endpoint-services",
    what="VPC endpoint service",
    service="ec2",
    listing="describe_vpc_endpoint_service_configurations",
    items="ServiceConfigurations",
    name=lambda item: str(item["ServiceId"]),
    get=Call("describe_vpc_endpoint_service_permissions", named("ServiceId")),
    entries=_allowed,
    give=Edit("modify_vpc_endpoint_service_permissions", _let("Add")),
    take=Edit("modify_vpc_endpoint_service_permissions", _let("Remove")),
    arn="arn:aws:ec2:{region}:{account}:vpc-endpoint-service/{name}",
    outlives=(
        ("endpoints of the vendor's that are connected already", "until they are rejected, too"),
    ),
)

_UP = ("available", "pending", "partial")
"""What was accepted. What waits for a word is given nothing: accepted back, it would be let in."""


def _connected(page: Json) -> Iterator[Entry]:
    for item in page.get("VpcEndpointConnections") or ():
        if str(item.get("VpcEndpointState", "")).lower() in _UP:
            id_ = str(item["VpcEndpointId"])
            yield Entry(id_, str(item.get("VpcEndpointOwner", "")), {"endpoint": id_})


def _answered(where: Where, entry: Json) -> Json:
    return {"ServiceId": where.name, "VpcEndpointIds": [entry["endpoint"]]}


ENDPOINT_CONNECTIONS = Share(
    # One that was rejected can be accepted again, as long as the vendor has not deleted its end.
    # https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RejectVpcEndpointConnections.html
    kind="endpoint-connection",
    contains="endpoint-connections",
    what="VPC endpoint connection",
    service="ec2",
    listing="describe_vpc_endpoint_service_configurations",
    items="ServiceConfigurations",
    name=lambda item: str(item["ServiceId"]),
    get=Call(
        "describe_vpc_endpoint_connections",
        lambda w, _: {"Filters": [{"Name": "service-id", "Values": [w.name]}]},
    ),
    entries=_connected,
    # The list of a service that is gone is empty: this says that it is gone.
    same=Call(
        "describe_vpc_endpoint_service_configurations", lambda w, _: {"ServiceIds": [w.name]}
    ),
    give=Edit("accept_vpc_endpoint_connections", _answered),
    take=Edit("reject_vpc_endpoint_connections", _answered),
    arn="arn:aws:ec2:{region}:{account}:vpc-endpoint-service/{name}",
    outlives=(("what the vendor has read over the connection already", FOREVER),),
)

SHARES: Mapping[str, Share] = {
    row.kind: row
    for row in (
        IMAGES,
        SNAPSHOTS,
        DB_SNAPSHOTS,
        DB_CLUSTER_SNAPSHOTS,
        RESOURCE_SHARES,
        LAYERS,
        ENDPOINT_SERVICES,
        ENDPOINT_CONNECTIONS,
        *ENTRIES.values(),
        ANCHOR_SWITCHES,
        PROFILES,
        POOL_USERS,
        API_KEYS,
        APP_CLIENTS,
        KEY_GROUPS,
        EVENT_TARGETS,
        TOPIC_SUBSCRIPTIONS,
        LOG_SUBSCRIPTIONS,
        LOG_ACCOUNT_POLICIES,
    )
}
"""By kind of the address of one entry."""
ROWS: tuple[Resource | Share, ...] = (*TABLE.values(), *LEFT.values(), *SHARES.values())
"""All kinds of resources that are looked at one by one in each region."""
