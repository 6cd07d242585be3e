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
