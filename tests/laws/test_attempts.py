"""The laws of one write: attempts that overlap, come late or are cut off; who did what."""

import pytest
import sqlalchemy as sa
from support.nights import VENDOR, Crash, Mishap, Night, crash, lose_reply

from stopline import planner
from stopline.connectors.memory import NAME, Principal
from stopline.errors import ConnectorError
from stopline.journal import tables
from stopline.model import Address, Change, Direction, Document, Plan, Scope
from stopline.receipts import Cause, Outcome

FIRST, SECOND = "0000000a", "0000000b"
KEY = Address(NAME, "r1", "switch", "v0/one")


def one_key(night: Night) -> tuple[Plan, Change]:
    """The plan of a pause, and its change of one key."""
    plan = night.plan(FIRST)
    return plan, next(c for c in plan.work if c.address == KEY)


def status(night: Night) -> str:
    """How that key stands."""
    return night.world.principals["v0"].switches["one"]


def restoring(night: Night) -> tuple[Plan, Change]:
    """The plan of its rollback, and the change that gives the key back."""
    plan = night.plan_restore(FIRST)
    return plan, next(c for c in plan.work if c.address == KEY)


# --- written down first --------------------------------------------------------------------------


def test_the_intent_is_written_down_before_the_write() -> None:
    """At the moment of sending, the journal has the intent, the hold and the state found."""
    night = Night()
    plan, change = one_key(night)
    kept = []

    def look(at: Night) -> None:
        kept.extend(at.book.writes.holds(FIRST))
        kept.extend(at.book.store.events(kind="intent"))

    night.mishaps.append(Mishap("sending", 1, look))
    night.attempt(plan, [change])
    hold, event = kept
    assert (hold.address, hold.prior, hold.written) == (KEY, change.before, False)
    assert event.data["direction"] == Direction.CONTAIN
    assert status(night) == "off"


def test_an_event_that_was_altered_breaks_the_chain() -> None:
    """Whoever takes out what keeps the journal append-only, and edits it, is seen all the same."""
    night = Night()
    night.contain(FIRST)
    assert night.book.store.verify()[1] == ""
    with night.book.store.write() as connection:
        triggers = sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for name in connection.execute(triggers).scalars().all():
            connection.execute(sa.text(f"DROP TRIGGER {name}"))
        second = tables.events.c.seq == 2
        connection.execute(sa.update(tables.events).where(second).values(actor="mallory"))
    assert "event 2 does not match" in night.book.store.verify()[1]


# --- attempts that overlap or come late ----------------------------------------------------------


def test_a_zombie_whose_lease_ends_too_soon_sends_nothing() -> None:
    """Held up between reading and writing, an attempt must not send what could land too late."""
    night = Night()
    plan, change = one_key(night)

    def wait(at: Night) -> None:
        at.now += 20

    night.mishaps.append(Mishap("read", 1, wait))
    (receipt,) = night.attempt(plan, [change])
    assert (receipt.outcome, receipt.cause) == (Outcome.FAILED, Cause.BUSY)
    assert "sending" not in night.seen
    assert status(night) == "on"


def test_the_intent_of_a_zombie_whose_lease_is_anothers_is_not_recorded() -> None:
    """Whoever has lost the lease changes nothing in the journal."""
    night = Night()
    plan, change = one_key(night)

    def lose(at: Night) -> None:
        at.now += 60
        assert at.book.writes.lease(KEY.document, "another")

    night.mishaps.append(Mishap("read", 1, lose))
    (receipt,) = night.attempt(plan, [change])
    assert receipt.cause is Cause.BUSY
    assert not night.book.writes.holds()
    assert not night.book.store.events(kind="intent")
    assert status(night) == "on"


def test_a_lease_stays_while_a_request_may_still_be_under_way() -> None:
    """Nobody can say whether it landed, so nobody else may write until the lease has run out."""
    night = Night(mishaps=[Mishap("sending", 1, lose_reply)])
    plan, change = one_key(night)
    (receipt,) = night.attempt(plan, [change])
    assert (receipt.outcome, receipt.held) == (Outcome.FAILED, True)
    assert not night.book.writes.lease(KEY.document, "another")
    night.now += 60
    assert night.book.writes.lease(KEY.document, "another")


def test_late_receipts_are_kept_and_settle_nothing() -> None:
    """A write is held up; meanwhile it is rolled back; its receipt takes no hold again."""
    night = Night()
    plan, change = one_key(night)

    def roll_back(at: Night) -> None:
        at.now += 60
        back, undoing = restoring(at)
        (receipt,) = at.attempt(back, [undoing])
        assert receipt.outcome is Outcome.APPLIED

    night.mishaps.append(Mishap("sent", 1, roll_back))
    night.attempt(plan, [change])
    assert not night.book.writes.holds()
    assert len(night.book.store.events(kind="late-receipts")) == 1
    assert status(night) == "on"


