"""What a playbook may say about Google Cloud, and what nothing here reads. Needs no client."""

from collections.abc import Mapping

from stopline.countermeasures import (
    ACCOUNT_LOCKING,
    FILE_ACCESS,
    KEPT_DATA,
    USER_PERMISSIONS,
    Technique,
    Untagged,
)

CONTAINS: Mapping[str, frozenset[str]] = {
    "principals": frozenset({"deny"}),
    "entries": frozenset({"remove-where-not-denied"}),
    "service-accounts": frozenset({"inactive"}),
    "reached-service-accounts": frozenset({"inactive"}),
    "service-account-keys": frozenset({"inactive"}),
    "hmac-keys": frozenset({"inactive"}),
    "identity-pools": frozenset({"inactive"}),
    "workspace-users": frozenset({"suspend"}),
    "group-memberships": frozenset({"remove-where-not-denied"}),
    "access-lists": frozenset({"remove"}),
    "public-datasets": frozenset({"remove"}),
    "drive-permissions": frozenset({"remove"}),
    "buckets": frozenset({"vendor", "preserve"}),
}

NOT_LOOKED_AT: tuple[str, ...] = (
    "groups in access lists of buckets",
    "OAuth grants of Workspace users to applications of the vendor's, app passwords, delegates",
    "groups of the lab's that no policy names (mail, Drive, Chat)",
    "signed URLs",
    "secrets of single regions",
    "API keys, VPC Service Controls, just-in-time grants",
    "shared drives that the estate's file does not name, people's own drives, links for anybody",
    "what is public (allUsers, allAuthenticatedUsers), but for buckets and datasets",
    "organisations and folders above single projects",
)
"""The rows of docs/access-paths.md that say `not looked at`; a test holds the two together."""
TECHNIQUES: Mapping[str, Technique | Untagged] = {
    "deny-policy-entry": USER_PERMISSIONS,
    "allow-policy-entry": USER_PERMISSIONS,
    "access-list-entry": FILE_ACCESS,
    "drive-permission": FILE_ACCESS,
    "bucket-setting": KEPT_DATA,
    "service-account": ACCOUNT_LOCKING,
    "service-account-key": ACCOUNT_LOCKING,
    "hmac-key": ACCOUNT_LOCKING,
    "identity-pool": ACCOUNT_LOCKING,
    "workspace-user": ACCOUNT_LOCKING,
    "workspace-membership": USER_PERMISSIONS,
}
"""What containing each kind of address is, in the words of https://d3fend.mitre.org/ ."""
