"""More rows of the table of `shares`: documents, FPGA images, what Redshift shares. Pure.

None of these APIs has a deny either: the entry of the vendor's account is taken out by itself, and
given back as it was. What cannot be given back exactly is left open and says why.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from stopline.connectors.aws.edited import APPLICATIONS
from stopline.connectors.aws.kinds import (
    FOREVER,
    Call,
    Edit,
    Entry,
    Share,
    Where,
    by_arn,
    listed_in,
    named,
)
from stopline.connectors.aws.lake import LAKE_PERMISSIONS
from stopline.text import Json

# --- documents of Systems Manager ----------------------------------------------------------------


def _sharing(page: Json) -> Iterator[Entry]:
    """With whom, and which version: the list of accounts is whole where the other one is not."""
    versions = {
        str(item.get("AccountId") or ""): item.get("SharedDocumentVersion")
        for item in page.get("AccountSharingInfoList") or ()
    }
    for account in dict.fromkeys((*map(str, page.get("AccountIds") or ()), *versions)):
        version = versions.get(account)
        who = account.lower()  # `all` is written in either way
        yield Entry(who, who, {"account": account, **({"version": version} if version else {})})


def _permit(verb: str) -> Callable[[Where, Json], Json]:
    def words(where: Where, entry: Json) -> Json:
        said = {"Name": where.name, "PermissionType": "Share", verb: [entry["account"]]}
        version = entry.get("version") if verb == "AccountIdsToAdd" else None
        return {**said, **({"SharedDocumentVersion": version} if version else {})}

    return words


DOCUMENTS = Share(
    # https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_ModifyDocumentPermission.html
    kind="document-share",
    contains="ssm-documents",
    what="SSM document",
    service="ssm",
    listing="list_documents",
    items="DocumentIdentifiers",
    asked=lambda _, _reach: ({"Filters": [{"Key": "Owner", "Values": ["Self"]}]},),
    name=lambda item: str(item["Name"]),
    get=Call(
        "describe_document_permission", lambda w, _: {"Name": w.name, "PermissionType": "Share"}
    ),
    entries=_sharing,
    # A name can be used again; when its first version was made tells the one from the other, as
    # long as nobody has deleted that version alone.
    # https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DescribeDocument.html
    same=Call("describe_document", lambda w, _: {"Name": w.name, "DocumentVersion": "1"}),
    uid=lambda answer: str(answer["Document"].get("CreatedDate", "")),
    absent=("InvalidDocumentVersion",),
    give=Edit("modify_document_permission", _permit("AccountIdsToAdd")),
    take=Edit("modify_document_permission", _permit("AccountIdsToRemove")),
    # https://docs.aws.amazon.com/systems-manager/latest/userguide/documents-ssm-sharing.html
    exclusive=True,
    arn="arn:aws:ssm:{region}:{account}:document/{name}",
    outlives=(
        ("copies of the document", FOREVER),
        ("automations and commands of the vendor's that run it already", "until they end"),
    ),
)


# --- FPGA images ---------------------------------------------------------------------------------


def permitted(where: str) -> Callable[[Json], Iterator[Entry]]:
    """Entries that EC2 has below a name: an account, a group or an organisation in each."""

    def entries(page: Json) -> Iterator[Entry]:
        for item in listed_in(page, where):
            who = str(next(iter(item.values()), ""))
            yield Entry(who, who, item)

    return entries


def permitting(id_: str, name: str, groups: str, verb: str) -> Callable[[Where, Json], Json]:
    """What adds an entry to an attribute of EC2's that takes one by `OperationType`, or removes."""

    def words(where: Where, entry: Json) -> Json:
        whom = {{"UserId": "UserIds", "Group": groups}[k]: [v] for k, v in entry.items()}
        return {id_: where.name, "Attribute": name, "OperationType": verb, **whom}

    return words


_LOAD = ("FpgaImageId", "loadPermission", "UserGroups")
FPGA_IMAGES = Share(
    # https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyFpgaImageAttribute.html
    kind="fpga-image-share",
    contains="fpga-images",
    what="FPGA image",
    service="ec2",
    listing="describe_fpga_images",
    items="FpgaImages",
    asked=lambda _, _reach: ({"Owners": ["self"]},),
    name=lambda item: str(item["FpgaImageId"]),
    get=Call(
        "describe_fpga_image_attribute",
        lambda w, _: {"FpgaImageId": w.name, "Attribute": "loadPermission"},
    ),
    entries=permitted("FpgaImageAttribute.LoadPermissions"),
    give=Edit("modify_fpga_image_attribute", permitting(*_LOAD, "add")),
    take=Edit("modify_fpga_image_attribute", permitting(*_LOAD, "remove")),
    arn="arn:aws:ec2:{region}:{account}:fpga-image/{name}",
    outlives=(("copies of the image, and machines that have loaded it", FOREVER),),
)


