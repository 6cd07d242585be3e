"""`stopline drill`: the whole product against an emulated estate, as a user would run it.

It starts an emulated AWS and an emulated Google Cloud, Temporal and a worker (on PostgreSQL the
database, and two workers);
pauses `mercor` by the real command line with the real playbook; judges with eyes of its own what
the vendor and the bystanders can still do; lives a year of it in short; rolls back by two more
people; and compares the estate byte for byte with what it was, but for what others edited. Then
it pauses again, terminates, and looks once more.
"""

import json
import shlex
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from cryptography.fernet import Fernet

from stopline.drill import (
    configure,
    controls,
    ending,
    estate,
    fingerprint,
    googling,
    hearing,
    organisation,
    probes,
    report,
)
from stopline.drill.access import REGION, Access
from stopline.drill.children import Child, Said, Worker, command, environment
from stopline.drill.emulator import Emulator
from stopline.drill.googling import Organisation
from stopline.drill.manifest import LAB, Manifest
from stopline.drill.meddling import Lab
from stopline.drill.oracle import Answer, Oracle
from stopline.drill.payday import PayDay, create_database
from stopline.drill.postgres import Postgres
from stopline.drill.report import Compared, Report, Sight
from stopline.drill.signatures import Signers
from stopline.drill.year import People, Year
from stopline.entrypoints.embedded import Server, free_port
from stopline.journal.book import Book, open_book
from stopline.journal.encrypting import keys_of
from stopline.journal.rekeying import not_current

ALICE, BOB, CAROL = "alice@drill", "bob@drill", "carol@drill"
CONTAINED, PARTIAL, WAITING = 0, 6, 5
MANY, LARGE = "too-many-changes", 8
"""From this size on an estate may hold more than the real playbook lets pass without a word."""
JOURNALS = ("sqlite", "postgresql")


