"""What people do by hand: no cent is lost between two of them, and one alone ends nothing."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from support.ledgers import BASIS

from stopline.attesting import (
    Amount,
    Attestation,
    Became,
    Deed,
    Step,
    doubt,
    held_by,
    standing,
    undecided,
    unsettled,
    wrong_with,
)
from stopline.connectors.payouts import PayoutsConnector
from stopline.connectors.payouts.manual_rail import HELD, ManualRail
from stopline.estate import Ledger
from stopline.judging import Known, judge
from stopline.model import Address, Breadth, Change, Direction, Grant, Scope, Skip
from stopline.money import ESCAPED
from stopline.playbook import Approvals, Phase, Playbook, Rule
from stopline.port import Mark, Terms, nothing_held
from stopline.vendors import Vendor, VendorPayouts

ADDRESS = Address("payouts", "deel", "manual-hold", "V-MERCOR")
LEDGER = Ledger(rail="manual", system="Deel", hold="approve none", release="approve")
VENDOR = Vendor(vendor="mercor", payouts=VendorPayouts(vendors=("V-MERCOR",), legal_basis=BASIS))
RULE = Rule(name="by-hand", connector="payouts", contains="manual-payouts", how="by-hand")
PLAYBOOK = Playbook(
    playbook="p",
    phases=(Phase(name="payouts", rules=(RULE,)),),
    approvals=Approvals(contain="second-person"),
)

whose = st.tuples(st.sampled_from(["c1", "c2"]), st.sampled_from(["USD", "JPY", "KWD"]))
minor = st.integers(0, 10**6)
found = st.lists(st.tuples(whose, minor, st.sampled_from([Became.HELD, Became.ESCAPED])))


def amounts(told: list[tuple[tuple[str, str], int, Became]]) -> tuple[Amount, ...]:
    """What one person says to have found there."""
    return tuple(Amount(payee, currency, n, became) for (payee, currency), n, became in told)


def total(told: tuple[Amount, ...], *became: Became) -> dict[tuple[str, str], int]:
    """So much by payee and currency; nothing of nothing."""
    sums: dict[tuple[str, str], int] = {}
    for one in told:
        if one.became in became:
            sums[one.payee, one.currency] = sums.get((one.payee, one.currency), 0) + one.minor
    return {key: n for key, n in sums.items() if n}


def a_deed(step: Step, *told: Amount) -> Deed:
    """What a person did, with a file that shows it."""
    return Deed(ADDRESS, step, "seen.png", "0" * 64, told, "as ever")


def attested(seq: int, deed: Deed, *, yes: str = "", no: str = "") -> Attestation:
    """What sam says to have done, and another person of it."""
    return Attestation(seq, "4e5f6071", "2026-11-28T10:00:00Z", "sam", "ref", deed, yes, no)


@given(found)
def test_what_was_owed_is_held_or_has_escaped(
    told: list[tuple[tuple[str, str], int, Became]],
) -> None:
    """Owed before = held + escaped, by payee and currency, in what the plan and the report read."""
    owed = amounts(told)
    one = attested(1, a_deed(Step.HOLD, *owed), yes="riley")
    connector = PayoutsConnector({}, manual={"deel": ManualRail("deel", LEDGER)})
    grants = [
        g
        for g in connector.attended(lambda _: (one,), nothing_held).discover(VENDOR, Scope())
        if isinstance(g, Grant) and g.address.kind == "payable"
    ]
    terms = Terms(VENDOR, PLAYBOOK, Mark("0a1b2c3d", "4e5f6071"))
    sums: dict[bool, dict[tuple[str, str], int]] = {True: {}, False: {}}
    for grant in grants:
        said = [*connector.contained(grant, terms)]
        left = any(isinstance(s, Skip) and s.reason.startswith(ESCAPED) for s in said)
        assert left or [c.address for c in said] == [ADDRESS]
        key = (grant.state.value["payee"], grant.state.value["currency"])
        sums[left][key] = sums[left].get(key, 0) + grant.state.value["amount"]
    assert sums[False] == total(owed, Became.HELD)
    assert sums[True] == total(owed, Became.ESCAPED)
    assert len({g.address for g in grants}) == len(grants)


@given(found, st.data())
def test_a_release_is_taken_if_it_accounts_for_every_cent_and_only_then(
    told: list[tuple[tuple[str, str], int, Became]], data: st.DataObject
) -> None:
    """Held = released + reissued + written off, by payee and currency; not a cent beside it."""
    held = held_by([attested(1, a_deed(Step.HOLD, *amounts(told)), yes="riley")])
    settled = []
    for one in held:
        first = data.draw(st.integers(0, one.minor))
        second = data.draw(st.integers(0, one.minor - first))
        parts = (first, second, one.minor - first - second)
        kinds = (Became.RELEASED, Became.REISSUED, Became.WRITTEN_OFF)
        settled += [
            replace(one, minor=n, became=kind) for n, kind in zip(parts, kinds, strict=True)
        ]
    assert wrong_with(a_deed(Step.RELEASE, *settled), held) == ""
    assert total(tuple(settled), *set(Became)) == total(held, Became.HELD)
    if held:
        off = data.draw(st.sampled_from([-1, 1]))
        cent = Amount(held[0].payee, held[0].currency, off, Became.RELEASED)
        assert unsettled(held, [*settled, cent])
        assert wrong_with(a_deed(Step.RELEASE, *settled, cent), held)


WORDS = st.lists(st.tuples(st.sampled_from(Step), st.sampled_from(["yes", "no", ""])))


@given(WORDS)
def test_only_a_confirmed_release_ends_a_hold(words: list[tuple[Step, str]]) -> None:
    """A hold counts from the deed; two people release it, and nobody's no makes it forgotten."""
    told = said(words)
    ends = [n for n, word in enumerate(words) if word == (Step.RELEASE, "yes")]
    since = words[ends[-1] + 1 :] if ends else words
    expected = any(step is Step.HOLD for step, _ in since)
    assert (standing(told) is not None) is expected
    rail = ManualRail("deel", LEDGER, lambda _: told)
    assert bool(rail.read(ADDRESS.document).states) is expected
    assert (undecided(told) is None) is all(word for _, word in words)


@given(WORDS)
def test_a_hold_of_which_nobody_knows_is_asked_for_again_whichever_way_the_pause_goes(
    words: list[tuple[Step, str]],
) -> None:
    """Refused, or said to be released by one person alone: neither held, nor gone."""
    told = said(words)
    rail = ManualRail("deel", LEDGER, lambda _: told)
    observed = rail.read(ADDRESS.document)
    hold, held = standing(told), Change(ADDRESS, None, HELD, "by-hand", Breadth.NARROW, marked=True)
    if hold is None or not doubt(told):
        assert observed.states == ({ADDRESS: HELD} if hold else {})
        return
    assert [one.address for one in rail.unproved([held])] == [ADDRESS]
    known = Known(prior=None, ours=HELD, written=True)
    assert judge(held, Direction.CONTAIN, observed, known).outcome is None
    assert judge(held.inverse(), Direction.RESTORE, observed, known).outcome is None


def said(words: list[tuple[Step, str]]) -> tuple[Attestation, ...]:
    """Deeds in order, with another person's yes, no, or nothing yet."""
    return tuple(
        attested(n, a_deed(step), yes="riley" * (word == "yes"), no="riley" * (word == "no"))
        for n, (step, word) in enumerate(words)
    )
