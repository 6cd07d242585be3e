"""Public keys of the vendor's in key groups of CloudFront: taken out, and given back."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from connectors.contract import ConnectorContract
from support.aws import DATA, VENDOR, Cloud, answer, error_text
from support.aws_cli import parsed
from support.aws_grounds import PLAYBOOK, BesideATopic, beside_a_topic
from support.aws_key_groups import KeyGroups
from support.aws_nights import AwsNight
from support.aws_shares import Run

from stopline.estate import AwsAccount
from stopline.model import Document, Gap, Scope
from stopline.receipts import Cause, Outcome, Receipt
from stopline.text import Json
from stopline.vendors import Vendor

WORDS: dict[str, Any] = {
    "accounts": {DATA: AwsAccount(name="data")},
    "resources": ("sns-topics", "key-groups"),
}
THEIRS, ALSO, LABS, NEW = "K2THEIRS", "K2ALSO", "K2LABS", "K2NEW"
SIGNING: Vendor = VENDOR.model_copy(
    update={"aws": VENDOR.aws.model_copy(update={"public_keys": (THEIRS, ALSO)})}
)
DOCUMENT = Document("aws", DATA, "key-group-key", "us-east-1/GBOTH")


@dataclass(kw_only=True)
class Ground(BesideATopic):
    """Groups with keys of the vendor's and of the lab's; and a topic."""

    there: KeyGroups
    vendor: Vendor = SIGNING

    def picture(self) -> Json:
        """All that each group says, and the topic's policy."""
        said = {
            id_: [group.name, group.comment, sorted(group.keys)]
            for id_, group in self.there.there.items()
        }
        return {**said, "topic": self.policy()}

    def remove(self, document: Document) -> bool:
        """Delete the group."""
        return document != self.topic and bool(
            self.there.there.pop(document.id.partition("/")[2], True)
        )

    def edit(self, document: Document) -> bool:
        """Its owner puts another key into the group."""
        if document == self.topic:
            return False
        group = self.there.there[document.id.partition("/")[2]]
        group.keys, group.version = [NEW, *group.keys], group.version + 1
        return True

    def edited(self, document: Document) -> bool:
        """Whether that key is still there."""
        return NEW in self.there.there[document.id.partition("/")[2]].keys


@pytest.fixture
def ground(cloud: Cloud) -> Ground:
    """One with keys of both, and one of the lab's alone."""
    there = KeyGroups()
    there.make("GBOTH", THEIRS, LABS, ALSO)
    there.make("GLABS", LABS)
    cloud.interfere = there.interfere
    return Ground(**beside_a_topic(cloud, WORDS), there=there)


@pytest.mark.night
class TestKeyGroups(ConnectorContract):
    """Keys in groups; a topic bears our mark."""


@pytest.fixture
def night(ground: Ground) -> AwsNight:
    """A pause that looks at key groups alone."""
    words = {**WORDS, "resources": ("key-groups",)}
    return AwsNight(ground.cloud.connector(**words), SIGNING, playbook=PLAYBOOK)


def outcomes(receipts: tuple[Receipt, ...]) -> list[Outcome]:
    """What became of each change."""
    return [receipt.outcome for receipt in receipts]


def test_the_vendors_keys_are_taken_out_in_one_write_and_given_back(
    ground: Ground, night: AwsNight
) -> None:
    """Name, comment and everybody else's keys stay."""
    before = ground.picture()
    assert outcomes(night.contain()) == [Outcome.APPLIED] * 2
    assert ground.there.keys() == {"GBOTH": [LABS], "GLABS": [LABS]}
    assert ground.there.asked.count("UpdateKeyGroup") == 1
    assert not night.plan().work
    assert outcomes(night.restore()) == [Outcome.APPLIED] * 2
    assert ground.picture() == before


def test_trap_a_group_of_the_vendors_keys_alone_is_left_to_a_person(
    ground: Ground, night: AwsNight
) -> None:
    """CloudFront takes no group without a key; with a key of the lab's in it, it is cut."""
    ground.there.there.clear()
    ground.there.make("GTHEIRS", THEIRS, ALSO)
    plan = night.plan()
    assert not plan.work
    assert all(skip.leaves_access and "put another in" in skip.reason for skip in plan.skips)
    assert len(plan.skips) == 2
    ground.edit(Document("aws", DATA, "key-group-key", "us-east-1/GTHEIRS"))
    assert outcomes(night.contain()) == [Outcome.APPLIED] * 2
    assert ground.there.keys() == {"GTHEIRS": [NEW]}


def test_trap_a_group_whose_other_keys_went_meanwhile_keeps_its_last(
    ground: Ground, night: AwsNight
) -> None:
    """CloudFront refuses to empty it, and the receipt says so."""
    plan = night.plan()
    group = ground.there.there["GBOTH"]
    group.keys, group.version = [THEIRS, ALSO], 2
    receipts = night.carry_out(plan)
    assert {receipt.cause for receipt in receipts} == {Cause.REFUSED}
    assert ground.there.keys()["GBOTH"] == sorted([THEIRS, ALSO])


