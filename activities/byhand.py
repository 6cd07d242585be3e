"""What people say to have done by hand, proven by the worker and written down; and who is late."""

from dataclasses import replace

from activities.telling import Teller
from stopline.approving import Approvers, deed_statement
from stopline.attesting import (
    CONFIRM,
    DONE,
    Attestation,
    Attesting,
    Deed,
    Step,
    held_by,
    undecided,
    wrong_with,
)
from stopline.configuration import Frozen
from stopline.errors import RefusedError
from stopline.estate import Ledger
from stopline.journal.attested import ATTESTED, CONFIRMED, DENIED, LATE, Task, attested, tasks
from stopline.journal.book import Book
from stopline.journal.database import JournalError
from stopline.journal.pauses import Pause, PauseStatus
from stopline.model import Address
from stopline.notices.drafting import BY_HAND, Facts
from stopline.signing import Statement
from stopline.text import Json, load

_HOLDS = (
    PauseStatus.CONTAINING,
    PauseStatus.CONTAINED,
    PauseStatus.PARTIAL,
    PauseStatus.BREACHED,
)


def hear(book: Book, approvers: Approvers, asked: Attesting) -> bool:
    """Write down what a person said of a deed. Raises RefusedError when it is no word.

    The same word again changes nothing: its answer was lost.
    """
    pause = book.pauses.get(asked.pause)
    deed = _deed(book, asked.ref)
    told = attested(book.store, deed.address)
    if any(_same(one, asked) for one in told):
        return True
    if asked.word == DONE:
        _require_asked(book, pause, deed)
        _done(book, approvers, asked, pause, deed)
    else:
        _answered(book, approvers, asked, pause, told)
    return True


def _deed(book: Book, ref: str) -> Deed:
    """The deed of which somebody speaks; a word about none must not be asked again for ever."""
    try:
        return load(Deed, book.store.body(ref))
    except (JournalError, ValueError) as error:
        raise RefusedError(
            f"What was said is about nothing that this journal holds ({ref[:12]}). Nothing was "
            "written down.",
            "Is STOPLINE_JOURNAL_URL the worker's own journal?",
        ) from error


def _same(one: Attestation, asked: Attesting) -> bool:
    if one.ref != asked.ref:
        return False
    if asked.word == DONE:
        return one.waits and one.by == asked.by
    return one.seq == asked.seq and asked.by in (one.confirmed_by, one.refused_by)


def _require_asked(book: Book, pause: Pause, deed: Deed) -> None:
    """A deed is one that the pause waits for, in a pause that still goes that way."""
    task = next((t for t in tasks(book.store, pause.id) if t.address == deed.address), None)
    if task is None or (task.step is not deed.step and task.told is None):
        raise RefusedError(
            f"The pause {pause.id} does not wait for a {deed.step} of {deed.address.realm}/"
            f"{deed.address.id} by hand. Nothing was written down.",
            f"See what it waits for: `stopline manual list {pause.id}`.",
        )
    status, releases = pause.status, deed.step is Step.RELEASE
    if (status is not PauseStatus.RESTORING) if releases else (status not in _HOLDS):
        raise RefusedError(
            f"The pause {pause.id} is {status}: a {deed.step} is not what it waits for. Nothing "
            "was written down.",
            "Ask for what you want with `stopline pause` or `stopline rollback` first.",
        )


def _done(book: Book, approvers: Approvers, asked: Attesting, pause: Pause, deed: Deed) -> None:
    told = attested(book.store, deed.address)
    if waiting := undecided(told):
        raise RefusedError(
            f"{waiting.by} has attested a {waiting.deed.step} there already, and it waits for "
            "another person's word. Nothing was written down.",
            f"`stopline manual confirm` or `stopline manual refuse {waiting.answered_to(pause.id)} "
            f"{deed.address.realm}/{deed.address.document.id}` first.",
        )
    if wrong := wrong_with(deed, held_by(told)):
        raise RefusedError(f"It was not taken: {wrong}. Nothing was written down.")
    signed = deed_statement(book.id, pause, DONE, asked.by, asked.reason, (asked.ref, 0, ""))
    signature = approvers.witness(signed, asked.signature)
    data = _data(asked, deed.address, signature, signed) | {
        "step": str(deed.step), "proof": deed.proof, "sha256": deed.sha256,
    }  # fmt: skip
    book.pauses.note(pause.id, ATTESTED, data, asked.by)


def _answered(
    book: Book,
    approvers: Approvers,
    asked: Attesting,
    pause: Pause,
    told: tuple[Attestation, ...],
) -> None:
    """Another person's yes or no; whoever did it cannot say either."""
    one = next((o for o in told if o.seq == asked.seq and o.ref == asked.ref and o.waits), None)
    if one is None:
        raise RefusedError("What you saw does not wait any more. Nothing was written down.")
    if asked.word == CONFIRM and asked.sha256 != one.deed.sha256:
        raise RefusedError(
            f"The file is another one than {one.by} attested with ({one.deed.proof}, SHA-256 "
            f"{one.deed.sha256[:12]}). Nothing was confirmed.",
            f"Have {one.by} give you that file, and look at it.",
        )
    about = (one.ref, one.seq, one.by)
    signed = deed_statement(book.id, pause, asked.word, asked.by, asked.reason, about)
    signature = approvers.vouch(signed, asked.signature)
    if asked.word == CONFIRM and _is_over(pause, one.deed.step):
        raise RefusedError(
            f"The pause {pause.id} is {pause.status}: nobody waits for that {one.deed.step} any "
            "more. Nothing was confirmed.",
            f"Say so with `stopline manual refuse`; then hold it again in {one.deed.address.realm}",
        )
    data = _data(asked, one.deed.address, signature, signed) | {"of": one.seq}
    book.pauses.note(pause.id, CONFIRMED if asked.word == CONFIRM else DENIED, data, asked.by)


def _is_over(pause: Pause, step: Step) -> bool:
    """Whether the pause goes another way by now; what is held may be confirmed in any open one."""
    if step is Step.HOLD:
        return pause.status is PauseStatus.CLOSED
    return pause.status is not PauseStatus.RESTORING


def _data(asked: Attesting, address: Address, signature: str, signed: Statement) -> dict[str, Json]:
    return {
        "ref": asked.ref,
        "address": str(address),
        "reason": asked.reason,
        "signature": signature,
        "signed": signed.kept,
    }


def ledger_of(book: Book, task: Task) -> Ledger:
    """The ledger of a task, by the configuration that its pause was opened with."""
    frozen = Frozen.load(book.store.body(book.pauses.opened_with(task.pause)))
    return frozen.ledger(task.address.realm)


def say_late(book: Book, pause: Pause, teller: Teller) -> None:
    """Tell responders, once for each, of what has waited for people for too long."""
    known = [event.data for event in book.pauses.events(pause.id, LATE)]
    for task in tasks(book.store, pause.id):
        data = {"address": str(task.address), "step": str(task.step), "since": task.waits_from()}
        if (
            task.elsewhere
            or data in known
            or not task.late(book.store.clock(), ledger_of(book, task).escalate_hours)
        ):
            continue
        way = f"{task.step} {task.name}" + (": confirm it" if task.told else "")
        facts = Facts(BY_HAND, pause.vendor, pause.id, book.store.now(), way=way)
        drafts = teller.drafts(replace(facts, by=pause.requester, reason=pause.reason))
        book.pauses.note(pause.id, LATE, data, event=BY_HAND, drafts=drafts)
