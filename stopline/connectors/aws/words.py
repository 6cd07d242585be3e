"""What a playbook may say about AWS. Imports nothing, so that it can be read without an SDK."""

from collections.abc import Mapping

CONTAINS: Mapping[str, frozenset[str]] = {
    "users": frozenset({"deny-all"}),
    "roles": frozenset({"deny-all"}),
    "shared-roles": frozenset({"trust-deny"}),
    "access-keys": frozenset({"inactive"}),
    "ssh-keys": frozenset({"inactive"}),
    "signing-certificates": frozenset({"inactive"}),
    "buckets": frozenset({"vendor", "preserve"}),
}
