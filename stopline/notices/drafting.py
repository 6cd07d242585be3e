"""What is said to whom: facts and templates make drafts. Templates are read once.

An outside audience's template is handed other facts than an inside one's: the vendor's name, the
time, the contact, whether access is off and pay is held. An id of a resource of ours is not among
them, so no template can let one out; a name that is not there is an error (`StrictUndefined`),
never a blank.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from importlib.resources import files

from jinja2 import DictLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from stopline.audiences import OUTSIDE, PAGER, Audience, Notices
from stopline.journal.glass import BROKEN
from stopline.journal.outbox import Draft
from stopline.notices import outside
from stopline.notices.outside import Theirs
from stopline.notices.tokens import TEST_KEY, link_of, token_of

REFUSED = "refused"
BY_HAND = "by-hand"
DEADLINE = "deadline"
OVERDUE = "review-overdue"
"""The event, in the journal too, that nobody has reassessed a pause by its date."""
EVENTS = (
    "opened", REFUSED, "contained", "partial", "breached", "stopped", "restored", "terminated",
    "drift", BROKEN, BY_HAND, DEADLINE, OVERDUE,
)  # fmt: skip
"""What there are notices about."""
ASKS = ("opened", "partial", "breached", "stopped", "drift", BROKEN, BY_HAND, DEADLINE, OVERDUE)
"""What somebody must acknowledge, or others are told."""

OVER = ("restored", REFUSED, "terminated")
"""The events after which nobody needs to be called."""
CLOSING = ("contained", *OVER)
"""The events that close incidents of a pager."""

_ONLY: Mapping[str, tuple[Audience, ...]] = {
    BROKEN: (Audience.RESPONDERS, Audience.LEADERSHIP),
    BY_HAND: (Audience.RESPONDERS, Audience.FINANCE),
    DEADLINE: (Audience.RESPONDERS, Audience.FINANCE, Audience.LEGAL),
    OVERDUE: (Audience.RESPONDERS, Audience.LEADERSHIP),
}
"""Who alone is told of an event, of those inside; of others all are."""

_SUBJECTS: Mapping[str, str] = {
    "opened": "{} is being stopped",
    REFUSED: "{} is not stopped",
    "contained": "{} is contained",
    "partial": "{} is contained in part only",
    "breached": "BREACHED: somebody removes what keeps {} out",
    "stopped": "the containment of {} was stopped",
    "restored": "{} was given back its access",
    "terminated": "the pause of {} was terminated",
    "drift": "an audit of {} found changes",
    BROKEN: "BREAK-GLASS: one person alone approved something about {}",
    BY_HAND: "payouts of {} still wait for a person's hand",
    DEADLINE: "a deadline of what is held of {} is near",
    OVERDUE: "nobody has reassessed the pause of {}",
}
TEST = "TEST"
TEST_TEXT = (
    "This is a test of stopline's notices, asked for by {by}. Nothing has happened and there is "
    "nothing to do. If this is not where it should arrive, correct config/notices.yaml."
)


@dataclass(frozen=True, slots=True)
class OutsideFacts:
    """All that a template for the vendor or its payees can say: what is held, what given back."""

    event: str
    vendor: str
    at: str
    contact: str
    hours: int
    access: bool
    all_access: bool
    pay: bool
    all_pay: bool
    back_access: bool
    back_pay: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """What one event is, for those inside: numbers by system, what is left on and why.

    `off` counts what is held by system; `left` counts what is not contained, in words. `way` and
    `review_by` are of a break-glass approval: which way its plan goes, and by when another person
    must have reviewed it; `way` is also what is to be done by hand, and what falls due
    on `review_by`, by when a pause should have been reassessed, too. `theirs` is what those outside
    can be told by it, the fittest first, if anything.
    """

    event: str
    vendor: str
    pause: str
    at: str
    by: str = ""
    reason: str = ""
    off: tuple[tuple[str, int], ...] = ()
    left: tuple[tuple[str, int], ...] = ()
    why: str = ""
    contact: str = ""
    hours: int = 0
    minutes: float = 0
    way: str = ""
    review_by: str = ""
    theirs: tuple[Theirs, ...] = ()

    @property
    def asks(self) -> bool:
        """Whether somebody must say that they have heard it."""
        return self.event in ASKS


@dataclass(frozen=True, slots=True)
class Raised:
    """What nobody acknowledged: after how many minutes which level of how many is told of it."""

    pause: str
    minutes: float
    level: int
    levels: int
    subject: str
    text: str


@lru_cache(maxsize=1)
def _templates() -> SandboxedEnvironment:
    folder = files("stopline.notices") / "templates"
    texts = {file.name: file.read_text("utf-8") for file in folder.iterdir()}
    # The texts are plain, read by people: nothing in them is markup, so nothing is escaped.
    return SandboxedEnvironment(
        loader=DictLoader(texts), undefined=StrictUndefined, keep_trailing_newline=True
    )


def rendered(audience: Audience, facts: Facts, theirs: Theirs | None = None) -> tuple[str, str]:
    """The subject and the text of one event for one audience; `theirs` for one outside."""
    template = _templates().get_template(f"{audience}.txt")
    if audience in OUTSIDE:
        theirs = theirs or next(iter(facts.theirs), Theirs(facts.event))
        said = _sendable(template.render(f=_outside(facts, theirs)).strip())
        return _line(outside.subject(facts.vendor, theirs)), said + "\n"
    subject = f"[stopline {facts.pause}] {_SUBJECTS[facts.event].format(facts.vendor)}"
    return _line(subject), _sendable(template.render(f=facts).strip()) + "\n"


def _outside(facts: Facts, theirs: Theirs) -> OutsideFacts:
    held = theirs.held
    return OutsideFacts(
        theirs.event, facts.vendor, facts.at, facts.contact, facts.hours,
        held.access, held.all_access, held.pay, held.all_pay,
        bool(theirs.back_access), bool(theirs.back_pay),
    )  # fmt: skip


def raised(notices: Notices, unheard: Raised) -> Iterator[Draft]:
    """The notices to the next level, about one that nobody has acknowledged."""
    told = _templates().get_template("escalated.txt").render(f=unheard)
    subject = f"Nobody has acknowledged: {unheard.subject}"
    for route in notices.escalation.levels[unheard.level - 1]:
        for recipient in route.to or ("",):
            responders = str(Audience.RESPONDERS)
            yield Draft(responders, route.channel, recipient, _line(subject), _sendable(told))


def acknowledgement(token: str, until: float, link: str | None) -> str:
    """What stands under a notice, by which whoever was sent it can say that they have it."""
    good = f"{datetime.fromtimestamp(until, UTC):%Y-%m-%d %H:%M}Z"
    said = f"stopline ack --token {token}\n"
    if link is None:
        return f"\nAcknowledge as whoever was sent this, until {good}: {said}"
    opened = f"open {link_of(link, token)}"
    return f"\nAcknowledge as whoever was sent this, until {good}:\n{opened}\nor {said}"


def link_to_try(secret: str, journal: str, until: float, link: str) -> str:
    """What stands under a test, by which whoever was sent it sees that links work."""
    opened = link_of(link, token_of(secret, journal, TEST_KEY, until))
    return f"\n\nTry whether links to acknowledge work: {opened}\n"


def headline(event: str, vendor: str) -> str:
    """What an event is, in one line without the id of anything; nothing for none of ours."""
    return _line(_SUBJECTS[event].format(vendor)) if event in _SUBJECTS else ""


def _sendable(text: str) -> str:
    """A text that has a form in UTF-8: half a surrogate pair in a reason has none."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _line(text: str) -> str:
    return " ".join(_sendable(text).split())


