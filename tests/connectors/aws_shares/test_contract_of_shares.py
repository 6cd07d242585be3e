"""AWS keeps the contract for what is shared entry by entry, over an emulated account."""

from dataclasses import dataclass

import pytest
from connectors.contract import ConnectorContract
from support.aws import DATA, Cloud
from support.aws_grounds import BesideATopic, beside_a_topic
from support.aws_shares import KINDS, SERVED, Sharer
from support.paths import OWN, STUBBED

from stopline.connectors.aws.shares import SHARES
from stopline.estate import AwsAccount
from stopline.model import Document
from stopline.text import Json

WORDS = {
    "accounts": {DATA: AwsAccount(name="data")},
    "resources": SERVED,
}
STRANGER = "999999999999"


@dataclass(kw_only=True)
class ShareGround(BesideATopic):
    """One account with one of each kind that the emulator can share, and a topic."""

    sharer: Sharer
    ids: dict[str, str]

    def documents(self) -> list[Document]:
        """The document of each thing that is shared."""
        return [Document("aws", DATA, kind, id_) for kind, id_ in self.ids.items()]

    def picture(self) -> Json:
        """With whom each is shared, and the topic's policy."""
        shared = {str(d): self.sharer.shared(d) for d in self.documents()}
        return {**shared, "topic": self.policy()}

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


@pytest.fixture
def ground(cloud: Cloud) -> ShareGround:
    """One of each kind, shared with the vendor and with a look-alike."""
    sharer = Sharer(cloud)
    ids = {kind: sharer.make(kind, "labels") for kind in KINDS}
    return ShareGround(**beside_a_topic(cloud, WORDS), sharer=sharer, ids=ids)


class TestShares(ConnectorContract):
    """Images, snapshots, layers, services, documents, a data lake; a topic bears our mark."""


def test_the_ground_has_one_of_each_kind_that_the_emulator_shares(ground: ShareGround) -> None:
    """What it does not have as AWS has it is tried against AWS's own model of it, and what is
    switched off has grounds of its own: docs/access-paths.md says where.
    """
    kinds = {kind for kind, row in SHARES.items() if row.contains not in STUBBED | OWN}
    assert {d.kind for d in ground.documents()} == kinds
