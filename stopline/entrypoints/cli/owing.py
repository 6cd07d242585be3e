"""What the journal knows of a pause's payables, and a reading of now: together a report.

What was owed is in the snapshots of the pause's plans, what was held in its receipts and holds.
Nothing here knows a rail: a payable is a grant of the connector `payouts` with an amount, and a
hold is about the grants whose target is the hold's document.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from stopline import money
from stopline.attesting import Became, Step
from stopline.entrypoints.cli.owed import (
    GONE,
    VOID,
    Facts,
    Known,
    Target,
    escape,
    is_sent,
    known_of,
    payables,
    source_of,
    target_of,
)
from stopline.journal.attested import CONFIRMED, attested
from stopline.journal.book import Book
from stopline.journal.pauses import Pause
from stopline.model import Address, Gap, Grant, Snapshot
from stopline.money import PAY
from stopline.receipts import Hold
from stopline.render.payouts import Owed, Payouts, State

WARN_DAYS = 10
"""How long before a date by which earned pay must be paid it is warned of."""


def report_of(book: Book, pause: Pause, now: Snapshot | None, away: str) -> Payouts:
    """Return what became of every payable that a plan of the pause has seen.

    `now` is a reading of now, or None, and then `away` says why there is none.
    """
    known = known_of(book, pause)
    unread = _unread(known, now, away)
    fresh = {g.address: g for g in payables(now)} if now else {}
    drawn = _drawn(known, fresh)
    standing = {seen.address: seen.state for seen in now.seen} if now else {}
    owed: list[Owed] = []
    settled = _settled(book, pause)
    for address, grant in sorted({**fresh, **known.first}.items()):
        if not _within(pause, grant) or address in drawn.freed:
            continue
        read, last = address.realm not in unread, known.last.get(address, grant)
        if known.is_back(grant, fresh.get(address)):
            shown = read or source_of(grant) in fresh or known.shows_back(grant)
            owed.append(_back(known, grant, shown=shown))
            continue
        left = drawn.out_of(grant, fresh.get(address), read=read)
        seen = _Seen(grant, last, fresh.get(address), read=read, drawn=left)
        if not left or seen.amount:  # else all of it stands in the payouts out of it
            owed += _parts(_owed(pause, known, seen, standing), grant.target, settled)
    at = now.taken_at if now else ""
    return Payouts(pause.id, pause.vendor, pause.requester, tuple(owed), unread, at)


def pay_by(book: Book, pause: Pause) -> str:
    """The earliest date by which something that a pause holds must be paid; empty for none."""
    if not any(h.address.connector == PAY for h in book.writes.holds(pause.id)):
        return ""
    known = report_of(book, pause, None, "not asked").owed
    return min((o.pay_by for o in known if o.state is State.HELD and o.pay_by), default="")


def soon(book: Book, date: str) -> bool:
    """Whether a date is so near, or has passed, that somebody must decide now."""
    if not date:
        return False
    today = datetime.fromtimestamp(book.store.clock(), UTC).date()
    return date <= str(today + timedelta(days=WARN_DAYS))


def _within(pause: Pause, grant: Grant) -> bool:
    scope = pause.scope
    return (not scope.realms or grant.address.realm in scope.realms) and (
        not scope.principals or grant.principal in scope.principals
    )


# --- by hand -------------------------------------------------------------------------------------

_BECAME = {
    Became.RELEASED: State.RELEASED,
    Became.REISSUED: State.REISSUED,
    Became.WRITTEN_OFF: State.WRITTEN_OFF,
}
Settled = Mapping[tuple[str, str, str, str], Mapping[State, int]]
"""By ledger, target, payee and currency, what people said became of what was held."""


def _settled(book: Book, pause: Pause) -> Settled:
    """What the confirmed releases of a pause say, which a person gave back by hand."""
    found: dict[tuple[str, str, str, str], dict[State, int]] = {}
    for event in book.pauses.events(pause.id, CONFIRMED):
        address = Address.parse(event.data["address"])
        one = next(a for a in attested(book.store, address) if a.seq == event.data["of"])
        for amount in one.deed.amounts if one.deed.step is Step.RELEASE else ():
            key = (address.realm, address.document.id, amount.payee, amount.currency)
            parts, state = found.setdefault(key, {}), _BECAME[amount.became]
            parts[state] = parts.get(state, 0) + amount.minor
    return found


def _parts(one: Owed, target: str, settled: Settled) -> list[Owed]:
    """A payable that people settled in parts is one line for each."""
    parts = settled.get((one.ledger, target, one.payee, one.currency), {})
    if one.state is not State.RELEASED or sum(parts.values()) != one.amount:
        return [one]
    return [
        replace(one, amount=minor, now=minor, state=state) for state, minor in sorted(parts.items())
    ]


# --- balances ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Drawn:
    """What was paid out of balances since they were first seen: owed once, not twice.

    `freed` are payouts out of a balance that was released: they are what was released.
    """

    taken: Mapping[Address, int]
    freed: frozenset[Address]

    def out_of(self, balance: Grant, fresh: Grant | None, *, read: bool) -> int:
        """How much of a balance stands in such payouts, as far as it is that much less."""
        first = int(balance.state.value["amount"])
        there = int(fresh.state.value["amount"]) if fresh and read else 0
        return min(self.taken.get(balance.address, 0), max(0, first - there))


def _drawn(known: Known, fresh: Mapping[Address, Grant]) -> _Drawn:
    since = {a: g for a, g in fresh.items() if a not in known.first and source_of(g) in known.first}
    drawn = {a: g for a, g in known.drawn.items() if not known.is_back(g, fresh.get(a))}
    freed = {a for a, g in since.items() if _is_released(known, source_of(g))}
    taken: dict[Address, int] = {}
    for address, grant in {**since, **drawn}.items():
        if address not in freed and (source := source_of(grant)):
            taken[source] = taken.get(source, 0) + int(grant.state.value["amount"])
    return _Drawn(taken, frozenset(freed))


def _back(known: Known, grant: Grant, *, shown: bool) -> Owed:
    """A payout that was cancelled: none of it is owed beside its balance, once that shows it."""
    told, address = grant.state.value, grant.address
    account = (address.realm, grant.target.partition("/")[0])
    state = State.HELD if account in known.holds else State.NOT_HELD
    amount = 0 if shown else int(told["amount"])
    what = money.shown(int(told["amount"]), told["currency"])
    return Owed(
        ledger=address.realm,
        payable=address.id,
        payee=told["payee"],
        currency=told["currency"],
        amount=amount,
        now=amount,
        state=State.RELEASED if _is_let_go(known, account) else state,
        pay_by=told.get("pay_by", ""),
        why=f"cancelled: its {what} are in the balance {told['out_of']} again",
    )


def _is_released(known: Known, balance: Address | None) -> bool:
    grant = known.first[balance] if balance else None
    return grant is not None and _is_let_go(known, (grant.address.realm, grant.target))


def _is_let_go(known: Known, target: Target) -> bool:
    """Whether what the pause held of a target was released."""
    facts = known.facts.get(target, Facts())
    return bool(facts.released_at and facts.hold) and target not in known.holds


# --- now -----------------------------------------------------------------------------------------


def _unread(known: Known, now: Snapshot | None, away: str) -> Mapping[str, str]:
    ledgers = {address.realm for address in known.first} | {realm for realm, _ in known.facts}
    if now is None:
        return dict.fromkeys(sorted(ledgers) or ["the ledger"], away)
    return dict(_gaps(now.gaps))


def _gaps(gaps: Iterable[Gap]) -> Iterator[tuple[str, str]]:
    for gap in gaps:
        if gap.connector == PAY:
            yield gap.realm, f"{gap.what}: {gap.cause}"


@dataclass(frozen=True, slots=True)
class _Seen:
    """One payable: as it was first, as a plan last saw it, and as it is."""

    first: Grant
    last: Grant
    fresh: Grant | None
    read: bool
    drawn: int = 0
    """How much of a balance stands in payouts of their own by now."""

    @property
    def amount(self) -> int:
        """What was owed first, in minor units."""
        return int(self.first.state.value["amount"]) - self.drawn

    @property
    def now(self) -> int:
        """What is owed now, or was when it was last seen, or stood there more than nothing."""
        if self.drawn and self.fresh is None:
            return self.amount
        seen = (self.fresh or self.last).state.value["amount"]
        return int(seen if seen > 0 else self.last.state.value["amount"])

    @property
    def ended(self) -> str:
        """How it ended beside a standing hold."""
        return str((self.fresh or self.last).state.value.get("status", ""))


def _owed(pause: Pause, known: Known, seen: _Seen, standing: Mapping[Address, object]) -> Owed:
    first, now = seen.first.state.value, (seen.fresh or seen.last).state.value
    target = (seen.first.address.realm, seen.first.target)
    facts, holds = known.facts.get(target, Facts()), known.holds.get(target)
    state, why = _state(pause, known, seen, standing)
    return Owed(
        ledger=seen.first.address.realm,
        payable=seen.first.address.id,
        payee=first["payee"],
        currency=first["currency"],
        amount=seen.amount,
        now=seen.now,
        state=state,
        hold=str(_first(holds).address) if holds else facts.hold,
        placed_at=facts.placed_at,
        released_at=facts.released_at,
        pay_by=now.get("pay_by", ""),
        why=why,
    )


def _state(
    pause: Pause, known: Known, seen: _Seen, standing: Mapping[Address, object]
) -> tuple[State, str]:
    address = seen.first.address
    target = (address.realm, seen.first.target)
    facts, holds = known.facts.get(target, Facts()), known.holds.get(target)
    # What was in a run when people let go of it left with their word.
    let_go = _is_let_go(known, target_of(address))
    told = facts.escaped or ("" if let_go else known.escaped.get(address, ""))
    if escaped := escape(seen.fresh or seen.last, pause, held=bool(holds)) or told:
        return State.ESCAPED, escaped
    if (facts.hold and seen.ended == VOID) or facts.ended == VOID:
        return State.WRITTEN_OFF, ""
    if holds:
        return _held(seen, holds, standing)
    return _unheld(known, seen)


def _unheld(known: Known, seen: _Seen) -> tuple[State, str]:
    """What became of what the pause holds no more, or never did."""
    address, target = seen.first.address, (seen.first.address.realm, seen.first.target)
    facts = known.facts.get(target, Facts())
    if facts.released_at and facts.hold:
        return State.RELEASED, ""
    if facts.gone:
        return State.PAID_BEFORE, ""
    if is_sent(seen.fresh or seen.last):
        return State.ESCAPED, "it was sent before anybody cancelled it"
    if seen.read and seen.fresh is None:
        return State.NOT_HELD, f"{facts.why or 'not held'}; it is not owed any more"
    left = known.why.get(target_of(address)) or known.why.get(target)
    return State.NOT_HELD, facts.why or left or "the pause has not held it"


def _first(holds: Sequence[Hold]) -> Hold:
    """The hold that is shown: one with our mark, where there is one beside a toggle."""
    return next((hold for hold in holds if hold.change.marked), holds[0])


def _held(
    seen: _Seen, holds: Sequence[Hold], standing: Mapping[Address, object]
) -> tuple[State, str]:
    """What the holds of the journal's come to, as they are read now: each of them must stand.

    A toggle that is not there any more beside a hold that is was about a run that it has left.
    """
    if not seen.read:
        return State.HELD, ""
    if seen.fresh is None:
        return State.ESCAPED, GONE
    beside = any(hold.change.marked for hold in holds)
    for hold in holds:
        there = standing.get(hold.address)
        lost = there is None and (hold.change.marked or not beside)
        if lost or (there is not None and not hold.change.marked and there != hold.ours):
            return State.NOT_HELD, "somebody else took the hold away; an audit places it again"
    return State.HELD, ""
