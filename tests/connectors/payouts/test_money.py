"""To the minor unit: what was owed is paid, held or escaped, also while pay runs are going."""

import contextlib
import threading
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from connectors.contract import MARK
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import Engine
from sqlalchemy.pool import StaticPool
from support.journals import a_book
from support.ledgers import ESTATE, LEDGER, OTHERS, PLAYBOOK, VENDOR, filled
from support.money import Sums, carried_out, changes, grants, sums

from stopline.connectors.payouts import PayoutsConnector, build
from stopline.connectors.payouts import ledger as l
from stopline.drill.payrun import Paid, pay_run
from stopline.errors import ConnectorError, StaleError, UserError
from stopline.estate import Estate
from stopline.model import Address, Change, Direction, Gap, Scope, Skip
from stopline.port import Observed, Terms
from stopline.receipts import Cause, Outcome

OWED = st.tuples(
    st.sampled_from(["V-MERCOR", "c1", "c2"]), st.sampled_from(["USD", "JPY"]), st.integers(1, 999)
)


def connector_of(engine: Engine) -> PayoutsConnector:
    """The connector over one ledger."""
    connector = PayoutsConnector({LEDGER: "LEDGER_URL"})
    connector._engines[LEDGER] = engine
    return connector


def paid(items: Iterable[Paid]) -> Sums:
    """What pay runs paid to the vendor's."""
    total: Sums = Counter()
    for item in items:
        if item.payee != "V-MERCER":
            total[item.payee, item.currency] += item.amount
    return total