def test_one_target_that_breaks_its_connector_stops_no_other() -> None:
    """What a connector must not raise becomes a cause of its own; the others are written."""
    night = Night()
    plan = night.plan(FIRST)

    def fail(_: Night) -> None:
        raise RuntimeError("a bug of the connector")

    night.mishaps.append(Mishap("read", 2, fail))
    receipts = night.attempt(plan, plan.work)
    broken = {r.change.address.document for r in receipts if r.cause is Cause.BUG}
    assert len(broken) == 1
    others = [r for r in receipts if r.change.address.document not in broken]
    assert {r.outcome for r in others if r.cause is not Cause.GONE} == {Outcome.APPLIED}
    assert len(others) > 3


# --- who did it ----------------------------------------------------------------------------------


def test_a_lost_reply_on_a_toggle_is_unproven() -> None:
    """It is off, we meant to switch it off, and nothing shows that it was us."""
    night = Night(mishaps=[Mishap("sent", 1, lose_reply)])
    plan, change = one_key(night)
    (receipt,) = night.attempt(plan, [change])
    assert (receipt.outcome, receipt.held) == (Outcome.UNPROVEN, True)


def sign_out_failed(_night: Night) -> None:
    """The write was answered, and the act that goes with it was not done."""
    raise ConnectorError(Cause.UNREACHABLE, "off, and not signed out", landed=True)


def test_a_write_that_landed_is_ours_although_what_goes_with_it_failed() -> None:
    """Applied, with what failed; it is held, and the rollback gives it back unasked."""
    night = Night(mishaps=[Mishap("sent", 1, sign_out_failed)])
    before = night.world.picture()
    plan, change = one_key(night)
    (receipt,) = night.attempt(plan, [change])
    assert (receipt.outcome, receipt.cause) == (Outcome.APPLIED, Cause.UNREACHABLE)
    assert (receipt.held, receipt.detail) == (True, "off, and not signed out")
    holds = night.book.writes.holds()
    assert [(hold.address, hold.written, hold.unproven) for hold in holds] == [(KEY, True, False)]
    night.carry_out(planner.plan_restore(VENDOR.vendor, FIRST, holds, Scope()))
    assert night.world.picture() == before


def test_what_is_unproven_waits_for_a_persons_word() -> None:
    """A rollback leaves it, says so, and takes it when a person chooses to."""
    night = Night(mishaps=[Mishap("sent", 1, crash)])
    plan, change = one_key(night)
    try:
        night.attempt(plan, [change])
    except Crash:
        night.now += 60
    for _ in range(2):  # cut off before any receipt, and after the receipt that calls it unproven
        holds = night.book.writes.holds()
        left = planner.plan_restore(VENDOR.vendor, FIRST, holds, Scope())
        assert not left.work
        assert [skip.address for skip in left.skips] == [KEY]
        asked = planner.plan_restore(VENDOR.vendor, FIRST, holds, Scope(), unproven=True)
        assert [c.address for c in asked.changes] == [KEY]
        night.attempt(plan, [change])


def test_a_recreated_principal_is_not_written_under_the_old_plan() -> None:
    """The same name under another immutable id is somebody else: a conflict, both ways."""
    night = Night()
    plan, change = one_key(night)
    night.world.principals["v0"] = Principal("u9", "mercor", switches={"one": "on"})
    (receipt,) = night.attempt(plan, [change])
    assert (receipt.outcome, receipt.cause) == (Outcome.CONFLICT, Cause.RECREATED)
    assert status(night) == "on"


def test_a_recreated_principal_is_not_given_what_the_old_one_had() -> None:
    """A rollback does not switch on the key of whoever stands there now."""
    night = Night()
    night.contain(FIRST)
    night.world.principals["v0"] = Principal("u9", "mercor", switches={"one": "off"})
    back, undoing = restoring(night)
    (receipt,) = night.attempt(back, [undoing])
    assert (receipt.outcome, receipt.cause) == (Outcome.CONFLICT, Cause.RECREATED)
    assert status(night) == "off"


def test_a_recreated_principals_own_state_is_not_ours() -> None:
    """A hold on the one who is gone says nothing about a key that was off when the other came."""
    night = Night()
    approved = night.contain(FIRST)
    night.world.principals["v0"] = Principal("u9", "mercor", switches={"one": "off"})
    plan = night.plan(FIRST, sweep=approved)
    assert any(s.address == KEY and "before us" in s.reason for s in plan.skips)


