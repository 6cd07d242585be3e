"""What CloudWatch Logs forwards to the vendor: log groups' filters, and the account's own policy.

The emulator takes a filter for another account's destination where that account has a log group of
the destination's name. It does not have the policies of an account, which are held to AWS's own
model of them.
"""

import json
from dataclasses import dataclass, replace
from typing import Any

import pytest
from botocore.stub import Stubber
from support.aws import DATA, MERCER, MERCOR, VENDOR, Cloud, answer, owners_client
from support.aws_grounds import PLAYBOOK
from support.aws_nights import AwsNight
from support.aws_stubs import REACH, REGION, answering, looking_at

from stopline.connectors.aws import AwsConnector, reached
from stopline.connectors.aws.opinion import contained
from stopline.connectors.aws.outbound import LOG_SUBSCRIPTIONS
from stopline.estate import AwsAccount
from stopline.model import Change, Document, Found, Gap, Grant
from stopline.port import Mark, Terms
from stopline.receipts import Cause, Outcome, Receipt
from stopline.text import Json

ROLE = f"arn:aws:iam::{DATA}:role/logging"
NAME = "/labels/in#1"
DOCUMENT = Document("aws", DATA, "log-subscription", "us-east-1//labels/in%231")


def destination(account: str) -> str:
    """Where an account takes logs of others."""
    return f"arn:aws:logs:us-east-1:{account}:destination:intake"


@dataclass(frozen=True)
class Ground:
    """One log group that is forwarded to two accounts."""

    cloud: Cloud

    @property
    def logs(self) -> Any:
        """The owner's client."""
        return owners_client(self.cloud.url, DATA, "logs")

    def forward(self, name: str, account: str, **words: str) -> None:
        """Forward the log group to an account."""
        to = {"destinationArn": destination(account), "filterName": name, "logGroupName": NAME}
        self.logs.put_subscription_filter(**to, **{"filterPattern": "", **words})

    def picture(self) -> Json:
        """All filters; when one was made is its own."""
        found = self.logs.describe_subscription_filters(logGroupName=NAME)["subscriptionFilters"]
        said = [{k: v for k, v in one.items() if k != "creationTime"} for one in found]
        return sorted(said, key=lambda one: str(one["filterName"]))


@pytest.fixture
def ground(cloud: Cloud) -> Ground:
    """A filter of the vendor's, whose name means something in an address, and a look-alike's."""
    made = Ground(cloud)
    for account in (MERCOR, MERCER, "999999999999"):
        owners_client(cloud.url, account, "logs").create_log_group(logGroupName="intake")
    made.logs.create_log_group(logGroupName=NAME)
    made.logs.create_log_group(logGroupName="quiet")
    made.forward("to mercor #1", MERCOR, filterPattern='{ $.kind = "x" }', roleArn=ROLE)
    made.forward("to-mercer", MERCER)
    return made


@pytest.fixture
def night(ground: Ground) -> AwsNight:
    """A pause that looks at log groups alone."""
    words = {"accounts": {DATA: AwsAccount(name="data")}, "resources": ("log-subscriptions",)}
    return AwsNight(ground.cloud.connector(**words), playbook=PLAYBOOK)


def outcomes(receipts: tuple[Receipt, ...]) -> list[Outcome]:
    """What became of each change."""
    return [receipt.outcome for receipt in receipts]


def operation(request: Any) -> str:
    """What a request asks for."""
    said = request.headers.get("X-Amz-Target", b"")
    return (said.decode() if isinstance(said, bytes) else str(said)).rpartition(".")[2]


def test_a_filter_of_the_vendors_is_taken_out_and_given_back_word_for_word(
    ground: Ground, night: AwsNight
) -> None:
    """Pattern and role come back; the look-alike's stays."""
    before = ground.picture()
    assert outcomes(night.contain()) == [Outcome.APPLIED]
    assert [one["filterName"] for one in ground.picture()] == ["to-mercer"]
    assert not night.plan().work
    assert outcomes(night.restore()) == [Outcome.APPLIED]
    assert ground.picture() == before


def test_trap_a_filter_that_was_made_anew_under_its_name_is_not_overwritten(
    ground: Ground, night: AwsNight
) -> None:
    """It forwards elsewhere now."""
    night.contain()
    ground.forward("to mercor #1", "999999999999")
    assert outcomes(night.restore()) == [Outcome.CONFLICT]
    assert ground.picture()[0]["destinationArn"] == destination("999999999999")


