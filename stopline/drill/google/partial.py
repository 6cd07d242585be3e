"""Partial responses: the `fields` parameter of every API.

https://developers.google.com/drive/api/guides/fields-parameter
"""

import re

from stopline.drill.google.errors import invalid
from stopline.text import Json

_PIECE = re.compile(r"[A-Za-z0-9_*.-]+|[(),/]")


def partial(body: Json, fields: str) -> Json:
    """Only what `a,b(c,d),e/f` names. Raises GoogleError 400 for what is no such text."""
    pieces = _PIECE.findall(fields)
    if "".join(pieces) != re.sub(r"\s", "", fields):
        raise invalid(f"Invalid field selection {fields}", "fields")
    tree, rest = _names(pieces)
    if rest:
        raise invalid(f"Invalid field selection {fields}", "fields")
    return _keep(body, tree)


def _names(pieces: list[str]) -> tuple[dict[str, Json], list[str]]:
    """The names up to a closing bracket, as a tree, and what comes after it."""
    tree: dict[str, Json] = {}
    while pieces and pieces[0] != ")":
        name, pieces = pieces[0], pieces[1:]
        inner: dict[str, Json] = {}
        tree[name] = inner
        while pieces[:1] == ["/"] and len(pieces) > 1:
            inner[pieces[1]] = {}
            inner, pieces = inner[pieces[1]], pieces[2:]
        if pieces[:1] == ["("]:
            found, pieces = _names(pieces[1:])
            if pieces[:1] != [")"]:
                raise invalid("Invalid field selection", "fields")
            inner.update(found)
            pieces = pieces[1:]
        if pieces[:1] == [","]:
            pieces = pieces[1:]
    return tree, pieces


def _keep(body: Json, tree: dict[str, Json]) -> Json:
    if not tree:
        return body
    if isinstance(body, list):
        return [_keep(item, tree) for item in body]
    if not isinstance(body, dict):
        return body
    every = tree.get("*")
    kept = {k: tree.get(k, every) for k in body if k in tree or every is not None}
    return {k: _keep(body[k], inner or {}) for k, inner in kept.items()}
