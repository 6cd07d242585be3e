"""The drill's ears: what is not told, told too early, to the wrong ones or too much, is a fault."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from support.journals import FIRST, SECOND, a_book, open_pause

from stopline.audiences import INSIDE, OUTSIDE, Channel, parse_notices
from stopline.drill.hearing import Arrival, Ears, Night, faults, nights, told
from stopline.drill.report import Report
from stopline.journal.book import Book
from stopline.journal.pauses import TERMINATED, PauseStatus
from stopline.notices.channels import Letter, send

NIGHT = Night(
    FIRST, ("opened", "contained", "restored"), ("contained", "restored"), 100.0, 110.0
)  # fmt: skip
OURS = ("arn:", "111122223333")


def a_night() -> list[Arrival]:
    """Everybody is told as it should be."""
    heard: list[Arrival] = []
    for at, event in ((101.0, "opened"), (111.0, "contained"), (120.0, "restored")):
        whom = INSIDE if event == "opened" else (*INSIDE, *OUTSIDE)
        heard += [Arrival(at, str(one), FIRST, event, f"{one}/{event}") for one in whom]
    return heard


def where(heard: list[Arrival], audience: str, event: str) -> int:
    """The place of one arrival."""
    return next(n for n, a in enumerate(heard) if (a.audience, a.event) == (audience, event))


def test_a_night_on_which_all_are_told_in_order_has_no_fault() -> None:
    """Nor has one on which a notice came twice under its key: that is at least once."""
    heard = a_night()
    assert faults(heard, [NIGHT], OURS) == []
    assert faults([*heard, heard[0]], [NIGHT], OURS) == []


def test_whoever_outside_hears_before_containment_was_verified_is_a_fault() -> None:
    """By the time at which it came; and where it was never verified, whenever it came."""
    heard = a_night()
    early = where(heard, "vendor", "contained")
    heard[early] = replace(heard[early], at=109.9)
    assert faults(heard, [NIGHT], OURS) == [
        f"notices: vendor heard of {FIRST} before it was contained"
    ]
    never = replace(NIGHT, outside=(), verified_at=None)
    found = faults(a_night(), [never], OURS)
    assert f"notices: payees heard of {FIRST} before it was contained" in found
    assert any("vendor heard" in one and "it should be: nothing" in one for one in found)


def test_those_outside_who_hear_before_all_inside_are_a_fault() -> None:
    """Somebody inside hears last that the pause was opened."""
    heard = a_night()
    late = heard.pop(where(heard, "legal", "opened"))
    heard.append(replace(late, at=130.0))
    found = faults(heard, [NIGHT], OURS)
    assert f"notices: vendor heard of {FIRST} before all inside did" in found


@pytest.mark.parametrize(("audience", "event"), [("finance", "contained"), ("payees", "restored")])
def test_whoever_is_not_told_is_a_fault(audience: str, event: str) -> None:
    """Inside and outside."""
    heard = a_night()
    del heard[where(heard, audience, event)]
    (fault,) = faults(heard, [NIGHT], OURS)
    assert fault.startswith(f"notices: {audience} heard of {FIRST}: ")


def test_the_wrong_order_is_a_fault() -> None:
    """Given back, and then contained."""
    heard = a_night()
    one, other = where(heard, "finance", "contained"), where(heard, "finance", "restored")
    heard[one], heard[other] = heard[other], heard[one]
    assert "opened, restored, contained; it should be:" in faults(heard, [NIGHT], OURS)[0]


def test_what_is_not_signed_or_holds_something_of_ours_is_a_fault() -> None:
    """Also a pause that is none of the drill's."""
    heard = a_night()
    place = where(heard, "vendor", "contained")
    heard[place] = replace(heard[place], text="the role of 111122223333", genuine=False)
    heard.append(Arrival(130.0, "finance", "ffffffff", "opened", "x"))
    assert faults(heard, [NIGHT], OURS) == [
        "notices: what came to vendor was not signed",
        "notices: finance heard of ffffffff",
        "notices: what vendor read of contained holds 111122223333",
    ]


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    """A journal with one pause of mercor."""
    made = a_book(f"sqlite:///{tmp_path}/journal.db")
    open_pause(made)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("stood", "ended", "inside", "outside"),
    [
        (("contained", "restoring", "closed"), False,
         ("opened", "contained", "restored"), ("contained", "restored")),
        (("partial", "restoring", "closed"), False, ("opened", "partial", "restored"), ()),
        (("contained", "terminating", "terminated"), True,
         ("opened", "contained", "terminated"), ("contained",)),
        (("partial", "contained"), False, ("opened", "partial", "contained"), ("contained",)),
    ],
)  # fmt: skip
def test_what_should_be_heard_is_reckoned_from_where_a_pause_stood(
    book: Book,
    stood: tuple[str, ...],
    ended: bool,  # noqa: FBT001 - one row of a table
    inside: tuple[str, ...],
    outside: tuple[str, ...],
) -> None:
    """Never from the outbox, which is what is judged."""
    if ended:
        book.pauses.note(FIRST, TERMINATED, {})
    for status in stood:
        book.pauses.mark(FIRST, PauseStatus(status))
    (night,) = nights(book)
    assert (night.inside, night.outside) == (inside, outside)
    assert (night.verified_at is None) is (not outside)


