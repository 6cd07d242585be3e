"""What is deleted at the emulated Google is good for nothing, and comes back within a month."""

from collections.abc import Callable
from typing import Any

import pytest
from googleapiclient.errors import HttpError
from support.google_lab import BUCKET, LAB, OBJECT, OPERATOR, ROBOT, SUBJECT

from stopline.drill.google.oracle import can
from stopline.drill.google.server import Google
from stopline.text import Json

ACCOUNT = f"projects/lab/serviceAccounts/{ROBOT}"
WORKLOAD = "projects/77/locations/global/workloadIdentityPools/ci"
WORKFORCE = "locations/global/workforcePools/guests"
TOPIC = "//pubsub.googleapis.com/projects/lab/topics/done"


def refused(call: Callable[[], Any]) -> int:
    """The code of a refusal."""
    with pytest.raises(HttpError) as found:
        call()
    return int(found.value.resp.status)


def pools(google: Google, name: str) -> Any:
    """The methods of a kind of pool."""
    iam = google.client("iam", "v1", OPERATOR)
    if name == WORKFORCE:
        return iam.locations().workforcePools()
    return iam.projects().locations().workloadIdentityPools()


def test_an_account_is_known_by_its_number_too(google: Google) -> None:
    """Read by it, and deleted by it; nobody else can ever have that number."""
    accounts = google.client("iam", "v1", OPERATOR).projects().serviceAccounts()
    number = accounts.get(name=ACCOUNT).execute()["uniqueId"]
    assert accounts.get(name=f"projects/lab/serviceAccounts/{number}").execute()["email"] == ROBOT
    accounts.delete(name=f"projects/lab/serviceAccounts/{number}").execute()
    assert refused(accounts.get(name=ACCOUNT).execute) == 404
    assert refused(accounts.get(name=f"projects/lab/serviceAccounts/{number}").execute) == 404
    assert refused(accounts.delete(name=f"projects/lab/serviceAccounts/{number}").execute) == 404


def test_an_account_comes_back_with_its_keys_and_its_place_in_policies(google: Google) -> None:
    """By its number alone, within a month, and unless another has its address by then."""
    accounts = google.client("iam", "v1", OPERATOR).projects().serviceAccounts()
    number = accounts.get(name=ACCOUNT).execute()["uniqueId"]
    gone = f"deleted:serviceAccount:{ROBOT}?uid={number}"
    accounts.delete(name=ACCOUNT).execute()
    assert gone in str(google.state.resources[BUCKET].policy)
    assert not can(google.state, "key:k1", "storage.objects.get", OBJECT)
    undelete = accounts.undelete(name=f"projects/-/serviceAccounts/{number}", body={})
    assert undelete.execute()["restoredAccount"]["uniqueId"] == number
    assert gone not in str(google.state.resources[BUCKET].policy)
    assert can(google.state, "key:k1", "storage.objects.get", OBJECT)
    accounts.delete(name=ACCOUNT).execute()
    accounts.create(name="projects/lab", body={"accountId": "loader"}).execute()
    assert refused(undelete.execute) == 409
    accounts.delete(name=ACCOUNT).execute()
    google.state.advance(days=31)
    assert refused(undelete.execute) == 404


def test_a_deny_goes_on_naming_who_was_deleted(google: Google) -> None:
    """As somebody who is deleted: whoever is made under the name is not denied by it."""
    accounts = google.client("iam", "v1", OPERATOR).projects().serviceAccounts()
    policies = google.client("iam", "v2", OPERATOR).policies()
    parent = "policies/cloudresourcemanager.googleapis.com%2Fprojects%2Flab/denypolicies"
    who = f"principal://iam.googleapis.com/projects/-/serviceAccounts/{ROBOT}"
    rule: Json = {"deniedPrincipals": [who]}
    rule["deniedPermissions"] = ["storage.googleapis.com/objects.get"]
    body = {"rules": [{"denyRule": rule}]}
    policies.createPolicy(parent=parent, policyId="one", body=body).execute()
    number = accounts.get(name=ACCOUNT).execute()["uniqueId"]
    accounts.delete(name=ACCOUNT).execute()
    said = policies.get(name=f"{parent}/one").execute()
    named = said["rules"][0]["denyRule"]["deniedPrincipals"]
    assert named == [f"deleted:{who}?uid={number}"]
    policies.update(name=f"{parent}/one", body=said).execute()


@pytest.mark.parametrize(("name", "token"), [(WORKLOAD, SUBJECT), (WORKFORCE, "")])
def test_a_pool_is_shown_as_deleted_for_a_month_and_lets_nobody_in(
    google: Google, name: str, token: str
) -> None:
    """It cannot be changed meanwhile; brought back, it is as it was, and its tokens count again."""
    of = pools(google, name)
    listed = {"parent": "projects/77/locations/global"}
    if name == WORKFORCE:
        listed = {"location": "locations/global", "parent": "organizations/1"}
    key = "workforcePools" if name == WORKFORCE else "workloadIdentityPools"
    assert of.delete(name=name).execute()["response"]["state"] == "DELETED"
    assert of.get(name=name).execute()["state"] == "DELETED"
    assert name not in str(of.list(**listed).execute())
    assert name in [p["name"] for p in of.list(**listed, showDeleted=True).execute()[key]]
    patch = of.patch(name=name, updateMask="disabled", body={"disabled": True})
    assert refused(patch.execute) == 400
    assert refused(of.delete(name=name).execute) == 400
    if token:
        assert not can(google.state, token, "pubsub.subscriptions.consume", LAB)
    of.undelete(name=name, body={}).execute()
    assert of.get(name=name).execute()["state"] == "ACTIVE"
    if token:
        assert can(google.state, token, "pubsub.subscriptions.consume", LAB)
    assert refused(of.undelete(name=name, body={}).execute) == 400
    of.delete(name=name).execute()
    google.state.advance(days=31)
    assert refused(of.undelete(name=name, body={}).execute) == 404


def test_the_name_of_a_deleted_pool_is_not_free_for_a_month(google: Google) -> None:
    """https://cloud.google.com/iam/docs/reference/rest/v1/projects.locations.workloadIdentityPools/create"""
    of = pools(google, WORKLOAD)
    make = of.create(parent="projects/77/locations/global", workloadIdentityPoolId="ci", body={})
    assert refused(make.execute) == 409
    of.delete(name=WORKLOAD).execute()
    assert refused(make.execute) == 409
    google.state.advance(days=31)
    assert make.execute()["response"]["state"] == "ACTIVE"
