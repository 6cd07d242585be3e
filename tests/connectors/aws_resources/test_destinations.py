"""What S3 itself sends to the vendor is found and said; nothing of it is touched."""

from dataclasses import replace
from typing import Any

import pytest
from support.aws import DATA, MERCER, MERCOR, VENDOR, Cloud, answer, owners_client
from support.aws_resources import playbook
from support.aws_stubs import REACH

from stopline.connectors.aws import destinations
from stopline.connectors.aws.opinion import contained
from stopline.estate import AwsAccount
from stopline.model import Found, Gap, Grant, Skip
from stopline.port import Mark, Terms

TERMS = Terms(VENDOR, playbook(), Mark("0a1b2c3d", "00000001"))
NAME = "rubrics"


def replicating(account: str, status: str = "Enabled") -> dict[str, Any]:
    """A rule that sends all of a bucket to an account."""
    to = {"Bucket": "arn:aws:s3:::theirs", "Account": account}
    return {"ID": f"to-{account}", "Status": status, "Prefix": "", "Destination": to}


@pytest.fixture
def sending(cloud: Cloud) -> Cloud:
    """A bucket that replicates, lists itself and tells events, to the vendor and to others."""
    s3 = cloud.s3()
    s3.create_bucket(Bucket=NAME)
    s3.create_bucket(Bucket="quiet")
    s3.put_bucket_versioning(Bucket=NAME, VersioningConfiguration={"Status": "Enabled"})
    rules = [replicating(MERCOR), replicating(MERCER)]
    role = f"arn:aws:iam::{DATA}:role/replicating"
    s3.put_bucket_replication(Bucket=NAME, ReplicationConfiguration={"Role": role, "Rules": rules})
    for account in (MERCOR, MERCER):
        to = {"AccountId": account, "Bucket": "arn:aws:s3:::theirs", "Format": "CSV"}
        s3.put_bucket_inventory_configuration(
            Bucket=NAME,
            Id=f"weekly-{account}",
            InventoryConfiguration={
                "Destination": {"S3BucketDestination": to},
                "IsEnabled": True,
                "Id": f"weekly-{account}",
                "IncludedObjectVersions": "All",
                "Schedule": {"Frequency": "Weekly"},
            },
        )
    return cloud


def discovered(cloud: Cloud, *resources: str) -> list[Found]:
    """What is found in the one account."""
    words = {"accounts": {DATA: AwsAccount(name="data")}, "resources": resources}
    return list(destinations.discover(cloud.connector(**words).clients, [DATA], REACH))


def test_what_is_sent_to_the_vendor_is_left_to_a_person_by_name(sending: Cloud) -> None:
    """Its replicas and inventories, with the rule that a person switches off; not the others'."""
    found = discovered(sending, destinations.RESOURCE)
    assert [f.address.id for f in found if isinstance(f, Grant)] == [
        f"{NAME}/replicas/to-{MERCOR}",
        f"{NAME}/inventories/weekly-{MERCOR}",
    ]
    for grant in found:
        assert isinstance(grant, Grant)
        (skip,) = contained(grant, TERMS)
        assert isinstance(skip, Skip)
        assert skip.leaves_access
        assert MERCOR in skip.reason
        assert "by hand" in skip.reason


def test_a_rule_that_is_off_sends_nothing(cloud: Cloud) -> None:
    """And where the estate leaves it out, no bucket is asked."""
    s3 = cloud.s3()
    s3.create_bucket(Bucket=NAME)
    s3.put_bucket_versioning(Bucket=NAME, VersioningConfiguration={"Status": "Enabled"})
    role = f"arn:aws:iam::{DATA}:role/replicating"
    configuration = {"Role": role, "Rules": [replicating(MERCOR, "Disabled")]}
    s3.put_bucket_replication(Bucket=NAME, ReplicationConfiguration=configuration)
    assert discovered(cloud, destinations.RESOURCE) == []
    cloud.used.clear()
    assert discovered(cloud, "sns-topics") == []
    assert cloud.used == []


