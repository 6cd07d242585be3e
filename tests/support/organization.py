"""An emulated organization: a root, a unit, three accounts, and a policy of somebody else's."""

import json
from dataclasses import dataclass, field
from typing import Any, Literal

from support.aws import DATA, MERCOR, RESEARCH, ROLE, VENDOR, Cloud, owners_client, trust

from stopline.connectors.aws import AwsConnector
from stopline.estate import AwsAccount, AwsEstate, AwsOrganization, Estate, Protected
from stopline.model import Document
from stopline.playbook import Phase, Playbook, Rule
from stopline.text import Json
from stopline.vendors import Vendor

MANAGEMENT = "999900001111"
STRANGER = "TheLabsOwn"
SCP, RCP = "SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"
TYPES = (SCP, RCP)
DENIES: Json = {
    "Version": "2012-10-17",
    "Statement": {"Effect": "Deny", "Action": "iam:CreateUser", "Resource": "*"},
}
BREAK_GLASS = "arn:aws:iam::*:role/break-glass/*"
PROTECTED = Protected(orchestrator=("arn:aws:iam::*:role/stopline/*",), break_glass=(BREAK_GLASS,))


def playbook(
    *, at: tuple[str, ...] = (), without: str = "", when: Literal["", "removed"] = ""
) -> Playbook:
    """The fast cut first, at places or in reserve; a kind of rule may be missing."""
    rules = tuple(
        Rule(name=contains, connector="aws", contains=contains, how=how, at=places, when=when)
        for contains, how, places in (
            ("organization-principals", "scp", at),
            ("organization-resources", "rcp", at),
            ("member-accounts", "scp", ()),
        )
        if contains != without
    )
    return Playbook(playbook="default", phases=(Phase(name="fast-cut", rules=rules),))


@dataclass
class Organization:
    """What its owner sees and does."""

    cloud: Cloud
    id: str = ""
    root: str = ""
    unit: str = ""
    member: str = ""
    policies: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make it: the vendor's member account, and one policy of each type by a stranger."""
        api = self.api
        self.id = api.create_organization(FeatureSet="ALL")["Organization"]["Id"]
        self.root = api.list_roots()["Roots"][0]["Id"]
        self.unit = api.create_organizational_unit(ParentId=self.root, Name="labs")[
            "OrganizationalUnit"
        ]["Id"]
        made = api.create_account(Email="a@mercor.example", AccountName="mercor")
        self.member = made["CreateAccountStatus"]["AccountId"]
        for type_ in TYPES:
            api.enable_policy_type(RootId=self.root, PolicyType=type_)
            self.policies[type_] = self.policy(f"{STRANGER}{type_[:1]}", type_)
            api.attach_policy(PolicyId=self.policies[type_], TargetId=self.root)

    @property
    def api(self) -> Any:
        """The owner's client in the management account."""
        return owners_client(self.cloud.url, MANAGEMENT, "organizations")

    def policy(self, name: str, type_: str, body: Json = None) -> str:
        """Make a policy; returns its id."""
        text = json.dumps(body or DENIES)
        made = self.api.create_policy(Name=name, Type=type_, Content=text, Description="theirs")
        return str(made["Policy"]["PolicySummary"]["Id"])

    def content(self, name: str, type_: str = SCP) -> str:
        """A policy's text by its name; nothing where there is none."""
        for one in self.api.list_policies(Filter=type_)["Policies"]:
            if one["Name"] == name:
                return str(self.api.describe_policy(PolicyId=one["Id"])["Policy"]["Content"])
        return ""

    def attached(self, target: str, type_: str) -> list[str]:
        """The names of what is attached to a target."""
        page = self.api.list_policies_for_target(TargetId=target, Filter=type_)
        return sorted(p["Name"] for p in page["Policies"])

    def places(self) -> list[str]:
        """Every place that is there."""
        units = self.api.list_organizational_units_for_parent(ParentId=self.root)
        accounts = self.api.list_accounts()["Accounts"]
        there = [u["Id"] for u in units["OrganizationalUnits"]]
        return [self.root, *there, *(a["Id"] for a in accounts)]

    def picture(self) -> Json:
        """Every policy with its text, and what is attached where."""
        policies = {
            type_: sorted(
                (p["Name"], self.content(p["Name"], type_))
                for p in self.api.list_policies(Filter=type_)["Policies"]
            )
            for type_ in TYPES
        }
        where = {p: {t: self.attached(p, t) for t in TYPES} for p in self.places()}
        return json.loads(json.dumps({"policies": policies, "attached": where}))

    def estate(self, **words: Any) -> AwsEstate:
        """The lab's estate, with this organization in it."""
        role = "stopline/stopline-organization"
        own = AwsOrganization(id=self.id, account=MANAGEMENT, role=role)
        accounts = {RESEARCH: AwsAccount(name="research"), DATA: AwsAccount(name="data")}
        said = {"accounts": accounts, "role": ROLE, "resources": (), "organization": own}
        return AwsEstate(**{**said, "calls_per_second": 1e6, **words})


