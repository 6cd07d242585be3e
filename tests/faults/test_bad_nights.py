"""Bad nights, end to end: real processes over the emulated AWS, killed, cut off and refused.

Each ends contained, or partial with the truth, and rolls back to the identical estate.
"""

import random
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from support.fault_proxy import Faults, proxied

from stopline.connectors.aws.ending import DELETES
from stopline.drill import ending, fingerprint
from stopline.drill.children import PROGRAM, Worker, command
from stopline.drill.manifest import DATA
from stopline.drill.oracle import Answer, Oracle
from stopline.drill.run import BOB, Drill
from stopline.journal.pauses import PauseStatus

pytestmark = [pytest.mark.night, pytest.mark.timeout(300)]
CONFIRM = ("--confirm", "mercor")


def _playbook() -> str:
    """What is shipped for AWS; an estate of little but the vendor must not be refused."""
    said = yaml.safe_load((Path(__file__).parents[2] / "config/playbooks/default.yaml").read_text())
    said["limits"]["share"] = 1.0
    for phase in said["phases"]:
        phase["rules"] = [rule for rule in phase["rules"] if rule["connector"] == "aws"]
    said["phases"] = [phase for phase in said["phases"] if phase["rules"]]
    return str(yaml.safe_dump(said, sort_keys=False))


PLAYBOOK = _playbook()


