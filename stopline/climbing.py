"""Who removes our levers again and again: when the next one is wanted, and when none is left. Pure.

A lever that was removed often enough gets the next one above it (`Change.over`), by the opinion of
its connector. One that has none above it that stands as we left it is a breach: the pause goes on
to contain it again, more and more slowly, and says so. How often is counted from the journal.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from stopline.model import Address, Breadth
from stopline.planner import protects
from stopline.playbook import Audits
from stopline.receipts import Hold
from stopline.text import texts_in

_BROAD = (Breadth.PRINCIPAL, Breadth.EVERYWHERE)


@dataclass(frozen=True, slots=True)
class Removals:
    """How often what we had left at an address was taken away by somebody else, and how it went on.

    `times` counts each removal once, however often it was looked at; `calm` the audits in a row
    since then that found it as we left it.
    """

    times: int = 0
    calm: int = 0


@dataclass(frozen=True, slots=True, order=True)
class Breach:
    """The highest lever that was removed again, with none above it. `beyond` what was borne."""

    address: Address
    principal: str
    times: int
    beyond: int


NEVER = Removals()


def removed(
    holds: Sequence[Hold], removals: Mapping[Address, Removals], audits: Audits
) -> frozenset[Address]:
    """The levers of one pause's holds above which the next one is wanted."""
    return frozenset(h.address for h in holds if _Ladder(holds, removals, audits).beyond(h) >= 0)


def breaches(
    holds: Sequence[Hold], removals: Mapping[Address, Removals], audits: Audits
) -> tuple[Breach, ...]:
    """What of one pause's holds somebody removes at will, sorted; nothing where nobody contains."""
    if audits.act != "contain":
        return ()
    ladder = _Ladder(holds, removals, audits)
    found = (
        Breach(h.address, h.change.principal, ladder.of(h).times, ladder.beyond(h))
        for h in holds
        if not ladder.stands(h) and not ladder.is_answered(h) and ladder.is_highest(h)
    )
    return tuple(sorted(found))


def look_again(found: Iterable[Breach], audits: Audits) -> float:
    """After how many seconds a breached pause is audited: later with each removal. 0: as usual."""
    often = max((breach.beyond for breach in found), default=-1)
    if often < 0:
        return 0.0
    most = audits.breached_hours * 3600
    return min(audits.breached_minutes * 60 * 2.0 ** min(often, 32), most)


@dataclass(frozen=True, slots=True)
class _Ladder:
    """The levers of one pause, from what it holds and what became of it."""

    holds: Sequence[Hold]
    removals: Mapping[Address, Removals]
    audits: Audits

    def of(self, hold: Hold) -> Removals:
        """How often it was removed, or what it stands on: without that it is nothing."""
        base = hold.change.stands_on
        both = [self.removals.get(a, NEVER) for a in (hold.address, base) if a is not None]
        times = max(one.times for one in both)
        return Removals(times, min((one.calm for one in both if one.times), default=0))

    def beyond(self, hold: Hold) -> int:
        """How often it was removed beyond what is borne; less than 0 where it is not too often.

        To one that we have climbed to already nothing is borne. What others stand on counts with
        them.
        """
        if any(other.change.stands_on == hold.address for other in self.holds):
            return -1
        borne = 1 if hold.change.over is not None else self.audits.climb_after
        return self.of(hold).times - borne

    def stands(self, hold: Hold) -> bool:
        """Whether it was not removed too often, or has held for long enough since."""
        return self.beyond(hold) < 0 or self.of(hold).calm >= self.audits.calm

    def is_answered(self, hold: Hold) -> bool:
        """Whether a lever above it stands; for one credential, a broader one of its principal."""
        above = [other for other in self.holds if self._is_above(other, hold)]
        return any(self.stands(other) or self.is_answered(other) for other in above)

    def is_highest(self, hold: Hold) -> bool:
        """Whether nothing was climbed to above it."""
        return not any(self._tops(other, hold) for other in self.holds)

    def _is_above(self, other: Hold, hold: Hold) -> bool:
        return self._tops(other, hold) or (
            hold.change.breadth is Breadth.NARROW
            and other.change.breadth in _BROAD
            and other.change.principal == hold.change.principal
            and (other.address.connector, other.address.realm)
            == (hold.address.connector, hold.address.realm)
        )

    def _tops(self, other: Hold, hold: Hold) -> bool:
        """Whether one was climbed to above the other: what spans realms, above whom it names."""
        change = other.change
        return self._names(other, hold) if change.spans else change.over == hold.address

    def _names(self, other: Hold, hold: Hold) -> bool:
        """Whether what was climbed to from other realms names this principal in its realm."""
        change, who = other.change, hold.change.principal
        climbed = change.over is not None and change.breadth in _BROAD
        if not climbed or other.address.connector != hold.address.connector:
            return False
        said = [h.ours for h in self.holds if h.address == change.stands_on]
        named = {text for state in said if state for text in texts_in(state.value)}
        whom = (text for text in named if text.strip("*"))
        return hold.address.realm in named and bool(protects(whom, who))
