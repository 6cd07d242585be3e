"""Service accounts and keys that come and go: who is deleted is somebody else when made again.

https://cloud.google.com/iam/docs/service-accounts-delete-undelete
"""

import base64
import re
from collections.abc import Iterator
from datetime import timedelta

from stopline.drill.google.accounts import HOST, KEPT_DAYS, shown
from stopline.drill.google.buckets import hmac_shown
from stopline.drill.google.calls import Call, answers
from stopline.drill.google.errors import GoogleError, invalid, not_found
from stopline.drill.google.oracle import DENY
from stopline.drill.google.principals import ACCOUNT, CLOUD, HMAC, KEY, USER
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
    account = call.state.get(_named(call))
    until = call.state.now() + timedelta(days=KEPT_DAYS)
    kept = (until, tuple(call.state.below(account.name)))
    forget(call.state, account)
    call.state.deleted[account.data["uniqueId"]] = kept
    return {}


@answers(f"{_A}.undelete")
def undelete(call: Call) -> Json:
    """Bring an account back within a month, by its number, unless another has its name by now.

    https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts/undelete
    """
    number = call.names["name"].rpartition("/")[2]
    until, kept = call.state.deleted.get(number, (call.state.now(), ()))
    if not kept or until <= call.state.now():
        raise not_found(f"Service account {number}")
    call.require("iam.serviceAccounts.undelete", kept[0].parent)
    if call.state.by_email(ACCOUNT, kept[0].email) is not None:
        raise GoogleError(409, f"{kept[0].email} exists.", status="ALREADY_EXISTS")
    with call.state.lock:
        del call.state.deleted[number]
        for resource in kept:
            call.state.add(resource)
        _rename(call.state, kept[0], back=True)
    return {"restoredAccount": shown(kept[0])}


def forget(state: State, account: Resource) -> None:
    """Take an identity out with all that it has, and mark it as deleted wherever it is named.

    https://cloud.google.com/iam/docs/principal-identifiers#allow
    """
    with state.lock:
        for resource in state.below(account.name):
            state.remove(resource)
        _rename(state, account, back=False)


def _rename(state: State, account: Resource, *, back: bool) -> None:
    """Say in all policies that somebody is deleted, or is back: in those that deny as well."""
    user = account.kind == USER
    number = account.data.get("uniqueId") or account.data["id"]
    point = "goog/subject" if user else "iam.googleapis.com/projects/-/serviceAccounts"
    for own in (
        f"{'user' if user else 'serviceAccount'}:{account.email}",
        f"principal://{point}/{account.email}",
    ):
        names = (own, f"deleted:{own}?uid={number}")
        old, new = reversed(names) if back else names
        for resource in state.resources.values():
            for said, field in _lists(resource):
                if any(m.lower() == old.lower() for m in said.get(field, [])):
                    said[field] = [new if m.lower() == old.lower() else m for m in said[field]]
                    resource.policy_revision = resource.revision = state.next_revision()


def _lists(resource: Resource) -> Iterator[tuple[dict[str, Json], str]]:
    yield from ((binding, "members") for binding in resource.policy.get("bindings", []))
    if resource.kind == DENY:
        rules = (rule["denyRule"] for rule in resource.data.get("rules", []))
        yield from ((rule, "deniedPrincipals") for rule in rules)


@answers(f"{_A}.keys.create", on=_named)
def create_key(call: Call) -> Json:
    """Mint a key. Its secret is a token that acts as the account: `key:` and the key's id.

    https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts.keys/create
    """
    account = call.state.get(_named(call))
    key_id = number_of(f"key {call.state.next_revision()}")
    short = f"{account.short}/keys/{key_id}"
    data: dict[str, Json] = {"name": short, "keyType": "USER_MANAGED"}
    data |= {"keyOrigin": "GOOGLE_PROVIDED", "keyAlgorithm": "KEY_ALG_RSA_2048"}
    data |= {"validAfterTime": call.state.now().isoformat()}
    made = call.state.add(Resource(f"//{HOST}/{short}", KEY, account.name, data))
    secret = base64.b64encode(f"key:{key_id}".encode()).decode()
    return {**shown(made), "privateKeyData": secret}


@answers(f"{_A}.keys.delete", on=_named)
def delete_key(call: Call) -> Json:
    """Delete a key, for good."""
    call.state.remove(call.state.get(_named(call)))
    return {}


def _hmac_project(call: Call) -> str:
    return f"{CLOUD}projects/{call.state.project_id(call.names['projectId'])}"


@answers("storage.v1.projects.hmacKeys.create", on=_hmac_project)
def create_hmac_key(call: Call) -> Json:
    """Mint an HMAC key for an account. It acts as `hmac:` and its access id.

    https://cloud.google.com/storage/docs/json_api/v1/projects/hmacKeys/create
    """
    email = call.asked("serviceAccountEmail")
    if call.state.by_email(ACCOUNT, email) is None:
        raise not_found(f"Service Account {email}")
    access_id = f"GOOG1E{number_of(f'hmac {call.state.next_revision()}')}"
    project = call.state.get(_hmac_project(call))
    short = f"{project.short}/hmacKeys/{access_id}"
    now = call.state.now().isoformat()
    data: dict[str, Json] = {"kind": "storage#hmacKeyMetadata", "accessId": access_id}
    data |= {"id": f"{project.short.partition('/')[2]}/{access_id}", "state": "ACTIVE"}
    data |= {"projectId": project.short.partition("/")[2], "serviceAccountEmail": email}
    data |= {"timeCreated": now, "updated": now}
    made = call.state.add(Resource(f"//storage.googleapis.com/{short}", HMAC, project.name, data))
    secret = base64.b64encode(access_id.encode()).decode()
    return {"kind": "storage#hmacKey", "metadata": hmac_shown(made), "secret": secret}


@answers("storage.v1.projects.hmacKeys.delete", on=_hmac_project)
def delete_hmac_key(call: Call) -> Json:
    """Delete an HMAC key, which must be inactive."""
    project = call.state.get(_hmac_project(call)).short
    name = f"//storage.googleapis.com/{project}/hmacKeys/{call.names['accessId']}"
    found = call.state.get(name)
    if found.data["state"] != "INACTIVE":
        raise invalid("Cannot delete an HMAC key that is not inactive.")
    found.data["state"] = "DELETED"
    call.state.touch(found)
