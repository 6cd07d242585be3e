"""The emulated Workspace: groups, their members, people who are suspended and signed out."""

import pytest
from googleapiclient.errors import HttpError
from support.google_lab import ANA, LAB, OPERATOR, STRANGER

from stopline.drill.google.oracle import can
from stopline.drill.google.server import Google
from stopline.text import Json

BOB = "vendor.bob@lab.example"
WHOLE, INNER = "annotators@lab.example", "inner@lab.example"


def directory(google: Google, token: str = OPERATOR) -> Json:
    """The Directory API's client."""
    return google.client("admin", "directory_v1", token)


def sees(google: Google, who: str) -> bool:
    """Whether somebody may read the project, which only the group may."""
    return can(google.state, who, "resourcemanager.projects.get", LAB)


def test_a_suspended_person_may_nothing_until_the_suspension_is_lifted(google: Google) -> None:
    """Groups and policies stay as they are; the reason says who suspended."""
    before = google.state.fingerprint()
    users = directory(google).users()
    users.update(userKey=BOB, body={"suspended": True}).execute()
    assert users.get(userKey=BOB).execute()["suspensionReason"] == "ADMIN"
    assert not sees(google, f"user:{BOB}")
    assert users.signOut(userKey=BOB).execute() == ""
    users.update(userKey=BOB, body={"suspended": False}).execute()
    assert sees(google, f"user:{BOB}")
    assert google.state.fingerprint() == before


def test_who_is_archived_may_nothing(google: Google) -> None:
    """As somebody who is suspended."""
    assert sees(google, f"user:{BOB}")
    google.state.get(f"//admin.googleapis.com/users/{BOB}").data["archived"] = True
    assert not sees(google, f"user:{BOB}")


def test_who_is_deleted_and_made_again_is_somebody_else(google: Google) -> None:
    """Another id, in no group; policies that named them keep a member that is deleted."""
    users = directory(google).users()
    project = google.state.get(LAB)
    held = {"role": "roles/browser", "members": [f"user:{BOB}"]}
    project.policy["bindings"] = [*project.policy["bindings"], held]
    first = users.get(userKey=BOB).execute()["id"]
    users.delete(userKey=BOB).execute()
    with pytest.raises(HttpError) as gone:
        users.get(userKey=BOB).execute()
    assert gone.value.resp.status == 404
    assert held["members"] == [f"deleted:user:{BOB}?uid={first}"]
    body = {"primaryEmail": BOB, "name": {"givenName": "B"}, "password": "for a test"}
    second = users.insert(body=body).execute()["id"]
    assert second != first
    assert not sees(google, f"user:{BOB}")
    with pytest.raises(HttpError) as twice:
        users.insert(body=body).execute()
    assert twice.value.resp.status == 409


def test_a_user_is_found_by_an_alias_and_by_the_id(google: Google) -> None:
    """As the Directory API takes a key."""
    google.state.get(f"//admin.googleapis.com/users/{BOB}").data["aliases"] = ["bob@lab.example"]
    users = directory(google).users()
    found = users.get(userKey="BOB@lab.example").execute()
    assert found["primaryEmail"] == BOB
    assert users.get(userKey=found["id"]).execute() == found


def test_an_administrator_may_do_what_the_role_says(google: Google) -> None:
    """And what it says can be read, by whoever may; a whole family holds each of it."""
    robot = "serviceAccount:loader@lab.iam.gserviceaccount.com"
    google.state.delegated[robot] = ("USERS_RETRIEVE", "GROUPS_ALL")
    mine = directory(google, robot)
    assert mine.users().get(userKey=BOB).execute()["primaryEmail"] == BOB
    assert mine.members().list(groupKey=INNER, roles="OWNER").execute().get("members") is None
    with pytest.raises(HttpError) as found:
        mine.users().update(userKey=BOB, body={"suspended": True}).execute()
    assert found.value.resp.status == 403
    with pytest.raises(HttpError) as found:
        mine.roleAssignments().list(customer="my_customer").execute()
    assert found.value.resp.status == 403
    everything = directory(google)
    unique = google.client("iam", "v1", OPERATOR).projects().serviceAccounts()
    who = unique.get(name=f"projects/-/serviceAccounts/{robot[15:]}").execute()["uniqueId"]
    listed = everything.roleAssignments().list(customer="C0lab", userKey=who).execute()
    (one,) = listed["items"]
    assert one["assignedTo"] == who
    role = everything.roles().get(customer="C0lab", roleId=one["roleId"]).execute()
    held = {p["privilegeName"] for p in role["rolePrivileges"]}
    assert held == {"USERS_RETRIEVE", "GROUPS_ALL"}
    with pytest.raises(HttpError) as found:
        everything.users().list(customer="C0mercor").execute()
    assert found.value.resp.status == 403