class BadNight(Drill):
    """A drill whose worker reaches AWS through a proxy, and whose leases are short."""

    through = ""
    asking: subprocess.Popen[bytes] | None = None

    @property
    def env(self) -> dict[str, str]:
        """Short leases, so that a killed worker's documents are free again soon."""
        short = {"STOPLINE_LEASE_SECONDS": "6", "STOPLINE_REQUEST_SECONDS": "3"}
        return {**super().env, **short}

    @property
    def cloud(self) -> dict[str, str]:
        """AWS, by way of the proxy where there is one."""
        return {**super().cloud, "AWS_ENDPOINT_URL": self.through or self.emulator.url}

    def pausing(self) -> subprocess.Popen[bytes]:
        """Start `stopline pause`, without waiting for its end."""
        return self.asks("pause", "mercor", "--reason", "drill", *CONFIRM)

    def asks(self, *words: str) -> subprocess.Popen[bytes]:
        """Start a command, without waiting for its end."""
        self.asking = subprocess.Popen(
            [*PROGRAM, *words],
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        return self.asking

    def stop(self) -> None:
        """Stop everything, the command that asked for the pause too."""
        if self.asking is not None:
            self.asking.kill()
            self.asking.wait(30)
        super().stop()

    def at_work(self, seconds: float = 60) -> None:
        """Wait until the first intent is in the journal."""
        book = self.book
        for _ in range(int(seconds / 0.02)):
            if book.store.events(kind="intent"):
                return
            time.sleep(0.02)
        raise TimeoutError("no intent was written down")

    def rests(self, seconds: float = 150) -> PauseStatus:
        """Wait until the journal says how the containment ended."""
        for _ in range(int(seconds / 0.5)):
            pauses = self.book.pauses.list("mercor")
            if pauses and pauses[-1].status in (PauseStatus.CONTAINED, PauseStatus.PARTIAL):
                return pauses[-1].status
            time.sleep(0.5)
        raise TimeoutError(f"not contained: {self.book.pauses.list('mercor')}")

    def until(self, status: PauseStatus, seconds: float = 120) -> None:
        """Wait until the journal has this status."""
        for _ in range(int(seconds / 0.5)):
            if self.book.pauses.list("mercor")[-1].status is status:
                return
            time.sleep(0.5)
        raise TimeoutError(f"not {status}: {self.book.pauses.list('mercor')}")

    def refused(self) -> bool:
        """Whether every vendor credential is refused, by the documents as they are."""
        checks = Oracle.read(self.access).vendor(self.manifest)
        return all(check.answer is Answer.REFUSED for check in checks)

    def roll_back(self) -> int:
        """Roll back with two people, and the word for what is unproven."""
        words = ("rollback", "mercor", "--reason", "over", "--include-unproven", *CONFIRM)
        command(self.env, *words, quiet=True)
        return command(self.env, "approve", "mercor", "--as", BOB, *CONFIRM, quiet=True).code


@contextmanager
def a_night(tmp_path: Path, faults: Faults | None = None, size: int = 1) -> Iterator[BadNight]:
    """Everything up, with or without faults on the way to AWS."""
    night = BadNight(tmp_path, PLAYBOOK, size)
    try:
        if faults is None:
            night.start()
            yield night
            return
        with _through(night, faults):
            yield night
    finally:
        night.stop()


@contextmanager
def _through(night: BadNight, faults: Faults) -> Iterator[None]:
    """Start the estate first, then the proxy, then a worker behind it."""
    night.start()
    night.worker.stop()
    with proxied(night.emulator.url, faults) as url:
        night.through = url
        night.worker = Worker(night.folder, {**night.env, **night.cloud})
        (night.folder / "worker.log").unlink()
        night.worker.start()
        night.worker.ready()
        yield
        night.worker.stop()


def _same(night: BadNight, was: fingerprint.Fingerprint) -> list[str]:
    now = fingerprint.fingerprint(night.access)
    return [*fingerprint.differences(was, now), *fingerprint.leftovers(now)]


def test_a_worker_killed_three_times_finishes_the_same_pause(tmp_path: Path) -> None:
    """SIGKILL at random moments: the pause is contained all the same, and given back exactly."""
    with a_night(tmp_path, size=2) as night:
        was, chance = fingerprint.fingerprint(night.access), random.Random(11)
        pausing = night.pausing()
        night.at_work()
        for _ in range(3):
            time.sleep(chance.uniform(0.05, 0.6))
            night.worker.kill()
            night.worker = Worker(night.folder, {**night.env, **night.cloud})
            night.worker.start()
        assert night.rests() is PauseStatus.CONTAINED
        pausing.wait(60)
        assert night.refused()
        assert night.roll_back() == 0
        assert _same(night, was) == []
        assert night.book.store.verify()[1] == ""


def test_a_killed_temporal_server_loses_nothing(tmp_path: Path) -> None:
    """The server dies mid-containment and starts again on its file: the same pause goes on."""
    with a_night(tmp_path, size=2) as night:
        was = fingerprint.fingerprint(night.access)
        pausing = night.pausing()
        night.at_work()
        night.server.kill()
        time.sleep(1)
        night.server.start()
        assert night.rests() is PauseStatus.CONTAINED
        pausing.kill()
        pausing.wait(30)
        assert night.refused()
        assert night.roll_back() == 0
        assert _same(night, was) == []


def test_lost_replies_throttling_and_5xx_change_nothing_in_the_end(tmp_path: Path) -> None:
    """Replies lost after the commit, 503 before and after it, throttles: same estate, exactly."""
    faults = Faults(lost_reply=0.04, broken_before=0.04, broken_after=0.04, throttled=0.04, seed=3)
    with a_night(tmp_path, faults) as night:
        was = fingerprint.fingerprint(night.access)
        command(night.env, "pause", "mercor", "--reason", "x", *CONFIRM, quiet=True)
        night.rests()
        assert night.refused()
        assert sum(faults.done.values()) >= 3
        for _ in range(3):
            if night.roll_back() == 0:
                break
        assert _same(night, was) == []


def test_an_account_that_denies_us_midway_ends_partial_with_the_truth(tmp_path: Path) -> None:
    """What one account refuses is named; the others are contained; and all is given back."""
    faults = Faults(denied_account=DATA, denied_after=4)
    with a_night(tmp_path, faults) as night:
        was = fingerprint.fingerprint(night.access)
        said = command(night.env, "pause", "mercor", "--reason", "x", *CONFIRM, quiet=True)
        assert night.rests() is PauseStatus.PARTIAL
        assert said.code == 6
        pause = night.book.pauses.list("mercor")[-1]
        denied = [a for a, r in night.book.pauses.latest(pause.id).items() if r["cause"]]
        assert denied
        assert {address.realm for address in denied} == {DATA}
        assert {r["cause"] for r in night.book.pauses.latest(pause.id).values()} == {"", "denied"}
        faults.denied_account = ""
        assert night.roll_back() == 0
        assert _same(night, was) == []


def test_a_termination_that_is_killed_and_loses_replies_ends_once(tmp_path: Path) -> None:
    """Every third reply lost, the worker killed twice: the same is gone, and nothing is open."""
    faults = Faults(seed=5)
    with a_night(tmp_path, faults) as night:
        command(night.env, "pause", "mercor", "--reason", "x", *CONFIRM, quiet=True)
        assert night.rests() is PauseStatus.CONTAINED
        pause = night.book.pauses.list("mercor")[-1].id
        keys = {h.address for h in night.book.writes.holds(pause) if h.address.kind in DELETES}
        faults.lost_reply = 0.3
        command(night.env, "terminate", "mercor", "--reason", "over", *CONFIRM, quiet=True)
        approving = night.asks("approve", "mercor", "--as", BOB, *CONFIRM)
        for _ in range(2):
            time.sleep(0.7)
            night.worker.kill()
            night.worker = Worker(night.folder, {**night.env, **night.cloud})
            night.worker.start()
        night.until(PauseStatus.TERMINATED)
        approving.wait(60)
        removed = {one.address for one in night.book.pauses.removed(pause)}
        assert keys
        assert keys <= removed
        assert not keys & {hold.address for hold in night.book.writes.holds(pause)}
        assert list(ending.faults(night.access, night.manifest)) == []
        assert night.refused()
        assert faults.done["lost_reply"] > 0
        assert night.book.store.verify()[1] == ""
