"""A soak draws its lives from a seed, and its log says what was killed and how it ended."""

import random
from pathlib import Path

import sqlalchemy as sa

from bench.soaked import BEGIN, END, Round, Soaked, write
from bench.soaking.laws import unbalanced
from bench.soaking.life import Step, Which, drawn
from bench.soaking.till import Till, sums
from stopline.connectors.payouts import ledger as l
from stopline.drill.payday import TAX, PayDay


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
