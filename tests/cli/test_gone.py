"""A pause whose workflow has ended: status says so, and how it goes on."""

import asyncio

from support.asking import Asking

from stopline.entrypoints.temporal import connect
from stopline.journal.pauses import Pause


def terminate(pause: Pause, asking: Asking) -> None:
    """End the workflow by Temporal's own means, as somebody might in its UI."""

    async def end() -> None:
        client = await connect(asking.house.settings)
        await client.get_workflow_handle(pause.workflow).terminate("by hand")

    asyncio.run(end())


def test_a_pauses_status_says_that_its_workflow_is_gone(asking: Asking) -> None:
    """Contained it still is; but nobody watches it, and the command that mends it is there."""
    asking.pause()
    (pause,) = asking.house.book.pauses.list()
    assert "nobody watches" not in asking.ask("status", "mercor").said
    terminate(pause, asking)
    gone = asking.ask("status", "mercor")
    assert f"nobody watches it run: stopline adopt {pause.id}" in gone.said
    assert "contained (gone)" in asking.ask("status").said
    assert asking.ask("status", "mercor", "--output", "json").document["workflow_gone"]
    assert asking.ask("adopt", pause.id).code == 0
    assert "nobody watches" not in asking.ask("status", "mercor").said
    asking.rollback()
    asking.approve()
