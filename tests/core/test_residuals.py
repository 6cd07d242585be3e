"""What outlives a containment ends by the clock, or by a word that only a person can say is so."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stopline.model import Address, Residual
from stopline.residuals import Residuals, seconds_of, summed

KEY, TOKEN = (Address("gcp", "p", "key", name) for name in ("a", "b"))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("PT7M", 420.0),
        ("PT1H", 3600.0),
        ("P1DT2H3M4S", 93_784.0),
        ("P90D", 7_776_000.0),
        ("P", None),
        ("PT", None),
        ("P1Y", None),
        ("until they settle", None),
        ("", None),
    ],
)
def test_a_duration_is_read_and_words_are_none(text: str, seconds: float | None) -> None:
    """Years and months have no fixed length, so they are words too."""
    assert seconds_of(text) == seconds


@given(st.integers(0, 7200), st.integers(0, 7200), st.integers(0, 20_000))
def test_it_is_over_when_the_last_write_is_that_long_ago(a: int, b: int, now: int) -> None:
    """Two keys, each with tokens of an hour; one more was never written by us."""
    elsewhere = Residual(Address("gcp", "p", "key", "never"), "tokens", "PT1H")
    said = [Residual(KEY, "tokens", "PT1H"), Residual(TOKEN, "tokens", "PT1H"), elsewhere]
    (one,) = summed(said, {KEY: float(a), TOKEN: float(b)}, float(now))
    assert one.number == 2
    assert one.ended == (a + 3600 <= now) + (b + 3600 <= now)
    assert (one.ended == 2) == (one.last <= now)


def test_what_only_words_end_is_never_said_to_be_over() -> None:
    """However long ago."""
    words = Residual(KEY, "open sessions", "until they are closed")
    told = Residuals("gcp", "open sessions", "until they are closed", 1, 0)
    assert summed([words], {KEY: 0.0}, 1e12) == (told,)
