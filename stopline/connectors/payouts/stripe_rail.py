"""The rail `stripe`: what leaves a platform's connected accounts, and its Global Payouts.

Two levers, one for each way on which money leaves:

- An account's payout schedule is set to `manual`, and its rules that move money on to a financial
  account are taken out, in one call. That is a toggle without a mark: what was there is in the
  journal, and an account that somebody else had set to `manual` before us stays so. Stripe knows
  no tag for it: what a stranger sets between our second look and our write, some hundred
  milliseconds, is lost; both states are in the journal.
- A payout intent that is not yet sent is put off, with our mark in its metadata: see `intents`.

A payout that Stripe made before leaves, and is named with its amount: see `stripe_payouts`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from shlex import join, quote
from typing import Protocol

from stopline.commands import Commands
from stopline.connectors.payouts import intents, stripe_payouts
from stopline.connectors.payouts.currencies import minor_units
from stopline.connectors.payouts.fairness import refused
from stopline.connectors.payouts.marks import GRANT, NAME, fair, of_others, owed
from stopline.connectors.payouts.stripe_payees import Payee, Wanted
from stopline.deadlines import Limit
from stopline.errors import ConnectorError, StaleError
from stopline.model import (
    Address,
    Breadth,
    Change,
    Counted,
    Document,
    Effect,
    Found,
    Gap,
    Grant,
    Residual,
    Seen,
    Skip,
    State,
)
from stopline.port import Observed, Terms
from stopline.receipts import Cause, Hold
from stopline.text import Json, dump, sha256
from stopline.vendors import PayoutsSelectors

ACCOUNT = "connected-account"
SCHEDULE = "payout-schedule"
_AT_ONCE = 4
"""Accounts that are read side by side: well under 25 calls a second of one kind, Stripe's limit."""
_DAYS = {"weekly": "weekly_payout_days", "monthly": "monthly_payout_days"}
_HOLDING: Mapping[str, tuple[str, int]] = {"TH": ("P10D", 10), "US": ("P2Y", 730)}
"""How long Stripe lets a balance be held, and in days, by country; 90 days elsewhere.

https://docs.stripe.com/connect/manual-payouts
"""
_ELSEWHERE = ("P90D", 90)
_READS = (
    "GET /v1/account",
    "GET /v1/accounts",
    "GET /v1/accounts/{id}",
    "GET /v1/balance",
    "GET /v1/balance_settings",
    "GET /v1/payouts",
    "GET /v1/payouts/{id}",
    "GET /v2/core/accounts",
    "GET /v2/money_management/outbound_payments",
    "GET /v2/money_management/payout_intents",
    "GET /v2/money_management/payout_intents/{id}",
)
_WRITES = (
    "POST /v1/balance_settings",
    "POST /v1/payouts/{id}",
    "POST /v2/money_management/payout_intents/{id}",
)
PERMISSIONS: Mapping[str, frozenset[str]] = {
    "read": frozenset(_READS),
    "write": frozenset(_WRITES),
    "terminate": frozenset({*_READS, *_WRITES, "POST /v1/payouts/{id}/cancel"}),
}
"""The calls that we make, which a restricted key must allow."""


class Api(intents.Api, stripe_payouts.Api, Protocol):
    """The calls that we make, as plain data: `stripe_api.StripeApi`."""

    def accounts(self) -> list[Json]:
        """Every connected account."""
        ...

    def recipients(self) -> list[Json]:
        """Every recipient of Global Payouts."""
        ...

    def every_intent(self) -> list[Json]:
        """Every payout intent."""
        ...

    def outbound(self) -> list[Json]:
        """Every outbound payment of Global Payouts that is under way."""
        ...

    def account(self, account: str) -> Json:
        """One connected account."""
        ...

    def balance(self, account: str) -> Json:
        """What one account's balance holds."""
        ...

    def settings(self, account: str) -> Json:
        """How one account is paid out."""
        ...

    def set_payouts(
        self, account: str, payouts: Mapping[str, Json], key: str, stands: intents.Stands
    ) -> None:
        """Set how an account is paid out."""
        ...


