"""What the journal knows of a pause's payables: what was owed, was held, and how it ended."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from stopline.journal.book import Book
from stopline.journal.pauses import Pause
from stopline.model import Address, Direction, Grant, Snapshot
from stopline.model import State as Found
from stopline.money import ESCAPED, PAY, by_run, keeps
from stopline.receipts import Cause, Hold, Outcome
from stopline.text import Json

_BACK = ("canceled", "failed")
"""The statuses of a payout whose money is in the balance that it was made out of again."""
PAID, VOID, LOST = "paid", "written-off", "gone"
"""How a payable ended that is owed no more, as every rail says it; gone: nothing shows how."""
GONE = "it is not owed any more, and its hold was not lifted by us"
_HOLDING = ("-hold", "-flag", "-status", "-intent", "-schedule")
"""How the kind ends of a hold itself: a termination lifts one that people settle."""
Target = tuple[str, str]
"""A ledger and what a hold in it is about."""


@dataclass
class Facts:
    """What happened to one target, as the receipts have it."""

    hold: str = ""
    standing: set[Address] = field(default_factory=set)
    """What stands of it by the receipts: it is released once nothing does."""
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
    cancelled_at: str = ""
    """When a payout that is made already was cancelled: its money is in its balance again."""

    @property
    def escaped(self) -> str:
        """How it left in spite of its hold; empty where it did not."""
        if self.ended == PAID:
            return by_run(self.run)
        return GONE if self.lost and all(self.lost.values()) and not self.ended else ""


@dataclass
class Known:
    """Everything that the journal knows, by target or by the payable's address.

    `why` is why a plan left something, by its ledger and the id of its document. `drawn` are the
    payouts that were made out of a balance after it was first seen. `seen_at` is when a plan last
    read a target: one that could not read it shows nothing of it.
    """

    first: dict[Address, Grant] = field(default_factory=dict)
    last: dict[Address, Grant] = field(default_factory=dict)
    escaped: dict[Address, str] = field(default_factory=dict)
    why: dict[Target, str] = field(default_factory=dict)
    drawn: dict[Address, Grant] = field(default_factory=dict)
    facts: dict[Target, Facts] = field(default_factory=dict)
    holds: dict[Target, list[Hold]] = field(default_factory=dict)
    seen_at: dict[Target, str] = field(default_factory=dict)

    def is_back(self, grant: Grant, fresh: Grant | None) -> bool:
        """Whether the money of a payout is in the balance again that it was made out of."""
        target = (grant.address.realm, grant.target)
        last = fresh or self.last.get(grant.address, grant)
        ended = source_of(grant) and _is_back(last.state.value)
        return bool(ended or self.facts.get(target, Facts()).cancelled_at)

    def shows_back(self, grant: Grant) -> bool:
        """Whether a plan has read the balance since, or had read it before the payout was made."""
        facts = self.facts.get((grant.address.realm, grant.target), Facts())
        account = (grant.address.realm, grant.target.partition("/")[0])
        return grant.address in self.drawn or facts.cancelled_at < self.seen_at.get(account, "")


def payables(snapshot: Snapshot) -> Iterator[Grant]:
    """Yield what is owed: grants of payouts that carry an amount."""
    for grant in snapshot.grants:
        if grant.address.connector == PAY and "amount" in grant.state.body:
            yield grant


def source_of(grant: Grant) -> Address | None:
    """The balance that a payout was made out of; None for what is no payout."""
    told = grant.state.value.get("out_of")
    return replace(grant.address, id=told) if told else None


def is_sent(grant: Grant) -> bool:
    """Whether a payout that was made already is on its way, or has arrived."""
    status = grant.state.value.get("status", "")
    return source_of(grant) is not None and status in ("in_transit", PAID)


def known_of(book: Book, pause: Pause) -> Known:
    """Everything that the journal knows of what a pause's plans found owed."""
    known, last = Known(), ""
    for event in book.pauses.events(pause.id, "planned"):
        told = event.data
        # An audit that found nothing new made the plan of the one before it again.
        if told["direction"] == Direction.CONTAIN and told["snapshot"] and told["ref"] != last:
            _saw(known, book, pause, told, event.at)
            last = told["ref"]
    for event in book.pauses.events(pause.id, "receipts"):
        for receipt in event.data["receipts"]:
            _learn(known, book, receipt, event.data["direction"], event.at)
    for hold in sorted(book.writes.holds(pause.id)):
        if keeps(hold.address):
            known.holds.setdefault(target_of(hold.address), []).append(hold)
    return known


