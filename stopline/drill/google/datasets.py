"""BigQuery datasets, whose access is a list of their own and not a policy.

https://cloud.google.com/bigquery/docs/reference/rest/v2/datasets
"""

from stopline.drill.google import policies
from stopline.drill.google.buckets import merge
from stopline.drill.google.calls import Call, answers, page
from stopline.drill.google.errors import GoogleError, invalid
from stopline.drill.google.oracle import DATASET, DATASET_ROLES, dataset_members, role_of
from stopline.drill.google.principals import CLOUD
from stopline.drill.google.state import Resource, State, etag_of
from stopline.text import Json, canonical, sha256

_KINDS = frozenset(
    {"userByEmail", "groupByEmail", "domain", "specialGroup", "iamMember"}
    | {"view", "routine", "dataset"}
)
_NO_ROLE = frozenset({"view", "routine", "dataset"})
_LEGACY = {role: legacy for legacy, role in DATASET_ROLES.items()}


def _project(call: Call) -> str:
    return f"{CLOUD}projects/{call.state.project_id(call.names['projectId'])}"


def named(call: Call) -> str:
    """The full name of the dataset that is asked for."""
    project = call.state.project_id(call.names["projectId"])
    return f"//bigquery.googleapis.com/projects/{project}/datasets/{call.names['datasetId']}"


def shown(resource: Resource, *, conditions: bool = True) -> Json:
    """A dataset as it is read; roles come back in their old spelling, an empty list not at all.

    Who does not know of conditions is shown the role under a name that no write may use.
    """
    access = [kept(e) for e in resource.data.get("access", [])]
    access = access if conditions else [_hidden(e) for e in access]
    data = {k: v for k, v in resource.data.items() if k != "access"}
    data |= {"access": access} if access else {}
    return {**data, "etag": etag_of(resource.revision)}


def kept(entry: Json) -> Json:
    """An entry as BigQuery keeps it: `READER`, not `roles/bigquery.dataViewer`; a person by email.

    `iamMember` is for those only whom no other field names.
    """
    said = dict(entry)
    if role := said.get("role"):
        said["role"] = _LEGACY.get(role, role)
    kind, _, rest = str(said.get("iamMember", "")).partition(":")
    field = {"user": "userByEmail", "serviceAccount": "userByEmail", "group": "groupByEmail"}
    field |= {"domain": "domain"}
    if rest and kind in field:
        del said["iamMember"]
        said[field[kind]] = rest
    return said


def _hidden(entry: Json) -> Json:
    """https://cloud.google.com/iam/docs/troubleshooting-withcond"""
    if "condition" not in entry:
        return entry
    digest = sha256(canonical(entry["condition"]))[:20]
    rest = {k: v for k, v in entry.items() if k != "condition"}
    return {**rest, "role": f"{entry['role']}_withcond_{digest}"}


def bindings(state: State, dataset: Resource) -> list[Json]:
    """The list as the allow policy that Google's inventory shows of it: who has which role."""
    found = []
    for entry in dataset.data.get("access", []):
        told = str(entry.get("role", ""))
        members = [m for m in dataset_members(state, entry, dataset) if m]
        condition = {"condition": entry["condition"]} if "condition" in entry else {}
        if told and members:
            role = DATASET_ROLES.get(told, told)
            found.append({"role": role, "members": members[:1], **condition})
    return found


@answers("bigquery.v2.datasets.list")
def datasets(call: Call) -> Json:
    """The datasets of a project that the caller may see, without their access.

    Who may see none is told of none, and not refused.
    """
    call.state.get(_project(call))
    found = call.state.of_kind(DATASET, _project(call))
    found = [d for d in found if call.may("bigquery.datasets.get", d.name)]
    some, more = page(call, found, size="maxResults", usual=50)
    keep = ("kind", "id", "datasetReference")
    items = [{k: r.data[k] for k in keep} for r in some]
    return {"kind": "bigquery#datasetList", **({"datasets": items} if items else {}), **more}


@answers("bigquery.v2.datasets.get", on=named)
def dataset(call: Call) -> Json:
    """One dataset. Conditions are only shown to who asks for version 3."""
    found = call.state.get(named(call))
    whole = shown(found, conditions=_conditions(call))
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
    if "access" in change:
        change["access"] = _whole(call, found, change["access"])
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


def _whole(call: Call, dataset: Resource, told: list[Json]) -> list[Json]:
    """A list as it is kept: each entry well formed, everybody in it known. Raises GoogleError."""
    conditions = _conditions(call)
    before = dataset.data.get("access", [])
    if not conditions and any("condition" in e for e in before):
        raise invalid("A dataset with conditions is written with accessPolicyVersion 3.")
    for entry in told:
        _check(call.state, entry, conditions=conditions)
    access = list({canonical(e): e for e in map(kept, told)}.values())
    would = Resource(dataset.name, dataset.kind, dataset.parent, {"access": access})
    would.policy = {"bindings": bindings(call.state, dataset)}
    policies.check_everybody(call.state, would, bindings(call.state, would))
    return access


def _check(state: State, entry: Json, *, conditions: bool) -> None:
    kinds = _KINDS & set(entry)
    if len(kinds) != 1:
        raise invalid("An access entry names exactly one principal or resource.")
    if "condition" in entry and not conditions:
        raise invalid("Entries with conditions need accessPolicyVersion 3.")
    role = str(entry.get("role", ""))
    if not kinds & _NO_ROLE and role_of(state, DATASET_ROLES.get(role, role)) is None:
        raise invalid(f"An access entry needs a role that is known here, not {role!r}.")
