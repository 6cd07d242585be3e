"""Cloud Storage: buckets, their access lists, HMAC keys.

https://cloud.google.com/storage/docs/json_api/v1/buckets
"""

import copy
from datetime import timedelta

from stopline.drill.google.calls import Call, answers, page
from stopline.drill.google.errors import GoogleError, invalid
from stopline.drill.google.lists import whole
from stopline.drill.google.oracle import BUCKET, MANAGED, uniform
from stopline.drill.google.principals import CLOUD, HMAC
from stopline.drill.google.state import Resource, etag_of
from stopline.text import Json

_FIXED = ("kind", "id", "name", "projectNumber", "metageneration", "etag", "timeCreated", "updated")
_LISTS = ("acl", "defaultObjectAcl")
WEEK, LONGEST_KEPT = 604_800, 7_776_000
"""Seconds for which soft delete may keep what was deleted."""
LOCK_DAYS = 90
"""How long uniform access can be taken back: https://cloud.google.com/storage/docs/uniform-bucket-level-access"""


def versioned(data: Json) -> bool:
    """Whether a bucket keeps what is overwritten and deleted."""
    return bool((data.get("versioning") or {}).get("enabled"))


def bucket_of(call: Call) -> str:
    """The full name of the bucket that is asked for."""
    return f"//storage.googleapis.com/{call.names['bucket']}"


def _project(call: Call) -> str:
    return f"{CLOUD}projects/{call.state.project_id(call.asked('project'))}"


def shown(resource: Resource, *, full: bool) -> Json:
    """A bucket as it is read; access lists only where they are asked for, and not when uniform."""
    hide = () if full and not uniform(resource) else _LISTS
    data = {k: v for k, v in resource.data.items() if k not in hide}
    return {**data, "etag": etag_of(resource.revision)}


def check_generation(call: Call, resource: Resource) -> None:
    """Hold a request to its preconditions. Raises GoogleError 412."""
    now = str(resource.data.get("metageneration", "1"))
    wanted, unwanted = call.asked("ifMetagenerationMatch"), call.asked("ifMetagenerationNotMatch")
    if (wanted and wanted != now) or (unwanted and unwanted == now):
        raise GoogleError(412, "At least one of the pre-conditions you specified did not hold.")


@answers("storage.v1.buckets.list", on=_project)
def buckets(call: Call) -> Json:
    """The buckets of a project."""
    prefix = call.asked("prefix")
    found = [b for b in call.state.of_kind(BUCKET, _project(call)) if b.short.startswith(prefix)]
    some, more = page(call, found, size="maxResults", usual=1000)
    full = call.asked("projection") == "full"
    items = [shown(b, full=full) for b in some]
    return {"kind": "storage#buckets", **({"items": items} if items else {}), **more}


@answers("storage.v1.buckets.get", on=bucket_of)
def bucket(call: Call) -> Json:
    """One bucket."""
    found = call.state.get(bucket_of(call))
    check_generation(call, found)
    return shown(found, full=call.asked("projection") == "full")


@answers("storage.v1.buckets.patch", on=bucket_of)
def patch(call: Call) -> Json:
    """Change what is named; `null` takes a field away."""
    found = call.state.get(bucket_of(call))
    check_generation(call, found)
    change = {k: v for k, v in (call.body or {}).items() if k not in _FIXED}
    if any(k in change for k in _LISTS):
        call.require("storage.buckets.setIamPolicy", found.name)
    for name in (k for k in _LISTS if k in change):
        objects = name != "acl"
        change[name] = whole(call.state, found, change[name] or [], objects=objects)
    merged = merge(found.data, change)
    _check(call, found, merged)
    found.data = merged
    call.state.touch(found)
    return shown(found, full=call.asked("projection") == "full")


def merge(old: Json, change: Json) -> Json:
    """The older services' patch: objects are merged, `null` deletes, all else is replaced."""
    merged = copy.deepcopy(old)
    for name, value in change.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, dict) and isinstance(merged.get(name), dict):
            merged[name] = merge(merged[name], value)
        else:
            merged[name] = copy.deepcopy(value)
    return merged


