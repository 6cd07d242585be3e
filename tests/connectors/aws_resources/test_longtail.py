"""Policies of what few accounts have, which the emulator does not have: against AWS's own models.

The clients are botocore's own, with its own stubs: requests and answers are held to those models.
"""

import json
import shlex
from dataclasses import replace

import boto3
import pytest
from botocore import xform_name
from support import aws_stubs
from support.aws import DATA, MERCER, MERCOR
from support.aws_cli import parsed
from support.aws_longtail import CASES, NEW, OLD, WHEN, Call, Case, answering, policy_of
from support.aws_stubs import REACH
from support.grants import a_grant, opinions

from stopline.connectors.aws import AwsConnector, longtail, reached, revoking
from stopline.connectors.aws.clients import BY_SDK
from stopline.connectors.aws.nobody import about_nobody
from stopline.connectors.aws.policy import Vendors
from stopline.connectors.aws.proving import unproved
from stopline.connectors.aws.resources import TABLE
from stopline.errors import ConnectorError, StaleError
from stopline.model import Change, Counted, Document, Effect, Found, Gap, Grant
from stopline.port import Observed
from stopline.receipts import Cause, Hold
from stopline.text import Json

every = pytest.mark.parametrize("case", CASES, ids=[case.kind for case in CASES])


def looking(case: Case) -> AwsConnector:
    """A connector that looks at one kind alone, and that nobody answers yet."""
    return aws_stubs.looking_at(case.contains)


def looked(connector: AwsConnector) -> list[Found]:
    """What is found."""
    return list(reached.discover(connector.clients, [DATA], {}, REACH))


def changes(connector: AwsConnector, case: Case) -> list[Change]:
    """What would be done about one."""
    grant = a_grant(case.kind, case.id)
    return [o for o in opinions(connector, grant) if isinstance(o, Change)]


def document(case: Case) -> Document:
    """Its policy."""
    return Document("aws", DATA, TABLE[case.kind].statement, case.id)


def compact(body: Json) -> str:
    """As it is written."""
    return json.dumps(body, separators=(",", ":"))


def test_every_row_of_the_long_tail_is_tried() -> None:
    """So that none is there without a test."""
    rows = {r.kind for r in vars(longtail).values() if isinstance(r, type(longtail.CONSUMERS))}
    assert {case.kind for case in CASES} == rows - {"access-point", "stream", "lambda-function"}


# --- found ---------------------------------------------------------------------------------------


@every
@pytest.mark.parametrize("who", [MERCOR, MERCER, ""])
def test_one_that_lets_the_vendor_in_is_found(case: Case, who: str) -> None:
    """A look-alike is nobody of ours, nor is what another account shares with the lab."""
    text = policy_of(case).replace(MERCOR, who) if who else ""
    connector = looking(case)
    with answering(connector) as reads:
        reads.listed(case)
        reads.policy(case, text)
        if case.kind == "table-bucket":
            reads.expect(TABLES_IN)
        found = looked(connector)
    grants = [f for f in found if isinstance(f, Grant)]
    via = f"{case.kind} policy: account {MERCOR}"
    assert [(g.address.id, g.target, g.via) for g in grants] == (
        [(case.id, case.arn, via)] if who == MERCOR else []
    )
    assert not [f for f in found if isinstance(f, Gap)]
    assert Counted("aws", DATA, case.kind, 1) in found


@every
def test_a_refused_listing_or_policy_is_a_gap(case: Case) -> None:
    """Never "nothing there", whichever call of the listing it is."""
    for refused in range(len(case.lists) + 1):
        connector = looking(case)
        with answering(connector) as reads:
            for call in case.lists[:refused]:
                reads.expect(call)
            last = [*case.lists, case.get][refused]
            reads.expect(last, error="AccessDeniedException")
            found = looked(connector)
        (gap,) = (f for f in found if isinstance(f, Gap))
        of_list = refused < len(case.lists)
        what = f"{case.contains} in us-east-1" if of_list else f"{case.kind} {case.id}"
        assert gap.what.startswith(what)  # of what has something inside, the one thing
        assert "AccessDeniedException" in gap.cause
        assert not [f for f in found if isinstance(f, Grant)]


# --- written -------------------------------------------------------------------------------------


