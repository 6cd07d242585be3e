"""Contained, the vendor's effective access is empty and nobody else's changes; given back, all is.

Of generated policies of every kind that is written, in each service's own dialect.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.aws import DATA, MERCER, MERCOR, PLAYBOOK
from support.aws_longtail import CASES
from support.grants import TERMS

from stopline.connectors.aws import opinion, policy
from stopline.connectors.aws.claims import Place
from stopline.connectors.aws.documents import composed
from stopline.connectors.aws.evaluating import Answer, Policies, Request, evaluate
from stopline.connectors.aws.proving import place_of
from stopline.connectors.aws.resources import BY_STATEMENT, TABLE
from stopline.connectors.aws.selection import Reach
from stopline.connectors.aws.storage import state_of
from stopline.model import Address, Change, Document, Grant, State
from stopline.text import Json
from stopline.vendors import AwsSelectors

OWN = "arn:aws:iam::*:user/vendors/mercor/*"
ANN, BOB = (f"arn:aws:iam::{DATA}:user/{path}" for path in ("vendors/mercor/ann", "staff/bob"))
VENDOR = (
    *(f"arn:aws:iam::{MERCOR}:{who}" for who in ("root", "role/bot", "user/deep/er/ann")),
    ANN,
)
OTHERS = (BOB, *(f"arn:aws:iam::{MERCER}:{who}" for who in ("root", "role/mercor-liaison")))
REACH = Reach(
    policy.Vendors(frozenset({MERCOR}), principals=(OWN,), reachable=frozenset({ANN})),
    AwsSelectors(accounts=(MERCOR,), paths=("/vendors/mercor/",)),
    (),
    (OWN,),
)
BUCKET = "bucket-policy-statement"
DOCUMENTS = {
    BUCKET: Document("aws", DATA, BUCKET, "training"),
    **{kind: Document("aws", DATA, kind, "us-east-1/labels") for kind in BY_STATEMENT},
    "data-catalog-policy-statement": Document(
        "aws", DATA, "data-catalog-policy-statement", "us-east-1/catalog"
    ),
    **{
        row.statement: Document("aws", DATA, row.statement, case.id)
        for case in CASES
        for row in [TABLE[case.kind]]
    },
}
ACTS = {
    "s3": ("s3:GetObject", "s3:PutObject", "s3:ListBucket"),
    "kms": ("kms:Decrypt", "kms:CreateGrant"),
    "sns": ("SNS:Publish", "SNS:Subscribe"),
    "sqs": ("sqs:SendMessage", "sqs:ReceiveMessage"),
    "secretsmanager": ("secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"),
    "ecr": ("ecr:BatchGetImage", "ecr:PutImage"),
    "dynamodb": ("dynamodb:GetItem", "dynamodb:Query"),
    "events": ("events:PutEvents", "events:DescribeEventBus"),
    "lambda": ("lambda:InvokeFunction", "lambda:InvokeFunctionUrl"),
    "elasticfilesystem": ("elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"),
    "es": ("es:ESHttpGet", "es:ESHttpPost"),
    "kinesis": ("kinesis:GetRecords", "kinesis:PutRecord"),
    "glue": ("glue:GetTable", "glue:UpdateTable"),
    "backup": ("backup:CopyIntoBackupVault", "backup:StartBackupJob"),
    "codeartifact": ("codeartifact:ReadFromRepository", "codeartifact:PublishPackageVersion"),
    "s3tables": ("s3tables:GetTableData", "s3tables:PutTableData"),
    "s3vectors": ("s3vectors:QueryVectors", "s3vectors:PutVectors"),
    "s3express": ("s3express:CreateSession",),
    "s3-object-lambda": ("s3-object-lambda:GetObject", "s3-object-lambda:ListBucket"),
    "vpc-lattice-svcs": ("vpc-lattice-svcs:Invoke",),
}
ANYWHERE = ("kms", "secretsmanager", "codeartifact", "vpc-lattice-svcs")
"""Where a policy speaks of whatever it is on."""


def service_of(place: Place) -> str:
    """The service of what a policy is about."""
    return place.acts[0].partition(":")[0].lower()


def acts_of(place: Place) -> tuple[str, ...]:
    """What can be asked for there: of few acts any, where such a policy can speak of no more."""
    few = service_of(place) in ("kinesis", "dynamodb") and "*" not in place.acts[0]
    return place.acts[:2] if few else ACTS[service_of(place)]


def targets(place: Place) -> tuple[str, ...]:
    """What a request can be about, where that policy has a say."""
    held = "/object/data.csv" if ":accesspoint/" in place.arn else "/data.csv"
    inside = {
        "s3": (held,),
        "dynamodb": () if "/stream/" in place.arn else ("/index/by-date",),
        "es": ("/labels/_search",),
        "s3tables": ("/table/7",),
        "s3vectors": ("/index/labels",),
    }
    return (place.arn, *(place.arn + part for part in inside.get(service_of(place), ())))


def a_policy(chance: Random, place: Place) -> Json:
    """A policy of somebody's, as the service takes it."""
    said = [_statement(chance, place, number) for number in range(chance.randint(1, 3))]
    body: dict[str, Json] = {"Version": chance.choice(("2012-10-17", "2008-10-17"))}
    if chance.random() < 0.3:
        body["Id"] = "kept"
    body["Statement"] = said[0] if len(said) == 1 and chance.random() < 0.5 else said
    return body


