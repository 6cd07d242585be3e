"""The certificate of a termination: what was removed, what remains, by whose word. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from stopline.render.page import Line, Page, Section, Tone
from stopline.render.plan import SHORT
from stopline.terminating import How

_HOW = {
    How.REMOVED: "",
    How.BEGUN: " (we had begun, the answer was lost, and it is gone)",
    How.GONE: " (it was gone when we came)",
}


@dataclass(frozen=True, slots=True)
class Gone:
    """One thing that is gone for good: when (UTC, ISO 8601), and how that is known.

    `kept_until` is until when its provider can bring it back; nothing where it cannot.
    """

    address: str
    principal: str
    what: str
    at: str
    how: How
    kept_until: str = ""


@dataclass(frozen=True, slots=True)
class Remains:
    """One thing that the pause still holds: what is held, and why it was not removed.

    `due` says that it was to be removed, and was not.
    """

    address: str
    principal: str
    what: str
    reason: str
    due: bool = False


@dataclass(frozen=True, slots=True)
class Word:
    """A request, or a yes to a plan's digest: `request` or `approval`, and whether it is signed."""

    kind: str
    by: str
    at: str
    reason: str = ""
    digest: str = ""
    signed: bool = False


@dataclass(frozen=True, slots=True)
class Certificate:
    """What the journal shows of the terminations of one pause.

    `event` and `hash` are the journal's last event of this pause: an exported bundle has both.
    """

    journal: str
    pause: str
    vendor: str
    status: str
    made_at: str
    event: int
    hash: str
    words: tuple[Word, ...] = ()
    removed: tuple[Gone, ...] = ()
    remains: tuple[Remains, ...] = ()
    unverified: tuple[str, ...] = ()
    ended: bool = False

    @property
    def complete(self) -> bool:
        """Whether all that was to be removed is gone, and was read back as gone.

        A part may have been asked for: `ended` says whether the pause itself was terminated.
        """
        over = self.status != "terminating"
        return over and not self.unverified and not any(r.due for r in self.remains)


def certificate_page(made: Certificate, most: int) -> Page:
    """Return the certificate; `most` lines of each list are shown."""
    title = f"Certificate of termination: {made.vendor}, pause {made.pause}"
    sections = (
        Section(title, tuple(_head(made))),
        _listed("Removed for good", made.removed, most, Tone.BAD),
        _listed("Remains", made.remains, most, Tone.WARN),
        _unverified(made),
    )
    return tuple(section for section in sections if section is not None)


def _head(made: Certificate) -> Iterator[Line]:
    whole = (
        "all that was to be removed is gone" if made.complete else "not all of it is carried out"
    )
    yield Line(f"status   {made.status}: {whole}", tone=Tone.GOOD if made.complete else Tone.WARN)
    for word in made.words:
        what = "asked for" if word.kind == "request" else f"plan {word.digest[:SHORT]} approved"
        signed = " (signed)" if word.signed else ""
        said = f": {word.reason}" if word.reason else ""
        yield Line(f"{what} by {word.by} on {word.at}{signed}{said}")
    yield Line(f"journal  {made.journal}, event {made.event}, hash {made.hash[:SHORT]}")


def _listed(
    title: str, found: tuple[Gone, ...] | tuple[Remains, ...], most: int, tone: Tone
) -> Section | None:
    if not found:
        return None
    lines = [_line(one) for one in found[:most]]
    if len(found) > most:
        lines.append(Line(f"... and {len(found) - most} more (-v shows all)", tone=Tone.QUIET))
    return Section(f"{title} ({len(found)})", tuple(lines), tone)


def _line(one: Gone | Remains) -> Line:
    who = one.principal or one.address
    if isinstance(one, Gone):
        back = (f"its provider can bring it back until {one.kept_until}",) if one.kept_until else ()
        return Line(f"{who}: {one.what}{_HOW[one.how]}", "-", under=(one.address, one.at, *back))
    symbol, tone = ("!", Tone.BAD) if one.due else ("=", Tone.PLAIN)
    return Line(f"{who}: {one.reason}", symbol, tone, (one.address, one.what))


def _unverified(made: Certificate) -> Section | None:
    lines = tuple(Line(where, "!", Tone.BAD) for where in made.unverified)
    title = f"Removed, and a later reading does not show it ({len(lines)})"
    return Section(title, lines, Tone.BAD) if lines else None
