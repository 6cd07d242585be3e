"""`Tell`: sends the notices of one pause, each channel by itself, for as long as it takes.

A workflow of its own, which the pause starts and does not wait for: a channel that fails delays no
containment, no rollback and no audit.
"""

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities import api
    from workflows.calls import HEARTBEAT, call
    from workflows.messages import TELL

PATIENCE = timedelta(seconds=api.PATIENCE_SECONDS)
AGAIN = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    backoff_coefficient=2,
    maximum_interval=timedelta(minutes=10),
)


@workflow.defn(name=TELL)
class Tell:
    """Idempotent over the outbox: what was sent is not sent again by a later one."""

    @workflow.run
    async def run(self, order: api.TellOrder) -> api.Told:
        """Send what is due; or a test over every channel, whose outcome is the answer."""
        if order.test_by:
            return await call(
                api.TRY_CHANNELS, order, api.Told, summary="a test over every channel"
            )
        due = await call(api.NOTICES_DUE, order, api.Due, summary="what is to be sent")
        await asyncio.gather(*(self._through(order, channel) for channel in due.channels))
        return api.Told()

    async def _through(self, order: api.TellOrder, channel: str) -> None:
        asked = api.TellOrder(order.pause, order.journal, channel)
        try:
            await workflow.execute_activity(
                api.DELIVER,
                asked,
                result_type=int,
                schedule_to_close_timeout=PATIENCE,
                start_to_close_timeout=timedelta(minutes=10),
                heartbeat_timeout=HEARTBEAT,
                retry_policy=AGAIN,
                summary=f"send over {channel}",
            )
        except ActivityError:
            await call(api.GIVE_UP, asked, int, summary=f"give up {channel}")
