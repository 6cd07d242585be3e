"""What is said to a pause and what it answers; and the state that it carries for months.

Every field has a default: a pause that was opened by an older release is resumed by a newer one.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from activities.api import (
    Audited,
    AuditTerms,
    Outline,
    PauseOrder,
    PlanRef,
    RestoreOrder,
    Summary,
    Tally,
)
from stopline.model import Direction

PAUSE_VENDOR = "PauseVendor"
PLAN_VENDOR = "PlanVendor"
PREFLIGHT = "Preflight"
SHARD = "Shard"
TELL = "Tell"

APPROVE = "approve"
REJECT = "reject"
CONTAIN = "contain"
ROLLBACK = "rollback"
TERMINATE = "terminate"
STOP = "stop"
ACKNOWLEDGE = "acknowledge"
AUDIT = "audit"
REASSESS = "reassess"
ATTEST = "attest"
STATUS = "status"


def utc(seconds: float) -> str:
    """Return a moment, in seconds since 1970, as ISO 8601 in whole seconds of UTC."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: str) -> float:
    """Seconds since 1970 of a UTC time in ISO 8601; 0 for no time. Raises ValueError."""
    return datetime.fromisoformat(text).timestamp() if text else 0.0


class Phase(StrEnum):
    """Where the workflow of a pause is."""

    OPENING = "opening"
    AWAITING_APPROVAL = "awaiting-approval"
    CONTAINING = "containing"
    SWEEPING = "sweeping"
    VERIFYING = "verifying"
    PAUSED = "paused"
    PLANNING_ROLLBACK = "planning-rollback"
    RESTORING = "restoring"
    PLANNING_TERMINATION = "planning-termination"
    TERMINATING = "terminating"
    CLOSED = "closed"


@dataclass(frozen=True)
class Approve:
    """A person's yes to one plan digest. `signature` is OpenSSH's, over what is approved.

    With `break_glass` it counts as all that are needed; never for a termination.
    """

    by: str = ""
    digest: str = ""
    reason: str = ""
    signature: str = ""
    break_glass: bool = False


@dataclass(frozen=True)
class Reject:
    """A person's no to the plan that waits: nothing of it is carried out."""

    by: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Stop:
    """Finish the batches in flight, then stay as you are."""

    by: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Status:
    """The answer to the query `status`. `done` of `total` changes of the running plan."""

    order: PauseOrder = field(default_factory=PauseOrder)
    phase: Phase = Phase.OPENING
    sweep: int = 0
    total: int = 0
    done: int = 0
    tally: Tally = field(default_factory=Tally)
    summary: Summary = field(default_factory=Summary)
    pending: PlanRef | None = None
    asked_by: str = ""
    stopping: bool = False
    stale: bool = False
    acknowledged_by: str = ""
    request: str = ""
    approved_by: tuple[str, ...] = ()
    approvers: int = 1
    audited: Audited = field(default_factory=Audited)
    audit_due: bool = False
    next_audit: float = 0.0
    review_by: float = 0.0
    direction: Direction | None = None
    """Which way what waits goes; None from a worker of an older release."""
    interrupted: str = ""
    """Why what was last begun could not go on; it is tried again by and by."""
    by_hand: bool = False
    """Whether a rollback waits for what people do by hand."""


@dataclass(frozen=True)
class Audit:
    """A person's wish to have a pause audited now."""

    by: str = ""


KEEP, BACK, END = "keep", "rollback", "terminate"
"""The decisions of a reassessment that a pause can carry out."""


@dataclass(frozen=True)
class Reassess:
    """A dated decision about a pause. `review_by` is UTC, ISO 8601; empty: as the playbook says.

    `restore` is what a rollback or a termination asks for, and only for these decisions.
    """

    by: str = ""
    decision: str = ""
    reason: str = ""
    review_by: str = ""
    restore: RestoreOrder = field(default_factory=RestoreOrder)


@dataclass(frozen=True)
class Due:
    """What happens when nobody says anything for `seconds`; `summary` says it in Temporal's UI."""

    what: str = ""
    seconds: float = 0.0
    summary: str = ""


