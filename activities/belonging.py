"""Which part of a pause is one project's, and whom other projects use. Writes to no system."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import get_args

from stopline.journal.book import Book
from stopline.model import Found, Gap, Grant, Plan, Scope, Skip
from stopline.planner import things
from stopline.port import Connector
from stopline.receipts import Hold
from stopline.text import canonical, folded, jsonable, load
from stopline.vendors import GcpSelectors, GcpUnseen, Vendor

NOBODY = "(nobody)"
"""A principal that no system has: a scope that names nobody would admit everybody."""
KIND = "part"


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


def part_of(
    book: Book,
    pause: str,
    request: str,
    vendor: Vendor,
    connectors: Mapping[str, Connector],
    wanted: Scope,
) -> Part:
    """Name the principals of the project that a scope wants, as they were found for this request.

    They are looked for once for each request, and are in the journal from then on: what is planned
    anew for it never takes in anybody whom the person who approved has not read. What a pause holds
    on a target or on an organization is the whole vendor's, and no project's.
    """
    for event in book.pauses.events(pause, KIND):
        if event.data["request"] == request:
            return load(Part, canonical(event.data["part"]))
    found = _looked(vendor, connectors, wanted, book.writes.holds(), pause)
    book.pauses.note(pause, KIND, {"request": request, "part": jsonable(found)})
    return found


def _looked(
    vendor: Vendor,
    connectors: Mapping[str, Connector],
    wanted: Scope,
    holds: Sequence[Hold],
    pause: str,
) -> Part:
    if wanted.project not in vendor.projects:
        missing = Gap("", "", f"project {wanted.project}", "the pause's vendor has no such project")
        return Part(replace(wanted, principals=(NOBODY,)), gaps=(missing,))
    mine, gaps = _named(vendor, connectors, wanted)
    theirs, unseen = _elsewhere(vendor, connectors, wanted)
    for name in things(hold.change for hold in holds if hold.pause == pause):
        mine.pop(folded(name), None)
    if wanted.principals:
        narrow = set(map(folded, wanted.principals))
        mine = {name: grant for name, grant in mine.items() if name in narrow}
    unsure = {gap.connector for gap in unseen - gaps}  # who else uses it nobody could say
    alone = sorted(
        grant.principal
        for name, grant in mine.items()
        if name not in theirs and grant.address.connector not in unsure
    )
    shared = sorted(mine[name].principal for name in mine.keys() & theirs.keys())
    scope = replace(wanted, principals=tuple(alone) or (NOBODY,))
    return Part(scope, tuple(shared), tuple(sorted(gaps | unseen)))


def elsewhere(
    vendor: Vendor, connectors: Mapping[str, Connector], scope: Scope
) -> tuple[frozenset[str], tuple[Gap, ...]]:
    """Whom other projects of the vendor than the scope's use, and what could not be read for it.

    Nobody where the scope names no project. What only a tag selects does not count.
    """
    if not scope.project:
        return frozenset(), ()
    found, gaps = _elsewhere(vendor, connectors, scope)
    used = frozenset(name for name, grant in found.items() if grant.vouched)
    return used, tuple(sorted(gaps))


def _elsewhere(
    vendor: Vendor, connectors: Mapping[str, Connector], scope: Scope
) -> tuple[dict[str, Grant], set[Gap]]:
    """Everybody whom any other project selects: one reading for all of them."""
    others = {name: one for name, one in vendor.projects.items() if name != scope.project}
    if not others:
        return {}, set()
    # What no API shows is said of the project itself, and not once more of the others.
    said = GcpSelectors(acknowledged=get_args(GcpUnseen))
    plain = Vendor(vendor=vendor.vendor, gcp=said, projects=others, protected=vendor.protected)
    return _named(plain, connectors, replace(scope, project=""))


def _named(
    vendor: Vendor, connectors: Mapping[str, Connector], wanted: Scope
) -> tuple[dict[str, Grant], set[Gap]]:
    """A grant of everybody who is found, by the name that compares; and what could not be read."""
    found = [*_found(vendor, connectors, Scope(wanted.project, wanted.connectors, wanted.realms))]
    grants = [item for item in found if isinstance(item, Grant) and item.principal]
    return {folded(g.principal): g for g in grants}, {g for g in found if isinstance(g, Gap)}


def _found(vendor: Vendor, connectors: Mapping[str, Connector], scope: Scope) -> Iterator[Found]:
    for name in sorted(connectors):
        if not scope.connectors or name in scope.connectors:
            yield from connectors[name].discover(vendor, scope)
