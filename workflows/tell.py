"""`Tell`: sends the notices of one pause, each channel by itself, for as long as it takes.

A workflow of its own, which the pause starts and does not wait for: a channel that fails delays no
containment, no rollback and no audit. What nobody acknowledges it tells the next ones, by timers
that outlast every restart. What a person says about notices goes through it to the worker.
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

ESCALATION = "escalation"
"""The patch by which a history is known to be one of what escalates."""
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
        if order.word:
            told = await call(api.HEAR, order, api.Told, summary=f"{order.word} by {order.by}")
            await self._go_on(order)
            return told
        due = await call(api.NOTICES_DUE, order, api.Due, summary="what is to be sent")
        sending = [self._through(order, channel) for channel in due.channels]
        if due.levels and workflow.patched(ESCALATION):
            sending.append(self._escalate(order, due))
        await asyncio.gather(*sending)
        return api.Told()

    async def _go_on(self, order: api.TellOrder) -> None:
        """What a person's word lets be sent is sent by one like this, for which nobody waits."""
        await workflow.start_child_workflow(
            TELL,
            api.TellOrder(order.pause, order.journal),
            id=f"notices/{order.pause}/{workflow.uuid4()}",
            result_type=api.Told,
            parent_close_policy=workflow.ParentClosePolicy.ABANDON,
            static_summary="tell whom a person's word lets hear",
        )

    async def _escalate(self, order: api.TellOrder, due: api.Due) -> None:
        """While nobody acknowledges, tell level after level; each is sent to while we wait on."""
        level, sending = 1, list[asyncio.Task[None]]()
        while level <= due.levels:
            await workflow.sleep(
                timedelta(seconds=due.seconds), summary="until somebody acknowledges it"
            )
            asked = api.TellOrder(order.pause, order.journal, seq=due.seq, level=level)
            due = await call(
                api.ESCALATE, asked, api.Due, summary=f"if nobody has: tell level {level}"
            )
            sending += [
                asyncio.create_task(self._through(order, channel)) for channel in due.channels
            ]
            level += 1
        await asyncio.gather(*sending)

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
