"""Whole nights over the emulated Google: what went in comes out again, whatever goes wrong."""

from dataclasses import replace

import pytest
from connectors.contract import MARK
from support.google import (
    ANN,
    BO,
    CRM,
    ETL,
    GCS,
    HMAC,
    IAM,
    NEW,
    ORG,
    PULL,
    RATERS,
    SHARED,
    SUBJECT,
    VENDOR,
    WORKER,
    account,
    binding,
    estate_of,
)
from support.google_nights import PROJECT, Night, may, outcomes, policy_of, pulls, reach

from stopline import planner
from stopline.connectors.gcp import GcpConnector
from stopline.connectors.gcp.clients import Clients
from stopline.drill.google.faults import Moment, modelled
from stopline.drill.google.server import Google
from stopline.drill.google.state import Resource
from stopline.model import Direction, Gap, Grant, Scope
from stopline.port import Mark
from stopline.receipts import Cause, Outcome

SHARED_NAME = f"{IAM}/projects/lab-data/serviceAccounts/{SHARED.partition(':')[2]}"
OTHER = Mark(MARK.journal, "00000002")


def test_the_vendor_is_out_and_everybody_else_is_as_before(night: Night) -> None:
    """Contained, then given back: everybody can do exactly what they could, no more, no less."""
    google = night.google
    before, picture = reach(google), night.picture()
    assert may(google, ANN, "storage.objects.get")
    assert outcomes(night.contain()) == {Outcome.APPLIED}
    after = reach(google)
    theirs = {key for key in before if "mercor" in key[0]}
    owned = {k for k in theirs if k[0] == ANN and "compute" in k[1]}
    assert not any(after[key] for key in theirs - owned)
    assert all(after[key] == before[key] for key in before.keys() - theirs)
    assert outcomes(night.restore()) == {Outcome.APPLIED}
    assert night.picture() == picture
    assert reach(google) == before


def test_what_the_deny_reaches_whole_is_left_as_it_stands(night: Night) -> None:
    """A role of which each permission is denied: nothing of theirs is written for it."""
    night.contain()
    assert binding("roles/storage.objectViewer", PULL, SUBJECT) in policy_of(night.google)
    assert not may(night.google, PULL, "storage.objects.get")
    taken = [c for c in night.plan().claims if c.address.kind == "allow-policy-entry"]
    assert not [c for c in taken if "storage.object" in c.address.id]


def test_everybody_of_the_vendors_directory_is_denied_what_is_not_looked_at(night: Night) -> None:
    """Somebody who holds nothing but a topic: no policy of it is read, and the deny holds there."""
    somebody = "user:cy@mercor.example"
    resource = night.google.state.get(PROJECT)
    bindings = [
        b for b in resource.policy["bindings"] if "domain:mercor.example" not in b["members"]
    ]
    topic = "//pubsub.googleapis.com/projects/lab-data/topics/labels"
    held = {"bindings": [binding("roles/pubsub.publisher", somebody)]}
    night.google.state.add(Resource(topic, "pubsub.googleapis.com/Topic", PROJECT, {}, held))
    resource.policy = {"bindings": bindings}
    assert may(night.google, somebody, "pubsub.topics.publish", topic)
    night.contain()
    assert not may(night.google, somebody, "pubsub.topics.publish", topic)
    night.restore()
    assert may(night.google, somebody, "pubsub.topics.publish", topic)


def test_trap_1_a_persons_ownership_is_left_in_place_and_said_to_be_open(night: Night) -> None:
    """It could not be given back: denied as far as the deny reaches, and shown."""
    plan = night.plan()
    (left,) = (s for s in plan.skips if s.leaves_access)
    assert (left.principal, "owner again" in left.reason) == (ANN, True)
    night.carry_out(plan, Direction.CONTAIN)
    assert binding("roles/owner", ANN, "user:dana@lab.example") in policy_of(night.google)
    assert not may(night.google, ANN, "storage.objects.get")
    assert not may(night.google, ANN, "resourcemanager.projects.setIamPolicy")


