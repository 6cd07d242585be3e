"""What somebody outside has heard of a vendor: by what reached them, or may have.

A notice is written down as begun before it is sent for the first time. From then on it counts as
heard, whatever becomes of the reply, unless it is certain that it reached nobody. So whoever may
have heard of a stop is told of its end, and nobody is told of an end who heard of no stop.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from stopline.journal import tables as t
from stopline.journal.store import Event, Store
from stopline.text import Json

BEGUN = "notice-begun"
"""The event that says that a notice to those outside may reach them from then on."""
Way = tuple[str, str, str]
"""An audience, a channel, and a recipient."""

_STOPS = ("contained", "pausing")
_MAY_HAVE = ("failed", "withdrawn")


@dataclass(frozen=True, slots=True)
class Heard:
    """What somebody outside knows to be off or held, and by which event they heard of it last."""

    by_kind: Mapping[str, int] = field(default_factory=dict)

    @property
    def kinds(self) -> frozenset[str]:
        """What they know to be off or held."""
        return frozenset(self.by_kind)

    def knew(self, what: str, since: int) -> bool:
        """Whether they heard that it is off or held before it was given back."""
        return what in self.by_kind and self.by_kind[what] < since


def told_to(connection: Connection, pause: str, way: Way) -> Sequence[Any]:
    """The notices of a pause's vendor over one way, of all its pauses, oldest first."""
    n, p = t.notices.c, t.pauses.c
    vendor = sa.select(p.vendor).where(p.id == pause).scalar_subquery()
    to = (n.audience == way[0], n.channel == way[1], n.recipient == way[2])
    same = n.pause.in_(sa.select(p.id).where(p.vendor == vendor))
    query = sa.select(n.pause, n.key, n.event, n.state, n.seq).where(*to, same)
    return connection.execute(query.order_by(n.seq)).all()


def claims_of(store: Store, connection: Connection, pause: str, key: str) -> Json:
    """What a notice claims, as it was written down with it; empty where there is no such notice."""
    told = (one for e in store.told(connection, pause, "notices") for one in e.data["notices"])
    return next((one for one in told if one["key"] == key), {})


def begun_of(store: Store, connection: Connection, pause: str) -> Mapping[str, int]:
    """Which notices of all pauses of a pause's vendor were begun, and by which event."""
    return {event.data["key"]: event.seq for event in _events(store, connection, pause, BEGUN)}


def _events(store: Store, connection: Connection, pause: str, *kinds: str) -> list[Event]:
    p = t.pauses.c
    vendor = sa.select(p.vendor).where(p.id == pause).scalar_subquery()
    pauses = connection.execute(sa.select(p.id).where(p.vendor == vendor)).scalars().all()
    return [e for one in pauses for kind in kinds for e in store.told(connection, one, kind)]


def heard_by(store: Store, connection: Connection, pause: str, way: Way, but: str = "") -> Heard:
    """What somebody knows of a pause's vendor by all but one of the notices that reached them."""
    begun = begun_of(store, connection, pause)
    ends = _events(store, connection, pause, *(f"notice-{s}" for s in ("sent", *_MAY_HAVE)))
    ended = {event.data["key"]: event for event in sorted(ends, key=lambda event: event.seq)}
    reached: list[tuple[int, Any]] = []
    for one in told_to(connection, pause, way):
        end = ended.get(one.key)
        unheard = end is not None and bool(end.data.get("unheard"))
        maybe = one.key in begun and (one.state == "pending" or not unheard)
        if one.key != but and (one.state == "sent" or maybe):
            reached.append((begun.get(one.key) or (end.seq if end else one.seq), one))
    known: dict[str, int] = {}
    for at, one in sorted(reached, key=lambda found: found[0]):
        claims = claims_of(store, connection, one.pause, one.key)
        told = dict.fromkeys(_told(one.event, claims), at)
        known = known | told if one.event in _STOPS else told
    return Heard(known)


def _told(event: str, claims: Json) -> Collection[str]:
    """What a notice tells to be off or held; of an older release, by what it says or its event."""
    if "tells" in claims:
        return tuple(claims["tells"])
    says = str(claims.get("says", ""))
    if says:
        off = () if says.startswith("access as it was") else ("access",)
        return (*off, *(() if "pay not held" in says else ("pay",)))
    return ("access",) if event in _STOPS else ()
