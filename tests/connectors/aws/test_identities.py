"""Users, roles and their keys: what is attached, switched, mended and given back."""

import json
from dataclasses import replace
from typing import Any

import pytest
from support.aws import (
    DATA,
    MERCOR,
    RESEARCH,
    VENDOR,
    Cloud,
    allow,
    answer,
    body_of,
    error_text,
    trust,
)
from support.aws_nights import PAUSE, AwsNight
from support.certificates import a_certificate

from stopline.connectors.aws import marks
from stopline.errors import ConnectorError
from stopline.model import Change, Gap, Grant, Scope, State
from stopline.receipts import Cause, Outcome, Receipt
from stopline.text import Json

DENY = {"Effect": "Deny", "Action": "*", "Resource": "*"}


def statuses(cloud: Cloud, user: str) -> dict[str, str]:
    """A user's access keys."""
    found = cloud.iam().list_access_keys(UserName=user)["AccessKeyMetadata"]
    return {k["AccessKeyId"]: k["Status"] for k in found}


def attached(cloud: Cloud, user: str, account: str = RESEARCH) -> list[str]:
    """What is attached to a user."""
    page = cloud.iam(account).list_attached_user_policies(UserName=user)
    return [p["PolicyArn"] for p in page["AttachedPolicies"]]


def document(cloud: Cloud, arn: str) -> Json:
    """The default version of a policy."""
    iam = cloud.iam(arn.split(":")[4])
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    return iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]


def ends(receipts: tuple[Receipt, ...], kind: str) -> set[tuple[Outcome, Cause]]:
    """What became of the changes of one kind."""
    return {(r.outcome, r.cause) for r in receipts if r.change.address.kind == kind}


# --- the deny ----------------------------------------------------------------------------------


def test_the_deny_is_whole_and_without_a_condition(cloud: Cloud) -> None:
    """A deny of older sessions only would let a role be assumed again the next minute."""
    cloud.user("annotator", keys="")
    cloud.role("intake", trust({"AWS": MERCOR}))
    night = AwsNight(cloud.connector())
    night.contain()
    (arn,) = attached(cloud, "annotator")
    (statement,) = document(cloud, arn)["Statement"]
    assert {k: statement[k] for k in DENY} == DENY
    assert "Condition" not in statement
    page = cloud.iam().list_attached_role_policies(RoleName="intake")
    assert [p["PolicyArn"] for p in page["AttachedPolicies"]] == [arn]
    assert night.book.id in arn


def test_what_the_vendor_had_stays_as_it_was(cloud: Cloud) -> None:
    """Groups, own policies, the password: an explicit deny beats them all, so none is touched."""
    cloud.user("annotator", keys="A")
    iam = cloud.iam()
    iam.create_login_profile(UserName="annotator", Password="Only-a-te5t")
    iam.create_group(GroupName="labelling")
    iam.add_user_to_group(GroupName="labelling", UserName="annotator")
    work = json.dumps(allow("sqs:*", "*"))
    iam.put_user_policy(UserName="annotator", PolicyName="work", PolicyDocument=work)
    AwsNight(cloud.connector()).contain()
    assert iam.get_login_profile(UserName="annotator")
    assert iam.list_groups_for_user(UserName="annotator")["Groups"]
    assert iam.list_user_policies(UserName="annotator")["PolicyNames"] == ["work"]


def altered(cloud: Cloud, arn: str, times: int) -> None:
    """Somebody makes versions of our policy that deny nothing."""
    for number in range(times):
        harmless = json.dumps(allow(f"sqs:Get{number}", "*"))
        cloud.iam().create_policy_version(PolicyArn=arn, PolicyDocument=harmless, SetAsDefault=True)


@pytest.mark.parametrize("times", [1, 4])
def test_an_altered_deny_is_mended(cloud: Cloud, times: int) -> None:
    """Also when all five versions are used up: the oldest that is not in force goes."""
    cloud.user("annotator", keys="")
    night = AwsNight(cloud.connector())
    night.contain()
    (arn,) = attached(cloud, "annotator")
    altered(cloud, arn, times)
    assert document(cloud, arn)["Statement"] != [DENY]
    receipts = night.contain()
    assert ends(receipts, "deny-policy") == {(Outcome.APPLIED, Cause.NONE)}
    assert document(cloud, arn) == marks.policy_document(night.book.id)
    versions = cloud.iam().list_policy_versions(PolicyArn=arn)["Versions"]
    assert len(versions) <= 5
    assert ends(night.restore(), "deny-policy") == {(Outcome.APPLIED, Cause.NONE)}
    assert not cloud.iam().list_policies(Scope="Local")["Policies"]


