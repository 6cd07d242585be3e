"""The endpoint that both sides of the bench call: worlds in memory, each call with a latency.

One process holds it, so a call costs its latency and next to no processor time. Each realm has
principals with switches: a change is an attachment or a switch, a document of its own, as with
users and keys of AWS; the deny that is attached is one more change for each realm.
"""

import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from stopline.commands import Commands
from stopline.connectors.memory import NAME, MemoryConnector, Principal, World
from stopline.model import Change, Document, Found, Grant, Residual, Scope, Skip
from stopline.port import Observed, Terms
from stopline.vendors import Vendor

PAGE = 100
"""What one call of a listing returns."""


@dataclass(frozen=True, slots=True)
class Size:
    """How large an estate is: changes in all, over so many realms; seconds for each call."""

    changes: int
    realms: int = 1
    latency: float = 0.01


@dataclass
class Endpoint:
    """A connector over several realms. `calls` counts what was asked of it."""

    size: Size
    calls: int = 0
    name: str = NAME
    propagation: float = 0.0
    permissions: Mapping[str, frozenset[str]] = field(
        default_factory=lambda: {"read": frozenset({"read"}), "write": frozenset({"write"})}
    )
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _realms: dict[str, MemoryConnector] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        """Fill the realms."""
        for number in range(self.size.realms):
            realm = f"r{number:03}"
            world = a_world(self.size.changes // self.size.realms)
            self._realms[realm] = MemoryConnector(world, realm, hook=self._hook)

    def _hook(self, moment: str, _document: Document) -> None:
        if moment != "sent":
            self._call()

    def _call(self) -> None:
        with self._lock:
            self.calls += 1
        time.sleep(self.size.latency)

    @property
    def pictures(self) -> list[object]:
        """Everything that is there, for comparison."""
        return [connector.world.picture() for connector in self._realms.values()]

    def discover(self, vendor: Vendor, scope: Scope) -> Iterator[Found]:
        """Yield what the vendor holds, a page at a time."""
        for connector in self._realms.values():
            for number, found in enumerate(connector.discover(vendor, scope)):
                if number % PAGE == 0:
                    self._call()
                yield found

    def contained(self, grant: Grant, terms: Terms) -> Iterable[Change | Skip]:
        """The opinion of the realm's connector."""
        return self._realms[grant.address.realm].contained(grant, terms)

    def read(self, document: Document) -> Observed:
        """Read one document: one call."""
        return self._realms[document.realm].read(document)

    def write(
        self, observed: Observed, changes: Sequence[Change], original: str | None, token: str
    ) -> None:
        """Write one document: one call."""
        self._realms[observed.document.realm].write(observed, changes, original, token)

    def residuals(self, change: Change) -> Iterable[Residual]:
        """What the realm's connector says."""
        return self._realms[change.address.realm].residuals(change)

    def commands(
        self, document: Document, changes: Sequence[Change], original: str | None
    ) -> Commands:
        """What the realm's connector says."""
        return self._realms[document.realm].commands(document, changes, original)


def a_world(changes: int) -> World:
    """A vendor whose containment takes exactly so many changes: deny, attachments, switches."""
    principals = (changes - 1) // 2
    switches = changes - 1 - principals
    world = World()
    for number in range(principals):
        more = switches - principals if number == 0 else 0
        keys = {f"k{i}": "on" for i in range(1 + more)}
        world.principals[f"v{number:05}"] = Principal(f"u{number}", "mercor", switches=keys)
    return world
