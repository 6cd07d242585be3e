"""How fast a provider is called: turns that callers of one account or service take.

A write may wait for its turn only as long as its lease allows: the lease was checked before the
wait. What would wait longer is not sent, and takes no turn; the engine begins again.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from stopline.errors import ConnectorError
from stopline.receipts import Cause

WAIT_SECONDS = 2.0
"""How long a write may wait for its turn and its credentials, between the lease's last check and
sending: with the longest request of a connector it is what STOPLINE_REQUEST_SECONDS allows by
default. A write that has waited longer is not sent, since the lease may be another attempt's."""
MINUTE = 61.0
"""A minute, and what a call may have been on its way."""


def late(why: str) -> ConnectorError:
    """A write that was not sent: the engine lets go of it, waits, and begins again."""
    return ConnectorError(Cause.THROTTLED, f"not sent after {WAIT_SECONDS:g} s: {why}")


@dataclass
class Rate:
    """A bucket of tokens: at most `per_second` in the long run, a second's worth at once."""

    per_second: float
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def __post_init__(self) -> None:
        """Begin full."""
        self._lock = threading.Lock()
        self._next = self.clock() - 1.0

    def take(self, at_most: float = inf) -> None:
        """Wait for one turn. Raises ConnectorError, and takes none, when that is too long."""
        with self._lock:
            now = self.clock()
            due = max(self._next, now - 1.0) + 1.0 / self.per_second
            if due - now > at_most:
                raise late(f"{self.per_second:g} calls a second are all taken")
            self._next = due
        if due > now:
            self.sleep(due - now)


@dataclass
class Window:
    """At most `most` in any minute. Waits until the oldest is over."""

    most: int
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def __post_init__(self) -> None:
        """Begin empty."""
        self._lock = threading.Lock()
        self._taken: deque[float] = deque(maxlen=self.most)

    def take(self, at_most: float = inf) -> None:
        """Wait for one turn. Raises ConnectorError, and takes none, when that is too long."""
        with self._lock:
            now = self.clock()
            full = len(self._taken) == self._taken.maxlen
            turn = max(now, self._taken[0] + MINUTE) if full else now
            if turn - now > at_most:
                raise late(f"{self.most} calls a minute are all taken")
            self._taken.append(turn)
        if turn > now:
            self.sleep(turn - now)
