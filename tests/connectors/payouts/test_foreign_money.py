"""A mapped ledger to the minor unit: nothing locks its pay run out, and no escape is hidden."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine
from support.foreign import LEDGERS
from support.foreign_nights import TERMS, Night
from support.ledgers import VENDOR, in_flight
from support.money import grants

from stopline.connectors.payouts import PayoutsConnector
from stopline.connectors.payouts import ledger as l
from stopline.connectors.payouts.statements import minor_units
from stopline.drill.payrun import Paid
from stopline.errors import ConnectorError, StaleError
from stopline.estate import parse_estate
from stopline.model import Document, Gap, Grant, Scope, Skip
from stopline.planner import DriftKind
from stopline.receipts import Cause, Outcome, Receipt


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty database of each kind."""
    lite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path}/l.db" if lite else request.getfixturevalue("postgresql_url")
    made = l.engine_of(url)
    yield made
    made.dispose()


@pytest.mark.night
@pytest.mark.parametrize("name", LEDGERS)
def test_pay_runs_beside_the_holds_lose_no_payable_between_two_words(
    engine: Engine, name: str
) -> None:
    """120 payables, a run that chooses and pays while they are held: each is in one place."""
    night = Night.over(engine, name, [("c1", "USD", n + 1) for n in range(120)])
    work = night.plan()
    over, left, unsure = threading.Event(), list[Paid](), list[str]()

    def run() -> None:
        while not over.wait(0.003):
            try:
                left.extend(night.ledger.pay_run("beside", most=2))
            except sa.exc.OperationalError:
                unsure.append("SQLite was locked: nothing was paid")

    paying = threading.Thread(target=run)
    paying.start()
    receipts = night.hold(list(reversed(work)))
    over.set()
    paying.join()
    assert {r.outcome for r in receipts} <= {Outcome.APPLIED, Outcome.ALREADY}, unsure
    held = {r.change.address.document.id for r in receipts if r.held}
    sent = {item.id for item in left}
    found = {g.address.id: g.state.value.get("status", "open") for g in grants(night.connector)}
    escaped = {id_ for id_, status in found.items() if status == "paid"}
    assert escaped == held & sent
    assert {id_ for id_, status in found.items() if status == "open"} == held - sent
    assert len(held | sent) == 120
    assert len(night.unproved()) == len(escaped)
    night.close()


@pytest.mark.parametrize("name", LEDGERS)
def test_a_row_that_is_paid_between_its_reading_and_its_hold_is_not_held(
    engine: Engine, name: str
) -> None:
    """The write looks again: it is `already`, with the cause `gone`; nothing of ours is left."""
    night = Night.over(engine, name, [("c1", "USD", 9)])
    (change,) = night.plan()
    observed = night.connector.read(change.address.document)
    night.ledger.pay([night.ledger.id_of(0)], "quick")
    before = night.ledger.picture()
    with pytest.raises(StaleError):
        night.connector.write(observed, [change], None, "t")
    assert night.ledger.picture() == before
    (receipt,) = night.hold([change])
    assert (receipt.outcome, receipt.cause, receipt.held) == (Outcome.ALREADY, Cause.GONE, False)
    assert not grants(night.connector)
    night.close()


@pytest.mark.parametrize("name", LEDGERS)
def test_a_payable_that_its_owner_voids_is_written_off_and_not_escaped(
    engine: Engine, name: str
) -> None:
    """No plan leaves it open, no verification doubts it, and no audit calls it opened."""
    night = Night.over(engine, name, [("c1", "USD", 9), ("c1", "USD", 8)])
    work = night.plan()
    night.hold(work)
    night.ledger.void(0)
    (skip,) = night.skips()
    assert (skip.leaves_access, skip.reason) == (False, "written-off while it is held")
    assert night.unproved() == []
    assert night.looked() == ({DriftKind.GONE: 1} if name == "orders" else {})
    assert night.plan() == []
    night.close()


@pytest.mark.parametrize("name", LEDGERS)
def test_what_was_paid_under_its_hold_is_told_when_the_hold_is_lifted(
    engine: Engine, name: str
) -> None:
    """The receipt has how it was found; a flag on it stays, as a conflict that a person ends."""
    night = Night.over(engine, name, [("c1", "USD", 9)])
    work = night.plan()
    night.hold(work)
    night.ledger.pay([night.ledger.id_of(0)], "careless")
    assert len(night.unproved()) == 1
    (receipt,) = night.lift(work)
    assert receipt.found is not None
    assert receipt.found.value["status"] == "paid"
    ends = {
        "bills": (Outcome.APPLIED, Cause.NONE, False),
        "invoices": (Outcome.CONFLICT, Cause.FOREIGN, True),
        "orders": (Outcome.CONFLICT, Cause.GONE, False),
    }
    assert (receipt.outcome, receipt.cause, receipt.held) == ends[name]
    night.close()


