"""A ledger with stopline's own tables: holds are placed under the lock that its pay runs share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from stopline.connectors.payouts import in_flight, payables
from stopline.connectors.payouts.asking import asked
from stopline.connectors.payouts.fairness import person_of
from stopline.connectors.payouts.ledger import HOLDS, PAID, PAYABLES, PAYEES, alone, lacking
from stopline.connectors.payouts.marks import GRANT, MARK, NAME
from stopline.connectors.payouts.payables import HOLD, state_of
from stopline.errors import ConnectorError, StaleError
from stopline.model import Address, Change, Counted, Document, Found
from stopline.port import Observed
from stopline.receipts import Cause
from stopline.vendors import PayoutsSelectors


@dataclass(frozen=True)
class OwnLedger:
    """One ledger of the estate; `engine` returns its engine, or raises ConnectorError."""

    name: str
    engine: Callable[[], Engine]

    def wrong(self) -> str:
        """Which columns a ledger does not have, and how they are added; nothing if it has all."""
        try:
            with asked(self.name, writing=False):
                missing = lacking(self.engine())
        except ConnectorError:
            return ""
        names, added = ", ".join(missing), "; ".join(missing.values())
        return f"the ledger {self.name} has no column {names}; add it: {added}" if missing else ""

    def discover(self, selectors: Sequence[PayoutsSelectors]) -> Sequence[Found]:
        """The payables of the vendor's that are owed or that stopline holds. Raises ConnectorError.

        And every hold of stopline's on them.
        """
        payees = {p for one in selectors for p in (*one.payees, *one.vendors)}
        through = {v for one in selectors for v in one.vendors}
        wanted = PAYEES.c.id.in_(payees) | PAYEES.c.engaged_through.in_(through)
        query = (
            sa.select(PAYABLES, PAYEES.c.engaged_through, PAYEES.c.person)
            .join(PAYEES)
            .where(wanted)
        )
        ours = sa.select(HOLDS.c.payable).where(HOLDS.c.mark.startswith("StoplineJ"))
        owed = PAYABLES.c.status.in_(payables.OWED) | PAYABLES.c.id.in_(ours)
        query = query.where(owed).order_by(PAYABLES.c.id)
        found: list[Found] = []
        with asked(self.name, writing=False), self.engine().connect() as connection:
            number = connection.scalar(sa.select(sa.func.count()).select_from(PAYABLES)) or 0
            held: dict[str, list[tuple[str, str]]] = {}
            for hold in connection.execute(sa.select(HOLDS)):
                held.setdefault(hold.payable, []).append((hold.mark, hold.code))
            for row in connection.execute(query).mappings():
                values, holds = dict(row), sorted(held.get(row["id"], ()))
                values["person"] = person_of(
                    {values["payee"]},
                    selectors,
                    through=bool(values["engaged_through"]),
                    told=values["person"] or None,  # false is the default: nobody's word
                )
                levers = in_flight.seen(self.name, values)
                found += payables.found(self.name, values, holds, levers)
        return [*found, Counted(NAME, self.name, GRANT, number)]

    def read(self, document: Document) -> Observed:
        """Read one payable's holds. One that is not open is there only while stopline holds it.

        A hold on what was paid all the same is not as we left it: whoever lifts it learns so.
        """
        id_ = document.id
        with asked(self.name, writing=False), self.engine().connect() as connection:
            row = connection.execute(sa.select(PAYABLES).where(PAYABLES.c.id == id_)).first()
            if document.kind in in_flight.KINDS:
                return in_flight.observed(document, row._asdict() if row else None)
            holds = connection.execute(sa.select(HOLDS).where(HOLDS.c.payable == id_)).all()
        ours = any(MARK.fullmatch(hold.mark) for hold in holds)
        if row is None or (row.status not in payables.OWED and not ours):
            return Observed(document, exists=False)
        spent = payables.spent(row.status, row.run) if row.status == PAID else {}
        states = {
            Address(NAME, self.name, HOLD, f"{id_}#{h.mark}"): state_of(h.mark, h.code, spent)
            for h in holds
        }
        return Observed(document, states, uid=row.uid)

    def write(self, observed: Observed, changes: Sequence[Change]) -> None:
        """Write our rows beside one payable, under the lock of its pay runs.

        Raises StaleError when it was paid since it was read: nothing is held then.
        """
        id_ = observed.document.id
        with asked(self.name, writing=True), alone(self.engine()) as connection:
            if observed.document.kind in in_flight.KINDS:
                in_flight.write(connection, observed, changes)
                return
            row = connection.execute(sa.select(PAYABLES).where(PAYABLES.c.id == id_)).first()
            if row is None:
                raise ConnectorError(Cause.GONE, f"the payable {id_} is gone")
            if row.uid != observed.uid:
                raise StaleError(f"the payable {id_} is another one under the same name")
            if row.status not in payables.OWED and any(
                change.after is not None for change in changes
            ):
                raise StaleError(f"the payable {id_} was {row.status} before the hold")
            held = connection.execute(sa.select(HOLDS).where(HOLDS.c.payable == id_)).all()
            stands = {hold.mark: state_of(hold.mark, hold.code) for hold in held}
            for change in changes:
                if stands.get(change.address.part) == change.after:
                    continue
                mine = (HOLDS.c.payable == id_) & (HOLDS.c.mark == change.address.part)
                connection.execute(sa.delete(HOLDS).where(mine))
                if change.after is not None:
                    values = {"payable": id_, **change.after.value}
                    connection.execute(sa.insert(HOLDS).values(values))

    def end(self, observed: Observed, changes: Sequence[Change]) -> None:
        """Cancel what was pulled from a pay run. Raises as `in_flight.cancel`."""
        with asked(self.name, writing=True), alone(self.engine()) as connection:
            in_flight.cancel(connection, observed, changes)
