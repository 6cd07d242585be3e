"""Temporal as the program reaches it: found by its own environment configuration, never hanging.

Every way in which the server, its worker or a workflow may be missing ends here as one error that
names what is not there and how to get it. https://docs.temporal.io/develop/environment-configuration
"""

import asyncio
import os
import re
import socket
import time
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar
from uuid import uuid4

from temporalio.api.enums.v1 import (
    PendingActivityState,
    PendingWorkflowTaskState,
    TaskQueueType,
)
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowQueryFailedError,
    WorkflowQueryRejectedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.contrib.pydantic import PydanticPayloadConverter
from temporalio.converter import CompositePayloadConverter, DataConverter
from temporalio.envconfig import ClientConfig
from temporalio.exceptions import ApplicationError, FailureError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from activities.api import CheckOrder, CheckRef, PauseOrder, PlanRef, TellOrder, Told
from stopline import errors
from stopline.errors import RefusedError, SetupError, StoplineError
from stopline.journal.pauses import Pause
from stopline.settings import Settings
from workflows import messages as m

DEFAULT = "127.0.0.1:7233"
CONNECT = timedelta(seconds=5)
ANSWER = timedelta(seconds=12)
"""A query or an update of a worker that is there is answered within this."""

POLL_SECONDS = 75.0
"""A worker asks anew at least once a minute; who asked longer ago is gone."""

LOOKS, BETWEEN_LOOKS = 5, 0.4
"""How often, and after how many seconds again, it is looked for a worker."""

TASK_WAITS = PendingWorkflowTaskState.PENDING_WORKFLOW_TASK_STATE_SCHEDULED
ACTIVITY_WAITS = PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED
TAKEN_SECONDS = 8.0
"""What a worker that is there has not taken after this long, nobody takes."""

_ADAPTING = PydanticPayloadConverter()


class Converter(CompositePayloadConverter):
    """The SDK's converter for pydantic, whose readers of types are made once for the process.

    The SDK makes a converter for each workflow it runs, and with it every reader anew: of a
    pause's state that takes up to a tenth of a second, of the two that a workflow may think before
    the SDK takes it for deadlocked. https://docs.temporal.io/develop/python/converters-and-encryption
    """

    def __init__(self) -> None:
        """Share what was made."""
        super().__init__(*_ADAPTING.converters.values())


CONVERTER = DataConverter(payload_converter_class=Converter)
"""How every process of ours writes values for Temporal, and reads them."""

_REFUSED = re.compile(r'code: (?:Unauthenticated|PermissionDenied), message: "(?P<why>[^"]*)"')

T = TypeVar("T")


class AuthError(SetupError):
    """Temporal does not let us in."""

    exit_code = 4


class UnreachableError(SetupError):
    """Temporal, or the worker behind it, does not answer right now."""


def address() -> str:
    """`host:port` of the server that Temporal's own configuration names."""
    return str(_profile().get("target_host") or DEFAULT)


def _profile() -> dict[str, object]:
    try:
        return dict(ClientConfig.load_client_connect_config())
    except RuntimeError as error:
        raise SetupError(
            f"Temporal's configuration cannot be read: {error}. Nothing was started.",
            "Correct the file that TEMPORAL_CONFIG_FILE names, or the TEMPORAL_* variables.",
        ) from error


async def connect(settings: Settings) -> Client:
    """Connect. Raises UnreachableError naming the address, AuthError when we are not let in."""
    profile = _profile()
    where = profile.setdefault("target_host", DEFAULT)
    try:
        return await Client.connect(
            **profile,  # type: ignore[arg-type]
            data_converter=CONVERTER,
            connect_timeout=CONNECT,
            identity=f"{settings.identity} {os.getpid()}@{socket.gethostname()}",
        )
    except RPCError as error:
        raise _said(error) from error
    except RuntimeError as error:  # the SDK's only word for whatever the first call met
        if refused := _REFUSED.search(str(error)):
            raise _not_let_in(refused["why"]) from error
        raise UnreachableError(
            f"Temporal does not answer at {where}. Nothing was done.",
            "Start it with `stopline up`, or set TEMPORAL_ADDRESS to where it runs.",
        ) from error


async def polled(client: Client, queue: str) -> bool:
    """Whether a worker asked for this queue's work within the last minute or so."""
    for kind in (
        TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
        TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
    ):
        request = DescribeTaskQueueRequest(
            namespace=client.namespace, task_queue=TaskQueue(name=queue), task_queue_type=kind
        )
        try:
            answer = await client.workflow_service.describe_task_queue(request, timeout=ANSWER)
        except RPCError as error:
            raise _said(error) from error
        newest = max((p.last_access_time.ToSeconds() for p in answer.pollers), default=0)
        if newest < time.time() - POLL_SECONDS:
            return False
    return True


