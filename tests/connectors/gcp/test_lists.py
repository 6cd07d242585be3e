"""Access lists of Cloud Storage: whoever is in one is beyond a deny, and is taken out of it."""

from dataclasses import replace

import pytest
from support.google import (
    ANN,
    BO,
    DANA,
    ETL,
    GCS,
    KIM,
    LISTED,
    NEW,
    NUMBER,
    ORG,
    PLAYBOOK,
    PULL,
    VENDOR,
    connector_of,
    entity,
    estate_of,
)
from support.google_nights import Night, may, outcomes

from stopline.connectors.gcp import lists, opinion
from stopline.connectors.gcp.clients import Clients
from stopline.drill.google.faults import Moment
from stopline.drill.google.lists import whole
from stopline.drill.google.objects import add_object
from stopline.drill.google.server import Google
from stopline.drill.google.state import Resource
from stopline.model import Direction, Document, Gap, Grant, Scope
from stopline.port import Terms
from stopline.receipts import Cause, Outcome
from stopline.text import Json
from stopline.vendors import GcpSelectors, Vendor

BUCKET = f"{GCS}/{LISTED}"
LIVE = f"{BUCKET}/objects/in/old #1.csv"


def old(google: Google) -> Resource:
    """The generation that is not live any more, in which the vendor is."""
    found = google.state.of_kind("storage.googleapis.com/Object", BUCKET)
    return next(o for o in found if "timeDeleted" in o.data)


def entities(google: Google, name: str, field: str = "acl") -> dict[str, str]:
    """A list as it is: who, and as what."""
    return {e["entity"]: e["role"] for e in google.state.get(name).data[field]}


def listed(night: Night) -> list[str]:
    """The lists that a plan would change, by what we call them."""
    changes = night.plan().changes
    return [c.address.id for c in changes if c.address.kind == lists.KIND]


def upload(google: Google, who: str, name: str = "theirs.csv") -> str:
    """Somebody uploads an object and owns it; returns its full name."""
    bucket = google.state.get(BUCKET)
    default = [dict(e) for e in bucket.data["defaultObjectAcl"]]
    add_object(google.state, bucket, name, (b"2", "text/csv"), (default, entity(who)))
    return f"{BUCKET}/objects/{name}"


def test_trap_10_an_old_generation_is_closed_to_the_vendor(night: Night) -> None:
    """Deny or not, a list lets her read it; she is out of it during the pause, and then back."""
    google, picture = night.google, night.picture()
    name = old(google).name
    assert may(google, KIM, "storage.objects.get", name)
    assert may(google, PULL, "storage.objects.create", BUCKET)
    plan = night.plan()
    others = tuple(c for c in plan.changes if c.address.kind != lists.KIND)
    assert len(plan.changes) - len(others) == 4
    night.carry_out(replace(plan, changes=others), Direction.CONTAIN)
    assert may(google, KIM, "storage.objects.get", name), "the deny alone reaches no list"
    assert outcomes(night.contain()) == {Outcome.APPLIED}
    assert not may(google, KIM, "storage.objects.get", name)
    assert not may(google, PULL, "storage.objects.create", BUCKET)
    assert not listed(night)
    night.restore()
    assert night.picture() == picture


def test_the_lab_and_everybody_else_stay_in_every_list(night: Night) -> None:
    """The project's own teams, the owner of an object, and a stranger of a like name."""
    google = night.google
    night.contain()
    ours = {f"project-owners-{NUMBER}": "OWNER", entity(DANA): "READER"}
    assert entities(google, BUCKET) == ours
    assert entities(google, BUCKET, "defaultObjectAcl") == ours
    assert entities(google, old(google).name) == ours | {entity(DANA): "OWNER"}
    assert entities(google, LIVE)[entity(BO)] == "OWNER"
    assert may(google, BO, "storage.objects.get", LIVE)
    assert may(google, DANA, "storage.objects.get", LIVE)


