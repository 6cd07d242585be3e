"""Functions, whose policies the emulator does not have whole: against AWS's own model of Lambda.

The clients are botocore's own, with its own stubs: requests and answers are held to that model.
"""

import json
import shlex
from dataclasses import replace
from functools import partial

import boto3
import pytest
from botocore import xform_name
from botocore.stub import Stubber
from support import aws_stubs
from support.aws import DATA, MERCER, MERCOR
from support.aws_cli import parsed
from support.aws_stubs import REACH
from support.grants import a_grant, opinions

from stopline.connectors.aws import AwsConnector, reached
from stopline.errors import ConnectorError, StaleError
from stopline.model import Change, Document, Grant, Seen
from stopline.receipts import Cause

ARN = f"arn:aws:lambda:us-east-1:{DATA}:function:label"
DOCUMENT = Document("aws", DATA, "lambda-function-policy-statement", "us-east-1/label")
OLD, NEW = (f"{n}{n}{n}{n}0000-0000-0000-0000-000000000000" for n in "12")
ALLOW = {
    "Sid": "Work", "Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": ARN,
    "Principal": {"AWS": [f"arn:aws:iam::{number}:root" for number in (MERCOR, MERCER)]},
}  # fmt: skip
POLICY = json.dumps({"Version": "2012-10-17", "Id": "default", "Statement": [ALLOW]}, indent=1)


answering = partial(aws_stubs.answering, "lambda")


@pytest.fixture
def connector() -> AwsConnector:
    """A connector that looks at functions, and that nobody answers yet."""
    return aws_stubs.looking_at("lambda-functions")


def get(stub: Stubber, text: str, tag: str = OLD, arn: str = ARN) -> None:
    """The policy is there, or none is."""
    if text:
        said = {"Policy": text, "RevisionId": tag}
        stub.add_response("get_resource_policy", said, {"ResourceArn": arn})
    else:
        words = {"ResourceArn": arn}
        stub.add_client_error(
            "get_resource_policy", "ResourceNotFoundException", expected_params=words
        )


def there(stub: Stubber, *, still: bool = True) -> None:
    """What is asked where no policy is: whether there is a function."""
    words = {"FunctionName": "label"}
    if still:
        stub.add_response("get_function_configuration", {"FunctionName": "label"}, words)
    else:
        stub.add_client_error(
            "get_function_configuration", "ResourceNotFoundException", expected_params=words
        )


def changes(connector: AwsConnector) -> list[Change]:
    """What would be done about the function."""
    grant = a_grant("lambda-function", "us-east-1/label")
    return [o for o in opinions(connector, grant) if isinstance(o, Change)]


def test_a_function_and_its_aliases_are_looked_at(connector: AwsConnector) -> None:
    """Each has a policy of its own; the alias lets the vendor in, the function has none."""
    with answering("reading", connector) as stub:
        stub.add_response("list_functions", {"Functions": [{"FunctionName": "label"}]}, {})
        alias = {"Aliases": [{"Name": "prod"}]}
        stub.add_response("list_aliases", alias, {"FunctionName": "label"})
        get(stub, "")
        get(stub, POLICY, arn=f"{ARN}:prod")
        found = list(reached.discover(connector.clients, [DATA], {}, REACH))
    (grant,) = (f for f in found if isinstance(f, Grant))
    assert (grant.address.kind, grant.address.id) == ("lambda-function", "us-east-1/label:prod")
    assert grant.target == f"{ARN}:prod"
    assert f"account {MERCOR}" in grant.via
    assert not [f for f in found if isinstance(f, Seen)]


