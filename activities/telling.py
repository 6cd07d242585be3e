"""Telling stakeholders: drafting what an event says, and sending what the outbox holds.

Nothing here can stop or slow a containment: a file of notices that cannot be read becomes a notice
that failed, and sending is work of its own workflow. What travels in Temporal's history is a
pause and a channel's name, never a text, an address or a secret.
"""

from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities import api
from activities.bounded import within
from activities.facts import facts_of
from activities.outside import untrue
from activities.working import at_work
from stopline import settings
from stopline.audiences import INSIDE, OUTSIDE, Audience, Escalation, Notices
from stopline.configuration import NOTICES, load
from stopline.errors import ConfigError, WrongJournalError
from stopline.journal.book import Book
from stopline.journal.glass import unreviewed
from stopline.journal.outbox import ESCALATED, NOWHERE, Draft, Notice, NoticeState
from stopline.model import Document
from stopline.notices.channels import TEST_EVENT, DeliveryError, Letter, send
from stopline.notices.drafting import (
    ASKS,
    CLOSING,
    OVERDUE,
    TEST,
    TEST_TEXT,
    Facts,
    acknowledgement,
    drafts_of,
    link_to_try,
)
from stopline.notices.paging import closes, opens
from stopline.notices.tokens import signing_key, token_of
from stopline.text import sha256

log = structlog.get_logger()
BUSY = timedelta(seconds=5)
SLOWLY = timedelta(minutes=5)
"""After how long is asked again what a person must mend first."""
SECONDS = 3.0
"""The longest that what is told may keep a containment waiting for a folder that hangs."""


@dataclass(frozen=True, slots=True)
class Teller:
    """Who drafts notices, by config/notices.yaml as it is now; without a folder, nobody."""

    folder: Path | None = None
    seconds: float = SECONDS

    def notices(self) -> Notices | None:
        """Who is told and how; None where there is no file. Raises ConfigError.

        So it does for a folder that does not answer within `seconds`.
        """
        folder = self.folder
        if folder is None:
            return None
        try:
            return within(self.seconds, folder.as_posix(), lambda: _read(folder))
        except TimeoutError:
            raise ConfigError(
                f"{folder.as_posix()} did not answer within {self.seconds:g} seconds.",
                "Look at the file system that it is on.",
            ) from None

    def drafts(self, facts: Facts) -> tuple[Draft, ...]:
        """The notices of an event. A fault becomes a notice that failed: nothing is raised."""
        try:
            notices = self.notices()
            if notices is None:
                return ()
            known = replace(
                facts,
                contact=notices.contact,
                hours=notices.update_hours,
                minutes=notices.escalation.minutes if notices.escalation.levels else 0,
            )
            return tuple(drafts_of(notices, known))
        except Exception as error:  # noqa: BLE001 - a fault of a notice is no reason to stay open
            why = error.what if isinstance(error, ConfigError) else type(error).__name__
            log.warning("notices", event_told=facts.event, pause=facts.pause, wrong=why)
            return (Draft("responders", NOWHERE, wrong=f"no notice could be made: {why}"),)


def _read(folder: Path) -> Notices | None:
    return load(folder).notices() if (folder / NOTICES).exists() else None


NOBODY = Teller()


def say_overdue(book: Book, said: api.Recording, teller: Teller) -> bool:
    """Write down, once for each date, that nobody reassessed a pause; whether anybody is told."""
    order, data = said.order, {"reason": said.reason, **said.more}
    drafts: tuple[Draft, ...] = ()
    if all(event.data != data for event in book.pauses.events(order.pause, OVERDUE)):
        facts = replace(facts_of(book, order, OVERDUE), review_by=said.more["review_by"])
        drafts = teller.drafts(facts)
        book.pauses.note(order.pause, OVERDUE, data, said.by, event=OVERDUE, drafts=drafts)
    return bool(book.outbox.due(order.pause))


