"""Access lists of Cloud Storage: what an entry says, and what a whole list must be.

https://cloud.google.com/storage/docs/access-control/lists
"""

from stopline.drill.google.errors import invalid
from stopline.drill.google.policies import check_members
from stopline.drill.google.state import Resource, State
from stopline.text import Json

MOST = 100
"""How many entries a list takes: https://cloud.google.com/storage/quotas"""
_ROLES = {True: ("OWNER", "READER"), False: ("OWNER", "READER", "WRITER")}
_PUBLIC = ("allUsers", "allAuthenticatedUsers")


def entry(bucket: Resource, entity: str, role: str) -> Json:
    """One entry of an access list."""
    found: dict[str, Json] = {"entity": entity, "role": role, "bucket": bucket.short}
    kind, _, rest = entity.partition("-")
    if kind in ("user", "group"):
        found["email"] = rest
    elif kind == "domain":
        found["domain"] = rest
    elif kind == "project":
        team, _, number = rest.partition("-")
        found["projectTeam"] = {"team": team, "projectNumber": number}
    return found


def whole(
    state: State, bucket: Resource, told: list[Json], *, owner: str = "", objects: bool = True
) -> list[Json]:
    """A list as it is kept: one entry for each entity, and who owns the object stays in it.

    Nothing takes ownership away but a new object in its place. Raises GoogleError 400.
    https://cloud.google.com/storage/docs/json_api/v1/objectAccessControls/delete
    """
    kept: dict[str, Json] = {}
    for one in told:
        entity, role = str(one.get("entity", "")), one.get("role", "")
        if not entity or role not in _ROLES[objects]:
            raise invalid("An entry needs an entity and a role.")
        _check(state, entity)
        kept[entity.lower()] = entry(bucket, entity, role)
    if owner:
        kept[owner.lower()] = entry(bucket, owner, "OWNER")
    if len(kept) > MOST:
        raise invalid(f"The list has {len(kept)} entries; the most is {MOST}.")
    return list(kept.values())


def _check(state: State, entity: str) -> None:
    """Raise GoogleError 400 for an entity that is none, or that does not exist."""
    kind, _, rest = entity.partition("-")
    if entity in _PUBLIC or kind == "project":
        return
    if rest.lower() in state.nobody:
        raise invalid(f"Unknown user: {rest}")
    robot = rest.lower().endswith("gserviceaccount.com")
    member = {"user": "serviceAccount" if robot else "user"}.get(kind, kind)
    check_members(state, [{"members": [f"{member}:{rest}"]}])
