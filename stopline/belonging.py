"""Which part of a pause is one project's, from what was found of it and of the others. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from stopline.model import Change, Found, Gap, Grant, Plan, Scope, Skip
from stopline.planner import things
from stopline.receipts import Hold
from stopline.text import folded

NOBODY = "(nobody)"
"""A principal that no system has: a scope that names nobody would admit everybody."""


@dataclass(frozen=True)
class Seen:
    """What one reading found: a grant of everybody, by the name that compares; and its gaps."""

    people: Mapping[str, Grant] = field(default_factory=dict)
    gaps: frozenset[Gap] = frozenset()


@dataclass(frozen=True)
class Part:
    """One project's part of a pause: a scope that names its principals.

    `shared` are principals that another project uses too: they stay as they are. `gaps` say what
    could not be looked at.
    """

    scope: Scope = field(default_factory=Scope)
    shared: tuple[str, ...] = ()
    gaps: tuple[Gap, ...] = ()

    def told(self, plan: Plan, holds: Iterable[Hold]) -> Plan:
        """The plan, with what is left in place because others use it, and what was not seen."""
        shared = set(map(folded, self.shared))
        left = (
            Skip(h.address, h.change.principal, "another project of the vendor uses it: it stays")
            for h in holds
            if h.pause == plan.pause and folded(h.change.principal) in shared
        )
        skips = tuple(sorted((*plan.skips, *left)))
        return replace(plan, skips=skips, gaps=(*plan.gaps, *self.gaps))


def seen(found: Iterable[Found]) -> Seen:
    """Sort out what a reading found."""
    listed = tuple(found)
    grants = (item for item in listed if isinstance(item, Grant) and item.principal)
    gaps = frozenset(item for item in listed if isinstance(item, Gap))
    return Seen({folded(grant.principal): grant for grant in grants}, gaps)


def part(wanted: Scope, mine: Seen, others: Seen, held: Iterable[Change]) -> Part:
    """Name whom a scope's project has to itself; `held` are the changes of the pause.

    What is held on a target or on an organization is the whole vendor's, and no project's. Where
    the reading of the others failed and ours did not, nobody can tell whose alone somebody is.
    """
    nobody = set(map(folded, things(held)))
    narrow = set(map(folded, wanted.principals))
    meant = {
        name: grant
        for name, grant in mine.people.items()
        if name not in nobody and (not narrow or name in narrow)
    }
    unsure = {gap.connector for gap in others.gaps - mine.gaps}
    alone = sorted(
        grant.principal
        for name, grant in meant.items()
        if name not in others.people and grant.address.connector not in unsure
    )
    shared = sorted(meant[name].principal for name in meant.keys() & others.people.keys())
    scope = replace(wanted, principals=tuple(alone) or (NOBODY,))
    return Part(scope, tuple(shared), tuple(sorted(mine.gaps | others.gaps)))
