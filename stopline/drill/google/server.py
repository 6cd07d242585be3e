"""The server: one loopback port, a prefix for each API, the unmodified client in front of it."""

import copy
import json
import socket
import threading
import traceback
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self, cast
from urllib.parse import parse_qs, unquote, urlsplit

from stopline.drill.google import (
    accounts,
    assets,
    buckets,
    custom,
    datasets,
    denying,
    directory,
    drive,
    groups,
    identities,
    listing,
    objects,
    projects,
    sharing,
)
from stopline.drill.google.calls import ANSWERS, Call
from stopline.drill.google.client import service
from stopline.drill.google.documents import (
    LEGACY,
    SERVED,
    Method,
    check_body,
    check_query,
    known_only,
    match,
)
from stopline.drill.google.errors import GoogleError, invalid
from stopline.drill.google.faults import Faults, LostReplyError
from stopline.drill.google.partial import partial
from stopline.drill.google.principals import ANYONE, Caller, caller_of, require_good
from stopline.drill.google.services import require_on
from stopline.drill.google.state import State
from stopline.text import Json

BEHAVIOURS = (
    accounts,
    assets,
    buckets,
    custom,
    datasets,
    denying,
    directory,
    drive,
    groups,
    identities,
    listing,
    objects,
    projects,
    sharing,
)
"""The modules whose answers are known; importing one makes its answers known."""


@dataclass(frozen=True)
class Seen:
    """One request that came: the method's key, who called, the code that was answered."""

    method: str
    token: str
    code: int
    query: dict[str, list[str]]
    body: Json


