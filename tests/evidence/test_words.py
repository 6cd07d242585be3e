"""Whoever let something happen is proven offline: each kind of signed word, not approvals alone."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from support.nights import Night
from support.signers import a_key, needs_openssh

from stopline.approving import (
    GAPS,
    TELL_OUTSIDE,
    deed_statement,
    review_of,
    statement_of,
)
from stopline.attesting import CONFIRM, DONE, REFUSE
from stopline.evidence import bundle as b
from stopline.evidence.verifying import Trusted, Verdict, verified
from stopline.journal.attested import ATTESTED, CONFIRMED, DENIED
from stopline.journal.glass import BROKEN, REVIEWED, broken
from stopline.journal.outbox import LIFTED
from stopline.journal.pauses import Pause, PauseStatus
from stopline.model import Direction, Plan, Scope
from stopline.signing import Statement, sign
from stopline.text import Json

pytestmark = needs_openssh
PAUSE, OTHER = "0000000a", "0000000b"


@dataclass
class Desk:
    """A pause in a journal, and the people who say something about it: alice, bob, mallory."""

    folder: Path
    night: Night
    plan: Plan
    ref: str

    @property
    def pause(self) -> Pause:
        """The pause that everything is about."""
        return self.night.book.pauses.get(PAUSE)

    def note(self, kind: str, data: Json, signed: Statement, key: str = "") -> None:
        """Write down a word with the signature of its person, or of whose key is named."""
        signature = sign(signed, self.folder / (key or signed.by))
        said = {"reason": signed.reason, "signature": signature, "signed": signed.kept}
        self.night.book.pauses.note(PAUSE, kind, said | data, signed.by)

    def approve(self, signed: Statement, key: str = "") -> None:
        """Write down a signed yes to the plan."""
        signature = sign(signed, self.folder / (key or signed.by))
        self.night.book.pauses.approve(
            PAUSE, self.ref, signed.digest, signed.by, signature, signed.reason, signed.kept
        )

    def packed(self) -> bytes:
        """The bundle of this pause."""
        terms = b.Terms("2026-01-01T00:00:00.000Z", bytes(32))
        return b.packed(b.finished(*b.gather(self.night.book, PAUSE, terms)))

    def verdict(self, name: str) -> Verdict:
        """What the bundle of this pause is found to be, of one kind of word."""
        trusted = Trusted(signers=self.folder / "allowed_signers")
        found = verified(self.packed(), trusted)
        assert {v.name: v.ok for v in found}["chain"]
        (one,) = [v for v in found if v.name == name]
        return one


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A contained pause that alice asked for; everybody has a key, and mallory is no signer."""
    night, lines = Night(), []
    for person in ("alice", "bob", "mallory"):
        public = a_key(tmp_path, person).with_suffix(".pub").read_text()
        lines += [f"{person} {public}"] if person != "mallory" else []
    (tmp_path / "allowed_signers").write_text("".join(lines))
    case = Pause(
        PAUSE, "mercor", Scope(), f"pause/{PAUSE}", "alice", "breach", "",
        PauseStatus.CONTAINING, "", "", "",
    )  # fmt: skip
    night.book.pauses.open(case, {"reason": "breach"})
    plan = night.contain(PAUSE)
    kept = night.book.pauses.keep_plan(plan)
    yield Desk(tmp_path, night, plan, kept.ref)
    night.book.close()


Say = Callable[[Desk, Callable[[Statement], Statement], str], None]
"""Say a word whose statement is altered, signed with the key of whoever is named."""


def _approval(desk: Desk, alter: Callable[[Statement], Statement], key: str) -> None:
    said = statement_of("contain", desk.night.book.id, desk.pause, "bob", "read", desk.plan.digest)
    desk.approve(alter(replace(said, request="")), key)


def _gaps(desk: Desk, alter: Callable[[Statement], Statement], key: str) -> None:
    book = desk.night.book
    signed = statement_of(GAPS, book.id, desk.pause, "bob", "known", desk.plan.digest)
    # As the workflow has it written down: the fields of the statement are not beside it.
    data = {"reason": "known", "digest": desk.plan.digest}
    data["signature"] = sign(alter(signed), desk.folder / (key or "bob"))
    book.pauses.note(PAUSE, "acknowledged", data, "bob")


def _outside(desk: Desk, alter: Callable[[Statement], Statement], key: str) -> None:
    signed = statement_of(TELL_OUTSIDE, desk.night.book.id, desk.pause, "bob", "they must know")
    desk.note(LIFTED, {}, alter(signed), key)


def _review(desk: Desk, alter: Callable[[Statement], Statement], key: str) -> None:
    book = desk.night.book
    data = {
        "ref": desk.ref, "digest": desk.plan.digest, "direction": "contain", "request": "",
        "reason": "nobody answers", "review_by": "2027-01-02T00:00:00Z",
    }  # fmt: skip
    book.pauses.note(PAUSE, BROKEN, data, "alice")
    (one,) = broken(book.store, PAUSE)
    signed = review_of(book.id, desk.pause, one, "bob", "looked at it")
    desk.note(REVIEWED, {"of": one.seq}, alter(signed), key)


