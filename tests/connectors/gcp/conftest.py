"""An emulated Google Cloud for each test."""

from collections.abc import Iterator

import pytest
from support.google import TOKEN, WORKER, seed
from support.google_nights import Night

from stopline.drill.google import conditions
from stopline.drill.google.server import Google


@pytest.fixture(autouse=True, scope="session")
def _expressions() -> None:
    """The library of expressions raises Python's recursion limit at its first: not in a law."""
    conditions.check("true")


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch) -> Iterator[Google]:
    """The organisation, served; our own service account is who calls."""
    monkeypatch.setenv(TOKEN, WORKER)
    with Google() as made:
        yield seed(made)


@pytest.fixture
def night(google: Google) -> Iterator[Night]:
    """An ordinary night."""
    made = Night(google)
    yield made
    made.close()
