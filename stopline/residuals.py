"""What outlives a containment, and whether it still does: sessions, tokens, transfers. Pure.

A residual ends after a time (an ISO 8601 duration), or says in words what ends it: then nobody but
a person can say that it has.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from stopline.model import Address, Residual

_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")
_SECONDS = (86_400, 3_600, 60, 1)


@dataclass(frozen=True, slots=True, order=True)
class Residuals:
    """One kind of residual of a pause: of how many changes, and of how many it has ended by now.

    `until` is the connector's word. `last` is when the last of them ends, in seconds since the
    epoch, by the latest of the writes; 0 where only a person can say.
    """

    connector: str
    what: str
    until: str
    number: int
    ended: int
    last: float = 0.0


def seconds_of(duration: str) -> float | None:
    """A duration's seconds; None for what is none."""
    found = _DURATION.fullmatch(duration)
    if found is None or not any(found.groups()):
        return None
    return float(sum(int(n or 0) * s for n, s in zip(found.groups(), _SECONDS, strict=True)))


def summed(
    residuals: Iterable[Residual], written: Mapping[Address, float], now: float
) -> tuple[Residuals, ...]:
    """Sum residuals up by kind. `written` is when each address was last written, in seconds.

    What was not written by us outlives nothing of ours, and is left out.
    """
    kinds: dict[tuple[str, str, str], list[float | None]] = {}
    for one in residuals:
        if one.address in written:
            key = (one.address.connector, one.what, one.until)
            lasts = seconds_of(one.until)
            end = written[one.address] + lasts if lasts is not None else None
            kinds.setdefault(key, []).append(end)
    return tuple(sorted(_each(kinds, now)))


def _each(
    kinds: Mapping[tuple[str, str, str], list[float | None]], now: float
) -> Iterator[Residuals]:
    for (connector, what, until), ends in kinds.items():
        known = [end for end in ends if end is not None]
        over = sum(end <= now for end in known)
        yield Residuals(connector, what, until, len(ends), over, max(known, default=0.0))
