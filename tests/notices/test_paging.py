"""A pager: what asks for a person pages by itself, and what is over closes all that it opened."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.journals import FIRST, a_book, open_pause
from support.providers import Answer, Provider, provider
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities import api
from activities.answering import Answering
from activities.telling import Teller, Telling
from stopline.approving import Approvers
from stopline.journal.book import Book
from stopline.journal.glass import BROKEN, REVIEWED
from stopline.journal.outbox import Draft, NoticeState
from stopline.journal.pauses import PauseStatus
from stopline.notices.drafting import Facts

FILE = """\
contact: "+1 555 0100"
channels:
  pager: {{kind: pagerduty, secret: NOTICES_PAGER, url: "{url}"}}
  second: {{kind: pagerduty, secret: NOTICES_PAGER, url: "{url}/second"}}
  third: {{kind: pagerduty, secret: NOTICES_PAGER, url: "{url}/third"}}
audiences:
  responders: [{{channel: pager}}]
  leadership: [{{channel: pager}}]
escalation:
  minutes: 15
  levels: [[{{channel: second}}], [{{channel: third}}]]
"""


@pytest.fixture
def there() -> Iterator[Provider]:
    """PagerDuty at work."""
    with provider() as made:
        yield made


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    """A journal in which a pause of mercor is open."""
    made = a_book(f"sqlite:///{tmp_path}/journal.db")
    open_pause(made)
    yield made
    made.close()


@pytest.fixture
def bodies(book: Book, tmp_path: Path, there: Provider) -> Telling:
    """Who drafts and sends."""
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "notices.yaml").write_text(FILE.format(url=there.url))
    return Telling(book, Teller(folder), lambda _: "routing-key")


def happens(bodies: Telling, event: str) -> int:
    """An event that notices tell of; its number."""
    facts = Facts(event, "mercor", FIRST, "2026-11-24T18:00:00Z", "alice", "breach")
    drafts: tuple[Draft, ...] = bodies.teller.drafts(facts)
    data = {"direction": "contain", "digest": "d", "reason": "r", "review_by": "2099-01-01"}
    kind = event if event == BROKEN else f"happened-{event}"
    bodies.book.pauses.note(FIRST, kind, data, event=event, drafts=drafts)
    return bodies.book.pauses.events(FIRST, kind)[-1].seq


def delivered(bodies: Telling, there: Provider, channel: str = "pager") -> list[tuple[str, str]]:
    """What a pager is sent by one attempt: trigger or resolve, and of which incident."""
    known = len(there.asked)
    order = api.TellOrder(FIRST, bodies.book.id, channel)
    ActivityEnvironment().run(bodies.deliver, order)
    new = [a.json for a in there.asked[known:]]
    prefix = f"stopline/{FIRST}/"
    return [(one["event_action"], one["dedup_key"].removeprefix(prefix)) for one in new]


def test_each_event_that_asks_for_a_person_pages_by_itself(
    bodies: Telling, there: Provider
) -> None:
    """A breach that joined the acknowledged incident of the opening would page nobody."""
    opened, breached = happens(bodies, "opened"), happens(bodies, "breached")
    again = happens(bodies, "breached")
    wanted = [f"opened/{opened}", f"breached/{breached}", f"breached/{again}"]
    sent = delivered(bodies, there)
    assert {action for action, _ in sent} == {"trigger"}
    assert list(dict.fromkeys(incident for _, incident in sent)) == wanted
    assert len(sent) == 6, "leadership and responders share a pager, and an incident of each event"


def test_a_notice_that_is_sent_again_pages_nobody_again(bodies: Telling, there: Provider) -> None:
    """The reply was lost: the second bears the first one's key."""
    happens(bodies, "breached")
    there.answers += [Answer(lost=True)]
    with pytest.raises(ApplicationError):
        delivered(bodies, there)
    delivered(bodies, there)
    assert len({asked.json["dedup_key"] for asked in there.asked}) == 1


def test_being_contained_opens_nothing_and_closes_what_it_answers(
    bodies: Telling, there: Provider
) -> None:
    """That it was opened, partial, breached; not what an audit found, nor a deadline."""
    opened, breached = happens(bodies, "opened"), happens(bodies, "breached")
    drift, deadline = happens(bodies, "drift"), happens(bodies, "deadline")
    delivered(bodies, there)
    happens(bodies, "contained")
    closed = delivered(bodies, there)
    assert {*closed} == {("resolve", f"opened/{opened}"), ("resolve", f"breached/{breached}")}
    happens(bodies, "restored")
    closed = delivered(bodies, there)
    assert {("resolve", f"drift/{drift}"), ("resolve", f"deadline/{deadline}")} <= {*closed}
    assert {action for action, _ in closed} == {"resolve"}


def test_the_end_leaves_open_what_one_person_approved_alone_until_it_is_reviewed(
    bodies: Telling, there: Provider
) -> None:
    """A review by another person is wanted of a pause that is over, too."""
    glass = happens(bodies, BROKEN)
    delivered(bodies, there)
    happens(bodies, "restored")
    assert delivered(bodies, there) == []
    bodies.book.pauses.note(FIRST, REVIEWED, {"of": glass}, "riley")
    happens(bodies, "restored")
    assert ("resolve", f"{BROKEN}/{glass}") in delivered(bodies, there)


def test_the_pager_of_a_level_closes_what_it_was_told_and_hears_nothing_else(
    bodies: Telling, there: Provider
) -> None:
    """It is in no audience: without a word about the end its incident would stay open."""
    opened = happens(bodies, "opened")
    book = bodies.book
    answering = Answering(book, bodies.teller, Approvers(), bodies.secret_of)
    order = api.TellOrder(FIRST, book.id, seq=opened, level=1)
    ActivityEnvironment().run(answering.escalate, order)
    ((action, incident),) = delivered(bodies, there, "second")
    assert (action, incident.partition("/")[0]) == ("trigger", "escalated")
    happens(bodies, "contained")
    assert delivered(bodies, there, "second") == [("resolve", incident)]
    happens(bodies, "restored")
    assert delivered(bodies, there, "second") == [("resolve", incident)]
    assert not [n for n in book.outbox.of(FIRST) if n.channel == "third"]
    assert book.pauses.get(FIRST).status is PauseStatus.CONTAINING
    sent = {n.state for n in book.outbox.of(FIRST) if n.channel == "second"}
    assert sent == {NoticeState.SENT}
