"""What people said in a pause, and what each signature must be over for it to be that word. Pure.

The statements are made anew from the chain by the very functions that made them when they were
signed. So a signature that was given for another pause, another plan or another word does not pass,
nor one whose fields were written beside it later.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from stopline.approving import (
    BREAKABLE,
    GAPS,
    TELL_OUTSIDE,
    deed_statement,
    review_of,
    statement_of,
)
from stopline.attesting import CONFIRM, DONE, REFUSE
from stopline.journal.attested import ATTESTED, CONFIRMED, DENIED
from stopline.journal.glass import BROKEN, REVIEWED, Broken
from stopline.journal.outbox import LIFTED
from stopline.journal.pauses import Pause, PauseStatus
from stopline.journal.store import Event
from stopline.model import Direction, Scope
from stopline.signing import BREAK_GLASS, UNSIGNED, Statement

APPROVED, ACCEPTED = "approved", "acknowledged"
APPROVALS, STAYS_OPEN, TOLD, LOOKED, BY_HAND = (
    "approvals", "accepted as open", "told outside early", "reviews", "deeds by hand",
)  # fmt: skip
SAID: Mapping[str, str] = {
    APPROVED: APPROVALS,
    ACCEPTED: STAYS_OPEN,
    LIFTED: TOLD,
    REVIEWED: LOOKED,
    ATTESTED: BY_HAND,
    CONFIRMED: BY_HAND,
    DENIED: BY_HAND,
}
"""The events that are a person's word under which something may be signed, and what each is."""


@dataclass(frozen=True, slots=True)
class Word:
    """One person's word. `statement` is what their signature must be over; None where unsigned.

    `wrong` says why the word is not what it passes for, before any key is looked at.
    """

    what: str
    seq: int
    by: str
    signature: str = ""
    statement: Statement | None = None
    wrong: str = ""

    @property
    def alone(self) -> bool:
        """Whether one person gave it alone, by break-glass."""
        return self.statement is not None and self.statement.break_glass


@dataclass(frozen=True, slots=True)
class Told:
    """The events of one pause, as a bundle of a journal has them, by number."""

    journal: str
    pause: str
    events: Mapping[int, Event]

    def of(self, *kinds: str) -> list[Event]:
        """The events of these kinds, in order."""
        return [self.events[seq] for seq in sorted(self.events) if self.events[seq].kind in kinds]

    @property
    def opened(self) -> Pause:
        """The pause as it was opened. Raises ValueError where nothing says so."""
        for event in self.of("opened"):
            data = event.data
            names = [n for n in Pause.__slots__ if n not in ("scope", "status")]
            known = {name: data[name] for name in names}
            # Its scope is in no statement, and may be hidden here.
            return Pause(**known, scope=Scope(), status=PauseStatus(data["status"]))
        raise ValueError("nothing in the chain says that the pause was opened")


def words(journal: str, pause: str, events: Iterable[Event]) -> Iterator[Word]:
    """Yield every word of one pause that could be signed, in the chain's order.

    `events` are the pause's own. Raises ValueError where the pause was never opened in them, and
    KeyError where an event lacks what its kind has.
    """
    told = Told(journal, pause, {event.seq: event for event in events})
    for event in told.of(*SAID):
        yield _word(told, event)


def unfinished(journal: str, pause: str, events: Iterable[Event]) -> int:
    """How often the glass was broken for an approval that then never was."""
    told = Told(journal, pause, {event.seq: event for event in events})
    given = {
        (e.actor, e.data["digest"], e.data["signed"]["request"])
        for e in told.of(APPROVED)
        if (e.data.get("signed") or {}).get(BREAK_GLASS)
    }
    said = {(e.actor, e.data["digest"], e.data["request"]) for e in told.of(BROKEN)}
    return len(said - given)


