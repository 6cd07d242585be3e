"""What people did by hand in a system that stopline cannot reach, and what shows it. Pure.

One person acts there and attests it, with proof; another person confirms it. What is attested says
what became of each amount, in whole minor units, so that nothing is lost between two hands:
what was held is released, issued anew or written off, to the cent.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from stopline.model import Address
from stopline.money import EXPONENTS, shown

_SHA256 = re.compile(r"[0-9a-f]{64}")
_AMOUNT = re.compile(r"(?:(?P<payee>\S+):)?(?P<currency>[A-Z]{3})=(?P<minor>[0-9]{1,18})")


DONE, CONFIRM, REFUSE = "done", "confirm", "refuse"
"""What a person says: that it is done; as another person, that it is so, or is not."""


class Step(StrEnum):
    """What a person is to do."""

    HOLD = "hold"
    RELEASE = "release"


class Became(StrEnum):
    """What became of one amount: the first two of a hold, the others of a release."""

    HELD = "held"
    ESCAPED = "escaped"
    """It had left before the person could hold it."""
    RELEASED = "released"
    REISSUED = "reissued"
    """Its payment had been cancelled there, and was made anew."""
    WRITTEN_OFF = "written off"
    """The lab decided to owe it no more."""


OF_STEP = {
    Step.HOLD: (Became.HELD, Became.ESCAPED),
    Step.RELEASE: (Became.RELEASED, Became.REISSUED, Became.WRITTEN_OFF),
}


@dataclass(frozen=True, slots=True, order=True)
class Amount:
    """What became of so many minor units of one payee's. `pay_by` is a date, or empty."""

    payee: str
    currency: str
    minor: int
    became: Became
    pay_by: str = ""


@dataclass(frozen=True, slots=True)
class Deed:
    """What one person says to have done at an address, and the file that shows it.

    Of the file its name and its SHA-256 are kept, never its content: that may be personal data.
    `before` is how it was set there before, for whoever puts it back.
    """

    address: Address
    step: Step
    proof: str
    sha256: str
    amounts: tuple[Amount, ...] = ()
    before: str = ""


@dataclass(frozen=True, slots=True)
class Attestation:
    """A deed as the journal has it: `seq` is its event; `confirmed_by` another person, or empty.

    `over` is whether the pause to which it was said has ended: closed, where nobody is heard any
    more, or terminated. Then any other pause that holds the address hears the answer.
    """

    seq: int
    pause: str
    at: str
    by: str
    ref: str
    deed: Deed
    confirmed_by: str = ""
    refused_by: str = ""
    over: bool = False

    def answered_to(self, pause: str) -> str:
        """The pause to which another person answers, where `pause` holds what was done."""
        return pause if self.over else self.pause

    @property
    def waits(self) -> bool:
        """Whether nobody else has said anything to it yet."""
        return not (self.confirmed_by or self.refused_by)


Told = Callable[[Address], tuple[Attestation, ...]]
"""Everything that was attested about an address, oldest first."""


def amount_of(text: str, payee: str, became: Became, pay_by: str = "") -> Amount:
    """Read `[PAYEE:]CURRENCY=MINOR`; raises ValueError saying what is wrong with it."""
    found = _AMOUNT.fullmatch(text)
    if found is None:
        message = f"{text!r} is not [PAYEE:]CURRENCY=MINOR, a whole number of minor units"
        raise ValueError(message)
    currency = found["currency"]
    if currency not in EXPONENTS:
        message = f"{currency!r} is no currency of ISO 4217"
        raise ValueError(message)
    return Amount(found["payee"] or payee, currency, int(found["minor"]), became, pay_by)


def wrong_with(deed: Deed, held: Sequence[Amount]) -> str:
    """Why a deed cannot be taken, or nothing. `held` is what the hold before a release held."""
    if not _SHA256.fullmatch(deed.sha256) or not deed.proof or "/" in deed.proof:
        return "the proof wants a file's name and its SHA-256"
    if any(one.became not in OF_STEP[deed.step] for one in deed.amounts):
        return f"an amount says what a {deed.step} cannot do"
    if deed.step is Step.HOLD and not deed.before.strip():
        return "how it was set before is not said, so nobody could put it back"
    if deed.step is Step.RELEASE:
        return "; ".join(unsettled(held, deed.amounts))
    return ""


def unsettled(held: Iterable[Amount], settled: Iterable[Amount]) -> list[str]:
    """By payee and currency, what of the held is not accounted for, or more than was held."""
    left: dict[tuple[str, str], int] = {}
    for one in held:
        key = (one.payee, one.currency)
        left[key] = left.get(key, 0) + (one.minor if one.became is Became.HELD else 0)
    for one in settled:
        key = (one.payee, one.currency)
        left[key] = left.get(key, 0) - one.minor
    return [
        f"{payee}: {shown(rest, currency)} of what was held is not accounted for"
        for (payee, currency), rest in sorted(left.items())
        if rest
    ]


def standing(told: Iterable[Attestation]) -> Attestation | None:
    """The hold that stands by what was attested, or may: two people release it, nobody else.

    It counts from the moment that a person acted. One that another person refused may stand all the
    same, in that system or in part: `doubt` says so.
    """
    holds: list[Attestation] = []
    for one in told:
        if one.deed.step is Step.HOLD:
            holds.append(one)
        elif one.confirmed_by:
            holds = []
    sure = [hold for hold in holds if not hold.refused_by]
    return (sure or holds)[-1] if holds else None


def doubt(told: Sequence[Attestation]) -> str:
    """Why nobody knows whether the hold stands as it was attested; empty where that is known."""
    hold = standing(told)
    if hold is None:
        return ""
    if hold.refused_by:
        return f"{hold.by} said that it is held, and {hold.refused_by} that it is not so"
    later = (one for one in told if one.seq > hold.seq and one.deed.step is Step.RELEASE)
    released = next((one for one in later if not one.confirmed_by), None)
    if released is None:
        return ""
    return (
        f"{released.by} said to the pause {released.pause} that it was released, which nobody else "
        "has confirmed"
    )


def held_by(told: Iterable[Attestation]) -> tuple[Amount, ...]:
    """What the standing hold holds, of which a release must account for every cent."""
    hold = standing(told)
    return tuple(a for a in hold.deed.amounts if a.became is Became.HELD) if hold else ()


def undecided(told: Iterable[Attestation]) -> Attestation | None:
    """What waits for another person's word."""
    return next((one for one in told if one.waits), None)


@dataclass(frozen=True, slots=True)
class Attesting:
    """What `by` says of a deed to a pause: `word` is `done`, `confirm` or `refuse`.

    `ref` is the deed in the journal; `seq` the event of the one that another person answers to,
    and `sha256` what they found the file to be. `signature` is OpenSSH's.
    """

    word: str = ""
    ref: str = ""
    by: str = ""
    reason: str = ""
    seq: int = 0
    sha256: str = ""
    signature: str = ""
    pause: str = ""
    journal: str = ""
