"""What happened in a pause, for people: a word and a place on the timeline for every kind of event.

A kind that is not in the table is told all the same, under its own name: nothing is left out. Pure.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from stopline.journal.attested import ATTESTED, CONFIRMED, DENIED, LATE
from stopline.journal.glass import BROKEN, REVIEWED
from stopline.journal.outbox import ACKNOWLEDGED, AGAIN, ESCALATED, LIFTED
from stopline.journal.pauses import PauseStatus
from stopline.journal.reached import BEGUN
from stopline.journal.removals import CLIMBED
from stopline.journal.store import Event
from stopline.receipts import Outcome
from stopline.render.page import Section, Table, Tone
from stopline.text import Json

PEOPLE, PLANS, INTENTS, RECEIPTS, READ, AUDITS, BY_HAND, NOTICES, STATUS = ROWS = (
    "people", "plans", "intents", "receipts", "read back", "audits", "by hand", "notices", "status",
)  # fmt: skip
"""The rows of the timeline, from the top."""


@dataclass(frozen=True, slots=True)
class Told:
    """How one kind of event is told. `said`: a person's word, or what came of waiting for one."""

    row: str
    what: str
    said: bool = False


KINDS: Mapping[str, Told] = {
    "opened": Told(PEOPLE, "pause", said=True),
    "contain-again": Told(PEOPLE, "contain again", said=True),
    "approved": Told(PEOPLE, "approve", said=True),
    "rejected": Told(PEOPLE, "reject", said=True),
    "expired": Told(PEOPLE, "nobody approved in time", said=True),
    "stop": Told(PEOPLE, "stop", said=True),
    "cancelled": Told(PEOPLE, "cancelled in Temporal", said=True),
    "acknowledged": Told(PEOPLE, "acknowledge", said=True),
    "rollback": Told(PEOPLE, "rollback", said=True),
    "restoring": Told(STATUS, "rollback begins", said=True),
    "termination": Told(PEOPLE, "terminate", said=True),
    "terminating": Told(STATUS, "termination begins", said=True),
    "terminated": Told(STATUS, "terminated", said=True),
    "reassessed": Told(PEOPLE, "reassess", said=True),
    "review-by": Told(STATUS, "to be reassessed by"),
    "review-overdue": Told(STATUS, "not reassessed in time", said=True),
    BROKEN: Told(PEOPLE, "break-glass", said=True),
    REVIEWED: Told(PEOPLE, "review break-glass", said=True),
    "adopted": Told(PEOPLE, "adopt", said=True),
    "closed": Told(STATUS, "closed before it began"),
    "interrupted": Told(STATUS, "could not go on", said=True),
    CLIMBED: Told(STATUS, "climb to another lever", said=True),
    "deadline-near": Told(STATUS, "a deadline is near"),
    "sheet": Told(STATUS, "recovery sheet"),
    "status": Told(STATUS, "status"),
    "part": Told(PLANS, "whom a project's part is about"),
    "planned": Told(PLANS, "planned"),
    "intent": Told(INTENTS, "about to write"),
    "receipts": Told(RECEIPTS, "written"),
    "late-receipts": Told(RECEIPTS, "written, and told late"),
    "verified": Told(READ, "read back"),
    "audited": Told(AUDITS, "audit"),
    ATTESTED: Told(BY_HAND, "did by hand", said=True),
    CONFIRMED: Told(BY_HAND, "confirm by hand", said=True),
    DENIED: Told(BY_HAND, "refuse by hand", said=True),
    LATE: Told(BY_HAND, "waits for a person's hand for too long"),
    "notices": Told(NOTICES, "notices are to be sent"),
    BEGUN: Told(NOTICES, "a notice to those outside is begun"),
    "told-outside-later": Told(NOTICES, "those outside are told later"),
    "notice-sent": Told(NOTICES, "a notice was sent"),
    "notice-failed": Told(NOTICES, "a notice failed"),
    "notice-withdrawn": Told(NOTICES, "a notice was no longer true"),
    ACKNOWLEDGED: Told(NOTICES, "acknowledge a notice", said=True),
    ESCALATED: Told(NOTICES, "nobody acknowledged: others are told"),
    LIFTED: Told(NOTICES, "tell those outside", said=True),
    AGAIN: Told(NOTICES, "send notices again", said=True),
}
"""Every kind of event that a pause can have; a test holds it to what the code writes."""
SAID: Mapping[str, str] = {kind: told.what for kind, told in KINDS.items() if told.said}
_FAILED = (Outcome.CONFLICT, Outcome.FAILED)
_ALARMS = ("rejected", "stop", "cancelled", "late-receipts", BROKEN, DENIED, "notice-failed")
_WARNINGS = ("interrupted", "expired", "review-overdue", CLIMBED, LATE, ESCALATED, "deadline-near")


def told(event: Event) -> Told:
    """How an event is told; one of a kind that nobody knows yet, by its kind."""
    return KINDS.get(event.kind, Told(STATUS, event.kind))


