"""Where a pause stands, as pages: the list of pauses, one pause, how it ended. Pure.

`Standing` is what the journal says (and Temporal, where it could be asked) in one value, so that
the terminal, the JSON document and the exit code can never tell three stories.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stopline.model import Direction, Scope
from stopline.render.choices import ShownChoice, choices_page
from stopline.render.page import Line, Page, Section, Table, Tone
from stopline.render.plan import MOST, SHORT, scope_text

DONE, FAILED, WAITING, PARTIAL, CONFLICT, UNVERIFIED = 0, 1, 5, 6, 7, 8
"""Exit codes of commands that end with a pause; docs/cli.md lists all of them."""


@dataclass(frozen=True, slots=True)
class Left:
    """One thing that is not as it was meant to be, why, and what a person can run next.

    `kind` is `breached`, `failed`, `by hand`, `conflict`, `not asked`, `left open`, `gap`,
    `unverified`, `unproven`, `recovery sheet` or `notice`.
    `columns` are the texts before, ours and now, where the journal has them. `direction` is that
    of the write which did not do, empty where there was none.
    """

    kind: str
    where: str
    principal: str
    reason: str
    command: str
    cause: str = ""
    columns: tuple[str, str, str] | None = None
    direction: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """What a person said to a pause, and when."""

    at: str
    by: str
    kind: str
    reason: str
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A plan that waits for a person's yes; `more` is how many people still must say it.

    `request` tells this asking from an earlier one for the same plan.
    """

    direction: str
    ref: str
    digest: str
    asked_by: str
    command: str
    stale: bool = False
    request: str = ""
    more: int = 1
    approved_by: tuple[str, ...] = ()
    choices: tuple[ShownChoice, ...] = ()


@dataclass(frozen=True, slots=True)
class Held:
    """One address that the pause holds, and what the change was in words."""

    address: str
    principal: str
    what: str


@dataclass(frozen=True, slots=True)
class Glass:
    """A yes that one person gave alone, and that nobody else has reviewed yet.

    `review_by` is when it must have been, UTC, ISO 8601; `overdue` whether that has passed.
    """

    by: str
    at: str
    direction: str
    reason: str
    review_by: str
    overdue: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """One pause, whole. `status` is the journal's, `phase` Temporal's (empty when not asked).

    `review_by` is when it must have been reassessed, `overdue` whether that has passed.
    `pay_by` is the first day by which something that is held must be paid, `pay_soon` whether that
    is near or has passed. `break_glass` is what nobody has reviewed yet, oldest first. `sheet` is
    where its recovery sheet was last written, empty where it never was. `workflow_gone` is whether
    it is open and nothing watches it: its workflow has ended. `uncovered` are the systems in which
    the vendor is, too, and of which its playbook says nothing.
    """

    id: str
    vendor: str
    scope: Scope
    status: str
    requester: str
    reason: str
    opened_at: str
    closed_at: str
    workflow: str
    held: tuple[Held, ...] = ()
    left: tuple[Left, ...] = ()
    said: tuple[Said, ...] = ()
    waiting: Waiting | None = None
    why: str = ""
    phase: str = ""
    acknowledged: bool = False
    sheet: str = ""
    review_by: str = ""
    overdue: bool = False
    workflow_gone: bool = False
    pay_by: str = ""
    pay_soon: bool = False
    break_glass: tuple[Glass, ...] = ()
    uncovered: tuple[str, ...] = ()

    def count(self, *kinds: str) -> int:
        """How many things are left of these kinds."""
        return sum(left.kind in kinds for left in self.left)


def exit_code(standing: Standing) -> int:
    """The exit code of a command that ended with this standing."""
    if standing.waiting is not None:
        return WAITING
    plain = {"contained": DONE, "terminated": DONE, "closed": DONE, "stopped": FAILED}
    if standing.status in plain:
        return plain[standing.status]
    told = {"beside", "unproven", "recovery sheet", "notice"}
    kinds = {left.kind for left in standing.left} - told
    return UNVERIFIED if kinds == {"unverified"} else PARTIAL


_TONES = {
    "contained": Tone.GOOD,
    "terminated": Tone.GOOD,
    "closed": Tone.GOOD,
    "partial": Tone.WARN,
    "breached": Tone.BAD,
    "stopped": Tone.BAD,
}
_MEANS = {
    "containing": "being contained",
    "contained": "everything in scope is contained and was read back",
    "partial": "contained but for what is listed below",
    "breached": "somebody removes at will what is listed below; it is contained again, slowly",
    "stopped": "stopped by a person; what was contained stays so",
    "restoring": "being given back",
    "terminating": "what was contained is being removed for good",
    "terminated": "what can be removed is gone for good; what remains is held and audited",
    "closed": "nothing is held any more",
}


