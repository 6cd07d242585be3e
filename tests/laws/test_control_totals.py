"""The laws of a report's totals: whoever adds up its lines gets them, in every form it has."""

import csv
import io
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from stopline.render.documents import payouts_document
from stopline.render.payouts import TOTALS, Owed, Payouts, State, payouts_csv, totals_csv

LINES = st.lists(
    st.builds(
        Owed,
        ledger=st.sampled_from(["accounts", "stripe"]),
        payable=st.text("p0,\"\n'=", min_size=1, max_size=4),
        payee=st.sampled_from(["c1", "=c3", 'Doe, "J"', "ü\nx"]),
        currency=st.sampled_from(["USD", "JPY", "KWD", "XYZ"]),
        amount=st.integers(0, 10**12),
        now=st.integers(0, 10**12),
        state=st.sampled_from(State),
    ),
    max_size=12,
)


def report(owed: list[Owed]) -> Payouts:
    """A report of these lines."""
    return Payouts("0000000a", "mercor", "ada@lab.example", tuple(owed), {})


def rows(text: str) -> list[dict[str, str]]:
    """The lines of a file as a spreadsheet reads it."""
    return list(csv.DictReader(io.StringIO(text)))


def by_outcome(read: list[dict[str, str]]) -> Counter[tuple[str, str, str]]:
    """What a reader gets who adds up lines by currency, payee and outcome."""
    sums: Counter[tuple[str, str, str]] = Counter()
    for row in read:
        sums[row["currency"], row["payee"], row["state"]] += int(row["now_minor"])
    return sums


@given(LINES)
def test_whoever_adds_up_the_lines_gets_the_control_totals(owed: list[Owed]) -> None:
    """In both files alike: every amount to the minor unit, and how many lines they come from."""
    told = report(owed)
    lines, control = rows(payouts_csv(told)), rows(totals_csv(told))
    assert by_outcome(lines) == by_outcome(control)
    count = Counter((r["currency"], r["payee"], r["state"]) for r in lines)
    assert {(r["currency"], r["payee"], r["state"]): int(r["payables"]) for r in control} == count
    assert len(control) == len(count)


@given(LINES)
def test_every_form_of_a_report_comes_to_the_same(owed: list[Owed]) -> None:
    """The document's lines, its control totals, its totals by payee and by currency."""
    told = payouts_document(report(owed))
    sums: Counter[tuple[str, str]] = Counter()
    for one in told["payables"]:
        sums[one["currency"], one["state"]] += one["now"]
    assert sums == by_currency(told["control"])
    for totals in (told["totals"], told["currencies"]):
        found: Counter[tuple[str, str]] = Counter()
        for total in totals:
            for name, state in TOTALS.items():
                found[total["currency"], str(state)] += total[name]
        assert +found == +sums
    assert sum(t["owed_before"] for t in told["totals"]) == sum(
        t["owed_before"] for t in told["currencies"]
    )


def by_currency(control: list[dict[str, str]]) -> Counter[tuple[str, str]]:
    """Control totals of all payees."""
    sums: Counter[tuple[str, str]] = Counter()
    for one in control:
        sums[one["currency"], one["state"]] += int(one["now"])
    return sums


@given(LINES.filter(bool), st.data())
def test_a_line_that_is_lost_on_the_way_is_missed(owed: list[Owed], data: st.DataObject) -> None:
    """Also where it is worth nothing: the number of lines is in the control totals, too."""
    told = report(owed)
    lost = rows(payouts_csv(told))
    gone = lost.pop(data.draw(st.integers(0, len(lost) - 1)))
    key = (gone["currency"], gone["payee"], gone["state"])
    (control,) = [
        r for r in rows(totals_csv(told)) if (r["currency"], r["payee"], r["state"]) == key
    ]
    left = [r for r in lost if (r["currency"], r["payee"], r["state"]) == key]
    assert len(left) == int(control["payables"]) - 1
    assert by_outcome(left)[key] == int(control["now_minor"]) - int(gone["now_minor"])