def _deed(desk: Desk, alter: Callable[[Statement], Statement], key: str) -> None:
    signed = deed_statement(
        desk.night.book.id, desk.pause, DONE, "alice", "held there", ("f" * 64, 0, "")
    )
    desk.note(ATTESTED, {"ref": "f" * 64, "address": "x"}, alter(signed), key)


def _answer(word: str, kind: str) -> Say:
    def say(desk: Desk, alter: Callable[[Statement], Statement], key: str) -> None:
        _deed(desk, lambda said: said, "")
        (one,) = desk.night.book.pauses.events(PAUSE, ATTESTED)
        about = ("f" * 64, one.seq, "alice")
        signed = deed_statement(desk.night.book.id, desk.pause, word, "bob", "seen it", about)
        data = {"ref": "f" * 64, "address": "x", "of": one.seq}
        desk.note(kind, data, alter(signed), key)

    return say


WORDS: dict[str, tuple[str, Say]] = {
    "approved": ("approvals", _approval),
    "gaps": ("accepted as open", _gaps),
    "outside": ("told outside early", _outside),
    "review": ("reviews", _review),
    "done": ("deeds by hand", _deed),
    "confirmed": ("deeds by hand", _answer(CONFIRM, CONFIRMED)),
    "refused": ("deeds by hand", _answer(REFUSE, DENIED)),
}
every_word = pytest.mark.parametrize(("name", "say"), WORDS.values(), ids=WORDS)


@every_word
def test_a_word_that_its_person_signed_holds(desk: Desk, name: str, say: Say) -> None:
    """By the key that the reader has under that name."""
    say(desk, lambda said: said, "")
    verdict = desk.verdict(name)
    assert (verdict.ok, verdict.proven) == (True, True), verdict
    assert "signed (verified), 0 unsigned" in verdict.found


@every_word
def test_a_word_that_somebody_else_signed_does_not(desk: Desk, name: str, say: Say) -> None:
    """The statement is right, the name is bob's, the key is mallory's: a stolen database."""
    say(desk, lambda said: said, "mallory")
    assert not desk.verdict(name).ok


@pytest.mark.night
@every_word
@pytest.mark.parametrize(
    "other",
    [{"pause": OTHER}, {"journal": "ffffffff"}, {"direction": "restore"}, {"vendor": "handshake"}],
    ids=lambda other: next(iter(other)),
)
def test_a_signature_from_elsewhere_is_not_this_word(
    desk: Desk, name: str, say: Say, other: dict[str, str]
) -> None:
    """Signed by the right person, for another pause, journal, word or vendor, and copied here."""
    say(desk, lambda said: replace(said, **other), "")
    verdict = desk.verdict(name)
    assert not verdict.ok
    assert "over" in verdict.found


def test_a_yes_to_what_one_asked_for_oneself_does_not_hold(desk: Desk) -> None:
    """Alice asked for the pause; her own yes is no second person's, however well it is signed."""
    said = statement_of("contain", desk.night.book.id, desk.pause, "alice", "", desk.plan.digest)
    desk.approve(replace(said, request=""))
    assert "asked for themselves" in desk.verdict("approvals").found


def test_a_yes_alone_holds_and_says_so_and_a_broken_glass_without_one_is_told(desk: Desk) -> None:
    """Break-glass is signed by whoever asked; broken once more, and no yes came of it."""
    _review(desk, lambda said: said, "")
    said = statement_of("contain", desk.night.book.id, desk.pause, "alice", "x", desk.plan.digest)
    assert "came to no approval" in desk.verdict("approvals").found
    desk.approve(replace(said, request="", break_glass=True))
    verdict = desk.verdict("approvals")
    assert verdict.ok, verdict
    assert verdict.found == "1 signed (verified), 0 unsigned; 1 by break-glass"


def test_nobody_ends_for_good_alone_whoever_signed_it(desk: Desk) -> None:
    """A termination by break-glass is none, in the evidence as at the worker."""
    book = desk.night.book
    plan = replace(desk.plan, direction=Direction.TERMINATE)
    desk.ref = book.pauses.keep_plan(plan).ref
    book.pauses.note(PAUSE, "termination", {"request": "r", "reason": "over"}, "alice")
    said = statement_of("terminate", book.id, desk.pause, "bob", "over", plan.digest)
    said = replace(said, request="r", break_glass=True)
    desk.approve(said)
    assert "nobody approves alone" in desk.verdict("approvals").found


def test_without_signers_it_is_said_that_nobody_looked_who_signed(desk: Desk) -> None:
    """It is no failure, and no proof."""
    _outside(desk, lambda said: said, "mallory")
    (one,) = [v for v in verified(desk.packed(), Trusted()) if v.name == "told outside early"]
    assert (one.ok, one.proven) == (True, False)
    assert "WHO SIGNED WAS NOT CHECKED" in one.found
    assert "--signers" in one.next_step
