"""REST APIs whose policy lets the vendor in are found and named; nothing of them is edited."""

import json
from typing import Any

import pytest
from support.aws import DATA, MERCER, MERCOR, VENDOR, Cloud, answer, owners_client
from support.aws_nights import AwsNight

from stopline.connectors.aws.gateways import _read
from stopline.estate import AwsAccount
from stopline.model import Gap, Grant, Scope, Skip

WORDS: dict[str, Any] = {"accounts": {DATA: AwsAccount(name="data")}, "resources": ("apis",)}


def allowing(number: str) -> str:
    """A policy that lets an account call the API."""
    said = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{number}:root"},
        "Action": "execute-api:Invoke",
        "Resource": "execute-api:/*",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [said]})


def an_api(cloud: Cloud, name: str, text: str = "") -> str:
    """An API with a policy, or without one; returns its id."""
    gateway = owners_client(cloud.url, DATA, "apigateway")
    return str(gateway.create_rest_api(name=name, **({"policy": text} if text else {}))["id"])


def test_an_api_that_lets_the_vendor_in_is_named_and_left(cloud: Cloud) -> None:
    """With what a person does; a look-alike's and one without a policy are not even named."""
    theirs = an_api(cloud, "labels", allowing(MERCOR))
    an_api(cloud, "mercer", allowing(MERCER))
    an_api(cloud, "mercor")
    plan = AwsNight(cloud.connector(**WORDS)).plan()
    assert not plan.work
    (skip,) = plan.skips
    assert isinstance(skip, Skip)
    assert skip.address.id == f"us-east-1/{theirs}"
    assert skip.leaves_access
    assert "the API labels lets the vendor in" in skip.reason
    assert "deploy it by hand" in skip.reason


def test_trap_a_policy_is_shown_with_its_quotes_and_slashes_escaped() -> None:
    r"""As within a JSON text: `{\"Version\":…}`, and `\/` for a slash."""
    said = json.loads(allowing(MERCOR))
    escaped = json.dumps(allowing(MERCOR))[1:-1].replace("/", "\\/")
    assert _read(escaped) == said
    assert _read(allowing(MERCOR)) == said


@pytest.mark.parametrize("policy", ["{no json", '"a text"'])
def test_a_policy_that_nobody_can_read_is_a_gap(cloud: Cloud, policy: str) -> None:
    """And no other stops: what comes after it is looked at all the same."""
    api = {"id": "abc", "name": "labels", "policy": policy}
    after = {"id": "def", "name": "more", "policy": allowing(MERCOR)}
    cloud.interfere = lambda request: (
        answer(200, json.dumps({"item": [api, after]})) if "/restapis" in request.url else None
    )
    found = list(cloud.connector(**WORDS).discover(VENDOR, Scope()))
    assert [f.what for f in found if isinstance(f, Gap)] == ["api us-east-1/abc"]
    assert [f.address.id for f in found if isinstance(f, Grant)] == ["us-east-1/def"]


def test_apis_that_may_not_be_read_are_a_gap(cloud: Cloud) -> None:
    """A refusal is never an account without APIs."""
    cloud.interfere = lambda request: (
        answer(403, json.dumps({"message": "no"})) if "/restapis" in request.url else None
    )
    found = list(cloud.connector(**WORDS).discover(VENDOR, Scope()))
    assert [f.what for f in found if isinstance(f, Gap)] == ["apis in us-east-1"]
