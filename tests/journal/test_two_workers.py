"""Two worker processes on one PostgreSQL: one pause, shared between them."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.postgres import Databases
from support.tree import ROOT
from temporalio.client import Client

from stopline.drill.run import Drill


@pytest.fixture
def night(postgresql: Databases, tmp_path: Path) -> Iterator[Drill]:
    """The drill's estate, Temporal, a PostgreSQL and two workers."""
    playbook = (ROOT / "config" / "playbooks" / "default.yaml").read_text("utf-8")
    drill = Drill(tmp_path, playbook, 1, "postgresql")
    try:
        drill.start()
        yield drill
    finally:
        drill.stop()
        for folder in drill.folders[1:]:
            shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.night
@pytest.mark.timeout(600)
def test_one_pause_is_contained_and_restored_by_two_workers(night: Drill) -> None:
    """The drill passes, both workers did some of it; only the terminated pause holds on."""
    report = night.run()
    assert report.faults == []
    assert all(figures.restored_identical for figures in report.figures.values())
    pids = {str(night.worker.pid), str(night.second.pid)}
    assert asyncio.run(at_work(night)) == pids
    restored, *_, terminated = night.book.pauses.list("mercor")
    assert night.book.writes.holds(restored.id) == ()
    assert {hold.pause for hold in night.book.writes.holds()} == {terminated.id}
    assert night.book.store.verify()[1] == ""


async def at_work(night: Drill) -> set[str]:
    """The process ids of the workers that began an activity, by Temporal's histories."""
    client = await Client.connect(night.server.address)
    identities = set()
    async for each in client.list_workflows():
        handle = client.get_workflow_handle(each.id, run_id=each.run_id)
        async for event in handle.fetch_history_events():
            if event.HasField("activity_task_started_event_attributes"):
                identities.add(event.activity_task_started_event_attributes.identity)
    return {identity.split()[-1].partition("@")[0] for identity in identities}
