"""What people say to a pause, and what it answers: the updates, their rules, the query.

The rules of who may say what, and when, stand here and never in a screen. What is
said is only kept here; `PauseVendor` carries it out.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from temporalio import workflow
from temporalio.exceptions import ApplicationError
from temporalio.workflow import ParentClosePolicy

with workflow.unsafe.imports_passed_through():
    import workflows.messages as m
    from activities import api
    from stopline.attesting import Attesting
    from stopline.choosing import conflicts_of
    from stopline.errors import ALONE, APART, UserError
    from stopline.model import Direction
    from workflows.calls import call, end_early, keep_sheet, reason_of
    from workflows.messages import Phase

NOTICES = "notices"
"""The patch by which a pause knows whether its history was made by what sends notices."""
OVERDUE = "overdue-told"
"""The patch by which a history is known to be one in which a review that is overdue is told."""
GLASS = "break-glass"
"""The patch by which a history is known to be one in which a break-glass approval is told."""

Child = workflow.ChildWorkflowHandle[m.ShardOrder, api.Tally]


class PeoplesWords:
    """The base of `PauseVendor` that people speak to."""

    def __init__(self, state: m.PauseState) -> None:
        """Begin with the state that travels."""
        self._state = state
        self._stopping = False
        self._sweep = 0
        self._total = 0
        self._running: dict[str, Child] = {}
        self._done = api.Tally()
        self._telling: list[asyncio.Task[None]] = []
        self._nothing: tuple[api.RestoreOrder, api.PlanRef] | None = None

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
        if self._state.phase is Phase.AWAITING_APPROVAL:
            raise ApplicationError(
                "The pause waits for its second person; nothing was queued. Have it approved or "
                "rejected first."
            )
        if self._state.restore is not None:
            what = "termination" if self._state.direction is Direction.TERMINATE else "rollback"
            raise ApplicationError(f"A {what} of this pause is under way; nothing was queued.")
        if not order.plan or not order.requester:
            raise ApplicationError("A plan and a requester are wanted.")
        if self._state.second_person:
            raise ApplicationError(f"{ALONE} {APART}")

    @workflow.update(name=m.ROLLBACK)
    async def rollback(self, restore: api.RestoreOrder) -> api.PlanRef:
        """Ask for a rollback; answers with the plan that another person must approve."""
        return await self._ask_back(replace(restore, direction=Direction.RESTORE))

    @workflow.update(name=m.TERMINATE)
    async def terminate(self, ask: api.RestoreOrder) -> api.PlanRef:
        """Ask for the permanent end; answers with the plan that another person must approve."""
        return await self._ask_back(replace(ask, direction=Direction.TERMINATE))

    async def _ask_back(self, restore: api.RestoreOrder) -> api.PlanRef:
        state = self._state
        had_begun = state.begun
        state.withdraw()
        if had_begun:  # what is left of it nobody may release any more, by hand or otherwise
            await self._conclude(Direction.CONTAIN, "", "")
        state.restore, state.interrupted = restore, ""
        await workflow.wait_condition(lambda: self._planned(restore))
        if state.pending is not None and state.restore is restore:
            return state.pending
        if self._nothing is not None and self._nothing[0] is restore:
            return self._nothing[1]
        if state.interrupted:
            raise ApplicationError(f"No plan was made. {state.interrupted} Then ask again.")
        raise ApplicationError("The request was withdrawn before its plan was made; ask again.")

    def _planned(self, restore: api.RestoreOrder) -> bool:
        """Whether this request has its plan, or was replaced or done with meanwhile."""
        return self._state.pending is not None or self._state.restore is not restore

    @terminate.validator
    def _may_terminate(self, ask: api.RestoreOrder) -> None:
        self._may_end(ask)
        if not ask.reason:
            raise ApplicationError("Why the pause is terminated must be said.")

    @rollback.validator
    def _may_rollback(self, restore: api.RestoreOrder) -> None:
        if self._state.phase is not Phase.PAUSED:
            raise ApplicationError(
                f"The pause is {self._state.phase}; a rollback or a termination can be asked for "
                "once it is paused. Use `stopline stop` to end a containment early."
            )
        if not restore.by:
            raise ApplicationError("Who asks for it is not said.")
        try:
            conflicts_of(restore.choices)
        except UserError as error:
            raise ApplicationError(str(error)) from None

    def _may_end(self, ask: api.RestoreOrder) -> None:
        self._may_rollback(ask)
        if ask.choices:
            raise ApplicationError("The choices are for a rollback, not a termination.")

    @workflow.update(name=m.APPROVE)
    async def approve(self, approval: m.Approve) -> str:
        """A second person's yes to the digest that is waiting; the worker proves the person."""
        state = self._state
        word = api.Vouching(
            state.order, approval.by, approval.reason,
            state.pending.ref if state.pending else "",
            approval.digest, state.direction, state.request, state.asked_by, approval.signature,
            approval.break_glass,
        )  # fmt: skip
        await call(api.VOUCH, word, bool, summary=f"prove and write down: yes by {approval.by}")
        self._may_approve(approval)  # it may have been withdrawn, or said twice, meanwhile
        if state.request != word.request:  # the same plan, asked for anew: another question
            raise ApplicationError("It was asked for anew meanwhile: read it again.")
        state.say_yes(approval)
        if approval.break_glass and workflow.patched(GLASS):
            self._send_notices(1)  # at once: what was approved may take its time
        return approval.digest

    @approve.validator
    def _may_approve(self, approval: m.Approve) -> None:
        if objection := self._state.objection(approval):
            raise ApplicationError(objection)

    @workflow.update(name=m.REJECT)
    async def reject(self, no: m.Reject) -> str:
        """A person's no: what waits is withdrawn, and a pause that was not begun is not opened."""
        if self._state.phase is Phase.AWAITING_APPROVAL:
            self._stopping = True
        self._state.withdraw()
        await self._record("rejected", no.by, no.reason)
        return self._state.phase

    @reject.validator
    def _may_reject(self, no: m.Reject) -> None:
        if self._state.pending is None or self._state.approved is not None:
            raise ApplicationError("Nothing is waiting for an approval.")
        if not no.by or not no.reason:
            raise ApplicationError("Who rejects it, and why, must be said.")

    @workflow.update(name=m.STOP)
    async def stop(self, stop: m.Stop) -> str:
        """Finish the batches in flight, then stay as you are: no sweep, and no audit that contains.

        Where a rollback waits, it is that which is stopped, and a contained pause stays contained.
        """
        state = self._state
        del state.queued[1:]  # the first is under way
        if state.phase in (Phase.PAUSED, Phase.PLANNING_ROLLBACK, Phase.PLANNING_TERMINATION):
            waited = state.restore is not None and not state.begun
            state.queued.clear()
            state.withdraw()
            if state.summary.result in ("partial", "breached") or not waited:
                state.summary = replace(state.summary, result="stopped")  # for an audit under way
                await self._conclude(Direction.CONTAIN, "", "")
        else:
            self._stopping = True
        for child in list(self._running.values()):
            await end_early(child)
        await self._record("stop", stop.by, stop.reason)
        return state.phase

    @workflow.update(name=m.AUDIT)
    async def audit(self, word: m.Audit) -> api.Audited:
        """Audit now, once it rests; answers with what was found."""
        state, before = self._state, self._state.audited.number
        state.audit_by = word.by
        await workflow.wait_condition(lambda: not state.audit_by or state.phase is Phase.CLOSED)
        if state.audited.number == before and state.phase is not Phase.CLOSED:
            raise ApplicationError(f"It was not audited. {state.interrupted}")
        return state.audited

    @audit.validator
    def _may_audit(self, word: m.Audit) -> None:
        if self._state.phase is not Phase.PAUSED or not word.by:
            raise ApplicationError(
                f"The pause is {self._state.phase}; it is audited while it is paused."
            )

    @workflow.update(name=m.REASSESS)
    async def reassess(self, word: m.Reassess) -> api.PlanRef:
        """A person's dated decision. Keep sets the next date; the others ask as ever.

        Answers with the plan that another person must approve; empty for keep.
        """
        more = {"decision": word.decision}
        if word.decision == m.KEEP:
            more["review_by"] = word.review_by or self._usual_review()
        await self._record("reassessed", word.by, word.reason, more=more)
        if word.decision == m.KEEP:
            self._state.review_by = m.moment(more["review_by"])
            return api.PlanRef()
        self._may_rollback(word.restore)  # something may have begun meanwhile
        way = Direction.TERMINATE if word.decision == m.END else Direction.RESTORE
        return await self._ask_back(replace(word.restore, direction=way))

    def _usual_review(self) -> str:
        seconds = self._state.review_seconds
        return m.utc(workflow.time() + seconds) if seconds else ""

    @reassess.validator
    def _may_reassess(self, word: m.Reassess) -> None:
        if not word.by or not word.reason:
            raise ApplicationError("Who decides, and why, must be said.")
        if word.decision == m.BACK:
            self._may_rollback(word.restore)
        elif word.decision == m.END:
            self._may_end(word.restore)
        elif word.decision != m.KEEP:
            raise ApplicationError(
                f"{word.decision!r} is no decision. Nothing was changed. Decide to keep the "
                "pause, to roll it back, or to terminate it."
            )
        elif word.review_by and m.moment(word.review_by) <= workflow.time():
            raise ApplicationError("The next date lies in the past; nothing was changed.")
        elif self._state.phase is not Phase.PAUSED:
            raise ApplicationError(
                f"The pause is {self._state.phase}; it is reassessed while it is paused."
            )

    @workflow.update(name=m.ATTEST)
    async def attest(self, word: Attesting) -> bool:
        """What a person did by hand, or another says of it; what hangs on it goes on at once."""
        state = self._state
        said = replace(word, pause=state.order.pause, journal=state.order.journal)
        heard = await call(api.ATTEST, said, bool, summary=f"{word.word} by hand: {word.by}")
        state.attested += 1
        state.by_hand = False
        goes_on = state.opened and state.summary.result != "stopped"  # a stop is not lifted by it
        if state.restore is None and goes_on and len(state.queued) <= 1:
            state.queued.append(replace(state.order, plan=""))  # a sweep sees what was done
        return heard

    @attest.validator
    def _may_attest(self, word: Attesting) -> None:
        if self._state.phase in (Phase.OPENING, Phase.AWAITING_APPROVAL, Phase.CLOSED):
            raise ApplicationError(
                f"The pause is {self._state.phase}; nothing of it waits for a person's hand."
            )
        if not word.by or not word.ref:
            raise ApplicationError("Who says it, and of what, is not said.")

    @workflow.update(name=m.ACKNOWLEDGE)
    async def acknowledge(self, word: api.Acknowledgement) -> api.Summary:
        """A person accepts the gaps and what was left open; then they do not make it partial."""
        proof = {"digest": word.digest, "signature": word.signature}
        more = {name: value for name, value in proof.items() if value}
        await self._record("acknowledged", word.by, word.reason, more=more)
        self._state.acknowledged_by = word.by
        if self._state.phase is Phase.PAUSED and not self._state.by_hand:
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
            request=state.request,
            approved_by=tuple(yes.by for yes in state.yeses),
            approvers=state.approvers,
            audited=state.audited,
            audit_due=bool(state.audit_by or state.queued),
            next_audit=state.next_audit,
            review_by=state.review_by,
            direction=state.direction,
            interrupted=state.interrupted,
            by_hand=state.by_hand,
        )

    # --- by when it must be reassessed -----------------------------------------------------------

    async def _first_review(self) -> None:
        """The pause rests for the first time: by when it must have been reassessed."""
        by = m.utc(workflow.time() + self._state.review_seconds)
        await self._record("review-by", "stopline", "by the playbook", more={"review_by": by})
        self._state.review_by = m.moment(by)

    async def _overdue(self) -> None:
        """Say so, once for each date. Nothing is lifted by itself, however late it is."""
        state = self._state
        state.escalated = state.review_by
        by = {"review_by": m.utc(state.review_by)}
        why = "nobody has reassessed it"
        told = await self._record("review-overdue", "stopline", why, more=by)
        if told and workflow.patched(OVERDUE):
            self._send_notices(1)

    # --- small things ----------------------------------------------------------------------------

    async def _record(
        self,
        kind: str,
        by: str,
        reason: str,
        *,
        plan: str = "",
        digest: str = "",
        status: str = "",
        more: Mapping[str, str] | None = None,
    ) -> bool:
        """Write something down; what the activity answers."""
        also = dict(more or {})
        said = api.Recording(self._state.order, kind, by, reason, plan, digest, status, also)
        return await call(api.RECORD, said, bool, summary=f"write down: {kind} by {by}")

    async def _end(self, direction: Direction, plan: str, blocked: str) -> bool:
        """Conclude a run, and hear a stop that is said meanwhile; True when nothing is held."""
        closed = await self._conclude(direction, plan, blocked)
        if self._stopping and self._state.summary.result not in ("stopped", "restored"):
            closed = await self._conclude(direction, plan, blocked)
        self._stopping = False
        return closed

    async def _conclude(
        self, direction: Direction, plan: str, blocked: str, *, by_hand: bool = False
    ) -> bool:
        """Bring the journal's status up to date; True when nothing is held any more.

        A stop stands until more is contained: no other word lifts it, nor does a part given back.
        """
        stopped = self._stopping or self._state.summary.result == "stopped"
        asked = api.Conclusion(self._state.order, direction, plan, stopped, blocked, by_hand)
        self._state.summary = await call(
            api.CONCLUDE, asked, api.Summary, summary="what became of it"
        )
        self._send_notices(self._state.summary.notices)
        await keep_sheet(self._state.order)
        ended = self._state.summary.result
        return ended == "restored" or (ended == "terminated" and not self._state.summary.held)

    def _send_notices(self, due: int) -> None:
        """Have what is due sent by a workflow of its own; nothing here waits for it."""
        if due and workflow.patched(NOTICES):
            self._telling.append(asyncio.create_task(self._start_telling()))

    async def _start_telling(self) -> None:
        order = self._state.order
        try:
            await workflow.start_child_workflow(
                m.TELL,
                api.TellOrder(order.pause, order.journal),
                id=f"notices/{order.pause}/{workflow.uuid4()}",
                result_type=api.Told,
                parent_close_policy=ParentClosePolicy.ABANDON,
                static_summary=f"tell stakeholders about {order.vendor}",
            )
        except Exception as error:  # noqa: BLE001 - the outbox shows it, and the next one sends it
            workflow.logger.warning("notices were not begun: %s", reason_of(error))

    async def _all_begun(self) -> None:
        """Until what sends notices has begun: it must not be cut off by our own end."""
        if self._telling:
            await workflow.wait(self._telling)
            self._telling.clear()

    def _enter(self, phase: Phase) -> None:
        self._state.phase = phase
        self._tell()

    def _tell(self) -> None:
        """The line that Temporal's own UI shows; it does not survive continue-as-new."""
        workflow.set_current_details(self._state.details)
