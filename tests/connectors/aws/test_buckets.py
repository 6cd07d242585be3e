"""Bucket policies: found by every way in, contained by a statement of ours, given back verbatim."""

import json
from typing import Any

import pytest
from support.answers import Asked, answering
from support.aws import (
    CANONICAL,
    DATA,
    MERCER,
    MERCOR,
    PLAYBOOK,
    RESEARCH,
    VENDOR,
    Cloud,
    a_session,
    allow,
    answer,
    bucket_policy,
    environment,
    error_text,
    estate,
)
from support.aws_nights import AwsNight

from stopline.connectors.aws import reading
from stopline.connectors.aws.clients import Clients
from stopline.connectors.aws.documents import LONGEST_BUCKET_POLICY, composed
from stopline.errors import ConnectorError
from stopline.model import Change, Gap, Grant, Scope, Skip
from stopline.port import Mark, Terms
from stopline.receipts import Cause, Outcome
from stopline.text import Json
from stopline.vendors import AwsSelectors, Vendor

MARK = Mark("0a1b2c3d", "00000001")
ROOT = f"arn:aws:iam::{MERCOR}:root"


def found(cloud: Cloud) -> dict[str, Grant]:
    """The buckets that discovery says the vendor reaches."""
    items = cloud.connector().discover(VENDOR, Scope())
    return {i.target: i for i in items if isinstance(i, Grant) and i.address.kind == "bucket"}


def opinion(cloud: Cloud, bucket: str, vendor: Vendor = VENDOR) -> list[Change | Skip]:
    """What the connector would do about one bucket."""
    aws = cloud.connector()
    for grant in aws.discover(vendor, Scope()):
        if isinstance(grant, Grant) and grant.address.id == bucket:
            return list(aws.contained(grant, Terms(vendor, PLAYBOOK, MARK)))
    return []


def ours(text: str) -> list[Json]:
    """The statements of ours in a policy text."""
    return [s for s in json.loads(text)["Statement"] if str(s.get("Sid")).startswith("Stopline")]


# --- ways in -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("principal", "more"),
    [
        ({"AWS": ROOT}, {}),
        ({"AWS": [MERCER, ROOT]}, {}),
        ({"CanonicalUser": CANONICAL}, {}),
        ("*", {"Condition": {"StringEquals": {"aws:PrincipalAccount": [MERCOR]}}}),
        ("*", {}),
    ],
)
def test_a_bucket_that_its_policy_opens_is_found(
    cloud: Cloud, principal: Json, more: dict[str, Any]
) -> None:
    """By account, by canonical id, by a condition, or as everybody."""
    cloud.bucket("data", bucket_policy("data", principal, **more))
    cloud.bucket("mercor-reports", bucket_policy("mercor-reports", {"AWS": MERCER}))
    assert set(found(cloud)) == {"arn:aws:s3:::data"}


def test_a_bucket_that_its_acl_opens_is_found(cloud: Cloud) -> None:
    """An ACL names the vendor by its canonical id, and by nothing else."""
    for name, id_ in (("scans", CANONICAL), ("others", CANONICAL.replace("7", "8"))):
        cloud.bucket(name)
        owner = cloud.s3().get_bucket_acl(Bucket=name)["Owner"]
        grants = [
            {"Grantee": {"Type": "CanonicalUser", "ID": i}, "Permission": p}
            for i, p in ((owner["ID"], "FULL_CONTROL"), (id_, "READ"))
        ]
        acl = {"Owner": owner, "Grants": grants}
        cloud.s3().put_bucket_acl(Bucket=name, AccessControlPolicy=acl)
    cloud.bucket("open")
    cloud.s3().put_bucket_acl(Bucket="open", ACL="public-read")
    assert set(found(cloud)) == {"arn:aws:s3:::scans", "arn:aws:s3:::open"}


def test_a_bucket_that_an_identity_policy_reaches_is_found(cloud: Cloud) -> None:
    """In the same account: by a group's policy too, though no policy of the bucket says so."""
    cloud.user("annotator")
    iam = cloud.iam()
    iam.create_group(GroupName="labelling")
    iam.add_user_to_group(GroupName="labelling", UserName="annotator")
    reach = json.dumps(allow("s3:GetObject", "arn:aws:s3:::bare/in/*"))
    iam.put_group_policy(GroupName="labelling", PolicyName="p", PolicyDocument=reach)
    cloud.bucket("bare", account=RESEARCH)
    cloud.bucket("bare-2", account=RESEARCH)
    (grant,) = found(cloud).values()
    assert grant.via == "identity policy of user annotator"


