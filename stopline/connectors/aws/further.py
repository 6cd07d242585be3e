"""More rows of the table of `resources`: from buses and functions to catalogs. Pure."""

from collections.abc import Callable

from stopline.connectors.aws.kinds import Call, Resource, Where, by_arn, named
from stopline.text import Json

_STREAM = "arn:aws:kinesis:{region}:{account}:stream/{name}"
_POINT = "arn:aws:s3:{region}:{account}:accesspoint/{name}"
_FUNCTION = "arn:aws:lambda:{region}:{account}:function:{name}"

EVENTS = Resource(
    # https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutPermission.html
    kind="event-bus",
    contains="event-buses",
    service="events",
    listing="list_event_buses",
    items="EventBuses",
    name=lambda item: str(item["Name"]),
    get=Call("describe_event_bus", named("Name")),
    text="Policy",
    put=Call("put_permission", named("EventBusName", "Policy")),
    drop=Call(
        "remove_permission", lambda w, _: {"EventBusName": w.name, "RemoveAllPermissions": True}
    ),
    out=Call("remove_permission", lambda w, sid: {"EventBusName": w.name, "StatementId": sid}),
    arn="arn:aws:events:{region}:{account}:event-bus/{name}",
    # A bus's policy speaks of rules on it too, whose ARNs are their own.
    # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-bus-perms.html
    on=("{arn}", "arn:aws:events:{region}:{account}:rule/*"),
    actions=("events:*",),
    longest=10_240,
    outlives=("events that the vendor has put or been sent already", "for ever"),
)
LAMBDA = Resource(
    # Of a function, and of each alias of it. Written whole, unlike by `AddPermission`, it takes a
    # deny. https://docs.aws.amazon.com/lambda/latest/api/API_PutResourcePolicy.html
    kind="lambda-function",
    contains="lambda-functions",
    service="lambda",
    listing="list_functions",
    items="Functions",
    name=lambda item: str(item["FunctionName"]),
    inner=(Call("list_aliases", named("FunctionName")), "Aliases", "Name"),
    get=Call("get_resource_policy", by_arn(_FUNCTION, "ResourceArn")),
    text="Policy",
    absent=("ResourceNotFoundException",),  # also where the function itself is not there
    there=Call("get_function_configuration", named("FunctionName")),
    put=Call("put_resource_policy", by_arn(_FUNCTION, "ResourceArn", "Policy")),
    drop=Call("delete_resource_policy", by_arn(_FUNCTION, "ResourceArn")),
    tag="RevisionId",
    unless_moved=lambda tag: {"RevisionId": tag} if tag else {},
    moved=("PreconditionFailedException",),
    arn=_FUNCTION,
    on=("{arn}",),
    actions=("lambda:*",),
    longest=20_480,
    outlives=("invocations that have begun", "PT15M"),
)
EFS = Resource(
    # https://docs.aws.amazon.com/efs/latest/ug/API_PutFileSystemPolicy.html
    kind="file-system",
    contains="file-systems",
    service="efs",
    listing="describe_file_systems",
    items="FileSystems",
    name=lambda item: str(item["FileSystemId"]),
    get=Call("describe_file_system_policy", named("FileSystemId")),
    text="Policy",
    absent=("PolicyNotFound",),
    put=Call("put_file_system_policy", named("FileSystemId", "Policy")),
    drop=Call("delete_file_system_policy", named("FileSystemId")),
    arn="arn:aws:elasticfilesystem:{region}:{account}:file-system/{name}",
    on=("{arn}",),
    actions=("elasticfilesystem:*",),
    longest=20_000,
    outlives=("mounts that exist, and who mounts without IAM", "until they are ended"),
    # https://docs.aws.amazon.com/efs/latest/ug/iam-access-control-nfs-efs.html
    unguarded="whoever reaches a file system without a policy on the network may mount it",
)
OPENSEARCH = Resource(
    # https://docs.aws.amazon.com/opensearch-service/latest/APIReference/API_UpdateDomainConfig.html
    kind="search-domain",
    contains="search-domains",
    service="opensearch",
    listing="list_domain_names",
    items="DomainNames",
    name=lambda item: str(item["DomainName"]),
    get=Call("describe_domain_config", named("DomainName")),
    text="DomainConfig.AccessPolicies.Options",
    put=Call("update_domain_config", named("DomainName", "AccessPolicies")),
    drop=Call("update_domain_config", lambda w, _: {"DomainName": w.name, "AccessPolicies": ""}),
    arn="arn:aws:es:{region}:{account}:domain/{name}",
    on=("{arn}", "{arn}/*"),
    actions=("es:*",),
    longest=102_400,
    outlives=("users of the domain's own, who need no IAM", "until they are removed there"),
)
KINESIS = Resource(
    # https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutResourcePolicy.html
    kind="stream",
    contains="streams",
    service="kinesis",
    listing="list_streams",
    items="StreamNames",
    name=str,
    get=Call("get_resource_policy", by_arn(_STREAM, "ResourceARN")),
    text="Policy",
    put=Call("put_resource_policy", by_arn(_STREAM, "ResourceARN", "Policy")),
    drop=Call("delete_resource_policy", by_arn(_STREAM, "ResourceARN")),
    arn=_STREAM,
    on=("{arn}",),
    # A stream's policy takes what can be shared of a stream, named one by one.
    # https://docs.aws.amazon.com/streams/latest/dev/resource-based-policy-examples.html
    actions=(
        "kinesis:DescribeStream",
        "kinesis:DescribeStreamSummary",
        "kinesis:GetRecords",
        "kinesis:GetShardIterator",
        "kinesis:ListShards",
        "kinesis:PutRecord",
        "kinesis:PutRecords",
    ),
    longest=20_480,
    outlives=("records that the vendor has read already", "for ever"),
)
BACKUP = Resource(
    # https://docs.aws.amazon.com/aws-backup/latest/devguide/API_PutBackupVaultAccessPolicy.html
    kind="backup-vault",
    contains="backup-vaults",
    service="backup",
    listing="list_backup_vaults",
    items="BackupVaultList",
    name=lambda item: str(item["BackupVaultName"]),
    get=Call("get_backup_vault_access_policy", named("BackupVaultName")),
    text="Policy",
    absent=("ResourceNotFoundException",),  # also where the vault itself is not there
    there=Call("describe_backup_vault", named("BackupVaultName")),
    put=Call("put_backup_vault_access_policy", named("BackupVaultName", "Policy")),
    drop=Call("delete_backup_vault_access_policy", named("BackupVaultName")),
    arn="arn:aws:backup:{region}:{account}:backup-vault:{name}",
    on=("*",),
    # https://docs.aws.amazon.com/aws-backup/latest/devguide/create-a-vault-access-policy.html
    actions=(
        "backup:CopyFromBackupVault",
        "backup:CopyIntoBackupVault",
        "backup:DeleteBackupVault",
        "backup:DeleteBackupVaultAccessPolicy",
        "backup:DeleteRecoveryPoint",
        "backup:DescribeRecoveryPoint",
        "backup:GetBackupVaultAccessPolicy",
        "backup:GetRecoveryPointRestoreMetadata",
        "backup:ListRecoveryPointsByBackupVault",
        "backup:PutBackupVaultAccessPolicy",
        "backup:StartBackupJob",
        "backup:StartCopyJob",
        "backup:StartRestoreJob",
        "backup:UpdateRecoveryPointLifecycle",
    ),
    longest=20_480,
    outlives=("what the vendor has copied into vaults of its own", "for ever"),
)


