"""The emulated Google as a server: what it knows, what it refuses, and its bad nights."""

import time
from concurrent.futures import ThreadPoolExecutor

import httplib2
import pytest
from googleapiclient.errors import HttpError
from googleapiclient.http import MediaInMemoryUpload
from support.google_lab import ANA, LAB, OPERATOR, ROBOT, STRANGER

from stopline.drill.google.client import service
from stopline.drill.google.faults import Moment, modelled
from stopline.drill.google.server import Google

STOPLINE = "serviceAccount:stopline@lab.iam.gserviceaccount.com"


def test_what_is_not_implemented_is_never_a_success(google: Google) -> None:
    """A method of Google's that has no behaviour here answers 501, with its own name."""
    projects = google.client("cloudresourcemanager", "v3", OPERATOR).projects()
    with pytest.raises(HttpError) as found:
        projects.delete(name="projects/lab").execute()
    assert found.value.resp.status == 501
    assert b"cloudresourcemanager.v3.projects.delete" in found.value.content


@pytest.mark.parametrize("path", ["/storage/v1/storage/v1/nothing/at/all", "/none/v1/x", "/"])
def test_what_google_does_not_know_is_not_found(google: Google, path: str) -> None:
    """A path that no document has is 404."""
    http = httplib2.Http()
    answer, _ = http.request(google.url + path)
    http.close()
    assert answer.status == 404


@pytest.mark.parametrize(
    "query", ["parent=folders%2F100&pageSize=many", "pageSize=5", "parent=folders%2F100&x=1"]
)
def test_a_query_is_held_to_the_document(google: Google, query: str) -> None:
    """A number that is none, what is required and missing, what does not exist."""
    http = httplib2.Http()
    path = f"/cloudresourcemanager/v3/v3/projects?{query}"
    answer, _ = http.request(google.url + path, headers={"authorization": "Bearer operator"})
    http.close()
    assert answer.status == 400


def test_a_question_too_long_for_an_address_is_sent_as_a_form(google: Google) -> None:
    """Google's client does so by itself, beyond 2,048 characters."""
    buckets = google.client("storage", "v1", ANA).buckets()
    wanted = ["storage.objects.get", *(f"storage.objects.get{n}" for n in range(100))]
    held = buckets.testIamPermissions(bucket="deliveries", permissions=wanted).execute()
    assert held["permissions"] == ["storage.objects.get"]


def test_an_older_service_passes_over_what_it_does_not_know(google: Google) -> None:
    """The field is not stored, so that a name that is misspelt changes nothing."""
    buckets = google.client("storage", "v1", OPERATOR).buckets()
    before = google.state.fingerprint()
    body = {"iamConfiguration": {"publicAccessPrevetion": "enforced"}, "lables": {"a": "b"}}
    buckets.patch(bucket="deliveries", body=body).execute()
    assert google.state.fingerprint() == before


def test_a_parameter_that_does_not_exist_is_refused(google: Google) -> None:
    """Also where the client would not have let it through."""
    http = httplib2.Http()
    path = "/cloudresourcemanager/v3/v3/projects?parent=folders%2F100&nonsense=1"
    answer, content = http.request(google.url + path, headers={"authorization": "Bearer operator"})
    http.close()
    assert answer.status == 400
    assert b"nonsense" in content


def test_each_caller_sees_only_what_it_may(google: Google) -> None:
    """The same calls, as a stranger and as stopline's own account."""
    hers = google.client("cloudresourcemanager", "v3", STRANGER).projects()
    assert hers.search().execute() == {}
    with pytest.raises(HttpError) as found:
        hers.getIamPolicy(resource="projects/lab", body={}).execute()
    assert found.value.resp.status == 403
    assert b"resourcemanager.projects.getIamPolicy" in found.value.content
    ours = google.client("iam", "v1", STOPLINE).projects().serviceAccounts()
    assert len(ours.list(name="projects/lab").execute()["accounts"]) == 3
    wanted = {"permissions": ["storage.objects.get", "storage.buckets.delete"]}
    asked = google.client("storage", "v1", ANA).buckets()
    held = asked.testIamPermissions(bucket="deliveries", **wanted).execute()
    assert held["permissions"] == ["storage.objects.get"]


