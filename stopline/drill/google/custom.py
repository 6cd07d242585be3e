"""What a role gives, predefined ones and those of our own.

https://cloud.google.com/iam/docs/reference/rest/v1/roles/get
"""

from stopline.drill.google.calls import Call, answers
from stopline.drill.google.errors import not_found
from stopline.drill.google.oracle import ROLE, role_of
from stopline.drill.google.roles import PREDEFINED
from stopline.drill.google.state import etag_of
from stopline.text import Json


@answers("iam.v1.roles.get")
def predefined(call: Call) -> Json:
    """A predefined role, which anybody may read."""
    name = call.names["name"]
    if name not in PREDEFINED:
        raise not_found(f"The role named {name}")
    title = name.partition("/")[2]
    given = PREDEFINED[name].permissions()
    return {"name": name, "title": title, "stage": "GA", "includedPermissions": given}


def _named(call: Call) -> str:
    return f"//iam.googleapis.com/{call.names['name']}"


@answers("iam.v1.projects.roles.get", "iam.v1.organizations.roles.get", on=_named)
def custom(call: Call) -> Json:
    """A role of our own."""
    found = call.state.get(_named(call))
    if found.kind != ROLE:
        raise not_found(f"The role named {call.names['name']}")
    return {**found.data, "etag": etag_of(found.revision)}


def included(call: Call, role: str) -> list[str]:
    """What a role gives, of all permissions that are known here."""
    found = role_of(call.state, role)
    return found.permissions() if found else []
