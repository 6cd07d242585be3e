"""Plans and standings as they look in an AWS estate, for tests of what people are shown."""

from stopline.estate import Reader
from stopline.model import (
    Address,
    Breadth,
    Change,
    Counted,
    Direction,
    Finding,
    Gap,
    Grant,
    Plan,
    Residual,
    Scope,
    Severity,
    Skip,
    Snapshot,
    State,
    in_order,
)
from stopline.preflight import Check
from stopline.render.assessment import Assessment
from stopline.render.standing import Held, Left, Said, Standing, Waiting
from stopline.vendors import AwsSelectors, Project, Vendor

LAB, DATA = "111122223333", "444455556666"
USER = f"arn:aws:iam::{LAB}:user/vendors/mercor/annotator-0001"
POLICY = f"arn:aws:iam::{LAB}:policy/stopline/StoplineDenyAll-Jad41d37d"


def _change(realm: str, kind: str, id_: str, **rest: object) -> Change:
    given = {"before": None, "after": None, "rule": "r", "breadth": Breadth.NARROW} | rest
    return Change(Address("aws", realm, kind, id_), **given)  # type: ignore[arg-type]


def _state(**value: object) -> State:
    return State.of(value)


_CHANGES = (
    _change(
        LAB,
        "managed-policy",
        "stopline/StoplineDenyAll-Jad41d37d",
        after=_state(Effect="Deny"),
        breadth=Breadth.FOUNDATION,
        rule="deny-users",
        marked=True,
        summary="create the deny-all policy that is attached to each principal",
    ),
    _change(
        LAB,
        "user-attachment",
        f"vendors/mercor/annotator-0001#{POLICY}",
        after=_state(PolicyArn=POLICY),
        breadth=Breadth.PRINCIPAL,
        rule="deny-users",
        marked=True,
        principal=USER,
        summary="attach deny-all",
    ),
    _change(
        LAB,
        "access-key",
        "annotator-0001/AKIAIOSFODNN7EXAMPLE",
        before=_state(Status="Active"),
        after=_state(Status="Inactive"),
        rule="keys-off",
        phase=1,
        principal=USER,
    ),
    _change(
        DATA,
        "bucket-policy-statement",
        "training-data-eu-central-1#StoplineJad41d37dP1fc78323",
        after=_state(Effect="Deny", Sid="StoplineJad41d37dP1fc78323"),
        breadth=Breadth.TARGET,
        rule="bucket-deny",
        phase=2,
        marked=True,
        principal="training-data-eu-central-1",
        summary="deny the vendor's 1 account and 2 principals in the bucket's policy",
    ),
)

CONTAIN = Plan(
    vendor="mercor",
    direction=Direction.CONTAIN,
    scope=Scope(),
    changes=in_order(_CHANGES, Direction.CONTAIN),
    claims=(
        _change(
            LAB,
            "access-key",
            "annotator-0002/AKIAI44QH8DHBEXAMPLE",
            before=_state(Status="Active"),
            after=_state(Status="Inactive"),
            rule="keys-off",
            phase=1,
            principal=f"arn:aws:iam::{LAB}:user/vendors/mercor/annotator-0002",
        ),
    ),
    skips=(
        Skip(
            Address("aws", LAB, "role", "shared-ci"),
            f"arn:aws:iam::{LAB}:role/shared-ci",
            "shared with the lab's own build account 999988887777",
            leaves_access=True,
        ),
        Skip(
            Address("aws", LAB, "access-key", "annotator-0001/AKIAOLDOLDOLDEXAMPLE"),
            USER,
            "it was so before us, so it is not ours to give back",
        ),
    ),
    residuals=(
        Residual(_CHANGES[2].address, "presigned URLs signed with the key", "PT12H"),
        Residual(_CHANGES[1].address, "console sessions of the user", "PT12H"),
    ),
    gaps=(Gap("aws", "777788889999", "the whole account", "AccessDenied on sts:AssumeRole"),),
    pause="1fc78323",
)

RESTORE = Plan(
    vendor="mercor",
    direction=Direction.RESTORE,
    scope=Scope(principals=(USER,)),
    changes=in_order((c.inverse() for c in _CHANGES), Direction.RESTORE),
    skips=(
        Skip(
            Address("aws", LAB, "access-key", "annotator-0003/AKIAUNPROVENEXAMPLE"),
            USER,
            "nothing shows that the write was ours; choose it with --include-unproven",
        ),
    ),
    pause="1fc78323",
)

COUNTED = (
    Counted("aws", LAB, "user", 41),
    Counted("aws", LAB, "role", 12),
    Counted("aws", DATA, "user", 7),
    Counted("aws", DATA, "bucket", 9),
)

FINDINGS = (
    Finding(
        Severity.LIMIT,
        "too-large-a-share",
        f"21 of 41 users in aws {LAB} would be cut off (51%); the limit is 50%.",
        "A selector that is too wide is the likeliest cause. Read the plan, then narrow the scope "
        "or override with a reason.",
    ),
    Finding(Severity.NOTE, "shared", "Nothing is shared in this scope.", "Nothing to do."),
)

