"""The Directory API of Workspace: users, groups, their members, and what administrators may.

https://developers.google.com/workspace/admin/directory/reference/rest/v1
"""

import re

from stopline.drill.google.calls import Call, answers, page
from stopline.drill.google.errors import GoogleError, invalid, not_found
from stopline.drill.google.identities import forget
from stopline.drill.google.principals import ACCOUNT, GROUP, MEMBER, USER
from stopline.drill.google.state import Resource, State, etag_of, number_of
from stopline.text import Json

_D = "admin.directory_v1"
_USER_FIELDS = frozenset({"suspended", "archived", "orgUnitPath", "name"})
_QUERY = re.compile(r"(orgUnitPath|isSuspended|email)=('[^']*'|\S+)")


_ROLES = frozenset({"MEMBER", "MANAGER", "OWNER"})
_DELIVERIES = frozenset({"ALL_MAIL", "DAILY", "DIGEST", "DISABLED", "NONE"})


def _shut() -> GoogleError:
    return GoogleError(403, "Not Authorized to access this resource/api")


def _admin(call: Call, privilege: str) -> None:
    """Only administrators may, whose roles let them. Raises GoogleError 403.

    https://developers.google.com/workspace/admin/directory/v1/guides/manage-roles
    """
    if not call.caller.all_powerful and not call.state.administers(call.caller.member, privilege):
        raise _shut()


def _customer(call: Call, asked: str) -> None:
    """Our own customer, by its id or as `my_customer`; nobody here administers another."""
    if asked not in ("my_customer", next(iter(call.state.customers), asked)):
        raise _shut()


def shown(resource: Resource) -> Json:
    """A user, group or member as it is read."""
    hidden = ("expireTime", "delivery_settings") if resource.kind == MEMBER else ()
    data = {k: v for k, v in resource.data.items() if k not in hidden}
    return {**data, "etag": etag_of(resource.revision)}


def _of(call: Call, kind: str, key: str) -> Resource:
    """What is named by its address or its id. Raises GoogleError 404."""
    found = call.state.by_email(kind, key)
    if found is None or found.hidden:
        known = (r for r in call.state.of_kind(kind) if _called(r, key))
        found = next(known, None)
    if found is None:
        raise not_found(f"Resource Not Found: {key}")
    return found


def _called(resource: Resource, key: str) -> bool:
    return key == resource.data.get("id") or key.lower() in resource.data.get("aliases", ())


def _one_of(call: Call, names: tuple[str, ...]) -> None:
    if sum(bool(call.asked(n)) for n in names) != 1:
        raise GoogleError(400, "Bad Request", reason="badRequest")


@answers(f"{_D}.groups.list")
def groups(call: Call) -> Json:
    """The groups of the customer, or those that somebody is a direct member of: never both."""
    _admin(call, "GROUPS_RETRIEVE")
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
    _admin(call, "GROUPS_RETRIEVE")
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
    _admin(call, "GROUPS_RETRIEVE")
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
    _admin(call, "GROUPS_RETRIEVE")
    found = _member(call)
    return {**shown(found), "delivery_settings": found.data["delivery_settings"]}


@answers(f"{_D}.members.hasMember")
def has_member(call: Call) -> Json:
    """Whether somebody is a member, through other groups too."""
    _admin(call, "GROUPS_RETRIEVE")
    top = _of(call, GROUP, call.names["groupKey"])
    key = call.names["memberKey"].lower()
    return {"isMember": any(m.email == key for m in _derived(call, top.name, {top.name}))}


@answers(f"{_D}.members.delete")
def delete_member(call: Call) -> Json:
    """Take a member out of a group. What the membership was must be known to give it back."""
    _admin(call, "GROUPS_UPDATE")
    call.state.remove(_member(call))


@answers(f"{_D}.members.insert")
def insert_member(call: Call) -> Json:
    """Put a member into a group. A membership that is made here never ends by itself."""
    _admin(call, "GROUPS_UPDATE")
    top = _of(call, GROUP, call.names["groupKey"])
    email, role = call.body.get("email", ""), call.body.get("role", "MEMBER")
    delivery = call.body.get("delivery_settings", "ALL_MAIL")
    if not email or role not in _ROLES or delivery not in _DELIVERIES:
        raise invalid("Missing required field: email, or an invalid role or delivery setting.")
    if any(m.email == email.lower() for m in _members(call)):
        raise GoogleError(409, "Member already exists.", reason="duplicate")
    known = call.state.by_email(GROUP, email) or call.state.by_email(USER, email)
    if known is None and call.state.is_ours(email.lower().rpartition("@")[2]):
        raise not_found("Resource Not Found: memberKey")
    data = a_member(call.state, email, role=role, delivery_settings=delivery)
    return shown(call.state.add(Resource(f"{top.name}/members/{email}", MEMBER, top.name, data)))


def a_member(state: State, email: str, **more: Json) -> dict[str, Json]:
    """What the API says of a direct member: of somebody we know, by their own id and kind."""
    known = state.by_email(GROUP, email) or state.by_email(USER, email)
    data: dict[str, Json] = {"kind": "admin#directory#member", "email": email, "role": "MEMBER"}
    data |= {"id": str(known.data["id"]) if known else number_of(email), "status": "ACTIVE"}
    data |= {"type": "GROUP" if known and known.kind == GROUP else "USER"}
    return {**data, "delivery_settings": "ALL_MAIL", **more}