def drafts_of(notices: Notices, facts: Facts) -> Iterator[Draft]:
    """The notices of one event: one for each channel and, over e-mail, for each address.

    What closes incidents goes to the pagers of the escalation too, where they were told of any.
    """
    for audience, route in notices.routes(facts.vendor):
        for recipient in route.to or ("",):
            if audience in OUTSIDE:
                yield from _outside_drafts(audience, route.channel, recipient, facts)
            elif facts.event in _SUBJECTS and audience in _ONLY.get(facts.event, (audience,)):
                subject, text = rendered(audience, facts)
                yield Draft(str(audience), route.channel, recipient, subject, text)
    yield from _closing(notices, facts)


def _closing(notices: Notices, facts: Facts) -> Iterator[Draft]:
    """The notices to pagers that only the escalation reaches, by which they close theirs."""
    if facts.event not in CLOSING:
        return
    told = {route.channel for _, route in notices.routes(facts.vendor)}
    levels = (route.channel for level in notices.escalation.levels for route in level)
    for channel in dict.fromkeys(levels):
        if channel not in told and notices.channels[channel].kind == PAGER:
            subject, text = rendered(Audience.RESPONDERS, facts)
            draft = Draft(str(Audience.RESPONDERS), channel, "", subject, text)
            yield replace(draft, if_told=True)


def _outside_drafts(
    audience: Audience, channel: str, recipient: str, facts: Facts
) -> Iterator[Draft]:
    """What somebody outside can be told, the fittest first: the outbox takes one by what they know.

    What is only under way claims nothing that could cease to be true.
    """
    for theirs in facts.theirs:
        subject, text = rendered(audience, facts, theirs)
        yield Draft(
            str(audience), channel, recipient, subject, text, outside=True, event=theirs.event,
            says="" if theirs.event == outside.PAUSING else str(theirs.held),
            tells=theirs.held.kinds, ends=theirs.ends, quietly=theirs.quietly,
        )  # fmt: skip
