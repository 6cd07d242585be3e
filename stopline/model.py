"""The nouns. Pure data: no clock, no randomness, no input or output.

Rules that hold everywhere:

1. Everything here is frozen, hashable and ordered by value, and survives a JSON round trip.
2. A `State` is canonical JSON text. Unknown fields are kept; two states are the same state when
   their canonical texts are equal. `None` in place of a state means: absent.
3. An `Address` is the smallest thing that is ours alone to change. Several addresses may live in
   one `Document`, which is what one call of the provider replaces.
4. A `Change` has no written way back: `inverse()` swaps `before` and `after`, nothing else.
5. A `Plan`'s digest names what a person approves. It leaves out what differs from run to run
   (times, the pause's id, where a state was read).
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import IntEnum, StrEnum
from functools import lru_cache

from stopline.text import Json, canonical, dump, folded, sha256

# --- where -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, order=True)
class Document:
    """What one call of the provider replaces: a bucket's policy, one key's status."""

    connector: str
    realm: str
    kind: str
    id: str

    def __str__(self) -> str:
        """Return `connector:realm:kind:id`."""
        return f"{self.connector}:{self.realm}:{self.kind}:{self.id}"


@dataclass(frozen=True, slots=True, order=True)
class Address:
    """The smallest thing that is ours alone to change, in a realm (account, organisation, ledger).

    `id` is `document` or `document#part`: `training-data#StoplineJ1f…` is one statement in the
    policy of the bucket `training-data`.
    """

    connector: str
    realm: str
    kind: str
    id: str

    @property
    def document(self) -> Document:
        """What one call replaces, shared by all addresses with the same text before `#`."""
        return Document(self.connector, self.realm, self.kind, self.id.partition("#")[0])

    @property
    def part(self) -> str:
        """The text after `#`, or nothing where the document is the address."""
        return self.id.partition("#")[2]

    def __str__(self) -> str:
        """Return `connector:realm:kind:id`, which `parse` reads back."""
        return f"{self.connector}:{self.realm}:{self.kind}:{self.id}"

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Read what `str` wrote. Raises ValueError naming the text when a field is missing."""
        fields = text.split(":", 3)
        if len(fields) != len(cls.__slots__) or not all(fields):
            message = f"not an address (connector:realm:kind:id): {text!r}"
            raise ValueError(message)
        return cls(*fields)


# --- what ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, order=True)
class State:
    """What stands at an address: canonical JSON, nothing left out. Has no telling repr."""

    body: str = field(repr=False)

    @classmethod
    def of(cls, value: Json) -> "State":
        """Make a state of provider data."""
        return cls(canonical(value))

    @property
    def value(self) -> Json:
        """The provider data."""
        return json.loads(self.body)

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical text."""
        return sha256(self.body)


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """One principal's entitlement on one target, as found.

    `uid` is the provider's immutable id of the principal or target that the address hangs on,
    where there is one: the same name under another uid is somebody else. `vouched` is false when
    only something that the vendor itself can write (a tag) selected it. `shared_with` names
    holders of the same grant who are not the vendor.
    """

    address: Address
    state: State
    principal: str
    entitlement: str
    target: str
    via: str
    uid: str = ""
    vouched: bool = True
    shared_with: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class Gap:
    """Something that could not be read. Shown, never swallowed. `cause` is one sentence."""

    connector: str
    realm: str
    what: str
    cause: str


@dataclass(frozen=True, slots=True, order=True)
class Quota:
    """How much of a limit is used: `used` of `limit`, at one place, in the provider's unit."""

    address: Address
    name: str
    used: int
    limit: int


@dataclass(frozen=True, slots=True, order=True)
class Seen:
    """What stands now at an address that a change of ours would write (an overlay of ours)."""

    address: Address
    state: State


@dataclass(frozen=True, slots=True, order=True)
class Counted:
    """How many things of one kind were looked at in a realm, the vendor's or not."""

    connector: str
    realm: str
    kind: str
    number: int


