"""The activities' bodies: find the connector, call the engine, map errors. No decisions.

All are synchronous and run in threads. Those that write take no exception into their threads
(`no_thread_cancel_exception`): they ask between documents whether to stop, so that no write is
torn from its receipt. All beat from a thread of their own, so that only a dead process is
taken for dead.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar

import structlog
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities import api, vouching
from activities.auditing import audited, drifted, opened, residuals_of
from activities.belonging import elsewhere
from activities.breaching import to_climb
from activities.deadlines import near_of
from activities.ends import conclusion, opened_under, verified
from activities.facts import opening, refusing
from activities.outlining import Shards, outline_of, shards_of
from activities.outside import tell_what_was_missed, when_ended
from activities.restoring import way_back
from activities.sheets import write_sheet
from activities.standing import standing_of
from activities.telling import NOBODY, Teller, say_overdue
from activities.working import at_work as _at_work
from stopline import engine, guards, planner
from stopline.approving import Approvers
from stopline.configuration import Frozen
from stopline.coverage import uncovered
from stopline.engine import Errand
from stopline.errors import UserError, WrongJournalError
from stopline.estate import Estate
from stopline.journal.attested import attested
from stopline.journal.book import Book
from stopline.journal.pauses import Pause, PauseStatus, Planned
from stopline.model import Address, Change, Direction, Plan
from stopline.notices.drafting import OVERDUE, REFUSED
from stopline.port import Connector, Mark, Terms, attended
from stopline.receipts import Outcome
from stopline.recovery.places import Place
from stopline.signing import UNSIGNED
from stopline.text import Json, jsonable

log = structlog.get_logger()
Connectors = Mapping[str, Connector]
Body = TypeVar("Body", bound=Callable[..., Any])


@dataclass(frozen=True)
class Activities:
    """The bodies, over one journal. `connectors_of` builds the connectors of an estate.

    `place` is where recovery sheets are kept; without one, none are written. `teller` drafts what
    stakeholders are told.
    """

    book: Book
    connectors_of: Callable[[Estate], Connectors]
    approvers: Approvers = field(default_factory=Approvers)
    place: Place | None = None
    teller: Teller = NOBODY
    _plans: Callable[[str], Planned] = field(init=False, repr=False)
    _work: Callable[[str], Shards] = field(init=False, repr=False)
    _built: Callable[[str], tuple[Frozen, Connectors]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Plans and connectors are kept: a worker asks for the same few again and again."""
        object.__setattr__(self, "_plans", lru_cache(maxsize=8)(self.book.pauses.plan))
        object.__setattr__(
            self, "_work", lru_cache(maxsize=8)(lambda ref: shards_of(self._plans(ref).plan))
        )
        object.__setattr__(self, "_built", lru_cache(maxsize=16)(self._build))

    def all(self) -> list[Callable[..., Any]]:
        """Everything that a worker registers."""
        return [
            self.assess, self.open, self.outline, self.apply, self.sweep, self.verify,
            self.conclude, self.plan_restore, self.record, self.vouch, self.audit, self.sheet,
        ]  # fmt: skip

    # --- reading and planning --------------------------------------------------------------------

    @activity.defn(name=api.ASSESS)
    def assess(self, order: api.PauseOrder) -> api.PlanRef:
        """Read what the vendor holds and plan its containment; keep both in the journal."""
        with _at_work():
            return self._plan(order, approved=False)

    @activity.defn(name=api.SWEEP)
    def sweep(self, order: api.PauseOrder) -> api.PlanRef:
        """Read again and plan what is new, within what was approved."""
        with _at_work():
            return self._plan(order, approved=True)

    @activity.defn(name=api.AUDIT)
    def audit(self, asked: api.AuditOrder) -> api.Audited:
        """Read what the pause holds and what the vendor holds anew; journal what differs."""
        with _at_work():
            self._check(asked.order)
            frozen, connectors = self._built(asked.order.frozen)
            found = drifted(self.book, connectors, asked.order.pause)
            ref = self._plan(asked.order, approved=True, seen=opened(found))
            planned, audits = self._plans(ref.ref), frozen.parse()[1].audits
            due = near_of(self.book, connectors, asked.order.pause, planned)
            residuals = residuals_of(self.book, connectors, asked.order.pause)
            return audited(self.book, asked, found, planned, audits, self.teller, due, residuals)

    def _plan(self, order: api.PauseOrder, *, approved: bool, seen: Json = None) -> api.PlanRef:
        self._check(order)
        frozen, connectors = self._built(order.frozen)
        vendor, playbook, estate = frozen.parse()
        pauses = self.book.pauses
        asks = not approved and playbook.limits.other_projects == "ask"
        used, unread = elsewhere(vendor, connectors, order.scope) if asks else (frozenset(), ())
        found = [
            item
            for name in sorted(connectors)
            if not order.scope.connectors or name in order.scope.connectors
            for item in connectors[name].discover(vendor, order.scope)
        ]
        found += unread
        snapshot = planner.snapshot_of(vendor.vendor, found, self.book.store.now())
        standing = standing_of(self.book, order, frozen, approved=approved)
        terms = Terms(
            vendor,
            playbook,
            Mark(self.book.id, order.pause),
            pauses.refusals(order.pause) if approved else frozenset(),  # a new word tries again
            estate,
            pauses.cut_at(order.pause),
            pauses.settled(order.pause, {n: c.propagation for n, c in connectors.items()}),
            to_climb(self.book, order.pause, standing.holds, playbook.audits, seen),
        )
        plan = planner.plan_containment(
            snapshot, terms, order.scope, standing, _opinions(connectors)
        )
        anew = {change.address for change in plan.changes}
        mine = sum(h.pause == order.pause and h.address not in anew for h in standing.holds)
        beyond = uncovered(vendor, playbook, estate, order.scope)
        bounds = guards.Bounds(estate, playbook.limits, mine, used, beyond)
        findings = guards.guard(plan, snapshot, bounds)
        pauses.keep_snapshot(snapshot)
        return _ref(pauses.keep_plan(plan, findings), order)

    def _wait_for_cuts(self, plan: Plan) -> None:
        """Until no time that a change carries lies ahead: what is issued after it must live."""
        times = [datetime.fromisoformat(c.moment) for c in plan.changes if c.moment]
        if times:
            time.sleep(max(0.0, max(times).timestamp() - self.book.store.clock()))

    @activity.defn(name=api.PLAN_RESTORE)
    def plan_restore(self, asked: api.RestorePlan) -> api.PlanRef:
        """Plan what this pause gives back, or removes for good, from its live holds."""
        with _at_work():
            self._check(asked.order)
            self._note_request(asked)
            opened = self.book.pauses.opened_with(asked.order.pause)
            plan = way_back(self.book, asked, lambda: self._built(opened))
            return _ref(self.book.pauses.keep_plan(plan), asked.order)

    def _note_request(self, asked: api.RestorePlan) -> None:
        """Who wants what, and why; once for each request, however often it is planned."""
        wanted, pauses, pause = asked.restore, self.book.pauses, asked.order.pause
        said, kind = jsonable(wanted), vouching.REQUESTS[wanted.direction]
        self.approvers.require_asker(wanted.by)
        if all(event.data != said for event in pauses.events(pause, kind)):
            pauses.note(pause, kind, said, wanted.by)

    # --- opening and ending ----------------------------------------------------------------------

    @activity.defn(name=api.OPEN)
    def open(self, order: api.PauseOrder) -> api.Opened:
        """Open the pause in the journal, unless a guard refuses its plan."""
        with _at_work():
            self._check(order)
            if unasked := self.approvers.may_not_ask(order.requester):
                return api.Opened(refused=unasked)
            planned = self._plans(order.plan)
            # Not the connectors: a pause opens, and waits for people, also while one is missing.
            _, playbook, _ = Frozen.load(self.book.store.body(order.frozen)).parse()
            if refused := guards.unanswered(planned.findings, order.overrides):
                return api.Opened(refused="; ".join(f"{f.guard}: {f.what}" for f in refused))
            words = {
                "reason": order.reason,
                "overrides": order.overrides,
                "digest": order.digest,
                "options": jsonable(order.options),
            }
            drafts = self.teller.drafts(opening(order, self.book.store.now()))
            self.book.pauses.open(_pause(order), words, drafts)
            self.book.pauses.approve(
                order.pause, order.plan, order.digest, order.requester, UNSIGNED, order.reason
            )
            log.info("pause opened", pause=order.pause, vendor=order.vendor)
            due = len(self.book.outbox.due(order.pause))
            return replace(opened_under(playbook), notices=due)

    @activity.defn(name=api.RECORD)
    def record(self, said: api.Recording) -> bool:
        """Write down what a person said; and move the pause's status where that is meant.

        Of a review that is overdue the answer is whether somebody is told.
        """
        with _at_work():
            self._check(said.order)
            pauses, pause = self.book.pauses, said.order.pause
            if said.kind == OVERDUE:
                return say_overdue(self.book, said, self.teller)
            if said.kind in vouching.ASKED:
                self.approvers.require_asker(said.by)
            if said.kind == "contain-again":
                vouching.require_alone(self.book, pause)
            if said.kind == "acknowledged":
                vouching.accept_gaps(self.book, self.approvers, said)
            read = {"plan": said.plan, "digest": said.digest} if said.plan else {}
            pauses.note(pause, said.kind, {"reason": said.reason, **read, **said.more}, said.by)
            if said.digest:  # a person has read the plan: a sweep may take what it names
                pauses.approve(pause, said.plan, said.digest, said.by, UNSIGNED, said.reason)
            if said.status:
                pauses.mark(pause, PauseStatus(said.status), said.reason, **self._refused(said))
            if said.kind == "closed":
                tell_what_was_missed(self.book, said.order, self.teller)
            return True

    def _refused(self, said: api.Recording) -> dict[str, Any]:
        """The notices for those who were told that a pause is opened, where it was refused."""
        if said.kind != "closed":
            return {}
        pause = self.book.pauses.get(said.order.pause)
        theirs = when_ended(self.book, pause, PauseStatus.CLOSED, REFUSED)
        facts = refusing(said.order, self.book.store.now(), said.reason, theirs)
        return {"event": facts.event, "drafts": self.teller.drafts(facts)}

    @activity.defn(name=api.VOUCH)
    def vouch(self, yes: api.Vouching) -> bool:
        """Prove that a yes is the person's, and write it down; refused, it is not one."""
        with _at_work():
            self._check(yes.order)
            vouching.write_down(self.book, self.approvers, yes, self.teller)
            return True

    @activity.defn(name=api.CONCLUDE)
    def conclude(self, asked: api.Conclusion) -> api.Summary:
        """Say where the pause stands now, and bring its status in the journal up to it."""
        with _at_work():
            self._check(asked.order)
            return conclusion(self.book, asked, self.teller)

    @activity.defn(name=api.SHEET)
    def sheet(self, asked: api.SheetOrder) -> bool:
        """Bring the pause's recovery sheet up to date; whether it is as it should be."""
        with _at_work():
            self._check(asked.order)
            if self.place is None:
                return False
            connectors = self._built(asked.order.frozen)[1]
            return not write_sheet(self.book, connectors, self.place, asked).wrong

    @activity.defn(name=api.VERIFY)
    def verify(self, order: api.PauseOrder) -> api.Tally:
        """Read back everything that the pause holds and compare it with what we left."""
        with _at_work():
            self._check(order)
            frozen, connectors = self._built(order.frozen)
            return verified(self.book, connectors, frozen.parse()[0], order.pause)

    # --- carrying out ----------------------------------------------------------------------------

    @activity.defn(name=api.OUTLINE)
    def outline(self, asked: api.OutlineOrder) -> api.Outlines:
        """Cut a plan's work into shards, stages and batches of whole documents.

        It answers when the plan may begin: not before the times that its changes carry.
        """
        with _at_work():
            self._check(asked.order)
            plan = self._plans(asked.plan).plan
            self._wait_for_cuts(plan)
            connectors = self._built(asked.order.frozen)[1]
            slow = max((connectors[name].propagation for name in _names(plan)), default=0.0)
            return api.Outlines(outline_of(plan, asked.order.options), slow)

    @activity.defn(name=api.APPLY, no_thread_cancel_exception=True)
    def apply(self, batch: api.BatchOrder) -> api.Tally:
        """Carry out one slice of a plan. Idempotent over the journal.

        What it means is read from the journal, never from the caller: which way the plan goes,
        whose it is, and the configuration that its pause was opened with.
        """
        with _at_work():
            self._check(batch.order)
            info = activity.info()
            vouching.require_own(self._plans(batch.plan).plan, batch)
            frozen, connectors = self._built(self.book.pauses.opened_with(batch.order.pause))
            mine = self._work(batch.plan)[batch.connector, batch.realm][batch.start : batch.stop]
            approvals = frozen.parse()[1].approvals
            left: frozenset[Address] = frozenset()
            if batch.direction is Direction.CONTAIN:
                vouching.require_opened(self.book, self.approvers, batch.order.pause, approvals)
            else:
                left = vouching.require(self.book, self.approvers, batch, mine, approvals.people)
            token = f"{info.workflow_id}/{batch.start}-{batch.stop}"
            attempt = f"{info.workflow_run_id}/{info.activity_id}/{info.attempt}"
            errand = Errand(batch.order.pause, batch.direction, attempt, token, left)
            structlog.contextvars.bind_contextvars(
                pause=batch.order.pause, realm=batch.realm, batch=f"{batch.start}-{batch.stop}"
            )
            try:
                return self._applied(connectors[batch.connector], errand, mine)
            finally:
                structlog.contextvars.clear_contextvars()

    def _applied(self, connector: Connector, errand: Errand, mine: list[Change]) -> api.Tally:
        tally = api.Tally(unasked=len(mine))
        for receipts in engine.apply(
            connector,
            self.book.writes,
            errand,
            mine,
            stopped=lambda: activity.is_cancelled() or activity.is_worker_shutdown(),
            sleep=time.sleep,
        ):
            for receipt in receipts:
                undone = receipt.cause and receipt.outcome is not Outcome.APPLIED
                causes = {str(receipt.cause): 1} if undone else {}
                tally = tally.plus(api.Tally({str(receipt.outcome): 1}, causes, -1))
        log.info("batch done", direction=errand.direction, **tally.outcomes)
        if tally.unasked and activity.is_worker_shutdown():
            raise ApplicationError("The worker is stopping; another goes on.", type="Stopping")
        return tally

    # --- small things ----------------------------------------------------------------------------

    def _check(self, order: api.PauseOrder) -> None:
        if order.journal != self.book.id:
            raise WrongJournalError(
                f"The pause {order.pause} belongs to the journal {order.journal}, and this worker "
                f"has the journal {self.book.id}; nothing was read or written.",
                "Start the worker with STOPLINE_JOURNAL_URL of that journal.",
            )

    def _build(self, ref: str) -> tuple[Frozen, Connectors]:
        frozen = Frozen.load(self.book.store.body(ref))
        _, playbook, estate = frozen.parse()
        wanted = {rule.connector for phase in playbook.phases for rule in phase.rules}
        store, held = self.book.store, self.book.writes.addresses
        built = attended(self.connectors_of(estate), lambda one: attested(store, one), held)
        there = wanted & set(built)
        if missing := sorted(wanted - there - _without_section(estate) if there else wanted):
            raise UserError(
                f"The playbook wants the connectors {', '.join(missing)}, which are not there.",
                "Install them, or give the estate's file their section.",
            )
        return frozen, {name: built[name] for name in sorted(there)}


