"""The lists of everything that only has a name and a policy here: topics, secrets, keys, tables …

https://cloud.google.com/apis/design/standard_methods#list
"""

from stopline.drill.google.calls import ANSWERS, Answer, Call, page
from stopline.drill.google.datasets import named
from stopline.drill.google.principals import CLOUD
from stopline.drill.google.sharing import full_name, host_of
from stopline.drill.google.state import Resource
from stopline.text import Json

LISTED = {
    "artifactregistry.v1.projects.locations.repositories.list": "repositories",
    "cloudkms.v1.projects.locations.keyRings.list": "keyRings",
    "cloudkms.v1.projects.locations.keyRings.cryptoKeys.list": "cryptoKeys",
    "cloudkms.v1.projects.locations.keyRings.importJobs.list": "importJobs",
    "cloudresourcemanager.v3.tagKeys.list": "tagKeys",
    "cloudresourcemanager.v3.tagValues.list": "tagValues",
    "pubsub.v1.projects.schemas.list": "schemas",
    "pubsub.v1.projects.snapshots.list": "snapshots",
    "pubsub.v1.projects.subscriptions.list": "subscriptions",
    "pubsub.v1.projects.topics.list": "topics",
    "run.v2.projects.locations.jobs.list": "jobs",
    "run.v2.projects.locations.services.list": "services",
    "secretmanager.v1.projects.secrets.list": "secrets",
}
"""By method, the collection, which is also the field of the answer."""
PLACES = ("artifactregistry.v1", "cloudkms.v1", "run.v1", "secretmanager.v1")
_ALWAYS = ("europe-west3", "us-central1")
"""Places that every service has, whether anything is there or not."""


def _of(call: Call) -> str:
    """The full name of what the list is of."""
    asked = call.names.get("parent") or call.names.get("project") or call.asked("parent")
    host = host_of(call.method) if "/locations/" in asked else "cloudresourcemanager.googleapis.com"
    return full_name(call.state, host, asked)


def _allowed_on(call: Call) -> str:
    """Where the permission is held: a place is no resource, so it is on the project."""
    of = _of(call)
    if "/locations/" in of and of not in call.state.resources:
        project = of.split("/")[4]
        return f"{CLOUD}projects/{project}"
    return of


def things(call: Call) -> Json:
    """What lies there, by name."""
    collection = LISTED[call.method.key]
    of = _of(call)
    found = [r for r in call.state.resources.values() if _lies(r, of, collection, call)]
    some, more = page(call, sorted(found, key=lambda r: r.name), usual=100)
    items = [{**r.data, "name": r.short} for r in some]
    return {**({collection: items} if items else {}), **more}


def _lies(resource: Resource, of: str, collection: str, call: Call) -> bool:
    if resource.hidden or not resource.name.startswith(f"//{host_of(call.method)}/"):
        return False
    head, _, last = resource.short.rpartition("/")
    if collection in ("tagKeys", "tagValues"):
        return head == collection and resource.parent == of
    above = of.removeprefix("//").partition("/")[2]
    return head == f"{above}/{collection}" and bool(last)


def places(call: Call) -> Json:
    """Where a project may have something: https://cloud.google.com/about/locations ."""
    project = call.state.project_id(call.names["name"].partition("/")[2])
    host = f"//{host_of(call.method)}/projects/{project}/locations/"
    names = (n.removeprefix(host) for n in call.state.resources if n.startswith(host))
    found = sorted({*_ALWAYS, *(n.partition("/")[0] for n in names)})
    some, more = page(call, found, usual=50)
    where = f"projects/{project}/locations"
    items = [{"name": f"{where}/{one}", "locationId": one} for one in some]
    return {**({"locations": items} if items else {}), **more}


def _project(call: Call) -> str:
    return full_name(call.state, "cloudresourcemanager.googleapis.com", call.names["name"])


def tables(call: Call) -> Json:
    """https://cloud.google.com/bigquery/docs/reference/rest/v2/tables/list"""
    found = call.state.of_kind("bigquery.googleapis.com/Table", named(call))
    some, more = page(call, found, size="maxResults", usual=50)
    project, name = call.state.project_id(call.names["projectId"]), call.names["datasetId"]
    items = [
        {
            "kind": "bigquery#table",
            "tableReference": {
                "projectId": project,
                "datasetId": name,
                "tableId": r.short.rpartition("/")[2],
            },
        }
        for r in some
    ]
    return {"kind": "bigquery#tableList", **({"tables": items} if items else {}), **more}


def register() -> None:
    """Answer each of these."""
    for key in LISTED:
        ANSWERS[key] = Answer(things, _allowed_on, "")
    for service in PLACES:
        ANSWERS[f"{service}.projects.locations.list"] = Answer(places, _project, "")
    ANSWERS["bigquery.v2.tables.list"] = Answer(tables, named, "")


register()
