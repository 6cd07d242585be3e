"""What must hold of a life, at each rest and at its end: nothing of what is told is believed.

The estate is judged by its documents and byte for byte, the ledger by its rows, notices by what
arrived, the journal by its chain. Each function returns what is wrong.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from bench.soaking.night import Night
from bench.soaking.till import Sums, sums
from stopline.audiences import INSIDE, OUTSIDE
from stopline.connectors.payouts import ledger as l
from stopline.drill import fingerprint, googling
from stopline.drill.manifest import Manifest
from stopline.drill.oracle import Answer, Check, Oracle
from stopline.drill.payday import TAX
from stopline.journal.outbox import Notice, NoticeState
from stopline.journal.pauses import TERMINATED, PauseStatus
from stopline.money import PAY
from stopline.text import Json

PROJECT = "chordus"
_TOTALS = ("paid_before", "held", "escaped", "released", "reissued", "written_off", "not_held")


@dataclass
class Chain:
    """What the journal said at the last look: nothing of it may ever be gone or another."""

    seen: dict[int, str] = field(default_factory=dict)

    def wrong(self, night: Night) -> Iterator[str]:
        """What is gone since, or broken."""
        number, broken = night.book.store.verify()
        if broken:
            yield f"the chain of {number}: {broken}"
        now = {event.seq: event.hash for event in night.book.store.events()}
        lost = sorted(seq for seq, hash_ in self.seen.items() if now.get(seq) != hash_)
        if lost:
            yield f"{len(lost)} records of the journal are lost, from {lost[0]} on"
        self.seen = now


def unanswered(night: Night) -> Iterator[str]:
    """Intents after which no receipt says what became of them."""
    due: dict[str, int] = {}
    for event in night.book.store.events():
        if event.kind == "intent":
            due |= {c["address"]: event.seq for c in event.data["changes"]}
        elif event.kind == "receipts":
            for receipt in event.data["receipts"]:
                due.pop(receipt["address"], None)
    for address, seq in sorted(due.items()):
        yield f"the intent {seq} has no receipt: {address}"


# --- access --------------------------------------------------------------------------------------


def theirs(manifest: Manifest, *, of_project: bool) -> Manifest:
    """What of the vendor's is in the project, or is not."""
    people = tuple(p for p in manifest.vendor_users if (f"/{PROJECT}/" in p.arn) is of_project)
    if not of_project:
        return replace(manifest, vendor_users=people)
    return replace(
        manifest,
        vendor_users=people,
        vendor_roles=(),
        vendor_buckets=(),
        shared_roles=(),
        vendor_doors=(),
    )


def refused(night: Night, oracle: Oracle, wanted: Manifest, pause: str) -> Iterator[str]:
    """Whoever of these is not refused, but for whom the pause's plan says that it is left open."""
    plan = night.book.pauses.plan(night.book.pauses.get(pause).plan).plan
    said = {s.principal for s in plan.skips if s.leaves_access}
    closed = replace(
        wanted,
        shared_roles=tuple(w for w in wanted.shared_roles if w.arn not in said),
        vendor_roles=tuple(w for w in wanted.vendor_roles if w.arn not in said),
    )
    yield from _not(oracle.vendor(closed), Answer.REFUSED)
    if said and night.status(pause) is PauseStatus.CONTAINED:
        yield f"{len(said)} were left open, and the pause says contained"


def back(oracle: Oracle, wanted: Manifest) -> Iterator[str]:
    """Whoever of these users cannot work again."""
    yield from _not(oracle.users(wanted.vendor_users), Answer.ALLOWED)


def unharmed(night: Night, oracle: Oracle) -> Iterator[str]:
    """Bystanders that cannot work."""
    yield from _not(oracle.bystanders(night.manifest), Answer.ALLOWED)


def _not(checks: Iterable[Check], wanted: Answer) -> Iterator[str]:
    for check in checks:
        if check.answer is not wanted:
            yield f"{check.who} {check.what}: {check.answer}, not {wanted}"


