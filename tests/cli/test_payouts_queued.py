"""What a pay run has in its batch, as people see it: held, cancelled at the end, owed all along."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine
from support.asking import Asking
from support.journals import a_book
from support.ledgers import ESTATE as BOOKS
from support.ledgers import LEDGER, filled, in_flight
from support.ledgers import VENDOR as LAB
from support.money import MARK, carried_out
from support.temporal import House, write_configuration

from stopline.connectors.payouts import PayoutsConnector
from stopline.connectors.payouts import ledger as l
from stopline.connectors.payouts.words import CONTAINS
from stopline.drill.payrun import pay_run, queue, send
from stopline.entrypoints.cli.owing import report_of
from stopline.journal.pauses import Pause, PauseStatus
from stopline.model import Direction, Plan, Scope
from stopline.planner import Opinions, Standing, plan_containment, snapshot_of
from stopline.port import Terms
from stopline.render.payouts import State

pytestmark = pytest.mark.night

VENDOR = "vendor: mercor\npayouts:\n  vendors: [V-MERCOR]\n  legal_basis: court order 7\n"
PLAYBOOK = """\
playbook: default
phases:
  - name: payouts
    rules:
      - {name: hold-payables, connector: payouts, contains: payables, how: hold}
      - {name: in-flight, connector: payouts, contains: in-flight, how: cancel}
