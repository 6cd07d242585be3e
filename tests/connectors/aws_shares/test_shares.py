"""What is shared with the vendor is taken out and given back; what is others' is not touched."""

from typing import Any

import boto3
import pytest
import urllib3
from botocore.awsrequest import AWSResponse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.aws import DATA, MERCER, MERCOR, VENDOR, Cloud, answer, body_of, error_text
from support.aws_nights import AwsNight
from support.aws_shares import ONE_BY_ONE, SERVED, Sharer, playbook

from stopline import planner
from stopline.connectors.aws import AwsConnector
from stopline.connectors.aws.ending import ended
from stopline.connectors.aws.policy import account_of
from stopline.connectors.aws.shares import SHARES
from stopline.estate import AwsAccount
from stopline.model import Counted, Document, Effect, Gap, Grant, Scope
from stopline.receipts import Cause, Hold, Outcome
from stopline.vendors import Vendor

ALONE = {
    "accounts": {DATA: AwsAccount(name="data")},
    "resources": tuple(contains for contains in SERVED if contains != "sns-topics"),
}
SECOND = "444455557777"
BOTH = VENDOR.model_copy(
    update={"aws": VENDOR.aws.model_copy(update={"accounts": (MERCOR, SECOND)})}
)


@pytest.fixture
def sharer(cloud: Cloud) -> Sharer:
    """The owner of an account that shares nothing yet."""
    return Sharer(cloud)


def a_night(cloud: Cloud, vendor: Vendor = VENDOR, **words: Any) -> AwsNight:
    """A pause that looks at what is shared."""
    return AwsNight(cloud.connector(**ALONE | words), vendor, playbook=playbook())


def an_image(sharer: Sharer, *who: str) -> Document:
    """An image, shared with some."""
    return Document("aws", DATA, "image-share", sharer.make("image-share", "labels", *who))


def outcomes(receipts: Any) -> list[Outcome]:
    """What became of each change."""
    return [receipt.outcome for receipt in receipts]


@pytest.mark.parametrize("kind", ONE_BY_ONE)
def test_the_look_alike_keeps_what_is_shared_with_it(
    cloud: Cloud, sharer: Sharer, kind: str
) -> None:
    """Both accounts of the vendor are taken out, one by one, and both are given back."""
    id_ = sharer.make(kind, "labels", MERCOR, MERCER, SECOND)
    alone = Document("aws", DATA, kind, sharer.make(kind, "desk", MERCER))
    document, night = Document("aws", DATA, kind, id_), a_night(cloud, BOTH)
    assert outcomes(night.contain()) == [Outcome.APPLIED] * 2
    assert sharer.shared(document) == [MERCER]
    assert not night.plan().work
    assert outcomes(night.restore()) == [Outcome.APPLIED] * 2
    assert sharer.shared(document) == sorted([MERCOR, MERCER, SECOND])
    assert sharer.shared(alone) == [MERCER]
    writes = ("Modify", "Add", "Remove", "Put")
    taken = [a for a in cloud.used if a.partition(":")[2].startswith(writes)]
    assert len(taken) == 2 * 2


@pytest.mark.parametrize(
    "kind", [k for k in ONE_BY_ONE if not (SHARES[k].exclusive or SHARES[k].sends)]
)
def test_what_is_public_is_left_open_and_said(cloud: Cloud, sharer: Sharer, kind: str) -> None:
    """It is not the vendor's alone: a person decides. The vendor's own entry goes all the same."""
    id_ = sharer.make(kind, "labels", MERCOR, "all")
    night = a_night(cloud)
    plan = night.plan()
    (skip,) = plan.skips
    assert skip.leaves_access
    assert "everybody" in skip.reason
    parts = [change.address.part for change in plan.work]
    assert [account_of(part) if ":" in part else part for part in parts] == [MERCOR]
    night.carry_out(plan)
    assert sharer.shared(Document("aws", DATA, kind, id_)) == ["all"]


def test_what_others_are_given_meanwhile_stays(cloud: Cloud, sharer: Sharer) -> None:
    """Another's entry, added while ours is out, is there after the rollback, and so is ours."""
    document, night = an_image(sharer, MERCOR, MERCER), a_night(cloud)
    night.contain()
    sharer.share(document, "999999999999")
    sharer.share(document, MERCER, also=False)
    night.restore()
    assert sharer.shared(document) == [MERCOR, "999999999999"]


