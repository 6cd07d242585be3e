"""Where Google's inventory is not to be had, what lies below the projects is listed in turn."""

import re

import pytest
from support.google import CRM, DATA_TEAM, DATASET, ORG, PULL, TOPIC, binding, node
from support.google_nights import PROJECT, Night, outcomes

from stopline.connectors.gcp import inventory
from stopline.connectors.gcp.dialects import BELOW, DIALECTS, known
from stopline.drill.google.documents import methods
from stopline.drill.google.faults import Moment
from stopline.drill.google.state import Resource
from stopline.model import Plan
from stopline.receipts import Outcome
from stopline.text import Json

SEARCH = "cloudasset.v1.searchAllIamPolicies"
IN = "projects/lab-data"
KEYS = f"cloudkms.googleapis.com/{IN}/locations/eu"
PLACES = {
    f"pubsub.googleapis.com/{IN}/subscriptions/s": "roles/pubsub.admin",
    f"pubsub.googleapis.com/{IN}/snapshots/s": "roles/pubsub.admin",
    f"pubsub.googleapis.com/{IN}/schemas/s": "roles/pubsub.admin",
    f"secretmanager.googleapis.com/{IN}/secrets/s": "roles/secretmanager.admin",
    f"{KEYS}/keyRings/r": "roles/cloudkms.admin",
    f"{KEYS}/keyRings/r/cryptoKeys/k": "roles/cloudkms.admin",
    f"{KEYS}/keyRings/r/importJobs/j": "roles/cloudkms.admin",
    f"artifactregistry.googleapis.com/{IN}/locations/eu/repositories/r": (
        "roles/artifactregistry.admin"
    ),
    f"run.googleapis.com/{IN}/locations/eu/services/s": "roles/run.admin",
    f"run.googleapis.com/{IN}/locations/eu/jobs/j": "roles/run.admin",
    "cloudresourcemanager.googleapis.com/tagKeys/1": "roles/run.admin",
    "cloudresourcemanager.googleapis.com/tagValues/2": "roles/run.admin",
}
TABLE = f"{DATASET}/tables/t"


def put(night: Night, name: str, role: str, parent: str = PROJECT) -> None:
    """A resource of the lab's, in whose policy the vendor is beside the lab."""
    kind = f"{name.partition('/')[0]}/{name.split('/')[-2].title()}"
    held = {"bindings": [binding(role, PULL, DATA_TEAM)]}
    night.google.state.add(Resource(f"//{name}", kind, parent, {"name": "x"}, held))


def furnished(night: Night) -> list[str]:
    """One of each kind that can be listed; their names."""
    parents = {
        "cloudresourcemanager.googleapis.com/tagKeys/1": f"{CRM}/organizations/{ORG}",
        "cloudresourcemanager.googleapis.com/tagValues/2": f"{CRM}/tagKeys/1",
    }
    for name, role in PLACES.items():
        put(night, name, role, parents.get(name, PROJECT))
    table = night.google.state.get(f"//{TABLE}")
    table.policy = {"bindings": [binding("roles/bigquery.dataEditor", PULL, DATA_TEAM)]}
    pool = "//iam.googleapis.com/locations/global/workforcePools/staff"
    data: Json = {"name": "locations/global/workforcePools/staff", "state": "ACTIVE"}
    held = {"bindings": [binding("roles/iam.workforcePoolAdmin", PULL, DATA_TEAM)]}
    top = f"{CRM}/organizations/{ORG}"
    night.google.state.add(Resource(pool, "iam.googleapis.com/WorkforcePool", top, data, held))
    return [*PLACES, TABLE, TOPIC, pool.removeprefix("//")]


def members(night: Night, name: str) -> set[str]:
    """Who is in a policy."""
    found = night.google.state.get(f"//{name}").policy.get("bindings", [])
    return {m for b in found for m in b["members"]}


def no_search(night: Night, status: int = 403) -> None:
    """From now on a search is refused, or fails."""
    night.google.faults.add(SEARCH, Moment.BEFORE, status, times=1000)


