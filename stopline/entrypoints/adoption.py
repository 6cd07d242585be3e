"""A pause whose workflow is gone: the state in which a new one goes on, made of the journal.

A pause rests as its last conclusion left it. One that was containing sweeps, unless a person had
stopped it; one that was being
given back is concluded and rests, and its rollback is asked for again; one that waits for the
second person of its playbook waits again.
"""

from collections.abc import Sequence
from dataclasses import replace

from activities.api import Opened, Options, PauseOrder, Summary
from activities.ends import opened_under
from stopline.configuration import Frozen
from stopline.journal.book import Book
from stopline.journal.pauses import DATED, Pause, PauseStatus
from stopline.journal.store import Event
from stopline.signing import BREAK_GLASS
from stopline.text import Json, canonical, load
from workflows.messages import PauseState, Phase, moment

ADOPTED = "adopted"
RUNS = 1000
"""Runs counted for each adoption, so that no shard has the id of one that may still be at work."""

_CONCLUDED = (
    PauseStatus.CONTAINED,
    PauseStatus.PARTIAL,
    PauseStatus.BREACHED,
    PauseStatus.STOPPED,
    PauseStatus.TERMINATED,
)


_PHASES = {
    PauseStatus.RESTORING: Phase.RESTORING,
    PauseStatus.TERMINATING: Phase.TERMINATING,
}


def adopted_state(book: Book, pause: Pause, usual: Options) -> PauseState:
    """Return the state to start the workflow with. `usual` is for what the journal has not got."""
    events = book.pauses.events(pause.id)
    order = _order(book, pause, events, usual)
    adoptions = sum(event.kind == ADOPTED for event in events)
    _, playbook, _ = Frozen.load(book.store.body(pause.frozen)).parse()
    under = opened_under(playbook)
    state = PauseState(
        order=order,
        runs=RUNS * (adoptions + 1),
        approvers=under.approvers,
        approval_seconds=under.approval_seconds,
        audits=under.audits,
        review_seconds=under.review_seconds,
        second_person=under.second_person,
        review_by=moment(book.pauses.review_by(pause.id)),
    )
    if any(event.kind == "review-overdue" for event in events[_last_dated(events) :]):
        state.escalated = state.review_by
    if pause.status is PauseStatus.CONTAINING and not _approved(under, pause, events):
        return state
    state.opened = True
    state.summary = _summary(pause, events)
    stopped = state.summary.result == PauseStatus.STOPPED
    state.phase = _PHASES.get(pause.status, Phase.PAUSED)
    if pause.status is PauseStatus.CONTAINING and stopped:
        state.phase = Phase.CONTAINING
    said = [event.actor for event in events if event.kind == "acknowledged"]
    state.acknowledged_by = said[-1] if said else ""
    if (pause.status is PauseStatus.CONTAINING and not stopped) or _asked_again(events):
        state.queued.append(replace(order, plan=""))
    return state


def _last_dated(events: Sequence[Event]) -> int:
    """Where the date was last set by which the pause must have been reassessed."""
    dated = [n for n, e in enumerate(events) if e.kind in DATED]
    return dated[-1] if dated else 0


def _order(book: Book, pause: Pause, events: Sequence[Event], usual: Options) -> PauseOrder:
    words: Json = next((e.data["words"] for e in events if e.kind == "opened"), {})
    options = words.get("options")
    return PauseOrder(
        pause=pause.id,
        journal=book.id,
        vendor=pause.vendor,
        scope=pause.scope,
        requester=pause.requester,
        reason=pause.reason,
        frozen=pause.frozen,
        plan=pause.plan,
        digest=words.get("digest", ""),
        overrides=words.get("overrides", {}),
        workflow=pause.workflow,
        options=load(Options, canonical(options)) if options else usual,
    )


def _approved(under: Opened, pause: Pause, events: Sequence[Event]) -> bool:
    """Whether the containment may go on: nobody else was wanted, or enough people said yes.

    To the plan that the pause was opened with; who had more contained has not approved by that.
    """
    if not under.second_person:
        return True
    begun = any(event.kind in ("intent", "receipts") for event in events)
    own = {pause.requester, *(e.actor for e in events if e.kind == "contain-again")}
    said = [e for e in events if e.kind == "approved" and e.data["ref"] == pause.plan]
    alone = any((e.data.get("signed") or {}).get(BREAK_GLASS) for e in said)
    return begun or alone or len({e.actor for e in said} - own) >= under.approvers


def _summary(pause: Pause, events: Sequence[Event]) -> Summary:
    """The last conclusion, which the status event holds in numbers; in between, only a stop."""
    if pause.status not in _CONCLUDED:
        return Summary(result=str(PauseStatus.STOPPED) if _stopped(events) else "")
    details = [e.data["detail"] for e in events if e.kind == "status"]
    numbers = details[-1] if details and isinstance(details[-1], dict) else {}
    return replace(load(Summary, canonical(numbers)), result=str(pause.status))


def _stopped(events: Sequence[Event]) -> bool:
    """Whether a stop stands: one that was concluded, or that was said to what was under way.

    Said to a pause that rests it only withdraws a rollback; more contained ends it.
    """
    stopped = under_way = False
    for event in events:
        if event.kind == "contain-again":
            stopped, under_way = False, True
        elif event.kind in ("opened", "status"):
            status = event.data["status"]
            under_way = status == PauseStatus.CONTAINING or status in _PHASES
            stopped = stopped if under_way else status == PauseStatus.STOPPED
        elif event.kind == "stop" and under_way:
            stopped = True
    return stopped


def _asked_again(events: Sequence[Event]) -> bool:
    """Whether a person had more contained, and it was neither stopped nor concluded.

    A conclusion that changes nothing leaves no status behind, but it has read back what is held.
    """
    ends = ("contain-again", "stop", "verified", "status")
    kinds = [event.kind for event in events if event.kind in ends]
    return bool(kinds) and kinds[-1] == "contain-again"
