"""What every connector is held to that can remove for good, besides `ConnectorContract`."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from connectors.contract import Ground, carry_out, plan

from stopline.errors import ConnectorError
from stopline.model import Change, Effect, Skip
from stopline.port import Ending
from stopline.receipts import Cause, Hold


def holds(changes: tuple[Change, ...]) -> Iterator[Hold]:
    """What a pause holds once these changes are made."""
    for change in changes:
        yield Hold(change.address, "00000001", change.before, change.after, change, written=True)


def effects(
    ground: Ground, changes: tuple[Change, ...], *, taken_out: bool = False
) -> tuple[Change, ...]:
    """The changes of a termination of all that: what is removed, or what was taken out already."""
    says = [_ending(ground).ended(hold) for hold in holds(changes)]
    wanted = {one.address for one in says if isinstance(one, Effect)}
    ended = (replace(c, before=c.after, after=None) for c in changes if c.address in wanted)
    return tuple(change for change in ended if (change.before is None) is taken_out)


def _ending(ground: Ground) -> Ending:
    assert isinstance(ground.connector, Ending)
    return ground.connector


class EndingContract:
    """The promises. `ground` is a fixture of the test module.

    `keep_nothing` are kinds whose mark denies nothing: it only says what an end is to do.
    """

    keep_nothing: frozenset[str] = frozenset()

    def test_what_is_removed_is_a_pure_opinion_about_the_hold_itself(self, ground: Ground) -> None:
        """For each hold an effect at its own address, or a reason; no call; twice the same."""
        changes = plan(ground).changes
        ground.used()
        for hold in holds(changes):
            says = _ending(ground).ended(hold)
            assert says == _ending(ground).ended(hold)
            assert says.address == hold.address
            assert says.reason if isinstance(says, Skip) else says.summary
        assert not ground.used()

    def test_only_what_bears_no_mark_has_an_effect(self, ground: Ground) -> None:
        """What we laid over something is a deny: taking it away would open what it denies."""
        changes = plan(ground).changes
        marked = {
            c.address for c in changes if c.marked and c.address.kind not in self.keep_nothing
        }
        ended = effects(ground, changes)
        assert ended
        assert not marked & {c.address for c in ended}

    def test_what_is_removed_is_gone_and_nothing_else_is_touched(self, ground: Ground) -> None:
        """Each of them is not there when it is read; all that else is ours stands as we left it."""
        changes = plan(ground).changes
        carry_out(ground, changes)
        ended = effects(ground, changes)
        ground.used()
        for change in ended:
            observed = ground.connector.read(change.address.document)
            assert observed.states[change.address] == change.before
            _ending(ground).end(observed, [change], "token")
            seen = ground.connector.read(change.address.document)
            assert not seen.exists or change.address not in seen.states
        gone = {c.address for c in ended}
        for change in changes:
            if change.address not in gone:
                seen = ground.connector.read(change.address.document)
                assert seen.states.get(change.address) == change.after

    def test_writing_removes_none_of_it(self, ground: Ground) -> None:
        """A write whose state after is absent leaves a toggle as it is: only `end` has effects."""
        changes = plan(ground).changes
        originals = carry_out(ground, changes)
        ended = tuple(c for c in effects(ground, changes) if not c.marked)
        before = ground.picture()
        carry_out(ground, ended, originals)
        assert ground.picture() == before

    def test_what_was_taken_out_stays_out_without_a_call(self, ground: Ground) -> None:
        """Nothing is sent, nothing changes: only nobody is going to give it back."""
        changes = plan(ground).changes
        carry_out(ground, changes)
        before = ground.picture()
        for change in effects(ground, changes, taken_out=True):
            observed = ground.connector.read(change.address.document)
            assert change.address not in observed.states
            ground.used()
            _ending(ground).end(observed, [change], "token")
            assert not ground.used()
        assert ground.picture() == before

    def test_removing_what_is_gone_says_so(self, ground: Ground) -> None:
        """A request that comes too late is refused as gone, and surely did not land."""
        changes = plan(ground).changes
        carry_out(ground, changes)
        for change in effects(ground, changes):
            stale = ground.connector.read(change.address.document)
            assert ground.remove(change.address.document)
            with pytest.raises(ConnectorError) as caught:
                _ending(ground).end(stale, [change], "token")
            assert (caught.value.cause, caught.value.landed) == (Cause.GONE, False)

    def test_removing_takes_permissions_of_its_own(self, ground: Ground) -> None:
        """What is used besides reading is declared as `terminate`, where a lab can leave it out."""
        changes = plan(ground).changes
        carry_out(ground, changes)
        permissions = ground.connector.permissions
        for change in effects(ground, changes):
            observed = ground.connector.read(change.address.document)
            ground.used()
            _ending(ground).end(observed, [change], "token")
            assert ground.used() <= permissions["terminate"]