def test_trap_2_what_others_changed_during_the_pause_is_kept(night: Night) -> None:
    """Somebody new stays in, somebody who was taken out stays out, and the vendor is back."""
    night.contain()
    resource = night.google.state.get(PROJECT)
    kept = [b for b in resource.policy["bindings"] if b["role"] != "roles/storage.objectUser"]
    resource.policy = {"bindings": [*kept, binding("roles/browser", NEW)]}
    resource.policy_revision = night.google.state.next_revision()
    assert outcomes(night.restore()) == {Outcome.APPLIED}
    held = {(b["role"], m) for b in policy_of(night.google) for m in b["members"]}
    assert ("roles/browser", NEW) in held
    assert ("roles/storage.objectUser", BO) not in held
    assert {("roles/storage.objectUser", ANN), ("roles/storage.objectUser", ETL)} <= held


def test_trap_3_domain_restricted_sharing_stops_only_what_it_must(night: Night) -> None:
    """Switched on during the pause: outside members cannot come back, and that is said."""
    night.contain()
    google = night.google
    google.state.allowed_domains[f"{CRM}/organizations/{ORG}"] = ("C0lab0000",)
    receipts = night.restore()
    refused = [r for r in receipts if r.outcome is Outcome.FAILED]
    assert refused
    assert {r.cause for r in refused} == {Cause.REFUSED}
    assert all("permitted customer" in r.detail and r.held for r in refused)
    google.state.allowed_domains.clear()
    night.restore()
    assert not night.book.writes.holds()


def test_trap_3_a_deny_holds_where_nothing_can_be_taken_out(night: Night) -> None:
    """Switched on before it: Google takes no policy in which another outside member stays."""
    google = night.google
    google.state.allowed_domains[f"{CRM}/organizations/{ORG}"] = ("C0lab0000",)
    receipts = night.contain()
    night.refusals = frozenset(r.change.address for r in receipts if r.cause is Cause.REFUSED)
    assert night.refusals
    assert not may(google, ANN, "storage.objects.get")
    again = night.plan()
    assert not {c.address for c in again.changes} & night.refusals
    assert any("Google refused" in s.reason and s.leaves_access for s in again.skips)


def test_trap_4_policies_are_read_at_version_3_and_conditions_come_back(night: Night) -> None:
    """One role, with and without a condition: both entries are taken out and both come back."""
    before = policy_of(night.google)
    night.contain()
    assert not pulls(night.google)
    night.restore()
    assert night.google.state.get(PROJECT).policy["bindings"] == before
    asked = [s for s in night.google.seen if s.method.endswith("getIamPolicy")]
    assert asked
    for seen in asked:
        options = [v for k, v in seen.query.items() if k.endswith("equestedPolicyVersion")]
        assert options == [["3"]] or seen.body["options"] == {"requestedPolicyVersion": 3}


def test_trap_6_a_stranger_who_writes_between_our_read_and_write_loses_nothing(
    night: Night,
) -> None:
    """Three times in a row: the etag moves, we read again, and both edits stand."""
    resource = night.google.state.get(PROJECT)
    names = iter(("roles/browser", "roles/compute.viewer", "roles/run.invoker"))

    def stranger() -> None:
        added = binding(next(names), NEW)
        resource.policy = {"bindings": [*resource.policy["bindings"], added]}
        resource.policy_revision = night.google.state.next_revision()

    night.google.faults.race("cloudresourcemanager.v3.projects.setIamPolicy", stranger, times=3)
    assert outcomes(night.contain()) == {Outcome.APPLIED}
    assert sum(NEW in b["members"] for b in policy_of(night.google)) == 3
    assert not pulls(night.google)
    night.restore()
    assert sum(NEW in b["members"] for b in policy_of(night.google)) == 3
    assert pulls(night.google)


def test_trap_7_what_a_key_minted_before_is_refused_too(night: Night) -> None:
    """The account is switched off, not its keys alone."""
    google = night.google
    ways = ("key:" + "k1" * 20, f"hmac:{HMAC}", SUBJECT)
    assert all(may(google, way, "storage.objects.get") for way in ways)
    night.contain()
    assert not any(may(google, way, "storage.objects.get") for way in ways)
    assert not may(google, ETL, "storage.objects.get")
    assert google.state.get(f"{IAM}/projects/lab-data/serviceAccounts/{ETL[15:]}").data["disabled"]


