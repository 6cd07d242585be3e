"""Shared drives: the vendor is taken out of them, and of files in them, and is given back."""

from collections import Counter
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from googleapiclient.errors import HttpError
from support.google import (
    ANN,
    BO,
    DANA,
    DATA_TEAM,
    KIM,
    NEW,
    ORG,
    PLAYBOOK,
    PULL,
    VENDOR,
    WORKER,
    joined,
    person,
)
from support.google_drives import ENDS, FILE, SHARED_DRIVE
from support.google_nights import Night, outcomes

from stopline.connectors.gcp import commands, drives
from stopline.drill.google.drive import name_of, permission
from stopline.drill.google.faults import Moment
from stopline.drill.google.server import Google
from stopline.errors import ConnectorError
from stopline.model import Address, Breadth, Change, Gap, Scope, State
from stopline.preflight import CANARY_VENDOR
from stopline.receipts import Cause, Outcome, Receipt
from stopline.text import Json
from stopline.vendors import Vendor

DELETE, CREATE = "drive.v3.permissions.delete", "drive.v3.permissions.create"


def permissions(google: Google, file: str) -> list[Json]:
    """The permissions that a file has of its own."""
    found: list[Json] = google.state.get(name_of(file)).data["permissions"]
    return found


def let_in(google: Google, file: str, made: Json) -> None:
    """Another manager shares a file."""
    permissions(google, file).append(made)


def emails(google: Google, file: str) -> set[str]:
    """Whom they name."""
    return {one.get("emailAddress") or one.get("domain") for one in permissions(google, file)}


def address_of(member: str) -> str:
    """The address of a member."""
    return member.partition(":")[2]


def reads(google: Google, who: str, file: str = FILE) -> bool:
    """Whether Drive shows somebody a file, asked as that somebody."""
    client = google.client("drive", "v3", who).files()
    with suppress(HttpError):
        client.get(fileId=file, supportsAllDrives=True).execute()
    code = google.seen[-1].code
    assert code in (200, 404)
    return code == 200


def of_drives(receipts: list[Receipt]) -> list[Receipt]:
    """What became of the permissions."""
    return [r for r in receipts if r.change.address.kind == drives.KIND]


def test_the_vendor_is_out_of_the_drive_and_of_its_files_and_is_given_back(night: Night) -> None:
    """As a member, by a file, by its domain: everybody else, and the other file, stay."""
    google, picture = night.google, night.picture()
    theirs, ours = (KIM, ANN, PULL, "user:max@mercor.example"), (DANA, BO, WORKER)
    assert all(reads(google, who) for who in (*theirs, *ours))
    receipts = of_drives(night.contain())
    assert outcomes(receipts) == {Outcome.APPLIED}
    assert {r.change.principal for r in receipts} == {KIM, ANN, PULL, "domain:mercor.example"}
    assert not any(reads(google, who) for who in theirs)
    assert all(reads(google, who) for who in ours)
    assert emails(google, FILE) == {address_of(BO)}
    assert not night.plan().changes
    assert outcomes(of_drives(night.restore())) == {Outcome.APPLIED}
    assert night.picture() == picture
    mails = [s.query.get("sendNotificationEmail") for s in google.seen if s.method == CREATE]
    assert Counter(map(str, mails)) == {"['false']": 3, "None": 1}


def test_what_a_file_has_from_its_drive_is_taken_out_of_the_drive_alone(night: Night) -> None:
    """Somebody who is both is two permissions, and both come back with their own roles."""
    google = night.google
    let_in(google, FILE, permission("user", address_of(KIM), "reader"))
    picture = night.picture()
    changes = [
        c for c in night.plan().changes if c.principal == KIM and c.address.kind == drives.KIND
    ]
    roles = {c.address.id.split("/")[1]: c.before.value["role"] for c in changes if c.before}
    assert roles == {SHARED_DRIVE: "writer", FILE: "reader"}
    night.contain()
    assert not reads(google, KIM)
    night.restore()
    assert night.picture() == picture