def test_a_group_that_has_two_other_filters_by_then_is_told(
    ground: Ground, night: AwsNight
) -> None:
    """CloudWatch Logs takes two for each: nobody else's gives way."""
    night.contain()
    ground.forward("new", "999999999999")
    (receipt,) = night.restore()
    assert (receipt.outcome, receipt.cause) == (Outcome.FAILED, Cause.QUOTA)
    assert [one["filterName"] for one in ground.picture()] == ["new", "to-mercer"]


def test_trap_what_was_aborted_since_others_were_at_the_group_is_asked_again(
    ground: Ground, night: AwsNight
) -> None:
    """CloudWatch Logs takes one change of a group at a time: that is no refusal."""
    left = [answer(400, '{"__type": "OperationAbortedException"}')]
    ground.cloud.interfere = lambda request: (
        left.pop() if left and operation(request) == "DeleteSubscriptionFilter" else None
    )
    assert outcomes(night.contain()) == [Outcome.APPLIED]
    assert not left


def test_a_group_that_was_deleted_is_told_and_not_made(ground: Ground, night: AwsNight) -> None:
    """There is nothing to give it back to."""
    night.contain()
    ground.logs.delete_log_group(logGroupName=NAME)
    (receipt,) = night.restore()
    assert (receipt.outcome, receipt.cause) == (Outcome.CONFLICT, Cause.GONE)


def test_a_group_that_may_not_be_read_is_a_gap_and_hides_no_other(
    ground: Ground, night: AwsNight
) -> None:
    """One that is refused, and one whose filter is not as AWS documents it."""
    owners_client(ground.cloud.url, DATA, "logs").create_log_group(logGroupName="odd")

    def refusing(request: Any) -> Any:
        if operation(request) != "DescribeSubscriptionFilters":
            return None
        if b'"quiet"' in request.body:
            return answer(400, '{"__type": "AccessDeniedException"}')
        odd = '{"subscriptionFilters": [{"filterName": "x"}]}'
        return answer(200, odd) if b'"odd"' in request.body else None

    ground.cloud.interfere = refusing
    plan = night.plan()
    assert {gap.what for gap in plan.gaps if isinstance(gap, Gap)} == {
        "log-subscription us-east-1/quiet",
        "log-subscription us-east-1/odd",
    }
    assert [change.address.document for change in plan.work] == [DOCUMENT]


