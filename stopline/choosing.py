"""What a person chose for one conflict of a rollback, as data, and what the plan makes of it. Pure.

A conflict has three columns: before, ours, now. The choice is bound to `now`: it is in the plan's
digest, and where it has moved again there is another conflict and nothing is written.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from stopline.errors import UserError
from stopline.model import Address, Change, Skip, State
from stopline.receipts import Hold


class Choice(StrEnum):
    """What becomes of what somebody changed while we held it."""

    KEEP_NOW = "keep-now"
    """What is there stays; the hold is closed without a write."""
    RESTORE_BEFORE = "restore-before"
    """What was there before us is written, if `now` is still there."""
    SKIP = "skip"
    """Nothing is done; the hold stays open."""


@dataclass(frozen=True)
class Chosen:
    """One choice. `address` as a plan shows it; `now` is the digest of what was found, or empty."""

    address: str = ""
    choice: Choice = Choice.SKIP
    reason: str = ""
    now: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """A choice with the state that it is about."""

    choice: Choice
    reason: str
    now: State | None = None


def answers(
    chosen: Sequence[Chosen], conflicts: Mapping[Address, State | None]
) -> Mapping[Address, Answer]:
    """Match choices with the conflicts that stand; what has moved since it was chosen is a skip.

    Raises UserError where a choice names no address.
    """
    return dict(_matched(chosen, conflicts))


def conflicts_of(chosen: Sequence[Chosen]) -> tuple[Address, ...]:
    """The addresses that choices are for, in their order. Raises UserError naming what is none."""
    try:
        return tuple(Address.parse(one.address) for one in chosen)
    except ValueError as error:
        raise UserError(
            f"A choice names no conflict: {error}. Nothing was planned.",
            "Give an address as `stopline status` shows it.",
        ) from None


def _matched(
    chosen: Sequence[Chosen], conflicts: Mapping[Address, State | None]
) -> Iterator[tuple[Address, Answer]]:
    for address, one in zip(conflicts_of(chosen), chosen, strict=True):
        now = conflicts.get(address)
        if address in conflicts and digest_of(now) == one.now:
            yield address, Answer(one.choice, one.reason, now)
        else:
            yield address, Answer(Choice.SKIP, "no such conflict stands any more; ask again")


def digest_of(state: State | None) -> str:
    """The digest of a state; empty for what is absent."""
    return state.digest if state else ""


def chosen_change(mine: Hold, answer: Answer) -> Change | Skip:
    """What a rollback does where a person chose: one change bound to `now`, or nothing.

    To keep is a change from `now` to `now`: it never writes, and closes the hold.
    """
    if answer.choice is Choice.SKIP:
        return Skip(mine.address, mine.change.principal, f"chosen to be left: {answer.reason}")
    keep = answer.choice is Choice.KEEP_NOW
    summary = f"{answer.choice}: {answer.reason}"
    after = answer.now if keep else mine.prior
    return replace(mine.change, before=answer.now, after=after, summary=summary)


def way_back(
    mine: Hold, answer: Answer | None, *, unproven: bool, shared: Sequence[Hold]
) -> Change | Skip:
    """The way back of one hold, or why it is left."""
    plain = replace(mine.change, before=mine.ours, after=mine.prior)
    left = answer is not None and answer.choice is Choice.SKIP
    if answer is not None and (left or not shared):
        return chosen_change(mine, answer)
    shown = mine.change.marked or (mine.written and not mine.unproven)
    if shared or unproven or shown:
        return plain
    reason = "nothing shows that the write was ours; choose it with --include-unproven"
    return Skip(mine.address, plain.principal, reason)
