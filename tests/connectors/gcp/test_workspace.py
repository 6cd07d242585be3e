"""Users of the lab's own directory who are the vendor's: suspended, signed out, given back."""

from dataclasses import replace

import pytest
from support.google import (
    PEOPLE,
    ROOT,
    SUSPENDS,
    UNIT,
    VAL,
    VENDOR,
    VIC,
    binding,
    estate_of,
)
from support.google_nights import PROJECT, Night, may, outcomes

from stopline import guards
from stopline.connectors.gcp import GcpConnector
from stopline.connectors.gcp.clients import Clients
from stopline.drill.google.faults import Moment
from stopline.drill.google.server import Google
from stopline.drill.google.state import Resource
from stopline.estate import Protected
from stopline.model import Change, Gap, Grant, Scope, Severity, Skip, State
from stopline.planner import snapshot_of
from stopline.receipts import Cause, Outcome, Receipt
from stopline.text import Json
from stopline.vendors import Project, Vendor

UPDATE, SIGN_OUT = "admin.directory_v1.users.update", "admin.directory_v1.users.signOut"
READER = "roles/browser"
LOOK = "resourcemanager.projects.get"


@pytest.fixture
def users(night: Night) -> Night:
    """All of the directory may look at the project; nothing but suspension takes it away."""
    night.playbook = SUSPENDS
    project = night.google.state.get(PROJECT)
    held = binding(READER, VIC, VAL, ROOT)
    project.policy = {"bindings": [*project.policy["bindings"], held]}
    return night


def data(night: Night, member: str) -> dict[str, Json]:
    """What the directory has of somebody."""
    return resource(night, member).data


def resource(night: Night, member: str) -> Resource:
    """Whoever has an address in the directory now."""
    found = night.google.state.by_email(PEOPLE, member.partition(":")[2])
    assert found is not None
    return found


def sessions(night: Night, member: str) -> int:
    """How often somebody was signed out."""
    return resource(night, member).sessions_ended


def left(night: Night, member: str) -> Skip:
    """Why somebody is not suspended."""
    skips = night.plan().skips
    (one,) = (s for s in skips if s.principal == member and s.address.kind == "workspace-user")
    return one


def found(night: Night, vendor: Vendor = VENDOR) -> dict[str, Grant]:
    """The vendor's people in the directory."""
    grants = night.connector.discover(vendor, Scope())
    return {
        f.principal: f
        for f in grants
        if isinstance(f, Grant) and f.address.kind == "workspace-user"
    }


def gaps(night: Night, vendor: Vendor = VENDOR) -> list[tuple[str, str]]:
    """What could not be read."""
    said = night.connector.discover(vendor, Scope())
    return [(f.what, f.cause) for f in said if isinstance(f, Gap)]


def with_selectors(**words: Json) -> Vendor:
    """The vendor, selected in other ways."""
    return VENDOR.model_copy(update={"gcp": VENDOR.gcp.model_copy(update=words)})


def wanted(night: Night) -> list[Change]:
    """Whom the plan would suspend."""
    return [c for c in night.plan().changes if c.address.kind == "workspace-user"]


def of(receipts: list[Receipt], member: str) -> Receipt:
    """What became of somebody."""
    (one,) = (r for r in receipts if r.change.principal == member)
    return one


# --- who it is -----------------------------------------------------------------------------------


def test_who_is_in_the_vendors_unit_or_below_it_is_found_and_nobody_else(users: Night) -> None:
    """By the whole step of a path: a unit whose name only begins alike is another's."""
    data(users, ROOT)["orgUnitPath"] = f"{UNIT}-else"
    assert {who: (g.via, g.uid) for who, g in found(users).items()} == {
        VIC: (f"the unit {UNIT}", data(users, VIC)["id"]),
        VAL: (f"the unit {UNIT}", data(users, VAL)["id"]),
    }


def test_who_is_named_in_the_vendors_file_is_found_by_any_address(users: Night) -> None:
    """The directory's own address of somebody, or another that they have."""
    data(users, ROOT)["aliases"] = ["contractor@lab.example"]
    named = with_selectors(org_units=(), principals=("user:Contractor@lab.example",))
    assert {who: g.via for who, g in found(users, named).items()} == {ROOT: "its own name"}


def test_whom_the_unit_selects_is_denied_as_the_vendors_too(night: Night) -> None:
    """What policies and groups give them counts as the vendor's, by either address."""
    data(night, VIC)["aliases"] = ["vic.old@lab.example"]
    project = night.google.state.get(PROJECT)
    held = [binding(READER, VAL, "user:vic.old@lab.example"), *project.policy["bindings"]]
    project.policy = {"bindings": held}
    denied = {c.principal for c in night.plan().changes if c.address.kind == "deny-policy-entry"}
    assert {VAL, "user:vic.old@lab.example"} <= denied
    assert ROOT not in denied


