"""How the emulated Stripe is spoken to: HTTP on 127.0.0.1, forms, keys, and its bad days."""

import json
import re
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Literal, Protocol
from urllib.parse import parse_qsl, urlsplit

from stopline.text import Json

KEY = "sk_test_of_the_double"
VERSION = "2026-10-28.endive"
Fault = Literal["429", "500-after", "lost", "slow", "twice"]
"""Too many requests; an error after it was done; no answer after it was done; late; done again."""
_SLOW_SECONDS = 0.8
_Answer = tuple[int, Json, bool]


@dataclass(frozen=True)
class Request:
    """One call: for which connected account, and under which idempotency key."""

    method: str
    path: str
    params: Json
    account: str
    key: str


class Answering(Protocol):
    """What stands behind the server."""

    calls: list[str]
    down: bool

    def fault(self, name: str) -> Fault | None:
        """Take the next fault that is due at one kind of call."""
        ...

    def answer(self, request: Request, fault: Fault | None) -> _Answer:
        """Answer a request: its status and body, and whether it is an old answer."""
        ...


def served(double: Answering) -> ThreadingHTTPServer:
    """Listen on a free port of this machine, until the server is shut down and closed."""
    handler = type("Handler", (_Handler,), {"double": double})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    return server


def call_name(method: str, path: str) -> str:
    """One kind of call, with ids blanked: `GET /v1/accounts/{id}`."""
    blanked = re.sub(r"/(accounts|payouts|payout_intents)/[^/]+", r"/\1/{id}", path)
    return f"{method} {blanked}"


def nested(text: str) -> Json:
    """Read Stripe's form: `a[b][0]=c` is `{"a": {"b": ["c"]}}`."""
    tree: Json = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        *path, last = re.findall(r"[^\[\]]+", name)
        at = tree
        for step in path:
            at = at.setdefault(step, {})
        at[last] = value
    return _lists(tree)


def _lists(tree: Json) -> Json:
    if not isinstance(tree, dict):
        return tree
    inner = {key: _lists(value) for key, value in tree.items()}
    if inner and all(key.isdigit() for key in inner):
        return [inner[key] for key in sorted(inner, key=int)]
    return inner


class _Handler(BaseHTTPRequestHandler):
    double: ClassVar[Answering]
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_GET(self) -> None:
        """Answer a read."""
        self._serve("GET")

    def do_POST(self) -> None:
        """Answer a write."""
        self._serve("POST")

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def _serve(self, method: str) -> None:
        asked = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        name = call_name(method, asked.path)
        self.double.calls.append(name)
        if refusal := self._refused():
            self._send(*refusal)
            return
        text, v2 = body if method == "POST" else asked.query, asked.path.startswith("/v2/")
        params = json.loads(text) if v2 and method == "POST" else nested(text)
        account = self.headers.get("Stripe-Account", "")
        request = Request(
            method, asked.path, params, account, self.headers.get("Idempotency-Key", "")
        )
        self._misbehave(request, self.double.fault(name))

    def _misbehave(self, request: Request, fault: Fault | None) -> None:
        if fault == "429":
            body = {"error": {"code": "rate_limit", "type": "invalid_request_error"}}
            self._send(429, body, False)
            return
        if fault == "slow":
            time.sleep(_SLOW_SECONDS)
        answer = self.double.answer(request, fault)
        if fault == "twice":
            answer = self.double.answer(request, None)
        if fault == "lost":
            self.close_connection = True
            self.connection.close()
            return
        self._send(*answer)

    def _refused(self) -> _Answer | None:
        if self.double.down:
            return 503, {"error": {"type": "api_error", "message": "down"}}, False
        if self.headers.get("Authorization") != f"Bearer {KEY}":
            message = "Invalid API Key provided"
            return 401, {"error": {"type": "invalid_request_error", "message": message}}, False
        if self.headers.get("Stripe-Version") != VERSION:
            message = "Invalid Stripe API version"
            return 400, {"error": {"type": "invalid_request_error", "message": message}}, False
        return None

    def _send(self, status: int, body: Json, replayed: bool) -> None:  # noqa: FBT001 - one answer
        sent = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(sent)))
        self.send_header("Request-Id", "req_double")
        if self.double.down:
            self.send_header("Stripe-Should-Retry", "false")
        if replayed:
            self.send_header("Idempotent-Replayed", "true")
        self.end_headers()
        self.wfile.write(sent)
        self.wfile.flush()
