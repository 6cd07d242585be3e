"""A drill that is killed: its worker reaches AWS through a proxy, and its leases are short."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

import yaml
from support.fault_proxy import Faults, proxied

from bench.soaking.nursery import ForkedWorker, command
from bench.soaking.till import Till
from stopline.drill import configure
from stopline.drill.children import Said
from stopline.drill.payday import LEDGER, VARIABLE
from stopline.drill.run import BOB, Drill
from stopline.errors import SetupError
from stopline.journal.pauses import Pause, PauseStatus
from stopline.model import Address
from stopline.money import PAY
from stopline.text import Json

SAM = "sam@drill"
SYSTEM = "deel"
"""A system that people act in."""
TASK = f"{SYSTEM}/{configure.LEDGER_ID}"
BY_HAND = "by-hand"
"""The playbook of what people do by hand."""
RESTS = (PauseStatus.CONTAINED, PauseStatus.PARTIAL)
CONFIRM = ("--confirm", "mercor")
PATIENCE_SECONDS = 400
PORT_TRIES = 60
RESOURCES = {"kms-keys": "key", "sqs-queues": "queue", "secrets": "secret", "images": "image"}
"""The kinds of resources that are looked at, and what the drill calls such a door."""
_APPEARS_SECONDS = 5
"""How long a pause may take into the journal whose command was cut off."""

_RULE = {"name": "by-hand", "connector": PAY, "contains": "manual-payouts", "how": BY_HAND}
_BY_HAND: Json = {
    "playbook": BY_HAND,
    "phases": [{"name": "payouts", "rules": [_RULE]}],
    "approvals": {"contain": "second-person"},
}


class OutsideTheLawsError(Exception):
    """A life that ended as none may end."""


class Night(Drill):
    """A drill whose worker reaches AWS through a proxy, with a ledger beside its clouds."""

    through = ""
    till: Till
    asked = 0
    """How often something was asked for that was not heard at once."""

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
        self.worker = ForkedWorker(self.folder, {**self.env, **self.cloud})
        self.worker.start()

    @contextmanager
    def up(self, faults: Faults) -> Iterator[None]:
        """The estate first, then the proxy, then a worker behind it."""
        try:
            self.start()
            self.worker.stop()
            self.till = Till(self.day.url)
            self._configure()
            doors = tuple(d for d in self.manifest.vendor_doors if d.kind in RESOURCES.values())
            self.manifest = replace(self.manifest, vendor_doors=doors)
            with proxied(self.emulator.url, faults) as self.through:
                self.work()
                yield
                self.worker.stop()
        finally:
            self.stop()

    def _configure(self) -> None:
        """Add the ledger, mercor's id in it and the playbook of payouts to what is configured.

        And leave some kinds of resources out of the estate: each costs calls at every look.
        """
        folder = self.folder / "config"
        paths = (folder / "estate.yaml", folder / "vendors" / "mercor.yaml")
        kept = {path: yaml.safe_load(path.read_text("utf-8")) for path in paths}
        own = {"name": "accounts payable", "url_from": VARIABLE}
        hand = {"rail": "manual", "system": "Deel", "hold": "approve none", "release": "approve"}
        configure.write_payouts(folder, {LEDGER: own, SYSTEM: hand})
        (folder / "playbooks" / f"{BY_HAND}.yaml").write_text(configure.text_of(_BY_HAND), "utf-8")
        for path, was in kept.items():
            payouts = yaml.safe_load(path.read_text("utf-8"))["payouts"]
            if "resources" in was["aws"]:
                was["aws"]["resources"] = [*RESOURCES]
            path.write_text(configure.text_of(was | {"payouts": payouts}), "utf-8")

    # --- asking ----------------------------------------------------------------------------------

    def ask(self, *words: str) -> Said:
        """One command."""
        return command(self.env, *words)

    def until(self, what: str, done: Callable[[], bool]) -> None:
        """Try until it is done."""
        end = time.monotonic() + PATIENCE_SECONDS
        while not done():
            if time.monotonic() > end:
                raise OutsideTheLawsError(f"after {PATIENCE_SECONDS} s not {what}")
            time.sleep(0.5)

    def pauses(self) -> list[Pause]:
        """Every pause of the vendor's."""
        return list(self.book.pauses.list("mercor"))

    def status(self, pause: str) -> PauseStatus:
        """Where it stands."""
        return self.book.pauses.get(pause).status

    def held(self, pause: str = "") -> set[Address]:
        """What it holds; without one, what all do."""
        return {hold.address for hold in self.book.writes.holds(pause)}

    # --- the acts --------------------------------------------------------------------------------

    def paused(self, *words: str) -> Pause:
        """Pause, with a second person's word where one is wanted, and wait until it rests."""
        before, end = {p.id for p in self.pauses()}, time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            if new := [p for p in self.pauses() if p.id not in before]:
                return self._rested(new[0].id)
            self.asked += 1
            self.ask("pause", "mercor", *words, "--reason", "soak", *CONFIRM)
            self._appears(before)
        raise OutsideTheLawsError(f"after {PATIENCE_SECONDS} s nothing was paused: {words}")

    def _appears(self, before: set[str]) -> None:
        end = time.monotonic() + _APPEARS_SECONDS
        while time.monotonic() < end and {p.id for p in self.pauses()} == before:
            time.sleep(0.2)

    def _rested(self, pause: str) -> Pause:
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            if self.status(pause) in RESTS:
                return self.book.pauses.get(pause)
            if self.status(pause) is PauseStatus.CONTAINING and not self.held(pause):
                self.ask("approve", pause, "--as", BOB, *CONFIRM)  # else it needs nobody's word
            time.sleep(0.3)
        raise OutsideTheLawsError(f"after {PATIENCE_SECONDS} s not at rest: {self.status(pause)}")

    def given_back(
        self,
        pause: str,
        done: Callable[[], bool] | None = None,
        *scope: str,
        meanwhile: Callable[[], object] = lambda: None,
    ) -> None:
        """Roll back with two people: all of it until it is closed, a part until it is `done`."""
        ask = ("rollback", pause, *scope, "--reason", "over", "--include-unproven", *CONFIRM)
        over = done or (lambda: self._is(pause, PauseStatus.CLOSED))
        self._two("given back", pause, over, ask, meanwhile)

    def by_hand(self, pause: str, *amounts: str) -> None:
        """One person attests what they did in the system that people act in; another confirms."""
        proof = self.folder / "proof.png"
        proof.write_bytes(b"a picture")
        shown = (pause, TASK, "--proof", str(proof))
        self.ask("manual", "done", *shown, "--as", SAM, "--before", "weekly", *amounts)
        self.ask("manual", "confirm", *shown, "--as", BOB)
        self.asked += 2

    def terminated(self, pause: str, *settled: str) -> None:
        """Terminate with two people."""
        ask = ("terminate", pause, *settled, "--reason", "over", *CONFIRM)
        ended = (PauseStatus.TERMINATED, PauseStatus.CLOSED)
        self._two("terminated", pause, lambda: self._is(pause, *ended), ask)

    def _is(self, pause: str, *wanted: PauseStatus) -> bool:
        return self.status(pause) in wanted

    def _two(
        self,
        what: str,
        pause: str,
        done: Callable[[], bool],
        ask: tuple[str, ...],
        meanwhile: Callable[[], object] = lambda: None,
    ) -> None:
        end = time.monotonic() + PATIENCE_SECONDS
        going = (PauseStatus.RESTORING, PauseStatus.TERMINATING)
        yes = ("approve", pause, "--as", BOB, *CONFIRM)
        while time.monotonic() < end:
            if self._is(pause, *going):
                meanwhile()
                time.sleep(0.3)
            elif done():
                return
            else:
                self.asked += 1
                self.ask(*ask)
                self.ask(*yes)
        raise OutsideTheLawsError(
            f"after {PATIENCE_SECONDS} s {pause} is not {what}: {self.status(pause)}"
        )

    def kept(self, pause: str) -> None:
        """Decide to keep it; whoever was told that it was heard finds it in the journal."""
        before = len(self.book.pauses.events(pause, "reassessed"))
        for _ in range(PATIENCE_SECONDS // 5):
            words = ("--decision", "keep", "--review-by", "2031-01-31", "--reason", "we wait")
            self.asked += 1
            said = self.ask("reassess", pause, *words)
            there = len(self.book.pauses.events(pause, "reassessed")) > before
            if said.code in (0, 6) and not there:
                raise OutsideTheLawsError(f"{pause} was kept, and the journal does not know it")
            if there:
                return
            time.sleep(0.5)
        raise OutsideTheLawsError(f"{pause} could not be kept")

    def opened(self) -> None:
        """As a stranger: switch on again a key of each of the vendor's users that had one."""
        for person in self.manifest.vendor_users:
            key = next((key for key, _, active in person.keys if active), "")
            if key:
                iam = self.access.client(person.account, "iam")
                iam.update_access_key(UserName=person.name, AccessKeyId=key, Status="Active")

    def audited(self, pause: str) -> None:
        """Audit until one finds all as we left it."""
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            self.asked += 1
            if self.ask("audit", pause).code == 0:
                return
        raise OutsideTheLawsError(f"after {PATIENCE_SECONDS} s no audit of {pause} is clean")