def google_refused(night: Night) -> Iterator[str]:
    """Whoever of the vendor's is not refused in Google Cloud."""
    sight = night.google.look()
    yield from _not(sight.vendor, Answer.REFUSED)
    yield from (f"{p.who} still works" for p in sight.acted if p.allowed)


def priors(night: Night, pause: str) -> Iterator[str]:
    """Holds whose prior is our own contained state."""
    for hold in night.book.writes.holds(pause):
        if hold.prior == hold.ours:
            yield f"a prior is ours: {hold.address}"


Prints = Mapping[str, Mapping[str, str]]


def prints(night: Night) -> Prints:
    """All that there is in the clouds."""
    return night.prints()


def unlike(night: Night, was: Prints) -> Iterator[str]:
    """What is not as it was, and what of ours is left."""
    leftovers = {"aws": fingerprint.leftovers, "gcp": googling.leftovers}
    for name, now in prints(night).items():
        yield from fingerprint.differences(was[name], now)
        yield from (f"left of ours: {what}" for what in leftovers[name](now))


# --- money ---------------------------------------------------------------------------------------


def rows_unlike(night: Night) -> Iterator[str]:
    """Rows of holds in the ledger that the journal does not know, and the other way round."""
    known = {(a.document.id, a.part) for a in night.held() if a.connector == PAY and a.part}
    there = night.till.ours()
    yield from (f"the ledger's hold {one} is nobody's" for one in sorted(there - known))
    yield from (f"the hold {one} is not in the ledger" for one in sorted(known - there))
    if not any(mark == TAX["mark"] for _, mark in night.till.marks()):
        yield "another team's hold is gone"


def paid_held(night: Night) -> Iterator[str]:
    """What is owed to mercor's and nobody holds after a run that paid all it could; or was paid."""
    rows, held = night.till.rows(), {payable for payable, _ in night.till.marks()}
    yield from (f"{id_} is held and {rows[id_]['status']}" for id_ in sorted(held)
                if rows[id_]["status"] != l.OPEN)  # fmt: skip
    yield from (f"{id_} is open after a pay run, and nobody holds it"
                for id_ in sorted(r["id"] for r in rows.values() if r["status"] == l.OPEN)
                if id_ not in held)  # fmt: skip


def report(night: Night, pause: str) -> Json:
    """The held-amounts report, as programs read it; asked again while nobody answers."""
    found: list[Json] = []

    def read() -> bool:
        said = night.ask("payouts", pause, "--output", "json")
        document = json.loads(said.stdout) if said.stdout.startswith("{") else {}
        found[:] = [document] if document.get("read_at") and not document["unread"] else []
        return bool(found)

    night.until("read by the ledger's worker", read)
    return found[0]


def of_report(document: Json, state: str) -> Sums:
    """What the report has of one state."""
    return Counter({(t["payee"], t["currency"]): t[state] for t in document["totals"] if t[state]})


NOTHING: Sums = Counter()


def unbalanced(document: Json, left: Sums = NOTHING) -> Iterator[str]:
    """Totals that do not account for what was owed; and what escaped, since our runs keep the rule.

    owed = paid + held (and what became of it) + escaped; what is not held was paid, or is told.
    `left` is what people say had left before they could hold it.
    """
    for total in document["totals"]:
        if total["owed_before"] != sum(total[state] for state in _TOTALS):
            yield f"the totals of {total['payee']} in {total['currency']} do not balance"
        if total["held_at_all"] != sum(
            total[s] for s in ("held", "released", "reissued", "written_off")
        ):
            yield f"held of {total['payee']} is not what became of it"
    if not document["balanced"]:
        yield "the report does not balance"
    if (escaped := of_report(document, "escaped")) != left:
        yield f"escaped, though no run pays what is held: {dict(escaped)}, not {dict(left)}"


