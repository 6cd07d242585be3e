"""To the minor unit at Stripe: what was owed has left, is held, or escaped; a release frees it."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import pytest
from connectors.contract import MARK, plan
from connectors.ending import effects
from connectors.payouts.stripe_ground import CANCEL, MARK_PAYOUT, StripeGround
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.journals import a_book
from support.platforms import THROUGH, TODAY, VARIABLE, VENDOR, in_flight

from stopline.connectors.payouts import PayoutsConnector
from stopline.connectors.payouts.stripe_payouts import MARKED
from stopline.drill.stripe_double import StripeDouble
from stopline.drill.stripe_http import KEY
from stopline.engine import Errand, apply
from stopline.errors import ConnectorError
from stopline.journal.book import Book
from stopline.model import Change, Direction, Grant, Scope
from stopline.receipts import Cause, Outcome, Receipt

Sums = Counter[tuple[str, str]]
"""Minor units by payee and currency."""
FAULTS = st.lists(
    st.tuples(
        st.sampled_from(
            ["POST /v1/balance_settings", "POST /v2/money_management/payout_intents/{id}"]
        ),
        st.sampled_from(["429", "500-after", "lost", "twice"]),
    ),
    max_size=3,
)
LATER = "2028-01-01"


class Owed(NamedTuple):
    """What one payee is owed: a balance, a payout that is leaving, an intent and its day."""

    balance: int
    leaving: int
    intent: int
    day: str


OWED = st.builds(
    Owed,
    balance=st.integers(0, 999),
    leaving=st.integers(0, 99),
    intent=st.integers(1, 999),
    day=st.sampled_from(["2026-11-20", "2026-11-24", "2026-11-25", "2027-05-05"]),
)


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, KEY)


def fill(double: StripeDouble, owed: Iterable[Owed]) -> None:
    """One connected account for each, with an intent to the same payee."""
    for number, one in enumerate(owed):
        id_, currency = f"acct_{number}", ("usd", "jpy")[number % 2]
        double.add_account(id_, {currency: one.balance + one.leaving}, metadata=THROUGH)
        if one.leaving:
            double.add_payout(id_, currency, one.leaving, "pending", automatic=True)
        double.add_intent(id_, currency, one.intent, one.day)


def grants(connector: PayoutsConnector) -> list[Grant]:
    """What is owed now."""
    found = connector.discover(VENDOR, Scope())
    return [f for f in found if isinstance(f, Grant) and f.entitlement == "is owed"]


def sums(found: Iterable[Grant]) -> Sums:
    """The same by payee and currency."""
    total: Sums = Counter()
    for grant in found:
        owed = grant.state.value
        total[owed["payee"], owed["currency"]] += owed["amount"]
    return total


def left(paid: dict[tuple[str, str], int]) -> Sums:
    """What a day of the double's paid."""
    return Counter({(who, currency.upper()): n for (who, currency), n in paid.items()})


def carried_out(
    connector: PayoutsConnector, book: Book, work: list[Change], way: Direction
) -> list[Receipt]:
    """The last receipt of each change; what failed is asked again, as a sweep would."""
    done: dict[Change, Receipt] = {}
    for attempt in range(4):
        open_ = [c for c in work if c not in done or done[c].outcome is Outcome.FAILED]
        errand = Errand(MARK.pause, way, f"{way}-{attempt}", f"t{attempt}")
        for receipts in apply(connector, book.writes, errand, open_):
            done |= {receipt.change: receipt for receipt in receipts}
    return list(done.values())


