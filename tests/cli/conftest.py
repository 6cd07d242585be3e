"""Fixtures of the command line's tests."""

import pytest
from support.asking import Asking
from support.temporal import House, house, installation, temporal_server

__all__ = ["asking", "house", "installation", "temporal_server"]


@pytest.fixture
def asking(
    house: House, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Asking:
    """The program, over a house at work."""
    return Asking(house, capsys, monkeypatch)
