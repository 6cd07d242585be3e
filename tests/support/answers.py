"""A loopback server that answers AWS calls as a test says, and keeps what it was really asked."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote_plus

_ACTION = re.compile(r"(?:^|&)Action=([A-Za-z]+)")
ASSUMED = """<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<AssumeRoleResult><Credentials><AccessKeyId>ASIATAKEN00000000000</AccessKeyId>
<SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>
<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult>
</AssumeRoleResponse>"""


@dataclass(frozen=True)
class Asked:
    """One HTTP request. `action` is the query protocol's, empty for S3."""

    method: str
    path: str
    action: str
    body: str
    owner: str

    def word(self, name: str) -> str:
        """A parameter of the query protocol."""
        found = re.search(rf"(?:^|&){name}=([^&]*)", self.body)
        return unquote_plus(found[1]) if found else ""


Reply = Callable[[Asked], tuple[int, str] | None]
"""Status and text; None cuts the connection after the request was read."""


@dataclass
class Answers:
    """What is answered, and what was asked, in order; `sts` apart, which always answers."""

    reply: Reply
    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    assumed: list[Asked] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def actions(self) -> list[str]:
        """The query protocol's actions, in order."""
        return [a.action for a in self.asked]

    def answer(self, asked: Asked) -> tuple[int, str] | None:
        """Write it down, then say what the test wants said."""
        if asked.action == "AssumeRole":
            with self.lock:
                self.assumed.append(asked)
            return 200, ASSUMED
        with self.lock:
            self.asked.append(asked)
        return self.reply(asked)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    answers: Answers

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        action = _ACTION.search(body)
        owner = self.headers.get("x-amz-expected-bucket-owner", "")
        said = self.answers.answer(
            Asked(self.command, self.path, action[1] if action else "", body, owner)
        )
        if said is None:
            self.close_connection = True
            self.connection.close()
            return
        status, text = said
        self.send_response_only(status)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text.encode())

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _serve  # noqa: N815 - http.server's


@contextmanager
def answering(reply: Reply) -> Iterator[Answers]:
    """Serve on a free port of the loopback until the block ends."""
    answers = Answers(reply)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("H", (_Handler,), {"answers": answers}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    answers.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield answers
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
