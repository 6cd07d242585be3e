"""What the write path asks of the journal: leases, records, holds, intents, receipts.

Implements `stopline.engine.Journal`. A record is what we know of an address while any hold is on
it: the latest state that we did not write (`prior`), and what we left (`ours`).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from stopline.engine import Errand, Known, Observed
from stopline.errors import ConnectorError
from stopline.journal import tables as t
from stopline.journal.pauses import PauseStatus
from stopline.journal.store import Store
from stopline.model import (
    Address,
    Cause,
    Change,
    Direction,
    Document,
    Hold,
    Outcome,
    Receipt,
    State,
)
from stopline.text import Json, dump, load


@dataclass(frozen=True, slots=True)
class Writes:
    """The journal as the engine sees it. `lease_seconds` is more than a request can take."""

    store: Store
    lease_seconds: float = 30.0
    request_seconds: float = 15.0

    # --- leases --------------------------------------------------------------------------------

    def lease(self, document: Document, holder: str) -> bool:
        """Take or renew the document's lease; False when another holder's is still running."""
        now = self.store.clock()
        row = {"holder": holder, "expires": now + self.lease_seconds}
        mine = t.leases.c.document == str(document)
        free = sa.or_(t.leases.c.holder == holder, t.leases.c.expires <= now)
        with self.store.write() as connection:
            if connection.execute(sa.update(t.leases).where(mine, free).values(row)).rowcount:
                return True
            if connection.execute(sa.select(t.leases.c.holder).where(mine)).first():
                return False
            connection.execute(sa.insert(t.leases).values(document=str(document), **row))
            return True

    def leased(self, document: Document, holder: str) -> bool:
        """Whether the holder's lease lasts longer than the longest request can take."""
        query = sa.select(t.leases).where(t.leases.c.document == str(document))
        with self.store.read() as connection:
            row = connection.execute(query).first()
        left = row.expires - self.store.clock() if row and row.holder == holder else 0
        return left > self.request_seconds

    def unlease(self, document: Document, holder: str) -> None:
        """Give the lease back, if it is still this holder's."""
        mine = sa.and_(t.leases.c.document == str(document), t.leases.c.holder == holder)
        with self.store.write() as connection:
            connection.execute(sa.delete(t.leases).where(mine))

    # --- what is known -------------------------------------------------------------------------

    def known(self, pause: str, addresses: Sequence[Address]) -> Mapping[Address, Known]:
        """Say what is known of each address; what nobody holds is left out."""
        texts = [str(a) for a in addresses]
        with self.store.read() as connection:
            records = {
                r.address: r
                for r in connection.execute(
                    sa.select(t.records).where(t.records.c.address.in_(texts))
                )
            }
            others: dict[str, list[str]] = {}
            uids: dict[str, str] = {}
            for row in connection.execute(
                sa.select(t.holds.c.address, t.holds.c.pause, t.holds.c.change)
                .where(t.holds.c.address.in_(texts))
                .order_by(t.holds.c.pause)
            ):
                uids[row.address] = json.loads(row.change)["uid"]
                if row.pause != pause:
                    others.setdefault(row.address, []).append(row.pause)
        return {
            address: Known(
                prior=_state(record.prior),
                ours=_state(record.ours),
                written=record.written,
                intended=True,
                others=tuple(others.get(str(address), ())),
                uid=uids.get(str(address), ""),
            )
            for address in addresses
            if (record := records.get(str(address))) is not None
        }

    def holds(self, pause: str = "") -> tuple[Hold, ...]:
        """Return all live holds, sorted, or those of one pause."""
        query = sa.select(t.holds, t.records).join(
            t.records, t.records.c.address == t.holds.c.address
        )
        if pause:
            query = query.where(t.holds.c.pause == pause)
        with self.store.read() as connection:
            rows = connection.execute(query).all()
        return tuple(
            sorted(
                (
                    Hold(
                        address=Address.parse(row[0]),
                        pause=row.pause,
                        prior=_state(row.prior),
                        ours=_state(row.ours),
                        change=load(Change, row.change),
                        written=row.written,
                        unproven=row.unproven,
                    )
                    for row in rows
                ),
                key=lambda hold: (hold.address, hold.pause),
            )
        )

    def originals(self) -> Mapping[Document, str]:
        """The verbatim texts from before our first overlay, by document."""
        with self.store.read() as connection:
            rows = connection.execute(sa.select(t.originals)).all()
        return {Address.parse(row.document).document: row.raw for row in rows}

    # --- intents and receipts --------------------------------------------------------------------

    def intend(self, errand: Errand, observed: Observed, changes: Sequence[Change]) -> str | None:
        """Record, before the write, the intent, the state found and (containing) the hold.

        Raises ConnectorError (`busy`), and records nothing, when the lease has become another
        attempt's, or when the pause whose containment this is has begun to be rolled back.
        """
        with self.store.write() as connection:
            if not _still_leased(connection, observed.document, errand.attempt):
                raise ConnectorError(Cause.BUSY, "the lease ran out before the intent")
            if errand.direction is Direction.CONTAIN:
                if _going_back(connection, errand.pause):
                    raise ConnectorError(Cause.BUSY, "the pause is being rolled back")
                self._keep_original(connection, observed)
                for change in changes:
                    found = observed.states.get(change.address)
                    self._record(connection, change, found)
                    _hold(connection, errand.pause, change, unproven=None)
            self.store.append(
                connection,
                errand.pause,
                "intent",
                self._intent(connection, errand, observed, changes),
            )
            return _original(connection, observed.document)

    def settle(self, errand: Errand, receipts: Sequence[Receipt]) -> None:
        """Record receipts, and bring holds and records to what they say.

        An attempt that lost the lease has lost its say: its receipts are kept as `late-receipts`.
        """
        with self.store.write() as connection:
            documents = {r.change.address.document for r in receipts}
            in_time = all(_still_leased(connection, d, errand.attempt) for d in documents)
            for receipt in receipts if in_time else ():
                if not receipt.held:
                    _give_up(connection, errand.pause, receipt.change.address)
                elif receipt.direction is Direction.CONTAIN:
                    self._held(connection, errand.pause, receipt)
            data = {
                "attempt": errand.attempt,
                "direction": errand.direction,
                "receipts": [self._receipt(connection, r) for r in receipts],
            }
            kind = "receipts" if in_time else "late-receipts"
            self.store.append(connection, errand.pause, kind, data)

    def _held(self, connection: Connection, pause: str, receipt: Receipt) -> None:
        unproven = receipt.outcome is Outcome.UNPROVEN
        proven = receipt.outcome in (Outcome.APPLIED, Outcome.ALREADY)
        if unproven or proven:
            _hold(connection, pause, receipt.change, unproven=unproven)
            self._record(connection, receipt.change, None, written=proven)

    def _record(
        self,
        connection: Connection,
        change: Change,
        found: State | None,
        *,
        written: bool | None = None,
    ) -> None:
        """Keep the record of an address. A contained state is never taken for a prior one."""
        here = t.records.c.address == str(change.address)
        row = connection.execute(sa.select(t.records).where(here)).first()
        if row is None:
            prior = None if change.marked else (found or change.before)
            connection.execute(
                sa.insert(t.records).values(
                    address=str(change.address),
                    document=str(change.address.document),
                    prior=prior.body if prior else None,
                    ours=change.after.body if change.after else None,
                    written=bool(written),
                )
            )
            return
        values: dict[str, Json] = {}
        if written:
            values["written"] = True
        if written is None:
            values["ours"] = change.after.body if change.after else None
            if not change.marked and found is not None and found.body != row.ours:
                # Somebody set it anew: that is what was before, and no receipt shows our write yet.
                values |= {"prior": found.body, "written": False}
        if values:
            connection.execute(sa.update(t.records).where(here).values(**values))

    def _keep_original(self, connection: Connection, observed: Observed) -> None:
        """Keep the raw text from before our first overlay; the first one wins.

        A record that no receipt has shown yet counts too when its overlay is in the text: the
        write landed, and its attempt was cut off before it could say so.
        """
        document, found = str(observed.document), {str(a) for a in observed.states}
        records = sa.select(t.records).where(t.records.c.document == document)
        if any(r.written or r.address in found for r in connection.execute(records)):
            return
        connection.execute(sa.delete(t.originals).where(t.originals.c.document == document))
        connection.execute(sa.insert(t.originals).values(document=document, raw=observed.raw))

    def _intent(
        self, connection: Connection, errand: Errand, observed: Observed, changes: Sequence[Change]
    ) -> Json:
        found = {c.address: observed.states.get(c.address) for c in changes}
        return {
            "attempt": errand.attempt,
            "direction": errand.direction,
            "document": str(observed.document),
            "raw": self.store.keep(connection, "document", observed.raw) if observed.raw else "",
            "changes": [
                {
                    "address": str(c.address),
                    "after": c.after.digest if c.after else "",
                    "found": self._kept(connection, found[c.address]),
                }
                for c in changes
            ],
        }

    def _receipt(self, connection: Connection, receipt: Receipt) -> Json:
        return {
            "address": str(receipt.change.address),
            "principal": receipt.change.principal,
            "outcome": receipt.outcome,
            "cause": receipt.cause,
            "detail": receipt.detail,
            "held": receipt.held,
            "before": self._kept(connection, receipt.change.before),
            "after": self._kept(connection, receipt.change.after),
            "found": self._kept(connection, receipt.found),
        }

    def _kept(self, connection: Connection, state: State | None) -> str:
        return self.store.keep(connection, "state", state.body) if state else ""