@given(st.lists(OWED, min_size=1, max_size=8), st.integers(0, 4), st.integers(0, 4))
@settings(max_examples=25, deadline=None)
def test_what_was_owed_is_paid_before_or_held_or_escaped(
    owed: list[tuple[str, str, int]], before: int, between: int
) -> None:
    """Per payee and currency; a release frees what was held, and the next run pays exactly that."""
    engine = sa.create_engine(
        "sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False}
    )
    filled(engine, owed)
    connector, book = connector_of(engine), a_book("sqlite://")
    at_first = sums(grants(connector))
    early = paid(pay_run(engine, "early", most=before))
    found = grants(connector)
    work = changes(connector, found)
    late = paid(pay_run(engine, "late", most=between))
    receipts = carried_out(connector, work, Direction.CONTAIN, book)
    held_ids = {r.change.address.document.id for r in receipts if r.held}
    held = sums(g for g in found if g.address.id in held_ids)
    escaped = sums(g for g in found if g.address.id not in held_ids)
    assert at_first == early + held + escaped
    assert escaped == late
    assert {r.outcome for r in receipts} <= {Outcome.APPLIED, Outcome.ALREADY}
    assert not paid(pay_run(engine, "while held"))
    back = [r.change.inverse() for r in receipts if r.held]
    released = carried_out(connector, back, Direction.RESTORE, book)
    assert all(r.outcome is Outcome.APPLIED for r in released)
    assert paid(pay_run(engine, "after")) == held
    book.close()
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A ledger of 400 payables on each database."""
    lite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path}/l.db" if lite else request.getfixturevalue("postgresql_url")
    made = filled(l.engine_of(url), [("c1", "USD", n + 1) for n in range(400)])
    yield made
    made.dispose()


def test_nothing_leaves_after_its_hold_while_pay_runs_are_going(engine: Engine) -> None:
    """400 payables, two pay runs beside the holds: what is held once its write ends stays."""
    connector = connector_of(engine)
    work = changes(connector, grants(connector))
    left: list[Paid] = []
    over = threading.Event()

    def run(name: str) -> None:
        while not over.wait(0.005):
            with contextlib.suppress(sa.exc.OperationalError):  # SQLite was locked: nothing is paid
                left.extend(pay_run(engine, name, most=3))

    runs = [threading.Thread(target=run, args=(name,)) for name in ("a", "b")]
    for thread in runs:
        thread.start()
    book = a_book("sqlite://")
    receipts = carried_out(connector, reversed(work), Direction.CONTAIN, book)
    over.set()
    for thread in runs:
        thread.join()
    left.extend(pay_run(engine, "the last"))
    held = {r.change.address.document.id for r in receipts if r.held}
    sent = [item.id for item in left]
    assert held
    assert len(sent) == len(set(sent))
    assert not held & set(sent)
    assert len(held) + len(sent) == 400
    book.close()


def held_meanwhile(connector: PayoutsConnector, work: list[Change]) -> threading.Thread:
    """Places holds in a thread of its own, straight through the port."""

    def place() -> None:
        with contextlib.suppress(StaleError):
            connector.write(connector.read(work[0].address.document), work, None, "t")

    thread = threading.Thread(target=place)
    thread.start()
    return thread


def test_a_hold_waits_for_a_pay_run_that_has_not_committed(engine: Engine) -> None:
    """What the run pays in an open transaction is never held as if it were still owed."""
    connector = connector_of(engine)
    work = [c for c in changes(connector, grants(connector)) if c.address.document.id == "p7"]
    with l.paying(engine) as connection:
        pays = sa.update(l.PAYABLES).where(l.PAYABLES.c.id == "p7").values(status=l.PAID)
        connection.execute(pays)
        holding = held_meanwhile(connector, work)
        holding.join(0.4)
        assert holding.is_alive()
    holding.join(10)
    with engine.connect() as connection:
        assert not connection.execute(sa.select(l.HOLDS)).all()


def test_a_pay_run_waits_for_a_hold_that_has_not_committed(engine: Engine) -> None:
    """A payable whose hold is being written is not paid beside it."""
    sent: list[Paid] = []
    paying = threading.Thread(target=lambda: sent.extend(pay_run(engine, "a")))
    with l.alone(engine) as connection:
        row = {"payable": "p7", "mark": "m", "code": "c"}
        connection.execute(sa.insert(l.HOLDS).values(row))
        paying.start()
        paying.join(0.4)
        assert paying.is_alive()
    paying.join(10)
    assert {item.id for item in sent} == {f"p{n}" for n in range(400)} - {"p7"}


def paid_regardless(engine: Engine, payable: str) -> None:
    """A pay run that looks neither at the lock nor at holds."""
    this = l.PAYABLES.c.id == payable
    with engine.begin() as connection:
        pays = sa.update(l.PAYABLES).where(this)
        connection.execute(pays.values(status=l.PAID, run="careless"))


def test_what_is_paid_in_spite_of_a_hold_has_escaped_and_is_told(engine: Engine) -> None:
    """It is no longer owed: the next plan names it as left open, with the run that paid it."""
    connector, book = connector_of(engine), a_book("sqlite://")
    work = [c for c in changes(connector, grants(connector)) if c.address.document.id == "p7"]
    carried_out(connector, work, Direction.CONTAIN, book)
    paid_regardless(engine, "p7")
    (found,) = [g for g in grants(connector) if g.address.id == "p7"]
    terms = Terms(VENDOR, PLAYBOOK, MARK, estate=ESTATE)
    (skip,) = connector.contained(found, terms)
    assert isinstance(skip, Skip)
    assert skip.leaves_access
    assert skip.reason.startswith("escaped: 0.08 USD was paid in spite of a hold")
    assert "'careless'" in skip.reason
    back = carried_out(connector, [c.inverse() for c in work], Direction.RESTORE, book)
    assert [r.outcome for r in back] == [Outcome.APPLIED]
    with engine.connect() as connection:
        assert not connection.execute(sa.select(l.HOLDS)).all()
    assert "p7" not in {g.address.id for g in grants(connector)}
    book.close()


def test_what_was_paid_in_spite_of_anothers_hold_is_gone_and_no_failure(engine: Engine) -> None:
    """The tax team's row still stands there; ours was never placed: `already`, cause `gone`."""
    connector, book = connector_of(engine), a_book("sqlite://")
    work = [c for c in changes(connector, grants(connector)) if c.address.document.id == "p7"]
    with engine.begin() as connection:
        connection.execute(sa.insert(l.HOLDS).values(payable="p7", **OTHERS))
    paid_regardless(engine, "p7")
    receipts = carried_out(connector, work, Direction.CONTAIN, book)
    assert [(r.outcome, r.cause, r.held) for r in receipts] == [
        (Outcome.ALREADY, Cause.GONE, False)
    ]
    assert "p7" not in {g.address.id for g in grants(connector)}
    book.close()


