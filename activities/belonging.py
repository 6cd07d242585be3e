"""Which part of a pause is one project's. Nothing is written to any system here."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from stopline.model import Gap, Grant, Plan, Scope, Skip
from stopline.playbook import Playbook
from stopline.port import Connector
from stopline.receipts import Hold
from stopline.text import folded
from stopline.vendors import Vendor

NOBODY = "(nobody)"
"""A principal that no system has: a scope that names nobody would admit everybody."""


@dataclass(frozen=True)
class Part:
    """One project's part of a pause: a scope that names its principals.

    `shared` are principals that another project uses too, by the name that compares, with that
    project: they stay as they are. `gaps` say what could not be looked at.
    """

    scope: Scope
    shared: Mapping[str, str] = field(default_factory=dict)
    gaps: tuple[Gap, ...] = ()

    def told(self, plan: Plan, holds: Iterable[Hold]) -> Plan:
        """The plan, with what is left in place because others use it, and what was not seen."""
        mine = (hold.change for hold in holds if hold.pause == plan.pause)
        left = (
            Skip(change.address, change.principal, f"the project {other} uses it too: it stays")
            for change in mine
            if (other := self.shared.get(folded(change.principal)))
        )
        skips = tuple(sorted((*plan.skips, *left)))
        return replace(plan, skips=skips, gaps=(*plan.gaps, *self.gaps))


def part_of(
    vendor: Vendor, connectors: Mapping[str, Connector], wanted: Scope, whole: Scope
) -> Part:
    """Name the principals of the project that a scope wants, as they are found now.

    `whole` is the scope of the pause: all of a pause of the project itself is its part. A reading
    that failed leaves out whom it would have found, and is a gap that the approver sees.
    """
    if wanted.project in ("", whole.project):
        return Part(wanted)
    if wanted.project not in vendor.projects:
        missing = Gap("", "", f"project {wanted.project}", "the pause's vendor has no such project")
        return Part(replace(wanted, principals=(NOBODY,)), gaps=(missing,))
    mine, gaps = _named(vendor, connectors, wanted, wanted.project)
    others: dict[str, str] = {}
    for project in sorted(vendor.projects.keys() - {wanted.project}):
        theirs, unseen = _named(vendor, connectors, wanted, project)
        others |= {name: project for name in theirs if name not in others}
        gaps |= unseen
    if wanted.principals:
        narrow = set(map(folded, wanted.principals))
        mine = {name: said for name, said in mine.items() if name in narrow}
    alone = sorted(said for name, said in mine.items() if name not in others)
    shared = {name: others[name] for name in mine.keys() & others.keys()}
    return Part(replace(wanted, principals=tuple(alone) or (NOBODY,)), shared, tuple(sorted(gaps)))


def elsewhere(vendor: Vendor, connectors: Mapping[str, Connector], scope: Scope) -> dict[str, str]:
    """Whom another project of the vendor than the scope's uses, with that project.

    Nobody where the scope names no project. What only a tag selects does not count: the vendor can
    write it, and could stop a sweep of its own pause.
    """
    used: dict[str, str] = {}
    for project in sorted(vendor.projects.keys() - {scope.project}) if scope.project else ():
        part = Scope(project, scope.connectors, scope.realms)
        for item in _found(vendor, connectors, part):
            if isinstance(item, Grant) and item.vouched and item.principal:
                used.setdefault(folded(item.principal), project)
    return used


def sparing(vendor: Vendor, playbook: Playbook, used: Mapping[str, str]) -> Vendor:
    """The vendor, so that no deny names whom the playbook leaves to another project."""
    if playbook.limits.other_projects != "leave":
        return vendor
    return vendor.model_copy(update={"protected": (*vendor.protected, *sorted(used))})


def _named(
    vendor: Vendor, connectors: Mapping[str, Connector], wanted: Scope, project: str
) -> tuple[dict[str, str], set[Gap]]:
    """Everybody of one project, by the name that compares; and what could not be read."""
    scope = Scope(project, wanted.connectors, wanted.realms)
    found = [*_found(vendor, connectors, scope)]
    who = [item.principal for item in found if isinstance(item, Grant) and item.principal]
    return {folded(name): name for name in who}, {g for g in found if isinstance(g, Gap)}


def _found(vendor: Vendor, connectors: Mapping[str, Connector], scope: Scope) -> Iterator[object]:
    for name in sorted(connectors):
        if not scope.connectors or name in scope.connectors:
            yield from connectors[name].discover(vendor, scope)
