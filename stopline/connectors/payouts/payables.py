"""A payable of a ledger with stopline's tables: what is found of it, and what holds it. Pure."""

from collections.abc import Iterator, Mapping, Sequence

from stopline.connectors.payouts import in_flight
from stopline.connectors.payouts.fairness import facts, refused
from stopline.connectors.payouts.in_flight import Row
from stopline.connectors.payouts.ledger import OPEN, PAID
from stopline.connectors.payouts.marks import GRANT, MARK, NAME, hold_of, mark_of, of_others
from stopline.model import Address, Change, Found, Gap, Grant, Seen, Skip, State
from stopline.money import ESCAPED, shown
from stopline.port import Terms
from stopline.text import Json

HOLD = "payable-hold"
OWED = (OPEN, *in_flight.IN_FLIGHT)
"""The statuses of what is owed."""


def contained(grant: Grant, terms: Terms) -> Iterator[Change | Skip]:
    """A hold of ours beside the payable, whoever else holds it; in a run, a lever besides."""
    yield from of_others(grant, terms)
    status = grant.state.value.get("status", OPEN)
    if status == OPEN:
        yield from _on_hold(grant, terms)
    elif status in in_flight.IN_FLIGHT:
        yield from _queued(grant, terms)
    else:
        yield from _settled(grant)


def _on_hold(grant: Grant, terms: Terms) -> Iterator[Change | Skip]:
    """A hold of ours beside what is owed; a person's earned pay only where that may be held."""
    mark = mark_of(terms.mark)
    address = Address(NAME, grant.address.realm, HOLD, f"{grant.address.id}#{mark}")
    found = terms.playbook.rule(NAME, "payables")
    if found is None or address in terms.refusals:
        reason = "the ledger refused the hold" if found else "the playbook has no rule for it"
        yield Skip(grant.address, grant.principal, reason, leaves_access=True)
        return
    if unfair := tuple(refused(grant, terms)):
        yield from unfair
        return
    yield hold_of(grant, address, found)


def _queued(grant: Grant, terms: Terms) -> Iterator[Change | Skip]:
    """What the playbook says of what a pay run has in its batch, and a hold besides.

    Without a hold it would be paid by the next run once it is out of this one.
    """
    found = in_flight.rule_of(terms)
    proceeds = found is None or found[1].how == "let-proceed"
    if not proceeds and (unfair := tuple(refused(grant, terms))):
        yield from unfair
        return
    yield from in_flight.contained(grant, terms)
    if not proceeds and terms.playbook.rule(NAME, "payables"):
        yield from _on_hold(grant, terms)


def state_of(mark: str, code: str, spent: Mapping[str, Json] | None = None) -> State:
    """What stands where somebody holds; `spent` says how it was paid all the same."""
    return State.of({"code": code, "mark": mark, **(spent or {})})


def _settled(grant: Grant) -> Iterator[Skip]:
    """Say that what is held was paid all the same. A write-off is the lab's own decision."""
    owed = grant.state.value
    if owed["status"] == PAID:
        what = shown(owed["amount"], owed["currency"])
        reason = f"{ESCAPED}{what} was paid in spite of a hold, by the pay run {owed['run']!r}"
        yield Skip(grant.address, grant.principal, reason, leaves_access=True)
    else:
        yield Skip(grant.address, grant.principal, f"{owed['status']} while it is held")


def found(ledger: str, values: Row, holds: Sequence[tuple[str, str]]) -> Iterator[Found]:
    """Yield a payable that is owed or that stopline holds, with its holds and its levers."""
    id_ = str(values["id"])
    if "#" in id_:
        yield Gap(NAME, ledger, f"payable {id_}", "its id holds '#', which addresses do not take")
        return
    ours = [(mark, code, found[1]) for mark, code in holds if (found := MARK.fullmatch(mark))]
    for mark, code, _ in ours:
        yield Seen(Address(NAME, ledger, HOLD, f"{id_}#{mark}"), state_of(mark, code))
    yield from in_flight.seen(ledger, values)
    if values["status"] not in OWED and not ours:
        return
    through = values["engaged_through"]
    yield Grant(
        Address(NAME, ledger, GRANT, id_),
        State.of(
            {
                "amount": values["amount"],
                "currency": values["currency"],
                "journals": sorted({journal for _, _, journal in ours}),
                "payee": values["payee"],
                **facts(person=bool(through or values["person"]), pay_by=values["pay_by"]),
                **_ended(str(values["status"]), values["run"], [mark for mark, _, _ in ours]),
                **in_flight.facts(values),
            }
        ),
        principal=str(values["payee"]),
        entitlement="is owed",
        target=id_,
        via=f"engaged through {through}" if through else "its payee id",
        uid=str(values["uid"]),
    )


def _ended(status: str, run: Json, marks: Sequence[str]) -> dict[str, Json]:
    """How a payable ended that is not open, and whose holds stand there all the same."""
    return {} if status == OPEN else {"marks": [*marks], "run": run, "status": status}
