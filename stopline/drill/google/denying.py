"""Deny policies: one document each, made, replaced and deleted by calls that may take their time.

https://cloud.google.com/iam/docs/reference/rest/v2/policies
"""

import re
from urllib.parse import quote, unquote

from stopline.drill.google.calls import Call, answers, page
from stopline.drill.google.catalogue import NOT_DENIABLE, PERMISSIONS, SERVICES
from stopline.drill.google.errors import GoogleError, invalid, not_found
from stopline.drill.google.oracle import DENY
from stopline.drill.google.policies import CONCURRENT
from stopline.drill.google.roles import v1_spelling
from stopline.drill.google.sharing import full_name
from stopline.drill.google.state import Resource, etag_of
from stopline.text import Json

MOST_POLICIES = MOST_RULES = 500
"""https://cloud.google.com/iam/docs/deny-overview"""

_PERMISSION = re.compile(r"[a-z]+\.googleapis\.com/[A-Za-z]+\.[A-Za-z]+")
_PRINCIPAL = re.compile(
    r"principal://goog/subject/[^/A-Z]+@[^/A-Z]+"
    r"|principal://iam\.googleapis\.com/projects/-/serviceAccounts/[^/A-Z]+@[^/A-Z]+"
    r"|principalSet://goog/group/[^/A-Z]+@[^/A-Z]+"
    r"|principalSet://goog/cloudIdentityCustomerId/C\w+"
    r"|principalSet://goog/public:all"
    r"|principal(Set)?://iam\.googleapis\.com/projects/\d+/locations/global/workloadIdentityPools/.+"
    r"|principal(Set)?://iam\.googleapis\.com/locations/global/workforcePools/.+"
)
_GONE = re.compile(r"deleted:principal://.+\?uid=\d+")
"""How a policy goes on naming whoever was deleted since."""
_ID = re.compile(r"[a-z][a-z0-9.-]{2,62}")


def _attachment(call: Call) -> str:
    """The full name of what the policy is attached to; the client sends it encoded."""
    text = call.names.get("parent") or call.names["name"]
    found = re.fullmatch(r"policies/(.+?)/denypolicies(/.*)?", text)
    if not found:
        raise invalid("The policy's name is not understood.", "name")
    host, _, short = unquote(found[1]).partition("/")
    if host != "cloudresourcemanager.googleapis.com" or short.count("/") != 1:
        raise invalid("Deny policies attach to organizations, folders and projects.", "parent")
    return full_name(call.state, host, short)


def _name(resource: Resource) -> str:
    """`policies/cloudresourcemanager.googleapis.com%2Fprojects%2F77`: a project by its number."""
    kind, _, ident = resource.short.partition("/")
    point = f"cloudresourcemanager.googleapis.com/{kind}/{resource.number or ident}"
    return f"policies/{quote(point, safe='')}/denypolicies"


def full_name_of(attached: Resource, policy_id: str) -> str:
    """The full name of a deny policy in the state."""
    return f"//iam.googleapis.com/{_name(attached)}/{policy_id}"


def _found(call: Call) -> Resource:
    attached = call.state.get(_attachment(call))
    policy_id = call.names["name"].partition("/denypolicies/")[2].partition("/")[0]
    found = call.state.resources.get(full_name_of(attached, policy_id))
    if found is None:
        raise not_found(f"Deny policy {policy_id}")
    return found


def shown(resource: Resource) -> Json:
    """A deny policy as it is read."""
    return {**resource.data, "etag": etag_of(resource.revision)}


@answers("iam.v2.policies.listPolicies", on=_attachment)
def policies(call: Call) -> Json:
    """The deny policies of one attachment point, without their rules."""
    found = call.state.of_kind(DENY, _attachment(call))
    some, more = page(call, found, most=1000)
    bare = [{k: v for k, v in shown(r).items() if k != "rules"} for r in some]
    return {"policies": bare, **more} if some else more


@answers("iam.v2.policies.get", on=_attachment)
def policy(call: Call) -> Json:
    """One deny policy, with its rules."""
    return shown(_found(call))


