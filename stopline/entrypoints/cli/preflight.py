"""What `stopline doctor --preflight` looks at besides: this machine, Temporal, every account."""

import json
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import sqlalchemy as sa
from temporalio.api.workflowservice.v1 import (
    DescribeNamespaceRequest,
    DescribeNamespaceResponse,
    GetSystemInfoRequest,
)
from temporalio.service import RPCError

from activities.api import CheckOrder, read_queue
from stopline.entrypoints.cli.following import waiting_for
from stopline.entrypoints.cli.program import Program
from stopline.entrypoints.temporal import ANSWER, polled
from stopline.errors import StoplineError
from stopline.preflight import CANARY_VENDOR, Check
from stopline.text import Json, canonical

GIB = 1024**3
DISK_WARN, DISK_FAIL = 2.0, 0.25
"""GiB that must be free where the journal is: each change writes what was there before."""

RETENTION_DAYS = 30
PAYLOAD = 64 * 1024
"""Bytes that no payload of ours comes near; a server that allows less is set up oddly."""


def preflight(program: Program) -> list[Check]:
    """Every check, in order; what could not be looked at is a failed check."""
    looks: dict[str, Callable[[Program], Iterator[Check]]] = {
        "data directory": _data_directory,
        "disk": _disk,
        "journal": _journal,
        "temporal namespace": _temporal,
        "systems": _systems,
    }
    found = list[Check]()
    for name, look in looks.items():
        try:
            found += look(program)
        except StoplineError as error:
            found.append(Check(name, ok=False, found=error.what, next_step=error.next_step))
        except RPCError as error:
            step = "Is the server an old one, or behind a proxy? See its log."
            what = f"Temporal does not say: {error.message}"
            found.append(Check(name, ok=False, found=what, next_step=step))
    return found


# --- this machine --------------------------------------------------------------------------------


def _data_directory(program: Program) -> Iterator[Check]:
    """What lies there says what was before each change: secrets can be among it."""
    folder, journal = program.settings.data_dir, _journal_folder(program)
    yield _for_us_alone("data directory", folder)
    if journal is not None and journal != folder:
        yield _for_us_alone("journal directory", journal)


def _for_us_alone(name: str, folder: Path) -> Check:
    mode = stat.S_IMODE(folder.stat().st_mode)
    open_ = mode & (stat.S_IRWXG | stat.S_IRWXO)
    found = f"{folder}, mode {mode:04o}"
    return Check(name, ok=not open_, found=found, next_step=f"chmod 700 {folder}")


def _disk(program: Program) -> Iterator[Check]:
    folder = _journal_folder(program)
    if folder is None:
        yield Check("disk", ok=True, found="the journal is on a database server; look there")
        return
    free = shutil.disk_usage(folder).free / GIB
    yield Check(
        "disk",
        ok=free >= DISK_FAIL,
        found=f"{free:.1f} GiB free at {folder}",
        next_step="Make room: without it nothing is written, since nothing can be written down.",
        warn=free < DISK_WARN,
    )


def _journal_folder(program: Program) -> Path | None:
    url = sa.make_url(program.settings.journal_url)
    if url.get_backend_name() != "sqlite" or not url.database:
        return None
    return Path(url.database).absolute().parent


def _journal(program: Program) -> Iterator[Check]:
    """Write something for real, in the way in which everything is written down."""
    ref = program.book.pauses.keep("preflight", canonical({"asked": program.book.store.now()}))
    program.book.store.body(ref)
    yield Check("journal writable", ok=True, found=f"{program.settings.journal_shown}")


# --- Temporal ------------------------------------------------------------------------------------


def _temporal(program: Program) -> Iterator[Check]:
    """https://docs.temporal.io/self-hosted-guide/namespaces"""
    client = program.temporal.client
    service = client.workflow_service
    system = program.wait(service.get_system_info(GetSystemInfoRequest(), timeout=ANSWER))
    yield Check("temporal version", ok=True, found=system.server_version or "the server says none")
    request = DescribeNamespaceRequest(namespace=client.namespace)
    answer = program.wait(service.describe_namespace(request, timeout=ANSWER))
    yield _retention(answer)
    yield _limits(answer)
    queue = read_queue(program.book.id)
    reads = program.wait(polled(client, queue))
    found = f"{'one polls' if reads else 'nobody polls'} the queue {queue}"
    step = "Start a worker of this release: without one `stopline assess` is not answered."
    yield Check("worker that reads", ok=True, found=found, next_step=step, warn=not reads)


def _retention(answer: DescribeNamespaceResponse) -> Check:
    days = answer.config.workflow_execution_retention_ttl.ToSeconds() / 86_400
    return Check(
        "temporal retention",
        ok=True,
        found=f"closed workflows of {answer.namespace_info.name} are kept for {days:g} days",
        next_step="Set the namespace's retention longer than your longest reassessment.",
        warn=days < RETENTION_DAYS,
    )


def _limits(answer: DescribeNamespaceResponse) -> Check:
    limits = answer.namespace_info.limits
    blob = limits.blob_size_limit_error
    if not blob:
        return Check("temporal limits", ok=True, found="the server does not say", warn=True)
    return Check(
        "temporal limits",
        ok=blob >= PAYLOAD,
        found=f"payloads up to {blob} bytes",
        next_step=f"Raise `limit.blobSize.error` to {PAYLOAD} at least.",
    )


# --- the systems of record -----------------------------------------------------------------------


def frozen(program: Program, vendor: Json) -> str:
    """Freeze the estate with a vendor that no file has; the ref."""
    text = canonical({"vendor": CANARY_VENDOR, **vendor})
    return program.book.pauses.keep("frozen", program.configuration.freeze_for(text).dump())


def order_for(program: Program, **words: str) -> CheckOrder:
    """An order of a check, for this journal and this estate."""
    given = {"frozen": frozen(program, {}), **words}
    return CheckOrder(journal=program.book.id, **given)


def _systems(program: Program) -> Iterator[Check]:
    """The worker looks, since it alone holds credentials; the checks come by the journal."""
    temporal = program.at_work()
    with waiting_for(program, "the worker looks at every account"):
        ref = program.wait(temporal.check(order_for(program)))
    for check in read(program, ref.ref):
        yield Check(**check)


def read(program: Program, ref: str) -> Json:
    """What the worker found, as it was kept."""
    return json.loads(program.book.store.body(ref))
