"""What a second look at resource policies found: pages, indexes, tags, and what was tried."""

import json
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from support.aws import DATA, MERCOR, Cloud, answer, body_of, error_text
from support.aws_resources import Owner
from support.grants import a_grant, held, opinions

from stopline.connectors.aws import preflight
from stopline.connectors.aws.resources import DYNAMODB, where_of
from stopline.errors import StaleError
from stopline.estate import Protected
from stopline.model import Change, Document

LABELS = Document("aws", DATA, DYNAMODB.statement, "us-east-1/labels")


def test_queues_beyond_the_first_page_are_looked_at(cloud: Cloud) -> None:
    """SQS gives a second page only to who asks with a size, and says nothing of what is missing."""
    names = [Owner(cloud).make("sqs-queue", name) for name in ("first", "second")]
    url = f"http://127.0.0.1/{DATA}/"

    def paging(request: Any) -> AWSResponse | None:
        if not request.headers.get("X-Amz-Target", b"").endswith(b".ListQueues"):
            return None
        asked = json.loads(body_of(request))
        if "NextToken" in asked:
            return answer(200, json.dumps({"QueueUrls": [url + names[1]]}))
        more = {"NextToken": "more"} if "MaxResults" in asked else {}
        return answer(200, json.dumps({"QueueUrls": [url + names[0]], **more}))

    cloud.interfere = paging
    found = held(cloud.connector(resources=("sqs-queues",)))
    assert [g.address.id for g in found if g.address.realm == DATA] == [
        f"us-east-1/{name}" for name in names
    ]


def test_the_indexes_of_a_table_are_denied_too(cloud: Cloud) -> None:
    """An index has an ARN of its own, through which a table's policy can let somebody in."""
    index = "arn:aws:dynamodb:us-east-1:222233334444:table/labels/index/by-date"
    Owner(cloud).make("dynamodb-table", "labels", Action="dynamodb:Query", Resource=index)
    connector = cloud.connector(resources=("dynamodb-tables",))
    (grant,) = held(connector)
    changes = [o for o in opinions(connector, grant) if isinstance(o, Change) and o.after]
    assert changes
    for change in changes:
        assert change.after is not None
        assert change.after.value["Resource"] == [
            index.partition("/index/")[0],
            index.replace("by-date", "*"),
        ]


@pytest.mark.parametrize("with_policy", [True, False])
def test_a_table_whose_policy_moved_is_not_written(cloud: Cloud, *, with_policy: bool) -> None:
    """DynamoDB compares the revision that we read: what a stranger wrote since stands."""
    owner, connector = Owner(cloud), cloud.connector(resources=("dynamodb-tables",))
    owner.make("dynamodb-table", "labels")
    theirs = owner.text(LABELS)
    if not with_policy:
        arn = DYNAMODB.arn_of(where_of(LABELS))
        owner.client("dynamodb").delete_resource_policy(ResourceArn=arn)
    changes = [o for o in opinions(connector, a_grant("dynamodb-table")) if isinstance(o, Change)]
    observed = connector.read(LABELS)
    assert bool(observed.tag) is with_policy
    stranger = theirs.replace("Work", "Strangers")
    owner.put(LABELS, stranger)
    with pytest.raises(StaleError):
        connector.write(observed, changes, observed.raw, "t")
    assert owner.text(LABELS) == stranger
    connector.write(connector.read(LABELS), changes, stranger, "t")
    assert MERCOR in owner.text(LABELS)
    contained = connector.read(LABELS)
    owner.put(LABELS, owner.text(LABELS).replace("Strangers", "Again"))
    with pytest.raises(StaleError):
        connector.write(contained, [c.inverse() for c in changes], "", "t")
    assert "Again" in owner.text(LABELS)


def test_a_right_that_could_not_be_tried_is_not_counted_as_there(cloud: Cloud) -> None:
    """An answer that says nothing about the right leaves it untried, in the number too."""

    def broken(request: Any) -> AWSResponse | None:
        target = request.headers.get("X-Amz-Target", b"")
        return answer(500, error_text("InternalError")) if target.endswith(b"Grants") else None

    cloud.interfere = broken
    eyes = preflight._Eyes(cloud.connector().clients, DATA, Protected(), lambda: 0.0)
    check = preflight._may_read(eyes, ["labels"])
    assert check.warn
    tried, total = (int(n) for n in check.found.split(" rights")[0].split(" of "))
    assert (total - tried, "not tried: kms:ListGrants" in check.found) == (1, True)
