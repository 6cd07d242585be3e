"""What the write path asks of the journal: leases, records, holds, intents, receipts.

Implements `stopline.engine.Journal`. A record is what we know of an address while any hold is on
it: the latest state that we did not write (`prior`), and what we left (`ours`).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from stopline.engine import Errand
from stopline.errors import ConnectorError
from stopline.journal import statements as q
from stopline.journal import tables as t
from stopline.journal.pauses import PauseStatus
from stopline.journal.store import Store
from stopline.judging import Known
from stopline.model import Address, Change, Direction, Document, State
from stopline.port import Observed
from stopline.receipts import Cause, Hold, Outcome, Receipt
from stopline.text import Json, dump, load

AnyRow = Row[Any]


@dataclass(frozen=True, slots=True)
class Writes:
    """The journal as the engine sees it. `lease_seconds` is more than a request can take."""

    store: Store
    lease_seconds: float = 30.0
    request_seconds: float = 15.0

    # --- leases --------------------------------------------------------------------------------

    def take(
        self, errand: Errand, document: Document, addresses: Sequence[Address]
    ) -> Mapping[Address, Known] | None:
        """Take or renew the document's lease, and say what is known under it; None when it is not
        to be had.

        A lease needs no wait for the disk: the intent is on disk before anything is sent, it is
        refused without the lease, and no later write can be there without the earlier one.
        """
        with self.store.slip_in() as connection:
            if not self._lease(connection, document, errand.attempt):
                return None
            return _known(connection, errand.pause, addresses)

    def lease(self, document: Document, holder: str) -> bool:
        """Take or renew the document's lease; False when another holder's is still running."""
        with self.store.write() as connection:
            return self._lease(connection, document, holder)

    def unlease(self, document: Document, holder: str) -> None:
        """Give the lease back, if it is still this holder's; `settle` does it as well."""
        with self.store.write() as connection:
            _unlease(connection, document, holder)

    def _lease(self, connection: Connection, document: Document, holder: str) -> bool:
        now, of = self.store.moment(connection), {"of": str(document)}
        row = {"holder": holder, "expires": now + self.lease_seconds}
        if connection.execute(q.HOLDER, of).first() is None:
            connection.execute(q.NEW_LEASE, {"document": str(document), **row})
            return True
        renewed = connection.execute(q.RENEW_LEASE, {**of, **row, "mine": holder, "now": now})
        return bool(renewed.rowcount)

    def leased(self, document: Document, holder: str) -> bool:
        """Whether the holder's lease lasts longer than the longest request can take."""
        with self.store.read() as connection:
            row = connection.execute(q.LEASE, {"of": str(document)}).first()
            now = self.store.moment(connection)
        left = row.expires - now if row and row.holder == holder else 0
        return left > self.request_seconds

    # --- what is known -------------------------------------------------------------------------

    def known(self, pause: str, addresses: Sequence[Address]) -> Mapping[Address, Known]:
        """Say what is known of each address; what nobody holds is left out."""
        with self.store.read() as connection:
            return _known(connection, pause, addresses)

    def addresses(self, connector: str, realm: str) -> frozenset[Address]:
        """Return the addresses of a realm that any pause holds."""
        within = t.holds.c.address.startswith(f"{connector}:{realm}:", autoescape=True)
        with self.store.read() as connection:
            found = connection.scalars(sa.select(t.holds.c.address).where(within)).all()
        return frozenset(map(Address.parse, found))

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

    def held(self, pause: str = "") -> frozenset[Address]:
        """The addresses of all live holds, or of those of one pause."""
        query = sa.select(t.holds.c.address)
        if pause:
            query = query.where(t.holds.c.pause == pause)
        with self.store.read() as connection:
            return frozenset(map(Address.parse, connection.execute(query).scalars()))

    def originals(self) -> Mapping[Document, str]:
        """The verbatim texts from before our first overlay, by document."""
        with self.store.read() as connection:
            rows = connection.execute(sa.select(t.originals)).all()
        return {Address.parse(row.document).document: row.raw for row in rows}

    # --- intents and receipts --------------------------------------------------------------------

    def intend(self, errand: Errand, observed: Observed, changes: Sequence[Change]) -> str | None:
        """Record, before the write, the intent, the state found and (containing) the hold.

        Raises ConnectorError (`busy`), and records nothing, when the lease has become another
        attempt's, or when the pause has begun to go another way than this write.
        """
        with self.store.write() as connection:
            if not _still_leased(connection, observed.document, errand.attempt):
                raise ConnectorError(Cause.BUSY, "the lease ran out before the intent")
            if way := _another_way(connection, errand):
                raise ConnectorError(Cause.BUSY, way)
            if errand.direction is Direction.CONTAIN:
                original = self._intend_hold(connection, errand.pause, observed, changes)
            else:
                original = _original(connection, observed.document)
            data = self._intent(connection, errand, observed, changes)
            self.store.append(connection, errand.pause, "intent", data)
            return original

    def _intend_hold(
        self, connection: Connection, pause: str, observed: Observed, changes: Sequence[Change]
    ) -> str | None:
        """Keep records, holds and the raw text from before; return that text."""
        rows = connection.execute(q.RECORDS_OF, {"of": str(observed.document)}).all()
        original = _keep_original(connection, observed, rows)
        records = {row.address: row for row in rows}
        holds = _holds_at(connection, changes)
        for change in changes:
            at = str(change.address)
            found = observed.states.get(change.address)
            _record(connection, change, found, records.get(at))
            _hold(connection, pause, change, holds.get(at, ()), unproven=None)
        return original

    def settle(self, errand: Errand, receipts: Sequence[Receipt], *, over: bool = False) -> None:
        """Record receipts, and bring holds and records to what they say; `over` gives the lease
        back.

        An attempt that lost the lease has lost its say: its receipts are kept as `late-receipts`.
        """
        with self.store.write() as connection:
            documents = {r.change.address.document for r in receipts}
            in_time = all(_still_leased(connection, d, errand.attempt) for d in documents)
            if in_time:
                _held(connection, errand.pause, receipts)
            for receipt in receipts if in_time else ():
                if not receipt.held:
                    _give_up(connection, errand.pause, receipt.change.address)
            data = {
                "attempt": errand.attempt,
                "direction": errand.direction,
                "receipts": self._receipts(connection, receipts),
            }
            kind = "receipts" if in_time else "late-receipts"
            self.store.append(connection, errand.pause, kind, data)
            for document in documents if over else ():
                _unlease(connection, document, errand.attempt)

    def _intent(
        self, connection: Connection, errand: Errand, observed: Observed, changes: Sequence[Change]
    ) -> Json:
        found = [observed.states.get(c.address) for c in changes]
        kept = self._kept(connection, found)
        return {
            "attempt": errand.attempt,
            "direction": errand.direction,
            "document": str(observed.document),
            "raw": self.store.keep(connection, "document", observed.raw) if observed.raw else "",
            "changes": [
                {
                    "address": str(c.address),
                    "after": c.after.digest if c.after else "",
                    "found": kept[state],
                }
                for c, state in zip(changes, found, strict=True)
            ],
        }

    def _receipts(self, connection: Connection, receipts: Sequence[Receipt]) -> list[Json]:
        states = [s for r in receipts for s in (r.change.before, r.change.after, r.found)]
        kept = self._kept(connection, states)
        return [
            {
                "address": str(receipt.change.address),
                "principal": receipt.change.principal,
                "outcome": receipt.outcome,
                "cause": receipt.cause,
                "detail": receipt.detail,
                "held": receipt.held,
                "before": kept[receipt.change.before],
                "after": kept[receipt.change.after],
                "found": kept[receipt.found],
            }
            for receipt in receipts
        ]

    def _kept(
        self, connection: Connection, states: Sequence[State | None]
    ) -> Mapping[State | None, str]:
        """Store each state apart from the chain; its digest by the state, "" for none."""
        there = list(dict.fromkeys(state for state in states if state is not None))
        digests = self.store.keep_all(connection, "state", [s.body for s in there]) if there else []
        return {None: "", **dict(zip(there, digests, strict=True))}


