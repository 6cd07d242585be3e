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
from stopline.connectors.payouts.stripe_payees import Wanted
from stopline.model import Change, Grant, Scope, Skip
from stopline.playbook import Phase, Playbook
from stopline.port import Terms
from stopline.text import Json
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


# --- whoever is not known to be a company is a person ---------------------------------------------


def of_payees(engine: Engine, **more: tuple[str, ...]) -> dict[str, Grant]:
    """What is found of payees that the vendor's file names one by one."""
    connector = PayoutsConnector({LEDGER: "LEDGER_URL"})
    connector._engines[LEDGER] = engine
    selectors = VendorPayouts(payees=("V-MERCOR", "c1", PERSON), **more)
    found = connector.discover(Vendor(vendor="mercor", payouts=selectors), Scope())
    return {f.principal: f for f in found if isinstance(f, Grant)}


def test_a_payee_of_whom_nobody_says_anything_is_taken_for_a_person(engine: Engine) -> None:
    """False is what a ledger has when nobody has looked: it makes no company of anybody."""
    found = of_payees(engine)
    assert {who: g.state.value.get("person") for who, g in found.items()} == {
        "V-MERCOR": "unknown", "c1": True, PERSON: True,
    }  # fmt: skip
    terms = Terms(Vendor(vendor="mercor"), ALONE, MARK, estate=ESTATE)
    connector = PayoutsConnector({LEDGER: "LEDGER_URL"})
    (skip,) = connector.contained(found["V-MERCOR"], terms)
    assert isinstance(skip, Skip)
    assert skip.leaves_access
    assert "nobody says that it is owed to a company (`payouts.companies`)" in skip.reason


@pytest.mark.parametrize("word", ["companies", "vendors"])
def test_the_vendors_file_says_who_is_a_company_and_makes_none_of_a_person(
    engine: Engine, word: str
) -> None:
    """The vendor itself is one. What a ledger knows of a person stays so."""
    found = of_payees(engine, **{word: ("V-MERCOR", PERSON, "c1")})
    assert {who: g.state.value.get("person") for who, g in found.items()} == {
        "V-MERCOR": None, "c1": True, PERSON: True,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("account", "person"),
    [
        ({}, "unknown"),
        ({"business_type": "company"}, False),
        ({"business_type": "non_profit"}, False),
        ({"business_type": "individual"}, True),
        ({"identity": {"entity_type": "government_entity"}}, False),
        ({"metadata": {"person": "false"}}, False),
        ({"metadata": {"person": "no"}}, "unknown"),
        ({"business_type": "individual", "metadata": {"person": "false"}}, True),
        ({"business_type": "company", "metadata": {"person": "true"}}, True),
        ({"business_type": "company", "metadata": {"engaged_through": "V-1"}}, True),
    ],
)
def test_at_stripe_an_account_of_which_nothing_is_known_is_a_persons(
    account: Json, person: Json
) -> None:
    """Stripe looks at what kind of business one is; the lab's word in metadata counts as well."""
    wanted = Wanted.of([VendorPayouts(payees=("acct_1",), vendors=("V-1",))])
    found = wanted.payee({"id": "acct_1", **account})
    assert found is not None
    assert found.person == person


def test_at_stripe_the_vendors_file_names_companies_as_well() -> None:
    """By the account's id, or by the payee's in the lab's own ledgers."""
    for name in ("acct_1", "P-1"):
        wanted = Wanted.of([VendorPayouts(payees=(name,), companies=(name,))])
        found = wanted.payee({"id": "acct_1", "metadata": {"payee": "P-1"}})
        assert found is not None
        assert found.person is False


@pytest.mark.parametrize("vendors", [("V-1",), ()])
def test_whoever_is_engaged_through_a_vendor_is_a_person_whatever_selects_it(
    vendors: tuple[str, ...],
) -> None:
    """A pause of a project, whose selectors name the payee alone, makes no company of it."""
    wanted = Wanted.of([VendorPayouts(payees=("acct_1",), vendors=vendors)])
    metadata = {"engaged_through": "V-1", "person": "false"}
    found = wanted.payee({"id": "acct_1", "business_type": "company", "metadata": metadata})
    assert found is not None
    assert found.person is True
    assert found.via == ("engaged through V-1" if vendors else "its payee id")
    others = Wanted.of([VendorPayouts(vendors=("V-2",))])
    assert others.payee({"id": "acct_1", "metadata": metadata}) is None
