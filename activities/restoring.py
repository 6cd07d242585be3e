"""What an open pause gives back, or removes for good: the planner is asked for it."""

from collections.abc import Callable, Mapping

from activities import api
from activities.belonging import part_of
from stopline import planner, terminating
from stopline.belonging import Part
from stopline.choosing import answers
from stopline.configuration import Frozen
from stopline.journal.begun import begun
from stopline.journal.book import Book
from stopline.model import Direction, Plan
from stopline.port import Connector, Ending, Removing, Settling
from stopline.settling import decided
from stopline.vendors import Vendor

Built = Callable[[], tuple[Frozen, Mapping[str, Connector]]]


def way_back(book: Book, asked: api.RestorePlan, built: Built) -> Plan:
    """Plan what an open pause gives back, or removes for good, in the scope that is asked for.

    `built` gives the configuration that the pause was opened with and its connectors; without a
    project, a rollback is planned from receipts alone, whatever can be reached.
    """
    wanted = asked.restore
    terminates = wanted.direction is Direction.TERMINATE
    if not (terminates or wanted.scope.project):
        return _restoration(book, Part(wanted.scope), asked)
    frozen, connectors = built()
    part, vendor = Part(wanted.scope), frozen.parse()[0]
    if wanted.scope.project not in ("", asked.order.scope.project):  # its own: all of the pause
        pause, request = asked.order.pause, wanted.request
        part = part_of(book, pause, request, vendor, connectors, wanted.scope)
    if terminates:
        return _termination(book, part, vendor, connectors, asked)
    return _restoration(book, part, asked)


def _restoration(book: Book, part: Part, asked: api.RestorePlan) -> Plan:
    """The way back of a pause's live holds; what was, or may be, removed for good is listed."""
    pause, wanted, holds = asked.order.pause, asked.restore, book.writes.holds()
    plan = planner.plan_restore(
        asked.order.vendor,
        pause,
        holds,
        part.scope,
        unproven=wanted.unproven,
        answers=answers(wanted.choices, book.pauses.conflicts(pause)),
    )
    held = frozenset(hold.address for hold in holds if hold.pause == pause)
    removed, half = book.pauses.removed(pause), begun(book.pauses, pause)
    return part.told(terminating.with_removed(plan, removed, half, held), holds)


def _termination(
    book: Book,
    part: Part,
    vendor: Vendor,
    connectors: Mapping[str, Connector],
    asked: api.RestorePlan,
) -> Plan:
    """What each connector can remove for good of a pause's live holds, once it has looked."""
    holds, pause = book.writes.holds(), asked.order.pause
    wanted = terminating.wanted(holds, pause, part.scope)
    opinions: dict[str, terminating.Opinion] = {}
    for name, connector in connectors.items():
        if isinstance(connector, Removing):
            own = [hold for hold in wanted if hold.address.connector == name]
            found = connector.removable(vendor, own, holds) if own else ()
            opinions[name] = terminating.looked(connector.ended, found)
        elif isinstance(connector, Ending):
            opinions[name] = connector.ended
        if isinstance(connector, Settling):
            said = asked.restore.decided
            opinions[name] = decided(opinions[name], connector.settled, said)
    plan = terminating.plan_termination(vendor.vendor, pause, holds, part.scope, opinions)
    return part.told(plan, holds)
