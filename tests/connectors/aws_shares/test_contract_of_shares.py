"""AWS keeps the contract for what is shared entry by entry, over an emulated account."""

from dataclasses import dataclass

import pytest
from connectors.contract import ConnectorContract
from support.aws import DATA, ROLE, VENDOR, Cloud
from support.aws_resources import Owner
from support.aws_shares import KINDS, SERVED, Sharer, playbook

from stopline.connectors.aws import AwsConnector
from stopline.connectors.aws.shares import SHARES
from stopline.estate import AwsAccount, Estate, Protected
from stopline.model import Document
from stopline.playbook import Playbook
from stopline.text import Json
from stopline.vendors import Vendor

PLAYBOOK = playbook()
WORDS = {
    "accounts": {DATA: AwsAccount(name="data")},
    "resources": SERVED,
}
ESTATE = Estate(protected=Protected(orchestrator=(f"arn:aws:iam::*:role/{ROLE}",)))
STRANGER = "999999999999"


@dataclass
class ShareGround:
    """One account with one of each kind that the emulator can share, and a topic."""

    cloud: Cloud
    sharer: Sharer
    connector: AwsConnector
    ids: dict[str, str]
    topic: Document
    vendor: Vendor = VENDOR
    playbook: Playbook = PLAYBOOK
    realm: str = DATA
    estate: Estate = ESTATE

    def documents(self) -> list[Document]:
        """The document of each thing that is shared."""
        return [Document("aws", DATA, kind, id_) for kind, id_ in self.ids.items()]

    def picture(self) -> Json:
        """With whom each is shared, and the topic's policy."""
        shared = {str(d): self.sharer.shared(d) for d in self.documents()}
        return {**shared, "topic": Owner(self.cloud).text(self.topic)}

    def raw(self, document: Document) -> str | None:
        """Entries have no text."""
        return Owner(self.cloud).text(document) if document == self.topic else None

    def used(self) -> frozenset[str]:
        """What was really called."""
        used = frozenset(self.cloud.used)
        self.cloud.used.clear()
        return used

    def remove(self, document: Document) -> bool:
        """Delete what is shared."""
        return document != self.topic and self.sharer.remove(document)

    def edit(self, document: Document) -> bool:
        """Its owner shares it with somebody else as well."""
        if document == self.topic:
            return False
        self.sharer.share(document, STRANGER)
        return True

    def edited(self, document: Document) -> bool:
        """Whether that stranger has it."""
        return STRANGER in self.sharer.shared(document)

    def close(self) -> None:
        """Nobody lets us assume our role there."""
        self.cloud.closed.add(DATA)
        self.connector = self.cloud.connector(**WORDS)


@pytest.fixture
def ground(cloud: Cloud) -> ShareGround:
    """One of each kind, shared with the vendor and with a look-alike."""
    sharer = Sharer(cloud)
    ids = {kind: sharer.make(kind, "labels") for kind in KINDS}
    name = Owner(cloud).make("sns-topic", "labels")
    topic = Document("aws", DATA, "sns-topic-policy-statement", f"us-east-1/{name}")
    return ShareGround(cloud, sharer, cloud.connector(**WORDS), ids, topic)


class TestShares(ConnectorContract):
    """Images, and snapshots of volumes, databases and clusters; a topic bears our mark."""


def test_the_ground_has_one_of_each_kind_that_the_emulator_shares(ground: ShareGround) -> None:
    """It cannot take a principal out of a resource share, nor list what is connected, nor update a
    key group: `test_resource_shares`, `test_connections` and `test_key_groups` have that. What is
    switched off has grounds of its own.
    """
    kinds = {kind for kind, row in SHARES.items() if not row.off}
    assert {d.kind for d in ground.documents()} == kinds - {
        "resource-share-principal",
        "endpoint-connection",
        "key-group-key",
    }
