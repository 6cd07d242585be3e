"""`make histories`: live through a pause on a real server, and keep what Temporal wrote down of it.

The files are replayed by tests/workflows/test_replay.py, so that a workflow that would not go on
with a pause that an older release opened fails a test. They are added to, never written over: a
history of an older release is the very thing that must go on replaying.
"""

import asyncio
import re
import sys
from pathlib import Path

from support.pausing import Line, a_line
from temporalio.client import WorkflowHandle

from activities import api
from stopline.model import Scope
from workflows import messages as m

FOLDER = Path(__file__).parents[1] / "workflows" / "histories"
WHO = re.compile(r'"identity": "[^"]*"')
STACK = re.compile(r'"stackTrace": "(?:[^"\\]|\\.)*"')
"""Both name the machine; nothing in a replay hangs on them."""


async def live(line: Line) -> None:
    """Contained, audited and contained again, given back in part, rejected, terminated; then what
    is left is given back.
    """
    handle = await line.pause()
    with line.world.lock:
        line.world.principals["v0"].attached.clear()
    await handle.execute_update(m.AUDIT, m.Audit("carol"), result_type=api.Audited)
    await line.until(handle, lambda s: s.phase is m.Phase.PAUSED and not s.audit_due)
    await _settled(line, handle)
    waiting = await line.rollback(handle, scope=Scope(principals=("v0",)))
    await line.approve(handle, waiting.digest)
    await line.until(handle, lambda s: s.phase is m.Phase.PAUSED and not s.pending)
    await _settled(line, handle)
    await line.rollback(handle)
    await handle.execute_update(m.REJECT, m.Reject("carol", "not yet"), result_type=str)
    await _settled(line, handle)
    over = api.RestoreOrder(by="alice", reason="over", request="over")
    waiting = await handle.execute_update(m.TERMINATE, over, result_type=api.PlanRef)
    await line.approve(handle, waiting.digest)
    await line.until(handle, lambda s: s.summary.result == "terminated")
    await _settled(line, handle)
    await line.restored(handle)


async def _settled(line: Line, handle: WorkflowHandle) -> None:
    """Until it has continued as new and rests."""
    await asyncio.sleep(0.5)
    await line.rests(handle)


async def recorded() -> dict[str, str]:
    """Every history of such a life, as JSON by a telling name."""
    async with a_line() as line:
        await live(line)
        found: dict[str, str] = {}
        listed = [one async for one in line.listed()]
        for number, one in enumerate(sorted(listed, key=lambda w: (w.start_time, w.id)), 1):
            handle = line.client.get_workflow_handle(one.id, run_id=one.run_id)
            history = (await handle.fetch_history()).to_json()
            history = WHO.sub('"identity": "worker"', STACK.sub('"stackTrace": ""', history))
            found[f"{number:02}-{one.workflow_type}"] = history
        return found


def main(release: str) -> int:
    """Write the histories of a release. Returns 1, and writes nothing, where they are there."""
    folder = FOLDER / release
    if folder.exists():
        sys.stderr.write(f"{folder} is there already: histories are added, never replaced.\n")
        return 1
    histories = asyncio.run(recorded())
    folder.mkdir(parents=True)
    for name, text in histories.items():
        (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
