"""Payouts: what the lab owes a vendor and its contractors, held in ledgers and at Stripe.

In a ledger of accounts payable, a hold is an overlay: a row of ours beside the payable, which the
pay run respects. What had left before the hold is not there any more when it is to be held:
`already`, with the cause `gone`. What a pay run that does not look at holds has paid in spite of
one has escaped: it is found and told. What a run has in its batch and has not sent yet is in
`in_flight`. The rail over Stripe is in `stripe_rail`, that of people's
hands in `manual_rail`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.util import find_spec

from sqlalchemy.engine import Engine
from sqlalchemy.exc import ArgumentError

from stopline.attesting import Told
from stopline.commands import Commands
from stopline.connectors.payouts import in_flight, payables, stripe_payouts
from stopline.connectors.payouts.foreign import LEVERS, ForeignLedger
from stopline.connectors.payouts.ledger import LOST, PAID, engine_of
from stopline.connectors.payouts.manual_rail import ManualRail
from stopline.connectors.payouts.marks import NAME
from stopline.connectors.payouts.own import OwnLedger
from stopline.connectors.payouts.preflight import of_foreign, of_own
from stopline.connectors.payouts.stripe_rail import PERMISSIONS, StripeRail
from stopline.deadlines import Limit
from stopline.errors import ConnectorError, UserError
from stopline.estate import Estate, Ledger, Protected
from stopline.mapping import LedgerMapping
from stopline.model import (
    Change,
    Document,
    Effect,
    Found,
    Gap,
    Grant,
    Residual,
    Scope,
    Skip,
)
from stopline.money import by_run, keeps
from stopline.port import Held, Observed, Terms, Unproved, documents, nothing_held
from stopline.preflight import Check
from stopline.receipts import Cause, Hold
from stopline.settings import variable
from stopline.vendors import PayoutsSelectors, Vendor

_SQL = {
    "read": frozenset({"SELECT"}),
    "write": frozenset({"INSERT", "DELETE", "UPDATE"}),
    "terminate": frozenset({"SELECT", "UPDATE"}),
}


@dataclass(frozen=True)
class PayoutsConnector:
    """The port over the ledgers of an estate; `urls` has the variable of each ledger's URL.

    `stripe` has those that are platforms at Stripe, `manual` those in which people act, `mappings`
    those of `urls` whose tables are not our own.
    """

    urls: Mapping[str, str]
    stripe: Mapping[str, StripeRail] = field(default_factory=dict)
    manual: Mapping[str, ManualRail] = field(default_factory=dict)
    mappings: Mapping[str, LedgerMapping] = field(default_factory=dict)
    name: str = NAME
    _held: Held = nothing_held
    _engines: dict[str, Engine] = field(default_factory=dict)
    _foreign: dict[str, ForeignLedger] = field(default_factory=dict)

    @property
    def propagation(self) -> float:
        """How long a pay run that we lock out of nothing goes on with what it had chosen."""
        return max((one.run_seconds for one in self.mappings.values()), default=0.0)

    def attended(self, told: Told, held: Held) -> "PayoutsConnector":
        """The same connector, told what people attest, and what the journal holds."""
        manual = {name: rail.attended(told) for name, rail in self.manual.items()}
        stripe = {
            name: replace(rail, held=partial(documents, held, NAME, name))
            for name, rail in self.stripe.items()
        }
        return replace(self, manual=manual, stripe=stripe, _held=held, _foreign={})

    @property
    def permissions(self) -> Mapping[str, frozenset[str]]:
        """What SQL must allow us: on all three tables to read, the holds to write; and Stripe.

        `UPDATE` is of a payable's status, run and day, where what is in flight is not let proceed.
        """
        rails = [*([_SQL] if self.urls else []), *([PERMISSIONS] if self.stripe else [])]
        return {n: frozenset().union(*(r.get(n, frozenset()) for r in rails)) for n in _SQL}

    def engine(self, ledger: str) -> Engine:
        """Return a ledger's engine. Raises ConnectorError where its URL is not to be had."""
        if ledger not in self._engines:
            if ledger not in self.urls:
                raise ConnectorError(Cause.CREDENTIALS, f"the estate has no ledger {ledger}")
            name = self.urls[ledger]
            try:
                self._engines[ledger] = engine_of(variable(name))
            except ArgumentError:
                detail = f"the ledger {ledger}: {name} is not set to a database's URL"
                raise ConnectorError(Cause.CREDENTIALS, detail) from None
            except ImportError:
                detail = f"the ledger {ledger}: psycopg is missing (stopline[postgresql])"
                raise ConnectorError(Cause.CREDENTIALS, detail) from None
        return self._engines[ledger]

    def discover(self, vendor: Vendor, scope: Scope) -> Iterator[Found]:
        """Yield the payables of the vendor's payees that are open, or that stopline holds.

        And every hold of stopline's on them. A payable that is held and not open has a `status`.
        """
        selectors = tuple(_selectors(vendor, scope.project))
        for ledger in sorted({*self.urls, *self.stripe, *self.manual}):
            if scope.realms and ledger not in scope.realms:
                continue
            if rail := self._rail(ledger):
                yield from rail.discover(selectors)
                continue
            one = self._ledger(ledger)
            try:
                yield from one.discover(selectors)
            except ConnectorError as error:
                wrong = one.wrong() if isinstance(one, OwnLedger) else ""
                yield Gap(NAME, ledger, "payables", wrong or error.detail)

    def preflight(self, protected: Protected) -> Iterator[Check]:
        """Look at every ledger that is a database: does it answer, and may we do what a hold takes.

        Nothing of a ledger can be protected. What is no database is said not to be looked at.
        """
        del protected
        for ledger in sorted({*self.urls, *self.stripe, *self.manual}):
            if self._rail(ledger):
                found = "at Stripe or by hand: nothing is asked there before it is needed"
                yield Check(f"ledger {ledger}", ok=True, found=found, warn=True)
                continue
            one = self._ledger(ledger)
            yield from of_own(one) if isinstance(one, OwnLedger) else of_foreign(one)

    def _rail(self, ledger: str) -> StripeRail | ManualRail | None:
        """The rail of a ledger that is no database."""
        return self.stripe.get(ledger) or self.manual.get(ledger)

    def _ledger(self, ledger: str) -> OwnLedger | ForeignLedger:
        """A ledger that is a database, with our tables or with its own."""
        if ledger not in self.mappings:
            return OwnLedger(ledger, partial(self.engine, ledger))
        if ledger not in self._foreign:
            held = partial(documents, self._held, NAME, ledger)
            made = ForeignLedger(ledger, self.mappings[ledger], partial(self.engine, ledger), held)
            self._foreign[ledger] = made
        return self._foreign[ledger]

    def ended(self, hold: Hold) -> Effect | Skip:
        """Only what was pulled from a pay run, or is a payout that was marked to be cancelled.

        Earned pay is settled or disputed by people.
        """
        if hold.address.kind == stripe_payouts.MARKED:
            return stripe_payouts.ended(hold)
        if hold.address.kind in in_flight.KINDS:
            return in_flight.ended(hold)
        reason = (
            f"{hold.address.id.partition('#')[0]} stays held: people pay it out, or dispute it, "
            "and then lift the hold by a rollback of this address"
        )
        return Skip(hold.address, hold.change.principal, reason)

    def settled(self, hold: Hold) -> Effect | Skip:
        """What a person settles is paid by the lab's own run, once our hold is lifted.

        What was pulled is cancelled where it was, so that a new run takes it. At Stripe it is paid
        by itself. Where people act by hand, only a rollback asks for their release.
        """
        if hold.address.kind == in_flight.PLACE:
            return in_flight.ended(hold)
        if hold.address.kind in LEVERS and not self._rail(hold.address.realm):
            what = f"lift, to be settled by a pay run: {hold.change.summary}"
            return Effect(hold.address, what, leaves=hold.prior)  # of a row of ours: nothing
        if rail := self.stripe.get(hold.address.realm):
            return rail.settled(hold)
        reason = "it stays held: give it back by a rollback of this address, and settle it there"
        return Skip(hold.address, hold.change.principal, reason)

    def end(self, observed: Observed, changes: Sequence[Change], token: str) -> None:
        """Cancel what was pulled from a pay run or marked at Stripe, or lift what is settled.

        Nothing is paid here.
        """
        document = observed.document
        if rail := self.stripe.get(document.realm):
            rail.end(observed, changes, token)
            return
        if document.kind in LEVERS and not self._rail(document.realm):
            self._ledger(document.realm).write(observed, changes)
            return
        if document.kind not in in_flight.KINDS:
            raise ConnectorError(Cause.REFUSED, f"nothing removes {document} for good")
        OwnLedger(document.realm, partial(self.engine, document.realm)).end(observed, changes)

    def contained(self, grant: Grant, terms: Terms) -> Iterator[Change | Skip]:
        """A hold of ours beside the payable, whoever else holds it."""
        if rail := self._rail(grant.address.realm):
            yield from rail.contained(grant, terms)
        elif isinstance(ledger := self._ledger(grant.address.realm), ForeignLedger):
            yield from ledger.contained(grant, terms)
        else:
            yield from payables.contained(grant, terms)

    def read(self, document: Document) -> Observed:
        """Read one payable's holds, or how a rail stands. Raises ConnectorError."""
        if rail := self._rail(document.realm):
            return rail.read(document)
        return self._ledger(document.realm).read(document)

    def write(
        self, observed: Observed, changes: Sequence[Change], original: str | None, token: str
    ) -> None:
        """Place or lift our holds of one payable, with no pay run beside it.

        Raises StaleError when it was paid since it was read: nothing is held then.
        """
        del original  # there is no text
        if by_hand := self.manual.get(observed.document.realm):
            by_hand.write(changes)
        if rail := self.stripe.get(observed.document.realm):
            rail.write(observed, changes, token)
            return
        self._ledger(observed.document.realm).write(observed, changes)

    def residuals(self, change: Change) -> Iterable[Residual]:
        """What had been handed to a bank before the hold still arrives."""
        if rail := self._rail(change.address.realm):
            yield from rail.residuals(change)
            return
        yield Residual(change.address, "payments that left before the hold", "until they settle")
        if change.address.realm in self.mappings:
            what = "a pay run that had chosen it before the hold: nothing locks that run out"
            yield Residual(change.address, what, "until the next look, which names it as escaped")

    def limits(self, change: Change) -> Iterable[Limit]:
        """How long Stripe lets a balance be held; a ledger and a person's hand know no limit."""
        rail = self.stripe.get(change.address.realm)
        return rail.limits(change) if rail else ()

    def unproved(
        self, vendor: Vendor, held: Sequence[Change], observed: Mapping[Document, Observed]
    ) -> Iterator[Unproved]:
        """Name what was paid in spite of its hold, and what one person alone says to have held.

        And what stands in its ledger no more, of which nobody knows how it left.
        """
        del vendor
        for change in held:
            there = observed.get(change.address.document)
            state = there.states.get(change.address) if there else None
            ended = state.value.get("status") if state else None
            absent = there is not None and not there.exists and state is None
            if (absent or ended == LOST) and change.address.kind in LEVERS:
                reason = "it is in the ledger no more, and nothing there shows how it left"
                yield Unproved(change.address, reason)
            if keeps(change.address) and state is not None and ended == PAID:
                reason = f"it was paid in spite of its hold, {by_run(state.value['run'])}"
                yield Unproved(change.address, reason)
        for name, rail in sorted(self.manual.items()):
            yield from rail.unproved([one for one in held if one.address.realm == name])

    def commands(
        self, document: Document, changes: Sequence[Change], original: str | None
    ) -> Commands:
        """None for a ledger: a hold by hand would have to take the pay run's lock.

        And none where people act in a system that has no commands.
        """
        if rail := self.stripe.get(document.realm):
            return rail.commands(document, changes)
        del original
        return Commands()


