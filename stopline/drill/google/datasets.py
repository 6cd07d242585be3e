"""BigQuery datasets, whose access is a list of their own and not a policy.

https://cloud.google.com/bigquery/docs/reference/rest/v2/datasets
"""

from stopline.drill.google.buckets import merge
from stopline.drill.google.calls import Call, answers, page
from stopline.drill.google.errors import GoogleError, invalid
from stopline.drill.google.oracle import DATASET
from stopline.drill.google.principals import CLOUD
from stopline.drill.google.state import Resource, etag_of
from stopline.text import Json

_KINDS = frozenset(
    {"userByEmail", "groupByEmail", "domain", "specialGroup", "iamMember"}
    | {"view", "routine", "dataset"}
)
_LEGACY = {
    "roles/bigquery.dataOwner": "OWNER",
    "roles/bigquery.dataEditor": "WRITER",
    "roles/bigquery.dataViewer": "READER",
}


def _project(call: Call) -> str:
    return f"{CLOUD}projects/{call.state.project_id(call.names['projectId'])}"


def named(call: Call) -> str:
    """The full name of the dataset that is asked for."""
    project = call.state.project_id(call.names["projectId"])
    return f"//bigquery.googleapis.com/projects/{project}/datasets/{call.names['datasetId']}"


def shown(resource: Resource) -> Json:
    """A dataset as it is read; roles come back in their old spelling."""
    access = [legacy(e) for e in resource.data.get("access", [])]
    return {**resource.data, "access": access, "etag": etag_of(resource.revision)}


def legacy(entry: Json) -> Json:
    """An entry with its role as BigQuery keeps it: `READER`, not `roles/bigquery.dataViewer`."""
    role = entry.get("role")
    return {**entry, "role": _LEGACY.get(role, role)} if role else entry


@answers("bigquery.v2.datasets.list", on=_project, permission="bigquery.datasets.get")
def datasets(call: Call) -> Json:
    """The datasets of a project, without their access."""
    found = call.state.of_kind(DATASET, _project(call))
    some, more = page(call, found, size="maxResults", usual=50)
    keep = ("kind", "id", "datasetReference")
    items = [{k: r.data[k] for k in keep} for r in some]
    return {"kind": "bigquery#datasetList", **({"datasets": items} if items else {}), **more}


@answers("bigquery.v2.datasets.get", on=named)
def dataset(call: Call) -> Json:
    """One dataset. Entries with conditions are only shown to who asks for version 3."""
    found = call.state.get(named(call))
    whole = shown(found)
    if not _conditions(call):
        whole["access"] = [e for e in whole["access"] if "condition" not in e]
    named_always = ("access", "kind", "id", "etag", "datasetReference")
    view = call.asked("datasetView")
    if view == "ACL":
        return {k: v for k, v in whole.items() if k in named_always}
    return {k: v for k, v in whole.items() if view != "METADATA" or k != "access"}


@answers("bigquery.v2.datasets.patch", on=named)
def patch(call: Call) -> Json:
    """Change what is named; `access` replaces the whole list. `If-Match` holds it to a tag."""
    found = call.state.get(named(call))
    wanted = call.headers.get("if-match", "")
    if wanted and wanted != etag_of(found.revision):
        raise GoogleError(412, "Precondition Failed")
    change = {k: v for k, v in call.body.items() if k not in ("kind", "id", "etag")}
    _check_mode(call, change)
    conditions = _conditions(call)
    for entry in change.get("access", []):
        _check(entry, conditions=conditions)
    if "access" in change:
        change["access"] = [legacy(e) for e in change["access"]]
    found.data = merge(found.data, change)
    call.state.touch(found)
    return shown(found)


def _conditions(call: Call) -> bool:
    """Whether the caller knows of conditions."""
    return call.asked("accessPolicyVersion", "1") == "3"


def _check_mode(call: Call, change: Json) -> None:
    """A mode holds a change to the access list, or to all else."""
    mode = call.asked("updateMode")
    lists, rest = "access" in change, set(change) - {"access"}
    if (mode == "UPDATE_ACL" and rest) or (mode == "UPDATE_METADATA" and lists):
        raise GoogleError(501, f"What {mode} does with other fields is not implemented here.")


def _check(entry: Json, *, conditions: bool) -> None:
    kinds = _KINDS & set(entry)
    if len(kinds) != 1:
        raise invalid("An access entry names exactly one principal or resource.")
    if "condition" in entry and not conditions:
        raise invalid("Entries with conditions need accessPolicyVersion 3.")
    if not kinds & {"view", "routine", "dataset"} and not entry.get("role"):
        raise invalid("An access entry needs a role.")
