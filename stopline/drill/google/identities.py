"""Service accounts that come and go: who is deleted is somebody else when made again.

https://cloud.google.com/iam/docs/service-accounts-delete-undelete
"""

import re

from stopline.drill.google.accounts import HOST, shown
from stopline.drill.google.calls import Call, answers
from stopline.drill.google.errors import GoogleError, invalid
from stopline.drill.google.principals import ACCOUNT, CLOUD
from stopline.drill.google.sharing import full_name
from stopline.drill.google.state import Resource, State, number_of
from stopline.text import Json

_A = "iam.v1.projects.serviceAccounts"
_ID = re.compile(r"[a-z]([-a-z0-9]{4,28}[a-z0-9])")


def _project(call: Call) -> str:
    return f"{CLOUD}projects/{call.state.project_id(call.names['name'].partition('/')[2])}"


def _named(call: Call) -> str:
    return full_name(call.state, HOST, call.names["name"])


@answers(f"{_A}.create", on=_project)
def create(call: Call) -> Json:
    """Make a service account. It has another unique id than any before it of that name."""
    host = call.state.get(_project(call))
    project = host.short.removeprefix("projects/")
    account_id = call.body.get("accountId", "")
    if not _ID.fullmatch(account_id):
        raise invalid(f"Invalid account id: {account_id!r}", "account_id")
    email = f"{account_id}@{project}.iam.gserviceaccount.com"
    short = f"projects/{project}/serviceAccounts/{email}"
    if call.state.by_email(ACCOUNT, email) is not None:
        raise GoogleError(
            409,
            f"Service account {account_id} already exists within project projects/{project}.",
            status="ALREADY_EXISTS",
            reason="alreadyExists",
        )
    number = number_of(f"{email} {call.state.next_revision()}")
    data = {"name": short, "projectId": project, "email": email, "uniqueId": number}
    data |= {"oauth2ClientId": number, **(call.body.get("serviceAccount") or {})}
    return shown(call.state.add(Resource(f"//{HOST}/{short}", ACCOUNT, host.name, data)))


@answers(f"{_A}.delete", on=_named)
def delete(call: Call) -> Json:
    """Delete a service account with its keys. Policies keep it as a member that is deleted."""
    forget(call.state, call.state.get(_named(call)))
    return {}


def forget(state: State, account: Resource) -> None:
    """Take an identity out with all that it has, and mark it as deleted wherever it is named.

    https://cloud.google.com/iam/docs/principal-identifiers#allow
    """
    with state.lock:
        old = f"serviceAccount:{account.email}".lower()
        new = f"deleted:serviceAccount:{account.email}?uid={account.data['uniqueId']}"
        for resource in state.below(account.name):
            state.remove(resource)
        for resource in state.resources.values():
            for binding in resource.policy.get("bindings", []):
                members = binding["members"]
                if any(m.lower() == old for m in members):
                    binding["members"] = [new if m.lower() == old else m for m in members]
                    resource.policy_revision = state.next_revision()
