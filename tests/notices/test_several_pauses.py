"""Several pauses of a vendor, in any order, over channels that fail: who outside hears what.

Whoever heard of a stop hears of its end, once nothing of that kind is held any more; nobody hears
before containment is verified, of every pause that is open; nobody hears of an end who heard of no
stop. The journal, the drafting and the sending are the real ones; what a channel takes is drawn.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.examples import examples
from support.journals import Hand, a_book, open_pause, toggle
from support.pausing import FROZEN
from support.providers import Answer, Asked, Provider, provider
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities import api
from activities.answering import Answering
from activities.bodies import Activities
from activities.ends import conclusion
from activities.telling import Teller, Telling
from stopline.approving import TELL_OUTSIDE, Approvers
from stopline.journal.book import Book
from stopline.journal.outbox import NoticeState
from stopline.journal.pauses import OPEN, PauseStatus
from stopline.journal.reached import BEGUN
from stopline.model import Address, Direction, Scope

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
FILE = """\
contact: "+1 555 0100"
channels:
  one: {{kind: webhook, secret: NOTICES_X, url: "{url}/one"}}
  two: {{kind: webhook, secret: NOTICES_X, url: "{url}/two"}}
vendors:
  mercor:
    vendor: [{{channel: one}}]
    payees: [{{channel: two}}]