def pauses_page(standings: Sequence[Standing]) -> Page:
    """Return the table of pauses, oldest first."""
    if not standings:
        return (Section("No pause is open."),)
    columns = ("pause", "vendor", "status", "since", "held", "failed", "conflicts", "open")
    rows = tuple(
        (
            s.id,
            s.vendor if s.scope == Scope() else f"{s.vendor} ({s.scope.project or 'a part'})",
            s.status + "".join(f" ({mark})" for mark in _marks(s)),
            s.opened_at[:10],
            str(len(s.held)),
            str(s.count("failed", "not asked", "unverified")),
            str(s.count("conflict")),
            str(s.count("left open", "gap")),
        )
        for s in standings
    )
    return (Section("Pauses", (Table(columns, rows),)),)


def _marks(s: Standing) -> list[str]:
    """What a person should know beside a status."""
    told = {
        "waits": s.waiting is not None,
        "overdue": s.overdue,
        "gone": s.workflow_gone,
        "break-glass": bool(s.break_glass),
    }
    return [mark for mark, so in told.items() if so]


def _minute(at: str) -> str:
    return at[:16].replace("T", " ") + "Z" if at else ""


def standing_page(standing: Standing, most: int = MOST) -> Page:
    """Return all about one pause: what is held, what is left and why, who said what."""
    sections = (
        _head(standing),
        *_waiting(standing),
        *_left(standing, most),
        _held(standing, most),
        _said(standing),
    )
    return tuple(section for section in sections if section is not None)


def result_page(standing: Standing, most: int = MOST) -> Page:
    """Return how a run ended: the verdict, what waits, and everything that is left."""
    return (_head(standing), *_waiting(standing), *_left(standing, most))


def _head(s: Standing) -> Section:
    scope = "" if s.scope == Scope() else f" ({scope_text(s.scope)})"
    phase = f", {s.phase}" if s.phase and s.phase not in (s.status, "paused", "closed") else ""
    body = [
        Line(
            f"status     {s.status}{phase}: {_MEANS[s.status]}",
            tone=_TONES.get(s.status, Tone.PLAIN),
        ),
        Line(f"asked for  by {s.requester} at {_minute(s.opened_at)}: {s.reason}"),
        Line(f"held       {len(s.held)}"),
    ]
    if s.workflow_gone:
        text = "gone       its workflow has ended: it stays as it is, and nobody watches it"
        body.append(Line(text, "!", Tone.BAD, (f"run: stopline adopt {s.id}",)))
    if s.sheet:
        body.append(Line(f"sheet      {s.sheet}"))
    body += [*_glass(s), *_review(s), *_pay(s)]
    if s.uncovered:
        names = ", ".join(s.uncovered)
        text = f"not here   {names}: the vendor is there too, and this pause's playbook has no rule"
        body.append(Line(text, "!", Tone.WARN))
    if s.closed_at:
        body.append(Line(f"closed     {_minute(s.closed_at)}"))
    if s.why:
        body.append(Line(f"blocked    {s.why}", tone=Tone.BAD))
    if s.acknowledged:
        body.append(Line("gaps and what was left open are acknowledged"))
    return Section(f"Pause {s.id}: {s.vendor}{scope}", tuple(body))


def _glass(s: Standing) -> list[Line]:
    """What one person approved alone, until another person has reviewed it."""
    run = f"run, as another person: stopline review {s.id} --reason '...'"
    lines = []
    for one in s.break_glass:
        late = "OVERDUE since" if one.overdue else "due by"
        text = (
            f"not reviewed  break-glass by {one.by} at {_minute(one.at)} ({one.direction}), "
            f"{late} {_minute(one.review_by)}: {one.reason}"
        )
        lines.append(Line(text, "!", Tone.BAD if one.overdue else Tone.WARN, (run,)))
    return lines


def _review(s: Standing) -> list[Line]:
    if not s.review_by:
        return []
    if not s.overdue:
        return [Line(f"reassess   by {s.review_by[:10]}")]
    run = f"run: stopline reassess {s.id} --decision keep|rollback --reason '...'"
    text = f"overdue    it should have been reassessed by {_minute(s.review_by)}; it stays paused"
    return [Line(text, "!", Tone.BAD, (run,))]


