"""Allow policies as every `getIamPolicy` and `setIamPolicy` has them: versions, tags, refusals.

https://cloud.google.com/iam/docs/policies#versions and
https://cloud.google.com/iam/docs/troubleshooting-withcond
"""

from collections import Counter
from urllib.parse import quote

from stopline.drill.google import conditions
from stopline.drill.google.errors import GoogleError, invalid, precondition
from stopline.drill.google.oracle import role_of
from stopline.drill.google.principals import ACCOUNT, GROUP, USER, email_of
from stopline.drill.google.roles import BASIC
from stopline.drill.google.state import Resource, State, etag_of
from stopline.text import Json, canonical, sha256

CONDITIONS = 3
MOST_PRINCIPALS, MOST_GROUPS, MOST_CONDITIONS = 1500, 250, 20
"""https://cloud.google.com/iam/quotas"""

CONCURRENT = (
    "There were concurrent policy changes. "
    "Please retry the whole read-modify-write with exponential backoff."
)
_KINDS = (
    "user:",
    "serviceAccount:",
    "group:",
    "domain:",
    "principal://",
    "principalSet://",
    "projectOwner:",
    "projectEditor:",
    "projectViewer:",
    "deleted:user:",
    "deleted:serviceAccount:",
    "deleted:group:",
    "deleted:principal://",
)
_PUBLIC = ("allUsers", "allAuthenticatedUsers")


def conditional(policy: Json) -> bool:
    """Whether a policy has a condition in it."""
    return any(b.get("condition") for b in policy.get("bindings", []))


def render(resource: Resource, version: int) -> Json:
    """A policy as it is shown to who asks for a version.

    Below 3 a condition is left out and its role is shown under a name that no write may use.
    """
    policy = dict(resource.policy)
    bindings = [dict(b) for b in policy.get("bindings", [])]
    shown = CONDITIONS if conditional(policy) else 1
    if version < CONDITIONS and shown == CONDITIONS:
        shown = 1
        bindings = [_hidden(b) for b in bindings]
    policy.update(version=shown, etag=etag_of(resource.policy_revision))
    policy.pop("bindings", None)
    return {**policy, "bindings": bindings} if bindings else policy


def _hidden(binding: Json) -> Json:
    condition = binding.get("condition")
    if not condition:
        return binding
    digest = sha256(canonical(condition))[:20]
    return {"role": f"{binding['role']}_withcond_{digest}", "members": binding["members"]}


def store(state: State, resource: Resource, policy: Json, fields: set[str], *, stale: int) -> Json:
    """Put a policy in the place of what is there, and show it. Raises GoogleError.

    `stale` is the code that answers an old tag: 409, and 412 at Cloud Storage.
    """
    etag = policy.get("etag")
    if etag and etag != etag_of(resource.policy_revision):
        reason = "conditionNotMet" if stale != 409 else "aborted"  # noqa: PLR2004 - HTTP's number
        raise GoogleError(stale, CONCURRENT, reason=reason)
    version = int(policy.get("version") or 0)
    asks = conditional(policy) or (etag and conditional(resource.policy))
    if asks and version < CONDITIONS:
        raise invalid(
            f"Policies with conditions must specify version 3; the request has version {version}.",
            "policy.version",
        )
    bindings = _tidy(policy.get("bindings", []))
    _check(state, resource, bindings)
    kept = {k: v for k, v in policy.items() if k not in ("etag", "version", "bindings", "kind")}
    merged = {**resource.policy, "bindings": bindings} if "bindings" in fields else resource.policy
    if "*" in fields:
        merged = {**kept, "bindings": bindings}
    elif "auditConfigs" in fields:
        merged = {**merged, "auditConfigs": kept.get("auditConfigs", [])}
    state.delays.note(resource.name, resource.policy, state.now())
    resource.policy = {k: v for k, v in merged.items() if v not in (None, [], {})}
    resource.policy_revision = state.next_revision()
    return render(resource, CONDITIONS if version >= CONDITIONS else 1)


def _tidy(bindings: list[Json]) -> list[Json]:
    """As Google keeps them: one for each role and condition, each member once, none empty."""
    found: dict[str, Json] = {}
    for told in bindings:
        condition = {"condition": told["condition"]} if told.get("condition") else {}
        kept = {"role": told["role"], "members": [], **condition}
        one = found.setdefault(canonical([kept["role"], condition]), kept)
        one["members"] = list(dict.fromkeys([*one["members"], *told.get("members", [])]))
    return [b for b in found.values() if b["members"]]


def _check(state: State, resource: Resource, bindings: list[Json]) -> None:
    for binding in bindings:
        _check_role(state, binding)
    check_everybody(state, resource, bindings)
    _check_owners(resource, bindings)
    everyone = [m for b in bindings for m in b["members"]]
    groups = {m for m in everyone if m.startswith("group:")}
    if len(everyone) > MOST_PRINCIPALS or len(groups) > MOST_GROUPS:
        raise invalid(
            f"The number of members in the policy ({len(everyone)}) is larger than "
            f"the maximum allowed size {MOST_PRINCIPALS}."
        )
    pairs = Counter((b["role"], m) for b in bindings for m in b["members"])
    if pairs and max(pairs.values()) > MOST_CONDITIONS:
        raise invalid("Too many conditional bindings for one role and member.")