Found = Grant | Gap | Quota | Seen | Counted
"""What discovery yields, in any order."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was read, and what could not be read.

    `seen` holds the states of addresses that a change would write, as they are now: an overlay's
    address that is not in it is absent. `taken_at` is UTC, ISO 8601, and not part of `digest`.
    """

    vendor: str
    grants: tuple[Grant, ...]
    gaps: tuple[Gap, ...] = ()
    quotas: tuple[Quota, ...] = ()
    seen: tuple[Seen, ...] = ()
    counted: tuple[Counted, ...] = ()
    taken_at: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 over everything but the time."""
        return sha256(dump(replace(self, taken_at="")))


# --- what is to be done ----------------------------------------------------------------------


class Breadth(IntEnum):
    """How much one change takes away. Containment goes from broad to narrow, restore back."""

    NARROW = 1
    """One credential, one membership: an access key's status."""
    PRINCIPAL = 4
    """Everything that one principal can do: a deny attached to a user."""
    TARGET = 5
    """Everything that the vendor can do to one target: a deny statement in a bucket policy."""
    EVERYWHERE = 7
    """Everything that one principal can do in a whole realm: its entry in a coarse deny."""
    FOUNDATION = 8
    """What other changes stand on, and a coarse deny: the deny policy itself."""


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """One reversible edit. `None` is absent. `rule` is the playbook's rule that asked for it.

    `marked` says that `after` carries our mark, so whatever bears that mark at the address is
    ours; an unmarked change is a toggle. `uid` is the immutable id that must still be there.
    `phase` is the place of its rule in the playbook. `vouched` is the grant's. `stands_on` is the
    foundation without which this cannot be. `felt` says what others than the vendor feel of it.
    `moment` is a time that stands in `after`; the digest of a plan leaves it out. `spans`: it
    reaches into other realms of its connector, so on the way back it waits for all of theirs.
    `over` is the lever below this one, which somebody took away again and again. `only_if` is an
    effect's: what else must still be so, in the connector's words, when it is carried out. `kept`
    is an effect's: for how long its provider can bring back what it removed (an ISO 8601 duration).
    """

    address: Address
    before: State | None
    after: State | None
    rule: str
    breadth: Breadth
    phase: int = 0
    marked: bool = False
    uid: str = ""
    principal: str = ""
    summary: str = ""
    vouched: bool = True
    stands_on: Address | None = None
    felt: str = ""
    moment: str = ""
    spans: bool = False
    over: Address | None = None
    only_if: str = ""
    kept: str = ""

    def inverse(self) -> "Change":
        """Swap `before` and `after`. Nothing else: the way back is not written by anybody."""
        return replace(self, before=self.after, after=self.before)


@dataclass(frozen=True, slots=True, order=True)
class Skip:
    """A grant seen and deliberately left, with a reason.

    `leaves_access` says that the vendor keeps something through it until a person decides, so a
    pause with such a skip is partial.
    """

    address: Address
    principal: str
    reason: str
    leaves_access: bool = False


@dataclass(frozen=True, slots=True, order=True)
class Residual:
    """Access that outlives a change until a known time (`until` UTC ISO 8601, or a duration)."""

    address: Address
    what: str
    until: str


_MARK = re.compile(r"(stopline[a-z]*-?j[0-9a-f]{8}-?p)[0-9a-f]{8}", re.IGNORECASE)


def _unpaused(address: str) -> str:
    """An address without the id of the pause whose mark is in it."""
    return _MARK.sub(r"\1", address)


@lru_cache(maxsize=64)
def _all_unpaused(addresses: tuple[str, ...]) -> frozenset[str]:
    return frozenset(map(_unpaused, addresses))


@dataclass(frozen=True, slots=True)
class Scope:
    """The cut of the vendor that a plan may touch. Empty fields do not narrow.

    `project` is one of the vendor's projects; `principals` and `addresses` are exact texts, as
    shown in a plan. An address that ends in a pause's mark means that of every pause: a plan that
    is only looked at has another pause's id than the next one.
    """

    project: str = ""
    connectors: tuple[str, ...] = ()
    realms: tuple[str, ...] = ()
    principals: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()

    def admits(self, address: Address, principal: str = "") -> bool:
        """Whether a change of this address may be in a plan of this scope."""
        return (
            (not self.connectors or address.connector in self.connectors)
            and (not self.realms or address.realm in self.realms)
            and (not self.principals or folded(principal) in map(folded, self.principals))
            and (not self.addresses or _unpaused(str(address)) in _all_unpaused(self.addresses))
        )

    def covers(self, other: "Scope") -> bool:
        """Whether everything that the other scope admits is admitted here."""
        return (not self.project or self.project == other.project) and all(
            not mine or (theirs and set(theirs) <= set(mine))
            for mine, theirs in (
                (self.connectors, other.connectors),
                (self.realms, other.realms),
                (self.principals, other.principals),
                (_all_unpaused(self.addresses), _all_unpaused(other.addresses)),
            )
        )

    @property
    def key(self) -> str:
        """A short stable name of this scope: `all`, the project, or a digest."""
        if self == Scope():
            return "all"
        if self == Scope(project=self.project):
            return self.project
        return sha256(dump(self))[:12]