@answers("iam.v2.policies.createPolicy", on=_attachment)
def create(call: Call) -> Json:
    """Attach a deny policy. Its id must not be in use."""
    attached = call.state.get(_attachment(call))
    policy_id = call.asked("policyId")
    if not _ID.fullmatch(policy_id):
        raise invalid(f"Invalid policy id: {policy_id!r}", "policy_id")
    name = full_name_of(attached, policy_id)
    if name in call.state.resources:
        raise GoogleError(
            409,
            f"Policy {policy_id} already exists.",
            status="ALREADY_EXISTS",
            reason="alreadyExists",
        )
    if len(call.state.of_kind(DENY, attached.name)) >= MOST_POLICIES:
        raise invalid("Too many deny policies at the attachment point.")
    _check(call.body)
    _check_known(call)
    now = call.state.now().isoformat()
    fixed = {"name": name.removeprefix("//iam.googleapis.com/"), "kind": "DenyPolicy"}
    made = {**_kept(call.body), **fixed, "uid": f"uid-{call.state.next_revision()}"}
    call.state.delays.note(name, [], call.state.now())
    made |= {"createTime": now, "updateTime": now}
    return _operation(call, call.state.add(Resource(name, DENY, attached.name, made)))


def _kept(body: Json) -> Json:
    """What a writer decides; all else is Google's."""
    return {k: v for k, v in body.items() if k in ("displayName", "annotations", "rules")}


@answers("iam.v2.policies.update", on=_attachment)
def update(call: Call) -> Json:
    """Replace a deny policy. A tag that is old is refused; without one it is overwritten."""
    found = _found(call)
    _check_tag(found, (call.body or {}).get("etag", ""))
    _check(call.body)
    _check_known(call)
    fixed = {k: v for k, v in found.data.items() if k in ("name", "kind", "uid", "createTime")}
    call.state.delays.note(found.name, found.data.get("rules", []), call.state.now())
    found.data = {**_kept(call.body), **fixed, "updateTime": call.state.now().isoformat()}
    call.state.touch(found)
    return _operation(call, found)


@answers("iam.v2.policies.delete", on=_attachment)
def delete(call: Call) -> Json:
    """Take a deny policy away. A tag that is old is refused; without one it always goes."""
    found = _found(call)
    _check_tag(found, call.asked("etag"))
    call.state.remove(found)
    rules = found.data.get("rules", [])
    call.state.delays.note_gone(found.name, rules, found.parent, call.state.now())
    return _operation(call, found)


@answers("iam.v2.policies.operations.get", on=_attachment)
def operation(call: Call) -> Json:
    """How far a write has come."""
    return call.state.ask_operation(call.names["name"])


def _operation(call: Call, policy: Resource) -> Json:
    return call.state.operation(f"{policy.short}/operations/", shown(policy), "v2.Policy")


def _check_tag(policy: Resource, etag: str) -> None:
    if etag and etag != etag_of(policy.revision):
        raise GoogleError(409, CONCURRENT)


def _check(body: Json) -> None:
    """Hold a policy to what deny policies can say. Raises GoogleError 400."""
    rules = body.get("rules", [])
    if len(rules) > MOST_RULES or len(body.get("displayName", "")) > 63:  # noqa: PLR2004 - Google's own number
        raise invalid("The policy is too large.")
    for rule in rules:
        _check_rule(rule.get("denyRule"))


def _check_known(call: Call) -> None:
    """Nobody is denied whose account is no more. Raises GoogleError 400."""
    for rule in call.body.get("rules", []):
        for principal in rule["denyRule"]["deniedPrincipals"]:
            if principal.rpartition("/")[2] in call.state.nobody:
                raise invalid(f"Principal {principal} does not exist.", "rules.deny_rule")


def _check_rule(deny: Json) -> None:
    if not deny or not deny.get("deniedPrincipals") or not deny.get("deniedPermissions"):
        raise invalid("A deny rule needs principals and permissions.", "rules.deny_rule")
    if deny.get("denialCondition"):
        raise GoogleError(501, "Conditions of deny rules are not implemented here.")
    for permission in [*deny["deniedPermissions"], *deny.get("exceptionPermissions", [])]:
        _check_permission(permission)
    for principal in [*deny["deniedPrincipals"], *deny.get("exceptionPrincipals", [])]:
        if not (_PRINCIPAL.fullmatch(principal) or _GONE.fullmatch(principal)):
            raise invalid(f"Invalid principal: {principal}", "rules.deny_rule")
    if "principalSet://goog/public:all" in deny.get("exceptionPrincipals", []):
        raise invalid("Exception principals can not contain public:all.", "rules.deny_rule")


def _check_permission(permission: str) -> None:
    if not _PERMISSION.fullmatch(permission):
        raise invalid(f"Invalid permission: {permission}", "rules.deny_rule")
    known = v1_spelling(permission)
    service = known.partition(".")[0]
    if service in SERVICES and known not in PERMISSIONS:
        raise invalid(f"Permission {permission} does not exist.", "rules.deny_rule")
    if known.startswith(NOT_DENIABLE):
        raise invalid(f"Permission {permission} is not supported in deny policies.", "rules")
