"""Targets of rules of EventBridge that are the vendor's: taken out, and given back whole."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from support.aws import DATA, MERCER, MERCOR, Cloud, answer, body_of
from support.aws_grounds import PLAYBOOK
from support.aws_nights import AwsNight
from support.aws_shares import Sharer

from stopline.connectors.aws.ending import ended
from stopline.connectors.aws.kinds import where_of
from stopline.estate import AwsAccount
from stopline.model import Document, Gap, Plan, Skip, State
from stopline.receipts import Cause, Outcome, Receipt
from stopline.text import Json

WORDS: dict[str, Any] = {
    "accounts": {DATA: AwsAccount(name="data")},
    "resources": ("event-targets",),
}
KIND = "event-target"
RULES = (("default", "labelled"), ("labels", "labelled"))
DOCUMENTS = [Document("aws", DATA, KIND, f"us-east-1/{bus}:{rule}") for bus, rule in RULES]


def bus_of(account: str) -> str:
    """Where events of somebody go."""
    return f"arn:aws:events:us-east-1:{account}:event-bus/intake"


def role_of(account: str) -> str:
    """As whom they are sent."""
    return f"arn:aws:iam::{account}:role/sending"


TARGETS: tuple[Json, ...] = (
    {
        "Id": "theirs",
        "Arn": bus_of(MERCOR),
        "RoleArn": role_of(DATA),
        "RetryPolicy": {"MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 600},
        "DeadLetterConfig": {"Arn": f"arn:aws:sqs:us-east-1:{DATA}:lost"},
    },
    {
        "Id": "theirs.queue",
        "Arn": f"arn:aws:sqs:us-east-1:{MERCOR}:q.fifo",
        "SqsParameters": {"MessageGroupId": "labels"},
        "InputTransformer": {"InputPathsMap": {"what": "$.detail"}, "InputTemplate": '"<what>"'},
    },
    {"Id": "others", "Arn": bus_of(MERCER), "RoleArn": role_of(MERCOR)},
    {"Id": "own", "Arn": f"arn:aws:sqs:us-east-1:{DATA}:labels", "Input": '{"a": 1}'},
)


@dataclass(frozen=True)
class Ground:
    """Two rules of one name, on two buses, that send to all kinds of accounts."""

    cloud: Cloud

    @property
    def events(self) -> Any:
        """The owner's client."""
        return Sharer(self.cloud).client("events")

    def targets(self, document: Document) -> Json:
        """What a rule sends to; the order means nothing."""
        bus, _, rule = where_of(document).name.partition(":")
        found = self.events.list_targets_by_rule(Rule=rule, EventBusName=bus)["Targets"]
        return sorted(found, key=lambda target: str(target["Id"]))

    def picture(self) -> Json:
        """All targets."""
        return {document.id: self.targets(document) for document in DOCUMENTS}

    def put(self, document: Document, *targets: Json) -> None:
        """Its owner puts targets."""
        bus, _, rule = where_of(document).name.partition(":")
        self.events.put_targets(Rule=rule, EventBusName=bus, Targets=[*targets])


@pytest.fixture
def ground(cloud: Cloud) -> Ground:
    """The rules of one name, and one that sends to nobody."""
    made = Ground(cloud)
    made.events.create_event_bus(Name="labels")
    for bus, rule in (*RULES, ("labels", "idle")):
        made.events.put_rule(Name=rule, EventBusName=bus, EventPattern='{"source": ["labels"]}')
    for document in DOCUMENTS:
        made.put(document, *TARGETS)
    return made


@pytest.fixture
def night(ground: Ground) -> AwsNight:
    """A pause that looks at targets alone."""
    return AwsNight(ground.cloud.connector(**WORDS), playbook=PLAYBOOK)


def outcomes(receipts: tuple[Receipt, ...]) -> list[Outcome]:
    """What became of each change."""
    return [receipt.outcome for receipt in receipts]


def ids(targets: Json) -> list[str]:
    """Of a rule's targets."""
    return [target["Id"] for target in targets]


def operation(request: Any) -> str:
    """What a request asks for."""
    said = request.headers.get("X-Amz-Target", b"")
    return (said.decode() if isinstance(said, bytes) else str(said)).rpartition(".")[2]


def failing(ground: Ground, of: str, code: str) -> list[str]:
    """The next call says 200 and names what it did not do; what is left of that."""
    left = [code]

    def instead(request: Any) -> Any:
        if not left or operation(request) != of:
            return None
        id_ = "theirs" if '"theirs"' in body_of(request) else "theirs.queue"
        entry = {"TargetId": id_, "ErrorCode": left.pop(), "ErrorMessage": "as the test wants it"}
        return answer(200, json.dumps({"FailedEntryCount": 1, "FailedEntries": [entry]}))

    ground.cloud.interfere = instead
    return left


