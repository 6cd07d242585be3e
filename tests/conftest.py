"""What holds for every test."""

import gc
import os
import sys

import pytest
from hypothesis import HealthCheck, settings

# A machine with more tests than cores is slow, and not deadlocked: the SDK's watch over workflows
# raises where it finds a thread, and fails whichever test that is. pytest's timeout finds a hang.
os.environ.setdefault("TEMPORAL_DEBUG", "1")

# What the libraries keep is large and lives as long as the process: to look through it for garbage
# after every few hundred objects costs a tenth of all the time.
gc.set_threshold(100_000, 50, 100)

# On such a machine what is slow says nothing about a strategy either.
settings.register_profile("loaded", suppress_health_check=[HealthCheck.too_slow], deadline=None)
settings.load_profile("loaded")


def pytest_sessionfinish() -> None:
    """Leave no server behind: of several processes each ends its own while it still can."""
    if "support.temporal" in sys.modules:
        sys.modules["support.temporal"].stop_the_server()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first, so that no one process is left with it at the end."""
    items.sort(key=lambda item: item.path.parent.name not in ("workflows", "recovery", "cli"))
