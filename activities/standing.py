"""What the journal says about a pause while it is planned. Writes to no system."""

from collections.abc import Iterable

from activities import api
from stopline.configuration import Frozen
from stopline.estate import Estate
from stopline.journal.book import Book
from stopline.journal.pauses import Pause
from stopline.planner import Standing
from stopline.receipts import Hold


def standing_of(book: Book, order: api.PauseOrder, frozen: Frozen, *, approved: bool) -> Standing:
    """What stands, for a plan that a person will read, or within what was `approved`."""
    _, playbook, estate = frozen.parse()
    pauses, holds = book.pauses, book.writes.holds()
    alone = playbook.approvals.contain != "second-person"
    return Standing(
        holds=holds,
        approved=pauses.approved(order.pause, added=alone) if approved else None,
        protected=_protected(estate),
        released=pauses.released(order.pause) if approved else frozenset(),
        narrowed=any(p.id == order.pause and p.scope != order.scope for p in pauses.list()),
        taken=_taken(holds, order, pauses.list(order.vendor)),
        cleared=pauses.cleared(order.pause) if approved else frozenset(),
        ended=frozenset(one.principal for one in pauses.removed(order.pause)),
    )


def _protected(estate: Estate) -> tuple[str, ...]:
    p = estate.protected
    return (*p.orchestrator, *p.break_glass, *p.log_delivery, *p.journal)


def _taken(
    holds: Iterable[Hold], order: api.PauseOrder, pauses: Iterable[Pause]
) -> tuple[Hold, ...]:
    """What other pauses of the vendor took away, where all of their scope is in ours."""
    others = {p.id for p in pauses if p.id != order.pause and order.scope.covers(p.scope)}
    return tuple(hold for hold in holds if hold.ours is None and hold.pause in others)
