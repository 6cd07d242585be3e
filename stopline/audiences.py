"""config/notices.yaml as typed data: which stakeholders are told, and over which channels. Pure.

Secrets are not in it: a channel names the environment variable that holds its secret, which the
worker alone reads, when it sends. The vendor's mailboxes and shared channels may be the attacker's,
so whoever is told before containment may not be reached through them: such a file is refused.
"""

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from stopline import yamltext
from stopline.formats import domain, email, https_url, line, variable, word

Line = Annotated[str, AfterValidator(line)]
Word = Annotated[str, AfterValidator(word)]
Email = Annotated[str, AfterValidator(email)]
Path = yamltext.Path
Names = Mapping[str, tuple[str, ...]]


class Audience(StrEnum):
    """A group of stakeholders that is told the same."""

    RESPONDERS = "responders"
    LEADERSHIP = "leadership"
    LEGAL = "legal"
    FINANCE = "finance"
    VENDOR = "vendor"
    PAYEES = "payees"


OUTSIDE = (Audience.VENDOR, Audience.PAYEES)
"""They hear nothing before containment is verified, and never an id of a resource of ours."""
INSIDE = tuple(one for one in Audience if one not in OUTSIDE)
PAGER = "pagerduty"
"""The kind of channel that calls people out, by incidents that are opened and closed."""
SHORTEST_NAME = 3
"""A vendor's name of fewer letters is not looked for in domains: it would be found everywhere."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Channel(_Strict):
    """A way to reach people. `secret` names the environment variable of what lets us in.

    It holds Slack's bot token, PagerDuty's routing key, the SMTP password, or the signing secret
    (`whsec_...`). `url` replaces the provider's own address; a webhook must have one. `to` is
    Slack's channel id, `shared_with` names outsiders who are in that channel.
    """

    kind: Literal["slack", "pagerduty", "email", "webhook"]
    secret: Annotated[str, AfterValidator(variable)]
    url: Annotated[str, AfterValidator(https_url)] | None = None
    to: Line | None = None
    shared_with: tuple[Line, ...] = ()
    host: Line | None = None
    port: int = Field(default=587, ge=1, le=65535)
    user: Line | None = None
    sender: Email | None = None


class Route(_Strict):
    """One way to one audience. `to` are addresses, for a channel of e-mail."""

    channel: Word
    to: tuple[Email, ...] = ()


class Inside(_Strict):
    """Those who are told from the first minute."""

    responders: tuple[Route, ...] = ()
    leadership: tuple[Route, ...] = ()
    legal: tuple[Route, ...] = ()
    finance: tuple[Route, ...] = ()


class Outside(_Strict):
    """One vendor's `domains`, and how it and its payees are told once containment is verified."""

    domains: tuple[Annotated[str, AfterValidator(domain)], ...] = ()
    vendor: tuple[Route, ...] = ()
    payees: tuple[Route, ...] = ()


class Escalation(_Strict):
    """Who is told when nobody acknowledges: after each `minutes`, the next of the `levels`.

    `secret` names the environment variable of the key that signs what a notice can be acknowledged
    with, for `good_hours`; without one, a name that the roles know is needed. `link` is where
    people reach `stopline ack --serve`: with it, what they are sent is a link.
    """

    minutes: float = Field(default=15, gt=0, le=1440)
    levels: tuple[Annotated[tuple[Route, ...], Field(min_length=1)], ...] = ()
    secret: Annotated[str, AfterValidator(variable)] | None = None
    link: Annotated[str, AfterValidator(https_url)] | None = None
    good_hours: int = Field(default=48, ge=1, le=336)


class Notices(_Strict):
    """Who is told and how. `contact` is out of band: a phone number, never the vendor's channels.

    `update_hours` is after how many hours the next update is promised.
    """

    contact: Line
    update_hours: int = Field(default=4, ge=1, le=168)
    channels: dict[Word, Channel] = Field(min_length=1)
    audiences: Inside = Inside()
    escalation: Escalation = Escalation()
    vendors: dict[Word, Outside] = Field(default_factory=dict)

    def routes(self, vendor: str) -> Iterator[tuple[Audience, Route]]:
        """Every route for a notice about this vendor, inside first."""
        there = self.vendors.get(vendor, Outside())
        for audience in Audience:
            held = there if audience in OUTSIDE else self.audiences
            for route in getattr(held, audience):
                yield audience, route


def inside_rooms(notices: Notices) -> Iterator[tuple[str, Channel]]:
    """The channels of Slack's by which anybody inside is told, by name."""
    told = [route for audience in INSIDE for route in getattr(notices.audiences, audience)]
    told += [route for level in notices.escalation.levels for route in level]
    for name in sorted({route.channel for route in told}):
        if notices.channels[name].kind == "slack":
            yield name, notices.channels[name]


def parse_notices(text: str, file: str, names: Names | None = None) -> Notices:
    """Read the file. Raises ConfigError with every fault, as `file:line: fault`.

    `names` are all names of each vendor, by which an address of theirs is recognised as well.
    """
    read = yamltext.read(text, file, Notices)
    return read.checked(_meaning(read.value, names or {}))


