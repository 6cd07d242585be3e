"""The decisions: what to contain, what to give back, what has drifted. Pure, total, no clock.

Rules:

1. Planning assumes every other hold lifted: what another pause already contains is a claim, not
   overlooked. What this pause has contained already is not planned again.
2. What is out of scope or protected is never in a plan.
3. What somebody else had done before us is a skip, so it is never undone.
4. A restore is made from what happened: from the holds in the journal, not from the plan.
5. A sweep stays inside what was approved: what only something that the vendor can write (a tag)
   selects, and nobody has approved, is left for a person.
6. Everything that leaves here is sorted, so that plans can be compared.
7. What this pause has left is not written anew from less than all that it covers: a deny that names
   principals would lose those that a narrower scope, or a gap, hid from this reading. It is written
   when it keeps all that stands; where it would name new ones and lose others, a person is told.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fnmatch import fnmatchcase

from stopline.choosing import Answer, way_back
from stopline.model import (
    Address,
    Breadth,
    Change,
    Counted,
    Direction,
    Found,
    Gap,
    Grant,
    Plan,
    Quota,
    Residual,
    Scope,
    Seen,
    Skip,
    Snapshot,
    State,
    in_order,
)
from stopline.money import Target, has_left, let_go, target_of
from stopline.port import Terms
from stopline.receipts import Hold
from stopline.remaining import still_denied, still_needed
from stopline.text import folded, texts_in

Opinion = Callable[[Grant, Terms], Iterable[Change | Skip]]
"""A connector's pure opinion of one grant."""


@dataclass(frozen=True, slots=True)
class Opinions:
    """What the connectors say, by their name."""

    contained: Mapping[str, Opinion]
    residuals: Mapping[str, Callable[[Change], Iterable[Residual]]]


@dataclass(frozen=True, slots=True)
class Standing:
    """What the journal says while planning.

    `holds` are all live holds on the estate, of all pauses. `approved` is None for a plan that a
    person will read before it runs; in a sweep it holds the addresses of the approved plans.
    `protected` is all that the estate's file protects: a guard refuses a plan that the lab's own
    selectors led there, but nothing that an attacker can write may stop a containment.
    `released` are the addresses that a rollback of this pause gave back: no sweep takes them again.
    `let_go` is what is owed and was given back so, whatever lever held it; the planner says it.
    `narrowed` says that the scope is less than that of the open pause. `taken` are those holds of
    other pauses of this vendor, inside the scope, whose address is absent: no reading shows them.
    `cleared` are principals that a rollback gave back by name and of whom nothing is held: what is
    new of them is theirs again. `ended` are principals that this pause has removed for good: what
    named them still does.
    """

    holds: tuple[Hold, ...] = ()
    approved: frozenset[Address] | None = None
    protected: tuple[str, ...] = ()
    released: frozenset[Address] = frozenset()
    let_go: frozenset[Target] = frozenset()
    narrowed: bool = False
    taken: tuple[Hold, ...] = ()
    cleared: frozenset[str] = frozenset()
    ended: frozenset[str] = frozenset()


def snapshot_of(vendor: str, found: Iterable[Found], taken_at: str) -> Snapshot:
    """Put what discovery yielded, in any order, into one sorted snapshot without doubles."""
    kinds: dict[type, set[Found]] = {k: set() for k in (Grant, Gap, Quota, Seen, Counted)}
    for item in found:
        kinds[type(item)].add(item)
    return Snapshot(
        vendor=vendor,
        grants=tuple(sorted(kinds[Grant])),  # type: ignore[arg-type]
        gaps=tuple(sorted(kinds[Gap])),  # type: ignore[arg-type]
        quotas=tuple(sorted(kinds[Quota])),  # type: ignore[arg-type]
        seen=tuple(sorted(kinds[Seen])),  # type: ignore[arg-type]
        counted=tuple(sorted(kinds[Counted])),  # type: ignore[arg-type]
        taken_at=taken_at,
    )


def things(changes: Iterable[Change]) -> frozenset[str]:
    """What stands for a principal in a change and is nobody: a target, or an organization."""
    return frozenset(c.principal for c in changes if c.breadth is Breadth.TARGET or c.spans)


