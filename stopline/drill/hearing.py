"""Who is told what by a drill's pauses, and in which order: receivers of its own, judged apart.

Every audience has a webhook on loopback. What arrives is kept as it came; what should have arrived
is reckoned from where each pause stood, never from what the program means to have sent.
"""

import secrets
import threading
import time
from base64 import b64encode
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

from standardwebhooks import Webhook, WebhookVerificationError

from stopline.audiences import INSIDE, OUTSIDE, Audience
from stopline.configuration import NOTICES
from stopline.drill.configure import text_of
from stopline.drill.report import Report
from stopline.journal.book import Book
from stopline.journal.pauses import TERMINATED, Pause, PauseStatus
from stopline.journal.store import Event
from stopline.text import Json

VARIABLE = "DRILL_NOTICES_SECRET"
VENDOR = "mercor"
SECONDS = 20.0
"""The longest that is waited until everybody has been told."""
_TOLD = (PauseStatus.CONTAINED, PauseStatus.PARTIAL)
_OVER = (PauseStatus.CLOSED, PauseStatus.TERMINATED)


@dataclass(frozen=True, slots=True)
class Arrival:
    """One notice as it arrived: when (seconds since 1970), for whom, and what it says.

    `genuine` says that its signature was made with the drill's secret.
    """

    at: float
    audience: str
    pause: str
    event: str
    key: str
    subject: str = ""
    text: str = ""
    genuine: bool = True


@dataclass(frozen=True, slots=True)
class Night:
    """What should be heard of one pause inside and outside; `verified_at` is when it was contained.

    None where it never was: then nobody outside hears anything.
    """

    pause: str
    inside: tuple[str, ...]
    outside: tuple[str, ...] = ()
    opened_at: float = 0.0
    verified_at: float | None = None


