"""Policies below a project and inside a bucket: found, denied, taken out and given back."""

import re
from urllib.parse import unquote

import pytest
from support.google import (
    BO,
    CONDITION,
    CRM,
    DATA_TEAM,
    FOLDER,
    GCS,
    ORG,
    PULL,
    TOPIC,
    VENDOR,
    WORKER,
    binding,
)
from support.google_nights import PROJECT, Night, may, outcomes

from stopline.connectors.gcp import commands
from stopline.connectors.gcp.dialects import DIALECTS, known, of_folder
from stopline.drill.google.documents import methods
from stopline.drill.google.faults import Moment
from stopline.drill.google.state import Resource
from stopline.model import Address, Breadth, Change, Direction, Grant, Scope, State
from stopline.receipts import Outcome
from stopline.text import Json

INSIDE = f"{GCS}/{unquote(FOLDER.removeprefix('buckets/'))}"
PLACES = {
    "pubsub.googleapis.com/projects/lab-data/subscriptions/s": "roles/pubsub.admin",
    "secretmanager.googleapis.com/projects/lab-data/secrets/s": "roles/secretmanager.admin",
    "cloudkms.googleapis.com/projects/lab-data/locations/eu/keyRings/r": "roles/cloudkms.admin",
    "cloudkms.googleapis.com/projects/lab-data/locations/eu/keyRings/r/cryptoKeys/k": (
        "roles/cloudkms.admin"
    ),
    "artifactregistry.googleapis.com/projects/lab-data/locations/eu/repositories/r": (
        "roles/artifactregistry.admin"
    ),
    "bigquery.googleapis.com/projects/lab-data/datasets/d/tables/t": "roles/bigquery.dataEditor",
    "run.googleapis.com/projects/lab-data/locations/eu/services/s": "roles/run.admin",
    "run.googleapis.com/projects/lab-data/locations/eu/jobs/j": "roles/run.admin",
}


def put(night: Night, name: str, *bindings: Json) -> Resource:
    """A resource of the lab's with a policy."""
    kind = f"{name.partition('/')[0]}/Thing"
    held = {"bindings": list(bindings)}
    return night.google.state.add(Resource(f"//{name}", kind, PROJECT, {}, held))


def members(night: Night, name: str) -> set[str]:
    """Who is in a policy."""
    found = night.google.state.get(name).policy.get("bindings", [])
    return {m for b in found for m in b["members"]}


def test_a_topic_and_a_folder_of_a_bucket_are_let_go_and_given_back(night: Night) -> None:
    """One member is taken out of each; who is there besides stays, also under its condition."""
    picture, topic = night.picture(), f"//{TOPIC}"
    assert may(night.google, PULL, "pubsub.topics.delete", topic)
    assert outcomes(night.contain()) == {Outcome.APPLIED}
    assert not may(night.google, PULL, "pubsub.topics.delete", topic)
    assert (members(night, topic), members(night, INSIDE)) == ({DATA_TEAM}, {BO})
    assert not night.plan().changes
    assert outcomes(night.restore()) == {Outcome.APPLIED}
    back = binding("roles/storage.legacyBucketOwner", BO, PULL, condition=CONDITION)
    assert night.google.state.get(INSIDE).policy["bindings"] == [back]
    assert night.picture() == picture


@pytest.mark.parametrize("name", PLACES)
def test_each_kind_of_resource_has_its_dialect(night: Night, name: str) -> None:
    """Read at version 3 by its own method, written on its etag, and given back."""
    put(night, name, binding(PLACES[name], PULL, DATA_TEAM))
    picture = night.picture()
    night.contain()
    assert members(night, f"//{name}") == {DATA_TEAM}
    night.restore()
    assert night.picture() == picture


def test_each_method_of_the_table_is_in_googles_documents() -> None:
    """And takes the words that the table gives it, also for the version that it asks."""
    for one in DIALECTS:
        api, version, path = one.getter.split("/")
        keys = {m.key for m in methods(api, version)}
        assert f"{api}.{version}.{path}" in keys
        assert f"{api}.{version}.{path.replace('getIam', 'setIam')}" in keys
        name = re.sub(r"\(\?P<\w+>|\)", "", one.names).replace("[^/]+", "x").replace(".+", "x/")
        assert known(name.replace("\\", "")) is one


def test_a_folder_is_a_way_into_its_bucket(night: Night) -> None:
    """Who comes into a bucket through a folder only may read in it: the bucket is looked at."""
    night.google.state.get(f"{GCS}/labels").policy = {}
    found = [f for f in night.connector.discover(VENDOR, Scope()) if isinstance(f, Grant) and f.via]
    (bucket,) = (g for g in found if g.address.kind == "bucket" and g.address.id == "labels")
    assert f"roles/storage.legacyBucketOwner on {FOLDER}" in bucket.via


