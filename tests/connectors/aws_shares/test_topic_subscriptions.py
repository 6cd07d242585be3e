"""What topics of SNS send to the vendor: nothing goes through, and then what went before."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from connectors.contract import ConnectorContract
from support.aws import DATA, MERCER, MERCOR, VENDOR, Cloud, answer, body_of, error_text
from support.aws_grounds import BesideATopic, beside_a_topic
from support.aws_nights import AwsNight
from support.aws_shares import SWITCHES, Sharer, playbook

from stopline.connectors.aws.kinds import Where
from stopline.connectors.aws.outbound import of_subscription
from stopline.connectors.aws.policy import Vendors
from stopline.connectors.aws.selection import Reach
from stopline.estate import AwsAccount
from stopline.model import Document, Gap, Plan, Scope
from stopline.playbook import Playbook
from stopline.receipts import Cause, Outcome, Receipt
from stopline.text import Json
from stopline.vendors import Vendor

WORDS: dict[str, Any] = {
    "accounts": {DATA: AwsAccount(name="data")},
    "resources": ("sns-topics", "topic-subscriptions"),
}
PLAYBOOK = playbook(SWITCHES)
TOPIC = f"arn:aws:sns:us-east-1:{DATA}:results"
NAMED: Vendor = VENDOR.model_copy(
    update={
        "aws": VENDOR.aws.model_copy(
            update={"endpoints": ("*@mercor.example", "Ops@partner.example", "in.mercor.example")}
        )
    }
)
FILTER = '{"kind": ["label",  "rubric"]}'
BODY = '{"detail": {"kind": ["label"]}}'


def queue_of(account: str, name: str = "q") -> str:
    """Where somebody is sent to."""
    return f"arn:aws:sqs:us-east-1:{account}:{name}"


@dataclass(kw_only=True)
class Ground(BesideATopic):
    """A topic that sends to all kinds of endpoints; and another one."""

    arns: dict[str, str] = field(default_factory=dict)
    vendor: Vendor = NAMED
    playbook: Playbook = PLAYBOOK

    @property
    def sns(self) -> Any:
        """The owner's client."""
        return Sharer(self.cloud).client("sns")

    def subscribe(self, name: str, protocol: str, endpoint: str, **attributes: str) -> str:
        """Have one; the emulator confirms it at once."""
        made = self.sns.subscribe(
            TopicArn=TOPIC, Protocol=protocol, Endpoint=endpoint, Attributes=attributes,
            ReturnSubscriptionArn=True,
        )  # fmt: skip
        self.arns[name] = str(made["SubscriptionArn"])
        return self.arns[name]

    def id(self, name: str) -> str:
        """What an address calls one."""
        return f"us-east-1/results:{self.arns[name].rpartition(':')[2]}"

    def filters(self) -> dict[str, list[str]]:
        """The filter of each, and its scope, as the service shows them; `{}` is none."""
        found = {}
        for name, arn in self.arns.items():
            said = self.sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
            text = said.get("FilterPolicy", "")
            none = text in ("", "{}")
            found[name] = ["", ""] if none else [text, said["FilterPolicyScope"]]
        return found

    def silent(self) -> set[str]:
        """Those that nothing goes through to."""
        return {name for name, (text, _) in self.filters().items() if "stopline-off" in text}

    def filter(self, name: str, text: str) -> None:
        """Its owner sets a filter."""
        words = {"AttributeName": "FilterPolicy", "AttributeValue": text}
        self.sns.set_subscription_attributes(SubscriptionArn=self.arns[name], **words)

    def picture(self) -> Json:
        """All filters, and the other topic's policy."""
        return {**self.filters(), "topic": self.policy()}

    def remove(self, document: Document) -> bool:
        """Somebody unsubscribes it."""
        if document == self.topic:
            return False
        arn = document.id.partition("/")[2]
        self.sns.unsubscribe(SubscriptionArn=f"arn:aws:sns:us-east-1:{DATA}:{arn}")
        self.arns = {name: a for name, a in self.arns.items() if not a.endswith(arn)}
        return True


@pytest.fixture
def ground(cloud: Cloud) -> Ground:
    """Two queues of the vendor's, one of a look-alike's, one of the lab's."""
    made = Ground(**beside_a_topic(cloud, WORDS))
    made.sns.create_topic(Name="results")
    made.subscribe("plain", "sqs", queue_of(MERCOR))
    made.subscribe("filtered", "sqs", queue_of(MERCOR, "f"), FilterPolicy=FILTER)
    made.subscribe("mercer", "sqs", queue_of(MERCER), FilterPolicy=FILTER)
    made.subscribe("own", "sqs", queue_of(DATA))
    return made


@pytest.mark.night
class TestSubscriptions(ConnectorContract):
    """Switches; another topic bears our mark."""


@pytest.fixture
def night(ground: Ground) -> AwsNight:
    """A pause that looks at subscriptions alone."""
    words = {**WORDS, "resources": ("topic-subscriptions",)}
    return AwsNight(ground.cloud.connector(**words), NAMED, playbook=PLAYBOOK)