@pytest.mark.parametrize("name", LEDGERS)
def test_a_payable_whose_row_is_gone_is_told(engine: Engine, name: str) -> None:
    """Nobody can say how it left: it is not taken for held, nor for released."""
    night = Night.over(engine, name, [("c1", "USD", 9)])
    work = night.plan()
    night.hold(work)
    night.ledger.delete(0)
    assert night.looked() == {DriftKind.GONE: 1}
    assert night.unproved() == ["it is in the ledger no more, and nothing there shows how it left"]
    (receipt,) = night.lift(work)
    assert (receipt.cause, receipt.found, receipt.held) == (Cause.GONE, None, False)
    night.close()


def test_a_hold_that_lies_beside_no_payable_is_told_and_taken_away(tmp_path: Path) -> None:
    """A table of holds that lets a payable go from under its row: ours is not left there."""
    night = Night.over(l.engine_of(f"sqlite:///{tmp_path}/l.db"), "bills", [("c1", "USD", 9)])
    before = night.ledger.picture()
    work = night.plan()
    night.hold(work)
    held = night.connector.read(work[0].address.document)
    with night.ledger.engine.begin() as connection:
        connection.execute(sa.delete(night.ledger.table))
    with pytest.raises(ConnectorError, match="is gone"):
        night.connector.write(held, work, None, "t")
    assert night.unproved() == ["it is in the ledger no more, and nothing there shows how it left"]
    (receipt,) = night.lift(work)
    assert (receipt.outcome, receipt.held) == (Outcome.APPLIED, False)
    assert receipt.found is not None
    assert receipt.found.value["status"] == "gone"
    assert night.ledger.picture() == [row for row in before if "b0" not in row]
    night.close()


@pytest.mark.parametrize("name", LEDGERS)
def test_another_teams_hold_stays(engine: Engine, name: str) -> None:
    """It is theirs before and after us; where the lever bears no mark, ours is not placed."""
    night = Night.over(engine, name, [("c1", "USD", 9), ("c1", "USD", 8)])
    night.ledger.hold_of_others(0)
    before = night.ledger.picture()
    work = night.plan()
    receipts = night.hold(work)
    assert [r.held for r in receipts] == [True] * (2 if name == "bills" else 1)
    night.lift(work)
    assert night.ledger.picture() == before
    assert [p.amount for p in night.ledger.pay_run("after")] == [8]
    night.close()


@pytest.mark.parametrize("column", ["CHAR(2)", "VARCHAR(2)", "TEXT"])
def test_a_flag_with_a_reason_that_is_neither_ours_nor_free_is_somebody_elses(
    engine: Engine, column: str
) -> None:
    """One column of reason codes, as SAP's payment block: theirs is named and not written over."""
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE bseg (belnr VARCHAR(10) PRIMARY KEY, lifnr VARCHAR(10), wrbtr NUMERIC,"
            f" waers CHAR(5), zlspr {column}, st CHAR(1))"
        )
        connection.exec_driver_sql(
            "INSERT INTO bseg VALUES ('1', 'c1', 9, 'USD', 'A', 'o'),"
            " ('2', 'c1', 8, 'USD', '', 'o'), ('3', 'c1', 7, 'USD', '  ', 'o')"
        )
    text = (
        "payouts:\n  ledgers:\n    sap:\n      url_from: LEDGER_URL\n      mapping:\n"
        "        payables: {table: bseg, id: belnr, payee: lifnr, amount: wrbtr, currency: waers,\n"
        "          status: st, open: [o], paid: [p]}\n"
        "        hold_flag: {column: zlspr, held: V}\n"
    )
    payouts = parse_estate(text, "estate.yaml").payouts
    assert payouts is not None
    mapping = payouts.ledgers["sap"].mapping
    assert mapping is not None
    connector = PayoutsConnector({"sap": "LEDGER_URL"}, mappings={"sap": mapping})
    connector._engines["sap"] = engine
    vendor = VENDOR.model_copy(
        update={"payouts": VENDOR.payouts.model_copy(update={"payees": ("c1",)})}
    )
    found = [g for g in connector.discover(vendor, Scope()) if isinstance(g, Grant)]
    said = [o for g in found for o in connector.contained(g, TERMS)]
    assert [(type(o).__name__, o.address.id) for o in said] == [
        ("Skip", "1"),
        ("Change", "2"),
        ("Change", "3"),
    ]
    assert isinstance(said[0], Skip)
    assert said[0].reason == "somebody else holds it ('A'); not touched"


def test_what_is_in_a_pay_runs_batch_is_named_and_leaves(engine: Engine) -> None:
    """There is no lever in a batch of a ledger that is not ours: by the playbook's word it goes."""
    night = Night.over(engine, "orders", [("c1", "USD", 9)])
    night.ledger.set(0, state="B")
    assert night.plan() == []
    (none,) = night.skips()
    assert (none.reason, none.leaves_access) == (
        "the playbook has no rule for payouts in flight",
        True,
    )
    (goes,) = night.skips(in_flight("let-proceed"))
    assert goes.reason.startswith("escaped: 0.09 USD is in the pay run")
    (by_hand,) = night.skips(in_flight("cancel"))
    assert by_hand.leaves_access
    assert "a person must take it out of there" in by_hand.reason
    night.close()


