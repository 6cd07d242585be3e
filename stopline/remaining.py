"""What of a pause goes on when a part of it is given back: said before anybody approves. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

from stopline.model import Address, Breadth, Change, Scope, Skip
from stopline.receipts import Hold
from stopline.text import Json, texts_in

_DENYING = (Breadth.PRINCIPAL, Breadth.TARGET, Breadth.EVERYWHERE)
_SPARING = re.compile("Not|exception|Resource|resource")
_NAMES = re.compile(r"\d{12}$|arn:[^:]*:(iam|sts)::|principal|user:|serviceAccount:")
"""How an account or a principal is written."""
_SETS = ("principalSet://", "group:", "domain:")
"""How many people are named at once: a directory, a group, a pool."""


def still_denied(
    given: Sequence[Change], holds: Mapping[Address, Sequence[Hold]], pause: str
) -> Iterator[Skip]:
    """What goes on denying a principal that gets something back: a part alone may not do.

    What this pause has that spans the realm of what is given back may deny it as well, whoever it
    names; what another pause has there, where it names somebody of those, or one of their accounts.
    """
    mine = [c for c in given if c.breadth <= Breadth.PRINCIPAL or c.breadth is Breadth.EVERYWHERE]
    who = {(c.address.connector, c.address.realm, c.principal) for c in mine if c.principal}
    within = {c.address.connector for c in given if not c.spans}
    kept = holds.keys() - {change.address for change in given}
    spanning = _spanning(holds)
    denying = {pause, *(p for p, said in spanning.items() if _concerns(said, given))}
    for hold in (hold for address in kept for hold in holds[address]):
        if hold.change.spans and hold.address.connector in within:
            whom = hold.change.principal
            if hold.pause in denying:
                yield Skip(hold.address, whom, "this stays, and may deny it all the same")
        elif hold.change.breadth in _DENYING:
            yield from _named_in(hold, who)


def _spanning(holds: Mapping[Address, Sequence[Hold]]) -> Mapping[str, frozenset[str]]:
    """Whom each pause denies by what spans realms: its policies say it, no attachment does."""
    found: dict[str, frozenset[str]] = {}
    for hold in (hold for each in holds.values() for hold in each if hold.change.spans):
        said = _denied_in(hold.ours.value if hold.ours else None)
        found[hold.pause] = found.get(hold.pause, frozenset()) | said
    return found


def _concerns(said: frozenset[str], given: Sequence[Change]) -> bool:
    """Whether a deny names a principal that is given something, or whom that had denied."""
    denied = frozenset[str]().union(*(_denied_in(c.before.value) for c in given if c.before))
    return bool(said & denied) or any(_means(t, c.principal) for t in said for c in given)


def _denied_in(value: Json) -> frozenset[str]:
    """The accounts and principals that a deny of ours names, and not whom it spares."""
    if isinstance(value, Mapping):
        meant = (v for k, v in value.items() if not _SPARING.search(k))
        return frozenset[str]().union(*map(_denied_in, meant))
    if isinstance(value, list):
        return frozenset[str]().union(*map(_denied_in, value))
    named = isinstance(value, str) and _NAMES.match(value)
    return frozenset({str(value)}) if named else frozenset()


def _named_in(hold: Hold, who: Iterable[tuple[str, str, str]]) -> Iterator[Skip]:
    named = {hold.change.principal, *texts_in(hold.ours.value if hold.ours else None)}
    for connector, realm, principal in who:
        if any(_means(text, principal) for text in named):
            yield Skip(hold.address, principal, "this stays, and still denies it")
        elif _may_hold(hold.change, connector, realm):
            yield Skip(hold.address, principal, "this stays, and denies it if it is in it")


def _may_hold(change: Change, connector: str, realm: str) -> bool:
    """Whether a deny names a set of people, of whom nobody here knows who they are."""
    there = (change.address.connector, change.address.realm) == (connector, realm)
    everywhere = change.breadth is Breadth.EVERYWHERE
    return there and everywhere and change.principal.startswith(_SETS)


def _means(text: str, principal: str) -> bool:
    return text == principal or (text.startswith("arn:") and fnmatchcase(principal, text))


def still_needed(
    changes: Iterable[Change],
    holds: Mapping[Address, Sequence[Hold]],
    pause: str,
    scope: Scope,
) -> tuple[list[Change], list[Skip]]:
    """Keep a foundation in place while something outside of this scope still stands on it."""
    standing = [
        hold.change
        for all_holds in holds.values()
        for hold in all_holds
        if not (hold.pause == pause and scope.admits(hold.address, hold.change.principal))
    ]
    kept: list[Change] = []
    skips: list[Skip] = []
    for change in changes:
        on_it = [c for c in standing if c.stands_on == change.address]
        if on_it:
            names = ", ".join(sorted({c.principal or str(c.address) for c in on_it})[:3])
            skips.append(Skip(change.address, change.principal, f"still needed by {names}"))
        else:
            kept.append(change)
    return kept, skips
