"""What the estate shares with other accounts entry by entry, said as policies would say it.

Seeded, and read back, with plain boto3, like all of `doors`.
"""

import io
import json
import zipfile
from collections.abc import Iterable
from typing import Any

from stopline.drill.access import REGION

LAUNCH, RESTORE = "ec2:RunInstances", "rds:RestoreDBInstanceFromDBSnapshot"
LAYER = "lambda:GetLayerVersion"
DOMAINS = ("mercor.example", "mercer.example")
"""Where the people of the vendor and of the look-alike have their addresses."""
TAGS = ("mercor", "mercer")
"""How what is made for each of them is tagged."""
CALL, OAUTH = "execute-api:Invoke", "cognito-idp:GetToken"
SIGN_IN = "cognito-idp:InitiateAuth"
VOLUME, CLUSTER = "ec2:CreateVolume", "rds:RestoreDBClusterFromSnapshot"


def said(act: str, accounts: Iterable[str], **whole: Any) -> str:
    """With whom something is shared, whatever the order in which AWS lists them.

    `whole` is the thing itself, where more of it could be lost than who has it.
    """
    arns = [f"arn:aws:iam::{account}:root" for account in sorted(accounts)]
    allow = {"Effect": "Allow", "Principal": {"AWS": arns}, "Action": act, "Resource": "*"}
    return json.dumps({"Statement": [allow], **whole}, default=str, sort_keys=True)


def image(ec2: Any, name: str) -> str:
    """Who may launch an image."""
    found = ec2.describe_image_attribute(ImageId=name, Attribute="launchPermission")
    return said(LAUNCH, (p["UserId"] for p in found["LaunchPermissions"]))


def snapshot(ec2: Any, name: str) -> str:
    """Who may make volumes from a snapshot."""
    found = ec2.describe_snapshot_attribute(SnapshotId=name, Attribute="createVolumePermission")
    return said(VOLUME, (p["UserId"] for p in found["CreateVolumePermissions"]))


def layers(functions: Any) -> list[str]:
    """Every version of every layer."""
    return [
        f"{layer['LayerName']}:{version['Version']}"
        for layer in functions.list_layers()["Layers"]
        for version in functions.list_layer_versions(LayerName=layer["LayerName"])["LayerVersions"]
    ]


def layer(functions: Any, name: str) -> str:
    """Who may use a version of a layer."""
    called, _, number = name.rpartition(":")
    try:
        found = functions.get_layer_version_policy(LayerName=called, VersionNumber=int(number))
    except functions.exceptions.ResourceNotFoundException:
        return said(LAYER, ())
    statements = json.loads(found["Policy"])["Statement"]
    return said(LAYER, (_account_in(s["Principal"]) for s in statements))


def _account_in(principal: Any) -> str:
    """The account that a statement names by its number or its root, on its own or as `AWS`."""
    named = str(principal["AWS"] if isinstance(principal, dict) else principal)
    return named if named.isdigit() else named.split(":")[4]


def _restorable(act: str, attributes: Iterable[Any]) -> str:
    return said(
        act,
        (
            who
            for a in attributes
            if a["AttributeName"] == "restore"
            for who in a["AttributeValues"]
        ),
    )


def db_snapshot(rds: Any, name: str) -> str:
    """Who may restore a database from a snapshot."""
    found = rds.describe_db_snapshot_attributes(DBSnapshotIdentifier=name)
    return _restorable(RESTORE, found["DBSnapshotAttributesResult"]["DBSnapshotAttributes"])


def db_cluster_snapshot(rds: Any, name: str) -> str:
    """Who may restore a cluster from a snapshot."""
    found = rds.describe_db_cluster_snapshot_attributes(DBClusterSnapshotIdentifier=name)
    result = found["DBClusterSnapshotAttributesResult"]
    return _restorable(CLUSTER, result["DBClusterSnapshotAttributes"])


def pool(idp: Any, name: str) -> str:
    """Whose people may sign in to a user pool: each is called by the account that it is of."""
    found = idp.list_users(UserPoolId=name)["Users"]
    return said(SIGN_IN, (user["Username"] for user in found if user["Enabled"]))


def api_keys(gateway: Any, _: str) -> str:
    """Whose keys are on: each is called by the account that it was made for."""
    keys = [
        {k: v for k, v in key.items() if k != "lastUpdatedDate"}
        for key in gateway.get_api_keys(includeValues=True)["items"]
    ]
    return said(CALL, (key["name"] for key in keys if key["enabled"]), keys=keys)


def app_clients(idp: Any, name: str) -> str:
    """Whose clients of a user pool are given tokens, and all that the pool shows of each."""
    listed = idp.list_user_pool_clients(UserPoolId=name)["UserPoolClients"]
    clients = [
        {k: v for k, v in shown.items() if k != "LastModifiedDate"}
        for client in listed
        for shown in (
            idp.describe_user_pool_client(UserPoolId=name, ClientId=client["ClientId"])[
                "UserPoolClient"
            ],
        )
    ]
    on = (c["ClientName"] for c in clients if c.get("AllowedOAuthFlowsUserPoolClient"))
    return said(OAUTH, on, clients=clients)


