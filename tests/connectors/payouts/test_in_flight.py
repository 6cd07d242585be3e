"""What a pay run has in its batch: let proceed, put off or pulled, to the minor unit."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from connectors.contract import MARK, ConnectorContract, carry_out, plan
from connectors.ending import EndingContract, effects, holds
from connectors.payouts.test_contract import LedgerGround
from connectors.payouts.test_money import OWED, Sums, carried_out, connector_of, grants, paid, sums
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import Engine
from sqlalchemy.pool import StaticPool
from support.journals import a_book
from support.ledgers import ESTATE, VENDOR, filled, in_flight

from stopline.connectors.payouts import PayoutsConnector
from stopline.connectors.payouts import ledger as l
from stopline.connectors.payouts.in_flight import DAY, PLACE
from stopline.drill.payrun import pay_run, queue, send
from stopline.engine import Errand, apply
from stopline.errors import ConnectorError
from stopline.model import Change, Direction, Skip
from stopline.port import Mark, Terms
from stopline.receipts import Cause, Outcome

SOON, LATER, TODAY = date(2026, 12, 1), date(2026, 12, 20), date(2026, 11, 24)
ALL = date(9000, 1, 1)
"""So late that every day has come, but the one that never does."""


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/l.db"
    return str(request.getfixturevalue("postgresql_url"))


def ground_of(url: str, how: str) -> LedgerGround:
    """A ledger whose run has two of the vendor's payables in its batch, under one rule."""
    made = LedgerGround(url)
    queue(made.engine, "friday", SOON, most=2)
    made.playbook = in_flight(how)
    made.used()
    return made


class TestPutOff(ConnectorContract):
    """`reschedule` keeps the contract."""

    @pytest.fixture
    def ground(self, url: str) -> Iterator[LedgerGround]:
        """A ledger with a batch that is put off."""
        made = ground_of(url, "reschedule")
        yield made
        made.engine.dispose()


class TestPulled(ConnectorContract, EndingContract):
    """`cancel` keeps the contract of what can be removed for good, too."""

    @pytest.fixture
    def ground(self, url: str) -> Iterator[LedgerGround]:
        """A ledger with a batch that is pulled."""
        made = ground_of(url, "cancel")
        yield made
        made.engine.dispose()


# --- to the minor unit ---------------------------------------------------------------------------


def opinions(connector: PayoutsConnector, how: str, mark: Mark = MARK) -> list[Change | Skip]:
    """What the playbook asks for, and what it leaves."""
    terms = Terms(VENDOR, in_flight(how), mark, estate=ESTATE)
    return [o for g in grants(connector) for o in connector.contained(g, terms)]


def work_of(connector: PayoutsConnector, how: str, mark: Mark = MARK) -> list[Change]:
    """The changes of one pause, with what stands there now as `before`."""
    found = [o for o in opinions(connector, how, mark) if isinstance(o, Change)]
    return [with_before(connector, change) for change in found]


def with_before(connector: PayoutsConnector, change: Change) -> Change:
    """As the planner makes it."""
    states = connector.read(change.address.document).states
    return Change(**{**change_fields(change), "before": states.get(change.address)})


def change_fields(change: Change) -> dict[str, Any]:
    """The fields of a change by name."""
    return {name: getattr(change, name) for name in Change.__slots__}


def rows(engine: Engine) -> list[tuple[Any, ...]]:
    """Every payable, and every hold without its time."""
    with engine.connect() as connection:
        found = [tuple(r) for r in connection.execute(sa.select(l.PAYABLES).order_by("id"))]
        c = l.HOLDS.c
        return found + [tuple(r) for r in connection.execute(sa.select(c.payable, c.mark))]


def of_mine(items: Iterable[Any]) -> Sums:
    """What left to the vendor's."""
    return paid(items)