def test_trap_13_pages_of_one_hide_nobody(users: Night) -> None:
    """Trap 13: however the list is cut, with pages that are empty."""
    before = found(users)
    users.google.state.page_limit, users.google.state.empty_pages = 1, True
    assert found(users) == before


def test_a_unit_that_nobody_is_in_is_a_gap(users: Night) -> None:
    """A slip of the pen would else let everybody go on unseen."""
    misspelt = with_selectors(org_units=("/Vendors/Merkor", UNIT.upper()))
    assert set(found(users, misspelt)) == {VIC, VAL}
    ((what, cause),) = gaps(users, misspelt)
    assert what == "users of /Vendors/Merkor"
    assert "spelt" in cause


def test_a_directory_that_may_not_be_read_is_a_gap_and_the_rest_is_contained(night: Night) -> None:
    """Without the role of an administrator nobody knows who is in it."""
    night.google.faults.add("admin.directory_v1.users.list", Moment.BEFORE, 403)
    plan = night.plan()
    (gap,) = plan.gaps
    assert gap.what == "workspace-users"
    assert "403" in gap.cause
    assert plan.changes


# --- an estate without a directory ---------------------------------------------------------------


def without(google: Google, **more: Json) -> GcpConnector:
    """The connector of an estate whose file names no directory."""
    gcp = estate_of(google).gcp
    assert gcp is not None
    told = gcp.model_copy(update={"customer": None, **more})
    return GcpConnector(Clients(told, sleep=lambda _: None), 0.0)


def test_an_estate_without_a_directory_shows_one_clear_gap(google: Google) -> None:
    """Once, also where each project is a realm; a person who has looked says so."""
    alone = {"organization": None, "projects": ("lab-data", "lab-security")}
    for connector in (without(google), without(google, **alone)):
        said = [f for f in connector.discover(VENDOR, Scope()) if isinstance(f, Gap)]
        (gap,) = (f for f in said if f.what == "workspace-users")
        assert "`gcp.customer`" in gap.cause
        seen = (*VENDOR.gcp.acknowledged, "workspace-users")
        for units, shown in (((), False), ((UNIT,), True)):
            looked = with_selectors(acknowledged=seen, org_units=units)
            told = [f.what for f in connector.discover(looked, Scope()) if isinstance(f, Gap)]
            assert ("workspace-users" in told) is shown
        connector.clients.close()


def test_what_a_person_has_looked_at_holds_for_a_pause_of_one_project_too(google: Google) -> None:
    """The vendor's file says it of the vendor; a project's part has only what selects."""
    connector = without(google)
    seen = (*VENDOR.gcp.acknowledged, "workspace-users")
    project = Project(gcp=VENDOR.gcp.model_copy(update={"acknowledged": (), "org_units": ()}))
    for acknowledged, shown in ((seen, False), (VENDOR.gcp.acknowledged, True)):
        file = with_selectors(acknowledged=acknowledged, org_units=())
        file = file.model_copy(update={"projects": {"labels": project}})
        found = connector.discover(file, Scope(project="labels"))
        assert ("workspace-users" in {f.what for f in found if isinstance(f, Gap)}) is shown
    connector.clients.close()


# --- containing, and giving back -----------------------------------------------------------------


def test_who_is_suspended_may_nothing_and_is_given_back_as_before(users: Night) -> None:
    """Signed out once; colleagues go on, and everything is as it was afterwards."""
    picture = users.picture()
    assert may(users.google, VIC, LOOK)
    receipts = users.contain()
    assert {r.change.principal for r in receipts} == {VIC, VAL}
    assert outcomes(receipts) == {Outcome.APPLIED}
    assert not may(users.google, VIC, LOOK)
    assert may(users.google, ROOT, LOOK)
    assert (sessions(users, VIC), sessions(users, ROOT)) == (1, 0)
    assert not users.plan().work
    assert outcomes(users.restore()) == {Outcome.APPLIED}
    assert may(users.google, VIC, LOOK)
    assert sessions(users, VIC) == 1
    assert users.picture() == picture


def test_nobody_is_signed_out_before_they_are_suspended(users: Night) -> None:
    """Else they would sign in again in between."""
    users.contain()
    calls = [s.method for s in users.google.seen if s.method in (UPDATE, SIGN_OUT)]
    assert calls == [UPDATE, SIGN_OUT] * 2


