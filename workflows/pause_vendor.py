"""`PauseVendor`: the entity of a pause, from its trigger to its end. Order, time and people.

The workflow id holds vendor and scope, so a second equal trigger joins the first. The whole
request travels in the input: an update that no worker has accepted is not durable, a start is.
It continues as new on entering PAUSED, so that months later another release resumes it from its
state and not from its history. Native cancellation fails closed: what is contained stays so.
"""

import asyncio
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception
from temporalio.workflow import ParentClosePolicy

with workflow.unsafe.imports_passed_through():
    import workflows.messages as m
    from activities import api
    from stopline.model import Direction
    from workflows.calls import call, end_early, keep_sheet, reason_of
    from workflows.messages import Phase
    from workflows.words import PeoplesWords

REFUSED = "refused-told"
"""The patch by which a history is known to be one in which a refusal is told."""
BREACHED = "breached"
"""The patch by which a history is known to be one in which a breached pause is looked at slowly."""
SETTLES = "settles"
"""The patch by which a history is known to be one in which a removal waits for what settles."""
WAITS = "waiting"
"""The cause of a write that a person must do by hand."""
IDLE = 3
"""Passes in a row without a single write, after which what is left is left to a person."""

_UNDER_WAY = {
    Phase.CONTAINING: Direction.CONTAIN,
    Phase.RESTORING: Direction.RESTORE,
    Phase.TERMINATING: Direction.TERMINATE,
}
"""Which way a pause was going that was adopted in the middle of it."""
_AT_WORK = _UNDER_WAY | dict.fromkeys((Phase.SWEEPING, Phase.VERIFYING), Direction.CONTAIN)
"""Which way a pause is going that cannot go on."""


