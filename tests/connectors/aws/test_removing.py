"""The vendor's own users and roles are removed for good, denied to the last call; nobody else's."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from support.aws import (
    DATA,
    MERCER,
    MERCOR,
    PATH,
    RESEARCH,
    VENDOR,
    Cloud,
    allow,
    answer,
    body_of,
    error_text,
    trust,
)
from support.aws_nights import AwsNight
from support.certificates import a_certificate

from stopline.connectors.aws import marks, removing
from stopline.model import Plan, Scope
from stopline.receipts import Cause, Outcome
from stopline.text import Json

SPEAKS = ("Get", "List", "Describe", "AssumeRole", "Simulate")


class Killed(BaseException):
    """The process died here."""


def gone(cloud: Cloud, kind: str, name: str, account: str = RESEARCH) -> bool:
    """Whether IAM knows nobody of this name."""
    iam = cloud.iam(account)
    try:
        getattr(iam, f"get_{kind}")(**{f"{kind.title()}Name": name})
    except iam.exceptions.NoSuchEntityException:
        return True
    return False


def attached(cloud: Cloud, kind: str, name: str) -> list[str]:
    """What is attached to one of them."""
    words = {f"{kind.title()}Name": name}
    page = getattr(cloud.iam(), f"list_attached_{kind}_policies")(**words)
    return [one["PolicyArn"] for one in page["AttachedPolicies"]]


def denied(cloud: Cloud, kind: str, name: str) -> bool:
    """Whether a user or role is not there, or everything is denied to it by one of our means."""
    if gone(cloud, kind, name):
        return True
    words = {f"{kind.title()}Name": name}
    found = getattr(cloud.iam(), f"get_{kind}")(**words)[kind.title()]
    boundary = found.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", "")
    inline = getattr(cloud.iam(), f"list_{kind}_policies")(**words)["PolicyNames"]
    means = [*attached(cloud, kind, name), boundary, *inline]
    return boundary == marks.DENY_ALL or any("StoplineDenyAll" in each for each in means)


def furnish(cloud: Cloud) -> str:
    """Give the vendor's user everything that a user can have; returns a lab's policy's ARN."""
    iam = cloud.iam()
    cloud.user("annotator", keys="AI")
    cloud.user("staff", "/staff/", keys="A")
    iam.upload_ssh_public_key(
        UserName="annotator",
        SSHPublicKeyBody="ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC0 test",
    )
    iam.upload_signing_certificate(UserName="annotator", CertificateBody=a_certificate())
    iam.create_service_specific_credential(
        UserName="annotator", ServiceName="codecommit.amazonaws.com"
    )
    iam.create_login_profile(UserName="annotator", Password="Correct-horse-7")
    device = iam.create_virtual_mfa_device(VirtualMFADeviceName="annotator")
    iam.enable_mfa_device(
        UserName="annotator",
        SerialNumber=device["VirtualMFADevice"]["SerialNumber"],
        AuthenticationCode1="111111",
        AuthenticationCode2="222222",
    )
    iam.create_group(GroupName="people")
    text = json.dumps(allow("s3:*", "*"))
    lab = str(iam.create_policy(PolicyName="Lab", PolicyDocument=text)["Policy"]["Arn"])
    for name in ("annotator", "staff"):
        iam.add_user_to_group(GroupName="people", UserName=name)
        iam.attach_user_policy(UserName=name, PolicyArn=lab)
    iam.put_user_policy(UserName="annotator", PolicyName="work", PolicyDocument=text)
    return lab


def a_role(cloud: Cloud) -> None:
    """A role that the vendor alone may assume, in an instance profile, with policies."""
    iam, text = cloud.iam(), json.dumps(allow("s3:*", "*"))
    cloud.role("intake", trust({"AWS": MERCOR}))
    iam.put_role_policy(RoleName="intake", PolicyName="work", PolicyDocument=text)
    iam.create_instance_profile(InstanceProfileName="box")
    iam.add_role_to_instance_profile(InstanceProfileName="box", RoleName="intake")