def _without_section(estate: Estate) -> set[str]:
    """The connectors of which the estate's file says nothing: their rules find nothing there."""
    return {name for name in type(estate).model_fields if getattr(estate, name) is None}


def _names(plan: Plan) -> set[str]:
    return {change.address.connector for change in plan.work}


def _opinions(connectors: Connectors) -> planner.Opinions:
    return planner.Opinions(
        {name: c.contained for name, c in connectors.items()},
        {name: c.residuals for name, c in connectors.items()},
    )


def _ref(planned: Planned, order: api.PauseOrder) -> api.PlanRef:
    plan, findings = planned.plan, planned.findings
    blocked = guards.unanswered(findings, order.overrides)
    return api.PlanRef(
        ref=planned.ref,
        digest=plan.digest,
        work=len(plan.work),
        changes=len(plan.changes),
        open_skips=sum(skip.leaves_access for skip in plan.skips),
        gaps=len(plan.gaps),
        refused=tuple(f.guard for f in guards.refused(findings)),
        limits=tuple(f.guard for f in guards.limits(findings)),
        blocked="; ".join(f.what for f in blocked),
    )


def _pause(order: api.PauseOrder) -> Pause:
    return Pause(
        id=order.pause,
        vendor=order.vendor,
        scope=order.scope,
        workflow=order.workflow,
        requester=order.requester,
        reason=order.reason,
        opened_at="",
        status=PauseStatus.CONTAINING,
        closed_at="",
        frozen=order.frozen,
        plan=order.plan,
    )