def test_trap_what_ended_by_itself_is_not_given_back(night: Night) -> None:
    """It would be there for ever; whoever was let in until a day later has it until that day."""
    google = night.google
    night.contain()
    google.state.advance(days=301)
    night.connector.clients.now = google.state.now
    ended = [r for r in of_drives(night.restore()) if r.change.principal == ANN]
    assert [(r.outcome, r.cause) for r in ended] == [(Outcome.CONFLICT, Cause.GONE)]
    assert "ended by itself" in ended[0].detail
    assert address_of(ANN) not in emails(google, FILE)
    assert address_of(PULL) in emails(google, FILE)


def test_what_has_an_end_comes_back_with_it(night: Night) -> None:
    """On the very second."""
    night.contain()
    night.connector.clients.now = lambda: night.google.state.now() + timedelta(days=299)
    night.restore()
    (ann,) = (p for p in permissions(night.google, FILE) if p.get("expirationTime"))
    assert (ann["emailAddress"], ann["expirationTime"]) == (address_of(ANN), ENDS)


def test_trap_9_somebody_else_under_the_same_address_is_let_out_again(night: Night) -> None:
    """An id is of a grantee: the account was deleted and made anew, and gets another."""
    google = night.google
    night.contain()
    google.state.born[address_of(KIM)] = "again"
    receipts = [r for r in of_drives(night.restore()) if r.change.principal == KIM]
    assert [(r.outcome, r.cause) for r in receipts] == [(Outcome.CONFLICT, Cause.RECREATED)]
    assert address_of(KIM) not in emails(google, SHARED_DRIVE)


def test_a_strangers_edit_of_the_same_file_that_undoes_ours_is_found_out(night: Night) -> None:
    """Drive keeps the last edit alone: ours was answered, and is not there when we look again."""
    google = night.google
    before = [dict(one) for one in permissions(google, FILE)]

    def stranger() -> None:
        google.state.get(name_of(FILE)).data["permissions"] = [dict(one) for one in before]

    plan = night.plan()
    (change, *_) = (
        c for c in plan.changes if c.address.kind == drives.KIND and FILE in c.address.id
    )
    observed = night.connector.read(change.address.document)
    google.faults.race("drive.v3.permissions.list", stranger)
    with pytest.raises(Exception, match="at the same time") as caught:
        night.connector.write(observed, [change], None, "token")
    assert getattr(caught.value, "landed", False) is None
    night.contain()
    night.contain()
    assert emails(google, FILE) == {address_of(BO)}


@pytest.mark.parametrize(("status", "times"), [(403, 1), (429, 6)])
def test_trap_5_a_look_that_fails_says_nothing_of_the_write(
    night: Night, status: int, times: int
) -> None:
    """It was taken out, and what we asked afterwards failed: it is held, and is given back."""
    google, picture = night.google, night.picture()
    shut = partial(google.faults.add, "drive.v3.permissions.list", Moment.BEFORE, status, times)
    google.faults.race(DELETE, shut)
    counted = Counter((r.outcome, r.held) for r in of_drives(night.contain()))
    assert counted == {(Outcome.APPLIED, True): 3, (Outcome.UNPROVEN, True): 1}
    night.restore(unproven=True)
    assert night.picture() == picture


def test_somebody_else_who_cannot_be_let_out_again_is_told(night: Night) -> None:
    """The receipt says who is in, and where: a person takes it out."""
    google = night.google
    night.contain()
    google.state.born[address_of(KIM)] = "again"
    google.faults.add(DELETE, Moment.BEFORE, 403)
    (kim,) = (r for r in of_drives(night.restore()) if r.change.principal == KIM)
    assert (kim.outcome, kim.held) == (Outcome.FAILED, True)
    assert "take it out by hand" in kim.detail


