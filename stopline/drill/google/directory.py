"""The Directory API of Workspace: groups, their members, users.

https://developers.google.com/admin-sdk/directory/reference/rest/v1
"""

import re

from stopline.drill.google.calls import Call, answers, page
from stopline.drill.google.errors import GoogleError, invalid, not_found
from stopline.drill.google.principals import GROUP, MEMBER, USER
from stopline.drill.google.state import Resource, etag_of, number_of
from stopline.text import Json

_D = "admin.directory_v1"
_USER_FIELDS = frozenset({"suspended", "archived", "orgUnitPath", "name"})
_QUERY = re.compile(r"(orgUnitPath|isSuspended|email)=('[^']*'|\S+)")


def _admin(call: Call) -> None:
    """Only administrators may ask. Raises GoogleError 403."""
    if not call.caller.all_powerful and call.caller.member not in call.state.admins:
        raise GoogleError(403, "Not Authorized to access this resource/api")


def shown(resource: Resource) -> Json:
    """A user, group or member as it is read."""
    hidden = ("expireTime", "delivery_settings") if resource.kind == MEMBER else ()
    data = {k: v for k, v in resource.data.items() if k not in hidden}
    return {**data, "etag": etag_of(resource.revision)}


def _of(call: Call, kind: str, key: str) -> Resource:
    """What is named by its address or its id. Raises GoogleError 404."""
    found = call.state.by_email(kind, key)
    if found is None or found.hidden:
        found = next((r for r in call.state.of_kind(kind) if r.data.get("id") == key), None)
    if found is None:
        raise not_found(f"Resource Not Found: {key}")
    return found


def _one_of(call: Call, names: tuple[str, ...]) -> None:
    if sum(bool(call.asked(n)) for n in names) != 1:
        raise GoogleError(400, "Bad Request", reason="badRequest")


@answers(f"{_D}.groups.list")
def groups(call: Call) -> Json:
    """The groups of the customer, or those that somebody is a direct member of: never both."""
    _admin(call)
    _one_of(call, ("customer", "domain", "userKey"))
    if call.asked("query"):
        raise GoogleError(501, "Queries of groups are not implemented.")
    found = call.state.of_kind(GROUP)
    if user := call.asked("userKey"):
        theirs = set(call.state.groups_of(user))
        found = [g for g in found if g.email in theirs]
    if domain := call.asked("domain"):
        found = [g for g in found if g.email.endswith(f"@{domain}")]
    some, more = page(call, found, size="maxResults", usual=200, most=200)
    items = {"groups": [shown(g) for g in some]} if some else {}
    return {"kind": "admin#directory#groups", **items, **more}


@answers(f"{_D}.groups.get")
def group(call: Call) -> Json:
    """One group."""
    _admin(call)
    return shown(_of(call, GROUP, call.names["groupKey"]))


def _members(call: Call) -> list[Resource]:
    return call.state.of_kind(MEMBER, _of(call, GROUP, call.names["groupKey"]).name)


def _derived(call: Call, name: str, seen: set[str]) -> list[Resource]:
    """The members of a group and of every group in it."""
    found = []
    for member in call.state.of_kind(MEMBER, name):
        inner = call.state.by_email(GROUP, member.email)
        found.append(member)
        if inner is not None and inner.name not in seen:
            seen.add(inner.name)
            found += _derived(call, inner.name, seen)
    return found


@answers(f"{_D}.members.list")
def members(call: Call) -> Json:
    """The members of a group, through other groups too where that is asked for."""
    _admin(call)
    top = _of(call, GROUP, call.names["groupKey"])
    found = _members(call)
    if call.flag("includeDerivedMembership"):
        found = _derived(call, top.name, {top.name})
    if roles := call.asked("roles"):
        found = [m for m in found if m.data["role"] in roles.split(",")]
    some, more = page(call, found, size="maxResults", usual=200, most=200)
    items = {"members": [shown(m) for m in some]} if some else {}
    return {"kind": "admin#directory#members", **items, **more}


def _member(call: Call) -> Resource:
    key = call.names["memberKey"].lower()
    for member in _members(call):
        if key in (member.email, member.data.get("id")):
            return member
    raise not_found(f"Resource Not Found: {key}")


