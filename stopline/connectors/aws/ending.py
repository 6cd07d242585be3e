"""What AWS removes for good in a termination where a hold alone says it: credentials.

The vendor's own users and roles take a look at them (`removing`).

IAM deletes a key without looking at its status, and has no concurrency tag: the status is read
right before the call, so a key that a stranger makes active in the tens of milliseconds between is
deleted as well. None of these can be made again with the same id and secret.

A deny of ours opens what it denies when it goes, so it stays for as long as what it is on is there.
"""

from collections.abc import Mapping, Sequence

from stopline.connectors.aws import marks, removing
from stopline.connectors.aws.clients import Clients
from stopline.connectors.aws.people import APPLICATION, ASSIGNED, MEMBER
from stopline.connectors.aws.shares import SHARES
from stopline.model import Change, Effect, Skip
from stopline.port import Observed
from stopline.receipts import Hold

DELETES: Mapping[str, tuple[str, str]] = {
    "access-key": ("delete_access_key", "AccessKeyId"),
    "ssh-key": ("delete_ssh_public_key", "SSHPublicKeyId"),
    "signing-certificate": ("delete_signing_certificate", "CertificateId"),
}
"""By kind: the operation that deletes, and its name for the id."""

_OF_A_PRINCIPAL = (
    "the deny stays until people have deleted the {kind} itself; it holds what the {kind} was given"
)
TAKEN: Mapping[str, str] = {
    MEMBER: "leave {what} without this membership for good",
    **dict.fromkeys((ASSIGNED, APPLICATION), "leave {what} without this assignment for good"),
    **{
        kind: f"leave {{what}} taken out of this {row.what if row.sends else 'share'} for good"
        for kind, row in SHARES.items()
        if not row.off
    },
}
"""By kind, what the pause took out whole: nothing is sent, and nothing gives it back any more."""
_STAYS = {
    **{
        k: "it stays switched off; it is people's to delete" for k, row in SHARES.items() if row.off
    },
    "deny-policy": "other denies stand on it; it can go when none of them is left",
    "trust-policy-statement": "the deny at the door of a role that others use stays",
    "service-control-policy": "the deny of the vendor's principals stays, in the organization too",
    "resource-control-policy": "the deny of the vendor's accounts stays, in the organization too",
    "service-control-attachment": "the deny in the organization stays",
    "resource-control-attachment": "the deny in the organization stays",
    "bucket-lifecycle": "the rule stays off: whether data may expire again is for people to decide",
}
_OF_OTHERS = (
    "the end of older sessions stays; the role is others' as well, and is not to be deleted"
)
_FROZEN = "the freeze stays: whether what is in it may change again is for people to decide"
_OF_A_TARGET = "the deny of the vendor stays: the vendor's own account cannot be deleted by us"


def ended(hold: Hold) -> Effect | Skip:
    """Say what is deleted where a hold is, or why nothing is. Pure."""
    kind, id_ = hold.address.kind, hold.address.id
    if kind in DELETES:
        user, _, key = id_.partition("/")
        what = kind.replace("-", " ")
        return Effect(hold.address, f"delete the {what} {key[:4]}…{key[-4:]} of {user} for good")
    if kind in TAKEN:
        return Effect(hold.address, TAKEN[kind].format(what=hold.change.principal or id_))
    owner, _, lever = kind.partition("-")
    if id_.partition("/")[2].startswith(marks.CUT):
        reason = _OF_OTHERS
    elif marks.is_freeze(hold.address.part):
        reason = _FROZEN
    elif owner in ("user", "role") and lever:
        reason = _OF_A_PRINCIPAL.format(kind=owner)
    else:
        reason = _STAYS.get(kind, _OF_A_TARGET)
    return Skip(hold.address, hold.change.principal, reason)


def end(clients: Clients, observed: Observed, changes: Sequence[Change]) -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteAccessKey.html"""
    document = observed.document
    if document.kind in TAKEN:
        return
    if document.kind not in DELETES:
        removing.remove(clients, observed, changes)
        return
    operation, id_ = DELETES[document.kind]
    user, _, wanted = document.id.partition("/")
    clients.do(document.realm, "iam", operation, UserName=user, **{id_: wanted})
