"""Buckets in which nothing is to be lost while a vendor is paused; and those that are public."""

import pytest
from support.google import (
    BO,
    GCS,
    PLAYBOOK,
    RULES_OF_LABELS,
    VENDOR,
    binding,
    bucket,
)
from support.google_nights import Night, may, outcomes

from stopline import vendors
from stopline.connectors.gcp import buckets, commands
from stopline.drill.google.objects import add_object, age
from stopline.drill.google.server import Google
from stopline.errors import ConfigError
from stopline.model import Document, Gap, Scope, State
from stopline.receipts import Cause, Outcome
from stopline.text import Json

LABELS = f"{GCS}/labels"
OBJECT = f"{LABELS}/objects/batch.json"


def said(google: Google, name: str = LABELS) -> Json:
    """What a bucket says of itself."""
    return google.state.get(name).data


def uploaded(google: Google) -> None:
    """There is an object in it."""
    add_object(google.state, google.state.get(LABELS), "batch.json", (b"1", "text/json"), ([], ""))


def settings_of(night: Night) -> list[str]:
    """What a plan would switch in buckets."""
    return [c.address.id for c in night.plan().changes if c.address.kind == buckets.KIND]


def test_what_google_would_have_deleted_is_still_there_and_then_all_is_as_before(
    night: Night,
) -> None:
    """No public access, no expiry, old versions kept, 90 days of grace; then word for word."""
    google = night.google
    uploaded(google)
    picture = night.picture()
    assert outcomes(night.contain()) == {Outcome.APPLIED}
    assert said(google)["iamConfiguration"]["publicAccessPrevention"] == "enforced"
    assert said(google)["versioning"] == {"enabled": True}
    assert said(google)["softDeletePolicy"] == {"retentionDurationSeconds": "7776000"}
    assert said(google)["lifecycle"] == {"rule": []}
    google.state.advance(days=40)
    age(google.state)
    assert OBJECT in google.state.resources
    assert not settings_of(night)
    assert outcomes(night.restore()) == {Outcome.APPLIED}
    assert night.picture() == picture
    age(google.state)
    assert OBJECT not in google.state.resources


def test_the_lab_goes_on_reading_and_writing_in_it(night: Night) -> None:
    """Whoever is named keeps what they have; nothing is locked, and nothing is held."""
    night.contain()
    for permission in ("storage.objects.get", "storage.objects.create", "storage.objects.delete"):
        assert may(night.google, BO, permission, LABELS)
    assert not {"retentionPolicy", "defaultEventBasedHold"} & said(night.google).keys()


def test_only_what_is_named_or_ruled_is_preserved(night: Night) -> None:
    """Other buckets that the vendor reaches keep their settings, but by the rule for all."""
    documents = {text.partition("#")[0] for text in settings_of(night)}
    assert documents == {"labels"}
    (phase,) = PLAYBOOK.phases
    rules = tuple(
        rule.model_copy(update={"how": "preserve"}) if rule.contains == "buckets" else rule
        for rule in phase.rules
    )
    freeze = PLAYBOOK.model_copy(update={"phases": (phase.model_copy(update={"rules": rules}),)})
    bucket(night.google, "exports", "lab-data")
    bucket(night.google, "elsewhere", "lab-security")
    night.playbook = freeze
    documents = {text.partition("#")[0] for text in settings_of(night)}
    assert documents == {"drop", "exports", "labels"}


def test_a_rule_that_another_admin_adds_is_kept(night: Night) -> None:
    """Before our write and during the pause; ours come back beside it."""
    google = night.google
    added: Json = {"action": {"type": "Delete"}, "condition": {"age": 4000}}

    def stranger() -> None:
        said(google)["lifecycle"]["rule"].append(added)
        google.state.touch(google.state.get(LABELS))

    google.faults.race("storage.v1.buckets.patch", stranger)
    night.contain()
    assert said(google)["lifecycle"]["rule"] == [added]
    assert outcomes(night.restore()) == {Outcome.APPLIED}
    ages = [rule["condition"].get("age") for rule in said(google)["lifecycle"]["rule"]]
    assert sorted(ages, key=str) == [30, 4000, None]


