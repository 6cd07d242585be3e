"""Who may do what: the one evaluation that every call and every probe goes through.

https://cloud.google.com/iam/docs/policies#evaluation
"""

from collections.abc import Iterator
from dataclasses import dataclass

from stopline.drill.google import conditions
from stopline.drill.google.principals import (
    ACCOUNT,
    CLOUD,
    Caller,
    caller_of,
    denied_as,
    identities,
)
from stopline.drill.google.roles import PREDEFINED, Role, v2_spelling
from stopline.drill.google.state import Resource, State
from stopline.text import Json

DENY = "iam.googleapis.com/DenyPolicy"
BUCKET = "storage.googleapis.com/Bucket"
OBJECT = "storage.googleapis.com/Object"
MANAGED = "storage.googleapis.com/ManagedFolder"
ROLE = "iam.googleapis.com/Role"
DATASET = "bigquery.googleapis.com/Dataset"
DATASET_ROLES = {
    "OWNER": "roles/bigquery.dataOwner",
    "WRITER": "roles/bigquery.dataEditor",
    "READER": "roles/bigquery.dataViewer",
}
"""The old spelling of a dataset's roles, in which they come back."""
PUBLIC = frozenset({"allusers", "allauthenticatedusers"})
_CONVENIENCE = {
    "projectowner": "roles/owner",
    "projecteditor": "roles/editor",
    "projectviewer": "roles/viewer",
}
_ACL_ROLES = {
    "storage.objects.get": ("READER", "OWNER"),
    "storage.objects.getIamPolicy": ("OWNER",),
    "storage.objects.setIamPolicy": ("OWNER",),
    "storage.objects.update": ("OWNER",),
}
_BUCKET_ACL_ROLES = {
    "storage.objects.list": ("READER", "WRITER", "OWNER"),
    "storage.objects.create": ("WRITER", "OWNER"),
    "storage.objects.delete": ("WRITER", "OWNER"),
    "storage.buckets.get": ("READER", "WRITER", "OWNER"),
    "storage.buckets.getIamPolicy": ("OWNER",),
    "storage.buckets.setIamPolicy": ("OWNER",),
    "storage.buckets.update": ("OWNER",),
}


@dataclass(frozen=True)
class Ask:
    """One question, with what is worked out once for it."""

    state: State
    caller: Caller
    permission: str
    resource: Resource
    means: frozenset[str]


def can(state: State, token: str, permission: str, name: str) -> bool:
    """Whether the bearer of a token may use a permission on the resource of a full name.

    A resource that does not exist may be used by nobody.
    """
    with state.lock:
        return allowed(state, caller_of(state, token), permission, name)


def allowed(state: State, caller: Caller, permission: str, name: str) -> bool:
    """As `can`, for a caller that is known already: deny, then allow; access lists besides.

    Whether a deny reaches what an access list of Cloud Storage gives, Google says nowhere: here it
    does not, so that whoever relies on it is found out.
    """
    resource = state.resources.get(name)
    if resource is None or caller.refusal:
        return False
    if caller.all_powerful:
        return True
    ask = Ask(state, caller, permission, resource, _means(state, caller, resource))
    if _listed(ask):
        return True
    if _denied(ask):
        return False
    return any(_granted(ask, up) for up in _above(ask)) or _dataset_lists(ask)


def _above(ask: Ask) -> Iterator[Resource]:
    """Whose policies count: the resource, its managed folders, and all that it lies in.

    https://cloud.google.com/storage/docs/managed-folders
    """
    yield from ask.state.upwards(ask.resource.name)
    if ask.resource.kind == OBJECT:
        for folder in ask.state.of_kind(MANAGED, ask.resource.parent):
            if str(ask.resource.data["name"]).startswith(str(folder.data["name"])):
                yield folder


def _means(state: State, caller: Caller, resource: Resource) -> frozenset[str]:
    """What members mean the caller here; public ones mean nobody where they are prevented."""
    found = identities(state, caller)
    return found - PUBLIC if _public_prevented(state, resource) else found


def _public_prevented(state: State, resource: Resource) -> bool:
    return any(
        up.data.get("iamConfiguration", {}).get("publicAccessPrevention") == "enforced"
        for up in state.upwards(resource.name)
        if up.kind == BUCKET
    )


def _denied(ask: Ask) -> bool:
    wanted = v2_spelling(ask.permission)
    forms: frozenset[str] = frozenset()
    for up in ask.state.upwards(ask.resource.name):
        for rule in _deny_rules(ask.state, up):
            forms = forms or denied_as(ask.state, ask.caller)
            if _rule_bites(rule.get("denyRule", {}), wanted, forms):
                return True
    return False


def _deny_rules(state: State, at: Resource) -> list[Json]:
    """The rules that are in force at one attachment point."""
    written = {p.name: p.data.get("rules", []) for p in state.of_kind(DENY, at.name)}
    names = {*written, *state.delays.gone(at.name)}
    found = (state.delays.in_force(n, written.get(n, []), state.now()) for n in sorted(names))
    return [rule for rules in found for rule in rules]


def _rule_bites(rule: Json, wanted: str, forms: frozenset[str]) -> bool:
    def among(key: str) -> bool:
        return any(str(p).lower() in forms for p in rule.get(key, []))

    permissions = rule.get("deniedPermissions", [])
    if wanted not in permissions or wanted in rule.get("exceptionPermissions", []):
        return False
    return among("deniedPrincipals") and not among("exceptionPrincipals")