def test_nobody_joins_a_group_who_is_not_in_our_directory_and_should_be(google: Google) -> None:
    """An address of our own domain that nobody has; and a delivery that there is not."""
    members = directory(google).members()
    for body, status in (
        ({"email": "nobody@lab.example"}, 404),
        ({"email": "new@else.example", "delivery_settings": "WEEKLY"}, 400),
    ):
        with pytest.raises(HttpError) as found:
            members.insert(groupKey=INNER, body=body).execute()
        assert found.value.resp.status == status


def test_an_administrator_is_not_suspended(google: Google) -> None:
    """Google refuses it, and so does this."""
    with pytest.raises(HttpError) as found:
        directory(google).users().update(
            userKey="eve@lab.example", body={"suspended": True}
        ).execute()
    assert found.value.resp.status == 403


def test_users_are_found_by_their_unit(google: Google) -> None:
    """The query of an organisational unit, as the discovery of a vendor's people needs it."""
    found = directory(google).users().list(
        customer="my_customer", query="orgUnitPath='/Vendors'"
    )  # fmt: skip
    assert [u["primaryEmail"] for u in found.execute()["users"]] == [BOB]
    with pytest.raises(HttpError) as refusal:
        directory(google).users().list(customer="my_customer", query="isAdmin=true").execute()
    assert refusal.value.resp.status == 501


def test_only_administrators_may_ask(google: Google) -> None:
    """A stranger's question is refused."""
    with pytest.raises(HttpError) as found:
        directory(google, STRANGER).groups().list(customer="my_customer").execute()
    assert found.value.resp.status == 403


def test_members_are_listed_directly_and_through_other_groups(google: Google) -> None:
    """And the groups of a person are the direct ones only."""
    client = directory(google)
    direct = client.members().list(groupKey=WHOLE).execute()["members"]
    every = client.members().list(groupKey=WHOLE, includeDerivedMembership=True).execute()
    assert [m["email"] for m in direct] == [INNER]
    assert {m["email"] for m in every["members"]} == {INNER, "ana@mercor.example", BOB}
    groups = client.groups().list(userKey="ana@mercor.example").execute()["groups"]
    assert [g["email"] for g in groups] == [INNER]
    asked = client.members().hasMember(groupKey=WHOLE, memberKey=BOB).execute()
    assert asked["isMember"] is True


def test_a_membership_that_is_taken_out_and_given_back_is_the_same(google: Google) -> None:
    """In between it gives nothing."""
    before = google.state.fingerprint()
    members = directory(google).members()
    which = {"groupKey": INNER, "memberKey": "ana@mercor.example"}
    kept = members.get(**which).execute()
    members.delete(**which).execute()
    assert not sees(google, ANA)
    with pytest.raises(HttpError) as found:
        members.get(**which).execute()
    assert found.value.resp.status == 404
    body = {k: kept[k] for k in ("email", "role")}
    members.insert(groupKey=INNER, body=body).execute()
    assert sees(google, ANA)
    assert google.state.fingerprint() == before
    with pytest.raises(HttpError) as found:
        members.insert(groupKey=INNER, body=body).execute()
    assert found.value.resp.status == 409


def test_a_membership_ends_when_its_time_is_over(google: Google) -> None:
    """One that has an end gives nothing afterwards."""
    member = google.state.resources[
        f"//cloudidentity.googleapis.com/groups/{INNER}/members/ana@mercor.example"
    ]
    member.data["expireTime"] = google.state.now().isoformat()
    google.state.advance(hours=-1)
    assert sees(google, ANA)
    google.state.advance(hours=2)
    assert not sees(google, ANA)
