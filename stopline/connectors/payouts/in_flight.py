"""What a pay run of a ledger has in its batch and has not sent yet: let proceed, put off, pulled.

A payable that is `queued` leaves on its run's day, whoever holds it meanwhile: a batch is not
looked through for holds. So a hold alone keeps nothing back, and the playbook's rule for what is in
flight says what does, besides the hold:

- `reschedule` moves its day to one that never comes. That is a change: the day is given back as it
  was.
- `cancel` pulls it, so that its run does not send it. That, too, is a change, and its place is
  given back as it was. What is one-way is left to the end: a termination takes it out of its run
  for good. It is owed and held as before, and is paid by a new run once people lift the hold.
- `let-proceed` does nothing: it is named, with its amount, as escaped.

Both levers are toggles without a mark, each at an address of its own, so two pauses under two
rules are apart.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from stopline.connectors.payouts.ledger import HOLDS, NEVER, OPEN, PAYABLES, PULLED, QUEUED
from stopline.connectors.payouts.marks import NAME, owed
from stopline.errors import ConnectorError, StaleError
from stopline.model import (
    Address,
    Breadth,
    Change,
    Document,
    Effect,
    Grant,
    Seen,
    Skip,
    State,
)
from stopline.money import ESCAPED, shown
from stopline.playbook import Rule
from stopline.port import Observed, Terms
from stopline.receipts import Cause, Hold
from stopline.text import Json

DAY, PLACE = "payable-day", "payable-place"
"""The kinds of the two levers: the day on which its run is sent, and its place in that run."""
KINDS = (DAY, PLACE)
IN_FLIGHT = (QUEUED, PULLED)
_LEVER = {"reschedule": DAY, "cancel": PLACE}
_AFTER = {
    DAY: State.of({"send_on": str(NEVER)}),
    PLACE: State.of({"status": PULLED}),
}
Row = Mapping[str, Any]


def facts(row: Row) -> dict[str, Json]:
    """What a payable's state says of the run that it is in; nothing where it is in none."""
    if row["status"] not in IN_FLIGHT:
        return {}
    told = {"form": "queued", "run": row["run"], "status": row["status"]}
    return told | {"send_on": str(row["send_on"] or "")}


def seen(ledger: str, row: Row) -> Iterator[Seen]:
    """How the two levers of a payable in a run stand."""
    if row["status"] in IN_FLIGHT:
        for kind in KINDS:
            yield Seen(Address(NAME, ledger, kind, str(row["id"])), _state(kind, row))


def _state(kind: str, row: Row) -> State:
    if kind == PLACE:
        return State.of({"status": row["status"]})
    return State.of({"send_on": str(row["send_on"] or "")})


def rule_of(terms: Terms) -> tuple[int, Rule] | None:
    """What the playbook says of payouts in flight."""
    return terms.playbook.rule(NAME, "in-flight")


def contained(grant: Grant, terms: Terms) -> Iterator[Change | Skip]:
    """The lever that the playbook names, or why a queued payable leaves. Its hold is not here."""
    queued, found = grant.state.value, rule_of(terms)
    if found is None:
        reason = "the playbook has no rule for payouts in flight"
        yield Skip(grant.address, grant.principal, reason, leaves_access=True)
        return
    what, how = shown(queued["amount"], queued["currency"]), found[1].how
    if how not in _LEVER and queued["status"] == PULLED:
        reason = f"somebody else pulled {what} from the pay run {queued['run']!r}: it is not sent"
        yield Skip(grant.address, grant.principal, reason)
        return
    if how not in _LEVER:
        yield left(grant, terms)
        return
    kind = _LEVER[how]
    address = Address(NAME, grant.address.realm, kind, grant.address.id)
    if (why := _unheld(how, terms)) or address in terms.refusals:
        reason = why or f"the ledger refused to {how} what is in flight"
        yield Skip(grant.address, grant.principal, reason, leaves_access=True)
        return
    words = {
        DAY: f"put off {what} in the pay run {queued['run']!r}",
        PLACE: f"pull {what} from the pay run {queued['run']!r}; a termination cancels it there",
    }
    yield Change(
        address,
        before=None,
        after=_AFTER[kind],
        rule=found[1].name,
        breadth=Breadth.NARROW,
        phase=found[0],
        uid=grant.uid,
        principal=grant.principal,
        summary=f"{words[kind]}, {owed(grant)}",
    )


