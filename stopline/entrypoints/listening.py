"""What serves the links to acknowledge: a small HTTP server, for behind the company's own proxy.

It speaks plain HTTP to the proxy that has the certificate. It holds no credential of any system:
the key that signs the links, and the way to the journal and to Temporal. Whoever is on the other
side is nobody known: a request is small, or it is refused; it is over soon, or it is cut; there are
not many at once; and what a link says is never written down.
https://docs.python.org/3/library/http.server.html
"""

import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from typing import cast
from urllib.parse import parse_qs

import structlog

from activities.api import TellOrder, Told
from stopline.errors import RefusedError, StoplineError
from stopline.journal.book import Book
from stopline.notices import links
from stopline.notices.links import Link, Looked, Shown
from stopline.notices.tokens import PATH, proof_of

MOST_BYTES = 16_384
"""Of one request, all of it."""
MOST_BODY = 2_048
MOST_AT_ONCE = 32
SECONDS = 30.0
"""The longest that one request may last, ours included."""
SILENT = 10.0
"""The longest that the other side may say nothing."""
BETWEEN = 60.0
"""How often it is told at most how many links were refused."""
KIND = "application/x-www-form-urlencoded"

Hear = Callable[[TellOrder], Told]
log = structlog.get_logger()


class Refusals:
    """Counts the links that were not good, and tells how many: never which."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with none."""
        self._clock, self._next = clock, clock()
        self._lock, self._found = threading.Lock(), Counter[str]()

    def note(self, link: Link) -> None:
        """One more of a kind."""
        with self._lock:
            self._found[str(link)] += 1

    def flush(self) -> None:
        """Tell, if there is something and it was not told a moment ago."""
        with self._lock:
            if not self._found or self._clock() < self._next:
                return
            found, self._found = dict(self._found), Counter()
            self._next = self._clock() + BETWEEN
        log.warning("links to acknowledge were refused", **found)


class Links:
    """What is answered to whom, apart from any socket. `hear` has the worker write a word down."""

    def __init__(self, book: Book, secret: str, hear: Hear) -> None:
        """Begin with nothing refused."""
        self.book, self.refusals = book, Refusals()
        self._secret, self._hear = secret, hear

    def shown(self, path: str) -> Shown:
        """The page behind a link. Changes nothing."""
        return links.page(self._looked(path))

    def said(self, path: str, name: str) -> Shown:
        """A person's word that they have it: written down by the worker, then shown as it stands.

        The first word counts; a second one is told whose that was.
        """
        looked = self._looked(path)
        if looked.link is not Link.GOOD or not looked.notice or not looked.token:
            return links.page(looked)
        if len(name) > links.LONGEST_NAME or not (name or "-").isprintable():
            return links.wrong(400, "A name is one short line.")
        by, one = name or f"whoever was told over {looked.notice.channel}", looked.notice
        order = TellOrder(
            one.pause, self.book.id, word="ack", by=by, notice=one.key,
            proof=proof_of(looked.token, by, ""),
        )  # fmt: skip
        try:
            told = self._hear(order)
        except RefusedError:
            log.warning("the worker refused a link to acknowledge: is its key another?")
            return links.unheard()
        except (StoplineError, TimeoutError) as error:
            log.warning("a link was not acknowledged", wrong=type(error).__name__)
            return links.unheard()
        return links.page(self._looked(path), said=told.heard > 0)

    def _looked(self, path: str) -> Looked:
        *_, before, token = ("", *path.partition("?")[0].split("/"))
        looked = links.look(self.book, self._secret, token if before == PATH else "")
        if looked.link in (Link.EXPIRED, Link.UNKNOWN):
            self.refusals.note(looked.link)
        return looked


