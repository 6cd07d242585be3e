"""How a run ends: what was verified, what is left and why. Reads; the status is all it writes."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from activities import api
from activities.auditing import looks, observed
from activities.breaching import audits_of, breaches_of, note_climbs
from activities.byhand import say_late
from activities.facts import concluding
from activities.outside import tell_what_was_missed, when_ended
from activities.telling import NOBODY, Teller
from stopline.climbing import look_again
from stopline.journal.book import Book
from stopline.journal.outbox import Draft
from stopline.journal.pauses import TERMINATED, PauseStatus, Planned
from stopline.model import Address, Direction
from stopline.money import let_go, target_of
from stopline.planner import DriftKind, Look, drift
from stopline.playbook import Playbook
from stopline.port import Connector, Proving
from stopline.receipts import Cause, Hold, Outcome
from stopline.terminating import Removed
from stopline.text import Json
from stopline.vendors import Vendor

DONE = (Outcome.APPLIED, Outcome.ALREADY, Outcome.UNPROVEN)


READS = 3
"""How often is read again, by and by, what is not seen as we left it."""
Sleep = Callable[[float], None]


def verified(
    book: Book,
    connectors: Mapping[str, Connector],
    vendor: Vendor,
    pause: str,
    sleep: Sleep = time.sleep,
) -> api.Tally:
    """Read back every document that the pause holds something in, and what it removed for good;
    journal what differs.

    Where the connector can, it also evaluates whether anybody gets past what stands there. What
    fails is read again after the connector's propagation, before it is said.
    """
    holds, removed = book.writes.holds(pause), _to_stay_removed(book, pause)
    why = _unproven(connectors, vendor, holds, removed)
    for _ in range(READS - 1):
        if not why:
            break
        names = {address.connector for address in why} & connectors.keys()
        sleep(max((connectors[name].propagation for name in names), default=0.0))
        why = _unproven(connectors, vendor, holds, removed)
    number = len(holds) + len(removed) - len(why)
    outcomes = Counter({"verified": number, "unverified": len(why)})
    data = {
        "verified": outcomes["verified"],
        "unverified": [str(address) for address in sorted(why)],
        "why": {str(address): said for address, said in sorted(why.items()) if said},
    }
    book.pauses.note(pause, "verified", data)
    return api.Tally(dict(outcomes))


def _unproven(
    connectors: Mapping[str, Connector],
    vendor: Vendor,
    holds: Sequence[Hold],
    removed: Sequence[Removed],
) -> dict[Address, str]:
    """What does not stand as we left it, or does not do what it is for, and why where it is known.

    Where nothing stands any more, nothing is open.
    """
    found = observed(connectors, (*holds, *removed))
    seen = looks(found, (*holds, *removed))
    why = {one.address: "" for one in drift(holds, seen) if one.kind is not DriftKind.GONE}
    why |= {one.address: "" for one in removed if not _is_absent(seen.get(one.address))}
    for name, connector in sorted(connectors.items()):
        if isinstance(connector, Proving):
            # As we left it last: an overlay that was written again no longer is its first change.
            held = [replace(h.change, after=h.ours) for h in holds if h.address.connector == name]
            why |= {one.address: one.why for one in connector.unproved(vendor, held, found)}
    return why


def _to_stay_removed(book: Book, pause: str) -> tuple[Removed, ...]:
    """What must not be there again. What is owed and was released may be in a new pay run."""
    held = {hold.address for hold in book.writes.holds(pause)}
    freed = let_go(book.pauses.released(pause), held)
    return tuple(one for one in book.pauses.removed(pause) if target_of(one.address) not in freed)


def _is_absent(look: Look | None) -> bool:
    return look is not None and look.read and (not look.exists or look.state is None)


def opened_under(playbook: Playbook) -> api.Opened:
    """What a pause is opened with: whose word is wanted, and how it is audited."""
    wanted, audits = playbook.approvals, playbook.audits
    return api.Opened(
        second_person=wanted.contain == "second-person",
        approvers=wanted.people,
        approval_seconds=wanted.hours * 3600,
        audits=api.AuditTerms(
            audits.hours * 3600, audits.jitter_minutes * 60, audits.act == "contain"
        ),
        review_seconds=playbook.review_days * 86_400,
    )


def conclusion(book: Book, asked: api.Conclusion, teller: Teller = NOBODY) -> api.Summary:
    """Count what is held, what is left and why; move the pause's status to what that means.

    Where that is another status than before, stakeholders are told, in the same transaction.
    """
    pause = asked.order.pause
    holds = book.writes.holds(pause)
    planned = _last_containment(book, asked)
    note_climbs(book, pause, holds)
    summary = _counted(book, asked, planned, holds)
    if asked.by_hand:
        say_late(book, book.pauses.get(pause), teller)
        summary = replace(summary, result="partial")
        return replace(summary, notices=len(book.outbox.due(pause)))
    if asked.direction is Direction.TERMINATE:
        summary = _terminated(book, asked, summary)
    open_ = set(_open(planned)) - _accepted(book, pause)
    result = _result(summary, asked, known=not open_, ended=book.pauses.is_terminated(pause))
    summary = replace(summary, result=result)
    status = _status(result, is_held=bool(holds))
    detail = {name: getattr(summary, name) for name in _NUMBERS} | {"why": summary.why}
    was = book.pauses.get(pause)
    # Where something was removed for good, nobody is told that all was given back.
    told = "terminated" if result == "restored" and book.pauses.removed(pause) else result
    drafts: tuple[Draft, ...] = ()
    if was.status is not status:
        theirs = when_ended(book, was, status, told)
        drafts = teller.drafts(concluding(book, asked.order, replace(summary, result=told), theirs))
    book.pauses.mark(pause, status, detail, event=told, drafts=drafts)
    tell_what_was_missed(book, asked.order, teller)
    if status in (PauseStatus.PARTIAL, PauseStatus.CONTAINED, PauseStatus.BREACHED):
        say_late(book, book.pauses.get(pause), teller)
    return replace(summary, notices=len(book.outbox.due(pause)))


def _counted(
    book: Book, asked: api.Conclusion, planned: Planned | None, holds: tuple[Hold, ...]
) -> api.Summary:
    """The numbers of a summary, before anybody says what they mean."""
    pause = asked.order.pause
    latest, audits = book.pauses.latest(pause), audits_of(book, pause)
    breaches = breaches_of(book, pause, audits)
    return api.Summary(
        held=len(holds),
        failed=len(_left(planned, latest, Outcome.FAILED)),
        conflicts=_conflicts(planned, latest, asked.direction),
        unproven=sum(hold.unproven for hold in holds),
        unverified=_unverified(book, pause, holds),
        open_skips=sum(skip.leaves_access for skip in planned.plan.skips) if planned else 0,
        gaps=len(planned.plan.gaps) if planned else 0,
        why=asked.blocked,
        breached=len(breaches),
        again_seconds=look_again(breaches, audits),
        by_hand=_by_hand(planned, latest, back=asked.by_hand),
    )


def _status(result: str, *, is_held: bool) -> PauseStatus:
    """Where a pause stands after a result."""
    return {
        "restored": PauseStatus.CLOSED,
        "terminated": PauseStatus.TERMINATED if is_held else PauseStatus.CLOSED,
        "stopped": PauseStatus.STOPPED,
        "contained": PauseStatus.CONTAINED,
        "breached": PauseStatus.BREACHED,
    }.get(result, PauseStatus.PARTIAL)


def _terminated(book: Book, asked: api.Conclusion, summary: api.Summary) -> api.Summary:
    """Say in the chain that all effects were carried out; else say in the summary what was not."""
    pause = asked.order.pause
    if not asked.plan:
        return replace(summary, why="the termination was cut off; ask for it again")
    if undone := len(book.pauses.plan(asked.plan).plan.work):
        why = f"{undone} could not be removed for good, and stay contained"
        return replace(summary, why=summary.why or why)
    whole = _is_whole(book, pause, asked.plan)  # a part leaves the pause what it was
    if whole and not asked.stopped and not book.pauses.is_terminated(pause):
        book.pauses.note(pause, TERMINATED, {"plan": asked.plan, "remains": summary.held})
    return summary


def _is_whole(book: Book, pause: str, plan: str) -> bool:
    """Whether a termination was asked of all that is held, and not of a part of it."""
    scope = book.pauses.plan(plan).plan.scope
    return all(scope.admits(h.address, h.change.principal) for h in book.writes.holds(pause))


_NUMBERS = (
    "held", "failed", "conflicts", "unproven", "unverified", "open_skips", "gaps", "breached",
    "again_seconds", "by_hand",
)  # fmt: skip


def _last_containment(book: Book, asked: api.Conclusion) -> Planned | None:
    """The plan that says what was still to be done when containment ended."""
    if asked.plan and asked.direction is Direction.CONTAIN:
        return book.pauses.plan(asked.plan)
    for event in reversed(book.store.events(asked.order.pause, "planned")):
        if event.data["direction"] == Direction.CONTAIN:
            return book.pauses.plan(event.data["ref"])
    return None


def _left(
    planned: Planned | None, latest: Mapping[Address, Json], *outcomes: Outcome
) -> list[Address]:
    """What the last plan wanted and has not got; `outcomes` narrows it to those ends."""
    work = planned.plan.work if planned else ()
    ends = {c.address: latest.get(c.address, {}).get("outcome", "") for c in work}
    if outcomes:
        waits = {a for a in ends if latest.get(a, {}).get("cause") == Cause.WAITING}
        return [a for a, end in ends.items() if (end in outcomes or not end) and a not in waits]
    return [a for a, end in ends.items() if end not in DONE]


def _by_hand(planned: Planned | None, latest: Mapping[Address, Json], *, back: bool) -> int:
    """How much waits for a person's hand: of the last plan, or of what is to be given back."""
    wanted = {c.address for c in planned.plan.work} if planned else set()
    waits = {a for a, receipt in latest.items() if receipt["cause"] == Cause.WAITING}
    return len(waits if back else waits & wanted)


