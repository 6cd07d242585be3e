"""The reference fake: a small world in memory, as awkward as the real ones.

It has all that makes a system of record hard: a foundation that must be there before anything is
attached to it and cannot go while something is; a document that several addresses and strangers
share; toggles that bear no mark; verbatim text; immutable ids; tags, if asked for. `hook` is
called around every read and write, so that tests can let strangers edit, replies get lost and
processes die at any moment.
"""

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from shlex import join

from stopline.commands import Commands
from stopline.engine import Mark, Observed, Terms
from stopline.errors import ConnectorError, StaleError
from stopline.model import (
    Address,
    Breadth,
    Cause,
    Change,
    Counted,
    Document,
    Found,
    Gap,
    Grant,
    Residual,
    Scope,
    Seen,
    Skip,
    State,
)
from stopline.text import Json, canonical
from stopline.vendors import Vendor

NAME = "memory"
CONTAINS: Mapping[str, frozenset[str]] = {
    "principals": frozenset({"deny-all"}),
    "switches": frozenset({"off"}),
    "targets": frozenset({"deny"}),
}
Hook = Callable[[str, Document], None]
"""Called with `read`, `sending` or `sent` and the document. What it raises comes out."""


@dataclass
class Principal:
    """An identity: who it belongs to, what is attached to it, its switches."""

    uid: str
    vendor: str
    vouched: bool = True
    shared_with: tuple[str, ...] = ()
    attached: set[str] = field(default_factory=set)
    switches: dict[str, str] = field(default_factory=dict)


@dataclass
class World:
    """The state of the system. Strangers edit it directly, under `lock`."""

    principals: dict[str, Principal] = field(default_factory=dict)
    foundations: dict[str, Json] = field(default_factory=dict)
    targets: dict[str, str] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
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
        }


@dataclass
class MemoryConnector:
    """The port over a `World`. `tags` gives targets conditional writes."""

    world: World
    realm: str = "r1"
    tags: bool = False
    hook: Hook = lambda _moment, _document: None
    propagation: float = 0.0
    name: str = NAME
    permissions: Mapping[str, frozenset[str]] = field(
        default_factory=lambda: {"read": frozenset({"read"}), "write": frozenset({"write"})}
    )

    # --- discovery and opinion -------------------------------------------------------------------

    def discover(self, vendor: Vendor, scope: Scope) -> Iterator[Found]:
        """Yield the vendor's principals, their switches, every target, and all marks of ours."""
        if scope.realms and self.realm not in scope.realms:
            return
        with self.world.lock:
            if self.realm in self.world.closed:
                yield Gap(NAME, self.realm, "everything", "the realm does not answer")
                return
            for name, principal in sorted(self.world.principals.items()):
                yield from self._principal(vendor, name, principal)
            for name in sorted(self.world.targets):
                yield self._grant("target", name, {}, name, "target", "every target")
                yield from self._seen(Document(NAME, self.realm, "statement", name))
            for name in sorted(self.world.foundations):
                yield from self._seen(Document(NAME, self.realm, "foundation", name))
            yield Counted(NAME, self.realm, "principal", len(self.world.principals))

    def _principal(self, vendor: Vendor, name: str, principal: Principal) -> Iterator[Found]:
        yield from self._seen(Document(NAME, self.realm, "attachment", name))
        if principal.vendor != vendor.vendor:
            return
        facts = (principal.uid, principal.vouched, principal.shared_with)
        yield self._grant("principal", name, {}, name, "everything", "its vendor field", facts)
        for key, status in sorted(principal.switches.items()):
            state = {"Status": status}
            where = f"{name}/{key}"
            yield self._grant("switch", where, state, name, "switch", "its vendor field", facts)

    def _grant(
        self,
        kind: str,
        id_: str,
        state: Json,
        principal: str,
        entitlement: str,
        via: str,
        facts: tuple[str, bool, tuple[str, ...]] = ("", True, ()),
    ) -> Grant:
        address = Address(NAME, self.realm, kind, id_)
        uid, vouched, shared = facts
        return Grant(
            address, State.of(state), principal, entitlement, id_, via, uid, vouched, shared
        )

    def _seen(self, document: Document) -> Iterator[Seen]:
        for address, state in sorted(self._observe(document).states.items()):
            yield Seen(address, state)

    def contained(self, grant: Grant, terms: Terms) -> Iterator[Change | Skip]:
        """Deny-all for principals, off for switches, a deny statement for targets."""
        kind, mark = grant.address.kind, terms.mark
        contains = {"principal": "principals", "switch": "switches", "target": "targets"}[kind]
        rule = terms.playbook.rule(NAME, contains)
        if rule is None:
            reason = f"the playbook has no rule for {contains}"
            yield Skip(grant.address, grant.principal, reason, leaves_access=True)
        elif grant.shared_with:
            reason = f"shared with {', '.join(grant.shared_with)}"
            yield Skip(grant.address, grant.principal, reason, leaves_access=True)
        else:
            for change in _changes(grant, mark, rule[1].name, rule[0]):
                if change.address in terms.refusals:
                    yield Skip(change.address, grant.principal, "refused", leaves_access=True)
                else:
                    yield change

    def residuals(self, change: Change) -> Iterable[Residual]:
        """A session outlives a switched-off key for an hour."""
        if change.address.kind == "switch":
            yield Residual(change.address, "sessions opened with the key", "PT1H")

    def commands(
        self, document: Document, changes: Sequence[Change], original: str | None
    ) -> Commands:
        """`memory set KIND ID JSON` or `memory remove KIND ID`: as plain as the world is."""
        del original
        lines = (
            ("set", document.kind, c.address.id, c.after.body)
            if c.after is not None
            else ("remove", document.kind, c.address.id)
            for c in changes
        )
        return Commands(tuple(join(("memory", *words)) for words in lines))

    # --- reading and writing ---------------------------------------------------------------------

    def read(self, document: Document) -> Observed:
        """Read one document freshly."""
        with self.world.lock:
            if self.realm in self.world.closed:
                raise ConnectorError(Cause.DENIED, "the realm is closed to us")
            observed = self._observe(document)
        self.hook("read", document)
        return observed

    def _observe(self, document: Document) -> Observed:
        name = document.id
        if document.kind == "foundation":
            body = self.world.foundations.get(name)
            there = {self._address(document): State.of(body)} if body is not None else {}
            return Observed(document, there)
        if document.kind == "statement":
            return self._observe_target(document)
        owner, _, key = name.partition("/")
        principal = self.world.principals.get(owner)
        if principal is None:
            return Observed(document, exists=False)
        if document.kind == "switch":
            if key not in principal.switches:
                return Observed(document, exists=False)
            state = State.of({"Status": principal.switches[key]})
            return Observed(document, {self._address(document): state}, uid=principal.uid)
        states = {self._address(document, f): State.of({"on": f}) for f in principal.attached}
        return Observed(document, states, uid=principal.uid)

    def _observe_target(self, document: Document) -> Observed:
        raw = self.world.targets.get(document.id)
        if raw is None:
            return Observed(document, exists=False)
        statements = json.loads(raw)["Statement"] if raw else []
        states = {self._address(document, s["Sid"]): State.of(s) for s in statements if "Sid" in s}
        tag = str(self.world.versions.get(document.id, 0)) if self.tags else ""
        return Observed(document, states, raw=raw, tag=tag)

    def _address(self, document: Document, part: str = "") -> Address:
        id_ = f"{document.id}#{part}" if part else document.id
        return Address(document.connector, document.realm, document.kind, id_)

    def write(
        self, observed: Observed, changes: Sequence[Change], original: str | None, token: str
    ) -> None:
        """Write all changes of one document at once, or none."""
        del token  # the world knows no idempotency keys
        self.hook("sending", observed.document)
        with self.world.lock:
            if self.realm in self.world.closed:
                raise ConnectorError(Cause.DENIED, "the realm is closed to us")
            _WRITERS[observed.document.kind](self.world, observed, changes, original)
        self.hook("sent", observed.document)


