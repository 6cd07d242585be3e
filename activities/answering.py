"""What people answer to notices, and what follows when nobody does.

Whoever acknowledges proves with a token that a notice reached them, or is one of the roles'
responders. Those outside are told before containment is verified on a second person's word alone.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from temporalio import activity

from activities import api, byhand, glass
from activities.outside import held_of
from activities.telling import NOBODY, Teller, require_journal
from activities.working import at_work
from stopline import settings
from stopline.approving import SEND_AGAIN, TELL_OUTSIDE, Approvers, statement_of
from stopline.attesting import Attesting
from stopline.audiences import INSIDE, OUTSIDE, Audience, Notices
from stopline.errors import ConfigError, RefusedError
from stopline.journal.book import Book
from stopline.journal.glass import unreviewed
from stopline.journal.outbox import LIFTED, Notice
from stopline.journal.pauses import OPEN
from stopline.notices.drafting import OVERDUE, Facts, Raised, raised
from stopline.notices.outside import PAUSING, Theirs
from stopline.notices.tokens import is_proven, read, signing_key

ACK, REVIEW = "ack", "review"


@dataclass(frozen=True)
class Answering:
    """The bodies, over one journal. `secret_of` gives the value behind a variable's name."""

    book: Book
    teller: Teller = NOBODY
    approvers: Approvers = field(default_factory=Approvers)
    secret_of: Callable[[str], str] = field(default=settings.secret, repr=False)

    def all(self) -> list[Callable[..., Any]]:
        """Everything that a worker registers."""
        return [self.hear, self.escalate, self.attest]

    @activity.defn(name=api.HEAR)
    def hear(self, asked: api.TellOrder) -> api.Told:
        """Write down what a person says about notices. Raises RefusedError when it is no word."""
        with at_work():
            require_journal(self.book, asked)
            if asked.word == ACK:
                return self._acknowledged(asked)
            if asked.word == SEND_AGAIN:
                return self._sent_again(asked)
            if asked.word == REVIEW:
                glass.review(self.book, self.approvers, asked)
            else:
                self._lifted(asked)
            return api.Told()

    @activity.defn(name=api.ESCALATE)
    def escalate(self, asked: api.TellOrder) -> api.Due:
        """Tell the next level of an event that nobody has acknowledged.

        Answers with what is to be sent; without levels once somebody has heard, when there is
        nobody else to tell, or when the pause is over and no break-glass of it waits for a review.
        """
        with at_work():
            require_journal(self.book, asked)
            notices, outbox = self._notices(), self.book.outbox
            if (
                notices is None
                or not self._matters(asked)
                or asked.level > len(notices.escalation.levels)
            ):
                return api.Due()
            terms = notices.escalation
            unheard = self._original(asked, terms.minutes, len(terms.levels))
            drafts = tuple(raised(notices, unheard))
            if not outbox.escalate(asked.pause, asked.seq, asked.level, drafts):
                return api.Due()
            channels = tuple(sorted({notice.channel for notice in outbox.due(asked.pause)}))
            return api.Due(channels, asked.seq, terms.minutes * 60, len(terms.levels))

    @activity.defn(name=api.ATTEST)
    def attest(self, asked: Attesting) -> bool:
        """Write down what a person did by hand, or another says of it. Raises RefusedError."""
        with at_work():
            require_journal(self.book, api.TellOrder(asked.pause, asked.journal))
            return byhand.hear(self.book, self.approvers, asked)

    # --- small things ----------------------------------------------------------------------------

    def _matters(self, asked: api.TellOrder) -> bool:
        """Whether what nobody acknowledged still wants a person."""
        pause, told = self.book.pauses.get(asked.pause), self.book.outbox.of(asked.pause)
        if any(n.seq == asked.seq and n.event == OVERDUE for n in told):
            return bool(self.book.pauses.overdue(pause))  # else somebody has reassessed it
        if pause.status in OPEN:
            return True
        return any(one.seq == asked.seq for one in unreviewed(self.book.store, asked.pause))

    def _notices(self) -> Notices | None:
        """Who is told; nobody else while the file is broken, which is said where it is drafted."""
        try:
            return self.teller.notices()
        except ConfigError:
            return None

    def _original(self, asked: api.TellOrder, minutes: float, levels: int) -> Raised:
        """What nobody has acknowledged, as those inside were told it."""
        inside = [
            n
            for n in self.book.outbox.of(asked.pause)
            if n.seq == asked.seq and Audience(n.audience) in INSIDE
        ]
        if not inside:
            raise RefusedError(f"The event {asked.seq} of {asked.pause} was told to nobody inside.")
        first = min(inside, key=lambda n: (n.audience != Audience.RESPONDERS, n.key))
        text = self.book.outbox.text(first)
        return Raised(asked.pause, minutes, asked.level, levels, first.subject, text)

    def _acknowledged(self, asked: api.TellOrder) -> api.Told:
        outbox = self.book.outbox
        told = [n for n in outbox.of(asked.pause) if Audience(n.audience) in INSIDE]
        if asked.proof:
            one = self._proven(told, asked)
            data = {"notice": one.key, "by_token": True, "reason": asked.reason}
            heard = outbox.acknowledge(asked.pause, {one.seq}, asked.by, data)
            return api.Told(heard=len(heard))
        self._require_responder(
            asked.by, "Nothing was acknowledged.", "; --token takes what stood in your notice"
        )
        meant = [n for n in told if n.key == asked.notice or not asked.notice]
        if not meant:
            raise RefusedError(f"Nobody inside was told that by the pause {asked.pause}.")
        data = {"notice": asked.notice, "by_token": False, "reason": asked.reason}
        heard = outbox.acknowledge(asked.pause, {n.seq for n in meant}, asked.by, data)
        return api.Told(heard=len(heard))

    def _require_responder(self, who: str, not_done: str, else_: str = "") -> None:
        if not self.approvers.roles.may_acknowledge(who):
            raise RefusedError(
                f"{who} is not a responder. {not_done}", f"The worker's roles.yaml says who{else_}."
            )

    def _sent_again(self, asked: api.TellOrder) -> api.Told:
        """Put back what failed; what is not true any more is withdrawn when its turn comes."""
        self._require_responder(asked.by, "Nothing is sent again.")
        said = {"reason": asked.reason, "request": activity.info().workflow_id}
        number = self.book.outbox.send_again(asked.pause, asked.by, said)
        if not number:
            raise RefusedError(
                f"No notice of the pause {asked.pause} has failed that could be sent again. "
                "Nothing was sent.",
                f"See which there are, and why: stopline notices {asked.pause}",
            )
        return api.Told(again=number)

    def _proven(self, told: list[Notice], asked: api.TellOrder) -> Notice:
        """The notice whose token somebody has who says this. Raises RefusedError."""
        notices = self._notices()
        name = notices.escalation.secret if notices else None
        try:
            secret = signing_key(self.secret_of, name) if name else ""
        except ConfigError as error:
            raise RefusedError(f"The token cannot be verified: {error.what}") from None
        proof = read(asked.proof)
        found = [n for n in told if proof and n.key.startswith(proof.key)]
        if (
            proof is None
            or not secret
            or len(found) != 1
            or not is_proven(proof, secret, self.book.id, asked.by, asked.reason)
        ):
            raise RefusedError(
                "The token is not one of a notice of this pause. Nothing was acknowledged.",
                "Copy it whole from the notice.",
            )
        if proof.until < self.book.store.clock():
            raise RefusedError(
                "The token is no longer good. Nothing was acknowledged.",
                f"As a responder: stopline ack {asked.pause}",
            )
        return found[0]

    def _lifted(self, asked: api.TellOrder) -> None:
        """Let those outside hear before containment is verified. Raises RefusedError."""
        pauses, pause = self.book.pauses, self.book.pauses.get(asked.pause)
        signed = statement_of(TELL_OUTSIDE, self.book.id, pause, asked.by, asked.reason)
        signature = self.approvers.vouch(signed, asked.signature)
        data = {"reason": asked.reason, "signature": signature, "signed": signed.kept}
        if any(e.data == data and e.actor == asked.by for e in pauses.events(pause.id, LIFTED)):
            return  # said and written down already: its answer was lost
        quiet = self.book.outbox.quiet_by(pause.id)
        if pause.status not in OPEN or pause.id not in quiet:
            raise RefusedError(
                f"The pause {pause.id} keeps nobody outside from hearing, or it is over. Nothing "
                "was sent.",
                f"What keeps them quiet is the pause {quiet[0]}: name it." if quiet else "",
            )
        theirs = (Theirs(PAUSING, held_of(self.book, pause.vendor)),)
        facts = Facts(PAUSING, pause.vendor, pause.id, self.book.store.now(), theirs=theirs)
        drafts = self.teller.drafts(replace(facts, by=asked.by))
        if not any(draft.outside for draft in drafts):
            wrong = next((draft.wrong for draft in drafts if draft.wrong), "")
            raise RefusedError(
                f"There is no way to {pause.vendor} or its payees: "
                f"{wrong or 'notices.yaml names none'}. Nothing was sent.",
                f"Give notices.yaml vendors: {pause.vendor}: with {', '.join(OUTSIDE)}.",
            )
        pauses.note(pause.id, LIFTED, data, asked.by, event=PAUSING, drafts=drafts)
