"""What a bundle shows in place of secrets and of people who are only its subjects. Pure.

Of each hidden datum stands its type and a digest: `‹email 3f2a91c0›`. The digest is keyed with what
the exporter throws away, so that within one bundle equal data are told equal, and nobody finds the
datum by trying. Whoever decided something stays: their names are what is proven.
"""

import hmac
import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from stopline.personal import hide_people
from stopline.redaction import hide
from stopline.text import Json, canonical, texts_in

People = Mapping[str, tuple[str, frozenset[str]]]
"""By connector whose principals are people: their type, and the names of fields that hold them."""
SIGNATURE = "signature"
"""A field that looks like a secret, and is what proves a word."""
HIDING = "‹›"
"""What encloses the type and the digest of what is hidden."""
DIGITS = 8
_SHORTEST, _SHORTEST_NUMBER = 2, 5
"""Shorter names of people are hidden where they stand alone: else every other word were one."""
_NAMELIKE = re.compile(r"[\w@.+-]+")
_PLAIN = re.compile(r"[a-z_]+")


@dataclass(frozen=True)
class Veil:
    """Hides by type. `key` are random bytes, for one bundle; `known` people by name, with a type.

    `kept` are those who decided, in small letters. Without `personal` only secrets are hidden.
    """

    key: bytes = field(repr=False)
    known: Mapping[str, str] = field(default_factory=dict)
    kept: Collection[str] = ()
    personal: bool = True
    hidden: Counter[str] = field(default_factory=Counter)
    """How many different data of each type were hidden; of secrets, in how many places."""
    _told: dict[tuple[str, str], str] = field(default_factory=dict)
    _odd: re.Pattern[str] | None = field(init=False)

    def __post_init__(self) -> None:
        """Names that are no single word are looked for as they are."""
        odd = [n for n in self.known if len(n) >= _SHORTEST and not _NAMELIKE.fullmatch(n)]
        told = "|".join(map(re.escape, sorted(odd, key=len, reverse=True)))
        object.__setattr__(self, "_odd", re.compile(rf"(?<!\w)(?:{told})(?!\w)") if odd else None)

    def text(self, text: str) -> str:
        """A text that people read."""
        return self._people(hide(text, self._secret))

    def _people(self, text: str) -> str:
        if not self.personal:
            return text
        if text in self.known:
            return self._person(text)
        text = _NAMELIKE.sub(lambda found: self._named(found[0]), text)
        text = self._odd.sub(lambda found: self._person(found[0]), text) if self._odd else text
        return hide_people(text, self._datum)

    def value(self, value: Json) -> Json:
        """Plain data, to the bottom; names of fields stay, but where they name people."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if isinstance(value, dict):
            return {
                self._field(k): v if k == SIGNATURE else self.value(v) for k, v in value.items()
            }
        return value

    def _field(self, name: str) -> str:
        return name if _PLAIN.fullmatch(name) else self.text(name)

    def document(self, text: str) -> str:
        """A document of the journal, JSON or not; the same text where nothing in it is hidden.

        A secret is found by the name beside it too, so the whole text is looked at as well.
        """
        whole = hide(text, self._secret)
        try:
            value = json.loads(whole)
        except ValueError:
            return self._people(whole)
        shown = _each(value, self._people)
        return whole if shown == value else canonical(shown)

    # --- small things ----------------------------------------------------------------------------

    def _secret(self, kind: str) -> str:
        self.hidden[kind] += 1
        return f"{HIDING[0]}{kind}{HIDING[1]}"

    def _named(self, name: str) -> str:
        bare = name.rstrip(".-+")
        least = _SHORTEST_NUMBER if bare.isdigit() else _SHORTEST
        if len(bare) < least or bare not in self.known:
            return name
        return self._person(bare) + name[len(bare) :]

    def _person(self, name: str) -> str:
        return self._datum(self.known[name], name) or name

    def _datum(self, kind: str, datum: str) -> str:
        """What stands in place of a datum; nothing for whoever decided, who stays."""
        if datum.casefold() in self.kept:
            return ""
        if (kind, datum) not in self._told:
            digest = hmac.new(self.key, f"{kind} {datum}".encode(), sha256).hexdigest()
            self._told[kind, datum] = f"{HIDING[0]}{kind} {digest[:DIGITS]}{HIDING[1]}"
            self.hidden[kind] += 1
        return self._told[kind, datum]


def _each(value: Json, told: Callable[[str], str]) -> Json:
    """Plain data with every text in it put as `told` does, but for signatures."""
    if isinstance(value, str):
        return told(value)
    if isinstance(value, list):
        return [_each(item, told) for item in value]
    if isinstance(value, dict):
        return {
            name if _PLAIN.fullmatch(name) else told(name): (
                item if name == SIGNATURE else _each(item, told)
            )
            for name, item in value.items()
        }
    return value


def people_in(value: Json, people: People) -> Iterator[tuple[str, str]]:
    """Yield the people whom plain data name, each with their type.

    By the field that they stand in, and as principals beside an address whose system pays people.
    States stand in plans as text, so what is text and reads as JSON is looked into.
    """
    if isinstance(value, str) and value[:1] in ("{", "["):
        value = _read(value)
    if isinstance(value, dict):
        yield from _named(value, people)
    inside = value.values() if isinstance(value, dict) else value
    for item in inside if isinstance(value, dict | list) else ():
        yield from people_in(item, people)


def _named(fields: Mapping[str, Json], people: People) -> Iterator[tuple[str, str]]:
    """Those whom one object names itself."""
    for kind, names in people.values():
        for name in names & fields.keys():
            yield from ((text, kind) for text in texts_in(fields[name]))
    connector, who = _connector(fields.get("address")), fields.get("principal")
    if connector in people and isinstance(who, str):
        yield who, people[connector][0]


def _connector(address: Json) -> str:
    if isinstance(address, dict):
        return str(address.get("connector"))
    return address.partition(":")[0] if isinstance(address, str) else ""


def _read(text: str) -> Json:
    try:
        return json.loads(text)
    except ValueError:
        return None
