"""The log of a soak, for bench/soak.md."""

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

BEGIN, END = "<!-- log -->", "<!-- end of log -->"
LOG = Path(__file__).with_name("soak.md")


@dataclass(frozen=True, slots=True)
class Round:
    """One pause, its audits and its rollback. `asked`: how often the rollback was asked for."""

    number: int
    changes: int
    status: str
    kills: Mapping[str, int]
    faults: int
    audits: int
    asked: int
    contained: float
    seconds: float

    def cells(self) -> tuple[str, ...]:
        """The round as a row."""
        return (
            f"{self.number}",
            f"{self.changes}",
            f"{self.kills.get('worker', 0)}",
            f"{self.kills.get('server', 0)}",
            f"{self.faults}",
            self.status,
            f"{self.audits}",
            f"{self.asked}",
            f"{self.contained:.0f} s",
            f"{self.seconds:.0f} s",
        )

    def line(self) -> str:
        """The round for whoever waits."""
        number, changes, worker, server, faults, status, audits, asked, contained, seconds = (
            self.cells()
        )
        return (
            f"round {number}: {changes} held, killed worker {worker} server {server}, "
            f"{faults} faults, {status} after {contained}, {audits} audits, "
            f"rollback asked {asked} times, identical after {seconds}"
        )


@dataclass(frozen=True, slots=True)
class Soaked:
    """A whole soak; `fault` says how a round ended outside the laws."""

    seed: int
    kills: Mapping[str, int]
    rounds: tuple[Round, ...]
    fault: str


HEAD = ("round", "held", "worker killed", "server killed", "faults", "status", "audits")
TAIL = ("rollback asked", "contained after", "identical after")


def write(soaked: Soaked, path: Path = LOG) -> None:
    """Put the log between its marks. Raises ValueError when the marks are not there."""
    before, _, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"{path.name} has no place for the log: {BEGIN} … {END}")
    today = datetime.now(UTC).date().isoformat()
    kills = ", ".join(f"{number} of the {what}" for what, number in sorted(soaked.kills.items()))
    head = (
        f"{today}, {os.cpu_count()} cores, Python {platform.python_version()}; seed {soaked.seed}. "
        f"{sum(soaked.kills.values())} kills ({kills}) in {len(soaked.rounds)} rounds: "
        f"{soaked.fault or 'none outside the laws'}."
    )
    lines = [
        head,
        "",
        f"| {' | '.join((*HEAD, *TAIL))} |",
        f"|{'---|' * len((*HEAD, *TAIL))}",
        *(f"| {' | '.join(r.cells())} |" for r in soaked.rounds),
    ]
    text = "\n".join(lines)
    path.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")
