"""The rail `manual`: systems that pay, and that stopline cannot reach: Deel, Wise, an ERP.

A person acts there and attests it with proof, another confirms (`stopline manual`). What they
attested is all that is known of such a system: it is what `read` reads. `write` never writes; it
says that a person's hand is waited for, and is asked again until they have attested it. A hold
counts from the moment that a person acted, and as unproved until another has confirmed it.

The address is of a payee in a system and bears no pause: where two pauses hold it, a person acts
once, and releases when the last of them gives it up.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from stopline.attesting import (
    Attestation,
    Became,
    Step,
    Told,
    doubt,
    standing,
    undecided,
)
from stopline.connectors.payouts.fairness import facts, refused
from stopline.connectors.payouts.marks import CODE, GRANT, NAME, owed
from stopline.errors import ConnectorError
from stopline.estate import Ledger
from stopline.model import (
    Address,
    Breadth,
    Change,
    Counted,
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
from stopline.port import Observed, Terms, Unproved
from stopline.receipts import Cause
from stopline.text import Json
from stopline.vendors import PayoutsSelectors

PAID = "paid-by-hand"
MANUAL = "manual-hold"
HELD = State.of({"code": CODE, "held": "by hand"})
"""What stands where a person holds for us."""
IN_DOUBT = State.of({"code": CODE, "held": "in doubt"})
"""What may stand there: contained it is to be held again, given back it is to be released."""


def _answered(one: Attestation | None) -> str:
    """Who ends a doubt, and to which pause they say so."""
    if one is None:
        return ""
    to = "a pause that holds it still" if one.over else f"the pause {one.pause}"
    return f"; another person than {one.by} confirms or refuses it, to {to}"


def _state(told: Sequence[Attestation]) -> State:
    return IN_DOUBT if doubt(told) else HELD


@dataclass(frozen=True)
class ManualRail:
    """One system of the lab's; `told` is what people attested, or None where nobody can say."""

    name: str
    ledger: Ledger
    told: Told | None = None

    @property
    def system(self) -> str:
        """What people call it."""
        return self.ledger.system

    def attended(self, told: Told) -> "ManualRail":
        """The same rail, told what people attest."""
        return replace(self, told=told)

    # --- discovery ---------------------------------------------------------------------------

    def discover(self, selectors: Iterable[PayoutsSelectors]) -> Iterator[Found]:
        """Yield whom the system pays of the vendor's, and what people held of it."""
        if self.told is None:
            yield Gap(NAME, self.name, self.system, "what people attested is not to be had here")
            return
        ids = {i for one in selectors for i in (*one.vendors, *one.payees)}
        mine = sorted(ids & set(self.ledger.payees) if self.ledger.payees else ids)
        for who in mine:
            yield from self._found(who, self.told)
        yield Counted(NAME, self.name, PAID, len(self.ledger.payees) or len(mine))

    def _found(self, who: str, told: Told) -> Iterator[Found]:
        if "#" in who:
            yield Gap(NAME, self.name, f"payee {who}", "its id holds '#', which no address takes")
            return
        said = told(self._address(who))
        hold = standing(said)
        person: dict[str, Json] = facts(person=self.ledger.persons, pay_by=None)
        proto = Grant(
            Address(NAME, self.name, PAID, who),
            State.of({"system": self.system, **person}),
            principal=who,
            entitlement="is paid by hand",
            target=who,
            via=f"its id in {self.system}",
        )
        yield proto
        if hold is not None:
            yield Seen(self._address(who), _state(said))
            if hold.confirmed_by:
                yield from self._owed(proto, hold, person)

    def _owed(self, proto: Grant, hold: Attestation, person: Mapping[str, Json]) -> Iterator[Grant]:
        """What the people who held it said was owed; amounts of one kind are one payable."""
        sums: dict[tuple[str, str, Became], int] = {}
        due: dict[tuple[str, str, Became], str] = {}
        for one in hold.deed.amounts:
            key = (one.payee, one.currency, one.became)
            sums[key] = sums.get(key, 0) + one.minor
            due[key] = min(filter(None, (due.get(key), one.pay_by)), default="")
        for (payee, currency, became), minor in sorted(sums.items()):
            if not minor:
                continue
            form = "manual" if became is Became.HELD else "left"
            dated = {"pay_by": due[payee, currency, became]} if due[payee, currency, became] else {}
            state: dict[str, Json] = {
                "amount": minor, "currency": currency, "form": form, "journals": [],
                "payee": payee, "system": self.system, **person, **dated,
            }  # fmt: skip
            id_ = f"{proto.target}/{payee}/{currency}" + ("" if form == "manual" else "/left")
            address = Address(NAME, self.name, GRANT, id_)
            yield replace(proto, address=address, state=State.of(state), entitlement="is owed")

    def _address(self, who: str) -> Address:
        return Address(NAME, self.name, MANUAL, who)

    # --- opinion -----------------------------------------------------------------------------

    def contained(self, grant: Grant, terms: Terms) -> Iterator[Change | Skip]:
        """A person holds what the system pays; what had left before them is named."""
        if grant.state.value.get("form") == "left":
            what = shown(grant.state.value["amount"], grant.state.value["currency"])
            reason = f"{ESCAPED}{what} had left {self.system} before a person could hold it"
            yield Skip(grant.address, grant.principal, reason)
            return
        if unfair := tuple(refused(grant, terms)):
            yield from unfair
            return
        rule = terms.playbook.rule(NAME, "manual-payouts")
        if rule is None:
            reason = "the playbook has no rule for it"
            yield Skip(grant.address, grant.principal, reason, leaves_access=True)
            return
        yield Change(
            self._address(grant.target),
            before=None,
            after=HELD,
            rule=rule[1].name,
            breadth=Breadth.NARROW,
            phase=rule[0],
            marked=True,
            principal=grant.principal,
            summary=f"a person holds in {self.system} what {grant.target} is paid, {owed(grant)}",
        )

    def residuals(self, change: Change) -> Iterator[Residual]:
        """What had left arrives; and whoever may pay there still may."""
        what = f"payments that had left {self.system} before a person held them"
        yield Residual(change.address, what, "until they settle")
        what = f"whoever may pay in {self.system}: stopline sees what people attest, and no more"
        yield Residual(change.address, what, "until the pause ends")

    def unproved(self, held: Sequence[Change]) -> Iterator[Unproved]:
        """Name what one person says to have held, and nobody else has confirmed.

        Where somebody said since that they released it, nobody knows whether the hold stands.
        """
        for change in held:
            told = self._told(change.address)
            hold = standing(told)
            if why := doubt(told):
                yield Unproved(change.address, f"{why}: look there{_answered(undecided(told))}")
            elif hold is not None and hold.waits:
                yield Unproved(change.address, f"{hold.by} says so; another person must confirm it")

    # --- reading and writing -----------------------------------------------------------------

    def read(self, document: Document) -> Observed:
        """What people attested of one payee. Raises ConnectorError where nobody can say."""
        address = Address(NAME, self.name, MANUAL, document.id)
        told = self._told(address)
        return Observed(document, {address: _state(told)} if standing(told) is not None else {})

    def write(self, changes: Sequence[Change]) -> None:
        """Say that a person must do it. Raises ConnectorError: nothing is written here, ever."""
        change = changes[-1]
        step = Step.HOLD if change.after is not None else Step.RELEASE
        who = f"what {change.address.id} is paid in {self.system}"
        detail = f"a person must {step} {who}, with proof, and another confirm it"
        waits = undecided(self._told(change.address))
        if waits is not None and waits.deed.step is step:
            detail = f"{waits.by} says to have done the {step} of {who}; another must confirm it"
        raise ConnectorError(Cause.WAITING, detail, landed=False)

    def _told(self, address: Address) -> tuple[Attestation, ...]:
        if self.told is None:
            detail = f"{self.system}: what people attested is not to be had here"
            raise ConnectorError(Cause.UNREACHABLE, detail)
        return self.told(address)
