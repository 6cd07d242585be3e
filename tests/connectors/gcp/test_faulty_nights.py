"""Nights over the emulated Google in which calls fail: it ends as a night without faults does."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.google import ANN, TOKEN, WORKER, crew, seed
from support.google_nights import Night, may, outcomes

from stopline.drill.google.faults import Moment
from stopline.drill.google.server import Google
from stopline.receipts import Outcome
from stopline.text import Json

pytestmark = pytest.mark.night

WRITES = (
    "iam.v2.policies.createPolicy",
    "iam.v2.policies.delete",
    "cloudresourcemanager.v3.*.setIamPolicy",
    "storage.v1.buckets.setIamPolicy",
    "storage.v1.buckets.patch",
    "storage.v1.objects.patch",
    "bigquery.v2.datasets.patch",
    "drive.v3.permissions.create",
    "drive.v3.permissions.delete",
    "iam.v1.projects.serviceAccounts.setIamPolicy",
    "iam.v1.projects.serviceAccounts.disable",
    "iam.v1.projects.serviceAccounts.enable",
    "iam.v1.projects.serviceAccounts.keys.disable",
    "iam.v1.projects.serviceAccounts.keys.enable",
    "iam.v1.projects.locations.workloadIdentityPools.patch",
    "storage.v1.projects.hmacKeys.update",
    "admin.directory_v1.users.update",
    "admin.directory_v1.users.signOut",
    "admin.directory_v1.members.delete",
    "admin.directory_v1.members.insert",
)
POLLS = "iam.v1.projects.locations.workloadIdentityPools.operations.get"


@pytest.mark.parametrize("method", [*WRITES, POLLS])
@pytest.mark.parametrize("status", [503, 0])
def test_trap_5_a_lost_answer_changes_nothing_of_the_end(
    night: Night, method: str, status: int
) -> None:
    """Done, and then a 503 or no answer at all: it ends as a night without faults does."""
    crew(night.google)
    picture = night.picture()
    night.google.faults.add(method, Moment.AFTER, status)
    first = night.contain()
    assert outcomes(first) <= {Outcome.APPLIED, Outcome.UNPROVEN}
    assert not night.plan().changes
    assert not may(night.google, ANN, "storage.objects.get")
    night.restore(unproven=True)
    night.restore(unproven=True)
    assert night.picture() == picture


@pytest.mark.parametrize("status", [403, 409, 429])
@pytest.mark.parametrize("api", ["iam.v2.policies", POLLS.removesuffix(".operations.get")])
def test_trap_5_a_look_at_an_operation_that_fails_says_nothing_of_the_write(
    night: Night, api: str, status: int
) -> None:
    """The write was taken, and the look at it was not: the hold stays, and gives all back."""
    picture = night.picture()
    night.google.state.slow_operations = 1
    night.google.faults.add(f"{api}.operations.get", Moment.BEFORE, status, times=6)
    night.connector.clients.sleep = lambda _seconds: None
    kind = "identity-pool" if "Pools" in api else "deny-policy-entry"
    struck = [r for r in night.contain() if r.change.address.kind == kind]
    assert struck
    assert all(r.held for r in struck)
    night.google.faults.clear()
    night.google.state.slow_operations = 0
    night.contain()
    night.restore(unproven=True)
    assert night.picture() == picture


STRUCK = st.sampled_from(
    (
        *WRITES,
        "iam.v2.policies.get",
        "*.getIamPolicy",
        "*.serviceAccounts.get",
        "*.operations.get",
        "storage.v1.objects.list",
        "admin.directory_v1.users.get",
        "admin.directory_v1.members.get",
        "cloudidentity.v1.groups.memberships.get",
    )
)
BAD = st.one_of(
    st.tuples(STRUCK, st.just(Moment.BEFORE), st.sampled_from([0, 429, 500, 503])),
    st.tuples(STRUCK, st.just(Moment.AFTER), st.sampled_from([0, 500, 503])),
)
"""A 429 says that nothing was done: who says so of what was done could not be believed at all."""
NIGHTS = st.lists(st.tuples(BAD, st.integers(1, 3)), max_size=8)


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(NIGHTS, NIGHTS)
def test_laws_1_and_2_hold_on_nights_in_which_calls_fail(
    monkeypatch: pytest.MonkeyPatch, there: list[Json], back: list[Json]
) -> None:
    """5xx, 429 and lost replies, before and after the write: nothing stays, nothing is missing."""
    monkeypatch.setenv(TOKEN, WORKER)
    with Google() as google:
        night = Night(seed(google))
        crew(google)
        picture = night.picture()
        try:
            _struck(google, there)
            for _ in range(2):
                night.contain()
            google.faults.clear()
            night.contain()
            assert not night.plan().changes
            assert not may(google, ANN, "storage.objects.get")
            _struck(google, back)
            for _ in range(2):
                night.restore(unproven=True)
            google.faults.clear()
            night.restore(unproven=True)
            assert night.picture() == picture
        finally:
            night.close()


def _struck(google: Google, faults: list[Json]) -> None:
    for (method, moment, status), times in faults:
        google.faults.add(method, moment, status, times)
