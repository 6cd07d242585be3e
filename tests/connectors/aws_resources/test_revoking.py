"""The vendor's entries leave policies for good together with our deny, or both stay."""

import json
from typing import Any

import pytest
from support.aws import DATA, MERCER, MERCOR, PATH, PLAYBOOK, Cloud, allow, trust
from support.aws_nights import AwsNight
from support.aws_resources import KINDS, Owner, playbook, statement

from stopline.connectors.aws import revoking
from stopline.connectors.aws.policy import Vendors
from stopline.receipts import Cause, Outcome
from stopline.text import Json

ROOT, LOOKALIKE = f"arn:aws:iam::{MERCOR}:root", f"arn:aws:iam::{MERCER}:root"
ALL = playbook().phases[0].rules + PLAYBOOK.phases[0].rules
BOTH = PLAYBOOK.model_copy(
    update={"phases": (PLAYBOOK.phases[0].model_copy(update={"rules": ALL}),)}
)


def a_night(cloud: Cloud) -> AwsNight:
    """The vendor is contained, and its pause is being terminated."""
    night = AwsNight(cloud.connector(), playbook=BOTH)
    night.contain()
    night.ending()
    return night


def a_bucket(cloud: Cloud, name: str, principal: Json, *, enforced: bool = True) -> None:
    """A bucket whose objects have access lists, or have none."""
    said = [
        {"Sid": "Work", "Effect": "Allow", "Principal": principal, "Action": "s3:GetObject",
         "Resource": f"arn:aws:s3:::{name}/*"},
        {"Sid": "Logs", "Effect": "Allow", "Principal": {"Service": "logging.s3.amazonaws.com"},
         "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{name}/logs/*"},
    ]  # fmt: skip
    cloud.bucket(name, json.dumps({"Version": "2012-10-17", "Id": "kept", "Statement": said}))
    if enforced:
        rules = [{"ObjectOwnership": "BucketOwnerEnforced"}]
        cloud.s3().put_bucket_ownership_controls(Bucket=name, OwnershipControls={"Rules": rules})


def sids(text: str) -> list[str]:
    """What a policy says, by the ids of its statements."""
    return [s["Sid"] for s in json.loads(text)["Statement"]] if text else []


@pytest.mark.parametrize(
    "kind", [*KINDS[:2], *(pytest.param(k, marks=pytest.mark.night) for k in KINDS[2:])]
)
def test_only_the_vendors_entry_goes_and_our_deny_with_it(cloud: Cloud, kind: str) -> None:
    """The others' entry and the account's own root stay as they were; nothing is found again."""
    owner = Owner(cloud)
    owner.make(kind, "shared")
    night = a_night(cloud)
    held = [h for h in night.book.writes.holds() if revoking.is_grant(h.address)]
    document = held[0].address.document
    plan = night.plan_termination()
    assert {c.address for c in plan.work} == {h.address for h in held}
    assert {r.outcome for r in night.carry_out(plan)} == {Outcome.APPLIED}
    text = owner.text(document)
    assert ROOT not in text
    assert LOOKALIKE in text
    assert f"arn:aws:iam::{DATA}:root" in text
    assert sids(text) == ["Own", "Work"]
    assert night.book.writes.holds() == ()
    assert night.plan().work == ()


def test_a_bucket_without_access_lists_is_left_to_others(cloud: Cloud) -> None:
    """The statement that was the vendor's alone is gone whole; the delivery of logs goes on."""
    a_bucket(cloud, "training", {"AWS": [MERCOR, f"arn:aws:iam::{MERCOR}:role/pipeline"]})
    night = a_night(cloud)
    assert {r.outcome for r in night.carry_out(night.plan_termination())} == {Outcome.APPLIED}
    assert sids(cloud.policy("training")) == ["Logs"]
    assert json.loads(cloud.policy("training"))["Id"] == "kept"
    assert night.plan().work == ()


def test_there_is_no_moment_between_the_entry_and_our_deny(cloud: Cloud) -> None:
    """At every call that is sent, the policy denies the vendor, or does not name it."""
    a_bucket(cloud, "training", {"AWS": [MERCOR, LOOKALIKE]})
    night = a_night(cloud)
    plan, seen = night.plan_termination(), []

    def look(request: Any) -> None:
        del request
        said = cloud.policy("training")
        seen.append("Stopline" in said or MERCOR not in said)

    cloud.interfere = look
    night.carry_out(plan)
    assert all(seen)
    assert len(seen) > 2
    assert sids(cloud.policy("training")) == ["Work", "Logs"]


@pytest.mark.parametrize(
    ("principal", "more", "why"),
    [
        ({"AWS": MERCOR}, {"enforced": False}, "access lists are on in it"),
        ("*", {}, "lets the vendor in by everybody"),
    ],
)
def test_where_others_may_be_meant_or_a_list_may_name_it_the_deny_stays(
    cloud: Cloud, principal: Json, more: Any, why: str
) -> None:
    """Nothing is taken out of it, and the certificate will say why."""
    a_bucket(cloud, "training", principal, **more)
    night = a_night(cloud)
    before = cloud.policy("training")
    plan = night.plan_termination()
    assert plan.work == ()
    assert all(why in skip.reason for skip in plan.skips)
    assert cloud.policy("training") == before


