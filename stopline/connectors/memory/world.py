"""The world of the reference fake, and how it takes a write."""

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from stopline.errors import ConnectorError, StaleError
from stopline.model import Change
from stopline.port import Observed
from stopline.receipts import Cause
from stopline.text import Json, canonical


@dataclass
class Principal:
    """An identity: who it belongs to, what is attached to it, its switches."""

    uid: str
    vendor: str
    vouched: bool = True
    shared_with: tuple[str, ...] = ()
    attached: set[str] = field(default_factory=set)
    switches: dict[str, str] = field(default_factory=dict)
    projects: tuple[str, ...] = ()
    owned: bool = False
    """It is the vendor's alone, so a termination may remove it."""
    leaving: bool = False
    """Its boundary denies everything: it is being removed."""


@dataclass
class World:
    """The state of the system. Strangers edit it directly, under `lock`.

    `doors` holds, by principal, the denies at its door; `cuts`, by principal and name, the time
    before which its sessions have ended; `bans`, by principal, the denies from above the realm,
    which nobody in it can edit.
    """

    principals: dict[str, Principal] = field(default_factory=dict)
    foundations: dict[str, Json] = field(default_factory=dict)
    targets: dict[str, str] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    doors: dict[str, set[str]] = field(default_factory=dict)
    cuts: dict[str, str] = field(default_factory=dict)
    bans: dict[str, set[str]] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def put_target(self, name: str, raw: str) -> None:
        """Replace a target's text, as any writer does; its tag moves."""
        self.targets[name] = raw
        self.versions[name] = self.versions.get(name, 0) + 1

    def picture(self) -> Json:
        """Everything, for comparison: byte for byte where there is text."""
        return {
            "principals": {
                n: [p.uid, sorted(p.attached), dict(sorted(p.switches.items()))]
                for n, p in sorted(self.principals.items())
            },
            "foundations": dict(sorted(self.foundations.items())),
            "targets": dict(sorted(self.targets.items())),
            "doors": {name: sorted(denies) for name, denies in self.doors.items() if denies},
            "bans": {name: sorted(denies) for name, denies in self.bans.items() if denies},
            "cuts": dict(sorted(self.cuts.items())),
        }


def _write_foundation(
    world: World, observed: Observed, changes: Sequence[Change], _original: str | None
) -> None:
    name = observed.document.id
    for change in changes:
        if change.after is not None:
            world.foundations[name] = change.after.value
        elif any(name in p.attached for p in world.principals.values()):
            raise ConnectorError(Cause.REFUSED, f"{name} is still attached")
        else:
            world.foundations.pop(name, None)


def _write_attachment(
    world: World, observed: Observed, changes: Sequence[Change], _original: str | None
) -> None:
    principal = principal_of(world, observed)
    for change in changes:
        part = change.address.part
        if change.after is None:
            principal.attached.discard(part)
        elif part not in world.foundations:
            raise ConnectorError(Cause.GONE, f"{part} does not exist")
        else:
            principal.attached.add(part)


def _write_switch(
    world: World, observed: Observed, changes: Sequence[Change], _original: str | None
) -> None:
    key = observed.document.id.partition("/")[2]
    switches = principal_of(world, observed).switches
    if key not in switches:
        raise ConnectorError(Cause.GONE, "the switch is gone")
    for change in changes:
        if change.after is not None:
            switches[key] = change.after.value["Status"]


def _write_denies(
    world: World, observed: Observed, changes: Sequence[Change], _original: str | None
) -> None:
    principal_of(world, observed)
    kept = world.doors if observed.document.kind == "door" else world.bans
    denies = kept.setdefault(observed.document.id, set())
    for change in changes:
        (denies.discard if change.after is None else denies.add)(change.address.part)


def _write_cut(
    world: World, observed: Observed, changes: Sequence[Change], _original: str | None
) -> None:
    principal_of(world, observed)
    for change in changes:
        if change.after is None:
            world.cuts.pop(observed.document.id, None)
        else:
            world.cuts[observed.document.id] = change.after.value["before"]


def principal_of(world: World, observed: Observed) -> Principal:
    """Whose document it is. Raises ConnectorError when there is nobody by that name."""
    principal = world.principals.get(observed.document.id.partition("/")[0])
    if principal is None:
        raise ConnectorError(Cause.GONE, "the principal is gone")
    return principal


def _write_target(
    world: World, observed: Observed, changes: Sequence[Change], original: str | None
) -> None:
    name = observed.document.id
    if name not in world.targets:
        raise ConnectorError(Cause.GONE, "the target is gone")
    if observed.tag and observed.tag != str(world.versions.get(name, 0)):
        raise StaleError("the tag moved")
    body = json.loads(observed.raw) if observed.raw else {"Statement": []}
    parts = {c.address.part for c in changes}
    kept = [s for s in body["Statement"] if s.get("Sid") not in parts]
    added = [c.after.value for c in changes if c.after is not None]
    body["Statement"] = kept + added
    world.put_target(name, _verbatim(body, original))


def _verbatim(body: Json, original: str | None) -> str:
    """The original text where it says the same; no text at all where there was none."""
    if original == "" and not body["Statement"] and set(body) == {"Statement"}:
        return ""
    if original and canonical(json.loads(original)) == canonical(body):
        return original
    return json.dumps(body)


WRITERS: Mapping[str, Callable[[World, Observed, Sequence[Change], str | None], None]] = {
    "foundation": _write_foundation,
    "attachment": _write_attachment,
    "switch": _write_switch,
    "statement": _write_target,
    "door": _write_denies,
    "ban": _write_denies,
    "cut": _write_cut,
}
"""What takes a write, by the kind of document."""


def _strip(_world: World, principal: Principal, _name: str) -> None:
    principal.switches.clear()


def _bound(_world: World, principal: Principal, _name: str) -> None:
    principal.leaving = True


def _bare(_world: World, principal: Principal, _name: str) -> None:
    principal.attached.clear()


def _gone(world: World, _principal: Principal, name: str) -> None:
    del world.principals[name]


REMOVAL: tuple[Callable[[World, Principal, str], None], ...] = (_strip, _bound, _bare, _gone)
"""How a principal goes, a call at a time: as in the systems where nothing may hang on it then."""
