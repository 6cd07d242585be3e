"""Endpoints of the vendor's that are connected to our services: rejected, and accepted again."""

from dataclasses import dataclass
from typing import Any

import pytest
from connectors.contract import ConnectorContract
from support.aws import DATA, MERCER, MERCOR, VENDOR, Cloud
from support.aws_connections import Connections, refused, unsuccessful
from support.aws_grounds import PLAYBOOK, BesideATopic, beside_a_topic
from support.aws_nights import AwsNight
from support.aws_shares import Sharer

from stopline.estate import AwsAccount
from stopline.model import Document, Gap, Scope
from stopline.receipts import Cause, Outcome, Receipt
from stopline.text import Json

WORDS: dict[str, Any] = {
    "accounts": {DATA: AwsAccount(name="data")},
    "resources": ("sns-topics", "endpoint-connections"),
}
UP, THEIRS, WAITING, GONE, NEW = ("vpce-1", "vpce-2", "vpce-3", "vpce-4", "vpce-9")


@dataclass(kw_only=True)
class Ground(BesideATopic):
    """One service with endpoints of the vendor's and of a look-alike's; and a topic."""

    service: str
    there: Connections

    def picture(self) -> Json:
        """How far each is, and the topic's policy."""
        return {**self.there.there, "topic": self.policy()}

    def remove(self, document: Document) -> bool:
        """Delete the service."""
        if document == self.topic:
            return False
        ec2 = Sharer(self.cloud).client("ec2")
        ec2.delete_vpc_endpoint_service_configurations(ServiceIds=[self.service])
        self.there.there.clear()
        return True

    def edit(self, document: Document) -> bool:
        """Somebody else is connected."""
        if document != self.topic:
            self.there.connect(self.service, NEW, "999999999999")
        return document != self.topic

    def edited(self, _document: Document) -> bool:
        """Whether that one is still connected."""
        return self.there.state(self.service, NEW) == "available"


@pytest.fixture
def ground(cloud: Cloud) -> Ground:
    """One that is up, one of a look-alike's, one that waits, and one that was rejected before."""
    owner = Sharer(cloud)
    service = owner.make("endpoint-service-principal", "labels", MERCER).rpartition("/")[2]
    there = Connections()
    there.connect(service, UP, MERCOR)
    there.connect(service, THEIRS, MERCER)
    there.connect(service, WAITING, MERCOR, "pendingAcceptance")
    there.connect(service, GONE, MERCOR, "rejected")
    cloud.interfere = there.interfere
    return Ground(**beside_a_topic(cloud, WORDS), service=service, there=there)


@pytest.mark.night
class TestConnections(ConnectorContract):
    """Connections; a topic bears our mark."""


@pytest.fixture
def night(ground: Ground) -> AwsNight:
    """A pause that looks at connections alone."""
    words = {**WORDS, "resources": ("endpoint-connections",)}
    return AwsNight(ground.cloud.connector(**words), playbook=PLAYBOOK)


def outcomes(receipts: tuple[Receipt, ...]) -> list[Outcome]:
    """What became of each change."""
    return [receipt.outcome for receipt in receipts]


def states(ground: Ground) -> dict[str, str]:
    """How far each is."""
    return {id_: state for id_, (_, state) in ground.there.there[ground.service].items()}


def test_the_vendors_is_rejected_and_accepted_again_and_nobody_elses(
    ground: Ground, night: AwsNight
) -> None:
    """The look-alike's stays up."""
    before = states(ground)
    assert outcomes(night.contain()) == [Outcome.APPLIED]
    assert states(ground) == {**before, UP: "rejected"}
    assert not night.plan().work
    assert outcomes(night.restore()) == [Outcome.APPLIED]
    assert states(ground) == before


def test_trap_what_waits_for_a_word_is_never_let_in_by_a_rollback(
    ground: Ground, night: AwsNight
) -> None:
    """It is not ours to reject: accepted back, it would be given what it never had."""
    assert [c.address.part for c in night.plan().work] == [UP]
    night.contain()
    night.restore()
    assert states(ground)[WAITING] == "pendingAcceptance"
    assert states(ground)[GONE] == "rejected"


def test_what_is_accepted_meanwhile_is_rejected_by_the_next_sweep(
    ground: Ground, night: AwsNight
) -> None:
    """Somebody lets the waiting one in: it is found, and given back as it was then."""
    night.contain()
    ground.there.connect(ground.service, WAITING, MERCOR)
    assert outcomes(night.contain()) == [Outcome.APPLIED]
    night.restore()
    assert states(ground) == {
        UP: "available", THEIRS: "available", WAITING: "available", GONE: "rejected",
    }  # fmt: skip


def test_trap_a_call_that_says_200_and_names_what_it_did_not_do_is_no_success(
    ground: Ground, night: AwsNight
) -> None:
    """EC2's way to refuse one of several."""
    ground.there.instead = lambda action: (
        unsuccessful(UP, "InvalidState") if action.startswith("Reject") else None
    )
    (receipt,) = night.contain()
    assert (receipt.outcome, receipt.cause) == (Outcome.FAILED, Cause.REFUSED)
    assert states(ground)[UP] == "available"


def test_one_that_the_vendor_has_deleted_is_told_and_not_made(
    ground: Ground, night: AwsNight
) -> None:
    """Its end is the vendor's own to make."""
    night.contain()
    del ground.there.there[ground.service][UP]
    (receipt,) = night.restore()
    assert receipt.outcome is not Outcome.APPLIED
    assert UP not in states(ground)


def test_a_throttled_call_is_sent_again(ground: Ground, night: AwsNight) -> None:
    """429: nothing happened, so nothing is unproven."""
    left = [refused(429, "RequestLimitExceeded")]
    ground.there.instead = lambda action: (
        left.pop() if left and action.startswith("Reject") else None
    )
    assert outcomes(night.contain()) == [Outcome.APPLIED]


def test_a_reply_that_is_lost_leaves_it_unproven_and_rejected(
    ground: Ground, night: AwsNight
) -> None:
    """EC2 did it and answered 503: a person says whether it was us."""

    def lost(action: str) -> Any:
        if not action.startswith("Reject"):
            return None
        ground.there.connect(ground.service, UP, MERCOR, "rejected")
        return refused(503, "Unavailable")

    ground.there.instead = lost
    assert outcomes(night.contain()) == [Outcome.UNPROVEN]
    assert states(ground)[UP] == "rejected"


def test_connections_that_may_not_be_listed_are_a_gap(ground: Ground) -> None:
    """Of that service, and said once."""
    ground.there.instead = lambda _: refused(403, "AccessDenied")
    found = list(ground.connector.discover(VENDOR, Scope()))
    (gap,) = (f for f in found if isinstance(f, Gap))
    assert ground.service in gap.what


def test_by_hand_the_same_calls_are_made(ground: Ground, night: AwsNight) -> None:
    """Rejected, and accepted again."""
    (change,) = night.plan().work
    for one, verb in ((change, "reject"), (change.inverse(), "accept")):
        (line,) = night.aws.commands(change.address.document, [one], None).lines
        assert line.startswith(
            f"aws ec2 {verb}-vpc-endpoint-connections --service-id {ground.service}"
        )