def test_an_older_version_put_in_force_again_is_mended(cloud: Cloud) -> None:
    """No new document, only another default: what is in force counts."""
    cloud.user("annotator", keys="")
    night = AwsNight(cloud.connector())
    night.contain()
    (arn,) = attached(cloud, "annotator")
    altered(cloud, arn, 1)
    night.contain()
    cloud.iam().set_default_policy_version(PolicyArn=arn, VersionId="v2")
    night.contain()
    assert document(cloud, arn) == marks.policy_document(night.book.id)


def test_a_detached_deny_is_attached_again(cloud: Cloud) -> None:
    """The next look finds it gone; what is given back in the end is nothing attached."""
    cloud.user("annotator", keys="")
    night = AwsNight(cloud.connector())
    night.contain()
    (arn,) = attached(cloud, "annotator")
    cloud.iam().detach_user_policy(UserName="annotator", PolicyArn=arn)
    assert {r.outcome for r in night.contain()} == {Outcome.APPLIED}
    assert attached(cloud, "annotator") == [arn]
    night.restore()
    assert attached(cloud, "annotator") == []


def test_the_deny_cannot_go_while_somebody_else_has_attached_it(cloud: Cloud) -> None:
    """AWS refuses, the hold stays, and the receipt says why: nobody else's containment ends."""
    cloud.user("annotator", keys="")
    cloud.user("suspect", "/staff/", keys="")
    night = AwsNight(cloud.connector())
    night.contain()
    (arn,) = attached(cloud, "annotator")
    cloud.iam().attach_user_policy(UserName="suspect", PolicyArn=arn)
    refusal = error_text("DeleteConflict", "Cannot delete a policy attached to entities.")

    def interfere(request: Any) -> Any:  # the emulator deletes it all the same
        body = body_of(request)
        return answer(409, refusal) if "Action=DeletePolicy&" in f"{body}&" else None

    cloud.interfere = interfere
    receipts = night.restore()
    assert ends(receipts, "deny-policy") == {(Outcome.FAILED, Cause.REFUSED)}
    assert ends(receipts, "user-attachment") == {(Outcome.APPLIED, Cause.NONE)}
    assert [h.address.kind for h in night.book.writes.holds()] == ["deny-policy"]
    assert attached(cloud, "suspect") == [arn]


def test_a_deny_that_is_there_already_is_asked_again_not_given_up(cloud: Cloud) -> None:
    """IAM is eventually consistent: a policy that we do not see yet is busy, not refused."""
    cloud.user("annotator", keys="")
    night = AwsNight(cloud.connector())
    planned = night.plan()
    arn = marks.policy_arn(RESEARCH, night.book.id)
    text = json.dumps(marks.policy_document(night.book.id))
    unseen: list[bool] = [True]

    def interfere(request: Any) -> Any:
        body = body_of(request)
        hidden = unseen and "Action=GetPolicy&" in body
        return answer(404, error_text("NoSuchEntity")) if hidden else None

    cloud.iam().create_policy(
        PolicyName=marks.policy_name(night.book.id), Path=marks.PATH, PolicyDocument=text
    )
    cloud.interfere = interfere
    assert ends(night.carry_out(planned), "deny-policy") == {(Outcome.FAILED, Cause.BUSY)}
    assert not night.book.pauses.refusals(PAUSE)
    unseen.clear()
    night.contain()
    assert attached(cloud, "annotator") == [arn]


# --- who it is ---------------------------------------------------------------------------------


def test_a_user_made_anew_under_the_same_name_is_a_conflict(cloud: Cloud) -> None:
    """Another UserId is somebody else: neither contained by an old plan nor given anything back."""
    cloud.user("annotator", keys="")
    night = AwsNight(cloud.connector())
    planned = night.plan()
    anew(cloud)
    receipts = night.carry_out(planned)
    assert ends(receipts, "user-attachment") == {(Outcome.CONFLICT, Cause.RECREATED)}
    assert attached(cloud, "annotator") == []
    night.contain()
    assert attached(cloud, "annotator")
    for arn in attached(cloud, "annotator"):
        cloud.iam().detach_user_policy(UserName="annotator", PolicyArn=arn)
    anew(cloud)
    assert ends(night.restore(), "user-attachment") == {(Outcome.CONFLICT, Cause.RECREATED)}


