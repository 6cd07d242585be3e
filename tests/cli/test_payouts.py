"""`stopline payouts`: what is held of what is owed, by the journal and by the ledger."""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine
from support.asking import Asking
from support.ledgers import LEDGER, OTHERS, filled
from support.temporal import House, write_configuration

from stopline.connectors.payouts import PayoutsConnector
from stopline.connectors.payouts import ledger as l
from stopline.connectors.payouts.words import CONTAINS
from stopline.drill.payrun import pay_run
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
ESTATE = "payouts:\n  ledgers:\n    accounts: {url_from: LEDGER_URL}\n"
OWED = [
    ("V-MERCOR", "USD", 120_050),
    ("c1", "JPY", 5_000),
    ("c1", "USD", 7),
    ("=c3", "KWD", 1_001),
    ("V-MERCER", "USD", 9),
]


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Engine]:
    """A ledger of five payables, one of them somebody else's."""
    made = l.engine_of(f"sqlite:///{tmp_path}/ledger.db")
    l.create(made)
    with made.begin() as connection:
        connection.execute(sa.insert(l.PAYEES).values(id="=c3", engaged_through="V-MERCOR"))
    filled(made, OWED)
    yield made
    made.dispose()


@pytest.fixture
def house(house: House, ledger: Engine) -> House:
    """A house whose only system of record is that ledger."""
    connector = PayoutsConnector({LEDGER: "LEDGER_URL"})
    connector._engines[LEDGER] = ledger
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


def totals(document: Json, payee: str, currency: str) -> Json:
    """One payee's totals in one currency."""
    mine = [t for t in document["totals"] if (t["payee"], t["currency"]) == (payee, currency)]
    assert len(mine) == 1
    return mine[0]


def states(document: Json) -> dict[str, str]:
    """What became of each payable."""
    return {one["payable"]: one["state"] for one in document["payables"]}


def test_held_released_and_paid_to_the_minor_unit(asking: Asking, ledger: Engine) -> None:
    """Every currency in its own digits; after the rollback what was held is released, and paid."""
    held(asking)
    assert [p.id for p in pay_run(ledger, "while held")] == ["p4"]
    told = asking.ask("payouts", "mercor", "--output", "json")
    assert (told.code, told.document["balanced"], told.document["unread"]) == (0, True, [])
    assert states(told.document) == dict.fromkeys(("p0", "p1", "p2", "p3"), "held")
    dinars = totals(told.document, "=c3", "KWD")
    assert (dinars["exponent"], dinars["owed_before"], dinars["held"]) == (3, 1_001, 1_001)
    page = asking.ask("payouts", "mercor")
    for text in ("1200.50 USD", "5000 JPY", "0.07 USD", "1.001 KWD", "the totals balance"):
        assert text in page.said
    asking.rollback()
    assert asking.approve().code == 0
    after = asking.ask("payouts", "mercor", "--output", "json")
    assert set(states(after.document).values()) == {"released"}
    assert totals(after.document, "V-MERCOR", "USD")["released"] == 120_050
    assert sum(p.amount for p in pay_run(ledger, "after")) == 120_050 + 5_000 + 7 + 1_001
    paid = asking.ask("payouts", "mercor", "--output", "json")
    assert (paid.code, set(states(paid.document).values())) == (0, {"released"})


def test_what_escapes_is_told_and_no_total_hides_it(asking: Asking, ledger: Engine) -> None:
    """Paid by a run that looks at no hold, or with its row deleted: never shown as held."""
    held(asking)
    with ledger.begin() as connection:
        this = sa.update(l.PAYABLES).where(l.PAYABLES.c.id == "p0")
        connection.execute(this.values(status="paid", run="careless"))
        connection.execute(sa.delete(l.HOLDS).where(l.HOLDS.c.payable == "p1"))
        off = sa.update(l.PAYABLES).where(l.PAYABLES.c.id == "p2")
        connection.execute(off.values(status="written-off"))
    told = asking.ask("payouts", "mercor", "--output", "json")
    assert told.code == 8
    assert states(told.document) == {
        "p0": "escaped", "p1": "not held", "p2": "written off", "p3": "held",
    }  # fmt: skip
    mine = totals(told.document, "V-MERCOR", "USD")
    assert (mine["escaped"], mine["held"], mine["balanced"]) == (120_050, 0, True)
    page = asking.ask("payouts", "mercor").said
    assert "by the pay run 'careless'" in page
    assert "somebody else took the hold away" in page


