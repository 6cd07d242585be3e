"""The drill's pay day: a vendor's payouts are held while a pay run is going, and then released.

A ledger of accounts payable, on SQLite or on the drill's PostgreSQL, and an emulated Stripe. Pay
runs go while the pause is planned and approved, and go on beside its holds, so that the two race.
When the holds stand, a last run pays all that it can. What was paid is judged by the ledger's own
rows, and by Stripe's own state.
"""

import json
import shlex
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from stopline import money
from stopline.connectors.payouts import ledger as l
from stopline.drill import configure, stripeday
from stopline.drill.beside import Beside
from stopline.drill.children import command
from stopline.drill.hearing import Ears
from stopline.drill.payrun import Paid, pay_run
from stopline.drill.report import Connector
from stopline.drill.stripe_double import PLATFORM
from stopline.drill.stripe_http import KEY
from stopline.drill.stripeday import StripeDay
from stopline.journal.book import Book
from stopline.journal.pauses import Pause
from stopline.render.standing import UNVERIFIED
from stopline.text import Json

VARIABLE = "DRILL_LEDGER_URL"
LEDGER = "accounts"
VENDOR = configure.LEDGER_ID
CONTRACTORS = tuple(f"P-{number:04}" for number in range(1, 9))
OTHERS = ("V-MERCER", "V-1207", "P-0901")
"""Other vendors, one whose name only looks like mercor's, and a person engaged through another."""
PAYABLES = 120
"""Half of them are mercor's or its contractors'."""
TAX = {"mark": "tax-team", "code": "W-9"}
"""Another team's hold, on a payable of mercor's."""
EARLY = 12
"""How many payables leave before the first hold."""
EACH = 2
"""How many holds are placed for each payable that leaves beside them."""
PAY_BY = date(2027, 1, 31)
Sums = Counter[tuple[str, str]]
Ids = dict[str, set[str]]
Rows = Sequence[tuple[Any, ...]]


def create_database(server: str, name: str) -> str:
    """Make a database on a server, by the URL of another one of it; return its URL."""
    engine = l.engine_of(server)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return server.rpartition("/")[0] + f"/{name}"