def test_a_setting_that_another_admin_changed_is_a_conflict_and_stays(night: Night) -> None:
    """Not ours any more: the rest is given back."""
    night.contain()
    said(night.google)["softDeletePolicy"] = {"retentionDurationSeconds": "1209600"}
    found = {r.change.address.part: r.outcome for r in night.restore()}
    assert found[buckets.SOFT_DELETE] is Outcome.CONFLICT
    assert said(night.google)["softDeletePolicy"] == {"retentionDurationSeconds": "1209600"}
    assert said(night.google)["lifecycle"] == {"rule": RULES_OF_LABELS}


def test_a_bucket_with_folders_keeps_no_versions_and_is_preserved_otherwise(night: Night) -> None:
    """Google takes no versions there, so none are asked for."""
    said(night.google)["hierarchicalNamespace"] = {"enabled": True}
    assert outcomes(night.contain()) == {Outcome.APPLIED}
    assert "versioning" not in said(night.google)
    assert said(night.google)["lifecycle"] == {"rule": []}


def test_a_public_bucket_is_said_to_be_open_and_preserved_it_is_not(night: Night) -> None:
    """Nobody is taken out of it who is not the vendor; preserved, it is closed to the nameless."""
    public = binding("roles/storage.objectViewer", "allUsers")
    name = bucket(night.google, "papers", "lab-data", public)
    google = night.google
    google.state.get(LABELS).policy["bindings"].append(public)
    plan = night.plan()
    (left,) = (s for s in plan.skips if s.address.kind == "bucket")
    assert (left.address.id, left.leaves_access) == ("papers", True)
    night.contain()
    assert may(google, "", "storage.objects.get", name)
    assert not may(google, "", "storage.objects.get", LABELS)
    night.restore()
    assert may(google, "", "storage.objects.get", LABELS)


def test_a_name_that_no_bucket_has_is_a_gap(night: Night) -> None:
    """The vendor's file wants it preserved."""
    selectors = VENDOR.gcp.model_copy(update={"preserve": ("labels", "typo-*")})
    vendor = VENDOR.model_copy(update={"gcp": selectors})
    found = list(night.connector.discover(vendor, Scope()))
    assert [item.what for item in found if isinstance(item, Gap)] == ["bucket typo-*"]


def test_a_bucket_that_is_gone_is_said_to_be(night: Night) -> None:
    """Its settings go with it."""
    night.contain()
    night.google.state.remove(night.google.state.get(LABELS))
    receipts = [r for r in night.restore() if r.change.address.kind == buckets.KIND]
    assert {r.cause for r in receipts} == {Cause.GONE}


def test_a_rule_that_is_said_twice_is_two(google: Google) -> None:
    """Each has a name of its own."""
    rule = RULES_OF_LABELS[0]
    found = buckets.settings({"lifecycle": {"rule": [rule, rule]}})
    parts = [part for part in found if part.startswith(buckets.RULE)]
    assert len(parts) == 2
    assert found[parts[0]] == found[parts[1]] == State.of(rule)


def test_rules_are_put_back_by_hand_only_where_nobody_made_others(night: Night) -> None:
    """The command writes all rules at once, so it looks first."""
    changes = [c for c in night.plan().changes if c.address.kind == buckets.KIND]
    document = Document("gcp", changes[0].address.realm, buckets.KIND, "labels")
    there = commands.commands(document, changes).lines
    assert any(line.endswith("--clear-lifecycle") for line in there)
    back = commands.commands(document, [c.inverse() for c in changes]).lines
    assert any("not_done" in line for line in back)
    assert any(line.endswith("--soft-delete-duration=604800s") for line in back)
    assert any(line.endswith("--no-versioning") for line in back)


@pytest.mark.parametrize("name", ["*", "A", "a b", "gs://labels"])
def test_what_is_no_buckets_name_is_refused(name: str) -> None:
    """With the file and the line."""
    text = f"vendor: mercor\ngcp: {{domains: [mercor.example], preserve: ['{name}']}}\n"
    with pytest.raises(ConfigError, match="a bucket's name or a glob of one"):
        vendors.parse_vendor(text, "mercor.yaml")


def test_buckets_alone_select_nobody() -> None:
    """What is to be preserved is not whom to stop."""
    text = "vendor: mercor\ngcp: {preserve: [labels]}\n"
    with pytest.raises(ConfigError, match="nothing selects"):
        vendors.parse_vendor(text, "mercor.yaml")
