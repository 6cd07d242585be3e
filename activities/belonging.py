"""Look whom one project of a vendor has, and whom its others use. Writes to no system."""

from collections.abc import Mapping
from dataclasses import replace
from typing import get_args

from stopline.belonging import NOBODY, Part, Seen, part, seen
from stopline.journal.book import Book
from stopline.model import Gap, Scope
from stopline.port import Connector
from stopline.text import canonical, jsonable, load
from stopline.vendors import GcpSelectors, GcpUnseen, Vendor

KIND = "part"


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
    anew for it never takes in anybody whom the person who approved has not read.
    """
    for event in book.pauses.events(pause, KIND):
        if event.data["request"] == request:
            return load(Part, canonical(event.data["part"]))
    if wanted.project in vendor.projects:
        mine = _seen(vendor, connectors, wanted)
        others = _others(vendor, connectors, wanted)
        held = (hold.change for hold in book.writes.holds() if hold.pause == pause)
        found = part(wanted, mine, others, held)
    else:
        gap = Gap("", "", f"project {wanted.project}", "the pause's vendor has no such project")
        found = Part(replace(wanted, principals=(NOBODY,)), gaps=(gap,))
    book.pauses.note(pause, KIND, {"request": request, "part": jsonable(found)})
    return found


def elsewhere(
    vendor: Vendor, connectors: Mapping[str, Connector], scope: Scope
) -> tuple[frozenset[str], tuple[Gap, ...]]:
    """Whom other projects of the vendor than the scope's use, and what could not be read for it.

    Nobody where the scope names no project. What only a tag selects does not count.
    """
    if not scope.project:
        return frozenset(), ()
    others = _others(vendor, connectors, scope)
    used = frozenset(name for name, grant in others.people.items() if grant.vouched)
    return used, tuple(sorted(others.gaps))


def _others(vendor: Vendor, connectors: Mapping[str, Connector], scope: Scope) -> Seen:
    """Everybody whom any other project selects: one reading for all of them."""
    others = {name: one for name, one in vendor.projects.items() if name != scope.project}
    if not others:
        return Seen()
    # What no API shows is said of the project itself, and not once more of the others.
    said = GcpSelectors(acknowledged=get_args(GcpUnseen))
    plain = Vendor(vendor=vendor.vendor, gcp=said, projects=others, protected=vendor.protected)
    return _seen(plain, connectors, replace(scope, project=""))


def _seen(vendor: Vendor, connectors: Mapping[str, Connector], wanted: Scope) -> Seen:
    scope = Scope(wanted.project, wanted.connectors, wanted.realms)
    return seen(
        item
        for name in sorted(connectors)
        if not scope.connectors or name in scope.connectors
        for item in connectors[name].discover(vendor, scope)
    )
