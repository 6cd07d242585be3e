"""Somebody of the vendor's in a group of the lab's: denied alone, and the group is never cut."""

from datetime import UTC, datetime

import pytest
from googleapiclient.errors import HttpError
from support.google import (
    ANN,
    DANA,
    DATA_TEAM,
    PULL,
    SHARED,
    VENDOR,
    WORKER,
    binding,
    joined,
    person,
)
from support.google_nights import PROJECT, Night, may, outcomes, policy_of

from stopline.drill.google.faults import Moment
from stopline.drill.google.state import Resource
from stopline.model import Gap, Grant, Scope
from stopline.playbook import Phase, Playbook, Rule
from stopline.receipts import Outcome

CY = "user:cy@mercor.example"
"""Somebody of the vendor's whom no policy names."""
INNER = "group:inner@lab.example"
THEIRS = "group:everybody@mercor.example"
"""A group of the vendor's in one of the lab's, which nobody of the lab's may look into."""
READER = "roles/secretmanager.secretAccessor"
"""A role that a deny reaches whole."""


@pytest.fixture
def team(night: Night) -> Night:
    """The team reads secrets; a colleague is in it, and the vendor's person through another."""
    google = night.google
    for member in (INNER,):
        person(google, member)
    joined(google, DATA_TEAM, DANA, INNER)
    joined(google, INNER, CY, DATA_TEAM)
    resource = google.state.get(PROJECT)
    held = [binding(READER, DATA_TEAM), *resource.policy["bindings"]]
    resource.policy = {"bindings": held}
    return night


def through_groups(night: Night) -> list[Grant]:
    """What the vendor's people have by groups of the lab's."""
    found = night.connector.discover(VENDOR, Scope())
    return [f for f in found if isinstance(f, Grant) and f.address.kind == "entry-of-group"]


def test_who_is_in_a_nested_group_is_found_with_the_way(team: Night) -> None:
    """Level by level, also where a group is in itself; a colleague is nobody's business."""
    found = [g for g in through_groups(team) if g.entitlement == READER]
    assert [(g.principal, g.via) for g in found] == [(CY, f"in {INNER}, which is in {DATA_TEAM}")]


def test_trap_8_the_person_is_denied_and_the_colleagues_go_on(team: Night) -> None:
    """Nothing is written to the group's own entries, and everything is as it was afterwards."""
    picture, google = team.picture(), team.google
    read = "secretmanager.versions.access"
    assert may(google, CY, read)
    assert may(google, DANA, read)
    assert outcomes(team.contain()) == {Outcome.APPLIED}
    assert not may(google, CY, read)
    assert may(google, DANA, read)
    assert binding(READER, DATA_TEAM) in policy_of(google)
    assert not team.plan().changes
    assert outcomes(team.restore()) == {Outcome.APPLIED}
    assert team.picture() == picture
    assert may(google, CY, read)


def test_what_the_deny_leaves_of_a_groups_role_is_open_and_named(team: Night) -> None:
    """Without a rule for memberships a person has to take the member out."""
    phase = team.playbook.phases[0]
    rules = tuple(rule for rule in phase.rules if rule.contains != "group-memberships")
    team.playbook = team.playbook.model_copy(
        update={"phases": (phase.model_copy(update={"rules": rules}),)}
    )
    open_ = [s for s in team.plan().skips if s.principal == CY and s.leaves_access]
    assert open_
    assert all(f"in {INNER}, which is in {DATA_TEAM}" in s.reason for s in open_)
    assert all("take it out of the group by hand" in s.reason for s in open_)
    assert not any(READER in s.reason for s in open_)


def test_a_playbook_without_denies_says_that_nothing_names_the_person(team: Night) -> None:
    """Then it is all left open, and said."""
    rule = Rule(name="keep", connector="gcp", contains="buckets", how="vendor")
    team.playbook = Playbook(playbook="none", phases=(Phase(name="keep", rules=(rule,)),))
    (left,) = (s for s in team.plan().skips if s.principal == CY and READER in s.reason)
    assert left.leaves_access
    assert "no deny of ours names it" in left.reason


def test_a_policy_below_a_project_that_names_only_the_group_is_found(team: Night) -> None:
    """The search shows the group; who is in it, the group says."""
    topic = "pubsub.googleapis.com/projects/lab-data/topics/only-theirs"
    held = {"bindings": [binding("roles/pubsub.publisher", DATA_TEAM)]}
    kind = "pubsub.googleapis.com/Topic"
    team.google.state.add(Resource(f"//{topic}", kind, PROJECT, {}, held))
    assert topic in {g.target for g in through_groups(team) if g.principal == CY}
    team.contain()
    assert not may(team.google, CY, "pubsub.topics.publish", f"//{topic}")
    assert may(team.google, DANA, "pubsub.topics.publish", f"//{topic}")