def _statement(chance: Random, place: Place, number: int) -> Json:
    service = service_of(place)
    acts: tuple[Json, ...] = acts_of(place)
    wide = () if service == "sns" else (f"{service}:*", list(acts), f"{acts[0][:-3]}*")
    said: dict[str, Json] = {
        "Sid": f"Theirs{number}",
        "Effect": chance.choice(("Allow", "Allow", "Allow", "Deny")),
        "Principal": chance.choice(
            (
                "*",
                {"AWS": "*"},
                {"AWS": f"arn:aws:iam::{MERCOR}:root"},
                {"AWS": MERCOR},
                {"AWS": [VENDOR[1], f"arn:aws:iam::{MERCER}:root"]},
                {"AWS": [ANN, BOB]},
                {"AWS": f"arn:aws:iam::{DATA}:root"},
                {"AWS": MERCER, "Service": "lambda.amazonaws.com"},
            )
        ),
        "Action": chance.choice((*acts, *wide)),
    }
    if service in ANYWHERE:
        said["Resource"] = "*"
    elif service != "ecr":
        all_ = targets(place)
        said["Resource"] = chance.choice((*all_, list(all_), f"{place.arn}*"))
    if chance.random() < 0.5:
        said["Condition"] = chance.choice(
            (
                {"StringEquals": {"aws:PrincipalAccount": [MERCOR, DATA]}},
                {"StringEquals": {"aws:PrincipalAccount": MERCER}},
                {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/*"}},
                {"ArnNotLike": {"aws:PrincipalArn": OWN}},
                {"StringEquals": {"aws:SourceVpce": "vpce-1"}},
                {"StringNotEqualsIfExists": {"aws:SourceVpce": "vpce-1"}},
                {"Bool": {"aws:SecureTransport": "true"}},
                {"Bool": {"aws:SecureTransport": "false"}},
            )
        )
    return said


def requests(place: Place, who: tuple[str, ...]) -> Iterator[Request]:
    """Everything that some principals could ask for there."""
    for arn in who:
        account = arn.split(":")[4]
        context = {
            "aws:principalarn": (arn,),
            "aws:principalaccount": (account,),
            "aws:securetransport": ("true",),
            "aws:sourcevpce": ("vpce-1",),
        }
        for act in acts_of(place):
            for target in targets(place):
                yield Request(arn, account, act, target, DATA, context, complete=True)


def answers(place: Place, document: Json, who: tuple[str, ...]) -> list[Answer]:
    """What AWS would say to each of them; a stranger's own policies allow it everything."""
    return [
        evaluate(r, Policies(() if r.account == DATA else None, resource=document))
        for r in requests(place, who)
    ]


def changes_of(document: Document, raw: str) -> tuple[list[Change], list[str]]:
    """What would be done about a policy, and through what discovery sees the vendor in it."""
    place = place_of(document)
    assert place is not None
    body = json.loads(raw)
    ways = list(policy.admitted(body, f"{service_of(place)}:*", REACH.vendors).vendor)
    kind = document.kind.removesuffix("-policy-statement")
    state = State.of(state_of(raw, body, ways, REACH))
    address = Address("aws", DATA, kind, document.id)
    grant = Grant(address, state, place.arn, kind, place.arn, "; ".join(ways))
    terms = TERMS if kind in TABLE else replace(TERMS, playbook=PLAYBOOK)
    found = [o for o in opinion.contained(grant, terms) if isinstance(o, Change)]
    return found, ways


@pytest.mark.parametrize("kind", sorted(DOCUMENTS))
@settings(max_examples=100, deadline=None)
@given(chance=st.randoms(use_true_random=False))
def test_the_vendor_is_out_nobody_else_is_and_the_way_back_is_exact(
    kind: str, chance: Random
) -> None:
    """For every policy; and whom the evaluator lets in, discovery has seen."""
    document = DOCUMENTS[kind]
    place = place_of(document)
    assert place is not None
    body = a_policy(chance, place)
    raw = json.dumps(body, indent=chance.choice((None, 1, 3)))
    changes, ways = changes_of(document, raw)
    before = answers(place, body, VENDOR)
    assert ways or Answer.ALLOWED not in before

    contained = composed(raw, changes, raw)
    assert set(answers(place, json.loads(contained), VENDOR)) == {Answer.REFUSED}
    assert answers(place, json.loads(contained), OTHERS) == answers(place, body, OTHERS)
    assert composed(contained, [c.inverse() for c in changes], raw) == raw


def test_the_generated_policies_let_vendors_and_others_in() -> None:
    """So that what holds of them is not held by nobody being let in."""
    chance, allowed = Random(1), {"vendor": 0, "others": 0}
    place = place_of(DOCUMENTS[BUCKET])
    assert place is not None
    for _ in range(100):
        body = a_policy(chance, place)
        allowed["vendor"] += Answer.ALLOWED in answers(place, body, VENDOR)
        allowed["others"] += Answer.ALLOWED in answers(place, body, OTHERS)
    assert min(allowed.values()) > 30
