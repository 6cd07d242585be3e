"""The vendor's people in groups of the lab's: taken out alone, and only where nothing else does."""

from datetime import UTC, datetime

import pytest
from support.google import (
    ANN,
    CUSTOMER,
    DANA,
    DATA_TEAM,
    ETL,
    PEOPLE,
    ROOT,
    VENDOR,
    VIC,
    binding,
    joined,
    person,
)
from support.google_nights import PROJECT, Night, may, outcomes

from stopline.connectors.gcp.membership import KIND
from stopline.drill.google.faults import Moment
from stopline.drill.google.state import Resource, number_of
from stopline.model import Change, Direction, Scope, Seen, Skip, State
from stopline.receipts import Cause, Outcome, Receipt
from stopline.text import Json

DELETE, INSERT = "admin.directory_v1.members.delete", "admin.directory_v1.members.insert"
CY = "user:cy@mercor.example"
INNER = "group:inner@lab.example"
VIEW = "bigquery.routines.get"
"""What the group's role gives and no deny of ours names."""


@pytest.fixture
def team(night: Night) -> Night:
    """A group may more than our deny names; the vendor's person is in it, beside a colleague."""
    google = night.google
    person(google, INNER)
    joined(google, DATA_TEAM, DANA, INNER, role="OWNER")
    joined(google, INNER, CY, ROOT)
    return night


def wanted(night: Night) -> list[Change]:
    """Whom the plan would take out of groups."""
    return [c for c in night.plan().changes if c.address.kind == KIND]


def kept(night: Night, member: str) -> list[Skip]:
    """Why somebody stays in a group."""
    skips = night.plan().skips
    return [s for s in skips if s.principal == member and s.address.kind == "entry-of-group"]


def seat(night: Night, group: str, member: str) -> Resource | None:
    """A membership as the directory has it."""
    found = night.google.state.memberships_of(member.partition(":")[2])
    return next((r for r in found if r.parent.endswith(group.partition(":")[2])), None)


def of(receipts: list[Receipt]) -> Receipt:
    """What became of the one membership."""
    (one,) = (r for r in receipts if r.change.address.kind == KIND)
    return one


def test_a_member_is_taken_out_where_the_groups_role_allows_more_than_the_deny(
    team: Night,
) -> None:
    """Out of the innermost group alone; colleagues stay, and it comes back word for word."""
    before = team.picture()
    (change,) = wanted(team)
    assert change.address.id == f"{INNER[6:]}/{CY[5:]}"
    assert change.summary == f"take {CY} (member) out of {INNER}"
    assert change.before == State.of(
        {"id": number_of(CY[5:]), "role": "MEMBER", "delivery_settings": "DIGEST"}
    )
    assert may(team.google, CY, VIEW)
    assert outcomes(team.contain()) == {Outcome.APPLIED}
    assert not may(team.google, CY, VIEW)
    assert may(team.google, ROOT, VIEW)
    assert seat(team, INNER, CY) is None
    assert seat(team, DATA_TEAM, INNER) is not None
    assert not team.plan().work
    assert outcomes(team.restore()) == {Outcome.APPLIED}
    assert may(team.google, CY, VIEW)
    assert team.picture() == before


def test_a_member_whom_the_deny_reaches_whole_stays_in_the_group(night: Night) -> None:
    """Nothing is taken away that cannot be missed."""
    other = "group:readers@lab.example"
    person(night.google, other)
    joined(night.google, other, CY)
    project = night.google.state.get(PROJECT)
    held = binding("roles/secretmanager.secretAccessor", other)
    project.policy = {"bindings": [*project.policy["bindings"], held]}
    assert CY in {c.principal for c in night.plan().changes}
    assert not wanted(night)
    assert not kept(night, CY)


@pytest.mark.parametrize("role", ["MANAGER", "OWNER"])
def test_who_manages_a_group_is_taken_out_although_the_deny_reaches_what_it_gives(
    night: Night, role: str
) -> None:
    """They could let others in by the group, and no deny ends that."""
    other = "group:readers@lab.example"
    person(night.google, other)
    joined(night.google, other, DANA, role="OWNER")
    joined(night.google, other, CY, role=role)
    project = night.google.state.get(PROJECT)
    held = binding("roles/secretmanager.secretAccessor", other)
    project.policy = {"bindings": [*project.policy["bindings"], held]}
    picture = night.picture()
    assert [c.principal for c in wanted(night)] == [CY]
    night.contain()
    assert seat(night, other, CY) is None
    night.restore()
    assert night.picture() == picture


