"""Notices as pages: those of a pause, each with its state, and what became of a test. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from stopline.render.page import Line, Page, Section, Table, Tone

FAILED = "failed"
"""The state of a notice that is asked again no more."""


@dataclass(frozen=True, slots=True)
class NoticeShown:
    """One notice as it is shown. `why` is why it was not sent (yet).

    `acknowledged_by` is who said first that they have heard of its event, `escalated` how many
    further levels were told since nobody had.
    """

    at: str
    event: str
    audience: str
    channel: str
    recipient: str
    state: str
    attempts: int
    why: str
    sent_at: str
    key: str
    text: str
    """The digest of what it says."""
    amber: bool
    acknowledged_by: str = ""
    acknowledged_at: str = ""
    escalated: int = 0


@dataclass(frozen=True, slots=True)
class TriedShown:
    """What became of a test over one channel."""

    channel: str
    kind: str
    recipient: str
    ok: bool
    why: str


def notices_page(notices: Sequence[NoticeShown], pause: str, vendor: str) -> Page:
    """Return every notice of a pause, oldest first."""
    title = f"Notices of the pause {pause}: {vendor}"
    if not notices:
        return (Section(title, (Line("There was none: nobody is told by this pause."),)),)
    columns = ("at", "about", "audience", "channel", "to", "state", "heard by", "tries", "why")
    rows = tuple(
        (
            f"{n.at[:16].replace('T', ' ')}Z", n.event, n.audience, n.channel, n.recipient,
            n.state, _heard(n), str(n.attempts), n.why,
        )
        for n in notices
    )  # fmt: skip
    amber = sum(n.amber for n in notices)
    what = f"{amber} could not be sent (yet): tell them yourself, or mend why"
    again = f"then run: stopline notices {pause} --send-again --reason '...'"
    failed = any(n.state == FAILED for n in notices)
    verdict = Line(what, "!", Tone.WARN, under=(again,) if failed else ())
    body = (Table(columns, rows), verdict) if amber else (Table(columns, rows),)
    return (Section(title, body),)


def _heard(notice: NoticeShown) -> str:
    level = f"escalated to level {notice.escalated}" if notice.escalated else ""
    return ", ".join(filter(None, (notice.acknowledged_by, level)))


def tried_page(tried: Sequence[TriedShown]) -> Page:
    """Return what became of a test."""
    lines = tuple(
        Line(
            f"{t.channel} ({t.kind}){f' to {t.recipient}' if t.recipient else ''}: "
            f"{'taken' if t.ok else t.why}",
            "+" if t.ok else "!",
            Tone.GOOD if t.ok else Tone.WARN,
        )
        for t in tried
    )
    return (Section("A test over every channel", lines),)