def protects(patterns: Iterable[str], *texts: str) -> str:
    """Return the first pattern (an ARN or a glob; brackets are letters) that any text matches."""
    for pattern in patterns:
        glob = folded(pattern).replace("[", "[[]")
        if any(text and fnmatchcase(folded(text), glob) for text in texts):
            return pattern
    return ""


# --- containment -------------------------------------------------------------------------------


def plan_containment(
    snapshot: Snapshot, terms: Terms, scope: Scope, standing: Standing, opinions: Opinions
) -> Plan:
    """Decide what is to be contained, claimed and left, for one scope of one vendor."""
    now = {seen.address: seen.state for seen in snapshot.seen}
    holds = _by_address(standing.holds)
    mine = {hold.address for hold in standing.holds if hold.pause == terms.mark.pause}
    standing = replace(
        standing,
        narrowed=standing.narrowed or bool(snapshot.gaps),
        let_go=let_go(standing.released, mine),
    )
    changes: dict[Address, Change] = {}
    claims: dict[Address, Change] = {}
    skips: set[Skip] = set()
    for grant in snapshot.grants:
        now.setdefault(grant.address, grant.state)
        lifted = _lift(grant, holds.get(grant.address, ()))
        said = opinions.contained[grant.address.connector](lifted, terms)
        for opinion in _admitted(scope, grant, said):
            decided = _decide(opinion, grant, now, holds, terms, standing)
            _file(decided, changes, claims, skips)
    claims |= _taken(standing, terms.mark.pause, scope, now.keys() | changes.keys())
    ordered = in_order(changes.values(), Direction.CONTAIN)
    return Plan(
        vendor=snapshot.vendor,
        direction=Direction.CONTAIN,
        scope=scope,
        changes=ordered,
        claims=in_order(claims.values(), Direction.CONTAIN),
        skips=tuple(sorted(skips)),
        residuals=_residuals(ordered, opinions),
        gaps=snapshot.gaps,
        pause=terms.mark.pause,
        taken_from=snapshot.digest,
    )


def _admitted(scope: Scope, grant: Grant, said: Iterable[Change | Skip]) -> Iterator[Change | Skip]:
    """What the scope admits, and what that stands on: without it, it could not be."""
    opinions = [*said]
    inside = [one for one in opinions if scope.admits(one.address, grant.principal)]
    bases = {one.stands_on for one in inside if isinstance(one, Change)}
    yield from (one for one in opinions if one in inside or one.address in bases)


@dataclass(frozen=True, slots=True)
class _Claim:
    """A change that another pause has made already."""

    change: Change


_Decided = Change | _Claim | Skip | None
_GIVEN_BACK = "given back by a rollback of this pause"


def _taken(
    standing: Standing, pause: str, scope: Scope, seen: Collection[Address]
) -> dict[Address, Change]:
    """What another pause took away so that no reading shows it: this pause needs a hold on it."""
    mine = {hold.address for hold in standing.holds if hold.pause == pause}
    return {
        hold.address: replace(hold.change, before=hold.prior, after=None)
        for hold in standing.taken
        if hold.written
        and hold.ours is None
        and scope.admits(hold.address, hold.change.principal)
        and hold.address not in mine | standing.released | set(seen)
    }


def _by_address(holds: Iterable[Hold]) -> dict[Address, tuple[Hold, ...]]:
    by_address: dict[Address, tuple[Hold, ...]] = {}
    for hold in sorted(holds):
        by_address[hold.address] = (*by_address.get(hold.address, ()), hold)
    return by_address


def _lift(grant: Grant, holds: Sequence[Hold]) -> Grant:
    """The grant as it would stand if every hold on it were lifted."""
    for hold in holds:
        if grant.state == hold.ours and hold.prior is not None:
            return replace(grant, state=hold.prior)
    return grant