@dataclass
class Steps:
    """Dies after each write of a removal that came through, once; looks before each."""

    cloud: Cloud
    who: tuple[str, str]
    open: list[str] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    sent: set[str] = field(default_factory=set)
    passed: int = 0

    def __call__(self, request: Any) -> None:
        """Look whether it is denied, and let one write through."""
        said = body_of(request)
        action = said.partition("Action=")[2].partition("&")[0]
        if not action or action.startswith(SPEAKS):
            return
        if not denied(self.cloud, *self.who):
            self.open.append(action)
        if said in self.sent:
            return  # nothing to be taken any more: such a call is made by every attempt
        if self.passed:
            raise Killed
        self.passed += 1
        self.sent.add(said)
        self.seen.append(action)

    def deliver(self, night: AwsNight, plan: Plan) -> int:
        """Redeliver until an attempt survives; how many died."""
        died = 0
        while True:
            self.passed = 0
            try:
                night.carry_out(plan)
            except Killed:
                died, night.now = died + 1, night.now + 60
                assert denied(self.cloud, *self.who)
            else:
                return died


def test_a_user_goes_with_all_that_it_has_and_nothing_of_others(cloud: Cloud) -> None:
    """Keys that were inactive before too; the group, the lab's policy and its staff stay."""
    lab, night = furnish(cloud), AwsNight(cloud.connector())
    night.contain()
    night.ending()
    receipts = night.carry_out(night.plan_termination())
    assert {r.outcome for r in receipts} == {Outcome.APPLIED}
    assert gone(cloud, "user", "annotator")
    assert cloud.iam().list_virtual_mfa_devices()["VirtualMFADevices"] == []
    group = cloud.iam().get_group(GroupName="people")
    assert [user["UserName"] for user in group["Users"]] == ["staff"]
    assert attached(cloud, "user", "staff") == [lab]
    keys = cloud.iam().list_access_keys(UserName="staff")["AccessKeyMetadata"]
    assert [key["Status"] for key in keys] == ["Active"]
    assert night.book.writes.holds() == ()
    assert night.plan().work == ()
    ours = [p for p in cloud.iam().list_policies(Scope="Local")["Policies"] if p["Arn"] != lab]
    assert ours == []


def test_a_role_goes_with_its_policies_and_its_place_in_profiles(cloud: Cloud) -> None:
    """The instance profile stays, and is empty; it gives nothing."""
    a_role(cloud)
    night = AwsNight(cloud.connector())
    night.contain()
    night.ending()
    assert {r.outcome for r in night.carry_out(night.plan_termination())} == {Outcome.APPLIED}
    assert gone(cloud, "role", "intake")
    box = cloud.iam().get_instance_profile(InstanceProfileName="box")["InstanceProfile"]
    assert box["Roles"] == []


@pytest.mark.night
@pytest.mark.parametrize("who", [("user", "annotator"), ("role", "intake")])
def test_killed_after_every_call_it_is_denied_at_each_and_ends_gone(
    cloud: Cloud, who: tuple[str, str]
) -> None:
    """Each attempt does one call more and dies; what the next one finds is denied, or gone."""
    (furnish if who[0] == "user" else a_role)(cloud)
    night = AwsNight(cloud.connector())
    night.contain()
    night.ending()
    plan = night.plan_termination()
    cloud.interfere = steps = Steps(cloud, who)
    died = steps.deliver(night, plan)
    assert died >= len(plan.work)
    assert steps.open == []
    assert gone(cloud, *who)
    assert night.book.writes.holds() == ()
    assert {one.address for one in night.book.pauses.removed("0000000a")} == {
        change.address for change in plan.work
    }
    last = [a for a in steps.seen if not a.startswith("DeletePolicy")][-3:]
    name = who[0].title()
    assert last == [f"Put{name}PermissionsBoundary", f"Detach{name}Policy", f"Delete{name}"]