@dataclass(frozen=True)
class StripeRail:
    """One platform of the lab's at Stripe; `name` is the ledger's in the estate."""

    name: str
    api: Api
    platform: str = ""
    live: bool = True
    global_payouts: bool = True
    today: intents.Today = field(default=intents.utc_today)
    held: Callable[[], frozenset[str]] = frozenset
    """The ids of the documents here in which the journal holds something."""

    # --- discovery ---------------------------------------------------------------------------

    def discover(self, selectors: Iterable[PayoutsSelectors]) -> Iterator[Found]:
        """Yield what is owed through Stripe, and how it would leave. Never raises."""
        wanted = Wanted.of(selectors)
        try:
            accounts = self.api.accounts()
        except ConnectorError as error:
            yield Gap(NAME, self.name, "connected accounts", error.detail)
            accounts = []
        mine = [(one, found) for one in accounts if (found := wanted.payee(one))]
        payees = {account["id"]: found for account, found in mine}
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for several in pool.map(lambda one: tuple(self._account(*one)), mine):
                yield from several
        yield Counted(NAME, self.name, "connected-account", len(accounts))
        if self.global_payouts:
            yield from self._intents(wanted, payees)

    def _account(self, account: Json, payee: Payee) -> Iterator[Found]:
        id_ = account["id"]
        try:
            schedule = _schedule(account, self.api.settings(id_))
            balance = self.api.balance(id_)
            leaving = stripe_payouts.leaving(self.api, id_, self.held())
        except ConnectorError as error:
            yield Gap(NAME, self.name, f"connected account {id_}", error.detail)
            return
        yield Seen(Address(NAME, self.name, SCHEDULE, id_), schedule)
        told = {"country": account["country"], **fair(account, person=payee.person)}
        address = Address(NAME, self.name, ACCOUNT, id_)
        who = (payee.name, "is paid out", id_, payee.via, id_)
        proto = Grant(address, State.of(told), *who)
        yield proto
        more = {**told, "form": "balance"}
        totals: dict[str, int] = {}
        for part in (*balance["available"], *balance["pending"]):
            totals[part["currency"]] = totals.get(part["currency"], 0) + part["amount"]
        for currency, amount in sorted(totals.items()):
            if amount > 0:
                yield self._owed(proto, f"{id_}/{currency}", currency, amount, more)
        for one in leaving:
            its = replace(proto, target=f"{id_}/{one['id']}", uid=one["id"])
            facts, marks = stripe_payouts.told(self.name, id_, one)
            yield from marks
            more = {**fair(account, person=payee.person), **facts}
            yield self._owed(its, one["id"], one["currency"], one["amount"], more)

    def _owed(
        self, proto: Grant, id_: str, currency: str, amount: int, more: Mapping[str, Json]
    ) -> Grant | Gap:
        """What is owed in one currency, in the words of a ledger's payable."""
        try:
            code, whole = minor_units(currency, amount)
        except ValueError as error:
            return Gap(NAME, self.name, f"payable {id_}", str(error))
        told = {"amount": whole, "currency": code, "journals": [], "payee": proto.principal}
        state = State.of({**told, **more})
        address = Address(NAME, self.name, GRANT, id_)
        return replace(proto, address=address, state=state, entitlement="is owed")

    def _intents(self, wanted: Wanted, payees: dict[str, Payee]) -> Iterator[Found]:
        try:
            for account in self.api.recipients():
                if found := wanted.payee(account):
                    payees.setdefault(account["id"], found)
                    yield self._recipient(account["id"], found)
            every, sent = self.api.every_intent(), self.api.outbound()
        except ConnectorError as error:
            yield Gap(NAME, self.name, "payouts of Global Payouts", error.detail)
            return
        yield Counted(NAME, self.name, "payout-intent", len(every))
        # One that an intent made is told by its intent.
        for one in (*every, *(p for p in sent if not p.get("payout_intent"))):
            to = one["to"].get("recipient") or ""
            found = payees.get(to) or wanted.payee({"id": to, "metadata": one.get("metadata")})
            if found is None:
                continue
            facts = fair(one, person=found.person)
            if "cancelable" in one:
                yield self._outbound(one, found, facts)
            else:
                yield from intents.found(self.name, one, found[:2], facts, self.today())

    def _recipient(self, id_: str, payee: Payee) -> Grant:
        """Whom Global Payouts can pay; what is owed to it is said by its intents."""
        state = State.of({"form": stripe_payouts.RECIPIENT})
        address = Address(NAME, self.name, stripe_payouts.RECIPIENT, id_)
        return Grant(address, state, payee.name, "can be paid by Global Payouts", id_, payee.via)

    def _outbound(self, one: Json, payee: Payee, facts: Mapping[str, Json]) -> Grant | Gap:
        """An outbound payment that is under way."""
        id_, amount = one["id"], one["amount"]
        proto = Grant(Address(NAME, self.name, GRANT, id_), State.of({}), payee.name, "", id_,
                      payee.via, id_)  # fmt: skip
        told = {"cancelable": one["cancelable"], "form": stripe_payouts.OUTBOUND}
        more = {**facts, **told, "status": one["status"]}
        return self._owed(proto, id_, amount["currency"], amount["value"], more)

    # --- opinion -----------------------------------------------------------------------------

    def contained(self, grant: Grant, terms: Terms) -> Iterator[Change | Skip]:
        """A schedule is set to manual, an intent put off, and what is leaving is named."""
        form = grant.state.value.get("form", "")
        if form in (stripe_payouts.PAYOUT, stripe_payouts.OUTBOUND):
            yield from stripe_payouts.contained(grant, terms)
        elif form == stripe_payouts.RECIPIENT:
            yield stripe_payouts.methods(grant, terms)
        elif form == "intent":
            yield from of_others(grant, terms)
            yield from tuple(refused(grant, terms)) or intents.contained(grant, terms)
        else:
            yield from tuple(refused(grant, terms)) or (self._held(grant, terms),)

    def _held(self, grant: Grant, terms: Terms) -> Change | Skip:
        address = Address(NAME, self.name, SCHEDULE, grant.target)
        country = grant.state.value["country"]
        found = terms.playbook.rule(NAME, "payout-schedules")
        if found is None or address in terms.refusals:
            reason = "Stripe refused the hold" if found else "the playbook has no rule for it"
            return Skip(grant.address, grant.principal, reason, leaves_access=True)
        return Change(
            address,
            before=None,
            after=State.of({"country": country, "interval": "manual", "transfer_rules": {}}),
            rule=found[1].name,
            breadth=Breadth.NARROW,
            phase=found[0],
            uid=grant.uid,
            principal=grant.principal,
            summary=f"let nothing leave {grant.target} by itself; what it holds is {owed(grant)}",
        )

    def residuals(self, change: Change) -> Iterable[Residual]:
        """What had left still arrives; and Stripe lets nobody hold for ever."""
        if change.address.kind == stripe_payouts.MARKED:
            yield stripe_payouts.residual(change)
            return
        yield Residual(change.address, "payouts that left before the hold", "until they settle")
        if change.address.kind == SCHEDULE and change.after is not None:
            country = change.after.value["country"]
            what = f"Stripe's limit on holding a balance in {country}: pay out or decide before it"
            yield Residual(change.address, what, _HOLDING.get(country, _ELSEWHERE)[0])
            what = "payouts that somebody asks for: manual stops only what leaves by itself"
            yield Residual(change.address, what, "until the pause ends")
        elif change.address.kind == intents.INTENT:
            yield intents.residual(change)

    def limits(self, change: Change) -> Iterator[Limit]:
        """For how many days an account may be kept from being paid out."""
        if change.address.kind == SCHEDULE and change.after is not None:
            country = change.after.value["country"]
            what = f"Stripe lets a balance in {country} be held no longer: pay out or decide"
            yield Limit(change.address, _HOLDING.get(country, _ELSEWHERE)[1], what)

    # --- reading and writing -----------------------------------------------------------------

    def read(self, document: Document) -> Observed:
        """Read how one account is paid out, or the marks on an intent or a payout."""
        try:
            if document.kind == stripe_payouts.MARKED:
                return stripe_payouts.read(self.api, document)
            if document.kind != SCHEDULE:
                return intents.observed(document, self.api.intent(document.id), self.today())
            account = self.api.account(document.id)
            state = _schedule(account, self.api.settings(document.id))
        except ConnectorError as error:
            if error.cause is not Cause.GONE:
                raise
            return Observed(document, exists=False)
        address = Address(NAME, self.name, SCHEDULE, document.id)
        return Observed(document, {address: state}, uid=document.id)

    def write(self, observed: Observed, changes: Sequence[Change], token: str) -> None:
        """Carry out our changes of one account or intent, if it still is as observed.

        Raises StaleError when it is not, ConnectorError as the port says.
        """
        document = observed.document
        now = self.read(document)
        if not now.exists:
            raise ConnectorError(Cause.GONE, f"{document.id} is gone from Stripe, or was paid out")
        wanted = {**now.states, **{c.address: c.after for c in changes}}
        if now.states == {a: s for a, s in wanted.items() if s is not None}:
            return
        if now.states != observed.states:
            raise StaleError(f"{document.id} was changed since it was read")
        key = _key(token, document, changes)
        if document.kind == stripe_payouts.MARKED:
            stripe_payouts.write(self.api, document, changes, key)
            return
        if document.kind != SCHEDULE:
            intents.write(self.api, document, changes, key, self.today())
            return
        after = changes[-1].after
        if after is None:
            raise ConnectorError(Cause.BUG, "a payout schedule cannot be taken away")
        address = changes[-1].address

        def stands() -> bool:
            return self.read(document).states.get(address) == after

        self.api.set_payouts(document.id, _payouts(after, now.states.get(address)), key, stands)

    def settled(self, hold: Hold) -> Effect | Skip:
        """What people let go of is as it was before us, and Stripe pays it by itself."""
        what = hold.change.summary
        if hold.address.kind == intents.INTENT:
            return Effect(hold.address, f"give its day back, so that Stripe sends it ({what})")
        if hold.address.kind == SCHEDULE and hold.prior is not None:
            how = f"pay {hold.address.id} out again, {hold.prior.value['interval']} ({what})"
            return Effect(hold.address, how, leaves=hold.prior)
        reason = "settled: Stripe sends it; our mark on it is taken out by a rollback"
        if hold.address.kind != stripe_payouts.MARKED:
            reason = "it stays held: give it back by a rollback of this address"
        return Skip(hold.address, hold.change.principal, reason)

    def end(self, observed: Observed, changes: Sequence[Change], token: str) -> None:
        """Give back what people let go of, or cancel a payout that we marked; raises as `write`.

        It is cancelled if its account keeps what comes back: its schedule would pay it out again.
        """
        document = observed.document
        if document.kind != stripe_payouts.MARKED:
            self.write(observed, changes, token)
            return
        account = document.id.partition("/")[0]
        beside = Document(NAME, self.name, SCHEDULE, account)
        if not any(s.value["interval"] == "manual" for s in self.read(beside).states.values()):
            detail = f"nothing holds the balance of {account}: what is cancelled would leave again"
            raise ConnectorError(Cause.REFUSED, detail, landed=False)
        mine = frozenset(change.address.part for change in changes)
        stripe_payouts.cancel(self.api, observed, mine, _key(token, document, changes))

    def commands(self, document: Document, changes: Sequence[Change]) -> Commands:
        """Give the call of Stripe's own command line: https://docs.stripe.com/cli/post ."""
        after = changes[-1].after
        if document.kind != SCHEDULE or after is None:
            return Commands()
        sent = _pairs("payments[payouts]", _payouts(after, changes[-1].before))
        mode = ("--live",) if self.live else ()
        words = ("stripe", "post", "/v1/balance_settings", "--stripe-account", document.id, *mode)
        data = [word for pair in sent for word in ("-d", pair)]
        mine = join(("stripe", "get", "/v1/account", *mode))
        only_if = f"{mine} | grep -qF {quote(self.platform)}"
        return Commands((join((*words, *data)),), only_if=only_if)


