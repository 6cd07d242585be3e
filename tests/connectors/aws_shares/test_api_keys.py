"""Keys of API Gateway: the vendor's are switched off and on, and nobody else's."""

from dataclasses import dataclass
from typing import Any

import pytest
from connectors.contract import ConnectorContract
from support.aws import DATA, VENDOR, Cloud, owners_client
from support.aws_grounds import BesideATopic, beside_a_topic
from support.aws_nights import AwsNight
from support.aws_shares import SWITCHES, playbook

from stopline.estate import AwsAccount
from stopline.model import Document
from stopline.playbook import Playbook
from stopline.receipts import Outcome
from stopline.text import Json
from stopline.vendors import Vendor

WORDS: dict[str, Any] = {
    "accounts": {DATA: AwsAccount(name="data")},
    "resources": ("sns-topics", "api-keys"),
}
PLAYBOOK = playbook(SWITCHES)


def naming(*ids: str) -> Vendor:
    """The vendor, whose file names these keys."""
    return VENDOR.model_copy(update={"aws": VENDOR.aws.model_copy(update={"api_keys": ids})})


@dataclass
class Keys:
    """The owner's hands on the keys of one account."""

    cloud: Cloud

    @property
    def gateway(self) -> Any:
        """The owner's client."""
        return owners_client(self.cloud.url, DATA, "apigateway")

    def make(self, name: str, *, on: bool = True, **tags: str) -> str:
        """A key; returns its id."""
        return str(self.gateway.create_api_key(name=name, enabled=on, tags=tags)["id"])

    def switch(self, id_: str, *, on: bool) -> None:
        """Switch one."""
        patch = [{"op": "replace", "path": "/enabled", "value": str(on).lower()}]
        self.gateway.update_api_key(apiKey=id_, patchOperations=patch)

    def picture(self) -> Json:
        """All of them, as the service shows them."""
        found = self.gateway.get_api_keys()["items"]
        return [{k: v for k, v in key.items() if k != "lastUpdatedDate"} for key in found]

    def on(self) -> set[str]:
        """The names of those that are on."""
        return {key["name"] for key in self.picture() if key["enabled"]}


@dataclass(kw_only=True)
class KeyGround(BesideATopic):
    """Keys of the vendor's, of a look-alike's and of the lab's; and a topic."""

    keys: Keys
    playbook: Playbook = PLAYBOOK

    def picture(self) -> Json:
        """The keys, and the topic's policy."""
        return {"keys": self.keys.picture(), "topic": self.policy()}

    def remove(self, document: Document) -> bool:
        """Delete a key."""
        if document == self.topic:
            return False
        self.keys.gateway.delete_api_key(apiKey=document.id.rpartition("/")[2])
        return True


@pytest.fixture
def keys(cloud: Cloud) -> Keys:
    """No key yet."""
    return Keys(cloud)


@pytest.fixture
def ground(cloud: Cloud, keys: Keys) -> KeyGround:
    """One that is named, one that is tagged, one that is off; a look-alike's, and the lab's."""
    named = keys.make("labels")
    keys.make("tagged", vendor="mercor")
    off = keys.make("off", on=False)
    keys.make("mercor", vendor="mercer")
    keys.make("labs")
    return KeyGround(**beside_a_topic(cloud, WORDS), keys=keys, vendor=naming(named, off))


class TestApiKeys(ConnectorContract):
    """Keys of API Gateway; a topic bears our mark."""


def a_night(ground: KeyGround, **words: Any) -> AwsNight:
    """A pause that looks at keys."""
    return AwsNight(ground.cloud.connector(**WORDS | words), ground.vendor, playbook=PLAYBOOK)


def test_the_vendors_are_switched_off_and_on_again_and_nobody_elses(ground: KeyGround) -> None:
    """By id and by tag; a name vouches for nothing, and what was off stays off."""
    night, before = a_night(ground), ground.picture()
    assert {r.outcome for r in night.contain()} == {Outcome.APPLIED}
    assert ground.keys.on() == {"mercor", "labs"}
    assert not night.plan().work
    assert {r.outcome for r in night.restore()} == {Outcome.APPLIED}
    assert ground.picture() == before


def test_a_tag_selects_and_does_not_vouch(ground: KeyGround) -> None:
    """Who may tag a key could make it look like the vendor's."""
    plan = a_night(ground).plan()
    said = [c.vouched for c in plan.work if c.address.kind == "api-key"]
    assert sorted(said) == [False, True]


def test_one_that_is_switched_on_meanwhile_is_switched_off_and_on_once(ground: KeyGround) -> None:
    """The next sweep sees it."""
    night = a_night(ground)
    night.contain()
    named = ground.vendor.aws.api_keys[0]
    ground.keys.switch(named, on=True)
    night.contain()
    assert "labels" not in ground.keys.on()
    night.restore()
    assert ground.keys.on() == {"labels", "tagged", "mercor", "labs"}


def test_one_that_is_gone_is_a_conflict_and_none_is_made(ground: KeyGround) -> None:
    """A key that is made anew has another value: the vendor would not know it."""
    night = a_night(ground)
    night.contain()
    named = ground.vendor.aws.api_keys[0]
    ground.keys.gateway.delete_api_key(apiKey=named)
    outcomes = [r.outcome for r in night.restore() if r.change.address.id.endswith(named)]
    assert Outcome.APPLIED not in outcomes
    assert "labels" not in {key["name"] for key in ground.keys.picture()}


def test_no_call_asks_for_a_keys_value(ground: KeyGround) -> None:
    """Whoever reads the journal could call as the vendor."""
    night = a_night(ground)
    night.contain()
    urls = [str(r.url) for r in ground.cloud.sent if "/apikeys" in str(r.url)]
    assert urls
    assert not [url for url in urls if "includeValue" in url]
