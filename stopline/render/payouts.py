"""Held amounts: a page, lines for a spreadsheet, and control totals. Pure.

Amounts are whole numbers of the currency's minor unit throughout; decimals are written beside them.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from stopline import money
from stopline.render.page import Line, Page, Section, Table, Tone


class State(StrEnum):
    """What became of one payable. Each is in exactly one state."""

    PAID_BEFORE = "paid before"
    """It left before its hold was placed."""
    HELD = "held"
    ESCAPED = "escaped"
    """It left in spite of its hold."""
    RELEASED = "released"
    """It was held, and is free to be paid."""
    REISSUED = "reissued"
    """It was held by cancelling its payment, and was paid anew."""
    WRITTEN_OFF = "written off"
    """It was held, and the lab decided to owe it no more."""
    NOT_HELD = "not held"
    """It is owed, and nothing keeps it from being paid; `why` says why."""


KEPT = (State.HELD, State.RELEASED, State.REISSUED, State.WRITTEN_OFF)
"""What a hold has kept from leaving."""
TOTALS: Mapping[str, State] = {str(state).replace(" ", "_"): state for state in State}


@dataclass(frozen=True, slots=True)
class Owed:
    """One payable. `amount` is what was owed first, `now` what is, as far as it was read.

    Times are UTC, ISO 8601, and empty where there is none; `pay_by` is a date.
    """

    ledger: str
    payable: str
    payee: str
    currency: str
    amount: int
    now: int
    state: State
    hold: str = ""
    placed_at: str = ""
    released_at: str = ""
    pay_by: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Total:
    """The amounts of one payee in one currency, by state. `owed` is what was owed in all.

    What became owed beside a hold (`now` above `amount`) is part of it.
    """

    payee: str
    currency: str
    owed: int
    by_state: Mapping[State, int]

    @property
    def held_at_all(self) -> int:
        """What holds have kept from leaving: still held, or what became of it then."""
        return sum(self.by_state[state] for state in KEPT)

    @property
    def balanced(self) -> bool:
        """Whether what was owed is all accounted for, to the minor unit."""
        return self.owed == sum(self.by_state.values())


@dataclass(frozen=True, slots=True, order=True)
class Control:
    """What all lines of one currency, payee and outcome come to, and how many they are.

    Whoever adds up the lines that they were given must get these, or lines are missing.
    """

    currency: str
    payee: str
    state: State
    payables: int
    minor: int


@dataclass(frozen=True, slots=True)
class Payouts:
    """The report of one pause. `unread` says, by ledger, why what it says is not from now."""

    pause: str
    vendor: str
    requester: str
    owed: tuple[Owed, ...]
    unread: Mapping[str, str]
    read_at: str = ""

    @property
    def totals(self) -> tuple[Total, ...]:
        """One for each payee and currency, in their order."""
        return _totals(self.owed)

    @property
    def currencies(self) -> tuple[Total, ...]:
        """One for each currency, of all payees, in their order; its payee is empty."""
        return _totals([replace(one, payee="") for one in self.owed])

    @property
    def control(self) -> tuple[Control, ...]:
        """One for each currency, payee and outcome that there is, in their order."""
        found: dict[tuple[str, str, State], list[int]] = {}
        for one in self.owed:
            found.setdefault((one.currency, one.payee, one.state), []).append(one.now)
        return tuple(Control(*key, len(all_), sum(all_)) for key, all_ in sorted(found.items()))

    @property
    def balanced(self) -> bool:
        """Whether every total accounts for what was owed."""
        return all(total.balanced for total in self.totals)

    def count(self, state: State) -> int:
        """How many payables are in this state."""
        return sum(one.state is state for one in self.owed)


def _totals(owed: Sequence[Owed]) -> tuple[Total, ...]:
    keys = sorted({(one.payee, one.currency) for one in owed})
    totals = []
    for key in keys:
        mine = [one for one in owed if (one.payee, one.currency) == key]
        by_state = {state: sum(o.now for o in mine if o.state is state) for state in State}
        totals.append(Total(*key, sum(max(o.amount, o.now) for o in mine), by_state))
    return tuple(totals)


# --- for people ----------------------------------------------------------------------------------


def payouts_page(report: Payouts, most: int) -> Page:
    """Return the totals, what needs a person, and the first lines of what is held."""
    title = f"Payouts under the pause {report.pause}: {report.vendor}"
    if not report.owed:
        lines = _unread(report) or (Line("Nothing was owed that this pause could hold."),)
        return (Section(title, lines),)
    return (
        Section(title, (*_unread(report), *_totals_tables(report), _verdict(report))),
        *_listed(report, State.ESCAPED, "Escaped: left in spite of a hold", Tone.BAD, most),
        *_listed(report, State.NOT_HELD, "Owed and not held", Tone.WARN, most),
        *_listed(report, State.HELD, "Held, and still owed", Tone.STRONG, most),
    )


def _unread(report: Payouts) -> tuple[Line, ...]:
    return tuple(
        Line(f"{ledger} was not read, so this is what the journal knows: {why}", "!", Tone.WARN)
        for ledger, why in sorted(report.unread.items())
    )


def _totals_tables(report: Payouts) -> Iterator[Table]:
    """By payee and currency, and by currency alone where that says more."""
    yield _totals_table("payee", report.totals)
    if len(report.currencies) < len(report.totals):
        all_ = tuple(replace(one, payee=f"all, in {one.currency}") for one in report.currencies)
        yield _totals_table("control totals", all_)


def _totals_table(heading: str, totals: Sequence[Total]) -> Table:
    columns = (heading, "owed before", *TOTALS.values())
    rows = tuple(
        (
            total.payee,
            money.shown(total.owed, total.currency),
            *(
                money.shown(total.by_state[state], total.currency) if total.by_state[state] else "-"
                for state in TOTALS.values()
            ),
        )
        for total in totals
    )
    return Table(tuple(map(str, columns)), rows)


def _verdict(report: Payouts) -> Line:
    if report.balanced:
        text = "the totals balance: what was owed is paid before, held, escaped or not held"
        return Line(f"{text}, to the minor unit", tone=Tone.GOOD)
    short = [
        f"{t.payee} {money.shown(t.owed - sum(t.by_state.values()), t.currency)}"
        for t in report.totals
        if not t.balanced
    ]
    return Line(f"less is owed now than was: {', '.join(short)}", "!", Tone.BAD)


def _listed(report: Payouts, state: State, title: str, tone: Tone, most: int) -> list[Section]:
    found = [one for one in report.owed if one.state is state]
    lines = [Line(_one(one), "!" if state is not State.HELD else "") for one in found[:most]]
    if len(found) > most:
        lines.append(Line(f"and {len(found) - most} more: -v, or --format csv", tone=Tone.QUIET))
    return [Section(f"{title} ({len(found)})", tuple(lines), tone)] if found else []


def _one(one: Owed) -> str:
    parts = [f"{one.payee}: {money.shown(one.now, one.currency)}", f"{one.ledger} {one.payable}"]
    if one.pay_by:
        parts.append(f"to be paid by {one.pay_by}")
    if one.now != one.amount:
        parts.append(f"was {money.shown(one.amount, one.currency)}")
    return ", ".join(parts) + (f": {one.why}" if one.why else "")


# --- for programs --------------------------------------------------------------------------------

_COLUMNS = (
    "pause", "vendor", "ledger", "payable", "payee", "currency", "amount_minor", "amount",
    "now_minor", "state", "hold", "placed_at", "released_at", "pay_by", "why",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def payouts_csv(report: Payouts) -> str:
    """Return one line for each payable, with a heading (RFC 4180), and no line of totals.

    Whoever adds up `now_minor` by currency, payee and state gets `totals_csv`, nothing twice.

    A text that a spreadsheet would take for a formula is written with an apostrophe before it: ids
    and names in a ledger are other people's.
    """
    rows = []
    for o in report.owed:
        decimal = money.decimal(o.amount, o.currency)
        texts = (o.ledger, o.payable, o.payee, o.currency)
        after = (str(o.state), o.hold, o.placed_at, o.released_at, o.pay_by, o.why)
        numbers = (str(o.amount), decimal, str(o.now))
        rows.append((report.pause, report.vendor, *_plain(texts), *numbers, *_plain(after)))
    return _written(_COLUMNS, rows)


_CONTROL = ("pause", "vendor", "currency", "payee", "state", "payables", "now_minor", "now")


def totals_csv(report: Payouts) -> str:
    """Return the control totals: one line for each currency, payee and outcome, with a heading."""
    return _written(_CONTROL, (
        (report.pause, report.vendor, *_plain((c.currency, c.payee, str(c.state))),
         str(c.payables), str(c.minor), money.decimal(c.minor, c.currency))
        for c in report.control
    ))  # fmt: skip


def _written(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows(rows)
    return out.getvalue()


def _plain(texts: Iterable[str]) -> list[str]:
    return [f"'{text}" if text.startswith(_FORMULA) else text for text in texts]
