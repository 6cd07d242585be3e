"""Google's APIs through Google's own client: one code path for Google and for the drill.

A method is named as the discovery documents name it: `iam/v1/projects.serviceAccounts.get`. A read
is retried by the client, a write is sent once, because the engine reads again and asks anew. No
HTTP object is used by two threads at a time, and one that failed is closed and dropped.
https://googleapis.github.io/google-api-python-client/docs/thread_safety.html
"""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from math import inf
from typing import Any

import google.auth
import httplib2
from google.auth import impersonated_credentials
from google.auth.exceptions import DefaultCredentialsError
from google.oauth2.credentials import Credentials
from google_auth_httplib2 import AuthorizedHttp
from googleapiclient.discovery import build_from_document
from googleapiclient.discovery_cache import get_static_doc
from googleapiclient.errors import HttpError

from stopline.connectors.gcp.faults import translated
from stopline.errors import ConnectorError
from stopline.estate import GcpEstate
from stopline.model import Address
from stopline.pacing import WAIT_SECONDS, Rate, Window
from stopline.receipts import Cause
from stopline.settings import variable
from stopline.text import Json

_AUTH = "https://www.googleapis.com/auth"
SCOPES = (f"{_AUTH}/cloud-platform",)
WORKSPACE: Mapping[str, tuple[str, ...]] = {
    "read": (
        f"{_AUTH}/admin.directory.user.readonly",
        f"{_AUTH}/admin.directory.group.readonly",
        f"{_AUTH}/admin.directory.rolemanagement.readonly",
    ),
    "write": (
        f"{_AUTH}/admin.directory.user",
        f"{_AUTH}/admin.directory.user.security",
        f"{_AUTH}/admin.directory.group.member",
    ),
}
"""What is asked for besides where the estate names a directory, to read and to write.

https://developers.google.com/workspace/admin/directory/v1/guides/authorizing
"""
OF_DRIVES: Mapping[str, str] = {
    "read": f"{_AUTH}/drive.metadata.readonly",
    "write": f"{_AUTH}/drive",
}
"""What is asked for besides where the estate names shared drives, to read and to write.

https://developers.google.com/workspace/drive/api/guides/api-specific-auth
"""
DENYING = "iam/v2"
SECONDS = 6
"""The longest that one request waits to connect, and then for an answer: both end in the lease."""
READS = 5
"""How often a read is tried again by the client."""
_RESUME = 308
"""Not a redirect to Google: https://docs.cloud.google.com/storage/docs/resumable-uploads ."""


class Once(httplib2.Http):  # type: ignore[misc]
    """Sends each request once. Its base sends one again whose answer was lost, writes too.

    The second one would be told that the etag has moved, and we would take our own edit for
    somebody else's.
    """

    def _conn_request(self, conn: Any, *words: Any) -> Any:
        connects = iter((conn.connect,))

        def once() -> None:
            connect = next(connects, None)
            if connect is None:
                raise ConnectionResetError("the connection was closed without an answer")
            connect()

        conn.connect = once
        return super()._conn_request(conn, *words)


@cache
def _service(api: str, version: str, *, plain: bool) -> tuple[Any, str]:
    """An API's resource objects, made once for the process, and the root of its addresses.

    `plain`: never the root for client certificates, whatever the environment says.
    """
    document = json.loads(get_static_doc(api, version))
    if plain:
        document.pop("mtlsRootUrl", None)
    return build_from_document(document, http=httplib2.Http()), document["rootUrl"]


@cache
def _resource(api: str, version: str, path: tuple[str, ...], *, plain: bool) -> Any:
    if not path:
        return _service(api, version, plain=plain)[0]
    *above, name = path
    return getattr(_resource(api, version, tuple(above), plain=plain), name)()


@cache
def _leaf(method: str, *, plain: bool) -> Callable[..., Any]:
    """A method of a resource object, which holds no state of a call."""
    api, version, path = method.split("/")
    *resources, verb = path.split(".")
    leaf: Callable[..., Any] = getattr(_resource(api, version, tuple(resources), plain=plain), verb)
    return leaf


