"""A service account of our own, made to be contained and restored for real, then removed.

It is let in to itself, so all levers are shown: our deny, its switch, and an entry that is taken
out. The one place beside `documents` whose calls change anything, and only what bears the
canary's own name: `permissions.CANARY` is what it needs besides.
"""

from collections.abc import Iterator
from typing import Any

from stopline.connectors.gcp.bindings import Entry, edited, entries
from stopline.connectors.gcp.clients import Clients
from stopline.connectors.gcp.dialects import policy_of, set_policy
from stopline.connectors.gcp.reading import NAME, Account, account_of
from stopline.errors import ConnectorError, UserError
from stopline.preflight import CANARY_VENDOR, Canary
from stopline.receipts import Cause

ROLE = "roles/iam.serviceAccountUser"
"""Lets it look at itself, which our deny does not name: so its entry is taken out as well."""
UNSEEN = ("analytics-hub", "domain-wide-delegation", "resumable-uploads")
"""What no API shows of a vendor: of a canary we know that there is none."""
PATIENCE = (0.0, 2.0, 4.0, 8.0, 16.0)
"""Seconds between tries while IAM does not show everywhere what was just made.

https://docs.cloud.google.com/iam/docs/access-change-propagation
"""


def make(clients: Clients, realm: str, id_: str, propagation: float) -> Canary:
    """Make an account with one entry in its own policy. The same id makes it once.

    Raises ConnectorError where Google refuses, UserError where no project is named for it.
    """
    canary = _described(clients, realm, id_)
    name = canary.made["name"]
    try:
        _account(clients, canary)
        policy = _patiently(clients, name)
        entry = Entry(ROLE, canary.principals[0])
        if entry not in entries(policy):
            set_policy(clients, name, edited(policy, (), (entry,)))
        clients.sleep(propagation)
    except ConnectorError as error:
        left = _cleared(clients, canary)
        raise ConnectorError(error.cause, f"{error.detail}{left}") from error
    return canary


def _described(clients: Clients, realm: str, id_: str) -> Canary:
    project, short = _project(clients, realm), f"{CANARY_VENDOR}-{id_}"
    email = f"{short}@{project}.iam.gserviceaccount.com"
    return Canary(
        NAME,
        realm,
        id_,
        (f"serviceAccount:{email}",),
        {"principals": [f"serviceAccount:{email}"], "acknowledged": list(UNSEEN)},
        {"project": project, "id": short, "name": Account(project, email, "", False).name},
        (f"gcloud iam service-accounts delete {email} --project={project}",),
    )


def _project(clients: Clients, realm: str) -> str:
    """Where it is made: in the realm itself, or where our own account lives."""
    if not realm.isdigit():
        return realm
    own = clients.estate.service_account.partition("@")[2].partition(".")[0]
    found = own or next(iter(sorted(clients.estate.projects)), "")
    if not found:
        what = "No project is named in which a canary can be made; none was."
        raise UserError(
            what, "Name `gcp.service_account`, or `gcp.projects`, in the estate's file."
        )
    return found


def _account(clients: Clients, canary: Canary) -> None:
    """https://docs.cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts/create"""
    body = {"accountId": canary.made["id"], "serviceAccount": {"displayName": CANARY_VENDOR}}
    words: dict[str, Any] = {"name": f"projects/{canary.made['project']}", "body": body}
    try:
        clients.do("iam/v1/projects.serviceAccounts.create", **words)
    except ConnectorError as error:
        if error.cause is not Cause.BUSY:  # ALREADY_EXISTS: an attempt of ours was there first
            raise


def _patiently(clients: Clients, name: str) -> Any:
    """The policy of an account that was just made, and that IAM may not show yet."""
    for number, seconds in enumerate(PATIENCE, 1):
        clients.sleep(seconds)
        try:
            return policy_of(clients, name)
        except ConnectorError as error:
            if error.cause not in (Cause.GONE, Cause.DENIED) or number == len(PATIENCE):
                raise
    raise ConnectorError(Cause.UNREACHABLE, f"IAM does not show {name}")


def _cleared(clients: Clients, canary: Canary) -> str:
    """Remove what was made before it failed; says so, or what a person has to remove."""
    try:
        _delete(clients, canary)
    except ConnectorError as error:
        return f"; and it could not be removed: {error.detail}: {'; '.join(canary.commands)}"
    return "; what was made before was removed"


def remove(clients: Clients, canary: Canary) -> Iterator[str]:
    """Say what is not as it was made, then remove it. What is gone already is no fault."""
    if not canary.made["id"].startswith(f"{CANARY_VENDOR}-"):
        raise UserError(f"{canary.made['id']} is no canary; nothing was removed.")
    try:
        yield from _differences(clients, canary)
    except ConnectorError as error:
        yield f"it could not be compared: {error.detail}"
    _delete(clients, canary)


def _differences(clients: Clients, canary: Canary) -> Iterator[str]:
    name = canary.made["name"]
    if account_of(clients.ask("iam/v1/projects.serviceAccounts.get", name=name)).disabled:
        yield f"{canary.made['id']} is still inactive"
    if entries(policy_of(clients, name)) != {Entry(ROLE, canary.principals[0])}:
        yield f"the policy of {canary.made['id']} is not what it was"


def _delete(clients: Clients, canary: Canary) -> None:
    """https://docs.cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts/delete"""
    name = canary.made["name"]
    try:
        _require_ours(clients, name)
        clients.do("iam/v1/projects.serviceAccounts.delete", name=name)
    except ConnectorError as error:
        if error.cause is not Cause.GONE:
            raise


def _require_ours(clients: Clients, name: str) -> None:
    """What somebody else made under that name is let be. Raises ConnectorError."""
    said = clients.ask("iam/v1/projects.serviceAccounts.get", name=name)
    if said.get("displayName") != CANARY_VENDOR:
        raise ConnectorError(Cause.RECREATED, f"{name} is none of our canaries; it was let be")
