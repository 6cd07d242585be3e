"""The outbox: notices that a journal event causes, written in that event's own transaction.

So a notice is there exactly when what it tells is, whatever dies in between. It is sent at least
once, and bears the same key each time, by which its receiver can tell that it has it already.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from stopline.journal import statements as q
from stopline.journal import tables as t
from stopline.journal.reached import BEGUN, Way, begun_of, claims_of, heard_by, told_to
from stopline.journal.store import Store
from stopline.text import Json, canonical, sha256

ACKNOWLEDGED = "notice-acknowledged"
ESCALATED = "escalated"
LIFTED = "quiet-lifted"
AGAIN = "notices-again"
CLOSED = "closed"
"""The events of a person's word that a notice was heard, of the next ones who are told since
nobody said so, of the word by which those outside are told before containment is verified, and of
the one by which what failed is sent again; and the status of a pause that is over."""
NOWHERE = "(none)"
"""The channel of what could not even be drafted; there is nothing to send."""

QUIET = "quiet until contained: containment of {} has not been verified"
LONGEST_WHY = 300


class NoticeState(StrEnum):
    """Where a notice stands. `withheld` was never to be sent, and its reason is beside it.

    `withdrawn` was to be sent, and was no longer true when its turn came.
    """

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"
    WITHHELD = "withheld"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Draft:
    """A notice that is not written down yet: to whom, over what, and its text.

    `outside` marks an audience that hears nothing before containment is verified. `says` is what it
    claims, by which it is known whether it still holds and whether it is news. `tells` is what its
    reader knows by it to be off or held; `ends` what it tells the end of, and since when that is
    so, for whoever heard of it before; `quietly`: not for whoever knows of all that it tells.
    `event` is what it tells where that is another than what those inside are told. `wrong` says why
    it can never be sent, where that is known already. `if_told`: only where the channel was told
    something by this pause before.
    """

    audience: str
    channel: str
    recipient: str = ""
    subject: str = ""
    text: str = ""
    outside: bool = False
    wrong: str = ""
    event: str = ""
    says: str = ""
    tells: tuple[str, ...] = ()
    ends: tuple[tuple[str, int], ...] = ()
    quietly: bool = False
    if_told: bool = False


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice of the outbox. `body` is the digest of its text, `seq` the event it tells of."""

    key: str
    seq: int
    pause: str
    event: str
    audience: str
    channel: str
    recipient: str
    subject: str
    body: str
    state: NoticeState
    attempts: int
    why: str
    at: str
    sent_at: str

    @property
    def amber(self) -> bool:
        """Whether somebody who should know has not been told, and not for want of time."""
        tried = self.state is NoticeState.PENDING and self.attempts > 0
        return tried or self.state is NoticeState.FAILED


@dataclass(frozen=True, slots=True)
class Heard:
    """A person's word that the notices of an event have reached them."""

    by: str
    at: str


def post(
    store: Store, connection: Connection, pause: str, event: str, drafts: Iterable[Draft]
) -> None:
    """Write the notices of the event that this transaction has just appended to the chain.

    Those outside are not told the same twice in a row: that a pause is contained anew is no news.
    What they are told is of the vendor: nor is what they heard by another pause of it.
    """
    last = connection.execute(q.LAST_EVENT).first()
    seq = last.seq if last else 0
    news = _chosen(store, connection, (pause, event), drafts)
    # A route that is configured twice must not undo the event with a second row of one key.
    made = [(_row(store, connection, (pause, d.event or event, seq), d), d) for d in news]
    rows = [*{row["key"]: (row, draft) for row, draft in made}.values()]
    if not rows:
        return
    for row, _ in rows:
        connection.execute(sa.insert(t.notices).values(**row))
    told = ("key", "audience", "channel", "recipient", "body", "state", "why")
    listed = [{name: row[name] for name in told} | _claims(draft) for row, draft in rows]
    store.append(connection, pause, "notices", {"event": event, "seq": seq, "notices": listed})


def _claims(draft: Draft) -> Json:
    """What a notice to those outside says, so that it is known later what its reader heard."""
    if not draft.outside:
        return {}
    claims: Json = {"says": draft.says, "ends": [what for what, _ in draft.ends]}
    return {name: said for name, said in claims.items() if said} | {"tells": [*draft.tells]}