@dataclass
class Clients:
    """All clients of one estate. Threads share them. `on_call` is told each method."""

    estate: GcpEstate
    on_call: Callable[[str], None] = lambda _method: None
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    bucket_writes: float = 0.9
    """How often a second the metadata of one bucket may change; Google takes one."""

    calls: int = 0
    left: dict[Address, float] = field(default_factory=dict)
    """When what a deny of ours is about was taken out of policies, by the clock, or seen to be."""
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False)
    _rates: dict[tuple[str, bool], Rate | Window] = field(default_factory=dict, repr=False)
    _alone: dict[str, threading.Lock] = field(default_factory=dict, repr=False)
    _keys: dict[tuple[str, str], Any] = field(default_factory=dict, repr=False)
    _idle: dict[str, list[AuthorizedHttp]] = field(default_factory=dict, repr=False)

    def ask(self, method: str, **words: Any) -> Json:
        """Make one reading call. Raises ConnectorError with a typed cause."""
        return self._call(method, words, writing=False)

    def ask_once(self, method: str, **words: Any) -> Json:
        """The same, sent once: for what is good to know, and worth no wait."""
        return self._call(method, words, writing=False, retries=0)

    def do(self, method: str, *, if_match: str = "", **words: Any) -> Json:
        """Make one writing call, once. Raises ConnectorError; `landed` None where nobody knows.

        `if_match` is the etag on which it is to be done, where a method takes it as a header.
        """
        return self._call(method, words, writing=True, retries=0, if_match=if_match)

    def pages(self, method: str, items: str, **words: Any) -> list[Json]:
        """Ask for a list to its last page; an empty one may have a next. Raises ConnectorError.

        https://docs.cloud.google.com/apis/design/design_patterns#list_pagination
        """
        return [one for page in self.paged(method, items, **words) for one in page]

    def paged(self, method: str, items: str, **words: Any) -> Iterator[list[Json]]:
        """The same, page by page, for a list that may be too long to read to its end."""
        more: dict[str, str] = {}
        while True:
            page = self.ask(method, **words, **more)
            yield page.get(items, [])
            if not page.get("nextPageToken"):
                return
            more = {"pageToken": page["nextPageToken"]}

    @contextmanager
    def alone(self, what: str) -> Iterator[None]:
        """Let no other thread in for the same thing: of two edits at once one would be lost.

        Raises ConnectorError (throttled) where that takes longer than a write may wait.
        """
        with self._lock:
            turn = self._alone.setdefault(what, threading.Lock())
        if not turn.acquire(timeout=WAIT_SECONDS):
            raise ConnectorError(Cause.THROTTLED, f"another write of ours is at {what}")
        try:
            yield
        finally:
            turn.release()

    def close(self) -> None:
        """Close every connection that is open."""
        with self._lock:
            for http in [h for held in self._idle.values() for h in held]:
                http.close()
            self._idle.clear()

    def _call(
        self,
        method: str,
        words: Mapping[str, Any],
        *,
        writing: bool,
        retries: int = READS,
        if_match: str = "",
    ) -> Json:
        what = f"{method} {_named(words)}".strip()
        try:
            request = self._request(method, words)
            request.headers |= {"If-Match": if_match} if if_match else {}
            http = self._take("write" if writing else "read")
        except Exception as error:
            raise translated(error, what, writing=False) from error
        try:
            self._turn(method, words, writing=writing)
        except ConnectorError:
            self._give(http, "write" if writing else "read", whole=True)
            raise
        self.on_call(method)
        self.calls += 1
        whole = False
        try:
            answer = request.execute(http=http, num_retries=retries)
            whole = True
        except Exception as error:
            whole = isinstance(error, HttpError)
            raise translated(error, what, writing=writing) from error
        finally:
            self._give(http, "write" if writing else "read", whole=whole)
        return answer

    def _turn(self, method: str, words: Mapping[str, Any], *, writing: bool) -> None:
        """Wait for a turn. Raises ConnectorError where a write would wait for too long.

        https://docs.cloud.google.com/storage/quotas#buckets
        """
        started = self.clock()
        if method in _METADATA:
            with self._lock:
                own = Rate(self.bucket_writes, self.clock, self.sleep)
                pace = self._rates.setdefault((f"bucket {words['bucket']}", False), own)
            pace.take(WAIT_SECONDS)
        most = WAIT_SECONDS - (self.clock() - started) if writing else inf
        self._rate(method, writing=writing).take(most)

    def _slept(self, seconds: float) -> None:
        self.sleep(seconds)

    # --- services ------------------------------------------------------------------------------

    def _request(self, method: str, words: Mapping[str, Any]) -> Any:
        """One request of a method; it goes to the estate's own root where there is one."""
        root = self.estate.api_root
        request = _leaf(method, plain=bool(root))(**words)
        if root:
            api, version, _ = method.split("/")
            theirs = _service(api, version, plain=True)[1]
            ours = f"{root.rstrip('/')}/{api}/{version}/"
            request.uri = ours + request.uri.removeprefix(theirs)
        request._sleep = self._slept  # noqa: SLF001 - the client's own seam for its back-off
        return request

    def _rate(self, method: str, *, writing: bool) -> Rate | Window:
        """Ours for one service. Deny policies have a limit of their own, and few writes of ours.

        A write of one waits for nothing here, since it is sent under a lease.
        https://docs.cloud.google.com/iam/quotas
        """
        key = method.rpartition("/")[0]
        paced = key == DENYING and not writing
        with self._lock:
            if (key, paced) not in self._rates:
                few = Window(self.estate.deny_reads_per_minute, self.clock, self.sleep)
                many = Rate(self.estate.calls_per_second, self.clock, self.sleep)
                self._rates[key, paced] = few if paced else many
            return self._rates[key, paced]

    # --- connections and credentials -----------------------------------------------------------

    def _take(self, mode: str) -> AuthorizedHttp:
        with self._lock:
            idle = self._idle.setdefault(mode, [])
            if idle:  # reads alone: the other end may have closed it, and a read asks again
                return idle.pop()
            credentials = self._credentials(mode)
        http = (httplib2.Http if mode == "read" else Once)(timeout=SECONDS)
        http.redirect_codes = http.redirect_codes - {_RESUME}
        return AuthorizedHttp(credentials, http=http)

    def _give(self, http: AuthorizedHttp, mode: str, *, whole: bool) -> None:
        if not whole or mode != "read":
            http.close()
            return
        with self._lock:
            self._idle.setdefault(mode, []).append(http)

    def _credentials(self, mode: str) -> Any:
        """Whoever reads, or whoever writes; made once. Raises google-auth's own errors."""
        estate = self.estate
        reader = estate.read_service_account or estate.service_account
        who = reader if mode == "read" else estate.service_account
        if (who, mode) not in self._keys:
            scopes = [*SCOPES, *(WORKSPACE[mode] if estate.customer else ())]
            scopes += [OF_DRIVES[mode]] if estate.shared_drives else []
            source = self._own(list(SCOPES) if who else scopes)
            self._keys[who, mode] = self._as(who, source, scopes) if who else source
        return self._keys[who, mode]

    def _as(self, who: str, source: Any, scopes: list[str]) -> Any:
        """Tokens of a service account, made where all of Google's services answer.

        https://docs.cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateAccessToken
        """
        root, name = self.estate.api_root, f"projects/-/serviceAccounts/{who}"
        where = f"{(root or '').rstrip('/')}/iamcredentials/v1/v1/{name}:generateAccessToken"
        return impersonated_credentials.Credentials(  # type: ignore[no-untyped-call]
            source_credentials=source,
            target_principal=who,
            target_scopes=scopes,
            iam_endpoint_override=where if root else None,
        )

    def _own(self, scopes: list[str]) -> Any:
        """The worker's own: a token that is handed in, or application default credentials.

        https://docs.cloud.google.com/docs/authentication/application-default-credentials
        """
        name = self.estate.access_token_from
        if name is None:
            return google.auth.default(scopes=scopes)[0]
        if not (token := variable(name)):
            what = f"{name} is not set to an access token"
            raise DefaultCredentialsError(what)  # type: ignore[no-untyped-call]
        return Credentials(token=token)  # type: ignore[no-untyped-call]


