"""A plan as a page: what would change, how much, what speaks against it, what is left. Pure."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from stopline.model import (
    Breadth,
    Change,
    Counted,
    Direction,
    Finding,
    Plan,
    Scope,
    Severity,
    Skip,
    State,
)
from stopline.render.page import Line, Page, Section, Tone

MOST = 40
"""How many changes of one group a page shows, unless all are asked for."""

SHORT = 12
"""Digits of a digest that a person reads."""

SYMBOLS = {"add": "+", "change": "~", "remove": "-"}
_TONES = {"add": Tone.GOOD, "change": Tone.WARN, "remove": Tone.BAD}
_STEPS = {
    Breadth.NARROW: "single credentials",
    Breadth.PRINCIPAL: "principals",
    Breadth.TARGET: "targets",
    Breadth.EVERYWHERE: "principals, in a coarse deny",
    Breadth.FOUNDATION: "foundations and coarse denies",
}
_WORDS = {Severity.REFUSE: "refused", Severity.LIMIT: "limit", Severity.NOTE: "note"}
_FINDING_TONES = {Severity.REFUSE: Tone.BAD, Severity.LIMIT: Tone.WARN, Severity.NOTE: Tone.PLAIN}


@dataclass(frozen=True, slots=True)
class Shown:
    """How a plan is shown: the playbook's phase names, what was looked at, how many lines.

    `blind` is what nothing here looks at, as `stopline assess` names it.
    """

    phases: tuple[str, ...] = ()
    counted: tuple[Counted, ...] = ()
    most: int = MOST
    blind: tuple[str, ...] = ()


def action(change: Change) -> str:
    """Return `add`, `change` or `remove`."""
    if change.before is None:
        return "add"
    return "change" if change.after is not None else "remove"


def scope_text(scope: Scope) -> str:
    """Say a scope as a person would type it; `all` when nothing narrows it."""
    parts = [f"--project {scope.project}"] if scope.project else []
    for option, values in (
        ("--connector", scope.connectors),
        ("--realm", scope.realms),
        ("--principal", scope.principals),
        ("--address", scope.addresses),
    ):
        parts += [f"{option} {value}" for value in values]
    return " ".join(parts) or "all"


def blast(plan: Plan) -> tuple[int, int]:
    """How many principals and how many targets the plan's work is about."""
    principals = {c.principal for c in plan.work if c.principal and _is_principal(c)}
    on_targets = [c for c in plan.work if c.breadth is Breadth.TARGET]
    # A bucket's policy and its rules are one target; a topic and a queue of one name are two.
    documents = ((c.address.document, c.principal) for c in on_targets)
    targets = {(d.connector, d.realm, d.id, whom) for d, whom in documents}
    return len(principals), len(targets)


def _is_principal(change: Change) -> bool:
    return change.breadth in (Breadth.NARROW, Breadth.PRINCIPAL, Breadth.EVERYWHERE)


def plan_page(plan: Plan, findings: Sequence[Finding] = (), shown: Shown | None = None) -> Page:
    """Return the whole plan, loudest first after the summary."""
    how = shown or Shown()
    sections = (
        _head(plan, how),
        _findings(findings),
        _open_skips(plan),
        _gaps(plan),
        blind_section(how.blind, whole=how.most > MOST),
        *_changes(plan, how),
        _claims(plan, how),
        _quiet_skips(plan, how),
        _residuals(plan, how),
    )
    return tuple(section for section in sections if section is not None)


def plan_sections(plan: Plan, findings: Sequence[Finding], how: Shown) -> Page:
    """Return what speaks against a plan, what could not be read, and what outlives it."""
    sections = (_findings(findings), _gaps(plan), _residuals(plan, how))
    return tuple(section for section in sections if section is not None)


def _head(plan: Plan, how: Shown) -> Section:
    numbers = Counter(action(c) for c in plan.changes)
    counts = ", ".join(f"{numbers[a]} to {a} ({s})" for a, s in SYMBOLS.items() if numbers[a])
    principals, targets = blast(plan)
    body = [
        Line(f"scope     {scope_text(plan.scope)}"),
        Line(f"changes   {len(plan.changes)}" + (f": {counts}" if counts else "")),
        Line(f"touches   {_of(principals, 'principal')}, {_of(targets, 'target')}{_among(how)}"),
    ]
    if plan.claims:
        other = "give up a hold that another pause shares" if _back(plan) else "contained already"
        body.append(Line(f"claims    {len(plan.claims)} without a write ({other})"))
    if plan.direction is Direction.TERMINATE:
        text = f"remains   {len(plan.skips)} held, each with its reason below"
        gone = Line("What is removed cannot be given back by anybody.", "!", Tone.BAD)
        body += [Line(text), *([gone] if plan.work else [])]
    if not plan.work:
        body.append(Line("nothing is to be done"))
    body.append(Line(f"digest    {plan.digest}"))
    return Section(f"Plan: {plan.direction} {plan.vendor}", tuple(body))


