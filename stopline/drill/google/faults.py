"""Bad nights on demand: calls that fail before or after the write, lost replies, quotas, races."""

import fnmatch
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from stopline.drill.google.documents import Method
from stopline.drill.google.errors import GoogleError
from stopline.text import Json


class Moment(StrEnum):
    """When a fault strikes: before the method has done anything, or when all is done."""

    BEFORE = "before"
    AFTER = "after"


class LostReplyError(Exception):
    """The connection is closed without an answer."""


@dataclass
class Fault:
    """What befalls the next `times` calls of a method. `status` 0 closes the connection."""

    method: str
    """A key such as `iam.v2.policies.createPolicy`, or a pattern: `*.setIamPolicy`."""

    moment: Moment
    status: int = 503
    times: int = 1
    reason: str = ""
    seconds: float = 0.0
    """How slow the call is; a slow call with `status` 200 does not fail."""

    def strike(self) -> None:
        """Raise what the caller sees instead of the answer."""
        time.sleep(self.seconds)
        if self.status == 200:  # noqa: PLR2004 - HTTP's own number
            return
        if self.status == 0:
            raise LostReplyError
        message = "The service is currently unavailable."
        if self.status == 429:  # noqa: PLR2004 - HTTP's own number
            message = "Quota exceeded for quota metric. Please retry later."
        raise GoogleError(self.status, message, reason=self.reason)


@dataclass
class Quota:
    """At most so many reads and writes in a minute, for each quota project or bucket.

    https://cloud.google.com/docs/quotas/overview
    """

    reads: int
    writes: int
    seconds: float = 60.0
    _calls: dict[tuple[str, bool], deque[float]] = field(default_factory=dict)

    def take(self, project: str, now: float, *, write: bool) -> None:
        """Count a call. Raises GoogleError 429 when the minute is full."""
        calls = self._calls.setdefault((project, write), deque())
        while calls and calls[0] <= now - self.seconds:
            calls.popleft()
        most = self.writes if write else self.reads
        if len(calls) >= most:
            unit = "Write" if write else "Read"
            raise GoogleError(
                429,
                f"Quota exceeded for quota metric '{unit} requests' and limit "
                f"'{unit} requests per minute' of {most}.",
                details=[_RATE],
            )
        calls.append(now)


_RATE: Json = {
    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
    "reason": "RATE_LIMIT_EXCEEDED",
    "domain": "googleapis.com",
}
BUCKETS = "storage.v1.buckets"
_METADATA = frozenset(f"{BUCKETS}.{verb}" for verb in ("patch", "update", "setIamPolicy"))


def modelled() -> dict[str, Quota]:
    """The published defaults, by `api.version`; a bucket's metadata changes once a second.

    https://cloud.google.com/iam/quotas and https://cloud.google.com/storage/quotas
    """
    return {
        "iam.v1": Quota(6000, 600),
        "iam.v2": Quota(5, 5),
        "cloudasset.v1": Quota(400, 400),
        "cloudresourcemanager.v3": Quota(600, 600),
        "admin.directory_v1": Quota(2400, 2400),
        BUCKETS: Quota(5000, 1, seconds=1.0),
    }


class Faults:
    """All that goes wrong, set by tests and by the drill."""

    def __init__(self) -> None:
        self.quotas: dict[str, Quota] = {}
        self._planned: list[Fault] = []
        self._races: list[tuple[str, Callable[[], None], list[int]]] = []
        self._lock = threading.Lock()

    def add(self, method: str, moment: Moment, status: int = 503, times: int = 1) -> None:
        """Plan a fault; see Fault."""
        with self._lock:
            self._planned.append(Fault(method, moment, status, times))

    def slow(self, method: str, seconds: float, times: int = 1) -> None:
        """Let the next calls of a method take their time before they are done, and then work."""
        with self._lock:
            fault = Fault(method, Moment.BEFORE, 200, times, seconds=seconds)
            self._planned.append(fault)

    def race(self, method: str, stranger: Callable[[], None], times: int = 1) -> None:
        """Let a stranger act just before each of the next calls of a method."""
        with self._lock:
            self._races.append((method, stranger, [times]))

    def clear(self) -> None:
        """All goes well from now on; quotas stay."""
        with self._lock:
            self._planned, self._races = [], []

    def enter(self, method: Method, project: str, now: float, bucket: str = "") -> Fault | None:
        """Called before a method; gives the fault that strikes afterwards, if there is one."""
        with self._lock:
            if quota := self.quotas.get(f"{method.api}.{method.version}"):
                quota.take(project, now, write=method.writes)
            if method.key in _METADATA and (quota := self.quotas.get(BUCKETS)):
                quota.take(bucket, now, write=True)
            strangers = [race[1] for race in self._races if self._due(race, method)]
            fault = self._next(method)
        for stranger in strangers:
            stranger()
        if fault is not None and fault.moment is Moment.BEFORE:
            fault.strike()
        return fault

    @staticmethod
    def _due(race: tuple[str, Callable[[], None], list[int]], method: Method) -> bool:
        if race[2][0] < 1 or not fnmatch.fnmatchcase(method.key, race[0]):
            return False
        race[2][0] -= 1
        return True

    def _next(self, method: Method) -> Fault | None:
        for fault in self._planned:
            if fault.times > 0 and fnmatch.fnmatchcase(method.key, fault.method):
                fault.times -= 1
                return fault
        return None