@dataclass
class PauseState:
    """All that a pause carries over continue-as-new."""

    order: PauseOrder = field(default_factory=PauseOrder)
    schema: int = 1
    opened: bool = False
    phase: Phase = Phase.OPENING
    queued: list[PauseOrder] = field(default_factory=list)
    restore: RestoreOrder | None = None
    pending: PlanRef | None = None
    approved: Approve | None = None
    stale: bool = False
    summary: Summary = field(default_factory=Summary)
    acknowledged_by: str = ""
    runs: int = 0
    yeses: list[Approve] = field(default_factory=list)
    approvers: int = 1
    approval_seconds: float = 0.0
    waits_until: float = 0.0
    audits: AuditTerms = field(default_factory=AuditTerms)
    audited: Audited = field(default_factory=Audited)
    audit_by: str = ""
    next_audit: float = 0.0
    review_seconds: float = 0.0
    review_by: float = 0.0
    escalated: float = 0.0
    second_person: bool = False
    """Whether nothing is contained on one person's word alone."""
    interrupted: str = ""
    """Why what was last begun could not go on; empty once something did."""
    begun: bool = False
    """Whether the rollback that was approved has begun, and waited for people's hands."""
    by_hand: bool = False
    """Whether it waits for them now."""
    attested: int = 0
    """How often people have said something of what they did by hand."""

    def due(self, now: float) -> Due | None:
        """What comes next while the pause rests, if nobody says anything."""
        dues = []
        if self.by_hand:
            again = self.order.options.sweep_again_seconds
            dues.append(Due("by-hand", again, "until people have given back by hand"))
        elif self.pending is not None:
            left = max(0.0, self.waits_until - now)
            dues.append(Due("expire", left, "how long the plan waits for its approval"))
        elif self.summary.result == "partial":
            again = self.order.options.sweep_again_seconds
            dues.append(Due("sweep", again, "sweep again: the pause is partial"))
        if self.next_audit:
            dues.append(Due("audit", max(0.0, self.next_audit - now), "until the next audit"))
        if self.review_by > self.escalated:
            left = max(0.0, self.review_by - now)
            dues.append(Due("review", left, "until the pause must have been reassessed"))
        return min(dues, key=lambda due: due.seconds, default=None)

    @property
    def may_contain_again(self) -> bool:
        """Whether an audit may contain: never against a person's stop, or a rollback."""
        resting = self.restore is None and self.pending is None and not self.queued
        return self.audits.contains and resting and self.summary.result != "stopped"

    @property
    def asked_by(self) -> str:
        """Who asked for what waits now."""
        return self.restore.by if self.restore else self.order.requester

    @property
    def request(self) -> str:
        """What tells this request from an earlier one for the same plan."""
        return self.restore.request if self.restore else ""

    @property
    def direction(self) -> Direction:
        """Which way the plan goes that waits now."""
        return self.restore.direction if self.restore else Direction.CONTAIN

    @property
    def people(self) -> tuple[object, ...]:
        """All that people change while the pause rests."""
        asked = (self.restore, self.pending, self.approved, len(self.yeses))
        hands = (self.by_hand, self.attested)
        told = (*asked, self.summary.result, self.audit_by, self.review_by)
        return (len(self.queued), *told, *hands)

    def waiting(self, plan: PlanRef, now: float, *, stale: bool = False) -> None:
        """A plan waits for people from now on; what was said to another one does not count."""
        self.pending, self.approved, self.stale = plan, None, stale
        self.yeses.clear()
        self.waits_until = now + (self.approval_seconds or self.order.options.approval_seconds)

    def withdraw(self) -> None:
        """Nothing waits for people any more."""
        self.restore, self.pending, self.approved, self.stale = None, None, None, False
        self.begun, self.by_hand = False, False
        self.yeses.clear()

    def objection(self, yes: Approve) -> str:
        """Why a yes does not count; nothing when it does."""
        if self.pending is None or self.approved is not None:
            return "Nothing is waiting for an approval."
        if whose := self._not_theirs(yes):
            return whose
        if yes.digest != self.pending.digest:
            waits = self.pending.digest[:12]
            return f"The plan that waits is {waits}, not {yes.digest[:12]}: read it again."
        return ""

    def _not_theirs(self, yes: Approve) -> str:
        """Why this person's yes does not count; who breaks the glass may have asked for it."""
        if yes.break_glass and yes.by:
            ends = self.direction is Direction.TERMINATE
            return "Nobody approves a termination alone; nothing was approved." if ends else ""
        if not yes.by or yes.by == self.asked_by:
            return f"{yes.by or 'Nobody'} asked for it; the approval must be another person's."
        if any(yes.by == other.by for other in self.yeses):
            return f"{yes.by} has approved it already; {self.approvers} people must."
        return ""

    def say_yes(self, approval: Approve) -> None:
        """Count one more yes; the last that is wanted lets it be carried out."""
        self.yeses.append(approval)
        if approval.break_glass or len(self.yeses) >= self.approvers:
            self.approved = approval

    @property
    def details(self) -> str:
        """The text that Temporal's own UI shows on top."""
        order, s = self.order, self.summary
        return (
            f"**{order.vendor}** ({order.scope.key}), pause `{order.pause}`: **{self.phase}**  \n"
            f"asked for by {order.requester}; {s.result or 'no result yet'}, held {s.held}, "
            f"failed {s.failed}, conflicts {s.conflicts}, left open {s.open_skips}, gaps {s.gaps}"
        )


@dataclass(frozen=True)
class ShardOrder:
    """One connector and realm of one plan."""

    order: PauseOrder = field(default_factory=PauseOrder)
    plan: str = ""
    direction: Direction = Direction.CONTAIN
    outline: Outline = field(default_factory=Outline)
