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
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from shlex import join

from stopline.commands import Commands
from stopline.connectors.memory.world import (
    REMOVAL,
    WRITERS,
    Principal,
    World,
    principal_of,
)
from stopline.errors import ConnectorError
from stopline.model import (
    Address,
    Breadth,
    Change,
    Counted,
    Document,
    Effect,
    Found,
    Gap,
    Grant,
    Residual,
    Scope,
    Seen,
    Skip,
    State,
)
from stopline.port import Observed, Terms
from stopline.receipts import Cause, Hold
from stopline.text import Json
from stopline.vendors import Vendor

__all__ = ["CONTAINS", "NAME", "Hook", "MemoryConnector", "Principal", "World"]
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
                yield from self._principal(vendor, scope, name, principal)
            for name in sorted(self.world.targets):
                state = _marks(a.part for a in self._parts("statement", name))
                yield self._grant("target", name, state, name, "target", "every target")
                yield from self._seen(Document(NAME, self.realm, "statement", name))
            for name in sorted(self.world.foundations):
                yield from self._seen(Document(NAME, self.realm, "foundation", name))
            yield Counted(NAME, self.realm, "principal", len(self.world.principals))

    def _principal(
        self, vendor: Vendor, scope: Scope, name: str, principal: Principal
    ) -> Iterator[Found]:
        for kind in ("attachment", "door", "ban"):
            yield from self._seen(Document(NAME, self.realm, kind, name))
        for cut in sorted(c for c in self.world.cuts if c.startswith(f"{name}/")):
            yield from self._seen(Document(NAME, self.realm, "cut", cut))
        if principal.vendor != vendor.vendor:
            return
        if not _selects(vendor, scope, principal):
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
            for change in shut or _changes(grant, terms, proto):
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

    def removable(
        self, vendor: Vendor, wanted: Sequence[Hold], standing: Sequence[Hold]
    ) -> Iterator[Effect | Skip]:
        """A principal that is the vendor's alone goes with what is attached to it."""
        del vendor
        with self.world.lock:
            owned = {name for name, p in self.world.principals.items() if p.owned}
        going = {
            hold.address
            for hold in wanted
            if hold.address.kind == "attachment" and hold.address.document.id in owned
        }
        for address in sorted(going):
            yield Effect(address, f"remove {address.document.id}")
        for hold in wanted:
            on_it = {h.address for h in standing if h.change.stands_on == hold.address}
            if hold.address.kind == "foundation" and on_it <= going:
                yield Effect(hold.address, "remove the deny that nobody needs any more")

    def end(self, observed: Observed, changes: Sequence[Change], token: str) -> None:
        """Take a switch, a principal or a foundation out for good."""
        del token
        self.hook("removing", observed.document)
        kind = observed.document.kind
        if kind == "foundation":
            self.write(observed, changes, None, "")
            return
        if kind == "attachment":
            for step in REMOVAL:
                self.hook("sending", observed.document)
                with self.world.lock:
                    step(self.world, principal_of(self.world, observed), observed.document.id)
                self.hook("sent", observed.document)
            return
        self.hook("sending", observed.document)
        key = observed.document.id.partition("/")[2]
        with self.world.lock:
            if self.realm in self.world.closed:
                raise ConnectorError(Cause.DENIED, "the realm is closed to us")
            if principal_of(self.world, observed).switches.pop(key, None) is None:
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
        if document.kind in ("door", "cut", "ban"):
            return Observed(document, self._shut(document), uid=principal.uid)
        if document.kind == "switch":
            if key not in principal.switches:
                return Observed(document, exists=False)
            state = State.of({"Status": principal.switches[key]})
            return Observed(document, {self._address(document): state}, uid=principal.uid)
        states = {self._address(document, f): State.of({"on": f}) for f in principal.attached}
        return Observed(document, states, uid=principal.uid, ending=principal.leaving)

    def _shut(self, document: Document) -> dict[Address, State]:
        if document.kind in ("door", "ban"):
            kept = self.world.doors if document.kind == "door" else self.world.bans
            denies = kept.get(document.id, ())
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
            WRITERS[observed.document.kind](self.world, observed, changes, original)
        self.hook("sent", observed.document)


def _selects(vendor: Vendor, scope: Scope, principal: Principal) -> bool:
    """Its vendor field does, unless only projects are looked for."""
    if scope.project:
        return scope.project in principal.projects
    alone = vendor.aws.empty and vendor.gcp.empty and vendor.payouts.empty
    if vendor.projects and alone:
        return bool(vendor.projects.keys() & set(principal.projects))
    return True


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


def _changes(grant: Grant, terms: Terms, proto: Change) -> Iterator[Change]:
    mark, realm, id_ = terms.mark, grant.address.realm, grant.address.id
    if grant.address.kind == "switch":
        yield proto
        return
    proto = replace(proto, marked=True)
    if grant.address.kind == "principal":
        yield from _denied(grant, terms, proto)
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


def _denied(grant: Grant, terms: Terms, proto: Change) -> Iterator[Change]:
    """Attach a deny that stands on another; above one that is removed again and again, a ban."""
    mark, realm, id_ = terms.mark, grant.address.realm, grant.address.id
    foundation = f"Deny-J{mark.journal}"
    base = Address(NAME, realm, "foundation", foundation)
    yield replace(
        proto,
        address=base,
        after=State.of({"deny": "*", "by": mark.journal}),
        breadth=Breadth.FOUNDATION,
        uid="",
        principal=foundation,
        summary="create the deny that the attachments need",
    )
    attachment = Address(NAME, realm, "attachment", f"{id_}#{foundation}")
    yield replace(
        proto,
        address=attachment,
        after=State.of({"on": foundation}),
        breadth=Breadth.PRINCIPAL,
        stands_on=base,
        summary=f"attach the deny to {id_}",
    )
    if attachment in terms.removed:
        yield replace(
            proto,
            address=Address(NAME, realm, "ban", f"{id_}#{foundation}"),
            after=State.of({"Sid": foundation}),
            breadth=Breadth.PRINCIPAL,
            over=attachment,
            summary=f"ban {id_} from above the realm: its deny was removed again and again",
        )
