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
RULES = (("group-memberships", "remove"), ("account-assignments", "remove"))
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
class Center:
    """The owner's hands in one Identity Center."""

    cloud: Cloud
    vendor: Vendor = PEOPLE
    playbook: Playbook = REMOVING
    instance: str = ""
    store: str = ""
    ids: dict[str, str] = field(default_factory=dict)

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

    def refusing(self, request: Any) -> Any:
        """Refuse to delete a membership that is not there, as AWS does and the emulator does not.

        https://docs.aws.amazon.com/singlesignon/latest/IdentityStoreAPIReference/API_DeleteGroupMembership.html
        """
        wanted = request.headers.get("X-Amz-Target", b"")
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
    return center