def _decide(
    opinion: Change | Skip,
    grant: Grant,
    now: Mapping[Address, State],
    holds: Mapping[Address, tuple[Hold, ...]],
    terms: Terms,
    standing: Standing,
) -> _Decided:
    if isinstance(opinion, Skip):
        freed = target_of(opinion.address) in standing.let_go
        return Skip(opinion.address, opinion.principal, _GIVEN_BACK) if freed else opinion
    change = replace(opinion, vouched=grant.vouched)
    if left := _left_out(change, grant, terms, standing):
        return left
    found, held = now.get(change.address), holds.get(change.address, ())
    who = change.principal or grant.principal
    if found != change.after:
        ours = any(h.pause == terms.mark.pause and _is_of(found, h) for h in held)
        change = replace(change, before=found)
        # A later moment weakens no deny.
        return _rewritten(change, who, standing) if ours and not change.moment else change
    held = tuple(h for h in held if h.change.uid == change.uid)  # else it was somebody else
    if any(h.pause == terms.mark.pause and (h.written or h.unproven) for h in held):
        return None
    if held or change.marked:
        return _Claim(replace(change, before=held[0].prior if held else None))
    return Skip(change.address, who, "it was so before us, so it is not ours to give back")


def _is_of(found: State | None, hold: Hold) -> bool:
    """Whether what is there is what we left, or was left before a write that then failed."""
    if found is None or hold.ours is None:
        return False
    return found == hold.ours or _named(found) < _named(hold.ours)


def _rewritten(change: Change, who: str, standing: Standing) -> Change | Skip | None:
    """What we have left, written anew; not for want of principals that are gone for good."""
    stands, wanted = _named(change.before), _named(change.after)
    if wanted < stands and stands - wanted <= standing.ended:
        return None
    return _anew(change, who) if standing.narrowed else change


def _anew(change: Change, who: str) -> Change | Skip | None:
    """What rule 7 makes of a change of what we have left: only what keeps all that it names."""
    stands, wanted = _named(change.before), _named(change.after)
    if stands <= wanted:
        return change
    if wanted <= stands:
        return None
    reason = "not all of the scope was read, and naming what is new would lose what is named"
    return Skip(change.address, who, reason, leaves_access=True)


def _named(state: State | None) -> set[str]:
    return set(texts_in(state.value if state else None))


def _left_out(change: Change, grant: Grant, terms: Terms, standing: Standing) -> Skip | None:
    """Why a grant must not be touched. What the vendor's tag alone selects widens nothing."""
    who = change.principal or grant.principal
    texts = (who, grant.principal, grant.target)
    if pattern := protects(terms.vendor.protected, *texts):
        return Skip(change.address, who, f"protected by the vendor's file: {pattern}")
    freed = change.address in standing.released or target_of(change.address) in standing.let_go
    if freed or folded(grant.principal) in standing.cleared:
        return Skip(change.address, who, _GIVEN_BACK)
    # What a policy leads to, and what others share, was reached and not selected by the lab.
    reached = change.breadth is Breadth.TARGET or bool(grant.shared_with)
    asked = standing.approved is None and grant.vouched and not reached
    if pattern := "" if asked else protects(standing.protected, *texts):
        reason = f"protected by the estate's file: {pattern}"
        return Skip(change.address, who, reason, leaves_access=True)
    return _unasked(change, grant, terms, standing)


def _unasked(change: Change, grant: Grant, terms: Terms, standing: Standing) -> Skip | None:
    """What a person must say yes to, and nobody has: nothing in a plan that a person will read."""
    who = change.principal or grant.principal
    if standing.approved is None or change.address in standing.approved:
        return None
    if change.over is not None and terms.playbook.audits.climb == "ask":
        reason = f"{change.over} was removed again and again; the playbook wants a person's word"
        return Skip(change.address, who, f"{reason} for this: {change.summary}", leaves_access=True)
    if grant.vouched:
        return None
    reason = f"only {grant.via} selects it, which the vendor can write; nobody approved it"
    return Skip(change.address, who, reason, leaves_access=True)


def _file(
    decided: _Decided,
    changes: dict[Address, Change],
    claims: dict[Address, Change],
    skips: set[Skip],
) -> None:
    """Several grants may ask for one change; the first in order gives it its words.

    The earliest phase counts: what others stand on must be there before the first of them.
    """
    if isinstance(decided, Skip):
        skips.add(decided)
    elif isinstance(decided, _Claim):
        claims.setdefault(decided.change.address, decided.change)
    elif decided is not None:
        known = changes.get(decided.address, decided)
        kept = decided if decided.vouched and not known.vouched else known
        changes[decided.address] = replace(kept, phase=min(known.phase, decided.phase))


