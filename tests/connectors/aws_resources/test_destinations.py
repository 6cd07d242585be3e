"""What S3 itself sends to the vendor is found and said; nothing of it is touched."""

from typing import Any

import pytest
from support.aws import DATA, MERCER, MERCOR, VENDOR, Cloud, answer
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
    assert list(destinations._events(lambda _: told)) == [("events", "new", MERCOR)]
