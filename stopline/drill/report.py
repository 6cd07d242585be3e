"""The report of a drill: one page for people, one document for programs. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime

from stopline.audiences import OUTSIDE
from stopline.drill.oracle import Answer, Check
from stopline.drill.probes import NOT_EMULATED, Probe
from stopline.journal.store import Event
from stopline.receipts import Outcome
from stopline.render.documents import Kind, document
from stopline.render.plan import until_text
from stopline.text import Json


@dataclass(frozen=True, slots=True)
class Sight:
    """What could be done at one moment: judged by the documents, and tried by acting."""

    vendor: tuple[Check, ...]
    bystanders: tuple[Check, ...]
    acted: tuple[Probe, ...]
    acted_bystanders: tuple[Probe, ...]
    frozen: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True)
class Connector:
    """One connector's figures. `refused` counts credentials that worked before and do not after.

    Of payouts: targets are payables, at Stripe accounts and intents, and refused are those that a
    pay run could not send.
    """

    targets: int = 0
    contained: int = 0
    refused: int = 0
    bystanders: int = 0
    bystanders_unharmed: int = 0
    restored_identical: bool = False

    def plus(self, other: "Connector") -> "Connector":
        """The figures of both; identical where both are."""
        return Connector(
            self.targets + other.targets,
            self.contained + other.contained,
            self.refused + other.refused,
            self.bystanders + other.bystanders,
            self.bystanders_unharmed + other.bystanders_unharmed,
            self.restored_identical and other.restored_identical,
        )


@dataclass(slots=True)
class Step:
    """One thing that happened while the pause was open: what was done, found and asserted."""

    step: str
    did: str
    found: str = ""
    asserted: str = ""
    faults: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether what was asserted holds."""
        return not self.faults


@dataclass(frozen=True, slots=True)
class Compared:
    """The objects of the estate after the rollback: as they were, or with an edit of somebody's.

    `different` are all others.
    """

    identical: int = 0
    edited: int = 0
    different: int = 0

    @property
    def objects(self) -> int:
        """All that were compared."""
        return self.identical + self.edited + self.different

    def plus(self, other: "Compared") -> "Compared":
        """The objects of both."""
        return Compared(
            self.identical + other.identical,
            self.edited + other.edited,
            self.different + other.different,
        )


@dataclass(slots=True)
class Report:
    """All that a drill found. It passes when `faults` is empty."""

    figures: dict[str, Connector] = field(
        default_factory=lambda: {"aws": Connector(), "gcp": Connector()}
    )
    payouts: Connector = field(default_factory=Connector)
    """By connector; and the pay day's."""
    seconds: dict[str, float] = field(
        default_factory=lambda: {"first_cut": 0.0, "contained": 0.0, "restored": 0.0}
    )
    calls: int = 0
    residuals: list[Json] = field(default_factory=list)
    left_open: list[str] = field(default_factory=list)
    notices: list[Json] = field(default_factory=list)
    """Who was told what, in the order in which it arrived."""
    year: list[Step] = field(default_factory=list)
    """What happened while the pause was open, in its order."""
    compared: Compared = Compared()
    faults: list[str] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        """`pass` or `fail`."""
        return "fail" if self.faults else "pass"

    def document(self) -> Json:
        """The JSON document, kind `DrillReport`."""
        fields: dict[str, Json] = {
            "verdict": self.verdict,
            "connectors": {
                name: asdict(figures)
                for name, figures in (*self.figures.items(), ("payouts", self.payouts))
            },
            "seconds": self.seconds,
            "calls": self.calls,
            "residuals": self.residuals,
            "left_open": self.left_open,
            "notices": self.notices,
            "year": {
                "steps": [_step(one) for one in self.year],
                "compared": {"objects": self.compared.objects, **asdict(self.compared)},
            },
            "not_emulated": list(NOT_EMULATED),
            "faults": self.faults,
        }
        return document(Kind.DRILL_REPORT, fields)

    def page(self) -> str:
        """One page of text."""
        p, s = self.payouts, self.seconds
        lines = [
            "",
            f"DRILL: {self.verdict.upper()}",
            "",
            *(line for name, figures in self.figures.items() for line in _rows(name, figures)),
            f"  payables held            {p.contained} of {p.targets}; the rest was paid before its hold",  # noqa: E501 - a row of a table
            f"  bystanders paid          {p.bystanders_unharmed} of {p.bystanders}",
            f"  payables after rollback  {'identical, to the minor unit' if p.restored_identical else 'DIFFERENT'}",  # noqa: E501 - a row of a table
            f"  first cut after          {s.get('first_cut', 0):.1f} s",
            f"  contained after          {s.get('contained', 0):.1f} s",
            f"  restored within          {s.get('restored', 0):.1f} s of the approval",
            f"  calls to AWS             {self.calls}",
            *_block("The year in short", _year_lines(self.year)),
            *_block("What outlives containment", _residual_lines(self.residuals)),
            *_block("Left open by rule, and shown as such", self.left_open),
            *_block("Told, in this order", _told_lines(self.notices)),
            *_block("Not in the verdict, because the emulator lacks it", NOT_EMULATED),
            *_block("FAULTS", self.faults),
            "",
        ]
        return "\n".join(lines)


