"""The reference fake: a small world in memory, as awkward as the real ones.

It has all that makes a system of record hard: a foundation that must be there before anything is
attached to it and cannot go while something is; a document that several addresses and strangers
share; toggles that bear no mark; a door that others go through too, and sessions that were opened
before it was shut; verbatim text; immutable ids; tags, if asked for. `hook` is called
around every read and write, so that tests can let strangers edit, replies get lost and processes
die at any moment.
"""

import json
import re
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
    Effect,
    Found,
    Gap,
    Grant,
    Hold,
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
    "shared": frozenset({"door"}),
}
_MARK = re.compile(r"Deny-J([0-9a-f]{8})|StoplineJ([0-9a-f]{8})P[0-9a-f]{8}(?:Acct|Own)")
Hook = Callable[[str, Document], None]
"""Called with `read`, `removing`, `sending` or `sent`, and the document. It may raise."""


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
    """The state of the system. Strangers edit it directly, under `lock`.

    `doors` holds, by principal, the denies at its door; `cuts`, by principal and name, the time
    before which its sessions have ended.
    """

    principals: dict[str, Principal] = field(default_factory=dict)
    foundations: dict[str, Json] = field(default_factory=dict)
    targets: dict[str, str] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    doors: dict[str, set[str]] = field(default_factory=dict)
    cuts: dict[str, str] = field(default_factory=dict)
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
            "cuts": dict(sorted(self.cuts.items())),
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
        default_factory=lambda: {word: frozenset({word}) for word in ("read", "write", "terminate")}
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
                state = _marks(a.part for a in self._parts("statement", name))
                yield self._grant("target", name, state, name, "target", "every target")
                yield from self._seen(Document(NAME, self.realm, "statement", name))
            for name in sorted(self.world.foundations):
                yield from self._seen(Document(NAME, self.realm, "foundation", name))
            yield Counted(NAME, self.realm, "principal", len(self.world.principals))

    def _principal(self, vendor: Vendor, name: str, principal: Principal) -> Iterator[Found]:
        for kind in ("attachment", "door"):
            yield from self._seen(Document(NAME, self.realm, kind, name))
        for cut in sorted(c for c in self.world.cuts if c.startswith(f"{name}/")):
            yield from self._seen(Document(NAME, self.realm, "cut", cut))
        if principal.vendor != vendor.vendor:
            return
        facts = (principal.uid, principal.vouched, principal.shared_with)
        state: Json = _marks(principal.attached)
        yield self._grant("principal", name, state, name, "everything", "its vendor field", facts)
        for key, status in sorted(principal.switches.items()):
            state, where = {"Status": status}, f"{name}/{key}"
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

    def _parts(self, kind: str, name: str) -> Iterable[Address]:
        return self._observe(Document(NAME, self.realm, kind, name)).states

    def _seen(self, document: Document) -> Iterator[Seen]:
        for address, state in sorted(self._observe(document).states.items()):
            yield Seen(address, state)

    def contained(self, grant: Grant, terms: Terms) -> Iterator[Change | Skip]:
        """Deny-all for principals, off for switches, a deny statement for targets; shut doors."""
        kind = "shared" if grant.shared_with else grant.address.kind
        contains = {"principal": "principals", "switch": "switches", "target": "targets"}
        rule = terms.playbook.rule(NAME, contains.get(kind, kind))
        for journal in grant.state.value.get("marks", ()):
            if journal != terms.mark.journal:
                reason = f"held by another stopline journal, {journal}; not touched"
                yield Skip(grant.address, grant.principal, reason)
        if rule is None:
            why = f"shared with {', '.join(grant.shared_with)}" if grant.shared_with else ""
            reason = why or f"the playbook has no rule for {contains[kind]}"
            yield Skip(grant.address, grant.principal, reason, leaves_access=True)
        else:
            proto = _proto(grant, rule[1].name, rule[0])
            shut = grant.shared_with and _shut(grant, terms, proto)
            for change in shut or _changes(grant, terms.mark, proto):
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

    # --- the permanent end -----------------------------------------------------------------------

    def ended(self, hold: Hold) -> Effect | Skip:
        """A switch can be taken out; a deny stays, or what it denies would be open."""
        if hold.address.kind == "switch":
            return Effect(hold.address, f"take the switch {hold.address.id} out")
        reason = "the deny stays: without it the vendor could come in again"
        return Skip(hold.address, hold.change.principal, reason)

    def end(self, observed: Observed, changes: Sequence[Change], token: str) -> None:
        """Take switches out for good."""
        del token, changes  # one switch is one document
        self.hook("removing", observed.document)
        self.hook("sending", observed.document)
        key = observed.document.id.partition("/")[2]
        with self.world.lock:
            if self.realm in self.world.closed:
                raise ConnectorError(Cause.DENIED, "the realm is closed to us")
            if _principal(self.world, observed).switches.pop(key, None) is None:
                raise ConnectorError(Cause.GONE, "the switch is gone")
        self.hook("sent", observed.document)

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
        principal = self.world.principals.get(name.partition("/")[0])
        if principal is None:
            return Observed(document, exists=False)
        return self._observe_of(principal, document)

    def _observe_of(self, principal: Principal, document: Document) -> Observed:
        key = document.id.partition("/")[2]
        if document.kind in ("door", "cut"):
            return Observed(document, self._shut(document), uid=principal.uid)
        if document.kind == "switch":
            if key not in principal.switches:
                return Observed(document, exists=False)
            state = State.of({"Status": principal.switches[key]})
            return Observed(document, {self._address(document): state}, uid=principal.uid)
        states = {self._address(document, f): State.of({"on": f}) for f in principal.attached}
        return Observed(document, states, uid=principal.uid)

    def _shut(self, document: Document) -> dict[Address, State]:
        if document.kind == "door":
            denies = self.world.doors.get(document.id, ())
            return {self._address(document, sid): State.of({"Sid": sid}) for sid in denies}
        moment = self.world.cuts.get(document.id)
        return {self._address(document): State.of({"before": moment})} if moment else {}

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