def test_a_person_who_owns_the_project_is_in_by_its_team_and_that_is_said(night: Night) -> None:
    """No API could make her an owner again, so she stays one, and the lists name all owners."""
    plan = night.plan()
    night.carry_out(plan, Direction.CONTAIN)
    assert may(night.google, ANN, "storage.objects.get", LIVE)
    (left,) = (s for s in plan.skips if s.leaves_access)
    assert left.principal == ANN
    assert "access lists" in left.reason


def test_what_is_made_during_the_pause_lets_nobody_of_the_vendor_in(night: Night) -> None:
    """The list from which new objects get theirs is without her."""
    night.contain()
    made = upload(night.google, DANA)
    assert entity(KIM) not in entities(night.google, made)


def test_what_another_admin_changes_in_a_list_is_kept(night: Night) -> None:
    """Before our write, and while the pause lasts: both edits stand at the end."""
    google = night.google

    def stranger() -> None:
        resource = old(google)
        said = [*resource.data["acl"], {"entity": entity(NEW), "role": "READER"}]
        resource.data["acl"] = whole(google.state, google.state.get(BUCKET), said)
        google.state.touch(resource)

    google.faults.race("storage.v1.objects.patch", stranger)
    night.contain()
    night.contain()
    assert entity(NEW) in entities(google, old(google).name)
    assert not may(google, KIM, "storage.objects.get", old(google).name)
    night.restore()
    kept = entities(google, old(google).name)
    assert kept[entity(NEW)] == "READER"
    assert kept[entity(KIM)] == "OWNER"


def test_what_the_vendor_uploaded_stays_its_own_and_is_said(night: Night) -> None:
    """No method takes an owner out; one that is an account of ours ends with that account."""
    google = night.google
    theirs = upload(google, KIM)
    upload(google, ETL, "loaded.csv")
    plan = night.plan()
    owned = {s.principal: s for s in plan.skips if s.address.kind == "owned-objects"}
    assert owned[KIM].leaves_access
    assert "1 generations" in owned[KIM].reason
    assert not owned[ETL].leaves_access
    assert outcomes(night.carry_out(plan, Direction.CONTAIN)) == {Outcome.APPLIED}
    assert may(google, KIM, "storage.objects.get", theirs)
    assert not may(google, ETL, "storage.objects.get", f"{BUCKET}/objects/loaded.csv")


def test_an_object_that_was_replaced_or_deleted_is_no_failure(night: Night) -> None:
    """Its generation is gone and with it its list: the rest is given back."""
    night.contain()
    night.google.state.remove(old(night.google))
    receipts = night.restore()
    assert Outcome.FAILED not in outcomes(receipts)
    assert entities(night.google, BUCKET)[entity(PULL)] == "WRITER"


def test_trap_11_a_list_that_is_not_shown_is_not_written(night: Night) -> None:
    """Uniform access since: nothing is overwritten blindly, and what is not given back is said."""
    google = night.google
    night.contain()
    before = {name: entities(google, name) for name in (BUCKET, LIVE)}
    access = google.state.get(BUCKET).data["iamConfiguration"]["uniformBucketLevelAccess"]
    access["enabled"] = True
    receipts = [r for r in night.restore() if r.change.address.kind == lists.KIND]
    assert {r.outcome for r in receipts} == {Outcome.FAILED}
    assert all(r.held and "uniform" in r.detail for r in receipts)
    access["enabled"] = False
    assert {name: entities(google, name) for name in before} == before
    assert {r.outcome for r in night.restore()} == {Outcome.APPLIED}


def test_more_generations_than_are_looked_at_are_a_gap(google: Google) -> None:
    """The bound is in the estate's file; what lies beyond it is not passed over in silence."""
    gcp = estate_of(google).gcp
    assert gcp is not None
    few = gcp.model_copy(update={"generations_per_bucket": 2})
    night = Night(google)
    night.connector.clients.close()
    night.connector = replace(night.connector, clients=Clients(few, sleep=lambda _: None))
    google.state.page_limit = 1
    found = list(night.connector.discover(night.vendor, Scope()))
    gaps = [item for item in found if isinstance(item, Gap)]
    assert ["more than 2 generations" in gap.cause for gap in gaps] == [True]
    seen = [i for i in found if isinstance(i, Grant) and i.address.kind == lists.KIND]
    assert len(seen) >= 3
    night.close()


