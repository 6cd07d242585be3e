"""What a playbook may say about AWS, and what nothing here reads. Needs no SDK to be read."""

from collections.abc import Mapping

CONTAINS: Mapping[str, frozenset[str]] = {
    "users": frozenset({"deny-all"}),
    "roles": frozenset({"deny-all"}),
    "shared-roles": frozenset({"trust-deny"}),
    "access-keys": frozenset({"inactive"}),
    "ssh-keys": frozenset({"inactive"}),
    "signing-certificates": frozenset({"inactive"}),
    "buckets": frozenset({"vendor", "preserve"}),
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
    "streams": frozenset({"vendor"}),
    "backup-vaults": frozenset({"vendor"}),
    "images": frozenset({"take-out"}),
    "snapshots": frozenset({"take-out"}),
    "db-snapshots": frozenset({"take-out"}),
    "db-cluster-snapshots": frozenset({"take-out"}),
    "resource-shares": frozenset({"take-out"}),
}

NOT_LOOKED_AT: tuple[str, ...] = (
    "S3 access points, Access Grants, Object Lambda",
    "S3 replication, inventory, event destinations and access logs towards the vendor",
    (
        "KMS keys, SNS topics, SQS queues, secrets, ECR repositories, DynamoDB tables, event "
        "buses, Lambda functions, EFS file systems, OpenSearch domains, Kinesis streams, Backup "
        "vaults, and what is shared, in regions that the estate's file does not name"
    ),
    "endpoints that the vendor has subscribed to SNS topics",
    "policies of ECR registries, of DynamoDB streams and of consumers of Kinesis streams",
    (
        "Lambda layers and versions, outbound EventBridge, Glue, API Gateway and other resource "
        "policies"
    ),
    "VPC endpoint services, peering",
    "CloudFront key groups",
    "Identity Center users, groups and assignments",
    "Cognito user and identity pools",
    "IAM Roles Anywhere",
    "IAM temporary delegation",
    "compute that the vendor left running under our own roles",
    "network paths, SSH to machines, database users",
)
"""The rows of docs/access-paths.md that say `not looked at`; a test holds the two together."""
_LOCKING = ("D3-AL", "Account Locking")
_PERMISSIONS = ("D3-UAP", "User Account Permissions")
_FILES = ("D3-RFAM", "Remote File Access Mediation")
TECHNIQUES: Mapping[str, tuple[str, str]] = {
    "access-key": _LOCKING,
    "ssh-key": _LOCKING,
    "signing-certificate": _LOCKING,
    "deny-policy": _PERMISSIONS,
    "user-attachment": _PERMISSIONS,
    "role-attachment": _PERMISSIONS,
    "bucket-policy-statement": _FILES,
}
"""What containing each kind of address is, in the words of https://d3fend.mitre.org/ ."""
