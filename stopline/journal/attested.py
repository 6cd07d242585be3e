"""What people did by hand, in the journal: attested by one, confirmed or refused by another.

What is to be done by hand is not written down apart: it is what the latest receipts wait for.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from stopline.attesting import Attestation, Deed, Step, doubt, standing, undecided
from stopline.journal.pauses import OPEN, Pauses
from stopline.journal.store import Event, Store
from stopline.model import Address, Direction
from stopline.receipts import Cause
from stopline.text import load

ATTESTED = "attested"
CONFIRMED = "attestation-confirmed"
DENIED = "attestation-refused"
"""The events of a person's deed, and of another person's yes or no to it."""
LATE = "by-hand-late"
"""The event that says, once for each task, that it has waited for too long."""


@dataclass(frozen=True, slots=True)
class Task:
    """What a person is to do at an address, since when, and what was said to have been done."""

    pause: str
    address: Address
    step: Step
    since: str
    told: Attestation | None = None

    @property
    def name(self) -> str:
        """How people name it: the system and whom it pays."""
        return f"{self.address.realm}/{self.address.document.id}"

    @property
    def elsewhere(self) -> str:
        """The other pause that goes on, to which the deed that waits is answered; or nothing."""
        to = self.told.answered_to(self.pause) if self.told else self.pause
        return "" if to == self.pause else to

    def waits_from(self) -> str:
        """Since when it waits for its next person."""
        return self.told.at if self.told else self.since

    def late(self, now: float, hours: float) -> bool:
        """Whether nobody has taken the next step for so long; `now` is in seconds since 1970."""
        return datetime.fromisoformat(self.waits_from()).timestamp() + hours * 3600 <= now


def attested(store: Store, address: Address) -> tuple[Attestation, ...]:
    """Everything that was ever attested at an address, by any pause, oldest first."""
    mine = [e for e in store.events(kind=ATTESTED) if e.data["address"] == str(address)]
    if not mine:
        return ()
    said = {kind: _by_seq(store.events(kind=kind)) for kind in (CONFIRMED, DENIED)}
    live = _live(store, {event.pause for event in mine})
    return tuple(_attestation(store, event, said, live) for event in mine)


def _live(store: Store, named: Collection[str]) -> frozenset[str]:
    """Which pauses go on: neither closed nor terminated, whatever a terminated one still holds."""
    pauses = Pauses(store)
    opened = {pause.id for pause in pauses.list(statuses=OPEN)}
    return frozenset(p for p in named if p in opened and not pauses.is_terminated(p))


def tasks(store: Store, pause: str) -> tuple[Task, ...]:
    """What a pause waits for people to do by hand, sorted; nothing where its last word is another.

    Also what another pause's people did to what this one holds, until somebody has confirmed or
    refused it there; or here, once that pause has ended. The caller knows whether the pause is
    open: a closed one waits for nobody.
    """
    found: dict[Address, Task] = {}
    held: set[Address] = set()
    for event in store.events(pause, "receipts"):
        step = Step.RELEASE if event.data["direction"] == Direction.RESTORE else Step.HOLD
        for receipt in event.data["receipts"]:
            address = Address.parse(receipt["address"])
            known = found.get(address)
            (held.add if receipt["held"] else held.discard)(address)
            if receipt["cause"] != Cause.WAITING:
                found.pop(address, None)
            elif known is None or known.step is not step:
                found[address] = Task(pause, address, step, event.at)
    said = ((Address.parse(e.data["address"]), e.pause) for e in store.events(kind=ATTESTED))
    told = {address for address, by in said if by == pause or address in held}
    waiting = (_task(store, pause, address, found.get(address)) for address in {*found, *told})
    return tuple(sorted((t for t in waiting if t is not None), key=lambda t: t.address))


def _task(store: Store, pause: str, address: Address, asked: Task | None) -> Task | None:
    """What an address waits for: another's word to a deed; a deed, where none was done since."""
    told = attested(store, address)
    if one := undecided(told):
        return Task(pause, address, one.deed.step, asked.since if asked else one.at, one)
    is_there = standing(told) is not None
    wanted = is_there if asked and asked.step is Step.RELEASE else not is_there or doubt(told)
    return asked if wanted else None


def _by_seq(events: Iterable[Event]) -> Mapping[int, str]:
    return {event.data["of"]: event.actor for event in events}


def _attestation(
    store: Store, event: Event, said: Mapping[str, Mapping[int, str]], live: Collection[str]
) -> Attestation:
    """A word of whoever did it is no confirmation, whatever wrote it down."""
    yes, no = (said[kind].get(event.seq, "") for kind in (CONFIRMED, DENIED))
    return Attestation(
        event.seq, event.pause, event.at, event.actor, event.data["ref"],
        load(Deed, store.body(event.data["ref"])),
        "" if yes == event.actor else yes, no, over=event.pause not in live,
    )  # fmt: skip