def outcomes(receipts: tuple[Receipt, ...]) -> list[Outcome]:
    """What became of each change."""
    return [receipt.outcome for receipt in receipts]


def reasons(plan: Plan) -> list[str]:
    """Why something is left open."""
    return [skip.reason for skip in plan.skips if skip.leaves_access]


def test_nothing_goes_through_to_the_vendor_and_then_what_went_before(
    ground: Ground, night: AwsNight
) -> None:
    """Filters come back word for word, and none where none was; the look-alike's stays."""
    before = ground.picture()
    assert outcomes(night.contain()) == [Outcome.APPLIED] * 2
    assert ground.silent() == {"plain", "filtered"}
    assert not night.plan().work
    assert outcomes(night.restore()) == [Outcome.APPLIED] * 2
    assert ground.picture() == before
    assert before["filtered"] == [FILTER, "MessageAttributes"]


def test_a_filter_of_bodies_comes_back_in_its_scope(ground: Ground, night: AwsNight) -> None:
    """The scope is never written; what lets nothing through does so in either."""
    words = {"FilterPolicyScope": "MessageBody", "FilterPolicy": BODY}
    ground.subscribe("bodies", "sqs", queue_of(MERCOR, "b"), **words)
    night.contain()
    text, scope = ground.filters()["bodies"]
    assert ("stopline-off" in text, scope) == (True, "MessageBody")
    night.restore()
    assert ground.filters()["bodies"] == [BODY, "MessageBody"]


@pytest.mark.parametrize(
    ("protocol", "endpoint", "theirs"),
    [
        ("email", "Anna@mercor.example", True),
        ("email", "anna@mail.mercor.example", False),
        ("email", "anna@mercor.example.evil", False),
        ("email-json", "ops@partner.example", True),
        ("email", "dev-ops@partner.example", False),
        ("https", "https://in.mercor.example/t0ken", True),
        ("https", "https://IN.mercor.example:8443/x", True),
        ("https", "https://in.mercor.example@elsewhere.example/x", False),
        ("https", "https://elsewhere.example/in.mercor.example", False),
        ("https", "https://not.in.mercor.example/", False),
        ("lambda", f"arn:aws:lambda:us-east-1:{MERCOR}:function:f", True),
        ("firehose", f"arn:aws:firehose:us-east-1:{MERCOR}:deliverystream/f", True),
        ("firehose", f"arn:aws:firehose:us-east-1:{MERCER}:deliverystream/f", False),
        ("sms", MERCOR, False),
    ],
)
def test_endpoints_are_named_whole(
    protocol: str,
    endpoint: str,
    theirs: bool,  # noqa: FBT001 - a case
) -> None:
    """A whole address, the domain after `*@`, the whole host of a URL; an account in an ARN."""
    said = {"Protocol": protocol, "Endpoint": endpoint, "Owner": DATA, "TopicArn": TOPIC}
    where = Where(DATA, "us-east-1", "results:1")
    reach = Reach(Vendors(accounts=frozenset({MERCOR})), NAMED.aws, (), ())
    assert bool(of_subscription(where, {"Attributes": said}, reach)) is theirs


def test_trap_a_path_in_a_url_may_be_a_secret_and_is_not_told(
    ground: Ground, night: AwsNight
) -> None:
    """Neither in the plan nor in what is held; the host is."""
    ground.subscribe("hook", "https", "https://in.mercor.example/t0ken")
    found = list(night.aws.discover(NAMED, Scope()))
    assert any("in.mercor.example" in str(one) for one in found)
    assert "t0ken" not in str(found)
    assert outcomes(night.contain()) == [Outcome.APPLIED] * 3
    assert ground.silent() == {"plain", "filtered", "hook"}


def others(ground: Ground, owner: str, endpoint: str) -> Callable[[Any], Any]:
    """What lists the topic's shows one of another owner's; whoever asks for it is refused."""
    arn = f"{TOPIC}:0a0a0a0a-0000-0000-0000-000000000000"

    def instead(request: Any) -> Any:
        body = body_of(request)
        if "Action=GetSubscriptionAttributes" in body and "0a0a0a0a" in body:
            return answer(403, error_text("AuthorizationError"))
        if "Action=ListSubscriptionsByTopic" not in body or "results" not in body:
            return None
        members = [
            ("sqs", endpoint, owner, arn),
            ("sqs", queue_of(MERCOR), DATA, ground.arns["plain"]),
            ("email", "anna@mercor.example", DATA, "PendingConfirmation"),
            ("email", "bob@mercor.example", DATA, "Deleted"),
        ]
        items = "".join(
            f"<member><TopicArn>{TOPIC}</TopicArn><Protocol>{p}</Protocol><Endpoint>{e}</Endpoint>"
            f"<Owner>{o}</Owner><SubscriptionArn>{a}</SubscriptionArn></member>"
            for p, e, o, a in members
        )
        result = f"<ListSubscriptionsByTopicResult><Subscriptions>{items}</Subscriptions>"
        result += "</ListSubscriptionsByTopicResult>"
        text = f"<ListSubscriptionsByTopicResponse>{result}</ListSubscriptionsByTopicResponse>"
        return answer(200, text)

    return instead


