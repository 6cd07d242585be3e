"""What a pause leaves out because its playbook has no rule for it is said, and is no gap."""

import pytest

from stopline import guards
from stopline.coverage import uncovered
from stopline.estate import Estate, parse_estate
from stopline.model import Direction, Plan, Scope, Severity, Snapshot
from stopline.playbook import Limits, Playbook, parse_playbook
from stopline.vendors import Vendor, parse_vendor

ESTATE = parse_estate(
    """\
aws: {role: stopline/worker, accounts: {"111122223333": {name: research}}}
payouts: {ledgers: {ap: {rail: payables, url_from: AP_URL}}}
""",
    "estate.yaml",
)
ALL = """\
vendor: mercor
aws: {accounts: ["999988887777"]}
payouts: {vendors: [V-1]}
gcp: {domains: [mercor.example]}
projects: {lyra: {payouts: {payees: [P-9]}}, chordus: {aws: {paths: [/chordus/]}}}
"""
MERCOR = parse_vendor(ALL, "mercor.yaml")


def playbook(*connectors: str) -> Playbook:
    """One rule for each."""
    what = {"aws": ("users", "deny-all"), "payouts": ("payables", "hold")}
    rules = "".join(
        f"  - {{name: {c}, connector: {c}, contains: {what[c][0]}, how: {what[c][1]}}}\n"
        for c in connectors
    )
    return parse_playbook(f"playbook: p\nphases:\n- name: one\n  rules:\n{rules}", "p.yaml")


@pytest.mark.parametrize(
    ("rules", "scope", "left"),
    [
        (("aws",), Scope(), ("payouts",)),
        (("payouts",), Scope(), ("aws",)),
        (("aws", "payouts"), Scope(), ()),
        (("payouts",), Scope(connectors=("payouts",)), ()),
        (("aws",), Scope(connectors=("aws", "payouts")), ("payouts",)),
        (("aws",), Scope(project="lyra"), ("payouts",)),
        (("aws",), Scope(project="chordus"), ()),
    ],
)
def test_a_system_without_a_rule_is_named_where_the_vendor_is_in_it(
    rules: tuple[str, ...], scope: Scope, left: tuple[str, ...]
) -> None:
    """Neither what the estate has not (Google Cloud here), nor what the scope leaves out."""
    assert uncovered(MERCOR, playbook(*rules), ESTATE, scope) == left


def test_a_legal_basis_alone_puts_nobody_into_a_ledger() -> None:
    """Nobody is selected by it, so nothing of theirs could be held."""
    none = ALL.replace("vendors: [V-1]", "legal_basis: clause 9").replace("payees: [P-9]", "")
    vendor = parse_vendor(none, "mercor.yaml")
    assert uncovered(vendor, playbook("aws"), ESTATE, Scope()) == ()
    assert uncovered(Vendor(vendor="mercor"), playbook("aws"), Estate(), Scope()) == ()


def test_the_plan_says_so_and_asks_for_nothing() -> None:
    """A note with the way: no override, and no gap that would make the pause partial."""
    plan = Plan("mercor", Direction.CONTAIN, Scope(), ())
    bounds = guards.Bounds(ESTATE, Limits(), before=1, uncovered=("payouts",))
    (found,) = guards.guard(plan, Snapshot("mercor", ()), bounds)
    assert (found.severity, found.guard) == (Severity.NOTE, "not-in-playbook")
    assert "--connector payouts --apart" in found.way_out
    assert guards.unanswered([found], {}) == ()