def test_those_outside_hear_of_all_pauses_together_and_nothing_twice(book: Book) -> None:
    """While one of two stands, what the other gives back is a part; an audit is told inside."""
    open_pause(book, SECOND)
    pauses = book.pauses
    pauses.mark(FIRST, PauseStatus.CONTAINED)
    pauses.mark(SECOND, PauseStatus.CONTAINED)
    pauses.mark(FIRST, PauseStatus.RESTORING)
    pauses.mark(FIRST, PauseStatus.CONTAINED)
    for opened in ([], ["aws:1:access-key:ann/AKIA"]):
        pauses.note(FIRST, "audited", {"opened": opened, "fresh": []})
    for pause in (FIRST, SECOND):
        pauses.mark(pause, PauseStatus.CLOSED)
    first, second = nights(book)
    assert first.inside == ("opened", "contained", "contained", "drift", "restored")
    assert first.outside == ("contained", "released")
    assert (second.inside, second.outside) == (("opened", "contained", "restored"), ("restored",))


def test_what_arrives_is_kept_for_whom_it_came_and_whether_it_was_signed(tmp_path: Path) -> None:
    """By the file that the worker reads, over HTTP; and the report tells it in order."""
    ears = Ears()
    ears.start(tmp_path)
    try:
        notices = parse_notices((tmp_path / "notices.yaml").read_text(), "notices.yaml")
        (secret,) = ears.secrets.values()
        for audience, _ in notices.routes("mercor"):
            letter = Letter(
                f"key-{audience}", FIRST, "opened", str(audience), "", "subject", "text",
                "2026-11-24T18:00:00.000Z",
            )  # fmt: skip
            channel: Channel = notices.channels[str(audience)]
            send(channel, secret, letter)
        send(channel, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", letter)
    finally:
        ears.stop()
    assert [a.genuine for a in ears.arrived] == [True] * 6 + [False]
    first = ears.arrived[0]
    assert (first.audience, first.pause, first.event) == ("responders", FIRST, "opened")
    assert (first.subject, first.text) == ("subject", "text")
    assert not (tmp_path / "notices.yaml").exists(), "what is left up tells nobody"
    known = Night(FIRST, ("opened",), opened_at=first.at - 2)
    report = Report(notices=told(ears.arrived[:6], [known]))
    assert report.document()["notices"][0] == {
        "pause": FIRST, "audience": "responders", "event": "opened", "subject": "subject",
        "seconds": 2.0,
    }  # fmt: skip
    page = report.page()
    assert f"{FIRST} opened, after 2.0 s: finance, leadership, legal, responders" in page