def _known(
    connection: Connection, pause: str, addresses: Sequence[Address]
) -> Mapping[Address, Known]:
    those = {"those": [str(a) for a in addresses]}
    records = {r.address: r for r in connection.execute(q.RECORDS_AT, those)}
    if not records:
        return {}
    others: dict[str, list[str]] = {}
    uids: dict[str, str] = {}
    for row in connection.execute(q.HOLDS_AT, those):
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


def _unlease(connection: Connection, document: Document, holder: str) -> None:
    """Give the lease back, if it is still this holder's."""
    connection.execute(q.UNLEASE, {"of": str(document), "mine": holder})


def _state(body: str | None) -> State | None:
    return State(body) if body is not None else None


def _held(connection: Connection, pause: str, receipts: Sequence[Receipt]) -> None:
    """Bring holds and records up to what the receipts of a containment show."""
    shown = (Outcome.APPLIED, Outcome.ALREADY, Outcome.UNPROVEN)
    held = [
        r for r in receipts if r.held and r.direction is Direction.CONTAIN and r.outcome in shown
    ]
    if not held:
        return
    changes = [receipt.change for receipt in held]
    holds = _holds_at(connection, changes)
    rows = connection.execute(q.RECORDS_AT, {"those": list({str(c.address) for c in changes})})
    records = {row.address: row for row in rows}
    for receipt in held:
        at, unproven = str(receipt.change.address), receipt.outcome is Outcome.UNPROVEN
        _hold(connection, pause, receipt.change, holds.get(at, ()), unproven=unproven)
        _record(connection, receipt.change, None, records.get(at), written=not unproven)


