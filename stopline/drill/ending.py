"""What is left of the credentials after a termination, looked at with eyes of the drill's own."""

from collections.abc import Iterable, Iterator

from stopline.drill.access import Access
from stopline.drill.manifest import Manifest, Person

Key = tuple[str, str]
"""A user's ARN and the id of one of its access keys."""


def keys(access: Access, people: Iterable[Person]) -> set[Key]:
    """Every access key that these people have now, whatever its status."""
    return {
        (person.arn, key["AccessKeyId"])
        for person in people
        for key in access.client(person.account, "iam").list_access_keys(UserName=person.name)[
            "AccessKeyMetadata"
        ]
    }


def given(people: Iterable[Person], *, active: bool) -> set[Key]:
    """The keys that they had before the night, and that worked or did not."""
    return {(p.arn, id_) for p in people for id_, _, works in p.keys if works is active}


def faults(access: Access, manifest: Manifest) -> Iterator[str]:
    """Keys that should be gone and are not, and keys that are gone and should not be."""
    theirs, others = manifest.vendor_users, manifest.bystander_users
    left, there = keys(access, theirs), keys(access, others)
    for arn, key in sorted(left & given(theirs, active=True)):
        yield f"after termination, the key {key} of {arn} is still there"
    kept = given(theirs, active=False) | given(others, active=True) | given(others, active=False)
    for arn, key in sorted(kept - left - there):
        yield f"after termination, the key {key} of {arn} is gone, and was not ours to remove"
