"""A soak draws its lives from a seed, and its log says what was killed and how it ended."""

import random
from collections import Counter
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import sqlalchemy as sa
from support.journals import a_book

from bench.soaked import BEGIN, END, Round, Soaked, write
from bench.soaking import laws
from bench.soaking.laws import Chain, unanswered, unbalanced, untold
from bench.soaking.life import Life, Step, Which, drawn
from bench.soaking.living import Living
from bench.soaking.night import Night, OutsideTheLawsError
from bench.soaking.till import Till, sums
from stopline.audiences import INSIDE
from stopline.connectors.payouts import ledger as l
from stopline.drill.hearing import Arrival, Ears
from stopline.drill.payday import LEDGER, TAX, PayDay
from stopline.journal.outbox import Draft, NoticeState
from stopline.journal.pauses import Pause, PauseStatus
from stopline.model import Address, Scope


def _round(number: int = 1) -> Round:
    return Round(number, "access first", 90, {"worker": 3, "server": 1}, 40, 2, 11, 80.0, 140.0)


def test_a_soak_says_what_was_killed_and_how_it_ended(tmp_path: Path) -> None:
    """The log names kills, the steps that they were in, lives and the fault, if there was one."""
    page = tmp_path / "soak.md"
    page.write_text(f"{BEGIN}\n{END}\n")
    kills = {"worker": 3, "server": 1}
    write(Soaked(7, kills, {"pause money": 4}, (_round(),), ""), page)
    assert "seed 7. 4 kills (1 of the server, 3 of the worker) in 1 lives" in page.read_text()
    assert "none outside the laws" in page.read_text()
    assert "pause money 4." in page.read_text()
    write(Soaked(7, kills, {}, (), "still held: a"), page)
    assert "still held: a" in page.read_text()


def test_a_seed_draws_the_same_lives_again() -> None:
    """A life that ended outside the laws can be lived once more."""
    one, other = random.Random(5), random.Random(5)
    assert [drawn(one) for _ in range(20)] == [drawn(other) for _ in range(20)]


def test_lives_come_to_everything_that_can_happen() -> None:
    """Each step, each first pause and each ending is drawn; whoever was paused is ended."""
    chance = random.Random(1)
    lives = [drawn(chance) for _ in range(200)]
    assert {step for life in lives for step in life.steps} == set(Step)
    assert {life.first for life in lives} == {Which.ACCESS, Which.MONEY}
    assert {which for life in lives for which in life.terminated} == {Which.ACCESS, Which.MONEY}
    for life in lives:
        assert (Which.OTHER in life.order) == (Step.OVERLAP in life.steps)
        assert (Which.TWICE in life.order) == (Step.TWICE in life.steps)
        assert (Which.HAND in life.order) == (Step.HAND in life.steps)
        assert life.terminated <= set(life.order)


def test_another_pause_lets_go_before_a_termination() -> None:
    """What a second pause holds too would be there still, and the life could not be judged."""
    chance = random.Random(2)
    for life in (drawn(chance) for _ in range(200)):
        if life.terminated:
            assert set(life.order[-2:]) == {Which.ACCESS, Which.MONEY}


def test_a_till_owes_anew_in_each_life_and_pays_what_nobody_holds(tmp_path: Path) -> None:
    """Before all lives everything is paid but what the tax team holds."""
    url = f"sqlite:///{tmp_path}/ledger.db"
    day = PayDay(tmp_path, url, ("a", "b"))
    day.seed()
    till = Till(url)
    (payable,) = till.owed()
    assert till.marks() == {(payable, TAX["mark"])}
    till.owe()
    due = till.owed()
    held = next(id_ for id_ in due if id_ != payable)
    with till.engine.begin() as connection:
        row = {"payable": held, "mark": "StoplineJ1P2", "code": "X"}
        connection.execute(sa.insert(l.HOLDS).values(row))
    till.pay("all")
    assert set(till.owed()) == {payable, held}
    assert till.ours() == {(held, "StoplineJ1P2")}
    assert sums(till.owed().values()).total() == due[held]["amount"] + due[payable]["amount"]
    till.close()
    day.stop()


def test_a_record_that_is_gone_and_an_intent_without_a_receipt_are_seen() -> None:
    """A journal that lost its tail has a whole chain, and is another one than it was."""
    night = cast("Night", SimpleNamespace(book=a_book("sqlite://")))
    pauses, chain = night.book.pauses, Chain()
    pauses.note("0000000a", "intent", {"changes": [{"address": "memory:r1:key:a"}]})
    assert not list(chain.wrong(night))
    assert len(list(unanswered(night))) == 1
    pauses.note("0000000a", "receipts", {"receipts": [{"address": "memory:r1:key:a"}]})
    assert not list(chain.wrong(night))
    assert not list(unanswered(night))
    night.book = a_book("sqlite://")  # a backup from before: whole, and short of what was said
    assert ["lost" in wrong for wrong in chain.wrong(night)] == [True]


