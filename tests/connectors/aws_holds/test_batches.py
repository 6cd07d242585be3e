"""A document that several of our changes edit is written once, by one batch of one stage."""

import json
from collections import Counter

import pytest
from support.aws_holds import OTHER, PATH, ROOT, AwsNight, lets_in, playbook, trust

from activities import api
from activities.outlining import outline_of, shards_of
from stopline.connectors.aws.permissions import PERMISSIONS, permission_of
from stopline.model import Document, stage


@pytest.mark.parametrize("size", [1, 2, 3, 25])
def test_no_document_is_split_over_batches_or_stages(night: AwsNight, size: int) -> None:
    """However small the batches are, statements of one policy go together, and rules too."""
    night.rules = playbook(buckets="preserve")
    both = trust(lets_in({"AWS": [ROOT, OTHER]}))
    night.role("desk", both)
    night.role("intake", trust(lets_in({"AWS": ROOT})), PATH)
    name = f"kept-{night.account}"
    night.s3.create_bucket(Bucket=name)
    rules = [
        {"ID": f"r{n}", "Filter": {}, "Status": "Enabled", "Expiration": {"Days": 9 + n}}
        for n in range(3)
    ]
    night.s3.put_bucket_lifecycle_configuration(
        Bucket=name, LifecycleConfiguration={"Rules": json.loads(json.dumps(rules))}
    )
    plan = night.plan()
    work = shards_of(plan)[("aws", night.account)]
    (outline,) = outline_of(plan, api.Options(batch=size))
    batches: Counter[Document] = Counter()
    for bounds in outline.stages:
        for start, stop in bounds:
            batches.update({c.address.document for c in work[start:stop]})
            assert len({stage(c, plan.direction) for c in work[start:stop]}) == 1
    assert set(batches.values()) == {1}
    assert max(Counter(c.address.document for c in work).values()) >= 3


def test_each_document_is_written_by_one_call(night: AwsNight) -> None:
    """Four statements in one policy are one write of it."""
    name = f"kept-{night.account}"
    night.s3.create_bucket(Bucket=name)
    calls: Counter[str] = Counter()
    night.clients.on_call = lambda _service, operation: calls.update([operation])
    night.carry_out(night.plan())
    assert calls["PutBucketPolicy"] == 1


def test_every_call_is_among_the_permissions_that_are_declared(night: AwsNight) -> None:
    """Reading, containing and giving back need what the connector says, and nothing else."""
    both = trust(lets_in({"AWS": [ROOT, OTHER]}))
    night.role("desk", both)
    night.role("intake", trust(lets_in({"AWS": ROOT})), PATH)
    night.iam.create_user(UserName="one", Path=PATH)
    night.iam.create_access_key(UserName="one")
    name = f"kept-{night.account}"
    night.s3.create_bucket(Bucket=name)
    rule = {"ID": "r", "Filter": {}, "Status": "Enabled", "Expiration": {"Days": 9}}
    night.s3.put_bucket_lifecycle_configuration(
        Bucket=name, LifecycleConfiguration={"Rules": [rule]}
    )
    made: set[str] = set()
    night.clients.on_call = lambda service, call: made.add(permission_of(service, call))
    night.contain()
    night.restore()
    assert made <= PERMISSIONS["read"] | PERMISSIONS["write"]
    assert {"iam:UpdateAssumeRolePolicy", "s3:PutLifecycleConfiguration"} <= made


def test_planning_makes_no_call_that_writes(night: AwsNight) -> None:
    """The permissions to read are enough for a plan."""
    night.role("desk", trust(lets_in({"AWS": [ROOT, OTHER]})))
    night.s3.create_bucket(Bucket=f"kept-{night.account}")
    made: set[str] = set()
    night.clients.on_call = lambda service, call: made.add(permission_of(service, call))
    assert night.plan().work
    assert made <= PERMISSIONS["read"]
