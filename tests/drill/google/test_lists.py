"""Access lists, holds and uniform access at the emulated Cloud Storage."""

import pytest
from googleapiclient.errors import HttpError
from support.google_lab import ANA, LAB, OPEN_OBJECT, OPERATOR, VENDOR_ROBOT

from stopline.drill.google.oracle import can
from stopline.drill.google.server import Google
from stopline.text import Json

LEGACY = "//storage.googleapis.com/legacy"
PUSHER = f"serviceAccount:{VENDOR_ROBOT}"
ENTITY = f"user-{VENDOR_ROBOT}"


def storage(google: Google, token: str = OPERATOR) -> Json:
    """The client of Cloud Storage."""
    return google.client("storage", "v1", token)


def uniform(google: Google, *, on: bool) -> Json:
    """Switch uniform access of the bucket."""
    body = {"iamConfiguration": {"uniformBucketLevelAccess": {"enabled": on}}}
    return storage(google).buckets().patch(bucket="legacy", body=body).execute()


def test_an_entry_is_taken_out_and_given_back(google: Google) -> None:
    """Of a bucket's list; in between its holder can write no more."""
    before = google.state.fingerprint()
    entries = storage(google).bucketAccessControls()
    kept = entries.list(bucket="legacy").execute()["items"]
    assert [(e["entity"], e["role"]) for e in kept] == [(ENTITY, "WRITER")]
    assert can(google.state, PUSHER, "storage.objects.create", LEGACY)
    entries.delete(bucket="legacy", entity=ENTITY).execute()
    assert not can(google.state, PUSHER, "storage.objects.create", LEGACY)
    with pytest.raises(HttpError) as found:
        entries.delete(bucket="legacy", entity=ENTITY).execute()
    assert found.value.resp.status == 404
    entries.insert(bucket="legacy", body={"entity": ENTITY, "role": "WRITER"}).execute()
    assert google.state.fingerprint() == before


def test_an_old_generation_has_an_entry_of_its_own(google: Google) -> None:
    """It is named by its generation, and taken out there only."""
    google.state.resources[LEGACY].policy = {}
    client = storage(google)
    listed = client.objects().list(bucket="legacy", versions=True, projection="full").execute()
    old = next(o for o in listed["items"] if "timeDeleted" in o)
    which = {"bucket": "legacy", "object": "old.csv", "generation": old["generation"]}
    name = f"{OPEN_OBJECT}#{old['generation']}"
    assert can(google.state, ANA, "storage.objects.get", name)
    client.objectAccessControls().delete(**which, entity="user-ana@mercor.example").execute()
    assert not can(google.state, ANA, "storage.objects.get", name)


def test_who_uploads_owns_and_the_public_can_be_let_in_by_a_list(google: Google) -> None:
    """The uploader's entry stays on the object whatever becomes of the bucket's."""
    google.state.resources[LEGACY].policy = {}
    google.state.resources[LAB].policy = {}
    theirs = storage(google, PUSHER)
    body: Json = {"name": "theirs.csv"}
    theirs.objects().insert(bucket="legacy", body=body).execute()
    name = f"{LEGACY}/objects/theirs.csv"
    assert can(google.state, PUSHER, "storage.objects.get", name)
    entry = {"entity": "allUsers", "role": "READER"}
    theirs.objectAccessControls().insert(bucket="legacy", object="theirs.csv", body=entry).execute()
    assert can(google.state, "", "storage.objects.get", name)


def test_uniform_access_passes_over_lists_and_refuses_to_change_them(google: Google) -> None:
    """They come back with everything in them when it is switched off again in time."""
    before = google.state.fingerprint()
    assert "lockedTime" in uniform(google, on=True)["iamConfiguration"]["uniformBucketLevelAccess"]
    assert not can(google.state, PUSHER, "storage.objects.create", LEGACY)
    with pytest.raises(HttpError) as found:
        storage(google).bucketAccessControls().list(bucket="legacy").execute()
    assert found.value.resp.status == 400
    uniform(google, on=False)
    assert can(google.state, PUSHER, "storage.objects.create", LEGACY)
    assert google.state.fingerprint() == before


def test_after_ninety_days_uniform_access_stays(google: Google) -> None:
    """The last day on which it can be taken back is in the answer."""
    uniform(google, on=True)
    google.state.advance(days=91)
    with pytest.raises(HttpError) as found:
        uniform(google, on=False)
    assert found.value.resp.status == 412


def test_what_is_held_cannot_be_deleted(google: Google) -> None:
    """A temporary hold is a switch; without it the live object becomes noncurrent."""
    objects = storage(google).objects()
    which = {"bucket": "legacy", "object": "old.csv"}
    objects.patch(**which, body={"temporaryHold": True}).execute()
    with pytest.raises(HttpError) as found:
        objects.delete(**which).execute()
    assert found.value.resp.status == 403
    objects.patch(**which, body={"temporaryHold": False}).execute()
    objects.delete(**which).execute()
    listed = objects.list(bucket="legacy", versions=True).execute()["items"]
    assert len(listed) == 2
    assert all("timeDeleted" in o for o in listed)


def test_only_what_is_asked_for_is_answered(google: Google) -> None:
    """The `fields` of a request choose, at every depth."""
    found = storage(google).buckets().list(
        project="lab", fields="items(name,iamConfiguration/publicAccessPrevention)"
    )  # fmt: skip
    assert found.execute() == {
        "items": [
            {"name": name, "iamConfiguration": {"publicAccessPrevention": "inherited"}}
            for name in ("deliveries", "legacy")
        ]
    }


def test_a_parameter_without_a_meaning_here_makes_no_success(google: Google) -> None:
    """What is not looked at is refused, rather than passed over."""
    with pytest.raises(HttpError) as found:
        storage(google).objects().list(bucket="legacy", startOffset="x").execute()
    assert found.value.resp.status == 501
    assert b"startOffset" in found.value.content