def test_an_audit_tells_of_what_escaped_and_the_report_keeps_it(
    asking: Asking, ledger: Engine
) -> None:
    """It waits for a person; after the rollback, which takes our row away, it is still known."""
    held(asking)
    with ledger.begin() as connection:
        this = sa.update(l.PAYABLES).where(l.PAYABLES.c.id == "p0")
        connection.execute(this.values(status="paid", run="careless"))
    audit = asking.ask("audit", "mercor", "--output", "json")
    assert audit.code == 8
    assert audit.document["beyond"] == ["payouts:accounts:payable:p0"]
    asking.rollback()
    asking.approve()
    with ledger.begin() as connection:
        assert not connection.execute(sa.select(l.HOLDS)).all()
    told = asking.ask("payouts", "mercor", "--output", "json")
    assert states(told.document) == {"p0": "escaped"} | dict.fromkeys(
        ("p1", "p2", "p3"), "released"
    )
    assert told.code == 8


def test_an_escape_that_nobody_had_seen_is_told_by_the_rollback(
    asking: Asking, ledger: Engine
) -> None:
    """Whoever lifts the hold finds the payable paid under it: escaped, never released."""
    held(asking)
    with ledger.begin() as connection:
        this = sa.update(l.PAYABLES).where(l.PAYABLES.c.id == "p0")
        connection.execute(this.values(status="paid", run="careless"))
    asking.rollback()
    assert asking.approve().code == 0
    with ledger.begin() as connection:
        assert not connection.execute(sa.select(l.HOLDS)).all()
    told = asking.ask("payouts", "mercor", "--output", "json")
    assert told.code == 8
    assert states(told.document) == {"p0": "escaped"} | dict.fromkeys(
        ("p1", "p2", "p3"), "released"
    )
    assert totals(told.document, "V-MERCOR", "USD")["escaped"] == 120_050
    assert "by the pay run 'careless'" in asking.ask("payouts", "mercor").said


def test_a_termination_removes_no_hold_on_money_and_says_who_settles_it(
    asking: Asking, ledger: Engine
) -> None:
    """What was earned is paid out or disputed by people; the certificate and the status say so."""
    held(asking)
    asked = asking.ask(
        "terminate", "mercor", "--reason", "over", "--as", "ada@lab.example", "--confirm", "mercor"
    )
    assert asked.code == 5
    assert "p0 stays held: people pay it out, or dispute it" in asked.said
    ended = asking.approve()
    assert "stays held: people pay it out, or dispute it" in ended.said
    with ledger.connect() as connection:
        assert len(connection.execute(sa.select(l.HOLDS)).all()) == 4
    told = asking.ask("payouts", "mercor", "--output", "json")
    assert set(states(told.document).values()) == {"held"}
    assert [p.id for p in pay_run(ledger, "after the end")] == ["p4"]


def test_a_termination_settles_and_disputes_what_two_people_decided(
    asking: Asking, ledger: Engine
) -> None:
    """What is settled is paid by the lab's run, and held no more; the rest stays, and says why."""
    held(asking)
    words = ("--reason", "over", "--as", "ada@lab.example", "--confirm", "mercor")
    decided = ("--settle", "c1", "--dispute", "=c3", "--review-by", "2027-03-01")
    late = asking.ask("terminate", "mercor", *words, *decided[:4])
    assert late.code == 2
    assert "must be looked at again" in late.said
    asked = asking.ask("terminate", "mercor", *words, *decided)
    assert asked.code == 5
    with ledger.connect() as connection:
        assert len(connection.execute(sa.select(l.HOLDS)).all()) == 4  # one person's word is none
    asking.approve()
    with ledger.connect() as connection:
        left = connection.execute(sa.select(l.HOLDS.c.payable)).scalars()
        assert sorted(left) == ["p0", "p3"]
    told = asking.ask("payouts", "mercor", "--output", "json")
    assert told.document["balanced"]
    assert states(told.document) == {
        "p0": "held", "p1": "released", "p2": "released", "p3": "held",
    }  # fmt: skip
    assert sorted(p.id for p in pay_run(ledger, "after the end")) == ["p1", "p2", "p4"]
    said = asking.ask("evidence", "certificate", "mercor").said
    assert "disputed, to be looked at again by 2027-03-01: over; it stays held" in said
    assert "lift, to be settled by a pay run: hold 5000 JPY" in said
    assert "p0 stays held: people pay it out, or dispute it" in said