@pytest.mark.parametrize("who", [VIC, ETL])
def test_whom_a_switch_of_their_own_ends_stays_in_the_group(night: Night, who: str) -> None:
    """A user of ours is suspended, an account of ours made inactive: the group is left alone."""
    joined(night.google, DATA_TEAM, DANA, who)
    picture = night.picture()
    assert who not in {c.principal for c in wanted(night)}
    told = kept(night, who)
    assert told
    assert not any(skip.leaves_access for skip in told)
    assert all("ends with its own account" in skip.reason for skip in told)
    night.contain()
    assert not may(night.google, who, VIEW)
    assert not [s for s in kept(night, who) if s.leaves_access]
    night.restore()
    assert night.picture() == picture


def test_a_user_who_cannot_be_suspended_is_taken_out_of_the_group(night: Night) -> None:
    """The switch does not reach a super administrator; the group's role goes all the same."""
    joined(night.google, DATA_TEAM, VIC)
    found = night.google.state.by_email(PEOPLE, VIC[5:])
    assert found is not None
    found.data["isAdmin"] = True
    assert [c.principal for c in wanted(night)] == [VIC]


def test_somebody_in_two_groups_is_taken_out_of_both(team: Night) -> None:
    """By whichever way they are in, once for each seat and not once for each entry."""
    joined(team.google, DATA_TEAM, CY, role="MANAGER")
    assert [c.address.id for c in wanted(team)] == [
        f"{group.partition(':')[2]}/{CY[5:]}" for group in (DATA_TEAM, INNER)
    ]
    picture = team.picture()
    team.contain()
    assert not may(team.google, CY, VIEW)
    team.restore()
    assert team.picture() == picture


def test_addresses_with_marks_of_ours_in_them_are_two_documents(night: Night) -> None:
    """A `#` ends the name of a document: quoted, nobody is taken for somebody else."""
    pair = ["user:kim#a/x@mercor.example", "user:kim#b+y@mercor.example"]
    joined(night.google, DATA_TEAM, DANA, *pair)
    changes = wanted(night)
    assert [c.principal for c in changes] == pair
    assert len({c.address.document for c in changes}) == 2
    (line,) = night.connector.commands(changes[0].address.document, changes[:1], None).lines
    assert "'--member-email=kim#a/x@mercor.example'" in line
    picture = night.picture()
    night.contain()
    assert [seat(night, DATA_TEAM, who) for who in pair] == [None, None]
    night.restore()
    assert night.picture() == picture


# --- what could not be given back ----------------------------------------------------------------


def test_a_membership_that_ends_by_itself_is_never_taken_out(team: Night) -> None:
    """The Directory API would give back one that does not end: it is shown, and left."""
    one = seat(team, INNER, CY)
    assert one is not None
    one.data["expireTime"] = datetime(2090, 1, 1, tzinfo=UTC).isoformat()
    assert not wanted(team)
    (skip, *_) = kept(team, CY)
    assert skip.leaves_access
    assert "ends by itself at 2090-01-01" in skip.reason
    assert "by hand" in skip.reason


def test_one_that_was_given_an_end_under_the_plan_is_a_conflict(team: Night) -> None:
    """Both of Google's APIs are read right before: what one does not show, the other does."""
    plan = team.plan()
    one = seat(team, INNER, CY)
    assert one is not None
    one.data["expireTime"] = datetime(2090, 1, 1, tzinfo=UTC).isoformat()
    receipt = of(team.carry_out(plan, Direction.CONTAIN))
    assert (receipt.outcome, receipt.cause) == (Outcome.CONFLICT, Cause.FOREIGN)
    assert seat(team, INNER, CY) is not None


def test_the_last_owner_that_is_not_the_vendors_keeps_a_group_in_hand(night: Night) -> None:
    """Where only the vendor's own it, nobody of them who owns it is taken out."""
    joined(night.google, DATA_TEAM, CY, ANN, role="OWNER")
    assert not wanted(night)
    assert all(
        s.leaves_access and "nobody but the vendor's owns" in s.reason for s in kept(night, CY)
    )
    joined(night.google, DATA_TEAM, DANA, role="OWNER")
    assert [c.principal for c in wanted(night)] == [ANN, CY]


def test_a_group_that_loses_its_other_owners_under_the_plan_keeps_the_last(night: Night) -> None:
    """Looked at right before the write: refused, said, and left by the next plan."""
    joined(night.google, DATA_TEAM, CY, DANA, role="OWNER")
    plan = night.plan()
    one = seat(night, DATA_TEAM, DANA)
    assert one is not None
    night.google.state.remove(one)
    receipt = of(night.carry_out(plan, Direction.CONTAIN))
    assert (receipt.outcome, receipt.cause) == (Outcome.FAILED, Cause.REFUSED)
    assert "no owner left" in receipt.detail
    assert seat(night, DATA_TEAM, CY) is not None
    night.refusals = frozenset({receipt.change.address})
    assert not wanted(night)
    assert all(s.leaves_access for s in kept(night, CY))


