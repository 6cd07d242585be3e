"""Resources with a policy of their own as discovery shows them, and what would be done."""

from support.aws import DATA, MERCOR, VENDOR
from support.aws_resources import playbook

from stopline.connectors.aws import AwsConnector
from stopline.connectors.aws.kinds import where_of
from stopline.connectors.aws.resources import TABLE
from stopline.model import Address, Change, Document, Grant, Scope, Skip, State
from stopline.port import Mark, Terms

TERMS = Terms(VENDOR, playbook(), Mark("0a1b2c3d", "00000001"))


def held(connector: AwsConnector) -> list[Grant]:
    """What of the resources lets the vendor in."""
    return [f for f in connector.discover(VENDOR, Scope()) if isinstance(f, Grant)]


def a_grant(kind: str = "sqs-queue", id_: str = "us-east-1/labels", **state: object) -> Grant:
    """A resource as discovery shows it."""
    shown = {
        "policy_bytes": 100, "orphans": [], "marks": [], "accounts": [MERCOR], "own": [],
        "reached_by": ["x"], **state,
    }  # fmt: skip
    where = where_of(Document("aws", DATA, kind, id_))
    arn = TABLE[kind].arn_of(where)
    return Grant(Address("aws", DATA, kind, id_), State.of(shown), arn, kind, arn, "x")


def opinions(cloud_or: AwsConnector, grant: Grant) -> list[Change | Skip]:
    """What would be done about it."""
    return list(cloud_or.contained(grant, TERMS))