approvals: {contain: second-person}
"""
ESTATE = "payouts:\n  ledgers:\n    accounts: {url_from: LEDGER_URL}\n"
SOON, ALL = date(2026, 12, 1), date(9000, 1, 1)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Engine]:
    """Two payables, the first of them in the batch of a run."""
    made = filled(
        l.engine_of(f"sqlite:///{tmp_path}/ledger.db"), [("c1", "USD", 700), ("c2", "JPY", 5)]
    )
    queue(made, "friday", SOON, most=1)
    yield made
    made.dispose()


@pytest.fixture
def house(house: House, ledger: Engine) -> House:
    """A house whose only system of record is that ledger, and whose playbook cancels."""
    connector = PayoutsConnector({LEDGER: "LEDGER_URL"})
    connector._engines[LEDGER] = ledger
    return house.anew(
        lambda _: {"payouts": connector},
        {"payouts": CONTAINS},
        vendor=VENDOR,
        playbook=PLAYBOOK,
        estate=ESTATE,
    )


def states(asking: Asking) -> tuple[int, dict[str, str]]:
    """What the report says of each payable, and its exit code."""
    told = asking.ask("payouts", "mercor", "--output", "json")
    return told.code, {one["payable"]: one["state"] for one in told.document["payables"]}


def paused(asking: Asking) -> None:
    """Two people pause it."""
    assert asking.pause().code == 5
    assert asking.approve().code == 0


def test_what_is_pulled_is_held_and_its_place_is_given_back(asking: Asking, ledger: Engine) -> None:
    """Nothing is sent meanwhile; after the rollback its own run sends it."""
    paused(asking)
    assert not send(ledger, ALL)
    assert states(asking) == (0, {"p0": "held", "p1": "held"})
    asking.rollback()
    assert asking.approve().code == 0
    assert states(asking) == (0, {"p0": "released", "p1": "released"})
    assert [(p.id, p.amount) for p in send(ledger, SOON)] == [("p0", 700)]


def test_a_termination_cancels_what_was_pulled_and_it_stays_owed_and_held(
    asking: Asking, ledger: Engine
) -> None:
    """The plan that people approve says so; a new run pays it once they lift the hold."""
    paused(asking)
    words = ("--reason", "over", "--as", "ada@lab.example", "--confirm", "mercor")
    asked = asking.ask("terminate", "mercor", *words)
    assert "cancel p0 in its pay run for good" in asked.said
    asking.approve()
    with ledger.connect() as connection:
        rows = connection.execute(sa.select(l.PAYABLES.c.id, l.PAYABLES.c.status)).all()
    assert sorted(map(tuple, rows)) == [("p0", "open"), ("p1", "open")]
    assert not send(ledger, ALL)
    assert not pay_run(ledger, "after the end")
    assert states(asking) == (0, {"p0": "held", "p1": "held"})
    asking.rollback()
    asking.approve()
    assert sum(p.amount for p in pay_run(ledger, "anew")) == 705


def test_a_day_that_comes_again_is_not_told_as_held(asking: Asking, ledger: Engine) -> None:
    """Somebody put it back into its run: it would be sent, and the next audit pulls it again."""
    paused(asking)
    with ledger.begin() as connection:
        connection.execute(sa.update(l.PAYABLES).where(l.PAYABLES.c.id == "p0").values(
            status=l.QUEUED))  # fmt: skip
    assert states(asking)[1] == {"p0": "not held", "p1": "held"}
    assert asking.ask("audit", "mercor").code == 8
    assert not send(ledger, ALL)


WORDS = ("--reason", "over", "--as", "ada@lab.example", "--confirm", "mercor")


def ended(asking: Asking, *decided: str) -> None:
    """Two people end a pause of two: what was pulled is cancelled."""
    paused(asking)
    asking.ask("terminate", "mercor", *WORDS, *decided)
    assert asking.approve().code == 0


def test_what_people_settled_stays_in_the_run_that_takes_it_next(
    asking: Asking, ledger: Engine
) -> None:
    """An audit finds it queued, and what is held is not: it is paid, to the minor unit."""
    ended(asking, "--settle", "c2")
    queue(ledger, "monday", SOON)
    assert asking.ask("audit", "mercor").code == 0
    assert [(p.id, p.amount) for p in send(ledger, ALL)] == [("p1", 5)]


def test_what_was_cancelled_and_then_given_back_stays_in_the_run_that_takes_it_next(
    asking: Asking, ledger: Engine
) -> None:
    """It stands in a run again, as it should: that is neither pulled again nor left unverified."""
    ended(asking)
    told = asking.ask("payouts", "mercor", "--output", "json").document["payables"]
    asking.rollback("--address", next(one["hold"] for one in told if one["payable"] == "p0"))
    asking.approve()
    queue(ledger, "monday", SOON)
    audit = asking.ask("audit", "mercor")
    assert audit.code == 0, audit.said
    with ledger.begin() as connection:  # what is new has the audit look at all of it again
        new = {"id": "p2", "uid": "u2", "payee": "c2", "currency": "USD", "amount": 9}
        connection.execute(sa.insert(l.PAYABLES).values(new))
    assert "payable-hold:p2" in asking.ask("audit", "mercor").said
    status = asking.ask("status", "mercor", "--output", "json").document
    assert status["status"] == "contained", status
    assert [(p.id, p.amount) for p in send(ledger, ALL)] == [("p0", 700)]


def test_what_people_let_go_of_is_released_when_a_run_sends_it(
    house: House, asking: Asking, ledger: Engine
) -> None:
    """Under the rule that lets a batch proceed, too: with their word it has not escaped."""
    proceeds = PLAYBOOK.replace("how: cancel", "how: let-proceed")
    write_configuration(house.settings.config_dir, vendor=VENDOR, playbook=proceeds, estate=ESTATE)
    ended(asking, "--settle", "c2")
    queue(ledger, "monday", SOON)
    asking.ask("audit", "mercor")
    for _ in range(2):
        assert states(asking)[1] == {"p0": "escaped", "p1": "released"}
        send(ledger, ALL)


def test_a_plan_of_an_older_release_that_called_it_escaped_is_not_believed(tmp_path: Path) -> None:
    """Its journal is read as any other: what was let go of before that plan was released."""
    ledger = filled(l.engine_of(f"sqlite:///{tmp_path}/l.db"), [("c1", "USD", 1200)])
    connector, book = PayoutsConnector({LEDGER: "LEDGER_URL"}), a_book("sqlite://")
    connector._engines[LEDGER] = ledger
    words = ("w", "ada", "breach", "", PauseStatus.CONTAINED, "", "", "")
    pause = Pause(MARK.pause, "mercor", Scope(), *words)
    opinions = Opinions({"payouts": connector.contained}, {"payouts": connector.residuals})
    terms = Terms(LAB, in_flight("let-proceed"), MARK, estate=BOOKS)

    def plan() -> Plan:
        snapshot = snapshot_of("mercor", connector.discover(LAB, Scope()), "2026-11-29T00:00:00Z")
        made = plan_containment(
            snapshot, terms, Scope(), Standing(book.writes.holds(), frozenset()), opinions
        )
        book.pauses.keep_snapshot(snapshot)
        return book.pauses.keep_plan(made).plan

    first = plan().changes
    carried_out(connector, first, Direction.CONTAIN, book)
    carried_out(connector, [one.inverse() for one in first], Direction.RESTORE, book)
    queue(ledger, "friday", SOON)
    assert [skip.reason[:8] for skip in plan().skips] == ["escaped:"]
    (owed,) = report_of(book, pause, None, "not asked").owed
    assert (owed.state, owed.amount) == (State.RELEASED, 1200)
    book.close()
    ledger.dispose()


@pytest.mark.parametrize("how", ["cancel", "reschedule"])
def test_what_was_paid_all_the_same_has_escaped_whatever_is_given_back_first(
    how: str, house: House, asking: Asking, ledger: Engine
) -> None:
    """A rollback meets it before any audit does: one lever is lifted, and then the other."""
    proceeds = PLAYBOOK.replace("how: cancel", f"how: {how}")
    write_configuration(house.settings.config_dir, vendor=VENDOR, playbook=proceeds, estate=ESTATE)
    paused(asking)
    with ledger.begin() as connection:
        this = sa.update(l.PAYABLES).where(l.PAYABLES.c.id == "p0")
        connection.execute(this.values(status=l.PAID))
    asking.rollback()
    asking.approve()
    assert states(asking) == (8, {"p0": "escaped", "p1": "released"})


def test_what_was_pulled_is_settled_with_its_hold_and_paid_by_a_new_run(
    asking: Asking, ledger: Engine
) -> None:
    """By its payee: it is taken out of its run while it is held, and then held no more."""
    ended(asking, "--settle", "c1")
    assert states(asking)[1] == {"p0": "released", "p1": "held"}
    assert not send(ledger, ALL)
    assert [(p.id, p.amount) for p in pay_run(ledger, "anew")] == [("p0", 700)]


def test_what_was_pulled_and_is_disputed_stays_pulled_and_says_until_when(
    asking: Asking, ledger: Engine
) -> None:
    """Nothing is cancelled for good that people still argue about."""
    ended(asking, "--dispute", "c1", "--review-by", "2027-03-01")
    assert states(asking)[1] == {"p0": "held", "p1": "held"}
    said = asking.ask("evidence", "certificate", "mercor").said
    assert said.count("disputed, to be looked at again by 2027-03-01: over; it stays held") == 2
    assert not send(ledger, ALL)
