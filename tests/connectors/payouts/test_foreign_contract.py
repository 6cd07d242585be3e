"""Mapped ledgers keep the contract, each with its own lever, on SQLite and on PostgreSQL."""

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from connectors.contract import ConnectorContract
from support.foreign import LEDGERS, STOP, Foreign, connector_of, estate, filled
from support.ledgers import PLAYBOOK, VENDOR

from stopline.connectors.payouts import ledger as l
from stopline.model import Document
from stopline.playbook import Playbook
from stopline.text import Json
from stopline.vendors import Vendor

OWED = [("V-MERCOR", "USD", 120_000), ("c1", "JPY", 5_000), ("V-MERCER", "USD", 7)]


class ForeignGround:
    """Three ledgers in one database, and the words of the statements that were sent to it."""

    vendor: Vendor = VENDOR
    playbook: Playbook = PLAYBOOK
    estate = estate()

    def __init__(self, url: str, realm: str) -> None:
        """Fill the ledgers, then listen."""
        self.realm = realm
        self.engine = l.engine_of(url)
        self.ledgers = {name: filled(self.engine, name, OWED) for name in LEDGERS}
        self.connector = connector_of(self.engine)
        self._used: set[str] = set()
        sa.event.listen(self.engine, "before_cursor_execute", self._heard)

    def _heard(self, *told: Any) -> None:
        word = told[2].split()[0]
        self._used |= {word} - {"SET", "BEGIN", "PRAGMA"}

    def _of(self, document: Document) -> tuple[Foreign, int]:
        return self.ledgers[document.realm], int(document.id.lstrip("bo"))

    def picture(self) -> Json:
        """Every row of each."""
        return {name: ledger.picture() for name, ledger in self.ledgers.items()}

    def raw(self, document: Document) -> str | None:
        """A payable has no text."""
        return None

    def used(self) -> frozenset[str]:
        """What SQL must allow for the statements needed."""
        used, self._used = frozenset(self._used), set()
        return used

    def remove(self, document: Document) -> bool:
        """Delete the payable."""
        ledger, number = self._of(document)
        ledger.delete(number)
        return True

    def edit(self, document: Document) -> bool:
        """Another team holds it where a hold is a row; elsewhere somebody writes a memo."""
        ledger, number = self._of(document)
        if not self.edited(document):
            if ledger.name == "bills":
                ledger.hold_of_others(number)
            else:
                ledger.set(number, memo="call them")
        return True

    def edited(self, document: Document) -> bool:
        """Whether that is there."""
        ledger, number = self._of(document)
        if ledger.name == "bills":
            query = sa.select(STOP.c.Seq).where(STOP.c.Bill == f"b{number}", STOP.c.Team == "tax")
        else:
            this = ledger.key == ledger.id_of(number)
            query = sa.select(ledger.key).where(this, ledger.table.c.memo == "call them")
        with self.engine.connect() as connection:
            return connection.execute(query).first() is not None

    def close(self) -> None:
        """The database is somewhere where nobody listens."""
        nowhere = l.engine_of("sqlite:////nowhere/at/all.db")
        self.connector._engines.update(dict.fromkeys(LEDGERS, nowhere))


@pytest.fixture(params=[("sqlite", "invoices"), ("postgresql", "bills"), ("postgresql", "orders")])
def ground(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """The ledgers on each database; the engine is disposed of."""
    database, realm = request.param
    lite = database == "sqlite"
    url = f"sqlite:///{tmp_path}/l.db" if lite else request.getfixturevalue("postgresql_url")
    made = ForeignGround(url, realm)
    yield made
    made.engine.dispose()


class TestForeign(ConnectorContract):
    """Ledgers whose tables are not stopline's."""
