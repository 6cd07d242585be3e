"""The reference fake keeps the contract, with and without tags."""

import json
from dataclasses import dataclass, field

import pytest
from connectors.contract import MARK, ConnectorContract, back, carry_out, documents, plan
from connectors.ending import EndingContract
from support.nights import PLAYBOOK

from stopline.connectors.memory import MemoryConnector, Principal, World
from stopline.errors import StaleError
from stopline.estate import Estate
from stopline.model import Document
from stopline.playbook import Playbook
from stopline.text import Json
from stopline.vendors import Vendor

STRANGER = "Stranger"


def a_world() -> World:
    """A vendor with keys on and off beside somebody else; texts that must come back verbatim."""
    return World(
        {
            "v0": Principal("u0", "mercor", switches={"one": "on", "two": "off"}),
            "v1": Principal("u1", "mercor", switches={"one": "on"}),
            "other": Principal("u4", "mercer", switches={"one": "on"}),
        },
        targets={"data": '{ "Statement": [ {"Sid": "Lab"} ] }', "empty": ""},
    )


@dataclass
class MemoryGround:
    """The world in memory; what the hook sees are the calls."""

    tags: bool = False
    world: World = field(default_factory=a_world)
    vendor: Vendor = field(default_factory=lambda: Vendor(vendor="mercor"))
    playbook: Playbook = PLAYBOOK
    estate: Estate = field(default_factory=Estate)
    realm: str = "r1"

    def __post_init__(self) -> None:
        """Count what is used."""
        self._used: set[str] = set()
        self._removing = False
        self.connector = MemoryConnector(self.world, tags=self.tags, hook=self._hook)

    def _hook(self, moment: str, _document: Document) -> None:
        self._removing = moment == "removing" or (self._removing and moment != "read")
        other = "terminate" if self._removing else "write"
        self._used.add("read" if moment == "read" else other)

    def picture(self) -> Json:
        """The world's own."""
        return self.world.picture()

    def raw(self, document: Document) -> str | None:
        """Only targets have a text."""
        return self.world.targets[document.id] if document.kind == "statement" else None

    def used(self) -> frozenset[str]:
        """What the hook saw."""
        used, self._used = frozenset(self._used), set()
        return used

    def remove(self, document: Document) -> bool:
        """Delete the principal, its switch, or the target."""
        if document.kind == "statement":
            del self.world.targets[document.id]
        elif document.kind == "attachment":
            del self.world.principals[document.id]
        elif document.kind == "switch":
            owner, _, key = document.id.partition("/")
            principal = self.world.principals.get(owner)
            if principal is None or principal.switches.pop(key, None) is None:
                return False
        else:
            return False
        return True

    def edit(self, document: Document) -> bool:
        """Add a statement to a target, or attach something else to a principal."""
        if document.kind == "statement":
            raw = self.world.targets[document.id]
            body = json.loads(raw) if raw else {"Statement": []}
            body["Statement"].append({"Sid": STRANGER})
            self.world.put_target(document.id, json.dumps(body))
        elif document.kind == "attachment":
            self.world.principals[document.id].attached.add(STRANGER)
        else:
            return False
        return True

    def edited(self, document: Document) -> bool:
        """Whether that is there."""
        if document.kind == "statement":
            return STRANGER in self.world.targets[document.id]
        return STRANGER in self.world.principals[document.id].attached

    def close(self) -> None:
        """The realm answers nobody."""
        self.world.closed.add(self.realm)


@pytest.fixture(params=[False, True], ids=["without-tags", "with-tags"])
def ground(request: pytest.FixtureRequest) -> MemoryGround:
    """A world with a concurrency tag on its targets, and one without."""
    return MemoryGround(tags=request.param)


class TestMemory(ConnectorContract, EndingContract):
    """The world in memory."""


def test_a_write_over_a_strangers_edit_is_stale_where_there_is_a_tag() -> None:
    """The tag moved between our read and our write: nothing is written."""
    ground = MemoryGround(tags=True)
    changes = [c for c in plan(ground).changes if c.address.kind == "statement"]
    for document, group in documents(changes):
        seen = ground.connector.read(document)
        ground.edit(document)
        with pytest.raises(StaleError):
            ground.connector.write(seen, group, seen.raw, "token")
        assert MARK.journal not in ground.world.targets[document.id]


def test_a_foundation_cannot_go_while_something_stands_on_it() -> None:
    """Lifted in the wrong order, the world refuses, as the real ones do."""
    ground = MemoryGround()
    changes = plan(ground).changes
    carry_out(ground, changes)
    lifted = back(changes)
    base = next(c for c in lifted if c.address.kind == "foundation")
    seen = ground.connector.read(base.address.document)
    with pytest.raises(Exception, match="still attached"):
        ground.connector.write(seen, [base], None, "token")