def test_what_is_written_off_while_it_is_held_has_not_escaped(engine: Engine) -> None:
    """It is the lab's own decision: said, and nothing is left open by it."""
    connector, book = connector_of(engine), a_book("sqlite://")
    work = [c for c in changes(connector, grants(connector)) if c.address.document.id == "p7"]
    carried_out(connector, work, Direction.CONTAIN, book)
    with engine.begin() as connection:
        off = sa.update(l.PAYABLES).where(l.PAYABLES.c.id == "p7")
        connection.execute(off.values(status="written-off"))
    (found,) = [g for g in grants(connector) if g.address.id == "p7"]
    (skip,) = connector.contained(found, Terms(VENDOR, PLAYBOOK, MARK, estate=ESTATE))
    assert isinstance(skip, Skip)
    assert (skip.leaves_access, skip.reason) == (False, "written-off while it is held")
    book.close()


def test_another_teams_hold_stays(engine: Engine) -> None:
    """Ours is lifted; what the tax team holds is still not paid."""
    connector, book = connector_of(engine), a_book("sqlite://")
    with engine.begin() as connection:
        connection.execute(sa.insert(l.HOLDS).values(payable="p7", **OTHERS))
    work = [c for c in changes(connector, grants(connector)) if c.address.document.id < "p2"]
    work += [c for c in changes(connector, grants(connector)) if c.address.document.id == "p7"]
    carried_out(connector, work, Direction.CONTAIN, book)
    carried_out(connector, [c.inverse() for c in work], Direction.RESTORE, book)
    sent = {item.id for item in pay_run(engine, "after")}
    assert sent == {f"p{n}" for n in range(400)} - {"p7"}
    book.close()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://stopline:s3cret@127.0.0.1:1/private-ledger",
        "sqlite:////s3cret/private-ledger/at/all.db",
        "s3cret private-ledger, no URL",
    ],
)
def test_an_error_of_a_ledger_never_carries_its_url_or_password(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    """Neither the gap, nor what a read or a write raises, nor what they were raised from."""
    monkeypatch.setenv("LEDGER_URL", url)
    connector = build(ESTATE)
    document = Address("payouts", LEDGER, "payable-hold", "p0#x").document
    told = [f.cause for f in connector.discover(VENDOR, Scope()) if isinstance(f, Gap)]
    with pytest.raises(ConnectorError) as reading:
        connector.read(document)
    with pytest.raises(ConnectorError) as writing:
        connector.write(Observed(document, uid="u0"), [], None, "t")
    told += ["".join(traceback.format_exception(r.value)) for r in (reading, writing)]
    assert len(told) == 3
    for text in told:
        assert "ledger accounts" in text
        assert "s3cret" not in text
        assert "private-ledger" not in text


def test_a_ledger_whose_variable_is_not_set_is_a_gap() -> None:
    """The gap names the variable, never what another one holds."""
    found = list(build(ESTATE).discover(VENDOR, Scope()))
    assert [type(f) for f in found] == [Gap]
    assert isinstance(found[0], Gap)
    assert "LEDGER_URL" in found[0].cause


def test_an_estate_without_payouts_has_no_such_connector() -> None:
    """It says what is missing, and a playbook's rule for payouts finds nothing there."""
    with pytest.raises(UserError, match="payouts"):
        build(Estate())