def _holds_at(connection: Connection, changes: Sequence[Change]) -> Mapping[str, list[AnyRow]]:
    """The holds of all pauses on the addresses of these changes."""
    found: dict[str, list[AnyRow]] = {}
    for row in connection.execute(q.HOLDS_AT, {"those": [str(c.address) for c in changes]}):
        found.setdefault(row.address, []).append(row)
    return found


def _hold(
    connection: Connection,
    pause: str,
    change: Change,
    holds: Sequence[AnyRow],
    *,
    unproven: bool | None,
) -> None:
    """Hold an address, or say anew whether that is proven; `holds` are those that are there.

    A principal recreated under its name was contained anew: all holds are on that one now.
    """
    at = str(change.address)
    mine = next((row for row in holds if row.pause == pause), None)
    if mine is None:
        new = {"address": at, "pause": pause, "change": dump(change), "unproven": bool(unproven)}
        connection.execute(q.NEW_HOLD, new)
    elif unproven is not None and mine.unproven != unproven:
        connection.execute(q.SET_HOLD, {"at": at, "by": pause, "unproven": unproven})
    for row in holds:
        held = load(Change, row.change)
        if held.uid != change.uid:
            text = dump(replace(held, uid=change.uid))
            connection.execute(q.SET_HOLD, {"at": at, "by": row.pause, "change": text})


def _record(
    connection: Connection,
    change: Change,
    found: State | None,
    row: AnyRow | None,
    *,
    written: bool | None = None,
) -> None:
    """Keep the record of an address, whose row is given. A contained state is never a prior."""
    ours = change.after.body if change.after else None
    if row is None:
        prior = None if change.marked else (found or change.before)
        new = {
            "address": str(change.address),
            "document": str(change.address.document),
            "prior": prior.body if prior else None,
            "ours": ours,
            "written": bool(written),
        }
        connection.execute(q.NEW_RECORD, new)
        return
    values: dict[str, Json] = {}
    if written and not row.written:
        values["written"] = True
    if written is None:
        values["ours"] = ours
        if not change.marked and found is not None and found.body != row.ours:
            # Somebody set it anew: that is what was before, and no receipt shows our write yet.
            values |= {"prior": found.body, "written": False}
    if values:
        connection.execute(q.SET_RECORD, {"at": str(change.address), **values})


def _keep_original(
    connection: Connection, observed: Observed, records: Sequence[AnyRow]
) -> str | None:
    """Keep the raw text from before our first overlay, and return it; the first one wins.

    A record that no receipt has shown yet counts too when its overlay is in the text: the
    write landed, and its attempt was cut off before it could say so.
    """
    found = {str(a) for a in observed.states}
    if any(r.written or r.address in found for r in records):
        return _original(connection, observed.document)
    document = str(observed.document)
    connection.execute(q.DROP_ORIGINAL, {"of": document})
    connection.execute(q.NEW_ORIGINAL, {"document": document, "raw": observed.raw})
    return observed.raw


def _still_leased(connection: Connection, document: Document, holder: str) -> bool:
    """Whether nobody has taken the lease over, be it run out or not."""
    return bool(connection.execute(q.HOLDER, {"of": str(document)}).scalar() == holder)


def _another_way(connection: Connection, errand: Errand) -> str:
    """Why an attempt comes too late: it was cut off, and lived on unseen. Effects are stricter."""
    status = connection.execute(q.STATUS, {"pause": errand.pause}).scalar()
    terminating = status == PauseStatus.TERMINATING
    if errand.direction is Direction.TERMINATE:
        return "" if terminating else f"the pause is {status}: nothing is removed for good"
    if terminating:
        return "the pause is being terminated"
    gone = errand.direction is Direction.CONTAIN and status in _BACK
    return "the pause is being rolled back" if gone else ""


_BACK = (PauseStatus.RESTORING, PauseStatus.CLOSED)


def _give_up(connection: Connection, pause: str, address: Address) -> None:
    """Drop a hold; the last one takes the record with it, the last record the raw text."""
    at, of = {"at": str(address)}, {"of": str(address.document)}
    connection.execute(q.DROP_HOLD, {**at, "by": pause})
    if connection.execute(q.HOLD_AT, at).first():
        return
    connection.execute(q.DROP_RECORD, at)
    if connection.execute(q.RECORDS_OF, of).first() is None:
        connection.execute(q.DROP_ORIGINAL, of)


def _original(connection: Connection, document: Document) -> str | None:
    raw: str | None = connection.execute(q.ORIGINAL, {"of": str(document)}).scalar()
    return raw
