"""What each audience is told of each event; and what the outside ones never see."""

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import pytest

from stopline.audiences import INSIDE, OUTSIDE, Audience, parse_notices
from stopline.journal.glass import BROKEN
from stopline.notices.drafting import BY_HAND, EVENTS, OVERDUE, Facts, drafts_of, rendered
from stopline.notices.outside import CONTAINED, PAUSING, RELEASED, RESTORED, Held, Theirs

INTERNAL = (
    "arn:aws:iam::111122223333:role/training",
    "aws:111122223333:bucket-policy-statement:weights",
    "0000abcd",
    "alice@lab.example",
)
PARTS = (
    "Known and not known", "What is off", "What is still on, and why", "What you must do",
    "Next update:", "+1 555 0100",
)  # fmt: skip
FILE = """\
contact: "+1 555 0100"
channels:
  room: {kind: slack, secret: NOTICES_SLACK, to: C0123}
  mail: {kind: email, secret: NOTICES_SMTP, host: smtp.lab.example, sender: stopline@lab.example}
audiences:
  responders: [{channel: room}]
  legal: [{channel: mail, to: [a@lab.example, b@lab.example]}]
vendors:
  mercor:
    vendor: [{channel: mail, to: [security@mercor.example]}]
    payees: [{channel: mail, to: [people@payees.example]}]
"""


def facts(event: str) -> Facts:
    """One event, with an internal id in every field that can hold one."""
    return Facts(
        event, "mercor", INTERNAL[2], "2026-11-24T18:00:00Z", INTERNAL[3],
        f"keys seen at {INTERNAL[0]}", (("aws 111122223333", 12),), ((INTERNAL[1], 2),),
        INTERNAL[0], "+1 555 0100", 4,
    )  # fmt: skip


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("audience", INSIDE)
def test_those_inside_are_told_everything_of_every_event(audience: Audience, event: str) -> None:
    """What happened, known and not known, off, on and why, to do, next update, contact."""
    subject, text = rendered(audience, facts(event))
    assert "mercor" in subject
    assert INTERNAL[2] in text
    assert all(part in text for part in PARTS)
    assert INTERNAL[1] in text, "what is still on is said"


OUTSIDE_EVENTS = (CONTAINED, RELEASED, RESTORED, PAUSING)
FIELDS = ("access", "all_access", "pay", "all_pay", "settled")


def every_word() -> Iterator[Theirs]:
    """Everything that those outside can be told, and more: each event with each state."""
    for event, *flags in product(OUTSIDE_EVENTS, *[(False, True)] * 7):
        yield Theirs(event, Held(**dict(zip(FIELDS, flags, strict=False))), *flags[5:])


@pytest.mark.parametrize("audience", OUTSIDE)
def test_no_internal_id_reaches_those_outside(audience: Audience) -> None:
    """Whatever the facts hold: no address, ARN, account, pause, person or reason."""
    for theirs in every_word():
        text = "\n".join(rendered(audience, replace(facts("contained"), theirs=(theirs,))))
        assert all(part in text for part in PARTS)
        assert not [told for told in (*INTERNAL, "111122223333", "keys seen") if told in text]
        assert not re.search(r"arn:|\b\d{12}\b|stopline|None|True|\n\n\n", text), theirs


@pytest.mark.parametrize("event", [CONTAINED, PAUSING])
def test_what_is_not_held_is_not_said_to_be(event: str) -> None:
    """Of pay alone no word of access that is off, of access alone none of pay that is held."""
    pay = replace(facts("contained"), theirs=(Theirs(event, Held(pay=True, all_pay=True)),))
    access = Theirs(event, Held(access=True, all_access=True))
    for audience in OUTSIDE:
        told = "\n".join(rendered(audience, pay))
        assert not re.search(r"sign in|[Ww]ork for us|access of|[Aa]ccess .*(paused|off)", told)
        told = "\n".join(rendered(audience, replace(facts("contained"), theirs=(access,))))
        assert not re.search(r"payments? .*held|hold", told.replace("none is held", ""))


def test_a_reason_with_half_a_character_still_makes_a_text_that_can_be_written() -> None:
    """What has no form in UTF-8 would undo the event that it stands beside."""
    subject, text = rendered(INSIDE[0], replace(facts("opened"), reason="cut \ud83d off"))
    assert subject.encode()
    assert "cut ? off" in text


def test_an_event_is_told_to_each_address_of_each_audience_that_hears_of_it() -> None:
    """One notice for each address; the outside audiences hear what is theirs alone.

    A break-glass approval and a review that is overdue are told to responders and leadership alone,
    what waits for a hand to responders and finance.
    """
    notices = parse_notices(FILE, "notices.yaml")
    told = {e: [(d.audience, d.recipient) for d in drafts_of(notices, facts(e))] for e in EVENTS}
    inside = [("responders", ""), ("legal", "a@lab.example"), ("legal", "b@lab.example")]
    outside = [("vendor", "security@mercor.example"), ("payees", "people@payees.example")]
    word = replace(facts("drift"), theirs=(Theirs(CONTAINED, Held(access=True)),))
    drafts = [d for d in drafts_of(notices, word) if d.outside]
    assert [(d.audience, d.recipient) for d in drafts] == outside
    assert {(d.event, d.says) for d in drafts} == {(CONTAINED, "access off in part, pay not held")}
    assert told.pop(BROKEN) == inside[:1]
    assert told.pop(BY_HAND) == inside[:1]
    assert told.pop(OVERDUE) == inside[:1]
    assert all(drafts == inside for drafts in told.values())
