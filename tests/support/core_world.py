"""Worlds for the laws, and the strangers who edit them.

Every stranger's edit is made twice: in the world that stopline works on, and in a shadow world
that stopline never sees. When a pause is over, the two must be the same.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from hypothesis import strategies as st

from stopline.connectors.memory import Principal, World
from stopline.model import Document
from stopline.text import Json

VENDOR, OTHER = "mercor", "other"
BOSS = "arn:aws:memory:::boss"
"""A principal of the vendor's that the vendor's file protects."""
GLASS = "glass"
"""A principal of the lab's that the estate's file protects."""
BYSTANDER = "by"
SHARED = ("somebody else",)
NAMES = ("a", "b", "c")
VALUES = ("on", "off", "limited")
TEXTS = (
    "",
    '{"Statement": []}',
    '{ "Statement" : [ ] }',
    '{"Version":"v1","Statement":[{"Sid":"S1","Effect":"Allow"}]}',
    '{"Statement": [{"Effect": "Allow", "Sid": "S2"}, {"Effect": "Deny"}], "Version": "v2"}',
)


@dataclass(frozen=True)
class Person:
    """How one principal begins."""

    name: str
    vendor: str
    vouched: bool = True
    shared_with: tuple[str, ...] = ()
    switches: tuple[str, ...] = ()


@dataclass(frozen=True)
class Setting:
    """How a world begins; two equal worlds can be built from it."""

    people: tuple[Person, ...]
    texts: tuple[str, ...]
    tags: bool = True

    def build(self) -> World:
        """A new world."""
        principals = {
            p.name: Principal(
                f"uid-{p.name}",
                p.vendor,
                p.vouched,
                p.shared_with,
                {"Other"} if p.vendor == OTHER else set(),
                {f"k{n}": value for n, value in enumerate(p.switches)},
            )
            for p in self.people
        }
        targets = {f"t{n}": text for n, text in enumerate(self.texts)}
        return World(principals=principals, foundations={"Other": {"deny": "x"}}, targets=targets)


@st.composite
def settings_of(draw: st.DrawFn, *, tags: bool | None = None) -> Setting:
    """Draw a world: some of the vendor's, some not, one shared, one unvouched, one protected."""
    switches = st.lists(st.sampled_from(VALUES), max_size=2).map(tuple)
    people = [
        Person(name, VENDOR, switches=draw(switches)) for name in NAMES[: draw(st.integers(1, 2))]
    ]
    if draw(st.booleans()):
        people.append(Person("c", VENDOR, vouched=False, switches=draw(switches)))
    if draw(st.booleans()):
        people.append(Person("d", VENDOR, shared_with=SHARED, switches=("on",)))
    if draw(st.booleans()):
        people.append(Person(BOSS, VENDOR, switches=("on",)))
    people += [Person(BYSTANDER, OTHER, switches=("on",)), Person(GLASS, OTHER, switches=("on",))]
    texts = tuple(draw(st.lists(st.sampled_from(TEXTS), max_size=2)))
    return Setting(tuple(people), texts, draw(st.booleans()) if tags is None else tags)


@dataclass(frozen=True)
class Edit:
    """One edit of a stranger's: what, on the how-manieth thing, and a value."""

    kind: str
    which: int = 0
    part: int = 0
    value: str = "on"


@dataclass
class Strangers:
    """Two worlds that get the same strangers' edits; `touched` says where."""

    world: World
    shadow: World
    touched: dict[str, str] = field(default_factory=dict)
    edits: int = 0

    def area(self, edit: Edit) -> str:
        """What the edit is about: a principal, a target, or the foundation."""
        return _EDITS[edit.kind][0](self, edit)

    def make(self, edit: Edit) -> None:
        """Make the edit in both worlds, or nothing where there is nothing to edit."""
        self.edits += 1
        _EDITS[edit.kind][1](self, edit)

    def both(self) -> tuple[World, World]:
        """The world and its shadow."""
        return self.world, self.shadow


