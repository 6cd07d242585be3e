"""`stopline audit` and `audits`: look at a paused vendor now, and what the audits found so far."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import typer

from activities.api import Audited
from activities.auditing import KIND
from stopline.entrypoints.cli import options as o
from stopline.entrypoints.cli.asking import open_pause, pauses_named
from stopline.entrypoints.cli.cases import reached
from stopline.entrypoints.cli.ending import asked
from stopline.entrypoints.cli.following import at_rest, follow
from stopline.entrypoints.cli.program import Program
from stopline.errors import UserError
from stopline.journal.pauses import OPEN, Pause
from stopline.journal.removals import CLIMBED, climbs
from stopline.journal.store import Event
from stopline.render.audits import AuditShown, Differs, audit_page, audits_page
from stopline.render.documents import audit_document, audits_document
from stopline.render.standing import UNVERIFIED
from stopline.residuals import Residuals
from workflows import messages as m


def audit(
    context: typer.Context, case: o.Case, *, by: o.As = "", output: o.OutputOption = None
) -> None:
    """Audit a paused vendor now: what we hold, and what it holds anew.

    What was opened again is contained again, where the playbook says so. Exits with 0 when all is
    as we left it and nothing is new, with 8 when not.
    """
    program = o.program_of(context, output)
    pause = open_pause(program, case)
    temporal = program.at_work()
    word = m.Audit(o.identity(program, by))
    found = program.wait(temporal.say(pause.workflow, m.AUDIT, word, Audited))
    if found.to_contain:
        program.going = pause.vendor
        follow(program, temporal, pause.workflow, lambda s: at_rest(s) and not s.audit_due)
        program.going = ""
    told = next(a for a in history(program, pause.id) if a.number == found.number)
    document = audit_document(told, pause.id, pause.vendor)
    program.emit(audit_page(told, pause.id, pause.vendor), document)
    raise typer.Exit(0 if told.clean else UNVERIFIED)


def audits(context: typer.Context, case: o.Case, output: o.OutputOption = None) -> None:
    """List the audits of a pause, oldest first, and when the next one is due."""
    program = o.program_of(context, output)
    pause = one_named(program, case)
    listed = [*history(program, pause.id)]
    following = f"{_next(program, pause)}{_late(program, pause)}"
    page = audits_page(listed, pause.id, pause.vendor, following)
    program.emit(page, audits_document(listed, pause.id, pause.vendor))


def one_named(program: Program, case: str) -> Pause:
    """The one open pause, or else the last closed one, that a name means. Raises UserError."""
    named = pauses_named(program, case)
    found = [p for p in named if p.status in OPEN] or [*named[-1:]]
    if len(found) != 1:
        ids = ", ".join(pause.id for pause in found) or "none"
        raise UserError(
            f"{case!r} names {len(found)} pauses: {ids}.",
            "Name one by its id; `stopline status --all` lists them.",
        )
    return found[0]


def _next(program: Program, pause: Pause) -> str:
    """When the next audit is due, as far as the pause itself can say it."""
    temporal = reached(program) if pause.status in OPEN else None
    status = asked(program, temporal, pause) if temporal else None
    if status is None or not status.next_audit:
        return "The next one: none is scheduled, as far as can be said now."
    at = datetime.fromtimestamp(status.next_audit, UTC)
    return f"The next one: {at:%Y-%m-%d %H:%M}Z"


def _late(program: Program, pause: Pause) -> str:
    by = program.book.pauses.overdue(pause)
    return f". Overdue: it should have been reassessed by {by[:10]}" if by else ""


def history(program: Program, pause: str) -> Iterator[AuditShown]:
    """Every audit that the journal has of one pause, in order."""
    return shown(program.book.pauses.events(pause))


def shown(events: Iterable[Event]) -> Iterator[AuditShown]:
    """Audits as pages show them, each with how often an address had been opened before."""
    told = [event for event in events if event.kind in (KIND, CLIMBED)]
    found = [event for event in told if event.kind == KIND]
    levers = [*climbs(told)]
    times: Counter[str] = Counter()
    for number, event in enumerate(found, 1):
        data = event.data
        until = found[number].seq if number < len(found) else float("inf")
        yield AuditShown(
            number=number,
            at=event.at,
            by=event.actor,
            held=data["held"],
            contains=data["contains"],
            drift=tuple(Differs(d["address"], d["principal"], d["kind"]) for d in data["drift"]),
            fresh=tuple(data["fresh"]),
            beyond=tuple(data["beyond"]),
            gaps=tuple(data["gaps"]),
            times=tuple(sorted((a, times[a]) for a in data["opened"] if times[a])),
            breached=tuple(data.get("breached", ())),
            due=tuple(data.get("due", ())),
            residuals=tuple(Residuals(**one) for one in data.get("residuals", ())),
            climbed=tuple(lever for seq, lever in levers if event.seq < seq < until),
        )
        times.update(data["opened"])
