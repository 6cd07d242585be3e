"""The vendor's people in IAM Identity Center: groups that they are in, accounts and applications
given to them.

The service knows no deny, and no call ends a user's session, so what was given is taken out, piece
by piece, and given back. The person itself is the lab's identity provider's to end: where that
provisions groups (SCIM), it may put a member back, which an audit shows.
https://docs.aws.amazon.com/singlesignon/latest/userguide/useraccess.html
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from stopline.connectors.aws.clients import Clients
from stopline.connectors.aws.levers import NAME, left
from stopline.errors import ConnectorError
from stopline.estate import IdentityCenter
from stopline.model import Address, Change, Counted, Found, Gap, Grant, Scope, Skip, State
from stopline.port import Terms
from stopline.text import Json
from stopline.vendors import AwsSelectors

MEMBER, ASSIGNED, APPLICATION = "group-membership", "account-assignment", "application-assignment"
KINDS = (MEMBER, ASSIGNED, APPLICATION)
LAST = "last-account-assignment"
"""One without which AWS would remove the permission set's role from the account."""
OPEN = "open-application"
"""One that everybody in the directory may use, whoever it is assigned to."""


@dataclass(frozen=True, slots=True)
class _Center:
    """Where it is, and the names of what there is in it."""

    clients: Clients
    place: IdentityCenter
    instance: str
    store: str

    def ask(self, service: str, operation: str, **words: Any) -> Any:
        """One reading call. Raises ConnectorError."""
        where = f"{service}/{self.place.region}"
        return self.clients.ask(self.place.account, where, operation, **words)

    def items(self, service: str, operation: str, key: str, **words: Any) -> Iterator[Any]:
        """All items of a list. Raises ConnectorError."""
        where = f"{service}/{self.place.region}"
        for page in self.clients.pages(self.place.account, where, operation, **words):
            yield from page[key]

    def address(self, kind: str, *parts: str) -> Address:
        """An address of one membership, or account or application assignment."""
        id_ = "/".join((self.place.region, *parts))
        return Address(NAME, self.place.account, kind, id_)


def discover(clients: Clients, selectors: AwsSelectors, scope: Scope) -> Iterator[Found]:
    """Yield what the vendor's people were given; what cannot be read is a gap."""
    place = clients.estate.identity_center
    if not selectors.directory_users:
        return
    if place is None:
        why = "the estate's file has no `aws.identity_center`, and so nobody looks there"
        yield Gap(NAME, min(clients.estate.accounts), "IAM Identity Center", why)
        return
    if scope.realms and place.account not in scope.realms:
        return
    service = f"sso-admin/{place.region}"
    try:
        pages = clients.pages(place.account, service, "list_instances")
        found = [i for page in pages for i in page["Instances"]]
    except ConnectorError as error:
        yield Gap(NAME, place.account, "IAM Identity Center", error.detail)
        return
    if not found:
        yield Gap(NAME, place.account, "IAM Identity Center", f"no instance in {place.region}")
    for instance in found:
        arn, store = instance.get("InstanceArn"), instance.get("IdentityStoreId")
        if arn and store:
            yield from _in_center(_Center(clients, place, arn, store), selectors)
        else:
            what = f"an instance that is {instance.get('Status', 'not whole')}"
            yield Gap(NAME, place.account, "IAM Identity Center", what)


def _in_center(center: _Center, selectors: AwsSelectors) -> Iterator[Found]:
    account = center.place.account
    try:
        words = {"IdentityStoreId": center.store}
        users = list(center.items("identitystore", "list_users", "Users", **words))
    except ConnectorError as error:
        yield Gap(NAME, account, "people of IAM Identity Center", error.detail)
        return
    yield Counted(NAME, account, "directory-user", len(users))
    theirs = {str(u["UserId"]): u for u in users if is_theirs(u, selectors.directory_users)}
    for id_, user in sorted(theirs.items()):
        for kind, look in _LOOKS:
            try:
                name = str(user.get("UserName", id_))
                yield from look(center, id_, name, frozenset(theirs))
            except ConnectorError as error:
                yield Gap(NAME, account, f"{kind} of {user.get('UserName', id_)}", error.detail)


def is_theirs(user: Mapping[str, Json], wanted: Iterable[str]) -> bool:
    """Whether a user is one of these: by its whole name or address, or the domain after `*@`."""
    mails = (mail.get("Value", "") for mail in user.get("Emails") or ())
    names = [str(name).lower() for name in (user.get("UserName", ""), *mails) if name]
    return any(
        name.rpartition("@")[2] == one[2:].lower() if one.startswith("*@") else name == one.lower()
        for one in wanted
        for name in names
        if "@" in name or not one.startswith("*@")
    )


def _arn(user: str) -> str:
    return f"arn:aws:identitystore:::user/{user}"


def _memberships(center: _Center, user: str, name: str, _: Iterable[str]) -> Iterator[Grant]:
    """https://docs.aws.amazon.com/singlesignon/latest/IdentityStoreAPIReference/API_ListGroupMembershipsForMember.html"""
    words = {"IdentityStoreId": center.store, "MemberId": {"UserId": user}}
    operation = "list_group_memberships_for_member"
    for one in center.items("identitystore", operation, "GroupMemberships", **words):
        group = str(one["GroupId"])
        shown = center.ask(
            "identitystore", "describe_group", IdentityStoreId=center.store, GroupId=group
        )
        yield Grant(
            center.address(MEMBER, center.store, group, user),
            State.of({"GroupId": group, "UserId": user}),
            _arn(user),
            MEMBER,
            f"arn:aws:identitystore:::group/{group}",
            f"{name} in group {shown.get('DisplayName', group)}",
        )