# --- datashares of Redshift ----------------------------------------------------------------------

_DATASHARE = "arn:aws:redshift:{region}:{account}:datashare:{name}"
_CATALOG = "DataCatalog/"
"""What stands before an account that takes a datashare into its data catalog."""
_OPEN = ("ACTIVE", "AUTHORIZED", "AVAILABLE")
_SHUT = ("DEAUTHORIZED", "PENDING_AUTHORIZATION", "REJECTED")
"""What waits for a word is given nothing: authorized by us, it would have what it never had."""


def _consumers(page: Json) -> Iterator[Entry]:
    """Whom each is authorized for, once, in however many regions it has associated it."""
    for share in page.get("DataShares") or ():
        found: dict[str, list[Json]] = {}
        for item in share.get("DataShareAssociations") or ():
            if item.get("Status") not in _SHUT:
                found.setdefault(str(item.get("ConsumerIdentifier") or ""), []).append(item)
        for consumer, items in found.items():
            yield _consumer(consumer, items, str(share.get("ManagedBy") or ""))


def _consumer(consumer: str, items: Sequence[Json], managed_by: str) -> Entry:
    writes = any(item.get("ProducerAllowedWrites") for item in items)
    state: dict[str, Json] = {"consumer": consumer, "writes": writes}
    odd = sorted({str(item.get("Status")) for item in items} - {*_OPEN})
    if managed_by == "ADX":
        state["status"] = "that AWS Data Exchange manages it"
    elif odd:
        state["status"] = ", ".join(odd)
    return Entry(consumer, consumer.removeprefix(_CATALOG), state)


def _consumed(where: Where, entry: Json) -> Json:
    said = by_arn(_DATASHARE, "DataShareArn")(where, "")
    return {**said, "ConsumerIdentifier": entry["consumer"]}


def _authorized(where: Where, entry: Json) -> Json:
    return {**_consumed(where, entry), **({"AllowWrites": True} if entry["writes"] else {})}


DATASHARES = Share(
    # https://docs.aws.amazon.com/redshift/latest/APIReference/API_DeauthorizeDataShare.html
    kind="datashare-consumer",
    contains="datashares",
    what="Redshift datashare",
    service="redshift",
    listing="describe_data_shares_for_producer",
    items="DataShares",
    name=lambda item: str(item["DataShareArn"]).partition(":datashare:")[2],
    get=Call("describe_data_shares", by_arn(_DATASHARE, "DataShareArn")),
    entries=_consumers,
    give=Edit("authorize_data_share", _authorized),
    take=Edit("deauthorize_data_share", _consumed),
    arn=_DATASHARE,
    outlives=(
        ("what the vendor has copied out of the datashare", FOREVER),
        (
            "given back, the vendor may have to associate it with its own warehouses anew",
            "until the vendor has, after the rollback",
        ),
    ),
)


# --- endpoints to clusters of Redshift -----------------------------------------------------------

_ENDPOINTS = (
    "endpoints of the vendor's stand on it: AWS takes it back only together with them, and nothing "
    "gives those back. Revoke it by hand with `--force`; the vendor makes them anew later"
)


def _grantees(page: Json) -> Iterator[Entry]:
    for item in page.get("EndpointAuthorizationList") or ():
        vpcs = sorted(map(str, item.get("AllowedVPCs") or ()))
        if item.get("Status") == "Revoking" or not (item.get("AllowedAllVPCs") or vpcs):
            continue
        who = str(item.get("Grantee") or "")
        state = {"account": who, **({} if item.get("AllowedAllVPCs") else {"vpcs": vpcs})}
        stands = {"by_hand": _ENDPOINTS} if item.get("EndpointCount") else {}
        yield Entry(who, who, {**state, **stands})


def _revoking(page: Json) -> Iterator[tuple[str, str]]:
    for item in page.get("EndpointAuthorizationList") or ():
        if item.get("Status") == "Revoking":
            yield str(item.get("Grantee") or ""), "Revoking"


def _grantee(where: Where, entry: Json) -> Json:
    return {"ClusterIdentifier": where.name, "Account": entry["account"]}


def _let_in(where: Where, entry: Json) -> Json:
    return {**_grantee(where, entry), **({"VpcIds": entry["vpcs"]} if "vpcs" in entry else {})}


