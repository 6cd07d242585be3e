"""`stopline payouts` over a ledger that is not stopline's: what left is told by every lever."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from support.asking import Asking
from support.foreign import ESTATE, INVOICES, LEDGERS, Foreign, connector_of, filled
from support.temporal import House

from stopline.connectors.payouts import ledger as l
from stopline.connectors.payouts.words import CONTAINS
from stopline.text import Json

VENDOR = "vendor: mercor\npayouts:\n  vendors: [V-MERCOR]\n  legal_basis: court order 7\n"
PLAYBOOK = """\
playbook: default
phases:
  - name: payouts
    rules:
      - {name: hold-payables, connector: payouts, contains: payables, how: hold}
approvals: {contain: second-person}
"""
OWED = [("V-MERCOR", "USD", 120_050), ("c1", "JPY", 5_000), ("c1", "USD", 7), ("c2", "KWD", 1_001)]


@pytest.fixture(params=LEDGERS)
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Foreign]:
    """One of the ledgers, with four payables."""
    engine = l.engine_of(f"sqlite:///{tmp_path}/ledger.db")
    yield filled(engine, request.param, OWED)
    engine.dispose()


@pytest.fixture
def house(house: House, ledger: Foreign) -> House:
    """A house whose only system of record is that ledger."""
    connector = connector_of(ledger.engine, ledger.name)
    return house.anew(
        lambda _: {"payouts": connector},
        {"payouts": CONTAINS},
        vendor=VENDOR,
        playbook=PLAYBOOK,
        estate=ESTATE,
    )


def held(asking: Asking) -> None:
    """A pause of two people: one asks for it, another approves it."""
    assert asking.pause().code == 5
    assert asking.approve().code == 0


def states(document: Json) -> dict[int, str]:
    """What became of each payable, by its number."""
    return {int(one["payable"].lstrip("bo")): one["state"] for one in document["payables"]}


def report(asking: Asking) -> Json:
    """The report as it is now; its totals account for everything."""
    told = asking.ask("payouts", "mercor", "--output", "json")
    assert told.document["unread"] == []
    assert told.document["balanced"]
    assert told.code == (8 if "escaped" in states(told.document).values() else 0)
    return told.document


def test_held_released_and_paid_to_the_minor_unit(asking: Asking, ledger: Foreign) -> None:
    """Nothing is paid while it is held; what is released is as it was, and the next run pays it."""
    before = ledger.picture()
    held(asking)
    assert not ledger.pay_run("while held")
    assert states(report(asking)) == dict.fromkeys(range(4), "held")
    assert "1200.50 USD" in asking.ask("payouts", "mercor").said
    asking.rollback()
    assert asking.approve().code == 0
    assert ledger.picture() == before
    assert states(report(asking)) == dict.fromkeys(range(4), "released")
    assert sum(p.amount for p in ledger.pay_run("after")) == 120_050 + 5_000 + 7 + 1_001
    assert states(report(asking)) == dict.fromkeys(range(4), "released")


@pytest.mark.night
def test_a_run_that_had_chosen_before_the_hold_is_told_by_the_pause_itself(
    asking: Asking, ledger: Foreign
) -> None:
    """It pays while the hold is written: the sweep finds it, and the pause is partial."""
    chosen = [row[0] for row in ledger.due() if row[0] == ledger.id_of(0)]
    paid: list[bool] = []
    theirs = Foreign(ledger.name, l.engine_of(str(ledger.engine.url)))

    def committed(*_: object) -> None:
        holds = {
            "bills": sa.text('SELECT count(*) FROM "Stop"'),
            "invoices": sa.text("SELECT count(*) FROM invoices WHERE on_hold"),
            "orders": sa.text("SELECT count(*) FROM orders WHERE state = 'H'"),
        }
        with theirs.engine.connect() as connection:
            if paid or not connection.scalar(holds[ledger.name]):
                return
            paid.append(True)
        theirs.pay(chosen, "racing")

    sa.event.listen(ledger.engine, "checkin", committed)
    assert asking.pause().code == 5
    assert asking.approve().code == 6
    assert paid
    theirs.engine.dispose()
    document = report(asking)
    assert states(document) == {0: "escaped", 1: "held", 2: "held", 3: "held"}
    mine = [t for t in document["totals"] if t["payee"] == "V-MERCOR"]
    assert [(t["owed_before"], t["escaped"], t["held"]) for t in mine] == [(120_050, 120_050, 0)]


@pytest.mark.night
def test_what_escapes_and_what_is_voided_are_told_apart_and_kept(
    asking: Asking, ledger: Foreign
) -> None:
    """At once, by an audit, and after the rollback, when nothing in the ledger shows our hold."""
    held(asking)
    ledger.pay([ledger.id_of(0)], "careless")
    ledger.void(1)
    ledger.delete(2)
    ends = {0: "escaped", 1: "written off", 2: "escaped", 3: "held"}
    assert states(report(asking)) == ends
    said = asking.ask("payouts", "mercor").said
    run = "a pay run that the ledger does not name"
    assert (run if ledger.name == "orders" else "the pay run 'careless'") in said
    assert "it is not owed any more, and its hold was not lifted by us" in said
    audit = asking.ask("audit", "mercor", "--output", "json")
    assert audit.code == 8
    assert audit.document["beyond"] == [f"payouts:{ledger.name}:payable:{ledger.id_of(0)}"]
    assert states(report(asking)) == ends
    asking.rollback()
    asking.approve()
    assert states(report(asking)) == ends | {3: "released"}


@pytest.mark.night
def test_a_flag_on_what_was_paid_is_a_conflict_that_a_person_ends(
    asking: Asking, ledger: Foreign
) -> None:
    """The flag stands there still: the rollback waits for a choice, and gives back the rest."""
    held(asking)
    ledger.pay([ledger.id_of(0)], "careless")
    asking.rollback()
    ended = asking.approve()
    conflict = ledger.name != "bills"
    assert (ended.code != 0) is conflict
    if ledger.name == "invoices":
        status = asking.ask("status", "mercor", "--output", "json").document
        assert status["status"] == "partial"
        asking.rollback("--choose", "payouts:invoices:payable-flag:0=restore-before: it was free")
        assert asking.approve().code == 0
        assert len(ledger.due()) == 3
        flagged = sa.select(INVOICES.c.number).where(INVOICES.c.on_hold)
        with ledger.engine.connect() as connection:
            assert connection.scalars(flagged).all() == []
    if ledger.name == "orders":
        assert "There is no open pause" in asking.rollback().said  # nothing was left to give back
    assert states(report(asking))[0] == "escaped"


@pytest.mark.night
def test_another_teams_hold_is_said_to_be_theirs(asking: Asking, ledger: Foreign) -> None:
    """Where a hold bears no mark ours is not placed: the report says why it is not held by us."""
    ledger.hold_of_others(0)
    held(asking)
    document = report(asking)
    assert states(document)[0] == ("held" if ledger.name == "bills" else "not held")
    if ledger.name != "bills":
        assert "it was so before us" in asking.ask("payouts", "mercor").said
    asking.rollback()
    assert asking.approve().code == 0
    assert [p.amount for p in ledger.pay_run("after")] == [5_000, 7, 1_001]


def test_a_mapping_that_does_not_fit_is_told_with_its_line_before_the_night(
    asking: Asking, ledger: Foreign
) -> None:
    """The worker looks into the catalogue; the line is the one of the estate's file."""
    assert f"ledger {ledger.name}: mapping" in asking.ask("doctor", "--preflight").said
    column = {"bills": '"Open"', "invoices": "minor", "orders": "amount"}[ledger.name]
    with ledger.engine.begin() as connection:
        table = ledger.table.name
        connection.exec_driver_sql(f'ALTER TABLE "{table}" RENAME COLUMN {column} TO total')
    told = asking.ask("doctor", "--preflight", "--output", "json")
    assert told.code == 1
    (failed,) = [c for c in told.document["checks"] if c["name"].endswith(": mapping")]
    line = next(n for n, text in enumerate(ESTATE.splitlines(), 1) if f"table: {table}," in text)
    assert failed["found"].startswith(f"estate.yaml:{line}: the table '{table}' has no column ")
    assert set(failed) == {"name", "ok", "found", "next_step", "warn"}


@pytest.mark.night
def test_what_people_settle_is_set_back_and_paid_and_the_rest_stays_held(
    asking: Asking, ledger: Foreign
) -> None:
    """By whatever lever the ledger has; the next audit holds none of it again."""
    held(asking)
    words = ("--reason", "over", "--as", "ada@lab.example", "--confirm", "mercor")
    until = ("--dispute", "c2", "--review-by", "2027-03-01")
    assert asking.ask("terminate", "mercor", *words, "--settle", "c1", *until).code == 5
    assert not ledger.due()
    asking.approve()
    for _ in range(2):
        assert states(report(asking)) == {0: "held", 1: "released", 2: "released", 3: "held"}
        asking.ask("audit", "mercor")
    assert sum(p.amount for p in ledger.pay_run("after the end")) == 5_000 + 7
    assert states(report(asking)) == {0: "held", 1: "released", 2: "released", 3: "held"}
    asking.rollback()
    asking.approve()
    assert sum(p.amount for p in ledger.pay_run("anew")) == 120_050 + 1_001
