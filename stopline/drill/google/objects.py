"""Cloud Storage: objects in all their generations, and the access lists of each.

https://cloud.google.com/storage/docs/json_api/v1/objects
"""

import base64
import hashlib
from datetime import datetime, timedelta

from stopline.drill.google.buckets import bucket_of, check_generation, merge, versioned
from stopline.drill.google.calls import Call, answers, page
from stopline.drill.google.errors import GoogleError, invalid, not_found
from stopline.drill.google.lists import whole
from stopline.drill.google.oracle import BUCKET, OBJECT, uniform
from stopline.drill.google.principals import email_of
from stopline.drill.google.state import Resource, State, etag_of
from stopline.text import Json


def live_name(bucket: str, name: str) -> str:
    """The full name of the live generation of an object."""
    return f"//storage.googleapis.com/{bucket}/objects/{name}"


def add_object(
    state: State,
    bucket: Resource,
    name: str,
    content: tuple[bytes, str],
    acl: tuple[list[Json], str],
) -> Resource:
    """Put an object in: content and its kind, access list and the entity that owns it.

    What was live becomes noncurrent where the bucket keeps versions.
    """
    (data_, kind), (entries, owner) = content, acl
    generation = str(state.next_revision() * 1000)
    now = state.now().isoformat()
    data = {
        "kind": "storage#object",
        "id": f"{bucket.short}/{name}/{generation}",
        "name": name,
        "bucket": bucket.short,
        "generation": generation,
        "metageneration": "1",
        "contentType": kind or "application/octet-stream",
        "size": str(len(data_)),
        "md5Hash": base64.b64encode(hashlib.md5(data_, usedforsecurity=False).digest()).decode(),
        "timeCreated": now,
        "updated": now,
        "acl": whole(state, bucket, entries, owner=owner),
        **({"owner": {"entity": owner}} if owner else {}),
    }
    retire(state, bucket, state.resources.get(live_name(bucket.short, name)))
    made = Resource(live_name(bucket.short, name), OBJECT, bucket.name, data, content=data_)
    return state.add(made)


def retire(state: State, bucket: Resource, old: Resource | None) -> None:
    """Make a live object noncurrent, or take it out where no versions are kept."""
    if old is None:
        return
    state.remove(old)
    if versioned(bucket.data):
        old.name = f"{old.name}#{old.data['generation']}"
        old.data["timeDeleted"] = state.now().isoformat()
        state.add(old)


def object_of(call: Call) -> str:
    """The full name of the object that is asked for, in the generation that is asked for."""
    name = live_name(call.names["bucket"], call.names["object"])
    generation = call.asked("generation")
    live = call.state.resources.get(name)
    if not generation or (live is not None and live.data["generation"] == generation):
        found = name
    else:
        found = f"{name}#{generation}"
    if found not in call.state.resources:
        call.require("storage.objects.list", bucket_of(call))
        raise not_found(f"No such object: {call.names['bucket']}/{call.names['object']}")
    return found


def shown(call: Call, resource: Resource, *, full: bool) -> Json:
    """An object as it is read; its access list only where asked for, and not when uniform."""
    hide = () if full and not uniform(call.state.get(resource.parent)) else ("acl", "owner")
    data = {k: v for k, v in resource.data.items() if k not in hide}
    return {**data, "etag": etag_of(resource.revision)}


@answers("storage.v1.objects.list", on=bucket_of)
def objects(call: Call) -> Json:
    """The objects of a bucket by name, noncurrent ones too where `versions` is true."""
    prefix, every = call.asked("prefix"), call.flag("versions")
    found = [
        o
        for o in call.state.of_kind(OBJECT, bucket_of(call))
        if o.data["name"].startswith(prefix) and (every or "timeDeleted" not in o.data)
    ]
    if call.asked("delimiter"):
        raise GoogleError(501, "Listing with a delimiter is not implemented.")
    some, more = page(call, found, size="maxResults", usual=1000)
    full = call.asked("projection") == "full"
    if full:
        call.require("storage.objects.getIamPolicy", bucket_of(call))
    items = [shown(call, o, full=full) for o in some]
    return {"kind": "storage#objects", **({"items": items} if items else {}), **more}


@answers("storage.v1.objects.get", on=object_of)
def read(call: Call) -> Json:
    """One object: what is known of it, or with `alt=media` its content."""
    found = call.state.get(object_of(call))
    check_generation(call, found)
    if call.asked("alt") == "media":
        return found.content
    return shown(call, found, full=call.asked("projection") == "full")


