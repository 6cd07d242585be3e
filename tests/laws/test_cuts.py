"""The time before which sessions end: after the door is shut everywhere, stable, and no prior."""

from dataclasses import dataclass, field
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.examples import laws
from support.nights import Mishap, Night, crash, lose_reply, throttle

from stopline.model import Document, Plan, Scope

FIRST, SECOND = "0000000a", "0000000b"
PROPAGATION = 15.0
FEW = laws()
pytestmark = pytest.mark.law
SHARED = Scope(principals=("shared",))


@dataclass
class Minting(Night):
    """A night in which the vendor opens a session whenever the door still lets it in.

    Each call takes a second, and a write of the door is seen everywhere only a while after it.
    """

    minted: list[float] = field(default_factory=list)
    shut_at: float = 0.0

    def __post_init__(self) -> None:
        """The vendor has been at work for an hour."""
        super().__post_init__()
        self.connector.propagation = PROPAGATION
        self.minted.append(self.now - 3600)

    def _hook(self, moment: str, document: Document) -> None:
        self.now += 1
        if document.kind == "door" and moment == "sent" and not self.shut_at:
            self.shut_at = self.now
        if not self.shut_at or self.now < self.shut_at + PROPAGATION:
            self.minted.append(self.now)
        super()._hook(moment, document)

    @property
    def cut(self) -> float:
        """The moment before which sessions have ended."""
        (text,) = self.world.cuts.values()
        settled = self.book.pauses.settled(FIRST, {"memory": PROPAGATION})
        assert text in settled.values()
        return datetime.fromisoformat(text).timestamp()


def open_again(night: Night) -> None:
    """An attacker takes our deny from the door, and comes in once more."""
    night.world.doors["shared"] = set()
    night.shut_at = 0.0  # type: ignore[attr-defined]


mishaps = st.lists(
    st.builds(
        Mishap,
        st.sampled_from(["read", "sending"]),
        st.integers(1, 12),
        st.sampled_from([crash, lose_reply, throttle, open_again]),
    ),
    max_size=4,
)


@FEW
@given(mishaps)
def test_no_session_of_the_vendors_outlives_the_cut(accidents: list[Mishap]) -> None:
    """Also not one from between our write of the door and the moment that all have seen it."""
    night = Minting(mishaps=accidents)
    night.contain(FIRST, SHARED)
    accidents.clear()
    night.contain(FIRST, SHARED)
    assert all(minted < night.cut for minted in night.minted)


@FEW
@given(mishaps)
def test_what_a_colleague_opens_after_containment_lives(accidents: list[Mishap]) -> None:
    """The cut never lies ahead of the moment at which containment ended."""
    night = Minting(mishaps=accidents)
    night.contain(FIRST, SHARED)
    assert night.cut <= night.now


@FEW
@given(mishaps)
def test_a_sweep_ends_clean_and_stays_so(accidents: list[Mishap]) -> None:
    """The cut is the same from sweep to sweep, however late the sweep is."""
    night = Minting(mishaps=accidents)
    night.contain(FIRST, SHARED)
    accidents.clear()
    night.contain(FIRST, SHARED)
    cut = dict(night.world.cuts)
    night.now += 86_400
    assert not night.plan(FIRST, SHARED).work
    night.contain(FIRST, SHARED)
    assert night.world.cuts == cut


@FEW
@given(mishaps)
def test_a_cut_that_moved_on_is_no_prior(accidents: list[Mishap]) -> None:
    """Nothing was there before the first stamp, so nothing is what a restore gives back."""
    night = Minting(mishaps=accidents)
    before = night.world.picture()
    night.contain(FIRST, SHARED)
    assert all(hold.prior is None for hold in night.book.writes.holds())
    accidents.clear()
    night.restore(FIRST, SHARED)
    assert night.world.picture() == before
    assert not night.book.writes.holds()


def test_the_cut_moves_once() -> None:
    """At once, for what is open already; then when the door was seen to be shut; then no more."""
    night = Minting()
    night.open(FIRST)
    opened = night.book.pauses.cut_at(FIRST)
    plan = night.plan(FIRST, SHARED)
    night.carry_out(plan)
    assert list(night.world.cuts.values()) == [opened]
    night.now += 60
    again = night.plan(FIRST, SHARED, sweep=plan)
    assert [c.address.kind for c in again.work] == ["cut"]
    night.carry_out(again)
    assert night.cut > night.shut_at + PROPAGATION
    assert not night.plan(FIRST, SHARED, sweep=plan).work


def test_a_door_that_could_not_be_shut_moves_no_cut() -> None:
    """Without a receipt the cut stays where the pause began: no sweep ends sessions for nothing."""
    night = Minting()
    night.open(FIRST)
    night.now += 600
    plan = night.plan(FIRST, SHARED)
    (cut,) = [c for c in plan.work if c.address.kind == "cut"]
    night.now += 600
    assert [c for c in night.plan(FIRST, SHARED).work if c.address.kind == "cut"] == [cut]
    assert cut.moment == night.book.pauses.cut_at(FIRST)


def test_two_pauses_cut_apart_and_the_last_gives_all_back() -> None:
    """Each has its own deny at the door and its own cut; lifting one leaves the other's."""
    night = Minting()
    before = night.world.picture()
    night.contain(FIRST, SHARED)
    first = dict(night.world.cuts)
    night.contain(SECOND, SHARED)
    assert len(night.world.doors["shared"]) == len(night.world.cuts) == 2
    assert first.items() <= night.world.cuts.items()
    night.restore(FIRST, SHARED)
    assert len(night.world.doors["shared"]) == len(night.world.cuts) == 1
    assert not first.keys() & night.world.cuts.keys()
    night.restore(SECOND, SHARED)
    assert night.world.picture() == before


def test_the_digest_leaves_the_cut_out() -> None:
    """Planned a minute later it is the same work, and the same word of a person's covers it."""
    night = Night()

    def planned() -> Plan:
        night.now += 60
        return night.plan(FIRST, SHARED)

    one, other = planned(), planned()
    assert one.work != other.work
    assert one.digest == other.digest


def test_the_cut_comes_after_the_door_and_goes_before_it() -> None:
    """There is no moment at which a session is ended that can be opened anew by the vendor."""
    night = Night()
    kinds = [c.address.kind for c in night.contain(FIRST, SHARED).work]
    assert kinds == ["door", "cut"]
    assert [c.address.kind for c in night.plan_restore(FIRST).work] == ["cut", "door"]
