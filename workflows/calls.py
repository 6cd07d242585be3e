"""How the workflows call activities: one place for time-outs, retries and summaries."""

import contextlib
from datetime import timedelta
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, FailureError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities import api
    from workflows.messages import STOP

T = TypeVar("T")

FOR_EVER = RetryPolicy(
    initial_interval=timedelta(milliseconds=500),
    backoff_coefficient=2,
    maximum_interval=timedelta(seconds=20),
)
"""What ends an attempt is ours (the journal, a worker): a pause waits for it, and loses nothing."""

A_FEW = RetryPolicy(
    initial_interval=timedelta(milliseconds=500),
    maximum_interval=timedelta(seconds=5),
    maximum_attempts=3,
)

HEARTBEAT = timedelta(seconds=10)
"""A dead worker is noticed after this; batches beat after every document."""


SHEET_MINUTES = 0.5
"""The longest that an attempt to write the recovery sheet may keep a containment waiting."""


async def call(
    name: str,
    argument: Any,
    returns: type[T],
    *,
    summary: str,
    minutes: float = 10,
    retry: RetryPolicy = FOR_EVER,
) -> T:
    """Run one activity by its name in `activities.api`, and wait for its answer."""
    answer: T = await workflow.execute_activity(
        name,
        argument,
        result_type=returns,
        start_to_close_timeout=timedelta(minutes=minutes),
        heartbeat_timeout=HEARTBEAT,
        retry_policy=retry,
        summary=summary,
        cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    )
    return answer


async def end_early(child: workflow.ChildWorkflowHandle[Any, Any]) -> None:
    """Ask one child to end early; one that has ended meanwhile needs no asking."""
    with contextlib.suppress(FailureError):
        await child.signal(STOP)


def reason_of(error: BaseException) -> str:
    """What was said where it failed, under all that Temporal has wrapped around it."""
    while isinstance(error, FailureError) and error.cause is not None:
        error = error.cause
    return error.message if isinstance(error, FailureError) else str(error)


async def keep_sheet(order: api.PauseOrder, plan: str = "") -> None:
    """Bring the recovery sheet up to date. Where that fails it is written down; work goes on."""
    asked = api.SheetOrder(order, plan)
    summary = "write the recovery sheet"
    try:
        await call(api.SHEET, asked, bool, summary=summary, minutes=SHEET_MINUTES, retry=A_FEW)
    except ActivityError as error:
        if is_cancelled_exception(error):
            raise
        why = f"not written: {error.cause}"
        said = api.Recording(order, "sheet", "stopline", why, plan)
        await call(api.RECORD, said, bool, summary="write down: no recovery sheet")
