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
    """One life. `asked`: how many commands it took, of those who asked until they were heard.

    `notices` counts what arrived, those that came again included.
    """

    number: int
    life: str
    held: int
    kills: Mapping[str, int]
    faults: int
    notices: int
    asked: int
    contained: float
    seconds: float

    def cells(self) -> tuple[str, ...]:
        """The life as a row."""
        return (
            f"{self.number}",
            self.life,
            f"{self.held}",
            f"{self.kills.get('worker', 0)}",
            f"{self.kills.get('server', 0)}",
            f"{self.faults}",
            f"{self.notices}",
            f"{self.asked}",
            f"{self.contained:.0f} s",
            f"{self.seconds:.0f} s",
        )

    def line(self) -> str:
        """The life for whoever waits."""
        number, _, held, worker, server, faults, notices, asked, contained, seconds = self.cells()
        return (
            f"life {number}: {held} held after {contained}, "
            f"killed worker {worker} server {server}, {faults} faults, "
            f"{notices} notices heard, {asked} commands, over after {seconds}"
        )


@dataclass(frozen=True, slots=True)
class Soaked:
    """A whole soak; `fault` says how a life ended outside the laws."""

    seed: int
    kills: Mapping[str, int]
    within: Mapping[str, int]
    rounds: tuple[Round, ...]
    fault: str


HEAD = ("life", "what happened", "held", "worker killed", "server killed", "faults")
TAIL = ("notices", "commands", "contained after", "over after")


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
        f"{sum(soaked.kills.values())} kills ({kills}) in {len(soaked.rounds)} lives: "
        f"{soaked.fault or 'none outside the laws'}."
    )
    within = ", ".join(f"{step} {number}" for step, number in sorted(soaked.within.items()))
    lines = [
        head,
        "",
        f"| {' | '.join((*HEAD, *TAIL))} |",
        f"|{'---|' * len((*HEAD, *TAIL))}",
        *(f"| {' | '.join(r.cells())} |" for r in soaked.rounds),
        "",
        f"Kills by the step that they were in: {within}.",
    ]
    text = "\n".join(lines)
    path.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")
