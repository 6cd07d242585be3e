"""`make soak`: rounds of a drill in which the worker and Temporal are killed again and again.

Each round pauses the vendor on an estate of some 300 changes behind a proxy that loses replies,
throttles and fails, lets a stranger open some of it, which audits contain again, and gives
everything back, while a seeded killer ends the worker or the server with SIGKILL. A round must end
contained, or partial with the truth, every credential of the vendor refused, before the stranger
and after the audits; then the identical estate, a whole chain, and no prior that is our own
contained state.
"""

import argparse
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import yaml
from support.fault_proxy import Faults, proxied

from bench.soaked import Round, Soaked, write
from stopline.drill import fingerprint
from stopline.drill.children import Worker, command
from stopline.drill.oracle import Answer, Oracle
from stopline.drill.run import BOB, Drill
from stopline.errors import SetupError
from stopline.journal.pauses import Pause, PauseStatus

PLAYBOOK = Path(__file__).parents[1] / "config" / "playbooks" / "default.yaml"
RESTS = (PauseStatus.CONTAINED, PauseStatus.PARTIAL)
CONFIRM = ("--confirm", "mercor")
PATIENCE_SECONDS = 300
PORT_TRIES = 60
GAP_SECONDS = (0.5, 4.0)
"""Between two kills. Long enough for a batch or two, short enough to hit the middle of one."""
SERVERS, BOTH = 0.3, 0.1
"""Which part of the kills is of Temporal alone, and of both at once; the rest is the worker's."""


