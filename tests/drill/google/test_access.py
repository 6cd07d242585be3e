"""Who may do what at the emulated Google: allow, deny, groups, conditions, lists, switches."""

import pytest
from googleapiclient.errors import HttpError
from support.google_lab import (
    ANA,
    BUCKET,
    EVE,
    GUESTS,
    LAB,
    OBJECT,
    OPEN_OBJECT,
    OPERATOR,
    ROBOT,
    ROBOT_NAME,
    STRANGER,
    SUBJECT,
    VENDOR_ROBOT,
    ZOE,
)

from stopline.drill.google.oracle import can
from stopline.drill.google.server import Google
from stopline.text import Json

TOPIC = "//pubsub.googleapis.com/projects/lab/topics/done"
POINT = "policies/cloudresourcemanager.googleapis.com%2Forganizations%2F1/denypolicies"
RULE = {
    "deniedPrincipals": ["principal://goog/subject/ana@mercor.example"],
    "deniedPermissions": ["storage.googleapis.com/objects.get"],
}


def deny(google: Google, rule: Json, name: str = "pause-mercor-1") -> Json:
    """Attach a deny policy to the organisation."""
    client = google.client("iam", "v2", OPERATOR).policies()
    body = {"displayName": "paused", "rules": [{"denyRule": rule}]}
    return client.createPolicy(parent=POINT, policyId=name, body=body).execute()


@pytest.mark.parametrize(
    ("who", "permission", "what", "may"),
    [
        (ANA, "storage.objects.get", OBJECT, True),  # a condition that is true
        (ANA, "storage.objects.create", BUCKET, False),
        (ANA, "resourcemanager.projects.get", LAB, True),  # a group in a group
        (ANA, "iam.serviceAccounts.getAccessToken", ROBOT_NAME, True),
        (ANA, "pubsub.topics.publish", TOPIC, True),  # her domain
        (EVE, "pubsub.topics.publish", TOPIC, True),  # an owner
        (SUBJECT, "pubsub.subscriptions.consume", LAB, True),  # an attribute of a pool
        (STRANGER, "storage.objects.get", OBJECT, False),
        ("", "storage.objects.get", OPEN_OBJECT, True),  # public
        ("", "storage.objects.get", OBJECT, False),
        (f"serviceAccount:{VENDOR_ROBOT}", "storage.objects.create", BUCKET, True),
        ("key:k1", "storage.objects.get", OBJECT, True),
        ("key:k2", "storage.objects.get", OBJECT, False),  # disabled
        ("hmac:GOOG1", "storage.objects.get", OBJECT, True),
        (OPERATOR, "storage.objects.get", "//storage.googleapis.com/no-such", False),
    ],
)
def test_what_each_may_do(
    google: Google, who: str, permission: str, what: str, *, may: bool
) -> None:
    """Every form in which somebody holds access is seen, and nothing else."""
    assert can(google.state, who, permission, what) is may


def test_a_deny_policy_cuts_the_whole_tree(google: Google) -> None:
    """It is stronger than every allow, and its removal gives back exactly what was there."""
    before = google.state.fingerprint()
    done = deny(google, RULE)
    assert done["done"] is True
    assert not can(google.state, ANA, "storage.objects.get", OBJECT)
    assert can(google.state, ANA, "resourcemanager.projects.get", LAB)
    policies = google.client("iam", "v2", OPERATOR).policies()
    name = done["response"]["name"]
    assert "rules" not in policies.listPolicies(parent=POINT).execute()["policies"][0]
    assert policies.get(name=name).execute()["rules"][0]["denyRule"] == RULE
    assert policies.operations().get(name=done["name"]).execute()["done"] is True
    policies.delete(name=name).execute()
    assert can(google.state, ANA, "storage.objects.get", OBJECT)
    assert google.state.fingerprint() == before


def test_an_exception_is_spared_and_a_group_is_meant(google: Google) -> None:
    """A group's members are denied, nested ones too, but for those who are excepted."""
    rule = {
        "deniedPrincipals": ["principalSet://goog/group/annotators@lab.example"],
        "exceptionPrincipals": ["principal://goog/subject/vendor.bob@lab.example"],
        "deniedPermissions": ["cloudresourcemanager.googleapis.com/projects.get"],
    }
    deny(google, rule)
    assert not can(google.state, ANA, "resourcemanager.projects.get", LAB)
    assert can(google.state, "user:vendor.bob@lab.example", "resourcemanager.projects.get", LAB)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"deniedPrincipals": ["principal://goog/subject/Ana@mercor.example"]}, 400),
        ({"deniedPrincipals": ["user:ana@mercor.example"]}, 400),
        ({"deniedPermissions": ["storage.objects.get"]}, 400),
        ({"deniedPermissions": ["billing.googleapis.com/accounts.get"]}, 400),
        ({"exceptionPrincipals": ["principalSet://goog/public:all"]}, 400),
    ],
)
def test_a_deny_that_google_would_refuse_is_refused(
    google: Google, change: Json, code: int
) -> None:
    """Principals and permissions in another spelling than deny policies have are found out."""
    with pytest.raises(HttpError) as found:
        deny(google, {**RULE, **change})
    assert found.value.resp.status == code


