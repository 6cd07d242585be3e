"""One JSON text for each value, and its digest. Pure."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter

Json = Any
"""What `json.loads` returns. The one alias for untyped provider data."""

T = TypeVar("T")
_ADAPTERS: dict[type, TypeAdapter[Any]] = {}


def canonical(value: Json) -> str:
    """Return the one JSON text for a value: sorted keys, no spaces, non-ASCII kept."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


_CASELESS = ("user", "group", "serviceAccount")


def folded(name: str) -> str:
    """A name as its system compares it: Google's addresses in small letters, all else as it is.

    https://docs.cloud.google.com/iam/docs/reference/rest/v1/Policy#Binding
    """
    return name.casefold() if name.partition(":")[0] in _CASELESS else name


def sha256(text: str) -> str:
    """Return the hexadecimal SHA-256 of a text's UTF-8 bytes."""
    return hashlib.sha256(text.encode()).hexdigest()


def sha256_bytes(data: bytes) -> str:
    """Return the hexadecimal SHA-256 of bytes."""
    return hashlib.sha256(data).hexdigest()


def _adapter(kind: type) -> TypeAdapter[Any]:
    """Made once for each kind: making one costs more than a thousand uses of it."""
    made = _ADAPTERS.get(kind)
    if made is None:
        made = _ADAPTERS[kind] = TypeAdapter(kind)
    return made


def jsonable(value: object) -> Json:
    """Return a noun of the model as plain JSON data."""
    return _adapter(type(value)).dump_python(value, mode="json")


def dump(value: object) -> str:
    """Return the canonical JSON of any noun of the model."""
    return canonical(jsonable(value))


def load(kind: type[T], text: str) -> T:
    """Read back what `dump` wrote. Raises pydantic.ValidationError on anything else."""
    return cast("T", _adapter(kind).validate_json(text))


def texts_in(value: Json) -> Iterator[str]:
    """Yield every text that stands in a value, at any depth."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from texts_in(item)
