"""The vendor's entries go for good, then our deny of it; its accounts and pools too; nobody else's.

What the deny reaches was left as it stood in the pause: only the deny kept the vendor out of it.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from connectors.contract import MARK
from support.google import (
    ANN,
    BO,
    CONDITION,
    CRM,
    DANA,
    ETL,
    GCS,
    IAM,
    LEE,
    NEW,
    NUMBER,
    ORG,
    POOL,
    PULL,
    SHARED,
    SUBJECT,
    VENDOR,
    WORKER,
    account,
    binding,
    joined,
    person,
)
from support.google_nights import PROJECT, Night, may, outcomes, policy_of, reach

from stopline.connectors.gcp import removing, revoking
from stopline.connectors.gcp.clients import Clients
from stopline.connectors.gcp.permissions import permissions_of
from stopline.drill.google.faults import Moment
from stopline.drill.google.server import Google
from stopline.errors import ConnectorError
from stopline.model import Change, Plan, Scope
from stopline.port import Mark
from stopline.receipts import Cause, Outcome
from stopline.text import Json
from stopline.vendors import GcpSelectors

ETL_NAME = f"{IAM}/projects/lab-data/serviceAccounts/{ETL.partition(':')[2]}"
POOL_NAME = f"{IAM}/{POOL.replace(NUMBER, 'lab-data')}"
LABELS = f"{GCS}/labels"
VIEWER = "roles/storage.objectViewer"
THEIRS = (ANN, PULL, ETL, SUBJECT)
DOES = ("storage.objects.get", "storage.objects.list", "resourcemanager.projects.setIamPolicy")


class Killed(BaseException):
    """The process died here."""


def held_by(google: Google, name: str, *more: Json) -> None:
    """More elements in a policy."""
    resource = google.state.get(name)
    resource.policy = {"bindings": [*resource.policy.get("bindings", []), *more]}


def ending(google: Google, **words: Any) -> Night:
    """The vendor is contained, with more that the deny alone keeps it out of; the end is begun."""
    held_by(google, PROJECT, binding(VIEWER, ANN, BO, condition=CONDITION))
    held_by(google, LABELS, binding(VIEWER, PULL, BO))
    night = Night(google, **words)
    assert outcomes(night.contain()) == {Outcome.APPLIED}
    night.ending()
    return night


@pytest.fixture
def over(google: Google) -> Iterator[Night]:
    """A pause that is being terminated."""
    night = ending(google)
    yield night
    night.close()


def barred(google: Google) -> bool:
    """Whether nobody of the vendor's can do any of this anywhere."""
    return not any(may(google, w, d, p) for w in THEIRS for d in DOES for p in (PROJECT, LABELS))


def denies(google: Google) -> list[str]:
    """The names of all deny policies."""
    return [name for name in google.state.resources if "/denypolicies/stopline" in name]


def reasons(plan: Plan, part: str) -> list[str]:
    """Why what has this in its address stays."""
    return [skip.reason for skip in plan.skips if part in str(skip.address)]


def of_kind(plan: Plan, kind: str) -> list[Change]:
    """What is removed of one kind."""
    return [change for change in plan.work if change.address.kind == kind]


def test_all_of_the_vendors_is_gone_and_everybody_else_can_what_they_could(google: Google) -> None:
    """No deny is left, and nothing that it had kept anybody out of; nothing is found again."""
    before = reach(google)
    night = ending(google)
    receipts = night.terminate()
    assert outcomes(receipts) <= {Outcome.APPLIED, Outcome.ALREADY}
    assert denies(google) == []
    assert barred(google)
    after = reach(google)
    others = {key for key in before if "mercor" not in key[0]}
    assert {key: after[key] for key in others} == {key: before[key] for key in others}
    assert binding(VIEWER, BO, condition=CONDITION) in policy_of(google)
    assert binding(VIEWER, BO) in policy_of(google, LABELS)
    assert binding("roles/owner", DANA) in policy_of(google)
    assert ETL_NAME not in google.state.resources
    assert google.state.get(POOL_NAME).data["state"] == "DELETED"
    assert google.state.get(f"{IAM}/projects/lab-data/serviceAccounts/{SHARED[15:]}")
    assert night.plan().work == ()
    kinds = {hold.address.kind for hold in night.book.writes.holds()}
    assert kinds == {"bucket-setting", "workspace-user"}
    night.close()


def test_at_every_call_that_is_sent_the_vendor_is_kept_out(google: Google, over: Night) -> None:
    """By the deny until the entries are out, and by nothing being left afterwards."""
    plan, seen = over.plan_termination(), list[bool]()
    over.connector.clients.on_call = lambda _method: seen.append(barred(google))
    over.terminate(plan)
    assert len(seen) > 20
    assert all((*seen, barred(google)))