def only_one_project(night: Night) -> None:
    """The estate names a project, and no organisation."""
    clients = night.connector.clients
    only = {"organization": None, "projects": ("lab-data",)}
    clients.estate = clients.estate.model_copy(update=only)


def documents(plan: Plan) -> set[str]:
    """What a plan changes below the projects."""
    found = {c.address.id.partition("#")[0] for c in plan.changes}
    return {name for name in found if ".googleapis.com/" in name}


@pytest.mark.parametrize("status", [403, 500])
def test_without_a_search_each_kind_is_listed_and_contained_all_the_same(
    night: Night, status: int
) -> None:
    """The same changes, at the same addresses, as a search would have led to."""
    google, names = night.google, furnished(night)
    picture, with_search = night.picture(), documents(night.plan())
    no_search(night, status)
    google.state.page_limit, google.state.empty_pages = 1, True
    plan = night.plan()
    assert documents(plan) == with_search == {*names, DATASET}
    (gap,) = plan.gaps
    assert gap.what == "policies below projects"
    assert "listed one by one instead" in gap.cause
    assert "no other service was looked at" in gap.cause
    assert outcomes(night.contain()) == {Outcome.APPLIED}
    assert {name: members(night, name) for name in names} == {name: {DATA_TEAM} for name in names}
    assert not night.plan().changes
    night.restore()
    assert night.picture() == picture


def test_with_a_search_nothing_is_listed_but_datasets(night: Night) -> None:
    """Lists of everything cost a call for each project, kind and place."""
    night.plan()
    called = {s.method for s in night.google.seen}
    lists = {f"{one.service.replace('/', '.')}.{one.method.split('/')[2]}" for one in inventory.ALL}
    assert called & lists == {"bigquery.v2.datasets.list"}


def test_a_service_that_is_not_on_in_a_project_has_nothing_there(night: Night) -> None:
    """No gap for each of its kinds; one that is refused is a gap, and the others are listed."""
    furnished(night)
    no_search(night)
    services = ("cloudkms", "run", "artifactregistry", "secretmanager", "pubsub", "bigquery")
    google = night.google
    google.state.services_off = {("lab-security", f"{one}.googleapis.com") for one in services}
    assert [gap.what for gap in night.plan().gaps] == ["policies below projects"]
    google.faults.add("secretmanager.v1.projects.secrets.list", Moment.BEFORE, 403)
    plan = night.plan()
    secrets = next(gap.what for gap in plan.gaps if gap.what.startswith("secrets of projects/lab-"))
    assert len(plan.gaps) == 2
    assert secrets
    assert f"{KEYS}/keyRings/r" in documents(plan)


def test_a_search_that_is_off_in_our_own_project_is_told_with_where(night: Night) -> None:
    """It is our account's project where it would have to be switched on, and the gap names it."""
    own = node(night.google, "Project", "lab-security", f"{CRM}/organizations/{ORG}")
    number = night.google.state.get(own).number
    night.google.state.services_off = {("lab-security", "cloudasset.googleapis.com")}
    (gap,) = night.plan().gaps
    assert f"has not been used in project {number} before" in gap.cause
    assert TOPIC in documents(night.plan())


def test_a_list_that_is_longer_than_the_estate_allows_is_a_gap(night: Night) -> None:
    """What comes first is looked at; the rest is not passed over in silence."""
    for number in range(4):
        put(night, f"pubsub.googleapis.com/{IN}/schemas/s{number}", "roles/pubsub.admin")
    no_search(night)
    clients = night.connector.clients
    few = clients.estate.model_copy(update={"resources_per_list": 2})
    clients.estate = few
    night.google.state.page_limit = 1
    plan = night.plan()
    (gap,) = (gap for gap in plan.gaps if gap.what.startswith("schemas"))
    assert gap.what == f"schemas of {IN}"
    assert "more than 2" in gap.cause
    found = {name for name in documents(plan) if "/schemas/" in name}
    assert found == {f"pubsub.googleapis.com/{IN}/schemas/s{number}" for number in range(2)}


