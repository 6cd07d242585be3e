"""A mapped ledger to the minor unit: nothing locks its pay run out, and no escape is hidden."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa
from connectors.contract import MARK
from connectors.payouts.money_ground import Sums, carried_out, grants, sums
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import Engine
from sqlalchemy.pool import StaticPool
from support.foreign import LEDGERS, Foreign, connector_of, estate, filled
from support.journals import a_book
from support.ledgers import PLAYBOOK, VENDOR, in_flight

from stopline import planner
from stopline.connectors.payouts import PayoutsConnector
from stopline.connectors.payouts import ledger as l
from stopline.connectors.payouts.statements import minor_units
from stopline.drill.payrun import Paid
from stopline.errors import ConnectorError, StaleError
from stopline.estate import parse_estate
from stopline.journal.book import Book
from stopline.model import Change, Direction, Document, Gap, Grant, Scope, Skip
from stopline.planner import DriftKind, Look, drift
from stopline.playbook import Playbook
from stopline.port import Terms
from stopline.receipts import Cause, Outcome, Receipt

OWED = st.lists(
    st.tuples(
        st.sampled_from(["V-MERCOR", "c1", "c2"]),
        st.sampled_from(["USD", "JPY", "KWD"]),
        st.integers(1, 999),
    ),
    min_size=1,
    max_size=8,
)
FEW = st.integers(0, 3)
TERMS = Terms(VENDOR, PLAYBOOK, MARK, estate=estate())


@dataclass
class Night:
    """One ledger, the connector over it, and the journal that tells the connector what is held."""

    ledger: Foreign
    connector: PayoutsConnector
    book: Book

    @classmethod
    def over(cls, engine: Engine, name: str, owed: list[tuple[str, str, int]]) -> "Night":
        """A ledger in which so much is owed."""
        book, ledger = a_book("sqlite://"), filled(engine, name, owed)
        made = connector_of(engine, name).attended(lambda _: (), book.writes.documents)
        return cls(ledger, made, book)

    def plan(self) -> list[Change]:
        """What the planner would change now."""
        found = self.connector.discover(VENDOR, Scope())
        told = planner.plan_containment(
            planner.snapshot_of("mercor", found, ""),
            TERMS,
            Scope(),
            planner.Standing(self.book.writes.holds()),
            planner.Opinions({"payouts": self.connector.contained}, {"payouts": lambda _: ()}),
        )
        return list(told.changes)

    def hold(self, work: list[Change]) -> list[Receipt]:
        """Place them, as the engine does."""
        return carried_out(self.connector, work, Direction.CONTAIN, self.book)

    def lift(self, work: list[Change]) -> list[Receipt]:
        """Lift what the journal holds of them."""
        wanted, holds = {change.address for change in work}, self.book.writes.holds()
        told = planner.plan_restore("mercor", MARK.pause, holds, Scope())
        back = [change for change in told.changes if change.address in wanted]
        return carried_out(self.connector, back, Direction.RESTORE, self.book)

    def skips(self, playbook: Playbook = PLAYBOOK) -> list[Skip]:
        """What a plan says of what it leaves."""
        terms = Terms(VENDOR, playbook, MARK, estate=estate())
        told = [o for g in grants(self.connector) for o in self.connector.contained(g, terms)]
        return [one for one in told if isinstance(one, Skip)]

    def looked(self) -> dict[DriftKind | None, int]:
        """How what is held differs from what we left, and how often."""
        holds = self.book.writes.holds()
        seen = {h.address: self.connector.read(h.address.document) for h in holds}
        looks = {a: Look(o.states.get(a), exists=o.exists) for a, o in seen.items()}
        kinds = [one.kind for one in drift(holds, looks)]
        return {kind: kinds.count(kind) for kind in set(kinds)}

    def unproved(self) -> list[str]:
        """What verification says of what is held."""
        held = [h.change for h in self.book.writes.holds()]
        seen = {c.address.document: self.connector.read(c.address.document) for c in held}
        return [one.why for one in self.connector.unproved(VENDOR, held, seen)]

    def close(self) -> None:
        """Give back both databases."""
        self.book.close()
        self.ledger.engine.dispose()


def in_memory() -> Engine:
    """An SQLite database that lives as long as its engine."""
    return sa.create_engine(
        "sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False}
    )


def paid(items: tuple[Paid, ...]) -> Sums:
    """What a pay run paid."""
    total: Sums = Sums()
    for item in items:
        total[item.payee, item.currency] += item.amount
    return total


@pytest.mark.parametrize("name", LEDGERS)
@given(owed=OWED, before=FEW, between=FEW, chosen=st.sets(st.integers(0, 7)), off=FEW)
@settings(max_examples=20, deadline=None)
def test_what_was_owed_is_paid_before_held_or_escaped_and_what_was_held_comes_back(
    name: str, owed: list[tuple[str, str, int]], before: int, between: int, chosen: set[int],
    off: int,
) -> None:  # fmt: skip
    """Per payee and currency, with a run that had chosen before the holds and pays after them.

    Held is then released, or written off by its owner; the next run pays exactly what is released.
    """
    night = Night.over(in_memory(), name, owed)
    at_first = sums(grants(night.connector))
    early = paid(night.ledger.pay_run("early", most=before))
    work = night.plan()
    late = paid(night.ledger.pay_run("late", most=between))
    choice = night.ledger.due()
    racing = [row for number, row in enumerate(choice) if number in chosen]
    receipts = night.hold(work)
    assert {r.outcome for r in receipts} <= {Outcome.APPLIED, Outcome.ALREADY}
    assert sum(r.cause is Cause.GONE for r in receipts) == min(between, len(work))
    assert not night.ledger.pay_run("while held")
    night.ledger.pay((row[0] for row in racing), "racing")
    found = grants(night.connector)
    left = [g for g in found if g.state.value.get("status") == "paid"]
    escaped, held = sums(left), sums(g for g in found if g not in left)
    assert at_first == early + late + held + escaped
    assert escaped == paid(
        tuple(Paid(str(i), p, c, night.ledger.minor(a, c)) for i, p, c, a in racing)
    )
    told = [skip for skip in night.skips() if skip.reason.startswith("escaped: ")]
    assert len(told) == len(racing) == len(night.unproved())
    assert all(skip.leaves_access for skip in told)
    ended(night, work, [g.address.id for g in found if g not in left][:off], held, len(racing))
    night.close()


def ended(night: Night, work: list[Change], off: list[str], held: Sums, escaped: int) -> None:
    """Some of it is written off by its owner, the rest is given back and paid."""
    for id_ in off:
        night.ledger.void(int(id_.lstrip("bo")))
    ends = {g.address.id: g for g in grants(night.connector)}
    void = sums(ends[id_] for id_ in off)
    assert all(ends[id_].state.value["status"] == "written-off" for id_ in off)
    assert all(not s.leaves_access for s in night.skips() if s.address.id in off)
    assert len(night.unproved()) == escaped
    back = night.lift(work)
    spent = [r.found.value.get("status") for r in back if r.found]
    assert spent.count("paid") == escaped
    assert not any(r.held for r in back if r.outcome is not Outcome.CONFLICT)
    released = paid(night.ledger.pay_run("after"))
    assert held == released + void


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty database of each kind."""
    lite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path}/l.db" if lite else request.getfixturevalue("postgresql_url")
    made = l.engine_of(url)
    yield made
    made.dispose()


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


def test_a_flag_with_a_reason_that_is_neither_ours_nor_free_is_somebody_elses(
    engine: Engine,
) -> None:
    """One column of reason codes, as SAP's payment block: theirs is named and not written over."""
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE bseg (belnr VARCHAR(10) PRIMARY KEY, lifnr VARCHAR(10), wrbtr NUMERIC,"
            " waers CHAR(5), zlspr CHAR(1), st CHAR(1))"
        )
        connection.exec_driver_sql(
            "INSERT INTO bseg VALUES ('1', 'c1', 9, 'USD', 'A', 'o'),"
            " ('2', 'c1', 8, 'USD', '', 'o')"
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
    assert [(type(o).__name__, o.address.id) for o in said] == [("Skip", "1"), ("Change", "2")]
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