@dataclass
class OrganizationGround:
    """For the contract: the organization, and a vendor with principals in one of its accounts."""

    cloud: Cloud
    owner: Organization
    connector: AwsConnector
    vendor: Vendor
    playbook: Playbook
    realm: str
    estate: Estate

    @classmethod
    def of(cls, cloud: Cloud) -> "OrganizationGround":
        """Make all of it."""
        owner = Organization(cloud)
        cloud.user("annotator")
        cloud.user("liaison", "/staff/")
        cloud.role("intake", trust({"AWS": MERCOR}))
        aws = VENDOR.aws.model_copy(update={"accounts": (MERCOR, owner.member)})
        places = playbook(at=(owner.root, owner.unit))
        said = owner.estate()
        estate = Estate(aws=said, protected=PROTECTED)
        connector = cloud.connector(resources=(), organization=said.organization)
        vendor = VENDOR.model_copy(update={"aws": aws})
        return cls(cloud, owner, connector, vendor, places, owner.id, estate)

    def picture(self) -> Json:
        """Every policy and attachment of the organization."""
        return self.owner.picture()

    def raw(self, document: Document) -> str | None:
        """No document of an organization has a text that others edit too."""
        del document
        return None

    def used(self) -> frozenset[str]:
        """What was really called."""
        used = frozenset(self.cloud.used)
        self.cloud.used.clear()
        return used

    def remove(self, document: Document) -> bool:
        """Delete the unit; nobody deletes a root, and a policy hangs on nothing."""
        unit = document.id == self.owner.unit and document.id in self.owner.places()
        if not unit or not document.kind.endswith("-attachment"):
            return False
        for type_ in TYPES:
            page = self.owner.api.list_policies_for_target(TargetId=document.id, Filter=type_)
            for one in page["Policies"]:
                self.owner.api.detach_policy(PolicyId=one["Id"], TargetId=document.id)
        self.owner.api.delete_organizational_unit(OrganizationalUnitId=document.id)
        return True

    def edit(self, document: Document) -> bool:
        """Attach somebody else's policy to the same place."""
        if not document.kind.endswith("-attachment"):
            return False
        type_ = SCP if document.kind.startswith("service") else RCP
        self.owner.api.attach_policy(PolicyId=self.owner.policies[type_], TargetId=document.id)
        return True

    def edited(self, document: Document) -> bool:
        """Whether it is attached."""
        type_ = SCP if document.kind.startswith("service") else RCP
        return f"{STRANGER}{type_[:1]}" in self.owner.attached(document.id, type_)

    def close(self) -> None:
        """The role in the management account may not be assumed any more."""
        self.cloud.closed.add(MANAGEMENT)
        own = self.owner.estate().organization
        self.connector = self.cloud.connector(resources=(), organization=own)
