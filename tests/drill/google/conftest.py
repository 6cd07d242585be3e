"""An emulated Google with a small estate, for each test its own."""

from collections.abc import Iterator

import pytest
from support.google_lab import ESTATE

from stopline.drill.google.building import build
from stopline.drill.google.server import Google


@pytest.fixture
def google() -> Iterator[Google]:
    """Served on a free loopback port, and stopped."""
    with Google(build(ESTATE)) as served:
        yield served
    assert not served.broken, served.broken[0]
