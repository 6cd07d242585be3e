"""What every connector is held to: the promises that planner, engine and laws rely on.

A connector's test class inherits `ConnectorContract` and gives it a `ground`: a small system in
which the vendor of `Ground.vendor` holds at least one thing of each kind that the connector
contains, beside somebody else. Whatever a connector cannot keep, the laws cannot keep either.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby
from typing import Protocol

import pytest

from stopline import planner
from stopline.configuration import installed_techniques
from stopline.errors import ConnectorError
from stopline.estate import Estate
from stopline.model import (
    Address,
    Breadth,
    Change,
    Counted,
    Direction,
    Document,
    Gap,
    Grant,
    Plan,
    Quota,
    Residual,
    Scope,
    Seen,
    Skip,
    in_order,
)
from stopline.playbook import Playbook
from stopline.port import Connector, Mark, Observed, Terms
from stopline.receipts import Cause
from stopline.text import Json
from stopline.vendors import Vendor

MARK = Mark("0a1b2c3d", "00000001")
OTHER = Mark("9e8d7c6b", "00000002")
"""Another laptop's journal: a stranger's mark."""
NOTHING_HELD = planner.Standing()


class Ground(Protocol):
    """A small system of record, and what the contract does to it behind the connector's back."""

    connector: Connector
    vendor: Vendor
    playbook: Playbook
    estate: Estate
    realm: str

    def picture(self) -> Json:
        """Everything that is there, for comparison: byte for byte where there is text."""
        ...

    def raw(self, document: Document) -> str | None:
        """The verbatim text of a document as the system has it; None where it keeps none."""
        ...

    def used(self) -> frozenset[str]:
        """The permissions that were really used since this was asked last."""
        ...

    def remove(self, document: Document) -> bool:
        """Take away what a document hangs on; False where it hangs on nothing."""
        ...

    def edit(self, document: Document) -> bool:
        """A stranger's edit elsewhere in a document; False where there is no elsewhere."""
        ...

    def edited(self, document: Document) -> bool:
        """Whether the stranger's edit is still there."""
        ...

    def close(self) -> None:
        """From now on nothing in the realm answers us."""
        ...


def terms(ground: Ground, mark: Mark = MARK) -> Terms:
    """What the ground's playbook says about its vendor."""
    return Terms(ground.vendor, ground.playbook, mark, estate=ground.estate)


def grants(ground: Ground) -> tuple[Grant, ...]:
    """What the vendor holds now."""
    found = ground.connector.discover(ground.vendor, Scope())
    return tuple(g for g in found if isinstance(g, Grant))


def opinions(ground: Ground, mark: Mark = MARK) -> Iterator[Change | Skip]:
    """What the connector would do about each grant."""
    for grant in grants(ground):
        yield from ground.connector.contained(grant, terms(ground, mark))


def plan(
    ground: Ground,
    mark: Mark = MARK,
    *,
    removed: frozenset[Address] = frozenset(),
    standing: planner.Standing = NOTHING_HELD,
) -> Plan:
    """The planner's plan over the connector, with nothing held yet if nothing else is said."""
    connector = ground.connector
    return planner.plan_containment(
        planner.snapshot_of("v", connector.discover(ground.vendor, Scope()), ""),
        replace(terms(ground, mark), removed=removed),
        Scope(),
        standing,
        planner.Opinions({connector.name: connector.contained}, {connector.name: lambda _: ()}),
    )


def documents(changes: Iterable[Change]) -> Iterator[tuple[Document, tuple[Change, ...]]]:
    """Changes by document, in the order given."""
    for document, group in groupby(changes, key=lambda c: c.address.document):
        yield document, tuple(group)


def carry_out(
    ground: Ground, changes: Iterable[Change], originals: dict[Document, str] | None = None
) -> dict[Document, str]:
    """Read and write document after document, as the engine does; returns the original texts."""
    originals = {} if originals is None else originals
    for document, group in documents(changes):
        observed = ground.connector.read(document)
        original = originals.setdefault(document, observed.raw)
        ground.connector.write(observed, group, original, "token")
    return originals


def back(changes: Iterable[Change]) -> tuple[Change, ...]:
    """The way back: every change turned round, from narrow to broad."""
    return in_order((c.inverse() for c in changes), Direction.RESTORE)


