"""Service accounts, their keys, and workload identity pools.

https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts
"""

from datetime import timedelta

from stopline.drill.google.calls import Call, answers, page
from stopline.drill.google.errors import GoogleError, invalid, not_found, precondition
from stopline.drill.google.principals import ACCOUNT, CLOUD, KEY, POOL, PROVIDER, WORKFORCE
from stopline.drill.google.sharing import full_name
from stopline.drill.google.state import Resource, etag_of
from stopline.text import Json

HOST = "iam.googleapis.com"
DELETED = "DELETED"
KEPT_DAYS = 30
"""How long what is deleted can be undeleted."""
HELD = "_held"
"""Set where Google itself switched an account off; no answer shows it."""
_A = "iam.v1.projects.serviceAccounts"
_P = "iam.v1.projects.locations.workloadIdentityPools"
_W = "iam.v1.locations.workforcePools"


def shown(resource: Resource) -> Json:
    """An account, key or pool as its API shows it."""
    tagged = {"etag": etag_of(resource.revision)} if resource.kind == ACCOUNT else {}
    return {**{k: v for k, v in resource.data.items() if k != HELD}, **tagged}


def _named(call: Call) -> str:
    return full_name(call.state, HOST, call.names["name"])


def _project(call: Call) -> str:
    project = call.names["name"].partition("/")[2]
    return f"//cloudresourcemanager.googleapis.com/projects/{call.state.project_id(project)}"


def _account_of_key(call: Call) -> str:
    return _named(call).partition("/keys/")[0]


@answers(f"{_A}.list", on=_project)
def accounts(call: Call) -> Json:
    """The service accounts of a project; 20 in a page unless more are asked for, 100 at most."""
    found = call.state.of_kind(ACCOUNT, _project(call))
    some, more = page(call, found, usual=20, most=100)
    return {"accounts": [shown(r) for r in some], **more} if some else more


@answers(f"{_A}.get", on=_named)
def account(call: Call) -> Json:
    """One service account."""
    return shown(call.state.get(_named(call)))


@answers(f"{_A}.disable", f"{_A}.enable", on=_named)
def switch_account(call: Call) -> Json:
    """Switch a service account off, or on. One that Google itself switched off stays off.

    https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts/enable
    """
    resource = call.state.get(_named(call))
    off = call.method.key.endswith(".disable")
    if not off and resource.data.get(HELD):
        return {}
    return _switch(call, resource, off=off)


def _switch(call: Call, resource: Resource, *, off: bool) -> Json:
    """The bit is shown only where it is set, as Google's own JSON has it."""
    if off and not resource.data.get("disabled"):
        resource.data["disabled"] = True
        call.state.touch(resource)
    elif not off and resource.data.pop("disabled", False):
        call.state.touch(resource)
    return {}


@answers(f"{_A}.keys.list", on=_named, permission="iam.serviceAccountKeys.list")
def keys(call: Call) -> Json:
    """The keys of an account, of the kinds that are asked for. There are no pages."""
    kinds = call.many("keyTypes")
    found = [shown(k) for k in call.state.of_kind(KEY, _named(call))]
    some = [k for k in found if not kinds or k.get("keyType") in kinds]
    return {"keys": some} if some else {}


@answers(f"{_A}.keys.get", on=_named)
def key(call: Call) -> Json:
    """One key, without its secret."""
    return shown(call.state.get(_named(call)))


@answers(f"{_A}.keys.disable", f"{_A}.keys.enable", on=_named)
def switch_key(call: Call) -> Json:
    """Switch a key off, or on. One that was found in public cannot be enabled again.

    https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts.keys/enable
    """
    resource = call.state.get(_named(call))
    if resource.data.get("keyType") == "SYSTEM_MANAGED":
        raise invalid("System-managed keys cannot be disabled or enabled.")
    off = call.method.key.endswith(".disable")
    if (
        not off
        and resource.data.get("disableReason") == "SERVICE_ACCOUNT_KEY_DISABLE_REASON_EXPOSED"
    ):
        raise precondition("The key was disabled because it is exposed.")
    done = _switch(call, resource, off=off)
    if off:
        resource.data.setdefault(
            "disableReason", "SERVICE_ACCOUNT_KEY_DISABLE_REASON_USER_INITIATED"
        )
    else:
        resource.data.pop("disableReason", None)
    return done


def _pool_parent(call: Call) -> str:
    project = call.names["parent"].split("/")[1]
    return f"//cloudresourcemanager.googleapis.com/projects/{call.state.project_id(project)}"


def _living(call: Call, kind: str, parent: str) -> list[Resource]:
    """The pools that are there; those that are deleted as well where they are asked for."""
    every = call.flag("showDeleted")
    found = call.state.of_kind(kind, parent)
    return [one for one in found if every or one.data.get("state") != DELETED]


@answers(f"{_P}.list", on=_pool_parent)
def pools(call: Call) -> Json:
    """The workload identity pools of a project."""
    some, more = page(call, _living(call, POOL, _pool_parent(call)), most=1000)
    return {"workloadIdentityPools": [shown(r) for r in some], **more} if some else more


def _organization(call: Call) -> str:
    return f"{CLOUD}{call.asked('parent')}"