def _state(body: str | None) -> State | None:
    return State(body) if body is not None else None


def _hold(connection: Connection, pause: str, change: Change, *, unproven: bool | None) -> None:
    address = t.holds.c.address == str(change.address)
    here = sa.and_(address, t.holds.c.pause == pause)
    there = connection.execute(sa.select(t.holds.c.unproven).where(here)).first()
    if there is None:
        row = {"address": str(change.address), "pause": pause, "change": dump(change)}
        connection.execute(sa.insert(t.holds).values(**row, unproven=bool(unproven)))
    elif unproven is not None:
        connection.execute(sa.update(t.holds).where(here).values(unproven=unproven))
    _follow(connection, address, change.uid)


def _follow(connection: Connection, address: sa.ColumnElement[bool], uid: str) -> None:
    """A principal recreated under its name was contained anew: all holds are on that one now."""
    for row in connection.execute(sa.select(t.holds).where(address)).all():
        change = load(Change, row.change)
        if change.uid != uid:
            here = sa.and_(address, t.holds.c.pause == row.pause)
            values = {"change": dump(replace(change, uid=uid))}
            connection.execute(sa.update(t.holds).where(here).values(**values))


def _still_leased(connection: Connection, document: Document, holder: str) -> bool:
    """Whether nobody has taken the lease over, be it run out or not."""
    query = sa.select(t.leases.c.holder).where(t.leases.c.document == str(document))
    return bool(connection.execute(query).scalar() == holder)


def _going_back(connection: Connection, pause: str) -> bool:
    """Whether an attempt to contain comes too late: it was cut off, and lived on unseen."""
    query = sa.select(t.pauses.c.status).where(t.pauses.c.id == pause)
    status = connection.execute(query).scalar()
    return status in (PauseStatus.RESTORING, PauseStatus.CLOSED)


def _give_up(connection: Connection, pause: str, address: Address) -> None:
    """Drop a hold; the last one takes the record with it, the last record the raw text."""
    here = t.holds.c.address == str(address)
    connection.execute(sa.delete(t.holds).where(here, t.holds.c.pause == pause))
    if connection.execute(sa.select(t.holds.c.pause).where(here)).first():
        return
    connection.execute(sa.delete(t.records).where(t.records.c.address == str(address)))
    document = str(address.document)
    if connection.execute(
        sa.select(t.records.c.address).where(t.records.c.document == document)
    ).first():
        return
    connection.execute(sa.delete(t.originals).where(t.originals.c.document == document))


def _original(connection: Connection, document: Document) -> str | None:
    query = sa.select(t.originals.c.raw).where(t.originals.c.document == str(document))
    return connection.execute(query).scalar()
