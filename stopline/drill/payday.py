"""The drill's pay day: a vendor's payouts are held while a pay run is going, and then released.

A ledger of accounts payable, on SQLite or on the drill's PostgreSQL. Pay runs go while the pause is
planned and approved, and go on beside its holds, so that the two race. When the holds stand, a last
run pays all that it can. What was paid is judged by the ledger's own rows.
"""

import json
import shlex
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import cycle, islice
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from stopline import money
from stopline.connectors.payouts import ledger as l
from stopline.drill import configure
from stopline.drill.children import command
from stopline.drill.payrun import Paid, pay_run
from stopline.drill.report import Connector
from stopline.journal.book import Book
from stopline.text import Json

VARIABLE = "DRILL_LEDGER_URL"
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
    _engine: Engine = field(init=False, repr=False)

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

    def run(self, env: Mapping[str, str], book: Book) -> None:
        """Pay, hold meanwhile, report, release, compare; what is wrong is in `faults`."""
        folder = self.folder / "config"
        kept = {path: path.read_text("utf-8") for path in folder.rglob("*.yaml")}
        configure.write_payouts(folder, VARIABLE)
        try:
            self._day(env, book)
        finally:
            for path, text in kept.items():
                path.write_text(text, "utf-8")

    def _day(self, env: Mapping[str, str], book: Book) -> None:
        was, holds = self._payables(), self._rows(l.HOLDS)
        before = {pause.id for pause in book.pauses.list("mercor")}
        words = ("--connector", "payouts", "--playbook", configure.PAYOUTS, "--apart")
        ask, approver = ("--reason", "drill", "--confirm", "mercor"), self.people[1]
        with _Running(self._engine) as running:
            self._say(env, ("pause", "mercor", *words, *ask), 5)
            new = [p for p in book.pauses.list("mercor") if p.id not in before]
            if not new:
                self.faults.append("no pause of the payouts was opened")
                return
            (pause,) = new
            yes = ("approve", pause.id, "--as", approver, "--confirm", "mercor")
            self._say(env, yes, 0)
        running.paid += pay_run(self._engine, "the end of the day")
        plan = book.pauses.plan(pause.plan).plan
        held = {hold.address.document.id for hold in book.writes.holds(pause.id)}
        self._judge({c.address.document.id for c in plan.work}, held)
        self._report(env, pause.id)
        self._say(env, ("rollback", pause.id, *ask), 5)
        self._say(env, yes, 0)
        self._compare(was, holds, held)

    def _say(self, env: Mapping[str, str], words: Sequence[str], code: int) -> None:
        configure.say(f"      $ stopline {shlex.join(words)}")
        said = command(env, *words, live=words[0] != "rollback")
        if said.code != code:
            what = " ".join(words[:2])
            self.faults.append(f"payouts: `stopline {what}` ended with {said.code}, not {code}")

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
        """Show the held-amounts report, and hold its figures against the ledger's."""
        self._say(env, ("payouts", pause), 0)
        said = command(env, "payouts", pause, "--output", "json", quiet=True)
        document: Json = json.loads(said.stdout) if said.stdout else {}
        told = {(t["payee"], t["currency"]): t["held"] for t in document.get("totals", ())}
        rows = [r for r in self._payables().values() if r["payee"] not in OTHERS]
        owed = _sums(Paid(r["id"], r["payee"], r["currency"], r["amount"])
                     for r in rows if r["status"] == l.OPEN)  # fmt: skip
        if not document.get("balanced"):
            self.faults.append("payouts: the report does not balance")
        if {key: amount for key, amount in told.items() if amount} != dict(owed):
            self.faults.append("payouts: the report shows other sums as held than are owed")

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

    def _payables(self) -> dict[str, Json]:
        with self._engine.connect() as connection:
            rows = connection.execute(sa.select(l.PAYABLES)).mappings()
            return {row["id"]: dict(row) for row in rows}

    def _rows(self, table: sa.Table) -> Rows:
        with self._engine.connect() as connection:
            return [tuple(row) for row in connection.execute(sa.select(table).order_by(*table.c))]


@dataclass
class _Running:
    """Pay runs in a thread: `EARLY` payables one by one, then one for every `EACH` holds placed."""

    engine: Engine
    paid: list[Paid] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread = field(init=False)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._pay, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _pay(self) -> None:
        for number in range(EARLY):
            self.paid += pay_run(self.engine, f"early-{number}", most=1)
            if self._over.wait(0.1):
                return
        beside = 0
        while not self._over.wait(0.005):
            if self._held() > EACH * beside:
                self.paid += pay_run(self.engine, f"beside-{beside}", most=1)
                beside += 1

    def _held(self) -> int:
        ours = sa.select(sa.func.count()).where(l.HOLDS.c.mark != TAX["mark"])
        with self.engine.connect() as connection:
            return connection.scalar(ours) or 0


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
