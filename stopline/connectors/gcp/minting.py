"""Who could have made keys of an account of ours: such a key outlives a deny of its maker. Pure.

https://docs.cloud.google.com/iam/docs/service-account-creds#key-types
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

from stopline.connectors.gcp.bindings import Entry

KEYS = "iam.serviceAccountKeys.create"
HMAC_KEYS = "storage.hmacKeys.create"
_BASIC = ("roles/owner", "roles/editor")
_ROLES = {
    KEYS: (*_BASIC, "roles/iam.serviceAccountKeyAdmin"),
    HMAC_KEYS: (*_BASIC, "roles/storage.admin", "roles/storage.hmacKeyAdmin"),
}


def maker(
    permission: str,
    held: Iterable[tuple[str, Entry]],
    allowed: Mapping[str, Sequence[str] | None],
    places: Collection[str],
) -> str:
    """Who may make such a key by an entry at one of the places; the first by name, or nothing."""
    who = {e.member for place, e in held if place in places and _allows(permission, e, allowed)}
    return min(who, default="")


def _allows(permission: str, entry: Entry, allowed: Mapping[str, Sequence[str] | None]) -> bool:
    """A custom role that could not be read may allow it: nobody knows."""
    known = allowed.get(entry.role)
    if known is not None:
        return permission in known
    return entry.role in _ROLES[permission] or not entry.role.startswith("roles/")
