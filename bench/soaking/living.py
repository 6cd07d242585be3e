"""One life, lived on a night that is killed: each step is asked for until it is done, then judged.

What is paused, when and how it ends is the life's; what must hold after it is `laws`.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bench.soaking import laws
from bench.soaking.killer import Killer
from bench.soaking.life import Life, Step, Which
from bench.soaking.night import BY_HAND, SYSTEM, Night, OutsideTheLawsError
from bench.soaking.till import Sums, of_paid, sums
from stopline.configuration import installed_techniques
from stopline.drill import configure, ending
from stopline.drill.beside import Beside
from stopline.drill.oracle import Oracle
from stopline.drill.payday import CONTRACTORS, LEDGER
from stopline.evidence import bundle as b
from stopline.evidence.envelope import sealed
from stopline.evidence.verifying import Trusted, verified
from stopline.journal.pauses import Pause, PauseStatus
from stopline.model import Address
from stopline.money import PAY
from stopline.text import Json

MONEY = ("--realm", LEDGER, "--playbook", configure.PAYOUTS, "--apart")
HAND = ("--realm", SYSTEM, "--playbook", BY_HAND, "--apart")
BY_HAND_HELD = ("--held", "c1:USD=120050", "--held", "c2:JPY=5000", "--left", "c1:USD=7")
BY_HAND_BACK = ("--reissued", "c1:USD=20050", "--written-off", "c2:JPY=1000")
LEFT: Sums = Counter({("c1", "USD"): 7})
"""What people held in their system, what of it they paid anew or owe no more, and what had left."""
EARLY, BESIDE = 3, 2
"""Pay runs before the first hold, and holds for each that goes beside them; of one payable each."""
PAYEE, TWICE = CONTRACTORS[1], CONTRACTORS[2]
TOLD_SECONDS = 90
"""The longest that a dead worker's notices may take."""
SHOWN = 5


