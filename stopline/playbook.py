"""config/playbooks/*.yaml as typed data. Pure: text in, `Playbook` or one ConfigError out."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from stopline import yamltext
from stopline.formats import line, organization_place, word

Words = Mapping[str, Mapping[str, frozenset[str]]]
"""What can be written in a rule: connector, what it contains, and the ways how."""


class Placed(frozenset[str]):
    """Ways how of a rule that stands in for no other: it may say where (`at`), and `when`."""


Line = Annotated[str, AfterValidator(line)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Rule(_Strict):
    """Which grants are contained, and how. `contains` and `how` are the connector's words.

    `at` says where the deny is attached, for those that can be at several places: a root (`r-`), an
    organizational unit (`ou-`) or an account of an AWS organization. Nothing means its root.
    `when: removed` keeps it in reserve: it is taken, at the root, once somebody has removed a lever
    of the connector as often as `audits.climb_after` bears.
    """

    name: Annotated[str, AfterValidator(word)]
    connector: Line
    contains: Line
    how: str = ""
    at: tuple[Annotated[str, AfterValidator(organization_place)], ...] = ()
    when: Literal["", "removed"] = ""


class Phase(_Strict):
    """Rules that are carried out together; phases run in the order of the file."""

    name: Annotated[str, AfterValidator(word)]
    rules: tuple[Rule, ...] = Field(min_length=1)


class Limits(_Strict):
    """How much one pause may take away before it asks for an override.

    `changes` counts all changes of the pause, sweeps included; `share` is the largest part (0 to
    1) of all principals, or of all buckets, looked at in a realm, from `share_from` upwards.
    `other_projects` says what a pause of one project does with a principal that another project of
    the vendor uses too: it asks for an override before it cuts it off, or does not.
    """

    changes: int = Field(default=500, ge=1, strict=True)
    share: float = Field(default=0.5, gt=0, le=1, strict=True)
    share_from: int = Field(default=10, ge=1, strict=True)
    other_projects: Literal["ask", "cut"] = "ask"


class Approvals(_Strict):
    """Whose word is wanted. Containment starts on the requester's; rollback needs another's.

    `people` is how many besides the requester must approve, where any must; `hours` is how long
    a request waits for them before it is withdrawn.
    """

    contain: Literal["requester", "second-person"] = "requester"
    rollback: Literal["second-person"] = "second-person"
    people: int = Field(default=1, ge=1, le=5, strict=True)
    hours: float = Field(default=24, gt=0, le=720)


class Audits(_Strict):
    """How a paused vendor is watched: every so many `hours`, give or take `jitter_minutes`.

    `act` says what an audit does that finds our overlay removed or new access: `contain` takes it
    away again within what was approved, `report` only says so. `hours: 0` is never.

    A lever that was removed `climb_after` times gets the next one of its connector above it, which
    the remover may not be able to edit: `climb: contain` takes it, `ask` proposes it to a person.
    Where there is none the pause is `breached`: it is audited after `breached_minutes`, each time
    twice as late, at most after `breached_hours`; until what was removed held for `calm` audits.
    """

    hours: float = Field(default=24, ge=0, le=24 * 31)
    jitter_minutes: float = Field(default=10, ge=0, le=24 * 60)
    act: Literal["contain", "report"] = "contain"
    climb: Literal["contain", "ask"] = "contain"
    climb_after: int = Field(default=2, ge=1, le=100, strict=True)
    breached_minutes: float = Field(default=15, gt=0, le=24 * 60)
    breached_hours: float = Field(default=24, gt=0, le=24 * 31)
    calm: int = Field(default=3, ge=1, le=100, strict=True)


class Playbook(_Strict):
    """How a vendor is contained.

    `review_days` after it first rests, a pause must have been reassessed; 0 sets no date.
    """

    playbook: Annotated[str, AfterValidator(word)]
    note: str = ""
    phases: tuple[Phase, ...] = Field(min_length=1)
    limits: Limits = Limits()
    approvals: Approvals = Approvals()
    audits: Audits = Audits()
    review_days: float = Field(default=30, ge=0, le=3650)

    def rule(self, connector: str, contains: str) -> tuple[int, Rule] | None:
        """The rule for one kind of grant with the number of its phase; None if there is none."""
        for number, phase in enumerate(self.phases):
            for rule in phase.rules:
                if (rule.connector, rule.contains) == (connector, contains):
                    return number, rule
        return None


def parse_playbook(text: str, file: str, words: Words | None = None) -> Playbook:
    """Read one playbook. Raises ConfigError with every fault, as `file:line: fault`.

    With `words`, a rule must be written in them; without, its words are not checked.
    """
    read = yamltext.read(text, file, Playbook)
    return read.checked(_meaning(read.value, read.stem, words))


def _meaning(
    playbook: Playbook, stem: str, words: Words | None
) -> Iterator[tuple[yamltext.Path, str]]:
    name = playbook.playbook
    if name != stem:
        yield ("playbook",), f"the playbook is {name!r}, so the file must be {name}.yaml"
    yield from _doubles(playbook)
    if words is not None:
        for path, rule in _rules(playbook):
            if fault := _misspelt(rule, words):
                key, message = fault
                yield (*path, key), message


def _rules(playbook: Playbook) -> Iterator[tuple[yamltext.Path, Rule]]:
    for number, phase in enumerate(playbook.phases):
        for place, rule in enumerate(phase.rules):
            yield ("phases", number, "rules", place), rule


def _doubles(playbook: Playbook) -> Iterator[tuple[yamltext.Path, str]]:
    phases: set[str] = set()
    for number, phase in enumerate(playbook.phases):
        if phase.name in phases:
            yield ("phases", number, "name"), f"there is a phase {phase.name!r} already"
        phases.add(phase.name)
    names: set[str] = set()
    owners: dict[tuple[str, str], str] = {}
    for path, rule in _rules(playbook):
        if rule.name in names:
            yield (*path, "name"), f"there is a rule {rule.name!r} already"
        names.add(rule.name)
        what = (rule.connector, rule.contains)
        if what in owners:
            message = f"the rule {owners[what]!r} contains {' '.join(what)} already"
            yield (*path, "contains"), message
        owners.setdefault(what, rule.name)


def _misspelt(rule: Rule, words: Words) -> tuple[str, str] | None:
    """The first of a rule's three words that its connector does not know, and what it knows."""
    if rule.connector not in words:
        return "connector", yamltext.unknown_word("connector", rule.connector, words)
    contains = words[rule.connector]
    if rule.contains not in contains:
        return "contains", yamltext.unknown_word("word for 'contains'", rule.contains, contains)
    ways = contains[rule.contains]
    if rule.how not in ways:
        if not rule.how:
            return "how", f"'how' is missing; valid here: {', '.join(sorted(ways))}"
        return "how", yamltext.unknown_word("word for 'how'", rule.how, ways)
    return _misplaced(rule, ways)


def _misplaced(rule: Rule, ways: frozenset[str]) -> tuple[str, str] | None:
    """What only some rules may say."""
    for key in ("at", "when"):
        if getattr(rule, key) and not isinstance(ways, Placed):
            return key, f"{key!r} means nothing for {rule.connector} {rule.contains}; take it out"
    if rule.at and rule.when:
        return "at", "what is kept in reserve is attached at the root; take 'at' or 'when' out"
    return None