def test_what_was_settled_is_not_held_again_by_the_next_audit(
    asking: Asking, ledger: Engine
) -> None:
    """It is owed and open until the run: a person freed it, so no sweep takes it back."""
    held(asking)
    words = ("--reason", "over", "--as", "ada@lab.example", "--confirm", "mercor")
    asking.ask("terminate", "mercor", *words, "--settle", "c1")
    asking.approve()
    asking.ask("audit", "mercor")
    with ledger.connect() as connection:
        left = connection.execute(sa.select(l.HOLDS.c.payable)).scalars()
        assert sorted(left) == ["p0", "p3"]


@pytest.mark.parametrize("column", ["payees.person", "payables.pay_by", "payables.send_on"])
def test_a_column_that_a_ledger_lacks_is_named_with_what_adds_it(
    asking: Asking, ledger: Engine, column: str
) -> None:
    """A ledger made for an older release is a gap that a person can close."""
    table, _, name = column.partition(".")
    with ledger.begin() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {table} DROP COLUMN {name}")
    plan = asking.ask("plan", "mercor", "--output", "json")
    (gap,) = plan.document["gaps"]
    assert f"the ledger accounts has no column {column}" in gap["cause"]
    sql = gap["cause"].partition("add it: ")[2]
    with ledger.begin() as connection:
        connection.exec_driver_sql(sql)
    assert asking.ask("plan", "mercor", "--output", "json").document["gaps"] == []


def test_less_owed_than_was_held_does_not_balance(asking: Asking, ledger: Engine) -> None:
    """Somebody lowers an amount under our hold: the totals say by how much; a rise is owed too."""
    held(asking)
    with ledger.begin() as connection:
        for payable, amount in (("p0", 120_000), ("p1", 6_000)):
            this = sa.update(l.PAYABLES).where(l.PAYABLES.c.id == payable)
            connection.execute(this.values(amount=amount))
    told = asking.ask("payouts", "mercor", "--output", "json")
    assert (told.code, told.document["balanced"]) == (8, False)
    assert totals(told.document, "c1", "JPY")["owed_before"] == 6_000
    assert "V-MERCOR 0.50 USD" in asking.ask("payouts", "mercor").said


def test_a_ledger_that_is_away_leaves_what_the_journal_knows(
    asking: Asking, ledger: Engine
) -> None:
    """It says so and why, with exit code 6; without Temporal it is the same."""
    held(asking)
    with ledger.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE payables RENAME TO elsewhere")
    away = asking.ask("payouts", "mercor", "--output", "json")
    assert away.code == 6
    assert [u["ledger"] for u in away.document["unread"]] == [LEDGER]
    assert set(states(away.document).values()) == {"held"}
    asking.monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    alone = asking.ask("payouts", "mercor")
    assert alone.code == 6
    assert "this is what the journal knows" in alone.said


def test_what_was_paid_before_its_hold_and_another_teams_hold(
    asking: Asking, ledger: Engine
) -> None:
    """What a pay run pays between plan and hold is paid before; others' holds are theirs."""
    with ledger.begin() as connection:
        connection.execute(sa.insert(l.HOLDS).values(payable="p3", **OTHERS))
    began: list[bool] = []

    def first_hold(*told: object) -> None:
        if str(told[2]).startswith("INSERT INTO payable_holds") and not began:
            began.append(True)
            told[1].execute(  # type: ignore[attr-defined]
                "UPDATE payables SET status = 'paid', run = 'r' WHERE id = 'p2'"
            )

    sa.event.listen(ledger, "before_cursor_execute", first_hold)
    held(asking)
    sa.event.remove(ledger, "before_cursor_execute", first_hold)
    told = asking.ask("payouts", "mercor", "--output", "json")
    assert states(told.document) == {
        "p0": "held", "p1": "held", "p2": "paid before", "p3": "held",
    }  # fmt: skip
    assert told.code == 0