@given(
    owed=st.lists(OWED, min_size=1, max_size=7),
    batch=st.integers(0, 5),
    day=st.sampled_from([None, SOON, LATER]),
    between=st.booleans(),
    how=st.sampled_from(["let-proceed", "reschedule", "cancel"]),
    ends=st.booleans(),
)
@settings(max_examples=25, deadline=None)
def test_what_was_owed_is_paid_held_or_escaped_under_each_rule(
    *, owed: list[tuple[str, str, int]], batch: int, day: date | None, between: bool, how: str,
    ends: bool,
) -> None:  # fmt: skip
    """Per payee and currency. What is held stays; a release gives every row back as it was.

    What a termination cancels is owed and held as before, and paid by a new run once it is lifted.
    """
    engine = sa.create_engine(
        "sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False}
    )
    filled(engine, owed)
    connector, book = connector_of(engine), a_book("sqlite://")
    at_first = sums(grants(connector))
    queue(engine, "friday", day, most=batch)
    work, found = work_of(connector, how), grants(connector)
    before = of_mine(send(engine, SOON)) if between else Counter()
    was = rows(engine)
    receipts = carried_out(connector, work, Direction.CONTAIN, book)
    assert {r.outcome for r in receipts} <= {Outcome.APPLIED, Outcome.ALREADY}
    held_ids = {r.change.address.document.id for r in receipts if r.held}
    held = sums(g for g in found if g.address.id in held_ids)
    escaped = of_mine((*send(engine, ALL), *pay_run(engine, "while held")))
    assert at_first == before + held + escaped
    assert how == "let-proceed" or not escaped
    back = [r.change.inverse() for r in receipts if r.held]
    if ends and how == "cancel":
        pulled = [c for c in back if c.address.kind == PLACE]
        for change in pulled:
            connector.end(connector.read(change.address.document), [change], "t")
        assert not send(engine, ALL)
        assert not pay_run(engine, "after the end")
        back = [c for c in back if c.address.kind != PLACE]
    released = carried_out(connector, back, Direction.RESTORE, book)
    assert all(r.outcome is Outcome.APPLIED for r in released)
    if not escaped and not ends:
        assert rows(engine) == was
    assert of_mine((*send(engine, ALL), *pay_run(engine, "after"))) == held
    book.close()
    engine.dispose()


# --- one payable ---------------------------------------------------------------------------------


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """One payable of a person's in the batch of a run."""
    made = filled(l.engine_of(f"sqlite:///{tmp_path}/l.db"), [("c1", "USD", 1200)])
    queue(made, "friday", SOON)
    yield made
    made.dispose()


def test_what_is_let_proceed_is_named_as_escaped_with_its_run(engine: Engine) -> None:
    """With its amount and its day; without any rule it is left open for a person."""
    (skip,) = opinions(connector_of(engine), "let-proceed")
    assert isinstance(skip, Skip)
    assert not skip.leaves_access
    assert skip.reason == (
        "escaped: 12.00 USD is in the pay run 'friday', sent on 2026-12-01; let proceed"
    )


def test_earned_pay_is_put_off_only_where_it_may_be_held(engine: Engine) -> None:
    """A person's pay takes a legal basis and a second approver, in a run as well."""
    vendor = VENDOR.model_copy(update={"payouts": VENDOR.payouts.model_copy(
        update={"legal_basis": ""})})  # fmt: skip
    terms = Terms(vendor, in_flight("reschedule"), MARK, estate=ESTATE)
    connector = connector_of(engine)
    (skip,) = [o for g in grants(connector) for o in connector.contained(g, terms)]
    assert isinstance(skip, Skip)
    assert "a legal basis" in skip.reason


def test_a_day_that_a_stranger_set_meanwhile_stays(engine: Engine) -> None:
    """A rollback finds it: a conflict with three columns, and nothing is written."""
    connector, book = connector_of(engine), a_book("sqlite://")
    work = work_of(connector, "reschedule")
    carried_out(connector, work, Direction.CONTAIN, book)
    with engine.begin() as connection:
        connection.execute(sa.update(l.PAYABLES).values(send_on=LATER))
    back = carried_out(connector, [c.inverse() for c in work], Direction.RESTORE, book)
    outcomes = {r.change.address.kind: r.outcome for r in back}
    assert outcomes[DAY] is Outcome.CONFLICT
    with engine.connect() as connection:
        assert connection.scalar(sa.select(l.PAYABLES.c.send_on)) == LATER
    book.close()