@pytest.mark.parametrize("endpoint", [queue_of(MERCOR), queue_of(MERCER)])
def test_what_the_vendors_own_account_subscribed_is_left_to_a_person_by_name(
    ground: Ground, night: AwsNight, endpoint: str
) -> None:
    """Wherever it sends to: nobody else may filter it, nor is it asked for. The others are cut."""
    ground.cloud.interfere = others(ground, MERCOR, endpoint)
    plan = night.plan()
    (reason,) = reasons(plan)
    assert f"account {MERCOR} subscribed it" in reason
    assert "unsubscribe" in reason
    assert not plan.gaps
    assert [c.address.id for c in plan.work] == [ground.id("plain")]


def test_nothing_is_sent_to_what_nobody_has_confirmed(ground: Ground, night: AwsNight) -> None:
    """It has no name yet: nothing to contain, until an audit finds it confirmed."""
    ground.cloud.interfere = others(ground, DATA, queue_of(MERCER))
    plan = night.plan()
    assert [c.address.id for c in plan.work] == [ground.id("plain")]
    assert not reasons(plan)


def test_a_filter_that_somebody_set_meanwhile_is_not_overwritten(
    ground: Ground, night: AwsNight
) -> None:
    """It is a conflict, and theirs stays; the next containment is of what they left."""
    night.contain()
    ground.filter("filtered", '{"kind": ["rubric"]}')
    assert {*outcomes(night.restore())} == {Outcome.APPLIED, Outcome.CONFLICT}
    assert ground.filters()["filtered"][0] == '{"kind": ["rubric"]}'


def test_a_filter_that_somebody_takes_away_is_set_again_and_the_first_is_given_back(
    ground: Ground, night: AwsNight
) -> None:
    """What a rollback gives back is what was last found that was not ours."""
    night.contain()
    ground.filter("plain", "{}")
    assert outcomes(night.contain()) == [Outcome.APPLIED]
    assert ground.silent() == {"plain", "filtered"}
    night.restore()
    assert ground.filters()["plain"] == ["", ""]


def test_what_may_not_be_read_is_a_gap_and_hides_no_other(ground: Ground, night: AwsNight) -> None:
    """A subscription whose filter is refused, and one whose filter is no JSON."""
    ground.subscribe("broken", "sqs", queue_of(MERCOR, "x"))

    def refusing(request: Any) -> Any:
        body = body_of(request)
        if "Action=GetSubscriptionAttributes" not in body:
            return None
        if ground.arns["plain"].rpartition(":")[2] in body:
            return answer(403, error_text("AuthorizationError"))
        if ground.arns["broken"].rpartition(":")[2] not in body:
            return None
        said = {"Protocol": "sqs", "Endpoint": queue_of(MERCOR), "Owner": DATA, "TopicArn": TOPIC}
        entries = "".join(
            f"<entry><key>{k}</key><value>{v}</value></entry>"
            for k, v in {**said, "FilterPolicy": "{"}.items()
        )
        result = f"<GetSubscriptionAttributesResult><Attributes>{entries}</Attributes>"
        result += "</GetSubscriptionAttributesResult>"
        return answer(
            200, f"<GetSubscriptionAttributesResponse>{result}</GetSubscriptionAttributesResponse>"
        )

    ground.cloud.interfere = refusing
    plan = night.plan()
    assert {gap.what for gap in plan.gaps if isinstance(gap, Gap)} == {
        f"topic-subscription {ground.id(name)}" for name in ("plain", "broken")
    }
    assert len(plan.work) == 1


def test_a_filter_that_sns_has_no_room_for_is_told(ground: Ground, night: AwsNight) -> None:
    """An account has a quota of filters."""
    ground.cloud.interfere = lambda request: (
        answer(403, error_text("FilterPolicyLimitExceeded"))
        if "Action=SetSubscriptionAttributes" in body_of(request)
        else None
    )
    receipts = night.contain()
    assert {(r.outcome, r.cause) for r in receipts} == {(Outcome.FAILED, Cause.QUOTA)}


def test_by_hand_the_same_filters_are_set(ground: Ground, night: AwsNight) -> None:
    """One that lets nothing through, then the one from before; or none."""
    work = {c.address.id[-36:]: c for c in night.plan().work}
    for name, text in (("plain", "'{}'"), ("filtered", f"'{FILTER}'")):
        change = work[ground.arns[name][-36:]]
        for one, wanted in ((change, "stopline-off"), (change.inverse(), text)):
            (line,) = night.aws.commands(change.address.document, [one], None).lines
            start = f"aws sns set-subscription-attributes --subscription-arn {ground.arns[name]}"
            assert line.startswith(start)
            assert wanted in line
    assert json.loads(FILTER)
