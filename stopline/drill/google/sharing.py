"""`getIamPolicy`, `setIamPolicy` and `testIamPermissions` of every service, by full name.

https://cloud.google.com/iam/docs/reference/rest/v1/Policy
"""

from stopline.drill.google import policies
from stopline.drill.google.calls import ANSWERS, Answer, Call
from stopline.drill.google.catalogue import PERMISSIONS
from stopline.drill.google.documents import SERVED, Method, document, methods
from stopline.drill.google.errors import invalid
from stopline.drill.google.oracle import allowed
from stopline.drill.google.principals import CLOUD
from stopline.drill.google.roles import permission_of
from stopline.drill.google.state import State
from stopline.text import Json

VERBS = ("getIamPolicy", "setIamPolicy", "testIamPermissions")


def host_of(method: Method) -> str:
    """The service as full names have it: `pubsub.googleapis.com`."""
    root = str(document(method.api, method.version)["rootUrl"])
    return root.removeprefix("https://").rstrip("/")


def full_name(state: State, host: str, short: str) -> str:
    """The full name of what a request calls `projects/7/topics/x`, by the project's id."""
    head, _, rest = short.partition("/")
    if head == "projects":
        project, slash, tail = rest.partition("/")
        tail = _by_number(state, tail)
        if project == "-" and "serviceAccounts/" in tail:
            return _any_project(state, tail)
        short = f"projects/{state.project_id(project)}{slash}{tail}"
    return f"//{host}/{short}"


def _by_number(state: State, tail: str) -> str:
    """`serviceAccounts/NUMBER` by the address: an account goes by both."""
    head, _, number = tail.partition("/")
    if head != "serviceAccounts" or not number.isdigit():
        return tail
    accounts = state.of_kind("iam.googleapis.com/ServiceAccount")
    emails = (one.email for one in accounts if one.data["uniqueId"] == number)
    return f"{head}/{next(emails, number)}"


def _any_project(state: State, tail: str) -> str:
    """`projects/-/serviceAccounts/E`, with or without a key: by the account's own project."""
    email, slash, rest = tail.removeprefix("serviceAccounts/").partition("/")
    found = state.by_email("iam.googleapis.com/ServiceAccount", email)
    name = found.name if found else f"//iam.googleapis.com/projects/-/serviceAccounts/{email}"
    return f"{name}{slash}{rest}"


def place(call: Call) -> str:
    """The full name of the `resource` of a request."""
    if call.method.api == "storage":
        bucket = call.names["bucket"]
        folder = call.names.get("managedFolder")
        inner = f"/managedFolders/{folder}" if folder else ""
        return f"//storage.googleapis.com/{bucket}{inner}"
    return full_name(call.state, host_of(call.method), call.names["resource"])


def version_asked(call: Call) -> int:
    """The policy version that is asked for, in any of the four dialects; 1 when it is not said."""
    body = (call.body or {}).get("options", {})
    asked = int(body.get("requestedPolicyVersion") or 1)
    for name in ("options.requestedPolicyVersion", "optionsRequestedPolicyVersion"):
        asked = int(call.asked(name) or asked)
    if asked not in (0, 1, policies.CONDITIONS):
        raise invalid("The requested policy version must be 0, 1 or 3.", "options")
    return asked


def get(call: Call) -> Json:
    """Show a policy. Cloud Storage refuses to show one with conditions below version 3."""
    resource = call.state.get(place(call))
    version = version_asked(call)
    shown = policies.render(resource, version)
    if call.method.api != "storage":
        return shown
    if version < policies.CONDITIONS and policies.conditional(resource.policy):
        raise invalid("The requested policy version is too old for the conditions of the policy.")
    return {"kind": "storage#policy", "resourceId": _resource_id(resource.short), **shown}


def _resource_id(short: str) -> str:
    return f"projects/_/buckets/{short}"


def replace(call: Call) -> Json:
    """Replace a policy."""
    resource = call.state.get(place(call))
    legacy = call.method.api == "storage"
    policy = call.body if legacy else (call.body or {}).get("policy")
    if not isinstance(policy, dict):
        raise invalid("A policy is needed.", "policy")
    shown = policies.store(
        call.state, resource, policy, _fields(call), stale=412 if legacy else 409
    )
    if legacy:
        shown = {"kind": "storage#policy", "resourceId": _resource_id(resource.short), **shown}
    return shown


def _fields(call: Call) -> set[str]:
    """What a write replaces: not the audit settings unless said; all where there is no mask."""
    schemas = document(call.method.api, call.method.version)["schemas"]
    masked = "updateMask" in schemas[call.method.request].get("properties", {})
    if not masked:
        return {"*"}
    mask = (call.body or {}).get("updateMask") or "bindings,etag"
    return {f.strip() for f in mask.split(",")}


def test(call: Call) -> Json:
    """The permissions that the caller holds, of those that it asks about."""
    name = place(call)
    call.state.get(name)
    legacy = call.method.api == "storage"
    body = call.body or {}
    wanted = call.many("permissions") if legacy else body.get("permissions", [])
    if any("*" in p for p in wanted):
        raise invalid("Permissions with wildcards are not allowed.", "permissions")
    if name.startswith(f"{CLOUD}projects/"):
        _testable(wanted)
    held = [p for p in wanted if allowed(call.state, call.caller, p, name)]
    kind = {"kind": "storage#testIamPermissionsResponse"} if legacy else {}
    return {**kind, **({"permissions": held} if held else {})}


_ABOVE = (
    "resourcemanager.folders.",
    "resourcemanager.organizations.",
    "resourcemanager.projects.create",
    "resourcemanager.projects.list",
    "resourcemanager.tagKeys.",
    "resourcemanager.tagValues.",
    "iam.workforcePools.",
)
"""What is only above projects: one such name, and a project's whole call is refused.

https://cloud.google.com/iam/docs/reference/rest/v1/permissions/queryTestablePermissions
"""


def _testable(wanted: list[str]) -> None:
    """Raise GoogleError 400 for a permission that cannot be tested on a project."""
    if above := [p for p in wanted if p.startswith(_ABOVE)]:
        raise invalid(f"Permission {above[0]} is not valid for this resource.", "permissions")


def _served(method: Method) -> bool:
    """Whether it is of the usual form, and its permissions are known here."""
    if f"{permission_of(method).rpartition('.')[0]}.getIamPolicy" not in PERMISSIONS:
        return False
    names = set(method.names)
    if method.api == "storage":
        return names in ({"bucket"}, {"bucket", "managedFolder"})
    return names == {"resource"}


def register() -> None:
    """Answer the three verbs wherever a document has them."""
    for api, version in SERVED:
        for method in methods(api, version):
            verb = method.key.rpartition(".")[2]
            if verb in VERBS and _served(method):
                act = {"getIamPolicy": get, "setIamPolicy": replace}.get(verb, test)
                ANSWERS[method.key] = Answer(act, None if act is test else place, "")


register()
