"""The activities' names, inputs and outputs. All that a workflow may import of them.

It is written into Temporal's history, which many read: references, digests, counts and bounds, no
plan, document or secret. Every field has a default: a newer release reads an older's pause.
"""

from dataclasses import dataclass, field

from stopline.choosing import Chosen
from stopline.model import Direction, Scope
from stopline.settling import Decided

ASSESS = "stopline.assess.v1"
OPEN = "stopline.open.v1"
OUTLINE = "stopline.outline.v1"
APPLY = "stopline.apply.v1"
SWEEP = "stopline.sweep.v1"
VERIFY = "stopline.verify.v1"
CONCLUDE = "stopline.conclude.v1"
PLAN_RESTORE = "stopline.plan-restore.v1"
RECORD = "stopline.record.v1"
PREFLIGHT = "stopline.preflight.v1"
MAKE_CANARY = "stopline.make-canary.v1"
REMOVE_CANARY = "stopline.remove-canary.v1"
VOUCH = "stopline.vouch.v1"
AUDIT = "stopline.audit.v1"
SHEET = "stopline.sheet.v1"
NOTICES_DUE = "stopline.notices-due.v1"
DELIVER = "stopline.deliver.v1"
GIVE_UP = "stopline.give-up.v1"
TRY_CHANNELS = "stopline.try-channels.v1"
HEAR = "stopline.hear.v1"
ESCALATE = "stopline.escalate.v1"
ATTEST = "stopline.attest.v1"
PATIENCE_SECONDS = 86_400.0
"""A notice that could not be sent for so long has failed."""

RETRIABLE = ("busy", "throttled", "unreachable")
"""Causes that are asked again at once by the shard; the rest is left to the next sweep."""


def task_queue(journal: str) -> str:
    """The queue of one journal's workers: two journals never serve each other's pauses."""
    return f"stopline/{journal}"


def read_queue(journal: str) -> str:
    """The queue of what only reads: nothing that writes to a system is registered on it."""
    return f"{task_queue(journal)}/read"


@dataclass(frozen=True)
class Options:
    """How work is cut, frozen when a pause starts, so that an upgrade does not change it."""

    batch: int = 25
    window: int = 4
    shards: int = 16
    most_passes: int = 12
    sweep_again_seconds: float = 300.0
    approval_seconds: float = 86_400.0


@dataclass(frozen=True)
class PauseOrder:
    """One pause, as a person asked for it. `frozen` is the ref of the frozen configuration."""

    pause: str = ""
    journal: str = ""
    vendor: str = ""
    scope: Scope = field(default_factory=Scope)
    requester: str = ""
    reason: str = ""
    frozen: str = ""
    plan: str = ""
    digest: str = ""
    overrides: dict[str, str] = field(default_factory=dict)
    workflow: str = ""
    options: Options = field(default_factory=Options)


@dataclass(frozen=True)
class PlanRef:
    """A plan in the journal. `refused` and `limits` name the guards that spoke.

    `work` counts changes and claims. `open_skips` leave access; `blocked` says why a sweep's plan
    must not run without a person's word.
    """

    ref: str = ""
    digest: str = ""
    work: int = 0
    changes: int = 0
    open_skips: int = 0
    gaps: int = 0
    refused: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    blocked: str = ""


@dataclass(frozen=True)
class AuditTerms:
    """How often a pause is audited, in seconds (0: never), and whether an audit contains again."""

    every: float = 0.0
    jitter: float = 0.0
    contains: bool = False


@dataclass(frozen=True)
class Opened:
    """What became of opening a pause: open, or refused with the reason.

    `approvers` is how many people besides the requester must say yes, where any must;
    `approval_seconds` how long a request waits for them (0: the option's default);
    `review_seconds` after how long a pause must be reassessed (0: never). `notices` is how many
    are due.
    """

    refused: str = ""
    second_person: bool = False
    approvers: int = 1
    approval_seconds: float = 0.0
    audits: AuditTerms = field(default_factory=AuditTerms)
    notices: int = 0
    review_seconds: float = 0.0


@dataclass(frozen=True)
class AuditOrder:
    """Input of `AUDIT`. `by` is who asked, `contains` whether what is found is contained again."""

    order: PauseOrder = field(default_factory=PauseOrder)
    by: str = ""
    contains: bool = False