def test_a_reply_can_be_lost_after_the_write(google: Google) -> None:
    """The write is there, the caller does not know."""
    google.faults.add("iam.v1.*.disable", Moment.AFTER)
    accounts = google.client("iam", "v1", OPERATOR).projects().serviceAccounts()
    name = f"projects/lab/serviceAccounts/{ROBOT}"
    with pytest.raises(HttpError) as found:
        accounts.disable(name=name, body={}).execute()
    assert found.value.resp.status == 503
    assert accounts.get(name=name).execute()["disabled"] is True
    google.faults.add("iam.v1.*.enable", Moment.AFTER, status=0, times=2)  # the client tries twice
    with pytest.raises((ConnectionError, httplib2.error.HttpLib2Error, OSError)):
        accounts.enable(name=name, body={}).execute()
    assert "disabled" not in accounts.get(name=name).execute()


def test_quotas_are_those_that_google_publishes(google: Google) -> None:
    """Five reads of deny policies in a minute, then 429, until the minute is over."""
    google.faults.quotas = modelled()
    policies = google.client("iam", "v2", OPERATOR).policies()
    point = "policies/cloudresourcemanager.googleapis.com%2Forganizations%2F1/denypolicies"
    for _ in range(5):
        policies.listPolicies(parent=point).execute()
    with pytest.raises(HttpError) as found:
        policies.listPolicies(parent=point).execute()
    assert found.value.resp.status == 429
    assert b"RESOURCE_EXHAUSTED" in found.value.content
    google.state.advance(seconds=61)
    assert policies.listPolicies(parent=point).execute() == {}


def test_a_bucket_is_changed_once_a_second(google: Google) -> None:
    """The second change in a second is refused with 429; another bucket's is not."""
    google.faults.quotas = modelled()
    buckets = google.client("storage", "v1", OPERATOR).buckets()
    buckets.patch(bucket="deliveries", body={"labels": {"a": "1"}}).execute()
    with pytest.raises(HttpError) as found:
        buckets.patch(bucket="deliveries", body={"labels": {"a": "2"}}).execute()
    assert found.value.resp.status == 429
    assert b"rateLimitExceeded" in found.value.content
    buckets.patch(bucket="legacy", body={"labels": {"a": "1"}}).execute()
    google.state.advance(seconds=1.1)
    buckets.patch(bucket="deliveries", body={"labels": {"a": "2"}}).execute()


def test_a_slow_call_works_and_takes_its_time(google: Google) -> None:
    """Nobody else waits for it."""
    google.faults.slow("cloudresourcemanager.v3.projects.get", 0.3)
    projects = google.client("cloudresourcemanager", "v3", OPERATOR).projects()
    started = time.monotonic()
    assert projects.get(name="projects/lab").execute()["name"] == "projects/77"
    assert time.monotonic() - started >= 0.3


def test_a_project_that_is_not_there_is_refused_like_one_that_is_not_ours(google: Google) -> None:
    """Google does not say which of the two it is."""
    projects = google.client("cloudresourcemanager", "v3", OPERATOR).projects()
    for name in ("projects/no-such-project", "projects/mercor-prod"):
        with pytest.raises(HttpError) as found:
            projects.get(name=name).execute()
        assert found.value.resp.status == 403


def test_a_stranger_can_write_between_our_read_and_write(google: Google) -> None:
    """A race is lost with 409, as at Google."""
    projects = google.client("cloudresourcemanager", "v3", OPERATOR).projects()
    options = {"options": {"requestedPolicyVersion": 3}}
    policy = projects.getIamPolicy(resource="projects/lab", body=options).execute()

    def stranger() -> None:
        found = google.state.resources[LAB]
        found.policy_revision = google.state.next_revision()

    google.faults.race("cloudresourcemanager.v3.projects.setIamPolicy", stranger)
    body = {"policy": {**policy, "version": 3}}
    with pytest.raises(HttpError) as found:
        projects.setIamPolicy(resource="projects/lab", body=body).execute()
    assert found.value.resp.status == 409


