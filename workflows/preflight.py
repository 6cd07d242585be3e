"""`Preflight`: have the worker look before the night, or make and remove a canary of our own."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities import api
    from workflows.calls import A_FEW, call
    from workflows.messages import PREFLIGHT


@workflow.defn(name=PREFLIGHT, failure_exception_types=[Exception])
class Preflight:
    """One activity, named by the order. Fails, with the reason, rather than wait for a repair."""

    @workflow.run
    async def run(self, order: api.CheckOrder) -> api.CheckRef:
        """Return the ref of what was found."""
        where = f" in {order.realm}" if order.realm else ""
        return await call(
            order.activity,
            order,
            api.CheckRef,
            summary=f"{order.activity}{where}",
            minutes=30,
            retry=A_FEW,
        )