"""
WAYS = ("one", "two")
SCOPES = {
    "a": Scope(),
    "b": Scope(connectors=("payouts",)),
    "c": Scope(connectors=("memory",)),
    "d": Scope(connectors=("payouts",), principals=("P-1",)),
}
HOLDS = {
    "a": ("memory", "payouts"), "b": ("payouts",), "c": ("memory",), "d": ("payouts",),
}  # fmt: skip
KINDS = {"memory": "access", "payouts": "pay"}


def address(system: str, number: int) -> Address:
    """Something of a system, which two pauses may hold both."""
    return Address(system, "r1", "switch", f"v{number}/one")


@dataclass
class Outside:
    """What one reader has really been told, by what they took, or `maybe` have."""

    off: set[str] = field(default_factory=set)
    maybe: set[str] = field(default_factory=set)

    def read(self, asked: Asked, *, took: bool) -> None:
        """Understand a notice as a person does; raises AssertionError when it makes no sense."""
        data = asked.json["data"]
        subject = data["subject"]
        stop = "paused" in subject or "held" in subject
        says = {"access": "ccess of mercor" in subject, "pay": "ayments" in subject}
        kinds = {kind for kind, named in says.items() if named}
        assert kinds, subject
        if stop or not took:
            self.maybe |= kinds if stop else set()
            self.off |= kinds if stop and took else set()
            return
        assert kinds <= self.off | self.maybe, f"{subject}: heard of {self.off}"
        text = data["text"]
        still = {"access"} if "ccess" in off_of(text) else set[str]()
        still |= {"pay"} if "ayments" in off_of(text) else set[str]()
        self.off, self.maybe = still, {*still}


def off_of(text: str) -> str:
    """What a notice says is off by now."""
    return text.split("What is off\n")[1].split("\nWhat is still on", maxsplit=1)[0]


@dataclass
class Night:
    """A journal with what works for it; and what each reader was told."""

    book: Book
    there: Provider
    folder: Path
    readers: dict[str, Outside] = field(default_factory=lambda: {way: Outside() for way in WAYS})
    ever: dict[str, str] = field(default_factory=dict)
    seen: int = 0

    @property
    def teller(self) -> Teller:
        """Who is told."""
        return Teller(self.folder)

    def step(self, what: str, name: str) -> None:
        """One thing that happens to the pause of this name; nothing, where it cannot."""
        pause = self.ever.get(name, "")
        if what == "open" or not pause:
            return self.open(name)
        status = self.book.pauses.get(pause).status
        if status not in OPEN:
            return self.open(name)
        doing: Callable[[str, str], None] = getattr(self, what)
        return doing(name, pause)

    def open(self, name: str) -> None:
        """A pause of this scope, unless there is one."""
        if name in self.ever and self.book.pauses.get(self.ever[name]).status in OPEN:
            return
        self.ever[name] = f"{len(self.book.pauses.list()) + 1:08x}"
        frozen = self.book.pauses.keep("frozen", FROZEN.dump())
        open_pause(self.book, self.ever[name], scope=SCOPES[name], frozen=frozen)

    def hold(self, name: str, pause: str) -> None:
        """It takes something away."""
        for system in HOLDS[name]:
            for number in (0, 1):
                Hand(self.book, pause).contain(toggle(address(system, number)))

    def contain(self, name: str, pause: str) -> None:
        """It holds all, and this is verified."""
        self.hold(name, pause)
        self.end(pause)

    def refuse(self, name: str, pause: str) -> None:
        """It is given up before it took anything."""
        if self.book.writes.holds(pause):
            return
        said = api.Recording(self.order(pause), "closed", "it was rejected", status="closed")
        bodies = Activities(self.book, lambda _: {}, teller=self.teller)
        ActivityEnvironment().run(bodies.record, said)

    def part(self, name: str, pause: str) -> None:
        """A part of what it holds is given back."""
        if held := sorted(self.book.writes.held(pause)):
            self.book.pauses.mark(pause, PauseStatus.RESTORING)
            Hand(self.book, pause).restore(toggle(held[-1]))
            self.end(pause, direction=Direction.RESTORE)

    def restore(self, name: str, pause: str) -> None:
        """All of it is given back."""
        self.book.pauses.mark(pause, PauseStatus.RESTORING)
        for one in sorted(self.book.writes.held(pause)):
            Hand(self.book, pause).restore(toggle(one))
        self.end(pause, direction=Direction.RESTORE)

    def lift(self, name: str, pause: str) -> None:
        """A second person lets those outside hear."""
        order = api.TellOrder(pause, self.book.id, word=TELL_OUTSIDE, by="riley", reason="asked")
        bodies = Answering(self.book, self.teller, Approvers(self.folder))
        with suppress(ApplicationError):  # there is nothing to lift
            ActivityEnvironment().run(bodies.hear, order)

    def order(self, pause: str) -> api.PauseOrder:
        """What the pause was asked for."""
        return api.PauseOrder(
            pause=pause, journal=self.book.id, vendor="mercor", requester="alice", reason="breach"
        )

    def end(self, pause: str, **more: Any) -> None:
        """A run of it ends."""
        conclusion(self.book, api.Conclusion(self.order(pause), **more), self.teller)

    def deliver(self, channel: str, fate: str) -> None:
        """Send what is due over a channel, which takes it, loses the reply, or is away."""
        telling = Telling(self.book, self.teller, lambda _: SECRET)
        for pause in [p.id for p in self.book.pauses.list()]:
            if fate == "down":
                self.there.answers = [Answer(500)] * 9
            if fate == "lost":
                self.there.answers = [Answer(lost=True)]
            with suppress(ApplicationError):
                ActivityEnvironment().run(
                    telling.deliver, api.TellOrder(pause, self.book.id, channel)
                )
            self.there.answers.clear()
            for asked in self.there.asked[self.seen :]:
                assert not self.quiet(), f"{asked.json['data']['subject']}: not verified"
                self.readers[asked.path[1:]].read(asked, took=fate != "down")
            self.seen = len(self.there.asked)

    def quiet(self) -> tuple[str, ...]:
        """The open pauses for whose sake nobody may hear."""
        pauses = self.book.pauses
        open_ = [p.id for p in pauses.list("mercor", OPEN)]
        return tuple(
            p
            for p in open_
            if not pauses.events(p, "quiet-lifted")
            and not any(e.data["status"] == "contained" for e in pauses.events(p, "status"))
        )


STEPS = st.tuples(
    st.sampled_from(["open", "hold", "contain", "contain", "refuse", "part", "restore", "lift"]),
    st.sampled_from(sorted(SCOPES)),
)
SENT = st.tuples(st.sampled_from(WAYS), st.sampled_from(["taken", "taken", "lost", "down"]))


@given(night=st.lists(st.one_of(STEPS, SENT), max_size=14))
@settings(deadline=None, max_examples=examples(25))
@pytest.mark.law
def test_whoever_heard_of_a_stop_hears_of_its_end_and_nobody_else(
    night: list[tuple[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """In any order; at the end all is given back, and the channels are up again."""
    lived(night, tmp_path_factory.mktemp("night"))


def lived(night: list[tuple[str, str]], folder: Path) -> None:
    """Live one, and look at what each reader believes in the end."""
    book = a_book("sqlite://")
    with provider() as there:
        (folder / "notices.yaml").write_text(FILE.format(url=there.url))
        one = Night(book, there, folder)
        for what, name in night:
            if what in WAYS:
                one.deliver(what, name)
            else:
                one.step(what, name)
        for name, pause in one.ever.items():
            if book.pauses.get(pause).status in OPEN:
                one.restore(name, pause)
        for channel in WAYS:
            one.deliver(channel, "taken")
            assert one.readers[channel].off == set(), channel
        assert book.store.verify()[1] == ""
    book.close()


@pytest.mark.parametrize(
    "night",
    [
        # the reported one: one contained and told, another never verified, the first rolled back
        [("contain", "c"), ("one", "taken"), ("hold", "b"), ("restore", "c"), ("restore", "b")],
        [("contain", "c"), ("one", "taken"), ("open", "a"), ("restore", "c"), ("refuse", "a")],
        # pay of one that nobody heard of ends together with the access that they did hear of
        [("contain", "a"), ("one", "lost"), ("hold", "d"), ("part", "a"), ("restore", "a")],
        # told early by a person's word, and given back before it was ever verified
        [("hold", "a"), ("lift", "a"), ("one", "taken"), ("two", "down"), ("restore", "a")],
        # the first word never left, the second one did
        [("contain", "c"), ("one", "down"), ("contain", "b"), ("one", "taken"), ("restore", "c")],
    ],
)
def test_the_nights_that_were_thought_of(night: list[tuple[str, str]], tmp_path: Path) -> None:
    """Each would fail if the end hung on its own pause alone."""
    lived(night, tmp_path)


def test_two_that_end_at_the_same_moment_leave_nobody_untold(tmp_path: Path) -> None:
    """Each sees the other open while it drafts; whichever is written last tells the end."""
    book = a_book("sqlite://")
    with provider() as there:
        (tmp_path / "notices.yaml").write_text(FILE.format(url=there.url))
        night = Night(book, there, tmp_path)
        for name in ("c", "b"):
            night.step("open", name)
            night.step("contain", name)
        night.deliver("one", "taken")
        assert night.readers["one"].off == {"access", "pay"}
        first, second = night.ever["c"], night.ever["b"]
        for pause in (first, second):
            book.pauses.mark(pause, PauseStatus.RESTORING)
            for held in sorted(book.writes.held(pause)):
                Hand(book, pause).restore(toggle(held))
        book.pauses.mark(first, PauseStatus.CLOSED)  # as another worker does, between two lines
        night.end(second, direction=Direction.RESTORE)
        night.deliver("one", "taken")
        assert night.readers["one"].off == set()
    book.close()


def test_a_worker_that_dies_while_it_sends_counts_as_having_told(tmp_path: Path) -> None:
    """Nobody knows whether it arrived: so they hear of the end."""
    book = a_book("sqlite://")
    with provider() as there:
        (tmp_path / "notices.yaml").write_text(FILE.format(url=there.url))
        night = Night(book, there, tmp_path)
        night.step("open", "c")
        night.step("contain", "c")
        (stop,) = [n for n in book.outbox.of(night.ever["c"]) if n.channel == "one"]
        assert not book.outbox.begin(stop), "and dies"
        assert book.outbox.begin(stop)
        assert len(book.pauses.events(night.ever["c"], BEGUN)) == 1
        night.step("restore", "c")
        states = {
            n.channel: n.state for n in book.outbox.of(night.ever["c"]) if n.event == "restored"
        }
        assert states == {"one": NoticeState.PENDING}, "the other had certainly heard nothing"
    book.close()