def test_who_stays_with_a_right_of_its_own_keeps_the_deny_there(cloud: Cloud) -> None:
    """A user that only a tag selects, and that is not removed, has the bucket by its own policy."""
    a_bucket(cloud, "training", {"AWS": MERCOR})
    cloud.user("pilot", "/", account=DATA, keys="", Tags=[{"Key": "vendor", "Value": "mercor"}])
    text = json.dumps(allow("s3:*", "*"))
    cloud.iam(DATA).put_user_policy(UserName="pilot", PolicyName="work", PolicyDocument=text)
    night = a_night(cloud)
    plan = night.plan_termination()
    assert plan.work == ()
    assert any("of the user pilot, which stays, let it in" in s.reason for s in plan.skips)


def test_our_deny_of_its_own_users_goes_with_them(cloud: Cloud) -> None:
    """They are removed in the same termination, so nobody needs the policy to deny them."""
    a_bucket(cloud, "training", {"AWS": MERCOR})
    cloud.user("loader", PATH, account=DATA, keys="")
    text = json.dumps(allow("s3:*", "*"))
    cloud.iam(DATA).put_user_policy(UserName="loader", PolicyName="work", PolicyDocument=text)
    night = a_night(cloud)
    night.carry_out(night.plan_termination())
    assert sids(cloud.policy("training")) == ["Logs"]
    assert night.book.writes.holds() == ()
    assert night.plan().work == ()


def test_a_deny_that_stays_goes_on_naming_whoever_was_removed(cloud: Cloud) -> None:
    """No sweep writes it anew for want of them, so it stays terminated. New ones it does name."""
    a_bucket(cloud, "training", {"AWS": MERCOR}, enforced=False)
    cloud.role("intake", trust({"AWS": MERCOR}))
    night = a_night(cloud)
    assert "role/intake" in cloud.policy("training")
    night.carry_out(night.plan_termination())
    assert "role/intake" in cloud.policy("training")
    assert night.plan().work == ()
    cloud.role("export", trust({"AWS": MERCOR}))
    kinds = {c.address.kind for c in night.plan().work}
    assert {"role-attachment", "bucket-policy-statement"} <= kinds


def test_what_a_stranger_writes_after_the_plan_is_not_guessed_at(cloud: Cloud) -> None:
    """The policy is not the one that people approved the rest of: refused, and denied as before."""
    a_bucket(cloud, "training", {"AWS": [MERCOR, LOOKALIKE]})
    night = a_night(cloud)
    plan = night.plan_termination()
    body = json.loads(cloud.policy("training"))
    body["Statement"][0]["Action"] = "s3:*"
    cloud.s3().put_bucket_policy(Bucket="training", Policy=json.dumps(body))
    receipts = night.carry_out(plan)
    assert {(r.outcome, r.cause, r.held) for r in receipts} == {
        (Outcome.FAILED, Cause.REFUSED, True)
    }
    assert "Stopline" in cloud.policy("training")
    assert {r.outcome for r in night.carry_out(night.plan_termination())} == {Outcome.APPLIED}
    assert json.loads(cloud.policy("training"))["Statement"][0]["Action"] == "s3:*"


def test_a_key_with_a_grant_to_the_vendor_keeps_its_deny(cloud: Cloud) -> None:
    """A grant lets it in past the policy, and only an explicit deny stops its use."""
    owner = Owner(cloud)
    name = owner.make("kms-key", "shared")
    key = name.rpartition("/")[2]
    owner.client("kms").create_grant(
        KeyId=key, GranteePrincipal=f"arn:aws:iam::{MERCOR}:role/x", Operations=["Decrypt"]
    )
    night = a_night(cloud)
    plan = night.plan_termination()
    assert plan.work == ()
    assert any("of the key names the vendor" in skip.reason for skip in plan.skips)


def test_whom_a_deny_is_about_is_read_from_it_in_both_forms() -> None:
    """Two statements, or one that is shorter."""
    apart = [
        {"Condition": {"StringEquals": {"aws:PrincipalAccount": [MERCOR]}}},
        {"Condition": {"ArnLike": {"aws:PrincipalArn": ["arn:aws:iam::*:user/vendors/mercor/*"]}}},
    ]
    arns = [f"arn:aws:*::{MERCOR}:*", "arn:aws:iam::*:user/vendors/mercor/*"]
    merged = [{"Condition": {"ArnLike": {"aws:PrincipalArn": arns}}}]
    assert revoking.whom(apart) == revoking.whom(merged)


def test_a_services_entry_beside_the_vendors_stays() -> None:
    """Only one key of the principal goes; another kind of statement is not looked at."""
    mixed = statement("sqs-queue", {"AWS": ROOT, "Service": "sns.amazonaws.com"})
    deny = {**statement("sqs-queue", {"AWS": ROOT}), "Effect": "Deny"}
    vendors = Vendors(frozenset({MERCOR}))
    left, out = revoking.without({"Statement": [mixed, deny]}, vendors)
    assert left["Statement"][0]["Principal"] == {"Service": "sns.amazonaws.com"}
    assert left["Statement"][1] == deny
    assert out == (ROOT,)