@pytest.mark.parametrize(
    ("where", "role"),
    [
        (SHARED_NAME, "roles/iam.serviceAccountKeyAdmin"),
        (f"{CRM}/folders/77", "roles/iam.serviceAccountKeyAdmin"),
        (PROJECT, "roles/storage.hmacKeyAdmin"),
    ],
)
def test_trap_7_a_key_of_the_labs_that_the_vendor_could_have_made_is_shown_as_open(
    night: Night, where: str, role: str
) -> None:
    """No deny of its maker ends it, and the lab may use it too: it is named, and left."""
    state, short = night.google.state, SHARED_NAME.removeprefix(f"{IAM}/")
    owned = state.get(PROJECT)
    owned.policy = {"bindings": [b for b in owned.policy["bindings"] if ANN not in b["members"]]}
    kind = "iam.googleapis.com/ServiceAccountKey"
    for key, off in (("k8" * 20, {"disabled": True}), ("k9" * 20, {})):
        said = {"name": f"{short}/keys/{key}", "keyType": "USER_MANAGED", **off}
        state.add(Resource(f"{SHARED_NAME}/keys/{key}", kind, SHARED_NAME, said))
    said = {"accessId": "GOOG1SHARED", "state": "ACTIVE", "projectId": "lab-data"}
    said |= {"serviceAccountEmail": SHARED.partition(":")[2]}
    name = f"{GCS}/projects/lab-data/hmacKeys/GOOG1SHARED"
    state.add(Resource(name, "storage.googleapis.com/HmacKey", PROJECT, said))
    assert not [s for s in night.plan().skips if s.principal == SHARED and s.leaves_access]
    resource = state.get(where)
    resource.policy = {"bindings": [*resource.policy["bindings"], binding(role, ANN)]}
    plan = night.plan()
    (left,) = (s for s in plan.skips if s.principal == SHARED and s.leaves_access)
    assert left.address.id.rpartition("/")[2] == ("GOOG1SHARED" if "hmac" in role else "k9" * 20)
    assert f"{ANN} may make keys of it" in left.reason
    assert not [c for c in plan.changes if c.principal == SHARED]


def test_trap_9_an_account_made_anew_is_given_nothing(night: Night) -> None:
    """Same address, other unique id: neither its switch nor its old entries."""
    night.contain()
    name = f"{IAM}/projects/lab-data/serviceAccounts/{ETL[15:]}"
    for resource in night.google.state.below(name):
        night.google.state.remove(resource)
    account(night.google, ETL, uid="999", disabled=True)
    receipts = night.restore()
    anew = [r for r in receipts if r.change.principal == ETL and r.change.uid]
    assert len(anew) >= 2
    assert {r.cause for r in anew} == {Cause.RECREATED}
    assert night.google.state.get(name).data["disabled"]
    assert not any(ETL in b["members"] for b in policy_of(night.google))


@pytest.mark.parametrize("anew", [False, True])
def test_trap_9_one_account_that_is_gone_keeps_nobody_else_out(night: Night, *, anew: bool) -> None:
    """Deleted, or made anew: its own entries are conflicts, and the rest of the policy is back."""
    night.contain()
    name = f"{IAM}/projects/lab-data/serviceAccounts/{ETL[15:]}"
    for resource in night.google.state.below(name):
        night.google.state.remove(resource)
    if anew:
        account(night.google, ETL, uid="999")
    receipts = night.restore()
    assert Outcome.FAILED not in outcomes(receipts)
    conflicts = [r for r in receipts if r.outcome is Outcome.CONFLICT]
    assert {r.change.principal for r in conflicts} == {ETL}
    assert {r.cause for r in conflicts} <= {Cause.GONE, Cause.RECREATED}
    assert pulls(night.google)
    assert not any(ETL in b["members"] for b in policy_of(night.google))
    assert not night.book.writes.holds()


def test_trap_12_what_was_off_before_us_stays_off(night: Night) -> None:
    """A key of either kind that somebody had switched off is nobody's to switch on."""
    name = f"{IAM}/projects/lab-data/serviceAccounts/{ETL[15:]}/keys/" + "k2" * 20
    night.contain()
    night.restore()
    assert night.google.state.get(name).data["disabled"]
    off = night.google.state.get(f"{GCS}/projects/lab-data/hmacKeys/{HMAC}OFF")
    assert off.data["state"] == "INACTIVE"