def _check(call: Call, found: Resource, merged: Json) -> None:
    """Uniform access: until when it can be taken back, and no access lists beside it."""
    iam = merged.setdefault("iamConfiguration", {})
    if iam.get("publicAccessPrevention", "inherited") not in ("inherited", "enforced"):
        raise invalid("Invalid argument: publicAccessPrevention.")
    wanted = iam.setdefault("uniformBucketLevelAccess", {"enabled": False})
    now = call.state.now()
    if wanted.get("enabled") and not uniform(found):
        wanted["lockedTime"] = (now + timedelta(days=LOCK_DAYS)).isoformat()
    elif not wanted.get("enabled"):
        locked = wanted.pop("lockedTime", "")
        if uniform(found) and locked and locked <= now.isoformat():
            raise GoogleError(412, "Cannot disable uniform bucket-level access after 90 days.")
    if wanted.get("enabled") and any(call.body.get(k) for k in _LISTS):
        raise invalid("Cannot use ACL API to update bucket policy when uniform access is enabled.")
    _check_kept(merged)
    retention = merged.get("retentionPolicy") or {}
    if (found.data.get("retentionPolicy") or {}).get("isLocked") and not retention.get("isLocked"):
        raise GoogleError(403, "Cannot change a locked retention policy.", reason="forbidden")


def _check_kept(merged: Json) -> None:
    """https://cloud.google.com/storage/docs/soft-delete and …/docs/hns-overview"""
    kept = int((merged.get("softDeletePolicy") or {}).get("retentionDurationSeconds", 0))
    if kept and not WEEK <= kept <= LONGEST_KEPT:
        raise invalid("Soft delete retention duration must be 0, or from 7 to 90 days.")
    if merged.get("hierarchicalNamespace", {}).get("enabled") and versioned(merged):
        raise invalid("Versioning is not supported for buckets with hierarchical namespace.")


@answers("storage.v1.managedFolders.list", on=bucket_of)
def managed_folders(call: Call) -> Json:
    """The folders of a bucket that have policies of their own."""
    found = call.state.of_kind(MANAGED, bucket_of(call))
    some, more = page(call, [f for f in found if _prefixed(call, f)], usual=1000)
    items = [f.data for f in some]
    return {"kind": "storage#managedFolders", **({"items": items} if items else {}), **more}


def _prefixed(call: Call, folder: Resource) -> bool:
    return str(folder.data["name"]).startswith(call.asked("prefix"))


def _hmac_project(call: Call) -> str:
    return f"{CLOUD}projects/{call.state.project_id(call.names['projectId'])}"


def _hmac(call: Call) -> Resource:
    project = _hmac_project(call).partition("//cloudresourcemanager.googleapis.com/")[2]
    return call.state.get(f"//storage.googleapis.com/{project}/hmacKeys/{call.names['accessId']}")


def hmac_shown(resource: Resource) -> Json:
    """An HMAC key as it is read."""
    return {**resource.data, "etag": etag_of(resource.revision)}


@answers("storage.v1.projects.hmacKeys.list", on=_hmac_project)
def hmac_keys(call: Call) -> Json:
    """The HMAC keys of a project, those of one account where it is named."""
    email = call.asked("serviceAccountEmail")
    every = call.flag("showDeletedKeys")
    found = [
        k
        for k in call.state.of_kind(HMAC, _hmac_project(call))
        if (not email or k.data["serviceAccountEmail"] == email)
        and (every or k.data["state"] != "DELETED")
    ]
    some, more = page(call, found, size="maxResults", usual=250, most=250)
    items = [hmac_shown(k) for k in some]
    return {"kind": "storage#hmacKeysMetadata", **({"items": items} if items else {}), **more}


@answers("storage.v1.projects.hmacKeys.get", on=_hmac_project)
def hmac_key(call: Call) -> Json:
    """One HMAC key, without its secret."""
    return hmac_shown(_hmac(call))


@answers("storage.v1.projects.hmacKeys.update", on=_hmac_project)
def update_hmac_key(call: Call) -> Json:
    """Set whether an HMAC key is active. An old tag is refused with 412."""
    found = _hmac(call)
    etag = call.body.get("etag")
    if etag and etag != etag_of(found.revision):
        raise GoogleError(412, "The etag does not match.")
    wanted = call.body.get("state")
    if wanted not in ("ACTIVE", "INACTIVE") or found.data["state"] == "DELETED":
        raise invalid("Invalid state of an HMAC key.")
    if wanted != found.data["state"]:
        found.data["state"] = wanted
        call.state.touch(found)
    return hmac_shown(found)
