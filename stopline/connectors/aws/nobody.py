"""What a preflight's reading calls take: about ourselves, or about nobody. Pure but for the models.

They show whether we may ask, and change nothing.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from stopline.connectors.aws import marks
from stopline.connectors.aws.clients import Clients
from stopline.connectors.aws.permissions import operation_of

NOBODY = "stopline-preflight"
"""A name that nobody has: asking for it shows whether we may ask, and changes nothing."""

_UUID = "00000000-0000-0000-0000-000000000000"
_RESOURCES = {
    "acm-pca": f"arn:aws:acm-pca:{{}}:{{}}:certificate-authority/{_UUID}",
    "cloudtrail": f"arn:aws:cloudtrail:{{}}:{{}}:channel/{_UUID}",
    "dynamodb": "arn:aws:dynamodb:{}:{}:table/{}",
    "lambda": "arn:aws:lambda:{}:{}:function:{}",
    "redshift": f"arn:aws:redshift:{{}}:{{}}:namespace:{_UUID}",
    "redshift-serverless": f"arn:aws:redshift-serverless:{{}}:{{}}:snapshot/{_UUID}",
    "rolesanywhere": f"arn:aws:rolesanywhere:{{}}:{{}}:profile/{_UUID}",
    "s3tables": "arn:aws:s3tables:{}:{}:bucket/{}",
}
"""Who asks for a policy by the ARN of what has it."""
_ATTRIBUTES = {
    "DescribeImageAttribute": "launchPermission",
    "DescribeSnapshotAttribute": "createVolumePermission",
    "DescribeFpgaImageAttribute": "loadPermission",
}
"""What is asked of an image or a snapshot: with whom it is shared."""


_INSTANCE = "ssoins-0000000000000000"
_PEOPLES = {
    "GroupId": _UUID,
    "IdentityStoreId": "d-0000000000",
    "ApplicationArn": f"arn:aws:sso::000000000000:application/{_INSTANCE}/apl-0000000000000000",
    "InstanceArn": f"arn:aws:sso:::instance/{_INSTANCE}",
    "MemberId": {"UserId": _UUID},
    "PermissionSetArn": f"arn:aws:sso:::permissionSet/{_INSTANCE}/ps-0000000000000000",
    "PrincipalId": _UUID,
    "PrincipalType": "USER",
    "PermissionType": "Share",
    "UserId": _UUID,
    "AccountAssignmentCreationRequestId": _UUID,
    "AccountAssignmentDeletionRequestId": _UUID,
    "associationType": "PRINCIPAL",
    "resourceOwner": "SELF",
}
"""Words of Identity Center and of RAM, about nobody."""


_NAMED: Mapping[str, Any] = {
    "BackupVaultName": NOBODY,
    "ClientId": "0" * 26,
    "DBClusterSnapshotIdentifier": NOBODY,
    "DBSnapshotIdentifier": NOBODY,
    "DomainName": NOBODY,
    "EmailIdentity": f"{NOBODY}.invalid",
    "FileSystemId": "fs-00000000000000000",
    "FunctionName": NOBODY,
    "Id": NOBODY,
    "IdentityPoolId": f"us-east-1:{_UUID}",
    "FpgaImageId": "afi-00000000000000000",
    "ImageId": "ami-00000000000000000",
    "KeyId": _UUID,
    "LayerName": NOBODY,
    "MaxItems": 1,
    "Name": NOBODY,
    "PolicyName": NOBODY,
    "QueueName": NOBODY,
    "Rule": NOBODY,
    "SecretId": NOBODY,
    "ServerId": "s-00000000000000000",
    "ServiceId": "vpce-svc-00000000000000000",
    "SnapshotId": "snap-00000000000000000",
    "UserName": NOBODY,
    "UserPoolId": "us-east-1_000000000",
    "Username": NOBODY,
    "VersionId": "v1",
    "apiKey": NOBODY,
    "clusterName": NOBODY,
    "profileName": "stopline_preflight",
    "domain": NOBODY,
    "name": "nobody",
    "namespace": "nobody",
    "logGroupName": NOBODY,
    "policyType": "SUBSCRIPTION_FILTER_POLICY",
    "VersionNumber": 1,
    "profileId": _UUID,
    "repository": NOBODY,
    "repositoryName": NOBODY,
    "resourceIdentifier": "svc-00000000000000000",
    "serviceIdentifier": "svc-00000000000000000",
    "serviceNetworkIdentifier": "sn-00000000000000000",
    "trustAnchorId": _UUID,
    "vectorBucketName": NOBODY,
}
"""Names that nobody has, whatever the account."""


def about_nobody(
    clients: Clients, account: str, action: str, buckets: Sequence[str]
) -> dict[str, Any] | None:
    """What a reading call takes, by the provider's own model; None where we cannot tell.

    `action` is what it needs, `buckets` are names of some that there are.
    """
    service, operation = operation_of(action)
    client = clients.reading(account, service)
    shape = client.meta.service_model.operation_model(operation).input_shape
    region = client.meta.region_name
    stream = f"arn:aws:kinesis:{region}:{account}:stream/{NOBODY}"
    arn = _RESOURCES[service].format(region, account, NOBODY) if service in _RESOURCES else None
    bucket = buckets[0] if buckets else None
    known: dict[str, Any] = {
        **_PEOPLES,
        **_NAMED,
        "Attribute": _ATTRIBUTES.get(operation),
        "Bucket": f"{NOBODY}--use1-az4--x-s3" if service == "s3express" else bucket,
        "ExpectedBucketOwner": account if service != "s3express" else None,
        "AccountId": account,
        "ApplicationId": f"arn:aws:serverlessrepo:{region}:{account}:applications/{NOBODY}",
        "DataShareArn": f"arn:aws:redshift:{region}:{account}:datashare:{_UUID}/{NOBODY}",
        "PolicyArn": f"arn:aws:iam::{account}:policy{marks.PATH}{NOBODY}",
        "QueueUrl": f"https://sqs.{region}.amazonaws.com/{account}/{NOBODY}",
        "ResourceARN": stream,
        "StreamARN": stream,
        "resourceArn": arn,
        "ResourceArn": arn,
        "tableBucketARN": arn,
        "RoleName": clients.read_role(account).rpartition("/")[2] or NOBODY,
        "SubscriptionArn": f"arn:aws:sns:{region}:{account}:{NOBODY}:{_UUID}",
        "TopicArn": f"arn:aws:sns:{region}:{account}:{NOBODY}",
    }
    members, required = (shape.members, shape.required_members) if shape else ({}, [])
    if "MaxResults" in required:
        known["MaxResults"] = 60
    if any(known.get(name) is None for name in required):
        return None
    return {name: known[name] for name in members if known.get(name) is not None}
