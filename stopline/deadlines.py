"""By which day what a pause holds must be decided on: earned pay, and a rail's limits on holding.

A deadline releases nothing. It is said ten, five and one day ahead, and when it is there. Pure.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from stopline.model import Address, Grant

AHEAD = (10, 5, 1, 0)
"""How many days before a deadline it is said; 0 is the day itself, and every later one."""
PAY = "earned pay that is held must be paid"


@dataclass(frozen=True, slots=True, order=True)
class Deadline:
    """The last day (ISO 8601) on which something that is held may still be as it is, and what."""

    on: str
    what: str
    address: Address

    def __str__(self) -> str:
        """One line for a person."""
        return f"{self.on}: {self.what}: {self.address}"


@dataclass(frozen=True, slots=True, order=True)
class Limit:
    """For how many days after its write a provider lets a change stand, and what ends then."""

    address: Address
    days: int
    what: str


def of_pay(grants: Iterable[Grant], held: Collection[tuple[str, str, str]]) -> Iterator[Deadline]:
    """The days by which what is owed must be paid, where it is held.

    `held` are the connector, the realm and the document's id of each hold.
    """
    for grant in grants:
        address = grant.address
        if '"pay_by"' not in grant.state.body:
            continue
        if (address.connector, address.realm, grant.target) in held:
            yield Deadline(str(grant.state.value["pay_by"]), PAY, address)


def near(deadlines: Iterable[Deadline], ahead: Mapping[int, str]) -> tuple[Deadline, ...]:
    """Those that are to be said, the first of them first.

    `ahead` has for each of `AHEAD` the day that is so many days from today.
    """
    return tuple(sorted({one for one in deadlines if one.on <= ahead[max(AHEAD)]}))


def rung(deadline: Deadline, ahead: Mapping[int, str]) -> int:
    """Which of `AHEAD` a near deadline has come to."""
    return min(days for days in AHEAD if deadline.on <= ahead[days])