def test_what_cannot_be_read_as_money_is_a_gap_and_a_credit_note_is_counted(
    engine: Engine,
) -> None:
    """A state of which the file says nothing, a fraction of a cent, an unknown currency."""
    night = Night.over(engine, "orders", [("c1", "USD", 9)] * 4)
    night.ledger.set(0, state="Z")
    night.ledger.set(1, amount=1)
    night.ledger.set(2, currency="ZZZ")
    night.ledger.set(3, amount=-10_000)
    found = list(night.connector.discover(VENDOR, Scope()))
    gaps = [f.cause for f in found if isinstance(f, Gap)]
    assert len(gaps) == 3
    assert "its state 'Z' is none of the mapping" in gaps[0]
    assert "no whole number of minor units of USD" in gaps[1]
    assert "'ZZZ' is no currency" in gaps[2]
    assert [f.number for f in found if getattr(f, "kind", "").startswith("nothing owed")] == [1]
    assert grants(night.connector) == []
    night.close()


@pytest.mark.parametrize(
    ("amount", "currency", "digits", "minor"),
    [
        ("1200", "USD", None, 1200),
        ("1200", "ZZZ", None, 1200),
        ("12.00", "USD", 0, 1200),
        ("1200", "JPY", 0, 1200),
        ("1.001", "KWD", 0, 1001),
        ("120000", "USD", 4, 1200),
        ("12000000", "JPY", 4, 1200),
        ("9007199254740993.01", "USD", 0, 900719925474099301),
    ],
)
def test_amounts_are_exact(amount: str, currency: str, digits: int | None, minor: int) -> None:
    """Minor units, whole currency or a unit of one's own: never rounded."""
    assert minor_units(amount, currency, digits) == minor


@pytest.mark.parametrize(
    ("amount", "currency", "digits"),
    [
        ("0.5", "USD", None),
        ("0.001", "USD", 0),
        ("1", "USD", 4),
        ("NaN", "USD", 0),
        ("x", "USD", 0),
    ],
)
def test_what_is_no_whole_number_of_minor_units_is_refused(
    amount: str, currency: str, digits: int | None
) -> None:
    """It is a fault of the mapping or of the row, and never a guess."""
    with pytest.raises(ValueError, match="amount"):
        minor_units(amount, currency, digits)


@pytest.mark.parametrize("name", ["invoices", "orders"])
def test_a_switch_that_moved_since_it_was_read_is_not_written(engine: Engine, name: str) -> None:
    """Compare and set, both ways: the write finds no row as it was, and reads again."""
    night = Night.over(engine, name, [("c1", "USD", 9)])
    (change,) = night.plan()
    stale = night.connector.read(change.address.document)
    night.ledger.hold_of_others(0)
    with pytest.raises(StaleError):
        night.connector.write(stale, [change], None, "t")
    held = night.connector.read(change.address.document)
    night.ledger.set(0, **{"invoices": {"on_hold": False}, "orders": {"state": "N"}}[name])
    picture = night.ledger.picture()
    with pytest.raises(StaleError):
        night.connector.write(held, [change.inverse()], None, "t")
    assert night.ledger.picture() == picture
    night.close()


@pytest.mark.parametrize("name", LEDGERS)
def test_a_run_that_has_not_committed_is_waited_for_or_told(postgresql_url: str, name: str) -> None:
    """A switch waits for the row, and finds it paid before; a row of ours beside it is too early:
    what is paid then has escaped, and the next look says so.
    """
    engine = l.engine_of(postgresql_url)
    night = Night.over(engine, name, [("c1", "USD", 9)])
    work = night.plan()
    pays = {"bills": {"State": "paid"}, "invoices": {"stage": 3}, "orders": {"state": "P"}}[name]
    done: list[Receipt] = []
    holding = threading.Thread(target=lambda: done.extend(night.hold(work)))
    with engine.begin() as connection:
        connection.execute(sa.update(night.ledger.table).values(pays))
        holding.start()
        holding.join(0.5)
        assert holding.is_alive() is (name != "bills")
    holding.join(10)
    (receipt,) = done
    if name == "bills":
        assert receipt.held
        assert len(night.unproved()) == 1
        assert [s.reason.partition(" ")[0] for s in night.skips()] == ["escaped:"]
    else:
        assert (receipt.outcome, receipt.cause) == (Outcome.ALREADY, Cause.GONE)
    night.close()


def test_an_id_that_two_rows_have_is_a_gap_and_is_never_written(engine: Engine) -> None:
    """Of a view no catalogue says that its ids are one row's alone."""
    night = Night.over(engine, "orders", [("c1", "USD", 9)])
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE orders RENAME TO entries")
        connection.exec_driver_sql(
            "CREATE VIEW orders AS SELECT * FROM entries UNION ALL SELECT * FROM entries"
        )
    gaps = {f.cause for f in night.connector.discover(VENDOR, Scope()) if isinstance(f, Gap)}
    assert gaps == {"its id stands in more than one row"}
    with pytest.raises(ConnectorError, match="stands in 2 rows"):
        night.connector.read(Document("payouts", "orders", "payable-status", "o0"))
