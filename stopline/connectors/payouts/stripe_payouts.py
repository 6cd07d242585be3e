"""Payouts that Stripe has made already: let go by name, or marked for a termination to cancel.

Stripe puts no payout off. One that is pending, and that no schedule made, can be cancelled: its
money is back in the account's balance then, and the payout is gone for good. So no pause cancels
it. Where the playbook says `cancel`, a pause writes our mark into its metadata, which keeps nothing
back and is taken out again by a rollback. A termination of the marked payout, which other people
approve, cancels it: as in a ledger, where what was pulled from a run is cancelled at the end. The
money stays owed, and held by the account's schedule; without that, nothing is cancelled.

An outbound payment of Global Payouts takes no mark once it is made, so it is named and left to a
person. An automatic payout is cancelled by nobody.
https://docs.stripe.com/api/payouts/cancel https://docs.stripe.com/api/payouts/update
https://docs.stripe.com/api/v2/money-management/outbound-payments/cancel
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Protocol

from stopline.connectors.payouts.fairness import refused
from stopline.connectors.payouts.intents import Stands
from stopline.connectors.payouts.marks import (
    CODE,
    MARK,
    NAME,
    hold_of,
    journals_of,
    mark_of,
    of_others,
    owed,
)
from stopline.errors import ConnectorError, StaleError
from stopline.model import Address, Change, Document, Effect, Grant, Residual, Seen, Skip, State
from stopline.money import ESCAPED, shown
from stopline.playbook import Rule
from stopline.port import Observed, Terms
from stopline.receipts import Cause, Hold
from stopline.text import Json

MARKED = "payout-mark"
"""The kind of our mark on a payout. `-mark`: it keeps nothing back (`money.keeps`)."""
PAYOUT, OUTBOUND, RECIPIENT = "payout", "outbound", "recipient"
"""The forms of what has been made already, and of whom Global Payouts can pay."""
_LEAVING = ("pending", "in_transit")
_BACK = ("canceled", "failed")
"""The statuses of a payout whose money is in the balance again."""


class Api(Protocol):
    """The calls about payouts of one connected account."""

    def payouts(self, account: str, status: str) -> list[Json]:
        """The payouts of one account in one status."""
        ...

    def payout(self, account: str, payout: str) -> Json:
        """One payout."""
        ...

    def set_payout(
        self, account: str, payout: str, metadata: dict[str, Json], key: str, stands: Stands
    ) -> None:
        """Change one payout's metadata, which is all that can be changed of it."""
        ...

    def cancel_payout(self, account: str, payout: str, key: str, stands: Stands) -> None:
        """Cancel one payout for good."""
        ...


def leaving(api: Api, account: str, held: frozenset[str]) -> list[Json]:
    """The payouts of an account that are leaving, and those on which the journal has a mark.

    What has arrived or was cancelled is in no list of what is leaving, and is told all the same.
    """
    found = [p for status in _LEAVING for p in api.payouts(account, status)]
    seen = {f"{account}/{one['id']}" for one in found}
    marked = sorted(id_ for id_ in held - seen if id_.startswith(f"{account}/"))
    return [*found, *(api.payout(account, id_.partition("/")[2]) for id_ in marked)]


def told(realm: str, account: str, one: Json) -> tuple[dict[str, Json], list[Seen]]:
    """What a payout's state says besides its amount, and our marks on it as they stand."""
    document = Document(NAME, realm, MARKED, f"{account}/{one['id']}")
    states = observed(document, one).states
    return {
        "automatic": one["automatic"],
        "form": PAYOUT,
        "journals": journals_of(address.part for address in states),
        "out_of": f"{account}/{one['currency']}",
        "status": one["status"],
    }, [Seen(address, state) for address, state in sorted(states.items())]


# --- opinion -------------------------------------------------------------------------------------


def contained(grant: Grant, terms: Terms) -> Iterator[Change | Skip]:
    """Mark what can be cancelled, where the playbook wants that; name what leaves."""
    state, found = grant.state.value, terms.playbook.rule(NAME, "in-flight")
    if state["status"] in _BACK:
        reason = f"{state['status']} at Stripe: its money is in {state['out_of']} again"
        yield Skip(grant.address, grant.principal, reason)
        return
    if found is None:
        reason = "the playbook has no rule for payouts in flight"
        yield Skip(grant.address, grant.principal, reason, leaves_access=True)
        return
    yield from of_others(grant, terms)
    if state["form"] == PAYOUT and found[1].how == "cancel" and _cancelable(state):
        yield from _marked(grant, terms, found)
        return
    yield _let_go(grant, found[1].how)


def _marked(grant: Grant, terms: Terms, found: tuple[int, Rule]) -> Iterator[Change | Skip]:
    """Our mark, and that the payout leaves all the same until a termination has cancelled it."""
    address = Address(NAME, grant.address.realm, MARKED, f"{grant.target}#{mark_of(terms.mark)}")
    what = shown(grant.state.value["amount"], grant.state.value["currency"])
    if unfair := tuple(refused(grant, terms)):
        yield from unfair
        return
    if terms.playbook.rule(NAME, "payout-schedules") is None:
        reason = "to cancel it takes the rule for `payout-schedules`, too: it would be paid anew"
        yield Skip(grant.address, grant.principal, reason, leaves_access=True)
        return
    if address in terms.refusals:
        reason = "Stripe refused our mark on it; a person cancels it there, until it is sent"
        yield Skip(grant.address, grant.principal, reason, leaves_access=True)
        return
    summary = f"mark {what} to be cancelled by a termination, {owed(grant)}"
    yield replace(hold_of(grant, address, found), summary=summary)
    reason = (
        f"Stripe sends {what} unless it is cancelled, one-way: a termination of this pause does, "
        "which other people approve"
    )
    yield Skip(grant.address, grant.principal, reason, leaves_access=True)


