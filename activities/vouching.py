"""A person's yes, proven by the worker: when it is said, and again before anything is given back
or removed for good.

The workflow keeps the rules of approval too. These keep them from whoever only speaks to Temporal,
or only writes the database: neither can sign.
"""

from collections.abc import Iterator, Sequence

from activities import api, glass
from activities.telling import NOBODY, Teller
from stopline.approving import BREAKABLE, GAPS, Approvers, statement_of
from stopline.configuration import Frozen
from stopline.errors import ALONE, APART, RefusedError
from stopline.journal.book import Book
from stopline.journal.pauses import Pause, PauseStatus
from stopline.journal.store import Event
from stopline.model import Address, Change, Direction, Plan, State
from stopline.playbook import Approvals
from stopline.signing import Statement


def write_down(
    book: Book, approvers: Approvers, yes: api.Vouching, teller: Teller = NOBODY
) -> None:
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
        break_glass=yes.break_glass,
    )
    plan = book.pauses.plan(yes.plan).plan
    if plan.digest != yes.digest:
        raise RefusedError("The plan that waits has another digest. Nothing was approved.")
    signature = approvers.vouch(signed, yes.signature)
    if yes.break_glass:  # before the yes: none is there whose review is not
        glass.require_breakable(book, yes, plan)
        glass.write_broken(book, teller, yes)
    book.pauses.approve(
        order.pause, yes.plan, yes.digest, yes.by, signature, yes.reason, signed.kept
    )


def accept_gaps(book: Book, approvers: Approvers, said: api.Recording) -> None:
    """Where approvals are signed, so is the yes to what stays open. Raises RefusedError.

    It is over the plan that says what that is, so that it is good for nothing found later.
    """
    if approvers.roles.signatures != "required":
        return
    pause, digest = book.pauses.get(said.order.pause), said.more.get("digest", "")
    signed = statement_of(GAPS, book.id, pause, said.by, said.reason, digest)
    approvers.vouch(signed, said.more.get("signature", ""))
    if digest != book.pauses.last_containment(pause.id):
        raise RefusedError(
            "Another plan says by now what is left open. Nothing was accepted.",
            "Read it again with `stopline status`, then accept that.",
        )


def require_alone(book: Book, pause: str) -> None:
    """Raise RefusedError where the playbook lets nobody contain more on their own word.

    The workflow refuses it first; one that an older release began does not know the playbook's.
    """
    frozen = Frozen.load(book.store.body(book.pauses.opened_with(pause)))
    if frozen.parse()[1].approvals.contain == "second-person":
        raise RefusedError(ALONE, APART)


def require_own(plan: Plan, batch: api.BatchOrder) -> None:
    """Raise RefusedError unless a batch goes the way of its plan, for the pause that it is of.

    Else the way back could be sent as a containment, for which nobody signs.
    """
    if (plan.direction, plan.pause) != (batch.direction, batch.order.pause):
        raise RefusedError(
            f"The plan is a {plan.direction} of the pause {plan.pause}, and was sent as a "
            f"{batch.direction} of {batch.order.pause}; nothing was written."
        )


def require_opened(book: Book, approvers: Approvers, pause: str, approvals: Approvals) -> None:
    """Let nothing be contained by a pause whose playbook wants a second person, before enough have
    approved the plan that it was opened with. Raises RefusedError.

    The workflow waits for them; whoever only speaks to Temporal could start one that does not. What
    a sweep contains later is within what they approved.
    """
    if approvals.contain != "second-person":
        return
    opened, people, wanted = book.pauses.get(pause), set[str](), approvals.people
    for event in book.pauses.events(pause, "approved"):
        if event.data["ref"] != opened.plan:
            continue
        signed = _signed(event)
        if signed is None:  # as a recovery sheet brings it: a name, where names are enough
            named = approvers.roles.signatures != "required" and event.actor != opened.requester
            people |= {event.actor} if named else set()
        elif _opens(signed, opened, book) and approvers.stands(signed, event.data["signature"]):
            people.add(signed.by)
            wanted = 1 if signed.break_glass else wanted
    if len(people) < wanted:
        raise RefusedError(
            f"The playbook wants {wanted} to approve this pause besides {opened.requester}, and "
            f"{len(people)} have; nothing was contained.",
            "Have it approved, or open another: `stopline pause VENDOR --apart`.",
        )


def _opens(signed: Statement, opened: Pause, book: Book) -> bool:
    """Whether a statement is over the plan that a pause was opened with."""
    contain = str(Direction.CONTAIN)
    said = (signed.journal, signed.pause, signed.direction, signed.digest)
    return said == (book.id, opened.id, contain, book.pauses.plan(opened.plan).plan.digest)