def _pay(s: Standing) -> list[Line]:
    if not s.pay_by:
        return []
    if not s.pay_soon:
        return [Line(f"pay by     {s.pay_by}, the first date of what is held")]
    run = f"run: stopline payouts {s.id}; release with stopline rollback {s.id} --address ..."
    text = (
        f"pay by     {s.pay_by}: what is held must be paid by then; finance and legal must decide"
    )
    return [Line(text, "!", Tone.BAD, (run,))]


def _waiting(s: Standing) -> Page:
    if s.waiting is None:
        return ()
    waiting = s.waiting
    who = f"another person than {waiting.asked_by}" if waiting.asked_by else "a second person"
    if waiting.more > 1:
        who = f"{waiting.more} people, none of them {waiting.asked_by}"
    text = f"the {waiting.direction} plan {waiting.digest[:SHORT]} waits for {who}"
    stale = " (the estate moved; the plan was made again)" if waiting.stale else ""
    line = Line(text + stale, "!", Tone.WARN, (f"run: {waiting.command}",))
    asked = Section("Waiting for approval", (line,), Tone.WARN)
    return (asked, *choices_page(waiting.choices))


_TITLES = {
    "breached": "Breached: removed again, and no lever is left that the remover cannot edit",
    "left open": "Left open: the vendor keeps it until a person decides",
    "failed": "Failed: not written, or not known to be",
    "by hand": "By hand: a person must do it in another system, and another confirm it",
    "not asked": "Not reached: no answer is in the journal",
    "conflict": "Conflicts: found neither what was there nor ours; nothing was written",
    "unverified": "Unverified: written, and a later reading does not show it",
    "gap": "Gaps: not read",
    "beside": "Contained, but something that goes with it failed",
    "unproven": "Unproven: it is so, and nothing shows whether we did it",
    "recovery sheet": "Recovery sheet: not there as it should be, were stopline itself to go down",
    "notice": "Not told: somebody who should know has not been reached (yet); tell them yourself",
}


def _left(s: Standing, most: int) -> Iterable[Section]:
    for kind, title in _TITLES.items():
        found = [left for left in s.left if left.kind == kind]
        if found:
            lines: list[Line | Table] = []
            for left in found[:most]:
                lines += _left_lines(left)
            if len(found) > most:
                lines.append(Line(f"... and {len(found) - most} more (-v shows all)"))
            tone = Tone.PLAIN if kind == "unproven" else Tone.WARN
            yield Section(f"{title} ({len(found)})", tuple(lines), tone)


def _left_lines(left: Left) -> Iterable[Line | Table]:
    who = f"{left.principal}: " if left.principal else ""
    cause = f" [{left.cause}]" if left.cause else ""
    under = (left.where, f"run: {left.command}")
    yield Line(f"{who}{left.reason}{cause}", "!", Tone.WARN, under)
    if left.columns is not None:
        yield Table(("before", "ours", "now"), (left.columns,))


def _held(s: Standing, most: int) -> Section | None:
    if not s.held:
        return None
    lines = [Line(f"{h.principal or h.address}: {h.what}", "=", under=(h.address,)) for h in s.held]
    if len(lines) > most:
        rest = Line(f"... and {len(lines) - most} more (-v shows all)")
        lines = [*lines[:most], rest]
    return Section(f"Held ({len(s.held)})", tuple(lines))


def _said(s: Standing) -> Section | None:
    rows = tuple((_minute(w.at), w.kind, w.by, w.reason, w.digest[:SHORT]) for w in s.said)
    if not rows:
        return None
    return Section("Who said what", (Table(("at", "what", "by", "reason", "plan"), rows),))


# --- while it runs -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Moment:
    """Where a running pause is right now, in numbers."""

    phase: str
    sweep: int = 0
    done: int = 0
    total: int = 0
    outcomes: tuple[tuple[str, int], ...] = ()
    stopping: bool = False

    @property
    def state(self) -> str:
        """What changes only when something happens that is worth a line of its own."""
        sweep = (
            f", pass {self.sweep}"
            if self.phase in ("sweeping", "containing") and self.sweep
            else ""
        )
        return f"{self.phase}{sweep}" + (", stopping" if self.stopping else "")

    @property
    def counts(self) -> str:
        """The outcomes so far, in words."""
        return ", ".join(f"{number} {outcome}" for outcome, number in self.outcomes if number)


def moment_line(moment: Moment) -> str:
    """Return one line for a log or a pipe."""
    done = f": {moment.done} of {moment.total} done" if moment.total else ""
    counts = f" ({moment.counts})" if moment.counts else ""
    return f"{moment.state}{done}{counts}"


def direction_of(phase: str) -> Direction:
    """Which way a plan goes that waits in a pause of an older release, by the phase."""
    return Direction.CONTAIN if phase == "awaiting-approval" else Direction.RESTORE
