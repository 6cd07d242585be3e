"""Access lists, holds and uniform access at the emulated Cloud Storage."""

import pytest
from googleapiclient.errors import HttpError
from support.google_lab import ANA, LAB, OPEN_OBJECT, OPERATOR, VENDOR_ROBOT

from stopline.drill.google.oracle import DENY, can
from stopline.drill.google.server import Google
from stopline.drill.google.state import Resource
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


def test_no_deny_reaches_what_a_list_gives(google: Google) -> None:
    """Google says nowhere that it does: whoever relies on it is found out here."""
    google.state.resources[LEGACY].policy = {}
    who = f"principal://iam.googleapis.com/projects/-/serviceAccounts/{VENDOR_ROBOT}"
    rule = {
        "deniedPrincipals": [who],
        "deniedPermissions": ["storage.googleapis.com/objects.create"],
    }
    data: Json = {"rules": [{"denyRule": rule}]}
    google.state.add(Resource("//iam.googleapis.com/policies/x", DENY, LAB, data))
    assert can(google.state, PUSHER, "storage.objects.create", LEGACY)


def test_a_whole_list_is_put_on_the_metageneration_that_was_read(google: Google) -> None:
    """One that has moved meanwhile refuses; one entry for each entity stays of what was sent."""
    buckets = storage(google).buckets()
    told = buckets.get(bucket="legacy", projection="full").execute()
    kept = [{"entity": "user-eve@lab.example", "role": "OWNER"}]
    words = {"bucket": "legacy", "ifMetagenerationMatch": told["metageneration"]}
    answer = buckets.patch(**words, body={"acl": kept * 2}, projection="full").execute()
    assert len(answer["acl"]) == 1
    with pytest.raises(HttpError) as found:
        buckets.patch(**words, body={"acl": []}).execute()
    assert found.value.resp.status == 412
    assert not can(google.state, PUSHER, "storage.objects.create", LEGACY)


@pytest.mark.parametrize("entity", ["", "somebody", "user-nobody@lab.example"])
def test_who_is_nobody_gets_no_entry(google: Google, entity: str) -> None:
    """Neither alone nor in a whole list."""
    told = {"entity": entity, "role": "READER"}
    for call in (
        storage(google).bucketAccessControls().insert(bucket="legacy", body=told),
        storage(google).buckets().patch(bucket="legacy", body={"defaultObjectAcl": [told]}),
    ):
        with pytest.raises(HttpError) as found:
            call.execute()
        assert found.value.resp.status == 400


def test_who_owns_an_object_stays_in_its_list(google: Google) -> None:
    """The entry cannot be deleted, and a list without it is kept with it."""
    google.state.resources[LEGACY].policy = {}
    google.state.resources[LAB].policy = {}
    storage(google, PUSHER).objects().insert(bucket="legacy", body={"name": "own.csv"}).execute()
    which = {"bucket": "legacy", "object": "own.csv"}
    with pytest.raises(HttpError) as found:
        storage(google).objectAccessControls().delete(**which, entity=ENTITY).execute()
    assert found.value.resp.status == 400
    answer = storage(google).objects().patch(**which, body={"acl": []}, projection="full").execute()
    assert answer["owner"] == {"entity": ENTITY}
    assert [(e["entity"], e["role"]) for e in answer["acl"]] == [(ENTITY, "OWNER")]
    assert can(google.state, PUSHER, "storage.objects.get", f"{LEGACY}/objects/own.csv")