def _conflicts(
    planned: Planned | None, latest: Mapping[Address, Json], direction: Direction
) -> int:
    if direction is Direction.CONTAIN:
        work = planned.plan.work if planned else ()
        return sum(latest.get(c.address, {}).get("outcome") == Outcome.CONFLICT for c in work)
    return sum(
        r["outcome"] == Outcome.CONFLICT and r["direction"] == direction for r in latest.values()
    )


def _unverified(book: Book, pause: str, holds: tuple[Hold, ...]) -> int:
    events = book.store.events(pause, "verified")
    held = {str(hold.address) for hold in holds}
    held |= {str(one.address) for one in book.pauses.removed(pause)}
    return sum(a in held for a in events[-1].data["unverified"]) if events else 0


def _open(planned: Planned | None) -> Iterator[tuple[str, str, str]]:
    """What a containment plan leaves open: the skips that leave access, and the gaps."""
    if planned is None:
        return
    for skip in planned.plan.skips:
        if skip.leaves_access:
            yield "skip", str(skip.address), skip.principal
    for gap in planned.plan.gaps:
        yield f"gap {gap.connector}", gap.realm, gap.what


def _accepted(book: Book, pause: str) -> set[tuple[str, str, str]]:
    """What people accepted as open, by the plans that said it to them; nothing found later.

    A word without a digest is about the plan that was the latest then.
    """
    made = [e for e in book.store.events(pause, "planned")
            if e.data["direction"] == Direction.CONTAIN]  # fmt: skip
    accepted: set[tuple[str, str, str]] = set()
    for said in book.store.events(pause, "acknowledged"):
        before = [e for e in made if e.seq < said.seq]
        digest = said.data.get("digest") or (before[-1].data["digest"] if before else "")
        for event in [e for e in before if e.data["digest"] == digest][-1:]:
            accepted |= set(_open(book.pauses.plan(event.data["ref"])))
    return accepted


def _result(summary: api.Summary, asked: api.Conclusion, *, known: bool, ended: bool) -> str:
    if asked.direction is Direction.RESTORE and not summary.held:
        return "restored"
    if asked.stopped:
        return "stopped"
    if summary.breached:
        return "breached"
    undone = summary.failed or summary.by_hand or summary.conflicts
    whole = not (undone or summary.unverified or summary.why)
    contained = "terminated" if ended else "contained"
    return contained if whole and known else "partial"
