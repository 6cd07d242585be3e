"""A person's yes, proven by the worker: when it is said, and again before anything is given back.

The workflow keeps the rules of approval too. These keep them from whoever only speaks to Temporal,
or only writes the database: neither can sign.
"""

from collections.abc import Iterable

from activities import api
from stopline.approving import Approvers
from stopline.errors import RefusedError
from stopline.journal.book import Book
from stopline.journal.store import Event
from stopline.model import Change, Direction, Plan
from stopline.signing import Statement
from stopline.text import jsonable


def write_down(book: Book, approvers: Approvers, yes: api.Vouching) -> None:
    """Write a proven yes into the journal. Raises RefusedError when it is none."""
    order = yes.order
    signed = Statement(
        journal=order.journal,
        pause=order.pause,
        vendor=order.vendor,
        direction=str(yes.direction),
        digest=yes.digest,
        request=yes.request,
        asked_by=yes.asked_by,
        by=yes.by,
        reason=yes.reason,
    )
    if book.pauses.plan(yes.plan).plan.digest != yes.digest:
        raise RefusedError("The plan that waits has another digest. Nothing was approved.")
    signature = approvers.vouch(signed, yes.signature)
    book.pauses.approve(
        order.pause, yes.plan, yes.digest, yes.by, signature, yes.reason, jsonable(signed)
    )


def require(
    book: Book, approvers: Approvers, order: api.PauseOrder, mine: Iterable[Change], people: int
) -> None:
    """Where approvals are signed, let nothing be given back that too few signed for.

    `mine` are the changes of one batch, `people` how many must have signed for each. Raises
    RefusedError naming the first that is not covered.
    """
    if approvers.roles.signatures != "required":
        return
    signers: dict[str, set[str]] = {}
    for event in book.pauses.events(order.pause, "approved"):
        signed = _signed(event)
        if signed is None or not _about(signed, order, book.pauses.plan(event.data["ref"]).plan):
            continue
        if approvers.stands(signed, event.data["signature"]):
            signers.setdefault(event.data["ref"], set()).add(signed.by)
    plans = [book.pauses.plan(ref).plan for ref, who in signers.items() if len(who) >= people]
    covered = {(change.address, change.after) for plan in plans for change in plan.work}
    missing = [change for change in mine if (change.address, change.after) not in covered]
    if missing:
        raise RefusedError(
            f"Too few have signed for giving back {missing[0].address} "
            f"({len(missing)} in this batch); nothing of it was given back.",
            "Ask with `stopline rollback`, and have it approved.",
        )


def _signed(event: Event) -> Statement | None:
    fields = event.data.get("signed")
    return Statement(**fields) if fields else None


def _about(signed: Statement, order: api.PauseOrder, plan: Plan) -> bool:
    """Whether a statement is over this very plan, for a rollback of this pause."""
    wanted = (order.journal, order.pause, str(Direction.RESTORE), plan.digest)
    return (signed.journal, signed.pause, signed.direction, signed.digest) == wanted
