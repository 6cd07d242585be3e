"""A small proxy between the worker and the emulated AWS that makes a bad night of it.

It forwards each request to the emulator and, by a seeded chance, loses the reply after the write
landed, answers 503 before or after it, throttles, denies everything in one account, or says of some
operations that a quota is full. What it did
is counted, so that a test can say that the faults really happened.
"""

import http.client
import random
import re
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

WRITES = ("Put", "Attach", "Detach", "Create", "Delete", "Update", "Upload")
_ACTION = re.compile(rb"Action=([A-Za-z]+)")
_ROLE = re.compile(rb"RoleArn=arn%3Aaws%3Aiam%3A%3A(\d{12})")
_KEY = re.compile(rb"<AccessKeyId>([A-Z0-9]+)</AccessKeyId>")
_SIGNED_BY = re.compile(r"Credential=([A-Z0-9]+)/")
_DENIED = (
    "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code>"
    "<Message>not authorized</Message></Error><RequestId>r</RequestId></ErrorResponse>"
)
_THROTTLED = _DENIED.replace("AccessDenied", "Throttling").replace("not authorized", "slow down")
_FULL = _DENIED.replace("AccessDenied", "LimitExceeded").replace("not authorized", "quota is full")
_BROKEN = _DENIED.replace("AccessDenied", "ServiceUnavailable").replace("Sender", "Receiver")


@dataclass
class Faults:
    """What goes wrong, as chances between 0 and 1 for each write; and which account denies us.

    `full` holds IAM's names of operations that answer that a limit is exceeded.
    """

    lost_reply: float = 0.0
    broken_before: float = 0.0
    broken_after: float = 0.0
    throttled: float = 0.0
    denied_account: str = ""
    denied_after: int = 0
    full: frozenset[str] = frozenset()
    seed: int = 1
    done: Counter[str] = field(default_factory=Counter)
    writes: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._lock = threading.Lock()
        self.accounts: dict[str, str] = {}

    def choose(self, account: str) -> str:
        """Name the fault of one write, or nothing."""
        with self._lock:
            self.writes[account] += 1
            if self.denied_account == account and self.writes[account] > self.denied_after:
                return "denied"
            draw = self._random.random()
            for name in ("lost_reply", "broken_before", "broken_after", "throttled"):
                chance = getattr(self, name)
                if draw < chance:
                    return name
                draw -= chance
            return ""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    upstream: tuple[str, int]
    faults: Faults

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        action = _ACTION.search(body)
        fault = self.faults.choose(self._account()) if self._writes(body) else ""
        if action and action[1].decode() in self.faults.full:
            fault = "full"
        self.faults.done[fault] += bool(fault)
        if fault in ("denied", "throttled", "broken_before", "full"):
            answers = {
                "denied": (403, _DENIED),
                "throttled": (400, _THROTTLED),
                "full": (409, _FULL),
            }
            status, text = answers.get(fault, (503, _BROKEN))
            self._answer(status, [("Content-Type", "text/xml")], text.encode())
            return
        status, headers, answer = self._forward(body)
        if fault == "lost_reply":
            self.close_connection = True
            self.connection.close()
            return
        if fault == "broken_after":
            self._answer(503, [("Content-Type", "text/xml")], _BROKEN.encode())
            return
        self._learn(body, answer)
        self._answer(status, headers, answer)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = do_PATCH = _serve  # noqa: N815 - http.server's

    def _writes(self, body: bytes) -> bool:
        action = _ACTION.search(body)
        if action:
            return action[1].decode().startswith(WRITES)
        return self.command in ("PUT", "PATCH", "DELETE")

    def _account(self) -> str:
        signed = _SIGNED_BY.search(self.headers.get("Authorization", ""))
        return self.faults.accounts.get(signed[1], "") if signed else ""

    def _learn(self, body: bytes, answer: bytes) -> None:
        role, key = _ROLE.search(body), _KEY.search(answer)
        if role and key:
            self.faults.accounts[key[1].decode()] = role[1].decode()

    def _forward(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = http.client.HTTPConnection(*self.upstream, timeout=30)
        try:
            connection.request(self.command, self.path, body, dict(self.headers.items()))
            response = connection.getresponse()
            return response.status, response.getheaders(), response.read()
        finally:
            connection.close()

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Say nothing: the tests count."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a worker that was killed in the middle of a request."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


@contextmanager
def proxied(url: str, faults: Faults) -> Iterator[str]:
    """Serve the emulator at `url` through the faults; yield the proxy's address."""
    parts = urlsplit(url)
    handler = type(
        "Handler", (_Handler,), {"upstream": (parts.hostname, parts.port), "faults": faults}
    )
    server = _Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
