"""Earned pay of a person is held with a ground in law and a second approver, or not at all."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa
from connectors.contract import MARK
from sqlalchemy.engine import Engine
from support.ledgers import BASIS, ESTATE, LEDGER, PLAYBOOK, RULE, filled

from stopline.connectors.payouts import PayoutsConnector
from stopline.connectors.payouts import ledger as l
from stopline.model import Change, Grant, Scope, Skip
from stopline.playbook import Phase, Playbook
from stopline.port import Terms
from stopline.vendors import Vendor, VendorPayouts

ALONE = Playbook(playbook="p", phases=(Phase(name="payouts", rules=(RULE,)),))
PERSON = "P-9"
"""A person whom the lab pays itself."""


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """One payable of the vendor's own, one of a contractor of it, one of a person."""
    made = l.engine_of(f"sqlite:///{tmp_path}/l.db")
    l.create(made)
    with made.begin() as connection:
        connection.execute(sa.insert(l.PAYEES).values(id=PERSON, person=True))
    filled(made, [("V-MERCOR", "USD", 1), ("c1", "USD", 2), (PERSON, "USD", 3)])
    yield made
    made.dispose()


def opinions(engine: Engine, basis: str, playbook: Playbook) -> dict[str, Change | Skip]:
    """What the connector says of each payee's payable."""
    connector = PayoutsConnector({LEDGER: "LEDGER_URL"})
    connector._engines[LEDGER] = engine
    selectors = VendorPayouts(vendors=("V-MERCOR",), payees=(PERSON,), legal_basis=basis)
    vendor = Vendor(vendor="mercor", payouts=selectors)
    terms = Terms(vendor, playbook, MARK, estate=ESTATE)
    found = [f for f in connector.discover(vendor, Scope()) if isinstance(f, Grant)]
    return {g.principal: one for g in found for one in connector.contained(g, terms)}


@pytest.mark.parametrize(
    ("basis", "playbook", "missing"),
    [
        ("", PLAYBOOK, ["legal_basis"]),
        (BASIS, ALONE, ["second-person"]),
        ("", ALONE, ["legal_basis", "second-person"]),
    ],
)
def test_what_is_missing_is_said_and_the_vendors_own_is_held(
    engine: Engine, basis: str, playbook: Playbook, missing: list[str]
) -> None:
    """Whoever is engaged through the vendor is a person, and whoever is marked as one."""
    told = opinions(engine, basis, playbook)
    assert isinstance(told["V-MERCOR"], Change)
    for payee in ("c1", PERSON):
        skip = told[payee]
        assert isinstance(skip, Skip)
        assert skip.leaves_access
        assert [w for w in ("legal_basis", "second-person") if w in skip.reason] == missing


def test_with_both_all_of_it_is_held(engine: Engine) -> None:
    """And the summary, which is what an approver reads, has the amount in its currency."""
    told = opinions(engine, BASIS, PLAYBOOK)
    assert all(isinstance(one, Change) for one in told.values())
    (change,) = [c for c in told.values() if isinstance(c, Change) and c.principal == "c1"]
    assert change.summary == "hold 0.02 USD, still owed"


def test_the_date_of_a_payable_is_read(engine: Engine) -> None:
    """As a date; a payable without one says nothing."""
    with engine.begin() as connection:
        this = sa.update(l.PAYABLES).where(l.PAYABLES.c.id == "p1")
        connection.execute(this.values(pay_by=date(2026, 12, 1)))
    connector = PayoutsConnector({LEDGER: "LEDGER_URL"})
    connector._engines[LEDGER] = engine
    vendor = Vendor(vendor="mercor", payouts=VendorPayouts(vendors=("V-MERCOR",)))
    found = [f for f in connector.discover(vendor, Scope()) if isinstance(f, Grant)]
    assert [g.state.value.get("pay_by") for g in found] == [None, "2026-12-01"]
    assert [g.state.value.get("person") for g in found] == [None, True]
