"""Stripe's amounts as whole minor units of ISO 4217. Pure.

Stripe counts most currencies in the minor unit of ISO 4217, and three otherwise: Iceland's króna
and Uganda's shilling as if they had cents, which they have not, and Madagascar's ariary whole.
https://docs.stripe.com/currencies
"""

from collections.abc import Mapping

_SCALE: Mapping[str, tuple[int, int]] = {"ISK": (1, 100), "UGX": (1, 100), "MGA": (100, 1)}
"""By currency: what one of Stripe's units is multiplied with and divided by."""


def minor_units(currency: str, amount: int) -> tuple[str, int]:
    """Return the currency's ISO 4217 code and the amount in its minor unit.

    Raises ValueError where the amount is no whole number of them: nothing is ever rounded.
    """
    code = currency.upper()
    times, per = _SCALE.get(code, (1, 1))
    whole, rest = divmod(amount * times, per)
    if rest:
        message = f"{amount} of Stripe's units of {code} are no whole minor units of it"
        raise ValueError(message)
    return code, whole
