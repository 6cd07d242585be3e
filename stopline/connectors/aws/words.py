"""What a playbook may say about AWS, and what nothing here reads. Needs no SDK to be read."""

from collections.abc import Mapping

from stopline.playbook import Placed

CONTAINS: Mapping[str, frozenset[str]] = {
    "users": frozenset({"deny-all"}),
    "roles": frozenset({"deny-all"}),
    "shared-roles": frozenset({"trust-deny"}),
    "access-keys": frozenset({"inactive"}),
    "ssh-keys": frozenset({"inactive"}),
    "signing-certificates": frozenset({"inactive"}),
    "buckets": frozenset({"vendor", "preserve"}),
    "group-memberships": frozenset({"remove"}),
    "account-assignments": frozenset({"remove"}),
    "kms-keys": frozenset({"vendor"}),
    "sns-topics": frozenset({"vendor"}),
    "sqs-queues": frozenset({"vendor"}),
    "secrets": frozenset({"vendor"}),
    "ecr-repositories": frozenset({"vendor"}),
    "dynamodb-tables": frozenset({"vendor"}),
    "event-buses": frozenset({"vendor"}),
    "lambda-functions": frozenset({"vendor"}),
    "file-systems": frozenset({"vendor"}),
    "search-domains": frozenset({"vendor"}),
    "organization-principals": Placed({"scp"}),
    "organization-resources": Placed({"rcp"}),
    "member-accounts": frozenset({"scp"}),
    "streams": frozenset({"vendor"}),
    "backup-vaults": frozenset({"vendor"}),
    "access-points": frozenset({"vendor"}),
    "data-catalogs": frozenset({"vendor"}),
    "images": frozenset({"remove"}),
    "snapshots": frozenset({"remove"}),
    "db-snapshots": frozenset({"remove"}),
    "db-cluster-snapshots": frozenset({"remove"}),
    "resource-shares": frozenset({"remove"}),
    "lambda-layers": frozenset({"remove"}),
    "endpoint-services": frozenset({"remove"}),
    "endpoint-connections": frozenset({"remove"}),
    "trust-anchors": frozenset({"inactive"}),
    "anywhere-profiles": frozenset({"inactive"}),
    "pool-users": frozenset({"inactive"}),
}

NOT_LOOKED_AT: tuple[str, ...] = (
    "S3 Access Grants, Object Lambda, access points of directory buckets and of many regions",
    "S3 access logs towards the vendor, and rules that do not name the account they send to",
    (
        "KMS keys, SNS topics, SQS queues, secrets, ECR repositories, DynamoDB tables, event "
        "buses, Lambda functions, EFS file systems, OpenSearch domains, Kinesis streams, Backup "
        "vaults, S3 access points, Glue data catalogs, and what is shared, in regions that the "
        "estate's file does not name"
    ),
    "endpoints that the vendor has subscribed to SNS topics",
    "policies of ECR registries, of DynamoDB streams and of consumers of Kinesis streams",
    "versions of Lambda functions, outbound EventBridge, API Gateway and other resource policies",
    "Identity Center where the estate's file names none; its applications and sessions",
    "VPC peering",
    "app clients of Cognito user pools",
    "IAM temporary delegation",
    "network paths, SSH to machines, database users",
)
"""The rows of docs/access-paths.md that say `not looked at`; a test holds the two together."""
_LOCKING = ("D3-AL", "Account Locking")
_PERMISSIONS = ("D3-UAP", "User Account Permissions")
_FILES = ("D3-RFAM", "Remote File Access Mediation")
TECHNIQUES: Mapping[str, tuple[str, str]] = {
    "access-key": _LOCKING,
    "group-membership": _PERMISSIONS,
    "account-assignment": _PERMISSIONS,
    "ssh-key": _LOCKING,
    "signing-certificate": _LOCKING,
    "trust-anchor": _LOCKING,
    "anywhere-profile": _LOCKING,
    "pool-user": _LOCKING,
    "deny-policy": _PERMISSIONS,
    "user-attachment": _PERMISSIONS,
    "role-attachment": _PERMISSIONS,
    "bucket-policy-statement": _FILES,
    "service-control-policy": _PERMISSIONS,
    "service-control-attachment": _PERMISSIONS,
    "resource-control-policy": _PERMISSIONS,
    "resource-control-attachment": _PERMISSIONS,
}
"""What containing each kind of address is, in the words of https://d3fend.mitre.org/ ."""