def test_a_deny_policy_is_made_once_and_its_tag_counts(google: Google) -> None:
    """A second creation answers ALREADY_EXISTS; an old tag ABORTED."""
    made = deny(google, RULE)["response"]
    del made["@type"]
    with pytest.raises(HttpError) as found:
        deny(google, RULE)
    assert b"ALREADY_EXISTS" in found.value.content
    policies = google.client("iam", "v2", OPERATOR).policies()
    policies.update(name=made["name"], body={**made, "displayName": "other"}).execute()
    with pytest.raises(HttpError) as found:
        policies.delete(name=made["name"], etag=made["etag"]).execute()
    assert found.value.resp.status == 409


def test_a_disabled_account_may_nothing_and_its_calls_are_refused(google: Google) -> None:
    """Its keys, HMAC keys and tokens with it; enabled again they are as before."""
    accounts = google.client("iam", "v1", OPERATOR).projects().serviceAccounts()
    before = google.state.fingerprint()
    name = f"projects/-/serviceAccounts/{ROBOT}"
    accounts.disable(name=name, body={}).execute()
    for token in (f"serviceAccount:{ROBOT}", "key:k1", "hmac:GOOG1"):
        assert not can(google.state, token, "storage.objects.get", OBJECT)
    objects = google.client("storage", "v1", "key:k1").objects()
    with pytest.raises(HttpError) as found:
        objects.get(bucket="deliveries", object="batch.json").execute()
    assert found.value.resp.status == 401
    assert accounts.get(name=name).execute()["disabled"] is True
    accounts.enable(name=name, body={}).execute()
    assert "disabled" not in accounts.get(name=name).execute()
    assert google.state.fingerprint() == before


def test_a_disabled_key_is_refused_while_tokens_of_the_account_live_on(google: Google) -> None:
    """Switching a key off ends new tokens only."""
    keys = google.client("iam", "v1", OPERATOR).projects().serviceAccounts().keys()
    account = f"projects/lab/serviceAccounts/{ROBOT}"
    listed = keys.list(name=account, keyTypes="USER_MANAGED").execute()["keys"]
    assert [k.get("disabled", False) for k in listed] == [False, True]
    keys.disable(name=f"{account}/keys/k1", body={}).execute()
    assert not can(google.state, "key:k1", "storage.objects.get", OBJECT)
    assert can(google.state, f"serviceAccount:{ROBOT}", "storage.objects.get", OBJECT)


def test_what_google_itself_switched_off_stays_off(google: Google) -> None:
    """An account of which enabling has no effect, and a key that was found in public."""
    before = google.state.fingerprint()
    accounts = google.client("iam", "v1", OPERATOR).projects().serviceAccounts()
    name = "projects/-/serviceAccounts/leaked@lab.iam.gserviceaccount.com"
    accounts.enable(name=name, body={}).execute()
    found = accounts.get(name=name).execute()
    assert found["disabled"] is True
    assert not [field for field in found if field.startswith("_")]
    with pytest.raises(HttpError) as refused:
        accounts.keys().enable(name=f"{name}/keys/k3", body={}).execute()
    assert b"FAILED_PRECONDITION" in refused.value.content
    assert google.state.fingerprint() == before


def test_a_disabled_pool_cuts_its_subjects(google: Google) -> None:
    """Through an operation, that says when it is done."""
    google.state.slow_operations = 1
    pools = google.client("iam", "v1", OPERATOR).projects().locations()
    pools = pools.workloadIdentityPools()
    name = "projects/77/locations/global/workloadIdentityPools/ci"
    begun = pools.patch(name=name, updateMask="disabled", body={"disabled": True}).execute()
    assert begun["done"] is False
    assert pools.operations().get(name=begun["name"]).execute()["done"] is True
    assert not can(google.state, SUBJECT, "pubsub.subscriptions.consume", LAB)


