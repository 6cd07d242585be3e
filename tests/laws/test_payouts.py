"""No money leaves after its hold, with a pay run started at the worst moment."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine
from support.ledgers import ESTATE, LEDGER, PLAYBOOK, VENDOR, filled

from stopline.connectors.payouts import PayoutsConnector
from stopline.connectors.payouts import ledger as l
from stopline.connectors.payouts.fairness import person_of
from stopline.drill.payrun import Paid, pay_run
from stopline.model import Change, Grant, Scope
from stopline.port import Mark, Terms
from stopline.vendors import VendorPayouts


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A ledger in which one payable is owed to the vendor."""
    made = filled(l.engine_of(f"sqlite:///{tmp_path}/ledger.db"), [("V-MERCOR", "USD", 1200)])
    yield made
    made.dispose()


def test_a_payable_is_not_paid_between_the_look_at_it_and_its_hold(engine: Engine) -> None:
    """A pay run that starts once the hold has seen the payable open waits, and pays nothing."""
    connector = PayoutsConnector({LEDGER: "LEDGER_URL"})
    connector._engines[LEDGER] = engine
    grant = next(f for f in connector.discover(VENDOR, Scope()) if isinstance(f, Grant))
    terms = Terms(VENDOR, PLAYBOOK, Mark("0a1b2c3d", "4e5f6071"), estate=ESTATE)
    change = next(c for c in connector.contained(grant, terms) if isinstance(c, Change))
    observed = connector.read(change.address.document)
    left: list[Paid] = []
    run = threading.Thread(target=lambda: left.extend(pay_run(engine, "beside")))

    def looked(*told: Any) -> None:
        if "FROM payables" in told[2] and run.ident is None:
            run.start()
            run.join(0.5)

    sa.event.listen(engine, "after_cursor_execute", looked)
    connector.write(observed, [change], None, "t")
    run.join()
    assert connector.read(change.address.document).states == {change.address: change.after}
    assert left == []


@pytest.mark.parametrize("through", [True, False])
@pytest.mark.parametrize("told", [True, False, None])
@pytest.mark.parametrize("named", [True, False])
def test_a_payee_of_whom_nobody_says_anything_is_a_person(
    *, through: bool, told: bool | None, named: bool
) -> None:
    """Only a word makes a company of somebody, and none of whoever is engaged through a vendor."""
    selectors = [VendorPayouts(payees=("P-1",), companies=("P-1",) if named else ())]
    person = person_of({"P-1"}, selectors, through=through, told=told)
    assert bool(person) is (through or bool(told) or (told is None and not named))
