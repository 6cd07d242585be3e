"""Access lists of BigQuery datasets, as the allow policies that they are. Pure.

A dataset has no `getIamPolicy`: whoever comes in is in its `access`. Here each entry is an element
of a policy, so that all that knows policies knows datasets. An entry of a view, a routine or
another dataset names nobody: it is an element without members, and is carried along as it is.
https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/datasets#Dataset
"""

from collections.abc import Iterator

from stopline.connectors.gcp.bindings import DATA_OWNER
from stopline.errors import ConnectorError
from stopline.receipts import Cause
from stopline.text import Json

_ROLES = {
    "OWNER": DATA_OWNER,
    "WRITER": "roles/bigquery.dataEditor",
    "READER": "roles/bigquery.dataViewer",
}
"""What comes back in an old spelling, whichever was written."""
_OLD = {role: old for old, role in _ROLES.items()}
_GROUPS = {
    "projectOwners": "projectOwner",
    "projectWriters": "projectEditor",
    "projectReaders": "projectViewer",
}
"""Who has a basic role in the dataset's own project."""
_AUTHENTICATED = "allAuthenticatedUsers"
_FIELDS = {
    "user": "userByEmail",
    "serviceAccount": "userByEmail",
    "group": "groupByEmail",
    "domain": "domain",
}
_IDS = ("projectId", "datasetId", "tableId", "routineId")
_RESOURCES = ("view", "routine", "dataset")
"""Whatever runs in one of these reads the dataset, whoever asks."""


def name_of(said: Json) -> str:
    """How we name a dataset, and Google's inventory does.

    https://docs.cloud.google.com/asset-inventory/docs/asset-names
    """
    place = said["datasetReference"]
    return f"bigquery.googleapis.com/projects/{place['projectId']}/datasets/{place['datasetId']}"


def table_of(said: Json) -> str:
    """The same of a table."""
    place = said["tableReference"]
    return f"{name_of({'datasetReference': place})}/tables/{place['tableId']}"


def policy(said: Json) -> Json:
    """The access of a dataset as an allow policy at version 3, `created` when the dataset was.

    Raises ConnectorError (denied) where the list is not shown: nothing may be written over it.
    """
    place = said.get("datasetReference", {})
    if "access" not in said:
        what = f"the access of {place.get('datasetId', 'the dataset')} is not shown to us"
        raise ConnectorError(Cause.DENIED, what)
    project = str(place.get("projectId", ""))
    return {
        "etag": said.get("etag", ""),
        "created": str(said.get("creationTime", "")),
        "project": project,
        "bindings": [_binding(entry, project) for entry in said["access"]],
    }


def access(policy: Json) -> list[Json]:
    """The list that says what such a policy says. An entry that was read is as it was read."""
    return [
        entry
        for binding in policy["bindings"]
        for entry in _entries(binding, str(policy.get("project", "")))
    ]


def resources(policy: Json) -> Iterator[Json]:
    """The entries of such a policy that let in what is nobody: views, routines, datasets."""
    for binding in policy.get("bindings", ()):
        entry = binding.get("entry", {})
        if any(kind in entry for kind in _RESOURCES):
            yield entry


def resource_of(entry: Json) -> tuple[str, str]:
    """What such an entry lets in, and its name from the project down: `view`, `p.d.v`."""
    kind = next(kind for kind in _RESOURCES if kind in entry)
    place = entry[kind].get("dataset", entry[kind])
    return kind, ".".join(str(place[key]) for key in _IDS if key in place)


def _binding(entry: Json, project: str) -> Json:
    role = str(entry.get("role", ""))
    member = _member(entry, project)
    condition = {"condition": entry["condition"]} if entry.get("condition") else {}
    members = [member] if member else []
    return {"role": _ROLES.get(role, role), "members": members, **condition, "entry": entry}


def _member(entry: Json, project: str) -> str:
    """Whom an entry names, as an allow policy does; nothing for what is nobody.

    A person in `iamMember` comes back as `userByEmail`, so both are the same here.
    """
    if email := entry.get("userByEmail"):
        robot = str(email).endswith("gserviceaccount.com")
        return f"{'serviceAccount' if robot else 'user'}:{email}"
    for kind in ("group", "domain"):
        if who := entry.get(_FIELDS[kind]):
            return f"{kind}:{who}"
    group = str(entry.get("specialGroup", ""))
    if kind := _GROUPS.get(group, ""):
        return f"{kind}:{project}"
    return group or str(entry.get("iamMember", ""))


def _entries(binding: Json, project: str) -> Iterator[Json]:
    """One that was read, and one more for each member who was let in besides."""
    read = binding.get("entry")
    members = binding.get("members", [])
    who = _member(read, project) if read else ""
    if read and (who in members or not who):
        yield read
    for member in members:
        if member != who:
            yield _entry(binding, member, project)


def _entry(binding: Json, member: str, project: str) -> Json:
    kind, _, rest = member.partition(":")
    role = binding["role"]
    said: Json = {"role": _OLD.get(role, role)}
    group = next((g for g, k in _GROUPS.items() if (k, project) == (kind, rest)), "")
    if group or member == _AUTHENTICATED:
        said["specialGroup"] = group or member
    elif kind in _FIELDS and rest:
        said[_FIELDS[kind]] = rest
    else:
        said["iamMember"] = member
    return said | ({"condition": binding["condition"]} if binding.get("condition") else {})
