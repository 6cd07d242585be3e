"""Routes and bodies as the discovery documents have them that google-api-python-client ships.

https://developers.google.com/discovery/v1/reference/apis
"""

import functools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from googleapiclient.discovery_cache import get_static_doc

from stopline.drill.google.errors import invalid
from stopline.text import Json

SERVED = (
    ("cloudresourcemanager", "v3"),
    ("iam", "v1"),
    ("iam", "v2"),
    ("iamcredentials", "v1"),
    ("storage", "v1"),
    ("cloudasset", "v1"),
    ("admin", "directory_v1"),
    ("cloudidentity", "v1"),
    ("pubsub", "v1"),
    ("secretmanager", "v1"),
    ("cloudkms", "v1"),
    ("artifactregistry", "v1"),
    ("bigquery", "v2"),
    ("drive", "v3"),
    ("run", "v1"),
    ("run", "v2"),
    ("orgpolicy", "v2"),
    ("policytroubleshooter", "v3"),
)
"""The documents whose methods are known here; what has no behaviour is answered with 501."""

LEGACY = ("storage", "admin", "bigquery", "drive")
"""Services with the older error body; they pass over a field that they do not know."""

COMMON = frozenset({"alt", "key", "quotaUser", "prettyPrint", "fields", "uploadType"})


@dataclass(frozen=True)
class Method:
    """One method of one document."""

    key: str
    """`storage.v1.buckets.get`: how behaviours and faults name it."""

    id: str
    api: str
    version: str
    verb: str
    route: re.Pattern[str]
    names: tuple[str, ...]
    literal: int
    parameters: Json
    request: str
    writes: bool

    @property
    def legacy(self) -> bool:
        """Whether its service answers in the older style."""
        return self.api in LEGACY


@functools.cache
def document(api: str, version: str) -> Json:
    """The shipped document. Raises KeyError when the installed client ships none."""
    text = get_static_doc(api, version)
    if text is None:
        raise KeyError(f"{api} {version}")
    return json.loads(text)


def _methods(node: Json) -> Iterator[Json]:
    yield from node.get("methods", {}).values()
    for child in node.get("resources", {}).values():
        yield from _methods(child)


def _route(path: str, parameters: Json) -> tuple[re.Pattern[str], tuple[str, ...], int]:
    """The expression of a path. Each `{+x}` takes what its own pattern allows, `{x}` no slash."""
    names: list[str] = []
    out, literal = "", 0
    for piece in re.split(r"(\{[^}]+\})", path):
        if not piece.startswith("{"):
            out += re.escape(piece)
            literal += len(piece)
            continue
        name = piece.strip("{+}")
        pattern = parameters.get(name, {}).get("pattern", "")
        inner = pattern.removeprefix("^").removesuffix("$") if pattern else "[^/]+"
        if not pattern and piece.startswith("{+"):
            inner = "[^/]+" if path.count("{") > 1 else ".+"
        names.append(name)
        out += f"({inner})"
    return re.compile(f"^{out}$"), tuple(names), literal


def _method(api: str, version: str, prefix: str, found: Json) -> Method:
    parameters = found.get("parameters", {})
    route, names, literal = _route(prefix + found["path"], parameters)
    tail = found["id"].partition(".")[2]
    verb = found["httpMethod"]
    reads = tail.rpartition(".")[2] in ("getIamPolicy", "testIamPermissions", "troubleshoot")
    return Method(
        f"{api}.{version}.{tail}",
        found["id"],
        api,
        version,
        verb,
        route,
        names,
        literal,
        parameters,
        found.get("request", {}).get("$ref", ""),
        verb != "GET" and not reads,
    )


@functools.cache
def methods(api: str, version: str) -> tuple[Method, ...]:
    """All methods of one document, the most literal first, so that `:verb` wins."""
    found = document(api, version)
    made = [_method(api, version, found["servicePath"], m) for m in _methods(found)]
    return tuple(sorted(made, key=lambda m: -m.literal))


def match(api: str, version: str, verb: str, path: str) -> tuple[Method, list[str]] | None:
    """The method of a raw path, still encoded, and its parameters; None when there is none."""
    for method in methods(api, version):
        if method.verb == verb and (hit := method.route.match(path)):
            values = [v or "" for v in hit.groups()[: len(method.names)]]
            return method, values
    return None


