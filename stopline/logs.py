"""Logs: structlog and the standard library's loggers through one formatter, secrets taken out.

Lines for people on a terminal, JSON elsewhere, always on stderr: stdout is for data. Callers bind
what they work on (`pause`, `account`, `batch`) with `structlog.contextvars`; workflows log through
`temporalio.workflow.logger`, which is silent during replay and ends here as well.
https://www.structlog.org/en/stable/standard-library.html
"""

import logging
import sys
from typing import Protocol, TextIO

import structlog
from structlog.stdlib import ProcessorFormatter
from structlog.typing import EventDict, Processor
from temporalio import activity, workflow

from stopline.redaction import redact_event

QUIET = ("alembic", "boto3", "botocore", "s3transfer", "urllib3")
"""Never below WARNING: at DEBUG some of them print request bodies and signatures."""


class Wishes(Protocol):
    """What `configure` wants to know; `Settings` has it."""

    @property
    def log_format(self) -> str:
        """`auto`, `console` or `json`."""
        ...

    @property
    def log_level(self) -> str:
        """A level of the standard library, such as `INFO`."""
        ...

    @property
    def no_color(self) -> bool:
        """Whether colours are unwanted."""
        ...


class _Handler(logging.StreamHandler[TextIO]):
    """Ours, so that a second `configure` replaces it and leaves others alone."""


def configure(wishes: Wishes, stream: TextIO | None = None) -> None:
    """Send every log line of the process to `stream` (stderr), redacted. May be called again."""
    out = sys.stderr if stream is None else stream
    terminal = out.isatty()
    console = wishes.log_format == "console" or (wishes.log_format == "auto" and terminal)
    handler = _Handler(out)
    handler.setFormatter(_formatter(console=console, colors=terminal and not wishes.no_color))
    root = logging.getLogger()
    for old in [h for h in root.handlers if isinstance(h, _Handler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    level = logging.getLevelNamesMapping()[wishes.log_level]
    root.setLevel(level)
    for name in QUIET:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    workflow.logger.workflow_info_on_message = False  # it is among the extra fields already
    activity.logger.activity_info_on_message = False
    structlog.configure(
        processors=[*_shared(), ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=False,
    )


def _shared() -> list[Processor]:
    """What is added to every line, from whichever logger it comes."""
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _without_echo(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Take out what another handler's formatter has left in the record; no caller may set it."""
    event.pop("message", None)
    event.pop("asctime", None)
    return event


def _formatter(*, console: bool, colors: bool) -> ProcessorFormatter:
    """Redaction stands last before the renderer, so that nothing is added behind it."""
    if console:
        exceptions: Processor = structlog.processors.format_exc_info
        renderer: Processor = structlog.dev.ConsoleRenderer(
            colors=colors, exception_formatter=structlog.dev.plain_traceback
        )
    else:
        frames = structlog.tracebacks.ExceptionDictTransformer(show_locals=False, max_frames=20)
        exceptions = structlog.processors.ExceptionRenderer(frames)
        renderer = structlog.processors.JSONRenderer(sort_keys=True, ensure_ascii=False)
    return ProcessorFormatter(
        foreign_pre_chain=[*_shared(), structlog.stdlib.ExtraAdder(), _without_echo],
        processors=[
            ProcessorFormatter.remove_processors_meta,
            structlog.processors.StackInfoRenderer(),
            exceptions,
            redact_event,
            renderer,
        ],
    )
