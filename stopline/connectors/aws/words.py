"""What a playbook may say about AWS. Imports nothing, so that it can be read without an SDK."""

from collections.abc import Mapping

CONTAINS: Mapping[str, frozenset[str]] = {
    "users": frozenset({"deny-all"}),
    "roles": frozenset({"deny-all"}),
    "access-keys": frozenset({"inactive"}),
    "ssh-keys": frozenset({"inactive"}),
    "signing-certificates": frozenset({"inactive"}),
    "buckets": frozenset({"vendor"}),
}

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
