"""The certificate of an end at Google: what is gone, what Google can bring back, what remains."""

from datetime import datetime, timedelta

from support.google import ANN, ETL, POOL
from support.google_nights import Night

from stopline.evidence.certificate import certificate
from stopline.journal.pauses import TERMINATED, PauseStatus
from stopline.model import Plan
from stopline.render.certificate import Certificate, certificate_page
from stopline.terminating import How


def ended(night: Night) -> tuple[Plan, Certificate]:
    """The vendor is contained and terminated; the plan, and what the journal shows of it."""
    night.contain()
    night.ending()
    pauses, plan = night.book.pauses, night.plan_termination()
    pauses.keep_plan(plan)
    pauses.note(plan.pause, "terminating", {})
    night.terminate(plan)
    pauses.note(plan.pause, TERMINATED, {"plan": "", "remains": 0})
    pauses.mark(plan.pause, PauseStatus.TERMINATED)
    return plan, certificate(night.book, plan.pause)


def test_it_says_until_when_google_can_bring_back_what_is_gone(night: Night) -> None:
    """Thirty days for an account and a pool; what is out of a policy only people put back."""
    _, made = ended(night)
    undone = {one.address.partition(":")[2]: one for one in made.removed if one.kept_until}
    assert {one.principal for one in undone.values()} == {
        ETL,
        f"principalSet://iam.googleapis.com/{POOL}/*",
    }
    for one in undone.values():
        until = datetime.fromisoformat(one.kept_until)
        assert timedelta(days=29, hours=23) < until - datetime.fromisoformat(one.at)
        assert until - datetime.fromisoformat(one.at) <= timedelta(days=30)
    said = str(certificate_page(made, 100))
    assert said.count("its provider can bring it back until ") == len(undone) == 2


def test_it_says_what_remains_and_what_people_do_about_it(night: Night) -> None:
    """Users of the directory, with who deletes them; and nothing that was to be removed is due."""
    plan, made = ended(night)
    assert {one.address for one in made.removed} == {str(c.address) for c in plan.work}
    assert any(ANN in one.what for one in made.removed)
    remains = {one.principal: one.reason for one in made.remains}
    assert "people delete it in the Admin console" in remains["user:vic@lab.example"]
    assert made.complete
    assert not any(one.due for one in made.remains)


def test_of_what_was_gone_when_we_came_nobody_knows_how_long(night: Night) -> None:
    """Somebody else deleted the account: Google counts from then, which nothing here shows."""
    night.contain()
    night.ending()
    pauses, plan = night.book.pauses, night.plan_termination()
    pauses.keep_plan(plan)
    pauses.note(plan.pause, "terminating", {})
    state = night.google.state
    account = next(r for r in state.resources.values() if r.email == ETL.partition(":")[2])
    for resource in state.below(account.name):
        state.remove(resource)
    night.terminate(plan)
    found = [one for one in certificate(night.book, plan.pause).removed if one.how is How.GONE]
    assert any("service-account:lab-data" in one.address for one in found)
    assert not any(one.kept_until for one in found)