def _word(told: Told, event: Event) -> Word:
    signature = event.data.get("signature") or UNSIGNED
    kept = event.data.get("signed")
    wanted = _WANTED[event.kind](told, event)
    if signature == UNSIGNED:
        alone = wanted if event.kind == APPROVED else None
        return Word(SAID[event.kind], event.seq, event.actor, "", alone)
    wrong = ""
    if wanted is None or (kept is not None and Statement(**kept).text != wanted.text):
        wrong = "is over something else"
    elif wanted.by == wanted.asked_by and event.kind != ATTESTED and not wanted.break_glass:
        wrong = "is to what they asked for themselves"
    elif wanted.break_glass and wanted.direction not in BREAKABLE:
        wrong = f"is a {wanted.direction}, which nobody approves alone"
    return Word(SAID[event.kind], event.seq, event.actor, signature, wanted, wrong)


def _approved(told: Told, event: Event) -> Statement | None:
    """A yes to a plan; the plan's direction is what the chain says of it.

    Who asked is whoever made the request that it names; a containment's was made with the pause.
    """
    kept, data = event.data.get("signed"), event.data
    plans = [e for e in told.of("planned") if e.data["ref"] == data["ref"] and e.seq < event.seq]
    if not kept or not plans:
        return None
    plan, pause = plans[-1].data, told.opened
    asked = (
        {pause.requester} | {e.actor for e in told.of("contain-again")}
        if plan["direction"] == Direction.CONTAIN
        else {e.actor for e in told.of(*_REQUESTS) if e.data["request"] == kept["request"]}
    )
    if plan["digest"] != data["digest"] or kept["asked_by"] not in asked:
        return None
    return Statement(
        journal=told.journal,
        pause=told.pause,
        vendor=pause.vendor,
        direction=plan["direction"],
        digest=data["digest"],
        request=kept["request"],
        asked_by=kept["asked_by"],
        by=event.actor,
        reason=data["reason"],
        break_glass=bool(kept.get(BREAK_GLASS)),
    )


_REQUESTS = ("rollback", "termination")


def _accepted(told: Told, event: Event) -> Statement:
    digest = event.data.get("digest", "")
    return statement_of(GAPS, told.journal, told.opened, event.actor, event.data["reason"], digest)


def _lifted(told: Told, event: Event) -> Statement:
    return statement_of(TELL_OUTSIDE, told.journal, told.opened, event.actor, event.data["reason"])


def _reviewed(told: Told, event: Event) -> Statement | None:
    one = told.events.get(event.data["of"])
    if one is None or one.kind != BROKEN:
        return None
    said = one.data
    glass = Broken(
        one.seq, told.pause, one.at, one.actor, said["direction"], said["digest"],
        said["reason"], said["review_by"],
    )  # fmt: skip
    return review_of(told.journal, told.opened, glass, event.actor, event.data["reason"])


def _done(told: Told, event: Event) -> Statement:
    return _deed(told, event, DONE, 0, "")


def _answered(told: Told, event: Event) -> Statement | None:
    """Another person's yes or no to a deed. One that was said to another pause is not in this
    pause's bundle: who did it is then what the answer itself says.
    """
    of = event.data["of"]
    one, kept = told.events.get(of), event.data.get("signed") or {}
    if one is not None and (one.kind, one.data["ref"]) != (ATTESTED, event.data["ref"]):
        return None
    doer = one.actor if one else kept.get("asked_by", "")
    return _deed(told, event, CONFIRM if event.kind == CONFIRMED else REFUSE, of, doer)


def _deed(told: Told, event: Event, word: str, of: int, doer: str) -> Statement:
    about, reason = (event.data["ref"], of, doer), event.data["reason"]
    return deed_statement(told.journal, told.opened, word, event.actor, reason, about)


_WANTED: Mapping[str, Callable[[Told, Event], Statement | None]] = {
    APPROVED: _approved,
    ACCEPTED: _accepted,
    LIFTED: _lifted,
    REVIEWED: _reviewed,
    ATTESTED: _done,
    CONFIRMED: _answered,
    DENIED: _answered,
}
"""What a signature under each kind of word must be over; None where the chain speaks against it."""
