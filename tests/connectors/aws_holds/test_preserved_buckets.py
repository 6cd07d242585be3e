"""A preserved bucket: nobody but a few writes, nothing expires, and all of it comes back."""

import json

import pytest
from support.aws_holds import (
    FIRST,
    OTHER,
    ROOT,
    SECOND,
    VENDOR,
    AwsNight,
    playbook,
)

from stopline.connectors.aws.documents import LONGEST_BUCKET_POLICY
from stopline.drill.oracle import effects
from stopline.estate import AwsAccount, AwsEstate
from stopline.model import Change, Gap, Plan, Scope, Severity
from stopline.receipts import Cause, Outcome
from stopline.text import Json
from stopline.vendors import AwsSelectors

RULES: list[Json] = [
    {"ID": "drafts", "Filter": {"Prefix": "d/"}, "Status": "Enabled", "Expiration": {"Days": 7}},
    {"ID": "off", "Filter": {"Prefix": "o/"}, "Status": "Disabled", "Expiration": {"Days": 9}},
    {"Filter": {"Prefix": "n/"}, "Status": "Enabled",
     "NoncurrentVersionExpiration": {"NoncurrentDays": 3}},
    {"ID": "by#date", "Prefix": "", "Status": "Enabled",
     "Expiration": {"Date": "2040-01-01T00:00:00+00:00"}},
]  # fmt: skip
POLICY: Json = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "Work",
            "Effect": "Allow",
            "Principal": {"AWS": [ROOT, OTHER]},
            "Action": ["s3:GetObject", "s3:PutObject"],
            "Resource": "arn:aws:s3:::{name}/*",
        },
        {
            "Sid": "Logs",
            "Effect": "Allow",
            "Principal": {"Service": "logging.s3.amazonaws.com"},
            "Action": "s3:PutObject",
            "Resource": "arn:aws:s3:::{name}/*",
        },
    ],
}


def bucket(night: AwsNight, kind: str = "kept", *, pad: int = 0, rules: bool = True) -> str:
    """A bucket of the lab to which the vendor, another and a service write."""
    name = f"{kind}-{night.account}"
    night.s3.create_bucket(Bucket=name)
    text = json.dumps(POLICY, indent=1).replace("{name}", name)
    if pad:
        text = text.replace('"Work"', f'"Work{"x" * pad}"')
    night.s3.put_bucket_policy(Bucket=name, Policy=text)
    if rules:
        night.s3.put_bucket_lifecycle_configuration(
            Bucket=name,
            LifecycleConfiguration={"Rules": RULES},
        )
    return name


def lifecycle(night: AwsNight, name: str) -> tuple[list[Json], str]:
    """A bucket's rules and its smallest size of a transition."""
    found = night.s3.get_bucket_lifecycle_configuration(Bucket=name)
    return found["Rules"], found["TransitionDefaultMinimumObjectSize"]


def text_of(night: AwsNight, name: str) -> str:
    """A bucket's policy, verbatim."""
    return str(night.s3.get_bucket_policy(Bucket=name)["Policy"])


def may(night: AwsNight, name: str, action: str, arn: str) -> bool:
    """Whether no statement of the bucket's policy denies it, by the drill's own judge."""
    context = {"aws:principalarn": arn, "aws:principalisawsservice": "false"}
    if not arn:  # a request without a signature
        context = {}
    elif arn.endswith(".amazonaws.com"):
        context = {"service": arn, "aws:principalisawsservice": "true"}
    else:
        context["aws:principalaccount"] = arn.split(":")[4]
    where = f"arn:aws:s3:::{name}" + ("/k" if "Object" in action else "")
    return "Deny" not in effects([json.loads(text_of(night, name))], action, where, context)


def parts(plan: Plan) -> set[str]:
    """Which of our statements a plan puts into bucket policies."""
    kept = [c for c in plan.changes if c.address.kind == "bucket-policy-statement"]
    return {c.address.part.partition(plan.pause)[2] for c in kept}


def rules_of(plan: Plan) -> list[Change]:
    """A plan's lifecycle rules."""
    return [c for c in plan.changes if c.address.kind == "bucket-lifecycle"]


def test_nobody_but_a_few_writes_and_reading_goes_on(night: AwsNight) -> None:
    """The vendor does nothing, others read; the few are exempt, as is what AWS delivers."""
    name = bucket(night)
    assert not night.contain().skips
    lab = f"arn:aws:iam::{night.account}"
    for action in ("s3:PutObject", "s3:DeleteObjectVersion", "s3:PutBucketPolicy",
                   "s3:PutLifecycleConfiguration", "s3:DeleteBucket"):  # fmt: skip
        assert not may(night, name, action, OTHER), action
        assert not may(night, name, action, f"{lab}:user/staff/ann"), action
        for few in (
            "root",
            "role/stopline/stopline-worker",
            "role/break-glass/x",
            "role/responder",
        ):
            assert may(night, name, action, f"{lab}:{few}"), (action, few)
    assert may(night, name, "s3:PutObject", "logging.s3.amazonaws.com")
    assert may(night, name, "s3:PutObject", f"{lab}:role/log-delivery/config")
    assert not may(night, name, "s3:PutObject", "")
    assert may(night, name, "s3:GetObject", OTHER)
    assert not may(night, name, "s3:GetObject", ROOT)


