"""Allow policies at the emulated Google: tags, versions, refusals, as its documents have them."""

import pytest
from googleapiclient.errors import HttpError
from hypothesis import given
from hypothesis import strategies as st
from support.google_lab import ESTATE, LAB, OPERATOR

from stopline.drill.google import policies
from stopline.drill.google.building import build
from stopline.drill.google.server import Google
from stopline.text import Json

V3 = {"options": {"requestedPolicyVersion": 3}}


def projects(google: Google, token: str = OPERATOR) -> Json:
    """The client's collection of projects."""
    return google.client("cloudresourcemanager", "v3", token).projects()


def read(google: Google) -> Json:
    """The project's policy, conditions and all."""
    return projects(google).getIamPolicy(resource="projects/lab", body=V3).execute()


def write(google: Google, policy: Json) -> Json:
    """Replace the project's policy."""
    body = {"policy": policy}
    return projects(google).setIamPolicy(resource="projects/lab", body=body).execute()


def refused(google: Google, policy: Json) -> HttpError:
    """The refusal of a write."""
    with pytest.raises(HttpError) as found:
        write(google, policy)
    return found.value


_MEMBERS = ("user:eve@lab.example", "user:ana@mercor.example", "domain:mercor.example")
_ELEMENTS = st.fixed_dictionaries(
    {
        "role": st.sampled_from(["roles/storage.objectViewer", "roles/pubsub.publisher"]),
        "members": st.lists(st.sampled_from(_MEMBERS), min_size=1, unique=True),
    },
    optional={
        "condition": st.sampled_from(
            [{"title": t, "expression": "resource.service != ''"} for t in ("a", "b")]
        )
    },
)
_STATE = build(ESTATE)


@given(st.lists(_ELEMENTS, max_size=5), _ELEMENTS)
def test_what_is_read_whole_is_written_back_as_it_was(found: list[Json], more: Json) -> None:
    """At version 3, under its tag; also after something was put in and taken out again."""
    topic = _STATE.resources["//pubsub.googleapis.com/projects/lab/topics/done"]
    policies.store(_STATE, topic, {"bindings": found, "version": 3}, {"*"}, stale=409)
    before = policies.render(topic, 3)
    grown = {**before, "bindings": [*before.get("bindings", []), more], "version": 3}
    policies.store(_STATE, topic, grown, {"*"}, stale=409)
    back = {**before, "version": 3, "etag": policies.render(topic, 3)["etag"]}
    after = policies.store(_STATE, topic, back, {"*"}, stale=409)
    assert after["etag"] != before["etag"]
    assert {**after, "etag": ""} == {**before, "etag": ""}


def test_a_stale_tag_is_refused(google: Google) -> None:
    """Between read and write somebody else wrote: 409 ABORTED, nothing is changed."""
    mine, theirs = read(google), read(google)
    theirs["bindings"].append({"role": "roles/browser", "members": ["user:eve@lab.example"]})
    write(google, {**theirs, "version": 3})
    error = refused(google, {**mine, "version": 3, "bindings": []})
    assert error.resp.status == 409
    assert b"ABORTED" in error.content
    assert read(google)["bindings"] == theirs["bindings"]


def test_conditions_are_hidden_below_version_3(google: Google) -> None:
    """Who reads at version 1 sees `_withcond_` roles, which no write may bring back."""
    shown = projects(google).getIamPolicy(resource="projects/lab", body={}).execute()
    hidden = [b for b in shown["bindings"] if "_withcond_" in b["role"]]
    assert shown["version"] == 1
    assert len(hidden) == 1
    assert "condition" not in hidden[0]
    assert refused(google, {"bindings": shown["bindings"]}).resp.status == 400


def test_a_write_below_version_3_is_refused_where_conditions_are(google: Google) -> None:
    """Conditions cannot be lost by a write that has the right tag."""
    policy = read(google)
    assert refused(google, {**policy, "version": 1}).resp.status == 400
    bare = [b for b in policy["bindings"] if "condition" not in b]
    assert refused(google, {**policy, "bindings": bare, "version": 1}).resp.status == 400


def test_a_write_without_a_tag_loses_conditions(google: Google) -> None:
    """An unconditional write of an old version takes conditions away, as at Google."""
    policy = read(google)
    bare = [b for b in policy["bindings"] if "condition" not in b]
    write(google, {"bindings": bare, "version": 1})
    assert not any("condition" in b for b in read(google)["bindings"])


def test_the_audit_settings_survive_a_write_of_bindings(google: Google) -> None:
    """Only what the mask names is replaced."""
    settings = [{"service": "allServices", "auditLogConfigs": [{"logType": "DATA_READ"}]}]
    google.state.resources[LAB].policy["auditConfigs"] = settings
    policy = read(google)
    write(google, {"bindings": policy["bindings"], "etag": policy["etag"], "version": 3})
    assert read(google)["auditConfigs"] == settings


def test_a_person_is_never_made_owner_by_a_write(google: Google) -> None:
    """An owner who was taken out cannot be given back through the API."""
    policy = read(google)
    owners = next(b for b in policy["bindings"] if b["role"] == "roles/owner")
    owners["members"].remove("user:old@mercor.example")
    after = write(google, {**policy, "version": 3})
    back = next(b for b in after["bindings"] if b["role"] == "roles/owner")
    back["members"].append("user:old@mercor.example")
    assert b"ORG_MUST_INVITE_EXTERNAL_OWNERS" in refused(google, {**after, "version": 3}).content


def test_restricted_sharing_looks_at_every_member(google: Google) -> None:
    """While the constraint stands, a policy that still names an outsider cannot be written."""
    google.state.allowed_domains[LAB] = ("C0lab",)
    policy = read(google)
    policy["bindings"] = [b for b in policy["bindings"] if b["role"] != "roles/viewer"]
    error = refused(google, {**policy, "version": 3})
    assert b"allowedPolicyMemberDomains" in error.content
    assert b"User ana@mercor.example is not in permitted organization." in error.content
    assert b"FAILED_PRECONDITION" in error.content


@pytest.mark.parametrize(
    ("binding", "said"),
    [
        ({"role": "roles/browser", "members": ["ana@mercor.example"]}, b"Invalid member"),
        ({"role": "roles/browser", "members": ["user:no@lab.example"]}, b"does not exist"),
        ({"role": "roles/nothing", "members": [OPERATOR]}, b"not supported"),
        ({"role": "roles/browser", "members": [], "mebers": []}, b"Unknown name"),
    ],
)
def test_a_wrong_binding_is_refused(google: Google, binding: Json, said: bytes) -> None:
    """Members, roles and fields that do not exist are found out."""
    policy = read(google)
    policy["bindings"].append(binding)
    error = refused(google, {**policy, "version": 3})
    assert error.resp.status == 400
    assert said in error.content
