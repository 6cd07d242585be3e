"""Making the certificate of a termination from the journal alone."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta

from stopline.errors import UserError
from stopline.journal.book import Book
from stopline.journal.store import Event
from stopline.model import Address, Direction, Plan
from stopline.receipts import Outcome
from stopline.render.certificate import Certificate, Gone, Remains, Word
from stopline.residuals import seconds_of
from stopline.signing import UNSIGNED
from stopline.terminating import How, Removed
from stopline.text import Json

LATER = "it was contained after the termination was planned: ask for another one"
NOT_YET = "it was to be removed, and no attempt has been answered"


def certificate(book: Book, pause: str) -> Certificate:
    """Return the certificate of one pause. Raises UserError when nothing of it was terminated."""
    case, events = book.pauses.get(pause), book.pauses.events(pause)
    if not any(event.kind == "terminating" for event in events):
        raise UserError(
            f"The pause {pause} of {case.vendor} was not terminated: there is no certificate.",
            f"Ask for it with `stopline terminate {pause} --reason '...'`.",
        )
    plans = [book.pauses.plan(ref).plan for ref in dict.fromkeys(_plans(events))]
    removed = {str(one.address): one for one in book.pauses.removed(pause)}
    return Certificate(
        journal=book.id,
        pause=pause,
        vendor=case.vendor,
        status=str(case.status),
        made_at=book.store.now(),
        event=events[-1].seq,
        hash=events[-1].hash,
        words=tuple(_words(events)),
        removed=tuple(
            Gone(
                where,
                one.principal,
                _what(plans, one.address),
                one.at,
                one.how,
                _kept_until(plans, one),
            )
            for where, one in removed.items()
        ),
        remains=tuple(_remains(book, pause, plans)),
        unverified=tuple(where for where in _unverified(events) if where in removed),
        ended=book.pauses.is_terminated(pause),
    )


def _plans(events: Iterable[Event]) -> Iterator[str]:
    """The refs of the termination plans, in order: the last says what was left to do."""
    for event in events:
        if event.kind == "planned" and event.data["direction"] == Direction.TERMINATE:
            yield event.data["ref"]


def _words(events: Iterable[Event]) -> Iterator[Word]:
    for event in events:
        data = event.data
        if event.kind == "termination":
            yield Word("request", event.actor, event.at, data["reason"])
        signed = data.get("signed") if event.kind == "approved" else None
        if signed and signed["direction"] == Direction.TERMINATE:
            proven = data["signature"] != UNSIGNED
            yield Word("approval", event.actor, event.at, data["reason"], data["digest"], proven)


def _what(plans: Iterable[Plan], address: Address) -> str:
    told = (c.summary for plan in plans for c in plan.changes if c.address == address)
    return next(told, "")


def _kept_until(plans: Iterable[Plan], one: Removed) -> str:
    """Until when what we removed can be brought back; of what was gone already nobody knows."""
    told = (c.kept for plan in plans for c in plan.changes if c.address == one.address)
    seconds = seconds_of(next(filter(None, told), ""))
    if seconds is None or one.how is How.GONE:
        return ""
    until = datetime.fromisoformat(one.at).astimezone(UTC) + timedelta(seconds=seconds)
    return until.strftime("%Y-%m-%dT%H:%M:%SZ")


def _remains(book: Book, pause: str, plans: list[Plan]) -> Iterator[Remains]:
    latest = book.pauses.latest(pause)
    last = plans[-1] if plans else None
    reasons = {s.address: s.reason for s in last.skips} if last else {}
    due = {c.address for c in last.changes} if last else set()
    for hold in book.writes.holds(pause):
        address, change = hold.address, hold.change
        reason = reasons.get(address, LATER)
        if address in due:
            reason = _why_not(latest.get(address, {}))
        yield Remains(
            str(address), change.principal, change.summary or change.rule, reason, address in due
        )


def _why_not(receipt: Mapping[str, Json]) -> str:
    """Why what was to be removed is still there."""
    asked = receipt.get("direction") == Direction.TERMINATE
    if not asked or receipt.get("outcome") == Outcome.APPLIED:
        return NOT_YET
    cause = f" [{receipt['cause']}]" if receipt["cause"] else ""
    return f"{receipt['detail'] or receipt['outcome']}{cause}"


def _unverified(events: Iterable[Event]) -> tuple[str, ...]:
    told = [event.data["unverified"] for event in events if event.kind == "verified"]
    return tuple(told[-1]) if told else ()