def area_of(document: Document) -> str:
    """The area that a document lies in, as `Strangers.area` names it."""
    if document.kind == "statement":
        return f"target:{document.id}"
    if document.kind == "foundation":
        return "foundation"
    return f"principal:{document.id.partition('/')[0]}"


def _nth(things: Mapping[str, object], number: int) -> str:
    names = sorted(things)
    return names[number % len(names)] if names else ""


def _who(strangers: Strangers, edit: Edit) -> str:
    return _nth(strangers.world.principals, edit.which)


def _principal_area(strangers: Strangers, edit: Edit) -> str:
    return f"principal:{_who(strangers, edit)}"


def _target_area(strangers: Strangers, edit: Edit) -> str:
    return f"target:{_nth(strangers.world.targets, edit.which)}"


def _foundation_area(_strangers: Strangers, _edit: Edit) -> str:
    return "foundation"


def _flip(strangers: Strangers, edit: Edit) -> None:
    name = _who(strangers, edit)
    if name and (key := _nth(strangers.world.principals[name].switches, edit.part)):
        for world in strangers.both():
            world.principals[name].switches[key] = edit.value
        strangers.touched[f"{name}/{key}"] = edit.value


def _mint(strangers: Strangers, edit: Edit) -> None:
    if name := _who(strangers, edit):
        key = f"m{strangers.edits}"
        for world in strangers.both():
            world.principals[name].switches[key] = "on"
        strangers.touched[f"{name}/{key}"] = "on"


def _drop(strangers: Strangers, edit: Edit) -> None:
    name = _who(strangers, edit)
    if name and (key := _nth(strangers.world.principals[name].switches, edit.part)):
        for world in strangers.both():
            del world.principals[name].switches[key]


def _delete(strangers: Strangers, edit: Edit) -> None:
    if name := _who(strangers, edit):
        for world in strangers.both():
            del world.principals[name]


def _recreate(strangers: Strangers, edit: Edit) -> None:
    if name := _who(strangers, edit):
        for world in strangers.both():
            old = world.principals[name]
            switches = dict.fromkeys(old.switches, edit.value)
            uid = f"{old.uid}+{strangers.edits}"
            world.principals[name] = Principal(uid, old.vendor, old.vouched, switches=switches)
        strangers.touched |= {f"{name}/{key}": edit.value for key in switches}


def _tag(strangers: Strangers, edit: Edit) -> None:
    name = (BYSTANDER, GLASS)[edit.which % 2]
    for world in strangers.both():
        if (principal := world.principals.get(name)) and principal.vendor != VENDOR:
            principal.vendor, principal.vouched = VENDOR, False


def _detach(strangers: Strangers, edit: Edit) -> None:
    if name := _who(strangers, edit):
        attached = strangers.world.principals[name].attached
        attached -= {part for part in attached if part.startswith("Deny-J")}


def _attach_foreign(strangers: Strangers, edit: Edit) -> None:
    if name := _who(strangers, edit):
        for world in strangers.both():
            world.principals[name].attached ^= {"Other"}


def _ours(strangers: Strangers) -> str:
    return next((n for n in sorted(strangers.world.foundations) if n != "Other"), "")


def _alter_foundation(strangers: Strangers, _edit: Edit) -> None:
    if name := _ours(strangers):
        strangers.world.foundations[name] = {"deny": "nothing"}


def _drop_foundation(strangers: Strangers, _edit: Edit) -> None:
    name, people = _ours(strangers), strangers.world.principals.values()
    if name and not any(name in principal.attached for principal in people):
        del strangers.world.foundations[name]


def _is_ours(statement: Json) -> bool:
    return str(statement.get("Sid", "")).startswith("Stopline")


def _rewrite(
    world: World, name: str, change: Callable[[list[Json]], list[Json]], indent: int | None = None
) -> None:
    raw = world.targets[name]
    body = json.loads(raw) if raw else {"Statement": []}
    body["Statement"] = change(body["Statement"])
    world.put_target(name, json.dumps(body, indent=indent))