def test_a_membership_that_cannot_be_read_is_a_gap_and_is_left(team: Night) -> None:
    """Nobody would know what to give back."""
    team.google.faults.add("admin.directory_v1.members.get", Moment.BEFORE, 403)
    plan = team.plan()
    assert [gap.what for gap in plan.gaps] == [f"membership {INNER[6:]}/{CY[5:]}"]
    assert not [c for c in plan.changes if c.address.kind == KIND]


def test_an_estate_without_a_directory_edits_no_group(team: Night) -> None:
    """It has no role there: a person takes the member out, as it says."""
    estate = team.connector.clients.estate
    team.connector.clients.estate = estate.model_copy(update={"customer": None})
    found = [*team.connector.discover(VENDOR, Scope())]
    assert not [f for f in found if isinstance(f, Seen) and f.address.kind == KIND]
    assert not wanted(team)
    assert any("`gcp.customer`" in skip.reason for skip in kept(team, CY))
    assert estate.customer == CUSTOMER


# --- giving back ---------------------------------------------------------------------------------


def put(night: Night, **words: Json) -> None:
    """Somebody else puts the member back, in a way of their own."""
    members = night.google.client("admin", "directory_v1", "operator").members()
    members.insert(groupKey=INNER[6:], body={"email": CY[5:], **words}).execute()


def test_one_whom_somebody_else_put_back_alike_is_given_back_already(team: Night) -> None:
    """As it was, word for word."""
    before = team.picture()
    team.contain()
    put(team, role="MEMBER", delivery_settings="DIGEST")
    assert of(team.restore()).outcome is Outcome.ALREADY
    assert team.picture() == before


def test_one_whom_somebody_else_put_back_with_another_role_is_a_conflict(team: Night) -> None:
    """Their edit stays, and is shown."""
    team.contain()
    put(team, role="MANAGER", delivery_settings="DIGEST")
    receipt = of(team.restore())
    assert (receipt.outcome, receipt.cause) == (Outcome.CONFLICT, Cause.FOREIGN)
    one = seat(team, INNER, CY)
    assert one is not None
    assert one.data["role"] == "MANAGER"


def test_a_race_with_somebody_who_puts_them_back_is_read_again(team: Night) -> None:
    """409 between our read and our write: what is there then decides."""
    team.contain()
    team.google.faults.add(INSERT, Moment.AFTER, 409)
    assert of(team.restore()).outcome in (Outcome.APPLIED, Outcome.ALREADY)
    assert seat(team, INNER, CY) is not None


def test_trap_9_whoever_has_the_address_now_is_taken_out_again(team: Night) -> None:
    """Only Google's answer says who an address of another Workspace is: it is let in to nothing."""
    team.contain()
    plan = team.book.writes.holds()
    (hold,) = (h for h in plan if h.address.kind == KIND)
    assert hold.prior is not None
    person(team.google, CY)  # another id than the one that was taken out
    receipt = of(team.restore())
    assert (receipt.outcome, receipt.cause) == (Outcome.CONFLICT, Cause.RECREATED)
    assert seat(team, INNER, CY) is None


@pytest.mark.parametrize("again", [False, True])
def test_a_group_that_is_deleted_or_made_again_is_given_nothing_back(
    team: Night, *, again: bool
) -> None:
    """Its id tells it from another of the same address."""
    team.contain()
    state = team.google.state
    group = state.by_email("cloudidentity.googleapis.com/Group", INNER[6:])
    assert group is not None
    state.remove(group)
    if again:
        group.data["id"] = "another"
        state.add(group)
    receipt = of(team.restore())
    assert receipt.outcome is Outcome.CONFLICT
    assert receipt.cause is (Cause.RECREATED if again else Cause.GONE)
    assert seat(team, INNER, CY) is None


@pytest.mark.parametrize("method", [DELETE, INSERT])
@pytest.mark.parametrize("status", [503, 0])
def test_trap_5_a_lost_answer_changes_nothing_of_the_end(
    team: Night, method: str, status: int
) -> None:
    """Done, and then a 503 or no answer at all: it ends as a night without faults does."""
    before = team.picture()
    team.google.faults.add(method, Moment.AFTER, status)
    assert outcomes(team.contain()) <= {Outcome.APPLIED, Outcome.UNPROVEN}
    assert not team.plan().changes
    team.restore(unproven=True)
    team.restore(unproven=True)
    assert team.picture() == before


def test_it_can_be_done_by_hand_but_for_how_mail_is_got(team: Night) -> None:
    """With commands of `gcloud`; what they cannot say is said to a person."""
    (change,) = wanted(team)
    document = change.address.document
    there = team.connector.commands(document, (change,), None).lines
    back = team.connector.commands(document, (change.inverse(),), None).lines
    names = f"--group-email={INNER[6:]} --member-email={CY[5:]}"
    assert there == (f"gcloud identity groups memberships delete {names}",)
    assert back[0] == f"gcloud identity groups memberships add {names} --roles=MEMBER"
    assert "DIGEST" in back[1]