def test_the_few_are_those_of_the_buckets_account(night: AwsNight) -> None:
    """A `*` for the account in the estate's file lets in no stranger's role of the same name."""
    name = bucket(night)
    night.contain()
    assert not may(night, name, "s3:PutObject", "arn:aws:iam::777788889999:role/break-glass/x")


def test_rules_stand_still_and_come_back_exactly(night: AwsNight) -> None:
    """Each is switched off, one without an id too; what was off, order and sizes stay."""
    name = bucket(night)
    before, text = lifecycle(night, name), text_of(night, name)
    night.contain()
    rules, _ = lifecycle(night, name)
    assert {rule["Status"] for rule in rules} == {"Disabled"}
    night.restore()
    assert lifecycle(night, name) == before
    assert text_of(night, name) == text
    assert not night.book.writes.holds()


def test_the_smallest_size_of_a_transition_is_sent_as_it_was_read(night: AwsNight) -> None:
    """Left out of a write, AWS would put its own default in its place."""
    name, sent = bucket(night), []

    def note(params: Json, **_: object) -> None:
        sent.append(params["headers"].get("x-amz-transition-default-minimum-object-size"))

    client = night.clients.writing(night.account, "s3")
    client.meta.events.register("before-call.s3.PutBucketLifecycleConfiguration", note)
    night.contain()
    night.restore()
    assert sent == [lifecycle(night, name)[1]] * 2


def test_a_rule_that_a_stranger_adds_meanwhile_is_kept(night: AwsNight) -> None:
    """It is switched off by the next sweep, and given back as the stranger made it."""
    name = bucket(night)
    night.contain()
    rules, _ = lifecycle(night, name)
    new = {"ID": "new", "Filter": {"Prefix": "x/"}, "Status": "Enabled", "Expiration": {"Days": 1}}
    night.s3.put_bucket_lifecycle_configuration(
        Bucket=name, LifecycleConfiguration={"Rules": [new, *rules]}
    )
    night.contain()
    assert {rule["Status"] for rule in lifecycle(night, name)[0]} == {"Disabled"}
    night.restore()
    after = {r.get("ID"): r["Status"] for r in lifecycle(night, name)[0]}
    assert after == {
        "new": "Enabled", "drafts": "Enabled", "off": "Disabled", None: "Enabled",
        "by#date": "Enabled",
    }  # fmt: skip


def test_a_rule_that_a_stranger_changes_meanwhile_is_a_conflict(night: AwsNight) -> None:
    """Neither before nor ours: it is not written over."""
    name = bucket(night)
    night.contain()
    rules, _ = lifecycle(night, name)
    rules[0]["Expiration"] = {"Days": 700}
    night.s3.put_bucket_lifecycle_configuration(
        Bucket=name, LifecycleConfiguration={"Rules": rules}
    )
    receipts = night.restore()
    (conflict,) = [r for r in receipts if r.outcome is Outcome.CONFLICT]
    assert conflict.change.address.part == "drafts"
    assert lifecycle(night, name)[0][0]["Expiration"] == {"Days": 700}


def test_two_pauses_hold_a_rule_and_the_last_gives_it_back(night: AwsNight) -> None:
    """The second claims what the first has switched off."""
    name = bucket(night)
    before = lifecycle(night, name)
    night.contain(FIRST)
    assert {c.address.kind for c in night.plan(SECOND).claims} == {"bucket-lifecycle"}
    night.contain(SECOND)
    night.restore(FIRST)
    assert {rule["Status"] for rule in lifecycle(night, name)[0]} == {"Disabled"}
    night.restore(SECOND)
    assert lifecycle(night, name) == before


@pytest.mark.parametrize("status", ["Enabled", "Suspended", ""])
def test_versioning_is_recorded_and_never_changed(night: AwsNight, status: str) -> None:
    """Once on it can only be suspended, so it is nothing that could be given back."""
    name = bucket(night)
    if status:
        night.s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": status})
    (grant,) = [g for g in night.snapshot().grants if g.address.kind == "bucket"]
    assert grant.state.value["versioning"] == (status or "never")
    night.contain()
    assert night.s3.get_bucket_versioning(Bucket=name).get("Status", "") == status


def test_other_buckets_are_denied_to_the_vendor_only(night: AwsNight) -> None:
    """One playbook serves both modes: the vendor's file names what is preserved."""
    name = bucket(night, "shared-data")
    plan = night.contain()
    assert not plan.skips
    assert may(night, name, "s3:PutObject", OTHER)
    assert not may(night, name, "s3:PutObject", ROOT)
    assert lifecycle(night, name)[0][0]["Status"] == "Enabled"


