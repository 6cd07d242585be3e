"""The drill's AWS organization: a stranger's policy, an account of the lab's, one of the vendor's.

Seeded and looked at by its owner's own client. The emulator stores such policies and evaluates
none, so nobody's access is judged by them: only that ours come, and that all is as it was after.
Its accounts have numbers that it draws, so those of the estate cannot be in it.
"""

import json
from dataclasses import dataclass
from typing import Any

import yaml

from stopline.drill.access import WORKER_ROLE, Access
from stopline.drill.fingerprint import Fingerprint, fingerprint
from stopline.text import Json, canonical

MANAGEMENT = "999900001111"
ROLE = "stopline/stopline-organization"
TYPES = ("SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY")
_NO_LEAVING: Json = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Deny", "Action": "organizations:LeaveOrganization", "Resource": "*"}],
}
PHASE: Json = {
    "name": "fast-cut",
    "rules": [
        {"name": f"cut-{contains}", "connector": "aws", "contains": contains, "how": how}
        for contains, how in (
            ("organization-principals", "scp"),
            ("organization-resources", "rcp"),
            ("member-accounts", "scp"),
        )
    ],
}
"""What the drill puts before the phases of the real playbook."""


def with_fast_cut(playbook: str) -> str:
    """A playbook's text with the phase before all others."""
    said = yaml.safe_load(playbook)
    return yaml.safe_dump({**said, "phases": [PHASE, *said["phases"]]}, sort_keys=False)


@dataclass(frozen=True, slots=True)
class Organization:
    """What was seeded: its id, its root, and two of its accounts."""

    url: str
    id: str
    root: str
    lab: str
    vendor: str

    @property
    def api(self) -> Any:
        """The owner's client."""
        return Access(self.url, ()).client(MANAGEMENT, "organizations")

    @property
    def section(self) -> Json:
        """The estate's section."""
        return {"id": self.id, "account": MANAGEMENT, "role": ROLE}

    def fingerprint(self) -> Fingerprint:
        """Every policy, what is attached where, and the lab's account in it."""
        found = dict(fingerprint(Access(self.url, (self.lab,))))
        api, places = self.api, (self.root, self.lab, self.vendor)
        for type_ in TYPES:
            for one in api.list_policies(Filter=type_)["Policies"]:
                said = api.describe_policy(PolicyId=one["Id"])["Policy"]
                found[f"organization {one['Name']}"] = canonical(said)
            for place in places:
                page = api.list_policies_for_target(TargetId=place, Filter=type_)
                names = sorted(p["Name"] for p in page["Policies"])
                found[f"organization {place} {type_}"] = canonical(names)
        return found

    def missing(self) -> list[str]:
        """What of a fast cut is not where it should be while a pause has it."""
        places = {"StoplineScp": self.root, "StoplineRcp": self.root, "StoplineMember": self.vendor}
        text = dict.fromkeys(places.values(), "")
        for place in text:
            for type_ in TYPES:
                page = self.api.list_policies_for_target(TargetId=place, Filter=type_)
                text[place] += " ".join(p["Name"] for p in page["Policies"]) + " "
        lost = [name for name, place in places.items() if f"{name}-J" not in text[place]]
        return [f"not attached in the organization: {name}" for name in lost]


def seed(url: str) -> Organization:
    """Make the organization, and a user of the vendor's in the account of the lab's."""
    api = Access(url, ()).client(MANAGEMENT, "organizations")
    id_ = api.create_organization(FeatureSet="ALL")["Organization"]["Id"]
    root = api.list_roots()["Roots"][0]["Id"]
    for type_ in TYPES:
        api.enable_policy_type(RootId=root, PolicyType=type_)
    words = {"Type": TYPES[0], "Description": "the lab's own", "Content": json.dumps(_NO_LEAVING)}
    stays = api.create_policy(Name="NobodyLeaves", **words)["Policy"]["PolicySummary"]["Id"]
    api.attach_policy(PolicyId=stays, TargetId=root)
    made = [
        api.create_account(Email=f"{name}@lab.example", AccountName=name)["CreateAccountStatus"]
        for name in ("trials", "mercor")
    ]
    lab, vendor = (str(one["AccountId"]) for one in made)
    iam = Access(url, ()).client(lab, "iam")
    path, _, name = WORKER_ROLE.rpartition("/")
    trust = {"Effect": "Allow", "Principal": {"AWS": MANAGEMENT}, "Action": "sts:AssumeRole"}
    text = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    iam.create_role(RoleName=name, Path=f"/{path}/", AssumeRolePolicyDocument=text)
    iam.create_user(UserName="trial-annotator", Path="/vendors/mercor/")
    return Organization(url, id_, root, lab, vendor)
