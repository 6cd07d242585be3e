"""What people and workflows ask of the journal: pauses, plans, approvals, what became of them.

The status of a pause is one of `PauseStatus`. Plans and frozen configuration are kept as bodies
and named by their digest (`ref`); the digest that a person approves is `Plan.digest`.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.engine import Row

from stopline.errors import UserError
from stopline.journal import tables as t
from stopline.journal.outbox import Draft, post
from stopline.journal.store import Event, Store
from stopline.model import Address, Direction, Document, Finding, Plan, Scope, Snapshot, State
from stopline.receipts import Cause, Outcome
from stopline.settling import Decision
from stopline.terminating import How, Removed
from stopline.text import Json, dump, folded, jsonable, load


class PauseStatus(StrEnum):
    """Where a pause stands."""

    CONTAINING = "containing"
    CONTAINED = "contained"
    PARTIAL = "partial"
    BREACHED = "breached"
    STOPPED = "stopped"
    RESTORING = "restoring"
    TERMINATING = "terminating"
    TERMINATED = "terminated"
    CLOSED = "closed"


TERMINATED = "terminated"
"""The event that says that every effect of a termination was carried out."""

OPEN = tuple(s for s in PauseStatus if s is not PauseStatus.CLOSED)


DATED = ("review-by", "reassessed")
"""The events that set the date by which a pause must have been reassessed."""


@dataclass(frozen=True, slots=True)
class Pause:
    """One pause as the journal knows it. `plan` is the ref of the containment plan."""

    id: str
    vendor: str
    scope: Scope
    workflow: str
    requester: str
    reason: str
    opened_at: str
    status: PauseStatus
    closed_at: str
    frozen: str
    plan: str


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan in the journal: the ref that fetches it, and the digest that a person approves."""

    ref: str
    plan: Plan
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Pauses:
    """Pauses, plans and approvals in one journal."""

    store: Store

    # --- pauses ----------------------------------------------------------------------------------

    def open(self, pause: Pause, words: Json, drafts: Sequence[Draft] = ()) -> Pause:
        """Open a pause; the same id again changes nothing. `words` goes into the event.

        `drafts` are the notices that tell of it, here and below: written down with it, or not.
        """
        with self.store.write() as connection:
            there = sa.select(t.pauses).where(t.pauses.c.id == pause.id)
            if row := connection.execute(there).first():
                return _pause(row)
            opened = replace(pause, opened_at=self.store.now(), closed_at="")
            row_ = jsonable(opened) | {"scope": dump(opened.scope)}
            connection.execute(sa.insert(t.pauses).values(**row_))
            self.store.append(
                connection, pause.id, "opened", row_ | {"words": words}, pause.requester
            )
            post(self.store, connection, pause.id, "opened", drafts)
        return opened

    def mark(
        self,
        pause: str,
        status: PauseStatus,
        data: Json = None,
        *,
        event: str = "",
        drafts: Sequence[Draft] = (),
    ) -> None:
        """Move a pause to another status, and say so in the chain; the same again says nothing."""
        here = t.pauses.c.id == pause
        values = {"status": str(status)}
        if status is PauseStatus.CLOSED:
            values["closed_at"] = self.store.now()
        with self.store.write() as connection:
            if connection.execute(sa.select(t.pauses.c.status).where(here)).scalar() == status:
                return
            connection.execute(sa.update(t.pauses).where(here).values(**values))
            self.store.append(connection, pause, "status", {"status": status, "detail": data})
            post(self.store, connection, pause, event, drafts)

    def note(
        self,
        pause: str,
        kind: str,
        data: Json,
        actor: str = "stopline",
        *,
        event: str = "",
        drafts: Sequence[Draft] = (),
    ) -> None:
        """Add an event about a pause to the chain."""
        with self.store.write() as connection:
            self.store.append(connection, pause, kind, data, actor)
            post(self.store, connection, pause, event, drafts)

    def get(self, pause: str) -> Pause:
        """Return one pause. Raises UserError when there is none of that id."""
        with self.store.read() as connection:
            row = connection.execute(sa.select(t.pauses).where(t.pauses.c.id == pause)).first()
        if row is None:
            raise UserError(f"There is no pause {pause!r} in this journal.", "See stopline status.")
        return _pause(row)

    def opened_with(self, pause: str) -> str:
        """The ref of the configuration that a pause was opened with, as the chain has it.

        Raises UserError when there is none of that id.
        """
        said = self.store.events(pause, "opened")
        return str(said[0].data["frozen"]) if said else self.get(pause).frozen

    def list(self, vendor: str = "", statuses: Sequence[PauseStatus] = ()) -> tuple[Pause, ...]:
        """Return pauses, oldest first, of one vendor or of all, in any of the statuses."""
        query = sa.select(t.pauses).order_by(t.pauses.c.opened_at, t.pauses.c.id)
        if vendor:
            query = query.where(t.pauses.c.vendor == vendor)
        if statuses:
            query = query.where(t.pauses.c.status.in_([str(s) for s in statuses]))
        with self.store.read() as connection:
            return tuple(_pause(row) for row in connection.execute(query))

    # --- bodies ----------------------------------------------------------------------------------

    def keep(self, kind: str, text: str) -> str:
        """Store a text apart from the chain; return the ref that fetches it."""
        with self.store.write() as connection:
            return self.store.keep(connection, kind, text)

    def keep_plan(self, planned: Plan, findings: Iterable[Finding] = ()) -> Planned:
        """Store a plan with its findings, and say in the chain that it was made."""
        kept = Planned("", planned, tuple(findings))
        with self.store.write() as connection:
            ref = self.store.keep(connection, "plan", dump(kept))
            data = {
                "ref": ref,
                "digest": planned.digest,
                "direction": planned.direction,
                "changes": len(planned.changes),
                "claims": len(planned.claims),
                "skips": len(planned.skips),
                "gaps": len(planned.gaps),
                "snapshot": planned.taken_from,
            }
            self.store.append(connection, planned.pause, "planned", data)
        return replace(kept, ref=ref)

    def plan(self, ref: str) -> Planned:
        """Return a stored plan."""
        return replace(load(Planned, self.store.body(ref)), ref=ref)

    def keep_snapshot(self, snapshot: Snapshot) -> str:
        """Store what was read; return its ref, which is its digest: the time is the plan's."""
        return self.keep("snapshot", dump(replace(snapshot, taken_at="")))

    def snapshot(self, ref: str) -> Snapshot:
        """Return what was read for a plan: `Plan.taken_from` is its ref."""
        return load(Snapshot, self.store.body(ref))

    # --- what became of it -----------------------------------------------------------------------

    def approve(
        self,
        pause: str,
        ref: str,
        digest: str,
        by: str,
        signature: str,
        reason: str = "",
        signed: Json = None,
    ) -> None:
        """Record a person's yes to one plan digest. `signature` is OpenSSH's, or `unsigned`.

        `signed` are the fields of the statement that the signature is over.
        """
        data = {"ref": ref, "digest": digest, "signature": signature, "reason": reason}
        data |= {"signed": signed} if signed else {}
        with self.store.write() as connection:
            told = self.store.told(connection, pause, "approved")
            if not any(e.data == data and e.actor == by for e in told):
                self.store.append(connection, pause, "approved", data, by)

    def approved(self, pause: str, *, added: bool = True) -> frozenset[Address]:
        """The addresses that approved containment plans of this pause name.

        Without `added`, nothing counts that one person had contained again on their own word.
        """
        more = () if added else self.store.events(pause, "contain-again")
        own = {(event.actor, event.data.get("plan", "")) for event in more}
        said = ((e.actor, e.data["ref"]) for e in self.store.events(pause, "approved"))
        refs = {ref for by, ref in said if (by, ref) not in own}
        plans = [self.plan(ref).plan for ref in sorted(refs)]
        return frozenset(c.address for p in plans for c in (*p.changes, *p.claims))

    def last_containment(self, pause: str) -> str:
        """The digest of the latest containment plan, which says what is left open; or nothing."""
        made = self.store.events(pause, "planned")
        contain = [e.data["digest"] for e in made if e.data["direction"] == Direction.CONTAIN]
        return str(contain[-1]) if contain else ""

    def latest(self, pause: str) -> Mapping[Address, Json]:
        """The latest receipt of each address that this pause ever asked for, as journalled."""
        found: dict[Address, Json] = {}
        for event in self.store.events(pause, "receipts"):
            for receipt in event.data["receipts"]:
                key = Address.parse(receipt["address"])
                found[key] = receipt | {"direction": event.data["direction"], "at": event.at}
        return found

    def conflicts(self, pause: str) -> Mapping[Address, State | None]:
        """What was found where a conflict is the last word, and the hold is still open."""
        return {
            address: State(self.store.body(receipt["found"])) if receipt["found"] else None
            for address, receipt in self.latest(pause).items()
            if receipt["outcome"] == Outcome.CONFLICT and receipt["held"]
        }

    def cut_at(self, pause: str) -> str:
        """When a pause was opened, in whole seconds; now, for one that is not open yet."""
        query = sa.select(t.pauses.c.opened_at).where(t.pauses.c.id == pause)
        with self.store.read() as connection:
            opened = connection.execute(query).scalar()
        return _whole(datetime.fromisoformat(opened or self.store.now()))

    def settled(self, pause: str, propagation: Mapping[str, float]) -> Mapping[Document, str]:
        """By when this pause's latest write of each document was seen everywhere.

        `propagation` holds the seconds of each connector. The same from sweep to sweep, until
        something is written again; whole seconds, and never too early.
        """
        last: dict[Document, str] = {}
        for event in self.store.events(pause, "receipts"):
            for receipt in event.data["receipts"] if _contains(event) else ():
                if receipt["outcome"] == Outcome.APPLIED:
                    document = Address.parse(receipt["address"]).document
                    last[document] = max(last.get(document, ""), event.at)
        second = timedelta(seconds=1)
        return {
            document: _whole(
                datetime.fromisoformat(at)
                + timedelta(seconds=propagation.get(document.connector, 0.0))
                + second
            )
            for document, at in last.items()
        }

    def is_terminated(self, pause: str) -> bool:
        """Whether a termination was carried out, and nothing was contained after it."""
        done = self.store.events(pause, TERMINATED)
        return bool(done) and not any(
            event.seq > done[-1].seq and _contains(event) and _applied(event)
            for event in self.store.events(pause, "receipts")
        )

    def removed(self, pause: str) -> tuple[Removed, ...]:
        """What a termination of this pause has removed for good, or found to be gone, sorted.

        A later failure to look at it again does not bring it back; being contained anew does.
        """
        begun: set[str] = set()
        found: dict[str, Removed] = {}
        for event in self.store.events(pause):
            ends = event.kind in _WRITES and event.data["direction"] == Direction.TERMINATE
            if event.kind == "intent" and ends:
                begun |= {change["address"] for change in event.data["changes"]}
            for receipt in event.data["receipts"] if event.kind == "receipts" else ():
                where = receipt["address"]
                if ends and (how := _how(receipt, begun)):
                    who = receipt["principal"]
                    found.setdefault(where, Removed(Address.parse(where), who, event.at, how))
                elif receipt["held"] and _contains(event):
                    found.pop(where, None)
        return tuple(sorted(found.values()))

    def released(self, pause: str) -> frozenset[Address]:
        """Addresses that a rollback of this pause has given back, or was asked to.

        And what a termination lifted so that it is paid.
        """
        settled = {
            one["address"]
            for event in self.store.events(pause, "termination")
            for one in event.data.get("decided", ())
            if one["decision"] == Decision.SETTLE
        }
        return frozenset(
            a
            for a, r in self.latest(pause).items()
            if not r["held"]
            and (r["direction"] == Direction.RESTORE or _is_settled(r, str(a), settled))
        )

    def cleared(self, pause: str) -> frozenset[str]:
        """Principals whom a rollback was asked to give back by name, and of whom nothing is held.

        As they compare. What is found of them anew is not what this pause is about any more.
        """
        asked = [e.data["scope"]["principals"] for e in self.store.events(pause, "rollback")]
        parts = self.store.events(pause, "part")
        asked += [e.data["part"]["scope"]["principals"] for e in parts]
        named = {folded(who) for principals in asked for who in principals}
        held, back = set(), set()
        for receipt in self.latest(pause).values():
            who = folded(receipt["principal"])
            if receipt["held"]:
                held.add(who)
            elif receipt["direction"] == Direction.RESTORE:
                back.add(who)
        return frozenset(named & back - held)

    def refusals(self, pause: str) -> frozenset[Address]:
        """Addresses whose latest write a full quota or an invalid document refused."""
        full = (Cause.QUOTA, Cause.REFUSED)
        return frozenset(
            a
            for a, r in self.latest(pause).items()
            if r["cause"] in full and r["direction"] == Direction.CONTAIN
        )

    def review_by(self, pause: str) -> str:
        """By when a pause must have been reassessed, UTC, ISO 8601; empty where nothing says."""
        dated = [e for kind in DATED for e in self.store.events(pause, kind)]
        dates = [e.data for e in sorted(dated, key=lambda e: e.seq) if "review_by" in e.data]
        return str(dates[-1]["review_by"]) if dates else ""

    def overdue(self, pause: Pause) -> str:
        """The date by which an open pause should have been reassessed, where it has passed."""
        by = self.review_by(pause.id) if pause.status in OPEN else ""
        late = by and datetime.fromisoformat(by).timestamp() < self.store.clock()
        return by if late else ""

    def events(self, pause: str, kind: str = "") -> tuple[Event, ...]:
        """The chain's events of one pause, in order."""
        return self.store.events(pause, kind)


_WRITES = ("intent", "receipts")


def _is_settled(receipt: Json, address: str, settled: Collection[str]) -> bool:
    return receipt["direction"] == Direction.TERMINATE and address in settled


def _how(receipt: Json, begun: Collection[str]) -> How | None:
    """How one receipt of a termination shows that something is gone, if it does."""
    if receipt["outcome"] == Outcome.APPLIED:
        return How.REMOVED
    if receipt["cause"] != Cause.GONE:
        return None
    return How.BEGUN if receipt["address"] in begun else How.GONE


def _applied(event: Event) -> bool:
    return any(receipt["outcome"] == Outcome.APPLIED for receipt in event.data["receipts"])


def _contains(event: Event) -> bool:
    return bool(event.data["direction"] == Direction.CONTAIN)


def _whole(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _pause(row: Row) -> Pause:  # type: ignore[type-arg]
    return Pause(
        id=row.id,
        vendor=row.vendor,
        scope=load(Scope, row.scope),
        workflow=row.workflow,
        requester=row.requester,
        reason=row.reason,
        opened_at=row.opened_at,
        status=PauseStatus(row.status),
        closed_at=row.closed_at,
        frozen=row.frozen,
        plan=row.plan,
    )