def require(
    book: Book, approvers: Approvers, batch: api.BatchOrder, mine: Sequence[Change], people: int
) -> frozenset[Address]:
    """Let nothing be given back where approvals are signed, and nothing ever be removed for good,
    that too few have approved.

    `mine` are the changes of the batch, `people` how many must have approved each. Only what was
    said to the request that stands counts: a yes is used once. Raises RefusedError naming the first
    change that is not covered. Returns where more would be removed by now than what was approved,
    in a termination of which something was: that is left alone, and the rest goes on.
    """
    ends = batch.direction is Direction.TERMINATE
    if approvers.roles.signatures != "required" and not ends:
        return frozenset()
    covered: dict[_Asked, list[frozenset[str]]] = {}
    for change in _approved(book, approvers, batch, people):
        covered.setdefault(_asked(change), []).append(_with_it(change))
    missing = [change for change in mine if _asked(change) not in covered]
    if missing and ends and not covered:
        raise RefusedError(
            f"Too few have approved the removal of {missing[0].address} "
            f"({len(missing)} in this batch); nothing of it was removed.",
            "Ask with `stopline terminate`, and have it approved.",
        )
    if missing and not ends:
        raise RefusedError(
            f"Too few have signed for giving back {missing[0].address} "
            f"({len(missing)} in this batch); nothing of it was given back.",
            "Ask with `stopline rollback`, and have it approved.",
        )
    return frozenset(
        change.address
        for change in mine
        if ends and not any(_with_it(change) <= said for said in covered.get(_asked(change), ()))
    )


def _approved(
    book: Book, approvers: Approvers, batch: api.BatchOrder, people: int
) -> Iterator[Change]:
    """What enough people have approved of the request that stands."""
    order = batch.order
    request = _standing(book, order.pause, batch.direction)
    signers: dict[str, set[str]] = {}
    alone: set[str] = set()
    for event in book.pauses.events(order.pause, "approved"):
        signed = _signed(event)
        if signed is None or signed.request != request:
            continue
        if not _about(signed, batch, book.pauses.plan(event.data["ref"]).plan):
            continue
        if approvers.stands(signed, event.data["signature"]):
            signers.setdefault(event.data["ref"], set()).add(signed.by)
            alone |= {event.data["ref"]} if signed.break_glass else set()
    enough = {ref for ref, who in signers.items() if len(who) >= people}
    plans = [book.pauses.plan(ref).plan for ref in enough | alone]
    for plan in plans:
        yield from plan.work


_Asked = tuple[Address, State | None, State | None]


def _asked(change: Change) -> _Asked:
    """What a yes is to: also what it finds there, since a choice may write over it."""
    return change.address, change.before, change.after


def _with_it(change: Change) -> frozenset[str]:
    """What else a yes to a removal is to. Less of it is covered, since some may be gone already."""
    return frozenset(change.only_if.splitlines())


ASKED = ("contain-again", "reassessed")
"""What a person says of a pause that only who may ask for something can say."""
REQUESTS = {Direction.RESTORE: "rollback", Direction.TERMINATE: "termination"}
"""The events by which people ask, by the way that they ask for."""


def _standing(book: Book, pause: str, direction: Direction) -> str | None:
    """The latest request, unless it was withdrawn, or carried out and concluded.

    None too when the latest request is for the other way. What ended it counts from the first time
    that it was asked: asking again with the id of an earlier request does not bring its signatures
    back.
    """
    pauses = book.pauses
    asked = sorted(
        (e for kind in REQUESTS.values() for e in pauses.events(pause, kind)), key=lambda e: e.seq
    )
    if not asked or asked[-1].kind != REQUESTS[direction]:
        return None
    request = asked[-1].data["request"]
    since = next(e.seq for e in asked if e.data["request"] == request)
    statuses = [e for e in pauses.events(pause, "status") if e.seq > since]
    under_way = _UNDER_WAY[direction]
    begun = next((e.seq for e in statuses if e.data["status"] == under_way), None)
    ended = [e for kind in ("rejected", "expired", "cancelled") for e in pauses.events(pause, kind)]
    halted = pauses.events(pause, "interrupted")  # an audit's leaves the request as it was
    ended += [e for e in halted if e.data.get("withdrawn") == request]
    if begun is None:
        ended += pauses.events(pause, "stop")
    else:
        concluded = [e for e in statuses if e.data["status"] != under_way]
        ended += [e for e in concluded if e.seq > begun]
    return None if any(e.seq > since for e in ended) else str(request)


_UNDER_WAY = {
    Direction.RESTORE: PauseStatus.RESTORING,
    Direction.TERMINATE: PauseStatus.TERMINATING,
}


def _signed(event: Event) -> Statement | None:
    fields = event.data.get("signed")
    return Statement(**fields) if fields else None


def _about(signed: Statement, batch: api.BatchOrder, plan: Plan) -> bool:
    """Whether a statement is over this very plan, for the same way of this pause."""
    order, way = batch.order, str(batch.direction)
    wanted = (order.journal, order.pause, way, way, plan.digest)
    said = (signed.journal, signed.pause, signed.direction, str(plan.direction), signed.digest)
    return said == wanted and (not signed.break_glass or way in BREAKABLE)