def _chosen(
    store: Store, connection: Connection, of: tuple[str, str], drafts: Iterable[Draft]
) -> Iterator[Draft]:
    """What is told at all; of what can be told somebody outside, what fits what they know."""
    taken: set[Way] = set()
    for draft in drafts:
        way = (draft.audience, draft.channel, draft.recipient)
        if draft.outside and way in taken:
            continue
        if draft.ends:
            heard = heard_by(store, connection, of[0], way)
            if all(heard.knew(what, since) for what, since in draft.ends):
                taken.add(way)
                if not _is_coming(store, connection, of[0], draft):
                    yield draft
        elif _is_news(store, connection, of, draft):
            taken.add(way)
            yield draft


def _is_news(store: Store, connection: Connection, of: tuple[str, str], draft: Draft) -> bool:
    """Whether a draft is to be told at all, by what was told before it."""
    pause, n = of[0], t.notices.c
    if draft.if_told:
        query = sa.select(n.key).where(n.pause == pause, n.channel == draft.channel)
        return connection.execute(query.limit(1)).first() is not None
    return not draft.outside or _is_other(store, connection, of, draft)


def _is_coming(store: Store, connection: Connection, pause: str, draft: Draft) -> bool:
    """Whether the same end is on its way already, and nobody has begun to send it."""
    ends = [what for what, _ in draft.ends]
    to = (draft.audience, draft.channel, draft.recipient)
    begun = begun_of(store, connection, pause)
    return any(
        one.state == NoticeState.PENDING and one.key not in begun
        for one in told_to(connection, pause, to)
        if _fits(claims_of(store, connection, one.pause, one.key), draft.says, ends)
    )


def _fits(claims: Json, says: str, ends: list[str]) -> bool:
    return bool(claims.get("says") == says and claims.get("ends") == ends)


def _is_other(store: Store, connection: Connection, of: tuple[str, str], draft: Draft) -> bool:
    """Whether somebody was not told the same last, or will be, over the same way.

    What claims something is compared with the last word about the vendor; anything else, and what
    was told by an older release, by its event and of the same pause.
    """
    pause, event = of
    to = (draft.audience, draft.channel, draft.recipient)
    if draft.quietly and {*draft.tells} <= heard_by(store, connection, pause, to).kinds:
        return False
    states = (NoticeState.PENDING, NoticeState.SENT)
    found = [one for one in told_to(connection, pause, to) if one.state in states]
    same = [one for one in found if draft.says or one.pause == pause]
    if not same:
        return True
    last = same[-1]
    said = claims_of(store, connection, last.pause, last.key).get("says") if draft.says else ""
    return said != draft.says if said else last.event != (draft.event or event)


def _row(
    store: Store, connection: Connection, of: tuple[str, str, int], draft: Draft
) -> dict[str, Any]:
    pause, event, seq = of
    named = [store.id, pause, event, seq, draft.audience, draft.channel, draft.recipient]
    state, why = NoticeState.PENDING, ""
    if draft.wrong:
        state, why = NoticeState.FAILED, draft.wrong[:LONGEST_WHY]
    elif draft.outside and (by := _quiet_by(store, connection, pause, stop=not draft.ends)):
        state, why = NoticeState.WITHHELD, quiet_words(pause, by)
    return {
        "key": sha256(canonical(named)),
        "seq": seq,
        "pause": pause,
        "event": event,
        "audience": draft.audience,
        "channel": draft.channel,
        "recipient": draft.recipient,
        "subject": draft.subject,
        "body": store.keep(connection, "notice", draft.text),
        "state": str(state),
        "attempts": 0,
        "why": why,
        "at": store.now(),
        "sent_at": "",
    }


def _quiet_by(
    store: Store, connection: Connection, pause: str, *, stop: bool = False
) -> tuple[str, ...]:
    """The pauses for whose sake those outside hear nothing of one: its vendor's open ones.

    Whoever hears that a part of it is contained knows that somebody is at work on the rest. Where
    none is open, the end is told to whoever heard of the stop; of a `stop` nobody hears then.
    """
    p = t.pauses.c
    vendor = sa.select(p.vendor).where(p.id == pause).scalar_subquery()
    query = sa.select(p.id).where(p.vendor == vendor, p.status != CLOSED)
    open_ = connection.execute(query.order_by(p.opened_at, p.id)).scalars()
    concerned = sorted(open_, key=lambda one: one != pause) or ([pause] if stop else [])
    return tuple(one for one in concerned if not _verified(store, connection, one))


