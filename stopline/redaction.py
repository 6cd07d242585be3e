"""Secrets out of anything that is about to be shown. Pure.

Two nets: the name beside a value (`password`, `SecretAccessKey` …), and the form of the text
itself. Both hide too much rather than too little, except for access key ids, which a responder
needs to tell keys apart: their first and last four characters stay.
"""

import re
from collections.abc import Callable, Mapping, MutableMapping
from functools import partial
from typing import Any

from stopline.text import Json

HIDDEN = "[redacted]"
LONGEST = 20_000
"""Characters of one value; the rest is cut off. Nobody reads more of a line."""
DEEPEST = 12

_WORDS = (
    r"pass(?:word|wd|phrase)|pwd|secret(?:[ _-]?access[ _-]?key|[ _-]?key)?"
    r"|(?:session|security|access|refresh|id|bearer|api|auth)?[ _-]?token"
    r"|api[ _-]?key|private[ _-]?key|signature|cookie|authorization"
)
_NAME = re.compile(
    r"passw|passphrase|pwd|secret|token|authorization|cookie|api[ _-]?key|private[ _-]?key"
    r"|credential|signature",
    re.IGNORECASE,
)
_TELLING = re.compile(r"_(?:digest|count|seconds)$", re.IGNORECASE)
"""A name that ends so is about a secret, and is not one."""

_SAID = "‹[a-z ]+›"
"""What `hide` left in place of a secret."""
_QUOTED = re.compile(
    rf"""((?:{_WORDS})\\*["']?\s*[:=]\s*b?)(\\*["'])(?!{_SAID}\2)(?:(?!\2)(?:\\.|[^\\]))*(?:\2|\Z)""",
    re.IGNORECASE | re.DOTALL,
)
_FORTY = r"(?<![A-Za-z0-9/+])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+])"
_BARE = re.compile(
    rf"""((?:{_WORDS})\\*["']?\s*[:=]\s*)(?!\[redacted\]|{_SAID}|\\*["'])[^\s"'&,;}})\]]+""",
    re.IGNORECASE,
)


def _short_key(found: re.Match[str]) -> str:
    return f"{found[0][:4]}…{found[0][-4:]}"


def _mixed(found: re.Match[str]) -> str:
    text = found[0]
    kinds = ("[a-z]", "[A-Z]", "[0-9]")
    return HIDDEN if all(re.search(kind, text) for kind in kinds) else text


_Replacement = str | Callable[[re.Match[str]], str]
_FORMS: tuple[tuple[str, re.Pattern[str], _Replacement], ...] = (
    # PEM, also when it was cut off or written with \n
    (
        "private key",
        re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?s:.*?)(?:-----END[A-Z0-9 ]*-----|\Z)"),
        HIDDEN,
    ),
    # the password of a URL; greedy, for one that holds '@' or '/', and no longer than one is: else
    # a text of many beginnings would be read to its end from each
    (
        "password",
        re.compile(r"""(://[^\s:/@"']*:)[^\s"'<>]{1,1000}@"""),
        rf"\1{HIDDEN}@",
    ),
    (
        "authorization",
        re.compile(r"""(?i)\b(authorization["']?\s*[:=]\s*["']?)[^\r\n"']+"""),
        rf"\1{HIDDEN}",
    ),
    ("token", re.compile(r"(?i)\b(bearer\s+)[\w.~+/=-]{8,}"), rf"\1{HIDDEN}"),
    # an AWS key id and its secret in one breath
    (
        "secret key",
        re.compile(r"((?:AKIA|ASIA)[A-Z0-9]{12,124}\W{1,5})[A-Za-z0-9/+]{40}"),
        rf"\1{HIDDEN}",
    ),
    ("secret", _QUOTED, rf"\1\2{HIDDEN}\2"),
    ("secret", _BARE, rf"\1{HIDDEN}"),
    # a secret access key within a few words of its name
    (
        "secret key",
        re.compile(rf"(?i)((?:secret|access.?key)\W.{{0,24}}?){_FORTY}"),
        rf"\1{HIDDEN}",
    ),
    # JWT, Slack, Stripe, GitHub, Google
    ("token", re.compile(r"eyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]*)*"), HIDDEN),
    ("token", re.compile(r"xox[a-z](?:\.xox[a-z])?-[\w-]+|xapp-[\w-]+"), HIDDEN),
    ("token", re.compile(r"(?:sk|rk)_(?:live|test)_\w+|whsec_[\w+/=]+"), HIDDEN),
    (
        "token",
        re.compile(r"gh[pousr]_\w{20,}|github_pat_\w+|AIza[\w-]{30,}|ya29\.[\w.-]+"),
        HIDDEN,
    ),
    # a session token, or whatever else is as long and as dense
    ("token", re.compile(r"[A-Za-z0-9+/=_%-]{100,}"), _mixed),
    ("key id", re.compile(r"(?:AKIA|ASIA)[A-Z0-9]{12,124}"), _short_key),
    # 40 characters that look like a secret access key, wherever they stand
    ("secret key", re.compile(_FORTY), _mixed),
)
"""What a secret is called, what it looks like, and what stays of it."""


def redact_text(text: str) -> str:
    """The text without anything in it that looks like a secret."""
    if len(text) > LONGEST:
        text = f"{text[:LONGEST]}… ({len(text)} characters)"
    for _, form, replacement in _FORMS:
        text = form.sub(replacement, text)
    return text


def hide(text: str, told: Callable[[str], str]) -> str:
    """The whole text with its secrets hidden, for who must read it whole: nothing is cut off.

    `told` says what is shown, in the guillemets that no other form takes for a secret again, given
    what was hidden: a password, a token. The ids of access keys stay: they are no secrets, and tell
    which key was switched off.
    """

    def hidden(found: re.Match[str], kind: str, replacement: _Replacement) -> str:
        shown = replacement(found) if callable(replacement) else found.expand(replacement)
        return shown.replace(HIDDEN, told(kind)) if HIDDEN in shown else shown

    for kind, form, replacement in _FORMS:
        if replacement is not _short_key:
            text = form.sub(partial(hidden, kind=kind, replacement=replacement), text)
    return text


def redact(value: Any, depth: int = 0) -> Json:
    """Any value as plain data without secrets: keys, values, bytes, to the bottom."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return redact_text(str(value))
    if isinstance(value, bytes | bytearray | memoryview):
        return redact_text(bytes(value).decode("utf-8", "backslashreplace"))
    if isinstance(value, Mapping | list | tuple | set | frozenset):
        return _many(value, depth) if depth < DEEPEST else HIDDEN
    return redact_text(_text(value))


def _many(values: Any, depth: int) -> Json:
    if isinstance(values, Mapping):
        return {redact_text(_text(k)): _beside(k, v, depth) for k, v in values.items()}
    return [redact(value, depth + 1) for value in values]


def _beside(name: object, value: object, depth: int) -> Json:
    """A value, hidden altogether when its name says what it is."""
    text = _text(name)
    secret = _NAME.search(text) and not _TELLING.search(text)
    if secret and value is not None and not isinstance(value, bool):
        return HIDDEN
    return redact(value, depth + 1)


def _text(value: object) -> str:
    try:
        return value if isinstance(value, str) else repr(value)
    except Exception:  # noqa: BLE001  a broken __repr__ must not cost us the line
        return f"<{type(value).__name__}>"


def redact_event(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """The processor of structlog: the whole event, redacted."""
    found: MutableMapping[str, Any] = redact(event)
    return found