@every
def test_it_is_denied_and_given_back_verbatim(case: Case) -> None:
    """To the vendor alone, under the tag where the service has one; others' part stays."""
    connector, text = looking(case), policy_of(case)
    ours = changes(connector, case)
    kept = [c.after.value for c in ours if c.after]
    assert kept
    assert {json.dumps(said["Resource"]) for said in kept} == {json.dumps(case.on)}
    assert MERCER not in json.dumps(kept)
    body = json.loads(text)
    wanted = compact({**body, "Statement": [*body["Statement"], *kept]})
    with answering(connector) as reads, answering(connector, "writing") as writes:
        for now, then, tag in ((text, wanted, OLD), (wanted, text, NEW)):
            reads.policy(case, now, tag)
            writes.expect(case.put, **{case.key: then}, **case.tagged(tag))
            reads.policy(case, then, NEW)
        connector.write(connector.read(document(case)), ours, text, "t")
        connector.write(connector.read(document(case)), [c.inverse() for c in ours], text, "t")


@every
def test_where_a_stranger_took_the_policy_away_ours_alone_is_dropped(case: Case) -> None:
    """What is given back is nothing, by the call for that."""
    connector = looking(case)
    ours = changes(connector, case)
    said = [c.after.value for c in ours if c.after]
    alone = json.dumps({"Version": "2012-10-17", "Statement": said})
    with answering(connector) as reads, answering(connector, "writing") as writes:
        reads.policy(case, alone)
        observed = connector.read(document(case))
        writes.expect(case.drop, **case.tagged(OLD))
        reads.policy(case, "")
        reads.still(case)
        connector.write(observed, [c.inverse() for c in ours], "", "t")


@every
def test_one_that_is_gone_is_not_one_without_a_policy(case: Case) -> None:
    """Of both some services say the same; a deny that went with its resource is no drift."""
    for there in (True, False):
        connector = looking(case)
        with answering(connector) as reads:
            if there or case.there is not None:
                reads.policy(case, "")
                reads.still(case, there=there)
            else:
                error = {"directory-bucket": "NoSuchBucket", "object-lambda": "NoSuchAccessPoint"}
                reads.expect(case.get, error=error.get(case.kind, "ResourceNotFoundException"))
            observed = connector.read(document(case))
        assert (observed.exists, observed.raw) == (there, "")


MOVED = {
    "table-stream": "PolicyNotFoundException",
    "lambda-version": "PreconditionFailedException",
    "package-domain": "ConflictException",
    "package-repository": "ConflictException",
}


@every
def test_what_a_stranger_wrote_meanwhile_is_not_overwritten(case: Case) -> None:
    """Where the service has a tag: it is read again; nothing landed."""
    connector, text = looking(case), policy_of(case)
    ours = changes(connector, case)
    assert bool(case.tagged(OLD)) is (case.kind in MOVED)
    if case.kind not in MOVED:
        return
    body = json.loads(text)
    kept = [c.after.value for c in ours if c.after]
    wanted = compact({**body, "Statement": [*body["Statement"], *kept]})
    with answering(connector) as reads, answering(connector, "writing") as writes:
        reads.policy(case, text)
        said = {case.key: wanted, **case.tagged(OLD)}
        writes.expect(case.put, error=MOVED[case.kind], **said)
        with pytest.raises(StaleError) as caught:
            connector.write(connector.read(document(case)), ours, text, "t")
    assert (caught.value.cause, caught.value.landed) == (Cause.FOREIGN, False)


@every
def test_by_hand_the_same_calls_are_made(case: Case) -> None:
    """Read, written, and dropped where nothing would be left: as the models name them."""
    connector = looking(case)
    (ours, *_) = changes(connector, case)
    *_, line = connector.commands(document(case), [ours.inverse()], None).lines
    for call in (case.get, case.put, case.drop):
        sdk = BY_SDK.get(call.service, call.service)
        client = boto3.client(sdk, region_name="us-east-1")
        name = client.meta.method_to_api_mapping[call.operation]
        cli = {"s3": "s3api"}.get(sdk, sdk)
        words = line.partition(f"aws {cli} {xform_name(name, '-')} ")[2]
        words = words.partition(" > ")[0].partition(" &&")[0].partition("; el")[0]
        given, _, _ = parsed(client, name, shlex.split(words.replace("file://$D/new", "new text")))
        text = {case.key: "new text"} if call is case.put else {}
        assert given == {**call.words, **text}


