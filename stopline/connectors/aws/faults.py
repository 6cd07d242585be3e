"""AWS's errors as typed causes. https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html

What matters most is whether a write landed: AWS's own refusal says no; a 5xx, a time-out or a cut
connection says nothing, so the engine reads again.
"""

from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)

from stopline.errors import ConnectorError
from stopline.receipts import Cause

GONE = (
    "NoSuchEntity",
    "NoSuchBucket",
    "404",
    "NoSuchKey",
    "NotFound",  # SNS
    "NotFoundException",  # KMS
    "AWS.SimpleQueueService.NonExistentQueue",
    "QueueDoesNotExist",
    "ResourceNotFoundException",  # Secrets Manager, DynamoDB, EventBridge, Lambda
    "RepositoryNotFoundException",
    "FileSystemNotFound",
    "PolicyNotFoundException",  # Organizations
    "PolicyNotAttachedException",
    "TargetNotFoundException",
    "OrganizationalUnitNotFoundException",
    "RootNotFoundException",
    "AccountNotFoundException",
    "ChildNotFoundException",
    "InvalidAMIID.NotFound",
    "InvalidAMIID.Unavailable",
    "InvalidSnapshot.NotFound",
    "DBSnapshotNotFound",
    "DBClusterSnapshotNotFoundFault",
    "UnknownResourceException",  # RAM
    "NoSuchAccessPoint",
    "NoSuchResource",  # CloudFront
    "NoSuchMultiRegionAccessPoint",
    "AccessGrantsInstanceNotExistsError",
    "UserNotFoundException",  # Cognito
    "InvalidDocument",  # SSM
    "InvalidFpgaImageID.NotFound",
    "InvalidFpgaImageID.Unavailable",
    "ClusterNotFound",  # Redshift
    "ClusterSnapshotNotFound",
    "InvalidDataShareFault",
    "EndpointAuthorizationNotFound",
    "EntityNotFoundException",  # Lake Formation
    "InvalidVpcEndpointService.NotFound",
    "InvalidVpcEndpointServiceId.NotFound",
    "InvalidVpcEndpointId.NotFound",
    "InvalidVpcEndpoint.NotFound",
)
_THROTTLED = (
    "Throttling",
    "ThrottlingException",
    "Throttled",  # SNS
    "ThrottledException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "PriorRequestNotComplete",
    "TooManyRequests",
    "TooManyRequestsException",
    "SlowDown",
    "EntityTemporarilyUnmodifiable",
    "ConcurrentModification",
    "ConcurrentModificationException",  # EventBridge
    "ResourceConflictException",  # Lambda: another change of the function is under way
    "IncorrectFileSystemLifeCycleState",
    "OperationAborted",
    "OperationAbortedException",  # CloudWatch Logs
    "ResourceInUseException",  # Kinesis, DynamoDB: it is being changed
    "PolicyChangesInProgressException",
    "InvalidStateTransitionException",  # RAM: an earlier change of the share is under way
    "InvalidDBSnapshotState",
    "InvalidDBClusterSnapshotStateFault",
    "InvalidClusterState",  # Redshift: it is being changed
    "InvalidAuthorizationState",
    "InvalidClusterSnapshotState",
    "DependentServiceRequestThrottlingFault",
    "TooManyUpdates",  # SSM
)
_CODES: dict[Cause, tuple[str, ...]] = {
    Cause.THROTTLED: _THROTTLED,
    Cause.GONE: GONE,
    Cause.DENIED: (
        "AccessDenied",
        "AccessDeniedException",
        "403",
        "AllAccessDisabled",
        "AuthorizationError",
        "NotAuthorizedException",  # Cognito
        "ForbiddenException",  # S3 Tables
    ),
    Cause.QUOTA: (
        "LimitExceeded",
        "LimitExceededException",
        "LimitExceededFault",  # Redshift
        "ServiceLimitExceededException",  # Signer
        "PolicyTooLarge",
        "PolicyLengthExceededException",
        "ConstraintViolationException",  # Organizations: too many, too long
        "ResourceShareLimitExceededException",
        "SharedSnapshotQuotaExceeded",
        "DocumentPermissionLimit",
        "DocumentLimitExceeded",
        "EndpointAuthorizationsPerClusterLimitExceeded",
        "AuthorizationQuotaExceeded",
        "ServiceQuotaExceededException",  # CodeArtifact
        "FilterPolicyLimitExceeded",  # SNS
    ),
    Cause.REFUSED: (
        "MalformedPolicy",
        "MalformedPolicyDocument",
        "MalformedPolicyDocumentException",
        "InvalidPolicyDocument",
        "UnmodifiableEntity",
        "DeleteConflict",
        "InvalidInput",
        "InvalidPolicyException",
        "PublicPolicyException",
        "ValidationError",
        "MethodNotAllowed",
        "PolicyNotAttachable",
        "PolicyTypeNotEnabledException",
        "PolicyTypeNotAvailableForOrganizationException",
        "AWSOrganizationsNotInUseException",
        "ManagedRuleException",  # EventBridge
    ),
    Cause.BUSY: (
        "EntityAlreadyExists",
        "EndpointAuthorizationAlreadyExists",
        "AuthorizationAlreadyExists",
        "ConflictException",  # Identity Center
        "DuplicatePolicyException",
        "DuplicatePolicyAttachmentException",
        "PolicyInUseException",
    ),
    Cause.UNREACHABLE: (
        "RequestTimeout",
        "OperationTimeoutException",  # Lake Formation: it may have landed
        "InternalException",  # EventBridge
        "InternalFailure",
        "InternalError",
        "ServiceUnavailable",
    ),
    Cause.CREDENTIALS: (
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
        "RequestExpired",
        "RequestTimeTooSkewed",
        "InvalidToken",
        "TokenRefreshRequired",
    ),
}
_BY_CODE = {code: cause for cause, codes in _CODES.items() for code in codes}
_BY_SENTENCE = {
    ("ValidationException", "is in progress"): Cause.THROTTLED,
    ("LimitExceededException", "Rate exceeded"): Cause.THROTTLED,  # Kinesis
    ("LimitExceededException", "concurrent"): Cause.THROTTLED,
}
"""Where a code means several things. OpenSearch takes no change of a domain during another one.
https://github.com/hashicorp/terraform-provider-aws/issues/35811"""
_BY_STATUS = {403: Cause.DENIED, 429: Cause.THROTTLED}
"""For codes that we do not know. Not 404: a bucket without a policy is not gone."""
_OURS = (
    NoCredentialsError,
    PartialCredentialsError,
    CredentialRetrievalError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)