class Listener(ThreadingHTTPServer):
    """The server of the links, on one address."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, where: tuple[str, int], answers: Links, seconds: float = SECONDS) -> None:
        """Bind. Raises OSError where that cannot be."""
        self.answers, self._seconds = answers, seconds
        self._open: dict[socket.socket, float] = {}
        self.address_family = socket.AF_INET6 if ":" in where[0] else socket.AF_INET
        super().__init__(where, _Handler)

    def server_bind(self) -> None:
        """Bind without asking the name service who we are."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def process_request(self, request: object, client_address: object) -> None:
        """Take a connection, or hang up where there are too many."""
        one = cast("socket.socket", request)
        if len(self._open) >= MOST_AT_ONCE:
            self.shutdown_request(one)
            return
        self._open[one] = time.monotonic() + self._seconds
        super().process_request(one, client_address)

    def shutdown_request(self, request: object) -> None:
        """A connection is over."""
        self._open.pop(cast("socket.socket", request), None)
        super().shutdown_request(cast("socket.socket", request))

    def service_actions(self) -> None:
        """Between two connections: cut what lasts too long, tell what was refused."""
        now = time.monotonic()
        for one in [one for one, end in [*self._open.items()] if end < now]:
            self._open.pop(one, None)
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # it has just ended by itself
        self.answers.refusals.flush()

    def handle_error(self, *_: object) -> None:
        """Whoever hangs up, or is cut, is no fault of ours; of what else happens, its name."""
        error = sys.exception()
        if not isinstance(error, OSError):
            log.error("a request to acknowledge failed", wrong=type(error).__name__)


class _Bounded:
    """What comes in of one request: not more than so many bytes."""

    def __init__(self, inner: BufferedIOBase) -> None:
        self._inner, self.left = inner, MOST_BYTES

    def readline(self, size: int = -1) -> bytes:
        return self._taken(self._inner.readline(self._most(size)))

    def read(self, size: int = -1) -> bytes:
        return self._taken(self._inner.read(self._most(size)))

    def close(self) -> None:
        self._inner.close()

    def _most(self, size: int) -> int:
        return self.left if size < 0 else min(size, self.left)

    def _taken(self, data: bytes) -> bytes:
        self.left -= len(data)
        return data


class _Handler(BaseHTTPRequestHandler):
    """One request; its connection ends with it."""

    server: Listener
    protocol_version = "HTTP/1.0"
    timeout = SILENT

    def setup(self) -> None:
        super().setup()
        self.rfile = cast("BufferedIOBase", _Bounded(self.rfile))

    def do_GET(self) -> None:
        if not self._too_much():
            self._answer(lambda: self.server.answers.shown(self.path))

    do_HEAD = do_GET  # noqa: N815 - its name

    def do_POST(self) -> None:
        if self._too_much():
            return
        name = self._name()
        if isinstance(name, Shown):
            self._say(name)
        else:
            self._answer(lambda: self.server.answers.said(self.path, name))

    def _name(self) -> str | Shown:
        """What the button sends: a name, or nothing; else what is wrong with it."""
        length = self.headers.get("content-length") or ""
        if self.headers.get("transfer-encoding") or not length.isdecimal():
            return links.wrong(411, "It did not say how long it is.")
        if len(length) > len(str(MOST_BODY)) or int(length) > MOST_BODY:
            return links.wrong(413, "It is longer than a name can be.")
        if self.headers.get_content_type() != KIND:
            return links.wrong(415, "It is not what the button sends.")
        body = self.rfile.read(int(length))
        try:
            form = parse_qs(body.decode(), strict_parsing=bool(body), max_num_fields=4)
        except ValueError:
            form = None
        if form is None or len(body) < int(length):
            return links.wrong(400, "It is not what the button sends, or not the whole of it.")
        return " ".join(form.get("name", [""])[0].split())

    def _answer(self, answered: Callable[[], Shown]) -> None:
        """Whatever becomes of it is a page; of a fault of ours only the name is written down."""
        try:
            shown = answered()
        except Exception as error:  # noqa: BLE001 - a journal that is away, and all else
            log.warning("a request to acknowledge failed", wrong=type(error).__name__)
            shown = links.unheard()
        self._say(shown)

    def _too_much(self) -> bool:
        """Whether more came than is read; what was cut off is not acted on."""
        if cast("_Bounded", self.rfile).left > 0:
            return False
        self._say(links.wrong(431, "It is too long."))
        return True

    def send_error(self, code: int, *_: object, **__: object) -> None:
        """What the library says of a request that is none, without repeating it."""
        self._say(links.wrong(code, "Open the link as it was sent."))

    def _say(self, shown: Shown) -> None:
        data = shown.html.encode()
        if self.request_version == self.default_request_version:
            self.request_version = self.protocol_version  # else no header would be sent
        self.send_response(shown.status)
        for name, value in links.headers().items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def version_string(self) -> str:
        """Who we are, and no version of anything."""
        return "stopline"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
        """Nothing: what the library would log holds the link."""