def point(text: str = "") -> Callable[[Where, str], Json]:
    """Words about an access point: its account, its name, and the policy's text where wanted."""
    by_name = named("Name", text)
    return lambda where, raw: {**by_name(where, raw), "AccountId": where.account}


ACCESS_POINTS = Resource(
    # A deny in the bucket's policy holds for requests through them as well; this one holds where
    # nothing in the bucket's policy shows the vendor, or the bucket is another account's.
    # https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_PutAccessPointPolicy.html
    kind="access-point",
    contains="access-points",
    service="s3control",
    listing="list_access_points",
    items="AccessPointList",
    asked=lambda account, _: ({"AccountId": account},),
    name=lambda item: str(item["Name"]),
    get=Call("get_access_point_policy", point()),
    text="Policy",
    absent=("NoSuchAccessPointPolicy",),
    put=Call("put_access_point_policy", point("Policy")),
    drop=Call("delete_access_point_policy", point()),
    arn=_POINT,
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-points-policies.html
    on=("{arn}", "{arn}/object/*"),
    actions=("s3:*",),
    longest=20_480,
    outlives=("transfers already under way", "until they end"),
)


def _across(text: str = "") -> Callable[[Where, str], Json]:
    """Of many regions it is asked for by its name; its ARN has its alias."""

    def words(where: Where, raw: str) -> Json:
        said: Json = {"Name": where.name.partition(":")[0], **({text: raw} if text else {})}
        return {**({"Details": said} if text else said), "AccountId": where.account}

    return words