@answers(f"{_D}.members.get")
def member(call: Call) -> Json:
    """One member. How it gets mail is shown here only, not in a list."""
    _admin(call)
    found = _member(call)
    return {**shown(found), "delivery_settings": found.data["delivery_settings"]}


@answers(f"{_D}.members.hasMember")
def has_member(call: Call) -> Json:
    """Whether somebody is a member, through other groups too."""
    _admin(call)
    top = _of(call, GROUP, call.names["groupKey"])
    key = call.names["memberKey"].lower()
    return {"isMember": any(m.email == key for m in _derived(call, top.name, {top.name}))}


@answers(f"{_D}.members.delete")
def delete_member(call: Call) -> Json:
    """Take a member out of a group. What the membership was must be known to give it back."""
    _admin(call)
    call.state.remove(_member(call))


@answers(f"{_D}.members.insert")
def insert_member(call: Call) -> Json:
    """Put a member into a group. A membership that is made here never ends by itself."""
    _admin(call)
    top = _of(call, GROUP, call.names["groupKey"])
    email, role = call.body.get("email", ""), call.body.get("role", "MEMBER")
    if not email or role not in ("MEMBER", "MANAGER", "OWNER"):
        raise invalid("Missing required field: email, or an invalid role.")
    if any(m.email == email.lower() for m in _members(call)):
        raise GoogleError(409, "Member already exists.", reason="duplicate")
    known = call.state.by_email(GROUP, email) or call.state.by_email(USER, email)
    data: dict[str, Json] = {"kind": "admin#directory#member", "email": email, "role": role}
    data |= {"id": number_of(email)}
    data |= {"type": "GROUP" if known and known.kind == GROUP else "USER", "status": "ACTIVE"}
    data["delivery_settings"] = call.body.get("delivery_settings", "ALL_MAIL")
    return shown(call.state.add(Resource(f"{top.name}/members/{email}", MEMBER, top.name, data)))


@answers(f"{_D}.users.list")
def users(call: Call) -> Json:
    """The users of the customer, with a query of `orgUnitPath`, `isSuspended` or `email`."""
    _admin(call)
    _one_of(call, ("customer", "domain"))
    found = [u for u in call.state.of_kind(USER) if _meets(call.asked("query"), u)]
    some, more = page(call, found, size="maxResults", usual=100, most=500)
    items = {"users": [shown(u) for u in some]} if some else {}
    return {"kind": "admin#directory#users", **items, **more}


def _meets(query: str, user: Resource) -> bool:
    if _QUERY.sub("", query).strip():
        raise GoogleError(501, f"The query is not implemented: {query}")
    for hit in _QUERY.finditer(query):
        field, value = hit[1], hit[2].strip("'")
        unit = str(user.data["orgUnitPath"])
        told = {
            "orgUnitPath": unit == value or unit.startswith(f"{value.rstrip('/')}/"),
            "isSuspended": str(bool(user.data.get("suspended"))).lower() == value.lower(),
            "email": user.email == value.lower(),
        }
        if not told[field]:
            return False
    return True


@answers(f"{_D}.users.get")
def user(call: Call) -> Json:
    """One user."""
    _admin(call)
    return shown(_of(call, USER, call.names["userKey"]))


@answers(f"{_D}.users.update", f"{_D}.users.patch")
def update_user(call: Call) -> Json:
    """Change what is named, such as whether a user is suspended. Both verbs do the same.

    https://developers.google.com/admin-sdk/directory/v1/guides/manage-users
    """
    _admin(call)
    found = _of(call, USER, call.names["userKey"])
    change = dict(call.body or {})
    if unknown := sorted(set(change) - _USER_FIELDS):
        raise GoogleError(501, f"Changing {', '.join(unknown)} is not implemented.")
    if found.data.get("isAdmin") and "suspended" in change:
        raise GoogleError(403, "Not Authorized to access this resource/api")
    found.data.update(change)
    if change.get("suspended") and "suspensionReason" not in found.data:
        found.data["suspensionReason"] = "ADMIN"
    elif change.get("suspended") is False:
        found.data.pop("suspensionReason", None)
    call.state.touch(found)
    return shown(found)


@answers(f"{_D}.users.signOut")
def sign_out(call: Call) -> Json:
    """End all web sessions of a user; nothing is answered."""
    _admin(call)
    _of(call, USER, call.names["userKey"]).sessions_ended += 1
