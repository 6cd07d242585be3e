"""A worker of the bench as a child process: the ordinary worker over the bench's endpoint.

It says `ready` when it works, answers each line that it reads with its figures as one line of
JSON, and ends when there is nothing more to read.
"""

import asyncio
import json
import resource
import sys
from dataclasses import asdict, dataclass

import structlog
from temporalio.client import Client

from activities.bodies import Activities
from bench.endpoint import Endpoint, Size
from stopline.connectors.memory import NAME
from stopline.entrypoints.temporal import CONVERTER
from stopline.entrypoints.worker import build_worker
from stopline.journal.book import open_book
from stopline.text import canonical, sha256

MIB = 1024 * 1024
_UNIT = 1 if sys.platform == "darwin" else 1024
"""getrusage counts bytes on macOS, KiB elsewhere."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Calls answered so far, the largest resident memory so far, and what the estate looks like."""

    calls: int
    rss_mb: float
    picture: str


def figures(endpoint: Endpoint) -> Figures:
    """The worker's figures now."""
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _UNIT / MIB
    return Figures(endpoint.calls, round(rss, 1), sha256(canonical(endpoint.pictures)))


async def serve(address: str, journal: str, threads: int, size: Size) -> None:
    """Work until standard input ends."""
    book, endpoint = open_book(journal), Endpoint(size)
    client = await Client.connect(address, data_converter=CONVERTER)
    activities = Activities(book, lambda _estate: {NAME: endpoint})
    async with build_worker(client, activities, threads=threads):
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while await asyncio.to_thread(sys.stdin.readline):
            sys.stdout.write(json.dumps(asdict(figures(endpoint))) + "\n")
            sys.stdout.flush()


def main() -> None:
    """Start with what the parent passes: address, journal, threads, size."""
    address, journal, threads, size = sys.argv[1:]
    structlog.configure(logger_factory=structlog.WriteLoggerFactory(sys.stderr))
    asyncio.run(serve(address, journal, int(threads), Size(**json.loads(size))))


if __name__ == "__main__":
    main()
