"""The IAM actions that we use. A test holds this to the calls that are really made.

The policies in config/permissions/aws are made from this (`make permissions`) by `policies`.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
"""

from collections.abc import Mapping

READ = frozenset(
    {
        "apigateway:GET",
        "backup:DescribeBackupVault",
        "backup:GetBackupVaultAccessPolicy",
        "backup:ListBackupVaults",
        "cloudfront:GetKeyGroup",
        "cloudfront:ListDistributions",
        "cloudfront:ListKeyGroups",
        "cognito-identity:DescribeIdentityPool",
        "cognito-identity:ListIdentityPools",
        "cognito-idp:AdminGetUser",
        "cognito-idp:DescribeUserPoolClient",
        "cognito-idp:ListUserPoolClients",
        "cognito-idp:ListUserPools",
        "cognito-idp:ListUsers",
        "dynamodb:GetResourcePolicy",
        "dynamodb:ListTables",
        "es:DescribeDomainConfig",
        "es:ListDomainNames",
        "ec2:DescribeImageAttribute",
        "ec2:DescribeImages",
        "ec2:DescribeSecurityGroupRules",
        "ec2:DescribeSnapshotAttribute",
        "ec2:DescribeSnapshots",
        "ec2:DescribeTransitGatewayAttachments",
        "ec2:DescribeTransitGatewayPeeringAttachments",
        "ec2:DescribeVpcEndpointConnections",
        "ec2:DescribeVpcEndpointServiceConfigurations",
        "ec2:DescribeVpcEndpointServicePermissions",
        "ec2:DescribeVpcPeeringConnections",
        "ecr:DescribeRepositories",
        "ecr:GetRegistryPolicy",
        "ecr:GetRepositoryPolicy",
        "eks:ListAccessEntries",
        "eks:ListClusters",
        "elasticfilesystem:DescribeFileSystemPolicy",
        "elasticfilesystem:DescribeFileSystems",
        "events:DescribeEventBus",
        "events:ListEventBuses",
        "glue:GetResourcePolicy",
        "iam:GetAccountAuthorizationDetails",
        "iam:GetAccountSummary",
        "iam:GetPolicy",
        "iam:GetPolicyVersion",
        "iam:GetRole",
        "iam:GetRolePolicy",
        "iam:GetUser",
        "iam:GetUserPolicy",
        "iam:ListAccessKeys",
        "iam:ListAttachedRolePolicies",
        "iam:ListAttachedUserPolicies",
        "iam:ListDelegationRequests",
        "iam:ListGroupsForUser",
        "iam:ListInstanceProfilesForRole",
        "iam:ListMFADevices",
        "iam:ListPolicyVersions",
        "iam:ListRolePolicies",
        "iam:ListSSHPublicKeys",
        "iam:ListServiceSpecificCredentials",
        "iam:ListSigningCertificates",
        "iam:ListUserPolicies",
        "iam:SimulatePrincipalPolicy",
        "identitystore:DescribeGroup",
        "identitystore:DescribeUser",
        "identitystore:GetGroupMembershipId",
        "identitystore:ListGroupMembershipsForMember",
        "identitystore:ListUsers",
        "kinesis:GetResourcePolicy",
        "kinesis:ListStreams",
        "kms:GetKeyPolicy",
        "kms:ListGrants",
        "kms:ListKeys",
        "lambda:GetFunctionConfiguration",
        "lambda:GetLayerVersionPolicy",
        "lambda:GetResourcePolicy",
        "lambda:ListAliases",
        "lambda:ListFunctions",
        "lambda:ListLayerVersions",
        "lambda:ListLayers",
        "ram:GetResourceShareAssociations",
        "ram:GetResourceShares",
        "rds:DescribeDBClusterSnapshotAttributes",
        "rds:DescribeDBClusterSnapshots",
        "rds:DescribeDBSnapshotAttributes",
        "rds:DescribeDBSnapshots",
        "rolesanywhere:GetProfile",
        "rolesanywhere:GetTrustAnchor",
        "rolesanywhere:ListProfiles",
        "rolesanywhere:ListTagsForResource",
        "rolesanywhere:ListTrustAnchors",
        "s3:GetAccessGrantsInstanceResourcePolicy",
        "s3:GetAccessPointPolicy",
        "s3:GetBucketAcl",
        "s3:GetBucketNotification",
        "s3:GetBucketOwnershipControls",
        "s3:GetBucketPolicy",
        "s3:GetBucketVersioning",
        "s3:GetInventoryConfiguration",
        "s3:GetLifecycleConfiguration",
        "s3:GetMultiRegionAccessPointPolicy",
        "s3:GetReplicationConfiguration",
        "s3:ListAccessGrantsInstances",
        "s3:ListAccessPoints",
        "s3:ListAllMyBuckets",
        "s3:ListMultiRegionAccessPoints",
        "secretsmanager:GetResourcePolicy",
        "secretsmanager:ListSecrets",
        "sns:GetTopicAttributes",
        "sns:ListTopics",
        "sqs:GetQueueAttributes",
        "sqs:GetQueueUrl",
        "sqs:ListQueues",
        "sso:DescribeAccountAssignmentCreationStatus",
        "sso:DescribeAccountAssignmentDeletionStatus",
        "sso:DescribeApplication",
        "sso:DescribeApplicationAssignment",
        "sso:GetApplicationAssignmentConfiguration",
        "sso:ListAccountAssignments",
        "sso:ListAccountAssignmentsForPrincipal",
        "sso:ListApplicationAssignmentsForPrincipal",
        "sso:ListInstances",
        "sts:AssumeRole",
        "sts:GetCallerIdentity",
        "transfer:DescribeUser",
        "transfer:ListServers",
        "transfer:ListUsers",
    }
)
WRITE = frozenset(
    {
        "apigateway:PATCH",
        "backup:DeleteBackupVaultAccessPolicy",
        "backup:PutBackupVaultAccessPolicy",
        "cloudfront:UpdateKeyGroup",
        "cognito-idp:AdminDisableUser",
        "cognito-idp:AdminEnableUser",
        "cognito-idp:AdminUserGlobalSignOut",
        "cognito-idp:UpdateUserPoolClient",
        "dynamodb:DeleteResourcePolicy",
        "dynamodb:PutResourcePolicy",
        "ec2:AcceptVpcEndpointConnections",
        "ec2:ModifyImageAttribute",
        "ec2:ModifySnapshotAttribute",
        "ec2:ModifyVpcEndpointServicePermissions",
        "ec2:RejectVpcEndpointConnections",
        "ecr:DeleteRegistryPolicy",
        "ecr:DeleteRepositoryPolicy",
        "ecr:PutRegistryPolicy",
        "ecr:SetRepositoryPolicy",
        "elasticfilesystem:DeleteFileSystemPolicy",
        "elasticfilesystem:PutFileSystemPolicy",
        "es:UpdateDomainConfig",
        "events:PutPermission",
        "events:RemovePermission",
        "glue:DeleteResourcePolicy",
        "glue:PutResourcePolicy",
        "iam:AttachRolePolicy",
        "iam:AttachUserPolicy",
        "iam:CreatePolicy",
        "iam:CreatePolicyVersion",
        "iam:DeletePolicy",
        "iam:DeletePolicyVersion",
        "iam:DeleteRolePermissionsBoundary",
        "iam:DeleteRolePolicy",
        "iam:DeleteUserPermissionsBoundary",
        "iam:DeleteUserPolicy",
        "iam:DetachRolePolicy",
        "iam:DetachUserPolicy",
        "iam:PutRolePermissionsBoundary",
        "iam:PutRolePolicy",
        "iam:PutUserPermissionsBoundary",
        "iam:PutUserPolicy",
        "iam:UpdateAccessKey",
        "iam:UpdateAssumeRolePolicy",
        "iam:UpdateSSHPublicKey",
        "iam:UpdateSigningCertificate",
        "identitystore:CreateGroupMembership",
        "identitystore:DeleteGroupMembership",
        "kinesis:DeleteResourcePolicy",
        "kinesis:PutResourcePolicy",
        "kms:PutKeyPolicy",
        "lambda:AddLayerVersionPermission",
        "lambda:DeleteResourcePolicy",
        "lambda:PutResourcePolicy",
        "lambda:RemoveLayerVersionPermission",
        "ram:AssociateResourceShare",
        "ram:DisassociateResourceShare",
        "rds:ModifyDBClusterSnapshotAttribute",
        "rds:ModifyDBSnapshotAttribute",
        "rolesanywhere:DisableProfile",
        "rolesanywhere:DisableTrustAnchor",
        "rolesanywhere:EnableProfile",
        "rolesanywhere:EnableTrustAnchor",
        "s3:DeleteAccessGrantsInstanceResourcePolicy",
        "s3:DeleteAccessPointPolicy",
        "s3:DeleteBucketPolicy",
        "s3:PutAccessGrantsInstanceResourcePolicy",
        "s3:PutAccessPointPolicy",
        "s3:PutBucketPolicy",
        "s3:PutLifecycleConfiguration",
        "s3:PutMultiRegionAccessPointPolicy",
        "secretsmanager:DeleteResourcePolicy",
        "secretsmanager:PutResourcePolicy",
        "sns:SetTopicAttributes",
        "sqs:SetQueueAttributes",
        "sso:CreateAccountAssignment",
        "sso:CreateApplicationAssignment",
        "sso:DeleteAccountAssignment",
        "sso:DeleteApplicationAssignment",
    }
)
CANARY = frozenset(
    {
        "iam:CreateAccessKey",
        "iam:CreateUser",
        "iam:DeleteAccessKey",
        "iam:DeleteUser",
        "s3:CreateBucket",
        "s3:DeleteBucket",
    }
)
"""Besides, for `stopline doctor --canary` alone: on users and buckets of its own."""

