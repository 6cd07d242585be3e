"""`apply`: tries, waits, and what an open answer leaves behind. The world is the one in memory."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from support.nights import Mishap, Night, throttle

from stopline.engine import PATIENCE, READS, Errand, apply
from stopline.errors import ConnectorError
from stopline.model import Change, Direction
from stopline.receipts import Cause, Outcome, Receipt

PAUSE = "0000000a"


def wanted(night: Night, kind: str) -> Change:
    """The first change of one kind."""
    return next(c for c in night.plan(PAUSE).changes if c.address.kind == kind)


def carried_out(night: Night, change: Change, slept: list[float]) -> Receipt:
    """One change through the write path."""
    errand = Errand(PAUSE, Direction.CONTAIN, "attempt", "token")
    ((receipt,),) = apply(night.connector, night.book.writes, errand, [change], sleep=slept.append)
    return receipt


def always(act: Callable[[Night], None]) -> list[Mishap]:
    """At every sending."""
    return [Mishap("sending", n, act) for n in range(1, 40)]


def test_a_throttled_write_waits_longer_each_time() -> None:
    """No try comes at once: the provider has asked us to slow down."""
    night = Night()
    change = wanted(night, "switch")
    night.mishaps = always(throttle)[: len(PATIENCE)]
    slept: list[float] = []
    assert carried_out(night, change, slept).outcome is Outcome.APPLIED
    assert slept == list(PATIENCE)
    assert slept == sorted(slept)


def test_patience_ends_and_the_hold_is_what_it_was() -> None:
    """Throttled for ever: failed, with its cause, and nothing is held that was not written."""
    night = Night()
    change = wanted(night, "switch")
    night.mishaps = always(throttle)
    slept: list[float] = []
    receipt = carried_out(night, change, slept)
    assert (receipt.outcome, receipt.cause) == (Outcome.FAILED, Cause.THROTTLED)
    assert not receipt.held
    assert slept == list(PATIENCE)
    assert not night.book.writes.holds()


def test_a_document_that_moves_is_read_again_at_once_and_not_for_ever() -> None:
    """Where the provider has a tag: a few readings, no waiting, then the next batch's turn."""
    night = Night()
    change = wanted(night, "statement")
    name = change.address.document.id

    def move(at: Night) -> None:
        at.world.put_target(name, at.world.targets[name])

    night.mishaps = always(move)
    slept: list[float] = []
    receipt = carried_out(night, change, slept)
    assert (receipt.outcome, receipt.cause) == (Outcome.FAILED, Cause.FOREIGN)
    assert night.seen["sending"] == READS
    assert slept == []
    night.mishaps = always(move)[: READS - 1]
    night.seen = {}
    assert carried_out(night, change, slept).outcome is Outcome.APPLIED


@pytest.mark.parametrize("cause", [Cause.THROTTLED, Cause.UNREACHABLE, Cause.DENIED])
def test_what_may_have_landed_is_settled_by_reading_whatever_the_cause(cause: Cause) -> None:
    """A write that broke off midway is never taken for one that was not sent."""
    night = Night()
    change = wanted(night, "switch")

    def cut(_night: Night) -> None:
        raise ConnectorError(cause, "broke off midway", landed=None)

    night.mishaps = [Mishap("sent", 1, cut)]
    receipt = carried_out(night, change, [])
    assert receipt.outcome is Outcome.UNPROVEN
    assert receipt.held
    assert night.seen["sending"] == 1


def test_a_connector_that_raises_what_it_must_not_stops_nothing_else() -> None:
    """A bug becomes a cause with its name; the next document goes on."""
    night = Night()
    first, second, *_ = (c for c in night.plan(PAUSE).changes if c.address.kind == "switch")

    def bug(_night: Night) -> None:
        raise KeyError("Policy")

    night.mishaps = [Mishap("read", 1, bug)]
    errand = Errand(PAUSE, Direction.CONTAIN, "attempt", "token")
    done = [
        r for rs in apply(night.connector, night.book.writes, errand, [first, second]) for r in rs
    ]
    assert [(r.outcome, r.cause) for r in done] == [
        (Outcome.FAILED, Cause.BUG),
        (Outcome.APPLIED, Cause.NONE),
    ]
    assert "KeyError" in done[0].detail


def test_what_stands_in_the_way_of_a_document_is_left_out_of_it() -> None:
    """The connector names it: it fails alone, and the rest is written by one more call."""
    night = Night()
    first = wanted(night, "switch")
    other = replace(
        first,
        address=replace(first.address, id=f"{first.address.document.id}#another"),
        before=None,
    )

    def refuse(_night: Night) -> None:
        parts = frozenset((other.address,))
        raise ConnectorError(Cause.REFUSED, "not this one", parts=parts)

    night.mishaps = [Mishap("sending", 1, refuse)]
    errand = Errand(PAUSE, Direction.CONTAIN, "attempt", "token")
    (done,) = apply(night.connector, night.book.writes, errand, [first, other])
    said = {r.change: (r.outcome, r.cause, r.held) for r in done}
    assert said == {
        first: (Outcome.APPLIED, Cause.NONE, True),
        other: (Outcome.FAILED, Cause.REFUSED, False),
    }
    assert [hold.address for hold in night.book.writes.holds()] == [first.address]


def test_stopping_leaves_the_rest_untouched_and_without_a_receipt() -> None:
    """Asked between documents: what was begun is finished, what was not has no receipt."""
    night = Night()
    changes = [c for c in night.plan(PAUSE).changes if c.address.kind == "switch"]
    asked = iter([False, True])
    errand = Errand(PAUSE, Direction.CONTAIN, "attempt", "token")
    done = list(
        apply(night.connector, night.book.writes, errand, changes, stopped=lambda: next(asked))
    )
    assert len(changes) > 1
    assert len(done) == 1
    assert len(night.book.writes.holds()) == 1
