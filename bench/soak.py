"""`make soak`: lives of a vendor under pause in which worker and Temporal are killed at random.

Each life is drawn from the seed: access and money are paused in either order, behind a proxy that
loses replies, throttles and fails, while pay runs go; a stranger opens some of it, which audits
contain again; it is reassessed; a project, a cloud or a contractor's pay is given back; others
pause the same things; and each pause is given back or terminated, in any order. A seeded killer
ends the worker or the server with SIGKILL in every step. What must hold at each rest and at the
end is in `bench.soaking.laws`.
"""

import argparse
import random
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from support.fault_proxy import Faults

from bench.soaked import Round, Soaked, write
from bench.soaking import laws
from bench.soaking.killer import Killer
from bench.soaking.life import drawn
from bench.soaking.living import Living
from bench.soaking.night import Night, OutsideTheLawsError
from stopline.errors import SetupError

PLAYBOOK = Path(__file__).parents[1] / "config" / "playbooks" / "default.yaml"


def say(text: str) -> None:
    """One line to whoever waits."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


@dataclass
class Soak:
    """All lives of one soak. A termination ends an estate: the next life begins with another."""

    chance: random.Random
    killer: Killer
    faults: Faults
    wanted: int
    size: int
    rounds: list[Round] = field(default_factory=list)
    folder: Path = Path()

    def run(self) -> None:
        """Live until there were enough kills. Raises OutsideTheLawsError."""
        while self.killer.kills.total() < self.wanted:
            self.folder = Path(tempfile.mkdtemp(prefix="stopline-soak-"))
            night = Night(self.folder, _playbook(), self.size)
            with night.up(self.faults):
                self._lives(night)
            shutil.rmtree(self.folder, ignore_errors=True)

    def _lives(self, night: Night) -> None:
        was, chain = laws.prints(night), laws.Chain()
        while self.killer.kills.total() < self.wanted:
            life = drawn(self.chance)
            say(f"  life {len(self.rounds) + 1}: {life.words()}")
            living = Living(night, self.killer, life, was, chain)
            self.rounds.append(self._lived(living))
            say(f"  {self.rounds[-1].line()}")
            if life.terminated:
                return

    def _lived(self, living: Living) -> Round:
        began, kills, done = time.monotonic(), self.killer.kills.copy(), self.faults.done.copy()
        asked = living.night.asked
        living.run()
        return Round(
            number=len(self.rounds) + 1,
            life=living.life.words(),
            held=living.held,
            kills=dict(self.killer.kills - kills),
            faults=(self.faults.done - done).total(),
            notices=living.told,
            asked=living.night.asked - asked,
            contained=living.contained,
            seconds=time.monotonic() - began,
        )


def _playbook() -> str:
    """The real playbook, with limits that let it take a whole estate away."""
    playbook = yaml.safe_load(PLAYBOOK.read_text(encoding="utf-8"))
    playbook["limits"] = {"changes": 10_000, "share": 1.0}
    return yaml.safe_dump(playbook, sort_keys=False)


def main() -> int:
    """Run the soak; 0 when no life ended outside the laws."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of the lives, kills and faults")
    parser.add_argument("--kills", type=int, default=200, help="how many, at least")
    parser.add_argument("--size", type=int, default=2, help="of the drill's estate")
    parser.add_argument("--most", type=int, default=10, help="kills in one step")
    parser.add_argument("--write", action="store_true", help="put the log into bench/soak.md")
    wanted = parser.parse_args()
    if min(wanted.kills, wanted.size, wanted.most) < 1:
        parser.error("--kills, --size and --most must be 1 or more")
    faults = Faults(0.02, 0.02, 0.02, 0.03, seed=wanted.seed)
    chance = random.Random(wanted.seed)  # noqa: S311 - lives, and moments to kill at
    killer = Killer(random.Random(wanted.seed + 1), wanted.most)  # noqa: S311
    soak = Soak(chance, killer, faults, wanted.kills, wanted.size)
    fault = ""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is stopped
    try:
        soak.run()
    except (OutsideTheLawsError, SetupError) as error:
        fault = str(error)
        say(f"OUTSIDE THE LAWS: {fault}\nThe journal and the logs are in {soak.folder}.")
    kills = soak.killer.kills
    say(f"{kills.total()} kills {dict(kills)} in {len(soak.rounds)} lives: {fault or 'all within'}")
    if wanted.write:
        write(Soaked(wanted.seed, dict(kills), dict(killer.within), tuple(soak.rounds), fault))
    return 1 if fault else 0


if __name__ == "__main__":
    sys.exit(main())
