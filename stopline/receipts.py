"""The nouns of what happened: what became of a change, why, and what is held. Pure data."""

from dataclasses import dataclass
from enum import StrEnum

from stopline.model import Address, Change, Direction, State


class Outcome(StrEnum):
    """What became of one change."""

    APPLIED = "applied"
    """We wrote it, or a proof shows that an earlier attempt of ours did."""
    ALREADY = "already"
    """It was so before we came, or there is nothing left to do."""
    UNPROVEN = "unproven"
    """It is so, we meant to write it, and nothing shows whether we did. A person decides."""
    CONFLICT = "conflict"
    """Found neither `before` nor `after`, or somebody else under the same name. Not written."""
    FAILED = "failed"
    """Not written, or not known to be; `cause` says why."""
    UNVERIFIED = "unverified"
    """Written, but a later read does not show it."""


class Cause(StrEnum):
    """Why a change failed. Typed, since what happens next hangs on it."""

    NONE = ""
    DENIED = "denied"
    """The provider refuses us. Fault: the permissions of our role in that realm."""
    THROTTLED = "throttled"
    """Still slowed down after the longest patience."""
    QUOTA = "quota"
    """A limit of the provider is full: the planner must take another lever."""
    REFUSED = "refused"
    """The provider calls the document invalid (it names a deleted principal, say)."""
    UNREACHABLE = "unreachable"
    """No answer, or an answer that leaves open whether the write happened."""
    HELD = "held"
    """Another pause holds it too, so it is not removed."""
    GONE = "gone"
    """The document's owner is not there any more."""
    RECREATED = "recreated"
    """Another principal stands there under the same name."""
    BUSY = "busy"
    """Another attempt is at work on the document; asked again later."""
    FOREIGN = "foreign"
    """Changed by somebody else: the three columns are in the receipt."""
    WAITING = "waiting"
    """A person must do it by hand in a system that we cannot reach, and attest it."""
    CREDENTIALS = "credentials"
    """Our own credentials are missing or expired."""
    BUG = "bug"
    """The connector raised what it must not raise."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The record of one write: what was asked, what was found, what became of it.

    `held` says whether the pause has a hold on the address now. `found` is the state before the
    write, or the state that conflicts.
    """

    change: Change
    direction: Direction
    outcome: Outcome
    found: State | None = None
    cause: Cause = Cause.NONE
    detail: str = ""
    held: bool = False


@dataclass(frozen=True, slots=True, order=True)
class Hold:
    """One pause's claim on one address, with what the journal knows of the address.

    `prior` is the latest recorded state that we did not write, `ours` what we left. `written`
    says that a receipt shows it; `unproven` marks a toggle of which nothing shows that we did.
    """

    address: Address
    pause: str
    prior: State | None
    ours: State | None
    change: Change
    written: bool = False
    unproven: bool = False