def anew(cloud: Cloud) -> None:
    """Delete the user and make another one of its name."""
    cloud.iam().delete_user(UserName="annotator")
    cloud.user("annotator", keys="")


def test_a_user_that_is_gone_is_contained_and_cannot_be_given_back(cloud: Cloud) -> None:
    """Deleted before the write: a success. Deleted while held: a named remainder."""
    cloud.user("annotator", keys="")
    night = AwsNight(cloud.connector())
    planned = night.plan()
    cloud.iam().delete_user(UserName="annotator")
    receipts = night.carry_out(planned)
    assert ends(receipts, "user-attachment") == {(Outcome.ALREADY, Cause.GONE)}
    assert not [h for h in night.book.writes.holds() if h.address.kind == "user-attachment"]


# --- keys --------------------------------------------------------------------------------------


def test_a_key_that_was_inactive_stays_so(cloud: Cloud) -> None:
    """Only what was Active is switched off, and only that is given back."""
    active, inactive = cloud.user("annotator", keys="AI")
    night = AwsNight(cloud.connector())
    night.contain()
    assert statuses(cloud, "annotator") == {active: "Inactive", inactive: "Inactive"}
    night.restore()
    assert statuses(cloud, "annotator") == {active: "Active", inactive: "Inactive"}


def test_a_key_that_somebody_switched_off_meanwhile_stays_off(cloud: Cloud) -> None:
    """Between plan and write it was somebody else's act: not ours to give back."""
    (key,) = cloud.user("annotator", keys="A")
    night = AwsNight(cloud.connector())
    planned = night.plan()
    cloud.iam().update_access_key(UserName="annotator", AccessKeyId=key, Status="Inactive")
    assert ends(night.carry_out(planned), "access-key") == {(Outcome.ALREADY, Cause.NONE)}
    night.restore()
    assert statuses(cloud, "annotator") == {key: "Inactive"}


def test_a_key_that_was_minted_meanwhile_is_switched_off_too(cloud: Cloud) -> None:
    """Who mints a second key in the window does not stop the pause: the next look finds it."""
    cloud.user("annotator", keys="A")
    night = AwsNight(cloud.connector())
    night.contain()
    minted = cloud.iam().create_access_key(UserName="annotator")["AccessKey"]["AccessKeyId"]
    night.contain()
    assert set(statuses(cloud, "annotator").values()) == {"Inactive"}
    night.restore()
    assert statuses(cloud, "annotator")[minted] == "Active"


def test_ssh_keys_and_certificates_are_switched_like_keys(cloud: Cloud) -> None:
    """Whatever has a status: off where it was on, and back."""
    cloud.user("annotator", keys="")
    iam = cloud.iam()
    body = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC1 test"
    iam.upload_ssh_public_key(UserName="annotator", SSHPublicKeyBody=body)
    iam.upload_signing_certificate(UserName="annotator", CertificateBody=a_certificate())

    def told() -> set[str]:
        ssh = iam.list_ssh_public_keys(UserName="annotator")["SSHPublicKeys"]
        signing = iam.list_signing_certificates(UserName="annotator")["Certificates"]
        return {item["Status"] for item in (*ssh, *signing)}

    night = AwsNight(cloud.connector())
    night.contain()
    assert told() == {"Inactive"}
    night.restore()
    assert told() == {"Active"}


def test_a_key_is_never_shown_whole(cloud: Cloud) -> None:
    """A summary is read by many: four letters at each end tell a key apart."""
    (key,) = cloud.user("annotator", keys="A")
    plan = AwsNight(cloud.connector()).plan()
    (change,) = (c for c in plan.changes if c.address.kind == "access-key")
    assert key not in change.summary
    assert f"{key[:4]}…{key[-4:]}" in change.summary


