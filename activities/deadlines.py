"""The deadlines of what a pause holds, found by an audit and said ahead, once for each rung."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import groupby

from activities.telling import Teller
from stopline.deadlines import AHEAD, Deadline, near, of_pay, rung
from stopline.journal.book import Book
from stopline.journal.pauses import Planned
from stopline.model import Address
from stopline.notices.drafting import DEADLINE, Facts
from stopline.port import Connector, Limited
from stopline.receipts import Hold
from stopline.text import Json

SAID = "deadline-near"
"""The event that says that a deadline is so many days ahead."""


def ahead(book: Book) -> Mapping[int, str]:
    """The days, in UTC by the journal's clock, that are each so far ahead as a deadline is said."""
    today = datetime.fromtimestamp(book.store.clock(), UTC).date()
    return {days: str(today + timedelta(days=days)) for days in AHEAD}


def near_of(
    book: Book, connectors: Mapping[str, Connector], pause: str, planned: Planned
) -> tuple[Deadline, ...]:
    """What must be decided on soon of what a pause holds; `planned` is a reading of now."""
    holds = book.writes.holds(pause)
    held = {(h.address.connector, h.address.realm, h.address.document.id) for h in holds}
    grants = book.pauses.snapshot(planned.plan.taken_from).grants
    found = (*of_pay(grants, held), *_of_limits(connectors, holds, _placed(book)))
    return near(found, ahead(book))


def _of_limits(
    connectors: Mapping[str, Connector], holds: Sequence[Hold], placed: Mapping[Address, str]
) -> Iterator[Deadline]:
    """The days on which a provider's limits end, by when each change was written."""
    for hold in holds:
        connector = connectors.get(hold.address.connector)
        if not isinstance(connector, Limited) or hold.address not in placed:
            continue
        for limit in connector.limits(replace(hold.change, after=hold.ours)):
            since = datetime.fromisoformat(placed[hold.address]).date()
            yield Deadline(str(since + timedelta(days=limit.days)), limit.what, limit.address)


def _placed(book: Book) -> Mapping[Address, str]:
    """Since when each address is held without a break, by any pause: then its limit begins."""
    since: dict[Address, str] = {}
    holders: dict[Address, set[str]] = {}
    for event in book.store.events(kind="receipts"):
        for receipt in event.data["receipts"]:
            address = Address.parse(receipt["address"])
            there = holders.setdefault(address, set())
            if receipt["held"]:
                there.add(event.pause)
                since.setdefault(address, event.at)
                continue
            there.discard(event.pause)
            if not there:
                since.pop(address, None)
    return since


def say_near(book: Book, pause: str, found: Sequence[Deadline], teller: Teller) -> None:
    """Tell those who decide, once for each deadline and rung, of all that it is about."""
    told = [event.data for event in book.pauses.events(pause, SAID)]
    known = [(said["on"], said["what"], said["days"]) for said in told]
    asked, days_ahead = book.pauses.get(pause), ahead(book)
    for (on, what), group in groupby(found, key=lambda one: (one.on, one.what)):
        several = [*group]
        days = rung(several[0], days_ahead)
        if (on, what, days) in known:
            continue
        facts = Facts(DEADLINE, asked.vendor, pause, book.store.now(), way=what, review_by=on)
        facts = replace(facts, left=((_NUMBER, len(several)),))
        drafts = teller.drafts(replace(facts, by=asked.requester, reason=asked.reason))
        data: Json = {"on": on, "what": what, "days": days}
        data["addresses"] = [str(one.address) for one in several]
        book.pauses.note(pause, SAID, data, event=DEADLINE, drafts=drafts)


_NUMBER = "that are held, and must be decided on by then"
