"""What a playbook may say about AWS, and what nothing here reads. Needs no SDK to be read."""

from collections.abc import Mapping

from stopline.countermeasures import (
    ACCOUNT_LOCKING,
    FILE_ACCESS,
    KEPT_DATA,
    RESOURCE_ACCESS,
    USER_PERMISSIONS,
    Technique,
    Untagged,
)
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
    "application-assignments": frozenset({"remove"}),
    "kms-keys": frozenset({"vendor"}),
    "sns-topics": frozenset({"vendor"}),
    "sqs-queues": frozenset({"vendor"}),
    "secrets": frozenset({"vendor"}),
    "ecr-repositories": frozenset({"vendor"}),
    "ecr-registries": frozenset({"vendor"}),
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
    "multi-region-access-points": frozenset({"vendor"}),
    "access-grants": frozenset({"vendor"}),
    "data-catalogs": frozenset({"vendor"}),
    "stream-consumers": frozenset({"vendor"}),
    "table-streams": frozenset({"vendor"}),
    "lambda-versions": frozenset({"vendor"}),
    "package-domains": frozenset({"vendor"}),
    "package-repositories": frozenset({"vendor"}),
    "table-buckets": frozenset({"vendor"}),
    "vector-buckets": frozenset({"vendor"}),
    "directory-buckets": frozenset({"vendor"}),
    "object-lambdas": frozenset({"vendor"}),
    "lattice-services": frozenset({"vendor"}),
    "lattice-networks": frozenset({"vendor"}),
    "images": frozenset({"remove"}),
    "snapshots": frozenset({"remove"}),
    "db-snapshots": frozenset({"remove"}),
    "db-cluster-snapshots": frozenset({"remove"}),
    "resource-shares": frozenset({"remove"}),
    "lambda-layers": frozenset({"remove"}),
    "endpoint-services": frozenset({"remove"}),
    "endpoint-connections": frozenset({"remove"}),
    "fpga-images": frozenset({"remove"}),
    "ssm-documents": frozenset({"remove"}),
    "datashares": frozenset({"remove"}),
    "redshift-endpoints": frozenset({"remove"}),
    "redshift-snapshots": frozenset({"remove"}),
    "signing-profiles": frozenset({"remove"}),
    "serverless-applications": frozenset({"remove"}),
    "lake-permissions": frozenset({"remove"}),
    "trust-anchors": frozenset({"inactive"}),
    "anywhere-profiles": frozenset({"inactive"}),
    "pool-users": frozenset({"inactive"}),
    "api-keys": frozenset({"inactive"}),
    "app-clients": frozenset({"inactive"}),
    "key-groups": frozenset({"remove"}),
    "event-targets": frozenset({"remove"}),
    "topic-subscriptions": frozenset({"inactive"}),
    "log-subscriptions": frozenset({"remove"}),
    "log-account-policies": frozenset({"remove"}),
}

