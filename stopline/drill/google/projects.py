"""Resource Manager: the organisation, folders and projects.

https://cloud.google.com/resource-manager/reference/rest/v3
"""

import re

from stopline.drill.google.calls import Call, answers, page
from stopline.drill.google.errors import invalid
from stopline.drill.google.principals import CLOUD
from stopline.drill.google.sharing import full_name
from stopline.drill.google.state import Resource, etag_of
from stopline.text import Json

HOST = "cloudresourcemanager.googleapis.com"
ORGANIZATION, FOLDER, PROJECT = (f"{HOST}/{k}" for k in ("Organization", "Folder", "Project"))
_KIND = {"organizations": ORGANIZATION, "folders": FOLDER, "projects": PROJECT}


def shown(resource: Resource) -> Json:
    """A node of the tree as its API shows it."""
    return {**resource.data, "etag": etag_of(resource.revision)}


def _named(call: Call) -> str:
    return full_name(call.state, HOST, call.names["name"])


def _parent(call: Call) -> str:
    parent = call.asked("parent")
    if not re.fullmatch(r"(organizations|folders)/\w+", parent):
        raise invalid("parent must be an organization or a folder.", "parent")
    return CLOUD + parent


@answers(*(f"cloudresourcemanager.v3.{k}.get" for k in _KIND), on=_named)
def get(call: Call) -> Json:
    """One node of the tree."""
    return shown(call.state.get(_named(call)))


def _active(call: Call, found: list[Resource]) -> list[Resource]:
    every = call.flag("showDeleted")
    return [r for r in found if every or r.data.get("state") == "ACTIVE"]


@answers(
    "cloudresourcemanager.v3.folders.list", "cloudresourcemanager.v3.projects.list", on=_parent
)
def children(call: Call) -> Json:
    """The direct children of a node, of one kind. The list is consistent, unlike a search."""
    kind = call.method.key.split(".")[2]
    found = _active(call, call.state.of_kind(_KIND[kind], _parent(call)))
    some, more = page(call, found)
    return {kind: [shown(r) for r in some], **more} if some else more


@answers(*(f"cloudresourcemanager.v3.{k}.search" for k in _KIND))
def search(call: Call) -> Json:
    """All nodes of a kind that the caller may see, with a query of `field:value` or none."""
    kind = call.method.key.split(".")[2]
    permission = f"resourcemanager.{kind}.get"
    found = [r for r in call.state.of_kind(_KIND[kind]) if call.may(permission, r.name)]
    some, more = page(call, [r for r in found if _asked_for(call.asked("query"), r)])
    return {kind: [shown(r) for r in some], **more} if some else more


def _asked_for(query: str, resource: Resource) -> bool:
    """Whether a node answers a query. Only what Google knows too is understood."""
    for term in query.split():
        field, sign, value = (
            re.split(r"([:=])", term, maxsplit=1) if _TERM.match(term) else ("",) * 3
        )
        if not sign:
            raise invalid(f"The query is not understood: {query}", "query")
        known = {"id": "projectId", "projectId": "projectId", "parent": "parent", "state": "state"}
        if field not in known and field not in ("displayName", "name"):
            raise invalid(f"The query is not understood: {query}", "query")
        if str(resource.data.get(known.get(field, "displayName"))).lower() != value.lower():
            return False
    return True


_TERM = re.compile(r"\w+[:=]\S+$")
