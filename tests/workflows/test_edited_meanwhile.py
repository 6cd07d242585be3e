"""What people approved is what is removed: what came to it in between is left, and told."""

import asyncio

import pytest
from support.pausing import PAUSE, Line, a_line

from activities import api
from stopline.errors import ConnectorError
from stopline.model import Direction, Document, Effect, Skip
from stopline.receipts import Cause, Hold
from workflows import messages as m


def with_keys(line: Line) -> None:
    """What is approved of a switch is to take it out with all that its principal has by then."""
    ended = line.connector.ended

    def says(hold: Hold) -> Effect | Skip:
        said = ended(hold)
        there = line.world.principals.get(hold.address.document.id.partition("/")[0])
        if isinstance(said, Skip) or there is None:
            return said
        return Effect(said.address, said.summary, only_if="\n".join(sorted(there.switches)))

    line.connector.ended = says  # type: ignore[method-assign]


@pytest.mark.parametrize("grows", [True, False])
def test_what_came_to_it_between_two_rounds_is_left_and_the_rest_goes(*, grows: bool) -> None:
    """A removal fails in the first round, is edited, and is planned anew: nobody approved that.

    Where less is left of what people saw, that much is covered by their yes.
    """

    async def scenario() -> None:
        async with a_line() as line:
            handle = await line.pause()
            with_keys(line)
            asked = api.RestoreOrder(by="alice", reason="over", request="first")
            ref = await handle.execute_update(m.TERMINATE, asked, result_type=api.PlanRef)
            switches, failed = line.world.principals["v0"].switches, list[Document]()

            def edited(moment: str, document: Document) -> None:
                if moment == "removing" and document.id == "v0/one" and not failed:
                    failed.append(document)
                    switches.update({"new": "off"} if grows else {})
                    switches.pop("two")
                    raise ConnectorError(Cause.DENIED, "not just now")

            line.connector.hook = edited
            await line.approve(handle, ref.digest, "bob")
            status = await line.until(handle, lambda s: s.summary.result not in {"", "contained"})
            assert failed
            there = {n for n, p in line.world.principals.items() if "one" in p.switches}
            assert there == ({"mercer", "v0"} if grows else {"mercer"})
            assert status.summary.result == ("partial" if grows else "terminated")
            if grows:
                assert "1 could not be removed" in status.summary.why
                (last,) = [r for a, r in line.book.pauses.latest(PAUSE).items() if a.id == "v0/one"]
                assert (last["cause"], last["held"]) == (Cause.REFUSED, True)
                assert "ask again with `stopline terminate`" in last["detail"]
                assert last["direction"] == Direction.TERMINATE

    asyncio.run(scenario())