def test_what_is_shared_again_is_seen_and_taken_out_again(cloud: Cloud, sharer: Sharer) -> None:
    """Somebody gives it back during the pause: it is planned anew, and restored once."""
    document, night = an_image(sharer, MERCOR), a_night(cloud)
    night.contain()
    sharer.share(document, MERCOR)
    night.contain()
    assert not sharer.shared(document)
    night.restore()
    assert sharer.shared(document) == [MERCOR]


def test_a_snapshot_of_the_same_name_is_another_one(cloud: Cloud, sharer: Sharer) -> None:
    """What was made anew under the name is never shared with the vendor by a rollback."""
    kind = "db-snapshot-share"
    document = Document("aws", DATA, kind, sharer.make(kind, "labels", MERCOR))
    night = a_night(cloud)
    night.contain()
    sharer.remove(document)
    words = {"DBSnapshotIdentifier": "labels", "DBInstanceIdentifier": "labels-db"}
    sharer.client("rds").create_db_snapshot(**words)
    (receipt,) = night.restore()
    assert (receipt.outcome, receipt.cause) == (Outcome.CONFLICT, Cause.RECREATED)
    assert not sharer.shared(document)


def test_all_regions_of_the_estate_are_looked_at(cloud: Cloud) -> None:
    """Each by its own name; what is elsewhere is not in the file, and is said to be so there."""
    regions = ("eu-west-1", "us-east-1")
    for region in (*regions, "ap-south-1"):
        Sharer(cloud, region=region).make("image-share", "labels", MERCOR)
    plan = a_night(cloud, regions=regions).plan()
    assert {c.address.id.partition("/")[0] for c in plan.work} == set(regions)


def test_snapshots_are_asked_for_by_whom_they_are_shared_with(cloud: Cloud, sharer: Sharer) -> None:
    """An account has very many of them: discovery grows with the vendor's accounts and pages."""
    sharer.make("snapshot-share", "labels", MERCOR)
    found = list(cloud.connector(**ALONE).discover(BOTH, Scope()))
    asked = [b for b in map(body_of, cloud.sent) if "Action=DescribeSnapshots" in b]
    for who, body in zip((MERCOR, SECOND, "all"), asked, strict=True):
        assert f"RestorableBy.1={who}" in body
        assert "Owner.1=self" in body
    counted = {f.kind for f in found if isinstance(f, Counted)}
    assert "image-share" in counted
    assert "snapshot-share" not in counted


def test_a_reply_that_is_lost_leaves_it_unproven_and_not_open(cloud: Cloud, sharer: Sharer) -> None:
    """AWS did it and answered 503: the vendor is out, and a person says whether it was us."""
    document, night = an_image(sharer, MERCOR, MERCER), a_night(cloud)
    plan = night.plan()

    def lost(request: Any) -> AWSResponse | None:
        if "Action=ModifyImageAttribute" not in body_of(request):
            return None
        headers = dict(request.headers.items())
        urllib3.request(request.method, request.url, body=request.body, headers=headers)
        return answer(503, error_text("ServiceUnavailable"))

    cloud.interfere = lost
    assert outcomes(night.carry_out(plan)) == [Outcome.UNPROVEN]
    assert sharer.shared(document) == [MERCER]
    cloud.interfere = lambda _: None
    holds = night.book.writes.holds()
    night.carry_out(planner.plan_restore("mercor", "0000000a", holds, Scope(), unproven=True))
    assert sharer.shared(document) == [MERCOR, MERCER]


def test_a_call_that_never_landed_is_failed_and_done_by_the_next_sweep(
    cloud: Cloud, sharer: Sharer
) -> None:
    """503 before anything happened: nothing is claimed, and the next pass takes it out."""
    document, night = an_image(sharer, MERCOR), a_night(cloud)
    plan = night.plan()
    cloud.interfere = lambda request: (
        answer(503, error_text("ServiceUnavailable"))
        if "Action=ModifyImageAttribute" in body_of(request)
        else None
    )
    assert outcomes(night.carry_out(plan)) == [Outcome.FAILED]
    assert sharer.shared(document) == [MERCOR]
    cloud.interfere = lambda _: None
    assert outcomes(night.contain()) == [Outcome.APPLIED]
    night.restore()
    assert sharer.shared(document) == [MERCOR]