@dataclass(frozen=True)
class Audited:
    """What an audit found, in numbers; the journal has the lists.

    `drifted` counts what we hold and is not as we left it, `fresh` access that is new and within
    what was approved, `beyond` what is new and waits for a person, `unread` what could not be read.
    `again` is how often the most often removed of it was removed before; `notices` how many are
    due. `breached` counts what somebody removes at will, `climbs` the levers that are wanted above.
    """

    number: int = 0
    at: str = ""
    by: str = ""
    held: int = 0
    drifted: int = 0
    fresh: int = 0
    beyond: int = 0
    unread: int = 0
    gaps: int = 0
    again: int = 0
    contains: bool = False
    notices: int = 0
    breached: int = 0
    climbs: int = 0

    @property
    def clean(self) -> bool:
        """Whether it found everything as we left it, and nothing new."""
        return not (self.drifted or self.fresh or self.beyond or self.unread or self.gaps)

    @property
    def to_contain(self) -> bool:
        """Whether there is something that a sweep would take away again."""
        return self.contains and bool(self.drifted or self.fresh or self.climbs)


@dataclass(frozen=True)
class Recording:
    """Something to be written into the chain: a stop, a request, a reassessment.

    `more` are the words that only this kind has.
    """

    order: PauseOrder = field(default_factory=PauseOrder)
    kind: str = ""
    by: str = ""
    reason: str = ""
    plan: str = ""
    digest: str = ""
    status: str = ""
    more: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Vouching:
    """Input of `VOUCH`: a person's yes to one plan, with the signature that proves the person.

    `request` tells two requests for the same plan apart, so that a yes is good for one of them.
    """

    order: PauseOrder = field(default_factory=PauseOrder)
    by: str = ""
    reason: str = ""
    plan: str = ""
    digest: str = ""
    direction: Direction = Direction.CONTAIN
    request: str = ""
    asked_by: str = ""
    signature: str = ""
    break_glass: bool = False


@dataclass(frozen=True)
class Outline:
    """One shard's work: bounds into the plan's work, stage by stage.

    Batches of one stage may run side by side; a stage begins when the one before it is done. So
    do the shards of one wave, and a wave begins when the one before it is done.
    """

    connector: str = ""
    realm: str = ""
    stages: tuple[tuple[tuple[int, int], ...], ...] = ()
    size: int = 0
    wave: int = 0


@dataclass(frozen=True)
class OutlineOrder:
    """Input of `OUTLINE`: which plan of which pause is cut."""

    order: PauseOrder = field(default_factory=PauseOrder)
    plan: str = ""


@dataclass(frozen=True)
class Outlines:
    """A plan cut into shards, sorted; and how many seconds a write takes to be seen everywhere."""

    shards: tuple[Outline, ...] = ()
    propagation: float = 0.0


@dataclass(frozen=True)
class BatchOrder:
    """The slice `[start, stop)` of a plan's work, inside one connector and realm."""

    order: PauseOrder = field(default_factory=PauseOrder)
    plan: str = ""
    direction: Direction = Direction.CONTAIN
    connector: str = ""
    realm: str = ""
    start: int = 0
    stop: int = 0


@dataclass(frozen=True)
class Tally:
    """How many changes ended how: by outcome, and failures by cause."""

    outcomes: dict[str, int] = field(default_factory=dict)
    causes: dict[str, int] = field(default_factory=dict)
    unasked: int = 0

    def plus(self, other: "Tally") -> "Tally":
        """Add two tallies."""
        return Tally(
            _plus(self.outcomes, other.outcomes),
            _plus(self.causes, other.causes),
            self.unasked + other.unasked,
        )

    @property
    def again(self) -> int:
        """How many are worth asking again at once."""
        return self.unasked + sum(self.causes.get(c, 0) for c in RETRIABLE)

    @property
    def applied(self) -> int:
        """How many writes landed."""
        return self.outcomes.get("applied", 0)


def _plus(a: dict[str, int], b: dict[str, int]) -> dict[str, int]:
    return {key: a.get(key, 0) + b.get(key, 0) for key in sorted({*a, *b})}


@dataclass(frozen=True)
class RestoreOrder:
    """A person's request to roll a pause back, or to terminate it, as `direction` says. `choices`
    are for conflicts of a rollback, `decided` for money that a termination finds held.
    """

    by: str = ""
    reason: str = ""
    scope: Scope = field(default_factory=Scope)
    unproven: bool = False
    request: str = ""
    direction: Direction = Direction.RESTORE
    choices: tuple[Chosen, ...] = ()
    decided: tuple[Decided, ...] = ()


