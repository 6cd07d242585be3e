"""AWS keeps the contract, over an emulated estate of two accounts."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from connectors.contract import ConnectorContract
from connectors.ending import EndingContract
from support.aws import (
    DATA,
    MERCER,
    MERCOR,
    PLAYBOOK,
    RESEARCH,
    ROLE,
    VENDOR,
    Cloud,
    allow,
    bucket_policy,
    trust,
)
from support.certificates import a_certificate

from stopline.connectors.aws import AwsConnector
from stopline.estate import Estate, Protected
from stopline.model import Document
from stopline.playbook import Playbook
from stopline.text import Json
from stopline.vendors import Vendor

STRANGER = "Stranger"
ESTATE = Estate(protected=Protected(orchestrator=(f"arn:aws:iam::*:role/{ROLE}",)))
PRESERVING = VENDOR.model_copy(
    update={"aws": VENDOR.aws.model_copy(update={"preserve": ("kept-*",)})}
)
OTHER_POLICY = allow("s3:ListAllMyBuckets", "*")


def seed(cloud: Cloud) -> None:
    """The vendor with one thing of each kind, beside somebody whose name looks like it."""
    iam = cloud.iam(RESEARCH)
    cloud.user("annotator", keys="AI")
    iam.put_user_policy(
        UserName="annotator",
        PolicyName="work",
        PolicyDocument=json.dumps(allow("s3:*", "arn:aws:s3:::bare/*")),
    )
    for number, status in enumerate(("Active", "Inactive")):
        body = f"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC{number} test"
        key = iam.upload_ssh_public_key(UserName="annotator", SSHPublicKeyBody=body)
        id_ = key["SSHPublicKey"]["SSHPublicKeyId"]
        iam.update_ssh_public_key(UserName="annotator", SSHPublicKeyId=id_, Status=status)
    iam.upload_signing_certificate(UserName="annotator", CertificateBody=a_certificate())
    cloud.user("mercor-liaison", "/staff/", keys="A")
    cloud.role("intake", trust({"AWS": MERCOR}))
    cloud.role("both", trust({"AWS": [f"arn:aws:iam::{MERCER}:root", MERCOR]}))
    cloud.role("desk", trust({"AWS": f"arn:aws:iam::{MERCER}:root"}))
    single = bucket_policy("training", {"AWS": f"arn:aws:iam::{MERCOR}:root"}, Sid="Work")
    cloud.bucket("training", json.dumps({**single, "Id": "kept"}, indent=3) + "\n")
    cloud.bucket("bare", account=RESEARCH)
    cloud.bucket("kept-1", json.dumps(bucket_policy("kept-1", {"AWS": MERCOR}), indent=2))
    rule = {"ID": "x", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 9}}
    cloud.s3().put_bucket_lifecycle_configuration(
        Bucket="kept-1", LifecycleConfiguration={"Rules": [rule]}
    )
    cloud.bucket("lab", json.dumps(bucket_policy("lab", {"AWS": MERCER}), indent=1))


@dataclass
class AwsGround:
    """The emulated estate."""

    cloud: Cloud
    connector: AwsConnector
    vendor: Vendor = PRESERVING
    playbook: Playbook = PLAYBOOK
    realm: str = RESEARCH
    estate: Estate = ESTATE

    def picture(self) -> Json:
        """Users with their keys, roles, policies of ours, and every bucket's policy text."""
        return {
            account: [
                *(self._principals(account)),
                self._policies(account),
                {
                    b["Name"]: [
                        self.cloud.policy(b["Name"], account),
                        self.rules(b["Name"], account),
                    ]
                    for b in self.cloud.s3(account).list_buckets()["Buckets"]
                },
            ]
            for account in (RESEARCH, DATA)
        }

    def rules(self, bucket: str, account: str) -> Json:
        """Its lifecycle rules."""
        s3 = self.cloud.s3(account)
        try:
            return s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
        except s3.exceptions.ClientError:
            return []

    def _principals(self, account: str) -> Iterator[Json]:
        iam = self.cloud.iam(account)
        details = iam.get_account_authorization_details()
        for user in details["UserDetailList"]:
            name = user["UserName"]
            keys = iam.list_access_keys(UserName=name)["AccessKeyMetadata"]
            ssh = iam.list_ssh_public_keys(UserName=name)["SSHPublicKeys"]
            certificates = iam.list_signing_certificates(UserName=name)["Certificates"]
            yield [
                _plain(user),
                [(k["AccessKeyId"], k["Status"]) for k in keys],
                [(k["SSHPublicKeyId"], k["Status"]) for k in ssh],
                [(c["CertificateId"], c["Status"]) for c in certificates],
            ]
        yield from (_plain(role) for role in details["RoleDetailList"])

    def _policies(self, account: str) -> Json:
        policies = self.cloud.iam(account).list_policies(Scope="Local")["Policies"]
        return sorted((p["Arn"], p["DefaultVersionId"]) for p in policies)

    def raw(self, document: Document) -> str | None:
        """Only bucket policies have a text that the emulator's owner sees as it is."""
        if document.kind != "bucket-policy-statement":
            return None
        return self.cloud.policy(document.id, document.realm)

    def used(self) -> frozenset[str]:
        """What was really called, the assumed roles included."""
        used = frozenset(self.cloud.used)
        self.cloud.used.clear()
        return used

    def remove(self, document: Document) -> bool:
        """Delete the user with all it has, the role, the bucket, or one credential."""
        iam = self.cloud.iam(document.realm)
        if document.kind == "bucket-policy-statement":
            self.cloud.s3(document.realm).delete_bucket(Bucket=document.id)
        elif document.kind == "user-attachment":
            _delete_user(iam, document.id)
        elif document.kind == "role-attachment":
            _detach_all(iam, "role", document.id)
            iam.delete_role(RoleName=document.id)
        else:
            return self._remove_credential(document)
        return True

    def _remove_credential(self, document: Document) -> bool:
        iam, (user, _, key) = self.cloud.iam(document.realm), document.id.partition("/")
        try:
            if document.kind == "access-key":
                iam.delete_access_key(UserName=user, AccessKeyId=key)
            elif document.kind == "ssh-key":
                iam.delete_ssh_public_key(UserName=user, SSHPublicKeyId=key)
            elif document.kind == "signing-certificate":
                iam.delete_signing_certificate(UserName=user, CertificateId=key)
            else:
                return False
        except iam.exceptions.NoSuchEntityException:
            return False  # gone with its user
        return True

    def edit(self, document: Document) -> bool:
        """Add a statement to a bucket's policy, or attach another policy to a principal."""
        if document.kind == "bucket-policy-statement":
            raw = self.cloud.policy(document.id, document.realm)
            body = json.loads(raw) if raw else {"Version": "2012-10-17", "Statement": []}
            listed = body["Statement"] if isinstance(body["Statement"], list) else None
            others = listed if listed is not None else [body["Statement"]]
            body["Statement"] = [*others, bucket_policy(document.id, "*")["Statement"]]
            text = json.dumps(body).replace("s3:ListBucket", f"s3:Get{STRANGER}")
            self.cloud.s3(document.realm).put_bucket_policy(Bucket=document.id, Policy=text)
        elif document.kind in ("user-attachment", "role-attachment"):
            self._attach(document)
        else:
            return False
        return True

    def _attach(self, document: Document) -> None:
        iam, arn = self.cloud.iam(document.realm), self._other(document.realm)
        if not any(p["Arn"] == arn for p in iam.list_policies(Scope="Local")["Policies"]):
            iam.create_policy(PolicyName=STRANGER, PolicyDocument=json.dumps(OTHER_POLICY))
        if document.kind == "user-attachment":
            iam.attach_user_policy(UserName=document.id, PolicyArn=arn)
        else:
            iam.attach_role_policy(RoleName=document.id, PolicyArn=arn)

    def _other(self, realm: str) -> str:
        return f"arn:aws:iam::{realm}:policy/{STRANGER}"

    def edited(self, document: Document) -> bool:
        """Whether that is there."""
        if document.kind == "bucket-policy-statement":
            return STRANGER in self.cloud.policy(document.id, document.realm)
        owner = document.kind.partition("-")[0]
        attached = _attached(self.cloud.iam(document.realm), owner, document.id)
        return self._other(document.realm) in attached

    def close(self) -> None:
        """Nobody lets us assume our role there; a worker that starts now finds it so."""
        self.cloud.closed.add(self.realm)
        self.connector = self.cloud.connector()


