"""`make bench`: what durability costs, beside a bare thread pool that makes the same calls."""

import argparse
import asyncio
import json
import os
import platform
import statistics
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from activities.api import Options
from bench.bare import Bare, bare
from bench.endpoint import Endpoint, Size
from bench.product import Measured, product
from bench.report import Pair, Report
from stopline.entrypoints.embedded import Server, free_port
from stopline.errors import StoplineError
from stopline.settings import Settings

README = Path(__file__).with_name("README.md")
REALMS = 50
THREADS: int = Settings.model_fields["threads"].default


def say(text: str) -> None:
    """One line to whoever waits."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


async def pair(folder: Path, address: str, size: Size) -> Pair:
    """Both sides, one after the other, over equal estates."""
    options = Options()
    await asyncio.to_thread(folder.mkdir, parents=True)
    lanes = min(THREADS, options.window * min(size.realms, options.shards))
    async with product(folder, address, size, THREADS) as side:
        measured = await side.measure()
        plan = side.book.pauses.plan(side.book.pauses.list("mercor")[0].plan).plan
        work = list(plan.work)
    other = await asyncio.to_thread(bare, Endpoint(size), work, lanes)
    say(_line(measured, other, lanes))
    return Pair(measured, other, lanes)


def _line(measured: Measured, other: Bare, lanes: int) -> str:
    contain, restore = measured.contain.seconds, measured.restore.seconds
    return (
        f"  {measured.changes:>6} changes, {lanes} at a time: "
        f"contain {contain:.2f} s against {other.contain:.2f} s ({contain / other.contain:.2f}), "
        f"restore {restore:.2f} s against {other.restore:.2f} s ({restore / other.restore:.2f})"
    )


async def run(folder: Path, wanted: argparse.Namespace) -> Report:
    """All runs on one server."""
    load = f"{os.getloadavg()[0]:.1f} before it began"
    server = Server(folder / "temporal", free_port())
    server.start()
    say(f"Temporal is up; {wanted.rounds} rounds, {wanted.latency * 1000:.0f} ms for each call")
    sizes = [Size(100, latency=wanted.latency), Size(1000, latency=wanted.latency)]
    pairs: dict[int, list[Pair]] = {size.changes: [] for size in sizes}
    try:
        for number in range(wanted.rounds):
            for size in sizes:
                where = folder / f"{number}-{size.changes}"
                pairs[size.changes].append(await pair(where, server.address, size))
        large = Size(wanted.large, REALMS, wanted.latency)
        last = await pair(folder / "large", server.address, large)
    finally:
        server.stop()
    return Report(
        small=_median(pairs[100]),
        middle=_median(pairs[1000]),
        large=last,
        rounds=wanted.rounds,
        latency=wanted.latency,
        date=datetime.now(UTC).date().isoformat(),
        machine=f"{os.cpu_count()} cores, Python {platform.python_version()}, load average {load}",
    )


def _median(pairs: list[Pair]) -> Pair:
    """The pair whose ratio is the middle one; the lower of two."""
    middle = statistics.median_low([p.contain for p in pairs])
    return next(p for p in pairs if p.contain == middle)


def _asked() -> argparse.Namespace:
    """What was asked for; ends with one line and code 2 when it makes no sense."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--output", choices=("text", "json"), default="text")
    parser.add_argument("--rounds", type=int, default=3, help="how often the small runs are made")
    parser.add_argument("--large", type=int, default=10_000, help="changes of the large run")
    parser.add_argument("--latency", type=float, default=0.01, help="seconds for each call")
    parser.add_argument("--write", action="store_true", help="put the figures into bench/README.md")
    wanted = parser.parse_args()
    if wanted.rounds < 1:
        parser.error("--rounds must be 1 or more")
    if wanted.large < 3 * REALMS or wanted.large % REALMS:
        parser.error(f"--large must be a multiple of {REALMS}, {3 * REALMS} or more")
    if not 0 <= wanted.latency <= 1:
        parser.error("--latency must be between 0 and 1 second")
    return wanted


def main() -> int:
    """Run the bench; its report on stdout, its progress on stderr."""
    wanted = _asked()
    try:
        with tempfile.TemporaryDirectory(prefix="stopline-bench-") as folder:
            report = asyncio.run(run(Path(folder), wanted))
    except (StoplineError, RuntimeError) as error:
        say(f"error: {error}")
        return 1
    as_json = wanted.output == "json"
    sys.stdout.write(json.dumps(report.document()) + "\n" if as_json else report.page())
    if wanted.write:
        report.write(README)
    return 0


if __name__ == "__main__":
    sys.exit(main())