def test_what_a_stranger_writes_between_our_read_and_our_write_is_not_lost(
    ground: Ground, night: AwsNight
) -> None:
    """The write hangs on the tag, and is built anew."""
    left = [DOCUMENT]

    def racing(operation: str) -> None:
        if left and operation == "UpdateKeyGroup":
            ground.edit(left.pop())

    ground.there.instead = racing
    assert outcomes(night.contain()) == [Outcome.APPLIED] * 2
    assert ground.there.keys()["GBOTH"] == sorted([LABS, NEW])
    assert ground.there.asked.count("UpdateKeyGroup") == 2


def test_trap_a_key_that_its_owner_took_out_is_not_given_back(
    ground: Ground, night: AwsNight
) -> None:
    """Between the plan and the write: it was not us."""
    plan = night.plan()
    group = ground.there.there["GBOTH"]
    group.keys, group.version = [LABS, ALSO], 2
    assert sorted(outcomes(night.carry_out(plan))) == [Outcome.ALREADY, Outcome.APPLIED]
    night.restore()
    assert ground.there.keys()["GBOTH"] == sorted([LABS, ALSO])


def once(ground: Ground, then: Callable[[], Any]) -> None:
    """The next update lands, and this happens in place of its answer."""
    left = [then]
    ground.there.after = lambda operation: (
        left.pop()() if left and operation == "UpdateKeyGroup" else None
    )


def test_a_reply_that_is_lost_leaves_it_unproven_and_out(ground: Ground, night: AwsNight) -> None:
    """CloudFront did it and answered 503: a person says whether it was us."""
    once(ground, lambda: answer(503, error_text("ServiceUnavailable")))
    assert outcomes(night.contain()) == [Outcome.UNPROVEN] * 2
    assert ground.there.keys() == {"GBOTH": [LABS], "GLABS": [LABS]}


def test_a_reply_that_is_lost_on_the_way_back_leaves_it_given_back(
    ground: Ground, night: AwsNight
) -> None:
    """It is there as it was, and a second rollback writes nothing."""
    before = ground.picture()
    night.contain()
    once(ground, lambda: answer(503, error_text("ServiceUnavailable")))
    night.restore()
    night.restore()
    assert ground.picture() == before
    assert ground.there.asked.count("UpdateKeyGroup") == 2


@pytest.mark.parametrize("back", [False, True])
def test_killed_after_the_write_the_next_attempt_writes_nothing_more(
    ground: Ground,
    night: AwsNight,
    back: bool,  # noqa: FBT001 - a case
) -> None:
    """The process is gone before the receipt: what stands is what was wanted, nobody else's hit."""

    def killed() -> None:
        raise KeyboardInterrupt

    before = ground.picture()
    if back:
        night.contain()
    written = ground.there.asked.count("UpdateKeyGroup")
    once(ground, killed)
    with pytest.raises(KeyboardInterrupt):
        night.restore() if back else night.contain()
    night.now += 600  # the lease of who was killed runs out
    night.restore() if back else night.contain()
    if back:
        assert ground.picture() == before
    assert ground.there.keys()["GBOTH"] == (sorted([THEIRS, LABS, ALSO]) if back else [LABS])
    assert ground.there.asked.count("UpdateKeyGroup") == written + 1


def test_groups_are_read_to_the_last_page_and_none_for_a_vendor_without_a_key(
    ground: Ground,
) -> None:
    """The SDK's models do not say how this list goes on."""
    ground.there.make("GLAST", THEIRS, LABS)
    ground.there.page = 1
    plan = AwsNight(ground.connector, SIGNING, playbook=PLAYBOOK).plan()
    documents = {c.address.document.id for c in plan.work if c.address.kind == "key-group-key"}
    assert documents == {"us-east-1/GBOTH", "us-east-1/GLAST"}
    assert ground.there.asked.count("ListKeyGroups") == 3
    ground.there.asked.clear()
    AwsNight(ground.cloud.connector(**WORDS), playbook=PLAYBOOK).plan()
    assert not ground.there.asked


def test_what_may_not_be_read_is_a_gap(ground: Ground) -> None:
    """Of the account."""
    ground.there.instead = lambda _: answer(403, error_text("AccessDenied"))
    found = list(ground.connector.discover(SIGNING, Scope()))
    assert "key-groups in us-east-1" in {f.what for f in found if isinstance(f, Gap)}


def test_by_hand_the_group_is_read_changed_and_written_under_its_tag(
    night: AwsNight, run_line: Run
) -> None:
    """What the line makes of the answer is what the call takes."""
    ours = next(c for c in night.plan().work if c.address.part == THEIRS)
    client = boto3.client("cloudfront", region_name="us-east-1")
    config = {"Name": "n", "Items": [THEIRS, LABS], "Comment": "c"}
    shown = {"ETag": "E7", "KeyGroup": {"Id": "GBOTH", "KeyGroupConfig": config}}
    for change, items in ((ours, [LABS]), (ours.inverse(), [LABS, THEIRS])):
        *_, line = night.aws.commands(change.address.document, [change], None).lines
        asked, made, _ = run_line(line, shown)
        assert asked[0].startswith("cloudfront get-key-group --id GBOTH")
        assert asked[1].startswith("cloudfront update-key-group --cli-input-json file://")
        given, _, _ = parsed(client, "UpdateKeyGroup", ["--cli-input-json", made])
        wanted = {"Id": "GBOTH", "IfMatch": "E7", "KeyGroupConfig": {**config, "Items": items}}
        assert given == wanted
