"""What people decide about money that a termination finds held: settle it, or dispute it. Pure.

To settle is to lift our hold, so that the lab's own pay run pays it. What is disputed stays held,
with its reason and the day on which it is looked at again. Undecided stays held too.

A mark keeps nothing back: to settle it is to let go what it is on, to dispute it is to cancel that.
One that a file leaves undecided stays as it is; where no file was written, it is cancelled.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from stopline.errors import UserError
from stopline.model import Address, Effect, Skip
from stopline.money import PAY, comes_back, keeps
from stopline.receipts import Hold

Opinion = Callable[[Hold], Effect | Skip]


class Decision(StrEnum):
    """What becomes of one payable."""

    SETTLE = "settle"
    DISPUTE = "dispute"
    UNDECIDED = "undecided"
    """Of a mark, which without a word is cancelled: it stays."""


@dataclass(frozen=True)
class Decided:
    """One decision. `address` as a plan shows it; `review_by` is an ISO date, of a dispute."""

    address: str = ""
    decision: Decision = Decision.DISPUTE
    reason: str = ""
    review_by: str = ""


def decisions(
    holds: Sequence[Hold],
    said: Mapping[Decision, Sequence[str]],
    reason: str,
    review_by: str,
    told: Sequence[Decided] = (),
) -> tuple[Decided, ...]:
    """One decision for each hold that is named, by its address or by whom it is owed to.

    `told` are those that a file has of single holds; a name decides what it leaves undecided.
    Raises UserError where a name fits no hold, or none of money, a hold is named for both, a
    dispute has no day, or a balance is settled and not the marks on what was paid out of it.
    """
    if said.get(Decision.DISPUTE) and not review_by:
        raise UserError(
            "What is disputed must be looked at again. Nothing was asked for.",
            "Add the day: --review-by 2027-03-01.",
        )
    found = {one.address: one for one in told if one.decision is not Decision.UNDECIDED}
    for decision, names in said.items():
        for name in names:
            for address in (str(hold.address) for hold in _meant(holds, name)):
                until = review_by if decision is Decision.DISPUTE else ""
                one = Decided(address, decision, reason, until)
                if found.setdefault(address, one) != one:
                    raise UserError(
                        f"{address} is named for two decisions. Nothing was asked for.",
                        "Name it once, settled or disputed.",
                    )
    found = {one.address: one for one in told} | found
    _alike(holds, [found[str(h.address)] for h in holds if str(h.address) in found])
    return tuple(found[address] for address in sorted(found))


def _alike(holds: Sequence[Hold], said: Sequence[Decided]) -> None:
    """What is cancelled comes back into a balance: so that must not be let go of beside it."""
    freed = _settled(said)
    for mark in (hold.address for hold in holds if hold.address not in freed):
        if into := next((one for one in freed if comes_back(mark, one)), None):
            raise UserError(
                f"{into} is settled, and {mark} is not: to cancel it takes a hold on the balance "
                "that it comes back into. Nothing was asked for.",
                "Decide both alike: settle both, or neither.",
            )


def _settled(said: Sequence[Decided]) -> frozenset[Address]:
    return frozenset(Address.parse(d.address) for d in said if d.decision is Decision.SETTLE)


def _meant(holds: Sequence[Hold], name: str) -> tuple[Hold, ...]:
    """The holds on money that a name stands for. Raises UserError where there are none."""
    named = [h for h in holds if name in (str(h.address), h.change.principal)]
    owed = tuple(h for h in named if h.address.connector == PAY)
    if owed:
        return owed
    told = (
        f"What this pause holds of {name!r} is no money ({named[0].address}): it is neither "
        "settled nor disputed. Nothing was asked for."
        if named
        else f"Nothing that this pause holds is {name!r}, or is owed to it. Nothing was asked for."
    )
    raise UserError(told, "Give an address or a payee as `stopline payouts` shows it.")


def decided(opinion: Opinion, settled: Opinion, said: Sequence[Decided]) -> Opinion:
    """An opinion that does what people decided about a hold, where they did."""
    by_address, freed = {one.address: one for one in said}, _settled(said)

    def says(hold: Hold) -> Effect | Skip:
        one = by_address.get(str(hold.address))
        if hold.address not in freed and any(comes_back(hold.address, f) for f in freed):
            # Marked since people decided: they have not said a word about it.
            return _left(hold, "its balance is settled, so it is not cancelled: it would leave")
        if one is None:
            return opinion(hold)
        if one.decision is Decision.UNDECIDED:  # none is made of what keeps
            return _left(hold, "undecided: it stays marked, and nothing keeps it back")
        if one.decision is Decision.SETTLE:
            return _with(settled(hold), f": {one.reason}")
        what = f"disputed, to be looked at again by {one.review_by}: {one.reason}"
        if not keeps(hold.address):  # nothing stays held by it: what is disputed must not leave
            return _with(opinion(hold), f"; {what}")
        return _left(hold, f"{what}; it stays held")

    return says


def _with(says: Effect | Skip, words: str) -> Effect | Skip:
    """An effect that says why, too."""
    return says if isinstance(says, Skip) else replace(says, summary=says.summary + words)


def _left(hold: Hold, why: str) -> Skip:
    """What stays as it is, why, and what it is about."""
    return Skip(hold.address, hold.change.principal, f"{why} ({hold.change.summary})")
