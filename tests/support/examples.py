"""How many examples a property is tried with: a third of them by day, all by night."""

import os

from hypothesis import settings

NIGHT = "NIGHT"
"""Set by `make nights`, and for the bugs that are planted."""


def examples(many: int) -> int:
    """So many by night, and a third by day."""
    return many if os.environ.get(NIGHT) else many // 3


def laws(many: int = 25) -> settings:
    """How the laws are tried: the same examples each time, however long they take."""
    return settings(max_examples=examples(many), deadline=None, derandomize=True)
