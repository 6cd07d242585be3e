"""What spans other realms, through the real workflow: beside them, and given back after them."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from support.pausing import PAUSE, a_line, a_world

from stopline.connectors.memory import MemoryConnector, World
from stopline.model import Change, Document, Found, Grant, Scope, Skip
from stopline.port import Observed, Terms
from stopline.receipts import Outcome
from stopline.vendors import Vendor

ABOVE = "r0"


@dataclass
class TwoRealms(MemoryConnector):
    """A realm above another one: what is done there reaches into both."""

    above: MemoryConnector = field(default_factory=lambda: MemoryConnector(World(), ABOVE))

    def discover(self, vendor: Vendor, scope: Scope) -> Iterator[Found]:
        """What both hold."""
        yield from super().discover(vendor, scope)
        yield from self.above.discover(vendor, scope)

    def contained(self, grant: Grant, terms: Terms) -> Iterator[Change | Skip]:
        """The upper one's spans the other."""
        for opinion in super().contained(grant, terms):
            upper = isinstance(opinion, Change) and grant.address.realm == ABOVE
            yield replace(opinion, spans=True) if upper else opinion

    def read(self, document: Document) -> Observed:
        """Each from its own world."""
        return self.above.read(document) if document.realm == ABOVE else super().read(document)

    def write(
        self, observed: Observed, changes: Sequence[Change], original: str | None, token: str
    ) -> None:
        """Each to its own world."""
        if observed.document.realm == ABOVE:
            self.above.write(observed, changes, original, token)
        else:
            super().write(observed, changes, original, token)


def test_what_spans_realms_is_given_back_when_all_else_is() -> None:
    """Its name sorts first, and its shard begins when those of the others have answered."""

    async def night() -> None:
        world, upper = a_world(3), a_world(1)
        before = world.picture(), upper.picture()
        async with a_line(world, working=False) as line:
            assert line.activities is not None
            both = TwoRealms(world, above=MemoryConnector(upper, ABOVE))
            line.activities = replace(
                line.activities, connectors_of=lambda _estate: {"memory": both}
            )
            async with line.working():
                handle = await line.pause()
                assert (await line.status(handle)).summary.result == "contained"
                assert (world.picture(), upper.picture()) != before
                assert (await line.restored(handle)).result == "restored"
            written = [
                receipt["address"].split(":")[1]
                for event in line.book.store.events(PAUSE, "receipts")
                for receipt in event.data["receipts"]
                if receipt["outcome"] == Outcome.APPLIED
            ]
            realms = written[len(written) // 2 :]  # as many ways back as there
            assert realms == sorted(realms, reverse=True)
            assert set(realms) == {ABOVE, "r1"}
        assert (world.picture(), upper.picture()) == before

    asyncio.run(night())