@dataclass(frozen=True, slots=True)
class Temporal:
    """What the program asks of Temporal, on one journal's queue."""

    client: Client
    queue: str

    async def require_worker(self) -> None:
        """Say soon that nobody is there to do the work, rather than wait for it."""
        for _ in range(LOOKS):
            if await polled(self.client, self.queue):
                return
            await asyncio.sleep(BETWEEN_LOOKS)  # one that has just been started asks in a moment
        raise self._nobody("is polling")

    def _nobody(self, does: str) -> SetupError:
        return SetupError(
            f"No worker {does} the queue {self.queue}. Nothing was done.",
            "Start one with `stopline worker` (or `stopline up`, which brings its own).",
        )

    async def plan(self, order: PauseOrder) -> PlanRef:
        """Have the vendor read and planned. Writes to no system.

        Raises SetupError when nobody takes the work: a worker that died a moment ago still counts
        as polling.
        """
        handle = await _answered(
            self.client.start_workflow(
                m.PLAN_VENDOR,
                order,
                id=f"plan/{order.vendor}/{order.scope.key}/{uuid4().hex[:8]}",
                task_queue=self.queue,
                result_type=PlanRef,
                static_summary=f"plan {order.vendor} ({order.scope.key})",
            )
        )
        planning = asyncio.ensure_future(_answered(handle.result()))
        waiting: frozenset[str] = frozenset()
        try:
            while not (await asyncio.wait({planning}, timeout=TAKEN_SECONDS))[0]:
                before, waiting = waiting, await _untaken(handle)
                if before & waiting:
                    await _answered(handle.terminate("no worker took it"))
                    raise self._nobody("takes work of")
        finally:
            planning.cancel()
        answer: PlanRef = planning.result()
        return answer

    async def check(self, order: CheckOrder) -> CheckRef:
        """Have the worker look, or make or remove a canary; what it found is in the journal."""
        id_ = f"preflight/{order.realm or 'all'}"
        return await self._done(m.PREFLIGHT, order, id_, order.activity, CheckRef)

    async def try_channels(self, order: TellOrder) -> Told:
        """Have a test of notices sent over every channel; what became of each."""
        return await self.about_notices(order, "test", "try the channels of notices")

    async def about_notices(self, order: TellOrder, word: str, summary: str) -> Told:
        """Have the worker do what a person wants of notices. Raises RefusedError with its no."""
        return await self._done(m.TELL, order, f"notices/{word}", summary, Told)

    async def _done(
        self, workflow: str, order: CheckOrder | TellOrder, id_: str, summary: str, result: type[T]
    ) -> T:
        """Have a short workflow run, under an id of its own, and wait for what it gives."""
        answer: T = await _answered(
            self.client.execute_workflow(
                workflow,
                order,
                id=f"{id_}/{uuid4().hex[:8]}",
                task_queue=self.queue,
                result_type=result,
                static_summary=summary,
            )
        )
        return answer

    async def start(self, order: PauseOrder) -> None:
        """Start the pause; an equal one that runs already is joined (ask `status` whose it is)."""
        await self._start(m.PauseState(order=order), WorkflowIDConflictPolicy.USE_EXISTING)

    async def adopt(self, state: m.PauseState) -> bool:
        """Start the pause in a state that the journal gave; False when its workflow is running."""
        try:
            await self._start(state, WorkflowIDConflictPolicy.FAIL)
        except WorkflowAlreadyStartedError:
            return False
        return True

    async def _start(self, state: m.PauseState, conflict: WorkflowIDConflictPolicy) -> None:
        """The summary is for Temporal's UI; the memo stays with the pause when it is renewed.

        No search attributes: one that a server does not know would fail the start.
        """
        order = state.order
        await _answered(
            self.client.start_workflow(
                m.PAUSE_VENDOR,
                state,
                id=order.workflow,
                task_queue=self.queue,
                id_conflict_policy=conflict,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                static_summary=f"pause {order.vendor} ({order.scope.key})",
                static_details=_details(order),
                memo={
                    "vendor": order.vendor,
                    "scope": order.scope.key,
                    "pause": order.pause,
                    "journal": order.journal,
                },
            )
        )

    async def whose(self, workflow: str) -> str | None:
        """The pause that a running workflow is of, empty where it does not say; None: none runs."""
        try:
            found = await self._handle(workflow).describe(rpc_timeout=ANSWER)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise _said(error) from error
        if found.status is not WorkflowExecutionStatus.RUNNING:
            return None
        return str(await found.memo_value("pause", ""))

    async def orphans(self, pauses: Iterable[Pause]) -> list[Pause]:
        """The open pauses whose workflow is gone: nobody watches them, nothing can be asked."""
        return [p for p in pauses if await self.whose(p.workflow) not in ("", p.id)]

    async def status(self, workflow: str) -> m.Status:
        """Ask a pause where it stands. Raises UnreachableError while nobody can answer."""
        status: m.Status = await _answered(
            self._handle(workflow).query(m.STATUS, result_type=m.Status, rpc_timeout=ANSWER)
        )
        return status

    async def say(self, workflow: str, update: str, word: object, returns: type[T]) -> T:
        """Say something to a pause and wait for its answer. Raises RefusedError with its no.

        Asks first where it stands, so that an absent worker is noticed before anything is said.
        """
        await self.status(workflow)
        answer: T = await _answered(
            self._handle(workflow).execute_update(
                update, word, id=uuid4().hex, result_type=returns, rpc_timeout=timedelta(minutes=5)
            )
        )
        return answer

    def _handle(self, workflow: str) -> WorkflowHandle[object, object]:
        return self.client.get_workflow_handle(workflow)