def recap(plan: Plan) -> str:
    """Say a plan in one line, for whoever has just read all of it."""
    principals, targets = blast(plan)
    parts = [
        _of(len(plan.changes), "change"),
        f"{len(plan.claims)} claimed without a write" if plan.claims else "",
        _of(principals, "principal"),
        _of(targets, "target"),
        f"{sum(skip.leaves_access for skip in plan.skips)} left open",
        _of(len(plan.gaps), "gap"),
    ]
    return f"Plan {plan.digest[:SHORT]}: {', '.join(filter(None, parts))}."


def _back(plan: Plan) -> bool:
    return plan.direction is Direction.RESTORE


def _of(number: int, noun: str) -> str:
    return f"{number} {noun if number == 1 else _plural(noun)}"


def _plural(noun: str) -> str:
    """Connectors name what they looked at, so any noun may come here: buckets, buses, queries."""
    if noun.endswith(("s", "x", "z", "ch", "sh")):
        return f"{noun}es"
    if noun.endswith("y") and noun[-2:-1] not in tuple("aeiou"):
        return f"{noun[:-1]}ies"
    return f"{noun}s"


def _among(how: Shown) -> str:
    total: Counter[str] = Counter()
    for counted in how.counted:
        total[counted.kind] += counted.number
    looked = ", ".join(_of(number, kind) for kind, number in sorted(total.items()))
    realms = len({(c.connector, c.realm) for c in how.counted})
    return f"; looked at {looked} in {_of(realms, 'realm')}" if looked else ""


def _findings(findings: Sequence[Finding]) -> Section | None:
    lines = tuple(
        Line(
            f"{_WORDS[f.severity]} ({f.guard}): {f.what}",
            "!",
            _FINDING_TONES[f.severity],
            (f"way out: {f.way_out}",),
        )
        for f in findings
    )
    return Section("Findings", lines) if lines else None


def _open_skips(plan: Plan) -> Section | None:
    skips = [skip for skip in plan.skips if skip.leaves_access]
    if not skips:
        return None
    title = f"Left open: {_of(len(skips), 'grant')} that the vendor keeps until a person decides"
    return Section(title, tuple(_skip(s, "!", Tone.BAD) for s in skips), Tone.BAD)


def _skip(skip: Skip, symbol: str, tone: Tone) -> Line:
    who = skip.principal or str(skip.address)
    return Line(f"{who}: {skip.reason}", symbol, tone, (str(skip.address),))


def _gaps(plan: Plan) -> Section | None:
    if not plan.gaps:
        return None
    lines = tuple(
        Line(f"{g.connector} {g.realm}: {g.what} could not be read: {g.cause}", "?", Tone.WARN)
        for g in plan.gaps
    )
    return Section("Gaps: not read, so nobody knows what the vendor holds there", lines, Tone.WARN)


def blind_section(blind: Sequence[str], *, whole: bool) -> Section | None:
    """What nothing here looks at: `whole`, or in one line; nothing where all is looked at."""
    if not blind:
        return None
    shown = f"{_of(len(blind), 'kind')} of access: -v shows them, and so does `stopline assess`"
    lines = [Line(what, "?") for what in blind] if whole else [Line(shown, "?")]
    if whole:
        lines.append(Line("docs/access-paths.md says more about each, and what is contained."))
    title = "Not looked at: nobody knows from this what the vendor holds there"
    return Section(title, tuple(lines), Tone.WARN)


def _quiet_skips(plan: Plan, how: Shown) -> Section | None:
    skips = [skip for skip in plan.skips if not skip.leaves_access]
    lines = _capped([_skip(s, "o", Tone.PLAIN) for s in skips], how)
    ends = plan.direction is Direction.TERMINATE
    title = "Remains contained, and is not removed" if ends else "Left as it is"
    return Section(title, lines) if lines else None


def _claims(plan: Plan, how: Shown) -> Section | None:
    lines = _capped([_change(c, plan.direction, "=", Tone.PLAIN) for c in plan.claims], how)
    return (
        Section("Claimed: another pause holds it too, nothing is written", lines) if lines else None
    )