@pytest.mark.parametrize(
    ("status", "cause"),
    [(503, Cause.UNREACHABLE), (403, Cause.DENIED), (0, Cause.UNREACHABLE)],
)
def test_a_sign_out_that_fails_is_told_and_blocks_nothing(
    users: Night, status: int, cause: Cause
) -> None:
    """Suspended all the same, ours, and given back without a question."""
    picture = users.picture()
    users.google.faults.add(SIGN_OUT, Moment.BEFORE, status)
    receipts = users.contain()
    assert outcomes(receipts) == {Outcome.APPLIED}
    (beside,) = (r for r in receipts if r.cause)
    assert (beside.cause, beside.held) == (cause, True)
    assert "may still be signed in" in beside.detail
    assert not users.plan().work
    assert outcomes(users.restore()) == {Outcome.APPLIED}
    assert users.picture() == picture


def test_trap_5_an_answer_that_is_lost_leaves_nobody_signed_in(users: Night) -> None:
    """Nobody knows who suspended them, so a person decides; they are signed out all the same."""
    picture = users.picture()
    users.google.faults.add(UPDATE, Moment.AFTER, 503, times=2)
    receipts = users.contain()
    assert outcomes(receipts) == {Outcome.UNPROVEN}
    assert (sessions(users, VIC), sessions(users, VAL)) == (1, 1)
    assert not users.restore()
    assert outcomes(users.restore(unproven=True)) == {Outcome.APPLIED}
    assert users.picture() == picture


def test_a_directory_that_asks_us_to_slow_down_is_asked_again(users: Night) -> None:
    """As quota: Google says it with a 403 too, whose reason tells."""
    users.google.faults.add(UPDATE, Moment.BEFORE, 429, times=2)
    assert outcomes(users.contain()) == {Outcome.APPLIED}


# --- what is not ours ----------------------------------------------------------------------------


@pytest.mark.parametrize("reason", ["ADMIN", "ABUSE"])
def test_trap_12_who_was_suspended_before_stays_so(users: Night, reason: str) -> None:
    """By whomever, and why: it is shown as done, and never given back."""
    data(users, VIC).update({"suspended": True, "suspensionReason": reason})
    picture = users.picture()
    skip = left(users, VIC)
    assert not skip.leaves_access
    assert (reason == "ABUSE") is ("ABUSE" in skip.reason)
    assert [c.principal for c in wanted(users)] == [VAL]
    users.contain()
    users.restore()
    assert data(users, VIC)["suspended"] is True
    assert users.picture() == picture


def test_whom_google_suspends_meanwhile_stays_so(users: Night) -> None:
    """Another reason than ours is another's: a conflict, and nobody is let in."""
    users.contain()
    data(users, VIC)["suspensionReason"] = "UNDER13"
    receipt = of(users.restore(), VIC)
    assert (receipt.outcome, receipt.cause) == (Outcome.CONFLICT, Cause.FOREIGN)
    assert receipt.found == State.of({"suspended": True, "by": "UNDER13"})
    assert data(users, VIC)["suspended"] is True
    assert not data(users, VAL)["suspended"]


def made_again(night: Night) -> None:
    """Delete somebody, and make somebody else of the same address."""
    client = night.google.client("admin", "directory_v1", "operator").users()
    client.delete(userKey=VIC[5:]).execute()
    body = {"primaryEmail": VIC[5:], "name": {"givenName": "V"}, "password": "for a test"}
    client.insert(body=body).execute()


def test_trap_9_who_is_deleted_and_made_again_is_somebody_else(users: Night) -> None:
    """Somebody who has the address now is neither let in nor shut out by the rollback."""
    users.contain()
    made_again(users)
    data(users, VIC)["suspended"] = True
    receipt = of(users.restore(), VIC)
    assert (receipt.outcome, receipt.cause) == (Outcome.CONFLICT, Cause.RECREATED)
    assert data(users, VIC)["suspended"] is True
    assert not data(users, VAL)["suspended"]


def test_who_is_deleted_cannot_be_given_back(users: Night) -> None:
    """And the rollback says so."""
    users.contain()
    client = users.google.client("admin", "directory_v1", "operator").users()
    client.delete(userKey=VIC[5:]).execute()
    receipt = of(users.restore(), VIC)
    assert (receipt.outcome, receipt.cause) == (Outcome.CONFLICT, Cause.GONE)


def test_who_is_made_again_after_the_plan_is_not_suspended_by_it(users: Night) -> None:
    """The write goes to the id that was read: the new one waits for a plan of its own."""
    plan = users.plan()
    made_again(users)
    receipt = of(users.carry_out(plan, plan.direction), VIC)
    assert (receipt.outcome, receipt.cause) == (Outcome.CONFLICT, Cause.RECREATED)
    assert not data(users, VIC)["suspended"]


