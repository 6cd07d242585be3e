"""Which incidents of a pager a notice opens, and which it closes. Pure.

While an incident is acknowledged, or hangs on an escalation of the pager's own, nobody is paged by
what joins it; so what asks for a person opens one of its own. One event is one incident, whoever
is told of it and however often it is sent. What is joined to one that a person resolved opens it
anew: so nothing is told by joining, but by closing.
https://developer.pagerduty.com/docs/send-alert-event
"""

from collections.abc import Collection, Mapping, Sequence

from stopline.audiences import OUTSIDE, Audience
from stopline.journal.outbox import ESCALATED, Notice
from stopline.notices.drafting import ASKS, CLOSING, OVER

_STATES = ("opened", "partial", "breached", "stopped")
"""What is over when a pause is contained. A finding, a deadline or a yes that one person gave alone
still wants somebody."""


def opens(notice: Notice) -> str:
    """The incident that a notice opens, named within its pause; nothing where it pages nobody."""
    outside = Audience(notice.audience) in OUTSIDE and notice.event not in OVER
    asks = notice.event in (*ASKS, ESCALATED)
    return f"{notice.event}/{notice.seq}" if asks or outside else ""


def closes(
    notice: Notice, told: Sequence[Notice], about: Mapping[int, int], waiting: Collection[int]
) -> tuple[str, ...]:
    """The incidents that a notice closes: of its pause, over its channel, from before it.

    `about` says of which event an escalation is, `waiting` which break-glass approvals nobody has
    reviewed: those stay open whatever becomes of the pause.
    """
    if notice.event not in CLOSING:
        return ()
    found: dict[str, None] = {}
    for one in told:
        of = about.get(one.seq, one.seq)
        incident = opens(one)
        if one.channel != notice.channel or one.seq >= notice.seq or not incident or of in waiting:
            continue
        if notice.event in OVER or _is_state(of, told):
            found[incident] = None
    return tuple(found)


def _is_state(seq: int, told: Sequence[Notice]) -> bool:
    return any(one.seq == seq and one.event in _STATES for one in told)