# --- strangers -----------------------------------------------------------------------------------


def test_law_4_containment_overwrites_no_toggle_that_moved_since_it_was_planned() -> None:
    """Neither what was planned from nor what we would leave: nothing is written."""
    night = Night()
    plan, change = one_key(night)
    night.world.principals["v0"].switches["one"] = "limited"
    (receipt,) = night.attempt(plan, [change])
    assert (receipt.outcome, receipt.cause) == (Outcome.CONFLICT, Cause.FOREIGN)
    assert status(night) == "limited"
    assert not night.book.writes.holds()


def test_law_4_a_conflict_on_the_way_back_keeps_its_hold() -> None:
    """What could not be given back is still ours to answer for, until a person has decided."""
    night = Night()
    night.contain(FIRST)
    back, undoing = restoring(night)
    night.world.principals["v0"].switches["one"] = "limited"
    (receipt,) = night.attempt(back, [undoing])
    assert (receipt.outcome, receipt.held) == (Outcome.CONFLICT, True)
    assert KEY in {hold.address for hold in night.book.writes.holds(FIRST)}


@pytest.mark.parametrize("lifted", [(FIRST, SECOND), (SECOND, FIRST)])
def test_law_8_two_overlays_in_one_text_give_back_the_text_from_before_both(
    lifted: tuple[str, str],
) -> None:
    """Whichever pause is lifted last, the text comes back byte for byte, and not earlier."""
    night = Night()
    before = night.world.picture()
    night.contain(FIRST)
    night.contain(SECOND)
    one, two = lifted
    night.restore(one)
    assert night.world.targets["data"].count("StoplineJ") == 2
    assert f"P{two}" in night.world.targets["data"]
    night.restore(two)
    assert night.world.picture() == before


def test_law_8_an_overlay_without_a_receipt_is_not_taken_for_the_original_text() -> None:
    """Cut off after the write, then another pause comes: the text from before both comes back."""
    night = Night()
    before = night.world.picture()
    plan = night.plan(FIRST)
    statements = [c for c in plan.work if c.address.kind == "statement"]
    night.mishaps.append(Mishap("sent", 1, crash))
    try:
        night.attempt(plan, statements)
    except Crash:
        night.now += 60
    assert sum(text.count("StoplineJ") for text in night.world.targets.values()) == 2
    night.contain(SECOND)
    night.restore(SECOND)
    night.restore(FIRST)
    assert night.world.picture() == before


def test_law_10_our_statement_bent_by_an_attacker_is_mended_and_removed() -> None:
    """What bears our mark is ours: containment puts it right, restore takes it out."""
    night = Night()
    before = night.world.picture()
    plan = night.plan(FIRST)
    statement = next(c for c in plan.work if c.address.kind == "statement")
    sid = statement.address.part

    def bend(at: Night) -> None:
        raw = at.world.targets["data"].rstrip(" ]}").rstrip()
        body = raw if sid in raw else f'{raw}}}, {{"Sid": "{sid}", "Effect": "Deny"'
        at.world.put_target("data", body.replace('"Deny"', '"Allow"') + "}]}")

    document = Document(NAME, "r1", "statement", "data")
    changes = [c for c in plan.work if c.address.document == document]
    bend(night)
    assert '"Allow"' in night.world.targets["data"]
    night.attempt(plan, changes)
    assert '"Allow"' not in night.world.targets["data"]
    assert sid in night.world.targets["data"]
    bend(night)
    night.restore(FIRST)
    assert sid not in night.world.targets["data"]
    assert night.world.targets["data"].count("Sid") == str(before["targets"]).count("Sid")


def test_a_stale_rollback_writes_nothing() -> None:
    """What would be given back has changed since the plan: it is planned again, not guessed."""
    night = Night()
    night.contain(FIRST)
    back, undoing = restoring(night)
    night.world.principals["v0"].switches["one"] = "limited"
    night.contain(FIRST)
    (receipt,) = night.attempt(back, [undoing])
    assert (receipt.outcome, receipt.cause, receipt.held) == (Outcome.FAILED, Cause.BUSY, True)
    assert status(night) == "off"


def test_law_9_the_latest_state_that_we_did_not_write_is_given_back() -> None:
    """A key that somebody set anew and a sweep contained again comes back as it was set last."""
    night = Night()
    night.contain(FIRST)
    night.world.principals["v0"].switches["one"] = "limited"
    night.contain(FIRST)
    assert status(night) == "off"
    night.restore(FIRST)
    assert status(night) == "limited"
