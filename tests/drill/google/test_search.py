"""Searches, roles, datasets and other policies of the emulated Google."""

import pytest
from googleapiclient.errors import HttpError
from support.google_lab import (
    ANA,
    BUCKET,
    EVE,
    GUESTS,
    LAB,
    OPERATOR,
    POOL_SET,
    ROBOT,
    ROBOT_NAME,
    STRANGER,
    SUBJECT,
    VENDOR_ROBOT,
)

from stopline.drill.google.oracle import can
from stopline.drill.google.server import Google
from stopline.text import Json

ANSWERS = "//bigquery.googleapis.com/projects/lab/datasets/answers"
TABLE = f"{ANSWERS}/tables/t"
TOPIC = "//pubsub.googleapis.com/projects/lab/topics/done"


def found_by(google: Google, query: str, **more: Json) -> dict[str, Json]:
    """What a search of policies finds, by resource."""
    client = google.client("cloudasset", "v1", OPERATOR).v1()
    request = client.searchAllIamPolicies(scope="organizations/1", query=query, **more)
    found = {}
    while request is not None:
        answer = request.execute()
        found |= {r["resource"]: r["policy"]["bindings"] for r in answer.get("results", [])}
        request = client.searchAllIamPolicies_next(request, answer)
    return found


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ('policy:"mercor.example"', {LAB, ROBOT_NAME, TOPIC, ANSWERS}),
        (f'policy:"{VENDOR_ROBOT}"', {BUCKET}),
        ('policy:"workloadIdentityPools/ci"', {LAB}),
        ("memberTypes:allUsers", {"//storage.googleapis.com/legacy"}),
        ('policy:"ercor.example"', set()),  # whole words only
    ],
)
def test_a_search_shows_only_what_it_was_asked_for(
    google: Google, query: str, where: set[str]
) -> None:
    """Each policy with the elements that meet the query, over all pages."""
    google.state.page_limit = 1
    found = found_by(google, query)
    assert set(found) == where
    if LAB in found and "workload" in query:
        assert [b["members"] for b in found[LAB]] == [[POOL_SET, GUESTS]]


def test_a_query_that_is_not_understood_is_refused(google: Google) -> None:
    """A search never passes over a part of its query."""
    with pytest.raises(HttpError) as found:
        found_by(google, "policy:mercor OR policy:scale")
    assert found.value.resp.status == 400


def test_resources_are_found_by_kind_where_they_lie(google: Google) -> None:
    """But for access lists, keys and all of Workspace, which no search finds."""
    client = google.client("cloudasset", "v1", OPERATOR).v1()
    kinds = ["iam.googleapis.com/ServiceAccount", "storage.googleapis.com/Object"]
    answer = client.searchAllResources(scope="projects/lab", assetTypes=kinds).execute()
    found = {r["name"] for r in answer["results"]}
    assert ROBOT_NAME in found
    assert len(found) == 3
    assert answer["results"][0]["folders"] == ["folders/100"]


def test_a_role_says_what_it_gives(google: Google) -> None:
    """Predefined ones to anybody; our own to who may read them."""
    roles = google.client("iam", "v1", STRANGER).roles()
    viewer = roles.get(name="roles/storage.objectViewer").execute()
    assert viewer["includedPermissions"] == ["storage.objects.get", "storage.objects.list"]
    own = google.client("iam", "v1", OPERATOR).organizations().roles()
    name = "organizations/1/roles/labeller"
    assert own.get(name=name).execute()["includedPermissions"] == viewer["includedPermissions"]
    theirs = google.client("iam", "v1", STRANGER).organizations().roles()
    with pytest.raises(HttpError) as found:
        theirs.get(name=name).execute()
    assert found.value.resp.status == 403


