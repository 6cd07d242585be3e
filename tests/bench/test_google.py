"""What Google's limits cost is measured on a night that ends as it began."""

import pytest

from bench import google
from stopline.drill.google import conditions


def test_a_small_night_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five entries in each project, and what the drill's own project has; some waiting."""
    conditions.check("true")
    monkeypatch.setenv(google.TOKEN, "")
    found = google.run(4)
    assert found.changes >= 4 * google.EACH
    assert found.calls > found.changes
    assert 0 < found.contained < 120
