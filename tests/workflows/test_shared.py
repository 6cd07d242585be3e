"""A principal that others share, through the real workflow: shut, cut, cut again, given back."""

import asyncio
from datetime import datetime

from support.pausing import PAUSE, PLAYBOOK, VENDOR, a_line, a_world

from stopline.configuration import Frozen
from stopline.connectors.memory import Principal
from stopline.receipts import Outcome

RULE = "      - {name: targets, connector: memory, contains: targets, how: deny}\n"
SHARED = "      - {name: shared, connector: memory, contains: shared, how: door}\n"


def test_a_pause_ends_contained_with_a_cut_behind_the_door() -> None:
    """The sweep moves the cut behind the write of the door, then finds nothing; all comes back."""

    async def night() -> None:
        world = a_world(1)
        world.principals["shared"] = Principal("uid-s", "mercor", shared_with=("mercer",))
        before = world.picture()
        assert RULE in PLAYBOOK
        async with a_line(world) as line:
            line.connector.propagation = 1.0
            frozen = Frozen(VENDOR, PLAYBOOK.replace(RULE, RULE + SHARED), "{}")
            line.frozen = line.book.pauses.keep("frozen", frozen.dump())
            handle = await line.pause()
            status = await line.status(handle)
            assert status.summary.result == "contained"
            (cut,) = world.cuts.values()
            stamps = [
                (event.at, receipt["address"])
                for event in line.book.store.events(PAUSE, "receipts")
                for receipt in event.data["receipts"]
                if receipt["outcome"] == Outcome.APPLIED
            ]
            (shut,) = [at for at, address in stamps if ":door:" in address]
            cuts = [at for at, address in stamps if ":cut:" in address]
            assert len(cuts) == 2
            seconds = [datetime.fromisoformat(text).timestamp() for text in (shut, cut, cuts[1])]
            assert seconds[0] + 1.0 <= seconds[1] <= seconds[2]
            assert (await line.restored(handle)).result == "restored"
        assert world.picture() == before

    asyncio.run(night())
