"""The permanent end: what a pause only contained is removed for good. Pure, total, no clock.

Rules:

1. A termination is made from the live holds of its pause, and touches nothing else: what somebody
   else had switched off was never held, so it is never removed.
2. Only what a receipt shows that we contained is removed. What is unproven waits for a person.
3. What another pause holds too is left, until that one has let go; where an effect ends a whole
   document, so is what another pause holds anything in.
4. It opens nothing: a hold without an effect stays as it is, and so does every deny.
5. A principal is removed while a deny of it stands; our overlay is the last that it loses.
6. What stays is said, each with a reason, and is part of what people approve.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from stopline.model import Address, Change, Direction, Document, Effect, Plan, Scope, Skip, in_order
from stopline.receipts import Hold

Opinion = Callable[[Hold], Effect | Skip]
"""A connector's pure opinion: what is removed for good where a hold is, or why nothing is."""

NO_EFFECT = "stopline removes nothing of this kind for good: it stays contained"


class How(StrEnum):
    """What shows that something is gone for good."""

    REMOVED = "removed"
    """A receipt shows that we removed it."""
    BEGUN = "begun"
    """We had written down that we would, our answer was lost, and it is gone."""
    GONE = "gone"
    """It was gone when we came: somebody else removed it, or it went with what it hung on."""


@dataclass(frozen=True, slots=True, order=True)
class Removed:
    """What a termination of a pause has removed for good, when (UTC, ISO 8601), and how we know."""

    address: Address
    principal: str
    at: str
    how: How = How.REMOVED


@dataclass(frozen=True, slots=True, order=True)
class Begun:
    """What was, or may be, removed for good with an address that is held still."""

    address: Address
    principal: str
    what: tuple[str, ...]


def plan_termination(
    vendor: str,
    pause: str,
    holds: Iterable[Hold],
    scope: Scope,
    opinions: Mapping[str, Opinion],
) -> Plan:
    """Decide what of one pause is removed for good. Its skips are what remains, and why.

    `opinions` are those of the connectors that can remove, by their name.
    """
    by_document: dict[Document, list[Hold]] = {}
    for hold in sorted(holds):
        by_document.setdefault(hold.address.document, []).append(hold)
    decided = [
        _decide(hold, there, opinions)
        for there in by_document.values()
        for hold in there
        if _is_wanted(hold, pause, scope)
    ]
    return Plan(
        vendor=vendor,
        direction=Direction.TERMINATE,
        scope=scope,
        changes=in_order((d for d in decided if isinstance(d, Change)), Direction.TERMINATE),
        skips=tuple(sorted(d for d in decided if isinstance(d, Skip))),
        pause=pause,
    )


def wanted(holds: Iterable[Hold], pause: str, scope: Scope) -> tuple[Hold, ...]:
    """The holds that a termination of a pause is asked about, of all live ones."""
    return tuple(hold for hold in holds if _is_wanted(hold, pause, scope))


def _is_wanted(hold: Hold, pause: str, scope: Scope) -> bool:
    return hold.pause == pause and scope.admits(hold.address, hold.change.principal)


def looked(opinion: Opinion, found: Iterable[Effect | Skip]) -> Opinion:
    """An opinion that gives way to what a look at the provider has found about the same address."""
    better = {says.address: says for says in found}
    return lambda hold: better.get(hold.address) or opinion(hold)


def _decide(hold: Hold, there: Sequence[Hold], opinions: Mapping[str, Opinion]) -> Change | Skip:
    """What becomes of one hold; `there` are all of its document."""
    opinion = opinions.get(hold.address.connector)
    says = opinion(hold) if opinion else Skip(hold.address, hold.change.principal, NO_EFFECT)
    if isinstance(says, Skip):
        return replace(says, leaves_access=False)
    others = {o.pause for o in there if says.whole or o.address == hold.address} - {hold.pause}
    reason = _not_yet(hold, says, sorted(others))
    if reason:
        return Skip(hold.address, hold.change.principal, reason)
    return replace(
        hold.change,
        before=hold.ours,
        after=says.leaves,
        summary=says.summary,
        felt="",
        only_if=says.only_if,
        kept=says.kept,
    )


def _not_yet(hold: Hold, says: Effect, others: Sequence[str]) -> str:
    """Why what has an effect is left all the same."""
    if others:
        return f"held by the pause {', '.join(others)} too: it stays until that has let go"
    if hold.unproven or not hold.written:
        return "nothing shows that we contained it ourselves: it stays, and a person decides"
    unknown = hold.ours is None and (hold.change.marked or hold.change.after is not None)
    if unknown or says.address != hold.address:
        return "what was left there is not known: it stays"
    return ""


def with_removed(
    plan: Plan, removed: Iterable[Removed], begun: Iterable[Begun], held: Collection[Address]
) -> Plan:
    """A rollback's plan that also names what it cannot give back: a termination removed it.

    `begun` counts where it is of an address that is `held`: else it is removed, or was given back.
    """
    lost = [
        Skip(one.address, one.principal, f"removed for good on {one.at}: it cannot be given back")
        for one in removed
    ]
    lost += [Skip(one.address, one.principal, f"{_TAKEN}{', '.join(one.what)}") for one in begun
             if one.address in held]  # fmt: skip
    said = (skip for skip in lost if plan.scope.admits(skip.address, skip.principal))
    return replace(plan, skips=tuple(sorted((*plan.skips, *said))))


_TAKEN = "entries that were, or may be, taken out for good, and are not given back: "
