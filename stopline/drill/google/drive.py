"""Shared drives: who is a member, what is shared besides, and who may look.

Only what shared drives have: nothing here is in anybody's own drive.
https://developers.google.com/workspace/drive/api/guides/about-shareddrives
"""

from datetime import datetime, timedelta

from stopline.drill.google.calls import Call, answers, page
from stopline.drill.google.errors import GoogleError, invalid
from stopline.drill.google.principals import ACCOUNT, GROUP, USER, identities
from stopline.drill.google.state import Resource, State, number_of
from stopline.text import Json

DRIVE, FILE = "drive.googleapis.com/Drive", "drive.googleapis.com/File"
ROLES = ("reader", "commenter", "writer", "fileOrganizer", "organizer")
"""The weakest first: https://developers.google.com/workspace/drive/api/guides/ref-roles"""
SHARES, MANAGES = ROLES[2:], ROLES[4:]
_SHOWN = ("kind", "id", "type", "role")
LONGEST = timedelta(days=365)


def permission_id(told: Json) -> str:
    """The id of a grantee, the same wherever it is let in, and another for who is made anew."""
    who = told.get("emailAddress") or told.get("domain") or "anyoneWithLink"
    return who if told["type"] == "anyone" else number_of(f"{who} {told.get('born', '')}")[:20]


def permission(type_: str, who: str, role: str, **more: Json) -> Json:
    """One permission as it is kept."""
    field = {"user": "emailAddress", "group": "emailAddress", "domain": "domain"}.get(type_)
    said: Json = {"kind": "drive#permission", "type": type_, "role": role, **more}
    said |= {field: who} if field else {}
    return {**said, "id": permission_id(said)}


def name_of(id_: str) -> str:
    """The full name of a file or a drive."""
    return f"//drive.googleapis.com/{id_}"


def _file(call: Call) -> Resource:
    """The file, or drive, of a call, for who may see it. Raises GoogleError 404 for all others."""
    id_ = call.names["fileId"]
    found = call.state.resources.get(name_of(id_))
    if found is None or not call.flag("supportsAllDrives") or not role_in(call, found):
        raise GoogleError(404, f"File not found: {id_}.", reason="notFound")
    return found


def role_in(call: Call, found: Resource) -> str:
    """The strongest role of the caller, its own and by groups, there and in the drive above."""
    if call.caller.all_powerful:
        return ROLES[-1]
    return role_of(call.state, identities(call.state, call.caller), found)


def role_of(state: State, means: frozenset[str], found: Resource) -> str:
    """The same for whoever is meant by these; nothing for who is not let in."""
    held = [
        ROLES.index(one["role"])
        for up in state.upwards(found.name)
        for one in up.data.get("permissions", [])
        if not _lapsed(state, one) and _means(one, means)
    ]
    return ROLES[max(held)] if held else ""


def _lapsed(state: State, one: Json) -> bool:
    ends = one.get("expirationTime")
    return bool(ends) and datetime.fromisoformat(str(ends)) <= state.now()


def _means(one: Json, means: frozenset[str]) -> bool:
    if one["type"] == "anyone":
        return True
    who = str(one.get("emailAddress") or one.get("domain")).lower()
    kinds = ("user", "serviceaccount") if one["type"] == "user" else (one["type"],)
    return any(f"{kind}:{who}" in means for kind in kinds)


def _shown(call: Call, found: Resource) -> list[Json]:
    """All permissions of a file: its own, and its drive's, merged where both name the same."""
    whole: dict[str, Json] = {}
    for up in call.state.upwards(found.name):
        for one in up.data.get("permissions", []):
            if _lapsed(call.state, one):
                continue
            kind = "member" if up.kind == DRIVE else "file"
            detail = {"permissionType": kind, "role": one["role"], "inherited": up is not found}
            detail |= {"inheritedFrom": up.data["id"]} if up is not found else {}
            merged = whole.setdefault(one["id"], {**one, "permissionDetails": []})
            merged["permissionDetails"].append(detail)
            merged["role"] = max(merged["role"], one["role"], key=ROLES.index)
    return [{k: v for k, v in one.items() if k != "born"} for one in whole.values()]