def say(text: str) -> None:
    """One line to whoever waits."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


class OutsideTheLawsError(Exception):
    """A round that ended as no round may end."""


@dataclass
class Killer:
    """Kills worker or server at random moments, and starts them again."""

    night: "Night"
    chance: random.Random
    kills: Counter[str] = field(default_factory=Counter)
    failed: list[BaseException] = field(default_factory=list)

    @contextmanager
    def at_work(self, most: int) -> Iterator[None]:
        """Kill up to `most` times while the block runs; all is up again when it is left."""
        over = threading.Event()
        thread = threading.Thread(target=self._work, args=(over, most), daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
        if self.failed:
            raise self.failed[0]

    def _work(self, over: threading.Event, most: int) -> None:
        try:
            intents = self.night.intents()
            while not over.is_set() and self.night.intents() == intents:
                over.wait(0.05)  # the work begins with the first intent, and so do we
            for _ in range(most):
                if over.wait(self.chance.uniform(*GAP_SECONDS)):
                    return
                self._kill()
        except BaseException as error:  # noqa: BLE001 - raised again by the thread that waits
            self.failed.append(error)

    def _kill(self) -> None:
        draw = self.chance.random()
        both = draw < BOTH
        server, worker = draw < BOTH + SERVERS, both or draw >= BOTH + SERVERS
        if server:
            self.night.server.kill()
            self.kills["server"] += 1
        if worker:
            self.night.worker.kill()
            self.kills["worker"] += 1
        time.sleep(self.chance.uniform(0.0, 2.0))
        if worker:
            self.night.work()  # before the server: it waits for it
        if server:
            self.night.serve()


class Night(Drill):
    """A drill whose worker reaches AWS through a proxy, and whose leases are short."""

    through = ""

    @property
    def env(self) -> dict[str, str]:
        """Short leases, so that a killed worker's documents are free again soon."""
        short = {"STOPLINE_LEASE_SECONDS": "10", "STOPLINE_REQUEST_SECONDS": "4"}
        return {**super().env, **short}

    @property
    def cloud(self) -> dict[str, str]:
        """AWS, by way of the proxy."""
        return {**super().cloud, "AWS_ENDPOINT_URL": self.through or self.emulator.url}

    def serve(self) -> None:
        """Start Temporal again; another program may have its ports for a while."""
        self.server.ui_port = 0
        for _ in range(PORT_TRIES):
            with suppress(SetupError):
                return self.server.start()
            time.sleep(1)
        return self.server.start()

    def work(self) -> None:
        """Start a worker behind the proxy."""
        self.worker = Worker(self.folder, {**self.env, **self.cloud})
        self.worker.start()

    @contextmanager
    def up(self, faults: Faults) -> Iterator[None]:
        """The estate first, then the proxy, then a worker behind it."""
        try:
            self.start()
            self.worker.stop()
            with proxied(self.emulator.url, faults) as self.through:
                self.work()
                yield
                self.worker.stop()
        finally:
            self.stop()

    def intents(self) -> int:
        """How many intents the journal holds."""
        return len(self.book.store.events(kind="intent"))

    def latest(self) -> Pause | None:
        """The newest pause."""
        pauses = self.book.pauses.list("mercor")
        return pauses[-1] if pauses else None

    # --- a round ---------------------------------------------------------------------------------

    def contained(self) -> Pause:
        """Pause, and wait until the journal says how it ended. Asked again if it never began."""
        before = self.latest()
        end = time.monotonic() + PATIENCE_SECONDS
        with self._asking("pause", "mercor", "--reason", "soak", *CONFIRM):
            while time.monotonic() < end:
                pause = self.latest()
                new = pause is not None and (before is None or pause.id != before.id)
                if pause is not None and new and pause.status in RESTS:
                    return pause
                time.sleep(0.2)
        raise OutsideTheLawsError(f"after {PATIENCE_SECONDS} s not contained: {self.latest()}")

    @contextmanager
    def _asking(self, *words: str) -> Iterator[None]:
        """Run a command until it was heard; it is left alone once the block ends."""
        over = threading.Event()

        def ask() -> None:
            while not over.is_set():
                said = command(self.env, *words, quiet=True)
                if said.code in (0, 6):
                    return
                over.wait(1)

        thread = threading.Thread(target=ask, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join(PATIENCE_SECONDS)

    def given_back(self, pause: str) -> int:
        """Roll back with two people until the pause is closed; how often it had to be asked."""
        end, asked = time.monotonic() + PATIENCE_SECONDS, 0
        words = ("rollback", "mercor", "--reason", "over", "--include-unproven", *CONFIRM)
        while time.monotonic() < end:
            status = self.book.pauses.get(pause).status
            if status is PauseStatus.CLOSED:
                return asked
            if status is PauseStatus.RESTORING:
                time.sleep(0.3)
                continue
            asked += 1
            command(self.env, *words, quiet=True)
            command(self.env, "approve", "mercor", "--as", BOB, *CONFIRM, quiet=True)
        raise OutsideTheLawsError(f"after {PATIENCE_SECONDS} s not given back: {pause}")

    def opened(self) -> None:
        """As a stranger: switch on again a key of each of the vendor's users that had one."""
        for person in self.manifest.vendor_users:
            key = next((key for key, _, active in person.keys if active), "")
            if key:
                iam = self.access.client(person.account, "iam")
                iam.update_access_key(UserName=person.name, AccessKeyId=key, Status="Active")

    def audited(self) -> int:
        """Audit until one finds all as we left it; how many were asked for."""
        end, asked = time.monotonic() + PATIENCE_SECONDS, 0
        while time.monotonic() < end:
            asked += 1
            if command(self.env, "audit", "mercor", quiet=True).code == 0:
                return asked
        raise OutsideTheLawsError(f"after {PATIENCE_SECONDS} s no audit is clean: {self.latest()}")

    # --- the laws --------------------------------------------------------------------------------

    def check_contained(self, pause: Pause) -> None:
        """Every credential refused or said to be open; no prior is ours; the status is true."""
        plan = self.book.pauses.plan(pause.plan).plan
        said = {s.principal for s in plan.skips if s.leaves_access}
        closed = replace(
            self.manifest,
            shared_roles=tuple(w for w in self.manifest.shared_roles if w.arn not in said),
            vendor_roles=tuple(w for w in self.manifest.vendor_roles if w.arn not in said),
        )
        checks = Oracle.read(self.access).vendor(closed)
        wrong = [f"{c.who} {c.what}: {c.answer}" for c in checks if c.answer is not Answer.REFUSED]
        if said and pause.status is not PauseStatus.PARTIAL:
            wrong.append(f"{len(said)} were left open, and the pause says {pause.status}")
        holds = self.book.writes.holds(pause.id)
        wrong += [f"a prior is ours: {h.address}" for h in holds if h.prior == h.ours]
        held = {h.address for h in holds}
        wrong += [f"not held: {c.address}" for c in plan.work if c.address not in held]
        if wrong:
            raise OutsideTheLawsError(f"{len(wrong)} faults when contained: {'; '.join(wrong[:5])}")

    def check_restored(self, was: fingerprint.Fingerprint) -> None:
        """The identical estate, nothing held, nothing of ours left, a whole chain."""
        now = fingerprint.fingerprint(self.access)
        wrong = [*fingerprint.differences(was, now), *fingerprint.leftovers(now)]
        wrong += [f"still held: {h.address}" for h in self.book.writes.holds()]
        number, broken = self.book.store.verify()
        wrong += [f"chain of {number}: {broken}"] if broken else []
        if wrong:
            raise OutsideTheLawsError(f"{len(wrong)} faults at the end: {'; '.join(wrong[:5])}")


@dataclass
class Soak:
    """All rounds of one soak."""

    night: Night
    killer: Killer
    faults: Faults
    wanted: int
    rounds: list[Round] = field(default_factory=list)

    def run(self) -> None:
        """Rounds until there were enough kills. Raises OutsideTheLawsError."""
        was = fingerprint.fingerprint(self.night.access)
        while self.killer.kills.total() < self.wanted:
            self.rounds.append(self._round(was))
            say(f"  {self.rounds[-1].line()}")

    def _round(self, was: fingerprint.Fingerprint) -> Round:
        began, kills, done = time.monotonic(), self.killer.kills.copy(), self.faults.done.copy()
        each = max(2, min(12, self.wanted // 6))
        with self.killer.at_work(each):
            pause = self.night.contained()
        self.night.check_contained(pause)
        held = len(self.night.book.writes.holds(pause.id))
        contained = time.monotonic() - began
        self.night.opened()
        with self.killer.at_work(each):
            audits = self.night.audited()
        self.night.check_contained(self.night.book.pauses.get(pause.id))
        with self.killer.at_work(each):
            asked = self.night.given_back(pause.id)
        self.night.check_restored(was)
        return Round(
            number=len(self.rounds) + 1,
            changes=held,
            status=str(pause.status),
            audits=audits,
            kills=dict(self.killer.kills - kills),
            faults=(self.faults.done - done).total(),
            asked=asked,
            contained=contained,
            seconds=time.monotonic() - began,
        )


def _playbook() -> str:
    """The real playbook, with limits that let it take a whole estate away."""
    playbook = yaml.safe_load(PLAYBOOK.read_text(encoding="utf-8"))
    playbook["limits"] = {"changes": 10_000, "share": 1.0}
    return yaml.safe_dump(playbook, sort_keys=False)


def main() -> int:
    """Run the soak; 0 when no round ended outside the laws."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of the kills and of the faults")
    parser.add_argument("--kills", type=int, default=30, help="how many, at least")
    parser.add_argument("--size", type=int, default=12, help="of the drill's estate")
    parser.add_argument("--write", action="store_true", help="put the log into bench/soak.md")
    wanted = parser.parse_args()
    if wanted.kills < 1 or wanted.size < 1:
        parser.error("--kills and --size must be 1 or more")
    faults = Faults(0.02, 0.02, 0.02, 0.03, seed=wanted.seed)
    folder = Path(tempfile.mkdtemp(prefix="stopline-soak-"))
    night = Night(folder, _playbook(), wanted.size)
    soak = Soak(night, Killer(night, random.Random(wanted.seed)), faults, wanted.kills)  # noqa: S311 - moments to kill at
    fault = ""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is stopped
    try:
        with night.up(faults):
            soak.run()
    except (OutsideTheLawsError, SetupError) as error:
        fault = str(error)
        say(f"OUTSIDE THE LAWS: {fault}\nThe journal and the logs are in {folder}.")
    kills = soak.killer.kills
    say(
        f"{kills.total()} kills {dict(kills)} in {len(soak.rounds)} rounds: {fault or 'all within'}"
    )
    if not fault:
        shutil.rmtree(folder, ignore_errors=True)
    if wanted.write:
        write(Soaked(wanted.seed, dict(kills), tuple(soak.rounds), fault))
    return 1 if fault else 0


if __name__ == "__main__":
    sys.exit(main())
