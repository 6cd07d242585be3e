"""All that somebody reaches at the emulated Google, through others too; identities that go."""

import base64

import pytest
from googleapiclient.errors import HttpError
from hypothesis import given, settings
from hypothesis import strategies as st
from support.google_lab import (
    ANA,
    BUCKET,
    ESTATE,
    EVE,
    OBJECT,
    OPERATOR,
    ORG,
    ROBOT,
    ROBOT_NAME,
    STRANGER,
    SUBJECT,
    VENDOR_ROBOT,
)

from stopline.drill.google.building import build
from stopline.drill.google.oracle import DENY, can
from stopline.drill.google.reach import reach
from stopline.drill.google.server import Google
from stopline.drill.google.state import Resource

EVERYBODY = (ANA, EVE, STRANGER, SUBJECT, f"serviceAccount:{VENDOR_ROBOT}", "key:k1", "")
_STATE = build(ESTATE)
_BEFORE = {who: reach(_STATE, who) for who in EVERYBODY}
_PRINCIPALS = (
    "principal://goog/subject/ana@mercor.example",
    f"principal://iam.googleapis.com/projects/-/serviceAccounts/{VENDOR_ROBOT}",
    f"principal://iam.googleapis.com/projects/-/serviceAccounts/{ROBOT}",
    "principalSet://goog/group/annotators@lab.example",
    "principalSet://goog/cloudIdentityCustomerId/C0mercor",
    "principalSet://goog/public:all",
)
_PERMISSIONS = (
    "storage.googleapis.com/objects.get",
    "storage.googleapis.com/objects.create",
    "iam.googleapis.com/serviceAccounts.getAccessToken",
    "pubsub.googleapis.com/topics.publish",
)


def test_what_is_reached_through_an_account_is_reached(google: Google) -> None:
    """She may ask for the robot's token; with it she may write what she may not write herself."""
    assert not can(google.state, ANA, "storage.objects.create", BUCKET)
    found = {(r.permission, r.resource): r.through for r in reach(google.state, ANA)}
    assert found["storage.objects.create", BUCKET] == (f"serviceAccount:{ROBOT}",)
    assert found["storage.objects.get", OBJECT] == ()
    google.state.resources[ROBOT_NAME].data["disabled"] = True
    assert not any(r.through for r in reach(google.state, ANA))


def test_a_token_that_was_asked_for_is_the_account(google: Google) -> None:
    """Acting as the vendor: the chain is walked with the plain client, as she would."""
    client = google.client("iamcredentials", "v1", ANA).projects().serviceAccounts()
    body = {"scope": ["https://www.googleapis.com/auth/cloud-platform"]}
    answer = client.generateAccessToken(name=f"projects/-/serviceAccounts/{ROBOT}", body=body)
    objects = google.client("storage", "v1", answer.execute()["accessToken"]).objects()
    assert objects.get_media(bucket="deliveries", object="batch.json").execute() == b"[1]"


def test_an_account_that_is_made_again_is_somebody_else(google: Google) -> None:
    """Its grants stay with the one that was deleted."""
    accounts = google.client("iam", "v1", OPERATOR).projects().serviceAccounts()
    name = f"projects/lab/serviceAccounts/{ROBOT}"
    before = accounts.get(name=name).execute()["uniqueId"]
    accounts.delete(name=name).execute()
    members = google.state.resources[BUCKET].policy["bindings"][0]["members"]
    assert f"deleted:serviceAccount:{ROBOT}?uid={before}" in members
    made = accounts.create(name="projects/lab", body={"accountId": "loader"}).execute()
    assert made["email"] == ROBOT
    assert made["uniqueId"] != before
    assert not can(google.state, f"serviceAccount:{ROBOT}", "storage.objects.get", OBJECT)
    assert not can(google.state, "key:k1", "storage.objects.get", OBJECT)


def test_a_key_that_is_minted_acts_as_the_account_until_it_is_disabled(google: Google) -> None:
    """What somebody does who wants to stay: it is seen by who lists the keys again."""
    keys = google.client("iam", "v1", OPERATOR).projects().serviceAccounts().keys()
    name = f"projects/lab/serviceAccounts/{ROBOT}"
    made = keys.create(name=name, body={}).execute()
    token = base64.b64decode(made["privateKeyData"]).decode()
    assert can(google.state, token, "storage.objects.get", OBJECT)
    assert made["name"] in [k["name"] for k in keys.list(name=name).execute()["keys"]]
    keys.disable(name=made["name"], body={}).execute()
    assert not can(google.state, token, "storage.objects.get", OBJECT)
    keys.delete(name=made["name"]).execute()
    assert len(keys.list(name=name).execute()["keys"]) == 3


def test_an_hmac_key_is_minted_and_deleted_once_it_is_inactive(google: Google) -> None:
    """It acts as its account, and an active one cannot be deleted."""
    keys = google.client("storage", "v1", OPERATOR).projects().hmacKeys()
    made = keys.create(projectId="lab", serviceAccountEmail=ROBOT).execute()["metadata"]
    which = {"projectId": "lab", "accessId": made["accessId"]}
    assert can(google.state, f"hmac:{made['accessId']}", "storage.objects.get", OBJECT)
    with pytest.raises(HttpError) as found:
        keys.delete(**which).execute()
    assert found.value.resp.status == 400
    keys.update(**which, body={"state": "INACTIVE"}).execute()
    assert not can(google.state, f"hmac:{made['accessId']}", "storage.objects.get", OBJECT)
    keys.delete(**which).execute()
    assert len(keys.list(projectId="lab").execute()["items"]) == 1


@settings(max_examples=40, deadline=None)
@given(
    st.sets(st.sampled_from(_PRINCIPALS), min_size=1),
    st.sets(st.sampled_from(_PERMISSIONS), min_size=1),
    st.sets(st.sampled_from(_PRINCIPALS[:-1])),
)
def test_a_deny_only_takes_away_and_its_removal_gives_back_all(
    denied: set[str], permissions: set[str], spared: set[str]
) -> None:
    """Whatever it says, for everybody: never more than before, and then what was there."""
    rule = {
        "deniedPrincipals": sorted(denied),
        "deniedPermissions": sorted(permissions),
        "exceptionPrincipals": sorted(spared),
    }
    data = {"rules": [{"denyRule": rule}]}
    policy = _STATE.add(Resource("//iam.googleapis.com/policies/x", DENY, ORG, data))
    try:
        for who in EVERYBODY:
            assert reach(_STATE, who) <= _BEFORE[who]
    finally:
        _STATE.remove(policy)
    assert {who: reach(_STATE, who) for who in EVERYBODY} == _BEFORE
