"""What a vendor reaches and by which path, what a pause would cut and leave. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from stopline.estate import Reader
from stopline.model import Address, Change, Direction, Finding, Grant, Plan, Skip, Snapshot
from stopline.render.documents import Kind, document, plan_document
from stopline.render.page import Line, Page, Section, Tone
from stopline.render.plan import (
    Shown,
    blast,
    blind_section,
    in_words,
    plan_sections,
    scope_text,
)
from stopline.text import Json, jsonable

_APART = (
    "nothing on this way writes; `aws.read_role` or `gcp.read_service_account` can name one that "
    "cannot"
)


@dataclass(frozen=True, slots=True)
class Assessment:
    """A plan beside what it was planned from, as whom it was read, and what was not read."""

    plan: Plan
    snapshot: Snapshot
    findings: tuple[Finding, ...] = ()
    readers: tuple[Reader, ...] = ()
    not_looked_at: tuple[str, ...] = ()
    ref: str = ""


@dataclass(frozen=True, slots=True)
class Holder:
    """One principal of the vendor's, or one target that it reaches, with all that hangs on it."""

    connector: str
    realm: str
    principal: str
    grants: tuple[Grant, ...]
    cut: tuple[Change, ...] = ()
    claimed: tuple[Change, ...] = ()
    left: tuple[Skip, ...] = ()

    @property
    def via(self) -> tuple[str, ...]:
        """By which paths the vendor comes to it."""
        return tuple(sorted({grant.via for grant in self.grants}))

    @property
    def shared_with(self) -> tuple[str, ...]:
        """Who holds it besides, and is not the vendor."""
        return tuple(sorted({who for grant in self.grants for who in grant.shared_with}))

    @property
    def vouched(self) -> bool:
        """Whether something that the vendor cannot write itself selected it."""
        return all(grant.vouched for grant in self.grants)

    @property
    def open(self) -> bool:
        """Whether a pause would leave some of it to the vendor."""
        return any(skip.leaves_access for skip in self.left)


def holders(assessed: Assessment) -> tuple[Holder, ...]:
    """What the vendor reaches inside the scope, one entry for each principal and target."""
    plan = assessed.plan
    scope = replace(plan.scope, addresses=())  # those are of changes, not of grants
    grants = [g for g in assessed.snapshot.grants if scope.admits(g.address, g.principal)]
    cut, claimed = _by_holder(plan.changes), _by_holder(plan.claims)
    left = _by_holder(plan.skips)
    found = []
    for key, group in groupby(sorted(grants, key=_key), key=_key):
        mine = [by_holder.get(key, ()) for by_holder in (cut, claimed, left)]
        found.append(Holder(*key, tuple(group), *map(tuple, mine)))  # type: ignore[arg-type]
    return tuple(found)


def _key(thing: Grant | Change | Skip) -> tuple[str, str, str]:
    return thing.address.connector, thing.address.realm, thing.principal


def _by_holder(
    things: Sequence[Change] | Sequence[Skip],
) -> Mapping[tuple[str, str, str], list[Change | Skip]]:
    found: dict[tuple[str, str, str], list[Change | Skip]] = {}
    for thing in things:
        found.setdefault(_key(thing), []).append(thing)
    return found


# --- for people ----------------------------------------------------------------------------------


def assessment_page(assessed: Assessment, shown: Shown | None = None) -> Page:
    """What is reached, realm by realm, then what the plan says besides, then what was not read."""
    how = shown or Shown()
    held = holders(assessed)
    return (
        _head(assessed, held),
        *_realms(held, how),
        *plan_sections(assessed.plan, assessed.findings, how),
        *filter(None, [blind_section(assessed.not_looked_at, whole=True)]),
    )


def _head(assessed: Assessment, held: Sequence[Holder]) -> Section:
    plan = assessed.plan
    principals, targets = blast(plan)
    body = [
        Line(f"scope     {scope_text(plan.scope)}"),
        Line(f"reaches   {_count(held)}"),
        Line(
            f"a pause   would make {len(plan.changes)} changes (principals {principals}, targets "
            f"{targets}); left open, in whole or in part: {sum(h.open for h in held)}"
        ),
    ]
    if both := [f"{r.connector} {r.realm}" for r in assessed.readers if not r.apart]:
        body.append(
            Line(
                "read with credentials that may write as well: " + ", ".join(both),
                "!",
                Tone.WARN,
                (_APART,),
            )
        )
    return Section(f"Assessment: what {plan.vendor} reaches", tuple(body))


def _realms(held: Sequence[Holder], how: Shown) -> Iterator[Section]:
    for (connector, realm), group in groupby(held, key=lambda h: (h.connector, h.realm)):
        members = list(group)
        lines = [_line(holder) for holder in members[: how.most]]
        if len(members) > how.most:
            lines.append(Line(f"... and {len(members) - how.most} more (-v shows all)"))
        yield Section(f"{connector} {realm}: {_count(members)}", tuple(lines))


def _count(held: Sequence[Holder]) -> str:
    return "1 principal or target" if len(held) == 1 else f"{len(held)} principals and targets"


def _line(holder: Holder) -> Line:
    kinds = Counter(grant.entitlement for grant in holder.grants)
    what = ", ".join(kind if n == 1 else f"{n} x {kind}" for kind, n in sorted(kinds.items()))
    under = [f"by {via}" for via in holder.via]
    if holder.shared_with:
        under.append(f"shared with {', '.join(holder.shared_with)}")
    if not holder.vouched:
        under.append("only something that the vendor can write says so")
    under += [f"cut: {in_words(c, Direction.CONTAIN)}" for c in holder.cut]
    under += [f"contained already: {in_words(c, Direction.CONTAIN)}" for c in holder.claimed]
    under += [
        f"{'left open' if s.leaves_access else 'left as it is'}: {_short(s.address)}: {s.reason}"
        for s in holder.left
    ]
    symbol, tone = ("!", Tone.BAD) if holder.open else ("-", Tone.PLAIN)
    return Line(f"{holder.principal}: {what}", symbol, tone, tuple(under))


def _short(address: Address) -> str:
    return f"{address.kind} {address.id}"


# --- for programs --------------------------------------------------------------------------------


def assessment_document(assessed: Assessment) -> Json:
    """The assessment, whole."""
    plan = assessed.plan
    fields = {
        "vendor": plan.vendor,
        "scope": jsonable(plan.scope),
        "taken_at": assessed.snapshot.taken_at,
        "reaches": [_holder(holder) for holder in holders(assessed)],
        "read_as": [reader._asdict() for reader in assessed.readers],
        "not_looked_at": list(assessed.not_looked_at),
        "plan": plan_document(
            plan,
            assessed.findings,
            assessed.snapshot.counted,
            ref=assessed.ref,
            blind=assessed.not_looked_at,
        ),
    }
    return document(Kind.ASSESSMENT, fields)


def _holder(holder: Holder) -> Json:
    return {
        "connector": holder.connector,
        "realm": holder.realm,
        "principal": holder.principal,
        "targets": sorted({grant.target for grant in holder.grants}),
        "via": list(holder.via),
        "vouched": holder.vouched,
        "shared_with": list(holder.shared_with),
        "grants": [
            {
                "address": str(g.address),
                "entitlement": g.entitlement,
                "target": g.target,
                "via": g.via,
            }
            for g in holder.grants
        ],
        "cut": [str(change.address) for change in holder.cut],
        "contained_already": [str(change.address) for change in holder.claimed],
        "left": [
            {
                "address": str(skip.address),
                "reason": skip.reason,
                "leaves_access": skip.leaves_access,
            }
            for skip in holder.left
        ],
    }