def test_two_pauses_under_two_rules_are_apart(engine: Engine) -> None:
    """One puts it off, one pulls it: each gives its own back, and it is sent when both have."""
    connector, book = connector_of(engine), a_book("sqlite://")
    other = Mark(MARK.journal, "00000002")
    mine = work_of(connector, "reschedule")
    carried_out(connector, mine, Direction.CONTAIN, book)
    theirs = work_of(connector, "cancel", other)
    errand = Errand(other.pause, Direction.CONTAIN, "b", "t")
    list(apply(connector, book.writes, errand, theirs))
    carried_out(connector, [c.inverse() for c in mine], Direction.RESTORE, book)
    assert not send(engine, ALL)
    errand = Errand(other.pause, Direction.RESTORE, "c", "t")
    list(apply(connector, book.writes, errand, [c.inverse() for c in theirs]))
    assert [one.amount for one in send(engine, SOON)] == [1200]
    book.close()


def test_nothing_is_cancelled_that_nobody_would_hold_afterwards(url: str) -> None:
    """Somebody took the hold away: the next run would pay it, so it stays in its run."""
    ground = ground_of(url, "cancel")
    changes = plan(ground).changes
    carry_out(ground, changes)
    with ground.engine.begin() as connection:
        connection.execute(sa.delete(l.HOLDS))
    before = ground.picture()
    for change in effects(ground, changes):
        observed = ground.connector.read(change.address.document)
        with pytest.raises(ConnectorError) as refused:
            ground.connector.end(observed, [change], "token")
        assert (refused.value.cause, refused.value.landed) == (Cause.REFUSED, False)
        assert "the next run would pay it" in refused.value.detail
    assert ground.picture() == before
    ground.engine.dispose()


def test_a_termination_says_what_it_cancels_and_what_stays(url: str) -> None:
    """What was pulled is cancelled and stays owed; a day that was moved stays for people."""
    for how, word in (("cancel", "for good; it stays owed"), ("reschedule", "stays put off")):
        ground = ground_of(url if how == "cancel" else "sqlite://", how)
        changes = [c for c in plan(ground).changes if c.address.kind in (DAY, PLACE)]
        assert changes
        for hold in holds(tuple(changes)):
            says = ground.connector.ended(hold)
            assert word in (says.reason if isinstance(says, Skip) else says.summary)
        ground.engine.dispose()


def test_a_playbook_that_cancels_must_hold_as_well(engine: Engine) -> None:
    """Without the rule for payables a cancelled payment would be paid by the next run."""
    bare = in_flight("cancel")
    only = bare.phases[0].model_copy(update={"rules": bare.phases[0].rules[1:]})
    terms = Terms(VENDOR, bare.model_copy(update={"phases": (only,)}), MARK, estate=ESTATE)
    connector = connector_of(engine)
    (skip,) = [o for g in grants(connector) for o in connector.contained(g, terms)]
    assert isinstance(skip, Skip)
    assert skip.leaves_access
    assert "the next run would pay it" in skip.reason


def test_a_lost_reply_leaves_a_lever_unproven_and_a_person_decides(engine: Engine) -> None:
    """A lever bears no mark: nothing shows that it was us, and nothing is sent meanwhile."""
    connector, book = connector_of(engine), a_book("sqlite://")
    work = [c for c in work_of(connector, "reschedule") if c.address.kind == DAY]

    class Losing(PayoutsConnector):
        def write(self, *told: Any) -> None:
            super().write(*told)
            raise ConnectorError(Cause.UNREACHABLE, "no answer", landed=None)

    losing = Losing(connector.urls, _engines=connector._engines)
    (receipt,) = carried_out(losing, work, Direction.CONTAIN, book)
    assert (receipt.outcome, receipt.held) == (Outcome.UNPROVEN, True)
    assert not send(engine, ALL)
    book.close()
