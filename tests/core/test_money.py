"""Amounts are exact, in each currency's own digits."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stopline.money import EXPONENTS, decimal, shown


@given(st.integers(-(10**30), 10**30), st.sampled_from(sorted(EXPONENTS)))
def test_a_decimal_is_the_same_amount(amount: int, currency: str) -> None:
    """Nothing is rounded, however large; there are as many digits as ISO 4217 says."""
    text = decimal(amount, currency)
    assert Fraction(text) * 10 ** EXPONENTS[currency] == amount
    assert len(text.partition(".")[2]) == EXPONENTS[currency]


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (120_050, "USD", "1200.50 USD"),
        (5, "USD", "0.05 USD"),
        (-5, "USD", "-0.05 USD"),
        (1_200, "JPY", "1200 JPY"),
        (1_001, "KWD", "1.001 KWD"),
        (7, "XYZ", "7 minor units of XYZ"),
        (7, "usd", "7 minor units of usd"),
    ],
)
def test_amounts_read_as_people_write_them(amount: int, currency: str, text: str) -> None:
    """A currency that is not known is never given digits that it may not have."""
    assert shown(amount, currency) == text
