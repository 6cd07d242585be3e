"""What the emulated Google answers is Google's: methods, permissions, roles that are documented."""

import pytest
from support.google_lab import STRANGER

from stopline.drill.google.calls import ANSWERS
from stopline.drill.google.catalogue import PERMISSIONS
from stopline.drill.google.documents import SERVED, Method, methods
from stopline.drill.google.oracle import can
from stopline.drill.google.reach import ACTS
from stopline.drill.google.roles import PREDEFINED, permission_of, v1_spelling, v2_spelling
from stopline.drill.google.server import BEHAVIOURS, Google

METHODS: dict[str, Method] = {m.key: m for api, version in SERVED for m in methods(api, version)}
OTHERWISE = (
    "cloudidentity.",
    "admin.directory_v1.",
    "iam.v1.roles.get",
    "iam.v1.projects.serviceAccounts.undelete",
    "cloudresourcemanager.v3.",
    "bigquery.v2.datasets.list",
    "drive.v3.",
)
"""Administrators only; for everybody; of what is gone, where it was; a search, that shows each what
it may see."""


def test_no_method_is_invented() -> None:
    """Every behaviour answers a method of a document that Google's client ships."""
    assert BEHAVIOURS
    assert set(ANSWERS) <= set(METHODS)
    assert len(ANSWERS) < len(METHODS) / 3  # all the others are 501


@pytest.mark.parametrize("key", sorted(k for k, a in ANSWERS.items() if a.on is not None))
def test_the_permission_of_every_method_is_known(key: str) -> None:
    """It is derived from the method's id, and stands in Google's reference."""
    assert (ANSWERS[key].permission or permission_of(METHODS[key])) in PERMISSIONS


def test_every_other_method_decides_by_itself_who_may_call_it() -> None:
    """And there are few of them."""
    found = {k for k, a in ANSWERS.items() if a.on is None and not k.endswith("testIamPermissions")}
    assert all(k.startswith(OTHERWISE) for k in found)
    assert {k for k in found if k.startswith("cloudres")} == {
        f"cloudresourcemanager.v3.{kind}.search"
        for kind in ("organizations", "folders", "projects")
    }


def test_both_spellings_of_a_permission_lead_to_each_other() -> None:
    """That of allow policies, and that of deny policies."""
    assert v2_spelling("resourcemanager.projects.get").startswith("cloudresourcemanager.")
    assert [v1_spelling(v2_spelling(p)) for p in PERMISSIONS] == list(PERMISSIONS)


def test_every_role_gives_something_and_every_act_can_be_given() -> None:
    """No pattern of a role is misspelt so that it gives nothing."""
    assert [r for r, role in PREDEFINED.items() if not role.permissions()] == []
    assert {p for acts in ACTS.values() for p in acts} <= set(PERMISSIONS)


def test_a_stranger_reaches_only_what_is_public(google: Google) -> None:
    """Nothing in the estate is open by an oversight of the evaluation."""
    found = {
        name
        for name in google.state.resources
        for permission in PERMISSIONS
        if can(google.state, STRANGER, permission, name)
    }
    public = "//storage.googleapis.com/legacy"
    assert {n for n in found if not n.startswith(public)} == {
        "//storage.googleapis.com/deliveries/objects/in/new.json",  # by a managed folder
        "//storage.googleapis.com/deliveries/managedFolders/in/",
    }
