"""What is said to a pause and what it answers; and the state that it carries for months.

Every field has a default: a pause that was opened by an older release is resumed by a newer one.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from activities.api import Outline, PauseOrder, PlanRef, RestoreOrder, Summary, Tally
from stopline.model import Direction

PAUSE_VENDOR = "PauseVendor"
PLAN_VENDOR = "PlanVendor"
PREFLIGHT = "Preflight"
SHARD = "Shard"

APPROVE = "approve"
CONTAIN = "contain"
ROLLBACK = "rollback"
STOP = "stop"
ACKNOWLEDGE = "acknowledge"
STATUS = "status"


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
    CLOSED = "closed"


@dataclass(frozen=True)
class Approve:
    """A declared person's yes to one plan digest. `unsigned` until signatures come."""

    by: str = ""
    digest: str = ""
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


@dataclass(frozen=True)
class ShardOrder:
    """One connector and realm of one plan."""

    order: PauseOrder = field(default_factory=PauseOrder)
    plan: str = ""
    direction: Direction = Direction.CONTAIN
    outline: Outline = field(default_factory=Outline)