@answers("storage.v1.objects.insert", on=bucket_of)
def insert(call: Call) -> Json:
    """Store an object, sent whole. Who sends it owns it, where access lists count."""
    bucket = call.state.get(bucket_of(call))
    name = call.asked("name") or (call.body or {}).get("name", "")
    if not name:
        raise invalid("An object needs a name.")
    live = call.state.resources.get(live_name(bucket.short, name))
    if wanted := call.asked("ifGenerationMatch"):
        now = live.data["generation"] if live else "0"
        if wanted != now:
            raise GoogleError(412, "At least one of the pre-conditions you specified did not hold.")
    if live is not None:
        call.require("storage.objects.delete", live.name)
    kind = call.kind or (call.body or {}).get("contentType", "")
    owner = email_of(call.caller.member)
    entity = f"user-{owner}" if owner and not uniform(bucket) else ""
    acl = [dict(e) for e in bucket.data.get("defaultObjectAcl", [])] if entity else []
    made = add_object(call.state, bucket, name, (call.content, kind), (acl, entity))
    return shown(call, made, full=call.asked("projection") == "full")


@answers("storage.v1.objects.delete", on=object_of)
def delete(call: Call) -> Json:
    """Delete an object: the live one, or the generation that is named, for good."""
    found = call.state.get(object_of(call))
    if found.data.get("temporaryHold") or found.data.get("eventBasedHold"):
        raise GoogleError(403, "Object is under active hold and cannot be deleted.")
    bucket = call.state.get(bucket_of(call))
    if call.asked("generation"):
        call.state.remove(found)
    else:
        retire(call.state, bucket, found)


_FIXED = ("name", "bucket", "generation", "metageneration", "owner")


def _owner(found: Resource) -> str:
    return str(found.data.get("owner", {}).get("entity", ""))


@answers("storage.v1.objects.patch", on=object_of)
def patch(call: Call) -> Json:
    """Change what is named of an object."""
    found = call.state.get(object_of(call))
    check_generation(call, found)
    change = {k: v for k, v in call.body.items() if k not in _FIXED}
    if "acl" in change:
        _need_lists(call)
        call.require("storage.objects.setIamPolicy", found.name)
        bucket = call.state.get(bucket_of(call))
        change["acl"] = whole(call.state, bucket, change["acl"] or [], owner=_owner(found))
    found.data = merge(found.data, change)
    call.state.touch(found)
    return shown(call, found, full=call.asked("projection") == "full")


_LISTED = {
    "bucketAccessControls": ("acl", "storage#bucketAccessControl", bucket_of),
    "defaultObjectAccessControls": ("defaultObjectAcl", "storage#objectAccessControl", bucket_of),
    "objectAccessControls": ("acl", "storage#objectAccessControl", object_of),
}


def _lists(verb: str, *, on_objects: bool) -> list[str]:
    return [
        f"storage.v1.{c}.{verb}" for c in _LISTED if (c == "objectAccessControls") == on_objects
    ]


def _need_lists(call: Call) -> None:
    if uniform(call.state.get(bucket_of(call))):
        raise invalid("Cannot use ACL API to update bucket policy when uniform access is enabled.")


def _list_of(call: Call) -> tuple[Resource, list[Json], str]:
    """Whose list it is, the list itself, and the kind of its entries."""
    field, kind, place = _LISTED[call.method.key.split(".")[2]]
    _need_lists(call)
    found = call.state.get(place(call))
    entries: list[Json] = found.data.setdefault(field, [])
    return found, entries, kind


def list_entries(call: Call) -> Json:
    """All entries of an access list."""
    _, entries, kind = _list_of(call)
    return {"kind": f"{kind}s", "items": [{"kind": kind, **e} for e in entries]}


def insert_entry(call: Call) -> Json:
    """Give an entity a role. There is one entry for each entity."""
    found, entries, kind = _list_of(call)
    bucket = call.state.get(bucket_of(call))
    objects = not call.method.key.startswith("storage.v1.bucketAccess")
    made = whole(call.state, bucket, [call.body], objects=objects)[0]
    entries[:] = [*[e for e in entries if e["entity"].lower() != made["entity"].lower()], made]
    call.state.touch(found)
    return {"kind": kind, **made}


def delete_entry(call: Call) -> Json:
    """Take an entity's entry away."""
    found, entries, _ = _list_of(call)
    entity = call.names["entity"].lower()
    if _owner(found).lower() == entity:
        raise invalid("The owner's access to an object cannot be removed.")
    kept = [e for e in entries if e["entity"].lower() != entity]
    if len(kept) == len(entries):
        raise not_found(f"The entry of {call.names['entity']}")
    entries[:] = kept
    call.state.touch(found)


for _verb, _act in (("list", list_entries), ("insert", insert_entry), ("delete", delete_entry)):
    answers(*_lists(_verb, on_objects=False), on=bucket_of)(_act)
    answers(*_lists(_verb, on_objects=True), on=object_of)(_act)


def age(state: State) -> None:
    """Let lifecycle rules do what they would have done by now: deletion by age, and no other.

    https://cloud.google.com/storage/docs/lifecycle
    """
    for bucket in state.of_kind(BUCKET):
        for rule in (bucket.data.get("lifecycle") or {}).get("rule", []):
            days = rule["condition"].get("age")
            if days is None or rule["action"]["type"] != "Delete":
                continue
            for found in state.of_kind(OBJECT, bucket.name):
                made = datetime.fromisoformat(str(found.data["timeCreated"]))
                if made + timedelta(days=days) <= state.now():
                    retire(state, bucket, found)
