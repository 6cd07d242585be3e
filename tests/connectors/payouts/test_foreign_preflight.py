"""Before the night: whether a mapping fits its database, and whether its role has the least."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa
from connectors.contract import back, carry_out, plan
from connectors.payouts.test_foreign_contract import ForeignGround
from sqlalchemy.engine import Engine
from support.foreign import LEDGERS, connector_of, filled, mapping_of
from support.postgres import Databases

from stopline.connectors.payouts import PayoutsConnector
from stopline.connectors.payouts import ledger as l
from stopline.connectors.payouts.catalogue import tables_of
from stopline.connectors.payouts.rights import rights
from stopline.errors import ConnectorError
from stopline.estate import Protected
from stopline.mapping import LedgerMapping
from stopline.model import Document
from stopline.preflight import Check, Preflighted
from stopline.receipts import Cause


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """The three ledgers on each database."""
    lite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path}/l.db" if lite else request.getfixturevalue("postgresql_url")
    made = l.engine_of(url)
    for name in LEDGERS:
        filled(made, name, [("c1", "USD", 9)])
    yield made
    made.dispose()


def looked(connector: PayoutsConnector) -> list[Check]:
    """What the connector says before the night."""
    assert isinstance(connector, Preflighted)
    return list(connector.preflight(Protected()))


def changed(name: str, part: str, **values: object) -> LedgerMapping:
    """One ledger's mapping with other words in one part of it."""
    mapping = mapping_of(name)
    one = getattr(mapping, part).model_copy(update=values)
    return mapping.model_copy(update={part: one})


def test_what_fits_is_said_to_fit(engine: Engine) -> None:
    """Every column is there, every state has a meaning."""
    checks = looked(connector_of(engine))
    assert all(check.ok for check in checks)
    found = {check.name: check.found for check in checks}
    for name in LEDGERS:
        assert found[f"ledger {name}: mapping"] == "its database has every column that it names"
        assert found[f"ledger {name}: states"] == "the mapping names the state of every row"


FAULTS = {
    "a table that is not there": (changed("orders", "payables", table="order"),
        ("payables", "table"), "there is no table 'order'; did you mean 'orders'?"),
    "a column that is not there": (changed("orders", "payables", amount="amuont"),
        ("payables", "amount"), "has no column 'amuont'; did you mean 'amount'?"),
    "an amount that is a text": (changed("orders", "payables", amount="memo"),
        ("payables", "amount"), "a floating number is never exact"),
    "a day that is a text": (changed("orders", "payables", pay_by="memo"),
        ("payables", "pay_by"), "it must be a date"),
    "a person that is a text": (changed("orders", "payables", person="memo"),
        ("payables", "person"), "it must be a boolean"),
    "an id that two rows can have": (changed("orders", "payables", id="creditor"),
        ("payables", "id"), "keeps 'creditor' from standing in two rows"),
    "a state that is longer than the column": (changed("orders", "payables", paid=("PAID",)),
        ("payables", "paid"), "'PAID' cannot stand in the column 'state'"),
    "a state that is no number": (changed("invoices", "payables", paid=("paid",)),
        ("payables", "paid"), "'paid' cannot stand in the column 'stage'"),
    "a flag that is no boolean": (changed("invoices", "hold_flag", held="yes"),
        ("hold_flag", "held"), "'yes' is not 'true' or 'false'"),
    "a boolean flag without its other value": (changed("invoices", "hold_flag", free=()),
        ("hold_flag",), "is a boolean: 'free' must have its other"),
    "a mark that does not fit": (changed("bills", "hold_table", mark="Team", values={"Why": "x"}),
        ("hold_table", "mark"), "holds 10 characters; our mark has 27"),
    "a column that nobody fills": (changed("bills", "hold_table", values={}),
        ("hold_table",), "the column 'Team' must have a value: give one in 'values'"),
}  # fmt: skip


@pytest.mark.parametrize("what", FAULTS)
def test_what_does_not_fit_is_named_at_its_key(engine: Engine, what: str) -> None:
    """The check points into the estate's file, and a plan has a gap instead of a guess."""
    mapping, key, message = FAULTS[what]
    found, faults = tables_of(engine, mapping)
    assert found is None
    assert [fault[0] for fault in faults] == [key]
    assert message in faults[0][1]
    connector = PayoutsConnector({"x": "LEDGER_URL"}, mappings={"x": mapping})
    connector._engines["x"] = engine
    (check,) = looked(connector)
    assert (check.ok, check.key) == (False, ("payouts", "ledgers", "x", "mapping", *key))
    with pytest.raises(ConnectorError, match="does not fit its database") as raised:
        connector._ledger("x").read(Document("payouts", "x", "payable-status", "o0"))
    assert raised.value.cause is Cause.REFUSED


