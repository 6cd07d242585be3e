"""One emulated AWS for all tests of the connector, empty for each."""

from collections.abc import Iterator

import pytest
from support.aws import Cloud, cloud_server, fresh


@pytest.fixture(scope="session")
def cloud_url() -> Iterator[str]:
    """The emulator's address."""
    with cloud_server() as url:
        yield url


@pytest.fixture
def cloud(cloud_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """An empty emulator."""
    with fresh(cloud_url, monkeypatch) as cloud:
        yield cloud