def test_a_datasets_access_is_replaced_as_a_whole_under_a_tag(google: Google) -> None:
    """Who is left out of the list is out; an old tag is refused with 412."""
    datasets = google.client("bigquery", "v2", OPERATOR).datasets()
    which = {"projectId": "lab", "datasetId": "answers", "accessPolicyVersion": 3}
    assert can(google.state, ANA, "bigquery.tables.getData", TABLE)
    assert can(google.state, EVE, "bigquery.tables.getData", TABLE)
    before = datasets.get(**which).execute()
    rest = [e for e in before["access"] if "userByEmail" not in e]
    for code in (200, 412):
        request = datasets.patch(**which, body={"access": rest})
        request.headers["If-Match"] = before["etag"]
        if code == 200:
            request.execute()
            continue
        with pytest.raises(HttpError) as found:
            request.execute()
        assert found.value.resp.status == 412
    assert not can(google.state, ANA, "bigquery.tables.getData", TABLE)
    datasets.patch(**which, body={"access": before["access"]}).execute()
    assert can(google.state, ANA, "bigquery.tables.getData", TABLE)


def test_a_role_of_a_dataset_comes_back_in_its_old_spelling(google: Google) -> None:
    """And a view of the access list shows nothing else, a view of the rest no access list."""
    before = google.state.fingerprint()
    datasets = google.client("bigquery", "v2", OPERATOR).datasets()
    which = {"projectId": "lab", "datasetId": "answers"}
    access = datasets.get(**which, datasetView="ACL").execute()["access"]
    modern = {"READER": "roles/bigquery.dataViewer", "OWNER": "roles/bigquery.dataOwner"}
    written = [{**e, "role": modern[e["role"]]} if "role" in e else e for e in access]
    datasets.patch(**which, body={"access": written}, updateMode="UPDATE_ACL").execute()
    assert google.state.fingerprint() == before
    assert "access" not in datasets.get(**which, datasetView="METADATA").execute()
    with pytest.raises(HttpError) as found:
        datasets.patch(**which, body={"access": []}, updateMode="UPDATE_METADATA").execute()
    assert found.value.resp.status == 501


def refused(request: Json) -> int:
    """The code of a request that is refused."""
    with pytest.raises(HttpError) as found:
        request.execute()
    return int(found.value.resp.status)


def test_whom_another_field_of_an_entry_names_is_not_kept_as_a_member(google: Google) -> None:
    """`iamMember` comes back as what it is: a person, a group, a domain; the rest stays."""
    datasets = google.client("bigquery", "v2", OPERATOR).datasets()
    which = {"projectId": "lab", "datasetId": "answers"}
    owners = {"role": "OWNER", "specialGroup": "projectOwners"}
    told = [{"role": "READER", "iamMember": m} for m in (ANA, f"serviceAccount:{ROBOT}", POOL_SET)]
    answer = datasets.patch(**which, body={"access": [owners, *told]}).execute()
    assert answer["access"][1:] == [
        {"role": "READER", "userByEmail": ANA.partition(":")[2]},
        {"role": "READER", "userByEmail": ROBOT},
        {"role": "READER", "iamMember": POOL_SET},
    ]
    assert can(google.state, SUBJECT, "bigquery.tables.getData", TABLE)


@pytest.mark.parametrize(
    "entry",
    [
        {"role": "READER", "userByEmail": "nobody@lab.example"},
        {"role": "READER", "userByEmail": "gone@elsewhere.example"},
        {"role": "READER", "userByEmail": "eve@lab.example", "domain": "lab.example"},
        {"userByEmail": "eve@lab.example"},
        {"role": "roles/no.such", "userByEmail": "eve@lab.example"},
    ],
)
def test_an_entry_that_names_nobody_is_refused(google: Google, entry: Json) -> None:
    """As is one that names two at once, or no role."""
    google.state.nobody.add("gone@elsewhere.example")
    datasets = google.client("bigquery", "v2", OPERATOR).datasets()
    body = {"access": [{"role": "OWNER", "specialGroup": "projectOwners"}, entry]}
    assert refused(datasets.patch(projectId="lab", datasetId="answers", body=body)) == 400


