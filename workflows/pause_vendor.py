"""`PauseVendor`: the entity of a pause, from its trigger to its end. Order, time and people.

The workflow id holds vendor and scope, so a second equal trigger joins the first. The whole
request travels in the input: an update that no worker has accepted is not durable, a start is.
It continues as new on entering PAUSED, so that months later another release resumes it from its
state and not from its history. Native cancellation fails closed: what is contained stays so.
"""

import asyncio
from dataclasses import replace
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ApplicationError
from temporalio.workflow import ParentClosePolicy

with workflow.unsafe.imports_passed_through():
    from activities import api
    from stopline.model import Direction
    from workflows import messages as m
    from workflows.calls import call, keep_sheet
    from workflows.messages import Phase

IDLE = 3
"""Passes in a row without a single write, after which what is left is left to a person."""


@workflow.defn(name=m.PAUSE_VENDOR)
class PauseVendor:
    """One pause of one vendor in one scope."""

    @workflow.init
    def __init__(self, state: m.PauseState) -> None:
        self._state = state
        self._stopping = False
        self._sweep = 0
        self._total = 0
        self._propagation = 0.0
        self._running: dict[str, workflow.ChildWorkflowHandle[m.ShardOrder, api.Tally]] = {}
        self._done = api.Tally()

    @workflow.run
    async def run(self, state: m.PauseState) -> api.Summary:
        """Carry the pause to its end; the answer is its last summary."""
        self._tell()
        if not state.opened and not await self._open():
            return self._finish()
        if state.phase is Phase.RESTORING:  # adopted in the middle of a rollback
            closed = await self._conclude(Direction.RESTORE, "", "")
            self._enter(Phase.CLOSED if closed else Phase.PAUSED)
        while self._state.phase is not Phase.CLOSED:
            try:
                await self._next()
            except asyncio.CancelledError:
                await self._cancelled()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self._finish()

    async def _next(self) -> None:
        """Do the one thing that is due, or rest until something is."""
        state = self._state
        if state.queued:
            await self._contain(state.queued[0])
            state.queued.pop(0)
            self._renew()
        elif state.restore is not None and state.approved is not None:
            await self._restore()
            self._renew()
        elif state.restore is not None and state.pending is None:
            await self._plan_restore()
        else:
            await self._rest()

    async def _cancelled(self) -> None:
        """A native cancel fails closed: what is contained stays so, and the pause stays open."""
        self._stopping = True
        self._state.queued.clear()
        self._state.restore = self._state.pending = self._state.approved = None
        await self._record("cancelled", "temporal", workflow.cancellation_reason() or "")
        await self._conclude(Direction.CONTAIN, "", "")
        self._enter(Phase.PAUSED)

    # --- opening ---------------------------------------------------------------------------------

    async def _open(self) -> bool:
        state = self._state
        opened = await call(api.OPEN, state.order, api.Opened, summary="open the pause")
        state.opened = True
        if opened.refused:
            state.summary = api.Summary(result="refused", why=opened.refused)
            return False
        if opened.second_person and not await self._second_person():
            state.summary = api.Summary(result="refused", why="nobody approved the plan in time")
            await self._record("closed", "stopline", state.summary.why, status="closed")
            return False
        state.queued.append(state.order)
        return True

    async def _second_person(self) -> bool:
        state = self._state
        state.phase = Phase.AWAITING_APPROVAL
        state.pending = api.PlanRef(ref=state.order.plan, digest=state.order.digest)
        self._tell()
        try:
            await workflow.wait_condition(
                lambda: state.approved is not None,
                timeout=timedelta(seconds=state.order.options.approval_seconds),
                timeout_summary="wait for a second person's approval",
            )
        except TimeoutError:
            return False
        state.pending, state.approved = None, None
        return True

    # --- containment -----------------------------------------------------------------------------

    async def _contain(self, order: api.PauseOrder) -> None:
        """Carry out the approved plan, then sweep until a pass plans nothing, then verify."""
        state, self._stopping = self._state, False
        self._enter(Phase.CONTAINING)
        tally = api.Tally()
        if order.plan:
            tally = await self._carry_out(order.plan, Direction.CONTAIN)
        plan, blocked, idle = order.plan, "", 0
        for number in range(1, order.options.most_passes + 1):
            if self._stopping:
                break
            self._sweep = number
            self._enter(Phase.SWEEPING)
            swept = await self._pass(order, tally)
            plan, blocked = swept.ref, swept.blocked
            if not swept.work or blocked:
                break
            tally = await self._carry_out(swept.ref, Direction.CONTAIN)
            idle = 0 if tally.applied else idle + 1
            if idle == IDLE:
                break
        if not self._stopping:
            self._enter(Phase.VERIFYING)
            await call(
                api.VERIFY, state.order, api.Tally, summary="read back what we left", minutes=30
            )
        await self._conclude(Direction.CONTAIN, plan, blocked)
        self._enter(Phase.PAUSED)

    async def _pass(self, order: api.PauseOrder, before: api.Tally) -> api.PlanRef:
        """One reading and planning; no sooner than the provider shows everywhere what we wrote."""
        if before.applied:
            seen = "until the writes are seen everywhere"
            await workflow.sleep(timedelta(seconds=self._propagation), summary=seen)
        summary = f"sweep {self._sweep}: read again, plan what is new"
        return await call(api.SWEEP, order, api.PlanRef, summary=summary, minutes=30)

    async def _carry_out(self, plan: str, direction: Direction) -> api.Tally:
        """One child for each connector and realm; all are awaited before anything else."""
        order = self._state.order
        asked = api.OutlineOrder(order, plan)
        await keep_sheet(order, plan)
        outlines = await call(api.OUTLINE, asked, api.Outlines, summary="cut the plan into batches")
        self._propagation = outlines.propagation
        self._total, self._done = sum(o.size for o in outlines.shards), api.Tally()
        self._state.runs += 1
        room = asyncio.Semaphore(order.options.shards)
        self._tell()
        answers = await asyncio.gather(
            *(self._shard(room, plan, direction, outline) for outline in outlines.shards),
            return_exceptions=True,
        )
        tally = api.Tally()
        for answer, outline in zip(answers, outlines.shards, strict=True):
            if isinstance(answer, BaseException):  # cancelled or terminated by hand
                answer = api.Tally(unasked=outline.size)  # noqa: PLW2901 - its size is the answer
            tally = tally.plus(answer)
        return tally

    async def _shard(
        self,
        room: asyncio.Semaphore,
        plan: str,
        direction: Direction,
        outline: api.Outline,
    ) -> api.Tally:
        order = self._state.order
        name = f"{outline.connector}:{outline.realm}"
        async with room:
            if self._stopping:
                return api.Tally(unasked=outline.size)
            child = await workflow.start_child_workflow(
                m.SHARD,
                m.ShardOrder(order, plan, direction, outline),
                id=f"{order.workflow}/{order.pause}/{direction}/{self._state.runs}/{name}",
                result_type=api.Tally,
                parent_close_policy=ParentClosePolicy.ABANDON,
                static_summary=f"{direction} {name}: {outline.size} changes",
            )
            self._running[name] = child
            try:
                tally: api.Tally = await child
            finally:
                del self._running[name]
        self._done = self._done.plus(tally)
        return tally

    # --- rollback --------------------------------------------------------------------------------

    async def _plan_restore(self) -> None:
        state = self._state
        if state.restore is None:
            return
        self._enter(Phase.PLANNING_ROLLBACK)
        asked = api.RestorePlan(state.order, state.restore)
        state.pending = await call(
            api.PLAN_RESTORE, asked, api.PlanRef, summary="plan the rollback from what happened"
        )
        closed = False
        if not state.pending.work:
            closed = await self._conclude(Direction.RESTORE, state.pending.ref, "")
            state.restore = state.pending = None
        self._enter(Phase.CLOSED if closed else Phase.PAUSED)

    async def _restore(self) -> None:
        """Carry out the approved rollback; a plan that went stale is shown, not carried out."""
        state, approved = self._state, self._state.approved
        if state.restore is None or approved is None:
            return
        self._stopping = False
        asked = api.RestorePlan(state.order, state.restore)
        fresh = await call(api.PLAN_RESTORE, asked, api.PlanRef, summary="is the plan still true?")
        if fresh.digest != approved.digest:
            state.pending, state.approved, state.stale = fresh, None, True
            self._tell()
            return
        self._enter(Phase.RESTORING)
        await self._record("restoring", approved.by, "", status="restoring")
        for _ in range(IDLE):
            tally = await self._carry_out(fresh.ref, Direction.RESTORE)
            fresh = await call(
                api.PLAN_RESTORE, asked, api.PlanRef, summary="what is still to be given back"
            )
            if self._stopping or not fresh.work or not tally.applied:
                break
        state.restore, state.pending, state.approved, state.stale = None, None, None, False
        closed = await self._conclude(Direction.RESTORE, fresh.ref, "")
        self._enter(Phase.CLOSED if closed else Phase.PAUSED)

    # --- resting ---------------------------------------------------------------------------------

    async def _rest(self) -> None:
        """Wait for a person; while the pause is partial, sweep again by and by."""
        state = self._state
        retry = state.summary.result == "partial" and state.restore is None
        wait = timedelta(seconds=state.order.options.sweep_again_seconds) if retry else None
        runs = (len(state.queued), state.restore, state.pending, state.approved)
        try:
            await workflow.wait_condition(
                lambda: (len(state.queued), state.restore, state.pending, state.approved) != runs,
                timeout=wait,
                timeout_summary="sweep again: the pause is partial" if retry else None,
            )
        except TimeoutError:
            # Only a sweep: the plan itself would take again what a rollback gave back in part.
            state.queued.append(replace(state.order, plan=""))

    def _renew(self) -> None:
        """Continue as new on entering PAUSED, when nobody is waiting for an answer."""
        state = self._state
        busy = state.queued or state.restore or not workflow.all_handlers_finished()
        if state.phase is Phase.PAUSED and not busy:
            workflow.continue_as_new(state)

    # --- what people say -------------------------------------------------------------------------

    @workflow.update(name=m.CONTAIN)
    async def contain(self, order: api.PauseOrder) -> str:
        """Contain again under a plan that a person has just read; for a pause that is open."""
        await self._record(
            "contain-again", order.requester, order.reason, plan=order.plan, digest=order.digest
        )
        self._state.queued.append(order)
        return self._state.order.pause

    @contain.validator
    def _may_contain(self, order: api.PauseOrder) -> None:
        if not self._state.opened or self._state.phase is Phase.CLOSED:
            raise ApplicationError("The pause is not open yet, or closed already; try again.")
        if self._state.restore is not None:
            raise ApplicationError("A rollback of this pause is under way; nothing was queued.")
        if not order.plan or not order.requester:
            raise ApplicationError("A plan and a requester are wanted.")

    @workflow.update(name=m.ROLLBACK)
    async def rollback(self, restore: api.RestoreOrder) -> api.PlanRef:
        """Ask for a rollback; answers with the plan that another person must approve."""
        state = self._state
        state.restore, state.pending, state.approved, state.stale = restore, None, None, False
        await workflow.wait_condition(lambda: self._planned(restore))
        return self._waiting()

    def _waiting(self) -> api.PlanRef:
        return self._state.pending or api.PlanRef()

    def _planned(self, restore: api.RestoreOrder) -> bool:
        """Whether this request has its plan, or was replaced or done with meanwhile."""
        return self._state.pending is not None or self._state.restore is not restore

    @rollback.validator
    def _may_rollback(self, restore: api.RestoreOrder) -> None:
        if self._state.phase is not Phase.PAUSED:
            raise ApplicationError(
                f"The pause is {self._state.phase}; a rollback can be asked for once it is paused. "
                "Use `stopline stop` to end a containment early."
            )
        if not restore.by:
            raise ApplicationError("Who asks for the rollback is not said.")

    @workflow.update(name=m.APPROVE)
    async def approve(self, approval: m.Approve) -> str:
        """A second person's yes to the digest that is waiting."""
        await self._record(
            "approved",
            approval.by,
            approval.reason,
            plan=self._state.pending.ref if self._state.pending else "",
            digest=approval.digest,
        )
        self._state.approved = approval
        return approval.digest

    @approve.validator
    def _may_approve(self, approval: m.Approve) -> None:
        state = self._state
        asked_by = state.restore.by if state.restore else state.order.requester
        if state.pending is None or state.approved is not None:
            raise ApplicationError("Nothing is waiting for an approval.")
        if not approval.by or approval.by == asked_by:
            raise ApplicationError(
                f"{approval.by or 'Nobody'} asked for it; the approval must be another person's."
            )
        if approval.digest != state.pending.digest:
            raise ApplicationError(
                f"The plan that waits is {state.pending.digest[:12]}, not "
                f"{approval.digest[:12]}: read it again."
            )

    @workflow.update(name=m.STOP)
    async def stop(self, stop: m.Stop) -> str:
        """Finish the batches in flight, then stay as you are; a waiting rollback is withdrawn."""
        self._stopping = True
        if self._state.phase is Phase.PAUSED:
            self._state.restore = self._state.pending = None
        for child in list(self._running.values()):
            await child.signal(m.STOP)
        await self._record("stop", stop.by, stop.reason)
        return self._state.phase

    @workflow.update(name=m.ACKNOWLEDGE)
    async def acknowledge(self, word: api.Acknowledgement) -> api.Summary:
        """A person accepts the gaps and what was left open; then they do not make it partial."""
        await self._record("acknowledged", word.by, word.reason)
        self._state.acknowledged_by = word.by
        if self._state.phase is Phase.PAUSED:
            await self._conclude(Direction.CONTAIN, "", "")
        return self._state.summary

    @workflow.query(name=m.STATUS)
    def status(self) -> m.Status:
        """Where the pause is, in numbers and references."""
        state = self._state
        return m.Status(
            order=state.order,
            phase=state.phase,
            sweep=self._sweep,
            total=self._total,
            done=sum(self._done.outcomes.values()),
            tally=self._done,
            summary=state.summary,
            pending=state.pending,
            asked_by=state.restore.by if state.restore else "",
            stopping=self._stopping,
            stale=state.stale,
            acknowledged_by=state.acknowledged_by,
        )

    # --- small things ----------------------------------------------------------------------------

    async def _record(
        self, kind: str, by: str, reason: str, *, plan: str = "", digest: str = "", status: str = ""
    ) -> None:
        said = api.Recording(self._state.order, kind, by, reason, plan, digest, status)
        await call(api.RECORD, said, bool, summary=f"write down: {kind} by {by}")

    async def _conclude(self, direction: Direction, plan: str, blocked: str) -> bool:
        """Bring the journal's status up to date; True when nothing is held any more."""
        asked = api.Conclusion(self._state.order, direction, plan, self._stopping, blocked)
        self._state.summary = await call(
            api.CONCLUDE, asked, api.Summary, summary="what became of it"
        )
        await keep_sheet(self._state.order)
        return self._state.summary.result == "restored"

    def _enter(self, phase: Phase) -> None:
        self._state.phase = phase
        self._tell()

    def _tell(self) -> None:
        """The line that Temporal's own UI shows; it does not survive continue-as-new."""
        state, s = self._state, self._state.summary
        order = state.order
        workflow.set_current_details(
            f"**{order.vendor}** ({order.scope.key}), pause `{order.pause}`: **{state.phase}**  \n"
            f"asked for by {order.requester}; {s.result or 'no result yet'}, held {s.held}, "
            f"failed {s.failed}, conflicts {s.conflicts}, left open {s.open_skips}, gaps {s.gaps}"
        )

    def _finish(self) -> api.Summary:
        self._state.phase = Phase.CLOSED
        self._tell()
        return self._state.summary