def test_trap_more_groups_than_could_be_read_tonight_are_a_gap(
    night: AwsNight, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five in a second: whoever makes very many log groups would keep the whole plan waiting."""
    assert LOG_SUBSCRIPTIONS.most / 5.0 <= 4 * 60
    monkeypatch.setattr(reached, "ROWS", (replace(LOG_SUBSCRIPTIONS, most=1),))
    plan = night.plan()
    assert not plan.work
    (gap,) = plan.gaps
    assert gap.what == "log-subscriptions in us-east-1"
    assert isinstance(gap, Gap)
    assert gap.cause.startswith("2 of them, of which none was read")


def test_trap_what_the_sdk_does_not_know_of_a_filter_is_not_lost(
    ground: Ground, night: AwsNight
) -> None:
    """Given back without it, it would be another one: left to a person."""
    shown = {"subscriptionFilters": [{**ground.picture()[0], "anew": 1}]}
    ground.cloud.interfere = lambda request: (
        answer(200, json.dumps(shown))
        if operation(request) == "DescribeSubscriptionFilters"
        else None
    )
    plan = night.plan()
    assert not plan.work
    assert len([skip for skip in plan.skips if skip.leaves_access]) == 2  # of both groups


def test_by_hand_the_same_calls_are_made(night: AwsNight) -> None:
    """With everything that the filter had."""
    (change,) = night.plan().work
    (out,) = night.aws.commands(change.address.document, [change], None).lines
    assert out.startswith(f"aws logs delete-subscription-filter --log-group-name '{NAME}'")
    (back,) = night.aws.commands(change.address.document, [change.inverse()], None).lines
    assert f"--role-arn {ROLE}" in back
    assert "--filter-pattern '{ $.kind" in back


def test_trap_by_hand_a_pattern_that_begins_like_an_option_is_none(
    ground: Ground, night: AwsNight
) -> None:
    """The command line takes `-debug` after a blank for an option of its own, and refuses it."""
    ground.logs.delete_subscription_filter(logGroupName=NAME, filterName="to mercor #1")
    ground.forward("to mercor #1", MERCOR, filterPattern="-debug")
    (change,) = night.plan().work
    (back,) = night.aws.commands(change.address.document, [change.inverse()], None).lines
    assert "--filter-pattern=-debug" in back


# --- the account's own policy --------------------------------------------------------------------

POLICIES = Document("aws", DATA, "log-account-policy", f"{REGION}/account")
TYPE = {"policyType": "SUBSCRIPTION_FILTER_POLICY"}
TERMS = Terms(VENDOR, PLAYBOOK, Mark("0a1b2c3d", "00000001"))
GIVEN = ("policyName", "policyDocument", "scope", "selectionCriteria")


def policy_of(account: str, name: str) -> dict[str, Any]:
    """One of the account's, as CloudWatch Logs shows it."""
    return {
        **TYPE,
        "policyName": name,
        "policyDocument": f'{{"DestinationArn":  "{destination(account)}", "FilterPattern": ""}}',
        "scope": "ALL",
        "selectionCriteria": 'LogGroupName NOT IN ["/loop"]',
        "lastUpdatedTime": 1,
        "accountId": DATA,
    }


THEIRS, OTHERS = policy_of(MERCOR, "theirs"), policy_of(MERCER, "others")


@pytest.fixture
def aws() -> AwsConnector:
    """A connector that looks at the account's policies, and that nobody answers yet."""
    return looking_at("log-account-policies")


def shown(stub: Stubber, *pages: list[dict[str, Any]]) -> None:
    """The policies of the account, on as many pages."""
    for number, page in enumerate(pages, 1):
        asked = {**TYPE, **({"nextToken": str(number)} if number > 1 else {})}
        more = {"nextToken": str(number + 1)} if number < len(pages) else {}
        stub.add_response("describe_account_policies", {"accountPolicies": page, **more}, asked)


def found_by(aws: AwsConnector, *pages: list[dict[str, Any]]) -> list[Found]:
    """What is found in those."""
    with answering("logs", "reading", aws) as stub:
        shown(stub, *pages)
        return list(reached.discover(aws.clients, [DATA], {}, REACH))


def test_the_accounts_own_policy_is_taken_out_and_given_back_word_for_word(
    aws: AwsConnector,
) -> None:
    """Of two, on two pages, the vendor's alone; its document as it was, with its blanks."""
    (grant,) = (one for one in found_by(aws, [OTHERS], [THEIRS]) if isinstance(one, Grant))
    (opinion,) = contained(grant, TERMS)
    assert isinstance(opinion, Change)
    assert opinion.address.document == POLICIES
    with answering("logs", "reading", aws) as reads, answering("logs", "writing", aws) as writes:
        shown(reads, [OTHERS], [THEIRS])
        before = aws.read(POLICIES)
        assert before.states[opinion.address] == grant.state
        change = replace(opinion, before=grant.state)
        writes.add_response("delete_account_policy", {}, {**TYPE, "policyName": "theirs"})
        aws.write(before, [change], None, "t")
        shown(reads, [OTHERS])
        during = aws.read(POLICIES)
        assert during.exists
        assert during.states.keys() == before.states.keys() - {opinion.address}
        given = {**TYPE, **{key: THEIRS[key] for key in GIVEN}}
        writes.add_response("put_account_policy", {}, given)
        aws.write(during, [change.inverse()], None, "t")


def test_an_account_without_a_policy_has_nothing_of_the_vendors(aws: AwsConnector) -> None:
    """Nor has one whose policy forwards to a look-alike."""
    assert found_by(aws, []) == []
    assert found_by(aws, [OTHERS]) == []


def test_a_policy_that_cannot_be_read_is_a_gap(aws: AwsConnector) -> None:
    """One that is no JSON, and one that is refused."""
    (gap,) = found_by(aws, [{**OTHERS, "policyDocument": "{"}])
    with answering("logs", "reading", aws) as stub:
        stub.add_client_error("describe_account_policies", "AccessDeniedException")
        (refused,) = reached.discover(aws.clients, [DATA], {}, REACH)
    assert isinstance(gap, Gap)
    assert isinstance(refused, Gap)
    assert gap.what == refused.what == "log-account-policy us-east-1/account"