@pytest.mark.parametrize("empty", [False, True])
def test_trap_13_pages_of_one_and_empty_pages_hide_nothing(night: Night, *, empty: bool) -> None:
    """What is found does not hang on how it is cut."""
    whole = set(night.connector.discover(VENDOR, Scope()))
    night.google.state.page_limit, night.google.state.empty_pages = 1, empty
    assert set(night.connector.discover(VENDOR, Scope())) == whole


@pytest.mark.night
def test_trap_15_no_prefix_of_a_night_leaves_anything_behind(google: Google) -> None:
    """Ended after any change: what was done is given back, and we keep every right of ours."""
    night = Night(google)
    picture, work = night.picture(), night.plan().work
    for number in range(len(work)):
        done = replace(night.plan(), changes=work[: number + 1], claims=())
        night.carry_out(done, Direction.CONTAIN)
        assert may(google, WORKER, "resourcemanager.projects.setIamPolicy")
        assert may(google, WORKER, "iam.denypolicies.delete", f"{CRM}/organizations/{ORG}")
        night.restore()
        assert night.picture() == picture
    night.close()


def test_trap_15_the_deny_is_lifted_last(night: Night) -> None:
    """A rollback that stops anywhere before its last change leaves the vendor out."""
    night.contain()
    plan = planner.plan_restore("mercor", MARK.pause, night.book.writes.holds(), Scope())
    kinds = [change.address.kind for change in plan.changes]
    first = kinds.index("deny-policy-entry")
    assert set(kinds[first:]) == {"deny-policy-entry"}
    night.carry_out(replace(plan, changes=plan.changes[:first]), Direction.RESTORE)
    assert not may(night.google, ANN, "storage.objects.get")
    night.restore()
    assert may(night.google, ANN, "storage.objects.get")


def test_a_storm_of_429_only_takes_longer(night: Night) -> None:
    """Reads and writes that are slowed down are asked again until they are through."""
    picture = night.picture()
    night.google.faults.add("*", Moment.BEFORE, 429, times=4)
    night.google.faults.add("*.setIamPolicy", Moment.BEFORE, 429, times=3)
    night.contain()
    assert not night.plan().changes
    night.restore()
    assert night.picture() == picture


def test_a_deny_that_somebody_weakens_is_mended(night: Night) -> None:
    """Fewer permissions in our rule: found, put back, and taken away with the pause."""
    picture = night.picture()
    night.contain()
    (ours,) = night.google.state.of_kind("iam.googleapis.com/DenyPolicy")
    rule = ours.data["rules"][0]["denyRule"]
    whole = list(rule["deniedPermissions"])
    rule["deniedPermissions"] = whole[:2]
    assert outcomes(night.contain()) == {Outcome.APPLIED}
    assert ours.data["rules"][0]["denyRule"]["deniedPermissions"] == whole
    night.restore()
    assert night.picture() == picture


@pytest.mark.parametrize("deleted", [False, True])
def test_trap_who_is_taken_out_of_our_deny_is_denied_again(night: Night, *, deleted: bool) -> None:
    """We took its entries out, so that no reading shows it: the journal knows whom we deny."""
    picture = night.picture()
    night.contain()
    (ours,) = night.google.state.of_kind("iam.googleapis.com/DenyPolicy")
    rule = ours.data["rules"][0]["denyRule"]
    whole = sorted(rule["deniedPrincipals"])
    rule["deniedPrincipals"] = [m for m in whole if ETL.rpartition(":")[2] not in m]
    assert rule["deniedPrincipals"] != whole
    if deleted:
        night.google.state.remove(ours)
    assert outcomes(night.contain()) == {Outcome.APPLIED}
    (again,) = night.google.state.of_kind("iam.googleapis.com/DenyPolicy")
    assert sorted(again.data["rules"][0]["denyRule"]["deniedPrincipals"]) == whole
    assert not night.plan().changes
    night.restore()
    assert night.picture() == picture


def test_law_8_two_pauses_take_out_one_entry(night: Night) -> None:
    """The second claims what no reading shows; lifting the first opens nothing."""
    picture = night.picture()
    second = Night(night.google, mark=OTHER, attempts=100)
    second.book.close()
    second.book = night.book
    night.contain()
    claims = second.plan().claims
    assert any(c.address.kind == "allow-policy-entry" for c in claims)
    second.contain()
    night.restore()
    assert not pulls(night.google)
    assert not may(night.google, ANN, "storage.objects.get")
    second.restore()
    second.connector.clients.close()
    assert night.picture() == picture


