"""What the journal knows of a pause's payables, and a reading of now: together a report.

What was owed is in the snapshots of the pause's plans, what was held in its receipts and holds.
Nothing here knows a rail: a payable is a grant of the connector `payouts` with an amount, and a
hold is about the grants whose target is the hold's document.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from stopline.attesting import Became, Step
from stopline.journal.attested import CONFIRMED, attested
from stopline.journal.book import Book
from stopline.journal.pauses import Pause
from stopline.model import Address, Direction, Gap, Grant, Snapshot
from stopline.model import State as Found
from stopline.money import ESCAPED, PAY, by_run
from stopline.receipts import Cause, Hold
from stopline.render.payouts import Owed, Payouts, State
from stopline.text import Json

WARN_DAYS = 10
"""How long before a date by which earned pay must be paid it is warned of."""
PAID, VOID = "paid", "written-off"
"""How a payable ended that is owed no more, as every rail says it."""
GONE = "it is not owed any more, and its hold was not lifted by us"
Target = tuple[str, str]
"""A ledger and what a hold in it is about."""


@dataclass
class _Facts:
    """What happened to one target, as the receipts have it."""

    hold: str = ""
    placed_at: str = ""
    released_at: str = ""
    gone: bool = False
    """It had left before anything was held."""
    ended: str = ""
    run: str = ""
    """How it ended under a hold, and by which run."""
    lost: dict[Address, bool] = field(default_factory=dict)
    """Whether nothing was there where a hold stood, and nothing shows how it left."""
    why: str = ""

    @property
    def escaped(self) -> str:
        """How it left in spite of its hold; empty where it did not."""
        if self.ended == PAID:
            return by_run(self.run)
        return GONE if self.lost and all(self.lost.values()) and not self.ended else ""


@dataclass
class _Known:
    """Everything that the journal knows, by target or by the payable's address.

    `why` is why a plan left something, by its ledger and the id of its document.
    """

    first: dict[Address, Grant] = field(default_factory=dict)
    last: dict[Address, Grant] = field(default_factory=dict)
    escaped: dict[Address, str] = field(default_factory=dict)
    why: dict[Target, str] = field(default_factory=dict)
    facts: dict[Target, _Facts] = field(default_factory=dict)
    holds: dict[Target, list[Hold]] = field(default_factory=dict)


def report_of(book: Book, pause: Pause, now: Snapshot | None, away: str) -> Payouts:
    """Return what became of every payable that a plan of the pause has seen.

    `now` is a reading of now, or None, and then `away` says why there is none.
    """
    known = _known(book, pause)
    unread = _unread(known, now, away)
    fresh = {g.address: g for g in payables(now)} if now else {}
    standing = {seen.address: seen.state for seen in now.seen} if now else {}
    owed: list[Owed] = []
    settled = _settled(book, pause)
    for address, grant in sorted({**fresh, **known.first}.items()):
        if not _within(pause, grant):
            continue
        read = address.realm not in unread
        seen = _Seen(grant, known.last.get(address, grant), fresh.get(address), read=read)
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


def payables(snapshot: Snapshot) -> Iterator[Grant]:
    """Yield what is owed: grants of payouts that carry an amount."""
    for grant in snapshot.grants:
        if grant.address.connector == PAY and "amount" in grant.state.body:
            yield grant


def _within(pause: Pause, grant: Grant) -> bool:
    scope = pause.scope
    return (not scope.realms or grant.address.realm in scope.realms) and (
        not scope.principals or grant.principal in scope.principals
    )


# --- the journal ---------------------------------------------------------------------------------


def _known(book: Book, pause: Pause) -> _Known:
    known, last = _Known(), ""
    for event in book.pauses.events(pause.id, "planned"):
        told = event.data
        # An audit that found nothing new made the plan of the one before it again.
        if told["direction"] == Direction.CONTAIN and told["snapshot"] and told["ref"] != last:
            _saw(known, book, pause, told)
            last = told["ref"]
    for event in book.pauses.events(pause.id, "receipts"):
        for receipt in event.data["receipts"]:
            _learn(known, book, receipt, event.data["direction"], event.at)
    for hold in sorted(book.writes.holds(pause.id)):
        if hold.address.connector == PAY:
            known.holds.setdefault(_target(hold.address), []).append(hold)
    return known


def _saw(known: _Known, book: Book, pause: Pause, planned: Json) -> None:
    """What one plan of the pause found owed, and what it left."""
    for grant in payables(book.pauses.snapshot(planned["snapshot"])):
        known.first.setdefault(grant.address, grant)
        known.last[grant.address] = grant
        known.escaped.pop(grant.address, None)  # it is owed: what was in a run was taken out again
        if escaped := _escape(grant, pause, held=False):
            known.escaped[grant.address] = escaped
    for skip in book.pauses.plan(planned["ref"]).plan.skips:
        if skip.reason.startswith(ESCAPED):
            known.escaped[skip.address] = skip.reason.removeprefix(ESCAPED)
        else:
            known.why[_target(skip.address)] = skip.reason


def _target(address: Address) -> Target:
    return address.realm, address.document.id


def _learn(known: _Known, book: Book, receipt: Json, direction: str, at: str) -> None:
    """What one receipt says of its target.

    One that was found paid, or was there no more, after a hold of ours stood on it has escaped.
    """
    address = Address.parse(receipt["address"])
    if address.connector != PAY or direction == Direction.TERMINATE:
        return
    facts = known.facts.setdefault(_target(address), _Facts())
    found = Found(book.store.body(receipt["found"])).value if receipt["found"] else {}
    ended, gone = found.get("status", ""), receipt["cause"] == Cause.GONE
    stood = bool(facts.placed_at) and not facts.released_at
    if direction == Direction.RESTORE:
        facts.released_at = "" if receipt["held"] else at
        facts.lost[address] = gone and not ended
    elif receipt["held"]:
        facts.hold, facts.placed_at = str(address), facts.placed_at or at
        facts.released_at, facts.why, facts.ended = "", "", ""
    else:
        facts.gone = gone and not stood
        facts.lost[address] = gone and stood and not ended
        facts.why = receipt["detail"] or receipt["outcome"]
    if ended in (PAID, VOID) and (stood or receipt["held"]):
        facts.ended, facts.run = ended, found["run"]


def _escape(grant: Grant, pause: Pause, *, held: bool) -> str:
    """How a payable left in spite of this pause's hold; empty where it did not.

    Its mark says that it is this pause's, or the journal: `held`.
    """
    owed = grant.state.value
    mine = held or any(mark.endswith(f"P{pause.id}") for mark in owed.get("marks", ()))
    return by_run(owed["run"]) if mine and owed.get("status") == PAID else ""


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


# --- now -----------------------------------------------------------------------------------------


def _unread(known: _Known, now: Snapshot | None, away: str) -> Mapping[str, str]:
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

    @property
    def ended(self) -> str:
        """How it ended beside a standing hold."""
        return str((self.fresh or self.last).state.value.get("status", ""))


def _owed(pause: Pause, known: _Known, seen: _Seen, standing: Mapping[Address, object]) -> Owed:
    first, now = seen.first.state.value, (seen.fresh or seen.last).state.value
    target = (seen.first.address.realm, seen.first.target)
    facts, holds = known.facts.get(target, _Facts()), known.holds.get(target)
    state, why = _state(pause, known, seen, standing)
    return Owed(
        ledger=seen.first.address.realm,
        payable=seen.first.address.id,
        payee=first["payee"],
        currency=first["currency"],
        amount=first["amount"],
        now=now["amount"] if now["amount"] > 0 else seen.last.state.value["amount"],
        state=state,
        hold=str(_first(holds).address) if holds else facts.hold,
        placed_at=facts.placed_at,
        released_at=facts.released_at,
        pay_by=now.get("pay_by", ""),
        why=why,
    )


def _state(
    pause: Pause, known: _Known, seen: _Seen, standing: Mapping[Address, object]
) -> tuple[State, str]:
    address = seen.first.address
    target = (address.realm, seen.first.target)
    facts, holds = known.facts.get(target, _Facts()), known.holds.get(target)
    told = known.escaped.get(address, "") or facts.escaped
    if escaped := _escape(seen.fresh or seen.last, pause, held=bool(holds)) or told:
        return State.ESCAPED, escaped
    if (facts.hold and seen.ended == VOID) or facts.ended == VOID:
        return State.WRITTEN_OFF, ""
    if holds:
        return _held(seen, holds, standing)
    return _unheld(known, seen)


def _unheld(known: _Known, seen: _Seen) -> tuple[State, str]:
    """What became of what the pause holds no more, or never did."""
    address, target = seen.first.address, (seen.first.address.realm, seen.first.target)
    facts = known.facts.get(target, _Facts())
    if facts.released_at and facts.hold:
        return State.RELEASED, ""
    if facts.gone:
        return State.PAID_BEFORE, ""
    if seen.read and seen.fresh is None:
        return State.NOT_HELD, f"{facts.why or 'not held'}; it is not owed any more"
    left = known.why.get(_target(address)) or known.why.get(target)
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
