"""Turns: how many at once, how many in the long run, and when a write gives its own up."""

import pytest

from stopline.connectors.gcp.clients import Clients
from stopline.errors import ConnectorError
from stopline.estate import GcpEstate
from stopline.pacing import MINUTE, Rate, Window
from stopline.receipts import Cause


class Clock:
    """Time that only passes when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def sleep(self, seconds: float) -> None:
        """Let it pass."""
        self.now += seconds


def test_a_rate_lets_a_seconds_worth_through_at_once() -> None:
    """It begins full: the first calls of a pause, which count most, wait for nothing."""
    clock = Clock()
    rate = Rate(8, lambda: clock.now, clock.sleep)
    for _ in range(8):
        rate.take()
    assert clock.now == 100.0
    rate.take()
    assert clock.now > 100.0


def test_a_rate_holds_in_the_long_run() -> None:
    """Eighty calls at eight a second take nine seconds after the first eight."""
    clock = Clock()
    rate = Rate(8, lambda: clock.now, clock.sleep)
    for _ in range(80):
        rate.take()
    assert clock.now == pytest.approx(109.0)


def test_a_rate_does_not_save_up_more_than_a_second() -> None:
    """After a quiet hour there is one second's worth, not an hour's."""
    clock = Clock()
    rate = Rate(8, lambda: clock.now, clock.sleep)
    clock.now += 3600
    for _ in range(16):
        rate.take()
    assert clock.now == pytest.approx(3701.0)


def test_a_write_that_would_wait_past_its_lease_is_not_sent_and_takes_no_token() -> None:
    """The lease was checked before the wait: after it, another attempt may be at the document."""
    clock = Clock()
    rate = Rate(1, lambda: clock.now, clock.sleep)
    for _ in range(3):
        rate.take(at_most=2.0)
    slept = clock.now
    rate._next = clock.now + 5  # what discovery has taken ahead of us
    with pytest.raises(ConnectorError, match="1 calls a second are all taken") as caught:
        rate.take(at_most=2.0)
    assert (caught.value.cause, caught.value.landed) == (Cause.THROTTLED, False)
    assert (clock.now, rate._next) == (slept, slept + 5)


def test_a_window_lets_so_many_through_in_any_minute() -> None:
    """Five at once, the sixth when the first is over; Google counts a minute, not a rate."""
    clock = Clock()
    window = Window(5, lambda: clock.now, clock.sleep)
    for _ in range(5):
        window.take()
    assert clock.now == 100.0
    window.take()
    assert clock.now == 100.0 + MINUTE


def test_a_full_window_sends_no_write_and_takes_no_turn() -> None:
    """Nobody waits a minute inside a lease; who reads waits, and has the turn."""
    clock = Clock()
    window = Window(1, lambda: clock.now, clock.sleep)
    window.take(at_most=2.0)
    with pytest.raises(ConnectorError, match="1 calls a minute are all taken") as caught:
        window.take(at_most=2.0)
    assert (caught.value.cause, caught.value.landed, clock.now) == (Cause.THROTTLED, False, 100.0)
    window.take()
    assert clock.now == 100.0 + MINUTE


def test_a_write_to_google_whose_turn_is_far_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told as throttled and not landed, and Google has heard nothing."""
    monkeypatch.setenv("PACED_TOKEN", "operator")
    clock, heard = Clock(), list[str]()
    estate = GcpEstate(
        organization="123456789012",
        access_token_from="PACED_TOKEN",
        api_root="http://127.0.0.1:1",
        calls_per_second=1.0,
    )
    clients = Clients(estate, heard.append, sleep=clock.sleep, clock=lambda: clock.now)
    method = "cloudresourcemanager/v3/projects.setIamPolicy"
    clients._rate(method, writing=True)._next = clock.now + 5  # type: ignore[union-attr]
    with pytest.raises(ConnectorError, match="all taken") as caught:
        clients.do(method, resource="projects/1", body={})
    assert (caught.value.cause, caught.value.landed, heard) == (Cause.THROTTLED, False, [])
