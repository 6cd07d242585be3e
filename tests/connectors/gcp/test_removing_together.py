"""What goes for good together: the deny before whom it is about, and each for its own reason.

Google names whoever is deleted by another name, in policies and in our deny alike; for 30 days it
brings them back with all that they were given.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from support.google import ANN, BO, CONDITION, ETL, GCS, IAM, LEE, PULL, binding
from support.google_nights import PROJECT, Night, may, outcomes, policy_of

from stopline.connectors.gcp import removing, revoking
from stopline.drill.google.faults import Moment
from stopline.drill.google.server import Google
from stopline.model import Change, Direction, Plan, stage
from stopline.receipts import Cause, Outcome
from stopline.text import Json

ETL_NAME = f"{IAM}/projects/lab-data/serviceAccounts/{ETL.partition(':')[2]}"
LABELS = f"{GCS}/labels"
VIEWER = "roles/storage.objectViewer"


def held_by(google: Google, name: str, *more: Json) -> None:
    """More elements in a policy."""
    resource = google.state.get(name)
    resource.policy = {"bindings": [*resource.policy.get("bindings", []), *more]}


def ending(google: Google, **words: Any) -> Night:
    """The vendor is contained, and its end is begun."""
    night = Night(google, **words)
    assert outcomes(night.contain()) == {Outcome.APPLIED}
    night.ending()
    return night


def denies(google: Google) -> list[str]:
    """The names of all deny policies."""
    return [name for name in google.state.resources if "/denypolicies/stopline" in name]


def reasons(plan: Plan, part: str) -> list[str]:
    """Why what has this in its address stays."""
    return [skip.reason for skip in plan.skips if part in str(skip.address)]


def of_kind(plan: Plan, kind: str) -> list[Change]:
    """What is removed of one kind."""
    return [change for change in plan.work if change.address.kind == kind]


@pytest.fixture
def waiting(google: Google) -> Iterator[tuple[Night, list[float]]]:
    """An account that only our deny keeps out of a bucket; Google takes two minutes to show it."""
    held_by(google, PROJECT, binding(VIEWER, ETL, BO, condition=CONDITION))
    night, now = ending(google), [1000.0]
    night.connector = replace(night.connector, propagation=120.0)
    night.connector.clients.clock = lambda: now[0]
    yield night, now
    night.close()


def test_an_account_goes_after_our_deny_of_it_and_after_its_entries(
    google: Google, waiting: tuple[Night, list[float]]
) -> None:
    """Else its entries would be another's by name, and nobody would ever take them out."""
    night, now = waiting
    plan = night.plan_termination()
    order = [change.address.kind for change in plan.work]
    last = max(i for i, kind in enumerate(order) if kind == revoking.DENY)
    assert last < min(order.index(removing.ACCOUNT), order.index(removing.POOL))
    stages = {c.address.kind: stage(c, Direction.TERMINATE) for c in plan.work}
    assert stages[revoking.DENY] < min(stages[removing.ACCOUNT], stages[removing.POOL])
    busy = {r.change.address.kind for r in night.terminate(plan) if r.cause is Cause.BUSY}
    assert {revoking.DENY, removing.ACCOUNT, removing.POOL} <= busy
    assert google.state.get(ETL_NAME).data["disabled"]
    assert ETL not in str(policy_of(google))
    assert "deleted:" not in str(policy_of(google))
    now[0] += 121
    assert outcomes(night.terminate(night.plan_termination())) == {Outcome.APPLIED}
    assert ETL_NAME not in google.state.resources
    assert denies(google) == []
    assert "deleted:" not in str(policy_of(google))
    assert night.plan().work == ()


def test_an_account_whose_deny_stays_stays_too(google: Google) -> None:
    """The deny would not know it any more, once somebody brings it back."""
    night = ending(google)
    clients = night.connector.clients
    clients.estate = clients.estate.model_copy(update={"projects": ("lab-data",)})
    plan = night.plan_termination()
    assert of_kind(plan, removing.ACCOUNT) == []
    assert of_kind(plan, removing.POOL) == []
    (told,) = reasons(plan, "service-account:lab-data")
    assert "a deny of it stays" in told
    night.terminate(plan)
    assert google.state.get(ETL_NAME)
    night.close()


def test_who_was_deleted_holds_nothing_and_keeps_no_deny_in_place(google: Google) -> None:
    """Nor does the sweep after the end plan another deny of the directory for want of a holder."""
    left = binding(VIEWER, "deleted:user:zoe@mercor.example?uid=7")
    held_by(google, LABELS, left)
    night = ending(google)
    plan = night.plan_termination()
    assert reasons(plan, "cloudIdentityCustomerId") == []
    assert outcomes(night.terminate(plan)) <= {Outcome.APPLIED, Outcome.ALREADY}
    assert denies(google) == []
    assert left in policy_of(google, LABELS)
    assert night.plan().work == ()
    night.close()


def test_a_policy_that_cannot_be_written_keeps_only_those_denied_whom_it_is_about(
    google: Google,
) -> None:
    """One bucket refuses us: everybody else's entries and denies go, its directory's stays."""
    held_by(google, LABELS, binding(VIEWER, PULL, BO))
    night = ending(google)
    google.faults.add("storage.v1.buckets.setIamPolicy", Moment.BEFORE, 403)
    receipts = night.terminate()
    failed = {r.change.address.part: r for r in receipts if r.change.address.kind == revoking.DENY}
    denied = {part for part, r in failed.items() if r.cause is Cause.DENIED}
    assert PULL in denied
    assert ANN not in denied
    assert ETL not in denied
    assert ANN not in str(policy_of(google))
    assert ETL_NAME not in google.state.resources
    assert not may(google, PULL, "storage.objects.get", LABELS)
    assert outcomes(night.terminate(night.plan_termination())) == {Outcome.APPLIED}
    assert denies(google) == []
    assert not may(google, PULL, "storage.objects.get", LABELS)
    night.close()


def test_whoever_was_given_more_where_others_are_taken_out_stays_denied_alone(
    google: Google,
) -> None:
    """The plan says nothing of them there: they keep the deny, and the others go."""
    held_by(google, LABELS, binding(VIEWER, PULL, BO))
    night = ending(google)
    plan = night.plan_termination()
    held_by(google, LABELS, binding(VIEWER, ANN))
    refused = {r.change.address.part for r in night.terminate(plan) if r.cause is Cause.REFUSED}
    assert ANN in refused
    assert PULL not in refused
    assert PULL not in str(policy_of(google, LABELS))
    assert not may(google, ANN, "storage.objects.get", LABELS)
    night.close()


def test_of_two_who_are_the_last_owners_together_the_later_by_name_stays(google: Google) -> None:
    """Each alone could go. The plan says who stays, and the write is not refused for both."""
    resource = google.state.get(PROJECT)
    others = [b for b in resource.policy["bindings"] if b["role"] != "roles/owner"]
    resource.policy = {"bindings": [*others, binding("roles/owner", ANN, LEE)]}
    night = ending(google)
    plan = night.plan_termination()
    (told,) = reasons(plan, f"#{LEE}")
    assert "projects/lab-data would have no administrator left" in told
    assert ANN in {change.address.part for change in of_kind(plan, revoking.DENY)}
    assert outcomes(night.terminate(plan)) <= {Outcome.APPLIED, Outcome.ALREADY}
    assert binding("roles/owner", LEE) in policy_of(google)
    assert not may(google, LEE, "resourcemanager.projects.setIamPolicy")
    assert ANN not in str(policy_of(google))
    night.close()