NOT_LOOKED_AT: tuple[str, ...] = (
    "policies of access points of directory buckets",
    (
        "permissions of Lake Formation in catalogs below an account's own (S3 tables, Redshift), "
        "and on cell filters where its list leaves them out"
    ),
    (
        "KMS keys, SNS topics, SQS queues, secrets, ECR repositories, DynamoDB tables, event "
        "buses, Lambda functions, EFS file systems, OpenSearch domains, Kinesis streams, Backup "
        "vaults, S3 access points, Glue data catalogs, all else that has a policy of its own, and "
        "what is shared, in regions that the estate's file does not name"
    ),
    "HTTP and WebSocket APIs, usage plans and authorizers of API Gateway",
    (
        "policies of: CloudWatch Logs (destinations among them), MSK clusters, Aurora DSQL "
        "clusters, Glacier vaults, MediaStore, schema registries, OpenSearch Serverless and "
        "Ingestion, Lex, SageMaker model groups, Bedrock, Rekognition, Systems Manager, "
        "CodeBuild, IoT, X-Ray, CloudHSM, observability sinks, Prometheus workspaces, network "
        "firewalls, Route 53 Resolver, public repositories of ECR, namespaces of Redshift "
        "Serverless, S3 Files, S3 on Outposts, HealthOmics, Image Builder, MediaPackage, "
        "MediaTailor, WAF, Comprehend, CodeGuru Profiler, Clean Rooms ML, Lookout for Equipment, "
        "Payment Cryptography, End User Messaging, CloudWatch RUM and investigations, CloudFront, "
        "Network Manager, Refactor Spaces, AWS Marketplace, Incident Manager, Lambda Web, "
        "EventBridgeV2, Continuum, Elemental Inference, Well-Architected, and what an "
        "organization delegates"
    ),
    "API destinations, pipes and schedules of EventBridge",
    (
        "Identity Center where the estate's file names none; sessions that it has given; "
        "applications that everybody in it may use"
    ),
    (
        "ConfigMaps of EKS clusters (`aws-auth`), what runs in the clusters, Transfer Family users "
        "of an identity provider of their own"
    ),
    (
        "VPN, Direct Connect, rules by address or prefix list, network firewalls, SSH to machines, "
        "database users"
    ),
)
"""The rows of docs/access-paths.md that say `not looked at`; a test holds the two together."""
_RESOURCES = (
    "kms-key", "sns-topic", "sqs-queue", "secret", "ecr-repository", "ecr-registry",
    "dynamodb-table", "event-bus", "lambda-function", "search-domain", "stream",
    "backup-vault", "data-catalog",
    "stream-consumer", "table-stream", "lambda-version", "package-domain", "package-repository",
    "lattice-service", "lattice-network",
)  # fmt: skip
_SHARES = (
    "image-share", "snapshot-share", "db-snapshot-share", "db-cluster-snapshot-share",
    "resource-share-principal", "layer-version-statement", "endpoint-service-principal",
    "endpoint-connection", "fpga-image-share", "document-share", "datashare-consumer",
    "endpoint-authorization", "redshift-snapshot-share", "signing-permission",
    "application-principal", "lake-permission", "event-target", "topic-subscription",
    "log-subscription", "log-account-policy",
)  # fmt: skip
TECHNIQUES: Mapping[str, Technique | Untagged] = {
    "access-key": ACCOUNT_LOCKING,
    "ssh-key": ACCOUNT_LOCKING,
    "signing-certificate": ACCOUNT_LOCKING,
    "group-membership": USER_PERMISSIONS,
    "account-assignment": USER_PERMISSIONS,
    "application-assignment": USER_PERMISSIONS,
    "deny-policy": USER_PERMISSIONS,
    "user-attachment": USER_PERMISSIONS,
    "user-inline-policy": USER_PERMISSIONS,
    "user-boundary": USER_PERMISSIONS,
    "role-attachment": USER_PERMISSIONS,
    "role-inline-policy": USER_PERMISSIONS,
    "role-boundary": USER_PERMISSIONS,
    "trust-policy-statement": USER_PERMISSIONS,
    "service-control-policy": USER_PERMISSIONS,
    "service-control-attachment": USER_PERMISSIONS,
    "resource-control-policy": RESOURCE_ACCESS,
    "resource-control-attachment": RESOURCE_ACCESS,
    "bucket-policy-statement": FILE_ACCESS,
    "access-point-policy-statement": FILE_ACCESS,
    "multi-region-access-point-policy-statement": FILE_ACCESS,
    "access-grants-instance-policy-statement": FILE_ACCESS,
    "file-system-policy-statement": FILE_ACCESS,
    "table-bucket-policy-statement": FILE_ACCESS,
    "vector-bucket-policy-statement": FILE_ACCESS,
    "directory-bucket-policy-statement": FILE_ACCESS,
    "object-lambda-policy-statement": FILE_ACCESS,
    **{f"{kind}-policy-statement": RESOURCE_ACCESS for kind in _RESOURCES},
    **dict.fromkeys(_SHARES, RESOURCE_ACCESS),
    "bucket-lifecycle": KEPT_DATA,
    "trust-anchor": ACCOUNT_LOCKING,
    "anywhere-profile": ACCOUNT_LOCKING,
    "pool-user": ACCOUNT_LOCKING,
    "api-key": ACCOUNT_LOCKING,
    "app-client": ACCOUNT_LOCKING,
    "key-group-key": RESOURCE_ACCESS,
}
"""What containing each kind of address is, in the words of https://d3fend.mitre.org/ ."""
