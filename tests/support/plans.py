"""Nouns for tests of what decides: grants, changes, holds, and an opinion that is one line."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from stopline.model import (
    Address,
    Breadth,
    Change,
    Found,
    Grant,
    Plan,
    Residual,
    Scope,
    Seen,
    Skip,
    State,
)
from stopline.planner import Opinions, Standing, plan_containment, snapshot_of
from stopline.playbook import Phase, Playbook, Rule
from stopline.port import Mark, Terms
from stopline.receipts import Hold
from stopline.vendors import Vendor

PAUSE, OTHER = "0000000a", "0000000b"
ON, OFF = State.of({"Status": "on"}), State.of({"Status": "off"})
VENDOR = Vendor(vendor="mercor")
PLAYBOOK = Playbook(
    playbook="default",
    phases=(Phase(name="all", rules=(Rule(name="cut", connector="memory", contains="x"),)),),
)
TERMS = Terms(VENDOR, PLAYBOOK, Mark("0a1b2c3d", PAUSE))


def grant(kind: str, id_: str, state: State = ON, **words: Any) -> Grant:
    """A grant; its principal is the text before the slash."""
    who = words.pop("principal", id_.partition("/")[0])
    address = Address("memory", words.pop("realm", "r1"), kind, id_)
    made = Grant(address, state, who, "right", words.pop("target", id_), "its field")
    return replace(made, **words)


def toggle(of: Grant) -> Change:
    """Switch it off."""
    return Change(
        of.address, None, OFF, "cut", Breadth.NARROW, uid=of.uid, principal=of.principal,
        summary="switch it off",
    )  # fmt: skip


def overlay(of: Grant, breadth: Breadth = Breadth.PRINCIPAL) -> Change:
    """Attach a deny of ours, which stands on a foundation."""
    where = replace(of.address, kind="attachment", id=f"{of.address.id}#ours")
    return replace(
        toggle(of), address=where, after=State.of({"on": "ours"}), breadth=breadth, marked=True,
        stands_on=foundation(of).address,
    )  # fmt: skip


def foundation(of: Grant) -> Change:
    """What the overlays of one realm stand on."""
    where = replace(of.address, kind="foundation", id="ours")
    after = State.of({"deny": "*"})
    return replace(
        toggle(of), address=where, after=after, breadth=Breadth.FOUNDATION, marked=True, uid="",
        principal="ours",
    )  # fmt: skip


def contained(of: Grant, _terms: Terms) -> Iterator[Change | Skip]:
    """Switches off, principals by an overlay on a foundation, targets by a statement."""
    if of.address.kind == "switch":
        yield toggle(of)
    elif of.address.kind == "target":
        yield replace(overlay(of, Breadth.TARGET), stands_on=None)
    elif of.shared_with:
        yield Skip(of.address, of.principal, "shared", leaves_access=True)
    else:
        yield foundation(of)
        yield overlay(of)


def outlives(change: Change) -> Iterator[Residual]:
    """Sessions outlive a switch."""
    if change.address.kind == "switch":
        yield Residual(change.address, "sessions", "PT1H")


OPINIONS = Opinions({"memory": contained}, {"memory": outlives})


def planned(
    *found: Found,
    scope: Scope | None = None,
    standing: Standing | None = None,
    terms: Terms = TERMS,
) -> Plan:
    """A containment plan of what was found."""
    snapshot = snapshot_of("mercor", found, "")
    return plan_containment(snapshot, terms, scope or Scope(), standing or Standing(), OPINIONS)


def hold(change: Change, pause: str = PAUSE, **words: Any) -> Hold:
    """A hold that a receipt shows."""
    made = Hold(change.address, pause, change.before, change.after, change, written=True)
    return replace(made, **words)


def seen(*changes: Change) -> Iterable[Seen]:
    """What stands once these were written."""
    return [Seen(c.address, c.after) for c in changes if c.after is not None]


def ids(changes: Iterable[Change]) -> list[str]:
    """The changes' ids."""
    return [c.address.id for c in changes]