def test_conditions_of_a_dataset_are_for_who_knows_of_them(google: Google) -> None:
    """Below version 3 a role has another name, and a list with conditions is not written."""
    datasets = google.client("bigquery", "v2", OPERATOR).datasets()
    which = {"projectId": "lab", "datasetId": "answers"}
    until = {"title": "until", "expression": 'request.time < timestamp("2030-01-01T00:00:00Z")'}
    access = [*datasets.get(**which).execute()["access"]]
    access.append({"role": "WRITER", "userByEmail": EVE.partition(":")[2], "condition": until})
    assert refused(datasets.patch(**which, body={"access": access})) == 400
    datasets.patch(**which, body={"access": access}, accessPolicyVersion=3).execute()
    assert can(google.state, EVE, "bigquery.tables.updateData", TABLE)
    hidden = datasets.get(**which).execute()["access"][-1]
    assert hidden["role"].startswith("WRITER_withcond_")
    assert refused(datasets.patch(**which, body={"access": access[:1]})) == 400
    assert datasets.get(**which, accessPolicyVersion=3).execute()["access"] == access


def test_datasets_are_listed_for_who_may_see_them(google: Google) -> None:
    """Who may see none is not refused: there just are none."""
    google.state.page_limit, google.state.empty_pages = 1, True

    def listed(who: str) -> list[str]:
        client = google.client("bigquery", "v2", who).datasets()
        request, found = client.list(projectId="lab"), []
        while request is not None:
            answer = request.execute()
            found += [d["datasetReference"]["datasetId"] for d in answer.get("datasets", [])]
            request = client.list_next(request, answer)
        return found

    assert (listed(ANA), listed(STRANGER)) == (["answers"], [])


def test_other_services_have_the_same_policies(google: Google) -> None:
    """A topic's policy is read at version 3, changed under its tag, and tested as the vendor."""
    topics = google.client("pubsub", "v1", OPERATOR).projects().topics()
    which = {"resource": "projects/lab/topics/done"}
    policy = topics.getIamPolicy(**which, options_requestedPolicyVersion=3).execute()
    topics.setIamPolicy(**which, body={"policy": {**policy, "bindings": []}}).execute()
    hers = google.client("pubsub", "v1", ANA).projects().topics()
    body = {"permissions": ["pubsub.topics.publish"]}
    assert hers.testIamPermissions(**which, body=body).execute() == {}
    with pytest.raises(HttpError) as found:
        topics.setIamPolicy(**which, body={"policy": policy}).execute()
    assert found.value.resp.status == 409
    topics.setIamPolicy(**which, body={"policy": {"bindings": policy["bindings"]}}).execute()
    assert hers.testIamPermissions(**which, body=body).execute() == body


@pytest.mark.parametrize(
    "above",
    ["resourcemanager.projects.list", "resourcemanager.tagKeys.get", "iam.workforcePools.get"],
)
def test_a_project_refuses_a_whole_call_for_one_permission_from_above(
    google: Google, above: str
) -> None:
    """As Google does: none of the others is answered either."""
    projects = google.client("cloudresourcemanager", "v3", OPERATOR).projects()
    good = "resourcemanager.projects.get"
    which = {"resource": "projects/lab"}
    body = {"permissions": [good]}
    assert projects.testIamPermissions(**which, body=body).execute() == body
    with pytest.raises(HttpError, match=f"Permission {above} is not valid") as found:
        projects.testIamPermissions(**which, body={"permissions": [good, above]}).execute()
    assert found.value.resp.status == 400


def test_a_managed_folder_has_a_policy_of_its_own(google: Google) -> None:
    """Below the bucket's, and only for the objects in it."""
    client = google.client("storage", "v1", OPERATOR).managedFolders()
    inside = f"{BUCKET}/objects/in/new.json"
    assert can(google.state, STRANGER, "storage.objects.get", inside)
    assert not can(google.state, STRANGER, "storage.objects.get", f"{BUCKET}/objects/batch.json")
    listed = client.list(bucket="deliveries").execute()["items"]
    assert [f["name"] for f in listed] == ["in/"]
    which = {"bucket": "deliveries", "managedFolder": "in/"}
    policy = client.getIamPolicy(**which, optionsRequestedPolicyVersion=3).execute()
    client.setIamPolicy(**which, body={**policy, "bindings": []}).execute()
    assert not can(google.state, STRANGER, "storage.objects.get", inside)
