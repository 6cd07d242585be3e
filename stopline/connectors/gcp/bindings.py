"""Allow policies as sets of member, role and condition, edited one entry at a time. Pure.

A policy is never written back as it was read once: an edit is a delta on the policy as it is now.
One role under different conditions is two things to Google, and they are never merged.
https://docs.cloud.google.com/iam/docs/reference/rest/v1/Policy
"""

import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from stopline.errors import ConnectorError
from stopline.receipts import Cause
from stopline.text import Json, canonical, sha256

VERSION = 3
"""The only version that shows conditions."""
_HIDDEN = ("_withcond_", "_with_conditionalbinding_")


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """One member of one role; `condition` is canonical JSON, or nothing."""

    role: str
    member: str
    condition: str = ""

    @property
    def part(self) -> str:
        """What names it inside its policy: the condition by a digest."""
        cut = f"/{sha256(self.condition)[:12]}" if self.condition else ""
        return f"{self.role}/{self.member}{cut}"

    @property
    def irrevocable(self) -> bool:
        """Whether no API could give it back: a person owns a project by invitation only.

        https://docs.cloud.google.com/resource-manager/reference/rest/v3/projects/setIamPolicy
        """
        return self.role == "roles/owner" and self.member.startswith("user:")

    @property
    def standing(self) -> bool:
        """Whether it lets in the owners of a dataset's own project, whoever they are just now.

        https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/datasets#Dataset.FIELDS.access
        """
        return self.role == DATA_OWNER and self.member.startswith("projectOwner:")


def entries(policy: Json) -> frozenset[Entry]:
    """All entries. Raises ConnectorError (refused) for a policy that hides its conditions.

    https://docs.cloud.google.com/iam/docs/troubleshooting-withcond
    """
    return frozenset(e for binding in _bindings(policy) for e in _of(binding))


def edited(
    policy: Json, out: Iterable[Entry], into: Iterable[Entry], *, for_good: bool = False
) -> Json:
    """The policy without some entries and with others, at version 3; all else, etag too, is kept.

    What is there already, or is not there, changes nothing. Raises ConnectorError (refused) for a
    policy that hides its conditions, for taking out what no API could give back where that is not
    meant `for_good`, and for the owners of a dataset's own project.
    """
    gone, added = frozenset(out), frozenset(into)
    for entry in sorted(gone):
        if entry.standing or (entry.irrevocable and not for_good):
            what = f"{entry.member} could not be made an owner again by any API"
            what = f"{entry.member} is never taken out of a dataset" if entry.standing else what
            raise ConnectorError(Cause.REFUSED, what)
    bindings = [b for binding in _bindings(policy) if (b := _without(binding, gone)) is not None]
    there = frozenset(e for binding in bindings for e in _of(binding))
    for entry in sorted(added - there):
        _add(bindings, entry)
    return {**policy, "bindings": bindings, "version": VERSION}


DATA_OWNER = "roles/bigquery.dataOwner"
ADMINS = ("roles/resourcemanager.organizationAdmin", "roles/owner")
"""Who can repair an organisation's policy."""


def leaves_nobody(before: Json, after: Json, roles: Collection[str] = ADMINS) -> bool:
    """Whether an edit takes away the last who, by one of the roles, could repair what it did.

    https://docs.cloud.google.com/resource-manager/reference/rest/v3/organizations/setIamPolicy
    """

    def admins(policy: Json) -> bool:
        return any(entry.role in roles for entry in entries(policy))

    return admins(before) and not admins(after)


def alike(one: Json, other: Json) -> bool:
    """Whether two policies say the same, in whatever order; also of what is no member."""
    return entries(one) == entries(other) and _memberless(one) == _memberless(other)


def _memberless(policy: Json) -> list[str]:
    return sorted(canonical(b) for b in _bindings(policy) if not b.get("members"))


def _bindings(policy: Json) -> list[Json]:
    found: list[Json] = policy.get("bindings", [])
    for binding in found:
        if any(mark in binding["role"] for mark in _HIDDEN):
            what = f"{binding['role']} hides a condition: the policy was read below version 3"
            raise ConnectorError(Cause.REFUSED, what)
    return found


def _condition(binding: Json) -> str:
    return canonical(binding["condition"]) if binding.get("condition") else ""


def _of(binding: Json) -> Iterator[Entry]:
    condition = _condition(binding)
    for member in binding.get("members", []):
        yield Entry(binding["role"], member, condition)


def _without(binding: Json, gone: frozenset[Entry]) -> Json | None:
    """One element of `bindings` with what is left; None where we took its last member."""
    members = binding.get("members", [])
    condition = _condition(binding)
    kept = [m for m in members if Entry(binding["role"], m, condition) not in gone]
    if len(kept) == len(members):
        return binding
    return {**binding, "members": kept} if kept else None


def _add(bindings: list[Json], entry: Entry) -> None:
    for number, binding in enumerate(bindings):
        if (binding["role"], _condition(binding)) == (entry.role, entry.condition):
            members = [*binding.get("members", []), entry.member]
            bindings[number] = {**binding, "members": members}
            return
    made: Json = {"role": entry.role, "members": [entry.member]}
    if entry.condition:
        made["condition"] = json.loads(entry.condition)
    bindings.append(made)
