"""Whoever ends the worker and Temporal with SIGKILL, at moments that a seed draws."""

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from bench.soaking.night import Night
from stopline.drill import configure

FIRST_SECONDS = (0.1, 4.0)
"""From the beginning of a step to its first kill: before it was heard, or in the middle of it."""
GAP_SECONDS = (0.3, 2.5)
"""Between two kills. Long enough for a batch or two, short enough to hit the middle of one."""
SERVERS, BOTH = 0.3, 0.1
"""Which part of the kills is of Temporal alone, and of both at once; the rest is the worker's."""


@dataclass
class Killer:
    """Kills worker or server at random moments, and starts them again.

    `kills` counts by what was killed, `within` by the step in which it was.
    """

    chance: random.Random
    most: int
    kills: Counter[str] = field(default_factory=Counter)
    within: Counter[str] = field(default_factory=Counter)
    failed: list[BaseException] = field(default_factory=list)

    @contextmanager
    def at_work(self, night: Night, step: str) -> Iterator[None]:
        """Kill some times while the block runs; all is up again when it is left."""
        over, began, kills = threading.Event(), time.monotonic(), self.kills.total()
        thread = threading.Thread(target=self._work, args=(night, step, over), daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            took, killed = time.monotonic() - began, self.kills.total() - kills
            configure.say(f"      {step}: {killed} kills in {took:.0f} s")
        if self.failed:
            raise self.failed[0]

    def _work(self, night: Night, step: str, over: threading.Event) -> None:
        try:
            wait = self.chance.uniform(*FIRST_SECONDS)
            for _ in range(self.chance.randint(1, self.most)):
                if over.wait(wait):
                    return
                self._kill(night, step)
                wait = self.chance.uniform(*GAP_SECONDS)
        except BaseException as error:  # noqa: BLE001 - raised again by the thread that waits
            self.failed.append(error)

    def _kill(self, night: Night, step: str) -> None:
        draw = self.chance.random()
        both = draw < BOTH
        server, worker = draw < BOTH + SERVERS, both or draw >= BOTH + SERVERS
        if server:
            night.server.kill()
            self.kills["server"] += 1
        if worker:
            night.worker.kill()
            self.kills["worker"] += 1
        self.within[step] += server + worker
        time.sleep(self.chance.uniform(0.0, 2.0))
        if worker:
            night.work()  # before the server: it waits for it
        if server:
            night.serve()