def left(grant: Grant, terms: Terms) -> Skip:
    """Say that what is queued leaves, where nobody puts it off or pulls it.

    By the playbook's word, or since its ledger is not ours and has no lever for it.
    """
    queued, found = grant.state.value, rule_of(terms)
    if found is None:
        reason = "the playbook has no rule for payouts in flight"
        return Skip(grant.address, grant.principal, reason, leaves_access=True)
    what, day = shown(queued["amount"], queued["currency"]), queued["send_on"]
    where = f"{what} is in the pay run {queued['run']!r}" + (f", sent on {day}" if day else "")
    if found[1].how in _LEVER:
        reason = f"{where}: to {found[1].how} it, a person must take it out of there"
        return Skip(grant.address, grant.principal, reason, leaves_access=True)
    return Skip(grant.address, grant.principal, f"{ESCAPED}{where}; let proceed")


def _unheld(how: str, terms: Terms) -> str:
    """Why nothing is pulled that nothing would hold once it is out of its run."""
    if how != "cancel" or terms.playbook.rule(NAME, "payables"):
        return ""
    return "to cancel it takes the rule for `payables`, too: the next run would pay it"


# --- reading and writing -------------------------------------------------------------------------


def observed(document: Document, row: Row | None) -> Observed:
    """Read one lever. What is in no run any more has none: it was sent, or taken out."""
    if row is None or row["status"] not in IN_FLIGHT:
        return Observed(document, exists=False)
    address = Address(NAME, document.realm, document.kind, document.id)
    return Observed(document, {address: _state(document.kind, row)}, uid=row["uid"])


def write(connection: Connection, was: Observed, changes: Sequence[Change]) -> None:
    """Set one lever, with no pay run beside it. Takes nothing out: that is `cancel`.

    Raises StaleError when it is not as observed, ConnectorError when it is in no run any more.
    """
    for change in changes:
        _require_same(connection, was)
        if change.after is None or change.after == was.states.get(change.address):
            continue
        told = change.after.value
        if was.document.kind == PLACE:
            values: Json = {"status": told["status"]}
        else:
            values = {"send_on": date.fromisoformat(told["send_on"]) if told["send_on"] else None}
        this = PAYABLES.c.id == was.document.id
        connection.execute(sa.update(PAYABLES).where(this).values(values))


def cancel(connection: Connection, was: Observed, changes: Sequence[Change]) -> None:
    """Take a pulled payable out of its run for good; it stays owed, and somebody's hold on it.

    Raises as `write`, and ConnectorError where nothing would hold it afterwards.
    """
    del changes  # one lever, one effect
    row = _require_same(connection, was)
    this = PAYABLES.c.id == was.document.id
    if was.document.kind != PLACE or row["status"] != PULLED:
        detail = f"the payable {was.document.id} is not pulled: nothing was cancelled"
        raise ConnectorError(Cause.REFUSED, detail, landed=False)
    held = sa.select(sa.func.count()).where(HOLDS.c.payable == was.document.id)
    if not connection.scalar(held):
        detail = f"nothing holds the payable {was.document.id}: the next run would pay it"
        raise ConnectorError(Cause.REFUSED, detail, landed=False)
    values = {"status": OPEN, "run": "", "send_on": None}
    connection.execute(sa.update(PAYABLES).where(this).values(values))


def _require_same(connection: Connection, was: Observed) -> Row:
    """The row as it is, if the lever is as observed."""
    this = PAYABLES.c.id == was.document.id
    row = connection.execute(sa.select(PAYABLES).where(this)).mappings().first()
    now = observed(was.document, dict(row) if row else None)
    if row is None or not now.exists:
        detail = f"the payable {was.document.id} is in no pay run any more"
        raise ConnectorError(Cause.GONE, detail, landed=False)
    if (now.uid, now.states) != (was.uid, was.states):
        raise StaleError(f"the payable {was.document.id} was changed since it was read")
    return dict(row)


def ended(hold: Hold) -> Effect | Skip:
    """What a termination makes of a lever: what was pulled is cancelled, a day stays as it is."""
    address = hold.address
    if address.kind == PLACE:
        summary = f"cancel {address.id} in its pay run for good; it stays owed, and held"
        return Effect(address, summary)
    reason = (
        f"{address.id} stays put off: people settle it, and then give its day back by a rollback"
    )
    return Skip(address, hold.change.principal, reason)