async def _untaken(handle: WorkflowHandle[Any, Any]) -> frozenset[str]:
    """What of a workflow waits for a worker, by when it began to; nothing where one is at work.

    https://docs.temporal.io/encyclopedia/detecting-workflow-failures
    """
    told = (await _answered(handle.describe())).raw_description
    task, activities = told.pending_workflow_task, told.pending_activities
    since = [one.scheduled_time for one in activities if one.state == ACTIVITY_WAITS]
    if task.state == TASK_WAITS:
        since.append(task.scheduled_time)
    return frozenset(moment.ToJsonString() for moment in since)


def _details(order: PauseOrder) -> str:
    """Markdown for Temporal's UI: who, why, and where all of it is written down."""
    return (
        f"Pause `{order.pause}` of **{order.vendor}**, scope `{order.scope.key}`  \n"
        f"asked for by {order.requester}: {order.reason}  \n"
        f"plan `{order.digest[:12]}`, journal `{order.journal}`  \n"
        f"what is held, what is left and why: `stopline status {order.pause}`"
    )


async def _answered(asked: Awaitable[T]) -> T:
    try:
        return await asked
    except (WorkflowUpdateFailedError, WorkflowFailureError) as error:
        raise _failure(error.cause) from error
    except (WorkflowQueryFailedError, WorkflowQueryRejectedError) as error:
        raise UnreachableError(f"The pause cannot say where it stands: {error}") from error
    except WorkflowUpdateRPCTimeoutOrCancelledError as error:
        raise UnreachableError(
            "The pause did not answer in time; what was said may still reach it.",
            "Look with `stopline status` before you say it again.",
        ) from error
    except RPCError as error:
        raise _said(error) from error


def _failure(cause: BaseException | None) -> StoplineError:
    """The innermost reason, as the error that it was before it travelled."""
    while isinstance(cause, FailureError) and cause.cause is not None:
        cause = cause.cause
    kind = getattr(errors, cause.type or "", None) if isinstance(cause, ApplicationError) else None
    message = getattr(cause, "message", "") or str(cause)
    if isinstance(kind, type) and issubclass(kind, StoplineError):
        if kind in (errors.ConnectorError, errors.StaleError):
            kind = SetupError
        return kind(message)
    return RefusedError(message)


def _not_let_in(why: str) -> AuthError:
    return AuthError(
        f"Temporal at {address()} does not let us in: {why}.",
        "Check TEMPORAL_API_KEY or the TLS certificate of your Temporal profile.",
    )


def _said(error: RPCError) -> StoplineError:
    """One of Temporal's own errors, in words; https://grpc.io/docs/guides/status-codes/"""
    if error.status in (RPCStatusCode.UNAUTHENTICATED, RPCStatusCode.PERMISSION_DENIED):
        return _not_let_in(error.message)
    if error.status is RPCStatusCode.NOT_FOUND:
        return SetupError(
            f"Temporal at {address()} does not know this: {error.message}.",
            "Is it the server on which the pause was started? `stopline doctor` says; "
            "if so: `stopline adopt`.",
        )
    return UnreachableError(
        f"Temporal at {address()} did not answer: {error.message}.",
        "Is it running, and a worker with it? See `stopline doctor`; what runs goes on by itself.",
    )