@dataclass
class PayDay:
    """One ledger with its pay run, and one pause of two people. `url` may hold a password."""

    folder: Path
    url: str = field(repr=False)
    people: tuple[str, str]
    faults: list[str] = field(default_factory=list)
    figures: Connector = field(default_factory=Connector)
    paid: list[Paid] = field(default_factory=list)
    stripe: StripeDay = field(default_factory=StripeDay)
    _engine: Engine = field(init=False, repr=False)
    _settled: Callable[[], None] = field(init=False, repr=False)
    """Waits until all who are to hear of what was said have."""

    def seed(self) -> None:
        """Fill the ledger: payables of mercor's and of others, one after the other."""
        self._engine = l.engine_of(self.url)
        l.create(self._engine)
        through = dict.fromkeys(CONTRACTORS, VENDOR) | {"P-0901": "V-1207"}
        mine, theirs = cycle((VENDOR, *CONTRACTORS)), cycle(OTHERS)
        currencies = cycle(("USD", "EUR", "JPY", "USD", "KWD"))
        with self._engine.begin() as connection:
            for payee in (VENDOR, *CONTRACTORS, *OTHERS):
                row: Json = {"id": payee, "engaged_through": through.get(payee, "")}
                connection.execute(sa.insert(l.PAYEES).values(row))
            for number, currency in enumerate(islice(currencies, PAYABLES)):
                row = {
                    "id": f"inv-{number:03}",
                    "uid": f"u-{number:03}",
                    "payee": next(theirs if number % 2 else mine),
                    "currency": currency,
                    "amount": 9_001 + 137 * number,
                    "pay_by": PAY_BY,
                }
                connection.execute(sa.insert(l.PAYABLES).values(row))
            last = {"payable": f"inv-{PAYABLES - 2:03}", **TAX}
            connection.execute(sa.insert(l.HOLDS).values(last))

    def stop(self) -> None:
        """Let go of the ledger."""
        if hasattr(self, "_engine"):
            self._engine.dispose()

    # --- the day ---------------------------------------------------------------------------------

    @property
    def secrets(self) -> dict[str, str]:
        """What the worker is given: where the ledger is, and Stripe's key."""
        return {VARIABLE: self.url, stripeday.VARIABLE: KEY}

    def run(self, env: Mapping[str, str], book: Book, ears: Ears) -> None:
        """Pay, hold meanwhile, report, release, compare; what is wrong is in `faults`."""
        self._settled = lambda: ears.settle(book)
        folder = self.folder / "config"
        kept = {path: path.read_text("utf-8") for path in folder.rglob("*.yaml")}
        with self.stripe as stripe:
            at_stripe = {
                "rail": "stripe", "key_from": stripeday.VARIABLE, "platform": PLATFORM,
                "live": False, "api_url": stripe.double.url,
            }  # fmt: skip
            own = {"name": "accounts payable", "url_from": VARIABLE}
            configure.write_payouts(folder, {LEDGER: own, stripeday.LEDGER: at_stripe})
            try:
                self._day(env, book)
            finally:
                for path, text in kept.items():
                    path.write_text(text, "utf-8")
        self.faults += stripe.faults

    def _day(self, env: Mapping[str, str], book: Book) -> None:
        was, holds = self._payables(), self._rows(l.HOLDS)
        before = {pause.id for pause in book.pauses.list("mercor")}
        words = ("--connector", "payouts", "--playbook", configure.PAYOUTS, "--apart")
        ask, approver = ("--reason", "drill", "--confirm", "mercor"), self.people[1]
        with Beside(self._pay, self._held, EARLY, EACH), self.stripe.beside():
            self._say(env, ("pause", "mercor", *words, *ask), 5)
            new = [p for p in book.pauses.list("mercor") if p.id not in before]
            if not new:
                self.faults.append("no pause of the payouts was opened")
                return
            (pause,) = new
            yes = ("approve", pause.id, "--as", approver, "--confirm", "mercor")
            self._say(env, yes, 0)
        self.paid += pay_run(self._engine, "the end of the day")
        targets, held = self._found(book, pause)
        self._judge(targets[LEDGER], held[LEDGER])
        at_stripe = self.stripe.judge(targets[stripeday.LEDGER], held[stripeday.LEDGER])
        self._report(env, pause.id)
        self._say(env, ("rollback", pause.id, *ask), 5)
        self._say(env, yes, 0)
        self._compare(was, holds, held[LEDGER])
        self.figures = self.figures.plus(
            replace(at_stripe, restored_identical=self.stripe.compare())
        )

    def _found(self, book: Book, pause: Pause) -> tuple[Ids, Ids]:
        """By ledger, what the plan wanted to hold and what is held."""
        targets: Ids = {LEDGER: set(), stripeday.LEDGER: set()}
        held: Ids = {LEDGER: set(), stripeday.LEDGER: set()}
        for change in book.pauses.plan(pause.plan).plan.work:
            targets[change.address.realm].add(change.address.document.id)
        for hold in book.writes.holds(pause.id):
            held[hold.address.realm].add(hold.address.document.id)
        return targets, held

    def _pay(self, run: str) -> None:
        self.paid += pay_run(self._engine, run, most=1)

    def _say(self, env: Mapping[str, str], words: Sequence[str], code: int) -> None:
        configure.say(f"      $ stopline {shlex.join(words)}")
        said = command(env, *words, live=words[0] != "rollback")
        if said.code != code:
            what = " ".join(words[:2])
            self.faults.append(f"payouts: `stopline {what}` ended with {said.code}, not {code}")
        self._settled()

    def _judge(self, targets: set[str], held: set[str]) -> None:
        """What is owed to mercor's, after a pay run that paid everything that it could."""
        now = self._payables()
        mine = {id_ for id_, row in now.items() if row["payee"] not in OTHERS}
        open_ = {id_ for id_ in mine if now[id_]["status"] == l.OPEN}
        theirs = set(now) - mine
        late = sorted(id_ for id_ in theirs if now[id_]["status"] != l.PAID)
        self.figures = Connector(
            targets=len(targets),
            contained=len(targets & held),
            refused=len(open_),
            bystanders=len(theirs),
            bystanders_unharmed=len(theirs) - len(late),
        )
        self.faults += [f"payouts: {id_} is held and was paid" for id_ in sorted(held - open_)]
        self.faults += [f"payouts: {id_} is owed and not held" for id_ in sorted(open_ - held)]
        self.faults += [f"payouts: the bystanders' {id_} was not paid" for id_ in late]
        if not open_:
            self.faults.append("payouts: everything was paid before it was held")

    def _report(self, env: Mapping[str, str], pause: str) -> None:
        """Show the held-amounts report, and hold its figures against the ledger's and Stripe's.

        What had left Stripe beside its hold is told as escaped, by figures and by the exit code.
        """
        self._say(env, ("payouts", pause), UNVERIFIED)
        said = command(env, "payouts", pause, "--output", "json", quiet=True)
        document: Json = json.loads(said.stdout) if said.stdout else {}
        told = {s: Counter({(t["payee"], t["currency"]): t[s] for t in document.get("totals", ())
                            if t[s]}) for s in ("held", "escaped")}  # fmt: skip
        rows = [r for r in self._payables().values() if r["payee"] not in OTHERS]
        owed = _sums(Paid(r["id"], r["payee"], r["currency"], r["amount"])
                     for r in rows if r["status"] == l.OPEN)  # fmt: skip
        if not document.get("balanced"):
            self.faults.append("payouts: the report does not balance")
        if told["held"] != owed + self.stripe.held():
            self.faults.append("payouts: the report shows other sums as held than are owed")
        if not self.stripe.escaped() <= told["escaped"] <= self.stripe.left:
            self.faults.append("payouts: the report shows other sums as escaped than left Stripe")

    def _compare(self, was: Mapping[str, Json], holds: Rows, held: set[str]) -> None:
        """What was held is as it was, others' holds stand, and the next run pays exactly it."""
        now = self._payables()
        changed = sorted(id_ for id_ in held if now[id_] != was[id_])
        same = not changed and self._rows(l.HOLDS) == holds
        f = self.figures
        self.figures = Connector(
            f.targets, f.contained, f.refused, f.bystanders, f.bystanders_unharmed, same
        )
        self.faults += [f"payouts: {id_} differs after the rollback" for id_ in changed]
        if self._rows(l.HOLDS) != holds:
            self.faults.append("payouts: the ledger's holds are not those from before")
        kept = {row[0] for row in holds}
        due = [was[id_] for id_ in sorted(held - kept)]
        owed = _sums(Paid(r["id"], r["payee"], r["currency"], r["amount"]) for r in due)
        sent = _sums(pay_run(self._engine, "after the rollback"))
        if sent != owed:
            self.faults.append("payouts: the next pay run did not pay exactly what was held")
        configure.say(f"      then a pay run paid {len(due)} payables: {_words(sent)}")

    # --- the ledger ------------------------------------------------------------------------------

    def _held(self) -> int:
        ours = sa.select(sa.func.count()).where(l.HOLDS.c.mark != TAX["mark"])
        with self._engine.connect() as connection:
            return connection.scalar(ours) or 0

    def _payables(self) -> dict[str, Json]:
        with self._engine.connect() as connection:
            rows = connection.execute(sa.select(l.PAYABLES)).mappings()
            return {row["id"]: dict(row) for row in rows}

    def _rows(self, table: sa.Table) -> Rows:
        with self._engine.connect() as connection:
            return [tuple(row) for row in connection.execute(sa.select(table).order_by(*table.c))]


def _sums(items: Any) -> Sums:
    total: Sums = Counter()
    for item in items:
        total[item.payee, item.currency] += item.amount
    return total


def _words(sums: Sums) -> str:
    """Sums by currency, for a person."""
    total: Counter[str] = Counter()
    for (_, currency), amount in sums.items():
        total[currency] += amount
    return ", ".join(money.shown(amount, currency) for currency, amount in sorted(total.items()))
