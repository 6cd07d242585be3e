"""What Google's limits cost: 1,000 entries of allow policies over 200 projects, by a moved clock.

`python -m bench.google`. The emulated Google counts calls as the real one does; whoever must wait
moves the clock instead. So the figures are seconds of waiting for limits, and of nothing else.
"""

import os
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from bench.planning import plan
from stopline import planner
from stopline.connectors.gcp import GcpConnector
from stopline.connectors.gcp.clients import Clients
from stopline.drill import organisation as o
from stopline.drill.configure import MERCOR_GCP, gcp
from stopline.drill.google.building import build
from stopline.drill.google.faults import modelled
from stopline.drill.google.server import Google
from stopline.engine import Errand, apply
from stopline.estate import GcpEstate
from stopline.journal.book import Book, open_book
from stopline.model import Change, Direction, Scope
from stopline.port import Mark
from stopline.text import Json
from stopline.vendors import Vendor

PROJECTS, EACH = 200, 5
ROLES = ("roles/viewer", "roles/compute.viewer", "roles/pubsub.admin", "roles/run.admin")
MARK = Mark("0a1b2c3d", "00000001")
TOKEN = "BENCH_GOOGLE_TOKEN"  # noqa: S105 - the name of a variable
VENDOR = Vendor.model_validate({"vendor": "mercor", "gcp": MERCOR_GCP})
RULES = (("principals", "deny"), ("entries", "remove-where-not-denied"))


@dataclass(frozen=True, slots=True)
class Figures:
    """Changes, calls, and emulated seconds."""

    changes: int
    calls: int
    planned: float
    contained: float
    restored: float


def estate(projects: int) -> Json:
    """The drill's organisation with many projects, in each of which the vendor holds five roles."""
    told = o.told(0)
    for number in range(projects):
        members = [o.ANN, *o.LAB]
        bindings = [{"role": role, "members": members} for role in ROLES]
        bindings.append({"role": "roles/bigquery.dataViewer", "members": members})
        project = {"id": f"bench-{number:03d}", "number": str(300_000_000_000 + number)}
        told["projects"].append({**project, "bindings": bindings[:EACH]})
    return told


class Clock:
    """Emulated time, which whoever waits moves on."""

    def __init__(self, google: Google) -> None:
        """Begin now."""
        self.google = google
        self._lock = threading.Lock()

    def now(self) -> float:
        """Seconds."""
        return self.google.state.now().timestamp()

    def sleep(self, seconds: float) -> None:
        """Move it on, unless somebody beside us has done so."""
        until = self.now() + seconds
        with self._lock:
            self.google.state.advance(seconds=max(0.0, until - self.now()))


def carry_out(
    connector: GcpConnector,
    book: Book,
    work: tuple[Change, ...],
    direction: Direction,
    clock: Clock,
) -> None:
    """All of it, in order, one document after another."""
    errand = Errand(MARK.pause, direction, str(direction), "bench")
    for receipts in apply(connector, book.writes, errand, work, sleep=clock.sleep):
        if bad := [r for r in receipts if r.outcome not in ("applied", "already")]:
            raise SystemExit(f"{bad[0].outcome}: {bad[0].detail}")


def timed(clock: Clock, what: Callable[[], object]) -> float:
    """Seconds of emulated time that something took."""
    began = clock.now()
    what()
    return clock.now() - began


def run(projects: int) -> Figures:
    """Plan, contain and restore over so many projects; what is left is compared with what was."""
    os.environ[TOKEN] = o.WORKER
    with Google(build(estate(projects))) as google:
        google.faults.quotas = modelled()
        was, clock = google.state.fingerprint(), Clock(google)
        section = {**gcp(google.url, TOKEN), "calls_per_second": 8.0, "deny_reads_per_minute": 5}
        clients = Clients(GcpEstate.model_validate(section), sleep=clock.sleep, clock=clock.now)
        connector, book = GcpConnector(clients, 0.0), open_book("sqlite://")
        work: list[Change] = []
        planned = timed(clock, lambda: work.extend(plan(connector, VENDOR, RULES, MARK)))
        go = partial(carry_out, connector, book, clock=clock)
        contained = timed(clock, lambda: go(tuple(work), Direction.CONTAIN))
        holds = book.writes.holds()
        back = planner.plan_restore("mercor", MARK.pause, holds, Scope()).work
        restored = timed(clock, lambda: go(back, Direction.RESTORE))
        if google.state.fingerprint() != was:
            raise SystemExit("the organisation is not as it was")
        clients.close()
        book.close()
    return Figures(len(work), clients.calls, planned, contained, restored)


def main() -> None:
    """Print the figures."""
    found = run(PROJECTS)
    sys.stdout.write(
        f"changes {found.changes}, calls {found.calls}; seconds: planned {found.planned:.0f}, "
        f"contained {found.contained:.0f}, restored {found.restored:.0f}\n"
    )


if __name__ == "__main__":
    main()