def test_who_has_another_address_now_is_given_back_all_the_same(users: Night) -> None:
    """The old address is an alias of the same person."""
    users.contain()
    state, person = users.google.state, resource(users, VIC)
    state.remove(person)
    person.data |= {"primaryEmail": "victor@lab.example", "aliases": [VIC[5:]]}
    state.add(replace(person, name=f"//{PEOPLE}/victor@lab.example"))
    assert of(users.restore(), VIC).outcome is Outcome.APPLIED
    assert not data(users, "user:victor@lab.example")["suspended"]


def test_an_administrator_is_shown_and_left(users: Night) -> None:
    """Google lets no other suspend a super administrator: a person takes that role away first."""
    data(users, VIC)["isAdmin"] = True
    skip = left(users, VIC)
    assert skip.leaves_access
    assert "super administrator" in skip.reason
    assert [c.principal for c in wanted(users)] == [VAL]


def test_another_administrator_is_suspended_where_the_vendors_file_names_them(users: Night) -> None:
    """A unit that is too wide must not shut out whoever runs the directory."""
    data(users, VIC)["isDelegatedAdmin"] = True
    skip = left(users, VIC)
    assert skip.leaves_access
    assert f"whom the unit {UNIT} alone selects" in skip.reason
    assert [c.principal for c in wanted(users)] == [VAL]
    users.vendor = with_selectors(principals=(*VENDOR.gcp.principals, VIC))
    assert [c.principal for c in wanted(users)] == [VAL, VIC]
    assert outcomes(users.contain()) == {Outcome.APPLIED}


def test_an_administrator_that_google_refuses_is_a_receipt_and_then_left(users: Night) -> None:
    """One who became so under the plan: denied, and nobody was signed out."""
    plan = users.plan()
    data(users, VIC)["isAdmin"] = True
    receipt = of(users.carry_out(plan, plan.direction), VIC)
    assert (receipt.outcome, receipt.cause) == (Outcome.FAILED, Cause.DENIED)
    assert sessions(users, VIC) == 0


def test_who_is_archived_can_do_nothing_and_is_left(users: Night) -> None:
    """Nothing is open through them, and nothing is ours to give back."""
    data(users, VIC)["archived"] = True
    skip = left(users, VIC)
    assert not skip.leaves_access


def test_who_is_protected_is_refused_by_the_guard_or_left_by_the_vendors_file(
    users: Night,
) -> None:
    """The lab's own people in the vendor's unit: no override for the estate's word."""
    users.vendor = VENDOR.model_copy(update={"protected": (VAL,)})
    plan = users.plan()
    assert "protected by the vendor's file" in left(users, VAL).reason
    estate = estate_of(users.google).model_copy(
        update={"protected": Protected(break_glass=("user:v*@lab.example",))}
    )
    snapshot = snapshot_of("mercor", users.connector.discover(users.vendor, Scope()), "")
    bounds = guards.Bounds(estate, users.playbook.limits)
    refused = [f for f in guards.guard(plan, snapshot, bounds) if f.guard == "break-glass"]
    assert [f.severity for f in refused] == [Severity.REFUSE]
    assert [a.id for a in refused[0].addresses] == [VIC[5:]]


def test_a_large_part_of_the_directory_asks_for_a_persons_word(users: Night) -> None:
    """A unit that is too wide is the likeliest cause."""
    for n in range(8):
        number = f"user:v{n}@lab.example"
        users.google.state.add(_somebody(users, number))
    snapshot = snapshot_of("mercor", users.connector.discover(users.vendor, Scope()), "")
    bounds = guards.Bounds(estate_of(users.google), users.playbook.limits)
    (finding,) = (
        f for f in guards.guard(users.plan(), snapshot, bounds) if f.guard == "too-large-a-share"
    )
    assert finding.what.startswith("10 of 13 workspace-users in gcp")


def _somebody(night: Night, member: str) -> Resource:
    who = resource(night, VIC)
    email = member.partition(":")[2]
    told = {**who.data, "primaryEmail": email, "id": email}
    return replace(who, name=f"//{PEOPLE}/{email}", data=told)


def test_a_person_does_by_hand_what_no_command_does(users: Night) -> None:
    """The Admin console, with whom it is about: the id tells people of one name apart."""
    (change,) = (c for c in wanted(users) if c.principal == VIC)
    there = users.connector.commands(change.address.document, (change,), None).lines
    back = users.connector.commands(change.address.document, (change.inverse(),), None).lines
    assert [line.split()[0] for line in (*there, *back)] == ["not_done"] * 2
    assert all(f"{VIC[5:]} (id {data(users, VIC)['id']})" in line for line in (*there, *back))
    assert "suspend" in there[0]
    assert "let in again" in back[0]