ENDPOINT_AUTHORIZATIONS = Share(
    # Never with `Force`, which deletes the grantee's endpoints. Without VPCs it takes all of them.
    # https://docs.aws.amazon.com/redshift/latest/APIReference/API_RevokeEndpointAccess.html
    kind="endpoint-authorization",
    contains="redshift-endpoints",
    what="Redshift cluster",
    service="redshift",
    listing="describe_endpoint_authorization",
    items="EndpointAuthorizationList",
    name=lambda item: str(item["ClusterIdentifier"]),
    get=Call("describe_endpoint_authorization", named("ClusterIdentifier")),
    entries=_grantees,
    under_way=_revoking,
    # A cluster that was made anew under the same name has another namespace.
    # https://docs.aws.amazon.com/redshift/latest/APIReference/API_DescribeClusters.html
    same=Call("describe_clusters", named("ClusterIdentifier")),
    uid=lambda answer: str(answer["Clusters"][0].get("ClusterNamespaceArn", "")),
    give=Edit("authorize_endpoint_access", _let_in),
    take=Edit("revoke_endpoint_access", _grantee),
    arn="arn:aws:redshift:{region}:{account}:cluster:{name}",
    outlives=(("what the vendor has read over its endpoints already", FOREVER),),
    looked=False,
)


# --- snapshots of Redshift -----------------------------------------------------------------------


def _may_restore(page: Json) -> Iterator[Entry]:
    for snapshot in page.get("Snapshots") or ():
        for item in snapshot.get("AccountsWithRestoreAccess") or ():
            who = str(item.get("AccountId") or "")
            yield Entry(who, who, {"account": who})


def _restorer(where: Where, entry: Json) -> Json:
    return {"SnapshotIdentifier": where.name, "AccountWithRestoreAccess": entry["account"]}


REDSHIFT_SNAPSHOTS = Share(
    # Only one that was made by hand can be shared.
    # https://docs.aws.amazon.com/redshift/latest/APIReference/API_RevokeSnapshotAccess.html
    kind="redshift-snapshot-share",
    contains="redshift-snapshots",
    what="Redshift snapshot",
    service="redshift",
    listing="describe_cluster_snapshots",
    items="Snapshots",
    asked=lambda account, _: ({"SnapshotType": "manual", "OwnerAccount": account},),
    name=lambda item: str(item["SnapshotIdentifier"]),
    get=Call("describe_cluster_snapshots", named("SnapshotIdentifier")),
    entries=_may_restore,
    uid=lambda page: str((page.get("Snapshots") or [{}])[0].get("SnapshotCreateTime", "")),
    give=Edit("authorize_snapshot_access", _restorer),
    take=Edit("revoke_snapshot_access", _restorer),
    arn="arn:aws:redshift:{region}:{account}:snapshot:*/{name}",
    outlives=(("clusters that the vendor has restored from the snapshot", FOREVER),),
)


# --- signing profiles ----------------------------------------------------------------------------

_SIGNING = ("statementId", "action", "principal", "profileVersion")


def _may_sign(page: Json) -> Iterator[Entry]:
    for item in page.get("permissions") or ():
        state = {key: str(item[key]) for key in _SIGNING if item.get(key)}
        yield Entry(state.get("statementId", ""), state.get("principal", ""), state)


SIGNING_PROFILES = Share(
    # Its permissions have a tag, which a removal must name: it is read right before.
    # https://docs.aws.amazon.com/signer/latest/api/API_RemoveProfilePermission.html
    kind="signing-permission",
    contains="signing-profiles",
    what="signing profile",
    service="signer",
    listing="list_signing_profiles",
    items="profiles",
    name=lambda item: str(item["profileName"]),
    get=Call("list_profile_permissions", named("profileName")),
    absent=("ResourceNotFoundException",),  # also where the profile itself is not there
    entries=_may_sign,
    same=Call("get_signing_profile", named("profileName")),
    uid=lambda answer: str(answer.get("profileVersionArn", "")),
    give=Edit("add_profile_permission", lambda w, entry: {"profileName": w.name, **entry}),
    take=Edit(
        "remove_profile_permission",
        lambda w, entry: {"profileName": w.name, "statementId": entry["statementId"]},
        tag="revisionId",
    ),
    moved=("ConflictException",),
    arn="arn:aws:signer:{region}:{account}:/signing-profiles/{name}",
    outlives=(("what the vendor has signed already", "until its signature expires or is revoked"),),
)

ENTRIES: Mapping[str, Share] = {
    row.kind: row
    for row in (
        DOCUMENTS,
        FPGA_IMAGES,
        DATASHARES,
        ENDPOINT_AUTHORIZATIONS,
        REDSHIFT_SNAPSHOTS,
        SIGNING_PROFILES,
        LAKE_PERMISSIONS,
        APPLICATIONS,
    )
}
"""By kind of the address of one entry."""
