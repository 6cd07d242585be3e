"""A ground of one emulated account, with a topic that bears our mark beside what is tested."""

from dataclasses import dataclass
from typing import Any

from support.aws import DATA, ROLE, VENDOR, Cloud
from support.aws_resources import Owner
from support.aws_shares import playbook

from stopline.connectors.aws import AwsConnector
from stopline.estate import Estate, Protected
from stopline.model import Document
from stopline.playbook import Playbook
from stopline.vendors import Vendor

PLAYBOOK = playbook()
ESTATE = Estate(protected=Protected(orchestrator=(f"arn:aws:iam::*:role/{ROLE}",)))


@dataclass(kw_only=True)
class BesideATopic:
    """What the contract wants of a ground, but for what is tested: a switch, where nothing is said.

    `words` are the estate's.
    """

    cloud: Cloud
    connector: AwsConnector
    topic: Document
    words: dict[str, Any]
    vendor: Vendor = VENDOR
    playbook: Playbook = PLAYBOOK
    realm: str = DATA
    estate: Estate = ESTATE

    def policy(self) -> str:
        """The topic's."""
        return Owner(self.cloud).text(self.topic)

    def raw(self, document: Document) -> str | None:
        """Nothing but the topic has a text of ours."""
        return self.policy() if document == self.topic else None

    def used(self) -> frozenset[str]:
        """What was really called."""
        used = frozenset(self.cloud.used)
        self.cloud.used.clear()
        return used

    def edit(self, _document: Document) -> bool:
        """A switch is whole: there is no elsewhere in it."""
        return False

    def edited(self, _document: Document) -> bool:
        """See `edit`."""
        return False

    def close(self) -> None:
        """Nobody lets us assume our role there."""
        self.cloud.closed.add(DATA)
        self.connector = self.cloud.connector(**self.words)


def beside_a_topic(cloud: Cloud, words: dict[str, Any]) -> dict[str, Any]:
    """The words of such a ground: a connector, and a topic that lets the vendor in."""
    name = Owner(cloud).make("sns-topic", "labels")
    topic = Document("aws", DATA, "sns-topic-policy-statement", f"us-east-1/{name}")
    return {
        "cloud": cloud, "connector": cloud.connector(**words), "topic": topic, "words": words,
    }  # fmt: skip
