"""One member whom Google refuses keeps nobody else out of a policy, on either way."""

import pytest
from support.google import (
    ANN,
    BEYOND,
    BO,
    CRM,
    DATASET,
    ETL,
    GCS,
    KIM,
    LISTED,
    NEW,
    ORG,
    PULL,
    RATERS,
    binding,
    entity,
)
from support.google_nights import PROJECT, Night, may, outcomes, pulls

from stopline.connectors.gcp.faults import RefusedError
from stopline.connectors.gcp.refusing import named
from stopline.errors import ConnectorError
from stopline.model import Address, Breadth, Change, State
from stopline.receipts import Cause, Outcome, Receipt

EVERYBODY = "domain:mercor.example"


def refused(receipts: list[Receipt], kind: str = "allow-policy-entry") -> dict[str, list[Receipt]]:
    """What of a kind Google refused, by whom it is about."""
    found: dict[str, list[Receipt]] = {}
    for receipt in receipts:
        if receipt.outcome is Outcome.FAILED and receipt.change.address.kind == kind:
            assert (receipt.cause, receipt.held) == (Cause.REFUSED, True)
            found.setdefault(receipt.change.principal, []).append(receipt)
    return found


def without_what_is_only_denied(night: Night) -> None:
    """All that the account has in the project is taken out then: it is not in the policy."""
    resource = night.google.state.get(PROJECT)
    kept = [b for b in resource.policy["bindings"] if b["role"] != "roles/storage.objectViewer"]
    resource.policy = {"bindings": kept}


def held(night: Night, member: str, name: str = PROJECT) -> set[str]:
    """The roles of a member in a policy."""
    found = night.google.state.get(name).policy.get("bindings", [])
    return {b["role"] for b in found if member in b["members"]}


def test_whoever_is_no_more_is_named_and_everybody_else_is_back(night: Night) -> None:
    """Deleted during the pause: the rest of the policy is given back, and later so is this."""
    without_what_is_only_denied(night)
    night.contain()
    night.google.state.nobody.add(PULL.partition(":")[2])
    failed = refused(night.restore())
    assert set(failed) == {PULL}
    assert all(f"{PULL.partition(':')[2]} does not exist" in r.detail for r in failed[PULL])
    assert "roles/viewer" in held(night, EVERYBODY)
    assert not pulls(night.google)
    night.google.state.nobody.clear()
    night.restore()
    assert pulls(night.google)
    assert not night.book.writes.holds()


def test_restricted_sharing_keeps_out_whom_it_names_and_nobody_else(night: Night) -> None:
    """Two directories are permitted, the vendor's project is not: its account alone is refused."""
    google = night.google
    without_what_is_only_denied(night)
    night.contain()
    google.state.customers["C0mercer0"] = ("mercer.example",)
    allowed = ("C0lab0000", "C0mercer0", "C01abc35d")
    google.state.allowed_domains[f"{CRM}/organizations/{ORG}"] = allowed
    failed = refused([r for r in night.restore() if DATASET not in r.change.address.id])
    assert set(failed) == {PULL}
    named_by_google = [r for r in failed[PULL] if r.change.address.id.startswith("projects/")]
    assert named_by_google
    assert all("is not in permitted organization" in r.detail for r in named_by_google)
    assert "roles/viewer" in held(night, EVERYBODY)
    google.state.allowed_domains.clear()
    night.restore()
    assert pulls(google)
    assert not night.book.writes.holds()


def test_where_cloud_storage_names_nobody_our_own_accounts_are_given_back(night: Night) -> None:
    """Its errors have no place for a name, and domains are about who is not of the lab."""
    google, bucket = night.google, f"{GCS}/labels"
    resource = google.state.get(bucket)
    resource.policy = {"bindings": [binding("roles/storage.admin", ANN, ETL)]}
    night.contain()
    assert not held(night, ETL, bucket) | held(night, ANN, bucket)
    google.state.allowed_domains[bucket] = ("C0lab0000",)
    receipts = [r for r in night.restore() if r.change.address.id.startswith("buckets/labels#")]
    assert set(refused(receipts)) == {ANN}
    assert held(night, ETL, bucket) == {"roles/storage.admin"}