def _marks(parts: Iterable[str]) -> Json:
    """Whose marks are among these names: the journals' ids."""
    found = (_MARK.fullmatch(part) for part in parts)
    return {"marks": sorted({m[1] or m[2] for m in found if m})}


def _proto(grant: Grant, rule: str, phase: int) -> Change:
    return Change(
        grant.address,
        before=None,
        after=State.of({"Status": "off"}),
        rule=rule,
        breadth=Breadth.NARROW,
        phase=phase,
        uid=grant.uid,
        principal=grant.principal,
        summary=f"switch {grant.address.id} off",
    )


def _shut(grant: Grant, terms: Terms, proto: Change) -> Iterator[Change]:
    """Deny at the door, then end what was opened before it was shut."""
    sid = f"StoplineJ{terms.mark.journal}P{terms.mark.pause}"
    door = Address(NAME, grant.address.realm, "door", f"{grant.address.id}#{sid}")
    moment = terms.cut_after(door.document)
    yield replace(
        proto,
        address=door,
        after=State.of({"Sid": sid}),
        breadth=Breadth.TARGET,
        marked=True,
        summary=f"deny the vendor at the door of {grant.address.id}",
    )
    yield replace(
        proto,
        address=Address(NAME, grant.address.realm, "cut", f"{grant.address.id}/{sid}"),
        after=State.of({"before": moment}),
        marked=True,
        moment=moment,
        felt=f"shared with {', '.join(grant.shared_with)}, who must sign in again",
        summary=f"end the older sessions of {grant.address.id}",
    )


def _changes(grant: Grant, mark: Mark, proto: Change) -> Iterator[Change]:
    realm, id_ = grant.address.realm, grant.address.id
    foundation = f"Deny-J{mark.journal}"
    base = Address(NAME, realm, "foundation", foundation)
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
            summary="create the deny that the attachments need",
        )
        yield replace(
            proto,
            address=Address(NAME, realm, "attachment", f"{id_}#{foundation}"),
            after=State.of({"on": foundation}),
            breadth=Breadth.PRINCIPAL,
            stands_on=base,
            summary=f"attach the deny to {id_}",
        )
        return
    for part in ("Acct", "Own"):
        sid = f"StoplineJ{mark.journal}P{mark.pause}{part}"
        yield replace(
            proto,
            address=Address(NAME, realm, "statement", f"{id_}#{sid}"),
            after=State.of({"Sid": sid, "Effect": "Deny"}),
            breadth=Breadth.TARGET,
            summary=f"deny {id_} to the vendor ({part})",
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


def _write_door(
    world: World, observed: Observed, changes: Sequence[Change], _original: str | None
) -> None:
    _principal(world, observed)
    denies = world.doors.setdefault(observed.document.id, set())
    for change in changes:
        (denies.discard if change.after is None else denies.add)(change.address.part)


def _write_cut(
    world: World, observed: Observed, changes: Sequence[Change], _original: str | None
) -> None:
    _principal(world, observed)
    for change in changes:
        if change.after is None:
            world.cuts.pop(observed.document.id, None)
        else:
            world.cuts[observed.document.id] = change.after.value["before"]


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
    "door": _write_door,
    "cut": _write_cut,
}