@answers("drive.v3.files.list")
def files(call: Call) -> Json:
    """The files of one shared drive that the caller may see; no other search is known here."""
    drive = call.state.resources.get(name_of(call.asked("driveId")))
    asked = (call.asked("corpora"), call.flag("includeItemsFromAllDrives"))
    if asked != ("drive", True) or call.asked("q") or not call.flag("supportsAllDrives"):
        raise GoogleError(501, "Only the files of one shared drive are listed here.")
    if drive is None or drive.kind != DRIVE or not role_in(call, drive):
        raise GoogleError(404, f"Shared drive not found: {call.asked('driveId')}")
    found = [f for f in call.state.of_kind(FILE, drive.name) if role_in(call, f)]
    some, more = page(call, found, usual=100)
    items = [_told(f) for f in some]
    return {"kind": "drive#fileList", "incompleteSearch": False, "files": items, **more}


def _told(found: Resource) -> Json:
    told = {k: v for k, v in found.data.items() if k != "permissions"}
    own = bool(found.data.get("permissions"))
    drive = found.parent.rpartition("/")[2]
    return {**told, "hasAugmentedPermissions": own, "driveId": drive}


@answers("drive.v3.files.get")
def file(call: Call) -> Json:
    """One file, for who may see it."""
    return _told(_file(call))


@answers("drive.v3.permissions.list")
def permissions(call: Call) -> Json:
    """Who is let in, for who may share it."""
    found = _file(call)
    _require(call, found, SHARES)
    some, more = page(call, _shown(call, found), usual=100, most=100)
    keep = call.asked("fields")
    items = some if keep else [{k: one[k] for k in _SHOWN} for one in some]
    return {"kind": "drive#permissionList", "permissions": items, **more}


def _require(call: Call, found: Resource, roles: tuple[str, ...]) -> None:
    if role_in(call, found) not in roles:
        what = "The user does not have sufficient permissions for this file."
        raise GoogleError(403, what, reason="insufficientFilePermissions")


@answers("drive.v3.permissions.create")
def create(call: Call) -> Json:
    """Let somebody in. Who is in already has the role that is asked for, under the same id."""
    found = _file(call)
    _require(call, found, MANAGES if found.kind == DRIVE else SHARES)
    mail, said = call.asked("sendNotificationEmail"), dict(call.body)
    if mail and said.get("type") not in ("user", "group"):
        raise invalid("sendNotificationEmail is for people and groups only.")
    made = _checked(call.state, found, said)
    kept = [p for p in found.data.setdefault("permissions", []) if p["id"] != made["id"]]
    found.data["permissions"] = [*kept, made]
    call.state.touch(found)
    return {k: made[k] for k in _SHOWN}


def _checked(state: State, found: Resource, said: Json) -> Json:
    type_, role = said.get("type"), said.get("role")
    who = str(said.get("emailAddress") or said.get("domain") or "")
    managers = (ROLES[3], ROLES[4]) if found.kind == FILE else ()
    if type_ not in ("user", "group", "domain", "anyone") or role not in ROLES or role in managers:
        raise invalid("The specified permission is invalid.")
    if type_ != "anyone" and not who:
        raise invalid("The permission names nobody.")
    if ends := said.get("expirationTime"):
        left = datetime.fromisoformat(str(ends)) - state.now()
        if type_ not in ("user", "group") or not timedelta() < left <= LONGEST:
            raise GoogleError(
                403, "Expiration dates must be in the future.", reason="expirationDate"
            )
    if type_ in ("user", "group") and not _known(state, who):
        raise invalid(f"No account of {who} is known; it needs an invitation by mail.")
    more = {k: said[k] for k in ("allowFileDiscovery", "expirationTime", "view") if k in said}
    if born := state.born.get(who.lower()):
        more["born"] = born
    return permission(str(type_), who, str(role), **more)


def _known(state: State, who: str) -> bool:
    if any(state.by_email(kind, who) is not None for kind in (USER, GROUP, ACCOUNT)):
        return True
    return not state.is_ours(who.rpartition("@")[2]) and who.lower() not in state.nobody


@answers("drive.v3.permissions.delete")
def delete(call: Call) -> Json:
    """Take somebody out where it was let in itself; what it has by the drive stays."""
    found = _file(call)
    _require(call, found, MANAGES if found.kind == DRIVE else SHARES)
    wanted = call.names["permissionId"]
    kept = [p for p in found.data.get("permissions", []) if p["id"] != wanted]
    if len(kept) == len(found.data.get("permissions", [])):
        if any(p["id"] == wanted for p in _shown(call, found)):
            what = "Cannot delete an inherited permission."
            raise GoogleError(403, what, reason="cannotDeletePermission")
        raise GoogleError(404, f"Permission not found: {wanted}.", reason="notFound")
    found.data["permissions"] = kept
    call.state.touch(found)
    return None