def test_credentials_that_cannot_be_listed_are_a_gap(cloud: Cloud) -> None:
    """The user is contained by the deny all the same; what was not seen is said."""
    cloud.user("annotator")
    refusal = error_text("AccessDenied")

    def interfere(request: Any) -> Any:
        body = body_of(request)
        return answer(403, refusal) if "Action=ListSSHPublicKeys" in body else None

    cloud.interfere = interfere
    found = list(cloud.connector().discover(VENDOR, Scope()))
    assert [i.what for i in found if isinstance(i, Gap)] == ["credentials of annotator"]
    assert "user" in {i.address.kind for i in found if isinstance(i, Grant)}


# --- several accounts, several changes ---------------------------------------------------------


def test_every_account_has_a_deny_of_its_own(cloud: Cloud) -> None:
    """A policy cannot be attached across accounts: each has one, and none is left behind."""
    cloud.user("annotator", keys="")
    cloud.user("loader", account=DATA, keys="")
    night = AwsNight(cloud.connector())
    night.contain()
    assert attached(cloud, "annotator") == [marks.policy_arn(RESEARCH, night.book.id)]
    assert attached(cloud, "loader", DATA) == [marks.policy_arn(DATA, night.book.id)]
    night.restore()
    for account in (RESEARCH, DATA):
        assert not cloud.iam(account).list_policies(Scope="Local")["Policies"]


def test_an_account_that_denies_us_midway_fails_alone(cloud: Cloud) -> None:
    """One account takes our rights away during the run: the other is contained to the end."""
    cloud.user("annotator", keys="")
    cloud.user("loader", account=DATA, keys="")
    night = AwsNight(cloud.connector())
    planned = night.plan()
    refusal = error_text("AccessDenied")

    def interfere(request: Any) -> Any:
        body = body_of(request)
        hit = "Action=AttachUserPolicy" in body and f"%3A{DATA}%3A" in body
        return answer(403, refusal) if hit else None

    cloud.interfere = interfere
    receipts = night.carry_out(planned)
    failed = [r for r in receipts if r.outcome is Outcome.FAILED]
    assert [(r.change.address.realm, r.cause, r.held) for r in failed] == [
        (DATA, Cause.DENIED, False)
    ]
    assert attached(cloud, "annotator")


def test_a_write_of_several_that_stops_midway_is_open(cloud: Cloud) -> None:
    """The first attachment landed, the second did not: nobody may say that nothing did."""
    cloud.user("annotator", keys="")
    arns = [
        cloud.iam().create_policy(PolicyName=n, PolicyDocument=json.dumps(allow("a:b", "*")))[
            "Policy"
        ]["Arn"]
        for n in ("one", "two")
    ]
    night = AwsNight(cloud.connector())
    proto = next(c for c in night.plan().changes if c.address.kind == "user-attachment")
    changes = [_other(proto, arn) for arn in arns]
    refusal = error_text("AccessDenied")

    def interfere(request: Any) -> Any:
        body = body_of(request)
        return answer(403, refusal) if "Attach" in body and "two" in body else None

    cloud.interfere = interfere
    seen = night.aws.read(proto.address.document)
    with pytest.raises(ConnectorError) as caught:
        night.aws.write(seen, changes, None, "token")
    assert caught.value.landed is None
    assert attached(cloud, "annotator") == arns[:1]


def _other(change: Change, arn: str) -> Change:

    where = replace(change.address, id=f"annotator#{arn}")
    return replace(change, address=where, after=State.of({"PolicyArn": arn}))


# --- what runs as a role of ours ---------------------------------------------------------------


def test_a_role_that_it_could_hand_to_a_service_is_left_open_before_and_after(cloud: Cloud) -> None:
    """The vendor is denied, what it may have left running is not: every look says so."""
    cloud.user("annotator", keys="")
    cloud.role("etl", trust({"Service": "lambda.amazonaws.com"}))
    statement = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*"}
    hands = {"Version": "2012-10-17", "Statement": [statement]}
    cloud.iam().put_user_policy(
        UserName="annotator", PolicyName="hands", PolicyDocument=json.dumps(hands)
    )
    night = AwsNight(cloud.connector())
    before = [s.reason for s in night.plan().skips if s.leaves_access]
    night.contain()
    after = [s.reason for s in night.plan().skips if s.leaves_access]
    assert before == after
    assert "etl (lambda.amazonaws.com)" in before[0]
    page = cloud.iam().list_attached_role_policies(RoleName="etl")
    assert not page["AttachedPolicies"]