def _rows(name: str, figures: Connector) -> list[str]:
    f = figures
    return [
        f"  {name.upper()}: targets contained   {f.contained} of {f.targets}",
        f"       vendor credentials  {f.refused} worked before and are refused after",
        f"       bystanders unharmed {f.bystanders_unharmed} of {f.bystanders}",
        f"       after rollback      {'identical' if f.restored_identical else 'DIFFERENT'}",
    ]


def _block(title: str, lines: Iterable[str]) -> list[str]:
    found = list(lines)
    return ["", f"  {title}:", *(f"    - {line}" for line in found)] if found else []


def _step(one: Step) -> Json:
    """A step as the document has it; its faults are among all others."""
    told = {"step": one.step, "did": one.did, "found": one.found, "asserted": one.asserted}
    return {**told, "ok": one.ok}


def _year_lines(steps: Iterable[Step]) -> Iterator[str]:
    for one in steps:
        found = one.found or "nothing"
        yield f"{one.step}: {one.did}\n      found: {found}\n      {_held(one)}: {one.asserted}"


def _held(step: Step) -> str:
    return "holds" if step.ok else "DOES NOT HOLD"


def _residual_lines(residuals: Iterable[Json]) -> list[str]:
    return [f"{r['what']}, {until_text(r['until'])} ({r['changes']} changes)" for r in residuals]


def _told_lines(notices: Iterable[Json]) -> Iterator[str]:
    """One line for each event of a pause, inside and outside apart, by its first word."""
    first: dict[tuple[str, str, bool], list[Json]] = {}
    for one in notices:
        side = (one["pause"], one["event"], one["audience"] in OUTSIDE)
        first.setdefault(side, []).append(one)
    for (pause, event, _), heard in first.items():
        who = ", ".join(sorted({one["audience"] for one in heard}))
        yield f"{pause} {event}, after {heard[0]['seconds']:.1f} s: {who}"


def worked(sight: Sight) -> list[str]:
    """Faults of the estate before anything was done: everybody must be at work."""
    checks = (*sight.vendor, *sight.bystanders, *sight.frozen)
    idle = [c.who for c in checks if c.answer is not Answer.ALLOWED]
    idle += [p.who for p in (*sight.acted, *sight.acted_bystanders) if not p.allowed]
    return [f"before the pause, this did not work: {who}" for who in idle]


def still_in(before: Sight, after: Sight) -> list[str]:
    """Faults after containment: vendor credentials that are not refused."""
    was = {c.who for c in before.vendor if c.answer is Answer.ALLOWED}
    judged = [c for c in after.vendor if c.who in was and c.answer is not Answer.REFUSED]
    judged += [c for c in after.frozen if c.answer is not Answer.REFUSED]
    acted = [p for p in after.acted if p.allowed]
    return [
        *(f"after containment, {c.who} is {c.answer}: {c.what} {c.why}" for c in judged),
        *(f"after containment, {p.who} still works" for p in acted),
    ]


def refused(before: Sight, after: Sight) -> int:
    """How many vendor credentials worked before and are refused after, by the documents."""
    was = {c.who for c in before.vendor if c.answer is Answer.ALLOWED}
    return sum(c.who in was and c.answer is Answer.REFUSED for c in after.vendor)


def harmed(sight: Sight, when: str) -> list[str]:
    """Faults: bystanders who cannot work."""
    judged = [c for c in sight.bystanders if c.answer is not Answer.ALLOWED]
    acted = [p for p in sight.acted_bystanders if not p.allowed]
    return [
        *(f"{when}, the bystander {c.who} is {c.answer}" for c in judged),
        *(f"{when}, the bystander {p.who} is refused" for p in acted),
    ]


def seconds(events: Sequence[Event], began: float) -> dict[str, float]:
    """After how many seconds a pause took the first thing away, and was contained."""
    cuts = [
        event.at
        for event in events
        if event.kind == "receipts"
        and any(one["outcome"] == Outcome.APPLIED for one in event.data["receipts"])
    ]
    ends = [event.at for event in events if event.kind == "status"]
    return {
        "first_cut": since(began, cuts[0]) if cuts else 0.0,
        "contained": since(began, ends[0]) if ends else 0.0,
    }


def since(began: float, moment: str) -> float:
    """From one moment (seconds since 1970) to another one, in seconds."""
    return round(datetime.fromisoformat(moment).timestamp() - began, 2)


def counted(was: Mapping[str, str], now: Mapping[str, str], wanted: Mapping[str, str]) -> Compared:
    """Each object that there was or is: as it was, as somebody's edit left it, or neither."""
    names = {*was, *now}
    identical = sum(was.get(name) == now.get(name) for name in names)
    edited = len(moved(was, now, wanted))
    return Compared(identical, edited, len(names) - identical - edited)


def moved(was: Mapping[str, str], now: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    """Name every object that is as it should be, and not as it was."""
    return [name for name in sorted(now) if was.get(name) != now[name] == wanted.get(name)]


def grouped(residuals: Sequence[tuple[str, str]]) -> list[Json]:
    """What outlives containment, each thing once, with how many changes leave it."""
    return [
        {"what": what, "until": until, "changes": residuals.count((what, until))}
        for what, until in sorted(set(residuals))
    ]
