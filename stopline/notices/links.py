"""What a link to acknowledge leads to: whether it is good, and the page that is shown of it.

To look changes nothing, whoever looks: scanners of mail and previews of chats open every link.
Only what a person sends with the button does. No page holds an id of anything, or says of a link
that is not good whether there ever was one like it.
"""

from base64 import b64encode
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256
from html import escape
from importlib.resources import files

from stopline.audiences import INSIDE, Audience
from stopline.journal.book import Book
from stopline.journal.outbox import ESCALATED, Heard, Notice
from stopline.notices.drafting import headline
from stopline.notices.tokens import TEST_KEY, Token, is_genuine, read

LONGEST_NAME = 100


class Link(StrEnum):
    """What a link is worth."""

    GOOD = "good"
    HEARD = "heard"
    TEST = "test"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Looked:
    """What was found behind a link: of which notice it is, and who acknowledged it first."""

    link: Link
    token: Token | None = None
    notice: Notice | None = None
    heard: Heard | None = None
    about: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """One page, with the status of HTTP that goes with it."""

    status: int
    html: str


def look(book: Book, secret: str, text: str) -> Looked:
    """What a link is worth now. What is not signed by us costs the journal nothing."""
    token = read(text)
    if token is None or not is_genuine(token, secret, book.id):
        return Looked(Link.UNKNOWN)
    if token.until < book.store.clock():
        return Looked(Link.EXPIRED)
    if token.key == TEST_KEY:
        return Looked(Link.TEST)
    found = [n for n in book.outbox.named(token.key) if Audience(n.audience) in INSIDE]
    if len(found) != 1:
        return Looked(Link.UNKNOWN)
    (notice,) = found
    heard = book.outbox.heard(notice.pause).get(notice.seq)
    return Looked(Link.HEARD if heard else Link.GOOD, token, notice, heard, _about(book, notice))


def _about(book: Book, notice: Notice) -> str:
    """What the notice tells, or what it says that nobody acknowledged."""
    event, seq = notice.event, notice.seq
    if event == ESCALATED:
        seq = book.outbox.escalated(notice.pause).get(seq, seq)
        event = next((n.event for n in book.outbox.of(notice.pause) if n.seq == seq), event)
    return headline(event, book.pauses.get(notice.pause).vendor)


# --- pages ---------------------------------------------------------------------------------------


def page(looked: Looked, *, said: bool = False) -> Shown:
    """The page of a link; `said`: of a person who has just sent the button's word."""
    if looked.link is Link.GOOD and looked.notice:
        return _page(200, "Acknowledge a notice", _told(looked), _FORM)
    if looked.heard:
        who = f"By {looked.heard.by}, at {_moment(looked.heard.at)}."
        title = "Acknowledged" if said else "Acknowledged already"
        return _page(200, title, (*_told(looked), who, "There is nothing more to do here."))
    if looked.link is Link.TEST:
        return _page(200, "The link works", ("It came with a test: nothing has happened.",))
    if looked.link is Link.EXPIRED:
        why = "This link was good for a time that is over. Nothing was changed."
        return _page(410, "This link is no longer good", (why, _ELSE))
    why = "It is not one that was sent, or not the whole of it. Nothing was changed."
    return _page(404, "This link is not good", (why, _ELSE))


def unheard() -> Shown:
    """The page when nobody is there who writes it down, or not in time."""
    why = "Nobody has confirmed yet that it was written down. Others may be told meanwhile."
    return _page(503, "Not acknowledged yet", (why, f"Try again in a minute. {_ELSE}"))


def wrong(status: int, why: str) -> Shown:
    """The page of a request that is none."""
    return _page(status, "That did not do", (why, "Nothing was changed."))


_ELSE = "Responders can say `stopline ack`, too."
_FORM = (
    f'<form method="post"><p><label>Your name <input name="name" maxlength="{LONGEST_NAME}" '
    'autocomplete="name"></label></p><p><button>I have it</button></p></form>'
)


def _told(looked: Looked) -> tuple[str, ...]:
    at = f"Told at {_moment(looked.notice.at)}." if looked.notice else ""
    return tuple(filter(None, (looked.about, at)))


def _moment(at: str) -> str:
    return f"{at[:16].replace('T', ' ')}Z"


@lru_cache(maxsize=1)
def _style() -> str:
    return (files("stopline.notices") / "templates" / "acknowledge.css").read_text("utf-8")


def _page(status: int, title: str, lines: tuple[str, ...], form: str = "") -> Shown:
    told = "".join(f"<p>{escape(line)}</p>" for line in lines)
    return Shown(
        status,
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}'
        '</title><meta name="viewport" content="width=device-width"><meta name="robots" '
        f'content="noindex"><style>{_style()}</style></head><body><main><h1>{escape(title)}</h1>'
        f"{told}{form}</main></body></html>\n",
    )


def headers() -> dict[str, str]:
    """What goes with each page: nothing is loaded, kept, framed or passed on.

    https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Content-Security-Policy
    """
    style = b64encode(sha256(_style().encode()).digest()).decode()
    return {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{style}'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "X-Robots-Tag": "noindex",
        "Cross-Origin-Opener-Policy": "same-origin",
    }
