"""A shorter round of the laws with the journal on PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.nights import Mishap, Night, crash, lose_reply, throttle
from support.postgres import Databases, postgresql

__all__ = ["postgresql"]

from stopline.model import Scope

FIRST, SECOND = "0000000a", "0000000b"
SOME = settings(
    max_examples=4,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

accidents = st.builds(
    Mishap,
    st.sampled_from(["read", "sending", "sent"]),
    st.integers(1, 16),
    st.sampled_from([crash, lose_reply, throttle]),
).filter(lambda m: m.act is not throttle or m.moment != "sent")
nights = st.lists(accidents, max_size=4)


@contextmanager
def a_night(postgresql: Databases, mishaps: list[Mishap]) -> Iterator[Night]:
    """One journal of its own on the server, and one world."""
    night = Night(mishaps=mishaps, url=postgresql.new())
    try:
        yield night
    finally:
        night.book.close()


@SOME
@given(nights, nights)
def test_contain_then_restore_is_the_identity(
    postgresql: Databases, down: list[Mishap], up: list[Mishap]
) -> None:
    """Laws 1 and 2: crashes and lost replies or not, it all comes back; twice plans nothing."""
    with a_night(postgresql, down) as night:
        before = night.world.picture()
        night.contain(FIRST)
        night.mishaps, night.seen = up, {}
        assert not night.plan(FIRST).work
        night.restore(FIRST)
        assert night.world.picture() == before
        assert not night.book.writes.holds()
        assert night.book.store.verify()[1] == ""


@SOME
@given(nights, st.permutations([FIRST, SECOND]))
def test_the_last_of_two_pauses_restores_what_was_before_the_first(
    postgresql: Databases, down: list[Mishap], lifted: list[str]
) -> None:
    """Law 8: lifting one of two changes nothing where both hold; the last gives all back."""
    with a_night(postgresql, down) as night:
        before = night.world.picture()
        night.contain(FIRST)
        night.contain(SECOND, Scope(principals=("v0",)))
        night.restore(lifted[0])
        assert night.world.principals["v0"].switches["one"] == "off"
        night.restore(lifted[1])
        assert night.world.picture() == before
