"""What a preflight says of AWS's answers that the emulator does not give.

The clients are botocore's own, with its own stubs: requests and answers are held to AWS's model.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import format_datetime

import boto3
import pytest
from botocore.stub import ANY, Stubber

from stopline.connectors.aws import policies, preflight
from stopline.connectors.aws.clients import Clients
from stopline.connectors.aws.permissions import WRITE
from stopline.connectors.aws.reading import Account
from stopline.connectors.aws.selection import Identity
from stopline.estate import AwsEstate, Protected
from stopline.model import State
from stopline.preflight import Check
from stopline.text import Json

LAB = "111122223333"
ROLE = f"arn:aws:iam::{LAB}:role/stopline/stopline-worker"
ESTATE = AwsEstate.model_validate({"accounts": {LAB: {}}, "role": "stopline/stopline-worker"})
NOW = 1_800_000_000.0


def eyes(clients: Clients | None = None, now: float = NOW) -> preflight._Eyes:
    """What looks at one account."""
    return preflight._Eyes(clients or Clients(ESTATE), LAB, Protected(), lambda: now)


@contextmanager
def answering(mode: str, service: str) -> Iterator[tuple[Clients, Stubber]]:
    """Clients of which one is answered by botocore's stub."""
    client = boto3.client(
        service, region_name="us-east-1", aws_access_key_id="k", aws_secret_access_key="s"
    )
    clients = Clients(ESTATE)
    clients._clients[LAB, service, mode] = client
    with Stubber(client) as stub:
        yield clients, stub
        stub.assert_no_pending_responses()


def simulate(stub: Stubber, decide: Callable[[str], str]) -> None:
    """AWS's answers for every write that is declared."""
    for statement in policies.statements(WRITE):
        results = [
            {"EvalActionName": action, "EvalDecision": decide(action)}
            for action in statement["Action"]
        ]
        words = {
            "PolicySourceArn": ROLE,
            "ActionNames": statement["Action"],
            "ResourceArns": ANY,
            "ContextEntries": ANY,
            "MaxItems": 1000,
        }
        stub.add_response("simulate_principal_policy", {"EvaluationResults": results}, words)


def test_rights_to_write_are_simulated_one_by_one() -> None:
    """Each declared write is asked for, and what AWS would deny is named."""
    with answering("once", "iam") as (clients, stub):
        simulate(stub, lambda _: "allowed")
        check = preflight._may_write(eyes(clients), "")
    assert (check.ok, check.warn) == (True, False)
    assert f"all {len(WRITE)} are allowed" in check.found
    with answering("once", "iam") as (clients, stub):
        simulate(stub, lambda a: "explicitDeny" if a == "s3:PutBucketPolicy" else "allowed")
        check = preflight._may_write(eyes(clients), "")
    assert not check.ok
    assert check.found == "denied: s3:PutBucketPolicy"
    assert "config/permissions/aws/write-resources.json says" in check.next_step
    assert "write-principals" not in check.next_step


def test_a_simulation_asks_about_what_the_policy_allows() -> None:
    """The resource is one that the policy names, and the condition's key has a value of ours."""
    (attach,) = policies.statements(frozenset({"iam:AttachUserPolicy"}))
    wanted = {
        "PolicySourceArn": ROLE,
        "ActionNames": ["iam:AttachUserPolicy"],
        "ResourceArns": [f"arn:aws:iam::{LAB}:user/stopline-preflight"],
        "ContextEntries": [
            {
                "ContextKeyName": "iam:PolicyARN",
                "ContextKeyValues": [f"arn:aws:iam::{LAB}:policy/stopline/stopline-preflight"],
                "ContextKeyType": "string",
            }
        ],
        "MaxItems": 1000,
    }
    with answering("once", "iam") as (clients, stub):
        stub.add_response("simulate_principal_policy", {"EvaluationResults": []}, wanted)
        assert preflight._simulated(eyes(clients), ROLE, attach) == []


def test_what_has_no_resource_is_simulated_on_everything() -> None:
    """AWS simulates ARNs and `*`: a bare name is neither."""
    (write,) = policies.statements(frozenset({"sns:SetSubscriptionAttributes"}))
    wanted = {
        "PolicySourceArn": ROLE,
        "ActionNames": ["sns:SetSubscriptionAttributes"],
        "ResourceArns": ["*"],
        "ContextEntries": [],
        "MaxItems": 1000,
    }
    with answering("once", "iam") as (clients, stub):
        stub.add_response("simulate_principal_policy", {"EvaluationResults": []}, wanted)
        assert preflight._simulated(eyes(clients), ROLE, write) == []