def test_an_entry_without_an_address_is_a_gap(google: Google) -> None:
    """A number says nothing of whose it is."""
    google.state.get(BUCKET).data["acl"].append({"entity": "user-00b4903a97", "role": "READER"})
    connector = connector_of(google)
    vendor = VENDOR
    gaps = [item for item in connector.discover(vendor, Scope()) if isinstance(item, Gap)]
    assert [gap.what for gap in gaps] == [f"access lists of bucket {LISTED}"]
    connector.clients.close()


def test_lists_that_may_not_be_read_are_a_gap(google: Google) -> None:
    """The rest is found all the same."""
    google.faults.add("storage.v1.objects.list", Moment.BEFORE, 403)
    connector = connector_of(google)
    found = list(connector.discover(VENDOR, Scope()))
    assert [i.what for i in found if isinstance(i, Gap)] == [f"access lists of bucket {LISTED}"]
    assert [i for i in found if isinstance(i, Grant)]
    connector.clients.close()


def test_nobody_is_given_back_who_was_made_anew(night: Night) -> None:
    """The vendor's account of ours, deleted and made again under its name."""
    google = night.google
    resource = google.state.get(BUCKET)
    resource.data["acl"].append({"entity": entity(ETL), "role": "READER"})
    google.state.touch(resource)
    night.contain()
    email = ETL.partition(":")[2]
    account = google.state.by_email("iam.googleapis.com/ServiceAccount", email)
    assert account is not None
    account.data["uniqueId"] = "42"
    receipts = [r for r in night.restore() if r.change.address.part == entity(ETL)]
    assert [(r.outcome, r.cause) for r in receipts] == [(Outcome.CONFLICT, Cause.RECREATED)]
    assert entities(google, BUCKET)[entity(PULL)] == "WRITER"


def test_without_a_rule_a_list_is_left_open_and_said(night: Night) -> None:
    """Since nobody says that a deny reaches it."""
    (grant, *_) = [
        g
        for g in night.connector.discover(night.vendor, Scope())
        if isinstance(g, Grant) and g.address.kind == lists.KIND
    ]
    silent = PLAYBOOK.model_copy(update={"phases": ()})
    terms = Terms(night.vendor, silent, night.mark, estate=estate_of(night.google))
    (left,) = opinion.contained(grant, terms)
    assert "no deny may reach" in getattr(left, "reason", "")


@pytest.mark.parametrize(
    ("entry", "theirs"),
    [
        ({"entity": "user-kim@mercor.example"}, True),
        ({"entity": "user-kim@mercor.example.org"}, False),
        ({"entity": "user-1", "email": "Kim@Mercor.example"}, True),
        ({"entity": "user-x@mercor-prod.iam.gserviceaccount.com"}, True),
        ({"entity": "group-raters@mercor.example"}, True),
        ({"entity": "domain-mercor.example"}, True),
        ({"entity": "project-owners-444455556666"}, True),
        ({"entity": "project-owners-100000000077"}, False),
        ({"entity": "project-444455556666-1"}, False),
        ({"entity": "allUsers"}, False),
        ({"entity": "user-1"}, False),
    ],
)
def test_whose_an_entry_is(entry: Json, theirs: bool) -> None:  # noqa: FBT001 - a case
    """By a whole address, domain or number; never by a fragment, and never the lab's own teams."""
    selectors = GcpSelectors(
        domains=("mercor.example",), projects=("mercor-prod",), project_numbers=("444455556666",)
    )
    assert Vendor(vendor="mercor", gcp=selectors).gcp == selectors
    assert bool(lists.via(selectors, entry)) is theirs


def test_any_name_of_an_object_comes_back_from_ours() -> None:
    """Slashes, signs of our own, letters of all the world."""
    for name in ("a", "a/b/objects/1", "x#y", "%2F", "ü ?", "123"):
        document = Document("gcp", ORG, lists.KIND, lists.of_object("drop", name, "7"))
        words = {"bucket": "drop", "object": name, "generation": "7"}
        assert lists.place(document.id) == ("objects", words, "acl")
