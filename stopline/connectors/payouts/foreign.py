"""A ledger with tables of its own, as the estate's file maps them: detects, and locks nobody out.

The pay run of such a ledger knows neither our lock nor our tables. A hold is written with its own
lever, and only while the row is as it was read; then the row is read again. A pay run that had
chosen it before pays it all the same: it has escaped, and every later look finds it and says so. So
the deciding look comes `run_seconds` after the last hold.

Three levers, one for each ledger. A row in a table of holds is an overlay with our mark. A flag and
a state are switches without one: what was there is in the journal, and what somebody else set is
left. Where such a payable ended, nothing in the ledger shows that we held it; `held` says it.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from stopline.connectors.payouts import in_flight, payables
from stopline.connectors.payouts.asking import asked
from stopline.connectors.payouts.catalogue import Tables, tables_of
from stopline.connectors.payouts.fairness import person_of
from stopline.connectors.payouts.in_flight import Row
from stopline.connectors.payouts.ledger import LOST, OPEN, PAID, QUEUED, VOID, WAIT_SECONDS
from stopline.connectors.payouts.marks import GRANT, MARK, NAME, of_others
from stopline.connectors.payouts.payables import HOLD, state_of
from stopline.connectors.payouts.statements import Sql, minor_units
from stopline.errors import ConnectorError, StaleError
from stopline.mapping import LedgerMapping
from stopline.model import (
    Address,
    Change,
    Counted,
    Document,
    Found,
    Gap,
    Grant,
    Seen,
    Skip,
    State,
)
from stopline.port import Observed, Terms
from stopline.receipts import Cause
from stopline.text import Json
from stopline.vendors import PayoutsSelectors

FLAG, STATUS = "payable-flag", "payable-status"
"""The kinds of the two levers that bear no mark."""
LEVERS = (HOLD, FLAG, STATUS)


@dataclass(frozen=True)
class ForeignLedger:
    """One mapped ledger; `engine` returns its engine, or raises ConnectorError.

    `held` are the ids of the payables of which the journal holds something.
    """

    name: str
    mapping: LedgerMapping
    engine: Callable[[], Engine]
    held: Callable[[], frozenset[str]] = field(default=frozenset)
    _tables: dict[int, Tables] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """The kind of its lever's addresses."""
        if self.mapping.hold_table:
            return HOLD
        return FLAG if self.mapping.hold_flag else STATUS

    def tables(self) -> Tables:
        """The ledger's tables. Raises ConnectorError naming all that does not fit the mapping."""
        engine = self.engine()
        if id(engine) not in self._tables:
            with asked(self.name, writing=False):
                found, faults = tables_of(engine, self.mapping)
            if found is None:
                told = "; ".join(f"{'.'.join(map(str, k)) or 'mapping'}: {m}" for k, m in faults)
                detail = f"the mapping of the ledger {self.name} does not fit its database: {told}"
                raise ConnectorError(Cause.REFUSED, detail)
            self._tables[id(engine)] = found
        return self._tables[id(engine)]

    # --- discovery ---------------------------------------------------------------------------

    def discover(self, selectors: Sequence[PayoutsSelectors]) -> Sequence[Found]:
        """The payables of the vendor's that are owed or that stopline holds. Raises ConnectorError.

        And what stands at the lever of each. A row that cannot be read as money is a gap.
        """
        sql = Sql(self.tables(), self.mapping)
        found: list[Found] = []
        with asked(self.name, writing=False), self.engine().connect() as connection:
            number = connection.scalar(sql.counted()) or 0
            marks = sql.marks(connection)
            ids = sorted({*marks, *(self.held() if self.kind != HOLD else ())})
            rows = tuple(sql.rows(connection, sql.wanted(selectors), ids))
        times = Counter(row["id"] for row in rows)
        for row in sorted(rows, key=lambda one: str(one["id"])):
            id_ = row["id"]
            through, told = bool(row["engaged_through"]), row["person"]
            person = person_of({row["payee"]}, selectors, through=through, told=told)
            if times[id_] > 1:
                found.append(self._gap(id_, "its id stands in more than one row"))
            else:
                found += self._found({**row, "person": person}, marks.get(id_, []), held=id_ in ids)
        return [*found, Counted(NAME, self.name, GRANT, number)]

    def _found(self, row: Row, marks: Sequence[tuple[str, str]], *, held: bool) -> Iterator[Found]:
        """One row as a payable, or as a gap; what is owed to us (a credit note) is none."""
        if row["status"] is None:
            why = f"its state {row['state']!r} is none of the mapping: nobody knows if it is owed"
            yield self._gap(row["id"], why)
            return
        try:
            amount = minor_units(row["amount"], row["currency"], self.mapping.payables.digits)
        except ValueError as error:
            yield self._gap(row["id"], str(error))
            return
        if amount <= 0 and not held:
            yield Counted(NAME, self.name, "nothing owed, or a credit note", 1)
            return
        told = {**row, "amount": amount}
        seen = [] if self.kind == HOLD else [Seen(self._address(row["id"]), _lever(row))]
        for one in payables.found(self.name, told, sorted(marks), seen, held=held):
            yield self._of_somebody(one, row) if isinstance(one, Grant) else one

    def _of_somebody(self, grant: Grant, row: Row) -> Grant:
        """Say of a payable whose flag is neither ours nor free what stands there."""
        flag = self.mapping.hold_flag
        lever = row["lever"]
        if flag is None or not (lever or "").strip() or lever in (flag.held, *flag.free):
            return grant
        return replace(grant, state=State.of({**grant.state.value, "flag": row["lever"]}))

    def _gap(self, id_: str, why: str) -> Gap:
        return Gap(NAME, self.name, f"payable {id_}", why)

    def _address(self, id_: str) -> Address:
        return Address(NAME, self.name, self.kind, id_)

    # --- opinion -----------------------------------------------------------------------------

    def contained(self, grant: Grant, terms: Terms) -> Iterator[Change | Skip]:
        """The ledger's lever; what is in a pay run's batch leaves, and is named."""
        status = grant.state.value.get("status", OPEN)
        yield from of_others(grant, terms)
        if status == QUEUED:
            yield in_flight.left(grant, terms)
        elif status != OPEN:
            yield from payables.settled(grant)
        elif self.kind == HOLD:
            yield from payables.on_hold(grant, terms)
        elif flag := grant.state.value.get("flag"):
            reason = f"somebody else holds it ({flag!r}); not touched"
            yield Skip(grant.address, grant.principal, reason)
        else:
            switch = self._address(grant.address.id)
            after = State.of({"value": self.mapping.holding})
            yield from payables.on_hold(grant, terms, (switch, after))

    # --- reading and writing -----------------------------------------------------------------

    def read(self, document: Document) -> Observed:
        """Read one payable and its lever. What is owed no more says how it ended.

        It is there still while a hold of ours, or the flag, stands beside it.
        """
        sql = Sql(self.tables(), self.mapping)
        with asked(self.name, writing=False), self.engine().connect() as connection:
            row = sql.one(connection, document.id)
            marks = sql.marks_of(connection, document.id)
        return self._observed(document, row, marks)

    def _observed(
        self, document: Document, row: Row | None, marks: Sequence[tuple[str, str]]
    ) -> Observed:
        if row is None:  # a hold of ours can lie there all the same
            states = self._beside(document, marks, payables.spent(LOST, ""))
            return Observed(document, states, exists=bool(states))
        ended = row["status"] in (PAID, VOID)
        spent = payables.spent(str(row["status"]), row["run"]) if ended else {}
        if self.kind == HOLD:
            ours = any(MARK.fullmatch(mark) for mark, _ in marks)
            states = self._beside(document, marks, spent if row["status"] == PAID else {})
            exists = ours or not ended
            return Observed(document, states if exists else {}, uid=row["uid"], exists=exists)
        flag = self.mapping.hold_flag
        beside = flag is not None and row["lever"] == flag.held
        if row["status"] == VOID and beside:
            spent = {}  # its owner's word, and our flag: as we left it
        states = {self._address(document.id): State.of({**_lever(row).value, **spent})}
        return Observed(document, states, uid=row["uid"], exists=beside or not ended)

    def _beside(
        self, document: Document, marks: Sequence[tuple[str, str]], spent: Mapping[str, Json]
    ) -> dict[Address, State]:
        """What our rows in the hold table are, and how the payable ended beside them."""
        return {
            Address(NAME, self.name, HOLD, f"{document.id}#{mark}"): state_of(mark, code, spent)
            for mark, code in marks
        }

    def write(self, observed: Observed, changes: Sequence[Change]) -> None:
        """Place or lift our holds of one payable, if it is as it was read; then look again.

        Raises StaleError where it was paid, or its lever moved, meanwhile: nothing is held then.
        """
        sql, id_ = Sql(self.tables(), self.mapping), observed.document.id
        with asked(self.name, writing=True), _alone(self.engine()) as connection:
            self._require(sql.one(connection, id_), observed, changes)
            for change in changes:
                if change.after == observed.states.get(change.address):
                    continue
                if self.kind == HOLD:
                    sql.hold(connection, id_, change)
                elif sql.switch(connection, observed, change) != 1:
                    raise StaleError(f"the payable {id_} was changed since it was read")
            self._require(sql.one(connection, id_), observed, changes)

    def _require(self, row: Row | None, was: Observed, changes: Sequence[Change]) -> None:
        """Whether it is the row that was read, and still owed where it is to be held."""
        id_, holding = was.document.id, any(self._holds(change) for change in changes)
        if row is None and self.kind == HOLD and was.exists and not (was.uid or holding):
            return  # all that is left of it is a row of ours
        if row is None:
            raise ConnectorError(Cause.GONE, f"the payable {id_} is gone")
        if row["uid"] != was.uid:
            raise StaleError(f"the payable {id_} is another one under the same name")
        if holding and row["status"] not in payables.OWED:
            raise StaleError(f"the payable {id_} was {row['state']} before the hold")

    def _holds(self, change: Change) -> bool:
        if self.kind == HOLD or change.after is None:
            return change.after is not None
        return bool(change.after.value["value"] == self.mapping.holding)


def _lever(row: Row) -> State:
    return State.of({"value": row["lever"]})


@contextmanager
def _alone(engine: Engine) -> Iterator[Connection]:
    """One transaction, committed at its end, which waits for nobody longer than a pay run may."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.execute(sa.text(f"SET LOCAL lock_timeout = '{WAIT_SECONDS}s'"))
        yield connection
        connection.commit()