def test_a_standing_member_that_is_refused_lets_nothing_of_the_policy_through(
    night: Night,
) -> None:
    """It is nobody whom we could leave out: one call says so, and the receipts say who it is."""
    night.contain()
    resource = night.google.state.get(PROJECT)
    google, (kept,) = night.google, [b for b in resource.policy["bindings"] if BO in b["members"]]
    resource.policy = {"bindings": [{**kept, "members": [BO]}]}
    google.state.allowed_domains[PROJECT] = ("C0lab0000", "C01abc35d")
    google.seen.clear()
    receipts = [r for r in night.restore() if r.change.address.id.startswith("projects/lab-data#")]
    sent = [s for s in google.seen if s.method.endswith("v3.projects.setIamPolicy")]
    assert [s.code for s in sent] == [400, 400]
    failed = refused(receipts)
    assert {PULL, EVERYBODY} <= set(failed)
    assert all(BO.partition(":")[2] in r.detail for found in failed.values() for r in found)


def test_whom_google_does_not_know_is_not_denied_and_everybody_else_is(night: Night) -> None:
    """The deny is one document: it stands without that one, whose entries are taken out."""
    google = night.google
    google.state.nobody.add(ANN.partition(":")[2])
    receipts = night.contain()
    failed = refused_denies(receipts)
    assert failed == {ANN}
    assert not may(google, PULL, "storage.objects.get")
    night.refusals = frozenset(r.change.address for r in receipts if r.cause is Cause.REFUSED)
    assert Outcome.FAILED not in outcomes(night.contain())
    assert held(night, ANN) == {"roles/owner"}
    google.state.nobody.clear()
    assert outcomes(night.restore()) == {Outcome.APPLIED}


def refused_denies(receipts: list[Receipt]) -> set[str]:
    """Whom the deny was not to name, by Google's word."""
    failed = [r for r in receipts if r.outcome is Outcome.FAILED]
    assert {(r.cause, r.change.address.kind) for r in failed} == {
        (Cause.REFUSED, "deny-policy-entry")
    }
    return {r.change.principal for r in failed}


def test_whoever_is_no_more_keeps_nobody_out_of_an_access_list(night: Night) -> None:
    """The list's other entries of the vendor's come back without it."""
    night.contain()
    night.google.state.nobody.add(PULL.partition(":")[2])
    failed = refused(night.restore(), "access-list-entry")
    assert set(failed) == {PULL}
    listed = {e["entity"] for e in night.google.state.get(f"{GCS}/{LISTED}").data["acl"]}
    assert "project-viewers-444455556666" in listed
    assert entity(PULL) not in listed


def change(member: str, uid: str = "") -> Change:
    """Something that is given back."""
    where = Address("gcp", ORG, "allow-policy-entry", f"projects/p#{BEYOND}/{member}")
    said = State.of({"member": member, "role": BEYOND})
    return Change(where, None, said, "rule", Breadth.NARROW, uid=uid, principal=member)


@pytest.mark.parametrize(
    ("said", "guilty"),
    [
        ("User kim@mercor.example does not exist.", {KIM}),
        ("User KIM@mercor.example does not exist.", {KIM}),
        ("User kim@mercor.example.org does not exist.", set()),
        ("User joakim@mercor.example does not exist.", set()),
        ("Request contains an invalid argument.", set()),
        ("One or more users … do not belong to a permitted customer.", {KIM, RATERS}),
        ("new@lab.example does not belong to a permitted customer.", set()),
    ],
)
def test_a_whole_address_is_named_and_no_part_of_one(said: str, guilty: set[str]) -> None:
    """Another's address that ends or begins alike is another's."""
    changes = [change(KIM), change(RATERS), change(ETL, uid="1")]
    with pytest.raises(ConnectorError) as found, named(changes, lambda c: c.principal, [NEW]):
        raise RefusedError(Cause.REFUSED, f"projects.setIamPolicy kim@mercor.example: {said}", said)
    by_address = {c.address: c.principal for c in changes}
    assert {by_address[part] for part in found.value.parts} == guilty