def test_a_function_is_denied_and_given_back_verbatim(connector: AwsConnector) -> None:
    """With the revision that was read, both ways; the others' part stays as it is."""
    ours = changes(connector)
    assert ours
    kept = [c.after.value for c in ours if c.after]
    wanted = json.dumps({**json.loads(POLICY), "Statement": [ALLOW, *kept]}, separators=(",", ":"))
    words = {"ResourceArn": ARN, "Policy": wanted, "RevisionId": OLD}
    with answering("reading", connector) as reads, answering("writing", connector) as writes:
        get(reads, POLICY)
        observed = connector.read(DOCUMENT)
        writes.add_response("put_resource_policy", {"Policy": wanted, "RevisionId": NEW}, words)
        get(reads, wanted, NEW)
        connector.write(observed, ours, POLICY, "t")
        get(reads, wanted, NEW)
        contained = connector.read(DOCUMENT)
        assert set(contained.states) == {c.address for c in ours}
        back = {"ResourceArn": ARN, "Policy": POLICY, "RevisionId": NEW}
        writes.add_response("put_resource_policy", {"Policy": POLICY, "RevisionId": OLD}, back)
        get(reads, POLICY)
        connector.write(contained, [c.inverse() for c in ours], POLICY, "t")


def test_where_a_function_had_no_policy_a_restore_leaves_none(connector: AwsConnector) -> None:
    """Ours was all there was: written where none was, and taken away whole."""
    ours = changes(connector)[:1]
    with answering("reading", connector) as reads, answering("writing", connector) as writes:
        get(reads, "")
        there(reads)
        observed = connector.read(DOCUMENT)
        assert (observed.exists, observed.raw, observed.tag) == (True, "", "")
        kept = [c.after.value for c in ours if c.after]
        text = json.dumps(
            {"Statement": kept, "Version": "2012-10-17"}, sort_keys=True, separators=(",", ":")
        )
        writes.add_response(
            "put_resource_policy", {"Policy": text}, {"ResourceArn": ARN, "Policy": text}
        )
        get(reads, text, NEW)
        connector.write(observed, ours, "", "t")
        get(reads, text, NEW)
        contained = connector.read(DOCUMENT)
        words = {"ResourceArn": ARN, "RevisionId": NEW}
        writes.add_response("delete_resource_policy", {}, words)
        get(reads, "")
        there(reads)
        connector.write(contained, [c.inverse() for c in ours], "", "t")


def test_a_function_that_is_gone_is_not_one_without_a_policy(connector: AwsConnector) -> None:
    """Of both Lambda says the same; a deny that went with its function is not taken out by hand."""
    with answering("reading", connector) as reads:
        get(reads, "")
        there(reads, still=False)
        assert not connector.read(DOCUMENT).exists


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        ("PreconditionFailedException", Cause.FOREIGN),
        ("ResourceConflictException", Cause.THROTTLED),
        ("PolicyLengthExceededException", Cause.QUOTA),
        ("ResourceNotFoundException", Cause.GONE),
    ],
)
def test_what_lambda_refuses_has_a_cause(connector: AwsConnector, code: str, cause: Cause) -> None:
    """A revision that moved is read again; nothing landed."""
    with answering("reading", connector) as reads, answering("writing", connector) as writes:
        get(reads, POLICY)
        observed = connector.read(DOCUMENT)
        writes.add_client_error("put_resource_policy", code)
        with pytest.raises(ConnectorError) as caught:
            connector.write(observed, changes(connector), POLICY, "t")
    assert isinstance(caught.value, StaleError) is (cause is Cause.FOREIGN)
    assert (caught.value.cause, caught.value.landed) == (cause, False)


def test_by_hand_the_same_calls_are_made(connector: AwsConnector) -> None:
    """Read, written, and dropped where nothing would be left: as the model names them."""
    (ours, *_) = changes(connector)
    *_, line = connector.commands(DOCUMENT, [ours.inverse()], None).lines
    client = boto3.client("lambda", region_name="us-east-1")
    for name in ("GetResourcePolicy", "PutResourcePolicy", "DeleteResourcePolicy"):
        command = f"aws lambda {xform_name(name, '-')} "
        words = line.partition(command)[2].partition(" > ")[0].partition(" &&")[0]
        given, _, _ = parsed(client, name, shlex.split(words.replace("file://$D/new", "new text")))
        expected = {
            "ResourceArn": ARN,
            **({"Policy": "new text"} if name.startswith("Put") else {}),
        }
        assert given == expected


def test_what_runs_already_is_told(connector: AwsConnector) -> None:
    """No deny ends an invocation that has begun; fifteen minutes are the most."""
    (first, *_) = changes(connector)
    (told,) = connector.residuals(replace(first, rule="x"))
    assert (told.what, told.until) == ("invocations that have begun", "PT15M")
