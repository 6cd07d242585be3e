"""What those outside are told, by the state of all open pauses of a vendor. Pure.

They are told of the vendor, never of a pause: whether access is off, whether pay is held, and
whether in whole or in part. No id of anything is in it.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from stopline.model import Scope
from stopline.money import PAY

CONTAINED, RELEASED, RESTORED = "contained", "released", "restored"
"""The events that those outside are told of; `released` is a part that was given back."""
PAUSING = "pausing"
"""What they are told when a person lets them hear before containment is verified."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One open pause: its scope, and the connectors that it holds something in.

    `back` are those in which it has given something back. `settled` says that all of it was
    verified as it stands, `ended` that it removes for good.
    """

    scope: Scope
    systems: frozenset[str]
    back: frozenset[str]
    settled: bool
    ended: bool = False

    @property
    def access(self) -> bool:
        """Whether access is off by it; also where there was none, or none to be held any more."""
        if self.systems - {PAY}:
            return True
        connectors = self.scope.connectors
        covers = not connectors or any(name != PAY for name in connectors)
        return covers and (self.ended or not self.systems)

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

    def __str__(self) -> str:
        """For the journal, where two are compared by it."""
        access = ("off" if self.all_access else "off in part") if self.access else "as it was"
        pay = ("held" if self.all_pay else "held in part") if self.pay else "not held"
        return f"access {access}, pay {pay}" + ("" if self.settled else ", under way")


@dataclass(frozen=True, slots=True)
class Theirs:
    """What those outside are told: of which event, what is held by then, what was given back.

    `quietly`: whoever has heard of the pause already need not be told.
    """

    event: str
    held: Held = Held()
    back_access: bool = False
    back_pay: bool = False
    quietly: bool = False


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
    result: str, held: Held, back: Collection[str], *, over: bool, heard: bool
) -> Theirs | None:
    """What those outside are told when a run of a pause has ended; None for nothing.

    `back` are the connectors in which it gave something back that nobody holds any more, `over`
    whether the pause is, `heard` whether those outside might have been told of it. One of which
    they never were leaves what the others hold, which they may not know yet.
    """
    if over and not heard and held.any:
        return Theirs(CONTAINED, held)
    pay, access = PAY in back, any(name != PAY for name in back)
    if result == RESTORED:
        word = RELEASED if held.any else RESTORED
        if word == RELEASED and not back:
            return None
        return Theirs(word, held, back_access=access or not back, back_pay=pay)
    if pay or (access and not held.access):
        return Theirs(RELEASED, held, back_access=access and not held.access, back_pay=pay)
    if result != CONTAINED or not held.any:
        return None
    # That a part of the access is back is told inside alone.
    return Theirs(CONTAINED, held, quietly=bool(back) and heard)


def subject(vendor: str, theirs: Theirs) -> str:
    """The subject of a notice to those outside."""
    held, word = theirs.held, theirs.event
    if word in (RELEASED, RESTORED):
        some = ("Some access" if held.access else "Access", "some" if held.pay else "")
        said = (f"{some[0]} of {vendor} is given back", "payments {} released", some[1])
        return _both(vendor, said, access=theirs.back_access, pay=theirs.back_pay)
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
