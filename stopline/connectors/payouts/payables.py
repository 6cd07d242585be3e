"""A payable of a ledger with stopline's tables: what is found of it, and what holds it. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from stopline.connectors.payouts import in_flight
from stopline.connectors.payouts.fairness import facts, refused
from stopline.connectors.payouts.in_flight import Row
from stopline.connectors.payouts.ledger import OPEN, PAID
from stopline.connectors.payouts.marks import GRANT, MARK, NAME, hold_of, mark_of, of_others
from stopline.model import Address, Change, Found, Gap, Grant, Seen, Skip, State
from stopline.money import ESCAPED, by_run, shown
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
        yield from on_hold(grant, terms)
    elif status in in_flight.IN_FLIGHT:
        yield from _queued(grant, terms)
    else:
        yield from settled(grant)


def on_hold(
    grant: Grant, terms: Terms, switch: tuple[Address, State] | None = None
) -> Iterator[Change | Skip]:
    """A hold of ours beside what is owed; a person's earned pay only where that may be held.

    `switch` is what is set instead of it, where a hold bears no mark.
    """
    mark = mark_of(terms.mark)
    beside = Address(NAME, grant.address.realm, HOLD, f"{grant.address.id}#{mark}")
    address = switch[0] if switch else beside
    found = terms.playbook.rule(NAME, "payables")
    if found is None or address in terms.refusals:
        reason = "the ledger refused the hold" if found else "the playbook has no rule for it"
        yield Skip(grant.address, grant.principal, reason, leaves_access=True)
        return
    if unfair := tuple(refused(grant, terms)):
        yield from unfair
        return
    hold = hold_of(grant, address, found)
    yield replace(hold, after=switch[1], marked=False) if switch else hold


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
        yield from on_hold(grant, terms)


def state_of(mark: str, code: str, spent: Mapping[str, Json] | None = None) -> State:
    """What stands where somebody holds; `spent` says how it was paid all the same."""
    return State.of({"code": code, "mark": mark, **(spent or {})})


def settled(grant: Grant) -> Iterator[Skip]:
    """Say that what is held was paid all the same. A write-off is the lab's own decision."""
    owed = grant.state.value
    if owed["status"] == PAID:
        what = shown(owed["amount"], owed["currency"]) if owed["amount"] > 0 else "all of it"
        reason = f"{ESCAPED}{what} was paid in spite of a hold, {by_run(owed['run'])}"
        yield Skip(grant.address, grant.principal, reason, leaves_access=True)
    else:
        yield Skip(grant.address, grant.principal, f"{owed['status']} while it is held")


def spent(status: str, run: Json) -> dict[str, Json]:
    """How a payable ended, as it stands beside what holds it."""
    return {"run": run, "status": status}


def found(
    ledger: str,
    values: Row,
    holds: Sequence[tuple[str, str]],
    levers: Iterable[Seen] = (),
    *,
    held: bool = False,
) -> Iterator[Found]:
    """Yield a payable that is owed or that stopline holds, with its holds and its levers.

    `held` says that it is held in a way that bears no mark, `person` in the row whether its payee
    is a natural person, as `fairness.person_of` says it.
    """
    id_ = str(values["id"])
    if "#" in id_:
        yield Gap(NAME, ledger, f"payable {id_}", "its id holds '#', which addresses do not take")
        return
    ours = [(mark, code, found[1]) for mark, code in holds if (found := MARK.fullmatch(mark))]
    for mark, code, _ in ours:
        yield Seen(Address(NAME, ledger, HOLD, f"{id_}#{mark}"), state_of(mark, code))
    yield from levers
    if values["status"] not in OWED and not (ours or held):
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
                **facts(person=values["person"], pay_by=values["pay_by"]),
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
    return {} if status == OPEN else {"marks": [*marks], **spent(status, run)}