def _assignments(center: _Center, user: str, name: str, theirs: Iterable[str]) -> Iterator[Grant]:
    """https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_ListAccountAssignmentsForPrincipal.html"""
    words = {"InstanceArn": center.instance, "PrincipalId": user, "PrincipalType": "USER"}
    operation = "list_account_assignments_for_principal"
    for one in center.items("sso-admin", operation, "AccountAssignments", **words):
        if (one["PrincipalType"], one["PrincipalId"]) != ("USER", user):
            continue  # a group's: its membership is taken out
        account, permissions = str(one["AccountId"]), str(one["PermissionSetArn"])
        last = not _others(center, account, permissions, frozenset(theirs))
        yield Grant(
            center.address(ASSIGNED, center.store, permissions.rpartition(":")[2], account, user),
            State.of({"AccountId": account, "PermissionSetArn": permissions, "UserId": user}),
            _arn(user),
            LAST if last else ASSIGNED,
            permissions,
            f"{name} in account {account}",
        )


def _others(center: _Center, account: str, permissions: str, theirs: frozenset[str]) -> bool:
    """https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_ListAccountAssignments.html"""
    found = center.items(
        "sso-admin",
        "list_account_assignments",
        "AccountAssignments",
        InstanceArn=center.instance,
        AccountId=account,
        PermissionSetArn=permissions,
    )
    return any(one["PrincipalType"] != "USER" or one["PrincipalId"] not in theirs for one in found)


def _applications(center: _Center, user: str, name: str, _: Iterable[str]) -> Iterator[Found]:
    """https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_ListApplicationAssignmentsForPrincipal.html"""
    words = {"InstanceArn": center.instance, "PrincipalId": user, "PrincipalType": "USER"}
    operation = "list_application_assignments_for_principal"
    for one in center.items("sso-admin", operation, "ApplicationAssignments", **words):
        if (one["PrincipalType"], one["PrincipalId"]) != ("USER", user):
            continue  # a group's: its membership is taken out
        arn = str(one["ApplicationArn"])
        try:
            yield _application(center, arn, user, name)
        except ConnectorError as error:
            what = f"{name} in application {arn.rpartition('/')[2]}"
            yield Gap(NAME, center.place.account, what, error.detail)


def _application(center: _Center, arn: str, user: str, name: str) -> Grant:
    """https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_GetApplicationAssignmentConfiguration.html"""
    shown = center.ask("sso-admin", "describe_application", ApplicationArn=arn)
    operation = "get_application_assignment_configuration"
    required = center.ask("sso-admin", operation, ApplicationArn=arn)["AssignmentRequired"]
    *_, account, what = arn.split(":")
    return Grant(
        center.address(APPLICATION, center.store, account, *what.split("/")[1:], user),
        State.of({"ApplicationArn": arn, "UserId": user}),
        _arn(user),
        APPLICATION if required else OPEN,
        arn,
        f"{name} in application {shown.get('Name') or arn.rpartition('/')[2]}",
    )


_LOOKS: Sequence[tuple[str, Callable[..., Iterator[Found]]]] = (
    ("groups", _memberships),
    ("accounts", _assignments),
    ("applications", _applications),
)


def contained(grant: Grant, _terms: Terms, proto: Change) -> Iterator[Change | Skip]:
    """Take one out. The last one of a permission set in an account stays: its role would go,
    and another one would come back.

    https://docs.aws.amazon.com/singlesignon/latest/userguide/permissionsetsconcept.html
    """
    if grant.entitlement == LAST:
        yield left(
            grant,
            f"{grant.via} is the last who has this permission set there: AWS would remove its "
            "role, and make another one when it is given back. End the person at your "
            "identity provider",
        )
        return
    if grant.entitlement == OPEN:
        yield left(
            grant,
            f"{grant.via} may use it without a grant, like everybody in the directory: have it "
            "ask for one (`AssignmentRequired`) by hand, or end the person at your identity "
            "provider",
        )
        return
    yield replace(proto, summary=f"take {_OUT[grant.address.kind]}: {grant.via}", after=None)


_OUT = {MEMBER: "out of its group", ASSIGNED: "its account", APPLICATION: "its application"}


def named(parts: Sequence[str], kind: str) -> Mapping[str, str]:
    """What an address says, after its region: see what finds it."""
    if kind == MEMBER:
        store, group, user = parts
        return {"store": store, "group": group, "user": user}
    if kind == APPLICATION:
        store, account, instance, application, user = parts
        arn = f"arn:aws:sso::{account}:application/{instance}/{application}"
        return {"store": store, "application": arn, "user": user}
    store, kind_of, instance, permissions, account, user = parts
    return {
        "store": store,
        "instance": f"arn:aws:sso:::instance/{instance}",
        "permissions": f"arn:aws:sso:::{kind_of}/{instance}/{permissions}",
        "account": account,
        "user": user,
    }
