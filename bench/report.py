"""What the bench found: for people, for machines, and for bench/README.md."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.bare import Bare
from bench.product import Measured

BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"
MARK = 304
"""Targets in a second of the prototype that came before, three calls of 10 ms each."""


@dataclass(frozen=True, slots=True)
class Pair:
    """The product and the bare pool over equal estates, so many documents at a time."""

    measured: Measured
    bare: Bare
    lanes: int

    @property
    def contain(self) -> float:
        """How many times as long the contain phase takes."""
        return self.measured.contain.seconds / self.bare.contain

    @property
    def restore(self) -> float:
        """How many times as long the restore takes."""
        return self.measured.restore.seconds / self.bare.restore


@dataclass(frozen=True, slots=True)
class Report:
    """All figures of one run."""

    small: Pair
    middle: Pair
    large: Pair
    rounds: int
    latency: float
    date: str
    machine: str

    @property
    def per_second(self) -> float:
        """Changes in a second of the large run's contain phase."""
        return self.large.measured.changes / self.large.measured.contain.seconds

    @property
    def events(self) -> int:
        """History events for 1,000 changes: the pause's first run and its shards."""
        return self.middle.measured.events

    def document(self) -> dict[str, Any]:
        """The figures as one JSON document."""
        return {
            "apiVersion": "stopline/v1",
            "kind": "BenchReport",
            "ratio": {
                "contain_100": round(self.small.contain, 3),
                "contain_1000": round(self.middle.contain, 3),
                "restore_1000": round(self.middle.restore, 3),
            },
            "first_cut_s": round(self.middle.measured.first_cut, 3),
            "calls_per_change": round(self._calls, 2),
            "history_events_per_1000": self.events,
            "worker_rss_mb": self.large.measured.rss_mb,
            "targets_per_s_10000": round(self.per_second, 1),
        }

    @property
    def _calls(self) -> float:
        return self.middle.measured.calls / self.middle.measured.changes

    def rows(self) -> list[tuple[str, str]]:
        """The table, with what each figure is."""
        small, middle, large = self.small, self.middle, self.large
        phase = middle.measured.contain
        return [
            ("contain, 100 changes: ratio to the bare pool", _ratio(small, "contain")),
            ("contain, 1,000 changes: ratio to the bare pool", _ratio(middle, "contain")),
            ("restore, 1,000 changes: ratio to the bare pool", _ratio(middle, "restore")),
            ("trigger to the first cut, 1,000 changes", f"{middle.measured.first_cut:.2f} s"),
            ("trigger to `contained`, 1,000 changes", f"{middle.measured.contained:.2f} s"),
            ("calls for a change, contain phase", f"{phase.calls / middle.measured.changes:.2f}"),
            ("calls for a change, with discovery and verification", f"{self._calls:.2f}"),
            ("history events for 1,000 changes", f"{self.events}"),
            ("peak memory of the worker, the largest run", f"{large.measured.rss_mb:.0f} MiB"),
            (f"changes in a second, {large.measured.changes:,} in 50 realms", self._speed()),
            ("the same: ratio to the bare pool", _ratio(large, "contain")),
            ("the same, restore: ratio to the bare pool", _ratio(large, "restore")),
        ]

    def _speed(self) -> str:
        return f"{self.per_second:.0f} (the mark: {MARK})"

    def page(self) -> str:
        """The table for people."""
        rows = self.rows()
        width = max(len(name) for name, _ in rows)
        return "".join(f"{name:<{width}}  {figure}\n" for name, figure in rows)

    def write(self, path: Path) -> None:
        """Put the figures between their marks. Raises ValueError when the marks are not there."""
        before, _, rest = path.read_text(encoding="utf-8").partition(BEGIN)
        _, end, after = rest.partition(END)
        if not end:
            raise ValueError(f"{path.name} has no place for figures: {BEGIN} … {END}")
        head = (
            f"Measured on {self.date}, {self.machine}; {self.latency * 1000:.0f} ms for each call, "
            f"the median of {self.rounds} rounds (the largest estate: one)."
        )
        lines = [
            head,
            "",
            "| what | figure |",
            "|---|---|",
            *(f"| {name} | {figure} |" for name, figure in self.rows()),
        ]
        text = "\n".join(lines)
        path.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


def _ratio(pair: Pair, phase: str) -> str:
    ours = getattr(pair.measured, phase).seconds
    theirs = getattr(pair.bare, phase)
    return f"{ours / theirs:.2f} ({ours:.2f} s to {theirs:.2f} s, {pair.lanes} at a time)"