def test_a_state_of_which_the_mapping_says_nothing_is_told(engine: Engine) -> None:
    """With how many rows are in it; each would be a gap."""
    filled(engine, "orders", []).set(0, state="Z")
    told = [c for c in looked(connector_of(engine, "orders")) if c.name == "ledger orders: states"]
    assert [(c.warn, c.found) for c in told] == [
        (True, "states of which the mapping says nothing: 'Z' (1 rows)")
    ]


def test_a_ledger_that_does_not_answer_and_one_without_tables_fail(tmp_path: Path) -> None:
    """Stopline's own kind of ledger is looked at, too."""
    nowhere = l.engine_of("sqlite:////nowhere/at/all.db")
    empty = l.engine_of(f"sqlite:///{tmp_path}/empty.db")
    made = PayoutsConnector({"own": "A", "none": "B"})
    made._engines.update({"own": empty, "none": nowhere})
    assert [(c.name, c.ok) for c in looked(made)] == [("ledger none", False), ("ledger own", False)]
    l.create(empty)
    assert [c.ok for c in looked(made)] == [False, True]
    (away,) = looked(connector_of(nowhere, "orders"))
    assert not away.ok
    empty.dispose()


@dataclass
class Role:
    """A role of a PostgreSQL server that may log in and nothing else, and what the owner has."""

    name: str
    engine: Engine
    ground: ForeignGround

    def granted(self, statements: str) -> None:
        """The ledger's owner says what the check told him to say."""
        with self.ground.engine.begin() as connection:
            for statement in filter(None, map(str.strip, statements.split(";"))):
                connection.exec_driver_sql(statement)


@pytest.fixture
def role(postgresql: Databases) -> Iterator[Role]:
    """The three ledgers, and a role without a right to them."""
    url = postgresql.new()
    name = f"stopline_{url.rpartition('/')[2]}"
    password = sa.make_url(url).password
    postgresql.ask(f"CREATE ROLE {name} LOGIN PASSWORD '{password}'")
    ground = ForeignGround(url, "bills")
    theirs = sa.make_url(url).set(username=name)
    engine = l.engine_of(theirs.render_as_string(hide_password=False))
    yield Role(name, engine, ground)
    engine.dispose()
    ground.engine.dispose()


@pytest.mark.parametrize("name", LEDGERS)
def test_the_least_that_is_told_is_enough_and_no_more(role: Role, name: str) -> None:
    """A role with no right is told each statement; with those it holds, lifts, and all is well."""
    connector = connector_of(role.engine, name)
    (missing,) = [c for c in looked(connector) if c.name.endswith("rights")]
    assert not missing.ok
    assert missing.next_step.startswith("Have the ledger's owner say: GRANT ")
    role.granted(missing.next_step.partition("say: ")[2])
    checks = looked(connector)
    assert [(c.ok, c.warn) for c in checks] == [(True, False)] * 3, checks
    assert "and no more" in checks[1].found
    ground = role.ground
    ground.connector = connector
    before = ground.picture()
    changes = plan(ground).changes
    assert changes
    originals = carry_out(ground, changes)
    assert ground.picture() != before
    carry_out(ground, back(changes), originals)
    assert ground.picture() == before


def test_more_than_the_least_is_told(role: Role) -> None:
    """Whoever takes over the worker could set what is owed to paid, or change an amount."""
    connector = connector_of(role.engine, "invoices")
    (missing,) = [c for c in looked(connector) if c.name.endswith("rights")]
    role.granted(missing.next_step.partition("say: ")[2])
    role.granted(f'GRANT UPDATE (minor), DELETE ON invoices TO "{role.name}"')
    (told,) = [c for c in looked(connector) if c.name.endswith("rights")]
    assert (told.ok, told.warn) == (True, True)
    assert "DELETE on all of invoices, UPDATE of invoices.minor" in told.found


def test_the_rights_of_a_lever_are_those_of_its_columns() -> None:
    """A flag is the one column that may be changed; a hold is a row that may come and go."""
    flag = {(r.on, r.word): r.columns for r in rights(mapping_of("invoices"))}
    assert flag[("invoices", "UPDATE")] == ("on_hold",)
    table = {(r.on, r.word): r.columns for r in rights(mapping_of("bills"))}
    assert table[("Stop", "INSERT")] == ("Bill", "Team", "Why")
    assert table[("Stop", "DELETE")] == ()
    assert ("Bill", "UPDATE") not in table