def _meaning(notices: Notices, names: Names) -> Iterator[tuple[Path, str]]:
    for name, channel in notices.channels.items():
        yield from _of_its_kind(("channels", name), channel)
    for audience in INSIDE:
        yield from _told_inside(
            ("audiences", str(audience)), notices, getattr(notices.audiences, audience), names
        )
    for level, routes in enumerate(notices.escalation.levels):
        yield from _told_inside(("escalation", "levels", level), notices, routes, names)
    yield from _of_the_link(notices, names)
    for vendor, outside in notices.vendors.items():
        if names and vendor not in names:
            yield ("vendors", vendor), yamltext.unknown_word("vendor", vendor, names)
        for audience in OUTSIDE:
            routes, where = getattr(outside, audience), ("vendors", vendor, str(audience))
            yield from _once(where, routes)
            for number, route in enumerate(routes):
                yield from _reachable((*where, number), notices, route)


def _told_inside(
    where: Path, notices: Notices, routes: tuple[Route, ...], names: Names
) -> Iterator[tuple[Path, str]]:
    """What is wrong with the routes to those who are told before containment."""
    yield from _once(where, routes)
    for number, route in enumerate(routes):
        yield from _reachable((*where, number), notices, route)
        yield from _not_theirs((*where, number), notices, route, names)


def _of_the_link(notices: Notices, names: Names) -> Iterator[tuple[Path, str]]:
    """What is wrong with where people acknowledge: it is signed, and nobody else's."""
    link, where = notices.escalation.link, ("escalation", "link")
    if link is None:
        return
    if notices.escalation.secret is None:
        yield where, "a link is signed: give 'secret' the name of the key's variable"
    if urlsplit(link).query or urlsplit(link).fragment:
        yield where, "what is signed is put behind it: give it no ? and no #"
    if owner := owner_of(_host(link), notices, names):
        yield where, f"the link leads to {owner}, who would read it"


def _once(where: Path, routes: tuple[Route, ...]) -> Iterator[tuple[Path, str]]:
    """Nobody is told the same twice over one channel."""
    told: set[tuple[str, str]] = set()
    for number, route in enumerate(routes):
        for recipient in route.to or ("",):
            way = (route.channel, recipient.casefold())
            if way in told:
                who = recipient or "this audience"
                yield (*where, number), f"{who} would be told twice over {route.channel}"
            told.add(way)


_NEEDED = {"slack": ("to",), "pagerduty": (), "email": ("host", "sender"), "webhook": ("url",)}
_TAKEN = {
    "slack": ("to", "url", "shared_with"),
    "pagerduty": ("url",),
    "email": ("host", "port", "user", "sender"),
    "webhook": ("url",),
}


def _of_its_kind(where: Path, channel: Channel) -> Iterator[tuple[Path, str]]:
    for key in _NEEDED[channel.kind]:
        if getattr(channel, key) is None:
            yield where, f"a channel of kind {channel.kind} needs {key!r}"
    for key in sorted(channel.model_fields_set - {"kind", "secret", *_TAKEN[channel.kind]}):
        yield (*where, key), f"a channel of kind {channel.kind} has no {key!r}"


def _reachable(where: Path, notices: Notices, route: Route) -> Iterator[tuple[Path, str]]:
    channel = notices.channels.get(route.channel)
    if channel is None:
        known = yamltext.unknown_word("channel", route.channel, notices.channels)
        yield (*where, "channel"), known
    elif channel.kind == "email" and not route.to:
        yield where, f"{route.channel} is e-mail: give 'to' at least one address"
    elif channel.kind != "email" and route.to:
        yield (*where, "to"), f"{route.channel} is {channel.kind}, which takes no addresses here"


def _not_theirs(
    where: Path, notices: Notices, route: Route, names: Names
) -> Iterator[tuple[Path, str]]:
    """No way that a vendor may be reading leads to those who are told before containment."""
    channel = notices.channels.get(route.channel)
    if channel is None:
        return
    if channel.shared_with:
        outsiders = ", ".join(channel.shared_with)
        yield (*where, "channel"), f"{route.channel} is shared with {outsiders}, who would read it"
    for host in filter(None, (_host(channel.url or ""), channel.host)):
        if owner := owner_of(host, notices, names):
            yield (*where, "channel"), f"{route.channel} leads to {owner}, who would read it"
    if channel.sender and (owner := owner_of(channel.sender.rpartition("@")[2], notices, names)):
        what = f"who answers to {channel.sender} answers to {owner}"
        yield (*where, "channel"), what
    for number, address in enumerate(route.to):
        if owner := owner_of(address.rpartition("@")[2], notices, names):
            what = f"{address} is at a domain of {owner}, who would read it"
            yield (*where, "to", number), what


def _host(url: str) -> str:
    """The host that a URL leads to; nothing where it leads nowhere."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def owner_of(host: str, notices: Notices, names: Names) -> str:
    """The vendor at whose domain a host is, by its domains or by its names; or nothing."""
    host = host.casefold().rstrip(".")
    labels = host.split(".")
    for vendor, outside in notices.vendors.items():
        if any(host == d or host.endswith(f".{d}") for d in outside.domains):
            return vendor
    parts = {_plain(label) for label in labels[:-1]}
    parts |= {_plain("".join(labels[start:])) for start in range(len(labels))}
    for vendor, known in {**{v: (v,) for v in notices.vendors}, **names}.items():
        if any(len(_plain(n)) >= SHORTEST_NAME and _plain(n) in parts for n in known):
            return vendor
    return ""


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.casefold())