def _key(token: str, document: Document, changes: Sequence[Change]) -> str:
    """The same for each attempt at the same changes."""
    return f"stopline-{sha256(dump((token, document, changes)))[:40]}"


def _pairs(name: str, value: Json) -> Iterator[str]:
    """A nested value as Stripe's form fields."""
    if isinstance(value, dict):
        for key, inner in sorted(value.items()):
            yield from _pairs(f"{name}[{key}]", inner)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _pairs(f"{name}[{number}]", inner)
    else:
        yield f"{name}={value}"


def _schedule(account: Json, settings: Json) -> State:
    """How an account is paid out: the interval with its days, and the rules that move money on."""
    payouts = (settings.get("payments") or {}).get("payouts") or {}
    schedule = payouts.get("schedule") or {}
    interval = schedule.get("interval")
    rules = payouts.get("automatic_transfer_rules_by_currency") or {}
    value: dict[str, Json] = {
        "country": account["country"],
        "interval": interval,
        "transfer_rules": rules,
    }
    if days := _DAYS.get(str(interval)):
        value[days] = schedule.get(days)
    return State.of(value)


def _payouts(after: State, before: State | None) -> dict[str, Json]:
    """The same as Stripe takes it. No rules at all are an empty text there, and sent only then.

    An account that has no financial account is not asked about rules.
    """
    value = dict(after.value)
    rules = value.pop("transfer_rules")
    del value["country"]
    if before is not None and before.value["transfer_rules"] == rules:
        return {"schedule": value}
    return {"automatic_transfer_rules_by_currency": rules or "", "schedule": value}
