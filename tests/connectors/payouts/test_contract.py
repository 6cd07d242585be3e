"""The rail `payables` keeps the contract, on SQLite and on PostgreSQL."""

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from connectors.contract import ConnectorContract, carry_out, plan
from connectors.ending import holds
from support.ledgers import ESTATE, LEDGER, OTHERS, PLAYBOOK, VENDOR, filled

from stopline.connectors.payouts import PayoutsConnector
from stopline.connectors.payouts import ledger as l
from stopline.estate import Estate
from stopline.model import Document, Skip
from stopline.playbook import Playbook
from stopline.text import Json
from stopline.vendors import Vendor

OWED = [("V-MERCOR", "USD", 120_000), ("c1", "JPY", 5_000), ("V-MERCER", "USD", 7)]


class LedgerGround:
    """One ledger, and the words of the statements that were sent to it."""

    vendor: Vendor = VENDOR
    playbook: Playbook = PLAYBOOK
    estate: Estate = ESTATE
    realm = LEDGER

    def __init__(self, url: str) -> None:
        """Fill the ledger, then listen."""
        self.engine = filled(l.engine_of(url), OWED)
        self.connector = PayoutsConnector({LEDGER: "LEDGER_URL"})
        self.connector._engines[LEDGER] = self.engine
        self._used: set[str] = set()
        sa.event.listen(self.engine, "before_cursor_execute", self._heard)

    def _heard(self, *told: Any) -> None:
        word = told[2].split()[0]
        self._used |= {word} - {"SET", "BEGIN"}

    def picture(self) -> Json:
        """Every row."""
        with self.engine.connect() as connection:
            return [
                [list(map(str, r)) for r in connection.execute(sa.select(t).order_by(*t.c))]
                for t in (l.PAYEES, l.PAYABLES, l.HOLDS)
            ]

    def raw(self, document: Document) -> str | None:
        """A payable has no text."""
        return None

    def used(self) -> frozenset[str]:
        """What SQL must allow for the statements needed."""
        used, self._used = frozenset(self._used), set()
        return used

    def remove(self, document: Document) -> bool:
        """Delete the payable with its holds."""
        with self.engine.begin() as connection:
            connection.execute(sa.delete(l.HOLDS).where(l.HOLDS.c.payable == document.id))
            connection.execute(sa.delete(l.PAYABLES).where(l.PAYABLES.c.id == document.id))
        return True

    def edit(self, document: Document) -> bool:
        """Another team holds the payable, if it does not yet."""
        if not self.edited(document):
            with self.engine.begin() as connection:
                values = {"payable": document.id, **OTHERS}
                connection.execute(sa.insert(l.HOLDS).values(values))
        return True

    def edited(self, document: Document) -> bool:
        """Whether that team's hold is there."""
        theirs = (l.HOLDS.c.payable == document.id) & (l.HOLDS.c.mark == OTHERS["mark"])
        with self.engine.connect() as connection:
            return connection.execute(sa.select(l.HOLDS).where(theirs)).first() is not None

    def close(self) -> None:
        """The database is somewhere where nobody listens."""
        self.connector._engines[LEDGER] = l.engine_of("sqlite:////nowhere/at/all.db")


@pytest.fixture(params=["sqlite", "postgresql"])
def ground(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """A ledger on each database; its engine is disposed of."""
    lite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path}/l.db" if lite else request.getfixturevalue("postgresql_url")
    made = LedgerGround(url)
    yield made
    made.engine.dispose()


class TestPayables(ConnectorContract):
    """A ledger of accounts payable."""


def test_a_termination_moves_no_money(ground: LedgerGround) -> None:
    """Each hold stays, for people to settle or dispute; only what they settle is ever lifted."""
    changes = plan(ground).changes
    carry_out(ground, changes)
    before = ground.picture()
    for hold in holds(changes):
        says = ground.connector.ended(hold)
        assert isinstance(says, Skip)
        assert (says.address, "dispute it" in says.reason) == (hold.address, True)
    assert ground.picture() == before
