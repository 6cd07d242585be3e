"""IAM Identity Center in the emulator: people of the vendor's and others, groups, accounts."""

import json
from dataclasses import dataclass, field
from typing import Any

from support.aws import DATA, PLAYBOOK, RESEARCH, VENDOR, Cloud, answer, body_of, owners_client

from stopline.estate import AwsAccount, IdentityCenter
from stopline.playbook import Phase, Playbook, Rule
from stopline.text import Json
from stopline.vendors import Vendor

REGION = "us-east-1"
ESTATE: dict[str, Any] = {
    "accounts": {DATA: AwsAccount(name="data")},
    "resources": (),
    "identity_center": IdentityCenter(account=DATA, region=REGION),
}
PEOPLE = VENDOR.model_copy(
    update={"aws": VENDOR.aws.model_copy(update={"directory_users": ("*@mercor.example", "pilot")})}
)
RULES = tuple(
    (contains, "remove")
    for contains in ("group-memberships", "account-assignments", "application-assignments")
)
REMOVING: Playbook = PLAYBOOK.model_copy(
    update={
        "phases": (
            *PLAYBOOK.phases,
            Phase(
                name="people",
                rules=tuple(
                    Rule(name=contains, connector="aws", contains=contains, how=how)
                    for contains, how in RULES
                ),
            ),
        )
    }
)


@dataclass
class Application:
    """One application: who may use it, and whether that must be assigned at all."""

    users: set[str] = field(default_factory=set)
    required: bool = True