def test_two_writes_of_one_file_take_turns(night: Night) -> None:
    """Of two at once Drive keeps the last; who would wait for too long is told, and comes again."""
    clients = night.connector.clients
    with clients.alone("the file x"), clients.alone("the file y"):
        pass
    with (
        clients.alone("the file x"),
        pytest.raises(ConnectorError) as caught,
        clients.alone("the file x"),
    ):
        pass
    assert (caught.value.cause, caught.value.landed) == (Cause.THROTTLED, False)


def test_trap_a_drive_that_we_may_not_see_any_more_is_not_taken_for_deleted(night: Night) -> None:
    """Drive says 404 for both: what we hold stays held, and is given back later."""
    google = night.google
    night.contain()
    held = google.state.get(name_of(SHARED_DRIVE)).data.pop("permissions")
    receipts = of_drives(night.restore())
    assert {(r.outcome, r.cause) for r in receipts} == {(Outcome.FAILED, Cause.DENIED)}
    assert all(r.held for r in receipts)
    google.state.get(name_of(SHARED_DRIVE)).data["permissions"] = held
    assert outcomes(of_drives(night.restore())) == {Outcome.APPLIED}


def test_a_file_that_was_deleted_is_no_failure(night: Night) -> None:
    """The drive is shown, and the file is not: there is nothing to give back there."""
    night.contain()
    night.google.state.remove(night.google.state.get(name_of(FILE)))
    gone = [r for r in of_drives(night.restore()) if FILE in r.change.address.id]
    assert {(r.outcome, r.cause) for r in gone} == {(Outcome.CONFLICT, Cause.GONE)}


def test_somebody_in_a_group_of_the_labs_is_shown_as_open(night: Night) -> None:
    """The group is the lab's people's too, and stays."""
    google = night.google
    group = permission("group", address_of(DATA_TEAM), "reader")
    let_in(google, SHARED_DRIVE, group)
    joined(google, DATA_TEAM, KIM)
    shown = [s for s in night.plan().skips if s.address.kind == "drive-permission-of-group"]
    assert [s.principal for s in shown] == [KIM]
    assert shown[0].leaves_access
    assert f"in {DATA_TEAM}, which is reader there" in shown[0].reason
    night.contain()
    assert address_of(DATA_TEAM) in emails(google, SHARED_DRIVE)


def test_a_group_that_only_a_drive_names_is_looked_into(night: Night) -> None:
    """Once: one that a policy names too is known already. Where it is not shown, that is a gap."""
    google, alone = night.google, "group:drivers@lab.example"
    person(google, alone)
    joined(google, alone, KIM)
    let_in(google, SHARED_DRIVE, permission("group", address_of(alone), "reader"))
    let_in(google, SHARED_DRIVE, permission("group", address_of(DATA_TEAM), "reader"))
    shown = [s for s in night.plan().skips if s.address.kind == "drive-permission-of-group"]
    assert [s.principal for s in shown] == [KIM]
    asked = [s.query["groupKey.id"][0] for s in google.seen if s.method.endswith("groups.lookup")]
    assert Counter(asked)[address_of(DATA_TEAM)] == Counter(asked)[address_of(alone)] == 1
    google.state.admins.clear()
    gaps = [gap for gap in night.plan().gaps if gap.what == "members of groups"]
    assert len(gaps) == 2
    assert alone in gaps[0].cause + gaps[1].cause


@pytest.mark.parametrize(
    ("vendor", "kept"), [("mercor", ()), (CANARY_VENDOR, ("domains", "principals"))]
)
def test_for_a_canary_or_whom_the_file_names_nobody_of_no_group_is_looked_into(
    night: Night, vendor: str, kept: tuple[str, ...]
) -> None:
    """Nobody of them can be in one: a pause in AWS alone, and `doctor --canary`, are whole."""
    google = night.google
    alone = permission("group", "drivers@lab.example", "reader")
    let_in(google, SHARED_DRIVE, alone)
    google.state.admins.clear()
    some = {name: getattr(VENDOR.gcp, name) for name in kept}
    night.vendor = Vendor.model_validate({"vendor": vendor, "gcp": some})
    assert bool(kept) is not night.vendor.gcp_of().empty
    told = [f.what for f in night.connector.discover(night.vendor, Scope()) if isinstance(f, Gap)]
    assert "members of groups" not in told
    assert not [s for s in google.seen if s.method.endswith("groups.lookup")]