def _changes(grant: Grant, mark: Mark, rule: str, phase: int) -> Iterator[Change]:
    realm, id_ = grant.address.realm, grant.address.id
    foundation = f"Deny-J{mark.journal}"
    base = Address(NAME, realm, "foundation", foundation)
    proto = Change(
        grant.address,
        before=None,
        after=State.of({"Status": "off"}),
        rule=rule,
        breadth=Breadth.NARROW,
        phase=phase,
        uid=grant.uid,
        principal=grant.principal,
    )
    if grant.address.kind == "switch":
        yield proto
        return
    proto = replace(proto, marked=True)
    if grant.address.kind == "principal":
        yield replace(
            proto,
            address=base,
            after=State.of({"deny": "*", "by": mark.journal}),
            breadth=Breadth.FOUNDATION,
            uid="",
            principal=foundation,
        )
        yield replace(
            proto,
            address=Address(NAME, realm, "attachment", f"{id_}#{foundation}"),
            after=State.of({"on": foundation}),
            breadth=Breadth.PRINCIPAL,
            stands_on=base,
        )
        return
    for part in ("Acct", "Own"):
        sid = f"StoplineJ{mark.journal}P{mark.pause}{part}"
        yield replace(
            proto,
            address=Address(NAME, realm, "statement", f"{id_}#{sid}"),
            after=State.of({"Sid": sid, "Effect": "Deny"}),
            breadth=Breadth.TARGET,
        )


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
    principal = _principal(world, observed)
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
    switches = _principal(world, observed).switches
    if key not in switches:
        raise ConnectorError(Cause.GONE, "the switch is gone")
    for change in changes:
        if change.after is not None:
            switches[key] = change.after.value["Status"]


def _principal(world: World, observed: Observed) -> Principal:
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


_WRITERS: Mapping[str, Callable[[World, Observed, Sequence[Change], str | None], None]] = {
    "foundation": _write_foundation,
    "attachment": _write_attachment,
    "switch": _write_switch,
    "statement": _write_target,
}
