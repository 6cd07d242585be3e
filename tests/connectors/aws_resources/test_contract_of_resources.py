"""AWS keeps the contract for resources with a policy of their own, over an emulated account."""

import json
from dataclasses import dataclass

import pytest
from connectors.contract import ConnectorContract
from support.aws import DATA, ROLE, VENDOR, Cloud
from support.aws_longtail import CASES
from support.aws_resources import KINDS, STRANGER, Owner, playbook, statement

from stopline.connectors.aws import AwsConnector
from stopline.connectors.aws.kinds import where_of
from stopline.connectors.aws.resources import TABLE
from stopline.estate import AwsAccount, Estate, Protected
from stopline.model import Address, Document
from stopline.playbook import Playbook
from stopline.text import Json
from stopline.vendors import Vendor

PLAYBOOK = playbook()
ALONE = {"accounts": {DATA: AwsAccount(name="data")}}
"""One account: each more takes a client of every service, which is most of what a test takes."""
ESTATE = Estate(protected=Protected(orchestrator=(f"arn:aws:iam::*:role/{ROLE}",)))

UNSERVED = {"lambda-function", "backup-vault", "access-grants-instance", "ecr-registry"} | {
    case.kind for case in CASES
}


@dataclass
class ResourceGround:
    """One account with one of each kind of resource that the emulator serves."""

    cloud: Cloud
    owner: Owner
    connector: AwsConnector
    ids: dict[str, str]
    vendor: Vendor = VENDOR
    playbook: Playbook = PLAYBOOK
    realm: str = DATA
    estate: Estate = ESTATE

    def documents(self) -> list[Document]:
        """The document of each."""
        return [Document("aws", DATA, TABLE[k].statement, i) for k, i in self.ids.items()]

    def picture(self) -> Json:
        """Every policy, verbatim."""
        return {str(d): self.owner.text(d) for d in self.documents()}

    def raw(self, document: Document) -> str | None:
        """The verbatim policy."""
        return self.owner.text(document)

    def used(self) -> frozenset[str]:
        """What was really called."""
        used = frozenset(self.cloud.used)
        self.cloud.used.clear()
        return used

    def remove(self, document: Document) -> bool:
        """Delete the resource."""
        return self.owner.remove(document)

    def edit(self, document: Document) -> bool:
        """A stranger adds a statement."""
        row = TABLE[document.kind.removesuffix("-policy-statement")]
        body = json.loads(self.owner.text(document))
        arn = row.arn_of(where_of(document)) if row.on_of(where_of(document)) != "*" else "*"
        them = {"AWS": "arn:aws:iam::999999999999:root"}
        theirs = statement(row.kind, them, arn, Sid=STRANGER)
        others = [s for s in body["Statement"] if s["Sid"] != STRANGER]
        self.owner.put(document, json.dumps({**body, "Statement": [*others, theirs]}))
        return True

    def edited(self, document: Document) -> bool:
        """Whether the stranger's statement is there."""
        return STRANGER in self.owner.text(document)

    def close(self) -> None:
        """Nobody lets us assume our role there."""
        self.cloud.closed.add(DATA)
        self.connector = self.cloud.connector(**ALONE)


@pytest.fixture
def ground(cloud: Cloud) -> ResourceGround:
    """One of each kind, with the vendor and a look-alike let in by one statement."""
    owner = Owner(cloud)
    ids = {
        kind: f"{TABLE[kind].only_in or 'us-east-1'}/{owner.make(kind, 'labels')}" for kind in KINDS
    }
    return ResourceGround(cloud, owner, cloud.connector(**ALONE), ids)


class TestResources(ConnectorContract):
    """Keys, topics, queues, secrets, repositories, tables, buses, file systems and domains."""


def test_the_ground_has_one_of_each_kind_that_is_written(ground: ResourceGround) -> None:
    """So that no kind keeps the contract by not being there; the emulator has no policies of
    functions that are written whole, nor of vaults and Access Grants, and takes no deny in a
    registry's: they are tried against AWS's own models of them, each in a file of its own.
    """
    assert {Address.parse(f"{d}#x").kind for d in ground.documents()} == {
        row.statement for row in TABLE.values() if row.kind not in UNSERVED
    }
