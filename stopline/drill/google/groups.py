"""Cloud Identity: what group an address is, and who is in it.

https://cloud.google.com/identity/docs/reference/rest/v1/groups
"""

from stopline.drill.google.calls import Call, answers, page
from stopline.drill.google.errors import GoogleError, invalid, not_found
from stopline.drill.google.principals import GROUP, MEMBER
from stopline.drill.google.state import Resource
from stopline.text import Json

_G = "cloudidentity.v1.groups"
_MOST = {"BASIC": 1000, "FULL": 500}


def _group(call: Call, **wanted: str) -> Resource:
    """A group that the caller may look into. Raises GoogleError 403, as for one there is not."""
    groups = call.state.of_kind(GROUP)
    found = next(
        (g for g in groups if wanted.items() <= {**g.data, "email": g.email}.items()), None
    )
    able = call.caller.all_powerful or call.state.administers(call.caller.member, "GROUPS_RETRIEVE")
    if found is None or not able or _foreign(call, found):
        who = wanted.get("email") or f"groups/{wanted.get('id')}"
        message = f"Error(2028): Permission denied for resource {who} (or it may not exist)."
        raise GoogleError(403, message)
    return found


def _foreign(call: Call, group: Resource) -> bool:
    """Whether a group is of somebody else's Workspace, which shows it to nobody here."""
    domain = group.email.rpartition("@")[2]
    return bool(call.state.customer_of(domain)) and not call.state.is_ours(domain)


@answers(f"{_G}.lookup")
def lookup(call: Call) -> Json:
    """The name of the group of an address."""
    email = call.asked("groupKey.id").lower()
    if not email:
        raise invalid("A group key is needed.", "group_key")
    return {"name": f"groups/{_group(call, email=email).data['id']}"}


@answers(f"{_G}.memberships.list")
def memberships(call: Call) -> Json:
    """The direct members of a group; roles and types only in the full view."""
    group = _group(call, id=call.names["parent"].removeprefix("groups/"))
    full = call.asked("view") == "FULL"
    found = [m for m in call.state.of_kind(MEMBER, group.name) if not call.state.lapsed(m)]
    some, more = page(call, found, usual=200, most=_MOST["FULL" if full else "BASIC"])
    items = [_shown(call, group, member, full=full) for member in some]
    return {**({"memberships": items} if items else {}), **more}


def _membership(call: Call, group: Resource, **wanted: str) -> Resource:
    """One that has not ended, by the member's address or id. Raises GoogleError 404."""
    for one in call.state.of_kind(MEMBER, group.name):
        said = {"email": one.email, "id": str(one.data["id"])}
        if wanted.items() <= said.items() and not call.state.lapsed(one):
            return one
    raise not_found("Requested entity")


@answers(f"{_G}.memberships.lookup")
def lookup_membership(call: Call) -> Json:
    """The name of the membership of an address.

    https://docs.cloud.google.com/identity/docs/reference/rest/v1/groups.memberships/lookup
    """
    group = _group(call, id=call.names["parent"].removeprefix("groups/"))
    found = _membership(call, group, email=call.asked("memberKey.id").lower())
    return {"name": f"groups/{group.data['id']}/memberships/{found.data['id']}"}


@answers(f"{_G}.memberships.get")
def membership(call: Call) -> Json:
    """One membership, whole.

    https://docs.cloud.google.com/identity/docs/reference/rest/v1/groups.memberships/get
    """
    _, id_, _, number = call.names["name"].split("/")
    group = _group(call, id=id_)
    return _shown(call, group, _membership(call, group, id=number), full=True)


def _shown(call: Call, group: Resource, member: Resource, *, full: bool) -> Json:
    name = f"groups/{group.data['id']}/memberships/{member.data['id']}"
    said: Json = {"name": name, "preferredMemberKey": {"id": member.data["email"]}}
    if not full:
        return said
    role: Json = {"name": "MEMBER"}
    if ends := member.data.get("expireTime"):
        role |= {"expiryDetail": {"expireTime": ends}}
    more = [{"name": member.data["role"]}] if member.data["role"] != "MEMBER" else []
    nested = call.state.by_email(GROUP, member.email) is not None
    robot = "SERVICE_ACCOUNT" if member.email.endswith("gserviceaccount.com") else "USER"
    return {**said, "roles": [role, *more], "type": "GROUP" if nested else robot}