@dataclass(frozen=True)
class Telling:
    """The bodies of what sends. `secret_of` gives the value behind a variable's name."""

    book: Book
    teller: Teller = NOBODY
    secret_of: Callable[[str], str] = field(default=settings.secret, repr=False)

    def all(self) -> list[Callable[..., Any]]:
        """Everything that a worker registers."""
        return [self.due, self.deliver, self.give_up, self.try_channels]

    @activity.defn(name=api.NOTICES_DUE)
    def due(self, asked: api.TellOrder) -> api.Due:
        """The channels over which something of a pause is still to be sent."""
        with at_work():
            require_journal(self.book, asked)
            channels = {notice.channel for notice in self.book.outbox.due(asked.pause)}
            return replace(self._unheard(asked), channels=tuple(sorted(channels)))

    @activity.defn(name=api.DELIVER, no_thread_cancel_exception=True)
    def deliver(self, asked: api.TellOrder) -> int:
        """Send what is due over one channel, in order; how many were taken.

        At least once: one attempt at a time, under a lease of the journal, and what may have been
        sent before is sent under the same key. One address that is not let in keeps no other
        waiting; to each, what happened later is sent later.
        """
        with at_work():
            require_journal(self.book, asked)
            info = activity.info()
            holder = f"{info.workflow_run_id}/{info.activity_id}/{info.attempt}"
            sent, waits = 0, dict[str, _AgainError]()
            try:
                while notice := self._next(asked, holder, waits):
                    try:
                        sent += self._one(notice, again=info.attempt > 1 or notice.attempts > 0)
                    except _AgainError as error:
                        waits[notice.recipient] = error
            finally:  # the next attempt need not wait for this one's lease
                self.book.writes.unlease(_lane(asked), holder)
            if waits:
                raise _asked_again(waits)
            return sent

    @activity.defn(name=api.GIVE_UP)
    def give_up(self, asked: api.TellOrder) -> int:
        """Fail what could not be sent over one channel for too long; how many.

        What was written down since has a workflow of its own, and its own time.
        """
        with at_work():
            require_journal(self.book, asked)
            due = self.book.outbox.due(asked.pause, asked.channel)
            oldest = self.book.store.clock() - api.PATIENCE_SECONDS
            since = self.book.outbox.put_back(asked.pause)
            left = [n for n in due if _moment(since.get(n.key, n.at)) <= oldest]
            for notice in left:
                why = f"given up: {notice.why or 'no attempt was answered'}"
                self.book.outbox.ended(notice, NoticeState.FAILED, why)
            return len(left)

    @activity.defn(name=api.TRY_CHANNELS)
    def try_channels(self, asked: api.TellOrder) -> api.Told:
        """Send a marked test over every channel to those inside, once; what became of each."""
        with at_work():
            require_journal(self.book, asked)
            notices = self.teller.notices()
            if notices is None:
                return api.Told(configured=False)
            return api.Told(tuple(self._tested(notices, asked)))

    # --- small things ----------------------------------------------------------------------------

    def _unheard(self, asked: api.TellOrder) -> api.Due:
        """The latest event that nobody has acknowledged, and when others are told of it."""
        try:
            notices = self.teller.notices()
        except ConfigError:
            return api.Due()
        if notices is None or not notices.escalation.levels:
            return api.Due()
        heard, outbox = self.book.outbox.heard(asked.pause), self.book.outbox
        waiting = [n for n in outbox.of(asked.pause) if _asks(n) and n.seq not in heard]
        if not waiting:
            return api.Due()
        terms = notices.escalation
        last = max(n.seq for n in waiting)
        return api.Due((), last, terms.minutes * 60, len(terms.levels))

    def _next(self, asked: api.TellOrder, holder: str, waits: Container[str]) -> Notice | None:
        """The oldest that is due to somebody who is not waited for already.

        Read under the lease, so that no other attempt sends it.
        """
        if not self._due(asked, waits):
            return None
        if not self.book.writes.lease(_lane(asked), holder):
            raise ApplicationError(
                "Another attempt is sending.", type="Busy", next_retry_delay=BUSY
            )
        return next(iter(self._due(asked, waits)), None)

    def _due(self, asked: api.TellOrder, waits: Container[str]) -> list[Notice]:
        due = self.book.outbox.due(asked.pause, asked.channel)
        return [notice for notice in due if notice.recipient not in waits]

    def _one(self, notice: Notice, *, again: bool) -> bool:
        """Send one; False when it never will be. Raises _AgainError to be asked again."""
        outbox = self.book.outbox
        outside = Audience(notice.audience) in OUTSIDE
        before = outbox.begin(notice) if outside else True
        if why := untrue(self.book, notice):
            outbox.ended(notice, NoticeState.WITHDRAWN, why, unheard=not before)
            return False
        text = outbox.text(notice)
        try:
            notices = self.teller.notices()
            more = self._with_token(notices, notice)
            letter = Letter(
                notice.key, notice.pause, notice.event, notice.audience, notice.recipient,
                notice.subject, text + more, notice.at, again, opens(notice),
                self._closed_by(notice),
            )  # fmt: skip
            self._send(notices, notice.channel, letter)
        except DeliveryError as error:
            if error.hopeless:
                outbox.ended(notice, NoticeState.FAILED, error.why, unheard=not before)
                return False
            outbox.tried(notice, error.why)
            raise _AgainError(error.why, error.after, slowly=error.slowly) from None
        except ConfigError as error:
            outbox.tried(notice, error.what)
            raise _AgainError(error.what, slowly=True) from None
        outbox.ended(notice, NoticeState.SENT, sent=sha256(text + more) if more else "")
        return True

    def _closed_by(self, notice: Notice) -> tuple[str, ...]:
        """The incidents of a pager that a notice closes."""
        if notice.event not in CLOSING:
            return ()
        outbox, waiting = self.book.outbox, unreviewed(self.book.store, notice.pause)
        told, about = outbox.of(notice.pause), outbox.escalated(notice.pause)
        return closes(notice, told, about, {one.seq for one in waiting})

    def _with_token(self, notices: Notices | None, notice: Notice) -> str:
        """What is added to a notice so that it can be acknowledged by whoever was sent it."""
        name = notices.escalation.secret if notices else None
        asks = _asks(notice) or notice.event == ESCALATED
        if notices is None or name is None or not asks or Audience(notice.audience) not in INSIDE:
            return ""
        try:
            secret = signing_key(self.secret_of, name)
        except ConfigError as error:  # it can be acknowledged by name
            log.warning("notices", pause=notice.pause, wrong=error.what)
            return ""
        until = self._good_until(notices.escalation)
        return acknowledgement(
            token_of(secret, self.book.id, notice.key, until), until, notices.escalation.link
        )

    def _good_until(self, terms: Escalation) -> float:
        """Until when what is sent now can be acknowledged by whoever has it."""
        return self.book.store.clock() + terms.good_hours * 3600

    def _send(self, notices: Notices | None, name: str, letter: Letter) -> None:
        channel = notices.channels.get(name) if notices else None
        if channel is None:
            why = f"config/notices.yaml has no channel {name!r} any more"
            raise DeliveryError(why, slowly=True)
        send(channel, self.secret_of(channel.secret), letter)

    def _tested(self, notices: Notices, asked: api.TellOrder) -> Iterator[api.Tried]:
        more, terms = "", notices.escalation
        if terms.secret:
            try:
                secret, until = signing_key(self.secret_of, terms.secret), self._good_until(terms)
                more = link_to_try(secret, self.book.id, until, terms.link) if terms.link else ""
            except ConfigError as error:
                yield api.Tried("escalation", "token", why=error.what)
        for name, recipient in _inside(notices):
            if recipient is None:
                why = "not tried: only the vendor or its payees read it"
                yield api.Tried(name, notices.channels[name].kind, why=why)
                continue
            now = self.book.store.now()
            text = TEST_TEXT.format(by=asked.test_by) + more
            key, subject = f"{TEST.lower()}-{name}-{now}", f"[stopline {TEST}] nothing happened"
            # Each test is an incident of its own: a second would be put into the first's.
            letter = Letter(
                key, TEST_EVENT, TEST_EVENT, TEST, recipient, subject, text, now, incident=key
            )
            try:
                self._send(notices, name, letter)
                why = ""
            except DeliveryError as error:
                why = error.why
            except ConfigError as error:
                why = error.what
            yield api.Tried(name, notices.channels[name].kind, recipient, not why, why)