def test_a_date_of_earned_pay_warns_ahead_and_releases_nothing(
    asking: Asking, ledger: Engine
) -> None:
    """Status and doctor say it ten days before; earlier, the status has the date only."""

    def due(days: int) -> str:
        day = datetime.now(UTC).date() + timedelta(days=days)
        with ledger.begin() as connection:
            connection.execute(sa.update(l.PAYABLES).values(pay_by=day))
        return str(day)

    later = due(30)
    held(asking)
    told = asking.ask("status", "mercor", "--output", "json")
    assert (told.document["pay_by"], told.document["pay_soon"]) == (later, False)
    assert "nothing that is held must be paid soon" in asking.ask("doctor").said
    near = due(9)
    assert asking.ask("audit", "mercor").code == 0
    status = asking.ask("status", "mercor").said
    assert f"{near}: what is held must be paid by then" in status
    assert f"(mercor) by {near}" in asking.ask("doctor").said
    assert f"to be paid by {near}" in asking.ask("payouts", "mercor").said
    assert not [p for p in pay_run(ledger, "held still") if p.id != "p4"]


def test_without_a_legal_basis_only_the_vendors_own_invoices_are_held(
    asking: Asking, ledger: Engine
) -> None:
    """The plan and the report say what is missing; the pause is partial, not refused."""
    folder = asking.house.settings.config_dir
    text = VENDOR.replace("  legal_basis: court order 7\n", "")
    write_configuration(folder, vendor=text, playbook=PLAYBOOK, estate=ESTATE)
    assert asking.pause().code == 5
    assert asking.approve().code == 6
    told = asking.ask("payouts", "mercor", "--output", "json")
    assert states(told.document)["p0"] == "held"
    assert states(told.document)["p1"] == "not held"
    assert "payouts.legal_basis" in asking.ask("payouts", "mercor").said
    assert {p.id for p in pay_run(ledger, "r")} == {"p1", "p2", "p3", "p4"}


def test_a_spreadsheet_gets_one_line_each_and_no_formula(asking: Asking) -> None:
    """Whole minor units and decimals; an id that begins like a formula is a text."""
    held(asking)
    told = asking.ask("payouts", "mercor", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(told.out)))
    assert [(r["payee"], r["amount_minor"], r["amount"], r["state"]) for r in rows] == [
        ("V-MERCOR", "120050", "1200.50", "held"),
        ("c1", "5000", "5000", "held"),
        ("c1", "7", "0.07", "held"),
        ("'=c3", "1001", "1.001", "held"),
    ]
    totals = asking.ask("payouts", "mercor", "--format", "totals")
    control = [tuple(r.values())[2:] for r in csv.DictReader(io.StringIO(totals.out))]
    assert ("USD", "V-MERCOR", "held", "1", "120050", "1200.50") in control
    assert len(control) == len(rows)
    for format_ in ("csv", "totals"):
        both = asking.ask("payouts", "mercor", "--format", format_, "--output", "json")
        assert both.code == 2


def test_a_pause_of_money_alone_says_that_access_is_not_in_it(house: House, asking: Asking) -> None:
    """In the plan and for as long as it is open; asked for one connector, it is no surprise."""
    there = "aws: {role: stopline/worker, accounts: {'111122223333': {name: research}}}\n"
    write_configuration(
        house.settings.config_dir,
        vendor=VENDOR + "aws: {accounts: ['999988887777']}\n",
        playbook=PLAYBOOK,
        estate=ESTATE + there,
    )
    planned = asking.ask("plan", "mercor", "--output", "json")
    notes = [f["what"] for f in planned.document["findings"] if f["guard"] == "not-in-playbook"]
    assert (planned.code, len(notes), "mercor is in aws too" in notes[0]) == (3, 1, True)
    held(asking)
    told = asking.ask("status", "mercor", "--output", "json")
    assert (told.document["status"], told.document["uncovered"]) == ("contained", ["aws"])
    assert "not here aws" in asking.ask("status", "mercor").said
    one = asking.ask("plan", "mercor", "--connector", "payouts", "--output", "json")
    assert "not-in-playbook" not in {f["guard"] for f in one.document["findings"]}


def test_one_payable_of_a_plan_is_held_alone(asking: Asking, ledger: Engine) -> None:
    """Its address, copied from the plan, is that of the pause that is then opened."""
    planned = asking.ask("plan", "mercor", "--output", "json")
    (one,) = [c["address"] for c in planned.document["changes"] if ":p1" in c["address"]]
    assert asking.pause("--address", one).code == 5
    assert asking.approve().code == 0
    told = asking.ask("payouts", "mercor", "--output", "json")
    assert states(told.document)["p1"] == "held"
    assert [p.id for p in pay_run(ledger, "while held")] == ["p0", "p2", "p3", "p4"]
    asking.rollback("--address", one)
    assert asking.approve().code == 0
    assert [p.id for p in pay_run(ledger, "after")] == ["p1"]
