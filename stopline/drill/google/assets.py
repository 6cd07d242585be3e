"""Google's inventory of everything: searches over what lies in a scope.

https://cloud.google.com/asset-inventory/docs/query-syntax
"""

import re
from collections.abc import Callable

from stopline.drill.google import datasets
from stopline.drill.google.calls import Call, answers, page
from stopline.drill.google.custom import included
from stopline.drill.google.drive import DRIVE, FILE
from stopline.drill.google.errors import invalid
from stopline.drill.google.oracle import DATASET, DENY, MANAGED, OBJECT
from stopline.drill.google.principals import GROUP, HMAC, KEY, MEMBER, PROVIDER, SUBJECT, USER
from stopline.drill.google.sharing import full_name
from stopline.drill.google.state import Resource
from stopline.text import Json

UNSEEN = frozenset(
    {DRIVE, FILE, OBJECT, HMAC, KEY, GROUP, MEMBER, USER, SUBJECT, PROVIDER, DENY, MANAGED}
)
"""What a search does not find: no access lists, no keys, nothing of Workspace."""

_TERM = re.compile(
    r'(policy|memberTypes|policy\.role\.permissions|resource|roles)[:=]("[^"]*"|\S+)'
)
_MEMBER_TYPES = ("user", "group", "domain", "serviceAccount", "allUsers", "allAuthenticatedUsers")
Test = Callable[[Resource, Json], bool]


def scope(call: Call) -> str:
    """The full name of the organisation, folder or project that is searched."""
    return full_name(call.state, "cloudresourcemanager.googleapis.com", call.names["scope"])


def _found(call: Call) -> list[Resource]:
    kinds = call.many("assetTypes")
    return [
        r
        for r in call.state.below(scope(call))
        if r.kind not in UNSEEN and (not kinds or any(re.fullmatch(k, r.kind) for k in kinds))
    ]


@answers("cloudasset.v1.searchAllIamPolicies", on=scope)
def policies(call: Call) -> Json:
    """Policies that a query meets, each with only the elements that it meets.

    What is shown of a policy is therefore no policy that could be written back.
    https://cloud.google.com/asset-inventory/docs/reference/rest/v1/TopLevel/searchAllIamPolicies
    """
    tests = _tests(call, call.asked("query"))
    results = []
    for resource in _found(call):
        bindings = _bindings(call, resource)
        met = [b for b in bindings if all(test(resource, b) for test in tests)]
        if met:
            results.append(_policy(call, resource, met))
    some, more = page(call, results, usual=100, most=500)
    return {"results": some, **more} if some else more


def _bindings(call: Call, resource: Resource) -> list[Json]:
    """What a policy says; of a dataset, whose access is a list, as if it were one."""
    if resource.kind == DATASET:
        return datasets.bindings(call.state, resource)
    found: list[Json] = resource.policy.get("bindings", [])
    return found


def _policy(call: Call, resource: Resource, met: list[Json]) -> Json:
    shown = {"resource": resource.name, "assetType": resource.kind, **_place(call, resource)}
    return {**shown, "policy": {"bindings": met}}


def _place(call: Call, resource: Resource) -> dict[str, Json]:
    """Where something lies, as results say it."""
    found: dict[str, Json] = {"folders": []}
    for up in call.state.upwards(resource.name):
        kind, _, ident = up.short.partition("/")
        if not up.kind.startswith("cloudresourcemanager."):
            continue
        if kind == "projects":
            found["project"] = f"projects/{up.number}"
        elif kind == "folders":
            found["folders"].append(f"folders/{ident}")
        else:
            found["organization"] = f"organizations/{ident}"
    return {k: v for k, v in found.items() if v}


def _tests(call: Call, query: str) -> list[Test]:
    """What each term of a query asks for. What is not understood is refused, never passed over."""
    rest = _TERM.sub("", query).replace("AND", "").strip()
    if rest:
        raise invalid(f"The query is not understood here: {rest}", "query")
    found = ((hit[1], hit[2].strip('"')) for hit in _TERM.finditer(query))
    return [_test(call, field, value) for field, value in found]


def _test(call: Call, field: str, value: str) -> Test:
    if field == "memberTypes":
        if value not in _MEMBER_TYPES:
            raise invalid(f"The query is not understood here: memberTypes:{value}", "query")
        return lambda _, b: any(m == value or m.startswith(f"{value}:") for m in b["members"])
    if field == "policy.role.permissions":
        return lambda _, b: value in included(call, b["role"])
    if field == "roles":
        return lambda _, b: b["role"] == value
    if field == "resource":
        return lambda r, _: value.lower() in r.name.lower()
    words = [w for w in re.split(r"[^A-Za-z0-9_]+", value.lower()) if w]
    return lambda _, b: any(_says(m, words) for m in [b["role"], *b["members"]])


def _says(text: str, words: list[str]) -> bool:
    """Whether the words stand one after another in a text, as tokens."""
    tokens = [w for w in re.split(r"[^A-Za-z0-9_]+", text.lower()) if w]
    count = len(words)
    return any(tokens[n : n + count] == words for n in range(len(tokens) - count + 1))


@answers("cloudasset.v1.searchAllResources", on=scope)
def resources(call: Call) -> Json:
    """Everything in the scope, of the kinds that are asked for, whose name has the query in it.

    https://cloud.google.com/asset-inventory/docs/reference/rest/v1/TopLevel/searchAllResources
    """
    query = call.asked("query").lower()
    if re.search(r"[:=<>\"]", query):
        raise invalid(f"The query is not understood here: {query}", "query")
    found = [r for r in _found(call) if query in r.name.lower()]
    some, more = page(call, found, usual=100, most=500)
    results = [_resource(call, r) for r in some]
    return {"results": results, **more} if results else more


def _resource(call: Call, resource: Resource) -> Json:
    parent = call.state.resources.get(resource.parent)
    shown = {
        "name": resource.name,
        "assetType": resource.kind,
        "displayName": resource.data.get("displayName") or resource.short.rpartition("/")[2],
        **_place(call, resource),
    }
    if parent is not None:
        shown["parentFullResourceName"] = parent.name
        shown["parentAssetType"] = parent.kind
    return shown
