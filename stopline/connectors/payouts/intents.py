"""Payout intents of Stripe's Global Payouts: put off, with our mark, until the last mark goes.

An intent that Stripe has not sent carries the day on which it is sent. To hold it, that day is
moved on, and its metadata says who holds it (a key for each mark, as rows beside a payable would),
which day stood there before, and which day we set. All of it is one call. The last mark that goes
gives the day back; a day that has passed meanwhile becomes today, and a day that somebody else
set after us stays. Stripe knows no tag: what a stranger sets between our second look and our write
is lost.
https://docs.stripe.com/api/v2/money-management/payout-intents/update
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

from stopline.connectors.payouts.currencies import minor_units
from stopline.connectors.payouts.marks import (
    CODE,
    GRANT,
    MARK,
    NAME,
    hold_of,
    journals_of,
    mark_of,
)
from stopline.model import (
    Address,
    Change,
    Document,
    Found,
    Gap,
    Grant,
    Residual,
    Seen,
    Skip,
    State,
)
from stopline.money import ESCAPED, shown
from stopline.port import Observed, Terms
from stopline.text import Json

INTENT = "payout-intent"
HOLD_DAYS = 90
"""How far we put an intent off. An audit moves it on again before it falls due."""
NEAR_DAYS = 30
"""From when on a hold is about to fall due: what stands then is not what we left."""
_PRIOR = "stopline-prior"
_UNTIL = "stopline-until"
_NONE = "none"
_EDITABLE = ("pending", "requires_action")

Stands = Callable[[], bool]
Today = Callable[[], date]


def utc_today() -> date:
    """Return today's date in UTC."""
    return datetime.now(UTC).date()


class Api(Protocol):
    """The two calls about one intent."""

    def intent(self, intent: str) -> Json:
        """One payout intent."""
        ...

    def set_intent(self, intent: str, fields: Mapping[str, Json], key: str, stands: Stands) -> None:
        """Change one intent."""
        ...


def found(
    realm: str, intent: Json, who: tuple[str, str], facts: dict[str, Json], today: date
) -> Iterator[Found]:
    """Yield an intent that is still owed, with every hold on it; or that is just leaving.

    `who` is the payee and what selects it, `facts` what its state says of fairness.
    """
    payee, via = who
    id_, status = intent["id"], intent["status"]
    if status not in (*_EDITABLE, "processing"):
        return
    amount = intent["amount"]
    try:
        code, whole = minor_units(amount["currency"], amount["value"])
    except ValueError as error:
        yield Gap(NAME, realm, f"payout intent {id_}", str(error))
        return
    states = observed(Document(NAME, realm, INTENT, id_), intent, today).states
    for address, state in sorted(states.items()):
        yield Seen(address, state)
    yield Grant(
        Address(NAME, realm, GRANT, id_),
        State.of(
            {
                "amount": whole,
                "currency": code,
                "form": "intent",
                "journals": journals_of(a.part for a in states),
                "payee": payee,
                "status": status,
                **facts,
            }
        ),
        principal=payee,
        entitlement="is owed",
        target=id_,
        via=via,
        uid=id_,
    )


def contained(grant: Grant, terms: Terms) -> Iterator[Change | Skip]:
    """Put the intent off with a mark of ours, whoever else holds it."""
    intent = grant.state.value
    mark = mark_of(terms.mark)
    address = Address(NAME, grant.address.realm, INTENT, f"{grant.target}#{mark}")
    rule = terms.playbook.rule(NAME, "payout-intents")
    if rule is None or address in terms.refusals:
        reason = "Stripe refused to put it off" if rule else "the playbook has no rule for it"
        yield Skip(grant.address, grant.principal, reason, leaves_access=True)
        return
    what = shown(intent["amount"], intent["currency"])
    if intent["status"] == "processing":
        reason = f"{ESCAPED}{what} left before us; Stripe is sending it"
        yield Skip(grant.address, grant.principal, reason)
        return
    yield hold_of(grant, address, rule)


def residual(change: Change) -> Residual:
    """Until when an intent waits if nobody moves it on."""
    what = "the day on which Stripe sends it, unless an audit of the open pause moves it on before"
    return Residual(change.address, what, f"P{HOLD_DAYS}D")


def observed(document: Document, intent: Json, today: date) -> Observed:
    """Say which holds stand. An intent that was sent or cancelled is not there any more."""
    if intent["status"] not in _EDITABLE:
        return Observed(document, exists=False)
    due = _day(intent)
    near = due is None or due < today + timedelta(days=NEAR_DAYS)
    states = {}
    for mark, code in _marks(intent).items():
        address = Address(NAME, document.realm, INTENT, f"{document.id}#{mark}")
        state = {"code": code, "mark": mark}
        if near:
            state["due"] = str(due)
        states[address] = State.of(state)
    return Observed(document, states, uid=document.id)


def write(api: Api, document: Document, changes: Sequence[Change], key: str, today: date) -> None:
    """Place and lift our marks of one intent in one call."""
    intent = api.intent(document.id)

    def stands() -> bool:
        states = observed(document, api.intent(document.id), today).states
        return all(states.get(change.address) == change.after for change in changes)

    api.set_intent(document.id, _fields(intent, changes, today), key, stands)


def _fields(intent: Json, changes: Sequence[Change], today: date) -> dict[str, Json]:
    """What is sent: the marks, and the day with what stood there before us."""
    before = set(_marks(intent))
    placed = {c.address.part for c in changes if c.after is not None}
    lifted = {c.address.part for c in changes if c.after is None}
    metadata = {**dict.fromkeys(sorted(placed), CODE), **dict.fromkeys(sorted(lifted), "")}
    due, told = _day(intent), intent.get("metadata") or {}
    sent: date | None = None
    if (before | placed) - lifted:
        if not before:
            metadata[_PRIOR] = str(due) if due else _NONE
        if due is None or due < today + timedelta(days=NEAR_DAYS):
            sent = today + timedelta(days=HOLD_DAYS)
            metadata[_UNTIL] = str(sent)
        elif not before:
            metadata[_UNTIL] = str(due)
    else:
        metadata |= {_PRIOR: "", _UNTIL: ""}
        if str(due) == told.get(_UNTIL):
            sent = max(_prior(told, today), today)
    fields: dict[str, Json] = {"metadata": metadata}
    if sent is not None and sent != due:
        fields["schedule_options"] = {"execute_on": str(sent)}
    return fields


def _prior(told: Mapping[str, str], today: date) -> date:
    """The day from before the first hold; today where there was none."""
    try:
        return date.fromisoformat(told.get(_PRIOR, ""))
    except ValueError:
        return today


def _marks(intent: Json) -> dict[str, str]:
    """The holds of stopline's on an intent, by mark: its reason code."""
    metadata = intent.get("metadata") or {}
    return {k: v for k, v in sorted(metadata.items()) if MARK.fullmatch(k)}


def _day(intent: Json) -> date | None:
    told = (intent.get("schedule_options") or {}).get("execute_on")
    return date.fromisoformat(told) if told else None
