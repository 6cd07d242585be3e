"""The names that every rail of payouts shares: kinds, the reason code, and our marks."""

import re
from collections.abc import Iterable, Iterator

from stopline.connectors.payouts.fairness import facts
from stopline.model import Address, Breadth, Change, Grant, Skip, State
from stopline.money import shown
from stopline.playbook import Rule
from stopline.port import Mark, Terms
from stopline.text import Json

NAME = "payouts"
GRANT = "payable"
CODE = "VENDOR-PAUSE"
"""The reason code of our holds."""
MARK = re.compile(r"StoplineJ([0-9a-f]{8})P[0-9a-f]{8}")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def mark_of(mark: Mark) -> str:
    """The name of one pause's holds."""
    return f"StoplineJ{mark.journal}P{mark.pause}"


def journals_of(marks: Iterable[str]) -> list[str]:
    """The journals whose marks are among these names, sorted."""
    return sorted({found[1] for mark in marks if (found := MARK.fullmatch(mark))})


def fair(thing: Json, *, person: Json) -> dict[str, Json]:
    """What Stripe's metadata says of fairness: a person's, and the day by which it must be paid."""
    told = (thing.get("metadata") or {}).get("pay_by", "")
    return facts(person=person, pay_by=told if _DAY.fullmatch(told) else None)


def owed(grant: Grant) -> str:
    """That what is held is owed all the same, and by when where that is known."""
    due = grant.state.value.get("pay_by", "")
    return f"still owed, by {due}" if due else "still owed"


def hold_of(grant: Grant, address: Address, rule: tuple[int, Rule]) -> Change:
    """Our mark beside what is owed; its name is the address's part."""
    due = grant.state.value
    return Change(
        address,
        before=None,
        after=State.of({"code": CODE, "mark": address.part}),
        rule=rule[1].name,
        breadth=Breadth.NARROW,
        phase=rule[0],
        marked=True,
        uid=grant.uid,
        principal=grant.principal,
        summary=f"hold {shown(due['amount'], due['currency'])}, {owed(grant)}",
    )


def of_others(grant: Grant, terms: Terms) -> Iterator[Skip]:
    """Name the other stopline journals that hold what a grant is about."""
    for journal in grant.state.value["journals"]:
        if journal != terms.mark.journal:
            reason = f"held by another stopline journal, {journal}; not touched"
            yield Skip(grant.address, grant.principal, reason)