def role_of(state: State, name: str) -> Role | None:
    """What a role gives: predefined, or a custom one of the estate. None when unknown."""
    if name in PREDEFINED:
        return PREDEFINED[name]
    custom = state.resources.get(f"//iam.googleapis.com/{name}")
    if custom is None or custom.kind != ROLE or custom.data.get("stage") == "DISABLED":
        return None
    return Role(tuple(custom.data.get("includedPermissions", [])))


def _bindings(state: State, at: Resource) -> list[Json]:
    """What is in force of an allow policy."""
    policy = state.delays.in_force(at.name, at.policy, state.now())
    found: list[Json] = policy.get("bindings", [])
    return found


def _granted(ask: Ask, at: Resource) -> bool:
    for binding in _bindings(ask.state, at):
        role = role_of(ask.state, binding["role"])
        if role is None or not role.includes(ask.permission):
            continue
        if not any(means(ask.state, m, ask.means) for m in binding["members"]):
            continue
        condition = binding.get("condition")
        if condition is None or _true(ask, condition["expression"]):
            return True
    return False


def _true(ask: Ask, expression: str) -> bool:
    resource = ask.resource
    named = resource.short
    if resource.kind.startswith("storage."):
        named = f"projects/_/buckets/{named.partition('#')[0]}"
    return conditions.holds(expression, named, resource.kind, ask.state.now())


def means(state: State, member: str, held: frozenset[str]) -> bool:
    """Whether a member of an allow policy is among what a caller is known as."""
    text = member.lower()
    if text in held:
        return True
    kind, _, project = text.partition(":")
    role = _CONVENIENCE.get(kind)
    host = state.resources.get(f"{CLOUD}projects/{state.project_id(project)}") if role else None
    return host is not None and any(
        binding["role"] == role and any(m.lower() in held for m in binding["members"])
        for binding in _bindings(state, host)
    )


def _listed(ask: Ask) -> bool:
    """Access lists of Cloud Storage, which are passed over under uniform access.

    https://cloud.google.com/storage/docs/access-control/lists
    """
    bucket = next((u for u in ask.state.upwards(ask.resource.name) if u.kind == BUCKET), None)
    if bucket is None or uniform(bucket):
        return False
    lists = [(bucket.data.get("acl", []), _BUCKET_ACL_ROLES)]
    if ask.resource.kind == OBJECT:
        lists.append((ask.resource.data.get("acl", []), _ACL_ROLES))
    return any(
        entry["role"] in roles.get(ask.permission, ()) and _entity(ask, entry["entity"])
        for entries, roles in lists
        for entry in entries
    )


def _dataset_lists(ask: Ask) -> bool:
    """The access list of a BigQuery dataset, for it and for what lies in it.

    https://cloud.google.com/bigquery/docs/reference/rest/v2/datasets
    """
    for up in ask.state.upwards(ask.resource.name):
        for entry in up.data.get("access", []) if up.kind == DATASET else ():
            told = str(entry.get("role", ""))
            role = role_of(ask.state, DATASET_ROLES.get(told, told))
            if role is None or not role.includes(ask.permission):
                continue
            if _entry_means(ask, entry, up) and _entry_true(ask, entry):
                return True
    return False


def _entry_true(ask: Ask, entry: Json) -> bool:
    return "condition" not in entry or _true(ask, entry["condition"]["expression"])


def _entry_means(ask: Ask, entry: Json, dataset: Resource) -> bool:
    return any(means(ask.state, m, ask.means) for m in dataset_members(ask.state, entry, dataset))


def dataset_members(state: State, entry: Json, dataset: Resource) -> tuple[str, ...]:
    """How a policy would name whom an entry of a dataset's list names; nothing for a view's.

    https://cloud.google.com/bigquery/docs/reference/rest/v2/datasets#Dataset.FIELDS.access
    """
    project = dataset.parent.rpartition("/")[2]
    special = {
        "projectOwners": f"projectOwner:{project}",
        "projectWriters": f"projectEditor:{project}",
        "projectReaders": f"projectViewer:{project}",
        "allAuthenticatedUsers": "allAuthenticatedUsers",
    }
    email = entry.get("userByEmail", "")
    robot = email.endswith("gserviceaccount.com") or state.by_email(ACCOUNT, email) is not None
    members = (
        email and f"{'serviceAccount' if robot else 'user'}:{email}",
        entry.get("groupByEmail") and f"group:{entry['groupByEmail']}",
        entry.get("domain") and f"domain:{entry['domain']}",
        special.get(entry.get("specialGroup", ""), ""),
        entry.get("iamMember", ""),
    )
    return tuple(filter(None, members))


def uniform(bucket: Resource) -> bool:
    """Whether a bucket passes over its access lists."""
    found = bucket.data.get("iamConfiguration", {}).get("uniformBucketLevelAccess", {})
    return bool(found.get("enabled"))


def _entity(ask: Ask, entity: str) -> bool:
    """Whether an entity of an access list means the caller: `user-E`, `project-owners-N` …"""
    if entity.lower() in ask.means:
        return True
    kind, _, rest = entity.partition("-")
    if kind == "project":
        team, _, number = rest.partition("-")
        return means(ask.state, f"project{team.removesuffix('s')}:{number}", ask.means)
    rest = rest.lower()
    if kind == "user":
        return bool({f"user:{rest}", f"serviceaccount:{rest}"} & ask.means)
    return f"{kind}:{rest}" in ask.means