def tone(event: Event) -> Tone:
    """How loud an event is on the timeline."""
    data = event.data
    if event.kind == "receipts":
        return Tone.WARN if any(r["outcome"] in _FAILED for r in data["receipts"]) else Tone.GOOD
    if event.kind == "audited":
        found = Tone.WARN if data["opened"] or data["fresh"] or data["beyond"] else Tone.GOOD
        return Tone.BAD if data.get("breached") else found
    if event.kind == "verified":
        return Tone.WARN if data["unverified"] else Tone.GOOD
    if event.kind == "status":
        return Tone.BAD if data["status"] == PauseStatus.BREACHED else Tone.PLAIN
    if event.kind in _ALARMS:
        return Tone.BAD
    return Tone.WARN if event.kind in _WARNINGS else Tone.PLAIN


def sections(events: tuple[Event, ...]) -> Iterator[Section]:
    """Yield what the pause's own pages do not tell: requests, hands, removals, terms, statuses."""
    makers = (_requests, _hands, _breaches, _terms, _statuses)
    for maker in makers:
        yield from maker(events)


def _section(
    title: str, columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]
) -> Iterator[Section]:
    """A table with its number of rows; nothing where there is none."""
    if rows:
        yield Section(f"{title} ({len(rows)})", (Table(columns, tuple(rows)),))


_ENDS = ("rejected", "expired", "cancelled", "interrupted", "stop", "restoring", "terminating")


def _requests(events: tuple[Event, ...]) -> Iterator[Section]:
    """Each request to give back or to end: of what, by whom, why, and what became of it."""
    asked = [event for event in events if event.kind in ("rollback", "termination")]
    rows = []
    for number, event in enumerate(asked):
        until = asked[number + 1].seq if number + 1 < len(asked) else float("inf")
        after = [e for e in events if event.seq < e.seq < until and e.kind in _ENDS]
        became = "; ".join(f"{told(e).what} ({e.actor})" for e in after) or "it waits"
        what = "terminate" if event.kind == "termination" else "roll back"
        rows.append(
            (event.at, f"{what} {_of(event.data['scope'])}", event.actor,
             event.data["reason"], became)
        )  # fmt: skip
    columns = ("at", "what", "asked by", "reason", "what became of it")
    yield from _section("Requests to roll back or to terminate", columns, rows)


def _of(scope: Json) -> str:
    """A scope in words: all, or what narrows it."""
    if not isinstance(scope, dict):
        return "all"
    narrow = {name: value for name, value in scope.items() if value}
    told_ = (
        f"{n}: {', '.join(map(str, v)) if isinstance(v, list) else v}" for n, v in narrow.items()
    )
    return "; ".join(told_) or "all"


def _hands(events: Iterable[Event]) -> Iterator[Section]:
    """What was done by hand, by whom, by which proof, and who has confirmed or refused it."""
    rows = []
    for event in events:
        if event.kind not in (ATTESTED, CONFIRMED, DENIED, LATE):
            continue
        data = event.data
        proof = f"{data['proof']}, SHA-256 {data['sha256']}" if event.kind == ATTESTED else ""
        proof = f"of event {data['of']}" if "of" in data else proof
        what = f"{told(event).what} {data.get('step', '')}".strip()
        rows.append(
            (event.at, str(event.seq), what, event.actor, data["address"],
             data.get("reason", ""), proof)
        )  # fmt: skip
    columns = ("at", "event", "what", "by", "address", "reason", "proof")
    yield from _section("Done by hand", columns, rows)


def _breaches(events: Iterable[Event]) -> Iterator[Section]:
    """What somebody removed again and again: the levers above it, or that none was left."""
    rows = []
    for event in events:
        if event.kind == CLIMBED:
            rows += [
                (event.at, "climbed", one["over"], f"to {one['lever']}")
                for one in event.data["levers"]
            ]
        if event.kind == "audited":
            rows += [
                (event.at, "BREACHED", address, "no lever is left that the remover cannot edit")
                for address in event.data.get("breached", ())
            ]
    columns = ("at", "what", "removed again and again", "and then")
    yield from _section("Climbs and breaches", columns, rows)


def _terms(events: Iterable[Event]) -> Iterator[Section]:
    """By when it had to be reassessed or decided on, as it was said."""
    rows = []
    for event in events:
        data = event.data
        if event.kind == "deadline-near":
            what = f"{data['what']} ({len(data['addresses'])}), {data['days']} days ahead"
            rows.append((event.at, data["on"], what, event.actor))
        elif event.kind in ("review-by", "reassessed", "review-overdue"):
            word = data.get("decision", "")
            what = f"{told(event).what} {word}: {data.get('reason', '')}".replace(" :", ":")
            rows.append((event.at, data.get("review_by", ""), what, event.actor))
    columns = ("at", "by when", "what", "by")
    yield from _section("Reassessments and deadlines", columns, rows)


def _statuses(events: Iterable[Event]) -> Iterator[Section]:
    """How the pause moved, with the numbers that were counted then."""
    rows = []
    for event in events:
        if event.kind == "status":
            detail = event.data["detail"]
            rows.append((event.at, event.data["status"], _numbers(detail)))
    yield from _section("Status", ("at", "status", "why, and how much"), rows)


def _numbers(detail: Json) -> str:
    """What was counted, but for zeros."""
    if not isinstance(detail, dict):
        return str(detail or "")
    counted = [f"{value} {name.replace('_', ' ')}" for name, value in detail.items()
               if value and name != "why"]  # fmt: skip
    return "; ".join(filter(None, (str(detail.get("why") or ""), ", ".join(counted))))