def _residuals(changes: Iterable[Change], opinions: Opinions) -> tuple[Residual, ...]:
    found = {
        residual
        for change in changes
        for residual in opinions.residuals[change.address.connector](change)
    }
    return tuple(sorted(found))


# --- restore -----------------------------------------------------------------------------------


def plan_restore(
    vendor: str,
    pause: str,
    holds: Iterable[Hold],
    scope: Scope,
    *,
    unproven: bool = False,
    answers: Mapping[Address, Answer] | None = None,
) -> Plan:
    """Decide what one pause gives back: the inverse of what happened, from its live holds.

    A hold that other pauses share is given up without a write (`claims`). `unproven` says that a
    person chose to give back toggles of which nothing shows that we wrote them. `answers` are a
    person's choices for conflicts; what another pause holds too is never written by one.
    """
    by_address = _by_address(holds)
    changes: list[Change] = []
    claims: list[Change] = []
    skips: list[Skip] = []
    for address, all_holds in by_address.items():
        mine = next((hold for hold in all_holds if hold.pause == pause), None)
        if mine is None or not scope.admits(address, mine.change.principal):
            continue
        back = way_back(mine, (answers or {}).get(address), unproven=unproven, shared=all_holds[1:])
        if isinstance(back, Skip):
            skips.append(back)
        else:
            (claims if len(all_holds) > 1 else changes).append(back)
    kept, denied = still_needed(changes, by_address, pause, scope)
    return Plan(
        vendor=vendor,
        direction=Direction.RESTORE,
        scope=scope,
        changes=in_order(kept, Direction.RESTORE),
        claims=in_order(claims, Direction.RESTORE),
        skips=tuple(sorted((*skips, *denied, *still_denied((*kept, *claims), by_address, pause)))),
        pause=pause,
    )


def inverse(plan: Plan) -> Plan:
    """The way back of a containment plan of which nothing is known but the plan."""
    return Plan(
        vendor=plan.vendor,
        direction=Direction.RESTORE,
        scope=plan.scope,
        changes=in_order((c.inverse() for c in plan.changes), Direction.RESTORE),
        pause=plan.pause,
    )


# --- what became of it -------------------------------------------------------------------------


class DriftKind(StrEnum):
    """How what is there differs from what we left."""

    REMOVED = "removed"
    """Our overlay is not there any more."""
    EDITED = "edited"
    """Something bears our mark, or stands in a switch's place, that is neither ours nor prior."""
    REGRANTED = "regranted"
    """A switch stands again as it did before us."""
    GONE = "gone"
    """What it hung on was deleted: nothing is open through it, and nothing can be given back."""
    UNREAD = "unread"
    """It could not be read this time, so nothing is known of it."""


@dataclass(frozen=True, slots=True, order=True)
class Drift:
    """What is there differs from what we left. `ours` was left, `now` was found."""

    address: Address
    kind: DriftKind
    principal: str = ""
    ours: State | None = None
    now: State | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """What a reading found at one address. `read` is false where it failed."""

    state: State | None = None
    exists: bool = True
    read: bool = True


def drift(holds: Iterable[Hold], looks: Mapping[Address, Look]) -> tuple[Drift, ...]:
    """Say where what is there differs from what we left; an address that was not read is one."""
    found = (_drifted(hold, looks.get(hold.address, Look(read=False))) for hold in holds)
    return tuple(sorted(one for one in found if one is not None))


def _drifted(hold: Hold, look: Look) -> Drift | None:
    stands = look.state == hold.ours or has_left(hold.address, look.state)
    if look.read and look.exists and stands:
        return None
    if not look.read:
        kind = DriftKind.UNREAD
    elif not look.exists:
        kind = DriftKind.GONE
    elif look.state is None:
        kind = DriftKind.REMOVED
    elif look.state == hold.prior and not hold.change.marked:
        kind = DriftKind.REGRANTED
    else:
        kind = DriftKind.EDITED
    return Drift(hold.address, kind, hold.change.principal, hold.ours, look.state)