def _selectors(vendor: Vendor, project: str) -> Iterator[PayoutsSelectors]:
    if not project:
        yield vendor.payouts
    for name, one in vendor.projects.items():
        if project in ("", name):
            yield one.payouts


def build(estate: Estate) -> PayoutsConnector:
    """Make the connector of an estate. Raises UserError when the estate has no such section."""
    if estate.payouts is None:
        raise UserError("The estate's file has no `payouts` section.", "Add the ledgers there.")
    ledgers = estate.payouts.ledgers
    urls = {name: one.url_from for name, one in ledgers.items() if one.rail == "payables"}
    stripe = {name: _rail(name, one) for name, one in ledgers.items() if one.rail == "stripe"}
    manual = {name: ManualRail(name, one) for name, one in ledgers.items() if one.rail == "manual"}
    mappings = {name: one.mapping for name, one in ledgers.items() if one.mapping}
    return PayoutsConnector(urls, stripe, manual, mappings)


def _rail(name: str, ledger: Ledger) -> StripeRail:
    if find_spec("stripe") is None:
        raise UserError(
            f"The ledger {name} is at Stripe, whose SDK is not installed; nothing was started.",
            "Install stopline[stripe], or take the ledger out of the estate's file.",
        )
    from stopline.connectors.payouts.stripe_api import (  # noqa: PLC0415 - an extra brings the SDK
        API,
        StripeApi,
    )

    api = StripeApi(name, ledger.key_from, ledger.platform, ledger.api_url or API, ledger.live)
    return StripeRail(name, api, ledger.platform, ledger.live, ledger.global_payouts)
