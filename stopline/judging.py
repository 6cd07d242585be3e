"""`judge`: what is done about one address, from what was read and what the journal knows. Pure."""

from dataclasses import dataclass

from stopline.model import Change, Direction, State
from stopline.port import Observed
from stopline.receipts import Cause, Outcome


@dataclass(frozen=True, slots=True)
class Known:
    """What the journal knows of an address while any hold of ours is on it.

    `written`: a receipt shows that we left `ours`. `intended`: an intent is recorded, and no
    receipt says that it came to nothing. `others`: the other pauses that hold the address.
    `uid` is the immutable id under which it was last contained.
    """

    prior: State | None = None
    ours: State | None = None
    written: bool = False
    intended: bool = False
    others: tuple[str, ...] = ()
    uid: str = ""

    @property
    def ours_to_undo(self) -> bool:
        """Whether something of ours is, or may be, at the address."""
        return self.written or self.intended


NOTHING = Known()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What `judge` says: an outcome, or None for "write it". `held` as in `Receipt`."""

    outcome: Outcome | None
    held: bool
    cause: Cause = Cause.NONE
    detail: str = ""


def judge(change: Change, direction: Direction, observed: Observed, known: Known) -> Verdict:
    """Say what to do about one address. The whole safety argument of a write; pure and total."""
    found = observed.states.get(change.address)
    if direction is Direction.RESTORE and known.others:
        detail = f"still held by {', '.join(known.others)}"
        return Verdict(Outcome.ALREADY, held=False, detail=detail)
    if not observed.exists:
        return _judge_gone(change, direction, found)
    if change.uid and observed.uid and change.uid != observed.uid:
        detail = f"expected {change.uid}, found {observed.uid} under the same name"
        return Verdict(Outcome.CONFLICT, held=False, cause=Cause.RECREATED, detail=detail)
    if direction is Direction.CONTAIN:
        return _judge_contain(change, found, known)
    if direction is Direction.TERMINATE:
        return _judge_terminate(change, observed, known)
    return _judge_restore(change, observed, known)


def _judge_gone(change: Change, direction: Direction, found: State | None = None) -> Verdict:
    """`found` is how it ended, where what it hung on still says so."""
    if direction is Direction.CONTAIN or change.after is None:
        return Verdict(Outcome.ALREADY, held=False, cause=Cause.GONE, detail="it no longer exists")
    how = "was deleted by somebody else" if found is None else "ended while it was held"
    detail = f"it {how} and cannot be given back"
    return Verdict(Outcome.CONFLICT, held=False, cause=Cause.GONE, detail=detail)


def _judge_contain(change: Change, found: State | None, known: Known) -> Verdict:
    if known.uid and change.uid and known.uid != change.uid:
        known = NOTHING  # what we did, we did to somebody else under this name
    if found == change.after:
        if change.marked:
            outcome = Outcome.ALREADY if known.written else Outcome.APPLIED
            return Verdict(outcome, held=True)
        if known.written and known.ours == found:
            return Verdict(Outcome.ALREADY, held=True)
        if known.intended and known.ours == found:
            detail = "a write of ours and its receipt were cut apart; it may have been another's"
            return Verdict(Outcome.UNPROVEN, held=True, detail=detail)
        return Verdict(Outcome.ALREADY, held=False, detail="somebody else had done it before us")
    if found == change.before or (change.marked and found is not None):
        return Verdict(None, held=True)
    detail = "changed by somebody else since it was planned"
    return Verdict(Outcome.CONFLICT, held=known.ours_to_undo, cause=Cause.FOREIGN, detail=detail)


def _judge_restore(change: Change, observed: Observed, known: Known) -> Verdict:
    """Give back what is still as we left it; whoever is half removed for good is not given back."""
    found = observed.states.get(change.address)
    if not known.ours_to_undo:
        return Verdict(Outcome.ALREADY, held=False, detail="not held any more")
    kept = change.before == change.after  # a person chose that what is there stays: no write
    if known.prior != change.after and not kept:
        detail = "what would be given back has changed since this plan; plan the rollback again"
        return Verdict(Outcome.FAILED, held=True, cause=Cause.BUSY, detail=detail)
    if found is None and change.marked and observed.ending:
        detail = "it is being removed for good: go on with that, or take off what still denies it"
        return Verdict(Outcome.FAILED, held=True, cause=Cause.BUSY, detail=detail)
    if found == change.after:
        return Verdict(Outcome.ALREADY, held=False)
    expected = found in (known.ours, change.before)  # what we left, or what a person chose about
    if not kept and (expected or (change.marked and found is not None)):
        return Verdict(None, held=False)
    detail = "changed by somebody else since we contained it"
    return Verdict(Outcome.CONFLICT, held=True, cause=Cause.FOREIGN, detail=detail)


def _judge_terminate(change: Change, observed: Observed, known: Known) -> Verdict:
    """Remove only what a receipt shows that we contained, that is so still, and only ours.

    A removal that was cut off after our overlay went is gone on with. What people let go of is
    given back as it was before us, or not at all.
    """
    found = observed.states.get(change.address)
    if known.others:
        detail = f"still held by {', '.join(known.others)}; not removed"
        return Verdict(Outcome.FAILED, held=True, cause=Cause.HELD, detail=detail)
    if not known.ours_to_undo or (change.after is not None and found == change.after):
        return Verdict(Outcome.ALREADY, held=False, detail="not held any more")
    halfway = found is None and observed.ending
    taken_out = known.written and known.ours is None and change.before is change.after is None
    if found is None and taken_out:
        return Verdict(None, held=False)  # `end` sends nothing; that it stays out is put on record
    if found is None and not halfway:
        return Verdict(Outcome.ALREADY, held=False, cause=Cause.GONE, detail="it no longer exists")
    ours = known.ours == change.before and (halfway or found == known.ours)
    if known.written and ours and change.after in (None, known.prior):
        return Verdict(None, held=False)
    detail = "changed by somebody else since we contained it; not removed"
    return Verdict(Outcome.CONFLICT, held=True, cause=Cause.FOREIGN, detail=detail)