# --- texts -------------------------------------------------------------------------------------

PRETTY = json.dumps(bucket_policy("data", {"AWS": ROOT}, Sid="Work"), indent=3) + "\n"
TEXTS = {
    "a single statement that is no list": PRETTY,
    "an older version and an id": json.dumps(
        {"Id": "kept", **bucket_policy("data", {"AWS": ROOT}), "Version": "2008-10-17"}
    ),
    "spaces and lines around it": f"\n  {json.dumps(bucket_policy('data', '*'))}\t\n",
    "letters that are not ASCII": json.dumps(
        bucket_policy("data", {"AWS": ROOT}, Sid="Übergabe"), ensure_ascii=False
    ),
    "keys in an odd order, and unknown ones": json.dumps(
        {"Statement": [{"Z": 1, **bucket_policy("data", {"AWS": ROOT})["Statement"]}], "Extra": []}
    ),
    "no policy at all": "",
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_policy_comes_back_byte_for_byte(cloud: Cloud, name: str) -> None:
    """Through the whole write path: contained, then exactly the text that was there."""
    cloud.user("annotator")
    cloud.iam(DATA).create_user(UserName="loader", Path="/vendors/mercor/")
    reach = json.dumps(allow("s3:*", "*"))
    cloud.iam(DATA).put_user_policy(UserName="loader", PolicyName="p", PolicyDocument=reach)
    cloud.bucket("data", TEXTS[name])
    night = AwsNight(cloud.connector())
    assert {r.outcome for r in night.contain()} == {Outcome.APPLIED}
    contained = cloud.policy("data")
    assert len(ours(contained)) == 2
    if TEXTS[name]:
        before, after = json.loads(TEXTS[name]), json.loads(contained)
        assert {k: v for k, v in after.items() if k != "Statement"} == {
            k: v for k, v in before.items() if k != "Statement"
        }
    night.restore()
    assert cloud.policy("data") == TEXTS[name]
    assert not night.book.writes.holds()


def test_a_statement_that_came_meanwhile_stays(cloud: Cloud) -> None:
    """Only ours is taken out: an overwrite would have lost the stranger's."""
    cloud.bucket("data", PRETTY)
    night = AwsNight(cloud.connector())
    night.contain()
    body = json.loads(cloud.policy("data"))
    body["Statement"].append({**bucket_policy("data", {"AWS": MERCER})["Statement"], "Sid": "New"})
    cloud.s3().put_bucket_policy(Bucket="data", Policy=json.dumps(body))
    night.restore()
    assert [s["Sid"] for s in json.loads(cloud.policy("data"))["Statement"]] == ["Work", "New"]


def test_a_policy_that_was_emptied_meanwhile_is_gone_with_ours(cloud: Cloud) -> None:
    """S3 takes no policy without a statement, so that ours, the last one, takes it with it."""
    cloud.bucket("data", PRETTY)
    night = AwsNight(cloud.connector())
    night.contain()
    body = json.loads(cloud.policy("data"))
    body["Statement"] = ours(cloud.policy("data"))
    cloud.s3().put_bucket_policy(Bucket="data", Policy=json.dumps(body))
    assert {r.outcome for r in night.restore()} == {Outcome.APPLIED}
    assert cloud.policy("data") == ""


def test_a_policy_that_was_deleted_meanwhile_is_left_so(cloud: Cloud) -> None:
    """Nothing of ours is there any more: nothing is written, and what was there is not made up."""
    cloud.bucket("data", PRETTY)
    night = AwsNight(cloud.connector())
    night.contain()
    cloud.s3().delete_bucket_policy(Bucket="data")
    assert {r.outcome for r in night.restore()} == {Outcome.ALREADY}
    assert cloud.policy("data") == ""


def test_our_statement_edited_by_somebody_is_mended(cloud: Cloud) -> None:
    """What bears our mark is ours: containment writes it anew, what was found is in the journal."""
    cloud.bucket("data", PRETTY)
    night = AwsNight(cloud.connector())
    night.contain()
    whole = ours(cloud.policy("data"))
    tampered = cloud.policy("data").replace('"s3:*"', '"s3:GetBucketTagging"')
    assert tampered != cloud.policy("data")
    cloud.s3().put_bucket_policy(Bucket="data", Policy=tampered)
    assert {r.outcome for r in night.contain()} == {Outcome.APPLIED}
    assert ours(cloud.policy("data")) == whole
    night.restore()
    assert cloud.policy("data") == PRETTY


# --- what cannot be edited ---------------------------------------------------------------------


def test_a_policy_that_names_a_deleted_principal_is_left(cloud: Cloud) -> None:
    """S3 would refuse it when it is put back, so it is never touched; the access is shown."""
    body = bucket_policy("data", {"AWS": [ROOT, "AROAEXAMPLEDELETED12"]})
    cloud.bucket("data", json.dumps(body))
    (skip,) = opinion(cloud, "data")
    assert isinstance(skip, Skip)
    assert skip.leaves_access
    assert "AROAEXAMPLEDELETED12" in skip.reason


def padded(size: int) -> str:
    """A policy text of exactly this many bytes when it is written compactly, as S3 counts it."""
    body = bucket_policy("data", {"AWS": ROOT}, Sid="")
    body["Statement"] = [body["Statement"]]
    rest = size - len(json.dumps(body, separators=(",", ":")))
    body["Statement"][0]["Sid"] = "x" * rest
    return json.dumps(body, separators=(",", ":"))


def added(cloud: Cloud) -> int:
    """How many bytes our statements take."""
    cloud.bucket("probe", bucket_policy("probe", {"AWS": ROOT}))
    changes = [c for c in opinion(cloud, "probe") if isinstance(c, Change)]
    raw = cloud.policy("probe")
    listed = json.loads(raw)
    listed["Statement"] = [listed["Statement"]]
    alone = len(json.dumps(listed, separators=(",", ":")))
    return (
        len(composed(raw, changes, None)) - alone + 2 * (len("data") - len("probe")) * len(changes)
    )


@pytest.mark.parametrize(("spare", "fits"), [(0, True), (-1, False)])
def test_a_policy_that_would_be_too_long_is_left(cloud: Cloud, spare: int, *, fits: bool) -> None:
    """To the byte: what fits is contained and accepted, one more is shown as left open."""
    before = padded(LONGEST_BUCKET_POLICY - added(cloud) - spare)
    cloud.bucket("data", before)
    planned = [o for o in opinion(cloud, "data") if isinstance(o, Change)]
    left = [o for o in opinion(cloud, "data") if isinstance(o, Skip) and o.leaves_access]
    AwsNight(cloud.connector()).contain()
    after = cloud.policy("data")
    assert len(after.encode()) <= LONGEST_BUCKET_POLICY
    assert (len(after.encode()) == LONGEST_BUCKET_POLICY and len(planned) == 2) is fits
    assert fits or (after != before) is bool(planned)
    assert fits or planned or left


def test_a_policy_that_grew_meanwhile_is_not_sent(cloud: Cloud) -> None:
    """Between plan and write it became too long: a full quota is named, for the next lever."""
    cloud.bucket("data", PRETTY)
    night = AwsNight(cloud.connector())
    planned = night.plan()
    cloud.s3().put_bucket_policy(Bucket="data", Policy=padded(LONGEST_BUCKET_POLICY - 10))
    receipts = night.carry_out(planned)
    assert {(r.outcome, r.cause, r.held) for r in receipts} == {
        (Outcome.FAILED, Cause.QUOTA, False)
    }
    assert "Stopline" not in cloud.policy("data")


@pytest.mark.parametrize(
    "selectors",
    [
        AwsSelectors(accounts=(MERCOR, DATA)),
        AwsSelectors(accounts=(MERCOR,), paths=("/stopline/",)),
    ],
)
def test_we_never_lock_ourselves_or_root_out(cloud: Cloud, selectors: AwsSelectors) -> None:
    """A deny that hits our own role or the bucket's own root is refused before it is sent."""
    cloud.bucket("data", PRETTY)
    vendor = VENDOR.model_copy(update={"aws": selectors})
    changes = [o for o in opinion(cloud, "data", vendor) if isinstance(o, Change)]
    aws = cloud.connector()
    if changes:
        with pytest.raises(ConnectorError, match="lock out") as caught:
            aws.write(aws.read(changes[0].address.document), changes, PRETTY, "token")
        assert caught.value.cause is Cause.REFUSED
        assert caught.value.landed is False
    assert cloud.policy("data") == PRETTY


# --- calls -------------------------------------------------------------------------------------


def test_every_call_of_a_bucket_names_its_owner(cloud: Cloud) -> None:
    """A bucket that was deleted and made anew by somebody else answers nothing and takes nothing.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html
    """
    cloud.bucket("data", PRETTY)
    cloud.user("annotator")
    cloud.iam().put_user_policy(
        UserName="annotator", PolicyName="p", PolicyDocument=json.dumps(allow("s3:*", "*"))
    )
    cloud.bucket("bare", account=RESEARCH)
    night = AwsNight(cloud.connector())
    night.contain()
    night.restore()
    owners = {"data": DATA, "bare": RESEARCH}
    seen = set()
    for request in cloud.sent:
        name = request.url.split("?")[0].rpartition("/")[2]
        if name in owners:
            seen.add((name, request.method))
            named = request.headers["x-amz-expected-bucket-owner"]
            assert (named if isinstance(named, str) else named.decode()) == owners[name]
    methods = {"GET", "PUT"}
    assert seen == {(name, m) for name in owners for m in methods} | {("bare", "DELETE")}


def test_a_write_whose_reading_back_fails_is_open_not_failed(cloud: Cloud) -> None:
    """The policy landed and the next read is broken: the hold and the original must stay."""
    cloud.bucket("data", PRETTY)
    night = AwsNight(cloud.connector())
    planned = night.plan()
    put: list[str] = []

    def interfere(request: Any) -> Any:
        if request.method == "PUT":
            put.append(request.url)
        elif put and "?policy" in request.url:
            return answer(403, error_text("AccessDenied"))
        return None

    cloud.interfere = interfere
    receipts = night.carry_out(planned)
    assert len(put) == 1
    assert all(r.held for r in receipts)
    assert ours(cloud.policy("data"))
    cloud.interfere = lambda _request: None
    night.contain()
    night.restore()
    assert cloud.policy("data") == PRETTY


def test_a_bucket_that_cannot_be_read_is_a_gap_and_stops_no_other(cloud: Cloud) -> None:
    """A policy that denies us, or one that is no JSON: named, and the rest is found."""
    for name in ("closed", "data"):
        cloud.bucket(name, bucket_policy(name, {"AWS": ROOT}))
    cloud.bucket("broken", "{not json")

    def interfere(request: Any) -> Any:
        denied = "/closed?policy" in request.url
        return answer(403, error_text("AccessDenied")) if denied else None

    cloud.interfere = interfere
    items = list(cloud.connector().discover(VENDOR, Scope()))
    gaps = {i.what: i.cause for i in items if isinstance(i, Gap)}
    assert set(gaps) == {"bucket broken", "bucket closed"}
    assert "AccessDenied" in gaps["bucket closed"]
    assert [i.address.id for i in items if isinstance(i, Grant)] == ["data"]


def test_buckets_are_listed_to_the_last_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """An account with very many buckets answers in pages, whether we ask for them or not."""
    one = "<Buckets><Bucket><Name>{}</Name></Bucket></Buckets>"
    more = "<ContinuationToken>next</ContinuationToken>"

    def reply(asked: Asked) -> tuple[int, str]:
        if "policy" in asked.path:
            return 404, error_text("NoSuchBucketPolicy")
        if "acl" in asked.path:
            return 200, "<AccessControlPolicy><Owner><ID>o</ID></Owner></AccessControlPolicy>"
        inside = (
            one.format("b") if "continuation-token=next" in asked.path else (one.format("a") + more)
        )
        return 200, f"<ListAllMyBucketsResult>{inside}</ListAllMyBucketsResult>"

    with answering(reply) as answers:
        environment(monkeypatch, answers.url)
        names = [b.name for b in reading.buckets(Clients(estate(), a_session), DATA)]  # type: ignore[union-attr]
    assert names == ["a", "b"]


def test_no_bucket_call_is_retried_after_it_was_written(cloud: Cloud) -> None:
    """Read back until it is shown; only reads are asked again."""
    cloud.bucket("data", PRETTY)
    stale = cloud.policy("data")
    shows: list[str] = []

    def interfere(request: Any) -> Any:
        if request.method == "GET" and "/data?policy" in request.url and puts():
            shows.append(request.url)
            return answer(200, stale) if len(shows) == 1 else None
        return None

    def puts() -> int:
        return sum(r.method == "PUT" for r in cloud.sent)

    cloud.interfere = interfere
    night = AwsNight(cloud.connector())
    assert {r.outcome for r in night.contain()} == {Outcome.APPLIED}
    assert puts() == 1
    assert len(shows) == 2
