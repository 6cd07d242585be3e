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
    "workspace-users": frozenset({"suspend"}),
    "group-memberships": frozenset({"remove-where-not-denied"}),
    "access-lists": frozenset({"remove"}),
    "buckets": frozenset({"vendor", "preserve"}),
}

NOT_LOOKED_AT: tuple[str, ...] = (
    "groups in access lists of buckets",
    "OAuth grants of Workspace users to applications of the vendor's, app passwords, delegates",
    "groups of the lab's that no policy names (mail, Drive, Chat)",
    "signed URLs",
    "access lists of BigQuery datasets, secrets of single regions",
    "API keys, VPC Service Controls, just-in-time grants, Drive",
    "what is public (allUsers, allAuthenticatedUsers), but for buckets",
    "organisations and folders above single projects",
)
"""The rows of docs/access-paths.md that say `not looked at`; a test holds the two together."""
_LOCKING = ("D3-AL", "Account Locking")
_PERMISSIONS = ("D3-UAP", "User Account Permissions")
TECHNIQUES: Mapping[str, tuple[str, str]] = {
    "deny-policy-entry": _PERMISSIONS,
    "allow-policy-entry": _PERMISSIONS,
    "access-list-entry": _PERMISSIONS,
    "bucket-setting": ("D3-FR", "File Restoration"),
    "service-account": _LOCKING,
    "service-account-key": _LOCKING,
    "hmac-key": _LOCKING,
    "identity-pool": _LOCKING,
    "workspace-user": _LOCKING,
    "workspace-membership": _PERMISSIONS,
}
"""What containing each kind of address is, in the words of https://d3fend.mitre.org/ ."""