def test_targets_of_the_vendors_are_taken_out_and_given_back_whole(
    ground: Ground, night: AwsNight
) -> None:
    """Those of a look-alike stay, though the vendor's role sends there; so does the lab's own."""
    before = ground.picture()
    assert outcomes(night.contain()) == [Outcome.APPLIED] * 4
    assert [ids(ground.targets(document)) for document in DOCUMENTS] == [["others", "own"]] * 2
    assert not night.plan().work
    assert outcomes(night.restore()) == [Outcome.APPLIED] * 4
    assert ground.picture() == before


@pytest.mark.parametrize("count_alone", [False, True])
def test_trap_a_call_that_says_200_and_counts_what_it_did_not_do_is_no_success(
    ground: Ground,
    night: AwsNight,
    count_alone: bool,  # noqa: FBT001 - a case
) -> None:
    """EventBridge's way to refuse one of several; the entry may even be missing."""
    text = {"FailedEntryCount": 1, "FailedEntries": [{"TargetId": "theirs", "ErrorCode": "No"}]}
    if count_alone:
        text = {"FailedEntryCount": 1}
    ground.cloud.interfere = lambda request: (
        answer(200, json.dumps(text)) if operation(request) == "RemoveTargets" else None
    )
    receipts = night.contain()
    assert {(r.outcome, r.cause) for r in receipts} == {(Outcome.FAILED, Cause.REFUSED)}
    assert all("theirs" in ids(ground.targets(document)) for document in DOCUMENTS)


@pytest.mark.parametrize("of", ["RemoveTargets", "PutTargets"])
def test_what_eventbridge_did_not_do_since_others_were_at_it_is_asked_again(
    ground: Ground, night: AwsNight, of: str
) -> None:
    """Nothing of it happened, so nothing is unproven."""
    before = ground.picture()
    if of == "PutTargets":
        night.contain()
    left = failing(ground, of, "ConcurrentModificationException")
    receipts = night.restore() if of == "PutTargets" else night.contain()
    assert not left
    assert outcomes(receipts) == [Outcome.APPLIED] * 4
    night.restore()
    assert ground.picture() == before


def test_trap_what_eventbridge_failed_at_itself_may_have_happened(
    ground: Ground, night: AwsNight
) -> None:
    """Its own failure inside an answer that says 200 is no refusal: it is gone on with."""
    failing(ground, "RemoveTargets", "InternalFailure")
    first = night.contain()
    assert {r.cause for r in first if r.outcome is Outcome.FAILED} == {Cause.UNREACHABLE}
    ground.cloud.interfere = lambda _: None
    night.contain()
    assert [ids(ground.targets(document)) for document in DOCUMENTS] == [["others", "own"]] * 2


def test_trap_a_target_that_was_put_anew_under_its_id_is_not_overwritten(
    ground: Ground, night: AwsNight
) -> None:
    """Its owner sends elsewhere now, by the same id."""
    night.contain()
    anew = {"Id": "theirs", "Arn": bus_of("999999999999")}
    ground.put(DOCUMENTS[0], anew)
    said = {str(r.change.address.id): r.outcome for r in night.restore()}
    assert said.pop(f"{DOCUMENTS[0].id}#theirs") is Outcome.CONFLICT
    assert {*said.values()} == {Outcome.APPLIED}
    assert anew in ground.targets(DOCUMENTS[0])


def states_of(plan: Plan) -> Iterator[State | None]:
    """All that a plan holds of what stands there."""
    for change in plan.work:
        yield change.before
        yield change.after


def named(plan: Plan) -> dict[str, str]:
    """What is left open, and why."""
    return {s.address.part: s.reason for s in plan.skips if isinstance(s, Skip) and s.leaves_access}


def test_trap_a_target_with_headers_or_keys_is_named_and_nothing_of_them_is_held(
    ground: Ground, night: AwsNight
) -> None:
    """They can be secrets: neither the plan has them, nor what reading it says."""
    secret = {"HeaderParameters": {"x-api-key": "s3cret"}}
    arn = f"arn:aws:execute-api:us-east-1:{MERCOR}:abc/prod/POST/in"
    ground.put(DOCUMENTS[0], {"Id": "keyed", "Arn": arn, "HttpParameters": secret})
    plan = night.plan()
    assert "by hand" in named(plan)["keyed"]
    seen = night.aws.read(DOCUMENTS[0]).states.values()
    assert not any("s3cret" in str(state and state.body) for state in states_of(plan))
    assert not any("s3cret" in state.body for state in seen)
    night.contain()
    assert "keyed" in ids(ground.targets(DOCUMENTS[0]))