def _verified(store: Store, connection: Connection, pause: str) -> bool:
    """Whether the chain says that this pause was once contained, which is: verified to be.

    Or that a second person had those outside told all the same.
    """
    told = store.told(connection, pause, "status")
    contained = any(event.data["status"] == "contained" for event in told)
    return contained or bool(store.told(connection, pause, LIFTED))


def quiet_words(pause: str, by: Sequence[str]) -> str:
    """Why those outside hear nothing of a pause, by what `Outbox.quiet_by` answered."""
    return QUIET.format("this pause" if by[0] == pause else f"the pause {by[0]}")


def _heard(store: Store, connection: Connection, pause: str) -> dict[int, Heard]:
    found: dict[int, Heard] = {}
    for event in store.told(connection, pause, ACKNOWLEDGED):
        for seq in event.data["seqs"]:
            found.setdefault(seq, Heard(event.actor, event.at))
    return found


@dataclass(frozen=True, slots=True)
class Outbox:
    """What is asked of the outbox by whoever sends, and by whoever looks."""

    store: Store

    def of(self, pause: str) -> tuple[Notice, ...]:
        """Every notice of a pause, in the order of what they tell."""
        return self._listed(t.notices.c.pause == pause)

    def due(self, pause: str, channel: str = "") -> tuple[Notice, ...]:
        """What is still to be sent of a pause, over one channel or over all, oldest first."""
        wanted = [t.notices.c.pause == pause, t.notices.c.state == str(NoticeState.PENDING)]
        if channel:
            wanted.append(t.notices.c.channel == channel)
        return self._listed(*wanted)

    def _listed(self, *wanted: sa.ColumnElement[bool]) -> tuple[Notice, ...]:
        n = t.notices.c
        query = sa.select(t.notices).where(*wanted).order_by(n.seq, n.audience, n.channel, n.key)
        with self.store.read() as connection:
            rows = connection.execute(query).mappings().all()
        return tuple(Notice(**{**row, "state": NoticeState(row["state"])}) for row in rows)

    def named(self, key: str) -> tuple[Notice, ...]:
        """Every notice whose key begins so."""
        return self._listed(t.notices.c.key.startswith(key, autoescape=True))

    def quiet_by(self, pause: str) -> tuple[str, ...]:
        """The pauses for whose sake those outside are told nothing of one; none: they are told.

        Each was never verified to be contained, and no second person had them told all the same.
        """
        with self.store.read() as connection:
            return _quiet_by(self.store, connection, pause)

    def said(self, notice: Notice) -> str:
        """What a notice to those outside claims; nothing where an older release wrote it."""
        with self.store.read() as connection:
            return str(claims_of(self.store, connection, notice.pause, notice.key).get("says", ""))

    def out_of_place(self, notice: Notice) -> tuple[str, ...]:
        """What a notice tells the end of, and its reader never heard the stop of, or the end."""
        way = (notice.audience, notice.channel, notice.recipient)
        with self.store.read() as connection:
            claims = claims_of(self.store, connection, notice.pause, notice.key)
            heard = heard_by(self.store, connection, notice.pause, way, but=notice.key)
        return tuple(what for what in claims.get("ends", ()) if what not in heard.kinds)

    def wanted(self, pause: str, drafts: Iterable[Draft]) -> bool:
        """Whether any of these would be told now."""
        with self.store.read() as connection:
            quiet = _quiet_by(self.store, connection, pause)
            chosen = _chosen(self.store, connection, (pause, ""), drafts)
            return not quiet and any(True for _ in chosen)

    # --- what is said to it ----------------------------------------------------------------------

    def heard(self, pause: str) -> Mapping[int, Heard]:
        """Who acknowledged the notices of which event first, by the event's number."""
        with self.store.read() as connection:
            return _heard(self.store, connection, pause)

    def escalations(self, pause: str) -> Mapping[int, int]:
        """How many levels were told of an event that nobody acknowledged, by its number."""
        found: dict[int, int] = {}
        for event in self.store.events(pause, ESCALATED):
            found[event.data["seq"]] = max(found.get(event.data["seq"], 0), event.data["level"])
        return found

    def escalated(self, pause: str) -> Mapping[int, int]:
        """Of which event each escalation is, both by their numbers."""
        return {event.seq: event.data["seq"] for event in self.store.events(pause, ESCALATED)}

    def acknowledge(self, pause: str, seqs: Iterable[int], by: str, said: Json) -> tuple[int, ...]:
        """Write down who has heard of these events; returns those of which nobody had before.

        What tells of an escalation speaks of the event that was escalated: both are meant.
        """
        with self.store.write() as connection:
            told = self.store.told(connection, pause, ESCALATED)
            about = {e.seq: e.data["seq"] for e in told}
            meant = {*seqs} | {about[seq] for seq in seqs if seq in about}
            meant |= {seq for seq, of in about.items() if of in meant}
            new = tuple(sorted(meant - {*_heard(self.store, connection, pause)}))
            if new:
                data = {**said, "seqs": [*new]}
                self.store.append(connection, pause, ACKNOWLEDGED, data, by)
        return new

    def escalate(self, pause: str, seq: int, level: int, drafts: Iterable[Draft]) -> bool:
        """Tell the next ones of an event, once; False when somebody has heard of it meanwhile."""
        with self.store.write() as connection:
            if seq in _heard(self.store, connection, pause):
                return False
            told = self.store.told(connection, pause, ESCALATED)
            if all((e.data["seq"], e.data["level"]) != (seq, level) for e in told):
                self.store.append(connection, pause, ESCALATED, {"seq": seq, "level": level})
                post(self.store, connection, pause, ESCALATED, drafts)
        return True

    def send_again(self, pause: str, by: str, said: Json) -> int:
        """Have what failed sent again, on a person's word; how many notices.

        `said` is that word; the same once more, whose answer was lost, puts nothing else back.
        """
        n = t.notices.c
        failed = (n.pause == pause, n.state == str(NoticeState.FAILED), n.channel != NOWHERE)
        with self.store.write() as connection:
            for event in self.store.told(connection, pause, AGAIN):
                if event.actor == by and {**event.data, **said} == event.data:
                    return len(event.data["keys"])
            keys = [*connection.execute(sa.select(n.key).where(*failed).order_by(n.seq)).scalars()]
            if keys:
                values = {"state": str(NoticeState.PENDING)}
                connection.execute(sa.update(t.notices).where(n.key.in_(keys)).values(**values))
                self.store.append(connection, pause, AGAIN, {**said, "keys": keys}, by)
        return len(keys)

    def put_back(self, pause: str) -> Mapping[str, str]:
        """When a person last had notices sent again that had failed, by their keys."""
        told = self.store.events(pause, AGAIN)
        return {key: event.at for event in told for key in event.data["keys"]}

    # --- sending ---------------------------------------------------------------------------------

    def text(self, notice: Notice) -> str:
        """What a notice says. Raises JournalError when it is missing or was altered."""
        return self.store.body(notice.body)

    def begin(self, notice: Notice) -> bool:
        """Write down that a notice to those outside may reach them from now on.

        Whether it might have before: whatever becomes of the reply, they may have heard it.
        """
        with self.store.write() as connection:
            if notice.key in begun_of(self.store, connection, notice.pause):
                return True
            self.store.append(connection, notice.pause, BEGUN, {"key": notice.key})
        return False

    def tried(self, notice: Notice, why: str) -> None:
        """An attempt did not do; it is tried again."""
        key = t.notices.c.key == notice.key
        values: Json = {"attempts": t.notices.c.attempts + 1, "why": why[:LONGEST_WHY]}
        with self.store.write() as connection:
            connection.execute(sa.update(t.notices).where(key).values(**values))

    def ended(
        self,
        notice: Notice,
        state: NoticeState,
        why: str = "",
        sent: str = "",
        *,
        unheard: bool = False,
    ) -> None:
        """It was sent, or will not be; the chain says which. Only `send_again` takes it back.

        `sent` is the digest of what went out, where it was more than the notice's text; `unheard`:
        it reached nobody for certain.
        """
        here = (t.notices.c.key == notice.key, t.notices.c.state == str(NoticeState.PENDING))
        values: Json = {"state": str(state), "why": why[:LONGEST_WHY]}
        if state is NoticeState.SENT:
            values["sent_at"] = self.store.now()
        with self.store.write() as connection:
            if connection.execute(sa.update(t.notices).where(*here).values(**values)).rowcount:
                data = {"key": notice.key, "body": notice.body, "why": values["why"]}
                data |= {"sent": sent} if sent else {}
                data |= {"unheard": True} if unheard else {}
                self.store.append(connection, notice.pause, f"notice-{state}", data)