@every
@pytest.mark.parametrize("act", ["", "*", "service:*"])
def test_the_deny_proves_itself_whatever_the_policy_allows(case: Case, act: str) -> None:
    """A policy of VPC Lattice mostly allows `*`, of a service that is not that of its ARN."""
    connector = looking(case)
    service, body = case.act.partition(":")[0], json.loads(policy_of(case))
    body["Statement"][0]["Action"] = act.replace("service", service) or case.act
    if TABLE[case.kind].contains in ("table-buckets", "vector-buckets"):
        body["Statement"][0]["Resource"] = f"{case.arn}/*"  # all that is in it, as people write it
    held = changes(connector, case)
    ours = [c.after.value for c in held if c.after]
    for said, wrong in ((ours, 0), ([{**ours[0], "Action": "x:*"}], len(held))):
        raw = compact({**body, "Statement": [*body["Statement"], *said]})
        states = {c.address: c.after for c in held if c.after}
        observed = {document(case): Observed(document(case), states, raw=raw)}
        assert len(list(unproved(connector.clients, [MERCOR], held, observed))) == wrong


def test_a_directory_bucket_is_asked_for_by_its_name_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """S3 answers 501 where a word says whose it is, by the model's own text; a preflight too."""
    for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(key, "nobody")
    (case,) = (c for c in CASES if c.kind == "directory-bucket")
    client = boto3.client("s3", region_name="us-east-1")
    asked = about_nobody(looking(case).clients, DATA, "s3express:GetBucketPolicy", ())
    assert asked is not None
    for call in (case.get, case.put, case.drop, case.get._replace(words=asked)):
        name = client.meta.method_to_api_mapping[call.operation]
        shape = client.meta.service_model.operation_model(name).input_shape
        for word in call.words:
            assert "501 Not Implemented" not in shape.members[word].documentation


@every
def test_what_outlives_the_deny_is_told(case: Case) -> None:
    """What was read is read; a session that has begun goes on."""
    connector = looking(case)
    (first, *_) = changes(connector, case)
    (told,) = connector.residuals(replace(first, rule="x"))
    assert (told.what, told.until) == TABLE[case.kind].outlives


# --- what is in a table bucket -------------------------------------------------------------------

(BUCKET,) = (case for case in CASES if case.kind == "table-bucket")
ARN = {"tableBucketARN": BUCKET.arn}
TABLES_IN = Call("s3tables", "list_tables", ARN, {"tables": []})


def tables(*names: str) -> Call:
    """What is in the bucket."""
    items = [
        {"name": n, "namespace": ["lab"], "type": "customer", "tableARN": f"{BUCKET.arn}/table/{n}",
         "createdAt": WHEN, "modifiedAt": WHEN} for n in names
    ]  # fmt: skip
    return TABLES_IN._replace(answer={"tables": items})


def table(name: str, text: str) -> Call:
    """A table's own policy."""
    words = {**ARN, "namespace": "lab", "name": name}
    return Call("s3tables", "get_table_policy", words, {"resourcePolicy": text})


def test_a_table_that_lets_the_vendor_in_is_contained_by_its_bucket() -> None:
    """The bucket's deny goes before it; one that cannot be read, or is no JSON, hides no other."""
    connector, theirs = looking(BUCKET), policy_of(BUCKET)
    with answering(connector) as reads:
        reads.listed(BUCKET)
        reads.policy(BUCKET, "")
        reads.expect(tables("broken", "closed", "empty", "own", "shared"))
        reads.expect(table("broken", "{"))
        reads.expect(table("closed", ""), error="ForbiddenException")
        reads.expect(table("empty", ""), error="NotFoundException")
        reads.expect(table("own", theirs.replace(MERCOR, MERCER)))
        reads.expect(table("shared", theirs))
        found = looked(connector)
    (grant,) = (f for f in found if isinstance(f, Grant))
    assert (grant.address.kind, grant.address.id) == (BUCKET.kind, BUCKET.id)
    assert grant.via == f"policy of the table lab.shared: account {MERCOR}"
    gaps = [f.what for f in found if isinstance(f, Gap)]
    at = f"tables in the table-bucket {BUCKET.id}"
    assert gaps == [f"{at}: broken", f"{at}: closed"]