TERMINATE = frozenset(
    {
        "iam:DeactivateMFADevice",
        "iam:DeleteAccessKey",
        "iam:DeleteLoginProfile",
        "iam:DeleteRole",
        "iam:DeleteRolePolicy",
        "iam:DeleteSSHPublicKey",
        "iam:DeleteServiceSpecificCredential",
        "iam:DeleteSigningCertificate",
        "iam:DeleteUser",
        "iam:DeleteUserPolicy",
        "iam:DeleteVirtualMFADevice",
        "iam:DetachRolePolicy",
        "iam:DetachUserPolicy",
        "iam:PutRolePermissionsBoundary",
        "iam:PutUserPermissionsBoundary",
        "iam:RemoveRoleFromInstanceProfile",
        "iam:RemoveUserFromGroup",
    }
)
"""Besides, for `stopline terminate` alone: what it deletes cannot be given back."""

ORGANIZATION_READ = frozenset(
    {
        "organizations:DescribeAccount",
        "organizations:DescribeOrganization",
        "organizations:DescribePolicy",
        "organizations:ListParents",
        "organizations:ListPolicies",
        "organizations:ListPoliciesForTarget",
        "organizations:ListRoots",
        "organizations:ListTargetsForPolicy",
    }
)
ORGANIZATION_WRITE = frozenset(
    {
        "organizations:AttachPolicy",
        "organizations:CreatePolicy",
        "organizations:DeletePolicy",
        "organizations:DetachPolicy",
        "organizations:UpdatePolicy",
    }
)
"""For the role in the account that manages the organization's policies alone: the fast cut.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsorganizations.html
"""

