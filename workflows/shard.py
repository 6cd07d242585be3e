"""`Shard`: one connector and realm of one plan, stage by stage, a few batches at a time."""

import asyncio
from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities import api
    from workflows.calls import call
    from workflows.messages import SHARD, STATUS, STOP, ShardOrder

ROUNDS = 5
"""How often a batch is asked again at once for what was busy, throttled or unreachable."""


@workflow.defn(name=SHARD)
class Shard:
    """Idempotent over the journal: running a shard again is always safe."""

    @workflow.init
    def __init__(self, order: ShardOrder) -> None:
        self._order = order
        self._tally = api.Tally()
        self._stopping = False

    @workflow.run
    async def run(self, order: ShardOrder) -> api.Tally:
        """Carry out the stages in order and return what became of the changes."""
        for number, stage in enumerate(order.outline.stages):
            if self._done():
                break
            window = asyncio.Semaphore(order.order.options.window)
            tallies = await asyncio.gather(
                *(self._batch(window, number, start, stop) for start, stop in stage)
            )
            for tally in tallies:
                self._tally = self._tally.plus(tally)
        return self._tally

    @workflow.signal(name=STOP)
    def stop(self) -> None:
        """Finish the batches in flight, begin no other."""
        self._stopping = True

    @workflow.query(name=STATUS)
    def status(self) -> api.Tally:
        """What has been answered so far."""
        return self._tally

    def _done(self) -> bool:
        # A native cancel fails closed: stay as we are. It can be swallowed by an activity that
        # ends at the same moment, so the reason is asked for as well.
        return self._stopping or workflow.cancellation_reason() is not None

    async def _batch(
        self, window: asyncio.Semaphore, stage: int, start: int, stop: int
    ) -> api.Tally:
        order = self._order
        batch = api.BatchOrder(
            order.order,
            order.plan,
            order.direction,
            order.outline.connector,
            order.outline.realm,
            start,
            stop,
        )
        where = f"{batch.connector}:{batch.realm}"
        tally = api.Tally(unasked=stop - start)
        for round_ in range(ROUNDS):
            async with window:
                if self._done():
                    return tally
                summary = f"{order.direction} {where} {start}-{stop} s{stage} r{round_}"
                tally = await call(api.APPLY, batch, api.Tally, summary=summary)
            if not tally.again or self._done():
                return tally
            again = f"ask again: {tally.again} of {where} {start}-{stop}"
            await workflow.sleep(timedelta(seconds=2 * 2**round_), summary=again)
        return tally
