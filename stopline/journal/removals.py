"""How often somebody removed what a pause had left: counted from the chain, never remembered.

A removal is a write of ours that found something else than we had left there, or an audit that
did and after which nothing was written yet. Each counts once, however often it is looked at, and a
rollback of the address begins anew.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from stopline.climbing import Removals
from stopline.journal.store import Event, Store
from stopline.model import Address, Direction
from stopline.receipts import Outcome
from stopline.text import Json

CLIMBED = "climbed"
"""The event that says which lever was taken above which, since that was removed again."""
_READ = (Outcome.APPLIED, Outcome.ALREADY, Outcome.UNPROVEN, Outcome.CONFLICT)
"""The outcomes whose receipts show what was found."""


@dataclass(slots=True)
class _Fate:
    """What became of one address: `ours` names the state that we left, None before the first."""

    ours: str | None = None
    gone: bool = False
    times: int = 0
    calm: int = 0

    def take(self) -> None:
        """It is found to be gone; the same removal, found again, is one."""
        if self.ours is not None and not self.gone:
            self.gone, self.calm = True, 0
            self.times += 1


@dataclass(slots=True)
class _Count:
    fates: dict[str, _Fate] = field(default_factory=dict)

    def receipt(self, receipt: Json, direction: str) -> None:
        """A write of ours: what it found, and what it left."""
        where, held = receipt["address"], receipt["held"]
        if direction != Direction.CONTAIN:
            if not held:
                self.fates.pop(where, None)
            return
        if not held or receipt["outcome"] not in _READ:
            return
        fate = self.fates.setdefault(where, _Fate())
        if receipt["found"] != fate.ours:
            fate.take()
        if receipt["outcome"] != Outcome.CONFLICT:
            fate.ours, fate.gone = receipt["after"], False

    def audit(self, data: Json) -> None:
        """An audit: what it found opened is gone, what it could not read is as it was."""
        opened = set(data["opened"])
        differs = {one["address"] for one in data["drift"]}
        for where, fate in self.fates.items():
            if where in opened:
                fate.take()
            elif where not in differs:
                fate.gone = False
                fate.calm += 1


def removals(store: Store, pause: str, found: Json = None) -> dict[Address, Removals]:
    """How often each address of a pause was removed by somebody else, where it was at all.

    `found` is what an audit found that is not written down yet.
    """
    count = _Count()
    for event in store.events(pause):
        if event.kind == "receipts":
            for receipt in event.data["receipts"]:
                count.receipt(receipt, event.data["direction"])
        elif event.kind == "audited":
            count.audit(event.data)
    if found is not None:
        count.audit(found)
    return {
        Address.parse(where): Removals(fate.times, fate.calm)
        for where, fate in sorted(count.fates.items())
        if fate.times
    }


def climbs(events: Iterable[Event]) -> Iterator[tuple[int, str]]:
    """The levers that were climbed to, each with the number of its event in the chain."""
    for event in events:
        if event.kind == CLIMBED:
            for lever in event.data["levers"]:
                yield event.seq, lever["lever"]