@dataclass
class Google:
    """The emulated Google. `with Google() as google:` serves it on a free loopback port."""

    state: State = field(default_factory=State)
    faults: Faults = field(default_factory=Faults)
    seen: list[Seen] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    """What went wrong in here, with its traceback. Empty, or there is a bug."""

    port: int = 0
    _clients: dict[tuple[str, ...], Json] = field(default_factory=dict, repr=False)
    _server: ThreadingHTTPServer | None = field(default=None, repr=False)
    _thread: threading.Thread | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """The address under which every API has its prefix: `{url}/storage/v1/`."""
        return f"http://127.0.0.1:{self.port}"

    def root(self, api: str, version: str) -> str:
        """What a discovery document's `rootUrl` must be."""
        return f"{self.url}/{api}/{version}/"

    def client(self, api: str, version: str, token: str = "", project: str = "") -> Json:
        """Google's client of one API, as `client.service`; it is closed when this is stopped.

        For one thread: a client holds one connection.
        """
        key = (api, version, token, project)
        if key not in self._clients:
            self._clients[key] = service(self.url, *key)
        return self._clients[key]

    def __enter__(self) -> Self:
        """Serve it."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self.stop()

    def start(self) -> None:
        """Serve it in a thread, on a free port unless one was chosen."""
        google = self

        class Bound(_Handler):
            """A handler that knows its estate."""

            serves = google

        self._server = _Server(("127.0.0.1", self.port), Bound)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """End it; once is enough."""
        while self._clients:
            self._clients.popitem()[1].close()
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join(5)
            self._server = None

    def answer(self, request: "Request") -> tuple[int, Json]:
        """The code and the body of an answer. Raises LostReplyError for no answer at all."""
        key, code, body = "", 0, None
        try:
            method, call = self._call(request)
            key = method.key
            answer = ANSWERS.get(key)
            if answer is None:
                raise GoogleError(501, f"Operation is not implemented: {key}.")  # noqa: TRY301 - one way out
            now, bucket = self.state.now().timestamp(), call.names.get("bucket", "")
            fault = self.faults.enter(method, request.quota_project, now, bucket)
            with self.state.lock:
                call.caller = caller_of(self.state, request.token)
                require_good(call.caller)
                require_on(self.state, call.caller, method, call.names)
                body = _whole(call, answer.give(call))
            if fault is not None:
                fault.strike()
            code = 204 if body is None else 200
        except GoogleError as error:
            legacy = request.api in LEGACY
            code, body = error.code, error.body(legacy=legacy)
        except LostReplyError:
            raise
        except Exception as error:  # noqa: BLE001 - a fault of ours must be seen, not hang a client
            self.broken.append("".join(traceback.format_exception(error)))
            code, body = 500, GoogleError(500, f"{key}: {error!r}").body(legacy=False)
        finally:
            self.seen.append(Seen(key, request.token, code, request.query, request.body))
        return code, body

    def _call(self, request: "Request") -> tuple[Method, Call]:
        found = match(request.api, request.version, request.verb, request.path)
        if found is None:
            raise GoogleError(404, f"The requested URL {request.path} was not found.")
        method, values = found
        check_query(method, request.query)
        request.read(method)
        check_body(method, request.body)
        request.body = known_only(method, request.body)
        names = {k: unquote(v) for k, v in zip(method.names, values, strict=True)}
        return method, Call(
            self.state,
            Caller(ANYONE),
            method,
            names,
            request.query,
            request.body,
            request.content,
            request.kind,
            request.headers,
        )


def _whole(call: Call, body: Json) -> Json:
    """What is answered: apart from the state, and only what was asked for.

    A parameter that nothing has looked at makes the answer no success, also after a write.
    """
    if left := call.unheard():
        key = call.method.key
        raise GoogleError(501, f"Parameters of {key} are not implemented: {', '.join(left)}.")
    fields = call.asked("fields")
    whole = copy.deepcopy(body)
    return partial(whole, fields) if fields and isinstance(whole, dict) else whole


@dataclass
class Request:
    """One request as it came."""

    api: str
    version: str
    verb: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    data: bytes
    body: Json = None
    content: bytes = b""
    kind: str = ""

    @property
    def token(self) -> str:
        """The bearer token; empty for an anonymous caller."""
        return self.headers.get("authorization", "").removeprefix("Bearer ").strip()

    @property
    def quota_project(self) -> str:
        """Whose quota the call counts against."""
        return self.headers.get("x-goog-user-project", "")

    def read(self, method: Method) -> None:
        """Take the data apart: JSON, or a file with its JSON. Raises GoogleError 400."""
        kind = self.headers.get("content-type", "")
        if self.query.get("uploadType"):
            self._read_upload(kind, method)
            return
        if not self.data:
            self.body = {} if method.request and self.verb != "GET" else None
            return
        try:
            self.body = json.loads(self.data)
        except ValueError as error:
            raise invalid("Invalid JSON payload received.") from error

    def _read_upload(self, kind: str, method: Method) -> None:
        how = self.query["uploadType"][-1]
        if how == "media":
            self.body, self.content, self.kind = {}, self.data, kind
        elif how == "multipart":
            whole = message_from_bytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + self.data)
            meta, content = cast("list[Message]", whole.get_payload())
            self.body = json.loads(cast("bytes", meta.get_payload(decode=True)))
            self.content = cast("bytes", content.get_payload(decode=True))
            self.kind = content.get_content_type()
        else:
            raise GoogleError(501, f"Uploads of the kind {how} are not implemented: {method.key}.")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    serves: Google

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing: `Google.seen` holds every call."""

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        api, _, rest = parts.path.removeprefix("/").partition("/")
        version, _, path = rest.partition("/")
        data = self.rfile.read(int(self.headers.get("content-length") or 0))
        path = path.removeprefix("upload/")
        headers = {k.lower(): v for k, v in self.headers.items()}
        verb = headers.get("x-http-method-override", self.command)
        query = parts.query
        if verb != self.command:  # a query too long for an address: the client sends it as a form
            query, data = data.decode(), b""
        told = parse_qs(query, keep_blank_values=True)
        request = Request(api, version, verb, path, told, headers, data)
        if (api, version) not in SERVED:
            self._send(
                404, GoogleError(404, f"There is no API {api} {version}.").body(legacy=False)
            )
            return
        try:
            self._send(*self.serves.answer(request))
        except LostReplyError:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)

    def _send(self, code: int, body: Json) -> None:
        raw = isinstance(body, bytes)
        data = body if raw else b"" if body is None else json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/octet-stream" if raw else "application/json")
        self.send_header("Content-Length", str(len(data)))
        if code == 429:  # noqa: PLR2004 - HTTP's own number
            self.send_header("Retry-After", "1")
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - the library's names