class ConnectorContract:
    """Inherit this. The subclass's module has a fixture `ground`, fresh for each test."""

    def test_discovery_yields_grants_and_how_much_it_looked_at(self, ground: Ground) -> None:
        """Only what the port knows, all of it under the connector's own name."""
        found = list(ground.connector.discover(ground.vendor, Scope()))
        assert {type(f) for f in found} <= {Grant, Gap, Quota, Seen, Counted}
        assert any(isinstance(f, Grant) for f in found)
        assert any(isinstance(f, Counted) and f.number for f in found)
        names = {f.address.connector for f in found if isinstance(f, Grant | Quota | Seen)}
        assert names == {ground.connector.name}

    def test_discovery_stays_in_the_realms_of_the_scope(self, ground: Ground) -> None:
        """A scope of another realm looks at nothing here."""
        there = Scope(realms=("elsewhere",))
        assert not list(ground.connector.discover(ground.vendor, there))
        here = Scope(realms=(ground.realm,))
        found = [f for f in ground.connector.discover(ground.vendor, here) if isinstance(f, Grant)]
        assert found
        assert {g.address.realm for g in found} == {ground.realm}

    def test_every_kind_of_change_has_its_countermeasure_or_says_why_none(
        self, ground: Ground
    ) -> None:
        """Evidence names the D3FEND technique of each write, for whoever maps it to others'."""
        known = installed_techniques().get(ground.connector.name)
        if known is None:
            pytest.skip("a connector that is not installed has no words")
        kinds = {change.address.kind for change in plan(ground).work}
        assert kinds
        assert kinds <= set(known)

    def test_what_cannot_be_read_is_a_gap(self, ground: Ground) -> None:
        """A realm that does not answer is named, with a cause; nothing is raised or made up."""
        ground.close()
        found = list(ground.connector.discover(ground.vendor, Scope()))
        gaps = [f for f in found if isinstance(f, Gap) and f.realm == ground.realm]
        assert gaps
        assert all(gap.what and gap.cause for gap in gaps)
        assert not [f for f in found if isinstance(f, Grant) and f.address.realm == ground.realm]

    def test_a_read_that_fails_says_why(self, ground: Ground) -> None:
        """A typed cause, and never a document that looks empty."""
        changes = [c for c in plan(ground).changes if c.address.realm == ground.realm]
        assert changes
        ground.close()
        for document, _ in documents(changes):
            with pytest.raises(ConnectorError) as caught:
                ground.connector.read(document)
            assert caught.value.cause not in (Cause.NONE, Cause.GONE, Cause.BUG)
            assert caught.value.landed is False

    def test_an_opinion_is_pure(self, ground: Ground) -> None:
        """The same grant under the same terms gives the same answer, without a single call."""
        held = grants(ground)
        before = ground.picture()
        ground.used()
        first = [list(ground.connector.contained(g, terms(ground))) for g in held]
        again = [list(ground.connector.contained(g, terms(ground))) for g in held]
        assert first == again
        assert any(first)
        assert not ground.used()
        assert ground.picture() == before

    def test_every_change_can_be_read_by_a_person(self, ground: Ground) -> None:
        """Its rule is the playbook's, it has a breadth, a summary, whom it concerns and an end."""
        rules = {rule.name for phase in ground.playbook.phases for rule in phase.rules}
        changes = [o for o in opinions(ground) if isinstance(o, Change)]
        assert changes
        for change in changes:
            assert change.address.connector == ground.connector.name
            assert change.rule in rules
            assert change.breadth in list(Breadth)
            assert change.summary
            assert change.principal
            assert change.after is not None or not change.marked
            assert change.address.parse(str(change.address)) == change.address

    def test_every_skip_says_why(self, ground: Ground) -> None:
        """A playbook that has no rule for anything leaves everything, and says so."""
        bare = ground.playbook.model_copy(update={"phases": ()})
        for grant in grants(ground):
            left = list(ground.connector.contained(grant, replace(terms(ground), playbook=bare)))
            assert left
            assert all(isinstance(s, Skip) and s.reason and s.leaves_access for s in left)

    def test_what_was_refused_is_not_planned_again(self, ground: Ground) -> None:
        """An address that the provider refused: another lever, or a skip that leaves access."""
        held, first = grants(ground), plan(ground).changes
        for change in first:
            refusing = replace(terms(ground), refusals=frozenset({change.address}))
            asked = [o for grant in held for o in ground.connector.contained(grant, refusing)]
            wanted = {o.address for o in asked if isinstance(o, Change)}
            assert change.address not in wanted
            others = wanted - {c.address for c in first}
            assert others or any(isinstance(o, Skip) and o.leaves_access for o in asked)

    def test_reading_shows_what_stands_and_the_verbatim_text(self, ground: Ground) -> None:
        """Before and after a change: its state by address, the text as it is, the same owner."""
        changes = plan(ground).changes
        for change in changes:
            seen = ground.connector.read(change.address.document)
            assert seen.document == change.address.document
            assert seen.exists
            assert seen.states.get(change.address) == change.before
            assert ground.raw(change.address.document) in (None, seen.raw)
            assert seen.uid in ("", change.uid)
        carry_out(ground, changes)
        for change in changes:
            seen = ground.connector.read(change.address.document)
            assert seen.states.get(change.address) == change.after
            assert ground.raw(change.address.document) in (None, seen.raw)

    def test_contain_and_its_inverse_are_the_identity(self, ground: Ground) -> None:
        """Byte for byte: nothing of ours is left, nothing of theirs is missing or rewritten."""
        before = ground.picture()
        changes = plan(ground).changes
        originals = carry_out(ground, changes)
        assert ground.picture() != before
        carry_out(ground, back(changes), originals)
        assert ground.picture() == before

    def test_containing_twice_is_once(self, ground: Ground) -> None:
        """A second write of the same changes changes nothing."""
        changes = plan(ground).changes
        originals = carry_out(ground, changes)
        once = ground.picture()
        carry_out(ground, changes, originals)
        assert ground.picture() == once

    def test_restoring_what_is_restored_does_nothing(self, ground: Ground) -> None:
        """A redelivered restore finds nothing to do, and raises nothing."""
        before = ground.picture()
        changes = plan(ground).changes
        originals = carry_out(ground, changes)
        carry_out(ground, back(changes), originals)
        carry_out(ground, back(changes), originals)
        assert ground.picture() == before

    def test_what_is_contained_is_discovered_as_contained(self, ground: Ground) -> None:
        """Discovery sees what stands at our addresses, so a second plan changes nothing."""
        carry_out(ground, plan(ground).changes)
        again = plan(ground)
        assert not again.changes
        assert not again.gaps

    def test_several_changes_of_one_document_are_one_result(self, ground: Ground) -> None:
        """All of them stand after one write; one taken out leaves the others as they are."""
        changes = plan(ground).changes
        shared = [d for d, group in documents(changes) if len(group) > 1]
        originals = carry_out(ground, changes)
        for document in shared:
            first, *rest = (c for c in changes if c.address.document == document)
            seen = ground.connector.read(document)
            ground.connector.write(seen, [first.inverse()], originals[document], "token")
            states = ground.connector.read(document).states
            assert states.get(first.address) == first.before
            assert all(states.get(c.address) == c.after for c in rest)

    def test_a_document_that_is_gone_is_said_to_be(self, ground: Ground) -> None:
        """Reading it tells so; containing it is refused as gone; lifting it does no harm."""
        changes = plan(ground).changes
        originals = carry_out(ground, changes)
        gone = []
        for document, group in documents(changes):
            stale = ground.connector.read(document)
            if not ground.remove(document):
                continue
            gone.append(document)
            assert not ground.connector.read(document).exists
            self._is_gone(ground, stale, group, originals[document])
        assert gone

    def _is_gone(
        self, ground: Ground, stale: Observed, group: tuple[Change, ...], original: str
    ) -> None:
        """A write that was on its way when the document went: named, and surely not landed."""
        with pytest.raises(ConnectorError) as caught:
            ground.connector.write(stale, group, original, "token")
        assert caught.value.cause is Cause.GONE
        assert caught.value.landed is False

    def test_a_strangers_edit_elsewhere_in_a_document_survives(self, ground: Ground) -> None:
        """Made before we contain, or while we hold: it is there afterwards, and ours is not."""
        changes = plan(ground).changes
        elsewhere = [d for d, _ in documents(changes) if ground.edit(d)]
        originals = carry_out(ground, changes)
        assert all(ground.edited(d) for d in elsewhere)
        later = [d for d, _ in documents(changes) if ground.edit(d)]
        carry_out(ground, back(changes), originals)
        for document in (*elsewhere, *later):
            assert ground.edited(document)
            states = ground.connector.read(document).states
            mine = [c for c in changes if c.address.document == document]
            assert all(states.get(c.address) == c.before for c in mine)

    def test_only_the_permissions_that_are_declared_are_used(self, ground: Ground) -> None:
        """To assess takes what `read` names; to write takes what `write` names besides."""
        permissions = ground.connector.permissions
        ground.used()
        changes = plan(ground).changes
        for document, _ in documents(changes):
            ground.connector.read(document)
        assert ground.used() <= permissions["read"]
        originals = carry_out(ground, changes)
        carry_out(ground, back(changes), originals)
        used = ground.used()
        assert used & permissions["write"]
        assert used <= permissions["read"] | permissions["write"]

    def test_residuals_are_pure(self, ground: Ground) -> None:
        """What outlives a change is computed: the same each time, without a call."""
        changes = plan(ground).changes
        ground.used()
        told: list[Residual] = []
        for change in changes:
            first = list(ground.connector.residuals(change))
            assert first == list(ground.connector.residuals(change))
            assert all(r.address == change.address and r.what and r.until for r in first)
            told += first
        assert told
        assert not ground.used()

    def test_a_marked_state_carries_the_journals_id(self, ground: Ground) -> None:
        """Whatever we leave in an estate says whose it is; a toggle cannot, and claims nothing."""
        changes = plan(ground).changes
        assert any(c.marked for c in changes)
        for change in changes:
            text = f"{change.address} {change.after.body if change.after else ''}"
            assert (MARK.journal in text) is change.marked

    def test_another_journals_mark_is_named_and_not_touched(self, ground: Ground) -> None:
        """Two laptops: the second names the first's hold, adds its own, and takes out its own."""
        theirs = plan(ground, OTHER).changes
        carry_out(ground, theirs)
        held = ground.picture()
        skips = [o for o in opinions(ground) if isinstance(o, Skip)]
        assert any(OTHER.journal in skip.reason for skip in skips)
        ours = plan(ground).changes
        assert ours
        assert not {c.address for c in ours} & {c.address for c in theirs}
        originals = carry_out(ground, ours)
        for change in theirs:
            seen = ground.connector.read(change.address.document)
            assert seen.states.get(change.address) == change.after
        carry_out(ground, back(ours), originals)
        assert ground.picture() == held