def test_an_image_that_was_deregistered_is_gone(cloud: Cloud) -> None:
    """As EC2 says it, which the emulator does not."""
    cloud.interfere = lambda request: (
        answer(400, error_text("InvalidAMIID.Unavailable"))
        if "Action=DescribeImageAttribute" in body_of(request)
        else None
    )
    document = Document("aws", DATA, "image-share", "us-east-1/ami-0")
    assert not cloud.connector(**ALONE).read(document).exists


def test_what_is_shared_with_an_organisation_is_one_gap(cloud: Cloud, sharer: Sharer) -> None:
    """However many images are shared with it: who is in it is not read."""
    arn = "arn:aws:organizations::111122223333:organization/o-lab"
    listed = f"<launchPermission><item><organizationArn>{arn}</organizationArn></item>"
    whole = f"<R>{listed}</launchPermission></R>"
    for name in ("one", "two"):
        sharer.make("image-share", name, MERCER)
    cloud.interfere = lambda request: (
        answer(200, whole) if "Action=DescribeImageAttribute" in body_of(request) else None
    )
    found = set(cloud.connector(**ALONE).discover(VENDOR, Scope()))
    (gap,) = (f for f in found if isinstance(f, Gap))
    assert arn in gap.what
    assert not [f for f in found if isinstance(f, Grant)]


def test_a_termination_has_nothing_to_remove(cloud: Cloud, sharer: Sharer) -> None:
    """The entry is out already; it stays out."""
    an_image(sharer, MERCOR)
    night = a_night(cloud)
    night.contain()
    (hold,) = night.book.writes.holds()
    assert isinstance(hold, Hold)
    effect = ended(hold)
    assert isinstance(effect, Effect)
    assert "taken out of this share for good" in effect.summary


def test_each_kind_tells_what_outlives_it(connector: AwsConnector) -> None:
    """What the vendor has copied stays its own."""
    for row in SHARES.values():
        assert row.outlives


@pytest.fixture
def connector(cloud: Cloud) -> AwsConnector:
    """A connector that looks at what is shared."""
    return cloud.connector(**ALONE)


def test_snapshots_of_neptune_and_documentdb_are_rds_cluster_snapshots() -> None:
    """Both are asked at RDS's address, under its name, by the same request: it lists theirs."""
    calls = {
        SHARES["db-cluster-snapshot-share"].listing,
        SHARES["db-cluster-snapshot-share"].get.operation,
        SHARES["db-cluster-snapshot-share"].take.operation,
    }
    told = set()
    for name in ("rds", "neptune", "docdb"):
        made: Any = boto3.client  # the typed one wants a literal name
        client = made(name, region_name="us-east-1")
        model = client.meta.service_model
        told.add((client.meta.endpoint_url, model.signing_name, model.api_version, model.protocol))
        assert {client.meta.method_to_api_mapping[call] for call in calls} <= {
            *model.operation_names
        }
    assert len(told) == 1


_ACCOUNTS = st.sampled_from([MERCOR, SECOND, MERCER, "all", "999999999999", "444455556667"])


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(shared=st.sets(_ACCOUNTS), meanwhile=st.sets(st.sampled_from([MERCER, "888888888888"])))
def test_whatever_is_shared_comes_back_and_nobody_else_notices(
    image: Document, connector: AwsConnector, cloud: Cloud, shared: set[str], meanwhile: set[str]
) -> None:
    """The vendor is out while it lasts; others keep theirs; what strangers add stays."""
    sharer = Sharer(cloud)
    for who in sharer.shared(image):
        sharer.share(image, who, also=False)
    for who in shared:
        sharer.share(image, who)
    night = AwsNight(connector, BOTH, playbook=playbook())
    night.contain()
    assert set(sharer.shared(image)) == shared - {MERCOR, SECOND}
    for who in meanwhile:
        sharer.share(image, who)
    night.restore()
    assert set(sharer.shared(image)) == shared | meanwhile


@pytest.fixture
def image(cloud: Cloud) -> Document:
    """One image, for all examples."""
    return an_image(Sharer(cloud))
