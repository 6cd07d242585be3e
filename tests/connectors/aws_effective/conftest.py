"""One emulated AWS for the tests of resource policies, empty for each."""

from collections.abc import Iterator

import pytest
from support.aws import Cloud, cloud_server, fresh


@pytest.fixture(scope="session")
def resources_url() -> Iterator[str]:
    """The emulator's address."""
    with cloud_server() as url:
        yield url


@pytest.fixture
def cloud(resources_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """An empty emulator."""
    with fresh(resources_url, monkeypatch) as cloud:
        yield cloud