@dataclass
class Drill:
    """One drill, with everything that it started."""

    folder: Path
    playbook: str
    size: int
    journal: str = JOURNALS[0]
    database: Postgres = field(init=False)
    emulator: Emulator = field(init=False)
    google: Organisation = field(init=False)
    server: Server = field(init=False)
    worker: Worker = field(init=False)
    second: Worker = field(init=False)
    book: Book = field(init=False)
    manifest: Manifest = field(init=False)
    organization: controls.Organization = field(init=False)
    access: Access = field(init=False)
    cast: probes.Cast = field(init=False)
    day: PayDay = field(init=False)
    signers: Signers = field(init=False)
    year: Year | None = None
    ears: hearing.Ears = field(default_factory=hearing.Ears)
    report: Report = field(default_factory=Report)

    # --- starting and stopping -------------------------------------------------------------------

    def start(self) -> None:
        """Start the emulated clouds, seed them, start Temporal and a worker, or two."""
        if self.journal == "postgresql":
            database = Postgres()
            database.start()
            self.database = database
        self.day = PayDay(self.folder, self._ledger_url(), (ALICE, BOB))
        self.day.seed()
        self.emulator = Emulator(self.folder)
        self.emulator.start()
        started = time.monotonic()
        self.manifest = estate.seed(self.emulator.url, size=self.size)
        self.organization = controls.seed(self.emulator.url)
        self.access = Access(self.emulator.url, LAB)
        self.cast = probes.gather(self.access, self.manifest)
        self.google = Organisation(self.folder / "google", self.size)
        self.google.start()
        took = f"({time.monotonic() - started:.1f} s)"
        configure.say(f"[1/9] an estate of {len(LAB)} accounts and an organisation is there {took}")
        google = configure.gcp(self.google.url, googling.TOKEN)
        files = (self.folder / "config", self.playbook, google, self.organization)
        configure.write(*files, self.manifest.app_client)
        self.ears.start(self.folder / "config")
        self.key.write_bytes(Fernet.generate_key())
        self.signers = Signers(self.folder, self.folder / "config")
        self.signers.make(BOB, CAROL)
        self.server = Server(self.folder / "temporal", free_port(), free_port())
        self.server.start()
        self.worker = Worker(self.folder, {**self.env, **self.cloud})
        self.worker.start()
        if self.journal == "postgresql":  # made for several: the two open it at once
            self.second = Worker(self.folder, {**self.env, **self.cloud}, "worker-2")
            self.second.start()
            self.second.ready()
        self.worker.ready()
        self.book = open_book(self.journal_url, keys=keys_of(self.key))
        workers = "two workers" if hasattr(self, "second") else "a worker"
        configure.say(f"[2/9] Temporal and {workers} are up ({self.server.address})")

    @property
    def env(self) -> dict[str, str]:
        """The environment of the command line: no credentials of the estate in it."""
        return environment(
            {
                "STOPLINE_CONFIG_DIR": str(self.folder / "config"),
                "STOPLINE_DATA_DIR": str(self.folder / "data"),
                "STOPLINE_JOURNAL_URL": self.journal_url,
                "STOPLINE_JOURNAL_KEY": str(self.key),
                "STOPLINE_IDENTITY": ALICE,
                "STOPLINE_LOG_FORMAT": "console",
                "TEMPORAL_ADDRESS": self.server.address,
                "TEMPORAL_CONFIG_FILE": str(self.folder / "no-temporal.toml"),
            }
        )

    @property
    def cloud(self) -> dict[str, str]:
        """What the worker has besides: the credentials of the estate."""
        nowhere = str(self.folder / "no-aws-config")
        return {
            "AWS_ENDPOINT_URL": self.emulator.url,
            "AWS_ACCESS_KEY_ID": self.manifest.worker[0],
            "AWS_SECRET_ACCESS_KEY": self.manifest.worker[1],
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CONFIG_FILE": nowhere,
            "AWS_SHARED_CREDENTIALS_FILE": nowhere,
            "AWS_EC2_METADATA_DISABLED": "true",
            **self.day.secrets,
            **self.ears.secrets,
            googling.TOKEN: organisation.WORKER,
        }

    @property
    def key(self) -> Path:
        """The key by which the documents of the drill's journal are encrypted."""
        return self.folder / "journal.key"

    @property
    def journal_url(self) -> str:
        """The drill's own journal."""
        if self.journal == "postgresql":
            return self.database.url()
        return f"sqlite:///{self.folder / 'data'}/journal.db"

    def _ledger_url(self) -> str:
        """The lab's ledger: beside the journal on PostgreSQL, else a file."""
        if self.journal == "postgresql":
            return create_database(self.database.url(), "ledger")
        return f"sqlite:///{self.folder}/ledger.db"

    def stop(self) -> None:
        """Stop everything that was started."""
        self.ears.stop()
        if hasattr(self, "day"):
            self.day.stop()
        if hasattr(self, "book"):
            self.book.close()
        for child in self.children:
            child.stop()

    @property
    def children(self) -> list[Child]:
        """The processes that were started, in the order in which they are stopped."""
        names = ("worker", "second", "server", "emulator", "google", "database")
        return [getattr(self, name) for name in names if hasattr(self, name)]

    @property
    def folders(self) -> list[Path]:
        """Where everything of this drill is."""
        return [self.folder, *([self.database.folder] if hasattr(self, "database") else [])]

    # --- looking ---------------------------------------------------------------------------------

    def look(self) -> dict[str, Sight]:
        """Judge by the documents as they are now, and act as everybody; by connector."""
        return {"aws": self._look_at_aws(), "gcp": self.google.look()}

    def prints(self) -> dict[str, fingerprint.Fingerprint]:
        """All that is there, by connector."""
        return {
            "aws": {
                **fingerprint.fingerprint(self.access),
                **self.organization.fingerprint(),
            },
            "gcp": self.google.fingerprint(),
        }

    def _look_at_aws(self) -> Sight:
        oracle = Oracle.read(self.access)
        return replace(
            self._acted_in_aws(),
            vendor=tuple(oracle.vendor(self.manifest)),
            bystanders=tuple(oracle.bystanders(self.manifest)),
            frozen=tuple(oracle.frozen(self.manifest)),
        )

    def _act(self) -> dict[str, Sight]:
        """Act as everybody who can; by connector. Of AWS no document is read for it."""
        return {"aws": self._acted_in_aws(), "gcp": self.google.look()}

    def _acted_in_aws(self) -> Sight:
        acting = (self.emulator, self.access)
        vendor = tuple(probes.act(*acting, self.cast.vendor))
        return Sight((), (), vendor, tuple(probes.act(*acting, self.cast.bystanders)))

    # --- the night -------------------------------------------------------------------------------

    def run(self) -> Report:
        """Pause, judge, roll back, compare."""
        before, was = self.look(), self.prints()
        self.report.faults += [f for s in before.values() for f in report.worked(s)]
        at_work = sum(p.allowed for s in before.values() for p in s.acted)
        configure.say(
            f"[3/9] mercor is at work: {_ways(before)} ways in, {at_work} tried and working"
        )
        began, calls = time.time(), self.emulator.calls()
        by = ("--playbook", configure.TWO_PEOPLE)
        words = ("pause", "mercor", *by, "--reason", "drill", "--confirm", "mercor")
        said = self._command(*words, *self._overrides(*by))
        self.report.calls += self.emulator.calls() - calls
        if self._contained(said, before, began):
            self._pass_a_year(before)
            calls = self.emulator.calls()
            self._roll_back()
            self.report.calls += self.emulator.calls() - calls
            self._end_the_year()
        self._compare(was)
        self._prove()
        self._pay_day()
        if not self.report.faults:
            self._terminate(before)
        return self.ears.judged(self.book, self.report, ("arn:", "stopline", *LAB))

    def _pay_day(self) -> None:
        self.day.run(self.env, self.book, self.ears)
        self.report.payouts = done = self.day.figures
        self.report.faults += self.day.faults
        configure.say(
            f"[9/9] payouts: {done.contained} of {done.targets} payables were held while a pay "
            f"run was going, and released; {done.bystanders_unharmed} of {done.bystanders} of "
            "others were paid"
        )

    def _overrides(self, *by: str) -> tuple[str, ...]:
        """Answer the one limit that a large estate is meant to pass: how many changes there are.

        Every other finding stops the drill, as it would stop a person.
        """
        if self.size < LARGE:
            return ()
        said = command(self.env, "plan", "mercor", *by, "--output", "json", quiet=True)
        findings = json.loads(said.stdout)["findings"] if said.stdout else []
        if not any(finding["guard"] == MANY for finding in findings):
            return ()
        return ("--override", f"{MANY}=a drill of size {self.size}")

    def _command(self, *words: str) -> Said:
        configure.say(f"      $ stopline {shlex.join(words)}")
        # The plan of a rollback or a termination is shown once: by `approve`.
        return command(self.env, *words, live=words[0] not in ("rollback", "terminate"))

    def _contained(self, said: Said, before: dict[str, Sight], began: float) -> bool:
        """Judge what the pause did; False when there is none, and so nothing to give back."""
        wanted = (CONTAINED, PARTIAL) if self.manifest.left_open else (CONTAINED,)
        self._expect("pause", said, *wanted)
        if not self.book.pauses.list("mercor"):
            self.report.faults.append("no pause was opened; what `stopline pause` said is above")
            return False
        after = self.look()
        for name, sight in after.items():
            self.report.faults += report.still_in(before[name], sight)
            self.report.faults += report.harmed(sight, "after containment")
        self.report.faults += self._figures(before, after, began)
        self.report.faults += self.organization.missing()
        done = self.report.figures.values()
        configure.say(
            f"[4/9] contained: {sum(d.refused for d in done)} of {_ways(before)} ways in are "
            f"refused, {sum(d.bystanders_unharmed for d in done)} of "
            f"{sum(d.bystanders for d in done)} bystanders work"
        )
        return True

    def _figures(
        self, before: dict[str, Sight], after: dict[str, Sight], began: float
    ) -> list[str]:
        book = self.book
        pause = book.pauses.list("mercor")[-1]
        plan = book.pauses.plan(pause.plan).plan
        work = {c.address for c in plan.work}
        held = {hold.address for hold in book.writes.holds(pause.id)}
        for name, sight in after.items():
            mine = {address for address in work if address.connector == name}
            self.report.figures[name] = report.Connector(
                targets=len(mine),
                contained=len(mine & held),
                refused=report.refused(before[name], sight),
                bystanders=len(sight.bystanders),
                bystanders_unharmed=sum(c.answer is Answer.ALLOWED for c in sight.bystanders),
            )
        self.report.residuals = report.grouped([(r.what, r.until) for r in plan.residuals])
        open_ = {s.principal: s.reason for s in plan.skips if s.leaves_access}
        self.report.left_open = [f"{who}: {why}" for who, why in sorted(open_.items())]
        self.report.seconds |= report.seconds(book.pauses.events(pause.id), began)
        expected = {way.arn for way in self.manifest.left_open}
        return [
            *(f"not contained: {address}" for address in sorted(work - held)),
            *(f"left open and not declared: {who}" for who in sorted(set(open_) - expected)),
            *(f"declared as left open and not shown: {w}" for w in sorted(expected - set(open_))),
            *(f"a gap: {gap.what}: {gap.cause}" for gap in plan.gaps),
        ]

    def _pass_a_year(self, before: dict[str, Sight]) -> None:
        """What happens while a pause is open for long, in short."""
        lab = Lab(self.access, self.emulator, self.google, self.manifest)
        people, pause = People(ALICE, BOB, CAROL), self.book.pauses.list("mercor")[-1]
        who = (people, self.signers)
        self.year = Year(lab, self.book, *who, self.say, self._act, before, pause.id)
        self.year.pass_by()
        held = sum(step.ok for step in self.year.steps)
        configure.say(
            f"[5/9] the year in short: {held} of {len(self.year.steps)} things hold so far"
        )

    def say(self, words: Sequence[str], *codes: int, live: bool = True) -> Said:
        """Say a command of the year's; another exit code than these is a fault."""
        configure.say(f"      $ stopline {shlex.join(words)}")
        said = command(self.env, *words, live=live)
        self._expect(" ".join(words[:2]), said, *codes)
        return said

    def _roll_back(self) -> None:
        year = self.year
        if year is None:
            return
        words = ("rollback", year.pause, "--reason", "drill is over", "--confirm", "mercor")
        self.say(words, WAITING, live=False)
        year.approve(year.pause, BOB, WAITING)
        began = time.time()
        year.approve(year.pause, CAROL, CONTAINED)
        pause = self.book.pauses.get(year.pause)
        if pause.closed_at:
            self.report.seconds["restored"] = report.since(began, pause.closed_at)

    def _end_the_year(self) -> None:
        """Give back what another case held as well."""
        if self.year is None:
            return
        self.year.end()
        number, broken = self.book.store.verify()
        if broken:
            self.report.faults.append(f"the journal's chain of {number} events: {broken}")
        if clear := not_current(self.book.store, keys_of(self.key)):
            self.report.faults.append(f"{clear} documents of the journal are not encrypted")
        configure.say(
            f"[6/9] rolled back by the word of {BOB} and {CAROL}; the journal holds {number} events"
        )

    def _compare(self, was: dict[str, fingerprint.Fingerprint]) -> None:
        leftovers = {"aws": fingerprint.leftovers, "gcp": googling.leftovers}
        again, compared, kept = self.look(), Compared(), list[str]()
        for name, now in self.prints().items():
            wanted = self.year.wanted(name, was[name], now) if self.year else was[name]
            different, ours = fingerprint.differences(wanted, now), leftovers[name](now)
            identical = not different and not ours
            figures = replace(self.report.figures[name], restored_identical=identical)
            self.report.figures[name] = figures
            self.report.faults += [f"after rollback, {line}" for line in different]
            self.report.faults += [f"something of ours is left: {what}" for what in ours]
            self.report.faults += report.harmed(again[name], "after rollback")
            if report.worked(again[name]):
                self.report.faults.append(f"after rollback, not everybody works again in {name}")
            kept += report.moved(was[name], now, wanted)
            compared = compared.plus(report.counted(was[name], now, wanted))
        self.report.compared = compared
        if self.year:
            self.year.compared(compared.identical, kept)
        configure.say(
            f"[7/9] of {compared.objects} objects {compared.identical} are byte for byte what they "
            f"were, {compared.edited} are kept as a colleague left them"
        )

    def _prove(self) -> None:
        """Export the evidence, verify it, and take over what the year told."""
        if self.year is None:
            return
        self.year.evidence(self.folder)
        self.report.year = self.year.steps
        self.report.faults += self.year.faults
        proven = "proven offline" if self.year.steps[-1].ok else "NOT proven"
        configure.say(f"[8/9] the evidence of the pause is {proven}")

    def _terminate(self, before: dict[str, Sight]) -> None:
        """Pause once more, and remove for good what that contained."""
        because = ("--reason", "drill", "--confirm", "mercor")
        wanted = (CONTAINED, PARTIAL) if self.manifest.left_open else (CONTAINED,)
        paused = self._command("pause", "mercor", *because, *self._overrides())
        self._expect("pause", paused, *wanted)
        self._expect("terminate", self._command("terminate", "mercor", *because), WAITING)
        said = self._command("approve", "mercor", "--as", BOB, "--confirm", "mercor")
        self._expect("approve", said, CONTAINED)
        after = self.look()
        for name, sight in after.items():
            still = report.still_in(before[name], sight)
            self.report.faults += [f.replace("containment", "termination") for f in still]
            self.report.faults += report.harmed(sight, "after termination")
        self.report.faults += ending.faults(self.access, self.manifest)
        self.report.faults += self.google.unlike_ended()
        gone = len(self.book.pauses.removed(self.book.pauses.list("mercor")[-1].id))
        configure.say(
            f"      terminated by {BOB}'s word: {gone} users, roles and credentials are gone"
        )

    def _expect(self, what: str, said: Said, *codes: int) -> None:
        if said.code not in codes:
            wanted = " or ".join(map(str, codes))
            self.report.faults.append(f"`stopline {what}` ended with {said.code}, not {wanted}")
        self.ears.settle(self.book)


def _ways(sights: dict[str, Sight]) -> int:
    return sum(len(sight.vendor) for sight in sights.values())