def _plain(found: Json) -> Json:
    return json.loads(json.dumps(found, default=str, sort_keys=True))


def _attached(iam: Any, owner: str, name: str) -> list[str]:
    words = {f"{owner.title()}Name": name}
    page = getattr(iam, f"list_attached_{owner}_policies")(**words)
    return [p["PolicyArn"] for p in page["AttachedPolicies"]]


def _detach_all(iam: Any, owner: str, name: str) -> None:
    for arn in _attached(iam, owner, name):
        words = {f"{owner.title()}Name": name, "PolicyArn": arn}
        getattr(iam, f"detach_{owner}_policy")(**words)


def _delete_user(iam: Any, name: str) -> None:
    _detach_all(iam, "user", name)
    iam.delete_user_policy(UserName=name, PolicyName="work")
    for key in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
        iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    for key in iam.list_ssh_public_keys(UserName=name)["SSHPublicKeys"]:
        iam.delete_ssh_public_key(UserName=name, SSHPublicKeyId=key["SSHPublicKeyId"])
    for key in iam.list_signing_certificates(UserName=name)["Certificates"]:
        iam.delete_signing_certificate(UserName=name, CertificateId=key["CertificateId"])
    iam.delete_user(UserName=name)


@pytest.fixture
def ground(cloud: Cloud) -> AwsGround:
    """The estate, seeded."""
    seed(cloud)
    return AwsGround(cloud, cloud.connector())


class TestAws(ConnectorContract, EndingContract):
    """Users, keys, roles and bucket policies."""
