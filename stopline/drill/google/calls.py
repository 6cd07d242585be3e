"""What a behaviour is given, and how behaviours are known by the method that they answer."""

import base64
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from stopline.drill.google.documents import COMMON, Method
from stopline.drill.google.errors import GoogleError, invalid
from stopline.drill.google.oracle import allowed
from stopline.drill.google.principals import CLOUD, Caller
from stopline.drill.google.roles import permission_of
from stopline.drill.google.state import State
from stopline.text import Json, canonical, sha256

T = TypeVar("T")
_WITHOUT_MEANING = frozenset({"userProject", "projection", "viewType"})
"""Parameters that change here at most how much is shown, or who pays."""


@dataclass
class Call:
    """One request that is well formed."""

    state: State
    caller: Caller
    method: Method
    names: dict[str, str]
    """The values of the path, decoded."""

    query: dict[str, list[str]]
    body: Json
    content: bytes = b""
    kind: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    heard: set[str] = field(default_factory=set)
    """The query parameters that a behaviour has looked at."""

    def unheard(self) -> list[str]:
        """The query parameters that were sent and that nothing has looked at."""
        return sorted(set(self.query) - self.heard - COMMON - _WITHOUT_MEANING)

    def many(self, name: str) -> list[str]:
        """All values of a query parameter."""
        self.heard.add(name)
        return self.query.get(name, [])

    def asked(self, name: str, default: str = "") -> str:
        """The value of a query parameter."""
        self.heard.add(name)
        return self.query.get(name, [default])[-1]

    def flag(self, name: str) -> bool:
        """Whether a query parameter is true."""
        return self.asked(name).lower() == "true"

    def may(self, permission: str, name: str) -> bool:
        """Whether the caller may use a permission on a resource."""
        return allowed(self.state, self.caller, permission, name)

    def require(self, permission: str, name: str) -> None:
        """Raise GoogleError 403 when the caller may not."""
        if not self.may(permission, name):
            raise refused(self, permission, name)


def refused(call: Call, permission: str, name: str) -> GoogleError:
    """The refusal of a permission, in the words of the service."""
    if call.method.api == "storage":
        who = call.caller.member or "Anonymous caller"
        code = 401 if call.caller.member == "allUsers" else 403
        return GoogleError(
            code,
            f"{who.partition(':')[2] or who} does not have {permission} access to the Google "
            f"Cloud Storage resource. Permission '{permission}' denied on resource "
            "(or it may not exist).",
        )
    info = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "IAM_PERMISSION_DENIED",
        "domain": "iam.googleapis.com",
        "metadata": {"permission": permission, "resource": name},
    }
    message = f"Permission '{permission}' denied on resource '{name}' (or it may not exist)."
    return GoogleError(403, message, details=[info])


Behaviour = Callable[[Call], Json]
Place = Callable[[Call], str]


@dataclass(frozen=True)
class Answer:
    """How one method is answered. Without `on` the behaviour itself decides who may call it."""

    act: Behaviour
    on: Place | None
    permission: str

    def give(self, call: Call) -> Json:
        """The answer's body; bytes are given as they are. Raises GoogleError."""
        if self.on is not None:
            name = self.on(call)
            if name.startswith(CLOUD):
                _node(call, name, self.permission or permission_of(call.method))
            call.state.get(name)
            call.require(self.permission or permission_of(call.method), name)
        return self.act(call)


def _node(call: Call, name: str, permission: str) -> None:
    """A node of the tree that does not exist is refused like one that the caller may not see."""
    found = call.state.resources.get(name)
    if found is None or found.hidden:
        raise refused(call, permission, name)


ANSWERS: dict[str, Answer] = {}


def answers(
    *keys: str, on: Place | None = None, permission: str = ""
) -> Callable[[Behaviour], Behaviour]:
    """Let a function answer methods, for callers who hold the permission on the resource of `on`.

    The permission follows from the method's id where it is not said.
    """

    def known(act: Behaviour) -> Behaviour:
        for key in keys:
            ANSWERS[key] = Answer(act, on, permission)
        return act

    return known


def page(
    call: Call, found: Iterable[T], *, size: str = "pageSize", usual: int = 50, most: int = 1000
) -> tuple[list[T], dict[str, str]]:
    """One page, and `nextPageToken` when there are more. A token is good for its own query only.

    https://cloud.google.com/apis/design/design_patterns#list_pagination
    """
    items = list(found)
    query = {k: v for k, v in call.query.items() if k not in ("pageToken", size)}
    digest = sha256(canonical([call.method.key, call.names, query]))[:16]
    start, empty = _start(call, digest)
    call.heard.add(size)
    asked = int(call.asked(size) or usual)
    count = min(asked or usual, most, call.state.page_limit or most)
    if call.state.empty_pages and not empty and items:
        return [], {"nextPageToken": _token(digest, start, empty=True)}
    rest = items[start + count :]
    more = {"nextPageToken": _token(digest, start + count)} if rest else {}
    return items[start : start + count], more


def _token(digest: str, start: int, *, empty: bool = False) -> str:
    return base64.urlsafe_b64encode(f"{digest}:{start}:{int(empty)}".encode()).decode()


def _start(call: Call, digest: str) -> tuple[int, bool]:
    token = call.asked("pageToken")
    if not token:
        return 0, False
    try:
        owner, start, empty = base64.urlsafe_b64decode(token).decode().split(":")
        if owner == digest:
            return int(start), empty == "1"
    except ValueError:
        pass
    raise invalid("Request contains an invalid page token.", "page_token")
