"""Making a `Standing` of what the journal says, and of what Temporal says where it was asked."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from shlex import quote

from activities.breaching import audits_of, breaches_of
from stopline.configuration import Frozen
from stopline.coverage import uncovered
from stopline.entrypoints.cli.choices import ABSENT
from stopline.entrypoints.cli.choosing import waiting_choices
from stopline.entrypoints.cli.owing import pay_by, soon
from stopline.evidence.story import SAID
from stopline.journal.attested import tasks
from stopline.journal.book import Book
from stopline.journal.glass import unreviewed
from stopline.journal.pauses import OPEN, Pause, PauseStatus, Planned
from stopline.journal.store import Event
from stopline.model import Address, Direction
from stopline.receipts import Cause, Hold, Outcome
from stopline.recovery.gathering import EVENT
from stopline.render.plan import difference
from stopline.render.standing import Glass, Held, Left, Said, Standing, Waiting, direction_of
from stopline.text import Json
from workflows.messages import Phase, Status

DONE = (Outcome.APPLIED, Outcome.ALREADY, Outcome.UNPROVEN)
RUNNING = (PauseStatus.CONTAINING, PauseStatus.RESTORING, PauseStatus.TERMINATING)
_OVER = (
    "approved", "rejected", "expired", "stop", "status", "receipts", "restoring", "terminating",
    "adopted",
)  # fmt: skip
"""After one of these, the last plan in the journal that asks for approval waits no more."""


def standing(book: Book, pause: Pause, status: Status | None = None) -> Standing:
    """Return where a pause stands. Without `status` the journal alone says it."""
    events = book.pauses.events(pause.id)
    holds = book.writes.holds(pause.id)
    latest = book.pauses.latest(pause.id)
    due = pay_by(book, pause)
    waiting = _waiting(pause, status) if status else _waiting_in_journal(book, pause, events)
    if waiting is not None and waiting.direction == Direction.RESTORE:
        waiting = replace(waiting, choices=waiting_choices(book, pause.id))
    return Standing(
        id=pause.id,
        vendor=pause.vendor,
        scope=pause.scope,
        status=str(pause.status),
        requester=pause.requester,
        reason=pause.reason,
        opened_at=pause.opened_at,
        closed_at=pause.closed_at,
        workflow=pause.workflow,
        held=tuple(_held(hold) for hold in holds),
        left=tuple(_left(book, pause, events, holds, latest)),
        said=tuple(_said(e) for e in events if e.kind in SAID),
        waiting=waiting,
        why=(status.interrupted if status else "") or _why(events),
        phase=str(status.phase) if status else "",
        acknowledged=any(e.kind == "acknowledged" for e in events),
        sheet=_sheet(events),
        review_by=book.pauses.review_by(pause.id) if pause.status in OPEN else "",
        overdue=bool(book.pauses.overdue(pause)),
        pay_by=due,
        pay_soon=soon(book, due),
        break_glass=_glass(book, pause),
        uncovered=_uncovered(book, pause) if pause.status in OPEN else (),
    )


def _uncovered(book: Book, pause: Pause) -> tuple[str, ...]:
    frozen = book.store.body(book.pauses.opened_with(pause.id))
    vendor, playbook, estate = Frozen.load(frozen).parse()
    return uncovered(vendor, playbook, estate, pause.scope)


def _glass(book: Book, pause: Pause) -> tuple[Glass, ...]:
    now = book.store.clock()
    return tuple(
        Glass(one.by, one.at, one.direction, one.reason, one.review_by, one.overdue(now))
        for one in unreviewed(book.store, pause.id)
    )


def _held(hold: Hold) -> Held:
    change = hold.change
    what = change.summary or difference(hold.prior, hold.ours) or change.rule
    return Held(
        str(hold.address), change.principal, what + (" (unproven)" if hold.unproven else "")
    )


def _said(event: Event) -> Said:
    data = event.data if isinstance(event.data, dict) else {}
    words = data.get("words") or data
    return Said(
        event.at,
        event.actor if event.kind != "opened" else data.get("requester", event.actor),
        SAID[event.kind],
        ": ".join(filter(None, (words.get("decision"), words.get("reason", "")))),
        words.get("digest", ""),
    )


def _why(events: Iterable[Event]) -> str:
    detail = next((e.data["detail"] for e in reversed([*events]) if e.kind == "status"), None)
    return str(detail.get("why", "")) if isinstance(detail, dict) else str(detail or "")


# --- what is left --------------------------------------------------------------------------------


def _left(
    book: Book,
    pause: Pause,
    events: Iterable[Event],
    holds: Iterable[Hold],
    latest: Mapping[Address, Json],
) -> Iterator[Left]:
    yield from _not_taken_back(book, pause, latest)
    yield from _not_told(book, pause)
    if pause.status is PauseStatus.CLOSED:
        return
    yield from _breached(book, pause)
    planned = _last_containment(book, pause, events)
    if planned is not None:
        yield from _not_contained(book, pause, planned, latest)
        yield from _open(pause, planned)
    yield from _beside(latest)
    for hold in holds:
        if hold.unproven:
            reason = "the write and its receipt were cut apart; a person decides at the rollback"
            command = f"stopline rollback {pause.vendor} --include-unproven --reason '...'"
            yield Left("unproven", str(hold.address), hold.change.principal, reason, command)
    yield from _unverified(book, pause, events, holds)
    yield from _wrong_sheet(pause, events)


def _beside(latest: Mapping[Address, Json]) -> Iterator[Left]:
    """What was contained while something that goes with it failed."""
    for address, receipt in sorted(latest.items()):
        applied = receipt["outcome"] == Outcome.APPLIED and receipt["cause"]
        if applied and receipt["direction"] == Direction.CONTAIN:
            none = "none: it is contained; do by hand what is said here"
            who, why, cause = receipt["principal"], receipt["detail"], receipt["cause"]
            yield Left("beside", str(address), who, why, none, cause)


def _breached(book: Book, pause: Pause) -> Iterator[Left]:
    if pause.status is PauseStatus.BREACHED:
        for one in breaches_of(book, pause.id, audits_of(book, pause.id)):
            reason = f"removed {one.times} times by somebody else, and put back; find out by whom"
            command = f"stopline audits {pause.id}"
            yield Left("breached", str(one.address), one.principal, reason, command)


def _last_containment(book: Book, pause: Pause, events: Iterable[Event]) -> Planned | None:
    """The plan that says what was still to be done when the last containment ended.

    What a person had planned after that, and did not start, says nothing about the pause.
    """
    listed = [*events]
    ends = [e.seq for e in listed if e.kind == "status"]
    before = ends[-1] if ends and pause.status not in RUNNING else float("inf")
    for event in reversed(listed):
        contains = event.kind == "planned" and event.data["direction"] == Direction.CONTAIN
        if contains and event.seq < before:
            return book.pauses.plan(event.data["ref"])
    return None


def _not_contained(
    book: Book, pause: Pause, planned: Planned, latest: Mapping[Address, Json]
) -> Iterator[Left]:
    for change in planned.plan.work:
        receipt = latest.get(change.address, {})
        outcome = receipt.get("outcome", "")
        if outcome in DONE or receipt.get("direction") in _ASKED:
            continue
        where = str(change.address)
        again = f"stopline pause {pause.vendor} --address {quote(where)} --reason '...'"
        if outcome:
            yield _from_receipt(book, receipt, where, _next(pause, receipt, again))
        elif pause.status not in RUNNING:
            reason = "it was planned, and no attempt has been answered"
            yield Left("not asked", where, change.principal, reason, again)


_ASKED = {Direction.RESTORE: "rollback", Direction.TERMINATE: "terminate"}
"""The commands that ask for what another person must approve."""


def _not_taken_back(book: Book, pause: Pause, latest: Mapping[Address, Json]) -> Iterator[Left]:
    """What a rollback did not give back, and what a termination did not remove."""
    for address, receipt in sorted(latest.items()):
        if receipt["direction"] in _ASKED and receipt["outcome"] not in DONE:
            where, ask = str(address), _ASKED[Direction(receipt["direction"])]
            again = f"stopline {ask} {pause.vendor} --address {quote(where)} --reason '...'"
            if not receipt["held"]:
                again = "none: it is not held any more; look at it by hand"
            yield _from_receipt(book, receipt, where, _next(pause, receipt, again))


def _next(pause: Pause, receipt: Json, command: str) -> str:
    """What a person runs next: what waits for hands is not asked for again."""
    waits = receipt["cause"] == Cause.WAITING
    return f"stopline manual list {pause.id}" if waits else command


def _from_receipt(book: Book, receipt: Json, where: str, command: str) -> Left:
    kind = "conflict" if receipt["outcome"] == Outcome.CONFLICT else "failed"
    kind = "by hand" if receipt["cause"] == Cause.WAITING else kind
    before, ours, now = (_text(book, receipt[f]) for f in ("before", "after", "found"))
    if receipt["direction"] == Direction.RESTORE:
        before, ours = ours, before
    elif receipt["direction"] == Direction.TERMINATE:
        before, ours = ABSENT, before
    return Left(
        kind,
        where,
        receipt["principal"],
        receipt["detail"] or receipt["outcome"],
        command,
        receipt["cause"],
        (before, ours, now) if kind == "conflict" else None,
        receipt["direction"],
    )


def _text(book: Book, ref: str) -> str:
    return book.store.body(ref) if ref else ABSENT


def _open(pause: Pause, planned: Planned) -> Iterator[Left]:
    known = f"stopline approve {pause.vendor} --gaps --reason '...'"
    for skip in planned.plan.skips:
        if skip.leaves_access:
            yield Left("left open", str(skip.address), skip.principal, skip.reason, known)
    for gap in planned.plan.gaps:
        where = f"{gap.connector} {gap.realm}"
        yield Left("gap", where, "", f"{gap.what}: {gap.cause}", known)


def _unverified(
    book: Book, pause: Pause, events: Iterable[Event], holds: Iterable[Hold]
) -> Iterator[Left]:
    last = next((e for e in reversed([*events]) if e.kind == "verified"), None)
    bad = set(last.data["unverified"]) if last else set()
    by_hand = {str(task.address) for task in tasks(book.store, pause.id)}
    for hold in holds:
        where = str(hold.address)
        if where in bad:
            again = f"stopline pause {pause.vendor} --address {quote(where)} --reason '...'"
            if where in by_hand:
                again = f"stopline manual list {pause.id}"
            reason = last.data.get("why", {}).get(where) if last else ""
            reason = reason or "a later reading does not show what we left"
            yield Left("unverified", where, hold.change.principal, reason, again)


def _sheet(events: Iterable[Event]) -> str:
    """Where the recovery sheet was last written."""
    written = (e.data.get("where", "") for e in reversed([*events]) if e.kind == EVENT)
    return str(next(filter(None, written), ""))


def _wrong_sheet(pause: Pause, events: Iterable[Event]) -> Iterator[Left]:
    last: Json = next((e.data for e in reversed([*events]) if e.kind == EVENT), {})
    if wrong := last.get("wrong") or last.get("reason"):
        print_it = f"stopline status {pause.id} --format commands"
        yield Left("recovery sheet", last.get("where", ""), "", wrong, print_it)


def _not_told(book: Book, pause: Pause) -> Iterator[Left]:
    """Who should know and was not told, or not yet. Nothing of the pause hangs on it."""
    for notice in book.outbox.of(pause.id):
        if notice.amber:
            to = f" to {notice.recipient}" if notice.recipient else ""
            where = f"{notice.channel}: {notice.audience}{to}"
            reason = f"{notice.event}: {notice.state}, {notice.why}"
            yield Left("notice", where, "", reason, f"stopline notices {pause.id}")


# --- what waits ----------------------------------------------------------------------------------


def _waiting(pause: Pause, status: Status) -> Waiting | None:
    pending = status.pending
    asked = status.asked_by or status.phase is Phase.AWAITING_APPROVAL
    if pending is None or not asked:
        return None
    return Waiting(
        str(status.direction or direction_of(status.phase)),
        pending.ref,
        pending.digest,
        status.asked_by or status.order.requester,
        approve_command(pause, pending.digest),
        stale=status.stale,
        request=status.request,
        more=status.approvers - len(status.approved_by),
        approved_by=status.approved_by,
    )


def _waiting_in_journal(book: Book, pause: Pause, events: Iterable[Event]) -> Waiting | None:
    """The last plan that people ask for, if nobody has approved it and nothing came of it."""
    if pause.status is PauseStatus.CLOSED:
        return None
    for event in reversed([*events]):
        if event.kind in _OVER:
            return None
        if event.kind == "planned" and event.data["direction"] in _ASKED:
            way, digest, ref = (event.data[key] for key in ("direction", "digest", "ref"))
            if way == Direction.RESTORE and not book.pauses.plan(ref).plan.work:
                return None
            return Waiting(str(way), ref, digest, "", approve_command(pause, digest))
    return None


def approve_command(pause: Pause, digest: str) -> str:
    """What another person runs to approve a plan."""
    return f"stopline approve {pause.id} --digest {digest[:12]} --as NAME"
