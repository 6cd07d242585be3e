"""Break-glass at the worker: written down with the yes, told loudly, reviewed by another person."""

from collections import Counter

from activities import api
from activities.telling import Teller
from stopline.approving import Approvers, review_of
from stopline.configuration import Frozen
from stopline.errors import RefusedError
from stopline.journal.book import Book
from stopline.journal.glass import BROKEN, REVIEWED, broken, due
from stopline.model import Direction, Plan
from stopline.money import PAY
from stopline.notices.drafting import Facts


def require_breakable(book: Book, yes: api.Vouching, plan: Plan) -> None:
    """Raise RefusedError where one person alone must not let this plan be carried out."""
    if plan.direction is not yes.direction or plan.pause != yes.order.pause:
        raise RefusedError(
            f"The plan is a {plan.direction} of the pause {plan.pause}. Nothing was approved."
        )
    if plan.direction is Direction.CONTAIN and _may_hold_pay(book, plan):
        raise RefusedError(
            "This pause may hold what people have earned, for which nobody breaks the glass. "
            "Nothing was approved.",
            "Pause the rest alone, by naming its systems with --connector; or have another person "
            "approve it.",
        )


def _may_hold_pay(book: Book, plan: Plan) -> bool:
    """Whether the plan, or a sweep after it, can hold earned pay of a person.

    It cannot without a legal basis, nor where the scope or the playbook leaves payouts out.
    """
    frozen = Frozen.load(book.store.body(book.pauses.opened_with(plan.pause)))
    vendor, playbook, _ = frozen.parse()
    ruled = any(rule.connector == PAY for phase in playbook.phases for rule in phase.rules)
    scope = plan.scope.connectors
    return bool(vendor.payouts.legal_basis) and ruled and (not scope or PAY in scope)


def write_broken(book: Book, teller: Teller, yes: api.Vouching) -> None:
    """Say in the chain, once, that one person approves alone, and by when it must be reviewed.

    Responders and leadership are told, in the same transaction.
    """
    pause = yes.order.pause
    said = {
        "ref": yes.plan,
        "digest": yes.digest,
        "direction": str(yes.direction),
        "request": yes.request,
        "reason": yes.reason,
    }
    for event in book.pauses.events(pause, BROKEN):
        if event.actor == yes.by and {name: event.data[name] for name in said} == said:
            return  # written down already: its answer was lost
    at = book.store.now()
    held = Counter(f"{h.address.connector} {h.address.realm}" for h in book.writes.holds(pause))
    facts = Facts(
        BROKEN, yes.order.vendor, pause, at, yes.by, yes.reason, tuple(sorted(held.items())),
        way=str(yes.direction), review_by=due(at),
    )  # fmt: skip
    book.pauses.note(
        pause, BROKEN, said | {"review_by": due(at)}, yes.by,
        event=BROKEN, drafts=teller.drafts(facts),
    )  # fmt: skip


def review(book: Book, approvers: Approvers, asked: api.TellOrder) -> None:
    """Write down another person's review of the break-glass approval whose event is `asked.seq`.

    Raises RefusedError where it is none: by who broke it, by nobody who approves, a second time.
    """
    found = [one for one in broken(book.store, asked.pause) if one.seq == asked.seq]
    if not found or not asked.reason.strip():
        raise RefusedError(
            f"The pause {asked.pause} has no break-glass approval {asked.seq}, or no reason was "
            "given. Nothing was reviewed."
        )
    if asked.by == found[0].by:
        raise RefusedError(
            f"{asked.by} broke the glass; another person must review it. Nothing was reviewed.",
            "Have somebody else who may approve run `stopline review`.",
        )
    pause = book.pauses.get(asked.pause)
    signed = review_of(book.id, pause, found[0], asked.by, asked.reason)
    signature = approvers.vouch(signed, asked.signature)
    data = {
        "of": asked.seq,
        "reason": asked.reason,
        "signature": signature,
        "signed": signed.kept,
    }
    if any(e.data == data and e.actor == asked.by for e in book.pauses.events(pause.id, REVIEWED)):
        return  # said and written down already: its answer was lost
    if found[0].reviewed_by:
        raise RefusedError(f"{found[0].reviewed_by} has reviewed it already; nothing was changed.")
    book.pauses.note(pause.id, REVIEWED, data, asked.by)