class _AgainError(Exception):
    """A notice was not taken; it is asked again, after as many seconds as the provider wants.

    `slowly` where a person must mend something first.
    """

    def __init__(self, why: str, after: float = 0.0, *, slowly: bool = False) -> None:
        super().__init__(why)
        self.why, self.after, self.slowly = why, after, slowly


def _asked_again(waits: Mapping[str, _AgainError]) -> ApplicationError:
    """What Temporal asks again for: after the longest time that was asked for."""
    after = max(error.after for error in waits.values())
    if not after and all(error.slowly for error in waits.values()):
        after = SLOWLY.total_seconds()
    why = "; ".join(sorted({error.why for error in waits.values()}))
    delay = timedelta(seconds=after) if after else None
    return ApplicationError(why, type="Delivery", next_retry_delay=delay)


def _moment(at: str) -> float:
    return datetime.fromisoformat(at).timestamp()


def _asks(notice: Notice) -> bool:
    """Whether somebody inside must say that they have heard it."""
    return notice.event in ASKS and Audience(notice.audience) in INSIDE


def require_journal(book: Book, asked: api.TellOrder) -> None:
    """Raise WrongJournalError where an order is for another journal than the worker's."""
    if asked.journal != book.id:
        raise WrongJournalError(
            f"The notices belong to the journal {asked.journal}, and this worker has the "
            f"journal {book.id}; nothing was sent.",
            "Start the worker with STOPLINE_JOURNAL_URL of that journal.",
        )


def _lane(asked: api.TellOrder) -> Document:
    return Document("notices", asked.pause, "channel", asked.channel)


def _inside(notices: Notices) -> Iterator[tuple[str, str | None]]:
    """Every channel with whom to try it on; e-mail that only outsiders get, on its own sender."""
    routes = [r for audience in INSIDE for r in getattr(notices.audiences, audience)]
    outside = [r for one in notices.vendors.values() for r in (*one.vendor, *one.payees)]
    theirs = {route.channel for route in outside}
    for name, channel in sorted(notices.channels.items()):
        mine = [r for r in routes if r.channel == name]
        if channel.kind == "email":
            addresses = sorted({a for r in mine for a in r.to}) or [channel.sender or ""]
            yield from ((name, address) for address in addresses)
        else:
            yield name, "" if mine or not (channel.shared_with or name in theirs) else None