# --- seeded --------------------------------------------------------------------------------------


def make_layer(functions: Any, accounts: list[str]) -> str:
    """A version of a layer, shared by a statement for each account."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("labels.txt", "labels")
    content = {"ZipFile": held.getvalue()}
    made = functions.publish_layer_version(LayerName="labels", Content=content)
    for account in accounts:
        functions.add_layer_version_permission(
            LayerName="labels",
            VersionNumber=made["Version"],
            StatementId=f"for-{account}",
            Action=LAYER,
            Principal=f"arn:aws:iam::{account}:root",
        )
    return f"labels:{made['Version']}"


def make_pool(idp: Any, accounts: list[str]) -> str:
    """A user pool with somebody of each, by an address that the pool has verified."""
    made = str(idp.create_user_pool(PoolName="labels")["UserPool"]["Id"])
    for account, domain in zip(accounts, DOMAINS, strict=True):
        said = {"email": f"ann@{domain}", "email_verified": "true"}
        attributes = [{"Name": name, "Value": value} for name, value in said.items()]
        idp.admin_create_user(UserPoolId=made, Username=account, UserAttributes=attributes)
    return made


def make_api_keys(gateway: Any, accounts: list[str]) -> str:
    """A key of API Gateway for each, told by its tag."""
    for account, tag in zip(accounts, TAGS, strict=True):
        gateway.create_api_key(name=account, enabled=True, tags={"vendor": tag})
    return "keys"


def make_app_clients(idp: Any, accounts: list[str]) -> str:
    """A client for the machines of each, in a user pool of its own."""
    made = str(idp.create_user_pool(PoolName="machines")["UserPool"]["Id"])
    for account in accounts:
        idp.create_user_pool_client(
            UserPoolId=made,
            ClientName=account,
            GenerateSecret=True,
            AllowedOAuthFlowsUserPoolClient=True,
            AllowedOAuthFlows=["client_credentials"],
            AllowedOAuthScopes=["labels/write"],
            ExplicitAuthFlows=["ALLOW_REFRESH_TOKEN_AUTH"],
        )
    return made


def app_client(idp: Any, pool_id: str, name: str) -> str:
    """The id of a client, by its name."""
    listed = idp.list_user_pool_clients(UserPoolId=pool_id)["UserPoolClients"]
    return next(str(c["ClientId"]) for c in listed if c["ClientName"] == name)


def make_image(ec2: Any, accounts: list[str]) -> str:
    """An image, shared."""
    name = str(ec2.register_image(Name="labels", RootDeviceName="/dev/sda1")["ImageId"])
    entries = [{"UserId": account} for account in accounts]
    ec2.modify_image_attribute(ImageId=name, LaunchPermission={"Add": entries})
    return name


def make_snapshot(ec2: Any, accounts: list[str]) -> str:
    """A snapshot of a volume, shared."""
    volume = ec2.create_volume(AvailabilityZone=f"{REGION}a", Size=1)["VolumeId"]
    name = str(ec2.create_snapshot(VolumeId=volume, Description="labels")["SnapshotId"])
    ec2.modify_snapshot_attribute(
        SnapshotId=name,
        Attribute="createVolumePermission",
        OperationType="add",
        UserIds=accounts,
    )
    return name


def make_db_snapshot(rds: Any, accounts: list[str]) -> str:
    """A snapshot of a database, shared."""
    rds.create_db_instance(
        DBInstanceIdentifier="labels",
        DBInstanceClass="db.t3.micro",
        Engine="postgres",
        AllocatedStorage=5,
    )
    rds.create_db_snapshot(DBSnapshotIdentifier="labels-kept", DBInstanceIdentifier="labels")
    rds.modify_db_snapshot_attribute(
        DBSnapshotIdentifier="labels-kept", AttributeName="restore", ValuesToAdd=accounts
    )
    return "labels-kept"


def make_db_cluster_snapshot(rds: Any, accounts: list[str]) -> str:
    """A snapshot of a cluster, shared."""
    rds.create_db_cluster(
        DBClusterIdentifier="labels-cluster",
        Engine="aurora-postgresql",
        MasterUsername="labels",
        MasterUserPassword="labels" * 2,
    )
    rds.create_db_cluster_snapshot(
        DBClusterSnapshotIdentifier="labels-cluster-kept", DBClusterIdentifier="labels-cluster"
    )
    rds.modify_db_cluster_snapshot_attribute(
        DBClusterSnapshotIdentifier="labels-cluster-kept",
        AttributeName="restore",
        ValuesToAdd=accounts,
    )
    return "labels-cluster-kept"
