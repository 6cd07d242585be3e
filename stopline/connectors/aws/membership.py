"""Reading and writing of what one person has in Identity Center: a group, account, application.

A membership has an id of its own, which is our concurrency tag: one that a stranger took out and
put in again is not deleted by what we read before. An account or application assignment has none:
it is there or it is not.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

from stopline.connectors.aws.clients import Clients
from stopline.connectors.aws.documents import address, gone
from stopline.connectors.aws.people import APPLICATION, MEMBER, named
from stopline.errors import ConnectorError
from stopline.model import Change, Document, State
from stopline.port import Observed
from stopline.receipts import Cause

_UNDER_WAY = (0.2, 0.5, 1.0, 2.0, 4.0)
"""Seconds between two looks at what AWS does in its own time; well within a lease."""


def _words(document: Document) -> tuple[str, dict[str, str]]:
    region, *parts = document.id.split("/")
    return region, dict(named(parts, document.kind))


def _there(ask: Callable[..., Any], words: dict[str, str]) -> bool:
    """Whether the person and the group are there.

    https://docs.aws.amazon.com/singlesignon/latest/IdentityStoreAPIReference/API_DescribeUser.html
    """
    try:
        ask("describe_user", IdentityStoreId=words["store"], UserId=words["user"])
        if "group" in words:
            ask("describe_group", IdentityStoreId=words["store"], GroupId=words["group"])
    except ConnectorError as error:
        if gone(error):
            return False
        raise
    return True


def read(clients: Clients, document: Document) -> Observed:
    """Read whether one membership, or account or application assignment, is there.

    Raises ConnectorError.

    https://docs.aws.amazon.com/singlesignon/latest/IdentityStoreAPIReference/API_GetGroupMembershipId.html
    """
    region, words = _words(document)

    def ask(operation: str, **said: Any) -> Any:
        return clients.ask(document.realm, f"identitystore/{region}", operation, **said)

    if document.kind != MEMBER:
        if _given(clients, document, region, words):
            held = State.of({_SAID[key]: words[key] for key in _SAID if key in words})
            return Observed(document, {address(document): held})
        there = _there(ask, words) and _is_application(clients, document, region, words)
        return Observed(document, exists=there)
    try:
        found = ask(
            "get_group_membership_id",
            IdentityStoreId=words["store"],
            GroupId=words["group"],
            MemberId={"UserId": words["user"]},
        )
    except ConnectorError as error:
        if gone(error):
            return Observed(document, exists=_there(ask, words))
        raise
    held = State.of({"GroupId": words["group"], "UserId": words["user"]})
    return Observed(document, {address(document): held}, tag=str(found["MembershipId"]))


_SAID = {
    "account": "AccountId",
    "permissions": "PermissionSetArn",
    "application": "ApplicationArn",
    "user": "UserId",
}
"""What the state of an assignment calls what its address says."""


def _given(clients: Clients, document: Document, region: str, words: dict[str, str]) -> bool:
    if document.kind == APPLICATION:
        said = _of_application(words)
        return _found(clients, document, region, "describe_application_assignment", **said)
    return _assigned(clients, document, region, words)


def _of_application(words: dict[str, str]) -> dict[str, str]:
    who = {"PrincipalType": "USER", "PrincipalId": words["user"]}
    return {"ApplicationArn": words["application"], **who}


def _is_application(
    clients: Clients, document: Document, region: str, words: dict[str, str]
) -> bool:
    """Whether what may be assigned is there; of an account nobody says it."""
    said = {"ApplicationArn": words.get("application", "")}
    return document.kind != APPLICATION or _found(
        clients, document, region, "describe_application", **said
    )


def _found(clients: Clients, document: Document, region: str, operation: str, **said: str) -> bool:
    """Whether it is there, as a call that shows it says.

    https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_DescribeApplicationAssignment.html
    https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_DescribeApplication.html
    """
    try:
        clients.ask(document.realm, f"sso-admin/{region}", operation, **said)
    except ConnectorError as error:
        if gone(error):
            return False
        raise
    return True


def _assigned(clients: Clients, document: Document, region: str, words: dict[str, str]) -> bool:
    """https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_ListAccountAssignments.html"""
    try:
        pages = clients.pages(
            document.realm,
            f"sso-admin/{region}",
            "list_account_assignments",
            InstanceArn=words["instance"],
            AccountId=words["account"],
            PermissionSetArn=words["permissions"],
        )
    except ConnectorError as error:
        if gone(error):
            return False
        raise
    items = (one for page in pages for one in page["AccountAssignments"])
    return any((i["PrincipalType"], i["PrincipalId"]) == ("USER", words["user"]) for i in items)


def write(clients: Clients, observed: Observed, changes: Sequence[Change]) -> None:
    """Take out, or give back. Raises ConnectorError.

    https://docs.aws.amazon.com/singlesignon/latest/IdentityStoreAPIReference/API_CreateGroupMembership.html
    https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_CreateApplicationAssignment.html
    https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_DeleteApplicationAssignment.html
    """
    document = observed.document
    region, words = _words(document)
    for change in changes:
        make = change.after is not None
        if make is bool(observed.states):
            continue  # it is as it should be
        if document.kind == APPLICATION:
            operation = f"{'create' if make else 'delete'}_application_assignment"
            place, said = f"sso-admin/{region}", _of_application(words)
            clients.do(document.realm, place, operation, **said)
            continue
        if document.kind != MEMBER:
            _assign(clients, document, region, words, make=make)
            continue
        place, store = f"identitystore/{region}", words["store"]
        if make:
            clients.do(
                document.realm,
                place,
                "create_group_membership",
                IdentityStoreId=store,
                GroupId=words["group"],
                MemberId={"UserId": words["user"]},
            )
        else:
            said = {"IdentityStoreId": store, "MembershipId": observed.tag}
            clients.do(document.realm, place, "delete_group_membership", **said)


def _assign(
    clients: Clients, document: Document, region: str, words: dict[str, str], *, make: bool
) -> None:
    """AWS does it in its own time, and is asked until it has.

    https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_CreateAccountAssignment.html
    https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_DeleteAccountAssignment.html
    """
    verb, noun = ("create", "Creation") if make else ("delete", "Deletion")
    place, status = f"sso-admin/{region}", f"AccountAssignment{noun}Status"
    operation = f"{verb}_account_assignment"
    found = clients.do(
        document.realm,
        place,
        operation,
        InstanceArn=words["instance"],
        TargetId=words["account"],
        TargetType="AWS_ACCOUNT",
        PermissionSetArn=words["permissions"],
        PrincipalType="USER",
        PrincipalId=words["user"],
    )[status]
    said = {
        "InstanceArn": words["instance"],
        f"AccountAssignment{noun}RequestId": found["RequestId"],
    }
    for seconds in _UNDER_WAY:
        if found["Status"] != "IN_PROGRESS":
            break
        time.sleep(seconds)
        look = f"describe_account_assignment_{noun.lower()}_status"
        found = clients.ask(document.realm, place, look, **said)[status]
    if found["Status"] != "SUCCEEDED":
        why = found.get("FailureReason") or "it is still under way"
        cause = Cause.REFUSED if found["Status"] == "FAILED" else Cause.UNREACHABLE
        raise ConnectorError(cause, f"sso-admin.{operation}: {why}", landed=None)
