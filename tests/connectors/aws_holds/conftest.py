"""One emulated AWS for the folder; a new account of it for each test."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from support.aws_holds import AwsNight

from stopline.drill.emulator import Emulator

NUMBERS = count(100_000_000_001)


@pytest.fixture(scope="session")
def emulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An emulated AWS, and the credentials of the worker in the environment."""
    folder: Path = tmp_path_factory.mktemp("aws-holds")
    patch = pytest.MonkeyPatch()
    with Emulator(folder) as emulator:
        patch.setenv("AWS_ENDPOINT_URL", emulator.url)
        patch.setenv("AWS_ACCESS_KEY_ID", "worker")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "worker")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_CONFIG_FILE", str(folder / "none"))
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(folder / "none"))
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        yield emulator.url
        patch.undo()


@pytest.fixture
def night(emulated: str) -> AwsNight:
    """An account that nobody else uses."""
    return AwsNight(emulated, str(next(NUMBERS)))