def _residuals(plan: Plan, how: Shown) -> Section | None:
    by_what: dict[tuple[str, str], list[str]] = {}
    for residual in plan.residuals:
        by_what.setdefault((residual.what, residual.until), []).append(str(residual.address))
    lines = _capped(
        [
            Line(f"{what}, {until_text(until)}", "*", Tone.WARN, _first(addresses))
            for (what, until), addresses in sorted(by_what.items())
        ],
        how,
    )
    return Section("Residuals: what outlives the change", lines) if lines else None


def until_text(until: str) -> str:
    """Say until when: a time, an ISO 8601 duration such as PT1H, or the connector's words."""
    for form, unit in (("P{}D", "day"), ("PT{}H", "hour"), ("PT{}M", "minute")):
        number = "".join(filter(str.isdigit, until))
        if number and until == form.format(number):
            return f"for up to {_of(int(number), unit)}"
    if until.startswith("P"):
        return f"for up to {until}"
    return until if until.startswith(("until ", "for ")) else f"until {until}"


def _first(addresses: Sequence[str], most: int = 3) -> tuple[str, ...]:
    more = (f"and {len(addresses) - most} more",) if len(addresses) > most else ()
    return (*addresses[:most], *more)


def _changes(plan: Plan, how: Shown) -> Iterator[Section]:
    for (connector, realm, step), group in groupby(
        plan.changes,
        key=lambda c: (c.address.connector, c.address.realm, _step(plan.direction, c, how)),
    ):
        changes = list(group)
        lines = [_change(c, plan.direction, SYMBOLS[action(c)], _TONES[action(c)]) for c in changes]
        title = f"{connector} {realm}: {step} ({_of(len(changes), 'change')})"
        yield Section(title, _capped(lines, how))


def _step(direction: Direction, change: Change, how: Shown) -> str:
    if direction is not Direction.CONTAIN:
        return _STEPS[change.breadth]
    named = change.phase < len(how.phases)
    return f"phase {change.phase + 1}" + (f", {how.phases[change.phase]}" if named else "")


def _change(change: Change, direction: Direction, symbol: str, tone: Tone) -> Line:
    who = change.principal or change.address.id
    return Line(f"{who}: {in_words(change, direction)}", symbol, tone, (str(change.address),))


def in_words(change: Change, direction: Direction) -> str:
    """What a change does. A summary is written for containment; a restore lifts what it says."""
    if direction is Direction.TERMINATE:
        return change.summary
    if direction is Direction.CONTAIN:
        return change.summary or difference(change.before, change.after) or change.rule
    lifted = f"lift: {change.summary or change.rule}"
    return difference(change.before, change.after) or lifted


def _capped(lines: Sequence[Line], how: Shown) -> tuple[Line, ...]:
    if len(lines) <= how.most:
        return tuple(lines)
    rest = Line(f"... and {len(lines) - how.most} more (-v shows all)", tone=Tone.QUIET)
    return (*lines[: how.most], rest)


def difference(before: State | None, after: State | None) -> str:
    """Say in a few words how two states differ; nothing where one of them is absent."""
    if before is None or after is None:
        return ""
    old, new = before.value, after.value
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return f"{_cut(before)} -> {_cut(after)}" if before != after else ""
    keys = sorted(k for k in {*old, *new} if old.get(k) != new.get(k))
    return ", ".join(f"{k}: {_short(old.get(k))} -> {_short(new.get(k))}" for k in keys)


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=True)
    return text if len(text) <= MOST else text[:MOST] + "..."


def _cut(state: State) -> str:
    return _short(state.value)


# --- what differs between two plans --------------------------------------------------------------


def stale_page(old: Plan | None, new: Plan) -> Page:
    """Say what differs between the plan that somebody read and the one that waits now."""
    mine = {c.address: _bare(c) for c in (old.work if old else ())}
    now = {c.address: _bare(c) for c in new.work}
    lines = [
        *_listed("is in it now, and was not", "+", Tone.GOOD, now.keys() - mine.keys()),
        *_listed("was in it, and is not now", "-", Tone.BAD, mine.keys() - now.keys()),
        *_listed(
            "is to be carried out another way",
            "~",
            Tone.WARN,
            (a for a in mine.keys() & now.keys() if mine[a] != now[a]),
        ),
    ]
    was = f" {old.digest[:SHORT]}" if old else ""
    title = f"The plan changed since it was read: it was{was or ' another'}, "
    return (Section(f"{title}it is {new.digest[:SHORT]}", tuple(lines), Tone.WARN),)


def _bare(change: Change) -> Change:
    return replace(change, summary="")


def _listed(what: str, symbol: str, tone: Tone, addresses: Iterable[object]) -> Iterator[Line]:
    for address in sorted(map(str, addresses)):
        yield Line(f"{address} {what}", symbol, tone)
