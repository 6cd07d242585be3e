"""A user and a bucket of our own, made to be contained and restored for real, then removed.

The one place beside `documents` whose calls change anything, and only what lies under the
canary's own path and names: `permissions.CANARY` allows it nothing else.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from stopline.connectors.aws import marks
from stopline.connectors.aws.clients import REGION, Clients
from stopline.errors import ConnectorError, UserError
from stopline.preflight import Canary
from stopline.receipts import Cause
from stopline.text import Json

PATIENCE = (0.0, 2.0, 4.0, 8.0, 16.0)
"""Seconds between tries while IAM does not show everywhere what was just made."""


def make(clients: Clients, account: str, id_: str, propagation: float) -> Canary:
    """Make a user with a key, and a bucket whose policy lets it in. The same id makes it once.

    Raises ConnectorError when AWS refuses.
    """
    canary = _described(account, id_)
    try:
        _build(clients, canary, propagation)
    except ConnectorError as error:
        left = _cleared(clients, canary)
        raise ConnectorError(error.cause, f"{error.detail}{left}") from error
    return canary


def _build(clients: Clients, canary: Canary, propagation: float) -> None:
    account, user, bucket = canary.realm, canary.made["user"], canary.made["bucket"]
    named = {"Bucket": bucket, **_place(clients, account)}
    _once(lambda: clients.do(account, "iam", "create_user", UserName=user, Path=marks.CANARY_PATH))
    _once(lambda: clients.do(account, "s3", "create_bucket", **named))
    time.sleep(propagation)
    _require_ours(clients, canary)
    if not clients.ask(account, "iam", "list_access_keys", UserName=user)["AccessKeyMetadata"]:
        clients.do(account, "iam", "create_access_key", UserName=user)  # its secret is dropped
    words = {"Bucket": bucket, "ExpectedBucketOwner": account, "Policy": canary.made["policy"]}
    _patiently(lambda: clients.do(account, "s3", "put_bucket_policy", **words))


def _require_ours(clients: Clients, canary: Canary) -> None:
    """A user of that name under another path is somebody else's. Raises ConnectorError.

    The bucket needs no such look: each call names the owner that we expect.
    """
    user = canary.made["user"]
    found = clients.ask(canary.realm, "iam", "get_user", UserName=user)["User"]["Arn"]
    if found != canary.principals[0]:
        raise ConnectorError(Cause.RECREATED, f"{found} is none of our canaries; it was let be")


def _cleared(clients: Clients, canary: Canary) -> str:
    """Remove what was made before it failed; nothing, or what a person has to remove."""
    try:
        list(remove(clients, canary))
    except ConnectorError as error:
        return f"; and it could not be removed: {error.detail}: {'; '.join(canary.commands)}"
    return "; what was made before was removed"


def _described(account: str, id_: str) -> Canary:
    user, bucket = f"{marks.CANARY}-{id_}", f"{marks.CANARY}-{account}-{id_}"
    arn = f"arn:aws:iam::{account}:user{marks.CANARY_PATH}{user}"
    allow = {
        "Sid": "Canary",
        "Effect": "Allow",
        "Principal": {"AWS": arn},
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    text = json.dumps({"Version": "2012-10-17", "Statement": [allow]}, indent=2)
    return Canary(
        "aws",
        account,
        id_,
        (arn, f"arn:aws:s3:::{bucket}"),
        {"principals": [arn]},
        {"user": user, "bucket": bucket, "policy": text},
        (
            f"aws iam list-access-keys --user-name {user}",
            f"aws iam delete-access-key --user-name {user} --access-key-id ID",
            f"aws iam delete-user --user-name {user}",
            f"aws s3api delete-bucket --bucket {bucket}",
        ),
    )


def _place(clients: Clients, account: str) -> Json:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html"""
    region = clients.writing(account, "s3").meta.region_name
    if region == REGION:
        return {}
    return {"CreateBucketConfiguration": {"LocationConstraint": region}}


def _once(call: Callable[[], Any]) -> None:
    """Make something that an earlier attempt of ours may have made."""
    try:
        call()
    except ConnectorError as error:
        if not any(c in error.detail for c in ("EntityAlreadyExists", "BucketAlreadyOwnedByYou")):
            raise


def _patiently(call: Callable[[], Any]) -> None:
    """Name a user that was just made: S3 may not know it yet, and calls the policy malformed."""
    for number, seconds in enumerate(PATIENCE, 1):
        time.sleep(seconds)
        try:
            call()
        except ConnectorError as error:
            if error.cause is not Cause.REFUSED or number == len(PATIENCE):
                raise
        else:
            return


def remove(clients: Clients, canary: Canary) -> Iterator[str]:
    """Say what is not as it was made, then remove it. What is gone already is no fault."""
    account, user, bucket = canary.realm, canary.made["user"], canary.made["bucket"]
    if not all(name.startswith(f"{marks.CANARY}-") for name in (user, bucket)):
        raise UserError(f"{user} and {bucket} are no canary; nothing was removed.")
    try:
        yield from _differences(clients, canary)
    except ConnectorError as error:
        yield f"it could not be compared: {error.detail}"
    words = {"Bucket": bucket, "ExpectedBucketOwner": account}
    with _unless_gone():
        clients.do(account, "s3", "delete_bucket", **words)
    with _unless_gone():
        _require_ours(clients, canary)
        keys = clients.ask(account, "iam", "list_access_keys", UserName=user)["AccessKeyMetadata"]
        for key in keys:
            named = {"UserName": user, "AccessKeyId": key["AccessKeyId"]}
            clients.do(account, "iam", "delete_access_key", **named)
        clients.do(account, "iam", "delete_user", UserName=user)


@contextmanager
def _unless_gone() -> Iterator[None]:
    try:
        yield
    except ConnectorError as error:
        if error.cause is not Cause.GONE:
            raise


def _differences(clients: Clients, canary: Canary) -> Iterator[str]:
    account, user, bucket = canary.realm, canary.made["user"], canary.made["bucket"]
    keys = clients.ask(account, "iam", "list_access_keys", UserName=user)["AccessKeyMetadata"]
    if [key["Status"] for key in keys] != ["Active"]:
        yield f"the key of {user} is not as it was made"
    attached = clients.ask(account, "iam", "list_attached_user_policies", UserName=user)
    if attached["AttachedPolicies"]:
        yield f"a policy is still attached to {user}"
    words = {"Bucket": bucket, "ExpectedBucketOwner": account}
    raw = clients.ask(account, "s3", "get_bucket_policy", **words)["Policy"]
    if raw != canary.made["policy"]:
        yield f"the policy of {bucket} is not the text that it had"