@workflow.defn(name=m.PAUSE_VENDOR)
class PauseVendor(PeoplesWords):
    """One pause of one vendor in one scope."""

    @workflow.init
    def __init__(self, state: m.PauseState) -> None:
        super().__init__(state)
        self._propagation = 0.0
        self._unasked = ""

    @workflow.run
    async def run(self, state: m.PauseState) -> api.Summary:
        """Carry the pause to its end; the answer is its last summary."""
        self._tell()
        if state.opened or await self._open():
            await self._live()
        await workflow.wait_condition(workflow.all_handlers_finished)
        await self._all_begun()
        return self._finish()

    async def _live(self) -> None:
        """Until it is closed, do what is due."""
        if direction := _UNDER_WAY.get(self._state.phase):  # adopted in the middle
            closed = await self._conclude(direction, "", "")
            self._enter(Phase.CLOSED if closed else Phase.PAUSED)
        while self._state.phase is not Phase.CLOSED:
            try:
                await self._next()
            except asyncio.CancelledError:
                await self._cancelled()
            except ActivityError as error:
                if is_cancelled_exception(error):
                    await self._cancelled()
                    continue
                await self._interrupted(reason_of(error))
                await self._renew()

    async def _next(self) -> None:
        """Do the one thing that is due, or rest until something is."""
        state = self._state
        if state.queued:
            await self._contain(state.queued[0])
            state.queued.pop(0)
            state.interrupted = ""
            await self._renew()
        elif state.restore is not None and state.approved is not None and not state.by_hand:
            await self._restore()
            await self._renew()
        elif state.restore is not None and state.pending is None and not state.by_hand:
            await self._plan_restore()
        elif state.audit_by:
            await self._audit()
            await self._renew()
        else:
            await self._rest()

    async def _cancelled(self) -> None:
        """A native cancel fails closed: what is contained stays so, and the pause stays open."""
        self._stopping = True
        self._state.queued.clear()
        self._state.withdraw()
        await self._record("cancelled", "temporal", workflow.cancellation_reason() or "")
        await self._conclude(Direction.CONTAIN, "", "")
        self._stopping = False
        self._enter(Phase.PAUSED)

    async def _interrupted(self, why: str) -> None:
        """What cannot be done is withdrawn, not lost: what is contained stays so, and is looked at
        again by and by. Without a connector, for example, that a worker is started with later.
        """
        state, direction = self._state, _AT_WORK.get(self._state.phase)
        wanted = state.restore
        state.queued.clear()
        await self._say_why(why, withdrawn=wanted)
        closed = direction is not None and await self._end(direction, "", why)
        if state.restore is wanted:  # else another was asked for meanwhile
            state.withdraw()
        self._enter(Phase.CLOSED if closed else Phase.PAUSED)

    async def _say_why(self, why: str, withdrawn: api.RestoreOrder | None = None) -> None:
        """Write down why it could not go on; once, however often it is tried.

        With the request that is withdrawn by it, each time: what was signed counts no more.
        """
        known, self._state.interrupted = self._state.interrupted, why
        more = {"withdrawn": withdrawn.request} if withdrawn is not None else {}
        if why != known or more:
            await self._record("interrupted", "stopline", why, more=more)

    # --- opening ---------------------------------------------------------------------------------

    async def _open(self) -> bool:
        state = self._state
        opened = await call(api.OPEN, state.order, api.Opened, summary="open the pause")
        state.opened, state.approvers = True, opened.approvers
        state.approval_seconds, state.audits = opened.approval_seconds, opened.audits
        state.review_seconds, state.second_person = opened.review_seconds, opened.second_person
        self._send_notices(opened.notices)
        if opened.refused:
            state.summary = api.Summary(result="refused", why=opened.refused)
            return False
        if opened.second_person and not await self._second_person():
            why = "it was rejected or stopped" if self._stopping else "nobody approved it in time"
            state.summary = api.Summary(result="refused", why=why)
            await self._record("closed", "stopline", state.summary.why, status="closed")
            if workflow.patched(REFUSED):
                self._send_notices(opened.notices)
            return False
        state.queued.append(state.order)
        return True

    async def _second_person(self) -> bool:
        state = self._state
        state.waiting(api.PlanRef(state.order.plan, state.order.digest), workflow.time())
        self._enter(Phase.AWAITING_APPROVAL)
        try:
            await workflow.wait_condition(
                lambda: state.approved is not None or self._stopping,
                timeout=timedelta(seconds=state.waits_until - workflow.time()),
                timeout_summary="how long the plan waits for its approval",
            )
        except TimeoutError:
            return False
        finally:
            state.withdraw()
        return not self._stopping

    # --- containment -----------------------------------------------------------------------------

    async def _contain(self, order: api.PauseOrder) -> None:
        """Carry out the approved plan, then sweep until a pass plans nothing, then verify."""
        state = self._state
        state.summary = replace(state.summary, result="")  # a person's word ends an earlier stop
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
        await self._end(Direction.CONTAIN, plan, blocked)
        if self._slowly:
            state.next_audit = 0.0  # reckoned anew
        self._enter(Phase.PAUSED)

    async def _pass(self, order: api.PauseOrder, before: api.Tally) -> api.PlanRef:
        """One reading and planning; no sooner than the provider shows everywhere what we wrote."""
        if before.applied:
            seen = "until the writes are seen everywhere"
            await workflow.sleep(timedelta(seconds=self._propagation), summary=seen)
        summary = f"sweep {self._sweep}: read again, plan what is new"
        return await call(api.SWEEP, order, api.PlanRef, summary=summary, minutes=30)

    async def _carry_out(self, plan: str, direction: Direction) -> api.Tally:
        """One child for each connector and realm, wave by wave; all are awaited."""
        order = self._state.order
        asked = api.OutlineOrder(order, plan)
        await keep_sheet(order, plan)
        outlines = await call(api.OUTLINE, asked, api.Outlines, summary="cut the plan into batches")
        self._propagation = outlines.propagation
        self._total, self._done = sum(o.size for o in outlines.shards), api.Tally()
        self._state.runs += 1
        room = asyncio.Semaphore(order.options.shards)
        self._tell()
        tally = api.Tally()
        # Shards that were cut before there were waves are one: the same commands, in their order.
        for wave in sorted({outline.wave for outline in outlines.shards}):
            shards = [outline for outline in outlines.shards if outline.wave == wave]
            done = (self._shard(room, plan, direction, outline) for outline in shards)
            tally = tally.plus(await self._answers(shards, done))
        return tally

    async def _answers(
        self, shards: Sequence[api.Outline], done: Iterable[Awaitable[api.Tally]]
    ) -> api.Tally:
        tally = api.Tally()
        answers = await asyncio.gather(*done, return_exceptions=True)
        for answer, outline in zip(answers, shards, strict=True):
            if isinstance(answer, BaseException):  # refused, or cancelled or terminated by hand
                self._unasked = reason_of(answer)
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
                if self._stopping:  # said while the child was being started: it must hear it too
                    await end_early(child)
                tally: api.Tally = await child
            finally:
                del self._running[name]
        self._done = self._done.plus(tally)
        return tally

    # --- rollback --------------------------------------------------------------------------------

    async def _plan_restore(self) -> None:
        state, wanted = self._state, self._state.restore
        if wanted is None:
            return
        ends = wanted.direction is Direction.TERMINATE
        self._enter(Phase.PLANNING_TERMINATION if ends else Phase.PLANNING_ROLLBACK)
        asked, closed = api.RestorePlan(state.order, wanted), False
        what = "termination" if ends else "rollback"
        planned = await call(
            api.PLAN_RESTORE, asked, api.PlanRef, summary=f"plan the {what} from what happened"
        )
        if state.restore is wanted:  # else it was withdrawn meanwhile
            if planned.work or ends:  # where nothing can be removed, the end is a decision still
                state.waiting(planned, workflow.time())
            else:
                closed = await self._conclude(Direction.RESTORE, planned.ref, "")
                self._nothing = (wanted, planned)
                state.withdraw()
        self._enter(Phase.CLOSED if closed else Phase.PAUSED)

    async def _restore(self) -> None:
        """Carry out what was approved; a plan that went stale is shown, not carried out."""
        state, approved = self._state, self._state.approved
        if state.restore is None or approved is None:
            return
        asked = api.RestorePlan(state.order, state.restore)
        fresh = await call(api.PLAN_RESTORE, asked, api.PlanRef, summary="is the plan still true?")
        if state.approved is not approved:
            return  # withdrawn meanwhile
        if fresh.digest != approved.digest and not state.begun:
            state.waiting(fresh, workflow.time(), stale=True)
            self._tell()
            return
        direction = state.restore.direction
        ends = direction is Direction.TERMINATE
        self._enter(Phase.TERMINATING if ends else Phase.RESTORING)
        self._unasked = ""
        word, said = "terminating" if ends else "restoring", state.attested
        if not state.begun:
            await self._record(word, approved.by, "", status=word)
        tally, fresh = await self._carry_back(asked, fresh, direction)
        if fresh.work and tally.causes.get(WAITS) and not self._stopping:
            await self._wait_for_hands(fresh.ref, said)
            return
        state.withdraw()
        if ends and not self._stopping:
            await self._read_back()
        closed = await self._end(direction, fresh.ref, self._unasked if fresh.work else "")
        self._enter(Phase.CLOSED if closed else Phase.PAUSED)

    async def _carry_back(
        self, asked: api.RestorePlan, plan: api.PlanRef, direction: Direction
    ) -> tuple[api.Tally, api.PlanRef]:
        """Carry out, again while writes land; what became of it, and the plan of what is left."""
        ends = direction is Direction.TERMINATE
        left = f"what is still to be {'removed' if ends else 'given back'}"
        tally = api.Tally()
        for _ in range(IDLE):
            tally = await self._carry_out(plan.ref, direction)
            busy = ends and tally.again > tally.unasked and not self._stopping
            settles = busy and workflow.patched(SETTLES)
            if settles:  # a deny goes once it is seen everywhere that what it is about is out
                seen = "until the removals are seen everywhere"
                await workflow.sleep(timedelta(seconds=self._propagation), summary=seen)
            plan = await call(api.PLAN_RESTORE, asked, api.PlanRef, summary=left)
            if self._stopping or not plan.work or not (tally.applied or settles):
                break
        return tally, plan

    async def _wait_for_hands(self, plan: str, said: int) -> None:
        """What is left is given back by people: the request stands, and goes on when they have.

        Nothing else waits for it. `said` is how often they had spoken when it was last tried.
        """
        state = self._state
        state.pending, state.begun, state.by_hand = None, True, state.attested == said
        await self._conclude(Direction.RESTORE, plan, "", by_hand=True)
        self._enter(Phase.PAUSED)

    async def _read_back(self) -> None:
        """Verify that what was removed is gone, once the provider shows it everywhere."""
        seen = "until the removals are seen everywhere"
        await workflow.sleep(timedelta(seconds=self._propagation), summary=seen)
        order, summary = self._state.order, "read back what is left, and what is gone"
        await call(api.VERIFY, order, api.Tally, summary=summary, minutes=30)

    # --- resting ---------------------------------------------------------------------------------

    async def _rest(self) -> None:
        """Wait for a person; while the pause is partial, sweep again by and by."""
        state = self._state
        if state.audits.every and not state.next_audit:
            state.next_audit = self._later(state.audits)
        if state.review_seconds and not state.review_by:
            await self._first_review()
            return  # somebody may have said something meanwhile
        due, was = state.due(workflow.time()), state.people
        try:
            await workflow.wait_condition(
                lambda: state.people != was,
                timeout=timedelta(seconds=due.seconds) if due else None,
                timeout_summary=due.summary if due else None,
            )
        except TimeoutError:
            await self._happens(due.what if due else "")

    async def _happens(self, what: str) -> None:
        """Nobody said anything, and the time has come."""
        state = self._state
        if what == "expire":
            state.withdraw()
            await self._record("expired", "stopline", "nobody approved the plan in time")
        elif what == "audit":
            state.audit_by = "stopline"
        elif what == "review":
            await self._overdue()
        elif what == "by-hand":
            await self._conclude(Direction.RESTORE, "", "", by_hand=True)
        else:
            # Only a sweep: the plan itself would take again what a rollback gave back in part.
            state.queued.append(replace(state.order, plan=""))

    def _later(self, audits: api.AuditTerms) -> float:
        """When the next audit is due: not all pauses of a lab at one moment."""
        every = self._state.summary.again_seconds if self._slowly else audits.every
        return workflow.time() + every + workflow.random().uniform(0, audits.jitter)

    @property
    def _slowly(self) -> bool:
        """Whether the pause is breached, and looked at by a calendar of its own."""
        return self._state.summary.again_seconds > 0 and workflow.patched(BREACHED)

    async def _audit(self) -> None:
        """Look at everything anew; what was opened again is queued for a sweep."""
        state = self._state
        asked = api.AuditOrder(state.order, state.audit_by, state.may_contain_again)
        summary = f"audit {state.audited.number + 1}, asked for by {state.audit_by}"
        try:
            state.audited = await call(api.AUDIT, asked, api.Audited, summary=summary, minutes=30)
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            again = workflow.time() + state.order.options.sweep_again_seconds
            state.next_audit = again if state.audits.every else 0.0
            await self._say_why(reason_of(error))
            state.audit_by = ""
            return
        self._send_notices(state.audited.notices)
        state.audit_by, state.next_audit, state.interrupted = "", 0.0, ""
        if state.audited.to_contain and state.may_contain_again:
            state.queued.append(replace(state.order, plan=""))
        elif self._slowly and state.restore is None:
            await self._conclude(Direction.CONTAIN, "", "")  # it may have held for long enough

    async def _renew(self) -> None:
        """Continue as new on entering PAUSED, when nobody is waiting for an answer."""
        await self._all_begun()
        state = self._state
        busy = state.queued or state.restore or not workflow.all_handlers_finished()
        if state.phase is Phase.PAUSED and not busy:
            workflow.continue_as_new(state)

    def _finish(self) -> api.Summary:
        self._state.phase = Phase.CLOSED
        self._tell()
        return self._state.summary