def test_an_only_administrator_is_denied_and_stays(night: Night) -> None:
    """Taking out the last one of the organisation is refused before it is sent, and said."""
    top = night.google.state.get(f"{CRM}/organizations/{ORG}")
    admin = binding("roles/resourcemanager.organizationAdmin", PULL)
    top.policy = {"bindings": [*top.policy["bindings"], admin]}
    refused = [r for r in night.contain() if r.outcome is Outcome.FAILED]
    assert {r.cause for r in refused} == {Cause.REFUSED}
    assert any("no administrator left" in r.detail for r in refused)
    assert admin in top.policy["bindings"]
    assert {r.change.address.id.rpartition("#")[2] for r in refused} == {
        f"roles/resourcemanager.organizationAdmin/{PULL}"
    }
    assert not any(RATERS in b["members"] for b in top.policy["bindings"])
    assert not may(night.google, PULL, "resourcemanager.projects.setIamPolicy")


def test_a_project_without_an_organisation_is_a_realm_of_its_own(google: Google) -> None:
    """Its deny stands on the project, and is lifted there; folders above are not looked at."""
    gcp = estate_of(google).gcp
    assert gcp is not None
    alone = gcp.model_copy(update={"organization": None, "projects": ("lab-data",)})
    night = Night(google)
    night.connector = GcpConnector(
        Clients(alone, sleep=lambda _: None, bucket_writes=10_000.0), 0.0
    )
    picture = night.picture()
    kinds = {c.address.kind for c in night.plan().changes}
    assert {"deny-policy-entry", "identity-pool", "hmac-key", "service-account"} <= kinds
    assert outcomes(night.contain()) == {Outcome.APPLIED}
    (deny,) = google.state.of_kind("iam.googleapis.com/DenyPolicy")
    assert deny.parent == PROJECT
    assert not may(google, ANN, "storage.objects.get")
    assert outcomes(night.restore()) == {Outcome.APPLIED}
    assert night.picture() == picture
    night.close()


def test_a_part_that_cannot_be_read_is_a_gap_and_the_rest_is_contained(night: Night) -> None:
    """One policy refuses us: it is named, and nothing else waits for it."""
    night.google.faults.add("storage.v1.buckets.getIamPolicy", Moment.BEFORE, 403)
    found = list(night.connector.discover(VENDOR, Scope()))
    (gap,) = (f for f in found if isinstance(f, Gap))
    assert gap.what in ("policy of buckets/labels", "policy of buckets/drop")
    assert any(isinstance(f, Grant) for f in found)


def test_trap_14_what_no_api_shows_is_a_gap_until_a_person_has_looked(night: Night) -> None:
    """A pause with such a gap is partial; the vendor's file says what was looked at."""
    some = VENDOR.gcp.model_copy(update={"acknowledged": ("analytics-hub",)})
    vendor = VENDOR.model_copy(update={"gcp": some})
    gaps = [f for f in night.connector.discover(vendor, Scope()) if isinstance(f, Gap)]
    assert {g.what for g in gaps} == {"domain-wide-delegation", "resumable-uploads"}
    assert all("`gcp.acknowledged` of mercor.yaml" in g.cause for g in gaps)
    assert not night.plan().gaps


def test_a_night_lives_within_googles_limits(google: Google) -> None:
    """Five reads of deny policies in a minute: it waits for them, and no audit is starved."""
    google.faults.quotas = modelled()
    gcp = estate_of(google, per_minute=5).gcp
    assert gcp is not None
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        google.state.advance(seconds=seconds)

    night = Night(google)
    night.connector.clients.close()
    clients = Clients(gcp, sleep=sleep, clock=lambda: google.state.now().timestamp())
    night.connector = GcpConnector(clients, 0.0)
    picture = night.picture()
    assert outcomes(night.contain()) == {Outcome.APPLIED}
    for _ in range(4):
        assert not night.plan().changes
    assert outcomes(night.restore()) == {Outcome.APPLIED}
    assert night.picture() == picture
    assert 429 not in {seen.code for seen in google.seen}
    assert sum(waited) < 240
    night.close()