def folder(night: Night, name: str, *bindings: Json) -> str:
    """A managed folder of the bucket `labels`; returns its full name."""
    full, held = f"{GCS}/labels/managedFolders/{name}", {"bindings": list(bindings)}
    kind, data = "storage.googleapis.com/ManagedFolder", {"name": name, "bucket": "labels"}
    night.google.state.add(Resource(full, kind, f"{GCS}/labels", data, held))
    return full


@pytest.mark.parametrize("name", ["in/a#1/", "in/a%231/", "in/100%/"])
def test_a_folder_is_never_taken_for_another(night: Night, name: str) -> None:
    """A name may have the marks by which we cut and quote; what it begins like is left alone."""
    role = "roles/storage.legacyBucketOwner"
    meant = folder(night, name, binding(role, BO, PULL))
    others = [folder(night, other, binding(role, BO)) for other in ("in/a", "in/a#2/", "in/a%2/")]
    revisions = [night.google.state.get(other).policy_revision for other in others]
    picture = night.picture()
    assert outcomes(night.contain()) == {Outcome.APPLIED}
    assert not night.plan().gaps
    assert members(night, meant) == {BO}
    assert outcomes(night.restore()) == {Outcome.APPLIED}
    assert members(night, meant) == {BO, PULL}
    assert [night.google.state.get(other).policy_revision for other in others] == revisions
    assert night.picture() == picture


def test_a_policy_that_nothing_here_writes_is_told_and_left_open(night: Night) -> None:
    """Found by the search: what the deny reaches is contained, the rest is for a person's hand."""
    strange = put(
        night,
        "dataform.googleapis.com/projects/lab-data/locations/eu/repositories/r",
        binding("roles/run.admin", PULL),
        binding("roles/pubsub.publisher", PULL),
    )
    plan = night.plan()
    open_ = [s for s in plan.skips if s.leaves_access and s.principal == PULL]
    assert ["by hand" in s.reason for s in open_] == [True]
    assert "roles/run.admin" in open_[0].reason
    night.carry_out(plan, Direction.CONTAIN)
    assert members(night, strange.name) == {PULL}
    night.restore()


def test_a_search_that_is_refused_is_a_gap_and_the_rest_is_contained(night: Night) -> None:
    """Without it nobody knows what lies below the projects; the tree itself is still read."""
    top = night.google.state.get(f"{CRM}/organizations/{ORG}")
    kept = [b for b in top.policy["bindings"] if b["role"] != "roles/cloudasset.viewer"]
    top.policy = {"bindings": kept}
    plan = night.plan()
    assert [gap.what for gap in plan.gaps] == ["policies below projects"]
    assert "searchAllIamPolicies" in plan.gaps[0].cause
    assert plan.changes
    assert WORKER not in {c.principal for c in plan.changes}


def test_what_a_search_still_shows_and_is_gone_is_no_gap(night: Night) -> None:
    """A search may be minutes behind what it shows."""
    night.google.faults.add("pubsub.v1.projects.topics.getIamPolicy", Moment.BEFORE, 404)
    plan = night.plan()
    assert not plan.gaps
    assert not [c for c in plan.changes if TOPIC in c.address.id]


def test_projects_that_the_estate_does_not_name_are_not_looked_into(night: Night) -> None:
    """The search shows the whole organisation; what lies elsewhere is not ours to touch."""
    clients = night.connector.clients
    clients.estate = clients.estate.model_copy(update={"projects": ("lab-security",)})
    assert not [c for c in night.plan().changes if TOPIC in c.address.id]


def by_hand(resource: str, condition: Json = None) -> str:
    """The command that takes an entry out."""
    said: dict[str, Json] = {"member": PULL, "role": "roles/x"}
    said |= {"condition": condition} if condition else {}
    where = Address("gcp", ORG, "allow-policy-entry", f"{resource}#roles/x/{PULL}")
    change = Change(where, State.of(said), None, "rule", Breadth.NARROW)
    return commands.commands(where.document, [change]).lines[-1]


def test_a_person_can_do_it_by_hand() -> None:
    """With the group and the options of each kind; where no command is known it is said so."""
    words = f"--member={PULL} --role=roles/x"
    edit = "remove-iam-policy-binding"
    assert by_hand(TOPIC) == f"gcloud pubsub topics {edit} labels --project=lab-data {words}"
    key = "cloudkms.googleapis.com/projects/p/locations/eu/keyRings/r/cryptoKeys/k"
    where = "--project=p --location=eu --keyring=r"
    assert by_hand(key) == f"gcloud kms keys {edit} k {where} {words} --condition=None"
    folder = f"gcloud storage managed-folders {edit} 'gs://labels/in/a b/' {words} --condition=None"
    assert by_hand(FOLDER) == folder
    assert "'gs://labels/a#1/'" in by_hand(of_folder("labels", "a#1/"))
    assert by_hand(TOPIC, CONDITION).startswith("not_done ")
    table = "bigquery.googleapis.com/projects/p/datasets/d/tables/t"
    assert by_hand(table).startswith("not_done 'remove roles/x on bigquery")