def test_a_playbook_can_preserve_every_bucket(night: AwsNight) -> None:
    """`how: preserve` is for all buckets that the vendor reaches."""
    night.rules = playbook(buckets="preserve")
    bucket(night, "shared-data")
    plan = night.plan()
    assert parts(plan) == {"Acct", "Own", "FrzObj", "FrzCfg"}
    assert len(rules_of(plan)) == 3


def test_a_named_bucket_is_preserved_though_the_vendor_does_not_reach_it(night: AwsNight) -> None:
    """Who writes down its name means it."""
    name = f"kept-{night.account}"
    night.s3.create_bucket(Bucket=name)
    assert "FrzObj" in parts(night.plan())
    night.contain()
    night.restore()
    with pytest.raises(night.s3.exceptions.ClientError, match="NoSuchBucketPolicy"):
        text_of(night, name)


def test_a_name_that_no_bucket_has_is_a_gap(night: AwsNight) -> None:
    """A misspelt name preserves nothing, and nobody is left to believe that it did."""
    selectors = AwsSelectors(accounts=VENDOR.aws.accounts, preserve=("keptt",))
    night.vendor = VENDOR.model_copy(update={"aws": selectors})
    night.clients.estate = AwsEstate(
        accounts={night.account: AwsAccount()}, role="stopline/worker", resources=()
    )
    found = night.connector.discover(night.vendor, Scope())
    assert [item.what for item in found if isinstance(item, Gap)] == ["bucket keptt"]


def test_what_others_feel_is_a_note(night: AwsNight) -> None:
    """That writing stops for everybody is to be read before the word is given."""
    name = bucket(night)
    (note,) = [f for f in night.findings(night.plan()) if f.guard == "felt-by-others"]
    assert note.severity is Severity.NOTE
    assert name in note.what


def test_a_freeze_that_would_lock_us_out_is_not_sent(night: AwsNight) -> None:
    """It is evaluated for ourselves first: who we are must be among the few."""
    name = bucket(night)
    before = text_of(night, name)
    plan = night.plan()
    statements = [c for c in plan.changes if c.address.kind == "bucket-policy-statement"]
    text = json.dumps([c.after.value for c in statements if c.after])
    assert "stopline-worker" in text
    night.clients.estate = AwsEstate(accounts={night.account: AwsAccount()}, role="another/name")
    receipts = night.carry_out(plan)
    refused = [r for r in receipts if r.change.address.kind == "bucket-policy-statement"]
    assert {(r.outcome, r.cause) for r in refused} == {(Outcome.FAILED, Cause.REFUSED)}
    assert text_of(night, name) == before


@pytest.mark.parametrize(
    ("room", "wanted", "left"),
    [
        (4_000, {"Acct", "Own", "FrzObj", "FrzCfg"}, 0),
        (1_900, {"All", "Frz"}, 0),
        (800, {"Acct", "Own"}, 1),
        (400, {"All"}, 1),
        (100, set(), 1),
    ],
)
def test_a_full_policy_takes_shorter_statements_the_vendors_last(
    night: AwsNight, room: int, wanted: set[str], left: int
) -> None:
    """Merged first, then without the freeze and said so, then not at all and said so."""
    name = bucket(night, rules=False)
    bare = len(json.dumps(json.loads(text_of(night, name)), separators=(",", ":")))
    night.s3.delete_bucket(Bucket=name)
    bucket(night, pad=LONGEST_BUCKET_POLICY - room - bare, rules=False)
    plan = night.plan()
    assert parts(plan) == wanted
    assert sum(skip.leaves_access for skip in plan.skips) == left
    night.contain()
    assert len(text_of(night, name).encode()) <= LONGEST_BUCKET_POLICY or not wanted


def test_a_bucket_of_log_delivery_is_left(night: AwsNight) -> None:
    """What the estate's file protects is frozen by nobody."""
    name = bucket(night)
    night.protected += (f"arn:aws:s3:::{name}",)
    plan = night.plan()
    assert not plan.work
    assert any(skip.leaves_access for skip in plan.skips)


def test_a_vendor_whom_no_deny_can_name_is_said_and_the_freeze_holds(night: AwsNight) -> None:
    """A canonical id alone is no principal: the way in is left open and shown, not passed over."""
    selectors = AwsSelectors(canonical_ids=("6d" * 32,), preserve=("kept-*",))
    night.vendor = VENDOR.model_copy(update={"aws": selectors})
    kept, other = bucket(night), bucket(night, "shared-data")
    for name in (kept, other):
        owner = night.s3.get_bucket_acl(Bucket=name)["Owner"]
        grantee = {"Type": "CanonicalUser", "ID": "6d" * 32}
        grants = [{"Grantee": grantee, "Permission": "READ"}]
        night.s3.put_bucket_acl(Bucket=name, AccessControlPolicy={"Owner": owner, "Grants": grants})
    plan = night.plan()
    assert parts(plan) == {"FrzObj", "FrzCfg"}
    assert {s.address.id for s in plan.skips if s.leaves_access} == {kept, other}