def check_everybody(state: State, resource: Resource, bindings: list[Json]) -> None:
    """Raise GoogleError 400 for somebody who does not exist, or whom a constraint keeps out."""
    check_members(state, bindings)
    _check_gone(state, resource, bindings)
    _check_sharing(state, resource, bindings)


def check_members(state: State, bindings: list[Json]) -> None:
    """Raise GoogleError 400 for a member that is no principal, or that does not exist."""
    for binding in bindings:
        for member in binding["members"]:
            _check_member(state, member)


def _check_role(state: State, binding: Json) -> None:
    role = binding["role"]
    if "_withcond_" in role or role_of(state, role) is None:
        raise invalid(f"Role {role} is not supported for this resource.", "policy.bindings.role")
    if condition := binding.get("condition"):
        if role in BASIC:
            raise invalid("Conditions can not be set on primitive roles.")
        if not condition.get("expression") or not condition.get("title"):
            raise invalid("A condition needs a title and an expression.")
        conditions.check(condition["expression"])


def _check_member(state: State, member: str) -> None:
    if member not in _PUBLIC and not member.startswith(_KINDS):
        raise invalid(f"Invalid member: {member}", "policy.bindings.member")
    email = email_of(member)
    domain = email.rpartition("@")[2]
    if not email:
        return
    kind = {"user": USER, "group": GROUP}.get(member.partition(":")[0], ACCOUNT)
    known = state.by_email(kind, email) is not None
    if not known and (kind == ACCOUNT or state.is_ours(domain)):
        raise invalid(f"{kind.partition('/')[2]} {email} does not exist.")


def _check_gone(state: State, resource: Resource, bindings: list[Json]) -> None:
    """Nobody comes into a policy whose account outside is no more; who is in it stays in it.

    https://cloud.google.com/iam/docs/troubleshooting-access
    """
    before = {m for b in resource.policy.get("bindings", []) for m in b["members"]}
    for member in (m for b in bindings for m in b["members"]):
        if member not in before and email_of(member) in state.nobody:
            kind = {"user": "User", "group": "Group"}.get(
                member.partition(":")[0], "Service account"
            )
            raise invalid(f"{kind} {email_of(member)} does not exist.")


def _check_owners(resource: Resource, bindings: list[Json]) -> None:
    """A person becomes owner of a project by an invitation only, never by this call.

    https://cloud.google.com/resource-manager/reference/rest/v3/projects/setIamPolicy
    """
    if not resource.kind.endswith("/Project"):
        return
    before, after = _owners(resource.policy.get("bindings", [])), _owners(bindings)
    if new := sorted(after - before):
        raise precondition(f"ORG_MUST_INVITE_EXTERNAL_OWNERS: {', '.join(new)}")


def _owners(bindings: list[Json]) -> set[str]:
    found = [b["members"] for b in bindings if b["role"] == "roles/owner"]
    return {m for members in found for m in members if m.startswith("user:")}


def _check_sharing(state: State, resource: Resource, bindings: list[Json]) -> None:
    """Domain-restricted sharing looks at every member that is written, new or not.

    https://cloud.google.com/resource-manager/docs/organization-policy/restricting-domains
    """
    tops = [u.name for u in state.upwards(resource.name) if u.name in state.allowed_domains]
    if not tops:
        return
    customers = state.allowed_domains[tops[0]]
    everyone = dict.fromkeys(m for b in bindings for m in b["members"])
    outside = [m for m in everyone if not _permitted(state, m, customers)]
    if not outside:
        return
    violations = [_violation(resource, member) for member in outside]
    kind = "type.googleapis.com/google.rpc.PreconditionFailure"
    raise precondition(
        "One or more users named in the policy do not belong to a permitted customer, "
        "perhaps due to an organization policy.",
        [{"@type": kind, "violations": violations}],
    )


def _violation(resource: Resource, member: str) -> Json:
    """Whom the constraint keeps out. Cloud Storage's errors have no place for it."""
    who = member.partition(":")[2] or member
    return {
        "type": "constraints/iam.allowedPolicyMemberDomains",
        "subject": f"orgpolicy:{resource.short}?configvalue={quote(who, safe='')}",
        "description": f"User {who} is not in permitted organization.",
    }


def _permitted(state: State, member: str, customers: tuple[str, ...]) -> bool:
    if member in _PUBLIC:
        return False
    kind, _, rest = member.partition(":")
    if kind == "serviceAccount":
        account = state.by_email(ACCOUNT, rest)
        return account is not None and not account.hidden
    if kind not in ("user", "group", "domain"):
        return True
    return state.customer_of(rest.lower().rpartition("@")[2]) in customers
