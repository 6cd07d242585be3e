"""What the emulator does not have of what is shared entry by entry: each as AWS's model has it.

A case has one thing that is shared with the vendor and with a look-alike, what each call takes and
answers, and nothing else.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.stub import Stubber
from support.aws import DATA, MERCER, MERCOR

from stopline.connectors.aws.documents import address
from stopline.connectors.aws.shares import SHARES
from stopline.model import Address, Document
from stopline.text import Json

REGION = "us-east-1"
Call = tuple[str, Json]


@dataclass(frozen=True)
class Case:
    """One kind: the name of a thing, how it is `listed`, and how it is `shown` to whom it is.

    `same`: what tells it from another one of its name. `before` is read right before a removal.
    """

    kind: str
    name: str
    part: str
    listed: tuple[str, Json, Json]
    show: Call
    shown: Callable[[tuple[str, ...]], Json]
    take: Call
    give: Call
    same: tuple[str, Json, Json] | None = None
    before: bool = False

    @property
    def document(self) -> Document:
        """The thing's document."""
        return Document("aws", DATA, self.kind, f"{REGION}/{self.name}")

    @property
    def ours(self) -> Address:
        """The address of the vendor's entry."""
        return address(self.document, self.part)

    @property
    def service(self) -> str:
        """The service that shares it."""
        return SHARES[self.kind].service

    @property
    def contains(self) -> str:
        """The playbook's word for it."""
        return SHARES[self.kind].contains

    def lists(self, stub: Stubber) -> None:
        """It is all there is."""
        operation, words, answer = self.listed
        stub.add_response(operation, answer, words)

    def shows(self, stub: Stubber, *who: str, found: bool = False) -> None:
        """With whom it is shared; told from another one once the vendor is `found`, or read."""
        stub.add_response(self.show[0], self.shown(who), self.show[1])
        if self.same and found:
            operation, words, answer = self.same
            stub.add_response(operation, answer, words)


FPGA = "afi-0a"
SHARE_ARN = f"arn:aws:redshift:{REGION}:{DATA}:datashare:0a0a/labels"
NAMESPACE = f"arn:aws:redshift:{REGION}:{DATA}:namespace:0a0a"
APPLICATION = f"arn:aws:serverlessrepo:{REGION}:{DATA}:applications/labels"


def _datashare(who: tuple[str, ...]) -> Json:
    return datashare([associated(one) for one in who])


def associated(who: str, status: str = "ACTIVE", **more: Any) -> Json:
    """One consumer of a datashare."""
    return {"ConsumerIdentifier": who, "Status": status, "ProducerAllowedWrites": True, **more}


def datashare(associations: list[Json], **more: Any) -> Json:
    """One datashare."""
    said = {"DataShareArn": SHARE_ARN, "DataShareAssociations": associations, **more}
    return {"DataShares": [said]}


def authorization(who: str, **more: Any) -> Json:
    """One account that may make endpoints to a cluster."""
    said = {"ClusterIdentifier": "labels", "Grantor": DATA, "Grantee": who, "Status": "Authorized"}
    return {**said, "AllowedAllVPCs": False, "AllowedVPCs": ["vpc-2", "vpc-1"], **more}


def signer(who: str, **more: str) -> Json:
    """One permission on a signing profile."""
    said = {"statementId": f"s{who}", "action": "signer:StartSigningJob", "principal": who}
    return {**said, "profileVersion": "abcdefghij", **more}


def statement(*who: str, **more: Any) -> Json:
    """One statement of an application's policy."""
    return {"StatementId": "labs", "Actions": ["Deploy"], "Principals": [*who], **more}


def _profile(who: tuple[str, ...]) -> Json:
    return {"revisionId": f"r{len(who)}", "permissions": [signer(one) for one in who]}


