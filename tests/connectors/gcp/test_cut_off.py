"""A termination that is cut off has taken entries out: a rollback's plan says which it may be."""

from typing import Any

from support.google import BO, CONDITION, GCS, PULL, binding
from support.google_nights import PROJECT, Night, outcomes

from activities import api, restoring
from stopline.drill.google.faults import Moment
from stopline.drill.google.server import Google
from stopline.model import Plan
from stopline.receipts import Cause, Outcome

LABELS = f"{GCS}/labels"
VIEWER = "roles/storage.objectViewer"
TOLD = "entries that were, or may be, taken out for good, and are not given back: "


def rollback(night: Night) -> Plan:
    """The plan that a rollback of all would wait with."""
    order = api.PauseOrder(pause=night.mark.pause, vendor="mercor")
    built: Any = None  # a rollback of all asks no provider
    return restoring.way_back(night.book, api.RestorePlan(order, api.RestoreOrder()), built)


def told_of(night: Night, member: str) -> list[str]:
    """What a rollback says was begun with somebody's entries."""
    skips = [skip for skip in rollback(night).skips if skip.address.part == member]
    return [skip.reason.removeprefix(TOLD) for skip in skips if TOLD in skip.reason]


def test_a_rollback_names_what_a_termination_has_begun_to_take_out(google: Google) -> None:
    """Nothing while it is only planned; all of it once it is begun; then what is not found any
    more. What certainly came to nothing is not told.
    """
    for name in (PROJECT, LABELS):
        resource = google.state.get(name)
        more = binding(VIEWER, PULL, BO, condition=CONDITION if name == PROJECT else None)
        resource.policy = {"bindings": [*resource.policy.get("bindings", []), more]}
    night = Night(google)
    assert outcomes(night.contain()) == {Outcome.APPLIED}
    night.ending()
    plan = night.plan_termination()
    night.book.pauses.keep_plan(plan)
    assert told_of(night, PULL) == []
    google.faults.add("storage.v1.buckets.setIamPolicy", Moment.BEFORE, 403)
    failed = {r.change.address.part for r in night.terminate(plan) if r.cause is Cause.DENIED}
    assert PULL in failed
    (told,) = told_of(night, PULL)
    assert "labels#" in told
    assert f"lab-data#{VIEWER}/{PULL}" in told
    night.book.pauses.keep_plan(night.plan_termination())
    (told,) = told_of(night, PULL)
    assert "labels#" not in told, "it is found there still"
    assert f"lab-data#{VIEWER}/{PULL}" in told
    gone = [skip for skip in rollback(night).skips if "removed for good on" in skip.reason]
    assert gone, "what was removed is told as before"
    assert not {skip.address for skip in gone} & {h.address for h in night.book.writes.holds()}
    night.close()