def test_a_list_that_breaks_off_gives_what_came(night: Night) -> None:
    """The first page is looked at, and the gap says that there may be more."""
    for number in range(3):
        put(night, f"pubsub.googleapis.com/{IN}/schemas/s{number}", "roles/pubsub.admin")
    no_search(night)
    night.google.state.page_limit = 2
    count = 0

    def on_call(method: str) -> None:
        nonlocal count
        count += method.endswith("schemas.list")
        if count == 2:
            night.google.faults.add("pubsub.v1.projects.schemas.list", Moment.BEFORE, 403)

    only_one_project(night)
    night.connector.clients.on_call = on_call
    plan = night.plan()
    found = {name for name in documents(plan) if "/schemas/" in name}
    assert found == {f"pubsub.googleapis.com/{IN}/schemas/s{number}" for number in range(2)}
    assert [g.what for g in plan.gaps if g.what.startswith("schemas")] == [f"schemas of {IN}"]


def test_a_single_project_is_listed_alone(night: Night) -> None:
    """Nothing of what only an organisation has is asked for."""
    furnished(night)
    no_search(night)
    only_one_project(night)
    plan = night.plan()
    assert f"{KEYS}/keyRings/r" in documents(plan)
    assert not {n for n in documents(plan) if "tagKeys" in n or "workforce" in n}
    asked = {s.method for s in night.google.seen}
    assert "iam.v1.locations.workforcePools.list" not in asked


def test_where_the_estate_means_some_projects_nothing_above_them_is_listed(night: Night) -> None:
    """As after a search: what an organisation has is not ours to touch then."""
    furnished(night)
    clients = night.connector.clients
    clients.estate = clients.estate.model_copy(update={"projects": ("lab-data",)})
    with_search = documents(night.plan())
    no_search(night)
    assert documents(night.plan()) == with_search
    assert not {n for n in with_search if "tagKeys" in n or "workforce" in n}


# --- the table -----------------------------------------------------------------------------------


def test_each_list_is_in_googles_documents() -> None:
    """With the field of its answer, and the word by which it is asked."""
    for one in inventory.ALL:
        api, version, path = one.method.split("/")
        (method,) = (m for m in methods(api, version) if m.key == f"{api}.{version}.{path}")
        under = "x" if one.items != "tables" else ""
        asked = {one.word, *dict(one.more)} if under else {"projectId", "datasetId"}
        assert asked <= set(method.parameters), one.method


def test_each_kind_below_a_project_whose_policy_is_known_can_be_listed() -> None:
    """By the same names: what a list finds is what the dialects read and write."""
    kinds = {path.split("/")[-2] for _, path in BELOW}
    kinds |= {"datasets", "tables", "tagKeys", "tagValues", "workforcePools"}
    assert {one.items for one in inventory.LISTINGS} == kinds
    for one in inventory.LISTINGS:
        if one.service != "bigquery/v2":
            path = next((p for _, p in BELOW if p.split("/")[-2] == one.items), f"{one.items}/x")
            path = path if one.items != "workforcePools" else f"locations/global/{path}"
            name = one.named({"name": re.sub(r"\*", "x", path)})
            assert known(name) in DIALECTS, name


def test_what_is_listed_is_named_as_the_inventory_names_it() -> None:
    """Else what a search found would be held at one address, and what a list found at another."""
    place = {"projectId": "lab-data", "datasetId": "answers"}
    tables = next(one for one in inventory.LISTINGS if one.items == "tables")
    assert inventory.DATASETS.named({"datasetReference": place}) == DATASET
    assert tables.named({"tableReference": {**place, "tableId": "t"}}) == TABLE
    assert tables.words(DATASET) == place
    assert inventory.DATASETS.words(IN) == {"projectId": "lab-data"}