@dataclass(frozen=True)
class RestorePlan:
    """Input of `PLAN_RESTORE`."""

    order: PauseOrder = field(default_factory=PauseOrder)
    restore: RestoreOrder = field(default_factory=RestoreOrder)


@dataclass(frozen=True)
class Conclusion:
    """Input of `CONCLUDE`: which end was reached (`by_hand`: none, a rollback waits for people),
    and the last plan that says what is left.
    """

    order: PauseOrder = field(default_factory=PauseOrder)
    direction: Direction = Direction.CONTAIN
    plan: str = ""
    stopped: bool = False
    blocked: str = ""
    by_hand: bool = False


@dataclass(frozen=True)
class SheetOrder:
    """Input of `SHEET`: whose recovery sheet; `plan` is about to be carried out, if any."""

    order: PauseOrder = field(default_factory=PauseOrder)
    plan: str = ""


@dataclass(frozen=True)
class Summary:
    """Where a pause stands, in numbers. Lists are in the journal.

    `result` is `contained`, `partial`, `breached`, `stopped`, `restored`, `terminated` or
    `refused`. `notices` is how many are due. `breached` counts what somebody removes at will;
    then it is audited after `again_seconds`, and not as usual (0). `by_hand` waits for people.
    """

    result: str = ""
    held: int = 0
    failed: int = 0
    conflicts: int = 0
    unproven: int = 0
    unverified: int = 0
    open_skips: int = 0
    gaps: int = 0
    why: str = ""
    notices: int = 0
    breached: int = 0
    again_seconds: float = 0.0
    by_hand: int = 0


@dataclass(frozen=True)
class TellOrder:
    """Whose notices are sent, over which channel (empty: all); `test_by` wants a test instead.

    With `word` (`ack`, `tell-outside`, ...) it carries what `by` says, for `reason`: about one
    notice (empty: all), proven by OpenSSH's `signature`, or by a `proof` that one has its token.
    `seq` and `level` say which event is escalated to whom; `seq` alone, which break-glass approval.
    """

    pause: str = ""
    journal: str = ""
    channel: str = ""
    test_by: str = ""
    word: str = ""
    by: str = ""
    reason: str = ""
    notice: str = ""
    proof: str = ""
    signature: str = ""
    seq: int = 0
    level: int = 0


@dataclass(frozen=True)
class Due:
    """The channels over which something is to be sent, sorted.

    Where `levels` is not 0, nobody has acknowledged the event `seq`: after `seconds` the next level
    is told of it.
    """

    channels: tuple[str, ...] = ()
    seq: int = 0
    seconds: float = 0.0
    levels: int = 0


@dataclass(frozen=True)
class Tried:
    """What became of a test over one channel; `why` is empty when it was taken."""

    channel: str = ""
    kind: str = ""
    recipient: str = ""
    ok: bool = False
    why: str = ""


@dataclass(frozen=True)
class Told:
    """What became of a test; `configured` is False where the lab has no notices.

    `heard` is how many events nobody had acknowledged before, `again` how many notices that had
    failed are sent again.
    """

    tried: tuple[Tried, ...] = ()
    configured: bool = True
    heard: int = 0
    again: int = 0


@dataclass(frozen=True)
class CheckOrder:
    """Input of `PREFLIGHT` and of what makes and removes a canary, named by `activity`.

    `frozen` is the ref of a frozen configuration, of which the estate counts. `canary` is the ref
    of one that was made; `realm` and `id` say where one is to be made, and under which id.
    """

    activity: str = PREFLIGHT
    journal: str = ""
    frozen: str = ""
    realm: str = ""
    id: str = ""
    canary: str = ""


@dataclass(frozen=True)
class CheckRef:
    """What was found, in the journal: checks, a canary, or what it differs in."""

    ref: str = ""


@dataclass(frozen=True)
class Acknowledgement:
    """A person's word that the gaps and open skips of a pause are known and accepted.

    `digest` is of the plan that says which, and OpenSSH's `signature` is over it.
    """

    by: str = ""
    reason: str = ""
    digest: str = ""
    signature: str = ""
