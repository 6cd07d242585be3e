"""What those outside are told, by the state of all open pauses of a vendor. Pure.

They are told of the vendor, never of a pause: whether access is off, whether pay is held, and
whether in whole or in part. No id of anything is in it.
"""

import sys
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from stopline.model import Scope
from stopline.money import PAY

CONTAINED, RELEASED, RESTORED = "contained", "released", "restored"
"""The events that those outside are told of; `released` is a part that was given back."""
PAUSING = "pausing"
"""What they are told when a person lets them hear before containment is verified."""


ACCESS, PAYMENTS = "access", "pay"
"""What those outside can hear the stop of, and the end."""
NOW = sys.maxsize
"""Of what is given back by the run that is told of: after all that anybody heard."""


@dataclass(frozen=True, slots=True)
class Since:
    """When an earlier pause last gave everything back, by the journal's events; 0 for never."""

    access: int = 0
    pay: int = 0


def covers_access(scope: Scope) -> bool:
    """Whether a pause of this scope is about access, and not about pay alone."""
    return not scope.connectors or any(name != PAY for name in scope.connectors)


@dataclass(frozen=True, slots=True)
class Standing:
    """One open pause: its scope, and the connectors that it holds something in.

    `back` are those in which it has given something back. `settled` says that all of it was
    verified as it stands, `ended` that it removes for good, `marks` that it has marked pay, too,
    which keeps none of it.
    """

    scope: Scope
    systems: frozenset[str]
    back: frozenset[str]
    settled: bool
    ended: bool = False
    marks: bool = False

    @property
    def access(self) -> bool:
        """Whether access is off by it; also where there was none, or none to be held any more."""
        if self.systems - {PAY}:
            return True
        return covers_access(self.scope) and (self.ended or not (self.systems or self.marks))

    @property
    def pay(self) -> bool:
        """Whether pay is held by it, or is about to be."""
        return PAY in self.systems or (not self.settled and self.scope.connectors == (PAY,))

    @property
    def of_everybody(self) -> bool:
        """Whether it is about everything of the vendor in the systems that it is about."""
        scope = self.scope
        return not (scope.project or scope.realms or scope.principals or scope.addresses)


@dataclass(frozen=True, slots=True)
class Held:
    """What is taken from a vendor by all its open pauses together; `settled`: none is under way."""

    access: bool = False
    all_access: bool = False
    pay: bool = False
    all_pay: bool = False
    settled: bool = True

    @property
    def any(self) -> bool:
        """Whether there is anything."""
        return self.access or self.pay

    @property
    def kinds(self) -> tuple[str, ...]:
        """Of what anything is held."""
        return tuple(what for what, on in ((ACCESS, self.access), (PAYMENTS, self.pay)) if on)

    def __str__(self) -> str:
        """For the journal, where two are compared by it."""
        access = ("off" if self.all_access else "off in part") if self.access else "as it was"
        pay = ("held" if self.all_pay else "held in part") if self.pay else "not held"
        return f"access {access}, pay {pay}" + ("" if self.settled else ", under way")


@dataclass(frozen=True, slots=True)
class Theirs:
    """What those outside can be told: of which event, what is held by then, what was given back.

    `back_access` and `back_pay` are when that was, by an event of the journal's: only whoever had
    heard that it is off or held is told. `quietly`: only whoever does not know of all that is held.
    """

    event: str
    held: Held = Held()
    back_access: int = 0
    back_pay: int = 0
    quietly: bool = False

    @property
    def ends(self) -> tuple[tuple[str, int], ...]:
        """The end of what it tells, and since when that is so."""
        both = ((ACCESS, self.back_access), (PAYMENTS, self.back_pay))
        return tuple((what, since) for what, since in both if since)


def held_by(pauses: Iterable[Standing]) -> Held:
    """What all open pauses of a vendor hold together."""
    found = [*pauses]
    done = [one for one in found if one.settled and one.of_everybody]
    return Held(
        access=any(one.access for one in found),
        all_access=any(
            one.access and not one.scope.connectors and not one.back - {PAY} for one in done
        ),
        pay=any(one.pay for one in found),
        all_pay=any(one.pay and PAY not in one.back for one in done),
        settled=all(one.settled for one in found),
    )


def at_end(
    result: str,
    held: Held,
    back: Collection[str],
    ever: Collection[str],
    since: Since,
    *,
    over: bool,
) -> tuple[Theirs, ...]:
    """What those outside can be told when a run of a pause has ended, the fittest first.

    `back` are the connectors in which it gave something back that nobody holds any more, `ever`
    those in which this pause ever did (or might have, where there was nothing), `over` whether it
    is over, `since` when an earlier one gave everything back, which may have been while nobody
    could be told. Who is told what hangs on what they heard before.
    """
    restored = result == RESTORED
    before = ever if restored else ()
    access = any(name != PAY for name in back) and (restored or not held.access)
    access |= not held.access and any(name != PAY for name in before)
    pay = PAY in back or (not held.pay and PAY in before)
    earlier = (0 if held.access else since.access), (0 if held.pay else since.pay)
    word = RELEASED if held.any else RESTORED
    found = _ends(word, held, NOW if access else earlier[0], NOW if pay else earlier[1])
    if held.any and (result == CONTAINED or over):
        # That a part of the access is back is told inside alone.
        found = (*found, Theirs(CONTAINED, held, quietly=bool(back) or result != CONTAINED))
    return found


def caught_up(held: Held, since: Since) -> tuple[Theirs, ...]:
    """What those outside can be told whenever nothing keeps them quiet: what they have missed."""
    access, pay = (0 if held.access else since.access), (0 if held.pay else since.pay)
    found = _ends(RELEASED if held.any else RESTORED, held, access, pay)
    known = Theirs(CONTAINED, held, quietly=True)
    return (*found, known) if held.any and held.settled else found


def _ends(word: str, held: Held, access: int, pay: int) -> tuple[Theirs, ...]:
    """The same end for whoever heard of both, of the access alone, and of the pay alone."""
    ways = dict.fromkeys(((access, pay), (access, 0), (0, pay)))
    return tuple(Theirs(word, held, a, p) for a, p in ways if a or p)


def subject(vendor: str, theirs: Theirs) -> str:
    """The subject of a notice to those outside."""
    held, word = theirs.held, theirs.event
    if word in (RELEASED, RESTORED):
        some = ("Some access" if held.access else "Access", "some" if held.pay else "")
        said = (f"{some[0]} of {vendor} is given back", "payments {} released", some[1])
        return _both(vendor, said, access=bool(theirs.back_access), pay=bool(theirs.back_pay))
    if word == PAUSING:
        said = (f"Access of {vendor} is being paused", "payments {} being held", "")
        return _both(vendor, said, access=held.access, pay=held.pay)
    part = "" if held.all_access else " in part"
    said = (f"Access of {vendor} is paused{part}", "payments {} held", "")
    some_pay = "" if held.all_pay else "some"
    return _both(vendor, (said[0], said[1], some_pay), access=held.access, pay=held.pay)


def _both(vendor: str, said: tuple[str, str, str], *, access: bool, pay: bool) -> str:
    """One sentence of what is said of access and what of pay; `said` ends with how much of it."""
    of_access, of_pay, some = said
    amount = f"{some} " if some else ""
    if access and pay:
        return f"{of_access}, and {amount}{of_pay.format('are')}"
    if access:
        return of_access
    alone = f"{amount}{of_pay}".replace("payments", f"payments through {vendor}")
    return alone[0].upper() + alone[1:].format("are")