def test_a_reply_lost_at_the_very_end_is_no_removal_until_it_is_seen(cloud: Cloud) -> None:
    """The deny is gone and the answer to the last call is lost before it landed: not claimed."""
    furnish(cloud)
    night = AwsNight(cloud.connector())
    night.contain()
    night.ending()
    plan = night.plan_termination()

    def lose(request: Any) -> Any:
        if "Action=DeleteUser&" in body_of(request):
            return answer(503, error_text("ServiceUnavailable"))
        return None

    cloud.interfere = lose
    receipts = {r.change.address.kind: r for r in night.carry_out(plan)}
    assert receipts["user-attachment"].outcome is Outcome.FAILED
    assert receipts["user-attachment"].held
    assert denied(cloud, "user", "annotator")
    cloud.interfere = lambda _: None
    again = night.plan_termination()
    assert "user-attachment" in {c.address.kind for c in again.work}
    assert {r.outcome for r in night.carry_out(again)} == {Outcome.APPLIED}
    assert gone(cloud, "user", "annotator")


def test_who_is_shared_tagged_or_run_by_a_service_stays_denied(cloud: Cloud) -> None:
    """Each with its reason; the policy that they stand on stays too."""
    cloud.user("annotator", keys="")
    cloud.user("tagged", "/staff/", keys="", Tags=[{"Key": "vendor", "Value": "mercor"}])
    cloud.role("intake", trust({"AWS": MERCOR}))
    served: Json = {"AWS": MERCOR, "Service": "lambda.amazonaws.com"}
    cloud.role("served", trust(served))
    cloud.role("fetcher", trust({"Service": "lambda.amazonaws.com"}), "/vendors/mercor/")
    night = AwsNight(cloud.connector())
    night.contain()
    night.ending()
    plan = night.plan_termination()
    assert {c.address.id.partition("#")[0] for c in plan.work} == {"intake", "annotator"}
    why = {s.address.id.partition("#")[0]: s.reason for s in plan.skips}
    assert "only tag vendor=mercor says" in why["tagged"]
    assert "lambda.amazonaws.com runs as it too" in why["served"]
    assert "lambda.amazonaws.com runs as it too" in why["fetcher"], "however it is named"
    assert "other denies stand on it" in why[marks.policy_name(night.book.id)]
    night.carry_out(plan)
    assert denied(cloud, "user", "tagged")
    assert not gone(cloud, "user", "tagged")
    assert not gone(cloud, "role", "served")
    assert not gone(cloud, "role", "fetcher")


def test_a_role_that_somebody_has_come_to_share_since_is_not_removed(cloud: Cloud) -> None:
    """Before the plan that is a reason to leave it; after it, it is refused. It stays denied."""
    cloud.role("intake", trust({"AWS": MERCOR}))
    cloud.role("export", trust({"AWS": MERCOR}))
    night = AwsNight(cloud.connector())
    night.contain()
    night.ending()
    both = json.dumps(trust({"AWS": [MERCOR, f"arn:aws:iam::{MERCER}:root"]}))
    cloud.iam().update_assume_role_policy(RoleName="export", PolicyDocument=both)
    plan = night.plan_termination()
    why = {s.address.id.partition("#")[0]: s.reason for s in plan.skips}
    assert f"shared with account {MERCER}" in why["export"]
    cloud.iam().update_assume_role_policy(RoleName="intake", PolicyDocument=both)
    refused = next(r for r in night.carry_out(plan) if r.change.address.kind == "role-attachment")
    assert (refused.outcome, refused.cause) == (Outcome.FAILED, Cause.REFUSED)
    assert "has changed since this plan" in refused.detail
    assert denied(cloud, "role", "intake")
    assert not gone(cloud, "role", "intake")


