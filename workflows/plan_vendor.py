"""`PlanVendor`: read what a vendor holds and plan its containment. Writes to no system."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities import api
    from workflows.calls import A_FEW, call
    from workflows.messages import PLAN_VENDOR


@workflow.defn(name=PLAN_VENDOR, failure_exception_types=[Exception])
class PlanVendor:
    """One reading and one plan. Fails, with the reason, rather than wait for a repair."""

    @workflow.run
    async def run(self, order: api.PauseOrder) -> api.PlanRef:
        """Return the plan's ref and digest; the plan itself is in the journal."""
        summary = f"read and plan {order.vendor} ({order.scope.key})"
        return await call(api.ASSESS, order, api.PlanRef, summary=summary, minutes=30, retry=A_FEW)