def test_a_workforce_pool_is_the_organisations_and_is_disabled_like_the_others(
    google: Google,
) -> None:
    """Its people are cut off while it is, or while a deny names their group."""
    assert can(google.state, ZOE, "pubsub.subscriptions.consume", LAB)
    pools = google.client("iam", "v1", OPERATOR).locations().workforcePools()
    found = pools.list(location="locations/global", parent="organizations/1").execute()
    name = found["workforcePools"][0]["name"]
    pools.patch(name=name, updateMask="disabled", body={"disabled": True}).execute()
    assert not can(google.state, ZOE, "pubsub.subscriptions.consume", LAB)
    pools.patch(name=name, updateMask="disabled", body={"disabled": False}).execute()
    assert can(google.state, ZOE, "pubsub.subscriptions.consume", LAB)
    consume = "pubsub.googleapis.com/subscriptions.consume"
    deny(google, {"deniedPrincipals": [GUESTS], "deniedPermissions": [consume]})
    assert not can(google.state, ZOE, "pubsub.subscriptions.consume", LAB)


def test_an_expired_condition_does_not_grant(google: Google) -> None:
    """The emulated time is what `request.time` is."""
    ends = google.state.now().replace(microsecond=0).isoformat().replace("+00:00", "Z")
    expression = f'request.time < timestamp("{ends}")'
    condition = {"title": "soon over", "expression": expression}
    google.state.resources[BUCKET].policy["bindings"].append(
        {"role": "roles/storage.objectViewer", "members": [STRANGER], "condition": condition}
    )
    google.state.advance(hours=-1)
    assert can(google.state, STRANGER, "storage.objects.get", OBJECT)
    google.state.advance(hours=2)
    assert not can(google.state, STRANGER, "storage.objects.get", OBJECT)


def test_public_access_prevention_keeps_the_binding_and_passes_over_it(google: Google) -> None:
    """The public is cut, and nothing has to be given back but one field."""
    buckets = google.client("storage", "v1", OPERATOR).buckets()
    prevent = {"iamConfiguration": {"publicAccessPrevention": "enforced"}}
    buckets.patch(bucket="legacy", body=prevent).execute()
    assert not can(google.state, "", "storage.objects.get", OPEN_OBJECT)
    assert not can(google.state, STRANGER, "storage.objects.get", OPEN_OBJECT)
    assert google.state.resources["//storage.googleapis.com/legacy"].policy["bindings"]


def test_old_generations_have_lists_of_their_own(google: Google) -> None:
    """Who owns a noncurrent generation reads it until uniform access passes over its list."""
    google.state.resources["//storage.googleapis.com/legacy"].policy = {}
    google.state.resources[LAB].policy = {}
    objects = google.client("storage", "v1", OPERATOR).objects()
    listed = objects.list(bucket="legacy", versions=True, projection="full").execute()["items"]
    old = next(o for o in listed if "timeDeleted" in o)
    hers = google.client("storage", "v1", ANA).objects()
    kept = {"bucket": "legacy", "object": "old.csv", "generation": old["generation"]}
    assert hers.get_media(**kept).execute() == b"first"
    assert not can(google.state, ANA, "storage.objects.get", OPEN_OBJECT)
    buckets = google.client("storage", "v1", OPERATOR).buckets()
    uniform = {"iamConfiguration": {"uniformBucketLevelAccess": {"enabled": True}}}
    buckets.patch(bucket="legacy", body=uniform).execute()
    with pytest.raises(HttpError) as found:
        hers.get(**kept).execute()
    assert found.value.resp.status == 403


def test_a_policy_counts_some_time_after_it_is_written(google: Google) -> None:
    """What is read is new at once; what is enforced is old, for allow, deny and its removal."""
    google.state.delays.seconds = 120
    policies = google.client("iam", "v2", OPERATOR).policies()
    name = deny(google, RULE)["response"]["name"]
    assert policies.get(name=name).execute()["rules"]
    assert can(google.state, ANA, "storage.objects.get", OBJECT)
    google.state.advance(seconds=121)
    assert not can(google.state, ANA, "storage.objects.get", OBJECT)
    policies.delete(name=name).execute()
    assert not can(google.state, ANA, "storage.objects.get", OBJECT)
    google.state.advance(seconds=121)
    assert can(google.state, ANA, "storage.objects.get", OBJECT)
    projects = google.client("cloudresourcemanager", "v3", OPERATOR).projects()
    body = {"policy": {"bindings": []}}
    projects.setIamPolicy(resource="projects/lab", body=body).execute()
    assert can(google.state, ANA, "storage.objects.get", OBJECT)
    google.state.advance(seconds=121)
    assert not can(google.state, ANA, "storage.objects.get", OBJECT)
