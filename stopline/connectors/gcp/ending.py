"""What Google Cloud removes for good in a termination where a hold alone says it: keys that we
made inactive. Denies, accounts and pools take a look at what is there (`removing`).

Entries that the pause took out of policies and access lists stay out, and are held no more.

A deleted key cannot be made again with its id and secret. Deleting has no etag: the status is read
right before the call, so a service account's key that a stranger enables in the milliseconds
between is deleted as well; Google itself refuses to delete an HMAC key that is active.
"""

from collections.abc import Mapping, Sequence

from stopline.connectors.gcp import removing, revoking
from stopline.connectors.gcp.clients import Clients
from stopline.model import Change, Effect, Skip
from stopline.port import Observed
from stopline.receipts import Hold

DELETES: Mapping[str, str] = {
    "service-account-key": "iam/v1/projects.serviceAccounts.keys.delete",
    "hmac-key": "storage/v1/projects.hmacKeys.delete",
}
"""By kind: the method that deletes."""

TAKEN = ("allow-policy-entry", "access-list-entry", "drive-permission", "workspace-membership")
"""What the pause took out whole: nothing is sent, and nothing gives it back any more."""
_STAYS: Mapping[str, str] = {
    "deny-policy-entry": "the deny of the vendor stays: it is all that reaches some of what it has",
    "service-account": (
        "the account stays off; people delete it, once nothing of the lab's needs it"
    ),
    "identity-pool": "the pool stays off; people delete it; Google could bring it back for 30 days",
    "workspace-user": (
        "the user stays suspended; people delete it in the Admin console, once its data has a new "
        "owner; Google could bring it back for 20 days"
    ),
    "bucket-setting": "the setting stays: whether data may expire again is for people to decide",
}
_WHOLE = {removing.ACCOUNT: removing.delete_account, removing.POOL: removing.delete_pool}
_AS_IT_IS = "it stays as the pause left it; what is there is not the vendor's alone to be deleted"


def ended(hold: Hold) -> Effect | Skip:
    """Say what is deleted where a hold is, or why nothing is. Pure."""
    kind, id_ = hold.address.kind, hold.address.id
    if kind in TAKEN:
        summary = hold.change.summary or f"take the entry of {hold.change.principal} out"
        return Effect(hold.address, f"{summary}, for good")
    if kind not in DELETES:
        return Skip(hold.address, hold.change.principal, _STAYS.get(kind, _AS_IT_IS))
    head, _, key = id_.rpartition("/")
    what = "HMAC key" if kind == "hmac-key" else "key"
    owner = head.rpartition("/")[2]
    return Effect(hold.address, f"delete the {what} {key[:4]}…{key[-4:]} of {owner} for good")


def end(
    clients: Clients, observed: Observed, changes: Sequence[Change], propagation: float
) -> None:
    """Delete what a document is, or take out what its changes name. Raises ConnectorError.

    https://docs.cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts.keys/delete
    https://docs.cloud.google.com/storage/docs/json_api/v1/projects/hmacKeys/delete
    """
    document = observed.document
    if document.kind in TAKEN:
        return
    if document.kind == revoking.DENY:
        revoking.revoke(clients, observed, changes, propagation)
        return
    if document.kind in _WHOLE:
        _WHOLE[document.kind](clients, observed)
        return
    method = DELETES[document.kind]
    if document.kind == "hmac-key":
        project, _, key = document.id.partition("/")
        clients.do(method, projectId=project, accessId=key)
    else:
        project, account, key = document.id.split("/")
        name = f"projects/{project}/serviceAccounts/{account}/keys/{key}"
        clients.do(method, name=name)