SERVER_ERROR = 500


def code_of(error: ClientError) -> str:
    """AWS's own word for an error."""
    return str(error.response.get("Error", {}).get("Code", ""))


def translated(error: Exception, what: str, *, writing: bool) -> ConnectorError:
    """Turn what botocore raised into a typed cause; `what` names the call and the target."""
    if isinstance(error, ClientError):
        return _answered(error, what, writing=writing)
    if isinstance(error, _OURS):
        return ConnectorError(Cause.CREDENTIALS, f"{what}: {error}")
    if isinstance(error, ParamValidationError):
        return ConnectorError(Cause.BUG, f"{what}: {error}")
    if isinstance(error, BotoCoreError):
        landed = None if writing else False
        return ConnectorError(Cause.UNREACHABLE, f"{what}: {type(error).__name__}", landed=landed)
    return ConnectorError(Cause.BUG, f"{what}: {type(error).__name__}: {error}", landed=None)


def undone(answer: Any, what: str) -> None:
    """Raise ConnectorError where EC2 or EventBridge says 200, and names what it did not do.

    We ask for one thing at a time: nothing of the call landed, unless AWS itself has failed.
    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_UnsuccessfulItem.html
    https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_RemoveTargets.html
    """
    found: Any = answer or {}
    items = [item.get("Error") or {} for item in found.get("Unsuccessful") or ()]
    items += [
        {"Code": item.get("ErrorCode", ""), "Message": item.get("ErrorMessage", "")}
        for item in found.get("FailedEntries") or [{}] * found.get("FailedEntryCount", 0)
    ]
    for said in items:
        code, message = str(said.get("Code", "")), str(said.get("Message", ""))
        cause = _BY_CODE.get(code, Cause.REFUSED)
        landed = None if cause is Cause.UNREACHABLE else False
        raise ConnectorError(cause, f"{what}: {code}: {message}", landed=landed)


def _answered(error: ClientError, what: str, *, writing: bool) -> ConnectorError:
    code = code_of(error)
    message: Any = error.response.get("Error", {}).get("Message", "")
    detail = f"{what}: {code}: {message}"
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    said = (c for (of, part), c in _BY_SENTENCE.items() if of == code and part in message)
    cause = next(said, None) or _BY_CODE.get(code) or _BY_STATUS.get(status, Cause.REFUSED)
    if cause is Cause.UNREACHABLE or (code not in _BY_CODE and status >= SERVER_ERROR):
        return ConnectorError(Cause.UNREACHABLE, detail, landed=None if writing else False)
    return ConnectorError(cause, detail)
