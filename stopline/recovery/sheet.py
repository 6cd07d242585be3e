"""One pause as its recovery sheet holds it: enough to finish it, give it back, rebuild it. Pure.

A sheet is as old as its last writing. What was written to a system after that is in no receipt of
it, so that whoever reads it takes every change of its plans for one that may have been made.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import ValidationError

from stopline.errors import UserError
from stopline.model import Address, Change, Direction, Document, Plan, Scope, in_order
from stopline.planner import plan_restore
from stopline.receipts import Hold
from stopline.text import Json, canonical, jsonable, load

KIND = "RecoverySheet"
API_VERSION = "stopline/v1"
FILE = "sheet.json"


@dataclass(frozen=True, slots=True)
class Sheet:
    """All that is known of a pause at `written_at` (UTC, ISO 8601).

    `order` is the pause's order as it was asked for, `frozen` the configuration that it names.
    `plans` are the containment plans that were approved or carried out, oldest first. `holds` are
    all that lie on this pause's addresses, other pauses' included. `originals` are the verbatim
    texts of documents from before us. `receipts` is the latest of each address, as journalled, the
    states in it whole. `said` is who said what: at, kind, by, reason, plan.
    """

    journal: str = ""
    pause: str = ""
    vendor: str = ""
    scope: Scope = field(default_factory=Scope)
    requester: str = ""
    reason: str = ""
    opened_at: str = ""
    status: str = ""
    written_at: str = ""
    order: dict[str, Json] = field(default_factory=dict)
    frozen: str = ""
    plans: tuple[Plan, ...] = ()
    holds: tuple[Hold, ...] = ()
    originals: tuple[tuple[str, str], ...] = ()
    receipts: tuple[dict[str, Json], ...] = ()
    said: tuple[tuple[str, str, str, str, str], ...] = ()

    @property
    def mine(self) -> tuple[Hold, ...]:
        """The holds of this pause."""
        return tuple(hold for hold in self.holds if hold.pause == self.pause)

    @property
    def answered(self) -> Mapping[Address, dict[str, Json]]:
        """The latest receipt of each address that was ever asked for."""
        return {Address.parse(receipt["address"]): receipt for receipt in self.receipts}

    @property
    def texts(self) -> Mapping[Document, str]:
        """The verbatim texts from before us, by document."""
        return {Address.parse(document).document: raw for document, raw in self.originals}

    def containment(self) -> Plan:
        """All that was approved or carried out, as one plan; the first to name an address wins."""
        changes: dict[Address, Change] = {}
        claims: dict[Address, Change] = {}
        for plan in self.plans:
            for change in plan.changes:
                changes.setdefault(change.address, change)
            for change in plan.claims:
                claims.setdefault(change.address, change)
        last = self.plans[-1] if self.plans else None
        return Plan(
            vendor=self.vendor,
            direction=Direction.CONTAIN,
            scope=self.scope,
            changes=in_order(changes.values(), Direction.CONTAIN),
            claims=in_order(claims.values(), Direction.CONTAIN),
            skips=last.skips if last else (),
            residuals=tuple(sorted({r for plan in self.plans for r in plan.residuals})),
            gaps=last.gaps if last else (),
            pause=self.pause,
        )

    def unanswered(self) -> tuple[Change, ...]:
        """Changes of the plans of which neither a hold nor a receipt says what became of them."""
        known = {hold.address for hold in self.mine} | set(self.answered)
        return tuple(c for c in self.containment().changes if c.address not in known)

    def way_back(self) -> Plan:
        """What gives everything back: what is held, and what may have been written besides."""
        held = plan_restore(self.vendor, self.pause, self.holds, Scope())
        open_ = [change.inverse() for change in self.unanswered()]
        return Plan(
            vendor=self.vendor,
            direction=Direction.RESTORE,
            scope=self.scope,
            changes=in_order((*held.changes, *open_), Direction.RESTORE),
            claims=held.claims,
            skips=held.skips,
            pause=self.pause,
        )


def sheet_document(sheet: Sheet) -> Json:
    """The machine-readable part, which `parse` reads back."""
    return {"apiVersion": API_VERSION, "kind": KIND, "sheet": jsonable(sheet)}


def parse(document: Json, where: str) -> Sheet:
    """Read what `sheet_document` wrote. Raises UserError naming where it came from."""
    known = isinstance(document, dict) and document.get("kind") == KIND
    if not known or document.get("apiVersion") != API_VERSION:
        raise UserError(
            f"{where} is not a recovery sheet ({API_VERSION} {KIND}). Nothing was rebuilt.",
            f"Give the folder of a pause, or the {FILE} in it.",
        )
    try:
        return load(Sheet, canonical(document.get("sheet")))
    except ValidationError as error:
        raise UserError(
            f"{where} cannot be read: {error.error_count()} faults, the first at "
            f"{'.'.join(map(str, error.errors()[0]['loc']))}. Nothing was rebuilt.",
            "It may be of a newer release, or cut off: take another version of it.",
        ) from None
