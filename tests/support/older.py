"""A worker of an older release: what that did not do, no newer one may ask of its histories."""

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from support.pausing import Line
from temporalio import workflow
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities import api
from workflows import messages as m
from workflows.pause_vendor import PauseVendor
from workflows.plan_vendor import PlanVendor
from workflows.shard import Shard
from workflows.tell import Tell


@workflow.defn(name=m.PAUSE_VENDOR)
class BeforeNotices(PauseVendor):
    """The pause as it was before it sent notices: what an older worker runs."""

    @workflow.init
    def __init__(self, state: m.PauseState) -> None:
        super().__init__(state)

    @workflow.run
    async def run(self, state: m.PauseState) -> api.Summary:
        """As ever."""
        return await super().run(state)

    def _send_notices(self, due: int) -> None:
        """Nothing is sent."""

    @property
    def _slowly(self) -> bool:
        """It knew no breach, and looked once a day."""
        return False


@asynccontextmanager
async def older_worker(line: Line) -> AsyncIterator[None]:
    """A worker of the release before, on the line's queue."""
    assert line.activities is not None
    async with Worker(
        line.client,
        task_queue=line.queue,
        workflows=[BeforeNotices, PlanVendor, Shard, Tell],
        activities=line.activities.all(),
        activity_executor=ThreadPoolExecutor(8),
        max_cached_workflows=0,  # a server that skips time takes no task from a cache that is gone
        workflow_runner=UnsandboxedWorkflowRunner(),  # a test's module is not made for it
    ):
        yield