def _cancelable(state: Json) -> bool:
    if state["form"] == OUTBOUND:
        return bool(state["cancelable"])
    return bool(state["status"] == "pending" and not state["automatic"])


def _let_go(grant: Grant, how: str) -> Skip:
    """What Stripe has made already and nothing here takes back.

    Where the playbook wants to, and a person could, it stays open until one has decided.
    """
    state = grant.state.value
    wanted = how != "let-proceed" and _cancelable(state)
    if state["status"] == "paid":
        why = "it has arrived"
    elif wanted and state["form"] == OUTBOUND:
        why = "Stripe takes no mark on it, so a person cancels it there, one-way, until it is sent"
    elif wanted:
        why = "it can only be cancelled, one-way: a person does it at Stripe, until it is sent"
    elif _cancelable(state):
        why = "let proceed; a person can cancel it, one-way, until Stripe sends it"
    elif state["status"] == "in_transit" or state["form"] == OUTBOUND:
        why = "on its way to the bank"
    else:
        why = "Stripe cancels no automatic payout"
    gone = shown(state["amount"], state["currency"])
    reason = f"{ESCAPED}{gone} left before us; {why}"
    return Skip(grant.address, grant.principal, reason, leaves_access=wanted)


def methods(grant: Grant, terms: Terms) -> Skip:
    """Say of a recipient of Global Payouts that its payout methods stay as they are.

    An archived method can be unarchived, and Stripe does not promise that it can be used then: no
    way back. https://docs.stripe.com/api/v2/money-management/payout-methods/unarchive
    """
    if terms.playbook.rule(NAME, "payout-intents") is None:
        reason = "the playbook has no rule for payout intents"
        return Skip(grant.address, grant.principal, reason, leaves_access=True)
    reason = (
        "its payout methods stay usable, since Stripe does not promise that an archived one can "
        "be used again: programs of the lab's can pay it anew, and an audit names that"
    )
    return Skip(grant.address, grant.principal, reason)


def residual(change: Change) -> Residual:
    """A mark keeps nothing back."""
    return Residual(change.address, "the payout itself", "until a termination cancels it")


def ended(hold: Hold) -> Effect:
    """What a termination makes of a mark."""
    account, _, payout = hold.address.document.id.partition("/")
    what = f"cancel the payout {payout} at Stripe for good; its money stays in {account}, held"
    return Effect(hold.address, what, whole=True)


# --- reading and writing -------------------------------------------------------------------------


def observed(document: Document, payout: Json) -> Observed:
    """Say which marks stand. One that was cancelled is not there, but for how it ended.

    On what has left they stand otherwise than we left them, so that no termination takes it for
    what it can cancel. A plan names it as escaped, and nothing more is to be done about the mark.
    """
    status, states = payout["status"], {}
    ended: dict[str, Json] = {} if status == "pending" else {"status": status}
    for mark, code in sorted((payout.get("metadata") or {}).items()):
        if MARK.fullmatch(mark):
            address = Address(NAME, document.realm, MARKED, f"{document.id}#{mark}")
            states[address] = State.of({"code": code, "mark": mark, **ended})
    return Observed(document, states, uid=payout["id"], exists=status not in _BACK)


def read(api: Api, document: Document) -> Observed:
    """One payout with our marks on it. Raises ConnectorError."""
    account, _, payout = document.id.partition("/")
    return observed(document, api.payout(account, payout))


def write(api: Api, document: Document, changes: Sequence[Change], key: str) -> None:
    """Set and take out our marks of one payout in one call."""
    account, _, payout = document.id.partition("/")
    metadata: dict[str, Json] = {c.address.part: CODE if c.after else "" for c in changes}

    def stands() -> bool:
        states = read(api, document).states
        return all((c.address in states) is (c.after is not None) for c in changes)

    api.set_payout(account, payout, metadata, key, stands)


def cancel(api: Api, was: Observed, mine: frozenset[str], key: str) -> None:
    """Cancel a payout that bears `mine`, our marks, and nobody else's, if it still is as observed.

    Raises StaleError where it is not, ConnectorError where it cannot be cancelled.
    """
    account, _, payout = was.document.id.partition("/")
    now = api.payout(account, payout)
    if now["status"] in _BACK:
        raise ConnectorError(Cause.GONE, f"the payout {payout} is {now['status']}", landed=False)
    if observed(was.document, now) != was:
        raise StaleError(f"the payout {payout} was changed since it was read")
    others = {m for m in now.get("metadata") or {} if MARK.fullmatch(m)} - mine
    if others:
        who = ", ".join(sorted(others))
        detail = f"the payout {payout} is marked by another pause, too ({who}): it lets go first"
        raise ConnectorError(Cause.HELD, detail, landed=False)
    if now["status"] != "pending" or now["automatic"]:
        detail = f"the payout {payout} is cancelled by nobody: Stripe has sent it, or made it"
        raise ConnectorError(Cause.REFUSED, detail, landed=False)

    def stands() -> bool:
        return bool(api.payout(account, payout)["status"] == "canceled")

    api.cancel_payout(account, payout, key, stands)