def test_a_drive_that_is_not_shown_is_a_gap_and_so_is_a_file(night: Night) -> None:
    """The rest is found all the same."""
    google = night.google
    google.faults.add("drive.v3.files.list", Moment.BEFORE, 403)
    plan = night.plan()
    assert [gap.what for gap in plan.gaps] == [f"files of the shared drive {SHARED_DRIVE}"]
    assert [c.principal for c in plan.changes if c.address.kind == drives.KIND] == [KIM]
    del google.state.get(name_of(SHARED_DRIVE)).data["permissions"]
    told = {gap.what for gap in night.plan().gaps}
    assert f"permissions of the shared drive {SHARED_DRIVE}" in told


def test_trap_13_files_come_in_pages_up_to_the_estates_bound(night: Night) -> None:
    """What is beyond the bound is a gap."""
    google = night.google
    google.state.page_limit, google.state.empty_pages = 1, True
    assert len([c for c in night.plan().changes if FILE in c.address.id]) == 3
    clients = night.connector.clients
    clients.estate = clients.estate.model_copy(update={"files_per_drive": 1})
    (gap,) = night.plan().gaps
    assert "more than 1 files" in gap.cause


def test_without_a_rule_the_vendor_stays_in_and_that_is_said(night: Night) -> None:
    """And where no drive is named in the estate's file, none is asked about."""
    (phase,) = PLAYBOOK.phases
    rules = tuple(r for r in phase.rules if r.contains != "drive-permissions")
    night.playbook = PLAYBOOK.model_copy(
        update={"phases": (phase.model_copy(update={"rules": rules}),)}
    )
    left = [s for s in night.plan().skips if s.address.kind == drives.KIND]
    assert len(left) == 4
    assert all("no deny reaches" in s.reason and s.leaves_access for s in left)
    clients = night.connector.clients
    clients.estate = clients.estate.model_copy(update={"shared_drives": ()})
    night.google.seen.clear()
    night.plan()
    assert not [s for s in night.google.seen if s.method.startswith("drive.")]


@pytest.mark.parametrize("status", [503, 0])
def test_trap_5_an_answer_that_is_lost_after_the_write_ends_the_same(
    night: Night, status: int
) -> None:
    """Taken out or let in: it is read again, and not sent twice."""
    google, picture = night.google, night.picture()
    google.faults.add(DELETE, Moment.AFTER, status)
    assert outcomes(of_drives(night.contain())) == {Outcome.APPLIED, Outcome.UNPROVEN}
    google.faults.add(CREATE, Moment.AFTER, status)
    night.restore(unproven=True)
    night.restore(unproven=True)
    assert night.picture() == picture


def test_429_is_waited_for(night: Night) -> None:
    """It was surely not written."""
    night.google.faults.add(DELETE, Moment.BEFORE, 429, times=2)
    assert outcomes(of_drives(night.contain())) == {Outcome.APPLIED}


def test_a_person_is_told_what_to_do_by_hand() -> None:
    """No command of Google's knows Drive."""
    where = Address("gcp", ORG, drives.KIND, f"{SHARED_DRIVE}/{FILE}/7")
    state = State.of({"type": "user", "role": "writer", "emailAddress": address_of(NEW)})
    change = Change(where, state, None, "rule", Breadth.NARROW, principal=NEW)
    (line,) = commands.commands(where.document, [change]).lines
    assert line.startswith("not_done 'take out of the shared drive")
    assert f"the file {FILE}: {NEW}, writer" in line
    (back,) = commands.commands(where.document, [replace(change.inverse(), principal=NEW)]).lines
    assert "let into the shared drive" in back