def test_trap_what_the_sdk_does_not_know_of_a_target_is_not_lost(
    ground: Ground, night: AwsNight
) -> None:
    """Given back without it, it would be another one: left to a person, by its name."""
    shown = {"Targets": [{**TARGETS[0], "RetryPolicy": {"Jitter": True}, "Anew": {"a": 1}}]}
    ground.cloud.interfere = lambda request: (
        answer(200, json.dumps(shown)) if operation(request) == "ListTargetsByRule" else None
    )
    plan = night.plan()
    assert not plan.work
    assert {*named(plan)} == {"theirs"}
    (state, *_) = night.aws.read(DOCUMENTS[0]).states.values()
    assert state.value["more"] == "Anew, RetryPolicy.Jitter"


def test_trap_what_is_said_to_be_nothing_is_not_unknown(ground: Ground, night: AwsNight) -> None:
    """A name with `null` says nothing, known or not: the target is given back whole without it."""
    shown = {"Targets": [{**TARGETS[0], "SqsParameters": None, "Anew": None}]}
    ground.cloud.interfere = lambda request: (
        answer(200, json.dumps(shown)) if operation(request) == "ListTargetsByRule" else None
    )
    plan = night.plan()
    assert not named(plan)
    assert {change.address.part for change in plan.work} == {"theirs"}


def test_a_rule_that_a_service_manages_is_left_to_a_person(ground: Ground, night: AwsNight) -> None:
    """Nobody gives such a rule a target back."""
    words = {"Name": "managed", "EventPattern": '{"source": ["labels"]}'}
    ground.events.put_rule(**words)
    ground.events.put_targets(Rule="managed", Targets=[{"Id": "m", "Arn": bus_of(MERCOR)}])
    described = {**words, "ManagedBy": "schemas.amazonaws.com"}

    def managed(request: Any) -> Any:
        asked = operation(request) == "DescribeRule" and '"managed"' in body_of(request)
        return answer(200, json.dumps(described)) if asked else None

    ground.cloud.interfere = managed
    plan = night.plan()
    assert "schemas.amazonaws.com" in named(plan)["m"]
    assert "m" not in {change.address.part for change in plan.work}


def test_a_queue_of_the_vendors_for_what_was_not_delivered_is_named(
    ground: Ground, night: AwsNight
) -> None:
    """The lab's own target stays: a person gives it another queue."""
    queue = {"Arn": f"arn:aws:sqs:us-east-1:{MERCOR}:lost"}
    ground.put(DOCUMENTS[0], {**TARGETS[3], "DeadLetterConfig": queue})
    reasons = named(night.plan())
    assert "dead-letter queue by hand" in reasons["own/dead-letters"]
    night.contain()
    assert "own" in ids(ground.targets(DOCUMENTS[0]))


def test_a_rule_that_may_not_be_read_is_a_gap_and_hides_no_other(
    ground: Ground, night: AwsNight
) -> None:
    """One that is refused, and one whose answer is not as AWS documents it."""

    def refusing(request: Any) -> Any:
        if operation(request) != "ListTargetsByRule" or '"labels"' not in body_of(request):
            return None
        if '"idle"' in body_of(request):
            return answer(400, '{"__type": "AccessDeniedException"}')
        return answer(200, '{"Targets": [{"Arn": "x"}]}')

    ground.cloud.interfere = refusing
    plan = night.plan()
    assert {gap.what for gap in plan.gaps if isinstance(gap, Gap)} == {
        "event-target us-east-1/labels:idle",
        "event-target us-east-1/labels:labelled",
    }
    assert {change.address.document for change in plan.work} == {DOCUMENTS[0]}


def test_a_termination_leaves_the_targets_out(night: AwsNight) -> None:
    """Nothing is sent for it, and it is called what it is: nothing was shared."""
    night.contain()
    said = {getattr(ended(hold), "summary", "") for hold in night.book.writes.holds()}
    assert all(one.endswith("taken out of this rule of EventBridge for good") for one in said)


def test_by_hand_the_target_is_whole_and_what_is_counted_as_not_done_fails(
    night: AwsNight,
) -> None:
    """The same calls, each of which must have failed at nothing."""
    change = next(c for c in night.plan().work if c.address.part == "theirs.queue")
    for one, verb in ((change, "remove"), (change.inverse(), "put")):
        (line,) = night.aws.commands(change.address.document, [one], None).lines
        assert line.startswith(
            f"aws events {verb}-targets --rule labelled --event-bus-name default"
        )
        assert line.endswith("--query FailedEntryCount --output text | grep -qx 0")
        assert ("InputTemplate" in line) is (verb == "put")