PARTIAL = Standing(
    id="1fc78323",
    vendor="mercor",
    scope=Scope(),
    status="partial",
    requester="ada@lab.example",
    reason="credentials of an annotator were found in a public repository",
    opened_at="2026-11-24T02:49:11.120Z",
    closed_at="",
    workflow="pause/mercor/all",
    held=(
        Held(str(_CHANGES[1].address), USER, "attach deny-all"),
        Held(str(_CHANGES[2].address), USER, "Status: Active -> Inactive"),
    ),
    left=(
        Left(
            "failed",
            str(_CHANGES[3].address),
            "training-data-eu-central-1",
            "User: arn:aws:sts::444455556666:assumed-role/stopline-worker/s is not authorized to "
            "perform: s3:PutBucketPolicy",
            f"stopline pause mercor --address '{_CHANGES[3].address}' --reason '...'",
            "denied",
            direction="contain",
        ),
        Left(
            "conflict",
            "aws:111122223333:access-key:annotator-0009/AKIACONFLICTEXAMPLE",
            USER,
            "changed by somebody else since we contained it",
            "stopline rollback mercor --address "
            "aws:111122223333:access-key:annotator-0009/AKIACONFLICTEXAMPLE --reason '...'",
            "foreign",
            ('{"Status":"Active"}', '{"Status":"Inactive"}', '{"Status":"Expired"}'),
            "restore",
        ),
        Left(
            "gap",
            "aws 777788889999",
            "",
            "the whole account: AccessDenied on sts:AssumeRole",
            "stopline approve mercor --gaps --reason '...'",
        ),
    ),
    said=(
        Said("2026-11-24T02:49:11.120Z", "ada@lab.example", "pause", "breach", "77fca6b297b4e873"),
        Said("2026-11-24T03:10:00.000Z", "bob@lab.example", "stop", "production was hit"),
    ),
)

WAITING = Standing(
    id="9c0ffee9",
    vendor="mercor",
    scope=Scope(project="chordus", realms=(LAB,)),
    status="contained",
    requester="ada@lab.example",
    reason="drill",
    opened_at="2026-11-20T11:00:00.000Z",
    closed_at="",
    workflow="pause/mercor/chordus",
    phase="paused",
    waiting=Waiting(
        "restore",
        "f" * 64,
        "0874422d443e1267c7a2932a7a7c31aad56102f54910a46ebedf539b383b89f7",
        "ada@lab.example",
        "stopline approve 9c0ffee9 --digest 0874422d443e --as NAME",
        stale=True,
    ),
    acknowledged=True,
)

ASSESSED = Assessment(
    plan=CONTAIN,
    snapshot=Snapshot(
        "mercor",
        (
            Grant(
                Address("aws", LAB, "user", "annotator-0001"),
                _state(arn=USER),
                USER,
                "user",
                USER,
                "path /vendors/mercor/",
            ),
            Grant(
                _CHANGES[2].address, _state(Status="Active"), USER, "access-key", USER, "the same"
            ),
            Grant(
                Address("aws", LAB, "role", "shared-ci"),
                _state(arn="shared-ci"),
                f"arn:aws:iam::{LAB}:role/shared-ci",
                "role",
                f"arn:aws:iam::{LAB}:role/shared-ci",
                "trust: account 222233334444",
                vouched=False,
                shared_with=("arn:aws:iam::999988887777:root",),
            ),
            Grant(
                Address("aws", DATA, "bucket", "training-data-eu-central-1"),
                _state(policy_bytes=512),
                "training-data-eu-central-1",
                "bucket",
                "training-data-eu-central-1",
                "bucket policy: account 222233334444; ACL grant to 79a59df900b9",
            ),
        ),
        counted=COUNTED,
        taken_at="2026-11-24T02:49:11.120Z",
    ),
    findings=FINDINGS,
    readers=(
        Reader("aws", LAB, "stopline/stopline-reader", apart=True),
        Reader("aws", DATA, "stopline/stopline-worker", apart=False),
    ),
    not_looked_at=("aws: KMS key policies and grants", "aws: IAM Roles Anywhere"),
    ref="ab",
)

MERCOR = Vendor(
    vendor="mercor",
    names=("Mercor Inc", "mercor.com"),
    owner="vendor-security@lab.example",
    note="Call the vendor desk first: it knows which runs are at stake.\nThe key is in the safe.",
    aws=AwsSelectors(
        accounts=("222233334444",), paths=("/vendors/mercor/",), tags={"vendor": "mercor"}
    ),
    projects={"chordus": Project(note="speech data", aws=AwsSelectors(paths=("/chordus/",)))},
    protected=(f"arn:aws:iam::{LAB}:role/shared-*",),
)

CHECKS = (
    Check("versions", ok=True, found="stopline 0.1.0, Python 3.11.7, temporalio 1.35.0"),
    Check(
        "worker",
        ok=False,
        found="nobody polls the queue stopline/ad41d37d",
        next_step="Start one with `stopline worker`, with the same STOPLINE_JOURNAL_URL.",
    ),
    Check(
        f"aws {LAB} rights to write",
        ok=True,
        found="not checked, since they cannot be simulated here: AccessDenied",
        next_step=f"`stopline doctor --canary {LAB}` shows them by using them.",
        warn=True,
    ),
)
