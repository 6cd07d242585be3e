"""The other side: a bare thread pool that makes the same calls, with no journal and no Temporal.

It reads and writes the same documents of the same plan, as many at a time as our windows allow.
It waits for nothing but the deny, which must be there before it is attached, and go after it.
"""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from bench.endpoint import Endpoint
from stopline.model import Breadth, Change


@dataclass(frozen=True, slots=True)
class Bare:
    """Seconds of the bare side."""

    contain: float
    restore: float


def bare(endpoint: Endpoint, work: Sequence[Change], threads: int) -> Bare:
    """Contain and restore with a pool of threads. Raises RuntimeError if it was no identity."""
    was = endpoint.pictures
    first = [c for c in work if c.breadth is Breadth.FOUNDATION]
    rest = [c for c in work if c.breadth is not Breadth.FOUNDATION]
    with ThreadPoolExecutor(threads) as pool:
        began = time.perf_counter()
        for part in (first, rest):
            list(pool.map(lambda change: _call(endpoint, change), part))
        middle = time.perf_counter()
        for part in (rest[::-1], first):
            list(pool.map(lambda change: _call(endpoint, change.inverse()), part))
        end = time.perf_counter()
    if endpoint.pictures != was:
        raise RuntimeError("the bare side did not give everything back; its figures mean nothing")
    return Bare(middle - began, end - middle)


def _call(endpoint: Endpoint, change: Change) -> None:
    observed = endpoint.read(change.address.document)
    endpoint.write(observed, [change], observed.raw or None, "bare")
