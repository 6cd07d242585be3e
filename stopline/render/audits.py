"""Audits as pages: one with all that it found, and the history of a pause. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from stopline.render.page import Line, Page, Section, Table, Tone
from stopline.residuals import Residuals

MEANS = {
    "removed": "our overlay is gone",
    "edited": "it was edited, and is neither ours nor as it was before",
    "regranted": "it was switched on again",
    "gone": "what it hung on was deleted",
    "unread": "it could not be read",
}


@dataclass(frozen=True, slots=True)
class Differs:
    """One address that is not as we left it; `kind` is a key of `MEANS`."""

    address: str
    principal: str
    kind: str


@dataclass(frozen=True, slots=True)
class AuditShown:
    """One audit as the journal has it. `times` is how often an address was opened before it.

    `breached` is what somebody removes at will, with no lever left above it; `climbed` the levers
    that were taken after this audit, and before the next, above others that were removed again.
    `due` are days by which what is held must be decided on. `residuals` are what may outlive the
    containment, and of how much of it that is over.
    """

    number: int
    at: str
    by: str
    held: int
    contains: bool
    drift: tuple[Differs, ...] = ()
    fresh: tuple[str, ...] = ()
    beyond: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()
    times: tuple[tuple[str, int], ...] = ()
    breached: tuple[str, ...] = ()
    climbed: tuple[str, ...] = ()
    due: tuple[str, ...] = ()
    residuals: tuple[Residuals, ...] = ()

    @property
    def clean(self) -> bool:
        """Whether everything was as we left it, and nothing new."""
        told = [d for d in self.drift if d.kind != "gone"]
        return not (told or self.fresh or self.beyond or self.gaps)

    @property
    def opened(self) -> int:
        """How many addresses the vendor may have been let in by again."""
        return sum(d.kind in ("removed", "edited", "regranted") for d in self.drift)


def audit_page(audit: AuditShown, pause: str, vendor: str) -> Page:
    """Return one audit, whole."""
    head = Line(f"at {audit.at[:16].replace('T', ' ')}Z, asked for by {audit.by}")
    verdict = (
        Line(f"all {audit.held} are as we left them, and nothing new was found", tone=Tone.GOOD)
        if audit.clean
        else Line(f"{_numbers(audit)}; {_what_now(audit)}", tone=Tone.BAD)
    )
    sections = [Section(f"Audit {audit.number} of the pause {pause}: {vendor}", (head, verdict))]
    if audit.drift:
        times = dict(audit.times)
        lines = tuple(
            Line(
                f"{d.principal or d.address}: {MEANS[d.kind]}{_again(times.get(d.address, 0))}",
                "!",
                Tone.WARN,
                (d.address,),
            )
            for d in audit.drift
        )
        sections.append(Section(f"Not as we left it ({len(lines)})", lines, Tone.WARN))
    what = "Breached: removed again, and no lever is left that the remover cannot edit"
    sections += _listed(what, audit.breached)
    sections += _listed("Climbed to, above what was removed again and again", audit.climbed)
    sections += _listed("New access, within what was approved", audit.fresh)
    sections += _listed("Must be decided on in time", audit.due)
    sections += _listed(
        "Residuals: what outlives the containment", map(_residual, audit.residuals), Tone.PLAIN
    )
    sections += _listed("Left open: it waits for a person", audit.beyond)
    sections += _listed("Gaps: not read", audit.gaps)
    return tuple(sections)


def _again(times: int) -> str:
    return f" (the {times + 1}. time: look for who does it)" if times else ""


def _numbers(audit: AuditShown) -> str:
    counted = (
        (audit.opened, "opened again"),
        (sum(d.kind == "unread" for d in audit.drift), "not read"),
        (len(audit.fresh), "new"),
        (len(audit.beyond), "left open"),
        (len(audit.gaps), "gaps"),
    )
    return ", ".join(f"{number} {what}" for number, what in counted if number)


def _what_now(audit: AuditShown) -> str:
    if not (audit.opened or audit.fresh or audit.climbed):
        return "nothing to contain again"
    if not audit.contains:
        return "only reported, not contained again"
    climbed = f", climbed to {len(audit.climbed)} levers" if audit.climbed else ""
    return f"contained again by a sweep{climbed}" + (": BREACHED" if audit.breached else "")


def _listed(title: str, texts: Iterable[str], tone: Tone = Tone.WARN) -> list[Section]:
    symbol = "!" if tone is Tone.WARN else "~"
    lines = tuple(Line(text, symbol, tone) for text in texts)
    return [Section(f"{title} ({len(lines)})", lines, tone)] if lines else []


def _residual(one: Residuals) -> str:
    """What of it is over, or what ends it."""
    much = f"{one.connector}: {one.what} ({one.number})"
    if not one.last:
        return f"{much}: {one.until}"
    if one.ended == one.number:
        return f"{much}: over since {_at(one.last)}"
    over = f", {one.ended} are over" if one.ended else ""
    return f"{much}: until {_at(one.last)}{over}"


def _at(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M}Z"


def audits_page(audits: Sequence[AuditShown], pause: str, vendor: str, following: str) -> Page:
    """Return the history of a pause's audits, oldest first; `following` says when the next is."""
    columns = ("audit", "at", "by", "held", "opened", "new", "left open", "gaps", "and then")
    rows = tuple(
        (
            str(a.number),
            f"{a.at[:16].replace('T', ' ')}Z",
            a.by,
            str(a.held),
            str(a.opened),
            str(len(a.fresh)),
            str(len(a.beyond)),
            str(len(a.gaps)),
            "" if a.clean else _what_now(a),
        )
        for a in audits
    )
    body: tuple[Line | Table, ...] = (
        (Table(columns, rows),) if rows else (Line("There was none yet."),)
    )
    return (Section(f"Audits of the pause {pause}: {vendor}", (*body, Line(following))),)