def test_pages_may_be_small_and_empty(google: Google) -> None:
    """A list is whole only for who follows every token, one for other parameters is refused."""
    google.state.page_limit, google.state.empty_pages = 1, True
    accounts = google.client("iam", "v1", OPERATOR).projects().serviceAccounts()
    request, found, pages = accounts.list(name="projects/lab"), [], 0
    while request is not None:
        answer = request.execute()
        found += answer.get("accounts", [])
        pages += 1
        request = accounts.list_next(request, answer)
    assert len(found) == 3
    assert pages == 6
    token = accounts.list(name="projects/lab").execute()["nextPageToken"]
    with pytest.raises(HttpError) as refusal:
        accounts.list(name="projects/quiet", pageToken=token).execute()
    assert refusal.value.resp.status == 400


def test_an_object_is_stored_and_read_by_the_plain_client(google: Google) -> None:
    """Media goes to the same address as everything else, in both of the simple ways."""
    objects = google.client("storage", "v1", f"serviceAccount:{ROBOT}").objects()
    media = MediaInMemoryUpload(b"[2]", "application/json")
    objects.insert(bucket="deliveries", name="two.json", media_body=media).execute()
    body = {"name": "three.json"}
    objects.insert(bucket="deliveries", body=body, media_body=media).execute()
    for name in ("two.json", "three.json"):
        assert objects.get_media(bucket="deliveries", object=name).execute() == b"[2]"
    listed = objects.list(bucket="deliveries").execute()["items"]
    assert [o["name"] for o in listed] == ["batch.json", "in/new.json", "three.json", "two.json"]


def test_a_buckets_metadata_is_changed_under_a_precondition(google: Google) -> None:
    """An old metageneration is refused with 412; a patch merges, and null deletes."""
    buckets = google.client("storage", "v1", OPERATOR).buckets()
    before = buckets.get(bucket="deliveries").execute()
    body = {"labels": {"a": "1", "b": "2"}}
    buckets.patch(bucket="deliveries", body=body, ifMetagenerationMatch="1").execute()
    after = buckets.patch(bucket="deliveries", body={"labels": {"a": None}}).execute()
    assert after["labels"] == {"b": "2"}
    assert after["etag"] != before["etag"]
    assert after["iamConfiguration"] == before["iamConfiguration"]
    with pytest.raises(HttpError) as found:
        buckets.patch(bucket="deliveries", body=body, ifMetagenerationMatch="1").execute()
    assert found.value.resp.status == 412


def test_hmac_keys_are_switched_off_and_on(google: Google) -> None:
    """With the tag that was read; an old one is refused."""
    keys = google.client("storage", "v1", OPERATOR).projects().hmacKeys()
    which = {"projectId": "lab", "accessId": "GOOG1"}
    found = keys.get(**which).execute()
    keys.update(**which, body={"state": "INACTIVE", "etag": found["etag"]}).execute()
    with pytest.raises(HttpError) as refusal:
        keys.update(**which, body={"state": "ACTIVE", "etag": found["etag"]}).execute()
    assert refusal.value.resp.status == 412
    assert keys.list(projectId="lab").execute()["items"][0]["state"] == "INACTIVE"


def test_eight_threads_lose_no_edit(google: Google) -> None:
    """Each reads, edits and writes under the tag until it is through: all edits are there."""
    options = {"options": {"requestedPolicyVersion": 3}}
    which = {"resource": "projects/lab"}

    def add(number: int) -> None:
        client = service(google.url, "cloudresourcemanager", "v3", OPERATOR)
        projects = client.projects()
        member = f"user:person{number}@elsewhere.example"
        for _ in range(50):
            policy = projects.getIamPolicy(**which, body=options).execute()
            element = {"role": "roles/browser", "members": [member]}
            bindings = [*policy["bindings"], element]
            body = {"policy": {**policy, "bindings": bindings, "version": 3}}
            try:
                projects.setIamPolicy(**which, body=body).execute()
                break
            except HttpError as error:
                assert error.resp.status == 409  # noqa: PT017 - the loop goes on after it
        client.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(8)))
    (found,) = [
        b for b in google.state.resources[LAB].policy["bindings"] if b["role"].endswith("browser")
    ]
    assert sorted(found["members"]) == [f"user:person{n}@elsewhere.example" for n in range(8)]