PERMISSIONS: Mapping[str, frozenset[str]] = {
    "read": READ | ORGANIZATION_READ,
    "write": WRITE | ORGANIZATION_WRITE,
    "canary": CANARY,
    "terminate": TERMINATE,
}

_NAMED_OTHERWISE = {
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonapigatewaymanagement.html
    "apigateway:GetApiKey": "apigateway:GET",
    "apigateway:GetRestApis": "apigateway:GET",
    "apigateway:GetApiKeys": "apigateway:GET",
    "apigateway:UpdateApiKey": "apigateway:PATCH",
    "s3:GetBucketNotificationConfiguration": "s3:GetBucketNotification",
    "s3:GetBucketReplication": "s3:GetReplicationConfiguration",
    "s3:ListBucketInventoryConfigurations": "s3:GetInventoryConfiguration",
    "s3:GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
    "s3:ListBuckets": "s3:ListAllMyBuckets",
    "s3:PutBucketLifecycleConfiguration": "s3:PutLifecycleConfiguration",
}


_PREFIXES = {
    "efs": "elasticfilesystem",
    "opensearch": "es",
    "s3control": "s3",
    "sso-admin": "sso",
}
"""What begins the actions of a service, where it is not the SDK's name of it."""


def permission_of(service: str, operation: str) -> str:
    """The IAM action that one API call needs; most have its name."""
    action = f"{_PREFIXES.get(service, service)}:{operation}"
    return _NAMED_OTHERWISE.get(action, action)


def operation_of(action: str) -> tuple[str, str]:
    """The API call that an IAM action is named after: `permission_of`, the other way round."""
    called = {named: call for call, named in _NAMED_OTHERWISE.items()}.get(action, action)
    prefix, _, operation = called.partition(":")
    if prefix == "s3":  # two services have actions of this name
        return (
            "s3control" if "AccessPoint" in operation or "AccessGrants" in operation else "s3",
            operation,
        )
    named = {other: service for service, other in _PREFIXES.items()}
    return named.get(prefix, prefix), operation
