"""A newer worker goes on with what an older one left in the middle, and does what that did not."""

import asyncio
from pathlib import Path

import pytest
from support.older import older_worker
from support.pausing import PAUSE, PLAYBOOK, Line, a_line
from support.providers import Provider, provider

from activities import api
from activities.telling import Teller
from stopline.journal.outbox import NoticeState
from workflows import messages as m

SOON = f"{PLAYBOOK}audits: {{hours: 0.0005, jitter_minutes: 0}}\n"
FILE = """\
contact: "+1 555 0100"
channels:
  room: {{kind: webhook, secret: NOTICES_ROOM, url: "{url}/room"}}
audiences:
  responders: [{{channel: room}}]
"""


async def sent(line: Line) -> set[str]:
    """The notices that were sent, once nothing is due any more."""
    outbox = line.book.outbox
    for _ in range(200):
        if not outbox.due(PAUSE):
            break
        await asyncio.sleep(0.05)
    return {n.key for n in outbox.of(PAUSE) if n.state is NoticeState.SENT}


def test_a_run_that_a_release_without_notices_began_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rollback waits when the worker is replaced; its history has no notices, and none is asked.

    What was due all the while is sent by the next run, which an audit of the calendar begins.
    """
    monkeypatch.setenv("NOTICES_ROOM", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")

    async def scenario(there: Provider) -> None:
        (tmp_path / "notices.yaml").write_text(FILE.format(url=there.url))
        async with a_line(playbook=SOON, teller=Teller(tmp_path), working=False) as line:
            async with older_worker(line):
                handle = await line.pause()
                await asyncio.sleep(0.5)  # it has continued as new
                await line.rollback(handle, request="never mind")
                word = api.Acknowledgement("alice", "known", "")
                await handle.execute_update(m.ACKNOWLEDGE, word, result_type=api.Summary)
                due = {notice.key for notice in line.book.outbox.of(PAUSE)}
            assert due
            assert not there.asked
            async with line.working():
                no = m.Reject("bob", "not yet")
                await handle.execute_update(m.REJECT, no, result_type=str)
                assert await sent(line) >= due
                assert (await line.restored(handle)).result == "restored"

    with provider() as there:
        asyncio.run(scenario(there))