def test_what_cannot_be_read_is_a_gap(sending: Cloud) -> None:
    """One for each bucket."""

    def refusing(request: Any) -> Any:
        return answer(403, "{}") if "?replication" in request.url else None

    sending.interfere = refusing
    found = discovered(sending, destinations.RESOURCE)
    assert {f.what for f in found if isinstance(f, Gap)} == {
        f"what bucket {name} sends elsewhere" for name in (NAME, "quiet")
    }


def test_events_for_the_vendors_queues_are_found() -> None:
    """By the account in the ARN of topic, queue or function."""
    told = {"QueueConfigurations": [{"Id": "new", "QueueArn": f"arn:aws:sqs:x:{MERCOR}:q"}]}
    assert list(destinations._events(lambda _: told)) == [("events", "new", MERCOR, "")]


# --- rules that name no account ------------------------------------------------------------------


def unnamed(cloud: Cloud, *buckets: str, account: str = DATA) -> None:
    """A bucket whose rules send to these, and name nobody's account."""
    s3 = cloud.s3(account) if account != DATA else cloud.s3()
    s3.create_bucket(Bucket=NAME)
    s3.put_bucket_versioning(Bucket=NAME, VersioningConfiguration={"Status": "Enabled"})
    rules = [
        {"ID": f"r{n}", "Status": "Enabled", "Prefix": "", "Priority": n,
         "Destination": {"Bucket": f"arn:aws:s3:::{name}"}}
        for n, name in enumerate(buckets)
    ]  # fmt: skip
    role = f"arn:aws:iam::{account}:role/replicating"
    s3.put_bucket_replication(Bucket=NAME, ReplicationConfiguration={"Role": role, "Rules": rules})


def looked(cloud: Cloud, *own_buckets: str, accounts: tuple[str, ...] = (DATA,)) -> list[Found]:
    """What is found in the first of these accounts, for a vendor whose file names buckets."""
    selectors = VENDOR.aws.model_copy(update={"own_buckets": own_buckets})
    words = {
        "accounts": {number: AwsAccount(name=number) for number in accounts},
        "resources": (destinations.RESOURCE,),
    }
    reach = replace(REACH, selectors=selectors)
    return list(destinations.discover(cloud.connector(**words).clients, [accounts[0]], reach))


def test_a_bucket_that_the_vendors_file_names_is_the_vendors(cloud: Cloud) -> None:
    """By its whole name; one of the lab's own is silent."""
    unnamed(cloud, "mercor-intake", NAME)
    (grant,) = looked(cloud, "mercor-intake")
    assert isinstance(grant, Grant)
    (skip,) = contained(grant, TERMS)
    assert isinstance(skip, Skip)
    assert "to the bucket mercor-intake" in skip.reason


def test_trap_a_bucket_of_nobody_knows_whom_is_one_gap_that_says_what_to_do(cloud: Cloud) -> None:
    """However many there are: who is paged reads one line, and it can be settled for good."""
    unnamed(cloud, *(f"far-{n}" for n in range(7)), NAME)
    (gap,) = looked(cloud, "mercor-intake")
    assert isinstance(gap, Gap)
    assert "far-4; " not in gap.cause
    assert "far-4 and 2 more" in gap.cause
    assert "own_buckets" in gap.cause
    assert "far-6" not in gap.cause


def test_a_bucket_of_another_account_of_the_estate_is_the_labs(cloud: Cloud) -> None:
    """Though nobody looks at that account now; where it may not be listed, the gap says so."""
    owners_client(cloud.url, MERCER, "s3").create_bucket(Bucket="kept-elsewhere")
    unnamed(cloud, "kept-elsewhere")
    assert looked(cloud, accounts=(DATA, MERCER)) == []
    (gap,) = looked(cloud)
    assert isinstance(gap, Gap)
    assert "kept-elsewhere" in gap.cause
    cloud.closed.add(MERCER)
    (gap,) = looked(cloud, accounts=(DATA, MERCER))
    assert isinstance(gap, Gap)
    assert f"those of {MERCER} could not be listed" in gap.cause