WAITS = (0.5, 1.0, 2.0)
"""Seconds between looks at what is done in the background."""
_METADATA = frozenset({"storage/v1/buckets.patch", "storage/v1/buckets.setIamPolicy"})
_NAMES = (
    "name", "resource", "parent", "bucket", "project", "datasetId", "projectId", "groupKey",
    "userKey", "customer", "fileId",
)  # fmt: skip


def _named(words: Mapping[str, Any]) -> str:
    return next((str(words[key]) for key in _NAMES if key in words), "")


DENIES = "iam/v2/policies.operations.get"


def done(clients: Clients, operation: Json, method: str = DENIES) -> None:
    """Wait for what IAM does in the background. Raises ConnectorError where it failed.

    The write has been sent: whatever becomes of a look at it, nobody knows whether it landed.
    https://docs.cloud.google.com/iam/docs/reference/rest/v2/policies.operations/get
    """
    for wait in WAITS:
        if operation.get("done"):
            break
        clients.sleep(wait)
        operation = _looked(clients, operation, method)
    if not operation.get("done"):
        what = f"{operation.get('name', 'the operation')} is still under way"
        raise ConnectorError(Cause.UNREACHABLE, what, landed=None)
    if error := operation.get("error"):
        raise ConnectorError(Cause.REFUSED, f"IAM refused it: {error.get('message')}")


def _looked(clients: Clients, operation: Json, method: str) -> Json:
    try:
        return clients.ask(method, name=operation["name"])
    except ConnectorError as error:  # a refusal of the look is none of the write
        raise ConnectorError(Cause.UNREACHABLE, error.detail, landed=None) from error
