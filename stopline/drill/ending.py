"""What is left of users, roles and credentials after a termination, seen with the drill's eyes."""

from collections.abc import Iterable, Iterator

from stopline.drill.access import Access
from stopline.drill.manifest import LAB, Manifest, Person

Key = tuple[str, str]
"""A user's ARN and the id of one of its access keys."""


def keys(access: Access, people: Iterable[Person]) -> set[Key]:
    """Every access key that these people have now, whatever its status."""
    there = users(access)
    return {
        (person.arn, key["AccessKeyId"])
        for person in people
        if person.arn in there
        for key in access.client(person.account, "iam").list_access_keys(UserName=person.name)[
            "AccessKeyMetadata"
        ]
    }


def users(access: Access) -> set[str]:
    """The ARNs of all users that there are."""
    return _all(access, "list_users", "Users")


def roles(access: Access) -> set[str]:
    """The ARNs of all roles that there are."""
    return _all(access, "list_roles", "Roles")


def _all(access: Access, operation: str, items: str) -> set[str]:
    found = set()
    for account in LAB:
        pages = access.client(account, "iam").get_paginator(operation).paginate()
        found |= {one["Arn"] for page in pages for one in page[items]}
    return found


def named(person: Person) -> bool:
    """Whether the vendor's file names a user itself, and not only a tag that the vendor writes."""
    return any(part in person.arn for part in (":user/vendors/mercor/", ":user/services/"))


def given(people: Iterable[Person], *, active: bool) -> set[Key]:
    """The keys that they had before the night, and that worked or did not."""
    return {(p.arn, id_) for p in people for id_, _, works in p.keys if works is active}


def faults(access: Access, manifest: Manifest) -> Iterator[str]:
    """Whoever should be gone and is not, and what is gone and should not be."""
    theirs, others = manifest.vendor_users, manifest.bystander_users
    people, there = users(access), roles(access)
    for arn in sorted(people & {p.arn for p in theirs if named(p)}):
        yield f"after termination, the user {arn} is still there"
    for arn in sorted(there & {way.arn for way in manifest.vendor_roles}):
        yield f"after termination, the role {arn} is still there"
    tagged = [person for person in theirs if not named(person)]
    for arn, key in sorted(keys(access, tagged) & given(tagged, active=True)):
        yield f"after termination, the key {key} of {arn} is still there"
    stays = {p.arn for p in (*others, *tagged)}
    stays |= {way.arn for way in (*manifest.bystander_roles, *manifest.shared_roles)}
    for arn in sorted(stays - people - there):
        yield f"after termination, {arn} is gone, and was not ours to remove"
    kept = given(tagged, active=False) | given(others, active=True) | given(others, active=False)
    for arn, key in sorted(kept - keys(access, (*tagged, *others))):
        yield f"after termination, the key {key} of {arn} is gone, and was not ours to remove"