@given(
    owed=st.lists(OWED, min_size=1, max_size=3),
    faults=FAULTS,
    before=st.booleans(),
    between=st.booleans(),
)
@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_what_was_owed_has_left_or_is_held_or_escaped(
    *, owed: list[Owed], faults: list[tuple[str, str]], before: bool, between: bool
) -> None:
    """Per payee and currency, under faults; held stays; a release frees exactly what was held."""
    book = a_book("sqlite://")
    with StripeDouble() as double:
        fill(double, owed)
        ground = StripeGround(double)
        connector = ground.connector
        at_first = sums(grants(connector))
        early = left(double.day("2026-11-20")) if before else Counter()
        work = list(plan(ground).changes)
        late = left(double.day(str(TODAY))) if between else Counter()
        for call, fault in faults:
            double.fail(call, fault)  # type: ignore[arg-type]
        receipts = carried_out(connector, book, work, Direction.CONTAIN)
        assert {r.outcome for r in receipts} <= {
            Outcome.APPLIED,
            Outcome.ALREADY,
            Outcome.UNPROVEN,
        }
        documents = {r.change.address.document.id for r in receipts if r.held}
        now = grants(connector)
        held = sums(g for g in now if g.target in documents)
        escaped = late + sums(g for g in now if g.target not in documents)
        assert at_first == early + held + escaped
        assert left(double.day("2026-12-31")) == escaped - late
        assert not left(double.day("2027-01-15"))
        back = [r.change.inverse() for r in receipts if r.held]
        released = carried_out(connector, book, back, Direction.RESTORE)
        assert {r.outcome for r in released} <= {Outcome.APPLIED, Outcome.ALREADY}
        assert not any(r.held for r in released)
        assert left(double.day(LATER)) == held
    book.close()


ASKED = st.lists(
    st.tuples(st.integers(0, 999), st.integers(1, 99), st.booleans()), min_size=1, max_size=4
)
"""For each account: its balance, a payout that somebody asked for, whether it leaves early."""


@pytest.mark.night
@given(
    asked=ASKED,
    faults=st.lists(
        st.tuples(
            st.sampled_from([MARK_PAYOUT, CANCEL]),
            st.sampled_from(["429", "500-after", "lost", "twice"]),
        ),
        max_size=3,
    ),
    ends=st.booleans(),
)
@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_what_was_cancelled_is_held_once_and_paid_when_it_is_let_go(
    *, asked: list[tuple[int, int, bool]], faults: list[tuple[str, str]], ends: bool
) -> None:
    """Under faults: owed = left + held; a mark keeps nothing; a release pays what was held."""
    book = a_book("sqlite://")
    with StripeDouble() as double:
        for number, (balance, payout, _) in enumerate(asked):
            id_ = f"acct_{number}"
            double.add_account(id_, {"usd": balance + payout}, metadata=THROUGH)
            double.add_payout(id_, "usd", payout, "pending", automatic=False)
        ground = StripeGround(double)
        ground.playbook = in_flight("cancel")
        connector = ground.connector
        at_first, work = sums(grants(connector)), list(plan(ground).changes)
        for call, fault in faults:
            double.fail(call, fault)  # type: ignore[arg-type]
        receipts = carried_out(connector, book, work, Direction.CONTAIN)
        assert all(r.held for r in receipts)
        early = left(double.day(str(TODAY), {f"acct_{n}" for n, o in enumerate(asked) if o[2]}))
        ended = effects(ground, tuple(work)) if ends else ()
        for change in (c for c in ended if c.address.kind == MARKED):
            cancelled(connector, change)
        late = left(double.day("2026-12-31"))
        held = sums(grants(connector))
        assert at_first == early + late + held
        assert not (ends and late)
        back = [r.change.inverse() for r in receipts]
        carried_out(connector, book, back, Direction.RESTORE)
        assert left(double.day(LATER)) == held
        assert not any(p["metadata"] for p in double.payouts.values() if p["status"] == "paid")
    book.close()


def cancelled(connector: PayoutsConnector, change: Change) -> None:
    """Carry out the effect until it is gone, or has left."""
    for _ in range(4):
        observed = connector.read(change.address.document)
        if observed.states.get(change.address) != change.before:
            return
        try:
            connector.end(observed, [change], "t")
        except ConnectorError as error:
            assert error.cause in (Cause.THROTTLED, Cause.UNREACHABLE)  # noqa: PT017 - retried
    raise AssertionError(change)