def test_killed_after_every_call_nobody_is_ever_let_in_and_all_ends_gone(
    google: Google, over: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each attempt does one call more and dies; the next goes on from what it finds."""
    plan, does, died = over.plan_termination(), Clients.do, 0

    def doing(clients: Clients, method: str, **words: Any) -> Json:
        answer = does(clients, method, **words)
        assert barred(google)
        raise Killed(answer)

    while True:
        monkeypatch.setattr(Clients, "do", doing)
        try:
            over.terminate(plan)
        except Killed:
            died, over.now = died + 1, over.now + 60
        else:
            break
    assert died >= len(of_kind(plan, "service-account")) + len(of_kind(plan, "identity-pool")) + 4
    assert denies(google) == []
    left = {hold.address.kind for hold in over.book.writes.holds()}
    assert left == {"bucket-setting", "workspace-user"}


@pytest.mark.parametrize(
    "method",
    [
        "cloudresourcemanager.v3.projects.setIamPolicy",
        "storage.v1.buckets.setIamPolicy",
        "iam.v1.projects.serviceAccounts.delete",
        "iam.v1.projects.locations.workloadIdentityPools.delete",
        "iam.v2.policies.delete",
    ],
)
def test_a_lost_reply_leaves_nobody_in_and_is_found_out(
    google: Google, over: Night, method: str
) -> None:
    """What landed is found by reading again; what is left is done by the next attempt."""
    google.faults.add(method, Moment.AFTER, status=0)
    plan = over.plan_termination()
    over.terminate(plan)
    assert barred(google)
    over.terminate(over.plan_termination())
    assert denies(google) == []
    left = {hold.address.kind for hold in over.book.writes.holds()}
    assert left == {"bucket-setting", "workspace-user"}


def test_a_strangers_edit_between_our_read_and_our_write_is_kept(
    google: Google, over: Night
) -> None:
    """The etag has moved: the policy is read again, and ours taken out of what is there now."""
    new = binding("roles/browser", NEW)
    google.faults.race(
        "cloudresourcemanager.v3.projects.setIamPolicy",
        lambda: _touched(google, PROJECT, new),
    )
    over.terminate()
    assert new in policy_of(google)
    assert denies(google) == []


def _touched(google: Google, name: str, more: Json) -> None:
    held_by(google, name, more)
    google.state.get(name).policy_revision = google.state.next_revision()


def test_what_was_given_after_the_plan_is_not_taken_by_it(google: Google, over: Night) -> None:
    """Nobody has approved that: the deny of this one stays until another is asked for."""
    plan = over.plan_termination()
    held_by(google, PROJECT, binding("roles/pubsub.subscriber", PULL))
    refused = [r for r in over.terminate(plan) if r.cause is Cause.REFUSED]
    assert any("was given roles/pubsub.subscriber" in receipt.detail for receipt in refused)
    assert barred(google)
    assert binding("roles/pubsub.subscriber", PULL) in policy_of(google)
    over.terminate(over.plan_termination())
    assert denies(google) == []


def test_a_deny_waits_until_its_entries_are_seen_to_be_out_everywhere(google: Google) -> None:
    """Two policies are heard of in any order: the deny could be gone before the entry is."""
    night, now = ending(google), [1000.0]
    night.connector = replace(night.connector, propagation=120.0)
    night.connector.clients.clock = lambda: now[0]
    waits = [r for r in night.terminate() if r.cause is Cause.BUSY]
    parts = {receipt.change.address.part for receipt in waits}
    assert {ANN, PULL, SUBJECT} <= parts
    assert any("120 seconds after them" in receipt.detail for receipt in waits)
    assert denies(google) != []
    now[0] += 60
    assert {r.cause for r in night.terminate(night.plan_termination())} == {Cause.BUSY}
    now[0] += 61
    assert outcomes(night.terminate(night.plan_termination())) == {Outcome.APPLIED}
    assert denies(google) == []
    night.close()


@pytest.mark.parametrize(
    ("unread", "why"),
    [
        (lambda google: google.state.admins.clear(), "members of groups could not be read"),
        (
            lambda google: google.faults.add("*.buckets.getIamPolicy", Moment.BEFORE, 403, 100),
            "policy of buckets/",
        ),
    ],
)
def test_where_not_all_could_be_read_the_deny_stays(
    google: Google, over: Night, unread: Callable[[Google], None], why: str
) -> None:
    """What nobody has seen may be what only the deny keeps the vendor out of."""
    unread(google)
    plan = over.plan_termination()
    assert of_kind(plan, revoking.DENY) == []
    told = reasons(plan, "deny-policy-entry")
    assert told
    assert all(why in reason and reason.startswith("the deny of it stays") for reason in told)


def test_where_only_some_projects_are_read_the_deny_at_the_top_stays(
    google: Google, over: Night
) -> None:
    """It keeps the vendor out of the others as well, which nobody looks at."""
    clients = over.connector.clients
    clients.estate = clients.estate.model_copy(update={"projects": ("lab-data",)})
    plan = over.plan_termination()
    assert of_kind(plan, revoking.DENY) == []
    assert all("others are not read" in reason for reason in reasons(plan, "deny-policy-entry"))


def test_somebody_in_a_group_of_the_labs_stays_denied_and_so_does_the_directory(
    google: Google,
) -> None:
    """A group with the lab's people in it is never cut: people take them out of it."""
    readers = "group:readers@lab.example"
    person(google, readers)
    joined(google, readers, DANA, LEE)
    held_by(google, PROJECT, binding(VIEWER, readers))
    night = ending(google)
    plan = night.plan_termination()
    (lee,) = reasons(plan, f"#{LEE}")
    assert "it has roles/storage.objectViewer on projects/lab-data besides" in lee
    (customer,) = reasons(plan, "cloudIdentityCustomerId")
    assert customer == lee  # of whose directory it is
    night.terminate(plan)
    assert not may(google, LEE, "storage.objects.get")
    assert may(google, DANA, "storage.objects.get")
    assert ANN not in str(policy_of(google))
    assert night.plan().work == ()
    night.close()


def test_an_account_as_which_others_may_act_stays_with_all_that_it_has(google: Google) -> None:
    """It is the vendor's by its name, and a colleague uses it: neither it nor its entries go."""
    account(google, ETL, binding("roles/iam.serviceAccountTokenCreator", DANA))
    held_by(google, PROJECT, binding(VIEWER, ETL))
    night = ending(google)
    plan = night.plan_termination()
    told = (*reasons(plan, "service-account:lab-data"), *reasons(plan, f"#{ETL}"))
    assert len(told) == 2
    assert all(f"{DANA} may act as it too" in reason for reason in told)
    (customer,) = reasons(plan, "cloudIdentityCustomerId")
    assert f"{ETL} still has {VIEWER} on projects/lab-data" in customer
    night.terminate(plan)
    assert google.state.get(ETL_NAME).data["disabled"]
    assert ETL in str(policy_of(google))
    assert not may(google, ETL, "storage.objects.get")
    assert night.plan().work == ()
    night.close()


def test_a_role_of_the_labs_own_is_looked_into_for_who_may_act(google: Google, over: Night) -> None:
    """One that could not be read may allow it; ours, which the estate protects, does not count."""
    role = f"organizations/{ORG}/roles/worker"
    held_by(google, f"{CRM}/organizations/{ORG}", binding(role, WORKER, DANA))
    plan = over.plan_termination()
    (told,) = reasons(plan, "service-account:lab-data")
    assert DANA in told
    over.connector = replace(over.connector, spared=(DANA, WORKER))
    plan = over.plan_termination()
    assert reasons(plan, "service-account:lab-data") == []


def test_whoever_is_the_last_to_administer_a_project_stays_in_it(google: Google) -> None:
    """Else nobody could repair it: the deny stays, and says so."""
    resource = google.state.get(PROJECT)
    resource.policy = {
        "bindings": [
            {**b, "members": [m for m in b["members"] if m != DANA or b["role"] != "roles/owner"]}
            for b in resource.policy["bindings"]
        ]
    }
    night = ending(google)
    plan = night.plan_termination()
    (told,) = reasons(plan, f"#{ANN}")
    assert "projects/lab-data would have no administrator left" in told
    night.terminate(plan)
    assert binding("roles/owner", ANN) in policy_of(google)
    assert not may(google, ANN, "resourcemanager.projects.setIamPolicy")
    night.close()


def test_what_another_pause_holds_too_stays_until_it_has_let_go(google: Google) -> None:
    """Its rollback gives back what was there before it: entries and accounts are part of that."""
    first = ending(google)
    second = Night(google, mark=Mark(MARK.journal, "00000002"))
    second.book, second.now = first.book, first.now + 60
    second.contain()
    plan = first.plan_termination()
    assert of_kind(plan, revoking.DENY) == []
    assert of_kind(plan, removing.ACCOUNT) == []
    assert of_kind(plan, removing.POOL) == []
    told = [r for kind in (revoking.DENY, removing.ACCOUNT) for r in reasons(plan, f":{kind}:")]
    assert told
    assert all("00000002 holds it too" in reason for reason in told)
    first.connector.clients.close()
    second.close()


def test_who_is_protected_or_named_no_more_stays_denied(google: Google, over: Night) -> None:
    """The file has changed since: what it does not say any more is nobody's to remove."""
    over.vendor = VENDOR.model_copy(update={"protected": (ANN,), "gcp": GcpSelectors()})
    plan = over.plan_termination()
    assert of_kind(plan, revoking.DENY) + of_kind(plan, removing.POOL) == []
    (ann,) = reasons(plan, f"#{ANN}")
    assert f"{ANN} is protected" in ann
    (pull,) = reasons(plan, f"#{PULL}")
    assert "does not select it any more" in pull
    assert "does not name it any more" in reasons(plan, "identity-pool")[0]


def test_a_part_leaves_the_directory_of_which_somebody_stays(google: Google, over: Night) -> None:
    """One person's end: all the rest is denied as before."""
    plan = over.plan_termination(Scope(principals=(ANN,)))
    assert {change.principal for change in of_kind(plan, revoking.DENY)} == {ANN}
    over.terminate(plan)
    assert ANN not in str(policy_of(google))
    assert denies(google) != []
    assert barred(google)


def test_a_realm_that_the_estate_does_not_name_any_more_is_left(over: Night) -> None:
    """Nobody looks there, so nothing is removed there."""
    clients = over.connector.clients
    clients.estate = clients.estate.model_copy(update={"organization": "999"})
    plan = over.plan_termination()
    assert {c.address.kind for c in plan.work}.isdisjoint({revoking.DENY, removing.POOL})
    assert "does not name organizations/" in reasons(plan, "identity-pool")[0]


def test_an_account_of_the_same_name_that_is_another_one_stays(google: Google, over: Night) -> None:
    """Deleted and made anew by a stranger after the plan: it is a conflict, and it is there."""
    plan = over.plan_termination()
    account(google, ETL, uid="1" * 21, disabled=True)
    (receipt,) = [r for r in over.terminate(plan) if r.change.address.kind == removing.ACCOUNT]
    assert (receipt.outcome, receipt.cause) == (Outcome.CONFLICT, Cause.RECREATED)
    assert google.state.get(ETL_NAME)


def test_what_google_can_bring_back_is_part_of_what_is_approved(over: Night) -> None:
    """For accounts and pools a month; for entries and keys there is no such thing."""
    plan = over.plan_termination()
    kept = {change.address.kind: change.kept for change in plan.work}
    assert kept[removing.ACCOUNT] == kept[removing.POOL] == "P30D"
    assert kept[revoking.DENY] == kept["service-account-key"] == ""
    assert ANN in next(c.summary for c in plan.work if c.address.part == ANN)


def test_it_takes_no_permission_that_is_not_declared(google: Google, over: Night) -> None:
    """The worker's own, and the terminating role's."""
    used, clients = set[str](), over.connector.clients
    permissions = over.connector.permissions
    plan = over.plan_termination()
    clients.on_call = lambda method: used.update(permissions_of(method))
    over.terminate(plan)
    assert used <= permissions["read"] | permissions["write"] | permissions["terminate"]
    ends = {"iam.serviceAccounts.delete", "iam.workloadIdentityPools.delete"}
    assert ends <= used & permissions["terminate"]
    assert denies(google) == []


def test_too_many_policies_are_gone_on_with_by_the_next_attempt(
    google: Google, over: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lease runs out: what is out is out, and the deny stays till all of it is."""
    monkeypatch.setattr(revoking, "LONGEST", -1.0)
    busy = [r for r in over.terminate() if r.cause is Cause.BUSY]
    assert any("there are many policies" in receipt.detail for receipt in busy)
    assert denies(google) != []
    monkeypatch.undo()
    over.terminate(over.plan_termination())
    assert denies(google) == []


def test_a_policy_that_is_gone_names_nobody(google: Google, over: Night) -> None:
    """A bucket that somebody has deleted since the plan keeps no deny in place."""
    plan = over.plan_termination()
    google.state.remove(google.state.get(LABELS))
    over.terminate(plan)
    assert denies(google) == []


def test_what_the_plan_says_cannot_be_read_is_never_written(over: Night) -> None:
    """A policy without an etag would be overwritten blindly."""
    clients = over.connector.clients
    asks = clients.ask
    clients.ask = lambda method, **words: {  # type: ignore[method-assign]
        key: value for key, value in asks(method, **words).items() if key != "etag"
    }
    with pytest.raises(ConnectorError) as caught:
        revoking._edit(clients, "projects/lab-data", {f"roles/owner/{ANN}"}, frozenset())
    assert (caught.value.cause, "no etag" in caught.value.detail) == (Cause.REFUSED, True)