@answers(f"{_W}.list", on=_organization)
def workforce_pools(call: Call) -> Json:
    """The workforce pools of an organisation.

    https://cloud.google.com/iam/docs/reference/rest/v1/locations.workforcePools/list
    """
    some, more = page(call, _living(call, WORKFORCE, _organization(call)), most=100)
    return {"workforcePools": [shown(r) for r in some], **more} if some else more


@answers(f"{_P}.get", f"{_W}.get", on=_named)
def pool(call: Call) -> Json:
    """One pool."""
    return shown(call.state.get(_named(call)))


@answers(f"{_P}.patch", f"{_W}.patch", on=_named)
def patch_pool(call: Call) -> Json:
    """Change the fields of a mask; the answer says how far it has come.

    https://cloud.google.com/iam/docs/reference/rest/v1/projects.locations.workloadIdentityPools/patch
    """
    resource = call.state.get(_named(call))
    if resource.data.get("state") == DELETED:
        raise precondition("A deleted pool cannot be updated.")
    fields = [f for f in call.asked("updateMask").split(",") if f]
    if not fields:
        raise invalid("updateMask is required.", "update_mask")
    for field in fields:
        if field not in ("disabled", "displayName", "description"):
            raise invalid(f"Invalid update mask: {field}", "update_mask")
        value = call.body.get(field)
        if value:
            resource.data[field] = value
        else:
            resource.data.pop(field, None)
    return _begun(call, resource)


def _begun(call: Call, resource: Resource) -> Json:
    call.state.touch(resource)
    kind = "v1." + resource.kind.partition("/")[2]
    return call.state.operation(f"{resource.short}/operations/", shown(resource), kind)


@answers(f"{_P}.create", on=_pool_parent)
def create_pool(call: Call) -> Json:
    """Make a pool. The name of a deleted one is not free until that is gone for good.

    https://cloud.google.com/iam/docs/reference/rest/v1/projects.locations.workloadIdentityPools/create
    """
    host, pool_id = call.state.get(_pool_parent(call)), call.asked("workloadIdentityPoolId")
    tail = f"locations/global/workloadIdentityPools/{pool_id}"
    name = f"//{HOST}/{host.short}/{tail}"
    found = call.state.resources.get(name)
    purged = found is not None and str(found.data.get("expireTime", "~")) <= _time(call, 0)
    if found is not None and not purged:
        raise GoogleError(409, "Requested entity already exists", status="ALREADY_EXISTS")
    data = {**call.body, "name": f"projects/{host.number}/{tail}", "state": "ACTIVE"}
    return _begun(call, call.state.add(Resource(name, POOL, host.name, data)))


@answers(f"{_P}.delete", f"{_W}.delete", on=_named)
def delete_pool(call: Call) -> Json:
    """Delete a pool, which is shown as deleted for a month; its tokens are good for nothing.

    https://cloud.google.com/iam/docs/reference/rest/v1/projects.locations.workloadIdentityPools/delete
    """
    resource = call.state.get(_named(call))
    if resource.data.get("state") == DELETED:
        raise precondition("The pool is deleted already.")
    resource.data |= {"state": DELETED, "expireTime": _time(call, KEPT_DAYS)}
    return _begun(call, resource)


@answers(f"{_P}.undelete", f"{_W}.undelete", on=_named)
def undelete_pool(call: Call) -> Json:
    """Bring a pool back as it was, inactive or not.

    https://cloud.google.com/iam/docs/reference/rest/v1/projects.locations.workloadIdentityPools/undelete
    """
    resource = call.state.get(_named(call))
    if resource.data.get("state") != DELETED:
        raise precondition("The pool is not deleted.")
    if str(resource.data.pop("expireTime")) <= _time(call, 0):
        raise not_found(resource.short)
    resource.data["state"] = "ACTIVE"
    return _begun(call, resource)


def _time(call: Call, days: int) -> str:
    return (call.state.now() + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _pool_of_operation(call: Call) -> str:
    return _named(call).partition("/operations/")[0]


@answers(f"{_P}.operations.get", f"{_W}.operations.get", on=_pool_of_operation)
def pool_operation(call: Call) -> Json:
    """How far a change of a pool has come."""
    return call.state.ask_operation(call.names["name"])


def _pool(call: Call) -> str:
    return full_name(call.state, HOST, call.names["parent"])


@answers(f"{_P}.providers.list", on=_pool, permission="iam.workloadIdentityPoolProviders.list")
def providers(call: Call) -> Json:
    """The providers of a pool."""
    found = call.state.of_kind(PROVIDER, _pool(call))
    some, more = page(call, found, most=100)
    return {"workloadIdentityPoolProviders": [shown(r) for r in some], **more} if some else more


@answers(
    "iamcredentials.v1.projects.serviceAccounts.generateAccessToken",
    on=lambda call: full_name(call.state, HOST, call.names["name"]),
)
def impersonate(call: Call) -> Json:
    """A token of the account, for a caller who may ask for one: it is the account's own name.

    https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateAccessToken
    """
    resource = call.state.get(full_name(call.state, HOST, call.names["name"]))
    if call.body.get("delegates"):
        raise GoogleError(501, "Delegation chains are not implemented.")
    if not call.body.get("scope"):
        raise invalid("At least one scope is needed.", "scope")
    if resource.data.get("disabled"):
        raise precondition("Service account is disabled.")
    seconds = int(str(call.body.get("lifetime") or "3600s").removesuffix("s"))
    ends = (call.state.now() + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"accessToken": f"serviceAccount:{resource.email}", "expireTime": ends}