@answers(f"{_D}.users.list")
def users(call: Call) -> Json:
    """The users of the customer, with a query of `orgUnitPath`, `isSuspended` or `email`.

    Custom fields are none here, so every projection is the same.
    """
    call.heard |= {"projection"}
    _admin(call, "USERS_RETRIEVE")
    _one_of(call, ("customer", "domain"))
    _customer(call, call.asked("customer") or "my_customer")
    domain = call.asked("domain")
    found = [
        u for u in call.state.of_kind(USER) if u.email.endswith(f"@{domain}" if domain else "")
    ]
    found = [u for u in found if _meets(call.asked("query"), u)]
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
    _admin(call, "USERS_RETRIEVE")
    return shown(_of(call, USER, call.names["userKey"]))


@answers(f"{_D}.users.update", f"{_D}.users.patch")
def update_user(call: Call) -> Json:
    """Change what is named, such as whether a user is suspended. Both verbs do the same.

    https://developers.google.com/admin-sdk/directory/v1/guides/manage-users
    """
    _admin(call, "USERS_SUSPEND")
    found = _of(call, USER, call.names["userKey"])
    change = dict(call.body or {})
    if unknown := sorted(set(change) - _USER_FIELDS):
        raise GoogleError(501, f"Changing {', '.join(unknown)} is not implemented.")
    if found.data.get("isAdmin") and "suspended" in change:
        raise _shut()
    found.data.update(change)
    if change.get("suspended") and "suspensionReason" not in found.data:
        since = call.state.now().isoformat()
        found.data |= {"suspensionReason": "ADMIN", "suspensionTime": since}
    elif change.get("suspended") is False:
        for told in ("suspensionReason", "suspensionTime"):
            found.data.pop(told, None)
    call.state.touch(found)
    return shown(found)


@answers(f"{_D}.users.signOut")
def sign_out(call: Call) -> Json:
    """End all web sessions of a user; nothing is answered."""
    _admin(call, "USER_SECURITY_ALL")
    _of(call, USER, call.names["userKey"]).sessions_ended += 1


@answers(f"{_D}.users.insert")
def insert_user(call: Call) -> Json:
    """Make a user. It has another id than any before it of that address."""
    _admin(call, "USERS_CREATE")
    email = call.body.get("primaryEmail", "").lower()
    if not email or not call.body.get("name") or not call.body.get("password"):
        raise invalid("Missing required field: primaryEmail, name or password.")
    if not call.state.is_ours(email.rpartition("@")[2]):
        raise not_found("Resource Not Found: domain")
    if call.state.by_email(USER, email) or call.state.by_email(GROUP, email):
        raise GoogleError(409, "Entity already exists.", reason="duplicate")
    told = {k: v for k, v in call.body.items() if k in ("name", "orgUnitPath")}
    data = a_user(email, number_of(f"{email} {call.state.next_revision()}"), **told)
    name, parent = f"//admin.googleapis.com/users/{email}", _parent(call)
    return shown(call.state.add(Resource(name, USER, parent, data)))


def _parent(call: Call) -> str:
    """Where users lie: in the organisation, where one is told."""
    kind = "cloudresourcemanager.googleapis.com/Organization"
    return next((one.name for one in call.state.of_kind(kind)), "")


def a_user(email: str, number: str, **more: Json) -> dict[str, Json]:
    """What the API says of somebody whom nobody has suspended, with what is told besides."""
    data: dict[str, Json] = {"kind": "admin#directory#user", "id": number, "primaryEmail": email}
    data |= {"suspended": False, "archived": False, "isAdmin": False, "isDelegatedAdmin": False}
    return {**data, "orgUnitPath": "/", **more}


@answers(f"{_D}.users.delete")
def delete_user(call: Call) -> Json:
    """Delete a user, who is in no group any more. Policies keep them as a member that is deleted.

    https://developers.google.com/workspace/admin/directory/reference/rest/v1/users/delete
    """
    _admin(call, "USERS_DELETE")
    found = _of(call, USER, call.names["userKey"])
    for membership in call.state.memberships_of(found.email):
        call.state.remove(membership)
    forget(call.state, found)


@answers(f"{_D}.roleAssignments.list")
def role_assignments(call: Call) -> Json:
    """Who has which role of an administrator; of one user or service account where it is asked.

    https://developers.google.com/workspace/admin/directory/reference/rest/v1/roleAssignments/list
    """
    _admin(call, "ROLE_MANAGEMENT")
    _customer(call, call.names["customer"])
    call.heard |= {"includeIndirectRoleAssignments"}  # no group has a role here
    who, found = call.asked("userKey"), []
    for member, role in sorted(call.state.admin_roles().items()):
        number = _number(call, member)
        if not who or who in (number, member.partition(":")[2]):
            one = {"kind": "admin#directory#roleAssignment", "roleId": role[0]}
            found.append({**one, "assignedTo": number, "scopeType": "CUSTOMER"})
    some, more = page(call, found, size="maxResults", usual=100, most=200)
    return {"kind": "admin#directory#roleAssignments", "items": some, **more}


def _number(call: Call, member: str) -> str:
    """A user's id, or the unique id of a service account."""
    kind, _, email = member.partition(":")
    found = call.state.by_email(USER if kind == "user" else ACCOUNT, email)
    return str(found.data.get("id") or found.data["uniqueId"]) if found else ""


@answers(f"{_D}.roles.get")
def role(call: Call) -> Json:
    """One role, with what it lets its holders do.

    https://developers.google.com/workspace/admin/directory/reference/rest/v1/roles/get
    """
    _admin(call, "ROLE_MANAGEMENT")
    _customer(call, call.names["customer"])
    for number, privileges in call.state.admin_roles().values():
        if number == call.names["roleId"]:
            held = [{"privilegeName": p, "serviceId": "00haapch16h1ysv"} for p in privileges]
            said: Json = {"kind": "admin#directory#role", "roleId": number, "rolePrivileges": held}
            return {**said, "isSuperAdminRole": privileges == ("SUPER_ADMIN",)}
    raise not_found("Resource Not Found: roleId")