def test_a_notice_that_is_lost_doubled_or_nobodys_is_seen() -> None:
    """What the outbox calls sent must have come; the same key never comes in two versions."""
    book = a_book("sqlite://")
    ears = Ears()
    night = cast("Night", SimpleNamespace(book=book, ears=ears, pauses=list))
    night.pauses = lambda: list(book.pauses.list("mercor"))  # type: ignore[method-assign]
    status = PauseStatus.CONTAINING
    pause = Pause("0000000a", "mercor", Scope(), "w", "alice", "r", "", status, "", "", "")
    inside = [Draft(str(one), "room") for one in INSIDE]
    book.pauses.open(pause, {}, inside)
    book.pauses.mark("0000000a", PauseStatus.CLOSED, event="restored", drafts=inside)
    notices = book.outbox.of("0000000a")
    assert any("is pending" in wrong for wrong in untold(night, frozenset()))
    for notice in notices:
        book.outbox.ended(notice, NoticeState.SENT)
    assert sum("is lost" in wrong for wrong in untold(night, frozenset())) == len(notices)
    ears.arrived = [Arrival(0.0, n.audience, n.pause, n.event, n.key) for n in notices]
    assert not list(untold(night, frozenset()))
    ears.arrived += [replace(ears.arrived[0], text="other"), replace(ears.arrived[0], key="x")]
    ears.arrived += [Arrival(0.0, "vendor", "0000000a", "contained", notices[0].key)]
    wrong = " ".join(untold(night, frozenset()))
    assert all(word in wrong for word in ("two versions", "nobody wrote", "before it was"))


def test_totals_that_do_not_add_up_are_seen() -> None:
    """Also where the report says of itself that it balances."""
    states = ("paid_before", "held", "escaped", "released", "reissued", "written_off", "not_held")
    total = dict.fromkeys(states, 0) | {"payee": "c1", "currency": "USD", "owed_before": 10}
    right = total | {"held": 10, "held_at_all": 10}
    assert not list(unbalanced({"totals": [right], "balanced": True}))
    lost = right | {"held": 9, "held_at_all": 9}
    assert len(list(unbalanced({"totals": [lost], "balanced": True}))) == 1
    away = right | {"escaped": 10, "owed_before": 20}
    assert len(list(unbalanced({"totals": [away], "balanced": True}))) == 1


MINE = "StoplineJ00000001P0000000a"


def _ended(monkeypatch: pytest.MonkeyPatch, marks: set[str], states: dict[str, str]) -> None:
    """A termination of the money after which these are marked; a's pay was settled, b's disputed.

    Raises OutsideTheLawsError where it is not as people decided.
    """
    said: list[str] = []
    held = [
        SimpleNamespace(
            address=Address("payouts", LEDGER, "payable-hold", f"{payee}1#{MINE}"),
            change=SimpleNamespace(principal=payee),
        )
        for payee in ("a", "b")
    ]
    till = SimpleNamespace(
        lives=1,
        marks=lambda: {(one, MINE) for one in marks},
        ours=lambda: {(one, MINE) for one in marks},
        rows=lambda: {f"{one}1": {"payee": one, "currency": "USD", "amount": 1} for one in "ab"},
        pay=lambda _: [],
    )
    night = SimpleNamespace(
        till=till,
        book=SimpleNamespace(writes=SimpleNamespace(holds=lambda _: held)),
        terminated=lambda _, *words: said.extend(words),
    )
    killer = SimpleNamespace(at_work=lambda *_: nullcontext())
    document = {"payables": [{"payable": one, "state": was} for one, was in states.items()]}
    monkeypatch.setattr(laws, "report", lambda *_: document)
    for law in ("of_report", "unbalanced", "unlike_ledger"):
        empty = Counter() if law == "of_report" else ()
        monkeypatch.setattr(laws, law, lambda *_, found=empty: found)
    monkeypatch.setattr(Living, "_pays", lambda *_: None)
    monkeypatch.setattr(Living, "_rest", lambda *_: None)
    life = Life(Which.MONEY, (), (Which.MONEY,), frozenset({Which.MONEY}))
    living = Living(*cast("Any", (night, killer, life, {}, Chain())))
    living.pauses[Which.MONEY] = cast("Pause", SimpleNamespace(id="0000000a"))
    living._end(Which.MONEY)
    assert said[:4] == ["--settle", "a", "--dispute", "b"]


def test_a_termination_that_did_as_people_decided_is_within_the_laws(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What was settled is released and marked no more; what was disputed is held as before."""
    _ended(monkeypatch, {"b1"}, {"a1": "released", "b1": "held"})


@pytest.mark.parametrize(
    ("marks", "states", "words"),
    [
        ({"a1", "b1"}, {"a1": "held", "b1": "held"}, "a1 was settled and is still held"),
        ({"b1"}, {"a1": "not held", "b1": "held"}, "a1 was settled and is not released"),
        ({"a1"}, {"a1": "held", "b1": "released"}, "b1 was not settled and is held no more"),
        (set(), {"a1": "released", "b1": "released"}, "b1 was not settled and is held no more"),
    ],
    ids=["nothing", "lost", "the opposite", "all"],
)
def test_a_termination_that_did_nothing_or_the_opposite_is_outside_the_laws(
    monkeypatch: pytest.MonkeyPatch, marks: set[str], states: dict[str, str], words: str
) -> None:
    """The sums alone come out right, whoever's is settled."""
    with pytest.raises(OutsideTheLawsError, match=words):
        _ended(monkeypatch, marks, states)
