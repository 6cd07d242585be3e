"""What an open pause gives back, or removes for good: the planner is asked for it."""

from collections.abc import Mapping

from activities import api
from stopline import planner, terminating
from stopline.choosing import answers
from stopline.journal.book import Book
from stopline.model import Plan
from stopline.port import Connector, Ending


def restoration(book: Book, asked: api.RestorePlan) -> Plan:
    """The way back of a pause's live holds; what was removed for good is listed."""
    pause, wanted = asked.order.pause, asked.restore
    plan = planner.plan_restore(
        asked.order.vendor,
        pause,
        book.writes.holds(),
        wanted.scope,
        unproven=wanted.unproven,
        answers=answers(wanted.choices, book.pauses.conflicts(pause)),
    )
    return terminating.with_removed(plan, book.pauses.removed(pause))


def termination(book: Book, connectors: Mapping[str, Connector], asked: api.RestorePlan) -> Plan:
    """What each connector can remove for good of a pause's live holds."""
    return terminating.plan_termination(
        asked.order.vendor,
        asked.order.pause,
        book.writes.holds(),
        asked.restore.scope,
        {name: c.ended for name, c in connectors.items() if isinstance(c, Ending)},
    )