def unlike_ledger(night: Night, document: Json, pause: str) -> Iterator[str]:
    """The report's sum of what is held is not that of the ledger's rows under the pause's marks."""
    rows = night.till.rows()
    mine = {p for p, mark in night.till.ours() if mark.endswith(f"P{pause}")}
    if (should := sums(rows[p] for p in mine)) != (told := of_report(document, "held")):
        yield f"held by the ledger {dict(should - told)} more, by the report {dict(told - should)}"


def undecided(
    night: Night, document: Json, pause: str, held: Iterable[str], settled: Iterable[str]
) -> Iterator[str]:
    """What a termination made otherwise than people decided: they settled some, disputed the rest.

    `held` and `settled` are payables, by their ids, as they were before it.
    """
    freed, mine = {*settled}, {p for p, mark in night.till.ours() if mark.endswith(f"P{pause}")}
    released = {one["payable"] for one in document["payables"] if one["state"] == "released"}
    yield from (f"{id_} was settled and is still held" for id_ in sorted(freed & mine))
    yield from (f"{id_} was settled and is not released" for id_ in sorted(freed - released))
    yield from (
        f"{id_} was not settled and is held no more" for id_ in sorted({*held} - freed - mine)
    )


# --- notices -------------------------------------------------------------------------------------


def untold(night: Night, since: frozenset[str]) -> Iterator[str]:
    """Notices that did not come, came and should not, or came as others; of newer pauses."""
    arrived: dict[str, list[str]] = {}
    for one in night.ears.arrived:
        if not one.genuine:
            yield f"what came to {one.audience} was not signed"
        arrived.setdefault(one.key, []).append(f"{one.audience} {one.subject} {one.text}")
    pauses = [p for p in night.pauses() if p.id not in since]
    known = {n.key: n for p in night.pauses() for n in night.book.outbox.of(p.id)}
    yield from (f"nobody wrote the notice {key}" for key in sorted(set(arrived) - set(known)))
    yield from (f"the notice {key} came in two versions" for key, told in sorted(arrived.items())
                if len(set(told)) > 1)  # fmt: skip
    for pause in pauses:
        for notice in night.book.outbox.of(pause.id):
            yield from _as_it_stands(notice, arrived.get(notice.key, []))
        yield from _too_early(night, pause.id)
        yield from _unheard(night, pause.id)


def _as_it_stands(notice: Notice, told: list[str]) -> Iterator[str]:
    name = f"the notice of {notice.event} to {notice.audience} ({notice.pause})"
    if notice.state in (NoticeState.PENDING, NoticeState.FAILED):
        yield f"{name} is {notice.state}: {notice.why}"
    if notice.state is NoticeState.SENT and not told:
        yield f"{name} is lost: sent, and nobody heard it"
    if notice.state is NoticeState.WITHHELD and told:
        yield f"{name} was withheld, and was heard"


def _too_early(night: Night, pause: str) -> Iterator[str]:
    """Vendor and payees hear nothing before containment was verified."""
    moved = night.book.pauses.events(pause, "status")
    verified = [e.at for e in moved if e.data["status"] == PauseStatus.CONTAINED]
    first = datetime.fromisoformat(verified[0]).timestamp() if verified else None
    for one in night.ears.arrived:
        outside = one.pause == pause and one.audience in OUTSIDE
        if outside and (first is None or one.at < first):
            yield f"{one.audience} heard {one.event} of {pause} before it was contained"


def _unheard(night: Night, pause: str) -> Iterator[str]:
    """All inside hear that it was opened, and how it ended."""
    over = "terminated" if night.book.pauses.events(pause, TERMINATED) else "restored"
    heard = {(one.audience, one.event) for one in night.ears.arrived if one.pause == pause}
    for audience in INSIDE:
        for event in ("opened", over):
            if (str(audience), event) not in heard:
                yield f"{audience} never heard that {pause} was {event}"