def test_a_simulation_that_is_not_allowed_is_said_and_no_failure() -> None:
    """Nobody knows then; a canary would show it."""
    with answering("once", "iam") as (clients, stub):
        stub.add_client_error("simulate_principal_policy", "AccessDenied")
        check = preflight._may_write(eyes(clients), "")
    assert (check.ok, check.warn) == (True, True)
    assert "not checked" in check.found
    assert f"--canary {LAB}" in check.next_step


@pytest.mark.parametrize(
    ("seconds", "grade"), [(0, (True, False)), (-90, (True, True)), (400, (False, False))]
)
def test_a_clock_that_is_off_breaks_signatures(seconds: int, grade: tuple[bool, bool]) -> None:
    """A minute is said, five minutes are a failure; before or behind is the same."""
    date = format_datetime(datetime.fromtimestamp(NOW, UTC), usegmt=True)
    answer = {"ResponseMetadata": {"HTTPHeaders": {"date": date}}}
    check = preflight._clock(eyes(now=NOW + seconds), answer)
    assert (check.ok, check.warn) == grade
    assert check.found == f"{abs(seconds)} s from AWS's"


def test_an_account_that_answers_as_another_is_a_failure() -> None:
    """Credentials without a role see their own account, whatever the estate's file calls it."""
    arn = "arn:aws:iam::999900001111:user/somebody"
    check = preflight._who(eyes(), "reads as", "", {"Account": "999900001111", "Arn": arn})
    assert not check.ok
    assert "another account's" in check.found


def summary(used: int) -> Json:
    """What the account's summary says."""
    quotas = {"AttachedPoliciesPerUserQuota": 2, "AttachedPoliciesPerRoleQuota": 3}
    return {"SummaryMap": {"Policies": used, "PoliciesQuota": 100, **quotas}}


def quotas(used: int, account: Account) -> list[Check]:
    """The two checks of an account's quotas."""
    with answering("reading", "iam") as (clients, stub):
        stub.add_response("get_account_summary", summary(used), {})
        return list(preflight._quotas(eyes(clients), account))


@pytest.mark.parametrize(
    ("used", "ours", "grade"),
    [
        (10, False, (True, False)),
        (95, False, (True, True)),
        (100, False, (False, True)),
        (100, True, (True, True)),
    ],
)
def test_a_policy_of_ours_needs_room(used: int, ours: bool, grade: tuple[bool, bool]) -> None:  # noqa: FBT001
    """A full account is a failure, unless our policy stands there already."""
    there = {"StoplineDenyAll-J00000000": State.of({})} if ours else {}
    check = quotas(used, Account(LAB, (), there))[0]
    assert (check.ok, check.warn or not check.ok) == grade


def test_a_principal_without_room_is_named() -> None:
    """The account's own quota counts, and our policies are not counted against it."""
    ours = f"arn:aws:iam::{LAB}:policy/stopline/StoplineDenyAll-J0000abcd"
    people = [
        Identity("user", LAB, name, f"arn:aws:iam::{LAB}:user/{name}", "/", name, {}, attached)
        for name, attached in (("full", ("a", "b")), ("held", ("a", ours)), ("free", ("a",)))
    ]
    check = quotas(0, Account(LAB, tuple(people), {}))[1]
    assert (check.ok, check.warn) == (True, True)
    assert check.found == f"no room for ours on arn:aws:iam::{LAB}:user/full"


def test_a_guard_of_nobody_is_seen() -> None:
    """A pattern that matches none of what was read is named; one about other things is not."""
    looked = [preflight._Looked((), frozenset({f"arn:aws:iam::{LAB}:role/break-glass/ada"}))]
    protected = Protected(
        break_glass=("arn:aws:iam::*:role/break-glass/*",),
        orchestrator=("arn:aws:iam::*:role/stopln/*",),
        journal=("arn:aws:rds:eu-central-1:111122223333:db:stopline",),
    )
    checks = {c.name: c for c in preflight._protected(looked, protected)}
    assert not checks["protected break glass"].warn
    assert not checks["protected journal"].warn
    assert checks["protected orchestrator"].found == "nobody is arn:aws:iam::*:role/stopln/*"
    assert checks["protected log delivery"].warn
    beyond = preflight._protected([*looked, preflight._Looked(())], protected)
    assert any("could be read" in check.found for check in beyond)
