"""Key groups of CloudFront, which the emulator does not update: answered by XML, under their tags.

As the reference of CloudFront has it.
https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_UpdateKeyGroup.html
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

from botocore.awsrequest import AWSResponse
from support.aws import answer, body_of, error_text

_PATH = re.compile(r"/key-group(?:/(\w+))?$")
_FIELDS = {name: re.compile(rf"<{name}>([^<]*)</{name}>") for name in ("Name", "Comment")}
_KEY = re.compile(r"<PublicKey>([^<]*)</PublicKey>")
OPERATIONS = {"PUT": "UpdateKeyGroup", "GET": "GetKeyGroup"}


@dataclass
class Group:
    """One group, and how often it was written."""

    name: str
    comment: str
    keys: list[str]
    version: int = 1


@dataclass
class KeyGroups:
    """All groups by their ids. `instead` answers in place of an operation, before or `after` it."""

    there: dict[str, Group] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    instead: Callable[[str], AWSResponse | None] = lambda _operation: None
    after: Callable[[str], AWSResponse | None] = lambda _operation: None
    page: int = 100

    def make(self, id_: str, *keys: str, comment: str = "kept & said") -> str:
        """Have one."""
        self.there[id_] = Group(f"of-{id_}", comment, [*keys])
        return id_

    def keys(self) -> dict[str, list[str]]:
        """What is in each; the order means nothing."""
        return {id_: sorted(group.keys) for id_, group in self.there.items()}

    def interfere(self, request: Any) -> AWSResponse | None:
        """Answer what is about key groups, and nothing else; see `Cloud.interfere`."""
        found = _PATH.search(urlsplit(request.url).path)
        if not found:
            return None
        id_ = found.group(1) or ""
        operation = OPERATIONS[request.method] if id_ else "ListKeyGroups"
        self.asked.append(operation)
        first = self.instead(operation)
        if first is not None:
            return first
        said = self._answered(operation, id_, request)
        return self.after(operation) or said

    def _answered(self, operation: str, id_: str, request: Any) -> AWSResponse:
        if operation == "ListKeyGroups":
            return self._listed(parse_qs(urlsplit(request.url).query))
        group = self.there.get(id_)
        if group is None:
            return answer(404, error_text("NoSuchResource"))
        if operation == "UpdateKeyGroup":
            tag = request.headers.get("If-Match", b"")
            if (tag.decode() if isinstance(tag, bytes) else tag) != f"E{group.version}":
                return answer(412, error_text("PreconditionFailed"))
            text = body_of(request)
            keys = _KEY.findall(text)
            if not keys:
                return answer(400, error_text("InvalidArgument"))
            name, comment = ("".join(_FIELDS[n].findall(text)[:1]) for n in ("Name", "Comment"))
            plain = comment.replace("&amp;", "&")
            self.there[id_] = Group(name, plain, keys, group.version + 1)
        return self._shown(id_)

    def _shown(self, id_: str) -> AWSResponse:
        shown = answer(200, _group(id_, self.there[id_]))
        shown.headers["ETag"] = f"E{self.there[id_].version}"
        return shown

    def _listed(self, asked: dict[str, list[str]]) -> AWSResponse:
        start = int("".join(asked.get("Marker", ["0"])))
        some = [*self.there.items()][start : start + self.page]
        rest = start + self.page < len(self.there)
        more = f"<NextMarker>{start + self.page}</NextMarker>" if rest else ""
        items = "".join(
            f"<KeyGroupSummary>{_group(id_, group)}</KeyGroupSummary>" for id_, group in some
        )
        text = f"<KeyGroupList>{more}<Quantity>{len(some)}</Quantity><Items>{items}</Items>"
        return answer(200, f"{text}</KeyGroupList>")


def _group(id_: str, group: Group) -> str:
    keys = "".join(f"<PublicKey>{key}</PublicKey>" for key in group.keys)
    config = f"<Name>{group.name}</Name><Items>{keys}</Items>"
    config += f"<Comment>{escape(group.comment)}</Comment>" if group.comment else ""
    return (
        f"<KeyGroup><Id>{id_}</Id><LastModifiedTime>2026-01-01T00:00:00Z</LastModifiedTime>"
        f"<KeyGroupConfig>{config}</KeyGroupConfig></KeyGroup>"
    )