def test_less_of_a_trust_is_covered_by_a_yes_to_more_of_it() -> None:
    """Line by line: who was deleted since is shown by an id and left out; who came is a line."""
    role, gone = f"arn:aws:iam::{RESEARCH}:role/other", "AROAABCDEFGHIJKLMNOPQ"
    approved = set(removing._trusts(trust({"AWS": [MERCOR, role]})).splitlines())
    assert set(removing._trusts(trust({"AWS": [MERCOR, gone]})).splitlines()) < approved
    assert not set(removing._trusts(trust({"AWS": [MERCOR, MERCER]})).splitlines()) <= approved
    served = trust({"AWS": [MERCOR, role], "Service": "lambda.amazonaws.com"})
    assert not set(removing._trusts(served).splitlines()) <= approved


def test_one_that_was_made_again_under_the_name_is_let_be(cloud: Cloud) -> None:
    """Another immutable id is somebody else."""
    cloud.user("annotator", keys="")
    night = AwsNight(cloud.connector())
    night.contain()
    night.ending()
    plan = night.plan_termination()
    for arn in attached(cloud, "user", "annotator"):
        cloud.iam().detach_user_policy(UserName="annotator", PolicyArn=arn)
    cloud.iam().delete_user(UserName="annotator")
    cloud.iam().create_user(UserName="annotator", Path=PATH)
    receipts = {r.change.address.kind: r for r in night.carry_out(plan)}
    assert receipts["user-attachment"].cause is Cause.RECREATED
    assert not gone(cloud, "user", "annotator")
    why = [s.reason for s in night.plan_termination().skips]
    assert not [reason for reason in why if "another one under the same name" not in reason][1:]


def test_what_the_vendors_file_protects_or_an_account_that_is_closed_is_left(cloud: Cloud) -> None:
    """Whose it is cannot be told, or it must not go: it stays as it is."""
    cloud.user("annotator", keys="")
    cloud.user("other", keys="", account=DATA)
    night = AwsNight(cloud.connector())
    night.contain()
    night.ending()
    arn = f"arn:aws:iam::{RESEARCH}:user{PATH}annotator"
    night.vendor = VENDOR.model_copy(update={"protected": (arn,)})
    cloud.closed.add(DATA)
    night.aws = cloud.connector()
    plan = night.plan_termination()
    assert plan.work == ()
    why = {s.address.realm: s.reason for s in plan.skips if s.address.kind == "user-attachment"}
    assert "is protected" in why[RESEARCH]
    assert "its account could not be read" in why[DATA]


def test_of_a_part_the_policy_that_others_stand_on_stays(cloud: Cloud) -> None:
    """One user is asked about: the other stays denied, by the same policy."""
    cloud.user("annotator", keys="")
    cloud.user("second", keys="")
    night = AwsNight(cloud.connector())
    night.contain()
    night.ending()
    arn = f"arn:aws:iam::{RESEARCH}:user{PATH}annotator"
    plan = night.plan_termination(Scope(principals=(arn,)))
    assert [c.address.kind for c in plan.work] == ["user-attachment"]
    night.carry_out(plan)
    assert gone(cloud, "user", "annotator")
    assert denied(cloud, "user", "second")
    assert not gone(cloud, "user", "second")


def test_what_another_pause_has_anything_on_stays(cloud: Cloud) -> None:
    """Also where that one holds no more than a key of the user's."""
    cloud.user("annotator", keys="A")
    night = AwsNight(cloud.connector())
    night.contain()
    night.ending()
    held = night.book.writes.holds()
    key = next(h for h in held if h.address.kind == "access-key")
    others = [*held, type(key)(**{**_fields(key), "pause": "0000000b"})]
    says = list(night.aws.removable(night.vendor, held, others))
    assert ["0000000b holds it too" in getattr(one, "reason", "") for one in says] == [True]


def _fields(hold: Any) -> dict[str, Any]:
    return {name: getattr(hold, name) for name in hold.__slots__}