def test_an_account_that_is_acted_as_through_a_group_is_reached_and_shared(night: Night) -> None:
    """The colleagues act as it too, so it stays active, and the deny ends it for the vendor."""
    joined(night.google, DATA_TEAM, CY)
    resource = next(
        r for r in night.google.state.resources.values() if r.name.endswith(SHARED[15:])
    )
    resource.policy = {"bindings": [binding("roles/iam.serviceAccountTokenCreator", DATA_TEAM)]}
    reached = [
        f
        for f in night.connector.discover(VENDOR, Scope())
        if isinstance(f, Grant) and f.entitlement == "reached-service-account"
    ]
    assert [(g.principal, g.shared_with) for g in reached] == [(SHARED, (DATA_TEAM,))]
    assert may(night.google, CY, "iam.serviceAccounts.getAccessToken", resource.name)
    night.contain()
    assert not may(night.google, CY, "iam.serviceAccounts.getAccessToken", resource.name)
    assert not resource.data.get("disabled")


def test_an_account_of_the_vendors_in_a_group_is_denied(night: Night) -> None:
    """Also somebody who holds entries besides: one deny, and no more than one."""
    joined(night.google, DATA_TEAM, PULL, ANN)
    assert {g.principal for g in through_groups(night)} == {PULL, ANN}
    denied = [c for c in night.plan().changes if c.address.kind == "deny-policy-entry"]
    assert len([c for c in denied if c.principal == PULL]) == 1


def test_a_membership_that_has_ended_gives_nothing(team: Night) -> None:
    """It ends by itself at its time, and is neither found nor counted."""
    (held,) = (r for r in team.google.state.resources.values() if r.email == CY[5:])
    held.data["expireTime"] = datetime(2020, 1, 1, tzinfo=UTC).isoformat()
    assert not through_groups(team)


def test_groups_that_cannot_be_looked_into_are_one_gap(team: Night) -> None:
    """Without Workspace's role for it nobody knows who is in them; the rest is contained."""
    team.google.state.admins.clear()
    gaps = [f for f in team.connector.discover(VENDOR, Scope()) if isinstance(f, Gap)]
    assert [gap.what for gap in gaps] == ["workspace-users", "members of groups"]
    assert gaps[1].cause.startswith(f"1 could not be looked into ({DATA_TEAM}): ")
    assert team.plan().changes


def let_in(night: Night, *groups: str) -> None:
    """Somebody lets groups read secrets."""
    resource = night.google.state.get(PROJECT)
    others = binding(READER, *groups)
    resource.policy = {"bindings": [*resource.policy["bindings"], others]}


def test_a_group_of_another_domain_that_cannot_be_looked_into_is_in_the_gap(night: Night) -> None:
    """A lab has groups of more domains than its organisation's: none is passed over by its own."""
    let_in(night, "group:raters@mercer.example")
    (gap,) = night.plan().gaps
    assert gap.what == "members of groups"
    assert gap.cause.startswith("1 could not be looked into (group:raters@mercer.example): ")


def test_many_groups_are_named_by_the_labs_domain_first_and_the_rest_counted(night: Night) -> None:
    """Each is in the gap, by its name or by its domain, with why it is shut."""
    ours = [f"group:{name}@lab.example" for name in ("gone", "old", "shut")]
    others = ["group:all@crowd.example", "group:eng@lab.ai", "group:raters@lab.ai"]
    let_in(night, *others)
    resource = night.google.state.get(PROJECT)
    held = [binding(READER, *ours), *resource.policy["bindings"]]
    resource.policy = {"bindings": held}
    (gap,) = night.plan().gaps
    named = f"{', '.join(ours)}, and 1 of crowd.example, 2 of lab.ai"
    assert gap.cause.startswith(f"6 could not be looked into ({named}): ")


def test_without_the_organisations_name_the_groups_are_told_all_the_same(night: Night) -> None:
    """Its domain says which are named first, and no more: that it is not shown is no gap."""
    let_in(night, "group:raters@lab.ai")
    get = "cloudresourcemanager.v3.organizations.get"
    night.google.faults.add(get, Moment.BEFORE, 403)
    (gap,) = night.plan().gaps
    assert "group:raters@lab.ai" in gap.cause


def test_a_group_of_the_vendors_that_is_shut_is_no_gap(night: Night) -> None:
    """Its own Workspace shows it to nobody here; it is denied as a whole, whoever is in it."""
    person(night.google, THEIRS)
    joined(night.google, DATA_TEAM, THEIRS)
    plan = night.plan()
    assert not plan.gaps
    assert THEIRS in {g.principal for g in through_groups(night)}


def test_pages_of_one_hide_nobody(team: Night) -> None:
    """However a group's members are cut."""
    found = through_groups(team)
    team.google.state.page_limit, team.google.state.empty_pages = 1, True
    assert through_groups(team) == found


def test_the_emulated_cloud_identity_shows_roles_in_its_full_view_alone(team: Night) -> None:
    """As Google's does; and it says the same of a group that is not there and of one that is
    not for the caller.
    """
    groups = team.google.client("cloudidentity", "v1", WORKER).groups()
    name = groups.lookup(groupKey_id=DATA_TEAM.partition(":")[2]).execute()["name"]
    basic = groups.memberships().list(parent=name).execute()["memberships"]
    full = groups.memberships().list(parent=name, view="FULL").execute()["memberships"]
    assert {"roles", "type"} & basic[0].keys() == set()
    assert {m["preferredMemberKey"]["id"]: m["type"] for m in full} == {
        DANA[5:]: "USER",
        INNER[6:]: "GROUP",
    }
    with pytest.raises(HttpError, match="or it may not exist"):
        groups.lookup(groupKey_id="nobody@lab.example").execute()
