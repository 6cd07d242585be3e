"""What a playbook may say about Google Cloud, and what nothing here reads. Needs no client."""

from collections.abc import Mapping

CONTAINS: Mapping[str, frozenset[str]] = {
    "principals": frozenset({"deny"}),
    "entries": frozenset({"remove-where-not-denied"}),
    "service-accounts": frozenset({"inactive"}),
    "reached-service-accounts": frozenset({"inactive"}),
    "service-account-keys": frozenset({"inactive"}),
    "hmac-keys": frozenset({"inactive"}),
    "identity-pools": frozenset({"inactive"}),
    "access-lists": frozenset({"remove"}),
    "public-datasets": frozenset({"remove"}),
    "drive-permissions": frozenset({"remove"}),
    "buckets": frozenset({"vendor", "preserve"}),
}

NOT_LOOKED_AT: tuple[str, ...] = (
    "groups in access lists of buckets",
    "Workspace users, their sessions and their OAuth grants",
    "signed URLs",
    "secrets of single regions",
    "API keys, VPC Service Controls, just-in-time grants",
    "shared drives that the estate's file does not name, people's own drives, links for anybody",
    "what is public (allUsers, allAuthenticatedUsers), but for buckets and datasets",
    "organisations and folders above single projects",
)
"""The rows of docs/access-paths.md that say `not looked at`; a test holds the two together."""
_LOCKING = ("D3-AL", "Account Locking")
_PERMISSIONS = ("D3-UAP", "User Account Permissions")
TECHNIQUES: Mapping[str, tuple[str, str]] = {
    "deny-policy-entry": _PERMISSIONS,
    "allow-policy-entry": _PERMISSIONS,
    "access-list-entry": _PERMISSIONS,
    "drive-permission": _PERMISSIONS,
    "bucket-setting": ("D3-FR", "File Restoration"),
    "service-account": _LOCKING,
    "service-account-key": _LOCKING,
    "hmac-key": _LOCKING,
    "identity-pool": _LOCKING,
}
"""What containing each kind of address is, in the words of https://d3fend.mitre.org/ ."""
