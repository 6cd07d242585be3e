"""The whole state of an estate, read with plain boto3, for comparison byte by byte.

The drill's own eyes: nothing here is made by the code that the drill tests.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from stopline.drill import doors
from stopline.drill.access import Access
from stopline.text import canonical

Fingerprint = Mapping[str, str]
"""One canonical text for each object of the estate, by a name that people can read."""

OURS = "Stopline"
WORKER_ROLE = "stopline-worker"
_VOLATILE = (
    "RoleLastUsed",  # moves whenever somebody works with it
    "PasswordLastUsed",  # the same
    "UpdateDate",  # of a policy: moto sets it when it is attached
    "AttachmentCount",  # follows from the attachments, which are compared
    "PermissionsBoundaryUsageCount",  # the same
    "ResponseMetadata",  # of the answer, not of the object
)


def fingerprint(access: Access) -> Fingerprint:
    """Read every user, role, group, policy and bucket of every lab account."""
    found: dict[str, str] = {}
    with ThreadPoolExecutor() as pool:  # the emulator is another process, and as busy
        tuple(pool.map(lambda account: _account(access, account, found), access.accounts))
    return found


def _account(access: Access, account: str, found: dict[str, str]) -> None:
    iam, s3 = access.client(account, "iam"), access.client(account, "s3")
    _identities(iam, account, found)
    for bucket in s3.list_buckets()["Buckets"]:
        _bucket(s3, f"{account} bucket {bucket['Name']}", bucket["Name"], found)
    for (kind, name), raw in doors.policies(access, account).items():
        found[f"{account} {kind} {name} policy"] = raw or "none"  # byte for byte


def _pages(client: Any, operation: str, key: str, **words: Any) -> list[Any]:
    paginator = client.get_paginator(operation)
    return [item for page in paginator.paginate(**words) for item in page[key]]


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items() if k not in _VOLATILE}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _identities(iam: Any, account: str, found: dict[str, str]) -> None:
    details = iam.get_account_authorization_details()
    for key in ("UserDetailList", "GroupDetailList", "RoleDetailList"):
        for item in details[key]:
            name = item.get("UserName") or item.get("GroupName") or item["RoleName"]
            found[f"{account} {key.removesuffix('DetailList').lower()} {name}"] = canonical(
                _plain(item)
            )
    for policy in _pages(iam, "list_policies", "Policies", Scope="Local"):
        versions = iam.list_policy_versions(PolicyArn=policy["Arn"])["Versions"]
        documents = [
            iam.get_policy_version(PolicyArn=policy["Arn"], VersionId=v["VersionId"])[
                "PolicyVersion"
            ]
            for v in versions
        ]
        found[f"{account} policy {policy['PolicyName']}"] = canonical(_plain([policy, documents]))
    for user in details["UserDetailList"]:
        _credentials(iam, account, user["UserName"], found)


def _credentials(iam: Any, account: str, user: str, found: dict[str, str]) -> None:
    words = {"UserName": user}
    held = {
        "keys": iam.list_access_keys(**words)["AccessKeyMetadata"],
        "ssh": iam.list_ssh_public_keys(**words)["SSHPublicKeys"],
        "certificates": iam.list_signing_certificates(**words)["Certificates"],
        "mfa": iam.list_mfa_devices(**words)["MFADevices"],
    }
    found[f"{account} credentials of {user}"] = canonical(_plain(held))


def _bucket(s3: Any, label: str, name: str, found: dict[str, str]) -> None:
    found[f"{label} ACL"] = canonical(_plain(s3.get_bucket_acl(Bucket=name)))
    try:
        found[f"{label} policy"] = s3.get_bucket_policy(Bucket=name)["Policy"]  # byte for byte
    except s3.exceptions.ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchBucketPolicy":
            raise
        found[f"{label} policy"] = "none"
    found[f"{label} versioning"] = str(s3.get_bucket_versioning(Bucket=name).get("Status"))
    try:
        lifecycle = s3.get_bucket_lifecycle_configuration(Bucket=name)
        found[f"{label} lifecycle"] = canonical(_plain(lifecycle))
    except s3.exceptions.ClientError:
        found[f"{label} lifecycle"] = "none"


def differences(before: Fingerprint, after: Fingerprint) -> list[str]:
    """Name every object that is not exactly what it was."""
    return [
        f"{name}: was {_short(before.get(name))}, is {_short(after.get(name))}"
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    ]


def _short(text: str | None, most: int = 400) -> str:
    return "absent" if text is None else text[:most]


def leftovers(found: Fingerprint) -> list[str]:
    """Name every object that still bears our mark; the worker's own role is not one."""
    return [
        name
        for name, text in sorted(found.items())
        if OURS in text.replace(WORKER_ROLE, "") or OURS in name
    ]