_TEXTS = {"integer": re.compile(r"-?\d+"), "boolean": re.compile(r"true|false", re.IGNORECASE)}


def check_query(method: Method, query: dict[str, list[str]]) -> None:
    """Hold parameters to the document: names, kinds, closed sets. Raises GoogleError 400."""
    for name, values in query.items():
        found = method.parameters.get(name)
        if found is None and name not in COMMON and not name.startswith("$"):
            raise invalid(
                f'Invalid JSON payload received. Unknown name "{name}": '
                "Cannot bind query parameter.",
                name,
            )
        for value in values if found else ():
            _check_value(name, found, value)
    for name, found in method.parameters.items():
        if found.get("required") and found.get("location") == "query" and name not in query:
            raise invalid(f"Required parameter: {name}", name)


def _check_value(name: str, found: Json, value: str) -> None:
    kind = _TEXTS.get(found.get("type", ""))
    wrong = kind is not None and not kind.fullmatch(value)
    if wrong or value not in found.get("enum", [value]):
        raise invalid(f"Invalid value for {name}: {value!r}", name)


def check_body(method: Method, body: Json) -> None:
    """Hold a body to its schema: names, kinds and closed sets of values. Raises GoogleError."""
    if method.request and body is not None:
        schemas = document(method.api, method.version)["schemas"]
        _check({"$ref": method.request}, body, "", schemas, lenient=method.legacy)


def known_only(method: Method, body: Json) -> Json:
    """A body without the fields that an older service passes over."""
    if not method.legacy or not method.request:
        return body
    return _known({"$ref": method.request}, body, document(method.api, method.version)["schemas"])


def _known(schema: Json, value: Json, schemas: Json) -> Json:
    if "$ref" in schema:
        schema = schemas[schema["$ref"]]
    if isinstance(value, list):
        return [_known(schema.get("items", {}), item, schemas) for item in value]
    if not isinstance(value, dict) or schema.get("type") != "object":
        return value
    known, rest = schema.get("properties", {}), schema.get("additionalProperties")
    inner = {name: known.get(name, rest) for name in value}
    return {n: _known(i, value[n], schemas) for n, i in inner.items() if i is not None}


def _check(schema: Json, value: Json, where: str, schemas: Json, *, lenient: bool) -> None:
    if "$ref" in schema:
        schema = schemas[schema["$ref"]]
    if value is None or not _kind(schema, value, where):
        return
    if isinstance(value, list):
        for number, item in enumerate(value):
            _check(schema.get("items", {}), item, f"{where}[{number}]", schemas, lenient=lenient)
    elif isinstance(value, dict):
        _check_object(schema, value, where, schemas, lenient=lenient)
    elif (allowed := schema.get("enum")) and value not in allowed:
        raise invalid(f"Invalid value at '{where}' ({value!r})", where)


def _check_object(
    schema: Json, value: dict[str, Json], where: str, schemas: Json, *, lenient: bool
) -> None:
    known = schema.get("properties", {})
    rest = schema.get("additionalProperties")
    for name, item in value.items():
        inner = known.get(name, rest)
        place = f"{where}.{name}".strip(".")
        if inner is not None:
            _check(inner, item, place, schemas, lenient=lenient)
        elif not lenient and (known or schema.get("type") == "object"):
            at = f" at '{where}'" if where else ""
            raise invalid(
                f'Invalid JSON payload received. Unknown name "{name}"{at}: Cannot find field.',
                where,
            )


_KINDS: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str, int),  # 64 bit numbers may come as numbers
    "boolean": (bool,),
    "integer": (int, str),
    "number": (int, float),
}


def _kind(schema: Json, value: Json, where: str) -> bool:
    """Whether there is more to look at in the value. Raises when it is of another kind."""
    kinds = _KINDS.get(cast("str", schema.get("type", "any")))
    if kinds is None:
        return False
    number_only = schema.get("type") != "boolean" and isinstance(value, bool)
    if not isinstance(value, kinds) or number_only:
        raise invalid(f"Invalid value at '{where}' ({schema.get('type')}), {value!r}", where)
    return True
