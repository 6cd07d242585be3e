"""Amounts of money: whole numbers of a currency's minor unit, written in the currency. Pure.

How many digits a minor unit has is ISO 4217's: two for most, none for yen, three for dinars of
Kuwait. A currency that is not known here is never guessed at: its minor units are shown as such.
https://www.six-group.com/en/products-services/financial-information/market-reference-data/data-standards.html
"""

from collections.abc import Collection, Iterable, Mapping

from stopline.model import Address, State

_TWO = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD "
    "CAD CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD "
    "GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD "
    "MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP "
    "PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS "
    "TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG"
)
_OTHERS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
EXPONENTS: Mapping[str, int] = {
    **dict.fromkeys(_TWO.split(), 2),
    **{code: digits for digits, codes in _OTHERS.items() for code in codes.split()},
}
"""Digits after the decimal point, by currency."""


PAY = "payouts"
"""The connector whose holds keep from people what they are owed."""
ESCAPED = "escaped: "
"""How a rail begins the reason of what left before us, so that a report can tell it."""


_KEEPS_NOTHING = "-mark"
"""How a kind ends whose address says what is to become of money, and keeps none of it back."""


def keeps(address: Address) -> bool:
    """Whether a hold at an address keeps money from leaving."""
    return address.connector == PAY and not address.kind.endswith(_KEEPS_NOTHING)


def comes_back(mark: Address, address: Address) -> bool:
    """Whether what a mark is on comes back, once it is cancelled, into what an address holds.

    A mark's document begins with whose balance that is.
    """
    marks = mark.connector == PAY and not keeps(mark) and keeps(address)
    whose = mark.document.id.partition("/")[0]
    return marks and (mark.realm, whose) == (address.realm, address.document.id)


def has_left(address: Address, state: State | None) -> bool:
    """Whether a mark, which kept nothing back, is on what was sent: it has no more to say there."""
    marks = address.connector == PAY and not keeps(address)
    return marks and state is not None and bool(state.value.get("status"))


Target = tuple[str, str, str]
"""A connector, a ledger and the id of a document: what the levers at it are about."""


def target_of(address: Address) -> Target:
    """What a lever at an address is about."""
    return address.connector, address.realm, address.document.id


def let_go(released: Iterable[Address], held: Collection[Address]) -> frozenset[Target]:
    """What is owed and was released, whatever lever held it: nothing of it is `held` any more."""
    standing = {target_of(address) for address in held}
    return frozenset(target_of(a) for a in released if a.connector == PAY) - standing


def by_run(run: str) -> str:
    """Which pay run let it go, in the words of a report."""
    return f"by the pay run {run!r}" if run else "by a pay run that the ledger does not name"


def decimal(amount: int, currency: str) -> str:
    """Return minor units as a decimal of the currency, exactly; empty for an unknown currency."""
    digits = EXPONENTS.get(currency)
    if digits is None:
        return ""
    whole, rest = divmod(abs(amount), 10**digits)
    sign = "-" if amount < 0 else ""
    return f"{sign}{whole}.{rest:0{digits}}" if digits else f"{sign}{whole}"


def shown(amount: int, currency: str) -> str:
    """Return minor units for a person to read: `12.00 USD`, `1200 JPY`, `7 minor units of XYZ`."""
    text = decimal(amount, currency)
    return f"{text} {currency}" if text else f"{amount} minor units of {currency}"