def test_tables_that_cannot_be_listed_or_are_too_many_are_a_gap(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What the bucket's own policy says is told all the same."""
    inside = TABLE[BUCKET.kind].beneath
    assert inside is not None
    few = replace(TABLE[BUCKET.kind], beneath=replace(inside, most=1))
    monkeypatch.setattr(reached, "ROWS", (few,))
    for call, error in ((TABLES_IN, "ForbiddenException"), (tables("a", "b"), "")):
        connector = looking(BUCKET)
        with answering(connector) as reads:
            reads.listed(BUCKET)
            reads.policy(BUCKET, policy_of(BUCKET))
            reads.expect(call, error=error)
            found = looked(connector)
        assert [f.what for f in found if isinstance(f, Gap)] == [
            f"tables in the table-bucket {BUCKET.id}"
        ]
        assert len([f for f in found if isinstance(f, Grant)]) == 1


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        ("shared", "", f"policy of the table lab.shared: account {MERCOR}"),
        ("shared", "ForbiddenException", "could not be read"),
        ("", "", ""),
    ],
)
def test_a_termination_leaves_the_deny_where_a_table_still_lets_the_vendor_in(
    call: str, error: str, said: str
) -> None:
    """Nothing in the bucket's own policy shows it; what could not be read counts as well."""
    connector = looking(BUCKET)
    known = Vendors(accounts=frozenset({MERCOR}))
    estate = revoking.Estate(known, {}, {}, frozenset(), frozenset())
    with answering(connector) as reads:
        reads.expect(tables(*filter(None, [call])))
        if call:
            reads.expect(table(call, policy_of(BUCKET)), error=error)
        past = revoking.PAST[TABLE[BUCKET.kind].statement]
        reason = past(connector.clients, document(BUCKET), {}, estate)
    assert said in reason
    assert bool(reason) is bool(said)


@every
def test_a_termination_takes_the_vendor_out_and_our_deny_with_it_in_one_write(case: Case) -> None:
    """Under the tag where there is one; the look-alike's part stays, and nothing else is sent."""
    connector, body = looking(case), json.loads(policy_of(case))
    held = changes(connector, case)
    ours = [c.after.value for c in held if c.after]
    raw = compact({**body, "Statement": [*body["Statement"], *ours]})
    (allow,) = body["Statement"]
    other = {**allow, "Principal": {"AWS": [f"arn:aws:iam::{MERCER}:root"]}}
    holds = [Hold(c.address, "p", None, c.after, c, written=True) for c in held]
    estate = revoking.Estate(Vendors(frozenset({MERCOR})), {}, {}, frozenset(), frozenset())
    with answering(connector) as reads, answering(connector, "writing") as writes:
        reads.policy(case, raw)
        if case.kind == "table-bucket":
            reads.expect(TABLES_IN)
        effects = list(revoking.removable(connector.clients, holds, holds, estate))
        plan = [e for e in effects if isinstance(e, Effect)]
        assert len(plan) == len(held)
        reads.policy(case, raw)
        wanted = compact({**body, "Statement": [other]})
        writes.expect(case.put, **{case.key: wanted}, **case.tagged(OLD))
        reads.policy(case, wanted, NEW)
        taken = [replace(c.inverse(), only_if=plan[0].only_if) for c in held]
        revoking.revoke(connector.clients, connector.read(document(case)), taken)


# --- how many ------------------------------------------------------------------------------------


def test_more_versions_than_can_be_asked_for_are_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    """None is read: a call for each of tens of thousands would hold up every plan."""
    (case,) = (c for c in CASES if c.kind == "lambda-version")
    monkeypatch.setattr(reached, "ROWS", (replace(TABLE[case.kind], most=2),))
    versions = [{"FunctionName": "label", "Version": v} for v in ("$LATEST", "1", "2", "3")]
    connector = looking(case)
    with answering(connector) as reads:
        reads.expect(case.lists[0]._replace(answer={"Functions": versions}))
        found = looked(connector)
    (gap,) = (f for f in found if isinstance(f, Gap))
    assert gap.what == "lambda-versions in us-east-1"
    assert gap.cause.startswith("3 of them, of which none was read")


def test_a_refusal_that_is_no_tag_that_moved_has_its_own_cause() -> None:
    """CodeArtifact's quota is one."""
    (case,) = (c for c in CASES if c.kind == "package-domain")
    connector, text = looking(case), policy_of(case)
    with answering(connector) as reads, answering(connector, "writing") as writes:
        reads.policy(case, text)
        ours = changes(connector, case)
        body = json.loads(text)
        kept = [c.after.value for c in ours if c.after]
        wanted = compact({**body, "Statement": [*body["Statement"], *kept]})
        said = {case.key: wanted, **case.tagged(OLD)}
        writes.expect(case.put, error="ServiceQuotaExceededException", **said)
        with pytest.raises(ConnectorError) as caught:
            connector.write(connector.read(document(case)), ours, text, "t")
    assert (caught.value.cause, caught.value.landed) == (Cause.QUOTA, False)
