"""One emulated AWS for all tests of the connector; and the contract's assertions speak."""

from collections.abc import Iterator

import pytest

pytest.register_assert_rewrite("connectors.contract", "support.aws")

from support.aws import Cloud, cloud_server, fresh  # noqa: E402 - rewritten as it is imported


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