@dataclass(frozen=True, slots=True, order=True)
class Effect:
    """A one-way act without inverse: what can be removed for good where a pause has a hold.

    A connector's opinion; the planner makes a change of it, in a plan that terminates and in no
    other. `summary` says what is gone afterwards; `only_if` and `kept` as in `Change`. `leaves` is
    what stands there afterwards: nothing, or where people let go of it, what stood there before us.
    `whole`: all of the document goes with it, whatever another pause holds in it.
    """

    address: Address
    summary: str
    only_if: str = ""
    leaves: State | None = None
    kept: str = ""
    whole: bool = False


class Direction(StrEnum):
    """Which way a plan goes. The changes of one that terminates are effects: no way back."""

    CONTAIN = "contain"
    RESTORE = "restore"
    TERMINATE = "terminate"


@dataclass(frozen=True, slots=True)
class Plan:
    """Ordered changes, claims and skips, with a digest that a person approves.

    `claims` are changes that another pause has made already: they need a hold and no write.
    `pause` is the pause whose mark the changes carry. `taken_from` is the snapshot's digest.
    """

    vendor: str
    direction: Direction
    scope: Scope
    changes: tuple[Change, ...]
    claims: tuple[Change, ...] = ()
    skips: tuple[Skip, ...] = ()
    residuals: tuple[Residual, ...] = ()
    gaps: tuple[Gap, ...] = ()
    pause: str = ""
    taken_from: str = ""

    @property
    def work(self) -> tuple[Change, ...]:
        """All that the engine is asked to carry out, changes and claims, in its order."""
        return in_order((*self.changes, *self.claims), self.direction)

    @property
    def digest(self) -> str:
        """SHA-256 over what is to be done, without times and with the pause's id blanked."""
        text = dump(replace(self, residuals=(), taken_from="", pause=""))
        for moment in {change.moment for change in self.work} - {""}:
            text = text.replace(moment, "")
        for later in _CAME_LATER:  # a digest outlives a release
            text = text.replace(later, "")
        return sha256(text.replace(self.pause, "{pause}") if self.pause else text)


_CAME_LATER = (
    '"felt":"",', '"moment":"",', '"only_if":"",', '"over":null,', '"spans":false,', '"kept":"",',
)  # fmt: skip


def stage(change: Change, direction: Direction) -> tuple[int, int]:
    """What must be finished before the next may begin, within one realm; ascending."""
    if direction is Direction.CONTAIN:
        return (change.phase, -change.breadth)
    if change.kept:  # a deny knows no more whom a provider deletes, and could bring back
        return (max(Breadth) + 1, -change.phase)
    return (change.breadth, -change.phase)


def in_order(changes: Iterable[Change], direction: Direction) -> tuple[Change, ...]:
    """Sort for carrying out: realm by realm, stage by stage, whole documents together.

    Containment goes through the playbook's phases, broad before narrow. Restore goes from narrow
    to broad and, within a breadth, in the reverse of the order in which containment went; so does
    termination, with what its provider can bring back last. A realm that `spans` others comes
    after them there.
    """
    forward = direction is Direction.CONTAIN
    inside = sorted(changes, key=lambda c: (c.address.document, c.address), reverse=not forward)
    spanning = set() if forward else {realm_of(c.address) for c in inside if c.spans}

    def place(change: Change) -> tuple[str, bool, str, tuple[int, int]]:
        connector, realm = realm_of(change.address)
        return connector, (connector, realm) in spanning, realm, stage(change, direction)

    return tuple(sorted(inside, key=place))


def realm_of(address: Address) -> tuple[str, str]:
    """An address's connector and realm: what is carried out by itself, in its own order."""
    return address.connector, address.realm


# --- what happened ---------------------------------------------------------------------------


class Severity(StrEnum):
    """What a finding asks for."""

    REFUSE = "refuse"
    """No override: the plan would hurt us more than the vendor."""
    LIMIT = "limit"
    """Asks for a typed override with a reason, which is journalled."""
    NOTE = "note"
    """To be read. Blocks nothing."""


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """What a guard says: severity, the numbers, and the way out."""

    severity: Severity
    guard: str
    what: str
    way_out: str
    addresses: tuple[Address, ...] = ()