@dataclass
class Center:
    """The owner's hands in one Identity Center."""

    cloud: Cloud
    vendor: Vendor = PEOPLE
    playbook: Playbook = REMOVING
    instance: str = ""
    store: str = ""
    ids: dict[str, str] = field(default_factory=dict)
    applications: dict[str, Application] = field(default_factory=dict)
    """By ARN: the emulator has none, so that `refusing` answers for them."""

    def __post_init__(self) -> None:
        (one,) = self.sso.list_instances()["Instances"]
        self.instance, self.store = one["InstanceArn"], one["IdentityStoreId"]

    @property
    def sso(self) -> Any:
        """Permission sets and assignments."""
        return owners_client(self.cloud.url, DATA, "sso-admin", REGION)

    @property
    def directory(self) -> Any:
        """People and groups."""
        return owners_client(self.cloud.url, DATA, "identitystore", REGION)

    def person(self, name: str, mail: str = "") -> str:
        """A person; returns the id."""
        mails: Json = {"Emails": [{"Value": mail, "Primary": True}]} if mail else {}
        words = {"Name": {"GivenName": name, "FamilyName": "x"}, "DisplayName": name}
        made = self.directory.create_user(
            IdentityStoreId=self.store, UserName=name, **words, **mails
        )
        return self.ids.setdefault(name, str(made["UserId"]))

    def group(self, name: str, *people: str) -> str:
        """A group of these people; returns the id."""
        made = self.directory.create_group(IdentityStoreId=self.store, DisplayName=name)
        self.ids[name] = str(made["GroupId"])
        for person in people:
            self.join(person, name)
        return self.ids[name]

    def join(self, person: str, group: str) -> None:
        """Put a person into a group."""
        self.directory.create_group_membership(
            IdentityStoreId=self.store,
            GroupId=self.ids[group],
            MemberId={"UserId": self.ids[person]},
        )

    def members(self, group: str) -> set[str]:
        """Who is in a group, by name."""
        words = {"IdentityStoreId": self.store, "GroupId": self.ids[group]}
        found = self.directory.list_group_memberships(**words)["GroupMemberships"]
        names = {id_: name for name, id_ in self.ids.items()}
        return {names[one["MemberId"]["UserId"]] for one in found}

    def permissions(self, name: str) -> str:
        """A permission set; returns its ARN."""
        made = self.sso.create_permission_set(InstanceArn=self.instance, Name=name)
        return self.ids.setdefault(name, str(made["PermissionSet"]["PermissionSetArn"]))

    def assign(self, person: str, permissions: str, account: str = RESEARCH) -> None:
        """Give a person an account."""
        self.sso.create_account_assignment(
            InstanceArn=self.instance,
            TargetId=account,
            TargetType="AWS_ACCOUNT",
            PermissionSetArn=self.ids[permissions],
            PrincipalType="USER",
            PrincipalId=self.ids[person],
        )

    def assigned(self, permissions: str, account: str = RESEARCH) -> set[str]:
        """Who has an account directly, by name."""
        found = self.sso.list_account_assignments(
            InstanceArn=self.instance, AccountId=account, PermissionSetArn=self.ids[permissions]
        )["AccountAssignments"]
        names = {id_: name for name, id_ in self.ids.items()}
        return {names[one["PrincipalId"]] for one in found}

    def delete(self, person: str) -> None:
        """Delete a person."""
        self.directory.delete_user(IdentityStoreId=self.store, UserId=self.ids[person])

    def application(self, name: str, *people: str, required: bool = True) -> str:
        """An application that is assigned to these people; returns its ARN."""
        instance = self.instance.rpartition("/")[2]
        arn = f"arn:aws:sso::{DATA}:application/{instance}/apl-{name:0>16}"
        users = {self.ids[person] for person in people}
        self.applications[arn] = Application(users, required)
        return arn

    def using(self, arn: str) -> set[str]:
        """Whom an application is assigned to, by name."""
        names = {id_: name for name, id_ in self.ids.items()}
        return {names[id_] for id_ in self.applications[arn].users}

    def _applied(self, operation: str, words: Json) -> Json:
        """What AWS's model of the service says of applications; nothing where none is there.

        https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_Operations.html
        """
        user = words.get("PrincipalId")
        if operation == "ListApplicationAssignmentsForPrincipal":
            given = [
                {"ApplicationArn": arn, "PrincipalType": "USER", "PrincipalId": user}
                for arn, one in self.applications.items()
                if user in one.users
            ]
            of_group = {"PrincipalType": "GROUP", "PrincipalId": "by-its-group"}
            by_group = [{**one, **of_group} for one in given]
            return {"ApplicationAssignments": given + by_group}
        one = self.applications.get(words["ApplicationArn"])
        needs = operation.startswith(("Delete", "DescribeApplicationAssignment"))
        if one is None or (needs and user not in one.users):
            return None
        if operation.startswith(("Create", "Delete")):
            one.users ^= {user}
        name = words["ApplicationArn"].rpartition("apl-")[2].lstrip("0")
        return {
            "DescribeApplication": {"Name": name},
            "GetApplicationAssignmentConfiguration": {"AssignmentRequired": one.required},
        }.get(operation, {})

    def refusing(self, request: Any) -> Any:
        """Answer for applications, which the emulator does not have, and refuse to delete a
        membership that is not there, as AWS does and the emulator does not.

        https://docs.aws.amazon.com/singlesignon/latest/IdentityStoreAPIReference/API_DeleteGroupMembership.html
        """
        wanted = request.headers.get("X-Amz-Target", b"")
        operation = wanted.decode().rpartition(".")[2]
        if "Application" in operation:
            said = self._applied(operation, json.loads(body_of(request)))
            error = {"__type": "ResourceNotFoundException", "Message": "x"}
            return answer(400 if said is None else 200, json.dumps(error if said is None else said))
        if not wanted.endswith(b"DeleteGroupMembership"):
            return None
        words = {"IdentityStoreId": self.store}
        groups = self.directory.list_groups(**words)["Groups"]
        there = {
            one["MembershipId"]
            for group in groups
            for one in self.directory.list_group_memberships(**words, GroupId=group["GroupId"])[
                "GroupMemberships"
            ]
        }
        if json.loads(body_of(request))["MembershipId"] in there:
            return None
        return answer(400, json.dumps({"__type": "ResourceNotFoundException", "Message": "x"}))


def seeded(cloud: Cloud) -> Center:
    """Two of the vendor's people, one of a look-alike's, one of the lab's."""
    center = Center(cloud)
    cloud.interfere = center.refusing
    center.person("ann", "ann@mercor.example")
    center.person("pilot")
    center.person("bo", "bo@mercer.example")
    center.person("dana", "dana@lab.example")
    center.group("raters", "ann", "bo", "dana")
    center.group("readers", "ann", "pilot")
    center.permissions("labelling")
    center.permissions("alone")
    for person in ("ann", "dana"):
        center.assign(person, "labelling")
    center.assign("pilot", "alone")
    center.application("desk", "ann", "bo", "dana")
    return center
