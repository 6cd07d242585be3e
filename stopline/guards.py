"""Safety rules over a plan. Pure: plan and snapshot in, findings out; () is a pass.

Each finding names its severity, the numbers, and the way out. `REFUSE` has no override: the plan
would hurt the lab more than the vendor. `LIMIT` asks for a typed override with a reason, which is
journalled. A gap is never a finding: it does not block containment, it makes the result partial.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from stopline.estate import Estate
from stopline.model import Address, Breadth, Change, Finding, Plan, Scope, Severity, Snapshot
from stopline.planner import protects, things
from stopline.playbook import Limits
from stopline.text import folded


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a plan is held against. `before` counts changes that the pause has made already.

    `elsewhere` are principals that another project than the scope's uses too, as they compare;
    `uncovered` are systems in which the vendor is, and for which the playbook has no rule.
    """

    estate: Estate
    limits: Limits
    before: int = 0
    elsewhere: frozenset[str] = frozenset()
    uncovered: tuple[str, ...] = ()


def guard(plan: Plan, snapshot: Snapshot, bounds: Bounds) -> tuple[Finding, ...]:
    """Return every finding about a containment plan, worst first."""
    order = list(Severity)
    found = (
        *_protected(plan, bounds.estate),
        *_nothing_found(plan, snapshot, bounds),
        *_empty_scope(plan, snapshot, bounds),
        *_too_many(plan, bounds),
        *_too_large_a_share(plan, snapshot, bounds.limits),
        *_shared(plan, snapshot),
        *_of_other_projects(plan, bounds),
        *_felt(plan),
        *_uncovered(plan, bounds),
    )
    return tuple(sorted(found, key=lambda f: (order.index(f.severity), f)))