@dataclass
class Ears:
    """The receivers, from `start` to `stop`."""

    arrived: list[Arrival] = field(default_factory=list)
    _secret: str = field(default_factory=lambda: f"whsec_{_drawn()}", repr=False)
    _server: ThreadingHTTPServer | None = None
    _file: Path = Path()

    def start(self, folder: Path) -> None:
        """Listen, and write who is told where into a folder of configuration."""
        handler = type("Handler", (_Handler,), {"ears": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._file = folder / NOTICES
        self._file.write_text(text_of(_file(url)), encoding="utf-8")

    def stop(self) -> None:
        """Listen no more; nobody is told anything by what goes on."""
        if self._server is not None:
            self._file.unlink(missing_ok=True)
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    @property
    def secrets(self) -> Mapping[str, str]:
        """What the worker signs with."""
        return {VARIABLE: self._secret}

    def hear(self, path: str, headers: Mapping[str, str], body: str) -> None:
        """Keep what arrived, in its order."""
        now, genuine = time.time(), True
        try:
            event: Json = Webhook(self._secret).verify(body, dict(headers))
        except WebhookVerificationError:
            event, genuine = {}, False
        data = event.get("data", {})
        self.arrived.append(
            Arrival(
                now, path.strip("/"), str(event.get("source", "")).rpartition("/")[2],
                str(event.get("type", "")).removeprefix("stopline.notice.").removesuffix(".v1"),
                str(event.get("id", "")), data.get("subject", ""), data.get("text", ""), genuine,
            )
        )  # fmt: skip

    def settle(self, book: Book, seconds: float = SECONDS) -> None:
        """Wait until nothing is due any more, for so long at most."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if not any(book.outbox.due(pause.id) for pause in book.pauses.list(VENDOR)):
                return
            time.sleep(0.05)

    def judged(self, book: Book, report: Report, ours: Iterable[str]) -> Report:
        """The report with who was told what, in which order, and what was wrong with it."""
        known = nights(book)
        report.notices = told(self.arrived, known)
        report.faults += faults(self.arrived, known, ours)
        return report


def _drawn() -> str:
    return b64encode(secrets.token_bytes(32)).decode()


def _file(url: str) -> Json:
    """One channel for each audience, so that what arrives says for whom it was."""
    kind = {"kind": "webhook", "secret": VARIABLE}
    return {
        "contact": "+1 555 0100, the drill's bridge",
        "channels": {str(one): {**kind, "url": f"{url}/{one}"} for one in Audience},
        "audiences": {str(one): [{"channel": str(one)}] for one in INSIDE},
        "vendors": {VENDOR: {str(one): [{"channel": str(one)}] for one in OUTSIDE}},
    }


class _Handler(BaseHTTPRequestHandler):
    ears: ClassVar[Ears]

    def do_POST(self) -> None:
        """Take a notice."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        self.ears.hear(self.path, {k.lower(): v for k, v in self.headers.items()}, body)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


# --- what should have been heard -----------------------------------------------------------------


def nights(book: Book) -> tuple[Night, ...]:
    """Every pause of the drill, with what should be heard of it, by where it stood."""
    pauses = book.pauses.list(VENDOR)
    events = {pause.id: book.pauses.events(pause.id) for pause in pauses}
    outside = _outside(event for told in events.values() for event in told)
    return tuple(_night(pause, events[pause.id], outside[pause.id]) for pause in pauses)


def _night(pause: Pause, events: Sequence[Event], outside: Sequence[str]) -> Night:
    verified = [_moment(e.at) for e in events if _stands(e) is PauseStatus.CONTAINED]
    return Night(
        pause.id,
        ("opened", *_inside(events)),
        tuple(outside),
        _moment(pause.opened_at),
        verified[0] if verified else None,
    )


def _inside(events: Iterable[Event]) -> Iterator[str]:
    """How it stands each time that it rests, what an audit finds, and how it is over."""
    over, ended = "restored", False
    for event in events:
        over = "terminated" if event.kind == TERMINATED else over
        status = _stands(event)
        if event.kind == "audited" and (event.data["opened"] or event.data["fresh"]):
            yield "drift"
        if status in _TOLD:
            yield str(status)
        elif status in _OVER and not ended:
            ended = True
            yield over


def _outside(events: Iterable[Event]) -> Mapping[str, Sequence[str]]:
    """By pause, what those outside hear: they are told of the vendor, and nothing twice in a row.

    A pause that is contained while another stands takes nothing more away: the drill's are
    narrower. While one stands what another gives back is a part.
    """
    heard: dict[str, list[str]] = defaultdict(list)
    standing: set[str] = set()
    for event in sorted(events, key=lambda event: event.seq):
        status = _stands(event)
        if status is PauseStatus.CONTAINED:
            if not standing:
                heard[event.pause].append("contained")
            standing.add(event.pause)
        elif status is PauseStatus.CLOSED and event.pause in standing:
            standing.remove(event.pause)
            heard[event.pause].append("released" if standing else "restored")
    return heard


def _stands(event: Event) -> PauseStatus | None:
    """Where a pause stands by an event, if it is one that says so."""
    return PauseStatus(event.data["status"]) if event.kind == "status" else None


def _moment(at: str) -> float:
    return datetime.fromisoformat(at).timestamp()


def faults(arrived: Sequence[Arrival], known: Sequence[Night], ours: Iterable[str]) -> list[str]:
    """What was not told as it should be: to whom, in which order, and what those outside read.

    `ours` are texts of the lab's that no notice to those outside may hold. One that came twice
    under one key was told once.
    """
    first: dict[str, Arrival] = {}
    for arrival in arrived:
        first.setdefault(arrival.key or str(arrival.at), arrival)
    once = [*first.values()]
    found = [f"notices: what came to {a.audience} was not signed" for a in once if not a.genuine]
    ids = {night.pause for night in known}
    found += [f"notices: {a.audience} heard of {a.pause}" for a in once if a.pause not in ids]
    for night in known:
        heard = [a for a in once if a.pause == night.pause]
        found += [*_wrongly_told(heard, night), *_too_early(heard, night)]
    outside = [a for a in once if a.audience in OUTSIDE]
    words = sorted({*ours, *ids})
    found += [
        f"notices: what {a.audience} read of {a.event} holds {word}"
        for a in outside
        for word in words
        if word in a.subject + a.text
    ]
    return found


def _wrongly_told(heard: Sequence[Arrival], night: Night) -> Iterator[str]:
    for audience in Audience:
        wanted = night.outside if audience in OUTSIDE else night.inside
        got = tuple(a.event for a in heard if a.audience == audience)
        if got != wanted:
            said, should = ", ".join(got) or "nothing", ", ".join(wanted) or "nothing"
            yield f"notices: {audience} heard of {night.pause}: {said}; it should be: {should}"


def _too_early(heard: Sequence[Arrival], night: Night) -> Iterator[str]:
    """Those outside hear once containment was verified, and once all inside heard of the pause."""
    first = [n for n, a in enumerate(heard) if a.event == "opened" and a.audience in INSIDE]
    for number, arrival in enumerate(heard):
        if arrival.audience not in OUTSIDE:
            continue
        if night.verified_at is None or arrival.at < night.verified_at:
            yield f"notices: {arrival.audience} heard of {night.pause} before it was contained"
        if any(n > number for n in first):
            yield f"notices: {arrival.audience} heard of {night.pause} before all inside did"


def told(arrived: Sequence[Arrival], known: Sequence[Night]) -> list[Json]:
    """Who was told what, in the order in which it arrived; `seconds` after the pause was opened."""
    opened = {night.pause: night.opened_at for night in known}
    return [
        {
            "pause": a.pause,
            "audience": a.audience,
            "event": a.event,
            "subject": a.subject,
            "seconds": round(a.at - opened.get(a.pause, a.at), 2),
        }
        for a in arrived
    ]
