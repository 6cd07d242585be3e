"""The providers of notices on loopback: one HTTP server, and a mail server with STARTTLS.

Each keeps what it was sent. Answers are given in the order in which they were put in; after them,
everything is taken.
"""

import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from stopline.entrypoints.embedded import free_port
from stopline.text import Json


@dataclass
class Asked:
    """One request, as it came."""

    path: str
    headers: dict[str, str]
    body: str

    @property
    def json(self) -> Json:
        """Its body as JSON."""
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        """Its body as the fields of a form, or of JSON."""
        if self.body.startswith("{"):
            return dict(self.json)
        return {key: values[0] for key, values in parse_qs(self.body).items()}


@dataclass
class Answer:
    """What the server says next; one that is `lost` takes the request and hangs up."""

    status: int = 200
    body: Json = field(default_factory=lambda: {"ok": True})
    headers: dict[str, str] = field(default_factory=dict)
    lost: bool = False


@dataclass
class Provider:
    """An HTTP server that takes what it is sent; `room` is what Slack says of a channel."""

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    room: Json = field(default_factory=lambda: {"ok": True, "channel": {"is_shared": False}})

    def answer(self, asked: Asked) -> Answer:
        """Keep a request and say what is answered."""
        if asked.path.endswith("conversations.history"):
            return Answer(body={"ok": True, "messages": self.posted})
        if asked.path.endswith("conversations.info"):
            return Answer(body=self.room)
        self.asked.append(asked)
        return self.answers.pop(0) if self.answers else Answer()

    @property
    def posted(self) -> list[Json]:
        """The messages that Slack would show."""
        found = [a.form.get("metadata", "null") for a in self.asked]
        return [{"metadata": m if isinstance(m, dict) else json.loads(m)} for m in found]


@contextmanager
def provider() -> Iterator[Provider]:
    """Serve on a free port of loopback for as long as this lasts."""
    made = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
            headers = {k.lower(): v for k, v in self.headers.items()}
            self._say(made.answer(Asked(self.path.partition("?")[0], headers, body)))

        do_GET = do_POST  # noqa: N815 - its name

        def _say(self, answer: Answer) -> None:
            self.close_connection = True
            if answer.lost:
                return
            text = json.dumps(answer.body).encode()
            self.send_response(answer.status)
            for name, value in {**answer.headers, "Content-Type": "application/json"}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


@dataclass
class Mail:
    """A mail server's memory: what was taken, and the answers that come before taking.

    Those `at_address` come when a recipient is named.
    """

    port: int = 0
    at_address: list[str] = field(default_factory=list)
    taken: list[Envelope] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    over_tls: list[bool] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's way
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take a recipient, or say what was put in."""
        if self.at_address:
            return self.at_address.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's way
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Take a message, or say what was put in."""
        self.over_tls.append(session.ssl is not None)
        if self.answers:
            return self.answers.pop(0)
        self.taken.append(envelope)
        return "250 OK"


@contextmanager
def mail_server(authority: trustme.CA, *, tls: bool = True) -> Iterator[Mail]:
    """Serve SMTP on loopback, with STARTTLS and AUTH that takes `stopline` and `swordfish`."""
    made = Mail(free_port())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)

    def known(_s: SMTP, _n: Session, _e: Envelope, _m: str, data: object) -> AuthResult:
        pair = (getattr(data, "login", b""), getattr(data, "password", b""))
        return AuthResult(success=pair == (b"stopline", b"swordfish"), handled=False)

    words = {"tls_context": context, "require_starttls": True} if tls else {}
    controller = Controller(
        made, hostname="127.0.0.1", port=made.port, authenticator=known, auth_required=tls, **words
    )
    controller.start()
    try:
        yield made
    finally:
        controller.stop()