def _saw(known: Known, book: Book, pause: Pause, planned: Json, at: str) -> None:
    """What one plan of the pause found owed, and what it left."""
    earlier = frozenset(known.first)
    snapshot = book.pauses.snapshot(planned["snapshot"])
    read = {(g.address.realm, g.target) for g in snapshot.grants if g.address.connector == PAY}
    known.seen_at.update(dict.fromkeys(read, at))
    for grant in payables(snapshot):
        if grant.address not in earlier and source_of(grant) in earlier:
            known.drawn[grant.address] = grant
        known.first.setdefault(grant.address, grant)
        known.last[grant.address] = grant
        known.escaped.pop(grant.address, None)  # it is owed: what was in a run was taken out again
        if escaped := escape(grant, pause, held=False):
            known.escaped[grant.address] = escaped
    for skip in book.pauses.plan(planned["ref"]).plan.skips:
        if skip.reason.startswith(ESCAPED):
            known.escaped[skip.address] = skip.reason.removeprefix(ESCAPED)
        else:
            known.why[target_of(skip.address)] = skip.reason


def target_of(address: Address) -> Target:
    """What a hold at an address is about."""
    return address.realm, address.document.id


def _learn(known: Known, book: Book, receipt: Json, direction: str, at: str) -> None:
    """What one receipt says of its target.

    One that was found paid, or was there no more, after a hold of ours stood on it has escaped.
    """
    address = Address.parse(receipt["address"])
    ends = direction == Direction.TERMINATE
    if address.connector != PAY:
        return
    facts = known.facts.setdefault(target_of(address), Facts())
    found = Found(book.store.body(receipt["found"])).value if receipt["found"] else {}
    if not keeps(address):
        done = ends and receipt["outcome"] == Outcome.APPLIED
        facts.cancelled_at = facts.cancelled_at or (at if done or _is_back(found) else "")
        return
    _learn_hold(facts, receipt, found, direction, at)


def _is_back(state: Json) -> bool:
    """Whether a payout with this state is one whose money is in its balance again."""
    return state.get("status", "") in _BACK


def _learn_hold(facts: Facts, receipt: Json, found: Json, direction: str, at: str) -> None:
    """What one receipt says of what a hold keeps, with the state that it found."""
    address, ends = Address.parse(receipt["address"]), direction == Direction.TERMINATE
    stood = bool(facts.standing)
    if receipt["held"]:
        facts.standing.add(address)
    elif direction != Direction.CONTAIN or receipt["cause"] == Cause.GONE:
        facts.standing.discard(address)
    if ends and not address.kind.endswith(_HOLDING):
        return
    ended, gone = found.get("status", ""), receipt["cause"] == Cause.GONE
    if ends or direction == Direction.RESTORE:
        facts.released_at = "" if facts.standing else at
        facts.lost[address] = ended == LOST or (gone and not ended)
    elif receipt["held"]:
        facts.hold, facts.placed_at = str(address), facts.placed_at or at
        facts.released_at, facts.why, facts.ended = "", "", ""
    else:
        facts.gone = gone and not stood
        facts.lost[address] = gone and stood and not ended
        facts.why = receipt["detail"] or receipt["outcome"]
    if ended in (PAID, VOID) and (stood or receipt["held"]):
        facts.ended, facts.run = ended, found["run"]


def escape(grant: Grant, pause: Pause, *, held: bool) -> str:
    """How a payable left in spite of this pause's hold; empty where it did not.

    Its mark says that it is this pause's, or the journal: `held`.
    """
    owed = grant.state.value
    mine = held or any(mark.endswith(f"P{pause.id}") for mark in owed.get("marks", ()))
    return by_run(owed["run"]) if mine and owed.get("status") == PAID else ""