@dataclass
class Living:
    """A life as it is lived. `was` is the estate from before it."""

    night: Night
    killer: Killer
    life: Life
    was: laws.Prints
    chain: laws.Chain
    pauses: dict[Which, Pause] = field(default_factory=dict)
    ended: set[Which] = field(default_factory=set)
    given: set[Step] = field(default_factory=set)
    """Which parts were given back of the first pauses."""
    settled: frozenset[str] = frozenset()
    """The payables that people settled by the termination of the money."""
    before: frozenset[str] = frozenset()
    held: int = 0
    contained: float = 0.0
    told: int = 0

    def run(self) -> None:
        """From the first pause to the evidence. Raises OutsideTheLawsError."""
        night, life, began = self.night, self.life, time.monotonic()
        self.before = frozenset(p.id for p in night.pauses())
        night.till.owe()
        heard = len(night.ears.arrived)
        second = Which.MONEY if life.first is Which.ACCESS else Which.ACCESS
        for which in (life.first, second):
            self._pause(which)
        self.contained = time.monotonic() - began
        self.held = len(night.held())
        for step in life.steps:
            self._happens(step)
        for which in life.order:
            self._end(which)
        self._leave_nobody()
        self._judge("the end", self._at_the_end)
        self._evidence()
        self.told = len(night.ears.arrived) - heard

    # --- pausing ---------------------------------------------------------------------------------

    def _pause(self, which: Which) -> None:
        with self.killer.at_work(self.night, f"pause {which}"):
            if which is Which.ACCESS:
                self.pauses[which] = self.night.paused()
            elif which is Which.MONEY:
                with Beside(self._pay, self.night.till.number, EARLY, BESIDE):
                    self.pauses[which] = self.night.paused(*MONEY)
            elif which is Which.OTHER:
                self.pauses[which] = self.night.paused("--project", laws.PROJECT, "--apart")
            elif which is Which.TWICE:
                self.pauses[which] = self.night.paused(*MONEY, "--principal", TWICE)
            else:
                self.pauses[which] = self._by_hand()
        self._rest(f"{which} is paused", which)

    def _by_hand(self) -> Pause:
        """It is contained once one person has held it there, and another looked."""
        night = self.night
        pause = night.paused(*HAND).id

        def held() -> bool:
            if night.status(pause) is not PauseStatus.CONTAINED:
                night.by_hand(pause, *BY_HAND_HELD)
            return night.status(pause) is PauseStatus.CONTAINED

        night.until(f"held by hand in {pause}", held)
        return night.book.pauses.get(pause)

    def _pay(self, run: str) -> None:
        self.night.till.pay(f"life {self.night.till.lives} {run}", most=1)

    # --- meanwhile -------------------------------------------------------------------------------

    def _happens(self, step: Step) -> None:
        acts: dict[Step, Callable[[], None]] = {
            Step.REGRANT: self._regrant,
            Step.KEEP: lambda: self.night.kept(self.pauses[Which.ACCESS].id),
            Step.PROJECT: lambda: self._part(
                Which.ACCESS, f"/{laws.PROJECT}/", "--project", laws.PROJECT
            ),
            Step.CLOUD: self._cloud,
            Step.PAYEE: self._payee,
        }
        if step in PAUSES:
            self._pause(PAUSES[step])
        else:
            with self.killer.at_work(self.night, step):
                acts[step]()
            self.given.add(step)
            self._rest(step, step)

    def _regrant(self) -> None:
        self.night.opened()
        for which in (Which.ACCESS, Which.OTHER):
            if which in self.pauses:
                self.night.audited(self.pauses[which].id)

    def _cloud(self) -> None:
        access = self.pauses[Which.ACCESS].id
        scope = ("--connector", "gcp")
        self.night.given_back(access, lambda: not self._holds(access, connector="gcp"), *scope)

    def _part(self, which: Which, of: str, *scope: str) -> None:
        """Give back what one pause holds of some principals."""
        pause = self.pauses[which].id
        self.night.given_back(pause, lambda: not self._holds(pause, of), *scope)

    def _payee(self) -> None:
        """Give one contractor's back; the next pay run pays exactly that."""
        night, money = self.night, self.pauses[Which.MONEY].id
        mine = {a.document.id for a in self._holds(money, PAYEE)}
        self._part(Which.MONEY, PAYEE, "--principal", PAYEE)
        still = {payable for payable, _ in night.till.marks()}
        self._pays(mine - still)

    def _pays(self, due: Iterable[str]) -> None:
        """A pay run pays what was let go of, to the minor unit, and nothing else."""
        rows = self.night.till.rows()
        owed = sums(rows[id_] for id_ in due)
        sent = of_paid(self.night.till.pay(f"life {self.night.till.lives}, after a release"))
        if sent != owed:
            more, less = dict(sent - owed), dict(owed - sent)
            raise OutsideTheLawsError(f"a pay run paid {more} too much and {less} too little")

    def _holds(self, pause: str, of: str = "", connector: str = "") -> set[Address]:
        """What a pause holds: of whose name holds the text, or of one connector."""
        return {
            hold.address
            for hold in self.night.book.writes.holds(pause)
            if of in hold.change.principal and connector in ("", hold.address.connector)
        }

    # --- the end ---------------------------------------------------------------------------------

    def _end(self, which: Which) -> None:
        night, pause = self.night, self.pauses[which].id
        money = self._holds(pause, connector=PAY)
        held = {a.document.id for a in money if a.realm == LEDGER}
        before = laws.report(night, pause) if money else None
        gone = which in self.life.terminated
        with self.killer.at_work(night, f"{which} {'terminated' if gone else 'given back'}"):
            if gone:
                night.terminated(pause, *self._decided(which))
            elif which is Which.HAND:
                back = partial(night.by_hand, pause, *BY_HAND_BACK)
                night.given_back(pause, meanwhile=back)
            else:
                night.given_back(pause)
        self.ended.add(which)
        self._settle(which, held, before)
        self._rest(f"{which} has ended", which)

    def _decided(self, which: Which) -> tuple[str, ...]:
        """One payee's is settled, which is kept, and all other money is disputed."""
        if which is not Which.MONEY:
            return ()
        holds = self.night.book.writes.holds(self.pauses[which].id)
        settled, *others = sorted({h.change.principal for h in holds})
        its = (h.address.document.id for h in holds if h.change.principal == settled)
        self.settled = frozenset(its)
        words = [word for name in others for word in ("--dispute", name)]
        return ("--settle", settled, *words, "--review-by", "2031-03-01")

    def _settle(self, which: Which, held: set[str], before: Json) -> None:
        """What was held is released, issued anew or written off, unless it is held still."""
        if before is None:
            return
        night, after = self.night, laws.report(self.night, self.pauses[which].id)
        became = sum((laws.of_report(after, state) for state in BECAME), Counter())
        still, was = laws.of_report(after, "held"), laws.of_report(before, "held")
        released = laws.of_report(before, "released")  # a part that was given back earlier
        wrong = list(self._of_report(which, after))
        if became + still != was + released:
            wrong.append(f"of {dict(was + released)} became {dict(became)}; held: {dict(still)}")
        if which not in self.life.terminated and still:
            wrong.append(f"held after the release: {dict(still)}")
        if which in self.life.terminated:
            mine = self.pauses[which].id
            wrong += laws.undecided(night, after, mine, held, self.settled)
        self._fail(f"{which} was settled", wrong)
        self._pays(held - {payable for payable, _ in night.till.marks()})

    def _leave_nobody(self) -> None:
        """A command that was cut off may have opened a pause more than was known: given back."""
        known = {pause.id for pause in self.pauses.values()}
        for pause in self.night.pauses():
            if pause.id not in known | self.before and pause.status is not PauseStatus.CLOSED:
                if not self.night.held(pause.id):
                    self.night.ask("reject", pause.id, "--reason", "asked twice")
                if self.night.status(pause.id) is not PauseStatus.CLOSED:
                    self.night.given_back(pause.id)

    # --- judging ---------------------------------------------------------------------------------

    def _rest(self, after: str, of: object = None) -> None:
        """Judge what a step was about; nothing else moved. Who rests is killed, too."""
        with self.killer.at_work(self.night, "at rest"):
            self._judge(after, self._money if of in ABOUT_MONEY else self._access)

    def _judge(self, after: str, wrong: Callable[[], Iterable[str]]) -> None:
        self._fail(after, list(wrong()))

    @staticmethod
    def _fail(after: str, wrong: list[str]) -> None:
        if wrong:
            told = "; ".join(wrong[:SHOWN])
            raise OutsideTheLawsError(f"{len(wrong)} faults when {after}: {told}")

    def _money(self) -> Iterable[str]:
        """A run pays all that it can; nothing of what is held, and nothing else is left."""
        night = self.night
        yield from self.chain.wrong(night)
        if Which.MONEY in self.pauses:
            night.till.pay(f"life {night.till.lives}, a run of all")
            yield from laws.paid_held(night)
        yield from laws.rows_unlike(night)
        for which in {Which.MONEY, Which.TWICE, Which.HAND} & self.pauses.keys():
            yield from self._of_report(which, laws.report(night, self.pauses[which].id))

    def _of_report(self, which: Which, document: Json) -> Iterable[str]:
        """By hand no rows say what is held: people do."""
        yield from laws.unbalanced(document, LEFT if which is Which.HAND else laws.NOTHING)
        if which is not Which.HAND:
            yield from laws.unlike_ledger(self.night, document, self.pauses[which].id)

    def _access(self) -> Iterable[str]:
        """Whoever is to be refused is; whoever was given back works; others always do."""
        night, access = self.night, self.pauses.get(Which.ACCESS)
        yield from self.chain.wrong(night)
        whole = self._keeps(Which.ACCESS)
        part = self._keeps(Which.OTHER)
        oracle = Oracle.read(night.access)
        rest = laws.theirs(night.manifest, of_project=False)
        project = laws.theirs(night.manifest, of_project=True)
        yield from laws.unharmed(night, oracle)
        for pause in self.pauses.values():
            yield from laws.priors(night, pause.id)
        if access and whole:
            yield from laws.refused(night, oracle, rest, access.id)
            if Step.CLOUD not in self.given:
                yield from laws.google_refused(night)
        if access and whole and Step.PROJECT not in self.given:
            yield from laws.refused(night, oracle, project, access.id)
        elif part:
            yield from laws.refused(night, oracle, project, self.pauses[Which.OTHER].id)
        elif not self._gone(Which.ACCESS):
            yield from laws.back(oracle, project)

    def _keeps(self, which: Which) -> bool:
        """Whether a pause still keeps the vendor out: also for good."""
        return which in self.pauses and (which not in self.ended or self._gone(which))

    def _gone(self, which: Which) -> bool:
        return which in self.ended and which in self.life.terminated

    def _at_the_end(self) -> Iterable[str]:
        night = self.night
        night.ears.settle(night.book, TOLD_SECONDS)
        yield from self.chain.wrong(night)
        yield from laws.unanswered(night)
        yield from laws.untold(night, self.before)
        yield from laws.rows_unlike(night)
        if Which.ACCESS in self.life.terminated:
            stays = Step.PROJECT in self.given
            mine = laws.theirs(night.manifest, of_project=False) if stays else night.manifest
            yield from ending.faults(night.access, mine)
        else:
            yield from laws.unlike(night, self.was)
        if not self.life.terminated:
            yield from (f"still held: {address}" for address in night.held())

    def _evidence(self) -> None:
        """A bundle of each pause, signed, that verifies offline and lacks no record of it."""
        book, key = self.night.book, Ed25519PrivateKey.generate()
        terms = b.Terms(book.store.now(), bytes(32), installed_techniques())
        for pause in self.pauses.values():
            made = b.finished(*b.gather(book, pause.id, terms))
            data = b.packed(made, sealed(made.manifest_bytes, key))
            verdicts = verified(data, Trusted(key.public_key()))
            wrong = [f"{v.name}: {v.found}" for v in verdicts if not v.ok]
            self._fail(f"the evidence of {pause.id} was verified", wrong)


PAUSES = {Step.OVERLAP: Which.OTHER, Step.TWICE: Which.TWICE, Step.HAND: Which.HAND}
"""The steps that pause once more."""
ABOUT_MONEY = frozenset({Which.MONEY, Which.TWICE, Which.HAND, Step.PAYEE, Step.KEEP})
"""Pauses and steps that leave access as it is."""
BECAME = ("released", "reissued", "written_off")
