"""`stopline doctor --canary ACCOUNT`: the whole way, for real, on something of our own.

The canary is a vendor of its own, whose selectors name one user. It is planned, paused, rolled
back and closed as any vendor is; only the second person's word is given by the program, since
there is nobody else's access to decide about.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from activities import api
from activities.api import PauseOrder, PlanRef, RestoreOrder
from stopline.entrypoints.cli.following import at_rest, follow
from stopline.entrypoints.cli.planning import new_id, plan_for, with_plan
from stopline.entrypoints.cli.preflight import frozen, order_for, read
from stopline.entrypoints.cli.program import Program
from stopline.entrypoints.temporal import Temporal
from stopline.errors import RefusedError, StoplineError
from stopline.journal.pauses import OPEN, Planned
from stopline.model import Breadth, Scope
from stopline.preflight import CANARY_APPROVER, CANARY_VENDOR, Canary, Check
from stopline.text import load
from workflows import messages as m

REASON = "a canary: is it contained and restored for real"


@dataclass(frozen=True, slots=True)
class _Flight:
    """One canary on its way."""

    program: Program
    temporal: Temporal
    realm: str
    id: str

    def run(self) -> Check:
        """Make it, contain it, give it back, compare it, remove it; say what is left."""
        name = f"canary {self.realm}"
        try:
            ref = self._ask(api.MAKE_CANARY, realm=self.realm, id=self.id)
        except StoplineError as error:
            step = error.next_step or f"Does {CANARY_VENDOR}-{self.id} stand anywhere? Remove it."
            return Check(name, ok=False, found=error.what, next_step=step)
        canary = load(Canary, self.program.book.store.body(ref))
        failed = ""
        try:
            done = self._there_and_back(canary)
        except StoplineError as error:
            failed = f"{error.what} {error.next_step}".strip()
        if held := self._held(canary):
            return Check(name, ok=False, found=failed or "it is still held", next_step=held)
        return self._removed(name, canary, ref, failed or done, ok=not failed)

    def _ask(self, activity: str, **words: str) -> str:
        order = order_for(self.program, activity=activity, **words)
        return self.program.wait(self.temporal.check(order)).ref

    def _there_and_back(self, canary: Canary) -> str:
        """Plan, pause and roll back. Raises RefusedError where it ends otherwise than it must."""
        order = self._order(canary)
        ref, planned = plan_for(self.program, self.temporal, order)
        _only(canary, ref, planned)
        order = with_plan(order, ref)
        self.program.wait(self.temporal.start(order))
        self.program.going = CANARY_VENDOR
        status = self._contained(order)
        if status.phase is m.Phase.CLOSED:
            raise RefusedError(f"The canary's pause was refused: {status.summary.why}.")
        result, held = status.summary.result, status.summary.held
        self._roll_back(order)
        self.program.going = ""
        if result != "contained":
            raise RefusedError(
                f"The canary was {result or 'not contained'}, and should be contained.",
                f"See `stopline status {order.pause}`.",
            )
        return f"{held} changes were made and given back (pause {order.pause})"

    def _contained(self, order: PauseOrder) -> m.Status:
        """Follow the containment; where the playbook wants a second person, give the word."""
        status = self._follow(order, at_rest)
        if status.phase is not m.Phase.AWAITING_APPROVAL:
            return status
        self._approve(order, order.digest)
        return self._follow(
            order, lambda s: at_rest(s) and s.phase is not m.Phase.AWAITING_APPROVAL
        )

    def _follow(self, order: PauseOrder, done: Callable[[m.Status], bool]) -> m.Status:
        return follow(self.program, self.temporal, order.workflow, done)

    def _order(self, canary: Canary) -> PauseOrder:
        settings = self.program.settings
        return PauseOrder(
            pause=self.id,
            journal=self.program.book.id,
            vendor=CANARY_VENDOR,
            scope=Scope(realms=(canary.realm,), principals=tuple(sorted(canary.principals))),
            requester=settings.identity,
            reason=REASON,
            frozen=frozen(self.program, {canary.connector: canary.vendor}),
            workflow=f"pause/{CANARY_VENDOR}/{self.id}",
            options=api.Options(batch=settings.batch, window=settings.window),
        )

    def _approve(self, order: PauseOrder, digest: str) -> None:
        word = m.Approve(CANARY_APPROVER, digest, REASON)
        self.program.wait(self.temporal.say(order.workflow, m.APPROVE, word, str))

    def _roll_back(self, order: PauseOrder) -> None:
        asked = RestoreOrder(order.requester, REASON, Scope(), False, secrets.token_hex(8))
        ref = self.program.wait(self.temporal.say(order.workflow, m.ROLLBACK, asked, PlanRef))
        if ref.work:
            self._approve(order, ref.digest)
        self._follow(order, lambda s: at_rest(s) and not s.asked_by)

    def _held(self, canary: Canary) -> str:
        """What a person runs while the pause is open: nothing may be removed under a hold."""
        pauses = self.program.book.pauses
        if not any(p.id == self.id for p in pauses.list(CANARY_VENDOR, OPEN)):
            return ""
        steps = (
            f"stopline rollback {self.id} --reason 'a canary'",
            f"stopline approve {self.id} --as NAME",
            *canary.commands,
        )
        return "Give it back and remove it by hand: " + "; ".join(steps)

    def _removed(self, name: str, canary: Canary, ref: str, what: str, *, ok: bool) -> Check:
        by_hand = "Remove it by hand: " + "; ".join(canary.commands)
        try:
            differences = read(self.program, self._ask(api.REMOVE_CANARY, canary=ref))
        except StoplineError as error:
            return Check(name, ok=False, found=f"{what}; {error.what}", next_step=by_hand)
        if differences:
            found = f"{what}; {'; '.join(differences)}; it was removed"
            return Check(name, ok=False, found=found, next_step="Report it: a restore is exact.")
        step = "" if ok else "Correct what is said here, then try again."
        return Check(name, ok=ok, found=f"{what}; it was removed", next_step=step)


def _only(canary: Canary, ref: PlanRef, planned: Planned) -> None:
    """The plan is about the canary, the whole of it, and nothing else. Raises RefusedError."""
    if ref.refused or ref.limits:
        raise RefusedError(f"The guards {', '.join((*ref.refused, *ref.limits))} stop it.")
    work = [c for c in planned.plan.work if c.breadth is not Breadth.FOUNDATION]
    strange = [str(c.address) for c in work if c.principal not in canary.principals]
    missing = sorted(set(canary.principals) - {c.principal for c in work})
    if strange or missing or planned.plan.gaps:
        gaps = [f"{gap.what}: {gap.cause}" for gap in planned.plan.gaps]
        said = (("strange", strange), ("missing", missing), ("gaps", gaps))
        listed = "; ".join(f"{word}: {', '.join(texts)}" for word, texts in said if texts)
        raise RefusedError(
            f"The plan is not about the canary, whole and alone; nothing was contained ({listed})."
        )


def fly(program: Program, realm: str) -> Check:
    """Have a canary made in one realm, contained, restored and removed."""
    return _Flight(program, program.at_work(), realm, new_id()).run()
