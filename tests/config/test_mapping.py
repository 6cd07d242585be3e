"""A ledger's mapping in the estate's file: names and values, never SQL; faults have lines."""

import pytest

from stopline.errors import ConfigError
from stopline.estate import parse_estate
from stopline.mapping import LedgerMapping, columns_of

HEAD = "payouts:\n  ledgers:\n    erp:\n      url_from: ERP_URL\n      mapping:\n"
PAYABLES = """\
        payables:
          table: ap.invoice
          id: number
          payee: vendor
          amount: open_amount
          currency: curr
          status: state
          open: [approved]
          paid: [paid]
"""
FLAG = "        hold_flag: {column: on_hold, held: 'true', free: ['false']}\n"
STRIPE = "rail: stripe\n      key_from: KEY\n      platform: acct_1"
PLAIN = HEAD + PAYABLES + FLAG


def mapping_of(text: str) -> LedgerMapping:
    """The mapping of the one ledger that a text has."""
    payouts = parse_estate(text, "estate.yaml").payouts
    assert payouts is not None
    mapping = payouts.ledgers["erp"].mapping
    assert mapping is not None
    return mapping


def fault_of(text: str) -> str:
    """All that is wrong with a text."""
    with pytest.raises(ConfigError) as raised:
        parse_estate(text, "estate.yaml")
    return raised.value.what


def test_a_mapping_names_its_columns_and_says_where_it_does() -> None:
    """What is not given is not among them; the lever's column is."""
    assert [(t, n, ".".join(map(str, k))) for t, n, k in columns_of(mapping_of(PLAIN))] == [
        ("ap.invoice", "number", "payables.id"),
        ("ap.invoice", "vendor", "payables.payee"),
        ("ap.invoice", "open_amount", "payables.amount"),
        ("ap.invoice", "curr", "payables.currency"),
        ("ap.invoice", "state", "payables.status"),
        ("ap.invoice", "on_hold", "hold_flag.column"),
    ]


def test_a_state_means_one_thing_or_nothing() -> None:
    """What the file does not say is not guessed."""
    payables = mapping_of(PLAIN).payables
    assert [payables.means(value) for value in ("approved", "paid", "Paid", "")] == [
        "open",
        "paid",
        None,
        None,
    ]


BAD = {
    "SQL for a table": (PLAIN.replace("ap.invoice", '"invoice; DROP TABLE x"'),
        "7: 'invoice; DROP TABLE x' is not the name of a table (table, or schema.table)"),
    "a quote in a column": (PLAIN.replace("vendor", "'vend\"or'"),
        "9: 'vend\"or' is not the name of a column (letters, digits and '_')"),
    "a name of three parts": (PLAIN.replace("ap.invoice", "db.ap.invoice"),
        "7: 'db.ap.invoice' is not the name of a table (table, or schema.table)"),
    "no lever": (HEAD + PAYABLES,
        "5: give one lever: 'hold_table', 'hold_flag' or 'hold_status'"),
    "two levers": (PLAIN + "        hold_status: held\n",
        "16: a ledger has one lever, and 'hold_flag' is given already"),
    "a state with two meanings": (PLAIN.replace("[paid]", "[paid, approved]"),
        "6: the state 'approved' has two meanings"),
    "a held state that means something": (HEAD + PAYABLES + "        hold_status: approved\n",
        "15: the state 'approved' means 'open' already"),
    "a flag that is held and free": (PLAIN.replace("'false'", "'true'"),
        "15: 'true' is 'held': it cannot mean that nobody holds it"),
    "the state for a flag": (PLAIN.replace("column: on_hold", "column: state"),
        "15: the column is the 'status': use 'hold_status'"),
    "no currency": (PLAIN.replace("          currency: curr\n", ""),
        "6: give one of 'currency' (a column) and 'currency_is' (a code)"),
    "a currency that is none": (PLAIN.replace("currency: curr", "currency_is: ZZZ"),
        "11: 'ZZZ' is no currency of ISO 4217"),
    "people told in two places": (
        PLAIN.replace("          payee: vendor\n", "          payee: vendor\n          person: p\n")
        + "        payees: {table: ap.vendor, id: nr}\n",
        "10: 'person' is looked for in 'payees', where that is given"),
    "a constant for what stopline writes": (
        HEAD + PAYABLES
        + "        hold_table: {table: h, payable: p, mark: m, values: {m: x}}\n",
        "15: the column 'm' is written by stopline"),
    "a value without quotes": (PLAIN.replace("'true'", "true"),
        "15: YAML reads true as true or false: put it in quotes"),
    "a mapping for Stripe": (
        PLAIN.replace("url_from: ERP_URL", STRIPE),
        "7: 'mapping' means nothing for the rail 'stripe'"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "fault"), BAD.values(), ids=BAD.keys())
def test_each_fault_is_one_line(text: str, fault: str) -> None:
    """Every kind of bad mapping gives its one message, at its line."""
    assert fault_of(text) == f"estate.yaml:{fault}"