def refused(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings that nothing overrides."""
    return tuple(f for f in findings if f.severity is Severity.REFUSE)


def limits(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings that a person may override with a reason."""
    return tuple(f for f in findings if f.severity is Severity.LIMIT)


_PROTECTED = {
    "orchestrator": "stopline's own identity: the pause could not be finished, nor undone",
    "break_glass": "a break-glass principal: nobody could repair a mistake",
    "log_delivery": "log delivery: the night would leave no trace",
    "journal": "the storage of the journal: what was there before would be lost",
}


def _protected(plan: Plan, estate: Estate) -> Iterator[Finding]:
    for kind, why in _PROTECTED.items():
        patterns = getattr(estate.protected, kind)
        hit = [c for c in plan.changes if protects(patterns, *_names(c))]
        if hit:
            yield Finding(
                Severity.REFUSE,
                kind.replace("_", "-"),
                f"{len(hit)} of {len(plan.changes)} changes touch {why}: {_first(hit)}",
                "Correct the selectors in the vendor's file, or list the principal under "
                "`protected` there; the estate's file says what is protected for everybody.",
                _addresses(hit),
            )


def _names(change: Change) -> tuple[str, str]:
    return change.principal, str(change.address)


def _nothing_found(plan: Plan, snapshot: Snapshot, bounds: Bounds) -> Iterator[Finding]:
    if snapshot.grants or bounds.before:
        return
    gaps = f", {len(plan.gaps)} gaps" if plan.gaps else ""
    looked = sum(c.number for c in snapshot.counted)
    likeliest = (
        "A misspelt selector is the likeliest cause: check accounts, paths and ARNs in the "
        "vendor's file."
        if looked or not plan.gaps
        else "Nothing could be read: the gaps say why. The worker's credentials, or the role that "
        "it takes in each realm, are the likeliest cause."
    )
    yield Finding(
        Severity.LIMIT,
        "nothing-found",
        f"No grant of {plan.vendor} was found among {looked} principals and targets{gaps}.",
        f"{likeliest} Override only when the vendor really holds nothing.",
    )


def _empty_scope(plan: Plan, snapshot: Snapshot, bounds: Bounds) -> Iterator[Finding]:
    if plan.work or plan.skips or bounds.before or not snapshot.grants or plan.scope == Scope():
        return
    yield Finding(
        Severity.LIMIT,
        "empty-scope",
        f"{len(snapshot.grants)} grants of {plan.vendor} were found, and the scope "
        f"({plan.scope.key}) admits none of them.",
        "A misspelt principal, realm or address is the likeliest cause: copy it from "
        "`stopline plan` without a scope.",
    )


def _too_many(plan: Plan, bounds: Bounds) -> Iterator[Finding]:
    number = len(plan.changes) + bounds.before
    if number > bounds.limits.changes:
        yield Finding(
            Severity.LIMIT,
            "too-many-changes",
            f"The pause would make {number} changes; the playbook's limit is "
            f"{bounds.limits.changes}.",
            "Read the plan. Narrow the scope (--project, --realm), or override with a reason.",
            _addresses(plan.changes),
        )


_COUNTED_AS = {
    f"{kind}-{lever}": kind
    for kind in ("user", "role")
    for lever in ("attachment", "inline-policy", "boundary")
}
"""Which kind of thing a change takes everything from; a policy statement counts its bucket."""


_OF_PEOPLE = dict.fromkeys(
    ("group-membership", "account-assignment", "application-assignment"), "directory-user"
)
"""Each is one thing of a person's; together they may be all that half of a directory has."""
_EACH = {"deny-policy-entry": "principal"}
"""Parts of one document that each take everything from a thing of their own."""


def _too_large_a_share(plan: Plan, snapshot: Snapshot, limits_: Limits) -> Iterator[Finding]:
    """Of principals or targets of a kind: how many are cut off, and how many others feel it in."""
    broad = [
        c for c in plan.changes if c.breadth is not Breadth.NARROW or c.address.kind in _OF_PEOPLE
    ]
    felt = [c for c in plan.changes if c.breadth is Breadth.NARROW and c.felt]
    for changes, what in ((broad, "cut off"), (felt, "felt by others too")):
        touched = _touched(changes)
        for counted in snapshot.counted:
            hit = touched[(counted.connector, counted.realm, counted.kind)]
            if counted.number >= limits_.share_from and hit > limits_.share * counted.number:
                yield Finding(
                    Severity.LIMIT,
                    "too-large-a-share",
                    f"{hit} of {counted.number} {counted.kind}s in {counted.connector} "
                    f"{counted.realm} would be {what} ({hit / counted.number:.0%}); the limit is "
                    f"{limits_.share:.0%}.",
                    "A selector that is too wide is the likeliest cause. Read the plan, then "
                    "narrow the scope or override with a reason.",
                )


def _touched(changes: Iterable[Change]) -> Counter[tuple[str, str, str]]:
    things = {
        (c.address.connector, c.address.realm, _counted_as(c.address), _thing(c)) for c in changes
    }
    return Counter(thing[:3] for thing in things)


def _thing(change: Change) -> str:
    address = change.address
    if address.kind in _OF_PEOPLE:
        return change.principal
    return str(address if address.kind in _EACH else address.document)


def _counted_as(address: Address) -> str:
    kind = address.kind
    if kind.endswith("-policy-statement"):
        return kind.removesuffix("-policy-statement")
    return _COUNTED_AS.get(kind) or _OF_PEOPLE.get(kind) or _EACH.get(kind, kind)


def _shared(plan: Plan, snapshot: Snapshot) -> Iterator[Finding]:
    broad = (Breadth.PRINCIPAL, Breadth.EVERYWHERE)
    cut_off = {c.principal for c in plan.changes if c.breadth in broad}
    for grant in snapshot.grants:
        if grant.shared_with and grant.principal in cut_off:
            yield Finding(
                Severity.LIMIT,
                "shared",
                f"{grant.principal} is shared with {', '.join(grant.shared_with[:3])}, who are "
                "not the vendor and would be cut off too.",
                "Leave it out (`protected` in the vendor's file) or override with a reason.",
                (grant.address,),
            )


def _of_other_projects(plan: Plan, bounds: Bounds) -> Iterator[Finding]:
    """Whom a pause of one project takes something from that another project works with too."""
    by_whom: dict[str, list[Change]] = {}
    nobody = things(plan.changes)
    for change in plan.changes:
        if change.principal not in nobody and folded(change.principal) in bounds.elsewhere:
            by_whom.setdefault(change.principal, []).append(change)
    for who, changes in sorted(by_whom.items()):
        yield Finding(
            Severity.LIMIT,
            "other-projects",
            f"{who} is used by another project of the vendor too, which this pause does not mean "
            "and would stop as well.",
            "Leave it out (`protected` in the vendor's file), override with a reason, or let the "
            "playbook decide (`limits.other_projects: cut`).",
            _addresses(changes),
        )


def _felt(plan: Plan) -> Iterator[Finding]:
    """What others feel of a change that leaves them their access: to be read, no more."""
    for change in plan.changes:
        if change.felt:
            yield Finding(
                Severity.NOTE,
                "felt-by-others",
                f"{change.principal}: {change.felt}",
                "Tell them, or leave it out (`protected` in the vendor's file).",
                (change.address,),
            )


def _uncovered(plan: Plan, bounds: Bounds) -> Iterator[Finding]:
    for name in bounds.uncovered:
        yield Finding(
            Severity.NOTE,
            "not-in-playbook",
            f"{plan.vendor} is in {name} too, and the playbook has no rule for it: this pause "
            "takes and holds nothing there.",
            f"Another playbook can, in a pause of its own: stopline plan {plan.vendor} "
            f"--playbook NAME --connector {name} --apart",
        )


def _addresses(changes: Iterable[Change]) -> tuple[Address, ...]:
    return tuple(sorted(c.address for c in changes))


def _first(changes: list[Change], most: int = 3) -> str:
    names = sorted({c.principal or str(c.address) for c in changes})
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def unanswered(findings: Iterable[Finding], overrides: Mapping[str, str]) -> tuple[Finding, ...]:
    """The findings that still stop a plan: every refusal, and limits without a typed reason."""
    return tuple(
        f
        for f in findings
        if f.severity is Severity.REFUSE
        or (f.severity is Severity.LIMIT and not overrides.get(f.guard, "").strip())
    )