def _statements(
    change: Callable[[Strangers, Edit, list[Json]], list[Json]], *, ours: bool
) -> Callable[[Strangers, Edit], None]:
    def make(strangers: Strangers, edit: Edit) -> None:
        if name := _nth(strangers.world.targets, edit.which):
            for world in strangers.both()[: 1 if ours else 2]:
                _rewrite(world, name, lambda found: change(strangers, edit, found))
            strangers.touched[f"target:{name}"] = edit.kind

    return make


def _add(strangers: Strangers, edit: Edit, found: list[Json]) -> list[Json]:
    added: Json = {"Effect": edit.value}
    if edit.part:
        added["Sid"] = f"N{strangers.edits}"
    return [*found, added] if edit.which % 2 else [added, *found]


def _remove(_strangers: Strangers, _edit: Edit, found: list[Json]) -> list[Json]:
    foreign = [s for s in found if not _is_ours(s)]
    return [s for s in found if s not in foreign[:1]]


def _alter_ours(_strangers: Strangers, _edit: Edit, found: list[Json]) -> list[Json]:
    return [s | {"Effect": "Allow"} if _is_ours(s) else s for s in found]


def _remove_ours(_strangers: Strangers, _edit: Edit, found: list[Json]) -> list[Json]:
    return [s for s in found if not _is_ours(s)]


def _reformat(strangers: Strangers, edit: Edit) -> None:
    if name := _nth(strangers.world.targets, edit.which):
        for world in strangers.both():
            _rewrite(world, name, lambda found: found, indent=1)
        strangers.touched[f"target:{name}"] = edit.kind


def _drop_target(strangers: Strangers, edit: Edit) -> None:
    if name := _nth(strangers.world.targets, edit.which):
        for world in strangers.both():
            del world.targets[name]


def _new_target(strangers: Strangers, edit: Edit) -> None:
    for world in strangers.both():
        world.put_target(f"n{strangers.edits}", TEXTS[edit.part % len(TEXTS)])


_EDITS: Mapping[str, tuple[Callable[[Strangers, Edit], str], Callable[[Strangers, Edit], None]]] = {
    "flip": (_principal_area, _flip),
    "mint": (_principal_area, _mint),
    "drop": (_principal_area, _drop),
    "delete": (_principal_area, _delete),
    "recreate": (_principal_area, _recreate),
    "tag": (lambda _s, e: f"principal:{(BYSTANDER, GLASS)[e.which % 2]}", _tag),
    "detach": (_principal_area, _detach),
    "attach-foreign": (_principal_area, _attach_foreign),
    "alter-foundation": (_foundation_area, _alter_foundation),
    "drop-foundation": (_foundation_area, _drop_foundation),
    "add-statement": (_target_area, _statements(_add, ours=False)),
    "remove-statement": (_target_area, _statements(_remove, ours=False)),
    "alter-ours": (_target_area, _statements(_alter_ours, ours=True)),
    "remove-ours": (_target_area, _statements(_remove_ours, ours=True)),
    "reformat": (_target_area, _reformat),
    "drop-target": (_target_area, _drop_target),
    "new-target": (_foundation_area, _new_target),
}
ATTACKS = (
    "mint",
    "tag",
    "detach",
    "flip",
    "alter-foundation",
    "drop-foundation",
    "alter-ours",
    "remove-ours",
    "recreate",
    "new-target",
)
"""What an attacker who holds some rights can do against a containment."""


def edits(*kinds: str) -> st.SearchStrategy[Edit]:
    """One edit of any kind, or of these."""
    return st.builds(
        Edit,
        kind=st.sampled_from(kinds or tuple(sorted(_EDITS))),
        which=st.integers(0, 5),
        part=st.integers(0, 2),
        value=st.sampled_from(VALUES),
    )
