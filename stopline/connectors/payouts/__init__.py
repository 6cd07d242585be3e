"""Payouts: what the lab owes a vendor and its contractors, held in ledgers and at Stripe.

In a ledger of accounts payable, a hold is an overlay: a row of ours beside the payable, which the
pay run respects. What had left before the hold is not there any more when it is to be held:
`already`, with the cause `gone`. What a pay run that does not look at holds has paid in spite of
one has escaped: it is found and told. What a run has in its batch and has not sent yet is in
`in_flight`. The rail over Stripe is in `stripe_rail`, that of people's
hands in `manual_rail`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib.util import find_spec

import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError, SQLAlchemyError

from stopline.attesting import Told
from stopline.commands import Commands
from stopline.connectors.payouts import in_flight, payables
from stopline.connectors.payouts.ledger import (
    HOLDS,
    PAID,
    PAYABLES,
    PAYEES,
    alone,
    engine_of,
    lacking,
)
from stopline.connectors.payouts.manual_rail import ManualRail
from stopline.connectors.payouts.marks import GRANT, MARK, NAME
from stopline.connectors.payouts.payables import HOLD, state_of
from stopline.connectors.payouts.stripe_rail import PERMISSIONS, StripeRail
from stopline.deadlines import Limit
from stopline.errors import ConnectorError, StaleError, UserError
from stopline.estate import Estate, Ledger
from stopline.model import (
    Address,
    Change,
    Counted,
    Document,
    Effect,
    Found,
    Gap,
    Grant,
    Residual,
    Scope,
    Skip,
)
from stopline.port import Observed, Terms, Unproved
from stopline.receipts import Cause, Hold
from stopline.settings import variable
from stopline.vendors import PayoutsSelectors, Vendor

_SQL = {
    "read": frozenset({"SELECT"}),
    "write": frozenset({"INSERT", "DELETE", "UPDATE"}),
    "terminate": frozenset({"SELECT", "UPDATE"}),
}


@contextmanager
def _asked(ledger: str, *, writing: bool) -> Iterator[None]:
    """Turn what a database raises into a typed cause. Its own text may hold a password."""
    landed = None if writing else False
    try:
        yield
    except ConnectorError:
        raise
    except DBAPIError as error:
        code = str(getattr(error.orig, "sqlstate", "") or "")
        what = f"the ledger {ledger}: {type(error.orig).__name__} {code}".strip()
        if code == "55P03" or "locked" in str(error.orig):
            raise ConnectorError(Cause.BUSY, f"{what}: a pay run keeps its lock") from None
        if code == "42501":
            raise ConnectorError(Cause.DENIED, what) from None
        if code.startswith("28"):
            raise ConnectorError(Cause.CREDENTIALS, what) from None
        away = isinstance(error, OperationalError)
        cause = Cause.UNREACHABLE if away else Cause.REFUSED
        raise ConnectorError(cause, what, landed=landed if away else False) from None
    except SQLAlchemyError as error:
        what = f"the ledger {ledger}: {type(error).__name__}"
        raise ConnectorError(Cause.UNREACHABLE, what, landed=landed) from None


@dataclass(frozen=True)
class PayoutsConnector:
    """The port over the ledgers of an estate; `urls` has the variable of each ledger's URL.

    `stripe` has those that are platforms at Stripe, `manual` those in which people act.
    """

    urls: Mapping[str, str]
    stripe: Mapping[str, StripeRail] = field(default_factory=dict)
    manual: Mapping[str, ManualRail] = field(default_factory=dict)
    propagation: float = 0.0
    name: str = NAME
    _engines: dict[str, Engine] = field(default_factory=dict)

    def attended(self, told: Told) -> "PayoutsConnector":
        """The same connector, told what people attest to have done by hand."""
        manual = {name: rail.attended(told) for name, rail in self.manual.items()}
        return replace(self, manual=manual)

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
            try:
                yield from self._found(ledger, selectors)
            except ConnectorError as error:
                yield Gap(NAME, ledger, "payables", self._lacking(ledger) or error.detail)

    def _lacking(self, ledger: str) -> str:
        """Which columns a ledger does not have, and how they are added; nothing if it has all."""
        try:
            with _asked(ledger, writing=False):
                missing = lacking(self.engine(ledger))
        except ConnectorError:
            return ""
        names, added = ", ".join(missing), "; ".join(missing.values())
        return f"the ledger {ledger} has no column {names}; add it: {added}" if missing else ""

    def _rail(self, ledger: str) -> StripeRail | ManualRail | None:
        """The rail of a ledger that is no database."""
        return self.stripe.get(ledger) or self.manual.get(ledger)

    def _found(self, ledger: str, selectors: Sequence[PayoutsSelectors]) -> Sequence[Found]:
        payees = {p for one in selectors for p in (*one.payees, *one.vendors)}
        through = {v for one in selectors for v in one.vendors}
        wanted = PAYEES.c.id.in_(payees) | PAYEES.c.engaged_through.in_(through)
        query = (
            sa.select(PAYABLES, PAYEES.c.engaged_through, PAYEES.c.person)
            .join(PAYEES)
            .where(wanted)
        )
        ours = sa.select(HOLDS.c.payable).where(HOLDS.c.mark.startswith("StoplineJ"))
        owed = PAYABLES.c.status.in_(payables.OWED) | PAYABLES.c.id.in_(ours)
        query = query.where(owed).order_by(PAYABLES.c.id)
        found: list[Found] = []
        with _asked(ledger, writing=False), self.engine(ledger).connect() as connection:
            number = connection.scalar(sa.select(sa.func.count()).select_from(PAYABLES)) or 0
            held: dict[str, list[tuple[str, str]]] = {}
            for hold in connection.execute(sa.select(HOLDS)):
                held.setdefault(hold.payable, []).append((hold.mark, hold.code))
            for row in connection.execute(query).mappings():
                found += payables.found(ledger, dict(row), sorted(held.get(row["id"], ())))
        return [*found, Counted(NAME, ledger, GRANT, number)]

    def ended(self, hold: Hold) -> Effect | Skip:
        """Only what was pulled from a pay run: earned pay is settled or disputed by people."""
        if hold.address.kind in in_flight.KINDS:
            return in_flight.ended(hold)
        reason = (
            f"{hold.address.id.partition('#')[0]} stays held: people pay it out, or dispute it, "
            "and then lift the hold by a rollback of this address"
        )
        return Skip(hold.address, hold.change.principal, reason)

    def settled(self, hold: Hold) -> Effect | Skip:
        """What a person settles is paid by the lab's own run, once our hold is lifted."""
        if hold.address.kind == HOLD and not self._rail(hold.address.realm):
            return Effect(hold.address, f"lift, to be settled by a pay run: {hold.change.summary}")
        reason = "it stays held: give it back by a rollback of this address, and settle it there"
        return Skip(hold.address, hold.change.principal, reason)

    def end(self, observed: Observed, changes: Sequence[Change], token: str) -> None:
        """Cancel what was pulled from a pay run, or lift what is settled; nothing is paid here."""
        del token
        document = observed.document
        if document.kind == HOLD and not self._rail(document.realm):
            self._place(observed, changes)
            return
        if document.kind not in in_flight.KINDS:
            raise ConnectorError(Cause.REFUSED, f"nothing removes {document} for good")
        ledger = document.realm
        with _asked(ledger, writing=True), alone(self.engine(ledger)) as connection:
            in_flight.cancel(connection, observed, changes)

    def contained(self, grant: Grant, terms: Terms) -> Iterator[Change | Skip]:
        """A hold of ours beside the payable, whoever else holds it."""
        if rail := self._rail(grant.address.realm):
            yield from rail.contained(grant, terms)
            return
        yield from payables.contained(grant, terms)

    def read(self, document: Document) -> Observed:
        """Read one payable's holds. One that is not open is there only while stopline holds it.

        A hold on what was paid all the same is not as we left it: whoever lifts it learns so.
        """
        if rail := self._rail(document.realm):
            return rail.read(document)
        ledger, id_ = document.realm, document.id
        with _asked(ledger, writing=False), self.engine(ledger).connect() as connection:
            row = connection.execute(sa.select(PAYABLES).where(PAYABLES.c.id == id_)).first()
            if document.kind in in_flight.KINDS:
                return in_flight.observed(document, row._asdict() if row else None)
            holds = connection.execute(sa.select(HOLDS).where(HOLDS.c.payable == id_)).all()
        ours = any(MARK.fullmatch(hold.mark) for hold in holds)
        if row is None or (row.status not in payables.OWED and not ours):
            return Observed(document, exists=False)
        spent = {"run": row.run, "status": PAID} if row.status == PAID else {}
        states = {
            Address(NAME, ledger, HOLD, f"{id_}#{hold.mark}"): state_of(hold.mark, hold.code, spent)
            for hold in holds
        }
        return Observed(document, states, uid=row.uid)

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
        self._place(observed, changes)

    def _place(self, observed: Observed, changes: Sequence[Change]) -> None:
        """Write our rows beside one payable of a ledger, under the lock of its pay runs."""
        ledger, id_ = observed.document.realm, observed.document.id
        with _asked(ledger, writing=True), alone(self.engine(ledger)) as connection:
            if observed.document.kind in in_flight.KINDS:
                in_flight.write(connection, observed, changes)
                return
            row = connection.execute(sa.select(PAYABLES).where(PAYABLES.c.id == id_)).first()
            if row is None:
                raise ConnectorError(Cause.GONE, f"the payable {id_} is gone")
            if row.uid != observed.uid:
                raise StaleError(f"the payable {id_} is another one under the same name")
            if row.status not in payables.OWED and any(
                change.after is not None for change in changes
            ):
                raise StaleError(f"the payable {id_} was {row.status} before the hold")
            held = connection.execute(sa.select(HOLDS).where(HOLDS.c.payable == id_)).all()
            stands = {hold.mark: state_of(hold.mark, hold.code) for hold in held}
            for change in changes:
                if stands.get(change.address.part) == change.after:
                    continue
                mine = (HOLDS.c.payable == id_) & (HOLDS.c.mark == change.address.part)
                connection.execute(sa.delete(HOLDS).where(mine))
                if change.after is not None:
                    values = {"payable": id_, **change.after.value}
                    connection.execute(sa.insert(HOLDS).values(values))

    def residuals(self, change: Change) -> Iterable[Residual]:
        """What had been handed to a bank before the hold still arrives."""
        if rail := self._rail(change.address.realm):
            yield from rail.residuals(change)
            return
        yield Residual(change.address, "payments that left before the hold", "until they settle")

    def limits(self, change: Change) -> Iterable[Limit]:
        """How long Stripe lets a balance be held; a ledger and a person's hand know no limit."""
        rail = self.stripe.get(change.address.realm)
        return rail.limits(change) if rail else ()

    def unproved(
        self, vendor: Vendor, held: Sequence[Change], observed: Mapping[Document, Observed]
    ) -> Iterator[Unproved]:
        """Name what was paid in spite of its hold, and what one person alone says to have held."""
        del vendor
        for change in held:
            there = observed.get(change.address.document)
            state = there.states.get(change.address) if there else None
            if state is not None and state.value.get("status") == PAID:
                reason = f"it was paid in spite of its hold, by the pay run {state.value['run']!r}"
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
    return PayoutsConnector(urls, stripe, manual)


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