def _granting(text: str = "") -> Callable[[Where, str], Json]:
    return lambda where, raw: {"AccountId": where.account, **({text: raw} if text else {})}


ACCESS_GRANTS = Resource(
    # The one instance of an account in a region: who of other accounts may ask it for credentials.
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-grants-cross-accounts.html
    kind="access-grants-instance",
    contains="access-grants",
    service="s3control",
    listing="list_access_grants_instances",
    items="AccessGrantsInstancesList",
    asked=lambda account, _: ({"AccountId": account},),
    name=lambda item: str(item["AccessGrantsInstanceId"]),
    get=Call("get_access_grants_instance_resource_policy", _granting()),
    text="Policy",
    absent=("AccessGrantsInstanceResourcePolicyNotExists",),
    put=Call("put_access_grants_instance_resource_policy", _granting("Policy")),
    drop=Call("delete_access_grants_instance_resource_policy", _granting()),
    arn="arn:aws:s3:{region}:{account}:access-grants/{name}",
    on=("{arn}", "{arn}/*"),
    actions=("s3:*",),
    longest=20_480,
    outlives=("credentials that it has handed out already", "PT12H"),
)


OREGON = "us-west-2"
"""Who answers for access points of many regions.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/MultiRegionAccessPointRestrictions.html"""
MULTI_REGION = Resource(
    # A policy that is written takes minutes to hold in all regions, and can be replaced by another
    # one only: there is no call that takes it away.
    # https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_PutMultiRegionAccessPointPolicy.html
    kind="multi-region-access-point",
    contains="multi-region-access-points",
    service="s3control",
    only_in=OREGON,
    listing="list_multi_region_access_points",
    items="AccessPoints",
    asked=lambda account, _: ({"AccountId": account},),
    name=lambda item: f"{item['Name']}:{item['Alias']}",
    get=Call("get_multi_region_access_point_policy", _across()),
    text="Policy.Proposed.Policy",
    in_force="Policy.Established.Policy",
    absent=("NoSuchMultiRegionAccessPointPolicy",),
    bare=True,
    put=Call("put_multi_region_access_point_policy", _across("Policy")),
    arn="arn:aws:s3::{account}:accesspoint/{last}",
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/MultiRegionAccessPointPermissions.html
    on=("{arn}", "{arn}/object/*"),
    actions=("s3:*",),
    longest=20_480,
    outlives=("requests in regions that AWS has not told the policy yet", "for some minutes"),
)
_CATALOG = "arn:aws:glue:{region}:{account}"
GLUE = Resource(
    # One policy for all databases and tables of an account in a region. Where Lake Formation
    # shares some of them too, a write that does not say so is refused; saying it changes nothing.
    # https://docs.aws.amazon.com/glue/latest/webapi/API_PutResourcePolicy.html
    kind="data-catalog",
    contains="data-catalogs",
    service="glue",
    alone="catalog",
    listing="",
    items="",
    name=str,
    get=Call("get_resource_policy", lambda _w, _: {}),
    text="PolicyInJson",
    absent=("EntityNotFoundException",),
    bare=True,
    put=Call("put_resource_policy", lambda _w, raw: {"PolicyInJson": raw, "EnableHybrid": "TRUE"}),
    drop=Call("delete_resource_policy", lambda _w, _: {}),
    tag="PolicyHash",
    unless_moved=lambda tag: (
        {"PolicyHashCondition": tag} if tag else {"PolicyExistsCondition": "NOT_EXIST"}
    ),
    moved=("ConditionCheckFailureException",),
    arn=f"{_CATALOG}:{{name}}",
    # https://docs.aws.amazon.com/glue/latest/dg/glue-specifying-resource-arns.html
    on=(
        "{arn}",
        f"{_CATALOG}:database/*",
        f"{_CATALOG}:table/*",
        f"{_CATALOG}:userDefinedFunction/*",
    ),
    actions=("glue:*",),
    longest=10_240,
    outlives=("descriptions of tables that the vendor has read already", "for ever"),
)
