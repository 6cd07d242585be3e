"""Nights in which it matters who is the vendor, and who is not: by the emulator's own word."""

import pytest
from support.google import BEYOND, NUMBER, SUBJECT, VENDOR, binding
from support.google_nights import PROJECT, Night, may, policy_of

from stopline import planner
from stopline.model import Scope


def test_whom_the_vendors_file_protects_keeps_all_while_the_directory_is_denied(
    night: Night,
) -> None:
    """The plan says protected, and the emulator's own evaluation agrees."""
    liaison = "user:liaison@mercor.example"
    resource = night.google.state.get(PROJECT)
    added = binding("roles/storage.objectViewer", liaison)
    resource.policy = {"bindings": [*resource.policy["bindings"], added]}
    night.vendor = VENDOR.model_copy(update={"protected": (liaison,)})
    night.contain()
    assert may(night.google, liaison, "storage.objects.get")
    assert not may(night.google, "user:cy@mercor.example", "storage.objects.get")


def test_who_comes_through_a_pool_of_the_vendors_own_project_is_denied(night: Night) -> None:
    """By the project's number alone, without a word of its pools."""
    theirs = VENDOR.gcp.model_copy(update={"pools": (), "project_numbers": (NUMBER,)})
    night.vendor = VENDOR.model_copy(update={"gcp": theirs})
    viewers = binding("roles/storage.objectViewer", "projectViewer:mercor-prod")
    resource = night.google.state.get(PROJECT)
    resource.policy = {"bindings": [*resource.policy["bindings"], viewers]}
    assert may(night.google, SUBJECT, "storage.objects.get")
    night.contain()
    assert not may(night.google, SUBJECT, "storage.objects.get")
    assert not any("projectViewer:" in m for b in policy_of(night.google) for m in b["members"])
    night.restore()
    assert may(night.google, SUBJECT, "storage.objects.get")
    assert any("projectViewer:mercor-prod" in b["members"] for b in policy_of(night.google))


def test_a_member_in_other_letters_is_the_same_member(night: Night) -> None:
    """Scopes and protection find whoever a policy writes in capitals, and it comes back so."""
    written, plain = "user:Cy@Mercor.example", "user:cy@mercor.example"
    resource = night.google.state.get(PROJECT)
    resource.policy = {"bindings": [*resource.policy["bindings"], binding(BEYOND, written)]}
    for name in (plain, written):
        plan = night.plan(Scope(principals=(name,)))
        kinds = {change.address.kind for change in plan.changes}
        assert kinds == {"deny-policy-entry", "allow-policy-entry"}
    night.vendor = VENDOR.model_copy(update={"protected": (plain,)})
    assert not [c for c in night.plan().changes if c.principal == plain]
    night.vendor = VENDOR
    night.contain()
    assert not any(written in b["members"] for b in policy_of(night.google))
    night.restore()
    assert any(written in b["members"] for b in policy_of(night.google))


@pytest.mark.parametrize("role", ["roles/iam.serviceAccountTokenCreator", "projects/p/roles/own"])
def test_whoever_acts_as_an_account_by_its_project_shares_it(night: Night, role: str) -> None:
    """A colleague's role on the project counts as one on the account; a custom one may allow it."""
    dana = "user:dana@lab.example"

    def others() -> tuple[str, ...]:
        snapshot = planner.snapshot_of("mercor", night.connector.discover(VENDOR, Scope()), "")
        (account,) = [g for g in snapshot.grants if g.entitlement == "reached-service-account"]
        return account.shared_with

    assert dana not in others()
    resource = night.google.state.get(PROJECT)
    resource.policy = {"bindings": [*resource.policy["bindings"], binding(role, dana)]}
    assert dana in others()