CASES = (
    Case(
        kind="fpga-image-share",
        name=FPGA,
        part=MERCOR,
        listed=(
            "describe_fpga_images",
            {"Owners": ["self"]},
            {"FpgaImages": [{"FpgaImageId": FPGA}]},
        ),
        show=(
            "describe_fpga_image_attribute",
            {"FpgaImageId": FPGA, "Attribute": "loadPermission"},
        ),
        shown=lambda who: {
            "FpgaImageAttribute": {"LoadPermissions": [{"UserId": one} for one in who]}
        },
        take=(
            "modify_fpga_image_attribute",
            {
                "FpgaImageId": FPGA,
                "Attribute": "loadPermission",
                "OperationType": "remove",
                "UserIds": [MERCOR],
            },
        ),
        give=(
            "modify_fpga_image_attribute",
            {
                "FpgaImageId": FPGA,
                "Attribute": "loadPermission",
                "OperationType": "add",
                "UserIds": [MERCOR],
            },
        ),
    ),
    Case(
        kind="datashare-consumer",
        name="0a0a/labels",
        part=MERCOR,
        listed=("describe_data_shares_for_producer", {}, _datashare((MERCOR,))),
        show=("describe_data_shares", {"DataShareArn": SHARE_ARN}),
        shown=_datashare,
        take=(
            "deauthorize_data_share",
            {"DataShareArn": SHARE_ARN, "ConsumerIdentifier": MERCOR},
        ),
        give=(
            "authorize_data_share",
            {"DataShareArn": SHARE_ARN, "ConsumerIdentifier": MERCOR, "AllowWrites": True},
        ),
    ),
    Case(
        kind="endpoint-authorization",
        name="labels",
        part=MERCOR,
        listed=(
            "describe_endpoint_authorization",
            {},
            {"EndpointAuthorizationList": [authorization(MERCER), authorization(MERCOR)]},
        ),
        show=("describe_endpoint_authorization", {"ClusterIdentifier": "labels"}),
        shown=lambda who: {"EndpointAuthorizationList": [authorization(one) for one in who]},
        take=("revoke_endpoint_access", {"ClusterIdentifier": "labels", "Account": MERCOR}),
        give=(
            "authorize_endpoint_access",
            {"ClusterIdentifier": "labels", "Account": MERCOR, "VpcIds": ["vpc-1", "vpc-2"]},
        ),
        same=(
            "describe_clusters",
            {"ClusterIdentifier": "labels"},
            {"Clusters": [{"ClusterNamespaceArn": NAMESPACE}]},
        ),
    ),
    Case(
        kind="redshift-snapshot-share",
        name="labels",
        part=MERCOR,
        listed=(
            "describe_cluster_snapshots",
            {"SnapshotType": "manual", "OwnerAccount": DATA},
            {"Snapshots": [{"SnapshotIdentifier": "labels"}]},
        ),
        show=("describe_cluster_snapshots", {"SnapshotIdentifier": "labels"}),
        shown=lambda who: {
            "Snapshots": [
                {
                    "SnapshotIdentifier": "labels",
                    "AccountsWithRestoreAccess": [{"AccountId": one} for one in who],
                }
            ]
        },
        take=(
            "revoke_snapshot_access",
            {"SnapshotIdentifier": "labels", "AccountWithRestoreAccess": MERCOR},
        ),
        give=(
            "authorize_snapshot_access",
            {"SnapshotIdentifier": "labels", "AccountWithRestoreAccess": MERCOR},
        ),
    ),
    Case(
        kind="signing-permission",
        name="labels",
        part=f"s{MERCOR}",
        listed=("list_signing_profiles", {}, {"profiles": [{"profileName": "labels"}]}),
        show=("list_profile_permissions", {"profileName": "labels"}),
        shown=_profile,
        take=(
            "remove_profile_permission",
            {"profileName": "labels", "statementId": f"s{MERCOR}", "revisionId": "r2"},
        ),
        give=("add_profile_permission", {"profileName": "labels", **signer(MERCOR)}),
        same=(
            "get_signing_profile",
            {"profileName": "labels"},
            {"profileVersionArn": f"arn:aws:signer:{REGION}:{DATA}:/signing-profiles/labels/abc"},
        ),
        before=True,
    ),
)
"""What is written entry by entry; an application's policy is written as a whole."""
